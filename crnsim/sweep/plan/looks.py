"""Looks at a sweep that adds replicates where verdicts are open: the files they leave, and which chunks they ask for.

A plan holds every chunk that may be needed. `wanted` says which of them are, given the looks there are; all else that
counts chunks or points goes by what it returns.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter

from crnsim.entrance.files import NotTextError, read_text
from crnsim.entrance.limits import LARGEST_PLAN
from crnsim.errors import DamagedFileError, InputError
from crnsim.sweep.plan.plan_file import Count, GroupEntry, PlanFile, Text, read_plan_file

LOOKS = "looks"
Number = float | None


@dataclass(frozen=True)
class OpenRow:
    """A verdict that a look leaves open, with the numbers that it goes by; see ``docs/file-format.md``.

    Attributes
    ----------
    dataset, circuit, activation, compared_with, stress : str
        Which row of the verdict table.
    replicates : int
        Pairs that it was judged by.
    difference, difference_low, difference_high, difference_p_adjusted : float or None
        Of scores, smooth minus the other; None where it is not known.
    loss_difference, loss_difference_low, loss_difference_high, loss_difference_p_adjusted : float or None
        Of losses.
    """

    dataset: Text
    circuit: Text
    activation: Text
    compared_with: Text
    stress: Text
    replicates: Count
    difference: Number
    difference_low: Number
    difference_high: Number
    difference_p_adjusted: Number
    loss_difference: Number
    loss_difference_low: Number
    loss_difference_high: Number
    loss_difference_p_adjusted: Number

    @classmethod
    def of(cls, row: dict[str, Any]) -> OpenRow:
        """Return what is kept of a row of the verdict table."""
        values: dict[str, Any] = {name: row[name] for name in cls.__dataclass_fields__}
        for name, value in values.items():
            if isinstance(value, float) and not math.isfinite(value):
                values[name] = None
        return cls(**values)


@dataclass(frozen=True)
class Look:
    """What one look at a sweep found: the content of ``looks/<number>.json``.

    Attributes
    ----------
    sweep : str
    plan : str
        Hash of the chunks of the plan that it belongs to; see `plan_digest`.
    look, of : int
        Its number from 1 on, and how many there may be. The last one asks for nothing and leaves no file.
    replicates : dict of str to int
        By data set: those of a cell that it saw, at most.
    open : tuple of OpenRow
    wanted : tuple of str
        Keys of chunks that are to be computed next.
    """

    sweep: Text
    plan: Text
    look: Annotated[int, Field(ge=1)]
    of: Annotated[int, Field(ge=2)]
    replicates: dict[str, Count]
    open: tuple[OpenRow, ...]
    wanted: tuple[Text, ...]

    def to_json(self) -> str:
        """Return the text of the file: the same look gives the same bytes."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


@lru_cache(maxsize=1)
def _adapter() -> TypeAdapter[Look]:
    return TypeAdapter(Look)


def look_file(plan: str | Path, number: int) -> Path:
    """Return where a look is kept, beside the plan at a path."""
    return Path(plan).parent / LOOKS / f"{number}.json"


def plan_digest(plan: PlanFile) -> str:
    """Return a hash of all chunks that a plan lays out."""
    keys = " ".join(chunk.key for chunk in plan.chunks())
    return hashlib.blake2b(f"{plan.code_hash} {keys}".encode(), digest_size=16).hexdigest()


def read_look(path: Path) -> Look:
    """Read the file of one look.

    Raises
    ------
    DamagedFileError
        The file is no look.
    InputError
        There is none, or a folder.
    """
    if path.is_dir():
        raise InputError(f"{path}: a file must be here, and this is a folder; rename or remove it")
    try:
        return _adapter().validate_json(read_text(path, LARGEST_PLAN), strict=True)
    except (NotTextError, ValueError, RecursionError):
        raise DamagedFileError(
            f"{path}: not a look of crnsim, or damaged; delete it and run the same command again"
        ) from None


