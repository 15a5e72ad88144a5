"""Solvers: a compiled loop over batches of runs with three methods, and SciPy's for reference."""

from __future__ import annotations

from crnsim.solvers.methods import METHODS, Method
from crnsim.solvers.protocol import Protocol, Record
from crnsim.solvers.settle import solve

__all__ = ["METHODS", "Method", "Protocol", "Record", "solve"]
