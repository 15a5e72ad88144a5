"""Feedforward circuits: given weights as rate constants, one fixed point, reached from anywhere at a known rate."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mass_action import integrated

import crnsim
from crnsim import CrnsimError, feedforward, onepot, simulate
from crnsim.activations import ACTIVATIONS, activation
from crnsim.algebraic import forward
from crnsim.kinetics.kernels import compile_network
from crnsim.network.text import count_text

#: Those that need no clock.
POTS = [name for name in ACTIVATIONS if not activation(name).needs_clock]


def random_weights(layers, rng, scale=1.0):
    return [(scale * rng.normal(size=(o, i)), rng.normal(size=o)) for i, o in pairwise(layers)]


@settings(max_examples=60, deadline=None)
@given(
    layers=st.lists(st.integers(1, 5), min_size=2, max_size=5),
    name=st.sampled_from(sorted(POTS)),
    output=st.sampled_from(["linear", "algebraic_sigmoid", "leaky_squareplus"]),
    dual=st.booleans(),
    k=st.sampled_from([1.0, 2.5]),
    seed=st.integers(0, 2**32 - 1),
)
def test_random_networks_relax_to_their_closed_form(layers, name, output, dual, k, seed):
    rng = np.random.default_rng(seed)
    weights = random_weights(layers, rng, scale=1 / np.sqrt(max(layers)))
    x = rng.uniform(-1 if dual else 0, 1, layers[0])
    circuit = feedforward(weights, name, dual_rail=dual, output=output, k=k)
    expected = circuit.fixed_point(x)
    assert expected.min() >= 0
    # After 60 of the slowest time constants nothing is left of the start, in a cascade of at most 15 relaxations.
    net = circuit.network
    end = 60 / (k * float(circuit.convergence_rate(x)))
    state = integrated(net, circuit.state(x), net.rate_constants(), end)
    np.testing.assert_allclose(state, expected, atol=1e-6)
    np.testing.assert_allclose(circuit.read_out(state), circuit.predict(x), atol=1e-6)
    if circuit.activation.smooth or len(layers) == 2:
        exact = forward(weights, x[None], circuit.activation, circuit.output_unit)[0]
        np.testing.assert_allclose(circuit.predict(x), exact, rtol=1e-12, atol=1e-12)


def test_non_smooth_networks_equal_theirs_at_large_kz():
    rng = np.random.default_rng(1)
    weights, x = random_weights((3, 4, 2), rng), rng.uniform(0, 1, (20, 3))
    for name in ("relu", "leaky_relu"):
        gaps = []
        for kz in (1e2, 1e4, 1e6):
            circuit = feedforward(weights, name, kz=kz)
            gaps.append(np.abs(circuit.predict(x) - forward(weights, x, circuit.activation)).max())
        # At z = 0 the rail is sqrt(p+/kz): 1e-3 at the last kz, times weights of order one; elsewhere 1/kz.
        assert gaps[0] > gaps[1] > gaps[2]
        assert gaps[2] < 3e-3


@pytest.mark.parametrize("name", POTS)
def test_convergence_rate_is_the_slowest_eigenvalue_of_the_jacobian(name):
    rng = np.random.default_rng(5)
    weights, x = random_weights((3, 4, 3, 2), rng), rng.uniform(-1, 1, (6, 3))
    circuit = feedforward(weights, name, dual_rail=True, k=2.0, output="algebraic_sigmoid", h_output=0.02)
    net, constants = circuit.network, circuit.network.rate_constants()
    for state, rate in zip(circuit.fixed_point(x), circuit.convergence_rate(x), strict=True):
        jacobian = net.jacobian(state, constants).toarray()[: net.n_dynamic, : net.n_dynamic]
        slowest = -np.linalg.eigvals(jacobian).real.max()
        # Units of a cascade that relax at one rate make its matrix defective: eigenvalues to the cube root of rounding.
        assert slowest == pytest.approx(2.0 * rate, rel=1e-4)


def test_a_squareplus_network_relaxes_no_slower_than_its_smoothing_says():
    rng = np.random.default_rng(2)
    weights, x = random_weights((4, 6, 3), rng), rng.uniform(0, 1, (200, 4))
    rates = feedforward(weights, h=0.04, output="squareplus", h_output=0.04).convergence_rate(x)
    assert rates.min() >= 2 * np.sqrt(0.04)


@pytest.mark.parametrize("name", ["squareplus", "algebraic_tanh", "relu"])
def test_all_of_100_random_states_converge_to_the_one_fixed_point_at_its_rate(name):
    rng = np.random.default_rng(8)
    x = rng.uniform(0, 1, 3)
    circuit = feedforward(random_weights((3, 4, 3, 2), rng), name)
    states = np.tile(circuit.state(x), (100, 1))
    dynamic = circuit.network.n_dynamic
    states[:, :dynamic] = 10 ** rng.uniform(-3, 1, (100, dynamic))
    rate = float(circuit.convergence_rate(x))
    run = simulate(circuit.network, np.array([0, 15, 20, 60]) / rate, initial=states, rtol=1e-6, atol=1e-10)
    assert run.sizes["replicate"] == 100
    distance = np.abs(run.concentration.values - circuit.fixed_point(x)).max(axis=2)
    # 1e-6 is what is asked for; a tolerance per step of 1e-10 is forgotten by the relaxation.
    assert distance[:, -1].max() < 1e-6
    # Five time constants later: exp(-5), but for powers of time where units of a cascade share a rate.
    assert np.median(distance[:, 2] / distance[:, 1]) < 3 * np.exp(-5)


def test_other_weights_run_through_the_same_compiled_network():
    rng = np.random.default_rng(3)
    layers = (2, 3, 2)
    circuit = feedforward(layers, h=0.2)
    x = rng.uniform(0, 1, (5, 2))
    kernel = compile_network(circuit.network)
    for _ in range(2):
        weights = random_weights(layers, rng)
        run = simulate(
            circuit.network, [0, 100], rates=circuit.rates(weights), initial=circuit.state(x), rtol=1e-6
        )
        final = run.concentration.values[:, -1]
        np.testing.assert_allclose(final, circuit.fixed_point(x, weights), atol=1e-6)
        np.testing.assert_allclose(
            circuit.predict(x, weights), forward(weights, x, circuit.activation), rtol=1e-12
        )
    assert compile_network(circuit.network) is kernel
    assert not kernel.listed
    # Parameter values are no part of the generated code: a network of other weights finds it compiled.
    other = compile_network(feedforward(random_weights(layers, rng), h=0.7).network)
    assert other.code is kernel.code


def test_every_weight_is_one_reaction():
    weights = [(np.array([[1.0, -2.0]]), np.array([0.0])), (np.array([[3.0]]), np.array([-1.0]))]
    circuit = feedforward(weights, h=0.1)
    text = [
        line
        for line in circuit.network.to_crn(elementary=True).splitlines()
        if "->" in line and line[:2] != "//" and "->{0}" not in line
    ]
    assert text == [
        "0 ->{0.1} X1[0]",
        "X0p[0] + X1[0] ->{1} X0p[0] + 2X1[0]",
        "X0p[1] + X1[0] ->{2} X0p[1]",
        "2X1[0] ->{1} X1[0]",
        "X1[0] ->{3} X1[0] + Z2p[0]",
        "Z2p[0] ->{1} 0",
        "0 ->{1} Z2m[0]",
        "Z2m[0] ->{1} 0",
        "Z2p[0] + Z2m[0] ->{10} 0",
    ]
    assert circuit.network.n_active_reactions() == len(text)
    assert f"{circuit.network.n_reactions - len(text)} of them at no rate" in count_text(circuit.network)
    assert circuit.weight_labels == ["W1[0,0]", "W1[0,1]", "B1[0]", "W2[0,0]", "B2[0]"]
    np.testing.assert_array_equal(circuit.weight_values(circuit.state([1, 1])), [1, -2, 0, 3, -1])
    np.testing.assert_array_equal(circuit.unflatten(np.array([1, -2, 0, 3, -1.0]))[0][0], weights[0][0])


def test_reactions_of_every_activation_are_at_most_bimolecular():
    for name in POTS:
        circuit = feedforward((2, 3, 1), name, dual_rail=True)
        assert max(family.order for family in circuit.network.families) <= 2


@pytest.fixture(scope="module")
def digits():
    """A scikit-learn network trained on 8x8 digits, briefly, and the samples it has not seen."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split
    from sklearn.neural_network import MLPClassifier

    x, y = load_digits(return_X_y=True)
    x_train, x_test, y_train, _ = train_test_split(x / 16, y, test_size=0.25, random_state=0)
    model = MLPClassifier((20,), max_iter=1000, n_iter_no_change=5, tol=1e-2, random_state=0)
    return model.fit(x_train, y_train), x_test


