"""Where something is written: a file that takes the place of an old one, or a device, a pipe or standard output."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Iterable
from pathlib import Path

from crnsim.entrance.arguments import shown
from crnsim.entrance.files import check_path
from crnsim.errors import InputError, StorageError

#: What stands for standard output on a command line, and names of it that systems have.
STDOUT = "-"
_STDOUT_TOO = ("/dev/stdout", "/dev/fd/1", "/proc/self/fd/1")


#: Pipes that are open already, by path.
_held: dict[Path, int] = {}


def is_stdout(path: str | Path) -> bool:
    """Whether a path means standard output."""
    return str(path) == STDOUT or str(path) in _STDOUT_TOO


def is_stream(path: str | Path) -> bool:
    """Whether what is written to a path goes somewhere at once: standard output, a device or a pipe.

    Such a thing is written to and never replaced; a link to one, too. A link to a file is replaced by a file, and the
    file that it pointed to stays as it is: nobody can turn what is written to another place by a link.
    """
    if is_stdout(path):
        return True
    try:
        mode = Path(path).stat().st_mode
    except OSError:
        return False
    return stat.S_ISCHR(mode) or stat.S_ISFIFO(mode)


def check_output(
    path: str, what: str, *, inputs: Iterable[str] = (), text: bool = True, beside: bool = False
) -> None:
    """Refuse a place that cannot be written, before the work is done whose result goes there.

    Parameters
    ----------
    path : str
        Of a file, which may be there; ``-`` for standard output.
    what : str
        The option, for the message.
    inputs : iterable of str
        Files that are read: none of them is replaced.
    text : bool
        Text; anything else does not go to standard output.
    beside : bool
        Other files are written beside it, so that it must be a file.

    Raises
    ------
    InputError
        It is empty, a folder, a socket, a disk, no path, or one of the inputs.
    StorageError
        The place cannot be written.
    """
    place = check_path(path, what)
    if is_stdout(path):
        if not text or beside:
            raise InputError(f"{what} {path}: this does not go to standard output; name a file")
        return
    if place.name in ("", "..") or path.endswith(("/", "/.")) or place.is_dir():
        raise InputError(f"{what} {shown(path)} is a folder; name a file in it")
    if is_stream(path):
        if beside:
            raise InputError(
                f"{what} {path} is a device or a pipe; name a file, others are written beside it"
            )
        if place.is_fifo():
            # Held open until it is written to: a reader takes a writer that goes for the end.
            _held[place] = _opened(place)
        elif not os.access(place, os.W_OK):
            raise StorageError(f"{what} {path}: not written (no permission)")
        return
    if place.exists() and not place.is_file():
        raise InputError(f"{what} {path} is a disk or a socket; name a file")
    for given in inputs:
        if _same(place, given):
            raise InputError(f"{what} {path}: this file is read by the command; name another one")
    _check_folder(place, what)


def _same(place: Path, given: str) -> bool:
    try:
        return place.samefile(given)
    except (OSError, ValueError):
        return False


def _check_folder(place: Path, what: str) -> None:
    """Refuse a file whose folder is none, or cannot be written or made."""
    try:
        folder = next(folder for folder in place.absolute().parents if os.path.lexists(folder))
    except (OSError, StopIteration):
        folder = place.absolute().parent
    if not folder.is_dir():
        raise StorageError(f"{what} {place}: not written; a file is where a folder must be: {folder}")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise StorageError(f"{what} {place}: not written (no permission); make {folder} writable")


def write_stream(path: Path, content: Path) -> None:
    """Copy a file to standard output, a device or a pipe.

    Raises
    ------
    StorageError
        It takes nothing, or stops taking; the message names it.
    """
    with content.open("rb") as file:
        if is_stdout(path):
            sys.stdout.flush()
            while part := file.read(1 << 20):
                sys.stdout.buffer.write(part)
            sys.stdout.buffer.flush()
            return
        with os.fdopen(_opened(path), "wb", buffering=0) as out:
            os.set_blocking(out.fileno(), True)
            try:
                while part := file.read(1 << 16):
                    left = memoryview(part)
                    while left:
                        left = left[out.write(left) :]
            except OSError as error:
                raise StorageError(f"{path}: not written ({error.strerror or error})") from None


def _opened(path: Path) -> int:
    """Open a device or a pipe, without waiting for a reader."""
    if path in _held:
        return _held.pop(path)
    try:
        return os.open(path, os.O_WRONLY | os.O_NONBLOCK | getattr(os, "O_NOCTTY", 0))
    except OSError as error:
        why = "a pipe that nobody reads" if error.errno == errno.ENXIO else error.strerror or str(error)
        raise StorageError(f"{path}: not written ({why})") from None
