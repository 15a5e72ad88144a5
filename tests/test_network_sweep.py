"""Sweeps of a network of the user's own: from the file to the report, and what is refused on the way."""

from __future__ import annotations

import contextlib
import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import yaml

import crnsim
from crnsim import CrnsimError
from crnsim.cli import main
from crnsim.experiment.run import killed_points, run_points
from crnsim.metrics import table_rows
from crnsim.sweep.config.of_network import dataset_of, designs_of
from crnsim.sweep.config.read import read_sweep
from crnsim.sweep.plan.plan import make_plan, read_plan
from crnsim.sweep.plan.plan_file import read_plan_file

TEXT = "X + Y ->{k} 2B; B + X ->{k} 2X; B + Y ->{k} 2Y\nk=1\ninit X 0.6; init Y 0.4\n"
SWEEP = {
    "network": "maj.crn",
    "parameters": {"k": [0.5, 1.0]},
    "inputs": [
        {"X": 0.55, "Y": 0.45, "expect": {"winner": "X"}},
        {"X": 0.45, "Y": 0.55, "expect": {"winner": "Y"}},
    ],
    "observables": {"winner": {"highest": ["X", "Y"], "margin": 0.5}},
    "running_times": [10, 40],
    "noise": {"rates": {"magnitudes": [0.3]}, "concentrations": {"magnitudes": [0.1], "interval": 4}},
    "replicates": 12,
    "chunks": {"workers": 1},
}


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "maj.crn").write_text(TEXT)
    return tmp_path


def write(**changes):
    Path("maj.yaml").write_text(yaml.safe_dump(SWEEP | changes, sort_keys=False))
    return "maj.yaml"


def compute(**changes):
    """From the sweep file to the report, without Snakemake."""
    plan, own = "results/maj/plan.json", ["--sweep", "maj.yaml"]
    assert main(["plan", write(**changes)]) == 0
    for group in read_plan_file(plan).groups:
        assert main(["build", plan, group.name, *own]) == 0
        for chunk in group.chunks:
            assert main(["integrate", plan, chunk.key, *own]) == 0
        assert main(["merge", plan, group.name, *own]) == 0
    assert main(["robustness", plan, *own]) == 0
    assert main(["report", plan, *own]) == 0
    return Path("results/maj")


def test_from_the_file_to_the_report(here, capsys):
    results = compute()
    summary = xr.load_dataset(results / "summary" / "maj-network-k1.nc")
    points = {"point": 72, "sample": 2, "target": 1}
    assert summary.sizes == points | {"recorded": 15, "presentation": 2, "fraction": 201, "species": 3}
    assert summary.attrs["mode"] == "observation"
    cells = {
        (r["activation"], r["running_time"], r["noise_kind"]): r["score"]
        for r in table_rows(xr.load_dataset(results / "robustness.nc"), "cell")
    }
    assert len(cells) == 2 * 2 * 3
    assert cells["k1", 40, "none"] == 1.0
    # At half the rate constant and a fourth of the time it has not decided yet.
    assert cells["k0p5", 10, "none"] == 0.0
    assert cells["k1", 40, "rates"] < 1.0
    page = Path("reports/maj.html").read_text()
    for words in (
        "How often does maj.crn do what it is to do?",
        "3 species, 3 reactions",
        "What counts as right",
        r"\ce{",
        "X 0.55, Y 0.45",
        "winner X",
        "The time at which a run ends and is read out.",
    ):
        assert words in page
    for words in ("smooth network", "h<sub>eff</sub>", "Epochs", "Learning rate"):
        assert words not in page
    # The network beside the results is that of each design.
    network = crnsim.read_crn(results / "networks" / "maj-network-k0p5.crn")
    assert network.rate_constants().tolist() == [0.5, 0.5, 0.5]
    assert main(["check", str(results)]) == 0
    assert "all is well" in capsys.readouterr().out
    assert main(["verify", str(results), "--points", "3"]) == 0
    assert "3 points computed again: 3 same bits" in capsys.readouterr().out
    assert main(["status", str(results)]) == 0
    assert main(["show", "maj.yaml"]) == 0
    assert main(["report", str(results / "plan.json"), "--figures", "paper"]) == 0
    said = " ".join(Path("paper/maj-maj.txt").read_text().split())
    assert "Designs: k0p5 (k = 0.5); k1 (k = 1). Lines: mean score, the share of inputs" in said
    assert "Without noise all replicates are one run, which has no interval." in said
    drawing = Path("paper/maj-maj.svg").read_text()
    assert all(
        f">{words}</text>" in drawing for words in ("k0p5", "k1", "magnitude of rate noise", "running time")
    )


