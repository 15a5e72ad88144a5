"""Progress of a chunk and of its sweep: a line on the terminal and small files beside the chunk."""

from __future__ import annotations

import contextlib
import math
import os
import socket
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import TextIO

from crnsim.errors import StorageError
from crnsim.sweep.plan.plan_file import ChunkEntry, GroupEntry, PlanFile
from crnsim.sweep.run import pace
from crnsim.sweep.run.chunk_files import Failure, Heartbeat, failure_file, progress_file
from crnsim.sweep.run.other_chunks import Done, OtherChunks
from crnsim.wording import duration

#: Seconds between lines, where a line cannot be drawn over; also between heartbeats of the file.
PAUSE = 10.0
#: Seconds between updates of the line that is drawn over, and of the file while points end.
TICK = 1.0
#: Looking after the other chunks may take one part in so many of the time.
RARELY = 50


class Progress:
    """Says how far a chunk is, and how far the sweep is.

    As a context it keeps two files beside the chunk: its progress while it is computed, with a heartbeat, and its
    failure once a try has ended with an error (see ``docs/file-format.md``).

    Parameters
    ----------
    plan : PlanFile
    key : str
        Key of the chunk.
    stream : text file
        Where lines go.
    parallel : int
        Cores that the whole sweep uses at a time.
    workers : int
        Cores that this chunk uses.
    live : bool
        Draw one line over and over, instead of a line every ten seconds.
    """

    def __init__(
        self, plan: PlanFile, key: str, stream: TextIO, *, parallel: int, workers: int, live: bool
    ) -> None:
        self.stream, self.live, self.workers = stream, live, workers
        self.parallel = max(parallel, workers)
        group, number, self.entry = _find(plan, key)
        self.title = f"{group.dataset}/{group.label} chunk {number} of {len(group.chunks)}"
        self.whole = "sweep"
        if group.looks:
            self.title += f" (look {self.entry.look} of at most {len(group.looks)})"
            self.whole = "what is wanted so far"  # a later look may want more
        self.total = self.entry.n_points
        self.chunk = Path(self.entry.path)
        others = [chunk for chunk in plan.chunks() if chunk.key != self.entry.key]
        self.estimated = sum(c.estimated_core_seconds for c in others) + self.entry.estimated_core_seconds
        self.others = OtherChunks(others)
        self.elsewhere = Done()
        self.looked, self.looking = -math.inf, 0.0
        self.start = self.shown = self.saved = time.monotonic()
        self.started = time.time()
        self.done = 0.0
        self.first: float | None = None
        self.writing = threading.Lock()
        self.over = threading.Event()

    def __enter__(self) -> Progress:
        with contextlib.suppress(OSError):
            failure_file(self.chunk).unlink(missing_ok=True)
        self._save()
        threading.Thread(target=self._beat, name="heartbeat", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.over.set()
        with self.writing, contextlib.suppress(OSError, StorageError):
            progress_file(self.chunk).unlink(missing_ok=True)
            # Whoever stops a chunk by hand has seen nothing fail.
            if error is not None and kind is not KeyboardInterrupt:
                said = " ".join(str(error).split())
                failure = Failure(said or type(error).__name__, socket.gethostname(), round(time.time()))
                failure.write(self.chunk)

    def _beat(self) -> None:
        """Show that this process lives, also while nothing ends."""
        while not self.over.wait(PAUSE):
            if time.monotonic() - self.saved >= PAUSE / 2:
                self._save()

    def _save(self) -> None:
        """Write the progress file; a full disk is no reason to stop here."""
        self.saved = time.monotonic()
        left = self._seconds_left(self.done)
        beat = Heartbeat(
            points=self.total,
            done=round(self.done, 2),
            seconds_left=left and round(left),
            host=socket.gethostname(),
            pid=os.getpid(),
            workers=self.workers,
            started=round(self.started),
            updated=round(time.time()),
        )
        with self.writing, contextlib.suppress(OSError, StorageError):
            if not self.over.is_set():
                beat.write(self.chunk)

    def update(self, done: float) -> None:
        """Take note of the number of points done; print and save it when it is time."""
        if self.first is None:
            self.first = done
        self.done = done
        now = time.monotonic()
        if now - self.saved >= TICK:
            self._save()
        if now - self.shown >= (TICK if self.live else PAUSE):
            self.shown = now
            self._print(self.line(done))

    def line(self, done: float) -> str:
        """Return the line for a number of points done."""
        left = self._seconds_left(done)
        own = f"{self.title}: {int(done)} of {self.total} points"
        own += f", about {duration(left)} left" if left else ""
        share, seconds = self._sweep(done)
        return f"{own}; {self.whole} {share:.0%} done" + (
            f", about {duration(seconds)} left" if seconds else ""
        )

    def finish(self, reused: int, killed: int, seconds: float) -> None:
        """Print the last line of the chunk."""
        reuse = f" ({reused} of them from an earlier run)" if reused else ""
        share, left = self._sweep(self.total)
        rest = f", about {duration(left)} left" if left else ""
        lost = f", {killed} of them lost their worker" if killed else ""
        text = f"{self.title}: {self.total} points{reuse}{lost} in {duration(seconds)}"
        text += f"; {self.whole} {share:.0%} done{rest}"
        self._print(text, last=True)

    def _print(self, text: str, last: bool = False) -> None:
        if self.live:
            self.stream.write(f"\r{text}\x1b[K" + ("\n" if last else ""))
        else:
            self.stream.write(f"{text}\n")
        self.stream.flush()

    def _seconds_left(self, done: float) -> float | None:
        fresh = done - (self.first or 0)
        if fresh <= 0:
            return None
        return (time.monotonic() - self.start) * (self.total - done) / fresh

    def _sweep(self, done: float) -> tuple[float, float | None]:
        """Return the share of the sweep that is done and the seconds that are left.

        Estimates are scaled by what finished chunks, and this one, took.
        """
        now = time.monotonic()
        # The more chunks there are, the more rarely.
        if now - self.looked >= RARELY * self.looking:
            self.elsewhere = self.others.look()
            self.looked, self.looking = time.monotonic(), time.monotonic() - now
        estimated = self.entry.estimated_core_seconds
        fresh = (done - (self.first or 0)) / self.total
        own = pace.Pace(estimated * fresh, (now - self.start) * self.workers) if fresh > 0 else pace.Pace()
        speed = self.elsewhere.pace.plus(own).speed * self.parallel
        finished = self.elsewhere.estimated + estimated * done / self.total
        share = finished / self.estimated if self.estimated else 1.0
        if share > 0.999:
            return min(share, 1.0), None
        return share, pace.seconds_left(self.estimated - finished, speed)


def _find(plan: PlanFile, key: str) -> tuple[GroupEntry, int, ChunkEntry]:
    for group in plan.groups:
        for number, chunk in enumerate(group.chunks, start=1):
            if chunk.key.startswith(key):
                return group, number, chunk
    raise KeyError(key)
