"""Rate parameters by name: numbers, and single values of arrays, such as ``w[0,1]``."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from crnsim.errors import InputError

#: A single value of an array, in the one way in which it is written.
_PLACE = re.compile(r"([A-Za-z_]\w*)\[((?:0|[1-9][0-9]{0,8})(?:,(?:0|[1-9][0-9]{0,8}))*)\]", re.ASCII)


def place_of(name: object, arrays: Mapping[str, np.ndarray]) -> tuple[str, tuple[int, ...]] | None:
    """Array and indices of a single value of an array; None where `name` is no such value."""
    match = _PLACE.fullmatch(name) if isinstance(name, str) else None
    if match is None or match[1] not in arrays:
        return None
    indices, shape = tuple(map(int, match[2].split(","))), arrays[match[1]].shape
    inside = len(indices) == len(shape) and all(i < n for i, n in zip(indices, shape, strict=True))
    return (match[1], indices) if inside else None


def check_place(name: object, arrays: Mapping[str, np.ndarray]) -> None:
    """Raise InputError if a name is that of an array, or of a value that is not in one."""
    array = name.partition("[")[0].strip() if isinstance(name, str) else ""
    if array in arrays and place_of(name, arrays) is None:
        shape = arrays[array].shape
        first, last = (",".join(str(i) for i in ends) for ends in ([0] * len(shape), [n - 1 for n in shape]))
        what = f"{array} is an array of rate parameters" if name == array else f"{name} is not there"
        raise InputError(f"{what}; its values are {array}[{first}] to {array}[{last}]")
