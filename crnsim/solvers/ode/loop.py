"""Adaptive integration of a batch of runs by compiled code.

Small networks have eight runs side by side, each with its own step, method and events; a large network has one at a
time (see `crnsim.kinetics.codegen`). A step is accepted when its estimated error is at most ``atol + rtol |y|`` for
every species and it takes no concentration more than `atol` below zero (`crnsim.solvers.ode.control`); concentrations
are never set to zero, because that would break the invariants the chemistry lives on.

In the arguments, `k` is `Kinetics`, `p` the `Protocol`, `r` the `Record` and `w` the `Work` of a batch.
"""

from __future__ import annotations

import numpy as np

from crnsim.compiled import compiled, entry, inlined
from crnsim.kinetics.kernels import Kinetics, rates_of_change
from crnsim.kinetics.lanes import load, select, store
from crnsim.outcomes import OK, STEP_LIMIT
from crnsim.solvers import events
from crnsim.solvers.ode import choice, control, guard, recording
from crnsim.solvers.ode.factors import prepare
from crnsim.solvers.ode.recording import column
from crnsim.solvers.ode.steps import RODAS, STEPS, attempt
from crnsim.solvers.ode.work import (
    ACCEPTED,
    CEILING,
    EVALUATIONS,
    METHOD,
    MOST_STEPS,
    NEW_SLOPE,
    REACHED,
    RECORDING,
    REJECTIONS,
    SLOPE,
    SPENT_ALL,
    STAGE,
    STEP,
    STEPS_DONE,
    STOP_TIME,
    TIME,
    TRIAL_ENDS,
    VANISHED,
    Y_NEW,
    Work,
    Y,
    put,
)
from crnsim.solvers.protocol import BLOWN_UP, DONE, STOP, Protocol, Record


@compiled
def _put_everywhere(w: Work, state: np.ndarray, lane: int) -> None:
    """Set a run's state in every table: catalysts are never stepped, so each table needs its own copy."""
    all_or_one = column(w, lane)
    events.put_run(state, w.tables[w.at[Y]], all_or_one)
    events.put_run(state, w.tables[w.at[Y_NEW]], all_or_one)
    events.put_run(state, w.tables[w.at[STAGE]], all_or_one)


@compiled
def _begin_presentation(p: Protocol, r: Record, w: Work, policy: int, first: np.ndarray, lane: int) -> None:
    """Show the next sample: clamp its rails, draw its rates, remember the state if it is still moderate."""
    member, presentation = w.lane[lane].member, w.lane[lane].presentation
    values = w.sample
    events.show_sample(p, member, presentation, values, w.draws)
    state = w.state
    events.get_run(w.tables[w.at[Y]], column(w, lane), state)
    highest = 0.0
    for row in range(len(state)):
        highest = max(highest, state[row])
    if highest <= 10.0 * p.member[member].moderate:
        events.copy(state, r.safe[member])
        r.run[member].safe_presentation = presentation
    events.clamp(p, values, state)
    _put_everywhere(w, state, lane)
    if presentation == 0 or p.member[member].noise_rates > 0.0:
        events.get_run(w.rate, column(w, lane), w.constants)
        events.draw_rates(p, first, member, presentation, w.constants, w.draws)
        events.put_run(w.constants, w.rate, column(w, lane))
    put(w, TIME, lane, 0.0)
    w.lane[lane].kicks = w.lane[lane].changes = 0
    put(w, STOP_TIME, lane, events.next_stop(p, member, 0, 0))
    w.lane[lane].grid = 0
    w.lane[lane].recorded_as = events.recorded(p, member, presentation)
    choice.choose_method(p, w, policy, lane)
    control.restart(w, lane)
    if w.lane[lane].recorded_as >= 0 and p.grid[0] == 0.0:
        events.copy(state, r.trajectory[p.member[member].record_slot, w.lane[lane].recorded_as, 0])
        w.lane[lane].grid = 1
    left = w.lane[lane].recorded_as >= 0 and w.lane[lane].grid < len(p.grid)
    put(w, RECORDING, lane, 1.0 if left else 0.0)


