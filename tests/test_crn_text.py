"""Networks as text: what is written reads back as the same network, and what is no network is one line."""

from __future__ import annotations

import contextlib
import json

import numpy as np
import pytest
from hypothesis import given
from same import assert_same, networks

import crnsim
from crnsim import CrnsimError, Network, read_crn
from crnsim.activations import ACTIVATIONS
from crnsim.circuits import CIRCUITS
from crnsim.cli import main
from crnsim.interchange.text import network_text


@given(networks())
def test_any_network_reads_back_from_its_families(network):
    assert_same(read_crn(network.to_crn()), network, families=True)


@given(networks())
def test_any_network_reads_back_from_its_reactions(network):
    assert_same(read_crn(network.to_crn(elementary=True)), network)


def circuits():
    """Every circuit with every activation that it takes."""
    for kind in CIRCUITS.values():
        for unit in ACTIVATIONS:
            with contextlib.suppress(CrnsimError):
                yield kind.build((2, 2, 1), crnsim.activations.activation(unit), dual_rail=True)


@pytest.mark.parametrize("circuit", list(circuits()), ids=lambda c: f"{c.name}-{c.activation.name}")
def test_every_circuit_reads_back(circuit):
    network = circuit.network
    assert network.initial or not any(np.any(value) for value in circuit.initial.values())
    assert_same(read_crn(network_text(network, "a title", circuit, elementary=False)), network, families=True)
    assert_same(read_crn(network_text(network, "a title", circuit, elementary=True)), network)


def test_what_describe_prints_reads_back(capsys):
    expected = crnsim.onepot((2, 2, 1), h=1 / 3).network
    for words in ([], ["--all"]):
        assert main(["describe", "onepot", "--layers", "2,2,1", "--h", repr(1 / 3), *words]) == 0
        assert_same(read_crn(capsys.readouterr().out), expected)


def test_a_rate_keeps_its_seventeen_digits():
    text = read_crn("A ->{0.3333333333333333} B; init A 1.8751574012156422e-5").to_crn(elementary=True)
    assert "0.3333333333333333" in text
    assert "1.875157401215642e-05" in text


def test_the_language():
    network = read_crn(
        """
        # an approximate majority, and more
        X + Y <->{kf}{2*kr} 2*B   // reversible
        kf = 1.5; parameter kr = 0.25
        ∅ ->{1e-2} A[0]; A[1] + A[1] ->{w[1,0]*kf} 0
        w = [[1, 2],
             [3, 4]]
        init X 1.0
        init A[1] = 0.5
        """
    )
    assert [str(reaction) for reaction in network.reactions()] == [
        "X + Y ->{1.5} 2B",
        "2B ->{0.5} X + Y",
        "0 ->{0.01} A[0]",
        "2A[1] ->{4.5} 0",
    ]
    assert network.labels == ["X", "Y", "B", "A[0]", "A[1]"]
    assert network.state(network.initial).tolist() == [1.0, 0, 0, 0, 0.5]


def test_arrays_and_dimensions():
    network = read_crn(
        "dim n = 2; species X[n], Y[3]; slow species W[n,3]; W[i,j] + X[i] ->{1} W[i,j] + Y[j]"
    )
    assert network.n_reactions == 6
    assert [(one.name, one.shape, one.slow) for one in network.species] == [
        ("X", (2,), False),
        ("Y", (3,), False),
        ("W", (2, 3), True),
    ]


def test_a_file_and_text_are_told_apart(tmp_path):
    path = tmp_path / "net.crn"
    path.write_text("\ufeffA ->{1} B\r\ninit A 1\r\n", encoding="utf-8")
    for source in (path, str(path), "A ->{1} B\ninit A 1"):
        assert read_crn(source).labels == ["A", "B"]


