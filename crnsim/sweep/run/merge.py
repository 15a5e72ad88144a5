"""Put the chunks of a group together: check that they belong together and are complete, in plan order."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from crnsim.errors import CrnsimError, DamagedFileError, InputError
from crnsim.store.attributes import json_value
from crnsim.store.files import damaged
from crnsim.store.points import join, pick, read_points
from crnsim.sweep.run.chunk_files import check_written, list_chunks
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
        parts.append(read_chunk(path, plan, group, chunk))
    if not parts:
        return None
    try:
        joined = join(parts)
    except InputError as error:
        raise CrnsimError(f"the chunks of {name} do not fit together: {error}") from None
    there = set(joined["point_key"].values.tolist())
    if not partial and len(there) != group.n_points:
        raise CrnsimError(
            f"the chunks of {name} hold {len(there)} of its {group.n_points} points; delete the plan and run the same "
            "command again"
        )
    keys = [key for key in group.keys() if key in there]  # noqa: SIM118
    merged = pick(joined, keys, group.recorded_keys())
    science = {key: value for key, value in plan.file.config.items() if key != "chunks"}
    merged = merged.assign_attrs(
        activation_label=group.label, role=group.role, sweep=plan.sweep.name, config=json.dumps(science)
    )
    if group.tuned:
        merged = merged.assign_attrs(tuned=_tuned(group))
    return merged.assign_attrs(source=json.dumps(dict(group.source))) if group.source else merged


def _tuned(group: Group) -> str | None:
    """How a learning rate was chosen, as a summary has it; None where it was not."""
    about = {name: value for name, value in group.tuned if name != "file"}
    return json.dumps(about) if about else None


def _usable(
    path: Path, pieces: Sequence[Path], plan: Plan, group: Group, chunk: Chunk, left_out: list[str]
) -> list[xr.Dataset]:
    """Return a chunk, or the points of it that an unfinished try has saved."""
    if path.exists():
        try:
            return [read_chunk(path, plan, group, chunk)]
        except (DamagedFileError, InputError) as error:
            log.warning("left out: %s", error)
            left_out.append(str(error))
    found = reusable(pieces, group.points(chunk), group.recorded_keys(chunk), plan.file.code_hash)
    return list(found.values())


def read_chunk(path: Path, plan: Plan, group: Group, chunk: Chunk) -> xr.Dataset:
    """Read a chunk file and hold it against its account and the plan.

    Raises
    ------
    DamagedFileError
        It was changed after it was written, or holds something else than planned.
    InputError
        It was computed by another version of the library.
    """
    part = read_points(path)
    check_chunk(part, path, plan, group, chunk)
    check_written(path)
    return part


def read_summary(plan: Plan, name: str) -> xr.Dataset:
    """Read the summary of a group and hold it against its account and the plan.

    Raises
    ------
    DamagedFileError
        It was changed after it was written, or holds something else than planned.
    InputError
        There is none, or it was computed by another version of the library.
    """
    group, _ = plan.group(name)
    path = Path(next(entry.summary for entry in plan.file.groups if entry.name == name))
    summary = read_points(path)
    _check_version(summary, path, plan)
    for attribute, value in (
        ("activation_label", group.label),
        ("role", group.role),
        ("sweep", plan.sweep.name),
        ("tuned", _tuned(group)),
    ):
        _check_attribute(summary, path, attribute, value)
    _check_points(summary, path, group, None)
    check_written(path)
    return summary


def check_chunk(part: xr.Dataset, path: Path, plan: Plan, group: Group, chunk: Chunk) -> None:
    """Refuse a chunk file that is not what the plan says.

    Raises
    ------
    DamagedFileError
        It holds other points than planned; the message names the file.
    InputError
        It was computed by another version of the library.
    """
    _check_version(part, path, plan)
    _check_points(part, path, group, chunk)
    # What the chunk was computed from, in full.
    try:
        same = json_value(part.attrs.get("config")) == json.loads(json.dumps(group.describe(chunk)))
    except ValueError:
        same = False
    if not same:
        raise damaged(path, "it was computed from another configuration than the plan's")


def _check_version(data: xr.Dataset, path: Path, plan: Plan) -> None:
    if data.attrs.get("code_hash") != plan.file.code_hash:
        raise InputError(
            f"{path} was computed by another version of crnsim, and numbers of two versions do not mix; "
            "delete it and run the same command again"
        )


def _check_attribute(data: xr.Dataset, path: Path, name: str, value: object) -> None:
    if data.attrs.get(name) != value:
        raise damaged(path, f"it holds {name} {data.attrs.get(name)} where the plan has {value}")


def _check_points(data: xr.Dataset, path: Path, group: Group, chunk: Chunk | None) -> None:
    """Compare points with those of a chunk, or of the whole group: what they are called, and every coordinate."""
    settings = group.settings
    for name, value in (
        ("dataset", group.dataset),
        ("circuit", group.circuit),
        ("activation", group.activation),
        ("layers", json.dumps(list(settings.layers))),
        ("epochs", settings.epochs),
        ("learning_rate", settings.learning_rate),
        ("mode", group.mode),
        ("method", group.solver.method),
        ("rtol", group.solver.rtol),
        ("atol", group.solver.atol),
    ):
        _check_attribute(data, path, name, value)
    keys, found = list(group.keys(chunk)), data["point_key"].values.tolist()
    if found != keys:
        raise damaged(path, f"it holds {len(found)} points that are not the {len(keys)} planned ones")
    for name, expected in _coordinates(group, chunk).items():
        values = data[name].values if name in data.variables else np.zeros(len(keys))
        if not np.array_equal(values, expected):
            raise damaged(path, f"its {name} differs from the plan")
    known = {"noise_kind", *_coordinates(group, chunk)}
    if strange := [
        n for n in data.coords if str(n).startswith("noise_") and n not in known and data[n].any()
    ]:
        raise damaged(path, f"it has {strange[0]}, which the plan has not")


def _coordinates(group: Group, chunk: Chunk | None) -> dict[str, np.ndarray]:
    """Coordinates of the points of a chunk, or of the whole group, as the plan has them."""
    cells = group.cells[slice(*chunk.cells)] if chunk else group.cells
    of_cells = range(*chunk.cells) if chunk else range(len(group.cells))
    replicates = [
        np.arange(*chunk.replicates) if chunk else np.arange(group.replicates_of(cell)) for cell in of_cells
    ]
    counts = [len(of_cell) for of_cell in replicates]
    kinds = {kind.name: kind for cell in cells for kind in cell.noise.kinds}
    columns: dict[str, list[object]] = {
        "running_time": [cell.running_time for cell in cells],
        "noise_kind": [cell.noise.kind for cell in cells],
    }
    for name, kind in kinds.items():
        columns[kind.coordinate] = [cell.noise.magnitudes.get(name, 0.0) for cell in cells]
    found = {name: np.repeat(np.array(values), counts) for name, values in columns.items()}
    found["replicate"] = np.concatenate(replicates)
    found["seed"] = np.full(sum(counts), group.seed)
    return found
