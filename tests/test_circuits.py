"""One-pot circuits: the chemistry computes the algebra it stands for."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from crnsim import CrnsimError, Network, onepot, simulate
from crnsim.activations import ACTIVATIONS, activation
from crnsim.algebraic import forward, gradients
from crnsim.kinetics.kernels import compile_network

UNITS = [("squareplus", {"h": h}) for h in (0.01, 0.1, 1.0)]
UNITS += [("squareplus", {"h": 0.1, "derivative": "reported"}), ("relu", {"kz": 40.0})]


def unit_state(name, parameters, z, seed):
    """Concentrations of one unit, long after clamping the production of its pre-activation, and the unit."""
    unit = activation(name, **parameters)
    net = Network(dims={"n": 1}, parameters={"k": 1.0})
    for rail in "pm":
        net.add_species(f"Z1{rail}", "n")
        net.add_species(f"In{rail}", "n")
        net.add_family("produce", f"In{rail}[i] -> In{rail}[i] + Z1{rail}[i]", "k")
        net.add_family("decay", f"Z1{rail}[i] -> 0", "k")
    rails = unit.add(net, 1, "n")
    rng = np.random.default_rng(seed)
    start = dict.fromkeys([n for n in (s.name for s in net.species) if n[0] in "XYDA"], 0.0)
    start = {n: rng.uniform(0.1, 2.0) for n in start} | {n: v for n, v in rails.initial if n[0] in "PN"}
    start |= {"Inp": max(z, 0) + 0.3, "Inm": max(-z, 0) + 0.3}
    run = simulate(net, [0, 4000.0], initial=start, rtol=1e-8, atol=1e-11, method="LSODA")
    final = run.concentration[0, -1].to_series()
    value = final[f"{rails.plus}[0]"] - (final[f"{rails.minus}[0]"] if rails.minus else 0.0)
    return unit, value, final[f"{rails.slope}[0]"]


@pytest.mark.parametrize(("name", "parameters"), UNITS, ids=str)
@pytest.mark.parametrize("z", [-5.0, -0.4, 0.0, 1.7, 5.0])
def test_unit_relaxes_to_its_closed_form(name, parameters, z):
    unit, value, slope = unit_state(name, parameters, z, seed=int(10 * z) + 60)
    if name == "relu":
        # At finite kz: squareplus of z - 1/kz with h_eff = p+/kz.
        h = float(unit.effective_smoothing(np.array(max(z, 0) + 0.3)))
        expected = activation("squareplus", h=h).value(np.array(z - 1 / unit.kz))
        minus = expected - z
        assert slope == pytest.approx(expected / (expected + minus), abs=1e-6)
    else:
        expected = unit.value(np.array(z))
        assert slope == pytest.approx(float(unit.slope(np.array(z))), abs=1e-6)
    assert value == pytest.approx(float(expected), abs=1e-6)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_slope_is_the_derivative_of_the_value(name):
    unit = activation(name)
    z = np.array([-3.0, -0.7, 0.4, 2.0])
    step = 1e-6
    numeric = (unit.value(z + step) - unit.value(z - step)) / (2 * step)
    np.testing.assert_allclose(unit.slope(z), numeric, atol=1e-8)


def test_squareplus_does_not_cancel_for_negative_arguments():
    # (z + s)/2 = h/|z| (1 + O(h/z^2)) for z << 0; plain evaluation gives 0 here.
    assert activation("squareplus", h=1e-4).value(np.array(-1e6)) == pytest.approx(1e-10, rel=1e-9)


@pytest.mark.parametrize(
    ("layers", "dual"), [((2, 3, 1), False), ((2, 4, 3, 2), True), ((3, 2), False)], ids=str
)
def test_weights_move_against_the_gradient_on_the_slow_manifold(layers, dual):
    circuit = onepot(layers, h=0.1, dual_rail=dual, eps=0.01, ka=5.0)
    net = circuit.network
    rng = np.random.default_rng(3)
    weights = [(rng.normal(size=(o, i)), rng.normal(size=o)) for i, o in pairwise(layers)]
    x = rng.uniform(-1 if dual else 0, 1, layers[0])
    target = rng.normal(size=layers[-1])
    state = circuit.start(weights)
    for pair, signal in ((circuit.inputs, x), (circuit.targets, target)):
        plus, minus = circuit.rail_rows(pair)
        state[plus] = np.maximum(signal, 0)
        state[minus[minus >= 0]] = np.maximum(-signal, 0)[minus >= 0]
    # Freeze learning to relax all fast species, then ask how fast the weights would move.
    relaxed = simulate(
        net,
        [0, 3000.0],
        initial=state,
        rates={"eps": 0.0, "kw": 0.0},
        method="BDF",
        rtol=1e-10,
        atol=1e-13,
    )
    change = compile_network(net)(relaxed.concentration.values[0, -1], net.rate_constants())
    moved = circuit.weight_values(change) / -0.01
    expected = gradients(weights, x[None], target[None], circuit.activation)
    flat = np.concatenate([array.ravel() for layer in expected for array in layer])
    # Annihilation of W+ with W- leaves the value alone; the rest is the relaxation's error.
    np.testing.assert_allclose(moved, flat, rtol=1e-6, atol=1e-7)


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
    for name in ACTIVATIONS:
        assert max(family.order for family in onepot((2, 3, 2, 1), name).network.families) <= 2


def test_declared_conservation_laws_are_laws_of_the_network():
    circuit = onepot((2, 3, 1), "relu")
    laws = circuit.network.conservation_laws()
    for p, n in circuit.conserved:
        for unit in range(3):
            assert {f"{p}[{unit}]": 1, f"{n}[{unit}]": 1} in laws


def test_counts_of_the_xor_pot():
    # 2-6-1: W1 12, B1 6, W2 6, B2 1 on two rails each; Z, R, G, E, T on two; X, Y, D on one; inputs and the constant.
    circuit = onepot((2, 6, 1))
    assert circuit.network.n_species == 2 * 25 + 2 * (6 + 6 + 6) + 3 * 6 + 2 * (1 + 1 + 1) + 2 + 1
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
    ],
)
def test_a_wrong_circuit_is_refused_by_name(call, words):
    with pytest.raises(CrnsimError, match=words):
        call()
