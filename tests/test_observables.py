"""Observables of a network: what they measure, what counts as right, and what they refuse."""

from __future__ import annotations

import math

import numpy as np
import pytest

import crnsim
from crnsim import CrnsimError, read_crn
from crnsim.experiment.observables import Course, observable
from crnsim.experiment.observables.base import weights_of
from crnsim.experiment.observables.kinds import upward_crossings

NETWORK = read_crn("A ->{1} B; X[0] + X[1] ->{1} 0; init A 1")
TIMES = np.linspace(0, 10, 2001)


def course(**values):
    """A run in which species have these values over time."""
    table = np.zeros((len(TIMES), NETWORK.n_species))
    for name, value in values.items():
        table[:, NETWORK.row(name.replace("_", "[") + "]" if "_" in name else name)] = value
    return Course(TIMES, table, NETWORK)


def judged(given, run, expect=None):
    one = observable(NETWORK, given, 10.0)
    measured = one.measure(run)
    return measured, one.right(measured, one.expected(expect))


def test_sums_of_species():
    assert weights_of(NETWORK, "A - 2*B + X[ 1 ]").tolist() == [1.0, -2.0, 0.0, 1.0]
    assert weights_of(NETWORK, "-A").tolist() == [-1.0, 0, 0, 0]
    assert weights_of(NETWORK, "A + A").tolist() == [2.0, 0, 0, 0]
    for wrong in ("A B", "", "2", "A*B", "A -", "Q", "X", "A + 1", "1e400*A", "1..2*A"):
        with pytest.raises(CrnsimError):
            weights_of(NETWORK, wrong)


def test_the_highest_of_several():
    given = {"highest": ["A", "B", "X[0]"], "expected": "B"}
    assert judged(given, course(A=0.1, B=0.3)) == (1.0, True)
    assert judged(given, course(A=0.4, B=0.3)) == (0.0, False)
    assert judged(given, course(A=0.4, B=0.3), "A") == (0.0, True)
    # By too little, or not at all.
    measured, right = judged(given | {"margin": 0.25}, course(A=0.1, B=0.3))
    assert (math.isnan(measured), right) == (True, False)
    measured, right = judged(given, course(A=0.3, B=0.3))
    assert (math.isnan(measured), right) == (True, False)
    # At a time.
    assert judged(given | {"at": 2.0}, course(A=np.where(TIMES < 5, 1.0, 0.0), B=0.5)) == (0.0, False)


def test_a_target_with_a_tolerance():
    given = {"value": "A - B", "target": 0.5, "tolerance": 0.1}
    assert judged(given, course(A=1.0, B=0.45)) == (pytest.approx(0.55), True)
    assert judged(given, course(A=1.0, B=0.35)) == (pytest.approx(0.65), False)
    assert judged(given, course(A=1.0, B=0.35), 0.7) == (pytest.approx(0.65), True)


def test_a_target_of_each_input():
    given = {"value": "A", "tolerance": 0.1}
    assert judged(given, course(A=1.0, B=0.0), 1.05) == (1.0, True)
    with pytest.raises(CrnsimError, match="target is missing: give it here, or for each row of inputs"):
        judged(given, course(A=1.0, B=0.0))


def test_a_threshold():
    given = {"value": "A", "above": 0.5}
    assert judged(given, course(A=0.6)) == (0.6, True)
    assert judged(given, course(A=0.5)) == (0.5, 0.0)
    assert judged(given, course(A=0.6), False) == (0.6, False)
    assert judged(given | {"expected": False}, course(A=0.4)) == (0.4, True)


def test_a_band():
    given = {"value": "A", "band": {"times": [0, 5, 10], "low": [0.0, 0.4, 0.9], "high": [0.1, 0.6, 1.1]}}
    assert judged(given, course(A=TIMES / 10)) == (1.0, True)
    assert judged(given, course(A=0.5 + 0 * TIMES)) == (pytest.approx(1 / 3), False)


