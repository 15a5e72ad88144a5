"""Compiled right-hand sides and linear solves: generated once per form of network, cached on disk, for all sizes."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from crnsim.compiled import by_address, compiled_folder, entry, inlined, meanwhile, not_kept, once
from crnsim.entrance.arguments import shown
from crnsim.errors import InputError
from crnsim.kinetics.by_reference import by_reference
from crnsim.kinetics.lanes import LANES, lanes_array
from crnsim.kinetics.signatures import (
    IMPLICIT_ROWS,
    LINEAR_STEP,
    PREPARE,
    RADIUS,
    RIGHT_HAND_SIDE,
    SOLVE,
    call_prepare,
    call_right_hand_side,
    call_solve,
)
from crnsim.kinetics.structure import Structure, analyse
from crnsim.network.checks import check_vector
from crnsim.network.network import Network

#: The functions of kinetics by their names in a module, with their signatures; and the module that is not generated.
_FUNCTIONS = {"right_hand_side": RIGHT_HAND_SIDE, "prepare": PREPARE, "solve": SOLVE}
_LISTED = "listed"
#: From this many reactions on one run fills the vectors; below it eight runs stand side by side.
WIDE_FROM = 2000


@by_reference
class Kinetics(NamedTuple):
    """What compiled loops call: addresses of the functions for a form of network, and the sizes of one network."""

    right_hand_side: int
    prepare: int
    solve: int
    size: np.ndarray  # rows to step, lengths of the dimensions
    offset: np.ndarray  # first row of each array of species, or the lists of reactions
    first: np.ndarray  # first reaction of each family


@dataclass(frozen=True)
class Kernel:
    """Compiled kinetics of one network.

    Attributes
    ----------
    kinetics : Kinetics
        Compiled code (see `crnsim.kinetics.signatures`), generated or for all networks, and its sizes.
    code : module
        The source of these functions.
    wide : bool
        Whether a table holds one run, species after species, instead of eight runs side by side.
    listed : bool
        Whether the code is that for all networks, with the whole Jacobian; otherwise linear systems have all but the
        derivatives by slow arrays.
    n_species, n_reactions : int
        Lengths of a state and of its rate constants.
    n_dynamic : int
        Species that some reaction changes; they come first.
    slow, fast : numpy.ndarray, shape (runs, 2)
        Where the rows begin and end that hold only arrays left out of linear systems, and the others.
    factor_rows : tuple of int
        Rows of the two tables for the factors of a linear system.
    """

    kinetics: Kinetics
    code: ModuleType
    wide: bool
    listed: bool
    n_species: int
    n_reactions: int
    n_dynamic: int
    slow: np.ndarray
    fast: np.ndarray
    factor_rows: tuple[int, int]

    def table(self, values: np.ndarray) -> np.ndarray:
        """Return a table that holds one run's species or rate constants."""
        table = lanes_array(-(-len(values) // LANES) if self.wide else len(values))
        self.view(table, len(values))[:] = values
        return table

    def view(self, table: np.ndarray, length: int) -> np.ndarray:
        """Return the part of a table that belongs to the first run."""
        return table.reshape(-1)[:length] if self.wide else table[:, 0]

    def __call__(self, state: np.ndarray, constants: np.ndarray) -> np.ndarray:
        """Rates of change of one state, shape (n_species,); for checks and for SciPy's solvers."""
        return self.bind(constants, self.n_species)(check_vector("state", state, self.n_species))

    def solve_linear(
        self, state: np.ndarray, constants: np.ndarray, step: float, right: np.ndarray
    ) -> tuple[np.ndarray, float]:
        """Solve (1 - step J) x = right as ``rosw`` does; return x and the spectral radius of J; for checks.

        J is the Jacobian, without slow arrays where the code is generated (see `crnsim.kinetics.structure`).
        """
        # A table that is too short would be read beyond its end.
        state, right = (check_vector(*one, self.n_species) for one in (("state", state), ("right", right)))
        constants = check_vector("constants", constants, self.n_reactions)
        y, rate, x = self.table(state), self.table(constants), self.table(right)
        p, q = (lanes_array(rows) for rows in self.factor_rows)
        implicit = lanes_array(IMPLICIT_ROWS)
        implicit[LINEAR_STEP] = step
        prepare_linear(self.kinetics, y, rate, p, q, implicit)
        solve_linear(self.kinetics, y, rate, p, q, x, implicit)
        radius = implicit[RADIUS].max() if self.wide else implicit[RADIUS, 0]
        return self.view(x, len(state)).copy(), float(radius)

    def bind(self, constants: np.ndarray, n_species: int) -> Callable[[np.ndarray], np.ndarray]:
        """Return f(state) that reuses its buffers, for solvers that call it often."""
        if n_species != self.n_species:
            raise InputError(f"n_species is {shown(n_species)}; the network has {self.n_species}")
        rate = self.table(check_vector("constants", constants, self.n_reactions))
        y, dy = self.table(np.zeros(n_species)), self.table(np.zeros(n_species))
        state_of_y, state_of_dy = self.view(y, n_species), self.view(dy, n_species)
        kinetics = self.kinetics

        def at(state: np.ndarray) -> np.ndarray:
            state_of_y[:] = state
            evaluate(kinetics, y, rate, dy)
            return state_of_dy.copy()

        return at


@inlined
def rates_of_change(k: Kinetics, y: np.ndarray, rate: np.ndarray, dy: np.ndarray) -> None:
    """Evaluate the right-hand side: ``dy = f(y)`` with the rate constants `rate`, all of them tables."""
    call_right_hand_side(k.right_hand_side, (y, rate, dy, k.size, k.offset, k.first))


@entry
def evaluate(k: Kinetics, y: np.ndarray, rate: np.ndarray, dy: np.ndarray) -> None:
    """Evaluate a right-hand side once, from Python."""
    rates_of_change(k, y, rate, dy)


@inlined
def prepare_linear(
    k: Kinetics, y: np.ndarray, rate: np.ndarray, p: np.ndarray, q: np.ndarray, implicit: np.ndarray
) -> None:
    """Factor the diagonal blocks of 1 - step J at `y` into `p` and `q`; bound the spectral radius of J."""
    call_prepare(k.prepare, (y, rate, p, q, implicit, k.size, k.offset, k.first))


@inlined
def solve_linear(
    k: Kinetics,
    y: np.ndarray,
    rate: np.ndarray,
    p: np.ndarray,
    q: np.ndarray,
    x: np.ndarray,
    implicit: np.ndarray,
) -> None:
    """Solve (1 - step J) x = x in place, with the factors of `prepare_linear` at the same `y`."""
    call_solve(k.solve, (y, rate, p, q, x, implicit, k.size, k.offset, k.first))


def compile_network(network: Network, *, wide: bool | None = None, listed: bool = False) -> Kernel:
    """Compile the kinetics of `network`, or take them from the cache.

    Parameters
    ----------
    network : Network
    wide : bool, optional
        One run in a table instead of eight; by default chosen by the number of reactions.
    listed : bool
        Take the code for all networks, with the whole Jacobian (`crnsim.kinetics.listed`), eight runs in a table. So is
        done anyway where arrays of species drive each other in larger loops, or an index is a number.

    Returns
    -------
    Kernel

    Raises
    ------
    InputError
        `network` is none, or `wide` is no bool.
    """
    if not isinstance(network, Network):
        raise InputError(f"network is {shown(network)}; it must be a crnsim.Network")
    if wide is not None and not isinstance(wide, bool):
        raise InputError(f"wide is {shown(wide)}; it must be True, False or None")
    if wide is None:
        wide = network.n_reactions >= WIDE_FROM
    known, key = network.derived, ("kernel", "listed" if listed else wide)
    if key not in known:
        structure = analyse(network, with_slow=not wide)
        listed = listed or bool(structure.rings) or any(family.fixed for family in network.families)
        known[key] = _listed(network) if listed else _generated(network, structure, wide)
    return known[key]


def _listed(network: Network) -> Kernel:
    from crnsim.kinetics import listed

    program, entries = listed.program_of(network)
    return Kernel(
        kinetics=_kinetics(_addresses(_LISTED), network, [network.n_dynamic], program),
        code=listed,
        wide=False,
        listed=True,
        n_species=network.n_species,
        n_reactions=network.n_reactions,
        n_dynamic=network.n_dynamic,
        slow=_runs(np.zeros(network.n_dynamic, dtype=bool)),
        fast=_runs(np.ones(network.n_dynamic, dtype=bool)),
        factor_rows=(entries, network.n_dynamic),
    )


def _generated(network: Network, structure: Structure, wide: bool, *, compiled: bool = True) -> Kernel:
    from crnsim.kinetics.codegen import generate

    rows, all_rows = (-(-n // LANES) if wide else n for n in (network.n_dynamic, network.n_species))
    offsets = [int(network.rows(species.name).flat[0]) for species in network.species]
    is_slow = np.array([s.name in structure.left_out for s in network.species], dtype=bool)
    slow_rows: np.ndarray = np.repeat(is_slow, [s.size for s in network.species])
    if wide:
        padded = np.append(slow_rows, np.ones(-len(slow_rows) % LANES, dtype=bool))
        slow_rows = np.min(padded.reshape(-1, LANES), axis=1)
    name, source = generate(network, wide=wide)
    _write(name, source)
    addresses = _addresses(name) if compiled else (0, 0, 0)
    return Kernel(
        kinetics=_kinetics(addresses, network, [rows, *network.dims.values()], offsets),
        code=_module(name),
        wide=wide,
        listed=False,
        n_species=network.n_species,
        n_reactions=network.n_reactions,
        n_dynamic=network.n_dynamic,
        slow=_runs(slow_rows[:rows]),
        fast=_runs(~slow_rows[:rows]),
        factor_rows=(all_rows, all_rows),
    )


def _runs(chosen: np.ndarray) -> np.ndarray:
    """Where neighbouring rows that are chosen begin and end, shape (runs, 2)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], chosen, [False]])))
    return edges.reshape(-1, 2)


def without_code(network: Network) -> Kernel:
    """Return a kernel of which nothing is compiled, for the types of what it holds; it cannot be called."""
    return _generated(network, analyse(network), wide=False, compiled=False)


def no_kinetics(network: Network) -> Kinetics:
    """Return what a method hands on that calls no kinetics."""
    return _kinetics((0, 0, 0), network, [0], [0])


def _kinetics(
    addresses: tuple[int, int, int], network: Network, size: Sequence[int], offset: npt.ArrayLike
) -> Kinetics:
    """Compiled functions with the sizes of a network."""
    sizes = np.array(size, dtype=np.int64), np.asarray(offset, dtype=np.int64)
    return Kinetics(*addresses, *sizes, network.first_reactions)


@lru_cache(maxsize=256)
def _addresses(name: str) -> tuple[int, int, int]:
    """Compile the functions of a module, the longest one in another process meanwhile.

    Parameters
    ----------
    name : str
        Of a module that has been written, or ``listed``.
    """
    what = "compiling the reactions of a network, once for all of its kind (a few seconds)"
    other = f"from crnsim.kinetics.kernels import address; address({name!r}, 'prepare')"
    with once(name, what) as new:
        with meanwhile(other if new else ""):
            right_hand_side, solve = address(name, "right_hand_side"), address(name, "solve")
        return right_hand_side, address(name, "prepare"), solve


def address(name: str, function: str) -> int:
    """Compile a function of a module, or take it from the cache."""
    return int(by_address(getattr(_module(name), function), *_FUNCTIONS[function].args).address)


@lru_cache(maxsize=256)
def _module(name: str) -> ModuleType:
    if name == _LISTED:
        return importlib.import_module("crnsim.kinetics.listed")
    spec = importlib.util.spec_from_file_location(f"crnsim_{name}", compiled_folder() / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _write(name: str, source: str) -> None:
    """Write the source where Numba can keep its cache beside it; never touch a file that is right already."""
    folder = compiled_folder()
    path = folder / f"{name}.py"
    with contextlib.suppress(OSError):
        if path.read_text() == source:
            return
    temporary = None
    try:
        descriptor, temporary = tempfile.mkstemp(dir=folder, suffix=".tmp")
        with os.fdopen(descriptor, "w") as stream:
            stream.write(source)
        Path(temporary).replace(path)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise not_kept(error) from None
