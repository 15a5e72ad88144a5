"""Pieces of an unfinished chunk: what is saved beside it while it is computed, and where the next try goes on."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crnsim.entrance.arguments import setting
from crnsim.errors import CrnsimError, OutOfTimeError, StoppedError, StorageError
from crnsim.store.files import replacing, write_dataset
from crnsim.store.points import join
from crnsim.sweep.run.chunk_files import Account, account_file, free_piece, pieces_of, second_name
from crnsim.sweep.run.walltime import seconds_left

if TYPE_CHECKING:
    import xarray as xr


#: Seconds between two pieces, at least: what a kill -9 or a power cut may cost. The variable sets another number.
PAUSE = 60.0
SAVE_SECONDS = "CRNSIM_SAVE_SECONDS"
#: A job stops itself this share of its time before the end, within these bounds in seconds.
MARGIN, MARGIN_LEAST, MARGIN_MOST = 0.1, 5.0, 120.0
#: What ends the work: a queue, a terminal that is gone, Ctrl-C, and the alarm of our own.
_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGALRM)
log = logging.getLogger("crnsim.integrate")


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
            path = free_piece(self.target)
            account = Account(
                computed=sum(counts.values()), seconds_core=round(sum(seconds), 3), processors=dict(counts)
            )
            try:
                account.write_of_piece(path)
                write_dataset(join(parts), path)
            except CrnsimError as error:
                log.warning("not saved: %s", error)
                self._fresh = fresh + self._fresh
        self._last = time.monotonic()

    def finish(self, account: Account) -> None:
        """Replace the pieces by a second name of the chunk that is written now, where the file system can do that.

        Snakemake removes what it did not see being finished, as when it was killed meanwhile; under the second name
        the points are still there for the next try. It goes when the chunks are merged.
        """
        whole = second_name(self.target)
        pieces = [file for file in pieces_of(self.target) if file != whole]
        try:
            account.write(whole)
            with replacing(whole) as temporary:
                os.link(self.target, temporary)
        except StorageError as error:
            log.info("the pieces stay until the chunks are merged: %s", error)
            return
        for file in pieces:
            account_file(file).unlink(missing_ok=True)
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
            self._stopped(StoppedError(f"told to stop; {self._kept_message()}"))

        def interrupted(*_: Any) -> None:
            self._stopped(KeyboardInterrupt())

        def out_of_time(*_: Any) -> None:
            self._stopped(OutOfTimeError(f"the time of this job is nearly up; {self._kept_message()}"))

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

    def _kept_message(self) -> str:
        return (
            f"{self.n_points} of {self.total} points are saved beside {self.target}, "
            "and the same command goes on from there"
        )


def _pause() -> float:
    """Return the seconds between two pieces: `PAUSE`, unless the environment sets another number."""
    given = os.environ.get(SAVE_SECONDS, "").strip()
    return setting(SAVE_SECONDS, given, "seconds") if given else PAUSE
