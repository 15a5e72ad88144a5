"""Read merged summaries into designs: scores by condition and by replicate."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from crnsim.metrics.learning_rates import Rate, rate_of
from crnsim.noise.kinds import KINDS
from crnsim.outcomes import FAILED, OK, OUTCOMES
from crnsim.store.attributes import layers_of, parameters_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import xarray as xr


class Level(NamedTuple):
    """One noise level: the kinds that act, joined by ``+`` (``"none"`` for none), and the magnitude of each."""

    kind: str
    magnitudes: tuple[float, ...] = ()

    def of(self, kind: str) -> float:
        """Magnitude of one kind, 0 where it does not act."""
        return dict(zip(self.kind.split("+"), self.magnitudes, strict=False)).get(kind, 0.0)

    @property
    def magnitude(self) -> float:
        """The magnitude of a single kind, 0 without noise, nan where kinds are crossed."""
        if self.kind == "none":
            return 0.0
        return self.magnitudes[0] if len(self.magnitudes) == 1 else math.nan


class Condition(NamedTuple):
    """What the runs in one cell of the sweep grid have in common; they differ in their replicate alone."""

    running_time: float
    level: Level


QUIET = Level("none")


@dataclass(frozen=True)
class Design:
    """One (data set, circuit, activation) of a sweep: its scores by condition and replicate.

    `fidelity` says how close each run's answers are to those of the algebraic network with the same weights: the
    share of test samples answered alike, or 1 - abs(score - algebraic score) where that was not stored; nan
    where neither is known. `measured` has by name what else a paper's claims are about, of the runs that ended ok:
    ``output_error``, and ``stopped`` of a circuit with a clock. `rate` is its learning rate, None where nothing is
    trained.
    """

    dataset: str
    circuit: str
    label: str
    role: str
    seed: int
    h: float
    h_eff: float
    activation: str
    layers: tuple[int, ...]
    scores: dict[Condition, dict[tuple[int, int], float]]
    outcomes: dict[Condition, dict[str, int]]
    means: dict[Condition, dict[str, float]]
    fidelity: dict[Condition, dict[tuple[int, int], float]]
    measured: dict[str, dict[Condition, dict[tuple[int, int], float]]] = field(default_factory=dict)
    rate: Rate | None = None

    def repeats(self, condition: Condition) -> bool:
        """Whether all replicates are one run under a condition: those of a network of the user's own without noise."""
        return self.circuit == "network" and condition.level == QUIET

    @property
    def running_times(self) -> list[float]:
        """All running times, ascending."""
        return sorted({condition.running_time for condition in self.scores})

    @property
    def kinds(self) -> list[str]:
        """Kinds of noise that were run, crossed ones too."""
        levels = {condition.level for condition in self.scores} - {QUIET}
        return in_order(kind for level in levels for kind in level.kind.split("+"))

    def curve(self, running_time: float, kind: str) -> list[Condition]:
        """Return the conditions of one noise axis with magnitudes ascending, the noise-free one first."""
        found = [c for c in self.scores if c.running_time == running_time and c.level.kind in ("none", kind)]
        return sorted(found, key=lambda condition: condition.level.magnitude)

    def matrix(self, conditions: Sequence[Condition], replicates: Sequence[tuple[int, int]]) -> np.ndarray:
        """Return scores ``(condition, replicate)``, nan where a point is missing."""
        rows = [
            [self.scores.get(condition, {}).get(key, math.nan) for key in replicates]
            for condition in conditions
        ]
        return np.array(rows, dtype=float).reshape(len(conditions), len(replicates))

    def replicates(self, conditions: Sequence[Condition]) -> list[tuple[int, int]]:
        """Return every (seed, replicate) that occurs in one of `conditions`, ascending."""
        return sorted(set().union(*(self.scores.get(condition, {}) for condition in conditions)))

    def common_replicates(self, conditions: Sequence[Condition]) -> list[tuple[int, int]]:
        """Return every (seed, replicate) that occurs in all of `conditions`, ascending; where none does, in any.

        Differences between cells are those of the same replicates, though some cells may have more of them.
        """
        common = set.intersection(*(set(self.scores.get(condition, {})) for condition in conditions))
        return sorted(common) or self.replicates(conditions)


