"""What the Snakefile asks the package: which sweep this is, and hashes that decide what runs again."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crnsim.errors import ConfigError, CrnsimError, StorageError
from crnsim.provenance import package_hash
from crnsim.sweep.config.given import given_values, value_words
from crnsim.sweep.plan.looks import LOOKS
from crnsim.sweep.plan.plan import PLAN, REPORTS, RESULTS
from crnsim.sweep.run.dask_cluster import SCHEDULER

#: Where the sweep file is that nobody names: the first of these that is there.
DEFAULTS = ("sweep.yaml", "config/config.yaml")
#: Folder of the installed package with the workflow in it; setup.py fills it.
CARRIED = "_share"
#: A number that YAML 1.1 takes for text.
_EXPONENT = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)[eE][-+]?[0-9]+")
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
        Its sweep file; empty where there is none, but values alone.
    given : tuple of str
        Words such as ``replicates=2``: values in place of the file's.
    fingerprint : str
        Changes with anything in the sweep file but the way the work is cut.
    code : str
        Changes with the library files that influence numbers.
    package : str
        Changes with any file of the package.
    workers : int
        Cores for one chunk: its Dask workers, or 1 where a Dask cluster that already runs does the work.
    command : str
        The command line ``crnsim``, run by the Python that runs Snakemake; or that of the environment or container
        in which the jobs run.
    """

    name: str
    file: str
    given: tuple[str, ...]
    fingerprint: str
    code: str
    package: str
    workers: int
    command: str

    @property
    def files(self) -> list[str]:
        """The sweep file, if there is one, as an input of a rule."""
        return [self.file] if self.file else []

    @property
    def source(self) -> str:
        """What the sweep is, as words of the command ``crnsim plan``."""
        return shlex.join([*self.files, *self._values])

    @property
    def permission(self) -> str:
        """What the sweep is, as options of the commands that read its plan."""
        return shlex.join([*(f"--sweep={file}" for file in self.files), *self._values])

    @property
    def _values(self) -> list[str]:
        return [f"--config={word}" for word in self.given]

    @property
    def summary_line(self) -> str:
        """What to say at the end: where the report is, if it was asked for."""
        page = Path(REPORTS, f"{self.name}.html")
        return f"Done. Report: {page}" if page.exists() else f"Done. Results: {RESULTS}/{self.name}/"


def open_workflow(
    config_files: Sequence[str | Path],
    given: Sequence[str] | Mapping[str, Any] = (),
    *,
    deployed: bool = False,
) -> Workflow:
    """Find and check the sweep file; on a mistake, say so in one line and stop.

    Parameters
    ----------
    config_files : sequence of path
        Files given with ``--configfile``; one at most.
    given : sequence of str, or mapping
        What was given with ``--config``, word by word; or the ``config:`` of a module. ``sweep`` names the sweep file,
        all else takes the place of what stands in it. A mapping without ``sweep`` is the whole sweep.
    deployed : bool
        Jobs run in an environment or a container of their own, where ``crnsim`` is installed.
    """
    try:
        for folder in (Path.cwd(), Path(RESULTS), Path(REPORTS)):
            _check_writable(folder)
        _check_writable(Path(".snakemake"), depth=1)
        workflow = _workflow(*sweep_source(config_files, given), deployed=deployed)
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


def sweep_source(
    config_files: Sequence[str | Path], given: Sequence[str] | Mapping[str, Any] = ()
) -> tuple[str | None, list[str]]:
    """Return the sweep file and the values in place of its own; see `open_workflow`.

    The file is that of ``--configfile``, else of ``sweep``, else the first of `DEFAULTS` that is there; None where a
    module gives the whole sweep by its ``config:``.
    """
    if len(config_files) > 1:
        raise ConfigError("give one sweep file with --configfile; sweep files do not add up")
    if isinstance(given, Mapping):
        values = {key: _number(value) for key, value in given.items()}
        named, words = values.pop("sweep", None), value_words(values)
        if named is None and words:
            return None, words
    else:
        found = [word for word in given if word.startswith("sweep=")]
        named = found[-1].removeprefix("sweep=") if found else None
        words = [word for word in given if word not in found]
    return _from_here(str(config_files[0] if config_files else named or default_sweep())), words


def default_sweep() -> str:
    """Return the sweep file of the working folder that nobody needs to name.

    Raises
    ------
    ConfigError
        There is none.
    """
    for file in DEFAULTS:
        if Path(file).is_file():
            return file
    raise ConfigError(
        f"{DEFAULTS[-1]}: there is no such file here, and no {DEFAULTS[0]}; name a sweep file "
        "(snakemake --configfile FILE, crnsim run FILE), or lay out a project with 'crnsim init DIR'"
    )


def _from_here(file: str) -> str:
    path, here = Path(file), Path.cwd()
    return str(path.relative_to(here)) if path.is_absolute() and path.is_relative_to(here) else file


def _number(value: Any) -> Any:
    """Return a number for one that YAML 1.1, which Snakemake reads, takes for text: 1e-4, without a point."""
    if isinstance(value, Mapping):
        return {key: _number(below) for key, below in value.items()}
    if isinstance(value, list | tuple):
        return [_number(below) for below in value]
    return float(value) if isinstance(value, str) and _EXPONENT.fullmatch(value) else value


def _workflow(file: str | None, given: list[str], *, deployed: bool) -> Workflow:
    from crnsim.provenance import code_hash
    from crnsim.sweep.config.read import read_sweep

    resolved = read_sweep(file, given)
    sweep = resolved.sweep
    return Workflow(
        name=sweep.name,
        file=file or "",
        given=tuple(value_words(given_values(given))),
        fingerprint=resolved.fingerprint,
        code=code_hash(),
        package=package_hash(),
        workers=1 if os.environ.get(SCHEDULER) else sweep.chunks.workers,
        command="crnsim" if deployed else f"{shlex.quote(sys.executable)} -m crnsim",
    )


def workflow_folder() -> Path:
    """Return the folder that holds ``workflow/`` and ``profiles/``: of the checkout, or what the package carries.

    Raises
    ------
    StorageError
        It is not there: the installation is not whole.
    """
    package = Path(__file__).resolve().parent.parent
    for folder in (package / CARRIED, package.parent):
        if (folder / "workflow" / "Snakefile").is_file():
            return folder
    raise StorageError(f"{package / CARRIED}: the workflow is not there; install crnsim anew")
