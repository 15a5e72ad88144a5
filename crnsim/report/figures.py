"""Drawings of the report: small SVG panels that take their colours and their font from the page."""

from __future__ import annotations

import io
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup, escape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.ticker import Locator

# Matplotlib draws in these stand-ins; each becomes a custom property of the page, in light, dark and print.
_PAGE_COLOURS = {
    "#0a0b0c": "var(--ink)",
    "#0a0b0d": "var(--muted)",
    "#0a0b0e": "var(--rule)",
    "#0a0b0f": "var(--card)",
    **{f"#0a0c{i:02x}": f"var(--series-{i})" for i in range(8)},
}
INK, MUTED, RULE, PAPER = list(_PAGE_COLOURS)[:4]
SERIES = list(_PAGE_COLOURS)[4:]
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)))
# Lightness falls evenly from 0 to 1, so the map also reads in grey and with any colour vision.
SCORE_RAMP = ("#f7efdc", "#d9dfc4", "#9fc7b4", "#5aa5a5", "#2f7c90", "#1f5575", "#17324d")
DIFFERENCE_RAMP = ("#8f3510", "#c8602f", "#e9b48f", "#f1ede4", "#9cc3de", "#3c83b8", "#124a78")
WIDE = 420.0

# Not wanted inside a page: metadata with addresses, a style for every element, names that would repeat.
_LEFT_OUT = [
    re.compile(pattern, re.DOTALL)
    for pattern in (
        r"<metadata>.*?</metadata>",
        r"<!--.*?-->",
        r"<style.*?</style>",
        r'(?<=<g) id="[^"]*"',
        r"\s*\n\s*(?=<)",
    )
]
_ATTRIBUTE = re.compile(r' (?:d|x|y|width|height|transform)="[^"]*"')
_LONG = re.compile(r"(\d\.\d\d)\d+")

_SETTINGS = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 12,
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlecolor": INK,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": RULE,
    "axes.linewidth": 1.0,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "text.color": INK,
    "xtick.color": RULE,
    "ytick.color": RULE,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "xtick.major.size": 3,
    "ytick.major.size": 0,
    "lines.linewidth": 1.8,
    "lines.markersize": 5.5,
    "path.simplify": True,
    "path.simplify_threshold": 0.3,
}


@dataclass(frozen=True)
class Line:
    """One series of a panel: centre, band, what colours it, a shift in page pixels, and the cells of its points."""

    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] = ()
    high: Sequence[float] = ()
    series: int = 0
    dash: int | None = None
    marker: bool = True
    width: float = 1.8
    shift: float = 0.0
    cells: Sequence[int] = ()


@dataclass(frozen=True)
class Axis:
    """What stands along an axis."""

    label: str
    ticks: Sequence[float] = ()
    names: Sequence[str] = ()
    limits: tuple[float, float] | None = None
    log: bool = False


@dataclass(frozen=True)
class Panel:
    """One small drawing with a heading of its own."""

    title: str
    lines: Sequence[Line]
    x: Axis
    y: Axis
    described: str
    height: float = 202.0
    width: float = 240.0
    boundaries: Sequence[float] = ()
    breaks: Sequence[float] = ()


@dataclass(frozen=True)
class MapAxes:
    """Names along the axes of a heat map, and what the axes are; the first row is drawn at the bottom."""

    columns: Sequence[str]
    rows: Sequence[str]
    column_label: str
    row_label: str


def draw_panel(panel: Panel) -> Markup:
    """Return a panel as inline SVG."""
    from matplotlib import rc_context

    with rc_context(_SETTINGS | {"svg.hashsalt": panel.title + panel.described}):
        figure, axes = _frame(panel.width, panel.height, left=40, right=14, top=44, bottom=42)
        axes.grid(axis="y", color=RULE, linewidth=0.8)
        axes.set_axisbelow(True)
        for place in panel.boundaries:
            axes.axvline(place, color=RULE, linewidth=0.8, zorder=0.5)
        for place in panel.breaks:
            axes.axvline(place, color=MUTED, linewidth=1.2, linestyle=(0, (2, 2)), zorder=0.6)
        for line in panel.lines:
            _draw_line(axes, line)
        _dress(axes, panel)
        return _svg(figure, panel.title, panel.described, _hits(axes, panel))


def _hits(axes: Axes, panel: Panel) -> list[str]:
    """Return what is pointed at: a disc over each point that stands for a cell."""
    found = []
    for line in panel.lines:
        for x, y, cell in zip(line.x, line.y, line.cells, strict=False):
            across, up = axes.transData.transform((x, y))
            found.append(
                f'<circle cx="{across + line.shift:.1f}" cy="{panel.height - up:.1f}" r="8" data-c="{cell}"/>'
            )
    return found


