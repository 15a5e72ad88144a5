"""Read a YAML file as plain data with the line of every key, refusing what YAML would silently misread."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from crnsim.errors import ConfigError

KeyPath = tuple[str | int, ...]


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
    """

    source: str
    data: Any
    lines: dict[KeyPath, int]

    def line(self, path: KeyPath) -> int | None:
        """Return the line of `path`, or of its nearest enclosing key; None where the file has neither."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return None


class _Loader(yaml.SafeLoader):
    """SafeLoader with the number and truth words of YAML 1.2: 1e-3 is a number, 1:30 and `no` are text."""


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
    return int(loader.construct_scalar(node))


_Loader.add_constructor("tag:yaml.org,2002:int", _decimal)


def _collect_lines(
    node: yaml.Node, path: KeyPath, source: str, lines: dict[KeyPath, int], open_: set[int]
) -> None:
    """Record where each key and item stands; refuse keys that are written twice or are not text."""
    if id(node) in open_:
        raise ConfigError(f"{source}: line {node.start_mark.line + 1}: an alias that contains itself")
    children: list[tuple[str | int, yaml.Node, yaml.Node]] = []
    if isinstance(node, yaml.SequenceNode):
        children = [(index, item, item) for index, item in enumerate(node.value)]
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            where = f"{source}: line {key.start_mark.line + 1}"
            if not isinstance(key, yaml.ScalarNode):
                raise ConfigError(f"{where}: a key must be a word, followed by a colon")
            if key.tag == "tag:yaml.org,2002:merge":
                continue
            if key.tag != "tag:yaml.org,2002:str":
                raise ConfigError(f"{where}: the key {key.value!r} is not text; put it between quotes")
            if any(key.value == known for known, _, _ in children):
                raise ConfigError(
                    f"{where}: {dotted((*path, key.value))} is written twice; keep one of the two"
                )
            children.append((key.value, key, value))
    for name, mark, value in children:
        lines[(*path, name)] = mark.start_mark.line + 1
        _collect_lines(value, (*path, name), source, lines, open_ | {id(node)})


def dotted(path: KeyPath) -> str:
    """Write a path as people say it: ``noise.rates.magnitudes[1]``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
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
        text = Path(path).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(f"{source}: there is no such file") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{source}: not a text file in UTF-8; a sweep is written in YAML") from None
    except OSError as error:
        raise ConfigError(f"{source}: cannot be read ({error.strerror or error})") from None
    _refuse_control_characters(text, source)
    lines: dict[KeyPath, int] = {}
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return Document(source, None, lines)
        _collect_lines(node, (), source, lines, set())
        return Document(source, loader.construct_document(node), lines)
    except ConfigError:
        raise
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}: " if mark else ""
        problem = " ".join((error.problem or str(error)).split())
        hint = " (indent with blanks, not with tabs)" if "'\\t'" in problem else ""
        raise ConfigError(f"{source}: {where}not YAML: {problem}{hint}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError(
            f"{source}: not YAML: {' '.join(str(error).split()) or 'nested too deeply'}"
        ) from None
    finally:
        loader.dispose()


def _refuse_control_characters(text: str, source: str) -> None:
    """Name the line, which YAML's own reader would not."""
    match = yaml.reader.Reader.NON_PRINTABLE.search(text)
    if match:
        line = text.count("\n", 0, match.start()) + 1
        raise ConfigError(f"{source}: line {line}: not YAML: control character {match.group()!r}")
