"""Compute one chunk: copy points that an older file holds, compute the others, write one file."""

from __future__ import annotations

import contextlib
import json
import logging
import math
import os
import socket
import time
from collections.abc import Callable, Collection, Generator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from crnsim.errors import InputError
from crnsim.experiment.point import Point
from crnsim.experiment.run import killed_points, run_points
from crnsim.noise.noise import batches as batch_numbers
from crnsim.provenance import processor
from crnsim.store.files import digest, remove_abandoned, write_dataset
from crnsim.store.points import join, pick
from crnsim.sweep.plan.cost import estimate_seconds
from crnsim.sweep.plan.layout import task_points
from crnsim.sweep.run.chunk_files import Account
from crnsim.sweep.run.dask_cluster import SCHEDULER
from crnsim.sweep.run.pieces import Pieces
from crnsim.sweep.run.reuse import EarlierPoints, earlier_points
from crnsim.sweep.run.workers import compute_batch, load_libraries, on_workers

if TYPE_CHECKING:
    import xarray as xr

    from crnsim.sweep.plan.plan import Plan
    from crnsim.sweep.run.workers import Compute, Ended

log = logging.getLogger("crnsim.integrate")


def integrate_chunk(
    plan: Plan,
    key: str,
    *,
    workers: int,
    path: str | Path | None = None,
    progress: Callable[[float], None] = lambda points: None,
    compute: Compute = compute_batch,
) -> Account:
    """Compute the chunk `key` of a plan and write its file and its account.

    What is finished is saved in pieces beside the chunk: every minute, when the work is told to stop, and before the
    time limit of its job. The next try goes on from there.

    Parameters
    ----------
    plan : Plan
    key : str
        Key of the chunk, or its beginning.
    workers : int
        Dask worker processes; 1 computes here.
    path : str or Path, optional
        Where to write, instead of the place in the plan.
    progress : callable
        Called with the number of points that are done.
    compute : callable
        What workers run.

    Raises
    ------
    OutOfTimeError, StoppedError
        Not finished; what there is, is saved.
    StorageError
        The chunk could not be written.
    """
    start = time.monotonic()
    group, chunk, planned = plan.chunk(key)
    target = Path(path or planned)
    points, recorded = group.points(chunk), group.recorded_keys(chunk)
    if group.chunk_key(chunk) != chunk.key:
        raise InputError(f"chunk {chunk.key} is not what the sweep now describes; make the plan again")
    remove_abandoned(target.parent, target.stem)
    earlier = earlier_points(plan.file, target, points, recorded)
    missing = [point for point in points if point.key not in earlier.keys]
    log.info(
        "%d points: %d to compute, %d saved by an earlier try, %d from other files",
        *(len(points), len(missing), earlier.n_saved, len(earlier.keys) - earlier.n_saved),
    )
    progress(len(earlier.keys))
    seconds = sum(map(estimate_seconds, missing or points)) / len(missing or points)
    pieces = Pieces(target, len(points), len(earlier.keys))
    load_libraries()
    with pieces.saved_when_stopped():
        killed = integrate(
            missing,
            recorded=recorded,
            workers=workers,
            batch=task_points(plan.sweep.chunks, seconds),
            progress=lambda done: progress(len(earlier.keys) + done),
            compute=compute,
            keep=pieces.add,
        )
        lost = [killed_points(killed)] if killed else []
        # What was computed now comes first, so that what it says of itself, such as the version, is what the file says.
        parts = [*pieces.parts, *lost, *earlier.parts.values()]
        whole = pick(join(parts), [point.key for point in points], recorded)
        account = replace(
            _account(pieces, earlier),
            key=chunk.key,
            points=len(points),
            computed=len(missing) - len(killed) + earlier.n_saved,
            killed=len(killed),
            seconds_wall=round(time.monotonic() - start, 3),
            workers=workers,
        )
        with pieces.undisturbed():
            write_dataset(whole.assign_attrs(config=json.dumps(group.describe(chunk))), target)
            account = replace(account, sha256=digest(target))
            account.write(target)
            pieces.finish(account)
    return account


