"""A linearly implicit method for stiff networks: four stages, order 3(2), with part of the Jacobian.

The W-method ROS34PW2 of Rang and Angermann, BIT Numer. Math. 45, 761 (2005), doi 10.1007/s10543-005-0035-y: L-stable,
and of order 3 whatever matrix stands for the Jacobian. Ours is the Jacobian without the slow arrays, which one sweep
through the cascade of a pot solves exactly (`crnsim.kinetics.structure`).
"""

from __future__ import annotations

import numpy as np

from crnsim.compiled import inlined
from crnsim.kinetics.kernels import Kinetics, rates_of_change, solve_linear
from crnsim.kinetics.lanes import fused, larger, load, smaller, splat, store
from crnsim.solvers.ode.error import Lanes, report, room, scaled
from crnsim.solvers.ode.factors import factor
from crnsim.solvers.ode.sums import sum0, sum1, sum2, sum3
from crnsim.solvers.ode.work import (
    ERROR,
    HIGHEST,
    NEW_SLOPE,
    RELATIVE,
    ROOM,
    SLOPE,
    STEP,
    TOTAL,
    U1,
    U2,
    U3,
    Y_NEW,
    Work,
    Y,
)

GAMMA = 0.435866521508459
_ALPHA = np.array(
    [
        [0.0, 0.0, 0.0, 0.0],
        [0.87173304301691801, 0.0, 0.0, 0.0],
        [0.84457060015369423, -0.11299064236484185, 0.0, 0.0],
        [0.0, 0.0, 1.0, 0.0],
    ]
)
_GAMMAS = np.array(
    [
        [GAMMA, 0.0, 0.0, 0.0],
        [-0.87173304301691801, GAMMA, 0.0, 0.0],
        [-0.90338057013044082, 0.054180672388095326, GAMMA, 0.0],
        [0.24212380706095346, -1.2232505839045147, 0.54526025533510214, GAMMA],
    ]
)
_WEIGHTS = np.array([0.24212380706095346, -1.2232505839045147, 1.5452602553351020, GAMMA])
_EMBEDDED = np.array([0.37810903145819369, -0.096042292212423178, 0.5, 0.21793326075422950])

# With alpha, Gamma and b the matrices above, stage i of the method with the matrix J is
#     k_i = h f(y + sum_j alpha_ij k_j) + h J sum_j Gamma_ij k_j,    y_new = y + sum_j b_j k_j.
# In terms of u = Gamma k no product with J is needed (Hairer, Wanner, Solving Ordinary Differential Equations II,
# section IV.7, doi 10.1007/978-3-642-05221-7):
#     (1 - gamma h J) u_i = gamma h f(y + sum_j a_ij u_j) + sum_j c_ij u_j,    y_new = y + sum_j m_j u_j,
# with a = alpha Gamma^-1, c = 1 - gamma Gamma^-1, m = b Gamma^-1; e, which gives the error, likewise from b less the
# embedded b.
_INVERSE = np.linalg.inv(_GAMMAS)
_A = _ALPHA @ _INVERSE
_C = GAMMA * (np.eye(4) / GAMMA - _INVERSE)
_M = _WEIGHTS @ _INVERSE
_E = _M - _EMBEDDED @ _INVERSE

_A21, _A31, _A32, _A41, _A42, _A43 = (float(_A[i, j]) for i in range(1, 4) for j in range(i))
_C21, _C31, _C32, _C41, _C42, _C43 = (float(_C[i, j]) for i in range(1, 4) for j in range(i))
_M1, _M2, _M3, _M4 = map(float, _M)
_E1, _E2, _E3, _E4 = map(float, _E)
_B1, _B2, _B3, _B4 = map(float, _WEIGHTS)
_D1, _D2, _D3, _D4 = map(float, _WEIGHTS - _EMBEDDED)
_ALPHA21, _ALPHA31, _ALPHA32 = float(_ALPHA[1, 0]), float(_ALPHA[2, 0]), float(_ALPHA[2, 1])


