"""Observables by the key that says what kind they are; functions of the user's own among them."""

from __future__ import annotations

import copy
import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from crnsim.entrance.arguments import check_number, shown
from crnsim.entrance.objects import check_line, check_mapping
from crnsim.errors import InputError, suggest
from crnsim.experiment.observables.base import COURSE_TIMES, Course, Observable
from crnsim.experiment.observables.kinds import Above, Band, Highest, Period, Target
from crnsim.network.network import Network
from crnsim.registry import Registry

#: Group of entry points under which an installed package offers functions that judge a run.
ENTRY_POINTS = "crnsim.observables"


class Function(Observable):
    """A function of the user's own, which says how right a run is: from 0 to 1."""

    word, title = "function", "a function of your own, module:function, that returns how right a run is"

    def __init__(self, network: Network, given: Mapping[str, Any], running_time: float) -> None:
        super().__init__(network, given, running_time)
        self.end, found = running_time, given["function"]
        if callable(found):  # in a notebook
            self.name = str(getattr(found, "__qualname__", "function"))
            self.call = _callable(self.name, found)
        else:
            self.name = check_line("function", found)
            if ":" not in self.name and "." in self.name:
                module, _, function = self.name.rpartition(".")
                raise InputError(f"function is {shown(self.name)}; write {module}:{function}")
            self.call = _FUNCTIONS.find(self.name)
        # What a person's code does to it is not done to the network.
        self.own = copy.deepcopy(network)

    def times(self) -> np.ndarray:
        """Many, evenly spread."""
        return np.linspace(0.0, self.end, COURSE_TIMES)

    def expected(self, value: Any) -> float:
        """All of it right."""
        if value is not None:
            raise InputError("a function judges by itself; leave it out of expect")
        return 1.0

    def measure(self, course: Course, expected: float = math.nan) -> float:
        """What it returns."""
        with _FUNCTIONS.code_of(self.name):
            found = self.call(replace(course, network=self.own))
        score = float(found) if isinstance(found, (bool, np.bool_)) else found
        return check_number(f"observable {self.name}: what it returns", score, least=0.0, most=1.0)

    def right(self, measured: float, expected: float) -> float:
        """What it returns, as a share."""
        return measured

    @classmethod
    def fault(cls, given: Mapping[str, Any], measured: float, expected: float) -> str:
        """What it returned."""
        return f"is right by {measured:.4g}"


def _callable(name: str, found: Any) -> Callable[[Course], Any]:
    if not callable(found) or isinstance(found, type) or inspect.iscoroutinefunction(found):
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
    kind = kind_of(given)
    known = (kind.word, *kind.needed, *kind.optional)
    for key in given:
        if key not in known:
            raise InputError(f"unknown key {shown(key)}; {suggest(str(key), known)}")
    for key in kind.needed:
        if key not in given:
            raise InputError(f"{key} is missing")
    return kind(network, given, running_time)


def kind_of(given: Any) -> type[Observable]:
    """Return the kind of an observable, by what is said of it; see `observable`."""
    example = "such as {value: B, target: 1.0, tolerance: 0.1}"
    given = check_mapping("an observable", given, f"settings {example}")
    kinds = [word for word in OBSERVABLES if word in given]
    if not kinds and {"value", "tolerance"} <= given.keys():
        return Target  # each row of inputs has its own
    if not kinds and "below" in given:
        raise InputError("below is said by {value: B, above: 0.5, expected: false}")
    if len(kinds) != 1:
        said = f"has {' and '.join(kinds)}, of which it may have one" if kinds else "says no kind"
        raise InputError(f"{said}: {', '.join(OBSERVABLES)}; {example}")
    return OBSERVABLES[kinds[0]]


def function_hashes(given: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Hashes of the files that define functions of the user's own, by observable."""
    found = {}
    for name, one in given.items():
        if "function" in one and ":" in str(one["function"]):
            try:
                found[name] = _FUNCTIONS.source_hash(str(one["function"]))
            except InputError as error:
                raise InputError(f"{name}: {error}") from None
    return found


def names_of(given: Sequence[str]) -> list[str]:
    """Names of observables, checked: each becomes a coordinate of results."""
    return [check_line("name of an observable", name, most=60) for name in given]
