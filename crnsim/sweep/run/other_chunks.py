"""What the other chunks of a sweep have done so far, found without looking at each of thousands every time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from crnsim.errors import InputError
from crnsim.sweep.plan.plan_file import ChunkEntry
from crnsim.sweep.run.chunk_files import list_chunks, progress_file, read_account, read_heartbeat
from crnsim.sweep.run.pace import Pace, pace_of


class Done(NamedTuple):
    """Sums over chunks.

    Attributes
    ----------
    estimated : float
        Estimated core seconds of the points that are done, those of running chunks included.
    pace : Pace
        Of the finished chunks.
    finished : int
        Chunks whose file is there.
    """

    estimated: float = 0.0
    pace: Pace = Pace()
    finished: int = 0


class OtherChunks:
    """Chunks that other jobs compute, or have computed.

    A look lists each folder once and reads what is new: the account of a chunk that has ended since the last look, and
    the progress of those that run. A chunk that is finished is not looked at again.

    Parameters
    ----------
    chunks : iterable of ChunkEntry
    """

    def __init__(self, chunks: Iterable[ChunkEntry]) -> None:
        self._open: dict[Path, dict[Path, ChunkEntry]] = defaultdict(dict)
        for chunk in chunks:
            path = Path(chunk.path)
            self._open[path.parent][path] = chunk
        self._ended = Done()

    def look(self) -> Done:
        """Return what is done now."""
        running = 0.0
        for folder, waiting in self._open.items():
            if not waiting:
                continue
            try:
                listed = list_chunks(folder)
            except InputError:
                continue
            for path in [path for path in waiting if listed.has(path)]:
                self._end(waiting.pop(path), path)
            for path, chunk in waiting.items():
                if listed.has(progress_file(path)) and (beat := read_heartbeat(path)):
                    running += chunk.estimated_core_seconds * beat.share
        return self._ended._replace(estimated=self._ended.estimated + running)

    def _end(self, chunk: ChunkEntry, path: Path) -> None:
        """Add a chunk that has ended; what it took is lost where its account is."""
        seconds, sums = chunk.estimated_core_seconds, self._ended
        pace = sums.pace.plus(pace_of(seconds, read_account(path)))
        self._ended = Done(sums.estimated + seconds, pace, sums.finished + 1)
