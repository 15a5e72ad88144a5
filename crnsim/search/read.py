"""Read and check a search file: all that is wrong with it is said at once, with line and key."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from crnsim.entrance.arguments import shown
from crnsim.errors import ConfigError
from crnsim.search.goals import Goal, goals_of
from crnsim.search.model import SearchFile
from crnsim.search.space import DATASET, LAYERS, Parameter, applied, check_name, samples, values_of
from crnsim.sweep.config.given import read_document
from crnsim.sweep.config.mistakes import Mistake, Mistakes, SeveralMistakes, explain
from crnsim.sweep.config.read import validate
from crnsim.sweep.config.reader import Document, check_plain
from crnsim.sweep.plan.groups import noise_levels

if TYPE_CHECKING:
    from crnsim.noise.noise import Noise
    from crnsim.sweep.config.resolve import ResolvedSweep

#: Keys of a sweep file that a search says itself, or cannot use, each with what to do.
_NOT_HERE = {
    "name": "the search has a name; leave it out",
    "title": "the search has a title; leave it out",
    "network": "a search is over designs of circuits; a network of your own has none",
    "tuned": "a search chooses learning rates itself: search 'learning_rate'",
    "claims": "a search judges no paper; leave it out",
}
#: Keys of the sweep that change no candidate and none of its numbers.
_NO_NUMBER = ("seed", "replicates", "chunks", "trajectories", "name")
#: Keys of a data set of which all candidates and objectives must have the same.
_OF_THE_WHOLE = ("noise", "running_times", "activations", "replicates")


@dataclass(frozen=True)
class Search:
    """A search with nothing left open.

    Attributes
    ----------
    file : SearchFile
    source : str
        Name of the file.
    data : dict
        The sweep of the design that it begins with, as plain data.
    base : ResolvedSweep
        The same, resolved.
    parameters : dict of str to Parameter
        What varies, by name, those that others depend on first.
    goals : list of Goal
    levels : list of Noise
        Of the sweep, the first without noise.
    start : dict
        Values of the parameters in the design that it begins with.
    """

    file: SearchFile
    source: str
    data: dict[str, Any]
    base: ResolvedSweep
    parameters: Mapping[str, Parameter]
    goals: Sequence[Goal]
    levels: Sequence[Noise]
    start: Mapping[str, Any]

    @property
    def label(self) -> str:
        """Of its one activation."""
        return next(iter(self.base.sweep.activations))

    @property
    def needed(self) -> list[int]:
        """Levels of noise that objectives need, ascending."""
        return sorted({level for goal in self.goals for level in goal.levels})

    def design(self, values: Mapping[str, Any]) -> ResolvedSweep:
        """Return the sweep of a design.

        Raises
        ------
        ConfigError
            Values that exclude each other: why there is no such design.
        """
        return validate(Document(self.source, applied(self.data, values), {}))

    @property
    def fingerprint(self) -> str:
        """Hash of all that decides which candidates there are and how they fare; budget and confirmation do not."""
        said = self.file.model_dump(
            mode="json", exclude={"budget", "confirm", "title", "name", "sweep"}, by_alias=True
        )
        said["sweep"] = {key: value for key, value in self.data.items() if key not in _NO_NUMBER}
        said["files"] = {name: [list(pair) for pair in of] for name, of in self.base.sources.items()}
        return hashlib.blake2b(json.dumps(said, sort_keys=True).encode(), digest_size=16).hexdigest()


def read_search(path: str | Path, given: Sequence[str] = ()) -> Search:
    """Read and check a search file, and the files that it names.

    Parameters
    ----------
    path : str or Path
        A YAML file; its keys are described in ``docs/search.md``.
    given : sequence of str
        Words such as ``budget.trials=20``, whose values take the place of the file's.

    Raises
    ------
    ConfigError
        A line for each mistake, which names the file, the line, the key, its value and what would be right.
    """
    document = read_document(path, given)
    if not isinstance(document.data, dict):
        found = "empty" if document.data is None else f"not a search, but {shown(document.data, 40)}"
        raise ConfigError(f"{document.source}: {found}; a search needs sweep, search, objectives and budget")
    if "datasets" in document.data and not {"sweep", "search"} & document.data.keys():
        raise ConfigError(
            f"{document.source}: a sweep file, no search file; that has it under the key 'sweep' (docs/search.md)"
        )
    document.data.setdefault("name", Path(path).stem)
    check_plain(document)
    mistakes: list[str] = []
    file, base = None, None
    try:
        file = SearchFile.model_validate(document.data)
    except ValidationError as error:
        mistakes += explain(error, document, SearchFile)
    part = _sweep_part(document)
    if part is not None:
        try:
            base = _base(part)
        except ConfigError as error:
            mistakes += error.mistakes
    if mistakes or file is None or base is None or part is None:
        raise ConfigError(*dict.fromkeys(mistakes))
    try:
        return _checked(file, document, part.data, base)
    except Mistake as mistake:
        raise ConfigError(mistake.located(document)) from None
    except SeveralMistakes as several:
        raise ConfigError(*(one.located(document) for one in several.mistakes)) from None


def _sweep_part(document: Document) -> Document | None:
    """Return the section ``sweep`` as a sweep file of its own, which knows its lines in the whole."""
    data = document.data.get("sweep")
    if not isinstance(data, dict):
        return None
    inside = {path[1:]: line for path, line in document.lines.items() if path[0] == "sweep" and path[1:]}
    given = {path[1:]: source for path, source in document.given.items() if path[0] == "sweep"}
    names = data.get("datasets")
    if isinstance(names, str):
        names = [names]
    if isinstance(names, list) and all(isinstance(name, str) for name in names):
        data = data | {"datasets": {name: {} for name in names}}
    elif isinstance(names, dict):
        data = data | {"datasets": {name: {} if of is None else of for name, of in names.items()}}
    return Document(document.source, data, inside, given)


def _base(part: Document) -> ResolvedSweep:
    """Check the sweep of the design that a search begins with.

    Raises
    ------
    ConfigError
        It is wrong as a sweep, or no single design.
    """
    mistakes = Mistakes()
    for key, why in _NOT_HERE.items():
        if part.has(key):
            mistakes.note(Mistake((key,), why))
    sets = part.data.get("datasets")
    for name, settings in sets.items() if isinstance(sets, dict) else ():
        for key in _OF_THE_WHOLE:
            if isinstance(settings, dict) and key in settings:
                mistakes.note(Mistake(("datasets", name, key), "belongs to the whole sweep of a search"))
    units = part.data.get("activations")
    if isinstance(units, dict) and len(units) != 1:
        mistakes.note(Mistake(("activations",), "the design that a search begins with has one activation"))
    for label, unit in units.items() if isinstance(units, dict) else ():
        if isinstance(unit, dict) and unit.get("circuit") is not None:
            mistakes.note(Mistake(("activations", label, "circuit"), "write it as sweep.circuit"))
    times = part.data.get("running_times")
    if isinstance(times, list) and len(times) != 1:
        mistakes.note(
            Mistake(("running_times",), "the design that a search begins with has one running time")
        )
    if mistakes.found:
        raise ConfigError(*(one.located(part) for one in mistakes.found))
    named = Document(part.source, {"name": "search", **part.data}, part.lines, part.given)
    return validate(named)


def _checked(file: SearchFile, document: Document, data: dict[str, Any], base: ResolvedSweep) -> Search:
    """Check what varies and what is wanted against the sweep.

    Raises
    ------
    Mistake, SeveralMistakes
    """
    data = {"name": "search", **data}
    mistakes = Mistakes()
    for name in file.search:
        with mistakes.noted():
            check_name(name)
            _check_when(file, name)
    levels = noise_levels(next(iter(base.settings.values())).noise)
    goals: list[Goal] = []
    with mistakes.noted():
        goals = goals_of(file.objectives, levels)
    mistakes.judge()
    parameters = {name: Parameter(name, axis) for name, axis in file.search.items()}
    with mistakes.noted():
        _check_datasets(parameters, base)
    mistakes.judge()
    search = Search(file, document.source, data, base, parameters, goals, levels, values_of(base, parameters))
    for name, parameter in parameters.items():
        for number, values in enumerate(samples({name: parameter}, search.start)):
            with mistakes.noted():
                _check_value(search, name, number, values)
    mistakes.judge()
    return search


def _check_when(file: SearchFile, name: str) -> None:
    """Check that a condition speaks of a parameter that stands before, and of a value that it may have."""
    before = list(file.search)[: list(file.search).index(name)]
    for other, wanted in file.search[name].when.items():
        path = ("search", name, "when", other)
        if other not in before:
            raise Mistake(path, f"no parameter that stands before {name}; move it up, or search it too")
        choices = file.search[other].choices
        if choices is None:
            raise Mistake(path, f"{other} has a range; a condition needs one of several choices")
        if (tuple(wanted) if isinstance(wanted, list) else wanted) not in choices:
            raise Mistake(path, f"{shown(wanted)} is not among the choices of {other}")


def _check_datasets(parameters: Mapping[str, Parameter], base: ResolvedSweep) -> None:
    """Check that data sets to choose from are the same data in other forms: as many features, targets and samples."""
    from crnsim.datasets import DATASETS
    from crnsim.errors import suggest

    if LAYERS in parameters and len(base.settings) > 1:
        raise Mistake(("search", LAYERS), "layers vary with one data set; the sweep has several")
    if DATASET not in parameters:
        return
    if len(base.settings) > 1:
        raise Mistake(("search", DATASET), "stands for the one data set of the sweep; it has several")
    first = next(iter(base.settings))
    if base.sources[first]:
        raise Mistake(("search", DATASET), "forms of built-in data sets alone; that of the sweep is a file")
    own = DATASETS[first]
    for number, name in enumerate(parameters[DATASET].axis.choices or ()):
        path = ("search", DATASET, "choices", number)
        if name not in DATASETS:
            raise Mistake(path, f"{shown(name)} is no data set; {suggest(str(name), DATASETS)}")
        other = DATASETS[name]
        if any(getattr(own, what) != getattr(other, what) for what in ("task", "n_train", "n_test")) or (
            own.layers[0],
            own.layers[-1],
        ) != (other.layers[0], other.layers[-1]):
            raise Mistake(path, f"{name} is not {first} in another form: other features, targets or samples")


def _check_value(search: Search, name: str, number: int, values: Mapping[str, Any]) -> None:
    """Check that there is a design with one choice, or with one end of a range."""
    parameter = search.parameters[name]
    try:
        search.design(values)
    except ConfigError as error:
        key: tuple[str | int, ...] = (
            ("choices", number) if parameter.axis.choices else (("from", "to")[number],)
        )
        why = error.mistakes[0].removeprefix(f"{search.source}: ")
        raise Mistake(("search", name, *key), f"{shown(values[name])}: {why}") from None
