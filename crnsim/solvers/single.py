"""Batches of single presentations: a network, where each run starts, and nothing that is shown."""

from __future__ import annotations

from typing import Any

import numpy as np

from crnsim.solvers.protocol import Protocol, new_members

#: A concentration this many times the highest at the start grows without bound: products of larger ones are no numbers.
HIGHEST = 1e100


def ceiling(moderate: Any) -> Any:
    """Concentration above which a run has blown up that starts from moderate ones."""
    return np.minimum(HIGHEST * moderate, HIGHEST**1.5)


def plain_protocol(
    start: np.ndarray,
    constants: np.ndarray,
    *,
    span: float,
    grid: np.ndarray,
    rtol: float,
    atol: float,
    max_steps: int,
    guarded: bool = False,
) -> Protocol:
    """One presentation without samples or noise for each row of `start`; rows of `constants` go with them."""
    member = new_members(len(start))
    member["rate_set"] = np.arange(len(start)) % len(constants)
    member["record_slot"] = np.arange(len(start))
    member["running_time"] = span
    member["max_steps"] = max_steps
    highest = np.max(start, axis=1, initial=0.0)
    member["moderate"] = np.where(highest > 0, highest, 1.0)
    member["ceiling"] = ceiling(member["moderate"])
    none = np.zeros((0, 2), dtype=np.int64)
    return Protocol(
        start=np.ascontiguousarray(start, dtype=float),
        rates=np.array(constants, dtype=float),
        member=member,
        order=np.zeros((len(start), 1), dtype=np.int32),
        patterns=np.zeros((1, 0)),
        clamp=none,
        n_features=0,
        output=none,
        rate_keys=np.zeros((len(start), 0, 2), dtype=np.uint64),
        kick_keys=np.zeros((len(start), 0, 2), dtype=np.uint64),
        kicked=none,
        laws=none,
        checkpoint_after=none[:, 0].copy(),
        record_presentations=np.zeros(1, dtype=np.int64),
        grid=np.ascontiguousarray(grid, dtype=float),
        rtol=float(rtol),
        atol=np.full((1, start.shape[1]), atol, dtype=float),
        guarded=int(guarded),
    )
