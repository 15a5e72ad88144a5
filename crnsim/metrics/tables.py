"""The tables of a robustness file: their rows, their columns, and how they are stored and written."""

from __future__ import annotations

import csv
import itertools
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from crnsim.metrics.designs import Condition, Design, condition_order, in_order, key_columns
from crnsim.metrics.intervals import (
    area_under_curve,
    critical_interval,
    critical_magnitude,
    finite_mean,
    mean_interval,
)
from crnsim.metrics.verdicts import nothing_paired
from crnsim.noise.kinds import KINDS
from crnsim.outcomes import OK, OUTCOMES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


def _share(outcome: str) -> str:
    return f"share_{outcome}"


#: Column with the share of runs that ended ok.
SHARE_OK = _share(OUTCOMES[OK])


def cell_rows(design: Design) -> Iterator[dict[str, Any]]:
    """Yield mean score, share of each outcome and what else a cell tells, for every cell of a design."""
    for condition in sorted(design.scores, key=condition_order):
        values = np.array([design.scores[condition][key] for key in sorted(design.scores[condition])])
        low, high = mean_interval(values, 0.0, 1.0)
        if design.repeats(condition) and np.ptp(values) == 0.0:
            low = high = float(values[0])
        shares = {_share(name): design.outcomes[condition][name] / values.size for name in OUTCOMES}
        extra = {f"mean_{k}" if k != "h_eff" else "h_eff": v for k, v in design.means[condition].items()}
        yield key_columns(design, condition) | {
            "replicates": values.size,
            "score": float(values.mean()),
            "score_low": low,
            "score_high": high,
            **shares,
            **extra,
        }


def curve_rows(design: Design) -> Iterator[dict[str, Any]]:
    """Yield critical magnitude and area of every noise axis that starts at a noise-free cell."""
    for time, kind in itertools.product(design.running_times, in_order((*KINDS, *design.kinds))):
        conditions = design.curve(time, kind)
        magnitudes = np.array([condition.level.magnitude for condition in conditions])
        if len(conditions) < 2 or magnitudes[0] != 0.0:
            continue
        matrix = design.matrix(conditions, design.common_replicates(conditions))
        scores = finite_mean(matrix, axis=1)
        critical = critical_magnitude(magnitudes, scores)
        critical_low, critical_high = critical_interval(magnitudes, matrix)
        area_low, area_high = mean_interval(area_under_curve(magnitudes, matrix), 0.0, 1.0)
        yield key_columns(design) | {
            "running_time": time,
            "noise_kind": kind,
            "max_magnitude": float(magnitudes[-1]),
            "replicates": matrix.shape[1],
            "noise_free_score": float(scores[0]),
            "critical_magnitude": critical,
            "critical_magnitude_low": critical_low,
            "critical_magnitude_high": critical_high,
            "critical_beyond_max": int(math.isinf(critical)),
            "area": float(area_under_curve(magnitudes, scores)),
            "area_low": area_low,
            "area_high": area_high,
        }


def sensitivity_rows(design: Design) -> Iterator[dict[str, Any]]:
    """Yield what a shorter running time costs at every noise level that was run at two or more times."""
    levels = sorted(
        {condition.level for condition in design.scores},
        key=lambda level: condition_order(Condition(0.0, level)),
    )
    for level in levels:
        conditions = [
            Condition(time, level) for time in design.running_times if Condition(time, level) in design.scores
        ]
        if len(conditions) < 2:
            continue
        matrix = design.matrix(conditions, design.common_replicates(conditions))
        means = finite_mean(matrix, axis=1)
        losses = matrix[-1] - matrix[0]
        low, high = mean_interval(losses, -1.0, 1.0)
        if all(map(design.repeats, (conditions[0], conditions[-1]))) and np.ptp(losses) == 0.0:
            low = high = float(losses[0])
        doublings = np.log2([condition.running_time for condition in conditions])
        yield key_columns(design, conditions[0]) | {
            "running_time": conditions[0].running_time,
            "longest_running_time": conditions[-1].running_time,
            "replicates": matrix.shape[1],
            "loss": float(means[-1] - means[0]),
            "loss_low": low,
            "loss_high": high,
            "range": float(means.max() - means.min()),
            "slope_per_doubling": float(np.polyfit(doublings, means, 1)[0]),
        }


