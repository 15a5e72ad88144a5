"""Exact stochastic simulation: every reaction of every molecule, by the direct method over partial propensities.

D. T. Gillespie, J. Phys. Chem. 81 (1977), 2340, doi 10.1021/j100540a008. A waiting time that reaches beyond a moment at
which something else happens is dropped: the time that is left from there on has the same law.
"""

from __future__ import annotations

import math

import numpy as np

from crnsim.compiled import compiled, entry
from crnsim.outcomes import OK, STEP_LIMIT
from crnsim.solvers import events
from crnsim.solvers.protocol import DONE, OVERFLOW, STOP, Protocol, Record
from crnsim.solvers.stochastic import counts, propensities
from crnsim.solvers.stochastic.random import seed
from crnsim.solvers.stochastic.tables import Tables
from crnsim.solvers.stochastic.work import Work

#: Events for which a step of the budget stands: a reaction of one molecule is far less than a step of all.
EVENTS_PER_STEP = 1000
#: Events between looks at whether the batch is to stop.
_EVENTS = 1 << 16


@compiled
def _begin(t: Tables, p: Protocol, w: Work, member: int, presentation: int) -> None:
    """Show the next sample, and draw the rate constants that hold from now on."""
    volume = p.member[member].volume
    events.show_sample(p, member, presentation, w.values, w.draws)
    counts.count_sample(p, w, volume)
    if presentation == 0 or p.member[member].noise_rates > 0.0:
        events.draw_rates(p, w.first, member, presentation, w.rates, w.draws)
        propensities.set_constants(t, w, volume)
    propensities.set_all(t, w)


@compiled
def _keep(p: Protocol, r: Record, w: Work, member: int, slot: int, place: int, until: float) -> int:
    """Write the recorded times before `until`; return the number of those that are done."""
    while place < len(p.grid) and _mark(p, member, place) < until:
        kept = r.trajectory[p.member[member].record_slot, slot, place]
        counts.to_state(w, p.member[member].volume, kept)
        place += 1
    return place


@compiled
def _mark(p: Protocol, member: int, place: int) -> float:
    """The next recorded time; infinity if there is none."""
    return p.grid[place] * p.member[member].running_time if place < len(p.grid) else math.inf


@compiled
def _end_presentation(p: Protocol, r: Record, w: Work, member: int, presentation: int, loss: float) -> float:
    """Keep what is kept when a presentation ends; return the losses of those that belong together."""
    counts.to_state(w, p.member[member].volume, w.state)
    done = presentation % p.per_loss
    loss = events.half_squared_error(p, member, presentation, w.state) + (loss if done > 0 else 0.0)
    if done == p.per_loss - 1:
        r.loss[member, presentation // p.per_loss] = loss / p.per_loss
    events.keep_trace(p, r, member, presentation, w.state)
    events.keep_checkpoints(p, r, member, presentation + 1, w.state)
    r.control[DONE] += 1
    return loss


@compiled
def _follow(t: Tables, p: Protocol, r: Record, w: Work, member: int) -> int:
    """Follow one run; return how it ended."""
    about = p.member[member]
    budget, steps, loss = about.max_steps * EVENTS_PER_STEP, 0, 0.0
    counts.count_start(w, p.start[member], about.volume)
    events.keep_checkpoints(p, r, member, 0, p.start[member])
    for presentation in range(about.n_presentations):
        r.run[member].presentation = presentation
        _begin(t, p, w, member, presentation)
        slot = events.recorded(p, member, presentation)
        place = 0 if slot >= 0 else len(p.grid)
        time, kicks = 0.0, 0
        stop = events.next_stop(p, member, kicks)
        while True:
            # Until the next event that comes from outside.
            later = -1.0
            while not later >= stop:
                if steps >= budget or r.control[STOP] != 0:
                    r.run[member].time, r.run[member].steps = time, steps
                    return STEP_LIMIT if steps >= budget else r.run[member].status
                mark = _mark(p, member, place)
                most = min(budget - steps, _EVENTS)
                time, later, done = propensities.advance(t, w, time, later, mark, stop, most)
                steps += done
                if mark < later < stop:
                    place = _keep(p, r, w, member, slot, place, later)
            time = stop
            r.run[member].time, r.run[member].steps = time, steps
            if counts.too_many(w):
                return OVERFLOW
            if not stop < about.running_time:
                break
            place = _keep(p, r, w, member, slot, place, stop) if place < len(p.grid) else place
            counts.to_state(w, about.volume, w.state)
            events.kick(p, member, presentation, kicks, w.state, w.before, w.draws)
            counts.count_kicked(p, w, about.volume)
            propensities.set_all(t, w)
            kicks += 1
            stop = events.next_stop(p, member, kicks)
        if place < len(p.grid):
            _keep(p, r, w, member, slot, place, math.inf)
        loss = _end_presentation(p, r, w, member, presentation, loss)
    return OK


@entry
def follow(t: Tables, p: Protocol, r: Record, w: Work, keys: np.ndarray, first: int, last: int) -> None:
    """Follow the runs from `first` up to but not including `last`, one after the other, and fill `r`.

    Parameters
    ----------
    t : Tables
    p : Protocol
    r : Record
        A non-zero ``r.control[STOP]`` set from another thread stops the batch.
    w : Work
    keys : numpy.ndarray, shape (runs, 2)
        Of each run's random numbers.
    first, last : int
    """
    for member in range(first, last):
        if r.control[STOP] != 0:
            return
        seed(keys[member, 0], keys[member, 1], p.member[member].first_number, w.random)
        r.run[member].status = _follow(t, p, r, w, member)
        counts.to_state(w, p.member[member].volume, r.final[member])
        if r.run[member].status != OK:
            r.control[DONE] += p.member[member].n_presentations - r.run[member].presentation
