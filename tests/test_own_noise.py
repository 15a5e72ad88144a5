"""A user's kind of noise: one file outside the package, as docs/noise-kinds.md shows, from its class to the tables."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from pages import files_of, sweeps_of

from crnsim import CrnsimError
from crnsim.circuits import circuit_kind
from crnsim.cli import main
from crnsim.cli.parser import _parser
from crnsim.cli.runs import _points
from crnsim.experiment.build import build_circuit
from crnsim.experiment.command import command
from crnsim.experiment.point import Point
from crnsim.experiment.run import run_points
from crnsim.experiment.schedule import rate_constants
from crnsim.noise import Noise
from crnsim.sweep.config.read import read_sweep
from crnsim.sweep.plan.plan import read_plan

KIND = "my_noise:Batch"
POINT = Point(
    dataset="iris",
    layers=(4, 5, 3),
    circuit="feedforward",
    circuit_parameters=(),
    activation="squareplus",
    activation_parameters=(("h", 0.1),),
    running_time=4.0,
    epochs=20,
    learning_rate=0.05,
    noise=Noise(),
    replicate=2,
    seed=0,
    weights=(("by", "sgd"),),
    rtol=1e-7,
    atol=1e-10,
)


@pytest.fixture
def here(tmp_path):
    with files_of("noise-kinds.md", tmp_path) as folder:
        yield folder


def noise(magnitude, **others):
    return Noise(**{KIND: magnitude}, **others)


def test_one_factor_on_all_rates_is_another_running_time(here):
    noisy = replace(POINT, noise=noise(0.5))
    circuit = build_circuit(POINT)
    constants = [rate_constants(circuit, p, learning=False) for p in (POINT, noisy)]
    factor = constants[1][constants[0] > 0] / constants[0][constants[0] > 0]
    np.testing.assert_allclose(factor, factor[0], rtol=1e-14)
    assert abs(np.log(factor[0])) > 0.05
    outputs = run_points([noisy]).output.values
    # Mass action with all constants times f for a time T is mass action for a time f T; tolerance of the integration.
    same = run_points([replace(POINT, running_time=4.0 * factor[0])]).output.values
    np.testing.assert_allclose(outputs, same, atol=1e-5)
    assert abs(outputs - run_points([POINT]).output.values).max() > 1e-3


def test_its_magnitude_is_a_coordinate_and_part_of_the_key(here):
    points = [POINT, replace(POINT, noise=noise(0.1)), replace(POINT, noise=noise(0.1, rates=0.2))]
    result = run_points(points)
    assert result.noise_batch.values.tolist() == [0.0, 0.1, 0.1]
    assert result.noise_kind.values.tolist() == ["none", "batch", "rates+batch"]
    assert len({point.key for point in points}) == 3
    # Where it does not act it is as if it were not there.
    assert replace(POINT, noise=noise(0.0)).key == POINT.key
    before = points[1].key
    (here / "my_noise.py").write_text((here / "my_noise.py").read_text() + "# changed\n")
    assert Point.from_dict(points[1].to_dict()).key != before


def test_neighbouring_magnitudes_share_their_draw(here):
    circuit = build_circuit(POINT)
    plain = rate_constants(circuit, POINT, learning=False).max()
    logs = [
        np.log(rate_constants(circuit, replace(POINT, noise=noise(s)), learning=False).max() / plain)
        + s * s / 2
        for s in (0.1, 0.2)
    ]
    assert logs[1] == pytest.approx(2 * logs[0], rel=1e-9)


def test_it_travels_in_words_and_back(here):
    point = replace(POINT, noise=noise(0.1, rates=0.2), dataset="xor", layers=(2, 3, 1), weights=())
    point = replace(point, circuit="onepot")
    words = command(point.to_dict()).split()[1:]
    assert "--noise my_noise:Batch=0.1" in " ".join(words)
    (again,) = _points(_parser().parse_args(words))
    assert again.key == point.key
    assert Point.from_dict(json.loads(json.dumps(point.to_dict()))).key == point.key


def test_a_sweep_of_it_goes_from_file_to_tables_and_report(here):
    (here / "sweep.yaml").write_text(sweeps_of("noise-kinds.md")[0])
    plan = "results/sweep/plan.json"
    assert main(["plan", "sweep.yaml"]) == 0
    (group,) = json.loads(Path(plan).read_text())["groups"]
    name = Path(group["summary"]).stem
    assert group["n_points"] == 2 * 3 * 3
    assert main(["build", plan, name, "--sweep", "sweep.yaml"]) == 0
    for chunk in group["chunks"]:
        assert main(["integrate", plan, chunk["key"], "--sweep", "sweep.yaml"]) == 0
    assert main(["merge", plan, name, "--sweep", "sweep.yaml"]) == 0
    assert main(["robustness", plan, "--sweep", "sweep.yaml"]) == 0
    assert main(["report", plan, "--sweep", "sweep.yaml"]) == 0
    assert main(["check", "results/sweep"]) == 0
    tables = xr.load_dataset("results/sweep/robustness.nc")
    assert sorted(set(tables.cell_noise_batch.values.tolist())) == [0.0, 0.1, 0.3]
    assert "batch" in tables.curve_noise_kind.values.tolist()
    assert ",noise_batch," in Path("results/sweep/robustness.csv").read_text().splitlines()[0]
    page = Path("reports/sweep.html").read_text()
    assert "Batch noise" in page or "batch noise" in page


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"my_noise:Batch": -1.0}, "noise batch is -1.0"),
        ({"my_noise:Bitch": 0.1}, "my_noise has no 'Bitch'; did you mean 'Batch'"),
        ({"batch": 0.1}, "noise has no 'batch'"),
        ({"no_noise:Batch": 0.1}, "cannot import no_noise"),
    ],
)
def test_what_cannot_be_used_is_one_clear_error(here, arguments, words):
    with pytest.raises(CrnsimError, match=words):
        Noise(**arguments)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (('"my_noise:Batch"', '"my_noise:Bitch"'), "did you mean 'Batch'"),
        (
            ("{magnitudes: [0.1, 0.3]}", "{magnitudes: [0.1], factor: 2}"),
            "has no option 'factor'; it has none",
        ),
        (("{magnitudes: [0.1, 0.3]}", "{}"), "magnitudes: missing"),
    ],
)
def test_a_sweep_names_what_is_wrong_with_it(here, change, words):
    (here / "wrong.yaml").write_text(sweeps_of("noise-kinds.md")[0].replace(*change))
    with pytest.raises(CrnsimError, match=rf"wrong\.yaml: line \d+: noise\.own\..*{words}"):
        read_sweep("wrong.yaml")


def test_built_in_kinds_are_found_by_their_name_alone(here):
    assert Noise(rates=0.1) == Noise(rates=0.1, scope="signals")
    assert repr(Noise(rates=0.1)) == "Noise(rates=0.1)"
    assert circuit_kind("feedforward").scopes == ("signals", "all")
    with pytest.raises(AttributeError, match="does not change"):
        Noise().rates = 0.1


KINDS = """
from crnsim.noise import NoiseKind


