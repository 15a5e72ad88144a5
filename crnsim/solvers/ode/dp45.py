"""The explicit pair of Dormand and Prince, of order 5(4), for tight tolerances where nothing is stiff."""

from __future__ import annotations

import numpy as np

from crnsim.compiled import inlined
from crnsim.kinetics.kernels import Kinetics, rates_of_change
from crnsim.kinetics.lanes import fused, larger, load, smaller, splat, store
from crnsim.solvers.ode.error import Lanes, report, room, scaled
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

_A21 = 1 / 5
_A31, _A32 = 3 / 40, 9 / 40
_A41, _A42, _A43 = 44 / 45, -56 / 15, 32 / 9
_A51, _A52, _A53, _A54 = 19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729
_A61, _A62, _A63, _A64, _A65 = 9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656
_B1, _B3, _B4, _B5, _B6 = 35 / 384, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84
#: Weights of the new state less those of the embedded one, of order 4.
_E1, _E3, _E4, _E5, _E6, _E7 = 71 / 57600, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40


@inlined
def _stage(n: int, target: np.ndarray, y: np.ndarray, terms: tuple[tuple[Lanes, np.ndarray], ...]) -> None:
    """``target = y + a u + b v + c w``."""
    (a, u), (b, v), (c, w) = terms
    for row in range(n):
        most = fused(b, load(v, row), fused(c, load(w, row), load(y, row)))
        store(target, row, fused(a, load(u, row), most))


def attempt_dp45(k: Kinetics, w: Work) -> None:
    """One step of every lane from (y, slope) with the pair of Dormand and Prince, order 5(4).

    Stages ``k_i = f(y + h sum_j a_ij k_j)`` with the coefficients above, ``y_new = y + h sum_j b_j k_j``, and the
    seventh, at y_new, is the first of the next step. J. Comput. Appl. Math. 6, 19 (1980), doi
    10.1016/0771-050X(80)90013-3.
    """
    n = k.size[0]
    t, at = w.tables, w.at
    y = t[at[Y]]
    y_new = t[at[Y_NEW]]
    k1 = t[at[SLOPE]]
    k7 = t[at[NEW_SLOPE]]
    k2 = t[at[U1]]
    k3 = t[at[U2]]
    k4 = t[at[U3]]
    k5 = t[at[U4]]
    k6 = t[at[U5]]
    h = load(w.attempt, STEP)
    a = splat(_A21) * h
    for row in range(n):
        store(y_new, row, fused(a, load(k1, row), load(y, row)))
    rates_of_change(k, y_new, w.rate, k2)
    a, b = splat(_A31) * h, splat(_A32) * h
    for row in range(n):
        store(y_new, row, fused(a, load(k1, row), fused(b, load(k2, row), load(y, row))))
    rates_of_change(k, y_new, w.rate, k3)
    _stage(n, y_new, y, ((splat(_A41) * h, k1), (splat(_A42) * h, k2), (splat(_A43) * h, k3)))
    rates_of_change(k, y_new, w.rate, k4)
    _stage(n, y_new, y, ((splat(_A51) * h, k1), (splat(_A52) * h, k2), (splat(_A53) * h, k3)))
    a = splat(_A54) * h
    for row in range(n):
        store(y_new, row, fused(a, load(k4, row), load(y_new, row)))
    rates_of_change(k, y_new, w.rate, k5)
    _stage(n, y_new, y, ((splat(_A61) * h, k1), (splat(_A62) * h, k2), (splat(_A63) * h, k3)))
    a, b = splat(_A64) * h, splat(_A65) * h
    for row in range(n):
        store(y_new, row, fused(a, load(k4, row), fused(b, load(k5, row), load(y_new, row))))
    rates_of_change(k, y_new, w.rate, k6)
    _stage(n, y_new, y, ((splat(_B1) * h, k1), (splat(_B3) * h, k3), (splat(_B4) * h, k4)))
    a, b = splat(_B5) * h, splat(_B6) * h
    for row in range(n):
        store(y_new, row, fused(a, load(k5, row), fused(b, load(k6, row), load(y_new, row))))
    rates_of_change(k, y_new, w.rate, k7)
    e1, e3, e4 = splat(_E1) * h, splat(_E3) * h, splat(_E4) * h
    e5, e6, e7 = splat(_E5) * h, splat(_E6) * h, splat(_E7) * h
    tolerance, each, relative = w.absolute, w.each, load(w.relative, RELATIVE)
    error = lowest = highest = total = splat(0.0)
    for row in range(n):
        old, new, absolute = load(y, row), load(y_new, row), load(tolerance, each * row)
        difference = fused(e5, load(k5, row), fused(e6, load(k6, row), e7 * load(k7, row)))
        difference = fused(e3, load(k3, row), fused(e4, load(k4, row), difference))
        difference = fused(e1, load(k1, row), difference)
        error = larger(scaled(difference, old, new, absolute, relative), error)
        lowest = smaller(room(old, new, absolute), lowest)
        highest = larger(new, highest)
        total = total + difference
    report(w.attempt, error, lowest, highest, total)
