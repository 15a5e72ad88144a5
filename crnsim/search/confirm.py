"""The best designs, and the one the search began with, on replicates that the search never saw."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from crnsim.metrics.intervals import mean_interval
from crnsim.metrics.looks import CONFIDENCE
from crnsim.search.candidates import INFEASIBLE, Candidate, confirmation_seed, scores_of
from crnsim.search.run import Found, compute

if TYPE_CHECKING:
    from crnsim.search.store import Scores


@dataclass(frozen=True)
class Row:
    """One design under one level of noise.

    Attributes
    ----------
    design, level : int
        Number of the candidate, and of the level of noise.
    score, low, high : float
        Mean and interval.
    difference, difference_low, difference_high : float
        From the design that the search began with, on the same replicates; 0 for itself.
    failed : int
        Runs that did not end ok.
    """

    design: int
    level: int
    score: float
    low: float
    high: float
    difference: float
    difference_low: float
    difference_high: float
    failed: int


@dataclass(frozen=True)
class Confirmed:
    """What fresh replicates say.

    Attributes
    ----------
    start : Candidate
        The design that the search began with.
    best : list of Candidate
        The best first.
    replicates : int
    confidence : float
        Of each interval: those of all `best` hold at once in 95 % of searches (Bonferroni), whichever is taken.
    rows : list of Row
        Design by design, `start` first.
    """

    start: Candidate
    best: list[Candidate]
    replicates: int
    confidence: float
    rows: list[Row]

    def of(self, design: int) -> list[Row]:
        """Return the rows of a design, by level of noise."""
        return [row for row in self.rows if row.design == design]


def confirm(
    found: Found, scores: Scores, *, workers: int = 1, progress: Callable[[float], Any] = lambda share: None
) -> Confirmed:
    """Run the best designs and the first one under every level of noise of the sweep, on fresh replicates.

    Parameters
    ----------
    found : Found
    scores : Scores
        Where runs are kept.
    workers : int
    progress : callable
        Called with the share that is done.
    """
    search = found.search
    n, seed = search.file.confirm.replicates, confirmation_seed(search.file.seed)
    start, best = found.candidates[0], found.best()
    designs = [start, *(one for one in best if one is not start)]
    designs = [one for one in designs if one.state != INFEASIBLE]
    levels = range(len(search.levels))
    wanted = [
        [point for level in levels for point in one.points(level, range(n), seed)[number]]
        for one in designs
        for number in range(len(one.groups))
    ]
    total = sum(map(len, wanted)) or 1
    chunks = search.base.sweep.chunks
    compute(wanted, scores, chunks, workers, lambda done: progress(done / total))
    confidence = 1.0 - (1.0 - CONFIDENCE) / max(1, len(best))
    rows = []
    first: dict[int, np.ndarray] = {}
    for one in designs:
        for level in levels:
            values, failed = scores_of(one, level, range(n), seed, scores.found)
            rows.append(_row(one.number, level, values, first.setdefault(level, values), failed, confidence))
    return Confirmed(start, best, n, confidence, rows)


def _row(
    design: int, level: int, values: np.ndarray, first: np.ndarray, failed: int, confidence: float
) -> Row:
    low, high = mean_interval(values, 0.0, 1.0, confidence=confidence)
    apart = values - first
    itself = values is first
    ends = (0.0, 0.0) if itself else mean_interval(apart, -1.0, 1.0, confidence=confidence)
    return Row(design, level, float(values.mean()), low, high, float(apart.mean()), *ends, failed)
