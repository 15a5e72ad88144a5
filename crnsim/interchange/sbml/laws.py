"""Rate laws of SBML as mass action: what a law says in whatever form, as a sum of products of concentrations."""

from __future__ import annotations

import math
from collections import ChainMap
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import libsbml

from crnsim.errors import InputError
from crnsim.interchange.sbml.rational import Rational

#: Avogadro's number as SBML Level 3 defines it.
AVOGADRO = 6.02214179e23

_CONSTANTS = {
    libsbml.AST_CONSTANT_E: math.e,
    libsbml.AST_CONSTANT_PI: math.pi,
    libsbml.AST_NAME_AVOGADRO: AVOGADRO,
}
_FUNCTIONS: dict[int, Callable[..., float]] = {
    libsbml.AST_FUNCTION_ABS: abs,
    libsbml.AST_FUNCTION_CEILING: math.ceil,
    libsbml.AST_FUNCTION_FLOOR: math.floor,
    libsbml.AST_FUNCTION_EXP: math.exp,
    libsbml.AST_FUNCTION_LN: math.log,
    libsbml.AST_FUNCTION_SIN: math.sin,
    libsbml.AST_FUNCTION_COS: math.cos,
    libsbml.AST_FUNCTION_TAN: math.tan,
    libsbml.AST_FUNCTION_SINH: math.sinh,
    libsbml.AST_FUNCTION_COSH: math.cosh,
    libsbml.AST_FUNCTION_TANH: math.tanh,
    libsbml.AST_FUNCTION_MIN: min,
    libsbml.AST_FUNCTION_MAX: max,
    # The degree, or the base, comes first.
    libsbml.AST_FUNCTION_ROOT: lambda degree, value: value ** (1 / degree),
    libsbml.AST_FUNCTION_LOG: lambda base, value: math.log10(value) if base == 10 else math.log(value, base),
}
#: Powers of ten beyond which there is no number.
_LARGEST_EXPONENT = 400
_NOTHING: Mapping[str, float] = {}
_POWERS = (libsbml.AST_POWER, libsbml.AST_FUNCTION_POWER)


class Known(ChainMap[str, float]):
    """Values of symbols that may become numbers, and which of them have."""

    def __init__(self, *maps: MutableMapping[str, float]) -> None:
        super().__init__(*maps)
        self.frozen: set[str] = set()


@dataclass(frozen=True)
class Term:
    """One product of a law.

    Attributes
    ----------
    coefficient : Fraction
        Without the parameters; below zero for the way back.
    parameters, species : dict of str to int
        Exponents by name.
    """

    coefficient: Fraction
    parameters: dict[str, int]
    species: dict[str, int]


def formula(node: Any) -> str:
    """Return a formula as a person writes it."""
    return str(libsbml.formulaToL3String(node))


def value_of(node: Any, lookup: Callable[[str], Rational], known: Mapping[str, float] = _NOTHING) -> Rational:
    """Work out a formula.

    Parameters
    ----------
    node : libsbml.ASTNode
    lookup : callable
        What a name stands for; raises InputError for one that may not stand there.
    known : mapping of str to float
        Values of symbols that are parameters: what is neither a product nor a quotient of them becomes a number.

    Raises
    ------
    InputError
        It has something in it that is no algebra.
    """
    kind = node.getType()
    if node.isNumber():
        return Rational.number(_number(node))
    if kind in _CONSTANTS:
        return Rational.number(_CONSTANTS[kind])
    if kind == libsbml.AST_NAME_TIME:
        raise InputError("depends on the time")
    if kind == libsbml.AST_NAME:
        return lookup(node.getName())
    values = [value_of(child, lookup, known) for child in _operands(node)]
    if kind == libsbml.AST_PLUS:
        return sum(values, Rational.number(0))
    if kind == libsbml.AST_TIMES:
        return math.prod(values, start=Rational.number(1))
    if kind == libsbml.AST_MINUS and len(values) in (1, 2):
        return values[0] + -values[1] if len(values) == 2 else -values[0]
    if kind == libsbml.AST_DIVIDE and len(values) == 2:
        several = len(values[1].numerator) > 1
        return values[0] / (as_number(values[1], known) if several else values[1])
    if kind in _POWERS and len(values) == 2:
        return _power(values[0], as_number(values[1], known), known)
    plain = [as_number(value, known) for value in values]
    if kind in _FUNCTIONS and not any(value.symbols for value in plain):
        return Rational.number(_called(node, [constant(value) for value in plain]))
    raise InputError(f"has {_name_of(node)} in it")


def _operands(node: Any) -> list[Any]:
    """Operands; those of a sum or a product in each other, as long ones are kept, are all of one."""
    kind = node.getType()
    if kind not in (libsbml.AST_PLUS, libsbml.AST_TIMES):
        return [node.getChild(i) for i in range(node.getNumChildren())]
    found, waiting = [], [node]
    while waiting:
        one = waiting.pop()
        if one.getType() == kind:
            waiting += [one.getChild(i) for i in reversed(range(one.getNumChildren()))]
        else:
            found.append(one)
    return found


def factors_in_order(node: Any) -> list[str | Fraction | float] | None:
    """Return the numbers and the names that a plain product is made of, as they stand there; None if it is none."""
    if node.getType() != libsbml.AST_TIMES:
        return None
    found: list[str | Fraction | float] = []
    for one in _operands(node):
        if one.isNumber():
            found.append(_number(one))
        elif one.getType() == libsbml.AST_NAME:
            found.append(str(one.getName()))
        else:
            return None
    return found


