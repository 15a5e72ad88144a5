"""Times in interleaved rounds, crnsim and a peer in turn, so that a slow spell of the machine hits both."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

#: A measurement of something short repeats it for at least this long.
LEAST = 0.01


@dataclass(frozen=True)
class Ratio:
    """Seconds of two things and their ratio: median, quartiles, lowest and highest of the rounds."""

    seconds: float
    baseline_seconds: float
    ratio: float
    low: float
    high: float
    lowest: float
    highest: float
    rounds: int

    def as_dict(self) -> dict[str, Any]:
        """Return for JSON."""
        return vars(self).copy()


def seconds_per_call(action: Callable[[], object], times: int) -> float:
    """Mean duration of `times` calls."""
    start = time.perf_counter()
    for _ in range(times):
        action()
    return (time.perf_counter() - start) / times


def repeats(spent: float) -> int:
    """How often to repeat an action of `spent` seconds so that a measurement lasts `LEAST`."""
    return max(1, int(np.ceil(LEAST / max(spent, 1e-7))))


def compare(
    action: Callable[[], object],
    baseline: Callable[[], object],
    *,
    budget: float,
    rounds: int = 9,
    scale: float = 1.0,
    known: tuple[float, float] | None = None,
) -> Ratio:
    """Time a warm `action` against a warm `baseline` until `rounds` or `budget` seconds are over; at least one round.

    `scale` multiplies the action's seconds, where it stands for more members than it integrates. `known`: the seconds
    of one call of each, if they have roughly been measured before.
    """
    deadline = time.perf_counter() + budget
    first = known or (seconds_per_call(action, 1), seconds_per_call(baseline, 1))
    times, base_times = (repeats(spent) for spent in first)
    pairs: list[tuple[float, float]] = []
    before = first[1] if first[1] > budget else seconds_per_call(baseline, base_times)
    while len(pairs) < rounds and (not pairs or time.perf_counter() < deadline):
        # Baseline on both sides of the action: a drift of the machine cancels to first order.
        spent = seconds_per_call(action, times) * scale
        after = seconds_per_call(baseline, base_times)
        pairs.append((spent, 0.5 * (before + after)))
        before = after
    seconds, base = np.array(pairs).T
    ratio = seconds / base
    return Ratio(
        float(np.median(seconds)),
        float(np.median(base)),
        float(np.median(ratio)),
        *(float(value) for value in np.quantile(ratio, [0.25, 0.75, 0.0, 1.0])),
        len(pairs),
    )
