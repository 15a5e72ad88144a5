"""What varies in a search: where each parameter stands in a sweep, and what it may be."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from crnsim.errors import suggest
from crnsim.sweep.config.mistakes import Mistake

if TYPE_CHECKING:
    import optuna

    from crnsim.search.model import Axis
    from crnsim.sweep.config.resolve import ResolvedSweep

#: Parameters by their whole name, and what others begin with.
LAYERS, RATE, EPOCHS, TIME, DATASET = "layers", "learning_rate", "epochs", "running_time", "dataset"
CIRCUIT, ACTIVATION = "circuit_parameters.", "activation."
NAME = "activation.name"
#: Digits of a number that is drawn from a range.
_DIGITS = 6
#: What an activation of a sweep file has beside its own parameters.
_NOT_ITS_OWN = ("role", "circuit", "learning_rate", "epochs", "circuit_parameters")


def plain_name(name: str) -> str:
    """Return the name of a parameter as pages have it: of a circuit, without saying so."""
    return name.removeprefix(CIRCUIT)


def check_name(name: str) -> None:
    """Refuse a name that says nothing of a design.

    Raises
    ------
    Mistake
        With the names that do.
    """
    whole = (LAYERS, RATE, EPOCHS, TIME, DATASET)
    own = name.startswith(ACTIVATION) and name[len(ACTIVATION) :] not in ("", *_NOT_ITS_OWN)
    if name not in whole and not own and not (name.startswith(CIRCUIT) and len(name) > len(CIRCUIT)):
        known = (*whole, NAME, f"{CIRCUIT}NAME", f"{ACTIVATION}NAME")
        raise Mistake(("search", name), f"nothing that can vary; {suggest(name, known)}")


def applied(data: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a sweep, as plain data with one activation, in which parameters have these values.

    Parameters
    ----------
    data : mapping
        As a sweep file has it: its ``datasets`` by name.
    values : mapping
        By the names of a search file.
    """
    made = copy.deepcopy(dict(data))
    (unit,) = made["activations"].values()
    if NAME in values and values[NAME] != unit.get("name"):
        # What the other activation does not have cannot be asked of it.
        known = _parameters_of(values[NAME])
        for name in [name for name in unit if name not in ("name", *_NOT_ITS_OWN, *known)]:
            del unit[name]
    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
    for name, value in plain.items():
        if name.startswith(CIRCUIT):
            _put_everywhere(made, name[len(CIRCUIT) :], value)
        elif name.startswith(ACTIVATION):
            unit[name[len(ACTIVATION) :]] = value
        elif name == TIME:
            made["running_times"] = [value]
        elif name == DATASET:
            (settings,) = made["datasets"].values()
            made["datasets"] = {value: settings}
        else:
            unit.pop(name, None)
            for settings in made["datasets"].values():
                settings[name] = value
    return made


def _put_everywhere(made: dict[str, Any], name: str, value: Any) -> None:
    """Set a circuit parameter for the whole sweep; nothing below says otherwise."""
    made["circuit_parameters"] = {**(made.get("circuit_parameters") or {}), name: value}
    for section in (*made["activations"].values(), *made["datasets"].values()):
        if isinstance(own := section.get("circuit_parameters"), dict):
            own.pop(name, None)


def _parameters_of(name: Any) -> list[str]:
    """Names of the parameters of an activation; none where there is no such activation, which is found later."""
    from crnsim.activations import activation_class
    from crnsim.errors import InputError

    try:
        return [field.name for field in fields(activation_class(name))]  # type: ignore[arg-type]
    except InputError:
        return []


@dataclass(frozen=True)
class Parameter:
    """One parameter and what it may be.

    Attributes
    ----------
    name : str
        As in the search file.
    axis : Axis
    """

    name: str
    axis: Axis

    @property
    def words(self) -> dict[str, Any]:
        """The choices by the words that the sampler knows them by."""
        return {json.dumps(choice): choice for choice in self.axis.choices or ()}

    @property
    def ends(self) -> tuple[Any, ...]:
        """All choices, or both ends of the range."""
        if self.axis.choices is not None:
            return self.axis.choices
        low, high = getattr(self.axis, "from"), self.axis.to
        return (int(low), int(high or 0)) if self.axis.whole else (low, high)

    @property
    def distribution(self) -> optuna.distributions.BaseDistribution:
        """What the sampler draws from."""
        from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

        if self.axis.choices is not None:
            return CategoricalDistribution(list(self.words))
        low, high = self.ends
        kind = IntDistribution if self.axis.whole else FloatDistribution
        return kind(low, high, log=self.axis.log)

    def value(self, drawn: Any) -> Any:
        """Return what a design has for something that was drawn: a number of a range has few digits."""
        if self.axis.choices is not None:
            return self.words[drawn]
        low, high = self.ends
        return int(drawn) if self.axis.whole else min(max(float(f"{drawn:.{_DIGITS}g}"), low), high)

    def drawn(self, value: Any) -> Any:
        """Return what would have been drawn for a value, None where it lies outside."""
        if self.axis.choices is not None:
            return next((word for word, choice in self.words.items() if _same(choice, value)), None)
        low, high = self.ends
        inside = isinstance(value, (int, float)) and low <= value <= high
        whole = inside and (not self.axis.whole or value == int(value))
        return (int(value) if self.axis.whole else float(value)) if whole else None

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Whether the parameter has a meaning beside the values of those before it."""
        return all(name in values and _same(values[name], wanted) for name, wanted in self.axis.when.items())


def _same(one: Any, other: Any) -> bool:
    one, other = (tuple(value) if isinstance(value, list) else value for value in (one, other))
    return bool(type(one) is type(other) or not isinstance(one, bool)) and bool(one == other)


def values_of(resolved: ResolvedSweep, parameters: Mapping[str, Parameter]) -> dict[str, Any]:
    """Return the values that a sweep of one design has for parameters; what has no meaning in it is left out."""
    from crnsim.experiment.build import build_circuit
    from crnsim.sweep.plan.groups import groups

    group = groups(resolved)[0]
    circuit = build_circuit(group.point(0, 0))
    from_circuit = {
        **dict(circuit.kind.parameters),
        **circuit.parameters,
        **group.circuit_parameters,
    }
    known: dict[str, Any] = {
        LAYERS: tuple(group.settings.layers),
        RATE: group.settings.learning_rate,
        EPOCHS: group.settings.epochs,
        TIME: group.settings.running_times[0],
        DATASET: group.dataset,
        NAME: group.activation,
        **{f"{CIRCUIT}{name}": value for name, value in from_circuit.items()},
        **{f"{ACTIVATION}{name}": value for name, value in circuit.activation.parameters().items()},
    }
    found: dict[str, Any] = {}
    for name, parameter in parameters.items():
        if parameter.holds(found) and name in known:
            found[name] = known[name]
    return found


def samples(parameters: Mapping[str, Parameter], values: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield sets of values that each try one choice, or one end of a range, beside the values of a design."""
    for name, parameter in parameters.items():
        needed = dict(parameter.axis.when)
        for end in parameter.ends:
            yield {**values, **needed, name: end}
