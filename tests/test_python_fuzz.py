"""Runs, training, circuits and noise from Python, fuzzed; and a long run that hears Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from odd import REFUSED, fuzzed, judged, odd_numbers, odd_values, odd_words

import crnsim
from crnsim import Network, Noise, simulate
from crnsim.noise import NOISE_KINDS
from crnsim.outcomes import OUTCOMES

POT = (2, 3, 1)


def conversion() -> Network:
    net = Network(parameters={"k": 1.0, "q": 0.5})
    for name in "AB":
        net.add_species(name)
    net.add_family("pairs", "2A -> B", "k")
    net.add_family("back", "B -> 2A", "q")
    return net


#: Numbers that are taken more often than not.
SIZES = st.one_of(odd_numbers(), st.floats(-120, 120).map(lambda power: 10.0**power), st.integers(0, 5))


def some(options: dict[str, st.SearchStrategy]) -> st.SearchStrategy:
    """A few options, each odd or of its own kind."""
    return st.lists(st.sampled_from(sorted(options)), max_size=3, unique=True).flatmap(
        lambda names: st.fixed_dictionaries(
            {name: st.one_of(options[name], options[name], odd_values()) for name in names}
        )
    )


RUNS = some(
    {
        "t": st.one_of(
            st.lists(SIZES, min_size=2, max_size=4, unique=True).map(sorted), SIZES.map(lambda t: [0, t])
        ),
        "rates": st.one_of(
            st.dictionaries(st.sampled_from("kq"), SIZES), st.lists(SIZES, min_size=2, max_size=2)
        ),
        "initial": st.one_of(
            st.dictionaries(st.sampled_from("AB"), SIZES), st.lists(SIZES, min_size=2, max_size=2)
        ),
        "method": st.sampled_from(["auto", "bs23", "rkc", "rosw", "LSODA", "BDF", "Radau"]),
        "replicates": st.integers(0, 20),
        "volume": SIZES,
        "seed": SIZES,
        "species": st.lists(st.one_of(st.sampled_from("AB"), odd_words()), max_size=3),
        "rtol": SIZES,
        "atol": SIZES,
        "max_steps": st.integers(1, 10**5),
    }
)


@pytest.fixture(scope="module")
def compiled():
    """Compile what the fuzzers run, which takes longer than they wait."""
    for method in ("auto", "bs23", "rkc"):
        simulate(conversion(), [0, 1], initial={}, method=method)
    simulate(conversion(), [0, 1], initial={}, volume=10)
    crnsim.train(crnsim.onepot(POT), "xor", running_time=1.0, epochs=1)


@pytest.mark.fuzz
@fuzzed(150)
@given(RUNS)
def test_runs_fuzzed(compiled, options):
    net, given_options = conversion(), {"t": [0.0, 1.0], "initial": {"A": 1.0}, "max_steps": 20_000} | options
    if "volume" in options and isinstance(given_options["max_steps"], int):
        # A thousand events each, of which there are some ten million a second.
        given_options["max_steps"] = min(given_options["max_steps"], 1000)
    run = judged("simulate", options, lambda: simulate(net, **given_options))
    if run is not REFUSED:
        assert set(np.unique(run.status)) <= set(range(len(OUTCOMES)))
        ended = run.concentration.values[run.status.values == 0]
        assert np.all(np.isfinite(ended))
        assert np.all((run.status.values == 0) | (run.reason.values != ""))


TRAININGS = some(
    {
        "dataset": st.sampled_from(["xor", "or", "iris", "nand"]),
        "running_time": SIZES,
        "epochs": st.integers(0, 3),
        "noise": st.builds(Noise, **{name: st.sampled_from([0.0, 1e-12, 0.1, 3.0]) for name in NOISE_KINDS}),
        "replicates": st.integers(0, 3),
        "seed": SIZES,
        "rtol": SIZES,
        "atol": SIZES,
        "max_steps": st.integers(1, 100),
        "record": st.booleans(),
    }
)


@pytest.mark.fuzz
@fuzzed(40)
@given(TRAININGS)
def test_trainings_fuzzed(compiled, options):
    pot = crnsim.onepot(POT)
    given_options = {"dataset": "xor", "running_time": 5.0, "epochs": 1, "max_steps": 100} | options
    # What takes long is no case of this test: it is asked for.
    for name, most in {"max_steps": 1000, "epochs": 3, "replicates": 3}.items():
        if isinstance(given_options.get(name), (int, float)) and 0 < given_options[name] < 10**5:
            given_options[name] = min(given_options[name], most)
    found = judged("train", options, lambda: crnsim.train(pot, **given_options))
    if found is not REFUSED:
        assert np.all((found.score >= 0) & (found.score <= 1))


PARAMETERS = ("k", "kz", "h", "output", "h_output", "eps", "ka", "kw", "decay", "dead_zone", "delay")


@pytest.mark.fuzz
@fuzzed(200)
@given(
    st.one_of(
        odd_values(), st.lists(odd_numbers(), max_size=4), st.lists(st.integers(1, 3), min_size=2, max_size=4)
    ),
    st.one_of(st.sampled_from(["relu", "squareplus", "leaky_relu", "algebraic_tanh"]), odd_values()),
    st.one_of(st.booleans(), odd_values()),
    st.dictionaries(
        st.one_of(st.sampled_from(PARAMETERS), odd_words()), st.one_of(SIZES, odd_values()), max_size=2
    ),
)
def test_circuits_fuzzed(layers, activation, dual_rail, parameters):
    for build in (crnsim.onepot, crnsim.feedforward):
        if {"layers", "weights", "activation", "dual_rail", "replicate"} & set(parameters):
            return
        case = (build.__name__, layers, activation, dual_rail, parameters)
        circuit = judged(
            build.__name__,
            case,
            lambda build=build: build(layers, activation, dual_rail=dual_rail, **parameters),
        )
        if circuit is not REFUSED:
            constants = circuit.network.rate_constants()
            assert np.all(np.isfinite(constants))
            assert np.all(np.isfinite(circuit.network.state(circuit.initial)))


NOISES = ("rates", "concentrations", "inputs", "interval", "scope", "additive", "rates_mode")


@pytest.mark.fuzz
@fuzzed(200)
@given(
    st.dictionaries(
        st.one_of(st.sampled_from(NOISES), odd_words()), st.one_of(SIZES, odd_values()), max_size=3
    )
)
def test_noise_fuzzed(values):
    noise = judged("Noise", values, lambda: Noise(**values))
    if noise is not REFUSED:
        assert Noise(**noise.to_dict()) == noise


@pytest.mark.skipif(not hasattr(signal, "SIGINT") or os.name == "nt", reason="POSIX signals")
def test_a_long_run_hears_ctrl_c():
    # Many runs at a tolerance for minutes. What starts the tests may ignore the signal, as a shell in the background.
    code = """
import signal
import crnsim
signal.signal(signal.SIGINT, signal.default_int_handler)
net = crnsim.Network(parameters={"k": 1.0, "q": 0.5})
for name in "AB":
    net.add_species(name)
net.add_family("pairs", "2A -> B", "k")
net.add_family("back", "B -> 2A", "q")
crnsim.simulate(net, [0, 1], initial={"A": 1.0})
print("ready", flush=True)
crnsim.simulate(net, [0, 100], initial={"A": 1.0}, rtol=1e-13, atol=1e-13, max_steps=10**12, replicates=10**5)
"""
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(crnsim.__file__).parent.parent)},
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert "KeyboardInterrupt" in said
