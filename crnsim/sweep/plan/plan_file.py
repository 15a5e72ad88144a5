"""The file plan.json: what it holds, how it is read, checked and written."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from pydantic import Field, TypeAdapter

from crnsim.entrance.files import NotReadableError, NotTextError, NotThereError, check_path, read_text
from crnsim.entrance.limits import LARGEST_PLAN, MOST_POINTS_EVER, MOST_WORKERS
from crnsim.errors import DamagedFileError, InputError

Count = Annotated[int, Field(ge=0)]
Amount = Annotated[float, Field(ge=0)]
#: No name or path has a NUL in it.
Text = Annotated[str, Field(pattern=r"^[^\x00]*$")]
Values = dict[str, float | str]
_OWN = re.compile(r"[\w.]+:\w+")
_SWEEP = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,79}", re.ASCII)
_GROUP = re.compile(r"[A-Za-z0-9_]+-[A-Za-z0-9_]+-[A-Za-z0-9_]+", re.ASCII)
_KEY = re.compile(r"[0-9a-f]{32}")


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
    look : int
        First look at the sweep that needs it; 1 where replicates are not added.
    """

    key: Text
    path: Text
    n_points: Count
    n_cells: Count
    cells: tuple[Count, Count]
    replicates: tuple[Count, Count]
    estimated_core_seconds: Amount
    estimated_mb: Count
    look: Count = 1


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
    tuned : dict
        How the learning rate was chosen, see `crnsim.sweep.plan.groups.Group`; empty where it was not.
    epochs : int
    learning_rate : float
    running_times : tuple of float
        In units of 1/k.
    replicates, n_cells, n_points : int
        Where replicates are added: those that a cell may have, and all points that may be wanted.
    summary, network : str
        Where its files are stored.
    chunks : tuple of ChunkEntry
    looks : tuple of int
        Where replicates are added: those of a cell at each look, at most; empty else.
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
    tuned: Values
    epochs: Count
    learning_rate: Amount
    running_times: tuple[Amount, ...]
    replicates: Count
    n_cells: Count
    n_points: Count
    summary: Text
    network: Text
    chunks: tuple[ChunkEntry, ...]
    looks: tuple[Count, ...] = ()

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
    def n_looks(self) -> int:
        """How often the sweep is looked at, at most: once where no replicates are added."""
        return max((len(group.looks) for group in self.groups), default=1) or 1

    @property
    def schedule(self) -> dict[str, tuple[int, ...]]:
        """Replicates of a cell at each look, by data set; empty where none are added."""
        if self.n_looks == 1:
            return {}
        return {group.dataset: group.looks or (group.replicates,) for group in self.groups}

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
        return sorted({word for word in words_in(self.config) if _OWN.fullmatch(word)})

    @property
    def data_files(self) -> list[str]:
        """Files of data, weights, networks and learning rates that the plan names."""
        named = [
            source.get("file")
            for group in self.groups
            for source in (group.source, group.given_weights, group.tuned)
        ]
        for key in ("network", "tuned"):
            file = self.config.get(key)
            if isinstance(file, str) and not _OWN.fullmatch(file):
                named.append(file)
        return sorted({str(file) for file in named if file is not None})

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
            if not 1 <= plan.workers <= MOST_WORKERS:
                raise ValueError(f"config.chunks.workers must be 1 to {MOST_WORKERS}")
            _ = plan.smoothing
            _check_sweep(plan)
        except (KeyError, TypeError, AttributeError, OverflowError) as error:
            raise ValueError(f"config: {error}") from None
        return plan

    def to_json(self) -> str:
        """Return the text of ``plan.json``: the same plan gives the same bytes."""
        plain = asdict(self)
        for group in plain["groups"]:
            if not group["looks"]:  # a sweep without looks says nothing of them
                for part in (group, *group["chunks"]):
                    part.pop("looks", None)
                    part.pop("look", None)
        return json.dumps(plain, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def words_in(value: Any) -> Iterator[str]:
    """Yield every text of nested lists and mappings, keys among them."""
    rest = [value]
    while rest:
        one = rest.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            rest += [*one, *one.values()]
        elif isinstance(one, list):
            rest += one


def _check_sweep(plan: PlanFile) -> None:
    """Raise ValueError unless a plan is one that `crnsim plan` could have written: counts add up, paths follow."""
    if not _SWEEP.fullmatch(plan.sweep):
        raise ValueError(f"sweep {plan.sweep!r}")
    if not plan.groups:
        raise ValueError("no groups")
    keys: set[str] = set()
    for group in plan.groups:
        place = PurePosixPath("results", plan.sweep)
        name = f"{group.dataset}-{group.variant}"
        if not (_GROUP.fullmatch(name) and group.variant.endswith(f"-{group.label}")):
            raise ValueError(f"group {name!r}")
        if group.summary != str(place / "summary" / f"{name}.nc"):
            raise ValueError(f"summary {group.summary!r}")
        if group.network != str(place / "networks" / f"{name}.nc"):
            raise ValueError(f"network {group.network!r}")
        _check_looks(group)
        if not group.looks and group.n_points != group.n_cells * group.replicates:
            raise ValueError(f"{name}: {group.n_points} points")
        if sum(chunk.n_points for chunk in group.chunks) != group.n_points:
            raise ValueError(f"{name}: its chunks do not hold its points")
        folder = place / "chunks" / group.dataset / group.variant
        for chunk in group.chunks:
            _check_chunk(group, chunk)
            if not _KEY.fullmatch(chunk.key) or chunk.key in keys:
                raise ValueError(f"{name}: the key {chunk.key!r}")
            if chunk.path != f"{folder}/{chunk.key}.nc":
                raise ValueError(f"{name}: the path {chunk.path!r}")
            keys.add(chunk.key)
    if plan.n_points != sum(group.n_points for group in plan.groups) or plan.n_points > MOST_POINTS_EVER:
        raise ValueError(f"{plan.n_points} points")


def _check_looks(group: GroupEntry) -> None:
    """Raise ValueError unless looks see more and more, and each chunk is that of one look."""
    if group.looks and (len(group.looks) < 2 or group.looks[-1] != group.replicates):
        raise ValueError(f"{group.name}: looks {group.looks}")
    if any(later <= before for before, later in pairwise((0, *group.looks))):
        raise ValueError(f"{group.name}: looks {group.looks}")
    for chunk in group.chunks:
        if not 1 <= chunk.look <= max(len(group.looks), 1):
            raise ValueError(f"chunk {chunk.key}: look {chunk.look}")
        before, last = (0, *group.looks)[chunk.look - 1], (*group.looks, group.replicates)[chunk.look - 1]
        if not before <= chunk.replicates[0] < chunk.replicates[1] <= last:
            raise ValueError(f"chunk {chunk.key}: look {chunk.look}")
    first = sum(chunk.n_points for chunk in group.chunks if chunk.look == 1)
    if group.looks and first != group.n_cells * group.looks[0]:
        raise ValueError(f"{group.name}: {first} points of the first look")


def _check_chunk(group: GroupEntry, chunk: ChunkEntry) -> None:
    """Raise ValueError unless a chunk holds points of its group."""
    cells, replicates = chunk.cells[1] - chunk.cells[0], chunk.replicates[1] - chunk.replicates[0]
    if (chunk.n_cells, chunk.n_points) != (cells, cells * replicates):
        raise ValueError(f"chunk {chunk.key}: {chunk.n_points} points of {chunk.n_cells} cells")
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
        stamp = check_path(path, "plan").stat().st_mtime_ns
    except OSError:
        raise InputError(f"{path}: there is no such plan; 'crnsim plan CONFIG -o {path}' makes it") from None
    return _read(str(path), stamp)


@lru_cache(maxsize=4)
def _read(path: str, stamp: int) -> PlanFile:
    """Read a plan once for each time it was written; a workflow asks for each of thousands of chunks."""
    try:
        return PlanFile.from_json(read_text(path, LARGEST_PLAN))
    except NotTextError:
        raise _no_plan(path) from None
    except (NotThereError, NotReadableError):
        raise
    except (ValueError, RecursionError):
        raise _no_plan(path) from None


def _no_plan(path: str) -> DamagedFileError:
    """Return the error for a file that is no plan; one with another name may be anything, and good."""
    if PurePosixPath(path).name == "plan.json":
        return DamagedFileError(
            f"{path}: not a plan of crnsim, or damaged; delete it and run the same command again"
        )
    return DamagedFileError(f"{path}: not a plan of crnsim; give the plan.json that 'crnsim plan' wrote")
