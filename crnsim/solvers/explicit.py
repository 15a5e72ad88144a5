"""Explicit adaptive integration of a batch of runs, eight side by side, each with its own step and its own events.

The Bogacki-Shampine pair of orders 3 and 2 (Appl. Math. Lett. 2, 321, 1989, doi 10.1016/0893-9659(89)90079-7). A step
is accepted when its estimated error is at most ``atol + rtol |y|`` in every species and it takes no concentration more
than `atol` below zero; concentrations are never set to zero, because that would break the invariants the chemistry
lives on.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from crnsim.kinetics.lanes import (
    LANES,
    compiled,
    lanes_array,
    larger,
    load,
    magnitude,
    select,
    smaller,
    splat,
    store,
)
from crnsim.solvers import events
from crnsim.solvers.protocol import BLOWN_UP, OK, STEP_LIMIT, Protocol, Record

_FIRST_STEP = 1e-3
_SMALLEST_STEP = 1e-13  # of the time reached
_SHORTEST_STEP = 1e-20  # of the running time
_FLOOR = 100.0
_SAFETY = 0.9
_GROWTH = 5.0
_SHRINKAGE = 0.2


LANE = np.dtype(
    [
        ("member", "i8"),  # -1: idle
        ("presentation", "i8"),
        ("kicks", "i8"),  # done in this presentation
        ("grid", "i8"),  # next recorded time
        ("place", "i8"),  # of this presentation among the recorded ones
        ("rejected", "i8"),  # was the last step rejected?
        ("time", "f8"),
        ("step", "f8"),
        ("stop", "f8"),  # time of the next event
        ("error", "f8"),  # logarithm of the last accepted error
    ]
)


class Work(NamedTuple):
    """Buffers of one batch: ``(rows, LANES)`` vectors, and the place of each lane in its run."""

    y: np.ndarray
    y_new: np.ndarray
    stage: np.ndarray
    k1: np.ndarray
    k2: np.ndarray
    k3: np.ndarray
    k4: np.ndarray
    rate: np.ndarray
    values: np.ndarray  # rows: step, error, room above the lower bound, highest, sum, accepted
    lane: np.ndarray  # (LANES,) of LANE: the place of each lane in its run
    state: np.ndarray  # (n_species,) scratch, as are the following
    before: np.ndarray  # (n_species,)
    constants: np.ndarray  # (n_reactions,)
    draws: np.ndarray  # (max(n_species, n_reactions, features),)
    sample: np.ndarray  # (features + targets,)


def new_work(n_species: int, n_reactions: int, n_values: int) -> Work:
    """Return buffers for a network that is shown samples of `n_values` features and targets."""
    vectors = [lanes_array(n_species) for _ in range(7)]
    lanes = np.zeros(LANES, dtype=LANE)
    sizes = (n_species, n_species, n_reactions, max(n_species, n_reactions, n_values), n_values)
    scratch = [np.zeros(size) for size in sizes]
    return Work(*vectors, lanes_array(n_reactions), lanes_array(6), lanes, *scratch)  # type: ignore[call-arg]


@compiled
def _put_everywhere(w, state, lane):
    """Set a lane's state in every buffer: catalysts are never stepped, so each buffer needs its own copy."""
    events.put_lane(state, w.y, lane)
    events.put_lane(state, w.y_new, lane)
    events.put_lane(state, w.stage, lane)


@compiled
def _begin_presentation(p, r, w, first, lane):
    """Show the next sample: clamp its rails, draw its rates, remember the state if it is still moderate."""
    member, presentation = w.lane[lane].member, w.lane[lane].presentation
    values = w.sample
    events.show_sample(p, member, presentation, values, w.draws)
    state = w.state
    events.get_lane(w.y, lane, state)
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
        events.put_lane(w.constants, w.rate, lane)
    w.lane[lane].time = 0.0
    w.lane[lane].kicks = 0
    w.lane[lane].grid = 0
    w.lane[lane].place = events.recorded(p, member, presentation)
    w.lane[lane].stop = events.next_stop(p, member, 0)
    if w.lane[lane].place >= 0 and p.grid[0] == 0.0:
        events.copy(state, r.trajectory[p.member[member].record_slot, w.lane[lane].place, 0])
        w.lane[lane].grid = 1


@compiled
def _begin_member(p, r, w, first, lane, member):
    """Load a run into a lane; with none left (-1) the lane idles at step zero."""
    w.lane[lane].member = member
    w.values[0, lane] = 0.0
    if member < 0:
        w.state[:] = 0.0
        _put_everywhere(w, w.state, lane)
        return
    events.put_lane(p.start[member], w.y, lane)
    w.lane[lane].presentation = 0
    w.lane[lane].step = _FIRST_STEP * p.member[member].running_time
    w.lane[lane].error = 0.0
    w.lane[lane].rejected = 0
    events.keep_checkpoints(p, r, member, w.lane[lane].presentation, p.start[member])
    _begin_presentation(p, r, w, first, lane)


