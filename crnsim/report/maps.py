"""Heat maps of the report: mean score over noise and running time for each design, and their differences."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from crnsim import wording
from crnsim.metrics.designs import Condition
from crnsim.metrics.tables import SHARE_OK
from crnsim.report import titles
from crnsim.report.figures import MapAxes, draw_map
from crnsim.report.scores import MOST_TOGETHER, FigureRow, Scores, condition_of

if TYPE_CHECKING:
    from markupsafe import Markup


def heat_maps(scores: Scores) -> list[FigureRow]:
    """Return a row of maps per kind of noise: a map per design, then smooth minus each baseline."""
    figures = []
    for kind in scores.kinds:
        levels = scores.levels(kind)
        grid = [[Condition(time, level) for time in scores.times] for level in levels]
        axes = MapAxes(
            columns=[f"{time:g}" for time in scores.times],
            rows=[titles.magnitude_name(kind, level.magnitude) for level in levels],
            column_label="running time",
            row_label=titles.stress_name(kind),
        )
        drawings = []
        for label in scores.labels:
            rows = [[scores.conditions[label].get(condition) for condition in line] for line in grid]
            values = np.array([[row["score"] if row else np.nan for row in line] for line in rows])
            flagged = np.array([[row is not None and row[SHARE_OK] < 1 for row in line] for line in rows])
            described = f"Mean score, {titles.stress_name(kind)} by running time. {_spoken(values, axes)}"
            drawings.append(draw_map(label, values, axes, flagged=flagged, described=described))
        differences = _difference_maps(scores, grid, axes)
        caption = f"Mean score under {titles.stress_name(kind)}. {_map_sentence(scores, kind)}"
        if differences and len(scores.labels) > MOST_TOGETHER:
            caption += (
                " Differences are drawn where the other design is the best of its role under some stress."
            )
        dense = len(axes.columns) > 6
        figures.append(
            FigureRow(titles.stress_name(kind).capitalize(), drawings, caption, differences, dense=dense)
        )
    return figures


def _spoken(values: np.ndarray, axes: MapAxes) -> str:
    """Return the numbers of a map as a sentence, for those who cannot see it; large maps in short."""
    if values.size > 40:
        finite = values[np.isfinite(values)]
        return f"From {finite.min():.2f} to {finite.max():.2f}." if finite.size else "No runs."
    lines = [
        f"{row}: " + ", ".join(f"{wording.number(v)} at {c}" for v, c in zip(line, axes.columns, strict=True))
        for row, line in zip(axes.rows, values, strict=True)
    ]
    return "; ".join(lines) + "."


def _difference_maps(scores: Scores, grid: list[list[Condition]], axes: MapAxes) -> list[Markup]:
    drawings = []
    for pair in dict.fromkeys((row["activation"], row["compared_with"]) for row in scores.pairs):
        mine = (row for row in scores.pairs if (row["activation"], row["compared_with"]) == pair)
        rows = {condition_of(row): row for row in mine}
        values = np.array([[rows[c]["difference"] if c in rows else np.nan for c in line] for line in grid])
        sure = np.array([[c in rows and _leaves_zero_out(rows[c]) for c in line] for line in grid])
        described = f"Paired difference of scores. {_spoken(values, axes)}"
        title = f" {wording.MINUS} ".join(pair)
        drawings.append(draw_map(title, values, axes, sure=sure, difference=True, described=described))
    return drawings


def _leaves_zero_out(row: dict[str, Any]) -> bool:
    return bool(row["difference_low"] > 0 or row["difference_high"] < 0)


def _map_sentence(scores: Scores, kind: str) -> str:
    """Say which design keeps how much of its score at the shortest time and the largest magnitude."""
    level, time = scores.levels(kind)[-1], scores.times[0]
    rows = {label: scores.conditions[label].get(Condition(time, level)) for label in scores.labels}
    parts = [f"{label} {row['score']:.2f}" for label, row in rows.items() if row]
    if not parts:
        return ""
    magnitude = titles.magnitude_name(kind, level.magnitude)
    corner = f"the shortest running time ({time:g}) and the largest magnitude ({magnitude})"
    return f"At {corner}: {wording.listing(parts)}."


def crossed_maps(scores: Scores) -> list[FigureRow]:
    """Return maps of two kinds of noise at once, where a sweep crosses them, at the longest running time."""
    figures = []
    time = scores.times[-1] if scores.times else 0.0
    kinds = {condition.level.kind for condition in scores.swept if condition.running_time == time}
    for first, second in itertools.combinations(scores.kinds, 2):
        if f"{first}+{second}" not in kinds:
            continue
        rows, columns = (sorted({lv.magnitude for lv in scores.levels(k)}) for k in (first, second))
        axes = MapAxes(
            columns=[titles.magnitude_name(second, one) if one else "0" for one in columns],
            rows=[titles.magnitude_name(first, one) if one else "0" for one in rows],
            column_label=titles.stress_name(second),
            row_label=titles.stress_name(first),
        )
        drawings = []
        for label in scores.labels:
            wanted = {"none", first, second, f"{first}+{second}"}
            found = {
                (condition.level.of(first), condition.level.of(second)): row["score"]
                for condition, row in scores.conditions[label].items()
                if condition.running_time == time and condition.level.kind in wanted
            }
            values = np.array([[found.get((row, column), np.nan) for column in columns] for row in rows])
            described = f"Mean score at running time {time:g}. {_spoken(values, axes)}"
            drawings.append(draw_map(label, values, axes, described=described))
        heading = f"{titles.stress_name(first)} and {titles.stress_name(second)} at once".capitalize()
        caption = f"Mean score at running time {time:g}, two kinds of noise crossed."
        figures.append(FigureRow(heading, drawings, caption))
    return figures
