"""Curves of the report: score against noise and against running time, and how the error falls in training."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from crnsim import wording
from crnsim.metrics.designs import QUIET, Condition, point_conditions
from crnsim.report import titles
from crnsim.report.figures import Axis, Line, Panel, draw_panel
from crnsim.report.scores import FigureRow, Scores

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import xarray as xr
    from markupsafe import Markup

T = TypeVar("T")
SCORE_AXIS = Axis("mean score", (0, 0.25, 0.5, 0.75, 1), ("0", "", "0.5", "", "1"), (-0.02, 1.02))
MOST_TIMES = 3


def degradation(scores: Scores) -> list[FigureRow]:
    """Return score against magnitude: a panel per running time, a row per kind of noise and part of the designs."""
    return [_degradation_row(part, kind, name) for kind in scores.kinds for name, part in scores.drawn()]


def _degradation_row(scores: Scores, kind: str, part: str) -> FigureRow:
    levels, stress = scores.levels(kind), titles.stress_name(kind)
    panels = []
    drawn = {
        time: [
            _score_line(scores, label, [(lv.magnitude, Condition(time, lv)) for lv in levels])
            for label in scores.labels
        ]
        for time in thinned(scores.times, MOST_TIMES)
    }
    of_score = _score_axis(drawn.values())
    for time, lines in drawn.items():
        ticks = ticks_apart([level.magnitude for level in levels])
        names = [titles.magnitude_name(kind, tick) if tick else "0" for tick in ticks]
        axis = Axis(f"magnitude of {stress}", ticks, names)
        described = f"Mean score against {stress}. {_ends(scores.labels, lines)}"
        panels.append(draw_panel(Panel(f"running time {time:g}", lines, axis, of_score, described)))
    caption = f"Mean score against the magnitude of {stress}; bands are 95 % intervals."
    if left_out := len(scores.times) - len(panels):
        caption += f" The first figure also shows {wording.plural(left_out, 'running time')} between these."
    return FigureRow(_titled(stress, part), panels, caption, labels=scores.labels)


def _titled(stress: str, part: str) -> str:
    return ": ".join(filter(None, (titles.capital(stress), part)))


def _score_line(scores: Scores, label: str, places: Sequence[tuple[float, Condition]]) -> Line:
    rows = [
        (x, scores.conditions[label][condition])
        for x, condition in places
        if condition in scores.conditions[label]
    ]
    x, y = [x for x, _ in rows], [row["score"] for _, row in rows]
    low, high = ([row[name] for _, row in rows] for name in ("score_low", "score_high"))
    shift = 2.5 * (scores.labels.index(label) - (len(scores.labels) - 1) / 2)
    cells = [row["id"] for _, row in rows]
    return Line(x, y, low, high, series=scores.series[label], shift=shift, cells=cells)


def _score_axis(panels: Iterable[Sequence[Line]]) -> Axis:
    """Return an axis of scores for panels side by side: from 0, or from where all that is drawn lies above."""
    ends = [value for lines in panels for line in lines for value in (*line.y, *line.low)]
    lowest = min((value for value in ends if np.isfinite(value)), default=0.0)
    bottom = next((step for step in (0.9, 0.75, 0.5) if lowest >= step), 0.0)
    if not bottom:
        return SCORE_AXIS
    ticks = [bottom + i * (1.0 - bottom) / 4 for i in range(5)]
    names = [f"{tick:.3g}" if i % 2 == 0 else "" for i, tick in enumerate(ticks)]
    limits = (bottom - 0.02 * (1 - bottom), 1.0 + 0.02 * (1 - bottom))
    return Axis(f"mean score, from {bottom:g}", ticks, names, limits)


def _ends(labels: Sequence[str], lines: Sequence[Line]) -> str:
    """Return first and last value of every line in words."""
    said = [
        f"{n} from {line.y[0]:.2f} to {line.y[-1]:.2f}"
        for n, line in zip(labels, lines, strict=True)
        if len(line.y)
    ]
    return "; ".join(said) + "."


def ticks_apart(values: Sequence[float]) -> list[float]:
    """Return values far enough apart to be written along an axis."""
    width = (max(values) - min(values)) or 1.0
    kept = [min(values)]
    for value in sorted(values)[1:]:
        if value - kept[-1] >= 0.12 * width:
            kept.append(value)
    return kept


def thinned(values: Sequence[T], most: int) -> list[T]:
    """Return at most so many values, evenly picked, the first and the last among them."""
    if len(values) <= most:
        return list(values)
    return [values[i] for i in sorted({round(i) for i in np.linspace(0, len(values) - 1, most)})]


def running_time(scores: Scores) -> list[FigureRow]:
    """Return score against running time, without noise and at the largest magnitude of each kind."""
    if len(scores.times) < 2:
        return []
    return [_running_time_row(part, name) for name, part in scores.drawn()]


def _running_time_row(scores: Scores, part: str) -> FigureRow:
    levels = [QUIET, *(scores.levels(kind)[-1] for kind in scores.kinds)]
    panels = []
    drawn = {
        level: [
            _score_line(scores, label, [(t, Condition(t, level)) for t in scores.times])
            for label in scores.labels
        ]
        for level in levels
    }
    of_score = _score_axis(drawn.values())
    for level, lines in drawn.items():
        axis = Axis("running time", ticks_apart(scores.times))
        described = f"Mean score against running time. {_ends(scores.labels, lines)}"
        panels.append(draw_panel(Panel(titles.level_name(level), lines, axis, of_score, described)))
    caption = "Mean score against running time; a flat line is insensitive to it."
    return FigureRow(_titled(part, ""), panels, caption, labels=scores.labels)


def learning(summaries: Sequence[xr.Dataset], scores: Scores) -> list[FigureRow]:
    """Return training loss against epoch, without noise and under the strongest of each kind, and test score."""
    if not scores.times:
        return []
    return [group for name, part in scores.drawn() for group in _learning(summaries, part, name)]


def _learning(summaries: Sequence[xr.Dataset], scores: Scores, part: str) -> list[FigureRow]:
    longest, shortest = scores.times[-1], scores.times[0]
    wanted = [Condition(longest, QUIET)] + ([Condition(shortest, QUIET)] if shortest < longest else [])
    wanted += [Condition(longest, scores.levels(kind)[-1]) for kind in scores.kinds]
    named = [(str(s.attrs.get("activation_label", "")), s) for s in summaries]
    where = [(label, s, point_conditions(s)) for label, s in named if label in scores.labels]
    pictures = []
    for condition in wanted:
        lines = [
            line
            for label, summary, conditions in where
            if "train_loss" in summary
            for line in loss_line(
                summary, [i for i, c in enumerate(conditions) if c == condition], scores.series.get(label, 0)
            )
        ]
        if lines:
            pictures.append((f"{titles.level_name(condition.level)}, time {condition.running_time:g}", lines))
    values = [value for _, lines in pictures for line in lines for value in (*line.low, *line.high)]
    limits = (min(values) / 1.3, max(values) * 1.3) if values else None
    described = "Median training loss against epoch, with quartiles."
    axis = Axis("loss ½|o − t|²", log=True, limits=limits)
    losses = [draw_panel(Panel(title, lines, Axis("epoch"), axis, described)) for title, lines in pictures]
    tests = _checkpoints(where, Condition(longest, QUIET), scores)
    caption = "Training loss by epoch: median over the replicates still running, with quartiles."
    if tests:
        caption += (
            " Test score: of the algebraic network with the weights of each checkpoint, mean with quartiles; "
            "a run that has ended counts as 0."
        )
    found = losses + tests
    return [FigureRow(_titled(part, ""), found, caption, labels=scores.labels)] if found else []


def loss_line(summary: xr.Dataset, indices: Sequence[int], series: int) -> list[Line]:
    """Return the median training loss of some points by epoch, with quartiles; no line where none has any."""
    if not len(indices):
        return []
    loss = summary["train_loss"].values[list(indices)].astype(float)
    alive = np.isfinite(loss).any(axis=0)
    if not alive.any():
        return []
    epochs = summary["epoch"].values[alive]
    keep = np.unique(np.linspace(0, len(epochs) - 1, 80).round().astype(int))
    quartiles = np.nanquantile(loss[:, alive][:, keep], (0.25, 0.5, 0.75), axis=0)
    low, middle, high = np.maximum(quartiles, 1e-12).tolist()  # a loss of 0 has no logarithm
    return [Line(epochs[keep].tolist(), middle, low, high, series=series, marker=False)]


def _checkpoints(
    where: Sequence[tuple[str, xr.Dataset, list[Condition]]], condition: Condition, scores: Scores
) -> list[Markup]:
    lines = []
    for label, summary, conditions in where:
        indices = [i for i, c in enumerate(conditions) if c == condition]
        if not indices or "test_score" not in summary:
            continue
        values = np.nan_to_num(summary["test_score"].values[indices].astype(float))
        low, high = np.quantile(values, (0.25, 0.75), axis=0).tolist()
        epochs, mean = summary["checkpoint"].values.tolist(), values.mean(axis=0).tolist()
        lines.append(Line(epochs, mean, low, high, series=scores.series.get(label, 0)))
    if not lines:
        return []
    panel = Panel(
        title=f"test set, no noise, time {condition.running_time:g}",
        lines=lines,
        x=Axis("epochs completed"),
        y=replace(SCORE_AXIS, label="mean test score"),
        described="Mean test score of the algebraic network with the weights of each checkpoint.",
    )
    return [draw_panel(panel)]