TABLES: dict[str, str] = {
    "cell": "one (data set, activation, running time, noise level): mean score and outcomes",
    "curve": "one noise axis at one running time: critical magnitude and area under the curve",
    "sensitivity": "one noise level: what the shortest running time costs against the longest",
    "paired": "smooth minus baseline on one cell, replicates paired",
    "verdict": "smooth against baseline under one kind of stress",
    "claim": "one claim of a paper on one data set: supported, contradicted or open for this circuit",
}
_TEXT = {
    *("dataset", "circuit", "activation", "role", "noise_kind", "compared_with", "compared_role", "stress"),
    *("verdict", "loss_verdict", "reason", "paper", "claim", "statement", "measure", "learning_rates"),
}
#: Columns that begin like those of magnitudes.
_NOT_MAGNITUDES = {"noise_kind", "noise_free_score", "noise_free_smooth", "noise_free_baseline"}
#: Columns of the verdict table in a sweep that adds replicates where verdicts are open.
LOOK_COLUMNS = ("difference_look", "loss_difference_look", "most_replicates", "given_up")
_WHOLE = {"replicates", "cells", "critical_beyond_max", "best", "candidates", "tests", *LOOK_COLUMNS}
_WHOLE |= {
    f"{name}_{what}"
    for name in ("difference", "loss_difference")
    for what in ("above", "below", "decided", "needed")
}
_DESIGN_KEY = ("dataset", "circuit", "activation", "role")
_CONDITION_KEY = (
    *_DESIGN_KEY,
    "running_time",
    "noise_kind",
    "magnitude",
    *(f"noise_{kind}" for kind in KINDS),
)
_DIFFERENCE = tuple(nothing_paired())
COLUMNS: dict[str, tuple[str, ...]] = {
    "cell": (
        *(
            *_CONDITION_KEY,
            "replicates",
            "score",
            "score_low",
            "score_high",
            *map(_share, OUTCOMES),
        ),
        *("mean_accuracy", "mean_nrmse", "mean_algebraic_score", "mean_stopped", "h_eff"),
    ),
    "curve": (
        *(*_DESIGN_KEY, "running_time", "noise_kind", "max_magnitude", "replicates", "noise_free_score"),
        *("critical_magnitude", "critical_magnitude_low", "critical_magnitude_high", "critical_beyond_max"),
        *("area", "area_low", "area_high"),
    ),
    "sensitivity": (
        *(*_CONDITION_KEY, "longest_running_time", "replicates", "loss", "loss_low", "loss_high"),
        *("range", "slope_per_doubling"),
    ),
    "paired": (*_CONDITION_KEY, "compared_with", "compared_role", *_DIFFERENCE),
    "verdict": (
        *(
            *_DESIGN_KEY,
            "compared_with",
            "compared_role",
            "stress",
            "verdict",
            "reason",
            "loss_verdict",
            *_DIFFERENCE,
            "cells",
        ),
        *("longest_running_time", "noise_free_smooth", "noise_free_baseline", "smooth_h", "baseline_h_eff"),
        *("best", "candidates", "tests", "learning_rates"),
        *(
            f"{name}_{what}"
            for name in ("difference", "loss_difference")
            for what in ("p_adjusted", "decided", "needed")
        ),
    ),
    "claim": (
        *(*_DESIGN_KEY, "paper", "claim", "statement", "stress", "compared_with", "compared_role"),
        *(
            "verdict",
            "reason",
            "measure",
            "learning_rates",
            "running_time",
            "magnitude",
            "replicates",
            "cells",
        ),
        *("difference", "difference_low", "difference_high", "limit", "score", "reference"),
        *("loss_difference", "loss_difference_low", "loss_difference_high"),
    ),
}


def to_dataset(
    tables: dict[str, Iterable[dict[str, Any]]], attrs: dict[str, str | int | float]
) -> xr.Dataset:
    """Return tables as one dataset: a dimension per table, a variable ``<table>_<column>`` per column."""
    variables = {}
    kept = {table: list(tables.get(table, ())) for table in COLUMNS}
    names = {name for rows in kept.values() for row in rows for name in row}
    others = {name for name in names if is_magnitude(name) or name in LOOK_COLUMNS}
    for table, rows in kept.items():
        for column in columns_of(table, others):
            # A design that never met a kind of noise met it at magnitude 0.
            values = [row[column] if column not in others else row.get(column, 0.0) for row in rows]
            variables[f"{table}_{column}"] = (table, np.array(values, dtype=column_type(column)))
    described = {f"table_{table}": text for table, text in TABLES.items()}
    return xr.Dataset(variables, attrs=attrs | described)


