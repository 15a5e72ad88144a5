"""Which step method a run uses: a fixed one, or the one that has cost less. Compiled."""

from __future__ import annotations

import numpy as np

from crnsim.compiled import compiled, inlined
from crnsim.kinetics.kernels import Kinetics
from crnsim.kinetics.lanes import above, anywhere, at_most, load, same, select, splat, store
from crnsim.kinetics.signatures import PIVOT, RADIUS
from crnsim.solvers.ode.factors import renew
from crnsim.solvers.ode.steps import BS23, DP45, RODAS, ROSW, STEPS, with_methods
from crnsim.solvers.ode.work import (
    ACCEPTED,
    DUE,
    LACK,
    METHOD,
    NEXT_STEP,
    RELATIVE,
    SPENT,
    STEP,
    TRIAL_ENDS,
    Work,
    put,
)
from crnsim.solvers.protocol import Protocol

#: The policy, instead of the code of one step method, by which a run finds out for itself which of two methods is
#: cheaper: where accuracy and not stability limits the step, as after perturbations and at tight tolerances, it is an
#: explicit one.
AUTO = -1

#: A method falls from favour only where the other one is clearly cheaper: runs side by side cost least in agreement.
_CLEARLY = 0.75
#: The method not in favour is tried at presentations 4, 32, 256 and so on; the first ones start from a made-up state.
#: They are also compared when the favoured one has become this much dearer.
_FIRST_TRIAL, _TRIALS, _DEARER = 4, 8, 1.5
#: Below this relative tolerance an explicit method is one of higher order. Linear systems are dear where a step with
#: them costs more explicit ones than this, and very dear where a run should not begin with one.
_TIGHT, _DEAR, _VERY_DEAR = 1e-4, 6, 100
#: Explicit steps to take before a system is factored again, at least, and at most in units of what it costs.
_PATIENCE, _MOST_PATIENCE = 10, 32
#: Elimination loses the last bits of numbers that are as many times larger as step times radius, and with them what the
#: network conserves. Where that may be seen beside the relative tolerance, here times this, the W-method is better, in
#: which an error of the matrix cancels but for terms of its order; that of higher order lost 1e4 times as much.
_LOSSY = 1e17
#: Implicit steps to take before they are judged: the first ones are as short as the explicit ones before.
_FAIR = 4
#: So many times as many of them have not been in vain.
_LASTING = 8
#: A bound of the spectral radius may be so many times as large as the radius.
_LOOSE = 4.0


@compiled
def _undisturbed(p: Protocol) -> bool:
    """Whether no samples are shown."""
    shown = 0
    for c in range(len(p.clamp)):
        shown += (p.clamp[c, 0] >= 0) + (p.clamp[c, 1] >= 0)
    return shown == 0


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
    perturbed = p.member[w.lane[lane].member].noise_concentrations > 0.0
    turns = w.explicit >= 0 and (p.guarded == 1 or not perturbed)
    w.lane[lane].turns = 1 if turns else 0
    w.lane[lane].trial = 0
    put(w, SPENT, lane, 0.0)
    put(w, TRIAL_ENDS, lane, np.inf)
    if policy != AUTO:
        put(w, METHOD, lane, policy)
        return
    if presentation == 0:
        w.lane[lane].favoured = w.opens
        w.lane[lane].tried = np.inf
        w.lane[lane].patience = int(max(_PATIENCE, w.implicit_cost * w.serves))
        w.lane[lane].easy = 0
        w.lane[lane].reach = STEPS[w.candidates[1]].stable
        put(w, METHOD, lane, w.lane[lane].favoured)
        return
    method = favoured = w.lane[lane].favoured
    if (
        (perturbed or _undisturbed(p))
        and not turns
        and (_is_trial(presentation) or w.lane[lane].cost > _DEARER * w.lane[lane].tried)
    ):
        method = w.candidates[1] if favoured == w.candidates[0] else w.candidates[0]
        w.lane[lane].trial = 1
        w.lane[lane].tried = w.lane[lane].cost
        put(w, TRIAL_ENDS, lane, _CLEARLY * w.lane[lane].cost / STEPS[method].cost)
    put(w, METHOD, lane, method)


