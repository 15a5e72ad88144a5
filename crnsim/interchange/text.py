"""A network as text: counts, parameters and every elementary reaction, a line each."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from crnsim.entrance.arguments import check_memory
from crnsim.interchange.format import Format
from crnsim.store.files import write_text
from crnsim.wording import exact

if TYPE_CHECKING:
    from crnsim.circuits import Circuit
    from crnsim.network.network import Network


#: Weights of a sweep differ between replicates; the network beside the results stands for all of them.
PLACEHOLDERS = "weights are rate constants, here all 1: each replicate has its own"


#: Bytes of a reaction while all of them are listed.
_LISTED_BYTES = 600


def check_listing(network: Network) -> None:
    """Raise InputError if a list of every reaction would not fit the memory that is allowed."""
    check_memory(
        f"every one of {network.n_reactions} reactions",
        _LISTED_BYTES * network.n_reactions,
        "take smaller layers or dimensions",
    )


def are_placeholders(network: Network) -> bool:
    """Tell whether weights that are rate constants are all 1, as in the network beside the results of a sweep."""
    one_rail = (
        values.min() == values.max() and values.max() in (0.0, 1.0) for values in network.arrays.values()
    )
    return bool(network.arrays) and all(one_rail)


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
    """Return the parameters of a circuit and of its activation as ``name = value``."""
    return [
        f"{name} = {value}" if isinstance(value, str) else f"{name} = {exact(value)}"
        for name, value in (circuit.activation.parameters() | circuit.parameters).items()
    ]


def reactions_text(circuit: Circuit, title: str) -> str:
    """Return every elementary reaction, a line each, under its family; absent weights are left out."""
    network = circuit.network
    check_listing(network)
    lines = [f"// {title}", f"// {count_text(network)}"]
    lines += [f"// {PLACEHOLDERS}"] if are_placeholders(network) else []
    lines += [f"// {line}" for line in parameter_lines(circuit)]
    reactions = iter(network.reactions())
    for family in network.families:
        lines += ["", f"// {family.label}: {family}"]
        members = [next(reactions) for _ in range(family.size)]
        # A weight that is a rate constant has one reaction, by its sign; the other is there at no rate.
        weights = any("[" in factor for factor in family.rate)
        lines += [str(reaction) for reaction in members if reaction.rate or not weights]
    free = "weights are drawn for each replicate" if circuit.targets else "inputs are set from outside"
    free = f"samples are stored and {free}" if circuit.autonomous else free
    lines += ["", f"// concentrations at the start; {free}, all others are zero"]
    start = network.state(circuit.initial).tolist()
    lines += [
        f"init {label} {exact(value)}" for label, value in zip(network.labels, start, strict=True) if value
    ]
    return "\n".join(lines) + "\n"


def _write(circuit: Circuit, path: Path, title: str) -> None:
    write_text(path, reactions_text(circuit, title))


#: The entry of the table of formats.
TEXT = Format("text", ".crn", "every elementary reaction, a line each, under its family", _write)
