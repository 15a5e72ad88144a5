"""Which step method a run uses: a fixed one, or the one that has cost less. Compiled."""

from __future__ import annotations

import numpy as np

from crnsim.compiled import compiled, inlined
from crnsim.kinetics.kernels import Kinetics, prepare_linear
from crnsim.kinetics.lanes import anywhere, at_most, load, select, splat, store
from crnsim.kinetics.signatures import AGE, LINEAR_STEP, PIVOT, RADIUS
from crnsim.solvers.ode.rosw import GAMMA
from crnsim.solvers.ode.steps import BS23, DP45, ROSW, STEPS
from crnsim.solvers.ode.work import (
    ACCEPTED,
    LACK,
    METHOD,
    NEXT_STEP,
    SPENT,
    STEP,
    TRIAL_ENDS,
    Work,
    Y,
    put,
)
from crnsim.solvers.protocol import Protocol

#: The policy, instead of the code of one step method, by which a run finds out for itself: it begins with the first of
#: the candidates; if its concentrations are perturbed, it tries the other one too, because after each perturbation
#: accuracy, not stability, may limit the step.
AUTO = -1
#: The step methods between which `AUTO` chooses.
CANDIDATES = (ROSW, BS23)

#: A method falls from favour only where the other one is clearly cheaper: runs side by side cost least in agreement.
_CLEARLY = 0.75
#: The method not in favour is tried at presentations 4, 32, 256 and so on; the first ones start from a made-up state.
#: They are also compared when the favoured one has become this much dearer.
_FIRST_TRIAL, _TRIALS, _DEARER = 4, 8, 1.5
#: Below this relative tolerance an explicit method is one of higher order. Linear systems are dear where a step with
#: them costs more explicit ones than this, and very dear where a run should not begin with one.
_TIGHT, _DEAR, _VERY_DEAR = 1e-4, 6, 100
#: Explicit steps to take before a system is factored again, at least and at most, unless it costs as many.
_PATIENCE, _MOST_PATIENCE = 10, 640


@compiled
def end_failed_trials(w: Work) -> None:
    """Go back to the favoured method as soon as a trial is not clearly cheaper than that was."""
    if not anywhere(at_most(load(w.place, TRIAL_ENDS), load(w.place, SPENT))):
        return
    for lane in range(len(w.lane)):
        if w.place[SPENT, lane] >= w.place[TRIAL_ENDS, lane]:
            put(w, METHOD, lane, w.lane[lane].favoured)
            put(w, TRIAL_ENDS, lane, np.inf)
            w.lane[lane].trial = 2


@compiled
def choose_method(p: Protocol, w: Work, policy: int, lane: int) -> None:
    """Method of the presentation that begins: a fixed one, the favoured one, or the other one for a trial."""
    presentation = w.lane[lane].presentation
    w.lane[lane].trial = 0
    put(w, SPENT, lane, 0.0)
    put(w, TRIAL_ENDS, lane, np.inf)
    if policy != AUTO:
        put(w, METHOD, lane, policy)
        return
    if presentation == 0:
        w.lane[lane].favoured = CANDIDATES[0]
        w.lane[lane].tried = np.inf
        w.lane[lane].patience = max(_PATIENCE, w.implicit_cost * w.serves)
        w.lane[lane].easy = 0
        put(w, METHOD, lane, w.opens)
        return
    method = favoured = w.lane[lane].favoured
    if p.member[w.lane[lane].member].noise_concentrations > 0.0 and (
        _is_trial(presentation) or w.lane[lane].cost > _DEARER * w.lane[lane].tried
    ):
        method = CANDIDATES[1] if favoured == CANDIDATES[0] else CANDIDATES[0]
        w.lane[lane].trial = 1
        w.lane[lane].tried = w.lane[lane].cost
        put(w, TRIAL_ENDS, lane, _CLEARLY * w.lane[lane].cost / STEPS[method].cost)
    put(w, METHOD, lane, method)


