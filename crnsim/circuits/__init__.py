"""Circuits: networks that compute, and learn, built from layers, an activation and named parameters."""

from __future__ import annotations

from crnsim.circuits.circuit import Circuit, CircuitKind, Signal
from crnsim.circuits.clocked import ClockedCircuit, clocked
from crnsim.circuits.feedforward import Feedforward, feedforward
from crnsim.circuits.onepot import onepot
from crnsim.circuits.oscillator import Oscillator, oscillator
from crnsim.circuits.registry import (
    CIRCUITS,
    build_named,
    check_parameters,
    circuit_kind,
    circuit_names,
    circuit_reference,
    circuit_source_hash,
)

__all__ = [
    "CIRCUITS",
    "Circuit",
    "CircuitKind",
    "ClockedCircuit",
    "Feedforward",
    "Oscillator",
    "Signal",
    "build_named",
    "check_parameters",
    "circuit_kind",
    "circuit_names",
    "circuit_reference",
    "circuit_source_hash",
    "clocked",
    "feedforward",
    "onepot",
    "oscillator",
]


def __dir__() -> list[str]:
    return sorted(__all__)
