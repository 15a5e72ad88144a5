"""Learning rates that are chosen for each design: the rule, the file, what a sweep makes of it, what a page says."""

from __future__ import annotations

import json
import math
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import synthetic
import yaml
from small_sweeps import SHARP, SMOOTH, compute_sweep, write_sweep

from crnsim.cli import main
from crnsim.datasets import load_dataset
from crnsim.errors import ConfigError, InputError
from crnsim.metrics import read_design, summarise, table_rows
from crnsim.metrics.learning_rates import Rate, rates_in_words
from crnsim.report import render_report
from crnsim.sweep.config.read import read_sweep
from crnsim.sweep.config.tuned import read_tuned
from crnsim.sweep.plan.groups import groups, tuning_cells
from crnsim.sweep.plan.plan import read_plan
from crnsim.sweep.run import tune as tuning
from crnsim.sweep.run.metrics import summarise_sweep

NOISE = {
    "rates": {"magnitudes": [0.1, 0.05], "mode": "per_presentation"},
    "static_rates": {"magnitudes": [0.05]},
}
TWO = {"activations": {"smooth": SMOOTH, "sharp": SHARP}, "datasets": {"xor": {"epochs": 1}}, "noise": NOISE}


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_sweep(Path("small.yaml"), **TWO)
    return tmp_path


@pytest.fixture
def counted(monkeypatch):
    """Make runs cost nothing: a score falls with the distance of the learning rate from a best one of the design."""
    runs = _Runs()
    best = runs.best

    def run(batches, *, keep, progress, workers=1, **_):
        for some in batches:
            assert len({point.group for point in some}) == 1
            runs.extend(some)
            scores = [
                1 - abs(math.log2(p.learning_rate / best[dict(p.activation_parameters)["h"]])) / 8
                for p in some
            ]
            keep(some, _Results(point_key=[p.key for p in some], score=scores, status=[0] * len(some)), 0.0)
            progress(len(runs))
        return []

    monkeypatch.setattr(tuning, "run_batches", run)
    return runs


class _Runs(list):
    """Points that were run, and the best learning rate by h."""

    def __init__(self):
        super().__init__()
        self.best = {0.1: 0.4, 0.0001: 0.05}


class _Results(dict):
    def __getitem__(self, name):
        return _Values(super().__getitem__(name))


class _Values:
    def __init__(self, values):
        self.values = np.array(values)


def tune(*words, file="small.yaml"):
    assert main(["tune", file, "-o", "tuned.yaml", *words]) == 0
    return yaml.safe_load(Path("tuned.yaml").read_text())


# -- the choice -----------------------------------------------------------------------------------------


def trial(scores, rates=(0.05, 0.1, 0.2, 0.4), default=0.2):
    """A trial, and the scores of its points: `scores` has a row for each rate and a column for each cell."""
    resolved = tuning_sweep()
    (found,) = tuning.trials(resolved, rates=rates, replicates=2)
    settings = replace(found.group.settings, learning_rate=default)
    found = replace(found, group=replace(found.group, settings=settings))
    given = {}
    for rate, row in zip(rates, scores, strict=True):
        for cell, score in zip(found.points(rate), row, strict=True):
            # Two replicates whose mean it is.
            given |= {point.key: score + d for point, d in zip(cell, (-0.1, 0.1), strict=True)}
    return found.chosen(given)


def tuning_sweep(**changes):
    path = Path("sweep.yaml")
    write_sweep(path, **changes)
    return read_sweep(path)


def test_the_highest_mean_over_cells_is_chosen(here):
    rate, means = trial([(0.2, 0.9, 0.5), (0.8, 0.8, 0.8), (0.9, 0.9, 0.5), (0.9, 0.1, 0.1)])
    assert rate == 0.1
    assert means == pytest.approx([1.6 / 3, 0.8, 2.3 / 3, 1.1 / 3])


@pytest.mark.parametrize(
    ("equal", "default", "chosen"),
    [
        ((0, 1, 2, 3), 0.2, 0.2),
        ((0, 3), 0.2, 0.4),  # a factor of 2 against one of 4
        ((1, 3), 0.2, 0.1),  # as near: the smaller one
        ((0, 1), 0.3, 0.1),
    ],
)
def test_of_equal_rates_the_nearest_to_the_default_is_chosen(here, equal, default, chosen):
    rows = [(0.9, 0.6, 0.3) if row in equal else (0.5, 0.5, 0.5) for row in range(4)]
    assert trial(rows, default=default)[0] == chosen


