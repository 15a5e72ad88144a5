"""Solvers: a table of methods, a compiled loop over batches of runs with three of them, and SciPy's for reference."""

from __future__ import annotations

from crnsim.solvers.methods import METHODS, Method, find_method
from crnsim.solvers.protocol import Protocol, Record, Request
from crnsim.solvers.settle import solve

__all__ = ["METHODS", "Method", "Protocol", "Record", "Request", "find_method", "solve"]


def __dir__() -> list[str]:
    return sorted(__all__)
