"""What a format is: a file that a network can be written to, and perhaps read from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crnsim.circuits import Circuit
    from crnsim.network import Network


@dataclass(frozen=True)
class Format:
    """One format of files: an entry of the table `crnsim.interchange.FORMATS`.

    Attributes
    ----------
    name : str
        What users write.
    suffix : str
        By which files of it are known, such as ``".crn"``.
    title : str
        What it is, in a few words.
    write : callable
        ``write(network, path, title, circuit)`` writes a network with its `initial` concentrations, whole or not at
        all; `title` is a line for people, `circuit` the circuit that it is of, None for a network of the user's own.
    read : callable, optional
        ``read(path)`` returns a `Network`; None for a format that is only written.
    other_suffixes : tuple of str
        Others by which its files are known.
    """

    name: str
    suffix: str
    title: str
    write: Callable[[Network, Path, str, Circuit | None], None]
    read: Callable[[Path], Network] | None = None
    other_suffixes: tuple[str, ...] = ()
