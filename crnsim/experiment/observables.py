"""Observables: what is looked at in a run of a network, and what counts as right."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from crnsim.entrance.arguments import check_number, shown
from crnsim.entrance.limits import LARGEST_CONCENTRATION, LONGEST_TIME
from crnsim.entrance.objects import check_line, check_mapping, check_sequence
from crnsim.errors import InputError, suggest
from crnsim.network.network import Network
from crnsim.registry import Registry

#: Group of entry points under which an installed package offers functions that judge a run.
ENTRY_POINTS = "crnsim.observables"
#: Times at which an observable that needs the course of a run looks at it.
COURSE_TIMES = 2001
#: Times of one period, at least, so that its crossings are found.
_TIMES_OF_A_PERIOD = 20
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
        """Value at one of the times."""
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
        factors[row] += float(f"{match[1]}{match[2] or 1}")
        at = match.end()
    return factors


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

    def expected(self, value: Any) -> float:
        """Return what is right as a number, from what a row of inputs says, or its own where that is None."""
        raise NotImplementedError

    def measure(self, course: Course) -> float:
        """Return what is measured in a run."""
        raise NotImplementedError

    def right(self, measured: float, expected: float) -> bool:
        """Whether that is right."""
        raise NotImplementedError


class Highest(Observable):
    """Which of several species is the highest at a time."""

    word, title = "highest", "which of several is the highest: the class that a classifier tells"
    optional = ("expected", "margin", "at")

    def __init__(self, network: Network, given: Mapping[str, Any], running_time: float) -> None:
        super().__init__(network, given, running_time)
        self.rivals = [
            str(one) for one in check_sequence("highest", given["highest"], "species, such as [X, Y]")
        ]
        if len(set(self.rivals)) != len(self.rivals) or len(self.rivals) < 2:
            raise InputError("highest needs two or more different species, such as [X, Y]")
        self.weights = np.array([weights_of(network, one) for one in self.rivals])
        self.margin = check_number("margin", given.get("margin", 0.0), least=0.0, most=LARGEST_CONCENTRATION)

    def expected(self, value: Any) -> float:
        """Number of the one that is to be the highest."""
        wanted = self.given.get("expected") if value is None else value
        if wanted is None:
            raise InputError(f"expected is missing: which of {', '.join(self.rivals)} is right")
        if wanted not in self.rivals:
            raise InputError(f"expected is {shown(wanted)}; {suggest(str(wanted), self.rivals)}")
        return float(self.rivals.index(wanted))

    def measure(self, course: Course) -> float:
        """Number of the highest one; nan where the next is not below it, by the margin."""
        row = course.concentrations[int(np.argmin(np.abs(course.times - self.time)))]
        values = self.weights @ row
        order = np.argsort(-values, kind="stable")
        lead = values[order[0]] - values[order[1]]
        return float(order[0]) if lead > 0 and lead >= self.margin else math.nan

    def right(self, measured: float, expected: float) -> bool:
        """Whether it is the one."""
        return measured == expected


class _OfValue(Observable):
    """What goes by one value, a species or a sum of them."""

    def __init__(self, network: Network, given: Mapping[str, Any], running_time: float) -> None:
        super().__init__(network, given, running_time)
        self.weights = weights_of(network, given["value"])

    def values(self, course: Course) -> np.ndarray:
        """The value at all times."""
        return course.concentrations @ self.weights

    def measure(self, course: Course) -> float:
        """The value at the time."""
        return float(self.values(course)[int(np.argmin(np.abs(course.times - self.time)))])


class Target(_OfValue):
    """A value that is to be within a tolerance of a target at a time."""

    word, title = "target", "a value within a tolerance of a target"
    needed, optional = ("value", "tolerance"), ("at",)

    def __init__(self, network: Network, given: Mapping[str, Any], running_time: float) -> None:
        super().__init__(network, given, running_time)
        self.tolerance = check_number("tolerance", given["tolerance"], least=0.0, most=LARGEST_CONCENTRATION)

    def expected(self, value: Any) -> float:
        """The target."""
        wanted = self.given["target"] if value is None else value
        return check_number("target", wanted, least=-LARGEST_CONCENTRATION, most=LARGEST_CONCENTRATION)

    def right(self, measured: float, expected: float) -> bool:
        """Whether it is near enough."""
        return abs(measured - expected) <= self.tolerance


class Above(_OfValue):
    """Whether a value is above a threshold at a time."""

    word, title = "above", "a value above a threshold, or not"
    needed, optional = ("value",), ("expected", "at")

    def __init__(self, network: Network, given: Mapping[str, Any], running_time: float) -> None:
        super().__init__(network, given, running_time)
        most = LARGEST_CONCENTRATION
        self.threshold = check_number("above", given["above"], least=-most, most=most)

    def expected(self, value: Any) -> float:
        """1 where it is to be above."""
        wanted = self.given.get("expected", True) if value is None else value
        if not isinstance(wanted, bool):
            raise InputError(f"expected is {shown(wanted)}; it must be true or false")
        return float(wanted)

    def right(self, measured: float, expected: float) -> bool:
        """Whether it is on the right side."""
        return (measured > self.threshold) == bool(expected)


class Band(_OfValue):
    """A time course that is to stay within a band."""

    word, title = "band", "a time course within a band"
    needed = ("value",)

    def __init__(self, network: Network, given: Mapping[str, Any], running_time: float) -> None:
        super().__init__(network, given, running_time)
        wanted = "settings such as {times: [0, 10], low: [0.4, 0.9], high: [0.6, 1.1]}"
        band = check_mapping("band", given["band"], wanted)
        if set(band) != {"times", "low", "high"}:
            raise InputError(f"band needs times, low and high: {wanted}")
        columns = []
        for name in ("times", "low", "high"):
            values = check_sequence(f"band.{name}", band[name], "a list of numbers")
            most = LARGEST_CONCENTRATION
            columns.append([check_number(f"band.{name}", one, least=-most, most=most) for one in values])
        if len({len(column) for column in columns}) > 1 or not columns[0]:
            raise InputError("band: times, low and high must be lists of one length")
        self.at, self.low, self.high = (np.array(column) for column in columns)
        if np.any(np.diff(self.at) <= 0) or self.at[0] < 0:
            raise InputError("band.times must increase, from 0 on")
        if np.any(self.low > self.high):
            raise InputError("band: low is above high")
        if self.at[-1] > running_time:
            raise InputError(f"band.times go to {self.at[-1]:g}, after the end of a run of {running_time:g}")

    def times(self) -> np.ndarray:
        """Those of the band."""
        return self.at

    def expected(self, value: Any) -> float:
        """All of it within the band."""
        if value is not None:
            raise InputError("a band is the same for all inputs; leave it out of expect")
        return 1.0

    def measure(self, course: Course) -> float:
        """Share of the times at which it is within the band."""
        places = [int(np.argmin(np.abs(course.times - time))) for time in self.at]
        values = self.values(course)[places]
        return float(np.mean((values >= self.low) & (values <= self.high)))

    def right(self, measured: float, expected: float) -> bool:
        """Whether it never leaves it."""
        return measured == expected


class Period(_OfValue):
    """An oscillation that is to keep its period."""

    word, title = "period", "an oscillation that keeps its period"
    needed, optional = ("value", "tolerance"), ("since",)

    def __init__(self, network: Network, given: Mapping[str, Any], running_time: float) -> None:
        super().__init__(network, given, running_time)
        self.end = running_time
        self.period = check_number("period", given["period"], above=0.0, most=LONGEST_TIME)
        self.tolerance = check_number("tolerance", given["tolerance"], above=0.0, most=1.0)
        self.since = check_number("since", given.get("since", 0.0), least=0.0, most=LONGEST_TIME)
        if running_time - self.since < 3 * self.period:
            raise InputError(
                f"period: a run of {running_time:g} has no three periods of {self.period:g} in it since "
                f"{self.since:g}; let it run longer"
            )
        if running_time / self.period * _TIMES_OF_A_PERIOD > COURSE_TIMES:
            most = COURSE_TIMES / _TIMES_OF_A_PERIOD * self.period
            raise InputError(
                f"period: more than {COURSE_TIMES // _TIMES_OF_A_PERIOD} periods; let it run for {most:g}"
            )

    def times(self) -> np.ndarray:
        """Many, evenly spread."""
        return np.linspace(0.0, self.end, COURSE_TIMES)

    def expected(self, value: Any) -> float:
        """The period."""
        return self.period if value is None else check_number("period", value, above=0.0, most=LONGEST_TIME)

    def measure(self, course: Course) -> float:
        """The period that is farthest from the one expected, until the end; inf where it stops."""
        inside = course.times >= self.since
        times, values = course.times[inside], self.values(course)[inside]
        crossings = upward_crossings(times, values)
        if len(crossings) < 2:
            return math.inf
        periods = np.append(np.diff(crossings), max(times[-1] - crossings[-1], 0.0))
        # The last one is not over: it counts only if it is too long already.
        whole = periods[:-1]
        worst = float(whole[np.argmax(np.abs(whole - self.period))])
        return math.inf if periods[-1] > (1 + self.tolerance) * self.period * 1.5 else worst

    def right(self, measured: float, expected: float) -> bool:
        """Whether every period is within the tolerance, a share of the period."""
        return abs(measured - expected) <= self.tolerance * expected


def upward_crossings(times: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Times at which values rise through the middle between their lowest and highest, by linear interpolation."""
    level = 0.5 * (values.min() + values.max())
    below = values < level
    places = np.flatnonzero(below[:-1] & ~below[1:])
    rise = values[places + 1] - values[places]
    share = (level - values[places]) / np.where(rise > 0, rise, 1.0)
    crossings: np.ndarray = times[places] + share * (times[places + 1] - times[places])
    return crossings