@pytest.mark.parametrize(
    ("others", "chosen"),
    [
        # It loses by 0.2 and by 0, so by 0.1 with a standard error of 0.1: as good, and nearer to the default.
        ((0.5, 0.9), 0.2),
        ((0.7, 0.7), 0.2),
        # A little more than one standard error, and by 0.1 in both.
        ((0.5, 0.9 - 1e-6), 0.4),
        ((0.6, 0.8), 0.4),
    ],
)
def test_what_is_within_one_standard_error_of_the_best_is_as_good(here, others, chosen):
    (found,) = tuning.trials(tuning_sweep(), rates=(0.2, 0.4), replicates=2)
    best = (0.7, 0.9)
    given = {
        point.key: score
        for rate, scores in ((0.2, others), (0.4, best))
        for cell in found.points(rate)
        for point, score in zip(cell, scores, strict=True)
    }
    assert found.chosen(given)[0] == chosen


def test_scores_are_from_the_quiet_cells_and_the_largest_noise_of_each_kind(here):
    (group,) = groups(tuning_sweep(noise=NOISE | {"cross": True}))
    cells = [group.cells[index] for index in tuning_cells(group.cells)]
    assert [(cell.running_time, cell.noise.described) for cell in cells] == [
        (5.0, ""), (10.0, ""), (10.0, "static_rates 0.05"), (10.0, "rates 0.1 (per_presentation)"),
    ]  # fmt: skip


def test_no_replicate_of_a_verdict_is_used_however_many_there_will_be(here, counted):
    tune()
    resolved = read_sweep("small.yaml")
    seeds = {point.seed for point in counted}
    assert seeds == {tuning.tuning_seed(0)}
    assert not seeds & {group.seed for group in groups(resolved)}
    assert len({tuning.tuning_seed(seed) for seed in range(1000)} | set(range(1000))) == 2000
    # What a run draws is another stream: no split and no order of a thousand replicates is one of them.
    ours = load_dataset("iris", replicate=0, seed=tuning.tuning_seed(0)).x_test
    assert not any(
        np.array_equal(ours, load_dataset("iris", replicate=replicate, seed=0).x_test)
        for replicate in range(100)
    )
    # All designs meet the same replicates.
    replicates = {}
    for point in counted:
        replicates.setdefault(dict(point.activation_parameters)["h"], set()).add(point.replicate)
    assert list(replicates.values()) == [{0, 1, 2, 3, 4}] * 2


def test_each_design_has_its_own_rate(here, counted, capsys):
    found = tune()
    assert {label: one["learning_rate"] for label, one in found["designs"]["xor"].items()} == {
        "smooth": 0.4,
        "sharp": 0.05,
    }
    smooth, sharp = found["designs"]["xor"].values()
    assert smooth["rates"] == [0.05, 0.1, 0.2, 0.4, 0.8]
    # The least was the best of sharp, so one more was tried.
    assert sharp["rates"] == [0.025, 0.05, 0.1, 0.2, 0.4, 0.8]
    assert smooth["scores"] == [0.625, 0.75, 0.875, 1.0, 0.875]
    assert (found["replicates"], found["seed"], found["sweep"]) == (5, 0, "small")
    said = capsys.readouterr().out
    # 2 designs, 5 rates, 2 quiet cells and 2 kinds, 5 replicates.
    assert "2 designs, 200 runs, about" in said
    assert len(counted) == 220
    assert "end of the grid" not in said


@pytest.mark.parametrize(
    ("best", "tried"),
    [
        (0.0125, [0.00625, 0.0125, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8]),
        (1e-5, [0.003125, 0.00625, 0.0125, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8]),
        (100, [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8]),
    ],
)
def test_values_reach_further_where_the_best_is_at_their_end(here, counted, capsys, best, tried):
    counted.best[0.0001] = best
    found = tune()["designs"]["xor"]["sharp"]
    assert found["rates"] == tried
    assert found["learning_rate"] == min(tried, key=lambda rate: abs(math.log(rate / best)))
    # Four times at most; beyond that it says so.
    lines = [line for line in capsys.readouterr().out.splitlines() if "end of the grid" in line]
    assert [line.split()[:2] for line in lines] == ([] if best == 0.0125 else [["xor", "sharp"]])
    assert all("a wider one may find better" in line for line in lines)