def with_choice(k: Kinetics, w: Work, protocol: Protocol, policy: int, *, whole: bool) -> Work:
    """Set what runs choose from, and put the methods that they may take where the loop finds them.

    By the policy `AUTO` an implicit and an explicit method: at tight tolerances those of higher order, the implicit one
    where linear systems have the `whole` Jacobian, that of the same step. They take turns by the lengths of their steps
    at tight tolerances, and where linear systems are dear; otherwise costs of whole presentations are compared, if
    perturbations make accuracy limit the step, or nothing is shown: such a run, of a clock, goes on smoothly, and is
    one for higher orders at any tolerance. That something grows is the rule there.
    """
    if policy != AUTO:
        return with_methods(k, w, [policy])
    free = whole and protocol.guarded == 0 and bool(np.all(protocol.clamp < 0))
    tight = protocol.rtol < _TIGHT or free
    implicit = RODAS if tight and whole and w.serves == 1 else ROSW
    explicit = DP45 if tight else BS23
    # Where growth from below the tolerance is watched for, explicit steps of high order may pass over it.
    eager = tight and protocol.guarded == 0
    in_turns = (eager and not free) or (protocol.guarded == 1 and w.implicit_cost > _DEAR)
    perturbed = bool(np.any(protocol.member["noise_concentrations"] > 0.0))
    cost = w.implicit_cost * STEPS[implicit]["evaluations"] / STEPS[ROSW]["evaluations"]
    w = w._replace(
        candidates=np.array([implicit, explicit]),
        explicit=explicit if in_turns else -1,
        opens=explicit if eager or (in_turns and w.implicit_cost > _VERY_DEAR) else implicit,
        implicit_cost=cost if whole else float(STEPS[implicit]["cost"]),
    )
    codes = {implicit, ROSW} | ({explicit} if in_turns or perturbed or free else set())
    return with_methods(k, w, codes)


@compiled
def keep_sums(w: Work) -> None:
    """Take the W-method from where linear systems are so stiff that the other one would lose conserved sums."""
    stiffness = load(w.attempt, STEP) * load(w.implicit, RADIUS)
    lossy = above(stiffness, splat(_LOSSY) * load(w.relative, RELATIVE))
    lossy = lossy * same(load(w.place, METHOD), splat(float(RODAS)))
    if anywhere(lossy):
        store(w.place, METHOD, select(lossy, splat(float(ROSW)), load(w.place, METHOD)))


@compiled
def follow_stiffness(k: Kinetics, w: Work) -> None:
    """Take implicit steps where they are longer than what an explicit method is stable for, by as much as they cost.

    And where something grows, which they tell by their pivots. While steps are explicit, a system is factored now and
    then to find out; where steps are as long as is stable, an implicit one is tried, the less often, the more often
    that was in vain.
    """
    explicit, cost = w.explicit, w.implicit_cost
    stable, dearer = STEPS[explicit].stable, max(cost / STEPS[explicit].cost, 1.0)
    looking = False
    for lane in range(len(w.lane)):
        used, radius = w.attempt[STEP, lane], w.implicit[RADIUS, lane]
        if used == 0.0 or w.lane[lane].turns == 0:
            continue
        accepted = w.attempt[ACCEPTED, lane] == 1.0
        w.lane[lane].easy += 1
        if w.place[METHOD, lane] == explicit:
            looking = looking or w.lane[lane].easy >= w.lane[lane].patience
        elif w.lane[lane].easy < _FAIR:
            continue
        elif w.place[NEXT_STEP, lane] * radius < _CLEARLY * dearer * w.lane[lane].reach and _settled(
            w, stable, lane
        ):
            put(w, METHOD, lane, explicit)
            if not accepted:
                put(w, NEXT_STEP, lane, min(used, _CLEARLY * stable / radius))
            w.lane[lane].easy = 0
            most = int(_MOST_PATIENCE * dearer * w.serves)
            w.lane[lane].patience = min(2 * w.lane[lane].patience, most)
        elif accepted and w.lane[lane].easy > _LASTING * _FAIR:
            w.lane[lane].patience = int(max(_PATIENCE, cost * w.serves))
    if looking:
        _look(k, w, explicit, stable)


@inlined
def _settled(w: Work, stable: float, lane: int) -> bool:
    """Whether nothing would grow too much within the longest explicit step, as far as an implicit one tells."""
    longer = max(stable / (w.implicit[RADIUS, lane] * w.attempt[STEP, lane]), 1.0)
    return (1.0 - w.implicit[PIVOT, lane]) * longer <= w.relative[LACK, lane]


@inlined
def _look(k: Kinetics, w: Work, explicit: int, stable: float) -> None:
    """Where it is time, factor the system of the next step; take it if something grows, or steps are at their limit."""
    for lane in range(len(w.lane)):
        due = w.place[METHOD, lane] == explicit and w.lane[lane].easy >= w.lane[lane].patience
        put(w, DUE, lane, 1.0 if due and w.lane[lane].turns == 1 else 0.0)
    gamma = splat(STEPS[w.candidates[0]].gamma)
    renew(k, w, load(w.place, DUE), gamma * load(w.place, NEXT_STEP))
    for lane in range(len(w.lane)):
        if w.place[DUE, lane] == 0.0:
            continue
        w.lane[lane].easy = 0
        reach = w.place[NEXT_STEP, lane] * w.implicit[RADIUS, lane]
        at_limit = reach > _CLEARLY * stable
        w.lane[lane].reach = min(reach, _LOOSE * stable) if at_limit else stable
        if at_limit or not 1.0 - w.implicit[PIVOT, lane] <= w.relative[LACK, lane]:
            put(w, METHOD, lane, w.candidates[0])


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
