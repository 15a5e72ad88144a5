"""What a network is made of, checked where it enters: names, numbers, factors of rates and sizes."""

from __future__ import annotations

import keyword
import math
import numbers
import re
from collections.abc import Mapping
from typing import Any, NoReturn

import numpy as np

from crnsim.entrance.arguments import (
    NUMBER,
    check_memory,
    check_normal,
    check_number,
    check_text,
    check_whole,
    read_number,
    shown,
)
from crnsim.entrance.limits import (
    LARGEST_COEFFICIENT,
    LARGEST_COUNT,
    LARGEST_RATE,
    LONGEST_NAME,
    LONGEST_REFERENCE,
    MOST_INDICES,
)
from crnsim.entrance.objects import check_length, real_array
from crnsim.errors import InputError, suggest

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
#: What Python, or a reader of numbers, takes for a value; a rate parameter of such a name could not be told from it.
VALUES = frozenset({"nan", "inf", "infinity", "none", "true", "false"})
#: Bytes of a species (its name, and rows of it) and of a reaction (rows of its terms, rate constants).
_SPECIES_BYTES, _REACTION_BYTES = 250, 200


class Fixed(dict[str, Any]):
    """A dict to be read, which JSON and copies know as one: what is set in it would be set without a check."""

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise InputError("this is to be read only; set a rate parameter with set_parameter(name, value)")

    __setitem__ = __delitem__ = __ior__ = _refuse
    update = setdefault = pop = popitem = clear = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self),)


def fixed_array(array: np.ndarray) -> np.ndarray:
    """Return a view of an array that cannot be written."""
    view = array.view()
    view.flags.writeable = False
    return view


def check_name(what: str, value: object, *, value_names: bool = True) -> str:
    """Return `value` if it is a name: an ASCII identifier of at most `LONGEST_NAME` characters, no keyword.

    Parameters
    ----------
    what : str
        What it names, with its article, for the message.
    value : object
    value_names : bool
        Whether names of values, such as ``nan``, may be used too.

    Raises
    ------
    InputError
        It is none.
    """
    if not isinstance(value, str) or len(value) > LONGEST_NAME or not NAME.fullmatch(value):
        raise InputError(
            f"{shown(value)} is not a name for {what}; give letters, digits and _, at most {LONGEST_NAME}, "
            "no digit first"
        )
    if keyword.iskeyword(value) or (not value_names and value.lower() in VALUES):
        raise InputError(f"{shown(value)} is not a name for {what}: it has a meaning of its own; add a _")
    return value


def check_label(value: object) -> str:
    """Return what reactions are for, if it is one printable line; it may be empty.

    Raises
    ------
    InputError
        It is none.
    """
    label = check_text("label", value, most=LONGEST_REFERENCE)
    if not label.isprintable():
        raise InputError(f"label is {shown(value)}; it must be one line of printable text")
    return label


def check_mapping(what: str, value: object) -> Mapping[Any, Any]:
    """Return `value` if it is a mapping, an empty one for None.

    Raises
    ------
    InputError
        It is none.
    """
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InputError(f"{what} is {shown(value)}; it must be a mapping, such as a dict, by name")
    return value


def known(fault: str, name: object, among: Mapping[str, Any]) -> str:
    """Return `name` if it is among the names declared.

    Parameters
    ----------
    fault : str
        What is wrong if it is not, such as ``"unknown dimension"``; the name follows it.
    name : object
    among : mapping
        What is declared, by name.

    Raises
    ------
    InputError
        It is not; the message says which are.
    """
    if not isinstance(name, str) or name not in among:
        raise InputError(f"{fault} {shown(name)}; {suggest(shown(name)[1:-1], among)}")
    return name


def check_dim(name: object, length: object) -> tuple[str, int]:
    """Return the name and the length of a dimension; see `check_name` and `check_whole`."""
    return check_name("a dimension", name), check_whole(f"length of dimension {shown(name)}", length)


def rate_number(name: str, value: object) -> float:
    """Return a rate parameter that is a number from 0 to `LARGEST_RATE`."""
    number = value.item() if isinstance(value, np.ndarray) and not value.ndim else value
    rate = check_number(f"rate parameter '{name}'", number, least=0, most=LARGEST_RATE) + 0.0  # no -0.0
    return check_normal(f"rate parameter '{name}'", rate)


def check_array(what: str, value: object, *, most: float) -> np.ndarray:
    """Return an array of numbers from 0 to `most`: a copy that nobody else changes.

    Raises
    ------
    InputError
        There is something else in it, text and bools too, or it is no array.
    """
    wanted = f"all of its values must be finite numbers >= 0 and <= {most:g}"
    array = real_array(what, value, f"finite numbers >= 0 and <= {most:g}") + 0.0  # no -0.0
    if not np.all((array >= 0) & (array <= most)):  # nan is neither
        wrong = array[~((array >= 0) & (array <= most))]
        raise InputError(f"{what} has {wrong.flat[0]:g} in it; {wanted}")
    return array


