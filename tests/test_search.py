"""A search over designs: its file, the race, going on after a kill, what it leaves, what its page says."""

from __future__ import annotations

import copy
import csv
import json
import math
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import yaml

from crnsim.cli import main
from crnsim.errors import ConfigError, InputError
from crnsim.search import run as running
from crnsim.search.candidates import DROPPED, INFEASIBLE, RACED, confirmation_seed, search_seed
from crnsim.search.confirm import confirm
from crnsim.search.importance import importances
from crnsim.search.model import Axis, Budget, Confirm, Objective, Raced, SearchFile
from crnsim.search.outputs import write_outputs
from crnsim.search.race import chosen, dropped, front
from crnsim.search.read import read_search
from crnsim.search.run import Running
from crnsim.search.space import applied
from crnsim.search.store import JOURNAL, POINTS
from crnsim.sweep.config.read import read_sweep
from crnsim.sweep.plan.groups import groups
from crnsim.sweep.run.tune import tuning_seed

ROOT = Path(__file__).resolve().parent.parent
FILE = {
    "sweep": {
        "activations": {"pot": {"name": "squareplus", "h": 0.1}},
        "running_times": [5],
        "noise": {"rates": {"magnitudes": [0.1, 0.2]}},
        "datasets": {"xor": {"epochs": 1}},
        "replicates": 2,
    },
    "search": {
        "circuit_parameters.dead_zone": {"from": 0.02, "to": 0.5, "log": True},
        "learning_rate": {"from": 0.05, "to": 0.8, "log": True},
    },
    "objectives": [
        {"maximise": "score", "noise": "rates", "magnitude": 0.1},
        {"maximise": "score"},
    ],
    "budget": {"trials": 8},
    "batch": 4,
    "replicates": {"from": 2, "to": 4},
    "confirm": {"replicates": 3, "designs": 2},
}


def written(path="tiny.yaml", **changes):
    """Write a search file: `FILE`, with keys such as ``sweep__running_times`` changed; ... takes one away."""
    data = copy.deepcopy(FILE)
    for key, value in changes.items():
        section = data
        *above, last = key.split("__")
        for name in above:
            section = section[name]
        if value is ...:
            del section[last]
        else:
            section[last] = value
    Path(path).write_text(yaml.safe_dump(data, sort_keys=False))
    return path


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


class Made(list):
    """Keys of points that were run; `score` says how a point fares."""

    def __init__(self):
        super().__init__()
        self.score = score_of
        self.stop_after = math.inf


def score_of(point):
    """Best at a dead zone of 0.2 and a learning rate of 0.4; noise costs, and each replicate is a little different."""
    zone, rate = dict(point.circuit_parameters).get("dead_zone", 0.05) or 1e-3, point.learning_rate
    lost = abs(math.log(zone / 0.2)) / 8 + abs(math.log(rate / 0.4)) / 8
    luck = 0.02 * math.sin(7.0 * point.replicate + point.seed % 11)
    return min(1.0, max(0.0, 0.95 - lost - sum(point.noise.magnitudes.values()) + luck))


@pytest.fixture
def made(monkeypatch):
    """Make runs cost nothing; a search can be interrupted after so many batches."""
    runs = Made()

    def run(batches, *, keep, progress=None, workers=1, **_):
        for some in batches:
            assert len({point.group for point in some}) == 1
            if runs.stop_after <= 0:
                raise KeyboardInterrupt
            runs.stop_after -= 1
            runs.extend(point.key for point in some)
            keys, scores = [p.key for p in some], [runs.score(p) for p in some]
            result = xr.Dataset(
                {
                    "score": ("point", scores),
                    "status": ("point", [0] * len(some)),
                    "point_key": ("point", keys),
                }
            )
            keep(some, result, 0.01 * len(some))
        return []

    monkeypatch.setattr(running, "run_batches", run)
    return runs


def table_of(path):
    with Path(path).open(newline="") as stream:
        return list(csv.DictReader(stream))


def searched(file, folder="work", **options):
    Path(folder).mkdir(exist_ok=True)
    at_work = Running(read_search(file), Path(folder), **options)
    return at_work.run(), at_work.scores


