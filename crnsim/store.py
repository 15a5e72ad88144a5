"""Results on disk: NetCDF files that are written whole or not at all, checked when read, and joined."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crnsim.errors import DamagedFileError, InputError, StorageError

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr

SCHEMA = "1"
#: The `status` of a point that lost its worker; it is computed again where others are copied.
WORKER_KILLED = 3
#: Variables and coordinates without which a file does not hold points, with the kind of their NumPy type.
REQUIRED = {
    "point_key": "text",
    "running_time": "f",
    "noise_kind": "text",
    "noise_rates": "f",
    "noise_concentrations": "f",
    "noise_inputs": "f",
    "replicate": "i",
    "seed": "i",
    "status": "i",
    "reason": "text",
    "score": "f",
}
#: Attributes that all chunks of one summary share.
SHARED = ("schema", "dataset", "circuit", "activation", "layers", "parameters", "code_hash")
_HDF5 = b"\x89HDF\r\n\x1a\n"


#: Seconds after which a file that is still being written has lost its writer.
ABANDONED = 3600.0
#: Free bytes below which a failed write is put down to a full disk.
FULL = 1 << 20


@contextlib.contextmanager
def replacing(path: str | Path, *, durable: bool = True) -> Iterator[Path]:
    """Give a temporary name beside `path`; what was written there takes the place of `path` at the end.

    A run that is killed leaves the old file, or none, and never half of one. What is `durable` outlives a power cut.

    Raises
    ------
    StorageError
        The disk is full, or the place cannot be written; the message says which and what to do.
    """
    target = Path(path)
    temporary = target.with_name(f".{target.name}.{socket.gethostname()}-{os.getpid()}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if durable:
            remove_abandoned(target.parent, f"{target.name}.")
        yield temporary
        if durable:
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
        temporary.replace(target)
    except (OSError, RuntimeError) as error:
        # netCDF reports a full disk as a RuntimeError that only speaks of HDF.
        if (said := _not_written(target, error)) is None:
            raise
        raise said from None
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _not_written(target: Path, error: Exception) -> StorageError | None:
    """Return what to say of a failed write; None where the error has nothing to do with the place."""
    number = getattr(error, "errno", None)
    folder = next((place for place in target.parents if place.is_dir()), Path())
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        free = FULL
    again = "the old file, if there was one, is as it was; then run the same command again"
    if number in (errno.ENOSPC, errno.EDQUOT) or (number is None and free < FULL):
        return StorageError(f"{target}: not written, the disk or your quota is full; make room; {again}")
    if number == errno.EFBIG:
        return StorageError(
            f"{target}: not written, larger than files may be here (see 'ulimit -f'); {again}"
        )
    what = os.strerror(number) if number else " ".join(str(error).split())
    if number in (errno.EACCES, errno.EPERM, errno.EROFS):
        return StorageError(f"{target}: not written ({what}); make {folder} writable; {again}")
    if number in (errno.ENOTDIR, errno.EEXIST, errno.EISDIR):
        return StorageError(f"{target}: not written ({what}); a file is where a folder must be")
    if number or what.startswith("NetCDF: "):
        return StorageError(f"{target}: not written ({what}); {again}")
    return None


def remove_abandoned(folder: Path, start: str) -> None:
    """Remove files that writers left half-written when they were killed.

    Parameters
    ----------
    folder : Path
    start : str
        What the name of the file begins with that they wrote.
    """
    with contextlib.suppress(OSError):
        for file in folder.iterdir():
            if file.name.startswith(f".{start}") and file.name.endswith(".part"):
                with contextlib.suppress(OSError):
                    if is_abandoned(file):
                        file.unlink()


def is_abandoned(part: Path) -> bool:
    """Tell whether the writer of a half-written file is gone: dead on this machine, or silent for an hour."""
    host, _, pid = part.name.removesuffix(".part").rpartition("-")
    here = host.endswith(f".{socket.gethostname()}") and pid.isdecimal()
    return time.time() - part.stat().st_mtime > ABANDONED or (here and not _alive(int(pid)))


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True


def write_text(path: str | Path, text: str, *, durable: bool = True) -> None:
    """Write a text file whole or not at all."""
    with replacing(path, durable=durable) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | Path, data: Mapping[str, Any], *, durable: bool = True) -> None:
    """Write a small JSON file whole or not at all."""
    write_text(path, json.dumps(data, indent=1) + "\n", durable=durable)


def write_dataset(dataset: xr.Dataset, path: str | Path) -> None:
    """Write a dataset as NetCDF-4; equal datasets give equal bytes.

    Numbers are shuffled, deflated and carry a checksum, so that a damaged file is noticed when it is read.
    """
    dataset = _in_order(dataset)
    encoding: dict[str, dict[str, Any]] = {}
    for name, variable in dataset.variables.items():
        if variable.dtype.kind in "fiu" and variable.ndim and variable.size:
            encoding[str(name)] = {"zlib": True, "complevel": 4, "shuffle": True, "fletcher32": True}
        if variable.dtype.kind == "f":
            encoding.setdefault(str(name), {})["_FillValue"] = None
    with replacing(path) as temporary:
        dataset.to_netcdf(temporary, engine="netcdf4", format="NETCDF4", encoding=encoding)


def _in_order(dataset: xr.Dataset) -> xr.Dataset:
    """Return the dataset with names in alphabetical order and nothing left of how it was stored before."""
    import xarray as xr

    return xr.Dataset(
        {name: dataset.variables[name] for name in sorted(dataset.data_vars, key=str)},
        {name: dataset.variables[name] for name in sorted(dataset.coords, key=str)},
        dict(sorted(dataset.attrs.items())),
    ).drop_encoding()


def read_dataset(path: str | Path) -> xr.Dataset:
    """Read a NetCDF file into memory.

    Raises
    ------
    DamagedFileError
        The file is empty, cut short, or not NetCDF-4; the message names it.
    """
    import xarray as xr

    path = Path(path)
    try:
        with path.open("rb") as file:
            head = file.read(len(_HDF5))
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    if not head:
        raise damaged(path, "it is empty")
    if head != _HDF5:
        raise damaged(path, "it is not a NetCDF-4 file")
    try:
        with xr.open_dataset(path, engine="netcdf4") as opened:
            dataset = opened.load()
    except (OSError, RuntimeError, ValueError, KeyError, AttributeError, TypeError, EOFError) as error:
        raise damaged(
            path, f"it cannot be read: {' '.join(str(error).split()) or type(error).__name__}"
        ) from None
    dataset = dataset.drop_encoding()
    text = {name: v.astype(str) for name, v in dataset.variables.items() if v.dtype.kind in "OT"}
    return dataset.assign_coords({n: v for n, v in text.items() if n in dataset.coords}).assign(
        {n: v for n, v in text.items() if n not in dataset.coords}
    )


def damaged(path: str | Path, what: str) -> DamagedFileError:
    """Return the error for a damaged file: what is wrong and how to mend it."""
    return DamagedFileError(f"{path} is damaged: {what}; delete it and run the same command again")


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
    return dataset


def read_keys(path: str | Path) -> tuple[str, list[str]]:
    """Return the code hash of a file of points and the keys of its points, without reading the rest.

    Raises
    ------
    DamagedFileError
        The file is damaged or holds no points.
    """
    import netCDF4

    try:
        with netCDF4.Dataset(path) as file:
            keys = file.variables["point_key"][:]
            return str(getattr(file, "code_hash", "")), [str(key) for key in keys]
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file") from None
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, IndexError) as error:
        raise damaged(path, f"it cannot be read: {' '.join(str(error).split())}") from None


def read_json(path: Path) -> dict[str, Any] | None:
    """Return the content of a small JSON file; None where it is no such thing or cannot be read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def as_written(path: Path) -> bool:
    """Tell whether a file has the digest that the account beside it gives; True where it gives none."""
    account = read_json(path.with_suffix(".json")) or {}
    expected = account.get("sha256")
    ours = path.stem.startswith(str(account.get("key", "-")))
    return not (expected and ours) or digest(path) == expected


