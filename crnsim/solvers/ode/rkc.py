"""The stabilised Runge-Kutta-Chebyshev method of order 2, for moderately stiff networks."""

from __future__ import annotations

import numpy as np

from crnsim.compiled import compiled, inlined
from crnsim.kinetics.lanes import LANES, larger, load, smaller, splat, store
from crnsim.solvers.ode.chebyshev import MAX_STAGES
from crnsim.solvers.ode.error import report, room, scaled
from crnsim.solvers.ode.work import NEW_SLOPE, SLOPE, STAGE, U1, Y_NEW, Y

#: The spectral radius may grow by this factor within a step.
_RADIUS_SAFETY = 1.1


@compiled
def stages_needed(table, product):
    """Fewest stages that keep a step stable whose length times spectral radius is `product`."""
    s = 2
    while s < MAX_STAGES and table[s, 0, 0] < _RADIUS_SAFETY * product:
        s += 1
    return s


@compiled
def longest_step(table, radius):
    """Longest step that is stable with the most stages."""
    return table[MAX_STAGES, 0, 0] / (_RADIUS_SAFETY * radius) if radius > 0.0 else np.inf


@inlined
def _coefficients(w, stage):
    """Set the coefficients of a stage for every lane; a lane past its own last stage stands still."""
    for lane in range(LANES):
        s = w.stages[lane]
        h = w.values[0, lane]
        mu, nu = w.chebyshev[s, stage, 0], w.chebyshev[s, stage, 1]
        w.coefficient[0, lane] = mu
        w.coefficient[1, lane] = nu
        w.coefficient[2, lane] = w.chebyshev[s, stage, 2] * h
        w.coefficient[3, lane] = w.chebyshev[s, stage, 3] * h
        w.coefficient[4, lane] = 1.0 - mu - nu


@inlined
def attempt_rkc(function, size, offset, first, w, rtol, atol):
    """One step of every lane with the Runge-Kutta-Chebyshev method of order 2, with as many stages as each needs.

    Sommeijer, Shampine, Verwer, J. Comput. Appl. Math. 88, 315 (1998), doi 10.1016/S0377-0427(97)00219-7.
    """
    n = size[0]
    t, at = w.tables, w.at
    y = t[at[Y]]
    y_new = t[at[Y_NEW]]
    slope = t[at[SLOPE]]
    new_slope = t[at[NEW_SLOPE]]
    stage = t[at[STAGE]]
    u1 = t[at[U1]]
    last = 2
    for lane in range(LANES):
        last = max(last, w.stages[lane])
    # Stages take turns in two tables so that the last one is y_new.
    newer, older = (stage, y_new) if last % 2 == 0 else (y_new, stage)
    _coefficients(w, 1)
    tilde = load(w.coefficient, 2)
    for row in range(n):
        old = load(y, row)
        store(newer, row, old + tilde * load(slope, row))
        store(older, row, old)
    for number in range(2, last + 1):
        function(newer, w.rate, u1, size, offset, first)
        _coefficients(w, number)
        mu, nu = load(w.coefficient, 0), load(w.coefficient, 1)
        tilde, gamma = load(w.coefficient, 2), load(w.coefficient, 3)
        rest = load(w.coefficient, 4)
        for row in range(n):
            before = mu * load(newer, row) + nu * load(older, row) + rest * load(y, row)
            store(older, row, before + tilde * load(u1, row) + gamma * load(slope, row))
        newer, older = older, newer
    function(y_new, w.rate, new_slope, size, offset, first)
    # Twice the usual estimate: the result is of order 2 itself, so that errors add up faster than with the pairs.
    h = splat(0.8) * load(w.values, 0)
    absolute, relative, weight = splat(atol), splat(rtol), splat(1.6)
    error = lowest = highest = total = splat(0.0)
    for row in range(n):
        old, new = load(y, row), load(y_new, row)
        difference = weight * (old - new) + h * (load(slope, row) + load(new_slope, row))
        error = larger(scaled(difference, old, new, absolute, relative), error)
        lowest = smaller(room(old, new, absolute), lowest)
        highest = larger(new, highest)
        total = total + (new + difference)
    report(w.values, error, lowest, highest, total)
