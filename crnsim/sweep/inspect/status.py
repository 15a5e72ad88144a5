"""How far a sweep is, told from its files alone: points, chunks, hosts at work, speed and time left."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from crnsim.sweep.inspect.folder import ResultsFolder
from crnsim.sweep.plan.looks import looks_known
from crnsim.sweep.plan.plan_file import ChunkEntry
from crnsim.sweep.run.chunk_files import (
    Account,
    ChunkFolder,
    Failure,
    Heartbeat,
    account_file,
    failure_file,
    list_chunks,
    progress_file,
    read_account,
    read_failure,
    read_heartbeat,
)
from crnsim.sweep.run.pace import Pace, pace_of, seconds_left

#: Seconds after its last heartbeat within which a chunk counts as running; the heart beats every ten.
FRESH = 60.0
#: A chunk is in one of these states.
STATES = ("done", "running", "stalled", "failed", "waiting")


@dataclass(frozen=True)
class ChunkStatus:
    """What has become of one chunk.

    Attributes
    ----------
    group : str
    entry : ChunkEntry
        What the plan says of it.
    path : Path
    state : str
        One of `STATES`. ``stalled``: its heart has stopped, so its job was probably killed.
    there : float
        Points that need not be computed again: all of a chunk that is done, those computed so far of a running one,
        and those saved of any other.
    saved : int
        Points saved by unfinished tries.
    account : Account or None
        Of a chunk that is done.
    heartbeat : Heartbeat or None
        The last one of a chunk that is running or stalled.
    failure : Failure or None
        Of a chunk that failed.
    """

    group: str
    entry: ChunkEntry
    path: Path
    state: str
    there: float
    saved: int
    account: Account | None = None
    heartbeat: Heartbeat | None = None
    failure: Failure | None = None

    @property
    def key(self) -> str:
        """Key of the chunk."""
        return self.entry.key

    @property
    def points(self) -> int:
        """Points of the chunk."""
        return self.entry.n_points

    @property
    def estimated(self) -> float:
        """Estimated core seconds of the chunk."""
        return self.entry.estimated_core_seconds

    @property
    def left(self) -> float:
        """Estimated core seconds still to do."""
        return self.estimated * (1.0 - self.there / self.points) if self.points else 0.0

    @property
    def workers(self) -> int:
        """Workers of a chunk that is being computed."""
        return self.heartbeat.workers if self.heartbeat else 1

    @property
    def seconds_left(self) -> float:
        """What a running chunk says of itself; 0 where it does not say."""
        return (self.heartbeat.seconds_left if self.heartbeat else None) or 0.0


@dataclass(frozen=True)
class SweepStatus:
    """What has become of a sweep.

    Attributes
    ----------
    folder : ResultsFolder
    chunks : list of ChunkStatus
        In the order of the plan.
    steps : dict
        Name of what a step of the workflow makes to (files that are there, files planned).
    report : Path or None
        The page, where it is there and not older than the tables.
    time : float
        When this was so, in Unix seconds.
    """

    folder: ResultsFolder
    chunks: list[ChunkStatus]
    steps: dict[str, tuple[int, int]]
    report: Path | None
    time: float

    @property
    def finished(self) -> bool:
        """Whether everything up to the report is there."""
        return self.computed and self.report is not None

    @property
    def computed(self) -> bool:
        """Whether everything but the report is there."""
        return all(there == planned for there, planned in self.steps.values())

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
        return sum(chunk.account.killed for chunk in self.chunks if chunk.account)

    @property
    def core_seconds(self) -> float:
        """Core seconds that the finished chunks took."""
        return sum(chunk.account.seconds_core for chunk in self.chunks if chunk.account)

    @property
    def hosts(self) -> dict[str, dict[str, int]]:
        """Hosts at work: running chunks and workers on each."""
        found: dict[str, dict[str, int]] = {}
        for chunk in self.of("running"):
            name = (chunk.heartbeat.host if chunk.heartbeat else "") or "unknown"
            host = found.setdefault(name, {"chunks": 0, "workers": 0})
            host["chunks"] += 1
            host["workers"] += chunk.workers
        return dict(sorted(found.items()))

    @property
    def speeds(self) -> list[tuple[ChunkStatus, float]]:
        """Running chunks with their speed, in estimated core seconds done per second; known ones only.

        A chunk that says how many seconds it has left says how fast it is. Another is as fast, for each of its workers,
        as those that say, or else as the finished ones were.
        """
        running = self.of("running")
        own = {
            chunk.key: chunk.left / chunk.seconds_left
            for chunk in running
            if chunk.left and chunk.seconds_left
        }
        workers = sum(chunk.workers for chunk in running if chunk.key in own)
        usual = sum(own.values()) / workers if workers else self._finished_pace().speed
        speeds = [(chunk, own.get(chunk.key, usual * chunk.workers)) for chunk in running]
        return [(chunk, speed) for chunk, speed in speeds if speed > 0]

    def _finished_pace(self) -> Pace:
        """Return what the finished chunks took."""
        pace = Pace()
        for chunk in self.of("done"):
            pace = pace.plus(pace_of(chunk.estimated, chunk.account))
        return pace

    @property
    def seconds_left(self) -> float | None:
        """Seconds until all chunks are done at the speed of now; None where nothing is known of it.

        At least what the slowest running chunk says of itself.
        """
        left = seconds_left(sum(chunk.left for chunk in self.chunks), sum(speed for _, speed in self.speeds))
        return max([left, *(chunk.seconds_left for chunk in self.of("running"))]) if left else left

    @property
    def points_per_minute(self) -> float | None:
        """Points that the running chunks compute in a minute, if they say."""
        rates = [speed * chunk.points / chunk.estimated for chunk, speed in self.speeds if chunk.estimated]
        return 60.0 * sum(rates) if rates else None


def read_status(folder: ResultsFolder, now: float, known: dict[Path, Account] | None = None) -> SweepStatus:
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
        listing = {parent: list_chunks(parent) for parent in {path.parent for _, path in planned}}
        chunks += [
            _chunk(entry.name, chunk, path, listing[path.parent], now, accounts) for chunk, path in planned
        ]
        networks += folder.place(entry.network).exists()
        summaries += folder.place(entry.summary).exists()
        groups += 1
    tables = folder.path / "robustness.nc"
    steps = {
        "networks": (networks, groups),
        "chunks": (sum(chunk.state == "done" for chunk in chunks), len(chunks)),
        "summaries": (summaries, groups),
        "tables": (int(tables.exists()), 1),
    }
    if folder.whole.n_looks > 1:
        steps["looks"] = (len(folder.looks), looks_known(folder.whole, folder.looks))
    return SweepStatus(folder, chunks, steps, _report(folder.report, tables), now)


def _report(page: Path, tables: Path) -> Path | None:
    """Return the page unless it is missing, or left over from before the tables were made anew."""
    try:
        return page if page.stat().st_mtime >= tables.stat().st_mtime else None
    except OSError:
        return None


def _chunk(
    group: str, entry: ChunkEntry, path: Path, listed: ChunkFolder, now: float, accounts: dict[Path, Account]
) -> ChunkStatus:
    """Tell the state of one chunk from the names beside it."""
    points = entry.n_points
    if listed.has(path):
        if path not in accounts and listed.has(account_file(path)) and (account := read_account(path)):
            accounts[path] = account
        return ChunkStatus(group, entry, path, "done", points, 0, account=accounts.get(path))
    accounts.pop(path, None)
    beat = read_heartbeat(path) if listed.has(progress_file(path)) else None
    failure = read_failure(path) if listed.has(failure_file(path)) else None
    # A piece whose account is lost counts for nothing.
    pieces = [account for file in listed.pieces(path) if (account := read_account(file))]
    saved = min(sum(account.held for account in pieces), points)
    state = _state(beat, failure, now)
    if state == "failed":
        return ChunkStatus(group, entry, path, state, saved, saved, failure=failure)
    there = min(max(beat.done, saved), points) if beat and state == "running" else saved
    return ChunkStatus(group, entry, path, state, there, saved, heartbeat=beat)


def _state(beat: Heartbeat | None, failure: Failure | None, now: float) -> str:
    """Return the state of an unfinished chunk: a failure counts unless a later try has begun."""
    if failure and (failure.time or 0.0) >= ((beat.started if beat else None) or 0.0):
        return "failed"
    if beat is None:
        return "waiting"
    return "running" if beat.updated is not None and now - beat.updated < FRESH else "stalled"


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
        "steps": {name: {"there": there, "planned": n} for name, (there, n) in status.steps.items()},
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
            | _noted(c)
            for c in unfinished
            if c.state != "waiting" or c.saved
        ],
        "worker_killed": status.killed,
    }


def _noted(chunk: ChunkStatus) -> dict[str, Any]:
    """Return what an unfinished chunk says of itself."""
    beat = asdict(chunk.heartbeat) if chunk.heartbeat else {}
    shown = {
        name: beat[name] for name in ("host", "pid", "workers", "started", "updated", "seconds_left") if beat
    }
    return shown | (asdict(chunk.failure) if chunk.failure else {})


def _share(chunks: list[ChunkStatus]) -> float:
    total = sum(chunk.estimated for chunk in chunks)
    return round(1.0 - sum(chunk.left for chunk in chunks) / total, 4) if total else 1.0
