"""Files that a user names, or that lie where one is expected: of the right kind and size before a byte is read."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from crnsim.entrance.arguments import shown, text_fault
from crnsim.errors import InputError

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class NotThereError(InputError):
    """There is no such file."""


class NotReadableError(InputError):
    """There is something, but it cannot be read, or is no file, or too large."""


class NotTextError(NotReadableError):
    """There is a file, but no text in UTF-8."""


def check_path(given: object, what: str = "path") -> Path:
    """Return a path that a file system can take.

    Raises
    ------
    InputError
        It is no path, empty, has a NUL in it, or a part of it is longer than file systems take.
    """
    if not isinstance(given, (str, os.PathLike)) or isinstance(os.fspath(given), bytes):
        raise InputError(f"{what} is {shown(given)}; give the path of a file")
    name = os.fspath(given)
    if not name.strip():
        raise InputError(f"{what} is empty; give the path of a file")
    if fault := text_fault(name):
        raise InputError(f"{what} {shown(name)} {fault}")
    if any(len(os.fsencode(part)) > 255 for part in Path(name).parts):
        raise InputError(
            f"{what} {shown(name)}: a part of it has more than 255 bytes, which no file system takes"
        )
    return Path(name)


def read_bytes(path: str | Path, most: int) -> bytes:
    """Return the content of a regular file.

    A pipe, a device or a socket is refused by its kind before it is opened, so that nothing waits or grows without
    end.

    Parameters
    ----------
    path : str or Path
        Also in the message.
    most : int
        Bytes; a larger file is refused.

    Raises
    ------
    NotThereError
        There is no such file.
    NotReadableError
        It is no file, larger than `most`, or cannot be read; the message names it.
    """
    place = check_path(path)
    # Not to be caught by a pipe that takes the place of the file between the look and the reading.
    flags = (
        os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOCTTY", 0)
    )
    try:
        if fault := _kind_fault(place.stat().st_mode):
            raise NotReadableError(f"{path}: {fault}; give a file")
        with os.fdopen(os.open(place, flags), "rb") as file:
            found = os.fstat(file.fileno())
            if fault := _kind_fault(found.st_mode):
                raise NotReadableError(f"{path}: {fault}; give a file")
            content = b"" if found.st_size > most else file.read(most + 1)
            if found.st_size > most or len(content) > most:
                raise NotReadableError(
                    f"{path}: {found.st_size / 1e6:.4g} MB; at most {most / 1e6:.4g} MB are read"
                )
            return content
    except FileNotFoundError:
        where = "" if place.is_absolute() else f" in {_here()}"
        raise NotThereError(f"{path}: there is no such file{where}") from None
    except NotADirectoryError:
        raise NotThereError(f"{path}: there is no such file, a part of its path is no folder") from None
    except OSError as error:
        reason = "too many links in a circle" if error.errno == errno.ELOOP else error.strerror or str(error)
        raise NotReadableError(f"{path}: cannot be read ({reason})") from None


def read_text(path: str | Path, most: int, *, encoding: str = "utf-8") -> str:
    """Return the text of a regular file in UTF-8; line ends as they are.

    Raises
    ------
    NotThereError, NotReadableError
        As for `read_bytes`; `NotTextError`, one of the second, where it is no text in UTF-8.
    """
    try:
        return read_bytes(path, most).decode(encoding)
    except UnicodeDecodeError:
        raise NotTextError(f"{path}: not a text file in UTF-8") from None


def check_regular(path: str | Path, most: int) -> None:
    """Raise as `read_bytes` would, for a file that a library reads by its name."""
    place = check_path(path)
    try:
        found = place.stat()
        if fault := _kind_fault(found.st_mode):
            raise NotReadableError(f"{path}: {fault}; give a file")
        if found.st_size > most:
            raise NotReadableError(
                f"{path}: {found.st_size / 1e6:.4g} MB; at most {most / 1e6:.4g} MB are read"
            )
    except (FileNotFoundError, NotADirectoryError):
        raise NotThereError(f"{path}: there is no such file") from None
    except OSError as error:
        raise NotReadableError(f"{path}: cannot be read ({error.strerror or error})") from None


def _kind_fault(mode: int) -> str:
    kind = stat.S_IFMT(mode)
    return "" if kind == stat.S_IFREG else f"this is {_KINDS.get(kind, 'no file')}"


def _here() -> str:
    try:
        return str(Path.cwd())
    except OSError:
        return "a folder that is gone"
