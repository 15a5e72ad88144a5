"""Errors for the person at the keyboard: each message says what was wrong, where, and what would be right."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class CrnsimError(Exception):
    """Base of every error that a user can cause or mend; the command line prints it as one line."""


class InputError(CrnsimError, ValueError):
    """An argument, a name or a value that does not fit."""


class ConfigError(InputError):
    """A sweep file that cannot be used: names the file, the key and what would be right."""


class DamagedFileError(CrnsimError):
    """A stored file that is empty, cut short or not ours."""


def suggest(name: str, known: Iterable[str]) -> str:
    """Return what to say after an unknown `name`: the nearest known one, and all of them."""
    names = [str(item) for item in known]
    close = difflib.get_close_matches(str(name), names, n=1, cutoff=0.6)
    hint = f"did you mean '{close[0]}'? " if close else ""
    return f"{hint}known: {', '.join(names)}"
