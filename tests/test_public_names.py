"""What tab completion shows is public, and everything public is described."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path

import pytest

import crnsim

DOCS = Path(__file__).parent.parent / "docs"
#: Packages whose names users and their own modules take.
PACKAGES = [
    *(
        "activations",
        "circuits",
        "datasets",
        "errors",
        "interactive",
        "interchange",
        "metrics",
        "network",
        "noise",
    ),
    *("report", "simulation", "solvers", "sweep"),
]


@pytest.mark.parametrize("name", ["", *PACKAGES])
def test_completion_shows_public_names_alone(name):
    module = importlib.import_module(f"crnsim.{name}" if name else "crnsim")
    assert dir(module) == sorted(module.__all__)
    for word in module.__all__:
        assert getattr(module, word) is not None
        assert word == "__version__" or not word.startswith("_")


@pytest.mark.parametrize("name", sorted(set(crnsim.__all__) - {"__version__"}))
def test_every_public_name_is_described(name):
    value = getattr(crnsim, name)
    said = inspect.getdoc(value)
    assert said
    page = (DOCS / "python.md").read_text(encoding="utf-8")
    assert re.search(rf"`crnsim\.{name}\b", page), f"docs/python.md does not name crnsim.{name}"
    if not inspect.isclass(value):
        call = crnsim.interactive.run_sweep if name == "sweep" else value
        said = inspect.getdoc(call) or ""
        for parameter in inspect.signature(call).parameters:
            assert re.search(rf"\b{parameter}\b", said), f"{name}: {parameter}"


@pytest.mark.parametrize("name", PACKAGES)
def test_every_function_and_class_of_a_package_is_described(name):
    module = importlib.import_module(f"crnsim.{name}")
    for word in module.__all__:
        value = getattr(module, word)
        if inspect.isclass(value) or inspect.isfunction(value):
            assert inspect.getdoc(value), f"crnsim.{name}.{word}"


def test_objects_show_themselves_as_escaped_tables():
    odd = crnsim.Network(parameters={"k": 1.0})
    odd.add_species("A")
    odd.add_family("<b>&", "A -> 0", "k")
    assert "&lt;b&gt;&amp;" in odd._repr_html_()
    assert "<b>&" not in odd._repr_html_()
    pot = crnsim.onepot((2, 3, 1))
    assert "onepot 2-3-1 with squareplus" in pot._repr_html_()
    assert "ka=100.0" in pot._repr_html_()
    assert "rates_mode=static" in crnsim.Noise(rates=0.1)._repr_html_()
    assert repr(crnsim.load_dataset("xor")).startswith("<crnsim Dataset 'xor': classification, 2 features")


def test_the_page_on_python_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    page = (DOCS / "python.md").read_text(encoding="utf-8")
    names: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        exec(compile(block, "docs/python.md", "exec"), names)
    said = capsys.readouterr().out
    assert "[1. 1.] 0.2" in said
    assert "2 designs (smooth, sharp); 16 runs" in said
    assert said.count("crnsim.sweep: ") == 4
    assert (tmp_path / "first.html").stat().st_size > 10_000
