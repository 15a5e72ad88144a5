"""Formats by name and by the suffix of a file: those built in, those of installed packages, and a user's own."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crnsim.entrance.arguments import shown
from crnsim.entrance.files import check_path, check_regular
from crnsim.entrance.limits import LARGEST_TABLE, LONGEST_TEXT
from crnsim.entrance.objects import check_instance, check_line
from crnsim.errors import InputError
from crnsim.interchange.arrays import ARRAYS
from crnsim.interchange.format import Format
from crnsim.interchange.text import TEXT
from crnsim.network import Network
from crnsim.registry import Registry
from crnsim.store.files import replacing

if TYPE_CHECKING:
    from crnsim.circuits import Circuit

#: Group of entry points under which an installed package offers formats.
ENTRY_POINTS = "crnsim.formats"


def _checked(name: str, found: Any) -> Format:
    if not isinstance(found, Format):
        raise InputError(f"format {name}: it is no crnsim.interchange.Format")
    return found


_REGISTRY: Registry[Format] = Registry("format", ENTRY_POINTS, (TEXT, ARRAYS), _checked)
#: Every built-in format by the name users write.
FORMATS = _REGISTRY.built_in


def file_format(path: str | Path, name: str = "") -> Format:
    """Return the format called `name`, or the one that the suffix of a file says.

    Parameters
    ----------
    path : str or Path
    name : str
        A key of `FORMATS`, the name of an entry point in the group ``crnsim.formats``, or ``module:NAME`` of a
        `Format`; by the suffix where left out.

    Raises
    ------
    InputError
        There is none.
    """
    place = check_path(path)
    if not isinstance(name, str) or name:
        return _REGISTRY.find(name)
    formats = [_REGISTRY.find(known) for known in _REGISTRY.names()]
    for one in formats:
        if place.suffix == one.suffix:
            return one
    known = ", ".join(f"{one.suffix} ({one.name})" for one in formats)
    raise InputError(
        f"{shown(str(place), 300)}: no format has this suffix; known: {known}; or name one as module:NAME"
    )


def write_network(circuit: Circuit, path: str | Path, title: str, name: str = "") -> None:
    """Write the network of a circuit to a file, whole or not at all; see `file_format`.

    Raises
    ------
    InputError
        The format is not known, or its code failed or wrote nothing.
    StorageError
        The place cannot be written.
    """
    from crnsim.circuits import Circuit

    check_instance("circuit", circuit, Circuit, "a circuit, such as crnsim.onepot((2, 6, 1))")
    title = check_line("title", title, most=LONGEST_TEXT, empty=True)
    chosen = file_format(path, name)
    called = name or chosen.name
    if check_path(path).name in ("", ".."):
        raise InputError(f"{path}: this is a folder; give the path of a file")
    with tempfile.TemporaryDirectory() as folder:
        # Under its own name, since some libraries add a suffix that they miss.
        draft = Path(folder, Path(path).name)
        with _REGISTRY.code_of(called):
            chosen.write(circuit, draft, title)
        if not draft.is_file():
            raise InputError(f"format {called}: it wrote nothing to the path it was given")
        with replacing(path) as temporary:
            shutil.copyfile(draft, temporary)


def read_network(path: str | Path, name: str = "") -> Network:
    """Read a network from a file; see `file_format`.

    Raises
    ------
    InputError
        The format is only written, or there is no such format.
    """
    chosen = file_format(path, name)
    if chosen.read is None:
        raise InputError(f"{path}: the format {chosen.name} is written and not read yet")
    check_regular(path, LARGEST_TABLE)
    with _REGISTRY.code_of(name or chosen.name):
        found = chosen.read(Path(path))
    if not isinstance(found, Network):
        raise InputError(f"format {chosen.name}: it read a {type(found).__name__} and no crnsim.Network")
    return found
