"""Data sets: samples, scaling fitted on training data, encoding on rails, splits, default architectures."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from crnsim.datasets.base import Dataset, DatasetInfo, centred, min_max, stratified_test
from crnsim.datasets.given import NAME, WANTED, given_table, is_given
from crnsim.datasets.images import DIGITS, MNIST
from crnsim.datasets.tables import IRIS, Source, csv_info, csv_source, file_hash, of_samples, table_info
from crnsim.datasets.toy import GATES, REGRESSIONS
from crnsim.entrance.arguments import check_seed, check_whole, check_word, shown
from crnsim.entrance.limits import LONGEST_LABEL
from crnsim.errors import InputError, suggest

__all__ = [
    "DATASETS",
    "Dataset",
    "DatasetInfo",
    "Source",
    "centred",
    "check_layers",
    "csv_source",
    "dataset_info",
    "file_hash",
    "find_dataset",
    "given_dataset",
    "load_dataset",
    "min_max",
    "stratified_test",
]

#: Data sets by name.
DATASETS: dict[str, DatasetInfo] = {
    info.name: info for info in (*GATES, *IRIS, *REGRESSIONS, *DIGITS, *MNIST)
}

_TABLES = (".csv", ".tsv", ".txt")


def find_dataset(
    name: str, *, target: str | None = None, task: str | None = None, label: str | None = None
) -> tuple[str, Source]:
    """Return the name and the source of a data set that a person named.

    Parameters
    ----------
    name : str
        A key of `DATASETS`, or the path of a CSV file.
    target, task : str, optional
        Of a CSV file; see `csv_source`.
    label : str, optional
        Name to give to a CSV data set, which keys its split and its initial weights; the file's own by default.

    Returns
    -------
    name : str
    source : Source
        Empty for a key of `DATASETS`.

    Raises
    ------
    InputError
        For an unknown name, or a file that is no data set.
    """
    if not isinstance(name, str):
        raise InputError(f"data set is {shown(name)}; give a name or the path of a CSV file")
    if name in DATASETS:
        if target is not None or task is not None or label is not None:
            raise InputError(
                f"{name} has a target, a task and a name of its own; give those for a CSV file only"
            )
        return name, ()
    path = Path(name)
    if target is None and path.suffix.lower() not in _TABLES:
        raise InputError(
            f"unknown data set '{name}'; {suggest(name, DATASETS)}; or a CSV file with its target column"
        )
    if label is not None:
        if check_word("label", label, most=LONGEST_LABEL) in DATASETS:
            raise InputError(
                f"label is '{label}', the name of a data set that there is already; give another"
            )
        return label, csv_source(name, target, task)
    word = re.sub(r"\W", "_", path.stem, flags=re.ASCII)[: LONGEST_LABEL - len("file_")]
    return word if word[:1].isalpha() and word not in DATASETS else f"file_{word}", csv_source(
        name, target, task
    )


def dataset_info(name: str, source: Source = ()) -> DatasetInfo:
    """Return what is known of a data set before it is loaded.

    Parameters
    ----------
    name : str
        A key of `DATASETS`, or the label of a CSV data set.
    source : Source, optional
        Of a CSV data set, from `csv_source`.

    Raises
    ------
    InputError
        For an unknown name, or a CSV file that is no longer what `source` says.
    """
    _check_source(source)
    if not isinstance(name, str):
        raise InputError(f"data set is {shown(name)}; give a name")
    if source:
        return csv_info(name, source)
    if name not in DATASETS:
        raise InputError(f"unknown data set '{name}'; {suggest(name, DATASETS)}")
    return DATASETS[name]


def given_dataset(
    data: Any, *, target: str | None = None, task: str | None = None, label: str | None = None
) -> tuple[DatasetInfo, Source]:
    """Return what is known of a data set that is named or given, and what identifies it.

    Parameters
    ----------
    data : str, DataFrame, (x, y) or Dataset
        As for `load_dataset`; a `Dataset` keeps its one split.
    target, task, label : str, optional
        As for `find_dataset`; of a DataFrame or arrays too.

    Raises
    ------
    InputError
        It is something else, or cannot be learned from.
    """
    if isinstance(data, str):
        name, source = find_dataset(data, target=target, task=task, label=label)
        return dataset_info(name, source), source
    if isinstance(data, Dataset):
        if target is not None or task is not None or label is not None:
            raise InputError(f"{data.name} has a target, a task and a name of its own; leave them out")
        return of_samples(data), ()
    if not is_given(data):
        raise InputError(f"dataset is {shown(data)}; give {WANTED}")
    name = NAME if label is None else check_word("label", label, most=LONGEST_LABEL)
    if name in DATASETS:
        raise InputError(f"label is '{name}', the name of a data set that there is already; give another")
    return table_info(name, *given_table(data, target), task)


def load_dataset(
    name: Any,
    *,
    replicate: int = 0,
    seed: int = 0,
    target: str | None = None,
    task: str | None = None,
    label: str | None = None,
    source: Source = (),
) -> Dataset:
    """Load a data set with the split of a replicate.

    Parameters
    ----------
    name : str, DataFrame or (x, y)
        A key of `DATASETS`, the path of a CSV file, a table with named columns (pandas, polars), or arrays: features
        (n, features) and targets (n,). The last two are scaled and split as a CSV file of them would be.
    replicate : int
        It, the seed and the name decide the split, and nothing else does.
    seed : int
    target : str, optional
        Column of the CSV file or DataFrame to predict; all other columns are features.
    task : {"classification", "regression"}, optional
        Of what is not in `DATASETS`; found from the target column where left out.
    label : str, optional
        Name of a data set that is not in `DATASETS`; that of its file, or ``data``, where left out.
    source : Source, optional
        What `csv_source` returned for the data set that is labelled `name`, instead of a path and a target.

    Returns
    -------
    Dataset

    Raises
    ------
    InputError
        For an unknown name, a replicate or a seed out of range, or a file that cannot be used; the message names file,
        line and column.
    CrnsimError
        For MNIST without its files and without a network.
    """
    replicate, seed = check_whole("replicate", replicate, least=0), check_seed(seed)
    _check_source(source)
    if source:
        return dataset_info(name, source).load(replicate, seed)
    if not isinstance(name, str) and not is_given(name):
        raise InputError(f"data set is {shown(name)}; give {WANTED}")
    info, _ = given_dataset(name, target=target, task=task, label=label)
    return info.load(replicate, seed)


def _check_source(given: object) -> None:
    """Raise InputError unless something has the form of a `Source`: pairs of text."""
    if not isinstance(given, tuple) or not all(
        isinstance(pair, tuple) and len(pair) == 2 and all(isinstance(word, str) for word in pair)
        for pair in given
    ):
        raise InputError(f"source is {shown(given)}; give what crnsim.datasets.csv_source has returned")


def check_layers(name: str, layers: Sequence[int], source: Source = ()) -> None:
    """Raise InputError unless the first and last layer fit the data set."""
    default = dataset_info(name, source).layers
    given = "-".join(map(str, layers)) or "(none)"
    if len(layers) < 2 or (layers[0], layers[-1]) != (default[0], default[-1]):
        raise InputError(
            f"layers {given} do not fit {name}: it has {default[0]} features and {default[-1]} targets, "
            f"so the first layer must be {default[0]} and the last {default[-1]}, "
            f"as in {'-'.join(map(str, default))}"
        )


def __dir__() -> list[str]:
    return sorted(__all__)
