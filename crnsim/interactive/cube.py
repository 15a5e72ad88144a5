"""Summaries of a sweep as one labelled cube of numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from crnsim.metrics.designs import Level, condition_order, in_order, point_conditions
from crnsim.outcomes import OUTCOMES
from crnsim.report import titles

if TYPE_CHECKING:
    import xarray as xr

#: The dimensions of all numbers; `level` is the level of noise.
DIMS = ("dataset", "design", "running_time", "level", "replicate")
#: What a run may have more than one number of, by an axis that all designs share.
_AXES = ("epoch", "checkpoint")
#: Names a run, and is no number of it.
_LEFT_OUT = ("point_key", "noise_kind")
#: In the place of a status: there is no such run.
NOT_RUN = -1


def cube_of(summaries: Sequence[xr.Dataset]) -> xr.Dataset:
    """Return what was measured of all runs, by data set, design, running time, level of noise and replicate.

    Parameters
    ----------
    summaries : sequence of xarray.Dataset
        One for each data set, circuit and design (``docs/file-format.md``).

    Returns
    -------
    xarray.Dataset
        ``score`` and all other numbers of a run, with the dimensions `DIMS`; ``train_loss`` also with ``epoch``,
        ``test_score`` with ``checkpoint``. Where there is no such run, numbers are nan and ``status`` is -1. A level
        has the coordinates ``noise_kind``, ``magnitude`` (nan where kinds are crossed) and ``noise_<kind>``; a design
        ``circuit``, ``activation`` and ``role``.
    """
    import xarray as xr

    conditions = [point_conditions(summary) for summary in summaries]
    in_use = sorted({one for found in conditions for one in found}, key=condition_order)
    levels = list(
        dict.fromkeys(one.level for one in sorted(in_use, key=lambda one: condition_order(one)[1:]))
    )
    axes: dict[str, list[Any]] = {
        "dataset": list(dict.fromkeys(str(summary.attrs["dataset"]) for summary in summaries)),
        "design": list(dict.fromkeys(str(summary.attrs["activation_label"]) for summary in summaries)),
        "running_time": sorted({one.running_time for one in in_use}),
        "level": levels,
        "replicate": sorted({n for summary in summaries for n in summary["replicate"].values.tolist()}),
    }
    place = {dim: {value: number for number, value in enumerate(axes[dim])} for dim in DIMS}
    where = [
        (
            place["dataset"][str(summary.attrs["dataset"])],
            place["design"][str(summary.attrs["activation_label"])],
            np.array([place["running_time"][one.running_time] for one in found]),
            np.array([place["level"][one.level] for one in found]),
            np.array([place["replicate"][n] for n in summary["replicate"].values.tolist()]),
        )
        for summary, found in zip(summaries, conditions, strict=True)
    ]
    more = {
        axis: sorted({n for s in summaries if axis in s.coords for n in s[axis].values.tolist()})
        for axis in _AXES
    }
    shape = tuple(len(axes[dim]) for dim in DIMS)
    variables: dict[str, Any] = {}
    for name in _measured(summaries):
        axis = next((str(s[name].dims[1]) for s in summaries if name in s and s[name].ndim == 2), None)
        extra = (axis,) if axis else ()
        values = np.full((*shape, *(len(more[one]) for one in extra)), np.nan)
        attrs: dict[str, Any] = {}
        for summary, (dataset, design, *rest) in zip(summaries, where, strict=True):
            cells: list[Any] = rest
            if name not in summary:
                continue
            attrs = attrs or dict(summary[name].attrs)
            found = summary[name].values.astype(float)
            if axis:
                columns = np.searchsorted(more[axis], summary[axis].values)
                values[dataset, design, *(one[:, None] for one in cells), columns[None, :]] = found
            else:
                values[dataset, design, *cells] = found
        variables[name] = ((*DIMS, *extra), values, attrs)
    status = np.nan_to_num(variables["status"][1], nan=NOT_RUN).astype(np.int8)
    flags = {
        "flag_values": np.arange(NOT_RUN, len(OUTCOMES), dtype=np.int8),
        "flag_meanings": " ".join(("not_run", *OUTCOMES)),
    }
    variables["status"] = (DIMS, status, flags)
    coords = axes | {axis: values for axis, values in more.items() if values}
    coords["level"] = _names(levels)
    return xr.Dataset(variables, coords | _of_levels(levels) | _of_designs(summaries, axes["design"]))


def _names(levels: Sequence[Level]) -> list[str]:
    """Name each level as the report does; those that would be called the same, with all digits."""
    names = [titles.level_name(level) for level in levels]
    return [
        name
        if names.count(name) == 1
        else " + ".join(f"{k} {m!r}" for k, m in zip(level.kind.split("+"), level.magnitudes, strict=True))
        for name, level in zip(names, levels, strict=True)
    ]


def _measured(summaries: Sequence[xr.Dataset]) -> list[str]:
    """Return the names of the numbers of a run."""
    found: dict[str, None] = {}
    for summary in summaries:
        for name, variable in summary.data_vars.items():
            known = variable.dims == ("point",) or (
                variable.ndim == 2 and variable.dims[0] == "point" and variable.dims[1] in _AXES
            )
            if known and variable.dtype.kind in "iuf" and name not in _LEFT_OUT:
                found[str(name)] = None
    return sorted(found)


def _of_levels(levels: Sequence[Level]) -> dict[str, Any]:
    kinds = in_order(kind for level in levels if level.kind != "none" for kind in level.kind.split("+"))
    return {
        "noise_kind": ("level", [level.kind for level in levels]),
        "magnitude": ("level", [level.magnitude for level in levels]),
        **{f"noise_{kind}": ("level", [level.of(kind) for level in levels]) for kind in kinds},
    }


def _of_designs(summaries: Iterable[xr.Dataset], labels: Sequence[str]) -> dict[str, Any]:
    about = {str(summary.attrs["activation_label"]): summary.attrs for summary in summaries}
    return {
        name: ("design", [str(about[label].get(name, "")) for label in labels])
        for name in ("circuit", "activation", "role")
    }
