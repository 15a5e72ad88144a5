"""Networks: what is accepted, what is refused by name, and what can be read off."""

from __future__ import annotations

import re

import numpy as np
import pytest

from crnsim import CrnsimError, Network
from crnsim.kinetics.kernels import compile_network


def dimer() -> Network:
    net = Network(dims={"n": 2}, parameters={"k": 1.0, "h": 0.5})
    net.add_species("A", "n")
    net.add_species("B")
    net.add_family("bind", "2A[i] -> B", "k")
    net.add_family("split", "B -> 2A[i]", "3*k*h")
    return net


def test_elementary_reactions_carry_labels_and_constants():
    assert [str(r) for r in dimer().reactions()] == [
        "2A[0] ->{1} B",
        "2A[1] ->{1} B",
        "B ->{1.5} 2A[0]",
        "B ->{1.5} 2A[1]",
    ]
    assert dimer().n_reactions == 4
    assert dimer().n_species == 3


def test_stoichiometry_counts_net_changes_by_hand():
    np.testing.assert_array_equal(
        dimer().stoichiometry().toarray(), [[-2, 0, 2, 0], [0, -2, 0, 2], [1, 1, -1, -1]]
    )


def test_conservation_law_of_a_dimer():
    assert dimer().conservation_laws() == [{"A[0]": 1, "A[1]": 1, "B": 2}]


def test_catalysts_come_last_and_never_change():
    net = Network(parameters={"k": 1.0})
    net.add_species("C")
    net.add_species("A")
    net.add_family("decay", "A + C -> C", "k")
    assert [s.name for s in net.species] == ["A", "C"]
    assert net.n_dynamic == 1


def test_jacobian_equals_finite_differences():
    net = dimer()
    state, constants = np.array([0.3, 0.7, 1.1]), net.rate_constants()

    def change(y):
        return net.stoichiometry() @ net.fluxes(y, constants)

    step = 1e-6
    numeric = np.stack(
        [(change(state + step * e) - change(state - step * e)) / (2 * step) for e in np.eye(3)], axis=1
    )
    # Central differences of a quadratic are exact but for rounding, 1e-16 / 1e-6.
    np.testing.assert_allclose(net.jacobian(state, constants).toarray(), numeric, atol=1e-8)


@pytest.mark.parametrize(
    ("equation", "rate", "words"),
    [
        ("A[i] -> D", "k", ["undeclared", "'D'"]),
        ("A[i] -> B", "kk", ["unknown rate parameter 'kk'", "did you mean 'k'"]),
        ("A[i] -> B", -1.0, ["-1.0", "negative"]),
        ("A[i] -> B", float("nan"), ["nan"]),
        ("A[i,j] -> B", "k", ["A has 1 indices, 2"]),
        ("A[i] + W[j,i] -> B", "k", ["index 'i'", "runs to 2", "to 3"]),
        ("A[i] = B", "k", ["exactly one '->'"]),
        ("A[i] - B -> 0", "k", ["cannot read"]),
    ],
)
def test_a_wrong_reaction_is_refused_by_name(equation, rate, words):
    net = Network(dims={"n": 2, "m": 3}, parameters={"k": 1.0})
    net.add_species("A", "n")
    net.add_species("B")
    net.add_species("W", "n", "m")
    with pytest.raises(CrnsimError) as caught:
        net.add_family("wrong", equation, rate)
    for word in words:
        assert word in str(caught.value)


def test_negative_rates_and_concentrations_are_refused_by_name():
    with pytest.raises(CrnsimError, match="'k' is -1"):
        Network(parameters={"k": -1.0})
    with pytest.raises(CrnsimError, match="'k' is -2"):
        dimer().rate_constants({"k": -2.0})
    with pytest.raises(CrnsimError, match="initial 'A'"):
        dimer().state({"A": [-1.0, 0.0]})
    with pytest.raises(CrnsimError, match=r"initial 'A' has shape \(3,\)"):
        dimer().state({"A": [1.0, 0.0, 0.0]})


def test_repr_says_how_large_the_network_is():
    assert repr(dimer()) == (
        "<crnsim.Network: 3 species in 2 arrays, 4 reactions in 2 families, order at most 2>"
    )


def weighted() -> Network:
    net = Network(dims={"n": 2, "m": 3}, parameters={"k": 2.0, "W": [[1.0, 0.0, 3.0], [0.5, 5.0, 0.0]]})
    net.add_species("X", "m")
    net.add_species("Z", "n")
    net.add_family("weigh", "X[j] -> X[j] + Z[i]", "k*W[i,j]")
    return net


def test_an_array_gives_each_reaction_its_own_rate_constant():
    # The reactions follow their own indices, j first as it stands on the left; the array has i first.
    net = weighted()
    assert [str(r) for r in net.reactions()][:3] == [
        "X[0] ->{2} X[0] + Z[0]",
        "X[0] ->{1} X[0] + Z[1]",
        "X[1] ->{0} X[1] + Z[0]",
    ]
    np.testing.assert_array_equal(net.rate_constants(), [2, 1, 0, 10, 6, 0])
    np.testing.assert_array_equal(net.rate_constants({"W": np.ones((2, 3)), "k": 3.0}), np.full(6, 3.0))
    assert net.n_reactions == 6
    assert net.n_active_reactions() == 4


