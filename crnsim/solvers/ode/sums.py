"""Sums of tables with a factor for each lane, in runs of rows, shape (runs, 2): from one to before the other.

Each reads no more tables than it needs.
"""

from __future__ import annotations

import numpy as np

from crnsim.compiled import inlined
from crnsim.kinetics.lanes import fused, load, store
from crnsim.solvers.ode.error import Lanes


@inlined
def sum0(rows: np.ndarray, target: np.ndarray, f: Lanes, base: np.ndarray) -> None:
    """``target = f base``."""
    for part in range(len(rows)):
        for row in range(rows[part, 0], rows[part, 1]):
            store(target, row, f * load(base, row))


@inlined
def sum1(rows: np.ndarray, target: np.ndarray, f: Lanes, base: np.ndarray, a: Lanes, u: np.ndarray) -> None:
    """``target = f base + a u``."""
    for part in range(len(rows)):
        for row in range(rows[part, 0], rows[part, 1]):
            store(target, row, fused(a, load(u, row), f * load(base, row)))


@inlined
def sum2(
    rows: np.ndarray,
    target: np.ndarray,
    f: Lanes,
    base: np.ndarray,
    a: Lanes,
    u: np.ndarray,
    b: Lanes,
    v: np.ndarray,
) -> None:
    """``target = f base + a u + b v``."""
    for part in range(len(rows)):
        for row in range(rows[part, 0], rows[part, 1]):
            store(target, row, fused(a, load(u, row), fused(b, load(v, row), f * load(base, row))))


@inlined
def sum3(
    rows: np.ndarray,
    target: np.ndarray,
    f: Lanes,
    base: np.ndarray,
    a: Lanes,
    u: np.ndarray,
    b: Lanes,
    v: np.ndarray,
    c: Lanes,
    x: np.ndarray,
) -> None:
    """``target = f base + a u + b v + c x``."""
    for part in range(len(rows)):
        for row in range(rows[part, 0], rows[part, 1]):
            value = fused(b, load(v, row), fused(c, load(x, row), f * load(base, row)))
            store(target, row, fused(a, load(u, row), value))
