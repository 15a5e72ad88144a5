"""A user's activation: one file outside the package, as docs/activations.md shows, by name and by entry point."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import EntryPoint
from itertools import pairwise

import numpy as np
import pytest
from pages import files_of

import crnsim
from crnsim import CrnsimError, feedforward, onepot
from crnsim.activations import activation, activation_class, registry, source_hash
from crnsim.algebraic import forward
from crnsim.cli.parser import main
from crnsim.kinetics.kernels import compile_network
from crnsim.sweep.config.read import read_sweep

UNIT = "my_units:Saturating"


@pytest.fixture
def here(tmp_path):
    """The files of the page in a directory of their own, with nothing imported from it before or after."""
    with files_of("activations.md", tmp_path) as folder:
        yield folder


def test_the_check_of_the_page_finds_nothing(here):
    # In a process of its own, as a reader would run it.
    script = [sys.executable, str(here / "check.py")]
    run = subprocess.run(script, cwd=here, capture_output=True, text=True, check=True)
    said = dict(re.findall(r"^(value off by|slope off by|.* within) (\S+)$", run.stdout, re.MULTILINE))
    assert len(said) == 3
    assert float(said["value off by"]) < 1e-6
    assert float(said["slope off by"]) < 1e-6
    # Central differences with a step of 1e-6 are good to about 1e-9.
    assert float(said["slope is the derivative within"]) < 1e-8
    assert "Cost(species=2, reactions=7, slope_species=5, slope_reactions=14)" in run.stdout


def test_a_pot_of_own_units_learns_xor(here):
    unit = activation(UNIT)
    circuit = onepot((2, 6, 1), unit)
    assert not compile_network(circuit.network).listed
    # The default learning rate of XOR is 0.2; a bounded unit has small slopes and takes a larger one.
    result = crnsim.train(
        onepot((2, 6, 1), unit, eps=0.01), "xor", running_time=100, epochs=150, replicates=2
    )
    loss = result.train_loss.values
    assert np.all(result.status == 0)
    assert np.all(loss[:, -1] < 0.5 * loss[:, 0])
    assert result.attrs["activation"] == UNIT
    assert feedforward(result).activation == unit


def test_a_feedforward_circuit_of_own_units_equals_the_algebra(here):
    rng = np.random.default_rng(0)
    weights = [(rng.normal(size=(o, i)), rng.normal(size=o)) for i, o in pairwise((3, 4, 3, 2))]
    x = rng.uniform(-1, 1, (5, 3))
    circuit = feedforward(weights, UNIT, dual_rail=True, h=0.2)
    np.testing.assert_allclose(circuit.predict(x), forward(weights, x, circuit.activation), rtol=1e-12)
    net, constants = circuit.network, circuit.network.rate_constants()
    for state, rate in zip(circuit.fixed_point(x), circuit.convergence_rate(x), strict=True):
        # A fixed point, to rounding, whose slowest eigenvalue is the rate (exact eigenvalues may be defective).
        np.testing.assert_allclose(net.stoichiometry() @ net.fluxes(state, constants), 0.0, atol=1e-12)
        jacobian = net.jacobian(state, constants).toarray()[: net.n_dynamic, : net.n_dynamic]
        assert -np.linalg.eigvals(jacobian).real.max() == pytest.approx(rate, rel=1e-4)


def test_the_command_line_takes_it(here, capsys):
    assert main(["describe", "onepot", "--activation", UNIT, "--set", "h=0.3"]) == 0
    assert "X1[i] ->{k} X1[i] + V1[i]" in capsys.readouterr().out
    assert main(["train", "xor", "--activation", UNIT, "--epochs", "1", "--running-time", "5"]) == 0
    assert UNIT in capsys.readouterr().out


def sweep_text(name):
    return f"datasets: [xor]\nactivations:\n  mine: {{name: '{name}', h: 0.2}}\nrunning_times: [10]\nreplicates: 1\n"


def test_a_sweep_takes_it(here):
    (here / "sweep.yaml").write_text(sweep_text(UNIT))
    assert read_sweep(here / "sweep.yaml").sweep.activations["mine"].name == UNIT


def test_source_hash_tells_versions_apart(here):
    first = source_hash(UNIT)
    assert re.fullmatch(r"[0-9a-f]{16}", first)
    text = (here / "my_units.py").read_text()
    (here / "other_units.py").write_text(text)
    assert source_hash("other_units:Saturating") == first
    (here / "third_units.py").write_text(text.replace("0.1", "0.2"))
    assert source_hash("third_units:Saturating") != first
    assert source_hash("squareplus") == ""


def test_an_installed_package_offers_a_name(here, monkeypatch):
    entry = EntryPoint("enzyme", UNIT, registry.ENTRY_POINTS)
    activation_class(UNIT)
    monkeypatch.setattr(
        "crnsim.registry._installed", lambda group: [entry] if group == registry.ENTRY_POINTS else []
    )
    assert activation("enzyme", h=0.5) == activation(UNIT, h=0.5)
    with pytest.raises(CrnsimError, match="did you mean 'enzyme'"):
        activation("enzymes")


MISTAKES = [
    ("no_such_module:Unit", "cannot import no_such_module: ModuleNotFoundError"),
    ("broken:Unit", "cannot import broken: ZeroDivisionError: division by zero"),
    ("my_units:Saturated", "my_units has no 'Saturated'; did you mean 'Saturating'"),
    ("half:Unit", "the class lacks add_slope, concentrations, relaxation_rate, slope, value, smooth"),
    ("half:Plain", "it is no subclass of crnsim.activations.Activation"),
    ("half:Undecorated", r"decorate the class with @dataclass\(frozen=True\)"),
]


@pytest.fixture
def mistakes(here):
    (here / "broken.py").write_text("1 / 0\n")
    lines = [
        "from crnsim.activations import Activation, Squareplus",
        "class Unit(Activation):\n    name = 'unit'\n    def add_value(self, layer): ...",
        "class Plain: ...",
        "import my_units\nclass Undecorated(my_units.Saturating): ...",
    ]
    (here / "half.py").write_text("\n".join(lines))


@pytest.mark.usefixtures("mistakes")
@pytest.mark.parametrize(("name", "words"), MISTAKES)
def test_a_class_that_cannot_be_used_is_one_clear_error(name, words):
    with pytest.raises(CrnsimError, match=words):
        activation(name)


@pytest.mark.usefixtures("mistakes")
def test_a_sweep_names_line_and_key_of_a_class_that_cannot_be_used(here):
    (here / "sweep.yaml").write_text(sweep_text("half:Plain"))
    with pytest.raises(CrnsimError, match=r"line 3: activations.mine.name: it is no subclass"):
        read_sweep(here / "sweep.yaml")
