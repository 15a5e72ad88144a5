"""Right numbers for any network: autocatalysis, clocks, rivals, stiff chemistry, odd units, random networks.

The faults of an earlier version, each with the value that it should have had, and random networks against SciPy's
LSODA at 1e-11. An error counts in tolerances: |y - exact| / (atol + rtol |y|), with those that the docs promise.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from cases import (
    BRUSSELATOR,
    DECAY,
    E5,
    GROWTH,
    HIRES,
    LOTKA,
    POLLU,
    ROBERTSON,
    Case,
    autocatalysis,
    reference,
    ring,
    scaled,
    three_rivals,
)
from random_networks import draw, solved
from scipy.integrate import solve_ivp

import crnsim
from crnsim import Network, simulate
from crnsim.errors import InputError
from crnsim.kinetics.kernels import compile_network
from crnsim.kinetics.listed import COST, SERVES
from crnsim.outcomes import OUTCOMES
from crnsim.solvers.ode.steps import NAMES
from crnsim.solvers.scales import SCALED_ATOL

#: Errors that are allowed without a warning, in tolerances.
MUCH = 20.0

COMPILED = ("auto", "rosw", "rodas", "bs23", "dp45", "rkc")
SCIPY = ("LSODA", "BDF", "Radau")


def run(case: Case, times, **options):
    return simulate(case.network(), times, initial=dict(case.initial), **options)


def status(result) -> str:
    return OUTCOMES[int(result.status[0])]


def tolerances_off(y, exact, rtol: float) -> float:
    """Largest error, with an absolute tolerance of 1e-9 rtol of each species' highest concentration."""
    highest = np.max(np.abs(exact), axis=0)
    highest = np.where(exact[0] > 0, highest, np.max(exact[0]))
    return float(np.max(np.abs(y - exact) / (SCALED_ATOL * rtol * highest + rtol * np.abs(exact) + 1e-300)))


def network(*reactions: tuple[str, float]) -> Network:
    return Case("", reactions, {}, 1.0).network()


@pytest.mark.parametrize("method", ["auto", "rosw", "bs23", "rkc"])
@pytest.mark.parametrize("count", [61, 601, 6001])
def test_recorded_values_are_as_good_as_steps_on_any_grid(count, method):
    case = autocatalysis(1e-8)
    times = np.linspace(0, 60, count)
    result = run(case, times, method=method, rtol=1e-4)
    y = result.concentration.values[0]
    assert status(result) == "ok"
    # A + X = 1 + 1e-8, each of them between zero and that, but for what the tolerance leaves.
    np.testing.assert_allclose(y.sum(axis=1), 1 + 1e-8, rtol=1e-12)
    assert y.min() > -100 * SCALED_ATOL * 1e-4
    assert y.max() < 1 + 1e-8 + 1e-4
    # The error of bs23 and of rkc is larger, and is said to be.
    off = tolerances_off(y, case.exact(times), 1e-4)
    assert off < MUCH or (result.warning[0] != "" and 0.3 * off < float(result.error[0]) < 3 * off)


@pytest.mark.parametrize("method", ["auto", "bs23", "rkc", "LSODA"])
@pytest.mark.parametrize("seed", [1e-8, 1e-9, 1e-12])
def test_a_seed_grows_when_it_should(seed, method):
    times = np.linspace(0, 60, 6001)
    for options in ({}, {"rtol": 1e-3, "atol": 1e-6}):
        result = run(autocatalysis(seed), times, method=method, **options)
        x = result.concentration.values[0, :, 1]
        passed = float(np.interp(0.5, x, times))
        # A relative error e of the seed shifts the time by e; many tolerances of 1e-3 are 0.05 at most.
        assert abs(passed - np.log(1 / seed)) < (0.002 if not options else 0.2), (options, passed)
        assert status(result) == "ok"
        # With an absolute tolerance above the seed the answer hangs on a value below it, which is said.
        assert ("X grew from below" in str(result.warning.values[0])) == bool(options)


def test_a_ring_clock_ticks_at_its_period():
    # O_i + O_(i+1) -> 2 O_(i+1), six species, delta = 1e-6: the period is 96.6/k.
    case = ring(6, 1e-6)
    times = np.linspace(0, 200, 20001)
    for method in COMPILED:
        result = run(case, times, method=method)
        assert status(result) == "ok"
        first = result.concentration.sel(species="O1").values[0]
        above = np.flatnonzero((first[1:] >= 0.5) & (first[:-1] < 0.5))
        assert np.diff(times[above])[0] == pytest.approx(96.6, abs=0.2)


