"""Points of a chunk that need not be computed again: saved by an earlier try, or in chunks of an earlier plan."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from crnsim.errors import DamagedFileError, InputError
from crnsim.experiment.point import Point
from crnsim.outcomes import WORKER_KILLED
from crnsim.store.points import pick, read_keys, read_points
from crnsim.sweep.run.chunk_files import check_written, chunk_key, is_chunk_name, pieces_of, read_account

if TYPE_CHECKING:
    import xarray as xr

    from crnsim.sweep.plan.plan_file import PlanFile

log = logging.getLogger("crnsim.integrate")


@dataclass(frozen=True)
class EarlierPoints:
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


def earlier_points(
    plan: PlanFile, target: Path, points: Sequence[Point], recorded: Sequence[str]
) -> EarlierPoints:
    """Find points of a chunk that were saved by an earlier try or stand in chunk files of an earlier plan."""
    saved = pieces_of(target)
    parts = reusable([*saved, *_orphans(plan, target.parent)], points, recorded, plan.code_hash)
    return EarlierPoints(parts, set(saved) & set(parts))


def _orphans(plan: PlanFile, folder: Path) -> list[Path]:
    """Return the chunk files of earlier plans, and their pieces; those of this plan hold other points."""
    planned = plan.chunk_by_key
    return [file for file in sorted(folder.glob("*.nc")) if chunk_key(file) not in planned]


def reusable(
    files: Sequence[Path], points: Sequence[Point], recorded: Sequence[str], code_hash: str
) -> dict[Path, xr.Dataset]:
    """Return, by file, the wanted points that saved pieces and earlier chunk files hold, each point once.

    Points of another version of the library do not count, nor do those that lost their worker, nor those
    without a trajectory that is wanted now. A damaged file is left aside with a warning; a file that is no chunk, by
    its name and its content, without one.
    """
    wanted, with_trajectories = {point.key for point in points}, set(recorded)
    parts: dict[Path, xr.Dataset] = {}
    for file in files:
        if not wanted:
            break
        relevant = False
        try:
            # Most files of an earlier plan hold nothing that is wanted; only their keys are read.
            version, keys = read_keys(file)
            if version != code_hash or wanted.isdisjoint(keys):
                continue
            relevant = True
            check_written(file)
            found = read_points(file)
        except (DamagedFileError, InputError) as error:
            if is_chunk_name(file):
                log.warning("not reused: %s", error)
            elif relevant:
                # Written by `integrate -o`, into a folder of the user's own: not ours to tell to delete.
                what = f"{error.path}: {error.what}" if isinstance(error, DamagedFileError) else error
                log.warning("not reused: %s", what)
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
