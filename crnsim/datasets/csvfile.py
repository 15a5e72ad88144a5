"""Read a CSV file as named columns of text; each complaint names the file, the line and the column."""

from __future__ import annotations

import csv
import hashlib
import io
import math
from dataclasses import dataclass
from decimal import Context, Decimal
from functools import lru_cache

import numpy as np

from crnsim.entrance.arguments import check_memory, line_fault, shown
from crnsim.entrance.files import read_bytes
from crnsim.entrance.limits import LARGEST_CONCENTRATION, LARGEST_TABLE, LONGEST_REFERENCE
from crnsim.errors import InputError

SEPARATORS = ",;\t"
#: Memory of a cell while a table is read, beside its text.
CELL_BYTES = 120


@dataclass(frozen=True)
class Table:
    """A CSV file, or a table from memory as text.

    Attributes
    ----------
    file : str
        As the user wrote it, for messages; of a table from memory what it is.
    sha256 : str
        Of its content.
    columns : dict of str to tuple of str
        Cells by column name; blanks and line ends in a cell are one blank, around it none.
    lines : tuple of int
        Line of the file, from 1, on which each row ends.
    row_is : str
        What `lines` count.
    """

    file: str
    sha256: str
    columns: dict[str, tuple[str, ...]]
    lines: tuple[int, ...]
    row_is: str = "line"

    @property
    def n_rows(self) -> int:
        """Number of rows below the header."""
        return len(self.lines)

    def place(self, line: int, name: str) -> str:
        """Return where a cell is, for a message."""
        return f"{self.file}: {self.row_is} {line}, column '{name}'"

    def numbers(self, name: str) -> np.ndarray:
        """Return a column as numbers.

        Raises
        ------
        InputError
            For the first cell that is empty, not a number or not finite.
        """
        values = [_number(cell) for cell in self.columns[name]]
        for cell, value, line in zip(self.columns[name], values, self.lines, strict=True):
            if value is None or not abs(value) <= LARGEST_CONCENTRATION:
                raise InputError(f"{self.place(line, name)}: {_fault(cell, value)}")
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
            For the first cell that is empty, beyond every number, or text that cannot be shown.
        """
        numbers = [_number(cell) for cell in self.columns[name]]
        for cell, value, line in zip(self.columns[name], numbers, self.lines, strict=True):
            if value is not None and math.isinf(value) and any(digit in cell for digit in "123456789"):
                fault = "is too large a number for a class; write words, such as c1 and c2"
                raise InputError(f"{self.place(line, name)}: {shown(cell, 40)} {fault}")
            if not cell or (value is not None and not math.isfinite(value)):
                raise InputError(f"{self.place(line, name)}: {_fault(cell, value)}")
            if value is None and (fault := line_fault(cell, LONGEST_REFERENCE)):
                raise InputError(f"{self.place(line, name)}: the label {fault}")
        if None in numbers:
            return self.columns[name]
        return tuple(map(_label, self.columns[name], numbers))


def _number(cell: str) -> float | None:
    try:
        # Python reads 1_000 and digits of other scripts as numbers; nobody who writes a CSV file means that.
        return None if "_" in cell or not cell.isascii() else float(cell)
    except ValueError:
        return None


def _label(cell: str, value: float | None) -> str:
    """Write a class that is a number: 3 and 3.0 are the same one, 0 and -0 too, and no whole digit is lost."""
    if not value:
        return "0"
    exact = Decimal(cell) if value.is_integer() else Decimal("nan")
    if exact != exact.to_integral_value():
        return repr(value).removesuffix(".0")
    digits = str(int(exact))
    return digits if len(digits) <= LONGEST_REFERENCE else str(exact.normalize(Context(prec=len(digits))))


def _fault(cell: str, value: float | None) -> str:
    if not cell:
        return "the cell is empty; fill it in, or leave the row out"
    shown = repr(cell if len(cell) <= 40 else f"{cell[:37]}...")
    if value is not None and math.isfinite(value):
        return f"{shown} is beyond {LARGEST_CONCENTRATION:g}; measure it in another unit"
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
    content = read_bytes(file, LARGEST_TABLE)
    n_cells = sum(content.count(mark) for mark in (b",", b";", b"\t", b"\n", b"\r"))
    check_memory(
        f"{file}: a table of {n_cells} cells", CELL_BYTES * n_cells + 6 * len(content), "take fewer rows"
    )
    return _parse(file, content)


@lru_cache(maxsize=8)
def _parse(file: str, content: bytes) -> Table:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{file}: not a text file in UTF-8; save it as CSV in UTF-8") from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise InputError(f"{file}: line {line}: a NUL character; save it as CSV in UTF-8")
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
    seen: set[str] = set()
    for place, name in enumerate(names, start=1):
        if not name:
            raise InputError(f"{file}: line 1: column {place} has no name")
        if fault := line_fault(name, LONGEST_REFERENCE):
            raise InputError(f"{file}: line 1: the name of column {place} {fault}")
    # Before repeats: a table without a header often has a number twice in its first line.
    if all(_number(name) is not None for name in names):
        raise InputError(
            f"{file}: line 1 holds numbers; a header line with the names of the columns is needed"
        )
    for name in names:
        if name in seen:
            hint = "; the first line must name the columns" if _number(name) is not None else ""
            raise InputError(f"{file}: line 1: two columns are called '{name}'{hint}")
        seen.add(name)
    return names


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
