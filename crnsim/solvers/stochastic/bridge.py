"""Values at recorded times within a leap.

How often each reaction has taken place is known at both ends of a leap. In between it is drawn in the middle, then in
the middle of one of the halves, and so on (P. Levy's construction of a path), by a generator of each part: a path has
one law at all of its times, whatever times are asked for.
"""

from __future__ import annotations

import math

import numpy as np

from crnsim.compiled import compiled
from crnsim.noise.philox import philox
from crnsim.solvers.protocol import Protocol, Record
from crnsim.solvers.stochastic import loop
from crnsim.solvers.stochastic.tables import Tables
from crnsim.solvers.stochastic.variates import half, normal
from crnsim.solvers.stochastic.work import CHANGED, CHOSEN, LEAPS, Work

#: So often a leap is halved: parts that are shorter are straight lines.
_HALVED = 20
_ONE = np.uint64(1)


@compiled
def put_between(
    t: Tables,
    p: Protocol,
    r: Record,
    w: Work,
    member: int,
    slot: int,
    places: tuple[int, int, int],
    times: tuple[float, float],
    continuous: bool,
) -> None:
    """Add to recorded values what of a leap had taken place by then.

    Firings of a leap are spread evenly over it, each independently of the others, but where species are used up again:
    what one firing adds another may have taken away, so that sums of them differ by the less.

    Parameters
    ----------
    t : Tables
    p : Protocol
    r : Record
    w : Work
    member, slot : int
    places : tuple of int
        Recorded times from the first up to the second were written before the leap, those from there up to the third
        after it.
    times : tuple of float
        When the leap begins and ends.
    continuous : bool
        Whether numbers of firings are no whole ones.
    """
    first, before, last = places
    about = p.member[member]
    span = times[1] - times[0]
    _estimate_relaxation(t, w)
    for place in range(first, last):
        share = min(max((loop.mark(p, member, place) - times[0]) / span, 0.0), 1.0)
        _follow_path(t, w, about.first_number + r.run[member].presentation, share, span, continuous)
        kept = r.trajectory[about.record_slot, slot, place]
        _sum_moved(t, w, 1.0 if place >= before else 0.0)
        if not continuous:
            _leave_what_is_not_there(t, w, kept, about.volume, place >= before)
        for at in range(w.sorted[CHANGED]):
            row = w.changed[at]
            kept[row] = max(kept[row] + w.moved[row] / about.volume, 0.0)


@compiled
def _leave_what_is_not_there(t: Tables, w: Work, kept: np.ndarray, volume: float, after: bool) -> None:
    """Where what is followed meanwhile has taken it: rather nothing of what takes it, or all of what makes it."""
    for _ in range(w.sorted[CHANGED]):
        short = -1
        for at in range(w.sorted[CHANGED]):
            if kept[w.changed[at]] * volume + w.moved[w.changed[at]] < -0.5:
                short = w.changed[at]
        if short < 0:
            return
        for chosen in range(w.sorted[CHOSEN]):
            r = w.chosen[chosen]
            for at in range(t.change_at[r], t.change_at[r + 1]):
                if t.change_row[at] == short and (t.change_by[at] > 0.0) == after:
                    w.done[r] = w.total[r] if after else 0.0
        _sum_moved(t, w, 1.0 if after else 0.0)


@compiled
def _estimate_relaxation(t: Tables, w: Work) -> None:
    """Write into `w.relaxes` how fast what each reaction changes relaxes."""
    for chosen in range(w.sorted[CHOSEN]):
        r = w.chosen[chosen]
        w.relaxes[r] = 0.0
        for at in range(t.change_at[r], t.change_at[r + 1]):
            w.relaxes[r] += w.used_up[t.change_row[at]]


@compiled
def _follow_path(t: Tables, w: Work, number: int, share: float, span: float, continuous: bool) -> None:
    """Write into `w.done` how often each reaction has taken place after a share of a leap.

    `number` is that of the presentation.
    """
    for chosen in range(w.sorted[CHOSEN]):
        r = w.chosen[chosen]
        w.done[r], w.within[r] = 0.0, w.total[r]
    part, low, length = _ONE, 0.0, 1.0
    for _ in range(_HALVED):
        if share <= low:
            return
        words = philox(w.key[0], w.key[1], np.uint64(number), np.uint64(w.tally[LEAPS]), part, _ONE)
        for i in range(4):
            w.aside[i] = words[i]
        if not _halve(t, w, length * span, continuous):
            return
        length *= 0.5
        part <<= _ONE
        later = share >= low + length
        if later:
            low += length
            part |= _ONE
        for chosen in range(w.sorted[CHOSEN]):
            r = w.chosen[chosen]
            if later:
                w.done[r] += w.extent[r]
                w.within[r] -= w.extent[r]
            else:
                w.within[r] = w.extent[r]
    along = (share - low) / length
    for chosen in range(w.sorted[CHOSEN]):
        r = w.chosen[chosen]
        w.done[r] += along * w.within[r] if continuous else np.floor(along * w.within[r] + 0.5)


@compiled
def _halve(t: Tables, w: Work, span: float, continuous: bool) -> bool:
    """Write into `w.extent` what of `w.within` falls into the first half of a part of a leap; return if there is any.

    What linear interpolation between two ends of a part lacks of the variance of a species that relaxes at a rate g is
    that of independent firings, divided by 1 + g span / 2.
    """
    found = False
    for chosen in range(w.sorted[CHOSEN]):
        r = w.chosen[chosen]
        number = w.within[r]
        apart = 1.0 / (1.0 + 0.5 * w.relaxes[r] * span)
        if continuous:
            w.extent[r] = 0.5 * number + 0.5 * math.sqrt(w.propensity[r] * span * apart) * normal(w.aside)
            found = True
        else:
            evenly = 2.0 * np.floor(0.5 * (1.0 - apart) * number)
            w.extent[r] = half(number - evenly, w.aside) + 0.5 * evenly
            found = found or number > 0.0
    _sum_moved(t, w, 0.0)
    # Firings in such an order would take more than there is.
    for chosen in range(w.sorted[CHOSEN]):
        r = w.chosen[chosen]
        for at in range(t.change_at[r], t.change_at[r + 1]):
            w.moved[t.change_row[at]] += t.change_by[at] * w.extent[r]
    for at in range(w.sorted[CHANGED]):
        row = w.changed[at]
        if w.at_leap[row] + w.moved[row] < 0.0:
            _halve_evenly(w, continuous)
            break
    return found


@compiled
def _halve_evenly(w: Work, continuous: bool) -> None:
    """Half of it, or of whole numbers none: what stands between two states, or in one, that are not below zero."""
    for chosen in range(w.sorted[CHOSEN]):
        r = w.chosen[chosen]
        w.extent[r] = 0.5 * w.within[r] if continuous else 0.0


@compiled
def _sum_moved(t: Tables, w: Work, there: float) -> None:
    """Write into `w.moved` what of a leap has been done, less this part of all of it."""
    for at in range(w.sorted[CHANGED]):
        w.moved[w.changed[at]] = 0.0
    for chosen in range(w.sorted[CHOSEN]):
        r = w.chosen[chosen]
        done = w.done[r] - there * w.total[r]
        for at in range(t.change_at[r], t.change_at[r + 1]):
            w.moved[t.change_row[at]] += t.change_by[at] * done