@compiled
def _begin_member(
    p: Protocol, r: Record, w: Work, policy: int, first: np.ndarray, lane: int, member: int
) -> None:
    """Load a run into a lane; with none left (-1) the lane idles at step zero."""
    w.lane[lane].member = member
    if member < 0:
        put(w, METHOD, lane, -1.0)
        put(w, TRIAL_ENDS, lane, np.inf)
        w.state[:] = 0.0
        _put_everywhere(w, w.state, lane)
        return
    events.put_run(p.start[member], w.tables[w.at[Y]], column(w, lane))
    w.lane[lane].presentation = 0
    control.begin(w, p.member[member].running_time, p.member[member].first_step, lane)
    put(w, MOST_STEPS, lane, p.member[member].max_steps)
    put(w, CEILING, lane, p.member[member].ceiling)
    guard.set_tolerances(p, w, lane)
    events.keep_checkpoints(p, r, member, w.lane[lane].presentation, p.start[member])
    _begin_presentation(p, r, w, policy, first, lane)


@inlined
def _finish(r: Record, w: Work, lane: int, status: int) -> None:
    """Write down how a run ended."""
    member = w.lane[lane].member
    r.run[member].status = status
    events.get_run(w.tables[w.at[Y]], column(w, lane), r.final[member])
    events.get_run(w.absolute, column(w, lane), r.atol[member])
    r.run[member].presentation = w.lane[lane].presentation
    r.run[member].time = w.place[TIME, lane]
    r.run[member].steps = int(w.place[STEPS_DONE, lane])
    r.run[member].rejected = int(w.place[REJECTIONS, lane])
    r.run[member].evaluations = int(w.place[EVALUATIONS, lane])