def table_rows(robustness: xr.Dataset, table: str) -> list[dict[str, Any]]:
    """Return one table of a robustness dataset as a list of rows with plain Python values."""
    names = columns_of(table, other_columns(robustness))
    columns = [robustness[f"{table}_{column}"].values.tolist() for column in names]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def column_type(column: str) -> type[np.generic]:
    """Return the type of the values of a column."""
    return np.str_ if column in _TEXT else np.int32 if column in _WHOLE else np.float64


def columns_of(table: str, others: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the columns of a table: those of `COLUMNS`, and which of the `others` it has.

    Magnitudes of further kinds of noise stand in tables that have magnitudes, `LOOK_COLUMNS` in that of verdicts.
    """
    fixed, found = COLUMNS[table], set(others)
    if table == "verdict":
        return (*fixed, *(name for name in LOOK_COLUMNS if name in found))
    last = f"noise_{KINDS[-1]}"
    if last not in fixed:
        return fixed
    place = fixed.index(last) + 1
    return (*fixed[:place], *sorted(found - set(fixed) - set(LOOK_COLUMNS)), *fixed[place:])


def is_magnitude(column: str) -> bool:
    """Tell whether a column holds magnitudes of a kind of noise."""
    return column.startswith("noise_") and column not in _NOT_MAGNITUDES


def other_columns(robustness: xr.Dataset) -> list[str]:
    """Return the columns that not all tables have, as a stored one tells: see `columns_of`."""
    at_looks = [name for name in LOOK_COLUMNS if f"verdict_{name}" in robustness.data_vars]
    return [*_other_magnitudes(robustness), *at_looks]


def _other_magnitudes(robustness: xr.Dataset) -> list[str]:
    """Return the magnitudes of kinds of noise that are not built in."""
    names = (
        str(name).removeprefix("cell_") for name in robustness.data_vars if str(name).startswith("cell_")
    )
    return [name for name in names if is_magnitude(name) and name not in COLUMNS["cell"]]


CSV_COLUMNS = (
    *(
        "table",
        *_DESIGN_KEY,
        "compared_with",
        "compared_role",
        "claim",
        "stress",
        "running_time",
        "noise_kind",
        "magnitude",
    ),
    *(
        *(f"noise_{kind}" for kind in KINDS),
        "metric",
        "value",
        "low",
        "high",
        "replicates",
        "note",
    ),
)


def to_csv(robustness: xr.Dataset, path: str | Path) -> None:
    """Write a robustness dataset as a tidy CSV: one number with its interval a line.

    Parameters
    ----------
    robustness : xarray.Dataset
        What `crnsim.metrics.summarise` returns, or the stored file.
    path : str or pathlib.Path
        Where to write; an older file is replaced. Empty fields do not apply; ``inf`` is "not reached".
    """
    with Path(path).open("w", newline="", encoding="utf-8") as stream:
        others = other_columns(robustness)
        place = CSV_COLUMNS.index("metric")
        columns = (*CSV_COLUMNS[:place], *_other_magnitudes(robustness), *CSV_COLUMNS[place:])
        writer = csv.DictWriter(stream, columns, restval="", lineterminator="\n")
        writer.writeheader()
        for table in COLUMNS:
            for row in table_rows(robustness, table):
                writer.writerows(_tidy(table, row, columns, others))


def _tidy(
    table: str, row: dict[str, Any], shared: Sequence[str], others: Sequence[str]
) -> Iterator[dict[str, str]]:
    """Yield a line per measured number of a row; what tells where it belongs is repeated on every line."""
    where = {name: _text(row[name]) for name in shared if name in row}
    for column in columns_of(table, others):
        if column in _TEXT or column in shared or column.endswith(("_low", "_high")):
            continue
        numbers = {"value": row[column], "low": row.get(f"{column}_low"), "high": row.get(f"{column}_high")}
        note = (
            "; ".join(filter(None, (row["verdict"], row["reason"], row["learning_rates"])))
            if column == "difference" and "verdict" in row
            else ""
        )
        yield {"table": table, **where, "metric": column, "note": note} | {
            k: _text(v) for k, v in numbers.items()
        }


def _text(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return format(value, ".10g") if isinstance(value, float) else str(value)
