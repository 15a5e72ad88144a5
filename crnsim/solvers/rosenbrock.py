"""A linearly implicit method for stiff networks: four stages, order 3(2), with part of the Jacobian.

The W-method ROS34PW2 of Rang and Angermann, BIT Numer. Math. 45, 761 (2005), doi 10.1007/s10543-005-0035-y: L-stable,
and of order 3 whatever matrix stands for the Jacobian. Ours is the Jacobian without the slow arrays, which one sweep
through the cascade of a pot solves exactly (`crnsim.kinetics.structure`).
"""

from __future__ import annotations

import numpy as np

from crnsim.kinetics.lanes import compiled, larger, load, smaller, splat, store
from crnsim.solvers.explicit import report, room, scaled

_GAMMA = 0.435866521508459
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
        [_GAMMA, 0.0, 0.0, 0.0],
        [-0.87173304301691801, _GAMMA, 0.0, 0.0],
        [-0.90338057013044082, 0.054180672388095326, _GAMMA, 0.0],
        [0.24212380706095346, -1.2232505839045147, 0.54526025533510214, _GAMMA],
    ]
)
_WEIGHTS = np.array([0.24212380706095346, -1.2232505839045147, 1.5452602553351020, _GAMMA])
_EMBEDDED = np.array([0.37810903145819369, -0.096042292212423178, 0.5, 0.21793326075422950])

# With u = Gamma k no product with the Jacobian is needed (Hairer, Wanner, Solving Ordinary Differential Equations II,
# section IV.7, doi 10.1007/978-3-642-05221-7).
_INVERSE = np.linalg.inv(_GAMMAS)
_A = _ALPHA @ _INVERSE
_C = _GAMMA * (np.eye(4) / _GAMMA - _INVERSE)
_M = _WEIGHTS @ _INVERSE
_E = _M - _EMBEDDED @ _INVERSE

_A21, _A31, _A32, _A41, _A42, _A43 = (float(_A[i, j]) for i in range(1, 4) for j in range(i))
_C21, _C31, _C32, _C41, _C42, _C43 = (float(_C[i, j]) for i in range(1, 4) for j in range(i))
_M1, _M2, _M3, _M4 = map(float, _M)
_E1, _E2, _E3, _E4 = map(float, _E)
_B1, _B2, _B3, _B4 = map(float, _WEIGHTS)
_D1, _D2, _D3, _D4 = map(float, _WEIGHTS - _EMBEDDED)
_ALPHA21, _ALPHA31, _ALPHA32 = float(_ALPHA[1, 0]), float(_ALPHA[2, 0]), float(_ALPHA[2, 1])


@compiled
def _solved(w, rows, step, last):
    """Right-hand side of system `last` in place of the rates of change, for rows with systems to solve."""
    c21, c31, c32 = splat(_C21), splat(_C31), splat(_C32)
    c41, c42, c43 = splat(_C41), splat(_C42), splat(_C43)
    for i in range(len(rows)):
        row = rows[i]
        if last == 1:
            store(w.u1, row, step * load(w.slope, row))
        elif last == 2:
            store(w.u2, row, step * load(w.u2, row) + c21 * load(w.u1, row))
        elif last == 3:
            change = c31 * load(w.u1, row) + c32 * load(w.u2, row)
            store(w.u3, row, step * load(w.u3, row) + change)
        else:
            change = c41 * load(w.u1, row) + c42 * load(w.u2, row) + c43 * load(w.u3, row)
            store(w.new_slope, row, step * load(w.new_slope, row) + change)


@compiled
def _stage(w, rows, last):
    """Stage after system `last` has been solved."""
    a21, a31, a32 = splat(_A21), splat(_A31), splat(_A32)
    a41, a42, a43 = splat(_A41), splat(_A42), splat(_A43)
    for i in range(len(rows)):
        row = rows[i]
        u1 = load(w.u1, row)
        if last == 1:
            change = a21 * u1
        elif last == 2:
            change = a31 * u1 + a32 * load(w.u2, row)
        else:
            change = a41 * u1 + a42 * load(w.u2, row) + a43 * load(w.u3, row)
        store(w.y_new, row, load(w.y, row) + change)


