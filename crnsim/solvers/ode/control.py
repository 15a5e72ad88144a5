"""Whether a step is accepted, and how long the next one is. Compiled, for all lanes at once.

A condition is a vector of ones and zeros, and a product of such vectors holds where all of them do.
"""

from __future__ import annotations

import numpy as np

from crnsim.compiled import compiled, inlined
from crnsim.kinetics.lanes import (
    LANES,
    above,
    anywhere,
    at_most,
    larger,
    load,
    magnitude,
    rough_exp2,
    rough_log2,
    same,
    select,
    smaller,
    splat,
    store,
)
from crnsim.kinetics.signatures import PIVOT, RADIUS
from crnsim.solvers.ode.error import Lanes
from crnsim.solvers.ode.rkc import plan_stages, stable_length
from crnsim.solvers.ode.steps import STEPS
from crnsim.solvers.ode.work import (
    ACCEPTED,
    CEILING,
    ERROR,
    EVALUATIONS,
    FIRST_STEP,
    HIGHEST,
    LACK,
    LOGARITHM,
    METHOD,
    MOST_STEPS,
    NEXT_STEP,
    OPENING,
    PASSES,
    REACHED,
    REJECTED,
    REJECTIONS,
    RELATIVE,
    ROOM,
    SHORTEST,
    SPENT,
    SPENT_ALL,
    STEP,
    STEPS_DONE,
    STOP_TIME,
    TIME,
    TOTAL,
    VANISHED,
    Work,
    put,
)

#: A run begins with this part of its running time.
FIRST_PART = 1e-3
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


@inlined
def restart(w: Work, lane: int) -> None:
    """Step after an event as after the last one."""
    put(w, OPENING, lane, 1.0)
    put(w, NEXT_STEP, lane, min(w.place[NEXT_STEP, lane], w.place[FIRST_STEP, lane]))
    put(w, LOGARITHM, lane, 0.0)


@inlined
def begin(w: Work, running_time: float, first_step: float, lane: int) -> None:
    """Set the steps of a run that begins; a first step of 0 is a part of the running time."""
    # One that was asked for may be a tiny part of a long span.
    scale = running_time if first_step == 0.0 else min(running_time, 100.0 * first_step)
    put(w, SHORTEST, lane, _SHORTEST_STEP * scale)
    step = FIRST_PART * running_time if first_step == 0.0 else first_step
    put(w, NEXT_STEP, lane, step)
    put(w, FIRST_STEP, lane, step)
    for row in (REJECTED, STEPS_DONE, REJECTIONS, EVALUATIONS):
        put(w, row, lane, 0.0)


@inlined
def set_lack(relative: np.ndarray) -> None:
    """Set how much of 1 a pivot may lack."""
    store(relative, LACK, splat(_LACK) * rough_exp2(rough_log2(load(relative, RELATIVE)) / splat(3.0)))


@inlined
def next_method(w: Work, last: int) -> int:
    """The method to take a step with: those in use take turns; -1 if no run is left."""
    used = load(w.place, METHOD)
    for turn in range(1, len(STEPS) + 1):
        method = (last + turn) % len(STEPS)
        if anywhere(same(used, splat(float(method)))):
            return method
    return -1


@compiled
def plan_steps(w: Work, method: int) -> None:
    """Set the step of the runs that use a method, cut to the next event and to what is stable; zero for the others."""
    left = load(w.place, STOP_TIME) - load(w.place, TIME)
    step = load(w.place, NEXT_STEP)
    if STEPS[method].stabilised == 1:
        # Not zero, which stands for a run that takes no part, where the radius is beyond all numbers.
        step = larger(smaller(step, stable_length(w.chebyshev, load(w.implicit, RADIUS))), splat(_LEAST_STEP))
    # Stretch or halve instead of leaving a sliver before the event.
    halved = select(above(splat(2.0) * step, left), splat(0.5) * left, step)
    step = select(at_most(left * splat(1.0 - 1e-9), step), left, halved)
    step = select(same(load(w.place, METHOD), splat(float(method))), step, splat(0.0))
    store(w.attempt, STEP, step)
    if STEPS[method].stabilised == 1:
        plan_stages(w)


@compiled
def bring_together(attempt: np.ndarray) -> None:
    """One run in all lanes: bring together what they found."""
    error, room, highest = attempt[ERROR, 0], attempt[ROOM, 0], attempt[HIGHEST, 0]
    total = attempt[TOTAL, 0]
    for lane in range(1, LANES):
        error = attempt[ERROR, lane] if not attempt[ERROR, lane] <= error else error
        room = attempt[ROOM, lane] if not attempt[ROOM, lane] >= room else room
        highest = attempt[HIGHEST, lane] if not attempt[HIGHEST, lane] <= highest else highest
        total += attempt[TOTAL, lane]
    for lane in range(LANES):
        attempt[ERROR, lane] = error
        attempt[ROOM, lane] = room
        attempt[HIGHEST, lane] = highest
        attempt[TOTAL, lane] = total


@inlined
def _finite(attempt: np.ndarray) -> Lanes:
    """Where a step has led to numbers."""
    infinite = splat(np.inf)
    return above(infinite, magnitude(load(attempt, TOTAL))) * above(infinite, magnitude(load(attempt, ERROR)))


@inlined
def _followed(w: Work) -> Lanes:
    """Where nothing grows too much within an implicit step."""
    stiffness = load(w.attempt, STEP) * load(w.implicit, RADIUS)
    allowed = load(w.relative, LACK) + splat(_ROUNDING) * stiffness
    return at_most(splat(1.0) - load(w.implicit, PIVOT), smaller(allowed, splat(_MOST_LACK)))


