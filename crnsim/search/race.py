"""The race: which candidates cannot be among the best, by paired differences on the same replicates.

A t-race as in irace (M. López-Ibáñez et al., Oper. Res. Perspect. 3 (2016), 43, doi 10.1016/j.orp.2016.09.002), after
the F-race of M. Birattari et al. (GECCO 2002) and the Hoeffding races of O. Maron and A. Moore (NIPS 6, 1994);
replicates are doubled between looks, as in successive halving (K. Jamieson and A. Talwalkar, AISTATS 2016, arXiv
1502.07943).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from scipy.stats import t

#: Differences of values that mean nothing.
_ROUNDING = 1e-12


class Entrant(Protocol):
    """What is raced: a value for each objective, larger is better, from any of its replicates."""

    def standing(self, goal: int, replicates: Sequence[int]) -> float:
        """Return the value of an objective on some replicates."""


def hoped_gain(
    entrant: Entrant, rival: Entrant, goal: int, replicates: int, confidence: float
) -> tuple[float, float]:
    """Return by how much a candidate is ahead of a rival in one objective, and by how much it may be.

    Parameters
    ----------
    entrant, rival : Entrant
    goal : int
        Number of the objective.
    replicates : int
        That both have, from the first; their noise and their samples are the same.
    confidence : float
        One-sided.

    Returns
    -------
    mean, most : float
        The difference, and its upper bound: mean + t(n - 1) s, with the jackknife's standard error s (B. Efron and
        C. Stein, Ann. Statist. 9 (1981), 586, doi 10.1214/aos/1176345462), which for a mean is the usual one.
    """
    every = range(replicates)
    mean = entrant.standing(goal, every) - rival.standing(goal, every)
    without = np.array(
        [
            entrant.standing(goal, kept) - rival.standing(goal, kept)
            for kept in ([one for one in every if one != left_out] for left_out in every)
        ]
    )
    error = math.sqrt((replicates - 1) / replicates * float(np.sum((without - without.mean()) ** 2)))
    return mean, mean + float(t.ppf(confidence, replicates - 1)) * error


def dropped(
    entrants: Sequence[tuple[int, Entrant]],
    finished: Sequence[tuple[int, Entrant]],
    *,
    replicates: int,
    margins: Sequence[float],
    confidence: float,
) -> dict[int, int]:
    """Return which candidates cannot be among the best, each with the number of the one that shows it.

    A candidate goes if there is one that stays which it is not ahead of in any objective, and, at this confidence, not
    by more than a margin in any: so it can be neither the best nor on the Pareto front. Judged one after the other,
    the last asked first; the best so far are never judged, and of two that are equal the earlier one stays.

    Parameters
    ----------
    entrants : sequence of (int, Entrant)
        Number and candidate, those that have so many replicates.
    finished : sequence of (int, Entrant)
        Those on the front so far, with all of their replicates.
    replicates : int
    margins : sequence of float
        For each objective, a gain that counts as none.
    confidence : float

    Returns
    -------
    dict of int to int
    """
    out: dict[int, int] = {}
    for number, entrant in sorted(entrants, key=lambda pair: -pair[0]):
        rivals = [
            *finished,
            *((other, rival) for other, rival in entrants if other != number and other not in out),
        ]
        for other, rival in rivals:
            gains = (hoped_gain(entrant, rival, goal, replicates, confidence) for goal in range(len(margins)))
            if all(
                mean <= _ROUNDING and most <= margin + _ROUNDING
                for (mean, most), margin in zip(gains, margins, strict=True)
            ):
                out[number] = other
                break
    return out


def front(standings: Sequence[Sequence[float]]) -> list[int]:
    """Return the places of those that no other one is as good as in every objective and better in one.

    Of equal ones the first stands for all. Larger is better.
    """
    found = []
    for place, mine in enumerate(standings):
        beaten = any(
            all(a >= b for a, b in zip(other, mine, strict=True))
            and (any(a > b for a, b in zip(other, mine, strict=True)) or before < place)
            for before, other in enumerate(standings)
            if before != place
        )
        if not beaten:
            found.append(place)
    return found


def chosen(standings: Sequence[Sequence[float]], most: int) -> list[int]:
    """Return at most so many places of a front: the best in each objective, then those farthest from all chosen.

    They come in the order of the first objective, the best first.
    """
    places = front(standings)
    values = np.array([standings[place] for place in places], dtype=float)
    span = np.ptp(values, axis=0)
    scaled = (values - values.min(axis=0)) / np.where(span > 0, span, 1.0)
    picked: list[int] = []
    for goal in range(values.shape[1]):
        order = sorted(range(len(places)), key=lambda one: (*(-values[one, [goal]]), *(-values[one]), one))
        if order[0] not in picked and len(picked) < most:
            picked.append(order[0])
    while len(picked) < min(most, len(places)):
        apart = np.linalg.norm(scaled[:, None] - scaled[picked][None], axis=2).min(axis=1)
        apart[picked] = -1.0
        picked.append(int(apart.argmax()))
    return [places[one] for one in sorted(picked, key=lambda one: (*(-values[one]), one))]
