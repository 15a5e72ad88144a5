"""The files that a plan leads to, and what their jobs need, as the rules of the workflow ask for them."""

from __future__ import annotations

import math
from pathlib import Path

from crnsim.errors import InputError
from crnsim.sweep.plan.looks import look_file, looks_known, read_looks, read_wanted_plan, wanted
from crnsim.sweep.plan.plan_file import read_plan_file


def chunk_files(path: str | Path, dataset: str, variant: str) -> list[str]:
    """Return the chunk files that are wanted of one group of the plan at `path` (for the workflow's rule merge)."""
    for entry in read_wanted_plan(path).groups:
        if (entry.dataset, entry.variant) == (dataset, variant):
            return [chunk.path for chunk in entry.chunks]
    raise InputError(f"{path} has no group {dataset}-{variant}")


def summary_files(path: str | Path) -> list[str]:
    """Return the summary files of the plan at `path` (for the workflow's rules robustness and report)."""
    return [entry.summary for entry in read_plan_file(path).groups]


def network_files(path: str | Path) -> list[str]:
    """Return the network files of the plan at `path` (for the workflow's rule report)."""
    return [entry.network for entry in read_plan_file(path).groups]


def product_files(path: str | Path) -> list[str]:
    """Return the chunk, network and summary files of the plan at `path`, chunks as far as they are wanted.

    The workflow asks for all of them: Snakemake makes a lost file anew only where it is asked for.
    """
    chunks = [chunk.path for chunk in read_wanted_plan(path).chunks()]
    return chunks + network_files(path) + summary_files(path)


def looks_needed(path: str | Path) -> int:
    """Return how many looks the plan at `path` needs, as far as those there tell; 0 where no replicates are added."""
    plan = read_plan_file(path)
    return looks_known(plan, read_looks(path, plan, strict=False))


def look_inputs(path: str | Path, number: int) -> list[str]:
    """Return the chunk files that a look sees (for the workflow's rule look); none before the plan is there."""
    if not Path(path).exists():
        return []
    plan = read_plan_file(path)
    seen = wanted(plan, read_looks(path, plan, before=number, strict=False))
    return [chunk.path for chunk in seen.chunks()]


def look_networks(path: str | Path) -> list[str]:
    """Return the networks, which are made again with every change of a sweep (for the workflow's rule look)."""
    return network_files(path) if Path(path).exists() else []


def looks_before(path: str | Path, number: int) -> list[str]:
    """Return the files of the looks before one (for the workflow's rule look)."""
    return [str(look_file(path, before)) for before in range(1, number)]


def looks_of_chunk(path: str | Path, key: str) -> list[str]:
    """Return the looks that asked for a chunk (for the workflow's rule integrate); none before the plan is there."""
    chunk = read_plan_file(path).chunk_by_key.get(key) if Path(path).exists() else None
    return looks_before(path, chunk.look) if chunk is not None else []


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
    plan = read_plan_file(path)
    chunk = plan.chunk_by_key.get(key)
    if chunk is None:
        raise InputError(f"{path} has no chunk with the key '{key}'")
    # No more workers are busy than there are points.
    workers = min(plan.workers, chunk.n_points)
    minutes = 3 * chunk.estimated_core_seconds / workers / 60 + 10
    megabytes = 1.5 * chunk.estimated_mb + 500
    return {"mem_mb": attempt * math.ceil(megabytes), "runtime": attempt * math.ceil(minutes)}
