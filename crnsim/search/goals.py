"""Objectives as numbers: what is measured of a candidate, and what of it is better."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from crnsim.metrics.intervals import critical_magnitude
from crnsim.noise.noise import Noise
from crnsim.search.model import CRITICAL, REACTIONS, SCORE, SPECIES, Objective
from crnsim.sweep.config.mistakes import Mistake

#: The level without noise.
QUIET = 0


@dataclass(frozen=True)
class Goal:
    """One objective.

    Attributes
    ----------
    what : str
        ``"score"``, ``"critical_magnitude"``, ``"species"``, ``"reactions"`` or ``"running_time"``.
    levels : tuple of int
        Levels of noise that it needs: of a score one, of a critical magnitude all of a kind, the first without noise.
    magnitudes : tuple of float
        Of these levels.
    kind : str
        Of noise; empty for none.
    """

    what: str
    levels: tuple[int, ...] = ()
    magnitudes: tuple[float, ...] = ()
    kind: str = ""

    @property
    def sign(self) -> int:
        """1 where more is better, -1 where less is."""
        return 1 if self.what in (SCORE, CRITICAL) else -1

    @property
    def name(self) -> str:
        """What tables and pages call it."""
        if self.what == SCORE:
            return f"score, {self.kind} {self.magnitudes[0]:g}" if self.kind else "score without noise"
        if self.what == CRITICAL:
            return f"critical magnitude of {self.kind}"
        return self.what.replace("_", " ")

    def margin(self, margin: float) -> float:
        """Return the gain that counts as none, in the units of this objective."""
        if self.what == SCORE:
            return margin
        return margin * self.magnitudes[-1] if self.what == CRITICAL else 0.0


def goals_of(objectives: Sequence[Objective], levels: Sequence[Noise]) -> list[Goal]:
    """Return objectives with the levels of noise that they need.

    Parameters
    ----------
    objectives : sequence of Objective
    levels : sequence of Noise
        Of the sweep, the first without noise.

    Raises
    ------
    Mistake
        The sweep has no such noise, or an objective stands there twice.
    """
    kinds: dict[str, dict[float, int]] = {}
    for number, level in enumerate(levels):
        if len(level.acting) == 1:
            kinds.setdefault(level.kind, {})[level.magnitudes[level.kind]] = number
    found: list[Goal] = []
    for place, objective in enumerate(objectives):
        goal = _goal(objective, kinds, ("objectives", place))
        if goal in found:
            raise Mistake(("objectives", place), f"{goal.name} stands there twice; leave one of the two out")
        found.append(goal)
    return found


def _goal(
    objective: Objective, kinds: Mapping[str, Mapping[float, int]], path: tuple[str | int, ...]
) -> Goal:
    if objective.noise is None:
        return Goal(objective.what, (QUIET,) if objective.what == SCORE else ())
    known = kinds.get(objective.noise)
    if known is None:
        there = ", ".join(kinds) or "none"
        raise Mistake(
            (*path, "noise"),
            f"sweep.noise has no {objective.noise}; give its magnitudes there (it has: {there})",
        )
    if objective.what == CRITICAL:
        ordered = sorted(known)
        return Goal(CRITICAL, (QUIET, *(known[one] for one in ordered)), (0.0, *ordered), objective.noise)
    for magnitude, level in known.items():
        if math.isclose(magnitude, objective.magnitude or 0.0, rel_tol=1e-9):
            return Goal(SCORE, (level,), (magnitude,), objective.noise)
    listed = ", ".join(f"{one:g}" for one in sorted(known))
    raise Mistake(
        (*path, "magnitude"),
        f"{objective.magnitude:g} is not among sweep.noise.{objective.noise}.magnitudes: {listed}",
    )


@dataclass
class Measured:
    """What is known of a candidate.

    Attributes
    ----------
    goals : sequence of Goal
    species, reactions : int
        Of its network; reactions whose rate constant is 0 are left out.
    running_time : float
    scores : dict of int to numpy.ndarray
        By level of noise, the score of each replicate: the mean over data sets, where there are several.
    """

    goals: Sequence[Goal]
    species: int
    reactions: int
    running_time: float
    scores: dict[int, np.ndarray] = field(default_factory=dict)

    def value(self, goal: int, replicates: Sequence[int]) -> float:
        """Return the value of an objective, from some replicates."""
        of, kept = self.goals[goal], list(replicates)
        if of.what == SCORE:
            return float(self.scores[of.levels[0]][kept].mean())
        if of.what == CRITICAL:
            means = np.array([self.scores[level][kept].mean() for level in of.levels])
            return _critical(np.array(of.magnitudes), means)
        if of.what in (SPECIES, REACTIONS):
            return float(self.species if of.what == SPECIES else self.reactions)
        return self.running_time

    def standing(self, goal: int, replicates: Sequence[int]) -> float:
        """Return the same with a sign, so that more is better."""
        return self.goals[goal].sign * self.value(goal, replicates)


def _critical(magnitudes: np.ndarray, means: np.ndarray) -> float:
    """Return a critical magnitude that is a number: the largest one where half is never lost, 0 without a score."""
    found = critical_magnitude(magnitudes, means)
    return 0.0 if math.isnan(found) else min(found, float(magnitudes[-1]))
