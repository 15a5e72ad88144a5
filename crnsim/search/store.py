"""What a search keeps: the score of every run by the key of its point, and a journal of candidates."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from crnsim.entrance.files import NotReadableError, NotThereError, read_text
from crnsim.entrance.limits import LARGEST_PLAN
from crnsim.errors import InputError, StorageError
from crnsim.outcomes import OK, OUTCOMES, WORKER_KILLED
from crnsim.provenance import code_hash
from crnsim.store.files import write_text

if TYPE_CHECKING:
    import xarray as xr

    from crnsim.experiment.point import Point

#: Files in the folder of a search.
POINTS, JOURNAL = "points.jsonl", "journal.jsonl"


@dataclass(frozen=True)
class Run:
    """What is kept of one run: its score, 0 unless it ended ok; how it ended; and its core seconds."""

    score: float
    outcome: int
    seconds: float


class Scores:
    """Runs that are done, by the key of their point; each batch is on disk before the next one counts.

    A line is ``[code hash, {key: [score, outcome, core seconds]}]``. Lines of another version of the library are left
    where they are and not used; one that was torn by a kill is left out.

    Parameters
    ----------
    path : Path

    Raises
    ------
    InputError
        The file is something else.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.code = path, code_hash()
        self.found: dict[str, Run] = {}
        #: Core seconds of the runs that were added since the file was read.
        self.seconds = 0.0
        text = _text_of(path)
        if text and not text.startswith('["'):
            raise InputError(f"{path}: a search keeps its runs there, and it is something else; move it")
        for line in text.splitlines():
            self.found |= self._read(line)
        self._torn = bool(text) and not text.endswith("\n")

    def _read(self, line: str) -> dict[str, Run]:
        try:
            code, runs = json.loads(line)
            if code != self.code:
                return {}
            found = {str(k): Run(float(s), int(o), float(t)) for k, (s, o, t) in runs.items()}
        except (ValueError, TypeError, AttributeError, RecursionError, OverflowError):
            return {}
        return {
            key: run
            for key, run in found.items()
            if 0.0 <= run.score <= 1.0 and 0 <= run.outcome < len(OUTCOMES) and run.seconds >= 0.0
        }

    def add(self, points: Sequence[Point], results: xr.Dataset, seconds: float) -> None:
        """Keep the results of a batch, and the core seconds that it took."""
        status = results["status"].values
        scores = np.where(status == OK, np.nan_to_num(results["score"].values), 0.0).tolist()
        each = round(seconds / max(1, len(points)), 6)
        keys = results["point_key"].values.tolist()
        self._keep(
            {
                key: Run(score, int(outcome), each)
                for key, score, outcome in zip(keys, scores, status, strict=True)
            }
        )

    def add_killed(self, points: Iterable[Point]) -> None:
        """Keep that points killed their worker: they score 0."""
        runs = {point.key: Run(0.0, WORKER_KILLED, 0.0) for point in points}
        if runs:
            self._keep(runs)

    def _keep(self, runs: Mapping[str, Run]) -> None:
        begun = "\n" if self._torn else ""
        line = json.dumps([self.code, {k: [r.score, r.outcome, r.seconds] for k, r in runs.items()}])
        try:
            with self.path.open("a", encoding="utf-8") as stream:
                stream.write(f"{begun}{line}\n")
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as error:
            raise StorageError(f"{self.path}: not written ({error.strerror or error})") from None
        self._torn = False
        self.found |= runs
        self.seconds += sum(run.seconds for run in runs.values())


class Journal:
    """Candidates in the order they were asked for: what was asked, and what was told.

    A search that goes on repeats itself from its seed and the runs that are there; the journal tells whether it does.

    Parameters
    ----------
    path : Path
    head : dict
        What must be the same when the search goes on.

    Raises
    ------
    InputError
        The journal is that of another search, or something else.
    """

    def __init__(self, path: Path, head: Mapping[str, Any]) -> None:
        self.path, self.head = path, dict(head)
        self.lines = [line for line in _text_of(path).splitlines() if line.strip()]
        if not self.lines:
            return
        first = _object(self.lines.pop(0))
        if "fingerprint" not in first:
            raise InputError(f"{path}: a search keeps its journal there, and it is something else; move it")
        changed = [name for name in self.head if first.get(name) != self.head[name]]
        if changed:
            what = {"fingerprint": "another search file", "code": "another version of crnsim"}
            said = " and ".join(what.get(name, f"another {name}") for name in changed)
            raise InputError(
                f"{path}: begun with {said}, so its candidates would be others; give the search another name, or "
                f"remove the folder {path.parent}"
            )

    def write(self, entries: Sequence[Mapping[str, Any]]) -> None:
        """Write all candidates so far, whole or not at all.

        Raises
        ------
        InputError
            Those that are there already are others: the sampler does not repeat itself.
        """
        lines = [json.dumps(dict(entry), ensure_ascii=False) for entry in entries]
        both = min(len(lines), len(self.lines))
        if lines[:both] != self.lines[:both]:
            raise InputError(
                f"{self.path}: the search does not repeat what stands there; remove the folder {self.path.parent} and "
                "begin anew"
            )
        if len(lines) > len(self.lines):
            write_text(self.path, "\n".join([json.dumps(self.head), *lines]) + "\n")
            self.lines = lines


def _object(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _text_of(path: Path) -> str:
    """Return the text of a file, nothing where there is none.

    Raises
    ------
    InputError
        It is a folder, a link or no text.
    """
    if path.is_symlink():
        raise InputError(f"{path} is a link; a search keeps its work in files of its own: remove it")
    try:
        return read_text(path, LARGEST_PLAN)
    except NotThereError:
        return ""
    except NotReadableError as error:
        raise InputError(f"{error}; a search keeps its work there: move it") from None