def test_a_scikit_learn_network_is_computed_on_all_test_digits(digits):
    model, x = digits
    circuit = feedforward(model, h=0.01)
    weights = [(w.T, b) for w, b in zip(model.coefs_, model.intercepts_, strict=True)]
    exact = forward(weights, x, activation("squareplus", h=0.01))
    np.testing.assert_allclose(circuit.predict(x), exact, atol=1e-6)
    end = 40 / circuit.convergence_rate(x).min()
    run = simulate(circuit.network, [0, end], initial=circuit.state(x), rtol=1e-6, atol=1e-9)
    outputs = circuit.read_out(run.concentration.values[:, -1])
    np.testing.assert_allclose(outputs, exact, atol=1e-6)
    np.testing.assert_array_equal(outputs.argmax(axis=1), exact.argmax(axis=1))


def test_a_sharp_circuit_classifies_as_scikit_learn_does(digits):
    model, x = digits
    # A squareplus is off ReLU by at most sqrt(h) = 1e-8; the largest of ten outputs is what softmax calls likeliest.
    np.testing.assert_array_equal(feedforward(model, h=1e-16).predict(x).argmax(axis=1), model.predict(x))


def test_a_scikit_learn_regressor_is_computed():
    from sklearn.neural_network import MLPRegressor

    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (40, 2))
    model = MLPRegressor(hidden_layer_sizes=(5, 4), max_iter=20, random_state=0)
    with pytest.warns(match="Maximum iterations"):
        model.fit(x, x[:, 0] * x[:, 1])
    predicted = feedforward(model, h=1e-16, dual_rail=True).predict(x)
    np.testing.assert_allclose(predicted[:, 0], model.predict(x), atol=1e-6)


