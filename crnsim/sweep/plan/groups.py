"""From a sweep to its points: groups, cells, and chunks as a pure function of the configuration."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from crnsim.circuits import circuit_kind
from crnsim.experiment.point import Point, mode_of
from crnsim.noise.kinds import NOISE_KINDS
from crnsim.noise.noise import Noise, own_section
from crnsim.sweep.config.open_verdicts import rivals
from crnsim.sweep.config.resolve import design_settings

if TYPE_CHECKING:
    from crnsim.sweep.config.model import Solver, Sweep
    from crnsim.sweep.config.noise_axes import NoiseAxes
    from crnsim.sweep.config.resolve import ResolvedSettings, ResolvedSweep
    from crnsim.sweep.config.tuned import Tuned, TunedDesign


#: Kind of the noise of cells that have none.
NOISE_FREE = "none"


@dataclass(frozen=True)
class Cell:
    """One running time at one noise level; its points differ in their replicate alone."""

    running_time: float
    noise: Noise


@dataclass(frozen=True)
class Chunk:
    """Consecutive cells and a block of replicates of one group: one job, one file.

    Attributes
    ----------
    key : str
        Hash of the points' keys and of those that keep trajectories; names the file.
    cells, replicates : tuple of int
        First and one past the last.
    """

    key: str
    cells: tuple[int, int]
    replicates: tuple[int, int]

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return self.cells[1] - self.cells[0]

    @property
    def n_points(self) -> int:
        """Number of points."""
        return self.n_cells * (self.replicates[1] - self.replicates[0])


@dataclass(frozen=True)
class Group:
    """All points of one data set, circuit and activation: one summary file.

    Attributes
    ----------
    dataset, circuit, label : str
        What names the group; `label` is the activation's in the sweep file.
    role : str
        Its part in the verdict, empty for none.
    activation : str
        Name of the activation.
    activation_parameters : tuple of (str, float or str)
    settings : ResolvedSettings
        Layers, epochs, running times, noise and replicates of the data set.
    cells : tuple of Cell
        Running times from outermost to innermost; the noise-free cell comes first for each.
    recorded : frozenset of (int, int)
        Cell and replicate of each point that keeps its full trajectories.
    source : tuple of (str, str)
        File, content hash, target and task of a CSV data set; empty for the others.
    own_parameters : tuple of (str, float or str)
        Circuit parameters of this design alone.
    weights : tuple of (str, str)
        What identifies given weights; empty where circuits are trained.
    tuned : tuple of (str, float or str)
        How its learning rate was chosen: file and its content hash, number of ``rates`` tried, the ``end`` of them at
        which it lies, and whether it was chosen ``elsewhere``, under other running times or noise. Empty where it was
        not.
    stresses : tuple of str
        Where replicates are added: by cell, the verdict that may ask for more of them, such as ``rates``; ``none`` for
        the cell that all need, empty for a cell that none does. Empty where none are added.
    extent : tuple of int
        Replicates of each cell, where they differ: those that it may have, or those that are wanted so far.
    """

    dataset: str
    circuit: str
    label: str
    role: str
    activation: str
    activation_parameters: tuple[tuple[str, float | str], ...]
    settings: ResolvedSettings
    seed: int
    solver: Solver
    cells: tuple[Cell, ...]
    recorded: frozenset[tuple[int, int]]
    source: tuple[tuple[str, str], ...] = ()
    own_parameters: tuple[tuple[str, float | str], ...] = ()
    weights: tuple[tuple[str, str], ...] = ()
    tuned: tuple[tuple[str, float | str], ...] = ()
    stresses: tuple[str, ...] = ()
    extent: tuple[int, ...] = ()

    @property
    def mode(self) -> str:
        """What is done with its points; see `Point.mode`."""
        return mode_of(self.source, self.weights)

    @property
    def circuit_parameters(self) -> dict[str, float | str]:
        """Parameters of the circuit: the sweep's, those of the data set, and those of the design."""
        return self.settings.circuit_parameters | dict(self.own_parameters)

    @property
    def variant(self) -> str:
        """Name of the circuit and activation label, as in paths."""
        return f"{circuit_kind(self.circuit).name}-{self.label}"

    @property
    def name(self) -> str:
        """Data set, circuit and activation label, as in file names."""
        return f"{self.dataset}-{self.variant}"

    @property
    def n_points(self) -> int:
        """Number of points."""
        return sum(self.extent) if self.extent else len(self.cells) * self.settings.replicates

    def replicates_of(self, cell: int) -> int:
        """Return how many replicates a cell has, at most."""
        return self.extent[cell] if self.extent else self.settings.replicates

    def look_of(self, chunk: Chunk) -> int:
        """Return the first look at the sweep, from 1 on, that needs a chunk."""
        return 1 + sum(seen <= chunk.replicates[0] for seen in self.settings.looks)

    def with_chunks(self, chunks: Iterable[Chunk]) -> Group:
        """Return the group with no more replicates than those of some chunks; unchanged where none are added."""
        if len(self.settings.looks) == 1:
            return self
        counts = [0] * len(self.cells)
        for chunk in chunks:
            for cell in range(*chunk.cells):
                counts[cell] = max(counts[cell], chunk.replicates[1])
        return replace(self, extent=tuple(counts))

    @cached_property
    def _common(self) -> dict[str, object]:
        common: dict[str, object] = {
            "dataset": self.dataset,
            "layers": tuple(self.settings.layers),
            "circuit": self.circuit,
            "circuit_parameters": tuple(sorted(self.circuit_parameters.items())),
            "activation": self.activation,
            "activation_parameters": self.activation_parameters,
            "epochs": self.settings.epochs,
            "learning_rate": self.settings.learning_rate,
            "seed": self.seed,
            "rtol": self.solver.rtol,
            "atol": self.solver.atol,
            "source": self.source,
            "weights": self.weights,
            "method": self.solver.method,
        }
        return common | ({"max_steps": self.solver.max_steps} if self.solver.max_steps else {})

    def point(self, cell: int, replicate: int) -> Point:
        """Return one point."""
        where = self.cells[cell]
        return Point(
            **self._common,  # type: ignore[arg-type]
            running_time=where.running_time,
            noise=where.noise,
            replicate=replicate,
        )

    def points(self, chunk: Chunk | None = None) -> list[Point]:
        """Return the points of a chunk, or of the group: cell by cell, replicates innermost."""
        return [point for cell in self._cells(chunk) for point in self._cell_points(cell, chunk)]

    def _cell_points(self, cell: int, chunk: Chunk | None) -> Iterator[Point]:
        """Yield the points of a cell, which know their keys already."""
        replicates = self._replicates(chunk, cell)
        for replicate, key in zip(replicates, self.cell_keys(cell, replicates), strict=True):
            point = self.point(cell, replicate)
            point.__dict__["key"] = key
            yield point

    def _cells(self, chunk: Chunk | None) -> range:
        return range(*chunk.cells) if chunk else range(len(self.cells))

    def _replicates(self, chunk: Chunk | None, cell: int) -> range:
        return range(*chunk.replicates) if chunk else range(self.replicates_of(cell))

    def cell_keys(self, cell: int, replicates: range) -> Iterator[str]:
        """Yield the keys of replicates of one cell."""
        return self.point(cell, 0).replicate_keys(replicates)

    def keys(self, chunk: Chunk | None = None) -> Iterator[str]:
        """Yield the keys of the points of a chunk, or of the group, in the order of `points`."""
        for cell in self._cells(chunk):
            yield from self.cell_keys(cell, self._replicates(chunk, cell))

    def recorded_keys(self, chunk: Chunk | None = None) -> list[str]:
        """Return the keys of those points of a chunk, or of the group, that keep trajectories."""
        if not self.recorded:
            return []
        points = ((cell, r) for cell in self._cells(chunk) for r in self._replicates(chunk, cell))
        wanted = [point for point in points if point in self.recorded]
        return [self.point(cell, replicate).key for cell, replicate in wanted]

    def describe(self, chunk: Chunk) -> dict[str, object]:
        """Return everything that determines the numbers of a chunk, as plain values."""
        return self._common | {
            "cells": [
                {"running_time": cell.running_time, "noise": cell.noise.settings()}
                for cell in self.cells[slice(*chunk.cells)]
            ],
            "replicates": list(range(*chunk.replicates)),
        }

    def chunks(self, blocks: Iterable[tuple[range, range]]) -> Iterator[Chunk]:
        """Cut the group into chunks.

        Parameters
        ----------
        blocks : iterable of (range, range)
            Cells and replicates of each; see `crnsim.sweep.plan.layout.blocks`.
        """
        for cells, replicates in blocks:
            limits = (cells.start, cells.stop), (replicates.start, replicates.stop)
            yield Chunk(self.chunk_key(Chunk("", *limits)), *limits)

    def chunk_key(self, chunk: Chunk) -> str:
        """Return the hash of what a chunk holds."""
        # Of the text of [[keys of points], [keys of recorded ones]], without having all of it at a time.
        digest = hashlib.blake2b(b"[[", digest_size=16)
        for number, cell in enumerate(self._cells(chunk)):
            text = json.dumps(list(self.cell_keys(cell, self._replicates(chunk, cell))))[1:-1]
            digest.update((f", {text}" if number else text).encode())
        digest.update(f"], {json.dumps(self.recorded_keys(chunk))}]".encode())
        return digest.hexdigest()


