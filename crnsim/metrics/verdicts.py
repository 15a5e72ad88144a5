"""Does the smooth design hold up better? Paired differences with intervals, and when no verdict may be given."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from crnsim import wording
from crnsim.metrics.designs import QUIET, Condition, Design, condition_order, in_order, key_columns
from crnsim.metrics.intervals import bootstrap_means, finite_mean, interval
from crnsim.noise.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SHORT_TIME = "running_time"

ENOUGH_REPLICATES = 10
ENOUGH_SCORE = 0.8
SHARPNESS = 30.0  # a baseline counts as sharp below h/30 of the smooth design (docs/robustness.md)

BETTER, WORSE, NO_DIFFERENCE, UNDECIDED = "smooth", "baseline", "no_difference", "undecided"


class Paired(NamedTuple):
    """Scores of two designs under the same conditions and replicates, and under those they lose from."""

    replicates: int
    smooth: np.ndarray
    baseline: np.ndarray
    smooth_before: np.ndarray
    baseline_before: np.ndarray


def pair(
    smooth: Design, baseline: Design, conditions: Sequence[Condition], before: Sequence[Condition]
) -> Paired:
    """Return the paired scores of two designs under `conditions`, and those under `before` that they lose from.

    Only replicates that both designs have under every one of `conditions` are kept; scores under `before` may be nan.
    """
    keys = sorted(set(smooth.replicates(conditions)) & set(baseline.replicates(conditions)))
    first, second, third, fourth = (
        design.matrix(where, keys) for where in (conditions, before) for design in (smooth, baseline)
    )
    keep = np.isfinite(first).all(axis=0) & np.isfinite(second).all(axis=0)
    return Paired(int(keep.sum()), first[:, keep], second[:, keep], third[:, keep], fourth[:, keep])


def _differences(paired: Paired, smooth: Design) -> dict[str, Any]:
    """Return score and loss differences (smooth minus baseline), averaged over conditions, with intervals."""
    losses = (paired.smooth_before - paired.smooth, paired.baseline_before - paired.baseline)
    per_replicate = np.stack(
        [(paired.smooth - paired.baseline).mean(axis=0), (losses[0] - losses[1]).mean(axis=0)]
    )
    samples = bootstrap_means(per_replicate, seed=smooth.seed, dataset=smooth.dataset)
    means = finite_mean(per_replicate, axis=1)
    result: dict[str, Any] = {"replicates": paired.replicates}
    for name, value, sample in zip(("difference", "loss_difference"), means, samples, strict=True):
        low, high = interval(sample)
        result |= {name: float(value), f"{name}_low": low, f"{name}_high": high}
    for side, scores, loss in (
        ("smooth", paired.smooth, losses[0]),
        ("baseline", paired.baseline, losses[1]),
    ):
        result[f"score_{side}"] = float(finite_mean(scores.ravel(), axis=0))
        result[f"loss_{side}"] = float(finite_mean(loss.ravel(), axis=0))
    return result


def design_pairs(designs: Sequence[Design]) -> list[tuple[Design, Design]]:
    """Return every smooth design with every sharp or baseline one of the same data set and circuit."""
    smooth = [design for design in designs if design.role == "smooth"]
    others = [design for role in ("sharp", "baseline") for design in designs if design.role == role]
    return [(a, b) for a in smooth for b in others if (a.dataset, a.circuit) == (b.dataset, b.circuit)]


def _compared_columns(smooth: Design, baseline: Design) -> dict[str, Any]:
    return key_columns(smooth) | {"compared_with": baseline.label, "compared_role": baseline.role}


def paired_rows(smooth: Design, baseline: Design) -> Iterator[dict[str, Any]]:
    """Yield the paired differences of every common cell.

    A loss is counted from the noise-free cell of the same running time, that of a noise-free cell from the
    longest running time.
    """
    longest = max(smooth.running_times + baseline.running_times)
    for condition in sorted(set(smooth.scores) & set(baseline.scores), key=condition_order):
        before = Condition(longest if condition.level == QUIET else condition.running_time, QUIET)
        paired = pair(smooth, baseline, [condition], [before])
        if paired.replicates:
            yield (
                key_columns(smooth, condition)
                | _compared_columns(smooth, baseline)
                | _differences(paired, smooth)
            )


def verdict_rows(smooth: Design, baseline: Design) -> Iterator[dict[str, Any]]:
    """Yield one verdict per kind of stress.

    Each kind of noise is judged at the longest running time, where both designs are known to work; short
    running time is judged without noise. So no verdict mixes two stresses.
    """
    longest = max(smooth.running_times + baseline.running_times)
    common = set(smooth.scores) & set(baseline.scores)
    swept = {condition.level.kind for design in (smooth, baseline) for condition in design.scores}
    quiet = Condition(longest, QUIET)
    for stress in (*in_order((*KINDS, *smooth.kinds, *baseline.kinds)), SHORT_TIME):
        if stress == SHORT_TIME:
            conditions = [
                condition
                for condition in common
                if condition.level == QUIET and condition.running_time < longest
            ]
            if len(smooth.running_times) < 2 and len(baseline.running_times) < 2:
                continue
        elif stress in swept:
            conditions = [
                condition
                for condition in common
                if condition.level.kind == stress and condition.running_time == longest
            ]
        else:
            continue
        conditions.sort(key=condition_order)
        paired = pair(smooth, baseline, conditions, [quiet] * len(conditions))
        row = _compared_columns(smooth, baseline) | {
            "stress": stress,
            "longest_running_time": longest,
            "cells": len(conditions),
        }
        row |= _differences(paired, smooth) if paired.replicates else nothing_paired()
        row |= {f"noise_free_{name}": _quiet_score(d, quiet) for name, d in _sides(smooth, baseline)}
        row |= {"smooth_h": smooth.h, "baseline_h_eff": baseline.h_eff}
        reasons = [*obstacles(row), *sharpness_obstacles(row)]
        row["verdict"] = UNDECIDED if reasons else judge(row["difference_low"], row["difference_high"])
        row["loss_verdict"] = UNDECIDED if reasons else judge_loss(row)
        row["reason"] = "; ".join(reasons)
        yield row


def mark_best(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return verdict rows with a column ``best``: 1 for the best design of its role under each stress.

    The best is the one with the highest mean score over the cells of the verdict and the noise-free one. It is
    chosen in hindsight, from the scores that the verdict is about, and each stress may choose another: that
    favours the compared side, so a difference in favour of smooth stands although the choice was free.
    """
    best: dict[tuple[str, ...], tuple[float, str]] = {}
    for row in rows:
        score = _overall(row)
        if not math.isnan(score) and score > best.get(_comparison_key(row), (-math.inf, ""))[0]:
            best[_comparison_key(row)] = (score, row["compared_with"])
    for row in rows:  # where nothing was run, the first of the role speaks for it
        best.setdefault(_comparison_key(row), (math.nan, row["compared_with"]))
    return [row | {"best": int(best[_comparison_key(row)][1] == row["compared_with"])} for row in rows]


