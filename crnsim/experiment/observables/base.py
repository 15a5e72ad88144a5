"""What an observable is: something to look at in a run of a network, and what counts as right."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from crnsim.entrance.arguments import check_number, read_number, shown
from crnsim.entrance.limits import LARGEST_RATE, LONGEST_TIME
from crnsim.entrance.objects import check_line
from crnsim.errors import InputError
from crnsim.network.network import Network

#: Times at which an observable that needs the course of a run looks at it.
COURSE_TIMES = 2001
_PART = re.compile(
    r"\s*([+-]?)\s*(?:([0-9.]+(?:[eE][+-]?[0-9]+)?)\s*\*\s*)?([A-Za-z_]\w*(?:\[[0-9,\s]*\])?)", re.ASCII
)


@dataclass(frozen=True)
class Course:
    """A run over time, as observables see it.

    Attributes
    ----------
    times : numpy.ndarray
    concentrations : numpy.ndarray, shape (times, species)
    network : Network
    """

    times: np.ndarray
    concentrations: np.ndarray
    network: Network

    def of(self, expression: str) -> np.ndarray:
        """Values of a species, or of a sum of species such as ``"A - 2*B"``, at all times."""
        return self.concentrations @ weights_of(self.network, expression)

    def at(self, expression: str, time: float) -> float:
        """Value at the time that is nearest to one within the run.

        Raises
        ------
        InputError
            It lies before the beginning or after the end.
        """
        if not self.times[0] <= time <= self.times[-1] * (1 + 1e-9):
            raise InputError(f"at: {time:g} is not within the run, which goes to {self.times[-1]:g}")
        row = self.concentrations[int(np.argmin(np.abs(self.times - time)))]
        return float(row @ weights_of(self.network, expression))


def weights_of(network: Network, expression: str) -> np.ndarray:
    """Factor of each species in a sum such as ``"A - 2*B"``, shape (n_species,).

    Raises
    ------
    InputError
        It cannot be read, or names no single species.
    """
    text = check_line("a value", expression)
    factors, at = np.zeros(network.n_species), 0
    while at < len(text.rstrip()):
        match = _PART.match(text, at)
        if match is None or (at and not match[1]):
            raise InputError(f"cannot read {shown(text)}; write a species, or a sum such as A - 2*B")
        label = re.sub(r"\s", "", match[3])
        try:
            row = network.row(label)
        except InputError as error:
            raise InputError(f"{shown(text)}: {error}") from None
        factors[row] += _factor(text, f"{match[1]}{match[2] or 1}")
        at = match.end()
    if not factors.any():
        raise InputError(f"{shown(text)} is always 0; write a species, or a sum such as A - 2*B")
    return factors


def _factor(text: str, word: str) -> float:
    number = read_number(f"a factor of {shown(text)}", word)
    return check_number(f"a factor of {shown(text)}", number, least=-LARGEST_RATE, most=LARGEST_RATE)


class Observable:
    """One thing to look at in a run; a subclass says what it measures and when that is right."""

    #: The key of a specification by which it is known.
    word: ClassVar[str]
    #: What it is, for descriptions.
    title: ClassVar[str]
    #: Other keys, those that are needed first.
    needed: ClassVar[tuple[str, ...]] = ()
    optional: ClassVar[tuple[str, ...]] = ()

    def __init__(self, network: Network, given: Mapping[str, Any], running_time: float) -> None:
        self.network, self.given = network, given
        self.time = self._time(running_time)

    def _time(self, running_time: float) -> float:
        if "at" not in self.given:
            return running_time
        at = check_number("at", self.given["at"], least=0.0, most=LONGEST_TIME)
        if at > running_time:
            raise InputError(f"at is {at:g}, after the end of a run of {running_time:g}")
        return at

    def times(self) -> np.ndarray:
        """Return the times that it needs."""
        return np.array([self.time])

    def rows(self) -> np.ndarray:
        """Return the rows of the species that it names, none where it does not say which."""
        return np.zeros(0, dtype=int)

    def expected(self, value: Any) -> float:
        """Return what is right as a number, from what a row of inputs says, or its own where that is None."""
        raise NotImplementedError

    def measure(self, course: Course, expected: float = math.nan) -> float:
        """Return what is measured in a run."""
        raise NotImplementedError

    def right(self, measured: float, expected: float) -> float:
        """How right that is: 1 or 0, or a share between them."""
        raise NotImplementedError

    @classmethod
    def fault(cls, given: Mapping[str, Any], measured: float, expected: float) -> str:
        """Say in words what is not right, as it follows the name; `given` is its specification, from a file."""
        return f"is {measured:.4g}, not {expected:.4g}"
