"""Small made-up tasks: logic gates of two inputs, and smooth functions to fit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from crnsim.datasets.base import Dataset, DatasetInfo
from crnsim.noise.streams import generator

PATTERNS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=float)
#: Training and test samples of a function of one variable; per axis, of one of two variables.
LINE_TRAIN, LINE_TEST = 32, 64
PLANE_TRAIN, PLANE_TEST = 8, 10


def _gate(name: str, answers: tuple[int, int, int, int], summary: str) -> DatasetInfo:
    """A logic gate: the four patterns, for training and test alike."""

    def load(replicate: int, seed: int) -> Dataset:
        y = np.array(answers, dtype=float)[:, None]
        return Dataset(
            name=name,
            task="classification",
            x_train=PATTERNS.copy(),
            y_train=y,
            x_test=PATTERNS.copy(),
            y_test=y.copy(),
            dual_rail=False,
            feature_names=("a", "b"),
            target_names=(f"a {name} b",),
        )

    return DatasetInfo(
        name=name,
        title=name.upper(),
        task="classification",
        summary=f"{summary}; trained and tested on its four patterns",
        layers=(2, 6, 1),
        epochs=200,
        running_time=100.0,
        learning_rate=0.2,
        dual_rail=False,
        n_train=len(PATTERNS),
        n_test=len(PATTERNS),
        load=load,
    )


GATES = (
    _gate("xor", (0, 1, 1, 0), "exclusive or of two inputs"),
    _gate("or", (0, 1, 1, 1), "or of two inputs"),
    _gate("and", (0, 0, 0, 1), "and of two inputs"),
)


def _one_in_each_bin(rng: np.random.Generator, axes: int, bins: int) -> np.ndarray:
    """One random point of the unit cube in each of bins^axes equal boxes, shape (bins^axes, axes)."""
    corners = np.stack(np.meshgrid(*[np.arange(bins)] * axes, indexing="ij"), axis=-1).reshape(-1, axes)
    return np.asarray((corners + rng.uniform(size=corners.shape)) / bins)


def _function(
    name: str,
    title: str,
    formula: str,
    value: Callable[[np.ndarray], np.ndarray],
    *,
    axes: int = 1,
    layers: tuple[int, ...] = (1, 8, 1),
    epochs: int = 200,
    learning_rate: float = 0.15,
) -> DatasetInfo:
    """A function of `axes` variables x in [0, 1], shown as u = 2x - 1 on two rails; `value` takes x, (n, axes)."""
    n_train, n_test = (LINE_TRAIN, LINE_TEST) if axes == 1 else (PLANE_TRAIN, PLANE_TEST)

    def load(replicate: int, seed: int) -> Dataset:
        rng = generator(seed, "dataset", name, replicate, "split")
        train = _one_in_each_bin(rng, axes, n_train)
        ticks = np.meshgrid(*[(np.arange(n_test) + 0.5) / n_test] * axes, indexing="ij")
        test = np.stack(ticks, axis=-1).reshape(-1, axes)
        return Dataset(
            name=name,
            task="regression",
            x_train=2 * train - 1,
            y_train=value(train)[:, None],
            x_test=2 * test - 1,
            y_test=value(test)[:, None],
            dual_rail=True,
            feature_names=("2x - 1",) if axes == 1 else ("u", "v"),
            target_names=(formula,),
        )

    shown = "2x - 1 on two rails" if axes == 1 else "u and v on two rails each"
    return DatasetInfo(
        name=name,
        title=title,
        task="regression",
        summary=f"{formula}; {shown}; {n_train**axes} points to train, {n_test**axes} to test",
        layers=layers,
        epochs=epochs,
        running_time=300.0,
        learning_rate=learning_rate,
        dual_rail=True,
        n_train=n_train**axes,
        n_test=n_test**axes,
        load=load,
    )


REGRESSIONS = (
    _function(
        "regression",
        "Regression",
        "0.5 + 0.4 sin(2 pi x)",
        lambda x: np.asarray(0.5 + 0.4 * np.sin(2 * np.pi * x[:, 0])),
    ),
    _function(
        "regression_quadratic",
        "Regression, parabola",
        "0.1 + 0.8 (2x - 1)^2",
        lambda x: 0.1 + 0.8 * (2 * x[:, 0] - 1) ** 2,
        epochs=400,
    ),
    _function(
        "regression_bump",
        "Regression, bump",
        "0.1 + 0.8 exp(-4 (2x - 1)^2)",
        lambda x: 0.1 + 0.8 * np.exp(-4 * (2 * x[:, 0] - 1) ** 2),
        epochs=400,
        learning_rate=0.2,
    ),
    _function(
        "regression_saddle",
        "Regression, saddle",
        "0.5 + 0.4 u v",
        lambda x: 0.5 + 0.4 * (2 * x[:, 0] - 1) * (2 * x[:, 1] - 1),
        axes=2,
        layers=(2, 8, 1),
        learning_rate=0.1,
    ),
)
