"""Odd calls of the Python API: one InputError that names the argument, at once."""

from __future__ import annotations

import time

import numpy as np
import pytest

import crnsim
from crnsim import CrnsimError, Network, Noise, onepot, simulate, train


def decay():
    network = Network(parameters={"k": 1.0})
    network.add_species("A")
    network.add_species("B")
    network.add_family("decay", "A -> B", "k")
    return network


def run(**options):
    return simulate(
        decay(), options.pop("t", [0, 1, 2]), initial=options.pop("initial", {"A": 1.0}), **options
    )


def trained(**options):
    return train(
        onepot((2, 1, 1)), options.pop("data", "xor"), **{"epochs": 1, "running_time": 1.0} | options
    )


CALLS = {
    "method": lambda: run(method=["auto"]),
    "initial": lambda: run(initial={"A": {}}),
    "replicates": lambda: run(replicates=1e10),
    "max_steps": lambda: run(max_steps=10**30),
    "t, lost in rounding": lambda: run(t=[0, 1e-320]),
    "t, beside a large number": lambda: run(t=[1e16, 1e16 + 2]),
    "t, beside another": lambda: run(t=[0, 1, 1 + 1e-13]),
    "t, of text": lambda: run(t=["a", "b"]),
    "t, of nothing": lambda: run(t=None),
    "rates": lambda: run(rates=np.array(["a"])),
    "rtol": lambda: run(rtol="small"),
    "species": lambda: run(species=[3]),
    "network": lambda: simulate(None, [0, 1]),
    "seed, negative": lambda: trained(seed=-1),
    "seed, a half": lambda: trained(seed=1.5),
    "seed, true": lambda: trained(seed=True),
    "seed, beyond 64 bits": lambda: trained(seed=2**70),
    "noise, a number": lambda: trained(noise=0.1),
    "noise, a list": lambda: trained(noise=[]),
    "data": lambda: trained(data=None),
    "progress": lambda: trained(progress=3),
    "epochs": lambda: trained(epochs=10**400),
    "running_time": lambda: trained(running_time=1e300),
    "running_time, small": lambda: trained(running_time=1e-300),
    "circuit": lambda: train("onepot", "xor", epochs=1, running_time=1.0),
    "layers": lambda: onepot("2,6,1"),
    "layers, of text": lambda: onepot((2, "six", 1)),
    "layers, too many": lambda: onepot((2, 10**9, 1)),
    "activation": lambda: onepot((2, 6, 1), activation=3),
    "ka": lambda: onepot((2, 6, 1), ka="fast"),
    "noise rates": lambda: Noise(rates=[0.1]),
    "noise interval": lambda: Noise(concentrations=0.1, interval="x"),
    "dataset": lambda: crnsim.load_dataset(["xor"]),
    "dims": lambda: Network(dims=[("n", 2)]),
    "dimension, source": lambda: Network(dims={"n; x=1": 2}),
    "dimension, two words": lambda: Network(dims={"a b": 2}),
    "dimension, long": lambda: Network(dims={"n": 10**9}).add_species("A", "n"),
    "name": lambda: Network().add_species(None),
    "parameter nan": lambda: Network(parameters={"nan": 1.0}),
    "equation": lambda: decay().add_family("x", b"A -> B", "k"),
    "equation, no molecule": lambda: decay().add_family("x", "0A -> B", "k"),
    "equation, many molecules": lambda: decay().add_family("x", "100000A -> B", "k"),
    "rate": lambda: decay().add_family("x", "A -> B", None),
    "text with half a character": lambda: decay().add_species("\ud800"),
    "text with NUL": lambda: crnsim.load_dataset("x\0r"),
}


@pytest.mark.parametrize("name", CALLS)
def test_an_odd_call_is_one_line_at_once(name):
    start = time.process_time()
    with pytest.raises(CrnsimError) as error:
        CALLS[name]()
    said = str(error.value)
    assert said.isprintable()
    assert len(said) < 500
    said.encode()
    assert time.process_time() - start < 20.0


def test_numbers_of_numpy_go_on_working():
    found = run(replicates=np.int64(2), rtol=np.float32(1e-3), max_steps=np.int32(1000))
    assert found.sizes["replicate"] == 2
    assert onepot(np.array([2, 1, 1]), ka=np.float64(20)).layers == (2, 1, 1)


def test_a_count_beyond_all_bounds_is_told_the_bound():
    with pytest.raises(CrnsimError, match=r"it must be a whole number >= 1 and <= 1e\+09"):
        run(replicates=1e10)
