"""Fan, Zhang, Gao and Dochain 2023 (arXiv 2311.18313): a clocked network learns logic problems, and stops by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from crnsim.metrics.claims.paper import Claim, Paper
from crnsim.metrics.claims.rows import judged_row, open_row, paired_difference
from crnsim.metrics.designs import QUIET, Condition, Design
from crnsim.metrics.verdicts import too_few

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

TOLERATED_MISS = 0.1  # share of runs, and of the score, that may be missing
TOLERATED_RATE = 0.2  # by which the error may fall more slowly than the slowest relaxation, in units of k
SLOWEST = 1.0  # that relaxation, of every module of a logistic network

CONVERGENCE = Claim(
    "convergence",
    "What a phase computes approaches its target exponentially in the length of the phase.",
    "Root mean square distance d of the outputs from those of the algebraic network with the same weights, without "
    "noise: -ln(d2/d1)/(T2 - T1) of the two shortest phases, minus the slowest relaxation rate (k = 1). Supported "
    f"where the 95 % interval lies above \u2212{TOLERATED_RATE:g}, contradicted where it lies below.",
    measure="rate",
    place="phases up to {running_time:g}",
    reference="the slowest relaxation",
)
CLASSIFICATION = Claim(
    "classification",
    "The network learns the logic problem.",
    "Score without noise at the longest phase minus 1. Supported where the 95 % interval lies above "
    f"\u2212{TOLERATED_MISS:g}, contradicted where it lies below.",
    place="phase {running_time:g}",
    reference="all patterns right",
)
TERMINATION = Claim(
    "termination",
    "Learning stops by itself when the error of an epoch is below the threshold.",
    "Share of the runs that stopped by themselves with an error of their final weights of at most twice the threshold, "
    "without noise at the longest phase, minus 1. Limits as above.",
    measure="share that stopped, with reason",
    place="phase {running_time:g}",
    reference="all runs",
)


def _judge(designs: Sequence[Design], verdicts: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the claims for every design with a clock; they say nothing about others."""
    for design in designs:
        if not design.measured.get("stopped"):
            continue
        yield _convergence(design)
        stopped = design.measured.get("stopped_with_reason", design.measured["stopped"])
        longest = Condition(design.running_times[-1], QUIET)
        for claim, found in (
            (CLASSIFICATION, design.scores.get(longest, {})),
            (TERMINATION, stopped.get(longest, {})),
        ):
            values = np.array([found[key] for key in sorted(found)])
            measured = paired_difference(
                values, np.ones_like(values), limit=-TOLERATED_MISS, bounds=(-1.0, 0.0)
            )
            reasons = too_few(measured["replicates"])
            yield judged_row(claim, design, measured, reasons, running_time=longest.running_time)


FAN = Paper(
    name="fan2023",
    citation="Fan, Zhang, Gao and Dochain, IEEE Trans. Automatic Control (2025), arXiv 2311.18313",
    doi="10.1109/TAC.2025.3554428",
    remark="Known to us by the abstracts: the reactions are ours, and no number of the paper is reproduced.",
    mode="training",
    claims=(CONVERGENCE, CLASSIFICATION, TERMINATION),
    judge=_judge,
)


def _convergence(design: Design) -> dict[str, Any]:
    """Judge how fast the distance from the algebraic network falls between the two shortest phases."""
    distances = design.measured.get("output_error", {})
    quiet = [time for time in design.running_times if Condition(time, QUIET) in distances]
    if len(quiet) < 2:
        return open_row(CONVERGENCE, design, "none", "only one phase length was swept without noise")
    first, second = (distances[Condition(time, QUIET)] for time in quiet[:2])
    keys = sorted(set(first) & set(second))
    near, far = (np.array([one[key] for key in keys]) for one in (first, second))
    with np.errstate(divide="ignore", invalid="ignore"):
        rates = np.log(near / far) / (quiet[1] - quiet[0])
    measured = paired_difference(rates, np.full_like(rates, SLOWEST), limit=-TOLERATED_RATE, bounds=None)
    return judged_row(CONVERGENCE, design, measured, too_few(measured["replicates"]), running_time=quiet[1])
