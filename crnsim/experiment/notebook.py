"""Training and inference for notebooks: replicates of one circuit on one data set."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from crnsim.circuits import Circuit, circuit_reference
from crnsim.entrance.arguments import check_memory, check_number, check_seed, check_whole, shown
from crnsim.entrance.limits import (
    LARGEST_CONCENTRATION,
    LARGEST_TOLERANCE,
    LONGEST_TIME,
    MOST_EPOCHS,
    MOST_STEPS,
    SHORTEST_TIME,
    SMALLEST_ATOL,
    SMALLEST_RTOL,
)
from crnsim.entrance.objects import (
    check_array,
    check_flag,
    check_function,
    check_instance,
    check_line,
    check_sequence,
)
from crnsim.errors import InputError
from crnsim.experiment.kept import CHECKPOINTS
from crnsim.experiment.point import MAX_STEPS, Point
from crnsim.experiment.run import _read_given, _train_and_read
from crnsim.noise.noise import NoiseLike, as_noise
from crnsim.outcomes import OFTEN_AT_ZERO

if TYPE_CHECKING:
    import xarray as xr

    from crnsim.datasets import Dataset


def train(
    circuit: Circuit,
    dataset: str | Dataset,
    *,
    running_time: float,
    epochs: int,
    noise: NoiseLike | None = None,
    replicates: int = 1,
    seed: int = 0,
    method: str = "auto",
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
    noise : Noise or mapping, optional
        None by default.
    replicates : int
        They have their own initial weights, sample orders and noise.
    seed : int
        Decides all of these.
    method : str
        As for `crnsim.simulate`; one that shows samples. With intrinsic noise ``auto`` is ``ssa``.
    rtol : float
        Relative tolerance of the integration.
    atol : float
        Absolute one, in concentrations.
    max_steps : int
        Budget: average steps per presentation.
    record : bool
        Keep trajectories of the first replicate.
    progress : callable, optional
        Called with the share of the work done.

    Returns
    -------
    xarray.Dataset
        One ``point`` per replicate: ``status``, ``reason``, ``score`` and other metrics, ``train_loss``, ``weights`` at
        checkpoints, and ``trajectory`` with `record` (``docs/file-format.md``).

    Raises
    ------
    InputError
        If layers and data set do not fit, results do not fit into memory, or an argument is of another type or out of
        range.
    """
    kept = check_flag("record", record)
    dataset = checked(dataset)
    first = first_point(circuit, dataset, running_time, epochs, noise, seed, rtol, atol, max_steps, method)
    if not circuit.kind.learns:
        raise InputError(f"{circuit.name} does not learn; train a onepot circuit")
    points, datasets = _replicates(circuit, dataset, first, replicates)
    heard = check_function("progress", progress, "a function of the share of the work done")
    if advice := circuit.advice(first.running_time):
        logging.getLogger("crnsim").warning("train: %s", advice)
    return _looked_at("train", _train_and_read(circuit, points, datasets, [first.key] if kept else [], heard))


