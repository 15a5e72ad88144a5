"""One-pot circuits: the chemistry computes the algebra it stands for."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from mass_action import integrated, stoichiometric_rates

from crnsim import CrnsimError, onepot
from crnsim.activations import ACTIVATIONS, activation
from crnsim.algebraic import forward, gradients

#: Kinks of the non-smooth units are sharp at this kz: their chemistry differs from max(z, 0) by about 1/kz.
SHARP = 1e5
#: Those that need no clock.
POTS = [name for name in ACTIVATIONS if not activation(name).needs_clock]
#: Layers, whether inputs have two rails, and the output.
SHAPES = [
    ((3, 4, 3, 2), True, "linear"),
    ((3, 4, 3, 2), False, "algebraic_sigmoid"),
    ((2, 3, 1), False, "linear"),
]


def pre_activations(weights, x, value):
    zs = []
    for w, b in weights:
        zs.append(w @ x + b)
        x = value(zs[-1])
    return zs


def values_by_hand(name, h=0.1, alpha=0.1):
    """Every activation written down again, for complex arguments too."""
    root = {"x": lambda z: (z + np.sqrt(z * z + 4 * h)) / 2, "s": lambda z: np.sqrt(z * z + 4 * h)}
    return {
        "squareplus": root["x"],
        "leaky_squareplus": lambda z: root["x"](z) - alpha * root["x"](-z),
        "algebraic_sigmoid": lambda z: (1 + z / root["s"](z)) / 2,
        "algebraic_tanh": lambda z: z / root["s"](z),
        "relu": lambda z: np.where(z.real > 0, z, 0 * z),
        "leaky_relu": lambda z: np.where(z.real > 0, z, alpha * z),
    }[name]


def loss_gradient(weights, x, target, hidden, output, heeded=lambda error: error):
    """Gradient of a loss by complex steps: exact to rounding, and no formula for the derivative of a unit in it.

    `heeded` is the derivative of the loss by the error o - t; of |o - t|^2 / 2 it is the error itself.
    """
    arrays = [np.array(a, dtype=complex) for layer in weights for a in layer]

    def outputs():
        signal = x.astype(complex)
        for number in range(0, len(arrays), 2):
            z = arrays[number] @ signal + arrays[number + 1]
            signal = (hidden if number < len(arrays) - 2 else output)(z)
        return signal

    weight = heeded(outputs().real - target)
    gradient = []
    for array in arrays:
        for index in np.ndindex(array.shape):
            array[index] += 1e-30j
            gradient.append(weight @ outputs().imag / 1e-30)
            array[index] = array[index].real
    return np.array(gradient)


def show(circuit, state, x, target):
    """Set the clamped species of a state."""
    for pair, signal in ((circuit.inputs, x), (circuit.targets, target)):
        plus, minus = circuit.rail_rows(pair)
        state[plus] = np.maximum(signal, 0)
        state[minus[minus >= 0]] = np.maximum(-signal, 0)[minus >= 0]
    return state


def speeds(circuit, weights, x, target, *, eps):
    """-dw/dt / eps of every weight, with the signals relaxed under weights that stand still."""
    net = circuit.network
    still = net.rate_constants({"eps": 0.0, "kw": 0.0})
    start = show(circuit, circuit.start(weights), x, target)
    state = newton(circuit, integrated(net, start, still, 200.0, rtol=1e-3), still)
    change = stoichiometric_rates(net, state, net.rate_constants({"eps": eps}))
    return circuit.weight_values(change) / -eps


def newton(circuit, state, constants):
    """The fixed point near a state, to rounding; weights and inputs stand still, conserved sums stay."""
    net = circuit.network
    fast = np.concatenate([net.rows(s.name).ravel() for s in net.species if not s.slow])
    fast = fast[fast < net.n_dynamic]
    laws = np.zeros((0, net.n_species))
    for names in circuit.conserved:
        law = np.zeros((net.rows(names[0]).size, net.n_species))
        for name in names:
            law[np.arange(len(law)), net.rows(name)] = 1.0
        laws = np.vstack([laws, law])
    for _ in range(20):
        change = stoichiometric_rates(net, state, constants)
        matrix = np.vstack([net.jacobian(state, constants).toarray()[np.ix_(fast, fast)], laws[:, fast]])
        right = np.append(-change[fast], np.zeros(len(laws)))
        step = np.linalg.lstsq(matrix, right)[0]
        state[fast] += step
        if np.abs(step).max() < 1e-13:
            break
    assert np.abs(change[fast]).max() < 1e-9
    assert state.min() >= -1e-12
    return state


@pytest.mark.parametrize(("layers", "dual", "output"), SHAPES, ids=str)
@pytest.mark.parametrize("name", POTS)
def test_weights_move_against_the_gradient_on_the_slow_manifold(name, layers, dual, output):
    unit = activation(name) if activation(name).smooth else activation(name, kz=SHARP)
    circuit = onepot(layers, unit, dual_rail=dual, ka=5.0, output=output, h_output=0.7, dead_zone=0)
    hidden = values_by_hand(name)
    rng = np.random.default_rng(3)
    nearest = 0.0
    while nearest < 0.1:  # the gradient of a non-smooth unit is defined away from its kink
        weights = [(rng.normal(size=(o, i)), rng.normal(size=o)) for i, o in pairwise(layers)]
        x = rng.uniform(-1 if dual else 0, 1, layers[0])
        nearest = min(np.abs(z).min() for z in pre_activations(weights, x, hidden)[:-1])
    target = rng.normal(size=layers[-1])
    last = values_by_hand("algebraic_sigmoid", h=0.7) if output != "linear" else lambda z: z
    expected = loss_gradient(weights, x, target, hidden, last)
    moved = speeds(circuit, weights, x, target, eps=0.01)
    # Smooth: rounding. Non-smooth: 1/(kz |z|) is 1e-4 at the nearest to a kink. Asked for: 1e-3.
    tolerance = 1e-6 if unit.smooth else 1e-3
    np.testing.assert_allclose(moved, expected, rtol=tolerance, atol=tolerance * np.abs(expected).max())
    exact = gradients(weights, x[None], target[None], circuit.activation, circuit.output_unit)
    flat = np.concatenate([array.ravel() for layer in exact for array in layer])
    np.testing.assert_allclose(flat, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("output", ["linear", "algebraic_sigmoid"])
@pytest.mark.parametrize("delay", [0, 1, 3])
def test_an_error_within_the_dead_zone_moves_no_weight_and_one_beyond_counts_from_its_edge(delay, output):
    zone, smoothing = 0.3, 1e-3
    circuit = onepot(
        (2, 4, 3), output=output, dead_zone=zone, hd=smoothing, delay=delay, kd=2.0, h=0.1, h_output=0.1
    )
    values = values_by_hand("squareplus")
    rng = np.random.default_rng(5)
    weights = [(rng.normal(size=(o, i)), rng.normal(size=o)) for i, o in pairwise((2, 4, 3))]
    x = rng.uniform(size=2)
    last = values_by_hand("algebraic_sigmoid") if output != "linear" else lambda z: z
    z = pre_activations(weights, x, values)[-1]
    target = last(z) - np.array([0.1, 0.8, -0.9])  # within, above, below

    def heeded(error):
        def beyond(e):
            return (e - zone + np.sqrt((e - zone) ** 2 + 4 * smoothing)) / 2

        return beyond(error) - beyond(-error)

    expected = loss_gradient(weights, x, target, values, last, heeded)
    moved = speeds(circuit, weights, x, target, eps=0.01)
    np.testing.assert_allclose(moved, expected, rtol=1e-6, atol=1e-6 * np.abs(expected).max())  # rounding
    # The bias of an output feels its own error alone: next to nothing within the zone, 0.5 and -0.6 beyond it.
    if output == "linear":
        np.testing.assert_allclose(moved[-3:], [0.0, 0.5, -0.6], atol=4 * smoothing / zone)


@pytest.mark.parametrize("stages", [0, 2])
def test_the_target_reaches_the_error_whatever_the_rates_of_its_stages(stages):
    circuit = onepot((1, 1, 1), delay=stages, dead_zone=0, eps=0.0)
    net = circuit.network
    rng = np.random.default_rng(0)
    rates = net.rate_constants()
    for family, first in zip(net.families, net.first_reactions, strict=True):
        if family.label == "delay" and "T1p" not in str(family.products[-1]):
            rates[first] *= rng.uniform(0.5, 2.0)
    start = show(circuit, circuit.start([(np.zeros((1, 1)), np.zeros(1))] * 2), np.ones(1), np.full(1, 0.8))
    state = integrated(net, start, rates, 300.0)
    error = state[net.rows("Ep")] - state[net.rows("Em")]
    assert error.item() == pytest.approx(-0.8, abs=1e-8)  # relaxed to e^-150


def test_hidden_units_and_output_keep_their_own_smoothing():
    circuit = onepot((2, 3, 1), "algebraic_sigmoid", h=0.01, output="algebraic_sigmoid", h_output=2.0)
    assert circuit.network.parameters["h"] == 0.01
    assert circuit.network.parameters["h_output"] == 2.0
    # Slopes at z = 0 start at 1/(4 sqrt(h)).
    assert circuit.initial["Q1"] == pytest.approx(2.5)
    assert circuit.initial["Q2"] == pytest.approx(0.25 / np.sqrt(2))


def test_a_linear_output_leaves_the_parameters_of_the_circuit_as_they_were():
    assert set(onepot((2, 3, 1)).parameters) == {
        *("k", "eps", "ka", "kz", "kw", "decay", "dead_zone", "kd", "hd", "delay", "comparators", "updates")
    }


def test_gradients_equal_finite_differences():
    rng = np.random.default_rng(0)
    unit = activation("squareplus", h=0.1)
    weights = [(rng.normal(size=(o, i)), rng.normal(size=o)) for i, o in ((2, 4), (4, 3), (3, 2))]
    x, t = rng.normal(size=(5, 2)), rng.normal(size=(5, 2))
    exact = gradients(weights, x, t, unit)
    step = 1e-6
    for layer in range(3):
        w = weights[layer][0]
        for index in np.ndindex(*w.shape):
            losses = []
            for sign in (1, -1):
                w[index] += sign * step
                losses.append(0.5 * np.sum((forward(weights, x, unit) - t) ** 2))
                w[index] -= sign * step
            assert exact[layer][0][index] == pytest.approx((losses[0] - losses[1]) / (2 * step), abs=1e-6)


def test_all_reactions_are_at_most_bimolecular():
    for name in POTS:
        assert max(family.order for family in onepot((2, 3, 2, 1), name).network.families) <= 2


def test_declared_conservation_laws_are_laws_of_the_network():
    circuit = onepot((2, 3, 1), "relu")
    laws = circuit.network.conservation_laws()
    for p, n in circuit.conserved:
        for unit in range(3):
            assert {f"{p}[{unit}]": 1, f"{n}[{unit}]": 1} in laws


def test_counts_of_the_xor_pot():
    # 2-6-1: W1 12, B1 6, W2 6, B2 1 on two rails each; Z, R, G on two; X, Y, D on one; Z, E, F, T and its three stages
    # on two; inputs and the constant.
    circuit = onepot((2, 6, 1))
    assert circuit.network.n_species == 2 * 25 + 2 * (6 + 6 + 6) + 3 * 6 + 2 * (4 + 3) + 2 + 1
    assert circuit.weight_labels[:3] == ["W1[0,0]", "W1[0,1]", "W1[1,0]"]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: onepot((2,)), "at least two"),
        (lambda: onepot((2, 0, 1)), ">= 1"),
        (lambda: onepot((2, 1.5, 1)), "whole numbers"),
        (lambda: onepot((2, 6, 1), "squareplos"), "did you mean 'squareplus'"),
        (lambda: onepot((2, 6, 1), hh=1), "no parameter 'hh'"),
        (lambda: onepot((2, 6, 1), h=-0.1), "h is -0.1"),
        (lambda: onepot((2, 6, 1), ka=-1), "ka is -1"),
        (lambda: onepot((2, 6, 1), derivative="exact"), "derivative is 'exact'"),
        (
            lambda: onepot((2, 6, 1), output="softmax"),
            "output is 'softmax'; use one of linear, algebraic_sigmoid",
        ),
        (lambda: onepot((2, 6, 1), output="algebraic_sigmoid", h_output=0), "h_output is 0"),
        (lambda: onepot((2, 6, 1), delay=1.5), "delay is 1.5; it must be a whole number"),
        (lambda: onepot((2, 6, 1), hd=0), "kd and hd must be > 0"),
    ],
)
def test_a_wrong_circuit_is_refused_by_name(call, words):
    with pytest.raises(CrnsimError, match=words):
        call()


@pytest.mark.parametrize("delay", [0, 3])
def test_several_reactions_in_the_place_of_one_are_one_whose_constant_is_their_mean(delay):
    """n constants of k/n, each off by sigma, sum up to k that is off by sigma/sqrt(n)."""
    one = onepot((2, 3, 1), dual_rail=True, delay=delay)
    four = onepot((2, 3, 1), dual_rail=True, delay=delay, comparators=4, updates=5)

    def summed(circuit):
        found = {}
        for reaction, constant in zip(
            circuit.network.reactions(), circuit.network.rate_constants(), strict=True
        ):
            sides = tuple(tuple(sorted(side)) for side in (reaction.reactants, reaction.products))
            number, total = found.get(sides, (0, 0.0))
            found[sides] = number + 1, total + constant
        return found

    before, after = summed(one), summed(four)
    assert before.keys() == after.keys()
    for sides, (_, constant) in before.items():
        assert after[sides][1] == pytest.approx(constant, rel=1e-12)
    assert {number for number, _ in before.values()} == {1}
    assert {number for number, _ in after.values()} == {1, 4, 5}
    # Output and target, two rails each, are compared by four; weights (2 x 3 + 3) and biases (3 + 1) are moved by five,
    # from each rail of the gradient and of what is upstream.
    assert sum(number == 4 for number, _ in after.values()) == 4
    assert sum(number == 5 for number, _ in after.values()) == 2 * (2 * 6 + 1 * 3 + 4)
    assert max(sum(n for n, _ in reaction.reactants) for reaction in four.network.reactions()) == 2


@pytest.mark.parametrize("name", ["comparators", "updates"])
@pytest.mark.parametrize("value", [0, 1.5, 101])
def test_copies_are_a_whole_number(name, value):
    with pytest.raises(
        ValueError, match=f"onepot: {name} is {value:g}; it must be a whole number of reactions"
    ):
        onepot((2, 3, 1), **{name: value})
