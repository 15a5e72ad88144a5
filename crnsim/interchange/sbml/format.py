"""SBML as a format of files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from crnsim.interchange.format import Format
from crnsim.interchange.sbml.read import read_sbml
from crnsim.interchange.sbml.write import to_sbml
from crnsim.network.network import Network
from crnsim.store.files import write_text

if TYPE_CHECKING:
    from crnsim.circuits import Circuit


def _write(network: Network, path: Path, title: str, circuit: Circuit | None) -> None:
    write_text(path, to_sbml(network, title=title))


#: The entry of the table of formats.
SBML = Format(
    "sbml", ".xml", "SBML Level 3 Version 2, every reaction with its law", _write, read_sbml, (".sbml",)
)
