"""Kang and Kim 2025 (doi 10.1063/5.0271766): a smooth activation is insensitive to noise and to the running time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from crnsim.metrics.claims.paper import Claim, Paper
from crnsim.metrics.claims.rows import (
    CONTRADICTED,
    OPEN,
    SUPPORTED,
    blank_row,
    judged_row,
    mean,
    open_row,
    paired_difference,
)
from crnsim.metrics.designs import QUIET, Condition, Design
from crnsim.metrics.verdicts import (
    SHARPNESS,
    SHORT_TIME,
    obstacles,
    quiet_obstacles,
    sharpness_obstacles,
    too_few,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

TOLERATED_LOSS = 0.05  # of score, under the noise that the first claim is judged at
TOLERATED_NOISE = 0.1  # that noise, or the largest magnitude below it that was swept
NOISE_KINDS = ("rates", "static_rates", "concentrations")  # the kinds that the paper speaks of
IF_SWEPT = "static_rates"  # where it was swept: the paper does not say which rates it means

NOISE_KEPT = Claim(
    "noise_kept",
    "Accuracy is kept under noise.",
    f"Score of the smooth design at a magnitude of {TOLERATED_NOISE:g} (or the largest swept below it) minus "
    "its noise-free score, at the longest running time. Supported where the 95 % interval lies above "
    f"\u2212{TOLERATED_LOSS:g}, contradicted where it lies below.",
    reference="itself without noise",
)
RUNNING_TIME = Claim(
    "running_time",
    "Insensitive to the running time, in comparison with a non-smooth activation.",
    "What is kept of the score at the longest running time, without noise, mean over all shorter ones: 1 minus the "
    "loss of the smooth design, minus the same of the best sharp and of the best non-smooth one. Decided where the "
    "95 % interval leaves 0 out and the test does among all verdicts of the report.",
    measure="score kept",
    place="all times below {running_time:g}",
)
NOISE_MAGNITUDE = Claim(
    "noise_magnitude",
    "Insensitive to the magnitude of noise, in comparison with a non-smooth activation.",
    "The same under noise, mean over its magnitudes, at the longest running time.",
    measure="score kept",
    place="magnitudes up to {magnitude:g}, time {running_time:g}",
)


def _judge(designs: Sequence[Design], verdicts: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    smooth = next((design for design in designs if design.role == "smooth"), None)
    if smooth is None:
        for claim in KANG.claims:
            yield open_row(claim, designs[0], "", "no design has the role smooth", of_a_design=False)
        return
    kinds = [kind for kind in NOISE_KINDS if kind != IF_SWEPT or kind in smooth.kinds]
    for kind in kinds:
        yield _noise_kept(smooth, kind)
    mine = [row for row in verdicts if row["activation"] == smooth.label]
    for claim, stresses in ((RUNNING_TIME, (SHORT_TIME,)), (NOISE_MAGNITUDE, kinds)):
        for stress in stresses:
            for role in ("sharp", "baseline"):
                yield _in_comparison(smooth, claim, stress, role, mine)


KANG = Paper(
    name="kang2025",
    citation="Kang and Kim, APL Machine Learning (2025)",
    doi="10.1063/5.0271766",
    remark="The paper's own reactions are not public: this is judged for our circuit.",
    mode="training",
    claims=(NOISE_KEPT, RUNNING_TIME, NOISE_MAGNITUDE),
    judge=_judge,
)


def _noise_kept(smooth: Design, kind: str) -> dict[str, Any]:
    """Judge what the smooth design loses under one kind of noise at the longest running time."""
    longest = smooth.running_times[-1]
    conditions = smooth.curve(longest, kind)
    allowed = [c for c in conditions if 0 < c.level.magnitude <= TOLERATED_NOISE + 1e-12]
    if not allowed:
        swept = any(condition.level.kind == kind for condition in conditions)
        what = f"no magnitude up to {TOLERATED_NOISE:g} was swept" if swept else "not swept"
        return open_row(NOISE_KEPT, smooth, kind, what)
    noisy, quiet = allowed[-1], Condition(longest, QUIET)
    keys = sorted(set(smooth.replicates([noisy])) & set(smooth.replicates([quiet])))
    under, before = smooth.matrix([noisy, quiet], keys)
    measured = paired_difference(under, before, limit=-TOLERATED_LOSS)
    where = f"without noise at the longest running time ({longest:g})"
    reasons = [*quiet_obstacles(smooth.label, mean(before), where), *too_few(measured["replicates"])]
    magnitude = noisy.level.magnitude
    return judged_row(
        NOISE_KEPT, smooth, measured, reasons, running_time=longest, magnitude=magnitude, stress=kind
    )


def _in_comparison(
    smooth: Design, claim: Claim, stress: str, role: str, verdicts: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """Judge the smooth design against the best design of a role, from the verdict table."""
    found = [row for row in verdicts if row["compared_role"] == role]
    best = next((row for row in found if row["stress"] == stress and row["best"]), None)
    if best is None:
        why = f"no design has the role {role}" if not found else _not_swept(stress)
        return open_row(claim, smooth, stress, why) | {"compared_role": role}
    verdict, reason = _comparison(best, role)
    noise = [] if stress == SHORT_TIME else smooth.curve(best["longest_running_time"], stress)
    return (
        blank_row(claim, smooth, stress)
        | {
            key: best[key]
            for key in ("compared_with", "compared_role", "replicates", "cells", "learning_rates")
        }
        | {"difference": -best["loss_difference"], "difference_low": -best["loss_difference_high"]}
        | {"difference_high": -best["loss_difference_low"], "limit": 0.0}
        | {f"loss_difference{end}": best[f"loss_difference{end}"] for end in ("", "_low", "_high")}
        | {"score": 1.0 - best["loss_smooth"], "reference": 1.0 - best["loss_baseline"]}
        | {"running_time": best["longest_running_time"], "measure": claim.measure}
        | {"magnitude": noise[-1].level.magnitude if noise else math.nan}
        | {"verdict": verdict, "reason": reason}
    )


def _not_swept(stress: str) -> str:
    return "only one running time was swept" if stress == SHORT_TIME else "not swept"


def _comparison(best: dict[str, Any], role: str) -> tuple[str, str]:
    """Return the verdict of a comparison, and why it is open or what limits it."""
    reasons, not_sharp = list(obstacles(best)), list(sharpness_obstacles(best))
    # At its best setting a non-smooth activation may be smooth at work. The comparison stands all the same, for
    # it is the claim's own, but a reader must be told. The sharp twin is there for its sharpness alone.
    if role == "sharp":
        reasons += not_sharp
    if reasons:
        return OPEN, "; ".join(reasons)
    remark = _at_work(best) if not_sharp else ""
    if not best["loss_difference_decided"]:
        needed = best["loss_difference_needed"]
        more = f"; about {needed:,} replicates would decide" if needed else ""
        return OPEN, _joined(f"no difference of losses is shown{more}", remark)
    return SUPPORTED if best["loss_difference"] < 0.0 else CONTRADICTED, remark


def _at_work(best: dict[str, Any]) -> str:
    if math.isnan(best["baseline_h_eff"]) or math.isnan(best["smooth_h"]):
        return "non-smooth activation, but how sharp it was at work is not recorded"
    return (
        f"non-smooth activation, but not sharp at work: median h_eff {best['baseline_h_eff']:.2g}, "
        f"h/{SHARPNESS:g} = {best['smooth_h'] / SHARPNESS:.2g}"
    )


def _joined(*parts: str) -> str:
    return "; ".join(filter(None, parts))
