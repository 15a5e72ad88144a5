"""The report's figures on Matplotlib axes: maps, curves, learning and trajectories of a sweep."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from crnsim import metrics
from crnsim.entrance.arguments import check_number, check_whole, shown
from crnsim.entrance.objects import check_instance
from crnsim.errors import InputError, suggest
from crnsim.metrics.designs import QUIET, Condition, Level, point_conditions
from crnsim.report import titles
from crnsim.report.curves import loss_line
from crnsim.report.figures import DASHES, SCORE_RAMP, Line, luminance
from crnsim.report.publication import COLOURS, course, draw_course, time_course
from crnsim.report.scores import MOST_TOGETHER, Scores
from crnsim.report.trajectories import Course, courses_of

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

#: Asks for curves over running time instead of a kind of noise.
RUNNING_TIME = "running_time"


class Plots:
    """Drawings of one sweep; each is made on axes that are given, or new ones, and returned.

    What is left out is taken as the report does: the first data set, the longest running time, no noise.
    """

    def __init__(self, summaries: Sequence[xr.Dataset], tables: xr.Dataset) -> None:
        self._summaries, self._tables = summaries, tables

    def __repr__(self) -> str:
        """Name the drawings."""
        return "<drawings of a sweep: map, curves, learning, trajectories>"

    def map(
        self,
        dataset: str | None = None,
        design: str | None = None,
        *,
        noise: str | None = None,
        ax: Axes | None = None,
    ) -> Axes:
        """Draw the mean score of a design over level of noise and running time.

        Parameters
        ----------
        dataset, design : str, optional
            The first one where left out.
        noise : str, optional
            Kind of noise; all of them side by side where left out.
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure where left out.

        Returns
        -------
        matplotlib.axes.Axes

        Raises
        ------
        InputError
            The sweep has no such data set, design or kind of noise.
        """
        from matplotlib.colors import LinearSegmentedColormap

        scores = self._scores(dataset)
        label = _one_of("design", design, scores.labels)
        kinds = scores.kinds if noise is None else [_one_of("noise", noise, scores.kinds)]
        levels = [QUIET, *(level for kind in kinds for level in scores.levels(kind) if level != QUIET)]
        known = scores.conditions[label]
        rows = [[known.get(Condition(time, level)) for level in levels] for time in scores.times]
        values = np.array([[row["score"] if row else np.nan for row in line] for line in rows])
        ax = _axes(ax, (1.6 + 0.75 * len(levels), 1.3 + 0.45 * len(scores.times)))
        ramp = LinearSegmentedColormap.from_list("score", SCORE_RAMP)
        image = ax.imshow(values, cmap=ramp, vmin=0.0, vmax=1.0, aspect="auto", origin="lower")
        for (row, column), value in np.ndenumerate(values):
            ink = "#10202c" if np.isnan(value) or luminance(ramp(value)[:3]) > 0.21 else "#ffffff"
            text = "–" if np.isnan(value) else f"{value:.2f}"
            ax.text(column, row, text, ha="center", va="center", color=ink, fontsize="small")
        names = [titles.level_name(level).replace(" ", "\n", 1) for level in levels]
        ax.set_xticks(range(len(levels)), names, fontsize="small")
        ax.set_yticks(range(len(scores.times)), [f"{time:g}" for time in scores.times])
        ax.tick_params(length=0)
        ax.set_ylabel("running time")
        ax.set_title(f"{titles.dataset_title(self._dataset(dataset))}, {label}", parse_math=False)
        ax.figure.colorbar(image, ax=ax, label="mean score")
        return ax

    def curves(
        self,
        dataset: str | None = None,
        *,
        noise: str | None = None,
        running_time: float | None = None,
        ax: Axes | None = None,
    ) -> Axes:
        """Draw the mean score of the designs against the magnitude of noise, or against running time.

        Parameters
        ----------
        dataset : str, optional
            The first one where left out.
        noise : str, optional
            Kind of noise, the first one where left out; or ``"running_time"``, for runs without noise.
        running_time : float, optional
            The longest where left out.
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure where left out.

        Returns
        -------
        matplotlib.axes.Axes
            Lines are means over replicates, bands 95 % intervals.

        Raises
        ------
        InputError
            The sweep has no such data set, kind of noise or running time.
        """
        scores = self._together(dataset)
        kind = _one_of("noise", noise, [*scores.kinds, RUNNING_TIME])
        time = _time(running_time, scores.times)
        panel = time_course(scores, QUIET) if kind == RUNNING_TIME else course(scores, kind, time)
        ax = _axes(ax, (4.6, 3.2))
        lines = draw_course(ax, scores, panel)
        ax.set_ylabel("mean score")
        ax.set_title(f"{titles.dataset_title(self._dataset(dataset))}, {panel.title}", parse_math=False)
        _legend(ax, lines, scores.labels)
        return ax

    def learning(
        self,
        dataset: str | None = None,
        *,
        level: str | None = None,
        running_time: float | None = None,
        ax: Axes | None = None,
    ) -> Axes:
        """Draw how the training loss falls: the median over replicates by epoch, with quartiles.

        Parameters
        ----------
        dataset : str, optional
            The first one where left out.
        level : str, optional
            Level of noise as in ``data.level``, such as ``"rates 0.05"``; no noise where left out.
        running_time : float, optional
            The longest where left out.
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure where left out.

        Returns
        -------
        matplotlib.axes.Axes

        Raises
        ------
        InputError
            The sweep has no such data set, level or running time, or nothing in it is trained.
        """
        from matplotlib.ticker import MaxNLocator

        scores = self._together(dataset)
        condition = self._condition(scores, level, running_time)
        drawn = {}
        for summary in self._of(dataset):
            label = str(summary.attrs["activation_label"])
            points = [n for n, one in enumerate(point_conditions(summary)) if one == condition]
            if label in scores.labels and "train_loss" in summary:
                for line in loss_line(summary, points, scores.labels.index(label)):
                    drawn[label] = line
        if not drawn:
            raise InputError("nothing was trained under this condition, so there is no loss to draw")
        ax = _axes(ax, (4.6, 3.2))
        lines = [_draw(ax, line) for line in drawn.values()]
        ax.set_yscale("log")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.set_xlabel("epoch")
        ax.set_ylabel("training loss")
        where = f"{titles.level_name(condition.level)}, running time {condition.running_time:g}"
        ax.set_title(f"{titles.dataset_title(self._dataset(dataset))}, {where}", parse_math=False)
        _legend(ax, lines, list(drawn))
        return ax

    def trajectories(
        self,
        dataset: str | None = None,
        design: str | None = None,
        *,
        level: str | None = None,
        running_time: float | None = None,
        replicate: int = 0,
        signals: str | None = None,
        ax: Axes | None = None,
    ) -> Axes:
        """Draw the concentrations of a recorded run over the first and the last presentations that were kept.

        Parameters
        ----------
        dataset, design : str, optional
            The first one where left out.
        level, running_time
            As for `learning`. Which runs are recorded the key ``trajectories`` of a sweep says.
        replicate : int
        signals : str, optional
            Which species, by the title of a drawing of the report, such as ``"Inputs"``; the outputs where left out.
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure where left out.

        Returns
        -------
        matplotlib.axes.Axes

        Raises
        ------
        InputError
            There is no such run, or it was not recorded.
        """
        scores = self._scores(dataset)
        label = _one_of("design", design, scores.labels)
        condition = self._condition(scores, level, running_time)
        number = check_whole("replicate", replicate, least=0)
        summary = next(one for one in self._of(dataset) if str(one.attrs["activation_label"]) == label)
        found = _recorded(summary, condition, number)
        titled = {one.signals.title: one for one in found}
        chosen = titled[
            _one_of("signals", signals, sorted(titled, key=lambda name: not name.startswith("Output")))
        ]
        ax = _axes(ax, (6.4, 3.2))
        time = condition.running_time
        for place in range(1, len(chosen.shown)):
            ahead = chosen.numbers[chosen.shown[place]] == chosen.numbers[chosen.shown[place - 1]] + 1
            ax.axvline(
                place * time, color="0.8" if ahead else "0.4", linestyle="-" if ahead else ":", linewidth=0.8
            )
        lines = [_draw(ax, line) for line in chosen.lines]
        ax.set_xticks(
            [(place + 0.5) * time for place in range(len(chosen.shown))],
            [f"{chosen.numbers[one]}" for one in chosen.shown],
        )
        ax.set_xlabel(f"presentation ({time:g} time units each)")
        ax.set_ylabel("concentration")
        ax.set_title(
            f"{chosen.signals.title}: {label}, {titles.level_name(condition.level)}", parse_math=False
        )
        _legend(ax, lines, [name for name, _, _ in chosen.legend])
        return ax

    # -- what is asked for ---------------------------------------------------------------------------

    def _dataset(self, dataset: str | None) -> str:
        return _one_of(
            "dataset", dataset, list(dict.fromkeys(str(s.attrs["dataset"]) for s in self._summaries))
        )

    def _of(self, dataset: str | None) -> list[xr.Dataset]:
        name = self._dataset(dataset)
        return [summary for summary in self._summaries if str(summary.attrs["dataset"]) == name]

    def _scores(self, dataset: str | None) -> Scores:
        """Scores of a data set."""
        labels = list(dict.fromkeys(str(s.attrs["activation_label"]) for s in self._summaries))
        cells = metrics.table_rows(self._tables, "cell")
        return Scores.of(self._dataset(dataset), cells, [], labels)

    def _together(self, dataset: str | None) -> Scores:
        """Scores of the designs that are drawn together: of many those with a role, or the first."""
        scores = self._scores(dataset)
        return scores if len(scores.labels) <= MOST_TOGETHER else scores.parts()[0][1]

    def _condition(self, scores: Scores, level: str | None, running_time: float | None) -> Condition:
        levels: dict[str, Level] = {titles.level_name(one.level): one.level for one in scores.swept}
        first = titles.level_name(QUIET)
        names = [first, *sorted(levels.keys() - {first})]
        return Condition(_time(running_time, scores.times), levels[_one_of("level", level, names)])


def _recorded(summary: xr.Dataset, condition: Condition, replicate: int) -> list[Course]:
    """Return the signals of a run that keeps its trajectory."""
    there = summary["recorded"].values.tolist() if "recorded" in summary.coords else []
    keys, numbers = summary["point_key"].values.tolist(), summary["replicate"].values.tolist()
    for index, found in enumerate(point_conditions(summary)):
        wanted = found == condition and numbers[index] == replicate and keys[index] in there
        if wanted and (courses := courses_of(summary, index, condition.running_time)):
            return courses
    raise InputError(
        f"no trajectory of replicate {replicate} at running time {condition.running_time:g} and "
        f"{titles.level_name(condition.level)} was kept; the key 'trajectories' of a sweep says which are"
    )


def _one_of(what: str, given: object, known: Sequence[str]) -> str:
    """Return a name that is known; the first where it is left out."""
    if given is None:
        return known[0]
    if not isinstance(given, str):
        raise InputError(f"{what} is {shown(given)}; give one of {', '.join(known)}")
    if given not in known:
        raise InputError(f"{what} is {shown(given)}; {suggest(given, known)}")
    return given


def _time(given: float | None, times: Sequence[float]) -> float:
    if given is None:
        return times[-1]
    asked = check_number("running_time", given)
    for time in times:
        if abs(time - asked) <= 1e-9 * time:
            return time
    raise InputError(f"running_time is {asked:g}; the sweep has {', '.join(f'{time:g}' for time in times)}")


def _axes(ax: object, size: tuple[float, float]) -> Axes:
    """Return axes to draw on: those given, or those of a new figure."""
    from matplotlib.axes import Axes as MatplotlibAxes

    if ax is not None:
        if getattr(ax, "name", "rectilinear") != "rectilinear":
            raise InputError(f"ax is {shown(ax)}; give plain Matplotlib axes, or leave it out")
        return check_instance("ax", ax, MatplotlibAxes, "Matplotlib axes, or leave it out")
    from matplotlib import pyplot

    made: Axes = pyplot.subplots(figsize=size, layout="constrained")[1]
    return made


def _draw(ax: Axes, line: Line) -> Any:
    """Draw one line with its band in colours that can be told apart with any colour vision."""
    colour = COLOURS[line.series % len(COLOURS)]
    if len(line.low):
        ax.fill_between(line.x, line.low, line.high, color=colour, alpha=0.16, linewidth=0)
    style = DASHES[(line.series if line.dash is None else line.dash) % len(DASHES)]
    return ax.plot(line.x, line.y, color=colour, linestyle=style, linewidth=line.width)[0]


def _legend(ax: Axes, lines: Iterable[Any], names: Iterable[str]) -> None:
    legend = ax.legend(list(lines), list(names), frameon=False, fontsize="small")
    for text in legend.get_texts():
        text.set_parse_math(False)
