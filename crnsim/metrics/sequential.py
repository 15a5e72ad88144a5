"""Verdicts on all rows of a report, given at one look or at several: each is decided once, by the scores of its look.

Nothing is remembered from look to look. What was decided when is found again from the scores, by going through the
looks in their order: `replay`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from crnsim.metrics.decisions import decides, holm, replicates_needed
from crnsim.metrics.looks import looked, most_looks, replicates_at
from crnsim.metrics.verdicts import (
    REACH,
    confidence_of,
    judge,
    judge_loss,
    lasting_obstacles,
    obstacles,
    sharpness_obstacles,
)

Row = dict[str, Any]
#: A row is given up once it would take more than so many times the replicates that there may be.
FUTILE = 4
#: Pairs below which nothing is given up: by fewer one can hardly tell.
FEWEST_TO_GIVE_UP = 20
#: What tells verdict rows apart.
ROW_KEY = ("dataset", "circuit", "activation", "compared_with", "stress")


class Replayed(NamedTuple):
    """What the looks at a sweep found.

    Attributes
    ----------
    rows : list of dict
        Verdict rows with their verdicts, each with the numbers of the look that decided it, or of its last.
    open_rows : list of list of dict
        For each look, the rows that more replicates are wanted for, as they stood then.
    """

    rows: list[Row]
    open_rows: list[list[Row]]


@dataclass
class _Standing:
    """A verdict row as it stands between looks.

    Attributes
    ----------
    row : dict
        Its numbers, those of each difference from the look that decided it.
    tested : bool
        Whether it was among the tests of the first look; it stays one of their number.
    decided : dict of str to int
        Replicates of the look at which a difference was decided.
    adjusted : dict of str to float
        Adjusted p-values.
    closed : bool
        Whether later looks leave it alone.
    given_up : bool
        Whether that is because it would take too many replicates to decide it.
    """

    row: Row
    tested: bool
    decided: dict[str, int] = field(default_factory=dict)
    adjusted: dict[str, float] = field(default_factory=dict)
    closed: bool = False
    given_up: bool = False

    def renew(self, fresh: Row) -> None:
        """Take the numbers of a later look, but for differences that are decided."""
        blunt = any(sharpness_obstacles(fresh)) and not any(sharpness_obstacles(self.row))
        if self.decided and (blunt or any(obstacles(fresh))):
            self.closed = True  # decided on good grounds, which later runs do not take back
            return
        kept = {name: self.row[name] for name in self.row if _difference_of(name) in self.decided}
        values = fresh["values"] | {name: self.row["values"][name] for name in self.decided}
        self.row = fresh | kept | {"values": values}


def _difference_of(column: str) -> str:
    """Return which of the two differences a column of a verdict row belongs to; nothing for none."""
    if column.startswith(("loss_difference", "loss_smooth", "loss_baseline")):
        return "loss_difference"
    return "difference" if column.startswith(("difference", "score_")) else ""


def decide(rows: Sequence[Row]) -> list[Row]:
    """Return verdict rows with their verdicts, given at one look; see `replay`."""
    return replay(lambda look: rows, {}).rows


def replay(
    rows_at: Callable[[int], Iterable[Row]],
    schedule: Mapping[str, Sequence[int]],
    *,
    losses: bool = False,
) -> Replayed:
    """Go through the looks at a sweep, and return what each decides.

    A difference is decided at the first look at which its interval leaves 0 out and its test does, adjusted for all of
    these rows, scores and losses, and for the number of looks. It keeps the numbers of that look. Rows that something
    stands against at the first look are not tested; a row that is about the same numbers counts all the same.

    Parameters
    ----------
    rows_at : callable
        Returns the rows of `crnsim.metrics.verdicts.verdict_rows` of all designs as a look sees them, looks counted
        from 0: of each cell the replicates up to that of the look.
    schedule : mapping of str to sequence of int
        Replicates at each look, by data set; without any there is one look.
    losses : bool
        Losses must be decided too, as claims of a paper go by them; else a row is closed once its scores are.

    Returns
    -------
    Replayed
    """
    standing: dict[tuple[str, ...], _Standing] = {}
    open_rows = []
    times = most_looks(schedule)
    with looked(times):
        for look in range(times):
            for fresh in rows_at(look):
                known = standing.get(row_key(fresh))
                if known is None:
                    standing[row_key(fresh)] = _Standing(fresh, tested=not any(obstacles(fresh)))
                elif not known.closed and fresh["replicates"] >= _planned(schedule, fresh, look):
                    known.renew(fresh)
            _test(list(standing.values()))
            tests = len(REACH) * sum(one.tested for one in standing.values())
            for one in standing.values():
                one.closed = one.closed or _settled(one, losses)
                if not one.closed and _more_to_come(schedule, one.row, look):
                    one.closed = one.given_up = _hopeless(one, losses, tests, schedule)
            left = [one for one in standing.values() if not one.closed]
            open_rows.append(
                [_with_verdict(one, tests) for one in left if _more_to_come(schedule, one.row, look)]
            )
        rows = [_forecast(_with_verdict(one, tests), one) for one in standing.values()]
    if times > 1:
        rows = [row | _looks_of(one, schedule) for row, one in zip(rows, standing.values(), strict=True)]
    return Replayed(rows, open_rows)


def row_key(row: Row) -> tuple[str, ...]:
    """Return what tells a verdict row from all others."""
    return tuple(row[name] for name in ROW_KEY)


def _planned(schedule: Mapping[str, Sequence[int]], row: Row, look: int) -> int:
    return replicates_at(schedule, row["dataset"], look) or 0


def _more_to_come(schedule: Mapping[str, Sequence[int]], row: Row, look: int) -> bool:
    return _planned(schedule, row, look + 1) > _planned(schedule, row, look)


def _test(rows: Sequence[_Standing]) -> None:
    """Test what is not decided, among all that the first look tested: their number never falls."""
    tests = [(one, name) for one in rows if one.tested for name in REACH]
    p_values = [1.0 if _withdrawn(one) else one.row[f"{name}_p"] for one, name in tests]
    for (one, name), p in zip(tests, holm(p_values), strict=True):
        if name in one.decided or _withdrawn(one):
            continue
        one.adjusted[name] = p
        if decides(one.row[f"{name}_low"], one.row[f"{name}_high"], p):
            one.decided[name] = one.row["replicates"]


def _withdrawn(one: _Standing) -> bool:
    """Whether something has come to stand against a row since the first look."""
    return any(obstacles(one.row))


def _settled(one: _Standing, losses: bool) -> bool:
    """Whether more replicates could change nothing of a row, or need not."""
    row = one.row
    # A claim against a non-smooth activation is judged by losses, sharp at work or not.
    judged_blunt = losses and row["compared_role"] == "baseline"
    blunt = any(sharpness_obstacles(row))
    if any(lasting_obstacles(row)) or (blunt and not judged_blunt):
        return True
    return _wanted(one, losses) <= one.decided.keys()


def _wanted(one: _Standing, losses: bool) -> set[str]:
    """Return the differences of a row that are to be decided."""
    blunt = any(sharpness_obstacles(one.row))
    return ({"loss_difference"} if losses else set()) | (set() if blunt else {"difference"})


def _hopeless(one: _Standing, losses: bool, tests: int, schedule: Mapping[str, Sequence[int]]) -> bool:
    """Whether replicates like those of a row would have to be many more than there may be, for all that is wanted.

    Such a row is given up. It may be wrong, which costs power; as nothing is decided by it, it adds no false verdict.
    """
    if one.row["replicates"] < FEWEST_TO_GIVE_UP:
        return False
    most, sure = max(schedule[one.row["dataset"]]), confidence_of(one.row)
    for name in _wanted(one, losses) - one.decided.keys():
        needed = replicates_needed(one.row["values"][name], REACH[name], tests, confidence=sure)
        if 0 < needed <= FUTILE * most:
            return False
    return True


def _with_verdict(one: _Standing, tests: int) -> Row:
    """Return a row with what is decided of it, among so many tests."""
    row = {key: value for key, value in one.row.items() if key != "values"} | {"tests": tests}
    for name in REACH:
        row[f"{name}_p_adjusted"] = one.adjusted.get(name, math.nan)
        row[f"{name}_decided"] = int(name in one.decided)
    return row | {"verdict": judge(row), "loss_verdict": judge_loss(row)}


def _forecast(row: Row, one: _Standing) -> Row:
    """Add how many replicates would decide what is not decided."""
    for name, values in one.row["values"].items():
        p = row[f"{name}_p_adjusted"]
        known = row[f"{name}_decided"] or math.isnan(p)
        sure = confidence_of(row)
        row[f"{name}_needed"] = (
            0 if known else replicates_needed(values, REACH[name], row["tests"], confidence=sure)
        )
    return row


def _looks_of(one: _Standing, schedule: Mapping[str, Sequence[int]]) -> Row:
    """Return after how many replicates each difference was decided, or last looked at, and how many there may be."""
    last = one.row["replicates"]
    at = {f"{name}_look": one.decided.get(name, last) for name in REACH}
    return at | {
        "most_replicates": max(schedule.get(one.row["dataset"], (last,))),
        "given_up": int(one.given_up),
    }
