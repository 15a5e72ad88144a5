"""crnsim itself: every method that integrates in compiled code, all members in one call."""

from __future__ import annotations

import numpy as np
from problems import Problem

from competitors import Failed
from crnsim.outcomes import OK
from crnsim.solvers import METHODS, solve

NAME = "crnsim"


def methods(problem: Problem) -> list[str]:
    """Names of the compiled methods."""
    return [name for name, method in METHODS.items() if method.events and not method.stochastic]


class _Solve:
    one_by_one = False

    def __init__(self, problem: Problem, method: str) -> None:
        self.problem, self.method = problem, method

    def __call__(self, rtol: float, atol: float, count: int) -> np.ndarray:
        record, reasons = solve(
            self.problem.circuit.network, self.problem.protocol(rtol, atol), method=self.method
        )
        if np.any(record.run["status"] != OK):
            raise Failed("; ".join(sorted({reason for reason in reasons if reason})))
        return record.final


def prepare(problem: Problem, method: str) -> _Solve:
    """Nothing to build: the first call compiles, or reads the cache."""
    return _Solve(problem, method)
