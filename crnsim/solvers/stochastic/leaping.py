"""Leaps over many reactions at once: tau-leaping, the chemical Langevin equation, and a partition by state.

A leap stands between two halves of the time in which reactions are followed one by one that no leap passes over
(G. Strang, SIAM J. Numer. Anal. 5 (1968), 506, doi 10.1137/0705041): the one sees what the other has done half a leap
ago, on average. How often each reaction takes place in a leap is drawn from propensities that stay what they are when
it begins, and corrected by half of what the leap changes them; explicitly by `tau`, where D is S draw(a tau), else by

    (1 - tau/2 J) D = S draw(a tau),    K = draw(a tau) + tau/2 (a(X + D) - a(X)),

with the stoichiometry S and the Jacobian J of what is leapt over. That is the trapezoidal rule (Y. Cao, L. Petzold,
Comput. Meth. Appl. Mech. Eng. 194 (2005), 2195), linearly implicit; where the propensities are linear its stationary
covariance is that of linear noise, J C + C J^T + S diag(a) S^T = 0, however long the leaps are.
"""

from __future__ import annotations

import math

import numpy as np

from crnsim.compiled import compiled, entry, inlined
from crnsim.kinetics.kernels import Kinetics, prepare_linear, solve_linear
from crnsim.kinetics.lanes import LANES
from crnsim.kinetics.signatures import LINEAR_STEP, PIVOT
from crnsim.solvers import events
from crnsim.solvers.protocol import Protocol, Record
from crnsim.solvers.stochastic import counts, exact, limits, loop, partition, propensities
from crnsim.solvers.stochastic.bridge import put_between
from crnsim.solvers.stochastic.exact import NO_LIMIT
from crnsim.solvers.stochastic.tables import Tables
from crnsim.solvers.stochastic.variates import normal, poisson
from crnsim.solvers.stochastic.work import (
    AGE,
    BEFORE,
    CHANGED,
    CHOSEN,
    EVENTS,
    LANGEVIN,
    LEAPS,
    REPEATED,
    SPENT,
    TAU,
    Work,
)

#: More firings than this in one leap are drawn from a normal law.
_MANY = 1000.0
#: Where all is followed: events for each reaction, and at least, until it is looked again what can be leapt over.
_FOLLOWED, _FOLLOWED_LEAST = 10, 50
#: A leap is cut in halves so many times at most when a species would fall below zero.
_HALVES = 40
#: What grows at a rate g lacks g tau / 2 of a pivot of 1: so much at most, and so often a leap is shortened for it.
_LACK, _SHORTENED = 0.005, 20


@compiled
def _drawn(mean: float, policy: int, random: np.ndarray) -> float:
    """How often a reaction takes place in a leap."""
    if policy == LANGEVIN:
        return mean + math.sqrt(mean) * normal(random)
    if mean > _MANY:
        return max(np.floor(mean + math.sqrt(mean) * normal(random) + 0.5), 0.0)
    return poisson(mean, random)


@compiled
def _ahead(t: Tables, w: Work, r: int, change: np.ndarray, share: float) -> float:
    """Propensity of a reaction where this share of a change has taken place."""
    owner = t.owner[t.group[r]]
    value = w.constant[r]
    for taken in range(t.more[r] + 1):
        value *= _there(w, owner, change, share, float(taken))
    for at in range(t.partner_at[r], t.partner_at[r + 1]):
        value *= _there(w, t.partner_row[at], change, share, t.partner_less[at])
    return value


@inlined
def _there(w, row, change, share, less):
    """Molecules of a species then, beside those that have been taken."""
    moved = share * change[row] if w.least[row] >= 0.0 else 0.0
    return max(w.molecules[row] + moved - less, 0.0)