def test_an_array_of_rates_changes_no_equation_and_stays_out_of_the_numbers():
    net = weighted()
    assert net.parameters == {"k": 2.0}
    assert net.families[0].rate == ("k", "W[i,j]")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda net: net.add_family("", "X[j] -> X[j] + Z[i]", "W[j,i]"), r"W\[j,i\] needs shape \(3, 2\)"),
        (lambda net: net.add_family("", "X[j] -> X[j] + Z[i]", "W[i,k]"), "index 'k' of rate"),
        (lambda net: net.add_family("", "X[j] -> X[j] + Z[i]", "W"), r"is an array; write W\[i,j\]"),
        (
            lambda net: net.add_family("", "X[j] -> X[j] + Z[i]", "V[i,j]"),
            "unknown array of rate parameters 'V'",
        ),
        (lambda net: net.rate_constants({"W": np.ones((3, 2))}), r"has shape \(3, 2\); it must be \(2, 3\)"),
        (lambda net: net.rate_constants({"W": -np.ones((2, 3))}), "all of its values"),
        (lambda net: net.rate_constants({"W": 1.0}), r"must be \(2, 3\)"),
        (lambda net: net.set_parameter("W", [[np.nan] * 3] * 2), "all of its values"),
        (lambda net: net.set_parameter("W", 1.0), "has shape"),
        (lambda net: net.set_parameter("k", [1.0]), "has shape"),
    ],
)
def test_a_wrong_array_of_rates_is_refused_by_name(call, words):
    with pytest.raises(CrnsimError, match=words):
        call(weighted())


def test_an_index_that_is_a_number_is_fixed():
    net = Network(dims={"n": 3, "m": 2}, parameters={"k": 2.0, "q": [1.0, 3.0]})
    net.add_species("A", "n")
    net.add_species("B", "n", "m")
    net.add_family("ring", "A[0] + A[1] -> 2A[1]", "k")
    net.add_family("made", "A[02] -> A[2] + B[i,1]", "k")
    net.add_family("mixed", "B[0,j] + A[1] -> A[1]", "k*q[j]")
    net.add_family("self", "A[i] + A[1] -> A[1]", "k")
    assert [str(one) for one in net.reactions()] == [
        "A[0] + A[1] ->{2} 2A[1]",
        "A[2] ->{2} A[2] + B[0,1]",
        "A[2] ->{2} A[2] + B[1,1]",
        "A[2] ->{2} A[2] + B[2,1]",
        "B[0,0] + A[1] ->{2} A[1]",
        "B[0,1] + A[1] ->{6} A[1]",
        "A[0] + A[1] ->{2} A[1]",
        "2A[1] ->{2} A[1]",
        "A[2] + A[1] ->{2} A[1]",
    ]
    state = net.state({"A": [0.5, 2.0, 1.5], "B": [[1.0, 0.25], [0, 0], [0, 0]]})
    by_hand = {"A[0]": -2.0 - 2.0, "A[1]": 2.0 - 8.0, "A[2]": -6.0}
    by_hand |= {"B[0,1]": 3.0 - 3.0, "B[1,1]": 3.0, "B[2,1]": 3.0, "B[0,0]": -4.0}
    constants = net.rate_constants()
    change = net.stoichiometry() @ net.fluxes(state, constants)
    expected = np.array([by_hand.get(label, 0.0) for label in net.labels])
    np.testing.assert_allclose(change, expected)
    kernel = compile_network(net)
    np.testing.assert_allclose(kernel(state, constants), expected)
    step = 1e-6
    slopes = [
        (kernel(state + step * one, constants) - kernel(state - step * one, constants)) / (2 * step)
        for one in np.eye(net.n_species)
    ]
    np.testing.assert_allclose(net.jacobian(state, constants).toarray(), np.transpose(slopes), atol=1e-8)


@pytest.mark.parametrize(
    ("equation", "words"),
    [
        ("A[3] -> 0", "A[3] is not there; that index runs from 0 to 2"),
        ("A[-1] -> 0", "'-1' is not a name for an index"),
        ("A[99999999999] -> 0", "is not a name for an index"),
        ("A[0,1] -> 0", "has 1 indices, 2 are given"),
        ("A[\u00b2] -> 0", "is not a name for an index"),
    ],
)
def test_a_fixed_index_that_is_not_there_is_refused(equation, words):
    net = Network(dims={"n": 3}, parameters={"k": 2.0})
    net.add_species("A", "n")
    with pytest.raises(CrnsimError, match=re.escape(words)):
        net.add_family("a", equation, "k")
    assert net.n_reactions == 0
