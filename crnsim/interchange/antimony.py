"""Networks as Antimony text, by way of SBML and the package `antimony`, where that is installed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crnsim.entrance.files import read_text
from crnsim.entrance.limits import LARGEST_NETWORK_FILE
from crnsim.errors import InputError
from crnsim.interchange.format import Format
from crnsim.interchange.sbml.read import read_sbml
from crnsim.interchange.sbml.write import to_sbml
from crnsim.network.network import Network
from crnsim.store.files import write_text

if TYPE_CHECKING:
    from crnsim.circuits import Circuit


def _library() -> Any:
    try:
        import antimony
    except ImportError:
        raise InputError(
            "Antimony is read and written by the package antimony; install it with: pip install antimony"
        ) from None
    antimony.clearPreviousLoads()
    return antimony


def _read(path: Path) -> Network:
    text = read_text(path, LARGEST_NETWORK_FILE, encoding="utf-8-sig")
    if match := re.search(r"^\s*import\b", re.sub(r"//.*|#.*", "", text), re.MULTILINE):
        line = text.count("\n", 0, match.end()) + 1
        raise InputError(f"{path}: line {line}: import is not read; put everything into one file")
    library = _library()
    if library.loadAntimonyString(text) < 0:
        raise InputError(f"{path}: not Antimony: {' '.join(library.getLastError().split())[:500]}")
    sbml = library.getSBMLString(library.getMainModuleName())
    try:
        return read_sbml(sbml)
    except InputError as error:
        # Lines are those of the SBML that it became.
        raise InputError(f"{path}: {re.sub('^text: (line [0-9]+: )?', '', str(error))}") from None


def _write(network: Network, path: Path, title: str, circuit: Circuit | None) -> None:
    library = _library()
    if library.loadSBMLString(to_sbml(network)) < 0:
        raise InputError(f"{path}: antimony could not take the network: {library.getLastError()[:500]}")
    write_text(path, f"// {title}\n{library.getAntimonyString(library.getMainModuleName())}")


#: The entry of the table of formats.
ANTIMONY = Format("antimony", ".ant", "Antimony, where the package antimony is installed", _write, _read)
