"""Noise of any network: the keys of its streams, what is kicked, and the sums that a kick keeps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from crnsim.errors import InputError
from crnsim.network.network import Network
from crnsim.noise.streams import StreamKeys


def network_keys(seed: int, replicate: int) -> StreamKeys:
    """Keys of the streams of one replicate of `crnsim.simulate`, by purpose and name."""
    return StreamKeys(seed, "network", replicate)


def scope_of(network: Network, scope: str) -> tuple[list[str], np.ndarray]:
    """Names of the arrays of species in a scope of noise, and first row and length of each.

    ``signals`` are species that reactions change and that are not declared slow, ``weights`` those that are, ``all``
    both.
    """
    changed = {name for family in network.families for name, _ in family.net}
    arrays = [species for species in network.species if species.name in changed]
    names = [s.name for s in arrays if scope == "all" or s.slow == (scope == "weights")]
    if not names:
        raise InputError(f"noise scope '{scope}': the network has no species in it; use 'all'")
    return names, spans(network, names)


def spans(network: Network, names: Sequence[str]) -> np.ndarray:
    """First row and number of rows of arrays of species, shape (names, 2)."""
    rows = [network.rows(name).ravel() for name in names]
    return np.array([(r[0], len(r)) for r in rows], dtype=np.int64).reshape(-1, 2)


def kept_sums(network: Network) -> np.ndarray:
    """Rows of species whose sum no reaction changes, a law each; -1 fills up the shorter ones.

    A kick rescales each of them to its total. Laws with other factors than 1, and those that share a species with an
    earlier one, are left out.
    """
    row_of = {label: row for row, label in enumerate(network.labels)}
    laws: list[list[int]] = []
    used: set[int] = set()
    for law in network.conservation_laws():
        rows = [row_of[name] for name in law]
        if len(rows) > 1 and set(law.values()) == {1} and not used & set(rows):
            laws.append(rows)
            used.update(rows)
    longest = max(map(len, laws), default=2)
    table = [rows + [-1] * (longest - len(rows)) for rows in laws]
    return np.array(table, dtype=np.int64).reshape(-1, longest)
