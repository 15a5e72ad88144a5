"""Partial propensities and sums of them: made anew, brought up to date after an event, and searched.

Every sum is one of eight numbers, taken anew whenever one of them changes, so that nothing drifts however many events
there are; and what is zero is exactly zero. Tables are taken apart once for many events, in `advance`: what is read
through a reference is read again after every store.
"""

from __future__ import annotations

import math

import numpy as np

from crnsim.compiled import compiled, entry, inlined
from crnsim.solvers.stochastic.random import exponential, uniform
from crnsim.solvers.stochastic.tables import WIDTH, Tables
from crnsim.solvers.stochastic.work import LAST, Work


@inlined
def _sum(values, at):
    """The sum of eight numbers that begin at a place."""
    return ((values[at] + values[at + 1]) + (values[at + 2] + values[at + 3])) + (
        (values[at + 4] + values[at + 5]) + (values[at + 6] + values[at + 7])
    )


@compiled
def set_constants(t: Tables, w: Work, volume: float) -> None:
    """Rate constants in molecules from those in concentrations: k Omega^(1 - order)."""
    for r in range(len(t.number)):
        constant = w.rates[t.number[r]]
        if t.order[r] == 0:
            constant *= volume
        for _ in range(1, t.order[r]):
            constant /= volume
        w.constant[r] = constant
        w.active[r] = constant


@inlined
def _partial(r, count, constant, partner_at, partner_row, partner_less, more, owner):
    """Partial propensity of a reaction: its constant times ways to choose its other molecules, in order."""
    value = constant[r]
    for at in range(partner_at[r], partner_at[r + 1]):
        value *= max(count[partner_row[at]] - partner_less[at], 0.0)
    for taken in range(more[r]):
        value *= max(count[owner] - 1.0 - taken, 0.0)
    return value


@compiled
def propensity(t: Tables, w: Work, r: int) -> float:
    """Propensity of a reaction, whether active or not."""
    owner = t.owner[t.group[r]]
    value = _partial(r, w.molecules, w.constant, t.partner_at, t.partner_row, t.partner_less, t.more, owner)
    return value * w.molecules[owner]


@inlined
def _group_sum(group, count, block, owner, first_block):
    """Sum of the propensities of a group."""
    found = 0.0
    for b in range(first_block[group], first_block[group + 1]):
        found += block[b]
    return found * count[owner[group]]


