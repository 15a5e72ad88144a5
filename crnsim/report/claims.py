"""Claims of a paper as the report shows them: a block per claim, a row per data set and comparison."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from crnsim import wording
from crnsim.report import titles
from crnsim.robustness.claims import ANDERSON, CONTRADICTED, OPEN, PAPERS, SUPPORTED

if TYPE_CHECKING:
    from collections.abc import Sequence

_CHIPS = {
    SUPPORTED: ("better", "✓", "Supported"),
    CONTRADICTED: ("worse", "✗", "Contradicted"),
    OPEN: ("undecided", "?", "Open"),
}


def claims_section(rows: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """Return what the page shows of the claim table, None where the sweep names no paper.

    Parameters
    ----------
    rows : sequence of dict
        Rows of the claim table, all of one paper.
    """
    if not rows:
        return None
    paper = PAPERS[rows[0]["paper"]]
    blocks = []
    for claim in paper.claims:
        mine = [row for row in rows if row["claim"] == claim.name]
        blocks.append(
            {
                "statement": claim.statement,
                "definition": claim.definition,
                "counts": _counts(mine),
                "rows": [_shown(row) for row in mine],
                # Agreement is judged to 0.01, so it is written to 0.001.
                "measure": "Agreement" if paper is ANDERSON else "Scores",
                "digits": 3 if paper is ANDERSON else 2,
            }
        )
    ends = [abs(row[f"difference{end}"]) for row in rows for end in ("", "_low", "_high")]
    return {
        "citation": paper.citation,
        "doi": paper.doi,
        "remark": paper.remark,
        "counts": _counts(rows),
        "claims": blocks,
        "reach": wording.reach(ends),
    }


def _counts(rows: Sequence[dict[str, Any]]) -> str:
    """Return how many rows were judged each way, in words."""
    names = (SUPPORTED, CONTRADICTED, OPEN)
    counts = [(name, sum(row["verdict"] == name for row in rows)) for name in names]
    return wording.listing(f"{count} {name}" for name, count in counts if count)


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with the words that the page puts around its numbers."""
    stress = "" if row["stress"] == "none" else titles.stress_name(row["stress"])
    return row | {
        "title": titles.dataset_title(row["dataset"]),
        "chip": _CHIPS[row["verdict"]],
        "under": f"{stress[:1].upper()}{stress[1:]}",
        "place": _place(row),
        "against": _against(row),
    }


def _place(row: dict[str, Any]) -> str:
    """Return where on the grid a row was judged."""
    time, magnitude = row["running_time"], row["magnitude"]
    if math.isnan(time):
        return ""
    if row["claim"] == "running_time":
        return f"all times below {time:g}"
    if row["claim"] == "noise_magnitude":
        return f"magnitudes up to {magnitude:g}, time {time:g}"
    return f"magnitude {magnitude:g}, time {time:g}" if magnitude else f"time {time:g}"


def _against(row: dict[str, Any]) -> tuple[str, str]:
    """Return what the score was compared with, and what that is."""
    if row["compared_role"]:
        kind = "best non-smooth design" if row["compared_role"] == "baseline" else "best sharp design"
        return row["compared_with"] or "–", kind
    own = {"noise_kept": "itself without noise", "speed": "itself at the longest time"}
    return own.get(row["claim"], "the algebraic network" if row["claim"] == "convergence" else "–"), ""
