"""Tables of measurements: Fisher's Iris, and any CSV file with a column to predict."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np

from crnsim.datasets.base import Dataset, DatasetInfo, centred, min_max, stratified_test
from crnsim.datasets.csvfile import Table, read_table
from crnsim.entrance.arguments import shown
from crnsim.entrance.limits import MOST_CLASSES as MOST_LABELS
from crnsim.errors import MOST_KNOWN, InputError, suggest
from crnsim.noise.streams import generator

#: What a CSV data set is, apart from its label: (key, value) for file, sha256, target and task, sorted by key.
Source = tuple[tuple[str, str], ...]

TASKS = ("classification", "regression")
#: Share of the samples kept for testing.
TEST_FRACTION = 0.3
#: A file with fewer rows is more likely a mistake than a data set.
LEAST_ROWS = 10
#: A numeric target with at most this many different values, all of them whole, is taken for classes.
MOST_CLASSES = 20
#: Hidden units of the default architecture of a CSV file.
HIDDEN = 8
#: Presentations of a default training, as many as for Iris and for the regression, and limits on its epochs.
PRESENTATIONS = {"classification": 4200, "regression": 6400}
EPOCHS = (5, 200)
LEARNING_RATE = {"classification": 0.05, "regression": 0.15}
#: A sample of more features than these takes steps as much smaller: descent stays stable for squared errors.
MANY_FEATURES = {"classification": 16, "regression": 4}

log = logging.getLogger("crnsim.datasets")


def _iris(name: str, dual_rail: bool, replicate: int, seed: int) -> Dataset:
    """Fisher's Iris with a stratified split, scaled by the training samples."""
    from sklearn.datasets import load_iris

    bunch = load_iris()
    test = stratified_test(
        bunch.target, TEST_FRACTION, generator(seed, "dataset", "iris", replicate, "split")
    )
    x, y = (centred if dual_rail else min_max)(bunch.data, ~test), np.eye(3)[bunch.target]
    return Dataset(
        name=name,
        task="classification",
        x_train=x[~test],
        y_train=y[~test],
        x_test=x[test],
        y_test=y[test],
        dual_rail=dual_rail,
        feature_names=tuple(str(feature) for feature in bunch.feature_names),
        target_names=tuple(str(target) for target in bunch.target_names),
    )


def _iris_info(name: str, title: str, how: str, *, dual_rail: bool, epochs: int, rate: float) -> DatasetInfo:
    return DatasetInfo(
        name=name,
        title=title,
        task="classification",
        summary="150 flowers of three species by four lengths; 105 to train, 45 to test, stratified; "
        f"features from {how}",
        layers=(4, 8, 3),
        epochs=epochs,
        running_time=100.0,
        learning_rate=rate,
        dual_rail=dual_rail,
        n_train=105,
        n_test=45,
        load=partial(_iris, name, dual_rail),
    )


#: Iris on two rails, and as it is often shown: on one rail.
IRIS = (
    _iris_info("iris", "Iris", "-1 to 1 on two rails", dual_rail=True, epochs=20, rate=0.03),
    _iris_info("iris_unit", "Iris on one rail", "0 to 1 on one rail", dual_rail=False, epochs=40, rate=0.05),
)


@dataclass(frozen=True)
class Samples:
    """A CSV file as numbers, before any split.

    Attributes
    ----------
    features : numpy.ndarray, shape (rows, features)
    target : numpy.ndarray, shape (rows,)
        Number of the class, or the value.
    classes : tuple of str
        Labels in the order of their numbers; empty for a regression.
    names : tuple of str
        Of the features.
    """

    features: np.ndarray
    target: np.ndarray
    classes: tuple[str, ...]
    names: tuple[str, ...]


def csv_source(file: str, target: str | None, task: str | None = None) -> Source:
    """Return what identifies a data set from a CSV file: its content, its target and its task.

    Parameters
    ----------
    file : str
    target : str or None
        Name of the column to predict; None is answered with the columns that there are.
    task : {"classification", "regression"}, optional
        Where left out: classification for a column of words, or of at most 20 different whole numbers.

    Raises
    ------
    InputError
        One line that names the file, and the line and the column where it has them.
    """
    table = read_table(file)
    source = tuple(sorted(({"file": file} | described(table, target, task)).items()))
    _keep(source, table)
    return source