def test_points_do_not_depend_on_their_company(here):
    group = make_plan(read_sweep(write())).groups[0][0]
    points = group.points()
    whole = run_points(points)
    for some in ([0], [30, 3, 70], [71]):
        part = run_points([points[i] for i in some])
        for name in ("score", "output", "right", "steps", "error", "status"):
            np.testing.assert_array_equal(part[name].values, whole[name].values[some])
    killed = killed_points(points[:2])
    assert set(killed.variables) == set(whole.variables)
    assert killed["score"].values.tolist() == [0.0, 0.0]


def test_a_replicate_is_that_of_the_command_that_repeats_it(here, capsys):
    from crnsim.experiment.command import command

    group = make_plan(read_sweep(write())).groups[0][0]
    points = [p for p in group.points() if p.noise.acting]
    found = run_points(points, record=())
    for place in (5, len(points) - 1):
        for row in (1, 2):
            words = shlex.split(command(points[place].to_dict() | {"input": row}))
            assert words[:3] == ["crnsim", "simulate", "maj.crn"]
            assert main([*words[1:], "-o", "run.nc"]) == 0
            end = xr.load_dataset("run.nc")["concentration"].sel(species=["X", "Y"])[0, -1].values
            winner = float(np.argmax(end)) if abs(end[0] - end[1]) >= 0.5 else np.nan
            np.testing.assert_array_equal(found["output"].values[place, row - 1, 0], winner)


def test_courses_are_kept_and_change_no_number(here):
    observables = {
        "winner": {"highest": ["X", "Y"], "margin": 0.5},
        "rising": {"value": "X", "period": 3.0, "tolerance": 0.5},
    }
    group = make_plan(read_sweep(write(observables=observables))).groups[0][0]
    points = group.points()
    recorded = group.recorded_keys()
    # Five replicates without noise, and of the largest magnitude of each kind, at the longest time.
    assert len(recorded) == 15
    plain, kept = run_points(points), run_points(points, record=recorded)
    for name in plain.data_vars:
        np.testing.assert_array_equal(plain[name].values, kept[name].values)
    assert kept["trajectory"].dims == ("recorded", "presentation", "fraction", "species")
    assert set(kept["recorded"].values) == set(recorded)
    by_key = {point.key: point for point in points}
    for key in recorded[::4]:
        one, point = kept["trajectory"].sel(recorded=key), by_key[key]
        found = crnsim.simulate(
            crnsim.read_crn(TEXT),
            40.0 * one["fraction"].values,
            rates=dict(point.circuit_parameters),
            initial={"X": 0.45, "Y": 0.55},
            noise=point.noise if point.noise.acting else None,
            seed=point.seed if point.noise.acting else None,
            replicates=point.replicate + 1 if point.noise.acting else 1,
        )
        np.testing.assert_allclose(one.sel(presentation=2), found["concentration"][-1], rtol=1e-6, atol=1e-7)
    none = run_points(points[:1], record=[])
    assert "trajectory" not in none


def test_the_page_shows_courses_and_what_was_not_right(here, capsys):
    compute(trajectories={"replicates": 3})
    page = Path("reports/maj.html").read_text()
    text = re.sub(r"<[^>]*>", "", page)
    assert "Over time" in text
    assert "k0p5, rates 0.3, running time 40, 3 replicates" in text
    assert "Ended ok and not right" in text
    assert "winner is none by the margin, not X" in text
    assert "swept: k [0.5, 1.0]" in text
    # The command of one that was not right shows it.
    words = shlex.split(re.search(r"crnsim simulate maj.crn --t 10 .*?(?=Copy|\n\n)", text, re.DOTALL)[0])
    words = [word for word in words if word != "\\"]
    assert main([*words[1:], "-o", "run.nc"]) == 0
    end = xr.load_dataset("run.nc")["concentration"].sel(species=["X", "Y"])[0, -1].values
    assert abs(end[0] - end[1]) < 0.5


def test_no_courses_where_none_are_asked_for(here):
    compute(trajectories={"replicates": 0}, replicates=2)
    assert "No run of this sweep kept its trajectories." in Path("reports/maj.html").read_text()


