"""The rows of the claim table: what two numbers measured, what it decides, and rows that must stay open."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from crnsim import wording
from crnsim.errors import InputError
from crnsim.metrics.decisions import may_fail, replicates_beyond
from crnsim.metrics.designs import key_columns
from crnsim.metrics.intervals import finite_mean, free_interval, mean_interval
from crnsim.metrics.learning_rates import rates_in_words

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
        | {"compared_with": "", "compared_role": "", "measure": "", "learning_rates": rates_in_words(design)}
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
    unnamed = {} if of_a_design else {"activation": "", "role": "", "learning_rates": ""}
    return blank_row(claim, design, stress) | unnamed | {"verdict": OPEN, "reason": reason}


def paired_difference(
    measure: np.ndarray,
    reference: np.ndarray,
    *,
    limit: float,
    bounds: tuple[float, float] | None = (-1.0, 1.0),
) -> dict[str, Any]:
    """Return means of two paired numbers over replicates, and their difference with its 95 % interval.

    Parameters
    ----------
    measure, reference : numpy.ndarray, shape (replicates,)
        Pairs in which one is not finite are left out.
    limit : float
        What the difference must exceed for the claim to be supported.
    bounds : tuple of float, optional
        Between what the difference of one replicate must lie, as the interval must know: -1 and 1 for two scores. None
        where it may be any number: the interval is Student's then, and does not know of rare failures.

    Raises
    ------
    InputError
        A difference lies beyond its bounds.
    """
    keep = np.isfinite(measure) & np.isfinite(reference)
    measure, reference = measure[keep], reference[keep]
    difference = measure - reference
    if bounds is not None and np.any(
        (difference < bounds[0] - _ROUNDING) | (difference > bounds[1] + _ROUNDING)
    ):
        raise InputError(
            f"paired_difference: a difference lies beyond {bounds[0]:g} to {bounds[1]:g}; give other bounds, or None"
        )
    low, high = free_interval(difference) if bounds is None else mean_interval(difference, *bounds)
    return {
        "score": mean(measure),
        "reference": mean(reference),
        "difference": mean(difference),
        "difference_low": low,
        "difference_high": high,
        "limit": limit,
        "replicates": int(keep.sum()),
        "needed": 0 if bounds is None else replicates_beyond(difference, limit, bounds),
        "never": int(bool(difference.size) and bool(np.all(difference >= -_ROUNDING))),
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
    shown = {name: value for name, value in measured.items() if name not in ("needed", "never")}
    return (
        blank_row(claim, design, stress)
        | shown
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
    replicates = measured["replicates"]
    said = f"within the interval lies the limit of {wording.short(measured['limit'])}"
    if measured.get("never") and measured["limit"] < 0.0:
        share = wording.short(may_fail(replicates))
        said = f"no loss in {wording.plural(replicates, 'run')}; up to {share} of all may fail"
    needed = measured.get("needed", 0)
    return {
        "verdict": OPEN,
        "reason": f"{said}; about {needed:,} replicates would decide" if needed else said,
    }


def mean(values: np.ndarray) -> float:
    """Return the mean over finite values, nan where there are none."""
    return float(finite_mean(values, axis=0))
