"""What a call of `crnsim.sweep` asks for: a sweep file, its keys as Python values, and data sets from memory."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from crnsim.datasets import DATASETS
from crnsim.datasets.given import NAME, csv_text, given_table, is_given
from crnsim.entrance.arguments import WORD, shown
from crnsim.entrance.limits import DEEPEST
from crnsim.errors import ConfigError, InputError
from crnsim.network.network import Network
from crnsim.noise.kinds import NOISE_KINDS
from crnsim.noise.noise import Noise
from crnsim.store.files import write_text
from crnsim.sweep.config.reader import CALLER, Document, KeyPath, dotted, read_yaml

#: Where data sets and networks from memory are written, beside the results.
DATA = "data"
#: Under which a data set of the user's own has its samples, where settings stand beside them.
_SAMPLES = "data"


def document_of(config: Any, keys: Mapping[str, Any], place: Path) -> Document:
    """Return a sweep file, or the keys of one, with further keys over it.

    Parameters
    ----------
    config : str, Path, mapping or None
        Path of a sweep file, or its keys.
    keys : mapping
        Keys that win.
    place : Path
        Folder of the sweep: data from memory are written below it.

    Raises
    ------
    ConfigError
        It cannot be read, or a value is none that a sweep file can hold.
    """
    if isinstance(config, (str, Path)):
        document = read_yaml(config)
        if isinstance(document.data, dict):
            document.data.setdefault("name", Path(config).stem)
        elif document.data is not None or not keys:
            return document  # which says what is wrong with it
        source, data, lines = document.source, dict(document.data or {}), document.lines
    elif config is None or isinstance(config, Mapping):
        source, data, lines = CALLER, dict(config or {}), {}
    else:
        raise InputError(
            f"config is {shown(config)}; give the path of a sweep file, or its keys as a mapping"
        )
    data |= keys
    mistakes: list[str] = []
    if "datasets" in data:
        data["datasets"] = _datasets(data["datasets"], place, mistakes)
    if isinstance(data.get("network"), Network):
        file = place / DATA / "network.crn"
        write_text(file, data["network"].to_crn())
        data["network"] = _named(file)
    if isinstance(data.get("noise"), Mapping):
        data["noise"] = {str(kind): _section(str(kind), one) for kind, one in data["noise"].items()}
    plain = {str(key): _plain(value, (str(key),), mistakes) for key, value in data.items()}
    if mistakes:
        raise ConfigError(*mistakes)
    plain.setdefault("name", "sweep")
    kept = {path: line for path, line in lines.items() if path[0] not in keys}
    return Document(source, plain, kept, {(key,): CALLER for key in keys})


def _named(file: Path) -> str:
    """Name a file from the folder in which this process runs, where it lies below it."""
    here = Path.cwd()
    return str(file.relative_to(here) if file.is_relative_to(here) else file)


def _section(kind: str, given: Any) -> Any:
    """Return the settings of a kind of noise; its magnitudes may stand alone, as for `crnsim.robustness`."""
    if kind in NOISE_KINDS and isinstance(given, numbers.Real) and not isinstance(given, bool):
        return {"magnitudes": [given]}
    if kind in NOISE_KINDS and isinstance(_listed(given), (list, tuple)):
        return {"magnitudes": _listed(given)}
    return given


def _listed(value: Any) -> Any:
    """Return an array or a range as a list."""
    if isinstance(value, range):
        return list(value) if len(value) <= 10_000 else value
    return value.tolist() if type(value).__module__ == "numpy" and hasattr(value, "tolist") else value


def _datasets(given: Any, place: Path, mistakes: list[str]) -> Any:
    """Write data sets from memory as CSV files, and return what a sweep file says of them."""
    if is_given(given) and not _are_names(given):
        given = {NAME: given}
    if not isinstance(given, Mapping):
        return given
    found: dict[str, Any] = {}
    for name, one in given.items():
        settings = dict(one) if isinstance(one, Mapping) else {}
        samples = settings.pop(_SAMPLES, None) if settings else one
        if not is_given(samples) or _are_names(samples):
            found[name] = one
            continue
        key = f"{CALLER}: datasets.{name}"
        if not isinstance(name, str) or not WORD.fullmatch(name):
            mistakes.append(f"{CALLER}: datasets: {shown(name)} is no label; give a word, such as 'mine'")
            continue
        if name in DATASETS:
            mistakes.append(f"{key}: the name of a data set that there is already; give yours another")
            continue
        try:
            table, target = given_table(samples, settings.get("target"))
            if target is None:
                raise InputError(
                    f"which column is the target? {{'{_SAMPLES}': frame, 'target': COLUMN}}; its columns: "
                    f"{', '.join(table.columns)}"
                )
        except InputError as error:
            mistakes.append(f"{key}: {error}")
            continue
        file = place / DATA / f"{name}-{table.sha256[:12]}.csv"
        write_text(file, csv_text(table))
        found[name] = settings | {"file": _named(file), "target": target}
    return found


def _are_names(value: Any) -> bool:
    return isinstance(value, tuple) and all(isinstance(one, str) for one in value)


def _number(value: numbers.Real) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _plain(value: Any, path: KeyPath, mistakes: list[str]) -> Any:
    """Return a value as a sweep file would give it; note what none can hold."""
    value = _listed(value)
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):
        return _number(value)
    if len(path) <= DEEPEST:
        if isinstance(value, Mapping):
            return {
                key if isinstance(key, str) else str(key): _plain(one, (*path, str(key)), mistakes)
                for key, one in value.items()
            }
        if isinstance(value, (list, tuple)):
            return [_plain(one, (*path, number), mistakes) for number, one in enumerate(value)]
    advice = "numbers, text, lists and mappings, as in a sweep file"
    if isinstance(value, Noise):
        advice = "magnitudes by kind, such as {'rates': [0.05, 0.1]}"
    mistakes.append(f"{CALLER}: {dotted(path)} is {shown(value)}; give {advice}")
    return None
