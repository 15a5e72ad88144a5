"""The stabilised Runge-Kutta-Chebyshev method of order 2, for moderately stiff networks."""

from __future__ import annotations

import numpy as np

from crnsim.compiled import compiled, inlined
from crnsim.kinetics.kernels import Kinetics, rates_of_change
from crnsim.kinetics.lanes import LANES, larger, load, smaller, splat, store
from crnsim.kinetics.signatures import RADIUS
from crnsim.solvers.ode.chebyshev import MAX_STAGES
from crnsim.solvers.ode.error import Lanes, report, room, scaled
from crnsim.solvers.ode.work import (
    GAMMA_STEP,
    MU,
    MU_STEP,
    NEW_SLOPE,
    NU,
    RELATIVE,
    REST,
    SLOPE,
    STAGE,
    STEP,
    U1,
    Y_NEW,
    Work,
    Y,
)

#: The spectral radius may grow by this factor within a step.
_RADIUS_SAFETY = 1.1


@inlined
def stable_length(table: np.ndarray, radius: Lanes) -> Lanes:
    """Longest steps that are stable with the most stages."""
    return splat(table[MAX_STAGES, 0, 0] / _RADIUS_SAFETY) / radius


@compiled
def plan_stages(w: Work) -> None:
    """Set the fewest stages that keep each step stable."""
    for lane in range(LANES):
        product, s = w.attempt[STEP, lane] * w.implicit[RADIUS, lane], 2
        while s < MAX_STAGES and w.chebyshev[s, 0, 0] < _RADIUS_SAFETY * product:
            s += 1
        w.stages[lane] = s


@inlined
def _coefficients(w: Work, stage: int) -> None:
    """Set the coefficients of a stage for every lane; a lane past its own last stage stands still."""
    for lane in range(LANES):
        s = w.stages[lane]
        h = w.attempt[STEP, lane]
        mu, nu = w.chebyshev[s, stage, 0], w.chebyshev[s, stage, 1]
        w.coefficient[MU, lane] = mu
        w.coefficient[NU, lane] = nu
        w.coefficient[MU_STEP, lane] = w.chebyshev[s, stage, 2] * h
        w.coefficient[GAMMA_STEP, lane] = w.chebyshev[s, stage, 3] * h
        w.coefficient[REST, lane] = 1.0 - mu - nu


def attempt_rkc(k: Kinetics, w: Work) -> None:
    """One step of every lane with the Runge-Kutta-Chebyshev method of order 2, with as many stages as each needs.

    With y_0 = y and y_1 = y + mu~_1 h f(y), stage j from 2 to s is::

        y_j = mu_j y_{j-1} + nu_j y_{j-2} + (1 - mu_j - nu_j) y + mu~_j h f(y_{j-1}) + gamma~_j h f(y)
        error = 2 (4/5 (y - y_s) + 2/5 h (f(y) + f(y_s)))

    Sommeijer, Shampine, Verwer, J. Comput. Appl. Math. 88, 315 (1998), doi 10.1016/S0377-0427(97)00219-7.
    """
    n = k.size[0]
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
    tilde = load(w.coefficient, MU_STEP)
    for row in range(n):
        old = load(y, row)
        store(newer, row, old + tilde * load(slope, row))
        store(older, row, old)
    for number in range(2, last + 1):
        rates_of_change(k, newer, w.rate, u1)
        _coefficients(w, number)
        mu, nu = load(w.coefficient, MU), load(w.coefficient, NU)
        tilde, gamma = load(w.coefficient, MU_STEP), load(w.coefficient, GAMMA_STEP)
        rest = load(w.coefficient, REST)
        for row in range(n):
            before = mu * load(newer, row) + nu * load(older, row) + rest * load(y, row)
            store(older, row, before + tilde * load(u1, row) + gamma * load(slope, row))
        newer, older = older, newer
    rates_of_change(k, y_new, w.rate, new_slope)
    # Twice the usual estimate: the result is of order 2 itself, so that errors add up faster than with the pairs.
    h = splat(0.8) * load(w.attempt, STEP)
    tolerance, each, relative, weight = w.absolute, w.each, load(w.relative, RELATIVE), splat(1.6)
    error = lowest = highest = total = splat(0.0)
    for row in range(n):
        old, new, absolute = load(y, row), load(y_new, row), load(tolerance, each * row)
        difference = weight * (old - new) + h * (load(slope, row) + load(new_slope, row))
        error = larger(scaled(difference, old, new, absolute, relative), error)
        lowest = smaller(room(old, new, absolute), lowest)
        highest = larger(new, highest)
        total = total + difference
    report(w.attempt, error, lowest, highest, total)
