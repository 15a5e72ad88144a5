"""Activations: every unit's chemistry relaxes to its closed form, at the rate theory gives, from anywhere."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from crnsim import CrnsimError, simulate
from crnsim.activations import ACTIVATIONS, activation, single_unit
from crnsim.kinetics.kernels import compile_network

H = (0.01, 0.1, 1.0)
UNITS = [(name, {"h": h}) for name in ACTIVATIONS if "h" in activation(name).parameters() for h in H]
#: Those that need no clock.
POTS = [name for name in ACTIVATIONS if not activation(name).needs_clock]
UNITS += [("squareplus", {"h": h, "derivative": "reported"}) for h in H]
UNITS += [(name, {"kz": kz}) for name in ("relu", "leaky_relu") for kz in (50.0, 1500.0)]
Z = np.linspace(-5, 5, 21)
#: Production of both rails that cancels in z.
COMMON = 0.3
PLUS, MINUS = np.maximum(Z, 0) + COMMON, np.maximum(-Z, 0) + COMMON


def unit_network(unit):
    """A layer of units with clamped productions: layer, value rails, slope."""
    layer = single_unit(unit, size=len(Z))
    return layer, unit.add_value(layer), unit.add_slope(layer)


def random_start(layer, rng):
    """Random concentrations, but for sums that the chemistry conserves."""
    net = layer.network
    values = {s.name: rng.uniform(0.05, 3.0, s.shape) for s in net.species}
    for law in layer.conserved:
        total = sum(layer.initial[name] for name in law)
        scale = total / sum(values[name] for name in law)
        values |= {name: values[name] * scale for name in law}
    return values | {"Inp": PLUS, "Inm": MINUS}


def reading(layer, state, terms):
    """Sum of species times gains, unit by unit."""
    net = layer.network
    return sum((net.parameters[gain] if gain else 1.0) * state[..., net.rows(name)] for name, gain in terms)


def value_terms(rails):
    return [(rails.plus, "")] if rails.minus is None else [(rails.plus, ""), (rails.minus, rails.gain)]


def read_value(layer, state, rails):
    signs = [1.0, -1.0]
    return sum(
        sign * reading(layer, state, [term]) for sign, term in zip(signs, value_terms(rails), strict=False)
    )


def relaxed(layer, values, times):
    # A hundredth of the 1e-6 asked for; the tolerance holds per step, and the relaxation forgets earlier errors.
    run = simulate(layer.network, times, initial=values, method="LSODA", rtol=1e-9, atol=1e-11)
    assert int(run.status[0]) == 0
    return run.concentration.values[0]


@pytest.mark.parametrize(("name", "parameters"), UNITS, ids=str)
def test_unit_relaxes_to_its_closed_form_from_random_concentrations(name, parameters):
    unit = activation(name, **parameters)
    layer, rails, slope = unit_network(unit)
    values = random_start(layer, np.random.default_rng(len(name)))
    # The slowest rates: s >= 2 sqrt(0.01) = 0.2, and X^2 + h = h at z = -5 of the reported derivative.
    end = 4000.0 if parameters.get("derivative") == "reported" else 400.0
    state = relaxed(layer, values, [0, end])[-1]
    value, derivative = unit.fixed_point(PLUS, MINUS)
    np.testing.assert_allclose(read_value(layer, state, rails), value, atol=1e-6)
    np.testing.assert_allclose(reading(layer, state, slope), derivative, atol=1e-6)
    expected = unit.concentrations(PLUS, MINUS)
    for symbol, array in layer.arrays.items():
        if unit.needs_rails or symbol not in ("Zp", "Zm"):
            np.testing.assert_allclose(state[layer.network.rows(array)], expected[symbol], atol=1e-6)


@pytest.mark.parametrize(("name", "parameters"), UNITS, ids=str)
def test_value_relaxes_at_the_rate_of_theory(name, parameters):
    unit = activation(name, **parameters)
    rate = unit.relaxation_rate(PLUS, MINUS)
    layer, rails, _ = unit_network(unit)
    values = random_start(layer, np.random.default_rng(3))
    if not unit.needs_rails:
        # Rails that the unit does not annihilate are there from the start: they would relax at 1 beside it.
        values |= {"Z1p": PLUS, "Z1m": MINUS}
    if name.startswith("algebraic"):
        # X and Y relax at the rate of their shares; two equal rates in a row give t exp(-s t), which has no one slope.
        known = unit.concentrations(PLUS, MINUS)
        values |= {"X1": known["X"], "Y1": known["Y"]}
    # The first relaxation is not exponential; later the distance falls by e in 1/rate, until it is lost in rounding.
    times = np.linspace(0, 14, 57)
    for chosen in (0, 4, 10, 15, 20):
        state = relaxed(layer, values, times / rate[chosen])
        value = read_value(layer, state, rails)[:, chosen]
        distance = np.abs(value - unit.fixed_point(PLUS, MINUS)[0][chosen])
        late = slice(32, 49)
        fitted = -np.polyfit(times[late] / rate[chosen], np.log(distance[late]), 1)[0]
        assert fitted == pytest.approx(rate[chosen], rel=0.01), Z[chosen]


@pytest.mark.parametrize("name", [n for n in ACTIVATIONS if activation(n).smooth])
def test_fixed_point_of_a_smooth_unit_is_value_and_slope(name):
    unit = activation(name)
    value, slope = unit.fixed_point(PLUS, MINUS)
    np.testing.assert_allclose(value, unit.value(Z), rtol=1e-14)
    np.testing.assert_allclose(slope, unit.slope(Z), rtol=1e-14)


@pytest.mark.parametrize("name", ["relu", "leaky_relu"])
def test_fixed_point_of_annihilating_rails_is_a_squareplus_that_sharpens(name):
    for kz in (50.0, 1500.0):
        unit = activation(name, kz=kz)
        value, _ = unit.fixed_point(PLUS, MINUS)
        # Z+ is the squareplus of z - 1/kz with h = p+/kz, and Z+ - Z- = z.
        rail = np.array(
            [
                activation("squareplus", h=float(h)).value(np.array(z - 1 / kz))
                for h, z in zip(unit.effective_smoothing(PLUS), Z, strict=True)
            ]
        )
        alpha = getattr(unit, "alpha", 0.0)
        np.testing.assert_allclose(value, rail - alpha * (rail - Z), rtol=1e-12, atol=1e-14)
        # At z = 0 the rail is below sqrt(p+/kz), and it is nearest to the limit elsewhere.
        assert np.max(np.abs(value - unit.value(Z))) <= np.sqrt(COMMON / kz)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_slope_is_the_derivative_of_the_value(name):
    unit = activation(name)
    z = np.array([-3.0, -0.7, 0.4, 2.0])
    step = 1e-6
    numeric = (unit.value(z + step) - unit.value(z - step)) / (2 * step)
    np.testing.assert_allclose(unit.slope(z), numeric, atol=1e-8)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_values_lie_between_the_bounds_and_come_near_them(name):
    unit = activation(name)
    low, high = unit.bounds
    values = unit.value(np.array([-1e4, 0.0, 1e4]))
    assert np.all((values >= low) & (values <= high))
    # sqrt(4h)/|z| is the order of the distance to a bound.
    assert values[0] == pytest.approx(low, abs=1e-3) if np.isfinite(low) else values[0] < -1
    assert values[2] == pytest.approx(high, abs=1e-3) if np.isfinite(high) else values[2] > 1


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_initial_concentrations_stand_at_the_fixed_point_for_z_zero(name):
    unit = activation(name)
    layer, _, _ = unit_network(unit)
    # Rails without any production are empty, and the switch of a ReLU is undecided.
    drive = np.zeros(1)
    expected = unit.concentrations(drive, drive)
    for array, value in layer.initial.items():
        symbol = next(s for s, known in layer.arrays.items() if known == array)
        assert value == pytest.approx(float(expected[symbol][0]), rel=1e-12)


def test_squareplus_does_not_cancel_for_negative_arguments():
    # (z + s)/2 = h/|z| (1 + O(h/z^2)) for z << 0; plain evaluation gives 0 here.
    assert activation("squareplus", h=1e-4).value(np.array(-1e6)) == pytest.approx(1e-10, rel=1e-9)
    assert activation("algebraic_sigmoid", h=1e-4).value(np.array(-1e6)) == pytest.approx(1e-16, rel=1e-9)


@pytest.mark.parametrize("name", POTS)
def test_linear_systems_of_a_unit_are_solved_exactly(name):
    layer, _, _ = unit_network(activation(name))
    assert not compile_network(layer.network).listed


@pytest.mark.parametrize("name", POTS)
def test_unit_reactions_are_at_most_bimolecular(name):
    layer, _, _ = unit_network(activation(name))
    assert max(family.order for family in layer.network.families) == 2


def test_documented_costs_are_those_of_the_networks():
    page = (Path(__file__).parents[1] / "docs" / "chemistry.md").read_text()
    rows = re.findall(
        r"^\| `(\w+)` \| (\w+) \| \S+ to \S+ \| (\d+), (\d+) \| (\d+), (\d+) \|$", page, re.MULTILINE
    )
    documented = {name: (smooth == "yes", *map(int, counts)) for name, smooth, *counts in rows}
    counted = {}
    for name in ACTIVATIONS:
        unit, cost = activation(name), activation(name).cost()
        counts = (cost.species, cost.reactions, cost.slope_species, cost.slope_reactions)
        counted[name] = (unit.smooth, *counts)
    assert documented == counted


@pytest.mark.parametrize(
    ("name", "parameters", "words"),
    [
        ("leaky_squareplus", {"alpha": 1.0}, "alpha is 1; it must lie between 0 and 1"),
        ("leaky_relu", {"alpha": 0}, "alpha is 0; it must be a number >= 1e-30"),
        ("algebraic_tanh", {"h": 0}, "h is 0"),
        ("algebraic_sigmoid", {"kz": 1}, "no parameter 'kz'"),
        ("algebraic_sigmod", {}, "did you mean 'algebraic_sigmoid'"),
    ],
)
def test_a_wrong_activation_is_refused_by_name(name, parameters, words):
    with pytest.raises(CrnsimError, match=words):
        activation(name, **parameters)
