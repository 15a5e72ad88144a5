"""Kinetics of any network by lists of its reactions: nothing is generated, and the whole Jacobian is factored.

The code is compiled once for all networks. It does what the functions generated from families do (see
`crnsim.kinetics.codegen`), which are faster where families are large, but have no larger loops of species. What it
reads is a program: one array of integers with all lists, in the place of the offsets.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from crnsim.kinetics.elimination import Pattern, factor_pattern
from crnsim.kinetics.lanes import LANES, larger, load, magnitude, smaller, splat, store
from crnsim.kinetics.signatures import LINEAR_STEP, PIVOT, RADIUS
from crnsim.network.network import Network

#: Places of a program that say how many reactions, slopes and rows there are, and where lists begin: where the
#: reactants of each reaction begin, and its changes (pairs of row and number of molecules); slopes; and the rows of the
#: factors, as in `crnsim.kinetics.elimination.Pattern`.
REACTIONS, REACTANTS, CHANGES, SLOPES, SLOPE_LIST, ROWS, ORDER, START, COLUMN, DIAGONAL = range(10)
#: And how many steps of an explicit method of three stages an implicit step costs, and how many steps factors serve.
COST, SERVES = 10, 11
_HEAD = 12
_LONGEST_SERVICE = 20
#: Numbers of a slope, the derivative of a reaction's rate by one reactant: the reaction, how many molecules of the
#: reactant it takes, where the list of the other reactants begins and ends, and likewise that of its pairs of an entry
#: of the Jacobian and a factor.
_SLOPE = 6


def program_of(network: Network) -> tuple[np.ndarray, int]:
    """Return the lists of a network, and the number of entries of its factors."""
    reactants, changes = _reactants(network), _changes(network)
    # The derivative of each row by each reactant, once.
    among = [
        (number, source, row, change)
        for number, (sources, changed) in enumerate(zip(reactants, changes, strict=True))
        for source in sorted(set(sources))
        if source < network.n_dynamic
        for row, change in changed
    ]
    pairs = np.array([(row, source) for _, source, row, _ in among], dtype=np.int64).reshape(-1, 2)
    pattern = factor_pattern(network.n_dynamic, pairs[:, 0], pairs[:, 1])
    entry = pattern.entry(pairs[:, 0], pairs[:, 1]).tolist()
    targets: dict[tuple[int, int], list[int]] = {}
    for (number, source, _, change), at in zip(among, entry, strict=True):
        targets.setdefault((number, source), []).extend((at, change))
    program = [0] * _HEAD
    program[REACTIONS] = len(reactants)
    program[REACTANTS] = _append_lists(program, reactants)
    program[CHANGES] = _append_lists(program, [[n for pair in one for n in pair] for one in changes])
    slopes: list[int] = []
    for (number, source), into in targets.items():
        others = [row for row in reactants[number] if row != source]
        count = len(reactants[number]) - len(others)
        others += [source] * (count - 1)
        slopes += [number, count, *_append(program, others), *_append(program, into)]
    program[SLOPES], program[SLOPE_LIST] = len(targets), _append(program, slopes)[0]
    program[ROWS] = network.n_dynamic
    program[COST], program[SERVES] = _cost(
        pattern, sum(map(len, reactants)) + sum(map(len, changes)) + len(reactants)
    )
    for place, values in (
        (ORDER, pattern.order),
        (START, pattern.start),
        (COLUMN, pattern.column),
        (DIAGONAL, pattern.diagonal),
    ):
        program[place] = _append(program, values.tolist())[0]
    return np.array(program, dtype=np.int64), len(pattern.column)


def _cost(pattern: Pattern, right_hand_side: int) -> tuple[int, int]:
    """Steps of three evaluations that one implicit step costs, by counts of products.

    And for how many steps its factors serve: where to factor costs more than the rest of a step, for as many as it
    costs more, at most `_LONGEST_SERVICE`.
    """
    above = (
        np.diff(pattern.start) - (pattern.diagonal - pattern.start[:-1]) - 1
    )  # entries right of the diagonal
    left = np.repeat(np.arange(len(pattern.order)), np.diff(pattern.start)) > pattern.column
    factoring = int(above[pattern.column[left]].sum())
    rest = 4 * right_hand_side + 5 * len(pattern.column)
    serves = min(max(factoring // max(rest, 1), 1), _LONGEST_SERVICE)
    return (rest + factoring // serves) // max(3 * right_hand_side, 1), serves


def _append(program: list[int], values: Sequence[int]) -> tuple[int, int]:
    """Append a list; return where it begins and ends."""
    begin = len(program)
    program.extend(values)
    return begin, len(program)


def _append_lists(program: list[int], lists: Sequence[Sequence[int]]) -> int:
    """Append where each of several lists begins, where the last ends, and the lists; return the place of the first."""
    at = len(program)
    begin = at + len(lists) + 1 + np.concatenate([[0], np.cumsum([len(one) for one in lists])]).astype(int)
    program.extend(begin.tolist())
    for one in lists:
        program.extend(one)
    return at


def _reactants(network: Network) -> list[list[int]]:
    """Rows of the reactants of each reaction, each as often as it takes part."""
    found: list[list[int]] = []
    for family, terms in zip(network.families, network.elementary[0], strict=True):
        columns = [rows for rows, count in terms for _ in range(count)]
        found += np.array(columns, dtype=np.int64).reshape(len(columns), family.size).T.tolist()
    return found


def _changes(network: Network) -> list[list[tuple[int, int]]]:
    """Rows that each reaction changes, with the number of molecules that they gain."""
    found: list[list[tuple[int, int]]] = []
    for family, terms in zip(network.families, network.elementary[1], strict=True):
        counts = [count for _, count in terms]
        rows = np.array([rows for rows, _ in terms], dtype=np.int64).reshape(len(terms), family.size)
        found += [list(zip(one, counts, strict=True)) for one in rows.T.tolist()]
    return found


# Compiled when they are first wanted (see `crnsim.kinetics.kernels`).


def right_hand_side(y: Any, rate: Any, dy: Any, size: Any, program: Any, first: Any) -> None:
    """Rates of change."""
    zero = splat(0.0)
    for row in range(size[0]):
        store(dy, row, zero)
    reactants, changes = program[REACTANTS], program[CHANGES]
    for number in range(program[REACTIONS]):
        flux = load(rate, number)
        for at in range(program[reactants + number], program[reactants + number + 1]):
            flux = flux * load(y, program[at])
        for at in range(program[changes + number], program[changes + number + 1], 2):
            row = program[at]
            store(dy, row, load(dy, row) + splat(program[at + 1] * 1.0) * flux)


def prepare(y: Any, rate: Any, p: Any, q: Any, implicit: Any, size: Any, program: Any, first: Any) -> None:
    """The factors of 1 - step J into p, with the inverse of each pivot; q is room for one row."""
    zero, one = splat(0.0), splat(1.0)
    n, start = program[ROWS], program[START]
    column, diagonal = program[COLUMN], program[DIAGONAL]
    for entry in range(program[start + n]):
        store(p, entry, zero)
    at = program[SLOPE_LIST]
    for _ in range(program[SLOPES]):
        slope = load(rate, program[at]) * splat(program[at + 1] * 1.0)
        for other in range(program[at + 2], program[at + 3]):
            slope = slope * load(y, program[other])
        for into in range(program[at + 4], program[at + 5], 2):
            entry = program[into]
            store(p, entry, load(p, entry) + splat(program[into + 1] * 1.0) * slope)
        at += _SLOPE
    radius = zero
    for i in range(n):
        width = zero
        for entry in range(program[start + i], program[start + i + 1]):
            width = width + magnitude(load(p, entry))
        radius = larger(width, radius)
    store(implicit, RADIUS, radius)
    still = True
    for lane in range(LANES):
        still = still and implicit[LINEAR_STEP, lane] == 0.0
    if still:
        return
    step = load(implicit, LINEAR_STEP)
    least = one
    for i in range(n):
        middle, end = program[diagonal + i], program[start + i + 1]
        for entry in range(program[start + i], end):
            store(q, program[column + entry], zero - step * load(p, entry))
        store(q, i, one + load(q, i))
        for entry in range(program[start + i], middle):
            k = program[column + entry]
            factor = load(q, k) * load(p, program[diagonal + k])
            store(p, entry, factor)
            for other in range(program[diagonal + k] + 1, program[start + k + 1]):
                j = program[column + other]
                store(q, j, load(q, j) - factor * load(p, other))
        pivot = load(q, i)
        least = smaller(pivot, least)
        store(p, middle, one / pivot)
        for entry in range(middle + 1, end):
            store(p, entry, load(q, program[column + entry]))
    store(implicit, PIVOT, least)


def solve(
    y: Any, rate: Any, p: Any, q: Any, x: Any, implicit: Any, size: Any, program: Any, first: Any
) -> None:
    """Solve (1 - step J) x = x in place."""
    n, start, order = program[ROWS], program[START], program[ORDER]
    column, diagonal = program[COLUMN], program[DIAGONAL]
    for i in range(n):
        row = program[order + i]
        value = load(x, row)
        for entry in range(program[start + i], program[diagonal + i]):
            value = value - load(p, entry) * load(x, program[order + program[column + entry]])
        store(x, row, value)
    for back in range(n):
        i = n - 1 - back
        row, middle = program[order + i], program[diagonal + i]
        value = load(x, row)
        for entry in range(middle + 1, program[start + i + 1]):
            value = value - load(p, entry) * load(x, program[order + program[column + entry]])
        store(x, row, value * load(p, middle))
