"""Claims of papers, judged for the circuits of a sweep by definitions that were fixed before any data."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from crnsim.robustness.designs import QUIET, Cell, Design, place
from crnsim.robustness.intervals import bootstrap_means, finite_mean, interval
from crnsim.robustness.verdicts import (
    BETTER,
    SHARPNESS,
    SHORT_TIME,
    WORSE,
    dullness,
    judge,
    judge_loss,
    obstacles,
    quiet_obstacles,
    too_few,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SUPPORTED, CONTRADICTED, OPEN = "supported", "contradicted", "open"

TOLERATED_LOSS = 0.05  # of score, under the noise that the first claim of Kang and Kim is judged at
TOLERATED_NOISE = 0.1  # that noise, or the largest magnitude below it that was swept
TOLERATED_GAP = 0.01  # share of answers that may differ from those of the algebraic network
NOISE_KINDS = ("rates", "concentrations")  # the kinds that Kang and Kim speak of


@dataclass(frozen=True)
class Claim:
    """One claim: its name, what the paper says in our words, and what decides about it here."""

    name: str
    statement: str
    definition: str


@dataclass(frozen=True)
class Paper:
    """A paper whose claims a sweep can be judged by.

    Parameters
    ----------
    name : str
        What the sweep file says under `claims`.
    citation, doi : str
    remark : str
        What a reader must know to read the verdicts rightly.
    claims : tuple of Claim
    """

    name: str
    citation: str
    doi: str
    remark: str
    claims: tuple[Claim, ...]

    def claim(self, name: str) -> Claim:
        """Return a claim by its name."""
        return next(claim for claim in self.claims if claim.name == name)


KANG = Paper(
    "kang2025",
    "Kang and Kim, APL Machine Learning (2025)",
    "10.1063/5.0271766",
    "The paper's own reactions are not public: this is judged for our circuit.",
    (
        Claim(
            "noise_kept",
            "Accuracy is kept under noise.",
            f"Score of the smooth design at a magnitude of {TOLERATED_NOISE:g} (or the largest swept below it) minus "
            "its noise-free score, at the longest running time. Supported where the 95 % interval lies above "
            f"\u2212{TOLERATED_LOSS:g}, contradicted where it lies below.",
        ),
        Claim(
            "running_time",
            "Insensitive to the running time, in comparison with a non-smooth activation.",
            "Score of the smooth minus that of the best sharp and of the best non-smooth design, without noise, mean "
            "over all running times but the longest. Supported where the 95 % interval lies above 0, contradicted "
            "where it lies below; open where losses from the noise-free score say the opposite.",
        ),
        Claim(
            "noise_magnitude",
            "Insensitive to the magnitude of noise, in comparison with a non-smooth activation.",
            "The same difference under noise, mean over its magnitudes, at the longest running time.",
        ),
    ),
)
ANDERSON = Paper(
    "anderson2021",
    "Anderson, Joshi and Deshpande, J. R. Soc. Interface (2021)",
    "10.1098/rsif.2021.0031",
    "The paper claims nothing about noise; how noise spoils the answer is shown in the maps and curves.",
    (
        Claim(
            "convergence",
            "The reactions converge to the output of the algebraic network.",
            "Share of answers like those of the algebraic network, without noise, at the longest running time, minus "
            f"1. Supported where the 95 % interval lies above \u2212{TOLERATED_GAP:g}, contradicted where it lies "
            "below and that time is long enough by the theory.",
        ),
        Claim(
            "speed",
            "They converge fast, whatever the initial state.",
            "The same share at the first running time that is long enough by the theory (every stage in turn comes "
            "within 1 % of its fixed point) minus that at the longest. Limits as above. One initial state is swept; "
            "others are a matter for tests of the circuit.",
        ),
    ),
)
PAPERS = {paper.name: paper for paper in (KANG, ANDERSON)}

# Stages of a unit that relax one after the other, each at s = sqrt(z^2 + 4h) or faster: the bounded
# activations are read off the rails of a squareplus, so they come second.
_STAGES = {"squareplus": 1, "leaky_squareplus": 1, "algebraic_sigmoid": 2, "algebraic_tanh": 2}


def claim_rows(
    paper: str, designs: Sequence[Design], verdicts: Sequence[dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    """Yield one row per claim of a paper, data set and comparison.

    Parameters
    ----------
    paper : str
        Name of a paper in `PAPERS`.
    designs : sequence of Design
        All designs of the sweep.
    verdicts : sequence of dict
        Rows of the verdict table, marked by `crnsim.robustness.verdicts.mark_best`.

    Yields
    ------
    dict
        A row of the claim table: ``verdict`` is supported, contradicted or open, ``reason`` says why it is open
        or what limits it, ``difference`` with its 95 % interval is what was compared with ``limit``.
    """
    designs = [design for design in designs if design.scores]
    for dataset, circuit in dict.fromkeys((design.dataset, design.circuit) for design in designs):
        here = [design for design in designs if (design.dataset, design.circuit) == (dataset, circuit)]
        if paper == ANDERSON.name:
            yield from _anderson(here)
        else:
            smooth = next((design for design in here if design.role == "smooth"), None)
            if smooth is None:
                for claim in KANG.claims:
                    yield _open(KANG, claim.name, here[0], "", "no design has the role smooth", nobody=True)
            else:
                yield from _kang(smooth, [row for row in verdicts if row["dataset"] == dataset])


# Kang and Kim


def _kang(smooth: Design, verdicts: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for kind in NOISE_KINDS:
        yield _noise_kept(smooth, kind)
    mine = [row for row in verdicts if (row["activation"], row["circuit"]) == (smooth.label, smooth.circuit)]
    for name, stresses in (("running_time", (SHORT_TIME,)), ("noise_magnitude", NOISE_KINDS)):
        for stress in stresses:
            for role in ("sharp", "baseline"):
                yield _in_comparison(smooth, name, stress, role, mine)


def _noise_kept(smooth: Design, kind: str) -> dict[str, Any]:
    """Judge what the smooth design loses under one kind of noise at the longest running time."""
    longest = smooth.running_times[-1]
    cells = smooth.curve(longest, kind)
    allowed = [cell for cell in cells if 0 < cell.level.magnitude <= TOLERATED_NOISE + 1e-12]
    if not allowed:
        swept = any(cell.level.kind == kind for cell in cells)
        what = f"no magnitude up to {TOLERATED_NOISE:g} was swept" if swept else "not swept"
        return _open(KANG, "noise_kept", smooth, kind, what)
    noisy, quiet = allowed[-1], Cell(longest, QUIET)
    keys = sorted(set(smooth.replicates([noisy])) & set(smooth.replicates([quiet])))
    under, before = smooth.matrix([noisy, quiet], keys)
    measured = _measured(under, before, -TOLERATED_LOSS, smooth)
    where = f"without noise at the longest running time ({longest:g})"
    reasons = [*quiet_obstacles(smooth.label, _mean(before), where), *too_few(measured["replicates"])]
    return (
        _row(KANG, "noise_kept", smooth, kind)
        | measured
        | {"running_time": longest, "magnitude": noisy.level.magnitude, "cells": 1, "measure": "score"}
        | _verdict(measured, reasons, f"within the interval lies the limit of \u2212{TOLERATED_LOSS:g}")
    )


def _in_comparison(
    smooth: Design, name: str, stress: str, role: str, verdicts: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """Judge the smooth design against the best design of a role, from the verdict table."""
    found = [row for row in verdicts if row["compared_role"] == role]
    best = next((row for row in found if row["stress"] == stress and row["best"]), None)
    if best is None:
        why = f"no design has the role {role}" if not found else _not_swept(stress)
        return _open(KANG, name, smooth, stress, why) | {"compared_role": role}
    verdict, reason = _comparison(best, role)
    noise = [] if stress == SHORT_TIME else smooth.curve(best["longest_running_time"], stress)
    return (
        _row(KANG, name, smooth, stress)
        | {key: best[key] for key in ("compared_with", "compared_role", "replicates", "cells")}
        | {f"difference{end}": best[f"difference{end}"] for end in ("", "_low", "_high")}
        | {f"loss_difference{end}": best[f"loss_difference{end}"] for end in ("", "_low", "_high")}
        | {"score": best["score_smooth"], "reference": best["score_baseline"], "limit": 0.0}
        | {"running_time": best["longest_running_time"], "measure": "score"}
        | {"magnitude": noise[-1].level.magnitude if noise else math.nan}
        | {"verdict": verdict, "reason": reason}
    )


def _not_swept(stress: str) -> str:
    return "only one running time was swept" if stress == SHORT_TIME else "not swept"


def _comparison(best: dict[str, Any], role: str) -> tuple[str, str]:
    """Return the verdict of a comparison, and why it is open or what limits it."""
    reasons, dull = list(obstacles(best)), list(dullness(best))
    # At its best setting a non-smooth activation may be smooth at work. The comparison stands all the same, for
    # it is the claim's own, but a reader must be told. The sharp twin is there for its sharpness alone.
    if role == "sharp":
        reasons += dull
    if reasons:
        return OPEN, "; ".join(reasons)
    remark = _at_work(best) if dull else ""
    scores, losses = judge(best["difference_low"], best["difference_high"]), judge_loss(best)
    if {scores, losses} == {BETTER, WORSE}:
        return OPEN, _joined("scores and losses say opposite things", remark)
    if scores == BETTER:
        return SUPPORTED, remark
    if scores == WORSE:
        return CONTRADICTED, remark
    return OPEN, _joined("the interval holds 0: no difference is shown", remark)


def _at_work(best: dict[str, Any]) -> str:
    if math.isnan(best["baseline_h_eff"]) or math.isnan(best["smooth_h"]):
        return "non-smooth activation, but how sharp it was at work is not recorded"
    return (
        f"non-smooth activation, but not sharp at work: median h_eff {best['baseline_h_eff']:.2g}, "
        f"h/{SHARPNESS:g} = {best['smooth_h'] / SHARPNESS:.2g}"
    )


def _joined(*parts: str) -> str:
    return "; ".join(filter(None, parts))


# Anderson, Joshi and Deshpande


def settling_time(design: Design) -> float:
    """Return the running time within which every stage in turn comes within 1 % of its fixed point.

    ln(100) times the sum of the stages' time constants: 1/k = 1 for each sum of weighted inputs, and at most
    1/(2 sqrt(h)) for each stage of a unit, since it relaxes at s = sqrt(z^2 + 4h) or faster
    (doi 10.1098/rsif.2021.0031).

    Returns
    -------
    float
        In units of 1/k; nan where the activation or h is not known.
    """
    stages = _STAGES.get(design.activation)
    if stages is None or len(design.layers) < 2 or not design.h > 0:
        return math.nan
    hidden = len(design.layers) - 2
    return math.log(100.0) * (hidden + 1 + hidden * stages / (2.0 * math.sqrt(design.h)))


def _anderson(designs: Sequence[Design]) -> Iterator[dict[str, Any]]:
    """Yield both claims for every design but the baselines: the theory is about smooth units."""
    for design in designs:
        if design.role != "baseline":
            yield _convergence(design)
            yield _speed(design)


def _convergence(design: Design) -> dict[str, Any]:
    longest, enough = design.running_times[-1], settling_time(design)
    close = _fidelity(design, longest)
    measured = _measured(close, np.ones_like(close), -TOLERATED_GAP, design)
    row = _row(ANDERSON, "convergence", design, "none") | measured
    row |= {"running_time": longest, "magnitude": 0.0, "cells": 1, "measure": "agreement"}
    row |= _verdict(measured, _fidelity_obstacles(design, measured["replicates"]), _WITHIN_GAP)
    if row["verdict"] == CONTRADICTED and not longest >= enough:
        row |= {"verdict": OPEN, "reason": _too_short(design, longest, enough)}
    return row


def _speed(design: Design) -> dict[str, Any]:
    longest, enough = design.running_times[-1], settling_time(design)
    quiet = [time for time in design.running_times if Cell(time, QUIET) in design.scores]
    times = [time for time in quiet if enough <= time < longest]
    if not times:
        why = f"no running time was swept between {enough:.3g}, enough by the theory, and the longest ({longest:g})"
        if math.isnan(enough):
            why = _too_short(design, longest, enough)
        return _open(ANDERSON, "speed", design, "none", why)
    early, late = (_fidelity(design, time, longest) for time in (times[0], longest))
    measured = _measured(early, late, -TOLERATED_GAP, design)
    reasons = _fidelity_obstacles(design, measured["replicates"])
    if measured["reference"] < 1.0 - TOLERATED_GAP:
        reasons.append(f"{design.label} has not converged at the longest running time ({longest:g}) either")
    return (
        _row(ANDERSON, "speed", design, "none")
        | measured
        | {"running_time": times[0], "magnitude": 0.0, "cells": 1, "measure": "agreement"}
        | _verdict(measured, reasons, _WITHIN_GAP)
    )


_WITHIN_GAP = f"within the interval lies the limit of \u2212{TOLERATED_GAP:g}"


def _too_short(design: Design, longest: float, enough: float) -> str:
    if math.isnan(enough):
        return f"no rate of convergence is known for {design.activation or design.label}"
    return f"the longest running time ({longest:g}) is shorter than {enough:.3g}, enough by the theory"


def _fidelity(design: Design, time: float, as_at: float | None = None) -> np.ndarray:
    """Return the fidelity of each replicate without noise, in the order of those at the time `as_at`."""
    keys = sorted(design.fidelity.get(Cell(time if as_at is None else as_at, QUIET), {}))
    found = design.fidelity.get(Cell(time, QUIET), {})
    return np.array([found.get(key, math.nan) for key in keys], dtype=float)


def _fidelity_obstacles(design: Design, replicates: int) -> list[str]:
    """Return why agreement with the algebraic network can mean nothing."""
    quiet = Cell(design.running_times[-1], QUIET)
    algebraic = design.means.get(quiet, {}).get("algebraic_score", math.nan)
    where = f"without noise at the longest running time ({quiet.running_time:g})"
    name = f"the algebraic network of {design.label}"
    return [*quiet_obstacles(name, algebraic, where), *too_few(replicates)]


# Rows


def _row(paper: Paper, claim: str, design: Design, stress: str) -> dict[str, Any]:
    """Return the columns that say what a row is about; those of a comparison are empty."""
    names = [f"{name}{end}" for name in ("difference", "loss_difference") for end in ("", "_low", "_high")]
    numbers = ("score", "reference", "limit", "running_time", "magnitude")
    return (
        place(design)
        | {"paper": paper.name, "claim": claim, "statement": paper.claim(claim).statement}
        | {"stress": stress, "compared_with": "", "compared_role": "", "measure": ""}
        | dict.fromkeys((*names, *numbers), math.nan)
        | {"replicates": 0, "cells": 0}
    )


def _open(
    paper: Paper, claim: str, design: Design, stress: str, reason: str, *, nobody: bool = False
) -> dict[str, Any]:
    """Return a row that could not be judged; `nobody` where there is no design that it would be about."""
    unnamed = {"activation": "", "role": ""} if nobody else {}
    return _row(paper, claim, design, stress) | unnamed | {"verdict": OPEN, "reason": reason}


def _measured(score: np.ndarray, reference: np.ndarray, limit: float, design: Design) -> dict[str, Any]:
    """Return means of two paired numbers over replicates, and their difference with its interval."""
    keep = np.isfinite(score) & np.isfinite(reference)
    score, reference = score[keep], reference[keep]
    difference = score - reference
    low, high = interval(bootstrap_means(difference[None], seed=design.seed, dataset=design.dataset)[0])
    return {
        "score": _mean(score),
        "reference": _mean(reference),
        "difference": _mean(difference),
        "difference_low": low,
        "difference_high": high,
        "limit": limit,
        "replicates": int(keep.sum()),
    }


def _mean(values: np.ndarray) -> float:
    return float(finite_mean(values, axis=0))


def _verdict(measured: dict[str, Any], reasons: Sequence[str], between: str) -> dict[str, str]:
    """Return the verdict of a difference that must stay above its limit; `between` says why it may be open."""
    if reasons:
        return {"verdict": OPEN, "reason": "; ".join(reasons)}
    if measured["difference_low"] > measured["limit"]:
        return {"verdict": SUPPORTED, "reason": ""}
    if measured["difference_high"] < measured["limit"]:
        return {"verdict": CONTRADICTED, "reason": ""}
    return {"verdict": OPEN, "reason": between}