@compiled
def _keep_loss(p: Protocol, r: Record, w: Work, lane: int, state: np.ndarray) -> None:
    """Add a presentation to the mean that it belongs to; the entry stays nan until the mean is complete."""
    member, presentation = w.lane[lane].member, w.lane[lane].presentation
    done = presentation % p.per_loss
    if done == 0:
        w.lane[lane].loss = 0.0
    w.lane[lane].loss += events.half_squared_error(p, member, presentation, state)
    if done == p.per_loss - 1:
        r.loss[member, presentation // p.per_loss] = w.lane[lane].loss / p.per_loss


@compiled
def _disturb(p: Protocol, w: Work, first: np.ndarray, lane: int) -> None:
    """Kick a lane, whose state is in `w.state`, or change its rate constants, or both."""
    about = w.lane[lane]
    member, now = about.member, w.place[STOP_TIME, lane]
    if events.next_kick(p, member, about.kicks) <= now:
        events.kick(p, member, about.presentation, about.kicks, w.state, w.before, w.draws)
        events.put_run(w.state, w.tables[w.at[Y]], column(w, lane))
        about.kicks += 1
    if events.next_change(p, member, about.changes) <= now:
        about.changes += 1
        events.get_run(w.rate, column(w, lane), w.constants)
        events.change_rates(p, first, member, about.presentation, about.changes, w.constants, w.draws)
        events.put_run(w.constants, w.rate, column(w, lane))
    control.restart(w, lane)
    put(w, STOP_TIME, lane, events.next_stop(p, member, about.kicks, about.changes))


@compiled
def _event(p: Protocol, r: Record, w: Work, policy: int, first: np.ndarray, lane: int) -> bool:
    """A lane has reached its stop: kick it, or end its presentation; return whether its run is over."""
    member = w.lane[lane].member
    put(w, EVALUATIONS, lane, w.place[EVALUATIONS, lane] + 1.0)
    state = w.state
    events.get_run(w.tables[w.at[Y]], column(w, lane), state)
    if w.place[STOP_TIME, lane] < p.member[member].running_time:
        _disturb(p, w, first, lane)
        return False
    _keep_loss(p, r, w, lane, state)
    events.keep_trace(p, r, member, w.lane[lane].presentation, state)
    choice.weigh_methods(w, policy, lane)
    w.lane[lane].presentation += 1
    r.control[DONE] += 1
    events.keep_checkpoints(p, r, member, w.lane[lane].presentation, state)
    if w.lane[lane].presentation == p.member[member].n_presentations:
        _finish(r, w, lane, OK)
        return True
    _begin_presentation(p, r, w, policy, first, lane)
    return False


@compiled
def _ended(p: Protocol, r: Record, w: Work, lane: int) -> bool:
    """Check a lane for a blow-up, a spent budget or a vanishing step; return whether its run is over."""
    status = OK
    for row in range(len(w.state)):
        if recording.value_of(w, Y, row, lane) > w.place[CEILING, lane]:
            status = BLOWN_UP
    control.find_limits(w)
    if status == OK and w.attempt[SPENT_ALL, lane] == 1.0:
        status = STEP_LIMIT
    elif status == OK and w.attempt[VANISHED, lane] == 1.0:
        status = BLOWN_UP
    if status != OK:
        _finish(r, w, lane, status)
    return status != OK


@compiled
def _take(w: Work, n: int) -> None:
    """Move runs whose step was accepted to their new state and slope."""
    mask = load(w.attempt, ACCEPTED)
    t, at = w.tables, w.at
    y = t[at[Y]]
    y_new = t[at[Y_NEW]]
    slope = t[at[SLOPE]]
    new_slope = t[at[NEW_SLOPE]]
    for row in range(n):
        store(y, row, select(mask, load(y_new, row), load(y, row)))
        store(slope, row, select(mask, load(new_slope, row), load(slope, row)))


@compiled
def _exchange(w: Work) -> None:
    """All runs move to their new state and slope: tables change places, so that nothing is copied."""
    w.at[Y], w.at[Y_NEW] = w.at[Y_NEW], w.at[Y]
    w.at[SLOPE], w.at[NEW_SLOPE] = w.at[NEW_SLOPE], w.at[SLOPE]


@compiled
def _act(p: Protocol, r: Record, w: Work, policy: int, first: np.ndarray, queue: int) -> tuple[int, bool]:
    """Do what is due where clocks have reached an event, or a limit; return (next in the queue, were there events?)."""
    events_found = False
    for lane in range(len(w.lane)):
        if w.attempt[STEP, lane] == 0.0:
            continue
        over = _ended(p, r, w, lane)
        if not over and w.attempt[REACHED, lane] == 1.0:
            events_found = True
            over = _event(p, r, w, policy, first, lane) or _ended(p, r, w, lane)
        if over:
            r.control[DONE] += p.member[w.lane[lane].member].n_presentations - w.lane[lane].presentation
            _begin_member(p, r, w, policy, first, lane, w.queue[queue] if queue < len(p.start) else -1)
            queue += 1
            events_found = True
    return queue, events_found


@inlined
def _attempt(k: Kinetics, p: Protocol, w: Work, method: int, side: bool) -> None:
    """Attempt a step of every run that uses a method: as long as is planned, or a side step, which is aimed already."""
    if STEPS[method].stabilised == 1 and not side:
        prepare(k, w)
    if not side:
        control.plan_steps(w, method)
    attempt(method, k, w)


@entry
def integrate(
    k: Kinetics,
    policy: int,
    p: Protocol,
    r: Record,
    w: Work,
) -> None:
    """Integrate every member of `p` and fill `r`.

    Parameters
    ----------
    k : Kinetics
    policy : int
        A code of `crnsim.solvers.ode.steps`, or `crnsim.solvers.ode.choice.AUTO`.
    p : Protocol
    r : Record
        A non-zero ``r.control[STOP]`` set from another thread stops the batch.
    w : Work
    """
    n = k.size[0]
    first = k.first
    for lane in range(len(w.lane)):
        _begin_member(p, r, w, policy, first, lane, w.queue[lane] if lane < len(p.start) else -1)
    queue = len(w.lane)
    fresh, side, all_accepted = True, False, False
    method = control.next_method(w, -1)
    while method >= 0 and r.control[STOP] == 0:
        if fresh:
            rates_of_change(k, w.tables[w.at[Y]], w.rate, w.tables[w.at[SLOPE]])
            fresh = False
        _attempt(k, p, w, method, side)
        if side:
            recording.record_side_steps(p, r, w, method)
        else:
            all_accepted = control.judge_all(w, method)
            choice.end_failed_trials(w)
            if STEPS[method].interpolated == 1:
                recording.interpolate_all(p, r, w)
            elif recording.records(w):
                recording.put_step_aside(w, n)
                side = True
        if side:
            side = recording.plan_side_steps(p, w)
            if side:
                continue
            recording.restore_step(w, n)
            all_accepted = control.all_accepted(w)
        if p.guarded == 1:
            guard.watch(k.offset, p, r, w, n)
        if all_accepted:
            _exchange(w)
        elif w.wide == 0:
            _take(w, n)
        if len(p.scaled) > 0:
            guard.raise_tolerances(w, n, p.scaled)
        if w.candidates[0] == RODAS:
            choice.keep_sums(w)
        if w.explicit >= 0:
            choice.follow_stiffness(k, w)
        if control.move_clocks(w):
            queue, fresh = _act(p, r, w, policy, first, queue)
        method = control.next_method(w, method)