def test_a_reversible_equation_in_python():
    network = Network(parameters={"kf": 2.0})
    for name in "ABC":
        network.add_species(name)
    network.add_family("binding", "A + B <-> C", ("kf", 0.5))
    assert [str(r) for r in network.reactions()] == ["A + B ->{2} C", "C ->{0.5} A + B"]
    for equation, rate, words in (
        ("A <-> B", "kf", "needs two rates"),
        ("A <-> B", ("kf",), "needs two rates"),
        ("A -> B", ("kf", "kf"), "2 rates for one direction"),
        ("A <-> B <-> C", ("kf", "kf"), "exactly one"),
        ("A <-> B -> C", ("kf", "kf"), "exactly one"),
    ):
        with pytest.raises(CrnsimError, match=words):
            network.add_family("", equation, rate)
    assert network.n_reactions == 2


def test_the_diagonal_of_a_family_is_one_reactant():
    network = Network(dims={"n": 2}, parameters={"k": 3.0})
    network.add_species("X", "n")
    network.add_family("", "X[i] + X[j] -> X[i]", "k")
    assert [str(r) for r in network.reactions()] == [
        "2X[0] ->{3} X[0]",
        "X[0] + X[1] ->{3} X[0]",
        "X[1] + X[0] ->{3} X[1]",
        "2X[1] ->{3} X[1]",
    ]
    again = read_crn(network.to_crn(elementary=True))
    state = np.array([0.3, 0.7])
    np.testing.assert_array_equal(
        again.stoichiometry() @ again.fluxes(state, again.rate_constants()),
        network.stoichiometry() @ network.fluxes(state, network.rate_constants()),
    )


WRONG = {
    "A -> B": "line 1: a reaction needs one rate, and 'A -> B' has none",
    "\nA ->{1} B\nA ->{1 B": "line 3: a { of 'A ->{1 B' is not closed",
    "A <->{1} B": "a reversible reaction needs two rates, and 'A <->{1} B' has 1",
    "A ->{1}{2} B": "a reaction needs one rate, and 'A ->{1}{2} B' has 2",
    "A ->{-1} B": "rate '-1' is negative",
    "A ->{1e101} B": "too large",
    "A ->{kk} B\nk = 1": "unknown rate parameter 'kk'; did you mean 'k'",
    "A ->{1 + 2} B": "cannot read rate",
    "A ->{} B": "a rate of 'A ->{} B' is empty",
    "A <- B": "'<-' is no arrow here",
    "A => B": "'=>' is no arrow here",
    "A ->{1} B -> C": "more than an arrow and its rates",
    "A ->{1}": "a side of 'A ->{1}' is empty; write 0 for nothing",
    "A + ->{1} B": "cannot read ''",
    "A ->{1} 2.5 B": "cannot read '2.5 B'",
    "A ->{1} 99 B": "too many molecules",
    "A ->{1} B\ninit Q 1": "line 2: no species 'Q'; known: A, B",
    "A ->{1} B\ninit A -1": "line 2: initial 'A' has -1 in it",
    "A ->{1} B\ninit A nan": "line 2: init A is 'nan'; it must be a number",
    "species A\nA ->{1} B": "line 2: reaction 'A -> B': undeclared species 'B'",
    "species A, A": "line 1: species 'A' is declared twice",
    "species A\nspecies B, A": "line 2: species 'A' is declared twice",
    "species A[m]": "unknown dimension 'm'",
    "species 2A": "cannot read species '2A'",
    "A[i] ->{1} B": "A[i] stands for several species; say how many: species A[3]",
    "A[0] + A ->{1} B": "A stands with 0 indices here and with 1 elsewhere",
    "k = 1\nk = 2": "line 2: rate parameter 'k' is set twice",
    "k = 1 2\nA ->{k} B": "rate parameter 'k' is '1 2'; it must be a number",
    "k = -1\nA ->{k} B": "line 1: rate parameter 'k' is -1",
    "w = [1, 2": "line 1: a list is not closed",
    "w = [1, two]\nA ->{1} B": "line 1: rate parameter 'w': cannot read",
    "w = [1, 2]\nA ->{w} B": "rate parameter w is an array; write w[i]",
    "w = [1, 2]\nA ->{w[2]} B": "w[2] is not there; that index runs from 0 to 1",
    "w = [1, 2]\nA ->{w[0,0]} B": "rate w[0,0] needs shape",
    "dim n = 0": "length of dimension 'n' is 0",
    "dim n = 2\ndim n = 2": "line 2: dimension 'n' is declared twice",
    "dim n2 = 3\nspecies A[2]": "dim n2 is not 2",
    "label decay\nA ->{1} B": "cannot read label 'decay'",
    "species A\nfoo bar": "line 2: cannot read 'foo bar'",
    "A[999999999] ->{1} B": "would take",
    "lambda ->{1} B": "it has a meaning of its own",
    "k = 1": "there is no species in it",
    "A = 1\nA + B ->{1} C": "line 1: A is a species; write init A 1.0",
    "w = [1e-400, 1]\nA ->{w[0]} B": "line 1: a value of rate parameter 'w' is '1e-400'",
    "species A[3]\ndim n3 = 4": "line 1: dim n3 is not 3",
    "species A[0]\nA[0] ->{1} 0": "line 1: length of dimension",
    "k = 1e-400\nA ->{k} B": "line 1: rate parameter 'k' is '1e-400'; it must be 0, or at least 2.2e-308",
    "k = 1e-310\nA ->{k} B": "line 1: rate parameter 'k' is 1e-310; it must be 0",
    "A ->{0.0001e-400} B": "line 1: reaction 'A -> B': rate is '0.0001e-400'; it must be 0",
    "w = [1, 1e-320]\nA ->{w[0]} B": "line 1: a value of rate parameter 'w' is 9.99989e-321",
    "A ->{1} B\ninit A 1e-400": "line 2: init A is '1e-400'",
    "A ->{1} B\nA ->{1e100*1e100} B": "line 2: reaction 'A -> B': its rate constant '1e100*1e100' overflows",
    "a = 1e-200\n\nA ->{a*a} B": "line 3: reaction 'A -> B': its rate constant 'a*a' is lost in rounding",
    "A[] ->{1} B": "cannot read 'A[]'",
    "species A[ ], B\nA ->{1} B": "line 1",
    "A ->{1} B\ninit A[] 1": "line 2: no species 'A[]'",
}


