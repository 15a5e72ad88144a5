"""Arguments of Python functions that are neither a number nor a word: flags, lines, arrays, mappings, instances."""

from __future__ import annotations

import contextlib
import math
import numbers
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from crnsim.entrance.arguments import check_memory, check_text, shown
from crnsim.errors import InputError

if TYPE_CHECKING:
    import numpy as np

T = TypeVar("T")
#: Types of array elements that are real numbers; truth values are none.
_REAL = "iuf"
#: Characters of a line that is shown in a message, such as the name of a method or ``module:Name``.
LONGEST_LINE = 300
#: Levels of lists in lists that NumPy takes.
_MOST_DIMENSIONS = 64


def check_flag(name: str, value: object) -> bool:
    """Return a truth value, Python's or NumPy's.

    Raises
    ------
    InputError
        It is none; 1, "yes" and an empty list are none.
    """
    if isinstance(value, bool):
        return value
    if type(value).__module__ == "numpy" and type(value).__name__.startswith("bool"):
        return bool(value)
    raise InputError(f"{name} is {shown(value)}; it must be True or False")


def check_line(name: str, value: object, *, most: int = LONGEST_LINE, empty: bool = False) -> str:
    """Return text that stays one line wherever it is written: in a message, a comment, a title.

    Raises
    ------
    InputError
        It is no text, empty, too long, or has a line break or another character that cannot be printed.
    """
    text = check_text(name, value, most=most, empty=empty)
    if not text.isprintable():
        raise InputError(f"{name} is {shown(text)}; it must be one line of characters that can be printed")
    return text


def check_instance(name: str, value: object, kind: type[T], wanted: str) -> T:
    """Return a value that is of a class; `wanted` says in words what to give."""
    if not isinstance(value, kind):
        raise InputError(f"{name} is {shown(value)}; give {wanted}")
    return value


def check_function(name: str, value: object, wanted: str) -> Callable[..., Any] | None:
    """Return a value that can be called, or None."""
    if value is not None and not callable(value):
        raise InputError(f"{name} is {shown(value)}; give {wanted}, or leave it out")
    return value


def check_mapping(name: str, value: object, wanted: str) -> Mapping[str, Any]:
    """Return a mapping from words to something; None is an empty one."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InputError(f"{name} is {shown(value)}; give {wanted}")
    for key in value:
        check_line(f"a key of {name}", key)
    return value


def check_sequence(name: str, value: object, wanted: str) -> Sequence[Any]:
    """Return a sequence, such as a list, a tuple or an array; text, bytes and what has no length are none."""
    found = isinstance(value, Sequence) and not isinstance(value, (str, bytes, bytearray, memoryview))
    if not found and not (type(value).__module__ == "numpy" and len(_shape(value)) == 1):
        raise InputError(f"{name} is {shown(value)}; give {wanted}")
    return value  # type: ignore[return-value]


def check_array(
    name: str,
    value: object,
    *,
    wanted: str = "an array of finite numbers",
    least: float = float("-inf"),
    most: float = float("inf"),
) -> np.ndarray:
    """Return an array of floats: finite real numbers within bounds, of any shape.

    Parameters
    ----------
    name : str
        What it is, for the message.
    value : object
        Whatever NumPy makes an array of numbers of: a number, lists, arrays, a pandas or xarray object.
    wanted : str
        What is right, for the message.
    least, most : float
        Smallest and largest that is allowed.

    Raises
    ------
    InputError
        It holds something else: text, complex numbers, nothing (None, a masked value), lists of different lengths.
    """
    import numpy as np

    array = real_array(name, value, wanted)
    if array.size and not (np.min(array) >= least and np.max(array) <= most and np.all(np.isfinite(array))):
        raise InputError(f"{name}: all of its values must be {_within(least, most)}")
    return array


def real_array(name: str, value: object, wanted: str = "an array of numbers") -> np.ndarray:
    """As `check_array`, of any real numbers, those that are not finite too."""
    import numpy as np

    # One that is in memory may be a view that repeats a number for ever, as numpy.broadcast_to makes it.
    check_length(name, value)
    if isinstance(value, np.ndarray) and type(value) is np.ndarray and value.dtype == np.float64:
        return value
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            masked = np.ma.is_masked(value)
            found = np.asarray(value)
            real = found.dtype.kind in _REAL or (
                found.dtype.kind == "O"
                and all(isinstance(one, numbers.Real) and not isinstance(one, bool) for one in found.flat)
            )
            if not masked and real:
                return np.asarray(found, dtype=float)
    except Exception:  # whatever the __array__ or __len__ of somebody's object does
        pass
    raise InputError(f"{name} is {shown(value)}; give {wanted}")


def check_length(name: str, value: object) -> None:
    """Refuse what NumPy would fill the memory with, or never come to the end of, such as ``range(10**12)``."""
    count, within = 1, value
    with contextlib.suppress(TypeError, AttributeError):
        # Lists in lists are as long as the first of them, or are no array.
        for _ in range(_MOST_DIMENSIONS):
            if not isinstance(within, (list, tuple)) or not within:
                break
            count, within = count * len(within), within[0]
        if shape := _shape(within):
            size = math.prod(shape)
        else:
            size = len(value) if within is value else 1  # type: ignore[arg-type]
        check_memory(name, 8.0 * count * size, "give fewer values")


def _shape(value: object) -> tuple[Any, ...]:
    shape = getattr(value, "shape", ())
    return shape if isinstance(shape, tuple) else ()


def _within(least: float, most: float) -> str:
    low = f" >= {least:g}" if least > float("-inf") else ""
    high = f" <= {most:g}" if most < float("inf") else ""
    return f"finite numbers{low}{' and' if low and high else ''}{high}"