def test_an_answer_does_not_depend_on_the_unit():
    times = np.linspace(0, 20, 41)
    one = run(GROWTH, times).concentration.values[0]
    for unit in (1e3, 1e-3, 1e-6, 1e-9):
        result = run(scaled(GROWTH, unit), times)
        assert status(result) == "ok"
        assert tolerances_off(result.concentration.values[0] / unit, one, 1e-6) < 2


@pytest.mark.parametrize("method", [*COMPILED, *SCIPY])
def test_the_rival_that_wins_is_the_one_that_should_or_no_run_is_ok(method):
    result = run(three_rivals(), [0, 3000], method=method, max_steps=200_000)
    if status(result) != "ok":
        assert method in SCIPY
        return
    last = result.concentration.sel(species=["N0", "N1", "N2"]).values[0, -1]
    assert np.log10(last) == pytest.approx([np.log10(7.9e-114), np.log10(2.9e-12), 0], abs=0.2)


def test_loops_of_species_cost_auto_no_more_than_other_stiff_networks():
    result = run(POLLU, POLLU.times(41))
    assert status(result) == "ok"
    assert int(result.steps[0]) < 3000
    assert tolerances_off(result.concentration.values[0], reference(POLLU, 41), 1e-6) < MUCH
    # Three genes that repress one another, with fast binding (after Elowitz and Leibler, doi 10.1038/35002125).
    reactions = []
    for gene, by in zip("abc", "cab", strict=True):
        reactions += [(f"G{gene} -> G{gene} + M{gene}", 20.0), (f"M{gene} -> M{gene} + P{gene}", 5.0)]
        reactions += [(f"M{gene} -> 0", 1.0), (f"P{gene} -> 0", 1.0)]
        reactions += [(f"G{gene} + 2P{by} -> R{gene}", 1.0), (f"R{gene} -> G{gene} + 2P{by}", 200.0)]
    clock = network(*reactions)
    start = {"Ga": 1.0, "Gb": 1.0, "Gc": 1.0, "Pa": 10.0, "Pb": 1.0}
    result = simulate(clock, np.linspace(0, 40, 11), initial=start)
    assert status(result) == "ok"
    assert int(result.steps[0]) < 5000
    other = simulate(clock, np.linspace(0, 40, 11), initial=start, method="Radau", rtol=1e-10)
    assert tolerances_off(result.concentration.values[0], other.concentration.values[0], 1e-6) < MUCH


@pytest.mark.parametrize("case", [HIRES, ROBERTSON, E5], ids=lambda case: case.name)
def test_stiff_problems_are_solved_within_20_tolerances(case):
    result = run(case, case.times(41))
    assert status(result) == "ok"
    assert "tolerances" not in result.warning.values[0]
    found = result.concentration.sel(species=case.species).values[0]
    assert tolerances_off(found, reference(case, 41), 1e-6) < MUCH


def test_what_rounding_leaves_is_told():
    # Y2 - Y3 - Y4 = 0 is lost in rounding, and Y1 falls by what is left of it: every method in double precision is some
    # 90 tolerances off at 1e-8, and two runs at tolerances ten times apart would say 8.
    result = run(E5, E5.times(41), rtol=1e-8)
    found, exact = result.concentration.sel(species=E5.species).values[0], reference(E5, 41)
    floor = SCALED_ATOL * 1e-8 * E5.initial["Y1"]
    error = np.max(np.abs(found - exact) / (floor + 1e-8 * np.abs(exact)))
    assert error > MUCH
    assert float(result.error[0]) > 0.25 * error
    assert "the error is about" in str(result.warning.values[0])


@pytest.mark.parametrize("case", [BRUSSELATOR, LOTKA], ids=lambda case: case.name)
def test_the_error_of_a_clock_that_drifts_is_told(case):
    result = run(case, case.times(401), rtol=1e-4)
    found, exact = result.concentration.sel(species=case.species).values[0], reference(case, 401)
    error = tolerances_off(found, exact, 1e-4)
    assert error > MUCH
    assert 0.5 * error < float(result.error[0]) < 2 * error
    assert "the network enlarges errors" in str(result.warning.values[0])


def test_default_tolerances_follow_a_predator_over_many_periods():
    times = np.linspace(0, 100, 401)
    found = run(LOTKA, times).concentration.values[0]
    exact = run(LOTKA, times, rtol=1e-11, estimate=False).concentration.values[0]
    # Seen at rtol 1e-3: 0.49 of an amplitude of 20.8; at 1e-6: 0.0008.
    assert np.max(np.abs(found - exact)) < 1e-3 * 20.8


