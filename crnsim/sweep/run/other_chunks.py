"""What the other chunks of a sweep have done so far, found without looking at each of thousands every time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from crnsim.store.files import read_json
from crnsim.sweep.plan.plan_file import ChunkEntry


class Done(NamedTuple):
    """Sums over chunks.

    Attributes
    ----------
    estimated : float
        Estimated core seconds of the points that are done, those of running chunks included.
    known, took : float
        Estimated core seconds of points that finished chunks computed, and the wall time times workers that they took.
    finished : int
        Chunks whose file is there.
    """

    estimated: float
    known: float
    took: float
    finished: int


class Others:
    """Chunks that other jobs compute, or have computed.

    A look lists each folder once and reads what is new: the account of a chunk that has ended since the last look, and
    the progress of those that run. A chunk that is finished is not looked at again.

    Parameters
    ----------
    chunks : iterable of ChunkEntry
    """

    def __init__(self, chunks: Iterable[ChunkEntry]) -> None:
        self._open: dict[Path, dict[str, ChunkEntry]] = defaultdict(dict)
        for chunk in chunks:
            path = Path(chunk.path)
            self._open[path.parent][path.stem] = chunk
        self._ended = Done(0.0, 0.0, 0.0, 0)

    def look(self) -> Done:
        """Return what is done now."""
        running = 0.0
        for folder, waiting in self._open.items():
            try:
                names = {path.name for path in folder.iterdir()} if waiting else set()
            except OSError:
                continue
            for stem in [stem for stem in waiting if f"{stem}.nc" in names]:
                self._end(waiting.pop(stem), folder / f"{stem}.json")
            for stem, chunk in waiting.items():
                if f"{stem}.progress.json" in names:
                    running += chunk.estimated_core_seconds * _share(folder / f"{stem}.progress.json")
        return self._ended._replace(estimated=self._ended.estimated + running)

    def _end(self, chunk: ChunkEntry, path: Path) -> None:
        """Add a chunk that has ended; what it took is lost where its account is."""
        seconds, known, took = chunk.estimated_core_seconds, 0.0, 0.0
        account = read_json(path) or {}
        try:
            if account["computed"]:
                known = seconds * account["computed"] / account["points"]
                took = account["seconds_wall"] * account["workers"]
        except (KeyError, TypeError, ZeroDivisionError):
            known = took = 0.0
        sums = self._ended
        self._ended = Done(sums.estimated + seconds, sums.known + known, sums.took + took, sums.finished + 1)


def _share(path: Path) -> float:
    progress = read_json(path) or {}
    try:
        return min(1.0, progress["done"] / progress["points"])
    except (KeyError, TypeError, ZeroDivisionError):
        return 0.0
