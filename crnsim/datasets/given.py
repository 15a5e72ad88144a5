"""Data sets from memory: a table with named columns, such as a pandas DataFrame, or arrays of features and targets."""

from __future__ import annotations

import csv
import hashlib
import io
import numbers
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from crnsim.datasets.csvfile import CELL_BYTES, Table
from crnsim.entrance.arguments import check_memory, line_fault, shown
from crnsim.entrance.limits import LONGEST_REFERENCE
from crnsim.entrance.objects import real_array
from crnsim.errors import InputError

#: What may be given, for messages.
WANTED = "the name of a data set, the path of a CSV file, a DataFrame with target=, or arrays (x, y)"
#: Name of a data set from memory that is given none; it keys its split.
NAME = "data"
#: Column that holds what is predicted, where it has no name of its own.
TARGET = "y"
#: What a table with named columns is called in messages.
_FRAME, _ARRAYS = "the DataFrame", "the arrays (x, y)"


def is_given(data: object) -> bool:
    """Tell whether something is meant as samples: a table with named columns, or a pair of features and targets."""
    return _is_frame(data) or (isinstance(data, tuple) and len(data) == 2)


def _is_frame(data: object) -> bool:
    # pandas and polars have both; neither is imported here.
    return not isinstance(data, type) and hasattr(data, "columns") and hasattr(data, "to_numpy")


def given_table(data: Any, target: object = None) -> tuple[Table, object]:
    """Return samples from memory as a table of text, as a CSV file of them would be read, and its target column.

    Parameters
    ----------
    data : DataFrame or (x, y)
        A table with named columns; or features, shape (n, features), and what is to be predicted, shape (n,): numbers
        or class labels.
    target : str, optional
        Column of a table that is to be predicted.

    Raises
    ------
    InputError
        It is none of these; the message names the column, and the row from 0.
    """
    if _is_frame(data):
        return _table(_FRAME, _names(data), [data[name].to_numpy() for name in data.columns]), target
    if target is not None:
        raise InputError(f"target is {shown(target)}; leave it out: the second of {_ARRAYS} is the target")
    x, y = data
    if _is_frame(x):
        names, columns = _names(x), [x[name].to_numpy() for name in x.columns]
    else:
        array = real_array("x of (x, y)", x, "an array of numbers, shape (n, features)")
        if array.ndim != 2 or not array.size:
            raise InputError(f"x of (x, y) has shape {array.shape}; it must be (n, features)")
        names, columns = [f"x{number + 1}" for number in range(array.shape[1])], list(array.T)
    found = getattr(y, "name", None)
    named = found if isinstance(found, str) and found not in names else TARGET
    values = _values(y)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1 or len(values) != len(columns[0]):
        raise InputError(
            f"x and y of (x, y) have shapes {(len(columns[0]), len(columns))} and {values.shape}; they must be "
            "(n, features) and (n,), classes as labels"
        )
    return _table(_ARRAYS, [*names, named], [*columns, values]), named


def _values(y: object) -> np.ndarray:
    try:
        return np.asarray(y.to_numpy() if hasattr(y, "to_numpy") and not isinstance(y, type) else y)
    except Exception:  # whatever the __array__ or to_numpy of somebody's object does
        raise InputError(f"y of (x, y) is {shown(y)}; give numbers or labels, shape (n,)") from None


def _names(frame: Any) -> list[str]:
    names: list[str] = []
    for name in frame.columns:
        plain = isinstance(name, (str, numbers.Integral)) and not isinstance(name, bool)
        text = str(name) if plain else ""
        if not text.strip() or (fault := line_fault(text, LONGEST_REFERENCE)):
            raise InputError(
                f"{_FRAME}: the column name {shown(name)} {fault if text.strip() else 'is no text'}"
            )
        if text in names:
            raise InputError(f"{_FRAME}: two columns are called '{text}'; rename one")
        names.append(text)
    if not names:
        raise InputError(f"{_FRAME} has no columns")
    return names


def _table(file: str, names: Sequence[str], columns: Sequence[np.ndarray]) -> Table:
    n_cells = sum(map(len, columns))
    check_memory(f"{file}: a table of {n_cells} cells", float(CELL_BYTES * n_cells), "take fewer rows")
    cells = {name: tuple(_cells(file, name, column)) for name, column in zip(names, columns, strict=True)}
    found = Table(file, "", cells, tuple(range(len(columns[0]))), row_is="row")
    digest = hashlib.sha256(csv_text(found).encode()).hexdigest()
    return Table(file, digest, cells, found.lines, row_is="row")


def _cells(file: str, name: str, column: Iterable[Any]) -> Iterable[str]:
    """Yield the values of a column as a CSV file has them: numbers with all of their digits, empty where missing."""
    for row, value in enumerate(column):
        if isinstance(value, str):
            yield " ".join(value.split())
        elif value is None or type(value).__name__ in ("NAType", "NaTType"):
            yield ""
        elif isinstance(value, (np.bool_, numbers.Integral)):
            yield str(int(value))
        elif isinstance(value, numbers.Real):
            yield "" if value != value else repr(float(value))
        else:
            raise InputError(
                f"{file}: row {row}, column '{name}': {shown(value, 40)} is neither a number nor a word"
            )


def csv_text(table: Table) -> str:
    """Return a table as a CSV file that is read back as the same table."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows(zip(*table.columns.values(), strict=True))
    return stream.getvalue()
