"""Which reactions a leap passes over, and which are followed one by one.

All of it is decided before a leap from the state that it begins in, so that no leap is longer or shorter for what takes
place in it.
"""

from __future__ import annotations

import math

from crnsim.compiled import compiled, inlined
from crnsim.solvers.stochastic import propensities
from crnsim.solvers.stochastic.lengths import longest
from crnsim.solvers.stochastic.tables import Tables
from crnsim.solvers.stochastic.work import (
    AGE,
    BEFORE,
    CHANGED,
    CHOSEN,
    DRIVEN,
    ENOUGH,
    EVENTS,
    LANGEVIN,
    PARTITION,
    TAU,
    Work,
)

#: Tau-leaping follows reactions that change a species of which there are fewer molecules than this: they may run out,
#: or be made and used up again within a leap.
_CRITICAL = 10.0
#: The partition follows reactions that change a species of which there are fewer molecules than this.
_FEW = 20.0
#: Where a species drives reactions, and its own are followed: a leap lasts at most so many of its turnovers; but if
#: there are fewer molecules of it than this, what it drives is followed too, unless it changes less than so often.
_TURNOVER, _FEW_DRIVERS, _AT_REST = 0.5, 5.0, 0.1
#: Reactions that are expected to take place less often in a leap than this are followed.
_RARE = 0.1
#: A leap over fewer firings costs more than to follow them: so many, for each of its reactions, and for each of all.
_FEWEST, _WORTH, _OVERHEAD = 8.0, 1.5, 0.02
#: A leap is at most so many times as long as the one before,
_GROWTH = 1.1
#: and at most this part of the time since everything was known, when the run or a presentation began: fluctuations that
#: are not there yet are small in all leaps then. But the first may be this part of what any other might be, and that of
#: what drivers that are followed allow: their first change is seen at times that are recorded before it.
_SINCE, _FIRST, _DRIVEN_FIRST = 0.1, 0.1, 0.002
#: Reactions are sorted anew after so many leaps, after so many events for each, or when a species has become too few.
_LEAPS = 32
_EVENTS = 2
#: So many events are no reason for it.
_SHORTEST_FOLLOWED = 50.0


@compiled
def _sort(t: Tables, w: Work) -> None:
    """Tell reactions to leap over from those to follow, by the molecules that they change."""
    count = w.molecules
    for row in range(len(w.least)):
        w.least[row] = -1.0
    chosen = 0
    for r in range(len(t.number)):
        value = propensities.propensity(t, w, r)
        w.propensity[r] = value
        leaps = value > 0.0 or w.policy == LANGEVIN
        for at in range(t.change_at[r], t.change_at[r + 1]):
            leaps = leaps and not count[t.change_row[at]] < _needed(w.policy, t.change_by[at])
        w.leaps[r] = 1 if leaps else 0
        if leaps:
            w.chosen[chosen] = r
            chosen += 1
    w.sorted[CHOSEN] = chosen
    _list_changed(t, w)
    w.longest[DRIVEN] = math.inf


@inlined
def _needed(policy, by):
    """Molecules that there must be of a species for a leap over a reaction that changes it by `by`."""
    if policy == PARTITION:
        return _FEW * abs(by)
    return _CRITICAL * abs(by) if policy == TAU else 0.0


@compiled
def _list_changed(t: Tables, w: Work) -> None:
    """List the rows that leaps change, and how many molecules there must be of each."""
    changed = 0
    for place in range(w.sorted[CHOSEN]):
        r = w.chosen[place]
        for at in range(t.change_at[r], t.change_at[r + 1]):
            row = t.change_row[at]
            if w.least[row] < 0.0:
                w.changed[changed] = row
                w.least[row] = 0.0
                changed += 1
            w.least[row] = max(w.least[row], _needed(w.policy, t.change_by[at]))
    w.sorted[CHANGED] = changed


@inlined
def _at_least_one(t, w, r):
    """Propensity of a reaction if there were at least one molecule of each that it takes."""
    owner = t.owner[t.group[r]]
    value = w.constant[r]
    for taken in range(t.more[r] + 1):
        value *= max(w.molecules[owner] - taken, 1.0)
    for at in range(t.partner_at[r], t.partner_at[r + 1]):
        value *= max(w.molecules[t.partner_row[at]] - t.partner_less[at], 1.0)
    return value


@compiled
def _sum_turnover(t: Tables, w: Work) -> None:
    """Write into `w.turnover` how fast reactions that are followed bring each species back to its mean, about.

    A species that is made of another and turned into it again relaxes with both of their turnovers. Reactions count as
    if there were one molecule at least of what they take: a gene that is on comes back as fast when it has gone off.
    """
    for row in range(len(w.gain)):
        w.gain[row] = w.loss[row] = 0.0
    for r in range(len(t.number)):
        if w.leaps[r] == 0 and w.constant[r] > 0.0:
            often = _at_least_one(t, w, r)
            for at in range(t.change_at[r], t.change_at[r + 1]):
                change = t.change_by[at] * often
                if change > 0.0:
                    w.gain[t.change_row[at]] += change
                else:
                    w.loss[t.change_row[at]] -= change
    for row in range(len(w.gain)):
        w.gain[row] = max(w.gain[row], w.loss[row]) / max(w.molecules[row], 1.0)
        w.turnover[row] = 0.0
    for r in range(len(t.number)):
        if w.leaps[r] == 0 and w.constant[r] > 0.0:
            together = 0.0
            for at in range(t.change_at[r], t.change_at[r + 1]):
                together += w.gain[t.change_row[at]]
            for at in range(t.change_at[r], t.change_at[r + 1]):
                w.turnover[t.change_row[at]] = max(w.turnover[t.change_row[at]], together)


