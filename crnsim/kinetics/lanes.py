"""Vectors of lanes: eight values that a compiled loop works on side by side.

A small network has a table of shape ``(n_species, LANES)``, one run in each lane; `load`, `store` and `splat` move one
row of it to and from a vector register. A large network has one run in a table that is the padded vector of its
species, read row after row; `load_part`, `store_part` and `broadcast` move neighbouring species.

``+ - * /`` act lane by lane. Each is one IEEE operation, rounded once: nothing is reordered, and no product and sum
become one, because the instructions carry none of the flags that would let the compiler do so. A run's bits do not
depend on which runs stand beside it.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from llvmlite import ir
from numba import extending, types
from numba.core import cgutils
from numba.extending import models, overload, register_model

#: Without its type: a checker would ask callers for the typing context, which Numba gives.
intrinsic: Any = extending.intrinsic

#: Runs advanced side by side. Eight doubles fill one AVX-512 register or two AVX2 registers.
LANES = 8
_VECTOR = ir.VectorType(ir.DoubleType(), LANES)
_ALIGNMENT = 64


class LanesType(types.Type):
    """Numba type of one value per lane."""

    def __init__(self) -> None:
        super().__init__(name=f"Lanes{LANES}")


lanes_type = LanesType()


@register_model(LanesType)
class _LanesModel(models.PrimitiveModel):
    """An LLVM vector held by value."""

    def __init__(self, dmm, fe_type):
        super().__init__(dmm, fe_type, _VECTOR)


def _pointer(context, builder, array_type, array, position, kind=_VECTOR):
    """Address of a position in a table read as a vector."""
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [position]), kind.as_pointer())


def _row_pointer(context, builder, array_type, array, row):
    return _pointer(
        context, builder, array_type, array, builder.mul(row, context.get_constant(types.intp, LANES))
    )


@intrinsic
def _load(typingctx, array, row):
    def codegen(context, builder, signature, args):
        pointer = _row_pointer(context, builder, signature.args[0], args[0], args[1])
        return builder.load(pointer, align=_ALIGNMENT)

    return lanes_type(array, types.intp), codegen


@intrinsic
def _store(typingctx, array, row, value):
    def codegen(context, builder, signature, args):
        pointer = _row_pointer(context, builder, signature.args[0], args[0], args[1])
        builder.store(args[2], pointer, align=_ALIGNMENT)
        return context.get_dummy_value()

    return types.void(array, types.intp, lanes_type), codegen


_I32, _I64 = ir.IntType(32), ir.IntType(64)
_DOUBLE = ir.DoubleType()


def _in_every_lane(builder, value, kind):
    """Put a scalar into every lane."""
    vector = builder.insert_element(ir.Constant(kind, ir.Undefined), value, ir.Constant(_I32, 0))
    zeros = ir.Constant(ir.VectorType(_I32, LANES), [0] * LANES)
    return builder.shuffle_vector(vector, ir.Constant(kind, ir.Undefined), zeros)


def _mask(builder, count):
    """Mask of the first `count` lanes."""
    kind = ir.VectorType(_I64, LANES)
    return builder.icmp_signed(
        "<", ir.Constant(kind, list(range(LANES))), _in_every_lane(builder, count, kind)
    )


def _call(builder, name, result, *args):
    kinds = [arg.type for arg in args]
    function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(result, kinds), name)
    return builder.call(function, args)


def _zeros():
    return ir.Constant(_VECTOR, [0.0] * LANES)


@intrinsic
def splat(typingctx, value):
    """Return a vector with `value` in every lane."""

    def codegen(context, builder, signature, args):
        return _in_every_lane(builder, args[0], _VECTOR)

    return lanes_type(types.float64), codegen


_EIGHT = ir.Constant(_I32, 8)  # alignment of a double


@intrinsic
def load_part(typingctx, table, position, count):
    """Return the first `count` values from `position` on, with zeros in the other lanes."""

    def codegen(context, builder, signature, args):
        pointer = _pointer(context, builder, signature.args[0], args[0], args[1])
        mask = _mask(builder, args[2])
        return _call(builder, f"llvm.masked.load.v{LANES}f64.p0", _VECTOR, pointer, _EIGHT, mask, _zeros())

    return lanes_type(table, types.intp, types.intp), codegen


@intrinsic
def store_part(typingctx, table, position, count, value):
    """Store the first `count` lanes from `position` on."""

    def codegen(context, builder, signature, args):
        pointer = _pointer(context, builder, signature.args[0], args[0], args[1])
        mask = _mask(builder, args[2])
        _call(builder, f"llvm.masked.store.v{LANES}f64.p0", ir.VoidType(), args[3], pointer, _EIGHT, mask)
        return context.get_dummy_value()

    return types.void(table, types.intp, types.intp, lanes_type), codegen


def _addresses(context, builder, array_type, array, position, stride):
    """Addresses of LANES values `stride` apart."""
    kind = ir.VectorType(_I64, LANES)
    steps = builder.mul(_in_every_lane(builder, stride, kind), ir.Constant(kind, list(range(LANES))))
    places = builder.add(_in_every_lane(builder, position, kind), steps)
    data = context.make_array(array_type)(context, builder, array).data
    base = _in_every_lane(builder, builder.ptrtoint(data, _I64), kind)
    bytes_ = builder.mul(places, ir.Constant(kind, [8] * LANES))
    return builder.inttoptr(builder.add(base, bytes_), ir.VectorType(_DOUBLE.as_pointer(), LANES))


@intrinsic
def gather(typingctx, table, position, stride, count):
    """Return `count` values `stride` apart, with zeros in the other lanes."""

    def codegen(context, builder, signature, args):
        places = _addresses(context, builder, signature.args[0], args[0], args[1], args[2])
        name = f"llvm.masked.gather.v{LANES}f64.v{LANES}p0"
        return _call(builder, name, _VECTOR, places, _EIGHT, _mask(builder, args[3]), _zeros())

    return lanes_type(table, types.intp, types.intp, types.intp), codegen


@intrinsic
def scatter(typingctx, table, position, stride, count, value):
    """Store `count` lanes at places `stride` apart."""

    def codegen(context, builder, signature, args):
        places = _addresses(context, builder, signature.args[0], args[0], args[1], args[2])
        name = f"llvm.masked.scatter.v{LANES}f64.v{LANES}p0"
        _call(builder, name, ir.VoidType(), args[4], places, _EIGHT, _mask(builder, args[3]))
        return context.get_dummy_value()

    return types.void(table, types.intp, types.intp, types.intp, lanes_type), codegen


@intrinsic
def broadcast(typingctx, table, position):
    """Return the value at `position` in every lane."""

    def codegen(context, builder, signature, args):
        pointer = _pointer(context, builder, signature.args[0], args[0], args[1], _DOUBLE)
        return _in_every_lane(builder, builder.load(pointer), _VECTOR)

    return lanes_type(table, types.intp), codegen


@intrinsic
def total(typingctx, value):
    """Sum of the lanes, in every lane; the order of the additions is fixed."""

    def codegen(context, builder, signature, args):
        vector = args[0]
        width = LANES // 2
        while width:
            order = ir.Constant(ir.VectorType(_I32, LANES), [(lane ^ width) for lane in range(LANES)])
            vector = builder.fadd(vector, builder.shuffle_vector(vector, vector, order))
            width //= 2
        return vector

    return lanes_type(lanes_type), codegen


def _binary(name: str):
    @intrinsic
    def operation(typingctx, left, right):
        def codegen(context, builder, signature, args):
            return getattr(builder, name)(args[0], args[1])

        return lanes_type(lanes_type, lanes_type), codegen

    return operation


def _choose(predicate: str):
    @intrinsic
    def operation(typingctx, left, right):
        def codegen(context, builder, signature, args):
            keep = builder.fcmp_unordered(predicate, args[0], args[1])
            return builder.select(keep, args[0], args[1])

        return lanes_type(lanes_type, lanes_type), codegen

    return operation


_add, _subtract, _multiply, _divide = (_binary(name) for name in ("fadd", "fsub", "fmul", "fdiv"))
#: Larger (smaller) of two vectors, lane by lane; NaN in the left argument stays.
larger = _choose(">")
smaller = _choose("<")


@intrinsic
def select(typingctx, mask, left, right):
    """`left` in the lanes where `mask` is not zero, `right` elsewhere."""

    def codegen(context, builder, signature, args):
        chosen = builder.fcmp_unordered("!=", args[0], ir.Constant(_VECTOR, [0.0] * LANES))
        return builder.select(chosen, args[1], args[2])

    return lanes_type(lanes_type, lanes_type, lanes_type), codegen


@intrinsic
def fused(typingctx, left, right, more):
    """``left * right + more``, rounded once, by the one instruction that processors have for it."""

    def codegen(context, builder, signature, args):
        return _call(builder, f"llvm.fma.v{LANES}f64", _VECTOR, *args)

    return lanes_type(lanes_type, lanes_type, lanes_type), codegen


@intrinsic
def reduced(typingctx, more, left, right):
    """``more - left * right``, rounded once."""

    def codegen(context, builder, signature, args):
        return _call(builder, f"llvm.fma.v{LANES}f64", _VECTOR, builder.fneg(args[1]), args[2], args[0])

    return lanes_type(lanes_type, lanes_type, lanes_type), codegen


def _compare(predicate: str):
    @intrinsic
    def operation(typingctx, left, right):
        def codegen(context, builder, signature, args):
            holds = builder.fcmp_ordered(predicate, args[0], args[1])
            return builder.select(holds, ir.Constant(_VECTOR, [1.0] * LANES), _zeros())

        return lanes_type(lanes_type, lanes_type), codegen

    return operation


#: 1 in the lanes where the comparison holds, 0 elsewhere and beside a NaN: masks for `select`, products of which hold
#: where all do.
above, at_most, same = (_compare(predicate) for predicate in (">", "<=", "=="))


@intrinsic
def anywhere(typingctx, mask):
    """Whether a mask is 1 in some lane."""

    def codegen(context, builder, signature, args):
        found = builder.fcmp_unordered("!=", args[0], _zeros())
        bits = ir.IntType(LANES)
        return builder.icmp_unsigned("!=", builder.bitcast(found, bits), bits(0))

    return types.boolean(lanes_type), codegen


_WORDS = ir.VectorType(_I64, LANES)
#: Integers from 0 to 2^52 are the last bits of a number that lies this much above them; with the half of it more they
#: may be negative.
_TWO_52 = 2.0**52
#: The logarithm of 1 + x to base 2 for x from 0 to 1, within 2.2e-6, and 2^x from -1/2 to 1/2, within 8e-8, by powers.
_LOG2 = (2.12374e-06, 1.44247531, -0.717557872, 0.455527088, -0.274623258, 0.119298238, -0.0251232033)
_EXP2 = (1.00000008, 0.69314721, 0.24022107, 0.05550327, 0.00967604, 0.00134004)


def _same_in_all(value, kind=_VECTOR):
    return ir.Constant(kind, [value] * LANES)


def _polynomial(builder, powers, x):
    value = _same_in_all(powers[-1])
    for power in reversed(powers[:-1]):
        value = builder.fadd(builder.fmul(value, x), _same_in_all(power))
    return value


@intrinsic
def rough_log2(typingctx, value):
    """Logarithm to base 2 of positive numbers, within 3e-6: the same bits on every processor."""

    def codegen(context, builder, signature, args):
        word = builder.bitcast(args[0], _WORDS)
        exponent = builder.or_(
            builder.lshr(word, _same_in_all(52, _WORDS)), _same_in_all(0x4330000000000000, _WORDS)
        )
        exponent = builder.fsub(builder.bitcast(exponent, _VECTOR), _same_in_all(_TWO_52 + 1023.0))
        fraction = builder.or_(
            builder.and_(word, _same_in_all(0x000FFFFFFFFFFFFF, _WORDS)),
            _same_in_all(0x3FF0000000000000, _WORDS),
        )
        x = builder.fsub(builder.bitcast(fraction, _VECTOR), _same_in_all(1.0))
        return builder.fadd(exponent, _polynomial(builder, _LOG2, x))

    return lanes_type(lanes_type), codegen


@intrinsic
def rough_exp2(typingctx, value):
    """Two to the power of numbers from -1000 to 1000, within one part in 10^7: the same bits on every processor."""

    def codegen(context, builder, signature, args):
        shifted = builder.fadd(args[0], _same_in_all(1.5 * _TWO_52))
        whole = builder.fsub(shifted, _same_in_all(1.5 * _TWO_52))
        value = builder.bitcast(_polynomial(builder, _EXP2, builder.fsub(args[0], whole)), _WORDS)
        power = builder.shl(builder.bitcast(shifted, _WORDS), _same_in_all(52, _WORDS))
        return builder.bitcast(builder.add(value, power), _VECTOR)

    return lanes_type(lanes_type), codegen


@intrinsic
def magnitude(typingctx, value):
    """Absolute value, lane by lane."""

    def codegen(context, builder, signature, args):
        function = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(_VECTOR, [_VECTOR]), f"llvm.fabs.v{LANES}f64"
        )
        return builder.call(function, args)

    return lanes_type(lanes_type), codegen


def _arithmetic(symbol, operation) -> None:
    @overload(symbol)
    def lanewise(left, right):
        if left is lanes_type and right is lanes_type:
            return lambda left, right: operation(left, right)  # noqa: PLW0108 (Numba reads the arguments)
        return None


_arithmetic(operator.add, _add)


_arithmetic(operator.sub, _subtract)


_arithmetic(operator.mul, _multiply)


_arithmetic(operator.truediv, _divide)


load = _load
store = _store


def lanes_array(rows: int) -> np.ndarray:
    """Return zeros of shape ``(rows, LANES)`` whose rows are aligned as `load` and `store` require."""
    size = rows * LANES
    buffer = np.zeros(size + _ALIGNMENT // 8 + LANES)
    start = (-buffer.ctypes.data % _ALIGNMENT) // 8
    return buffer[start : start + size].reshape(rows, LANES)
