"""Replicates where verdicts are open: what is planned, what is wanted, and that the result hangs on nothing else."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import time
from dataclasses import asdict
from pathlib import Path

import pytest
import xarray as xr
from small_sweeps import SHARP, SMOOTH, compute_sweep, small_sweep, write_sweep

from crnsim.cli.parser import main
from crnsim.errors import DamagedFileError, InputError
from crnsim.metrics import summarise, table_rows
from crnsim.store.points import read_points
from crnsim.sweep.config.read import read_sweep, validate
from crnsim.sweep.config.reader import Document
from crnsim.sweep.config.replicates import looks_of
from crnsim.sweep.inspect.audit import check_folder
from crnsim.sweep.inspect.folder import open_folder
from crnsim.sweep.inspect.status import read_status, to_json
from crnsim.sweep.inspect.status_text import status_lines
from crnsim.sweep.plan.looks import look_file, read_look, read_looks, read_wanted_plan, wanted
from crnsim.sweep.plan.plan import make_plan, read_plan, read_whole_plan
from crnsim.sweep.plan.plan_file import PlanFile, read_plan_file

PLAN = "results/small/plan.json"
#: Nothing is trained, so that a point costs a millisecond.
CHEAP = {
    "mode": "inference", "circuit": "feedforward", "datasets": ["xor"], "running_times": [10, 100],
    "noise": {"rates": {"magnitudes": [0.3]}, "inputs": {"magnitudes": [0.2]}}, "chunks": {"workers": 1},
    "activations": {"smooth": SMOOTH, "sharp": SHARP, "other": {"name": "squareplus", "h": 0.01}},
}  # fmt: skip


def planned(replicates, **changes):
    data = small_sweep(**(CHEAP | {"replicates": replicates} | changes))
    return make_plan(validate(Document("sweep.yaml", data, {})), "sweep.yaml")


@pytest.fixture(scope="module")
def computed(tmp_path_factory):
    """A sweep of 10 to 40 replicates; verdicts under rates and inputs stay open."""
    folder = tmp_path_factory.mktemp("added")
    compute_sweep(folder, **CHEAP, replicates={"from": 10, "to": 40})
    return folder


@pytest.fixture
def copied(computed, tmp_path, monkeypatch):
    shutil.copytree(computed, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def chunks_by_name(folder=Path()):
    return {path.name: path.read_bytes() for path in sorted(folder.glob("results/small/chunks/**/*.nc"))}


# The file and the plan


@pytest.mark.parametrize(
    ("first", "last", "looks"),
    [(10, 80, (10, 20, 40, 80)), (10, 70, (10, 20, 40, 70)), (12, 13, (12, 13)), (50, 100, (50, 100))],
)
def test_replicates_double_from_look_to_look(first, last, looks):
    sweep = planned({"from": first, "to": last}).sweep
    assert looks_of(sweep.replicates) == looks
    assert looks_of(7) == (7,)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"replicates": {"from": 20, "to": 10}}, "replicates.to is 10; it must be more than from, 20"),
        ({"replicates": {"from": 9, "to": 20}}, "replicates.from is 9; it must be 10 or more: fewer paired"),
        ({"replicates": {"from": 1, "to": 20}}, "replicates.from is 1; it must be 10 or more"),
        ({"replicates": {"to": 20, "until": "other"}}, "replicates.until is 'other'; known: decided"),
        ({"replicates": {"from": 20}}, "replicates.to is missing"),
        ({"replicates": {"too": 20}}, "replicates: unknown key 'too'; did you mean 'to'?"),
        ({"replicates": [10, 20]}, "replicates is [10, 20]; it must be"),
        ({"replicates": {"to": 20.5}}, "replicates.to is 20.5; it must be a whole number"),
        (
            {"replicates": {"to": 20}, "activations": {"smooth": SMOOTH}},
            "replicates: nothing is ever decided on xor: verdicts compare an activation of role smooth with",
        ),
        (
            {"datasets": {"xor": {"replicates": {"to": 20}}}, "activations": {"sharp": SHARP}},
            "datasets.xor.replicates: nothing is ever decided on xor",
        ),
        (
            {"replicates": {"to": 20}, "noise": {}, "running_times": [10]},
            "replicates: nothing is ever decided on xor: there is no noise and one running time",
        ),
    ],
)
def test_what_cannot_be_is_one_line(tmp_path, monkeypatch, changes, said):
    monkeypatch.chdir(tmp_path)
    write_sweep(Path("small.yaml"), **(CHEAP | changes))
    with pytest.raises(InputError) as stopped:
        read_sweep("small.yaml")
    assert said in str(stopped.value)
    assert "\n" not in str(stopped.value)


def test_no_verdict_is_given_on_a_network_of_ones_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("n.crn").write_text("A ->{1} B\n")
    Path("small.yaml").write_text(
        "network: n.crn\ninitial: {A: 1}\nobservables: {b: {value: B, target: 1.0, tolerance: 0.5}}\n"
        "running_times: [1]\nreplicates: {to: 20}\n"
    )
    with pytest.raises(
        InputError, match="replicates: no verdict is given on a network of your own; write a number"
    ):
        read_sweep("small.yaml")


def test_no_chunk_crosses_a_look_and_later_ones_serve_one_verdict():
    plan = planned(
        {"from": 10, "to": 40}, noise={"rates": {"magnitudes": [0.1, 0.3]}, "inputs": {"magnitudes": [0.2]}}
    )
    for group, chunks in plan.groups:
        seen = {}
        for chunk in chunks:
            look = group.look_of(chunk)
            assert chunk.replicates[0] >= (0, 10, 20)[look - 1]
            assert chunk.replicates[1] <= (10, 20, 40)[look - 1]
            cells = [group.cells[cell] for cell in range(*chunk.cells)]
            seen.setdefault(look, []).append([(cell.running_time, cell.noise.kind) for cell in cells])
        assert sum(map(len, seen[1])) == 8
        if group.label == "other":  # compared with nothing
            assert set(seen) == {1}
            assert group.n_points == 8 * 10
            continue
        later = [[(10.0, "none")], [(100.0, "none")], [(100.0, "rates")] * 2, [(100.0, "inputs")]]
        assert seen[2] == seen[3] == later
        # Noise at short times is looked at by no verdict.
        assert group.n_points == 5 * 40 + 3 * 10
    assert PlanFile.from_json(plan.file.to_json()) == plan.file
    assert plan.file.n_points == 2 * 230 + 80
    assert wanted(plan.file, ()).n_points == 240


def test_the_first_look_has_the_chunks_of_a_plain_sweep():
    first = [c.key for c in wanted(planned({"from": 10, "to": 40}).file, ()).chunks()]
    assert first == [chunk.key for chunk in planned(10).file.chunks()]


@pytest.mark.parametrize(("fewer", "more", "moved"), [(40, 80, 0), (40, 160, 0), (30, 80, 1)])
def test_more_replicates_later_leave_the_chunks_of_earlier_looks(fewer, more, moved):
    small, large = (planned({"from": 10, "to": most}).file for most in (fewer, more))
    kept = {chunk.key for chunk in small.chunks() if chunk.look <= 3 - moved}
    assert kept < large.chunk_by_key.keys()


def test_a_data_set_may_have_looks_of_its_own():
    plan = planned(12, datasets={"xor": {"replicates": {"from": 10, "to": 20}}, "or": {}}).file
    assert plan.schedule == {"xor": (10, 20), "or": (12,)}
    text = json.loads(plan.to_json())
    assert ["looks" in group for group in text["groups"]] == [True] * 3 + [False] * 3
    assert PlanFile.from_json(plan.to_json()) == plan


@pytest.mark.parametrize(
    "spoil",
    [
        lambda group: group["looks"].reverse(),
        lambda group: group.update(looks=[10, 20]),
        lambda group: group.update(looks=[]),
        lambda group: group["chunks"][-1].update(look=1),
        lambda group: group["chunks"][-1].update(look=4),
        lambda group: group["chunks"].pop(),
    ],
)
def test_a_plan_whose_looks_do_not_fit_is_refused(spoil):
    data = json.loads(planned({"from": 10, "to": 40}).file.to_json())
    spoil(data["groups"][0])
    with pytest.raises(ValueError, match=r"look|chunks|points"):
        PlanFile.from_json(json.dumps(data))


# From the file to the page


def test_verdicts_are_those_of_all_replicates_read_look_by_look(computed, tmp_path):
    compute_sweep(tmp_path, **CHEAP, replicates=40)
    plain = [read_points(path) for path in sorted(tmp_path.glob("results/small/summary/*.nc"))]
    whole = summarise(plain, schedule={"xor": (10, 20, 40)})
    with xr.open_dataset(computed / "results/small/robustness.nc") as found:
        rows = table_rows(found.load(), "verdict")
    assert str(sorted(rows, key=str)) == str(sorted(table_rows(whole, "verdict"), key=str))
    assert {row["stress"] for row in rows} == {"rates", "inputs", "running_time"}
    points = sum(read_points(path).sizes["point"] for path in computed.glob("results/small/summary/*.nc"))
    assert points < sum(summary.sizes["point"] for summary in plain)
    # Each point has the number it has in a plain sweep.
    scores = {
        key: score
        for one in plain
        for key, score in zip(one["point_key"].values, one["score"].values, strict=True)
    }
    for path in computed.glob("results/small/summary/*.nc"):
        one = read_points(path)
        assert [scores[key] for key in one["point_key"].values] == one["score"].values.tolist()


def test_open_verdicts_ask_for_their_cells_and_no_others(copied):
    plan = read_plan_file(PLAN)
    looks = read_looks(PLAN, plan)
    assert looks
    for look in looks:
        stresses = {row.stress for row in look.open}
        whole = read_whole_plan(PLAN)
        asked = set()
        for group, chunks in whole.groups:
            for chunk in chunks:
                if chunk.key in look.wanted:
                    assert group.look_of(chunk) == look.look + 1
                    assert group.label in ("smooth", "sharp")
                    asked.add(group.stresses[chunk.cells[0]])
        assert asked == (stresses | {"none"} if stresses else set())
        assert look.replicates == {"xor": 10 * 2 ** (look.look - 1)}
    assert {(row.dataset, row.activation, row.compared_with) for row in looks[0].open} == {
        ("xor", "smooth", "sharp")
    }


@pytest.mark.parametrize("chunks", [{"workers": 1, "cells": 1, "replicates": 3}, {"workers": 1, "cells": 2}])
def test_however_it_is_cut_and_in_whatever_order_the_bytes_are_the_same(computed, tmp_path, chunks):
    with contextlib.chdir(tmp_path):
        write_sweep(Path("small.yaml"), **(CHEAP | {"replicates": {"from": 10, "to": 40}, "chunks": chunks}))
        assert main(["plan", "small.yaml"]) == 0
        while True:
            there = [c for c in read_wanted_plan(PLAN).chunks() if not Path(c.path).exists()]
            for chunk in reversed(there):
                assert main(["integrate", PLAN, chunk.key]) == 0
            number = len(read_looks(PLAN, read_plan_file(PLAN))) + 1
            if number > 2 or (number > 1 and not read_look(look_file(PLAN, number - 1)).wanted):
                break
            assert main(["look", PLAN, str(number)]) == 0
        for group in reversed(read_plan_file(PLAN).groups):
            assert main(["merge", PLAN, group.name]) == 0
        assert main(["robustness", PLAN]) == 0
    for name in ("robustness.nc", "robustness.csv", "summary/xor-feedforward-smooth.nc"):
        assert (tmp_path / "results/small" / name).read_bytes() == (
            computed / "results/small" / name
        ).read_bytes()


def test_more_replicates_later_compute_what_is_new_alone(copied):
    before = chunks_by_name()
    compute_sweep(copied, **CHEAP, replicates={"from": 10, "to": 80})
    after = chunks_by_name()
    assert before.items() <= after.items()
    assert len(after) > len(before)
    new = [path for path in copied.glob("results/small/chunks/**/*.nc") if path.name not in before]
    accounts = [json.loads(path.with_suffix(".json").read_text()) for path in new]
    assert all(account["reused"] == 0 for account in accounts)
    assert max(read_points(path)["replicate"].values.max() for path in new) == 79


def test_the_page_says_when_a_verdict_was_decided(computed):
    page = (computed / "reports/small.html").read_text()
    assert "10 to 40 replicates" in page
    assert "XOR after 10, 20 and 40 replicates" in page
    assert "Each interval is made at 98.33 %" in page
    assert re.search("(given up after 20 of at most|after all of) 40 replicates", page)
    assert "Partial report" not in page


def test_a_page_on_the_way_is_partial_though_no_run_is_missing(copied):
    look_file(PLAN, 1).unlink()
    assert main(["report", PLAN, "--partial"]) == 0
    page = Path("reports/small.partial.html").read_text()
    assert "<b>Partial report.</b> More replicates may be added where a verdict is open." in page
    assert "open after 10 of at most 40 replicates" in page


def test_status_tells_which_look_is_running(copied):
    done = read_status(open_folder("results/small"), time.time())
    assert done.finished
    n_looks = len(done.folder.looks)
    assert to_json(done)["steps"]["looks"] == {"there": n_looks, "planned": n_looks}
    for path in Path("results/small/looks").glob("[2-9].json"):
        path.unlink()
    Path("results/small/robustness.nc").unlink()
    now = read_status(open_folder("results/small"), time.time())
    assert not now.computed
    assert now.steps["looks"] == (1, 2)
    text = "\n".join(status_lines(now))
    assert "look 2 of at most 3: xor 20 of at most 40 replicates, where 3 verdicts were open" in text


def test_a_whole_sweep_is_well_and_its_points_come_again(copied, capsys):
    folder = open_folder("results/small")
    assert check_folder(folder) == []
    assert main(["verify", "results/small", "--points", "4"]) == 0
    assert "4 same bits" in capsys.readouterr().out
    assert main(["show", "small.yaml"]) == 0
    shown = capsys.readouterr().out
    assert "10 to 40" in shown
    assert "all this at most, in 3 looks; at least 180 points" in shown


def test_a_look_that_is_damaged_or_of_another_plan_is_named(copied, capsys):
    path = look_file(PLAN, 1)
    good = path.read_text()
    path.write_text(good[:50])
    with pytest.raises(DamagedFileError, match=r"looks/1.json: not a look of crnsim"):
        read_plan(PLAN)
    found = [one.kind for one in check_folder(open_folder("results/small")) if one.path.name == "1.json"]
    assert found == ["note", "damaged"]
    for change in ({"plan": "0" * 32}, {"look": 2}, {"sweep": "other"}, {"wanted": ["0" * 32]}):
        path.write_text(json.dumps(json.loads(good) | change))
        with pytest.raises(
            InputError, match=r"looks/1.json: a look at another plan; 'crnsim look .*plan.json 1'"
        ):
            read_plan(PLAN)
    assert main(["merge", PLAN, "xor-feedforward-smooth"]) == 2
    assert "a look at another plan" in capsys.readouterr().err
    # A look itself needs none but those before it.
    assert main(["look", PLAN, "1"]) == 0
    assert path.read_text() == good


def test_a_look_says_what_it_lacks(copied, capsys):
    path = look_file(PLAN, 1)
    path.unlink()
    assert main(["look", PLAN, "2"]) == 2
    assert "look 2: look 1 comes before it, and has not been made" in capsys.readouterr().err
    assert main(["look", PLAN, "3"]) == 2
    assert "look 3: those before the last are 1 to 2" in capsys.readouterr().err
    first = next(iter(read_wanted_plan(PLAN).chunks()))
    Path(first.path).unlink()
    assert main(["look", PLAN, "1"]) == 2
    assert f"{first.path} is missing" in capsys.readouterr().err
    write_sweep(Path("plain.yaml"), **(CHEAP | {"name": "plain"}))
    assert main(["plan", "plain.yaml"]) == 0
    assert main(["look", "results/plain/plan.json", "1"]) == 2
    assert "the sweep plain adds no replicates" in capsys.readouterr().err


def test_a_look_is_written_and_read_as_it_is(copied):
    look = read_look(look_file(PLAN, 1))
    assert json.loads(look.to_json()) == json.loads(json.dumps(asdict(look)))
    assert look.to_json() == look_file(PLAN, 1).read_text()


def test_a_look_that_was_changed_by_hand_is_found(copied):
    path = look_file(PLAN, 1)
    content = json.loads(path.read_text())
    assert check_folder(open_folder("results/small")) == []
    path.write_text(json.dumps(content | {"wanted": []}))
    look_file(PLAN, 2).unlink(missing_ok=True)
    found = [(one.kind, one.path.name, one.what) for one in check_folder(open_folder("results/small"))]
    assert ("damaged", "1.json", "not what the runs give that it has seen") in found


@pytest.mark.parametrize("folder", [False, True])
def test_without_a_look_nothing_is_taken_for_finished_or_for_wrong(copied, capsys, folder):
    for number in (1, 2):
        look_file(PLAN, number).unlink()
    if folder:
        look_file(PLAN, 1).mkdir()
    said = (
        "this is a folder; rename or remove it" if folder else f"is missing; 'crnsim look {PLAN} 1' makes it"
    )
    for words in (["merge", PLAN, "xor-feedforward-sharp"], ["robustness", PLAN], ["report", PLAN]):
        assert main(words) == 2
        assert said in capsys.readouterr().err
    summaries = [path.read_bytes() for path in sorted(Path("results/small/summary").glob("*.nc"))]
    main(["check", "results/small", "--remove"])
    assert "summaries and tables are not checked" in capsys.readouterr().out
    assert [path.read_bytes() for path in sorted(Path("results/small/summary").glob("*.nc"))] == summaries
    if folder:
        look_file(PLAN, 1).rmdir()
    assert main(["look", PLAN, "1"]) == 0
    assert main(["look", PLAN, "2"]) == 0
    assert main(["report", PLAN]) == 0
