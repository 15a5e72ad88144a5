"""Bootstrap intervals, and the two numbers that sum up a degradation curve."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from crnsim.noise.streams import generator

CONFIDENCE = 0.95
DRAWS = 2000


@lru_cache(maxsize=256)
def _draws(seed: int, dataset: str, n: int) -> np.ndarray:
    """Return which of `n` replicates each bootstrap sample holds, ``(DRAWS, n)``.

    The key has no design, cell or magnitude in it: every statistic of a data set meets the same resamples,
    so that differences between designs are joint, and a new magnitude moves no older interval.
    """
    return generator(seed, "robustness", "bootstrap", dataset, n).integers(0, n, size=(DRAWS, n))


def bootstrap_means(matrix: np.ndarray, *, seed: int, dataset: str) -> np.ndarray:
    """Return bootstrapped row means, replicates (columns) resampled jointly for all rows.

    Parameters
    ----------
    matrix : numpy.ndarray, shape (rows, replicates)
        Scores; nan where a point is missing, which a mean leaves out.
    seed, dataset : int, str
        Key of the resampling stream.

    Returns
    -------
    numpy.ndarray, shape (rows, DRAWS)
        nan throughout where there are fewer than two replicates: one run tells nothing about its spread.
    """
    rows, n = matrix.shape
    if n < 2:
        return np.full((rows, DRAWS), math.nan)
    draws = _draws(seed, dataset, n)
    return np.stack([finite_mean(row[draws], axis=1) for row in matrix]) if rows else np.empty((0, DRAWS))


def finite_mean(values: np.ndarray, axis: int) -> np.ndarray:
    """Return the mean over finite values, nan (without a warning) where there are none."""
    finite = np.isfinite(values)
    count = finite.sum(axis=axis)
    total = np.where(finite, values, 0.0).sum(axis=axis)
    return np.where(count > 0, total / np.maximum(count, 1), math.nan)


def interval(samples: np.ndarray) -> tuple[float, float]:
    """Return the central 95 % of bootstrapped values (order statistics, so that infinities are allowed)."""
    values = np.sort(samples[~np.isnan(samples)])
    if not values.size:
        return math.nan, math.nan
    tail = (1.0 - CONFIDENCE) / 2.0
    low, high = math.floor(tail * values.size), math.ceil((1.0 - tail) * values.size) - 1
    return float(values[low]), float(values[high])


def critical_magnitude(magnitudes: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return the magnitude at which half of the noise-free score is lost.

    Parameters
    ----------
    magnitudes : numpy.ndarray, shape (m,)
        Ascending, the first one 0.
    scores : numpy.ndarray, shape (m,) or (m, draws)
        Mean scores at these magnitudes.

    Returns
    -------
    numpy.ndarray, shape () or (draws,)
        Linear between magnitudes, at the first crossing; ``inf`` where it is not reached, nan where the
        noise-free score is 0 or a score is missing.
    """
    scores = np.asarray(scores, dtype=float)
    column = scores.reshape(len(magnitudes), -1)
    half = column[0] / 2.0
    below = column[1:] <= half
    first = below.argmax(axis=0) if len(magnitudes) > 1 else np.zeros(column.shape[1], dtype=int)
    reached = below.any(axis=0)
    after = np.minimum(first + 1, len(magnitudes) - 1)
    pick = np.arange(column.shape[1])
    left, right = column[first, pick], column[after, pick]
    start, width = (
        np.asarray(magnitudes)[first],
        np.asarray(magnitudes)[after] - np.asarray(magnitudes)[first],
    )
    fraction = np.divide(left - half, left - right, out=np.zeros_like(left), where=reached & (left > right))
    result = np.where(reached, start + fraction * width, math.inf)
    result = np.where((column[0] > 0) & np.isfinite(column).all(axis=0), result, math.nan)
    return result.reshape(scores.shape[1:])


def area_under_curve(magnitudes: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return the mean score over the range of magnitudes: trapezoids divided by the largest magnitude."""
    return np.trapezoid(np.asarray(scores, dtype=float), magnitudes, axis=0) / magnitudes[-1]
