"""The report of a sweep: one self-contained HTML file that opens offline."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import xarray as xr

    from crnsim.sweep.plan.plan_file import PlanFile
    from crnsim.sweep.run.chunk_files import Account

__all__ = ["render_report", "write_figures", "write_report"]


def render_report(
    plan: PlanFile,
    summaries: Sequence[xr.Dataset],
    robustness: xr.Dataset,
    accounts: Sequence[Account],
    *,
    partial: bool = False,
    left_out: Sequence[str] = (),
) -> str:
    """Return the report as HTML; equal arguments give equal text.

    Parameters
    ----------
    plan : PlanFile
        The sweep's plan (``plan.json``).
    summaries : sequence of xarray.Dataset
        Its merged summaries; fewer than planned are shown as missing runs.
    robustness : xarray.Dataset
        What `crnsim.sweep.run.metrics.summarise_sweep` makes of them.
    accounts : sequence of Account
        What the chunks took.
    partial : bool
        The metrics were made for this page, from the chunks that were there, and stand in no file.
    left_out : sequence of str
        A line for each file that is there and could not be used.

    Returns
    -------
    str
        A page that loads nothing from elsewhere and needs no JavaScript.
    """
    from crnsim.report.page import render

    return render(plan, summaries, robustness, accounts, partial=partial, left_out=left_out)


def write_report(
    plan: PlanFile,
    summaries: Sequence[xr.Dataset],
    robustness: xr.Dataset,
    accounts: Sequence[Account],
    out: str | Path,
    partial: bool = False,
    left_out: Sequence[str] = (),
) -> None:
    """Write the report to `out`, whole or not at all; see `render_report`."""
    from crnsim.store.files import write_text

    page = render_report(plan, summaries, robustness, accounts, partial=partial, left_out=left_out)
    write_text(Path(out), page)


def write_figures(
    plan: PlanFile, summaries: Sequence[xr.Dataset], robustness: xr.Dataset, folder: str | Path
) -> list[Path]:
    """Write figures for a paper to a folder; see `crnsim.report.publication.write_figures`."""
    from crnsim.report import publication

    return publication.write_figures(plan, summaries, robustness, folder)


def __dir__() -> list[str]:
    return sorted(__all__)
