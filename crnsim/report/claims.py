"""Claims of a paper as the report shows them: a block per claim, a row per data set and comparison."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from crnsim import wording
from crnsim.errors import InputError
from crnsim.metrics.claims import (
    CONTRADICTED,
    NO_STRESS,
    OPEN,
    PAPERS,
    PLACE_COLUMNS,
    SUPPORTED,
    Claim,
    Paper,
    paper,
)
from crnsim.report import titles
from crnsim.report.figures import reach

if TYPE_CHECKING:
    from collections.abc import Sequence

_CHIPS = {
    SUPPORTED: ("better", "✓", "Supported"),
    CONTRADICTED: ("worse", "✗", "Contradicted"),
    OPEN: ("undecided", "?", "Open"),
}


def claims_section(rows: Sequence[dict[str, Any]], chosen: str | None = None) -> dict[str, Any] | None:
    """Return what the page shows of the claim table, None where the sweep names no paper.

    Parameters
    ----------
    rows : sequence of dict
        Rows of the claim table, all of one paper.
    chosen : str, optional
        What the sweep file says under `claims`; what the rows say makes nothing be imported.
    """
    if not rows:
        return None
    name = rows[0]["paper"]
    judged_by = _paper_named(name, chosen)
    agreed = _agreed_rates(rows)
    blocks = []
    for claim in _claims(judged_by, rows):
        mine = [row for row in rows if row["claim"] == claim.name]
        blocks.append(
            {
                "statement": claim.statement,
                "definition": claim.definition,
                "counts": _counts(mine),
                "rows": [_shown(row if agreed else _with_rates(row), claim) for row in mine],
                "measure": claim.measure,
                "digits": claim.digits,
            }
        )
    remark = judged_by.remark if judged_by else "The file that defines its claims is not at hand."
    ends = [abs(row[f"difference{end}"]) for row in rows for end in ("", "_low", "_high")]
    return {
        "citation": judged_by.citation if judged_by else name,
        "doi": judged_by.doi if judged_by else "",
        "remark": f"{remark} {agreed}".strip(),
        "counts": _counts(rows),
        "claims": blocks,
        "reach": reach(ends),
    }


def _agreed_rates(rows: Sequence[dict[str, Any]]) -> str:
    """Return how learning rates came about, once for rows about one design and once for comparisons, if all agree."""
    said = []
    for compared in (False, True):
        words = {row["learning_rates"] for row in rows if bool(row["compared_with"]) == compared} - {""}
        if len(words) > 1:
            return ""
        said += [f"{'Comparisons' if compared else 'Single designs'}: {one}." for one in words]
    return " ".join(said)


def _with_rates(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"reason": "; ".join(filter(None, (row["reason"], row["learning_rates"])))}


def _paper_named(name: str, chosen: str | None) -> Paper | None:
    """Return the paper that rows name: one that is built in, or the one that the sweep file chose."""
    if name in PAPERS:
        return PAPERS[name]
    try:
        own = paper(chosen) if chosen else None
    except InputError:
        return None
    return own if own is not None and own.name == name else None


def _claims(judged_by: Paper | None, rows: Sequence[dict[str, Any]]) -> list[Claim]:
    """Return the claims of a paper, and those that stand in the rows alone with what the rows tell of them."""
    known = list(judged_by.claims) if judged_by else []
    names = {claim.name for claim in known}
    others = {row["claim"]: row for row in rows if row["claim"] not in names}
    return known + [
        Claim(name, row["statement"], measure=row["measure"] or "score") for name, row in others.items()
    ]


def _counts(rows: Sequence[dict[str, Any]]) -> str:
    """Return how many rows were judged each way, in words."""
    names = (SUPPORTED, CONTRADICTED, OPEN)
    counts = [(name, sum(row["verdict"] == name for row in rows)) for name in names]
    return wording.listing(f"{count} {name}" for name, count in counts if count)


def _shown(row: dict[str, Any], claim: Claim) -> dict[str, Any]:
    """Return a row with the words that the page puts around its numbers."""
    return row | {
        "title": titles.dataset_title(row["dataset"]),
        "chip": _CHIPS[row["verdict"]],
        "under": "" if row["stress"] == NO_STRESS else titles.capital(titles.row_stress(row)),
        "where": _where(row, claim),
        "against": _against(row, claim),
    }


def _where(row: dict[str, Any], claim: Claim) -> str:
    """Return where on the grid a row was judged."""
    time, magnitude = row["running_time"], row["magnitude"]
    if math.isnan(time):
        return ""
    if claim.place:
        return claim.place.format(**{name: row[name] for name in PLACE_COLUMNS})
    return f"magnitude {magnitude:g}, time {time:g}" if magnitude else f"time {time:g}"


def _against(row: dict[str, Any], claim: Claim) -> tuple[str, str]:
    """Return what the score was compared with, and what that is."""
    if row["compared_role"]:
        kind = "best non-smooth design" if row["compared_role"] == "baseline" else "best sharp design"
        # Its interval is that of the verdict row: one for all designs that the best was chosen from.
        return row["compared_with"] or "–", kind
    return claim.reference or "–", ""
