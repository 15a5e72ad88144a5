"""What `crnsim status` tells of a sweep from its files alone, in every state that a chunk can be in."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from small_sweeps import SHARP, SMOOTH, small_sweep

from crnsim.cli import inspect as commands
from crnsim.cli.parser import main
from crnsim.errors import DamagedFileError, InputError
from crnsim.sweep.config.read import validate
from crnsim.sweep.config.reader import Document
from crnsim.sweep.inspect.folder import open_folder
from crnsim.sweep.inspect.status import chunks_by_state, points_by_state, read_status, to_json
from crnsim.sweep.inspect.status_text import bar, status_lines
from crnsim.sweep.plan.plan import make_plan

#: A moment; files written by hand count from it.
NOW = 1_700_000_000.0


class Folder:
    """A results folder by hand: eight chunks of three points and, so that sums are easy, 100 core seconds."""

    def __init__(self, path: Path) -> None:
        sweep = small_sweep(activations={"smooth": SMOOTH, "sharp": SHARP}, chunks={"cells": 1})
        plan = make_plan(validate(Document("small.yaml", sweep, {}))).file
        hundred = [
            replace(
                group, chunks=tuple(replace(chunk, estimated_core_seconds=100.0) for chunk in group.chunks)
            )
            for group in plan.groups
        ]
        plan = replace(plan, groups=tuple(hundred))
        self.path = path
        path.mkdir(parents=True)
        (path / "plan.json").write_text(plan.to_json())
        self.groups = plan.groups
        places = [Path(chunk.path) for chunk in plan.chunks()]
        self.chunks = [path.joinpath(*place.parts[2:]) for place in places]
        for chunk in self.chunks:
            chunk.parent.mkdir(parents=True, exist_ok=True)

    def beside(self, number: int, suffix: str, **content) -> None:
        self.chunks[number].with_suffix(suffix).write_text(json.dumps(content))

    def done(self, number: int, **account) -> None:
        self.chunks[number].write_bytes(b"status opens no chunk")
        usual = {"points": 3, "computed": 3, "seconds_wall": 50.0, "seconds_core": 80.0, "workers": 2}
        self.beside(number, ".json", **usual | account)

    def running(
        self, number: int, done: float, seconds_left: float | None, updated: float = NOW - 5, **more
    ) -> None:
        host = {"host": "node1", "pid": 7, "workers": 2, "started": NOW - 60}
        content = host | {"points": 3, "done": done, "seconds_left": seconds_left, "updated": updated}
        self.beside(number, ".progress.json", **content | more)

    def failed(self, number: int, message: str, time: float = NOW - 120) -> None:
        self.beside(number, ".failed.json", message=message, host="node2", time=time)

    def saved(self, number: int, *computed: int) -> None:
        for piece, count in enumerate(computed):
            name = f"{self.chunks[number].stem}.saved-{piece:03d}"
            self.chunks[number].with_name(f"{name}.nc").write_bytes(b"")
            self.chunks[number].with_name(f"{name}.json").write_text(json.dumps({"computed": count}))

    def status(self):
        return read_status(open_folder(self.path), NOW)

    def text(self) -> str:
        return "\n".join(status_lines(self.status()))


@pytest.fixture
def folder(tmp_path) -> Folder:
    return Folder(tmp_path / "results" / "small")


def test_a_plan_alone_is_all_waiting_and_its_time_unknown(folder):
    status = folder.status()
    assert chunks_by_state(status.chunks) == {
        "done": 0,
        "running": 0,
        "stalled": 0,
        "failed": 0,
        "waiting": 8,
    }
    assert points_by_state(status.chunks)["waiting"] == 24
    assert (status.share, status.seconds_left, status.points_per_minute) == (0.0, None, None)
    assert not status.finished
    text = folder.text()
    assert "0 % of the work done, time left unknown: no chunk is being computed" in text
    assert "plan made, networks 0 of 2, chunks 0 of 8, summaries 0 of 2, no tables yet, no report yet" in text


def test_every_state_is_told_apart_and_points_add_up(folder):
    folder.done(0)
    folder.running(1, done=1.5, seconds_left=25)
    folder.running(2, done=2, seconds_left=9, updated=NOW - 61)
    folder.saved(2, 1)
    folder.failed(3, "no space left on the device")
    folder.saved(3, 1, 1)
    folder.saved(5, 1)
    status = folder.status()
    assert [chunk.state for chunk in status.chunks] == [
        *("done", "running", "stalled", "failed"),
        *["waiting"] * 4,
    ]
    # 3 of chunk 0; 1 of 1 and a half; saved 1, 2 and 1 of the others: progress of a job that is gone does not count.
    assert points_by_state(status.chunks) == {
        "done": 8,
        "running": 2,
        "stalled": 2,
        "failed": 1,
        "waiting": 11,
    }
    # 100 + 50 + 33.3 + 66.7 + 33.3 of 800 core seconds.
    assert status.share == pytest.approx((1 + 1 / 2 + 1 / 3 + 2 / 3 + 1 / 3) / 8, abs=1e-12)
    text = folder.text()
    assert "1 chunk on node1 (1 chunk, 2 workers)" in text
    assert (
        f"xor-onepot-smooth {folder.chunks[2].stem[:8]}: 2 workers on node1 (process 7), last heard of 61 s ago"
        in text
    )
    assert "on node2, 2 min ago: no space left on the device" in text
    assert "saved: 4 points of 3 unfinished chunks" in text


def test_the_heart_may_be_late_by_a_minute_and_not_more(folder):
    folder.running(0, done=0, seconds_left=None, updated=NOW - 59)
    folder.running(1, done=0, seconds_left=None, updated=NOW - 60)
    folder.running(2, done=0, seconds_left=None, updated=NOW + 30)  # a clock that is ahead
    assert [chunk.state for chunk in folder.status().chunks[:3]] == ["running", "stalled", "running"]


def test_a_try_that_began_after_a_failure_counts(folder):
    folder.failed(0, "old", time=NOW - 100)
    folder.running(0, done=1, seconds_left=5, started=NOW - 50)
    folder.failed(1, "new", time=NOW - 20)
    folder.running(1, done=1, seconds_left=5, started=NOW - 50)
    assert [chunk.state for chunk in folder.status().chunks[:2]] == ["running", "failed"]


def test_a_chunk_that_is_there_is_done_whatever_stands_beside_it(folder):
    folder.done(0)
    folder.failed(0, "before")
    folder.running(0, done=1, seconds_left=5)
    folder.chunks[1].write_bytes(b"its account is lost")
    assert [chunk.state for chunk in folder.status().chunks[:2]] == ["done", "done"]


def test_small_files_that_cannot_be_read_are_no_trouble(folder):
    folder.chunks[0].with_suffix(".progress.json").write_text('{"points": 3, "do')
    folder.chunks[1].with_suffix(".failed.json").write_text("[1]")
    folder.beside(2, ".progress.json", updated=NOW, done="many", workers=None)
    folder.done(3, seconds_core="none")
    states = [chunk.state for chunk in folder.status().chunks[:4]]
    assert states == ["waiting", "waiting", "running", "done"]
    assert folder.text()


def test_time_left_is_what_is_left_over_the_speed_of_now(folder):
    for number in range(5):
        folder.done(number)
    # Half of 100 core seconds in 25 s: a speed of 2. Left are 50 and two chunks that wait: 250 / 2.
    folder.running(5, done=1.5, seconds_left=25)
    status = folder.status()
    assert status.seconds_left == pytest.approx(125.0)
    # 3 points are 100 core seconds: 2 a second is 0.06 points a second.
    assert status.points_per_minute == pytest.approx(3.6)
    assert "about 2 min left" in folder.text()
    # Another, which does not say yet, has one worker and gets half the speed of that with two: 250 / 3.
    folder.running(6, done=0, seconds_left=None, workers=1)
    assert folder.status().seconds_left == pytest.approx(250 / 3)


def test_time_left_is_at_least_what_the_slowest_chunk_says(folder):
    for number in range(6):
        folder.done(number)
    folder.running(6, done=1.5, seconds_left=1)
    folder.running(7, done=1.5, seconds_left=100)
    assert folder.status().seconds_left == pytest.approx(100.0)


def test_before_a_chunk_says_its_speed_it_is_that_of_finished_ones(folder):
    # 300 estimated core seconds took 3 x 50 s of 2 workers: 1 a second and worker. One computed only 1 of 3 points.
    folder.done(0)
    folder.done(1)
    folder.done(2, computed=1, seconds_wall=50 / 3)
    folder.running(3, done=0, seconds_left=None)
    assert folder.status().seconds_left == pytest.approx(500 / 2)


def test_points_that_lost_their_worker_are_told(folder):
    folder.done(0, killed=2)
    text = folder.text()
    assert "worker_killed: 2 points lost their worker" in text
    assert f"'crnsim check {folder.path} --remove killed'" in text


def test_the_log_of_a_failed_chunk_is_named(folder):
    folder.failed(0, "broken")
    log = folder.path / "logs/integrate/xor/onepot-smooth" / f"{folder.chunks[0].stem}.log"
    assert "log:" not in folder.text()
    log.parent.mkdir(parents=True)
    log.write_text("")
    assert str(log) in folder.text()


def test_many_chunks_of_a_state_are_counted_after_the_first(folder):
    for number in range(8):
        folder.failed(number, "broken")
    assert folder.text().count("broken") == 8
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("crnsim.sweep.inspect.status_text.MOST", 3)
        assert folder.text().count("broken") == 3
        assert "and 5 more" in folder.text()


@pytest.mark.parametrize(
    ("counts", "drawn"),
    [
        ({"done": 12, "waiting": 12}, "############............"),
        ({"done": 1, "waiting": 99_999}, "#......................."),
        ({"done": 99_999, "failed": 1}, "#######################!"),
        ({"done": 1, "running": 1, "stalled": 1, "failed": 1, "waiting": 0}, "######======??????!!!!!!"),
        ({"done": 0}, "........................"),
    ],
)
def test_bars_show_all_there_is_and_are_never_full_too_early(counts, drawn):
    assert bar(counts) == drawn


def test_json_says_the_same(folder, capsys, monkeypatch):
    folder.done(0, killed=1)
    folder.running(1, done=1.5, seconds_left=25)
    folder.failed(2, "broken")
    monkeypatch.setattr(commands.time, "time", lambda: NOW)
    assert main(["status", str(folder.path), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said == to_json(folder.status())
    assert said["points"] == {"done": 4, "running": 2, "stalled": 0, "failed": 3, "waiting": 15}
    assert said["groups"][1] == {
        "name": "xor-onepot-sharp",
        "points": {"done": 0, "running": 0, "stalled": 0, "failed": 0, "waiting": 12},
        "chunks": {"done": 0, "running": 0, "stalled": 0, "failed": 0, "waiting": 4},
        "work_done": 0.0,
    }
    assert [each["state"] for each in said["unfinished"]] == ["running", "failed"]
    assert (said["finished"], said["report"], said["worker_killed"]) == (False, None, 1)
    assert said["hosts"] == {"node1": {"chunks": 1, "workers": 2}}


def test_a_finished_sweep_is_one_line_with_its_report(finished, capsys):
    assert main(["status", "results/small"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("small is finished: 24 points in 4 chunks, ")
    assert text.endswith("; report: reports/small.html\n")
    assert text.count("\n") == 1
    assert main(["status", "results/small/plan.json", "--watch"]) == 0  # which ends at once
    assert capsys.readouterr().out == text
    # A page from before the tables were made anew is not the report of this sweep.
    os.utime("reports/small.html", (1, 1))
    assert not read_status(open_folder(finished), NOW).finished


def test_a_folder_that_was_moved_is_read_the_same(finished, capsys, tmp_path):
    shutil.move("results/small", "elsewhere")
    shutil.rmtree("results")
    assert main(["status", "elsewhere"]) == 0
    assert "small is computed: 24 points in 4 chunks" in capsys.readouterr().out
    next(Path("elsewhere/chunks").rglob("*.nc")).unlink()
    assert main(["status", "elsewhere"]) == 0
    assert "chunks 3 of 4" in capsys.readouterr().out


def test_watching_draws_again_until_it_is_told_to_stop(folder, capsys, monkeypatch):
    naps = []

    def sleep(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) == 3:
            raise KeyboardInterrupt
        folder.done(len(naps))

    monkeypatch.setattr(commands.time, "sleep", sleep)
    assert main(["status", str(folder.path), "--watch", "2"]) == 0
    text = capsys.readouterr().out
    assert naps == [2.0] * 3
    assert [f"chunks {count} of 8" in text for count in range(4)] == [True, True, True, False]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["nowhere"],
            "nowhere: there is no such folder; give the folder of a sweep's results, such as results/quick",
        ),
        (["small.yaml"], "small.yaml: empty; a sweep needs"),
        (["results/small/plan.txt"], "results/small/plan.txt: there is no such folder; give the folder"),
        (["empty"], "empty: there is no plan.json in it; give the folder"),
        (["results"], "results: there is no plan.json in it; give one sweep's: results/small"),
        (["results/small", "--watch", "0"], "--watch is 0.0; it must be a number >= 0.01"),
        (["results/small", "--watch", "1", "--json"], "argument --json: not allowed with argument --watch"),
    ],
)
def test_mistakes_are_one_line(folder, tmp_path, monkeypatch, capsys, words, said):
    monkeypatch.chdir(tmp_path)
    Path("small.yaml").write_text("")
    Path("empty").mkdir()
    try:
        status = main(["status", *words])
    except SystemExit as stop:
        status = stop.code
    error = capsys.readouterr().err
    assert status == 2
    assert error.startswith(f"crnsim: {said}")
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    "path", ["results/small/../../etc/passwd", "/etc/passwd", "results/other/a.nc", "results/small", ""]
)
def test_a_plan_that_leads_out_of_its_folder_is_refused(folder, path):
    with pytest.raises(
        DamagedFileError, match=r"plan\.json: damaged: the path .* is not one of the sweep small"
    ):
        open_folder(folder.path).place(path)


def test_a_folder_that_cannot_be_read_is_named(folder, monkeypatch):
    def refuse(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(InputError, match="onepot-smooth: cannot be read"):
        folder.status()