def test_given_values_reach_no_further(here, counted):
    assert tune("--rates", "0.4,0.2")["designs"]["xor"]["sharp"]["rates"] == [0.2, 0.4]


def test_values_end_where_learning_rates_do(here, counted):
    write_sweep(Path("small.yaml"), **TWO | {"datasets": {"xor": {"epochs": 1, "learning_rate": 3e-15}}})
    counted.best[0.0001] = 1e-20
    assert tune()["designs"]["xor"]["sharp"]["rates"] == [1.5e-15, 3e-15, 6e-15, 1.2e-14]


def test_rates_replicates_and_data_sets_can_be_given(here, counted):
    write_sweep(Path("small.yaml"), **TWO | {"datasets": {"xor": {"epochs": 1}, "and": {"epochs": 1}}})
    found = tune("--rates", "0.4, 0.025,0.05", "--replicates", "2", "--datasets", "and")
    assert list(found["designs"]) == ["and"]
    assert found["designs"]["and"]["sharp"]["rates"] == [0.025, 0.05, 0.4]
    assert found["designs"]["and"]["sharp"]["learning_rate"] == 0.05
    assert len(counted) == 2 * 3 * 4 * 2


def test_the_cut_of_the_work_changes_no_byte(here, counted):
    tune()
    whole = Path("tuned.yaml").read_bytes()
    write_sweep(Path("small.yaml"), **TWO | {"chunks": {"batch": 1}})
    tune("--workers", "2")
    assert Path("tuned.yaml").read_bytes() == whole


