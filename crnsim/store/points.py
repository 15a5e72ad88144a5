"""Files of points, chunks and summaries: what they hold, how they are picked from and joined."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from crnsim.entrance.files import check_regular
from crnsim.entrance.limits import LARGEST_RESULTS
from crnsim.errors import InputError
from crnsim.noise.kinds import NOISE_KINDS
from crnsim.outcomes import COUNTS, OK, OUTCOMES
from crnsim.store.attributes import attribute_fault
from crnsim.store.files import damaged, read_dataset

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr


SCHEMA = "1"
#: Variables and coordinates without which a file does not hold points, with the kind of their NumPy type.
REQUIRED = {
    "point_key": "text",
    "running_time": "f",
    "noise_kind": "text",
    **{kind.coordinate: "f" for kind in NOISE_KINDS.values()},
    "replicate": "i",
    "seed": "i",
    "status": "i",
    "reason": "text",
    "score": "f",
}
#: Shares from 0 to 1; nan where there is none.
_SHARES = ("accuracy", "agreement", "algebraic_score", "algebraic_accuracy", "test_score")
#: Means of squares, and widths: not below 0, but for what is left of a concentration that is gone; nan where there is
#: none, infinite only where a run blew up.
_SIZES = ("mse", "nrmse", "train_loss", "algebraic_mse", "algebraic_nrmse", "h_eff")
_BELOW_ZERO = 1e-3
#: Whole numbers that only grow.
_STEPPED = ("epoch", "checkpoint", "sample")
#: Shares are means, which round.
_ROUNDING = 1e-6
#: Attributes that all chunks of one summary share.
SHARED = ("schema", "dataset", "circuit", "activation", "layers", "parameters", "code_hash")


def read_points(path: str | Path) -> xr.Dataset:
    """Read a file of points, a chunk or a summary, and check that it is one.

    Raises
    ------
    DamagedFileError
        The file is damaged, was written by something else, or lacks a variable.
    """
    dataset = read_dataset(path)
    if dataset.attrs.get("schema") != SCHEMA or "point" not in dataset.dims:
        raise damaged(path, "crnsim did not write it, or another version did")
    for name, kind in REQUIRED.items():
        if name not in dataset.variables:
            raise damaged(path, f"the variable {name} is missing")
        variable = dataset[name]
        if variable.dims != ("point",) or not _has_kind(variable.dtype, kind):
            raise damaged(path, f"the variable {name} has the wrong type or shape")
    keys = dataset["point_key"].values.tolist()
    if len(set(keys)) != len(keys):
        raise damaged(path, "a point occurs twice")
    if fault := attribute_fault(dataset) or _wrong_words(dataset) or _out_of_range(dataset):
        raise damaged(path, fault)
    return dataset


def _wrong_words(dataset: xr.Dataset) -> str:
    """Say which word means nothing here, of outcomes and of kinds of noise; nothing where all do."""
    import numpy as np

    flags = dataset["status"].attrs
    values = np.atleast_1d(flags.get("flag_values", np.arange(len(OUTCOMES)))).tolist()
    words = str(flags.get("flag_meanings", " ".join(OUTCOMES))).split()
    if words != list(OUTCOMES) or values != list(range(len(OUTCOMES))):
        return "its outcomes have other names"
    for kind in sorted(set(dataset["noise_kind"].values.tolist()) - {"none"}):
        if any(f"noise_{name}" not in dataset.coords for name in kind.split("+")):
            return f"its noise_kind has {kind}, and there are no magnitudes of it"
    return ""


def _out_of_range(dataset: xr.Dataset) -> str:
    """Say which number cannot be what its name says; nothing where all can."""
    import numpy as np

    status, score = dataset["status"].values, dataset["score"].values
    if np.any((status < 0) | (status >= len(OUTCOMES))):
        return "a status is none of the outcomes there are"
    if not np.all(np.where(np.isnan(score), status != OK, (score >= 0) & (score <= 1 + _ROUNDING))):
        return "a score is not between 0 and 1"
    if np.any((status != OK) & (np.nan_to_num(score) != 0)):
        return "a run that is not ok has a score"
    time = dataset["running_time"].values
    if not np.all(np.isfinite(time) & (time > 0)):
        return "a running time is not above 0"
    for name in (*(f"noise_{kind}" for kind in NOISE_KINDS), "replicate", "seed", *COUNTS):
        values = dataset[name].values if name in dataset.variables else np.zeros(1)
        if values.dtype.kind not in "iuf" or not np.all(np.isfinite(values) & (values >= 0)):
            return f"a value of {name} is below 0 or not finite"
    for name in _SHARES:
        values = dataset[name].values if name in dataset.variables else np.zeros(1)
        if values.dtype.kind != "f" or np.any((values < 0) | (values > 1 + _ROUNDING)):
            return f"a value of {name} is not between 0 and 1"
    return _wrong_size(dataset) or _wrong_judgement(dataset) or _wrong_courses(dataset)


def _wrong_size(dataset: xr.Dataset) -> str:
    """Say which error, width or count of passes cannot be one; nothing where all can."""
    import numpy as np

    ok = dataset["status"].values == OK
    for name in _SIZES:
        if name not in dataset.variables:
            continue
        values = dataset[name].values
        if values.dtype.kind != "f" or dataset[name].dims[:1] != ("point",):
            return f"the variable {name} has the wrong type or shape"
        if np.any(values < -_BELOW_ZERO) or np.any(np.isposinf(values[ok])):
            return f"a value of {name} is below 0 or not finite"
    for name in _STEPPED:
        values = dataset[name].values if name in dataset.variables else np.zeros(1, dtype=int)
        if (
            values.ndim != 1
            or values.dtype.kind not in "iu"
            or np.any(values < 0)
            or np.any(np.diff(values) <= 0)
        ):
            return f"the values of {name} do not grow from 0 on"
    return ""


def _wrong_judgement(dataset: xr.Dataset) -> str:
    """Say what cannot be of what is right in runs of a network; nothing where all can."""
    import numpy as np

    if "right" not in dataset.variables:
        return ""
    shares = [dataset[name] for name in ("right", "output", "expected") if name in dataset.variables]
    dims = ("point", "sample", "target")
    if len(shares) < 3 or any(v.dims != dims or v.dtype.kind != "f" or not v.size for v in shares):
        return "the variable right, output or expected has the wrong type or shape"
    if "target" not in dataset.coords or not _has_kind(dataset["target"].dtype, "text"):
        return "its targets have no names"
    right = shares[0].values
    if not np.all((right >= 0) & (right <= 1 + _ROUNDING)):
        return "a value of right is not between 0 and 1"
    ok = dataset["status"].values == OK
    if np.any(np.abs(right.mean(axis=(1, 2)) - dataset["score"].values)[ok] > _ROUNDING):
        return "a score is not the mean of what is right"
    return ""


def _wrong_courses(dataset: xr.Dataset) -> str:
    """Say what cannot be of trajectories; nothing where there are none, or all can."""
    import numpy as np

    if "trajectory" not in dataset.variables:
        return ""
    values = dataset["trajectory"]
    if values.dims != ("recorded", "presentation", "fraction", "species") or values.dtype.kind != "f":
        return "the variable trajectory has the wrong type or shape"
    if not values.size or any(name not in dataset.coords for name in values.dims):
        return "its trajectories are empty, or of nothing that has a name"
    fraction = dataset["fraction"].values
    if fraction.dtype.kind != "f" or not np.all((fraction >= 0) & (fraction <= 1)):
        return "a value of fraction is not between 0 and 1"
    if not _has_kind(dataset["species"].dtype, "text") or dataset["presentation"].dtype.kind not in "iu":
        return "its trajectories are of nothing that has a name"
    return ""


def read_keys(path: str | Path) -> tuple[str, list[str]]:
    """Return the code hash of a file of points and the keys of its points, without reading the rest.

    Raises
    ------
    DamagedFileError
        The file is damaged or holds no points.
    """
    import netCDF4

    check_regular(path, LARGEST_RESULTS)
    try:
        with netCDF4.Dataset(Path(path).absolute()) as file:
            keys = file.variables["point_key"][:]
            return str(getattr(file, "code_hash", "")), [str(key) for key in keys]
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file") from None
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, IndexError) as error:
        raise damaged(path, f"it cannot be read: {' '.join(str(error).split())}") from None


def _has_kind(dtype: np.dtype, kind: str) -> bool:
    return dtype.kind in {"text": "UT", "f": "f", "i": "iu"}[kind]


def pick(dataset: xr.Dataset, keys: Sequence[str], recorded: Sequence[str]) -> xr.Dataset:
    """Return the points with `keys`, and of the trajectories those of `recorded`, in the order asked."""
    index = {key: number for number, key in enumerate(dataset["point_key"].values.tolist())}
    plain, trajectories = _without_trajectories(dataset)
    picked = plain.isel(point=[index[key] for key in keys])
    if trajectories is None:
        return picked
    index = {key: number for number, key in enumerate(trajectories["recorded"].values.tolist())}
    wanted = [index[key] for key in recorded if key in index]
    return _with_trajectories(picked, trajectories.isel(recorded=wanted) if wanted else None)


def join(parts: Sequence[xr.Dataset]) -> xr.Dataset:
    """Put the points of several datasets of one group after each other.

    Where the parts were computed with different versions of the libraries, the attribute ``libraries`` lists all.

    Raises
    ------
    InputError
        They differ in circuit, activation, data set, library version, or in epochs, checkpoints or weights.
    """
    for part in parts[1:]:
        for name in SHARED:
            if part.attrs.get(name) != parts[0].attrs.get(name):
                raise InputError(
                    f"points of different {name}: {parts[0].attrs.get(name)} and {part.attrs.get(name)}"
                )
    plain, trajectories = zip(*map(_without_trajectories, with_all_magnitudes(parts)), strict=True)
    kept = [part for part in trajectories if part is not None]
    try:
        joined = _with_trajectories(
            _concatenate(plain, "point"), _concatenate(kept, "recorded") if kept else None
        )
    except ValueError as error:
        raise InputError(f"points that do not fit together: {' '.join(str(error).split())}") from None
    versions = {text for part in parts for text in part.attrs.get("libraries", "").split(" | ") if text}
    return joined.assign_attrs(libraries=" | ".join(sorted(versions))) if versions else joined


def with_all_magnitudes(parts: Sequence[xr.Dataset]) -> list[xr.Dataset]:
    """Return datasets of points with the same coordinates of noise: a kind that one does not name had magnitude 0."""
    import numpy as np

    wanted = dict.fromkeys(
        str(name) for part in parts for name in part.coords if str(name).startswith("noise_")
    )
    return [
        part.assign_coords(
            {
                name: (part["point_key"].dims, np.zeros(part["point_key"].shape))
                for name in wanted
                if name not in part.coords
            }
        )
        for part in parts
    ]


def _concatenate(parts: Sequence[xr.Dataset], dim: str) -> xr.Dataset:
    import xarray as xr

    if len(parts) == 1:
        return parts[0]
    return xr.concat(
        parts,
        dim,
        data_vars="minimal",
        coords="minimal",
        compat="override",
        join="exact",
        combine_attrs="override",
    )


def _without_trajectories(dataset: xr.Dataset) -> tuple[xr.Dataset, xr.Dataset | None]:
    """Split a dataset into its points and its trajectories."""
    names = [name for name, variable in dataset.data_vars.items() if "recorded" in variable.dims]
    if not names:
        return dataset, None
    trajectories = dataset[names]
    return dataset.drop_dims(trajectories.dims), trajectories


def _with_trajectories(points: xr.Dataset, trajectories: xr.Dataset | None) -> xr.Dataset:
    if trajectories is None:
        return points
    return points.assign_coords(trajectories.coords).assign(trajectories.data_vars)
