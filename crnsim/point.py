"""A point of a sweep: everything that determines the numbers of one run, its key and its circuit."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crnsim.noise import Noise

if TYPE_CHECKING:
    from crnsim.circuits import Circuit

#: Average number of steps that a run may spend on a presentation.
MAX_STEPS = 50_000

Parameters = tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class Point:
    """Everything that determines the numbers of one run.

    Parameters
    ----------
    dataset : str
        Name of a data set, or label of one from a CSV file.
    layers : tuple of int
    circuit : str
        Such as ``"onepot"``.
    circuit_parameters, activation_parameters : tuple of (str, value)
        Sorted by name.
    activation : str
    running_time : float
        Duration of a presentation, in units of 1/k.
    epochs : int
    learning_rate : float
        eps times running time: the size of one step of gradient descent.
    noise : Noise
    replicate, seed : int
    rtol, atol : float
    max_steps : int
        Budget: average steps per presentation.
    source : tuple of (str, value)
        File, content hash, target and task of a CSV data set, sorted by name; empty for the others.
    weights : tuple of (str, value)
        Where given weights come from (see `crnsim.trained`): the circuit computes with them and does not learn. Empty
        for a circuit that learns.
    """

    dataset: str
    layers: tuple[int, ...]
    circuit: str
    circuit_parameters: Parameters
    activation: str
    activation_parameters: Parameters
    running_time: float
    epochs: int
    learning_rate: float
    noise: Noise
    replicate: int
    seed: int
    rtol: float = 1e-3
    atol: float = 1e-6
    max_steps: int = MAX_STEPS
    source: Parameters = ()
    weights: Parameters = ()

    @property
    def learns(self) -> bool:
        """Whether the circuit is trained; otherwise it computes with given weights."""
        return not self.weights

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON and for workers."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Point:
        """Inverse of `to_dict`, also after a round trip through JSON."""
        fields = dict(values)
        for name in ("circuit_parameters", "activation_parameters", "source", "weights"):
            fields[name] = tuple((key, value) for key, value in fields.get(name, ()))
        return cls(**fields | {"layers": tuple(fields["layers"]), "noise": Noise(**fields["noise"])})

    @cached_property
    def key(self) -> str:
        """Content hash of everything that determines the numbers, 32 hexadecimal characters."""
        return next(self.replicate_keys((self.replicate,)))

    def replicate_keys(self, replicates: Iterable[int]) -> Iterator[str]:
        """Yield the keys of points that differ from this one in their replicate alone.

        Many times faster than one by one: what they share is written down once, and hashed up to the replicate.

        Parameters
        ----------
        replicates : iterable of int
        """
        from crnsim.activations import source_hash

        output = str(dict(self.circuit_parameters).get("output", ""))
        units = [
            source_hash(name) for name in (self.activation, output) if name == self.activation or ":" in name
        ]
        values = self.to_dict() | {"noise": self.noise.settings(), "units": units}
        for name in ("source", "weights"):
            # A file is known by its content: moving it changes no number.
            values[name] = [pair for pair in getattr(self, name) if pair[0] != "file"]
        # The text hashed is that of all values, sorted by name; here as what stands before and after the replicate.
        before = _json({name: value for name, value in values.items() if name < "replicate"})
        after = _json({name: value for name, value in values.items() if name > "replicate"})
        shared = hashlib.blake2b(f'{before[:-1]},"replicate":'.encode(), digest_size=16)
        rest = f",{after[1:]}"
        for replicate in replicates:
            digest = shared.copy()
            digest.update(f"{replicate}{rest}".encode())
            yield digest.hexdigest()

    @property
    def group(self) -> tuple[Any, ...]:
        """Points of one group share a compiled network, a training set size and tolerances."""
        return (
            *(self.dataset, self.source, self.layers, self.circuit, self.circuit_parameters),
            *(self.activation, self.activation_parameters, self.epochs, self.learning_rate),
            *(self.rtol, self.atol, self.max_steps, self.weights),
        )


def _json(values: dict[str, Any]) -> str:
    return json.dumps(values, sort_keys=True, separators=(",", ":"))


#: Modules and packages that influence what is stored of a point; a test holds the list against the imports.
_HASHED = (
    *("errors", "families", "network", "noise", "provenance", "streams", "algebraic", "trained", "store"),
    *("point", "schedule", "readout", "results", "experiment"),
    *("activations", "circuits", "datasets", "kinetics", "solvers"),
)


def hashed_files() -> list[str]:
    """Return the library files that influence numbers, relative to the package."""
    root = Path(__file__).parent
    found = [path for name in _HASHED for path in (root / f"{name}.py", *sorted((root / name).rglob("*.py")))]
    return [path.relative_to(root).as_posix() for path in found if path.is_file()]


@lru_cache(maxsize=1)
def code_hash() -> str:
    """Hash of the library files that influence numbers, 16 hexadecimal characters."""
    root = Path(__file__).parent
    digest = hashlib.sha256()
    for name in hashed_files():
        digest.update(name.encode() + b"\0" + (root / name).read_bytes() + b"\0")
    return digest.hexdigest()[:16]


@lru_cache(maxsize=64)
def _build(
    circuit: str,
    layers: tuple[int, ...],
    activation: str,
    dual_rail: bool,
    parameters: Parameters,
    unit_parameters: Parameters,
) -> Circuit:
    from crnsim.activations import activation as make_activation
    from crnsim.circuits import CIRCUITS

    unit = make_activation(activation, **dict(unit_parameters))
    return CIRCUITS[circuit](layers, unit, dual_rail=dual_rail, **dict(parameters))


def build_circuit(point: Point) -> Circuit:
    """Build the circuit of a point.

    Raises
    ------
    InputError
        If the layers do not fit the data set, or a name or parameter is unknown.
    """
    from crnsim.datasets import check_layers, dataset_info

    check_layers(point.dataset, point.layers, point.source)
    return _build(
        point.circuit,
        point.layers,
        point.activation,
        dataset_info(point.dataset, point.source).dual_rail,
        point.circuit_parameters,
        point.activation_parameters,
    )
