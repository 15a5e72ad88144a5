"""What compiled loops and the kinetics that they call agree on: signatures, and rows of tables."""

from __future__ import annotations

from typing import Any

from numba import extending, types
from numba.core import cgutils

#: Without its type: a checker would ask callers for the typing context, which Numba gives.
intrinsic: Any = extending.intrinsic

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
#: the smallest pivot, which it writes where it can: below 1 something grows within a step; and how many steps have been
#: taken with the factors that are there.
LINEAR_STEP, RADIUS, PIVOT, AGE = range(4)
#: Number of rows of ``implicit``.
IMPLICIT_ROWS = 4


def _caller(signature):
    """Intrinsic that calls the compiled code at an address: to look into a function object takes Numba 16 us."""
    prototype = types.FunctionType(signature).ftype

    @intrinsic
    def call(typingctx, address, arguments):
        def codegen(context, builder, made, args):
            pointer = builder.inttoptr(args[0], context.get_value_type(prototype))
            builder.call(pointer, cgutils.unpack_tuple(builder, args[1]))
            return context.get_dummy_value()

        return types.void(types.int64, types.Tuple(signature.args)), codegen

    return call


@intrinsic
def call_step(typingctx, address, k, w):
    """Call the compiled step method at an address with ``(k, w)``, the kinetics and the work of a batch."""
    prototype = types.FunctionType(types.void(k, w)).ftype

    def codegen(context, builder, made, args):
        pointer = builder.inttoptr(args[0], context.get_value_type(prototype))
        builder.call(pointer, args[1:])
        return context.get_dummy_value()

    return types.void(types.int64, k, w), codegen


#: ``call(address, (arguments))`` for each kind of function.
call_right_hand_side, call_prepare, call_solve = map(_caller, (RIGHT_HAND_SIDE, PREPARE, SOLVE))
