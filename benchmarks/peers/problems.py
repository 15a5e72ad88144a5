"""The timed problems: pots in the middle of training, each about to see one sample for 100 time units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from crnsim import onepot
from crnsim.algebraic import initial_weights
from crnsim.circuits import Circuit
from crnsim.outcomes import OK
from crnsim.solvers import solve
from crnsim.solvers.protocol import Protocol
from crnsim.solvers.single import plain_protocol

#: Duration of one presentation, in units of 1/k.
SPAN = 100.0
#: Standard deviation of the logarithm of every rate constant: each elementary reaction has one of its own.
RATE_NOISE = 0.1
#: Of what comes before the timed presentation.
_RTOL, _ATOL = 1e-6, 1e-9


@dataclass(frozen=True)
class Pot:
    """A network to time: layers, learning rate constant, presentations before the timed one, size of its ensemble."""

    layers: tuple[int, ...]
    eps: float
    shown: int
    ensemble: int


POTS = {
    "xor": Pot((2, 6, 1), 0.002, 20, 32),
    "iris": Pot((4, 8, 3), 0.0005, 20, 32),
    "digits": Pot((64, 20, 10), 0.0003, 20, 16),
    "mnist": Pot((784, 100, 10), 0.0001, 1, 1),
}


@dataclass(frozen=True)
class Problem:
    """Members of one pot, all to be integrated from 0 to `span`.

    Attributes
    ----------
    name : str
    circuit : Circuit
    start : numpy.ndarray, shape (members, n_species)
    constants : numpy.ndarray, shape (members, n_reactions)
    span : float
    """

    name: str
    circuit: Circuit
    start: np.ndarray
    constants: np.ndarray
    span: float = SPAN

    @property
    def members(self) -> int:
        """Number of members."""
        return len(self.start)

    def first(self, count: int) -> Problem:
        """The same problem with the first `count` members only."""
        return replace(self, start=self.start[:count], constants=self.constants[:count])

    def protocol(self, rtol: float, atol: float) -> Protocol:
        """What `crnsim.solvers.solve` takes."""
        return one_presentation(self.start, self.constants, self.span, rtol, atol)


def one_presentation(
    start: np.ndarray, constants: np.ndarray, span: float, rtol: float, atol: float
) -> Protocol:
    """One presentation without events or recording for each row of `start`."""
    protocol = plain_protocol(
        start, constants, span=span, grid=np.array([0.0, 1.0]), rtol=rtol, atol=atol, max_steps=10**7
    )
    protocol.member["record_slot"] = -1
    return protocol


def make_problem(name: str, members: int, *, ka: float | None = None) -> Problem:
    """Build `members` members of a pot of `POTS`, each with weights, rate constants and samples of its own."""
    pot = POTS[name]
    return _trained(name, pot.layers, members, eps=pot.eps, shown=pot.shown, ka=ka)


def make_pot(layers: Sequence[int], *, members: int = 1, ka: float | None = None) -> Problem:
    """Build a pot of any size in its initial state, for the cost of single right-hand sides."""
    return _trained("-".join(map(str, layers)), tuple(layers), members, eps=1e-4, shown=0, ka=ka)


#: The plain pot, without a dead zone and a delayed target: figures of different versions stay comparable.
PLAIN = {"dead_zone": 0.0, "delay": 0, "ka": 20.0, "kz": 2.0}


def _trained(
    name: str, layers: tuple[int, ...], members: int, *, eps: float, shown: int, ka: float | None
) -> Problem:
    circuit = onepot(layers, eps=eps, **PLAIN | ({} if ka is None else {"ka": ka}))
    nominal = circuit.network.rate_constants()
    states, constants, samples = [], [], []
    for member in range(members):
        rng = np.random.default_rng([2025, member, *layers])
        noise = RATE_NOISE * rng.standard_normal(len(nominal)) - 0.5 * RATE_NOISE**2
        constants.append(nominal * np.exp(noise))
        states.append(circuit.start(initial_weights(layers, seed=0, dataset=name, replicate=member)))
        samples.append(_samples(layers, shown + 1, rng))
    start, rates = np.array(states), np.array(constants)
    for presentation in range(shown + 1):
        _show(circuit, start, [table[presentation] for table in samples])
        if presentation < shown:
            record, reasons = solve(circuit.network, one_presentation(start, rates, SPAN, _RTOL, _ATOL))
            if np.any(record.run["status"] != OK) or record.final.max() > 10.0 * max(start.max(), 1.0):
                raise RuntimeError(f"{name}: the pot does not survive its presentations: {reasons}")
            # What the tolerance left below zero would be a wrong start for others.
            start = np.maximum(record.final, 0.0)
    return Problem(name, circuit, start, rates)


def _samples(layers: tuple[int, ...], count: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Features and targets in one row: the table of XOR, or images, mostly dark, with one class each."""
    if layers[0] == 2 and layers[-1] == 1:
        bits = rng.integers(0, 2, size=(count, 2))
        return [np.array([a, b, a ^ b], dtype=float) for a, b in bits]
    lit = {64: 0.5, 784: 0.2}.get(layers[0], 1.0)
    features = rng.uniform(size=(count, layers[0])) * (rng.uniform(size=(count, layers[0])) < lit)
    targets = np.eye(layers[-1])[rng.integers(0, layers[-1], size=count)]
    return list(np.hstack([features, targets]))


def _show(circuit: Circuit, start: np.ndarray, samples: Sequence[np.ndarray]) -> None:
    """Clamp each member's inputs and targets, all of them positive here, to its sample."""
    (inputs, _), (targets, _) = circuit.rail_rows(circuit.inputs), circuit.rail_rows(circuit.targets)
    start[:, np.concatenate([inputs, targets])] = np.array(samples)
