"""The structure holds: imports run one way, and what computes a point is what the code hash covers."""

from __future__ import annotations

import ast
import re

import pytest
from architecture_figure import FIGURE, drawn
from structure import GROUND, ORDER, PACKAGE, arrows, circles, closure, imports, modules, room

from crnsim.compiled import compiled_sources
from crnsim.provenance import hashed_files

FLOOR = {name: floor for floor, name in enumerate(ORDER)}


def climbs(name: str, other: str) -> bool:
    """Tell whether an import runs upwards; the names that the package itself offers are asked for from anywhere."""
    return bool(room(name) and room(other)) and FLOOR[room(other)] > FLOOR[room(name)]


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


#: Functions longer than the rest, docstrings aside, each with its reason.
LONG_FUNCTIONS: dict[str, str] = {}
#: Lines of a module, and of a function without its docstring, at most.
LONGEST_MODULE, LONGEST_FUNCTION = 400, 60


def test_no_module_is_too_long_to_be_read():
    lengths = {name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in modules().items()}
    assert {name: length for name, length in lengths.items() if length > LONGEST_MODULE} == {}


def test_no_function_is_too_long_to_be_read():
    found = {}
    for name, path in modules().items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                said = node.body[0] if ast.get_docstring(node) is not None else None
                documented = said.end_lineno - said.lineno + 1 if said else 0
                length = node.end_lineno - node.lineno + 1 - documented
                if length > LONGEST_FUNCTION:
                    found[f"{name}.{node.name}"] = length
    assert found.keys() == LONG_FUNCTIONS.keys()


def test_the_figure_of_the_architecture_shows_the_imports_there_are():
    # `python tools/architecture_figure.py` draws it anew.
    assert FIGURE.read_text(encoding="utf-8") == drawn(FIGURE.read_text(encoding="utf-8"))


def test_the_page_on_architecture_names_every_package_in_order():
    page = (FIGURE.parent / "architecture.md").read_text(encoding="utf-8")
    table = page[page.index("## Packages") : page.index("## Doors")]
    named = [
        name.strip("/").replace("/", ".")
        for name in re.findall(r"`([a-z_/]+)`", table)
        if "/" in name or name in ORDER
    ]
    rooms = [name for name in dict.fromkeys(named) if name in ORDER]
    assert set(ORDER) - set(rooms) == {"sweep", "__main__"}
    order = [name for name in rooms if name not in GROUND]
    assert order == [name for name in ORDER if name in order]
