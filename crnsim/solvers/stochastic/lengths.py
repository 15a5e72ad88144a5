"""How long a leap may be: by how much it changes a species, how fast species relax, and what its rule lacks."""

from __future__ import annotations

import math

import numpy as np

from crnsim.compiled import compiled, inlined
from crnsim.solvers.stochastic import propensities
from crnsim.solvers.stochastic.tables import Tables
from crnsim.solvers.stochastic.work import CHANGED, CHOSEN, DRIVEN, TAU, Work

#: Relative change of propensities in a leap of tau-leaping, in mean and standard deviation.
_EPSILON = 0.03
#: Where the drift is implicit: how far a leap may change a species by its drift, and by its noise, in parts of what is
#: there or, if that is more, of so many molecules.
_DRIFT, _SPREAD, _FLOOR = 0.05, 0.1, 10.0
#: A leap lasts at most this part of the time in which a species comes back to its mean, or the second where the drift
#: is explicit: what drives it may change at any moment, no leap answers before its end, and what relaxes in less than a
#: leap keeps no memory that is right. (Leaps that are longer where a species is near its mean would narrow its law.)
_RELAXED, _EXPLICIT = 0.25, 0.1
#: What the trapezoidal rule lacks in a leap: at most this part of a species, or of how far its noise goes in the leap.
_BENT, _BENT_NOISE = 3e-6, 2e-3


@inlined
def _taken(t, r, row):
    """How many molecules of a species a reaction needs."""
    found = t.more[r] + 1 if t.owner[t.group[r]] == row else 0
    for at in range(t.partner_at[r], t.partner_at[r + 1]):
        if t.partner_row[at] == row:
            found += 1
    return found


@inlined
def _slope(t, w, r, along):
    """Derivative of a propensity along a change of the species."""
    owner, sum_ = t.owner[t.group[r]], 0.0
    if w.least[owner] >= 0.0:
        for taken in range(t.more[r] + 1):
            sum_ += along[owner] / max(w.molecules[owner] - taken, 1.0)
    for at in range(t.partner_at[r], t.partner_at[r + 1]):
        row = t.partner_row[at]
        if w.least[row] >= 0.0:
            sum_ += along[row] / max(w.molecules[row] - t.partner_less[at], 1.0)
    return w.propensity[r] * sum_


@compiled
def _derive(t: Tables, w: Work, along: np.ndarray, found: np.ndarray) -> None:
    """Write the Jacobian of what is leapt over, times a change of the species."""
    for at in range(w.sorted[CHANGED]):
        found[w.changed[at]] = 0.0
    for place in range(w.sorted[CHOSEN]):
        r = w.chosen[place]
        slope = _slope(t, w, r, along)
        for at in range(t.change_at[r], t.change_at[r + 1]):
            found[t.change_row[at]] += t.change_by[at] * slope


@compiled
def _straight(t: Tables, w: Work, tau: float) -> float:
    """How long a leap may be for what its rule, of order 2, lacks: J J y' tau^3 / 12, or twice as much if explicit."""
    _derive(t, w, w.mean, w.gain)
    _derive(t, w, w.gain, w.bent)
    for at in range(w.sorted[CHANGED]):
        row = w.changed[at]
        lacking = abs(w.bent[row]) / (6.0 if w.policy == TAU else 12.0)
        if t.highest[row] == 0 or lacking * tau * tau * tau <= _BENT * w.molecules[row]:
            continue
        by_count = (_BENT * max(w.molecules[row], _FLOOR) / lacking) ** (1.0 / 3.0)
        by_noise = (_BENT_NOISE * math.sqrt(w.variance[row]) / lacking) ** 0.4
        tau = min(tau, max(by_count, by_noise))
    return tau


@inlined
def _gravity(order, same, count):
    """By how much more propensities change than a species, relatively: the highest order of its reactions, at least.

    Y. Cao, D. T. Gillespie, L. R. Petzold, J. Chem. Phys. 124 (2006), 044109, doi 10.1063/1.2159468.
    """
    value = float(order)
    if same >= 2 and count > same - 0.5:
        terms = 0.0
        for taken in range(same):
            terms += count / (count - taken)
        value = terms * order / same
    return max(value, 1.0)


@compiled
def longest(t: Tables, w: Work) -> float:
    """How long a leap may be; propensities are brought up to date."""
    for at in range(w.sorted[CHANGED]):
        row = w.changed[at]
        w.mean[row] = w.variance[row] = w.loss[row] = 0.0
    for place in range(w.sorted[CHOSEN]):
        r = w.chosen[place]
        value = propensities.propensity(t, w, r)
        w.propensity[r] = value
        for at in range(t.change_at[r], t.change_at[r + 1]):
            row, by = t.change_row[at], t.change_by[at]
            w.mean[row] += by * value
            w.variance[row] += by * by * value
            if by < 0.0:
                w.loss[row] -= by * value * max(_taken(t, r, row), 1)
    tau, fastest = w.longest[DRIVEN], 0.0
    for at in range(w.sorted[CHANGED]):
        row = w.changed[at]
        count = w.molecules[row]
        w.used_up[row] = w.loss[row] / count if count > 0.0 else 0.0
        fastest = max(fastest, w.used_up[row])
        if t.highest[row] == 0:
            continue
        if w.policy == TAU:
            drift = max(_EPSILON * count / _gravity(t.highest[row], t.same[row], count), 1.0)
            spread = drift
        else:
            there = max(count, _FLOOR)
            drift, spread = _DRIFT * there, _SPREAD * there
        if abs(w.mean[row]) * tau > drift:
            tau = drift / abs(w.mean[row])
        if w.variance[row] * tau > spread * spread:
            tau = spread * spread / w.variance[row]
    tau = min(tau, _part(_EXPLICIT if w.policy == TAU else _RELAXED, fastest))
    return _straight(t, w, tau) if tau < math.inf else tau


@inlined
def _part(part, fastest):
    """So much of the time in which what is used up fastest is used up once."""
    return part / fastest if fastest > 0.0 else math.inf