@inlined
def find_passes(w: Work, method: int) -> None:
    """Find the steps that are as good as they must be."""
    if w.wide == 1:
        bring_together(w.attempt)
    good = _finite(w.attempt)
    good = good * at_most(load(w.attempt, ERROR), splat(1.0)) * at_most(splat(0.0), load(w.attempt, ROOM))
    if STEPS[method].gamma > 0.0:
        good = good * _followed(w)
    store(w.attempt, PASSES, good)


@inlined
def take_back(w: Work, lane: int, used: float) -> None:
    """A step that was accepted is none: one on the way, as long as `used`, does not pass."""
    put(w, STEPS_DONE, lane, w.place[STEPS_DONE, lane] - 1.0)
    put(w, REJECTIONS, lane, w.place[REJECTIONS, lane] + 1.0)
    put(w, NEXT_STEP, lane, 0.5 * used)
    put(w, REJECTED, lane, 1.0)


@compiled
def judge_all(w: Work, method: int) -> bool:
    """Accept or reject the steps attempted with a method and set the next ones; return whether all lanes have moved.

    With errors e in units of the tolerance, the step after an accepted one is ``0.9 h e_n^(-0.85/3) e_(n-1)^(0.25/3)``,
    within the bounds above: PI control (Gustafsson, ACM Trans. Math. Softw. 17, 533 (1991), doi
    10.1145/210232.210242). After a rejected one it is ``0.9 h e^(-1/3)``. With 5 in the place of 3 for a method whose
    error falls as h^5.
    """
    find_passes(w, method)
    one, zero, place = splat(1.0), splat(0.0), w.place
    used = load(w.attempt, STEP)
    part = above(used, zero)
    accepted = part * load(w.attempt, PASSES)
    store(w.attempt, ACCEPTED, accepted)
    error = load(w.attempt, ERROR)
    logarithm = rough_log2(larger(error, splat(1e-8)))
    last = load(place, LOGARITHM)
    power = splat(1.0 / STEPS[method].falls)
    factor = rough_exp2((splat(_INTEGRAL) * last - splat(_PROPORTIONAL) * logarithm) * power)
    factor = larger(splat(_SAFETY) * factor, splat(_SHRINKAGE))
    planned, opening = load(place, NEXT_STEP), load(place, OPENING)
    # A step cut short by an event says nothing against the longer one planned.
    cut = above(planned, used)
    limit = select(load(place, REJECTED), one, splat(_GROWTH))
    longer = larger(used * smaller(factor, limit), select(cut, planned, zero))
    first = used * smaller(factor, splat(_GROWTH))
    store(
        place,
        FIRST_STEP,
        select(accepted * opening * at_most(planned, used), first, load(place, FIRST_STEP)),
    )
    # Beyond all numbers, a rejected step is cut as far as may be.
    shrunk = larger(splat(_SAFETY) * rough_exp2(zero - logarithm * power), splat(_SHRINKAGE))
    shrunk = select(at_most(error, one), splat(0.5), smaller(shrunk, splat(0.9)))
    shorter = used * select(_finite(w.attempt), shrunk, splat(_SHRINKAGE))
    store(place, NEXT_STEP, select(accepted, longer, select(part, shorter, planned)))
    store(place, OPENING, select(accepted, zero, opening))
    store(place, LOGARITHM, select(accepted, logarithm, last))
    store(place, REJECTED, select(accepted, zero, select(part, one, load(place, REJECTED))))
    store(place, STEPS_DONE, load(place, STEPS_DONE) + accepted)
    store(place, REJECTIONS, load(place, REJECTIONS) + (part - accepted))
    store(place, SPENT, load(place, SPENT) + part)
    _count_evaluations(w, method, part)
    return all_accepted(w)


@inlined
def _count_evaluations(w: Work, method: int, part: Lanes) -> None:
    evaluations = STEPS[method].evaluations
    if evaluations > 0:
        store(w.place, EVALUATIONS, load(w.place, EVALUATIONS) + part * splat(float(evaluations)))
        return
    for lane in range(LANES):
        if w.attempt[STEP, lane] > 0.0:
            w.place[EVALUATIONS, lane] += w.stages[lane]


@inlined
def all_accepted(w: Work) -> bool:
    """Whether the steps of all runs have been accepted."""
    running = at_most(splat(0.0), load(w.place, METHOD))
    return not anywhere(running - load(w.attempt, ACCEPTED))


@inlined
def find_limits(w: Work) -> None:
    """Find the runs that have used up their budget of steps, or whose step is lost in the rounding of their time."""
    place, part = w.place, above(load(w.attempt, STEP), splat(0.0))
    taken = load(place, STEPS_DONE) + load(place, REJECTIONS)
    store(w.attempt, SPENT_ALL, part * at_most(load(place, MOST_STEPS), taken))
    least = larger(splat(_SMALLEST_STEP) * load(place, TIME), load(place, SHORTEST))
    store(w.attempt, VANISHED, part * above(least, load(place, NEXT_STEP)))


@compiled
def move_clocks(w: Work) -> bool:
    """Move the clocks of runs that have taken a step; return whether one has reached its event or a limit."""
    place, accepted, used = w.place, load(w.attempt, ACCEPTED), load(w.attempt, STEP)
    time, stop = load(place, TIME), load(place, STOP_TIME)
    reached = accepted * same(used, stop - time)
    store(w.attempt, REACHED, reached)
    store(place, TIME, select(reached, stop, select(accepted, time + used, time)))
    find_limits(w)
    high = accepted * above(load(w.attempt, HIGHEST), load(place, CEILING))
    return anywhere(reached + high + load(w.attempt, SPENT_ALL) + load(w.attempt, VANISHED))