@pytest.mark.parametrize("method", ["auto", "bs23", "LSODA", "Radau"])
def test_times_on_a_logarithmic_grid_are_those_asked_for(method):
    times = np.array([0, 1e-3, 1e-2, 0.1, 1, 10, 1e12])
    result = run(DECAY, times, method=method, rtol=1e-6, atol=1e-9, max_steps=20_000)
    y, exact = result.concentration.values[0], DECAY.exact(times)
    reached = 7 if method != "bs23" else 6  # an explicit method does not get to 1e12
    np.testing.assert_allclose(y[:reached], exact[:reached], rtol=3e-5, atol=3e-8)
    assert (status(result) == "ok") == (reached == 7)


def test_growth_beyond_all_numbers_is_no_result():
    growth = network(("X -> 2X", 1.0))
    for method in (*COMPILED, *SCIPY):
        result = simulate(growth, [0, 1, 1000], initial={"X": 1.0}, method=method, max_steps=50_000)
        assert status(result) in ("diverged", "failed", "step_limit")
        assert result.concentration.values[0, 0, 0] == 1.0
        assert np.isnan(result.concentration.values[0, -1, 0])
        assert result.reason.values[0]


@pytest.mark.parametrize("method", [*COMPILED, *SCIPY])
def test_a_budget_that_is_spent_keeps_what_was_reached_and_counts_steps(method):
    result = run(LOTKA, [0, 0.01, 700], method=method, max_steps=30)
    assert status(result) == "step_limit"
    assert result.concentration.values[0, 0].tolist() == [20.0, 5.0]
    assert int(result.steps[0]) + int(result.rejected[0]) == 30


@pytest.mark.parametrize("rate", [1e3, 1e9, 1e15])
def test_conserved_sums_are_kept_to_the_rounding_that_stiffness_leaves(rate):
    fast = network(("A -> B", rate), ("B -> A", rate / 3), ("B -> C", 1.0))
    for rtol in (1e-3, 1e-6):
        result = simulate(fast, np.linspace(0, 10, 11), initial={"A": 1.0}, rtol=rtol)
        off = np.max(np.abs(result.concentration.values[0].sum(axis=1) - 1))
        # Each step loses the last bits of numbers that are as many times larger as h k; steps are at most 5 here.
        assert off < min(1e-14 + 1e-16 * 5 * rate, 0.01 * rtol)


def test_what_can_never_be_there_limits_no_step():
    # X would grow at 1e6 A, but there is no X.
    absent = network(("A + X -> 2X", 1e6), ("A -> B", 1.0), ("X + Y -> X + A", 1e8))
    result = simulate(absent, [0, 10.0], initial={"A": 1.0, "Y": 1.0})
    assert int(result.steps[0]) < 2000
    assert result.concentration.sel(species="B").values[0, -1] == pytest.approx(1 - np.exp(-10), rel=1e-5)


def test_what_is_absent_in_one_run_is_not_taken_from_another():
    both = network(("A -> B", 1.0), ("C -> D", 2.0))
    starts = np.array([[1.0, 0, 0, 0], [0, 0, 1.0, 0], [0, 0, 0, 0]])
    result = simulate(both, [0, 1.0], initial=starts)
    expected = [[np.exp(-1), 1 - np.exp(-1), 0, 0], [0, 0, np.exp(-2), 1 - np.exp(-2)], [0, 0, 0, 0]]
    np.testing.assert_allclose(result.concentration[:, -1], expected, rtol=1e-5)


def test_an_error_estimate_of_zero_does_not_carry_the_first_step():
    # The estimate of bs23 vanishes at h k = 1, and 1e-3 of this span is just that.
    for method in COMPILED:
        result = run(DECAY, [0, 1.0, 1000.0], method=method)
        np.testing.assert_allclose(result.concentration.values[0, 1], [np.exp(-1), 1 - np.exp(-1)], rtol=1e-4)


@pytest.mark.parametrize("rtol", [1e-3, 1e-4, 1e-6])
def test_an_unstable_state_is_left_when_it_should_be_or_the_error_is_told(rtol):
    # dx/dt = -(x - 1)(x - 2)(x - 3) from 2 + d: (x - 2)^2 = 1 / (1 + (d^-2 - 1) exp(-2 t)). Growth from far below rtol.
    bistable = network(("2X -> 3X", 6.0), ("3X -> 2X", 1.0), ("0 -> X", 6.0), ("X -> 0", 11.0))
    times = np.linspace(0, 60, 61)
    for power in range(1, 10):
        start = 2 + (-1) ** power * 0.9 * 10.0**-power
        d = start - 2
        exact = 2 + np.sign(d) / np.sqrt(1 + (d**-2 - 1) * np.exp(-2 * times))
        result = simulate(bistable, times, initial={"X": start}, rtol=rtol)
        off = np.max(np.abs(result.concentration.values[0, :, 0] / exact - 1)) / rtol
        assert off < MUCH or result.warning[0] != "", (start, off)
        assert off < 1 or float(result.error[0]) > 0.3 * off, (start, off)