def described(table: Table, target: object, task: object) -> dict[str, str]:
    """Return content hash, target and task of a table, checked against its columns.

    Raises
    ------
    InputError
    """
    file, known = table.file, list(table.columns)
    if target is None:
        raise InputError(f"{file}: which column is the target? its columns: {', '.join(known)}")
    if not isinstance(target, str):
        raise InputError(f"target is {shown(target)}; give the name of one column")
    if target not in table.columns:
        raise InputError(f"{file}: there is no column '{target}'; {suggest(target, known)}")
    if task is not None and (not isinstance(task, str) or task not in TASKS):
        raise InputError(f"task is {shown(task)}; {suggest(str(task), TASKS)}")
    if table.n_rows < LEAST_ROWS:
        raise InputError(f"{file}: {table.n_rows} rows; {LEAST_ROWS} or more are needed")
    return {"sha256": table.sha256, "target": target, "task": task or _guess(table, target)}


def table_info(name: str, table: Table, target: object, task: object) -> tuple[DatasetInfo, Source]:
    """Return what is known of a data set from a table in memory, and what identifies it, which has no file.

    Parameters
    ----------
    name : str
        Label of the data set; it keys its split.
    table : Table
    target, task
        As for `csv_source`.

    Raises
    ------
    InputError
    """
    about = described(table, target, task)
    samples = _checked(about | {"file": table.file}, table)
    return _info(name, about, samples, partial(_split, name, about, samples)), tuple(sorted(about.items()))


def file_hash(file: str) -> str:
    """Return the SHA-256 of the content of a CSV file, which is the identity of its data.

    Raises
    ------
    InputError
        The file cannot be read.
    """
    return read_table(file).sha256


def _guess(table: Table, target: str) -> str:
    if table.is_text(target):
        return "classification"
    values = np.unique(table.numbers(target))
    whole = len(values) <= MOST_CLASSES and bool(np.all(values == np.round(values)))
    return "classification" if whole else "regression"


#: Samples of the files read last, so that whoever made a source need not read its file again.
_kept: OrderedDict[Source, Samples] = OrderedDict()
_MOST_KEPT = 8


def _samples(source: Source) -> Samples:
    """Return the samples of a source, from its file if they are not known yet.

    Raises
    ------
    InputError
        Also if the content has changed since the source was made.
    """
    if source in _kept:
        return _kept[source]
    about = dict(source)
    table = read_table(about["file"])
    if table.sha256 != about["sha256"]:
        raise InputError(
            f"{about['file']}: changed since this run was planned; make the plan again, or put the old file back"
        )
    return _keep(source, table)


def _keep(source: Source, table: Table) -> Samples:
    """Check the samples in a table, and keep them."""
    if source not in _kept:
        _kept[source] = _checked(dict(source), table)
        while len(_kept) > _MOST_KEPT:
            _kept.popitem(last=False)
    return _kept[source]


def _checked(about: Mapping[str, str], table: Table) -> Samples:
    """Return the samples in a table, if they can be learned from.

    Raises
    ------
    InputError
    """
    file, target = about["file"], about["target"]
    names = [name for name in table.columns if name != target]
    for name in names:
        if table.is_text(name):
            raise InputError(
                f"{file}: column '{name}' holds words, such as '{table.columns[name][0]}'; "
                "write them as numbers, or take the column out"
            )
    columns = {name: table.numbers(name) for name in names}
    constant = [name for name in names if np.ptp(columns[name]) == 0]
    if constant:
        words = "columns" if len(constant) > 1 else "column"
        shown_names = ", ".join(constant[:MOST_KNOWN]) + (", ..." if len(constant) > MOST_KNOWN else "")
        log.warning("%s: the same in every row, so left out: %s %s", file, words, shown_names)
    left_out = set(constant)
    names = [name for name in names if name not in left_out]
    if not names:
        raise InputError(
            f"{file}: no column but '{target}' holds different numbers; there is nothing to learn from"
        )
    features = np.stack([columns[name] for name in names], axis=1)
    if about["task"] == "classification":
        labels = table.labels(target)
        classes = _classes(file, target, labels)
        places = {label: place for place, label in enumerate(classes)}
        numbers = np.array([places[label] for label in labels])
        return Samples(features, numbers, classes, tuple(names))
    values = table.numbers(target)
    if np.ptp(values) == 0:
        raise InputError(
            f"{file}: column '{target}' is {values[0]:g} in every row; there is nothing to learn"
        )
    return Samples(features, values, (), tuple(names))