def read_design(summary: xr.Dataset, smoothing: Mapping[str, float] | None = None) -> Design:
    """Read a merged summary into scores by condition and replicate.

    Parameters
    ----------
    summary : xarray.Dataset
        One merged summary (dimension ``point``), see docs on the file format.
    smoothing : mapping of str to float, optional
        Smoothing h by activation label, where the summary's own parameters do not tell it.

    Returns
    -------
    Design
        Every run that is not ``ok`` scores 0 here, whatever the file says: none can vanish from a mean.
    """
    label = str(summary.attrs.get("activation_label", summary.attrs.get("activation", "")))
    status = outcome_names(summary)
    raw = np.where(status == OUTCOMES[OK], np.nan_to_num(summary["score"].values), 0.0)
    conditions: dict[Condition, list[int]] = {}
    for index, condition in enumerate(point_conditions(summary)):
        conditions.setdefault(condition, []).append(index)
    keys = list(zip(summary["seed"].values.tolist(), summary["replicate"].values.tolist(), strict=True))
    own = parameters_of(summary).get("h", math.nan)
    known = (smoothing or {}).get(label, math.nan if isinstance(own, str) else own)
    h_eff = smoothing_at_work(summary)
    return Design(
        dataset=str(summary.attrs["dataset"]),
        circuit=str(summary.attrs.get("circuit", "")),
        label=label,
        role=str(summary.attrs.get("role", "")),
        seed=min((seed for seed, _ in keys), default=0),
        h=float(known) if math.isfinite(known) else h_eff,
        h_eff=h_eff,
        activation=str(summary.attrs.get("activation", "")),
        layers=tuple(layers_of(summary)),
        scores=_by_key(raw, conditions, keys),
        outcomes={
            c: {name: int((status[i] == name).sum()) for name in OUTCOMES} for c, i in conditions.items()
        },
        means={condition: _condition_means(summary, indices) for condition, indices in conditions.items()},
        fidelity=_by_key(_fidelity(summary, raw, status == OUTCOMES[OK]), conditions, keys),
        rate=rate_of(summary),
        measured={name: _by_key(values, conditions, keys) for name, values in _measured(summary).items()},
    )


def first_replicates(summary: xr.Dataset, replicates: int | None) -> xr.Dataset:
    """Return the points of a summary up to a number of replicates, without what only pages show; all for None."""
    if replicates is None:
        return summary
    points = summary.drop_dims([dim for dim in summary.dims if dim != "point"])
    return points.isel(point=np.flatnonzero(points["replicate"].values < replicates))


def _measured(summary: xr.Dataset) -> dict[str, np.ndarray]:
    """What else claims are about, by point; of a circuit with a clock also whether it had reason to stop.

    It had, if the error of its final weights is at most twice the threshold, which it sees through its own account.
    """
    found = {n: summary[n].values.astype(float) for n in ("output_error", "stopped") if n in summary}
    threshold = parameters_of(summary).get("threshold")
    if "stopped" in found and "final_error" in summary and isinstance(threshold, float):
        below = summary["final_error"].values <= 2.0 * threshold
        found["stopped_with_reason"] = np.where(below, found["stopped"], 0.0)
    return found


def _by_key(
    values: np.ndarray, conditions: Mapping[Condition, Sequence[int]], keys: Sequence[tuple[int, int]]
) -> dict[Condition, dict[tuple[int, int], float]]:
    return {
        condition: {keys[i]: float(values[i]) for i in indices} for condition, indices in conditions.items()
    }


def _fidelity(summary: xr.Dataset, score: np.ndarray, ok: np.ndarray) -> np.ndarray:
    """Return how close every run is to the algebraic network, 0 for a run that is not ok."""
    if "agreement" in summary:
        close = summary["agreement"].values.astype(float)
    elif "algebraic_score" in summary:
        close = 1.0 - np.abs(score - summary["algebraic_score"].values)
    else:
        close = np.full(score.shape, math.nan)
    return np.where(ok, close, 0.0)


