"""Between concentrations and molecules: how many there are of what is shown, kicked, or there at the start.

A concentration c stands for c Omega molecules. Where that is no whole number, the next smaller or the next larger one
is drawn, so that its mean is c Omega; a sum that a kick must not change does not change in molecules either.
"""

from __future__ import annotations

import numpy as np

from crnsim.compiled import compiled
from crnsim.solvers.protocol import Protocol
from crnsim.solvers.stochastic.random import uniform
from crnsim.solvers.stochastic.work import Work

#: What is as near to a whole number as this part of it is one: 0.3 at Omega 10 is 3.
_WHOLE = 1e-9
#: Molecules of one species, at most: beyond it floating-point numbers are not all whole ones.
MOST_MOLECULES = 2.0**53


@compiled
def whole(amount: float, random: np.ndarray) -> float:
    """A whole number of molecules, of mean `amount`."""
    near = np.floor(amount + 0.5)
    if abs(amount - near) <= _WHOLE * max(amount, 1.0):
        return near
    less = np.floor(amount)
    return less + 1.0 if uniform(random) < amount - less else less


@compiled
def to_state(w: Work, volume: float, state: np.ndarray) -> None:
    """Write concentrations into `state`."""
    for row in range(len(state)):
        state[row] = w.molecules[row] / volume


@compiled
def count_start(w: Work, start: np.ndarray, volume: float) -> None:
    """Molecules at the start of a run."""
    w.molecules[len(start)] = 1.0
    for row in range(len(start)):
        w.molecules[row] = whole(start[row] * volume, w.random)


@compiled
def count_sample(p: Protocol, w: Work, volume: float) -> None:
    """Molecules of what a sample shows; `w.values` holds its signed values."""
    for c in range(len(w.values)):
        for rail in range(2):
            row = p.clamp[c, rail]
            if row >= 0:
                value = w.values[c] if rail == 0 else -w.values[c]
                w.molecules[row] = whole(max(value, 0.0) * volume, w.random)


@compiled
def _give(w: Work, rows: np.ndarray, missing: float) -> None:
    """Bring the sum of rows to what it must be, by the largest of them, one after the other, none below zero."""
    for _ in range(len(rows)):
        largest = -1
        for row in rows:
            if row >= 0 and (largest < 0 or w.molecules[row] > w.molecules[largest]):
                largest = row
        if missing == 0.0 or largest < 0:
            break
        given = max(missing, -w.molecules[largest])
        w.molecules[largest] += given
        missing -= given


@compiled
def count_kicked(p: Protocol, w: Work, volume: float) -> None:
    """Molecules after a kick, whose concentrations are in `w.state`."""
    for row in range(len(w.state)):
        w.before[row] = w.molecules[row]
        if w.state[row] * volume != w.molecules[row]:
            w.molecules[row] = whole(w.state[row] * volume, w.random)
    for law in range(len(p.laws)):
        missing = 0.0
        for row in p.laws[law]:
            if row >= 0:
                missing += w.before[row] - w.molecules[row]
        _give(w, p.laws[law], missing)


@compiled
def too_many(w: Work) -> bool:
    """Whether a number of molecules is beyond what can be counted."""
    most = 0.0
    for row in range(len(w.molecules)):
        most = max(most, w.molecules[row])
    return not most < MOST_MOLECULES
