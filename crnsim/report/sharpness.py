"""Sharpness as an axis of its own: score against the smoothing h, for designs that differ in h alone."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crnsim.metrics.designs import QUIET, Condition
from crnsim.report import titles
from crnsim.report.curves import SCORE_AXIS, thinned
from crnsim.report.figures import Axis, Line, Panel, draw_panel
from crnsim.report.scores import FigureRow, Scores
from crnsim.store.attributes import parameters_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crnsim.report.coverage import GroupData

FEWEST = 3  # designs that make a curve of sharpness
MOST_LINES = 6


@dataclass(frozen=True)
class SmoothingSeries:
    """Designs of one activation that differ in h alone, from sharp to smooth."""

    name: str
    members: tuple[tuple[float, str], ...]


def smoothing_series(groups: Sequence[GroupData], dataset: str) -> list[SmoothingSeries]:
    """Return the series of a data set that have at least three members."""
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
        SmoothingSeries(str(activation), tuple(sorted(members.items())))
        for (activation, *_), members in found.items()
        if len(members) >= FEWEST
    ]


def _smoothing(group: GroupData) -> float | None:
    """Return h of a design: as given, or its default, which the summary tells."""
    h = group.entry.activation_parameters.get("h")
    if h is None and group.summary is not None:
        h = parameters_of(group.summary).get("h")
    return float(h) if isinstance(h, (int, float)) and h > 0 else None


def by_sharpness(scores: Scores, varied: SmoothingSeries) -> list[FigureRow]:
    """Return score against h: a drawing per kind of noise, a line per magnitude, and one for running times."""
    if not scores.times:
        return []
    figures, longest = [], scores.times[-1]
    for kind in scores.kinds:
        levels = thinned(scores.levels(kind), MOST_LINES)
        conditions = [(titles.level_name(level), Condition(longest, level)) for level in levels]
        caption = f"A line per magnitude, at running time {longest:g}."
        figures += _drawn(scores, varied, titles.stress_name(kind), conditions, caption)
    if len(scores.times) > 1:
        times = thinned(scores.times[::-1], MOST_LINES)
        conditions = [(f"time {time:g}", Condition(time, QUIET)) for time in times]
        figures += _drawn(
            scores, varied, "running time", conditions, "A line per running time, without noise."
        )
    return figures


def _drawn(
    scores: Scores,
    varied: SmoothingSeries,
    stress: str,
    conditions: Sequence[tuple[str, Condition]],
    caption: str,
) -> list[FigureRow]:
    lines, legend = [], []
    for series, (name, condition) in enumerate(conditions):
        rows = [(h, scores.conditions.get(label, {}).get(condition)) for h, label in varied.members]
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
    title = titles.capital(stress)
    axis = Axis("smoothing h (sharper to the left)", log=True)
    panel = Panel(title, lines, axis, SCORE_AXIS, f"Mean score against the smoothing h. {ends}.")
    return [FigureRow(title, [draw_panel(panel)], caption, legend=legend)]