def _draw_line(axes: Axes, line: Line) -> None:
    from matplotlib.transforms import ScaledTranslation

    # From the ninth on, colours come again with hollow marks and another dash.
    again, place = divmod(line.series, len(SERIES))
    colour = SERIES[place]
    # Designs that agree would hide each other; a pixel or two apart both can be seen.
    moved = axes.transData + ScaledTranslation(line.shift / 72, 0, axes.figure.dpi_scale_trans)
    if len(line.low):
        axes.fill_between(line.x, line.low, line.high, color=colour, alpha=0.16, linewidth=0, transform=moved)
    style = DASHES[(line.series + again if line.dash is None else line.dash) % len(DASHES)]
    hollow = again % 2 == 1
    marker: dict[str, Any] = {
        "marker": MARKERS[place % len(MARKERS)],
        "markeredgecolor": colour if hollow else PAPER,
        "markeredgewidth": 1.3 if hollow else 0.8,
        "markerfacecolor": PAPER if hollow else colour,
    }
    axes.plot(
        line.x, line.y, color=colour, linestyle=style, linewidth=line.width, transform=moved,
        solid_capstyle="round", clip_on=not line.marker, **(marker if line.marker else {}),
    )  # fmt: skip
    # A moved line no longer counts for the limits by itself.
    for values in (line.y, line.low, line.high):
        if len(values):
            axes.update_datalim(np.column_stack([line.x, values]))
    axes.autoscale_view()


def _dress(axes: Axes, panel: Panel) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

    figure = axes.figure
    figure.text(
        6 / panel.width, 1 - 8 / panel.height, panel.title, va="top", fontsize=12.5, fontweight="bold"
    )
    figure.text(6 / panel.width, 1 - 26 / panel.height, panel.y.label, va="top", fontsize=12, color=MUTED)
    axes.set_xlabel(panel.x.label, labelpad=5)
    for axis, name in ((panel.x, "x"), (panel.y, "y")):
        along = getattr(axes, f"{name}axis")
        if axis.log:
            getattr(axes, f"set_{name}scale")("log")
        if len(axis.ticks):
            getattr(axes, f"set_{name}ticks")(axis.ticks, [*axis.names] or [f"{v:g}" for v in axis.ticks])
        else:
            # Within a decade or two a tick at each power of ten would be one tick, or none.
            along.set_major_locator(log_locator(axis.limits) if axis.log else MaxNLocator(5))
            along.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        along.set_minor_locator(NullLocator())
        if axis.limits:
            getattr(axes, f"set_{name}lim")(*axis.limits)


def log_locator(limits: tuple[float, float] | None) -> Locator:
    """Return what places the ticks of a logarithmic axis: at least two, as one alone tells no scale."""
    from matplotlib.ticker import LogLocator, MaxNLocator

    span = limits[1] / limits[0] if limits else math.inf
    if span < 5.0:
        return MaxNLocator(4)
    subs = (1.0, 2.0, 5.0) if span < 30.0 else (1.0, 3.0) if span < 300.0 else (1.0,)
    return LogLocator(subs=subs, numticks=5 + 3 * (len(subs) > 1))


def draw_map(
    title: str,
    values: np.ndarray,
    axes_of: MapAxes,
    *,
    cells: np.ndarray | None = None,
    described: str = "",
) -> Markup:
    """Return a heat map of scores as inline SVG.

    Parameters
    ----------
    title : str
        Heading of the panel.
    values : numpy.ndarray, shape (rows, columns)
        Scores from 0 to 1, on the scale that the report has for all; nan where there is no run.
    axes_of : MapAxes
        Names along the axes.
    cells : numpy.ndarray of int, shape (rows, columns), optional
        Number of each cell in the table ``cell``; below 0 where there is none.
    described : str
        Text for those who cannot see the map.
    """
    import seaborn
    from matplotlib import rc_context

    n_rows, n_columns = values.shape
    width = max(252.0, 62.0 + 31.0 * n_columns)
    height = 70.0 + min(40.0, max(25.0, 160.0 / n_rows)) * n_rows
    ramp = seaborn.blend_palette(SCORE_RAMP, as_cmap=True)
    with rc_context(_SETTINGS | {"svg.hashsalt": title + described}):
        left = 24.0 + 6.8 * max(len(name) for name in axes_of.rows)
        figure, axes = _frame(width, height, left=left, right=6, top=28, bottom=40)
        seaborn.heatmap(
            values, ax=axes, cmap=ramp, vmin=0.0, vmax=1.0, mask=~np.isfinite(values), cbar=False, linewidths=1.0,
            linecolor=PAPER, xticklabels=list(axes_of.columns), yticklabels=list(axes_of.rows),
        )  # fmt: skip
        axes.invert_yaxis()
        _write_numbers(axes, values, ramp)
        axes.tick_params(length=0, pad=4, rotation=0)
        axes.set_title(title, pad=8)
        axes.set_xlabel(axes_of.column_label, labelpad=4)
        axes.set_ylabel(axes_of.row_label, labelpad=6)
        across, down = (width - left - 6) / n_columns, (height - 68) / n_rows
        known = np.full(values.shape, -1) if cells is None else cells
        hits = [
            f'<rect x="{left + column * across:.1f}" y="{height - 40 - (row + 1) * down:.1f}" '
            f'width="{across:.1f}" height="{down:.1f}" data-c="{known[row, column]}"/>'
            for row, column in np.argwhere(known >= 0)
        ]
        return _svg(figure, title, described, hits)


