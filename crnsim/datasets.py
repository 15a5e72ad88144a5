"""Data sets: samples, scaling fitted on training data, encoding on rails, splits, default architectures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from crnsim.errors import InputError, suggest
from crnsim.streams import generator

#: Share of the samples of Iris kept for testing.
TEST_FRACTION = 0.3
#: Training and test samples of the regression.
REGRESSION_TRAIN, REGRESSION_TEST = 32, 64


@dataclass(frozen=True)
class Dataset:
    """Scaled samples, split into training and test.

    Parameters
    ----------
    name : str
    task : {"classification", "regression"}
    x_train, x_test : numpy.ndarray, shape (n, features)
        Scaled features; at least zero unless `dual_rail`.
    y_train, y_test : numpy.ndarray, shape (n, targets)
        One-hot classes, one 0/1 column, or the values to fit.
    dual_rail : bool
        Features can be negative and need two rails.
    chance : float
        Accuracy of always guessing the commonest class; 0 for a regression.
    feature_names, target_names : tuple of str
    """

    name: str
    task: str
    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    dual_rail: bool
    chance: float
    feature_names: tuple[str, ...]
    target_names: tuple[str, ...]

    def accuracy(self, outputs: np.ndarray, targets: np.ndarray) -> float:
        """Share of samples classified as in `targets`: by the largest output, or by 0.5 where there is one.

        A sample with an output that is not a finite number counts as wrong.
        """
        if outputs.shape != targets.shape:
            raise InputError(f"outputs have shape {outputs.shape}; the targets need {targets.shape}")
        if targets.shape[1] == 1:
            right = (outputs[:, 0] > 0.5) == (targets[:, 0] > 0.5)
        else:
            right = np.argmax(outputs, axis=1) == np.argmax(targets, axis=1)
        return float(np.mean(right & np.isfinite(outputs).all(axis=1)))

    def score(self, outputs: np.ndarray, targets: np.ndarray) -> float:
        """0 for chance, 1 for perfect: scaled accuracy, or share of variance explained, clipped to [0, 1]."""
        if self.task == "classification":
            value = (self.accuracy(outputs, targets) - self.chance) / (1.0 - self.chance)
        else:
            value = 1.0 - np.mean((outputs - targets) ** 2) / np.var(targets)
        return float(np.clip(value, 0.0, 1.0))


@dataclass(frozen=True)
class DatasetInfo:
    """What is known of a data set before it is loaded.

    Parameters
    ----------
    name, title, task, summary : str
    layers : tuple of int
        Default architecture.
    epochs : int
    running_time : float
        Default duration of a presentation, in units of 1/k.
    learning_rate : float
        Default size of a step of gradient descent: eps times running time.
    dual_rail : bool
    n_train : int
        Training samples.
    load : callable
        (replicate, seed) -> Dataset
    """

    name: str
    title: str
    task: str
    summary: str
    layers: tuple[int, ...]
    epochs: int
    running_time: float
    learning_rate: float
    dual_rail: bool
    n_train: int
    load: Callable[[int, int], Dataset]


def _xor(replicate: int, seed: int) -> Dataset:
    """The four patterns, for training and test alike."""
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=float)
    y = np.array([[0], [1], [1], [0]], dtype=float)
    return Dataset("xor", "classification", x, y, x, y, False, 0.5, ("a", "b"), ("a xor b",))


def stratified_test(labels: np.ndarray, fraction: float, rng: np.random.Generator) -> np.ndarray:
    """Choose the test samples at random, the same share of every class; a mask over samples."""
    test = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        test[rng.permutation(members)[: round(fraction * len(members))]] = True
    return test


def min_max(features: np.ndarray, train: np.ndarray) -> np.ndarray:
    """Scale features so that the training samples (a mask) span [0, 1].

    A test sample can lie above 1; below 0 it would be a negative concentration, and is shown as 0.
    """
    low, high = features[train].min(axis=0), features[train].max(axis=0)
    return np.maximum((features - low) / (high - low), 0.0)


def _iris(replicate: int, seed: int) -> Dataset:
    """Fisher's Iris with a stratified split; min-max scaling fitted on the training samples."""
    from sklearn.datasets import load_iris

    bunch = load_iris()
    test = stratified_test(
        bunch.target, TEST_FRACTION, generator(seed, "dataset", "iris", replicate, "split")
    )
    x, y = min_max(bunch.data, ~test), np.eye(3)[bunch.target]
    return Dataset(
        name="iris",
        task="classification",
        x_train=x[~test],
        y_train=y[~test],
        x_test=x[test],
        y_test=y[test],
        dual_rail=False,
        chance=1 / 3,
        feature_names=tuple(str(name) for name in bunch.feature_names),
        target_names=tuple(str(name) for name in bunch.target_names),
    )


