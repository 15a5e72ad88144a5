"""Runs of a network, checked and ready: any part of them is integrated at a time, and no run depends on the part."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from crnsim.entrance.arguments import check_number, check_seed, check_whole
from crnsim.entrance.limits import (
    LARGEST_CONCENTRATION,
    LARGEST_TOLERANCE,
    MOST_STEPS,
    SMALLEST_ATOL,
    SMALLEST_RTOL,
    SMALLEST_VOLUME,
)
from crnsim.entrance.objects import check_flag, check_instance
from crnsim.errors import InputError
from crnsim.network.network import Network
from crnsim.noise.kinds import volume_of
from crnsim.noise.noise import Noise, NoiseLike
from crnsim.simulation import arguments
from crnsim.solvers.protocol import Protocol, Record

if TYPE_CHECKING:
    from crnsim.noise.applied import Key
    from crnsim.solvers.methods import Method

#: Networks of more reactions, and of families as large as these, are integrated by families, without a look at what
#: grows out of the tolerances.
MOST_WATCHED, LARGE_FAMILIES = 5000, 50
#: What streams of noise are for here.
_PHASE = "simulation"


@dataclass(frozen=True)
class Part:
    """What a part of the runs gave.

    Attributes
    ----------
    record : Record
    reasons : list of str
        Why runs ended early.
    errors : numpy.ndarray, shape (runs,)
        Estimated, in tolerances.
    constants : numpy.ndarray, shape (runs, n_reactions)
        Rate constants with their noise.
    """

    record: Record
    reasons: list[str]
    errors: np.ndarray
    constants: np.ndarray


@dataclass(frozen=True)
class Runs:
    """Runs that have been asked for, with everything that determines their numbers.

    Attributes
    ----------
    network : Network
    times : numpy.ndarray
    kept : numpy.ndarray
        Rows of the species to return.
    state : numpy.ndarray
        Shape (n_species,), or (replicates, n_species).
    constants : numpy.ndarray
        Shape (1 or replicates, n_reactions).
    replicates : int
    noise : Noise
    seed : int
    chosen : Method
    rtol : float
    tolerances : numpy.ndarray, optional
    max_steps : int
    twice : bool
        Whether a second run estimates the error of each.
    about : dict
        Options of `crnsim.solvers.solve`.
    attributes : dict
        Of the result.
    numbers : numpy.ndarray, optional
        Number of each run's replicate, by which it draws; its own number where left out.
    """

    network: Network
    times: np.ndarray
    kept: np.ndarray
    state: np.ndarray
    constants: np.ndarray
    replicates: int
    noise: Noise
    seed: int
    chosen: Method
    rtol: float
    tolerances: np.ndarray | None
    max_steps: int
    twice: bool
    about: dict[str, Any]
    attributes: dict[str, Any]
    numbers: np.ndarray | None = None

    def part(self, first: int, last: int) -> Part:
        """Integrate the runs from `first` up to but not including `last`."""
        protocol, used = self.protocol(first, last)
        return Part(
            *_solved(self.network, protocol, self.chosen.orders if self.twice else None, self.about), used
        )

    def protocol(self, first: int, last: int) -> tuple[Protocol, np.ndarray]:
        """The batch, and the rate constants of each run with their noise."""
        from crnsim.noise.applied import perturb_for_presentation
        from crnsim.noise.network import network_keys
        from crnsim.solvers.scales import fit_scales
        from crnsim.solvers.single import plain_protocol

        count, span, stochastic = last - first, self.times[-1] - self.times[0], self.chosen.stochastic
        constants = self.constants[first:last] if len(self.constants) > 1 else self.constants
        if len(constants) == 1 and self.noise.acting:
            constants = np.tile(constants, (count, 1))
        protocol = plain_protocol(
            self.state[first:last] if self.state.ndim == 2 else np.tile(self.state, (count, 1)),
            constants,
            span=span,
            grid=(self.times - self.times[0]) / span,
            rtol=self.rtol,
            atol=SMALLEST_ATOL,
            max_steps=self.max_steps,
            guarded=not stochastic and _watched(self.network),
        )
        numbers = range(first, last) if self.numbers is None else self.numbers[first:last].tolist()
        keys = [network_keys(self.seed, run) for run in numbers]
        if self.noise.acting:
            protocol = _with_noise(self.network, protocol, self.noise, keys)
        used = protocol.rates[protocol.member["rate_set"]]
        for rates, key in zip(used, keys if self.noise.acting else (), strict=False):
            perturb_for_presentation(self.network, self.noise, rates, key, _PHASE, 0)
        if stochastic:
            # As the kind of noise names them: a volume, and intrinsic noise of that volume, are the same.
            table = np.array([key(f"molecules, {_PHASE}", "") for key in keys], dtype=np.uint64)
            return protocol._replace(event_keys=table.reshape(count, 2)), used
        return fit_scales(self.network, protocol, self.tolerances), used


def prepare(
    network: Network,
    t: Sequence[float] | np.ndarray,
    *,
    method: str,
    rates: arguments.Rates | None,
    initial: Mapping[str, npt.ArrayLike] | npt.ArrayLike | None,
    replicates: int,
    noise: NoiseLike | None,
    volume: float | None,
    seed: int | None,
    species: Sequence[str] | None,
    rtol: float,
    atol: arguments.Tolerances | None,
    max_steps: int,
    estimate: bool,
) -> Runs:
    """Check what `crnsim.simulate` is given, and raise as it does."""
    from crnsim.solvers import find_method
    from crnsim.solvers.estimate import LARGEST_RTOL

    check_instance(
        "network", network, Network, "a crnsim.Network, such as that of a circuit: circuit.network"
    )
    times, noise = arguments.check_times(t), arguments.check_noise(noise)
    method, volume = _counted(method, noise, volume)
    chosen = find_method(method)
    rtol = check_number("rtol", rtol, least=SMALLEST_RTOL, most=LARGEST_TOLERANCE)
    tolerances = arguments.check_atol(network, atol)
    max_steps = check_whole("max_steps", max_steps, most=MOST_STEPS)
    seed = None if seed is None else check_seed(seed)
    estimate = check_flag("estimate", estimate)
    kept = arguments.kept_rows(network, species)
    state, replicates = arguments.check_state(network, initial, check_whole("replicates", replicates))
    constants, parameters, replicates = arguments.check_rates(network, rates, replicates)
    if noise.acting:
        noise.check_events(float(times[-1] - times[0]))
    if not chosen.stochastic:
        arguments.check_speed(network, constants, state, float(times[-1] - times[0]))
    own_seed = None if noise.acting and not chosen.stochastic else seed
    attributes = _attributes(method, rtol, arguments.atol_text(atol), parameters, noise)
    attributes |= {"seed": seed or 0} if noise.acting or chosen.stochastic else {}
    if chosen.stochastic:  # which has no tolerances
        attributes = {k: v for k, v in attributes.items() if k not in ("rtol", "atol")} | {"volume": volume}
    return Runs(
        network=network,
        times=times,
        kept=kept,
        state=state,
        constants=constants,
        replicates=replicates,
        noise=noise,
        seed=seed or 0,
        chosen=chosen,
        rtol=rtol,
        tolerances=tolerances,
        max_steps=max_steps,
        twice=estimate and not chosen.stochastic and rtol <= LARGEST_RTOL,
        about={"method": method, "volume": volume, "seed": own_seed, "time_zero": float(times[0])},
        attributes=attributes,
    )


def _counted(method: str, noise: Noise, volume: float | None) -> tuple[str, float | None]:
    """The method, and the molecules for a concentration of 1, where they are counted."""
    from crnsim.solvers.methods import for_molecules

    if noise.intrinsic and volume is not None:
        raise InputError("volume and noise intrinsic say the same; give one of them")
    if volume is not None:
        volume = check_number("volume", volume, least=SMALLEST_VOLUME, most=LARGEST_CONCENTRATION)
    elif noise.intrinsic:
        volume = volume_of(noise.intrinsic)
    return for_molecules(method) if volume is not None else method, volume


def _attributes(
    method: str, rtol: float, atol: float | str, parameters: dict[str, Any], noise: Noise
) -> dict[str, Any]:
    found: dict[str, Any] = {
        "method": method,
        "rtol": rtol,
        "atol": atol,
        "parameters": json.dumps(parameters),
    }
    return found | ({"noise": json.dumps(noise.to_dict())} if noise.acting else {})


def _watched(network: Network) -> bool:
    """Whether a network is integrated by lists of its reactions, which tell what grows from below the tolerances."""
    return network.n_reactions <= MOST_WATCHED or network.n_reactions < LARGE_FAMILIES * len(network.families)


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


def _with_noise(network: Network, protocol: Protocol, noise: Noise, keys: Sequence[Key]) -> Protocol:
    """Draw the rate constants of each run, and the keys of what is drawn on the way."""
    from crnsim.noise.applied import NoisyRuns, noise_tables, perturb_rate_constants
    from crnsim.noise.network import kept_sums, scope_of

    for rates, key in zip(protocol.rates, keys, strict=False):
        perturb_rate_constants(network, noise, rates, key)
    runs = NoisyRuns(
        protocol.member,
        network.family_names,
        [noise] * len(keys),
        list(keys),
        _PHASE,
        partial(scope_of, network),
    )
    laws = kept_sums(network) if noise.concentrations else protocol.laws
    return protocol._replace(**noise_tables(runs), laws=laws)