def read_looks(
    plan_path: str | Path, plan: PlanFile, *, before: int | None = None, strict: bool = True
) -> list[Look]:
    """Return the looks there are at the sweep of a plan, in order, up to the first that is missing.

    Parameters
    ----------
    plan_path : str or Path
        The looks lie beside it.
    plan : PlanFile
        All of it.
    before : int, optional
        Only those before the look of this number.
    strict : bool
        Refuse a file that is damaged or belongs to another plan; else it counts as missing.

    Raises
    ------
    DamagedFileError
        A file is no look.
    InputError
        It is one at another plan.
    """
    found: list[Look] = []
    if plan.n_looks == 1:
        return found
    digest, known = plan_digest(plan), plan.chunk_by_key
    for number in range(1, plan.n_looks if before is None else min(before, plan.n_looks)):
        path = look_file(plan_path, number)
        if not path.exists():
            break
        try:
            one = read_look(path)
            here = (one.sweep, one.plan, one.look, one.of) == (plan.sweep, digest, number, plan.n_looks)
            if not here or any(key not in known or known[key].look != number + 1 for key in one.wanted):
                raise InputError(
                    f"{path}: a look at another plan; 'crnsim look {plan_path} {number}' makes it anew"
                )
        except (DamagedFileError, InputError):
            if strict:
                raise
            break
        found.append(one)
        if not one.wanted:
            break
    return found


def is_last(plan: PlanFile, looks: Sequence[Look]) -> bool:
    """Whether no further look is needed: all are there, or the last one asked for nothing."""
    return len(looks) == plan.n_looks - 1 or (bool(looks) and not looks[-1].wanted)


def check_looks(plan_path: str | Path) -> None:
    """Refuse to take a sweep for finished of which a look is not there: which chunks are wanted is not known then.

    Raises
    ------
    InputError
        It names the look that is missing, and what makes it.
    """
    plan = read_plan_file(plan_path)
    looks = read_looks(plan_path, plan)
    if plan.n_looks > 1 and not is_last(plan, looks):
        number = len(looks) + 1
        raise InputError(
            f"{look_file(plan_path, number)} is missing; 'crnsim look {plan_path} {number}' makes it, and so does the "
            "workflow"
        )


def looks_known(plan: PlanFile, looks: Sequence[Look]) -> int:
    """Return how many looks a sweep needs, as far as those there tell; 0 where no replicates are added."""
    return len(looks) if plan.n_looks == 1 or is_last(plan, looks) else len(looks) + 1


def wanted(plan: PlanFile, looks: Iterable[Look]) -> PlanFile:
    """Return a plan with the chunks that are wanted so far: those of every cell, and those that looks asked for.

    Parameters
    ----------
    plan : PlanFile
        All of it, as it stands in its file.
    looks : iterable of Look
        None of them: what the sweep takes at least.
    """
    if plan.n_looks == 1:
        return plan
    asked = {key for look in looks for key in look.wanted}
    groups = tuple(_entry_with(group, asked) for group in plan.groups)
    seconds = sum(chunk.estimated_core_seconds for group in groups for chunk in group.chunks)
    return replace(
        plan,
        groups=groups,
        n_points=sum(group.n_points for group in groups),
        estimated_core_seconds=float(f"{seconds:.4g}"),
    )


def _entry_with(group: GroupEntry, asked: set[str]) -> GroupEntry:
    chunks = tuple(chunk for chunk in group.chunks if chunk.look == 1 or chunk.key in asked)
    return replace(group, chunks=chunks, n_points=sum(chunk.n_points for chunk in chunks))


def read_wanted_plan(path: str | Path, *, strict: bool = True) -> PlanFile:
    """Read ``plan.json`` and the looks beside it, and return the plan with the chunks that are wanted so far."""
    plan = read_plan_file(path)
    return wanted(plan, read_looks(path, plan, strict=strict))
