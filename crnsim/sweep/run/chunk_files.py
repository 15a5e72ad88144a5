"""The files beside a chunk: their names, what they hold, and when they go."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from crnsim.store.files import names_in, read_json

#: What stands for the number in the name of the piece that is the whole chunk.
WHOLE = "all"


def piece_files(target: Path, names: Iterable[str] | None = None) -> list[Path]:
    """Return the saved pieces of the chunk that is to be written to `target`.

    Parameters
    ----------
    target : Path
    names : iterable of str, optional
        What there is in its folder, where that was listed already: with thousands of chunks a listing takes a while.
    """
    there = names_in(target.parent) if names is None else names
    start = f"{target.stem}.saved-"
    return sorted(target.with_name(name) for name in there if name.startswith(start) and name.endswith(".nc"))


def pieces_by_chunk(folder: Path) -> dict[str, list[str]]:
    """Return the names of all saved pieces in a folder of chunks, and of their accounts, by the key of the chunk."""
    found: dict[str, list[str]] = {}
    for name in names_in(folder):
        key, mark, _ = name.partition(".saved-")
        if mark and not name.startswith("."):
            found.setdefault(key, []).append(name)
    return found


def remove_pieces(targets: Iterable[Path]) -> None:
    """Remove the pieces of chunks that are whole."""
    listed: dict[Path, dict[str, list[str]]] = {}
    for target in targets:
        folder = target.parent
        if folder not in listed:
            listed[folder] = pieces_by_chunk(folder)
        for name in listed[folder].get(target.stem, ()):
            (folder / name).unlink(missing_ok=True)


def piece_account(file: Path) -> dict[str, Any]:
    """Return what a piece took; empty where that is lost."""
    return read_json(file.with_suffix(".json")) or {}
