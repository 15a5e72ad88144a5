"""A network as arrays: species, reactions, families, and the stoichiometry matrix."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from crnsim.interchange.format import Format
from crnsim.interchange.text import PLACEHOLDERS, are_placeholders
from crnsim.network.network import Network
from crnsim.network.text import check_listing
from crnsim.store.files import write_dataset
from crnsim.store.points import SCHEMA

if TYPE_CHECKING:
    import xarray as xr

    from crnsim.circuits import Circuit


def network_dataset(network: Network, circuit: Circuit | None = None) -> xr.Dataset:
    """Return a network as arrays, and what is known of the circuit that it is of.

    Returns
    -------
    xarray.Dataset
        Species by name; reactions with their rate constants and labels; families with their equations; the
        stoichiometry matrix as triplets (row = species, column = reaction, value = net change); concentrations at the
        start.
    """
    import xarray as xr

    check_listing(network)
    matrix = network.stoichiometry().tocoo()
    reactions = list(network.reactions())
    families = network.families
    return xr.Dataset(
        {
            "initial": (
                "species",
                network.state(network.initial),
                {"units": "1", "long_name": "concentration at the start"},
            ),
            "rate": (
                "reaction",
                np.array([r.rate for r in reactions]),
                {"units": "k", "long_name": "rate constant"},
            ),
            "reaction_label": ("reaction", np.array([r.label for r in reactions], dtype=object)),
            "family_label": ("family", np.array([f.label for f in families], dtype=object)),
            "family_equation": ("family", np.array([f.equation for f in families], dtype=object)),
            "family_rate": ("family", np.array(["*".join(f.rate) for f in families], dtype=object)),
            "family_size": ("family", np.array([f.size for f in families], dtype=np.int64)),
            "family_order": ("family", np.array([f.order for f in families], dtype=np.int32)),
            "stoichiometry_row": ("entry", matrix.row.astype(np.int64)),
            "stoichiometry_column": ("entry", matrix.col.astype(np.int64)),
            "stoichiometry_value": ("entry", matrix.data.astype(np.int32)),
        },
        coords={"species": np.array(network.labels, dtype=object)},
        attrs={
            "schema": SCHEMA,
            **({} if circuit is None else _about(circuit)),
            "n_species": network.n_species,
            "n_reactions": network.n_reactions,
            "n_families": len(families),
            **({"remark": PLACEHOLDERS} if are_placeholders(network) else {}),
        },
    )


def _about(circuit: Circuit) -> dict[str, str]:
    return {
        "circuit": circuit.name,
        "layers": json.dumps(list(circuit.layers)),
        "activation": circuit.activation.name,
        "parameters": json.dumps(circuit.parameters | circuit.activation.parameters(), sort_keys=True),
    }


def _write(network: Network, path: Path, title: str, circuit: Circuit | None) -> None:
    write_dataset(network_dataset(network, circuit).assign_attrs(title=title), path)


#: The entry of the table of formats.
ARRAYS = Format("arrays", ".nc", "species, reactions, families and stoichiometry as NetCDF", _write)
