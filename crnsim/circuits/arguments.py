"""Arguments of circuits, checked: layers, the activation, the output, and parameters of both circuit and activation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from crnsim.activations import Activation
from crnsim.activations import activation as make_activation
from crnsim.entrance.arguments import check_number, check_whole, shown
from crnsim.entrance.limits import LARGEST_RATE, MOST_LAYERS, MOST_UNITS
from crnsim.entrance.objects import check_sequence
from crnsim.errors import InputError, suggest

#: The output is the pre-activation of the last layer itself.
LINEAR = "linear"


def check_layers(layers: Sequence[int]) -> tuple[int, ...]:
    """Return units of each layer as a tuple of at least two whole numbers >= 1.

    Raises
    ------
    InputError
        They are something else, or more than fit into memory.
    """
    try:
        given = check_sequence("layers", layers, "whole numbers")
        sizes = tuple(check_whole("layers", size, most=MOST_UNITS) for size in given[: MOST_LAYERS + 1])
    except InputError:
        sizes = ()
    if not 2 <= len(sizes) <= MOST_LAYERS:
        raise InputError(
            f"layers are {shown(layers)}; give at least two whole numbers >= 1, such as 2,6,1 "
            f"(at most {MOST_LAYERS} of at most {MOST_UNITS:,} units)"
        )
    return sizes


def split_parameters(
    circuit: str,
    activation: str | Activation,
    parameters: Mapping[str, Any],
    defaults: Mapping[str, Any],
    *,
    text: Sequence[str] = (),
    clocked: bool = False,
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
    clocked : bool
        Whether it has phases, one of which may set what another uses up.
    """
    if not isinstance(activation, (str, Activation)):
        raise InputError(f"{circuit}: activation is {shown(activation)}; give a name, or an Activation")
    if isinstance(activation, Activation):
        unit, of_unit = activation, set[str]()
    else:
        of_unit = set(make_activation(activation).parameters())
        unit = make_activation(activation, **{k: v for k, v in parameters.items() if k in of_unit})
    if unit.needs_clock and not clocked:
        raise InputError(
            f"{circuit}: {unit.name} needs a clock, whose phases set its rails and use them up; "
            "take algebraic_sigmoid, or circuit clocked"
        )
    values = dict(defaults)
    for name, value in parameters.items():
        if name in of_unit:
            continue
        if name not in defaults:
            known = dict.fromkeys([*defaults, *sorted(of_unit)])
            raise InputError(
                f"{circuit} has no parameter {shown(name)}, nor has {unit.name}; {suggest(name, known)}"
            )
        of_number = f"{circuit}: {name}"
        values[name] = value if name in text else check_number(of_number, value, least=0.0, most=LARGEST_RATE)
    for name in ("k", "h_output"):
        if values[name] == 0:
            raise InputError(f"{circuit}: {name} is 0; it must be > 0")
    return unit, values


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
    if not isinstance(name, str) or (name != LINEAR and name not in known and ":" not in name):
        raise InputError(f"{circuit}: output is {shown(name)}; use one of {', '.join(known)}")
    if name == LINEAR:
        return None
    unit = make_activation(name)
    return make_activation(name, h=h) if "h" in unit.parameters() else unit


def times(rate: str, gain: str) -> str:
    """Return a rate constant times the gain of a rail, if it has one."""
    return f"{rate}*{gain}" if gain else rate