def test_a_value_of_an_array_is_swept(here):
    Path("maj.crn").write_text("w = [1, 2]; species A[2], B; A[i] ->{w[i]} B; init A 1")
    results = compute(
        parameters={"w[1]": [0.0, 3.0]},
        inputs=None,
        observables={"high": {"value": "B", "above": 1.5}},
        running_times=[9],
        noise={},
        replicates=1,
    )
    scores = [float(xr.load_dataset(path)["score"][0]) for path in sorted((results / "summary").glob("*.nc"))]
    assert scores == [0.0, 1.0]
    network = crnsim.read_crn(results / "networks" / "maj-network-w_1_3.crn")
    assert network.rate_constants().tolist() == [1.0, 3.0]


def test_a_failed_run_names_its_input_and_its_command(here):
    Path("maj.crn").write_text("2X ->{k} 3X\nk=0.5\ninit X 0.1\n")
    results = compute(
        parameters={},
        inputs=[{"X": 0.1}, {"X": 1.0}],
        observables={"high": {"value": "X", "above": 0.05}},
        running_times=[3],
        noise={},
        replicates=1,
    )
    summary = xr.load_dataset(results / "summary" / "maj-network-network.nc")
    assert summary["status"].values[0] != 0
    assert str(summary["reason"].values[0]).startswith("input 2: ")
    page = Path("reports/maj.html").read_text()
    assert "X=1" in re.sub(r"<[^>]*>", "", page)


def test_a_changed_network_changes_the_keys_of_its_points(here):
    before = make_plan(read_sweep(write())).groups[0][0].point(0, 0).key
    Path("maj.crn").write_text(TEXT + "// the same\n")
    after = read_sweep("maj.yaml")
    assert make_plan(after).groups[0][0].point(0, 0).key != before


def test_a_plan_whose_network_has_changed_is_refused(here):
    assert main(["plan", write()]) == 0
    read_plan("results/maj/plan.json")
    Path("maj.crn").write_text(TEXT + "// changed\n")
    with pytest.raises(CrnsimError, match=r"maj\.crn: changed since"):
        read_plan("results/maj/plan.json")


def test_networks_and_functions_of_the_users_own_code(here, capsys):
    Path("my_majority.py").write_text(
        f"import crnsim\n\ndef maj():\n    return crnsim.read_crn('''{TEXT}''')\n\n"
        "def decided(course):\n    return abs(course.at('X - Y', course.times[-1])) > 0.5\n"
    )
    observables = {"decided": {"function": "my_majority:decided"}}
    inputs = [{"X": 0.6, "Y": 0.4}, {"X": 0.4, "Y": 0.6}]
    results = compute(
        network="my_majority:maj",
        observables=observables,
        inputs=inputs,
        replicates=2,
        parameters={},
        noise={},
    )
    rows = table_rows(xr.load_dataset(results / "robustness.nc"), "cell")
    assert [row["score"] for row in rows] == [1.0, 1.0]
    # Nothing is imported that the user's own sweep file does not name.
    other = here / "other"
    other.mkdir()
    (other / "plan.json").write_text((results / "plan.json").read_text())
    with contextlib.chdir(here):
        (here / "another.yaml").write_text(yaml.safe_dump(SWEEP))
        assert main(["report", "other/plan.json", "--sweep", "another.yaml", "-o", "x.html"]) == 2
    assert "it imports 'my_majority:decided', 'my_majority:maj'" in capsys.readouterr().err


def test_a_function_cannot_change_the_run_for_others(here):
    Path("mutating_judge.py").write_text("def mut(course):\n    course.concentrations[:] = 0\n    return 1\n")
    group = make_plan(
        read_sweep(write(observables={"a": {"function": "mutating_judge:mut"}}, inputs=[{"X": 1}]))
    ).groups[0][0]
    with pytest.raises(CrnsimError, match="its code failed: ValueError"):
        run_points([group.point(0, 0)])


