"""Numbers and words that a user gives: of the right type, within the limits, and fit to be kept and shown."""

from __future__ import annotations

import math
import numbers
import operator
import os
import re
import sys

from crnsim.entrance.limits import LARGEST_COUNT, LARGEST_SEED, LONGEST_NAME, LONGEST_TEXT, MOST_GIGABYTES
from crnsim.errors import InputError

#: A word that becomes part of a path, of generated code or of an option.
WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)
#: A number in decimal digits.
NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII)
#: The smallest number that has all of its digits.
SMALLEST_NORMAL = sys.float_info.min
#: Gigabytes that one call may take for the arrays that it can foresee.
MAX_GB = "CRNSIM_MAX_GB"


def shown(value: object, most: int = 60) -> str:
    """Return a value as it may stand in a message: in one line, printable, not long."""
    try:
        # An integer of thousands of digits has no text, and a large array takes minutes to write.
        long = isinstance(value, int) and abs(value) >= 10**most
        text = f"a whole number of {int(value.bit_length() * 0.30103) + 1} digits" if long else repr(value)  # type: ignore[attr-defined]
    except Exception:  # whatever the __repr__ of somebody's object does
        text = f"a {type(value).__name__}"
    text = "".join(c if c.isprintable() else " " for c in text)
    # Where an object lies in memory tells nobody anything, and is another place the next time.
    text = " ".join(re.sub(r" at 0x[0-9a-f]+", "", text).split())
    return text if len(text) <= most else f"{text[: most - 3]}..."


def check_number(
    name: str,
    value: object,
    *,
    least: float = -math.inf,
    most: float = math.inf,
    above: float | None = None,
) -> float:
    """Return `value` as a float if it is a finite number within bounds.

    Parameters
    ----------
    name : str
        What it is, for the message.
    value : object
        Any real number, NumPy's too; a bool is none.
    least, most : float
        Smallest and largest that is allowed.
    above : float, optional
        It must be greater than this.

    Raises
    ------
    InputError
        It is not.
    """
    wanted = _bounds("a number", least, most, above)
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise InputError(f"{name} is {shown(value)}; it must be {wanted}")
    try:
        found = float(value)
    except (OverflowError, ValueError, TypeError):
        found = math.inf
    if not math.isfinite(found) or not least <= found <= most or (above is not None and not found > above):
        raise InputError(f"{name} is {shown(value)}; it must be {wanted}")
    return found


def check_whole(name: str, value: object, *, least: int = 1, most: int = LARGEST_COUNT) -> int:
    """Return `value` as an int if it is a whole number within bounds; 3.0 is one, True is none.

    Raises
    ------
    InputError
        It is not.
    """
    found: int | None = None
    if isinstance(value, numbers.Real) and not isinstance(value, bool):
        try:
            found = int(value) if int(value) == value else None  # type: ignore[call-overload]
        except (OverflowError, ValueError, TypeError):
            found = None
    if found is None or not least <= found <= most:
        # The bound of everything that is counted is news only to whoever asks for more.
        bound = math.inf if most == LARGEST_COUNT and (found is None or found < least) else most
        raise InputError(f"{name} is {shown(value)}; it must be {_bounds('a whole number', least, bound)}")
    return found


def check_seed(value: object, name: str = "seed") -> int:
    """Return a seed: a whole number from 0 to 2^63 - 1.

    Raises
    ------
    InputError
        It is none; a float is none either, because streams are keyed by whole numbers.
    """
    try:
        found = -1 if isinstance(value, bool) else operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        found = -1
    if not 0 <= found <= LARGEST_SEED:
        raise InputError(f"{name} is {shown(value)}; it must be a whole number from 0 to 2^63 - 1")
    return found


def check_text(name: str, value: object, *, most: int = LONGEST_TEXT, empty: bool = True) -> str:
    """Return `value` if it is text that can be stored and shown.

    Raises
    ------
    InputError
        It is no text, too long, or has a NUL or half of a surrogate pair in it.
    """
    if not isinstance(value, str):
        raise InputError(f"{name} is {shown(value)}; it must be text")
    if fault := text_fault(value, most):
        raise InputError(f"{name} {fault}")
    if not value.strip() and not empty:
        raise InputError(f"{name} is empty")
    return value


