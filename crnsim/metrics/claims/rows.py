"""The rows of the claim table: what two numbers measured, what it decides, and rows that must stay open."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from crnsim import wording
from crnsim.metrics.designs import key_columns
from crnsim.metrics.intervals import bootstrap_means, finite_mean, interval

if TYPE_CHECKING:
    from collections.abc import Iterable

    from crnsim.metrics.claims.paper import Claim
    from crnsim.metrics.designs import Design

SUPPORTED, CONTRADICTED, OPEN = "supported", "contradicted", "open"
NO_STRESS = "none"
#: Differences of scores that are equal but for rounding.
_ROUNDING = 1e-12


def blank_row(claim: Claim, design: Design, stress: str) -> dict[str, Any]:
    """Return the columns that say what a row is about; those of a comparison are empty."""
    names = [f"{name}{end}" for name in ("difference", "loss_difference") for end in ("", "_low", "_high")]
    numbers = ("score", "reference", "limit", "running_time", "magnitude")
    return (
        key_columns(design)
        | {"claim": claim.name, "statement": claim.statement, "stress": stress}
        | {"compared_with": "", "compared_role": "", "measure": ""}
        | dict.fromkeys((*names, *numbers), math.nan)
        | {"replicates": 0, "cells": 0}
    )


def open_row(
    claim: Claim, design: Design, stress: str, reason: str, *, of_a_design: bool = True
) -> dict[str, Any]:
    """Return a row that could not be judged.

    Parameters
    ----------
    claim : Claim
    design : Design
    stress : str
        Kind of noise, ``running_time``, or `NO_STRESS`.
    reason : str
        What is missing.
    of_a_design : bool
        False where the design that it would be about is what is missing: only its data set and circuit count then.
    """
    unnamed = {} if of_a_design else {"activation": "", "role": ""}
    return blank_row(claim, design, stress) | unnamed | {"verdict": OPEN, "reason": reason}


def paired_difference(
    measure: np.ndarray, reference: np.ndarray, design: Design, *, limit: float
) -> dict[str, Any]:
    """Return means of two paired numbers over replicates, and their difference with its 95 % interval.

    Parameters
    ----------
    measure, reference : numpy.ndarray, shape (replicates,)
        Pairs in which one is not finite are left out.
    design : Design
        Whose seed and data set key the resampling.
    limit : float
        What the difference must exceed for the claim to be supported.
    """
    keep = np.isfinite(measure) & np.isfinite(reference)
    measure, reference = measure[keep], reference[keep]
    difference = measure - reference
    low, high = interval(bootstrap_means(difference[None], seed=design.seed, dataset=design.dataset)[0])
    return {
        "score": mean(measure),
        "reference": mean(reference),
        "difference": mean(difference),
        "difference_low": low,
        "difference_high": high,
        "limit": limit,
        "replicates": int(keep.sum()),
    }


def judged_row(
    claim: Claim,
    design: Design,
    measured: dict[str, Any],
    reasons: Iterable[str],
    *,
    running_time: float,
    magnitude: float = 0.0,
    stress: str = NO_STRESS,
) -> dict[str, Any]:
    """Return a row that is decided by one paired difference.

    Parameters
    ----------
    claim : Claim
    design : Design
    measured : dict
        From `paired_difference`.
    reasons : iterable of str
        Why the claim must stay open whatever the difference, such as too few replicates.
    running_time, magnitude : float
        Where on the grid it was measured, in units of 1/k and as a standard deviation.
    stress : str
        Kind of noise, ``running_time``, or `NO_STRESS`.

    Returns
    -------
    dict
        Supported where the whole interval lies above the limit, contradicted where it lies below, else open.
    """
    return (
        blank_row(claim, design, stress)
        | measured
        | {"running_time": running_time, "magnitude": magnitude, "cells": 1, "measure": claim.measure}
        | _verdict(measured, "; ".join(reasons))
    )


def _verdict(measured: dict[str, Any], reason: str) -> dict[str, str]:
    if reason:
        return {"verdict": OPEN, "reason": reason}
    # A difference that is the limit but for the rounding of its terms decides nothing.
    if measured["difference_low"] > measured["limit"] + _ROUNDING:
        return {"verdict": SUPPORTED, "reason": ""}
    if measured["difference_high"] < measured["limit"] - _ROUNDING:
        return {"verdict": CONTRADICTED, "reason": ""}
    return {
        "verdict": OPEN,
        "reason": f"within the interval lies the limit of {wording.short(measured['limit'])}",
    }


def mean(values: np.ndarray) -> float:
    """Return the mean over finite values, nan where there are none."""
    return float(finite_mean(values, axis=0))
