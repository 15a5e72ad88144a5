"""Drawings of the page of a search: the front, progress over the budget, and values of each parameter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from crnsim.report.figures import INK, MUTED, PAPER, RULE, SERIES, drawing_of, log_locator
from crnsim.search.candidates import INFEASIBLE, RACED
from crnsim.search.model import CRITICAL, SCORE
from crnsim.search.space import plain_name

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.axes import Axes

    from crnsim.search.candidates import Candidate
    from crnsim.search.confirm import Confirmed
    from crnsim.search.run import Found

#: Inches of a drawing.
_SIZE, _SMALL = (5.6, 3.9), (3.6, 2.9)


def front_figures(found: Found, confirmed: Confirmed) -> list[Markup]:
    """Return the first objective against each other one; of a single objective, its values in order."""
    goals = found.search.goals
    there = [one for one in found.candidates if one.state != INFEASIBLE]
    if len(goals) == 1:
        return [
            _drawn(
                found,
                confirmed,
                there,
                [float(one.number) for one in there],
                "candidate, in order",
                log=False,
            )
        ]
    figures = []
    for other in range(1, len(goals)):
        x = [one.values_told()[other] for one in there]
        measured = goals[other].what in (SCORE, CRITICAL)
        log = not measured and min(x) > 0 and max(x) > 10 * min(x)
        figures.append(_drawn(found, confirmed, there, x, goals[other].name, log=log))
    return figures


def _drawn(
    found: Found,
    confirmed: Confirmed,
    there: Sequence[Candidate],
    x: Sequence[float],
    label: str,
    *,
    log: bool,
) -> Markup:
    name = found.search.goals[0].name
    front = {one.number for one in found.front()}
    y = [one.values_told()[0] for one in there]
    place = {one.number: (x[n], y[n]) for n, one in enumerate(there)}

    def draw(axes: Axes) -> None:
        _dressed(axes, label, name)
        if log:
            _logarithmic(axes, x)
        for raced, colour in ((False, RULE), (True, MUTED)):
            of = [n for n, one in enumerate(there) if (one.state == RACED) == raced]
            axes.scatter([x[n] for n in of], [y[n] for n in of], s=26, color=colour, linewidths=0, zorder=2)
        best = sorted(place[number] for number in front)
        if len(found.search.goals) == 2:  # of more, a drawing of two shows no line
            axes.plot(*zip(*best, strict=True), color=SERIES[0], linewidth=1.0, alpha=0.6, zorder=3)
        across, up = zip(*best, strict=True)
        axes.scatter(across, up, s=46, color=SERIES[0], edgecolors=PAPER, zorder=4)
        axes.scatter(*place[0], s=52, marker="s", color=SERIES[1], edgecolors=PAPER, zorder=5)
        for number, one in enumerate(confirmed.best, 1):
            axes.annotate(
                str(number), place[one.number], xytext=(6, 5), textcoords="offset points", color=INK, zorder=6
            )

    return drawing_of(
        draw, _SIZE, f"{name} and {label}", f"{len(there)} candidates, {len(front)} of them on the front"
    )


def progress_figures(found: Found) -> list[Markup]:
    """Return the best value so far of each objective against the core-hours spent."""
    goals, figures = found.search.goals, []
    hours = [seconds / 3600.0 for _, seconds in found.core_seconds]
    for number, goal in enumerate(goals):
        best: list[float] = []
        for count, _ in found.core_seconds:
            raced = [one.standings()[number] for one in found.candidates[:count] if one.state == RACED]
            best.append(goal.sign * max(raced) if raced else np.nan)
        figures.append(
            drawing_of(
                _Steps(hours, best, goal.name),
                _SMALL,
                f"Best {goal.name} so far",
                f"From {best[0]:.3g} after the first batch to {best[-1]:.3g}",
            )
        )
    return figures


class _Steps:
    """Draws a value that changes in steps."""

    def __init__(self, x: Sequence[float], y: Sequence[float], label: str) -> None:
        self.x, self.y, self.label = x, y, label

    def __call__(self, axes: Axes) -> None:
        _dressed(axes, "core-hours", f"best {self.label}")
        axes.plot(self.x, self.y, color=SERIES[0], drawstyle="steps-post", marker="o", markersize=4)


def parameter_figures(found: Found) -> list[Markup]:
    """Return the first objective against each parameter, for all candidates that have it."""
    figures = []
    for name, parameter in found.search.parameters.items():
        there = [one for one in found.candidates if one.state != INFEASIBLE and name in one.values]
        if parameter.words:  # the design that the search began with may have none of them
            there = [one for one in there if parameter.drawn(one.values[name]) is not None]
        if not there:
            continue
        y = [one.values_told()[0] for one in there]
        words = list(parameter.words)
        x = [
            words.index(parameter.drawn(one.values[name])) if words else float(one.values[name])
            for one in there
        ]
        names = ["-".join(map(str, c)) if isinstance(c, tuple) else str(c) for c in parameter.words.values()]
        title = found.search.goals[0].name
        figures.append(
            drawing_of(
                _Cloud(
                    x,
                    y,
                    [one.state == RACED for one in there],
                    (plain_name(name), title),
                    names,
                    parameter.axis.log,
                ),
                _SMALL,
                f"{title} against {name}",
                f"{len(there)} candidates",
            )
        )
    return figures


class _Cloud:
    """Draws candidates by one parameter; choices are spread a little, so that equal values can be told apart."""

    def __init__(
        self,
        x: Sequence[float],
        y: Sequence[float],
        raced: Sequence[bool],
        labels: tuple[str, str],
        names: Sequence[str],
        log: bool,
    ) -> None:
        self.x, self.y, self.raced = np.array(x, dtype=float), np.array(y), np.array(raced)
        self.labels, self.names, self.log = labels, names, log

    def __call__(self, axes: Axes) -> None:
        _dressed(axes, *self.labels)
        x = self.x
        if self.names:
            x = x + 0.16 * np.sin(2.4 * np.arange(len(x)))
            axes.set_xticks(range(len(self.names)), [name[:18] for name in self.names])
            axes.set_xlim(-0.5, len(self.names) - 0.5)
        if self.log:
            _logarithmic(axes, self.x)
        for of, colour in ((~self.raced, RULE), (self.raced, SERIES[0])):
            axes.scatter(x[of], self.y[of], s=26, color=colour, linewidths=0)


def _logarithmic(axes: Axes, x: Sequence[float] | np.ndarray) -> None:
    """Give the axis along x a logarithmic scale with plain numbers."""
    from matplotlib.ticker import FuncFormatter, NullLocator

    least, most = min(x) / 1.1, max(x) * 1.1
    axes.set_xscale("log")
    axes.set_xlim(least, most)
    axes.xaxis.set_major_locator(log_locator((least, most)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(NullLocator())


def _dressed(axes: Any, x: str, y: str) -> None:
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.grid(color=RULE, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
