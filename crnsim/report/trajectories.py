"""Trajectories of the report: signals of a recorded run over the presentations that were kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from crnsim.metrics.designs import Condition, outcome_names, point_conditions
from crnsim.report import titles
from crnsim.report.figures import SERIES, Axis, Line, Panel, draw_panel
from crnsim.report.scores import FigureRow
from crnsim.store.attributes import json_value

if TYPE_CHECKING:
    from collections.abc import Sequence

    import xarray as xr

MOST_PRESENTATIONS = 8
MOST_TIMES = 48
MOST_SPECIES = 8  # that are drawn where a result does not say which are worth showing
#: Of what a result says is worth showing: drawings, signals in each, and letters of a title and of a note.
MOST_GROUPS, MOST_SIGNALS, LONGEST_TITLE, LONGEST_NOTE = 10, 16, 80, 400


@dataclass(frozen=True)
class Signals:
    """Signals that are drawn together: a heading, what to see there, and the species of each one's two rails."""

    title: str
    note: str
    rails: tuple[tuple[str, str | None], ...]


@dataclass(frozen=True)
class Run:
    """One recorded run: a drawing per group of signals."""

    heading: str
    figures: list[FigureRow]


def trajectories(summaries: Sequence[xr.Dataset]) -> list[Run]:
    """Return signals over time for two recorded runs of one design: one without noise and the noisiest."""
    recorded = [summary for summary in summaries if "trajectory" in summary]
    for summary in sorted(recorded, key=lambda summary: summary.attrs.get("role") != "smooth"):
        keys = summary["point_key"].values.tolist()
        conditions = point_conditions(summary)
        kept = [keys.index(key) for key in summary["recorded"].values.tolist() if key in keys]
        kept.sort(
            key=lambda index: (
                max(conditions[index].level.magnitudes, default=0.0),
                -conditions[index].running_time,
            )
        )
        runs = [
            run
            for index in dict.fromkeys((*kept[:1], *kept[-1:]))
            for run in _run(summary, index, conditions[index])
        ]
        if runs:
            return runs
    return []


@dataclass(frozen=True)
class Course:
    """Signals of one recorded run over the presentations that are drawn.

    Attributes
    ----------
    signals : Signals
    lines : list of Line
    legend : list of (str, int, bool)
        Species, series, and whether its line is dashed.
    numbers : list of int
        Of the presentations that were kept.
    shown : list of int
        Places of those that are drawn.
    """

    signals: Signals
    lines: list[Line]
    legend: list[tuple[str, int, bool]]
    numbers: list[int]
    shown: list[int]


def courses_of(summary: xr.Dataset, index: int, running_time: float) -> list[Course]:
    """Return the signals of the recorded run that is a point of a summary, none where no concentration was kept."""
    slot = summary["recorded"].values.tolist().index(summary["point_key"].values[index])
    cube = summary["trajectory"].values[slot].astype(float)
    numbers = summary["presentation"].values.tolist()
    alive = [k for k in range(len(numbers)) if np.isfinite(cube[k]).any()]
    half = MOST_PRESENTATIONS // 2
    shown = [*alive[:half], *alive[half:][-half:]]
    if not shown:
        return []
    fraction = summary["fraction"].values
    thin = np.unique(np.linspace(0, len(fraction) - 1, MOST_TIMES).round().astype(int))
    time = np.concatenate([(place + fraction[thin]) * running_time for place in range(len(shown))]).tolist()
    species = [str(name) for name in summary["species"].values.tolist()]
    found = []
    for signals in signals_of(summary):
        lines, legend = [], []
        for number, rails in enumerate(signals.rails):
            # A colour for each signal, a dashed line for its minus rail.
            for dash, name in enumerate(rails):
                if name is None:
                    continue
                values = np.concatenate([cube[k][thin, species.index(name)] for k in shown]).tolist()
                series = number % len(SERIES)
                lines.append(Line(time, values, series=series, dash=dash, marker=False, width=1.4))
                legend.append((name, series, bool(dash)))
        found.append(Course(signals, lines, legend, numbers, shown))
    return found


def _run(summary: xr.Dataset, index: int, condition: Condition) -> list[Run]:
    """Return the drawings of one run, none where no concentration of it was kept."""
    time = condition.running_time
    figures = []
    for one in courses_of(summary, index, time):
        title = one.signals.title
        drawing = draw_panel(panel_of(title, one.lines, one.numbers, one.shown, time))
        figures.append(FigureRow(title, [drawing], one.signals.note, legend=one.legend))
    if not figures:
        return []
    where = (
        titles.dataset_title(str(summary.attrs["dataset"])),
        str(summary.attrs.get("activation_label", "")),
        titles.level_name(condition.level),
        f"running time {condition.running_time:g}",
        f"replicate {int(summary['replicate'].values[index])}",
    )
    outcome = titles.outcome_name(str(outcome_names(summary)[index]))
    return [Run(f"{', '.join(where)} ({outcome})", figures)]


def panel_of(
    heading: str, lines: Sequence[Line], numbers: Sequence[int], shown: Sequence[int], length: float
) -> Panel:
    """Return a panel whose horizontal axis names the presentations and marks where some are left out."""
    ticks = [(place + 0.5) * length for place in range(len(shown))]
    names = [f"{numbers[k]}" for k in shown]
    gaps = [p for p in range(1, len(shown)) if numbers[shown[p]] != numbers[shown[p - 1]] + 1]
    return Panel(
        title=heading,
        lines=lines,
        x=Axis(f"presentation ({length:g} time units each)", ticks, names, (0.0, len(shown) * length)),
        y=Axis("concentration"),
        described=f"Concentrations over presentations {', '.join(names)}.",
        boundaries=[place * length for place in range(1, len(shown)) if place not in gaps],
        breaks=[place * length for place in gaps],
    )


def signals_of(summary: xr.Dataset) -> list[Signals]:
    """Return the species of recorded runs that are worth showing, as the result itself says.

    Parameters
    ----------
    summary : xarray.Dataset
        With a coordinate ``species``. Its attribute ``signals`` is a JSON list of objects with ``title``, ``note`` and
        ``species``, a list of pairs of a plus and a minus rail (or null) by their names in that coordinate.

    Returns
    -------
    list of Signals
        The first species under their own names where the result says nothing, or nothing that can be used: what it
        says is data from a file. At most `MOST_GROUPS` of `MOST_SIGNALS` signals each; longer texts are cut.
    """
    species = [str(name) for name in summary["species"].values.tolist()]
    try:
        told = json_value(summary.attrs.get("signals", "[]"))
        found = [_signals(group, set(species)) for group in told[:MOST_GROUPS]]
    except (ValueError, TypeError, KeyError):
        found = []
    plain = Signals("Species", "", tuple((name, None) for name in species[:MOST_SPECIES]))
    return [signals for signals in found if signals.rails] or [plain]


def _signals(group: dict[str, Any], known: set[str]) -> Signals:
    """Return one drawing that a result asks for."""
    rails = _rails(group["species"], known)[:MOST_SIGNALS]
    return Signals(_cut(group["title"], LONGEST_TITLE), _cut(group["note"], LONGEST_NOTE), rails)


def _cut(text: object, most: int) -> str:
    """Return a text as it can be drawn: in letters that show, and no longer than fits."""
    shown = "".join(c if c.isprintable() else " " for c in str(text)[: most + 1])
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"


def _rails(pairs: Sequence[Sequence[str | None]], known: set[str]) -> tuple[tuple[str, str | None], ...]:
    """Return the pairs whose species were recorded."""
    return tuple((plus, minus if minus in known else None) for plus, minus in pairs if plus in known)
