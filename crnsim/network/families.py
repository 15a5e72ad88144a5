"""Species arrays and reaction families over index sets, and how their equations are read."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from crnsim.entrance.arguments import SMALLEST_NORMAL, check_text, shown
from crnsim.entrance.limits import LARGEST_RATE
from crnsim.errors import InputError
from crnsim.network.checks import (
    NAME,
    VALUES,
    check_coefficient,
    check_factor,
    check_indices,
    check_label,
    check_name,
    check_order,
    check_place,
    known,
    rate_text,
)
from crnsim.wording import exact

#: What stands on a side of an equation where nothing is.
NOTHING = ("0", "∅", "")
#: Digits of a fixed index, at most; more are no number of a species.
MOST_DIGITS = 10
_TERM = re.compile(
    r"(?:(?P<count>\d+)\s*\*?)?\s*(?P<name>[A-Za-z_]\w*)\s*(?:\[(?P<indices>[^\]]*[^\]\s][^\]]*)\])?",
    re.ASCII,
)
_ARRAY = re.compile(r"(?P<name>[A-Za-z_]\w*)\s*\[(?P<indices>[^\]]*)\]", re.ASCII)


@dataclass(frozen=True)
class Species:
    """An array of chemical species, one for each combination of its indices.

    Parameters
    ----------
    name : str
        Name of the array; ``W1p`` stands for the plus rail of the weights of layer 1.
    dims : tuple of str
        Names of its dimensions; empty for a single species.
    shape : tuple of int
        Length of each dimension.
    slow : bool
        Whether it changes slowly, such as a weight: a hint for implicit methods (see `Network.add_species`).
    place : int
        Number of the array in order of declaration.
    """

    name: str
    dims: tuple[str, ...]
    shape: tuple[int, ...]
    slow: bool = False
    place: int = 0

    @property
    def size(self) -> int:
        """Number of species in the array."""
        return math.prod(self.shape)

    def labels(self) -> list[str]:
        """Names of the single species, ``W1p[0,1]``, in C order."""
        if not self.dims:
            return [self.name]
        return [f"{self.name}[{','.join(map(str, index))}]" for index in np.ndindex(*self.shape)]


@dataclass(frozen=True)
class Term:
    """`count` molecules of the species of one array at `indices`: letters of the family, and numbers that are fixed."""

    count: int
    name: str
    indices: tuple[str, ...]

    def __str__(self) -> str:
        subscript = f"[{','.join(self.indices)}]" if self.indices else ""
        return f"{self.count if self.count != 1 else ''}{self.name}{subscript}"

    def label(self, values: Mapping[str, int]) -> str:
        """Name of the single species where the indices have these values."""
        if not self.indices:
            return self.name
        return f"{self.name}[{','.join(str(values.get(i, i)) for i in self.indices)}]"


@dataclass(frozen=True)
class Family:
    """Reactions of one form, one for every value of their indices.

    Parameters
    ----------
    label : str
        What the reactions are for; reactions of a circuit are counted by it.
    reactants, products : tuple of Term
        Both sides; a catalyst stands on both.
    rate : tuple of str
        Factors of the rate constant: numbers, names of parameters, and array parameters with indices, ``W1p[i,j]``.
    indices : tuple of str
        Index letters in order of appearance; the elementary reactions follow in C order.
    dims, shape : tuple
        Dimension of each index and its length.
    """

    label: str
    reactants: tuple[Term, ...]
    products: tuple[Term, ...]
    rate: tuple[str, ...]
    indices: tuple[str, ...]
    dims: tuple[str, ...]
    shape: tuple[int, ...]

    @cached_property
    def size(self) -> int:
        """Number of elementary reactions."""
        return math.prod(self.shape)

    @property
    def fixed(self) -> bool:
        """Whether an index of a species is a number, and so the same in all its reactions."""
        terms = (*self.reactants, *self.products)
        return any(is_fixed(index) for term in terms for index in term.indices)

    @property
    def order(self) -> int:
        """Number of molecules that must meet."""
        return sum(term.count for term in self.reactants)

    @property
    def net(self) -> dict[tuple[str, tuple[str, ...]], int]:
        """Change of each species by one reaction; catalysts are left out."""
        change: dict[tuple[str, tuple[str, ...]], int] = {}
        for sign, side in ((-1, self.reactants), (1, self.products)):
            for term in side:
                key = (term.name, term.indices)
                change[key] = change.get(key, 0) + sign * term.count
        return {key: value for key, value in change.items() if value}

    @property
    def equation(self) -> str:
        """The reaction with index letters, ``W[i,j] + X[j] -> W[i,j] + X[j] + Z[i]``."""
        return f"{_side(self.reactants)} -> {_side(self.products)}"

    def __str__(self) -> str:
        ranges = ", ".join(f"{i}<{n}" for i, n in zip(self.indices, self.shape, strict=True))
        return f"{self.equation}  ({'*'.join(self.rate)}){'  ' + ranges if ranges else ''}"


@dataclass(frozen=True)
class Reaction:
    """One elementary reaction with mass-action kinetics.

    The rate is ``rate`` times the product of the reactants' concentrations, each to the power of its count
    (no combinatorial factor: ``2X -> X`` with constant k removes k x^2 per time).
    """

    reactants: tuple[tuple[int, str], ...]
    products: tuple[tuple[int, str], ...]
    rate: float
    label: str

    def __str__(self) -> str:
        left, right = (
            " + ".join(f"{count if count != 1 else ''}{name}" for count, name in side) or "0"
            for side in (self.reactants, self.products)
        )
        return f"{left} ->{{{exact(self.rate)}}} {right}"


def side_of(terms: tuple[Term, ...], values: Mapping[str, int]) -> tuple[tuple[int, str], ...]:
    """Molecules on one side where the indices have these values; equal species, as in ``X[i] + X[j]``, are one."""
    molecules: dict[str, int] = {}
    for term in terms:
        label = term.label(values)
        molecules[label] = molecules.get(label, 0) + term.count
    return tuple((count, label) for label, count in molecules.items())


def _side(terms: tuple[Term, ...]) -> str:
    return " + ".join(map(str, terms)) or "0"


def ways(equation: object, rate: Any) -> list[tuple[str, Any]]:
    """Split a reversible equation into both ways, each with its rate; one that is not stays as it is.

    Raises
    ------
    InputError
        The number of rates does not fit the arrow.
    """
    text = check_text("equation", equation)
    where = f"reaction {shown(text, 200)}"
    pair = isinstance(rate, (tuple, list))
    if "<->" not in text:
        if pair:
            raise InputError(f"{where}: {len(rate)} rates for one direction; give one rate, or write <->")
        return [(text, rate)]
    if text.count("<->") != 1 or text.count("->") != 1:
        raise InputError(f"{where}: exactly one '<->' or '->' is needed")
    if not pair or len(rate) != 2:
        raise InputError(f"{where}: <-> needs two rates, forward and reverse, such as ('kf', 'kr')")
    left, right = text.split("<->")
    return [(f"{left.strip()} -> {right.strip()}", rate[0]), (f"{right.strip()} -> {left.strip()}", rate[1])]


def parse_family(
    label: str,
    equation: str,
    rate: str | float,
    species: Mapping[str, Species],
    scalars: Mapping[str, float],
    arrays: Mapping[str, np.ndarray],
) -> Family:
    """Read a family; see `Network.add_family`.

    Parameters
    ----------
    label, equation, rate
        As given.
    species, scalars, arrays : mapping
        What is declared: arrays of species, rate parameters that are numbers, and those that are arrays.
    """
    check_label(label)
    check_text("equation", equation)
    where = f"reaction {shown(equation, 200)}"
    rate = rate_text(where, rate)
    if equation.count("->") != 1:
        raise InputError(f"{where}: exactly one '->' is needed")
    reactants, products = (_parse_side(side, where, species) for side in equation.split("->"))
    if not (reactants or products):
        raise InputError(f"{where}: nothing stands on either side; name a species")
    check_order(where, sum(term.count for term in reactants), "all reactants together")
    ranges: dict[str, tuple[str, int, str]] = {}
    for term in (*reactants, *products):
        found = species[term.name]
        for letter, dim, length in zip(term.indices, found.dims, found.shape, strict=True):
            if is_fixed(letter):
                check_place(where, str(term), int(letter), length)
                continue
            first = ranges.setdefault(letter, (dim, length, str(term)))
            if first[1] != length:
                raise InputError(
                    f"{where}: index '{letter}' runs to {first[1]} in {first[2]} but to {length} in {term}; "
                    "use species of matching shape or another letter"
                )
    check_indices(where, len(ranges))
    lengths = {letter: length for letter, (_, length, _) in ranges.items()}
    factors = tuple(
        _parse_factor(f.strip(), rate, where, lengths, scalars, arrays, species) for f in rate.split("*")
    )
    return Family(
        label=label,
        reactants=reactants,
        products=products,
        rate=factors,
        indices=tuple(ranges),
        dims=tuple(dim for dim, _, _ in ranges.values()),
        shape=tuple(lengths.values()),
    )


def _parse_side(text: str, where: str, species: Mapping[str, Species]) -> tuple[Term, ...]:
    if text.strip() in NOTHING:
        return ()
    terms: dict[tuple[str, tuple[str, ...]], int] = {}
    for part in text.split("+"):
        match = _TERM.fullmatch(part.strip())
        if match is None:
            raise InputError(f"{where}: cannot read {shown(part.strip())}; write 2X[i], X or 0")
        name = known(f"{where}: undeclared species", match["name"], species)
        count = check_coefficient(where, match["count"], name)
        indices = tuple(_plain(index) for index in _letters(match["indices"] or ""))
        for letter in indices:
            if not is_fixed(letter):
                check_name(f"an index of {name} in {where}", letter)
        if len(indices) != len(species[name].dims):
            raise InputError(
                f"{where}: {name} has {len(species[name].dims)} indices, {len(indices)} are given"
            )
        terms[name, indices] = check_order(where, terms.get((name, indices), 0) + count, name)
    return tuple(Term(count, name, indices) for (name, indices), count in terms.items())


def is_fixed(index: str) -> bool:
    """Whether an index is a number and no letter."""
    return index.isascii() and index.isdigit() and len(index) <= MOST_DIGITS


def _plain(index: str) -> str:
    """An index; one that is fixed without zeros before it."""
    return str(int(index)) if is_fixed(index) else index


def _letters(text: str) -> tuple[str, ...]:
    """Index letters; one that is missing between commas is empty, and no name."""
    return tuple(i.strip() for i in text.split(",")) if text.strip() else ()


def _parse_factor(
    factor: str,
    rate: str,
    where: str,
    lengths: Mapping[str, int],
    scalars: Mapping[str, float],
    arrays: Mapping[str, np.ndarray],
    species: Mapping[str, Species],
) -> str:
    """One factor of a rate constant, checked."""
    if match := _ARRAY.fullmatch(factor):
        name, letters = match["name"], _letters(match["indices"])
        known(f"{where}: unknown array of rate parameters", name, arrays)
        letters = tuple(map(_plain, letters))
        if strange := [letter for letter in letters if letter not in lengths and not is_fixed(letter)]:
            raise InputError(
                f"{where}: index {shown(strange[0])} of rate {shown(factor)} is no index of the reaction"
            )
        text, found = f"{name}[{','.join(letters)}]", arrays[name].shape
        wanted = tuple(
            found[at] if is_fixed(letter) and at < len(found) else lengths.get(letter, 1)
            for at, letter in enumerate(letters)
        )
        if found == wanted:
            for letter, length in zip(letters, found, strict=True):
                if is_fixed(letter):
                    check_place(where, text, int(letter), length)
        else:
            raise InputError(f"{where}: rate {text} needs shape {wanted}; {name} has {arrays[name].shape}")
        return text
    if not NAME.fullmatch(factor) or factor.lower() in VALUES:
        return check_factor(where, factor, rate)
    if factor not in scalars and factor not in arrays and factor in species:
        raise InputError(
            f"{where}: {factor} is a species; a rate is a constant, and reactants are multiplied to it"
        )
    if factor in arrays:
        letters = tuple("ijklmnop"[: arrays[factor].ndim])
        raise InputError(f"{where}: rate parameter {factor} is an array; write {factor}[{','.join(letters)}]")
    return known(f"{where}: unknown rate parameter", factor, scalars)


def rate_constants(family: Family, values: Mapping[str, float | np.ndarray]) -> np.ndarray:
    """Rate constants of one family's reactions from the values of all parameters, shape (size,)."""
    numbers = [float(values[f]) if f in values else float(f) for f in family.rate if "[" not in f]
    constants: np.ndarray = np.full(family.shape, math.prod(numbers), dtype=float)
    there: np.ndarray = np.full(family.shape, all(numbers))
    grid = np.indices(family.shape, sparse=True)
    for factor in family.rate:
        if match := _ARRAY.fullmatch(factor):
            places = tuple(
                int(letter) if is_fixed(letter) else grid[family.indices.index(letter)]
                for letter in _letters(match["indices"])
            )
            factors = np.asarray(values[match["name"]])[places]
            constants *= factors
            there &= factors > 0
    if np.any(there & (constants < SMALLEST_NORMAL)):
        raise InputError(
            f"reaction {shown(family.equation, 200)}: its rate constant {shown('*'.join(family.rate))} is lost in "
            f"rounding; it must be 0, or at least {SMALLEST_NORMAL:.2g}"
        )
    if not np.all(constants <= LARGEST_RATE):  # nan is not
        name = shown("*".join(family.rate))
        raise InputError(
            f"reaction {shown(family.equation, 200)}: its rate constant {name} overflows; "
            f"it must be <= {LARGEST_RATE:g}"
        )
    return constants.ravel()
