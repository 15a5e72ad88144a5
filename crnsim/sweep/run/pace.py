"""How fast chunks are computed, against the estimates of the plan, and how long the rest takes at that pace."""

from __future__ import annotations

from typing import NamedTuple

from crnsim.sweep.run.chunk_files import Account


class Pace(NamedTuple):
    """Work that was computed, and what it took; sums over chunks.

    Attributes
    ----------
    work : float
        Estimated core seconds of the points that were computed; copied ones took nothing.
    worker_seconds : float
        Wall time times workers that it took.
    core_seconds : float
        Processor time that it took.
    """

    work: float = 0.0
    worker_seconds: float = 0.0
    core_seconds: float = 0.0

    def plus(self, other: Pace) -> Pace:
        """Return the sum of two."""
        return Pace(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))

    @property
    def speed(self) -> float:
        """Estimated core seconds that a worker computes in a second; 0 where nothing was computed."""
        return self.work / self.worker_seconds if self.worker_seconds else 0.0


def pace_of(estimated: float, account: Account | None) -> Pace:
    """Return the pace of a chunk that has ended; that of nothing where its account is lost or it took no time.

    Parameters
    ----------
    estimated : float
        Core seconds of the whole chunk, from the plan.
    account : Account or None
    """
    if account is None or not account.points or not account.computed or not account.seconds_wall:
        return Pace()
    work = estimated * account.computed / account.points
    return Pace(work, account.seconds_wall * account.workers, account.seconds_core)


def seconds_left(work: float, speed: float) -> float | None:
    """Return how long it takes to compute estimated core seconds at a speed in the same per second.

    Returns
    -------
    float or None
        None where the speed is not known.
    """
    if not work:
        return 0.0
    return work / speed if speed > 0 else None