def test_what_is_done_is_not_done_again(here, counted, monkeypatch):
    tune()
    whole, total = Path("tuned.yaml").read_bytes(), len(counted)
    assert not Path("tuned.yaml.saved").exists()
    Path("tuned.yaml").unlink()
    counted.clear()
    run = tuning.run_batches

    def interrupted(batches, **options):
        run(batches[:5], **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(tuning, "run_batches", interrupted)
    assert main(["tune", "small.yaml", "-o", "tuned.yaml"]) == 130
    done = len(counted)
    assert 0 < done < total
    assert not Path("tuned.yaml").exists()
    with Path("tuned.yaml.saved").open("a") as stream:
        stream.write('["torn')
    monkeypatch.setattr(tuning, "run_batches", run)
    counted.clear()
    tune()
    assert len(counted) == total - done
    assert Path("tuned.yaml").read_bytes() == whole


@pytest.mark.parametrize("link", [False, True])
def test_what_tune_has_not_left_is_neither_written_to_nor_removed(here, counted, capsys, link):
    notes = Path("tuned.yaml.saved")
    if link:
        Path("elsewhere").write_text("")
        notes.symlink_to("elsewhere")
    else:
        notes.write_text("my notes\n")
    before = notes.read_text()
    assert main(["tune", "small.yaml", "-o", "tuned.yaml"]) == 2
    assert "tuned.yaml.saved: what 'crnsim tune' has done is kept there" in capsys.readouterr().err
    assert notes.read_text() == before
    assert not counted


def test_the_file_of_unfinished_work_is_no_other_file_of_the_command(here, counted, capsys):
    sweep = Path("small.yaml").rename("x.saved").read_text()
    assert main(["tune", "x.saved", "-o", "x"]) == 2
    assert main(["tune", "x.saved", "-o", "y", "--log", "y.saved"]) == 2
    os.mkfifo("z.saved")
    assert main(["tune", "x.saved", "-o", "z"]) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 3
    assert all(f"{name}.saved" in line for name, line in zip("xyz", said, strict=True))
    assert Path("x.saved").read_text() == sweep
    assert not counted


@pytest.mark.parametrize("score", ["NaN", "Infinity", "7.0", "-1.0", '"x"', "[" * 100_000])
def test_scores_that_are_none_are_not_taken(here, counted, score):
    tune()
    whole, total = Path("tuned.yaml").read_bytes(), len(counted)
    keys = ", ".join(f'"{point.key}": {score}' for point in counted)
    Path("tuned.yaml.saved").write_text(f'["{tuning.code_hash()}", {{{keys}}}]\n')
    counted.clear()
    tune()
    assert (Path("tuned.yaml").read_bytes(), len(counted)) == (whole, total)


def test_data_sets_that_are_not_tuned_now_stay_in_the_file(here, counted, capsys):
    datasets = {"xor": {"epochs": 1}, "and": {"epochs": 1}, "or": {"epochs": 1}}
    write_sweep(Path("small.yaml"), **TWO | {"datasets": datasets})
    tune("--datasets", "xor,or")
    tune("--datasets", "and")
    whole = Path("tuned.yaml").read_bytes()
    tune()
    assert Path("tuned.yaml").read_bytes() == whole
    assert list(yaml.safe_load(whole)["designs"]) == ["xor", "and", "or"]
    # Others are of other replicates: one file says once how many there were.
    assert main(["tune", "small.yaml", "-o", "tuned.yaml", "--datasets", "and", "--replicates", "2"]) == 2
    assert (
        "tuned.yaml: it has xor, or of the sweep small with seed 0 and --replicates 5"
        in capsys.readouterr().err
    )
    assert Path("tuned.yaml").read_bytes() == whole


def test_scores_of_another_version_are_not_taken(here, counted):
    Path("tuned.yaml.saved").write_text(json.dumps(["another", dict.fromkeys("abc", 1.0)]) + "\n[1]\n")
    tune()
    assert len(counted) == 220


@pytest.mark.parametrize(
    ("changes", "words", "said"),
    [
        ({"mode": "inference", "circuit": "feedforward"}, [], "small: nothing is trained in this sweep"),
        ({}, ["--datasets", "xro"], "small has no data set 'xro'; did you mean 'xor'?"),
        ({}, ["--rates", "0.1,0.1"], "--rates '0.1,0.1': a number stands there twice"),
        ({}, ["--rates", "0.1,-1"], "--rates '0.1,-1': it is -1.0"),
        ({}, ["--rates", ""], "argument --rates: '' is empty"),
        (
            {"activations": {"smooth": SMOOTH | {"learning_rate": 0.1}}},
            [],
            "every design has a learning rate of its own",
        ),
    ],
)
def test_what_cannot_be_tuned_is_refused_in_one_line(here, counted, capsys, changes, words, said):
    write_sweep(Path("small.yaml"), **changes)
    assert main(["tune", "small.yaml", "-o", "tuned.yaml", *words]) == 2
    complaint = capsys.readouterr().err
    assert said in complaint
    assert complaint.count("\n") == 1
    assert not counted


def test_a_sweep_that_names_no_file_needs_one(here, counted, capsys):
    assert main(["tune", "small.yaml"]) == 2
    assert "small.yaml: it names no file as 'tuned'; give -o FILE" in capsys.readouterr().err
    write_sweep(Path("small.yaml"), tuned="new/tuned.yaml", **TWO)
    # That is not there yet, and is made.
    assert main(["tune", "small.yaml"]) == 0
    assert read_sweep("small.yaml").tuned is not None


# -- the sweep ------------------------------------------------------------------------------------------


@pytest.fixture
def tuned(here, counted):
    tune()
    write_sweep(Path("small.yaml"), tuned="tuned.yaml", **TWO)
    return here


def complaint(**changes):
    write_sweep(Path("small.yaml"), **{"tuned": "tuned.yaml"} | TWO | changes)
    with pytest.raises(ConfigError) as error:
        read_sweep("small.yaml")
    return str(error.value)


def test_designs_have_the_rates_that_were_chosen(tuned):
    found = {group.label: group for group in groups(read_sweep("small.yaml"))}
    assert {label: group.settings.learning_rate for label, group in found.items()} == {
        "smooth": 0.4,
        "sharp": 0.05,
    }
    assert found["smooth"].point(0, 0).learning_rate == 0.4
    about = dict(found["sharp"].tuned)
    assert (about["file"], about["rates"], about["end"], about["elsewhere"]) == ("tuned.yaml", 6, "", 0)


def test_a_design_that_the_file_lacks_keeps_its_own(tuned):
    content = yaml.safe_load(Path("tuned.yaml").read_text())
    del content["designs"]["xor"]["sharp"]
    Path("tuned.yaml").write_text(yaml.safe_dump(content))
    rates = {
        group.label: (group.settings.learning_rate, group.tuned) for group in groups(read_sweep("small.yaml"))
    }
    assert rates["smooth"][0] == 0.4
    assert rates["sharp"] == (0.2, ())


def test_other_running_times_and_noise_are_told(tuned):
    for changes in ({"running_times": [5, 20]}, {"noise": {"rates": {"magnitudes": [0.1], "mode": "ou"}}}):
        write_sweep(Path("small.yaml"), **{"tuned": "tuned.yaml"} | TWO | changes)
        assert {dict(group.tuned)["elsewhere"] for group in groups(read_sweep("small.yaml"))} == {1}
    # More replicates, a smaller magnitude and another seed change nothing of what was compared.
    noise = {
        "rates": {"magnitudes": [0.01, 0.1], "mode": "per_presentation"},
        "static_rates": {"magnitudes": [0.05]},
    }
    write_sweep(
        Path("small.yaml"), **TWO | {"tuned": "tuned.yaml", "noise": noise, "replicates": 50, "seed": 3}
    )
    assert {dict(group.tuned)["elsewhere"] for group in groups(read_sweep("small.yaml"))} == {0}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"datasets": {"xor": {"epochs": 2}}},
            "smooth on xor was tuned with epochs 1, here 2; run 'crnsim tune' again",
        ),
        (
            {"datasets": {"xor": {"epochs": 1, "layers": [2, 4, 1]}}},
            "tuned with layers [2, 6, 1], here [2, 4, 1]",
        ),
        (
            {"activations": {"sharp": SHARP | {"h": 0.001}}},
            "tuned: tuned.yaml: sharp on xor was tuned with h 0.0001, here 0.001; run 'crnsim tune' again",
        ),
        ({"circuit_parameters": {"ka": 10}}, "smooth on xor was tuned with ka left out, here 10.0"),
        (
            {"activations": {"smooth": SMOOTH | {"learning_rate": 0.1}}},
            "tuned.yaml has one for smooth on xor too",
        ),
        ({"activations": {"other": SMOOTH}}, "tuned.yaml lists no design of this sweep"),
        ({"mode": "inference", "circuit": "feedforward"}, "nothing is trained in this sweep; leave it out"),
        ({"tuned": "gone.yaml"}, "tuned: gone.yaml: "),
        ({"tuned": 3}, "tuned is 3; it must be text"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(tuned, changes, said):
    assert said in complaint(**changes)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d.update(learning_rate=0.3), "a learning_rate that is one of them"),
        (lambda d: d.update(scores=[1.0]), "one for each of rates"),
        (lambda d: d.update(scores=[1.0, 2.0, 0.0, 0.0, 0.0]), "numbers from 0 to 1"),
        (lambda d: d.update(rates=d["rates"][::-1]), "needs rates that ascend"),
        (
            lambda d: d.update(learning_rate="high"),
            "designs.xor.smooth.learning_rate is 'high'; it must be a number",
        ),
        (lambda d: d.pop("design"), "line 38: designs.xor.smooth.design is missing: What was tuned"),
        (lambda d: d.update(speed=1), "speed"),
    ],
)
def test_a_damaged_file_is_refused_in_one_line(tuned, change, said):
    content = yaml.safe_load(Path("tuned.yaml").read_text())
    change(content["designs"]["xor"]["smooth"])
    Path("tuned.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(InputError, match=r"tuned\.yaml") as error:
        read_tuned("tuned.yaml")
    assert said in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "text", ["", "[1, 2]", "a: b: c", "x", "designs: {}", "!!python/object:os.system {}"]
)
def test_another_file_is_refused_in_a_line_for_each_mistake(here, text):
    Path("other.yaml").write_text(text)
    with pytest.raises(InputError) as error:
        read_tuned("other.yaml")
    assert all(line.startswith(("other.yaml: ", "tuned: other.yaml: ")) for line in error.value.mistakes)


