"""An ensemble by hand in Numba: all members side by side in the innermost loops, each with a step of its own.

What one writes who knows the trick: explicit pairs with the first-same-as-last stage, PI control of each member's step,
and one sparse product for the right-hand side, in which rate constants are folded and reactions with the same
reactants are one column. The innermost loops run over the members, so that the compiler turns them into vectors: over
all 32 they took 60 % of what four groups of eight took, written out in eight variables.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from problems import Problem
from right_hand_sides import Folded

from competitors import Failed

NAME = "Numba"
_MAX_STEPS = 1_000_000

#: Stages, weights, and weights of the error: Bogacki-Shampine 3(2), Dormand-Prince 5(4).
_PAIRS: dict[str, tuple[list[list[float]], list[float], int]] = {
    "Bosh3": (
        [[0, 0, 0], [1 / 2, 0, 0], [0, 3 / 4, 0], [2 / 9, 1 / 3, 4 / 9]],
        [-5 / 72, 1 / 12, 1 / 9, -1 / 8],
        3,
    ),
    "Dopri5": (
        [
            [0, 0, 0, 0, 0, 0],
            [1 / 5, 0, 0, 0, 0, 0],
            [3 / 40, 9 / 40, 0, 0, 0, 0],
            [44 / 45, -56 / 15, 32 / 9, 0, 0, 0],
            [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729, 0, 0],
            [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656, 0],
            [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84],
        ],
        [71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40],
        5,
    ),
}


def methods(_problem: Problem) -> list[str]:
    """Names of the methods."""
    return list(_PAIRS)


@numba.njit(fastmath=True, error_model="numpy")
def _rates(y: Any, x: Any, begin: Any, column: Any, value: Any, first: Any, second: Any, out: Any) -> None:
    """``out = M (y, products of pairs, 1)`` for every member."""
    n, members = y.shape
    x[:n] = y
    for pair in range(len(first)):
        one, other, both = y[first[pair]], y[second[pair]], x[n + pair]
        for m in range(members):
            both[m] = one[m] * other[m]
    for row in range(n):
        total = out[row]
        factors, values = value[begin[row]], x[column[begin[row]]]
        for m in range(members):
            total[m] = factors[m] * values[m]
        for entry in range(begin[row] + 1, begin[row + 1]):
            factors, values = value[entry], x[column[entry]]
            for m in range(members):
                total[m] += factors[m] * values[m]


@numba.njit(fastmath=True, error_model="numpy")
def _stage(new: Any, y: Any, h: Any, weights: Any, k: Any) -> None:
    """``new = y + h sum_j a_j k_j``."""
    n, members = y.shape
    for row in range(n):
        target, old = new[row], y[row]
        for m in range(members):
            target[m] = 0.0
        for stage in range(len(weights)):
            weight, slope = weights[stage], k[stage, row]
            if weight != 0.0:
                for m in range(members):
                    target[m] += weight * slope[m]
        for m in range(members):
            target[m] = old[m] + h[m] * target[m]


@numba.njit(fastmath=True, error_model="numpy")
def _errors(error: Any, off: Any, y: Any, new: Any, h: Any, e: Any, k: Any, rtol: float, atol: float) -> None:
    """Root mean square of the errors of each member, in tolerances."""
    n, members = y.shape
    error[:] = 0.0
    for row in range(n):
        off[:] = 0.0
        for stage in range(len(e)):
            weight, slope = e[stage], k[stage, row]
            for m in range(members):
                off[m] += weight * slope[m]
        old, now = y[row], new[row]
        for m in range(members):
            scaled = h[m] * off[m] / (atol + rtol * max(abs(old[m]), abs(now[m])))
            error[m] += scaled * scaled
    for m in range(members):
        error[m] = max(np.sqrt(error[m] / n), 1e-10)


@numba.njit(fastmath=True, error_model="numpy")
def _integrate(
    y: Any, form: Any, a: Any, e: Any, order: int, span: float, rtol: float, atol: float, max_steps: int
) -> bool:
    begin, column, value, first, second = form
    stages, (n, members) = len(a), y.shape
    x = np.ones((n + len(first) + 1, members))
    k, new = np.empty((stages, n, members)), np.empty((n, members))
    t, h, last = np.zeros(members), np.full(members, 1e-3 * span), np.ones(members)
    error, off, used = np.empty(members), np.empty(members), np.empty(members)
    _rates(y, x, begin, column, value, first, second, k[0])
    for _ in range(max_steps):
        for m in range(members):
            used[m] = min(h[m], span - t[m])
        if not np.any(used > 0.0):
            return True
        for stage in range(1, stages):
            _stage(new, y, used, a[stage, :stage], k)
            _rates(new, x, begin, column, value, first, second, k[stage])
        _errors(error, off, y, new, used, e, k, rtol, atol)
        for m in range(members):
            if used[m] <= 0.0:
                continue
            size = error[m]
            if size <= 1.0:
                factor = 0.9 * size ** (-0.7 / order) * last[m] ** (0.4 / order)
                t[m] = span if used[m] == span - t[m] else t[m] + used[m]
                last[m] = size
                h[m] = used[m] * min(max(factor, 0.2), 5.0)
            else:
                h[m] = used[m] * max(0.9 * size ** (-1.0 / order), 0.2)
                error[m] = -1.0
        for row in range(n):
            for m in range(members):
                if used[m] > 0.0 and error[m] > 0.0:
                    y[row, m] = new[row, m]
                    k[0, row, m] = k[stages - 1, row, m]
    return False


class _Solve:
    one_by_one = False

    def __init__(self, problem: Problem, method: str) -> None:
        self.problem, self.n = problem, problem.circuit.network.n_dynamic
        stages, error, self.order = _PAIRS[method]
        self.stages, self.error = np.array(stages, dtype=float), np.array(error, dtype=float)
        forms = [Folded(problem, range(member, member + 1)) for member in range(problem.members)]
        for form in forms:
            form.matrix.sort_indices()
            assert np.array_equal(form.matrix.indices, forms[0].matrix.indices)
        matrix = forms[0].matrix
        self.arrays = (
            *(np.asarray(part, dtype=np.int64) for part in (matrix.indptr, matrix.indices)),
            np.ascontiguousarray(np.stack([form.matrix.data for form in forms], axis=1)),
            *(np.asarray(part, dtype=np.int64) for part in (forms[0].first, forms[0].second)),
        )
        self(1e-2, 1e-5, problem.members)

    def __call__(self, rtol: float, atol: float, count: int) -> np.ndarray:
        final = self.problem.start[:count].copy()
        y = np.ascontiguousarray(final[:, : self.n].T)
        numbers = (self.stages, self.error, self.order, self.problem.span, rtol, atol, _MAX_STEPS)
        if not _integrate(y, self.arrays, *numbers) or not np.all(np.isfinite(y)):
            raise Failed(f"{_MAX_STEPS} steps, or no numbers")
        final[:, : self.n] = y.T
        return final


def prepare(problem: Problem, method: str) -> _Solve:
    """Fold the rate constants of every member, and compile."""
    return _Solve(problem, method)
