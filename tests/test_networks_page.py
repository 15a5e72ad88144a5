"""What docs/networks.md shows works as it says."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import numpy as np
import pytest
import yaml
from pages import DOCS, sweeps_of

import crnsim
from crnsim.sweep.config.read import read_sweep
from crnsim.sweep.plan.plan import make_plan

PAGE = (DOCS / "networks.md").read_text(encoding="utf-8")


@pytest.fixture
def here(tmp_path):
    text = re.findall(r"```\n(.*?)```", PAGE, re.DOTALL)[0]
    (tmp_path / "majority.crn").write_text(text)
    with contextlib.chdir(tmp_path):
        yield tmp_path


def test_the_network_and_the_sweep_of_the_page(here):
    network = crnsim.read_crn("majority.crn")
    assert [str(reaction) for reaction in network.reactions()] == [
        "X + Y ->{1} 2B",
        "B + X ->{1} 2X",
        "B + Y ->{1} 2Y",
    ]
    Path("majority.yaml").write_text(sweeps_of("networks.md")[0])
    plan = make_plan(read_sweep("majority.yaml"))
    assert [group.name for group, _ in plan.groups] == ["majority-network-k0p5", "majority-network-k1"]
    assert plan.file.n_points == 2 * 3 * 6 * 100


def test_the_python_of_the_page(here, capsys):
    Path("model.xml").write_text(crnsim.to_sbml(crnsim.read_crn("majority.crn")))
    for code in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        scope = {"crnsim": crnsim}
        exec(code.replace("replicates=100", "replicates=4"), scope)  # our own page
    assert scope["found"].score.shape == (2, 2, 4, 4)
    assert np.isfinite(scope["found"].score).all()
    assert "level" in capsys.readouterr().out


def test_every_observable_of_the_table_is_one(here):
    from crnsim.experiment.observables import OBSERVABLES

    shown = [yaml.safe_load(one) for one in re.findall(r"^\| `(\{.*?\})` \|", PAGE, re.MULTILINE)]
    kinds = {word for one in shown for word in OBSERVABLES if word in one}
    assert kinds == set(OBSERVABLES)
