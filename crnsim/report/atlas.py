"""The first figure of a data set: scores by noise, running time and design, and where half of them is lost."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from crnsim import wording
from crnsim.metrics.designs import QUIET, Condition
from crnsim.metrics.tables import SHARE_OK
from crnsim.report import titles
from crnsim.report.figures import DIFFERENCE_RAMP, SCORE_RAMP, luminance
from crnsim.report.headline import KEPT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from crnsim.report.scores import Scores

#: Part of the noise-free score below which it counts as lost; that of a critical magnitude.
_LOST = 0.5
_LABELS, _TIMES, _GAP, _RIGHT = 112.0, 62.0, 10.0, 8.0
_WIDTH, _NARROWEST = 1000.0, 880.0
#: Widest and narrowest column, highest and lowest row, in page pixels.
_COLUMN, _ROW = (92.0, 13.0), (26.0, 9.0)
#: Smallest cell that holds a number.
_WRITTEN = (31.0, 13.5)
_TOP, _BELOW, _BETWEEN = 46.0, 62.0, 9.0
_INK, _PALE = "#10202c", "#ffffff"


@dataclass(frozen=True)
class Block:
    """One row of maps: a design or a pair, the table row of each condition, and the score that losses count from."""

    label: str
    note: str
    rows: dict[Condition, dict[str, Any]]
    reference: float = math.nan


@dataclass
class _Sheet:
    """A drawing as it grows, in page pixels; of each column the kind of noise, its level and where it begins."""

    columns: list[tuple[str, Any, float]] = field(default_factory=list)
    width: float = 0.0
    column: float = 0.0
    row: float = 0.0
    parts: list[str] = field(default_factory=list)

    def text(self, x: float, y: float, words: str, style: str, anchor: str = "start", **more: str) -> None:
        """Write words in a class of the style sheet."""
        given = {"class": style, "text-anchor": anchor} | more
        extra = "".join(f' {n}="{escape(value)}"' for n, value in given.items() if value != "start")
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}"{extra}>{escape(words)}</text>')


def atlas(scores: Scores) -> Markup:
    """Return the scores of every design by noise and running time as one inline SVG.

    Each design has a row for each running time; each kind of noise a column for each magnitude, after the one
    without noise. A thin line bounds the cells that keep 95 % of the design's noise-free score at the longest running
    time, a thick one those that lose half of it. Every cell carries in ``data-c`` the number of its row in the table
    ``cell``.
    """
    longest = Condition(max(scores.times, default=math.nan), QUIET)
    blocks = []
    for label in scores.labels:
        rows = scores.conditions[label]
        role = next(iter(rows.values()))["role"]
        reference = rows[longest]["score"] if longest in rows else math.nan
        blocks.append(Block(label, role if role != label else "", rows, reference))
    return _drawn(scores, blocks, difference=False)


def difference_atlas(scores: Scores) -> Markup:
    """Return the paired differences of scores in the same layout; bold where the 95 % interval leaves 0 out.

    Every cell carries in ``data-p`` the number of its row in the table ``paired``.
    """
    from crnsim.report.scores import condition_of

    blocks = []
    for smooth, other in dict.fromkeys((row["activation"], row["compared_with"]) for row in scores.pairs):
        mine = [r for r in scores.pairs if (r["activation"], r["compared_with"]) == (smooth, other)]
        blocks.append(Block(f"{smooth} {wording.MINUS}", other, {condition_of(r): r for r in mine}))
    return _drawn(scores, blocks, difference=True) if blocks else Markup("")


def _drawn(scores: Scores, blocks: Sequence[Block], *, difference: bool) -> Markup:
    times = scores.times[::-1]  # the longest on top
    sheet = _laid_out(scores, len(blocks) * len(times))
    _headings(sheet)
    top, fills = _TOP, _fill(difference)
    for block in blocks:
        sheet.text(0, top + 14, _cut(block.label), "name")
        if block.note:
            sheet.text(0, top + 29, _cut(block.note), "note")
        for place, time in enumerate(times):
            y = top + place * sheet.row
            if sheet.row >= 12.0 or place in (0, len(times) - 1):
                words = f"{'time ' if place == 0 else ''}{time:g}"
                sheet.text(_LABELS + _TIMES - 8, y + sheet.row / 2 + 4, words, "tick", "end")
            for _, level, x in sheet.columns:
                _cell(sheet, block.rows.get(Condition(time, level)), (x, y), fills, difference=difference)
        if not difference:
            _borders(sheet, block, times, top)
        top += len(times) * sheet.row + _BETWEEN
    _magnitudes(sheet, top - _BETWEEN)
    _legend(sheet, top + 34, fills, difference=difference)
    described = _described(scores, blocks, difference=difference)
    return Markup(  # noqa: S704 - every text in it is escaped above
        f'<svg class="panel atlas" role="img" viewBox="0 0 {sheet.width:.0f} {top + _BELOW - _BETWEEN:.0f}" '
        f'style="--w:{sheet.width:.0f}px" aria-label="{escape(described)}">{"".join(sheet.parts)}</svg>'
    )


def _laid_out(scores: Scores, n_rows: int) -> _Sheet:
    """Place the columns: the one without noise, then those of each kind after a gap."""
    kinds = [(kind, [level for level in scores.levels(kind) if level != QUIET]) for kind in scores.kinds]
    number = 1 + sum(len(levels) for _, levels in kinds)
    free = _WIDTH - _LABELS - _TIMES - _RIGHT - _GAP * len(kinds)
    sheet = _Sheet(column=min(_COLUMN[0], max(_COLUMN[1], free / number)))
    sheet.row = min(_ROW[0], max(_ROW[1], 420.0 / max(n_rows, 1)))
    x = _LABELS + _TIMES
    sheet.columns.append(("none", QUIET, x))
    for kind, levels in kinds:
        x += _GAP
        for level in levels:
            x += sheet.column
            sheet.columns.append((kind, level, x))
    sheet.width = max(x + sheet.column + _RIGHT, _NARROWEST)
    return sheet


def _headings(sheet: _Sheet) -> None:
    """Write the kinds of noise above their columns."""
    for kind in dict.fromkeys(kind for kind, _, _ in sheet.columns):
        own = [x for k, _, x in sheet.columns if k == kind]
        name = "no noise" if kind == "none" else titles.stress_name(kind)
        if kind == "none":
            sheet.text(own[0] + sheet.column, 34, name, "kind", "end")
            continue
        room = int((own[-1] + sheet.column - own[0] + _GAP) / 6.6)
        sheet.text(own[0], 34 if len(name) <= room else 18, name, "kind")
        sheet.parts.append(
            f'<path d="M{own[0]:.1f} 40H{own[-1] + sheet.column:.1f}" stroke="var(--rule)" fill="none"/>'
        )


def _magnitudes(sheet: _Sheet, y: float) -> None:
    """Write the magnitudes under their columns, as many as there is room for."""
    last = -math.inf
    for kind, level, x in sheet.columns:
        name = "0" if level == QUIET else titles.magnitude_name(kind, level.magnitude)
        half, middle = 3.6 * len(name), x + sheet.column / 2
        if middle - half > last + 5.0:
            sheet.text(middle, y + 16, name, "tick", "middle")
            last = middle + half


def _fill(difference: bool) -> Callable[[float], tuple[str, str]]:
    """Return the colour of a value, and that of a number on it."""
    import seaborn
    from matplotlib.colors import to_hex

    ramp = seaborn.blend_palette(DIFFERENCE_RAMP if difference else SCORE_RAMP, as_cmap=True)

    def colours(value: float) -> tuple[str, str]:
        rgb = ramp((value + 1) / 2 if difference else value)[:3]
        return to_hex(rgb), _INK if luminance(rgb) > 0.21 else _PALE

    return colours


def _cell(
    sheet: _Sheet,
    row: dict[str, Any] | None,
    corner: tuple[float, float],
    fills: Callable[[float], tuple[str, str]],
    *,
    difference: bool,
) -> None:
    """Draw one cell: its colour, its number where there is room, and a corner where a run did not end ok."""
    x, y = corner
    width, height = sheet.column - 1.0, sheet.row - 1.0
    value = row["difference" if difference else "score"] if row else math.nan
    box = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
    if row is None or math.isnan(value):
        sheet.parts.append(f'<rect {box} class="gap"/>')
        return
    fill, ink = fills(value)
    name = "p" if difference else "c"
    sheet.parts.append(f'<rect {box} fill="{fill}" data-{name}="{row["id"]}"/>')
    if sheet.column >= _WRITTEN[0] and sheet.row >= _WRITTEN[1]:
        sure = difference and (row["difference_low"] > 0 or row["difference_high"] < 0)
        words = wording.signed(value) if difference else f"{value:.2f}"
        style = "n sure" if sure else "n"
        sheet.text(x + width / 2, y + height / 2 + 4, words, style, "middle", fill=ink)
    if not difference and row[SHARE_OK] < 1:
        size = min(7.0, height / 2)
        right = x + width
        sheet.parts.append(
            f'<path d="M{right:.1f} {y:.1f}v{size:.1f}l-{size:.1f} -{size:.1f}z" class="corner"/>'
        )


def _borders(sheet: _Sheet, block: Block, times: Sequence[float], top: float) -> None:
    """Draw the lines between what keeps its score, what loses some, and what loses half."""
    if not block.reference > 0.0:
        return
    for limit, style in ((KEPT, "kept"), (_LOST, "lost")):
        # Half is lost where exactly half is left, as at a critical magnitude; 95 % is kept where 95 % is left.
        least = limit * block.reference + (1e-12 if style == "lost" else -1e-12)
        path = "".join(_between(sheet, block, times, top, least))
        if path:
            sheet.parts.append(f'<path d="{path}" class="case"/><path d="{path}" class="{style}"/>')


def _between(sheet: _Sheet, block: Block, times: Sequence[float], top: float, limit: float) -> Iterator[str]:
    """Yield the edges between neighbours of which one reaches a limit and the other does not."""

    def reaches(time: float, level: Any) -> bool | None:
        row = block.rows.get(Condition(time, level))
        return None if row is None else row["score"] >= limit

    def differ(one: bool | None, other: bool | None) -> bool:
        return one is not None and other is not None and one != other

    for place, time in enumerate(times):
        y = top + place * sheet.row - 0.5
        before = QUIET
        for i, (kind, level, x) in enumerate(sheet.columns):
            here = reaches(time, level)
            if place and differ(here, reaches(times[place - 1], level)):
                yield f"M{x - 0.5:.1f} {y:.1f}h{sheet.column:.1f}"
            if i and differ(here, reaches(time, before if sheet.columns[i - 1][0] == kind else QUIET)):
                yield f"M{x - 0.5:.1f} {y:.1f}v{sheet.row:.1f}"
            before = level


def _legend(sheet: _Sheet, y: float, fills: Callable[[float], tuple[str, str]], *, difference: bool) -> None:
    """Say what the colours and the lines are."""
    x = _LABELS + _TIMES
    for step in range(16):
        value = (2 * step / 15 - 1) if difference else step / 15
        sheet.parts.append(
            f'<rect x="{x + 6 * step:.1f}" y="{y - 9:.1f}" width="6.2" height="10" fill="{fills(value)[0]}"/>'
        )
    ends = (wording.signed(-1, 0), "+1") if difference else ("0", "1")
    sheet.text(x - 6, y, ends[0], "tick", "end")
    what = "(bold: the 95 % interval leaves 0 out)" if difference else "mean score"
    sheet.text(x + 102, y, f"{ends[1]}  {what}", "tick")
    if difference:
        return
    at = x + 200
    for style, words in (("kept", "95 % kept up to here"), ("lost", "half is lost from here")):
        if any(f'class="{style}"' in part for part in sheet.parts):
            sheet.parts.append(f'<path d="M{at:.1f} {y - 4:.1f}h22" class="{style}"/>')
            sheet.text(at + 28, y, words, "tick")
            at += 168
    if any('class="corner"' in part for part in sheet.parts):
        sheet.parts.append(f'<path d="M{at + 9:.1f} {y - 9:.1f}v9l-9 -9z" class="corner"/>')
        sheet.text(at + 15, y, "some runs did not end ok", "tick")


def _cut(label: str) -> str:
    return label if len(label) <= 16 else f"{label[:15]}…"


def _described(scores: Scores, blocks: Sequence[Block], *, difference: bool) -> str:
    """Say what the figure shows to those who cannot see it; its numbers stand in tables of the page."""
    name = "difference" if difference else "score"
    parts = []
    for block in blocks:
        values = [row[name] for row in block.rows.values() if not math.isnan(row[name])]
        if values:
            label = f"{block.label} {block.note}" if difference else block.label
            parts.append(f"{label}: {min(values):.2f} to {max(values):.2f}")
    kinds = [titles.stress_name(kind) for kind in scores.kinds]
    over = wording.listing([*kinds, "running time"])
    return f"{'Paired difference of scores' if difference else 'Mean score'} by {over}. {'; '.join(parts)}."
