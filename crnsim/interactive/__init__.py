"""Sweeps from a notebook or a script: run one, look at it as a labelled cube, draw it."""

from crnsim.interactive.result import SweepResult
from crnsim.interactive.sweep import run_sweep
from crnsim.interactive.tables import robustness_tree

__all__ = ["SweepResult", "robustness_tree", "run_sweep"]


def __dir__() -> list[str]:
    return sorted(__all__)
