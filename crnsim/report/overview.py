"""The designs of a data set by what they stand: their critical magnitudes side by side."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from crnsim import wording
from crnsim.metrics.designs import QUIET, Condition
from crnsim.report import titles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crnsim.report.scores import Scores


#: Part of the range at which a design counts as having lost half that has not, to put it in order.
_BEYOND = 1.01


def overview(scores: Scores, curves: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the table of the designs of one data set, those that stand most first.

    Parameters
    ----------
    scores : Scores
    curves : sequence of dict
        Rows of the table ``curve`` of this data set.

    Returns
    -------
    dict
        ``kinds``: names of the kinds of noise; ``counted``: those that are numbers of molecules; ``rows``: one for each
        design with its label, its role, its noise-free score at the longest running time, for each kind the critical
        magnitude there and the score at the largest magnitude, and the score at the shortest running time;
        ``longest``, ``shortest``: those times.
    """
    times = scores.times
    if not times:
        return {"kinds": [], "counted": [], "rows": [], "longest": math.nan, "shortest": math.nan}
    longest, shortest = times[-1], times[0]
    rows = []
    for label in scores.labels:
        found = scores.conditions[label]
        mine = {
            r["noise_kind"]: r for r in curves if (r["activation"], r["running_time"]) == (label, longest)
        }
        ends = {kind: found.get(Condition(longest, scores.levels(kind)[-1])) for kind in scores.kinds}
        rows.append(
            {
                "label": label,
                "series": scores.series[label],
                "role": next(iter(found.values()))["role"],
                "quiet": _score(found.get(Condition(longest, QUIET))),
                "kinds": [(_critical(mine.get(kind)), _score(ends[kind])) for kind in scores.kinds],
                "hurried": _score(found.get(Condition(shortest, QUIET))),
                "order": _order(
                    [mine.get(kind) for kind in scores.kinds], found.get(Condition(longest, QUIET))
                ),
            }
        )
    rows.sort(key=lambda row: row["order"], reverse=True)
    kinds = [titles.capital(titles.stress_name(kind)) for kind in scores.kinds]
    counted = [name for name, kind in zip(kinds, scores.kinds, strict=True) if titles.counts_molecules(kind)]
    return {"kinds": kinds, "counted": counted, "rows": rows, "longest": longest, "shortest": shortest}


def _order(curves: Sequence[dict[str, Any] | None], quiet: dict[str, Any] | None) -> tuple[float, float]:
    """Where a design stands: by its critical magnitudes as parts of the range, then by its mean scores over it."""
    parts, areas = [], []
    for row in curves:
        if row is not None and not math.isnan(row["critical_magnitude"]):
            # Half lost nowhere stands above half lost at the largest magnitude.
            part = row["critical_magnitude"] / row["max_magnitude"]
            parts.append(_BEYOND if math.isinf(part) else min(part, 1.0))
            areas.append(row["area"])
    score = quiet["score"] if quiet else -1.0
    if not parts:
        return (-1.0, score)
    return (sum(parts) / len(curves), sum(areas) / len(curves))


def _critical(row: dict[str, Any] | None) -> dict[str, Any]:
    """Return a critical magnitude in words, with its interval and a number to sort by."""
    if row is None or math.isnan(row["critical_magnitude"]):
        return {"text": "–", "range": "", "key": ""}
    name, largest, kind = titles.critical_name, row["max_magnitude"], row["noise_kind"]
    low, high = row["critical_magnitude_low"], row["critical_magnitude_high"]
    known = not math.isnan(low) and low <= largest
    return {
        "text": name(row["critical_magnitude"], largest, kind),
        "range": f"{name(low, largest, kind)} to {name(high, largest, kind)}" if known else "",
        "key": wording.exact(min(row["critical_magnitude"], 1e9)),
    }


def _score(row: dict[str, Any] | None) -> dict[str, Any]:
    """Return a mean score in words, with its interval."""
    if row is None:
        return {"text": "–", "range": "", "key": ""}
    return {
        "text": wording.number(row["score"]),
        "range": wording.span(row["score_low"], row["score_high"]),
        "key": wording.exact(row["score"]),
    }
