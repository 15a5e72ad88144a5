"""What a call of `crnsim.sweep` asks for: a sweep file, its keys as Python values, and data sets from memory."""

from __future__ import annotations

import contextlib
import hashlib
import math
import numbers
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crnsim.datasets import DATASETS
from crnsim.datasets.given import NAME, csv_text, given_table, is_given
from crnsim.entrance.arguments import WORD, shown
from crnsim.entrance.limits import DEEPEST, LONGEST_LABEL
from crnsim.errors import InputError
from crnsim.network.network import Network
from crnsim.noise.kinds import NOISE_KINDS
from crnsim.noise.noise import Noise
from crnsim.store.files import write_text
from crnsim.sweep.config.reader import CALLER, Document, KeyPath, dotted, read_yaml

#: Where data sets and networks from memory are written, beside the results.
DATA = "data"
#: Under which a data set of the user's own has its samples, where settings stand beside them.
_SAMPLES = "data"


@dataclass
class Given:
    """What a call gives, as a sweep file would say it.

    Attributes
    ----------
    document : Document
    mistakes : list of str
        What no sweep file could say; `document` lacks it.
    files : dict of Path to (str, str)
        Files to be written before the sweep is read, each with its content and what messages call it.
    """

    document: Document
    mistakes: list[str]
    files: dict[Path, tuple[str, str]]

    @contextlib.contextmanager
    def written(self) -> Iterator[None]:
        """Write data sets and networks from memory, named by their contents; none is left after an error."""
        new = [file for file in self.files if not file.is_file()]
        try:
            for file in new:
                write_text(file, self.files[file][0])
            yield
        except BaseException:
            for file in new:
                file.unlink(missing_ok=True)
            if new and not any(new[0].parent.iterdir()):
                new[0].parent.rmdir()
            raise

    def told(self, message: str) -> str:
        """Return a message about a file that was made of something from memory as one about that."""
        for file, (_, what) in self.files.items():
            message = message.replace(f"{what}.file: {file}: ", f"{what}: ").replace(
                f"{what}: {file}: ", f"{what}: "
            )
            message = message.replace(str(file), what)
        return message


def given_by(config: Any, keys: Mapping[str, Any], place: Path) -> Given:
    """Return a sweep file, or the keys of one, with further keys over it; nothing is written.

    Parameters
    ----------
    config : str, Path, mapping or None
        Path of a sweep file, or its keys.
    keys : mapping
        Keys that win.
    place : Path
        Folder of the sweep: data from memory go below it.

    Raises
    ------
    ConfigError
        The file cannot be read.
    InputError
        `config` is neither a path nor a mapping.
    """
    found = Given(Document(CALLER, None, {}), [], {})
    if isinstance(config, (str, Path)):
        document = read_yaml(config)
        if isinstance(document.data, dict):
            document.data.setdefault("name", Path(config).stem)
        elif document.data is not None or not keys:
            found.document = document  # which says what is wrong with it
            return found
        source, data, lines = document.source, dict(document.data or {}), document.lines
    elif config is None or isinstance(config, Mapping):
        source, data, lines = CALLER, dict(config or {}), {}
    else:
        raise InputError(
            f"config is {shown(config)}; give the path of a sweep file, or its keys as a mapping"
        )
    data |= keys
    if "datasets" in data:
        data["datasets"] = _datasets(data["datasets"], place, found)
    if isinstance(data.get("network"), Network):
        text = data["network"].to_crn()
        file = place / DATA / f"network-{hashlib.sha256(text.encode()).hexdigest()[:12]}.crn"
        found.files[file] = text, "network"
        data["network"] = str(file)
    _sections(data)
    plain = _plain(data, (), found.mistakes)
    plain.setdefault("name", "sweep")
    kept = {path: line for path, line in lines.items() if path[0] not in keys}
    found.document = Document(source, plain, kept, {(key,): CALLER for key in keys})
    return found


