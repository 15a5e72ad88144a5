"""Integrate any network over given times."""

from __future__ import annotations

from crnsim.simulation.ensembles import ensemble
from crnsim.simulation.run import simulate, simulate_replicate

__all__ = ["ensemble", "simulate", "simulate_replicate"]