def text_fault(value: str, most: int = LONGEST_TEXT) -> str:
    """Return what is wrong with a text that is to be stored and shown; empty where nothing is."""
    if len(value) > most:
        return f"has {len(value)} characters; at most {most}"
    if "\0" in value:
        return "has a NUL character in it; take it out"
    if any("\ud800" <= c <= "\udfff" for c in value):
        return "is not Unicode: half of a surrogate pair stands in it; write it in UTF-8"
    return ""


#: Marks that turn the direction of what follows, so that a line reads as something else than it is.
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def line_fault(value: str, most: int = LONGEST_TEXT) -> str:
    """Return what is wrong with a text that is to be read by people; blanks and line ends are fine."""
    if fault := text_fault(value, most):
        return fault
    for place, c in enumerate(value, start=1):
        if (c < " " and c not in "\t\n\r") or "\x7f" <= c < "\xa0" or c in "\u2028\u2029":
            return f"has the control character U+{ord(c):04X} in it (character {place}); take it out"
        if c in _TURNING:
            return f"has a mark in it that turns the direction of text (U+{ord(c):04X}); take it out"
    return ""


def check_word(name: str, value: object, *, most: int = LONGEST_NAME) -> str:
    """Return `value` if it is a word of letters, digits and underscores that begins with a letter.

    Raises
    ------
    InputError
        It is not: it could not stand in a path, in generated code or in an option.
    """
    if not isinstance(value, str) or len(value) > most or not WORD.fullmatch(value):
        raise InputError(
            f"{name} is {shown(value)}; it must be a word of at most {most} letters, digits and _, "
            "beginning with a letter"
        )
    return value


def setting(variable: str, given: str, unit: str, *, most: float = math.inf) -> float:
    """Return what a setting such as an environment variable says: a number of some unit above zero.

    Raises
    ------
    InputError
        It is no number, not above zero, or above `most`.
    """
    try:
        # Python reads 1_0 and digits of other scripts as numbers, too.
        found = float(given) if given.isascii() and "_" not in given else math.nan
    except ValueError:
        found = math.nan
    if not 0 < found <= most or found == math.inf:
        bound = f" and at most {most:g}" if most < math.inf else ""
        raise InputError(f"{variable} is {shown(given)}; it must be a number of {unit} > 0{bound}")
    return found


def check_memory(what: str, n_bytes: float, remedy: str) -> None:
    """Raise InputError if arrays that can be foreseen would take more memory than is allowed.

    Parameters
    ----------
    what : str
        What takes it, such as ``"100 runs of 20 species at 10^9 times"``.
    n_bytes : float
    remedy : str
        What a user can ask for instead.
    """
    given = os.environ.get(MAX_GB, "").strip()
    most = setting(MAX_GB, given, "gigabytes") if given else MOST_GIGABYTES
    if n_bytes > most * 1e9:
        raise InputError(
            f"{what} would take {n_bytes / 1e9:.3g} GB of memory, and {most:g} GB are allowed; {remedy}, "
            f"or set {MAX_GB} to the gigabytes that this machine has to spare"
        )


def _bounds(kind: str, least: float, most: float, above: float | None = None) -> str:
    """Return what is right, in words."""
    low = f" > {above:g}" if above is not None else f" >= {least:g}" if least > -math.inf else ""
    high = f" <= {most:g}" if most < math.inf else ""
    return f"{kind}{low}{' and' if low and high else ''}{high}"


def check_normal(what: str, number: float) -> float:
    """Return a number if it is 0 or has all of its digits.

    Raises
    ------
    InputError
        It is closer to 0 than the smallest of these, so that digits of it are lost.
    """
    if 0 < abs(number) < SMALLEST_NORMAL:
        raise InputError(f"{what} is {number:g}; it must be 0, or at least {SMALLEST_NORMAL:.2g}")
    return number


def read_number(what: str, text: str) -> float:
    """Return the number that a text says.

    Raises
    ------
    InputError
        It says none, or one that is so close to 0 that it would be taken for 0.
    """
    if not NUMBER.fullmatch(text):
        raise InputError(f"{what} is {shown(text)}; it must be a number")
    number = float(text)
    if not number and re.search("[1-9]", re.split("[eE]", text)[0]):
        raise InputError(f"{what} is {shown(text)}; it must be 0, or at least {SMALLEST_NORMAL:.2g}")
    return number
