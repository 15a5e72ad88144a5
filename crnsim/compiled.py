"""Numba, with its cache in a folder that knows the library's sources."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import multiprocessing
import os
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, TextIO, TypeVar

import numba
from llvmlite.binding import get_host_cpu_name

from crnsim.entrance.private import make_private, remove_at_exit, temporary_folder
from crnsim.errors import StorageError
from crnsim.provenance import processors

log = logging.getLogger("crnsim.compiled")

F = TypeVar("F", bound=Callable[..., Any])
#: Without their types: Numba's own leave out its settings and some of its options.
_njit: Any = numba.njit
_cfunc: Any = numba.cfunc
_config: Any = numba.config
#: Folder of compiled code, in place of one in the user's cache folder.
CACHE = "CRNSIM_CACHE_DIR"
#: Seconds to wait for another process that compiles the same.
_LONGEST_WAIT = 180

#: Modules and packages with functions that are compiled, or inlined into those; a test compares with the imports.
_SOURCES = ("compiled", "kinetics", "noise", "solvers")


def cache_folder() -> Path:
    """Folder of compiled code: CRNSIM_CACHE_DIR, else the user's cache folder."""
    chosen = os.environ.get(CACHE)
    if chosen:
        return Path(chosen).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "crnsim"


def compiled_sources() -> dict[str, Path]:
    """Return the files whose functions are compiled, by their place in the package."""
    package = Path(__file__).resolve().parent
    found = [path for name in _SOURCES for path in (package / f"{name}.py", *(package / name).rglob("*.py"))]
    return {path.relative_to(package).as_posix(): path for path in sorted(found) if path.is_file()}


@lru_cache(maxsize=1)
def compiled_folder() -> Path:
    """Folder of the code compiled from the present sources.

    Numba looks at the file of a function but not at those of the functions it has inlined; a folder named by a hash of
    all of them keeps an edited library from running old code.

    Raises
    ------
    InputError
        Another user could write there: Numba would run what it finds.
    """
    digest = hashlib.sha256()
    for name, path in compiled_sources().items():
        digest.update(name.encode() + b"\0" + path.read_bytes() + b"\0")
    try:
        folder = cache_folder() / digest.hexdigest()[:16]
        make_private(folder, "the cache folder", f"set {CACHE} to a folder that only you can write")
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        # A read-only home (some clusters' nodes) costs a compilation per process, not the run.
        folder = temporary_folder()
        remove_at_exit(folder)
        if multiprocessing.parent_process() is None:  # workers need not say it again
            log.warning(
                "%s cannot be written: compiled code is made anew in each process; set %s to another folder",
                *(cache_folder(), CACHE),
            )
        return folder


@contextlib.contextmanager
def kept_in_our_folder() -> Iterator[None]:
    """Let Numba keep what is compiled in our folder, wherever ``NUMBA_CACHE_DIR`` points."""
    before = _config.CACHE_DIR
    _config.CACHE_DIR = str(compiled_folder())
    try:
        yield
    finally:
        _config.CACHE_DIR = before


def _made(function: F, **options: Any) -> F:
    with kept_in_our_folder():
        made: F = _njit(nogil=True, error_model="numpy", _nrt=False, **options)(function)
        return made


def entry(function: F) -> F:
    """Compile with Numba, cached on disk, without reference counts; Numba takes no notice of annotations.

    A function compiled so cannot allocate; in return its array arguments cost no atomic counting, which took half of
    the time of a small network's step.
    """
    return _made(function, cache=True)


def compiled(function: F) -> F:
    """Compile what only compiled functions call: what Python would need to call it took half of the compilation."""
    return _made(function, cache=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)


@cache
def by_address(function: Callable[..., Any], *kinds: Any) -> Any:
    """Compile a function when it is wanted, for compiled callers that know its address only.

    Parameters
    ----------
    function : callable
        Returns nothing.
    kinds : numba.types.Type
        Of its arguments.

    Returns
    -------
    numba.core.ccallback.CFunc
        Its `address` is good for as long as the process lives.
    """
    with kept_in_our_folder():
        made = _cfunc(numba.types.void(*kinds), cache=True, error_model="numpy", _nrt=False)
        return made(function)


def inlined(function: F) -> F:
    """Write into its callers what every step comes by, before those are compiled, once."""
    return _made(function, inline="always")


