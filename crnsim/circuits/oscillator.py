"""A chemical clock: a ring of autocatalytic species that pass one pulse on for ever."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from crnsim.activations.layer import gated
from crnsim.entrance.arguments import check_number, check_whole
from crnsim.errors import InputError
from crnsim.network.network import Network

#: The most phases of a clock, and what `delta` may be.
MOST_PHASES, SMALLEST_DELTA, LARGEST_DELTA = 200, 1e-30, 0.01
#: Array of species of a clock, its dimension, and its rate constant.
CLOCK, CLOCK_DIM, CLOCK_RATE, LEAK = "O", "clock", "kc", "delta"
#: With fewer species the pulses of neighbours but one run into each other.
_FEWEST_PHASES = 2


@dataclass(frozen=True)
class Oscillator:
    """A clock and what is known of it in closed form.

    Attributes
    ----------
    network : Network
        The ring: ``O[i] + O[i+1] -> 2 O[i+1]`` at the rate ``kc``, ``O[i] -> O[i+1]`` at ``kc delta``, and
        ``2 O[i] + O[i+2] -> 3 O[i]`` at ``kc``.
    initial : dict
        Concentrations to start from, by array: the pulse is about to come to ``O[0]``.
    phases : int
        Phase p has the pulse of the species `gate` (p); the species between two of them belong to no phase.
    phase_length : float
        Integral of a pulse over time.
    delta : float
        Concentration of a species between its pulses: (e - 2) of it, to be exact.
    """

    network: Network
    initial: dict[str, np.ndarray]
    phases: int
    phase_length: float
    delta: float

    @property
    def species(self) -> int:
        """Length of the ring."""
        return 2 * self.phases

    @property
    def rate(self) -> float:
        """Rate constant of the ring."""
        return clock_rate(self.phase_length, self.delta)

    @property
    def period(self) -> float:
        """Time until the pulse has gone round: that many pulses, to some 2 or 3 / rate."""
        return self.species * self.phase_length

    @property
    def overlap(self) -> float:
        """Bound of the product of any two species that are not neighbours, where all have one rate constant."""
        return self.delta

    def gate(self, phase: int) -> str:
        """Name of the species whose pulse is a phase, the first one 0."""
        return gate(check_whole("phase", phase, least=0, most=self.phases - 1))

    def up(self, phase: int) -> tuple[float, float]:
        """Times, from the start, between which a phase has its first pulse, to some 1 or 2 / rate."""
        begin = 2 * check_whole("phase", phase, least=0, most=self.phases - 1) + 1
        return begin * self.phase_length, (begin + 1) * self.phase_length


def oscillator(
    phases: int, *, phase_length: float | None = None, period: float | None = None, delta: float = 1e-8
) -> Oscillator:
    """Build a clock of phases that do not overlap.

    A ring of n = 2 `phases` species passes a pulse on: ``O[i] + O[i+1] -> 2 O[i+1]`` at the rate kc. Each species grows
    from a seed of (e - 2) `delta` to 1 while the one before it is there, which takes ln(1/((e - 2) delta))/kc: that is
    the integral of a pulse and the time from species to species. Every second species is a phase.

    Parameters
    ----------
    phases : int
        At least 2.
    phase_length : float, optional
        Integral of one pulse over time; 10 where neither is given.
    period : float, optional
        Instead of it, the time in which the pulse goes round: 2 `phases` times the phase length.
    delta : float
        Concentration of each species between its pulses. The smaller, the sharper are the pulses, and the less happens
        between them.

    Returns
    -------
    Oscillator

    Raises
    ------
    InputError
        An argument is out of range, or both lengths are given.

    Notes
    -----
    The chain of predators and preys of Lotka and Volterra, closed to a ring, with two more reactions: ``O[i] ->
    O[i+1]`` sows the seed, and ``2 O[i] + O[i+2] -> 3 O[i]`` takes away what was left of it. So the clock comes back to
    its beat after a disturbance. Without them the sum of all logarithms never changes, and what a disturbance leaves
    stays; started with the pulse between two species the period is n ln(1/delta)/kc, and started with all of it in one
    species and delta in the others (n + 1) ln(1/delta)/kc, while the one behind it falls to delta^2.
    """
    count = check_whole("phases", phases, least=_FEWEST_PHASES, most=MOST_PHASES)
    low = check_number("delta", delta, least=SMALLEST_DELTA, most=LARGEST_DELTA)
    if phase_length is not None and period is not None:
        raise InputError("phase_length and period are given; give one of them")
    if period is not None:
        length = check_number("period", period, least=1e-6, most=1e9) / (2 * count)
    else:
        length = check_number(
            "phase_length", 10.0 if phase_length is None else phase_length, least=1e-6, most=1e9
        )
    network = Network(
        dims={CLOCK_DIM: 2 * count}, parameters={CLOCK_RATE: clock_rate(length, low), LEAK: low}
    )
    add_ring(network)
    return Oscillator(network, {CLOCK: ring_start(2 * count, low)}, count, length, low)


def add_ring(network: Network, permits: Mapping[int, str] | None = None) -> None:
    """Add a ring of species over the dimension of the clock.

    Parameters
    ----------
    network : Network
        With the dimension ``clock`` and the rate parameter ``kc``.
    permits : mapping of int to str, optional
        Catalysts without which the pulse is not passed on, by the number of the species that would get it.
    """
    network.add_species(CLOCK, CLOCK_DIM)
    n = network.dims[CLOCK_DIM]
    for place in range(n):
        after = (place + 1) % n
        permit = (permits or {}).get(after, "")
        one, other = f"{CLOCK}[{place}]", f"{CLOCK}[{after}]"
        network.add_family("clock", gated(f"{one} + {other} -> 2{other}", permit), CLOCK_RATE)
        network.add_family("clock", gated(f"{one} -> {other}", permit), f"{CLOCK_RATE}*{LEAK}")
        network.add_family("clock", f"2{one} + {CLOCK}[{(place + 2) % n}] -> 3{one}", CLOCK_RATE)


def ring_start(n: int, delta: float) -> np.ndarray:
    """Concentrations of a ring of n species whose pulse is on its way from the last to the first one."""
    start: np.ndarray = np.full(n, delta)
    start[[0, -1]] = 0.5
    return start


def clock_rate(phase_length: float, delta: float) -> float:
    """Rate constant of a ring that passes its pulse on in this time: a species grows from (e - 2) delta to 1."""
    return -math.log((math.e - 2.0) * delta) / phase_length


def gate(phase: int) -> str:
    """Name of the species of a ring whose pulse is a phase."""
    return f"{CLOCK}[{2 * phase + 1}]"


def before(phase: int) -> str:
    """Name of the species whose pulse comes before that of a phase, and belongs to none."""
    return f"{CLOCK}[{2 * phase}]"
