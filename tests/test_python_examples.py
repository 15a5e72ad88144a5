"""Odd input to the Python API that once ran, hung, filled the memory or ended in a traceback."""

from __future__ import annotations

import sys
import time
from dataclasses import replace

import numpy as np
import pytest

import crnsim
from crnsim import Network, Noise, simulate
from crnsim.datasets import load_dataset
from crnsim.errors import InputError
from crnsim.experiment import notebook
from crnsim.kinetics.codegen import generate

POT = (2, 3, 1)


def decay() -> Network:
    net = Network(parameters={"k": 1.0})
    net.add_species("A")
    net.add_family("decay", "A -> 0", "k")
    return net


def test_thousands_of_families_are_no_deep_expression():
    net = Network(parameters={"k": 1.0})
    net.add_species("B")
    for number in range(3000):
        net.add_species(f"A{number}")
        net.add_family("source", f"A{number} -> 2B", "k")
        net.add_family("decay", f"A{number} + B -> A{number}", "k")
    compile(generate(net)[1], "generated", "exec")


@pytest.mark.parametrize(
    ("times", "says"),
    [
        ([0, 1e-320], "lost in rounding"),
        ([0, 5e-324, 1], "lost in rounding"),
        ([0, 1, 1 + 1e-13], "further apart than 1e-12 of the time since the first"),
        ([1e16, 1e16 + 2], "lost in rounding"),
        ([0, 1e300], "<= 1e\\+100"),
        ([0, 1, 1], "increasing times"),
        (["0", "1"], "give increasing times"),
        ([0, None], "give increasing times"),
        ([0, 10**400], "give increasing times"),
        (iter([0, 1]), "give increasing times"),
        (range(10**12), "t would take 8e\\+03 GB of memory"),
    ],
)
def test_times_that_rounding_does_not_tell_apart_are_refused_at_once(times, says):
    start = time.monotonic()
    with pytest.raises(InputError, match=says):
        simulate(decay(), times, initial={"A": 1.0})
    assert time.monotonic() - start < 1


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"replicates": 10**10}, "replicates is 10000000000; it must be a whole number >= 1"),
        ({"replicates": 10**9}, "1e\\+09 runs of 1 species at 2 times would take .* GB"),
        ({"replicates": True}, "replicates is True"),
        ({"initial": {"A": {}}}, "initial 'A' is {}; give finite numbers"),
        (
            {"initial": {"A": 1e300}},
            "initial 'A' has 1e\\+300 in it; all of its values must be finite numbers >= 0 and <= 1e\\+100",
        ),
        ({"initial": {"A": "1"}}, "initial 'A' is '1'"),
        ({"initial": {"A": np.ma.array([1.0], mask=[True])}}, "initial 'A'"),
        ({"initial": np.array(["1"])}, "initial is"),
        ({"initial": np.array([1j])}, "initial is"),
        ({"rates": {"k": None}}, "rates: 'k' is None"),
        ({"rates": np.array([1e300])}, "rates: all of its values"),
        ({"method": ["auto"]}, "method is \\['auto'\\]; it must be text"),
        ({"method": "a\0b"}, "method has a NUL"),
        ({"seed": 2**63}, "it must be a whole number from 0 to 2\\^63 - 1"),
        ({"seed": 1.5}, "seed is 1.5"),
        ({"max_steps": 10**400}, "max_steps is a whole number of 401 digits"),
        ({"rtol": "1e-3"}, "rtol is '1e-3'"),
        ({"rtol": 2.0}, "rtol is 2.0; it must be a number >= 1e-14 and <= 0.1"),
        ({"species": ["A", "A"]}, "species names A twice"),
        ({"species": [None]}, "a name in species is None"),
        ({"species": 3}, "species is 3; give names of species"),
        ({"volume": "large"}, "volume is 'large'"),
    ],
)
def test_an_odd_argument_of_simulate_is_one_line(options, says):
    start = time.monotonic()
    with pytest.raises(InputError, match=says):
        simulate(decay(), [0, 1], **({"initial": {"A": 1.0}} | options))
    assert time.monotonic() - start < 1


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"seed": -1}, "seed is -1; it must be a whole number from 0"),
        ({"seed": 1.5}, "seed is 1.5"),
        ({"seed": 2**64}, "seed is 18446744073709551616"),
        ({"seed": True}, "seed is True"),
        ({"noise": []}, "noise is \\[\\]; give a crnsim.Noise"),
        ({"noise": 0.1}, "noise is 0.1; give a crnsim.Noise"),
        ({"noise": Noise(concentrations=0.1, interval=1e-300)}, "at most 1,000,000: take a longer interval"),
        (
            {"noise": Noise(concentrations=0.1), "running_time": 2.5},
            "acts first after interval/2 = 2.5, which is not",
        ),
        ({"dataset": None}, "dataset is None; give the name of a data set"),
        ({"dataset": ["xor"]}, "dataset is \\['xor'\\]"),
        ({"progress": 3}, "progress is 3; give a function"),
        ({"record": "no"}, "record is 'no'; it must be True or False"),
        ({"epochs": 10**8}, "epochs is 100000000; it must be a whole number"),
        ({"epochs": 10**6, "replicates": 10**6}, "1e\\+06 replicates of 4e\\+06 presentations would take"),
        ({"running_time": 1e300}, "running_time is 1e\\+300; it must be a number >= 1e-09 and <= 1e\\+12"),
        ({"running_time": "10"}, "running_time is '10'"),
        ({"circuit": "onepot"}, "circuit is 'onepot'; give a circuit"),
        ({"max_steps": 10**18}, "max_steps is 1000000000000000000"),
    ],
)
def test_an_odd_argument_of_training_is_one_line(options, says, monkeypatch):
    monkeypatch.setattr(notebook, "_train_and_read", lambda *given: None)
    given = {"circuit": crnsim.onepot(POT), "dataset": "xor", "running_time": 10.0, "epochs": 1}
    with pytest.raises(InputError, match=says):
        crnsim.train(**given | options)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"x_train": np.zeros((0, 2))}, "with at least one sample"),
        ({"x_train": np.full((4, 2), np.nan)}, "x_train: all of its values must be finite"),
        ({"x_train": np.full((4, 2), -1.0)}, "negative features; say so with dual_rail=True"),
        ({"y_train": np.zeros((3, 1))}, "have shapes \\(4, 2\\) and \\(3, 1\\)"),
        ({"x_test": [["a", "b"]]}, "x_test is"),
        ({"name": "a\nb"}, "its name"),
        ({"task": "nope"}, "xor: task is 'nope'; it must be classification or regression"),
        ({"task": None}, "xor: task is None"),
        ({"task": ["regression"]}, "xor: task is \\['regression'\\]"),
        ({"dual_rail": "yes"}, "xor: dual_rail is 'yes'; it must be True or False"),
        (
            {"target_names": ("a", "a")},
            "xor: target_names is \\('a', 'a'\\); give 1 different name, one for each col",
        ),
        ({"target_names": None}, "xor: target_names is None; give 1 different name"),
        ({"target_names": (None,)}, "xor: target_names: a name is None"),
        ({"feature_names": ()}, "xor: feature_names is \\(\\); give 2 different names, one for each column"),
        ({"feature_names": ("a", "a")}, "xor: feature_names is \\('a', 'a'\\); give 2 different names"),
        (
            {"x_test": np.zeros((4, 3))},
            "xor: x_train and x_test have shapes \\(4, 2\\) and \\(4, 3\\); they must have",
        ),
    ],
)
def test_samples_of_ones_own_are_looked_at(change, says, monkeypatch):
    monkeypatch.setattr(notebook, "_train_and_read", lambda *given: None)
    with pytest.raises(InputError, match=says):
        crnsim.train(crnsim.onepot(POT), replace(load_dataset("xor"), **change), running_time=10.0, epochs=1)


