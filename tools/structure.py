"""The rooms of `crnsim/` in their order, and what imports what, read from its text: in functions and for types too."""

from __future__ import annotations

import ast
from functools import lru_cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "crnsim"


#: From the ground up: a room may import from those that stand before it.
ORDER = (
    *("errors", "wording", "outcomes", "provenance", "entrance", "compiled", "registry"),
    *("network", "noise", "activations", "circuits", "datasets", "algebraic"),
    *("kinetics", "solvers", "simulation", "store", "interchange", "experiment", "metrics"),
    *("sweep.config", "sweep.plan", "sweep.run", "sweep.inspect", "sweep.workflow", "sweep"),
    *("search", "report", "interactive", "cli", "__main__"),
)
#: Small vocabularies that all others use.
GROUND = ("errors", "wording", "outcomes", "provenance", "entrance", "compiled", "registry")


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


def room(name: str) -> str:
    """Return the package that a module belongs to, or its own name where it stands at the root."""
    inside = name.removeprefix("crnsim").removeprefix(".")
    return next((room for room in sorted(ORDER, reverse=True) if f"{inside}.".startswith(f"{room}.")), inside)


def circles(names: set[str]) -> list[set[str]]:
    """Return groups of modules that import each other in a circle."""
    graph: dict[str, set[str]] = {
        name: {b for a, b in arrows() if a == name and b in names} for name in names
    }
    found = []
    while graph:
        wanted = set().union(*graph.values())
        free = {name for name, others in graph.items() if not others & graph.keys() or name not in wanted}
        if not free:
            found.append(set(graph))
            break
        for name in free:
            del graph[name]
    return found


def room_arrows() -> set[tuple[str, str]]:
    """Return (importing room, imported room), the ground left out."""
    pairs = {(room(a), room(b)) for a, b in arrows()}
    left_out = {"", "sweep", "__main__", *GROUND}
    return {(a, b) for a, b in pairs if a != b and not left_out & {a, b}}
