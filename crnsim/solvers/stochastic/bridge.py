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
from crnsim.solvers.stochastic.work import CHOSEN, LEAPS, Work

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

    Firings of a leap are spread evenly, each independently of the others. They are drawn by a generator of each
    recorded time, so that none influences the run, or another.

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
        for chosen in range(w.sorted[CHOSEN]):
            reaction = w.chosen[chosen]
            number = w.total[reaction]
            if number == 0.0:
                continue
            if continuous:
                spread = w.propensity[reaction] * span * share * (1.0 - share)
                done = share * number + math.sqrt(spread) * normal(w.aside)
            else:
                done = binomial(number, share, w.aside)
            if place >= before:
                done -= number
            for at in range(t.change_at[reaction], t.change_at[reaction + 1]):
                kept[t.change_row[at]] += t.change_by[at] * done / about.volume
        for row in range(len(kept)):
            kept[row] = max(kept[row], 0.0)