# -- the file ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sweep": ...}, "sweep is missing"),
        ({"search": ...}, "search is missing"),
        ({"objectives": []}, "objectives is empty"),
        ({"budget": {}}, "budget is {}; it must have core_hours, trials or both"),
        ({"budget": {"core_hours": -1}}, "budget.core_hours is -1"),
        ({"budgt": {"trials": 1}}, "unknown key 'budgt'; did you mean 'budget'?"),
        ({"sampler": "tpee"}, "sampler is 'tpee'; did you mean 'tpe'?"),
        ({"name": "../x"}, "name: '../x' does not fit a path"),
        ({"replicates": {"from": 4, "to": 2}}, "replicates.to is 2; it must be 4 or more"),
        ({"replicates": {"from": 1}}, "replicates.from is 1; it must be 2 or more"),
        ({"search__learning_rate": {"from": 0.1}}, "search.learning_rate is {'from': 0.1}; it must be a range"),
        ({"search__learning_rate": {"from": 0.5, "to": 0.1}}, "whose 'to' is larger than its 'from'"),
        ({"search__learning_rate": {"from": 0, "to": 1, "log": True}}, "a 'from' above 0 where log is true"),
        ({"search__learning_rate": [0.1]}, "give at least 2"),
        ({"search__learning_rate": [0.1, 0.1]}, "lists 0.1 twice"),
        ({"search__learning_rate": {"from": "a", "to": 1}}, "search.learning_rate.from is 'a'"),
        ({"search__learning_rate": {"from": -1, "to": 1}}, "search.learning_rate.from: -1.0: "),
        ({"search__circuit_parameters.zone": [1, 2]}, "search.circuit_parameters.zone"),
        ({"search__circuit_parameters.dead_zone": ["a", 0.1]}, "search.circuit_parameters.dead_zone.choices[0]: 'a'"),
        ({"search__activation.hh": [1, 2]}, "squareplus has no such key"),
        ({"search__activation.role": ["smooth", "sharp"]}, "nothing that can vary"),
        ({"search__rate": [1, 2]}, "search.rate: nothing that can vary; known: layers, learning_rate, "),
        ({"search__layers": [[2, 3, 1], [3, 3, 1]]}, "search.layers.choices[1]: (3, 3, 1): "),
        ({"search__layers": [[2, 3.5, 1], [3, 3, 1]]}, "it must be a word, a number, or a list of whole numbers"),
        ({"search__dataset": ["xor", "iris"]}, "iris is not xor in another form"),
        ({"search__dataset": ["xor", "xorr"]}, "'xorr' is no data set; did you mean 'xor'?"),
        ({"search__activation.h": {"from": 0.1, "to": 1, "when": {"layers": 1}}}, "no parameter that stands before"),
        (
            {"search__activation.h": {"from": 0.1, "to": 1, "when": {"learning_rate": 0.1}}},
            "learning_rate has a range; a condition needs one of several choices",
        ),
        ({"objectives": [{"maximise": "scor"}]}, "objectives[0].maximise is 'scor'; did you mean 'score'?"),
        ({"objectives": [{"minimise": "score"}]}, "objectives[0].minimise is 'score'"),
        ({"objectives": [{}]}, "must have one of maximise and minimise"),
        ({"objectives": [{"maximise": "score", "noise": "rates"}]}, "must have noise and magnitude"),
        (
            {"objectives": [{"maximise": "score", "noise": "rates", "magnitude": 0.3}]},
            "objectives[0].magnitude: 0.3 is not among sweep.noise.rates.magnitudes: 0.1, 0.2",
        ),
        (
            {"objectives": [{"maximise": "critical_magnitude", "noise": "inputs"}]},
            "sweep.noise has no inputs; give its magnitudes there (it has: rates)",
        ),
        ({"objectives": [{"maximise": "score"}] * 2}, "lists"),
        ({"sweep__running_times": [5, 10]}, "the design that a search begins with has one running time"),
        ({"sweep__running_times": [-5]}, "running_times[0] is -5"),
        ({"sweep__name": "x"}, "name: the search has a name; leave it out"),
        ({"sweep__datasets": {"xor": {"running_times": [5]}}}, "belongs to the whole sweep of a search"),
        ({"sweep__activations": {"a": {"name": "relu"}, "b": {"name": "squareplus"}}}, "has one activation"),
        ({"sweep__activations": {"a": {"name": "rellu"}}}, "unknown activation 'rellu'"),
        ({"sweep__network": "x.crn"}, "a network of your own has none"),
        ({"sweep": 3}, "sweep is 3; it must be settings"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place(here, changes, said):
    with pytest.raises(ConfigError) as caught:
        read_search(written(**changes))
    assert said in str(caught.value)
    assert all(line.startswith("tiny.yaml: ") for line in str(caught.value).splitlines())
    assert "\n" not in caught.value.mistakes[0]


def test_all_mistakes_are_told_at_once_each_with_its_line(here):
    with pytest.raises(ConfigError) as caught:
        read_search(written(sampler="x", batch=0, sweep__replicats=2, sweep__circuit="onepott"))
    said = str(caught.value)
    for word in ("sampler is 'x'", "batch is 0", "unknown key 'replicats'", "onepott"):
        assert word in said
    assert said.count("tiny.yaml: line ") == 4


def places(value, path=()):
    if path:
        yield path
    if isinstance(value, (dict, list)):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from places(value[key], (*path, key))


@pytest.mark.parametrize("odd", [None, -1, "x", [[]], {"a": math.nan}], ids=repr)
def test_an_odd_value_anywhere_is_told_or_taken(here, odd):
    for *above, last in places(FILE):
        data = section = copy.deepcopy(FILE)
        for key in above:
            section = section[key]
        section[last] = odd
        Path("odd.yaml").write_text(yaml.safe_dump(data))
        told: list[str] = []
        try:
            read_search("odd.yaml")
        except ConfigError as error:
            told = str(error).splitlines()
        assert all(line.startswith("odd.yaml: ") for line in told)


@pytest.mark.parametrize(
    "text", ["", "[1, 2]", "a: &a [*a]", "!!python/object:os.system x", "\0", "sweep: {}"]
)
def test_what_is_no_search_file_is_refused_in_a_few_lines(here, capsys, text):
    Path("odd.yaml").write_text(text)
    assert main(["search", "odd.yaml"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("crnsim: odd.yaml: ")
    assert said.count("\n") <= 8
    assert not Path("results").exists()


def test_a_sweep_file_and_a_search_file_are_told_apart(here, capsys):
    written()
    Path("sweep.yaml").write_text(yaml.safe_dump(FILE["sweep"]))
    assert main(["show", "tiny.yaml"]) == 2
    assert "a search file, no sweep file; 'crnsim search FILE' runs it" in capsys.readouterr().err
    assert main(["search", "sweep.yaml"]) == 2
    assert "a sweep file, no search file" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["xor", "digits"])
def test_the_files_that_are_shipped_are_searches(name):
    found = read_search(ROOT / f"config/searches/{name}.yaml")
    assert found.start["circuit_parameters.dead_zone"] == 0.05
    assert found.file.budget.core_hours


def test_the_page_of_the_documentation_names_every_key():
    text = (ROOT / "docs/search.md").read_text()
    for model in (SearchFile, Axis, Objective, Budget, Raced, Confirm):
        for name in model.model_fields:
            assert re.search(rf"\b{name}\b", text), f"{model.__name__}.{name}"


# -- designs ----------------------------------------------------------------------------------------------


def test_values_go_where_they_stand_in_a_sweep_file():
    sweep = {
        "circuit_parameters": {"ka": 1.0},
        "activations": {"pot": {"name": "squareplus", "h": 0.1, "learning_rate": 0.3}},
        "running_times": [5],
        "datasets": {"iris": {"circuit_parameters": {"ka": 2.0, "kz": 3.0}}},
    }
    made = applied(
        sweep,
        {
            "circuit_parameters.ka": 7.0,
            "activation.name": "relu",
            "activation.kz": 50.0,
            "learning_rate": 0.1,
            "layers": (4, 5, 3),
            "running_time": 9.0,
            "dataset": "iris_unit",
        },
    )
    assert made == {
        "circuit_parameters": {"ka": 7.0},
        "activations": {"pot": {"name": "relu", "kz": 50.0}},
        "running_times": [9.0],
        "datasets": {
            "iris_unit": {"circuit_parameters": {"kz": 3.0}, "learning_rate": 0.1, "layers": [4, 5, 3]}
        },
    }
    assert sweep["activations"]["pot"]["h"] == 0.1  # what was given is as it was


def test_a_parameter_has_a_value_only_where_its_condition_holds(here, made):
    found, _ = searched(
        written(
            search={
                "activation.name": ["squareplus", "relu"],
                "activation.kz": {"from": 20, "to": 200, "when": {"activation.name": "relu"}},
            },
            budget={"trials": 16},
        )
    )
    names = {one.values["activation.name"] for one in found.candidates}
    assert names == {"squareplus", "relu"}
    for one in found.candidates:
        assert ("activation.kz" in one.values) == (one.values["activation.name"] == "relu")


def test_the_first_candidate_is_the_design_that_the_search_begins_with(here, made):
    found, _ = searched(written())
    assert found.candidates[0].values == {"circuit_parameters.dead_zone": 0.05, "learning_rate": 0.2}
    # Also where it lies outside of what varies, and the sampler cannot be told of it.
    found, _ = searched(written(search__learning_rate={"from": 0.5, "to": 0.8}), "outside")
    assert found.candidates[0].values["learning_rate"] == 0.2
    assert len(found.candidates) == 9
    assert all(0.5 <= one.values["learning_rate"] <= 0.8 for one in found.candidates[1:])


def test_what_cannot_be_built_is_told_with_its_reason_and_counted(here, made):
    # There is no dead zone without the reactions that see to it; each by itself is fine.
    found, scores = searched(
        written(
            sweep__circuit_parameters={"dead_zone": 0},
            search={"circuit_parameters.kd": [0, 5], "circuit_parameters.dead_zone": [0, 0.1]},
            budget={"trials": 16},
        )
    )
    bad = [one for one in found.candidates if one.state == INFEASIBLE]
    assert bad
    assert all(one.values == {"circuit_parameters.kd": 0, "circuit_parameters.dead_zone": 0.1} for one in bad)
    assert "kd and hd must be > 0 where there is a dead zone" in bad[0].reason
    lines = [json.loads(line) for line in Path("work", JOURNAL).read_text().splitlines()[1:]]
    assert [line["reason"] for line in lines if line["state"] == INFEASIBLE] == [bad[0].reason] * len(bad)
    write_outputs(found, confirm(found, scores), Path("work"))
    table = table_of("work/candidates.csv")
    assert [row["reason"] for row in table if row["state"] == INFEASIBLE] == [bad[0].reason] * len(bad)


def test_the_same_data_in_two_forms_can_be_searched(here, made):
    found, scores = searched(
        written(
            sweep__datasets={"iris": {"epochs": 1}},
            search={"dataset": ["iris", "iris_unit"], "learning_rate": {"from": 0.01, "to": 0.2}},
        )
    )
    assert {one.groups[0].dataset for one in found.candidates} == {"iris", "iris_unit"}
    for file, one in zip(
        write_outputs(found, confirm(found, scores), Path("work")), found.best(), strict=True
    ):
        assert list(read_sweep(file).settings) == [one.values["dataset"]]


def test_a_score_on_two_data_sets_is_their_mean(here, made):
    made.score = lambda point: {"xor": 1.0, "and": 0.5}[point.dataset]
    found, _ = searched(written(sweep__datasets={"xor": {"epochs": 1}, "and": {"epochs": 1}}))
    assert found.candidates[0].values_told() == [0.75, 0.75]


# -- the race ---------------------------------------------------------------------------------------------


class Entrant:
    def __init__(self, *goals):
        self.goals = [np.array(goal, dtype=float) for goal in goals]

    def standing(self, goal, replicates):
        return float(self.goals[goal][list(replicates)].mean())


def out(*entrants, finished=(), margins=(0.0,), replicates=3):
    return dropped(
        [(number, Entrant(*goals)) for number, goals in enumerate(entrants)],
        [(100 + number, Entrant(*goals)) for number, goals in enumerate(finished)],
        replicates=replicates,
        margins=margins,
        confidence=0.9,
    )


def test_the_bound_of_the_race_is_that_of_the_paired_t_interval():
    # t(0.9; 2) = 1.88562 (tables): the difference -0.2, 0, -0.1 has mean -0.1 and standard error 0.1/sqrt(3).
    mean, most = running.dropped.__globals__["hoped_gain"](
        Entrant([0.5, 0.6, 0.4]), Entrant([0.7, 0.6, 0.5]), 0, 3, 0.9
    )
    assert mean == pytest.approx(-0.1)
    assert most == pytest.approx(-0.1 + 1.88562 * 0.1 / math.sqrt(3), abs=1e-6)


def test_what_may_still_be_the_best_stays():
    best = [[0.9, 0.8, 1.0]]
    assert out([[0.2, 0.1, 0.3]], best) == {0: 1}  # worse in each replicate by the same
    assert out([[1.0, 0.5, 0.9]], best) == {}  # worse on average, by luck perhaps
    assert out([[0.95, 0.7, 1.0]], best) == {}
    assert out(best, best) == {1: 0}  # of equal ones the first stays
    assert out([[0.5, 0.5, 0.5]], finished=[best]) == {0: 100}
    assert out(best, finished=[[[0.5, 0.5, 0.5]]]) == {}  # those that are done are not judged


def test_what_may_be_on_the_front_stays():
    strong, cheap, poor = ([0.9] * 3, [-300.0] * 3), ([0.5] * 3, [-200.0] * 3), ([0.5] * 3, [-300.0] * 3)
    assert out(strong, cheap, poor, margins=(0.0, 0.0)) == {2: 0}
    # A gain that nobody cares for keeps nothing.
    assert out(strong, ([0.905] * 3, [-310.0] * 3), margins=(0.0, 0.0)) == {}
    assert out(strong, ([0.895, 0.905, 0.9], [-310.0] * 3), margins=(0.01, 0.0)) == {1: 0}


def test_one_always_stays():
    rng = np.random.default_rng(1)
    for _ in range(50):
        entrants = [(rng.integers(0, 3, 3) / 2, rng.integers(0, 2, 3) * 1.0) for _ in range(6)]
        assert len(out(*entrants, margins=(0.3, 0.3))) < 6


def test_the_front_and_those_that_are_chosen_of_it():
    points = [(0.9, 1), (0.8, 2), (0.8, 1), (0.5, 5), (0.9, 1), (0.75, 3), (0.7, 4)]
    assert front(points) == [0, 1, 3, 5, 6]
    assert chosen(points, 10) == [0, 1, 5, 6, 3]
    # The best in each objective, then the one that is farthest from both.
    assert chosen(points, 3) == [0, 5, 3]
    assert chosen(points, 1) == [0]


def test_a_bad_one_is_dropped_early_and_a_good_one_is_not(here, made):
    found, _ = searched(written(budget={"trials": 24}))
    rungs = {RACED: 4, DROPPED: 2}
    assert {one.state for one in found.candidates} == {RACED, DROPPED}
    assert all(one.replicates == rungs[one.state] for one in found.candidates)
    value = {one.number: score_of(one.points(0, [0], 0)[0][0]) for one in found.candidates}
    best = max(value, key=value.get)
    assert found.candidates[best].state == RACED
    for one in found.candidates:
        if one.state == DROPPED:
            assert value[one.beaten_by] > value[one.number]
    # It has found something better than what it began with, which is 0.95 - ln(4)/8 - ln(2)/8.
    assert value[found.best()[0].number] > value[0] + 0.05


def test_all_candidates_meet_the_same_replicates_on_seeds_of_their_own(here, made):
    seeds = set()
    made.score = lambda point: (seeds.add((point.seed, point.replicate)), 0.5)[1]
    found, scores = searched(written())
    ours = {(search_seed(0), replicate) for replicate in range(4)}
    assert seeds == ours
    confirm(found, scores)
    assert seeds - ours == {(confirmation_seed(0), replicate) for replicate in range(3)}
    every = {f(seed) for f in (search_seed, confirmation_seed, tuning_seed) for seed in range(300)}
    assert len(every | set(range(300))) == 1200


def test_a_run_that_fails_counts_as_nothing(here, made):
    def fails(point):
        return math.nan if point.replicate == 1 else 1.0

    made.score = fails
    found, _ = searched(written())
    assert found.candidates[0].known.scores[0].tolist() == [1, 0, 1, 1]


def test_the_budget_ends_the_search(here, made):
    found, _ = searched(written(budget={"core_hours": 0.0005}))
    spent = [seconds for _, seconds in found.core_seconds]
    assert spent[-2] < 1.8 <= spent[-1]
    assert found.ended == "0.0005 core-hours are spent"
    # Without an end in sight it is noticed that all has been asked for.
    found, _ = searched(written(search={"layers": [[2, 3, 1], [2, 4, 1]]}, budget={"core_hours": 1}), "few")
    assert found.ended == "nothing new was asked for"


# -- going on ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sampler", ["tpe", "nsga2"])
def test_a_search_that_goes_on_is_the_one_that_was_never_stopped(here, made, sampler):
    file = written(sampler=sampler, budget={"trials": 20})
    whole, _ = searched(file, "whole")
    asked = len(made)
    assert len(set(made)) == asked  # nothing is computed twice
    del made[:]
    stops = 0
    while True:
        made.stop_after = 4
        try:
            again, _ = searched(file, "stopped")
            break
        except KeyboardInterrupt:
            stops += 1
            # As a kill in the middle of a line would.
            with Path("stopped", POINTS).open("a") as stream:
                stream.write('["torn')
    assert stops >= 5
    assert len(made) == len(set(made)) == asked
    assert Path("stopped", JOURNAL).read_bytes() == Path("whole", JOURNAL).read_bytes()
    assert [one.entry() for one in again.candidates] == [one.entry() for one in whole.candidates]


def test_a_larger_budget_goes_on_and_a_smaller_one_loses_nothing(here, made):
    searched(written())
    first = Path("work", JOURNAL).read_text()
    n = len(made)
    longer, _ = searched(written(budget={"trials": 12}))
    assert len(longer.candidates) == 12
    assert Path("work", JOURNAL).read_text().startswith(first)
    assert len(set(made)) == len(made) > n
    shorter, _ = searched(written(budget={"trials": 4}))
    assert len(shorter.candidates) == 12


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"seed": 1}, "another search file"), ({"search__learning_rate": [0.1, 0.2]}, "another search file")],
)
def test_another_search_does_not_go_on_in_its_folder(here, made, changes, said):
    searched(written())
    before = Path("work", JOURNAL).read_bytes()
    with pytest.raises(InputError, match=said):
        searched(written(**changes))
    assert Path("work", JOURNAL).read_bytes() == before


