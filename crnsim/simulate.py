"""Integrate any network over given times."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from crnsim.entrance.arguments import check_memory, check_number, check_seed, check_whole
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
from crnsim.outcomes import OUTCOMES
from crnsim.solvers.protocol import Protocol, Record, new_members

if TYPE_CHECKING:
    import xarray as xr

Rates = Mapping[str, float] | np.ndarray

#: Neighbouring times must be further apart than this part of the time since the first: the compiled loop takes those
#: that are closer for one, and steps towards them are lost in rounding.
CLOSEST_TIMES = 1e-12
#: Networks of more reactions are integrated without a look at what grows out of the tolerances.
MOST_WATCHED = 5000
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
    volume: float | None = None,
    seed: int | None = None,
    species: Sequence[str] | None = None,
    rtol: float = 1e-6,
    atol: float | None = None,
    max_steps: int = 1_000_000,
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
        Parameters with another value, or a rate constant for each elementary reaction: shape (n_reactions,), or
        (replicates, n_reactions) for one set per replicate.
    initial : mapping or array_like, optional
        Concentrations by array name (what is not named is zero), a state vector, or one for each run: shape
        (runs, n_species).
    replicates : int
        Runs; they differ only where `rates` has one set for each, or `initial` one state, which then counts them, and
        in the random numbers of a stochastic method.
    volume : float, optional
        For stochastic methods, which need it: a concentration c stands for ``c * volume`` molecules. A deterministic
        method refuses it.
    seed : int, optional
        For stochastic methods, 0 if left out: equal seeds give equal numbers. A deterministic method refuses it.
    species : sequence of str, optional
        Arrays or single species to keep; all by default.
    rtol, atol : float
        Tolerances of the error control.
    max_steps : int
        Budget of steps for each replicate.

    Returns
    -------
    xarray.Dataset
        ``concentration`` (replicate, time, species), dimensionless; ``status`` and step counts per replicate. After a
        run has ended early its concentrations are nan. Concentrations may lie below zero by a few times `atol`, and
        at the steps by never more than 100 times.

    Raises
    ------
    InputError
        For times that do not increase, or lie so close that rounding does not tell them apart; an unknown method or
        species, arrays that do not fit, numbers out of range, results that do not fit into memory, or a volume or seed
        that does not suit the method.
    """
    from crnsim.solvers import find_method, solve
    from crnsim.solvers.scales import fit_scales

    check_instance(
        "network", network, Network, "a crnsim.Network, such as that of a circuit: circuit.network"
    )
    times = _check_times(t)
    chosen = find_method(method)
    rtol = check_number("rtol", rtol, least=SMALLEST_RTOL, most=LARGEST_TOLERANCE)
    if atol is not None:
        atol = check_number("atol", atol, least=SMALLEST_ATOL, most=LARGEST_CONCENTRATION)
    max_steps = check_whole("max_steps", max_steps, most=MOST_STEPS)
    replicates = check_whole("replicates", replicates)
    seed = None if seed is None else check_seed(seed)
    if volume is not None:
        volume = check_number("volume", volume, above=0.0, most=LARGEST_CONCENTRATION)
    kept = _kept(network, species)
    state = _check_state(network, initial, replicates)
    replicates = len(state) if state.ndim == 2 else replicates
    _check_room(network, replicates, len(times), len(kept))
    start = state if state.ndim == 2 else np.tile(state, (replicates, 1))
    constants = _check_rates(network, rates, replicates)
    span = times[-1] - times[0]
    protocol = plain_protocol(
        start,
        constants,
        span=span,
        grid=(times - times[0]) / span,
        rtol=rtol,
        atol=0.0,
        max_steps=max_steps,
        guarded=network.n_reactions <= MOST_WATCHED,
    )
    protocol = fit_scales(network, protocol, None if atol is None else np.full(network.n_species, atol))
    record, reasons = solve(
        network, protocol, method=method, volume=volume, seed=seed, time_zero=float(times[0])
    )
    options: dict[str, object] = {"method": method, "rtol": rtol, "atol": atol}
    if chosen.stochastic:
        options |= {"volume": volume, "seed": seed or 0}
    return _dataset(network, record, reasons, times, kept, options)


def plain_protocol(
    start: np.ndarray,
    constants: np.ndarray,
    *,
    span: float,
    grid: np.ndarray,
    rtol: float,
    atol: float,
    max_steps: int,
    guarded: bool = False,
) -> Protocol:
    """One presentation without samples or noise for each row of `start`; rows of `constants` go with them."""
    member = new_members(len(start))
    member["rate_set"] = np.arange(len(start)) % len(constants)
    member["record_slot"] = np.arange(len(start))
    member["running_time"] = span
    member["max_steps"] = max_steps
    member["moderate"] = np.where((highest := np.max(start, axis=1, initial=0.0)) > 0, highest, 1.0)
    none = np.zeros((0, 2), dtype=np.int64)
    return Protocol(
        start=np.ascontiguousarray(start, dtype=float),
        rates=np.ascontiguousarray(constants, dtype=float),
        member=member,
        order=np.zeros((len(start), 1), dtype=np.int32),
        patterns=np.zeros((1, 0)),
        clamp=none,
        n_features=0,
        output=none,
        rate_keys=np.zeros((len(start), 0, 2), dtype=np.uint64),
        kick_keys=np.zeros((len(start), 0, 2), dtype=np.uint64),
        kicked=none,
        laws=none,
        checkpoint_after=none[:, 0].copy(),
        record_presentations=np.zeros(1, dtype=np.int64),
        grid=np.ascontiguousarray(grid, dtype=float),
        rtol=float(rtol),
        atol=np.full((1, start.shape[1]), atol, dtype=float),
        guarded=int(guarded),
    )


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
            f"t: {times[worst]:.6g} and {times[worst + 1]:.6g} are {apart[worst]:.3g} apart, which is lost in rounding; "
            f"let times be further apart than {CLOSEST_TIMES:g} of the time since the first, and span {1 / LARGEST_RATE:g}"
        )
    return times


def _check_room(network: Network, replicates: int, n_times: int, n_kept: int) -> None:
    """Refuse results that would not fit into memory."""
    numbers = replicates * (n_times * (network.n_species + n_kept) + 8 * network.n_species)
    check_memory(
        f"{replicates:.4g} runs of {network.n_species} species at {n_times} times",
        float(8 * numbers + _RUN_BYTES * replicates),
        "ask for fewer replicates or times",
    )


def _check_rates(network: Network, rates: Rates | None, replicates: int) -> np.ndarray:
    if rates is None or isinstance(rates, Mapping):
        return network.rate_constants(rates)[None, :]
    wanted = "rate parameters by name, or an array with a rate constant for each reaction"
    constants = np.atleast_2d(check_array("rates", rates, wanted=wanted, least=0, most=LARGEST_RATE))
    if constants.shape not in {(1, network.n_reactions), (replicates, network.n_reactions)}:
        shapes = f"({network.n_reactions},) or ({replicates}, {network.n_reactions})"
        raise InputError(f"rates have shape {np.shape(rates)}; they must have shape {shapes}")
    return constants


def _check_state(
    network: Network, initial: Mapping[str, npt.ArrayLike] | npt.ArrayLike | None, replicates: int
) -> np.ndarray:
    """State that all runs share, shape (n_species,), or that of each."""
    if initial is None or isinstance(initial, Mapping):
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


def _dataset(
    network: Network,
    record: Record,
    reasons: list[str],
    times: np.ndarray,
    kept: np.ndarray,
    options: dict[str, object],
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
        attrs={"parameters": json.dumps(network.parameters), "version": __version__, **options},
    )
