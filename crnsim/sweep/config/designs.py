"""Check the designs of a sweep: activations, circuits and their parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING

from crnsim.circuits import check_parameters, circuit_kind
from crnsim.errors import InputError, suggest
from crnsim.sweep.config.mistakes import Mistake, Mistakes

if TYPE_CHECKING:
    from crnsim.sweep.config.model import Sweep


def check_circuit_parameters(
    circuit: str, path: tuple[str, ...], parameters: Mapping[str, float | str]
) -> None:
    """Let the circuit itself judge its parameters: together, and where that fails one by one, to name the wrong one."""
    kind = circuit_kind(circuit)
    known = kind.settings
    for name in parameters:
        if name == kind.learning_parameter:
            raise Mistake(
                (*path, name),
                f"{name} follows from the learning rate; set learning_rate, of the data set or of the design",
            )
        if name and name == kind.samples_parameter:
            raise Mistake((*path, name), f"{name} follows from the data set")
        if name not in known:
            raise Mistake((*path, name), f"unknown parameter of {circuit}; {suggest(name, known)}")

    def judged(**given: float | str) -> str:
        try:
            check_parameters(circuit, given)
        except InputError as error:
            return str(error).removeprefix(f"{kind.name}: ").removeprefix(f"circuit {circuit}: ")
        return ""

    if problem := judged(**parameters):
        for name, value in parameters.items():
            if alone := judged(**{name: value}):
                raise Mistake((*path, name), alone)
        raise Mistake(path, problem)


def check_activations(sweep: Sweep, mistakes: Mistakes) -> None:
    """Check that the designs fit their circuits, and differ from each other."""
    seen: dict[object, str] = {}
    for label in sweep.activations:
        with mistakes.noted():
            unit = _check_activation(sweep, label)
            if unit in seen:
                path = ("activations", label)
                raise Mistake(path, f"the same as {seen[unit]}; keep one of the two, or change a parameter")
            seen[unit] = label
    smooth: dict[str, str] = {}
    for label, spec in sweep.activations.items():
        if spec.role == "smooth":
            first = smooth.setdefault(spec.circuit or sweep.circuit, label)
            if first != label:
                raise Mistake(
                    ("activations", label, "role"), f"{first} is smooth already; one label can have that role"
                )


def check_unit(sweep: Sweep, label: str) -> None:
    """Check the activation of one design and its parameters."""
    from crnsim.activations import activation, activation_class, known_names

    path, spec = ("activations", label), sweep.activations[label]
    if ":" not in spec.name and spec.name not in known_names():
        raise Mistake(
            (*path, "name"), f"unknown activation '{spec.name}'; {suggest(spec.name, known_names())}"
        )
    try:
        cls = activation_class(spec.name)
    except InputError as error:
        raise Mistake((*path, "name"), str(error).removeprefix(f"activation {spec.name}: ")) from None
    known = [field.name for field in fields(cls)]  # type: ignore[arg-type]
    for name, value in spec.parameters:
        if name not in known:
            raise Mistake(
                (*path, name),
                f"{spec.name} has no such key; {suggest(name, [*type(spec).model_fields, *known])}",
            )
        try:
            activation(spec.name, **{name: value})
        except InputError as error:
            raise Mistake((*path, name), str(error).removeprefix(f"activation {cls.name}: ")) from None


def _check_activation(sweep: Sweep, label: str) -> object:
    """Check that one design fits its circuit; return what is equal for designs that are the same."""
    from crnsim.activations import activation

    path, spec = ("activations", label), sweep.activations[label]
    circuit = spec.circuit or sweep.circuit
    check_circuit_parameters(circuit, (*path, "circuit_parameters"), spec.circuit_parameters)
    unit = activation(spec.name, **dict(spec.parameters))
    try:
        check_parameters(circuit, {}, unit)
    except InputError as error:
        raise Mistake((*path, "name"), str(error)) from None
    return (
        *(circuit, spec.learning_rate, spec.epochs, spec.name),
        _rounded(unit.parameters()),
        _rounded(spec.circuit_parameters),
    )


def _rounded(parameters: Mapping[str, object]) -> tuple[tuple[str, object], ...]:
    """Return parameters so that numbers are equal which differ in their last digits alone."""
    return tuple(
        (name, float(f"{value:.9g}") if isinstance(value, float) else value)
        for name, value in sorted(parameters.items())
    )
