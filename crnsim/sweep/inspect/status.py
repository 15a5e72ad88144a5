"""How far a sweep is, told from its files alone: points, chunks, hosts at work, speed and time left."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crnsim.store.files import names_in, read_json
from crnsim.sweep.inspect.folder import ResultsFolder
from crnsim.sweep.plan.plan_file import ChunkEntry

#: Seconds after its last heartbeat within which a chunk counts as running; the heart beats every ten.
FRESH = 60.0
#: A chunk is in one of these states.
STATES = ("done", "running", "stalled", "failed", "waiting")


@dataclass(frozen=True)
class ChunkStatus:
    """What has become of one chunk.

    Attributes
    ----------
    group, key : str
    path : Path
    state : str
        One of `STATES`. ``stalled``: its heart has stopped, so its job was probably killed.
    points : int
        Points of the chunk.
    there : float
        Points that need not be computed again: all of a chunk that is done, those computed so far of a running one,
        and those saved of any other.
    saved : int
        Points saved by unfinished tries.
    estimated : float
        Core seconds, from the plan.
    note : dict
        Content of the account, the progress file or the failure, as the state has it.
    """

    group: str
    key: str
    path: Path
    state: str
    points: int
    there: float
    saved: int
    estimated: float
    note: dict[str, Any]

    @property
    def left(self) -> float:
        """Estimated core seconds still to do."""
        return self.estimated * (1.0 - self.there / self.points) if self.points else 0.0


@dataclass(frozen=True)
class SweepStatus:
    """What has become of a sweep.

    Attributes
    ----------
    folder : ResultsFolder
    chunks : list of ChunkStatus
        In the order of the plan.
    stages : dict
        Name of a stage to (files that are there, files planned).
    report : Path or None
        The page, where it is there and not older than the tables.
    time : float
        When this was so, in Unix seconds.
    """

    folder: ResultsFolder
    chunks: list[ChunkStatus]
    stages: dict[str, tuple[int, int]]
    report: Path | None
    time: float

    @property
    def finished(self) -> bool:
        """Whether everything up to the report is there."""
        return self.computed and self.report is not None

    @property
    def computed(self) -> bool:
        """Whether everything but the report is there."""
        return all(there == planned for there, planned in self.stages.values())

    def of(self, *states: str) -> list[ChunkStatus]:
        """Return the chunks in some states."""
        return [chunk for chunk in self.chunks if chunk.state in states]

    @property
    def share(self) -> float:
        """Share of the estimated core time that is done."""
        total = sum(chunk.estimated for chunk in self.chunks)
        return 1.0 - sum(chunk.left for chunk in self.chunks) / total if total else 1.0

    @property
    def killed(self) -> int:
        """Points of finished chunks that are marked ``worker_killed``."""
        return sum(int(_number(chunk.note, "killed") or 0) for chunk in self.of("done"))

    @property
    def core_seconds(self) -> float:
        """Core seconds that the finished chunks took."""
        return sum(_number(chunk.note, "seconds_core") or 0.0 for chunk in self.of("done"))

    @property
    def hosts(self) -> dict[str, dict[str, int]]:
        """Hosts at work: running chunks and workers on each."""
        found: dict[str, dict[str, int]] = {}
        for chunk in self.of("running"):
            host = found.setdefault(str(chunk.note.get("host", "unknown")), {"chunks": 0, "workers": 0})
            host["chunks"] += 1
            host["workers"] += int(_number(chunk.note, "workers") or 1)
        return dict(sorted(found.items()))

    @property
    def speeds(self) -> list[tuple[ChunkStatus, float]]:
        """Running chunks with their speed, in estimated core seconds done per second; known ones only.

        A chunk that says how many seconds it has left says how fast it is. Another is as fast, for each of its workers,
        as those that say, or else as the finished ones were.
        """
        running = self.of("running")
        own = {c.key: c.left / s for c in running if c.left and (s := _number(c.note, "seconds_left"))}
        measured = [c for c in running if c.key in own]
        workers = sum(_number(c.note, "workers") or 1 for c in measured)
        usual = sum(own.values()) / workers if workers else self._usual_speed()
        speeds = [
            (c, own[c.key] if c.key in own else usual * (_number(c.note, "workers") or 1)) for c in running
        ]
        return [(chunk, speed) for chunk, speed in speeds if speed > 0]

    def _usual_speed(self) -> float:
        """Return estimated core seconds per second of a worker in finished chunks; 0 where nobody knows."""
        work = took = 0.0
        for chunk in self.of("done"):
            computed, points = _number(chunk.note, "computed"), _number(chunk.note, "points")
            wall, workers = _number(chunk.note, "seconds_wall"), _number(chunk.note, "workers")
            if computed and points and wall and workers:
                work += chunk.estimated * computed / points
                took += wall * workers
        return work / took if took else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Seconds until all chunks are done at the speed of now; None where nothing is known of it.

        At least what the slowest running chunk says of itself.
        """
        left = sum(chunk.left for chunk in self.chunks)
        if not left:
            return 0.0
        speed = sum(speed for _, speed in self.speeds)
        if not speed:
            return None
        return max([left / speed, *(_number(c.note, "seconds_left") or 0.0 for c in self.of("running"))])

    @property
    def points_per_minute(self) -> float | None:
        """Points that the running chunks compute in a minute, if they say."""
        rates = [speed * chunk.points / chunk.estimated for chunk, speed in self.speeds if chunk.estimated]
        return 60.0 * sum(rates) if rates else None


