"""Chemical reaction networks that compute and learn, and how robust they are."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOME = {
    "Network": "crnsim.network.network",
    "Noise": "crnsim.noise.noise",
    "CrnsimError": "crnsim.errors",
    "InputError": "crnsim.errors",
    "SweepResult": "crnsim.interactive",
    "robustness_tree": "crnsim.interactive",
    "clocked": "crnsim.circuits",
    "feedforward": "crnsim.circuits",
    "onepot": "crnsim.circuits",
    "oscillator": "crnsim.circuits",
    "ensemble": "crnsim.simulation",
    "event_list": "crnsim.simulation",
    "linear_noise": "crnsim.simulation",
    "simulate": "crnsim.simulation",
    "infer": "crnsim.experiment.notebook",
    "train": "crnsim.experiment.notebook",
    "rate_constants": "crnsim.experiment.rebuild",
    "robustness": "crnsim.experiment.cube",
    "sample_order": "crnsim.experiment.rebuild",
    "load_dataset": "crnsim.datasets",
    "read_crn": "crnsim.network.reader",
    "read_sbml": "crnsim.interchange.sbml",
    "to_sbml": "crnsim.interchange.sbml",
}

if TYPE_CHECKING:
    from crnsim import sweep as sweep
    from crnsim.circuits import clocked, feedforward, onepot, oscillator
    from crnsim.datasets import load_dataset
    from crnsim.errors import CrnsimError, InputError
    from crnsim.experiment.cube import robustness
    from crnsim.experiment.notebook import infer, train
    from crnsim.experiment.rebuild import rate_constants, sample_order
    from crnsim.interactive import SweepResult, robustness_tree
    from crnsim.interchange.sbml import read_sbml, to_sbml
    from crnsim.network.network import Network
    from crnsim.network.reader import read_crn
    from crnsim.noise.noise import Noise
    from crnsim.simulation import ensemble, event_list, linear_noise, simulate


def __getattr__(name: str) -> Any:
    # Numba, SciPy and xarray take a second to import; `crnsim --help` should not.
    if name == "sweep":
        # A package that can be called; importing it sets the name.
        return importlib.import_module("crnsim.sweep")
    if name in _HOME:
        value = getattr(importlib.import_module(_HOME[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'crnsim' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)


__all__ = [
    "CrnsimError",
    "InputError",
    "Network",
    "Noise",
    "SweepResult",
    "__version__",
    "clocked",
    "ensemble",
    "event_list",
    "feedforward",
    "infer",
    "linear_noise",
    "load_dataset",
    "onepot",
    "oscillator",
    "rate_constants",
    "read_crn",
    "read_sbml",
    "robustness",
    "robustness_tree",
    "sample_order",
    "simulate",
    "sweep",
    "to_sbml",
    "train",
]