@compiled
def _explicit_stage(w, rows, last):
    """The same for slow rows, which have no system to solve: an explicit stage from the rates of change themselves."""
    h = load(w.values, 0)
    first, second = splat(_ALPHA21) * h, splat(_ALPHA31) * h
    third = splat(_ALPHA32) * h
    for i in range(len(rows)):
        row = rows[i]
        if last == 1:
            change = first * load(w.slope, row)
        elif last == 2:
            change = second * load(w.slope, row) + third * load(w.u2, row)
        else:
            change = h * load(w.u3, row)
        store(w.y_new, row, load(w.y, row) + change)


@compiled
def _conclude(w, rows, first_table, m, e, rtol, atol):
    """New state and error from four vectors with weights `m` and `e`; keep what is needed to judge the step."""
    m1, m2, m3, m4 = m
    e1, e2, e3, e4 = e
    absolute, relative = splat(atol), splat(rtol)
    error, lowest = load(w.values, 1), load(w.values, 2)
    highest, total = load(w.values, 3), load(w.values, 4)
    for i in range(len(rows)):
        row = rows[i]
        u1, u2, u3, u4 = load(first_table, row), load(w.u2, row), load(w.u3, row), load(w.new_slope, row)
        old = load(w.y, row)
        new = old + (m1 * u1 + m2 * u2 + m3 * u3 + m4 * u4)
        store(w.y_new, row, new)
        difference = e1 * u1 + e2 * u2 + e3 * u3 + e4 * u4
        error = larger(scaled(difference, old, new, absolute, relative), error)
        lowest = smaller(room(old, new, absolute), lowest)
        highest = larger(new, highest)
        total = total + new
    report(w.values, error, lowest, highest, total)


@compiled
def attempt_rosw(function, prepare, solve, size, offset, first, w, rtol, atol):
    """One step of every lane from (y, slope).

    Stages are kept in ``y_new`` and the fourth vector in ``new_slope`` until both are needed: small tables stay in the
    nearest cache.
    """
    h = load(w.values, 0)
    store(w.implicit, 0, splat(_GAMMA) * h)
    prepare(w.y, w.rate, w.p, w.q, w.implicit, size, offset, first)
    step = load(w.implicit, 0)
    _solved(w, w.fast, step, 1)
    solve(w.y, w.rate, w.p, w.q, w.u1, w.implicit, size, offset, first)
    _stage(w, w.fast, 1)
    _explicit_stage(w, w.slow, 1)
    function(w.y_new, w.rate, w.u2, size, offset, first)
    _solved(w, w.fast, step, 2)
    solve(w.y, w.rate, w.p, w.q, w.u2, w.implicit, size, offset, first)
    _stage(w, w.fast, 2)
    _explicit_stage(w, w.slow, 2)
    function(w.y_new, w.rate, w.u3, size, offset, first)
    _solved(w, w.fast, step, 3)
    solve(w.y, w.rate, w.p, w.q, w.u3, w.implicit, size, offset, first)
    _stage(w, w.fast, 3)
    _explicit_stage(w, w.slow, 3)
    function(w.y_new, w.rate, w.new_slope, size, offset, first)
    _solved(w, w.fast, step, 4)
    solve(w.y, w.rate, w.p, w.q, w.new_slope, w.implicit, size, offset, first)
    zero = splat(0.0)
    report(w.values, zero, zero, zero, zero)
    m = (splat(_M1), splat(_M2), splat(_M3), splat(_M4))
    e = (splat(_E1), splat(_E2), splat(_E3), splat(_E4))
    _conclude(w, w.fast, w.u1, m, e, rtol, atol)
    m = (splat(_B1) * h, splat(_B2) * h, splat(_B3) * h, splat(_B4) * h)
    e = (splat(_D1) * h, splat(_D2) * h, splat(_D3) * h, splat(_D4) * h)
    _conclude(w, w.slow, w.slope, m, e, rtol, atol)
    function(w.y_new, w.rate, w.new_slope, size, offset, first)
