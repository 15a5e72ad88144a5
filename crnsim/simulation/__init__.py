"""Integrate any network over given times."""

from __future__ import annotations

from crnsim.simulation.run import simulate

__all__ = ["simulate"]