def test_lists_and_names_of_ones_own_are_taken(monkeypatch):
    taken = []
    monkeypatch.setattr(
        notebook, "_train_and_read", lambda circuit, points, datasets, *rest: taken.extend(datasets)
    )
    monkeypatch.setattr(notebook, "_looked_at", lambda caller, data: data)
    xor = load_dataset("xor")
    made = replace(xor, x_train=xor.x_train.tolist(), target_names=["out"], dual_rail=np.bool_(False))
    crnsim.train(crnsim.onepot(POT), made, running_time=10.0, epochs=1)
    assert (taken[0].x_train == xor.x_train).all()
    assert taken[0].target_names == ("out",)


@pytest.mark.parametrize(
    ("layers", "says"),
    [
        ("26", "layers are '26'"),
        (b"\x02\x06", "give at least two whole numbers"),
        ([2, True], "give at least two"),
        ([2, 10**6, 1], "at most 10,000 units"),
        ([2] * 1000, "at most 100 of"),
        (iter([2, 1]), "give at least two"),
        ({2: 1, 1: 2}, "give at least two"),
        ([10_000, 10_000, 1], "GB of memory"),
    ],
)
def test_odd_layers_are_one_line(layers, says):
    with pytest.raises(InputError, match=says):
        crnsim.onepot(layers)


def test_numbers_of_numpy_and_other_real_ones_are_taken():
    from fractions import Fraction

    net = Network(dims={"n": np.int64(2)}, parameters={"k": np.float32(0.5), "K": np.array([1, 2])})
    net.set_parameter("q", np.array(2.0))
    net.add_species("A", "n", slow=np.bool_(False))
    net.add_family("decay", "A[i] -> 0", np.float64(0.5))
    net.add_family("decay", "A[i] -> 0", Fraction(1, 4))
    net.add_family("decay", "A[i] -> 0", "q*K[i]")
    assert net.rate_constants().tolist() == [0.5, 0.5, 0.25, 0.25, 2.0, 4.0]
    assert net.state({"A": np.array([Fraction(1, 2), 1], dtype=object)}).tolist() == [0.5, 1.0]
    assert net.state({"A": np.float16(2)}).tolist() == [2.0, 2.0]
    assert crnsim.onepot(np.array([2, 1])).layers == (2, 1)


def test_what_a_result_names_is_not_imported():
    import xarray as xr

    result = xr.Dataset(
        {"weights": (("checkpoint", "weight"), np.ones((1, 2))), "replicate": 0},
        attrs={"layers": "[1, 1]", "activation": "antigravity:Fly"},
    )
    with pytest.raises(InputError, match="name it too, as activation="):
        crnsim.feedforward(result)
    assert "antigravity" not in sys.modules
    for name, value in {
        "layers": "[" * 100_000,
        "activation_parameters": "{",
        "circuit_parameters": "3",
    }.items():
        damaged = result.assign_attrs({"activation": "relu", name: value})
        with pytest.raises(InputError, match=f"the attribute {name} "):
            crnsim.feedforward(damaged)
