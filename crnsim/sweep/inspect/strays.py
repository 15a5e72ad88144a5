"""Looks for files in a results folder that no plan asks for: chunks of earlier plans, and half-written ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from crnsim.store.files import is_abandoned, is_part, names_in
from crnsim.store.points import read_points
from crnsim.sweep.inspect.findings import Finding, read_or_find
from crnsim.sweep.inspect.folder import ResultsFolder
from crnsim.sweep.plan.plan import Plan
from crnsim.sweep.run.chunk_files import account_file, chunk_key


def strays(folder: ResultsFolder, plan: Plan | None) -> Iterator[Finding]:
    """Look for chunks of earlier plans, and for files whose writer is gone."""
    planned = {path for _, chunks in folder.entries() for _, path in chunks}
    # A chunk that no look has asked for yet is none of an earlier plan.
    stems = {path.stem for path in planned} | folder.whole.chunk_by_key.keys()
    missing = {path for path in planned if not path.exists()}
    variants = [place for place in sorted(folder.path.glob("chunks/*/*")) if place.is_dir()]
    for place in variants:
        wanted = _wanted(folder, plan, {path for path in missing if path.parent == place})
        for name in sorted(names_in(place)):
            file = place / name
            if name.endswith(".nc") and not name.startswith(".") and chunk_key(file) not in stems:
                yield from _orphan(file, folder.plan.code_hash, wanted)
    for place in (folder.path, folder.path / "networks", folder.path / "summary", *variants):
        for name in sorted(names_in(place)):
            if finding := _part(place / name):
                yield finding


def _wanted(folder: ResultsFolder, plan: Plan | None, missing: set[Path]) -> set[str] | None:
    """Return the keys of the points of missing chunks; None where they are not known."""
    if plan is None:
        return None if missing else set()
    keys = {path.stem for path in missing}
    return {
        point.key
        for group, chunks in plan.groups
        for chunk in chunks
        if chunk.key in keys
        for point in group.points(chunk)
    }


def _orphan(path: Path, code_hash: str, wanted: set[str] | None) -> Iterator[Finding]:
    """Look at a chunk of an earlier plan: of use as long as a chunk of this plan can copy points from it."""
    part, found = read_or_find(path, read_points)
    yield from found
    if part is None:
        return
    account = (account_file(path),)
    if part.attrs.get("code_hash") != code_hash:
        yield Finding(
            "orphan", path, "of another version of crnsim, whose numbers are not used again", account
        )
    elif wanted is None or (useful := len(wanted & set(part["point_key"].values.tolist()))):
        some = "points" if wanted is None else f"{useful} points"
        yield Finding("note", path, f"a chunk of an earlier plan; {some} of it will be used again")
    else:
        yield Finding("orphan", path, f"a chunk of an earlier plan, {part.sizes['point']} points", account)


def _part(path: Path) -> Finding | None:
    """Return a file that was being written when its writer was killed."""
    if not is_part(path):
        return None
    try:
        if is_abandoned(path):
            return Finding("leftover", path, "half written by a process that is gone")
    except OSError:
        return None  # it has just got its name
    return Finding("note", path, "is being written")