@pytest.mark.parametrize("first", range(0, 120, 20))
def test_random_networks_are_right_or_say_so(first):
    """Every ``ok`` without a warning is within 20 tolerances; nothing is below its bound; sums are kept."""
    compared = 0
    for seed in range(first, first + 20):
        drawn = draw(seed)
        if not drawn.network.n_reactions:
            continue
        times = np.unique(
            np.concatenate([np.linspace(0, drawn.end, 11), np.geomspace(1e-9, 1, 200) * drawn.end])
        )
        result = simulate(drawn.network, times, initial=drawn.initial, max_steps=100_000)
        if status(result) != "ok":
            assert result.reason.values[0], drawn
            continue
        y, start = result.concentration.values[0], drawn.network.state(drawn.initial)
        highest = np.max(y, axis=0)
        assert np.all(y >= -100 * SCALED_ATOL * 1e-6 * np.maximum(highest, np.max(start))), drawn
        for law in drawn.network.conservation_laws():
            parts = y[:, [drawn.network.labels.index(name) for name in law]] * list(law.values())
            total = parts.sum(axis=1)
            assert np.all(np.abs(total - total[0]) <= 1e-9 * np.abs(parts).sum(axis=1)), drawn
        if result.warning.values[0] or (exact := solved(drawn, times)) is None:
            continue
        changing = start[: drawn.network.n_dynamic]
        scale = np.where(start > 0, 0.0, np.max(changing, initial=0.0))
        atol = SCALED_ATOL * 1e-6 * np.maximum(np.max(np.abs(exact), axis=0), scale)
        assert np.max(np.abs(y - exact) / (atol + 1e-6 * np.abs(exact) + 1e-300)) < MUCH, drawn
        compared += 1
    assert compared >= 10


# Arguments of `simulate` for people who just have a network.


def test_tolerances_may_differ_by_species():
    chain = network(("A -> B", 1.0), ("B -> C", 10.0))
    loose = simulate(chain, [0, 1.0], initial={"A": 1.0}, atol={"B": 1e-3, "C": 1e-3})
    tight = simulate(chain, [0, 1.0], initial={"A": 1.0})
    assert loose.steps[0] < tight.steps[0]
    np.testing.assert_allclose(loose.concentration[0, -1, 0], np.exp(-1), rtol=1e-5)
    np.testing.assert_allclose(loose.concentration[0, -1], tight.concentration[0, -1], atol=3e-3)
    for atol, said in (({"Q": 1.0}, "no species 'Q'"), ({"A": 0.0}, "atol of A is 0"), ({"A": -1}, "-1")):
        with pytest.raises(InputError, match=said):
            simulate(chain, [0, 1.0], initial={"A": 1.0}, atol=atol)


def test_parameters_may_have_a_value_for_each_replicate_and_are_told():
    decay = Network(parameters={"k": 1.0, "q": 2.0})
    decay.add_species("A")
    decay.add_family("decay", "A -> 0", "k*q")
    result = simulate(decay, [0, 1], initial={"A": 1.0}, rates={"k": np.array([0.5, 1.0, 1.5])})
    np.testing.assert_allclose(
        result.concentration[:, -1, 0], np.exp(-2 * np.array([0.5, 1, 1.5])), rtol=1e-5
    )
    assert result.attrs["parameters"] == '{"k": [0.5, 1.0, 1.5], "q": 2.0}'
    one = simulate(decay, [0, 1], initial={"A": 1.0}, rates={"k": 2.0})
    assert one.attrs["parameters"] == '{"k": 2.0, "q": 2.0}'
    with pytest.raises(InputError, match="rates: k has 3 values; give one, or one for each of 2 replicates"):
        simulate(decay, [0, 1], initial={"A": 1.0}, rates={"k": [1.0, 2.0, 3.0]}, replicates=2)


def test_no_initial_concentrations_are_a_mistake_and_none_at_all_are_asked_for():
    source = network(("0 -> A", 2.0), ("A -> 0", 1.0))
    with pytest.raises(InputError, match=r"initial is not given.*initial=\{'A': 1.0\}"):
        simulate(source, [0, 1])
    filled = simulate(source, [0, 1], initial={})
    np.testing.assert_allclose(filled.concentration[0, -1, 0], 2 * (1 - np.exp(-1)), rtol=1e-5)


