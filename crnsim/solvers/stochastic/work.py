"""What a thread works with while it follows runs, one after the other."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from crnsim.kinetics.by_reference import by_reference
from crnsim.network.network import Network
from crnsim.solvers.protocol import Protocol
from crnsim.solvers.stochastic.tables import WIDTH, Tables


@by_reference
class Work(NamedTuple):
    """Room for one run; numbers of molecules are whole, and kept as floats, which are exact up to 2^53."""

    molecules: np.ndarray  # (rows + 1,) molecules; the last is 1, the owner of what needs no reactant
    constant: np.ndarray  # (R,) of rates in molecules
    partial: np.ndarray  # (leaves,) partial propensities
    block: np.ndarray  # (blocks,) their sums
    tree: np.ndarray  # sums of groups, level by level
    random: np.ndarray  # (4,) uint64
    rates: np.ndarray  # (reactions of the network,) rate constants of a presentation
    first: np.ndarray  # (families,) first reaction of each
    state: np.ndarray  # (species,) concentrations
    before: np.ndarray  # (species,)
    values: np.ndarray  # (features + targets,)
    draws: np.ndarray


def new_work(network: Network, tables: Tables, protocol: Protocol) -> Work:
    """Return room for runs of a protocol."""
    n = network.n_species
    longest = max((family.size for family in network.families), default=1)
    return Work(
        molecules=np.zeros(n + 1),
        constant=np.zeros(len(tables.number)),
        partial=np.zeros(len(tables.reaction)),
        block=np.zeros(len(tables.reaction) // WIDTH),
        tree=np.zeros(int(tables.level_at[-1])),
        random=np.zeros(4, dtype=np.uint64),
        rates=np.zeros(network.n_reactions),
        first=np.ascontiguousarray(network.first_reactions),
        state=np.zeros(n),
        before=np.zeros(n),
        values=np.zeros(len(protocol.clamp)),
        draws=np.zeros(max(longest, n, protocol.n_features, 1)),
    )
