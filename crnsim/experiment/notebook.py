"""Training and inference for notebooks: replicates of one circuit on one data set."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from crnsim.circuits import circuit_reference
from crnsim.entrance.arguments import check_number, check_whole
from crnsim.errors import InputError
from crnsim.experiment.point import MAX_STEPS, Point
from crnsim.experiment.run import _read_given, _train_and_read
from crnsim.noise.noise import Noise

if TYPE_CHECKING:
    import xarray as xr

    from crnsim.circuits import Circuit
    from crnsim.datasets import Dataset


def train(
    circuit: Circuit,
    dataset: str | Dataset,
    *,
    running_time: float,
    epochs: int,
    noise: Noise | None = None,
    replicates: int = 1,
    seed: int = 0,
    rtol: float = 1e-3,
    atol: float = 1e-6,
    max_steps: int = MAX_STEPS,
    record: bool = False,
    progress: Callable[[float], None] | None = None,
) -> xr.Dataset:
    """Train replicates of a circuit on a data set and read them out.

    Parameters
    ----------
    circuit : Circuit
        Such as ``crnsim.onepot((2, 6, 1))``; it learns with its own ``eps``.
    dataset : str or Dataset
        A name gives each replicate its own train/test split.
    running_time : float
        Duration of one presentation, in units of 1/k.
    epochs : int
        Times that the training set is shown.
    noise : Noise, optional
        None by default.
    replicates, seed : int
        Replicates have their own initial weights, sample orders and noise.
    rtol, atol : float
        Tolerances of the integration.
    max_steps : int
        Budget: average steps per presentation.
    record : bool
        Keep trajectories of the first replicate.
    progress : callable, optional
        Called with the share of the work done.

    Returns
    -------
    xarray.Dataset
        As `run_points`.

    Raises
    ------
    InputError
        If layers and data set do not fit, or an argument is out of range.
    """
    _check_training(running_time, epochs, replicates, rtol=rtol, atol=atol, max_steps=max_steps)
    if not circuit.kind.learns:
        raise InputError(f"{circuit.name} does not learn; train a onepot circuit")
    first = _first_point(circuit, dataset, running_time, epochs, noise, seed, rtol, atol, max_steps)
    points, datasets = _replicates(circuit, dataset, first, replicates)
    return _train_and_read(circuit, points, datasets, [first.key] if record else [], progress)


def infer(
    circuit: Circuit,
    dataset: str | Dataset,
    *,
    running_time: float,
    weights: Any = None,
    noise: Noise | None = None,
    replicates: int = 1,
    seed: int = 0,
    rtol: float = 1e-3,
    atol: float = 1e-6,
    max_steps: int = MAX_STEPS,
    progress: Callable[[float], None] | None = None,
) -> xr.Dataset:
    """Show the test samples to a circuit with given weights; nothing is trained.

    Parameters
    ----------
    circuit : Circuit
        Such as ``crnsim.feedforward(weights)``, or a pot, whose learning stays off.
    dataset : str or Dataset
    running_time : float
        For which each sample is shown, in units of 1/k.
    weights : list of (W, b), optional
        Those of a feedforward circuit where left out.
    noise : Noise, optional
        None by default.
    replicates, seed : int
        Replicates have their own noise.
    rtol, atol, max_steps, progress
        As for `train`.

    Returns
    -------
    xarray.Dataset
        As `run_points`, without what training leaves. ``agreement`` compares with the algebraic network.

    Raises
    ------
    InputError
        If layers, weights and data set do not fit, or an argument is out of range.
    """
    from crnsim.circuits.weights import check_weights

    _check_training(running_time, 1, replicates, rtol=rtol, atol=atol, max_steps=max_steps)
    given = getattr(circuit, "given", None) if weights is None else weights
    if given is None:
        raise InputError(f"{circuit.name} needs weights: give [(W1, b1), (W2, b2), ...]")
    held = check_weights(given)
    found = (held[0][0].shape[1], *(len(b) for _, b in held))
    if found != circuit.layers:
        raise InputError(f"weights are of layers {found}; the circuit has {circuit.layers}")
    digest = hashlib.sha256(b"".join(np.ascontiguousarray(part).tobytes() for pair in held for part in pair))
    first = _first_point(circuit, dataset, running_time, 1, noise, seed, rtol, atol, max_steps)
    first = replace(first, weights=(("sha256", digest.hexdigest()),))
    points, datasets = _replicates(circuit, dataset, first, replicates)
    return _read_given(circuit, points, datasets, [held] * replicates, [""] * replicates, progress)


def _replicates(
    circuit: Circuit, dataset: str | Dataset, first: Point, replicates: int
) -> tuple[list[Point], list[Dataset]]:
    """Points of all replicates, each with its data: a split of its own where the data set is named."""
    from crnsim.datasets import load_dataset

    points = [replace(first, replicate=replicate) for replicate in range(replicates)]
    if isinstance(dataset, str):
        datasets = [load_dataset(dataset, replicate=p.replicate, seed=p.seed) for p in points]
    else:
        datasets = [dataset] * replicates
    _check_fit(circuit, datasets[0])
    return points, datasets


def _first_point(
    circuit: Circuit,
    dataset: str | Dataset,
    running_time: float,
    epochs: int,
    noise: Noise | None,
    seed: int,
    rtol: float,
    atol: float,
    max_steps: int,
) -> Point:
    return Point(
        dataset=dataset if isinstance(dataset, str) else dataset.name,
        layers=circuit.layers,
        circuit=circuit_reference(circuit.kind),
        circuit_parameters=tuple(sorted(circuit.parameters.items())),
        activation=circuit.activation.reference,
        activation_parameters=tuple(sorted(circuit.activation.parameters().items())),
        running_time=float(running_time),
        epochs=int(epochs),
        learning_rate=circuit.parameters.get(circuit.kind.learning_parameter, 0.0) * float(running_time),
        noise=noise or Noise(),
        replicate=0,
        seed=int(seed),
        rtol=float(rtol),
        atol=float(atol),
        max_steps=int(max_steps),
    )


def _check_training(
    running_time: float, epochs: int, replicates: int, *, rtol: float, atol: float, max_steps: int
) -> None:
    for name, value in (("running_time", running_time), ("rtol", rtol), ("atol", atol)):
        check_number(name, value, above=0.0)
    for name, value in (("epochs", epochs), ("replicates", replicates), ("max_steps", max_steps)):
        check_whole(name, value)


def _check_fit(circuit: Circuit, dataset: Dataset) -> None:
    wanted = (dataset.x_train.shape[1], dataset.y_train.shape[1])
    if (circuit.layers[0], circuit.layers[-1]) != wanted:
        raise InputError(
            f"layers {circuit.layers} do not fit {dataset.name}: "
            f"it has {wanted[0]} features and {wanted[1]} targets"
        )
    if dataset.dual_rail and circuit.inputs[1] is None:
        raise InputError(f"{dataset.name} has negative features: build the circuit with dual_rail=True")
