"""Whatever is given to whatever parameter of the Python API is taken for a reason, or refused in one line."""

from __future__ import annotations

import inspect
import math
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from odd import check_line
from small_sweeps import small_sweep

import crnsim
from crnsim.activations import ACTIVATIONS, activation
from crnsim.circuits import Circuit, Feedforward, build_named, circuit_kind
from crnsim.errors import InputError
from crnsim.experiment import notebook
from crnsim.interchange import file_format, read_network, write_network
from crnsim.network import Network
from crnsim.noise import NOISE_KINDS, noise_kind
from crnsim.solvers import find_method

WEIGHTS = [(np.ones((1, 2)), np.zeros(1))]

#: What may be given where something else is meant, by a word for it.
ODD: dict[str, Callable[[], Any]] = {
    "None": lambda: None,
    "True": lambda: True,
    "-1": lambda: -1,
    "0": lambda: 0,
    "3": lambda: 3,
    "1.5": lambda: 1.5,
    "2^70": lambda: 2**70,
    "10^400": lambda: 10**400,
    "1e300": lambda: 1e300,
    "1e-320": lambda: 1e-320,
    "nan": lambda: math.nan,
    "inf": lambda: math.inf,
    "1j": lambda: 1j,
    "empty": lambda: "",
    "word": lambda: "no_such",
    "a b": lambda: "n; x=1",
    "path": lambda: "../x",
    "NUL": lambda: "a\0b",
    "surrogate": lambda: "a\ud800",
    "two lines": lambda: "a\nb",
    "long": lambda: "x" * 10**6,
    "bytes": lambda: b"A -> B",
    "[]": list,
    "[auto]": lambda: ["auto"],
    "[None]": lambda: [None],
    "ragged": lambda: [[1.0], [1.0, 2.0]],
    "{}": dict,
    "{A: {}}": lambda: {"A": {}},
    "{3: 1}": lambda: {3: 1},
    "set": lambda: {1},
    "class": lambda: int,
    "object": object,
    "function": lambda: lambda done: None,
    "generator": lambda: (i for i in range(2)),
    "range": lambda: range(10**12),
    "words": lambda: np.array(["1", "2"]),
    "objects": lambda: np.array([None, {}], dtype=object),
    "complex": lambda: np.array([1j, 2]),
    "masked": lambda: np.ma.array([0.0, 1.0], mask=[True, False]),
    "nan array": lambda: np.array([0.0, np.nan]),
    "shape": lambda: np.zeros((2, 2, 2)),
    "no values": lambda: np.zeros(0),
    "0-d": lambda: np.array(1.0),
}


def tube() -> Network:
    net = Network(dims={"n": 2}, parameters={"k": 1.0, "K": [1.0, 2.0]})
    net.add_species("A", "n")
    net.add_species("B")
    net.add_family("decay", "A[i] -> B", "k*K[i]")
    return net


def pot() -> Circuit:
    return crnsim.onepot((2, 3, 1))


def given_layer() -> Feedforward:
    return crnsim.feedforward(WEIGHTS)


def state() -> np.ndarray:
    return np.ones(3)


def rates() -> np.ndarray:
    return np.ones(2)


class Nothing:
    """Stands for a result."""


class Entrance:
    """A function of the Python API with arguments that it takes, and what is taken beyond them."""

    def __init__(self, call: Callable[..., Any], good: dict[str, Any], **taken: str) -> None:
        self.call, self.good = call, good
        #: Words of `ODD` that each parameter takes too.
        self.taken = {name: set(words.split("|")) for name, words in taken.items()}


