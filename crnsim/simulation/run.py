"""Integrate any network over given times."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from crnsim.entrance.arguments import check_number, check_seed, check_whole
from crnsim.entrance.limits import (
    LARGEST_CONCENTRATION,
    LARGEST_TOLERANCE,
    MOST_STEPS,
    SMALLEST_ATOL,
    SMALLEST_RTOL,
)
from crnsim.entrance.objects import check_flag, check_instance
from crnsim.network.network import Network
from crnsim.noise.noise import Noise
from crnsim.simulation import arguments, result
from crnsim.solvers.protocol import Protocol, Record

if TYPE_CHECKING:
    import xarray as xr

#: Networks of more reactions, and of families as large as these, are integrated by families, without a look at what
#: grows out of the tolerances.
MOST_WATCHED, LARGE_FAMILIES = 5000, 50
#: What streams of noise are for here.
_PHASE = "simulation"


def simulate(
    network: Network,
    t: Sequence[float] | np.ndarray,
    *,
    method: str = "auto",
    rates: arguments.Rates | None = None,
    initial: Mapping[str, npt.ArrayLike] | npt.ArrayLike | None = None,
    replicates: int = 1,
    noise: Noise | None = None,
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
        Integrate each run a second time, at ten times the tolerances (three times at `rtol` 1e-7 and below, a tenth of
        them at 1e-5 and above), to estimate its error.
    keep_rates : bool
        Return the rate constants of each replicate too, with their noise.

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
    from crnsim.solvers import find_method
    from crnsim.solvers.estimate import LARGEST_RTOL

    check_instance(
        "network", network, Network, "a crnsim.Network, such as that of a circuit: circuit.network"
    )
    times, chosen = arguments.check_times(t), find_method(method)
    rtol = check_number("rtol", rtol, least=SMALLEST_RTOL, most=LARGEST_TOLERANCE)
    tolerances = arguments.check_atol(network, atol)
    max_steps = check_whole("max_steps", max_steps, most=MOST_STEPS)
    noise, seed = arguments.check_noise(noise), None if seed is None else check_seed(seed)
    if volume is not None:
        volume = check_number("volume", volume, above=0.0, most=LARGEST_CONCENTRATION)
    estimate, keep_rates = check_flag("estimate", estimate), check_flag("keep_rates", keep_rates)
    kept = arguments.kept_rows(network, species)
    state, replicates = arguments.check_state(network, initial, check_whole("replicates", replicates))
    constants, parameters, replicates = arguments.check_rates(network, rates, replicates)
    twice = estimate and not chosen.stochastic and rtol <= LARGEST_RTOL
    arguments.check_room(network, replicates, len(times), len(kept), twice=twice)
    runs = _Runs(network, times, state, constants, replicates, noise, seed or 0)
    protocol, used = _protocol(runs, rtol, tolerances, max_steps, stochastic=chosen.stochastic)
    own_seed = None if noise.acting and not chosen.stochastic else seed
    about = {"method": method, "volume": volume, "seed": own_seed, "time_zero": float(times[0])}
    record, reasons, errors = _solved(network, protocol, chosen.orders if twice else None, about)
    options: dict[str, Any] = {"method": method, "rtol": rtol, "atol": arguments.atol_text(atol)}
    options |= {"parameters": json.dumps(parameters)}
    options |= {"seed": seed or 0} if noise.acting or chosen.stochastic else {}
    options |= {"volume": volume} if chosen.stochastic else {}
    options |= {"noise": json.dumps(noise.to_dict())} if noise.acting else {}
    result.say_what_failed(record, reasons)
    more = result.error_variables(network, record, errors, method, rtol)
    if keep_rates:
        more |= result.rate_variables(network, used)
    return result.make_dataset(network, record, reasons, times, kept, options, more)


def _watched(network: Network) -> bool:
    """Whether a network is integrated by lists of its reactions, which tell what grows from below the tolerances."""
    return network.n_reactions <= MOST_WATCHED or network.n_reactions < LARGE_FAMILIES * len(network.families)


class _Runs(NamedTuple):
    """What is integrated."""

    network: Network
    times: np.ndarray
    state: np.ndarray  # (n_species,), or (replicates, n_species)
    constants: np.ndarray  # (1 or replicates, n_reactions)
    replicates: int
    noise: Noise
    seed: int


def _protocol(
    runs: _Runs, rtol: float, tolerances: np.ndarray | None, max_steps: int, *, stochastic: bool
) -> tuple[Protocol, np.ndarray]:
    """The batch, and the rate constants of each replicate with their noise."""
    from crnsim.noise.applied import perturb_for_presentation
    from crnsim.noise.network import network_key
    from crnsim.solvers.scales import fit_scales
    from crnsim.solvers.single import plain_protocol

    constants, span = runs.constants, runs.times[-1] - runs.times[0]
    if len(constants) == 1 and runs.noise.acting:
        constants = np.tile(constants, (runs.replicates, 1))
    protocol = plain_protocol(
        runs.state if runs.state.ndim == 2 else np.tile(runs.state, (runs.replicates, 1)),
        constants,
        span=span,
        grid=(runs.times - runs.times[0]) / span,
        rtol=rtol,
        atol=SMALLEST_ATOL,
        max_steps=max_steps,
        guarded=not stochastic and _watched(runs.network),
    )
    if runs.noise.acting:
        protocol = _with_noise(runs.network, protocol, runs.noise, runs.seed)
    used = protocol.rates[protocol.member["rate_set"]]
    for run, rates in enumerate(used if runs.noise.acting else ()):
        key = partial(network_key, runs.seed, run)
        perturb_for_presentation(runs.network, runs.noise, rates, key, _PHASE, 0)
    return protocol if stochastic else fit_scales(runs.network, protocol, tolerances), used


def _solved(
    network: Network, protocol: Protocol, orders: tuple[int, ...] | None, about: dict[str, Any]
) -> tuple[Record, list[str], np.ndarray]:
    """The record of a batch, why runs ended early, and their estimated errors: nan without the orders of the method."""
    from crnsim.solvers import estimate, solve

    if orders is None:
        return *solve(network, protocol, **about), np.full(len(protocol.member), np.nan)
    twice = estimate.doubled(protocol)
    record, reasons = solve(network, twice, **about)
    return estimate.first_of_two(record), reasons[::2], estimate.errors(twice, record, orders)


def _with_noise(network: Network, protocol: Protocol, noise: Noise, seed: int) -> Protocol:
    """Draw the rate constants of each run, and the keys of what is drawn on the way."""
    from crnsim.noise.applied import NoisyRuns, noise_tables, perturb_rate_constants
    from crnsim.noise.network import kept_sums, network_key, scope_of

    noise.check_events(float(protocol.member["running_time"][0]))
    keys = [partial(network_key, seed, run) for run in range(len(protocol.member))]
    for rates, key in zip(protocol.rates, keys, strict=False):
        perturb_rate_constants(network, noise, rates, key)
    runs = NoisyRuns(
        protocol.member,
        network.family_names,
        [noise] * len(keys),
        keys,
        _PHASE,
        partial(scope_of, network),
    )
    laws = kept_sums(network) if noise.concentrations else protocol.laws
    return protocol._replace(**noise_tables(runs), laws=laws)
