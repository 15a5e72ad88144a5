"""Modules and files that are named in strings: nothing else notices when what stands behind a name moves."""

from __future__ import annotations

import re
import tomllib
from importlib import import_module
from importlib.util import find_spec
from pkgutil import resolve_name

import pytest
from structure import PACKAGE

import crnsim
import crnsim.sweep as sweep_package
from crnsim.cli import parser
from crnsim.sweep.run import workers

ROOT = PACKAGE.parent


@pytest.mark.parametrize("package", [crnsim, sweep_package])
def test_a_name_that_a_package_offers_leads_to_what_there_is(package):
    # `crnsim.sweep` is a package, and found as one.
    assert set(package._HOME) == set(package.__all__) - {"__version__", "sweep"}
    for name in package._HOME:
        assert getattr(package, name).__name__ == name


def commands() -> list[str]:
    root = parser._parser()
    (choices,) = [action.choices for action in root._actions if isinstance(action.choices, dict)]
    return sorted(choices)


@pytest.mark.parametrize("name", commands())
def test_every_command_leads_to_a_function(name):
    function = name.replace("-", "_")
    module = f"crnsim.cli.{parser._HOME.get(function, 'steps')}"
    assert callable(getattr(import_module(module), function))


def test_every_module_named_for_a_command_has_one():
    assert {name.replace("_", "-") for name in parser._HOME} <= set(commands())


def test_workers_preload_modules_that_there_are():
    assert all(find_spec(name) for name in workers.PRELOADED)
    # A module of ours that has moved would only make each worker slower.
    assert {"crnsim.experiment.schedule", "crnsim.solvers"} <= set(workers.PRELOADED)


@pytest.mark.parametrize("task", [workers.compute_batch, workers.run_task])
def test_a_task_is_found_by_the_name_that_travels_to_workers(task):
    assert resolve_name(f"{task.__module__}:{task.__qualname__}") is task


def test_the_workflow_imports_names_that_there_are():
    text = (ROOT / "workflow/Snakefile").read_text(encoding="utf-8")
    found = re.findall(r"^from (crnsim[\w.]*) import (\([^)]*\)|.+)$", text, re.MULTILINE)
    assert found
    for module, names in found:
        for name in re.findall(r"\w+", names):
            assert hasattr(import_module(module), name), f"{module} has no {name}"


def test_the_data_of_the_package_are_files_that_there_are():
    """A wheel without its template makes a page only where the package was installed in place."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = declared["tool"]["setuptools"]["package-data"]
    for package, globs in patterns.items():
        folder = PACKAGE.parent / package.replace(".", "/")
        assert (folder / "__init__.py").is_file(), f"{package} is no package"
        for pattern in globs:
            assert list(folder.glob(pattern)), f"{package} has no {pattern}"
    kept = {
        path
        for package, globs in patterns.items()
        for pattern in globs
        for path in (PACKAGE.parent / package.replace(".", "/")).glob(pattern)
    }
    others = {path for path in PACKAGE.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")}
    assert others - kept == set()


def test_the_command_of_the_package_is_a_function():
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert all(callable(resolve_name(target)) for target in declared["project"]["scripts"].values())
