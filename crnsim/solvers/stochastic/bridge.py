"""Values at recorded times within a leap."""

from __future__ import annotations

import math

import numpy as np

from crnsim.compiled import compiled
from crnsim.noise.philox import philox
from crnsim.solvers.protocol import Protocol, Record
from crnsim.solvers.stochastic import loop
from crnsim.solvers.stochastic.tables import Tables
from crnsim.solvers.stochastic.variates import binomial, normal
from crnsim.solvers.stochastic.work import CHANGED, CHOSEN, LEAPS, Work

_TO_WHOLE = 2.0**52
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

    Firings of a leap are spread evenly over it; each independently of the others, but where species are used up again
    in less than the leap: what one firing adds another has taken away long before its end, so that sums of them differ
    by the less. They are drawn by a generator of each recorded time, so that none influences the run, or another.

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
    for place in range(first, last):
        share = min(max((loop.mark(p, member, place) - times[0]) / span, 0.0), 1.0)
        words = philox(
            w.key[0],
            w.key[1],
            np.uint64(about.first_number + r.run[member].presentation),
            np.uint64(w.tally[LEAPS]),
            np.uint64(share * _TO_WHOLE),
            _ONE,
        )
        for i in range(4):
            w.aside[i] = words[i]
        kept = r.trajectory[about.record_slot, slot, place]
        _spread(t, w, share, place >= before, span, continuous)
        for at in range(w.sorted[CHANGED]):
            row = w.changed[at]
            if kept[row] * about.volume + w.moved[row] < 0.0:
                # Firings in such an order would take more than there is.
                _instead(t, w, share, place >= before, continuous)
                break
        for at in range(w.sorted[CHANGED]):
            row = w.changed[at]
            kept[row] = max(kept[row] + w.moved[row] / about.volume, 0.0)


@compiled
def _spread(t: Tables, w: Work, share: float, after: bool, span: float, continuous: bool) -> None:
    """Write into `w.moved` what a leap has changed by a share of its time, less all of it where that is there already.

    What linear interpolation between two ends of a leap lacks of the variance of a species that relaxes at a rate g is
    that of independent firings, divided by 1 + g span / 2; g is estimated by how often what a reaction changes is used
    up.
    """
    for at in range(w.sorted[CHANGED]):
        w.moved[w.changed[at]] = 0.0
    for chosen in range(w.sorted[CHOSEN]):
        r = w.chosen[chosen]
        number = w.total[r]
        if number == 0.0:
            continue
        relaxes = 0.0
        for at in range(t.change_at[r], t.change_at[r + 1]):
            relaxes += w.used_up[t.change_row[at]]
        apart = 1.0 / (1.0 + 0.5 * relaxes * span)
        if continuous:
            spread = w.propensity[r] * span * share * (1.0 - share) * apart
            done = share * number + math.sqrt(spread) * normal(w.aside)
        else:
            apart = np.ceil(apart * number)
            done = binomial(apart, share, w.aside) + np.floor(share * (number - apart) + 0.5)
        if after:
            done -= number
        for at in range(t.change_at[r], t.change_at[r + 1]):
            w.moved[t.change_row[at]] += t.change_by[at] * done


@compiled
def _instead(t: Tables, w: Work, share: float, after: bool, continuous: bool) -> None:
    """The same, along a straight line between both ends; of whole numbers that of the nearer end."""
    done = (share if continuous else 0.0) - (1.0 if after and continuous else 0.0)
    for at in range(w.sorted[CHANGED]):
        w.moved[w.changed[at]] = 0.0
    for chosen in range(w.sorted[CHOSEN]):
        r = w.chosen[chosen]
        for at in range(t.change_at[r], t.change_at[r + 1]):
            w.moved[t.change_row[at]] += t.change_by[at] * done * w.total[r]
