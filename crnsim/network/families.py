"""Species arrays and reaction families over index sets, and how their equations are read."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from crnsim.entrance.arguments import check_number, check_text, shown
from crnsim.entrance.limits import LARGEST_COEFFICIENT, LARGEST_RATE, LONGEST_NAME
from crnsim.entrance.objects import check_line
from crnsim.errors import InputError, suggest
from crnsim.network.names import NAME, check_rate_text

#: Index letters of one reaction: each is a loop of the code that is generated, and Python nests no more than 20.
MOST_INDICES = 16
_TERM = re.compile(r"(?P<count>\d+)?\s*(?P<name>[A-Za-z_]\w*)\s*(?:\[(?P<indices>[^\]]*)\])?", re.ASCII)
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
    """

    name: str
    dims: tuple[str, ...]
    shape: tuple[int, ...]
    slow: bool = False

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
    """`count` molecules of the species of one array at the family's `indices`."""

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
        return f"{self.name}[{','.join(str(values[i]) for i in self.indices)}]"


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

    @property
    def size(self) -> int:
        """Number of elementary reactions."""
        return math.prod(self.shape)

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
        return f"{left} ->{{{self.rate:g}}} {right}"


def _side(terms: tuple[Term, ...]) -> str:
    return " + ".join(map(str, terms)) or "0"


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
    check_line("label", label, empty=True)
    check_text("equation", equation)
    # However long an equation is, a message stays a line.
    where = f"reaction {shown(equation, 400)}"
    if equation.count("->") != 1:
        raise InputError(f"{where}: exactly one '->' is needed")
    reactants, products = (_parse_side(side, where, species) for side in equation.split("->"))
    ranges: dict[str, tuple[str, int, str]] = {}
    for term in (*reactants, *products):
        found = species[term.name]
        for letter, dim, length in zip(term.indices, found.dims, found.shape, strict=True):
            known = ranges.setdefault(letter, (dim, length, str(term)))
            if known[1] != length:
                raise InputError(
                    f"{where}: index '{letter}' runs to {known[1]} in {known[2]} but to {length} in {term}; "
                    "use species of matching shape or another letter"
                )
    if len(ranges) > MOST_INDICES:
        raise InputError(f"{where}: {len(ranges)} different indices; at most {MOST_INDICES}")
    if (order := sum(term.count for term in reactants)) > LARGEST_COEFFICIENT:
        raise InputError(f"{where}: {order} molecules must meet; at most {LARGEST_COEFFICIENT}")
    lengths = {letter: length for letter, (_, length, _) in ranges.items()}
    factors = tuple(
        _parse_factor(f.strip(), rate, where, lengths, scalars, arrays)
        for f in _rate_text(where, rate).split("*")
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


def _rate_text(where: str, rate: object) -> str:
    """A rate constant as text: as it is given, a number as the shortest text that gives it again."""
    if isinstance(rate, str):
        return check_text(f"{where}: rate", rate)
    value = check_number(f"{where}: rate", rate)
    return str(rate) if isinstance(rate, int) else repr(value)


def _parse_side(text: str, where: str, species: Mapping[str, Species]) -> tuple[Term, ...]:
    if text.strip() in ("0", ""):
        return ()
    terms: dict[tuple[str, tuple[str, ...]], int] = {}
    for part in text.split("+"):
        match = _TERM.fullmatch(part.strip())
        if match is None:
            raise InputError(f"{where}: cannot read {shown(part.strip())}; write 2X[i], X or 0")
        name, count = match["name"], int(match["count"] or 1)
        if name not in species:
            raise InputError(f"{where}: undeclared species {shown(name)}; {suggest(name, species)}")
        indices = _letters(match["indices"])
        if bad := [i for i in indices if not NAME.fullmatch(i) or len(i) > LONGEST_NAME]:
            raise InputError(f"{where}: index {shown(bad[0])} of {name} is not a letter or a name")
        if len(indices) != len(species[name].dims):
            raise InputError(
                f"{where}: {name} has {len(species[name].dims)} indices, {len(indices)} are given"
            )
        terms[name, indices] = terms.get((name, indices), 0) + count
        if not 0 < count <= terms[name, indices] <= LARGEST_COEFFICIENT:
            raise InputError(
                f"{where}: {shown(count or 0)} molecules of {name}; write a number from 1 to {LARGEST_COEFFICIENT}, "
                "and leave out what takes no part"
            )
    return tuple(Term(count, name, indices) for (name, indices), count in terms.items())


def _letters(text: str | None) -> tuple[str, ...]:
    """Index letters between brackets; none where there are no brackets."""
    return () if text is None else tuple(i.strip() for i in text.split(","))


def _parse_factor(
    factor: str,
    rate: str | float,
    where: str,
    lengths: Mapping[str, int],
    scalars: Mapping[str, float],
    arrays: Mapping[str, np.ndarray],
) -> str:
    """One factor of a rate constant, checked."""
    if match := _ARRAY.fullmatch(factor):
        name, letters = match["name"], _letters(match["indices"])
        if name not in arrays:
            raise InputError(
                f"{where}: unknown array of rate parameters {shown(name)}; {suggest(name, arrays)}"
            )
        if strange := [letter for letter in letters if letter not in lengths]:
            raise InputError(
                f"{where}: index {shown(strange[0])} of rate {shown(factor)} is no index of the reaction"
            )
        wanted = tuple(lengths[letter] for letter in letters)
        if arrays[name].shape != wanted:
            raise InputError(
                f"{where}: rate {shown(factor)} needs shape {wanted}; {name} has {arrays[name].shape}"
            )
        return f"{name}[{','.join(letters)}]"
    if NAME.fullmatch(factor) and factor not in ("nan", "inf", "infinity"):
        if factor in arrays:
            wanted_letters = ",".join("ijkl"[: arrays[factor].ndim])
            raise InputError(
                f"{where}: rate parameter {factor} is an array; write {factor}[{wanted_letters}]"
            )
        if factor not in scalars:
            raise InputError(f"{where}: unknown rate parameter {shown(factor)}; {suggest(factor, scalars)}")
        return factor
    check_rate_text(where, factor, rate)
    return factor


def rate_constants(family: Family, values: Mapping[str, float | np.ndarray]) -> np.ndarray:
    """Rate constants of one family's reactions from the values of all parameters, shape (size,)."""
    numbers = (float(values[f]) if f in values else float(f) for f in family.rate if "[" not in f)
    constants: np.ndarray = np.full(family.shape, math.prod(numbers), dtype=float)
    grid = np.indices(family.shape, sparse=True)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        for factor in family.rate:
            if match := _ARRAY.fullmatch(factor):
                places = tuple(grid[family.indices.index(letter)] for letter in _letters(match["indices"]))
                constants *= np.asarray(values[match["name"]])[places]
    if not np.all(constants <= LARGEST_RATE):
        raise InputError(
            f"reaction {shown(family.equation, 400)}: its rate constant {shown('*'.join(family.rate))} overflows; "
            f"at most {LARGEST_RATE:g}"
        )
    return constants.ravel()
