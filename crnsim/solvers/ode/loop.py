"""Adaptive integration of a batch of runs by compiled code.

Small networks have eight runs side by side, each with its own step, method and events; a large network has one at a
time (see `crnsim.kinetics.codegen`). A step is accepted when its estimated error is at most ``atol + rtol |y|`` for
every species and it takes no concentration more than `atol` below zero; concentrations are never set to zero, because
that would break the invariants the chemistry lives on.
"""

from __future__ import annotations

import math

from crnsim.compiled import compiled, inlined
from crnsim.kinetics.kernels import Kernel
from crnsim.kinetics.lanes import LANES, load, select, store
from crnsim.outcomes import OK, STEP_LIMIT
from crnsim.solvers.ode import choice, events
from crnsim.solvers.ode.bs23 import attempt_bs23
from crnsim.solvers.ode.choice import AUTO, BS23, RKC, ROSW
from crnsim.solvers.ode.rkc import attempt_rkc, longest_step, stages_needed
from crnsim.solvers.ode.rosw import attempt_rosw
from crnsim.solvers.ode.work import NEW_SLOPE, SLOPE, SPARE, STAGE, Y_NEW, P, Q, Y, new_work
from crnsim.solvers.protocol import BLOWN_UP, Protocol, Record

_FIRST_STEP = 1e-3
_SMALLEST_STEP = 1e-13  # of the time reached
_SHORTEST_STEP = 1e-20  # of the running time
_SAFETY = 0.9
_GROWTH = 5.0
_SHRINKAGE = 0.2


@compiled
def _column(w, lane):
    """Lane of the tables that a run is in; -1 for all of them."""
    return -1 if w.wide == 1 else lane


