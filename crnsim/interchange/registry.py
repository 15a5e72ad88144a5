"""Formats by name and by the suffix of a file: those built in, those of installed packages, and a user's own."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crnsim.entrance.arguments import line_fault, shown
from crnsim.entrance.files import check_path, check_regular
from crnsim.entrance.limits import LARGEST_TABLE
from crnsim.entrance.objects import check_flag
from crnsim.errors import InputError
from crnsim.interchange.antimony import ANTIMONY
from crnsim.interchange.arrays import ARRAYS
from crnsim.interchange.format import Format
from crnsim.interchange.sbml.format import SBML
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


_REGISTRY: Registry[Format] = Registry("format", ENTRY_POINTS, (TEXT, ARRAYS, SBML, ANTIMONY), _checked)
#: Every built-in format by the name users write.
FORMATS = _REGISTRY.built_in


def file_format(path: str | Path, name: str = "", *, to_read: bool = False) -> Format:
    """Return the format called `name`, or the one that the suffix of a file says.

    Parameters
    ----------
    path : str or Path
    name : str
        A key of `FORMATS`, the name of an entry point in the group ``crnsim.formats``, or ``module:NAME`` of a
        `Format`; by the suffix where left out.
    to_read : bool
        Name those that are read where there is none.

    Raises
    ------
    InputError
        There is none.
    """
    place, to_read = check_path(path), check_flag("to_read", to_read)
    if not isinstance(name, str):
        raise InputError(f"name of a format is {shown(name)}; it must be text")
    if name:
        return _REGISTRY.find(name)
    formats = [_REGISTRY.find(known) for known in _REGISTRY.names()]
    for one in formats:
        if place.suffix in (one.suffix, *one.other_suffixes):
            return one
    known = ", ".join(
        f"{', '.join((one.suffix, *one.other_suffixes))} ({one.name})"
        for one in formats
        if one.read is not None or not to_read
    )
    raise InputError(f"{path}: no format has this suffix; known: {known}; or name one as module:NAME")


def write_network(network: Network | Circuit, path: str | Path, title: str, name: str = "") -> None:
    """Write a network, or that of a circuit, to a file, whole or not at all; see `file_format`.

    Raises
    ------
    InputError
        The format is not known, its code failed or wrote nothing, `network` is none, `title` is no line of
        text, or `path` is a folder.
    StorageError
        The place cannot be written.
    """
    chosen = file_format(path, name)
    called = name or chosen.name
    place = check_path(path)
    if place.is_dir():
        raise InputError(f"{shown(str(path), 200)}: this is a folder; give the name of a file")
    circuit = None if isinstance(network, Network) else network
    inside = network if isinstance(network, Network) else getattr(network, "network", None)
    if not isinstance(inside, Network):
        raise InputError(
            f"network is {shown(network)}; it must be a crnsim.Network, or a circuit, which holds one"
        )
    # A line end in a title would let what follows stand as a reaction.
    if not isinstance(title, str) or line_fault(title) or not title.isprintable():
        raise InputError(f"title is {shown(title)}; it must be one line of printable text")
    with tempfile.TemporaryDirectory() as folder:
        # Under its own name, since some libraries add a suffix that they miss.
        draft = Path(folder, place.name)
        with _REGISTRY.code_of(called):
            chosen.write(inside, draft, title, circuit)
        if not draft.is_file():
            raise InputError(f"format {called}: it wrote nothing to the path it was given")
        with replacing(path) as temporary:
            shutil.copyfile(draft, temporary)


def _function(name: str, found: Any) -> Callable[[], Network] | Network:
    if isinstance(found, Network) or (callable(found) and not isinstance(found, type)):
        return found
    raise InputError(f"network {name}: it is no crnsim.Network and no function that returns one")


_NETWORKS: Registry[Any] = Registry("network", "crnsim.networks", (), _function, named=False)


def is_code(reference: str) -> bool:
    """Whether a network is given as ``module:name`` and not as a file."""
    return re.fullmatch(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*", reference, re.ASCII) is not None


def find_network(reference: str) -> Network:
    """Return the network in a file, or that of ``module:function`` in a file of the user's own.

    Parameters
    ----------
    reference : str
        A path, read by its suffix (see `file_format`), or ``module:name`` of a `Network` or of a function that takes
        nothing and returns one.

    Raises
    ------
    InputError
        There is none, or it cannot be read.
    """
    if not isinstance(reference, str) or not is_code(reference):
        return read_network(reference)
    found = _NETWORKS.find(reference)
    if isinstance(found, Network):
        return found
    with _NETWORKS.code_of(reference):
        made = found()
    if not isinstance(made, Network):
        raise InputError(f"network {reference}: it returned {shown(made)} and no crnsim.Network")
    return made


def code_hash_of(reference: str) -> str:
    """Hash of the file that defines ``module:name``."""
    return _NETWORKS.source_hash(reference)


def read_network(path: str | Path, name: str = "") -> Network:
    """Read a network from a file; see `file_format`.

    Raises
    ------
    InputError
        The format is only written, there is no such format, or `path` is no file.
    """
    try:
        chosen = file_format(path, name, to_read=True)
    except InputError:
        if not check_path(path).exists():
            check_regular(path, LARGEST_TABLE)  # it says so
        raise
    if chosen.read is None:
        raise InputError(f"{path}: the format {chosen.name} is only written, and not read")
    # A reader of one's own may take a name that is no file, but not wait at a pipe.
    if check_path(path).exists():
        check_regular(path, LARGEST_TABLE)
    with _REGISTRY.code_of(name or chosen.name):
        found = chosen.read(Path(path))
    if not isinstance(found, Network):
        raise InputError(f"format {chosen.name}: it read a {type(found).__name__} and no crnsim.Network")
    return found