@compiled
def _draw(t: Tables, w: Work, tau: float) -> None:
    """Draw how often each reaction takes place, and what that changes."""
    for at in range(w.sorted[CHANGED]):
        w.moved[w.changed[at]] = 0.0
    for place in range(w.sorted[CHOSEN]):
        r = w.chosen[place]
        w.propensity[r] = propensities.propensity(t, w, r)
        # The noise of a leap is that of its middle; its mean so far that of its beginning.
        middle = _ahead(t, w, r, w.mean, 0.5 * tau)
        number = _drawn(middle * tau, w.policy, w.random) + tau * (w.propensity[r] - middle)
        w.extent[r] = number
        for at in range(t.change_at[r], t.change_at[r + 1]):
            w.moved[t.change_row[at]] += t.change_by[at] * number


@compiled
def _factor(k: Kinetics, t: Tables, w: Work, tau: float, volume: float) -> None:
    """Factor the linear system of a leap in the present state."""
    for row in range(len(w.state)):
        w.state[row] = max(w.molecules[row], 0.0) / volume
    if w.sorted[AGE] == 1:  # others have been chosen
        for r in range(len(w.masked)):
            w.masked[r] = 0.0
        for place in range(w.sorted[CHOSEN]):
            number = t.number[w.chosen[place]]
            w.masked[number] = w.rates[number]
        events.put_run(w.masked, w.table_rate, w.lane)
    events.put_run(w.state, w.table_y, w.lane)
    for every in range(LANES):
        w.implicit[LINEAR_STEP, every] = 0.5 * tau if w.lane < 0 or every == w.lane else 0.0
    prepare_linear(k, w.table_y, w.table_rate, w.p, w.q, w.implicit)


@compiled
def _factor_what_grows(k: Kinetics, t: Tables, w: Work, tau: float, volume: float) -> float:
    """Factor the linear system of a leap, which is shortened until nothing grows much in it; return its length."""
    for _ in range(_SHORTENED):
        _factor(k, t, w, tau, volume)
        lack = 1.0 - w.implicit[PIVOT, max(w.lane, 0)]
        if lack <= _LACK:
            break
        tau *= max(0.9 * math.sqrt(_LACK / lack), 0.1)
        w.longest[BEFORE] = tau
    return tau


@compiled
def _respond(k: Kinetics, t: Tables, w: Work, tau: float, volume: float) -> None:
    """Write into `w.moved` what a leap changes when its drift follows the changes."""
    if w.implicit[LINEAR_STEP, max(w.lane, 0)] != 0.5 * tau:
        _factor(k, t, w, tau, volume)
    for row in range(len(w.right)):
        w.right[row] = 0.0
    for at in range(w.sorted[CHANGED]):
        w.right[w.changed[at]] = w.moved[w.changed[at]]
    events.put_run(w.right, w.table_x, w.lane)
    solve_linear(k, w.table_y, w.table_rate, w.p, w.q, w.table_x, w.implicit)
    events.get_run(w.table_x, w.lane, w.right)
    for at in range(w.sorted[CHANGED]):
        w.moved[w.changed[at]] = w.right[w.changed[at]]


@compiled
def _correct(t: Tables, w: Work, tau: float) -> None:
    """Bring numbers of firings in line with how propensities change in a leap."""
    for place in range(w.sorted[CHOSEN]):
        r = w.chosen[place]
        # Whatever the order of a reaction: the noise of a leap has a mean effect on its propensity.
        after = _ahead(t, w, r, w.moved, 1.0)
        number = w.extent[r] + 0.5 * tau * (after - w.propensity[r])
        if w.policy != LANGEVIN:
            # What is rounded off is left for the next leap, so that rounding adds no noise.
            wanted = number + w.rest[r]
            number = max(np.floor(wanted), 0.0)
            w.rest[r] = wanted - number
        w.extent[r] = number


@compiled
def _apply(t: Tables, w: Work, sign: float) -> bool:
    """Let a leap take place, or undo it; return whether no species is below zero."""
    for place in range(w.sorted[CHOSEN]):
        r = w.chosen[place]
        for at in range(t.change_at[r], t.change_at[r + 1]):
            w.molecules[t.change_row[at]] += sign * t.change_by[at] * w.extent[r]
    least = 0.0
    for at in range(w.sorted[CHANGED]):
        least = min(least, w.molecules[w.changed[at]])
    return least >= 0.0


