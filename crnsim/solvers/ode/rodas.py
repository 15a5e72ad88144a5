"""A linearly implicit method of order 4(3) for tight tolerances where networks are stiff: six stages, whole Jacobian.

RODAS of Hairer and Wanner, Solving Ordinary Differential Equations II, section IV.10, doi 10.1007/978-3-642-05221-7:
L-stable, and so is the embedded solution, of order 3. Stage i, with J at y, is

    (1 - gamma h J) u_i = gamma h f(y + sum_j a_ij u_j) + gamma sum_j c_ij u_j.

The argument of the sixth is the embedded solution, u_6 its error, and their sum the new state.
"""

from __future__ import annotations

import numpy as np

from crnsim.compiled import inlined
from crnsim.kinetics.kernels import Kinetics, prepare_linear, rates_of_change, solve_linear
from crnsim.kinetics.lanes import larger, load, smaller, splat, store
from crnsim.kinetics.signatures import LINEAR_STEP
from crnsim.solvers.ode.error import report, room, scaled
from crnsim.solvers.ode.sums import sum0, sum1, sum2, sum3
from crnsim.solvers.ode.work import (
    NEW_SLOPE,
    RELATIVE,
    SLOPE,
    STEP,
    U1,
    U2,
    U3,
    U4,
    U5,
    Y_NEW,
    Work,
    Y,
)

GAMMA = 0.25
_A21 = 1.544
_A31, _A32 = 0.9466785280815826, 0.2557011698983284
_A41, _A42, _A43 = 3.314825187068521, 2.896124015972201, 0.9986419139977817
_A51, _A52, _A53, _A54 = 1.221224509226641, 6.019134481288629, 12.53708332932087, -0.6878860361058950
_C21 = -5.6688
_C31, _C32 = -2.430093356833875, -0.2063599157091915
_C41, _C42, _C43 = -0.1073529058151375, -9.594562251023355, -20.47028614809616
_C51, _C52, _C53, _C54 = 7.496443313967647, -10.24680431464352, -33.99990352819905, 11.70890893206160
_C61, _C62, _C63 = 8.083246795921522, -7.981132988064893, -31.52159432874371
_C64, _C65 = 16.31930543123136, -6.058818238834054
#: The new state is better than the embedded one, whose error u_6 is: about ten times in the accuracy table's networks.
_PART = 0.25


@inlined
def _conclude(n: int, w: Work, y: np.ndarray, y_new: np.ndarray, u6: np.ndarray) -> None:
    """The new state, and what is needed to judge the step."""
    tolerance, each, relative, part = w.absolute, w.each, load(w.relative, RELATIVE), splat(_PART)
    error = lowest = highest = total = splat(0.0)
    for row in range(n):
        old, absolute, change = load(y, row), load(tolerance, each * row), load(u6, row)
        new = load(y_new, row) + change
        store(y_new, row, new)
        error = larger(scaled(part * change, old, new, absolute, relative), error)
        lowest = smaller(room(old, new, absolute), lowest)
        highest = larger(new, highest)
        total = total + change
    report(w.attempt, error, lowest, highest, total)


def attempt_rodas(k: Kinetics, w: Work) -> None:
    """One step of every lane from (y, slope), where linear systems have the whole Jacobian.

    The stages' arguments, and at the end the new state, stand in ``y_new``; the last vector in ``new_slope``.
    """
    t, at, rows = w.tables, w.at, w.fast
    y = t[at[Y]]
    y_new = t[at[Y_NEW]]
    slope = t[at[SLOPE]]
    u6 = t[at[NEW_SLOPE]]
    u1 = t[at[U1]]
    u2 = t[at[U2]]
    u3 = t[at[U3]]
    u4 = t[at[U4]]
    u5 = t[at[U5]]
    p, q = w.p, w.q
    rate, implicit = w.rate, w.implicit
    one, g = splat(1.0), splat(GAMMA)
    step = g * load(w.attempt, STEP)
    store(implicit, LINEAR_STEP, step)
    prepare_linear(k, y, rate, p, q, implicit)
    sum0(rows, u1, step, slope)
    solve_linear(k, y, rate, p, q, u1, implicit)
    sum1(rows, y_new, one, y, splat(_A21), u1)
    rates_of_change(k, y_new, rate, u2)
    sum1(rows, u2, step, u2, g * splat(_C21), u1)
    solve_linear(k, y, rate, p, q, u2, implicit)
    sum2(rows, y_new, one, y, splat(_A31), u1, splat(_A32), u2)
    rates_of_change(k, y_new, rate, u3)
    sum2(rows, u3, step, u3, g * splat(_C31), u1, g * splat(_C32), u2)
    solve_linear(k, y, rate, p, q, u3, implicit)
    sum3(rows, y_new, one, y, splat(_A41), u1, splat(_A42), u2, splat(_A43), u3)
    rates_of_change(k, y_new, rate, u4)
    sum3(rows, u4, step, u4, g * splat(_C41), u1, g * splat(_C42), u2, g * splat(_C43), u3)
    solve_linear(k, y, rate, p, q, u4, implicit)
    sum3(rows, y_new, one, y, splat(_A51), u1, splat(_A52), u2, splat(_A53), u3)
    sum1(rows, y_new, one, y_new, splat(_A54), u4)
    rates_of_change(k, y_new, rate, u5)
    sum3(rows, u5, step, u5, g * splat(_C51), u1, g * splat(_C52), u2, g * splat(_C53), u3)
    sum1(rows, u5, one, u5, g * splat(_C54), u4)
    solve_linear(k, y, rate, p, q, u5, implicit)
    sum1(rows, y_new, one, y_new, one, u5)
    rates_of_change(k, y_new, rate, u6)
    sum3(rows, u6, step, u6, g * splat(_C61), u1, g * splat(_C62), u2, g * splat(_C63), u3)
    sum2(rows, u6, one, u6, g * splat(_C64), u4, g * splat(_C65), u5)
    solve_linear(k, y, rate, p, q, u6, implicit)
    _conclude(k.size[0], w, y, y_new, u6)
    rates_of_change(k, y_new, rate, u6)