def groups(resolved: ResolvedSweep) -> list[Group]:
    """Return the groups of a sweep, data sets outermost, in the order of the sweep file."""
    found, weights, sweep = [], resolved.given_weights, resolved.sweep
    for dataset, settings in resolved.settings.items():
        levels = noise_levels(settings.noise)
        cells = tuple(Cell(time, noise) for time in settings.running_times for noise in levels)
        recorded = (
            frozenset(_recorded(sweep, settings, cells)) if not weights else frozenset[tuple[int, int]]()
        )
        added = rivals(sweep, settings) if len(settings.looks) > 1 else {}
        for label in settings.activations:
            spec = sweep.activations[label]
            given = design_settings(settings, sweep, label, dataset, resolved.sources[dataset])
            choice = resolved.tuned.of(dataset, label) if resolved.tuned else None
            stresses = _stresses(cells) if label in added else ()
            found.append(
                Group(
                    dataset=dataset,
                    circuit=spec.circuit or sweep.circuit,
                    label=label,
                    role=spec.role or "",
                    activation=spec.name,
                    activation_parameters=spec.parameters,
                    settings=replace(given, learning_rate=choice.learning_rate) if choice else given,
                    seed=sweep.seed,
                    solver=sweep.solver,
                    cells=cells,
                    recorded=recorded,
                    source=resolved.sources[dataset],
                    own_parameters=tuple(sorted(spec.circuit_parameters.items())),
                    weights=weights,
                    tuned=_tuned(resolved.tuned, choice, cells) if resolved.tuned and choice else (),
                    stresses=stresses,
                    extent=_most(settings, stresses, cells),
                )
            )
    return found