def test_a_network_has_no_learning_rate(here):
    Path("n.crn").write_text("A ->{1} B; init A 1")
    Path("net.yaml").write_text(
        "network: n.crn\nrunning_times: [1]\ntuned: tuned.yaml\n"
        "observables: {B: {value: B, target: 1, tolerance: 0.5}}\n"
    )
    with pytest.raises(ConfigError, match="tuned: belongs to circuits"):
        read_sweep("net.yaml")
    assert main(["tune", "net.yaml", "-o", "t.yaml"]) == 2


def test_a_plan_of_somebody_else_opens_no_file_elsewhere(tuned, capsys):
    assert main(["plan", "small.yaml"]) == 0
    plan = Path("results/small/plan.json")
    for group in (True, False):
        content = json.loads(plan.read_text())
        content["config"]["tuned"] = "../elsewhere.yaml"
        for entry in content["groups"]:
            entry["tuned"] = entry["tuned"] if group else {}
        plan.write_text(json.dumps(content))
        assert main(["robustness", str(plan)]) == 2
        assert "it opens '../elsewhere.yaml'" in capsys.readouterr().err


def test_a_look_ahead_tells_where_learning_rates_are_from(tuned, capsys):
    assert main(["show", "small.yaml"]) == 0
    assert "learning rates of 2 of 2 designs from tuned.yaml" in capsys.readouterr().out


