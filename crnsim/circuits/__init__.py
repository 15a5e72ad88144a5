"""Circuits: networks that compute and learn, built from layers, an activation and named parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from crnsim.circuits.circuit import Circuit
from crnsim.circuits.onepot import PARAMETERS as ONEPOT_PARAMETERS
from crnsim.circuits.onepot import onepot

#: Builders by the name users write.
CIRCUITS: dict[str, Callable[..., Circuit]] = {"onepot": onepot}
#: Default parameters of each circuit.
CIRCUIT_PARAMETERS: dict[str, dict[str, Any]] = {"onepot": ONEPOT_PARAMETERS}

__all__ = ["CIRCUITS", "CIRCUIT_PARAMETERS", "Circuit", "onepot"]
