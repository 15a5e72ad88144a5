"""Linear noise of a few species of a large network, backwards in time, without the covariance of all others.

The covariance C(T) of chosen species is the integral over s of L^T S diag(v) S^T L / Omega, where L(s) says how a
disturbance a time s before T shows in them: dL/ds = J^T L, with L(0) the unit vectors of the chosen species, and the
Jacobian J, the stoichiometry S and the rates v at time T - s. All it takes is to factor a sparse matrix a stage.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu

from crnsim.errors import InputError

#: Diagonally implicit method of order 2 (R. Alexander, SIAM J. Numer. Anal. 14 (1977), 1006, doi 10.1137/0714068).
_GAMMA = 1.0 - 1.0 / math.sqrt(2.0)
#: Tolerance of the embedded method of order 1, which is far less accurate than the result, and steps.
_TOLERANCE, _MOST_STEPS = 5e-3, 20_000
#: The rest of an integral without end is left out when a doubling of the time has added less than this part of it, and
#: less than half of what the doubling before has added, or hardly anything: what is slow has begun to end.
_REST, _HARDLY, _LONGEST = 1e-5, 1e-12, 1e9

#: At a time: the Jacobian (sparse), and the rates of all reactions.
State = Callable[[float], tuple[Any, np.ndarray]]


class Adjoint:
    """Covariances of chosen species.

    Parameters
    ----------
    changes : scipy.sparse array, shape (n, reactions)
        Stoichiometry of the species that reactions change.
    chosen : numpy.ndarray
        Rows of the species; below n.
    volume : float
    """

    def __init__(self, changes: Any, chosen: np.ndarray, volume: float) -> None:
        self.transposed = sparse.csr_array(changes.T)
        self.n, self.chosen, self.volume = changes.shape[0], chosen, volume

    def at_time(self, state: State, end: float, span: float) -> np.ndarray:
        """Covariance at `end`, of what has happened in a time `span` before it."""
        return self._integral(lambda back: state(end - back), span)

    def stationary(self, state: State, shortest: float) -> np.ndarray:
        """Covariance at a fixed point, whose slowest times are no shorter than `shortest`.

        Raises
        ------
        InputError
            Fluctuations grow, or do not end.
        """
        found = self._integral(state, math.inf, shortest)
        if not np.all(np.isfinite(found)):
            raise InputError("fluctuations grow at the fixed point that is reached, or never end; give times")
        return found

    def _integral(self, state: State, span: float, shortest: float = 0.0) -> np.ndarray:
        q = len(self.chosen)
        shown = np.zeros((self.n, q))
        shown[self.chosen, np.arange(q)] = 1.0
        total, half, before = np.zeros((q, q)), np.zeros((q, q)), np.full((q, q), math.inf)
        now, step, steps, looked = 0.0, 1e-6 * span if span < math.inf else 1e-3 * shortest, 0, shortest
        while now < span:
            step = min(step, span - now)
            steps += 1
            if steps > _MOST_STEPS:
                raise InputError(f"linear noise took more than {_MOST_STEPS} steps; ask for less")
            found, added, error = self._step(state, now, step, shown, total)
            if error <= 1.0:
                now, shown, total = now + step, found, total + added
                if span - now <= 1e-12 * span < math.inf:
                    break
                if span == math.inf and now >= 2.0 * looked:
                    more = np.abs(total - half) / _spread(total)
                    if np.all((more <= _HARDLY) | ((more <= _REST) & (more <= 0.5 * before))):
                        break
                    half, before, looked = total.copy(), more, now
                    if now > _LONGEST or not np.all(np.isfinite(total)):
                        return np.full((q, q), np.nan)
            step *= min(max(0.9 / math.sqrt(max(error, 1e-8)), 0.2), 4.0)
        return total

    def _step(
        self, state: State, now: float, step: float, shown: np.ndarray, total: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, float]:
        """What is shown after a step, what the step adds to the integral, and its estimated error in tolerances."""
        _, k1, density1 = self._stage(state, now + _GAMMA * step, _GAMMA * step, shown)
        second, k2, density2 = self._stage(state, now + step, _GAMMA * step, shown + (1 - _GAMMA) * step * k1)
        added = step * ((1 - _GAMMA) * density1 + _GAMMA * density2)
        wrong = (1 - _GAMMA) * step * (k1 - k2) * 0.5
        scale = np.maximum(np.max(np.abs(shown), axis=0, initial=0.0), 1e-12)
        error = float(np.max(np.abs(wrong) / scale, initial=0.0))
        uneven = np.abs(density1 - density2) / _spread(total + added)
        error = max(error, float(np.max(uneven, initial=0.0)) * step * 0.5)
        return second, added, error / _TOLERANCE if math.isfinite(error) else 1e4

    def _stage(
        self, state: State, time: float, step: float, right: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Solve L = right + step J^T L; return L, its slope, and what it adds to the integral per time."""
        jacobian, flux = state(time)
        matrix = sparse.csc_array(sparse.eye_array(self.n) - step * jacobian.T)
        shown = splu(matrix).solve(right)
        reactions = self.transposed @ shown
        density = reactions.T @ (np.maximum(flux, 0.0)[:, None] * reactions) / self.volume
        return shown, jacobian.T @ shown, density


def _spread(total: np.ndarray) -> np.ndarray:
    """What a covariance is small beside: the standard deviations of its two species."""
    own = np.sqrt(np.maximum(np.diag(total), 1e-300))
    return np.outer(own, own)