@inlined
def _conclude(
    rows: np.ndarray,
    y: np.ndarray,
    y_new: np.ndarray,
    m: tuple[Lanes, ...],
    e: tuple[Lanes, ...],
    vectors: tuple[np.ndarray, ...],
    attempt: np.ndarray,
    tolerance: np.ndarray,
    each: int,
    relative: Lanes,
) -> None:
    """New state and error from four vectors with weights `m` and `e`; keep what is needed to judge the step."""
    u1, u2, u3, u4 = vectors
    error, lowest = load(attempt, ERROR), load(attempt, ROOM)
    highest, total = load(attempt, HIGHEST), load(attempt, TOTAL)
    for part in range(len(rows)):
        for row in range(rows[part, 0], rows[part, 1]):
            k1, k2, k3, k4 = load(u1, row), load(u2, row), load(u3, row), load(u4, row)
            old, absolute = load(y, row), load(tolerance, each * row)
            new = fused(m[0], k1, fused(m[1], k2, fused(m[2], k3, fused(m[3], k4, old))))
            store(y_new, row, new)
            difference = fused(e[0], k1, fused(e[1], k2, fused(e[2], k3, e[3] * k4)))
            error = larger(scaled(difference, old, new, absolute, relative), error)
            lowest = smaller(room(old, new, absolute), lowest)
            highest = larger(new, highest)
            total = total + difference
    report(attempt, error, lowest, highest, total)


def attempt_rosw(k: Kinetics, w: Work) -> None:
    """One step of every lane from (y, slope).

    Slow rows have no system to solve: for them the method is an explicit one, in the rates of change themselves. Stages
    are kept in ``y_new`` and the fourth vector in ``new_slope`` until both are needed: small tables stay in the nearest
    cache.
    """
    t, at = w.tables, w.at
    y = t[at[Y]]
    y_new = t[at[Y_NEW]]
    slope = t[at[SLOPE]]
    new_slope = t[at[NEW_SLOPE]]
    u1 = t[at[U1]]
    u2 = t[at[U2]]
    u3 = t[at[U3]]
    p, q = w.p, w.q
    fast, slow, rate, implicit = w.fast, w.slow, w.rate, w.implicit
    one, zero, h = splat(1.0), splat(0.0), load(w.attempt, STEP)
    relative = load(w.relative, RELATIVE)
    step = splat(GAMMA) * h
    factor(k, w, step)
    sum0(fast, u1, step, slope)
    solve_linear(k, y, rate, p, q, u1, implicit)
    sum1(fast, y_new, one, y, splat(_A21), u1)
    sum1(slow, y_new, one, y, splat(_ALPHA21) * h, slope)
    rates_of_change(k, y_new, rate, u2)
    sum1(fast, u2, step, u2, splat(_C21), u1)
    solve_linear(k, y, rate, p, q, u2, implicit)
    sum2(fast, y_new, one, y, splat(_A31), u1, splat(_A32), u2)
    sum2(slow, y_new, one, y, splat(_ALPHA31) * h, slope, splat(_ALPHA32) * h, u2)
    rates_of_change(k, y_new, rate, u3)
    sum2(fast, u3, step, u3, splat(_C31), u1, splat(_C32), u2)
    solve_linear(k, y, rate, p, q, u3, implicit)
    sum3(fast, y_new, one, y, splat(_A41), u1, splat(_A42), u2, splat(_A43), u3)
    sum1(slow, y_new, one, y, h, u3)
    rates_of_change(k, y_new, rate, new_slope)
    sum3(fast, new_slope, step, new_slope, splat(_C41), u1, splat(_C42), u2, splat(_C43), u3)
    solve_linear(k, y, rate, p, q, new_slope, implicit)
    report(w.attempt, zero, zero, zero, zero)
    m = (splat(_M1), splat(_M2), splat(_M3), splat(_M4))
    e = (splat(_E1), splat(_E2), splat(_E3), splat(_E4))
    _conclude(fast, y, y_new, m, e, (u1, u2, u3, new_slope), w.attempt, w.absolute, w.each, relative)
    m = (splat(_B1) * h, splat(_B2) * h, splat(_B3) * h, splat(_B4) * h)
    e = (splat(_D1) * h, splat(_D2) * h, splat(_D3) * h, splat(_D4) * h)
    _conclude(slow, y, y_new, m, e, (slope, u2, u3, new_slope), w.attempt, w.absolute, w.each, relative)
    rates_of_change(k, y_new, rate, new_slope)
