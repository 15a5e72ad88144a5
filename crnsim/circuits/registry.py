"""Circuits by name: those built in, those of installed packages, and an entry in a user's own file."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from crnsim.activations import Activation
from crnsim.circuits.circuit import MODES, Circuit, CircuitKind, Pair
from crnsim.circuits.clocked import CLOCKED
from crnsim.circuits.feedforward import FEEDFORWARD
from crnsim.circuits.imported import NETWORK
from crnsim.circuits.onepot import ONEPOT
from crnsim.errors import InputError, suggest
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
    if found.samples_parameter and found.samples_parameter not in found.parameters:
        raise InputError(f"circuit {name}: its samples_parameter must be one of its parameters")
    return found


_REGISTRY: Registry[CircuitKind] = Registry(
    "circuit", ENTRY_POINTS, (ONEPOT, CLOCKED, FEEDFORWARD, NETWORK), _checked
)
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


def build_named(name: str, layers: Sequence[int], *arguments: Any, **parameters: Any) -> Circuit:
    """Build a circuit by the name of its kind.

    Parameters
    ----------
    name : str
        As for `circuit_kind`.
    layers : sequence of int
    *arguments, **parameters
        As for the function `build` of a `CircuitKind`.

    Returns
    -------
    Circuit
        One whose parts are there: whatever runs it can rely on them.

    Raises
    ------
    InputError
        The arguments do not fit; or its code failed, or built something else.
    """
    kind = circuit_kind(name)
    with _REGISTRY.code_of(name):
        circuit = kind.build(layers, *arguments, **parameters)
        if name not in CIRCUITS:
            _check_built(name, kind, circuit)
    return circuit


def check_parameters(name: str, parameters: Mapping[str, Any], activation: Activation | None = None) -> None:
    """Let a circuit judge its parameters, and an activation, on the smallest layers that it takes.

    Raises
    ------
    InputError
        As for `build_named`.
    """
    unit = [] if activation is None else [activation]
    try:
        build_named(name, (1, 1), *unit, **parameters)
    except InputError:
        # Do the layers not fit, or the parameters? What fits with its own parameters are layers.
        layers = (1, 1) if _takes(name, (1, 1)) or not _takes(name, (1, 1, 1)) else (1, 1, 1)
        build_named(name, layers, *unit, **parameters)


def _takes(name: str, layers: tuple[int, ...]) -> bool:
    try:
        build_named(name, layers)
    except InputError:
        return False
    return True


def _check_built(name: str, kind: CircuitKind, circuit: Any) -> None:
    """Raise InputError unless what a user's function built has the parts that a `Circuit` names."""
    if not isinstance(circuit, Circuit):
        raise InputError(
            f"circuit {name}: it built a {type(circuit).__name__} and no crnsim.circuits.Circuit"
        )
    pairs: dict[str, list[Pair]] = {
        "inputs": [circuit.inputs],
        "outputs": [circuit.outputs],
        "weights": list(circuit.weights),
    }
    pairs["targets"] = [circuit.targets] if circuit.targets else []
    named = {
        part: [rail for pair in found for rail in pair if rail is not None] for part, found in pairs.items()
    }
    named |= {"hidden": [*circuit.hidden], "conserved": [one for each in circuit.conserved for one in each]}
    known = {species.name for species in circuit.network.species}
    for part, rails in (named | {"initial": [*circuit.initial]}).items():
        if missing := [rail for rail in rails if rail not in known]:
            raise InputError(
                f"circuit {name}: its {part} name '{missing[0]}'; {suggest(missing[0], sorted(known))}"
            )
    rates = circuit.network.parameters
    for part, words in {
        "learning_off": [*circuit.learning_off],
        "learning_parameter": [kind.learning_parameter] if kind.learns else [],
        "output_gain": [circuit.output_gain] if circuit.output_gain else [],
    }.items():
        if missing := [word for word in words if word not in rates]:
            raise InputError(
                f"circuit {name}: its {part} names '{missing[0]}', which is no rate parameter of its network; "
                f"{suggest(missing[0], sorted(rates))}"
            )
    if kind.learns and circuit.targets is None:
        raise InputError(f"circuit {name}: it is trained, so it needs targets")


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
