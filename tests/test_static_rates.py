"""Rate constants that are off in a tube: the law of static rate noise, draws of its own, beside rates that change."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import synthetic
from small_sweeps import write_sweep
from test_claims import kang, pot, relu, row_of, sharp, smooth
from test_noise import POINT

import crnsim
from crnsim import Noise, read_crn
from crnsim.cli.parser import _parser
from crnsim.cli.runs import _points
from crnsim.errors import ConfigError
from crnsim.experiment.build import build_circuit
from crnsim.experiment.command import command
from crnsim.experiment.schedule import rate_constants
from crnsim.report import render_report, titles
from crnsim.sweep.config.read import read_sweep
from crnsim.sweep.run.metrics import summarise_sweep

SIGMA = 0.3
TUBE = "0 ->{1} X"
EACH = {"rates": 0.2, "rates_mode": "per_presentation"}


def factors(**noise):
    """Factors on all rate constants of 40 replicates of a pot."""
    circuit, found = build_circuit(POINT), []
    for replicate in range(40):
        clean = replace(POINT, replicate=replicate)
        noisy = replace(clean, noise=Noise(**noise))
        found.append(
            rate_constants(circuit, noisy, learning=True) / rate_constants(circuit, clean, learning=True)
        )
    return np.array(found)


def test_it_has_the_law_of_static_rate_noise_and_draws_of_its_own():
    found = {
        name: (np.log(factors(**{name: SIGMA})) + SIGMA**2 / 2) / SIGMA for name in ("rates", "static_rates")
    }
    quantiles = {name: np.quantile(xi, np.linspace(0.01, 0.99, 99)) for name, xi in found.items()}
    count = found["rates"].size  # some 11,000
    for xi in found.values():
        # Five standard errors of mean and variance of standard normals.
        assert abs(xi.mean()) < 5 / np.sqrt(count)
        assert abs(xi.var() - 1) < 5 * np.sqrt(2 / count)
    # The two empirical laws agree: the largest distance between them (Kolmogorov and Smirnov) at a level of 1e-4.
    below = [np.searchsorted(np.sort(xi.ravel()), quantiles["rates"]) / count for xi in found.values()]
    assert np.abs(below[0] - below[1]).max() < 2.23 * np.sqrt(2 / count)
    assert abs(np.corrcoef(*(xi.ravel() for xi in found.values()))[0, 1]) < 5 / np.sqrt(count)


def test_two_kinds_of_rate_noise_are_multiplied():
    both = factors(rates=0.1, static_rates=SIGMA)
    np.testing.assert_allclose(both, factors(rates=0.1) * factors(static_rates=SIGMA), rtol=1e-13)


def test_a_tube_keeps_its_constants_while_others_change():
    circuit = crnsim.onepot((2, 2, 1))
    about = {"running_time": 2.0, "replicate": 1}

    def constants(number, **noise):
        return crnsim.rate_constants(circuit, "xor", noise=noise, presentation=number, **about)

    clean = constants(0)
    static = constants(0, static_rates=SIGMA)
    np.testing.assert_array_equal(static, constants(5, static_rates=SIGMA))
    for number in (0, 5):
        np.testing.assert_allclose(
            constants(number, static_rates=SIGMA, **EACH),
            constants(number, **EACH) * static / clean,
            rtol=1e-13,
        )


@pytest.mark.parametrize("method", ["dp45", "rosw", "ssa", "tau", "cle", "hybrid"])
def test_every_method_has_its_constants(method):
    few = {"volume": 1e7} if method in ("ssa", "tau", "cle", "hybrid") else {}
    noise = {"static_rates": SIGMA}
    found = crnsim.simulate(
        read_crn(TUBE),
        [0, 1],
        noise=noise,
        replicates=3,
        seed=2,
        method=method,
        initial={},
        keep_rates=True,
        **few,
    )
    # X flows in at a constant rate k: X(1) = k; of 1e7 molecules 1e-3 is three standard deviations.
    k = found["rate_constant"].values[:, 0]
    assert np.abs(np.log(k)).min() > 1e-3
    np.testing.assert_allclose(found["concentration"].values[:, -1, 0], k, rtol=1e-3)


def test_it_drifts_along_with_rates_that_drift():
    drift = {"rates": 0.2, "rates_mode": "ou", "correlation_time": 2.0}
    options = {"replicates": 3, "seed": 2, "rtol": 1e-8, "initial": {}}
    times = np.arange(4) * 0.4  # pieces in which a constant does not change

    def slopes(noise):
        found = crnsim.simulate(read_crn(TUBE), times, noise=noise, **options)
        return np.diff(found["concentration"].values[:, :, 0], axis=1) / 0.4

    both = slopes(drift | {"static_rates": SIGMA})
    np.testing.assert_allclose(both, slopes(drift) * slopes({"static_rates": SIGMA}), rtol=1e-5)


def test_circuits_learn_and_compute_with_it():
    options = {"running_time": 5.0, "noise": {"static_rates": 0.1} | EACH}
    trained = crnsim.train(crnsim.onepot((2, 2, 1)), "and", epochs=2, **options)
    quiet = crnsim.train(crnsim.onepot((2, 2, 1)), "and", epochs=2, running_time=5.0, noise=EACH)
    assert trained["noise_kind"].values.tolist() == ["rates+static_rates"]
    assert trained["noise_static_rates"].values.tolist() == [0.1]
    assert np.abs(trained["weights"].values - quiet["weights"].values).max() > 1e-3
    weights = crnsim.algebraic.initial_weights((2, 2, 1), seed=0, dataset="and", replicate=0)
    answers = [
        crnsim.infer(crnsim.feedforward((2, 2, 1)), "and", weights=weights, running_time=5.0, noise=noise)
        for noise in ({"static_rates": 0.1}, None)
    ]
    assert np.abs(answers[0]["output"].values - answers[1]["output"].values).max() > 1e-3


def test_a_cube_has_it_as_a_level():
    cube = crnsim.robustness(
        read_crn("A ->{1} B; init A 1"),
        readout={"B": {"value": "B", "target": 1.0, "tolerance": 0.1}},
        noise={"static_rates": [0.1, 0.5]},
        running_times=3.0,
        replicates=3,
    )
    assert cube["noise_kind"].values.tolist() == ["none", "static_rates", "static_rates"]


def test_a_point_without_it_has_the_key_it_had():
    assert "static_rates" not in Noise(rates=0.1).settings()
    assert replace(POINT, noise=Noise(static_rates=0.1)).key != POINT.key
    assert replace(POINT, noise=Noise(static_rates=0.1)).key != replace(POINT, noise=Noise(rates=0.1)).key


def test_it_travels_in_words_and_back():
    point = replace(POINT, noise=Noise(static_rates=0.1, **EACH))
    words = command(point.to_dict()).split()[1:]
    assert "--noise-static-rates" in words
    (again,) = _points(_parser().parse_args(words))
    assert again.key == point.key


def test_the_claims_of_kang_judge_it_where_it_was_swept():
    noise = {"rates": (0.1,), "static_rates": (0.1,), "concentrations": (0.1,)}
    options = {"noise": noise, "replicates": 80}
    designs = [f(pot(), **options) for f in (smooth, sharp, relu)]
    rows = kang(*designs)
    assert row_of(rows, "noise_kept", "static_rates")["verdict"] == "supported"
    assert {(r["claim"], r["compared_role"]) for r in rows if r["stress"] == "static_rates"} == {
        ("noise_kept", ""), ("noise_magnitude", "sharp"), ("noise_magnitude", "baseline"),
    }  # fmt: skip
    assert "static_rates" not in {row["stress"] for row in kang(*(f(pot()) for f in (smooth, sharp, relu)))}


@pytest.mark.parametrize(
    ("noise", "of_dataset", "said"),
    [
        (
            {"rates": {"magnitudes": [0.1]}, "static_rates": {"magnitudes": [0.1]}},
            {},
            "noise.static_rates: rates of mode",
        ),
        (
            {"rates": {"magnitudes": [0.1], "mode": "ou"}},
            {"rates": {"mode": "static"}, "static_rates": {"magnitudes": [0.1]}},
            "datasets.xor.noise.static_rates: rates of mode 'static', the default, are the same noise",
        ),
        ({"rates": {"magnitudes": [0.1], "mode": "ou"}, "static_rates": {"magnitudes": [0.1]}}, {}, ""),
        ({"rates": {"magnitudes": [0.1]}}, {"rates": None, "static_rates": {"magnitudes": [0.1]}}, ""),
    ],
)
def test_a_sweep_has_each_law_of_rate_noise_once(tmp_path, noise, of_dataset, said):
    path = tmp_path / "sweep.yaml"
    write_sweep(path, noise=noise, datasets={"xor": {"epochs": 1, "noise": of_dataset}})
    if not said:
        assert read_sweep(path)
        return
    with pytest.raises(ConfigError) as error:
        read_sweep(path)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("of_sweep", "of_dataset", "words"),
    [
        ({"mode": "static"}, None, "drawn once per run"),
        ({"mode": "per_presentation"}, None, "drawn anew for each presentation"),
        ({"mode": "ou"}, {"magnitudes": [0.1]}, "that drifts in time"),
        ({"mode": "ou"}, {"mode": "static"}, "drawn once per run"),
        (None, {"magnitudes": [0.1]}, "drawn once per run"),
        (None, None, ""),
    ],
)
def test_a_page_knows_when_rate_constants_are_drawn(of_sweep, of_dataset, words):
    config = {"noise": {"rates": of_sweep}, "datasets": {"xor": {"noise": {"rates": of_dataset}}}}
    if of_dataset is None:
        config["datasets"]["xor"] = {}
    assert titles.rates_drawn(config, "xor") == words


def test_a_page_says_when_rate_constants_are_drawn():
    noise = {"rates": (0.1,), "static_rates": (0.1,)}
    made = [
        synthetic.Made(pot(), noise=noise),
        synthetic.Made(pot(), noise=noise, label="sharp", role="sharp", h=1e-4),
    ]
    plan = synthetic.plan(made)
    plan.config["datasets"]["xor"]["noise"]["rates"]["mode"] = "per_presentation"
    summaries = [synthetic.summary(m) for m in made]
    html = render_report(plan, summaries, summarise_sweep(plan, summaries), synthetic.accounts(plan))
    assert "Rate noise drawn anew for each presentation</div>" in html
    assert "Static rate noise</div>" in html
    assert "10\u00a0% of rate noise drawn anew for each presentation" in html
    assert "drawn once per run" not in html
