"""The metrics of a whole sweep."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from crnsim.errors import InputError
from crnsim.metrics import summarise
from crnsim.metrics.stored import tables_fault
from crnsim.store.files import damaged, read_dataset
from crnsim.sweep.run.chunk_files import as_written

if TYPE_CHECKING:
    import xarray as xr

    from crnsim.sweep.plan.plan_file import PlanFile


def summarise_sweep(plan: PlanFile, summaries: Sequence[xr.Dataset]) -> xr.Dataset:
    """Return the metrics of merged summaries, as the plan of their sweep asks for them.

    Parameters
    ----------
    plan : PlanFile
        Says the smoothing of each activation, the paper whose claims are judged, and when the sweep was looked at.
    summaries : sequence of xarray.Dataset
        Fewer than planned are fine.

    Returns
    -------
    xarray.Dataset
        See `crnsim.metrics.summarise`.
    """
    return summarise(
        summaries, smoothing=plan.smoothing, sweep=plan.sweep, claims=plan.claims, schedule=plan.schedule
    )


def read_metrics(plan: PlanFile, path: Path) -> xr.Dataset:
    """Read the metrics of a sweep and hold them against their account and the plan.

    Parameters
    ----------
    plan : PlanFile
    path : Path
        Of ``robustness.nc``.

    Raises
    ------
    DamagedFileError
        The file was changed after it was written, or holds something else than the tables of the sweep.
    InputError
        There is none, or it was computed by another version of the library.
    """
    metrics = read_dataset(path)
    if (sweep := metrics.attrs.get("sweep")) != plan.sweep:
        raise damaged(path, f"it holds sweep {sweep} where the plan has {plan.sweep}")
    if metrics.attrs.get("code_hash") != plan.code_hash:
        raise InputError(
            f"{path} was computed by another version of crnsim, and numbers of two versions do not mix; "
            "delete it and run the same command again"
        )
    if fault := metrics_fault(plan, path, metrics):
        raise damaged(path, fault)
    return metrics


def metrics_fault(plan: PlanFile, path: Path, metrics: xr.Dataset) -> str:
    """Say why metrics of this sweep cannot be believed; nothing where they can."""
    designs = {(entry.dataset, entry.circuit, entry.label) for entry in plan.groups}
    altered = "" if as_written(path) else "its bytes are not those that were written"
    return tables_fault(metrics, designs) or altered
