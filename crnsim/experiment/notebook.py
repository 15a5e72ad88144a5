"""Training and inference for notebooks: replicates of one circuit on one data set."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from crnsim.circuits import Circuit
from crnsim.entrance.arguments import check_memory, check_whole
from crnsim.entrance.objects import check_flag, check_function
from crnsim.errors import Checks, InputError
from crnsim.experiment.asked import Asked, Data, asked_for, check_fit, settings_of
from crnsim.experiment.given_weights import SGD, point_weights, weights_source
from crnsim.experiment.kept import CHECKPOINTS
from crnsim.experiment.point import MAX_STEPS, Point
from crnsim.experiment.run import _read_given, _train_and_read
from crnsim.noise.noise import NoiseLike
from crnsim.outcomes import OFTEN_AT_ZERO

if TYPE_CHECKING:
    import xarray as xr

    from crnsim.circuits.weights import Weights
    from crnsim.datasets import Dataset
    from crnsim.experiment.point import Parameters

_HEARD = "a function of the share of the work done"


def train(
    circuit: Circuit | Data | None = None,
    dataset: Data | None = None,
    *,
    layers: Sequence[int] | None = None,
    running_time: float | None = None,
    epochs: int | None = None,
    noise: NoiseLike | None = None,
    replicates: int = 1,
    seed: int = 0,
    target: str | None = None,
    task: str | None = None,
    label: str | None = None,
    method: str = "auto",
    rtol: float = 1e-3,
    atol: float = 1e-6,
    max_steps: int = MAX_STEPS,
    record: bool = False,
    progress: Callable[[float], None] | None = None,
) -> xr.Dataset:
    """Train replicates of a circuit on a data set and read them out.

    What is left out is as in ``crnsim train``: ``crnsim.train("xor")`` gives the numbers of ``crnsim train xor``.

    Parameters
    ----------
    circuit : Circuit, optional
        Such as ``crnsim.onepot((2, 6, 1))``; it learns with its own ``eps``. Left out, a one-pot circuit with
        squareplus, which learns as fast as the data set has it.
    dataset : str, DataFrame, (x, y) or Dataset
        As for `crnsim.load_dataset`. Each replicate has its own train/test split; a `Dataset` has one for all. It may
        stand first, without a circuit.
    layers : sequence of int, optional
        Units per layer where no circuit is given; the data set has its default.
    running_time : float, optional
        Duration of one presentation, in units of 1/k; the data set has its default.
    epochs : int, optional
        Times that the training set is shown; the data set has its default.
    noise : Noise or mapping, optional
        None by default.
    replicates : int
        They have their own initial weights, sample orders and noise.
    seed : int
        Decides all of these.
    target : str, optional
        Of data that has no name of its own, as for `crnsim.load_dataset`.
    task : str, optional
        As the target.
    label : str, optional
        As the target.
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
    checks = Checks()
    kept = checks.value(check_flag, "record", record)
    heard = checks.value(check_function, "progress", progress, _HEARD)
    count = checks.value(check_whole, "replicates", replicates)
    settings = settings_of(
        checks,
        running_time=running_time,
        epochs=epochs,
        noise=noise,
        seed=seed,
        rtol=rtol,
        atol=atol,
        max_steps=max_steps,
        method=method,
    )
    asked = checks.value(
        asked_for, circuit, dataset, "onepot", layers=layers, target=target, task=task, label=label
    )
    checks.judge()
    first = asked.point(settings)
    if not asked.circuit.kind.learns:
        raise InputError(f"{asked.circuit.name} does not learn; train a onepot circuit")
    points, datasets = _replicates(asked, first, count)
    if advice := asked.circuit.advice(first.running_time):
        logging.getLogger("crnsim").warning("train: %s", advice)
    recorded = [first.key] if kept else []
    return _looked_at("train", _train_and_read(asked.circuit, points, datasets, recorded, heard))