@pytest.mark.parametrize("trace", [0.0, 1e-50, 1e-60, 1e-158, 1e-300])
def test_a_trace_of_what_others_make_is_as_good_as_nothing(trace):
    # What is left after a long decay, when its source comes back: X is made from S1, S1 from S0, S0 by T.
    cascade = network(("T -> T + S0", 1.0), ("S0 -> S1", 1.0), ("S1 -> S2", 1.0), ("S2 -> 0", 1.0))
    start = {"T": 1.0, "S0": trace, "S1": trace, "S2": trace}
    result = simulate(cascade, [0, 1, 100], initial=start)
    assert status(result) == "ok"
    found = result.concentration.sel(species=["S0", "S1", "S2"]).values[0]
    # From nothing S_n is 1 - exp(-t) (1 + t + ... + t^n/n!).
    exact = [1 - np.exp(-1) * sum(1 / math.factorial(i) for i in range(n + 1)) for n in range(3)]
    np.testing.assert_allclose(found[1], exact, rtol=MUCH * 1e-6)
    np.testing.assert_allclose(found[2], 1.0, rtol=MUCH * 1e-6)


@pytest.mark.parametrize(("seed", "times"), [(1e-60, [0, 100, 250]), (1e-200, [0, 414, 700])])
def test_an_early_error_is_not_judged_by_what_is_there_much_later(seed, times):
    # By the method of order 3, whose errors are large enough to be told.
    result = run(autocatalysis(seed), times, method="rosw")
    early = float(result.concentration.sel(species="X")[0, 1])
    exact = 1 / (1 + math.exp(-times[1] - math.log(seed)))
    off = abs(early / exact - 1) / 1e-6
    assert off > MUCH
    assert 0.5 * off < float(result.error[0]) < 2 * off
    assert "the error is about" in str(result.warning.values[0])


@pytest.mark.parametrize("method", ["auto", "bs23", "rkc", "rosw"])
def test_a_rate_beyond_all_numbers_ends_a_run(method):
    result = simulate(
        network(("20A -> 19A", 1.0)), [0, 2], initial={"A": 1e20}, method=method, max_steps=1000
    )
    assert status(result) != "ok"


@pytest.mark.parametrize("trace", [1e-99, 1e-101, 1e-120])
def test_filling_up_from_a_trace_is_no_blow_up(trace):
    filled = simulate(network(("0 -> A", 1.0), ("A -> 0", 1.0)), [0, 1], initial={"A": trace})
    np.testing.assert_allclose(filled.concentration[0, -1, 0], 1 - math.exp(-1), rtol=1e-5)


def test_rates_of_several_runs_from_one_state_are_several_runs():
    decay = Network(parameters={"k": 1.0})
    decay.add_species("A")
    decay.add_family("decay", "A -> 0", "k")
    result = simulate(decay, [0, 1], initial=[[1.0]], rates={"k": [1, 2, 3]})
    np.testing.assert_allclose(result.concentration[:, -1, 0], np.exp([-1, -2, -3]), rtol=1e-5)
    half = simulate(
        decay, [0, 1], initial={"A": 1.0}, rates={"k": Fraction(1, 2)}, atol={"A": Fraction(1, 10**9)}
    )
    assert half.attrs["parameters"] == '{"k": 0.5}'
    for odd, said in (([], "is empty"), ([[1], [1, 2]], "give a number"), ("x", "give a number")):
        with pytest.raises(InputError, match=f"rates: .*{said}"):
            simulate(decay, [0, 1], initial={"A": 1.0}, rates={"k": odd})
    with pytest.raises(InputError, match="take another unit"):
        simulate(decay, [0, 1], initial={"A": 1e-300})


def test_a_single_species_has_its_own_value_in_whatever_order():
    row = Network(dims={"i": 3})
    row.add_species("X", "i")
    for given in ({"X[1]": 5.0, "X": 1.0}, {"X": 1.0, "X[1]": 5.0}):
        np.testing.assert_array_equal(row.state(given), [1, 5, 1])


def test_rates_drawn_for_each_presentation_are_kept_as_they_were_drawn():
    decay = network(("A -> B", 1.0), ("B -> A", 0.5))
    noise = crnsim.Noise(rates=0.3, rates_mode="per_presentation")
    about = {"initial": {"A": 1.0}, "seed": 3, "replicates": 2}
    result = simulate(decay, [0, 1], noise=noise, keep_rates=True, **about)
    k = result.rate_constant.values
    exact = k[:, 0] / k.sum(axis=1) * (1 - np.exp(-k.sum(axis=1)))
    np.testing.assert_allclose(result.concentration.sel(species="B").values[:, -1], exact, rtol=1e-5)
    static = simulate(decay, [0, 1], noise=crnsim.Noise(rates=0.3), keep_rates=True, **about)
    assert np.all(static.rate_constant.values != k)


