"""Intervals of means that hold for bounded numbers, however few and tied, and what sums up a degradation curve.

No number here is drawn: an interval is a function of the scores alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm, t

from crnsim.metrics.looks import confidence as usual_confidence

#: Up to so many numbers the law of their weighted mean is summed exactly, beyond by its saddle point, right to 1 in n.
_EXACT = 400
#: Relative differences that mean nothing.
_NEAR = 1e-12


def finite_mean(values: np.ndarray, axis: int) -> np.ndarray:
    """Return the mean over finite values, nan (without a warning) where there are none."""
    finite = np.isfinite(values)
    count = finite.sum(axis=axis)
    total = np.where(finite, values, 0.0).sum(axis=axis)
    return np.where(count > 0, total / np.maximum(count, 1), math.nan)


def mean_interval(
    values: np.ndarray, least: float, most: float, *, confidence: float | None = None
) -> tuple[float, float]:
    """Return an interval for the mean of independent numbers that lie in a known range.

    Each end is a quantile of the mean of the numbers and one more at that end of the range, with weights that are
    uniform on the simplex. For numbers that are 0 or 1 that is the interval of Clopper and Pearson; where all agree it
    is as wide as what has not been seen may make it.

    Parameters
    ----------
    values : numpy.ndarray
        Those that are not finite are left out.
    least, most : float
        The range; numbers beyond it count as its ends.
    confidence : float, optional
        0.95 where left out; more in a sweep that is looked at several times (`crnsim.metrics.looks`).

    Returns
    -------
    low, high : float
        nan where there is no number.

    References
    ----------
    N. Gaffke, Three test statistics for a nonparametric one-sided hypothesis on the mean of a nonnegative variable,
    Math. Methods Statist. 14 (2005), 451; M. Phan, P. Thomas, E. Learned-Miller, Towards practical mean bounds for
    small samples, ICML (2021), arXiv 2106.03163.
    """
    found = np.asarray(values, dtype=float)
    found = np.sort(np.clip(found[np.isfinite(found)], least, most))
    if not found.size:
        return math.nan, math.nan
    tail = (1.0 - (usual_confidence() if confidence is None else confidence)) / 2.0
    scale = most - least
    # As bytes, so that equal numbers are asked for once: most cells of a sweep are tied.
    low = _lower_end(((found - least) / scale).tobytes(), tail)
    high = _lower_end(((most - found) / scale)[::-1].tobytes(), tail)
    return least + scale * low, most - scale * high


@lru_cache(maxsize=65536)
def _lower_end(sorted_values: bytes, tail: float) -> float:
    """Lower end for ascending numbers between 0 and 1."""
    values = np.concatenate([[0.0], np.frombuffer(sorted_values)])
    if values[-1] <= 0.0:
        return 0.0
    if values[1] == values[-1]:  # the weight of the number at 0 is what is left of n: a power
        return float(values[-1] * tail ** (1.0 / (values.size - 1)))
    found: float = brentq(
        lambda level: _weighted_mean_below(values, level) - tail, 0.0, values.mean(), xtol=1e-10, rtol=1e-10
    )
    return found


def _weighted_mean_below(values: np.ndarray, level: float) -> float:
    """Probability that a mean of numbers, with weights that are uniform on the simplex, is at most a level.

    With exponential variables E that is P(sum E (x - level) <= 0): a race of those above, one after the other, against
    those below. A term of mean a ends before one of mean b with probability b / (a + b), whatever has passed.
    """
    distance = np.asarray(values) - level
    ahead, behind = distance[distance > 0.0], -distance[distance < 0.0]
    if not ahead.size:
        return 1.0
    if not behind.size:
        return 0.0
    if values.size > _EXACT:
        return _by_saddle_point(distance)
    n, m = ahead.size, behind.size
    # On the diagonal i + j = k: the chance that those above end first, when i of them and j of those below have ended.
    chance = np.zeros(n + 1)
    chance[n] = 1.0
    for k in range(n + m - 2, -1, -1):
        first, last = max(0, k - m + 1), min(k, n - 1) + 1
        if first + m == k + 1:  # those below have all ended
            chance[first] = 0.0
        share = behind[k - last + 1 : k - first + 1][::-1] / (
            ahead[first:last] + behind[k - last + 1 : k - first + 1][::-1]
        )
        chance[first:last] += share * (chance[first + 1 : last + 1] - chance[first:last])
    return float(chance[0])


def _by_saddle_point(distance: np.ndarray) -> float:
    """The same for many numbers.

    R. Lugannani, S. Rice, Adv. Appl. Probab. 12 (1980), 475, doi 10.2307/1426607.
    """
    low, high = 1.0 / distance.min(), 1.0 / distance.max()

    def slope(s: float) -> float:
        return float(np.sum(distance / (1.0 - s * distance)))

    if abs(slope(0.0)) < _NEAR * np.abs(distance).sum():
        return 0.5
    edge = 1.0 - 1e-12
    s: float = brentq(slope, low * edge, high * edge, xtol=1e-14 * (high - low))
    height = float(np.sum(np.log1p(-s * distance)))
    curvature = float(np.sum((distance / (1.0 - s * distance)) ** 2))
    w, v = math.copysign(math.sqrt(2.0 * height), s), s * math.sqrt(curvature)
    return float(norm.cdf(w) + norm.pdf(w) * (1.0 / w - 1.0 / v))


def free_interval(values: np.ndarray, *, confidence: float | None = None) -> tuple[float, float]:
    """Return Student's interval for the mean of numbers of no known range.

    Returns
    -------
    low, high : float
        Without end where fewer than two numbers are finite, or all are equal: nothing is known of their spread.
    """
    found = np.asarray(values, dtype=float)
    found = found[np.isfinite(found)]
    if not found.size:
        return math.nan, math.nan
    if found.size < 2 or np.ptp(found) <= _NEAR * np.abs(found).max():
        return -math.inf, math.inf
    wanted = usual_confidence() if confidence is None else confidence
    half = t.ppf(0.5 * (1.0 + wanted), found.size - 1) * found.std(ddof=1) / math.sqrt(found.size)
    return float(found.mean() - half), float(found.mean() + half)


def critical_magnitude(magnitudes: np.ndarray, scores: np.ndarray) -> float:
    """Return the magnitude at which half of the noise-free score is lost.

    Parameters
    ----------
    magnitudes : numpy.ndarray, shape (m,)
        Ascending, the first one 0.
    scores : numpy.ndarray, shape (m,)
        Mean scores at these magnitudes.

    Returns
    -------
    float
        Linear between magnitudes, at the first crossing; ``inf`` where it is not reached, nan where the
        noise-free score is 0 or a score is missing.
    """
    scores = np.asarray(scores, dtype=float)
    if not np.isfinite(scores).all() or not scores[0] > 0.0:
        return math.nan
    return _first_crossing(magnitudes, (scores - 0.5 * scores[0])[:, None], lambda row: float(row[0]))


def critical_interval(magnitudes: np.ndarray, scores: np.ndarray) -> tuple[float, float]:
    """Return an interval for the critical magnitude.

    At each magnitude each replicate has a difference, its score less half of its noise-free one; the interval holds the
    magnitudes at which the mean of these may be 0, by `mean_interval`.

    Parameters
    ----------
    magnitudes : numpy.ndarray, shape (m,)
    scores : numpy.ndarray, shape (m, replicates)
        Replicates in which one is not finite are left out.

    Returns
    -------
    low, high : float
        ``inf`` for an end beyond the largest magnitude; nan where there is no replicate, or no noise-free score.
    """
    whole = scores[:, np.isfinite(scores).all(axis=0)]
    if not whole.shape[1] or not whole[0].mean() > 0.0:
        return math.nan, math.nan
    differences = whole - 0.5 * whole[0]
    tail = (1.0 - usual_confidence()) / 2.0
    # An end of an interval is 0 where the weighted mean is below 0 as often as that end says.
    low = _first_crossing(magnitudes, differences, lambda row: tail - _below_zero(row, -0.5))
    high = _first_crossing(magnitudes, differences, lambda row: 1.0 - tail - _below_zero(row, 1.0))
    return low, high


def _below_zero(differences: np.ndarray, end: float) -> float:
    """Probability that a weighted mean of numbers, and of one more at an end of their range, is at most 0."""
    return _weighted_mean_below(np.sort(np.append(differences, end)), 0.0)


def _first_crossing(magnitudes: np.ndarray, rows: np.ndarray, level: Callable[[np.ndarray], float]) -> float:
    """Where a level of rows, linear between magnitudes, is first 0; infinity where it stays above."""
    below = [place for place, row in enumerate(rows) if level(row) <= 0.0]
    if not below:
        return math.inf
    if below[0] == 0:
        return float(magnitudes[0])
    before, after = rows[below[0] - 1], rows[below[0]]
    share = brentq(lambda part: level(before + part * (after - before)), 0.0, 1.0, xtol=1e-9)
    left, right = magnitudes[below[0] - 1], magnitudes[below[0]]
    return float(left + share * (right - left))


def area_under_curve(magnitudes: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return the mean score over the range of magnitudes: trapezoids divided by the largest magnitude."""
    return np.trapezoid(np.asarray(scores, dtype=float), magnitudes, axis=0) / magnitudes[-1]