def test_a_plan_knows_the_content_of_the_file(tuned):
    assert main(["plan", "small.yaml"]) == 0
    plan = read_plan("results/small/plan.json")
    assert plan.file.groups[0].tuned["rates"] == 5
    assert plan.file.data_files == ["tuned.yaml"]
    before = read_sweep("small.yaml").fingerprint
    Path("tuned.yaml").write_text(Path("tuned.yaml").read_text() + "# looked at\n")
    assert read_sweep("small.yaml").fingerprint != before
    with pytest.raises(InputError, match=r"tuned\.yaml: changed since results/small/plan\.json was made"):
        read_plan("results/small/plan.json")
    assert main(["plan", "small.yaml", "-o", "tuned.yaml"]) == 2  # it is read


def test_a_sweep_without_tuned_rates_is_what_it_was(here):
    assert "tuned" not in read_sweep("small.yaml").sweep.to_dict()


def test_from_real_runs_to_the_page(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    changes = TWO | {"noise": {"static_rates": {"magnitudes": [0.1]}}, "running_times": [5]}
    write_sweep(tmp_path / "small.yaml", **changes)
    words = ["tune", "small.yaml", "-o", "tuned.yaml", "--rates", "0.1,0.2", "--replicates", "2"]
    assert main(words) == 0
    # Two replicates of XOR: every score is a mean of four numbers, each 0, 1/2 or 1.
    found = yaml.safe_load(Path("tuned.yaml").read_text())["designs"]["xor"]
    assert all(score * 8 % 1 == 0 for one in found.values() for score in one["scores"])
    results = compute_sweep(tmp_path, tuned="tuned.yaml", **changes)
    assert main(["check", "results/small"]) == 0
    said = "earning rates chosen for each design from 2 values on other replicates"
    page = Path("reports/small.html").read_text()
    assert page.count(f"L{said}") == 1
    assert f"l{said}" in (results / "robustness.csv").read_text()
    assert "a wider range may hold a better one" in page  # of two values each is at an end


# -- the words ------------------------------------------------------------------------------------------


def design(label, rate):
    return replace(read_design(synthetic.summary(synthetic.Made(lambda *_: 1.0, label=label))), rate=rate)


@pytest.mark.parametrize(
    ("rates", "words"),
    [
        (
            [Rate(0.2), Rate(0.2)],
            "both designs at the data set's learning rate, which was not chosen for either",
        ),
        ([Rate(0.2), Rate(0.1)], "learning rates 0.2 and 0.1 as given, not chosen for either"),
        (
            [Rate(0.2, 5), Rate(0.1, 5)],
            "learning rates chosen for each design from 5 values on other replicates",
        ),
        (
            [Rate(0.2, 5), Rate(0.1, 3)],
            "learning rates chosen for each design from 5 and 3 values on other replicates",
        ),
        (
            [Rate(0.2), Rate(0.1, 5)],
            "learning rate of b chosen from 5 values on other replicates, that of a not chosen",
        ),
        (
            [Rate(0.2, 5, "largest", True), Rate(0.1, 5)],
            (
                "learning rates chosen for each design from 5 values on other replicates; chosen under other running "
                "times or noise than here; that of a is the largest of its values: a wider range may hold a better one"
            ),
        ),
        ([Rate(0.2, 5)], "learning rate chosen from 5 values on other replicates"),
        ([Rate(0.2)], "learning rate as given, which was not chosen for this design"),
        ([None, Rate(0.2)], ""),
        ([None], ""),
    ],
)
def test_how_learning_rates_came_about_is_told(rates, words):
    assert rates_in_words(*(design(label, rate) for label, rate in zip("ab", rates, strict=False))) == words


def made(label, role, tuned=None, **options):
    one = synthetic.Made(lambda *_: 1.0, label=label, role=role, **options)
    summary = synthetic.summary(one)
    return one, summary.assign_attrs(tuned=json.dumps(tuned)) if tuned else summary


def page_of(*pairs, claims=None):
    plan = synthetic.plan([one for one, _ in pairs])
    plan.config["claims"] = claims
    summaries = [summary for _, summary in pairs]
    return render_report(plan, summaries, summarise_sweep(plan, summaries), synthetic.accounts(plan))


CHOSEN = {"rates": 5, "end": "", "elsewhere": 0}


def test_rows_of_verdicts_and_claims_say_how_their_rates_came_about():
    pairs = [
        made("smooth", "smooth", CHOSEN),
        made("sharp", "sharp", CHOSEN, h=1e-4),
        made("other", "sharp", h=1e-3),
    ]
    found = summarise([summary for _, summary in pairs], claims="kang2025")
    both = "learning rates chosen for each design from 5 values on other replicates"
    one = "learning rate of smooth chosen from 5 values on other replicates, that of other not chosen"
    assert {(row["compared_with"], row["learning_rates"]) for row in table_rows(found, "verdict")} == {
        ("sharp", both),
        ("other", one),
    }
    alone = "learning rate chosen from 5 values on other replicates"
    for row in table_rows(found, "claim"):
        assert row["learning_rates"] == {"": alone, "sharp": both, "other": one}[row["compared_with"]]


def test_a_page_says_it_once_where_all_rows_agree_and_with_each_where_they_do_not():
    smooth, sharp, other = (
        made("smooth", "smooth", CHOSEN), made("sharp", "sharp", CHOSEN, h=1e-4), made("other", "sharp", h=1e-3),
    )  # fmt: skip
    said = "Learning rates chosen for each design from 5 values on other replicates."
    agreed = page_of(smooth, sharp)
    assert agreed.count(said) == 1
    mixed = page_of(smooth, sharp, other)
    assert mixed.count(f'<p class="soft">{said}</p>') == 1
    assert (
        mixed.count(
            '<p class="soft">Learning rate of smooth chosen from 5 values on other replicates, that of'
        )
        == 1
    )
    untuned = page_of(made("smooth", "smooth"), made("sharp", "sharp", h=1e-4))
    assert (
        untuned.count("Both designs at the data set&#39;s learning rate, which was not chosen for either.")
        == 1
    )


def test_a_page_says_it_of_claims():
    pairs = [made("smooth", "smooth", CHOSEN), made("sharp", "sharp", CHOSEN, h=1e-4)]
    page = page_of(*pairs, claims="kang2025")
    both = "learning rates chosen for each design from 5 values on other replicates"
    assert page.count(f"Comparisons: {both}.") == 1
    assert page.count("Single designs: learning rate chosen from 5 values on other replicates.") == 1
    page = page_of(pairs[0], made("low", "baseline", h=1e-3), pairs[1], claims="kang2025")
    assert "Comparisons:" not in page
    one = "learning rate of smooth chosen from 5 values on other replicates, that of low not chosen"
    rows = page.split('<section id="claims">')[1].split("</section>")[0]
    # Against each of the two: the running time, and two kinds of noise of which one was swept.
    assert (rows.count(one), rows.count(both)) == (2, 2)


def test_damaged_words_about_a_rate_make_no_table_fail():
    _, summary = made("smooth", "smooth")
    for text in ("[", "[1]", '{"rates": "x"}', '{"rates": null}'):
        assert read_design(summary.assign_attrs(tuned=text)).rate.tried == 0
