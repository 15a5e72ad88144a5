"""A user's circuit: one file outside the package, as docs/circuits.md shows, from its entry to the report."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from pages import files_of, sweeps_of

import crnsim
from crnsim import CrnsimError
from crnsim.algebraic import initial_weights, sample_order, sgd
from crnsim.circuits import check_parameters, circuit_kind, circuit_source_hash
from crnsim.cli import main
from crnsim.experiment.point import Point
from crnsim.experiment.run import run_points
from crnsim.noise import Noise
from crnsim.sweep.config.read import read_sweep

CIRCUIT = "my_circuits:DELTA"


@pytest.fixture
def here(tmp_path):
    with files_of("circuits.md", tmp_path) as folder:
        yield folder


def point(**changes):
    about = {
        "dataset": "or",
        "layers": (2, 1),
        "circuit": CIRCUIT,
        "circuit_parameters": (),
        "activation": "squareplus",
        "activation_parameters": (),
        "running_time": 100.0,
        "epochs": 30,
        "learning_rate": 0.02,
        "noise": Noise(),
        "replicate": 0,
        "seed": 0,
    }
    return Point(**about | changes)


def test_it_learns_as_the_delta_rule_does(here):
    result = run_points([point(), point(replicate=1)])
    assert np.all(result.status == 0)
    assert np.all(result.train_loss.values[:, -1] < result.train_loss.values[:, 0])
    data = crnsim.load_dataset("or", replicate=0, seed=0)
    about = {"seed": 0, "dataset": "or", "replicate": 0}
    ((w, b),) = sgd(
        initial_weights((2, 1), **about),
        circuit_kind(CIRCUIT).build((2, 1)).activation,
        data,
        order=sample_order(len(data.x_train), 30, **about),
        learning_rate=0.02,
    )
    learned = result.weights.values[0, -1]
    # A presentation lasts a hundred relaxations, of which the first few still see the last sample; each of them is one
    # percent of a step, and the weights move little from one presentation to the next.
    np.testing.assert_allclose(learned, [*w.ravel(), *b], atol=0.03)


def test_its_own_parameter_sets_how_fast_it_learns(here):
    slow, fast = run_points([point(learning_rate=0.002, epochs=3)]), run_points([point(epochs=3)])
    change = [abs(r.weights.values[0, -1] - r.weights.values[0, 0]).sum() for r in (slow, fast)]
    # The error falls while it learns, so ten times the rate moves the weights a little less than ten times as far.
    assert 5 < change[1] / change[0] < 10.5
    assert slow.attrs["learning_parameter"] == "mu"


def test_a_result_says_which_species_are_worth_looking_at(here):
    signals = json.loads(run_points([point(epochs=1)]).attrs["signals"])
    assert [signal["title"] for signal in signals] == ["Inputs", "Outputs"]
    assert signals[0]["species"] == [["Xp[0]", None], ["Xp[1]", None]]
    assert signals[1]["species"] == [["Zp[0]", "Zm[0]"]]


def test_a_sweep_of_it_goes_from_file_to_report(here):
    (here / "sweep.yaml").write_text(sweeps_of("circuits.md")[0].replace("epochs: 60", "epochs: 2"))
    plan = "results/sweep/plan.json"
    assert main(["plan", "sweep.yaml"]) == 0
    (group,) = json.loads(Path(plan).read_text())["groups"]
    name = Path(group["summary"]).stem
    assert name == "or-delta_rule-plain"
    assert main(["build", plan, name, "--sweep", "sweep.yaml"]) == 0
    for chunk in group["chunks"]:
        assert main(["integrate", plan, chunk["key"], "--sweep", "sweep.yaml"]) == 0
    assert main(["merge", plan, name, "--sweep", "sweep.yaml"]) == 0
    assert main(["robustness", plan, "--sweep", "sweep.yaml"]) == 0
    assert main(["report", plan, "--sweep", "sweep.yaml"]) == 0
    assert main(["check", "results/sweep"]) == 0
    assert main(["verify", "results/sweep", "--points", "1", "--sweep", "sweep.yaml"]) == 0
    summary = xr.load_dataset(group["summary"])
    assert summary.attrs["circuit"] == CIRCUIT
    assert summary.sizes["point"] == 6
    assert CIRCUIT in Path("reports/sweep.html").read_text()


def test_the_command_line_takes_it(here, capsys):
    assert main(["describe", CIRCUIT, "--layers", "2,1"]) == 0
    assert "Ep[i] + Xp[j] ->{mu} Ep[i] + Xp[j] + Wm[i,j]" in capsys.readouterr().out
    assert main(["train", "or", "--circuit", CIRCUIT, "--layers", "2,1", "--epochs", "1"]) == 0
    assert CIRCUIT in capsys.readouterr().out
    assert main(["train", "or", "--circuit", CIRCUIT, "--layers", "2,1", "--set", "mu=0.1"]) == 2
    assert "--set mu: mu follows from --learning-rate and --running-time" in capsys.readouterr().err


def test_a_change_of_its_file_changes_the_keys_of_its_points(here):
    assert re.fullmatch(r"[0-9a-f]{16}", circuit_source_hash(CIRCUIT))
    before = point().key
    assert point(replicate=1).key != before
    file = here / "my_circuits.py"
    file.write_text(file.read_text() + "# changed\n")
    assert Point.from_dict(point().to_dict()).key != before
    assert circuit_source_hash("onepot") == ""


def test_a_sweep_knows_the_files_that_it_names(here):
    (here / "sweep.yaml").write_text(sweeps_of("circuits.md")[0])
    before = read_sweep("sweep.yaml").fingerprint
    assert read_sweep("sweep.yaml").fingerprint == before
    file = here / "my_circuits.py"
    file.write_text(file.read_text() + "# changed\n")
    assert read_sweep("sweep.yaml").fingerprint != before


def test_an_installed_package_offers_a_name(here, monkeypatch):
    entry = EntryPoint("delta", CIRCUIT, "crnsim.circuits")
    circuit_kind(CIRCUIT)
    monkeypatch.setattr(
        "crnsim.registry._installed", lambda group: [entry] if group == "crnsim.circuits" else []
    )
    assert circuit_kind("delta") is circuit_kind(CIRCUIT)
    with pytest.raises(CrnsimError, match="known: onepot, clocked, feedforward, network, delta"):
        circuit_kind("delto")


BAD = """
from crnsim.circuits import CircuitKind
from my_circuits import DEFAULTS, delta_rule