@contextlib.contextmanager
def once(name: str, what: str) -> Iterator[bool]:
    """Compile by one process at a time what several processes need, and say what takes a while.

    What it yields tells whether there is something to compile.

    Parameters
    ----------
    name : str
        Of what is compiled; where it has been before, by the same Python and Numba on such a processor, Numba takes it
        from our folder and nothing is said.
    what : str
        What is said.
    """
    machine = f"{sys.implementation.cache_tag}-{numba.__version__}-{get_host_cpu_name()}"
    done = compiled_folder() / f"{name}.{machine}.done"
    if done.exists():
        yield False
        return
    with _alone(done.with_suffix(".lock")):
        new = not done.exists()
        with _said(what) if new else contextlib.nullcontext():
            yield new
        with contextlib.suppress(OSError):
            done.touch()


class _Said:
    """Says what takes a while, and on a terminal for how long it has; what is compiled meanwhile shares its line."""

    def __init__(self) -> None:
        self._lock, self._inside = threading.Lock(), 0
        self._over, self._ticker = threading.Event(), threading.Thread()

    @contextlib.contextmanager
    def __call__(self, what: str) -> Iterator[None]:
        log.info("%s", what)
        if sys.stderr is None or not sys.stderr.isatty():
            yield
            return
        with self._lock:
            self._inside += 1
            if self._inside == 1:
                self._over = threading.Event()
                self._ticker = threading.Thread(
                    target=self._tick, args=(what, self._over, sys.stderr), daemon=True
                )
                self._ticker.start()
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1
                if not self._inside:
                    self._over.set()
                    self._ticker.join()

    @staticmethod
    def _tick(what: str, over: threading.Event, terminal: TextIO) -> None:
        start, after = time.monotonic(), ""
        while True:
            terminal.write(f"\r{what} ...{after}")
            terminal.flush()
            if over.is_set():
                break
            over.wait(1.0)
            after = f" {time.monotonic() - start:.0f} s"
        terminal.write("\n")
        terminal.flush()


_said = _Said()


@contextlib.contextmanager
def meanwhile(statement: str) -> Iterator[None]:
    """Let a second process compile something into our folder while this one compiles something else.

    Whether it does or not, this process takes it from there or compiles it then. None is started where there is one
    processor for both, or nothing to share.

    Parameters
    ----------
    statement : str
        Of Python; empty for no second process.
    """
    child = _started(statement) if statement else None
    try:
        yield
        if child is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(_LONGEST_WAIT)
    finally:
        if child is not None and child.poll() is None:
            child.kill()
            child.wait()


def _started(statement: str) -> subprocess.Popen[bytes] | None:
    """Run a statement in a process that finds this package where this one has, and no module of the working folder."""
    if processors() < 2 or compiled_folder().parent != cache_folder():
        return None
    root = str(Path(__file__).resolve().parent.parent)
    command = [sys.executable, "-P", "-c", f"import sys; sys.path.append({root!r}); {statement}"]
    nothing = subprocess.DEVNULL
    with contextlib.suppress(OSError):
        return subprocess.Popen(command, stdin=nothing, stdout=nothing, stderr=nothing)
    return None


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold a lock on a file; go on without one where the file system has none, or another holds it for minutes."""
    try:
        import fcntl  # not everywhere

        stream = path.open("w")
    except (ImportError, OSError):
        yield
        return
    with stream:
        for _ in range(_LONGEST_WAIT * 10):
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(0.1)
            except OSError:
                break
            else:
                break
        yield


@contextlib.contextmanager
def kept() -> Iterator[None]:
    """Run what may compile: where the cache cannot take the code, say which folder that is.

    Raises
    ------
    StorageError
        The disk is full, or the like; Numba's own error names no file.
    """
    try:
        yield
    except OSError as error:
        frames = traceback.extract_tb(error.__traceback__)
        if not any(Path(frame.filename).match("numba/core/caching.py") for frame in frames):
            raise
        raise not_kept(error) from None


def not_kept(error: OSError) -> StorageError:
    """Return what to say where the cache cannot take a file."""
    what = os.strerror(error.errno) if error.errno else str(error)
    return StorageError(
        f"{cache_folder()}: compiled code cannot be kept ({what}); make room there, or set CRNSIM_CACHE_DIR to another "
        "folder"
    )
