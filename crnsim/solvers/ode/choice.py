"""Which method a run uses: a fixed one, or the one that has cost less. Compiled."""

from __future__ import annotations

import numpy as np

from crnsim.compiled import compiled, inlined

#: Methods of the compiled loop.
BS23, RKC, ROSW = range(3)
#: `ROSW`, but a run whose concentrations are perturbed finds out which of `BS23` and `ROSW` costs less: after each
#: perturbation accuracy, not stability, may limit the step.
AUTO = 3

#: What a step of the implicit method costs in steps of the pair of order 3(2), by measurement.
_IMPLICIT_COST = 2.3
#: A method falls from favour only where the other one is clearly cheaper: runs side by side cost least in agreement.
_CLEARLY = 0.75
#: The method not in favour is tried at presentations 4, 32, 256 and so on; the first ones start from a made-up state.
#: They are also compared when the favoured one has become this much dearer.
_FIRST_TRIAL, _TRIALS, _DEARER = 4, 8, 1.5


@inlined
def cost(lanes, lane):
    """Cost of this presentation so far, in steps of the pair of order 3(2)."""
    return lanes[lane].spent * (_IMPLICIT_COST if lanes[lane].method == ROSW else 1.0)


@inlined
def end_failed_trial(lanes, lane):
    """Go back to the favoured method as soon as a trial is not clearly cheaper than that was."""
    if lanes[lane].trial == 1 and cost(lanes, lane) >= _CLEARLY * lanes[lane].cost:
        lanes[lane].method = lanes[lane].favoured
        lanes[lane].trial = 2


@compiled
def choose_method(p, w, policy, lane):
    """Method of the presentation that begins: a fixed one, the favoured one, or the other one for a trial."""
    presentation = w.lane[lane].presentation
    w.lane[lane].trial = 0
    w.lane[lane].spent = 0
    if policy != AUTO:
        w.lane[lane].method = policy
        return
    if presentation == 0:
        w.lane[lane].favoured = ROSW
        w.lane[lane].tried = np.inf
    w.lane[lane].method = w.lane[lane].favoured
    if p.member[w.lane[lane].member].kick_sigma > 0.0 and (
        _is_trial(presentation) or w.lane[lane].cost > _DEARER * w.lane[lane].tried
    ):
        w.lane[lane].method = BS23 + ROSW - w.lane[lane].favoured
        w.lane[lane].trial = 1
        w.lane[lane].tried = w.lane[lane].cost


@compiled
def _is_trial(presentation):
    power = _FIRST_TRIAL
    while power < presentation:
        power *= _TRIALS
    return power == presentation


@compiled
def weigh_methods(w, policy, lane):
    """At the end of a presentation, favour the method that has cost less."""
    if policy != AUTO or w.lane[lane].trial == 2:
        return
    w.lane[lane].cost = cost(w.lane, lane)
    if w.lane[lane].trial == 1:
        w.lane[lane].favoured = w.lane[lane].method
        w.lane[lane].tried = w.lane[lane].cost
