"""What a sweep would take: core hours, wall time on some cores, disk, memory, and advice on its chunks."""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from crnsim.circuits.circuit import OBSERVATION
from crnsim.experiment.build import build_circuit
from crnsim.sweep.plan.cost import EMPTY_FILE_BYTES, network_bytes, point_bytes, recorded_bytes
from crnsim.sweep.plan.layout import MINUTES, blocks
from crnsim.wording import duration, plural

if TYPE_CHECKING:
    from crnsim.sweep.plan.plan import Plan
    from crnsim.sweep.plan.plan_file import ChunkEntry

#: Designs of a network from which on it is said that each is a job.
MANY_DESIGNS = 20
#: Seconds until the first job starts, and that Snakemake and starting Python take for each one.
START, JOB = 5.0, 0.3
#: Seconds to build a network; to compile the library once, and to compile each form of network.
BUILD, COMPILE_LIBRARY, COMPILE_NETWORK = 2.0, 25.0, 4.0
#: Seconds of a chunk that are no work: to import libraries, start workers, write the file.
CHUNK = 4.2
#: Seconds to join a group, to compute the metrics and write the page, and what each point adds to all that.
MERGE, REPORT, POINT = 1.5, 6.0, 1.5e-3
#: Share of the time that starting chunks may take, and seconds of one chunk, before there is advice.
SHARE, LONG = 0.25, 4 * 3600.0


@dataclass(frozen=True)
class Forecast:
    """What is left of a sweep would take.

    Attributes
    ----------
    core_seconds : float
        Of the points that are not there yet.
    wall_seconds : float
        On `cores` cores of one machine, from the command to the report.
    cores : int
    factor : float
        Core time as a multiple of the estimate.
    disk_bytes : float
        Of the whole sweep, when it is done.
    job_mb : int
        Of the largest job.
    chunks, done : int
        All of them, and those that are there.
    chunk_points : tuple of int
        Fewest and most points of a chunk.
    chunk_seconds : tuple of float
        Shortest and longest job, on the workers of a chunk, starting it included.
    """

    core_seconds: float
    wall_seconds: float
    cores: int
    factor: float
    disk_bytes: float
    job_mb: int
    chunks: int
    done: int
    chunk_points: tuple[int, int]
    chunk_seconds: tuple[float, float]


def forecast(plan: Plan, cores: int, factor: float = 1.0) -> Forecast:
    """Estimate what a sweep would take, from what is there already.

    Parameters
    ----------
    plan : Plan
    cores : int
        Of one machine, or that jobs may have on a cluster at a time.
    factor : float
        Core time as a multiple of the estimate; see `crnsim.sweep.run.calibration`.
    """
    chunks = list(plan.file.chunks())
    missing = [chunk for chunk in chunks if not Path(chunk.path).exists()]
    workers = plan.sweep.chunks.workers
    lengths = [CHUNK + factor * _work_seconds(chunk, workers) for chunk in chunks]
    return Forecast(
        core_seconds=factor * sum(chunk.estimated_core_seconds for chunk in missing),
        wall_seconds=wall_seconds(plan, cores, factor),
        cores=cores,
        factor=factor,
        disk_bytes=disk_bytes(plan),
        job_mb=max(chunk.estimated_mb for chunk in chunks),
        chunks=len(chunks),
        done=len(chunks) - len(missing),
        chunk_points=(min(c.n_points for c in chunks), max(c.n_points for c in chunks)),
        chunk_seconds=(min(lengths), max(lengths)),
    )


def disk_bytes(plan: Plan) -> float:
    """Estimate the bytes of all files of a sweep: chunks, summaries (the same once more), networks."""
    total = 0.0
    for group, chunks in plan.groups:
        points = group.n_points * point_bytes(group) + len(group.recorded) * recorded_bytes(group)
        total += 2 * points + (len(chunks) + 1) * EMPTY_FILE_BYTES + network_bytes(group)
    return total


def wall_seconds(plan: Plan, cores: int, factor: float = 1.0) -> float:
    """Estimate the wall time of what is missing of a sweep, by playing the workflow through.

    Networks are built, each chunk waits for that of its group and takes a core for each worker, a group is joined when
    its last chunk is done, the report comes last.
    """
    workers = min(plan.sweep.chunks.workers, cores)
    free = [0.0] * cores
    joined = []
    built = _built(plan, free)
    for (group, _), entry, ready in zip(plan.groups, plan.file.groups, built, strict=True):
        if Path(entry.summary).exists():
            continue
        done = ready
        for chunk in entry.chunks:
            if not Path(chunk.path).exists():
                length = JOB + CHUNK + factor * _work_seconds(chunk, workers)
                done = max(done, _schedule(free, workers, ready, length))
        joined.append((done, JOB + MERGE + POINT * group.n_points))
    if not joined:
        return 0.0
    # In truth they run as soon as they can; the work is the same.
    last = max(_schedule(free, 1, done, length) for done, length in sorted(joined))
    return START + last + 2 * JOB + REPORT + POINT * plan.file.n_points


def _work_seconds(chunk: ChunkEntry, workers: int) -> float:
    """Seconds of work of a chunk on its workers, of which no more are busy than there are points."""
    return chunk.estimated_core_seconds / min(workers, chunk.n_points)


