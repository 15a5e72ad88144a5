"""Candidates: the design of each, its points, and what is known of it so far."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from crnsim.entrance.limits import LARGEST_SEED
from crnsim.errors import CrnsimError
from crnsim.noise.streams import stream_key
from crnsim.outcomes import OK
from crnsim.search.goals import Measured

if TYPE_CHECKING:
    from crnsim.experiment.point import Point
    from crnsim.search.read import Search
    from crnsim.search.store import Run
    from crnsim.sweep.plan.groups import Group

#: What can have become of a candidate.
RACED, DROPPED, INFEASIBLE = "raced", "dropped", "infeasible"


def search_seed(seed: int) -> int:
    """Return the seed of the replicates that candidates are compared on; no run of a sweep draws from its streams."""
    return int(stream_key(seed, "search over designs")[0]) % LARGEST_SEED


def confirmation_seed(seed: int) -> int:
    """Return the seed of the replicates that confirm the best designs; the search never draws from its streams."""
    return int(stream_key(seed, "confirmation of a search over designs")[0]) % LARGEST_SEED


def sampler_seed(seed: int) -> int:
    """Return the seed of what asks for candidates."""
    return int(stream_key(seed, "candidates of a search over designs")[0]) % 2**32


@dataclass
class Candidate:
    """One design.

    Attributes
    ----------
    number : int
        In the order they were asked for; 0 is the design that the search begins with.
    values : mapping
        Of the parameters that have a meaning in it.
    groups : sequence of Group
        One for each data set; none where there is no such design.
    known : Measured, optional
    state : str
        ``"raced"`` with all replicates, ``"dropped"`` before, or ``"infeasible"``.
    reason : str
        Why there is no such design.
    replicates : int
        That it has.
    beaten_by : int
        Number of the candidate for which it was dropped; -1 for none.
    failed : int
        Runs that did not end ok.
    asked : object
        By which the sampler knows it; None where the sampler did not ask.
    """

    number: int
    values: Mapping[str, Any]
    groups: Sequence[Group] = ()
    known: Measured | None = None
    state: str = RACED
    reason: str = ""
    replicates: int = 0
    beaten_by: int = -1
    failed: int = 0
    asked: Any = field(default=None, repr=False)
    _values: tuple[int, list[float]] = field(default=(0, []), repr=False)

    def points(self, level: int, replicates: Iterable[int], seed: int) -> list[list[Point]]:
        """Return points of one level of noise: for each data set a list of its replicates."""
        return [
            [replace(group, seed=seed, recorded=frozenset()).point(level, one) for one in replicates]
            for group in self.groups
        ]

    def values_told(self) -> list[float]:
        """Return the value of each objective, from the replicates that it has."""
        assert self.known is not None
        if self._values[0] != self.replicates:
            every = range(self.replicates)
            values = [self.known.value(goal, every) for goal in range(len(self.known.goals))]
            self._values = self.replicates, values
        return self._values[1]

    def standings(self) -> list[float]:
        """Return the same, more being better."""
        assert self.known is not None
        return [goal.sign * v for goal, v in zip(self.known.goals, self.values_told(), strict=True)]

    def standing(self, goal: int, replicates: Sequence[int]) -> float:
        """Return the value of one objective on some replicates, more being better."""
        assert self.known is not None
        return self.known.standing(goal, replicates)

    def entry(self) -> dict[str, Any]:
        """Return its line in the journal."""
        told = [] if self.known is None else self.values_told()
        line: dict[str, Any] = {
            "number": self.number,
            "values": {name: list(v) if isinstance(v, tuple) else v for name, v in self.values.items()},
            "state": self.state,
            "replicates": self.replicates,
            "objectives": told,
        }
        if self.state == INFEASIBLE:
            line["reason"] = self.reason
        if self.state == DROPPED:
            line["beaten_by"] = self.beaten_by
        return line


def made(search: Search, number: int, values: Mapping[str, Any], asked: Any = None) -> Candidate:
    """Build the design of a candidate and count its network; one that cannot be built says why."""
    from crnsim.experiment.build import build_circuit
    from crnsim.sweep.plan.cost import check_runs
    from crnsim.sweep.plan.groups import groups

    try:
        found = groups(search.design(values))
        networks = [build_circuit(group.point(0, 0)).network for group in found]
        for group in found:
            check_runs(group.point(0, 0))
    except CrnsimError as error:
        reason = error.mistakes[0].removeprefix(f"{search.source}: ") if error.mistakes else str(error)
        return Candidate(number, dict(values), state=INFEASIBLE, reason=reason, asked=asked)
    known = Measured(
        search.goals,
        species=max(network.n_species for network in networks),
        reactions=max(network.n_active_reactions() for network in networks),
        running_time=found[0].cells[0].running_time,
    )
    return Candidate(number, dict(values), tuple(found), known, asked=asked)


def scores_of(
    candidate: Candidate, level: int, replicates: Sequence[int], seed: int, runs: Mapping[str, Run]
) -> tuple[np.ndarray, int]:
    """Return the score of each replicate, the mean over data sets, and how many runs did not end ok."""
    found = [[runs[p.key] for p in of_set] for of_set in candidate.points(level, replicates, seed)]
    scores = np.array([[run.score for run in of_set] for of_set in found]).mean(axis=0)
    return scores, sum(run.outcome != OK for of_set in found for run in of_set)