def _write_numbers(axes: Axes, values: np.ndarray, ramp: Any) -> None:
    """Write the number of each cell in the ink that reads on its fill; a dash where there is none."""
    n_columns = values.shape[1]
    for (row, column), value in np.ndenumerate(values):
        missing = not math.isfinite(value)
        axes.text(
            column + 0.5,
            row + 0.49,
            "–" if missing else f"{value:.2f}",
            ha="center",
            va="center",
            color=MUTED if missing else "#10202c" if luminance(ramp(value)[:3]) > 0.21 else "#ffffff",
            fontsize=12 if n_columns <= 8 else 10,
        )


def luminance(colour: Sequence[float]) -> float:
    """Return the relative luminance of red, green and blue (WCAG 2); dark ink reads better above 0.21."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
    return float(np.dot((0.2126, 0.7152, 0.0722), linear))


def _frame(
    width: float, height: float, *, left: float, right: float, top: float, bottom: float
) -> tuple[Figure, Axes]:
    """Return a figure of so many page pixels with one pair of axes inside fixed margins."""
    from matplotlib.figure import Figure as NewFigure

    figure = NewFigure(figsize=(width / 72, height / 72), dpi=72)
    box = (left / width, bottom / height, (width - left - right) / width, (height - top - bottom) / height)
    axes = figure.add_axes(box)
    axes.spines[["top", "right", "left"]].set_visible(False)
    return figure, axes


def _svg(figure: Figure, title: str, described: str, hits: Sequence[str] = ()) -> Markup:
    """Return a figure as SVG in the colours and the font of the page, with a spoken description."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    stream = io.StringIO()
    FigureCanvasSVG(figure).print_svg(stream, metadata={"Date": None, "Creator": None})
    text = stream.getvalue()
    text = text[text.index("<svg") :]
    for pattern in _LEFT_OUT:
        text = pattern.sub("", text)
    text = text.replace("xlink:href", "href")
    text = re.sub(r"'DejaVu Sans'[^;\"]*", "var(--sans)", text)
    text = _ATTRIBUTE.sub(lambda found: _LONG.sub(r"\1", found[0]).replace("\n", " "), text)
    for stand_in, colour in _PAGE_COLOURS.items():
        text = text.replace(stand_in, colour)
    view = re.search(r'viewBox="([^"]*)"', text)
    box = view[1] if view else "0 0 1 1"
    width = float(box.split()[2])
    kind = "panel wide" if width > WIDE else "panel"
    opening = (
        f'<svg class="{kind}" role="img" viewBox="{box}" style="--w:{width:g}px" '
        f'aria-label="{escape(f"{title}. {described}")}">'
    )
    if hits:
        text = text.rstrip().removesuffix("</svg>") + f'<g class="hits">{"".join(hits)}</g></svg>'
    # Matplotlib escapes the text in a drawing, and the opening tag is escaped above.
    return Markup(re.sub(r"<svg[^>]*>", lambda _: opening, text, count=1).strip())  # noqa: S704


def drawing_of(
    draw: Callable[[Axes], object], size: tuple[float, float], title: str, described: str
) -> Markup:
    """Return what a function draws on axes as inline SVG; `size` is in inches."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure as NewFigure

    with rc_context(_SETTINGS | {"svg.hashsalt": title + described}):
        figure = NewFigure(figsize=size, dpi=72, layout="constrained")
        draw(figure.add_subplot())
        return _svg(figure, title, described)


def reach(ends: Iterable[float]) -> float:
    """Return how far interval plots must reach to each side, in one of a few steps, so that `ends` lie within."""
    largest = max((end for end in ends if not math.isnan(end)), default=1.0)
    return next((step for step in (0.1, 0.2, 0.5) if largest <= step + 1e-9), 1.0)