@pytest.mark.parametrize("text", WRONG, ids=lambda text: json.dumps(text)[:40])
def test_what_is_no_network_is_one_line(text):
    with pytest.raises(CrnsimError) as caught:
        read_crn(text)
    said = str(caught.value)
    assert WRONG[text] in said
    assert said.startswith("text: ")
    assert "\n" not in said


@pytest.mark.parametrize("source", [None, 3, b"A ->{1} B", ["A"], "", "no-such-file.crn"])
def test_a_source_that_is_none(source):
    with pytest.raises(CrnsimError, match=r"source is|path is empty|no such file"):
        read_crn(source)


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    with (tmp_path / "big.crn").open("wb") as file:
        file.truncate(100 << 20)
    with pytest.raises(CrnsimError, match=r"big\.crn: 104\.9 MB; at most 67\.11 MB are read"):
        read_crn(tmp_path / "big.crn")


def test_a_network_starts_as_it_says():
    network = read_crn("A ->{0.5} B\ninit A 2")
    found = crnsim.simulate(network, [0.0, 1.0])
    # First-order decay, within the tolerance of 1e-6.
    assert abs(float(found.concentration[0, -1, 0]) - 2 * np.exp(-0.5)) < 1e-5
    network.set_initial({"A": 1.0, "B": 0.25})
    assert network.state(network.initial).tolist() == [1.0, 0.25]
    with pytest.raises(CrnsimError, match="no species 'Q'"):
        network.set_initial({"Q": 1.0})
    with pytest.raises(CrnsimError, match="to be read only"):
        network.initial["A"] = 3.0


def test_a_network_as_latex():
    text = read_crn(
        "dim n = 5; species A[n], B_1\nA[i] + 2B_1 <->{k*w[i]}{1e-3} 0\nk=1; w=[1,2,3,4,5]"
    ).to_latex()
    line = text.splitlines()[2]
    assert r"\ce{$\mathrm{A}_{i}$ + 2$\mathrm{B\_1}$ <=>" in line
    assert r"[$\mathit{k}\,\mathit{w}_{i}$][$0.001$] $\emptyset$}" in line
    assert r"i = 0, \dots, 4" in line