def read_status(
    folder: ResultsFolder, now: float, known: dict[Path, dict[str, Any]] | None = None
) -> SweepStatus:
    """Find out how far a sweep is; reads names and small files, and writes nothing.

    Parameters
    ----------
    folder : ResultsFolder
    now : float
        Unix seconds.
    known : dict, optional
        Accounts read before, to be used again and added to, where one looks many times.
    """
    accounts = {} if known is None else known
    chunks: list[ChunkStatus] = []
    networks = summaries = groups = 0
    for entry, planned in folder.entries():
        listing = {parent: _listed(parent) for parent in {path.parent for _, path in planned}}
        chunks += [
            _chunk(entry.name, chunk, path, listing[path.parent], now, accounts) for chunk, path in planned
        ]
        networks += folder.place(entry.network).exists()
        summaries += folder.place(entry.summary).exists()
        groups += 1
    tables = folder.path / "robustness.nc"
    stages = {
        "networks": (networks, groups),
        "chunks": (sum(chunk.state == "done" for chunk in chunks), len(chunks)),
        "summaries": (summaries, groups),
        "tables": (int(tables.exists()), 1),
    }
    return SweepStatus(folder, chunks, stages, _report(folder.report, tables), now)


def _report(page: Path, tables: Path) -> Path | None:
    """Return the page unless it is missing, or left over from before the tables were made anew."""
    try:
        return page if page.stat().st_mtime >= tables.stat().st_mtime else None
    except OSError:
        return None


def _chunk(
    group: str,
    entry: ChunkEntry,
    path: Path,
    listing: _Listing,
    now: float,
    accounts: dict[Path, dict[str, Any]],
) -> ChunkStatus:
    """Tell the state of one chunk from the names beside it."""
    points, beside = entry.n_points, _Beside(path, listing)
    if path.name in beside.listing.names:
        if path not in accounts and f"{path.stem}.json" in beside.listing.names:
            accounts[path] = beside.read(".json")
        state, there, saved, note = "done", float(points), 0, accounts.get(path, {})
    else:
        accounts.pop(path, None)
        progress, failure = beside.read(".progress.json"), beside.read(".failed.json")
        state = _state(progress, failure, now)
        saved = min(beside.saved(), points)
        done = _number(progress, "done") or 0.0
        there = min(max(done, saved), points) if state == "running" else float(saved)
        note = failure if state == "failed" else progress if state != "waiting" else {}
    return ChunkStatus(
        group, entry.key, path, state, points, there, saved, entry.estimated_core_seconds, note
    )


def _state(progress: dict[str, Any], failure: dict[str, Any], now: float) -> str:
    """Return the state of an unfinished chunk: a failure counts unless a later try has begun."""
    failed = _number(failure, "time")
    if failure and (failed or 0.0) >= (_number(progress, "started") or 0.0):
        return "failed"
    updated = _number(progress, "updated")
    if updated is not None:
        return "running" if now - updated < FRESH else "stalled"
    return "stalled" if progress else "waiting"


