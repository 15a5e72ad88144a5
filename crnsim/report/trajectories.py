"""Trajectories of the report: named species of a recorded run over the presentations that were kept."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from crnsim.report import titles
from crnsim.report.figures import SERIES, Axis, Line, Panel, draw_panel
from crnsim.report.scores import FigureRow
from crnsim.robustness.designs import Condition, outcome_names, point_conditions

if TYPE_CHECKING:
    from collections.abc import Sequence

    import xarray as xr

_SPECIES = re.compile(r"(?P<array>[A-Za-z]+?)(?P<layer>\d*)(?P<rail>[pm+-]?)(?P<index>\[[\d,]*\])?$")
MOST_PRESENTATIONS = 8
MOST_TIMES = 48
WHAT_TO_SEE = {
    "Inputs": "Set at the start of each presentation; p and m are the plus and the minus rail.",
    "Output and target": "The output is plus rail minus minus rail; once learned, it settles at the target.",
    "Error": "Plus rail minus minus rail; the closer the two, the smaller the error.",
    "Weights of the last layer": "They change slowly; both rails growing is the common mode.",
}


@dataclass(frozen=True)
class Run:
    """One recorded run: a drawing per kind of species."""

    heading: str
    parts: list[FigureRow]


def trajectories(summaries: Sequence[xr.Dataset]) -> list[Run]:
    """Return named species over time for two recorded runs of one design: a quiet one and the noisiest."""
    recorded = [summary for summary in summaries if "trajectory" in summary]
    for summary in sorted(recorded, key=lambda summary: summary.attrs.get("role") != "smooth"):
        keys = summary["point_key"].values.tolist()
        conditions = point_conditions(summary)
        kept = [keys.index(key) for key in summary["recorded"].values.tolist() if key in keys]
        kept.sort(key=lambda index: (max(conditions[index].level[1:]), -conditions[index].running_time))
        runs = [
            run
            for index in dict.fromkeys((*kept[:1], *kept[-1:]))
            for run in _run(summary, index, conditions[index])
        ]
        if runs:
            return runs
    return []


def _run(summary: xr.Dataset, index: int, condition: Condition) -> list[Run]:
    """Return the drawings of one run, none where no concentration of it was kept."""
    place = summary["recorded"].values.tolist().index(summary["point_key"].values[index])
    cube = summary["trajectory"].values[place].astype(float)
    numbers = summary["presentation"].values.tolist()
    alive = [k for k in range(len(numbers)) if np.isfinite(cube[k]).any()]
    half = MOST_PRESENTATIONS // 2
    shown = [*alive[:half], *alive[half:][-half:]]
    if not shown:
        return []
    fraction = summary["fraction"].values
    thin = np.unique(np.linspace(0, len(fraction) - 1, MOST_TIMES).round().astype(int))
    time = np.concatenate(
        [(place + fraction[thin]) * condition.running_time for place in range(len(shown))]
    ).tolist()
    species = [str(name) for name in summary["species"].values.tolist()]
    groups = []
    for heading, names in named_species(species):
        lines = []
        for name in names:
            values = np.concatenate([cube[k][thin, species.index(name)] for k in shown]).tolist()
            series, dash = _colour(names, name)
            lines.append(Line(time, values, series=series, dash=dash, marker=False, width=1.4))
        drawing = draw_panel(_panel(heading, lines, numbers, shown, condition.running_time))
        legend = [(name, series, bool(dash)) for name in names for series, dash in [_colour(names, name)]]
        groups.append(FigureRow(heading, [drawing], WHAT_TO_SEE.get(heading, ""), legend=legend))
    where = (
        titles.dataset_title(str(summary.attrs["dataset"])),
        str(summary.attrs.get("activation_label", "")),
        titles.level_name(condition.level),
        f"running time {condition.running_time:g}",
        f"replicate {int(summary['replicate'].values[index])}",
    )
    outcome = titles.outcome_name(str(outcome_names(summary)[index]))
    return [Run(f"{', '.join(where)} ({outcome})", groups)]


def _panel(
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


def _colour(names: Sequence[str], name: str) -> tuple[int, int]:
    """Return colour (by signal) and dash (by rail) of a species."""
    signals = list(dict.fromkeys(_signal(n) for n in names))
    match = _SPECIES.match(name)
    return signals.index(_signal(name)) % len(SERIES), 1 if match and match["rail"] in ("m", "-") else 0


def _signal(name: str) -> str:
    match = _SPECIES.match(name)
    return f"{match['array']}{match['layer']}{match['index']}" if match else name


def named_species(species: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Choose inputs, output and target, error and some weights among the species of a pot.

    Parameters
    ----------
    species : sequence of str
        Names such as ``X0p[1]``, ``Z2m[0]``, ``Ep[0]``, ``W2p[0,3]``.

    Returns
    -------
    list of (heading, names)
        The first eight species where none of these names is known.
    """
    parsed = [(name, match) for name in species if (match := _SPECIES.match(name))]
    layers: dict[str, list[int]] = {}
    for _, match in parsed:
        layers.setdefault(match["array"], []).append(int(match["layer"] or 0))

    def pick(array: str, layer: int | None, signals: int) -> list[str]:
        found = [n for n, m in parsed if m["array"] == array and layer in (None, int(m["layer"] or 0))]
        kept = list(dict.fromkeys(_signal(name) for name in found))[:signals]
        return [name for signal in kept for name in found if _signal(name) == signal]

    last = max(layers.get("Z", [0]))
    chosen = [
        ("Inputs", pick("X", 0, 4)),
        ("Output and target", [*pick("Z", last, 1), *pick("T", None, 1)]),
        ("Error", pick("E", None, 2)),
        ("Weights of the last layer", pick("W", max(layers.get("W", [0])), 3)),
    ]
    found = [(heading, names) for heading, names in chosen if names]
    return found or [("Species", list(species)[:8])]
