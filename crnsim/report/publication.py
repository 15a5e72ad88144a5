"""Figures for a paper: the scores of each data set as PDF and SVG, with a caption as text beside them."""

from __future__ import annotations

import textwrap
import warnings
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crnsim import __version__, metrics, wording
from crnsim.errors import InputError
from crnsim.metrics.designs import QUIET, Condition, Level
from crnsim.metrics.looks import confidence, looked
from crnsim.outcomes import OK, OUTCOMES
from crnsim.report import coverage, method, titles
from crnsim.report.curves import ticks_apart
from crnsim.report.figures import DASHES, MARKERS
from crnsim.report.scores import MOST_TOGETHER, Scores

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from crnsim.report.coverage import GroupData
    from crnsim.sweep.plan.plan_file import PlanFile

SUFFIXES = (".pdf", ".svg", ".txt")
#: Millimetres: two columns of a journal, one column, and a row of panels.
TWO_COLUMNS, ONE_COLUMN, ROW = 178.0, 86.0, 52.0
MOST_IN_ROW = 4
#: Colours that can be told apart with any colour vision, M. Okabe and K. Ito, https://jfly.uni-koeln.de/color/ (2008).
COLOURS = ("#0072B2", "#D55E00", "#000000", "#009E73", "#CC79A7", "#E69F00")
_SETTINGS: dict[str, Any] = {
    "pdf.fonttype": 42,
    "svg.fonttype": "none",
    "text.parse_math": False,
    # It comes with matplotlib: the same bytes on every machine.
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 7,
    "axes.titlesize": 7,
    "axes.labelsize": 7,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "lines.linewidth": 1.2,
    "lines.markersize": 3.5,
}


@dataclass(frozen=True)
class Course:
    """One panel: scores along the magnitude of a kind of noise, or along running time.

    Attributes
    ----------
    title : str
        What all of it has in common.
    axis : str
        What stands along it.
    places : tuple of (float, Condition)
        Where on the axis each condition is.
    ticks, names : tuple
        Of the axis.
    """

    title: str
    axis: str
    places: tuple[tuple[float, Condition], ...]
    ticks: tuple[float, ...]
    names: tuple[str, ...]


def figure_files(plan: PlanFile, folder: str | Path) -> list[Path]:
    """Return the files that `write_figures` may write to a folder: three for each data set."""
    datasets = dict.fromkeys(group.dataset for group in plan.groups)
    return [Path(folder, f"{plan.sweep}-{name}{suffix}") for name in datasets for suffix in SUFFIXES]


def write_figures(
    plan: PlanFile, summaries: Sequence[xr.Dataset], robustness: xr.Dataset, folder: str | Path
) -> list[Path]:
    """Write a figure for each data set of a sweep as PDF and SVG, with its caption as text.

    Parameters
    ----------
    plan : PlanFile
        The sweep's plan (``plan.json``).
    summaries : sequence of xarray.Dataset
        Its merged summaries.
    robustness : xarray.Dataset
        What `crnsim.sweep.run.metrics.summarise_sweep` makes of them.
    folder : str or Path
        Made where it is not there. Files are called ``<sweep>-<data set>`` and replace those of these names.

    Returns
    -------
    list of Path
        What was written; equal arguments give equal bytes.

    Raises
    ------
    InputError
        No data set has noise or several running times.
    StorageError
        A file cannot be written.
    """
    from crnsim.store.files import replacing, write_text

    groups = coverage.gather(plan, summaries)
    written = []
    for dataset in dict.fromkeys(group.entry.dataset for group in groups):
        shown = shown_scores(plan, robustness, dataset)
        found = courses(shown)
        if not found:
            continue
        stem = Path(folder, f"{plan.sweep}-{dataset}")
        figure = main_figure(shown, found)
        for suffix in SUFFIXES[:2]:
            with replacing(f"{stem}{suffix}") as temporary:
                _save(figure, temporary, suffix[1:], stem.name)
        write_text(f"{stem}{SUFFIXES[2]}", caption(plan, robustness, groups, shown, found))
        written += [Path(f"{stem}{suffix}") for suffix in SUFFIXES]
    if not written:
        raise InputError(
            f"the sweep {plan.sweep} has nothing to draw: no data set with runs under noise, or at two running times"
        )
    return written