class Function(Observable):
    """A function of the user's own, which says how right a run is: from 0 to 1."""

    word, title = "function", "a function of your own, module:function, that returns how right a run is"

    def __init__(self, network: Network, given: Mapping[str, Any], running_time: float) -> None:
        super().__init__(network, given, running_time)
        self.name, self.end = check_line("function", given["function"]), running_time
        self.call = _FUNCTIONS.find(self.name)
        self.row: Any = None

    def times(self) -> np.ndarray:
        """Many, evenly spread."""
        return np.linspace(0.0, self.end, COURSE_TIMES)

    def expected(self, value: Any) -> float:
        """All of it right."""
        if value is not None:
            raise InputError("a function judges by itself; leave it out of expect")
        return 1.0

    def measure(self, course: Course) -> float:
        """What it returns."""
        with _FUNCTIONS.code_of(self.name):
            found = self.call(course)
        score = float(found) if isinstance(found, (bool, np.bool_)) else found
        return check_number(f"observable {self.name}: what it returns", score, least=0.0, most=1.0)

    def right(self, measured: float, expected: float) -> bool:
        """Whether it is 1."""
        return measured >= expected


def _callable(name: str, found: Any) -> Callable[[Course], Any]:
    if not callable(found) or isinstance(found, type):
        raise InputError(f"observable {name}: it is no function")
    call: Callable[[Course], Any] = found
    return call


