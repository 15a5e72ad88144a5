"""Activations by name: those built in, those of installed packages, and a class in a user's own file."""

from __future__ import annotations

import hashlib
import importlib
import inspect
import sys
from dataclasses import fields
from functools import lru_cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from crnsim.activations.algebraic import AlgebraicSigmoid, AlgebraicTanh
from crnsim.activations.base import Activation
from crnsim.activations.relu import LeakyRelu, Relu
from crnsim.activations.squareplus import LeakySquareplus, Squareplus
from crnsim.errors import InputError, suggest

#: Group of entry points under which an installed package offers activations.
ENTRY_POINTS = "crnsim.activations"

_BUILT_IN = (Squareplus, LeakySquareplus, AlgebraicSigmoid, AlgebraicTanh, Relu, LeakyRelu)
#: Every built-in activation by the name users write.
ACTIVATIONS: dict[str, type[Activation]] = {cls.name: cls for cls in _BUILT_IN}


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
            raise InputError(f"activation {name} has no parameter '{parameter}'; {suggest(parameter, known)}")
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
    if name in ACTIVATIONS:
        return ACTIVATIONS[name]
    if ":" in name:
        return _from_module(name)
    for entry in entry_points(group=ENTRY_POINTS):
        if entry.name == name:
            try:
                found = entry.load()
            except Exception as error:
                raise InputError(f"activation {name}: cannot load {entry.value}: {_said(error)}") from None
            return _checked(name, found)
    raise InputError(
        f"unknown activation '{name}'; {suggest(name, known_names())}, or a class as module:Class"
    )


def known_names() -> list[str]:
    """Names of all activations that are built in or installed."""
    installed = sorted(entry.name for entry in entry_points(group=ENTRY_POINTS))
    return [*ACTIVATIONS, *(name for name in installed if name not in ACTIVATIONS)]


def source_hash(name: str) -> str:
    """Hash of the file that defines an activation, so that results can be told apart when it changes.

    Returns
    -------
    str
        16 hexadecimal characters; empty for those built in, which the hash of the library covers.
    """
    return class_source_hash(activation_class(name))


@lru_cache(maxsize=256)
def class_source_hash(cls: type[Activation]) -> str:
    """As `source_hash`, of a class; only the file of the class itself counts, not what it imports."""
    if cls in ACTIVATIONS.values():
        return ""
    try:
        text = Path(inspect.getfile(cls)).read_bytes()
    except (OSError, TypeError):
        raise InputError(
            f"activation {cls.name}: its class is in no file; put it into one and name it as module:Class"
        ) from None
    return hashlib.sha256(text).hexdigest()[:16]


def _from_module(name: str) -> type[Activation]:
    module_name, _, attribute = name.partition(":")
    here = str(Path.cwd())
    # At the end, so that a user's file cannot hide a module of a library; it stays, for what the file imports later.
    if here not in sys.path:
        sys.path.append(here)
        importlib.invalidate_caches()
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        raise InputError(f"activation {name}: cannot import {module_name or 'it'}: {_said(error)}") from None
    found = getattr(module, attribute, None)
    if found is None:
        classes = [
            n for n, v in vars(module).items() if isinstance(v, type) and v.__module__ == module.__name__
        ]
        raise InputError(
            f"activation {name}: {module_name} has no '{attribute}'; {suggest(attribute, classes)}"
        )
    return _checked(name, found)


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


def _said(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())