@entry
def set_all(t: Tables, w: Work) -> None:
    """Make all partial propensities and sums of the active reactions anew."""
    for i in range(len(w.partial)):
        w.partial[i] = 0.0
    for i in range(len(w.tree)):
        w.tree[i] = 0.0
    for r in range(len(t.number)):
        w.partial[t.leaf[r]] = _partial(
            r,
            w.molecules,
            w.active,
            t.partner_at,
            t.partner_row,
            t.partner_less,
            t.more,
            t.owner[t.group[r]],
        )
    for b in range(len(w.block)):
        w.block[b] = _sum(w.partial, b * WIDTH)
    for group in range(len(t.owner)):
        w.tree[group] = _group_sum(group, w.molecules, w.block, t.owner, t.first_block)
    for level in range(1, len(t.level_at) - 1):
        for place in range((t.level_at[level] - t.level_at[level - 1]) // WIDTH):
            w.tree[t.level_at[level] + place] = _sum(w.tree, t.level_at[level - 1] + place * WIDTH)


@inlined
def _set_group(group, count, block, owner, first_block, tree, level_at, levels):
    """Bring the sum of a group, and those above it, up to date."""
    tree[group] = _group_sum(group, count, block, owner, first_block)
    place = group
    for level in range(1, levels):
        place = place // WIDTH
        tree[level_at[level] + place] = _sum(tree, level_at[level - 1] + place * WIDTH)


@inlined
def _follow_change(
    row, count, constant, partial, block, tree, leaf, group_of, owner, first_block, more, partner_at, partner_row,
    partner_less, owned_at, owned, touched_at, touched, level_at, levels,
):  # fmt: skip
    """Bring what depends on the number of molecules of a row up to date."""
    for k in range(touched_at[row], touched_at[row + 1]):
        q = touched[k]
        g = group_of[q]
        value = _partial(q, count, constant, partner_at, partner_row, partner_less, more, owner[g])
        one = leaf[q]
        if value != partial[one]:
            partial[one] = value
            b = one // WIDTH
            block[b] = _sum(partial, b * WIDTH)
            _set_group(g, count, block, owner, first_block, tree, level_at, levels)
    for k in range(owned_at[row], owned_at[row + 1]):
        _set_group(owned[k], count, block, owner, first_block, tree, level_at, levels)


@compiled
def total(t: Tables, w: Work) -> float:
    """Sum of the propensities of the active reactions."""
    return _sum(w.tree, t.level_at[len(t.level_at) - 2])


@compiled
def follow_changes(t: Tables, w: Work, rows: np.ndarray, number: int) -> None:
    """Bring what depends on some rows, the first `number` of `rows`, up to date."""
    for at in range(number):
        _follow_change(
            rows[at], w.molecules, w.active, w.partial, w.block, w.tree, t.leaf, t.group, t.owner, t.first_block,
            t.more, t.partner_at, t.partner_row, t.partner_less, t.owned_at, t.owned, t.touched_at, t.touched,
            t.level_at, len(t.level_at) - 1,
        )  # fmt: skip


@inlined
def _scan(values, first, end, target):
    """The place, from `first` on, in whose part of a sum a number lies, and what of the number is left in it.

    By rounding a number may lie beyond the last one: the last that is not zero is meant then.
    """
    found = first
    for place in range(first, end):
        value = values[place]
        if value > 0.0:
            found = place
            if target < value:
                break
            target -= value
    return found, target


@inlined
def _find_group(target, tree, level_at, levels):
    """The group in whose part of the sum of all propensities a number lies, and what of the number is left in it."""
    place = 0
    for down in range(levels):
        level = level_at[levels - 1 - down]
        first = level + place * WIDTH
        found, target = _scan(tree, first, first + WIDTH, target)
        place = found - level
    return place, target


@inlined
def _find_leaf(target, group, first_block, block, partial):
    """The place of the partial propensity in whose part of the sum of a group a number lies."""
    found, target = _scan(block, first_block[group], first_block[group + 1], target)
    leaf, target = _scan(partial, found * WIDTH, found * WIDTH + WIDTH, target)
    return leaf


@compiled
def advance(
    t: Tables, w: Work, time: float, later: float, mark: float, stop: float, most: int
) -> tuple[float, float, int]:
    """Let reactions take place, one after the other.

    Parameters
    ----------
    t : Tables
    w : Work
    time : float
        From when.
    later : float
        Time of the next event where it has been drawn already; below 0 where not.
    mark : float
        Before the first event after it nothing more takes place, so that the state can be written down.
    stop : float
        What would take place from here on does not.
    most : int
        Events, at most.

    Returns
    -------
    time : float
        Of the last event that took place.
    later : float
        Time of the next one, which has been drawn and has not taken place; infinity if none will; below 0 after `most`.
    done : int
        Events that took place.
    """
    count, constant, partial, block, tree, random = (
        w.molecules,
        w.active,
        w.partial,
        w.block,
        w.tree,
        w.random,
    )
    change_at, change_row, change_by = t.change_at, t.change_row, t.change_by
    leaf, reaction, group_of, owner, first_block = t.leaf, t.reaction, t.group, t.owner, t.first_block
    more, partner_at, partner_row, partner_less = t.more, t.partner_at, t.partner_row, t.partner_less
    owned_at, owned, touched_at, touched, level_at = t.owned_at, t.owned, t.touched_at, t.touched, t.level_at
    levels, tally = len(level_at) - 1, w.tally
    done = 0
    while done < most:
        rate = _sum(tree, level_at[levels - 1])
        if later < 0.0:
            later = time + exponential(random) / rate if rate > 0.0 else math.inf
        if later > mark or later >= stop:
            return time, later, done
        time, later = later, -1.0
        target = uniform(random) * rate
        place, target = _find_group(target, tree, level_at, levels)
        r = reaction[_find_leaf(target / count[owner[place]], place, first_block, block, partial)]
        tally[LAST] = r
        for at in range(change_at[r], change_at[r + 1]):
            count[change_row[at]] += change_by[at]
        for at in range(change_at[r], change_at[r + 1]):
            _follow_change(
                change_row[at], count, constant, partial, block, tree, leaf, group_of, owner, first_block, more,
                partner_at, partner_row, partner_less, owned_at, owned, touched_at, touched, level_at, levels,
            )  # fmt: skip
        done += 1
    return time, later, done
