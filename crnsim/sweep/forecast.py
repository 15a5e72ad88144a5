"""What a sweep would take: core hours, wall time on some cores, disk, memory, and advice on its chunks."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from crnsim.sweep.estimate import (
    FILE_BYTES,
    cell_seconds,
    network_bytes,
    point_bytes,
    recorded_bytes,
    size,
)
from crnsim.sweep.layout import blocks

if TYPE_CHECKING:
    from crnsim.sweep.config import Chunks
    from crnsim.sweep.plan import Plan

#: Seconds until the first job starts, and that Snakemake and starting Python take for each one.
START, JOB = 5.0, 0.3
#: Seconds to build a network; to compile the library once, and to compile each form of network.
BUILD, COMPILE_LIBRARY, COMPILE_NETWORK = 2.0, 25.0, 4.0
#: Seconds of a chunk that are no work: to import libraries, start workers, write the file.
CHUNK = 4.2
#: Seconds to join a group, to compute the metrics and write the page, and what each point adds to all that.
MERGE, REPORT, POINT = 1.5, 6.0, 1.5e-3


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
        Core time as a multiple of the estimate; see `crnsim.sweep.speed`.
    """
    chunks = [chunk for entry in plan.data["groups"] for chunk in entry["chunks"]]
    missing = [chunk for chunk in chunks if not Path(chunk["path"]).exists()]
    workers = plan.sweep.chunks.workers
    lengths = [CHUNK + factor * chunk["estimated_core_seconds"] / workers for chunk in chunks]
    return Forecast(
        core_seconds=factor * sum(chunk["estimated_core_seconds"] for chunk in missing),
        wall_seconds=wall_seconds(plan, cores, factor),
        cores=cores,
        disk_bytes=disk_bytes(plan),
        job_mb=max(chunk["estimated_mb"] for chunk in chunks),
        chunks=len(chunks),
        done=len(chunks) - len(missing),
        chunk_points=(min(c["n_points"] for c in chunks), max(c["n_points"] for c in chunks)),
        chunk_seconds=(min(lengths), max(lengths)),
    )


def disk_bytes(plan: Plan) -> float:
    """Estimate the bytes of all files of a sweep: chunks, summaries (the same once more), networks."""
    total = 0.0
    for group, chunks in plan.groups:
        points = group.n_points * point_bytes(group) + len(group.recorded) * recorded_bytes(group)
        total += 2 * points + (len(chunks) + 1) * FILE_BYTES + network_bytes(group)
    return total


def wall_seconds(plan: Plan, cores: int, factor: float = 1.0) -> float:
    """Estimate the wall time of what is missing of a sweep, by playing the workflow through.

    Networks are built, each chunk waits for that of its group and takes a core for each worker, a group is joined when
    its last chunk is done, the report comes last.
    """
    workers = min(plan.sweep.chunks.workers, cores)
    free = [0.0] * cores
    heapq.heapify(free)
    built = _built(plan, free)
    last = 0.0
    for (group, _), entry, ready in zip(plan.groups, plan.data["groups"], built, strict=True):
        if Path(entry["summary"]).exists():
            continue
        done = ready
        for chunk in entry["chunks"]:
            if Path(chunk["path"]).exists():
                continue
            length = JOB + CHUNK + factor * chunk["estimated_core_seconds"] / workers
            done = max(done, _run(free, workers, ready, length))
        last = max(last, _run(free, 1, done, JOB + MERGE + POINT * group.n_points))
    if last == 0.0:
        return 0.0
    return START + last + 2 * JOB + REPORT + POINT * plan.data["n_points"]


def _built(plan: Plan, free: list[float]) -> list[float]:
    """Build the networks that are missing; return when that of each group is there."""
    cold, forms, times = not _compiled(), set(), []
    first = COMPILE_LIBRARY if cold else 0.0
    for group, _ in plan.groups:
        if Path(_network(plan, group.name)).exists():
            times.append(0.0)
            continue
        form = (len(group.settings.layers), group.circuit, group.activation, group.own_parameters)
        new = COMPILE_NETWORK if cold and form not in forms else 0.0
        forms.add(form)
        times.append(_run(free, 1, 0.0, JOB + BUILD + new + first))
    return times


def _network(plan: Plan, name: str) -> str:
    return next(
        entry["network"]
        for entry in plan.data["groups"]
        if f"{entry['dataset']}-{entry['circuit']}-{entry['label']}" == name
    )


def _compiled() -> bool:
    """Whether code of this version of the library has been compiled here before."""
    from crnsim.kinetics.lanes import compiled_folder

    return any(compiled_folder().rglob("*.nbi"))


def _run(free: list[float], cores: int, ready: float, length: float) -> float:
    """Give a job the cores that are free first; return when it ends."""
    taken = [heapq.heappop(free) for _ in range(cores)]
    end = max(ready, *taken) + length
    for _ in taken:
        heapq.heappush(free, end)
    return end
