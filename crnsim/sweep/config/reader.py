"""Read a YAML file as plain data with the line of every key, refusing what YAML would silently misread."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from crnsim.entrance.arguments import NUMBER, line_fault, read_number, shown
from crnsim.entrance.files import NotReadableError, NotThereError, read_text
from crnsim.entrance.limits import DEEPEST, LARGEST_SWEEP_FILE, LONGEST_REFERENCE, MOST_VALUES
from crnsim.errors import ConfigError, InputError

KeyPath = tuple[str | int, ...]
#: What stands for the file where keys come from Python.
CALLER = "crnsim.sweep"


@dataclass(frozen=True)
class Document:
    """Content of a YAML file.

    Attributes
    ----------
    source : str
        Name of the file as the user gave it.
    data : object
        Mappings, lists, strings, numbers, booleans and None.
    lines : dict
        Line (from 1) of every key and list item, by its path such as ``("noise", "rates", "magnitudes", 1)``.
    given : dict
        What names the source of each value that does not stand in the file (``--config``, `crnsim.sweep`), by its path.
    """

    source: str
    data: Any
    lines: dict[KeyPath, int]
    given: Mapping[KeyPath, str] = field(default_factory=dict)

    def has(self, key: str) -> bool:
        """Whether a key stands in the file."""
        return isinstance(self.data, dict) and key in self.data

    def line(self, path: KeyPath) -> int | None:
        """Return the line of `path`, or of its nearest enclosing key; None where the file has neither."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return None

    def place(self, path: KeyPath) -> str:
        """Return where a value comes from, in front of a message: ``file: line 7: `` as far as it is known."""
        for length in range(len(path), 0, -1):
            if (source := self.given.get(path[:length])) is not None:
                return f"{source}: "
        line = self.line(path)
        return f"{self.source}: line {line}: " if line else f"{self.source}: "


#: The option that gives values beside those of a file.
GIVEN = "--config"


