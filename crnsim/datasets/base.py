"""What a data set is: samples in two parts, how outputs are scored, how features are scaled and samples split."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from crnsim.errors import InputError


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
    feature_names, target_names : tuple of str
    """

    name: str
    task: str
    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    dual_rail: bool
    feature_names: tuple[str, ...]
    target_names: tuple[str, ...]

    def __repr__(self) -> str:
        """Say in a line what it is."""
        (n_train, features), targets = self.x_train.shape, ", ".join(self.target_names)
        return (
            f"<crnsim Dataset '{self.name}': {self.task}, {features} features, {n_train} samples to train and "
            f"{len(self.x_test)} to test; {targets}>"
        )

    def accuracy(self, outputs: np.ndarray, targets: np.ndarray) -> float:
        """Share of samples classified as in `targets`: by the largest output, or by 0.5 where there is one.

        A sample with an output that is not a finite number counts as wrong.
        """
        return float(np.mean(_right(outputs, targets)))

    def score(self, outputs: np.ndarray, targets: np.ndarray) -> float:
        """0 for chance, 1 for perfect, clipped to [0, 1].

        Parameters
        ----------
        outputs, targets : numpy.ndarray, shape (n, targets)

        Returns
        -------
        float
            For a classification the mean over the K classes among `targets` of the share of their samples that is
            right (balanced accuracy, doi 10.1109/ICPR.2010.764), rescaled so that 1/K, which always guessing one
            class reaches, is 0. So a common class counts no more than a rare one. With K = 1 the accuracy.
            For a regression the share of the variance of `targets` that is explained.
        """
        if self.task == "classification":
            right, labels = _right(outputs, targets), _classes(targets)
            present = np.unique(labels)
            recall = float(np.mean([right[labels == label].mean() for label in present]))
            chance = 1.0 / len(present) if len(present) > 1 else 0.0
            value = (recall - chance) / (1.0 - chance)
        else:
            error, variance = float(np.mean((outputs - targets) ** 2)), float(np.var(targets))
            value = 1.0 - error / variance if variance > 0 else float(error == 0)
        return float(np.clip(value, 0.0, 1.0))


def _classes(values: np.ndarray) -> np.ndarray:
    """Class of each sample: the column with the largest value, or whether a single one exceeds 0.5."""
    return values[:, 0] > 0.5 if values.shape[1] == 1 else np.argmax(values, axis=1)


def _right(outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    if outputs.shape != targets.shape:
        raise InputError(f"outputs have shape {outputs.shape}; the targets need {targets.shape}")
    return (_classes(outputs) == _classes(targets)) & np.isfinite(outputs).all(axis=1)


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
    n_train, n_test : int
        Training and test samples.
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
    n_test: int
    load: Callable[[int, int], Dataset]


def stratified_test(labels: np.ndarray, fraction: float, rng: np.random.Generator) -> np.ndarray:
    """Choose the test samples at random, the same share of every class; a mask over samples."""
    test = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        test[rng.permutation(members)[: round(fraction * len(members))]] = True
    return test


def min_max(features: np.ndarray, train: np.ndarray) -> np.ndarray:
    """Scale features so that the training samples (a mask) span [0, 1].

    A test sample can lie above 1; below 0 it would be a negative concentration, and is shown as 0. A feature that is
    the same in all training samples tells nothing and becomes 0.
    """
    return np.maximum(_spanned(features, train, low=0.0), 0.0)


def centred(features: np.ndarray, train: np.ndarray) -> np.ndarray:
    """Scale features so that the training samples (a mask) span [-1, 1], for two rails.

    Descent takes several times fewer steps than on [0, 1], and has so much less time to drift (docs/robust-design.md).
    A feature that is the same in all training samples tells nothing and becomes 0.
    """
    return _spanned(features, train, low=-1.0)


def mean_centred(train: np.ndarray, test: np.ndarray) -> None:
    """Take from each feature its mean over the training samples, for two rails; both arrays are changed.

    What all samples share then moves no weight: the mean of |x|^2 falls from 15 to 4.7 on the digits, and the largest
    eigenvalue of the second moments, which bounds the step of descent, from 10.5 to 0.70 (docs/robust-design.md).
    """
    mean = train.mean(axis=0)
    train -= mean
    test -= mean


def _spanned(features: np.ndarray, train: np.ndarray, *, low: float) -> np.ndarray:
    least, most = features[train].min(axis=0), features[train].max(axis=0)
    span = np.where(most > least, most - least, 1.0)
    return np.where(most > least, low + (1.0 - low) * (features - least) / span, 0.0)