def test_a_warning_says_what_to_do_and_of_which_replicate(caplog):
    seed = autocatalysis(1e-9).network()
    with caplog.at_level("WARNING", logger="crnsim"):
        simulate(seed, [0, 20, 60], initial=[[1, 0], [1, 1e-9]], method="rkc", rtol=1e-6)
    (record,) = caplog.records
    assert "or for method='auto'" in record.message
    assert "1 of 2 replicates are warned of; the worst, 1: " in record.message


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"atol": [1e-6, 1e-6]}, "atol is .*; it must be a number, or numbers by name"),
        ({"atol": {"Q": 1e-6}}, "^atol: no species 'Q'"),
        ({"initial": {"Q": 1.0}}, "^initial: no species 'Q'"),
        ({"species": ["Q"]}, "^species: no species 'Q'"),
        ({"initial": {"A": -1e-26}}, "^initial 'A' has -1e-26 .*clip them"),
        ({"initial": [1.0, -1e-26]}, "^initial: .*clip them"),
    ],
)
def test_what_is_wrong_is_said_of_the_argument(given, said):
    decay = network(("A -> B", 1.0))
    with pytest.raises(InputError, match=said):
        simulate(decay, [0, 1], **({"initial": {"A": 1.0}} | given))


def test_noise_acts_on_a_network_as_it_does_in_training():
    decay = network(("A -> B", 1.0), ("B -> A", 0.5))
    noise = crnsim.Noise(rates=0.2)
    result = simulate(
        decay, [0, 1], initial={"A": 1.0}, noise=noise, replicates=400, seed=3, keep_rates=True, rtol=1e-4
    )
    drawn = result.rate_constant.values
    # Logarithms have the deviation of the noise, and means stay: four standard errors.
    logs = np.log(drawn / [1.0, 0.5])
    assert np.all(np.abs(logs.std(axis=0) - 0.2) < 4 * 0.2 / np.sqrt(800))
    assert np.all(np.abs(drawn.mean(axis=0) / [1.0, 0.5] - 1) < 4 * 0.2 / 20)
    total = drawn.sum(axis=1)
    exact = drawn[:, 0] / total * (1 - np.exp(-total))
    np.testing.assert_allclose(result.concentration.sel(species="B").values[:, -1], exact, rtol=2e-3)
    # The seventh replicate is the same alone, from its rate constants.
    alone = simulate(decay, [0, 1], initial={"A": 1.0}, rates=drawn[6], rtol=1e-4)
    np.testing.assert_array_equal(alone.concentration[0], result.concentration[6])
    fewer = simulate(
        decay, [0, 1], initial={"A": 1.0}, noise=noise, replicates=2, seed=3, keep_rates=True, rtol=1e-4
    )
    np.testing.assert_array_equal(fewer.rate_constant, drawn[:2])
    assert result.attrs["seed"] == 3


def test_kicks_keep_conserved_sums_and_act_between_them():
    decay = network(("A -> B", 1.0), ("B -> A", 0.5), ("C -> 2C", 1.0), ("2C -> C", 1.0))
    noise = crnsim.Noise(concentrations=0.3, interval=0.5)
    result = simulate(
        decay, np.linspace(0, 10, 101), initial={"A": 1.0, "C": 1.0}, noise=noise, replicates=50
    )
    assert np.all(result.status == 0)
    total = result.concentration.sel(species=["A", "B"]).sum("species")
    np.testing.assert_allclose(total, 1.0, rtol=1e-12)
    c = result.concentration.sel(species="C").values
    # Nothing happens before the first kick, half an interval after the start.
    np.testing.assert_allclose(c[:, :3], 1.0, rtol=1e-5)
    assert 0.05 < c[:, 50:].std() < 0.3
    with pytest.raises(InputError, match="inputs acts on samples"):
        simulate(decay, [0, 1], initial={"A": 1.0}, noise=crnsim.Noise(inputs=0.1))
    with pytest.raises(InputError, match=r"LSODA.*noise on concentrations"):
        simulate(decay, [0, 1], initial={"A": 1.0}, noise=noise, method="LSODA")