def tuning_cells(cells: Sequence[Cell]) -> list[int]:
    """Return the cells in which learning rates are compared.

    They are those without noise at every running time, and the largest magnitude of each kind by itself at the longest.
    """
    longest = max(cell.running_time for cell in cells)
    quiet = [index for index, cell in enumerate(cells) if not cell.noise.acting]
    largest: dict[str, int] = {}
    for index, cell in enumerate(cells):
        if cell.running_time == longest and len(cell.noise.acting) == 1:
            best = largest.setdefault(cell.noise.kind, index)
            if _strength(cell) > _strength(cells[best]):
                largest[cell.noise.kind] = index
    return [*quiet, *largest.values()]


def tuning_conditions(cells: Sequence[Cell]) -> tuple[tuple[float, ...], tuple[str, ...]]:
    """Return the running times and the noise, in words, in which learning rates are compared."""
    chosen = [cells[index] for index in tuning_cells(cells)]
    times = tuple(sorted({cell.running_time for cell in chosen}))
    return times, tuple(cell.noise.described for cell in chosen if cell.noise.acting)


def _tuned(tuned: Tuned, choice: TunedDesign, cells: Sequence[Cell]) -> tuple[tuple[str, float | str], ...]:
    elsewhere = (tuple(sorted(choice.running_times)), choice.noise) != tuning_conditions(cells)
    about: dict[str, float | str] = {"file": tuned.file, "sha256": tuned.sha256, "rates": len(choice.rates)}
    return tuple((about | {"end": choice.end, "elsewhere": int(elsewhere)}).items())


