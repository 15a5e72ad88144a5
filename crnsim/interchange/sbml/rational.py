"""Exact algebra of rate laws: quotients of polynomials in species and parameters, with rational coefficients."""

from __future__ import annotations

import math
from fractions import Fraction

from crnsim.errors import InputError

#: Symbols with their exponents, sorted; exponents below 0 are allowed.
Monomial = tuple[tuple[str, int], ...]
Polynomial = dict[Monomial, Fraction]

#: Terms of a law when it is multiplied out, and exponents, at most: more is no rate of a chemical reaction.
MOST_TERMS, MOST_EXPONENT = 2000, 40
#: Bits of a coefficient, at most: products of many numbers, none of them out of range.
_MOST_BITS = 20_000
_ONE: Polynomial = {(): Fraction(1)}


class Rational:
    """A quotient of two polynomials.

    Parameters
    ----------
    numerator, denominator : dict of monomial to Fraction
    """

    def __init__(self, numerator: Polynomial, denominator: Polynomial | None = None) -> None:
        self.numerator, self.denominator = numerator, denominator or _ONE

    @classmethod
    def number(cls, value: Fraction | float) -> Rational:
        """Return a constant."""
        if not isinstance(value, Fraction) and not math.isfinite(value):
            raise InputError(f"has {value} in it")
        exact = Fraction(value)
        return cls({(): exact} if exact else {})

    @classmethod
    def symbol(cls, name: str, factor: Fraction | float = 1) -> Rational:
        """Return a symbol times a constant."""
        return cls({((name, 1),): Fraction(factor)})

    @property
    def symbols(self) -> set[str]:
        """Names that occur in it."""
        return {name for part in (self.numerator, self.denominator) for m in part for name, _ in m}

    def __add__(self, other: Rational) -> Rational:
        if self.denominator == other.denominator:
            return Rational(_sum(self.numerator, other.numerator), self.denominator)
        top = _sum(_product(self.numerator, other.denominator), _product(other.numerator, self.denominator))
        return Rational(top, _product(self.denominator, other.denominator))

    def __neg__(self) -> Rational:
        return Rational({m: -c for m, c in self.numerator.items()}, self.denominator)

    def __mul__(self, other: Rational) -> Rational:
        return Rational(
            _product(self.numerator, other.numerator), _product(self.denominator, other.denominator)
        )

    def __truediv__(self, other: Rational) -> Rational:
        if not other.numerator:
            raise InputError("divides by zero")
        return self * Rational(other.denominator, other.numerator)

    def __pow__(self, exponent: int) -> Rational:
        if abs(exponent) > MOST_EXPONENT:
            raise InputError(f"has the exponent {exponent}")
        base, result = (self if exponent >= 0 else Rational(_ONE) / self), Rational(_ONE)
        for _ in range(abs(exponent)):
            result = result * base
        return result

    def polynomial(self) -> Polynomial | None:
        """Return it as a sum of monomials; None where the denominator does not divide the numerator."""
        if len(self.denominator) == 1:
            ((monomial, coefficient),) = self.denominator.items()
            inverse = {tuple((name, -power) for name, power in monomial): 1 / coefficient}
            return _product(self.numerator, inverse)
        return _quotient(self.numerator, self.denominator)


def _times(left: Monomial, right: Monomial) -> Monomial:
    powers = dict(left)
    for name, power in right:
        powers[name] = powers.get(name, 0) + power
    return tuple(sorted((name, power) for name, power in powers.items() if power))


def _sum(left: Polynomial, right: Polynomial) -> Polynomial:
    found = dict(left)
    for monomial, coefficient in right.items():
        found[monomial] = found.get(monomial, Fraction(0)) + coefficient
    return {m: c for m, c in found.items() if c}


def _product(left: Polynomial, right: Polynomial) -> Polynomial:
    if len(left) * len(right) > MOST_TERMS:
        raise InputError(f"has more than {MOST_TERMS} terms when it is multiplied out")
    found: Polynomial = {}
    for m, c in left.items():
        for n, d in right.items():
            both = _times(m, n)
            found[both] = found.get(both, Fraction(0)) + c * d
    if any(c.numerator.bit_length() + c.denominator.bit_length() > _MOST_BITS for c in found.values()):
        raise InputError("has a number out of range in it")
    return {m: c for m, c in found.items() if c}


def _quotient(top: Polynomial, bottom: Polynomial) -> Polynomial | None:
    """Divide one polynomial by another of several terms; None where there is a rest."""
    names = sorted({name for part in (top, bottom) for m in part for name, _ in m})

    def order(monomial: Monomial) -> tuple[int, ...]:
        powers = dict(monomial)
        return tuple(powers.get(name, 0) for name in names)

    # Lexicographic order is one of monomials with negative exponents too: it respects products. Where nothing is left
    # over, the division ends: every step takes the leading term away, and a quotient has a leading term for each.
    lead = max(bottom, key=order)
    last = min(bottom, key=order)
    lowest = min((order(m) for m in top), default=())
    rest, found = dict(top), Polynomial()
    while rest:
        first = max(rest, key=order)
        step = _times(first, tuple((name, -power) for name, power in lead))
        coefficient = rest[first] / bottom[lead]
        if len(found) > MOST_TERMS or order(_times(step, last)) < lowest:
            return None
        found = _sum(found, {step: coefficient})
        rest = _sum(rest, _product({step: -coefficient}, bottom))
    return found