def _comparison_key(row: dict[str, Any]) -> tuple[str, ...]:
    return tuple(row[name] for name in ("dataset", "circuit", "activation", "compared_role", "stress"))


def _overall(row: dict[str, Any]) -> float:
    """Return the mean score of the compared design over the cells of a verdict and the noise-free one."""
    return (row["score_baseline"] * row["cells"] + row["noise_free_baseline"]) / (row["cells"] + 1)


def _sides(smooth: Design, baseline: Design) -> tuple[tuple[str, Design], tuple[str, Design]]:
    return ("smooth", smooth), ("baseline", baseline)


def nothing_paired() -> dict[str, Any]:
    """Return the columns of a comparison that has no pair to go by."""
    names = [f"{n}{end}" for n in ("difference", "loss_difference") for end in ("", "_low", "_high")]
    names += [f"{what}_{side}" for what in ("score", "loss") for side in ("smooth", "baseline")]
    return {"replicates": 0} | dict.fromkeys(names, math.nan)


def _quiet_score(design: Design, quiet: Condition) -> float:
    values = list(design.scores.get(quiet, {}).values())
    return float(np.mean(values)) if values else math.nan


def judge(low: float, high: float) -> str:
    """Return who does better, from the interval of a difference that is positive where smooth does better."""
    if low > 0:
        return BETTER
    return WORSE if high < 0 else NO_DIFFERENCE


def judge_loss(row: dict[str, Any]) -> str:
    """Return who loses less, from the loss difference of a row, which is negative where smooth does."""
    return judge(-row["loss_difference_high"], -row["loss_difference_low"])


def obstacles(row: dict[str, Any]) -> Iterator[str]:
    """Yield every reason but sharpness why a verdict row can have no verdict (docs/robustness.md)."""
    where = f"without noise at the longest running time ({row['longest_running_time']:g})"
    for label, side in ((row["activation"], "smooth"), (row["compared_with"], "baseline")):
        yield from quiet_obstacles(label, row[f"noise_free_{side}"], where)
    if not row["cells"]:
        yield "no cell that both designs have run"
    else:
        yield from too_few(row["replicates"])


def quiet_obstacles(label: str, score: float, where: str) -> Iterator[str]:
    """Yield why a noise-free score cannot be built on: it is missing, or the design has not learned."""
    if math.isnan(score):
        yield f"{label} has no run {where}"
    elif score < ENOUGH_SCORE - 1e-9:
        yield f"{label} scores only {score:.2f} {where}, {ENOUGH_SCORE:g} is needed"


def too_few(replicates: int) -> Iterator[str]:
    """Yield that there are too few paired replicates, where that is so."""
    if replicates < ENOUGH_REPLICATES:
        yield f"only {wording.plural(replicates, 'paired replicate')}, {ENOUGH_REPLICATES} are needed"


def sharpness_obstacles(row: dict[str, Any]) -> Iterator[str]:
    """Yield why the compared design of a verdict row does not count as sharp, where it does not."""
    label, h_eff, limit = row["compared_with"], row["baseline_h_eff"], row["smooth_h"] / SHARPNESS
    if math.isnan(h_eff) or math.isnan(limit):
        yield f"the sharpness of {label} (h_eff) is not recorded"
    elif not h_eff < limit:
        yield (
            f"{label} is not sharp enough: median h_eff {h_eff:.2g}, "
            f"below h/{SHARPNESS:g} = {limit:.2g} is needed"
        )
