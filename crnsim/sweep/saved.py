"""Pieces of an unfinished chunk: what is saved beside it while it is computed, and where the next try goes on."""

from __future__ import annotations

import contextlib
import logging
import math
import os
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crnsim.errors import CrnsimError, InputError, OutOfTimeError, StoppedError, StorageError
from crnsim.store import join, read_json, replacing, write_dataset, write_json
from crnsim.sweep.folder import names_in

if TYPE_CHECKING:
    import xarray as xr

#: Seconds between two pieces, at least: what a kill -9 or a power cut may cost. The variable sets another number.
PAUSE = 60.0
SAVE_SECONDS = "CRNSIM_SAVE_SECONDS"
#: What stands for the number in the name of the piece that is the whole chunk.
WHOLE = "all"
#: Minutes that the job has, from the start of the command; for queues that do not tell their jobs.
WALL_MINUTES = "CRNSIM_WALL_MINUTES"
#: A job stops itself this share of its time before the end, within these bounds in seconds.
MARGIN, MARGIN_LEAST, MARGIN_MOST = 0.1, 5.0, 120.0

_STARTED = time.time()
#: What ends the work: a queue, a terminal that is gone, Ctrl-C, and the alarm of our own.
_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGALRM)

log = logging.getLogger("crnsim.integrate")


def piece_files(target: Path, names: Iterable[str] | None = None) -> list[Path]:
    """Return the saved pieces of the chunk that is to be written to `target`.

    Parameters
    ----------
    target : Path
    names : iterable of str, optional
        What there is in its folder, where that was listed already: with thousands of chunks a listing takes a while.
    """
    there = names_in(target.parent) if names is None else names
    start = f"{target.stem}.saved-"
    return sorted(target.with_name(name) for name in there if name.startswith(start) and name.endswith(".nc"))


def pieces_by_chunk(folder: Path) -> dict[str, list[str]]:
    """Return the names of all saved pieces in a folder of chunks, and of their accounts, by the key of the chunk."""
    found: dict[str, list[str]] = {}
    for name in names_in(folder):
        key, mark, _ = name.partition(".saved-")
        if mark and not name.startswith("."):
            found.setdefault(key, []).append(name)
    return found


def remove_pieces(targets: Iterable[Path]) -> None:
    """Remove the pieces of chunks that are whole."""
    listed: dict[Path, dict[str, list[str]]] = {}
    for target in targets:
        folder = target.parent
        if folder not in listed:
            listed[folder] = pieces_by_chunk(folder)
        for name in listed[folder].get(target.stem, ()):
            (folder / name).unlink(missing_ok=True)


class _Stop(BaseException):
    """Ends the work from within a signal handler; no ``except Exception`` of a library holds it back."""


