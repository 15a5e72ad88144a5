"""Names and numbers that stand in equations, checked where they enter a network."""

from __future__ import annotations

import keyword
import math
import re

import numpy as np

from crnsim.entrance.arguments import check_number, shown
from crnsim.entrance.limits import LARGEST_RATE, LONGEST_NAME
from crnsim.entrance.objects import check_array
from crnsim.errors import InputError

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
#: A number as equations have it; Python's float takes more, such as 1_0 and the digits of other scripts.
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
#: What would be read as a number where a rate parameter stands.
_NUMBERS = ("nan", "inf", "infinity")


def check_name(what: str, value: object) -> str:
    """Return the name of a species, a dimension or an index: it stands in equations and in names of files' entries.

    Raises
    ------
    InputError
        It is no name.
    """
    if not isinstance(value, str) or len(value) > LONGEST_NAME or not NAME.fullmatch(value):
        raise InputError(
            f"{shown(value)} is not a name for {what} (letters, digits, underscores; at most {LONGEST_NAME}; "
            "not beginning with a digit)"
        )
    return value


def check_parameter_name(value: object) -> str:
    """Return the name of a rate parameter, which is a keyword argument of whatever builds the network too.

    Raises
    ------
    InputError
        It is no name, or means something else: nan, None, a keyword of Python.
    """
    name = check_name("a rate parameter", value)
    if name.lower() in _NUMBERS or keyword.iskeyword(name):
        raise InputError(f"'{name}' is not a name for a rate parameter: it means something else; use another")
    return name


def check_rate(what: str, value: object) -> float:
    """Return a rate constant that is a number."""
    return check_number(what, value, least=0.0, most=LARGEST_RATE)


def rate_parameter(name: str, value: object) -> float | np.ndarray:
    """Return the value of a rate parameter; an array is a copy that nobody else changes."""
    what = f"rate parameter '{name}'"
    if np.isscalar(value) or value is None:
        return check_rate(what, value)
    array = check_array(what, value, wanted="a number or an array of numbers", least=0, most=LARGEST_RATE)
    return np.array(array) if array.ndim else float(array)


def check_rate_text(where: str, factor: str, rate: object) -> None:
    """Raise InputError unless a factor of a rate constant is a number that a rate constant can be.

    Parameters
    ----------
    where : str
        Begins the message.
    factor : str
    rate : str or float
        The whole rate constant, for the message.
    """
    if not NUMBER.fullmatch(factor):
        raise InputError(f"{where}: cannot read rate {shown(rate)}; write a number, k or 2*k")
    value = float(factor)
    if not (0 <= value <= LARGEST_RATE and math.isfinite(value)):
        raise InputError(
            f"{where}: rate {shown(rate)} is negative or not finite; it must be >= 0 and <= {LARGEST_RATE:g}"
        )
