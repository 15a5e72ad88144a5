"""From stored scores to robustness: means, critical magnitudes, areas and paired verdicts, with intervals."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from crnsim.errors import InputError
from crnsim.metrics.claims import PAPERS, Paper, claim_rows, paper
from crnsim.metrics.designs import (
    Condition,
    Design,
    Level,
    first_replicates,
    outcome_names,
    point_conditions,
    read_design,
)
from crnsim.metrics.intervals import (
    area_under_curve,
    critical_interval,
    critical_magnitude,
    free_interval,
    mean_interval,
)
from crnsim.metrics.looks import CONFIDENCE, confidence, looked, most_looks, replicates_at
from crnsim.metrics.sequential import Replayed, replay
from crnsim.metrics.tables import (
    cell_rows,
    curve_rows,
    sensitivity_rows,
    table_rows,
    to_csv,
    to_dataset,
)
from crnsim.metrics.verdicts import at_once, design_pairs, mark_best, pair, paired_rows, verdict_rows
from crnsim.store.points import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import xarray as xr

__all__ = [
    "PAPERS",
    "Condition",
    "Design",
    "Level",
    "area_under_curve",
    "critical_interval",
    "critical_magnitude",
    "free_interval",
    "look_at",
    "mean_interval",
    "outcome_names",
    "pair",
    "point_conditions",
    "read_design",
    "summarise",
    "table_rows",
    "to_csv",
    "to_dataset",
]


def summarise(
    summaries: Sequence[xr.Dataset],
    *,
    smoothing: Mapping[str, float] | None = None,
    sweep: str = "",
    claims: str | None = None,
    schedule: Mapping[str, Sequence[int]] | None = None,
) -> xr.Dataset:
    """Return every robustness metric of a set of merged summaries.

    Parameters
    ----------
    summaries : sequence of xarray.Dataset
        One merged summary per (data set, circuit, activation). Their attribute ``role`` (smooth, sharp or
        baseline) decides which designs are compared.
    smoothing : mapping of str to float, optional
        Smoothing h by activation label, where the summaries do not say it themselves.
    sweep : str, optional
        Name that is kept as an attribute.
    claims : str, optional
        Paper whose claims are judged, as `crnsim.metrics.claims.paper` finds it: ``kang2025``, or one of your own
        as ``module:NAME``.
    schedule : mapping of str to sequence of int, optional
        For a sweep that adds replicates where verdicts are open: replicates of a cell at each look, ascending, by data
        set. Verdicts are those of `crnsim.metrics.sequential.replay`, and all intervals hold for all looks together.

    Returns
    -------
    xarray.Dataset
        Six tables, a dimension each, with variables ``<table>_<column>``: ``cell`` (mean score, outcomes),
        ``curve`` (critical magnitude, area under the curve), ``sensitivity`` (to the running time),
        ``paired`` (smooth minus baseline on each cell), ``verdict`` and ``claim`` (empty without `claims`).
        `table_rows` gives one as rows.
        ``_low`` and ``_high`` are the ends of a 95 % interval over replicates, `mean_interval`.

    Raises
    ------
    InputError
        Where two summaries describe the same design, or the paper is not known.
    """
    judging = paper(claims) if claims else None
    designs = [read_design(summary, smoothing) for summary in summaries]
    names = [(design.dataset, design.circuit, design.label) for design in designs]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"two summaries describe {' / '.join(twice[0])}; give each design once")
    planned = schedule or {}
    losses = claims is not None
    if most_looks(planned) > 1:
        verdicts = look_at(summaries, planned, smoothing=smoothing, losses=losses).rows
    else:
        verdicts = _replayed(lambda look: designs, {}, losses).rows
    attrs: dict[str, str | int | float] = {
        "title": "Robustness of the designs of a sweep",
        "sweep": sweep,
        "schema": SCHEMA,
        "confidence": CONFIDENCE,
        "code_hash": ", ".join(sorted({str(s.attrs.get("code_hash", "")) for s in summaries} - {""})),
    }
    with looked(most_looks(planned)):
        if most_looks(planned) > 1:
            looks = {dataset: list(of) for dataset, of in planned.items()}
            attrs |= {"looks": json.dumps(looks), "confidence_of_each": confidence()}
        return to_dataset(_tables(designs, judging, mark_best(verdicts)), attrs)


def look_at(
    summaries: Sequence[xr.Dataset],
    schedule: Mapping[str, Sequence[int]],
    *,
    smoothing: Mapping[str, float] | None = None,
    losses: bool = False,
) -> Replayed:
    """Return what each look at some summaries decides, and which verdicts it leaves open.

    Parameters
    ----------
    summaries : sequence of xarray.Dataset
        As for `summarise`. What they hold beyond the replicates of a look counts for nothing in it.
    schedule : mapping of str to sequence of int
        Replicates of a cell at each look, ascending, by data set; without any there is one look at all there is.
    smoothing : mapping of str to float, optional
        Smoothing h by activation label, where the summaries do not say it themselves.
    losses : bool
        Losses must be decided too.
    """

    def seen_at(look: int) -> list[Design]:
        counts = [replicates_at(schedule, str(summary.attrs["dataset"]), look) for summary in summaries]
        seen = [first_replicates(one, count) for one, count in zip(summaries, counts, strict=True)]
        return [read_design(summary, smoothing) for summary in seen]

    return _replayed(seen_at, schedule, losses)


def _replayed(
    seen_at: Callable[[int], Sequence[Design]], schedule: Mapping[str, Sequence[int]], losses: bool
) -> Replayed:
    def rows_at(look: int) -> list[dict[str, Any]]:
        pairs = design_pairs(seen_at(look))
        return at_once(mark_best([row for smooth, other in pairs for row in verdict_rows(smooth, other)]))

    return replay(rows_at, schedule, losses=losses)


def _tables(
    designs: Sequence[Design], judging: Paper | None, verdicts: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    pairs = design_pairs(designs)
    return {
        "cell": [row for design in designs for row in cell_rows(design)],
        "curve": [row for design in designs for row in curve_rows(design)],
        "sensitivity": [row for design in designs for row in sensitivity_rows(design)],
        "paired": [row for smooth, other in pairs for row in paired_rows(smooth, other)],
        "verdict": verdicts,
        "claim": list(claim_rows(judging, designs, verdicts)) if judging else [],
    }


def __dir__() -> list[str]:
    return sorted(__all__)
