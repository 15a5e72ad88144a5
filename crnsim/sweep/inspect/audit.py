"""Reads every file of a results folder and names those that are damaged, foreign or left over."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from crnsim.errors import CrnsimError, DamagedFileError, InputError
from crnsim.outcomes import WORKER_KILLED
from crnsim.store.files import read_dataset
from crnsim.store.points import SCHEMA, read_points
from crnsim.sweep.inspect.findings import Finding, complaint, read_or_find
from crnsim.sweep.inspect.folder import ResultsFolder
from crnsim.sweep.inspect.status import FRESH
from crnsim.sweep.inspect.strays import strays
from crnsim.sweep.plan.looks import is_last, look_file, read_look
from crnsim.sweep.plan.plan import RESULTS, Plan, read_whole_plan
from crnsim.sweep.plan.plan_file import ChunkEntry, GroupEntry
from crnsim.sweep.run.chunk_files import (
    account_fault,
    account_file,
    as_written,
    failure_file,
    list_chunks,
    progress_file,
    read_account,
    read_heartbeat,
    second_name,
)
from crnsim.sweep.run.look import look
from crnsim.sweep.run.merge import check_chunk
from crnsim.sweep.run.metrics import metrics_fault

if TYPE_CHECKING:
    import xarray as xr

    from crnsim.sweep.plan.groups import Chunk, Group


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
    known = folder.whole.n_looks == 1 or is_last(folder.whole, folder.looks)
    if not known and any(folder.place(entry.summary).exists() for entry in folder.plan.groups):
        missing = look_file(folder.plan_file, len(folder.looks) + 1)
        what = "of no use" if missing.is_file() else "not there"
        what += ": which runs are wanted is not known, so summaries and tables are not checked"
        found.append(Finding("note", missing, what))
    done = 0
    for entry, chunks in folder.entries():
        laid_out = plan.group(entry.name) if plan else None
        listed = list_chunks(chunks[0][1].parent) if chunks else None
        for number, (chunk, path) in enumerate(chunks):
            progress(done, total)
            done += 1
            expected = (plan, laid_out[0], laid_out[1][number]) if plan and laid_out else None
            found += _chunk(folder, entry, chunk, path, expected)
            found += _leftovers(path, listed.saved(path) if listed else ())
        progress(done, total)
        done += 1
        found += _network(folder.place(entry.network), entry)
        if known:
            found += _summary(folder, entry, laid_out[0] if laid_out else None)
    found += _looks(folder, plan)
    if known:
        found += _tables(folder)
    found += strays(folder, plan)
    progress(total, total)
    return found


def _plan(folder: ResultsFolder) -> tuple[Plan | None, list[Finding]]:
    """Return the plan with its points; without them where this version, or a data file, does not allow that."""
    path = folder.plan_file
    if own := folder.plan.own_code:
        # Whoever checks a folder from elsewhere has not said that its maker's code may run.
        what = f"points are not compared with the plan, only counted: it needs code of its own ({', '.join(own)})"
        return None, [Finding("note", path, what)]
    try:
        plan = read_whole_plan(path)
    except InputError as error:
        return None, [Finding("note", path, f"points are not compared with the plan, only counted: {error}")]
    except DamagedFileError as error:
        return None, [Finding("damaged", path, complaint(error, path))]
    for group, chunks in plan.groups:
        if sum(chunk.n_points for chunk in chunks) != group.n_points:
            what = f"its chunks of {group.name} do not hold the points that its own configuration gives"
            return None, [Finding("damaged", path, what)]
        for chunk in chunks:
            if group.chunk_key(chunk) != chunk.key:
                what = f"its chunk {chunk.key} of {group.name} is not what its own configuration gives"
                return None, [Finding("damaged", path, what)]
    return plan.seen(folder.looks), []


def _chunk(
    folder: ResultsFolder,
    entry: GroupEntry,
    chunk: ChunkEntry,
    path: Path,
    expected: tuple[Plan, Group, Chunk] | None,
) -> Iterator[Finding]:
    """Look at a chunk and the small files beside it."""
    part, found = read_or_find(path, read_points)
    # The second name of a chunk that is not merged yet has the same bytes.
    second = second_name(path)
    also = (second, account_file(second)) if second.exists() else ()
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
    yield from _account(path, chunk.key, chunk.n_points)


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
            return complaint(error, path).removeprefix("was ")
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


def _account(path: Path, key: str, n_points: int) -> Iterator[Finding]:
    """Look at the account of a chunk or a summary, which is lost without harm, but must not be wrong."""
    file = account_file(path)
    if fault := account_fault(path):
        yield Finding("damaged", file, f"{fault}; without it the bytes of {path.name} have no witness")
    elif (account := read_account(path)) and (account.key, account.points) != (key, n_points):
        yield Finding("foreign", file, "the account of another file")


def _leftovers(path: Path, saved: Sequence[Path]) -> Iterator[Finding]:
    """Name what a finished chunk needs no more, and the progress of a job that is gone; a running one is left alone."""
    beat = read_heartbeat(path)
    if beat and beat.updated is not None and time.time() - beat.updated < FRESH:
        return
    if progress_file(path).exists():
        yield Finding("leftover", progress_file(path), "the progress of a job that is gone")
    if not os.path.lexists(path):
        for piece in saved:
            if piece.suffix == ".nc":
                yield from _piece(piece)
        return
    # A second name of the finished chunk stays until the chunk is merged.
    second = second_name(path)
    pieces = [file for file in saved if file not in (second, account_file(second))]
    for file in [failure_file(path), *pieces]:
        if file.exists():
            yield Finding("leftover", file, "of a try that failed or was stopped; the chunk is there")


def _piece(path: Path) -> Iterator[Finding]:
    yield from (found := read_or_find(path, read_points)[1])
    if fault := account_fault(path):
        yield Finding("damaged", account_file(path), fault)
    elif not found and not as_written(path):
        yield Finding("damaged", path, "its bytes are not those that were written")


def _network(path: Path, entry: GroupEntry) -> Iterator[Finding]:
    """Look at the network of a group, as arrays and as text; one job makes both."""
    text = path.with_suffix(".crn")
    network, found = read_or_find(path, read_dataset)
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
    summary, found = read_or_find(path, read_points)
    yield from found
    if account_fault(path):
        yield from _account(path, entry.name, entry.n_points)
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
        if not as_written(path):
            yield Finding("damaged", path, "its bytes are not those that were written")
        elif not account_fault(path):
            yield from _account(path, entry.name, entry.n_points)
        return
    yield _of_another_version(folder, path, "a summary")


def _of_another_version(folder: ResultsFolder, path: Path, name: str, also: tuple[Path, ...] = ()) -> Finding:
    """Return what to say of a summary or tables that the plan does not fit: no problem where the plan is newer."""
    if path.stat().st_mtime < folder.plan_file.stat().st_mtime:
        return Finding("note", path, f"{name} of an earlier plan; the next run makes it anew")
    return Finding("foreign", path, f"{name} of other points than planned, or of another version", also)


def _looks(folder: ResultsFolder, plan: Plan | None) -> Iterator[Finding]:
    """Look at what looks at the sweep left: a damaged one, or one at another plan, asks for the wrong chunks."""
    # A folder that was moved has its chunks where the plan does not say.
    at_home = folder.path.resolve() == Path(RESULTS, folder.plan.sweep).resolve()
    whole = read_whole_plan(folder.plan_file) if plan is not None and folder.looks and at_home else None
    for number in range(1, folder.whole.n_looks):
        path = look_file(folder.plan_file, number)
        if path.is_dir():
            yield Finding("note", path, "a file must be here, and this is a folder; rename or remove it")
            continue
        if not path.exists():
            continue
        if number <= len(folder.looks):
            if whole is not None and not _looked_right(folder, whole, number):
                yield Finding("damaged", path, "not what the runs give that it has seen")
            continue
        try:
            read_look(path)
        except DamagedFileError as error:
            yield Finding("damaged", path, complaint(error, path))
        else:
            yield Finding(
                "note", path, "not a look at this plan, or one that is not needed; it counts for nothing"
            )


def _looked_right(folder: ResultsFolder, whole: Plan, number: int) -> bool:
    """Whether a look says what another look at the same chunks does; also where one of these cannot be read."""
    there = folder.looks[number - 1]
    try:
        again = look(whole, number, folder.looks[: number - 1])
    except CrnsimError:
        return True  # a chunk is damaged or gone, and has a line of its own
    return again == there


def _tables(folder: ResultsFolder) -> Iterator[Finding]:
    """Look at the tables of the sweep, as NetCDF and CSV; one job makes both."""
    path, text = folder.path / "robustness.nc", folder.path / "robustness.csv"
    tables, found = read_or_find(path, read_dataset)
    for finding in found:
        yield Finding(finding.kind, path, finding.what, (text,))
    if tables is not None:
        if tables.attrs.get("sweep") != folder.plan.sweep:
            yield Finding("foreign", path, f"tables of the sweep {tables.attrs.get('sweep')}", (text,))
        elif tables.attrs.get("code_hash") != folder.plan.code_hash:
            yield _of_another_version(folder, path, "tables", (text,))
        elif fault := metrics_fault(folder.plan, path, tables):
            yield Finding("damaged", path, fault, (text,))
    if text.exists():
        try:
            content = text.read_text(encoding="utf-8")
        except (OSError, ValueError):
            content = ""
        if not content.endswith("\n") or not content.startswith("table,"):
            yield Finding("damaged", text, "not the whole table", (path,))