PATH = CircuitKind("../x", "t", delta_rule, DEFAULTS, learning_parameter="mu")
TAKEN = CircuitKind("onepot", "t", delta_rule, DEFAULTS, learning_parameter="mu")
MODE = CircuitKind("a", "t", delta_rule, DEFAULTS, modes=("clocked",), learning_parameter="mu")
RATE = CircuitKind("a", "t", delta_rule, DEFAULTS, learning_parameter="nu")
WORD = "delta"
"""


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("PATH", r"its name is '\.\./x'; use letters, digits and _"),
        ("TAKEN", "its name 'onepot' is that of a built-in one"),
        ("MODE", r"its modes are \('clocked',\); use training, inference"),
        ("RATE", "one of its parameters must be its learning_parameter"),
        ("WORD", "it is no crnsim.circuits.CircuitKind"),
        ("NONE", "bad_circuits has no 'NONE'; did you mean 'MODE'|bad_circuits has no 'NONE'; known"),
    ],
)
def test_an_entry_that_cannot_be_used_is_one_clear_error(here, name, words):
    (here / "bad_circuits.py").write_text(BAD)
    with pytest.raises(CrnsimError, match=words):
        circuit_kind(f"bad_circuits:{name}")


def test_a_sweep_names_the_key_of_a_circuit_that_is_not_there(here):
    text = sweeps_of("circuits.md")[0]
    (here / "wrong.yaml").write_text(text.replace("my_circuits:DELTA", "my_circuits:DELTO"))
    with pytest.raises(CrnsimError, match=r"wrong\.yaml: line 1: circuit: .*did you mean 'DELTA'"):
        read_sweep("wrong.yaml")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("1 / 0", "its code failed: ZeroDivisionError"),
        ("3", "it built a int and no crnsim.circuits.Circuit"),
        ("replace(made, outputs=('Yq', None))", "its outputs name 'Yq'"),
        (
            "replace(made, learning_off={'nu': 0.0})",
            "its learning_off names 'nu', which is no rate parameter",
        ),
        ("replace(made, targets=None)", "it is trained, so it needs targets"),
    ],
)
def test_a_circuit_without_its_parts_is_one_line(here, change, words):
    name = f"part_{abs(hash(change))}"
    (here / f"{name}.py").write_text(
        "from dataclasses import replace\n"
        "from my_circuits import DELTA\n"
        "def build(*layers, **others):\n"
        "    made = DELTA.build(*layers, **others)\n"
        f"    return {change}\n"
        "WRONG = replace(DELTA, build=build)\n"
    )
    with pytest.raises(CrnsimError, match=words):
        run_points([point(circuit=f"{name}:WRONG")])


def test_a_circuit_may_ask_for_a_hidden_layer(here):
    (here / "deep.py").write_text(
        "from dataclasses import replace\n"
        "from crnsim.circuits import CIRCUITS\n"
        "from crnsim.errors import InputError\n"
        "def build(layers, *others, **more):\n"
        "    if len(layers) < 3:\n"
        "        raise InputError('deep: give a hidden layer')\n"
        "    return CIRCUITS['onepot'].build(layers, *others, **more)\n"
        "DEEP = replace(CIRCUITS['onepot'], name='deep', build=build)\n"
    )
    check_parameters("deep:DEEP", {})
    with pytest.raises(CrnsimError, match="ka is -1"):
        check_parameters("deep:DEEP", {"ka": -1.0})


def test_effective_smoothing_needs_no_parameter_k():
    pot = crnsim.onepot((2, 3, 1), activation="relu")
    states = pot.start(initial_weights((2, 3, 1), seed=0, dataset="xor", replicate=0))[None]
    without = replace(pot, parameters={name: value for name, value in pot.parameters.items() if name != "k"})
    np.testing.assert_array_equal(pot.effective_smoothing(states), without.effective_smoothing(states))