class _Kind(NoiseKind):
    label = target = description = "a kind of the tests"


class Add(_Kind):
    name = "add"

    def perturb_rate_constants(self, magnitude, options, constants, families, draws):
        constants += magnitude


class Mul(_Kind):
    name = "mul"

    def perturb_rate_constants(self, magnitude, options, constants, families, draws):
        constants *= 1 + magnitude


class Flicker(_Kind):
    name = "flicker"

    def prepare(self, runs):
        magnitudes = runs.values("flicker")
        runs.member["noise_rates"] = magnitudes
        return {"rate_keys": runs.keys([m > 0 for m in magnitudes], "flicker", runs.families)}


class Jitter(_Kind):
    name = "jitter"

    def prepare(self, runs):
        runs.member["noise_inputs"] = runs.values("jitter")
        keys = runs.keys([True] * len(runs.member), "jitter", ["features"])
        runs.member["input_key_0"], runs.member["input_key_1"] = keys[:, 0, 0], keys[:, 0, 1]
        return {}


class Broken(_Kind):
    name = "broken"

    def perturb_rate_constants(self, magnitude, options, constants, families, draws):
        constants[10**6] = 1


class Longer(_Kind):
    name = "longer"

    def prepare(self, runs):
        runs.member["running_time"] *= 2
        return {}


class Table(_Kind):
    name = "table"

    def prepare(self, runs):
        return {"laws": runs.member["kick_interval"]}