def test_what_is_zero_stays_zero():
    network = read_crn("k = 0.0\nA ->{k} B\nA ->{0e5} B\ninit A 0.00; init B 1e-310")
    assert network.rate_constants().tolist() == [0.0, 0.0]
    assert network.initial["B"] == 1e-310
    assert read_crn(network.to_crn()).initial["B"] == 1e-310


def test_a_single_value_of_an_array_of_parameters():
    network = read_crn("w = [[1, 2], [3, 4]]; species A[2], B[2]; A[j] ->{w[i,j]} A[j] + B[i]; init A 1")
    assert network.has_parameter("w[0,1]")
    assert not any(map(network.has_parameter, ("w", "w[2,0]", "w[0]", "w[0,1,1]", "v[0,0]", "w[-1,0]", 3)))
    np.testing.assert_array_equal(network.rate_constants({"w[0,1]": 7.0}), [1, 3, 7, 4])
    np.testing.assert_array_equal(
        network.rate_constants({"w[0,0]": 9.0, "w": [[5, 6], [7, 8]]}), [9, 7, 6, 8]
    )
    found = crnsim.simulate(network, [0.0, 1.0], rates={"w[0,1]": [0.0, 2.0]})
    np.testing.assert_allclose(
        found["concentration"].sel(species="B[0]")[:, -1], [1.0, 3.0], rtol=1e-5, atol=0
    )
    network.set_parameter("w[1,1]", 0.5)
    assert network.arrays["w"].tolist() == [[1, 2], [3, 0.5]]
    for name in ("w[0, 1]", "w[00,1]", "w[0,2]", "w[0]"):
        with pytest.raises(CrnsimError, match=r"is not there; its values are w\[0,0\] to w\[1,1\]"):
            network.set_parameter(name, 1.0)
        with pytest.raises(CrnsimError, match="is not there"):
            network.rate_constants({name: 1.0})
    for name, value in (("w[1,1]", -1), ("w[1,1]", [1, 2]), ("w[1,5]", 1)):
        with pytest.raises(CrnsimError):
            network.set_parameter(name, value)
        with pytest.raises(CrnsimError):
            network.rate_constants({name: value})


def test_a_picture_shows_rates_and_what_goes_both_ways():
    from crnsim.network.picture import drawn_graph

    graph = drawn_graph(read_crn("kf = 2\nA + B <->{kf}{0.5} C\nC + E ->{1.25} E\n2C ->{3} A\nA ->{1} 2C"))
    boxes = [data["text"] for _, data in graph.nodes(data=True) if data["kind"] == "reaction"]
    assert boxes == ["kf, 0.5", "1.25", "3, 1"]
    both = {(a[1], b[1]) for a, b, data in graph.edges(data=True) if data["both"]}
    assert both == {("A", 0), ("B", 0), (0, "C"), ("C", 3), (3, "A")}


def test_a_picture_of_a_network():
    import matplotlib.pyplot as plt

    from crnsim.network.picture import drawn_graph

    small = read_crn("X + Y ->{1} 2B; E + B ->{1} E + X; Z ->{1} 0")
    graph = drawn_graph(small)
    kinds = [data["kind"] for _, data in graph.nodes(data=True)]
    assert (kinds.count("species"), kinds.count("reaction")) == (5, 3)
    catalytic = [(start[1], end[1]) for start, end, data in graph.edges(data=True) if data["catalytic"]]
    assert catalytic == [("E", 1)]
    large = crnsim.onepot((3, 8, 2)).network
    nodes = {data["text"] for _, data in drawn_graph(large).nodes(data=True)}
    assert {"W1p", "X0p"} < nodes
    assert len(nodes) < 100
    for network in (small, large, crnsim.clocked((2, 2, 1)).network):
        ax = network.draw()
        assert {text.get_text() for text in ax.texts} > {network.species[0].name}
        plt.close(ax.figure)
