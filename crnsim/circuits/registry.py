"""Circuits by name: those built in, those of installed packages, and an entry in a user's own file."""

from __future__ import annotations

import sys
from typing import Any

from crnsim.circuits.circuit import MODES, CircuitKind
from crnsim.circuits.feedforward import FEEDFORWARD
from crnsim.circuits.onepot import ONEPOT
from crnsim.errors import InputError
from crnsim.registry import Registry

#: Group of entry points under which an installed package offers circuits.
ENTRY_POINTS = "crnsim.circuits"


def _checked(name: str, found: Any) -> CircuitKind:
    if not isinstance(found, CircuitKind):
        raise InputError(f"circuit {name}: it is no crnsim.circuits.CircuitKind")
    if not found.modes or not set(found.modes) <= set(MODES):
        raise InputError(f"circuit {name}: its modes are {found.modes}; use {', '.join(MODES)}")
    if found.learns and found.learning_parameter not in found.parameters:
        raise InputError(
            f"circuit {name}: it is trained, so one of its parameters must be its learning_parameter"
        )
    return found


_REGISTRY: Registry[CircuitKind] = Registry("circuit", ENTRY_POINTS, (ONEPOT, FEEDFORWARD), _checked)
#: Every built-in circuit by the name users write.
CIRCUITS = _REGISTRY.built_in


def circuit_kind(name: str) -> CircuitKind:
    """Return a circuit's entry.

    Parameters
    ----------
    name : str
        A key of `CIRCUITS`; the name of an entry point in the group ``crnsim.circuits`` of an installed package; or
        ``module:NAME`` of a `CircuitKind`.

    Raises
    ------
    InputError
        There is none, its module cannot be imported, or it is no whole entry.
    """
    return _REGISTRY.find(name)


def circuit_reference(kind: CircuitKind) -> str:
    """Return the name by which `circuit_kind` finds an entry: its own, or ``module:NAME``.

    Raises
    ------
    InputError
        It stands in no module under a name.
    """
    if CIRCUITS.get(kind.name) is kind:
        return kind.name
    module = kind.build.__module__
    for name, value in vars(sys.modules[module]).items():
        if value is kind:
            return f"{module}:{name}"
    raise InputError(
        f"circuit {kind.name}: give its entry a name in {module}, beside the function that builds it"
    )


def circuit_names() -> list[str]:
    """Names of all circuits that are built in or installed."""
    return _REGISTRY.names()


def circuit_source_hash(name: str) -> str:
    """Hash of the file that defines a circuit; empty for those built in, which the hash of the library covers."""
    return _REGISTRY.source_hash(name)
