"""Circuits with given weights: read out in blocks, compared with the algebraic network, swept without training."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import xarray as xr
from small_sweeps import write_sweep

from crnsim import CrnsimError, Noise, feedforward, infer, load_dataset, onepot, train
from crnsim.algebraic import forward
from crnsim.cli.parser import main
from crnsim.experiment import given_weights
from crnsim.experiment.build import build_circuit
from crnsim.experiment.given_weights import weights_source
from crnsim.experiment.point import Point
from crnsim.experiment.readout import read_out
from crnsim.experiment.results import agreement
from crnsim.experiment.run import run_points
from crnsim.experiment.schedule import ReadoutTables
from crnsim.store.files import write_dataset
from crnsim.sweep.config.read import read_sweep
from crnsim.sweep.plan.plan import make_plan, read_plan

POINT = Point(
    dataset="iris",
    layers=(4, 5, 3),
    circuit="feedforward",
    circuit_parameters=(),
    activation="squareplus",
    activation_parameters=(("h", 0.1),),
    running_time=60.0,
    epochs=3,
    learning_rate=0.05,
    noise=Noise(),
    replicate=0,
    seed=0,
    weights=(("by", "sgd"),),
)


def given(layers, seed=0):
    rng = np.random.default_rng(seed)
    return [(rng.normal(size=(o, i)), rng.normal(size=o)) for i, o in pairwise(layers)]


@pytest.mark.parametrize("circuit", ["feedforward", "onepot"])
def test_without_noise_and_with_time_chemistry_answers_like_algebra(circuit):
    points = [replace(POINT, circuit=circuit, running_time=200.0, replicate=r) for r in range(3)]
    run = run_points(points)
    assert run.agreement.values.tolist() == [1, 1, 1]
    # Relaxed to the tolerance of the integration, 1e-3 relative.
    np.testing.assert_allclose(run.mse, run.algebraic_mse, rtol=1e-2)
    assert float(run.score.mean()) > 0.5
    assert run.attrs["mode"] == "inference"
    assert not {"train_loss", "weights", "epoch"} & set(run.variables)


def test_a_short_running_time_and_noise_spoil_the_answer():
    long, short, noisy = (
        run_points([replace(POINT, replicate=r, **change) for r in range(4)])
        for change in ({}, {"running_time": 1.0}, {"noise": Noise(rates=0.5)})
    )
    assert float(long.agreement.mean()) == 1
    assert float(short.agreement.mean()) < 0.9
    assert float(noisy.agreement.mean()) < 1


def test_a_point_has_the_same_bits_in_any_company():
    noises = (Noise(), Noise(rates=0.1), Noise(concentrations=0.2), Noise(inputs=0.1))
    points = [replace(POINT, noise=noise, replicate=r) for noise in noises for r in range(2)]
    together = run_points(points)
    for i in (0, 3, 5, 7):
        xr.testing.assert_identical(run_points([points[i]]), together.isel(point=[i]))


def test_no_number_depends_on_how_the_samples_are_cut_into_blocks():
    point = replace(POINT, noise=Noise(rates=0.1, concentrations=0.1))
    circuit, data, weights = build_circuit(point), load_dataset("iris"), given((4, 5, 3))
    points = [point, replace(point, replicate=1)]
    starts = np.array([circuit.start(weights)] * 2)
    tables = ReadoutTables(circuit, points, [data, data], starts, [weights] * 2)
    constants = [circuit.rates(weights)] * 2
    whole = read_out(circuit, tables, smoothing=constants)
    done = []
    cut = read_out(circuit, tables, smoothing=constants, block=1, progress=done.append)
    np.testing.assert_array_equal(whole.outputs, cut.outputs)
    assert whole.counts["steps"].tolist() == cut.counts["steps"].tolist()
    assert len(done) > 2
    assert done[-1] == 1
    assert done == sorted(done)


def test_a_sample_that_does_not_end_ok_makes_its_point_so():
    run = run_points([replace(POINT, max_steps=1)])
    assert run.status.item() == 2
    assert run.reason.item().startswith("read-out: budget")
    assert run.score.item() == 0
    assert np.isnan(run.agreement.item())


def test_effective_smoothing_of_relu_is_of_its_own_weights():
    data = load_dataset("iris")
    runs = [
        infer(feedforward(weights, "relu", kz=100.0, dual_rail=True), data, running_time=60)
        for weights in ([(w * scale, b * scale) for w, b in given((4, 5, 3))] for scale in (1.0, 3.0))
    ]
    # h_eff = p+/kz, and production is proportional to the weights.
    assert runs[1].h_eff.item() == pytest.approx(3 * runs[0].h_eff.item(), rel=1e-9)


def test_infer_takes_weights_for_either_circuit():
    weights, data = given((4, 5, 3)), load_dataset("iris")
    expected = forward(weights, data.x_test, onepot((4, 5, 3)).activation)
    for circuit, held in (
        (feedforward(weights, dual_rail=True), None),
        (onepot((4, 5, 3), dual_rail=True), weights),
    ):
        run = infer(circuit, data, weights=held, running_time=200, rtol=1e-6, atol=1e-9)
        # e^-200 of what is far from the fixed point, and the tolerance.
        np.testing.assert_allclose(run.output[0], expected, atol=1e-4)


def test_agreement_is_with_the_algebraic_network_not_with_the_truth():
    data = load_dataset("iris")
    truth, other = data.y_test, np.roll(data.y_test, 1, axis=1)
    assert agreement(data, other, other) == 1
    assert agreement(data, other, truth) == 0
    line = replace(data, task="regression")
    assert agreement(line, truth, truth) == 1
    assert agreement(line, np.full_like(truth, truth.mean()), truth) == pytest.approx(0)


def test_a_point_is_known_by_its_weights_and_not_by_where_their_file_lies(tmp_path):
    files = [tmp_path / name for name in ("a.npz", "b.npz", "c.npz")]
    for file, seed in zip(files, (0, 0, 1), strict=True):
        arrays = {
            f"{n}{i}": a
            for i, pair in enumerate(given((4, 5, 3), seed), 1)
            for n, a in zip("Wb", pair, strict=True)
        }
        np.savez(file, **arrays)
    keys = [replace(POINT, weights=weights_source(str(file))).key for file in files]
    assert keys[0] == keys[1] != keys[2]
    assert POINT.key not in keys
    read = replace(POINT, weights=weights_source(str(files[2])))
    assert Point.from_dict(json.loads(json.dumps(read.to_dict()))) == read
    result = run_points([read])
    data = load_dataset("iris")
    right = data.accuracy(
        forward(given((4, 5, 3), 1), data.x_test, build_circuit(read).activation), data.y_test
    )
    assert result.algebraic_accuracy.item() == right


def test_large_weights_are_no_blow_up():
    # z = 300 x and then x again: concentrations far above samples and start, as they should be.
    weights = [(np.array([[300.0]]), np.zeros(1)), (np.array([[1 / 300]]), np.zeros(1))]
    x = np.linspace(0.5, 1.0, 4)[:, None]
    line = replace(
        load_dataset("iris"),
        task="regression",
        dual_rail=False,
        x_train=x,
        y_train=x,
        x_test=x,
        y_test=x,
        feature_names=("x",),
        target_names=("x",),
    )
    run = infer(feedforward(weights, h=0.1), line, running_time=50)
    assert run.status.item() == 0, run.reason.item()
    np.testing.assert_allclose(run.output[0, :, 0], x[:, 0], rtol=1e-2)


def test_gradient_descent_that_diverges_is_an_outcome_of_its_replicate():
    point = replace(POINT, dataset="xor", layers=(2, 3, 1), learning_rate=50.0, epochs=20)
    run = run_points([point, replace(point, replicate=1)])
    assert run.status.values.tolist() == [4, 4]
    assert all("gradient descent diverged" in reason for reason in run.reason.values)
    assert run.score.values.tolist() == [0, 0]


def test_a_file_of_one_replicate_is_not_tested_on_what_another_was_trained_on(tmp_path):
    file = tmp_path / "trained.nc"
    write_dataset(train(onepot((2, 3, 1)), "xor", running_time=10, epochs=1, seed=3), file)
    point = replace(POINT, dataset="xor", layers=(2, 3, 1), weights=weights_source(str(file)), seed=3)
    assert run_points([point]).status.item() == 0
    for change, words in (
        ({"replicate": 1}, "no replicate 1"),
        ({"seed": 0}, "trained with seed 3; seed 0 is asked for"),
        ({"dataset": "or"}, "trained with dataset xor; dataset or is asked for"),
    ):
        with pytest.raises(CrnsimError, match=words):
            run_points([replace(point, **change)])


def test_noise_on_weights_that_are_no_species_is_refused():
    with pytest.raises(CrnsimError, match="no species of feedforward"):
        run_points([replace(POINT, noise=Noise(concentrations=0.1, scope="weights"))])


def test_a_trained_pot_hands_its_weights_on(tmp_path):
    file = tmp_path / "trained.nc"
    trained = train(onepot((2, 3, 1)), "xor", running_time=30, epochs=3, replicates=2)
    write_dataset(trained, file)
    points = [
        replace(POINT, dataset="xor", layers=(2, 3, 1), weights=weights_source(str(file)), replicate=r)
        for r in (0, 1)
    ]
    run = run_points(points)
    np.testing.assert_allclose(run.algebraic_mse, trained.algebraic_mse, rtol=1e-12)


def not_weights(tmp_path, kind):
    file = tmp_path / "weights.npz"
    if kind == "missing":
        return file
    if kind == "text":
        file.write_text("W1, b1")
    elif kind == "names":
        np.savez(file, first=np.zeros(3))
    elif kind == "shapes":
        np.savez(file, W1=np.zeros((5, 4)), b1=np.zeros(5), W2=np.zeros((3, 6)), b2=np.zeros(3))
    elif kind == "pickle":
        np.savez(file, W1=np.array([{}]), b1=np.zeros(1))
    else:
        np.savez(file, W1=np.zeros((5, 2)), b1=np.zeros(5), W2=np.zeros((3, 5)), b2=np.zeros(3))
    return file


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("missing", "there is no such file; give 'sgd', or a file from 'crnsim train -o'"),
        ("text", "not a NetCDF-4 file"),
        ("names", "arrays W1, b1, W2, b2, ... are needed, and W1 is missing; it has 'first'"),
        ("shapes", "layer 2"),
        ("pickle", "W1, b1, W2, b2, ... are needed"),
        ("layers", "its weights are of layers 2-5-3; layers 4-5-3 are asked for"),
    ],
)
def test_weights_that_cannot_be_used_are_one_clear_line(tmp_path, capsys, kind, words):
    file = not_weights(tmp_path, kind)
    assert main(["infer", "iris", "--layers", "4,5,3", "--weights", str(file)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert words in said
    assert str(file) in said


SWEEP = {
    "name": "inference",
    "mode": "inference",
    "circuit": "feedforward",
    "activations": {"smooth": {"name": "squareplus", "h": 0.1, "role": "smooth"}},
    "running_times": [5, 50],
    "noise": {"rates": {"magnitudes": [0.1]}},
    "replicates": 2,
    "datasets": {"iris": {"layers": [4, 5, 3], "epochs": 2}},
}


def test_an_inference_sweep_is_planned_and_knows_its_weights(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    plan = make_plan(read_sweep(write_sweep(tmp_path / "inference.yaml", **SWEEP)))
    group, _ = plan.groups[0]
    assert plan.file.groups[0].mode == "inference"
    assert dict(group.point(0, 0).weights) == {"by": "sgd"}
    assert not group.recorded
    # 45 test samples, and no training, which would be 105 twice.
    training = make_plan(
        read_sweep(write_sweep(tmp_path / "t.yaml", **SWEEP | {"mode": "training", "circuit": "onepot"}))
    )
    assert plan.file.estimated_core_seconds < 0.5 * training.file.estimated_core_seconds
    file = tmp_path / "w.npz"
    np.savez(
        file,
        **{f"{n}{i}": a for i, p in enumerate(given((4, 5, 3)), 1) for n, a in zip("Wb", p, strict=True)},
    )
    plan = make_plan(read_sweep(write_sweep(tmp_path / "file.yaml", **SWEEP | {"weights": "w.npz"})))
    (tmp_path / "plan.json").write_text(plan.file.to_json())
    hashed = []
    file_hash = given_weights.file_hash
    monkeypatch.setattr(given_weights, "file_hash", lambda name: hashed.append(name) or file_hash(name))
    assert read_plan(tmp_path / "plan.json").file == plan.file
    assert hashed == ["w.npz"]  # once, and not for every replicate of every data set
    np.savez(file, W1=np.ones((3, 4)), b1=np.zeros(3))
    with pytest.raises(CrnsimError, match=r"w\.npz: changed since"):
        read_plan(tmp_path / "plan.json")


def test_weights_are_checked_against_every_data_set_before_anything_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.savez(tmp_path / "w.npz", W1=np.ones((3, 2)), b1=np.zeros(3))
    with pytest.raises(
        CrnsimError, match=r"weights: w\.npz: its weights are of layers 2-3; layers 4-5-3 are asked for"
    ):
        read_sweep(write_sweep(tmp_path / "wrong.yaml", **SWEEP | {"weights": "w.npz"}))


def test_a_sweep_knows_the_file_of_a_unit_of_its_users_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    source = (
        "from dataclasses import dataclass\n"
        "from crnsim.activations.squareplus import Squareplus\n\n\n"
        "@dataclass(frozen=True)\n"
        "class Mine(Squareplus):\n"
        "    name = 'mine'\n"
    )
    sweep = SWEEP | {"activations": {"own": {"name": "swept_unit:Mine"}}}
    prints = []
    for text in (source, source + "# changed\n"):
        (tmp_path / "swept_unit.py").write_text(text)
        prints.append(read_sweep(write_sweep(tmp_path / "own.yaml", **sweep)).fingerprint)
    assert prints[0] != prints[1]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"mode": "training"}, "circuit: feedforward does not learn; write onepot, or mode: inference"),
        (
            {"mode": "training", "circuit": "onepot", "weights": "sgd"},
            "weights: only a sweep with mode: inference",
        ),
        ({"weights": "nowhere.npz"}, "weights: nowhere.npz: there is no such file"),
        ({"mode": "infer"}, "mode is 'infer'"),
        ({"claims": "kang2025"}, "claims: kang2025 is about training"),
        (
            {"noise": {"concentrations": {"magnitudes": [0.1], "scope": "weights"}}},
            "noise.concentrations.scope: the weights of feedforward",
        ),
    ],
)
def test_a_wrong_inference_sweep_is_refused_by_file_and_key(tmp_path, change, words):
    with pytest.raises(CrnsimError, match=re.escape(words)):
        read_sweep(write_sweep(tmp_path / "wrong.yaml", **SWEEP | change))
