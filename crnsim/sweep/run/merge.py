"""Put the chunks of a group together: check that they belong together and are complete, in plan order."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from crnsim.errors import CrnsimError, DamagedFileError, InputError
from crnsim.store.files import damaged
from crnsim.store.points import join, pick, read_points
from crnsim.sweep.run.chunk_files import list_chunks
from crnsim.sweep.run.reuse import reusable

if TYPE_CHECKING:
    import xarray as xr

    from crnsim.sweep.plan.groups import Chunk, Group
    from crnsim.sweep.plan.plan import Plan

log = logging.getLogger("crnsim")


def merge_group(
    plan: Plan, name: str, *, partial: bool = False, left_out: list[str] | None = None
) -> xr.Dataset | None:
    """Join the chunk files of one group.

    Parameters
    ----------
    plan : Plan
    name : str
        Name of the group, such as ``xor-onepot-smooth``.
    partial : bool
        Take what there is, chunks and saved pieces of chunks, instead of asking for all; what cannot be used is
        left aside with a warning.
    left_out : list of str, optional
        Gets a line for each chunk that is there and was left aside.

    Returns
    -------
    xarray.Dataset or None
        All points of the group in plan order; equal however the group was cut. None where there is no chunk.

    Raises
    ------
    DamagedFileError
        A file is damaged or holds other points than planned; the message names it.
    InputError
        A chunk is missing, or was computed by another version of the library.
    """
    group, chunks = plan.group(name)
    paths = {key: Path(chunk.path) for key, chunk in plan.file.chunk_by_key.items()}
    parts = []
    listed = list_chunks(paths[chunks[0].key].parent) if partial else None
    for chunk in chunks:
        path = paths[chunk.key]
        if listed is not None:
            left = [] if left_out is None else left_out
            parts += _usable(path, listed.pieces(path), plan, group, chunk, left)
            continue
        if not path.exists():
            raise InputError(f"{path} is missing; 'crnsim integrate PLAN {chunk.key}' computes it")
        part = read_points(path)
        check_chunk(part, path, plan, group, chunk)
        parts.append(part)
    if not parts:
        return None
    try:
        joined = join(parts)
    except InputError as error:
        raise CrnsimError(f"the chunks of {name} do not fit together: {error}") from None
    there = set(joined["point_key"].values.tolist())
    keys = [key for key in group.keys() if key in there]  # noqa: SIM118
    merged = pick(joined, keys, group.recorded_keys())
    science = {key: value for key, value in plan.file.config.items() if key != "chunks"}
    merged = merged.assign_attrs(
        activation_label=group.label, role=group.role, sweep=plan.sweep.name, config=json.dumps(science)
    )
    return merged.assign_attrs(source=json.dumps(dict(group.source))) if group.source else merged


def _usable(
    path: Path, pieces: Sequence[Path], plan: Plan, group: Group, chunk: Chunk, left_out: list[str]
) -> list[xr.Dataset]:
    """Return a chunk, or the points of it that an unfinished try has saved."""
    if path.exists():
        try:
            part = read_points(path)
            check_chunk(part, path, plan, group, chunk)
            return [part]
        except (DamagedFileError, InputError) as error:
            log.warning("left out: %s", error)
            left_out.append(str(error))
    found = reusable(pieces, group.points(chunk), group.recorded_keys(chunk), plan.file.code_hash)
    return list(found.values())


def check_chunk(part: xr.Dataset, path: Path, plan: Plan, group: Group, chunk: Chunk) -> None:
    """Refuse a chunk file that is not what the plan says.

    Raises
    ------
    DamagedFileError
        It holds other points than planned; the message names the file.
    InputError
        It was computed by another version of the library.
    """
    if part.attrs.get("code_hash") != plan.file.code_hash:
        raise InputError(
            f"{path} was computed by another version of crnsim, and numbers of two versions do not mix; "
            "delete it and run the same command again"
        )
    for name, value in (
        ("dataset", group.dataset),
        ("circuit", group.circuit),
        ("activation", group.activation),
    ):
        if part.attrs.get(name) != value:
            raise damaged(path, f"it holds {name} {part.attrs.get(name)} where the plan has {value}")
    points = group.points(chunk)
    found = part["point_key"].values.tolist()
    if found != [point.key for point in points]:
        raise damaged(path, f"it holds {len(found)} points that are not the {len(points)} planned ones")
    for name, values in (("seed", [p.seed for p in points]), ("replicate", [p.replicate for p in points])):
        if part[name].values.tolist() != values:
            raise damaged(path, f"its {name} differs from the plan")
