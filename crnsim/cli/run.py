"""Compute a sweep from its file to its report: Snakemake, started with the workflow that the package carries."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from crnsim.entrance.arguments import check_whole, shown
from crnsim.errors import InputError, StorageError
from crnsim.provenance import processors

if TYPE_CHECKING:
    import argparse

#: Bytes that a disk must take which is not full.
ROOM = 1 << 16
#: Options of Snakemake that `crnsim run` gives itself.
_OWN = ("--configfile", "--configfiles", "--snakefile", "-s", "--directory", "-d", "--cores", "-c")
_CONFIG = ("--config", "-C")


def run(options: argparse.Namespace) -> int:
    """Compute a sweep and say where its report is; return the exit status of Snakemake."""
    from crnsim.cli.lock import clear_stale_lock
    from crnsim.sweep.config.read import read_sweep
    from crnsim.sweep.workflow import default_sweep, workflow_folder

    where = workflow_folder()
    if options.snakefile or options.profiles:
        print(where / "profiles" if options.profiles else where / "workflow" / "Snakefile")
        return 0
    values, passed_on = part(options.passed_on)
    given = [*options.given, *values]
    cores = processors() if options.cores is None else options.cores
    check_whole("--cores", cores)
    file = options.sweep or default_sweep()
    name = read_sweep(file, given).sweep.name
    check_cache()
    command = snakemake_command(where, file, given)
    dry = options.dry_run or any(map(_is_dry, passed_on))
    if dry:
        # The profile leaves the table of jobs out, which is all that there is to see here.
        _show(file, given, cores)
        command += ["--dry-run", "--quiet", "host", "rules"]
    elif not clear_stale_lock([*command, "--unlock"]):
        return 1
    status = family(["--cores", str(cores), *passed_on], command)
    page = Path("reports", f"{name}.html")
    if status == 0 and not dry and page.exists():
        print(f"Report: {page.resolve()}")
    return status


def snakemake_command(where: Path, file: str, given: Sequence[str]) -> list[str]:
    """Return how Snakemake is started: by this Python, with the workflow, its profile and the sweep.

    Parameters
    ----------
    where : Path
        Folder with the workflow and the profiles; a profile in the working folder takes the place of its default one.
    file : str
        Sweep file.
    given : sequence of str
        Values in place of its own.
    """
    from crnsim.sweep.config.given import given_values, value_words

    own = Path("profiles", "default")
    profile = own if own.is_dir() else where / own
    words = value_words(given_values(given))
    return [
        *(sys.executable, "-m", "snakemake", "--snakefile", str(where / "Snakefile")),
        *("--workflow-profile", str(profile), "--configfile", file),
        *(["--config", *words] if words else []),
    ]


def _is_dry(word: str) -> bool:
    """Whether a word lets Snakemake only show what would run, or something else that runs nothing."""
    if word.startswith("--"):
        return word.startswith(
            ("--dry", "--list", "--summary", "--dag", "--rulegraph", "--filegraph", "--lint")
        )
    return re.fullmatch(r"-[a-zA-Z]*n[a-zA-Z]*", word) is not None


def part(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Part what is for Snakemake into values for the sweep, after its ``--config``, and all else.

    Raises
    ------
    InputError
        What `crnsim run` says itself; the message says how to say it before ``--``.
    """
    values: list[str] = []
    others: list[str] = []
    of_config = False
    for word in words:
        option, equals, value = word.partition("=")
        if option in _CONFIG:
            values += [value] if equals else []
            of_config = True
            continue
        of_config = of_config and not word.startswith("-")
        if of_config:
            values.append(word)
            continue
        others.append(word)
        if _says_own(option):
            raise InputError(
                f"{shown(word)} after --: crnsim says that itself; write it before --: crnsim run FILE --cores N "
                "in the folder where results go; or call snakemake itself"
            )
    return values, others


def _says_own(option: str) -> bool:
    """Whether an option is one that `crnsim run` gives itself, also cut short or with its value attached."""
    if option.startswith("--"):
        return len(option) > 4 and any(own.startswith(option) for own in _OWN)
    return option[:2] in _OWN and not option[2:].isalpha()


def check_cache() -> None:
    """Look whether Snakemake can write its cache, for which it makes a folder before it reads our rules.

    Raises
    ------
    StorageError
        It cannot; Snakemake would say so with a traceback.
    """
    folder = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    try:
        (folder / "snakemake").mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder / "snakemake") as file:
            file.write(bytes(ROOM))
            file.flush()
    except OSError as error:
        raise StorageError(
            f"{folder} cannot be written ({error.strerror or error}), where Snakemake keeps a cache; "
            "set XDG_CACHE_HOME to a folder that you can write"
        ) from None


def _show(file: str, given: Sequence[str], cores: int) -> None:
    import argparse

    from crnsim.cli.planning import show

    show(argparse.Namespace(config=file, given=given, cores=cores))
    print(flush=True)


def family(words: Sequence[str], command: Sequence[str]) -> int:
    """Run Snakemake to its end and return its exit status; what tells this process to stop, tells it and its jobs.

    A terminal tells all processes of its group of Ctrl-C: then nothing is passed on, or Snakemake would hear it twice.
    """
    started: list[subprocess.Popen[bytes]] = []
    told = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, _teller(started)) for number in told}
    try:
        started.append(subprocess.Popen([*command, *words]))
        status = started[0].wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return 128 - status if status < 0 else status


def _teller(started: Sequence[subprocess.Popen[bytes]]) -> Callable[[int, FrameType | None], None]:
    import psutil

    def tell(number: int, _: FrameType | None) -> None:
        if not started:
            raise SystemExit(128 + number)
        if number == signal.SIGINT and _in_foreground():
            return
        with suppress(psutil.Error):
            first = psutil.Process(started[0].pid)
            for one in [first, *first.children(recursive=True)]:
                with suppress(psutil.Error):
                    one.send_signal(number)

    return tell


def _in_foreground() -> bool:
    """Tell whether a terminal sends its Ctrl-C to this process."""
    try:
        with open(os.ctermid(), "rb") as terminal:  # noqa: PTH123
            return os.tcgetpgrp(terminal.fileno()) == os.getpgrp()
    except OSError:
        return False
