"""The algebraic network that a pot follows on its slow manifold, and ordinary gradient descent on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from crnsim.circuits.weights import Weights
from crnsim.datasets import Dataset
from crnsim.noise.streams import generator

#: Standard deviation of the initial weights times the square root of the fan-in; hidden units, then outputs.
HIDDEN_GAIN, OUTPUT_GAIN = 2**0.5, 1.0
#: Initial biases of hidden units, a little above zero so that few units start silent.
HIDDEN_BIAS = 0.1


class Unit(Protocol):
    """An activation in closed form."""

    def value(self, z: np.ndarray) -> np.ndarray:
        """Return the activation of z."""
        ...

    def slope(self, z: np.ndarray) -> np.ndarray:
        """Return its derivative."""
        ...


def forward(
    weights: Sequence[tuple[np.ndarray, np.ndarray]],
    x: np.ndarray,
    activation: Unit,
    output: Unit | None = None,
) -> np.ndarray:
    """Outputs of the network for samples `x`.

    Parameters
    ----------
    weights : sequence of (W, b)
        Shapes (units, units below) and (units,).
    x : numpy.ndarray, shape (n, features)
    activation : Unit
        Of the hidden layers.
    output : Unit, optional
        Of the last layer; linear by default.

    Returns
    -------
    numpy.ndarray, shape (n, targets)
    """
    signal = np.asarray(x, dtype=float)
    for layer, (w, b) in enumerate(weights):
        signal = signal @ w.T + b
        unit = activation if layer < len(weights) - 1 else output
        if unit is not None:
            signal = unit.value(signal)
    return signal


def gradients(
    weights: Sequence[tuple[np.ndarray, np.ndarray]],
    x: np.ndarray,
    target: np.ndarray,
    activation: Unit,
    output: Unit | None = None,
) -> Weights:
    """Gradient of |o - t|^2 / 2, summed over samples, by every weight and bias.

    Parameters
    ----------
    weights : sequence of (W, b)
    x : numpy.ndarray, shape (n, features)
    target : numpy.ndarray, shape (n, targets)
    activation : Unit
    output : Unit, optional
        Of the last layer; linear by default.

    Returns
    -------
    list of (W, b)
        In the shapes of `weights`.
    """
    signals, slopes = [np.atleast_2d(x)], []
    for layer, (w, b) in enumerate(weights):
        z = signals[-1] @ w.T + b
        unit = activation if layer < len(weights) - 1 else output
        signals.append(z if unit is None else unit.value(z))
        slopes.append(np.ones_like(z) if unit is None else unit.slope(z))
    error = signals[-1] - np.atleast_2d(target)
    result: Weights = []
    for layer in range(len(weights) - 1, -1, -1):
        local = error * slopes[layer]
        result.append((local.T @ signals[layer], local.sum(axis=0)))
        error = local @ weights[layer][0]
    return result[::-1]


def sgd(
    weights: Sequence[tuple[np.ndarray, np.ndarray]],
    activation: Unit,
    dataset: Dataset,
    *,
    order: np.ndarray,
    learning_rate: float,
    output: Unit | None = None,
) -> Weights:
    """Ordinary stochastic gradient descent, one sample a step.

    Parameters
    ----------
    weights : sequence of (W, b)
        Initial weights; they are not changed.
    activation : Unit
    dataset : Dataset
    order : numpy.ndarray, shape (epochs, n_train)
        Training samples in the order shown, as from `sample_order`.
    learning_rate : float
        Step size; a pot's is eps times its running time.
    output : Unit, optional
        Of the last layer; linear by default.

    Returns
    -------
    list of (W, b)
        Trained weights.
    """
    # A bias is one more weight, on a signal that is always 1: few and small NumPy calls per step.
    joined = [np.column_stack([w, b]) for w, b in weights]
    signals = [np.ones(matrix.shape[1]) for matrix in joined]
    slopes = [np.zeros(0)] * len(joined)
    for sample in np.ravel(order):
        signals[0][:-1] = dataset.x_train[sample]
        for layer, matrix in enumerate(joined[:-1], start=1):
            z = matrix @ signals[layer - 1]
            signals[layer][:-1] = activation.value(z)
            slopes[layer] = activation.slope(z)
        z = joined[-1] @ signals[-1]
        if output is None:
            error = z - dataset.y_train[sample]
        else:
            error = (output.value(z) - dataset.y_train[sample]) * output.slope(z)
        for layer in range(len(joined) - 1, -1, -1):
            matrix, above = joined[layer], error
            if layer > 0:
                error = (above @ matrix[:, :-1]) * slopes[layer]
            matrix -= np.multiply.outer(learning_rate * above, signals[layer])
    return [(matrix[:, :-1].copy(), matrix[:, -1].copy()) for matrix in joined]


def initial_weights(layers: Sequence[int], *, seed: int, dataset: str, replicate: int) -> Weights:
    """Initial weights of a replicate, shared by every activation, noise and running time.

    Weights are uniform with standard deviation gain / sqrt(fan-in), stratified: those from one input to all
    units of a hidden layer, and those from all units to one output, cover their range evenly. In a layer of
    six or eight units independent draws would often leave a direction without a working unit.

    Parameters
    ----------
    layers : sequence of int
    seed : int
    dataset : str
    replicate : int

    Returns
    -------
    list of (W, b)
    """
    weights: Weights = []
    for layer in range(1, len(layers)):
        fan_in, units = layers[layer - 1], layers[layer]
        shape = "-".join(map(str, layers))
        rng = generator(seed, dataset, shape, replicate, "initial weights", layer)
        last = layer == len(layers) - 1
        half_width = (OUTPUT_GAIN if last else HIDDEN_GAIN) * np.sqrt(3.0 / fan_in)
        if last:
            drawn = np.stack([_strata(rng, fan_in) for _ in range(units)])
        else:
            drawn = np.stack([_strata(rng, units) for _ in range(fan_in)], axis=1)
        weights.append((half_width * drawn, np.full(units, 0.0 if last else HIDDEN_BIAS)))
    return weights


def _strata(rng: np.random.Generator, count: int) -> np.ndarray:
    """`count` numbers in [-1, 1), one in each of as many equal parts, in random order."""
    return 2.0 * (rng.permutation(count) + rng.uniform(size=count)) / count - 1.0


def sample_order(n_samples: int, epochs: int, *, seed: int, dataset: str, replicate: int) -> np.ndarray:
    """Order in which samples are shown, shuffled anew for each epoch, shape (epochs, n_samples).

    More epochs continue the same order: the first ones stay as they are.
    """
    rng = generator(seed, dataset, replicate, "sample order")
    return np.array([rng.permutation(n_samples) for _ in range(epochs)], dtype=np.int64)
