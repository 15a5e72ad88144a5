"""The files beside a chunk, a summary and the tables: their names, what they hold, and when they go.

A chunk is ``<key>.nc``. Beside it stand its account (``<key>.json``), its progress while it is computed, the failure of
the last try, and pieces that unfinished tries have saved, each with an account of its own. Readers are tolerant: a file
that is lost, cut short or odd is as good as none, since nothing but the page and the times depends on it. But an
account vouches for the bytes of its file: whoever reads that file asks `check_written`, which takes none that is odd.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crnsim.entrance.files import read_text
from crnsim.entrance.limits import LARGEST_SMALL_FILE
from crnsim.errors import InputError
from crnsim.store.files import damaged, digest, names_in, read_json, write_dataset, write_json
from crnsim.store.outputs import is_stream

if TYPE_CHECKING:
    import xarray as xr

_PIECE = ".saved-"
#: Numbers beyond it are nobody's count or time.
_LARGEST = 1e15
#: What stands for the number in the name of the piece that is the whole chunk, under a second name.
_WHOLE = "all"
#: What a chunk of a plan is called.
_KEY = re.compile(r"[0-9a-f]{32}")
#: A SHA-256 in hexadecimal; a piece has none.
_DIGEST = re.compile(r"([0-9a-f]{64})?")


def account_file(path: Path) -> Path:
    """Return where the account of a chunk or of a piece is."""
    return path.with_suffix(".json")


def progress_file(chunk: Path) -> Path:
    """Return where a chunk that is being computed says how far it is."""
    return chunk.with_suffix(".progress.json")


def failure_file(chunk: Path) -> Path:
    """Return where the last try of a chunk says why it failed."""
    return chunk.with_suffix(".failed.json")


def piece_file(chunk: Path, number: int | str) -> Path:
    """Return where a piece of a chunk is saved."""
    return chunk.with_name(f"{chunk.stem}{_PIECE}{number:0>3}.nc")


def second_name(chunk: Path) -> Path:
    """Return the second name of a chunk that is whole and not merged yet: Snakemake may remove the first one."""
    return piece_file(chunk, _WHOLE)


@dataclass(frozen=True)
class Account:
    """What a chunk, or a piece of one, took; kept beside it, never inside, so that equal inputs give equal files.

    Attributes
    ----------
    key : str
        Of the chunk; empty for a piece.
    points, computed, reused, killed : int
        All points, and how many of them were computed for this chunk (in any try), copied from an older file, or lost
        with their worker. Of a piece `points` is 0.
    seconds_wall, seconds_core : float
        Wall time of the last try, and processor time of the integration alone in all tries.
    host : str
    workers : int
    processors : dict of str to int
        Points by kind of the processor that computed them (see `crnsim.provenance.processor`).
    sha256 : str
        Of the chunk's file: not all of NetCDF carries checksums of its own.
    """

    key: str = ""
    points: int = 0
    computed: int = 0
    reused: int = 0
    killed: int = 0
    seconds_wall: float = 0.0
    seconds_core: float = 0.0
    host: str = ""
    workers: int = 1
    processors: dict[str, int] = field(default_factory=dict)
    sha256: str = ""

    @property
    def held(self) -> int:
        """Points in the file: all of a chunk, or of its second name, and those computed of a piece."""
        return self.points or self.computed

    def write(self, path: Path) -> None:
        """Write the account of the file at `path`."""
        write_json(account_file(path), asdict(self))

    def write_of_piece(self, path: Path) -> None:
        """Write the account of a piece, which knows less."""
        known = ("computed", "seconds_core", "processors")
        write_json(account_file(path), {name: getattr(self, name) for name in known})


def read_account(path: Path) -> Account | None:
    """Return what the chunk or piece at `path` took; None where that is lost."""
    found = read_json(account_file(path))
    if not found:
        return None
    kinds = found.get("processors")
    return Account(
        key=_text(found, "key"),
        points=_count(found, "points"),
        computed=_count(found, "computed"),
        reused=_count(found, "reused"),
        killed=_count(found, "killed"),
        seconds_wall=_number(found, "seconds_wall") or 0.0,
        seconds_core=_number(found, "seconds_core") or 0.0,
        host=_text(found, "host"),
        workers=_count(found, "workers") or 1,
        processors={str(kind): _count(kinds, kind) for kind in kinds} if isinstance(kinds, dict) else {},
        sha256=_text(found, "sha256"),
    )


def account_fault(path: Path) -> str:
    """Say what is wrong with the account of the file at `path`; nothing where it is good, or where there is none."""
    file = account_file(path)
    if not os.path.lexists(file):
        return ""
    try:
        found = json.loads(read_text(file, LARGEST_SMALL_FILE))
    except InputError as error:
        return str(error).removeprefix(f"{file}: ")
    except (ValueError, RecursionError):
        return "it is not JSON"
    if not isinstance(found, dict) or not found.keys() & {"key", "computed"}:
        return "it is not the account of a file"
    kinds = found.get("processors", {})
    counts = {name: found.get(name, 0) for name in ("points", "computed", "reused", "killed", "workers")}
    counts |= (
        {f"processors {kind}": count for kind, count in kinds.items()} if isinstance(kinds, dict) else {}
    )
    times = {name: found.get(name, 0) for name in ("seconds_wall", "seconds_core")}
    texts = {name: found.get(name, "") for name in ("key", "host", "sha256")}
    wrong = [name for name, text in texts.items() if not isinstance(text, str)]
    wrong += [name for name, number in (counts | times).items() if not _is_amount(number)]
    wrong += [name for name, count in counts.items() if isinstance(count, float)]
    wrong += [] if isinstance(kinds, dict) else ["processors"]
    if not wrong and not _DIGEST.fullmatch(found.get("sha256", "")):
        wrong = ["sha256"]
    return f"its {' '.join(wrong[0].split())[:60]} is none" if wrong else ""


def check_account(path: Path) -> None:
    """Raise DamagedFileError where the account of the file at `path` is there and no good."""
    if fault := account_fault(path):
        raise damaged(account_file(path), fault)


def _is_amount(number: object) -> bool:
    # A comparison, since an integer of JSON may have thousands of digits.
    return isinstance(number, (int, float)) and not isinstance(number, bool) and 0 <= number <= _LARGEST


@dataclass(frozen=True)
class Heartbeat:
    """How far a chunk is that is being computed.

    Attributes
    ----------
    points : int
    done : float
        Points that need not be computed again.
    seconds_left : float or None
        None where it is too early to tell.
    host : str
    pid : int or None
    workers : int
    started, updated : float or None
        Unix seconds.
    """

    points: int = 0
    done: float = 0.0
    seconds_left: float | None = None
    host: str = ""
    pid: int | None = None
    workers: int = 1
    started: float | None = None
    updated: float | None = None

    @property
    def share(self) -> float:
        """Share of the points that is done."""
        return min(1.0, self.done / self.points) if self.points else 0.0

    def write(self, chunk: Path) -> None:
        """Write the progress file of a chunk; it need not outlive a power cut."""
        write_json(progress_file(chunk), asdict(self), durable=False)


def read_heartbeat(chunk: Path) -> Heartbeat | None:
    """Return how far a chunk says it is; None where it says nothing."""
    found = read_json(progress_file(chunk))
    if not found:
        return None
    pid = _number(found, "pid")
    return Heartbeat(
        points=_count(found, "points"),
        done=_number(found, "done") or 0.0,
        seconds_left=_number(found, "seconds_left"),
        host=_text(found, "host"),
        pid=None if pid is None else int(pid),
        workers=_count(found, "workers") or 1,
        started=_number(found, "started"),
        updated=_number(found, "updated"),
    )


@dataclass(frozen=True)
class Failure:
    """Why the last try of a chunk ended.

    Attributes
    ----------
    message, host : str
    time : float or None
        Unix seconds.
    """

    message: str = ""
    host: str = ""
    time: float | None = None

    def write(self, chunk: Path) -> None:
        """Write the failure of a chunk."""
        write_json(failure_file(chunk), asdict(self))


def read_failure(chunk: Path) -> Failure | None:
    """Return why the last try of a chunk failed; None where it did not, or does not say."""
    found = read_json(failure_file(chunk))
    if not found:
        return None
    return Failure(_text(found, "message"), _text(found, "host"), _number(found, "time"))


def _number(values: Mapping[str, Any], name: str) -> float | None:
    value = values.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    # A comparison, since an integer of JSON may have thousands of digits.
    return value if -_LARGEST <= value <= _LARGEST else None


def _count(values: Mapping[str, Any], name: str) -> int:
    return max(0, int(_number(values, name) or 0))


def _text(values: Mapping[str, Any], name: str) -> str:
    value = values.get(name)
    # It is shown on a terminal, which obeys control characters.
    return "".join(c if c.isprintable() else " " for c in value) if isinstance(value, str) else ""


@dataclass(frozen=True)
class ChunkFolder:
    """A folder of chunks, listed once: with thousands of them, asking for each file takes a while.

    Attributes
    ----------
    path : Path
    names : frozenset of str
        Of the files in it.
    """

    path: Path
    names: frozenset[str]

    @cached_property
    def _saved(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name in sorted(self.names):
            key, mark, _ = name.partition(_PIECE)
            if mark and not name.startswith("."):
                found.setdefault(key, []).append(name)
        return found

    def has(self, file: Path) -> bool:
        """Tell whether a file was there."""
        return file.name in self.names

    def saved(self, chunk: Path) -> list[Path]:
        """Return the pieces of a chunk and their accounts."""
        return [self.path / name for name in self._saved.get(chunk.stem, ())]

    def pieces(self, chunk: Path) -> list[Path]:
        """Return the pieces of a chunk."""
        return [file for file in self.saved(chunk) if file.suffix == ".nc"]


def list_chunks(folder: Path) -> ChunkFolder:
    """List a folder of chunks.

    Raises
    ------
    InputError
        The folder cannot be read.
    """
    return ChunkFolder(folder, names_in(folder))


def pieces_of(chunk: Path) -> list[Path]:
    """Return the pieces of a chunk, its second name among them."""
    return list_chunks(chunk.parent).pieces(chunk)


def free_piece(chunk: Path) -> Path:
    """Return where the next piece of a chunk is saved."""
    there = set(pieces_of(chunk))
    return next(file for n in range(len(there) + 1) if (file := piece_file(chunk, n)) not in there)


def remove_pieces(chunks: Iterable[Path]) -> None:
    """Remove the pieces of chunks that are whole."""
    listed: dict[Path, ChunkFolder] = {}
    for chunk in chunks:
        if chunk.parent not in listed:
            listed[chunk.parent] = list_chunks(chunk.parent)
        for file in listed[chunk.parent].saved(chunk):
            file.unlink(missing_ok=True)


def chunk_key(file: Path) -> str:
    """Return the key of the chunk that a file beside it belongs to, by its name."""
    return file.name.partition(".")[0]


def is_chunk_name(file: Path) -> bool:
    """Tell by its name whether a file was written as a chunk, or as a piece of one; others may be anything."""
    return _PIECE in file.name or _KEY.fullmatch(chunk_key(file)) is not None


def write_with_account(dataset: xr.Dataset, path: Path, key: str, points: int) -> None:
    """Write a summary or the tables of a sweep, and beside the file an account with its digest."""
    write_dataset(dataset, path)
    if not is_stream(path):
        Account(key=key, points=points, sha256=digest(path)).write(path)


def as_written(path: Path) -> bool:
    """Tell whether a file has the digest that its own account beside it gives; True where no good one gives any."""
    account = read_account(path)
    if account is None or not account.sha256 or not account.key or account_fault(path):
        return True
    return not path.stem.startswith(account.key) or digest(path) == account.sha256


def check_written(path: Path) -> None:
    """Hold a file against the account beside it; a file without one is taken as it is.

    Raises
    ------
    DamagedFileError
        Its bytes are not those that were written, or the account is damaged or that of another file.
    """
    check_account(path)
    account = read_account(path)
    if account is None or not account.sha256 or digest(path) == account.sha256:
        return
    if not path.stem.startswith(account.key):
        raise damaged(account_file(path), "it is the account of another file")
    raise damaged(path, "its bytes are not those that were written")
