"""Circuits: networks that compute, and learn, built from layers, an activation and named parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from crnsim.circuits.circuit import Circuit
from crnsim.circuits.feedforward import PARAMETERS as FEEDFORWARD_PARAMETERS
from crnsim.circuits.feedforward import Feedforward, feedforward
from crnsim.circuits.onepot import PARAMETERS as ONEPOT_PARAMETERS
from crnsim.circuits.onepot import onepot

#: Builders by the name users write; each takes the layer sizes first.
CIRCUITS: dict[str, Callable[..., Circuit]] = {"onepot": onepot, "feedforward": feedforward}
#: Default parameters of each circuit; one with ``eps`` learns.
CIRCUIT_PARAMETERS: dict[str, dict[str, Any]] = {
    "onepot": ONEPOT_PARAMETERS,
    "feedforward": FEEDFORWARD_PARAMETERS,
}

__all__ = ["CIRCUITS", "CIRCUIT_PARAMETERS", "Circuit", "Feedforward", "feedforward", "onepot"]
