"""The plan of a sweep: its groups, chunks, paths and estimated cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from crnsim.circuits.circuit import OBSERVATION
from crnsim.errors import ConfigError, DamagedFileError, InputError, suggest
from crnsim.sweep.config.model import Sweep
from crnsim.sweep.config.read import validate
from crnsim.sweep.config.reader import Document
from crnsim.sweep.config.resolve import ResolvedSweep
from crnsim.sweep.plan.groups import Chunk, Group, groups
from crnsim.sweep.plan.looks import Look, read_looks, wanted
from crnsim.sweep.plan.plan_file import ChunkEntry, GroupEntry, PlanFile, read_plan_file

RESULTS, REPORTS, PLAN = "results", "reports", "plan.json"


@dataclass(frozen=True)
class Plan:
    """A sweep laid out: what is computed, where it goes and about what it costs.

    Attributes
    ----------
    sweep : Sweep
    groups : tuple of (Group, tuple of Chunk)
    file : PlanFile
        Content of ``plan.json``; of it the chunks that are wanted, where replicates are added.
    """

    sweep: Sweep
    groups: tuple[tuple[Group, tuple[Chunk, ...]], ...]
    file: PlanFile

    def seen(self, looks: Sequence[Look]) -> Plan:
        """Return the plan with the chunks that are wanted after some looks, and their points; all else is left out."""
        file = wanted(self.file, looks)
        keys = file.chunk_by_key
        kept = [(group, tuple(c for c in chunks if c.key in keys)) for group, chunks in self.groups]
        return Plan(self.sweep, tuple((group.with_chunks(chunks), chunks) for group, chunks in kept), file)

    def below(self, folder: str | Path) -> Plan:
        """Return the plan with the paths of its files below a folder, instead of where the command runs.

        Not to be written: ``plan.json`` names files from the folder in which its workflow runs.
        """

        def placed(path: str) -> str:
            return str(Path(folder, path))

        entries = tuple(
            replace(
                entry,
                summary=placed(entry.summary),
                network=placed(entry.network),
                chunks=tuple(replace(chunk, path=placed(chunk.path)) for chunk in entry.chunks),
            )
            for entry in self.file.groups
        )
        return replace(self, file=replace(self.file, groups=entries))

    def group(self, name: str) -> tuple[Group, tuple[Chunk, ...]]:
        """Return the group called `name`, such as ``xor-onepot-smooth``, with its chunks."""
        for group, chunks in self.groups:
            if group.name == name:
                return group, chunks
        raise InputError(f"the plan has no group '{name}'; {suggest(name, [g.name for g, _ in self.groups])}")

    def chunk(self, key: str) -> tuple[Group, Chunk, str]:
        """Return the group, the chunk and its path, by the key of the chunk or its beginning."""
        found = [(g, c) for g, chunks in self.groups for c in chunks if c.key.startswith(key)]
        if len(found) != 1 or not key:
            what = "no chunk" if not found else f"{len(found)} chunks"
            raise InputError(f"the plan has {what} with the key '{key}'")
        return *found[0], chunk_path(self.sweep.name, *found[0])

    def point(self, key: str) -> tuple[Group, Any]:
        """Return one point and its group, by the point's key or its beginning."""
        found = [
            (group, cell, replicate)
            for group, _ in self.groups
            for cell in range(len(group.cells))
            for replicate, known in enumerate(group.cell_keys(cell, range(group.replicates_of(cell))))
            if known.startswith(key)
        ]
        if len(found) != 1 or not key:
            what = "no point" if not found else f"{len(found)} points"
            raise InputError(f"the plan has {what} with the key '{key}'")
        group, cell, replicate = found[0]
        return group, group.point(cell, replicate)


def results_folder(sweep: str) -> PurePosixPath:
    """Return the folder of a sweep's results."""
    return PurePosixPath(RESULTS, sweep)


def chunk_path(sweep: str, group: Group, chunk: Chunk) -> str:
    """Return where a chunk is stored."""
    return str(results_folder(sweep) / "chunks" / group.dataset / group.variant / f"{chunk.key}.nc")


def make_plan(resolved: ResolvedSweep, config_path: str = "") -> Plan:
    """Lay out a sweep; a pure function of its arguments and of the library.

    Parameters
    ----------
    resolved : ResolvedSweep
    config_path : str
        Name of the sweep file, kept for the report.
    """
    from crnsim.provenance import code_hash
    from crnsim.sweep.plan.cost import cell_seconds
    from crnsim.sweep.plan.layout import blocks

    laid_out, entries, sweep = [], [], resolved.sweep
    for group in groups(resolved):
        cost = cell_seconds(group)
        chunks = tuple(group.chunks(blocks(group, sweep.chunks)))
        laid_out.append((group, chunks))
        entries.append(_group_entry(sweep, group, chunks, cost))
    file = PlanFile(
        sweep=sweep.name,
        title=sweep.title,
        config_path=config_path,
        config=sweep.to_dict(),
        code_hash=code_hash(),
        groups=tuple(entries),
        n_points=sum(entry.n_points for entry in entries),
        estimated_core_seconds=_rounded(sum(c.estimated_core_seconds for e in entries for c in e.chunks)),
    )
    return Plan(sweep, tuple(laid_out), file)


def _group_entry(sweep: Sweep, group: Group, chunks: tuple[Chunk, ...], cost: list[float]) -> GroupEntry:
    folder = results_folder(sweep.name)
    return GroupEntry(
        **_about(group),
        summary=str(folder / "summary" / f"{group.name}.nc"),
        network=str(folder / "networks" / f"{group.name}.nc"),
        chunks=tuple(_chunk_entry(sweep, group, chunk, cost) for chunk in chunks),
    )