@inlined
def _restless(w, row, tau):
    """Whether what a species drives must be followed, because there are few of it, and they change."""
    return w.molecules[row] < _FEW_DRIVERS and w.turnover[row] * tau > _AT_REST


@compiled
def _follow_driven(t: Tables, w: Work, tau: float) -> bool:
    """Let reactions be followed that few molecules drive, and limit leaps by how fast others relax.

    Return whether there are any that were not: what they change then drives others as what is followed does.
    """
    _sum_turnover(t, w)
    more = False
    for place in range(w.sorted[CHOSEN]):
        r = w.chosen[place]
        owner = t.owner[t.group[r]]
        restless = _restless(w, owner, tau)
        fastest = w.turnover[owner]
        for at in range(t.partner_at[r], t.partner_at[r + 1]):
            row = t.partner_row[at]
            restless = restless or _restless(w, row, tau)
            fastest = max(fastest, w.turnover[row])
        if restless:
            w.leaps[r] = 0
            more = True
        elif fastest * w.longest[DRIVEN] > _TURNOVER:
            w.longest[DRIVEN] = _TURNOVER / fastest
    return more


@compiled
def _follow_rare(w: Work, tau: float) -> None:
    """Let reactions be followed that are expected to take place hardly ever in a leap."""
    for place in range(w.sorted[CHOSEN]):
        r = w.chosen[place]
        if w.propensity[r] * tau < _RARE:
            w.leaps[r] = 0


@compiled
def _list_again(t: Tables, w: Work) -> None:
    """List what is leapt over after some of it is to be followed."""
    chosen = 0
    for place in range(w.sorted[CHOSEN]):
        r = w.chosen[place]
        if w.leaps[r] == 1:
            w.chosen[chosen] = r
            chosen += 1
    w.sorted[CHOSEN] = chosen
    for at in range(w.sorted[CHANGED]):
        w.least[w.changed[at]] = -1.0
    _list_changed(t, w)


@compiled
def _outdated(w: Work) -> bool:
    """Whether reactions must be sorted anew."""
    if w.sorted[AGE] < 0:
        return True
    if w.policy != LANGEVIN and (w.sorted[AGE] >= _LEAPS or w.tally[EVENTS] >= w.sorted[ENOUGH]):
        return True
    for at in range(w.sorted[CHANGED]):
        row = w.changed[at]
        if w.molecules[row] < w.least[row]:
            return True
    return False


@compiled
def _worth(t: Tables, w: Work, tau: float) -> bool:
    """Whether a leap costs less than to follow what it passes over."""
    expected = 0.0
    for place in range(w.sorted[CHOSEN]):
        expected += w.propensity[w.chosen[place]]
    return expected * tau >= _FEWEST + _WORTH * w.sorted[CHOSEN] + _OVERHEAD * len(t.number)


@compiled
def choose(t: Tables, w: Work, passed: float, left: float) -> float:
    """Decide on a leap of at most `left` when a time has passed; return its length, 0 where all is to be followed."""
    tau = math.inf
    if _outdated(w):
        _sort(t, w)
        tau = longest(t, w)
        if w.policy != LANGEVIN:
            while _follow_driven(t, w, min(tau, left)):
                _list_again(t, w)
                tau = longest(t, w)
            tau = longest(t, w)
            _follow_rare(w, min(tau, left))
            _list_again(t, w)
        w.sorted[AGE] = 0
        w.sorted[ENOUGH] = w.tally[EVENTS] + _EVENTS * len(t.number)
        if w.policy != LANGEVIN and _worth(t, w, min(tau, left)):
            for r in range(len(t.number)):
                w.active[r] = 0.0 if w.leaps[r] == 1 else w.constant[r]
            propensities.set_all(t, w)
    else:
        tau = longest(t, w)
    w.sorted[AGE] += 1
    # Leaps that are the shorter the farther a species is from its mean would widen its law.
    first = min(_FIRST * tau, _DRIVEN_FIRST * w.longest[DRIVEN])
    tau = min(tau, _GROWTH * w.longest[BEFORE], max(first, _SINCE * passed))
    if w.policy != LANGEVIN and not _worth(t, w, min(tau, left)):
        follow_all(t, w)
        w.longest[BEFORE] = math.inf
        return 0.0
    w.longest[BEFORE] = tau
    if w.policy != LANGEVIN:
        # What is followed for too long may have become something to leap over.
        most = max(_EVENTS * len(t.number), _SHORTEST_FOLLOWED)
        if tau * propensities.total(t, w) > most:
            tau = most / propensities.total(t, w)
    # No short last leap: two of the same length take its place.
    return left if tau >= left else min(tau, 0.5 * left)


@compiled
def follow_all(t: Tables, w: Work) -> None:
    """Let every reaction be followed."""
    for r in range(len(t.number)):
        w.leaps[r] = 0
        w.active[r] = w.constant[r]
    w.sorted[AGE] = -1
    propensities.set_all(t, w)
