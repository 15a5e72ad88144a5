"""Run a search: ask, compute on workers, race, tell; whatever is done is kept, and repeated from its seed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from crnsim.errors import InputError
from crnsim.provenance import code_hash
from crnsim.search.ask import Asking
from crnsim.search.candidates import DROPPED, INFEASIBLE, RACED, Candidate, made, scores_of, search_seed
from crnsim.search.model import MOST_TRIALS
from crnsim.search.race import chosen, dropped, front
from crnsim.search.store import JOURNAL, POINTS, Journal, Scores
from crnsim.sweep.plan.cost import estimate_seconds
from crnsim.sweep.plan.layout import task_points
from crnsim.sweep.run.chunk import cut, run_batches

if TYPE_CHECKING:
    from crnsim.experiment.point import Point
    from crnsim.search.read import Search
    from crnsim.sweep.config.model import Chunks

#: Batches in a row in which nothing new is asked for, after which nothing new is to be expected.
_NOTHING_NEW = 10
log = logging.getLogger("crnsim.search")


@dataclass(frozen=True)
class Progress:
    """How far a search is.

    Attributes
    ----------
    asked : int
        Candidates so far.
    core_seconds : float
        Of their runs.
    share : float
        Of the budget that is spent.
    best : tuple of float
        The value of each objective in the best design so far by the first of them; empty before there is one.
    """

    asked: int
    core_seconds: float
    share: float
    best: tuple[float, ...] = ()


@dataclass
class Found:
    """What a search has found.

    Attributes
    ----------
    search : Search
    candidates : list of Candidate
    core_seconds : list of float
        Of all runs until each batch had ended, with how many candidates there were then: (candidates, seconds).
    ended : str
        Why it ended.
    """

    search: Search
    candidates: list[Candidate] = field(default_factory=list)
    core_seconds: list[tuple[int, float]] = field(default_factory=list)
    ended: str = ""

    @property
    def raced(self) -> list[Candidate]:
        """Candidates that have all replicates."""
        return [one for one in self.candidates if one.state == RACED]

    def front(self) -> list[Candidate]:
        """Return those that no other is as good as in every objective."""
        raced = self.raced
        return [raced[place] for place in front([one.standings() for one in raced])]

    def best(self) -> list[Candidate]:
        """Return the best designs, or some of the front, in the order of the first objective."""
        raced, most = self.raced, self.search.file.confirm.designs
        if not raced:
            return []
        standings = [one.standings() for one in raced]
        if len(self.search.goals) > 1:
            return [raced[place] for place in chosen(standings, most)]
        order = sorted(range(len(raced)), key=lambda place: (-standings[place][0], place))
        return [raced[place] for place in order[:most]]


class Running:
    """A search at work.

    Parameters
    ----------
    search : Search
    folder : Path
        Where it keeps what is done.
    workers : int
        Dask worker processes; 1 computes here.
    say : callable
        Called with a `Progress` from time to time.

    Raises
    ------
    InputError
        The folder holds the work of another search.
    """

    def __init__(
        self, search: Search, folder: Path, *, workers: int = 1, say: Callable[[Progress], None] | None = None
    ) -> None:
        import optuna

        self.search, self.workers = search, workers
        self.say = say or (lambda progress: None)
        self.seed = search_seed(search.file.seed)
        head = {"fingerprint": search.fingerprint, "code": code_hash(), "optuna": optuna.__version__}
        self.journal = Journal(folder / JOURNAL, head)
        self.scores = Scores(folder / POINTS)
        self.found = Found(search)
        self._front: list[Candidate] = []
        self._used: set[str] = set()
        self._spent = 0.0

    def run(self) -> Found:
        """Search until the budget is spent.

        Returns
        -------
        Found
            The same candidates however the work was cut, and however often it was interrupted.
        """
        asking = Asking(self.search)
        batch = self._first(asking)
        quiet = 0
        while batch:
            before = len(self._used)
            self._race(batch)
            self.found.candidates += batch
            if (start := self.found.candidates[0]).state == INFEASIBLE:
                raise InputError(
                    f"{self.search.source}: sweep: the design to begin with cannot be run: {start.reason}"
                )
            self.found.core_seconds.append((len(self.found.candidates), self._spent))
            both = [*self._front, *(one for one in batch if one.state == RACED)]
            self._front = [both[place] for place in front([one.standings() for one in both])]
            for one in batch:
                asking.tell(one)
            self.journal.write([one.entry() for one in self.found.candidates])
            self._tell()
            quiet = 0 if len(self._used) > before else quiet + 1
            self.found.ended = self._over(quiet)
            batch = [] if self.found.ended else self._asked(asking)
        return self.found

    def _first(self, asking: Asking) -> list[Candidate]:
        """Return the first batch, in which the design that the search begins with is the first."""
        if asking.starts is not None:
            return self._asked(asking)
        start = made(self.search, 0, self.search.start)
        return [start, *self._asked(asking, first=1)]

    def _asked(self, asking: Asking, first: int | None = None) -> list[Candidate]:
        number = len(self.found.candidates) if first is None else first
        return [
            made(self.search, number + place, values, asked)
            for place, (asked, values) in enumerate(asking.ask() for _ in range(self.search.file.batch))
        ]

    def _over(self, quiet: int) -> str:
        """Return why the search ends, nothing while it goes on; what stands in the journal is always repeated."""
        budget, n = self.search.file.budget, len(self.found.candidates)
        if n < len(self.journal.lines):
            return ""
        trials = budget.trials or MOST_TRIALS
        if n >= trials:
            return f"all of {trials} candidates"
        if budget.core_hours is not None and self._spent >= 3600.0 * budget.core_hours:
            return f"{budget.core_hours:g} core-hours are spent"
        return "nothing new was asked for" if quiet >= _NOTHING_NEW else ""

    def _race(self, batch: Sequence[Candidate]) -> None:
        """Run the candidates of a batch on more and more replicates, those that may still be among the best."""
        file = self.search.file
        margins = [goal.margin(file.replicates.margin) for goal in self.search.goals]
        finished = [(one.number, one) for one in self._front]
        alive = [one for one in batch if one.state != INFEASIBLE]
        rungs = file.rungs()
        for before, rung in zip((0, *rungs), rungs, strict=False):
            self._compute(alive, range(before, rung))
            for one in alive:
                self._measure(one, range(before, rung))
            if rung == rungs[-1]:
                break
            out = dropped(
                [(one.number, one) for one in alive],
                finished,
                replicates=rung,
                margins=margins,
                confidence=file.replicates.confidence,
            )
            for one in alive:
                if one.number in out:
                    one.state, one.beaten_by = DROPPED, out[one.number]
            alive = [one for one in alive if one.state == RACED]

    def _measure(self, candidate: Candidate, replicates: range) -> None:
        assert candidate.known is not None
        for level in self.search.needed:
            scores, failed = scores_of(candidate, level, replicates, self.seed, self.scores.found)
            there = candidate.known.scores.get(level, np.zeros(0))
            candidate.known.scores[level] = np.concatenate([there, scores])
            candidate.failed += failed
        candidate.replicates = replicates.stop

    def _compute(self, candidates: Sequence[Candidate], replicates: range) -> None:
        """Compute what candidates lack."""
        wanted = [
            of_set
            for one in candidates
            for of_set in _by_data_set(one, self.search.needed, replicates, self.seed)
        ]
        before, chunks = self.scores.seconds, self.search.base.sweep.chunks
        compute(
            wanted,
            self.scores,
            chunks,
            self.workers,
            lambda done: self._tell(running=self.scores.seconds - before),
        )
        for point in (point for of_set in wanted for point in of_set):
            if point.key not in self._used:
                self._used.add(point.key)
                self._spent += self.scores.found[point.key].seconds

    def _tell(self, running: float = 0.0) -> None:
        """Say how far the search is; `running` are core seconds of the batch that is under way."""
        budget, n = self.search.file.budget, len(self.found.candidates)
        spent = self._spent + running
        shares = [n / budget.trials] if budget.trials else []
        shares += [spent / (3600.0 * budget.core_hours)] if budget.core_hours else []
        best = max(self._front, key=lambda one: (one.standings()[0], -one.number), default=None)
        told = () if best is None else tuple(best.values_told())
        self.say(Progress(n, spent, min(1.0, max(shares)), told))


def _by_data_set(
    candidate: Candidate, levels: Iterable[int], replicates: Iterable[int], seed: int
) -> Iterator[list[Point]]:
    """Yield the points of a candidate on each data set: those that one compiled network runs."""
    of_levels = [candidate.points(level, replicates, seed) for level in levels]
    for number in range(len(candidate.groups)):
        yield [point for sets in of_levels for point in sets[number]]


def compute(
    wanted: Iterable[Sequence[Point]],
    scores: Scores,
    chunks: Chunks,
    workers: int,
    progress: Callable[[float], Any] = lambda done: None,
) -> None:
    """Compute points that are not there yet, on workers, and keep their scores as they come.

    Parameters
    ----------
    wanted : iterable of sequence of Point
        Each of points of one group.
    scores : Scores
    chunks : Chunks
        How work is cut; changes no number.
    workers : int
    progress : callable
        Called with the number of points that are done.
    """
    batches: list[list[Point]] = []
    taken: set[str] = set()
    for points in wanted:
        left = [point for point in points if point.key not in scores.found and point.key not in taken]
        taken |= {point.key for point in left}
        if left:
            seconds = sum(map(estimate_seconds, left)) / len(left)
            batches += cut(left, task_points(chunks, seconds), workers)
    if batches:
        batches.sort(key=lambda some: -sum(map(estimate_seconds, some)))
        scores.add_killed(run_batches(batches, workers=workers, progress=progress, keep=scores.add))
