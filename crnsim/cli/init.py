"""Lay out a small project: a sweep file with remarks, the data that it needs, a profile."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from crnsim.entrance.arguments import shown
from crnsim.entrance.files import check_path
from crnsim.errors import InputError, StorageError, suggest

if TYPE_CHECKING:
    import argparse

#: The examples, each a folder of files that are copied as they are; and one for all.
EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
NAMES = ("xor", "csv", "network", "inference")
_PROFILE = Path("profiles", "default", "profile.yaml")


def init(options: argparse.Namespace) -> None:
    """Write the files of an example to a folder, and say which."""
    from crnsim.store.files import write_text

    if options.example not in NAMES:
        raise InputError(f"--example {shown(options.example)}: unknown; {suggest(options.example, NAMES)}")
    check_path(options.folder, "the folder")
    folder, files = Path(options.folder), project_files(options.example)
    check_free(folder, list(files))
    for name, source in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_text(folder / name, source.read_text(encoding="utf-8"))
    print(f"{folder}: {', '.join(map(str, files))}")
    where = "" if folder.resolve() == Path.cwd() else f"cd {shlex.quote(_named(folder))} && "
    print(f"next: {where}crnsim run")


def _named(folder: Path) -> str:
    """Return a folder as a shell takes it for one, and not for an option."""
    return f"./{folder}" if str(folder).startswith("-") else str(folder)


def project_files(example: str) -> dict[Path, Path]:
    """Return the files of a project, by their place in it, and what each is a copy of."""
    from crnsim.sweep.workflow import workflow_folder

    folder = EXAMPLES / example
    own = sorted(file for file in folder.rglob("*") if file.is_file())
    return {
        **{file.relative_to(folder): file for file in own},
        Path(".gitignore"): EXAMPLES / "gitignore",
        _PROFILE: workflow_folder() / _PROFILE,
    }


def check_free(folder: Path, files: list[Path]) -> None:
    """Refuse a folder in which something would be written over.

    Raises
    ------
    InputError, StorageError
        One line that names it; nothing has been written.
    """
    for place in (folder, *folder.parents):
        if os.path.lexists(place) and not place.is_dir():
            raise StorageError(f"{place}: a folder must be here, and a file is; name another folder")
    taken = [str(file) for file in files if (folder / file).exists() or (folder / file).is_symlink()]
    if taken:
        raise InputError(
            f"{folder}: {', '.join(taken)} is there already, and nothing is written over; name a new folder"
            if len(taken) == 1
            else f"{folder}: {', '.join(taken)} are there already, and nothing is written over; name a new folder"
        )
    for file in files:
        for place in file.parents:
            if os.path.lexists(folder / place) and not (folder / place).is_dir():
                raise StorageError(
                    f"{folder / place}: a folder must be here, and a file is; name another folder"
                )
