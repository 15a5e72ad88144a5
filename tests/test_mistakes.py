"""Whoever makes several mistakes is told of all of them at once: in a sweep file, on the command line, in Python."""

from __future__ import annotations

import copy
import itertools
from typing import Any

import pytest
import yaml

import crnsim
from crnsim.cli.parser import main
from crnsim.errors import Checks, ConfigError, InputError
from crnsim.sweep.config.read import read_sweep

CIRCUIT: dict[str, Any] = {
    "activations": {"smooth": {"name": "squareplus", "h": 0.1}, "sharp": {"name": "relu"}},
    "running_times": [30.0],
    "noise": {"rates": {"magnitudes": [0.1]}},
    "datasets": {"xor": {"epochs": 2}, "iris": {}},
    "replicates": 3,
}
NETWORK: dict[str, Any] = {
    "network": "majority.crn",
    "inputs": [{"X": 0.6, "Y": 0.4, "expect": {"winner": "X"}}],
    "observables": {
        "winner": {"highest": ["X", "Y"]},
        "rest": {"value": "B", "target": 0.0, "tolerance": 0.1},
    },
    "parameters": {"k": [0.5, 1.0]},
    "running_times": [30.0],
    "noise": {"concentrations": {"magnitudes": [0.1]}},
    "replicates": 3,
}
#: Where a mistake is put, and what of it must be said. No two of them build on each other.
OF_CIRCUIT = [
    (("replicats",), 5, "unknown key 'replicats'"),
    (("running_times",), [-1.0], "running_times[0] is -1"),
    (("noise", "rates", "magnitudes"), ["x"], "noise.rates.magnitudes[0] is 'x'"),
    (("activations", "smooth", "name"), "rellu", "activations.smooth"),
    (("activations", "sharp", "h"), 0.1, "activations.sharp"),
    (("datasets", "xorr"), {}, "datasets.xorr"),
    (("datasets", "xor", "epochs"), 0, "datasets.xor.epochs is 0"),
    (("datasets", "irs"), {}, "datasets.irs"),
    (("circuit",), "onepott", ": circuit"),
    (("solver",), {"method": "rosww"}, "solver.method"),
]
OF_NETWORK = [
    (("replicats",), 5, "unknown key 'replicats'"),
    (("running_times",), [-1.0], "running_times[0] is -1"),
    (("observables", "winner"), {"highest": ["X", "Q"]}, "observables.winner"),
    (("observables", "rest"), {"value": "Z", "target": 1.0, "tolerance": 0.1}, "observables.rest"),
    (("parameters", "kk"), [1.0], "parameters.kk"),
    (("parameters", "k9"), [1.0], "parameters.k9"),
    (("noise", "concentrations", "scope"), "weights", "noise.concentrations.scope"),
    (("claims",), "kang2025", ": claims: belongs"),
    (("solver",), {"method": "rosww"}, "solver.method"),
]


@pytest.fixture
def said(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "majority.crn").write_text("k = 1\nX + Y ->{k} 2B\nB + X ->{k} 2X\nB + Y ->{k} 2Y\n")

    def read(sweep: dict[str, Any]) -> list[str]:
        (tmp_path / "sweep.yaml").write_text(yaml.safe_dump(sweep))
        with pytest.raises(ConfigError) as error:
            read_sweep("sweep.yaml")
        lines = str(error.value).splitlines()
        assert tuple(lines) == error.value.mistakes
        assert all(line.startswith("sweep.yaml: line ") for line in lines)
        assert len(set(lines)) == len(lines)
        return lines

    return read


def wrong(sweep: dict[str, Any], *mistakes: tuple[tuple[str, ...], Any, str]) -> dict[str, Any]:
    """Return a sweep with mistakes in it."""
    made = copy.deepcopy(sweep)
    for path, value, _ in mistakes:
        section = made
        for key in path[:-1]:
            section = section[key]
        section[path[-1]] = value
    return made


@pytest.mark.parametrize(("sweep", "known"), [(CIRCUIT, OF_CIRCUIT), (NETWORK, OF_NETWORK)])
def test_of_two_mistakes_in_a_sweep_file_both_are_said(said, sweep, known):
    for pair in itertools.combinations(known, 2):
        lines = said(wrong(sweep, *pair))
        for _, _, words in pair:
            assert any(words in line for line in lines), (words, lines)
        assert len(lines) == 2, lines


@pytest.mark.parametrize(("sweep", "known"), [(CIRCUIT, OF_CIRCUIT), (NETWORK, OF_NETWORK)])
def test_all_mistakes_of_a_sweep_file_are_said_each_once(said, sweep, known):
    lines = said(wrong(sweep, *known))
    assert not any("more" in line.rpartition("known:")[0] for line in lines)
    for _, _, words in known:
        assert sum(words in line for line in lines) == 1, (words, lines)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            "train xorr --epochs -1 --noise-rates x --colour blue",
            ["--epochs is -1", "--noise-rates is 'x'", "unrecognized arguments: --colour blue"],
        ),
        (
            "train xorr --activation rellu --layers 3 --noise-concentrations 0.1 --scope nothing",
            ["unknown data set 'xorr'", "--layers has 1", "unknown activation 'rellu'", "scope"],
        ),
        ("train xor --layers 3,1 --set kk=3", ["layers 3-1 do not fit xor", "--set kk"]),
        ("simulate --t -1 --rtol 0", ["--t is -1", "--rtol is 0", "required: network"]),
    ],
)
def test_all_mistakes_of_a_command_line_are_said(words, told, capsys):
    assert main(words.split()) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == len(told), lines
    for line, one in zip(lines, told, strict=True):
        assert one in line


def test_all_mistakes_of_a_call_are_said():
    with pytest.raises(InputError) as error:
        crnsim.train("xorr", layers=(2, "a"), epochs=-1, noise=0.05, rtol="x", record=3, replicates=0)
    starts = [
        "record is 3",
        "replicates is 0",
        "epochs is -1",
        "noise is 0.05",
        "rtol is 'x'",
        "layers",
        "unknown data",
    ]
    assert len(error.value.mistakes) == len(starts)
    assert all(one.startswith(start) for one, start in zip(error.value.mistakes, starts, strict=True))
    with pytest.raises(InputError) as error:
        crnsim.infer("xor", weights=5, running_time=-3)
    assert [one.split()[0] for one in error.value.mistakes] == ["running_time", "weights"]


def test_checks_go_on_after_what_fails_and_say_it_once():
    checks = Checks()

    def fail(what: str) -> int:
        raise InputError(what, "the same")

    assert checks.value(int, "3") == 3
    checks.value(fail, "first")
    checks.value(fail, "second")
    with pytest.raises(InputError) as error:
        checks.judge()
    assert error.value.mistakes == ("first", "the same", "second")
    with pytest.raises(ZeroDivisionError), checks.noted():
        print(1 / 0)
    Checks().judge()