"""


@pytest.fixture
def kinds(here):
    (here / "test_kinds_of_noise.py").write_text(KINDS)
    return "test_kinds_of_noise"


def test_equal_noise_has_equal_numbers_in_whatever_order_it_is_written(kinds):
    values = {f"{kinds}:Mul": 1.0, f"{kinds}:Add": 0.5}
    noises = [Noise(**values), Noise(**dict(reversed(values.items())))]
    assert noises[0] == noises[1]
    points = [replace(POINT, noise=one) for one in noises]
    assert points[0].key == points[1].key
    constants = [rate_constants(build_circuit(POINT), point, learning=False) for point in points]
    np.testing.assert_array_equal(*constants)
    assert {noise.kind for noise in noises} == {"add+mul"}


@pytest.mark.parametrize("own", ["Flicker", "Jitter"])
def test_a_kind_acts_in_its_own_runs_alone(kinds, own):
    others = [Noise(rates=0.2, rates_mode="per_presentation"), Noise(inputs=0.2), Noise()]
    points = [replace(POINT, noise=noise) for noise in others]
    acting = replace(POINT, noise=Noise(**{f"{kinds}:{own}": 0.2}))
    alone = [run_points([point]).output.values for point in (*points, acting)]
    together = run_points(
        [*points, acting, replace(POINT, noise=Noise(**{f"{kinds}:{own}": 0.0}))]
    ).output.values
    np.testing.assert_array_equal(together[:4], np.concatenate(alone))
    np.testing.assert_array_equal(together[4], together[2])
    assert abs(together[3] - together[2]).max() > 1e-3


@pytest.mark.parametrize(
    ("own", "others", "words"),
    [
        ("Flicker", {"rates": 0.1, "rates_mode": "per_presentation"}, "another kind .* has set noise_rates"),
        (
            "Jitter",
            {"inputs": 0.1},
            "noise jitter: another kind of noise of the same run has set noise_inputs",
        ),
        ("Longer", {}, "noise longer: prepare may set columns of noise alone, not running_time"),
        ("Table", {}, "noise table: prepare may return rate_keys, kick_keys and kicked, not laws"),
    ],
)
def test_a_kind_that_is_in_the_way_of_another_is_refused(kinds, own, others, words):
    with pytest.raises(CrnsimError, match=words):
        run_points([replace(POINT, noise=Noise(**{f"{kinds}:{own}": 0.1}, **others))])


def test_a_mistake_in_ones_own_code_is_named_with_its_line(kinds, here):
    line = 1 + next(i for i, text in enumerate(KINDS.splitlines()) if "10**6" in text)
    with pytest.raises(CrnsimError, match=rf"its code failed: IndexError: .*\({kinds}\.py, line {line}\)$"):
        run_points([replace(POINT, noise=Noise(**{f"{kinds}:Broken": 0.1}))])
    with pytest.raises(
        CrnsimError, match=f"looked for in {here}, where the command runs, and among installed"
    ):
        Noise(**{"no_such_module_at_all:Broken": 0.1})


def test_points_without_a_kind_of_ones_own_are_verified(kinds, here, capsys):
    sweep = sweeps_of("noise-kinds.md")[0].replace("my_noise:Batch", f"{kinds}:Mul")
    (here / "mul.yaml").write_text(sweep)
    assert main(["plan", "mul.yaml"]) == 0
    plan = "results/mul/plan.json"
    for chunk in json.loads(Path(plan).read_text())["groups"][0]["chunks"]:
        assert main(["integrate", plan, chunk["key"], "--sweep", "mul.yaml"]) == 0
    assert main(["verify", "results/mul", "--points", "8", "--sweep", "mul.yaml"]) == 0
    assert "8 same bits" in capsys.readouterr().out.replace("\n", " ")


@pytest.mark.parametrize(
    ("own", "left"),
    [
        ("null", []),
        ('{"my_noise:Batch": null}', ["MUL"]),
        ('{"my_noise:Batch": {magnitudes: [0.2]}}', ["MUL", "my_noise:Batch"]),
    ],
)
def test_a_data_set_leaves_a_kind_of_ones_own_out(kinds, here, own, left):
    text = sweeps_of("noise-kinds.md")[0]
    text = text.replace("  own:\n", f'  own:\n    "{kinds}:Mul": {{magnitudes: [0.1]}}\n')
    text = text.replace("datasets: [iris]", f"datasets: {{iris: {{}}, digits: {{noise: {{own: {own}}}}}}}")
    (here / "left.yaml").write_text(text)
    resolved = read_sweep("left.yaml")
    found = {name: sorted(settings.noise.own) for name, settings in resolved.settings.items()}
    names = sorted(name.replace("MUL", f"{kinds}:Mul") for name in left)
    assert found == {"iris": sorted([f"{kinds}:Mul", "my_noise:Batch"]), "digits": names}
    assert main(["plan", "left.yaml"]) == 0
    groups = json.loads(Path("results/left/plan.json").read_text())["groups"]
    assert len({group["n_cells"] for group in groups}) == (1 if len(left) == 2 and "0.2" not in own else 2)
    assert read_plan("results/left/plan.json").file.n_points > 0