def shown_scores(plan: PlanFile, robustness: xr.Dataset, dataset: str) -> Scores:
    """Return the scores of a data set for at most six designs, those with a role first."""
    cells = metrics.table_rows(robustness, "cell")
    labels = list(dict.fromkeys(group.label for group in plan.groups))
    scores = Scores.of(dataset, cells, [], labels)
    roles = {row["activation"]: row["role"] for row in cells if row["dataset"] == dataset}
    chosen = sorted(scores.labels, key=lambda label: not roles[label])[:MOST_TOGETHER]
    return replace(scores, labels=[label for label in scores.labels if label in chosen])


def courses(scores: Scores) -> list[Course]:
    """Return the panels of a data set: one for each kind of noise at the longest running time, one for running time."""
    if not scores.times:
        return []
    found = [course(scores, kind, scores.times[-1]) for kind in scores.kinds]
    found.append(time_course(scores, QUIET))
    return [one for one in found if len(one.places) > 1]


def course(scores: Scores, kind: str, time: float) -> Course:
    """Return the panel of one kind of noise at a running time."""
    places = tuple((level.magnitude, Condition(time, level)) for level in scores.levels(kind))
    places = tuple(place for place in places if _is_known(scores, place[1]))
    ticks = tuple(ticks_apart([magnitude for magnitude, _ in places])) if places else ()
    names = tuple(titles.magnitude_name(kind, tick) if tick else "0" for tick in ticks)
    return Course(f"running time {time:g}", f"magnitude of {titles.stress_name(kind)}", places, ticks, names)


def time_course(scores: Scores, level: Level) -> Course:
    """Return the panel of running time at a level of noise."""
    times = [time for time in scores.times if _is_known(scores, Condition(time, level))]
    ticks = tuple(ticks_apart(times)) if times else ()
    places = tuple((time, Condition(time, level)) for time in times)
    return Course(
        titles.level_name(level), "running time", places, ticks, tuple(f"{tick:g}" for tick in ticks)
    )


def _is_known(scores: Scores, condition: Condition) -> bool:
    return any(condition in scores.conditions[label] for label in scores.labels)


