"""Activations: forward chemistry, derivative chemistry and closed form of each, one short module apiece."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from crnsim.activations.base import Activation, Rails
from crnsim.activations.relu import Relu
from crnsim.activations.squareplus import Squareplus
from crnsim.errors import InputError, suggest

#: Every activation by the name users write.
ACTIVATIONS: dict[str, type[Activation]] = {cls.name: cls for cls in (Squareplus, Relu)}


def activation(name: str, **parameters: Any) -> Activation:
    """Return an activation by name.

    Parameters
    ----------
    name : str
        A key of `ACTIVATIONS`.
    **parameters
        Parameters of that activation, such as ``h=0.1``.

    Raises
    ------
    InputError
        For an unknown name or parameter, or a value out of range.
    """
    if name not in ACTIVATIONS:
        raise InputError(f"unknown activation '{name}'; {suggest(name, ACTIVATIONS)}")
    cls = ACTIVATIONS[name]
    known = [field.name for field in fields(cls)]  # type: ignore[arg-type]
    for parameter in parameters:
        if parameter not in known:
            raise InputError(f"activation {name} has no parameter '{parameter}'; {suggest(parameter, known)}")
    return cls(**parameters)


__all__ = ["ACTIVATIONS", "Activation", "Rails", "Relu", "Squareplus", "activation"]