#: What a number above zero takes, a running time, and a count.
POSITIVE, TIME, WHOLE = "3|1.5|2^70", "3|1.5", "3"
#: Where None means "left out".
NONE = "None|{}"
ENTRANCES: dict[str, Callable[[], Entrance]] = {
    "Network": lambda: Entrance(
        Network, {"dims": {"n": 2}, "parameters": {"k": 1.0}}, dims=NONE, parameters=NONE
    ),
    "set_parameter": lambda: Entrance(
        Network().set_parameter,
        {"name": "q", "value": 1.0},
        # An array of rate parameters has any shape; a value of 0 means that a reaction is absent.
        name="word",
        value=f"0|{POSITIVE}|shape|0-d",
    ),
    "add_species": lambda: Entrance(
        tube().add_species, {"name": "C", "dims": ("n",), "slow": True}, name="word", slow="True"
    ),
    "add_family": lambda: Entrance(
        tube().add_family,
        {"label": "decay", "equation": "B -> 0", "rate": "k"},
        label="empty|word|a b|path",
        rate=f"0|{POSITIVE}",
    ),
    # It asks: what cannot be a name is none.
    "has_parameter": lambda: Entrance(tube().has_parameter, {"name": "K[1]"}, name="|".join(ODD)),
    "uses": lambda: Entrance(tube().uses, {"name": "K[1]"}, name="|".join(ODD)),
    "check_parameter": lambda: Entrance(
        tube().check_parameter, {"name": "K[1]", "species": True}, species="True"
    ),
    "rows": lambda: Entrance(tube().rows, {"name": "A"}),
    "row": lambda: Entrance(tube().row, {"label": "A[1]"}),
    "state": lambda: Entrance(tube().state, {"values": {"A": [1.0, 2.0], "B": 1}}, values=NONE),
    "set_initial": lambda: Entrance(tube().set_initial, {"values": {"A": [1.0, 2.0], "B": 1}}, values=NONE),
    "set_aliases": lambda: Entrance(tube().set_aliases, {"names": {"A": "x"}}, names=f"{NONE}"),
    "to_crn": lambda: Entrance(
        tube().to_crn, {"initial": state(), "elementary": True}, initial=NONE, elementary="True"
    ),
    "draw": lambda: Entrance(tube().draw, {"ax": None}, ax="None"),
    "read_crn": lambda: Entrance(crnsim.read_crn, {"source": "A ->{1} B"}),
    "read_sbml": lambda: Entrance(crnsim.read_sbml, {"source": crnsim.to_sbml(tube())}),
    "to_sbml": lambda: Entrance(
        crnsim.to_sbml,
        {"network": tube(), "initial": state(), "title": "a tube"},
        initial=NONE,
        title="empty|word|path|a b",
    ),
    "rate_constants": lambda: Entrance(tube().rate_constants, {"overrides": {"k": 2.0}}, overrides=NONE),
    "n_active_reactions": lambda: Entrance(
        tube().n_active_reactions, {"parameters": {"k": 2.0}}, parameters=NONE
    ),
    "reactions": lambda: Entrance(
        lambda parameters: list(tube().reactions(parameters)), {"parameters": {"k": 2.0}}, parameters=NONE
    ),
    "fluxes": lambda: Entrance(
        tube().fluxes,
        {"state": state(), "constants": rates()},
        constants="nan array",  # of which nothing is made but nan
    ),
    "slopes": lambda: Entrance(
        tube().slopes,
        {"state": state()},
    ),
    "jacobian": lambda: Entrance(
        tube().jacobian,
        {"state": state(), "constants": rates()},
        constants="nan array",  # of which nothing is made but nan
    ),
    "simulate": lambda: Entrance(
        crnsim.simulate,
        {
            "network": tube(),
            "t": [0, 1],
            "method": "auto",
            "rates": rates(),
            "initial": state(),
            "replicates": 2,
            "volume": None,
            "seed": None,
            "species": ["A", "B"],
            "rtol": 1e-3,
            "atol": 1e-6,
            "max_steps": 1000,
            "noise": crnsim.Noise(rates=0.1),
            "estimate": False,
            "keep_rates": False,
        },
        rates=NONE,
        initial="{}",
        replicates=WHOLE,
        noise=NONE,
        estimate="True",
        keep_rates="True",
        # Methods that take neither volume nor seed refuse both later on.
        volume=f"None|{POSITIVE}",
        seed="None|0|3",
        species="None",
        atol=f"{POSITIVE}|None|{{}}",
        max_steps=WHOLE,
    ),
    "event_list": lambda: Entrance(
        crnsim.event_list,
        {
            "network": tube(),
            "time": 1.0,
            "replicate": 1,
            "rates": rates(),
            "initial": state(),
            "noise": None,
            "volume": 10.0,
            "seed": 1,
            "most": 10**6,
        },
        time=POSITIVE,
        replicate="0|3",
        rates=NONE,
        initial="{}",
        noise="{}|None",
        volume="3|1.5",
        seed="0|3|None",
        most="",
    ),
    "linear_noise": lambda: Entrance(
        crnsim.linear_noise,
        {
            "network": tube(),
            "t": [0, 1],
            "volume": 10.0,
            "rates": rates(),
            "initial": state(),
            "species": ["A", "B"],
        },
        t="None",
        volume=POSITIVE,
        rates=NONE,
        initial="{}",
        species="None",
    ),
    "ensemble": lambda: Entrance(
        crnsim.ensemble,
        {
            "network": tube(),
            "t": [0, 1],
            "replicates": 2,
            "quantiles": [0.5],
            "bins": 4,
            "method": "auto",
            "rates": rates(),
            "initial": state(),
            "volume": None,
            "seed": None,
            "species": ["A", "B"],
            "rtol": 1e-3,
            "atol": 1e-6,
            "max_steps": 1000,
            "noise": crnsim.Noise(rates=0.1),
            "estimate": False,
            "progress": None,
        },
        quantiles="[]|no values",
        bins="3|None",
        rates=NONE,
        initial="{}",
        replicates=WHOLE,
        noise=NONE,
        estimate="True",
        volume=f"None|{POSITIVE}",
        seed="None|0|3",
        species="None",
        atol=f"{POSITIVE}|None|{{}}",
        max_steps=WHOLE,
        progress="None|function|class",
    ),
    "robustness": lambda: Entrance(
        crnsim.robustness,
        {
            "network": tube(),
            "readout": {"x": {"value": "B", "above": 0.5}},
            "running_times": [1.0],
            "noise": {"rates": [0.1]},
            "parameters": {"k": [1.0]},
            "initial": {"B": 1.0},
            "inputs": [{"B": 1.0}],
            "replicates": 1,
            "seed": 1,
            "rtol": 1e-3,
            "max_steps": 1000,
            "progress": None,
        },
        running_times=TIME,
        noise=NONE,
        parameters=NONE,
        initial=NONE,
        inputs="None",
        replicates=WHOLE,
        seed="0|3",
        max_steps=WHOLE,
        progress="None|function|class",
    ),
    "train": lambda: Entrance(
        crnsim.train,
        {
            "circuit": pot(),
            "dataset": "xor",
            "layers": None,
            "running_time": 10.0,
            "epochs": 2,
            "noise": crnsim.Noise(rates=0.1),
            "replicates": 2,
            "seed": 1,
            "target": None,
            "task": None,
            "label": None,
            "method": "auto",
            "rtol": 1e-3,
            "atol": 1e-6,
            "max_steps": 1000,
            "record": True,
            "progress": None,
        },
        # What is left out has its default.
        circuit="None",
        layers="None",
        running_time=f"{TIME}|None",
        epochs=f"{WHOLE}|None",
        target="None",
        task="None",
        label="None",
        noise=NONE,
        replicates=WHOLE,
        seed="0|3",
        max_steps=WHOLE,
        record="True",
        progress="None|function|class",
    ),
    "infer": lambda: Entrance(
        crnsim.infer,
        {
            "circuit": given_layer(),
            "dataset": "or",
            "layers": None,
            "running_time": 10.0,
            "weights": WEIGHTS,
            "noise": crnsim.Noise(rates=0.1),
            "replicates": 2,
            "seed": 1,
            "target": None,
            "task": None,
            "label": None,
            "method": "auto",
            "rtol": 1e-3,
            "atol": 1e-6,
            "max_steps": 1000,
            "progress": None,
        },
        layers="None",
        running_time=f"{TIME}|None",
        weights="None",
        target="None",
        task="None",
        label="None",
        noise=NONE,
        replicates=WHOLE,
        seed="0|3",
        max_steps=WHOLE,
        progress="None|function|class",
    ),
    "crnsim.rate_constants": lambda: Entrance(
        crnsim.rate_constants,
        {
            "circuit": pot(),
            "dataset": "xor",
            "running_time": 10.0,
            "noise": crnsim.Noise(rates=0.1),
            "replicate": 1,
            "seed": 1,
            "presentation": 1,
            "learning": True,
            "weights": None,
        },
        running_time=f"{TIME}|None",
        noise=NONE,
        replicate="0|3",
        seed="0|3",
        presentation="0|3",
        learning="True",
        weights="None",
    ),
    "sample_order": lambda: Entrance(
        crnsim.sample_order,
        {"dataset": "xor", "epochs": 2, "replicate": 1, "seed": 1},
        epochs=WHOLE,
        replicate="0|3",
        seed="0|3",
    ),
    "onepot": lambda: Entrance(
        crnsim.onepot,
        {"layers": (2, 3, 1), "activation": "squareplus", "dual_rail": False, "parameters": {"h": 0.1}},
        dual_rail="True",
    ),
    "clocked": lambda: Entrance(
        crnsim.clocked,
        {"layers": (2, 3, 1), "activation": "logistic", "dual_rail": False, "parameters": {"eta": 0.1}},
        dual_rail="True",
    ),
    "oscillator": lambda: Entrance(
        crnsim.oscillator,
        {"phases": 3, "phase_length": 10.0, "period": None, "delta": 1e-6},
        phases=WHOLE,
        phase_length=f"{TIME}|None",
        # Of a phase length and a period one is given.
        period="None",
    ),
    "feedforward": lambda: Entrance(
        crnsim.feedforward,
        {
            "weights": WEIGHTS,
            "activation": "relu",
            "dual_rail": True,
            "replicate": 0,
            "parameters": {"kz": 10.0},
        },
        activation="None",
        dual_rail="True|None",
        replicate="0|3",
    ),
    "Feedforward.state": lambda: Entrance(given_layer().state, {"x": [1.0, 2.0]}),
    "Feedforward.fixed_point": lambda: Entrance(
        given_layer().fixed_point, {"x": [1.0, 2.0], "weights": WEIGHTS}, weights="None"
    ),
    "Feedforward.predict": lambda: Entrance(
        given_layer().predict, {"x": [1.0, 2.0], "weights": WEIGHTS}, weights="None"
    ),
    "Feedforward.convergence_rate": lambda: Entrance(
        given_layer().convergence_rate, {"x": [1.0, 2.0], "weights": WEIGHTS}, weights="None"
    ),
    "Feedforward.rates": lambda: Entrance(given_layer().rates, {"weights": WEIGHTS}, weights="None"),
    "Circuit.start": lambda: Entrance(crnsim.onepot((2, 1)).start, {"weights": WEIGHTS}),
    "Circuit.read_out": lambda: Entrance(given_layer().read_out, {"states": np.ones((2, 4))}),
    "Circuit.weight_values": lambda: Entrance(
        pot().weight_values, {"states": np.ones((1, pot().network.n_species))}
    ),
    "Circuit.unflatten": lambda: Entrance(pot().unflatten, {"weights": np.ones(13)}),
    "Circuit.effective_smoothing": lambda: Entrance(
        pot().effective_smoothing,
        {"states": np.ones((1, pot().network.n_species)), "constants": pot().network.rate_constants()},
        constants="None",
    ),
    "Circuit.scope": lambda: Entrance(pot().scope, {"scope": "signals"}),
    "load_dataset": lambda: Entrance(
        crnsim.load_dataset,
        {"name": "xor", "replicate": 1, "seed": 1, "target": None, "task": None, "label": None, "source": ()},
        replicate="0|3",
        seed="0|3",
        target="None",
        task="None",
        label="None",
    ),
    "sweep": lambda: Entrance(
        crnsim.sweep,
        {
            "config": small_sweep(),
            "workers": 1,
            "progress": False,
            "folder": None,
            "keys": {"replicates": 2},
        },
        workers=WHOLE,
        progress="None|True|function|class",
        folder="None|word|path|a b|two lines",
    ),
    "robustness_tree": lambda: Entrance(crnsim.robustness_tree, {"source": "tables.nc"}),
    "activation": lambda: Entrance(activation, {"name": "squareplus", "parameters": {"h": 0.1}}),
    "build_named": lambda: Entrance(
        build_named,
        {"name": "onepot", "layers": (2, 1), "arguments": ("relu",), "parameters": {"dual_rail": True}},
    ),
    "circuit_kind": lambda: Entrance(circuit_kind, {"name": "onepot"}),
    "noise_kind": lambda: Entrance(noise_kind, {"name": "rates"}),
    "find_method": lambda: Entrance(find_method, {"name": "auto"}),
    "file_format": lambda: Entrance(
        file_format,
        {"path": "a.crn", "name": "text", "to_read": False},
        name="empty",
        path="word|path|a b|two lines",
        to_read="True",
    ),
    "read_network": lambda: Entrance(read_network, {"path": "a.crn", "name": ""}),
    "write_network": lambda: Entrance(
        write_network,
        {"network": pot(), "path": "a.crn", "title": "a pot", "name": ""},
        title="empty|word|path|a b",
        name="empty",
    ),
    "Noise": lambda: Entrance(crnsim.Noise, {"positional": (), "values": {"rates": 0.1}}),
}
#: Values of keywords that a function takes as ``**parameters``, checked each like a parameter.
KEYWORDS: dict[str, tuple[Callable[..., Any], dict[str, str]]] = {
    "onepot": (
        lambda **given: crnsim.onepot((2, 1, 1), "squareplus", **given),
        dict.fromkeys(("eps", "ka", "kz", "kw", "decay", "dead_zone"), f"0|{POSITIVE}")
        | {"k": POSITIVE, "delay": "0|3", "h": POSITIVE, "output": ""},
    ),
    "clocked": (
        lambda **given: crnsim.clocked((2, 1, 1), "logistic", **given),
        dict.fromkeys(("eta", "ka", "kz", "kw", "threshold"), f"0|{POSITIVE}")
        | dict.fromkeys(("k", "kj", "kd"), POSITIVE)
        | {"samples": WHOLE, "delta": "", "output": "", "h_output": f"{POSITIVE}|1e-320"},
    ),
    "feedforward": (
        lambda **given: crnsim.feedforward((2, 1, 1), "squareplus", **given),
        {
            "k": POSITIVE,
            "kz": f"0|{POSITIVE}",
            "h": POSITIVE,
            "output": "",
            "h_output": f"{POSITIVE}|1e-320",
        },
    ),
    "Noise": (
        crnsim.Noise,
        dict.fromkeys(NOISE_KINDS, "0|2|1.5")
        | {"rates_mode": "", "scope": "", "interval": f"{POSITIVE}|1e-320|1e300", "additive": "True"}
        | {"correlation_time": f"{POSITIVE}|1e-320|1e300"},
    ),
    **{
        f"activation {name}": (
            lambda name=name, **given: activation(name, **given),
            {
                parameter: "" if parameter == "derivative" else "" if parameter == "alpha" else POSITIVE
                for parameter in ACTIVATIONS[name]().parameters()
            },
        )
        for name in ACTIVATIONS
    },
}
#: Those that change the network that they are asked of.
CHANGING = {"set_parameter", "add_species", "add_family", "set_initial", "set_aliases"}
#: No format built in is read.
NEVER_GOOD = {"read_network", "robustness_tree"}