def _classes(file: str, target: str, labels: tuple[str, ...]) -> tuple[str, ...]:
    """Return the classes in order, by size where they are numbers."""
    found, counts = np.unique(np.array(labels, dtype=object), return_counts=True)
    if len(found) == 1:
        raise InputError(
            f"{file}: column '{target}' has one class only, '{found[0]}'; two or more are needed"
        )
    if len(found) > MOST_LABELS:
        raise InputError(
            f"{file}: column '{target}' has {len(found)} classes; at most {MOST_LABELS}, each is a unit of the output"
        )
    if counts.min() < 2:
        alone = found[int(np.argmin(counts))]
        number = all(_is_number(label) for label in found)
        hint = ", or say task: regression" if number else ""
        raise InputError(
            f"{file}: column '{target}': one row only of class '{alone}'; each class needs one to train and one "
            f"to test{hint}"
        )
    if all(_is_number(label) for label in found):
        # Two that are one float differ in digits that only their text has.
        return tuple(sorted((str(label) for label in found), key=lambda label: (float(label), label)))
    return tuple(str(label) for label in found)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=16)
def csv_info(name: str, source: Source) -> DatasetInfo:
    """Return what is known of a CSV data set: shape from the file, training settings from its size.

    Parameters
    ----------
    name : str
        Label of the data set; it keys its split.
    source : Source
        As from `csv_source`.
    """
    return _info(name, dict(source), _samples(source), partial(_load_csv, name, source))


def _info(
    name: str, about: Mapping[str, str], samples: Samples, load: Callable[[int, int], Dataset]
) -> DatasetInfo:
    task, n_features = about["task"], samples.features.shape[1]
    n_targets = len(samples.classes) if len(samples.classes) > 2 else 1
    n_test = int(_test_mask(name, samples, 0, 0).sum())
    n_train = len(samples.target) - n_test
    epochs = int(np.clip(round(PRESENTATIONS[task] / n_train), *EPOCHS))
    how = f"{len(samples.classes)} classes, stratified" if samples.classes else "values of a column"
    return DatasetInfo(
        name=name,
        title=name[:1].upper() + name[1:].replace("_", " "),
        task=task,
        summary=f"'{about['target']}' from {n_features} columns; {how}; {n_train} rows to train, {n_test} to test",
        layers=(n_features, HIDDEN, n_targets),
        epochs=epochs,
        running_time=100.0,
        learning_rate=LEARNING_RATE[task] * min(1.0, MANY_FEATURES[task] / n_features),
        dual_rail=True,
        n_train=n_train,
        n_test=n_test,
        load=load,
    )


def of_samples(data: Dataset) -> DatasetInfo:
    """Return what is known of samples with a split of their own: training settings from their size."""
    n_train, n_features = data.x_train.shape
    return DatasetInfo(
        name=data.name,
        title=data.name,
        task=data.task,
        summary="samples of your own",
        layers=(n_features, HIDDEN, data.y_train.shape[1]),
        epochs=int(np.clip(round(PRESENTATIONS[data.task] / n_train), *EPOCHS)),
        running_time=100.0,
        learning_rate=LEARNING_RATE[data.task] * min(1.0, MANY_FEATURES[data.task] / n_features),
        dual_rail=data.dual_rail,
        n_train=n_train,
        n_test=len(data.x_test),
        load=lambda replicate, seed: data,
    )


def _test_mask(name: str, samples: Samples, replicate: int, seed: int) -> np.ndarray:
    rng = generator(seed, "dataset", name, replicate, "split")
    # Without classes all rows are one stratum.
    strata = samples.target if samples.classes else np.zeros(len(samples.target), dtype=int)
    return stratified_test(strata, TEST_FRACTION, rng)


def _load_csv(name: str, source: Source, replicate: int, seed: int) -> Dataset:
    return _split(name, dict(source), _samples(source), replicate, seed)


def _split(name: str, about: Mapping[str, str], samples: Samples, replicate: int, seed: int) -> Dataset:
    test = _test_mask(name, samples, replicate, seed)
    x, target = centred(samples.features, ~test), samples.target
    if len(samples.classes) > 2:
        y, target_names = np.eye(len(samples.classes))[target], samples.classes
    elif samples.classes:
        y, target_names = target.astype(float)[:, None], (samples.classes[1],)
    else:
        low, high = target[~test].min(), target[~test].max()
        # Two rails carry a target below that of every training sample; it must not be cut off.
        y, target_names = ((target - low) / (high - low if high > low else 1.0))[:, None], (about["target"],)
    return Dataset(
        name=name,
        task=about["task"],
        x_train=x[~test],
        y_train=y[~test],
        x_test=x[test],
        y_test=y[test],
        dual_rail=True,
        feature_names=samples.names,
        target_names=target_names,
    )
