"""Values given beside a sweep file, such as ``--config replicates=2``: they take the place of the file's."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from crnsim.entrance.arguments import shown
from crnsim.errors import Checks, ConfigError
from crnsim.sweep.config.reader import GIVEN, Document, KeyPath, parse_yaml, read_yaml

#: Keys, one in another: ``noise.rates.magnitudes``.
_KEYS = re.compile(r"[A-Za-z_][\w-]*(\.[A-Za-z_][\w-]*)*", re.ASCII)


def read_document(path: str | Path | None, words: Sequence[str] = ()) -> Document:
    """Read a sweep file and put given values in it, unchecked; or these alone.

    Parameters
    ----------
    path : str, Path or None
        A YAML file; None where the values given are the whole sweep.
    words : sequence of str
        See `given_values`.

    Raises
    ------
    ConfigError
        One line that names the file, or the value given, and what would be right.
    """
    values = given_values(words)
    if path is None:
        return Document(GIVEN, values or None, {})
    return with_values(read_yaml(path), values)


def given_values(words: Sequence[str]) -> dict[str, Any]:
    """Return what ``KEY=VALUE`` words say, later ones over earlier ones.

    Parameters
    ----------
    words : sequence of str
        ``replicates=2``, ``noise.rates.magnitudes=[0.1]`` or ``datasets={xor: {epochs: 2}}``: keys as in a sweep file,
        dots between those that stand one in another; values as YAML has them.

    Raises
    ------
    ConfigError
        A word that is none of these.
    """
    checks = Checks()
    values: dict[str, Any] = {}
    for word in words:
        with checks.noted():
            values = _merged(values, _value(word))
    if checks.found:
        raise ConfigError(*checks.found)
    return values


def _value(word: str) -> dict[str, Any]:
    key, equals, text = word.partition("=")
    if not equals or not _KEYS.fullmatch(key):
        raise ConfigError(
            f"{GIVEN} {shown(word)}: not a value for a key of the sweep file; write KEY=VALUE, such as replicates=2"
        )
    value = parse_yaml(text, f"{GIVEN} {key}").data
    for part in reversed(key.split(".")):
        value = {part: value}
    found: dict[str, Any] = value
    return found


def value_words(values: Mapping[str, Any]) -> list[str]:
    """Return words that say the same as `values`; the reverse of `given_values`."""
    return [f"{key}={json.dumps(value, ensure_ascii=False, default=str)}" for key, value in values.items()]


def with_values(document: Document, values: Mapping[str, Any]) -> Document:
    """Return a document in which given values have taken the place of its own.

    Settings in settings are replaced one by one, as Snakemake does: ``datasets={xor: {epochs: 2}}`` leaves other data
    sets, and what else is said of this one, as they are. Lists are replaced whole.
    """
    if not values or not isinstance(document.data, dict | None):
        return document
    own = document.data or {}
    given = {**document.given, **dict.fromkeys(_taken(own, values), GIVEN)}
    return Document(document.source, _merged(own, values), document.lines, given)


def _merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    both = {key: _merged(old[key], value) for key, value in new.items() if _sections(old.get(key), value)}
    return {**old, **new, **both}


def _sections(*values: Any) -> bool:
    return all(isinstance(value, Mapping) for value in values)


def _taken(old: Mapping[str, Any], new: Mapping[str, Any], path: KeyPath = ()) -> list[KeyPath]:
    """Return the paths of what takes the place of something else, or was not there."""
    found: list[KeyPath] = []
    for key, value in new.items():
        both = _sections(old.get(key), value)
        found += _taken(old[key], value, (*path, key)) if both else [(*path, key)]
    return found
