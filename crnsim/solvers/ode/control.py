"""Whether a step is accepted, and how long the next one is. Compiled.

Here, and wherever else every step comes by, functions that are not inlined take single tables: a call copies whole
tuples of them.
"""

from __future__ import annotations

import math

import numpy as np

from crnsim.compiled import compiled, inlined
from crnsim.kinetics.lanes import LANES
from crnsim.kinetics.signatures import PIVOT, RADIUS
from crnsim.solvers.ode.choice import end_failed_trial
from crnsim.solvers.ode.rkc import longest_step, stages_needed
from crnsim.solvers.ode.steps import STEPS
from crnsim.solvers.ode.work import ACCEPTED, ERROR, HIGHEST, RELATIVE, ROOM, STEP, TOTAL, Work

#: A run begins with this part of its running time.
FIRST_STEP = 1e-3
_SMALLEST_STEP = 1e-13  # of the time reached
_SHORTEST_STEP = 1e-20  # of the running time
_LEAST_STEP = 1e-300
#: Pivots of ``1 - gamma h J`` below 1 tell of growth within a step; where species only turn into each other there are
#: none. Near 0 it would not be followed but damped, and however little there is of what grows, the time at which it
#: rises hangs on it. So a pivot may lack this times the third root of the relative tolerance, as steps limited by
#: their error do, at most a half; and what rounding takes of it in stiff systems, in parts of step times radius.
_LACK, _MOST_LACK, _ROUNDING = 2.0, 0.5, 1e-14
_SAFETY = 0.9
_GROWTH = 5.0
_SHRINKAGE = 0.2
#: Exponents of the PI controller for an error that falls as h^3, times 3: of this error, and of the last one.
_PROPORTIONAL, _INTEGRAL = 0.85, 0.25


@compiled
def restart(w: Work, lane: int) -> None:
    """Step after an event as after the last one."""
    w.lane[lane].opening = 1
    w.lane[lane].step = min(w.lane[lane].step, w.lane[lane].first_step)
    w.lane[lane].error = 0.0


@inlined
def next_method(w: Work, last: int) -> int:
    """The method to take a step with: those in use take turns; -1 if no run is left."""
    for turn in range(1, len(STEPS) + 1):
        method = (last + turn) % len(STEPS)
        for lane in range(len(w.lane)):
            if w.lane[lane].member >= 0 and w.lane[lane].method == method:
                return method
    return -1


@inlined
def plan_steps(w: Work, method: int) -> None:
    """Set the step of the runs that use a method, cut to the next event and to what is stable; zero for the others."""
    for lane in range(len(w.lane)):
        w.attempt[STEP, lane] = 0.0
        if w.lane[lane].member < 0 or w.lane[lane].method != method:
            w.stages[lane] = 2
            continue
        left = w.lane[lane].stop - w.lane[lane].time
        step = w.lane[lane].step
        if STEPS[method].stabilised == 1:
            # Not zero, which stands for a run that takes no part, where the radius is beyond all numbers.
            step = max(min(step, longest_step(w.chebyshev, w.implicit[RADIUS, lane])), _LEAST_STEP)
        # Stretch or halve instead of leaving a sliver before the event.
        step = left if step >= left * (1.0 - 1e-9) else (0.5 * left if 2.0 * step > left else step)
        w.attempt[STEP, lane] = step
        if STEPS[method].stabilised == 1:
            w.stages[lane] = stages_needed(w.chebyshev, step * w.implicit[RADIUS, lane])
    if w.wide == 1:
        for lane in range(1, LANES):
            w.attempt[STEP, lane] = w.attempt[STEP, 0]
            w.stages[lane] = w.stages[0]


@inlined
def widest_radius(w: Work) -> None:
    """One run in all lanes: bring together the spectral radius."""
    if w.wide == 1:
        for lane in range(1, LANES):
            w.implicit[RADIUS, 0] = max(w.implicit[RADIUS, 0], w.implicit[RADIUS, lane])


@inlined
def bring_together(w: Work) -> None:
    """One run in all lanes: bring together what they found."""
    for lane in range(1, LANES):
        for row in (ERROR, ROOM, HIGHEST, TOTAL):
            here, there = w.attempt[row, 0], w.attempt[row, lane]
            if row == TOTAL:
                w.attempt[row, 0] = here + there
            elif row == ROOM:
                w.attempt[row, 0] = there if not there >= here else here
            else:
                w.attempt[row, 0] = there if not there <= here else here


@inlined
def _finite(attempt: np.ndarray, lane: int) -> bool:
    """Whether a step has led to numbers."""
    return math.isfinite(attempt[TOTAL, lane]) and math.isfinite(attempt[ERROR, lane])


