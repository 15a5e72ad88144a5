"""How the report writes numbers, data sets, designs and noise levels."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from crnsim.robustness.designs import KINDS, Level

if TYPE_CHECKING:
    from collections.abc import Iterable

MINUS = "\u2212"
_STRESS = {
    "rates": "rate noise",
    "concentrations": "concentration noise",
    "inputs": "input noise",
    "running_time": "short running time",
}
_OUTCOME = {
    "ok": "ok",
    "diverged": "diverged",
    "step_limit": "step limit",
    "worker_killed": "worker killed",
    "failed": "failed",
    "missing": "missing",
}


def dataset_title(name: str) -> str:
    """Return the name of a data set as a heading; the label of a CSV data set begins with a capital."""
    from crnsim.datasets import DATASETS

    return DATASETS[name].title if name in DATASETS else name[:1].upper() + name[1:].replace("_", " ")


def stress_name(stress: str) -> str:
    """Return a kind of stress in words; a crossed kind is joined by "and"."""
    return " and ".join(_STRESS.get(part, part) for part in stress.split("+"))


def outcome_name(outcome: str) -> str:
    """Return an outcome in words."""
    return _OUTCOME.get(outcome, outcome)


def level_name(level: Level) -> str:
    """Return a noise level in words, such as ``rates 0.1``."""
    parts = [f"{kind} {getattr(level, kind):g}" for kind in KINDS if getattr(level, kind) > 0]
    return " + ".join(parts) or "no noise"


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


def seconds(value: float) -> str:
    """Return a duration in a unit that suits it."""
    if math.isnan(value):
        return "–"
    if value < 120:
        return f"{value:.1f} s"
    return f"{value / 60:.1f} min" if value < 7200 else f"{value / 3600:.1f} h"


def plural(count: int, noun: str) -> str:
    """Return a count with its noun."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def reach(ends: Iterable[float]) -> float:
    """Return how far interval plots must reach, in one of a few steps, so that `ends` lie within."""
    largest = max((end for end in ends if not math.isnan(end)), default=1.0)
    return next((step for step in (0.1, 0.2, 0.5) if largest <= step + 1e-9), 1.0)