class Pieces:
    """Results of a chunk as they arrive; those not yet on disk are saved from time to time.

    Parameters
    ----------
    target : Path
        Where the chunk will be written.
    total, before : int
        All points of the chunk, and those that were there before.
    """

    def __init__(self, target: Path, total: int, before: int = 0) -> None:
        self.target, self.total, self.before = target, total, before
        self.parts: list[xr.Dataset] = []
        self.processors: Counter[str] = Counter()
        self.seconds = 0.0
        self._fresh: list[tuple[xr.Dataset, float, str]] = []
        self._last = time.monotonic()
        self._pause = _pause()
        self._busy = False
        self._told: CrnsimError | KeyboardInterrupt | None = None

    def add(self, results: xr.Dataset, seconds: float) -> None:
        """Take the results of a batch and the core seconds it took; save when it is time."""
        kind = str(results.attrs.pop("processor", "unknown"))
        self.parts.append(results)
        self._fresh.append((results, seconds, kind))
        self.processors[kind] += results.sizes["point"]
        self.seconds += seconds
        if time.monotonic() - self._last >= self._pause:
            self.save()
        if self._told is not None:
            raise _Stop

    @property
    def n_points(self) -> int:
        """Points that are there."""
        return self.before + sum(part.sizes["point"] for part in self.parts)

    def save(self) -> None:
        """Write what is not on disk yet as one more piece; a failure is logged and costs nothing but the piece."""
        if self._busy or not self._fresh:
            return
        with self.undisturbed():
            fresh, self._fresh = self._fresh, []
            parts, seconds, kinds = zip(*fresh, strict=True)
            counts: Counter[str] = Counter()
            for part, kind in zip(parts, kinds, strict=True):
                counts[kind] += part.sizes["point"]
            path = self.target.with_name(f"{self._stem(self._free_number())}.nc")
            try:
                write_json(
                    path.with_suffix(".json"),
                    {
                        "computed": sum(counts.values()),
                        "seconds_core": round(sum(seconds), 3),
                        "processors": dict(counts),
                    },
                )
                write_dataset(join(parts), path)
            except CrnsimError as error:
                log.warning("not saved: %s", error)
                self._fresh = fresh + self._fresh
        self._last = time.monotonic()

    def _free_number(self) -> int:
        names = {file.stem for file in piece_files(self.target)}
        return next(n for n in range(len(names) + 1) if self._stem(n) not in names)

    def _stem(self, number: int | str) -> str:
        return f"{self.target.stem}.saved-{number:0>3}"

    def finish(self, account: dict[str, Any]) -> None:
        """Replace the pieces by a second name of the chunk that is written now, where the file system can do that.

        Snakemake removes what it did not see being finished, as when it was killed meanwhile; under the second name
        the points are still there for the next try. It goes when the chunks are merged.
        """
        whole = self.target.with_name(f"{self._stem(WHOLE)}.nc")
        pieces = [file for file in piece_files(self.target) if file != whole]
        try:
            write_json(whole.with_suffix(".json"), account)
            with replacing(whole) as temporary:
                os.link(self.target, temporary)
        except StorageError as error:
            log.info("the pieces stay until the chunks are merged: %s", error)
            return
        for file in pieces:
            file.with_suffix(".json").unlink(missing_ok=True)
            file.unlink(missing_ok=True)

    @contextlib.contextmanager
    def undisturbed(self) -> Iterator[None]:
        """Put off a signal to stop until files are whole: NetCDF must not be entered twice."""
        self._busy = True
        try:
            yield
        finally:
            self._busy = False

    def _stopped(self, error: CrnsimError | KeyboardInterrupt) -> None:
        """Save before anything else is torn down, then stop."""
        for number in _SIGNALS:
            # Once is enough: what follows, such as stopping workers, must not be torn apart by a second one.
            signal.signal(number, signal.SIG_IGN)
        self._told = error
        if not self._busy:
            self.save()
            raise _Stop

    @contextlib.contextmanager
    def saved_when_stopped(self) -> Iterator[None]:
        """Save when the work is told to stop, fails, or is about to be cut off by the time limit of its job.

        Raises
        ------
        OutOfTimeError
            The time limit is near.
        StoppedError
            SIGTERM came, as from a queue that ends a job, or SIGHUP, from a terminal that is gone.
        """
        if threading.current_thread() is not threading.main_thread():
            yield  # only the main thread is told of signals
            return

        def terminated(*_: Any) -> None:
            self._stopped(StoppedError(f"told to stop; {self._what_is_kept()}"))

        def interrupted(*_: Any) -> None:
            self._stopped(KeyboardInterrupt())

        def out_of_time(*_: Any) -> None:
            self._stopped(OutOfTimeError(f"the time of this job is nearly up; {self._what_is_kept()}"))

        left = seconds_left()
        handlers = zip(_SIGNALS, (terminated, terminated, interrupted, out_of_time), strict=True)
        before: dict[int, Any] = {number: signal.signal(number, run) for number, run in handlers}
        if left is not None:
            margin = min(max(MARGIN * left, MARGIN_LEAST), MARGIN_MOST)
            log.info("this job has %.0f s left; it stops and saves %.0f s before the end", left, margin)
            signal.setitimer(signal.ITIMER_REAL, max(left - margin, 0.01))
        try:
            yield
        except BaseException:
            self.save()
            if self._told is None:
                raise
            # Also where a library took the end of the work for a failure of its own.
            raise self._told from None
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            for number, handler in before.items():
                signal.signal(number, handler)

    def _what_is_kept(self) -> str:
        return (
            f"{self.n_points} of {self.total} points are saved beside {self.target}, "
            "and the same command goes on from there"
        )


def _pause() -> float:
    """Return the seconds between two pieces: `PAUSE`, unless the environment sets another number."""
    given = os.environ.get(SAVE_SECONDS, "").strip()
    return _number(SAVE_SECONDS, given, "seconds") if given else PAUSE


def _number(name: str, text: str, unit: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise InputError(f"{name} is {text!r}; it must be a number of {unit} > 0")
    return number


def seconds_left(environment: dict[str, str] | None = None) -> float | None:
    """Return the seconds until the queue ends this job; None where nobody says.

    Parameters
    ----------
    environment : dict of str to str, optional
        ``os.environ`` where left out. ``CRNSIM_WALL_MINUTES`` counts from the start of this process; without it Slurm
        is asked, by ``SLURM_JOB_END_TIME`` or ``squeue``.
    """
    given = os.environ if environment is None else environment
    if minutes := given.get(WALL_MINUTES, "").strip():
        return 60.0 * _number(WALL_MINUTES, minutes, "minutes") - (time.time() - _STARTED)
    end = given.get("SLURM_JOB_END_TIME", "")
    if not end.isdecimal() and (job := given.get("SLURM_JOB_ID")):
        array, task = given.get("SLURM_ARRAY_JOB_ID"), given.get("SLURM_ARRAY_TASK_ID")
        end = _asked_slurm(f"{array}_{task}" if array and task else job)
    return float(end) - time.time() if end.isdecimal() else None


def _asked_slurm(job: str) -> str:
    """Return when a job of Slurm is ended, in Unix seconds; nothing where Slurm does not say."""
    try:
        said = subprocess.run(
            ["squeue", "--noheader", "--jobs", job, "--format", "%e"],
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        ).stdout.strip()
        return str(int(time.mktime(time.strptime(said, "%Y-%m-%dT%H:%M:%S"))))
    except (OSError, ValueError, OverflowError, subprocess.SubprocessError) as error:
        log.warning("Slurm does not say when job %s ends: %s", job, error)
        return ""


def piece_account(file: Path) -> dict[str, Any]:
    """Return what a piece took; empty where that is lost."""
    return read_json(file.with_suffix(".json")) or {}
