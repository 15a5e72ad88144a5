"""Read IDX files, the format of MNIST: a magic number, the sizes, then one byte a value."""

from __future__ import annotations

import gzip
import io
import zlib
from functools import lru_cache
from pathlib import Path

import numpy as np

from crnsim.entrance.files import check_regular, read_bytes
from crnsim.entrance.limits import LARGEST_IMAGES
from crnsim.errors import InputError

#: Magic numbers: two zero bytes, 8 for unsigned bytes, and the number of dimensions.
LABELS, IMAGES = 0x00000801, 0x00000803


def read_idx(path: Path, magic: int) -> np.ndarray:
    """Read an IDX file of unsigned bytes, compressed with gzip or not.

    Parameters
    ----------
    path : Path
    magic : int
        `LABELS` or `IMAGES`.

    Returns
    -------
    numpy.ndarray of uint8, shape (n,) or (n, rows, columns)
        Read-only; a file is read once per process.

    Raises
    ------
    InputError
        The file cannot be read, has another magic number, or is longer or shorter than it says.
    """
    check_regular(path, LARGEST_IMAGES)
    about = path.stat()
    return _read(path, magic, about.st_mtime_ns, about.st_size)


@lru_cache(maxsize=8)
def _read(path: Path, magic: int, stamp: int, size: int) -> np.ndarray:
    content = _content(path)
    dimensions = magic & 0xFF
    header = 4 * (1 + dimensions)
    found = int.from_bytes(content[:4], "big")
    if len(content) < 4 or found != magic:
        what = "images" if magic == IMAGES else "labels"
        given = f"its magic number is 0x{found:08X}" if len(content) >= 4 else "it is too short"
        raise InputError(f"{path}: not an IDX file of {what}: {given}; 0x{magic:08X} is needed")
    if len(content) < header:
        raise InputError(f"{path}: cut short: {len(content)} bytes; the header alone has {header}")
    shape = tuple(int.from_bytes(content[4 * i : 4 * i + 4], "big") for i in range(1, dimensions + 1))
    promised = int(np.prod(shape, dtype=object))
    if len(content) - header != promised:
        fault = "cut short" if len(content) - header < promised else "too long"
        raise InputError(
            f"{path}: {fault}: {len(content) - header} bytes after the header, which promises {promised} "
            f"({' x '.join(map(str, shape))}); fetch the file again"
        )
    return np.frombuffer(content, dtype=np.uint8, offset=header).reshape(shape)


def _content(path: Path) -> bytes:
    raw = read_bytes(path, LARGEST_IMAGES)
    if raw[:2] != b"\x1f\x8b":
        return raw
    try:
        # No more than is allowed, whatever a small file unpacks to.
        with gzip.open(io.BytesIO(raw)) as packed:
            content = packed.read(LARGEST_IMAGES + 1)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        what = " ".join(str(error).split())
        raise InputError(f"{path}: damaged or cut short ({what}); fetch the file again") from None
    if len(content) > LARGEST_IMAGES:
        raise InputError(f"{path}: unpacks to more than {LARGEST_IMAGES / 1e6:.4g} MB; fetch the file again")
    return content
