"""The workflow of a sweep that adds replicates where verdicts are open: looks, resumed, raised, and never twice."""

from __future__ import annotations

import json

import pytest
from small_sweeps import SHARP, SMOOTH
from workflow_folder import Folder

CHEAP = {
    "mode": "inference", "circuit": "feedforward", "datasets": ["xor"], "running_times": [100],
    "noise": {"inputs": {"magnitudes": [0.2]}}, "activations": {"smooth": SMOOTH, "sharp": SHARP},
    "chunks": {"workers": 1}, "replicates": {"from": 10, "to": 20},
}  # fmt: skip


@pytest.mark.slow
def test_replicates_are_added_where_a_verdict_is_open_and_nothing_runs_twice(tmp_path):
    folder = Folder(tmp_path)
    folder.sweep(**CHEAP)
    # Stopped after the first look: what is there by then stays.
    folder.make("results/small/looks/1.json", cores=2)
    first = {path: path.stat().st_mtime_ns for path in folder.chunks if ".saved" not in path.name}
    assert len(first) == 2
    look = json.loads((tmp_path / "results/small/looks/1.json").read_text())
    assert [row["stress"] for row in look["open"]] == ["inputs"]
    assert len(look["wanted"]) == 4

    ran = folder.make(cores=2)
    assert ran == {"integrate": 4, "merge": 2, "report": 1, "robustness": 1}
    assert {path: path.stat().st_mtime_ns for path in first} == first
    assert "after all of 20 replicates" in (tmp_path / "reports/small.html").read_text()
    assert folder.make(cores=2) == {}
    dry = folder.run("-n", "--configfile", "small.yaml")
    assert dry.returncode == 0
    assert "Nothing to be done" in dry.stderr + dry.stdout

    # A change of what is shown goes all the way at once, and runs no chunk.
    folder.sweep(**CHEAP, title="New")
    ran = folder.make(cores=2)
    assert ran == {"plan": 1, "build": 2, "look": 1, "merge": 2, "robustness": 1, "report": 1}
    assert folder.make(cores=2) == {}