@pytest.fixture(autouse=True)
def nothing_runs(monkeypatch, tmp_path):
    # What is accepted is not computed here; the fuzzers of tests/test_python_fuzz.py let it run.
    monkeypatch.chdir(tmp_path)
    assert crnsim.simulate
    assert crnsim.ensemble
    for name in ("_train_and_read", "_read_given", "_looked_at"):
        monkeypatch.setattr(notebook, name, lambda *given: None)
    monkeypatch.setattr("crnsim.solvers.solve", lambda *given, **options: (None, []))
    for name in ("make_dataset", "error_variables", "rate_variables", "say_what_failed"):
        monkeypatch.setattr(sys.modules["crnsim.simulation.result"], name, lambda *given: {})
    monkeypatch.setattr(sys.modules["crnsim.simulation.ensembles"], "_reduced", lambda *given: None)
    monkeypatch.setattr(sys.modules["crnsim.simulation.prepare"], "_solved", lambda *given: (None, [], None))
    monkeypatch.setattr("crnsim.experiment.observe._judged", lambda *given: None)
    monkeypatch.setattr("crnsim.experiment.cube._cube", lambda *given: None)
    monkeypatch.setattr("crnsim.interactive.sweep._computed", lambda plan, *given: plan)
    monkeypatch.setattr("crnsim.interactive.sweep._result", lambda *given, **options: Nothing())
    monkeypatch.setattr("crnsim.experiment.observe._repeated", lambda *given: None)


