"""Values of a sweep file: numbers in every notation within their limits, words, and lists without repeats."""

from __future__ import annotations

import itertools
import math
import re
import sys
from functools import partial
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, Strict, WithJsonSchema

from crnsim.entrance.arguments import NUMBER, read_number
from crnsim.entrance.limits import (
    LARGEST_CONCENTRATION,
    LARGEST_COUNT,
    LARGEST_LEARNING_RATE,
    LARGEST_NOISE,
    LARGEST_RATE,
    LARGEST_SEED,
    LARGEST_TOLERANCE,
    LEAST_MINUTES,
    LONGEST_LABEL,
    LONGEST_NAME,
    LONGEST_REFERENCE,
    LONGEST_TEXT,
    LONGEST_TIME,
    MOST_EPOCHS,
    MOST_LAYERS,
    MOST_MINUTES,
    MOST_POINTS_EVER,
    MOST_STEPS,
    MOST_UNITS,
    MOST_WORKERS,
    SAME,
    SHORTEST_TIME,
    SMALLEST_ATOL,
    SMALLEST_LEARNING_RATE,
    SMALLEST_NOISE,
    SMALLEST_RATE,
    SMALLEST_RTOL,
)
from crnsim.errors import InputError
from crnsim.noise.kinds import NoiseKind

#: An absolute tolerance that follows the scale of each species.
SCALED = "scaled"
_WHOLE = re.compile(r"[-+]?\d{1,400}", re.ASCII)
#: A label or name becomes part of a path and of file names joined by "-".
_WORD = r"^[A-Za-z][A-Za-z0-9_]*$"


def _number(value: Any) -> Any:
    """Take 1e-3 from every dialect of YAML; tell a decimal comma and a percentage what to be."""
    if isinstance(value, bool):
        raise ValueError("must be a number")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("must be a finite number")
    if isinstance(value, int) and abs(value) > sys.float_info.max:
        raise ValueError("must be a smaller number")
    if not isinstance(value, str):
        return value
    text = value.strip()
    if _WHOLE.fullmatch(text):
        return _number(int(text))  # a float would round one of more than 15 digits
    if NUMBER.fullmatch(text):
        try:
            return _number(read_number("it", text))
        except InputError as error:
            raise ValueError(str(error).partition("; it ")[2]) from None
    if text.endswith("%") and NUMBER.fullmatch(text[:-1].strip()):
        raise ValueError(f"must be a number; write {float(text[:-1]) / 100:g}")
    if NUMBER.fullmatch(text.replace(",", ".", 1)):
        raise ValueError(f"must be a number; write {text.replace(',', '.', 1)}, with a point")
    raise ValueError("must be a number")


def _whole(most: int) -> BeforeValidator:
    """Read a whole number of at most `most`; say that bound, and no share of one, where it is beyond every counter."""

    def read(value: Any) -> Any:
        if isinstance(value, str) and value.strip().endswith("%"):
            raise ValueError("must be a whole number, not a share")
        beyond = isinstance(value, float) or (isinstance(value, int) and value > sys.float_info.max)
        if beyond and most < value < math.inf:
            raise ValueError(f"must be {most} or less")
        return _number(value)

    return BeforeValidator(read)


def _number_or_word(value: Any) -> Any:
    """Leave a word such as algebraic_sigmoid to the circuit; all else is a number."""
    if isinstance(value, str) and re.fullmatch(_WORD, value) and len(value) <= LONGEST_NAME:
        return value
    value = _number(value)
    if not isinstance(value, (int, float)):
        raise ValueError("must be a number")
    if value and not SMALLEST_RATE <= abs(value) <= LARGEST_RATE:
        raise ValueError(f"must be 0, or between {SMALLEST_RATE:g} and {LARGEST_RATE:g}")
    return float(value) if isinstance(value, int) else value


def parameter_value(value: Any) -> Any:
    """Take true and false, too, for an activation of one's own."""
    return value if isinstance(value, bool) else _number_or_word(value)


def _magnitude(kind: NoiseKind, value: Any) -> Any:
    """Refuse 10 for 10 %, and 1000 for 1000 molecules."""
    value = _number(value)
    if isinstance(value, (int, float)):
        if value > LARGEST_NOISE:
            meant = kind.meant(value)
            raise ValueError(f"must be {LARGEST_NOISE:g} or less{f'; {meant}' if meant else ''}")
        if 0 < value < SMALLEST_NOISE:
            raise ValueError(f"must be 0, or {SMALLEST_NOISE:g} or more: less is lost in rounding")
        return value or 0.0
    return value


def _tolerance(value: Any) -> Any:
    """Say why a tolerance can be too small."""
    value = _number(value)
    if isinstance(value, (int, float)) and 0 < value < SMALLEST_RTOL:
        raise ValueError(f"must be {SMALLEST_RTOL:g} or more: double precision has no smaller errors")
    return value


