"""Handwritten digits: scikit-learn's 8x8 ones, and MNIST at three sizes."""

from __future__ import annotations

from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from crnsim.datasets.base import Dataset, DatasetInfo, mean_centred, stratified_test
from crnsim.datasets.fetch import mnist_file
from crnsim.datasets.idx import IMAGES, LABELS, read_idx
from crnsim.errors import InputError
from crnsim.noise.streams import generator

#: Share of the images kept for testing, where a file does not say which ones are.
TEST_FRACTION = 0.2
#: Rows and columns of an image of MNIST.
SIDE = 28
CLASSES = tuple("0123456789")
#: How the names of its files begin.
PARTS = ("train", "t10k")
#: How the names of data sets end whose pixels are centred; of the others they are from 0 to 1 on one rail.
CENTRED = "_centred"
HOW = {True: "each pixel less its mean, on two rails", False: "pixels from 0 to 1 on one rail"}


def _labelled(
    name: str,
    side: int,
    train: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
    *,
    centred: bool,
) -> Dataset:
    """Make a data set of (images as rows, digits), with one-hot targets; `centred` on the mean of each pixel.

    The arrays of images are changed.
    """
    one_hot = np.eye(len(CLASSES))
    if centred:
        mean_centred(train[0], test[0])
    return Dataset(
        name=name,
        task="classification",
        x_train=train[0],
        y_train=one_hot[train[1]],
        x_test=test[0],
        y_test=one_hot[test[1]],
        dual_rail=centred,
        feature_names=tuple(f"pixel {row},{column}" for row in range(side) for column in range(side)),
        target_names=CLASSES,
    )


def _digits(name: str, centred: bool, replicate: int, seed: int) -> Dataset:
    """The 8x8 digits with a stratified split; a grey level of 0 to 16 becomes 0 to 1."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    x, digit = bunch.data / 16.0, bunch.target
    test = stratified_test(digit, TEST_FRACTION, generator(seed, "dataset", "digits", replicate, "split"))
    return _labelled(name, 8, (x[~test], digit[~test]), (x[test], digit[test]), centred=centred)


def _files(part: str) -> list[Path]:
    """Images and labels of a part of MNIST."""
    return [mnist_file(f"{part}-{kind}-ubyte.gz") for kind in ("images-idx3", "labels-idx1")]


def _mnist_part(part: str) -> tuple[np.ndarray, np.ndarray]:
    """Images (n, 28, 28) and digits (n,) of a part of MNIST, ``train`` or ``t10k``, as bytes."""
    files = _files(part)
    images, labels = read_idx(files[0], IMAGES), read_idx(files[1], LABELS)
    if images.shape[1:] != (SIDE, SIDE):
        size = " x ".join(map(str, images.shape[1:]))
        raise InputError(f"{files[0]}: images of {size} pixels; MNIST has {SIDE} x {SIDE}")
    if len(images) != len(labels):
        raise InputError(f"{files[1]}: {len(labels)} labels for the {len(images)} images of {files[0]}")
    if len(labels) == 0:
        raise InputError(f"{files[1]}: it holds no labels")
    if labels.max() >= len(CLASSES):
        raise InputError(f"{files[1]}: label {labels.max()}; a digit is 0 to 9")
    return images, labels


def _rows(images: np.ndarray, side: int) -> np.ndarray:
    """Images of bytes as rows of `side` x `side` pixels in [0, 1], each the mean of a square block."""
    block = SIDE // side
    if block == 1:
        return np.asarray(images.reshape(len(images), -1) / 255.0)
    # One division at the end: no second copy of the whole set in floating point.
    pooled = images.reshape(-1, side, block, side, block).sum(axis=(2, 4), dtype=np.uint32)
    return np.asarray(pooled.reshape(len(images), -1) / (255.0 * block * block))


@lru_cache(maxsize=1)
def _mnist_whole(name: str, side: int, centred: bool, stamps: tuple[tuple[str, int, int], ...]) -> Dataset:
    """The split of the files themselves. All replicates share it, so their arrays are shared, and read-only."""
    parts = [_mnist_part(part) for part in PARTS]
    train, test = ((_rows(images, side), labels) for images, labels in parts)
    whole = _labelled(name, side, train, test, centred=centred)
    for array in (whole.x_train, whole.y_train, whole.x_test, whole.y_test):
        array.flags.writeable = False
    return whole


def _mnist(name: str, side: int, centred: bool, replicate: int, seed: int) -> Dataset:
    # Files that were replaced in between are another data set.
    files = [path for part in PARTS for path in _files(part)]
    about = [path.stat() for path in files]
    stamps = ((str(p), a.st_mtime_ns, a.st_size) for p, a in zip(files, about, strict=True))
    return _mnist_whole(name, side, centred, tuple(stamps))


def _mnist_t10k(name: str, side: int, centred: bool, replicate: int, seed: int) -> Dataset:
    """The images of the test file alone, split again: two small files make a data set."""
    images, digit = _mnist_part("t10k")
    of = name.removesuffix(CENTRED)  # the same split
    test = stratified_test(digit, TEST_FRACTION, generator(seed, "dataset", of, replicate, "split"))
    x = _rows(images, side)
    return _labelled(name, side, (x[~test], digit[~test]), (x[test], digit[test]), centred=centred)


def _info(
    name: str,
    side: int,
    hidden: int,
    learning_rate: float,
    *,
    epochs: int,
    small: bool = False,
    centred: bool = False,
) -> DatasetInfo:
    size = "" if side == SIDE else f" {side}x{side}"
    pooled = "" if side == SIDE else f", averaged to {side}x{side}"
    counts = "8,000 to train, 2,000 to test, stratified" if small else "60,000 to train, 10,000 to test"
    name = name + CENTRED if centred else name
    return DatasetInfo(
        name=name,
        title=f"MNIST{size}{', 10,000 images' if small else ''}{', centred' if centred else ''}",
        task="classification",
        summary=f"handwritten digits{' of the test file' if small else ''}{pooled}; {counts}; {HOW[centred]}",
        layers=(side * side, hidden, len(CLASSES)),
        epochs=epochs,
        running_time=100.0,
        learning_rate=learning_rate,
        dual_rail=centred,
        n_train=8_000 if small else 60_000,
        n_test=2_000 if small else 10_000,
        load=partial(_mnist_t10k if small else _mnist, name, side, centred),
    )


def _digits_info(*, centred: bool) -> DatasetInfo:
    name = "digits" + CENTRED if centred else "digits"
    return DatasetInfo(
        name=name,
        title="Digits 8x8, centred" if centred else "Digits 8x8",
        task="classification",
        summary=f"1,797 handwritten digits of 8x8 pixels; 1,438 to train, 359 to test, stratified; {HOW[centred]}",
        layers=(64, 20, 10),
        epochs=6,
        running_time=100.0,
        learning_rate=0.03,
        dual_rail=centred,
        n_train=1438,
        n_test=359,
        load=partial(_digits, name, centred),
    )


DIGITS = tuple(_digits_info(centred=centred) for centred in (False, True))

MNIST = tuple(
    _info(name, side, hidden, learning_rate, epochs=epochs, small=small, centred=centred)
    for centred in (False, True)
    for name, side, hidden, learning_rate, epochs, small in (
        ("mnist", 28, 100, 0.01, 1, False),
        ("mnist14", 14, 30, 0.03, 1, False),
        ("mnist7", 7, 30, 0.03, 1, False),
        ("mnist_t10k", 28, 100, 0.01, 3, True),
        ("mnist14_t10k", 14, 30, 0.03, 3, True),
        ("mnist7_t10k", 7, 30, 0.03, 3, True),
    )
)
