"""Networks in files: the formats there are, and a user's own as docs/formats.md shows."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from pages import files_of

from crnsim import CrnsimError, feedforward, onepot
from crnsim.circuits import circuit_kind
from crnsim.cli import main
from crnsim.interchange import FORMATS, file_format, read_network, write_network

FORMAT = "my_formats:TABLE"


@pytest.fixture
def here(tmp_path):
    with files_of("formats.md", tmp_path) as folder:
        yield folder


def test_a_network_comes_back_from_a_format_of_the_users_own(here):
    circuit = onepot((2, 2, 1))
    write_network(circuit, "pot.csv", "a pot", FORMAT)
    network = read_network("pot.csv", FORMAT)
    assert network.n_reactions == circuit.network.n_reactions
    # The same rates of change, species by species, from any state.
    names = [label.replace("[", "_").replace(",", "_").replace("]", "") for label in circuit.network.labels]
    state = dict(zip(names, np.random.default_rng(0).uniform(0, 1, len(names)), strict=True))
    known = {species.name for species in network.species}
    there = network.state({name: value for name, value in state.items() if name in known})
    here_ = np.array([state[name] for name in names])
    change = [
        net.stoichiometry() @ net.fluxes(y, net.rate_constants())
        for net, y in ((circuit.network, here_), (network, there))
    ]
    found = dict(zip(network.labels, change[1], strict=True))
    expected = {name: value for name, value in zip(names, change[0], strict=True) if name in known}
    assert found.keys() == expected.keys()
    np.testing.assert_allclose([found[n] for n in expected], list(expected.values()), rtol=1e-12, atol=1e-14)


def test_text_holds_every_number_in_full(tmp_path):
    weights = [(np.array([[0.12573022110, -0.5]]), np.array([1 / 3]))]
    circuit = feedforward(weights)
    write_network(circuit, tmp_path / "y.crn", "a layer")
    text = (tmp_path / "y.crn").read_text()
    given = [float(rate) for rate in re.findall(r"->\{(.*?)\}", text)]
    constants = circuit.network.rate_constants()
    np.testing.assert_array_equal(given, constants)
    # These are the weights, and no placeholders.
    assert "here all 1" not in text
    write_network(circuit, tmp_path / "y.nc", "a layer")
    assert "remark" not in xr.load_dataset(tmp_path / "y.nc").attrs
    write_network(circuit_kind("feedforward").build((2, 1)), tmp_path / "ones.crn", "a layer")
    assert "here all 1" in (tmp_path / "ones.crn").read_text()


def test_the_command_line_writes_what_the_suffix_says(here, capsys):
    for name in ("pot.crn", "pot.nc"):
        assert main(["describe", "onepot", "--layers", "2,2,1", "-o", name]) == 0
    assert main(["describe", "onepot", "--layers", "2,2,1", "-o", "pot.csv", "--format", FORMAT]) == 0
    n_reactions = onepot((2, 2, 1)).network.n_reactions
    assert (here / "pot.crn").read_text().count(" ->{") == n_reactions
    assert xr.load_dataset("pot.nc").sizes["reaction"] == n_reactions
    assert len((here / "pot.csv").read_text().splitlines()) == n_reactions + 1
    capsys.readouterr()
    assert main(["describe", "onepot", "-o", "pot.txt"]) == 2
    known = ".crn (text), .nc (arrays), .xml, .sbml (sbml), .ant (antimony)"
    assert f"pot.txt: no format has this suffix; known: {known}" in capsys.readouterr().err


def test_a_format_that_is_only_written_says_so(tmp_path):
    write_network(onepot((2, 1)), tmp_path / "net.nc", "a pot")
    with pytest.raises(CrnsimError, match=r"net\.nc: the format arrays is only written, and not read"):
        read_network(tmp_path / "net.nc")


def test_every_format_has_a_suffix_of_its_own():
    suffixes = [one.suffix for one in FORMATS.values()]
    assert len(set(suffixes)) == len(suffixes)
    assert all(file_format(f"net{suffix}").suffix == suffix for suffix in suffixes)
    with pytest.raises(CrnsimError, match="unknown format 'sbm'; did you mean 'sbml'"):
        file_format("net.xml", "sbm")


WRONG = """
from crnsim.interchange import Format

def fails(network, path, title, circuit):
    raise KeyError("rate")

def adds_a_suffix(network, path, title, circuit):
    path.with_name(path.name + ".gz").write_text(title)

FAILS = Format("fails", ".f", "", fails)
NOTHING = Format("nothing", ".n", "", adds_a_suffix)
ODD = Format("odd", ".o", "", fails, lambda path: 3)
"""


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("FAILS", "its code failed: KeyError: 'rate'"),
        ("NOTHING", "it wrote nothing to the path it was given"),
    ],
)
def test_a_format_that_cannot_write_is_one_line_and_leaves_the_old_file(here, name, words, capsys):
    (here / "wrong_formats.py").write_text(WRONG)
    Path("pot.csv").write_text("old")
    assert main(["describe", "onepot", "-o", "pot.csv", "--format", f"wrong_formats:{name}"]) == 2
    assert words in capsys.readouterr().err
    assert Path("pot.csv").read_text() == "old"
    assert sorted(file.name for file in here.iterdir() if "pot" in file.name) == ["pot.csv"]


def test_a_format_that_reads_something_else_is_one_line(here):
    (here / "wrong_formats.py").write_text(WRONG)
    with pytest.raises(CrnsimError, match=r"it read a int and no crnsim\.Network"):
        read_network("pot.csv", "wrong_formats:ODD")