@compiled
def _attempt(function, size, offset, first, w, n, rtol, atol):
    """One step of every lane from (y, k1): y_new, k4 and, in `values`, error, extremes and a sum that shows NaN."""
    h = load(w.values, 0)
    half, three_quarters = splat(0.5) * h, splat(0.75) * h
    for row in range(n):
        store(w.stage, row, load(w.y, row) + half * load(w.k1, row))
    function(w.stage, w.rate, w.k2, size, offset, first)
    for row in range(n):
        store(w.stage, row, load(w.y, row) + three_quarters * load(w.k2, row))
    function(w.stage, w.rate, w.k3, size, offset, first)
    b1, b2, b3 = splat(2.0 / 9.0) * h, splat(1.0 / 3.0) * h, splat(4.0 / 9.0) * h
    for row in range(n):
        change = b1 * load(w.k1, row) + b2 * load(w.k2, row) + b3 * load(w.k3, row)
        store(w.y_new, row, load(w.y, row) + change)
    function(w.y_new, w.rate, w.k4, size, offset, first)
    e1, e2, e3, e4 = splat(-5.0 / 72.0), splat(1.0 / 12.0), splat(1.0 / 9.0), splat(-1.0 / 8.0)
    absolute, relative = splat(atol), splat(rtol)
    floor = splat(-_FLOOR * atol)
    error = lowest = highest = total = splat(0.0)
    for row in range(n):
        new = load(w.y_new, row)
        difference = e1 * load(w.k1, row) + e2 * load(w.k2, row) + e3 * load(w.k3, row) + e4 * load(w.k4, row)
        scale = absolute + relative * larger(magnitude(load(w.y, row)), magnitude(new))
        error = larger(magnitude(h * difference) / scale, error)
        # One step may take a concentration atol below zero, or lower one that is there already by atol: species that
        # are negative within the tolerance drive each other. Below the floor it may only rise, as after a kick.
        base = smaller(load(w.y, row), splat(0.0))
        lowest = smaller(new - smaller(larger(base - absolute, floor), base), lowest)
        highest = larger(new, highest)
        total = total + new
    store(w.values, 1, error)
    store(w.values, 2, lowest)
    store(w.values, 3, highest)
    store(w.values, 4, total)


@compiled
def _judge(p, r, w, lane):
    """Accept or reject a lane's step and set its next one; return whether it was accepted."""
    member = w.lane[lane].member
    error = w.values[1, lane]
    finite = math.isfinite(w.values[4, lane]) and math.isfinite(error)
    r.run[member].evaluations += 3
    used = w.values[0, lane]
    if finite and error <= 1.0 and w.values[2, lane] >= 0.0:
        r.run[member].steps += 1
        logarithm = math.log(max(error, 1e-8))
        factor = _SAFETY * math.exp((0.4 * w.lane[lane].error - 0.7 * logarithm) / 3.0)
        limit = 1.0 if w.lane[lane].rejected == 1 else _GROWTH
        # A step cut short by an event says nothing against the longer one planned.
        w.lane[lane].step = max(
            used * min(max(factor, _SHRINKAGE), limit), w.lane[lane].step if used < w.lane[lane].step else 0.0
        )
        w.lane[lane].error = logarithm
        w.lane[lane].rejected = 0
        return True
    r.run[member].rejected += 1
    factor = _SHRINKAGE
    if finite:
        factor = 0.5 if error <= 1.0 else _SAFETY * math.exp(-math.log(error) / 3.0)
    w.lane[lane].step = used * min(max(factor, _SHRINKAGE), 0.9)
    w.lane[lane].rejected = 1
    return False


@compiled
def _interpolate(p, r, w, lane, time, new_time, n):
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
        for row in range(n):
            value = a * w.y[row, lane] + b * w.k1[row, lane] + c * w.y_new[row, lane] + d * w.k4[row, lane]
            r.trajectory[slot, place, w.lane[lane].grid, row] = value
        for row in range(n, w.y.shape[0]):
            r.trajectory[slot, place, w.lane[lane].grid, row] = w.y[row, lane]
        w.lane[lane].grid += 1


@compiled
def _finish(p, r, w, lane, status):
    """Write down how a run ended."""
    member = w.lane[lane].member
    r.run[member].status = status
    events.get_lane(w.y, lane, r.final[member])
    r.run[member].presentation = w.lane[lane].presentation
    r.run[member].time = w.lane[lane].time


@compiled
def _event(p, r, w, first, lane):
    """A lane has reached its stop: kick it, or end its presentation; return whether its run is over."""
    member = w.lane[lane].member
    r.run[member].evaluations += 1
    state = w.state
    events.get_lane(w.y, lane, state)
    if w.lane[lane].stop < p.member[member].running_time:
        events.kick(p, member, w.lane[lane].presentation, w.lane[lane].kicks, state, w.before, w.draws)
        events.put_lane(state, w.y, lane)
        w.lane[lane].kicks += 1
        w.lane[lane].stop = events.next_stop(p, member, w.lane[lane].kicks)
        return False
    r.loss[member, w.lane[lane].presentation] = events.half_squared_error(
        p, member, w.lane[lane].presentation, state
    )
    w.lane[lane].presentation += 1
    r.control[0] += 1
    events.keep_checkpoints(p, r, member, w.lane[lane].presentation, state)
    if w.lane[lane].presentation == p.member[member].n_presentations:
        _finish(p, r, w, lane, OK)
        return True
    _begin_presentation(p, r, w, first, lane)
    return False


