"""The structure holds: imports run one way, and what computes a point is what the code hash covers."""

from __future__ import annotations

import re

import pytest
from structure import PACKAGE, arrows, closure, imports, modules

from crnsim.compiled import compiled_sources
from crnsim.provenance import hashed_files

#: From the ground up: a module may import what stands in an earlier line, or in its own package.
ORDER = (
    *("errors", "wording", "outcomes", "provenance", "compiled", "registry"),
    *("network", "noise", "activations", "circuits", "datasets", "algebraic"),
    *("kinetics", "solvers", "simulate", "store", "interchange", "experiment", "robustness"),
    *("sweep.config", "sweep.plan", "sweep.run", "sweep.inspect", "sweep.workflow", "sweep"),
    *("report", "cli", "__main__"),
)
FLOOR = {name: floor for floor, name in enumerate(ORDER)}


def room(name: str) -> str:
    """Return the package that a module belongs to, or its own name where it stands at the root."""
    inside = name.removeprefix("crnsim").removeprefix(".")
    return next((room for room in sorted(ORDER, reverse=True) if f"{inside}.".startswith(f"{room}.")), inside)


def climbs(name: str, other: str) -> bool:
    """Tell whether an import runs upwards; the names that the package itself offers are asked for from anywhere."""
    return bool(room(name) and room(other)) and FLOOR[room(other)] > FLOOR[room(name)]


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


def test_every_room_has_a_floor():
    assert {room(name) for name in modules()} - {""} == set(FLOOR)


def test_no_import_runs_upwards():
    assert {arrow for arrow in arrows() if climbs(*arrow)} == set()


def test_no_modules_import_each_other_in_a_circle():
    # Packages offer names of the modules in them; the modules ask each other directly.
    assert circles({name for name, path in modules().items() if path.name != "__init__.py"}) == []


def test_an_upward_import_is_found():
    text = "def f():\n    from crnsim.sweep.plan import layout\n"
    assert {
        other for other in imports("crnsim.network.network", text) if climbs("crnsim.network.network", other)
    } == {"crnsim.sweep.plan.layout"}


@pytest.mark.parametrize("root", ["crnsim.experiment.run", "crnsim.experiment.point"])
def test_all_that_computes_a_point_is_in_the_code_hash(root):
    hashed = set(hashed_files())
    needed = {str(modules()[name].relative_to(PACKAGE)) for name in closure(root)}
    assert needed - hashed == set()


def test_the_code_hash_covers_files_that_there_are():
    assert all((PACKAGE / name).is_file() for name in hashed_files())
    assert len(hashed_files()) > 40


def test_code_that_is_compiled_is_in_the_name_of_its_cache():
    marked = {
        path.relative_to(PACKAGE).as_posix()
        for path in modules().values()
        if re.search(
            r"^@(compiled|inlined|intrinsic|overload)", path.read_text(encoding="utf-8"), re.MULTILINE
        )
    }
    assert len(marked) >= 10
    assert marked - compiled_sources().keys() == set()


def test_the_root_has_few_modules():
    assert len(list(PACKAGE.glob("*.py"))) <= 10
