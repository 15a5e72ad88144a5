"""What a noisy run computed with, for whoever wants to do it again elsewhere: rate constants, the order of samples."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from crnsim.algebraic import sample_order as _order
from crnsim.circuits import Circuit
from crnsim.datasets import load_dataset
from crnsim.entrance.arguments import check_memory, check_seed, check_whole
from crnsim.entrance.objects import check_flag, check_instance
from crnsim.errors import Checks, InputError
from crnsim.experiment import schedule
from crnsim.experiment.asked import Data, asked_for, check_fit, settings_of
from crnsim.noise.applied import perturb_for_presentation
from crnsim.noise.noise import NoiseLike


def rate_constants(
    circuit: Circuit,
    dataset: Data,
    *,
    running_time: float | None = None,
    noise: NoiseLike | None = None,
    replicate: int = 0,
    seed: int = 0,
    presentation: int = 0,
    learning: bool = True,
    weights: Any = None,
) -> np.ndarray:
    """Return the rate constants, with their noise, that one replicate of `train` or `infer` runs with.

    Parameters
    ----------
    circuit : Circuit
        This, and what has no words, as for `crnsim.train` or `crnsim.infer`.
    dataset : str or Dataset
    running_time : float
    noise : Noise or mapping, optional
    replicate : int
    seed : int
    presentation : int
        Number of the presentation from 0, for noise on rates that is drawn anew for each.
    learning : bool
        As in training; otherwise as in the read-out and in `crnsim.infer`.
    weights : list of (W, b), optional
        Of a circuit that has them as rate constants.

    Returns
    -------
    numpy.ndarray, shape (n_reactions,)
        In the order of ``circuit.network.reactions()``.

    Raises
    ------
    InputError
        An argument is out of range or of another type.
    """
    from crnsim.circuits.weights import check_weights

    check_instance("circuit", circuit, Circuit, "a circuit, such as crnsim.onepot((2, 6, 1))")
    checks = Checks()
    settings = settings_of(checks, running_time=running_time, epochs=1, noise=noise, seed=seed)
    first = checks.value(check_whole, "replicate", replicate, least=0)
    number = checks.value(check_whole, "presentation", presentation, least=0)
    learning = checks.value(check_flag, "learning", learning)
    asked = checks.value(asked_for, circuit, dataset, circuit.name)
    checks.judge()
    point = replace(asked.point(settings), replicate=first)
    check_fit(circuit, asked.info.load(point.replicate, point.seed))
    held = None if weights is None else check_weights(weights)
    if held is None and (given := getattr(circuit, "given", None)) is not None:
        held = given
    if learning and not circuit.kind.learns:
        raise InputError(f"{circuit.name} does not learn; ask for learning=False")
    constants = schedule.rate_constants(circuit, point, learning=learning, weights=held)
    phase = "training" if learning else "read-out"
    key = partial(schedule.stream_of, point)
    perturb_for_presentation(circuit.network, point.noise, constants, key, phase, number)
    return constants


def sample_order(dataset: str, *, epochs: int, replicate: int = 0, seed: int = 0) -> np.ndarray:
    """Return the order in which `crnsim.train` shows the training samples of a replicate.

    A clocked circuit, which stores them, goes through them in the order of the first epoch, again and again.

    Parameters
    ----------
    dataset : str
        Its name.
    epochs : int
    replicate : int
    seed : int

    Returns
    -------
    numpy.ndarray, shape (epochs, samples)
        Rows of ``crnsim.load_dataset(dataset, replicate=replicate, seed=seed).x_train``.
    """
    replicate, seed = check_whole("replicate", replicate, least=0), check_seed(seed)
    data = load_dataset(dataset, replicate=replicate, seed=seed)
    number, n = check_whole("epochs", epochs), len(data.x_train)
    check_memory(f"the order of {n} samples in {number} epochs", 16.0 * n * number, "ask for fewer epochs")
    order: np.ndarray = _order(n, number, seed=seed, dataset=data.name, replicate=replicate)
    return order
