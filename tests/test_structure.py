"""The structure holds: imports run one way, and what computes a point is what the code hash covers."""

from __future__ import annotations

import pytest
from structure import PACKAGE, arrows, closure, imports, modules

from crnsim.point import hashed_files

#: From the ground up: a module may import what stands in an earlier line, or in its own package.
ORDER = """
    errors
    provenance streams families
    network noise
    activations circuits
    datasets
    algebraic
    kinetics
    solvers
    simulate
    point schedule readout results trained experiment store
    robustness
    sweep
    report
    commands
    cli
    __main__
""".strip().splitlines()
FLOOR = {name: floor for floor, line in enumerate(ORDER) for name in line.split()}
#: Arrows that ran upwards before the layout was rebuilt.
UPWARDS = {
    ("crnsim.sweep.statustext", "crnsim.commands.steps"),
    ("crnsim.sweep.verify", "crnsim.report.coverage"),
}


def room(name: str) -> str:
    """Return the package or module at the root that a module belongs to."""
    return name.split(".")[1] if "." in name else ""


def climbs(name: str, other: str) -> bool:
    """Tell whether an import runs upwards; the names that the package itself offers are asked for from anywhere."""
    return bool(room(name) and room(other)) and FLOOR[room(other)] > FLOOR[room(name)]


def test_every_room_has_a_floor():
    assert {room(name) for name in modules()} - {""} == set(FLOOR)


def test_no_import_runs_upwards():
    assert {arrow for arrow in arrows() if climbs(*arrow)} == UPWARDS


def test_an_upward_import_is_found():
    text = "def f():\n    from crnsim.sweep import plan\n"
    assert {other for other in imports("crnsim.network", text) if climbs("crnsim.network", other)} == {
        "crnsim.sweep.plan"
    }


@pytest.mark.parametrize("root", ["crnsim.experiment", "crnsim.point"])
def test_all_that_computes_a_point_is_in_the_code_hash(root):
    hashed = set(hashed_files())
    needed = {str(modules()[name].relative_to(PACKAGE)) for name in closure(root)}
    assert needed - hashed == set()


def test_the_code_hash_covers_files_that_there_are():
    assert all((PACKAGE / name).is_file() for name in hashed_files())
    assert len(hashed_files()) > 40