def test_a_period():
    given = {"value": "A", "period": 2.0, "tolerance": 0.05}

    def wave(period, until=10.0):
        return course(A=np.where(until > TIMES, np.sin(2 * np.pi * TIMES / period), -1.0))

    measured, right = judged(given, wave(2.0))
    # By linear interpolation between 400 times of a period.
    assert (measured, right) == (pytest.approx(2.0, rel=1e-3), True)
    assert judged(given, wave(2.05)) == (pytest.approx(2.05, rel=1e-3), True)
    assert judged(given, wave(2.2)) == (pytest.approx(2.2, rel=1e-3), False)
    # A clock that stops, and one that never ticks.
    assert judged(given, wave(2.0, until=5.0)) == (math.inf, False)
    assert judged(given, course(A=0.5)) == (math.inf, False)
    # By what a row of inputs expects; and what is left of an oscillation is none.
    assert judged(given, wave(2.5), 2.5)[1]
    assert not judged(given, wave(2.0), 2.5)[1]
    assert judged(given, course(A=1 + 1e-9 * np.sin(np.pi * TIMES))) == (math.inf, False)
    assert judged(given | {"since": 3.0}, course(A=np.where(TIMES < 3, 1.0, np.sin(np.pi * TIMES))))[1]
    np.testing.assert_allclose(
        upward_crossings(TIMES, -np.cos(np.pi * TIMES)), np.arange(0.5, 10, 2), atol=1e-4
    )


def test_a_function_of_the_users_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_judge.py").write_text(
        "def half(course):\n    return float(course.of('A + B')[-1] > 0.5) / 2\n\n"
        "def yes(course):\n    return course.at('A', 5.0) > 0\n\n"
        "def wrong(course):\n    return 'yes'\n\ndef fails(course):\n    return course.nothing\n"
    )
    assert judged({"function": "my_judge:half"}, course(A=1.0)) == (0.5, 0.5)
    assert judged({"function": "my_judge:yes"}, course(A=1.0)) == (1.0, True)
    for name, words in (("wrong", "what it returns is 'yes'"), ("fails", "its code failed: AttributeError")):
        with pytest.raises(CrnsimError, match=words):
            judged({"function": f"my_judge:{name}"}, course(A=1.0))


WRONG = [
    (3, "settings such as"),
    ({}, "says no kind: highest, target"),
    ({"value": "A"}, "says no kind"),
    ({"value": "A", "above": 1, "target": 1}, "has target and above, of which it may have one"),
    ({"value": "A", "target": 1}, "tolerance is missing"),
    (
        {"value": "A", "target": 1, "tolerance": 0.1, "tol": 1},
        "unknown key 'tol'; known: target, value, tolerance, at",
    ),
    ({"value": "Q", "above": 1}, "no single species 'Q'"),
    ({"value": "X", "above": 1}, "no single species 'X'"),
    ({"value": "A", "above": "x"}, "above is 'x'; it must be a number"),
    ({"value": "A", "above": 1, "at": 11}, "at is 11, after the end of a run of 10"),
    ({"value": "A", "above": 1, "expected": 1}, "expected is 1; it must be true or false"),
    ({"highest": ["A"]}, "two or more different species"),
    ({"highest": ["A", "A"]}, "two or more different species"),
    ({"highest": ["A", "B"]}, "expected is missing: which of A, B is right"),
    ({"highest": ["A", "B"], "expected": "Q"}, "expected is 'Q'; known: A, B"),
    ({"value": "A", "band": [1, 2]}, "settings such as {times:"),
    ({"value": "A", "band": {"times": [0]}}, "band needs times, low and high"),
    ({"value": "A", "band": {"times": [0, 1], "low": [0], "high": [1, 1]}}, "lists of one length"),
    ({"value": "A", "band": {"times": [1, 0], "low": [0, 0], "high": [1, 1]}}, "must increase"),
    ({"value": "A", "band": {"times": [0], "low": [2], "high": [1]}}, "low is above high"),
    ({"value": "A", "band": {"times": [20], "low": [0], "high": [1]}}, "after the end of a run of 10"),
    ({"value": "A", "period": 5.0, "tolerance": 0.1}, "has no three periods"),
    ({"value": "A", "period": 0.01, "tolerance": 0.1}, "more than 100 periods"),
    ({"function": "json:nothing"}, "json has no 'nothing'"),
]


