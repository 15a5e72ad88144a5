"""Files that are written whole or not at all, and checked when they are read."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crnsim.entrance.arguments import check_memory
from crnsim.entrance.files import check_path, check_regular, read_text
from crnsim.entrance.limits import LARGEST_RESULTS, LARGEST_SMALL_FILE
from crnsim.errors import DamagedFileError, InputError, StorageError
from crnsim.store.hdf5 import NotOursError, declared_bytes
from crnsim.store.outputs import is_stream, write_stream

if TYPE_CHECKING:
    import xarray as xr


_HDF5 = b"\x89HDF\r\n\x1a\n"
#: What the name of a file ends with that is still being written.
_PART = ".part"
#: Bytes of a name to which a host (64), a process number and the rest can be added.
_LONGEST_STEM = 170
#: Seconds after which a file that is still being written has lost its writer.
ABANDONED = 3600.0
#: Free bytes below which a failed write is put down to a full disk.
FULL = 1 << 20


@contextlib.contextmanager
def replacing(path: str | Path, *, durable: bool = True) -> Iterator[Path]:
    """Give a temporary name beside `path`; what was written there takes the place of `path` at the end.

    A run that is killed leaves the old file, or none, and never half of one. What is `durable` outlives a power cut.
    A device, a pipe or standard output (``-``) is written to instead; see `crnsim.store.outputs`.

    Raises
    ------
    StorageError
        The disk is full, or the place cannot be written; the message says which and what to do.
    """
    target = check_path(path)
    if is_stream(target):
        with tempfile.TemporaryDirectory() as folder:
            temporary = Path(folder, "stream")
            yield temporary
            write_stream(target, temporary)
        return
    if not target.name or (target.exists() and not (target.is_file() or target.is_dir())):
        raise StorageError(f"{target}: not written, it is no file; name a file")
    stem = _short(target.name)
    thread = "" if threading.current_thread() is threading.main_thread() else f"t{threading.get_native_id()}"
    temporary = target.with_name(f".{stem}{thread}.{socket.gethostname()}-{os.getpid()}{_PART}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if durable:
            remove_abandoned(target.parent, f"{stem}.")
        yield temporary
        if durable:
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
        temporary.replace(target)
    except (OSError, RuntimeError) as error:
        # netCDF reports a full disk as a RuntimeError that only speaks of HDF.
        if (said := _write_error(target, error)) is None:
            raise
        raise said from None
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _short(name: str) -> str:
    """Return a name that leaves room for what is added while a file is written: names end at 255 bytes."""
    if len(os.fsencode(name)) <= _LONGEST_STEM:
        return name
    return f"{name[:40]}{hashlib.sha256(os.fsencode(name)).hexdigest()[:16]}"


def _write_error(target: Path, error: Exception) -> StorageError | None:
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
            if is_part(file) and file.name.startswith(f".{start}"):
                with contextlib.suppress(OSError):
                    if is_abandoned(file):
                        file.unlink()


def is_part(file: Path) -> bool:
    """Tell by its name whether a file is still being written, or was when its writer was killed."""
    return file.name.startswith(".") and file.name.endswith(_PART)


def is_abandoned(part: Path) -> bool:
    """Tell whether the writer of a half-written file is gone: dead on this machine, or silent for an hour."""
    host, _, pid = part.name.removesuffix(_PART).rpartition("-")
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
        # In full, as xarray takes `~` for a home and `http://` for a server.
        dataset.to_netcdf(temporary.absolute(), engine="netcdf4", format="NETCDF4", encoding=encoding)


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
    import numpy as np
    import xarray as xr

    path = Path(path)
    check_regular(path, LARGEST_RESULTS)
    try:
        with path.open("rb") as file:
            head = file.read(len(_HDF5))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    if not head:
        raise damaged(path, "it is empty")
    if head != _HDF5:
        raise damaged(path, "it is not a NetCDF-4 file")
    try:
        declared = declared_bytes(path)
    except NotOursError as error:
        raise damaged(path, str(error)) from None
    if declared is not None:
        check_memory(f"{path}: its arrays", declared, "read a part of it with xarray")
    try:
        with xr.open_dataset(path.absolute(), engine="netcdf4") as opened:
            dataset = opened.load()
    except (OSError, RuntimeError, ValueError, KeyError, AttributeError, TypeError, EOFError) as error:
        raise damaged(
            path, f"it cannot be read: {' '.join(str(error).split()) or type(error).__name__}"
        ) from None
    for name, value in dataset.attrs.items():
        if not np.isscalar(value):
            raise damaged(path, f"its attribute {name} is neither a text nor a number")
    dataset = dataset.drop_encoding()
    text = {name: v.astype(str) for name, v in dataset.variables.items() if v.dtype.kind in "OT"}
    return dataset.assign_coords({n: v for n, v in text.items() if n in dataset.coords}).assign(
        {n: v for n, v in text.items() if n not in dataset.coords}
    )


def damaged(path: str | Path, what: str) -> DamagedFileError:
    """Return the error for a damaged file: what is wrong and how to mend it."""
    error = DamagedFileError(f"{path} is damaged: {what}; delete it and run the same command again")
    error.path, error.what = str(path), what
    return error


def read_json(path: Path) -> dict[str, Any] | None:
    """Return the content of a small JSON file; None where it is no such thing or cannot be read."""
    try:
        found = json.loads(read_text(path, LARGEST_SMALL_FILE))
    except (InputError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def names_in(folder: Path) -> frozenset[str]:
    """Return the names of the files in a folder with one listing; none where there is no such folder.

    Raises
    ------
    InputError
        The folder cannot be read.
    """
    try:
        return frozenset(file.name for file in folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return frozenset()
    except OSError as error:
        raise InputError(f"{folder}: cannot be read ({error.strerror})") from None
