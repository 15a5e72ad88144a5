"""Sweep files that are small enough for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

SMOOTH = {"name": "squareplus", "h": 0.1, "role": "smooth"}
SHARP = {"name": "squareplus", "h": 0.0001, "role": "sharp"}


def small_sweep(**changes: Any) -> dict[str, Any]:
    """Return a sweep of XOR for two epochs: one activation, four cells, three replicates."""
    sweep: dict[str, Any] = {
        "name": "small",
        "activations": {"smooth": SMOOTH},
        "running_times": [5, 10],
        "noise": {"rates": {"magnitudes": [0.1]}},
        "replicates": 3,
        "datasets": {"xor": {"epochs": 2}},
        "chunks": {"cells": 2, "workers": 1},
    }
    return sweep | changes


def write_sweep(path: Path, **changes: Any) -> Path:
    """Write `small_sweep` with changes as a YAML file."""
    path.write_text(yaml.safe_dump(small_sweep(**changes), sort_keys=False))
    return path