@pytest.mark.parametrize(("given", "words"), WRONG)
def test_what_is_no_observable_is_one_line(given, words):
    with pytest.raises(CrnsimError) as caught:
        observable(NETWORK, given, 10.0).expected(None)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_decay_below_a_threshold_under_rate_noise():
    # A = exp(-k t f) with ln f normal around -sigma^2/2: below a threshold with a probability that is a normal
    # distribution function. 2,000 replicates: within 4 standard errors.
    network = read_crn("A ->{k} 0; k = 1; init A 1")
    found = crnsim.robustness(
        network,
        readout={"gone": {"value": "A", "above": 0.3, "expected": False}},
        running_times=[1.0, 1.3],
        noise={"rates": [0.1, 0.3]},
        parameters={"k": [1.0, 1.2]},
        replicates=2000,
    )
    assert found["score"].dims == ("k", "running_time", "level", "replicate")
    assert found["noise_kind"].values.tolist() == ["none", "rates", "rates"]
    for k in (1.0, 1.2):
        for time in (1.0, 1.3):
            score = found["score"].sel(k=k, running_time=time)
            assert set(score[0].values) == {float(math.exp(-k * time) <= 0.3)}
            for level, sigma in ((1, 0.1), (2, 0.3)):
                z = (math.log(math.log(1 / 0.3) / (k * time)) + sigma**2 / 2) / sigma
                p = 0.5 * math.erfc(z / math.sqrt(2))
                assert abs(float(score[level].mean()) - p) < 4 * math.sqrt(p * (1 - p) / 2000)
    assert (found["status"] == 0).all()


def test_the_interval_covers_the_closed_form():
    from crnsim.metrics import mean_interval

    network = read_crn("A ->{k} 0; k = 1.25; init A 1")
    z = (math.log(math.log(1 / 0.3) / 1.25) + 0.2**2 / 2) / 0.2
    p = 0.5 * math.erfc(z / math.sqrt(2))
    inside = 0
    for seed in range(40):
        found = crnsim.robustness(
            network, readout={"gone": {"value": "A", "above": 0.3, "expected": False}}, running_times=1.0,
            noise={"rates": [0.2]}, replicates=100, seed=seed, rtol=1e-4,
        )  # fmt: skip
        low, high = mean_interval(found["score"].values[0, 1], 0.0, 1.0)
        inside += low <= p <= high
    # 95 % of 40 are 38; fewer than 34 happen once in 70 times with intervals that cover 93 %.
    assert inside >= 34


def test_a_replicate_is_that_of_simulate():
    network = read_crn("X + Y ->{k} 2B; B + X ->{k} 2X; B + Y ->{k} 2Y\nk=1\ninit X 0.6; init Y 0.4")
    noise = crnsim.Noise(rates=0.3)
    found = crnsim.robustness(
        network,
        readout={"x": {"value": "X", "target": 1.0, "tolerance": 0.1}},
        running_times=10.0,
        noise={"rates": [0.3]},
        inputs=[{}, {"X": 0.5, "Y": 0.5}],
        replicates=20,
        seed=5,
    )
    runs = crnsim.simulate(network, [0, 10], noise=noise, replicates=20, seed=5)
    measured = found["measured"][0, 1, :, 0, 0]
    np.testing.assert_array_equal(measured, runs["concentration"].sel(species="X")[:, -1])
    other = crnsim.simulate(
        network, [0, 10], noise=noise, replicates=20, seed=5, initial={"X": 0.5, "Y": 0.5}
    )
    np.testing.assert_array_equal(
        found["measured"][0, 1, :, 1, 0], other["concentration"].sel(species="X")[:, -1]
    )


