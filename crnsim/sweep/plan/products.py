"""The files that a plan leads to, and what their jobs need, as the rules of the workflow ask for them."""

from __future__ import annotations

import math
from functools import lru_cache
from pathlib import Path
from typing import Any

from crnsim.errors import InputError
from crnsim.sweep.plan.plan_file import _read_plan_data, read_plan_data


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
