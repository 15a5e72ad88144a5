"""The explicit pair of Bogacki and Shampine, of order 3(2)."""

from __future__ import annotations

from crnsim.compiled import inlined
from crnsim.kinetics.lanes import larger, load, smaller, splat, store
from crnsim.solvers.ode.error import report, room, scaled
from crnsim.solvers.ode.work import NEW_SLOPE, SLOPE, U1, U2, Y_NEW, Y


@inlined
def attempt_bs23(function, size, offset, first, w, rtol, atol):
    """One step of every lane from (y, slope) with the pair of Bogacki and Shampine, order 3(2).

    Appl. Math. Lett. 2, 321 (1989), doi 10.1016/0893-9659(89)90079-7.
    """
    n = size[0]
    t, at = w.tables, w.at
    y = t[at[Y]]
    y_new = t[at[Y_NEW]]
    slope = t[at[SLOPE]]
    new_slope = t[at[NEW_SLOPE]]
    u1 = t[at[U1]]
    u2 = t[at[U2]]
    h = load(w.values, 0)
    half, three_quarters = splat(0.5) * h, splat(0.75) * h
    for row in range(n):
        store(y_new, row, load(y, row) + half * load(slope, row))
    function(y_new, w.rate, u1, size, offset, first)
    for row in range(n):
        store(y_new, row, load(y, row) + three_quarters * load(u1, row))
    function(y_new, w.rate, u2, size, offset, first)
    b1, b2, b3 = splat(2.0 / 9.0) * h, splat(1.0 / 3.0) * h, splat(4.0 / 9.0) * h
    for row in range(n):
        change = b1 * load(slope, row) + b2 * load(u1, row) + b3 * load(u2, row)
        store(y_new, row, load(y, row) + change)
    function(y_new, w.rate, new_slope, size, offset, first)
    e1, e2 = splat(-5.0 / 72.0) * h, splat(1.0 / 12.0) * h
    e3, e4 = splat(1.0 / 9.0) * h, splat(-1.0 / 8.0) * h
    absolute, relative = splat(atol), splat(rtol)
    error = lowest = highest = total = splat(0.0)
    for row in range(n):
        old, new = load(y, row), load(y_new, row)
        difference = (
            e1 * load(slope, row) + e2 * load(u1, row) + e3 * load(u2, row) + e4 * load(new_slope, row)
        )
        error = larger(scaled(difference, old, new, absolute, relative), error)
        lowest = smaller(room(old, new, absolute), lowest)
        highest = larger(new, highest)
        total = total + (new + difference)
    report(w.values, error, lowest, highest, total)