def infer(
    circuit: Circuit | Data | None = None,
    dataset: Data | None = None,
    *,
    layers: Sequence[int] | None = None,
    running_time: float | None = None,
    weights: Any = None,
    noise: NoiseLike | None = None,
    replicates: int = 1,
    seed: int = 0,
    target: str | None = None,
    task: str | None = None,
    label: str | None = None,
    method: str = "auto",
    rtol: float = 1e-3,
    atol: float = 1e-6,
    max_steps: int = MAX_STEPS,
    progress: Callable[[float], None] | None = None,
) -> xr.Dataset:
    """Show the test samples to a circuit with given weights; nothing chemical is trained.

    What is left out is as in ``crnsim infer``: ``crnsim.infer("xor")`` gives the numbers of ``crnsim infer xor``.

    Parameters
    ----------
    circuit : Circuit, optional
        Such as ``crnsim.feedforward(weights)``, or a pot, whose learning stays off. Left out, a feedforward circuit
        with squareplus.
    dataset : str, DataFrame, (x, y) or Dataset
        As for `train`.
    layers : sequence of int, optional
        As for `train`.
    running_time : float, optional
        For which each sample is shown, in units of 1/k; the data set has its default.
    weights : list of (W, b), optional
        Those of a feedforward circuit where left out; without a circuit, those of gradient descent on the algebraic
        network, for each replicate its own.
    noise : Noise or mapping, optional
        None by default.
    replicates : int
        They have their own noise.
    seed : int
        Decides it.
    target : str, optional
        This, and what follows, as for `crnsim.train`.
    task : str, optional
    label : str, optional
    method : str
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

    checks = Checks()
    heard = checks.value(check_function, "progress", progress, _HEARD)
    count = checks.value(check_whole, "replicates", replicates)
    settings = settings_of(
        checks,
        running_time=running_time,
        epochs=None,
        noise=noise,
        seed=seed,
        rtol=rtol,
        atol=atol,
        max_steps=max_steps,
        method=method,
    )
    asked = checks.value(
        asked_for, circuit, dataset, "feedforward", layers=layers, target=target, task=task, label=label
    )
    held = None if weights is None else checks.value(check_weights, weights)
    checks.judge()
    first = asked.point(settings if asked.built else replace(settings, epochs=1))
    # A circuit that is built here does what the command does: its weights come from gradient descent.
    if asked.built and weights is None:
        first = replace(first, weights=weights_source(SGD))
        points, datasets = _replicates(asked, first, count)
        found = [point_weights(p, asked.circuit, data) for p, data in zip(points, datasets, strict=True)]
        of_points, reasons = zip(*found, strict=True)
    else:
        held, of_weights = _given_weights(asked.circuit, held)
        points, datasets = _replicates(asked, replace(first, weights=of_weights), count)
        of_points, reasons = (held,) * len(points), ("",) * len(points)
    data = _read_given(asked.circuit, points, datasets, of_points, reasons, heard)
    return _looked_at("infer", data)


def _given_weights(circuit: Circuit, held: Weights | None) -> tuple[Weights, Parameters]:
    """Return the weights of a circuit, its own where none are given, and what identifies them."""
    from crnsim.circuits.weights import check_weights

    given = getattr(circuit, "given", None)
    if held is None and given is None:
        raise InputError(f"{circuit.name} needs weights: give [(W1, b1), (W2, b2), ...]")
    found = check_weights(given) if held is None else held
    sizes = (found[0][0].shape[1], *(len(b) for _, b in found))
    if sizes != circuit.layers:
        raise InputError(f"weights are of layers {sizes}; the circuit has {circuit.layers}")
    digest = hashlib.sha256(b"".join(np.ascontiguousarray(part).tobytes() for pair in found for part in pair))
    return found, (("sha256", digest.hexdigest()),)


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


def _replicates(asked: Asked, first: Point, replicates: int) -> tuple[list[Point], list[Dataset]]:
    """Points of all replicates, each with its data: a split of its own but for a `Dataset`."""
    one = asked.info.load(0, first.seed)
    check_fit(asked.circuit, one)
    _check_room(asked.circuit, one, first, replicates)
    points = [replace(first, replicate=replicate) for replicate in range(replicates)]
    return points, [one, *(asked.info.load(point.replicate, point.seed) for point in points[1:])]


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
