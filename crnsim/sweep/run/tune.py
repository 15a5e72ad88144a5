"""Choose the learning rate of each design: the best of a few, on replicates that no verdict uses."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from crnsim.entrance.files import NotReadableError, NotThereError, read_text
from crnsim.entrance.limits import LARGEST_LEARNING_RATE, LARGEST_PLAN, LARGEST_SEED, SMALLEST_LEARNING_RATE
from crnsim.errors import InputError, suggest
from crnsim.noise.streams import stream_key
from crnsim.outcomes import OK
from crnsim.provenance import code_hash
from crnsim.sweep.config.tuned_names import described_design
from crnsim.sweep.plan.cost import estimate_seconds
from crnsim.sweep.plan.groups import groups, tuning_cells, tuning_conditions
from crnsim.sweep.plan.layout import task_points
from crnsim.sweep.run.chunk import cut, run_batches

if TYPE_CHECKING:
    import xarray as xr

    from crnsim.experiment.point import Point
    from crnsim.sweep.config.model import Chunks
    from crnsim.sweep.config.resolve import ResolvedSweep
    from crnsim.sweep.plan.groups import Group

#: Learning rates that are tried, as multiples of the design's own.
FACTORS = (0.25, 0.5, 1.0, 2.0, 4.0)
#: How often the best of them may lie at their end, before that is left at it; each time one more is tried beyond.
MOST_BEYOND = 4
#: Mean scores that differ by less are equal.
_ROUNDING = 1e-9


def tuning_seed(seed: int) -> int:
    """Return the seed of the replicates on which learning rates are chosen: no run of the sweep draws from its streams.

    Numbers of replicates beyond those of the sweep would not do, for a sweep may have more of them later.
    """
    return int(stream_key(seed, "tuning of learning rates")[0]) % LARGEST_SEED


@dataclass(frozen=True)
class Trial:
    """One design and the learning rates that are tried with it.

    Attributes
    ----------
    group : Group
        With its own learning rate, the default.
    rates : tuple of float
        Ascending.
    replicates : int
    beyond : int
        How many more may be tried where the best is the least or the largest one.
    """

    group: Group
    rates: tuple[float, ...]
    replicates: int
    beyond: int = 0

    @property
    def default(self) -> float:
        """The learning rate that the design has untuned."""
        return self.group.settings.learning_rate

    def points(self, rate: float) -> list[list[Point]]:
        """Return the points of a learning rate: a list for each cell, of its replicates."""
        settings = replace(self.group.settings, learning_rate=rate, replicates=self.replicates)
        group = replace(
            self.group, settings=settings, seed=tuning_seed(self.group.seed), recorded=frozenset()
        )
        return [
            [group.point(cell, replicate) for replicate in range(self.replicates)]
            for cell in tuning_cells(group.cells)
        ]

    def batches(self, done: Mapping[str, float], chunks: Chunks, workers: int) -> Iterator[list[Point]]:
        """Yield what is still to be computed, in batches that share a learning rate."""
        for rate in self.rates:
            points = [point for cell in self.points(rate) for point in cell if point.key not in done]
            if points:
                seconds = sum(map(estimate_seconds, points)) / len(points)
                yield from cut(points, task_points(chunks, seconds), workers)

    def chosen(self, scores: Mapping[str, float]) -> tuple[float, list[float]]:
        """Return the best learning rate and the mean score of each.

        The mean is over cells, each of which counts once. Of rates that are as good the nearest to the default is
        taken: those that lose to the best, on the same replicates, by no more than one standard error of that.
        """
        found = np.array(
            [
                np.mean([[scores[point.key] for point in cell] for cell in self.points(rate)], axis=0)
                for rate in self.rates
            ]
        )
        means = found.mean(axis=1)
        lost = found[means.argmax()] - found
        error = lost.std(axis=1, ddof=1) / math.sqrt(self.replicates) if self.replicates > 1 else 0.0
        as_good = np.array(self.rates)[lost.mean(axis=1) <= error + _ROUNDING].tolist()
        nearest = min(as_good, key=lambda rate: (round(abs(math.log(rate / self.default)), 9), rate))
        return nearest, means.tolist()

    def wider(self, scores: Mapping[str, float]) -> Trial:
        """Return a trial with one rate more, half the least or twice the largest, where that one is the best."""
        best, _ = self.chosen(scores)
        least, largest = self.rates[0], self.rates[-1]
        if not self.beyond or best not in (least, largest):
            return self
        more = _in_range(least / 2 if best == least else 2 * largest)
        return replace(self, rates=tuple(sorted({*self.rates, *more})), beyond=self.beyond - 1)


def trials(
    resolved: ResolvedSweep,
    *,
    rates: Sequence[float] | None = None,
    replicates: int = 5,
    datasets: Sequence[str] | None = None,
) -> list[Trial]:
    """Return what is to be tried: designs that have a learning rate of their own in the sweep file are left out.

    Parameters
    ----------
    resolved : ResolvedSweep
        Without tuned learning rates.
    rates : sequence of float, optional
        Learning rates of every design, and no others; by default multiples of its own, `FACTORS`, and up to
        `MOST_BEYOND` more, one at a time, where the best of them lies at their end.
    replicates : int
    datasets : sequence of str, optional
        Those of the sweep by default.

    Raises
    ------
    InputError
        Nothing is trained, or a data set is not one of the sweep's.
    """
    sweep = resolved.sweep
    if sweep.mode != "training":
        raise InputError(
            f"{sweep.name}: nothing is trained in this sweep, so there is no learning rate to choose"
        )
    for name in datasets or ():
        if name not in resolved.settings:
            raise InputError(f"{sweep.name} has no data set '{name}'; {suggest(name, resolved.settings)}")
    found = [
        Trial(group, tuple(sorted(rates)), replicates)
        if rates
        else Trial(group, _in_range(*_around(group.settings.learning_rate)), replicates, MOST_BEYOND)
        for group in groups(resolved)
        if (datasets is None or group.dataset in datasets)
        and sweep.activations[group.label].learning_rate is None
    ]
    if not found:
        raise InputError(
            f"{sweep.name}: every design has a learning rate of its own; leave them out to tune it"
        )
    return found


def _around(own: float) -> list[float]:
    return [own * factor for factor in FACTORS]


def _in_range(*rates: float) -> tuple[float, ...]:
    found = [float(f"{rate:.9g}") for rate in rates]
    return tuple(rate for rate in found if SMALLEST_LEARNING_RATE <= rate <= LARGEST_LEARNING_RATE)


def estimated_seconds(tried: Sequence[Trial]) -> float:
    """Return about how many core seconds trials take, on the machine of the authors."""
    return sum(
        len(trial.rates) * trial.replicates * estimate_seconds(cell[0])
        for trial in tried
        for cell in trial.points(trial.default)
    )


def n_points(tried: Sequence[Trial]) -> int:
    """Return the number of runs."""
    return sum(len(cell) for trial in tried for rate in trial.rates for cell in trial.points(rate))


def tune(
    resolved: ResolvedSweep,
    tried: Sequence[Trial],
    *,
    workers: int = 1,
    saved: Path | None = None,
    progress: Callable[[float], None] = lambda share: None,
) -> dict[str, Any]:
    """Run trials and choose.

    Parameters
    ----------
    resolved : ResolvedSweep
    tried : sequence of Trial
    workers : int
        Dask worker processes; 1 computes here.
    saved : Path, optional
        Where scores are kept as they come, so that the next try goes on from there.
    progress : callable
        Called with the share of the runs that are done.

    Returns
    -------
    dict
        What `crnsim.sweep.config.tuned.tuned_text` writes; the same however the work was cut.
    """
    from crnsim import __version__

    scores = _read_saved(saved) if saved else {}
    wider: Sequence[Trial] = tried
    while wider:
        tried = wider
        _run(resolved, tried, scores, workers=workers, saved=saved, progress=progress)
        more = [trial.wider(scores) for trial in tried]
        wider = (
            [] if all(one.rates == before.rates for one, before in zip(more, tried, strict=True)) else more
        )
    designs: dict[str, dict[str, Any]] = {}
    for trial in tried:
        designs.setdefault(trial.group.dataset, {})[trial.group.label] = _chosen(resolved, trial, scores)
    return {
        "crnsim": __version__,
        "sweep": resolved.sweep.name,
        "seed": resolved.sweep.seed,
        "replicates": tried[0].replicates,
        "designs": designs,
    }


def _run(
    resolved: ResolvedSweep,
    tried: Sequence[Trial],
    scores: dict[str, float],
    *,
    workers: int,
    saved: Path | None,
    progress: Callable[[float], None],
) -> None:
    """Run what trials lack, and add to the scores."""
    total = n_points(tried)
    left = [some for trial in tried for some in trial.batches(scores, resolved.sweep.chunks, workers)]
    before = total - sum(map(len, left))
    killed = run_batches(
        left,
        workers=workers,
        progress=lambda done: progress((before + done) / total),
        keep=lambda some, results, seconds: scores.update(_kept(some, results, saved)),
    )
    scores |= dict.fromkeys((point.key for point in killed), 0.0)


def _chosen(resolved: ResolvedSweep, trial: Trial, scores: Mapping[str, float]) -> dict[str, Any]:
    group = trial.group
    rate, means = trial.chosen(scores)
    times, noise = tuning_conditions(group.cells)
    return {
        "learning_rate": rate,
        "default": trial.default,
        "rates": list(trial.rates),
        "scores": [round(mean, 6) for mean in means],
        "running_times": list(times),
        "noise": list(noise),
        "design": described_design(resolved.sweep, group.dataset, group.label, group.settings, group.source),
    }


def _kept(points: Sequence[Point], results: xr.Dataset, saved: Path | None) -> dict[str, float]:
    """Return the scores of a batch, 0 for a run that did not end ok, and write them down."""
    status, values = results["status"].values, results["score"].values
    right = np.where(status == OK, values, 0.0).tolist()
    keys = results["point_key"].values.tolist()
    found = dict(zip(keys, right, strict=True))
    if saved is not None:
        with saved.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps([code_hash(), found]) + "\n")
    return found


def _read_saved(path: Path) -> dict[str, float]:
    """Return scores that an unfinished try has left, of this version of the library; a torn last line is left out."""
    try:
        lines = read_text(path, LARGEST_PLAN).splitlines()
    except (NotThereError, NotReadableError, InputError):
        return {}
    found: dict[str, float] = {}
    for line in lines:
        code, scores = _saved_line(line)
        if code == code_hash():
            found |= {key: score for key, score in scores.items() if 0.0 <= score <= 1.0}
    return found


def _saved_line(line: str) -> tuple[str, dict[str, float]]:
    """Return the version and the scores of a line that a try has left; nothing where it is none, or torn."""
    try:
        code, scores = json.loads(line)
        return str(code), {str(key): float(score) for key, score in scores.items()}
    except (ValueError, TypeError, AttributeError, RecursionError, OverflowError):
        return "", {}


def check_saved(path: Path) -> None:
    """Refuse to go on in a file that no unfinished try has left: it would be written to, and removed at the end.

    Raises
    ------
    InputError
        It is something else, and stays as it is.
    """
    if not os.path.lexists(path):
        return
    ours = path.is_file() and not path.is_symlink()
    if ours:
        try:
            lines = read_text(path, LARGEST_PLAN).splitlines()
            ours = not lines or lines[0].startswith('["')  # the first line may be torn
        except (NotReadableError, InputError):
            ours = False
    if not ours:
        raise InputError(
            f"{path}: what 'crnsim tune' has done is kept there until the end, and it is something else; "
            "move it, or name another output with -o"
        )
