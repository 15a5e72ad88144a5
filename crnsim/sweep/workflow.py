"""What the Snakefile asks the package: which sweep this is, and hashes that decide what runs again."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crnsim.errors import ConfigError, CrnsimError, StorageError
from crnsim.provenance import package_hash
from crnsim.sweep.plan.looks import LOOKS
from crnsim.sweep.plan.plan import PLAN, REPORTS, RESULTS
from crnsim.sweep.run.dask_cluster import SCHEDULER

DEFAULT = "config/config.yaml"
#: What the rules make beside the plan.
TABLES = ("robustness.nc", "robustness.csv")


@dataclass(frozen=True)
class Workflow:
    """A sweep as the rules see it.

    Attributes
    ----------
    name : str
        Name of the sweep.
    file : str
        Its sweep file.
    fingerprint : str
        Changes with anything in the sweep file but the way the work is cut.
    code : str
        Changes with the library files that influence numbers.
    package : str
        Changes with any file of the package.
    workers : int
        Cores for one chunk: its Dask workers, or 1 where a Dask cluster that already runs does the work.
    command : str
        The command line ``crnsim``, run by the Python that runs Snakemake.
    """

    name: str
    file: str
    fingerprint: str
    code: str
    package: str
    workers: int
    command: str

    @property
    def summary_line(self) -> str:
        """What to say at the end: where the report is, if it was asked for."""
        page = Path(REPORTS, f"{self.name}.html")
        return f"Done. Report: {page}" if page.exists() else f"Done. Results: {RESULTS}/{self.name}/"


def open_workflow(config_files: Sequence[str | Path], settings: Mapping[str, Any]) -> Workflow:
    """Find and check the sweep file; on a mistake, say so in one line and stop.

    Parameters
    ----------
    config_files : sequence of path
        Files given with ``--configfile``; one at most.
    settings : mapping
        What was given with ``--config``; ``sweep`` names the sweep file.
    """
    try:
        for folder in (Path.cwd(), Path(RESULTS), Path(REPORTS)):
            _check_writable(folder)
        _check_writable(Path(".snakemake"), depth=1)
        workflow = _workflow(sweep_file(config_files, settings))
        _check_places(workflow.name)
        return workflow
    except CrnsimError as error:
        sys.exit(f"crnsim: {error}")


def _check_places(sweep: str) -> None:
    """Look at the folders and files that the rules make."""
    results = Path(RESULTS, sweep)
    for step in ("integrate", "look", "merge", "build"):
        for place in ("logs", "benchmarks"):
            _check_writable(results / place / step)
    for name in ("chunks", "networks", "summary", LOOKS):
        _check_writable(results / name)
    for file in (*(results / name for name in (PLAN, *TABLES)), Path(REPORTS, f"{sweep}.html")):
        if file.is_dir():
            raise StorageError(f"{file}: a file must be here, and this is a folder; rename or remove it")
    # Down to logs/integrate/DATASET/VARIANT.
    _check_writable(results, depth=4)


def _check_writable(folder: Path, depth: int = 0) -> None:
    """Say in one line what Snakemake would say with a traceback: a folder, or one in it, that cannot be written.

    Parameters
    ----------
    folder : Path
        There need not be one.
    depth : int
        Levels of folders below it that are looked at too.
    """
    for place in (*reversed(folder.parents), folder):
        if os.path.lexists(place) and not place.is_dir():
            raise StorageError(f"{place}: a folder must be here, and something else is; rename or remove it")
    if not folder.exists():
        return
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise StorageError(
            f"{folder}: cannot be written; make it writable, or work in a copy (snakemake --directory FOLDER)"
        )
    if depth:
        with os.scandir(folder) as entries:
            inner = sorted(entry.path for entry in entries if entry.is_dir())
        for path in inner:
            _check_writable(Path(path), depth - 1)


def sweep_file(config_files: Sequence[str | Path], settings: Mapping[str, Any]) -> str:
    """Return the sweep file: ``--configfile``, else ``--config sweep=``, else the default sweep."""
    if len(config_files) > 1:
        raise ConfigError("give one sweep file with --configfile; sweep files do not add up")
    chosen = str(config_files[0]) if config_files else str(settings.get("sweep", DEFAULT))
    if not config_files and (unknown := [key for key in settings if key != "sweep"]):
        raise ConfigError(
            f"--config {unknown[0]}=...: unknown; only sweep=FILE is, all else stands in the sweep file"
        )
    path, here = Path(chosen), Path.cwd()
    return str(path.relative_to(here)) if path.is_absolute() and path.is_relative_to(here) else chosen


def _workflow(file: str) -> Workflow:
    from crnsim.provenance import code_hash
    from crnsim.sweep.config.read import read_sweep

    if file == DEFAULT and not Path(file).exists():
        raise ConfigError(f"{file}: there is no such file here; give a sweep file with --configfile FILE")
    resolved = read_sweep(file)
    sweep = resolved.sweep
    return Workflow(
        name=sweep.name,
        file=file,
        fingerprint=resolved.fingerprint,
        code=code_hash(),
        package=package_hash(),
        workers=1 if os.environ.get(SCHEDULER) else sweep.chunks.workers,
        command=f"{shlex.quote(sys.executable)} -m crnsim",
    )
