"""The verdicts of a sweep: a card per data set, with numbers and intervals."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

from crnsim import wording
from crnsim.metrics.verdicts import BETTER, NO_DIFFERENCE, UNDECIDED, WORSE
from crnsim.report import titles
from crnsim.report.figures import reach
from crnsim.report.headline import forecast

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from crnsim.report.coverage import GroupData

MOST_COMPARISONS = 3
_CHIPS = {
    BETTER: ("better", "▲", "Yes, it scores higher"),
    WORSE: ("worse", "▼", "No, it scores lower"),
    NO_DIFFERENCE: ("same", "=", "No difference shown"),
    UNDECIDED: ("undecided", "?", "Undecided"),
}


def verdict_card(
    dataset: str, verdicts: Sequence[dict[str, Any]], groups: Sequence[GroupData]
) -> dict[str, Any]:
    """Return a card of verdicts: a comparison for each design compared with, a row in it for each stress.

    Parameters
    ----------
    dataset : str
    verdicts : sequence of dict
        Rows of the verdict table.
    groups : sequence of GroupData
    """
    rows = [row for row in verdicts if row["dataset"] == dataset]
    agreed = agreed_rates(verdicts)
    entry = next(group.entry for group in groups if group.entry.dataset == dataset)
    comparisons = []
    for smooth, other in dict.fromkeys((row["activation"], row["compared_with"]) for row in rows):
        mine = [row for row in rows if (row["activation"], row["compared_with"]) == (smooth, other)]
        comparisons.append(
            {
                "smooth": smooth,
                "other": other,
                "role": mine[0]["compared_role"],
                "h": mine[0]["smooth_h"],
                "h_eff": mine[0]["baseline_h_eff"],
                "rows": [
                    row
                    | {"chip": _CHIPS[row["verdict"]], "note": _note(row, other, len(entry.looks) > 1)}
                    | {"leads": row["best"], "best": _is_best(row, rows)}
                    for row in mine
                ],
                "learning_rates": "" if agreed else titles.capital(mine[0]["learning_rates"]),
                "reasons": list(dict.fromkeys(row["reason"] for row in mine if row["reason"])),
            }
        )
    replicates = replicates_text([group for group in groups if group.entry.dataset == dataset])
    facts = [
        f"layers {'-'.join(map(str, entry.layers))}",
        *([wording.plural(entry.epochs, "epoch")] if entry.mode == "training" else ["weights given"]),
        f"{replicates} {'replicate' if replicates == '1' else 'replicates'}",
    ]
    # Of many comparisons, those with the best of a role under some stress come first, the others on request.
    leading = [pair for pair in comparisons if any(row["leads"] for row in pair["rows"])]
    shown = comparisons if len(comparisons) <= MOST_COMPARISONS else leading
    return {
        "title": titles.dataset_title(dataset),
        "facts": facts,
        "comparisons": shown,
        "others": [pair for pair in comparisons if pair not in shown],
    }


def agreed_rates(rows: Sequence[dict[str, Any]]) -> str:
    """Return how the learning rates of all comparisons came about, where it is the same for all; else nothing.

    Parameters
    ----------
    rows : sequence of dict
        Rows of the verdict or the claim table.
    """
    said = {row["learning_rates"] for row in rows}
    return titles.capital(said.pop()) if len(said) == 1 else ""


def _is_best(row: dict[str, Any], rows: Sequence[dict[str, Any]]) -> str:
    """Say that a compared design is the best of several of its role under this stress, and what its interval holds."""
    rivals = {r["compared_with"] for r in rows if r["compared_role"] == row["compared_role"]}
    if not row["best"] or len(rivals) < 2:
        return ""
    best, chosen_from = f"the best {row['compared_role']} under this stress", row["candidates"]
    return f"{best}; its interval holds for all {chosen_from} at once" if chosen_from > 1 else best


def _note(row: dict[str, Any], other: str, added: bool) -> str:
    """Return what stands beside a verdict; `added` where replicates were added until it was decided."""
    same = row["verdict"] == NO_DIFFERENCE
    more = forecast(row, "{} like these would show a difference") if same else ""
    return "; ".join(filter(None, (_look_note(row) if added else "", more, _loss_note(row, other))))


def _look_note(row: dict[str, Any]) -> str:
    """Say at which look a verdict was decided, or that it is open."""
    what = {NO_DIFFERENCE: "open", UNDECIDED: "closed"}.get(row["verdict"], "decided")
    if what == "open" and row["given_up"]:
        what = "given up"
    looked, most = row["difference_look"], row["most_replicates"]
    if looked >= most:
        return f"{what} after all of {most} replicates"
    return f"{what} after {looked} of at most {most} replicates"


def replicates_text(groups: Sequence[GroupData]) -> str:
    """Return how many replicates the cells of some groups have: least and most, and how many there may be."""
    planned = max(group.entry.replicates for group in groups)
    if all(len(group.entry.looks) < 2 for group in groups):
        return f"{planned:,}"
    counts = [count for group in groups for count in Counter(group.conditions).values()]
    if not counts:
        return f"at most {planned:,}"
    least, most = min(counts), max(counts)
    there = f"{least:,}" if least == most else f"{least:,} to {most:,}"
    return there if most == planned else f"{there} of at most {planned:,}"


def waiting(verdicts: Iterable[dict[str, Any]], losses: bool) -> bool:
    """Tell whether a verdict is open that has not had all the replicates that it may have.

    Parameters
    ----------
    verdicts : iterable of dict
        Rows of the verdict table.
    losses : bool
        Whether losses must be decided too.
    """
    return any(
        row[f"{name}_look"] < row["most_replicates"] and not (row["reason"] or row[f"{name}_decided"])
        for row in verdicts
        if "most_replicates" in row and not row["given_up"]
        for name in ("difference", *(["loss_difference"] if losses else []))
    )


def _loss_note(row: dict[str, Any], other: str) -> str:
    """Say what each design loses from its own noise-free score, and whether that agrees with the verdict."""
    if math.isnan(row["loss_smooth"]):
        return ""
    smooth, baseline = (wording.number(row[f"loss_{side}"]) for side in ("smooth", "baseline"))
    losses = f"lost: {row['activation']} {smooth}, {other} {baseline}"
    if row["loss_verdict"] in (row["verdict"], UNDECIDED):
        return losses
    says = {
        BETTER: "is in favour of smooth",
        WORSE: "is against smooth",
        NO_DIFFERENCE: "shows no difference",
    }
    says_what = says[row["loss_verdict"]]
    return f"{losses}; counted from each design's own noise-free score, the difference {says_what}"


def reach_of(verdicts: Iterable[dict[str, Any]]) -> float:
    """Return how far the interval plots reach, the same for all of them."""
    names = ("difference", "difference_low", "difference_high")
    return reach(abs(row[name]) for row in verdicts for name in names)
