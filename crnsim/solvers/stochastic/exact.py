"""Exact stochastic simulation: every reaction of every molecule, by the direct method over partial propensities.

D. T. Gillespie, J. Phys. Chem. 81 (1977), 2340, doi 10.1021/j100540a008. A waiting time that reaches beyond a moment at
which something else happens is dropped: the time that is left from there on has the same law.
"""

from __future__ import annotations

import numpy as np

from crnsim.compiled import compiled, entry
from crnsim.kinetics.kernels import Kinetics
from crnsim.solvers.protocol import Protocol, Record
from crnsim.solvers.stochastic import counts, loop, propensities
from crnsim.solvers.stochastic.tables import Tables
from crnsim.solvers.stochastic.work import EVENTS, SPENT, Work

#: Events between looks at whether the batch is to stop.
_EVENTS = 1 << 16
#: No limit of the number of events.
NO_LIMIT = 1 << 62


@compiled
def pass_time(
    t: Tables,
    p: Protocol,
    r: Record,
    w: Work,
    member: int,
    slot: int,
    place: int,
    time: float,
    stop: float,
    last: int,
) -> tuple[float, int]:
    """Let the active reactions take place up to a time, or up to the event number `last`; see `loop.follow_all`."""
    later = -1.0
    budget = p.member[member].max_steps * loop.EVENTS_PER_STEP
    while not later >= stop:
        if w.tally[EVENTS] >= last or loop.interrupted(p, r, w, member) or counts.too_many(w):
            return time, place
        mark = loop.mark(p, member, place)
        most = min(budget - w.tally[SPENT], last - w.tally[EVENTS], _EVENTS)
        time, later, done = propensities.advance(t, w, time, later, mark, stop, most)
        w.tally[EVENTS] += done
        w.tally[SPENT] += done
        if mark < later < stop:
            place = loop.keep(p, r, w, member, slot, place, later)
    return stop, place


@compiled
def _until(k, t, p, r, w, member, slot, place, time, stop):
    """Follow every reaction up to a time."""
    propensities.set_all(t, w)
    return pass_time(t, p, r, w, member, slot, place, time, stop, NO_LIMIT)


@entry
def follow(
    k: Kinetics, t: Tables, p: Protocol, r: Record, w: Work, keys: np.ndarray, first: int, last: int
) -> None:
    """Follow some runs, one after the other.

    Parameters
    ----------
    k : Kinetics
        Not called.
    t : Tables
    p : Protocol
    r : Record
        Filled in. A non-zero ``r.control[STOP]`` set from another thread stops the batch.
    w : Work
    keys : numpy.ndarray, shape (runs, 2)
        Of each run's random numbers.
    first, last : int
        From the run `first` up to but not including `last`.
    """
    loop.follow_all(k, t, p, r, w, keys, first, last, _until)