def crowded(species, reactions, *, seed=0):
    """Conversions at random, whose factors fill up, over four decades of rate constants."""
    rng = np.random.default_rng(seed)
    net = Network()
    for i in range(species):
        net.add_species(f"S{i}")
    for r in range(reactions):
        a, b, c = rng.choice(species, size=3, replace=False)
        left = f"S{a} + S{b}" if r % 3 else f"S{a}"
        net.add_family(f"r{r}", f"{left} -> S{c}", float(10 ** rng.uniform(-2, 2)))
    return net, {f"S{i}": 1.0 for i in range(0, species, 5)}


def test_a_network_whose_factors_fill_up_takes_the_implicit_step_where_it_pays():
    crowd, start = crowded(60, 200, seed=1)
    times = np.linspace(0, 5, 6)
    assert compile_network(crowd, listed=True).kinetics.offset[COST] > 6
    auto, implicit = (simulate(crowd, times, initial=start, method=m) for m in ("auto", "rosw"))
    assert status(auto) == status(implicit) == "ok"
    # Explicit steps are longer here, being of order 5, and have six evaluations; implicit ones have four.
    assert int(auto.evaluations[0]) > 5 * int(auto.steps[0])
    assert int(auto.steps[0]) < 0.7 * int(implicit.steps[0])
    exact = simulate(crowd, times, initial=start, method="LSODA", rtol=1e-11, estimate=False)
    for result in (auto, implicit):
        off = tolerances_off(result.concentration.values[0], exact.concentration.values[0], 1e-6)
        assert off < MUCH or result.warning[0] != ""


def test_factors_that_serve_for_several_steps_cost_no_accuracy():
    net, start = crowded(240, 720)
    program = compile_network(net, listed=True).kinetics.offset
    assert program[SERVES] > 3
    times = np.linspace(0, 5, 6)
    exact = simulate(net, times, initial=start, method="LSODA", rtol=1e-11, estimate=False)
    for rtol in (1e-3, 1e-6):
        for method in ("rosw", "auto"):
            result = simulate(net, times, initial=start, method=method, rtol=rtol)
            assert status(result) == "ok"
            off = tolerances_off(result.concentration.values[0], exact.concentration.values[0], rtol)
            assert off < MUCH or result.warning[0] != "", (method, rtol, off)


def test_a_seed_in_a_network_whose_factors_fill_up_grows_in_time():
    # X lives on its own there, as in the closed form; explicit steps alone would not see it grow.
    net, start = crowded(60, 200, seed=1)
    for name in ("A", "X"):
        net.add_species(name)
    net.add_family("grow", "A + X -> 2X", 1.0)
    assert compile_network(net, listed=True).kinetics.offset[COST] > 6
    for seed in (1e-8, 1e-12):
        rise = -np.log(seed)
        result = simulate(net, [0, rise - 1, rise, rise + 1], initial={**start, "A": 1.0, "X": seed})
        assert status(result) == "ok"
        exact = 1 / (1 + np.exp([1.0, 0.0, -1.0]) * (1 - seed))
        off = np.max(np.abs(result.concentration.sel(species="X").values[0, 1:] / exact - 1)) / 1e-6
        assert off < MUCH or result.warning[0] != "", (seed, off)
        assert off < 1e5, (seed, off)


def test_ten_thousand_reactions_are_no_problem():
    net, start = crowded(2500, 10_000)
    result = simulate(net, [0, 0.01], initial=start, rtol=1e-4, estimate=False)
    assert status(result) == "ok"
    assert result.attrs["method"] == "auto"


def test_of_a_stiff_and_a_dear_network_the_cheaper_steps_are_taken():
    # Explicit steps are limited by stability later on, and an implicit one costs some four of them.
    net, start = crowded(60, 200, seed=1)
    steps = {
        method: int(simulate(net, np.linspace(0, 100, 11), initial=start, method=method).steps[0])
        for method in ("auto", "dp45", "rodas")
    }
    assert 4 * steps["rodas"] < steps["dp45"]
    assert steps["auto"] < 0.5 * steps["dp45"]


@pytest.mark.parametrize("method", NAMES)
def test_what_other_runs_start_from_changes_no_bit(method):
    # Beside a run that has X from the start, one without it was let grow X from nothing.
    net = Network(parameters={"k": 1e3, "d": 0.1})
    net.add_species("A")
    net.add_species("X")
    net.add_family("grow", "A + X -> 2X", "k")
    net.add_family("decay", "A -> 0", "d")
    options = {"method": method, "rtol": 1e-3, "max_steps": 10**6}
    together = simulate(net, [0, 2, 5], initial=[[1.0, 0.0], [1.0, 1e-3], [1.0, 0.0]], **options)
    alone = simulate(net, [0, 2, 5], initial=[1.0, 0.0], **options)
    for run in (0, 2):
        assert int(together.steps[run]) == int(alone.steps[0])
        np.testing.assert_array_equal(together.concentration.values[run], alone.concentration.values[0])


