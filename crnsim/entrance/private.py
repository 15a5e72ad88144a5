"""Folders that nobody but their owner may change, because what lies in them is run as code."""

from __future__ import annotations

import atexit
import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from crnsim.entrance.arguments import shown
from crnsim.errors import InputError

_ROOT = 0
#: Links that are followed on the way to a folder, as many as Linux follows.
_MOST_LINKS = 40


def make_private(folder: Path, what: str, remedy: str) -> None:
    """Make a folder, and those missing on the way, for the user alone; look at it as `check_private` does.

    Raises
    ------
    InputError
        Another user could change what is in it.
    OSError
        It cannot be made.
    """
    # Before too: another user's folder that takes nothing from us is to be named, not passed over.
    check_private(folder, what, remedy)
    missing = []
    for place in (folder, *folder.parents):
        if place.exists():
            break
        missing.append(place)
    for place in reversed(missing):
        place.mkdir(mode=0o700, exist_ok=True)
    check_private(folder, what, remedy)


def check_private(folder: Path, what: str, remedy: str, *, shared: bool = False) -> None:
    """Raise where a user other than the owner of this process could change a folder, or put another in its place.

    Parameters
    ----------
    folder : Path
        Need not be there; then the way to it counts.
    what : str
        What it is, for the message.
    remedy : str
        What can be done.
    shared : bool
        Whether everybody may make files there, if nobody can touch those of others (as in ``/tmp``).

    Raises
    ------
    InputError
        The message names the place on the way that is to blame; or it is no path.
    OSError
        The way cannot be gone.
    """
    places = [Path("/"), *_way(folder)]
    for place in places:
        try:
            found = place.lstat()
        except FileNotFoundError:
            return
        except ValueError:
            raise InputError(
                f"{what} {shown(str(folder))} is no path that a file system takes; {remedy}"
            ) from None
        if fault := _fault(found, passed=shared or place is not places[-1]):
            told = "it" if place == folder else shown(str(place), 200)
            raise InputError(f"{what} {shown(str(folder), 200)} is not safe: {told} {fault}; {remedy}")


def temporary_folder(prefix: str = "crnsim-") -> Path:
    """Make a folder for the user alone; who asks for it also removes it.

    Raises
    ------
    InputError
        There is no place for one, or another user could put something else there.
    """
    remedy = "set TMPDIR to a folder that only you can write"
    try:
        parent = Path(tempfile.gettempdir())
        check_private(parent, "the folder for temporary files", remedy, shared=True)
        return Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    except OSError as error:
        raise InputError(f"cannot make a folder for temporary files: {error.strerror}; {remedy}") from None


def remove_at_exit(folder: Path) -> None:
    """Remove a folder when this process ends; a process forked from it does not."""
    maker = os.getpid()

    def remove() -> None:
        if os.getpid() == maker:
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(remove)


def _way(folder: Path) -> Iterator[Path]:
    """Yield every folder and link that is passed on the way to a folder, and the folder itself at the end."""
    whole = folder if folder.is_absolute() else Path.cwd() / folder
    words = list(reversed(whole.parts[1:]))
    here, links = Path("/"), 0
    while words:
        word = words.pop()
        if word == "..":
            here = here.parent
            continue
        place = here / word
        if not place.is_symlink():
            here = place
            yield here
            continue
        yield place
        links += 1
        if links > _MOST_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(folder))
        target = place.readlink()
        here = Path("/") if target.is_absolute() else here
        words.extend(reversed(target.parts[1:] if target.is_absolute() else target.parts))
    yield here


def _fault(found: os.stat_result, *, passed: bool) -> str:
    """Return why a place is not safe; empty where it is.

    Parameters
    ----------
    found : os.stat_result
    passed : bool
        It is only on the way: whoever may make files in a sticky folder cannot touch what others made.
    """
    me = os.geteuid()
    owners = {_ROOT, me} | (_nobody_known() if passed else set())
    if found.st_uid not in owners:
        return f"belongs to {_user(found.st_uid)}"
    if stat.S_ISLNK(found.st_mode) or (passed and found.st_mode & stat.S_ISVTX):
        return ""
    if found.st_mode & stat.S_IWOTH:
        return "can be written by every user"
    if found.st_mode & stat.S_IWGRP and not _group_of_one(found.st_gid, me):
        return "can be written by a group of users"
    return ""


def _user(number: int) -> str:
    import pwd

    try:
        return f"the user {pwd.getpwuid(number).pw_name}"
    except KeyError:
        return f"the user {number}"


def _group_of_one(number: int, me: int) -> bool:
    """Tell whether a group is that of a user alone, as many systems give one to each, with a umask of 002."""
    import grp
    import pwd

    try:
        user, group = pwd.getpwuid(me), grp.getgrgid(number)
    except KeyError:
        return False
    return group.gr_name == user.pw_name and set(group.gr_mem) <= {user.pw_name}


def _nobody_known() -> set[int]:
    """Return the user that stands for all without a number in this container, root outside of it among them."""
    try:
        everybody = Path("/proc/self/uid_map").read_text(encoding="ascii").split() == ["0", "0", "4294967295"]
        return set() if everybody else {int(Path("/proc/sys/kernel/overflowuid").read_text(encoding="ascii"))}
    except (OSError, ValueError):
        return set()