def _account(pieces: Pieces, earlier: EarlierPoints) -> Account:
    """Return what the work of this try and of earlier ones took."""
    return Account(
        reused=len(earlier.keys) - earlier.n_saved,
        seconds_core=round(pieces.seconds + earlier.seconds_core, 3),
        host=socket.gethostname(),
        processors=dict(sorted((pieces.processors + earlier.processors).items())),
    )


def integrate(
    points: Sequence[Point],
    *,
    recorded: Sequence[str] = (),
    workers: int = 1,
    batch: int = 8,
    progress: Callable[[float], None] = lambda points: None,
    compute: Compute = compute_batch,
    keep: Callable[[xr.Dataset, float], None],
) -> list[Point]:
    """Compute points of one group, in this process or on Dask workers; the numbers are the same.

    Parameters
    ----------
    points : sequence of Point
    recorded : sequence of str
        Keys of points whose trajectories are kept.
    workers : int
        1 computes here, without Dask, unless ``CRNSIM_DASK_SCHEDULER`` names a scheduler.
    batch : int
        Points of one task.
    progress : callable
        Called with the number of points that are done.
    compute : callable
        What workers run.
    keep : callable
        Called with the results of each batch, and the core seconds they took, in the order batches end.

    Returns
    -------
    list of Point
        Those that have no results because they killed their worker.
    """
    if not points:
        return []
    return run_batches(
        cut(points, batch, workers),
        recorded=recorded,
        workers=workers,
        progress=progress,
        compute=compute,
        keep=lambda some, results, seconds: keep(results, seconds),
    )


def run_batches(
    batches: Sequence[Sequence[Point]],
    *,
    recorded: Sequence[str] = (),
    workers: int = 1,
    progress: Callable[[float], None] = lambda points: None,
    compute: Compute = compute_batch,
    keep: Callable[[Sequence[Point], xr.Dataset, float], None],
) -> list[Point]:
    """Compute batches, each of points of one group; see `integrate`.

    Parameters
    ----------
    keep : callable
        Called with the points of a batch, their results and the core seconds they took, in the order batches end.
    """
    if workers == 1 and not os.environ.get(SCHEDULER):
        ended: Generator[Ended] = _in_process(batches, set(recorded), progress)
    else:
        ended = on_workers(batches, recorded, workers, compute)
    killed: list[Point] = []
    done = 0
    # Closed at once where `keep` ends the work, so that no workers are left.
    with contextlib.closing(ended):
        for some, results, seconds in ended:
            done += len(some)
            if results is None:
                killed.extend(some)
            else:
                keep(some, results, seconds)
            progress(done)
    return killed


def _in_process(
    batches: Sequence[Sequence[Point]], recorded: Collection[str], progress: Callable[[float], None]
) -> Generator[Ended]:
    """Yield batches computed in this process."""
    load_libraries()
    done = 0
    for batch in batches:
        start = time.process_time()
        results = run_points(
            batch,
            record=[point.key for point in batch if point.key in recorded],
            progress=partial(_share_done, progress, done, len(batch)),
        )
        done += len(batch)
        yield batch, results.assign_attrs(processor=processor()), time.process_time() - start


def _share_done(progress: Callable[[float], None], before: int, size: int, share: float) -> None:
    progress(before + share * size)


def cut(points: Sequence[Point], batch: int, workers: int) -> list[list[Point]]:
    """Cut points into batches of like cost, the dearest first so that none is left alone at the end.

    At most `batch` points each, fewer where that would leave a worker without work.
    """
    size = max(1, min(batch, math.ceil(len(points) / workers)))
    cost = {point.key: estimate_seconds(point) for point in points}
    # Points of a batch agree on what tables their noise needs.
    numbers = dict(zip(cost, batch_numbers([point.noise for point in points]), strict=True))
    ordered = sorted(points, key=lambda point: (numbers[point.key], -cost[point.key]))
    batches: list[list[Point]] = []
    for point in ordered:
        last = batches[-1] if batches else []
        if not last or len(last) == size or numbers[last[0].key] != numbers[point.key]:
            batches.append([point])
        else:
            last.append(point)
    return sorted(batches, key=lambda some: -sum(cost[point.key] for point in some))
