"""Settings of all tests, how they are shared out to workers, and a finished sweep that several of them look at."""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path

import pytest
from browser import chromium, visit  # noqa: F401 - fixtures
from hypothesis import settings
from small_sweeps import SHARP, SMOOTH, compute_sweep

# A busy machine is no failure: nothing here is timed.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


#: Files that come first: what waits for a cluster; two that compile the library and most networks, each in one process,
#: so that what starts many processes finds them compiled; then what takes longest.
FIRST = (
    "test_cluster",
    "test_experiment",
    "test_kinetics",
    "test_workflow_again",
    "test_workflow",
    "test_workers",
    "test_methods",
    "test_robust_design",
    "test_hostile_results",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort by file, as `make test` gives a file to one worker: no two compile one network or start one cluster."""
    items.sort(key=lambda item: FIRST.index(item.path.stem) if item.path.stem in FIRST else len(FIRST))


@pytest.fixture(scope="session")
def computed_once(tmp_path_factory) -> Path:
    """Return a folder in which a sweep of two designs, in two chunks each, is computed; not to be changed."""
    place = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        place = place.parent  # of all workers
    folder, done = place / "computed", place / "computed.done"
    with (place / "computed.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            compute_sweep(folder, activations={"smooth": SMOOTH, "sharp": SHARP})
            done.touch()
    return folder


@pytest.fixture
def finished(computed_once, tmp_path, monkeypatch) -> Path:
    """Return the results of a finished sweep, to do with as one likes; the test runs beside them."""
    for name in ("results", "reports", "small.yaml"):
        source = computed_once / name
        (shutil.copytree if source.is_dir() else shutil.copy2)(source, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return Path("results/small")
