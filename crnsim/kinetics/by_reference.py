"""Named tuples of tables that compiled functions hand on as one address.

Numba hands a tuple on field by field, and an array in some nine numbers: the tables of a batch were more than five
hundred arguments of every function that takes them, which took half of the time of a compilation. As one address they
cost nothing; a field is read where it is used.
"""

from __future__ import annotations

from typing import Any, TypeVar

from llvmlite import ir
from numba import extending, typeof, types
from numba.core import cgutils
from numba.core.typing.templates import AttributeTemplate
from numba.extending import infer_getattr, lower_getattr_generic, models, register_model, unbox

#: Without their types: Numba's own ask for the class of what they are given.
_typeof_impl: Any = extending.typeof_impl
_native_value: Any = extending.NativeValue

#: A named tuple's class.
T = TypeVar("T")


class Reference(types.Type):
    """Numba type of the address of a named tuple, for functions without reference counts (`crnsim.compiled`).

    What it stands for lives as long as the call from Python.
    """

    def __init__(self, name: str, fields: tuple[tuple[str, types.Type], ...]) -> None:
        self.fields = fields
        self.place = {field: place for place, (field, _) in enumerate(fields)}
        super().__init__(name=f"{name}&({', '.join(f'{field}: {kind}' for field, kind in fields)})")


def _struct(lookup: Any, reference: Reference) -> ir.LiteralStructType:
    return ir.LiteralStructType([lookup(kind).get_value_type() for _, kind in reference.fields])


@register_model(Reference)
class _ReferenceModel(models.PrimitiveModel):
    """An address."""

    def __init__(self, dmm, fe_type):
        super().__init__(dmm, fe_type, _struct(dmm.lookup, fe_type).as_pointer())


def by_reference(cls: T) -> T:
    """Let compiled functions take named tuples of a class by reference; their fields cannot be set there."""
    named: Any = cls

    def kind_of(value: Any, _context: Any) -> Reference:
        return Reference(
            named.__name__, tuple((field, typeof(getattr(value, field))) for field in named._fields)
        )

    _typeof_impl.register(cls)(kind_of)
    return cls


@unbox(Reference)
def _unbox(kind, value, c):
    """Write the fields down where the call begins."""
    place = cgutils.alloca_once(c.builder, _struct(c.context.data_model_manager.lookup, kind))
    failed = cgutils.false_bit
    for number, (_, field_kind) in enumerate(kind.fields):
        native = c.unbox(field_kind, c.pyapi.tuple_getitem(value, number))
        c.builder.store(native.value, cgutils.gep_inbounds(c.builder, place, 0, number))
        failed = c.builder.or_(failed, native.is_error)
    return _native_value(place, is_error=failed)


@infer_getattr
class _Fields(AttributeTemplate):
    key = Reference

    def generic_resolve(self, typ, attr):
        place = typ.place.get(attr)
        return None if place is None else typ.fields[place][1]


@lower_getattr_generic(Reference)
def _get(context, builder, typ, value, attr):
    if context.enable_nrt:
        raise TypeError("tables go by reference only to functions without reference counts (crnsim.compiled)")
    return builder.load(cgutils.gep_inbounds(builder, value, 0, typ.place[attr]))
