"""The explicit pair of Bogacki and Shampine, of order 3(2)."""

from __future__ import annotations

from crnsim.kinetics.kernels import Kinetics, rates_of_change
from crnsim.kinetics.lanes import fused, larger, load, smaller, splat, store
from crnsim.solvers.ode.error import report, room, scaled
from crnsim.solvers.ode.work import NEW_SLOPE, RELATIVE, SLOPE, STEP, U1, U2, Y_NEW, Work, Y


def attempt_bs23(k: Kinetics, w: Work) -> None:
    """One step of every lane from (y, slope) with the pair of Bogacki and Shampine, order 3(2).

    With k1 the slope at y::

        k2 = f(y + h/2 k1)        k3 = f(y + 3h/4 k2)
        y_new = y + h (2/9 k1 + 1/3 k2 + 4/9 k3)        k4 = f(y_new), the next step's k1
        error = h (-5/72 k1 + 1/12 k2 + 1/9 k3 - 1/8 k4)

    Appl. Math. Lett. 2, 321 (1989), doi 10.1016/0893-9659(89)90079-7.
    """
    n = k.size[0]
    t, at = w.tables, w.at
    y = t[at[Y]]
    y_new = t[at[Y_NEW]]
    slope = t[at[SLOPE]]
    new_slope = t[at[NEW_SLOPE]]
    u1 = t[at[U1]]
    u2 = t[at[U2]]
    h = load(w.attempt, STEP)
    half, three_quarters = splat(0.5) * h, splat(0.75) * h
    for row in range(n):
        store(y_new, row, fused(half, load(slope, row), load(y, row)))
    rates_of_change(k, y_new, w.rate, u1)
    for row in range(n):
        store(y_new, row, fused(three_quarters, load(u1, row), load(y, row)))
    rates_of_change(k, y_new, w.rate, u2)
    b1, b2, b3 = splat(2.0 / 9.0) * h, splat(1.0 / 3.0) * h, splat(4.0 / 9.0) * h
    for row in range(n):
        most = fused(b2, load(u1, row), fused(b3, load(u2, row), load(y, row)))
        store(y_new, row, fused(b1, load(slope, row), most))
    rates_of_change(k, y_new, w.rate, new_slope)
    e1, e2 = splat(-5.0 / 72.0) * h, splat(1.0 / 12.0) * h
    e3, e4 = splat(1.0 / 9.0) * h, splat(-1.0 / 8.0) * h
    tolerance, each, relative = w.absolute, w.each, load(w.relative, RELATIVE)
    error = lowest = highest = total = splat(0.0)
    for row in range(n):
        old, new, absolute = load(y, row), load(y_new, row), load(tolerance, each * row)
        difference = fused(e3, load(u2, row), e4 * load(new_slope, row))
        difference = fused(e1, load(slope, row), fused(e2, load(u1, row), difference))
        error = larger(scaled(difference, old, new, absolute, relative), error)
        lowest = smaller(room(old, new, absolute), lowest)
        highest = larger(new, highest)
        total = total + difference
    report(w.attempt, error, lowest, highest, total)
