"""Courses of the report: what a network of the user's own did over time, in the runs that were kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crnsim.metrics.designs import Condition, outcome_names, point_conditions
from crnsim.report import titles
from crnsim.report.figures import SERIES, Axis, Line, Panel, draw_panel
from crnsim.report.scores import FigureRow
from crnsim.report.trajectories import Run, Signals, signals_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import xarray as xr

#: Designs, inputs and runs of one condition that are drawn, at most.
MOST_DESIGNS, MOST_INPUTS, MOST_RUNS = 3, 4, 5
#: Times of a line, at most.
_MOST_TIMES = 101


def courses(summaries: Sequence[xr.Dataset]) -> list[Run]:
    """Return drawings of recorded runs: by design and level of noise, a drawing for each input."""
    runs: list[Run] = []
    recorded = [summary for summary in summaries if "trajectory" in summary]
    for summary in recorded[:MOST_DESIGNS]:
        keys = summary["recorded"].values.tolist()
        place_of = {key: place for place, key in enumerate(summary["point_key"].values.tolist())}
        conditions = point_conditions(summary)
        outcomes = outcome_names(summary)
        by_condition: dict[Condition, list[int]] = {}
        for slot, key in enumerate(keys):
            if key in place_of:
                by_condition.setdefault(conditions[place_of[key]], []).append(slot)
        for condition, every in sorted(by_condition.items(), key=_order):
            slots = every[: 1 if condition.level.kind == "none" else MOST_RUNS]
            ended = [str(outcomes[place_of[keys[slot]]]) for slot in slots]
            runs.append(_run(summary, condition, slots, ended))
    return runs


def _order(item: tuple[Condition, list[int]]) -> tuple[bool, str, float, float]:
    condition = item[0]
    strength = max(condition.level.magnitudes, default=0.0)
    return condition.level.kind != "none", condition.level.kind, condition.running_time, strength


def _run(summary: xr.Dataset, condition: Condition, slots: list[int], ended: list[str]) -> Run:
    cube = summary["trajectory"].values[slots].astype(float)
    fraction = summary["fraction"].values
    thin = np.unique(np.linspace(0, len(fraction) - 1, _MOST_TIMES).round().astype(int))
    inputs = summary["presentation"].values.tolist()
    signals = signals_of(summary)[0]
    names = [str(name) for name in summary["species"].values.tolist()]
    drawn = [names.index(name) for name, _ in signals.rails]
    highest = float(np.nanmax(np.nan_to_num(cube[:, :MOST_INPUTS][..., drawn]), initial=0.0)) or 1.0
    times = fraction[thin] * condition.running_time
    figures = [
        _drawing(summary, signals, cube[:, place][:, thin], times, number if len(inputs) > 1 else 0, highest)
        for place, number in enumerate(inputs[:MOST_INPUTS])
    ]
    design = str(summary.attrs.get("activation_label", ""))
    where = [
        titles.level_name(condition.level),
        f"running time {condition.running_time:g}",
        "1 run" if len(slots) == 1 else f"{len(slots)} replicates",
    ]
    bad = {titles.outcome_name(one) for one in ended if one != "ok"}
    note = f" ({', '.join(sorted(bad))})" if bad else ""
    return Run(f"{', '.join([design, *where] if design != 'network' else where)}{note}", figures)


def _drawing(
    summary: xr.Dataset, signals: Signals, cube: np.ndarray, times: np.ndarray, number: int, highest: float
) -> FigureRow:
    """One input: a colour for each species, a thin line for each replicate."""
    species = [str(name) for name in summary["species"].values.tolist()]
    lines, legend = [], []
    for place, (name, _) in enumerate(signals.rails):
        series, again = place % len(SERIES), place >= len(SERIES)
        width = 1.6 if len(cube) == 1 else 0.8
        lines += [
            Line(
                times.tolist(), run[:, species.index(name)].tolist(), series=series,
                dash=1 if again else 0, marker=False, width=width,
            )
            for run in cube
        ]  # fmt: skip
        legend.append((name, series, again))
    title = f"input {number}" if number else "concentrations"
    panel = Panel(
        title=title,
        lines=lines,
        x=Axis("time", limits=(0.0, float(times[-1]))),
        y=Axis("concentration", limits=(-0.02 * highest, 1.04 * highest)),
        described=f"Concentrations of {', '.join(name for name, _, _ in legend)} over time, {title}.",
    )
    return FigureRow(title, [draw_panel(panel)], "", legend=legend)
