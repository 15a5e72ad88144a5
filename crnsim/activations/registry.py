"""Activations by name: those built in, those of installed packages, and a class in a user's own file."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from crnsim.activations.base import Activation
from crnsim.activations.bounded import AlgebraicSigmoid, AlgebraicTanh
from crnsim.activations.logistic import Logistic
from crnsim.activations.relu import LeakyRelu, Relu
from crnsim.activations.squareplus import LeakySquareplus, Squareplus
from crnsim.entrance.arguments import shown
from crnsim.errors import InputError, suggest
from crnsim.registry import Registry

#: Group of entry points under which an installed package offers activations.
ENTRY_POINTS = "crnsim.activations"

_BUILT_IN = (Squareplus, LeakySquareplus, AlgebraicSigmoid, AlgebraicTanh, Relu, LeakyRelu, Logistic)


def _checked(name: str, found: Any) -> type[Activation]:
    if not (isinstance(found, type) and issubclass(found, Activation)):
        raise InputError(f"activation {name}: it is no subclass of crnsim.activations.Activation")
    missing = sorted(found.__abstractmethods__)
    missing += [attribute for attribute in ("name", "smooth") if not hasattr(found, attribute)]
    if missing:
        raise InputError(f"activation {name}: the class lacks {', '.join(missing)}")
    # A dataclass by inheritance alone would not know parameters of its own.
    if "__dataclass_fields__" not in vars(found):
        raise InputError(f"activation {name}: decorate the class with @dataclass(frozen=True)")
    return found


_REGISTRY: Registry[type[Activation]] = Registry("activation", ENTRY_POINTS, _BUILT_IN, _checked, named=False)
#: Every built-in activation by the name users write.
ACTIVATIONS = _REGISTRY.built_in


def activation(name: str, **parameters: Any) -> Activation:
    """Return an activation by name.

    Parameters
    ----------
    name : str
        As for `activation_class`.
    **parameters
        Parameters of that activation, such as ``h=0.1``.

    Raises
    ------
    InputError
        For an unknown name or parameter, or a value out of range.
    """
    cls = activation_class(name)
    known = [field.name for field in fields(cls)]  # type: ignore[arg-type]
    for parameter in parameters:
        if parameter not in known:
            raise InputError(
                f"activation {name} has no parameter {shown(parameter)}; {suggest(parameter, known)}"
            )
    return cls(**parameters)


def activation_class(name: str) -> type[Activation]:
    """Return the class of an activation.

    Parameters
    ----------
    name : str
        A key of `ACTIVATIONS`; the name of an entry point in the group ``crnsim.activations`` of an installed package;
        or ``module:Class``, where the module is imported with the current working directory on ``sys.path``.

    Raises
    ------
    InputError
        If there is no such activation, if its module cannot be imported, or if the class is not a complete
        `Activation`.
    """
    return _REGISTRY.find(name)


def known_names() -> list[str]:
    """Names of all activations that are built in or installed."""
    return _REGISTRY.names()


def source_hash(name: str) -> str:
    """Hash of the file that defines an activation, so that results can be told apart when it changes.

    Returns
    -------
    str
        16 hexadecimal characters; empty for those built in, which the hash of the library covers.
    """
    return _REGISTRY.source_hash(name)