def called(entrance: Entrance, **changed: Any) -> Any:
    positional: list[Any] = []
    keywords: dict[str, Any] = {}
    for name, parameter in inspect.signature(entrance.call).parameters.items():
        given = {**entrance.good, **changed}[name]
        if parameter.kind is parameter.VAR_POSITIONAL:
            positional += given
        elif parameter.kind is parameter.VAR_KEYWORD:
            keywords |= given
        elif parameter.kind is parameter.KEYWORD_ONLY:
            keywords[name] = given
        else:
            positional.append(given)
    return entrance.call(*positional, **keywords)


def judge(call: Callable[[], Any], word: str, taken: set[str]) -> str:
    """Return what is wrong with how a value is met; empty if nothing is."""
    try:
        call()
    except InputError as error:
        check_line(str(error))
        return f"{word} is refused ({error})" if word in taken else ""
    except Exception as error:
        return f"{word} ends in {type(error).__name__}: {error}"
    return "" if word in taken else f"{word} is accepted"


@pytest.mark.parametrize("name", ENTRANCES)
def test_every_parameter_takes_what_it_should_and_nothing_else(name):
    entrance = ENTRANCES[name]()
    if name not in NEVER_GOOD:
        called(entrance)
    wrong = []
    for parameter, kind in inspect.signature(entrance.call).parameters.items():
        if kind.kind is kind.VAR_KEYWORD:
            continue  # below, keyword by keyword
        assert parameter in entrance.good, f"a new parameter: {parameter}; give it a good value and a check"
        for word, odd in ODD.items():
            value = (odd(),) if kind.kind is kind.VAR_POSITIONAL else odd()
            entrance = ENTRANCES[name]() if name in CHANGING else entrance
            found = judge(
                partial(called, entrance, **{parameter: value}), word, entrance.taken.get(parameter, set())
            )
            wrong += [f"{parameter}: {found}"] if found else []
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", KEYWORDS)
def test_every_keyword_takes_what_it_should_and_nothing_else(name):
    call, keywords = KEYWORDS[name]
    wrong = []
    for keyword, taken in keywords.items():
        for word, odd in ODD.items():
            found = judge(partial(call, **{keyword: odd()}), word, set(taken.split("|")))
            wrong += [f"{keyword}: {found}"] if found else []
    for word in ("no_such", "a b", "a\nb", "\ud800", "x" * 10**5, "os:system", ":", "n; x=1"):
        found = judge(partial(call, **{word: 1.0}), word, set())
        wrong += [found] if found else []
    assert not wrong, "\n".join(wrong)


def test_the_table_names_all_of_the_public_api():
    public = {name for name in crnsim.__all__ if callable(getattr(crnsim, name))}
    public -= {"CrnsimError", "InputError", "SweepResult"}
    assert public <= set(ENTRANCES)
    methods = {
        name
        for name, method in inspect.getmembers(Network)
        if not name.startswith("_")
        and inspect.isfunction(method)
        and len(inspect.signature(method).parameters) > 1
    }
    assert methods <= set(ENTRANCES)
    every = {name for call, names in KEYWORDS.values() for name in names}
    assert {option.keyword for kind in NOISE_KINDS.values() for option in kind.options} <= every
