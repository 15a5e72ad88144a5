"""Arguments of circuits, checked: layers, the activation, the output, and parameters of both circuit and activation."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping, Sequence
from typing import Any

from crnsim.activations import Activation
from crnsim.activations import activation as make_activation
from crnsim.errors import InputError, suggest

#: The output is the pre-activation of the last layer itself.
LINEAR = "linear"


def check_layers(layers: Sequence[int]) -> tuple[int, ...]:
    """Return units of each layer as a tuple of at least two whole numbers >= 1."""
    try:
        sizes = tuple(int(size) for size in layers)
        whole = all(int(size) == size for size in layers)
    except (TypeError, ValueError):
        sizes, whole = (), False
    if len(sizes) < 2 or not whole or min(sizes) < 1:
        raise InputError(f"layers are {layers!r}; give at least two whole numbers >= 1, such as 2,6,1")
    return sizes


def split_parameters(
    circuit: str,
    activation: str | Activation,
    parameters: Mapping[str, Any],
    defaults: Mapping[str, Any],
    *,
    text: Sequence[str] = (),
) -> tuple[Activation, dict[str, Any]]:
    """Sort parameters into those of the activation and those of the circuit.

    Parameters
    ----------
    circuit : str
        Named in errors.
    activation : str or Activation
        Takes its own parameters only if it is a name.
    parameters, defaults : mapping
        As given, and the circuit's with their defaults; they are numbers but for those named in `text`.
    """
    if isinstance(activation, Activation):
        unit, of_unit = activation, set[str]()
    else:
        of_unit = set(make_activation(activation).parameters())
        unit = make_activation(activation, **{k: v for k, v in parameters.items() if k in of_unit})
    values = dict(defaults)
    for name, value in parameters.items():
        if name in of_unit:
            continue
        if name not in defaults:
            raise InputError(
                f"{circuit} has no parameter '{name}'; {suggest(name, [*defaults, *sorted(of_unit)])}"
            )
        values[name] = value if name in text else _number(circuit, name, value)
    for name in ("k", "h_output"):
        if values[name] == 0:
            raise InputError(f"{circuit}: {name} is 0; it must be > 0")
    return unit, values


def _number(circuit: str, name: str, value: Any) -> float:
    number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not number or not (math.isfinite(value) and value >= 0):
        raise InputError(f"{circuit}: {name} is {value!r}; it must be a finite number >= 0")
    return float(value)


def output_unit(circuit: str, name: Any, h: float, known: Sequence[str]) -> Activation | None:
    """Return the unit of the output, None for a linear one.

    Parameters
    ----------
    circuit : str
        Named in errors.
    name : str
        ``"linear"`` or an activation, one of `known`.
    h : float
        Its smoothing, if it has one.
    """
    if name == LINEAR:
        return None
    if not isinstance(name, str) or (name not in known and ":" not in name):
        raise InputError(f"{circuit}: output is {name!r}; use one of {', '.join(known)}")
    unit = make_activation(name)
    return make_activation(name, h=h) if "h" in unit.parameters() else unit


def times(rate: str, gain: str) -> str:
    """Return a rate constant times the gain of a rail, if it has one."""
    return f"{rate}*{gain}" if gain else rate
