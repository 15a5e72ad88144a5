"""Does the smooth design hold up better? Paired differences with intervals, and when no verdict may be given."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from crnsim import wording
from crnsim.metrics.decisions import paired_t, sign_test
from crnsim.metrics.designs import QUIET, Condition, Design, condition_order, in_order, key_columns
from crnsim.metrics.intervals import finite_mean, mean_interval
from crnsim.metrics.learning_rates import rates_in_words
from crnsim.metrics.looks import confidence, looks
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


#: How far a difference of scores can be from 0, and one of losses.
REACH = {"difference": 1.0, "loss_difference": 2.0}


def _difference(name: str, values: np.ndarray) -> dict[str, Any]:
    """Return a mean difference over replicates, its interval, and its tests."""
    low, high = mean_interval(values, -REACH[name], REACH[name])
    above, below, p_sign = sign_test(values)
    return {
        name: float(finite_mean(values, axis=0)),
        f"{name}_low": low,
        f"{name}_high": high,
        f"{name}_above": above,
        f"{name}_below": below,
        f"{name}_p": paired_t(values),
        f"{name}_p_sign": p_sign,
    }


def _per_replicate(paired: Paired) -> dict[str, np.ndarray]:
    """Return both differences of each replicate, where they are known."""
    if not len(paired.smooth):
        return dict.fromkeys(REACH, np.zeros(0))
    scores = (paired.smooth - paired.baseline).mean(axis=0)
    losses = (paired.baseline - paired.smooth + paired.smooth_before - paired.baseline_before).mean(axis=0)
    return {"difference": scores, "loss_difference": losses[np.isfinite(losses)]}


def _differences(paired: Paired) -> dict[str, Any]:
    """Return score and loss differences (smooth minus baseline), averaged over conditions, with intervals."""
    losses = (paired.smooth_before - paired.smooth, paired.baseline_before - paired.baseline)
    result: dict[str, Any] = {"replicates": paired.replicates}
    for name, values in _per_replicate(paired).items():
        result |= _difference(name, values)
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
                key_columns(smooth, condition) | _compared_columns(smooth, baseline) | _differences(paired)
            )


def verdict_rows(smooth: Design, baseline: Design) -> Iterator[dict[str, Any]]:
    """Yield one row per kind of stress, without its verdict, which depends on all rows of a report: see `replay`.

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
        row |= _differences(paired) if paired.replicates else nothing_paired()
        row |= {f"noise_free_{name}": _quiet_score(d, quiet) for name, d in _sides(smooth, baseline)}
        row |= {"smooth_h": smooth.h, "baseline_h_eff": baseline.h_eff}
        row["learning_rates"] = rates_in_words(smooth, baseline)
        row["reason"] = "; ".join([*obstacles(row), *sharpness_obstacles(row)])
        yield row | {"values": _per_replicate(paired)}