def as_number(value: Rational, known: Mapping[str, float]) -> Rational:
    """Return a value of parameters alone as a number; one with something else in it as it is."""
    if not value.symbols or not value.symbols <= known.keys():
        return value
    if isinstance(known, Known):
        known.frozen |= value.symbols
    parts = [
        sum((c * math.prod(Fraction(known[n]) ** p for n, p in m) for m, c in part.items()), Fraction(0))
        for part in (value.numerator, value.denominator)
    ]
    if not parts[1]:
        raise InputError("divides by zero")
    return Rational.number(parts[0] / parts[1])


def constant(value: Rational) -> float:
    """Return a value without symbols as a number."""
    top, bottom = (part.get((), Fraction(0)) for part in (value.numerator, value.denominator))
    try:
        return float(top / bottom)
    except OverflowError:
        raise InputError("has a number out of range in it") from None


def _number(node: Any) -> Fraction | float:
    if node.isInteger():
        return Fraction(node.getInteger())
    if node.isRational():
        if not node.getDenominator():
            raise InputError("divides by zero")
        return Fraction(node.getNumerator(), node.getDenominator())
    if node.getType() == libsbml.AST_REAL_E:
        if abs(int(node.getExponent())) > _LARGEST_EXPONENT:
            raise InputError("has a number out of range in it")
        # Exactly what is written: the mantissa's shortest text, and a power of ten.
        return Fraction(repr(float(node.getMantissa()))) * Fraction(10) ** int(node.getExponent())
    number = float(node.getReal())
    if not math.isfinite(number):
        raise InputError(f"has {number} in it")
    return number


def _power(base: Rational, exponent: Rational, known: Mapping[str, float]) -> Rational:
    if exponent.symbols:
        raise InputError("has an exponent that is no number")
    power = constant(exponent)
    if power.is_integer() and abs(power) < 1000:
        return base ** int(power)
    base = as_number(base, known)
    if base.symbols:
        raise InputError(f"has the exponent {power:g}")
    try:
        return Rational.number(constant(base) ** power)
    except (ValueError, OverflowError, ZeroDivisionError, TypeError):
        raise InputError(f"has {constant(base):g} to the power of {power:g} in it") from None


def _called(node: Any, values: list[float]) -> float:
    try:
        result = float(_FUNCTIONS[node.getType()](*values))
        if not math.isfinite(result) or (not result and node.getType() == libsbml.AST_FUNCTION_EXP):
            raise ValueError
        return result
    except (ValueError, OverflowError, ZeroDivisionError, TypeError):
        raise InputError(f"has {formula(node)} in it, which is no number") from None


def _name_of(node: Any) -> str:
    """What a formula is at its root, in words."""
    if node.getType() == libsbml.AST_FUNCTION:
        return f"the function {node.getName()}"
    if node.getType() == libsbml.AST_FUNCTION_DELAY:
        return "a delay"
    return str(formula(node))[:100] or "something that is no formula"


def terms_of(
    law: Rational,
    values: Mapping[str, float],
    fixed: Mapping[str, float] = _NOTHING,
    known: Known | None = None,
) -> list[Term]:
    """Take a rate law apart into products.

    What is divided, by a parameter or by a species that nothing changes, becomes a number, and so does a difference of
    products of the same species.

    Parameters
    ----------
    law : Rational
        In species, and in parameters under their names.
    values : mapping of str to float
        Parameters with their values; what is not among them is a species.
    fixed : mapping of str to float
        Species that nothing changes.
    known : Known, optional
        Is told what has become a number.

    Raises
    ------
    InputError
        It is no sum of products of concentrations.
    """
    found = law.polynomial()
    if found is None:
        raise InputError("is no mass action: it divides by a sum")
    alike: dict[tuple[tuple[str, int], ...], list[tuple[dict[str, int], Fraction]]] = {}
    for monomial, coefficient in found.items():
        own = tuple((name, power) for name, power in monomial if name not in values and name not in fixed)
        if odd := [name for name, power in own if power < 0]:
            raise InputError(f"is no mass action: it divides by {odd[0].removeprefix('species ')}")
        alike.setdefault(own, []).append(({n: p for n, p in monomial if (n, p) not in own}, coefficient))
    terms: list[Term] = []
    for own, parts in alike.items():
        signs = {coefficient > 0 for _, coefficient in parts}
        divided = any(power < 0 for factors, _ in parts for power in factors.values())
        if len(signs) > 1 or divided:
            terms += _as_number(dict(own), parts, {**values, **fixed}, known)
            continue
        for factors, coefficient in parts:
            species = dict(own) | {name: power for name, power in factors.items() if name in fixed}
            terms.append(Term(coefficient, {n: p for n, p in factors.items() if n in values}, species))
    return terms


def _as_number(
    species: dict[str, int],
    parts: list[tuple[dict[str, int], Fraction]],
    values: Mapping[str, float],
    known: Known | None,
) -> list[Term]:
    """Products of the same species as one with a number before it; none where they cancel."""
    total = Fraction(0)
    for factors, coefficient in parts:
        if nothing := [name for name, power in factors.items() if power < 0 and not values[name]]:
            raise InputError(f"divides by {nothing[0].removeprefix('species ')}, which is 0")
        total += math.prod((Fraction(values[n]) ** power for n, power in factors.items()), start=coefficient)
        if known is not None:
            known.frozen |= set(factors)
    return [Term(total, {}, species)] if total else []