@dataclass(frozen=True)
class _Listing:
    """The names in a folder of chunks, and those of saved pieces by the name of their chunk."""

    names: frozenset[str]
    pieces: dict[str, list[str]]


def _listed(folder: Path) -> _Listing:
    names = names_in(folder)
    pieces: dict[str, list[str]] = {}
    for name in names:
        stem, mark, rest = name.partition(".saved-")
        if mark and rest.endswith(".nc"):
            pieces.setdefault(stem, []).append(name)
    return _Listing(names, pieces)


@dataclass(frozen=True)
class _Beside:
    """The small files beside a chunk."""

    path: Path
    listing: _Listing

    def read(self, suffix: str) -> dict[str, Any]:
        """Return the content of one; empty where it is not there, has just gone, or cannot be read."""
        name = f"{self.path.stem}{suffix}"
        if name not in self.listing.names:
            return {}
        return read_json(self.path.with_name(name)) or {}

    def saved(self) -> int:
        """Return the number of points that unfinished tries have saved."""
        pieces = self.listing.pieces.get(self.path.stem, [])
        small = [self.read(f"{name[len(self.path.stem) : -len('.nc')]}.json") for name in pieces]
        # The second name of a whole chunk has its account, which counts all points.
        return sum(int(_number(each, "points") or _number(each, "computed") or 0) for each in small)


def _number(values: dict[str, Any], name: str) -> float | None:
    """Return a number of a small file; None where it is not there or none."""
    value = values.get(name)
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def points_by_state(chunks: Iterable[ChunkStatus]) -> dict[str, int]:
    """Count points: those that are there (``done``), and the rest by the state of their chunk; they add up to all."""
    counts = dict.fromkeys(STATES, 0)
    for chunk in chunks:
        there = int(chunk.there)
        counts["done"] += there
        counts[chunk.state] += chunk.points - there
    return counts


def chunks_by_state(chunks: Iterable[ChunkStatus]) -> dict[str, int]:
    """Count chunks by state."""
    counts = dict.fromkeys(STATES, 0)
    for chunk in chunks:
        counts[chunk.state] += 1
    return counts


def by_group(status: SweepStatus) -> dict[str, list[ChunkStatus]]:
    """Return the chunks of each group, in the order of the plan."""
    found: dict[str, list[ChunkStatus]] = {}
    for chunk in status.chunks:
        found.setdefault(chunk.group, []).append(chunk)
    return found


def to_json(status: SweepStatus) -> dict[str, Any]:
    """Return a status as plain values; ``docs/watching.md`` describes them."""
    groups = [
        {
            "name": name,
            "points": points_by_state(chunks),
            "chunks": chunks_by_state(chunks),
            "work_done": _share(chunks),
        }
        for name, chunks in by_group(status).items()
    ]
    unfinished = status.of("running", "stalled", "failed", "waiting")
    return {
        "sweep": status.folder.plan.sweep,
        "folder": str(status.folder.path),
        "time": round(status.time),
        "finished": status.finished,
        "stages": {name: {"there": there, "planned": n} for name, (there, n) in status.stages.items()},
        "report": str(status.report) if status.report else None,
        "points": points_by_state(status.chunks),
        "chunks": chunks_by_state(status.chunks),
        "work_done": round(status.share, 4),
        "seconds_left": None if status.seconds_left is None else round(status.seconds_left),
        "points_per_minute": None if status.points_per_minute is None else round(status.points_per_minute, 1),
        "core_seconds": round(status.core_seconds, 1),
        "hosts": status.hosts,
        "groups": groups,
        "unfinished": [
            {"group": c.group, "key": c.key, "state": c.state, "points": c.points, "there": round(c.there, 2)}
            | ({"saved": c.saved} if c.saved else {})
            | {name: c.note[name] for name in _SHOWN if name in c.note}
            for c in unfinished
            if c.state != "waiting" or c.saved
        ],
        "worker_killed": status.killed,
    }


_SHOWN = ("host", "pid", "workers", "started", "updated", "seconds_left", "message", "time")


def _share(chunks: list[ChunkStatus]) -> float:
    total = sum(chunk.estimated for chunk in chunks)
    return round(1.0 - sum(chunk.left for chunk in chunks) / total, 4) if total else 1.0
