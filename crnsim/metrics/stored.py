"""Looks at the tables of a robustness file as somebody may have sent them: columns, words, numbers and designs."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np

from crnsim.metrics.claims import CONTRADICTED, OPEN, SUPPORTED
from crnsim.metrics.tables import COLUMNS, column_type, columns_of, is_magnitude, other_columns
from crnsim.metrics.verdicts import BETTER, NO_DIFFERENCE, UNDECIDED, WORSE

if TYPE_CHECKING:
    import xarray as xr

_JUDGED = {BETTER, WORSE, NO_DIFFERENCE, UNDECIDED}
#: Variables that hold one of a few words.
_WORDS = {
    "verdict_verdict": _JUDGED,
    "verdict_loss_verdict": _JUDGED,
    "claim_verdict": {SUPPORTED, CONTRADICTED, OPEN},
}
#: Scores and shares are means, which round.
_ROUNDING = 1e-6


def tables_fault(tables: xr.Dataset, designs: Collection[tuple[str, str, str]]) -> str:
    """Say what in the tables of a sweep cannot be so; nothing where all can.

    Parameters
    ----------
    tables : xarray.Dataset
    designs : collection of tuple
        Data set, circuit and label of those that the sweep has.
    """
    others = other_columns(tables)
    for table in COLUMNS:
        for column in columns_of(table, others):
            if fault := _column_fault(tables, table, column):
                return fault
    magnitudes = {name.removeprefix("noise_") for name in columns_of("cell", others) if is_magnitude(name)}
    for name, known in _WORDS.items():
        if strange := set(tables[name].values.tolist()) - known:
            return f"its {name} has {min(strange)}, which means nothing here"
    for table in ("cell", "curve", "sensitivity", "paired"):
        for kind in sorted(set(tables[f"{table}_noise_kind"].values.tolist()) - {"none"}):
            if not set(kind.split("+")) <= magnitudes:
                return f"its {table}_noise_kind has {kind}, and there are no magnitudes of it"
    return _design_fault(tables, designs)


def _column_fault(tables: xr.Dataset, table: str, column: str) -> str:
    """Say what is wrong with one column."""
    name = f"{table}_{column}"
    if name not in tables.data_vars:
        return f"the variable {name} is missing"
    values, kind = tables[name].values, np.dtype(column_type(column)).kind
    # An empty column has no type that lasts.
    if tables[name].dims != (table,) or (values.size and values.dtype.kind != kind):
        return f"the variable {name} has the wrong type or shape"
    if not values.size or kind == "U":
        return ""
    if (kind == "i" or is_magnitude(column)) and not np.all(np.isfinite(values) & (values >= 0)):
        return f"a value of {name} is below 0 or not finite"
    if table == "claim":  # which may be about anything
        return ""
    if column == "running_time" and not np.all(np.isfinite(values) & (values > 0)):
        return f"a value of {name} is not above 0"
    if column.startswith(("score", "share_")) and np.any((values < -_ROUNDING) | (values > 1 + _ROUNDING)):
        return f"a value of {name} is not between 0 and 1"
    return ""


def _design_fault(tables: xr.Dataset, designs: Collection[tuple[str, str, str]]) -> str:
    """Say which design the sweep does not have; a claim may compare with no design."""
    for table in ("cell", "curve", "sensitivity", "paired", "verdict"):
        for column in ("activation", "compared_with"):
            if column in COLUMNS[table]:
                names = (tables[f"{table}_{name}"].values.tolist() for name in ("dataset", "circuit", column))
                for design in sorted(set(zip(*names, strict=True)) - set(designs)):
                    return f"its table {table} has the design {'/'.join(design)}, which the plan has not"
    return ""
