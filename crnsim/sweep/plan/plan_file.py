"""The file plan.json: what it holds, how it is read, checked and written."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from pydantic import Field, TypeAdapter

from crnsim.errors import DamagedFileError, InputError

Count = Annotated[int, Field(ge=0)]
Amount = Annotated[float, Field(ge=0)]
#: No name or path has a NUL in it.
Text = Annotated[str, Field(pattern=r"^[^\x00]*$")]
Values = dict[str, float | str]
_OWN = re.compile(r"[\w.]+:\w+")


@dataclass(frozen=True)
class ChunkEntry:
    """One chunk of a plan.

    Attributes
    ----------
    key : str
        Hash of its points; names its file.
    path : str
        Where it is stored.
    n_points, n_cells : int
    cells, replicates : tuple of int
        First and one past the last.
    estimated_core_seconds : float
        On the machine of the authors.
    estimated_mb : int
        Resident memory of its job, all processes together.
    """

    key: Text
    path: Text
    n_points: Count
    n_cells: Count
    cells: tuple[Count, Count]
    replicates: tuple[Count, Count]
    estimated_core_seconds: Amount
    estimated_mb: Count


@dataclass(frozen=True)
class GroupEntry:
    """All points of one data set, circuit and activation, as the plan lays them out.

    Attributes
    ----------
    dataset, circuit, label : str
        What names the group.
    source : dict
        File, content hash, target and task of a CSV data set; empty for the others.
    role : str
        Part of the design in the verdict, empty for none.
    activation : str
    activation_parameters, circuit_parameters : dict
        Those of this design alone.
    layers : tuple of int
    mode : str
        ``training`` or ``inference``.
    given_weights : dict
        What identifies given weights; empty where circuits are trained.
    epochs : int
    learning_rate : float
    running_times : tuple of float
        In units of 1/k.
    replicates, n_cells, n_points : int
    summary, network : str
        Where its files are stored.
    chunks : tuple of ChunkEntry
    """

    dataset: Text
    source: dict[str, str]
    circuit: Text
    label: Text
    role: str
    activation: Text
    activation_parameters: Values
    circuit_parameters: Values
    layers: tuple[Count, ...]
    mode: str
    given_weights: dict[str, str]
    epochs: Count
    learning_rate: Amount
    running_times: tuple[Amount, ...]
    replicates: Count
    n_cells: Count
    n_points: Count
    summary: Text
    network: Text
    chunks: tuple[ChunkEntry, ...]

    @property
    def variant(self) -> str:
        """Name of the circuit and activation label, as in paths."""
        return self.name.removeprefix(f"{self.dataset}-")

    @property
    def name(self) -> str:
        """Data set, name of the circuit and activation label, as in file names."""
        # A circuit of the user's own is asked for as module:NAME, and its files are called by its own name.
        return PurePosixPath(self.summary).stem


@dataclass(frozen=True)
class PlanFile:
    """The content of ``plan.json``.

    Attributes
    ----------
    sweep : str
        Name of the sweep.
    title : str
    config_path : str
        Name of the sweep file, kept for the report.
    config : dict
        The whole configuration as plain data; `crnsim.sweep.config.read.validate` judges it.
    code_hash : str
        Of the library that made the plan.
    groups : tuple of GroupEntry
    n_points : int
    estimated_core_seconds : float
        On the machine of the authors.
    """

    sweep: Text
    title: str
    config_path: str
    config: dict[str, Any]
    code_hash: Text
    groups: tuple[GroupEntry, ...]
    n_points: Count
    estimated_core_seconds: Amount

    def chunks(self) -> Iterator[ChunkEntry]:
        """Yield the chunks of all groups, in order."""
        for group in self.groups:
            yield from group.chunks

    @cached_property
    def chunk_by_key(self) -> dict[str, ChunkEntry]:
        """The chunks by their key in full."""
        return {chunk.key: chunk for chunk in self.chunks()}

    @property
    def workers(self) -> int:
        """Dask workers for one chunk."""
        return int(self.config["chunks"]["workers"])

    @property
    def claims(self) -> str | None:
        """Paper whose claims the report judges."""
        return self.config.get("claims")

    @property
    def smoothing(self) -> dict[str, float]:
        """Smoothing h by activation label, where the sweep file gives it."""
        activations = self.config.get("activations", {})
        return {
            label: float(given["h"]) for label, given in activations.items() if given.get("h") is not None
        }

    @property
    def own_code(self) -> list[str]:
        """Names ``module:Name`` that the configuration gives: code of its maker's own."""
        found: list[str] = []
        rest: list[Any] = [self.config]
        while rest:
            value = rest.pop()
            inner = [*value, *value.values()] if isinstance(value, dict) else value
            rest += inner if isinstance(inner, list) else []
            found += [value] if isinstance(value, str) and _OWN.fullmatch(value) else []
        return sorted(set(found))

    @classmethod
    def from_json(cls, text: str) -> PlanFile:
        """Read the text of a plan, and check it once so that nobody who uses it need ask.

        Raises
        ------
        ValueError
            It is not JSON, or a field is missing or has another type.
        """
        plan = _adapter().validate_json(text, strict=True)
        try:
            if plan.workers < 1:
                raise ValueError("config.chunks.workers must be 1 or more")
            _ = plan.smoothing
            for group in plan.groups:
                for chunk in group.chunks:
                    _check_chunk(group, chunk)
        except (KeyError, TypeError, AttributeError, OverflowError) as error:
            raise ValueError(f"config: {error}") from None
        return plan

    def to_json(self) -> str:
        """Return the text of ``plan.json``: the same plan gives the same bytes."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _check_chunk(group: GroupEntry, chunk: ChunkEntry) -> None:
    """Raise ValueError unless a chunk holds points of its group."""
    for part, (first, end), most in (
        ("cells", chunk.cells, group.n_cells),
        ("replicates", chunk.replicates, group.replicates),
    ):
        if not first < end <= most:
            raise ValueError(f"chunk {chunk.key} of {group.dataset}: {part} {first} to {end} of {most}")


@lru_cache(maxsize=1)
def _adapter() -> TypeAdapter[PlanFile]:
    return TypeAdapter(PlanFile)


def read_plan_file(path: str | Path) -> PlanFile:
    """Read ``plan.json`` without rebuilding its points.

    Raises
    ------
    InputError
        There is no such file.
    DamagedFileError
        The file is not a plan.
    """
    try:
        stamp = Path(path).stat().st_mtime_ns
    except OSError:
        raise InputError(f"{path}: there is no such plan; 'crnsim plan CONFIG -o {path}' makes it") from None
    return _read(str(path), stamp)


@lru_cache(maxsize=4)
def _read(path: str, stamp: int) -> PlanFile:
    """Read a plan once for each time it was written; a workflow asks for each of thousands of chunks."""
    try:
        return PlanFile.from_json(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise DamagedFileError(
            f"{path}: not a plan of crnsim, or damaged; delete it and run the same command again"
        ) from None