@compiled
def _leap(k: Kinetics, t: Tables, p: Protocol, w: Work, member: int, tau: float) -> bool:
    """Leap over a time, in parts where a species would fall below zero; return whether that could be done.

    How often each reaction has taken place stays in `w.total`.
    """
    for place in range(w.sorted[CHOSEN]):
        w.total[w.chosen[place]] = 0.0
    for at in range(w.sorted[CHANGED]):
        w.at_leap[w.changed[at]] = w.molecules[w.changed[at]]
    left, part, halves = tau, tau, 0
    while left > 0.0:
        part = min(part, left)
        _draw(t, w, part)
        if w.policy != TAU:
            _respond(k, t, w, part, p.member[member].volume)
        _correct(t, w, part)
        if w.policy == LANGEVIN:
            limits.keep_above_zero(t, w)
        elif not _apply(t, w, 1.0):
            _apply(t, w, -1.0)
            w.tally[REPEATED] += 1
            w.tally[SPENT] += loop.EVENTS_PER_STEP
            halves += 1
            if halves == _HALVES:
                w.tally[SPENT] = p.member[member].max_steps * loop.EVENTS_PER_STEP
                return False
            part *= 0.5
            continue
        for place in range(w.sorted[CHOSEN]):
            w.total[w.chosen[place]] += w.extent[w.chosen[place]]
        left -= part
        w.tally[LEAPS] += 1
        w.tally[SPENT] += loop.EVENTS_PER_STEP
    return True


@compiled
def _until(k, t, p, r, w, member, slot, place, time, stop):
    """Leap, and follow what no leap passes over, up to a time; see `loop.follow_all`."""
    # What has been shown, drawn or kicked may have changed everything.
    w.sorted[AGE] = -1
    w.longest[BEFORE] = math.inf
    began = time
    while time < stop:
        if loop.interrupted(p, r, w, member):
            return time, place
        tau = partition.choose(t, w, time - began, stop - time)
        if not tau > 0.0 and w.policy == LANGEVIN:
            # Propensities that are no numbers: nothing could be followed instead.
            w.tally[SPENT] = p.member[member].max_steps * loop.EVENTS_PER_STEP
            return time, place
        if tau > 0.0:
            if w.policy != TAU:
                tau = _factor_what_grows(k, t, w, tau, p.member[member].volume)
            time, place = _step(k, t, p, r, w, member, slot, place, time, tau, stop)
        else:
            most = w.tally[EVENTS] + max(_FOLLOWED * len(t.number), _FOLLOWED_LEAST)
            time, place = exact.pass_time(t, p, r, w, member, slot, place, time, stop, most)
        if counts.too_many(w):
            return time, place
    return stop, place


@compiled
def _step(k, t, p, r, w, member, slot, place, time, tau, stop):
    """One leap between two halves of the time; return the time reached, and the number of the next recorded time."""
    end = min(time + tau, stop)
    middle, first, followed = 0.5 * (time + end), place, w.policy != LANGEVIN
    if followed:
        reached, place = exact.pass_time(t, p, r, w, member, slot, place, time, middle, NO_LIMIT)
        if reached < middle:
            return reached, place
    place = loop.keep(p, r, w, member, slot, place, middle) if place < len(p.grid) else place
    before = place
    if not _leap(k, t, p, w, member, tau):
        return time, place
    if followed:
        propensities.follow_changes(t, w, w.changed, w.sorted[CHANGED])
        reached, place = exact.pass_time(t, p, r, w, member, slot, place, middle, end, NO_LIMIT)
        if reached < end:
            return reached, place
    place = loop.keep(p, r, w, member, slot, place, end) if place < len(p.grid) else place
    if place > first:
        put_between(t, p, r, w, member, slot, (first, before, place), (time, end), w.policy == LANGEVIN)
    return end, place


@entry
def follow(
    k: Kinetics, t: Tables, p: Protocol, r: Record, w: Work, keys: np.ndarray, first: int, last: int
) -> None:
    """Follow some runs, one after the other, by the method ``w.policy``; parameters are those of `exact.follow`."""
    loop.follow_all(k, t, p, r, w, keys, first, last, _until)
