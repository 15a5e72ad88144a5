"""How numbers, durations and sizes are written, and tables laid out in columns."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence

MINUS = "\u2212"


def number(value: float, digits: int = 2) -> str:
    """Return a number with so many decimals, a dash where there is none."""
    if value is None or math.isnan(value):
        return "–"
    text = f"{value:.{digits}f}"
    return (text.lstrip("-") if float(text) == 0 else text).replace("-", MINUS)


def signed(value: float, digits: int = 2) -> str:
    """Return a difference with its sign."""
    text = number(value, digits)
    return text if text.startswith((MINUS, "–")) or not text.strip("0.") else f"+{text}"


def short(value: float) -> str:
    """Return a parameter in its shortest form, a dash where there is none."""
    return "–" if value is None or math.isnan(value) else f"{value:.3g}".replace("-", MINUS)


def exact(value: float) -> str:
    """Return the shortest text that reads back as the same number."""
    return repr(float(value)).removesuffix(".0")


def span(low: float, high: float, *, sign: bool = False, digits: int = 2) -> str:
    """Return an interval, or why there is none."""
    if math.isnan(low) or math.isnan(high):
        return "no interval"
    write = signed if sign else number
    return f"{write(low, digits)} to {write(high, digits)}"


def critical(value: float, largest: float) -> str:
    """Return a critical magnitude; ``> max`` where half of the score was never lost."""
    if math.isinf(value):
        return f"> {largest:g}"
    return "–" if math.isnan(value) else f"{value:.2g}"


def listing(items: Iterable[str]) -> str:
    """Return items as a phrase: ``a``, ``a and b``, ``a, b and c``."""
    words = list(items)
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""


def plural(count: int, noun: str) -> str:
    """Return a count with its noun."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def precise_duration(value: float) -> str:
    """Return a duration that was measured, to a tenth of its unit; forecasts are told by `duration`."""
    if math.isnan(value):
        return "–"
    if value < 120:
        return f"{value:.1f} s"
    return f"{value / 60:.1f} min" if value < 7200 else f"{value / 3600:.1f} h"


def duration(seconds: float) -> str:
    """Return a duration as people say it, such as a forecast: 12 s, 3 min, 2.5 h."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def byte_count(count: float) -> str:
    """Return a number of bytes with the unit that fits."""
    for unit, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if count >= 0.995 * size:
            return f"{count / size:.2g} {unit}" if count < 99.5 * size else f"{count / size:.0f} {unit}"
    return f"{count / 1e3:.0f} kB"


def columns(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Return rows as lines with aligned columns: words to the left, numbers to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    numeric = [
        all(row[column][:1].isdigit() or row[column] == "-" for row in rows[1:])
        for column in range(len(widths))
    ]
    return [
        "  ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, numeric, strict=True)
        ).rstrip()
        for row in rows
    ]


def html_table(title: str, rows: Iterable[Sequence[str]], head: Sequence[str] = ()) -> str:
    """Return a table as HTML for a notebook; every text in it is escaped."""
    heads = "".join(f"<th>{html.escape(cell)}</th>" for cell in head)
    lines = ("".join(f"<td>{html.escape(cell)}</td>" for cell in row) for row in rows)
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    top = f"<thead><tr>{heads}</tr></thead>" if heads else ""
    return f"<div><b>{html.escape(title)}</b><table>{top}<tbody>{body}</tbody></table></div>"
