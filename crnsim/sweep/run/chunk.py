"""Compute one chunk: copy points that an older file holds, compute the others, write one file."""

from __future__ import annotations

import contextlib
import json
import logging
import math
import os
import socket
import time
from collections import Counter
from collections.abc import Callable, Collection, Generator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from crnsim.errors import DamagedFileError, InputError
from crnsim.experiment.point import Point
from crnsim.experiment.run import killed_points, run_points
from crnsim.noise.noise import batches as batch_numbers
from crnsim.outcomes import WORKER_KILLED
from crnsim.provenance import processor
from crnsim.store.files import damaged, digest, remove_abandoned, write_dataset
from crnsim.store.points import join, pick, read_keys, read_points
from crnsim.sweep.plan.cost import estimate_seconds
from crnsim.sweep.plan.layout import task_points
from crnsim.sweep.run.chunk_files import Account, as_written, chunk_key, pieces_of, read_account
from crnsim.sweep.run.dask_cluster import SCHEDULER
from crnsim.sweep.run.pieces import Pieces
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
    earlier = _earlier(plan, target, points, recorded)
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
        account = Account(
            key=chunk.key,
            points=len(points),
            computed=len(missing) - len(killed) + earlier.n_saved,
            reused=len(earlier.keys) - earlier.n_saved,
            killed=len(killed),
            seconds_wall=round(time.monotonic() - start, 3),
            seconds_core=round(pieces.seconds + earlier.seconds_core, 3),
            host=socket.gethostname(),
            workers=workers,
            processors=dict(sorted((pieces.processors + earlier.processors).items())),
        )
        with pieces.undisturbed():
            write_dataset(whole.assign_attrs(config=json.dumps(group.describe(chunk))), target)
            account = replace(account, sha256=digest(target))
            account.write(target)
            pieces.finish(account)
    return account


@dataclass(frozen=True)
class _Earlier:
    """Points of a chunk that need not be computed again.

    Attributes
    ----------
    parts : dict of Path to xarray.Dataset
        By the file that holds them.
    saved : set of Path
        Those of the files that an earlier try of this chunk saved; the others are chunks of an earlier plan.
    """

    parts: dict[Path, xr.Dataset]
    saved: set[Path]

    @cached_property
    def keys(self) -> set[str]:
        """Keys of the points."""
        return {key for part in self.parts.values() for key in part["point_key"].values.tolist()}

    @property
    def n_saved(self) -> int:
        """Number of points that an earlier try saved."""
        return sum(self.parts[file].sizes["point"] for file in self.saved)

    @property
    def seconds_core(self) -> float:
        """Core seconds of earlier tries, as their accounts say."""
        return sum(account.seconds_core for file in self.saved if (account := read_account(file)))

    @property
    def processors(self) -> Counter[str]:
        """Points by the kind of processor, as the accounts of the files say."""
        counts: Counter[str] = Counter()
        for file, part in self.parts.items():
            account = read_account(file)
            kinds = list(account.processors) if account else []
            counts[kinds[0] if len(kinds) == 1 else "unknown"] += part.sizes["point"]
        return counts


def _earlier(plan: Plan, target: Path, points: Sequence[Point], recorded: Sequence[str]) -> _Earlier:
    """Find points of a chunk that were saved by an earlier try or stand in chunk files of an earlier plan."""
    saved = pieces_of(target)
    parts = reusable([*saved, *_orphans(plan, target.parent)], points, recorded, plan.file.code_hash)
    return _Earlier(parts, set(saved) & set(parts))


def _orphans(plan: Plan, folder: Path) -> list[Path]:
    """Return the chunk files of earlier plans, and their pieces; those of this plan hold other points."""
    planned = plan.file.chunk_by_key
    return [file for file in sorted(folder.glob("*.nc")) if chunk_key(file) not in planned]


def reusable(
    files: Sequence[Path], points: Sequence[Point], recorded: Sequence[str], code_hash: str
) -> dict[Path, xr.Dataset]:
    """Return, by file, the wanted points that saved pieces and earlier chunk files hold, each point once.

    Points of another version of the library do not count, nor do those that lost their worker, nor those
    without a trajectory that is wanted now. A damaged file is left aside with a warning.
    """
    wanted, with_trajectories = {point.key for point in points}, set(recorded)
    parts: dict[Path, xr.Dataset] = {}
    for file in files:
        if not wanted:
            break
        try:
            # Most files of an earlier plan hold nothing that is wanted; only their keys are read.
            version, keys = read_keys(file)
            if version != code_hash or wanted.isdisjoint(keys):
                continue
            if not as_written(file):
                raise damaged(file, "its bytes are not those that were written")
            found = read_points(file)
        except (DamagedFileError, InputError) as error:
            log.warning("not reused: %s", error)
            continue
        there = set(found["recorded"].values.tolist()) if "recorded" in found.dims else set()
        status = found["status"].values.tolist()
        useful = [
            key
            for key, outcome in zip(keys, status, strict=True)
            if key in wanted and outcome != WORKER_KILLED and (key not in with_trajectories or key in there)
        ]
        if useful:
            parts[file] = pick(found, useful, [key for key in useful if key in with_trajectories])
            wanted.difference_update(useful)
    return parts


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
    batches = cut(points, batch, workers)
    if workers == 1 and not os.environ.get(SCHEDULER):
        ended: Generator[Ended] = _here(batches, set(recorded), progress)
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
                keep(results, seconds)
            progress(done)
    return killed


def _here(
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
