"""Attributes of files of points, whose texts may come from anybody: each kind is read here and nowhere else."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from crnsim.errors import InputError

if TYPE_CHECKING:
    import xarray as xr

_TEXTS = (
    *("schema", "dataset", "circuit", "activation", "activation_label", "role", "mode", "method", "sweep"),
    *("libraries", "code_version", "code_hash", "config", "source", "network_text", "observe"),
)
#: An absolute tolerance that follows the scale of each species.
SCALED = "scaled"
_NUMBERS = ("epochs", "learning_rate", "rtol", "atol", "max_steps", "dual_rail")


def json_value(text: object) -> Any:
    """Return what a JSON text says.

    Raises
    ------
    ValueError
        It is no text, no JSON, nested too deeply, or holds what is no character.
    """
    if not isinstance(text, str):
        raise ValueError("no text")
    try:
        found = json.loads(text)
        # Half a surrogate pair can be written as an escape, and cannot be written to a page.
        json.dumps(found, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return found


def parameters_of(points: xr.Dataset) -> dict[str, float | str]:
    """Return the parameters of the circuit and the activation of a file of points.

    Raises
    ------
    InputError
        The attribute ``parameters`` is no JSON object of numbers and words.
    """
    found = _json(points, "parameters", "{}")
    if not isinstance(found, dict):
        raise InputError("its attribute parameters is no JSON object")
    if not all(isinstance(value, str) or _is_number(value) for value in found.values()):
        raise InputError("its attribute parameters is no JSON object of numbers and words")
    return found


def layers_of(points: xr.Dataset) -> list[int]:
    """Return the sizes of the layers of a file of points.

    Raises
    ------
    InputError
        The attribute ``layers`` is no JSON list of whole numbers.
    """
    found = _json(points, "layers", "[]")
    if not isinstance(found, list) or not all(type(size) is int and size > 0 for size in found):
        raise InputError("its attribute layers is no JSON list of whole numbers")
    return found


def attribute_fault(points: xr.Dataset) -> str:
    """Say which attribute of a file of points is not what its name says; nothing where all are."""
    attrs = points.attrs
    for name in _TEXTS:
        if not isinstance(attrs.get(name, ""), str):
            return f"its attribute {name} is no text"
    for name in _NUMBERS:
        if not _is_number(attrs.get(name, 0)) and not (name == "atol" and attrs[name] == SCALED):
            return f"its attribute {name} is no number"
    try:
        parameters_of(points)
        layers_of(points)
    except InputError as error:
        return str(error)
    return ""


def _json(points: xr.Dataset, name: str, missing: str) -> Any:
    try:
        return json_value(points.attrs.get(name, missing))
    except ValueError:
        return None


def _is_number(value: object) -> bool:
    """Tell whether a value is a single finite number that a float can hold."""
    if not isinstance(value, (int, float, np.integer, np.floating)):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False
