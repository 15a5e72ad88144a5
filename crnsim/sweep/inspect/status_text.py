"""A status in words and bars, for a terminal."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from crnsim.sweep.inspect.status import (
    STATES,
    ChunkStatus,
    SweepStatus,
    by_group,
    chunks_by_state,
    points_by_state,
)
from crnsim.sweep.run.chunk_files import Failure, Heartbeat
from crnsim.wording import columns, duration, plural

#: Characters of a bar, and the letter of each state.
WIDTH = 24
LETTERS = {"done": "#", "running": "=", "stalled": "?", "failed": "!", "waiting": "."}
#: Chunks of one state that are listed one by one, and hosts.
MOST = 8
MOST_HOSTS = 4
UNKNOWN = "an unknown host"


def status_lines(status: SweepStatus) -> list[str]:
    """Return a status as lines of a terminal."""
    sweep, where = status.folder.plan.sweep, status.folder.path
    points = sum(chunk.points for chunk in status.chunks)
    if status.computed:
        took = f", {duration(status.core_seconds)} of core time" if status.core_seconds else ""
        page = (
            f"report: {_short(status.report)}"
            if status.report
            else f"no report of it at {_short(status.folder.report)}"
        )
        head = "finished" if status.report else "computed"
        return [
            f"{sweep} is {head}: {points} points in {len(status.chunks)} chunks{took}; {page}",
            *_killed(status),
        ]
    lines = [
        f"{sweep} ({where}): {_percent(status.share)} of the work done, {_time_left(status)}",
        _steps(status),
        *_look(status),
        "",
    ]
    lines += _table(status)
    for part in (_running(status), _stalled(status), _failed(status), _saved(status), _killed(status)):
        lines += part
    return lines


def bar(counts: dict[str, int], width: int = WIDTH) -> str:
    """Return a bar of `width` characters, a letter for each state; what is there at all shows."""
    total = sum(counts.values())
    if not total:
        return "." * width
    shown = {state: count for state, count in counts.items() if count}
    cells = {state: max(1, math.floor(width * count / total)) for state, count in shown.items()}
    # What rounding leaves over goes to, or comes from, the longest stretch.
    longest = max(cells, key=lambda state: cells[state])
    cells[longest] += width - sum(cells.values())
    return "".join(LETTERS[state] * cells.get(state, 0) for state in STATES)


def _percent(share: float) -> str:
    """Write a share; what is not whole is never 100 %."""
    return f"{min(math.floor(round(100 * share, 6)), 100 if share >= 1 else 99)} %"


def _time_left(status: SweepStatus) -> str:
    if status.seconds_left is None:
        why = "not known yet" if status.of("running") else "unknown: no chunk is being computed"
        return f"time left {why}"
    return f"about {duration(status.seconds_left)} left" if status.seconds_left else "all chunks are there"


def _steps(status: SweepStatus) -> str:
    parts = [
        f"{name} {there} of {planned}" for name, (there, planned) in status.steps.items() if name != "tables"
    ]
    parts.append("tables there" if status.steps["tables"][0] else "no tables yet")
    return f"plan made, {', '.join(parts)}, {'a report of before' if status.report else 'no report yet'}"


def _look(status: SweepStatus) -> list[str]:
    """Say which look is running, where replicates are added until verdicts are decided."""
    plan, made = status.folder.whole, status.folder.looks
    if plan.n_looks == 1:
        return []
    now = min(len(made) + 1, plan.n_looks) if not made or made[-1].wanted else len(made)
    seen = [
        f"{name} {counts[min(now, len(counts)) - 1]} of at most {counts[-1]} replicates"
        for name, counts in plan.schedule.items()
    ]
    rows = f", where {plural(len(made[-1].open), 'verdict')} were open" if made else ""
    return [f"look {now} of at most {plan.n_looks}: {', '.join(seen)}{rows}; more may be wanted"]


def _table(status: SweepStatus) -> list[str]:
    groups = by_group(status)
    rows: list[tuple[str, ...]] = [("group", "points", "", *STATES, "chunks", "estimate")]
    whole = {"all": status.chunks} if len(groups) > 1 else {}
    for name, chunks in (groups | whole).items():
        points, finished = points_by_state(chunks), chunks_by_state(chunks)["done"]
        rows.append(
            (
                name,
                f"[{bar(points)}]",
                str(sum(points.values())),
                *(str(points[state]) for state in STATES),
                f"{finished} of {len(chunks)}",
                duration(sum(chunk.estimated for chunk in chunks)),
            )
        )
    legend = "  ".join(f"{LETTERS[state]} {state}" for state in STATES)
    return [*columns(rows), f"points: {legend}"]


def _running(status: SweepStatus) -> list[str]:
    chunks = status.of("running")
    if not chunks:
        return []
    hosts = ", ".join(
        f"{name} ({plural(host['chunks'], 'chunk')}, {plural(host['workers'], 'worker')})"
        for name, host in list(status.hosts.items())[:MOST_HOSTS]
    )
    more = len(status.hosts) - MOST_HOSTS
    rate = status.points_per_minute
    speed = f"; {rate:,.{0 if rate >= 10 else 1}f} points a minute" if rate else ""
    lines = [
        "",
        f"running: {plural(len(chunks), 'chunk')} on {hosts}{f' and {more} more hosts' if more > 0 else ''}{speed}",
    ]
    return lines + _listed(chunks, lambda chunk: [_running_line(chunk, status.time)])


def _running_line(chunk: ChunkStatus, now: float) -> str:
    beat = chunk.heartbeat or Heartbeat()
    text = f"{_name(chunk)}: {int(chunk.there)} of {chunk.points} points, {_where(beat)}"
    text += f", for {duration(max(now - beat.started, 0))}" if beat.started is not None else ""
    return text + (f", about {duration(beat.seconds_left)} left" if beat.seconds_left is not None else "")


def _stalled(status: SweepStatus) -> list[str]:
    chunks = status.of("stalled")
    if not chunks:
        return []

    def line(chunk: ChunkStatus) -> list[str]:
        beat = chunk.heartbeat or Heartbeat()
        heard = (
            f", last heard of {duration(status.time - beat.updated)} ago" if beat.updated is not None else ""
        )
        return [f"{_name(chunk)}: {_where(beat)}{heard}; {chunk.saved} of {chunk.points} points saved"]

    head = f"stalled: the heart of {plural(len(chunks), 'chunk')} has stopped; a killed job, most likely"
    return ["", head, *_listed(chunks, line), "  the same snakemake command computes them again"]


def _failed(status: SweepStatus) -> list[str]:
    chunks = status.of("failed")
    if not chunks:
        return []

    def text(chunk: ChunkStatus) -> list[str]:
        failure = chunk.failure or Failure()
        ago = f", {duration(max(status.time - failure.time, 0))} ago" if failure.time is not None else ""
        lines = [f"{_name(chunk)} on {failure.host or UNKNOWN}{ago}: {failure.message or 'no message'}"]
        log = status.folder.log_of(chunk.path)
        return [*lines, f"  log: {_short(log)}"] if log.exists() else lines

    return [
        "",
        f"failed: the last try of {plural(len(chunks), 'chunk')} ended with an error",
        *_listed(chunks, text),
    ]


def _saved(status: SweepStatus) -> list[str]:
    chunks = [chunk for chunk in status.of("stalled", "failed", "waiting") if chunk.saved]
    points = sum(chunk.saved for chunk in chunks)
    if not points:
        return []
    return [
        "",
        f"saved: {points} points of {plural(len(chunks), 'unfinished chunk')}; the next try goes on from them",
    ]


def _killed(status: SweepStatus) -> list[str]:
    if not status.killed:
        return []
    where = status.folder.path
    return [
        f"worker_killed: {plural(status.killed, 'point')} lost their worker, for lack of memory most likely",
        f"  'crnsim check {where} --remove killed' lets the next run compute them again",
    ]


def _listed(chunks: Sequence[ChunkStatus], text: Callable[[ChunkStatus], list[str]]) -> list[str]:
    lines = [f"  {line}" for chunk in chunks[:MOST] for line in text(chunk)]
    return lines + ([f"  and {len(chunks) - MOST} more"] if len(chunks) > MOST else [])


def _name(chunk: ChunkStatus) -> str:
    return f"{chunk.group} {chunk.key[:8]}"


def _where(beat: Heartbeat) -> str:
    pid = f" (process {beat.pid})" if beat.pid is not None else ""
    return f"{plural(beat.workers, 'worker')} on {beat.host or UNKNOWN}{pid}"


def _short(path: Path | None) -> str:
    """Return a path as seen from here, if it is below."""
    if path is None:
        return ""
    here = Path(os.path.relpath(path))
    return str(path if ".." in here.parts else here)
