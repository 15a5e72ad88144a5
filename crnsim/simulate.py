"""Integrate any network over given times."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from crnsim.entrance.arguments import check_number, check_whole
from crnsim.errors import InputError
from crnsim.network.network import Network
from crnsim.outcomes import OUTCOMES
from crnsim.solvers.protocol import Protocol, Record, new_members

if TYPE_CHECKING:
    import xarray as xr

Rates = Mapping[str, float] | np.ndarray


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
    rtol: float = 1e-3,
    atol: float = 1e-6,
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
        For times that do not increase, an unknown method or species, arrays that do not fit, or a volume or seed that
        does not suit the method.
    """
    from crnsim.solvers import find_method, solve

    times = _check_times(t)
    chosen = find_method(method)
    for name, value in (("rtol", rtol), ("atol", atol)):
        check_number(name, value, above=0.0)
    for name, count in (("replicates", replicates), ("max_steps", max_steps)):
        check_whole(name, count)
    start = _check_state(network, initial, int(replicates))
    replicates = len(start)
    constants = _check_rates(network, rates, replicates)
    kept = _kept(network, species)
    span = times[-1] - times[0]
    protocol = plain_protocol(
        start,
        constants,
        span=span,
        grid=(times - times[0]) / span,
        rtol=rtol,
        atol=atol,
        max_steps=max_steps,
    )
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
) -> Protocol:
    """One presentation without samples or noise for each row of `start`; rows of `constants` go with them."""
    member = new_members(len(start))
    member["rate_set"] = np.arange(len(start)) % len(constants)
    member["record_slot"] = np.arange(len(start))
    member["running_time"] = span
    member["max_steps"] = max_steps
    member["moderate"] = np.maximum(np.max(start, axis=1, initial=0.0), 1.0)
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
        atol=float(atol),
    )


def _check_times(t: Sequence[float] | np.ndarray) -> np.ndarray:
    try:
        times = np.asarray(t, dtype=float)
    except (TypeError, ValueError):
        raise InputError(f"t is {t!r}; give increasing times, such as numpy.linspace(0, 100, 51)") from None
    if times.ndim != 1 or len(times) < 2 or not np.all(np.isfinite(times)) or np.any(np.diff(times) <= 0):
        raise InputError(
            "t must be at least two finite, increasing times, such as numpy.linspace(0, 100, 51)"
        )
    return times


def _check_rates(network: Network, rates: Rates | None, replicates: int) -> np.ndarray:
    if rates is None or isinstance(rates, Mapping):
        return network.rate_constants(rates)[None, :]
    constants = np.atleast_2d(np.asarray(rates, dtype=float))
    if constants.shape not in {(1, network.n_reactions), (replicates, network.n_reactions)}:
        wanted = f"({network.n_reactions},) or ({replicates}, {network.n_reactions})"
        raise InputError(f"rates have shape {np.shape(rates)}; they must have shape {wanted}")
    if not np.all(np.isfinite(constants)) or np.any(constants < 0):
        raise InputError("rates must be finite and >= 0")
    return constants


def _check_state(
    network: Network, initial: Mapping[str, npt.ArrayLike] | npt.ArrayLike | None, replicates: int
) -> np.ndarray:
    """State of each run, shape (runs, n_species)."""
    if initial is None or isinstance(initial, Mapping):
        return np.tile(network.state(initial), (replicates, 1))
    state = np.asarray(initial, dtype=float)
    if state.ndim not in (1, 2) or state.shape[-1] != network.n_species or not len(state):
        raise InputError(
            f"initial has shape {state.shape}; it must be ({network.n_species},), or (runs, {network.n_species})"
        )
    if state.ndim == 2 and replicates not in (1, len(state)):
        raise InputError(f"initial has {len(state)} states for {replicates} replicates; leave replicates out")
    if not np.all(np.isfinite(state)) or np.any(state < 0):
        raise InputError("initial concentrations must be finite numbers >= 0")
    return state if state.ndim == 2 else np.tile(state, (replicates, 1))


def _kept(network: Network, species: Sequence[str] | None) -> np.ndarray:
    """Rows of the species to return."""
    if species is None:
        return np.arange(network.n_species)
    names = [species] if isinstance(species, str) else list(species)
    row_of = {label: row for row, label in enumerate(network.labels)}
    if not names:
        raise InputError("species is empty; name at least one, or leave it out for all")
    rows = [[row_of[n]] if n in row_of else network.rows(n).ravel() for n in names]
    return np.concatenate(rows).astype(int)


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
