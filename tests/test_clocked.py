"""The clocked circuit: its clock, each module alone, gradient descent by chemistry, and how it stops."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import crnsim
from crnsim import Noise, simulate
from crnsim.activations import activation
from crnsim.algebraic import gradients, initial_weights, sample_order, sgd
from crnsim.circuits.clocked import modules
from crnsim.circuits.clocked.phases import Phases
from crnsim.circuits.oscillator import CLOCK_DIM, add_ring, clock_rate, ring_start
from crnsim.errors import InputError
from crnsim.experiment.point import Point
from crnsim.experiment.run import run_points
from crnsim.network.network import Network
from crnsim.sweep.config.read import read_sweep
from crnsim.sweep.plan.groups import groups
from crnsim.sweep.run.build import group_circuit

LAYERS = (2, 3, 1)
POINT = Point(
    dataset="xor",
    layers=LAYERS,
    circuit="clocked",
    circuit_parameters=(),
    activation="logistic",
    activation_parameters=(),
    running_time=10.0,
    epochs=2,
    learning_rate=4.0,
    noise=Noise(),
    replicate=0,
    seed=0,
)


# -- the clock ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("phases", [2, 3, 12])
@pytest.mark.parametrize("delta", [1e-4, 1e-8])
def test_the_clock_has_the_period_the_pulses_and_the_distance_that_it_promises(phases, delta):
    clock = crnsim.oscillator(phases, phase_length=10.0, delta=delta)
    n = clock.species
    t = np.linspace(0, 4 * clock.period, 4 * n * 100 + 1)
    found = simulate(
        clock.network, t, initial=clock.initial, method="dp45", rtol=1e-8, atol=1e-8 * delta
    ).concentration.values[0]
    np.testing.assert_allclose(found.sum(axis=1), 1.0 + (n - 2) * delta, atol=1e-9)
    later = found[2 * n * 100 :]
    # When a species overtakes the one before it, by linear interpolation.
    rises = later[:, 1] - later[:, 0]
    at = np.flatnonzero((rises[:-1] < 0) & (rises[1:] >= 0) & (later[1:, 1] > 0.1))
    times = (at - rises[at] / (rises[at + 1] - rises[at])) * (t[1] - t[0])
    # What is left out is a few delta; a grid of 0.1 and the method add 1e-5.
    assert np.diff(times)[0] == pytest.approx(clock.period, rel=30 * delta + 1e-5)
    pulse = np.trapezoid(later[: n * 100 + 1, 1], dx=t[1] - t[0])
    assert pulse == pytest.approx(clock.phase_length, rel=30 * delta + 1e-5)
    apart = [(i, j) for i in range(n) for j in range(i) if (i - j) % n not in (1, n - 1)]
    assert max((later[:, i] * later[:, j]).max() for i, j in apart) <= clock.overlap


def test_the_clock_comes_back_to_its_beat_after_any_disturbance():
    clock = crnsim.oscillator(6, phase_length=10.0)
    start = np.zeros(12)
    start[0] = 1.0  # nothing is there to grow from but what the leak makes
    apart = {"O": np.where(start > 0, 1.0 - 11e-3, 1e-3)}
    for initial in ({"O": start}, apart):
        found = simulate(clock.network, [0, 1200, 1320], initial=initial, rtol=1e-6, atol=1e-12)
        np.testing.assert_allclose(*found.concentration.values[0, 1:], atol=1e-3)


def test_a_clock_is_asked_for_by_its_period_too():
    clock = crnsim.oscillator(3, period=90.0)
    assert clock.phase_length == 15.0
    assert clock.gate(1) == "O[3]"
    assert clock.up(1) == (45.0, 60.0)
    for wrong, words in (
        ({"phases": 1}, "phases"),
        ({"phases": 3, "delta": 0.5}, "delta"),
        ({"phases": 3, "period": 1, "phase_length": 1}, "give one of them"),
    ):
        with pytest.raises(InputError, match=words):
            crnsim.oscillator(**wrong)


# -- modules, each alone --------------------------------------------------------------------------------


def held(circuit, phase, initial, times):
    """States of a circuit in one phase alone, whose species of the clock is there for good."""
    net = circuit.network
    rates = net.rate_constants({"kc": 0.0})
    start = {name: value for name, value in circuit.initial.items() if name != "O"} | initial
    start[f"O[{2 * circuit.phases[phase] + 1}]"] = 1.0
    found = simulate(net, times, initial=start, rates=rates, rtol=1e-10, atol=1e-13)
    return found.concentration.values[0]


def slope(times, errors):
    """Rate at which an error falls, by least squares on its logarithm."""
    assert np.all(errors > 0)
    return -np.polyfit(times, np.log(errors), 1)[0]


#: Phase, what is there, what is read (plus and minus rail), its target, and the slowest rate.
MODULES = {
    "assign": ({"Dp": [[0.7, 0.2], [0, 0], [0, 0], [0, 0]]}, "X0p", None, [0.7, 0.2], 1.0),
    "sum1": (
        {"X0p": [0.5, 1.0], "W1p": [[1.0, 0], [0, 2], [0, 0]], "W1m": [[0, 0.5], [0, 0], [1, 0]], "B1m": 0.3},
        "Z1p",
        "Z1m",
        [0.5 - 0.5 - 0.3, 2.0 - 0.3, -0.5 - 0.3],
        1.0,
    ),
    "act1": (
        {"Z1p": [0.0, 1.7, 0.2], "Z1m": [0.3, 0.0, 1.0]},
        "P1",
        None,
        1 / (1 + np.exp([0.3, -1.7, 0.8])),
        1.0,
    ),
    "error": ({"P2": 0.8, "Q2": 0.2, "Tp": 0.3}, "Ep", "Em", [0.5], 1.0),
    "square": ({"Ep": 0.5, "Em": 0.1}, "Kp", "Km", [0.16], 1.0),
    "account": ({"Kp": 0.16, "Jp": 1.0}, "Jp", None, [1.16], 1.0),
    "grad2": ({"Ep": 0.5, "D2": 0.25}, "G2p", "G2m", [0.125], 1.0),
    "back1": ({"W2p": [[1.0, 0, 2]], "W2m": [[0, 1.0, 0]], "G2m": 0.2}, "R1p", "R1m", [-0.2, 0.2, -0.4], 1.0),
    "grad1": ({"R1p": [0.1, 0.2, 0], "D1": [0.2, 0.1, 0.25]}, "G1p", "G1m", [0.02, 0.02, 0], 1.0),
    "increment": ({"G2m": 0.1, "P1": [0.2, 0.4, 0.6]}, "dW2p", "dW2m", [0.08, 0.16, 0.24], 1.0),
    "apply": ({"dW2p": [[0.1, 0.2, 0.3]], "W2p": 1.0}, "W2p", None, [1.1, 1.2, 1.3], 1.0),
}


@pytest.mark.parametrize("phase", MODULES)
def test_each_module_reaches_its_target_with_an_error_that_falls_exponentially(phase):
    initial, plus, minus, target, rate = MODULES[phase]
    circuit = crnsim.clocked(LAYERS)
    times = np.linspace(4.0, 16.0, 7)
    states = held(circuit, phase, initial, np.concatenate([[0.0], times]))[1:]
    net = circuit.network
    values = states[:, net.rows(plus).ravel()]
    if minus is not None:
        values = values - states[:, net.rows(minus).ravel()]
    errors = np.abs(values - np.ravel(target)).max(axis=1)
    # Within a tenth: where two relaxations follow each other the error is t exp(-t), and 1/8 of it is the first.
    assert slope(times, errors) == pytest.approx(rate, rel=0.1)
    assert errors[-1] < 1e-5


@pytest.mark.parametrize("name", ["squareplus", "leaky_squareplus", "algebraic_sigmoid", "algebraic_tanh"])
def test_other_activations_relax_in_their_phase_at_their_own_rate(name):
    unit = activation(name)
    circuit = crnsim.clocked(LAYERS, name)
    z = np.array([0.4, 1.0, -0.8])
    times = np.linspace(6.0, 16.0, 6)
    states = held(circuit, "act1", {"Z1p": np.maximum(z, 0), "Z1m": np.maximum(-z, 0)}, [0.0, *times])[1:]
    rails = circuit.network
    plus = {"squareplus": "X1", "leaky_squareplus": "X1"}.get(name, "P1")
    value = states[:, rails.rows(plus)]
    if name == "leaky_squareplus":
        value = value - unit.alpha * states[:, rails.rows("Y1")]
    if name == "algebraic_tanh":
        value = value - states[:, rails.rows("N1")]
    errors = np.abs(value - unit.value(z))
    stages = unit.relaxing_stages
    for one, rate in zip(errors.T, unit.relaxation_rate(np.maximum(z, 0), np.maximum(-z, 0)), strict=True):
        good = one > 1e-9
        # A second stage makes it (1 + t) exp(-t): the logarithm of 1 + t is taken off.
        flat = one[good] / (1 + rate * times[good]) ** (stages - 1)
        assert slope(times[good], flat) == pytest.approx(rate, rel=0.1)


def test_a_relu_is_exact_where_nothing_makes_its_rails_any_more():
    circuit = crnsim.clocked(LAYERS, "relu", kz=50.0)
    found = held(circuit, "act1", {"Z1p": [2.0, 1.0, 0.5], "Z1m": [1.0, 2.0, 0.1]}, [0.0, 10.0])[-1]
    net = circuit.network
    # 1/kz away from it in a pot, where rails are made all the time; here exp(-kz |z| t).
    np.testing.assert_allclose(found[net.rows("Z1p")], [1.0, 0.0, 0.4], atol=1e-9)


# -- gradient descent by chemistry ----------------------------------------------------------------------


def descent(circuit, epochs, replicate=0, rate=4.0):
    """Weights of gradient descent on the same samples in the same order."""
    about = {"seed": 0, "dataset": "xor", "replicate": replicate}
    order = np.tile(sample_order(4, 1, **about), (epochs, 1))
    start = initial_weights(circuit.layers, **about)
    weights = sgd(
        start,
        circuit.activation,
        crnsim.load_dataset("xor"),
        order=order,
        learning_rate=rate,
        output=circuit.output_unit,
    )
    return np.concatenate([part.ravel() for pair in weights for part in pair])


def test_weights_follow_gradient_descent_the_closer_the_longer_the_phase():
    circuit = crnsim.clocked(LAYERS, delta=1e-12)
    exact, lengths = descent(circuit, 2), np.array([4.0, 8.0, 12.0, 16.0])
    errors = np.array(
        [
            np.abs(
                crnsim.train(circuit, "xor", running_time=length, epochs=2, rtol=1e-7, atol=1e-11).weights[
                    0, -1
                ]
                - exact
            ).max()
            for length in lengths
        ]
    )
    # Every relaxation leaves exp(-T); over four decades and more the slope is 1.
    assert errors[0] / errors[-1] > 1e4
    assert slope(lengths, errors) == pytest.approx(1.0, rel=0.1)


@pytest.mark.parametrize(
    ("layers", "name", "output"),
    [
        ((2, 3, 2, 1), "squareplus", "linear"),
        ((2, 1), "logistic", "logistic"),
        ((2, 3, 1), "algebraic_tanh", "algebraic_sigmoid"),
        ((2, 3, 1), "leaky_squareplus", "linear"),
    ],
    ids=str,
)
def test_any_depth_activation_and_output_takes_the_steps_of_gradient_descent(layers, name, output):
    circuit = crnsim.clocked(layers, name, output=output, eta=0.2)
    found = crnsim.train(circuit, "xor", running_time=30.0, epochs=2, rtol=1e-6, atol=1e-10)
    # exp(-0.63 T) is 6e-9 of a value; the clock between its pulses leaves delta T n, some 1e-5.
    np.testing.assert_allclose(found.weights[0, -1], descent(circuit, 2, rate=0.2), atol=2e-5)


def test_one_step_is_the_gradient_on_two_rails():
    data = replace(
        crnsim.load_dataset("xor"),
        x_train=np.array([[-0.5, 0.25]]),
        y_train=np.array([[0.75]]),
        x_test=np.array([[-0.5, 0.25]]),
        y_test=np.array([[0.75]]),
        dual_rail=True,
    )
    circuit = crnsim.clocked(LAYERS, dual_rail=True, samples=1, eta=0.5, threshold=0)
    found = crnsim.train(circuit, data, running_time=18.0, epochs=1, rtol=1e-7, atol=1e-11).weights[0]
    weights = circuit.unflatten(found.values[0])
    expected = gradients(weights, data.x_train, data.y_train, circuit.activation, circuit.output_unit)
    flat = np.concatenate([part.ravel() for pair in expected for part in pair])
    np.testing.assert_allclose(found[0] - found[1], 0.5 * flat, atol=1e-6)


# -- it stops by itself ---------------------------------------------------------------------------------


def test_it_stops_by_itself_when_all_patterns_are_right():
    found = crnsim.train(crnsim.clocked(LAYERS), "or", running_time=10.0, epochs=40, replicates=8)
    # With these settings all of 20 seeds stop, after 68 to 216 iterations; 40 epochs are 160.
    stopped = found.stopped.values == 1
    assert stopped.sum() >= 6
    assert np.all(found.accuracy.values[stopped] == 1)
    updates = found.iterations.values[stopped]
    # It stands before its last two phases in an iteration of the last sample: of this one no update is made.
    assert np.all(updates % 4 == 3)
    turns = updates + 1
    # The weights stay, and so does the loss, from then on.
    late = found.isel(point=np.flatnonzero(stopped))
    ends = (turns / 4).astype(int)
    for i, end in enumerate(ends):
        after = late.checkpoint.values >= end
        assert np.ptp(late.weights.values[i, after], axis=0).max() < 1e-9
        assert 2 * late.train_loss.values[i, end - 1] < 0.025
        assert late.stop_time.values[i] == 4 * end * 240.0


def test_with_a_threshold_out_of_reach_it_runs_to_the_end_and_says_so():
    found = crnsim.train(crnsim.clocked(LAYERS, threshold=1e-9), "or", running_time=10.0, epochs=3)
    assert found.status.values == 0
    assert found.stopped.values == 0
    assert np.isnan(found.stop_time.values[0])
    assert found.iterations.values[0] == pytest.approx(12, abs=1e-3)
    never = crnsim.clocked(LAYERS, threshold=0)
    assert "Run" not in {species.name for species in never.network.species}
    assert crnsim.train(never, "or", running_time=10.0, epochs=1).stopped.values == 0


@pytest.mark.parametrize("distance", [-1e-9, 1e-9, -1e-3, 1e-3])
def test_near_the_threshold_the_decision_is_a_clean_yes_or_no(distance):
    circuit = crnsim.clocked(LAYERS)
    last = np.zeros(4)
    last[-1] = 1.0
    initial = {"S": last, "Jp": 0.3 + 0.1 * (1 + distance), "Jm": 0.3}
    judged = held(circuit, "judge", initial, [0.0, 10.0])[-1]
    net = circuit.network
    between = {name: judged[net.rows(name)] for name in ("Run", "Halt")}
    decided = held(circuit, "decide", between, [0.0, 10.0])[-1][net.rows("Halt")]
    assert float(decided) == pytest.approx(float(distance < 0), abs=1e-6)


# -- samples --------------------------------------------------------------------------------------------


def test_the_mark_of_the_sample_does_not_spread_in_ten_thousand_iterations():
    numbers = {"sum1": 0, "increment": 1, "apply": 2}
    n, delta, length, count = 6, 1e-8, 10.0, 5
    net = Network(
        {"samples": count, CLOCK_DIM: n}, {"k": 1.0, "kc": clock_rate(length, delta), "delta": delta}
    )
    add_ring(net)
    modules.samples(Phases(net, numbers), count)
    mark = np.zeros(count)
    mark[0] = 1.0
    found = simulate(
        net,
        [0.0, 10_000 * n * length],
        initial={"O": ring_start(n, delta), "S": mark},
        method="dp45",
        rtol=1e-4,
        atol=1e-10,
        max_steps=10**8,
        estimate=False,
    ).concentration.values[0, -1]
    marks = found[net.rows("S")] + found[net.rows("Snext")]
    assert marks.sum() == pytest.approx(1.0, abs=1e-9)
    # 10,000 steps of 5 samples: it is back at the first one. A step leaves 2 exp(-T), 1e-4, which the next takes back.
    assert marks[0] > 1 - 1e-3


def test_what_is_stored_is_checked():
    with pytest.raises(InputError, match="samples is 0"):
        crnsim.clocked(LAYERS, samples=0)
    with pytest.raises(InputError, match="threshold"):
        crnsim.clocked(LAYERS, threshold=-0.1)
    with pytest.raises(InputError, match="built for 3 samples, and there are 4; build it with samples=4"):
        crnsim.train(crnsim.clocked(LAYERS, samples=3), "xor", running_time=10.0, epochs=1)
    with pytest.raises(InputError, match="logistic needs a clock"):
        crnsim.onepot(LAYERS, "logistic")
    assert "7 would leave" in crnsim.clocked(LAYERS).advice(3.0)
    assert crnsim.clocked(LAYERS).advice(7.0) == ""
    assert "delta 1e-12 would make it less than 0.001" in crnsim.clocked(LAYERS, delta=1e-10).advice(5000.0)
    assert "is lost outside of the phases" in crnsim.clocked(LAYERS, delta=1e-5).advice(10.0)
    with pytest.raises(InputError, match="delta"):
        crnsim.clocked(LAYERS, delta=0.01)


def test_large_targets_are_no_blow_up():
    # The account of an epoch holds their squares.
    data = crnsim.load_dataset("or")
    large = replace(data, y_train=60 * data.y_train, y_test=60 * data.y_test)
    circuit = crnsim.clocked((2, 1), output="linear", eta=0.1, threshold=0)
    found = crnsim.train(circuit, large, running_time=10.0, epochs=8)
    assert found.status.values == 0
    assert np.abs(found.output.values[0, :, 0] - large.y_test[:, 0]).max() < 30


def test_iterations_are_counted_by_the_circuit_however_its_clock_runs():
    # Rate constants 70 % apart: the clock hangs at one of its species for periods.
    point = replace(
        POINT, layers=(2, 1), epochs=1, noise=Noise(rates=0.7), circuit_parameters=(("threshold", 0.0),)
    )
    found = run_points([point])
    # It comes round once in four periods, and then goes between O[18], O[19] and O[0].
    assert found.iterations.values[0] == pytest.approx(1, abs=1e-6)
    quick = replace(POINT, epochs=8, noise=Noise(rates=0.1))
    counts = run_points([replace(quick, replicate=r) for r in range(4)]).iterations.values
    assert np.all(np.abs(counts - 32) < 4)


def test_noise_may_act_first_within_an_iteration_though_not_within_a_phase():
    circuit = crnsim.clocked(LAYERS)
    found = crnsim.train(circuit, "xor", running_time=2.0, epochs=1, noise=Noise(concentrations=0.05))
    assert found.status.values == 0
    with pytest.raises(InputError, match="interval"):
        crnsim.train(
            circuit, "xor", running_time=2.0, epochs=1, noise=Noise(concentrations=0.05, interval=200.0)
        )


# -- as any other circuit -------------------------------------------------------------------------------


def test_a_point_has_the_same_bits_in_any_company():
    points = [
        replace(POINT, replicate=r, noise=noise) for r in range(3) for noise in (Noise(), Noise(rates=0.1))
    ]
    together = run_points(points)
    for i in (1, 4):
        alone = run_points([points[i]])
        np.testing.assert_array_equal(alone.weights.values[0], together.weights.values[i])
        np.testing.assert_array_equal(alone.output.values[0], together.output.values[i])


@pytest.mark.parametrize("noise", [Noise(rates=0.1), Noise(concentrations=0.1), Noise(inputs=0.1)], ids=str)
def test_noise_acts_and_what_is_conserved_stays(noise):
    point = replace(POINT, noise=noise)
    quiet, noisy = run_points([POINT]), run_points([point], record=[point.key])
    assert noisy.status.values == 0
    species = noisy.species.values.tolist()
    for names, total in (
        (["O["], 1.0),
        (["S[", "Snext["], 1.0),
        (["P1[0]", "Q1[0]"], 1.0),
        (["Run", "Halt"], 1.0),
    ):
        rows = [i for i, name in enumerate(species) if name.startswith(tuple(names))]
        # Kept in single precision.
        np.testing.assert_allclose(noisy.trajectory.values[..., rows].sum(axis=-1), total, atol=1e-5)
    assert np.abs(quiet.weights.values[0, -1] - noisy.weights.values[0, -1]).max() > 1e-3


def test_initial_read_out_is_that_of_the_algebraic_network():
    circuit = crnsim.clocked(LAYERS)
    about = {"seed": 0, "dataset": "xor", "replicate": 0}
    weights = initial_weights(LAYERS, **about)
    found = crnsim.infer(circuit, "xor", running_time=14.0, weights=weights, rtol=1e-6, atol=1e-10)
    # exp(-14) is 1e-6, times weights and layers.
    np.testing.assert_allclose(found.mse, found.algebraic_mse, atol=2e-5)


def test_the_documented_reactions_are_those_of_the_network():
    page = (Path(__file__).parents[1] / "docs" / "clocked.md").read_text()
    blocks = re.findall(r"```crn\n(.*?)```", page, re.DOTALL)
    documented = {line for block in blocks for line in block.splitlines() if line}
    found = set()
    for family in crnsim.clocked(LAYERS).network.families:
        if family.label == "clock":
            continue
        place = re.match(r"O\[(\d+)\]", family.equation)
        assert place is not None, f"{family.equation} takes place in no phase"
        sides = [
            side.removeprefix(place[0]).removeprefix(" + ") or "0" for side in family.equation.split(" -> ")
        ]
        found.add(f"{place[1]:>2}  {' -> '.join(sides)}  ({'*'.join(family.rate)})")
    assert documented == found


@pytest.mark.parametrize(
    ("yaml", "words"),
    [
        ("{name: logistic, circuit: onepot}", "logistic needs a clock"),
        ("{name: logistic, circuit: clockd}", "activations.one.circuit"),
        ("{name: logistic, circuit_parameters: {dead_zone: 0}}", "unknown parameter of clocked"),
        ("{name: logistic, circuit_parameters: {threshold: -1}}", "threshold is -1"),
        (
            "{name: logistic, circuit_parameters: {eta: 1}}",
            "eta follows from the learning rate; set learning_rate, of the data set or of the design",
        ),
        ("{name: logistic, circuit_parameters: {samples: 3}}", "samples follows from the data set"),
        ("{name: logistic, epoch: 5}", "did you mean 'epochs'"),
        ("{name: relu, epochs: 0}", "activations.one.epochs"),
    ],
)
def test_a_wrong_design_of_a_sweep_is_refused_by_its_key(tmp_path, yaml, words):
    (tmp_path / "sweep.yaml").write_text(
        f"circuit: clocked\nactivations:\n  one: {yaml}\nrunning_times: [10]\ndatasets: [xor]\n"
    )
    with pytest.raises(InputError, match=re.escape(words)):
        read_sweep(tmp_path / "sweep.yaml")


def test_designs_of_one_sweep_have_circuits_epochs_and_learning_rates_of_their_own(tmp_path):
    (tmp_path / "sweep.yaml").write_text(
        """
