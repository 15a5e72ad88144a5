"""Say what is wrong with a sweep file, a line for each mistake: where, which value, and what would be right."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from crnsim.entrance.arguments import shown
from crnsim.errors import nearest, suggest
from crnsim.sweep.config.reader import Document, KeyPath, dotted
from crnsim.sweep.config.replicates import NUMBER, SETTINGS

#: What a key that holds several values looks like, by its name.
_SHAPES = {
    "activations": "labels with settings, such as 'smooth: {name: squareplus, h: 0.1}'",
    "datasets": "names of data sets, such as [xor, iris]",
    "running_times": "a list of numbers, such as [30, 100]",
    "layers": "a list of whole numbers, such as [2, 6, 1]",
    "magnitudes": "a list of numbers, such as [0.02, 0.1]",
    "rates": "settings such as {magnitudes: [0.02, 0.1]}",
    "concentrations": "settings such as {magnitudes: [0.02, 0.1]}",
    "inputs": "a list of rows, such as [{X: 0.6, Y: 0.4}]; that of noise is {magnitudes: [0.02, 0.1]}",
    "observables": "names with settings, such as {out: {value: B, target: 1.0, tolerance: 0.1}}",
    "initial": "concentrations by species, such as {X: 0.6}",
    "parameters": "names with a number or a list, such as {k: [0.5, 1.0]}",
    "noise": "settings such as 'rates: {magnitudes: [0.02, 0.1]}'",
    "circuit_parameters": "names with numbers, such as {ka: 20}",
    "replicates": "a whole number, such as 10, or settings such as {from: 10, to: 80}",
}
_TYPES = {
    "float_type": "a number",
    "float_parsing": "a number",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing_size": "a smaller number",
    "finite_number": "a finite number",
    "string_type": "text; put it between quotes",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
}


#: What Pydantic names beside keys: that a key itself is wrong, and which form of `replicates` was written.
_NO_KEYS = ("[key]", NUMBER, SETTINGS)


class Mistake(Exception):  # noqa: N818
    """A value that no single key can judge, such as layers that do not fit the data set."""

    def __init__(self, path: KeyPath, message: str) -> None:
        super().__init__(message)
        self.path, self.message = path, message

    def located(self, document: Document) -> str:
        """Return the message with file, line and key in front."""
        return _one_line(f"{document.place(self.path)}{dotted(self.path)}: {self.message}")


class Mistakes:
    """Collects mistakes, so that one that is found does not hide the next.

    Attributes
    ----------
    found : list of Mistake
    """

    def __init__(self) -> None:
        self.found: list[Mistake] = []

    @contextlib.contextmanager
    def noted(self) -> Iterator[None]:
        """Note the mistake that ends a check, and go on with the next check."""
        try:
            yield
        except Mistake as mistake:
            self.note(mistake)

    def note(self, mistake: Mistake) -> None:
        """Note a mistake, once."""
        if (mistake.path, mistake.message) not in [(one.path, one.message) for one in self.found]:
            self.found.append(mistake)

    def judge(self) -> None:
        """Raise `SeveralMistakes` if there are any: what follows builds on what has been checked."""
        if self.found:
            raise SeveralMistakes(self.found)


class SeveralMistakes(Exception):  # noqa: N818
    """All that is wrong with what has been checked so far."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        super().__init__(str(mistakes[0]))
        self.mistakes = mistakes


def explain(error: ValidationError, document: Document, model: type[BaseModel]) -> list[str]:
    """Return a line for each mistake that Pydantic found, each once, in the order of the file."""
    errors = error.errors(include_url=False)
    unknown = [item["loc"] for item in errors if item["type"] == "extra_forbidden"]
    found: dict[str, tuple[bool, int]] = {}
    for item in errors:
        where, kind = item["loc"], item["type"]
        if kind == "missing" and any(_meant(where, other) for other in unknown):
            continue  # A misspelled key also makes the right one missing: the misspelling is the thing to tell.
        if kind == "too_short" and any(
            other["loc"][: len(where)] == where for other in errors if other != item
        ):
            continue  # Pydantic counts the good values of a list alone.
        path = path_of(where)
        if document.has("network"):
            path = _as_written(path)
        said = _one_line(f"{document.place(path)}{_sentence(item, path, model, document)}")
        found.setdefault(said, (kind != "extra_forbidden", document.line(path) or 0))
    return sorted(found, key=found.__getitem__)


def path_of(place: tuple[str | int, ...]) -> KeyPath:
    """Return where a key stands, without what Pydantic names beside keys."""
    return tuple(part for part in place if part not in _NO_KEYS)


