"""Read and check a sweep file."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from crnsim.entrance.arguments import shown
from crnsim.entrance.limits import DEEPEST
from crnsim.errors import ConfigError
from crnsim.sweep.config.given import read_document
from crnsim.sweep.config.mistakes import Mistake, SeveralMistakes, explain, path_of
from crnsim.sweep.config.model import Sweep
from crnsim.sweep.config.names import checked
from crnsim.sweep.config.reader import Document, KeyPath, check_plain
from crnsim.sweep.config.resolve import ResolvedSweep


def read_sweep(path: str | Path | None, given: Sequence[str] = (), *, untuned: bool = False) -> ResolvedSweep:
    """Read and check a sweep file, and the files that it names.

    Parameters
    ----------
    path : str, Path or None
        A YAML file; its keys are described in ``config/README.md``. None where `given` is the whole sweep.
    given : sequence of str
        Words such as ``replicates=2``, whose values take the place of the file's
        (`crnsim.sweep.config.given.given_values`).
    untuned : bool
        Leave out the file of tuned learning rates that it names, which need not be there yet.

    Raises
    ------
    ConfigError
        A line for each mistake, which names the file, the line, the key, its value and what would be right.
    """
    document = read_document(path, given)
    if path is not None and isinstance(document.data, dict) and "name" not in document.data:
        document.data["name"] = Path(path).stem
    if untuned and isinstance(document.data, dict):
        document.data.pop("tuned", None)
    return validate(document)


def validate(document: Document) -> ResolvedSweep:
    """Turn the content of a sweep file into a sweep with nothing left open; see `read_sweep`."""
    if document.data is None:
        raise ConfigError(f"{document.source}: empty; a sweep needs datasets, activations and running_times")
    if not isinstance(document.data, dict):
        found = "a list" if isinstance(document.data, list) else f"the text {shown(document.data, 40)}"
        raise ConfigError(
            f"{document.source}: not a sweep: lines such as 'replicates: 10' are needed, not {found}"
        )
    if {"sweep", "search", "objectives"} <= document.data.keys():
        raise ConfigError(f"{document.source}: a search file, no sweep file; 'crnsim search FILE' runs it")
    check_plain(document)
    try:
        return checked(Sweep.model_validate(document.data))
    except ValidationError as error:
        raise ConfigError(*explain(error, document, Sweep), *_names_too(error, document)) from None
    except Mistake as mistake:
        raise ConfigError(mistake.located(document)) from None
    except SeveralMistakes as several:
        raise ConfigError(*_located(several.mistakes, document)) from None


def _located(mistakes: list[Mistake], document: Document) -> list[str]:
    """Return a line for each mistake, in the order of the file."""
    in_order = sorted(mistakes, key=lambda one: document.line(one.path) or 0)
    return [one.located(document) for one in in_order]


#: Keys that hold names, which can be judged whatever else is wrong.
_NAMES = (
    *("circuit", "activations", "datasets", "claims", "weights", "tuned", "noise", "solver"),
    *("network", "inputs", "initial", "observables", "parameters"),
)
#: What stands in for what is missing, so that the rest can be judged.
_INSTEAD = {"name": "a", "running_times": [100.0]}
_OF_CIRCUITS = {"datasets": {"xor": {}}, "activations": {"a": {"name": "squareplus"}}}


def _names_too(error: ValidationError, document: Document) -> list[str]:
    """Return a line for each name that is unknown, beside what is wrong already: one look is to show all."""
    data = copy.deepcopy(document.data)
    wrong = [path_of(item["loc"]) for item in error.errors(include_url=False, include_input=False)]
    try:
        checked(_without_mistakes(data, error))
    except (ValidationError, Mistake):
        return []
    except SeveralMistakes as several:
        # A data set that has lost its file is not the one that was meant; nor are observables without their inputs.
        lost = {path[:1] if path[0] in ("observables", "parameters") else path[:2] for path in wrong if path}
        if any(path[:1] in (("inputs",), ("initial",)) for path in wrong):
            lost.add(("observables",))
        names = [
            one
            for one in several.mistakes
            if one.path[0] in _NAMES and one.path[:1] not in lost and one.path[:2] not in lost
        ]
        return _located(names, document)
    return []


def _without_mistakes(data: dict[str, Any], error: ValidationError) -> Sweep:
    """Return a sweep without what is wrong in it; what then lacks a key goes too.

    Raises
    ------
    ValidationError
        Nothing is left that makes a sweep.
    """
    for _ in range(DEEPEST):
        for item in error.errors(include_url=False, include_input=False):
            path = path_of(item["loc"])
            _drop(data, path[:-1] if item["type"] == "missing" else path)
        instead = _INSTEAD if "network" in data or "observables" in data else _INSTEAD | _OF_CIRCUITS
        for key, value in instead.items():
            data.setdefault(key, copy.deepcopy(value))
        try:
            return Sweep.model_validate(data)
        except ValidationError as left:
            error = left
    raise error


def _drop(data: dict[str, Any], path: KeyPath) -> None:
    """Take away what stands at a path; a value of a list goes with its list."""
    keys = list(itertools.takewhile(lambda part: isinstance(part, str), path))
    section: Any = data
    for key in keys[:-1]:
        section = section.get(key) if isinstance(section, dict) else None
    if isinstance(section, dict) and keys:
        section.pop(keys[-1], None)