circuit: clocked
circuit_parameters: {threshold: 0.01}
activations:
  clock: {name: logistic, learning_rate: 2}
  plain: {name: logistic, circuit_parameters: {threshold: 0}}
  pot: {name: squareplus, circuit: onepot, epochs: 3, circuit_parameters: {ka: 20}}
running_times: [5, 10]
replicates: 2
datasets: {xor: {layers: [2, 3, 1], epochs: 2}}
"""
    )
    clock, plain, pot = groups(read_sweep(tmp_path / "sweep.yaml"))
    assert [one.circuit for one in (clock, plain, pot)] == ["clocked", "clocked", "onepot"]
    assert [one.settings.learning_rate for one in (clock, plain, pot)] == [2.0, 4.0, 0.2]
    assert [one.settings.epochs for one in (clock, plain, pot)] == [2, 2, 3]
    assert pot.circuit_parameters == {"ka": 20}
    assert clock.circuit_parameters == {"threshold": 0.01}
    assert plain.circuit_parameters == {"threshold": 0}
    # The networks that are kept are those of the longest running time.
    kept = group_circuit(clock).network.parameters
    assert (kept["eta"], kept["kc"]) == (2.0, clock_rate(10.0, 1e-8))
    assert group_circuit(pot).network.parameters["eps"] == 0.2 / 10
    found = run_points([plain.point(0, 0)])
    assert found.attrs["circuit"] == "clocked"
    assert found.sizes["epoch"] == 2
