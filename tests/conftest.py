"""Settings of all tests, and a finished sweep that several of them look at."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import settings
from small_sweeps import SHARP, SMOOTH, compute_sweep

# A busy machine is no failure: nothing here is timed.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def computed_once(tmp_path_factory) -> Path:
    """Return a folder in which a sweep of two designs, in two chunks each, is computed; not to be changed."""
    folder = tmp_path_factory.mktemp("computed")
    compute_sweep(folder, activations={"smooth": SMOOTH, "sharp": SHARP})
    return folder


@pytest.fixture
def finished(computed_once, tmp_path, monkeypatch) -> Path:
    """Return the results of a finished sweep, to do with as one likes; the test runs beside them."""
    for name in ("results", "reports", "small.yaml"):
        source = computed_once / name
        (shutil.copytree if source.is_dir() else shutil.copy2)(source, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return Path("results/small")
