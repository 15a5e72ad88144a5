"""Sharpness as an axis of its own: score against the smoothing h, for designs that differ in h alone."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crnsim.report import titles
from crnsim.report.curves import SCORE_AXIS, spread
from crnsim.report.figures import Axis, Line, Panel, draw_panel
from crnsim.report.scores import Group, Scores
from crnsim.robustness.designs import QUIET, Condition

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crnsim.report.coverage import GroupData

FEWEST = 3  # designs that make a curve of sharpness
MOST_LINES = 6


@dataclass(frozen=True)
class Family:
    """Designs of one activation that differ in h alone, from sharp to smooth."""

    name: str
    members: tuple[tuple[float, str], ...]


def families(groups: Sequence[GroupData], dataset: str) -> list[Family]:
    """Return the families of a data set that have at least three members."""
    found: dict[tuple[Any, ...], dict[float, str]] = {}
    for group in groups:
        entry = group.entry
        h = _smoothing(group)
        if entry.dataset != dataset or h is None:
            continue
        others = sorted((k, v) for k, v in entry.activation_parameters.items() if k != "h")
        others += sorted(entry.circuit_parameters.items())
        key = (entry.activation, entry.circuit, json.dumps(others))
        found.setdefault(key, {}).setdefault(h, entry.label)
    return [
        Family(str(activation), tuple(sorted(members.items())))
        for (activation, *_), members in found.items()
        if len(members) >= FEWEST
    ]


def _smoothing(group: GroupData) -> float | None:
    """Return h of a design: as given, or its default, which the summary tells."""
    h = group.entry.activation_parameters.get("h")
    if h is None and group.summary is not None:
        h = json.loads(group.summary.attrs.get("parameters", "{}")).get("h")
    return float(h) if isinstance(h, (int, float)) and h > 0 else None


def by_sharpness(scores: Scores, family: Family) -> list[Group]:
    """Return score against h: a drawing per kind of noise, a line per magnitude, and one for running times."""
    if not scores.times:
        return []
    groups, longest = [], scores.times[-1]
    for kind in scores.kinds:
        levels = spread(scores.levels(kind), MOST_LINES)
        cells = [(titles.level_name(level), Condition(longest, level)) for level in levels]
        caption = f"A line per magnitude, at running time {longest:g}."
        groups += _drawn(scores, family, titles.stress_name(kind), cells, caption)
    if len(scores.times) > 1:
        times = spread(scores.times[::-1], MOST_LINES)
        cells = [(f"time {time:g}", Condition(time, QUIET)) for time in times]
        groups += _drawn(scores, family, "running time", cells, "A line per running time, without noise.")
    return groups


def _drawn(
    scores: Scores, family: Family, stress: str, cells: Sequence[tuple[str, Condition]], caption: str
) -> list[Group]:
    lines, legend = [], []
    for series, (name, cell) in enumerate(cells):
        rows = [(h, scores.cells.get(label, {}).get(cell)) for h, label in family.members]
        known = [(h, row) for h, row in rows if row]
        if not known:
            continue
        h, y = [h for h, _ in known], [row["score"] for _, row in known]
        low, high = ([row[end] for _, row in known] for end in ("score_low", "score_high"))
        lines.append(Line(h, y, low, high, series=series))
        legend.append((name, series, False))
    if not lines:
        return []
    ends = "; ".join(
        f"{name} from {line.y[0]:.2f} at h = {line.x[0]:g} to {line.y[-1]:.2f} at h = {line.x[-1]:g}"
        for (name, *_), line in zip(legend, lines, strict=True)
    )
    title = stress[:1].upper() + stress[1:]
    axis = Axis("smoothing h (sharper to the left)", log=True)
    panel = Panel(title, lines, axis, SCORE_AXIS, f"Mean score against the smoothing h. {ends}.")
    return [Group(title, [draw_panel(panel)], caption, legend=legend)]