def _real(value: object) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def rate_array(name: str, value: object) -> np.ndarray:
    """Return a rate parameter that is an array; see `check_array`."""
    array = check_array(f"rate parameter '{name}'", value, most=LARGEST_RATE)
    if not array.size:
        raise InputError(f"rate parameter '{name}' is an array without a value")
    check_normal(f"a value of rate parameter '{name}'", float(np.min(array, where=array > 0, initial=1.0)))
    return array


def shape_of(what: str, value: Any) -> tuple[int, ...]:
    """Return the shape of an array or a list of numbers.

    Raises
    ------
    InputError
        It has none: a list whose rows differ in length.
    """
    check_length(what, value)
    try:
        return np.shape(value)
    except Exception:  # whatever the __array__ of somebody's object does
        raise InputError(f"{what} is {shown(value)}; its rows must be of one length") from None


def check_vector(what: str, value: object, length: int) -> np.ndarray:
    """Return a vector of real numbers of a given length, as floats.

    Raises
    ------
    InputError
        It is none, or of another shape.
    """
    vector = real_array(what, value, f"a vector of {length} numbers")
    if vector.shape != (length,):
        raise InputError(f"{what} has shape {vector.shape}; it must be a vector of shape ({length},)")
    return vector


def rate_text(where: str, rate: object) -> str:
    """Return a rate as it is read: text, or a number from 0 to `LARGEST_RATE` as text.

    Raises
    ------
    InputError
        It is neither.
    """
    if isinstance(rate, str):
        return check_text(f"{where}: rate", rate)
    if not _real(rate):
        raise InputError(f"{where}: rate is {shown(rate)}; write a number, k or 2*k")
    try:
        value = float(rate)  # type: ignore[arg-type]
    except (OverflowError, TypeError, ValueError):
        value = math.inf
    if not 0 <= value <= LARGEST_RATE:
        raise InputError(_out_of_range(where, rate))
    text = str(rate)
    return text if NUMBER.fullmatch(text) else repr(value)


def _out_of_range(where: str, rate: object) -> str:
    return f"{where}: rate {shown(rate)} is negative, too large or not finite; it must be >= 0 and <= {LARGEST_RATE:g}"


def check_factor(where: str, factor: str, rate: str) -> str:
    """Return a factor of a rate that is a number, as it was written.

    Raises
    ------
    InputError
        It is none, negative, or above `LARGEST_RATE`.
    """
    value = float(factor) if NUMBER.fullmatch(factor) else math.nan
    if math.isnan(value) and factor.lower().lstrip("+-") not in VALUES:
        raise InputError(f"{where}: cannot read rate {shown(rate)}; write a number, k or 2*k")
    if not 0 <= value <= LARGEST_RATE:
        raise InputError(_out_of_range(where, rate))
    check_normal(f"{where}: rate", read_number(f"{where}: rate", factor))
    return factor


def check_coefficient(where: str, digits: str | None, name: str) -> int:
    """Return the molecules of one kind that stand in an equation.

    Raises
    ------
    InputError
        None, or more than `LARGEST_COEFFICIENT`.
    """
    if digits is None:
        return 1
    plain = digits.lstrip("0")
    if not plain:
        raise InputError(f"{where}: no molecule of {name} is asked for ({shown(digits)}); leave it out")
    return check_order(where, int(plain) if len(plain) < 10 else LARGEST_COUNT, name)


def check_order(where: str, count: int, of: str) -> int:
    """Return a number of molecules that meet, or are made, if it is at most `LARGEST_COEFFICIENT`.

    Raises
    ------
    InputError
        It is more.
    """
    if count > LARGEST_COEFFICIENT:
        raise InputError(f"{where}: too many molecules of {of}; at most {LARGEST_COEFFICIENT} are allowed")
    return count


def check_place(where: str, term: str, place: int, length: int) -> None:
    """Raise InputError if a fixed index is beyond its dimension."""
    if place >= length:
        raise InputError(f"{where}: {term} is not there; that index runs from 0 to {length - 1}")


def check_indices(where: str, count: int) -> None:
    """Raise InputError if there are more indices than `MOST_INDICES`."""
    if count > MOST_INDICES:
        raise InputError(f"{where} has {count} indices; at most {MOST_INDICES} are allowed")


def check_size(what: str, species: int, reactions: int) -> None:
    """Raise InputError if a network of this size would not fit the memory that is allowed."""
    n_bytes = species * _SPECIES_BYTES + reactions * _REACTION_BYTES
    if n_bytes > 1e6:  # a megabyte is always there
        size = f"{species:.4g} species" if species else f"{reactions:.4g} reactions"
        check_memory(f"{what}: {size}", n_bytes, "take shorter dimensions or fewer")
