"""Computes a random sample of stored points again and compares all that is stored of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from crnsim import __version__, provenance
from crnsim.errors import CrnsimError, InputError, suggest
from crnsim.experiment.command import command as repeating_command
from crnsim.noise.streams import generator
from crnsim.outcomes import COUNTS, OK, OUTCOMES, WORKER_KILLED
from crnsim.provenance import code_hash
from crnsim.store.points import read_points, with_all_magnitudes
from crnsim.sweep.inspect.folder import ResultsFolder
from crnsim.sweep.plan.plan import read_whole_plan
from crnsim.sweep.run.chunk_files import Account, check_account, list_chunks, read_account
from crnsim.sweep.run.merge import check_chunk

if TYPE_CHECKING:
    import xarray as xr

    from crnsim.experiment.point import Point
    from crnsim.sweep.plan.groups import Chunk, Group
    from crnsim.sweep.plan.plan import Plan

#: Verdicts on a point.
SAME, CLOSE, DIFFERENT, UNKNOWN = "same bits", "within tolerance", "different", "nothing to compare"
#: On another kind of processor values may differ by this share of rtol, in units of the variable's largest value.
#: Trainings that differ at first by one rounding were at most 2e-4 rtol apart at the end (`benchmarks/rounding.py`).
SHARE_OF_RTOL = 0.1
#: But never by less than this, which float32 needs.
LEAST = 1e-6
#: Counts of steps may differ by this much, and this share: one step refused on one processor and not on the other.
STEPS, STEPS_SHARE = 10, 0.01
#: Of a classification these count samples; a sample at the margin may fall on either side.
COUNTING = ("score", "accuracy", "agreement", "algebraic_score", "algebraic_accuracy", "test_score")


@dataclass(frozen=True)
class Sample:
    """One point to compute again, and where it is stored."""

    group: Group
    chunk: Chunk
    path: Path
    point: Point


@dataclass(frozen=True)
class Comparison:
    """A stored point beside the same point computed now.

    Attributes
    ----------
    sample : Sample
    verdict : str
        `SAME`, `CLOSE`, `DIFFERENT` or `UNKNOWN`.
    stored, computed : float
        Scores; nan where there is none.
    inexact_because : str
        Why equal bits were not asked for; empty where they were.
    differences : list of str
        What is not as it should be, a variable each.
    command : str
        What computes the point alone.
    """

    sample: Sample
    verdict: str
    stored: float = math.nan
    computed: float = math.nan
    inexact_because: str = ""
    differences: list[str] = field(default_factory=list)
    command: str = ""


def open_plan(folder: ResultsFolder) -> Plan:
    """Return the plan of a folder, if this version of the library can compute its points again.

    Raises
    ------
    InputError
        The results are those of another version; or a data file is gone or has changed.
    """
    if folder.plan.code_hash != code_hash():
        version = next((v for path in _chunk_files(folder) if (v := _version(path))), "another version")
        raise InputError(
            f"{folder.path}: computed by crnsim {version} (code {folder.plan.code_hash}); numbers of one version "
            f"cannot be verified by another, and this is {__version__} (code {code_hash()})"
        )
    return read_whole_plan(folder.plan_file).seen(folder.looks)


def _chunk_files(folder: ResultsFolder) -> Iterator[Path]:
    for _, chunks in folder.entries():
        yield from (path for _, path in chunks if path.exists())


def _version(path: Path) -> str:
    try:
        return str(read_points(path).attrs.get("code_version", ""))
    except CrnsimError:
        return ""


def choose(folder: ResultsFolder, plan: Plan, count: int, seed: int, group: str = "") -> list[Sample]:
    """Choose stored points at random: the groups in turn, each point once, the same ones for the same seed.

    Parameters
    ----------
    folder : ResultsFolder
    plan : Plan
    count : int
        At most so many.
    seed : int
    group : str
        Choose from this group alone.

    Raises
    ------
    InputError
        Nothing is stored yet, or there is no such group.
    """
    entries = {entry.name: chunks for entry, chunks in folder.entries() if group in ("", entry.name)}
    if not entries:
        raise InputError(
            f"there is no group '{group}'; {suggest(group, [entry.name for entry in folder.plan.groups])}"
        )
    queues = []
    for name, chunks in entries.items():
        laid_out, planned = plan.group(name)
        listing = {parent: list_chunks(parent) for parent in {path.parent for _, path in chunks}}
        there = [(c, p) for c, (_, p) in zip(planned, chunks, strict=True) if listing[p.parent].has(p)]
        if there:
            queues.append(_shuffled(laid_out, there, generator(seed, "verify", name)))
    if not queues:
        raise InputError(
            f"no chunk of the sweep {plan.sweep.name} is there yet in {folder.path}; compute one first"
        )
    order = generator(seed, "verify").permutation(len(queues)).tolist()
    turns = [queues[i] for i in order]
    chosen: list[Sample] = []
    while turns and len(chosen) < count:
        for queue in list(turns):
            sample = next(queue, None)
            if sample is None:
                turns.remove(queue)
            elif len(chosen) < count:
                chosen.append(sample)
    return chosen


def _shuffled(
    group: Group, there: Sequence[tuple[Chunk, Path]], random: np.random.Generator
) -> Iterator[Sample]:
    """Yield the points of some chunks in random order."""
    ends = np.cumsum([chunk.n_points for chunk, _ in there])
    for number in random.permutation(int(ends[-1])).tolist():
        index = int(np.searchsorted(ends, number, side="right"))
        chunk, path = there[index]
        cell, replicate = divmod(number - int(ends[index]) + chunk.n_points, chunk.n_points // chunk.n_cells)
        yield Sample(group, chunk, path, group.point(chunk.cells[0] + cell, chunk.replicates[0] + replicate))


def verify(plan: Plan, samples: Sequence[Sample]) -> Iterator[Comparison]:
    """Compute each sample again, alone, and compare; chunks are read once each.

    Raises
    ------
    DamagedFileError
        A chunk is damaged or holds other points than planned.
    """
    from crnsim.experiment.run import run_points

    read: tuple[Path, xr.Dataset] | None = None
    for sample in sorted(samples, key=lambda sample: str(sample.path)):
        if read is None or read[0] != sample.path:
            read = sample.path, read_points(sample.path)
            check_chunk(read[1], sample.path, plan, sample.group, sample.chunk)
            check_account(sample.path)
        stored = _one(read[1], sample.point.key)
        command = repeating_command(sample.point.to_dict())
        if int(stored["status"]) == WORKER_KILLED:
            yield Comparison(
                sample, UNKNOWN, inexact_because="it lost its worker when it was computed", command=command
            )
            continue
        record = [sample.point.key] if "trajectory" in stored else []
        computed = _one(run_points([sample.point], record=record), sample.point.key)
        # A kind of noise that the point does not name had magnitude 0.
        stored, computed = with_all_magnitudes([stored, computed])
        why = _inexact_because(read[1], read_account(sample.path) or Account())
        yield _compared(sample, stored, computed, why, command)


def _one(data: xr.Dataset, key: str) -> xr.Dataset:
    """Return one point, with its trajectories if they are kept."""
    one = data.isel(point=data["point_key"].values.tolist().index(key))
    if "recorded" not in data.dims:
        return one
    recorded = data["recorded"].values.tolist()
    if key in recorded:
        return one.isel(recorded=recorded.index(key))
    return one.drop_dims([d for d in ("recorded", "presentation", "fraction", "species") if d in one.dims])


def _inexact_because(data: xr.Dataset, account: Account) -> str:
    """Say why the bits of a chunk may differ here; nothing where they may not."""
    libraries = data.attrs.get("libraries")
    if libraries != provenance.libraries():
        return (
            f"computed with other libraries: {libraries}"
            if libraries
            else "nobody noted with which libraries"
        )
    if not account.processors:
        return "nobody noted on which kind of processor"
    others = sorted(set(account.processors) - {provenance.processor()})
    return f"computed on another kind of processor: {', '.join(others)}" if others else ""


def _compared(sample: Sample, stored: xr.Dataset, computed: xr.Dataset, why: str, command: str) -> Comparison:
    scores = float(stored["score"]), float(computed["score"])
    differences = bit_differences(stored, computed)
    if not differences:
        return Comparison(sample, SAME, *scores, inexact_because=why, command=command)
    if why:
        differences = tolerance_differences(stored, computed, sample.point.rtol)
        if not differences:
            return Comparison(sample, CLOSE, *scores, inexact_because=why, command=command)
    return Comparison(
        sample, DIFFERENT, *scores, inexact_because=why, differences=differences, command=command
    )


def bit_differences(stored: xr.Dataset, computed: xr.Dataset) -> list[str]:
    """Return a line for each variable whose bits differ; nan is nan, whatever its bits."""
    lines = _layout(stored, computed)
    for name in sorted(set(stored.variables) & set(computed.variables), key=str):
        a, b = stored[name].values, computed[name].values
        if _bits(a) != _bits(b):
            lines.append(f"{name}: {_distance(a, b)}")
    return lines


def _layout(stored: xr.Dataset, computed: xr.Dataset) -> list[str]:
    """Return a line for each variable that only one of them has, and each attribute that differs."""
    lines = [
        f"{name}: not stored" for name in sorted(set(computed.variables) - set(stored.variables), key=str)
    ]
    lines += [
        f"{name}: not computed" for name in sorted(set(stored.variables) - set(computed.variables), key=str)
    ]
    # What is said of the machine and the sweep is no number.
    apart = set(computed.attrs) - {"libraries", "config", "processor", "code_version"}
    return lines + [
        f"attribute {name}: stored {stored.attrs.get(name)}, computed {computed.attrs[name]}"
        for name in sorted(apart)
        if stored.attrs.get(name) != computed.attrs[name]
    ]


def _bits(values: np.ndarray) -> tuple[Any, ...]:
    if values.dtype.kind in "OUT":
        return values.shape, values.astype(str).tolist()
    values = np.ascontiguousarray(values)
    if values.dtype.kind == "f":
        values = np.where(np.isnan(values), values.dtype.type(np.nan), values)
    return values.shape, values.dtype.str, values.tobytes()


def _distance(a: np.ndarray, b: np.ndarray) -> str:
    """Say how far two values are apart."""
    if a.shape != b.shape:
        return f"stored with the shape {a.shape}, computed with {b.shape}"
    if a.dtype.kind in "OUT":
        return f"stored {a.tolist()!r:.60}, computed {b.tolist()!r:.60}"
    if a.dtype != b.dtype:
        return f"stored as {a.dtype}, computed as {b.dtype}"
    if a.ndim == 0:
        return f"stored {a.item()!r}, computed {b.item()!r}"
    same = (a == b) | (np.isnan(a) & np.isnan(b)) if a.dtype.kind == "f" else a == b
    apart = np.abs(a[~same] - b[~same])
    return f"{apart.size} of {a.size} values differ, by up to {apart.max(initial=0.0):.2g}"


def tolerance_differences(stored: xr.Dataset, computed: xr.Dataset, rtol: float) -> list[str]:
    """Return a line for each variable that differs by more than another processor explains.

    Parameters
    ----------
    stored, computed : xarray.Dataset
        One point each.
    rtol : float
        Tolerance of its integration.

    Notes
    -----
    Runs that ended early in the same way are not compared further: a blow-up enlarges a rounding without bound.
    """
    lines = _layout(stored, computed)
    ended = int(stored["status"]), int(computed["status"])
    if ended[0] != ended[1]:
        said = [OUTCOMES[flag] if flag in range(len(OUTCOMES)) else str(flag) for flag in ended]
        return [
            *lines,
            f"status: stored {said[0]}, computed {said[1]}; near the margin a run may end either way",
        ]
    if ended[0] != OK:
        return lines
    for name in sorted(set(stored.data_vars) & set(computed.data_vars), key=str):
        a, b = stored[name].values, computed[name].values
        if a.shape != b.shape or not _within_tolerance(str(name), a, b, rtol, stored):
            lines.append(f"{name}: {_distance(a, b)}")
    exact = [name for name in stored.coords if name in computed.coords]
    return lines + [
        f"{name}: differs" for name in exact if _bits(stored[name].values) != _bits(computed[name].values)
    ]


def _within_tolerance(name: str, a: np.ndarray, b: np.ndarray, rtol: float, stored: xr.Dataset) -> bool:
    if a.dtype.kind not in "fiu":
        return _bits(a) == _bits(b)
    if name in COUNTS:
        return bool(np.all(np.abs(a - b) <= STEPS + STEPS_SHARE * np.abs(a)))
    if a.dtype.kind != "f" or not np.array_equal(np.isnan(a), np.isnan(b)):
        return bool(np.array_equal(a, b))
    scale = float(np.abs(a[~np.isnan(a)]).max(initial=0.0))
    bound = max(SHARE_OF_RTOL * rtol, LEAST) * scale
    if name in COUNTING and "sample" in stored.sizes and not np.isnan(stored["accuracy"].values):
        bound = max(bound, 2.0 / stored.sizes["sample"])
    return bool(np.all(np.abs(a - b)[~np.isnan(a)] <= bound))
