"""A look at a sweep that adds replicates where verdicts are open: which are, and which chunks they ask for next."""

from __future__ import annotations

from collections.abc import Sequence

from crnsim.errors import InputError
from crnsim.metrics import look_at
from crnsim.sweep.plan.groups import NOISE_FREE
from crnsim.sweep.plan.looks import Look, OpenRow, is_last, plan_digest
from crnsim.sweep.plan.plan import Plan
from crnsim.sweep.run.merge import merge_group


def look(plan: Plan, number: int, before: Sequence[Look]) -> Look:
    """Look at a sweep, and say which chunks are wanted next.

    Parameters
    ----------
    plan : Plan
        All of it.
    number : int
        Of the look, from 1 on.
    before : sequence of Look
        Those before it; all that they asked for must be there.

    Raises
    ------
    InputError
        The sweep has no such look, one before it has not been made, or a chunk is missing.
    DamagedFileError
        A chunk is damaged.
    """
    of, earlier = plan.file.n_looks, list(before)
    if of == 1:
        raise InputError(
            f"the sweep {plan.sweep.name} adds no replicates, so nothing is looked at before its end"
        )
    if not 1 <= number < of:
        raise InputError(f"look {number}: those before the last are 1 to {of - 1}")
    if len(earlier) < number - 1 and not is_last(plan.file, earlier):
        raise InputError(f"look {number}: look {len(earlier) + 1} comes before it, and has not been made")
    seen = plan.seen(earlier)
    summaries = [
        summary for group, _ in seen.groups if (summary := merge_group(seen, group.name)) is not None
    ]
    found = look_at(
        summaries,
        plan.file.schedule,
        smoothing=plan.file.smoothing,
        losses=plan.file.claims is not None,
    )
    rows = [OpenRow.of(row) for row in found.open_rows[number - 1]]
    return Look(
        sweep=plan.sweep.name,
        plan=plan_digest(plan.file),
        look=number,
        of=of,
        replicates={
            name: seen_at[min(number, len(seen_at)) - 1] for name, seen_at in plan.file.schedule.items()
        },
        open=tuple(rows),
        wanted=tuple(asked_for(plan, rows, number + 1)),
    )


def asked_for(plan: Plan, rows: Sequence[OpenRow], number: int) -> list[str]:
    """Return the keys of the chunks of a look that open verdicts ask for.

    They are those of both designs of each, under its stress, and without noise at the longest running time, where
    losses are counted from.
    """
    cells = {
        (row.dataset, label, stress)
        for row in rows
        for label in (row.activation, row.compared_with)
        for stress in (row.stress, NOISE_FREE)
    }
    return [
        chunk.key
        for group, chunks in plan.groups
        for chunk in chunks
        if group.look_of(chunk) == number
        and (group.dataset, group.label, group.stresses[chunk.cells[0]]) in cells
    ]
