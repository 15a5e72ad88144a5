"""Anderson, Joshi and Deshpande 2021 (doi 10.1098/rsif.2021.0031): reactions converge fast to the algebraic network."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from crnsim.activations import ACTIVATIONS
from crnsim.metrics.claims.paper import Claim, Paper
from crnsim.metrics.claims.rows import (
    CONTRADICTED,
    NO_STRESS,
    OPEN,
    judged_row,
    open_row,
    paired_difference,
)
from crnsim.metrics.designs import QUIET, Condition, Design
from crnsim.metrics.verdicts import quiet_obstacles, too_few

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

TOLERATED_GAP = 0.01  # share of answers that may differ from those of the algebraic network

# Agreement is judged to 0.01, so it is written to 0.001.
CONVERGENCE = Claim(
    "convergence",
    "The reactions converge to the output of the algebraic network.",
    "Share of answers like those of the algebraic network, without noise, at the longest running time, minus "
    f"1. Supported where the 95 % interval lies above \u2212{TOLERATED_GAP:g}, contradicted where it lies "
    "below and that time is long enough by the theory.",
    measure="agreement",
    digits=3,
    reference="the algebraic network",
)
SPEED = Claim(
    "speed",
    "They converge fast, whatever the initial state.",
    "The same share at the first running time that is long enough by the theory (every stage in turn comes "
    "within 1 % of its fixed point) minus that at the longest. Limits as above. One initial state is swept; "
    "others are a matter for tests of the circuit.",
    measure="agreement",
    digits=3,
    reference="itself at the longest time",
)


def _judge(designs: Sequence[Design], verdicts: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield both claims for every design but the baselines: the theory is about smooth units."""
    for design in designs:
        if design.role != "baseline":
            yield _convergence(design)
            yield _speed(design)


ANDERSON = Paper(
    name="anderson2021",
    citation="Anderson, Joshi and Deshpande, J. R. Soc. Interface (2021)",
    doi="10.1098/rsif.2021.0031",
    remark="The paper claims nothing about noise; how noise spoils the answer is shown in the maps and curves.",
    mode="inference",
    claims=(CONVERGENCE, SPEED),
    judge=_judge,
)


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
    # Built-in activations only: a name that stands in a file of results makes nothing be imported.
    built_in = ACTIVATIONS.get(design.activation)
    stages = built_in.relaxing_stages if built_in is not None else None
    if stages is None or len(design.layers) < 2 or not design.h > 0:
        return math.nan
    hidden = len(design.layers) - 2
    return math.log(100.0) * (hidden + 1 + hidden * stages / (2.0 * math.sqrt(design.h)))


def _convergence(design: Design) -> dict[str, Any]:
    longest, enough = design.running_times[-1], settling_time(design)
    close = _fidelity(design, longest)
    measured = paired_difference(close, np.ones_like(close), limit=-TOLERATED_GAP, bounds=(-1.0, 0.0))
    reasons = _fidelity_obstacles(design, measured["replicates"])
    row = judged_row(CONVERGENCE, design, measured, reasons, running_time=longest)
    if row["verdict"] == CONTRADICTED and not longest >= enough:
        row |= {"verdict": OPEN, "reason": _too_short(design, longest, enough)}
    return row


def _speed(design: Design) -> dict[str, Any]:
    longest, enough = design.running_times[-1], settling_time(design)
    quiet = [time for time in design.running_times if Condition(time, QUIET) in design.scores]
    times = [time for time in quiet if enough <= time < longest]
    if not times:
        why = f"no running time was swept between {enough:.3g}, enough by the theory, and the longest ({longest:g})"
        if math.isnan(enough):
            why = _too_short(design, longest, enough)
        return open_row(SPEED, design, NO_STRESS, why)
    early, late = (_fidelity(design, time, longest) for time in (times[0], longest))
    measured = paired_difference(early, late, limit=-TOLERATED_GAP)
    reasons = _fidelity_obstacles(design, measured["replicates"])
    if measured["reference"] < 1.0 - TOLERATED_GAP:
        reasons.append(f"{design.label} has not converged at the longest running time ({longest:g}) either")
    return judged_row(SPEED, design, measured, reasons, running_time=times[0])


def _too_short(design: Design, longest: float, enough: float) -> str:
    if math.isnan(enough):
        return f"no rate of convergence is known for {design.activation or design.label}"
    return f"the longest running time ({longest:g}) is shorter than {enough:.3g}, enough by the theory"


def _fidelity(design: Design, time: float, as_at: float | None = None) -> np.ndarray:
    """Return the fidelity of each replicate without noise, in the order of those at the time `as_at`."""
    keys = sorted(design.fidelity.get(Condition(time if as_at is None else as_at, QUIET), {}))
    found = design.fidelity.get(Condition(time, QUIET), {})
    return np.array([found.get(key, math.nan) for key in keys], dtype=float)


def _fidelity_obstacles(design: Design, replicates: int) -> list[str]:
    """Return why agreement with the algebraic network can mean nothing."""
    quiet = Condition(design.running_times[-1], QUIET)
    algebraic = design.means.get(quiet, {}).get("algebraic_score", math.nan)
    where = f"without noise at the longest running time ({quiet.running_time:g})"
    name = f"the algebraic network of {design.label}"
    return [*quiet_obstacles(name, algebraic, where), *too_few(replicates)]
