"""What compiled loops and the kinetics that they call agree on: signatures, and rows of tables."""

from __future__ import annotations

from numba import types

_TABLE = types.float64[:, ::1]
_INTEGERS = types.int64[::1]
_SIZES = (_INTEGERS, _INTEGERS, _INTEGERS)
#: right_hand_side(y, rate, dy, size, offset, first): size = (rows to step, length of each dimension)
RIGHT_HAND_SIDE = types.void(*[_TABLE] * 3, *_SIZES)
#: prepare(y, rate, p, q, implicit, size, offset, first), with `implicit` as below
PREPARE = types.void(*[_TABLE] * 5, *_SIZES)
#: solve(y, rate, p, q, x, implicit, size, offset, first)
SOLVE = types.void(*[_TABLE] * 6, *_SIZES)
#: Rows of ``implicit``: the step of a linear system, which `prepare` reads; the spectral radius, which it writes; and
#: the smallest pivot, which it writes where it can: below 1 something grows within a step.
LINEAR_STEP, RADIUS, PIVOT = range(3)
#: Number of rows of ``implicit``.
IMPLICIT_ROWS = 3