def one_line(text: str) -> str:
    """A heading has no line ends; those of a block of YAML are blanks."""
    return " ".join(text.split())


def no_repeats(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Refuse what is listed twice, a number also where only its last digits differ: 0.1 + 0.2 is 0.3."""
    seen: set[Any] = set()
    for value in values:
        if value in seen:
            raise ValueError(f"lists {value} twice; list each value once")
        seen.add(value)
    for low, high in itertools.pairwise(sorted(value for value in seen if isinstance(value, float))):
        if high - low <= SAME * abs(high):
            raise ValueError(
                f"lists {float(f'{high:.9g}'):g} twice, as {low!r} and {high!r}; list each value once"
            )
    return values


def _within(least: float, most: float) -> Any:
    return Field(ge=least, le=most)


_numeric = BeforeValidator(_number)
#: True or false, not what Pydantic takes for them, such as 1 and "yes".
Switch = Annotated[bool, Strict()]
Time = Annotated[float, _within(SHORTEST_TIME, LONGEST_TIME), _numeric]
LearningRate = Annotated[float, _within(SMALLEST_LEARNING_RATE, LARGEST_LEARNING_RATE), _numeric]
RelativeTolerance = Annotated[float, _within(SMALLEST_RTOL, LARGEST_TOLERANCE), BeforeValidator(_tolerance)]
Tolerance = Annotated[float, _within(SMALLEST_ATOL, LARGEST_TOLERANCE), _numeric]


def _absolute(value: Any) -> Any:
    """Take the word for tolerances that follow the scale of each species."""
    if value == SCALED:
        return value
    number = _number(value)
    if not isinstance(number, (int, float)):
        raise ValueError("must be a number")
    if number < SMALLEST_ATOL:
        raise ValueError(f"must be {SMALLEST_ATOL:g} or more")
    if number > LARGEST_TOLERANCE:
        raise ValueError(f"must be {LARGEST_TOLERANCE:g} or less")
    return float(number)


#: A number, or `SCALED`.
AbsoluteTolerance = Annotated[
    float | str,
    BeforeValidator(_absolute),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "minimum": SMALLEST_ATOL, "maximum": LARGEST_TOLERANCE},
                {"const": SCALED},
            ]
        }
    ),
]
Concentration = Annotated[float, _within(0, LARGEST_CONCENTRATION), _numeric]
Minutes = Annotated[float, _within(LEAST_MINUTES, MOST_MINUTES), _numeric]
Count = Annotated[int, _within(1, LARGEST_COUNT), _whole(LARGEST_COUNT)]
CountOrZero = Annotated[int, _within(0, LARGEST_COUNT), _whole(LARGEST_COUNT)]
Units = Annotated[int, _within(1, MOST_UNITS), _whole(MOST_UNITS)]
Epochs = Annotated[int, _within(1, MOST_EPOCHS), _whole(MOST_EPOCHS)]
Steps = Annotated[int, _within(1, MOST_STEPS), _whole(MOST_STEPS)]
Workers = Annotated[int, _within(1, MOST_WORKERS), _whole(MOST_WORKERS)]
MaxPoints = Annotated[int, _within(1, MOST_POINTS_EVER), _whole(MOST_POINTS_EVER)]
Seed = Annotated[int, Field(ge=0, lt=2**63), _whole(LARGEST_SEED)]
RunningTimes = Annotated[tuple[Time, ...], Field(min_length=1)]
Label = Annotated[str, Field(pattern=_WORD, max_length=LONGEST_LABEL)]
Layers = Annotated[tuple[Units, ...], Field(min_length=2, max_length=MOST_LAYERS)]
#: A name of the library, or ``module:Name``.
Reference = Annotated[str, Field(min_length=1, max_length=LONGEST_REFERENCE)]
#: A path, or a name of a column.
Text = Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT)]
Parameters = dict[
    str, Annotated[Annotated[float, Field(allow_inf_nan=False)] | str, BeforeValidator(_number_or_word)]
]


def _listed(value: Any) -> Any:
    """A number by itself is a list of one."""
    return value if isinstance(value, (list, tuple)) else [value]


#: Values of a parameter that is swept.
Swept = Annotated[tuple[Concentration, ...], Field(min_length=1), BeforeValidator(_listed)]


def magnitudes_of(kind: NoiseKind) -> Any:
    """Return the type of magnitudes of a kind of noise, at least one."""
    magnitude = Annotated[float, _within(0, LARGEST_NOISE), BeforeValidator(partial(_magnitude, kind))]
    return Annotated[tuple[magnitude, ...], Field(min_length=1)]
