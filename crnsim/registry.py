"""Things by name: those built in, those of installed packages, and one in a user's own file as ``module:Name``."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import inspect
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any, Generic, TypeVar

from crnsim.entrance.arguments import shown
from crnsim.entrance.objects import check_line
from crnsim.errors import CrnsimError, InputError, suggest

T = TypeVar("T")
#: Folders of what is installed: a line in them tells a user nothing.
_INSTALLED = {"site-packages", "dist-packages", f"python{sys.version_info.major}.{sys.version_info.minor}"}

#: Entries in users' own files that may be imported; None for any.
_IMPORTABLE: ContextVar[frozenset[str] | None] = ContextVar("importable", default=None)


def import_only(names: Iterable[str]) -> None:
    """Allow, in this context from here on, that no ``module:Name`` but these is imported."""
    _IMPORTABLE.set(frozenset(names))


#: What an entry may be called: a name becomes part of paths, coordinates and options.
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,59}", re.ASCII)


class Registry(Generic[T]):
    """Entries of one kind by the name that users write.

    Parameters
    ----------
    kind : str
        What an entry is, in words: begins every message, such as ``"activation"``.
    group : str
        Group of entry points under which installed packages offer entries, such as ``"crnsim.activations"``.
    built_in : iterable
        Entries of the library; each has an attribute ``name``.
    check : callable
        Returns what was found under a name outside of the library if it is a whole entry; raises InputError.
    named : bool
        Whether the entry's own name becomes part of paths, coordinates or options: it is then a word that no built-in
        entry has.
    """

    def __init__(
        self,
        kind: str,
        group: str,
        built_in: Iterable[T],
        check: Callable[[str, Any], T],
        *,
        named: bool = True,
    ) -> None:
        self.kind, self.group, self.check, self.named = kind, group, check, named
        self.built_in: dict[str, T] = {entry.name: entry for entry in built_in}  # type: ignore[attr-defined]

    @contextlib.contextmanager
    def code_of(self, name: str) -> Iterator[None]:
        """Run a function of the entry `name`: what goes wrong in a user's own code is one error that names it."""
        try:
            yield
        except CrnsimError as error:
            if name in self.built_in or not isinstance(error, InputError) or name in str(error):
                raise
            raise InputError(f"{self.kind} {name}: {error}") from error
        except (Exception, SystemExit, GeneratorExit) as error:
            if name in self.built_in:
                raise
            raise InputError(f"{self.kind} {name}: its code failed: {_said(error)}") from error

    def find(self, name: str) -> T:
        """Return an entry.

        Parameters
        ----------
        name : str
            Of one that is built in; of an entry point of an installed package; or ``module:Name``, where the module
            is imported with the current working directory on ``sys.path``.

        Raises
        ------
        InputError
            There is none, its module cannot be imported, or it is no whole entry.
        """
        check_line(self.kind, name)
        if name in self.built_in:
            return self.built_in[name]
        if ":" in name:
            return self._checked(name, self._from_module(name))
        for entry in _installed(self.group):
            if entry.name == name:
                try:
                    found = entry.load()
                except (Exception, SystemExit) as error:
                    raise InputError(
                        f"{self.kind} {name}: cannot load {entry.value}: {_said(error)}"
                    ) from None
                return self._checked(name, found)
        raise InputError(
            f"unknown {self.kind} '{name}'; {suggest(name, self.names())}, or one of your own as module:Name"
        )

    def names(self) -> list[str]:
        """Names of all entries that are built in or installed."""
        installed = sorted(entry.name for entry in _installed(self.group))
        return [*self.built_in, *(name for name in installed if name not in self.built_in)]

    def knows(self, name: str) -> bool:
        """Whether `name` is built in or installed, or says where to look."""
        return ":" in name or name in self.names()

    def source_hash(self, name: str) -> str:
        """Return a hash of the file that defines an entry, so that results can be told apart when it changes.

        Returns
        -------
        str
            16 hexadecimal characters; empty for entries built in, which the hash of the library covers. What the file
            imports is not part of it.
        """
        if name in self.built_in:
            return ""
        found: Any = self.find(name)
        try:
            if ":" in name and not isinstance(found, type):
                file = inspect.getfile(importlib.import_module(name.partition(":")[0]))
            else:
                file = inspect.getfile(found if isinstance(found, type) else type(found))
            status = Path(file).stat()
            return _hash_of(file, status.st_mtime_ns, status.st_size)
        except (OSError, TypeError):
            raise InputError(
                f"{self.kind} {name}: it is in no file; put it into one and name it as module:Name"
            ) from None

    def _checked(self, name: str, found: Any) -> T:
        entry = self.check(name, found)
        if not self.named:
            return entry
        own = getattr(entry, "name", "")
        if not isinstance(own, str) or not NAME.fullmatch(own):
            raise InputError(
                f"{self.kind} {name}: its name is {shown(own)}; use letters, digits and _, and begin with a letter"
            )
        if own in self.built_in:
            raise InputError(
                f"{self.kind} {name}: its name '{own}' is that of a built-in one; choose another"
            )
        return entry

    def _from_module(self, name: str) -> Any:
        allowed = _IMPORTABLE.get()
        if allowed is not None and name not in allowed:
            raise InputError(f"{self.kind} {name}: not imported, since your own sweep file does not name it")
        module_name, _, attribute = name.partition(":")
        module = self._import(name, module_name)
        found = getattr(module, attribute, None)
        if found is None:
            own = [n for n, value in vars(module).items() if self._accepts(n, value)]
            raise InputError(
                f"{self.kind} {name}: {module_name} has no '{attribute}'; {suggest(attribute, own)}"
            )
        return found

    def _accepts(self, name: str, value: Any) -> bool:
        """Whether a value of a module would do as an entry."""
        try:
            self.check(name, value)
        except InputError:
            return False
        return not name.startswith("_")

    def _import(self, name: str, module_name: str) -> ModuleType:
        here = str(Path.cwd())
        if Path(here, "plan.json").exists():
            raise InputError(
                f"{self.kind} {name}: nothing is imported in a folder of results; "
                "run the command where the sweep file is"
            )
        # At the end, so that a user's file cannot hide a module of a library; it stays, for what it imports later.
        if here not in sys.path:
            sys.path.append(here)
            importlib.invalidate_caches()
        try:
            return importlib.import_module(module_name)
        except (Exception, SystemExit) as error:
            raise InputError(
                f"{self.kind} {name}: cannot import {module_name or 'it'}: {_said(error)}; it is looked for in {here}, "
                "where the command runs, and among installed packages"
            ) from None


@lru_cache(maxsize=256)
def _hash_of(file: str, changed: int, size: int) -> str:
    """Hash of a file; read once as long as it stays what it is."""
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()[:16]


def _said(error: BaseException) -> str:
    """Return what an error says, and which line of a user's own file was last at work."""
    library, place = Path(__file__).parent, ""
    for frame in traceback.extract_tb(error.__traceback__):
        file = Path(frame.filename)
        if file.suffix == ".py" and library not in file.parents and not _INSTALLED.intersection(file.parts):
            place = f" ({file.name}, line {frame.lineno})"
    # Whatever somebody's code says stays a line that a terminal can show.
    said = "".join(c if c.isprintable() else " " for c in f"{type(error).__name__}: {error}")
    return " ".join(said.split())[:500] + place


def _installed(group: str) -> Any:
    """Return the entry points of installed packages; what finds them takes a while to import."""
    from importlib.metadata import entry_points

    return entry_points(group=group)
