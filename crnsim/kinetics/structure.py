"""How a network's arrays of species drive each other: the order in which a linear system with its Jacobian is solved.

A pot is a cascade: signals drive later signals, and only the slowly changing weights close the loop. Without what
signals do to the weights, which is little, its Jacobian is block triangular, with a block for each species or each pair
of rails that annihilate, so that one sweep through the cascade solves a linear system with it exactly.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from graphlib import TopologicalSorter

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from crnsim.network.families import Family, Term
from crnsim.network.network import Network

#: Most arrays that are solved together.
LARGEST_BLOCK = 8


@dataclass(frozen=True)
class Coupling:
    """Derivative of the rate of change of one array of species by the concentrations of another.

    Attributes
    ----------
    number : int
        Of the family that causes it.
    target : str
    indices : tuple of str
        Of the target, in the letters of the family.
    change : int
        Molecules of the target gained by one reaction.
    source : Term
        The reactant by which the rate is differentiated.
    """

    number: int
    target: str
    indices: tuple[str, ...]
    change: int
    source: Term

    @property
    def same(self) -> bool:
        """Whether a species acts on itself only."""
        return (self.target, self.indices) == (self.source.name, self.source.indices)

    def elementwise(self, family: Family) -> bool:
        """Whether each species of the target has exactly one source, at its own place."""
        return self.indices == self.source.indices and sorted(self.indices) == sorted(family.indices)


@dataclass(frozen=True)
class Structure:
    """Order of solution of a linear system.

    Attributes
    ----------
    blocks : tuple of tuple of str
        Arrays of species that are solved together, element by element, sources before targets.
    couplings : tuple of Coupling
        All derivatives among them.
    left_out : frozenset of str
        Slow arrays that are left out altogether, rows and columns.
    rings : tuple of tuple of str
        Arrays that drive each other in larger loops, which no order solves. With none, nothing is left out but these
        arrays, and the derivatives of slow arrays by others.
    """

    blocks: tuple[tuple[str, ...], ...]
    couplings: tuple[Coupling, ...]
    left_out: frozenset[str]
    rings: tuple[tuple[str, ...], ...]

    @cached_property
    def order(self) -> dict[str, int]:
        """Place of each array in the order of solution."""
        return {name: place for place, name in enumerate(name for block in self.blocks for name in block)}

    @cached_property
    def into(self) -> dict[str, list[tuple[int, Coupling]]]:
        """Derivatives of the rate of change of each array, with their places among all."""
        found: dict[str, list[tuple[int, Coupling]]] = {name: [] for name in self.order}
        for place, coupling in enumerate(self.couplings):
            found[coupling.target].append((place, coupling))
        return found

    @cached_property
    def _block_of(self) -> dict[str, tuple[str, ...]]:
        return {name: block for block in self.blocks for name in block}

    def block(self, name: str) -> tuple[str, ...]:
        """The arrays that are solved together with `name`."""
        return self._block_of[name]


def analyse(network: Network, *, with_slow: bool = True) -> Structure:
    """Find the blocks of `network` and their order.

    Slow arrays come first, and drive the others, if `with_slow` and they do not drive each other in larger loops. Those
    that a reaction turns into a fast array or back are not slow: the system would not know of a conserved sum.
    """
    slow = _slow(network)
    if with_slow and slow:
        found = _analyse(network, slow, frozenset())
        if not any(slow & set(ring) for ring in found.rings):
            return found
    return _analyse(network, slow, slow)


def _analyse(network: Network, slow: frozenset[str], left_out: frozenset[str]) -> Structure:
    changed = {name for family in network.families for name, _ in family.net}
    names = [s.name for s in network.species if s.name in changed and s.name not in left_out]
    among_names = set(names)
    couplings = [
        Coupling(number, name, indices, change, term)
        for number, family in enumerate(network.families)
        for (name, indices), change in family.net.items()
        if name in among_names
        for term in family.reactants
        if term.name in among_names and (name not in slow or term.name in slow)
    ]
    blocks: list[tuple[str, ...]] = []
    rings: list[tuple[str, ...]] = []
    families, dims = network.families, {s.name: s.dims for s in network.species}
    into: dict[str, list[Coupling]] = defaultdict(list)
    for coupling in couplings:
        into[coupling.target].append(coupling)
    for component in _components(names, couplings):
        among = set(component)
        inside = [c for name in component for c in into[name] if c.source.name in among]
        direct = all(c.same or c.elementwise(families[c.number]) for c in inside)
        shapes = {dims[name] for name in component}
        if direct and len(shapes) == 1 and len(component) <= LARGEST_BLOCK:
            blocks.append(tuple(component))
        else:
            rings.append(tuple(component))
    return Structure(tuple(blocks), tuple(couplings), left_out, tuple(rings))


def _slow(network: Network) -> frozenset[str]:
    slow = {species.name for species in network.species if species.slow}
    nets = [{name for name, _ in family.net} for family in network.families]
    while mixed := [net & slow for net in nets if net & slow and net - slow]:
        slow -= set().union(*mixed)
    return frozenset(slow)


def _components(names: list[str], couplings: list[Coupling]) -> list[list[str]]:
    """Arrays that drive each other in a loop, sources before targets."""
    if not names:
        return []
    place = {name: i for i, name in enumerate(names)}
    edges = np.array([(place[c.source.name], place[c.target]) for c in couplings], dtype=int).reshape(-1, 2)
    graph = sparse.coo_array((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(len(names),) * 2)
    _, label = connected_components(graph, connection="strong")
    members: dict[int, list[str]] = defaultdict(list)
    for name in names:
        members[int(label[place[name]])].append(name)
    before: dict[int, set[int]] = {number: set() for number in members}
    for source, target in edges:
        if label[source] != label[target]:
            before[int(label[target])].add(int(label[source]))
    return [members[number] for number in TopologicalSorter(before).static_order()]