def point_conditions(summary: xr.Dataset) -> list[Condition]:
    """Return the condition of every point, in the order of the file."""
    kinds = [str(kind) for kind in summary["noise_kind"].values.tolist()]
    swept = {name for kind in kinds if kind != "none" for name in kind.split("+")}
    columns = {name: summary[f"noise_{name}"].values.tolist() for name in swept}
    levels = [
        QUIET if kind == "none" else Level(kind, tuple(columns[name][i] for name in kind.split("+")))
        for i, kind in enumerate(kinds)
    ]
    return [
        Condition(time, level)
        for time, level in zip(summary["running_time"].values.tolist(), levels, strict=True)
    ]


def in_order(kinds: Iterable[str]) -> list[str]:
    """Return kinds of noise, each once: those built in in the order of the documentation, then others by name."""
    found = set(kinds)
    return [*(kind for kind in KINDS if kind in found), *sorted(found - set(KINDS))]


def outcome_names(summary: xr.Dataset) -> np.ndarray:
    """Return the outcome of every point as a word, through the flags of the file."""
    attrs = summary["status"].attrs
    names = str(attrs.get("flag_meanings", " ".join(OUTCOMES))).split()
    flags = np.atleast_1d(attrs.get("flag_values", np.arange(len(names)))).tolist()
    words = dict(zip(flags, names, strict=True))
    return np.array(
        [words.get(flag, OUTCOMES[FAILED]) for flag in summary["status"].values.tolist()], dtype=object
    )


def _condition_means(summary: xr.Dataset, indices: Sequence[int]) -> dict[str, float]:
    """Return the means over runs that gave a number, and the median h_eff, of one condition."""
    means = {}
    for name in ("accuracy", "nrmse", "algebraic_score", "stopped"):
        values = summary[name].values[list(indices)] if name in summary else np.array([math.nan])
        values = np.sort(values[np.isfinite(values)])  # so that the order of the points leaves no trace
        means[name] = float(values.mean()) if values.size else math.nan
    return means | {"h_eff": median_of(summary, "h_eff", indices)}


def median_of(summary: xr.Dataset, name: str, indices: Sequence[int]) -> float:
    """Return the median of a variable over the points that have it, nan where none has."""
    values = summary[name].values[list(indices)] if name in summary else np.array([])
    values = values[np.isfinite(values)]
    return float(np.median(values)) if values.size else math.nan


def smoothing_at_work(summary: xr.Dataset) -> float:
    """Return the effective smoothing of a design, which its sharpness is judged by.

    Returns
    -------
    float
        The median of ``h_eff`` over all runs without noise that have one, of every running time and replicate; over
        all runs where none is without noise; nan where no run has one.
    """
    quiet = np.flatnonzero(summary["noise_kind"].values == QUIET.kind).tolist()
    return median_of(summary, "h_eff", quiet or range(summary.sizes["point"]))


def condition_order(condition: Condition) -> tuple[Any, ...]:
    """Sort key of conditions: running time, then noise-free, then the kinds in the order of the documentation."""
    kind = condition.level.kind
    rank = -1 if kind == "none" else KINDS.index(kind) if kind in KINDS else len(KINDS)
    return (condition.running_time, rank, *condition.level)


def key_columns(design: Design, condition: Condition | None = None) -> dict[str, Any]:
    """Return the columns that say which design, and under which condition, a row of a table is about."""
    names: dict[str, Any] = {
        "dataset": design.dataset,
        "circuit": design.circuit,
        "activation": design.label,
        "role": design.role,
    }
    if condition is None:
        return names
    level = condition.level
    return names | {
        "running_time": condition.running_time,
        "noise_kind": level.kind,
        "magnitude": level.magnitude,
        **{f"noise_{kind}": level.of(kind) for kind in in_order((*KINDS, *design.kinds))},
    }
