"""The observables that there are: a class, a target, a threshold, a band, a period."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from crnsim.entrance.arguments import check_number, shown
from crnsim.entrance.limits import LARGEST_CONCENTRATION, LONGEST_TIME
from crnsim.entrance.objects import check_mapping, check_sequence
from crnsim.errors import InputError, suggest
from crnsim.experiment.observables.base import COURSE_TIMES, Course, Observable, weights_of
from crnsim.network.network import Network

#: An oscillation swings by more than this part of its highest value.
LEAST_SWING = 1e-4
#: Species that compete, and times of a band, at most.
_MOST_LISTED = 10_000
#: Times of one period, at least, so that its crossings are found.
_TIMES_OF_A_PERIOD = 20


def _listed(name: str, value: object, wanted: str) -> Sequence[Any]:
    listed = check_sequence(name, value, wanted)
    if len(listed) > _MOST_LISTED:
        raise InputError(f"{name} lists {len(listed)}; at most {_MOST_LISTED}")
    return listed


class Highest(Observable):
    """Which of several species is the highest at a time."""

    word, title = "highest", "which of several is the highest: the class that a classifier tells"
    optional = ("expected", "margin", "at")

    def __init__(self, network: Network, given: Mapping[str, Any], running_time: float) -> None:
        super().__init__(network, given, running_time)
        self.rivals = [str(one) for one in _listed("highest", given["highest"], "species, such as [X, Y]")]
        self.weights = np.array([weights_of(network, one) for one in self.rivals])
        if len(self.rivals) < 2 or len(np.unique(self.weights, axis=0)) < len(self.rivals):
            raise InputError("highest needs two or more different species, such as [X, Y]")
        self.margin = check_number("margin", given.get("margin", 0.0), least=0.0, most=LARGEST_CONCENTRATION)

    def rows(self) -> np.ndarray:
        """Those that compete."""
        return np.flatnonzero(self.weights.any(axis=0))

    def expected(self, value: Any) -> float:
        """Number of the one that is to be the highest."""
        wanted = self.given.get("expected") if value is None else value
        if wanted is None:
            raise InputError(f"expected is missing: which of {', '.join(self.rivals)} is right")
        if wanted not in self.rivals:
            raise InputError(f"expected is {shown(wanted)}; {suggest(str(wanted), self.rivals)}")
        return float(self.rivals.index(wanted))

    def measure(self, course: Course, expected: float = math.nan) -> float:
        """Number of the highest one; nan where the next is not below it, by the margin."""
        row = course.concentrations[int(np.argmin(np.abs(course.times - self.time)))]
        values = self.weights @ row
        order = np.argsort(-values, kind="stable")
        lead = values[order[0]] - values[order[1]]
        return float(order[0]) if lead > 0 and lead >= self.margin else math.nan

    def right(self, measured: float, expected: float) -> float:
        """Whether it is the one."""
        return float(measured == expected)

    @classmethod
    def fault(cls, given: Mapping[str, Any], measured: float, expected: float) -> str:
        """The highest one, and the one that was to be."""
        rivals = given.get("highest")
        names = [str(one)[:60] for one in rivals] if isinstance(rivals, (list, tuple)) else []
        found, wanted = (
            names[int(value)] if 0 <= value < len(names) else "none by the margin"
            for value in (measured, expected)
        )
        return f"is {found}, not {wanted}"


class _OfValue(Observable):
    """What goes by one value, a species or a sum of them."""

    def __init__(self, network: Network, given: Mapping[str, Any], running_time: float) -> None:
        super().__init__(network, given, running_time)
        self.weights = weights_of(network, given["value"])

    def rows(self) -> np.ndarray:
        """Those of the sum."""
        return np.flatnonzero(self.weights)

    def values(self, course: Course) -> np.ndarray:
        """The value at all times."""
        return course.concentrations @ self.weights

    def measure(self, course: Course, expected: float = math.nan) -> float:
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
        wanted = self.given.get("target") if value is None else value
        if wanted is None:
            raise InputError("target is missing: give it here, or for each row of inputs under expect")
        return check_number("target", wanted, least=-LARGEST_CONCENTRATION, most=LARGEST_CONCENTRATION)

    def right(self, measured: float, expected: float) -> float:
        """Whether it is near enough."""
        return float(abs(measured - expected) <= self.tolerance)

    @classmethod
    def fault(cls, given: Mapping[str, Any], measured: float, expected: float) -> str:
        """The value, and its target."""
        return f"is {measured:.4g}, not within {given.get('tolerance')} of {expected:.4g}"


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

    def right(self, measured: float, expected: float) -> float:
        """Whether it is on the right side."""
        return float((measured > self.threshold) == bool(expected))

    @classmethod
    def fault(cls, given: Mapping[str, Any], measured: float, expected: float) -> str:
        """The value, and the threshold."""
        return f"is {measured:.4g}, not {'above' if expected else 'below'} {given.get('above')}"


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
            values = _listed(f"band.{name}", band[name], "a list of numbers")
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

    def measure(self, course: Course, expected: float = math.nan) -> float:
        """Share of the times at which it is within the band."""
        places = [int(np.argmin(np.abs(course.times - time))) for time in self.at]
        values = self.values(course)[places]
        return float(np.mean((values >= self.low) & (values <= self.high)))

    def right(self, measured: float, expected: float) -> float:
        """Whether it never leaves it."""
        return float(measured == expected)

    @classmethod
    def fault(cls, given: Mapping[str, Any], measured: float, expected: float) -> str:
        """At how many of the times it is within the band."""
        return f"is within the band at {100 * measured:.3g} % of its times"


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

    def measure(self, course: Course, expected: float = math.nan) -> float:
        """The period that is farthest from the one expected, until the end; inf where it stops."""
        inside = course.times >= self.since
        times, values = course.times[inside], self.values(course)[inside]
        wanted = expected if math.isfinite(expected) else self.period
        swing = values.max() - values.min()
        crossings = upward_crossings(times, values)
        # What is left of an oscillation that has died down, or of rounding, is none.
        if len(crossings) < 2 or swing <= LEAST_SWING * np.max(np.abs(values)):
            return math.inf
        periods = np.append(np.diff(crossings), max(times[-1] - crossings[-1], 0.0))
        # The last one is not over: it counts only if it is too long already.
        whole = periods[:-1]
        worst = float(whole[np.argmax(np.abs(whole - wanted))])
        return math.inf if periods[-1] > (1 + self.tolerance) * wanted * 1.5 else worst

    def right(self, measured: float, expected: float) -> float:
        """Whether every period is within the tolerance, a share of the period."""
        return float(abs(measured - expected) <= self.tolerance * expected)

    @classmethod
    def fault(cls, given: Mapping[str, Any], measured: float, expected: float) -> str:
        """The period that is farthest off."""
        if math.isinf(measured):
            return "stops"
        share = given.get("tolerance")
        within = f"{100 * share:.3g} %" if isinstance(share, (int, float)) else "its tolerance"
        return f"has a period of {measured:.4g}, not within {within} of {expected:.4g}"


def upward_crossings(times: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Times at which values rise through the middle between their lowest and highest, by linear interpolation."""
    level = 0.5 * (values.min() + values.max())
    below = values < level
    places = np.flatnonzero(below[:-1] & ~below[1:])
    rise = values[places + 1] - values[places]
    share = (level - values[places]) / np.where(rise > 0, rise, 1.0)
    crossings: np.ndarray = times[places] + share * (times[places + 1] - times[places])
    return crossings
