"""Noise: what it means, what it must not change, and whose draws are shared."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from crnsim import CrnsimError, Network, Noise, load_dataset, read_crn, simulate
from crnsim.cli import main
from crnsim.experiment.build import build_circuit
from crnsim.experiment.point import Point
from crnsim.experiment.schedule import ReadoutTables, rate_constants, training_protocol
from crnsim.solvers import events, solve

POINT = Point(
    dataset="xor",
    layers=(2, 6, 1),
    circuit="onepot",
    circuit_parameters=(),
    activation="squareplus",
    activation_parameters=(("h", 0.1),),
    running_time=20.0,
    epochs=2,
    learning_rate=0.2,
    noise=Noise(),
    replicate=0,
    seed=0,
)


def protocol_of(*points):
    from crnsim.datasets import load_dataset

    data = [load_dataset(p.dataset, replicate=p.replicate, seed=p.seed) for p in points]
    return training_protocol(build_circuit(points[0]), points, data, np.array([0, 2]), ())


def kicked(protocol, member, state, presentation=0, event=0):
    after = state.copy()
    events.kick(protocol, member, presentation, event, after, np.empty_like(after), np.empty(1000))
    return after


def test_rate_noise_is_lognormal_with_unit_mean():
    sigma = 0.1
    factors = []
    for replicate in range(40):
        noisy = replace(POINT, noise=Noise(rates=sigma), replicate=replicate)
        circuit = build_circuit(noisy)
        clean = rate_constants(circuit, replace(noisy, noise=Noise()), learning=True)
        factors.append(rate_constants(circuit, noisy, learning=True) / clean)
    xi = (np.log(np.concatenate(factors)) + sigma**2 / 2) / sigma
    # Some 11,000 standard normals: five standard errors of their mean and variance.
    assert abs(xi.mean()) < 5 / np.sqrt(xi.size)
    assert abs(xi.var() - 1) < 5 * np.sqrt(2 / xi.size)


def test_twins_and_magnitudes_share_draws():
    def xi(**changes):
        point = replace(POINT, **changes)
        circuit = build_circuit(point)
        names = [f.equation for f in circuit.network.families for _ in range(f.size)]
        clean = rate_constants(circuit, replace(point, noise=Noise()), learning=True)
        noisy = rate_constants(circuit, point, learning=True)
        sigma = point.noise.rates
        return names, (np.log(noisy / clean) + sigma**2 / 2) / sigma

    names, reference = xi(noise=Noise(rates=0.1))
    for change in (
        {"noise": Noise(rates=0.02)},
        {"noise": Noise(rates=0.1), "activation_parameters": (("h", 1e-4),)},
        {"noise": Noise(rates=0.1), "running_time": 77.0},
    ):
        np.testing.assert_allclose(xi(**change)[1], reference, atol=1e-9)
    relu_names, relu = xi(noise=Noise(rates=0.1), activation="relu", activation_parameters=(("kz", 50.0),))
    shared = {name: i for i, name in enumerate(names) if "W1p[i,j] + X0p[j]" in name}
    for name, i in shared.items():
        j = max(j for j, other in enumerate(relu_names) if other == name)
        assert relu[j] == pytest.approx(reference[i], abs=1e-9)
    assert shared
    assert not np.allclose(xi(noise=Noise(rates=0.1), replicate=1)[1], reference)


def test_start_and_sample_order_are_the_same_for_twins():
    smooth = protocol_of(POINT)
    sharp = protocol_of(replace(POINT, activation_parameters=(("h", 1e-4),), noise=Noise(rates=0.1)))
    np.testing.assert_array_equal(smooth.order, sharp.order)
    circuit = build_circuit(POINT)
    np.testing.assert_array_equal(circuit.weight_values(smooth.start), circuit.weight_values(sharp.start))


@pytest.mark.parametrize("scope", ["signals", "weights", "all"])
def test_a_kick_stays_in_its_scope(scope):
    point = replace(POINT, noise=Noise(concentrations=0.2, scope=scope))
    circuit, protocol = build_circuit(point), protocol_of(point)
    state = np.full(circuit.network.n_species, 0.5)
    moved = kicked(protocol, 0, state) != state
    weights = {row for pair in circuit.weights for name in pair for row in circuit.network.rows(name).ravel()}
    for row, label in enumerate(circuit.network.labels):
        dynamic = row < circuit.network.n_dynamic
        expected = dynamic and (scope == "all" or (row in weights) == (scope == "weights"))
        assert moved[row] == expected, label


def test_kicks_double_with_the_magnitude_and_differ_from_event_to_event():
    points = [replace(POINT, noise=Noise(concentrations=sigma)) for sigma in (0.1, 0.2)]
    protocol = protocol_of(*points)
    state = np.full(protocol.start.shape[1], 0.5)
    small, large = (np.log(kicked(protocol, m, state) / state) for m in (0, 1))
    rows = small != 0
    np.testing.assert_allclose((large[rows] + 0.02) / 0.2, (small[rows] + 0.005) / 0.1, atol=1e-12)
    assert not np.allclose(kicked(protocol, 0, state, event=1), kicked(protocol, 0, state))
    assert not np.allclose(kicked(protocol, 0, state, presentation=1), kicked(protocol, 0, state))


def test_a_kick_keeps_conserved_sums():
    point = replace(
        POINT, activation="relu", activation_parameters=(("kz", 50.0),), noise=Noise(concentrations=0.5)
    )
    protocol, circuit = protocol_of(point), build_circuit(point)
    state = circuit.network.state({"P1": 0.3, "N1": 0.7, "Z1p": 1.0})
    after = kicked(protocol, 0, state)
    p, n = after[circuit.network.rows("P1")], after[circuit.network.rows("N1")]
    np.testing.assert_allclose(p + n, 1.0, atol=1e-14)
    assert not np.allclose(p, 0.3)


def test_additive_kicks_never_empty_a_switch():
    point = replace(
        POINT,
        activation="relu",
        activation_parameters=(("kz", 50.0),),
        noise=Noise(concentrations=2.0, additive=True),
    )
    protocol, circuit = protocol_of(point), build_circuit(point)
    state = circuit.network.state({"P1": 0.5, "N1": 0.5})
    for event in range(20):
        state = kicked(protocol, 0, state, event=event)
        p, n = state[circuit.network.rows("P1")], state[circuit.network.rows("N1")]
        np.testing.assert_allclose(p + n, 1.0, atol=1e-12)


@pytest.mark.parametrize(("running_time", "times"), [(5.0, [2.5]), (10.0, [2.5, 7.5]), (12.0, [2.5, 7.5])])
def test_every_running_time_has_its_share_of_kicks(running_time, times):
    protocol = protocol_of(replace(POINT, running_time=running_time, noise=Noise(concentrations=0.1)))
    stops = [events.next_stop(protocol, 0, done, 0) for done in range(len(times) + 1)]
    assert stops == [*times, running_time]


def test_perturbed_pots_begin_with_the_explicit_method_of_higher_order_at_tight_tolerances():
    circuit = build_circuit(POINT)
    steps = {}
    for rtol in (1e-3, 1e-6):
        protocol = protocol_of(
            replace(POINT, noise=Noise(concentrations=0.1), epochs=1, rtol=rtol, atol=rtol)
        )
        for method in ("auto", "rosw", "dp45"):
            record, _ = solve(circuit.network, protocol, method=method)
            steps[method, rtol] = int(record.run["steps"][0])
    # Four presentations: the first trial of the other method is in the fifth.
    assert steps["auto", 1e-3] == steps["rosw", 1e-3]
    assert steps["auto", 1e-6] == steps["dp45", 1e-6]
    assert steps["dp45", 1e-6] < steps["rosw", 1e-6]
    assert 1.5 * steps["rosw", 1e-3] < steps["dp45", 1e-3]


@pytest.mark.parametrize("noise", [Noise(), Noise(rates=0.1), Noise(concentrations=0.1)], ids=str)
def test_the_bits_of_a_training_do_not_depend_on_its_company_at_tight_tolerances(noise):
    # There each run takes explicit and implicit steps in turns of its own.
    points = [replace(POINT, noise=noise, epochs=1, rtol=1e-6, replicate=number) for number in range(3)]
    together = solve(build_circuit(POINT).network, protocol_of(*points))[0].final
    for point, final in zip(points, together, strict=True):
        alone = solve(build_circuit(POINT).network, protocol_of(point))[0].final
        np.testing.assert_array_equal(alone[0], final)


def test_numpy_integers_name_the_same_streams_as_pythons():
    from crnsim.noise.streams import stream_key

    np.testing.assert_array_equal(stream_key("a", 1), stream_key("a", np.int64(1)))
    assert not np.array_equal(stream_key("a", 1), stream_key("a", "1"))
    with pytest.raises(TypeError):
        stream_key(1.0)


def test_additive_kicks_stop_at_zero():
    point = replace(POINT, noise=Noise(concentrations=1.0, additive=True))
    after = kicked(protocol_of(point), 0, np.full(build_circuit(POINT).network.n_species, 0.1))
    assert after.min() == 0.0
    assert after.max() > 1.0


def test_input_noise_leaves_targets_clean():
    protocol = protocol_of(replace(POINT, noise=Noise(inputs=0.3)))
    values = np.empty(3)
    events.show_sample(protocol, 0, 0, values, np.empty(10))
    pattern = protocol.patterns[protocol.order[0, 0]]
    assert values[2] == pattern[2]
    assert not np.any(values[:2] == pattern[:2])


def test_rates_drawn_per_presentation_change_from_one_to_the_next():
    protocol = protocol_of(replace(POINT, noise=Noise(rates=0.1, rates_mode="per_presentation")))
    first = build_circuit(POINT).network.first_reactions
    drawn = []
    for presentation in (0, 1, 0):
        drawn.append(np.empty(protocol.rates.shape[1]))
        events.draw_rates(protocol, first, 0, presentation, drawn[-1], np.empty(1000))
    assert not np.any(drawn[0] == drawn[1])
    np.testing.assert_array_equal(drawn[0], drawn[2])


def test_read_out_has_no_learning_and_noise_of_its_own():
    from crnsim.datasets import load_dataset

    point = replace(POINT, noise=Noise(concentrations=0.2))
    circuit = build_circuit(point)
    trained = circuit.network.state({"One": 1.0})[None]
    readout = ReadoutTables(circuit, [point], [load_dataset("xor")], trained, [None]).protocol(0, 4)
    update = [
        first + i
        for family, first in zip(circuit.network.families, circuit.network.first_reactions, strict=True)
        for i in range(family.size)
        if "eps" in family.rate
    ]
    assert not readout.rates[:, update].any()
    assert not np.any(readout.kick_keys[0] == protocol_of(point).kick_keys[0])
    assert readout.member["first_number"].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"rates": -0.1}, "rates is -0.1"),
        ({"concentrations": float("nan")}, "concentrations is nan"),
        ({"interval": 0.0}, "interval is 0.0"),
        ({"scope": "signal"}, "signals, weights, all"),
        ({"rates": "a"}, "rates is 'a'"),
        ({"additive": "no"}, "additive is 'no'"),
        ({"rates_mode": "OU"}, "static, per_presentation, ou"),
        ({"correlation_time": 0.0}, "correlation_time is 0.0"),
    ],
)
def test_wrong_noise_is_named(arguments, words):
    with pytest.raises(CrnsimError, match=words):
        Noise(**arguments)


def doubled():
    """A circuit with the same reaction twice, and sums of two and of three species."""
    network = Network(dims={"n": 2}, parameters={"k": 1.0})
    for name in ("X", "Y", "A", "B", "C", "P", "N"):
        network.add_species(name, "n")
    for rate in ("k", "0.3*k", "0.1*k"):
        network.add_family(f"decay {rate}", "Y[i] -> 0", rate)
    for equation in (
        "X[i] -> X[i] + Y[i]",
        "A[i] -> B[i]",
        "B[i] -> C[i]",
        "C[i] -> A[i]",
        "P[i] -> N[i]",
        "N[i] -> P[i]",
    ):
        network.add_family("other", equation, "k")
    return network


def test_equal_equations_have_draws_of_their_own(monkeypatch):
    network = doubled()
    assert network.family_names[:3] == ["Y[i] -> 0", "Y[i] -> 0 #2", "Y[i] -> 0 #3"]
    circuit = replace(build_circuit(POINT), network=network, initial={}, learning_off={})
    point = replace(POINT, noise=Noise(rates=0.2))
    drawn = [rate_constants(circuit, point, learning=False) for _ in range(3)]
    np.testing.assert_array_equal(drawn[0], drawn[1])
    np.testing.assert_array_equal(drawn[0], drawn[2])
    xi = np.log(drawn[0] / network.rate_constants())
    assert len(set(xi.tolist())) == network.n_reactions


def test_sums_of_any_number_of_species_are_kept_by_kicks():
    network = doubled()
    pot = build_circuit(POINT)
    sums = (("A", "B", "C"), ("P", "N"))
    circuit = replace(
        pot, network=network, inputs=("X", None), outputs=("Y", None), targets=None, weights=(), hidden=(),
        initial={}, conserved=sums, learning_off={},
    )  # fmt: skip
    data = load_dataset("xor", replicate=0, seed=0)
    point = replace(POINT, noise=Noise(concentrations=0.3))
    tables = ReadoutTables(circuit, [point], [data], np.ones((1, network.n_species)), [None])
    protocol = tables.protocol(0, 2)
    state = np.arange(1.0, network.n_species + 1)
    after = kicked(protocol, 0, state)
    for law in sums:
        rows = np.array([network.rows(name) for name in law])
        assert np.all(after[rows] != state[rows])
        np.testing.assert_allclose(after[rows].sum(axis=0), state[rows].sum(axis=0), rtol=1e-14)


@pytest.mark.parametrize(
    ("noise", "words"),
    [
        ({"rates_mode": "ou"}, "rates_mode 'ou' is about rate noise, and there is none; give rates"),
        ({"rates": 0.1, "correlation_time": 5.0}, "correlation_time 5.0 counts for rates_mode ou alone"),
        ({"interval": 3.0, "rates": 0.1}, "interval 3.0 is about concentration noise"),
        ({"rates": 0.1, "mode": "ou"}, "no 'mode'; did you mean 'rates_mode'"),
        ({"rates": 0.1, "interval": np.array([1.0, 2.0])}, "interval"),
        ({"intrinsic": 100}, "100 molecules are 0.1"),
        ({"intrinsic": 1e-9}, "must be 0, or 1e-07 or more"),
        ({"rates": 0.1, "rates_mode": "ou", "correlation_time": 1e-9}, "take a longer correlation_time"),
    ],
)
def test_an_option_that_would_change_nothing_is_refused(noise, words):
    with pytest.raises(CrnsimError, match=words.replace("(", r"\(")):
        simulate(read_crn("A ->{1} 0; init A 1"), [0, 10], noise=noise)


def test_a_level_without_noise_keeps_its_options():
    quiet = {"rates": 0.0, "rates_mode": "ou", "correlation_time": 5.0}
    assert simulate(read_crn("A ->{1} 0; init A 1"), [0, 1], noise=quiet)["status"].values[0] == 0


def test_the_command_line_names_its_own_options(tmp_path, capsys):
    path = tmp_path / "one.crn"
    path.write_text("A ->{1} 0; init A 1")
    assert main(["simulate", str(path), "--t", "1", "--noise-rates", "0.1", "--correlation-time", "5"]) == 2
    assert "--correlation-time 5.0 counts for --rates-mode ou alone" in capsys.readouterr().err
    assert main(["simulate", str(path), "--t", "1", "--additive"]) == 2
    assert "give --noise-concentrations" in capsys.readouterr().err
    assert main(["simulate", str(path), "--t", "9", "--noise-rates", "0.1", "--rates-mode", "ou"]) == 0
    assert "noise rates 0.1 (ou, correlation time 10)" in capsys.readouterr().out
