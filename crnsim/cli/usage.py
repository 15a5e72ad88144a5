"""What is said of command lines that mean nothing: one line, with the nearest word that does."""

from __future__ import annotations

import argparse
import re
from typing import Any, NoReturn

from crnsim.cli import words
from crnsim.errors import CrnsimError, nearest, suggest


class UsageError(CrnsimError):
    """A command line that means nothing."""


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are one line; words are text, and options are written in full."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{"allow_abbrev": False} | settings)
        self.register("type", None, words.text)

    def parse_known_args(self, *given: Any, **more: Any) -> Any:
        """As argparse does; a command says itself which of its words mean nothing."""
        found, left = super().parse_known_args(*given, **more)
        if left:
            word = left[0].partition("=")[0]
            options = [name for name in self._option_string_actions if name.startswith("--")]
            asked = nearest(word, options) if word.startswith("-") else ""
            self.error("; ".join(filter(None, (f"unrecognized arguments: {' '.join(left)}", asked))))
        return found, left

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if isinstance(action.choices, dict) and value not in action.choices:  # those of commands
            self.error(f"unknown command '{value}'; {suggest(str(value), action.choices)}")
        super()._check_value(action, value)

    def error(self, message: str) -> NoReturn:
        """Raise what is wrong, in one line that names the help."""
        said = re.sub(r"^argument (\S+): it is ", r"\1 is ", message)
        raise UsageError(f"{said}; see '{self.prog} --help'")
