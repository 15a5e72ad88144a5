"""When a difference decides: tests of paired differences, many of them in a report, and what would decide the rest."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from scipy import stats

from crnsim.metrics.intervals import mean_interval
from crnsim.metrics.looks import confidence, looks

#: Adjusted p-values below this decide, so that at most 5 % of reports on equal designs have a verdict: of scores that
#: are tied at few values the t-test rejects up to 1.7 times as often as it says (docs/robustness.md).
LEVEL = 0.03
#: Replicates that a forecast reaches to, in multiples of those that are there.
_MULTIPLES = (2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 50, 100)
#: Differences that are rounding.
_ROUNDING = 1e-12


def paired_t(differences: np.ndarray) -> float:
    """Return the p-value, on two sides, of a mean difference of 0 by Student's test.

    0 where all are equal and none is 0, 1 where all are 0; nan for fewer than two.
    """
    n = differences.size
    if n < 2:
        return math.nan
    mean, spread = float(differences.mean()), float(differences.std(ddof=1))
    if spread <= _ROUNDING:
        return 1.0 if abs(mean) <= _ROUNDING else 0.0
    return float(2.0 * stats.t.sf(abs(mean) * math.sqrt(n) / spread, n - 1))


def sign_test(differences: np.ndarray) -> tuple[int, int, float]:
    """Return how many differences are above and below 0, and the exact p-value, on two sides, of equal chances."""
    above, below = int(np.sum(differences > _ROUNDING)), int(np.sum(differences < -_ROUNDING))
    if not above + below:
        return 0, 0, 1.0
    return above, below, float(stats.binomtest(above, above + below).pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for their number, so that the chance of any false rejection is kept; nan stay so.

    S. Holm, Scand. J. Statist. 6 (1979), 65. It holds whatever tests depend on each other, and whichever of them are
    looked at in hindsight. Where results are looked at several times, they are adjusted for that too
    (`crnsim.metrics.looks`).
    """
    values = np.asarray(p_values, dtype=float)
    result = np.full(values.shape, math.nan)
    known = np.flatnonzero(np.isfinite(values))
    order = known[np.argsort(values[known], kind="stable")]
    adjusted = looks() * np.maximum.accumulate(values[order] * np.arange(order.size, 0, -1))
    result[order] = np.minimum(adjusted, 1.0)
    return [float(value) for value in result]


def decides(low: float, high: float, p_adjusted: float) -> bool:
    """Tell whether a difference is one: its interval leaves 0 out, and so does the test among all of the report.

    The first holds whatever rare failures the replicates have not met, the second however many verdicts there are.
    """
    return (low > _ROUNDING or high < -_ROUNDING) and p_adjusted < LEVEL


def replicates_needed(
    differences: np.ndarray, reach: float, tests: int, *, confidence: float | None = None
) -> int:
    """Return about how many replicates would decide, should further ones be like those that are there.

    Parameters
    ----------
    differences : numpy.ndarray
    reach : float
        Differences lie between -reach and reach.
    tests : int
        How many are made in the report.
    confidence : float, optional
        Of the interval that must leave 0 out; by default that of one interval of the report.

    Returns
    -------
    int
        0 where a hundred times as many would not.
    """
    if differences.size < 2 or abs(float(differences.mean())) <= _ROUNDING:
        return 0

    def apart(more: np.ndarray) -> bool:
        return looks() * paired_t(more) * tests < LEVEL and decides(
            *mean_interval(more, -reach, reach, confidence=confidence), 0.0
        )

    return _forecast(differences, apart)


def replicates_beyond(differences: np.ndarray, limit: float, bounds: tuple[float, float]) -> int:
    """Return about how many replicates would bring the interval to one side of a limit; see `replicates_needed`."""
    if not differences.size or abs(float(differences.mean()) - limit) <= _ROUNDING:
        return 0

    def apart(more: np.ndarray) -> bool:
        low, high = mean_interval(more, *bounds)
        return low > limit + _ROUNDING or high < limit - _ROUNDING

    return _forecast(differences, apart)


def _forecast(differences: np.ndarray, decided: Callable[[np.ndarray], bool]) -> int:
    """Return how many replicates decide that are those there, over and over; 0 where a hundred times do not."""
    for multiple in _MULTIPLES:
        if decided(np.tile(differences, multiple)):
            return multiple * differences.size
    return 0


def may_fail(replicates: int) -> float:
    """Return what share of runs may fail where none of some has: the upper end of the interval."""
    return 1.0 - ((1.0 - confidence()) / 2.0) ** (1.0 / replicates) if replicates else 1.0