_FUNCTIONS: Registry[Any] = Registry("observable", ENTRY_POINTS, (), _callable, named=False)
#: Kinds of observables by the key that says so.
OBSERVABLES: dict[str, type[Observable]] = {
    kind.word: kind for kind in (Highest, Target, Above, Band, Period, Function)
}


def observable(network: Network, given: Any, running_time: float) -> Observable:
    """Return an observable of a network.

    Parameters
    ----------
    network : Network
    given : mapping
        Its specification: one of the keys of `OBSERVABLES`, which says what kind it is, and those that belong to it.
    running_time : float

    Raises
    ------
    InputError
        It says no kind, or a key is missing, unknown, or does not fit.
    """
    example = "such as {value: B, target: 1.0, tolerance: 0.1}"
    given = check_mapping("an observable", given, f"settings {example}")
    kinds = [word for word in OBSERVABLES if word in given]
    if len(kinds) != 1:
        said = f"has {' and '.join(kinds)}, of which it may have one" if kinds else "says no kind"
        raise InputError(f"{said}: {', '.join(OBSERVABLES)}; {example}")
    kind = OBSERVABLES[kinds[0]]
    known = (kind.word, *kind.needed, *kind.optional)
    for key in given:
        if key not in known:
            raise InputError(f"unknown key {shown(key)}; {suggest(str(key), known)}")
    for key in kind.needed:
        if key not in given:
            raise InputError(f"{key} is missing")
    return kind(network, given, running_time)


def function_hashes(given: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Hashes of the files that define functions of the user's own, by observable."""
    return {
        name: _FUNCTIONS.source_hash(str(one["function"])) for name, one in given.items() if "function" in one
    }


def names_of(given: Sequence[str]) -> list[str]:
    """Names of observables, checked: each becomes a coordinate of results."""
    return [check_line("name of an observable", name, most=60) for name in given]
