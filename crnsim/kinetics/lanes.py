"""Vectors of lanes: one value for each of several runs that a compiled loop advances side by side.

A state array has shape ``(n_species, LANES)``, C-contiguous. `load`, `store` and `splat` move one row of it to
and from a vector register; ``+ - * /`` act lane by lane in strict IEEE arithmetic, so that a run's bits do not
depend on which runs stand beside it.
"""

from __future__ import annotations

import hashlib
import operator
import os
import tempfile
from functools import lru_cache
from pathlib import Path

import numpy as np
from llvmlite import ir
from numba import config, njit, types
from numba.core import cgutils
from numba.extending import intrinsic, models, overload, register_model

#: Runs advanced side by side. Eight doubles fill one AVX-512 register or two AVX2 registers.
LANES = 8

_VECTOR = ir.VectorType(ir.DoubleType(), LANES)
_ALIGNMENT = 64


def cache_folder() -> Path:
    """Folder of compiled code: CRNSIM_CACHE_DIR, else the user's cache folder."""
    chosen = os.environ.get("CRNSIM_CACHE_DIR")
    if chosen:
        return Path(chosen).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "crnsim"


@lru_cache(maxsize=1)
def compiled_folder() -> Path:
    """Folder of the code compiled from the present sources.

    Numba looks at the file of a function but not at those of the functions it has inlined; a folder named by a hash of
    all of them keeps an edited library from running old code.
    """
    digest = hashlib.sha256(str(LANES).encode())
    package = Path(__file__).resolve().parent.parent
    for path in sorted([*(package / "kinetics").glob("*.py"), *(package / "solvers").glob("*.py")]):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    try:
        folder = cache_folder() / digest.hexdigest()[:16]
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        # A read-only home (some clusters' nodes) costs a compilation per process, not the run.
        return Path(tempfile.mkdtemp(prefix="crnsim-"))


def compiled(function):
    """Compile with Numba, cached on disk, without reference counts.

    A function compiled so cannot allocate; in return its array arguments cost no atomic counting, which took half of
    the time of a small network's step.
    """
    before = config.CACHE_DIR
    config.CACHE_DIR = str(compiled_folder())
    try:
        return njit(cache=True, nogil=True, error_model="numpy", _nrt=False)(function)
    finally:
        config.CACHE_DIR = before


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


def _row_pointer(context, builder, array_type, array, row):
    data = context.make_array(array_type)(context, builder, array).data
    start = builder.mul(row, context.get_constant(types.intp, LANES))
    return builder.bitcast(builder.gep(data, [start]), _VECTOR.as_pointer())


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


@intrinsic
def splat(typingctx, value):
    """Return a vector with `value` in every lane."""

    def codegen(context, builder, signature, args):
        vector = ir.Constant(_VECTOR, ir.Undefined)
        for lane in range(LANES):
            vector = builder.insert_element(vector, args[0], ir.Constant(ir.IntType(32), lane))
        return vector

    return lanes_type(types.float64), codegen


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
    buffer = np.zeros(size + _ALIGNMENT // 8)
    start = (-buffer.ctypes.data % _ALIGNMENT) // 8
    return buffer[start : start + size].reshape(rows, LANES)