def _has_kind(dtype: np.dtype, kind: str) -> bool:
    return dtype.kind in {"text": "UT", "f": "f", "i": "iu"}[kind]


def pick(dataset: xr.Dataset, keys: Sequence[str], recorded: Sequence[str]) -> xr.Dataset:
    """Return the points with `keys`, and of the trajectories those of `recorded`, in the order asked."""
    index = {key: number for number, key in enumerate(dataset["point_key"].values.tolist())}
    plain, trajectories = _apart(dataset)
    picked = plain.isel(point=[index[key] for key in keys])
    if trajectories is None:
        return picked
    index = {key: number for number, key in enumerate(trajectories["recorded"].values.tolist())}
    wanted = [index[key] for key in recorded if key in index]
    return _together(picked, trajectories.isel(recorded=wanted) if wanted else None)


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
    plain, trajectories = zip(*map(_apart, parts), strict=True)
    kept = [part for part in trajectories if part is not None]
    try:
        joined = _together(_concatenate(plain, "point"), _concatenate(kept, "recorded") if kept else None)
    except ValueError as error:
        raise InputError(f"points that do not fit together: {' '.join(str(error).split())}") from None
    versions = {text for part in parts for text in part.attrs.get("libraries", "").split(" | ") if text}
    return joined.assign_attrs(libraries=" | ".join(sorted(versions))) if versions else joined


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


def _apart(dataset: xr.Dataset) -> tuple[xr.Dataset, xr.Dataset | None]:
    """Split a dataset into its points and its trajectories."""
    names = [name for name, variable in dataset.data_vars.items() if "recorded" in variable.dims]
    if not names:
        return dataset, None
    trajectories = dataset[names]
    return dataset.drop_dims(trajectories.dims), trajectories


def _together(points: xr.Dataset, trajectories: xr.Dataset | None) -> xr.Dataset:
    if trajectories is None:
        return points
    return points.assign_coords(trajectories.coords).assign(trajectories.data_vars)
