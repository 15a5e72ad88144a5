"""How often the results of a sweep are looked at before its replicates end, and what each look may then claim.

A sweep that adds replicates where verdicts are open is looked at K times at most. Each look gets its K-th part of what
a report may err by: intervals at a confidence of 1 - 0.05/K, and p-values K times as large. By Bonferroni's inequality
all looks together err no more often than one look of a fixed sweep does, whatever made the sweep stop.

C. Jennison, B. W. Turnbull, Interim analyses: the repeated confidence interval approach, J. R. Statist. Soc. B 51
(1989), 305; W. Maurer, F. Bretz, Multiple testing in group sequential trials using graphical approaches, Stat.
Biopharm. Res. 5 (2013), 311, doi 10.1080/19466315.2013.807748.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

CONFIDENCE = 0.95

#: Known to all that makes an interval, papers of the user's own among them, which no argument reaches.
_LOOKS: ContextVar[int] = ContextVar("looks", default=1)


@contextmanager
def looked(times: int) -> Iterator[None]:
    """Make intervals and tests inside such that they hold for so many looks together."""
    token = _LOOKS.set(times)
    try:
        yield
    finally:
        _LOOKS.reset(token)


def looks() -> int:
    """Return how many looks must hold together."""
    return _LOOKS.get()


def confidence() -> float:
    """Return the confidence of one interval, such that those of all looks hold together with 95 %."""
    return CONFIDENCE if looks() == 1 else 1.0 - (1.0 - CONFIDENCE) / looks()


def most_looks(schedule: Mapping[str, Sequence[int]]) -> int:
    """Return how often a report is looked at: as often as the data set that is looked at most.

    Parameters
    ----------
    schedule : mapping of str to sequence of int
        Replicates of each cell at each look, ascending, by data set.
    """
    return max((len(of) for of in schedule.values()), default=1)


def replicates_at(schedule: Mapping[str, Sequence[int]], dataset: str, look: int) -> int | None:
    """Return up to how many replicates a look sees of a data set; None where there is no plan for it.

    Parameters
    ----------
    schedule : mapping of str to sequence of int
    dataset : str
    look : int
        From 0 on. A data set with fewer looks stays as it was at its last.
    """
    planned = schedule.get(dataset, ())
    return planned[min(look, len(planned) - 1)] if planned else None
