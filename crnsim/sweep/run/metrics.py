"""The metrics of a whole sweep."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from crnsim.robustness import summarise

if TYPE_CHECKING:
    import xarray as xr

    from crnsim.sweep.plan.plan_file import PlanFile


def summarise_sweep(plan: PlanFile, summaries: Sequence[xr.Dataset]) -> xr.Dataset:
    """Return the metrics of merged summaries, as the plan of their sweep asks for them.

    Parameters
    ----------
    plan : PlanFile
        Says the smoothing of each activation, and the paper whose claims are judged.
    summaries : sequence of xarray.Dataset
        Fewer than planned are fine.

    Returns
    -------
    xarray.Dataset
        See `crnsim.robustness.summarise`.
    """
    return summarise(summaries, smoothing=plan.smoothing, sweep=plan.sweep, claims=plan.claims)
