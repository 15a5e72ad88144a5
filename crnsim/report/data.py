"""What a sweep learned from: rows, features and targets of each data set, and the file of one from a CSV file."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

import numpy as np

from crnsim.datasets import DATASETS, dataset_info
from crnsim.datasets.csvfile import read_table
from crnsim.errors import CrnsimError
from crnsim.report import titles

if TYPE_CHECKING:
    from collections.abc import Sequence

    import xarray as xr

    from crnsim.datasets import DatasetInfo
    from crnsim.report.coverage import GroupData

#: Classes that are counted by name, and letters of a name, at most.
_MOST_CLASSES, _LONGEST = 12, 40


@dataclass(frozen=True)
class DataRow:
    """What the page says of one data set.

    Attributes
    ----------
    title, task, summary : str
        Name, what is asked, and where the data come from.
    train, test, features : str
        Numbers; a dash where one is not known any more.
    target : str
        Classes with their counts, or the range of the values.
    file : str
        Name and SHA-256 of a CSV file; empty for the others.
    """

    title: str
    task: str
    summary: str
    train: str
    test: str
    features: str
    target: str
    file: str = ""


def data_rows(groups: Sequence[GroupData]) -> list[DataRow]:
    """Return a row per data set of a sweep of circuits.

    Test rows and their targets are those that the results hold, of the first replicate. Training rows are known of
    data sets that come with crnsim, and of a CSV file that is there as it was when the sweep was planned.
    """
    found: dict[str, list[GroupData]] = {}
    for group in groups:
        found.setdefault(group.entry.dataset, []).append(group)
    return [_row(name, members) for name, members in found.items()]


def _row(name: str, groups: Sequence[GroupData]) -> DataRow:
    entry = groups[0].entry
    summary = next((group.summary for group in groups if group.summary is not None), None)
    about = entry.source
    info, whole = _of_file(name, about) if about else (DATASETS.get(name), "")
    rows, task = _test_targets(summary), info.task if info else about.get("task", "")
    n_test = len(rows) if rows is not None else info.n_test if info else 0
    return DataRow(
        title=titles.dataset_title(name),
        task=task,
        summary=info.summary.split(";")[0] if info else "",
        train=f"{info.n_train:,}" if info else "–",
        test=f"{n_test:,}" if n_test else "–",
        features=f"{entry.layers[0]:,}" if entry.layers else "–",
        target=whole or _described(rows, _names(summary), task),
        file=f"{PurePath(about.get('file', '')).name}, SHA-256 {about.get('sha256', '')}" if about else "",
    )


def _of_file(name: str, about: dict[str, str]) -> tuple[DatasetInfo | None, str]:
    """Return what is known of a data set from a CSV file, and its target in all rows; nothing if the file changed."""
    try:
        info, table = dataset_info(name, tuple(sorted(about.items()))), read_table(about["file"])
        if table.sha256 != about["sha256"]:
            return None, ""
        if info.task == "classification":
            return (
                info,
                f"{_counted(sorted(Counter(table.labels(about['target'])).items(), key=_size))}, in all rows",
            )
        values = table.numbers(about["target"])
        return info, f"{about['target']} from {values.min():.4g} to {values.max():.4g}, in all rows"
    except (CrnsimError, KeyError):
        return None, ""


def _size(one: tuple[str, int]) -> tuple[float, str]:
    """Sort key of a class: by size where it is a number."""
    try:
        return float(one[0]), one[0]
    except ValueError:
        return math.inf, one[0]


def _test_targets(summary: xr.Dataset | None) -> np.ndarray | None:
    """Return the targets of the test rows of the first replicate that has them, shape (rows, targets)."""
    if summary is None or "expected" not in summary or summary["expected"].ndim != 3:
        return None
    for index in np.argsort(summary["replicate"].values, kind="stable").tolist():
        targets = np.asarray(summary["expected"].values[index], dtype=float)
        if targets.size and np.isfinite(targets).all():
            return targets
    return None


def _names(summary: xr.Dataset | None) -> list[str]:
    return (
        [str(name) for name in summary["target"].values]
        if summary is not None and "target" in summary
        else []
    )


def _described(targets: np.ndarray | None, names: Sequence[str], task: str) -> str:
    """Say what the test rows of the first replicate hold."""
    if targets is None or len(names) != targets.shape[1]:
        return ""
    if task != "classification":
        ends = zip(names, targets.min(axis=0), targets.max(axis=0), strict=True)
        return f"{'; '.join(f'{n} from {low:.4g} to {high:.4g}' for n, low, high in ends)}, in the test rows"
    if len(names) == 1:
        yes = int((targets[:, 0] > 0.5).sum())
        counts = [(names[0], yes), ("not", len(targets) - yes)]
    else:
        each = np.bincount(targets.argmax(axis=1), minlength=len(names)).tolist()
        counts = list(zip(names, each, strict=True))
    return f"{_counted(counts)}, in the test rows"


def _counted(counts: Sequence[tuple[str, int]]) -> str:
    said = ", ".join(f"{name[:_LONGEST]} {count:,}" for name, count in counts[:_MOST_CLASSES])
    more = f", and {len(counts) - _MOST_CLASSES} more" if len(counts) > _MOST_CLASSES else ""
    return f"{len(counts)} classes: {said}{more}"
