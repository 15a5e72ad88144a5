"""Integrate any network over given times."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from crnsim.entrance.arguments import check_memory, check_number, check_seed, check_whole, shown
from crnsim.entrance.limits import (
    LARGEST_CONCENTRATION,
    LARGEST_RATE,
    LARGEST_TOLERANCE,
    MOST_STEPS,
    SMALLEST_ATOL,
    SMALLEST_RTOL,
)
from crnsim.entrance.objects import check_array, check_instance, check_line, check_sequence
from crnsim.errors import InputError
from crnsim.network.network import Network
from crnsim.noise.noise import Noise
from crnsim.outcomes import OUTCOMES
from crnsim.solvers.protocol import Protocol, Record

if TYPE_CHECKING:
    import xarray as xr

Rates = Mapping[str, npt.ArrayLike] | np.ndarray

#: Neighbouring times must be further apart than this part of the time since the first: the compiled loop takes those
#: that are closer for one, and steps towards them are lost in rounding.
CLOSEST_TIMES = 1e-12
#: Networks of more reactions are integrated without a look at what grows out of the tolerances.
MOST_WATCHED = 5000
#: From this many tolerances on an estimated error is worth a warning.
MUCH = 20.0
#: Bytes of a run beside its numbers: how it ended, and why.
_RUN_BYTES = 500


def simulate(
    network: Network,
    t: Sequence[float] | np.ndarray,
    *,
    method: str = "auto",
    rates: Rates | None = None,
    initial: Mapping[str, npt.ArrayLike] | npt.ArrayLike | None = None,
    replicates: int = 1,
    noise: Noise | None = None,
    volume: float | None = None,
    seed: int | None = None,
    species: Sequence[str] | None = None,
    rtol: float = 1e-6,
    atol: float | Mapping[str, npt.ArrayLike] | None = None,
    max_steps: int = 1_000_000,
    estimate: bool = True,
    keep_rates: bool = False,
) -> xr.Dataset:
    """Integrate mass-action kinetics from ``t[0]`` to ``t[-1]``.

    Parameters
    ----------
    network : Network
    t : array_like, shape (n_times,)
        Increasing times at which concentrations are returned, in units of 1/k.
    method : str
        ``"auto"``, another name in `crnsim.solvers.METHODS`, that of an installed package's method, or
        ``module:NAME`` for one in a file of your own (see ``docs/methods.md``).
    rates : mapping or array_like, optional
        Parameters with another value, or with one value for each replicate; or a rate constant for each elementary
        reaction: shape (n_reactions,), or (replicates, n_reactions).
    initial : mapping or array_like
        Concentrations by array name (what is not named is zero; ``{}`` for an empty pot), a state vector, or one for
        each run: shape (runs, n_species).
    replicates : int
        Runs; they differ only where `rates` has one set for each, or `initial` one state, which then counts them, by
        `noise`, and in the random numbers of a stochastic method.
    noise : Noise, optional
        With the meaning that it has in training: ``rates`` draws every rate constant of a replicate, ``concentrations``
        kicks them every ``interval``. No samples are shown, so that ``inputs`` has nothing to act on.
    volume : float, optional
        For stochastic methods, which need it: a concentration c stands for ``c * volume`` molecules. A deterministic
        method refuses it.
    seed : int, optional
        For noise and stochastic methods, 0 if left out: equal seeds give equal numbers. Refused where nothing is drawn.
    species : sequence of str, optional
        Arrays or single species to keep; all by default.
    rtol : float
        Relative tolerance of the error control.
    atol : float or mapping, optional
        Absolute tolerance, for all species or by array or species. That of a species for which none is given is 1e-9
        `rtol` times its highest concentration so far, or the highest one at the start if it is not there then: an
        answer does not depend on the unit of concentrations.
    max_steps : int
        Budget of steps for each replicate.
    estimate : bool
        Integrate each run a second time, at ten times the tolerances, to estimate its error.
    keep_rates : bool
        Return the rate constants of each replicate too, with their noise.

    Returns
    -------
    xarray.Dataset
        ``concentration`` (replicate, time, species), dimensionless; ``status``, ``reason`` and step counts per
        replicate; ``error``, its estimated error in tolerances; ``warning``, what to know of a run that is ``ok``, empty
        for nothing. After a run has ended early its concentrations are nan. Concentrations may lie below zero by a few
        absolute tolerances, and never by more than 100.

    Raises
    ------
    InputError
        For times that do not increase, or lie so close that rounding does not tell them apart; an unknown method or
        species, no initial concentrations, arrays that do not fit, numbers out of range, results that do not fit into
        memory, noise without anything to act on, or a volume or seed that does not suit the method.
    """
    from crnsim.solvers import estimate as estimates
    from crnsim.solvers import find_method, solve
    from crnsim.solvers.scales import fit_scales
    from crnsim.solvers.single import plain_protocol

    check_instance(
        "network", network, Network, "a crnsim.Network, such as that of a circuit: circuit.network"
    )
    times = _check_times(t)
    chosen = find_method(method)
    rtol = check_number("rtol", rtol, least=SMALLEST_RTOL, most=LARGEST_TOLERANCE)
    tolerances = _check_atol(network, atol)
    max_steps = check_whole("max_steps", max_steps, most=MOST_STEPS)
    replicates = check_whole("replicates", replicates)
    noise = _check_noise(noise)
    seed = _check_seed(seed, drawn=bool(noise.acting) or chosen.stochastic, method=method)
    if volume is not None:
        volume = check_number("volume", volume, above=0.0, most=LARGEST_CONCENTRATION)
    flags = {"estimate": estimate, "keep_rates": keep_rates}
    for name, flag in flags.items():
        if not isinstance(flag, (bool, np.bool_)):
            raise InputError(f"{name} is {shown(flag)}; it must be True or False")
    kept = _kept(network, species)
    state = _check_state(network, initial, replicates)
    replicates = len(state) if state.ndim == 2 else replicates
    constants, parameters, replicates = _check_rates(network, rates, replicates)
    twice = bool(estimate) and not chosen.stochastic and rtol <= estimates.LARGEST_RTOL
    _check_room(network, replicates * (1 + twice), len(times), len(kept))
    start = state if state.ndim == 2 else np.tile(state, (replicates, 1))
    if len(constants) == 1 and noise.rates:
        constants = np.tile(constants, (replicates, 1))
    span = times[-1] - times[0]
    protocol = plain_protocol(
        start,
        constants,
        span=span,
        grid=(times - times[0]) / span,
        rtol=rtol,
        atol=SMALLEST_ATOL,
        max_steps=max_steps,
        guarded=not chosen.stochastic and network.n_reactions <= MOST_WATCHED,
    )
    protocol = _with_noise(network, protocol, noise, seed or 0)
    used = protocol.rates.copy()
    if not chosen.stochastic:
        protocol = fit_scales(network, protocol, tolerances)
    if twice:
        protocol = estimates.doubled(protocol)
    record, reasons = solve(
        network,
        protocol,
        method=method,
        volume=volume,
        seed=seed if chosen.stochastic else None,
        time_zero=float(times[0]),
    )
    errors = np.full(replicates, np.nan)
    if twice:
        errors = estimates.errors(protocol, record, chosen.orders)
        record, reasons = estimates.first_of_two(record), reasons[::2]
    options: dict[str, Any] = {"method": method, "rtol": rtol, "atol": _atol_text(atol)}
    options["parameters"] = json.dumps(parameters)
    if seed is not None:
        options["seed"] = seed
    if chosen.stochastic:
        options["volume"] = volume
    if noise.acting:
        options["noise"] = json.dumps(noise.to_dict())
    result = _dataset(network, record, reasons, times, kept, options)
    result = _with_errors(network, result, record, errors)
    if keep_rates:
        result = _with_rates(network, result, used[protocol.member["rate_set"][:: 1 + twice]])
    return result


def _check_times(t: Sequence[float] | np.ndarray) -> np.ndarray:
    wanted = "increasing times, such as numpy.linspace(0, 100, 51)"
    # Steps of 1e-20 of the span are still numbers in double precision, and so are those of a rate constant.
    times = check_array("t", t, wanted=wanted, least=-LARGEST_RATE, most=LARGEST_RATE)
    if times.ndim != 1 or len(times) < 2 or np.any(np.diff(times) <= 0):
        raise InputError(
            "t must be at least two finite, increasing times, such as numpy.linspace(0, 100, 51)"
        )
    apart, since = np.diff(times), times[1:] - times[0]
    least = np.maximum(CLOSEST_TIMES * since, 4 * np.finfo(float).eps * np.abs(times[1:]))
    if np.any(apart <= least) or since[-1] < 1 / LARGEST_RATE:
        worst = int(np.argmin(apart / least))
        raise InputError(
            f"t: {times[worst]:.6g} and {times[worst + 1]:.6g} are {apart[worst]:.3g} apart, which is lost in rounding;"
            f" let times be further apart than {CLOSEST_TIMES:g} of the time since the first, and span at least "
            f"{1 / LARGEST_RATE:g}"
        )
    return times


def _check_room(network: Network, runs: int, n_times: int, n_kept: int) -> None:
    """Refuse results that would not fit into memory."""
    numbers = runs * (n_times * (network.n_species + n_kept) + 8 * network.n_species + network.n_reactions)
    check_memory(
        f"{runs:.4g} runs of {network.n_species} species at {n_times} times",
        float(8 * numbers + _RUN_BYTES * runs),
        "ask for fewer replicates or times",
    )


def _check_noise(noise: Noise | None) -> Noise:
    if noise is None:
        return Noise()
    check_instance("noise", noise, Noise, "a crnsim.Noise, such as crnsim.Noise(rates=0.1)")
    if noise.inputs:
        raise InputError("noise: inputs acts on samples that are shown, and here are none; leave it out")
    return noise


def _check_seed(seed: int | None, *, drawn: bool, method: str) -> int | None:
    if seed is None:
        return 0 if drawn else None
    if not drawn:
        raise InputError(
            f"seed is {shown(seed)}, but nothing is drawn: method '{method}' is deterministic and there is no noise; "
            "leave it out, or give noise, such as noise=crnsim.Noise(rates=0.1)"
        )
    return check_seed(seed)


def _check_atol(network: Network, atol: float | Mapping[str, npt.ArrayLike] | None) -> np.ndarray | None:
    """Absolute tolerance of each species, -1 where none is given."""
    if atol is None:
        return None
    if not isinstance(atol, Mapping):
        number = check_number("atol", atol, least=SMALLEST_ATOL, most=LARGEST_CONCENTRATION)
        return np.full(network.n_species, number)
    given = network.state(atol)
    named = network.state({name: np.ones(np.shape(values)) for name, values in atol.items()}) > 0
    if np.any(given[named] < SMALLEST_ATOL):
        worst = network.labels[int(np.flatnonzero(named & (given < SMALLEST_ATOL))[0])]
        raise InputError(f"atol of {worst} is {given[named].min():g}; it must be at least {SMALLEST_ATOL:g}")
    tolerances: np.ndarray = np.where(named, given, -1.0)
    return tolerances


def _atol_text(atol: float | Mapping[str, npt.ArrayLike] | None) -> float | str:
    """The absolute tolerances as an attribute."""
    if atol is None:
        return "scaled"
    if isinstance(atol, Mapping):
        return json.dumps({name: np.asarray(value).tolist() for name, value in atol.items()})
    return float(atol)


def _check_rates(
    network: Network, rates: Rates | None, replicates: int
) -> tuple[np.ndarray, dict[str, Any], int]:
    """Rate constants, shape (1 or replicates, n_reactions); the parameters that were used; the number of runs."""
    parameters = {name: np.asarray(value).tolist() for name, value in network.parameters.items()}
    if rates is None or isinstance(rates, Mapping):
        given = dict(rates or {})
        shapes = {name: np.shape(value) for name, value in network.parameters.items()}
        by_run = {
            name: np.asarray(value)
            for name, value in given.items()
            if name in shapes and np.ndim(value) == len(shapes[name]) + 1
        }
        counts = {name: len(value) for name, value in by_run.items()}
        for name, count in counts.items():
            if count != max(counts.values()) or replicates not in (1, count):
                wanted = replicates if replicates != 1 else max(counts.values())
                raise InputError(
                    f"rates: {name} has {count} values; give one, or one for each of {wanted} replicates"
                )
        runs = max(counts.values(), default=1)
        rows = [
            network.rate_constants(given | {name: value[run] for name, value in by_run.items()})
            for run in range(max(runs, 1))
        ]
        used = parameters | {name: np.asarray(value).tolist() for name, value in given.items()}
        return np.array(rows), used, max(replicates, runs)
    wanted = "rate parameters by name, or an array with a rate constant for each reaction"
    constants = np.atleast_2d(check_array("rates", rates, wanted=wanted, least=0, most=LARGEST_RATE))
    if constants.shape not in {(1, network.n_reactions), (replicates, network.n_reactions)}:
        shapes_of = f"({network.n_reactions},) or ({replicates}, {network.n_reactions})"
        raise InputError(f"rates have shape {np.shape(rates)}; they must have shape {shapes_of}")
    return constants, {}, replicates


def _check_state(
    network: Network, initial: Mapping[str, npt.ArrayLike] | npt.ArrayLike | None, replicates: int
) -> np.ndarray:
    """State that all runs share, shape (n_species,), or that of each."""
    if initial is None:
        raise InputError(
            "initial is not given, so that no species is there; give concentrations, such as "
            f"initial={{'{network.species[0].name if network.species else 'A'}': 1.0}}, that of a circuit as "
            "initial=circuit.initial, or initial={} for an empty pot"
        )
    if isinstance(initial, Mapping):
        return network.state(initial)
    wanted = "concentrations by array name, or an array of them"
    state = check_array("initial", initial, wanted=wanted, least=0, most=LARGEST_CONCENTRATION)
    if state.ndim not in (1, 2) or state.shape[-1] != network.n_species or not len(state):
        raise InputError(
            f"initial has shape {state.shape}; it must be ({network.n_species},), or (runs, {network.n_species})"
        )
    if state.ndim == 2 and replicates not in (1, len(state)):
        raise InputError(f"initial has {len(state)} states for {replicates} replicates; leave replicates out")
    return state


def _kept(network: Network, species: Sequence[str] | None) -> np.ndarray:
    """Rows of the species to return."""
    if species is None:
        return np.arange(network.n_species)
    wanted = "names of species, such as ['A', 'W[0,1]']"
    names = [species] if isinstance(species, str) else check_sequence("species", species, wanted)
    row_of = {label: row for row, label in enumerate(network.labels)}
    if not len(names):
        raise InputError("species is empty; name at least one, or leave it out for all")
    names = [check_line("a name in species", str(n) if isinstance(n, np.str_) else n) for n in names]
    rows = np.concatenate([[row_of[n]] if n in row_of else network.rows(n).ravel() for n in names])
    found, counts = np.unique(rows, return_counts=True)
    if np.any(counts > 1):
        raise InputError(f"species names {network.labels[int(found[counts > 1][0])]} twice; name each once")
    return rows.astype(int)


def _with_noise(network: Network, protocol: Protocol, noise: Noise, seed: int) -> Protocol:
    """Draw the rate constants of each run, and the keys of what is drawn on the way."""
    from crnsim.noise.applied import NoisyRuns, noise_tables, perturb_rate_constants
    from crnsim.noise.network import kept_sums, network_key, scope_of

    if not noise.acting:
        return protocol
    noise.check_events(float(protocol.member["running_time"][0]))
    keys = [partial(network_key, seed, run) for run in range(len(protocol.member))]
    for rates, key in zip(protocol.rates, keys, strict=False):
        perturb_rate_constants(network, noise, rates, key)
    runs = NoisyRuns(
        protocol.member,
        network.family_names,
        [noise] * len(keys),
        keys,
        "simulation",
        partial(scope_of, network),
    )
    laws = kept_sums(network) if noise.concentrations else protocol.laws
    return protocol._replace(**noise_tables(runs), laws=laws)


def _dataset(
    network: Network,
    record: Record,
    reasons: list[str],
    times: np.ndarray,
    kept: np.ndarray,
    options: dict[str, Any],
) -> xr.Dataset:
    import xarray as xr

    from crnsim import __version__

    flags = {"flag_values": np.arange(len(OUTCOMES), dtype=np.int8), "flag_meanings": " ".join(OUTCOMES)}
    return xr.Dataset(
        {
            "concentration": (
                ("replicate", "time", "species"),
                record.trajectory[:, 0][:, :, kept],
                {"units": "1", "long_name": "concentration"},
            ),
            "status": ("replicate", record.run["status"].astype(np.int8), flags),
            "reason": ("replicate", np.array(reasons, dtype=object)),
            "steps": ("replicate", record.run["steps"]),
            "rejected": ("replicate", record.run["rejected"]),
            "evaluations": ("replicate", record.run["evaluations"]),
        },
        coords={
            "replicate": np.arange(len(record.run["status"])),
            "time": ("time", times, {"units": "1/k"}),
            "species": [network.labels[row] for row in kept],
        },
        attrs={"version": __version__, **options},
    )


def _with_errors(network: Network, result: xr.Dataset, record: Record, errors: np.ndarray) -> xr.Dataset:
    """Add estimated errors, and warnings in words."""
    texts = []
    for error, grown in zip(errors, record.grown, strict=True):
        said = []
        if error > MUCH:
            said.append(
                f"the error is about {error:.2g} tolerances: the network enlarges errors; ask for a smaller rtol"
                if np.isfinite(error)
                else "at ten times the tolerances the run does not end well: its outcome hangs on them"
            )
        if grown.any():
            names = [network.labels[row] for row in np.flatnonzero(grown)]
            more = f" and {len(names) - 5} more" if len(names) > 5 else ""
            said.append(
                f"{', '.join(names[:5])}{more} grew from below the absolute tolerance; integrated by relative ones alone"
            )
        texts.append("; ".join(said))
    for text in sorted(set(texts) - {""}):
        logging.getLogger("crnsim").warning("simulate: %s", text)
    return result.assign(
        error=("replicate", errors, {"long_name": "estimated error", "units": "tolerances"}),
        warning=("replicate", np.array(texts, dtype=object)),
    )


def _with_rates(network: Network, result: xr.Dataset, rates: np.ndarray) -> xr.Dataset:
    equations = [str(reaction) for reaction in network.reactions()]
    return result.assign(rate_constant=(("replicate", "reaction"), rates)).assign_coords(reaction=equations)
