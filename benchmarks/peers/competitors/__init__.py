"""The peers: each integrates a problem from its start to its end, at a tolerance, as fast as it can.

A peer is a module with `NAME`, `methods(problem)` and `prepare(problem, method)`. The latter builds and returns a
`Solve`, or raises `NotPossible` where the method cannot work on such a problem.
"""

from __future__ import annotations

import time
from typing import Protocol

import numpy as np


class NotPossible(Exception):  # noqa: N818
    """A method cannot be used on this problem, or not in sensible time; the text says why."""


class Failed(Exception):  # noqa: N818
    """An integration failed; the text says how."""


class Solve(Protocol):
    """What is timed.

    Attributes
    ----------
    one_by_one : bool
        Members are integrated in turn, so that some of them stand for all.
    """

    one_by_one: bool

    def __call__(self, rtol: float, atol: float, count: int) -> np.ndarray:
        """Final states of the first `count` members, shape (count, n_species); raises `Failed`.

        Only a solver that works one by one is asked for fewer than all.
        """
        ...


class Deadline:
    """Gives up on a run that takes too long; `restart` before each."""

    #: Seconds that one integration may take.
    limit = 20.0

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Start the clock."""
        self.end = time.perf_counter() + self.limit

    def check(self) -> None:
        """Raise `Failed` when the time is up."""
        if time.perf_counter() > self.end:
            raise Failed(f"took more than {self.limit:g} s")