@compiled
def _at(w, name, row, lane):
    """One species of one run."""
    values = w.tables[w.at[name]]
    return values[row // LANES, row % LANES] if w.wide == 1 else values[row, lane]


@compiled
def _put_everywhere(w, state, lane):
    """Set a run's state in every table: catalysts are never stepped, so each table needs its own copy."""
    column = _column(w, lane)
    events.put_run(state, w.tables[w.at[Y]], column)
    events.put_run(state, w.tables[w.at[Y_NEW]], column)
    events.put_run(state, w.tables[w.at[STAGE]], column)


@compiled
def _begin_presentation(p, r, w, policy, first, lane):
    """Show the next sample: clamp its rails, draw its rates, remember the state if it is still moderate."""
    member, presentation = w.lane[lane].member, w.lane[lane].presentation
    values = w.sample
    events.show_sample(p, member, presentation, values, w.draws)
    state = w.state
    events.get_run(w.tables[w.at[Y]], _column(w, lane), state)
    highest = 0.0
    for row in range(len(state)):
        highest = max(highest, state[row])
    if highest <= 10.0 * p.member[member].moderate:
        events.copy(state, r.safe[member])
        r.run[member].safe_presentation = presentation
    events.clamp(p, values, state)
    _put_everywhere(w, state, lane)
    if presentation == 0 or p.member[member].rate_sigma > 0.0:
        events.draw_rates(p, first, member, presentation, w.constants, w.draws)
        events.put_run(w.constants, w.rate, _column(w, lane))
    w.lane[lane].time = 0.0
    w.lane[lane].kicks = 0
    w.lane[lane].grid = 0
    w.lane[lane].place = events.recorded(p, member, presentation)
    w.lane[lane].stop = events.next_stop(p, member, 0)
    choice.choose_method(p, w, policy, lane)
    _restart(w, lane)
    if w.lane[lane].place >= 0 and p.grid[0] == 0.0:
        events.copy(state, r.trajectory[p.member[member].record_slot, w.lane[lane].place, 0])
        w.lane[lane].grid = 1


@compiled
def _restart(w, lane):
    """Step after an event as after the last one."""
    w.lane[lane].opening = 1
    w.lane[lane].step = min(w.lane[lane].step, w.lane[lane].first_step)
    w.lane[lane].error = 0.0


@compiled
def _begin_member(p, r, w, policy, first, lane, member):
    """Load a run into a lane; with none left (-1) the lane idles at step zero."""
    w.lane[lane].member = member
    w.values[0, lane] = 0.0
    if member < 0:
        w.state[:] = 0.0
        _put_everywhere(w, w.state, lane)
        return
    events.put_run(p.start[member], w.tables[w.at[Y]], _column(w, lane))
    w.lane[lane].presentation = 0
    w.lane[lane].step = w.lane[lane].first_step = _FIRST_STEP * p.member[member].running_time
    w.lane[lane].rejected = 0
    events.keep_checkpoints(p, r, member, w.lane[lane].presentation, p.start[member])
    _begin_presentation(p, r, w, policy, first, lane)


@inlined
def _judge(runs, lanes, values, stages, lane):
    """Accept or reject a run's step and set its next one; return whether it was accepted.

    Here and where else every step comes by, functions take single tables: a call copies whole tuples of them.
    """
    member = lanes[lane].member
    error = values[1, lane]
    finite = math.isfinite(values[4, lane]) and math.isfinite(error)
    method = lanes[lane].method
    runs[member].evaluations += stages[lane] if method == RKC else 3 if method == BS23 else 4
    lanes[lane].spent += 1
    choice.end_failed_trial(lanes, lane)
    used = values[0, lane]
    if finite and error <= 1.0 and values[2, lane] >= 0.0:
        runs[member].steps += 1
        logarithm = math.log(max(error, 1e-8))
        factor = _SAFETY * math.exp((0.25 * lanes[lane].error - 0.85 * logarithm) / 3.0)
        limit = 1.0 if lanes[lane].rejected == 1 else _GROWTH
        planned = lanes[lane].step
        # A step cut short by an event says nothing against the longer one planned.
        lanes[lane].step = max(used * min(max(factor, _SHRINKAGE), limit), planned if used < planned else 0.0)
        if lanes[lane].opening == 1 and used >= planned:
            lanes[lane].first_step = used * min(max(factor, _SHRINKAGE), _GROWTH)
        lanes[lane].opening = 0
        lanes[lane].error = logarithm
        lanes[lane].rejected = 0
        return True
    runs[member].rejected += 1
    factor = _SHRINKAGE
    if finite:
        factor = 0.5 if error <= 1.0 else _SAFETY * math.exp(-math.log(error) / 3.0)
    lanes[lane].step = used * min(max(factor, _SHRINKAGE), 0.9)
    lanes[lane].rejected = 1
    return False


@compiled
def _interpolate(p, r, w, lane, time, new_time):
    """Keep the recorded times inside an accepted step by cubic Hermite interpolation (order 3)."""
    member = w.lane[lane].member
    slot, place, h = p.member[member].record_slot, w.lane[lane].place, new_time - time
    end = p.member[member].running_time
    while w.lane[lane].grid < len(p.grid) and p.grid[w.lane[lane].grid] * end <= new_time + 1e-12 * end:
        s = min(max((p.grid[w.lane[lane].grid] * end - time) / h, 0.0), 1.0)
        a = (1.0 + 2.0 * s) * (1.0 - s) * (1.0 - s)
        b = s * (1.0 - s) * (1.0 - s) * h
        c = s * s * (3.0 - 2.0 * s)
        d = s * s * (s - 1.0) * h
        target = r.trajectory[slot, place, w.lane[lane].grid]
        for row in range(w.dynamic, len(target)):
            target[row] = _at(w, Y, row, lane)
        for row in range(w.dynamic):
            value = a * _at(w, Y, row, lane) + b * _at(w, SLOPE, row, lane)
            target[row] = value + c * _at(w, Y_NEW, row, lane) + d * _at(w, NEW_SLOPE, row, lane)
        w.lane[lane].grid += 1


@compiled
def _finish(p, r, w, lane, status):
    """Write down how a run ended."""
    member = w.lane[lane].member
    r.run[member].status = status
    events.get_run(w.tables[w.at[Y]], _column(w, lane), r.final[member])
    r.run[member].presentation = w.lane[lane].presentation
    r.run[member].time = w.lane[lane].time


@compiled
def _keep_loss(p, r, w, lane, state):
    """Add a presentation to the mean that it belongs to; the entry stays nan until the mean is complete."""
    member, presentation = w.lane[lane].member, w.lane[lane].presentation
    place = presentation % p.per_loss
    if place == 0:
        w.lane[lane].loss = 0.0
    w.lane[lane].loss += events.half_squared_error(p, member, presentation, state)
    if place == p.per_loss - 1:
        r.loss[member, presentation // p.per_loss] = w.lane[lane].loss / p.per_loss


@compiled
def _event(p, r, w, policy, first, lane):
    """A lane has reached its stop: kick it, or end its presentation; return whether its run is over."""
    member = w.lane[lane].member
    r.run[member].evaluations += 1
    state = w.state
    events.get_run(w.tables[w.at[Y]], _column(w, lane), state)
    if w.lane[lane].stop < p.member[member].running_time:
        events.kick(p, member, w.lane[lane].presentation, w.lane[lane].kicks, state, w.before, w.draws)
        events.put_run(state, w.tables[w.at[Y]], _column(w, lane))
        _restart(w, lane)
        w.lane[lane].kicks += 1
        w.lane[lane].stop = events.next_stop(p, member, w.lane[lane].kicks)
        return False
    _keep_loss(p, r, w, lane, state)
    choice.weigh_methods(w, policy, lane)
    w.lane[lane].presentation += 1
    r.control[0] += 1
    events.keep_checkpoints(p, r, member, w.lane[lane].presentation, state)
    if w.lane[lane].presentation == p.member[member].n_presentations:
        _finish(p, r, w, lane, OK)
        return True
    _begin_presentation(p, r, w, policy, first, lane)
    return False


@compiled
def _ended(p, r, w, lane):
    """Check a lane for a blow-up, a spent budget or a vanishing step; return whether its run is over."""
    member = w.lane[lane].member
    for row in range(len(w.state)):
        if _at(w, Y, row, lane) > p.member[member].ceiling:
            _finish(p, r, w, lane, BLOWN_UP)
            return True
    if _spent(p.member, r.run, member):
        _finish(p, r, w, lane, STEP_LIMIT)
        return True
    if _vanished(p.member, w.lane, lane):
        _finish(p, r, w, lane, BLOWN_UP)
        return True
    return False


@inlined
def _spent(members, runs, member):
    """Whether a run has used up its budget of steps."""
    return runs[member].steps + runs[member].rejected >= members[member].max_steps


@inlined
def _at_limit(members, runs, lanes, lane):
    """Whether `_ended` has something to look at."""
    return _spent(members, runs, lanes[lane].member) or _vanished(members, lanes, lane)


@inlined
def _vanished(members, lanes, lane):
    """Whether a lane's step is lost in the rounding of its time."""
    end = members[lanes[lane].member].running_time
    return lanes[lane].step < max(_SMALLEST_STEP * lanes[lane].time, _SHORTEST_STEP * end)


@inlined
def _next_method(w, last):
    """The method to take a step with: those in use take turns; -1 if no run is left."""
    for turn in range(1, 4):
        method = (last + turn) % 3
        for lane in range(len(w.lane)):
            if w.lane[lane].member >= 0 and w.lane[lane].method == method:
                return method
    return -1


@inlined
def _plan_steps(w, method):
    """Set the step of the runs that use a method, cut to the next event and to what is stable; zero for the others."""
    for lane in range(len(w.lane)):
        w.values[0, lane] = 0.0
        if w.lane[lane].member < 0 or w.lane[lane].method != method:
            w.stages[lane] = 2
            continue
        left = w.lane[lane].stop - w.lane[lane].time
        step = w.lane[lane].step
        if method == RKC:
            step = min(step, longest_step(w.chebyshev, w.implicit[1, lane]))
        # Stretch or halve instead of leaving a sliver before the event.
        step = left if step >= left * (1.0 - 1e-9) else (0.5 * left if 2.0 * step > left else step)
        w.values[0, lane] = step
        if method == RKC:
            w.stages[lane] = stages_needed(w.chebyshev, step * w.implicit[1, lane])
    if w.wide == 1:
        for lane in range(1, LANES):
            w.values[0, lane] = w.values[0, 0]
            w.stages[lane] = w.stages[0]


@inlined
def _gather_values(w):
    """One run in all lanes: bring together what they found."""
    for lane in range(1, LANES):
        for k in range(1, 5):
            here, there = w.values[k, 0], w.values[k, lane]
            if k == 4:
                w.values[k, 0] = here + there
            elif k == 2:
                w.values[k, 0] = there if not there >= here else here
            else:
                w.values[k, 0] = there if not there <= here else here


@inlined
def _widest_radius(w):
    """One run in all lanes: bring together the spectral radius."""
    if w.wide == 1:
        for lane in range(1, LANES):
            w.implicit[1, 0] = max(w.implicit[1, 0], w.implicit[1, lane])


@inlined
def _judge_all(p, r, w, method):
    """Judge the steps taken with a method; return whether all lanes have been accepted."""
    if w.wide == 1:
        _gather_values(w)
    for lane in range(LANES):
        w.values[5, lane] = 0.0
    for lane in range(len(w.lane)):
        # From here on a run with no step (0) has not taken part.
        if w.lane[lane].member < 0 or w.lane[lane].method != method:
            w.values[0, lane] = 0.0
        elif _judge(r.run, w.lane, w.values, w.stages, lane):
            w.values[5, lane] = 1.0
            if w.lane[lane].place >= 0 and method != ROSW:
                _interpolate(p, r, w, lane, w.lane[lane].time, w.lane[lane].time + w.values[0, lane])
    if w.wide == 1:
        return w.values[5, 0] == 1.0
    accepted = 0.0
    for lane in range(LANES):
        accepted += w.values[5, lane]
    return accepted == LANES


@inlined
def _take(w, n):
    """Move runs whose step was accepted to their new state and slope."""
    mask = load(w.values, 5)
    t, at = w.tables, w.at
    y = t[at[Y]]
    y_new = t[at[Y_NEW]]
    slope = t[at[SLOPE]]
    new_slope = t[at[NEW_SLOPE]]
    for row in range(n):
        store(y, row, select(mask, load(y_new, row), load(y, row)))
        store(slope, row, select(mask, load(new_slope, row), load(slope, row)))


@compiled
def _plan_side_steps(p, r, w):
    """Aim at the next recorded time inside an accepted step of the implicit method; return whether there is one.

    Slopes of stiff species are no good for interpolation: a shorter step from the same state gives what is recorded.
    """
    found = False
    for lane in range(len(w.lane)):
        w.values[0, lane] = w.coefficient[3, lane] = 0.0
        if w.coefficient[2, lane] == 0.0 or w.lane[lane].place < 0:
            continue
        time, step = w.lane[lane].time, w.coefficient[0, lane]
        end = p.member[w.lane[lane].member].running_time
        if w.lane[lane].grid == len(p.grid) or p.grid[w.lane[lane].grid] * end > time + step + 1e-12 * end:
            continue
        w.values[0, lane] = min(max(p.grid[w.lane[lane].grid] * end - time, 0.0), step)
        w.coefficient[3, lane] = 1.0
        found = True
    if w.wide == 1:
        for lane in range(1, LANES):
            w.values[0, lane] = w.values[0, 0]
    return found


@compiled
def _keep_step(w, n):
    """Put the outcome of a step aside while side steps are taken."""
    t, at = w.tables, w.at
    for row in range(n):
        store(t[at[STAGE]], row, load(t[at[Y_NEW]], row))
        store(t[at[SPARE]], row, load(t[at[NEW_SLOPE]], row))
    for place, row in enumerate((0, 3, 5)):
        store(w.coefficient, place, load(w.values, row))


@compiled
def _restore_step(w, n):
    t, at = w.tables, w.at
    for row in range(n):
        store(t[at[Y_NEW]], row, load(t[at[STAGE]], row))
        store(t[at[NEW_SLOPE]], row, load(t[at[SPARE]], row))
    for place, row in enumerate((0, 3, 5)):
        store(w.values, row, load(w.coefficient, place))


@compiled
def _record_side_steps(p, r, w):
    """Keep the states that side steps have led to."""
    for lane in range(len(w.lane)):
        if w.coefficient[3, lane] == 1.0:
            slot = p.member[w.lane[lane].member].record_slot
            target = r.trajectory[slot, w.lane[lane].place, w.lane[lane].grid]
            events.get_run(w.tables[w.at[Y_NEW]], _column(w, lane), target)
            w.lane[lane].grid += 1


@inlined
def _records(p, w):
    """Whether a run that is recorded has made a step."""
    for lane in range(len(w.lane)):
        if w.values[5, lane] == 1.0 and w.lane[lane].place >= 0 and w.lane[lane].grid < len(p.grid):
            return True
    return False


@inlined
def _exchange(w):
    """All runs move to their new state and slope: tables change places, so that nothing is copied."""
    w.at[Y], w.at[Y_NEW] = w.at[Y_NEW], w.at[Y]
    w.at[SLOPE], w.at[NEW_SLOPE] = w.at[NEW_SLOPE], w.at[SLOPE]


@inlined
def _act(p, r, w, policy, first, queue):
    """Move the clocks of runs that have taken a step; return (next in the queue, are slopes to be renewed?)."""
    fresh = False
    for lane in range(len(w.lane)):
        if w.lane[lane].member < 0 or w.values[0, lane] == 0.0:
            continue
        over = False
        if w.values[5, lane] == 1.0:
            reached = w.values[0, lane] == w.lane[lane].stop - w.lane[lane].time
            w.lane[lane].time = w.lane[lane].stop if reached else w.lane[lane].time + w.values[0, lane]
            over = (
                _ended(p, r, w, lane) if w.values[3, lane] > p.member[w.lane[lane].member].ceiling else False
            )
            if not over and reached:
                over = _event(p, r, w, policy, first, lane)
                fresh = True
        if not over:
            over = _ended(p, r, w, lane) if _at_limit(p.member, r.run, w.lane, lane) else False
        if over:
            r.control[0] += p.member[w.lane[lane].member].n_presentations - w.lane[lane].presentation
            _begin_member(p, r, w, policy, first, lane, w.queue[queue] if queue < len(p.start) else -1)
            queue += 1
            fresh = True
    return queue, fresh


@compiled
def integrate(function, prepare, solve, size, offset, first, policy, p, r, w):
    """Integrate every member of `p` and fill `r`.

    Parameters
    ----------
    function, prepare, solve : numba cfunc
    size, offset, first : numpy.ndarray
        See `crnsim.kinetics.kernels.Kernel`.
    policy : int
        `BS23`, `RKC`, `ROSW` or `AUTO`.
    p : Protocol
    r : Record
        A non-zero ``r.control[1]`` set from another thread stops the batch.
    w : Work
    """
    n = size[0]
    queue = 0
    for lane in range(len(w.lane)):
        _begin_member(p, r, w, policy, first, lane, w.queue[queue] if queue < len(p.start) else -1)
        queue += 1
    fresh, side, all_accepted = True, False, False
    method = _next_method(w, ROSW)
    while method >= 0 and r.control[1] == 0:
        y, slope = w.tables[w.at[Y]], w.tables[w.at[SLOPE]]
        if fresh:
            function(y, w.rate, slope, size, offset, first)
            fresh = False
        if method == RKC:
            prepare(y, w.rate, w.tables[w.at[P]], w.tables[w.at[Q]], w.implicit, size, offset, first)
            _widest_radius(w)
        if not side:
            _plan_steps(w, method)
        if method == RKC:
            attempt_rkc(function, size, offset, first, w, p.rtol, p.atol)
        elif method == ROSW:
            attempt_rosw(function, prepare, solve, size, offset, first, w, p.rtol, p.atol)
        else:
            attempt_bs23(function, size, offset, first, w, p.rtol, p.atol)
        if side:
            _record_side_steps(p, r, w)
        else:
            all_accepted = _judge_all(p, r, w, method)
            if method == ROSW and _records(p, w):
                _keep_step(w, n)
                side = True
        if side:
            side = _plan_side_steps(p, r, w)
            if side:
                continue
            _restore_step(w, n)
        if all_accepted:
            _exchange(w)
        elif w.wide == 0:
            _take(w, n)
        queue, fresh = _act(p, r, w, policy, first, queue)
        method = _next_method(w, method)


def run(kernel: Kernel, protocol: Protocol, record: Record, policy: int) -> None:
    """Integrate a batch with a compiled network (see `integrate`)."""
    work = new_work(kernel, protocol)
    integrate(
        kernel.right_hand_side,
        kernel.prepare,
        kernel.solve,
        kernel.size,
        kernel.offset,
        kernel.first,
        policy,
        protocol,
        record,
        work,
    )


__all__ = ["AUTO", "BS23", "RKC", "ROSW", "integrate", "run"]
