"""What is said of command lines that mean nothing: a line for each mistake, with the nearest word that fits."""

from __future__ import annotations

import argparse
import re
from typing import Any, NoReturn

from crnsim.cli import words
from crnsim.errors import CrnsimError, nearest, suggest


class UsageError(CrnsimError):
    """A command line that means nothing."""


class Parser(argparse.ArgumentParser):
    """A parser that says all that is wrong, a line each; words are text, and options are written in full."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{"allow_abbrev": False} | settings)
        self.register("type", None, words.text)
        self._wrong: list[str] = []

    def parse_known_args(self, *given: Any, **more: Any) -> Any:
        """As argparse does; a command says itself which of its words mean nothing."""
        self._wrong = []
        found, left = super().parse_known_args(*given, **more)
        if left:
            word = left[0].partition("=")[0]
            options = [name for name in self._option_string_actions if name.startswith("--")]
            asked = nearest(word, options) if word.startswith("-") else ""
            self.error("; ".join(filter(None, (f"unrecognized arguments: {' '.join(left)}", asked))))
        if self._wrong:
            self.error(self._wrong.pop())
        return found, left

    def _get_value(self, action: argparse.Action, arg_string: str) -> Any:
        """Read a word; one that does not fit is told when all have been looked at."""
        try:
            return super()._get_value(action, arg_string)
        except argparse.ArgumentError as error:
            self._wrong.append(str(error))
            return None

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if isinstance(action.choices, dict) and value not in action.choices:  # those of commands
            self.error(f"unknown command '{value}'; {suggest(str(value), action.choices)}")
        super()._check_value(action, value)

    def error(self, message: str) -> NoReturn:
        """Raise what is wrong, a line each, of which the last names the help."""
        said = [re.sub(r"^argument (\S+): it is ", r"\1 is ", one) for one in (*self._wrong, message)]
        raise UsageError(*said[:-1], f"{said[-1]}; see '{self.prog} --help'")