@compiled
def _ended(p, r, w, lane):
    """Check a lane for a blow-up, a spent budget or a vanishing step; return whether its run is over."""
    member = w.lane[lane].member
    for row in range(w.y.shape[0]):
        if w.y[row, lane] > p.member[member].ceiling:
            _finish(p, r, w, lane, BLOWN_UP)
            return True
    if r.run[member].steps + r.run[member].rejected >= p.member[member].max_steps:
        _finish(p, r, w, lane, STEP_LIMIT)
        return True
    if _vanished(p, w, lane):
        _finish(p, r, w, lane, BLOWN_UP)
        return True
    return False


@compiled
def _vanished(p, w, lane):
    """Whether a lane's step is lost in the rounding of its time."""
    end = p.member[w.lane[lane].member].running_time
    return w.lane[lane].step < max(_SMALLEST_STEP * w.lane[lane].time, _SHORTEST_STEP * end)


@compiled
def _plan_steps(w):
    """Set the step of every lane, cut to its next event; return whether any lane is at work."""
    busy = False
    for lane in range(LANES):
        if w.lane[lane].member >= 0:
            busy = True
            left = w.lane[lane].stop - w.lane[lane].time
            step = w.lane[lane].step
            # Stretch or halve instead of leaving a sliver before the event.
            w.values[0, lane] = (
                left if step >= left * (1.0 - 1e-9) else (0.5 * left if 2.0 * step > left else step)
            )
        else:
            w.values[0, lane] = 0.0
    return busy


@compiled
def _take(w, n):
    """Move accepted lanes to their new state and slope."""
    mask = load(w.values, 5)
    for row in range(n):
        store(w.y, row, select(mask, load(w.y_new, row), load(w.y, row)))
        store(w.k1, row, select(mask, load(w.k4, row), load(w.k1, row)))


@compiled
def _settle(p, r, w, first, n, queue):
    """Judge the step of every lane and act on it; return (next member in the queue, must k1 be computed anew?)."""
    for lane in range(LANES):
        w.values[5, lane] = 0.0
        if w.lane[lane].member >= 0 and _judge(p, r, w, lane):
            w.values[5, lane] = 1.0
            if w.lane[lane].place >= 0:
                _interpolate(p, r, w, lane, w.lane[lane].time, w.lane[lane].time + w.values[0, lane], n)
    _take(w, n)
    fresh = False
    for lane in range(LANES):
        if w.lane[lane].member < 0:
            continue
        over = False
        if w.values[5, lane] == 1.0:
            reached = w.values[0, lane] == w.lane[lane].stop - w.lane[lane].time
            w.lane[lane].time = w.lane[lane].stop if reached else w.lane[lane].time + w.values[0, lane]
            over = (
                _ended(p, r, w, lane) if w.values[3, lane] > p.member[w.lane[lane].member].ceiling else False
            )
            if not over and reached:
                over = _event(p, r, w, first, lane)
                fresh = True
        if not over:
            over = _ended(p, r, w, lane) if _near_limit(p, r, w, lane) else False
        if over:
            r.control[0] += p.member[w.lane[lane].member].n_presentations - w.lane[lane].presentation
            _begin_member(p, r, w, first, lane, queue if queue < len(p.start) else -1)
            queue += 1
            fresh = True
    return queue, fresh


@compiled
def _near_limit(p, r, w, lane):
    member = w.lane[lane].member
    spent = r.run[member].steps + r.run[member].rejected >= p.member[member].max_steps
    return spent or _vanished(p, w, lane)


@compiled
def integrate(function, size, offset, first, p, r, w):
    """Integrate every member of `p` and fill `r`.

    Parameters
    ----------
    function : numba cfunc
        Right-hand side (`crnsim.kinetics.kernels.SIGNATURE`).
    size, offset, first : numpy.ndarray
        See `crnsim.kinetics.kernels.Kernel`.
    p : Protocol
    r : Record
        A non-zero ``r.control[1]`` set from another thread stops the batch.
    w : Work
    """
    n = size[0]
    queue = 0
    for lane in range(LANES):
        _begin_member(p, r, w, first, lane, queue if queue < len(p.start) else -1)
        queue += 1
    fresh = True
    while _plan_steps(w) and r.control[1] == 0:
        if fresh:
            function(w.y, w.rate, w.k1, size, offset, first)
        _attempt(function, size, offset, first, w, n, p.rtol, p.atol)
        queue, fresh = _settle(p, r, w, first, n, queue)


def run(kernel, protocol: Protocol, record: Record) -> None:
    """Integrate a batch with a compiled network (see `integrate`)."""
    work = new_work(protocol.start.shape[1], protocol.rates.shape[1], protocol.patterns.shape[1])
    integrate(kernel.function, kernel.size, kernel.offset, kernel.first, protocol, record, work)


__all__ = ["Work", "integrate", "new_work", "run"]
