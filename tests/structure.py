"""What imports what in `crnsim/`, read from the text of its modules: also imports inside functions and for types."""

from __future__ import annotations

import ast
from functools import lru_cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "crnsim"


@lru_cache(maxsize=1)
def modules() -> dict[str, Path]:
    """Return every module of the package by its dotted name; a package stands for its ``__init__``."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = ("crnsim", *path.relative_to(PACKAGE).with_suffix("").parts)
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@lru_cache(maxsize=1024)
def imports(name: str, text: str | None = None) -> frozenset[str]:
    """Return the modules of the package that a module imports, itself left out; `text` stands in for its file's."""
    known = modules()
    found: set[str] = set()
    for node in ast.walk(ast.parse(known[name].read_text(encoding="utf-8") if text is None else text)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{name}: relative import; say where from"
            # A name may be a module, or stand in one.
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= (whole & known.keys()) | ({node.module} if whole - known.keys() else set())
    return frozenset(one for one in found if one in known and one != name)


def arrows() -> set[tuple[str, str]]:
    """Return (importing module, imported module) for the whole package."""
    return {(name, other) for name in modules() for other in imports(name)}


def closure(*roots: str) -> set[str]:
    """Return what is loaded, at some time, by some modules: what they import, and so on, with the packages around.

    The package at the root is left out: it offers names and loads nothing by itself.
    """
    known, found, waiting = modules(), set[str](), list(roots)
    while waiting:
        name = waiting.pop()
        if name in found or name not in known or name == "crnsim":
            continue
        found.add(name)
        waiting += [*imports(name), name.rpartition(".")[0]]
    return found