def _built(plan: Plan, free: list[float]) -> list[float]:
    """Build the networks that are missing; return when that of each group is there."""
    cold, forms, times = not _compiled(), set(), []
    for (group, _), entry in zip(plan.groups, plan.file.groups, strict=True):
        if Path(entry.network).exists():
            times.append(0.0)
            continue
        form = (len(group.settings.layers), group.circuit, group.activation, group.own_parameters)
        new = COMPILE_NETWORK if cold and form not in forms else 0.0
        forms.add(form)
        # Jobs that start first all compile the library; the others find it done.
        library = COMPILE_LIBRARY if cold and min(free) == 0.0 else 0.0
        times.append(_schedule(free, 1, 0.0, JOB + BUILD + new + library))
    return times


def _compiled() -> bool:
    """Whether code of this version of the library has been compiled here before."""
    from crnsim.compiled import compiled_folder

    return any(compiled_folder().rglob("*.nbi"))


def _schedule(free: list[float], cores: int, ready: float, length: float) -> float:
    """Give a job the cores that are free first; return when it ends."""
    taken = [heapq.heappop(free) for _ in range(cores)]
    end = max(ready, *taken) + length
    for _ in taken:
        heapq.heappush(free, end)
    return end


def advice(plan: Plan, expected: Forecast) -> list[str]:
    """Return what would make a better layout, a sentence each; nothing where it is good."""
    found = [_too_short(plan, expected), _too_few(plan, expected), _too_long(plan, expected)]
    found.append(_many_designs(plan, expected))
    for group, _ in plan.groups:
        if group.mode == OBSERVATION:
            continue
        circuit, times = build_circuit(group.point(0, 0)), group.settings.running_times
        found += [circuit.advice(time) for time in (min(times), max(times))]
    return [line for line in dict.fromkeys(found) if line]


def _too_short(plan: Plan, expected: Forecast) -> str:
    lengths = expected.chunk_seconds
    share = CHUNK * expected.chunks / max(_job_seconds(plan, expected), 1e-9)
    number = _chunk_count(plan, MINUTES) if share > SHARE else expected.chunks
    # A few seconds are not worth a word.
    if number > expected.chunks / 2 or expected.chunks - number < 10:
        return ""
    return (
        f"chunks of {between(*lengths)}, of which {share:.0%} is starting them; "
        f"'chunks: {{minutes: {MINUTES:g}}}' would make {number} instead of {expected.chunks}"
    )


def _many_designs(plan: Plan, expected: Forecast) -> str:
    """Designs are jobs of their own, and each has to be started."""
    count = len(plan.groups)
    if plan.sweep.network is None or count < MANY_DESIGNS or expected.chunk_seconds[1] > LONG:
        return ""
    if expected.factor * plan.file.estimated_core_seconds > JOB * count:
        return ""
    return (
        f"{count} combinations of parameters are {count} designs, whose jobs take longer to start than to run; "
        "crnsim.robustness in Python does the same in one process"
    )


def _too_few(plan: Plan, expected: Forecast) -> str:
    workers = plan.sweep.chunks.workers
    core_seconds = expected.factor * plan.file.estimated_core_seconds
    if expected.chunks * workers > expected.cores / 2 or core_seconds < 600:
        return ""
    wanted = 2 * math.ceil(expected.cores / workers)
    minutes = max(1.0, float(f"{plan.file.estimated_core_seconds / 60 / wanted:.1g}"))
    number = _chunk_count(plan, minutes)
    if number <= expected.chunks:
        return ""
    number_now = plural(expected.chunks, "chunk")
    return (
        f"{number_now} of {workers} workers {'leaves' if expected.chunks == 1 else 'leave'} most of "
        f"{expected.cores} cores idle; "
        f"'chunks: {{minutes: {minutes:g}}}' would make {number}"
    )


def _too_long(plan: Plan, expected: Forecast) -> str:
    if expected.chunk_seconds[1] < LONG:
        return ""
    number = _chunk_count(plan, MINUTES)
    if number <= expected.chunks:
        return f"a chunk takes {duration(expected.chunk_seconds[1])}: a single run is that dear"
    return (
        f"a chunk takes {duration(expected.chunk_seconds[1])}, longer than many queues allow; "
        f"'chunks: {{minutes: {MINUTES:g}}}' would make {number} instead of {expected.chunks}"
    )


def _job_seconds(plan: Plan, expected: Forecast) -> float:
    """Seconds of all chunks one after another, starting them included."""
    work = expected.factor * plan.file.estimated_core_seconds / plan.sweep.chunks.workers
    return CHUNK * expected.chunks + work


def _chunk_count(plan: Plan, minutes: float) -> int:
    """Return how many chunks a layout by core minutes would make."""
    other = plan.sweep.chunks.model_copy(update={"minutes": minutes, "cells": None, "replicates": None})
    return sum(1 for group, _ in plan.groups for _ in blocks(group, other))


def between(least: float, most: float) -> str:
    """Write a range of durations; one where they read the same."""
    ends = duration(least), duration(most)
    return ends[0] if ends[0] == ends[1] else " to ".join(ends)
