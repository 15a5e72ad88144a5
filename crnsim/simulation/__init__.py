"""Integrate any network over given times."""

from __future__ import annotations

from crnsim.simulation.ensembles import ensemble
from crnsim.simulation.events_of import event_list
from crnsim.simulation.lna import linear_noise
from crnsim.simulation.run import simulate, simulate_replicate

__all__ = ["ensemble", "event_list", "linear_noise", "simulate", "simulate_replicate"]


def __dir__() -> list[str]:
    return sorted(__all__)
