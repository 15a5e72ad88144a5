"""Fuzzing: odd values, and the judge of what an entrance makes of them.

An entrance takes a value, or refuses it with one line; a traceback, a hang, or a line that a terminal cannot show,
fails the test. ``python tools/fuzz.py N`` runs N cases at each entrance and counts them.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from crnsim.errors import CrnsimError

#: Seconds after which an entrance hangs.
PATIENCE = 5.0
#: Cases at each entrance, and where they are counted; set by tools/fuzz.py.
CASES, COUNTS = "CRNSIM_FUZZ_CASES", "CRNSIM_FUZZ_COUNTS"

#: Numbers at and beyond every edge.
NUMBERS: tuple[Any, ...] = (
    *(0, -0.0, 1, -1, 2, 0.5, 1e-300, 1e300, -1e300, 5e-324, float("nan"), float("inf"), float("-inf")),
    *(2**31, 2**53 + 1, 2**63 - 1, 2**63, 2**64, -(2**63) - 1, 10**18, 10**30, 10**400, -(10**400)),
    *(0.1 + 0.2, 1e-9, 1e12, 1e13, True, False),
)
#: Words at and beyond every edge, among them what other languages would run. Some name places: none of these may be one
#: where a file can be made or lost, since an option such as ``--log`` may be given them by root.
WORDS: tuple[str, ...] = (
    *(
        "",
        " ",
        "a",
        "a b",
        "n; x=1",
        "nan",
        "inf",
        "None",
        "null",
        "true",
        "..",
        "../x",
        "/dev/null/passwd",
        "a/b",
    ),
    *(
        "a\0b",
        "\ud800",
        "\x1b[31m",
        "\u202e",
        "é",
        "名",
        "²",
        "1_0",
        "0x10",
        "1e3",
        "10%",
        "x" * 300,
        "$(id)",
    ),
    *(
        "`id`",
        "'; import os; '",
        "{0.__class__}",
        "%s%n",
        "<script>alert(1)</script>",
        "a\nb",
        "-",
        "--",
        "con",
    ),
    *("os:system", "builtins:eval", "no_such:Thing", ":", "a:", "~", "*", "?", "lambda", "self", "__class__"),
)


def odd_numbers() -> st.SearchStrategy[Any]:
    """Numbers that are odd, or just numbers."""
    return st.one_of(
        st.sampled_from(NUMBERS), st.integers(-10, 100), st.floats(), st.integers(), st.floats(0, 2)
    )


def odd_words() -> st.SearchStrategy[str]:
    """Words that are odd, any text with surrogates and control characters among it."""
    return st.one_of(st.sampled_from(WORDS), st.text(st.characters(exclude_categories=()), max_size=12))


def odd_values() -> st.SearchStrategy[Any]:
    """Whatever may be given where something else is meant."""
    return st.one_of(
        odd_numbers(),
        odd_words(),
        st.sampled_from(
            [None, [], {}, (), b"x", object(), int, np.nan, np.zeros(0), np.array(["a"]), 1j, {1}]
        ),
        st.lists(st.one_of(odd_numbers(), odd_words(), st.none()), max_size=3),
        st.dictionaries(odd_words(), odd_numbers(), max_size=2),
    )


def fuzzed(most: int) -> Callable[[Any], Any]:
    """Settings of a fuzzing test: at most `most` cases in the tests, as many as asked for by hand."""
    asked = os.environ.get(CASES)
    return settings(
        max_examples=int(asked) if asked else most,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
        derandomize=asked is None,  # the tests try the same cases everywhere
        print_blob=False,
    )


class HangError(AssertionError):
    """An entrance took longer than `PATIENCE`."""


@contextmanager
def _no_hang() -> Iterator[None]:
    def ring(_signal: int, _frame: object) -> None:
        raise HangError(f"no answer after {PATIENCE} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


#: What `judged` returns where the entrance has refused.
REFUSED = object()


def judged(entrance: str, case: object, enter: Callable[[], Any]) -> Any:
    """Let `enter` take a case; return what it gives, or `REFUSED` where it says in one good line why not.

    Parameters
    ----------
    entrance : str
        Under which the case is counted.
    case : object
        What was given, for the record of what was accepted.
    enter : callable
        Raises CrnsimError to refuse; anything else that it raises fails the test.
    """
    start, outcome = time.monotonic(), "traceback"
    try:
        with _no_hang():
            found = enter()
        outcome = "accepted"
        return found
    except CrnsimError as error:
        outcome = "bad line"
        check_line(str(error))
        outcome = "refused"
        return REFUSED
    except HangError:
        outcome = "hang"
        raise
    finally:
        if where := os.environ.get(COUNTS):
            line = {
                "entrance": entrance,
                "outcome": outcome,
                "seconds": round(time.monotonic() - start, 3),
                "case": ascii(case)[:2000],
            }
            with Path(where).open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")


def check_line(said: str) -> None:
    """A message is one line that a terminal can show, or one for each mistake, and not endless."""
    assert said.strip(), "an error that says nothing"
    assert len(said.split("\n")) <= 101
    for line in said.split("\n"):
        assert line.strip(), f"an empty line: {said!r}"
        assert line.isprintable(), f"not one printable line: {said!r}"
        assert len(line) < 2500, f"{len(line)} characters: {line[:200]}"
    said.encode()
