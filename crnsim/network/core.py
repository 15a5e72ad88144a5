"""What a network is made of: arrays of species, families of reactions over index sets, their numbers and order."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping
from functools import cached_property, lru_cache
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from crnsim.entrance.arguments import shown
from crnsim.entrance.limits import LARGEST_CONCENTRATION
from crnsim.entrance.objects import check_line
from crnsim.errors import InputError
from crnsim.network import checks
from crnsim.network.families import Family, Reaction, Species, is_fixed, parse_family, side_of, ways
from crnsim.network.families import rate_constants as family_constants
from crnsim.network.parameters import check_place, place_of

RowCounts = tuple[np.ndarray, int]
Rate = str | float


@lru_cache(maxsize=8)
def _worked_out(kind: Hashable) -> tuple[str, ...]:
    """Names of what a class works out once and keeps."""
    found = {name: value for one in getattr(kind, "__mro__", ()) for name, value in vars(one).items()}
    return tuple(name for name, value in found.items() if isinstance(value, cached_property))


class Core:
    """Species, reactions, rate parameters and starting concentrations; see `crnsim.network.network.Network`."""

    def __init__(
        self,
        dims: Mapping[str, int] | None = None,
        parameters: Mapping[str, npt.ArrayLike] | None = None,
    ) -> None:
        lengths = checks.check_mapping("dims", dims)
        self._dims: dict[str, int] = dict(checks.check_dim(*item) for item in lengths.items())
        self._parameters: dict[str, float] = {}
        self._arrays: dict[str, np.ndarray] = {}
        for name, value in checks.check_mapping("parameters", parameters).items():
            self.set_parameter(name, value)
        self._species: dict[str, Species] = {}
        self._families: list[Family] = []
        self._n_species = self._n_reactions = 0
        self._initial: dict[str, np.ndarray] = {}
        self._aliases: dict[str, str] = {}

    # -- building ---------------------------------------------------------------------------------------

    def set_parameter(self, name: str, value: npt.ArrayLike) -> None:
        """Set a rate parameter: a number, or an array that families use with indices, as in ``"k*W1p[i,j]"``.

        Zeros of an array stand for reactions that are absent: they are integrated at no rate, and texts leave them out.

        A single value of an array has a name too, ``"W1p[0,1]"``.

        Raises
        ------
        InputError
            For a value below 0 or above 1e100, or if a parameter in use would change its shape.
        """
        if (place := self._place(name)) is not None:
            changed = self._arrays[place[0]].copy()
            changed[place[1]] = checks.rate_number(name, value)
            self._arrays[place[0]] = changed
            return
        if isinstance(name, str) and "[" in name:
            check_place(name, self._arrays)
        checks.check_name("a rate parameter", name, value_names=False)
        given = checks.shape_of(f"rate parameter '{name}'", value)
        shape = self._arrays[name].shape if name in self._arrays else ()
        if (name in self._arrays or name in self._parameters) and shape != given:
            raise InputError(f"rate parameter '{name}' has shape {shape}, not {given}")
        if given == ():
            self._parameters[name] = checks.rate_number(name, value)
        else:
            self._arrays[name] = checks.rate_array(name, value)

    def has_parameter(self, name: object) -> bool:
        """Whether a rate parameter that is one number is called so; a single value of an array, ``"W1p[0,1]"``, is."""
        return isinstance(name, str) and (name in self._parameters or self._place(name) is not None)

    def uses(self, name: str) -> bool:
        """Whether a rate parameter, or a value of an array of them, is part of the rate of a reaction."""
        place = self._place(name)
        wanted = name if place is None else place[0]
        return isinstance(name, str) and wanted in self._used

    @cached_property
    def _used(self) -> frozenset[str]:
        return frozenset(factor.partition("[")[0] for family in self._families for factor in family.rate)

    def _place(self, name: object) -> tuple[str, tuple[int, ...]] | None:
        return place_of(name, self._arrays)

    def add_species(self, name: str, *dims: str, slow: bool = False) -> None:
        """Declare an array of species over named dimensions (none: a single species).

        `slow` says that the concentrations change far more slowly than the others, as learned weights do. Implicit
        methods then leave them out of their linear systems, unless a reaction turns them into others. A wrong hint
        costs steps, not accuracy.
        """
        checks.check_name("a species", name)
        if name in self._species:
            raise InputError(f"species '{name}' is declared twice")
        if not isinstance(slow, (bool, np.bool_)):
            raise InputError(f"slow of species '{name}' is {shown(slow)}; it must be True or False")
        checks.check_indices(f"species '{name}'", len(dims))
        fault = f"species '{name}': unknown dimension"
        shape = tuple(self._dims[checks.known(fault, dim, self._dims)] for dim in dims)
        species = Species(name, dims, shape, bool(slow), len(self._species))
        checks.check_size(f"species '{name}'", self._n_species + species.size, 0)
        self._species[name] = species
        self._n_species += species.size
        self._forget()

    def add_family(self, label: str, equation: str, rate: Rate | tuple[Rate, Rate]) -> None:
        """Add the reactions of `equation` for every value of its index letters; an index that is a number is fixed.

        Parameters
        ----------
        label : str
            What the reactions are for.
        equation : str
            Such as ``"W[i,j] + X[j] -> W[i,j] + X[j] + Z[i]"``, ``"2X[i] -> X[i]"`` or ``"0 -> X[i]"``; with ``<->``
            the reverse reactions are added too, as a family of their own.
        rate : str or float, or a pair of them
            A number, the name of a parameter, or a product such as ``"2*k"``; an array of parameters stands with
            index letters of the reaction, or numbers, as in ``"k*W1p[i,0]"``. A rate constant is at most 1e100. With
            ``<->`` two rates are needed, forward and reverse: ``("kf", "kr")``.

        Raises
        ------
        InputError
            For an undeclared species or parameter, a wrong number of indices, an index that runs over dimensions of
            different length, an unreadable equation, more than 20 molecules that meet, or a negative rate.
        """
        for one_way, its_rate in ways(equation, rate):
            family = parse_family(label, one_way, its_rate, self._species, self._parameters, self._arrays)
            checks.check_size(f"reaction '{one_way}'", 0, self._n_reactions + family.size)
            self._n_reactions += family.size
            self._families.append(family)
        self._forget()

    def set_initial(self, values: Mapping[str, npt.ArrayLike]) -> None:
        """Set concentrations at the start, for `crnsim.simulate` and for files; others stay as they are.

        Parameters
        ----------
        values : mapping of str to array_like
            As for `state`: by array, broadcast to its shape, or by single species.
        """
        values = checks.check_mapping("initial", values)
        start = self.state({**self._initial, **values})
        given = {name.partition("[")[0] for name in (*self._initial, *values)}
        self._initial = {s.name: np.array(start[self.rows(s.name)]) for s in self.species if s.name in given}

    def set_aliases(self, names: Mapping[str, str]) -> None:
        """Keep what species and rate parameters were called in a file, where they have other names here."""
        for here, name in checks.check_mapping("names", names).items():
            self._aliases[check_line("a name here", here)] = check_line("a name in a file", name)

    def _forget(self) -> None:
        for name in _worked_out(cast(Hashable, type(self))):
            self.__dict__.pop(name, None)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what can be worked out again: compiled code cannot be copied to another process."""
        return {name: value for name, value in self.__dict__.items() if name != "derived"}

    @cached_property
    def derived(self) -> dict[Any, Any]:
        """What other modules have worked out from the present species and families; forgotten when one is added."""
        return {}

    # -- reading ----------------------------------------------------------------------------------------

    @property
    def dims(self) -> Mapping[str, int]:
        """Length of each dimension, to read."""
        return checks.Fixed(self._dims)

    @property
    def parameters(self) -> Mapping[str, float]:
        """Rate parameters that are numbers, to read: `set_parameter` sets one."""
        return checks.Fixed(self._parameters)

    @property
    def arrays(self) -> Mapping[str, np.ndarray]:
        """Rate parameters that are arrays, to read: `set_parameter` sets one."""
        return checks.Fixed({name: checks.fixed_array(array) for name, array in self._arrays.items()})

    @property
    def initial(self) -> Mapping[str, np.ndarray]:
        """Concentrations at the start by array, to read: `set_initial` sets them; an array not named starts at zero."""
        return checks.Fixed({name: checks.fixed_array(array) for name, array in self._initial.items()})

    @property
    def aliases(self) -> Mapping[str, str]:
        """Names in the file that the network was read from, by the names here, where they differ; to read."""
        return checks.Fixed(self._aliases)

    @cached_property
    def species(self) -> tuple[Species, ...]:
        """Arrays of species in row order: those that reactions change first, pure catalysts last."""
        changed = {name for family in self._families for name, _ in family.net}
        arrays = list(self._species.values())
        return tuple([s for s in arrays if s.name in changed] + [s for s in arrays if s.name not in changed])

    @property
    def families(self) -> tuple[Family, ...]:
        """Families of reactions in order of declaration."""
        return tuple(self._families)

    @property
    def n_species(self) -> int:
        """Number of single species."""
        return self._n_species

    @cached_property
    def n_dynamic(self) -> int:
        """Number of species that some reaction changes; they fill the first rows."""
        changed = {name for family in self._families for name, _ in family.net}
        return sum(s.size for s in self.species if s.name in changed)

    @property
    def has_inflow(self) -> bool:
        """Whether a reaction makes something out of nothing, so that an empty pot does not stay one."""
        return any(not family.reactants for family in self._families)

    @property
    def n_reactions(self) -> int:
        """Number of elementary reactions."""
        return self._n_reactions

    def n_active_reactions(self, parameters: Mapping[str, npt.ArrayLike] | None = None) -> int:
        """Number of elementary reactions whose rate constant is above zero."""
        return int(np.count_nonzero(self.rate_constants(parameters)))

    @cached_property
    def labels(self) -> list[str]:
        """Name of the species of each row."""
        return [label for s in self.species for label in s.labels()]

    @cached_property
    def _first_rows(self) -> dict[str, int]:
        starts = np.cumsum([0, *(s.size for s in self.species)])
        return {s.name: int(start) for s, start in zip(self.species, starts, strict=False)}

    def rows(self, name: str) -> np.ndarray:
        """Rows of an array of species in a state vector, with the array's shape."""
        species = self._species[checks.known("no species", name, self._species)]
        first = self._first_rows[name]
        return np.arange(first, first + species.size).reshape(species.shape)

    def row(self, label: str) -> int:
        """Row of a single species, such as ``"W1p[0,1]"``."""
        return self._row_of_label[checks.known("no single species", label, self._row_of_label)]

    def state(self, values: Mapping[str, npt.ArrayLike] | None = None) -> np.ndarray:
        """Return a state vector from concentrations by array name; what is not named is zero.

        Parameters
        ----------
        values : mapping of str to array_like
            Concentrations, broadcast to the array's shape; a single species named, ``"W1p[0,1]"``, has its own.

        Returns
        -------
        numpy.ndarray, shape (n_species,)
        """
        state = np.zeros(self.n_species)
        given = checks.check_mapping("initial", values)
        for name in sorted(given, key=lambda name: "[" in str(name)):  # single species last
            # Labels of all species, millions maybe, are looked at only for a single one.
            single = isinstance(name, str) and "[" in name and name in self._row_of_label
            rows = np.asarray(self.row(name)) if single else self.rows(name)
            numbers = checks.check_array(f"initial '{name}'", given[name], most=LARGEST_CONCENTRATION)
            try:
                state[rows] = np.broadcast_to(numbers, rows.shape)
            except ValueError:
                what = f"initial '{name}' has shape {numbers.shape}"
                raise InputError(f"{what}; it must fit {rows.shape}") from None
        return state

    @cached_property
    def _row_of_label(self) -> dict[str, int]:
        return {label: row for row, label in enumerate(self.labels)}

    def rate_constants(self, overrides: Mapping[str, npt.ArrayLike] | None = None) -> np.ndarray:
        """Rate constant of every elementary reaction, family by family.

        Parameters
        ----------
        overrides : mapping of str to float or array_like, optional
            Parameters with another value than the network's own; an array keeps its shape, and a single value of it,
            ``"W1p[0,1]"``, may be given alone.

        Returns
        -------
        numpy.ndarray, shape (n_reactions,)
        """
        values: dict[str, float | np.ndarray] = {**self._parameters, **self._arrays}
        given_values = checks.check_mapping("overrides", overrides)
        places: set[Any] = set()
        for name in sorted(given_values, key=lambda name: "[" in str(name)):  # single values of an array last
            value = given_values[name]
            if (place := self._place(name)) is not None:
                if place in places:
                    raise InputError(f"rate parameter '{name}' is given twice; give it once")
                places.add(place)
                changed = np.array(values[place[0]])
                changed[place[1]] = checks.rate_number(name, value)
                values[place[0]] = changed
                continue
            if isinstance(name, str) and "[" in name:
                check_place(name, self._arrays)
            checks.known("unknown rate parameter", name, values)
            if name in self._parameters:
                values[name] = checks.rate_number(name, value)
                continue
            given, wanted = checks.shape_of(f"rate parameter '{name}'", value), self._arrays[name].shape
            if given != wanted:
                raise InputError(f"rate parameter '{name}' has shape {given}; it must be {wanted}")
            values[name] = checks.rate_array(name, value)
        return np.concatenate([np.zeros(0), *(family_constants(family, values) for family in self._families)])

    @cached_property
    def family_names(self) -> list[str]:
        """Equation of each family, from the second of equal ones on with its number: ``"A -> 0 #2"``."""
        seen: Counter[str] = Counter()
        names = []
        for family in self._families:
            seen[family.equation] += 1
            names.append(family.equation if (n := seen[family.equation]) == 1 else f"{family.equation} #{n}")
        return names

    @cached_property
    def first_reactions(self) -> np.ndarray:
        """Number of the first elementary reaction of each family, shape (n_families,)."""
        return np.cumsum([0, *(family.size for family in self._families)])[:-1].astype(np.int64)

    @cached_property
    def elementary(self) -> tuple[list[list[RowCounts]], list[list[RowCounts]]]:
        """Rows of all families' reactants, and of what they change: per family, (rows of shape (size,), count)."""
        reactants, changes = [], []
        for family in self._families:
            reactants.append(
                [(self._term_rows(family, t.name, t.indices), t.count) for t in family.reactants]
            )
            changes.append([(self._term_rows(family, *key), n) for key, n in family.net.items()])
        return reactants, changes

    def _term_rows(self, family: Family, name: str, indices: tuple[str, ...]) -> np.ndarray:
        grid = np.indices(family.shape).reshape(len(family.shape), family.size)
        places = (int(i) if is_fixed(i) else grid[family.indices.index(i)] for i in indices)
        return np.broadcast_to(self.rows(name)[tuple(places)], (family.size,))

    def reactions(self, parameters: Mapping[str, npt.ArrayLike] | None = None) -> Iterator[Reaction]:
        """Yield the elementary reactions with their rate constants, in the order of `rate_constants`.

        Those with rate constant 0 are among them: an absent weight is a reaction that never takes place.
        """
        constants = iter(self.rate_constants(parameters))
        for family in self._families:
            for position in itertools.product(*map(range, family.shape)):
                values = dict(zip(family.indices, position, strict=True))
                left, right = (side_of(side, values) for side in (family.reactants, family.products))
                yield Reaction(left, right, float(next(constants)), family.label)
