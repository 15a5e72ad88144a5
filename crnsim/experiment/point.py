"""A point of a sweep: everything that determines the numbers of one run, and its key."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

from crnsim.noise.noise import Noise

#: Average number of steps that a run may spend on a presentation.
MAX_STEPS = 50_000
Parameters = tuple[tuple[str, Any], ...]
#: Key of what identifies the source of a network of the user's own under which it has its task.
TASK = "observe"


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
    rtol : float
    atol : float or str
        ``"scaled"`` for tolerances by the scale of each species, as in `crnsim.simulate`.
    max_steps : int
        Budget: average steps per presentation.
    source : tuple of (str, value)
        File, content hash, target and task of a CSV data set, sorted by name; or those of a network of the user's own,
        with its task (`crnsim.experiment.task`); empty for the others.
    weights : tuple of (str, value)
        Where given weights come from (see `crnsim.experiment.given_weights`): the circuit computes with them and does
        not learn. Empty for a circuit that learns.
    method : str
        Of integration; see `crnsim.solvers.METHODS`.
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
    atol: float | str = 1e-6
    max_steps: int = MAX_STEPS
    source: Parameters = ()
    weights: Parameters = ()
    method: str = "auto"

    @property
    def mode(self) -> str:
        """``"training"``; ``"inference"`` where the circuit computes with given weights; or ``"observation"``."""
        return mode_of(self.source, self.weights)

    @property
    def learns(self) -> bool:
        """Whether the circuit is trained."""
        return self.mode == "training"

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON and for workers."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return values | {"noise": self.noise.to_dict()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Point:
        """Inverse of `to_dict`, also after a round trip through JSON."""
        given = dict(values)
        for name in ("circuit_parameters", "activation_parameters", "source", "weights"):
            given[name] = tuple((key, value) for key, value in given.get(name, ()))
        return cls(**given | {"layers": tuple(given["layers"]), "noise": Noise(**given["noise"])})

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
        from crnsim.circuits import circuit_source_hash
        from crnsim.circuits.circuit import OBSERVATION

        output = str(dict(self.circuit_parameters).get("output", ""))
        names = () if self.mode == OBSERVATION else (self.activation, output)
        units = [source_hash(name) for name in names if name == self.activation or ":" in name]
        # What a user's own file defines is known by the content of that file.
        units += [digest for digest in (circuit_source_hash(self.circuit),) if digest]
        values = self.to_dict() | {"noise": self.noise.settings(), "units": units}
        if self.method == "auto":
            del values["method"]
        elif ":" in self.method:
            from crnsim.solvers.methods import method_source_hash

            units.append(method_source_hash(self.method))
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
            *(self.rtol, self.atol, self.max_steps, self.weights, self.method),
        )


def mode_of(source: Parameters, weights: Parameters) -> str:
    """What is done with points that have this source and these weights."""
    if any(name == TASK for name, _ in source):
        return "observation"
    return "inference" if weights else "training"


def _json(values: dict[str, Any]) -> str:
    return json.dumps(values, sort_keys=True, separators=(",", ":"))
