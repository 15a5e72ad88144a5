"""Compiled right-hand sides: generated once per form of network, cached on disk, shared by all sizes."""

from __future__ import annotations

import importlib.util
import os
import sys
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import types

from crnsim.kinetics.lanes import compiled, compiled_folder, lanes_array

if TYPE_CHECKING:
    from crnsim.network import Network

_TABLE = types.float64[:, ::1]
_INTEGERS = types.int64[::1]
#: right_hand_side(y, rate, dy, size, offset, first): size = (n_dynamic, length of each dimension)
SIGNATURE = types.void(_TABLE, _TABLE, _TABLE, _INTEGERS, _INTEGERS, _INTEGERS)


@dataclass(frozen=True)
class Kernel:
    """A compiled right-hand side with the sizes of one network.

    Attributes
    ----------
    function : numba cfunc
        Compiled code with `SIGNATURE`; arrays have shape (rows, LANES).
    size, offset, first : numpy.ndarray
        Lengths of the dimensions (after the number of dynamic species), first row of each array of species, first
        reaction of each family.
    """

    function: Any
    size: np.ndarray
    offset: np.ndarray
    first: np.ndarray

    def __call__(self, state: np.ndarray, constants: np.ndarray) -> np.ndarray:
        """Rates of change of one state, shape (n_species,); for checks and for SciPy's solvers."""
        y, rate, dy = lanes_array(len(state)), lanes_array(len(constants)), lanes_array(len(state))
        y[:, 0], rate[:, 0] = state, constants
        call_right_hand_side(self.function, y, rate, dy, self.size, self.offset, self.first)
        return dy[:, 0].copy()

    def bind(self, constants: np.ndarray, n_species: int) -> Any:
        """Return f(state) that reuses its buffers, for solvers that call it often."""
        y, rate, dy = lanes_array(n_species), lanes_array(len(constants)), lanes_array(n_species)
        rate[:, 0] = constants

        def rates_of_change(state: np.ndarray) -> np.ndarray:
            y[:, 0] = state
            call_right_hand_side(self.function, y, rate, dy, self.size, self.offset, self.first)
            return dy[:, 0].copy()

        return rates_of_change


@compiled
def call_right_hand_side(function, y, rate, dy, size, offset, first):
    """Evaluate a right-hand side once, from Python."""
    function(y, rate, dy, size, offset, first)


def compile_network(network: Network) -> Kernel:
    """Compile the right-hand side of `network`, or take it from the cache.

    Parameters
    ----------
    network : Network

    Returns
    -------
    Kernel
    """
    from crnsim.kinetics.codegen import generate

    name, source = generate(network)
    offsets = [int(network.rows(species.name).flat[0]) for species in network.species]
    return Kernel(
        function=_module(name, source).right_hand_side,
        size=np.array([network.n_dynamic, *network.dims.values()], dtype=np.int64),
        offset=np.array(offsets, dtype=np.int64),
        first=network.first_reactions,
    )


@lru_cache(maxsize=256)
def _module(name: str, source: str) -> ModuleType:
    path = _written(name, source)
    spec = importlib.util.spec_from_file_location(f"crnsim_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _written(name: str, source: str) -> Path:
    """Write the source where Numba can keep its cache beside it; never touch a file that is right already."""
    folder = compiled_folder()
    path = folder / f"{name}.py"
    try:
        if path.read_text() == source:
            return path
    except OSError:
        pass
    descriptor, temporary = tempfile.mkstemp(dir=folder, suffix=".tmp")
    with os.fdopen(descriptor, "w") as stream:
        stream.write(source)
    Path(temporary).replace(path)
    return path
