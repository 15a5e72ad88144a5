"""Heat maps of the report where a sweep crosses two kinds of noise."""

from __future__ import annotations

import itertools

import numpy as np

from crnsim import wording
from crnsim.report import titles
from crnsim.report.figures import MapAxes, draw_map
from crnsim.report.scores import FigureRow, Scores


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
                (condition.level.of(first), condition.level.of(second)): (row["score"], row["id"])
                for condition, row in scores.conditions[label].items()
                if condition.running_time == time and condition.level.kind in wanted
            }
            both = [[found.get((row, column), (np.nan, -1)) for column in columns] for row in rows]
            values, cells = (np.array([[one[i] for one in line] for line in both]) for i in (0, 1))
            described = f"Mean score at running time {time:g}. {_spoken(values, axes)}"
            drawings.append(draw_map(label, values, axes, cells=cells, described=described))
        heading = f"{titles.stress_name(first)} and {titles.stress_name(second)} at once".capitalize()
        caption = f"Mean score at running time {time:g}, two kinds of noise crossed."
        figures.append(FigureRow(heading, drawings, caption))
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
