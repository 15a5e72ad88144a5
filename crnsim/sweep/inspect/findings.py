"""What an audit can find about a file of a results folder, and how such files are removed."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from crnsim.errors import CrnsimError, DamagedFileError, InputError
from crnsim.sweep.run.chunk_files import free_piece, read_account

if TYPE_CHECKING:
    import xarray as xr

#: What can be wrong with a file; the first ones keep the sweep from being right, and the next run mends them.
KINDS = {
    "damaged": "cut short, empty, altered, or not written by crnsim",
    "foreign": "of another sweep, with other points than planned, or of another version",
    "killed": "holds points that lost their worker",
    "leftover": "left behind by a run that was killed",
    "orphan": "a chunk of an earlier plan, of no use to this one",
    "unreadable": "may not be read",
    "note": "nothing is wrong, but worth knowing",
}
#: Kinds that are a problem, those that can be removed, and those that are removed unless others are named.
PROBLEMS = ("damaged", "foreign", "killed", "leftover", "unreadable")
REMOVABLE = ("damaged", "foreign", "killed", "leftover", "orphan")
USUAL = ("damaged", "foreign", "killed")


@dataclass(frozen=True)
class Finding:
    """Something about one file.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    path : Path
    what : str
    also : tuple of Path
        Files that go with it when it is removed, because only both together are made again.
    """

    kind: str
    path: Path
    what: str
    also: tuple[Path, ...] = ()


def complaint(error: CrnsimError, path: Path) -> str:
    """Return what an error says of a file, without its name and the advice."""
    text = str(error).removeprefix(f"{path} is damaged: ").removeprefix(f"{path}: ").removeprefix(f"{path} ")
    return re.sub(r"; delete it and run the same command again$", "", text)


def read_or_find(path: Path, read: Callable[[Path], xr.Dataset]) -> tuple[xr.Dataset | None, list[Finding]]:
    """Read a NetCDF file; nothing, and nothing wrong, where there is none."""
    try:
        return read(path), []
    except DamagedFileError as error:
        return None, [Finding("damaged", path, complaint(error, path))]
    except InputError as error:
        return None, [Finding("unreadable", path, complaint(error, path))] if os.path.lexists(path) else []


def remove(folder: Path, findings: Sequence[Finding]) -> list[Path]:
    """Remove files from a results folder; a chunk with killed workers is set aside, so that its other points are kept.

    Parameters
    ----------
    folder : Path
    findings : sequence of Finding
        Those whose files are to go.

    Returns
    -------
    list of Path
        What is no longer there.

    Raises
    ------
    InputError
        A file lies outside the folder, behind a link, or its folder cannot be written: nothing was removed. Or one
        could not be removed although it seemed so.
    """
    inside = folder.resolve()
    doomed = list(dict.fromkeys(path for finding in findings for path in (finding.path, *finding.also)))
    for place in dict.fromkeys(path.parent for path in doomed):
        if not place.resolve().is_relative_to(inside):
            raise InputError(
                f"{place} leads out of {folder}; nothing was removed. Remove files there yourself"
            )
        if not os.access(place, os.W_OK | os.X_OK):
            raise InputError(f"{place} cannot be written; nothing was removed")
    aside = {finding.path for finding in findings if finding.kind == "killed"}
    gone: list[Path] = []
    for path in doomed:
        try:
            if path in aside:
                _set_aside(path)
            else:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise InputError(
                f"{path}: cannot be removed ({error.strerror}); {len(gone)} of {len(doomed)} files were"
            ) from None
        gone.append(path)
    return gone


def _set_aside(chunk: Path) -> None:
    """Make a chunk what an unfinished try saved: the next one copies all points but those that lost their worker."""
    piece, account = free_piece(chunk), read_account(chunk)
    if account is not None:
        good = account.points - account.killed
        replace(account, points=good, computed=good).write(piece)
    chunk.replace(piece)


def parse_kinds(text: str) -> tuple[str, ...]:
    """Return the kinds named in an option, such as ``damaged,killed``.

    Raises
    ------
    InputError
        One of them is unknown.
    """
    kinds = tuple(word.strip() for word in text.split(",") if word.strip())
    for kind in kinds:
        if kind not in REMOVABLE:
            raise InputError(f"--remove {text}: '{kind}' is unknown; known: {', '.join(REMOVABLE)}")
    if not kinds:
        raise InputError(f"--remove: name kinds, such as {','.join(USUAL)}")
    return kinds
