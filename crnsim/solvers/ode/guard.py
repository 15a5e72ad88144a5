"""Tolerances that follow the concentrations, and species that grow out of them. Compiled.

A species far below its absolute tolerance is not followed: its value may be wrong altogether, which does no harm as
long as it stays there, or is made anew from species that are followed. It does where the species makes more of itself
(a seed of autocatalysis, a rival that comes back): then the time at which it rises hangs on a value that was lost.
"""

from __future__ import annotations

import numpy as np

from crnsim.compiled import compiled
from crnsim.kinetics.lanes import LANES, above, anywhere, larger, load, smaller, splat, store
from crnsim.kinetics.listed import CHANGES, REACTANTS, REACTIONS
from crnsim.solvers.events import put_run
from crnsim.solvers.ode.control import set_lack
from crnsim.solvers.ode.work import ACCEPTED, LOOSER, RELATIVE, RISEN, Y_NEW, Work, Y
from crnsim.solvers.protocol import Protocol, Record


@compiled
def set_tolerances(p: Protocol, w: Work, lane: int) -> None:
    """Set the absolute tolerances of a run that begins."""
    member = w.lane[lane].member
    start = p.start[member]
    atol = p.atol[min(member, len(p.atol) - 1)]
    looser = p.member[member].looser
    for row in range(len(start)):
        w.before[row] = looser * atol[row]
    for row in range(len(p.scaled)):
        w.before[row] = max(w.before[row], looser * p.scaled[row] * start[row])
    put_run(w.before, w.absolute, -1 if w.wide == 1 else lane)
    for other in range(LANES):
        if w.wide == 1 or other == lane:
            w.relative[RELATIVE, other] = looser * p.rtol
            w.relative[LOOSER, other] = looser
    set_lack(w.relative)


@compiled
def raise_tolerances(w: Work, n: int, scaled: np.ndarray) -> None:
    """Let absolute tolerances follow the highest concentrations so far; eight runs side by side."""
    y, looser = w.tables[w.at[Y]], load(w.relative, LOOSER)
    for row in range(n):
        store(w.absolute, row, larger(looser * (splat(scaled[row]) * load(y, row)), load(w.absolute, row)))


@compiled
def watch(program: np.ndarray, p: Protocol, r: Record, w: Work, n: int) -> None:
    """Note the species that a step has brought out of the tolerances by themselves."""
    inverse = splat(1.0) / load(w.relative, RELATIVE)
    y = w.tables[w.at[Y]]
    y_new = w.tables[w.at[Y_NEW]]
    risen = splat(-1.0)
    for row in range(n):
        least = load(w.absolute, row) * inverse
        risen = larger(smaller(load(y_new, row) - least, least - load(y, row)), risen)
    store(w.attempt, RISEN, risen)
    if not anywhere(above(risen, splat(0.0)) * load(w.attempt, ACCEPTED)):
        return
    for lane in range(len(w.lane)):
        if w.attempt[ACCEPTED, lane] == 1.0 and w.attempt[RISEN, lane] > 0.0:
            _note(program, p, r, w, lane)


@compiled
def _note(program: np.ndarray, p: Protocol, r: Record, w: Work, lane: int) -> None:
    """Find out by what the species have risen that have.

    A species is grounded if it was followed, or if most of it is made from grounded species only.
    """
    y = w.tables[w.at[Y]]
    y_new = w.tables[w.at[Y_NEW]]
    grounded, surplus, rtol = w.before, w.draws, w.relative[RELATIVE, lane]
    for row in range(len(grounded)):
        followed = row >= w.dynamic or y[row, lane] >= w.absolute[row, lane] / rtol
        grounded[row] = 1.0 if followed else 0.0
    reactants, changes = program[REACTANTS], program[CHANGES]
    searching = True
    while searching:
        searching = False
        for row in range(w.dynamic):
            surplus[row] = 0.0
        for number in range(program[REACTIONS]):
            flux, share = w.rate[number, lane], 0.5
            for at in range(program[reactants + number], program[reactants + number + 1]):
                flux *= max(y_new[program[at], lane], 0.0)
                if grounded[program[at]] == 0.0:
                    share = -0.5
            for at in range(program[changes + number], program[changes + number + 1], 2):
                if program[at + 1] > 0:
                    surplus[program[at]] += share * flux * program[at + 1]
        for row in range(w.dynamic):
            if grounded[row] == 0.0 and surplus[row] > 0.0:
                grounded[row] = 1.0
                searching = True
    for row in range(w.dynamic):
        old, least = y[row, lane], w.absolute[row, lane] / rtol
        if grounded[row] == 0.0 and 0.0 < old < least <= y_new[row, lane]:
            r.grown[w.lane[lane].member, row] = 1