def infer(
    circuit: Circuit,
    dataset: str | Dataset,
    *,
    running_time: float,
    weights: Any = None,
    noise: NoiseLike | None = None,
    replicates: int = 1,
    seed: int = 0,
    method: str = "auto",
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
    noise : Noise or mapping, optional
        None by default.
    replicates : int
        They have their own noise.
    seed : int
    method : str
        This, and what has no words, as for `crnsim.train`.
    rtol : float
    atol : float
    max_steps : int
    progress : callable, optional

    Returns
    -------
    xarray.Dataset
        As from `train`, without what training leaves. ``agreement`` compares with the algebraic network.

    Raises
    ------
    InputError
        If layers, weights and data set do not fit, results do not fit into memory, or an argument is of another type
        or out of range.
    """
    from crnsim.circuits.weights import check_weights

    dataset = checked(dataset)
    first = first_point(circuit, dataset, running_time, 1, noise, seed, rtol, atol, max_steps, method)
    heard = check_function("progress", progress, "a function of the share of the work done")
    given = getattr(circuit, "given", None) if weights is None else weights
    if given is None:
        raise InputError(f"{circuit.name} needs weights: give [(W1, b1), (W2, b2), ...]")
    held = check_weights(given)
    found = (held[0][0].shape[1], *(len(b) for _, b in held))
    if found != circuit.layers:
        raise InputError(f"weights are of layers {found}; the circuit has {circuit.layers}")
    digest = hashlib.sha256(b"".join(np.ascontiguousarray(part).tobytes() for pair in held for part in pair))
    first = replace(first, weights=(("sha256", digest.hexdigest()),))
    points, datasets = _replicates(circuit, dataset, first, replicates)
    data = _read_given(circuit, points, datasets, [held] * len(points), [""] * len(points), heard)
    return _looked_at("infer", data)


def _looked_at(caller: str, data: xr.Dataset) -> xr.Dataset:
    """Return a result after a word on runs that often met zero."""
    contacts, steps = data["contacts"].values, data["steps"].values
    if often := int(np.sum(contacts > OFTEN_AT_ZERO * steps)):
        logging.getLogger("crnsim").warning(
            "%s: in %d of %d runs a species would have fallen below zero in more than %g %% of the steps, where the "
            "chemical Langevin equation is biased; compare with method='hybrid'",
            *(caller, often, len(steps), 100 * OFTEN_AT_ZERO),
        )
    return data


def _replicates(
    circuit: Circuit, dataset: str | Dataset, first: Point, replicates: int
) -> tuple[list[Point], list[Dataset]]:
    """Points of all replicates, each with its data: a split of its own where the data set is named."""
    from crnsim.datasets import load_dataset

    count = check_whole("replicates", replicates)
    one = load_dataset(dataset, replicate=0, seed=first.seed) if isinstance(dataset, str) else dataset
    check_fit(circuit, one)
    _check_room(circuit, one, first, count)
    points = [replace(first, replicate=replicate) for replicate in range(count)]
    if isinstance(dataset, str):
        rest = [load_dataset(dataset, replicate=p.replicate, seed=p.seed) for p in points[1:]]
        return points, [one, *rest]
    return points, [one] * count


def first_point(
    circuit: Circuit,
    dataset: str | Dataset,
    running_time: float,
    epochs: int,
    noise: NoiseLike | None,
    seed: int,
    rtol: float,
    atol: float,
    max_steps: int,
    method: str = "auto",
) -> Point:
    """The first replicate; all that it is made of is checked."""
    from crnsim.solvers.methods import check_counting, check_presentations

    check_instance("circuit", circuit, Circuit, "a circuit, such as crnsim.onepot((2, 6, 1))")
    time = check_number("running_time", running_time, least=SHORTEST_TIME, most=LONGEST_TIME)
    checked = as_noise(noise)
    checked.check_events(circuit.presentation_time(time))
    check_presentations(method)
    check_counting(method, counted=checked.intrinsic > 0)
    return Point(
        dataset=dataset if isinstance(dataset, str) else dataset.name,
        layers=circuit.layers,
        circuit=circuit_reference(circuit.kind),
        circuit_parameters=tuple(sorted(circuit.parameters.items())),
        activation=circuit.activation.reference,
        activation_parameters=tuple(sorted(circuit.activation.parameters().items())),
        running_time=time,
        epochs=check_whole("epochs", epochs, most=MOST_EPOCHS),
        learning_rate=circuit.learning_rate(time),
        noise=checked,
        replicate=0,
        seed=check_seed(seed),
        rtol=check_number("rtol", rtol, least=SMALLEST_RTOL, most=LARGEST_TOLERANCE),
        atol=check_number("atol", atol, least=SMALLEST_ATOL, most=LARGEST_TOLERANCE),
        max_steps=check_whole("max_steps", max_steps, most=MOST_STEPS),
        method=method,
    )


def checked(dataset: object) -> str | Dataset:
    """Return the name of a data set, or one with its samples: those are looked at, and made arrays of floats."""
    from crnsim.datasets import Dataset
    from crnsim.datasets.tables import TASKS

    if isinstance(dataset, str):
        return check_line("dataset", dataset, most=4000)
    found = check_instance(
        "dataset", dataset, Dataset, "the name of a data set, or a crnsim.datasets.Dataset"
    )
    name = check_line("dataset: its name", found.name)
    if not isinstance(found.task, str) or found.task not in TASKS:
        raise InputError(f"{name}: task is {shown(found.task)}; it must be {' or '.join(TASKS)}")
    two_rails = check_flag(f"{name}: dual_rail", found.dual_rail)
    arrays = {
        f"{axis}_{part}": check_array(
            f"{name}: {axis}_{part}",
            getattr(found, f"{axis}_{part}"),
            wanted="an array of numbers",
            least=-LARGEST_CONCENTRATION,
            most=LARGEST_CONCENTRATION,
        )
        for part in ("train", "test")
        for axis in "xy"
    }
    for part in ("train", "test"):
        x, y = arrays[f"x_{part}"], arrays[f"y_{part}"]
        if x.ndim != 2 or y.ndim != 2 or not x.size or not y.size or len(x) != len(y):
            raise InputError(
                f"{name}: x_{part} and y_{part} have shapes {x.shape} and {y.shape}; they must be (n, features) "
                "and (n, targets), with at least one sample"
            )
        if not two_rails and np.any(x < 0):
            raise InputError(f"{name}: x_{part} has negative features; say so with dual_rail=True")
    fields: dict[str, Any] = {**arrays, "dual_rail": two_rails}
    for axis, field in (("x", "feature_names"), ("y", "target_names")):
        shapes = [arrays[f"{axis}_{part}"].shape for part in ("train", "test")]
        if shapes[0][1] != shapes[1][1]:
            raise InputError(
                f"{name}: {axis}_train and {axis}_test have shapes {shapes[0]} and {shapes[1]}; they must have as many "
                "columns"
            )
        fields[field] = _names(f"{name}: {field}", getattr(found, field), shapes[0][1])
    return replace(found, **fields)


def _names(what: str, given: object, count: int) -> tuple[str, ...]:
    """Return the names of the columns of samples, each once."""
    wanted = f"{count} different name{'' if count == 1 else 's'}, one for each column"
    names = tuple(check_line(f"{what}: a name", one) for one in check_sequence(what, given, wanted))
    if len(names) != count or len(set(names)) != count:
        raise InputError(f"{what} is {shown(given)}; give {wanted}")
    return names


def _check_room(circuit: Circuit, dataset: Dataset, point: Point, replicates: int) -> None:
    """Refuse results that would not fit into memory."""
    network = circuit.network
    shown_samples = point.epochs * len(dataset.x_train)
    numbers = (CHECKPOINTS + 20) * network.n_species + 4 * network.n_reactions + 2 * shown_samples
    check_memory(
        f"{replicates:.4g} replicates of {shown_samples:.4g} presentations",
        8.0 * replicates * numbers,
        "ask for fewer replicates or epochs",
    )


def check_fit(circuit: Circuit, dataset: Dataset) -> None:
    """Raise InputError unless a circuit can be shown the samples of a data set."""
    wanted = (dataset.x_train.shape[1], dataset.y_train.shape[1])
    if (circuit.layers[0], circuit.layers[-1]) != wanted:
        raise InputError(
            f"layers {shown(circuit.layers)} do not fit {dataset.name}: "
            f"it has {wanted[0]} features and {wanted[1]} targets"
        )
    if dataset.dual_rail and circuit.inputs[1] is None:
        raise InputError(f"{dataset.name} has negative features: build the circuit with dual_rail=True")
