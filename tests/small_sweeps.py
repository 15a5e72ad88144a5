"""Sweep files that are small enough for tests."""

from __future__ import annotations

import contextlib
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


def compute_sweep(folder: Path, **changes: Any) -> Path:
    """Compute a small sweep in a folder, from its file to its report, without Snakemake; return its results."""
    with contextlib.chdir(folder):
        write_sweep(folder / "small.yaml", **changes)
        compute("small.yaml", "small")
    return folder / "results" / "small"


def compute(file: str, name: str, *given: str) -> None:
    """Compute a sweep in the working folder, from its file to its report, with values in place of the file's."""
    from crnsim.cli.parser import main
    from crnsim.sweep.plan.looks import read_wanted_plan
    from crnsim.sweep.plan.products import looks_needed

    plan = f"results/{name}/plan.json"
    assert main(["plan", file, *(f"--config={word}" for word in given)]) == 0
    for group in read_wanted_plan(plan, strict=False).groups:
        assert main(["build", plan, group.name]) == 0
    look = 0
    while True:
        for chunk in read_wanted_plan(plan, strict=False).chunks():
            if not Path(chunk.path).exists():
                assert main(["integrate", plan, chunk.key]) == 0
        if look == looks_needed(plan):
            break
        look += 1
        assert main(["look", plan, str(look)]) == 0
    for group in read_wanted_plan(plan).groups:
        assert main(["merge", plan, group.name]) == 0
    assert main(["robustness", plan]) == 0
    assert main(["report", plan]) == 0