def test_a_plan_does_not_open_what_lies_elsewhere(here, capsys, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "secret.crn"
    outside.write_text(TEXT)
    assert main(["plan", write()]) == 0
    plan = json.loads(Path("results/maj/plan.json").read_text())
    plan["config"]["network"] = str(outside)
    Path("results/maj/plan.json").write_text(json.dumps(plan))
    assert main(["report", "results/maj/plan.json", "--partial"]) == 2
    assert "it opens" in capsys.readouterr().err


MISTAKES = [
    ({"network": "none.crn"}, "line 1: network: none.crn: there is no such file"),
    ({"network": "maj.txt"}, "network: maj.txt: no format has this suffix"),
    ({"circuit": "onepot"}, "circuit: belongs to circuits; a sweep with network: has none"),
    ({"mode": "training"}, "mode: belongs to circuits"),
    ({"weights": "sgd"}, "weights: belongs to circuits"),
    ({"claims": "kang2025"}, "claims: belongs to circuits"),
    ({"circuit_parameters": {"k": 1}}, "circuit_parameters: belongs to circuits"),
    ({"datasets": ["xor"]}, "datasets: a sweep with network: has inputs instead"),
    ({"activations": {"s": {"name": "relu"}}}, "activations: a sweep with network: has parameters instead"),
    (
        {"observables": {"winner": {"function": "no_such_file:judge"}}},
        "winner: observable no_such_file:judge: cannot import",
    ),
    ({"observables": {}}, "observables: is missing"),
    ({"observables": {"winner": {"highest": ["X", "Q"]}}}, "observables.winner: 'Q': no single species 'Q'"),
    ({"observables": {"winner": {"high": ["X", "Y"]}}}, "observables.winner: says no kind"),
    ({"observables": {"winner": 3}}, "observables.winner"),
    ({"observables": {"other": {"value": "X", "above": 1}}}, "inputs[0]: expect: no observable 'winner'"),
    ({"inputs": [{"Q": 1}]}, "inputs[0]: no species 'Q'"),
    ({"inputs": [{"X": 1, "expect": {"winner": "Q"}}]}, "inputs[0]: winner: expected is 'Q'; known: X, Y"),
    ({"inputs": [{"X": -1}]}, "inputs[0]"),
    ({"inputs": []}, "inputs"),
    ({"inputs": 3}, "inputs"),
    ({"initial": {"Q": 1}}, "no species 'Q'"),
    ({"initial": {"X": "a"}}, "initial.X is 'a'; it must be a number"),
    ({"parameters": {"q": 1}}, "parameters.q: no rate parameter or species 'q'; known: k, X, Y, B"),
    (
        {"parameters": {"k": list(range(1, 102)), "B": list(range(1, 51))}},
        "parameters: make 5050 combinations",
    ),
    ({"parameters": {"k": [1, 1]}}, "parameters.k: lists a value twice"),
    ({"parameters": {"k": []}}, "parameters.k"),
    (
        {"parameters": {"X": [0.5, 0.6]}},
        "parameters.X: X is swept, and input 1 says it too; leave it out of one",
    ),
    (
        {"parameters": {"B": [0.1]}, "initial": {"B": 0.2}},
        "parameters.B: B is swept, and initial says it too",
    ),
    ({"parameters": {"k": [1e-310]}}, "parameters.k"),
    ({"inputs": {"X": 1}}, "inputs is {'X': 1}; it must be a list of rows, such as [{X: 0.6, Y: 0.4}]"),
    ({"observables": 3}, "observables is 3; it must be names with settings"),
    ({"observables": {"": {"value": "X", "above": 1}}}, "observables: a key of observables is empty"),
    (
        {"observables": {"a": {"value": "X", "target": "high", "tolerance": 1}}, "inputs": [{"X": 1}]},
        "observables.a: target is 'high'",
    ),
    ({"observables": {"a": {"value": "X - X", "above": 1}}, "inputs": None}, "'X - X' is always 0"),
    ({"observables": {"a": {"value": "X", "below": 1}}, "inputs": None}, "above: 0.5, expected: false"),
    ({"observables": {"a": {"function": "judge.half"}}, "inputs": None}, "write judge:half"),
    ({"observables": {"a": {"highest": ["X", "1*X"]}}, "inputs": None}, "two or more different species"),
    ({"noise": {"concentrations": {"magnitudes": [0.1], "scope": "weights"}}}, "noise.concentrations.scope"),
    ({"solver": 0}, "solver is 0"),
    (
        {"solver": {"method": "ssa"}},
        "solver.method: method 'ssa' counts molecules, and there is no intrinsic noise",
    ),
    (
        {"solver": {"method": "dp45"}, "noise": {"intrinsic": {"magnitudes": [0.1]}}},
        "solver.method: method 'dp45' is deterministic, and intrinsic noise counts molecules",
    ),
    ({"parameters": {"k": -1}}, "parameters.k"),
    ({"noise": {"inputs": {"magnitudes": [0.1]}}}, "noise.inputs: acts on samples that are shown"),
    ({"noise": {"concentrations": {"magnitudes": [0.1], "interval": 50}}}, "interval/2"),
    ({"solver": {"method": "euler"}}, "solver.method"),
    ({"running_times": [0]}, "running_times[0] is 0"),
    ({"netwrok": "maj.crn"}, "unknown key 'netwrok'; did you mean 'network'"),
]


@pytest.mark.parametrize(("changes", "words"), MISTAKES, ids=lambda value: json.dumps(value)[:50])
def test_a_mistake_in_the_file_is_one_line(here, changes, words):
    (here / "maj.txt").write_text(TEXT)
    with pytest.raises(CrnsimError) as caught:
        read_sweep(write(**changes))
    said = str(caught.value)
    assert words in said
    assert said.startswith("maj.yaml: ")
    assert "\n" not in said


def test_what_only_a_network_has_is_refused_without_one(here):
    for key, value in (
        ("inputs", [{"X": 1}]),
        ("observables", {"x": {"value": "X", "above": 1}}),
        ("parameters", {"k": 1}),
        ("initial", {"X": 1}),
    ):
        text = {"datasets": ["xor"], "activations": {"s": {"name": "relu"}}, "running_times": [5], key: value}
        Path("plain.yaml").write_text(yaml.safe_dump(text))
        with pytest.raises(CrnsimError, match=f"{key}: belongs to a network of your own"):
            read_sweep("plain.yaml")


def test_a_number_that_would_be_taken_for_0_is_refused(here):
    write()
    text = Path("maj.yaml").read_text()
    Path("maj.yaml").write_text(text.replace("- 0.5", "- 1e-400", 1))
    with pytest.raises(CrnsimError, match=r"maj.yaml: line \d+.*1e-400 is so close to 0"):
        read_sweep("maj.yaml")


def test_observables_without_a_network_say_so(here):
    Path("plain.yaml").write_text(yaml.safe_dump({k: v for k, v in SWEEP.items() if k != "network"}))
    with pytest.raises(CrnsimError, match="network is missing: observables belong to a network of your own"):
        read_sweep("plain.yaml")


def test_a_parameter_that_nothing_depends_on_is_not_swept(here):
    Path("maj.crn").write_text(TEXT + "q = 1\n")
    with pytest.raises(CrnsimError, match="q: rate parameter q is in no rate of a reaction"):
        read_sweep(write(parameters={"q": [1, 2]}))


def test_examples_on_the_page_are_of_every_design_and_condition(here):
    # Too short a time: no run is right, and without noise all replicates are one.
    compute(running_times=[3, 4], replicates=3, trajectories={"replicates": 0})
    text = re.sub(r"<[^>]*>", "", Path("reports/maj.html").read_text())
    part = text[text.index("Ended ok and not right") :]
    shown = re.findall(r"Maj, (k\w+), running time (\d), ([a-z]+)", part)[:10]
    assert len({design for design, *_ in shown[:2]}) == 2
    assert len(set(shown)) == 10  # of twelve designs and conditions
    count = int(re.search(r"not right (\d+)", text)[1])
    assert count == 2 * 2 * (1 + 3 + 3)
    assert (
        "input 1: winner is none by the margin, not X; input 2: winner is none by the margin, not Y" in part
    )


def test_failures_without_noise_are_one_run(here):
    Path("maj.crn").write_text("2X ->{k} 3X\nk=0.5\ninit X 1\n")
    compute(
        parameters={"k": [0.5, 1.0]}, inputs=None, observables={"high": {"value": "X", "above": 0.05}},
        running_times=[5], noise={"rates": {"magnitudes": [0.1]}}, replicates=12,
    )  # fmt: skip
    text = re.sub(r"<[^>]*>", "", Path("reports/maj.html").read_text())
    part = text[text.index("did not end ok") :]
    shown = re.findall(r"Maj, (k\w+), running time 5, ([a-z]+)[^,]*, replicate (\d+)", part)
    assert len(shown) == 20
    assert sum(kind == "no" for _, kind, _ in shown) == 2
    assert {design for design, *_ in shown[:4]} == {"k0p5", "k1"}


def test_shares_of_crossed_noise_are_those_of_the_strongest(here):
    noise = {
        "rates": {"magnitudes": [0.2, 0.5]}, "concentrations": {"magnitudes": [0.1, 0.3], "interval": 4}, "cross": True,
    }  # fmt: skip
    results = compute(noise=noise, replicates=10, parameters={}, trajectories={"replicates": 0})
    summary = xr.load_dataset(results / "summary" / "maj-network-network.nc")
    mask = (
        (summary["running_time"] == 40)
        & (summary["noise_rates"] == 0.5)
        & (summary["noise_concentrations"] == 0.3)
    )
    share = 100 * float(summary["right"].values[mask.values].mean())
    page = re.sub(r"<[^>]*>", " ", Path("reports/maj.html").read_text())
    table = page[page.index("Right at the longest running time") :]
    assert re.search(rf"rates 0.5[^%]*concentrations 0.3.*? {share:.3g} %", table[:700], re.DOTALL)


FORGED = [
    ("right", lambda d: d["right"] * 99, "right is not between 0 and 1"),
    ("right", lambda d: d["right"] * np.nan, "right is not between 0 and 1"),
    ("right", lambda d: d["right"] * 0, "a score is not the mean of what is right"),
    ("right", lambda d: d["right"].isel(sample=0, target=0), "wrong type or shape"),
    ("output", lambda d: d["output"].astype(int), "wrong type or shape"),
    (
        "trajectory",
        lambda d: d["trajectory"].transpose("species", ...),
        "trajectory has the wrong type or shape",
    ),
    ("trajectory", lambda d: d["trajectory"].astype(int), "trajectory has the wrong type or shape"),
    ("fraction", lambda d: d["fraction"] * np.nan, "fraction is not between 0 and 1"),
    ("fraction", lambda d: d["fraction"] * 2, "fraction is not between 0 and 1"),
]


@pytest.mark.parametrize(("name", "change", "words"), FORGED)
def test_a_forged_file_is_damaged(here, name, change, words):
    from crnsim.store.points import read_points

    group = make_plan(read_sweep(write(replicates=2, noise={}))).groups[0][0]
    found = run_points(group.points(), record=group.recorded_keys())
    assert set(np.unique(found["score"])) == {0.0, 1.0}
    found.to_netcdf("whole.nc")
    read_points("whole.nc")
    place = found.assign if name in found.data_vars else found.assign_coords
    place({name: change(found).drop_vars(["sample", "target"], errors="ignore")}).to_netcdf("forged.nc")
    with pytest.raises(CrnsimError, match=words):
        read_points("forged.nc")


def test_few_molecules_are_an_axis_of_noise(here):
    noise = {"intrinsic": {"magnitudes": [0.01, 0.5]}}
    results = compute(noise=noise, parameters={}, running_times=[40], replicates=40, solver={"method": "ssa"})
    summary = xr.load_dataset(results / "summary" / "maj-network-network.nc")
    assert not summary["status"].any()
    shares = {
        m: float(summary["score"][(summary["noise_intrinsic"] == m).values].mean()) for m in (0, 0.01, 0.5)
    }
    assert shares[0] == shares[0.01] == 1.0
    # Four molecules that meet by chance: the majority, or a tie, is often lost.
    assert 0.3 < shares[0.5] < 0.95
    text = re.sub(r"<[^>]*>", "", Path("reports/maj.html").read_text())
    assert "under intrinsic noise of Ω 4 in" in text
    assert "intrinsic Ω 4" in text


def test_labels_of_networks_and_designs():
    assert dataset_of("a/b/ring-clock.crn") == "ring_clock"
    assert dataset_of("xor.crn") == "xor_network"
    assert dataset_of("my_nets:clock") == "clock"
    assert dataset_of("123.xml") == "network"
    assert list(designs_of(None)) == ["network"]
    assert list(designs_of({"k": 0.5})) == ["network"]
    assert list(designs_of({"k": [0.5, 1e-3], "X[0]": [1, 2]}))[:2] == ["k0p5_X_0_1", "k0p5_X_0_2"]
    assert list(designs_of({"k": [1.00000001, 1.00000002]})) == ["design_1", "design_2"]


@pytest.mark.parametrize("name", ["majority", "winner-take-all", "ring-clock"])
def test_the_examples_are_sweeps(name):
    root = Path(__file__).parents[1]
    with contextlib.chdir(root):
        resolved = read_sweep(f"config/sweeps/{name}.yaml")
        one = make_plan(resolved).groups[-1][0]
        # Without noise, at the longest running time, all is right.
        quiet = [
            i
            for i, c in enumerate(one.cells)
            if not c.noise.acting and c.running_time == max(resolved.sweep.running_times)
        ]
        assert run_points([one.point(quiet[0], 0)])["score"].values.tolist() == [1.0]
