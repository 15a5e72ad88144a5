"""Choices that come with a kind of noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from crnsim.entrance.arguments import check_number, shown
from crnsim.errors import InputError


@dataclass(frozen=True)
class Option:
    """A choice that comes with a kind of noise.

    Attributes
    ----------
    name : str
        Key in the kind's section of a sweep file.
    keyword : str
        Keyword of `Noise`; with dashes, the option of the command line.
    default : str, float or bool
        Its type says what values there are: one of `choices`, a number above zero, or true and false.
    description : str
        What it means, in a sentence.
    choices : tuple of str
    only : tuple of (str, value), optional
        Another option of the kind, by keyword, and the value that it must have for this one to mean anything.
    """

    name: str
    keyword: str
    default: Any
    description: str
    choices: tuple[str, ...] = ()
    only: tuple[str, Any] | None = None

    def told(self, value: Any) -> str:
        """The option with a value, in words."""
        if self.choices:
            return str(value)
        name = self.name.replace("_", " ")
        return name if value is True else f"{name} {value:g}"

    def checked(self, value: Any) -> Any:
        """Return a value of the option; raise InputError for another."""
        if self.choices:
            if not isinstance(value, str) or value not in self.choices:
                raise InputError(
                    f"noise {self.keyword} is {shown(value)}; use one of {', '.join(self.choices)}"
                )
            return value
        if isinstance(self.default, bool):
            if not isinstance(value, bool):
                raise InputError(f"noise {self.keyword} is {shown(value)}; it must be true or false")
            return value
        return check_number(f"noise {self.keyword}", value, above=0.0)
