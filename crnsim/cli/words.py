"""Words of a command line: text and numbers, each checked before a command runs."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable

from crnsim.entrance.arguments import NUMBER, check_number, check_whole, line_fault, read_number, shown
from crnsim.entrance.limits import (
    LARGEST_COUNT,
    LARGEST_LEARNING_RATE,
    LARGEST_RATE,
    LARGEST_SEED,
    LARGEST_TOLERANCE,
    LONGEST_TEXT,
    LONGEST_TIME,
    MOST_EPOCHS,
    MOST_STEPS,
    MOST_WORKERS,
    SHORTEST_TIME,
    SMALLEST_ATOL,
    SMALLEST_LEARNING_RATE,
    SMALLEST_PARAMETER,
    SMALLEST_RATE,
    SMALLEST_RTOL,
)
from crnsim.errors import InputError

_WHOLE = re.compile(r"[-+]?\d{1,400}", re.ASCII)


def text(word: str) -> str:
    """Take any text but none at all, and what no terminal shows or no file system takes."""
    fault = "is empty" if not word.strip() else line_fault(word, LONGEST_TEXT)
    if fault:
        raise argparse.ArgumentTypeError(f"{shown(word)} {fault}")
    return word


def whole(least: int = 1, most: int = LARGEST_COUNT) -> Callable[[str], int]:
    """Return a type of whole numbers in decimal digits, within bounds."""

    def read(word: str) -> int:
        try:
            return check_whole("it", int(word) if _WHOLE.fullmatch(word) else word, least=least, most=most)
        except InputError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return read


def number(least: float = 0.0, most: float = 1e100, *, above: float | None = None) -> Callable[[str], float]:
    """Return a type of numbers such as 0.1 or 1e-3, within bounds."""

    def read(word: str) -> float:
        try:
            value = read_number("it", word) if NUMBER.fullmatch(word) else word
            return check_number("it", value, least=least, most=most)
        except InputError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return read


count, replicate, seed = whole(), whole(0), whole(0, LARGEST_SEED)
epochs, steps, workers = whole(most=MOST_EPOCHS), whole(most=MOST_STEPS), whole(most=MOST_WORKERS)
#: Runs of one command are all in one piece of memory; cores are those of a cluster, for an estimate.
replicates, n_cores = whole(most=100_000), whole(most=1_000_000)
n_times = whole(2, 100_000)
duration, seconds = number(SHORTEST_TIME, LONGEST_TIME), number(0.01, 86_400.0)
parameter = number(SMALLEST_PARAMETER, LARGEST_RATE)
rate, sigma = number(SMALLEST_RATE, LARGEST_RATE), number(0.0, 2.0)
learning_rate = number(SMALLEST_LEARNING_RATE, LARGEST_LEARNING_RATE)
rtol, atol = number(SMALLEST_RTOL, LARGEST_TOLERANCE), number(SMALLEST_ATOL, LARGEST_TOLERANCE)


def cores(word: str) -> str:
    """Take what Snakemake says of its cores: a number, or a word for none."""
    if word.strip().lower() in ("", "none", "all"):
        return ""
    return str(count(word))


def value(word: str) -> float | str:
    """Return a parameter of a circuit or an activation: a number, or a word such as algebraic_sigmoid."""
    word = word.strip()
    return read_number("it", word) if NUMBER.fullmatch(word) else word


def parameter_value(what: str, text: str) -> float | str:
    """Return a number within the limits of rates, or a word such as algebraic_sigmoid."""
    found = value(text)
    if isinstance(found, float) and found:
        check_number(what, abs(found), least=SMALLEST_RATE, most=LARGEST_RATE)
    return found


def help_text(given: str) -> str:
    """Return a text as argparse wants it, for which a percent sign begins a field."""
    return given.replace("%", "%%")


def place_of(error: OSError) -> str:
    """Return the place that a failed call of the system was about; some do not name it."""
    import tempfile

    if error.filename is not None:
        return str(error.filename)
    return f"a folder of temporary files ({tempfile.gettempdir()}) or of caches (CRNSIM_CACHE_DIR)"