def _regression(replicate: int, seed: int) -> Dataset:
    """0.5 + 0.4 sin(2 pi x): one random training sample in each of 32 equal bins, a grid to test."""
    rng = generator(seed, "dataset", "regression", replicate, "split")
    train = (np.arange(REGRESSION_TRAIN) + rng.uniform(size=REGRESSION_TRAIN)) / REGRESSION_TRAIN
    test = (np.arange(REGRESSION_TEST) + 0.5) / REGRESSION_TEST

    def target(x: np.ndarray) -> np.ndarray:
        return (0.5 + 0.4 * np.sin(2 * np.pi * x))[:, None]

    return Dataset(
        name="regression",
        task="regression",
        x_train=(2 * train - 1)[:, None],
        y_train=target(train),
        x_test=(2 * test - 1)[:, None],
        y_test=target(test),
        dual_rail=True,
        chance=0.0,
        feature_names=("2x - 1",),
        target_names=("0.5 + 0.4 sin(2 pi x)",),
    )


#: Data sets by name.
DATASETS: dict[str, DatasetInfo] = {
    info.name: info
    for info in (
        DatasetInfo(
            name="xor",
            title="XOR",
            task="classification",
            summary="exclusive or of two inputs; trained and tested on its four patterns",
            layers=(2, 6, 1),
            epochs=200,
            running_time=100.0,
            learning_rate=0.2,
            dual_rail=False,
            n_train=4,
            load=_xor,
        ),
        DatasetInfo(
            name="iris",
            title="Iris",
            task="classification",
            summary="150 flowers of three species by four lengths; 105 to train, 45 to test, stratified",
            layers=(4, 8, 3),
            epochs=40,
            running_time=100.0,
            learning_rate=0.05,
            dual_rail=False,
            n_train=105,
            load=_iris,
        ),
        DatasetInfo(
            name="regression",
            title="Regression",
            task="regression",
            summary="0.5 + 0.4 sin(2 pi x) on [0, 1]; 2x - 1 on two rails; 32 points to train, 64 to test",
            layers=(1, 8, 1),
            epochs=200,
            running_time=300.0,
            learning_rate=0.15,
            dual_rail=True,
            n_train=REGRESSION_TRAIN,
            load=_regression,
        ),
    )
}


def load_dataset(name: str, *, replicate: int = 0, seed: int = 0) -> Dataset:
    """Load a data set with the split of a replicate.

    Parameters
    ----------
    name : str
        A key of `DATASETS`.
    replicate, seed : int
        They and the name decide the split, and nothing else does.

    Returns
    -------
    Dataset

    Raises
    ------
    InputError
        For an unknown name.
    """
    if name not in DATASETS:
        raise InputError(f"unknown data set '{name}'; {suggest(name, DATASETS)}")
    return DATASETS[name].load(replicate, seed)


def check_layers(name: str, layers: Sequence[int]) -> None:
    """Raise InputError unless the first and last layer fit the data set."""
    if name not in DATASETS:
        raise InputError(f"unknown data set '{name}'; {suggest(name, DATASETS)}")
    default = DATASETS[name].layers
    given = "-".join(map(str, layers)) or "(none)"
    if len(layers) < 2 or (layers[0], layers[-1]) != (default[0], default[-1]):
        raise InputError(
            f"layers {given} do not fit {name}: it has {default[0]} features and {default[-1]} targets, "
            f"so the first layer must be {default[0]} and the last {default[-1]}, "
            f"as in {'-'.join(map(str, default))}"
        )
