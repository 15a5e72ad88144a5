"""Integration against closed forms, an independent solver and theory."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import crnsim
from crnsim import CrnsimError, Network, onepot, simulate
from crnsim.solvers import METHODS
from crnsim.solvers.single import plain_protocol


def decay_chain() -> Network:
    net = Network(parameters={"k": 1.0})
    for name in "AB":
        net.add_species(name)
    net.add_family("convert", "A -> B", "k")
    net.add_family("decay", "B -> 0", "0.5*k")
    return net


def squareplus(h: float, zp: float, zm: float) -> Network:
    net = Network(parameters={"k": 1.0, "h": h})
    for name in ("X", "Zp", "Zm"):
        net.add_species(name)
    for equation, rate in (
        ("0 -> X", "h"),
        ("Zp + X -> Zp + 2X", "k"),
        ("Zm + X -> Zm", "k"),
        ("2X -> X", "k"),
    ):
        net.add_family("activation", equation, rate)
    return net


def test_first_order_chain_equals_its_closed_form():
    t = np.linspace(0, 5, 11)
    run = simulate(decay_chain(), t, initial={"A": 2.0}, rtol=1e-8, atol=1e-10)
    a, b = 2 * np.exp(-t), 4 * (np.exp(-0.5 * t) - np.exp(-t))
    # Tolerance 1e-8 a step, some hundred steps, contracting dynamics; interpolation is of order 3.
    np.testing.assert_allclose(run.concentration[0], np.stack([a, b], axis=1), atol=1e-6)
    assert run.status.item() == 0


def test_second_order_decay_equals_its_closed_form():
    net = Network(parameters={"k": 2.0})
    net.add_species("A")
    net.add_family("pair", "2A -> A", "k")
    t = np.linspace(0, 10, 6)
    run = simulate(net, t, initial={"A": 3.0}, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(run.concentration[0, :, 0], 3 / (1 + 6 * t), atol=1e-6)


@pytest.mark.parametrize(("h", "z"), [(0.1, 1.3), (0.1, -2.0), (1e-4, 0.0), (1e-4, -0.5)])
def test_squareplus_unit_follows_its_exact_solution(h, z):
    # design of the unit: (x - x+)/(x - x-) = C exp(-s t), with x+- = (z +- s)/2 and s = sqrt(z^2 + 4h)
    t = np.linspace(0, 20, 9)
    zp, zm, x0 = max(z, 0) + 0.2, max(-z, 0) + 0.2, 0.7
    run = simulate(squareplus(h, zp, zm), t, initial={"X": x0, "Zp": zp, "Zm": zm}, rtol=1e-9, atol=1e-12)
    s = np.sqrt(z * z + 4 * h)
    high, low = (z + s) / 2, (z - s) / 2
    ratio = (x0 - high) / (x0 - low) * np.exp(-s * t)
    exact = (high - low * ratio) / (1 - ratio)
    np.testing.assert_allclose(run.concentration.sel(species="X")[0], exact, atol=1e-7)


def pot(layers, **parameters):
    """A pot with random weights that is shown one sample."""
    circuit = onepot(layers, **parameters)
    net = circuit.network
    rng = np.random.default_rng(1)
    shapes = list(zip(layers[1:], layers[:-1], strict=True))
    weights = [(rng.normal(size=shape) / np.sqrt(shape[1]), np.zeros(shape[0])) for shape in shapes]
    state = circuit.start(weights)
    state[net.rows("X0p")] = np.arange(layers[0]) % 2
    state[net.rows("Tp")[0]] = 1
    return net, state


def xor_pot():
    """Moderately stiff: no dead zone, and annihilation weak enough for accuracy to limit the step."""
    return pot((2, 6, 1), ka=20.0, kz=2.0, dead_zone=0, delay=0)


COMPILED = ["auto", "bs23", "dp45", "rkc", "rodas", "rosw"]


def largest_error(run, reference, rtol=1e-3, atol=1e-6):
    """In units of the tolerance."""
    exact = reference.concentration
    return float((np.abs(run.concentration - exact) / (atol + rtol * np.abs(exact))).max())


@pytest.mark.parametrize("method", COMPILED)
@pytest.mark.parametrize("rtol", [1e-3, 1e-5])
def test_pot_agrees_with_scipy_within_ten_tolerances(rtol, method):
    net, state = xor_pot()
    t = np.linspace(0, 100, 41)
    ours = simulate(net, t, initial=state, rtol=rtol, atol=1e-3 * rtol, method=method)
    reference = simulate(net, t, initial=state, method="LSODA", rtol=1e-10, atol=1e-13)
    # Local errors are held to atol + rtol |y|; global ones may add up to a few times that.
    assert largest_error(ours, reference, rtol, 1e-3 * rtol) < 10


@pytest.mark.parametrize("layers", [(2, 6, 1), (64, 20, 10)], ids=["eight runs", "one run in all lanes"])
def test_fast_annihilation_costs_little_and_stays_accurate(layers):
    costs = []
    for ka in (5.0, 1000.0):
        net, state = pot(layers, ka=ka)
        t = np.linspace(
            0, 100, 9
        )  # most of them inside steps: recorded times are held to the tolerance as well
        run = simulate(net, t, initial=state)
        reference = simulate(net, t, initial=state, method="BDF", rtol=1e-9, atol=1e-12)
        # The same bound as above, at the same two-hundred-fold range of stiffness that users sweep.
        assert largest_error(run, reference) < 10
        costs.append(int(simulate(net, t, initial=state, method="rosw").evaluations[0]))
        # Explicit steps, in turns, cost no more than they save.
        assert int(run.evaluations[0]) < 1.2 * costs[-1]
    assert costs[1] < 4 * costs[0]


def test_a_stabilised_method_needs_fewer_evaluations_of_a_moderately_stiff_pot():
    net, state = pot((2, 6, 1), ka=100.0)
    options = {"initial": state, "rtol": 1e-3, "atol": 1e-6}
    cost = {m: int(simulate(net, [0, 100], method=m, **options).evaluations[0]) for m in ("bs23", "rkc")}
    assert cost["rkc"] < 0.6 * cost["bs23"]


@pytest.mark.parametrize("method", ["BDF", "Radau"])
def test_scipys_implicit_methods_use_our_jacobian_and_agree(method):
    net, state = xor_pot()
    t = np.linspace(0, 20, 5)
    run = simulate(net, t, initial=state, method=method, rtol=1e-8, atol=1e-11)
    reference = simulate(net, t, initial=state, rtol=1e-8, atol=1e-11)
    np.testing.assert_allclose(run.concentration, reference.concentration, atol=1e-5)


@pytest.mark.parametrize("method", ["bs23", "dp45", "rkc", "rodas", "rosw"])
def test_error_falls_with_the_tolerance_as_the_order_says(method):
    order = METHODS[method].orders[0]
    net, state = xor_pot()
    reference = simulate(net, [0, 10, 20], initial=state, method="Radau", rtol=1e-12, atol=1e-14)
    errors, works = [], []
    # Fine enough for accuracy to limit the step, not stability.
    for rtol in (1e-7, 1e-9) if method == "dp45" else (1e-6, 1e-8):
        run = simulate(net, [0, 10, 20], initial=state, rtol=rtol, atol=rtol * 1e-3, method=method)
        errors.append(float(np.abs(run.concentration - reference.concentration).max()))
        works.append(int(run.steps[0]))
    # The estimate falls as h^3 for all but dp45 and rodas, h^5 and h^4 there, so two decades of tolerance cost
    # 100^(1/3) = 4.6 times the steps (2.5, 3.2) and bring 4.6^order: 100 with local extrapolation, 22 with order 2; a
    # factor 3 is left for constants.
    falls = {"dp45": 5, "rodas": 4}.get(method, 3)
    assert errors[0] / errors[1] > 100 ** (order / falls) / 3
    assert works[1] / works[0] == pytest.approx(100 ** (1 / falls), rel=0.25)


def test_conserved_sums_stay_to_rounding():
    net = Network(parameters={"k": 1.0})
    for name in "ABC":
        net.add_species(name)
    net.add_family("bind", "A + B -> C", "5*k")
    net.add_family("split", "C -> A + B", "k")
    run = simulate(net, np.linspace(0, 50, 7), initial={"A": 1.0, "B": 0.4})
    total = run.concentration.sel(species=["A", "C"]).sum("species")
    # Linear invariants survive any Runge-Kutta step but for rounding; clipping would break them.
    np.testing.assert_allclose(total, 1.0, atol=1e-12)


def test_a_slow_array_that_turns_into_a_fast_one_keeps_their_sum():
    net = Network(parameters={"k": 100.0})
    net.add_species("W", slow=True)
    net.add_species("Z")
    net.add_family("there", "W -> Z", "k")
    net.add_family("back", "Z -> W", "0.5*k")
    run = simulate(net, np.linspace(0, 1, 5), initial={"W": 1.0}, method="rosw")
    np.testing.assert_allclose(run.concentration.sum("species"), 1.0, atol=1e-12)


@pytest.mark.parametrize("method", COMPILED)
def test_recorded_times_of_a_stiff_network_are_as_accurate_as_steps(method):
    # B follows the square root of A at a rate far above that of A: its slopes are noise, its values are not.
    net = Network(parameters={"k": 1e4})
    net.add_species("A")
    net.add_species("B")
    for equation, rate in (("A -> 0", 1.0), ("A -> A + B", "k"), ("2B -> B", "k")):
        net.add_family("any", equation, rate)
    t = np.linspace(0, 3, 61)
    run = simulate(net, t, initial={"A": 1.0, "B": 1.0}, method=method)
    # The lag of B behind the root is 1/(4k), far below the tolerance.
    exact = np.stack([np.exp(-t), np.exp(-t / 2)], axis=1)
    assert np.max(np.abs(run.concentration[0] - exact) / (1e-6 + 1e-3 * exact)) < 10


def test_a_network_can_be_copied_after_it_was_integrated():
    net = decay_chain()
    run = simulate(net, [0, 1.0], initial={"A": 1.0})
    again = simulate(copy.deepcopy(net), [0, 1.0], initial={"A": 1.0})
    np.testing.assert_array_equal(run.concentration, again.concentration)
    assert len(pickle.dumps(net)) > 0


def test_an_empty_network_gives_an_empty_result():
    assert simulate(Network(), [0, 1]).concentration.shape == (1, 2, 0)


def test_concentrations_stay_above_zero_within_the_tolerance():
    net, state = xor_pot()
    run = simulate(net, np.linspace(0, 100, 401), initial=state, rtol=1e-2, atol=1e-6)
    assert float(run.concentration.min()) >= -2e-6  # atol at steps; the interpolation between may add as much


def test_species_that_are_negative_within_the_tolerance_do_not_stop_a_run():
    # B is just below zero and a catalyst that pulls A below it too: A' = 50 B with B = -0.9 atol relaxing to 0.
    net = Network()
    for name in "ABCD":
        net.add_species(name)
    for equation, rate in (
        ("B -> A + B", 50.0),
        ("A -> 0", 1.0),
        ("B -> 0", 0.1),
        ("C -> D", 40.0),
        ("D -> C", 40.0),
    ):
        net.add_family("any", equation, rate)
    start = net.state({"A": 0.0, "C": 1.0})
    start[net.rows("B")] = -0.9e-6
    protocol = plain_protocol(
        start[None],
        net.rate_constants()[None],
        span=100.0,
        grid=np.array([0.0, 1.0]),
        rtol=1e-3,
        atol=1e-6,
        max_steps=100_000,
    )
    record, _ = crnsim.solvers.solve(net, protocol)
    assert record.run["status"].item() == 0
    assert record.trajectory[0, 0, -1].min() > -2e-6


def test_finite_time_blow_up_is_diverged_and_says_when():
    net = Network()
    net.add_species("X")
    net.add_family("autocatalysis", "2X -> 3X", 1.0)
    run = simulate(net, [0, 0.5, 2.0], initial={"X": 1.0})  # x = 1 / (1 - t)
    assert crnsim.outcomes.OUTCOMES[run.status.item()] == "diverged"
    assert run.concentration[0, 1, 0] == pytest.approx(2.0, rel=1e-2)
    assert np.isnan(run.concentration[0, 2, 0])
    assert "(time 1)" in run.reason.item()


def test_a_bounded_network_is_never_diverged_however_fast_it_grows():
    # X grows at 1000 and settles at 10^5; an explicit method may fail here, but nothing grows without bound.
    net = Network()
    for name in "XY":
        net.add_species(name)
    for equation, rate in (("X -> 2X", 1e3), ("2X -> X", 1e-2), ("X + Y -> X", 1e3), ("0 -> Y", 1.0)):
        net.add_family("any", equation, rate)
    run = simulate(net, [0, 1.0], initial={"X": 1.0}, max_steps=20_000)
    assert crnsim.outcomes.OUTCOMES[run.status.item()] != "diverged"


def test_a_fast_start_of_a_long_run_is_integrated():
    net = Network()
    net.add_species("A")
    net.add_family("pair", "2A -> 0", 1e6)
    run = simulate(net, [0, 1e-3, 1e5], initial={"A": 1.0})
    assert run.status.item() == 0
    assert run.concentration[0, 1, 0] == pytest.approx(1 / (1 + 2e3), rel=1e-2)


def test_a_spent_budget_is_an_outcome():
    net, state = xor_pot()
    run = simulate(net, [0, 100.0], initial=state, max_steps=50)
    assert crnsim.outcomes.OUTCOMES[run.status.item()] == "step_limit"
    assert "50 steps" in run.reason.item()


@pytest.mark.parametrize("method", ["LSODA", "BDF", "Radau"])
def test_scipys_methods_end_on_a_blow_up_too(method):
    net = Network()
    net.add_species("X")
    net.add_family("autocatalysis", "2X -> 3X", 1.0)
    run = simulate(net, [0, 0.5, 2.0], initial={"X": 1.0}, method=method, max_steps=20_000)
    assert crnsim.outcomes.OUTCOMES[run.status.item()] in ("diverged", "failed", "step_limit")
    assert run.reason.item()


def test_a_replicate_does_not_depend_on_those_beside_it():
    net, state = xor_pot()
    rates = net.rate_constants() * np.random.default_rng(0).lognormal(sigma=0.2, size=(11, net.n_reactions))
    t = np.linspace(0, 60, 5)
    together = simulate(net, t, initial=state, rates=rates, replicates=11)
    for r in (0, 7, 10):
        alone = simulate(net, t, initial=state, rates=rates[r])
        np.testing.assert_array_equal(alone.concentration[0], together.concentration[r])
        assert alone.steps[0] == together.steps[r]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"t": [1.0, 0.0]}, "increasing"),
        ({"method": "rk45"}, "unknown method"),
        ({"volume": 100.0, "method": "rosw"}, "deterministic"),
        ({"species": ["Q"]}, "no species 'Q'; known: A, B"),
        ({"rates": {"q": 1.0}}, "unknown rate parameter 'q'"),
        ({"rates": np.ones(5)}, "shape"),
        ({"rtol": 0.0}, "rtol is 0.0"),
        ({"atol": float("inf")}, "atol is inf"),
        ({"max_steps": 0}, "max_steps is 0"),
        ({"species": []}, "species is empty"),
        ({"initial": [1.0]}, "shape"),
        ({"replicates": 1.5}, "replicates"),
        ({"replicates": 0}, "replicates"),
    ],
)
def test_wrong_arguments_are_named(arguments, words):
    with pytest.raises(CrnsimError, match=words):
        simulate(decay_chain(), **({"t": [0.0, 1.0], "initial": {"A": 1.0}} | arguments))


def test_each_run_may_start_from_a_state_of_its_own():
    net = Network(parameters={"k": 1.0})
    net.add_species("A")
    net.add_family("decay", "A -> 0", "k")
    run = simulate(net, [0, 1], initial=[[1.0], [2.0], [4.0]], rtol=1e-6)
    # exp(-1) of each start; error control at 1e-6 leaves about that.
    np.testing.assert_allclose(
        run.concentration.values[:, -1, 0], np.exp(-1) * np.array([1, 2, 4]), rtol=1e-5
    )
    with pytest.raises(CrnsimError, match="3 states for 2 replicates"):
        simulate(net, [0, 1], initial=[[1.0], [2.0], [4.0]], replicates=2)
    with pytest.raises(CrnsimError, match=r"must be \(1,\), or \(runs, 1\)"):
        simulate(net, [0, 1], initial=[[1.0, 2.0]])


@pytest.mark.parametrize("k", [1e60, 1e90, 1e100])
def test_reactions_that_are_lost_in_rounding_are_refused(k):
    # Integrated at once they lost what they convert, without a word.
    pair = crnsim.read_crn(f"k = {k}; A ->{{k}} B; B ->{{1}} C; init A 1")
    with pytest.raises(CrnsimError, match=r"reaction 'A -> B' takes less than 1e-50 of the time"):
        simulate(pair, [0, 1])
    assert float(simulate(pair, [0, 1e-55 / k * 1e60])["status"][0]) == 0
