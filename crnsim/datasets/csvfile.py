"""Read a CSV file as named columns of text; each complaint names the file, the line and the column."""

from __future__ import annotations

import csv
import hashlib
import io
import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from crnsim.errors import InputError

SEPARATORS = ",;\t"


@dataclass(frozen=True)
class Table:
    """A CSV file.

    Attributes
    ----------
    file : str
        As the user wrote it, for messages.
    sha256 : str
        Of its content.
    columns : dict of str to tuple of str
        Cells by column name; blanks and line ends in a cell are one blank, around it none.
    lines : tuple of int
        Line of the file, from 1, on which each row ends.
    """

    file: str
    sha256: str
    columns: dict[str, tuple[str, ...]]
    lines: tuple[int, ...]

    @property
    def n_rows(self) -> int:
        """Number of rows below the header."""
        return len(self.lines)

    def numbers(self, name: str) -> np.ndarray:
        """Return a column as numbers.

        Raises
        ------
        InputError
            For the first cell that is empty, not a number or not finite.
        """
        values = [_number(cell) for cell in self.columns[name]]
        for cell, value, line in zip(self.columns[name], values, self.lines, strict=True):
            if value is None or not math.isfinite(value):
                raise InputError(f"{self.file}: line {line}, column '{name}': {_fault(cell, value)}")
        return np.array(values, dtype=float)

    def is_text(self, name: str) -> bool:
        """Tell whether a column holds words: some cell does, and none holds a number other than nan."""
        # A decimal comma is a slip in a number, not a word.
        values = [_number(cell.replace(",", ".", 1)) for cell in self.columns[name] if cell]
        numbers = [value for value in values if value is not None and not math.isnan(value)]
        return None in values and not numbers

    def labels(self, name: str) -> tuple[str, ...]:
        """Return a column as class labels: equal numbers are one class however they are written.

        Raises
        ------
        InputError
            For the first cell that is empty or nan.
        """
        numbers = [_number(cell) for cell in self.columns[name]]
        for cell, value, line in zip(self.columns[name], numbers, self.lines, strict=True):
            if not cell or (value is not None and math.isnan(value)):
                raise InputError(f"{self.file}: line {line}, column '{name}': {_fault(cell, value)}")
        if all(value is not None for value in numbers):
            return tuple(f"{value:.12g}" for value in numbers)
        return self.columns[name]


def _number(cell: str) -> float | None:
    try:
        # Python reads 1_000 as a number; nobody who writes a CSV file means that.
        return None if "_" in cell else float(cell)
    except ValueError:
        return None


def _fault(cell: str, value: float | None) -> str:
    if not cell:
        return "the cell is empty; fill it in, or leave the row out"
    shown = repr(cell if len(cell) <= 40 else f"{cell[:37]}...")
    if value is not None:
        return f"{shown} is not a finite number; put one there, or leave the row out"
    with_point = cell.replace(",", ".", 1)
    hint = f"; write {with_point}, with a point" if _number(with_point) is not None else ""
    return f"{shown} is not a number{hint}"


def read_table(file: str) -> Table:
    """Read a CSV file with a header line; comma, semicolon or tab between cells.

    Parameters
    ----------
    file : str
        Relative to the folder in which the command runs.

    Raises
    ------
    InputError
        The file cannot be read, or its rows are not as long as its header; the message names the line.
    """
    try:
        content = Path(file).read_bytes()
    except FileNotFoundError:
        where = "" if Path(file).is_absolute() else f" in {Path.cwd()}"
        raise InputError(f"{file}: there is no such file{where}") from None
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror or error})") from None
    return _parse(file, content)


@lru_cache(maxsize=8)
def _parse(file: str, content: bytes) -> Table:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{file}: not a text file in UTF-8; save it as CSV in UTF-8") from None
    rows, lines = _rows(file, text)
    if not rows:
        raise InputError(f"{file}: empty; a header line and rows are needed")
    header = _header(file, rows[0])
    for row, line in zip(rows[1:], lines[1:], strict=True):
        if len(row) != len(header):
            raise InputError(
                f"{file}: line {line} has {_count(len(row), 'cell')}; the header has {_count(len(header), 'name')}"
            )
    cells = zip(*rows[1:], strict=True) if len(rows) > 1 else ((),) * len(header)
    columns = dict(zip(header, cells, strict=True))
    return Table(file, hashlib.sha256(content).hexdigest(), columns, tuple(lines[1:]))


def _rows(file: str, text: str) -> tuple[list[list[str]], list[int]]:
    """Return the rows that are not blank, and the line on which each ends; a cell becomes a line of its own."""
    separator = _separator(text)
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True, strict=True
    )
    rows, lines = [], []
    try:
        for row in reader:
            stripped = [" ".join(cell.split()) for cell in row]
            if any(stripped):
                rows.append(stripped)
                lines.append(reader.line_num)
    except csv.Error as error:
        raise InputError(f"{file}: line {reader.line_num}: not CSV: {error}") from None
    return rows, lines


def _separator(text: str) -> str:
    """Return the separator that cuts the first row into most cells, the comma where all are alike."""

    def cells(separator: str) -> int:
        try:
            return len(next(csv.reader(io.StringIO(text, newline=""), delimiter=separator), []))
        except csv.Error:
            return 0

    return max(SEPARATORS, key=cells)


def _header(file: str, names: list[str]) -> list[str]:
    for place, name in enumerate(names):
        if not name:
            raise InputError(f"{file}: line 1: column {place + 1} has no name")
        if name in names[:place]:
            raise InputError(f"{file}: line 1: two columns are called '{name}'")
    if all(_number(name) is not None for name in names):
        raise InputError(
            f"{file}: line 1 holds numbers; a header line with the names of the columns is needed"
        )
    return names


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
