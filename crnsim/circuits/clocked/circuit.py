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


@dataclass(frozen=True)
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
        """Say so where a phase is too short for its modules; empty where it is not."""
        left = math.exp(-self.slowest * self.parameters["k"] * running_time)
        if left <= _LEFT:
            return ""
        enough = math.log(1 / _LEFT) / (self.slowest * self.parameters["k"])
        return (
            f"{self.name}: a phase of {running_time:g} leaves {left:.1g} of what was there before; "
            f"{math.ceil(10 * enough) / 10:g} would leave {_LEFT:g}"
        )

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

    @property
    def traced(self) -> np.ndarray:
        """Rows that are kept of every iteration: the clock, both rails of the last epoch's error, and Halt."""
        names = [f"{modules.LAST_EPOCH}{rail}" for rail in "pm"]
        names += [modules.HALT] if self._judges else []
        rows = [self.network.rows(CLOCK).ravel(), *(self.network.rows(name).ravel() for name in names)]
        return np.concatenate(rows)

    @property
    def _judges(self) -> bool:
        return bool(self.parameters["threshold"] > 0)

    def progress_of(self, trace: np.ndarray) -> dict[str, np.ndarray]:
        """Read what the clock did from what was kept after every nominal period.

        Parameters
        ----------
        trace : numpy.ndarray, shape (iterations, len(traced))

        Returns
        -------
        dict of str to numpy.ndarray
            ``loss``: half the mean squared error of the last whole epoch as the circuit has found it, after each
            period; ``iterations``: turns of the clock until then; ``stopped``: whether it has stopped for good.
        """
        trace = real_array("trace", trace)
        n = self.n_clock
        clock = trace[:, :n]
        # The angle of the pulse on the ring; neighbours share it while it passes from one to the other.
        angle = np.angle(clock @ np.exp(2j * np.pi * np.arange(n) / n))
        # The pulse starts between the last species and the first one.
        turned = np.unwrap(np.concatenate([[-np.pi / n], angle]))[1:] + np.pi / n
        # Rails whose rate constants differ can say less than nothing.
        loss = np.maximum(trace[:, n] - trace[:, n + 1], 0.0) / (2.0 * self.n_samples)
        halted = trace[:, n + 2] > 0.5 if self._judges else np.zeros(len(trace), dtype=bool)
        # The angle of a clock that stands is that of one that turns once a period: it stands from the first halt on.
        periods = np.arange(1, len(trace) + 1)
        periods = np.minimum(periods, 1 + int(np.argmax(halted)) if halted.any() else len(trace))
        return {"loss": loss, "iterations": turned / (2 * np.pi) + periods, "stopped": halted}
