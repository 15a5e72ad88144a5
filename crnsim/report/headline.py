"""What a sweep answers, in few sentences per data set: how far its designs hold up, and how they compare."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from crnsim import wording
from crnsim.metrics.decisions import decides, holm
from crnsim.metrics.verdicts import BETTER, NO_DIFFERENCE, UNDECIDED, WORSE
from crnsim.report import titles

#: A design keeps its score where it has at least this part of its noise-free one.
KEPT = 0.95
#: Designs that are told of one by one, at most; of more, those with a role.
_MOST_DESIGNS = 3

Rows = Sequence[dict[str, Any]]


def conclusions(tables: dict[str, list[dict[str, Any]]]) -> dict[str, list[str]]:
    """Return what a sweep concludes: sentences for each data set.

    Parameters
    ----------
    tables : dict of str to list of dict
        Rows of the tables ``cell``, ``verdict`` and ``paired``.
    """
    said = {}
    for dataset in dict.fromkeys(row["dataset"] for row in tables["cell"]):
        cells, verdicts, pairs = (
            [row for row in tables[name] if row["dataset"] == dataset]
            for name in ("cell", "verdict", "paired")
        )
        said[dataset] = [*_holding(cells), *_comparisons(verdicts, pairs)]
    return said


def _holding(cells: Rows) -> list[str]:
    """Say of the smooth designs, or where there is none of the first ones, how much noise and haste they stand."""
    labels = dict.fromkeys(row["activation"] for row in cells if row["role"] == "smooth")
    labels = labels or dict.fromkeys(row["activation"] for row in cells)
    labels = dict(list(labels.items())[:_MOST_DESIGNS])
    return [_of_design(label, [row for row in cells if row["activation"] == label]) for label in labels]


def _of_design(label: str, cells: Rows) -> str:
    longest = max(row["running_time"] for row in cells)
    late = [row for row in cells if row["running_time"] == longest]
    quiet = next((row for row in late if row["noise_kind"] == "none"), None)
    if quiet is None:
        return f"{label} has no run without noise yet."
    score = quiet["score"]
    said = f"{label} scores {wording.number(score)} ({_interval(quiet)}) without noise at time {longest:g}."
    if not score > 0.0:
        return said
    kinds = [k for k in dict.fromkeys(row["noise_kind"] for row in late) if k != "none" and "+" not in k]
    whole, part, lost = [], [], []
    for kind in kinds:
        rows = sorted(
            (row for row in late if row["noise_kind"] == kind), key=lambda row: float(row["magnitude"])
        )
        kept, worst = _kept(rows, score), rows[-1]
        name = titles.row_stress(worst)
        leaves = f"leaves {wording.number(worst['score'])} ({_interval(worst)})"
        left = f"{_magnitude(kind, worst)} {leaves}"
        if kept is worst:
            whole.append(_up_to(kind, worst, name))
        elif kept:
            part.append(f"{_up_to(kind, kept, name)}; {left}")
        elif len(rows) == 1:
            lost.append(f"{_amount(kind, worst, name)}, which {leaves}")
        else:
            lost.append(f"{_amount(kind, rows[0], name)}, the least that was run; {left}")
    stands = [f"{wording.listing(whole)}, the most that was run"] if whole else []
    hurried = sorted(
        (row for row in cells if row["noise_kind"] == "none" and row["running_time"] < longest),
        key=lambda row: -row["running_time"],
    )
    if hurried:
        (part if _kept(hurried, score) else lost).append(_in_haste(hurried, score))
    stands += part
    if not stands and not lost:
        return said
    keeps = f"{100 * KEPT:g} % of that under"
    if not stands:
        return f"{said} On average it keeps less than {keeps} {'; under '.join(lost)}."
    less = f". It keeps less under {'; under '.join(lost)}" if lost else ""
    return f"{said} On average it keeps {keeps} {'; under '.join(stands)}{less}."


def _kept(rows: Rows, score: float) -> dict[str, Any] | None:
    """Return the last of some rows up to which a score is kept, None if it is not in the first."""
    kept = None
    for row in rows:
        if row["score"] < KEPT * score - 1e-12:
            break
        kept = row
    return kept


def _in_haste(rows: Rows, score: float) -> str:
    """Say down to which running time a score is kept, from the second longest on."""
    kept, shortest = _kept(rows, score), rows[-1]
    leaves = f"leaves {wording.number(shortest['score'])} ({_interval(shortest)})"
    left = f"time {shortest['running_time']:g} {leaves}"
    if kept is shortest:
        return f"running times down to {shortest['running_time']:g}, the shortest"
    if kept:
        return f"running times down to {kept['running_time']:g}; {left}"
    if len(rows) == 1:
        return f"running time {shortest['running_time']:g}, which {leaves}"
    return f"running time {rows[0]['running_time']:g}, the next shorter; {left}"


def _up_to(kind: str, row: dict[str, Any], name: str) -> str:
    """Return noise up to that of a row in words; fewer molecules are more of it."""
    if titles.counts_molecules(kind):
        return f"{name} down to {_magnitude(kind, row)}"
    return f"up to {_magnitude(kind, row)} of {name}"


def _amount(kind: str, row: dict[str, Any], name: str) -> str:
    """Return the noise of a row in words."""
    amount = _magnitude(kind, row)
    return f"{name} at {amount}" if titles.counts_molecules(kind) else f"{amount} of {name}"


def _magnitude(kind: str, row: dict[str, Any]) -> str:
    magnitude = float(row["magnitude"])
    if titles.counts_molecules(kind):
        return titles.magnitude_name(kind, magnitude)
    return f"{100 * magnitude:.3g} %"


def _interval(row: dict[str, Any]) -> str:
    return f"{wording.number(row['score_low'])} to {wording.number(row['score_high'])}"


def _comparisons(verdicts: Rows, pairs: Rows) -> list[str]:
    """A sentence for each design that is compared with: of many, those with a verdict or best of their role."""
    found = list(dict.fromkeys((row["activation"], row["compared_with"]) for row in verdicts))
    if len(found) > _MOST_DESIGNS:
        found = [
            pair
            for pair in found
            if any(row["best"] or row["verdict"] in (BETTER, WORSE) for row in _of_pair(verdicts, pair))
        ]
    return [compared(_of_pair(verdicts, pair), _of_pair(pairs, pair)) for pair in found]


def _of_pair(rows: Rows, pair: tuple[str, str]) -> list[dict[str, Any]]:
    return [row for row in rows if (row["activation"], row["compared_with"]) == pair]


def compared(verdicts: Rows, pairs: Rows = ()) -> str:
    """Say under which stress the smooth design does better, worse, the same, or is undecided, against one other.

    Parameters
    ----------
    verdicts : sequence of dict
        Rows of the verdict table about the two.
    pairs : sequence of dict
        Rows of the table ``paired`` about them: the largest difference of a single cell is told where it is decided
        among all cells.
    """
    smooth, other = verdicts[0]["activation"], verdicts[0]["compared_with"]
    parts = []
    for verdict, phrase in (
        (BETTER, f"scores higher than {other} under"),
        (WORSE, f"scores lower than {other} under"),
    ):
        found = [
            f"{titles.row_stress(r)} ({wording.signed(r['difference'])})"
            for r in verdicts
            if r["verdict"] == verdict
        ]
        if found:
            parts.append(f"{phrase} {wording.listing(found)}")
    sentence = f"{smooth} {wording.listing(parts)}" if parts else ""
    alike = [row for row in verdicts if row["verdict"] == NO_DIFFERENCE]
    if same := [titles.row_stress(row) for row in alike]:
        opening = (
            "no difference is shown" if sentence else f"between {smooth} and {other} no difference is shown"
        )
        sentence += f"{'; ' if sentence else ''}{opening} under {wording.listing(same)}{_range(alike)}"
    open_questions: dict[str, list[str]] = {}
    for row in verdicts:
        if row["verdict"] == UNDECIDED:
            open_questions.setdefault(row["reason"], []).append(titles.row_stress(row))
    for reason, stresses in open_questions.items():
        against = f" against {other}" if not sentence else ""
        about = "" if len(stresses) == len(verdicts) else f" under {wording.listing(stresses)}"
        sentence += f"{'; ' if sentence else ''}undecided{against}{about}: {reason}"
    return f"{sentence}{_in_one_cell(pairs)}."


def _in_one_cell(pairs: Rows) -> str:
    """Tell the largest difference in a single cell, if it is decided among all cells of the two designs."""
    adjusted = holm([row["difference_p"] for row in pairs])
    decided = [
        row
        for row, p in zip(pairs, adjusted, strict=True)
        if not math.isnan(p) and decides(row["difference_low"], row["difference_high"], p)
    ]
    if not decided:
        return ""
    row = max(decided, key=lambda row: abs(row["difference"]))
    kind = row["noise_kind"]
    noise = "without noise" if kind == "none" else f"under {titles.row_stress(row)}"
    if kind != "none" and "+" not in kind:
        noise += f" {'at' if titles.counts_molecules(kind) else 'of'} {_magnitude(kind, row)}"
    return (
        f"; the largest difference in one cell is {wording.signed(row['difference'])} ("
        f"{wording.signed(row['difference_low'])} to {wording.signed(row['difference_high'])}), {noise} at time "
        f"{row['running_time']:g}"
    )


def _range(rows: Rows) -> str:
    """Say how many replicates would show the differences of some rows."""
    needed = [row for row in rows if row["difference_needed"]]
    if not needed:
        return ""
    first = min(needed, key=lambda row: row["difference_needed"])
    what = "one" if len(rows) == 1 else f"one under {titles.row_stress(first)}"
    return f" (about {first['difference_needed']:,} replicates like these would show {what})"


def forecast(row: dict[str, Any], words: str) -> str:
    """Say how many replicates would show a difference, should more be like those that are there."""
    needed = row["difference_needed"]
    return words.format(f"about {needed:,} replicates") if needed else ""
