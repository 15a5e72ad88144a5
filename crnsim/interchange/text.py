"""A network as text: families, or every elementary reaction; see `crnsim.network.reader` for the language."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from crnsim.interchange.format import Format
from crnsim.network.network import Network
from crnsim.network.reader import read_crn
from crnsim.network.text import check_listing, count_text, crn_text
from crnsim.store.files import write_text
from crnsim.wording import exact

if TYPE_CHECKING:
    from crnsim.circuits import Circuit

#: Weights of a sweep differ between replicates; the network beside the results stands for all of them.
PLACEHOLDERS = "weights are rate constants, here all 1: each replicate has its own"


def are_placeholders(network: Network) -> bool:
    """Tell whether weights that are rate constants are all 1, as in the network beside the results of a sweep."""
    one_rail = (
        values.min() == values.max() and values.max() in (0.0, 1.0) for values in network.arrays.values()
    )
    return bool(network.arrays) and all(one_rail)


def parameter_lines(circuit: Circuit) -> list[str]:
    """Return the parameters of a circuit and of its activation as ``name = value``."""
    return [
        f"{name} = {value}" if isinstance(value, str) else f"{name} = {exact(value)}"
        for name, value in (circuit.activation.parameters() | circuit.parameters).items()
    ]


def network_text(network: Network, title: str, circuit: Circuit | None = None, *, elementary: bool) -> str:
    """Return a network as text under a title; see `crnsim.network.text.crn_text`.

    What is known of its `circuit` stands there as comments.
    """
    if elementary:
        check_listing(network)
    remarks = [title, count_text(network)]
    if circuit is not None:
        remarks += [PLACEHOLDERS] if are_placeholders(network) else []
        remarks += parameter_lines(circuit)
        free = "weights are drawn for each replicate" if circuit.targets else "inputs are set from outside"
        remarks += [f"samples are stored and {free}" if circuit.autonomous else free]
    return crn_text(network, remarks=remarks, elementary=elementary)


def _write(network: Network, path: Path, title: str, circuit: Circuit | None) -> None:
    # A person's own keeps the names of its rate parameters; that of a circuit is what is integrated, line by line.
    write_text(path, network_text(network, title, circuit, elementary=circuit is not None))


#: The entry of the table of formats.
TEXT = Format(
    "text",
    ".crn",
    "families; of a circuit every elementary reaction, a line each",
    _write,
    read_crn,
)