def _sections(data: dict[str, Any]) -> None:
    """Write magnitudes that stand alone as settings, for the whole sweep and for each data set."""
    if isinstance(data.get("noise"), Mapping):
        data["noise"] = {kind: _section(kind, one) for kind, one in data["noise"].items()}
    if isinstance(data.get("datasets"), Mapping):
        data["datasets"] = dict(data["datasets"])
        for name, one in data["datasets"].items():
            if isinstance(one, Mapping) and isinstance(one.get("noise"), Mapping):
                own = {kind: _section(kind, given) for kind, given in one["noise"].items()}
                data["datasets"][name] = {**one, "noise": own}


def _section(kind: Any, given: Any) -> Any:
    """Return the settings of a kind of noise; its magnitudes may stand alone, as for `crnsim.robustness`."""
    if not isinstance(kind, str):
        return given
    given = _listed(given)
    if kind in NOISE_KINDS and isinstance(given, numbers.Real) and not isinstance(given, bool):
        return {"magnitudes": [given]}
    if kind in NOISE_KINDS and isinstance(given, (list, tuple)):
        return {"magnitudes": given}
    return given


def _listed(value: Any) -> Any:
    """Return an array or a range as a list."""
    if isinstance(value, range):
        return list(value) if len(value) <= 10_000 else value
    module = type(value).__module__.partition(".")[0]
    if module in ("numpy", "pandas") and not hasattr(value, "columns") and hasattr(value, "tolist"):
        return value.tolist()
    return value


def _datasets(given: Any, place: Path, found: Given) -> Any:
    """Make CSV files of data sets from memory, and return what a sweep file says of them."""
    if is_given(given) and not _are_names(given):
        given = {NAME: given}
    if not isinstance(given, Mapping):
        return given
    kept: dict[Any, Any] = {}
    for name, one in given.items():
        settings = dict(one) if isinstance(one, Mapping) else {}
        samples = settings.pop(_SAMPLES, None) if settings else one
        named = (
            _SAMPLES not in one if isinstance(one, Mapping) else not is_given(samples) or _are_names(samples)
        )
        if named:
            kept[name] = one
        else:
            try:
                kept[name] = _from_memory(name, samples, settings, place, found)
            except InputError as error:
                found.mistakes.append(f"{CALLER}: datasets{_below(name)}: {error}")
    return kept


def _below(name: object) -> str:
    return f".{name}" if isinstance(name, str) and WORD.fullmatch(name) else ""


def _from_memory(
    name: Any, samples: Any, settings: dict[str, Any], place: Path, found: Given
) -> dict[str, Any]:
    """Return the settings of a data set from memory, and note the file that is to hold it."""
    if not isinstance(name, str) or not WORD.fullmatch(name) or len(name) > LONGEST_LABEL:
        raise InputError(
            f"{shown(name, 60)} is no label; give a word of at most {LONGEST_LABEL} letters, such as 'mine'"
        )
    if name in DATASETS:
        raise InputError("the name of a data set that there is already; give yours another")
    if "file" in settings:
        raise InputError(f"gives both {_SAMPLES} and file; give one of them")
    if not is_given(samples):
        raise InputError(f"{_SAMPLES} is {shown(samples)}; give a DataFrame with target, or arrays (x, y)")
    table, target = given_table(samples, settings.get("target"))
    if target is None:
        raise InputError(
            f"which column is the target? {{'{_SAMPLES}': frame, 'target': COLUMN}}; its columns: "
            f"{', '.join(table.columns)}"
        )
    file = place / DATA / f"{name}-{table.sha256[:12]}.csv"
    found.files[file] = csv_text(table), f"datasets.{name}"
    return settings | {"file": str(file), "target": target}


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
            made: dict[str, Any] = {}
            for key, one in value.items():
                if str(key) in made:
                    where = dotted((*path, str(key)))
                    mistakes.append(f"{CALLER}: {where}: two keys are the same text; give each once")
                made[str(key)] = _plain(one, (*path, str(key)), mistakes)
            return made
        if isinstance(value, (list, tuple)):
            return [_plain(one, (*path, number), mistakes) for number, one in enumerate(value)]
    advice = "numbers, text, lists and mappings, as in a sweep file"
    if isinstance(value, Noise):
        advice = "magnitudes by kind, such as {'rates': [0.05, 0.1]}"
    mistakes.append(f"{CALLER}: {dotted(path)} is {shown(value)}; give {advice}")
    return None
