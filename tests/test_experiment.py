"""One point to one result: pure, learned, measured, and honest about runs that end early."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import xarray as xr

from crnsim import CrnsimError, Noise, load_dataset, onepot, train
from crnsim.activations import ACTIVATIONS, activation
from crnsim.algebraic import forward, initial_weights, sample_order, sgd
from crnsim.experiment.build import build_circuit
from crnsim.experiment.point import Point
from crnsim.experiment.run import checkpoint_epochs, run_points
from crnsim.experiment.schedule import ReadoutTables

POINT = Point(
    dataset="xor",
    layers=(2, 4, 1),
    circuit="onepot",
    circuit_parameters=(),
    activation="squareplus",
    activation_parameters=(("h", 0.1),),
    running_time=20.0,
    epochs=3,
    learning_rate=0.2,
    noise=Noise(),
    replicate=0,
    seed=0,
)


RECORDING = ["recorded", "presentation", "fraction", "species"]


def variety():
    """Eleven runs that differ in everything that points of one call may differ in."""
    noises = [Noise(), Noise(rates=0.05), Noise(concentrations=0.2), Noise(inputs=0.1)]
    points = [replace(POINT, noise=noise, replicate=r) for noise in noises for r in range(2)]
    return [*points, *(replace(POINT, running_time=t) for t in (5.0, 31.0, 60.0))]


def test_a_point_has_the_same_bits_in_any_company_and_any_order():
    points = variety()
    together = run_points(points, record=[points[1].key])
    backwards = run_points(points[::-1]).isel(point=slice(None, None, -1))
    xr.testing.assert_identical(together.drop_dims(RECORDING), backwards)
    for i in (0, 3, 5, 10):
        alone = run_points([points[i]])
        xr.testing.assert_identical(alone, together.drop_dims(RECORDING).isel(point=[i]))


def test_what_counts_as_a_blow_up_does_not_depend_on_company():
    # Splits of Iris have test features of different height, which bound the concentrations that count as moderate.
    iris = replace(POINT, dataset="iris", layers=(4, 3, 3), epochs=1, learning_rate=0.05)
    points = [replace(iris, replicate=r) for r in range(6)]
    data = [load_dataset("iris", replicate=r) for r in range(6)]
    circuit = build_circuit(iris)
    states = np.stack([circuit.start(initial_weights((4, 3, 3), seed=0, dataset="iris", replicate=0))] * 6)
    tables = ReadoutTables(circuit, points, data, states, [None] * 6)
    together = tables.protocol(0, tables.n_members).member.reshape(6, -1)
    for i in (0, 3, 5):
        alone = ReadoutTables(circuit, points[i : i + 1], data[i : i + 1], states[:1], [None])
        np.testing.assert_array_equal(alone.protocol(0, 45).member["ceiling"], together[i]["ceiling"])


def test_recording_a_trajectory_changes_no_number():
    recorded = run_points([POINT], record=[POINT.key])
    xr.testing.assert_identical(recorded.drop_dims(RECORDING), run_points([POINT]))
    trajectory = recorded.trajectory[0]
    assert trajectory.presentation.values.tolist() == [0, 1, 8, 9, 10, 11]
    assert np.isfinite(trajectory).all()
    # The state is carried over: a weight ends one presentation where it starts the next.
    ends = trajectory.sel(species="W1p[0,0]")
    np.testing.assert_array_equal(ends[0, -1], ends[1, 0])
    # The last recorded concentrations give the last checkpoint's weights.
    w = trajectory.sel(species="W1p[0,0]") - trajectory.sel(species="W1m[0,0]")
    assert float(w[-1, -1]) == pytest.approx(float(recorded.weights[0, -1, 0]), abs=1e-6)


def test_scopes_may_be_mixed_in_one_call():
    points = [replace(POINT, noise=Noise(concentrations=0.2, scope=s)) for s in ("all", "signals", "all")]
    points[2] = replace(points[2], replicate=1)
    together = run_points(points, record=[points[0].key, points[1].key])
    assert together.recorded.values.tolist() == [points[0].key, points[1].key]
    assert together.point_key.values.tolist() == [p.key for p in points]
    np.testing.assert_array_equal(together.weights[1], run_points([points[1]]).weights[0])


def test_key_is_of_what_determines_numbers():
    assert Point.from_dict(json.loads(json.dumps(POINT.to_dict()))).key == POINT.key
    assert replace(POINT, noise=Noise(scope="all", interval=1.0)).key == POINT.key
    for change in ({"running_time": 20.5}, {"seed": 1}, {"noise": Noise(rates=0.1)}, {"rtol": 1e-4}):
        assert replace(POINT, **change).key != POINT.key


def test_xor_is_learned_by_chemical_read_out_for_at_least_19_of_20_seeds():
    run = train(onepot((2, 6, 1)), "xor", running_time=100, epochs=200, replicates=20)
    assert int((run.mse < 0.05).sum()) >= 19
    # The chemistry and the algebra agree on the same weights within a relaxation of 100/k.
    np.testing.assert_allclose(run.mse, run.algebraic_mse, atol=2e-3)
    assert float(run.train_loss[:, -1].mean()) < 0.1 * float(run.train_loss[:, 0].mean())


def test_a_slow_pot_follows_ordinary_gradient_descent():
    # Long presentations, so that the transient of each, (depth of the cascade)/(running time), is small.
    circuit = onepot((2, 4, 1), eps=0.01 / 2000, dead_zone=0)
    run = train(circuit, "xor", running_time=2000, epochs=2)
    about = {"seed": 0, "dataset": "xor", "replicate": 0}
    start = initial_weights((2, 4, 1), **about)
    order = sample_order(4, 2, **about)
    trained = sgd(start, circuit.activation, load_dataset("xor"), order=order, learning_rate=0.01)
    flat = np.concatenate([a.ravel() for layer in trained for a in layer])
    begun = np.concatenate([a.ravel() for layer in start for a in layer])
    np.testing.assert_allclose(run.weights[0, 0], begun, atol=1e-12)
    # A step of gradient flow over time instead of one jump differs by O(rate^2) a step, some per cent of it.
    assert np.abs(run.weights.values[0, -1] - flat).max() < 0.1 * np.abs(flat - begun).max()


def independent_training(circuit, point):
    """Train one point with SciPy and NumPy alone, from the documented scheme of streams and events."""
    from scipy.integrate import solve_ivp

    from crnsim.noise.streams import stream_key

    def normals(purpose, family, presentation, event, count):
        # Words of Philox at counters (block, presentation, event, 0), two by two through Box and Muller.
        key = stream_key(point.seed, point.dataset, "2-4-1", point.replicate, purpose, family)
        drawn = []
        for block in range(-(-count // 4)):
            counter = np.array([block, presentation, event, 0], dtype=np.uint64)
            source = np.random.Philox(key=key, counter=counter)
            # NumPy counts up before it draws: step back by one.
            source.advance(2**256 - 1)
            words = source.random_raw(4)
            for u, v in (words[:2], words[2:]):
                radius = np.sqrt(-2 * np.log(((int(u) >> 11) + 0.5) * 2.0**-53))
                angle = 2 * np.pi * (int(v) >> 11) * 2.0**-53
                drawn += [radius * np.cos(angle), radius * np.sin(angle)]
        return np.array(drawn[:count])

    net, data, noise = circuit.network, load_dataset(point.dataset), point.noise
    about = {"seed": point.seed, "dataset": point.dataset, "replicate": point.replicate}
    state = circuit.start(initial_weights(point.layers, **about))
    constants = net.rate_constants({"eps": point.learning_rate / point.running_time})
    for family, first in zip(net.families, net.first_reactions, strict=True):
        xi = normals("rate noise", family.equation, 0, 0, family.size)
        constants[first : first + family.size] *= np.exp(noise.rates * xi - noise.rates**2 / 2)
    stoichiometry = net.stoichiometry()
    weights = {name for pair in circuit.weights for name in pair}
    kicked = [
        s.name for s in net.species if net.rows(s.name).flat[0] < net.n_dynamic and s.name not in weights
    ]
    for number, sample in enumerate(sample_order(4, point.epochs, **about).ravel()):
        xi = normals("input noise, training", "features", number, 0, 2)
        state[net.rows("X0p")] = np.maximum(data.x_train[sample] + noise.inputs * xi, 0)
        state[net.rows("Tp")] = data.y_train[sample]
        kicks = np.arange(0.5, point.running_time / noise.interval) * noise.interval
        for event, (start, stop) in enumerate(pairwise([0.0, *kicks, point.running_time])):
            state = solve_ivp(
                lambda t, y: stoichiometry @ net.fluxes(y, constants),
                (start, stop),
                state,
                method="LSODA",
                rtol=1e-9,
                atol=1e-12,
            ).y[:, -1]
            if event < len(kicks):
                for name in kicked:
                    rows = net.rows(name).ravel()
                    xi = normals("concentration noise, training", name, number, event, len(rows))
                    state[rows] *= np.exp(noise.concentrations * xi - noise.concentrations**2 / 2)
    return circuit.weight_values(state)


def test_training_equals_an_independent_implementation_of_samples_noise_and_streams():
    noise = Noise(rates=0.05, concentrations=0.2, inputs=0.1)
    point = replace(POINT, noise=noise, epochs=2, running_time=22.0, rtol=1e-8, atol=1e-10, replicate=3)
    run = run_points([replace(point, replicate=1), point])
    expected = independent_training(build_circuit(point), point)
    # Both integrate to 1e-8 or better; eight presentations with five kicks each contract between kicks.
    np.testing.assert_allclose(run.weights.values[1, -1], expected, atol=1e-6)


def test_relu_survives_strong_kicks_on_concentrations():
    point = replace(
        POINT,
        activation="relu",
        activation_parameters=(("kz", 150.0),),
        noise=Noise(concentrations=1.0),
        running_time=30.0,
        epochs=15,
    )
    run = run_points([replace(point, replicate=r) for r in range(8)])
    assert set(run.status.values.tolist()) <= {0, 1}, run.reason.values


def test_blow_ups_are_counted_and_score_zero():
    # Without annihilation of errors and with strong rate noise the common mode drives the weights apart.
    run = train(
        onepot((2, 6, 1), ka=0.5, kz=0.0, eps=0.02, dead_zone=0),
        "xor",
        running_time=30,
        epochs=60,
        replicates=4,
        noise=Noise(rates=0.3),
    )
    diverged = run.status.values == 1
    assert diverged.any()
    assert all("stiff method" in reason for reason in run.reason.values[diverged])
    assert (run.score.values[run.status.values != 0] == 0).all()
    assert np.isnan(run.mse.values[diverged]).all()
    assert np.isnan(run.train_loss.values[diverged][:, -1]).all()


def test_a_spent_budget_is_recorded():
    run = run_points([replace(POINT, max_steps=5)])
    assert run.status.item() == 2
    assert "budget" in run.reason.item()


def test_relu_records_its_effective_smoothing():
    point = replace(POINT, activation="relu", activation_parameters=(("kz", 100.0),))
    run = run_points([point, replace(point, replicate=1)])
    assert ((run.h_eff > 0) & (run.h_eff < 0.1)).all()


def test_a_network_without_hidden_layer_trains():
    assert run_points([replace(POINT, layers=(2, 1))]).status.item() == 0


def test_checkpoints_include_start_and_end():
    assert checkpoint_epochs(3).tolist() == [0, 1, 2, 3]
    assert checkpoint_epochs(200)[[0, -1]].tolist() == [0, 200]


def test_the_algebraic_score_is_of_the_recorded_weights():
    circuit, data = onepot((4, 8, 3), dual_rail=True, eps=0.0005), load_dataset("iris")
    run = train(circuit, "iris", running_time=50, epochs=2)
    weights = circuit.unflatten(run.weights.values[0, -1])
    predicted = forward(weights, data.x_test, circuit.activation)
    assert run.algebraic_accuracy.item() == data.accuracy(predicted, data.y_test)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: train(onepot((3, 6, 1)), "xor", running_time=10, epochs=1), "do not fit xor"),
        (lambda: train(onepot((2, 6, 1)), "xr", running_time=10, epochs=1), "did you mean 'xor'"),
        (lambda: train(onepot((2, 6, 1)), "xor", running_time=0, epochs=1), "running_time is 0"),
        (lambda: train(onepot((2, 6, 1)), "xor", running_time=10, epochs=0), "epochs is 0"),
        (lambda: train(onepot((1, 8, 1)), "regression", running_time=10, epochs=1), "dual_rail"),
        (lambda: train(onepot((2, 6, 1)), "xor", running_time="10", epochs=1), "running_time is '10'"),
        (lambda: train(onepot((2, 6, 1)), "xor", running_time=10, epochs=1, rtol=-1.0), "rtol is -1.0"),
        (lambda: run_points([]), "no points"),
        (lambda: run_points([POINT, replace(POINT, epochs=4)]), "must share"),
    ],
)
def test_wrong_arguments_are_named(call, words):
    with pytest.raises(CrnsimError, match=words):
        call()


def test_a_sigmoid_output_learns_and_is_read_out():
    # The slope of the output is at most 1/4, so a step of the same size learns less: a larger rate, more epochs.
    output = (("h_output", 1.0), ("output", "algebraic_sigmoid"))
    point = replace(
        POINT, layers=(2, 6, 1), circuit_parameters=output, running_time=100.0, epochs=150, learning_rate=1.0
    )
    assert Point.from_dict(json.loads(json.dumps(point.to_dict()))) == point
    result = run_points([replace(point, replicate=r) for r in range(4)])
    assert np.all(result.status == 0)
    assert np.all((result.output >= 0) & (result.output <= 1))
    loss = result.train_loss.values
    assert np.all(loss[:, -1] < 0.5 * loss[:, 0])
    # Read-out and algebra differ by what a presentation leaves of the transient, exp(-100 s), and by the tolerance.
    np.testing.assert_allclose(result.mse, result.algebraic_mse, atol=1e-2)
    assert json.loads(result.attrs["circuit_parameters"])["output"] == "algebraic_sigmoid"


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [n for n in ACTIVATIONS if n != "squareplus" and not activation(n).needs_clock]
)
def test_every_activation_learns_xor(name):
    point = replace(POINT, layers=(2, 6, 1), activation=name, activation_parameters=())
    point = replace(point, running_time=100.0, epochs=200)
    result = run_points([replace(point, replicate=r) for r in range(8)])
    # With version 0.1.0 all eight do, at a median error of 0.0006 at most.
    assert int((result.score == 1).sum()) >= 7
    assert float(result.mse.median()) < 0.005