def test_runs_of_another_version_are_not_used(here, made, monkeypatch):
    searched(written())
    Path("work", JOURNAL).unlink()
    n = len(made)
    monkeypatch.setattr("crnsim.search.store.code_hash", lambda: "other")
    searched(written())
    assert len(made) == 2 * n


@pytest.mark.parametrize("name", [POINTS, JOURNAL])
def test_what_stands_in_its_place_stays(here, made, name):
    Path("work").mkdir()
    Path("work", name).write_text("my notes\n")
    with pytest.raises(InputError, match="it is something else; move it"):
        searched(written())
    assert Path("work", name).read_text() == "my notes\n"
    Path("work", name).unlink()
    Path("work", name).symlink_to(here / "elsewhere")
    with pytest.raises(InputError, match="is a link"):
        searched(written())
    assert not Path("elsewhere").exists()


# -- what it leaves ---------------------------------------------------------------------------------------


def test_tables_sweep_files_and_page(here, made):
    hostile = "<script>alert(1)</script> & 'more'"
    file = written(title=hostile, budget={"trials": 24}, sweep__seed=5)
    assert main(["search", file]) == 0
    folder = Path("results/search/tiny")
    rows = table_of(folder / "candidates.csv")
    data = xr.load_dataset(folder / "candidates.nc")
    assert len(rows) == data.sizes["candidate"] == 24
    assert [float(row["score, rates 0.1"]) for row in rows] == pytest.approx(data["value"].values[:, 0])
    assert data["score"].dims == ("candidate", "level", "replicate")
    assert data["learning_rate"].values == pytest.approx([float(row["learning_rate"]) for row in rows])
    front_rows = [int(row["candidate"]) for row in rows if row["front"] == "1"]
    sweep = read_sweep(folder / "best-1.yaml")
    assert sweep.sweep.name == "tiny-best-1"
    assert sweep.sweep.seed == 5
    (group,) = groups(sweep)
    confirmed = table_of(folder / "confirmation.csv")
    assert confirmed[0]["design"] == "start"
    (best, *_) = [int(row["candidate"]) for row in confirmed if row["design"] == "best-1"]
    assert best in front_rows
    assert group.settings.learning_rate == float(rows[best]["learning_rate"])
    assert group.circuit_parameters["dead_zone"] == float(rows[best]["circuit_parameters.dead_zone"])
    page = Path("reports/tiny-search.html").read_text()
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "PED-ANOVA" in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert {row["design"] for row in confirmed} == {
        "start", *(file.stem for file in folder.glob("best-*.yaml"))
    }  # fmt: skip
    assert {row["noise"] for row in confirmed} == {"no noise", "rates 0.1", "rates 0.2"}
    before = {path: path.read_bytes() for path in folder.iterdir()}
    # What an earlier end of the search called its tenth design is none of this one's.
    (folder / "best-10.yaml").write_text("")
    assert main(["search", file]) == 0
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_the_page_goes_where_it_is_wanted(here, made, capsys):
    assert main(["search", written(), "-o", "-"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("<!doctype html>")
    assert "scores on 3 replicates that the search never saw" in said.err
    assert not Path("reports").exists()


def test_ctrl_c_says_how_to_go_on(here, made, capsys):
    made.stop_after = 5
    assert main(["search", written()]) == 130
    said = capsys.readouterr().err
    assert "what is done is kept in results/search/tiny, and the same command goes on from there" in said
    made.stop_after = math.inf
    assert main(["search", "tiny.yaml"]) == 0


def test_two_at_a_time_do_not_write_to_one_folder(here, made, capsys):
    import fcntl

    written()
    folder = Path("results/search/tiny")
    folder.mkdir(parents=True)
    with (folder / ".lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        assert main(["search", "tiny.yaml"]) == 2
    assert "another 'crnsim search' is at work there" in capsys.readouterr().err


def test_what_decides_is_found(here, made):
    # A score that depends on the dead zone alone.
    made.score = lambda point: max(
        0.0, 1 - abs(math.log(dict(point.circuit_parameters)["dead_zone"] / 0.2)) / 4
    )
    found, _ = searched(written(budget={"trials": 40}))
    shares = importances(found)["score without noise"]
    assert shares["circuit_parameters.dead_zone"] > 0.8
    assert sum(shares.values()) == pytest.approx(1)
    few, _ = searched(written(), "few")
    assert importances(few) == {}


def test_a_page_of_one_objective_and_one_of_many(here, made):
    for number, objectives in enumerate(
        (
            [{"maximise": "critical_magnitude", "noise": "rates"}],
            [{"maximise": "score"}, {"minimise": "species"}, {"minimise": "reactions"}, {"minimise": "running_time"}],
        )
    ):  # fmt: skip
        file = written(
            f"page{number}.yaml",
            objectives=objectives,
            search__layers=[[2, 3, 1], [2, 4, 1]],
            search__running_time={"from": 5, "to": 20, "whole": True},
        )
        assert main(["search", file]) == 0
        assert Path(f"reports/page{number}-search.html").stat().st_size < 500_000


def test_the_page_is_whole_in_a_browser(here, made, visit):
    assert main(["search", written(title="T" * 300, budget={"trials": 24})]) == 0
    page = visit(here / "reports/tiny-search.html", width=390, dark=True)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    assert page.locator("svg.panel").count() == 5
    for link in page.locator("nav a").all():
        assert page.locator(str(link.get_attribute("href"))).count() == 1


# -- for real ---------------------------------------------------------------------------------------------

COMMAND = [sys.executable, "-m", "crnsim", "search", "tiny.yaml"]


def test_the_same_on_one_worker_on_two_and_after_a_kill(here):
    (here / "one").mkdir()
    (here / "two").mkdir()
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    for name in ("one", "two"):
        written(f"{name}/tiny.yaml", sweep__chunks={"batch": 2})
    subprocess.run(COMMAND, cwd="one", env=environment, check=True, capture_output=True)
    with subprocess.Popen(
        COMMAND,
        cwd="two",
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as first:
        points = Path("two/results/search/tiny", POINTS)
        while first.poll() is None and not (points.exists() and points.read_text().count("\n") >= 3):
            time.sleep(0.02)
        os.killpg(first.pid, signal.SIGKILL)
    subprocess.run([*COMMAND, "--workers", "2"], cwd="two", env=environment, check=True, capture_output=True)
    one, two = Path("one/results/search/tiny"), Path("two/results/search/tiny")
    names = {path.name for path in one.iterdir()}
    assert names == {path.name for path in two.iterdir()}
    for name in names - {POINTS}:
        assert (one / name).read_bytes() == (two / name).read_bytes(), name
