"""Progress of a chunk and of its sweep: a line on the terminal and a small file beside the chunk."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, TextIO

from crnsim.store import write_json

#: Seconds between lines, where a line cannot be drawn over.
PAUSE = 10.0
#: Seconds between updates of the line that is drawn over, and of the file.
TICK = 1.0


class Progress:
    """Says how far a chunk is, and how far the sweep is.

    Parameters
    ----------
    plan : dict
        Content of ``plan.json``.
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
        self, plan: dict[str, Any], key: str, stream: TextIO, *, parallel: int, workers: int, live: bool
    ) -> None:
        self.stream, self.live, self.workers = stream, live, workers
        self.parallel = max(parallel, workers)
        group, number, self.entry = _find(plan, key)
        self.title = f"{group['dataset']}/{group['label']} chunk {number} of {len(group['chunks'])}"
        self.total = self.entry["n_points"]
        self.file = Path(self.entry["path"]).with_suffix(".progress.json")
        self.others = [c for g in plan["groups"] for c in g["chunks"] if c["key"] != self.entry["key"]]
        self.start = self.shown = self.saved = time.monotonic()
        self.first: float | None = None

    def update(self, done: float) -> None:
        """Take note of the number of points done; print and save it when it is time."""
        if self.first is None:
            self.first = done
        now = time.monotonic()
        if now - self.saved >= TICK:
            self.saved = now
            left = self._seconds_left(done)
            write_json(
                self.file,
                {"points": self.total, "done": round(done, 2), "seconds_left": left and round(left)},
            )
        if now - self.shown >= (TICK if self.live else PAUSE):
            self.shown = now
            self._print(self.line(done))

    def line(self, done: float) -> str:
        """Return the line for a number of points done."""
        left = self._seconds_left(done)
        own = f"{self.title}: {int(done)} of {self.total} points"
        own += f", about {duration(left)} left" if left else ""
        share, seconds = self._sweep(done)
        return f"{own}; sweep {share:.0%} done" + (f", about {duration(seconds)} left" if seconds else "")

    def finish(self, computed: int, reused: int, seconds: float) -> None:
        """Print the last line of the chunk and remove its file."""
        self.file.unlink(missing_ok=True)
        reuse = f" ({reused} of them from an earlier run)" if reused else ""
        share, left = self._sweep(self.total)
        rest = f", about {duration(left)} left" if left else ""
        text = f"{self.title}: {computed + reused} points{reuse} in {duration(seconds)}"
        text += f"; sweep {share:.0%} done{rest}"
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
        estimated_done = self.entry["estimated_core_seconds"] * done / self.total
        estimated_all = self.entry["estimated_core_seconds"] + sum(
            c["estimated_core_seconds"] for c in self.others
        )
        fresh = (done - (self.first or 0)) / self.total
        known = self.entry["estimated_core_seconds"] * fresh
        took = (time.monotonic() - self.start) * self.workers if fresh > 0 else 0.0
        for chunk in self.others:
            share, account = _state(Path(chunk["path"]))
            estimated_done += share * chunk["estimated_core_seconds"]
            if account and account.get("computed"):
                known += chunk["estimated_core_seconds"] * account["computed"] / account["points"]
                took += account["seconds_wall"] * account["workers"]
        share = estimated_done / estimated_all if estimated_all else 1.0
        if known <= 0 or share > 0.999:
            return min(share, 1.0), None
        return share, (estimated_all - estimated_done) * took / known / self.parallel


def _find(plan: dict[str, Any], key: str) -> tuple[dict[str, Any], int, dict[str, Any]]:
    for group in plan["groups"]:
        for number, chunk in enumerate(group["chunks"], start=1):
            if chunk["key"].startswith(key):
                return group, number, chunk
    raise KeyError(key)


def _state(path: Path) -> tuple[float, dict[str, Any] | None]:
    """Return the share of a chunk that is done and, once it is finished, its account."""
    try:
        if path.exists():
            return 1.0, json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        running = json.loads(path.with_suffix(".progress.json").read_text(encoding="utf-8"))
        return running["done"] / running["points"], None
    except (OSError, ValueError, KeyError):
        return float(path.exists()), None


def duration(seconds: float) -> str:
    """Write a duration as people say it: 12 s, 3 min, 2.5 h."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