@pytest.mark.parametrize(
    ("kind", "words"), [("logistic", "'logistic'.*algebraic_sigmoid"), ("tanh", "'tanh'.*tanh")]
)
def test_other_scikit_learn_activations_are_refused_by_name(kind, words):
    from sklearn.neural_network import MLPClassifier

    model = MLPClassifier((3,), activation=kind, max_iter=1, random_state=0)
    with pytest.warns(match="Maximum iterations"):
        model.fit([[0.0], [1.0]], [0, 1])
    with pytest.raises(CrnsimError, match=words):
        feedforward(model)


def test_a_trained_pot_becomes_a_feedforward_circuit():
    pot = onepot((2, 6, 1), h=0.3, output="algebraic_sigmoid", h_output=0.5)
    result = crnsim.train(pot, "xor", running_time=20, epochs=2, replicates=2)
    circuit = feedforward(result, replicate=1)
    assert circuit.activation == pot.activation
    assert circuit.output_unit == activation("algebraic_sigmoid", h=0.5)
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]])
    weights = pot.unflatten(result.weights.values[1, -1])
    exact = forward(weights, x, pot.activation, pot.output_unit)
    np.testing.assert_allclose(circuit.predict(x), exact, rtol=1e-12)
    assert feedforward(result, h=0.01).activation == activation("squareplus", h=0.01)
    assert feedforward(result, "relu").activation.name == "relu"
    with pytest.raises(CrnsimError, match="no replicate 7 in the result; known: 0, 1"):
        feedforward(result, replicate=7)


GOOD = [(np.ones((2, 3)), np.zeros(2))]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: feedforward([]), "weights are empty"),
        (lambda: feedforward("digits"), "weights are str; give"),
        (lambda: feedforward([np.ones((2, 2))]), "weights of layer 1: W has shape"),
        (lambda: feedforward([*GOOD, (np.ones((1, 3)), np.zeros(1))]), "layer 2: W takes 3 signals.* has 2"),
        (
            lambda: feedforward([(np.full((1, 1), np.nan), np.zeros(1))]),
            "layer 1: all of its values must be finite",
        ),
        (lambda: feedforward(GOOD, "squareplos"), "did you mean 'squareplus'"),
        (lambda: feedforward(GOOD, hh=1), "feedforward has no parameter 'hh'"),
        (
            lambda: feedforward(GOOD, output="softmax"),
            "feedforward: output is 'softmax'; use one of linear, ",
        ),
        (lambda: feedforward(GOOD).state([1.0, 2.0]), r"x has shape \(2,\); it must be \(3,\) or \(n, 3\)"),
        (lambda: feedforward(GOOD).state([1.0, -2.0, 0.0]), "dual_rail=True"),
        (lambda: feedforward(GOOD).rates([(np.ones((3, 3)), np.zeros(3))]), r"layer 1 have shape \(3, 3\)"),
        (lambda: crnsim.train(feedforward((2, 3, 1)), "xor", running_time=1, epochs=1), "does not learn"),
    ],
)
def test_a_wrong_circuit_is_refused_by_name(call, words):
    with pytest.raises(CrnsimError, match=words):
        call()
