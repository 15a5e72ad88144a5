"""A run of molecules from presentation to presentation: what is shown, drawn, kicked and kept, for every method."""

from __future__ import annotations

import math

from crnsim.compiled import compiled, inlined
from crnsim.outcomes import OK, STEP_LIMIT
from crnsim.solvers import events
from crnsim.solvers.protocol import DONE, OVERFLOW, RUNNING, STOP, Protocol, Record
from crnsim.solvers.stochastic import counts, propensities
from crnsim.solvers.stochastic.random import seed, uniform
from crnsim.solvers.stochastic.tables import Tables
from crnsim.solvers.stochastic.work import CONTACTS, EVENTS, LEAPS, REPEATED, SPENT, Work

#: Events for which a step of the budget stands: a reaction of one molecule is far less than a step of all.
EVENTS_PER_STEP = 1000


@compiled
def _begin(t: Tables, p: Protocol, w: Work, member: int, presentation: int) -> None:
    """Show the next sample, and draw the rate constants that hold from now on."""
    volume = p.member[member].volume
    events.show_sample(p, member, presentation, w.values, w.draws)
    counts.count_sample(p, w, volume)
    if presentation == 0 or p.member[member].noise_rates > 0.0:
        events.draw_rates(p, w.first, member, presentation, w.rates, w.draws)
        propensities.set_constants(t, w, volume)


@compiled
def keep(p: Protocol, r: Record, w: Work, member: int, slot: int, place: int, until: float) -> int:
    """Write the recorded times up to `until`; return the number of those that are done."""
    while place < len(p.grid) and mark(p, member, place) <= until:
        kept = r.trajectory[p.member[member].record_slot, slot, place]
        counts.to_state(w, p.member[member].volume, kept)
        place += 1
    return place


@compiled
def mark(p: Protocol, member: int, place: int) -> float:
    """The next recorded time; infinity if there is none."""
    return p.grid[place] * p.member[member].running_time if place < len(p.grid) else math.inf


@compiled
def interrupted(p: Protocol, r: Record, w: Work, member: int) -> bool:
    """Whether the budget is spent, or the batch is to stop."""
    return w.tally[SPENT] >= p.member[member].max_steps * EVENTS_PER_STEP or r.control[STOP] != 0


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
def _note(r: Record, w: Work, member: int, time: float) -> None:
    """Write down how far a run has come."""
    run = r.run[member]
    run.time, run.steps = time, w.tally[EVENTS] + w.tally[LEAPS]
    run.evaluations, run.rejected, run.contacts = w.tally[LEAPS], w.tally[REPEATED], w.tally[CONTACTS]


@inlined
def _follow(k, t, p, r, w, member, until):
    """Follow one run; return how it ended."""
    about = p.member[member]
    loss = 0.0
    counts.count_start(w, p.start[member], about.volume)
    events.keep_checkpoints(p, r, member, 0, p.start[member])
    for i in range(len(w.tally)):
        w.tally[i] = 0
    for i in range(len(w.rest)):
        w.rest[i] = uniform(w.random)
    ended = OK
    for presentation in range(about.n_presentations):
        r.run[member].presentation = presentation
        _begin(t, p, w, member, presentation)
        slot = events.recorded(p, member, presentation)
        place = 0 if slot >= 0 else len(p.grid)
        time, kicks, changes = 0.0, 0, 0
        while True:
            stop = events.next_stop(p, member, kicks, changes)
            time, place = until(k, t, p, r, w, member, slot, place, time, stop)
            _note(r, w, member, time)
            if counts.too_many(w):
                ended = OVERFLOW
            elif time < stop:
                spent = w.tally[SPENT] >= about.max_steps * EVENTS_PER_STEP
                ended = STEP_LIMIT if spent else RUNNING
            if ended != OK or not stop < about.running_time:
                break
            if place < len(p.grid):
                place = keep(p, r, w, member, slot, place, stop)
            if events.next_kick(p, member, kicks) <= stop:
                counts.to_state(w, about.volume, w.state)
                events.kick(p, member, presentation, kicks, w.state, w.before, w.draws)
                counts.count_kicked(p, w, about.volume)
                kicks += 1
            if events.next_change(p, member, changes) <= stop:
                changes += 1
                events.change_rates(p, w.first, member, presentation, changes, w.rates, w.draws)
                propensities.set_constants(t, w, about.volume)
        if ended != OK:
            break
        if place < len(p.grid):
            keep(p, r, w, member, slot, place, math.inf)
        loss = _end_presentation(p, r, w, member, presentation, loss)
    return ended


@inlined
def follow_all(k, t, p, r, w, keys, first, last, until):
    """Follow the runs from `first` up to but not including `last`, one after the other, and fill `r`.

    ``until(k, t, p, r, w, member, slot, place, time, stop)`` is a method: it lets reactions take place from `time` to
    `stop`, writes recorded times from number `place` on, and returns the time that it has reached, before `stop` only
    where it is `interrupted`, and the number of the next recorded time.
    """
    for member in range(first, last):
        if r.control[STOP] != 0:
            return
        w.key[0], w.key[1] = keys[member, 0], keys[member, 1]
        seed(keys[member, 0], keys[member, 1], p.member[member].first_number, w.random)
        r.run[member].status = _follow(k, t, p, r, w, member, until)
        counts.to_state(w, p.member[member].volume, r.final[member])
        if r.run[member].status != OK:
            r.control[DONE] += p.member[member].n_presentations - r.run[member].presentation
