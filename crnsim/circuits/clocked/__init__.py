"""A network that trains itself in phases of a chemical clock, after Fan, Zhang, Gao and Dochain; reactions ours."""

from __future__ import annotations

from crnsim.circuits.clocked.build import CLOCKED, clocked
from crnsim.circuits.clocked.circuit import ClockedCircuit

__all__ = ["CLOCKED", "ClockedCircuit", "clocked"]