@inlined
def _outgrown(
    attempt: np.ndarray, implicit: np.ndarray, relative: np.ndarray, lanes: np.ndarray, lane: int
) -> bool:
    """Whether something grows too much within an implicit step."""
    lack = 1.0 - implicit[PIVOT, lane]
    if STEPS[lanes[lane].method].implicit == 0 or lack <= 0.0:
        return False
    allowed = _LACK * relative[RELATIVE, lane] ** (1.0 / 3.0)
    allowed += _ROUNDING * attempt[STEP, lane] * implicit[RADIUS, lane]
    return not lack <= min(allowed, _MOST_LACK)


@inlined
def passes(
    attempt: np.ndarray, implicit: np.ndarray, relative: np.ndarray, lanes: np.ndarray, lane: int
) -> bool:
    """Whether a step is as good as it must be."""
    error, low = attempt[ERROR, lane], attempt[ROOM, lane]
    return (
        _finite(attempt, lane)
        and error <= 1.0
        and low >= 0.0
        and not _outgrown(attempt, implicit, relative, lanes, lane)
    )


@inlined
def take_back(runs: np.ndarray, lanes: np.ndarray, lane: int, used: float) -> None:
    """A step that was accepted is none: one on the way, as long as `used`, does not pass."""
    runs[lanes[lane].member].steps -= 1
    runs[lanes[lane].member].rejected += 1
    lanes[lane].step = 0.5 * used
    lanes[lane].rejected = 1


@inlined
def _judge(
    runs: np.ndarray,
    lanes: np.ndarray,
    attempt: np.ndarray,
    implicit: np.ndarray,
    relative: np.ndarray,
    stages: np.ndarray,
    lane: int,
) -> bool:
    """Accept or reject a run's step and set its next one; return whether it was accepted.

    With errors e in units of the tolerance, the step after an accepted one is ``0.9 h e_n^(-0.85/3) e_(n-1)^(0.25/3)``,
    within the bounds above: PI control (Gustafsson, ACM Trans. Math. Softw. 17, 533 (1991), doi
    10.1145/210232.210242). After a rejected one it is ``0.9 h e^(-1/3)``: the estimated error of a step of every method
    here falls as h^3.
    """
    member = lanes[lane].member
    error = attempt[ERROR, lane]
    evaluations = STEPS[lanes[lane].method].evaluations
    runs[member].evaluations += evaluations if evaluations > 0 else stages[lane]
    lanes[lane].spent += 1
    end_failed_trial(lanes, lane)
    used = attempt[STEP, lane]
    if passes(attempt, implicit, relative, lanes, lane):
        runs[member].steps += 1
        logarithm = math.log(max(error, 1e-8))
        factor = _SAFETY * math.exp((_INTEGRAL * lanes[lane].error - _PROPORTIONAL * logarithm) / 3.0)
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
    if _finite(attempt, lane):
        factor = 0.5 if error <= 1.0 else _SAFETY * math.exp(-math.log(error) / 3.0)
    lanes[lane].step = used * min(max(factor, _SHRINKAGE), 0.9)
    lanes[lane].rejected = 1
    return False


@inlined
def judge_all(runs: np.ndarray, w: Work, method: int) -> bool:
    """Judge the steps attempted with a method; return whether all lanes have been accepted."""
    if w.wide == 1:
        bring_together(w)
    for lane in range(LANES):
        w.attempt[ACCEPTED, lane] = 0.0
    for lane in range(len(w.lane)):
        # From here on a run with no step (0) has not taken part.
        if w.lane[lane].member < 0 or w.lane[lane].method != method:
            w.attempt[STEP, lane] = 0.0
        elif _judge(runs, w.lane, w.attempt, w.implicit, w.relative, w.stages, lane):
            w.attempt[ACCEPTED, lane] = 1.0
    return all_accepted(w)


@inlined
def all_accepted(w: Work) -> bool:
    """Whether the steps of all lanes have been accepted."""
    if w.wide == 1:
        return w.attempt[ACCEPTED, 0] == 1.0
    accepted = 0.0
    for lane in range(LANES):
        accepted += w.attempt[ACCEPTED, lane]
    return accepted == LANES


@inlined
def spent(members: np.ndarray, runs: np.ndarray, member: int) -> bool:
    """Whether a run has used up its budget of steps."""
    return runs[member].steps + runs[member].rejected >= members[member].max_steps


@inlined
def vanished(members: np.ndarray, lanes: np.ndarray, lane: int) -> bool:
    """Whether a lane's step is lost in the rounding of its time."""
    member = lanes[lane].member
    span, first = members[member].running_time, members[member].first_step
    # A first step that was asked for may be a tiny part of a long span.
    scale = span if first == 0.0 else min(span, 100.0 * first)
    return lanes[lane].step < max(_SMALLEST_STEP * lanes[lane].time, _SHORTEST_STEP * scale)