def main_figure(scores: Scores, panels: Sequence[Course]) -> Figure:
    """Return the figure of a data set: its panels, up to four in a row, below a legend of the designs.

    Parameters
    ----------
    scores : Scores
        Of the designs to draw; see `shown_scores`.
    panels : sequence of Course
        At least one.

    Returns
    -------
    matplotlib.figure.Figure
        178 mm wide, 86 mm for a single panel. Lines are means, bands their intervals, as the table ``cell`` has them.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure as NewFigure

    columns = min(len(panels), MOST_IN_ROW)
    rows = -(-len(panels) // columns)
    width = TWO_COLUMNS if len(panels) > 1 else ONE_COLUMN
    legend_rows = -(-len(scores.labels) // _in_legend_row(width))
    height = rows * ROW + 5.0 * legend_rows
    with rc_context(_SETTINGS):
        figure = NewFigure(figsize=(width / 25.4, height / 25.4), dpi=72, layout="constrained")
        for number, panel in enumerate(panels):
            axes = figure.add_subplot(rows, columns, number + 1)
            lines = draw_course(axes, scores, panel)
            axes.set_title(panel.title)
            if len(panels) > 1:
                axes.set_title(_letter(number), loc="left", fontweight="bold")
            if number % columns == 0:
                axes.set_ylabel("mean score")
            else:
                axes.tick_params(labelleft=False)
        figure.legend(
            lines, scores.labels, loc="outside upper left", ncols=_in_legend_row(width), frameon=False,
            handlelength=3.2, borderaxespad=0.0,
        )  # fmt: skip
    return figure


def _in_legend_row(width: float) -> int:
    return MOST_TOGETHER if width > ONE_COLUMN else 3


def _letter(number: int) -> str:
    return chr(ord("a") + number)


def draw_course(axes: Axes, scores: Scores, panel: Course) -> list[Any]:
    """Draw the designs of a panel, and return their lines for the legend."""
    from matplotlib.transforms import ScaledTranslation

    lines = []
    for place, label in enumerate(scores.labels):
        rows = [(x, row) for x, c in panel.places if (row := scores.conditions[label].get(c))]
        x = [at for at, _ in rows]
        mean, low, high = ([row[name] for _, row in rows] for name in ("score", "score_low", "score_high"))
        # Designs that agree would hide each other; a point apart both can be seen.
        shift = 1.0 * (place - (len(scores.labels) - 1) / 2)
        moved = axes.transData + ScaledTranslation(shift / 72, 0, axes.figure.dpi_scale_trans)
        colour = COLOURS[place]
        axes.fill_between(x, low, high, facecolor=colour, alpha=0.1, linewidth=0, transform=moved)
        for end in (low, high):
            axes.plot(x, end, color=colour, linewidth=0.3, alpha=0.6, transform=moved, clip_on=False)
        lines += axes.plot(
            x, mean, color=colour, linestyle=DASHES[place % len(DASHES)], marker=MARKERS[place], clip_on=False,
            markeredgecolor="white", markeredgewidth=0.4, transform=moved,
        )  # fmt: skip
    # A moved line does not count for the limits by itself.
    every = [x for x, _ in panel.places]
    axes.update_datalim([(min(every), 0.0), (max(every), 1.0)])
    axes.autoscale_view()
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_ylim(-0.02, 1.02)
    axes.set_yticks([0.0, 0.25, 0.5, 0.75, 1.0], ["0", "", "0.5", "", "1"])
    axes.set_xticks(panel.ticks, panel.names)
    axes.set_xlabel(panel.axis)
    return lines


def _save(figure: Figure, path: Path, kind: str, name: str) -> None:
    """Write a figure as PDF or SVG without the time at which that was."""
    from matplotlib import rc_context

    creator = f"crnsim {__version__}"
    about = {"Date": None} if kind == "svg" else {"CreationDate": None, "Producer": None}
    with rc_context(_SETTINGS | {"svg.hashsalt": name}), warnings.catch_warnings():
        # A label may have letters that DejaVu Sans lacks: a box stands for them in the PDF, and they are in the SVG.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(path, format=kind, metadata={"Title": name, "Creator": creator, **about})


def caption(
    plan: PlanFile,
    robustness: xr.Dataset,
    groups: Sequence[GroupData],
    scores: Scores,
    panels: Sequence[Course],
) -> str:
    """Return what stands below the figure of a data set: what is shown, of how many runs, and where it comes from."""
    mine = [group for group in groups if group.entry.dataset == _dataset_of(scores)]
    rows = [
        scores.conditions[label][condition]
        for label in scores.labels
        for condition in dict.fromkeys(c for panel in panels for _, c in panel.places)
        if condition in scores.conditions[label]
    ]
    share = 100 * float(robustness.attrs.get("confidence", metrics.CONFIDENCE))
    sentences = [
        f"{titles.dataset_title(_dataset_of(scores))}. {_shown(panels)}.",
        f"Designs: {'; '.join(_designs(mine, scores))}.",
        f"Lines: mean score, {_score_is(plan)}.",
        f"Bands: {share:g} % intervals of the mean by Gaffke's method, over {_replicates(rows)}.",
        *_drawn(plan, _dataset_of(scores)),
        *_without_interval(plan, rows),
        *_ended(rows),
        *_missing(mine),
        f"Sweep {plan.sweep}; crnsim {_versions(mine)}.",
    ]
    return textwrap.fill(" ".join(" ".join(sentences).split()), 100, break_long_words=False) + "\n"


def _dataset_of(scores: Scores) -> str:
    return str(next(row["dataset"] for found in scores.conditions.values() for row in found.values()))


def _drawn(plan: PlanFile, dataset: str) -> Iterator[str]:
    """Say when rate constants are drawn, and how intervals are made where a sweep was looked at more than once."""
    if drawn := titles.rates_drawn(plan.config, dataset):
        yield f"Noise on rate constants: {drawn.removeprefix('that ')}."
    if plan.n_looks > 1:
        with looked(plan.n_looks):
            yield f"Each interval is made at {100 * confidence():.4g} %, to hold for all {plan.n_looks} looks."


def _shown(panels: Sequence[Course]) -> str:
    """Say what the panels show."""
    said = []
    for number, panel in enumerate(panels):
        letter = f"({_letter(number)}) " if len(panels) > 1 else ""
        time = panel.places[-1][1].running_time
        quiet = panel.axis == "running time"
        said.append(f"{letter}the {panel.axis}, {'without noise' if quiet else f'at running time {time:g}'}")
    return f"Score against {wording.listing(said)}"


def _designs(groups: Sequence[GroupData], scores: Scores) -> Iterator[str]:
    there = [group for group in groups if group.entry.label in scores.conditions]
    for group in there:
        if (label := group.entry.label) in scores.labels:
            text = ", ".join(filter(None, (group.entry.role, method.design_text([group], label))))
            yield f"{label} ({text})" if text else label
    if left_out := len(there) - len(scores.labels):
        yield f"{left_out} more, without a role or later in the sweep file, are not shown"


def _score_is(plan: PlanFile) -> str:
    if plan.config.get("network"):
        return "the share of inputs and observables that are right in a replicate"
    return "0 at chance or below, 1 at best"


def _replicates(rows: Sequence[dict[str, Any]]) -> str:
    counts = sorted({int(row["replicates"]) for row in rows})
    few = f"n = {counts[0]}" if len(counts) == 1 else f"n = {counts[0]} to {counts[-1]}"
    return f"{few} replicates a point"


def _without_interval(plan: PlanFile, rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    quiet = [row for row in rows if row["noise_kind"] == QUIET.kind]
    if plan.config.get("network") and quiet and all(row["score_low"] == row["score_high"] for row in quiet):
        yield "Without noise all replicates are one run, which has no interval."


def _ended(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Say how many of the runs that are shown did not end ok."""
    runs = sum(int(row["replicates"]) for row in rows)
    counts: Counter[str] = Counter()
    for row in rows:
        counts.update(
            {
                name: round(row[f"share_{name}"] * row["replicates"])
                for name in OUTCOMES
                if name != OUTCOMES[OK]
            }
        )
    failed = [f"{count} {titles.outcome_name(name)}" for name, count in counts.items() if count]
    if failed:
        how = ", ".join(failed)
        yield f"{counts.total():,} of the {runs:,} runs shown did not end ok ({how}); each counts as score 0."
    else:
        yield f"All {runs:,} runs shown ended ok."


def _missing(groups: Sequence[GroupData]) -> Iterator[str]:
    totals = coverage.coverage_totals(groups)
    present, expected = (sum(row[name] for row in totals) for name in ("present", "expected"))
    if present < expected:
        yield f"Preliminary: {present:,} of {wording.plural(expected, 'planned run')} of this data set are present."


def _versions(groups: Sequence[GroupData]) -> str:
    there = [group.summary.attrs for group in groups if group.summary is not None]
    versions, hashes = (sorted({str(a[n]) for a in there if n in a}) for n in ("code_version", "code_hash"))
    return f"{', '.join(versions) or __version__}{f', code {hashes[0]}' if len(hashes) == 1 else ''}"
