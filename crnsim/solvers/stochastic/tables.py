"""A network's reactions as stochastic methods read them: groups of partial propensities, and what each event touches.

The propensity of a reaction is the number of molecules of one of its reactants, its owner, times a partial propensity,
made of the other reactants. Reactions of one owner are a group: when the number of its owner's molecules changes, one
product follows, however many reactions there are (R. Ramaswamy, N. Gonzalez-Segredo, I. F. Sbalzarini, J. Chem. Phys.
130 (2009), 244104, doi 10.1063/1.3154624). The owner is chosen so that the others change rarely.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

import numpy as np

from crnsim.kinetics.by_reference import by_reference
from crnsim.network.network import Network

#: Children of a node of a tree of sums, and partial propensities in a block.
WIDTH = 8
#: Partial propensities in a group, at most: one of more is cut, so that finding one in it does not take long.
MOST_IN_GROUP = 256
#: How fast a species changes: never, slowly (as declared), or as others.
_NEVER, _SLOWLY, _FAST = range(3)


@by_reference
class Tables(NamedTuple):
    """Lists that begin at ``x_at[i]`` and end before ``x_at[i + 1]``; a row beyond all species stands for nothing.

    Reactions that change nothing are left out; `number` says which reactions of the network the others are.
    """

    number: np.ndarray  # (R,) of the reaction in the network
    order: np.ndarray  # (R,) molecules that meet
    change_at: np.ndarray  # (R + 1,)
    change_row: np.ndarray
    change_by: np.ndarray  # float64
    leaf: np.ndarray  # (R,) place of the partial propensity
    reaction: np.ndarray  # (leaves,) 0 where there is none
    group: np.ndarray  # (R,)
    owner: np.ndarray  # (G,) row
    first_block: np.ndarray  # (G + 1,)
    more: np.ndarray  # (R,) further molecules of the owner that take part
    partner_at: np.ndarray  # (R + 1,)
    partner_row: np.ndarray  # once for each molecule
    partner_less: np.ndarray  # how many of the same have been taken before it
    owned_at: np.ndarray  # (rows + 1,) groups whose owner a row is
    owned: np.ndarray
    touched_at: np.ndarray  # (rows + 1,) reactions whose partial propensity a row is part of
    touched: np.ndarray
    highest: np.ndarray  # (rows + 1,) highest order of reactions that a row is a reactant of, 0 for none
    same: np.ndarray  # (rows + 1,) most molecules of it that meet in one of that order
    level_at: (
        np.ndarray
    )  # (levels + 1,) levels of the tree of sums over groups, each filled up to whole blocks


def tables_of(network: Network) -> Tables:
    """Return the tables of a network; they are kept with it."""
    if "stochastic" not in network.derived:
        network.derived["stochastic"] = _tables(network)
    found: Tables = network.derived["stochastic"]
    return found


def _tables(network: Network) -> Tables:
    reactants, changes = _reactions(network)
    numbers = [number for number, change in enumerate(changes) if change]
    reactants, changes = [reactants[i] for i in numbers], [changes[i] for i in numbers]
    nothing = network.n_species
    owners = _owners(network, reactants)
    groups = _groups(owners)
    leaf, group, reaction, first_block = _leaves(groups, len(numbers))
    partners, more, touched = _partners(reactants, owners, nothing + 1)
    owned: list[list[int]] = [[] for _ in range(nothing + 1)]
    for place, (owner, _) in enumerate(groups):
        owned[owner].append(place)
    change_at, change = _lists([list(one.items()) for one in changes])
    partner_at, partner = _lists(partners)
    owned_at, owned_list = _lists(owned)
    touched_at, touched_list = _lists(touched)
    highest, same = _highest(reactants, nothing + 1)
    pairs, others_of = (np.array(c, dtype=np.int64).reshape(-1, 2) for c in (change, partner))
    return Tables(
        number=_places(numbers),
        order=_places([sum(rows.values()) for rows in reactants]),
        change_at=change_at,
        change_row=_places(pairs[:, 0]),
        change_by=pairs[:, 1].astype(float),
        leaf=_places(leaf),
        reaction=_places(reaction),
        group=_places(group),
        owner=_places([owner for owner, _ in groups]),
        first_block=_places(first_block),
        more=_places(more),
        partner_at=partner_at,
        partner_row=_places(others_of[:, 0]),
        partner_less=others_of[:, 1].astype(float),
        owned_at=owned_at,
        owned=_places(owned_list),
        touched_at=touched_at,
        touched=_places(touched_list),
        highest=highest,
        same=same,
        level_at=_levels(len(groups)),
    )


def _groups(owners: list[int]) -> list[tuple[int, list[int]]]:
    """Owners with their reactions, not too many at once."""
    by_owner: dict[int, list[int]] = {}
    for number, owner in enumerate(owners):
        by_owner.setdefault(owner, []).append(number)
    return [
        (owner, members[first : first + MOST_IN_GROUP])
        for owner, members in sorted(by_owner.items())
        for first in range(0, len(members), MOST_IN_GROUP)
    ]


def _partners(
    reactants: list[dict[int, int]], owners: list[int], rows: int
) -> tuple[list[list[tuple[int, int]]], np.ndarray, list[list[int]]]:
    """Partners of each reaction, its further molecules of the owner; reactions that each row is a partner in."""
    partners, more = [], np.zeros(len(reactants), dtype=np.int64)
    touched: list[list[int]] = [[] for _ in range(rows)]
    for number, (meet, owner) in enumerate(zip(reactants, owners, strict=True)):
        others = [(row, taken) for row, count in meet.items() if row != owner for taken in range(count)]
        partners.append(others)
        more[number] = max(meet.get(owner, 1) - 1, 0)
        for row in {row for row, _ in others} | ({owner} if more[number] else set()):
            touched[row].append(number)
    return partners, more, touched


def _leaves(
    groups: list[tuple[int, list[int]]], n_reactions: int
) -> tuple[np.ndarray, np.ndarray, list[int], list[int]]:
    """Place of each reaction's partial propensity, its group; the reaction at each place; first blocks of groups."""
    leaf, group = np.zeros(n_reactions, dtype=np.int64), np.zeros(n_reactions, dtype=np.int64)
    reaction: list[int] = []
    first_block = [0]
    for place, (_, members) in enumerate(groups):
        for number in members:
            leaf[number], group[number] = len(reaction), place
            reaction.append(number)
        reaction += [0] * (-len(reaction) % WIDTH)
        first_block.append(len(reaction) // WIDTH)
    return leaf, group, reaction, first_block


def _places(values: object) -> np.ndarray:
    """Places in other arrays: without a sign, so that compiled code need not ask for it."""
    return np.array(values, dtype=np.uint32)


def _reactions(network: Network) -> tuple[list[dict[int, int]], list[dict[int, int]]]:
    """Molecules that meet, and those that are gained, of each reaction, by row."""
    reactants: list[dict[int, int]] = []
    changes: list[dict[int, int]] = []
    for family, *sides in zip(network.families, *network.elementary, strict=True):
        for terms, into in zip(sides, (reactants, changes), strict=True):
            found: list[dict[int, int]] = [{} for _ in range(family.size)]
            for rows, count in terms:
                for one, row in zip(found, np.ravel(rows).tolist(), strict=True):
                    # The diagonal of X[i] + X[j] is two molecules of one species.
                    one[row] = one.get(row, 0) + count
            into += [{row: count for row, count in one.items() if count} for one in found]
    return reactants, changes


def _owners(network: Network, reactants: list[dict[int, int]]) -> list[int]:
    """Choose the owner of each reaction: the fastest of its reactants, and of those the one in most reactions."""
    speed = np.full(network.n_species + 1, _NEVER)
    speed[: network.n_dynamic] = _FAST
    for species in network.species:
        rows = network.rows(species.name).ravel()
        if species.slow and np.all(rows < network.n_dynamic):
            speed[rows] = _SLOWLY
    takes = Counter(row for rows in reactants for row in rows)
    return [
        max(rows, key=lambda row: (speed[row] == _FAST, takes[row], -row)) if rows else network.n_species
        for rows in reactants
    ]


def _lists(lists: list[list[Any]]) -> tuple[np.ndarray, list[Any]]:
    """Where each of several lists begins, and the lists one after the other."""
    at = _places(np.concatenate([[0], np.cumsum([len(one) for one in lists])]))
    return at, [entry for one in lists for entry in one]


def _levels(count: int) -> np.ndarray:
    """Where each level of a tree of sums over `count` groups begins; the last has one block."""
    at, size = [0], max(count, 1)
    while True:
        size += -size % WIDTH
        at.append(at[-1] + size)
        if size == WIDTH:
            return _places(at)
        size //= WIDTH


def _highest(reactants: list[dict[int, int]], rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Highest order of the reactions that each row is a reactant of, and most of its molecules in one of that order."""
    highest, same = np.zeros(rows, dtype=np.int64), np.zeros(rows, dtype=np.int64)
    for one in reactants:
        order = sum(one.values())
        for row, number in one.items():
            if order > highest[row]:
                highest[row], same[row] = order, number
            elif order == highest[row]:
                same[row] = max(same[row], number)
    return highest, same