def _meant(missing: tuple[str | int, ...], unknown: tuple[str | int, ...]) -> bool:
    """Tell whether a missing key is what an unknown one beside it was meant to be."""
    return missing[:-1] == unknown[:-1] and bool(nearest(str(unknown[-1]), [str(missing[-1])]))


def _as_written(path: KeyPath) -> KeyPath:
    """Where a person has written what stands in a design that has been made of a network's parameters."""
    if len(path) > 3 and path[0] == "activations" and path[2] == "circuit_parameters":
        return ("parameters", *path[3:])
    return path


def _one_line(text: str) -> str:
    """Keep line ends that a user wrote into a key from breaking the message."""
    return " ".join(text.split())


def _sentence(error: Any, path: KeyPath, model: type[BaseModel], document: Document) -> str:
    """Return ``key is value; it must be ...`` or what else fits the kind of mistake."""
    kind, context, value = error["type"], error.get("ctx", {}), error["input"]
    key = dotted(path)
    name = next((part for part in reversed(path) if isinstance(part, str)), "")
    if kind == "extra_forbidden":
        return _unknown_key(path, model)
    if kind == "missing" and path == ("activations",) and document.has("observables"):
        return "network is missing: observables belong to a network of your own"
    if kind == "missing":
        section = _section(model, path[:-1])
        meaning = section.model_fields[str(path[-1])].description if section else ""
        return f"{key} is missing: {meaning}"
    if kind == "too_short":
        return f"{key} is empty; give at least {_count(context['min_length'])}"
    if kind == "literal_error":
        known = [part.strip().strip("'") for part in context["expected"].replace(" or ", ", ").split(",")]
        return f"{key} is {_shown(value)}; {suggest(str(value), known)}"
    if kind == "string_pattern_mismatch":
        right = "letters, digits and _, and begin with a letter"
        if path == ("name",):
            right = "letters, digits, _, . and -, and begin with a letter or a digit"
        return f"{key}: {_shown(value)} does not fit a path; use {right}"
    if kind == "value_error":
        problem = str(context["error"])
        return (
            f"{key} {problem}" if problem.startswith("lists ") else f"{key} is {_shown(value)}; it {problem}"
        )
    return f"{key} is {_shown(value)}; it must be {_requirement(kind, context, name)}"


def _requirement(kind: str, context: dict[str, Any], name: str) -> str:
    """Return what would be right where a value has the wrong type or size."""
    limits = {
        "greater_than": ("gt", "greater than {:g}"),
        "greater_than_equal": ("ge", "{:g} or more"),
        "less_than": ("lt", "less than {:g}"),
        "less_than_equal": ("le", "{:g} or less"),
    }
    if kind in limits:
        limit, text = limits[kind]
        return text.format(context[limit])
    if kind in ("string_too_short", "string_too_long", "too_long"):
        of = "values" if kind == "too_long" else "characters"
        most = context.get("max_length")
        return f"at most {most} {of}" if most else "text that is not empty"
    if kind in _TYPES:
        return _TYPES[kind]
    if kind in (
        "list_type",
        "tuple_type",
        "dict_type",
        "model_type",
        "model_attributes_type",
        "dataclass_type",
    ):
        return _SHAPES.get(name, "settings: lines of 'key: value', indented below it")
    return kind.replace("_", " ")


def _unknown_key(path: KeyPath, model: type[BaseModel]) -> str:
    section = _section(model, path[:-1])
    known = list(section.model_fields) if section else []
    key, where = str(path[-1]), f"{dotted(path[:-1])}: " if path[:-1] else ""
    below = _section(model, ("datasets", "any"))
    if not where and below is not None and key in below.model_fields:
        return f"unknown key '{key}'; it belongs to a data set, such as 'datasets: {{xor: {{{key}: ...}}}}'"
    return f"{where}unknown key '{key}'; {suggest(key, known)}"


def _section(model: type[BaseModel], path: KeyPath) -> type[BaseModel] | None:
    """Return the model of the section at `path`."""
    section: type[BaseModel] | None = model
    mappings = 0
    for part in path:
        if mappings:
            mappings -= 1
            continue
        if section is None or part not in section.model_fields:
            return None
        annotation = section.model_fields[str(part)].annotation
        mappings = _nested(annotation)
        section = model_in(annotation)
    return section


def _nested(annotation: Any) -> int:
    """Number of mappings, one in another, that an annotation begins with."""
    if getattr(annotation, "__origin__", None) is not dict:
        return 0
    return 1 + _nested(get_args(annotation)[1])


def model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the model that an annotation contains, if any."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := model_in(part))), None)


def _shown(value: Any) -> str:
    """Return a value as it may stand in a message."""
    return "nothing" if value is None else shown(value)


def _count(number: int) -> str:
    return "one" if number == 1 else str(number)
