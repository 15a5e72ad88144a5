"""The plan of a sweep: its groups, chunks, paths and estimated cost, kept as plan.json."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from crnsim.errors import ConfigError, DamagedFileError, InputError
from crnsim.sweep.config import Sweep, validate
from crnsim.sweep.mistakes import nearest
from crnsim.sweep.points import Chunk, Group, groups
from crnsim.sweep.reader import Document

RESULTS, REPORTS = "results", "reports"


@dataclass(frozen=True)
class Plan:
    """A sweep laid out: what is computed, where it goes and about what it costs.

    Attributes
    ----------
    sweep : Sweep
    groups : tuple of (Group, tuple of Chunk)
    data : dict
        Content of ``plan.json``.
    """

    sweep: Sweep
    groups: tuple[tuple[Group, tuple[Chunk, ...]], ...]
    data: dict[str, Any]

    def group(self, name: str) -> tuple[Group, tuple[Chunk, ...]]:
        """Return the group called `name`, such as ``xor-onepot-smooth``, with its chunks."""
        for group, chunks in self.groups:
            if group.name == name:
                return group, chunks
        raise InputError(f"the plan has no group '{name}'; {nearest(name, [g.name for g, _ in self.groups])}")

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
            for replicate, known in enumerate(group.cell_keys(cell, range(group.settings.replicates)))
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


def make_plan(sweep: Sweep, config_path: str = "") -> Plan:
    """Lay out a sweep; a pure function of its arguments and of the library.

    Parameters
    ----------
    sweep : Sweep
    config_path : str
        Name of the sweep file, kept for the report.
    """
    from crnsim.point import code_hash
    from crnsim.sweep.estimate import cell_seconds
    from crnsim.sweep.layout import blocks

    laid_out, entries = [], []
    for group in groups(sweep):
        cost = cell_seconds(group)
        chunks = tuple(group.chunks(blocks(group, sweep.chunks)))
        laid_out.append((group, chunks))
        entries.append(_group_entry(sweep, group, chunks, cost))
    data = {
        "sweep": sweep.name,
        "title": sweep.title,
        "config_path": config_path,
        "config": sweep.to_dict(),
        "code_hash": code_hash(),
        "groups": entries,
        "n_points": sum(entry["n_points"] for entry in entries),
        "estimated_core_seconds": _rounded(
            sum(c["estimated_core_seconds"] for e in entries for c in e["chunks"])
        ),
    }
    return Plan(sweep, tuple(laid_out), data)


def _group_entry(sweep: Sweep, group: Group, chunks: tuple[Chunk, ...], cost: list[float]) -> dict[str, Any]:
    folder = results_folder(sweep.name)
    return {
        "dataset": group.dataset,
        "source": dict(group.source),
        "circuit": group.circuit,
        "label": group.label,
        "role": group.role,
        "activation": group.activation,
        "activation_parameters": dict(group.activation_parameters),
        "circuit_parameters": dict(group.own_parameters),
        "layers": list(group.settings.layers),
        "mode": "inference" if group.weights else "training",
        "given_weights": dict(group.weights),
        "epochs": group.settings.epochs,
        "learning_rate": group.settings.learning_rate,
        "running_times": list(group.settings.running_times),
        "replicates": group.settings.replicates,
        "n_cells": len(group.cells),
        "n_points": group.n_points,
        "summary": str(folder / "summary" / f"{group.name}.nc"),
        "network": str(folder / "networks" / f"{group.name}.nc"),
        "chunks": [_chunk_entry(sweep, group, chunk, cost) for chunk in chunks],
    }


def _chunk_entry(sweep: Sweep, group: Group, chunk: Chunk, cost: list[float]) -> dict[str, Any]:
    from crnsim.sweep.estimate import descent_seconds, job_megabytes
    from crnsim.sweep.layout import task_points

    n_replicates, workers = chunk.n_points // chunk.n_cells, sweep.chunks.workers
    # Each worker descends for itself, and no more often than there are points.
    descents = min(n_replicates * workers, chunk.n_points) * descent_seconds(group.point(chunk.cells[0], 0))
    seconds = sum(cost[slice(*chunk.cells)]) * n_replicates + descents
    batch = task_points(sweep.chunks, seconds / chunk.n_points)
    return {
        "key": chunk.key,
        "path": chunk_path(sweep.name, group, chunk),
        "n_points": chunk.n_points,
        "n_cells": chunk.n_cells,
        "cells": list(chunk.cells),
        "replicates": list(chunk.replicates),
        "estimated_core_seconds": _rounded(seconds),
        "estimated_mb": round(job_megabytes(group, chunk.n_points, workers, batch)),
    }


def _rounded(seconds: float) -> float:
    """Keep four digits: an estimate has no more."""
    return float(f"{seconds:.4g}")


def read_plan_data(path: str | Path) -> dict[str, Any]:
    """Read ``plan.json`` as plain data.

    Raises
    ------
    DamagedFileError
        The file is not a plan.
    """
    try:
        stamp = Path(path).stat().st_mtime_ns
    except OSError:
        raise InputError(f"{path}: there is no such plan; 'crnsim plan CONFIG -o {path}' makes it") from None
    return _read_plan_data(str(path), stamp)


@lru_cache(maxsize=4)
def _read_plan_data(path: str, stamp: int) -> dict[str, Any]:
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
        whole = _is_plan(data)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        whole = False
    if not whole:
        raise DamagedFileError(
            f"{path}: not a plan of crnsim, or damaged; delete it and run the same command again"
        )
    return data


def _is_plan(data: dict[str, Any]) -> bool:
    """Tell whether data has what a plan has, so that whoever reads it need not ask."""
    texts = [data["sweep"], data["code_hash"]]
    numbers = [data["n_points"]]
    for entry in data["groups"]:
        texts += [entry[name] for name in ("dataset", "circuit", "label", "activation", "summary", "network")]
        numbers += [entry["n_points"]]
        for chunk in entry["chunks"]:
            texts += [chunk["key"], chunk["path"]]
            numbers += [chunk["n_points"], chunk["estimated_core_seconds"]]
    return (
        isinstance(data["config"], dict)
        and all(isinstance(text, str) and "\0" not in text for text in texts)
        and all(isinstance(number, (int, float)) and number >= 0 for number in numbers)
    )


def read_plan(path: str | Path) -> Plan:
    """Read ``plan.json`` and rebuild its groups and chunks, without laying the sweep out again.

    Raises
    ------
    InputError
        The plan was made by another version of the library, or from a file that is gone or has changed.
    """
    from crnsim.point import code_hash

    data = read_plan_data(path)
    if data["code_hash"] != code_hash():
        raise InputError(
            f"{path}: made by another version of crnsim; 'crnsim plan CONFIG -o {path}' makes it anew"
        )
    try:
        _check_sources(str(path), data)
        sweep = validate(Document(str(path), data["config"], {}))
        chunks = {
            f"{entry['dataset']}-{entry['circuit']}-{entry['label']}": tuple(
                Chunk(chunk["key"], tuple(chunk["cells"]), tuple(chunk["replicates"]))
                for chunk in entry["chunks"]
            )
            for entry in data["groups"]
        }
        return Plan(sweep, tuple((group, chunks[group.name]) for group in groups(sweep)), data)
    except (KeyError, TypeError, ConfigError) as error:
        raise DamagedFileError(
            f"{path}: damaged ({error}); delete it and run the same command again"
        ) from None


def _check_sources(path: str, data: dict[str, Any]) -> None:
    """Refuse a plan whose files are gone or have other content now: its chunks are those of the old content."""
    from crnsim import trained
    from crnsim.datasets import file_hash

    for entry in data["groups"]:
        for source, hash_now in (
            (entry.get("source"), file_hash),
            (entry.get("given_weights"), trained.file_hash),
        ):
            if source and "file" in source and hash_now(source["file"]) != source["sha256"]:
                raise InputError(
                    f"{source['file']}: changed since {path} was made; 'crnsim plan CONFIG -o {path}' makes it anew"
                )


def plan_text(plan: Plan) -> str:
    """Return the text of ``plan.json``: the same plan gives the same bytes."""
    return json.dumps(plan.data, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def chunk_files(path: str | Path, dataset: str, variant: str) -> list[str]:
    """Return the chunk files of one group of the plan at `path` (for the workflow's rule merge)."""
    for entry in read_plan_data(path)["groups"]:
        if (entry["dataset"], f"{entry['circuit']}-{entry['label']}") == (dataset, variant):
            return [chunk["path"] for chunk in entry["chunks"]]
    raise InputError(f"{path} has no group {dataset}-{variant}")


def summary_files(path: str | Path) -> list[str]:
    """Return the summary files of the plan at `path` (for the workflow's rules robustness and report)."""
    return [entry["summary"] for entry in read_plan_data(path)["groups"]]


def network_files(path: str | Path) -> list[str]:
    """Return the network files of the plan at `path` (for the workflow's rule report)."""
    return [entry["network"] for entry in read_plan_data(path)["groups"]]


def product_files(path: str | Path) -> list[str]:
    """Return the chunk, network and summary files of the plan at `path`.

    The workflow asks for all of them: Snakemake makes a lost file anew only where it is asked for.
    """
    entries = read_plan_data(path)["groups"]
    chunks = [chunk["path"] for entry in entries for chunk in entry["chunks"]]
    return chunks + network_files(path) + summary_files(path)


def job_resources(path: str | Path, key: str, attempt: int) -> dict[str, int]:
    """Return the memory and the time to ask a cluster for, for the job of one chunk.

    Parameters
    ----------
    path : str or Path
        Of ``plan.json``.
    key : str
        Key of the chunk, in full.
    attempt : int
        1 for the first one; each further one gets as much again.

    Returns
    -------
    dict
        ``mem_mb``, and ``runtime`` in minutes. Generous: three times the estimated time, which may be wrong by half
        and was measured on another machine, and ten minutes for what does not grow with the chunk; half as much memory
        again as estimated, and some for the processes that start the job.
    """
    data = read_plan_data(path)
    chunk = _chunk_entries(str(path), Path(path).stat().st_mtime_ns).get(key)
    if chunk is None:
        raise InputError(f"{path} has no chunk with the key '{key}'")
    # No more workers are busy than there are points.
    workers = min(data["config"]["chunks"]["workers"], chunk["n_points"])
    minutes = 3 * chunk["estimated_core_seconds"] / workers / 60 + 10
    megabytes = 1.5 * chunk.get("estimated_mb", 1000) + 500
    return {"mem_mb": attempt * math.ceil(megabytes), "runtime": attempt * math.ceil(minutes)}


@lru_cache(maxsize=4)
def _chunk_entries(path: str, stamp: int) -> dict[str, dict[str, Any]]:
    """Return the entries of all chunks by key; a workflow asks for each of thousands."""
    return {
        chunk["key"]: chunk for entry in _read_plan_data(path, stamp)["groups"] for chunk in entry["chunks"]
    }


def package_hash() -> str:
    """Return a hash of every file of the package, so that a new version makes summaries and pages anew."""
    root = Path(__file__).resolve().parent.parent
    digest = hashlib.blake2b(digest_size=16)
    for file in sorted(root.rglob("*")):
        if file.suffix in (".py", ".j2", ".css") and file.is_file():
            digest.update(file.relative_to(root).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()
