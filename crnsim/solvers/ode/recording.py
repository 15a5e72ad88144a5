"""What is kept of a run at recorded times: values interpolated inside a step, or the ends of side steps. Compiled."""

from __future__ import annotations

from crnsim.compiled import compiled, inlined
from crnsim.kinetics.lanes import LANES, anywhere, load, store
from crnsim.solvers.events import get_run
from crnsim.solvers.ode import control
from crnsim.solvers.ode.work import (
    ACCEPTED,
    ASIDE,
    ASIDE_SLOPE,
    HIGHEST,
    NEW_SLOPE,
    PASSES,
    RECORDING,
    SLOPE,
    STEP,
    TIME,
    Y_NEW,
    Work,
    Y,
    put,
)
from crnsim.solvers.protocol import Protocol, Record

#: A recorded time this part of the time reached beyond the end of a step counts as reached.
_SLACK = 1e-12


@inlined
def column(w: Work, lane: int) -> int:
    """Lane of the tables that a run is in; -1 for all of them."""
    return -1 if w.wide == 1 else lane


@inlined
def value_of(w: Work, name: int, row: int, lane: int) -> float:
    """One species of one run."""
    values = w.tables[w.at[name]]
    return values[row // LANES, row % LANES] if w.wide == 1 else values[row, lane]


@compiled
def _interpolate(p: Protocol, r: Record, w: Work, lane: int) -> None:
    """Keep the recorded times inside an accepted step from t to t + h by cubic Hermite interpolation (order 3).

    With s from 0 to 1::

        y(t + s h) = (1 + 2s)(1 - s)^2 y + s (1 - s)^2 h f(y) + s^2 (3 - 2s) y_new + s^2 (s - 1) h f(y_new)
    """
    member = w.lane[lane].member
    slot, number = p.member[member].record_slot, w.lane[lane].recorded_as
    time = w.place[TIME, lane]
    new_time = time + w.attempt[STEP, lane]
    h = new_time - time
    end = p.member[member].running_time
    while w.lane[lane].grid < len(p.grid) and p.grid[w.lane[lane].grid] * end <= new_time * (1.0 + _SLACK):
        s = min(max((p.grid[w.lane[lane].grid] * end - time) / h, 0.0), 1.0)
        a = (1.0 + 2.0 * s) * (1.0 - s) * (1.0 - s)
        b = s * (1.0 - s) * (1.0 - s) * h
        c = s * s * (3.0 - 2.0 * s)
        d = s * s * (s - 1.0) * h
        target = r.trajectory[slot, number, w.lane[lane].grid]
        for row in range(w.dynamic, len(target)):
            target[row] = value_of(w, Y, row, lane)
        for row in range(w.dynamic):
            value = a * value_of(w, Y, row, lane) + b * value_of(w, SLOPE, row, lane)
            target[row] = value + c * value_of(w, Y_NEW, row, lane) + d * value_of(w, NEW_SLOPE, row, lane)
        w.lane[lane].grid += 1


@compiled
def interpolate_all(p: Protocol, r: Record, w: Work) -> None:
    """Keep the recorded times inside the steps that have just been accepted."""
    for lane in range(len(w.lane)):
        if w.attempt[ACCEPTED, lane] * w.place[RECORDING, lane] == 1.0:
            _interpolate(p, r, w, lane)
            _end_recording(p, w, lane)


@inlined
def records(w: Work) -> bool:
    """Whether a run that is recorded has made a step."""
    return anywhere(load(w.attempt, ACCEPTED) * load(w.place, RECORDING))


@inlined
def _end_recording(p: Protocol, w: Work, lane: int) -> None:
    """Note when all values of a presentation have been kept."""
    if w.lane[lane].grid == len(p.grid):
        put(w, RECORDING, lane, 0.0)


@compiled
def plan_side_steps(p: Protocol, w: Work) -> bool:
    """Aim at the next recorded time inside an accepted step; return whether there is one.

    Slopes of stiff species are no good for interpolation: a shorter step from the same state gives what is recorded.
    """
    found = False
    for lane in range(len(w.lane)):
        w.attempt[STEP, lane] = 0.0
        w.aimed[lane] = 0
        if w.aside[ACCEPTED, lane] * w.place[RECORDING, lane] == 0.0:
            continue
        time, step = w.place[TIME, lane], w.aside[STEP, lane]
        end = p.member[w.lane[lane].member].running_time
        if p.grid[w.lane[lane].grid] * end > (time + step) * (1.0 + _SLACK):
            continue
        w.attempt[STEP, lane] = min(max(p.grid[w.lane[lane].grid] * end - time, 0.0), step)
        w.aimed[lane] = 1
        found = True
    if w.wide == 1:
        for lane in range(1, LANES):
            w.attempt[STEP, lane] = w.attempt[STEP, 0]
    return found


@compiled
def put_step_aside(w: Work, n: int) -> None:
    """Put the outcome of a step aside while side steps are taken."""
    t, at = w.tables, w.at
    for row in range(n):
        store(t[at[ASIDE]], row, load(t[at[Y_NEW]], row))
        store(t[at[ASIDE_SLOPE]], row, load(t[at[NEW_SLOPE]], row))
    for row in (STEP, HIGHEST, ACCEPTED):
        store(w.aside, row, load(w.attempt, row))


@compiled
def restore_step(w: Work, n: int) -> None:
    """Take up again the step that was put aside."""
    t, at = w.tables, w.at
    for row in range(n):
        store(t[at[Y_NEW]], row, load(t[at[ASIDE]], row))
        store(t[at[NEW_SLOPE]], row, load(t[at[ASIDE_SLOPE]], row))
    for row in (STEP, HIGHEST, ACCEPTED):
        store(w.attempt, row, load(w.aside, row))


@inlined
def _refuse_aside(w: Work, lane: int) -> None:
    """The step that was put aside is none."""
    for every in range(LANES):
        if w.wide == 1 or every == lane:
            w.aside[ACCEPTED, every] = 0.0


@compiled
def record_side_steps(p: Protocol, r: Record, w: Work, method: int) -> None:
    """Keep the states that side steps have led to.

    Where one does not pass, the whole step is taken back. Where samples are shown, its state is kept: what is recorded
    of training must not change it.
    """
    control.find_passes(w, method)
    for lane in range(len(w.lane)):
        if w.aimed[lane] == 1 and w.attempt[PASSES, lane] == 0.0 and len(p.clamp) == 0:
            _refuse_aside(w, lane)
            control.take_back(w, lane, w.attempt[STEP, lane])
        elif w.aimed[lane] == 1:
            slot = p.member[w.lane[lane].member].record_slot
            target = r.trajectory[slot, w.lane[lane].recorded_as, w.lane[lane].grid]
            get_run(w.tables[w.at[Y_NEW]], column(w, lane), target)
            w.lane[lane].grid += 1
            _end_recording(p, w, lane)