def _about(group: Group) -> dict[str, Any]:
    """Return the fields of an entry that say what a group is."""
    return {
        "dataset": group.dataset,
        "source": dict(group.source),
        "circuit": group.circuit,
        "label": group.label,
        "role": group.role,
        "activation": group.activation,
        "activation_parameters": dict(group.activation_parameters),
        "circuit_parameters": dict(group.own_parameters),
        "layers": tuple(group.settings.layers),
        "mode": group.mode,
        "given_weights": dict(group.weights),
        "tuned": dict(group.tuned),
        "epochs": group.settings.epochs,
        "learning_rate": group.settings.learning_rate,
        "running_times": tuple(group.settings.running_times),
        "replicates": group.settings.replicates,
        "n_cells": len(group.cells),
        "n_points": group.n_points,
        "looks": group.settings.looks if len(group.settings.looks) > 1 else (),
    }


def _check_entries(plan: PlanFile, laid_out: Sequence[Group]) -> None:
    """Raise KeyError unless the groups of a plan are those that its own configuration gives."""
    if [entry.name for entry in plan.groups] != [group.name for group in laid_out]:
        raise KeyError("its groups are not those of its configuration")
    for entry, group in zip(plan.groups, laid_out, strict=True):
        for name, value in _about(group).items():
            if getattr(entry, name) != value:
                raise KeyError(f"{name} of {entry.name} is not that of its configuration")


def _chunk_entry(sweep: Sweep, group: Group, chunk: Chunk, cost: list[float]) -> ChunkEntry:
    from crnsim.sweep.plan.cost import descent_seconds, job_megabytes
    from crnsim.sweep.plan.layout import task_points

    n_replicates, workers = chunk.n_points // chunk.n_cells, sweep.chunks.workers
    # Each worker descends for itself, and no more often than there are points.
    descents = min(n_replicates * workers, chunk.n_points) * descent_seconds(group.point(chunk.cells[0], 0))
    seconds = sum(cost[slice(*chunk.cells)]) * n_replicates + descents
    batch = task_points(sweep.chunks, seconds / chunk.n_points)
    return ChunkEntry(
        key=chunk.key,
        path=chunk_path(sweep.name, group, chunk),
        n_points=chunk.n_points,
        n_cells=chunk.n_cells,
        cells=chunk.cells,
        replicates=chunk.replicates,
        estimated_core_seconds=_rounded(seconds),
        estimated_mb=round(job_megabytes(group, chunk.n_points, workers, batch)),
        look=group.look_of(chunk),
    )


def _rounded(seconds: float) -> float:
    """Keep four digits: an estimate has no more."""
    return float(f"{seconds:.4g}")


def read_plan(path: str | Path) -> Plan:
    """Read ``plan.json`` and rebuild its groups, with the chunks that are wanted so far; see `read_whole_plan`."""
    whole = read_whole_plan(path)
    return whole.seen(read_looks(path, whole.file))


def read_whole_plan(path: str | Path) -> Plan:
    """Read ``plan.json`` and rebuild its groups and chunks, without laying the sweep out again.

    Raises
    ------
    InputError
        The plan was made by another version of the library, or from a file that is gone or has changed.
    """
    from crnsim.provenance import code_hash

    file = read_plan_file(path)
    if file.code_hash != code_hash():
        raise InputError(
            f"{path}: made by another version of crnsim; 'crnsim plan CONFIG -o {path}' makes it anew"
        )
    try:
        resolved = validate(Document(str(path), file.config, {}))
        _check_sources(path, file, _hashes(resolved))
        chunks = {
            entry.name: tuple(Chunk(chunk.key, chunk.cells, chunk.replicates) for chunk in entry.chunks)
            for entry in file.groups
        }
        laid_out = groups(resolved)
        _check_entries(file, laid_out)
        return Plan(resolved.sweep, tuple((group, chunks[group.name]) for group in laid_out), file)
    except (KeyError, ConfigError) as error:
        # A file that is gone, or that no longer holds what it did, is not the fault of the plan.
        _check_sources(path, file, {})
        raise DamagedFileError(
            f"{path}: damaged ({error.args[0] if error.args else error}); delete it and run the same command again"
        ) from None


def _hashes(resolved: ResolvedSweep) -> dict[str, str]:
    """Return the hashes of the files that a sweep names, as they were read."""
    sources = [dict(source) for source in (*resolved.sources.values(), resolved.given_weights)]
    found = {str(source["file"]): str(source["sha256"]) for source in sources if "file" in source}
    return found | ({resolved.tuned.file: resolved.tuned.sha256} if resolved.tuned else {})


def _check_sources(path: str | Path, plan: PlanFile, known: Mapping[str, str]) -> None:
    """Refuse a plan whose files are gone or have other content now: its chunks are those of the old content.

    Parameters
    ----------
    path : str or Path
        Of the plan.
    plan : PlanFile
    known : mapping of str to str
        Hashes of files that have been read already; the others are read here.
    """
    from crnsim.datasets import file_hash
    from crnsim.experiment import given_weights, task
    from crnsim.sweep.config.tuned import tuned_hash

    for entry in plan.groups:
        of_source = task.file_hash if entry.mode == OBSERVATION else file_hash
        for source, hash_now in (
            (entry.source, of_source),
            (entry.given_weights, given_weights.file_hash),
            (entry.tuned, tuned_hash),
        ):
            file = str(source["file"]) if "file" in source else None
            if file is not None and (known.get(file) or hash_now(file)) != source["sha256"]:
                raise InputError(
                    f"{file}: changed since {path} was made; 'crnsim plan CONFIG -o {path}' makes it anew"
                )