CUBE = {
    "readout": {"x": {"value": "A", "above": 0.5}},
    "running_times": [1.0],
    "replicates": 2,
}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"readout": {}}, "observables is empty"),
        ({"readout": {"x": {"value": "Q", "above": 1}}}, "x: 'Q': no single species"),
        ({"running_times": []}, "running_times must be"),
        ({"running_times": [1.0, 1.0]}, "different durations"),
        ({"running_times": "long"}, "running_times"),
        ({"noise": {"rate": [0.1]}}, "rate"),
        ({"noise": {"inputs": [0.1]}}, "inputs acts on samples"),
        ({"noise": {"rates": [20]}}, "20 % is 0.2"),
        ({"noise": {"interval": 2.0}}, "interval belongs to a kind"),
        ({"noise": {"concentrations": [0.1]}}, "interval/2"),
        ({"parameters": {"q": [1.0]}}, "no rate parameter or species 'q'"),
        ({"parameters": {"A": [1.0, 1.0]}}, "different numbers"),
        ({"parameters": {"A": 1.0}}, "list of different numbers"),
        ({"initial": {"Q": 1.0}}, "no species 'Q'"),
        ({"inputs": []}, "inputs has 0 rows"),
        ({"inputs": [{"Q": 1.0}]}, "input 1: no species 'Q'"),
        ({"inputs": [{"A": 1.0, "expect": {"y": True}}]}, "input 1: expect: no observable 'y'"),
        ({"inputs": [{"A": 1.0, "expect": {"x": 3}}]}, "x: input 1: expected is 3"),
        ({"replicates": 0}, "replicates"),
        ({"parameters": {"replicate": [1.0]}}, "the cube has a replicate of its own"),
        ({"readout": {"x": 1}}, "x: an observable"),
        ({"running_times": [1, [2]]}, "running_times"),
        ({"noise": {"rates": [1, [2]]}}, "noise rates"),
        ({"inputs": range(10**12)}, "inputs has"),
        ({"noise": {"rates": {"mode": "static"}}}, "noise rates has no magnitudes"),
        ({"noise": {"rates": {"magnitudes": [0.1], "mood": "static"}}}, "rates has no option 'mood'"),
        ({"noise": {"rates": [[0.1]]}}, "noise rates must be a list of different magnitudes"),
        ({"noise": {3: [0.1]}}, "3"),
        ({"noise": 0.1}, "noise is 0.1; give magnitudes by kind"),
    ],
)
def test_what_makes_no_cube_is_one_line(changes, words):
    with pytest.raises(CrnsimError) as caught:
        crnsim.robustness(NETWORK, **CUBE | changes)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_function_in_a_notebook_and_what_it_does_to_the_network():
    network = read_crn("k = 1; A ->{k} B; init A 1")

    def judge(run):
        run.network.set_parameter("k", 1e-5)
        return run.at("B", 3.0) > 0.9

    found = crnsim.robustness(
        network, readout={"j": {"function": judge}}, running_times=3.0, noise={"rates": [0.1]}, replicates=5
    )
    assert found["score"].values.tolist() == [[[1.0] * 5, [1.0] * 5]]
    assert network.parameters["k"] == 1.0
    assert "judge" in found.attrs["observables"]
    assert read_crn(found.attrs["network_text"]).parameters["k"] == 1.0
    assert found.attrs["starts"] == '[{"A": 1.0}]'

    async def later(run):
        return 1.0

    with pytest.raises(CrnsimError, match="it is no function"):
        crnsim.robustness(network, readout={"j": {"function": later}}, running_times=3.0)


def test_what_is_not_right_in_words():
    from crnsim.experiment.observables import kind_of

    def said(given, measured, expected):
        return kind_of(given).fault(given, measured, expected)

    assert said({"highest": ["X", "Y"]}, 1.0, 0.0) == "is Y, not X"
    assert said({"highest": ["X", "Y"]}, math.nan, 1.0) == "is none by the margin, not Y"
    assert said({"value": "A", "target": 1, "tolerance": 0.1}, 0.5, 1.0) == "is 0.5, not within 0.1 of 1"
    assert said({"value": "A", "above": 0.4}, 0.1, 1.0) == "is 0.1, not above 0.4"
    assert said({"value": "A", "above": 0.4}, 0.5, 0.0) == "is 0.5, not below 0.4"
    assert said({"value": "A", "band": {}}, 0.75, 1.0) == "is within the band at 75 % of its times"
    given = {"value": "A", "period": 5, "tolerance": 0.05}
    assert said(given, 5.5, 5.0) == "has a period of 5.5, not within 5 % of 5"
    assert said(given, math.inf, 5.0) == "stops"
    assert said({"function": "a:b"}, 0.25, 1.0) == "is right by 0.25"


def test_noise_as_a_sweep_file_has_it():
    one, other = (
        crnsim.robustness(NETWORK, **CUBE | {"noise": noise, "replicates": 4})
        for noise in (
            {"rates": [0.1, 0.2], "rates_mode": "per_presentation", "concentrations": 0.1, "interval": 0.2},
            {
                "rates": {"magnitudes": [0.1, 0.2], "mode": "per_presentation"},
                "concentrations": {"magnitudes": 0.1, "interval": 0.2},
            },
        )
    )
    assert one.equals(other)


def test_runs_that_fail_score_nothing():
    network = read_crn("2X ->{0.5} 3X; init X 1")  # blows up at time 2
    found = crnsim.robustness(
        network, readout={"x": {"value": "X", "above": 0.5}}, running_times=[1.0, 3.0], replicates=2
    )
    assert found["score"].values[:, 0].tolist() == [[1.0, 1.0], [0.0, 0.0]]
    assert (found["status"].values[1] != 0).all()
    assert np.isnan(found["measured"].values[1]).all()