class _Loader(yaml.SafeLoader):
    """SafeLoader with the number and truth words of YAML 1.2: 1e-3 is a number, 1:30 and `no` are text.

    Tags, and more values than a sweep file can mean, are refused while the text is read.
    """

    def __init__(self, text: str, source: str) -> None:
        super().__init__(text)
        self.source, self.n_values = source, 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Look at what comes next before anything is made of it."""
        event = self.peek_event()
        where = f"{self.source}: line {event.start_mark.line + 1}"
        if (tag := getattr(event, "tag", None)) is not None:
            raise ConfigError(
                f"{where}: not YAML: tags such as {shown(tag)} are not read; write the value alone"
            )
        self.n_values += 1
        if self.n_values > MOST_VALUES:
            raise ConfigError(f"{where}: more than {MOST_VALUES} values in the file; {_FEWER}")
        node: yaml.Node | None = super().compose_node(parent, index)
        return node


_FEWER = "a list of so many belongs into several sweeps"
#: Digits of a whole number; Python itself reads no more than 4,300.
_MOST_DIGITS = 400

_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("int", r"[-+]?[0-9]+", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+\.?[0-9]*)([eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("float", r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", "-+."),
    ("merge", r"<<", "<"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), list(_first))


def _decimal(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int:
    """Read 010 as ten, which YAML 1.1 takes for octal."""
    text = loader.construct_scalar(node)
    if len(text) > _MOST_DIGITS:
        problem = f"a number of {len(text)} digits"
        raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
    return int(text)


def _float(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> float:
    """Refuse a number that is so close to 0 that it would be taken for 0."""
    text = loader.construct_scalar(node)
    try:
        return read_number("it", text) if NUMBER.fullmatch(text) else float(loader.construct_yaml_float(node))
    except InputError:
        problem = f"{text} is so close to 0 that it would be taken for 0"
        raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark) from None


_Loader.add_constructor("tag:yaml.org,2002:int", _decimal)
_Loader.add_constructor("tag:yaml.org,2002:float", _float)


def _check_size(root: yaml.Node, source: str) -> None:
    """Count the values that there are once every alias is written out; refuse what multiplies or contains itself."""
    counts: dict[int, int] = {}

    def count(node: yaml.Node) -> int:
        if (known := counts.get(id(node))) is not None:
            if not known:
                raise ConfigError(f"{source}: line {node.start_mark.line + 1}: an alias that contains itself")
            return known
        counts[id(node)] = 0  # until it is known: whoever meets it is within it
        below: list[yaml.Node] = []
        if isinstance(node, yaml.SequenceNode):
            below = node.value
        elif isinstance(node, yaml.MappingNode):
            below = [part for pair in node.value for part in pair]
        counts[id(node)] = 1 + sum(map(count, below))
        return counts[id(node)]

    if (found := count(root)) > MOST_VALUES:
        number = f"{found}" if found < 10**15 else f"10^{len(str(found)) - 1}"
        raise ConfigError(f"{source}: {number} values once its aliases are written out; {_FEWER}")


def _collect_lines(node: yaml.Node, path: KeyPath, source: str, lines: dict[KeyPath, int]) -> None:
    """Record where each key and item stands; refuse keys that are written twice or are not text."""
    children: list[tuple[str | int, yaml.Node, yaml.Node]] = []
    if isinstance(node, yaml.SequenceNode):
        children = [(index, item, item) for index, item in enumerate(node.value)]
    elif isinstance(node, yaml.MappingNode):
        known: set[str] = set()
        for key, value in node.value:
            where = f"{source}: line {key.start_mark.line + 1}"
            if not isinstance(key, yaml.ScalarNode):
                raise ConfigError(f"{where}: a key must be a word, followed by a colon")
            if key.tag == "tag:yaml.org,2002:merge":
                continue
            if key.tag != "tag:yaml.org,2002:str":
                raise ConfigError(f"{where}: the key {shown(key.value)} is not text; put it between quotes")
            if key.value in known:
                raise ConfigError(
                    f"{where}: {dotted((*path, key.value))} is written twice; keep one of the two"
                )
            known.add(key.value)
            children.append((key.value, key, value))
    for name, mark, value in children:
        lines[(*path, name)] = mark.start_mark.line + 1
        _collect_lines(value, (*path, name), source, lines)


def dotted(path: KeyPath) -> str:
    """Write a path as people say it: ``noise.rates.magnitudes[1]``."""
    text = ""
    for part in path:
        # An empty key would leave no trace.
        word = f"[{part}]" if isinstance(part, int) else part if part.strip() else repr(part)
        text += f".{word}" if text and not isinstance(part, int) else word
    return text


def read_yaml(path: str | Path) -> Document:
    """Read one YAML document.

    Raises
    ------
    ConfigError
        The file cannot be read, is not YAML, or repeats a key; the message names file and line.
    """
    source = str(path)
    try:
        text = read_text(path, LARGEST_SWEEP_FILE, encoding="utf-8-sig")
    except (NotThereError, NotReadableError) as error:
        hint = "; a sweep is written in YAML" if "UTF-8" in str(error) else ""
        raise ConfigError(f"{error}{hint}") from None
    except InputError as error:
        raise ConfigError(f"sweep file: {error}") from None
    return parse_yaml(text, source)


def parse_yaml(text: str, source: str) -> Document:
    """Read a text as `read_yaml` does a file; `source` is what messages call it."""
    _refuse_control_characters(text, source)
    lines: dict[KeyPath, int] = {}
    loader = _Loader(text, source)
    try:
        node = loader.get_single_node()
        if node is None:
            return Document(source, None, lines)
        _check_size(node, source)
        _collect_lines(node, (), source, lines)
        return Document(source, loader.construct_document(node), lines)
    except ConfigError:
        raise
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}: " if mark else ""
        problem = " ".join((error.problem or str(error)).split())
        hint = " (indent with blanks, not with tabs)" if "'\\t'" in problem else ""
        if "could not find expected ':'" in problem:
            hint = " here or in the line before (a blank belongs behind the colon)"
        raise ConfigError(f"{source}: {where}not YAML: {problem}{hint}") from None
    except RecursionError:
        raise ConfigError(f"{source}: not YAML: nested too deeply") from None
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError(f"{source}: not YAML: {error}") from None
    finally:
        loader.dispose()


def _refuse_control_characters(text: str, source: str) -> None:
    """Name the line, which YAML's own reader would not."""
    match = yaml.reader.Reader.NON_PRINTABLE.search(text)
    if match:
        line = text.count("\n", 0, match.start()) + 1
        raise ConfigError(f"{source}: line {line}: not YAML: control character {match.group()!r}")


def check_plain(document: Document) -> None:
    """Refuse text that cannot be shown or stored, keys too long and values nested too deeply.

    Raises
    ------
    ConfigError
        With file, line and key.
    """
    _check_plain(document, document.data, ())


def _check_plain(document: Document, value: Any, path: KeyPath) -> None:
    fault, where = "", path
    if len(path) > DEEPEST:
        fault, where = "nested too deeply", path[:6]
    elif isinstance(value, str):
        fault = line_fault(value) and f"the text {line_fault(value)}"
    elif isinstance(value, dict):
        for key, below in value.items():
            wrong = line_fault(key, LONGEST_REFERENCE) if isinstance(key, str) else "is not text"
            if wrong:
                fault, where = f"the key {shown(key)} {wrong}", (*path, key)
                break
            _check_plain(document, below, (*path, key))
    elif isinstance(value, list):
        for number, below in enumerate(value):
            _check_plain(document, below, (*path, number))
    if fault:
        name = dotted(where[:-1] if fault.startswith("the key") else where)
        raise ConfigError(f"{document.place(where)}{name}{': ' if name else ''}{fault}")
