"""Reads every file of a results folder, names those that are damaged, foreign or left over, and removes them."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from crnsim.errors import CrnsimError, DamagedFileError, InputError
from crnsim.outcomes import WORKER_KILLED
from crnsim.store.files import as_written, is_abandoned, names_in, read_dataset, read_json, write_json
from crnsim.store.points import SCHEMA, read_points
from crnsim.sweep.inspect.folder import ResultsFolder
from crnsim.sweep.inspect.status import FRESH
from crnsim.sweep.plan.plan import Plan, read_plan
from crnsim.sweep.plan.plan_file import ChunkEntry, GroupEntry
from crnsim.sweep.run.chunk_files import piece_files, pieces_by_chunk
from crnsim.sweep.run.merge import check_chunk

if TYPE_CHECKING:
    import xarray as xr

    from crnsim.sweep.plan.groups import Chunk, Group

#: What can be wrong with a file; the first ones keep the sweep from being right, and the next run mends them.
KINDS = {
    "damaged": "cut short, empty, altered, or not written by crnsim",
    "foreign": "of another sweep, with other points than planned, or of another version",
    "killed": "holds points that lost their worker",
    "leftover": "left behind by a run that was killed",
    "orphan": "a chunk of an earlier plan, of no use to this one",
    "unreadable": "may not be read",
    "note": "nothing is wrong, but worth knowing",
}
#: Kinds that are a problem, those that can be removed, and those that are removed unless others are named.
PROBLEMS = ("damaged", "foreign", "killed", "leftover", "unreadable")
REMOVABLE = ("damaged", "foreign", "killed", "leftover", "orphan")
USUAL = ("damaged", "foreign", "killed")


@dataclass(frozen=True)
class Finding:
    """Something about one file.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    path : Path
    what : str
    also : tuple of Path
        Files that go with it when it is removed, because only both together are made again.
    """

    kind: str
    path: Path
    what: str
    also: tuple[Path, ...] = ()


def check_folder(
    folder: ResultsFolder, progress: Callable[[int, int], None] = lambda done, total: None
) -> list[Finding]:
    """Read every file of a results folder; numbers carry checksums, which reading compares.

    Parameters
    ----------
    folder : ResultsFolder
    progress : callable
        Called with the number of groups, chunks and tables that are read, and of all.

    Returns
    -------
    list of Finding
        In the order of the plan; empty where all is well.
    """
    plan, found = _plan(folder)
    total = 1 + sum(1 + len(entry.chunks) for entry in folder.plan.groups)
    done = 0
    for entry, chunks in folder.entries():
        laid_out = plan.group(entry.name) if plan else None
        saved = pieces_by_chunk(chunks[0][1].parent) if chunks else {}
        for number, (chunk, path) in enumerate(chunks):
            progress(done, total)
            done += 1
            expected = (plan, laid_out[0], laid_out[1][number]) if plan and laid_out else None
            found += _chunk(folder, entry, chunk, path, expected)
            found += _left_behind(path, saved.get(path.stem, []))
        progress(done, total)
        done += 1
        found += _network(folder.place(entry.network), entry)
        found += _summary(folder, entry, laid_out[0] if laid_out else None)
    found += _tables(folder)
    found += _strays(folder, plan)
    progress(total, total)
    return found


def _plan(folder: ResultsFolder) -> tuple[Plan | None, list[Finding]]:
    """Return the plan with its points; without them where this version, or a data file, does not allow that."""
    path = folder.plan_file
    try:
        plan = read_plan(path)
    except InputError as error:
        return None, [Finding("note", path, f"points are not compared with the plan, only counted: {error}")]
    except DamagedFileError as error:
        return None, [Finding("damaged", path, _what(error, path))]
    for group, chunks in plan.groups:
        if sum(chunk.n_points for chunk in chunks) != group.n_points:
            what = f"its chunks of {group.name} do not hold the points that its own configuration gives"
            return None, [Finding("damaged", path, what)]
        for chunk in chunks:
            if group.chunk_key(chunk) != chunk.key:
                what = f"its chunk {chunk.key} of {group.name} is not what its own configuration gives"
                return None, [Finding("damaged", path, what)]
    return plan, []


def _what(error: CrnsimError, path: Path) -> str:
    """Return what an error says of a file, without its name and the advice."""
    text = str(error).removeprefix(f"{path} is damaged: ").removeprefix(f"{path}: ").removeprefix(f"{path} ")
    return re.sub(r"; delete it and run the same command again$", "", text)


def _read(path: Path, read: Callable[[Path], xr.Dataset]) -> tuple[xr.Dataset | None, list[Finding]]:
    """Read a NetCDF file; nothing, and nothing wrong, where there is none."""
    try:
        return read(path), []
    except DamagedFileError as error:
        return None, [Finding("damaged", path, _what(error, path))]
    except InputError as error:
        return None, [Finding("unreadable", path, _what(error, path))] if os.path.lexists(path) else []


def _chunk(
    folder: ResultsFolder,
    entry: GroupEntry,
    chunk: ChunkEntry,
    path: Path,
    expected: tuple[Plan, Group, Chunk] | None,
) -> Iterator[Finding]:
    """Look at a chunk and the small files beside it."""
    part, found = _read(path, read_points)
    # The second name of a chunk that is not merged yet has the same bytes.
    second = path.with_name(f"{path.stem}.saved-all.nc")
    also = (second, second.with_suffix(".json")) if second.exists() else ()
    yield from (Finding(one.kind, path, one.what, also) for one in found)
    if part is not None:
        foreign = _differs(part, path, folder, entry, chunk, expected)
        killed = int((part["status"].values == WORKER_KILLED).sum())
        if foreign:
            yield Finding("foreign", path, foreign, also)
        elif not as_written(path):
            yield Finding("damaged", path, "its bytes are not those that were written", also)
        elif killed:
            yield Finding("killed", path, f"{killed} of its {part.sizes['point']} points lost their worker")
    yield from _account(path.with_suffix(".json"), chunk)


def _differs(
    part: xr.Dataset,
    path: Path,
    folder: ResultsFolder,
    entry: GroupEntry,
    chunk: ChunkEntry,
    expected: tuple[Plan, Group, Chunk] | None,
) -> str:
    """Say how a chunk differs from the plan; nothing where it does not."""
    if expected is not None:
        plan, group, planned = expected
        try:
            check_chunk(part, path, plan, group, planned)
        except CrnsimError as error:
            return _what(error, path).removeprefix("was ")
        there = set(part["recorded"].values.tolist()) if "recorded" in part.dims else set()
        alive = set(part["point_key"].values[part["status"].values != WORKER_KILLED].tolist())
        missing = len((set(group.recorded_keys(planned)) & alive) - there)
        return f"it lacks {missing} of its trajectories" if missing else ""
    if part.attrs.get("code_hash") != folder.plan.code_hash:
        return "computed by another version of crnsim than its plan"
    for name in ("dataset", "circuit", "activation"):
        if part.attrs.get(name) != (planned_value := getattr(entry, name)):
            return f"it holds {name} {part.attrs.get(name)} where the plan has {planned_value}"
    if part.sizes["point"] != chunk.n_points:
        return f"it holds {part.sizes['point']} points; {chunk.n_points} are planned"
    return ""


def _account(path: Path, chunk: ChunkEntry) -> Iterator[Finding]:
    if not os.path.lexists(path):
        return
    account = read_json(path)
    if account is None:
        yield Finding("damaged", path, "not JSON; it said what the chunk took, and nothing else is lost")
    elif (account.get("key"), account.get("points")) != (chunk.key, chunk.n_points):
        yield Finding("foreign", path, "the account of another chunk")


def _left_behind(path: Path, saved: Sequence[str]) -> Iterator[Finding]:
    """Name what a finished chunk needs no more, and the progress of a job that is gone; a running one is left alone."""
    progress = path.with_suffix(".progress.json")
    small = read_json(progress) if progress.exists() else None
    updated = small.get("updated") if small else None
    if isinstance(updated, (int, float)) and time.time() - updated < FRESH:
        return
    if progress.exists():
        yield Finding("leftover", progress, "the progress of a job that is gone")
    if not os.path.lexists(path):
        for piece in piece_files(path, saved):
            yield from _read(piece, read_points)[1]
        return
    # A second name of the finished chunk stays until the chunk is merged.
    pieces = [path.with_name(name) for name in sorted(saved) if ".saved-all." not in name]
    for file in [path.with_suffix(".failed.json"), *pieces]:
        if file.exists():
            yield Finding("leftover", file, "of a try that failed or was stopped; the chunk is there")


def _network(path: Path, entry: GroupEntry) -> Iterator[Finding]:
    """Look at the network of a group, as arrays and as text; one job makes both."""
    text = path.with_suffix(".crn")
    network, found = _read(path, read_dataset)
    for finding in found:
        yield Finding(finding.kind, path, finding.what, (text,))
    if network is not None and (wrong := _wrong_network(network, entry)):
        yield Finding("foreign", path, wrong, (text,))
    if text.exists():
        try:
            lines = text.read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError):
            lines = []
        count = sum("->" in line and not line.startswith("//") for line in lines)
        if not lines or not lines[0].startswith("//") or not count:
            yield Finding("damaged", text, "no list of reactions", (path,))


def _wrong_network(network: xr.Dataset, entry: GroupEntry) -> str:
    names = {
        "schema": SCHEMA,
        "dataset": entry.dataset,
        "circuit": entry.circuit,
        "activation_label": entry.label,
    }
    for name, value in names.items():
        if network.attrs.get(name) != value:
            return f"a network of {name} {network.attrs.get(name)} where the plan has {value}"
    sizes = (network.sizes.get("species"), network.sizes.get("reaction"))
    if sizes != (network.attrs.get("n_species"), network.attrs.get("n_reactions")):
        return "it has not as many species or reactions as it says"
    return ""


def _summary(folder: ResultsFolder, entry: GroupEntry, group: Group | None) -> Iterator[Finding]:
    path = folder.place(entry.summary)
    summary, found = _read(path, read_points)
    yield from found
    if summary is None:
        return
    names = {"dataset": entry.dataset, "circuit": entry.circuit, "activation_label": entry.label}
    names |= {"sweep": folder.plan.sweep}
    for name, value in names.items():
        if summary.attrs.get(name) != value:
            yield Finding(
                "foreign", path, f"a summary of {name} {summary.attrs.get(name)} where the plan has {value}"
            )
            return
    same = summary.sizes["point"] == entry.n_points
    if group is not None:
        same = summary["point_key"].values.tolist() == [point.key for point in group.points()]
    if same and summary.attrs.get("code_hash") == folder.plan.code_hash:
        return
    if path.stat().st_mtime < folder.plan_file.stat().st_mtime:
        yield Finding("note", path, "a summary of an earlier plan; the next run makes it anew")
    else:
        yield Finding("foreign", path, "a summary of other points than planned, or of another version")


def _tables(folder: ResultsFolder) -> Iterator[Finding]:
    """Look at the tables of the sweep, as NetCDF and CSV; one job makes both."""
    path, text = folder.path / "robustness.nc", folder.path / "robustness.csv"
    tables, found = _read(path, read_dataset)
    for finding in found:
        yield Finding(finding.kind, path, finding.what, (text,))
    if tables is not None and tables.attrs.get("sweep") != folder.plan.sweep:
        yield Finding("foreign", path, f"tables of the sweep {tables.attrs.get('sweep')}", (text,))
    if text.exists():
        try:
            content = text.read_text(encoding="utf-8")
        except (OSError, ValueError):
            content = ""
        if not content.endswith("\n") or not content.startswith("table,"):
            yield Finding("damaged", text, "not the whole table", (path,))


def _strays(folder: ResultsFolder, plan: Plan | None) -> Iterator[Finding]:
    """Look for chunks of earlier plans, and for files whose writer is gone."""
    planned = {path for _, chunks in folder.entries() for _, path in chunks}
    stems = {path.stem for path in planned}
    missing = {path for path in planned if not path.exists()}
    variants = [place for place in sorted(folder.path.glob("chunks/*/*")) if place.is_dir()]
    for place in variants:
        wanted = _wanted(folder, plan, {path for path in missing if path.parent == place})
        for name in sorted(names_in(place)):
            file = place / name
            if name.endswith(".nc") and not name.startswith(".") and name.partition(".")[0] not in stems:
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
    part, found = _read(path, read_points)
    yield from found
    if part is None:
        return
    account = (path.with_suffix(".json"),)
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
    if not (path.name.startswith(".") and path.name.endswith(".part")):
        return None
    try:
        if is_abandoned(path):
            return Finding("leftover", path, "half written by a process that is gone")
    except OSError:
        return None  # it has just got its name
    return Finding("note", path, "is being written")


def remove(folder: Path, findings: Sequence[Finding]) -> list[Path]:
    """Remove files from a results folder; a chunk with killed workers is set aside, so that its other points are kept.

    Parameters
    ----------
    folder : Path
    findings : sequence of Finding
        Those whose files are to go.

    Returns
    -------
    list of Path
        What is no longer there.

    Raises
    ------
    InputError
        A file lies outside the folder, behind a link, or its folder cannot be written: nothing was removed. Or one
        could not be removed although it seemed so.
    """
    inside = folder.resolve()
    doomed = list(dict.fromkeys(path for finding in findings for path in (finding.path, *finding.also)))
    for place in dict.fromkeys(path.parent for path in doomed):
        if not place.resolve().is_relative_to(inside):
            raise InputError(
                f"{place} leads out of {folder}; nothing was removed. Remove files there yourself"
            )
        if not os.access(place, os.W_OK | os.X_OK):
            raise InputError(f"{place} cannot be written; nothing was removed")
    aside = {finding.path for finding in findings if finding.kind == "killed"}
    gone: list[Path] = []
    for path in doomed:
        try:
            if path in aside:
                _set_aside(path)
            else:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise InputError(
                f"{path}: cannot be removed ({error.strerror}); {len(gone)} of {len(doomed)} files were"
            ) from None
        gone.append(path)
    return gone


def _set_aside(chunk: Path) -> None:
    """Make a chunk what an unfinished try saved: the next one copies all points but those that lost their worker."""
    number = next(n for n in range(1000) if not chunk.with_name(f"{chunk.stem}.saved-{n:03d}.nc").exists())
    piece = chunk.with_name(f"{chunk.stem}.saved-{number:03d}.nc")
    account = read_json(chunk.with_suffix(".json"))
    if account is not None:
        good = int(account.get("points", 0)) - int(account.get("killed", 0))
        write_json(piece.with_suffix(".json"), account | {"points": good, "computed": good})
    chunk.replace(piece)


def parse_kinds(text: str) -> tuple[str, ...]:
    """Return the kinds named in an option, such as ``damaged,killed``.

    Raises
    ------
    InputError
        One of them is unknown.
    """
    kinds = tuple(word.strip() for word in text.split(",") if word.strip())
    for kind in kinds:
        if kind not in REMOVABLE:
            raise InputError(f"--remove {text}: '{kind}' is unknown; known: {', '.join(REMOVABLE)}")
    if not kinds:
        raise InputError(f"--remove: name kinds, such as {','.join(USUAL)}")
    return kinds
