"""Errors for the person at the keyboard: each message says what was wrong, where, and what would be right."""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Callable, Iterable, Iterator
from typing import ParamSpec, TypeVar, cast

__all__ = [
    "Checks",
    "ConfigError",
    "CrnsimError",
    "DamagedFileError",
    "InputError",
    "OutOfTimeError",
    "StoppedError",
    "StorageError",
    "suggest",
]

#: Characters of a message; what a mistake names may be a whole file.
LONGEST = 2000
#: Mistakes that are said one by one; whoever makes more has written something else.
MOST_MISTAKES = 100
#: Names that are listed after an unknown one.
MOST_KNOWN = 100


class CrnsimError(Exception):
    """Base of every error that a user can cause or mend; the command line prints a line for each mistake.

    Attributes
    ----------
    mistakes : tuple of str
        What is wrong; most errors have one, and those of checks that do not build on each other have all.
    """

    #: With which the command line ends.
    exit_status = 2

    def __init__(self, *mistakes: str) -> None:
        super().__init__(*mistakes)
        self.mistakes = mistakes

    def __str__(self) -> str:
        """Return a line for each mistake, as a terminal can show it, whatever a user's text or a path put into it."""
        lines = [_shown_line(str(mistake)) for mistake in self.mistakes[:MOST_MISTAKES]]
        if left := len(self.mistakes) - len(lines):
            lines.append(f"{left} more mistakes of this kind")
        return "\n".join(lines)


class InputError(CrnsimError, ValueError):
    """An argument, a name or a value that does not fit."""


class ConfigError(InputError):
    """A sweep file that cannot be used: names the file, the key and what would be right."""


P = ParamSpec("P")
T = TypeVar("T")


class Checks:
    """Checks that do not build on each other: one that fails does not hide the next.

    Attributes
    ----------
    found : list of str
        What is wrong, each once.
    """

    def __init__(self) -> None:
        self.found: list[str] = []

    @contextlib.contextmanager
    def noted(self) -> Iterator[None]:
        """Note what a check raises, and go on."""
        try:
            yield
        except InputError as error:
            self.found += [one for one in error.mistakes if one not in self.found]

    def value(self, check: Callable[P, T], *values: P.args, **more: P.kwargs) -> T:
        """Return what a check returns; if it raises, what is returned is not to be used before `judge`."""
        with self.noted():
            return check(*values, **more)
        return cast("T", None)

    def judge(self) -> None:
        """Go on only if nothing was wrong.

        Raises
        ------
        InputError
            With all that was.
        """
        if self.found:
            raise InputError(*self.found)


def _shown_line(message: str) -> str:
    """Return a message as one line of printable characters, and not endless."""
    message = "".join(c if c.isprintable() else " " for c in message)
    if len(message) > LONGEST:
        message = f"{message[: LONGEST // 2]} ... {message[-LONGEST // 2 :]}"
    return message


class DamagedFileError(CrnsimError):
    """A stored file that is empty, cut short or not ours.

    Attributes
    ----------
    path, what : str
        The file, and what is wrong with it, without advice; empty where only the message says it.
    """

    path = what = ""


class StorageError(CrnsimError):
    """A file that cannot be written: the disk is full, or the place is not ours to write."""


class StoppedError(CrnsimError):
    """Work that was told to stop and saved what it had."""

    exit_status = 128 + 15  # as a process that SIGTERM ends


class OutOfTimeError(StoppedError):
    """Work that stopped itself before its job is cut off, and goes on in another try."""

    exit_status = 75  # EX_TEMPFAIL of sysexits.h: try again


#: Known names that a message lists, and among how many the nearest is looked for: a message is one line, at once.
_LISTED, _COMPARED = 30, 2000


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the question whether the nearest known name was meant, in whatever case; nothing where none is near."""
    by_lower = {item.lower(): item for item in reversed([str(item) for item in known][:_COMPARED])}
    close = difflib.get_close_matches(str(name).lower()[:100], list(by_lower), n=1, cutoff=0.6)
    return f"did you mean '{by_lower[close[0]]}'?" if close else ""


def suggest(name: str, known: Iterable[str]) -> str:
    """Return what to say after an unknown `name`: the nearest known one, in whatever case, and all or the first."""
    names = [str(item) for item in known]
    hint = f"{asked} " if (asked := nearest(name, names)) else ""
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return f"{hint}known: {', '.join(names[:_LISTED]) or 'none'}{more}"


def __dir__() -> list[str]:
    return sorted(__all__)
