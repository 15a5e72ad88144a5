"""Which step method a run uses: a fixed one, or the one that has cost less. Compiled."""

from __future__ import annotations

import numpy as np

from crnsim.compiled import compiled
from crnsim.kinetics.lanes import anywhere, at_most, load
from crnsim.kinetics.signatures import RADIUS
from crnsim.solvers.ode.steps import BS23, ROSW, STEPS
from crnsim.solvers.ode.work import ACCEPTED, METHOD, SPENT, STEP, TRIAL_ENDS, Work, put
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
    method = favoured = w.lane[lane].favoured
    if p.member[w.lane[lane].member].noise_concentrations > 0.0 and (
        _is_trial(presentation) or w.lane[lane].cost > _DEARER * w.lane[lane].tried
    ):
        method = CANDIDATES[1] if favoured == CANDIDATES[0] else CANDIDATES[0]
        w.lane[lane].trial = 1
        w.lane[lane].tried = w.lane[lane].cost
        put(w, TRIAL_ENDS, lane, _CLEARLY * w.lane[lane].cost / STEPS[method].cost)
    put(w, METHOD, lane, method)


@compiled
def follow_stiffness(w: Work, dear: int) -> None:
    """Where an implicit step costs `dear` explicit ones: take it only while it is that much longer.

    The explicit pair is stable up to 2.5 over the spectral radius, which is known after an implicit step. One of those
    is tried again after a while, or when a step has been rejected.
    """
    for lane in range(len(w.lane)):
        if w.attempt[STEP, lane] == 0.0:
            continue
        accepted = w.attempt[ACCEPTED, lane] == 1.0
        if w.place[METHOD, lane] == BS23:
            w.lane[lane].easy += 1
            if not accepted or w.lane[lane].easy > 5 * dear:
                put(w, METHOD, lane, ROSW)
        elif accepted and w.attempt[STEP, lane] * w.implicit[RADIUS, lane] < 2.0 * dear:
            put(w, METHOD, lane, BS23)
            w.lane[lane].easy = 0


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
