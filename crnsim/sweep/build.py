"""Build the network of a group: counts, stoichiometry and readable reactions, to keep beside the results."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import xarray as xr

    from crnsim.circuits import Circuit
    from crnsim.network import Network
    from crnsim.sweep.points import Group


def group_circuit(group: Group) -> Circuit:
    """Return the circuit of a group, with eps as at the longest running time."""
    from crnsim.activations import activation
    from crnsim.circuits import CIRCUITS
    from crnsim.datasets import dataset_info

    settings = group.settings
    eps = {} if group.weights else {"eps": settings.learning_rate / max(settings.running_times)}
    return CIRCUITS[group.circuit](
        settings.layers,
        activation(group.activation, **dict(group.activation_parameters)),
        dual_rail=dataset_info(group.dataset, group.source).dual_rail,
        **group.circuit_parameters | eps,
    )


def compile_circuit(group: Group) -> None:
    """Show the circuit two samples, so that compiled code, and the data, are there before workers want them."""
    from crnsim.algebraic import initial_weights
    from crnsim.datasets import load_dataset
    from crnsim.experiment import infer, train

    data = load_dataset(group.dataset, seed=group.seed, source=group.source)
    few = replace(
        data,
        x_train=data.x_train[:2],
        y_train=data.y_train[:2],
        x_test=data.x_test[:2],
        y_test=data.y_test[:2],
    )
    circuit, time = group_circuit(group), min(group.settings.running_times)
    if group.weights:
        some = initial_weights(circuit.layers, seed=group.seed, dataset=group.dataset, replicate=0)
        infer(circuit, few, weights=some, running_time=time, seed=group.seed)
    else:
        train(circuit, few, running_time=time, epochs=1, seed=group.seed)


def network_dataset(circuit: Circuit) -> xr.Dataset:
    """Return a network as arrays.

    Returns
    -------
    xarray.Dataset
        Species by name; reactions with their rate constants and labels; families with their equations; the
        stoichiometry matrix as triplets (row = species, column = reaction, value = net change).
    """
    import xarray as xr

    network = circuit.network
    matrix = network.stoichiometry().tocoo()
    reactions = list(network.reactions())
    families = network.families
    return xr.Dataset(
        {
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
            "schema": "1",
            "circuit": circuit.name,
            "layers": json.dumps(list(circuit.layers)),
            "activation": circuit.activation.name,
            "parameters": json.dumps(circuit.parameters | circuit.activation.parameters(), sort_keys=True),
            "n_species": network.n_species,
            "n_reactions": network.n_reactions,
            "n_families": len(families),
        },
    )


def count_text(network: Network) -> str:
    """Return how many species and reactions there are, by what the reactions are for."""
    sizes: Counter[str] = Counter()
    for family in network.families:
        sizes[family.label] += family.size
    parts = ", ".join(f"{label} {size}" for label, size in sizes.items())
    active = network.n_active_reactions() if network.arrays else network.n_reactions
    absent = f", {network.n_reactions - active} of them at no rate" if active < network.n_reactions else ""
    return f"{network.n_species} species, {network.n_reactions} reactions ({parts}){absent}"


def parameter_lines(circuit: Circuit) -> list[str]:
    """Return the parameters of a circuit as ``name = value``."""
    return [
        f"{name} = {value}" if isinstance(value, str) else f"{name} = {value:g}"
        for name, value in circuit.parameters.items()
    ]


def reactions_text(circuit: Circuit, title: str) -> str:
    """Return every elementary reaction, a line each, under its family; absent weights are left out."""
    network = circuit.network
    lines = [f"// {title}", f"// {count_text(network)}"]
    lines += [f"// {line}" for line in parameter_lines(circuit)]
    reactions = iter(network.reactions())
    for family in network.families:
        lines += ["", f"// {family.label}: {family}"]
        members = [next(reactions) for _ in range(family.size)]
        # A weight that is a rate constant has one reaction, by its sign; the other is there at no rate.
        weights = any("[" in factor for factor in family.rate)
        lines += [str(reaction) for reaction in members if reaction.rate or not weights]
    free = "weights are drawn for each replicate" if circuit.targets else "inputs are set from outside"
    lines += ["", f"// concentrations at the start; {free}, all others are zero"]
    for species in network.species:
        if circuit.initial.get(species.name):
            lines += [f"init {label} {circuit.initial[species.name]:g}" for label in species.labels()]
    return "\n".join(lines) + "\n"
