"""A clocked circuit as it is run: what follows from its clock, and what is read from a run."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from crnsim.circuits.circuit import Circuit
from crnsim.circuits.clocked import modules
from crnsim.circuits.oscillator import CLOCK, CLOCK_DIM, CLOCK_RATE, clock_rate
from crnsim.entrance.objects import real_array
from crnsim.errors import InputError

#: Absolute tolerance of the clock, in units of delta.
_CLOCK_ATOL = 1e-2
#: What a phase should leave of an old value.
_LEFT = 1e-3


def _round_down(value: float) -> float:
    """A number of one digit that is not above another."""
    unit = 10.0 ** math.floor(math.log10(value))
    return math.floor(value / unit) * unit


@dataclass(frozen=True, repr=False)
class ClockedCircuit(Circuit):
    """A circuit that is started once, with its training set in it, and runs by itself.

    Attributes
    ----------
    phases : dict of str to int
        Number of the phase of each module.
    slowest : float
        Slowest rate, in units of k, at which a module relaxes within its phase.
    """

    phases: dict[str, int] = field(default_factory=dict)
    slowest: float = 1.0

    autonomous = True

    @property
    def n_clock(self) -> int:
        """Species of the clock."""
        return self.network.dims[CLOCK_DIM]

    @property
    def n_samples(self) -> int:
        """Samples that are stored."""
        return self.network.dims["samples"]

    def presentation_time(self, running_time: float) -> float:
        """Duration of one iteration: a period of the clock, whose pulses are as long as the running time."""
        return self.n_clock * running_time

    def readout_time(self, running_time: float) -> float:
        """Duration until the output is there, the phase after it included."""
        return (2 * self.phases["error"] + 2) * running_time

    def rates_of(self, running_time: float, learning_rate: float) -> dict[str, float]:
        """Rate parameters that follow from the phase length and the learning rate."""
        return {CLOCK_RATE: clock_rate(running_time, self.parameters["delta"]), "eta": learning_rate}

    def learning_rate(self, running_time: float) -> float:
        """Step of gradient descent: ``eta``, whatever the phase length."""
        return float(self.parameters["eta"])

    def advice(self, running_time: float) -> str:
        """Say so where a phase is too short for its modules, or too much happens outside of it; empty where not."""
        k, period = self.parameters["k"], self.presentation_time(running_time)
        left = math.exp(-self.slowest * k * running_time)
        # What the mark of another sample has come to in a period empties the account for the length of a phase.
        often = k * period * max(1.0, k * running_time)
        meanwhile = often * self.parameters["delta"]
        if left > _LEFT:
            enough = math.ceil(10 * math.log(1 / _LEFT) / (self.slowest * k)) / 10
            return (
                f"{self.name}: a phase of {running_time:g} leaves {left:.1g} of what was there before; "
                f"{enough:g} would leave {_LEFT:g}"
            )
        if meanwhile > _LEFT:
            return (
                f"{self.name}: with delta {self.parameters['delta']:g} and phases of {running_time:g}, a share of "
                f"{meanwhile:.2g} is lost outside of the phases; delta {_round_down(_LEFT / often):.1g} would make it "
                f"less than {_LEFT:g}"
            )
        return ""

    def tolerances(self, atol: float) -> np.ndarray:
        """Absolute tolerance of every species: that of the clock's lies far below what it falls to."""
        found: np.ndarray = np.full(self.network.n_species, atol)
        found[self.network.rows(CLOCK)] = min(atol, _CLOCK_ATOL * self.parameters["delta"])
        return found

    def stored(self, start: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return a state with the training set in it, in the order in which its samples are shown.

        Raises
        ------
        InputError
            There are more, or fewer, samples than the circuit was built for.
        """
        if len(x) != self.n_samples:
            raise InputError(
                f"{self.name}: it is built for {self.n_samples} samples, and there are {len(x)}; "
                f"build it with samples={len(x)}"
            )
        state = start.copy()
        for store, values in ((modules.FEATURES, x), (modules.TARGETS, y)):
            for rail, sign in (("p", 1), ("m", -1)):
                if (name := f"{store}{rail}") in {s.name for s in self.network.species}:
                    state[self.network.rows(name)] = np.maximum(sign * values, 0.0)
        return state

    def shown_rails(self) -> tuple[np.ndarray, np.ndarray]:
        """Rows, plus and minus, of the features and targets of the first sample that is stored."""
        has_minus = self.inputs[1] is not None
        pairs = []
        for store, minus in ((modules.FEATURES, has_minus), (modules.TARGETS, True)):
            plus = self.network.rows(f"{store}p")[0]
            pairs.append(
                np.stack(
                    [plus, self.network.rows(f"{store}m")[0] if minus else np.full_like(plus, -1)], axis=1
                )
            )
        return pairs[0], pairs[1]

    def readout_start(self, state: np.ndarray) -> np.ndarray:
        """Return the state that a read-out starts from: the weights of `state`, and all else as before training."""
        fresh = self.network.state(self.initial)
        for plus, minus in self.weights:
            for name in (plus, minus):
                fresh[self.network.rows(name)] = state[self.network.rows(name)]
        return fresh

    def moderate(self, highest: float, presentations: int) -> float:
        """Highest concentration that is in order: the account of an epoch adds up squares, and turns are counted."""
        squares = self.n_samples * self.layers[-1] * (2.0 * max(highest, 1.0)) ** 2
        return max(squares, float(presentations))

    def scope(self, scope: str) -> list[str]:
        """Names of the arrays in a noise scope; the count of turns is an instrument, and in none."""
        return [name for name in super().scope(scope) if name != modules.TURNS]

    @property
    def traced(self) -> np.ndarray:
        """Rows kept of every period: both rails of the last epoch's error, the count of turns, Halt, and the clock."""
        names = [f"{modules.LAST_EPOCH}{rail}" for rail in "pm"] + [modules.TURNS]
        names += [modules.HALT] if self._judges else [modules.TURNS]
        return np.concatenate([self.network.rows(name).ravel() for name in [*names, CLOCK]])

    @property
    def _judges(self) -> bool:
        return bool(self.parameters["threshold"] > 0)

    def progress_of(self, trace: np.ndarray) -> dict[str, np.ndarray]:
        """Read what the circuit did from what was kept after every nominal period.

        Parameters
        ----------
        trace : numpy.ndarray, shape (periods, len(traced))

        Returns
        -------
        dict of str to numpy.ndarray
            ``loss``: half the mean squared error of the last whole epoch as the circuit has found it, after each
            period; ``iterations``: updates of the weights until then; ``stopped``: whether it has stopped for good.
        """
        trace = real_array("trace", trace)
        stopped: np.ndarray = np.zeros(len(trace), dtype=bool)
        if self._judges:
            # Noise may set it going again: what counts is from when on it stands.
            stopped = np.logical_and.accumulate((trace[:, 3] > 0.5)[::-1])[::-1]
        # Rails whose rate constants differ can say less than nothing.
        loss = np.maximum(trace[:, 0] - trace[:, 1], 0.0) / (2.0 * self.n_samples)
        if stopped.any():
            # Nothing holds it any more where noise acts on it.
            loss[stopped] = loss[int(np.argmax(stopped))]
        return {"loss": loss, "iterations": _iterations(trace[:, 2], trace[:, 4:]), "stopped": stopped}


def _iterations(turns: np.ndarray, clock: np.ndarray) -> np.ndarray:
    """Updates of the weights, whole but for one that is going on.

    The count lacks exp(-phase length) of each turn, and the place of the pulse on the ring is known but for whole ones;
    together they tell them.
    """
    n = clock.shape[1]
    place = (np.angle(clock @ np.exp(2j * np.pi * np.arange(n) / n)) / (2 * np.pi) + 0.5 / n) % 1.0
    # The last species is the phase in which weights change.
    updated = np.clip(2.0 * n * (place - (n - 1) / n), 0.0, 1.0)
    more = np.diff(turns - updated, prepend=0.0)
    found: np.ndarray = np.cumsum(np.round(more)) + updated
    return found
