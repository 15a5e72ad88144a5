"""Integrate any network over given times."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from crnsim.entrance.objects import check_flag
from crnsim.network.network import Network
from crnsim.noise.noise import NoiseLike
from crnsim.simulation import arguments, result
from crnsim.simulation.prepare import Runs, prepare

if TYPE_CHECKING:
    import xarray as xr


def simulate(
    network: Network,
    t: Sequence[float] | np.ndarray,
    *,
    method: str = "auto",
    rates: arguments.Rates | None = None,
    initial: Mapping[str, npt.ArrayLike] | npt.ArrayLike | None = None,
    replicates: int = 1,
    noise: NoiseLike | None = None,
    volume: float | None = None,
    seed: int | None = None,
    species: Sequence[str] | None = None,
    rtol: float = 1e-6,
    atol: arguments.Tolerances | None = None,
    max_steps: int = 1_000_000,
    estimate: bool = True,
    keep_rates: bool = False,
) -> xr.Dataset:
    """Integrate mass-action kinetics from ``t[0]`` to ``t[-1]``.

    Parameters
    ----------
    network : Network
    t : array_like, shape (n_times,)
        Increasing times at which concentrations are returned, in the unit of time of the rate constants: 1/k for
        our circuits. A value at the time of a kick is that before it.
    method : str
        ``"auto"``, another name in `crnsim.solvers.METHODS`, that of an installed package's method, or
        ``module:NAME`` for one in a file of your own (see ``docs/methods.md``).
    rates : mapping or array_like, optional
        Parameters with another value, or with one value for each replicate; or a rate constant for each elementary
        reaction: shape (n_reactions,), or (replicates, n_reactions).
    initial : mapping or array_like, optional
        Concentrations at the start, those of ``network.initial`` where left out: by array name (what is not named is
        zero; ``{}`` for an empty pot); a state vector in the order of ``network.labels``, where species that no
        reaction changes come last; or one for each run: shape (runs, n_species).
    replicates : int
        Runs; they differ only where `rates` has one set for each, or `initial` one state, which then counts them, by
        `noise`, and in the random numbers of a stochastic method.
    noise : Noise or mapping, optional
        Noise, or its keywords, ``{"rates": 0.1}``, with the meaning that it has in training: ``rates`` draws every rate
        constant of a replicate, ``concentrations`` kicks them every ``interval``. No samples are shown, so that
        ``inputs`` has nothing to act on.
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
        Integrate each run a second time, at ten times the tolerances (three times at `rtol` 1e-7 and below, a tenth of
        them at 1e-5 and above), to estimate its error.
    keep_rates : bool
        Return the rate constants of each replicate too, with noise that is static; what changes within a run is not in
        them.

    Returns
    -------
    xarray.Dataset
        ``concentration`` (replicate, time, species), in the unit of `initial`; ``status``, ``reason`` and step counts
        per replicate; ``error``, its estimated error in tolerances; ``warning``, what to know of a run that is ``ok``,
        empty for nothing. After a run has ended early its concentrations are nan. Concentrations may lie below zero by
        a few absolute tolerances, and never by more than 100.

    Raises
    ------
    InputError
        For times that do not increase, or lie so close that rounding does not tell them apart; an unknown method or
        species, no initial concentrations, arrays that do not fit, numbers out of range, results that do not fit into
        memory, noise without anything to act on, or a volume or seed that does not suit the method.
    """
    keep_rates = check_flag("keep_rates", keep_rates)
    runs = prepare(
        network,
        t,
        method=method,
        rates=rates,
        initial=initial,
        replicates=replicates,
        noise=noise,
        volume=volume,
        seed=seed,
        species=species,
        rtol=rtol,
        atol=atol,
        max_steps=max_steps,
        estimate=estimate,
    )
    return _integrated(runs, keep_rates=keep_rates)


def simulate_replicate(
    network: Network, t: Sequence[float] | np.ndarray, replicate: int, **options: Any
) -> xr.Dataset:
    """Integrate one replicate, with the noise that it has among those of `simulate` with the same options."""
    runs = prepare(network, t, **_DEFAULTS | options | {"replicates": 1})
    found = _integrated(replace(runs, numbers=np.array([replicate])), keep_rates=False)
    return found.assign_coords(replicate=[replicate])


#: What `simulate` takes where nothing is given, as its signature says.
_DEFAULTS: dict[str, Any] = {
    name: parameter.default
    for name, parameter in inspect.signature(simulate).parameters.items()
    if parameter.kind is parameter.KEYWORD_ONLY and name != "keep_rates"
}


def _integrated(runs: Runs, *, keep_rates: bool) -> xr.Dataset:
    network, method = runs.network, runs.about["method"]
    n_kept = len(runs.kept)
    arguments.check_room(network, runs.replicates, len(runs.times), n_kept, twice=runs.twice)
    found = runs.part(0, runs.replicates)
    result.say_what_failed(found.record, found.reasons)
    more = result.error_variables(network, found.record, found.errors, method, runs.rtol)
    if keep_rates:
        more |= result.rate_variables(network, found.constants)
    return result.make_dataset(
        network, found.record, found.reasons, runs.times, runs.kept, runs.attributes, more
    )