@pytest.mark.parametrize("rtol", [1e-2, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5])
@pytest.mark.parametrize(("a", "b"), [(1.0, 3.0), (1.0, 2.2), (0.8, 2.9), (1.3, 4.0)])
def test_of_a_limit_cycle_a_run_without_a_warning_is_right_at_coarse_tolerances_too(a, b, rtol):
    # Of 36 of them 14 were 20 to 80 tolerances off without a word, judged by a run ten times looser.
    net = Network(parameters={"a": a, "b": b})
    net.add_species("X")
    net.add_species("Y")
    for equation, rate in (("0 -> X", "a"), ("2X + Y -> 3X", 1.0), ("X -> Y", "b"), ("X -> 0", 1.0)):
        net.add_family("brusselator", equation, rate)
    t, start = np.linspace(0, 30, 31), np.array([1.0, 1.0])

    def change(_, y):
        made = y[0] ** 2 * y[1]
        return [a + made - (b + 1) * y[0], b * y[0] - made]

    exact = solve_ivp(change, (0, 30), start, method="DOP853", rtol=1e-12, atol=1e-13, t_eval=t).y.T
    found = simulate(net, t, initial=start, rtol=rtol)
    off = np.max(np.abs(found.concentration.values[0] - exact) / (1e-9 * rtol + rtol * exact))
    assert off < 20 or found.warning.values[0]
    # What is said of the error is about that.
    assert float(found.error[0]) > 0.4 * off


def test_runs_that_end_early_are_said_to_and_warnings_are_one_line(caplog):
    net = Network(parameters={"k": 1.0})
    net.add_species("X")
    net.add_family("burst", "2X -> 3X", "k")
    simulate(net, [0, 2], initial=[[1.0], [0.1], [2.0]])
    assert [record.message for record in caplog.records] == [
        "simulate: 2 of 3 runs ended early (diverged); replicate 0: "
        + caplog.records[0].message.split(": ", 2)[2]
    ]
    caplog.clear()
    simulate(net, [0, 0.5], initial={"X": 1.0}, max_steps=3)
    assert (
        "the run ended early (step_limit); budget of 3 steps (max_steps) spent" in caplog.records[0].message
    )


def test_an_array_of_concentrations_in_another_order_than_declared_is_said_so(caplog):
    net = Network(parameters={"k": 1.0})
    for name in "ESP":
        net.add_species(name)
    net.add_family("catalysis", "E + S -> E + P", "k")
    simulate(net, [0, 1], initial=[5.0, 0.0, 0.1])
    assert "in which species that no reaction changes come last (S, P, E)" in caplog.records[0].message
    caplog.clear()
    simulate(net, [0, 1], initial={"E": 0.1, "S": 5.0})
    assert not caplog.records


@pytest.mark.parametrize("method", NAMES)
def test_the_bits_of_a_run_by_any_step_method_do_not_depend_on_its_company(method):
    net = crnsim.onepot((2, 2, 1)).network
    start = {
        "W1p": 1.0,
        "W1m": 0.5,
        "W2p": [[0.3, 0.4]],
        "X0p": 1.0,
        "Tp": 1.0,
        "One": 1.0,
        "X1": 0.3,
        "Y1": 0.3,
    }
    nominal = net.rate_constants()
    rates = nominal * np.exp(0.5 * np.random.default_rng(0).standard_normal((3, len(nominal))))
    options = {"initial": start, "rtol": 1e-3, "method": method}
    together = simulate(net, [0, 5, 10], rates=rates, replicates=3, **options)
    for run, found in enumerate(together.concentration.values):
        alone = simulate(net, [0, 5, 10], rates=rates[run], **options)
        np.testing.assert_array_equal(alone.concentration.values[0], found)


def test_the_bits_of_a_run_do_not_depend_on_its_company():
    # Factors that serve for several steps, explicit and implicit steps in turns, and neither.
    for net, start in (crowded(120, 400), crowded(60, 200, seed=1), crowded(40, 40)):
        nominal = net.rate_constants()
        noise = np.random.default_rng(0).standard_normal((3, len(nominal)))
        rates = nominal * np.exp(0.5 * noise)
        for rtol in (1e-3, 1e-6):
            options = {"initial": start, "rtol": rtol}
            together = simulate(net, [0, 5, 10], rates=rates, replicates=3, **options)
            for run, found in enumerate(together.concentration.values):
                alone = simulate(net, [0, 5, 10], rates=rates[run], **options)
                np.testing.assert_array_equal(alone.concentration.values[0], found)