def _most(settings: ResolvedSettings, stresses: tuple[str, ...], cells: tuple[Cell, ...]) -> tuple[int, ...]:
    """Return how many replicates each cell may have, where that is not the same for all."""
    if len(settings.looks) == 1:
        return ()
    first, last = settings.looks[0], settings.looks[-1]
    return tuple(last if stress else first for stress in stresses) or (first,) * len(cells)


def _stresses(cells: tuple[Cell, ...]) -> tuple[str, ...]:
    """Return, by cell, the verdict that needs it; see `crnsim.metrics.verdicts.verdict_rows`."""
    from crnsim.metrics.verdicts import SHORT_TIME

    longest = max(cell.running_time for cell in cells)
    found = []
    for cell in cells:
        kind = cell.noise.kind
        if cell.running_time < longest:
            found.append(SHORT_TIME if kind == NOISE_FREE else "")
        else:
            found.append("" if "+" in kind else kind)
    return tuple(found)


def noise_levels(axes: NoiseAxes) -> list[Noise]:
    """Return the noise levels of one running time, the noise-free one first.

    Parameters
    ----------
    axes : NoiseAxes
        Kinds and magnitudes; magnitude 0 is the noise-free level, whatever the kind.
    """
    levels: list[list[dict[str, object]]] = []
    for name, kind in NOISE_KINDS.items():
        section = getattr(axes, name)
        options = (
            {option.keyword: getattr(section, option.name) for option in kind.options} if section else {}
        )
        levels.append([{name: m} | options for m in section.magnitudes if m] if section else [])
    for name, own in axes.own.items():
        levels.append([own_section(name, m, own.model_extra or {}) for m in own.magnitudes if m])
    if axes.cross:
        crossed = itertools.product(*([{}, *kind] for kind in levels))
        return [Noise(**{k: v for level in combination for k, v in level.items()}) for combination in crossed]
    return [Noise(), *(Noise(**level) for kind in levels for level in kind)]


def _recorded(sweep: Sweep, settings: ResolvedSettings, cells: tuple[Cell, ...]) -> Iterator[tuple[int, int]]:
    """Yield cell and replicate of the points that keep trajectories."""
    chosen = sweep.trajectories
    longest = [cell for cell in cells if cell.running_time == max(settings.running_times)]
    if chosen.cells == "all":
        wanted = set(cells)
    elif chosen.cells == "noise-free":
        wanted = {cell for cell in longest if cell.noise.kind == "none"}
    else:
        # The strongest noise of each kind comes last and stays.
        wanted = set({cell.noise.kind: cell for cell in sorted(longest, key=_strength)}.values())
    for index, cell in enumerate(cells):
        if cell in wanted:
            yield from (
                (index, replicate) for replicate in range(min(chosen.replicates, settings.replicates))
            )


def _strength(cell: Cell) -> tuple[float, ...]:
    return tuple(cell.noise.magnitudes.values())