def with_choice(w: Work, protocol: Protocol, policy: int) -> Work:
    """Set the methods that runs by the policy `AUTO` begin with, and take in turns.

    For a single network whose linear systems are dear `AUTO` takes explicit steps where it can; at tight tolerances of
    a method of higher order.
    """
    if policy != AUTO:
        return w
    if protocol.guarded == 0 or w.implicit_cost <= _DEAR:
        return w._replace(opens=CANDIDATES[0])
    explicit = DP45 if protocol.rtol < _TIGHT else BS23
    return w._replace(explicit=explicit, opens=explicit if w.implicit_cost > _VERY_DEAR else CANDIDATES[0])


@compiled
def follow_stiffness(k: Kinetics, w: Work) -> None:
    """Take implicit steps where they are longer than what an explicit method is stable for, by as much as they cost.

    And where something grows, which they tell by their pivots. While steps are explicit, a system is factored now and
    then to find out; where steps are as long as is stable, an implicit one is tried, the less often, the more often
    that was in vain.
    """
    explicit, cost = w.explicit, w.implicit_cost
    stable = STEPS[explicit].stable
    worth = stable * max(cost / STEPS[explicit].cost, 1.0)
    looking = False
    for lane in range(len(w.lane)):
        used, radius = w.attempt[STEP, lane], w.implicit[RADIUS, lane]
        if used == 0.0:
            continue
        accepted = w.attempt[ACCEPTED, lane] == 1.0
        if w.place[METHOD, lane] == explicit:
            w.lane[lane].easy += 1
            looking = looking or w.lane[lane].easy >= w.lane[lane].patience
        elif used * radius < _CLEARLY * worth and _settled(w, stable, lane):
            put(w, METHOD, lane, explicit)
            if not accepted:
                put(w, NEXT_STEP, lane, min(used, _CLEARLY * stable / radius))
            w.lane[lane].easy = 0
            w.lane[lane].patience = min(2 * w.lane[lane].patience, max(_MOST_PATIENCE, 8 * cost * w.serves))
        elif accepted:
            w.lane[lane].patience = max(_PATIENCE, cost * w.serves)
    if looking:
        _look(k, w, explicit, stable)


@inlined
def _settled(w: Work, stable: float, lane: int) -> bool:
    """Whether nothing would grow too much within the longest explicit step, as far as an implicit one tells."""
    longer = max(stable / (w.implicit[RADIUS, lane] * w.attempt[STEP, lane]), 1.0)
    return (1.0 - w.implicit[PIVOT, lane]) * longer <= w.relative[LACK, lane]


@inlined
def _look(k: Kinetics, w: Work, explicit: int, stable: float) -> None:
    """Factor the systems of the next steps; take implicit ones where something grows, or steps are at their limit."""
    running = at_most(splat(0.0), load(w.place, METHOD))
    step = select(running, splat(GAMMA) * load(w.place, NEXT_STEP), splat(0.0))
    store(w.implicit, LINEAR_STEP, step)
    store(w.implicit, AGE, splat(0.0))
    prepare_linear(k, w.tables[w.at[Y]], w.rate, w.p, w.q, w.implicit)
    for lane in range(len(w.lane)):
        if w.place[METHOD, lane] != explicit:
            continue
        w.lane[lane].easy = 0
        at_limit = w.place[NEXT_STEP, lane] * w.implicit[RADIUS, lane] > _CLEARLY * stable
        if at_limit or not 1.0 - w.implicit[PIVOT, lane] <= w.relative[LACK, lane]:
            put(w, METHOD, lane, ROSW)


@compiled
def _is_trial(presentation: int) -> bool:
    power = _FIRST_TRIAL
    while power < presentation:
        power *= _TRIALS
    return power == presentation


@compiled
def weigh_methods(w: Work, policy: int, lane: int) -> None:
    """At the end of a presentation, favour the method that has cost less."""
    if policy != AUTO or w.lane[lane].trial == 2:
        return
    method = int(w.place[METHOD, lane])
    w.lane[lane].cost = w.place[SPENT, lane] * STEPS[method].cost
    if w.lane[lane].trial == 1:
        w.lane[lane].favoured = method
        w.lane[lane].tried = w.lane[lane].cost