def mark_best(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rows of `verdict_rows` with a column ``best``: 1 for the best design of its role under each stress.

    The best is the one with the highest mean score over the cells of the verdict and the noise-free one. It is
    chosen in hindsight, from the scores that the verdict is about, and each stress may choose another: so its interval
    is made to hold for all that it was chosen from, whose number is the column ``candidates``.
    """
    best: dict[tuple[str, ...], tuple[float, str]] = {}
    candidates: Counter[tuple[str, ...]] = Counter()
    for row in rows:
        score = _overall(row)
        candidates[_comparison_key(row)] += not math.isnan(score)
        if not math.isnan(score) and score > best.get(_comparison_key(row), (-math.inf, ""))[0]:
            best[_comparison_key(row)] = (score, row["compared_with"])
    for row in rows:  # where nothing was run, the first of the role speaks for it
        best.setdefault(_comparison_key(row), (math.nan, row["compared_with"]))
    return [
        row
        | {"best": int(best[_comparison_key(row)][1] == row["compared_with"])}
        | {"candidates": max(1, candidates[_comparison_key(row)])}
        for row in rows
    ]


def at_once(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rows of `mark_best` with intervals that hold although a compared design is the best of several.

    They are made at a confidence of 1 - 0.05/m for the best of m: all m of them hold at once in 95 % of reports, so
    that of any one does, whichever is chosen and however (Bonferroni). Other rows stay as they are; but where a sweep
    is looked at more than once those of all m are, since which is the best may change from look to look.
    """
    return [row | (_wider(row) if _chosen_from(row) > 1 else {}) for row in rows]


def _wider(row: dict[str, Any]) -> dict[str, float]:
    ends: dict[str, float] = {}
    for name, values in row["values"].items():
        low, high = mean_interval(values, -REACH[name], REACH[name], confidence=confidence_of(row))
        ends |= {f"{name}_low": low, f"{name}_high": high}
    return ends


def _chosen_from(row: dict[str, Any]) -> int:
    """From how many designs the compared one of a row of `mark_best` is chosen, or may be."""
    return int(row.get("candidates", 1)) if row.get("best") or looks() > 1 else 1


def confidence_of(row: dict[str, Any]) -> float:
    """Return the confidence of the intervals of a verdict row."""
    return 1.0 - (1.0 - confidence()) / _chosen_from(row)


def _comparison_key(row: dict[str, Any]) -> tuple[str, ...]:
    return tuple(row[name] for name in ("dataset", "circuit", "activation", "compared_role", "stress"))


def _overall(row: dict[str, Any]) -> float:
    """Return the mean score of the compared design over the cells of a verdict and the noise-free one."""
    return (row["score_baseline"] * row["cells"] + row["noise_free_baseline"]) / (row["cells"] + 1)


def _sides(smooth: Design, baseline: Design) -> tuple[tuple[str, Design], tuple[str, Design]]:
    return ("smooth", smooth), ("baseline", baseline)


def nothing_paired() -> dict[str, Any]:
    """Return the columns of a comparison that has no pair to go by."""
    names = [f"{n}{end}" for n in REACH for end in ("", "_low", "_high", "_p", "_p_sign")]
    names += [f"{what}_{side}" for what in ("score", "loss") for side in ("smooth", "baseline")]
    counts = [f"{n}_{side}" for n in REACH for side in ("above", "below")]
    return {"replicates": 0} | dict.fromkeys(names, math.nan) | dict.fromkeys(counts, 0)


def _quiet_score(design: Design, quiet: Condition) -> float:
    values = list(design.scores.get(quiet, {}).values())
    return float(np.mean(values)) if values else math.nan


def judge(row: dict[str, Any]) -> str:
    """Return which design of a verdict row does better, if that is decided."""
    return UNDECIDED if row["reason"] else _judge(row, "difference", 1.0)


def judge_loss(row: dict[str, Any]) -> str:
    """Return which design of a verdict row loses less, if that is decided."""
    return UNDECIDED if row["reason"] else _judge(row, "loss_difference", -1.0)


def _judge(row: dict[str, Any], name: str, sign: float) -> str:
    if not row[f"{name}_decided"]:
        return NO_DIFFERENCE
    return BETTER if sign * row[name] > 0 else WORSE


def obstacles(row: dict[str, Any]) -> Iterator[str]:
    """Yield every reason but sharpness why a verdict row can have no verdict (docs/robustness.md)."""
    yield from lasting_obstacles(row)
    if row["cells"]:
        yield from too_few(row["replicates"])


def lasting_obstacles(row: dict[str, Any]) -> Iterator[str]:
    """Yield those of `obstacles` that more replicates are not expected to mend."""
    where = f"without noise at the longest running time ({row['longest_running_time']:g})"
    for label, side in ((row["activation"], "smooth"), (row["compared_with"], "baseline")):
        yield from quiet_obstacles(label, row[f"noise_free_{side}"], where)
    if not row["cells"]:
        yield "no cell that both designs have run"


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
