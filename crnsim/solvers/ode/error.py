"""The error of a step in units of the tolerance, and how far it may go below zero."""

from __future__ import annotations

from typing import Any

import numpy as np

from crnsim.compiled import inlined
from crnsim.kinetics.lanes import fused, larger, magnitude, smaller, splat, store
from crnsim.solvers.ode.work import ERROR, HIGHEST, ROOM, TOTAL
from crnsim.solvers.protocol import LOWEST

#: A vector of one value per lane (`crnsim.kinetics.lanes`); only compiled code knows its type.
Lanes = Any


@inlined
def scaled(difference: Lanes, old: Lanes, new: Lanes, absolute: Lanes, relative: Lanes) -> Lanes:
    """Error of a step in units of the tolerance: |difference| / (absolute + relative max(|old|, |new|))."""
    return magnitude(difference) / fused(relative, larger(larger(old, new), splat(0.0)), absolute)


@inlined
def room(old: Lanes, new: Lanes, absolute: Lanes) -> Lanes:
    """How far a concentration is above the lowest value allowed.

    One step may take a concentration one absolute tolerance below zero, or lower one that is there already by as much:
    species that are negative within the tolerance drive each other. Below the floor it may only rise, as after a kick.
    """
    base = smaller(old, splat(0.0))
    return new - smaller(larger(base - absolute, splat(-LOWEST) * absolute), base)


@inlined
def report(attempt: np.ndarray, error: Lanes, lowest: Lanes, highest: Lanes, total: Lanes) -> None:
    """Write down what is needed to judge a step."""
    store(attempt, ERROR, error)
    store(attempt, ROOM, lowest)
    store(attempt, HIGHEST, highest)
    store(attempt, TOTAL, total)
