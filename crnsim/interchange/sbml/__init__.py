"""Networks as SBML, in both directions."""

from __future__ import annotations

from crnsim.interchange.sbml.identifiers import sbml_identifiers
from crnsim.interchange.sbml.read import read_sbml
from crnsim.interchange.sbml.write import to_sbml

__all__ = ["read_sbml", "sbml_identifiers", "to_sbml"]
