"""What `crnsim.simulate` is given: times, tolerances, rates and starts, checked and made into arrays."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from crnsim.entrance.arguments import check_memory, check_number, shown
from crnsim.entrance.limits import LARGEST_CONCENTRATION, LARGEST_RATE, LONGEST_NAME, SMALLEST_ATOL
from crnsim.entrance.objects import check_array, check_line, check_sequence
from crnsim.errors import InputError
from crnsim.network.network import Network
from crnsim.noise.noise import Noise, NoiseLike, as_noise

#: Rate parameters by name, or rate constants.
Rates = Mapping[str, npt.ArrayLike] | np.ndarray
#: Absolute tolerances.
Tolerances = float | Mapping[str, npt.ArrayLike]

#: Neighbouring times must be further apart than this part of the time since the first: the compiled loop takes those
#: that are closer for one, and steps towards them are lost in rounding.
CLOSEST_TIMES = 1e-12
#: The highest concentration at the start; tolerances that are 1e-20 times as large still are numbers.
SMALLEST_SCALE = 1e-280
#: Powers of ten between a run and the fastest of its reactions, at most.
MOST_DECADES = 50
#: Values of rate parameters that are kept with a result, at most: weights may be millions.
MOST_SAID = 10_000
#: Bytes of a run beside its numbers: how it ended, and why.
RUN_BYTES = 500


def check_times(t: Sequence[float] | np.ndarray) -> np.ndarray:
    """Increasing times that rounding tells apart."""
    wanted = "increasing times, such as numpy.linspace(0, 100, 51)"
    # Steps of 1e-20 of the span are still numbers in double precision, and so are those of a rate constant.
    times = check_array("t", t, wanted=wanted, least=-LARGEST_RATE, most=LARGEST_RATE)
    if times.ndim != 1 or len(times) < 2 or np.any(np.diff(times) <= 0):
        raise InputError(
            "t must be at least two finite, increasing times, such as numpy.linspace(0, 100, 51)"
        )
    apart, since = np.diff(times), times[1:] - times[0]
    lost = np.maximum(CLOSEST_TIMES * since, 4 * np.finfo(float).eps * np.abs(times[1:]))
    least = np.maximum(lost, 1 / LARGEST_RATE)
    if np.any(apart <= least):
        worst = int(np.argmin(apart / least))
        raise InputError(
            f"t: {times[worst]:.6g} and {times[worst + 1]:.6g} are {apart[worst]:.3g} apart, which is lost in rounding;"
            f" let times be further apart than {CLOSEST_TIMES:g} of the time since the first, and {1 / LARGEST_RATE:g}"
        )
    return times


def check_room(network: Network, runs: int, n_times: int, n_kept: int, *, twice: bool) -> None:
    """Refuse results that would not fit into memory."""
    numbers = runs * (n_times * (network.n_species + n_kept) + 8 * network.n_species + network.n_reactions)
    check_memory(
        f"{runs:.4g} runs of {network.n_species} species at {n_times} times",
        (1 + twice) * float(8 * numbers + RUN_BYTES * runs),
        "ask for fewer replicates or times",
    )


def check_noise(noise: NoiseLike | None) -> Noise:
    """Noise that has something to act on."""
    checked = as_noise(noise)
    if checked.inputs:
        raise InputError("noise: inputs acts on samples that are shown, and here are none; leave it out")
    return checked


@contextlib.contextmanager
def _about(argument: str) -> Iterator[None]:
    """Name the argument in what is said of it."""
    try:
        yield
    except InputError as error:
        said = str(error) if argument == "initial" else str(error).removeprefix("initial ")
        if argument == "initial" and "numbers >= 0" in said:
            said += "; the last values of a run may lie a little below 0: clip them, such as by numpy.maximum"
        raise InputError(said if said.startswith(argument) else f"{argument}: {said}") from None


def check_atol(network: Network, atol: Tolerances | None) -> np.ndarray | None:
    """Absolute tolerance of each species, -1 where none is given."""
    if atol is None:
        return None
    if not isinstance(atol, Mapping):
        if isinstance(atol, (list, tuple, np.ndarray)):
            raise InputError(
                f"atol is {shown(atol)}; it must be a number, or numbers by name, such as {{'A': 1e-9}}"
            )
        number = check_number("atol", atol, least=SMALLEST_ATOL, most=LARGEST_CONCENTRATION)
        return np.full(network.n_species, number)
    with _about("atol"):
        given = network.state(atol)
    named = network.state({name: np.ones(np.shape(values)) for name, values in atol.items()}) > 0
    if np.any(given[named] < SMALLEST_ATOL):
        worst = network.labels[int(np.flatnonzero(named & (given < SMALLEST_ATOL))[0])]
        raise InputError(f"atol of {worst} is {given[named].min():g}; it must be at least {SMALLEST_ATOL:g}")
    tolerances: np.ndarray = np.where(named, given, -1.0)
    return tolerances


def atol_text(atol: Tolerances | None) -> float | str:
    """The absolute tolerances as an attribute."""
    if atol is None:
        return "scaled"
    if isinstance(atol, Mapping):
        return json.dumps({name: np.asarray(value, dtype=float).tolist() for name, value in atol.items()})
    return float(atol)


def check_rates(
    network: Network, rates: Rates | None, replicates: int
) -> tuple[np.ndarray, dict[str, Any], int]:
    """Rate constants, shape (1 or replicates, n_reactions); the parameters that were used; the number of runs."""
    parameters: dict[str, Any] = dict(network.parameters)
    arrays = network.arrays
    if sum(array.size for array in arrays.values()) <= MOST_SAID:
        parameters |= {name: array.tolist() for name, array in arrays.items()}
    if rates is None or isinstance(rates, Mapping):
        given = {
            name: check_array(
                f"rates: '{name}'", value, wanted="a number, or one for each replicate", least=0
            )
            if network.has_parameter(name)
            else value
            for name, value in dict(rates or {}).items()
        }
        if empty := [name for name, value in given.items() if np.size(value) == 0]:
            raise InputError(f"rates: {empty[0]} is empty; give one value, or one for each replicate")
        shapes: dict[str, tuple[int, ...]] = {name: () for name in given if network.has_parameter(name)}
        shapes |= {name: array.shape for name, array in arrays.items()}
        by_run = {
            name: np.asarray(value)
            for name, value in given.items()
            if name in shapes and np.ndim(value) == len(shapes[name]) + 1
        }
        counts = {name: len(value) for name, value in by_run.items()}
        for name, count in counts.items():
            if count != max(counts.values()) or replicates not in (1, count):
                other = replicates if replicates != 1 else max(counts.values())
                raise InputError(
                    f"rates: {name} has {count} values; give one, or one for each of {other} replicates"
                )
        runs = max(counts.values(), default=1)
        rows = [
            network.rate_constants(given | {name: value[run] for name, value in by_run.items()})
            for run in range(max(runs, 1))
        ]
        plain = {name: np.asarray(value).tolist() for name, value in given.items()}
        # An array does not keep a value that one of its own replaces.
        replaced = {name.partition("[")[0] for name in plain if "[" in name}
        used = {name: value for name, value in parameters.items() if name not in replaced} | plain
        used |= {name: _replaced(arrays[name], name, plain) for name in replaced & parameters.keys()}
        return np.array(rows), used, max(replicates, runs)
    wanted = "rate parameters by name, or an array with a rate constant for each reaction"
    constants = np.atleast_2d(check_array("rates", rates, wanted=wanted, least=0, most=LARGEST_RATE))
    if constants.shape not in {(1, network.n_reactions), (replicates, network.n_reactions)}:
        shapes_of = f"({network.n_reactions},) or ({replicates}, {network.n_reactions})"
        raise InputError(f"rates have shape {np.shape(rates)}; they must have shape {shapes_of}")
    return constants, {}, replicates


def _replaced(array: np.ndarray, name: str, given: Mapping[str, Any]) -> Any:
    """An array of rate parameters without the values that are given one by one: they are None in it."""
    found = array.astype(object)
    for one in given:
        if one.partition("[")[0] == name and "[" in one:
            found[tuple(int(i) for i in one[len(name) + 1 : -1].split(","))] = None
    return found.tolist()


def check_state(
    network: Network, initial: Mapping[str, npt.ArrayLike] | npt.ArrayLike | None, replicates: int
) -> tuple[np.ndarray, int]:
    """State that all runs share, shape (n_species,), or that of each; and the number of runs."""
    if initial is None:
        initial = network.initial or None
    if initial is None and network.n_species:
        raise InputError(
            "initial is not given, so that no species is there; give concentrations, such as "
            f"initial={{'{network.species[0].name}': 1.0}}, or initial={{}} for an empty pot"
        )
    if initial is None or isinstance(initial, Mapping):
        with _about("initial"):
            state = network.state(initial)
        _check_unit(state)
        return state, replicates
    wanted = "concentrations by array name, or an array of them"
    with _about("initial"):
        state = check_array("initial", initial, wanted=wanted, least=0, most=LARGEST_CONCENTRATION)
    if state.ndim not in (1, 2) or state.shape[-1] != network.n_species or not len(state):
        raise InputError(
            f"initial has shape {state.shape}; it must be ({network.n_species},), or (runs, {network.n_species})"
        )
    if state.ndim == 2 and replicates not in (1, len(state)):
        raise InputError(f"initial has {len(state)} states for {replicates} replicates; leave replicates out")
    _check_unit(state)
    places = [species.place for species in network.species]
    if places != sorted(places) and network.derived.setdefault("order", True):
        # Who lists the concentrations as he has declared the species means others. Said once of a network.
        network.derived["order"] = False
        names = ", ".join(species.name for species in network.species)
        logging.getLogger("crnsim").warning(
            "simulate: initial is an array, and read in the order of network.labels, in which species that no reaction "
            "changes come last (%s); to be sure, give concentrations by name",
            names if len(names) < LONGEST_NAME else f"{names[:LONGEST_NAME]} ...",
        )
    if state.ndim == 2 and len(state) == 1:
        state = state[0]  # of all runs, as many as there are
    return state, len(state) if state.ndim == 2 else replicates


def _check_unit(state: np.ndarray) -> None:
    """Refuse concentrations so small that their tolerances are below the smallest numbers."""
    highest = np.max(state, axis=-1, initial=0.0)
    if np.any((highest > 0) & (highest < SMALLEST_SCALE)):
        raise InputError(
            f"initial: the highest concentration is {float(np.min(highest[highest > 0])):g}; it must be 0, or at least "
            f"{SMALLEST_SCALE:g}, for tolerances far below it: take another unit"
        )


def kept_rows(network: Network, species: Sequence[str] | None) -> np.ndarray:
    """Rows of the species to return."""
    if species is None:
        return np.arange(network.n_species)
    wanted = "names of species, such as ['A', 'W[0,1]']"
    names = [species] if isinstance(species, str) else check_sequence("species", species, wanted)
    row_of = {label: row for row, label in enumerate(network.labels)}
    if not len(names):
        raise InputError("species is empty; name at least one, or leave it out for all")
    names = [check_line("a name in species", str(n) if isinstance(n, np.str_) else n) for n in names]
    with _about("species"):
        rows = np.concatenate([[row_of[n]] if n in row_of else network.rows(n).ravel() for n in names])
    found, counts = np.unique(rows, return_counts=True)
    if np.any(counts > 1):
        raise InputError(f"species names {network.labels[int(found[counts > 1][0])]} twice; name each once")
    return rows.astype(int)


def check_speed(network: Network, constants: np.ndarray, state: np.ndarray, span: float) -> None:
    """Refuse reactions so fast that nothing of them is left in the rounding of what a run does."""
    orders = np.repeat([family.order for family in network.families], [f.size for f in network.families])
    highest = float(np.max(state, initial=0.0)) or 1.0
    with np.errstate(divide="ignore"):
        decades = np.log10(constants) + (orders - 1.0) * np.log10(highest) + np.log10(span)
    # What needs no reactant is no faster for it, and what needs many slows down as they are used up.
    decades = np.where((orders == 1) | (orders == 2), decades, -np.inf)
    if np.any(decades > MOST_DECADES):
        worst = int(np.argmax(np.max(decades, axis=0)))
        family = network.families[int(np.searchsorted(network.first_reactions, worst, side="right")) - 1]
        raise InputError(
            f"reaction {shown(family.equation, 200)} takes less than 1e-{MOST_DECADES} of the time that is asked for, "
            "which is lost in rounding; take a smaller rate constant or a shorter time"
        )
