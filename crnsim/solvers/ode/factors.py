"""Factors of linear systems: of this step, or kept for several. Compiled.

A run's bits must not depend on which runs stand beside it: factors that are kept are made anew lane by lane.
"""

from __future__ import annotations

from crnsim.compiled import compiled, inlined
from crnsim.kinetics.kernels import Kinetics, prepare_linear
from crnsim.kinetics.lanes import LANES, above, anywhere, at_most, load, select, splat, store
from crnsim.kinetics.signatures import AGE, LINEAR_STEP, PIVOT, RADIUS
from crnsim.solvers.ode.error import Lanes
from crnsim.solvers.ode.work import OPENING, REJECTED, Work, Y

#: Factors serve for steps up to so many times as long as theirs, and down to so many.
_LONGER, _SHORTER = 1.3, 0.75


@compiled
def prepare(k: Kinetics, w: Work) -> None:
    """Factor ``1 - step J`` of every lane for its step in row LINEAR_STEP; bring together what is found of one run."""
    implicit = w.implicit
    prepare_linear(k, w.tables[w.at[Y]], w.rate, w.p, w.q, implicit)
    if w.wide == 1:
        widest, least = implicit[RADIUS, 0], implicit[PIVOT, 0]
        for lane in range(1, LANES):
            widest = max(widest, implicit[RADIUS, lane])
            least = min(least, implicit[PIVOT, lane])
        for lane in range(LANES):
            implicit[RADIUS, lane] = widest
            implicit[PIVOT, lane] = least


@inlined
def factor(k: Kinetics, w: Work, step: Lanes) -> None:
    """Have factors of ``1 - step J`` for the lanes whose `step` is not zero: those of another step where they serve."""
    if w.serves == 1:
        store(w.implicit, LINEAR_STEP, step)
        prepare(k, w)
        return
    outdated = _outdated(w, step)
    if anywhere(outdated):
        renew(k, w, outdated, step)
    store(w.implicit, AGE, load(w.implicit, AGE) + above(step, splat(0.0)))


@inlined
def _outdated(w: Work, step: Lanes) -> Lanes:
    """Where the factors that are there have served long enough, or for another step.

    A W-method has its order with any matrix, such as that of an earlier step.
    """
    factored, age = load(w.implicit, LINEAR_STEP), load(w.implicit, AGE)
    far = above(step, splat(_LONGER) * factored) + above(splat(_SHORTER) * factored, step)
    fresh = load(w.place, OPENING) + load(w.place, REJECTED)
    return above(step, splat(0.0)) * (far + fresh + at_most(splat(float(w.serves)), age))


@compiled
def renew(k: Kinetics, w: Work, chosen: Lanes, step: Lanes) -> None:
    """Factor the systems of some lanes (not zero) at their states; where factors are kept, the others keep theirs."""
    implicit, aside, kept = w.implicit, w.implicit_aside, w.p_aside
    for row in range(len(aside)):
        store(aside, row, load(implicit, row))
    for row in range(len(kept)):
        store(kept, row, load(w.p, row))
    store(implicit, LINEAR_STEP, select(chosen, step, splat(0.0)))
    prepare(k, w)
    store(implicit, AGE, splat(0.0))
    for row in (LINEAR_STEP, RADIUS, PIVOT, AGE):
        store(implicit, row, select(chosen, load(implicit, row), load(aside, row)))
    for row in range(len(kept)):
        store(w.p, row, select(chosen, load(w.p, row), load(kept, row)))
