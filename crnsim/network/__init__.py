"""Networks: arrays of species, families of reactions over index sets, and what they conserve."""

from __future__ import annotations

from crnsim.network.families import Family, Reaction, Species, Term
from crnsim.network.network import Network

__all__ = ["Family", "Network", "Reaction", "Species", "Term"]


def __dir__() -> list[str]:
    return sorted(__all__)
