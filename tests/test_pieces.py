"""Unfinished chunks: what is saved when work is stopped or cut off, and that the next try goes on from there."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from small_sweeps import small_sweep, write_sweep

from crnsim.cli.parser import main
from crnsim.errors import InputError, OutOfTimeError, StoppedError
from crnsim.experiment.run import run_points
from crnsim.provenance import processor
from crnsim.store.points import read_points
from crnsim.sweep.config.read import validate
from crnsim.sweep.config.reader import Document
from crnsim.sweep.plan.plan import make_plan
from crnsim.sweep.run import chunk as chunk_module
from crnsim.sweep.run import chunk_files, pieces, walltime
from crnsim.sweep.run.chunk import integrate_chunk
from crnsim.sweep.run.merge import merge_group

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def plan():
    """One chunk of 12 points in 4 batches."""
    sweep = small_sweep(chunks={"cells": 100, "workers": 1, "batch": 3})
    return make_plan(validate(Document("small.yaml", sweep, {})))


def key_of(plan) -> str:
    return plan.groups[0][1][0].key


def target_of(plan) -> Path:
    return Path(plan.chunk(key_of(plan))[2])


def undisturbed(plan) -> bytes:
    target = target_of(plan)
    integrate_chunk(plan, key_of(plan), workers=1)
    content = target.read_bytes()
    chunk_files.remove_pieces([target])
    target.unlink()
    target.with_suffix(".json").unlink()
    return content


def after(batches: int, action, monkeypatch) -> list[int]:
    """Let `action` happen before the batch with that number is computed; return the sizes of those computed."""
    sizes: list[int] = []

    def run(points, **options):
        if len(sizes) == batches:
            action()
        sizes.append(len(points))
        return run_points(points, **options)

    monkeypatch.setattr(chunk_module, "run_points", run)
    return sizes


def terminate() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def mistake() -> None:
    raise ZeroDivisionError


@pytest.mark.parametrize(
    ("action", "error"),
    [(terminate, StoppedError), (interrupt, KeyboardInterrupt), (mistake, ZeroDivisionError)],
)
def test_chunk_that_is_stopped_saves_what_it_has_and_the_next_try_goes_on(plan, monkeypatch, action, error):
    content = undisturbed(plan)
    target = target_of(plan)
    handlers = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM)]
    after(2, action, monkeypatch)
    with pytest.raises(error):
        integrate_chunk(plan, key_of(plan), workers=1)
    assert not target.exists()
    (piece,) = chunk_files.pieces_of(target)
    assert read_points(piece).sizes["point"] == 6
    partial = merge_group(plan, plan.groups[0][0].name, partial=True)
    assert sorted(partial["point_key"].values) == sorted(read_points(piece)["point_key"].values)
    took = json.loads(piece.with_suffix(".json").read_text())
    assert took["computed"] == 6
    assert took["processors"] == {processor(): 6}
    assert [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM)] == handlers

    sizes = after(99, mistake, monkeypatch)
    account = integrate_chunk(plan, key_of(plan), workers=1)
    assert sum(sizes) == 6
    assert (account.points, account.computed, account.reused, account.killed) == (12, 12, 0, 0)
    assert account.processors == {processor(): 12}
    assert account.seconds_core > took["seconds_core"] > 0
    assert target.read_bytes() == content
    key = key_of(plan)
    assert sorted(path.name for path in target.parent.iterdir()) == [
        *(f"{key}.json", f"{key}.nc", f"{key}.saved-all.json", f"{key}.saved-all.nc")
    ]


def test_pieces_are_saved_from_time_to_time_and_each_point_once(plan, monkeypatch):
    content = undisturbed(plan)
    monkeypatch.setattr(pieces, "PAUSE", 1e-9)
    after(3, mistake, monkeypatch)
    with pytest.raises(ZeroDivisionError):
        integrate_chunk(plan, key_of(plan), workers=1)
    saved = chunk_files.pieces_of(target_of(plan))
    assert [piece.stem[-3:] for piece in saved] == ["000", "001", "002"]
    keys = [key for piece in saved for key in read_points(piece)["point_key"].values.tolist()]
    assert len(keys) == len(set(keys)) == 9

    # One of them is damaged: its points are computed again, and nothing else.
    saved[1].write_bytes(saved[1].read_bytes()[:3000])
    sizes = after(99, mistake, monkeypatch)
    integrate_chunk(plan, key_of(plan), workers=1)
    assert sum(sizes) == 6
    assert target_of(plan).read_bytes() == content
    assert [piece.stem[-3:] for piece in chunk_files.pieces_of(target_of(plan))] == ["all"]


def test_stop_during_a_write_waits_until_the_file_is_whole(plan, monkeypatch):
    written = []

    def write(dataset, path):
        if "saved" in str(path):
            terminate()
        written.append(str(path))
        return original(dataset, path)

    original = pieces.write_dataset
    monkeypatch.setattr(pieces, "write_dataset", write)
    monkeypatch.setattr(pieces, "PAUSE", 1e-9)
    with pytest.raises(StoppedError, match="3 of 12 points are saved beside"):
        integrate_chunk(plan, key_of(plan), workers=1)
    assert len(written) == 1
    assert read_points(chunk_files.pieces_of(target_of(plan))[0]).sizes["point"] == 3


def test_stop_during_the_last_write_comes_too_late(plan, monkeypatch):
    content = undisturbed(plan)

    def write(dataset, path):
        terminate()
        return original(dataset, path)

    original = chunk_module.write_dataset
    monkeypatch.setattr(chunk_module, "write_dataset", write)
    integrate_chunk(plan, key_of(plan), workers=1)
    assert target_of(plan).read_bytes() == content


def test_second_signal_does_not_tear_apart_what_the_first_one_began(plan, monkeypatch):
    """While the first one saves, and while what follows is torn down."""

    def write(dataset, path):
        terminate()
        return original(dataset, path)

    def run(points, **options):
        try:
            return run_points(points, **options)
        finally:
            if chunk_files.pieces_of(target_of(plan)):
                terminate()

    original = pieces.write_dataset
    monkeypatch.setattr(pieces, "write_dataset", write)
    monkeypatch.setattr(chunk_module, "run_points", run)
    monkeypatch.setattr(pieces, "PAUSE", 1e-9)
    with pytest.raises(StoppedError):
        integrate_chunk(plan, key_of(plan), workers=1)
    assert len(chunk_files.pieces_of(target_of(plan))) == 1


def test_pause_that_is_no_number_is_said(plan, monkeypatch):
    monkeypatch.setenv("CRNSIM_SAVE_SECONDS", "often")
    with pytest.raises(
        InputError, match="CRNSIM_SAVE_SECONDS is 'often'; it must be a number of seconds > 0"
    ):
        integrate_chunk(plan, key_of(plan), workers=1)


def test_half_written_files_of_killed_tries_are_removed(plan):
    folder = target_of(plan).parent
    folder.mkdir(parents=True)
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    for name in ("nc", "json", "saved-000.nc", "saved-001.json", "progress.json"):
        (folder / f".{key_of(plan)}.{name}.{socket.gethostname()}-{dead.pid}.part").write_text("half")
    integrate_chunk(plan, key_of(plan), workers=1)
    assert not list(folder.glob(".*"))


def test_chunk_stops_itself_before_its_job_is_cut_off(plan, monkeypatch):
    content = undisturbed(plan)
    with monkeypatch.context() as patch:
        patch.setattr(pieces, "seconds_left", lambda: pieces.MARGIN_LEAST + 2.0)
        after(2, lambda: time.sleep(20), patch)
        with pytest.raises(OutOfTimeError, match="time of this job is nearly up; 6 of 12 points are saved"):
            integrate_chunk(plan, key_of(plan), workers=1)
    assert integrate_chunk(plan, key_of(plan), workers=1).computed == 12
    assert target_of(plan).read_bytes() == content


def test_command_that_is_out_of_time_ends_with_a_status_of_its_own(here):
    write_sweep(here / "small.yaml", chunks={"cells": 100, "workers": 1})
    environment = os.environ | {"PYTHONPATH": str(ROOT)}

    def crnsim(*words, **more):
        return subprocess.run(
            [sys.executable, "-m", "crnsim", *words],
            env=environment | more,
            capture_output=True,
            text=True,
            check=False,
        )

    assert crnsim("plan", "small.yaml").returncode == 0
    plan = json.loads(Path("results/small/plan.json").read_text())
    (chunk,) = plan["groups"][0]["chunks"]
    stopped = crnsim("integrate", "results/small/plan.json", chunk["key"], CRNSIM_WALL_MINUTES="0.001")
    assert stopped.returncode == 75
    assert "crnsim: the time of this job is nearly up; " in stopped.stderr
    assert "Traceback" not in stopped.stderr
    failed = json.loads(Path(chunk["path"]).with_suffix(".failed.json").read_text())
    assert failed["message"].startswith("the time of this job is nearly up")
    assert not Path(chunk["path"]).with_suffix(".progress.json").exists()
    assert crnsim("integrate", "results/small/plan.json", chunk["key"]).returncode == 0
    assert not Path(chunk["path"]).with_suffix(".failed.json").exists()


def test_time_that_is_left_is_told_by_the_environment_or_by_slurm(tmp_path, monkeypatch):
    now = time.time()
    monkeypatch.setattr(walltime, "_STARTED", now - 30)
    # 2 s: the time that this test itself may take.
    assert walltime.seconds_left({"CRNSIM_WALL_MINUTES": "2"}) == pytest.approx(90, abs=2)
    assert walltime.seconds_left({"SLURM_JOB_END_TIME": str(int(now + 500))}) == pytest.approx(500, abs=2)
    assert walltime.seconds_left({}) is None
    for text in ("soon", "nan", "inf", "-1"):
        with pytest.raises(
            InputError, match=f"CRNSIM_WALL_MINUTES is '{text}'; it must be a number of minutes > 0"
        ):
            walltime.seconds_left({"CRNSIM_WALL_MINUTES": text})
    squeue = tmp_path / "squeue"
    ends = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(now + 300))
    squeue.write_text(f'#!/bin/sh\ntest "$3" = "$JOB" && echo {ends}\n')
    squeue.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("JOB", "7")
    assert walltime.seconds_left({"SLURM_JOB_ID": "7"}) == pytest.approx(300, abs=2)
    monkeypatch.setenv("JOB", "5_3")
    array = {"SLURM_JOB_ID": "5", "SLURM_ARRAY_JOB_ID": "5", "SLURM_ARRAY_TASK_ID": "3"}
    assert walltime.seconds_left(array) == pytest.approx(300, abs=2)
    assert walltime.seconds_left({"SLURM_JOB_ID": "8"}) is None


def test_finished_chunk_that_snakemake_removes_is_not_computed_again(plan, monkeypatch):
    account = integrate_chunk(plan, key_of(plan), workers=1)
    target = target_of(plan)
    content, inode = target.read_bytes(), target.stat().st_ino
    assert [file.stat().st_ino for file in chunk_files.pieces_of(target)] == [inode]
    target.unlink()
    after(0, mistake, monkeypatch)
    again = integrate_chunk(plan, key_of(plan), workers=1)
    assert target.read_bytes() == content
    assert (again.computed, again.reused) == (12, 0)
    assert again.seconds_core == account.seconds_core

    # Altered bytes are not copied: whoever deletes the chunk gets it computed again.
    with target.open("r+b") as file:
        file.seek(-100, os.SEEK_END)
        file.write(b"altered")
    target.unlink()
    sizes = after(99, mistake, monkeypatch)
    integrate_chunk(plan, key_of(plan), workers=1)
    assert sum(sizes) == 12
    assert target.read_bytes() == content

    # Once the chunks are merged nobody doubts them.
    Path("results/small/plan.json").write_text(plan.file.to_json())
    assert main(["merge", "results/small/plan.json", "xor-onepot-smooth"]) == 0
    assert not chunk_files.pieces_of(target)
    assert target.exists()


def test_pieces_stay_where_a_chunk_cannot_have_a_second_name(plan, monkeypatch):
    monkeypatch.setattr(pieces, "PAUSE", 1e-9)

    def refuse(*_):
        raise PermissionError(1, "not permitted")

    monkeypatch.setattr(os, "link", refuse)
    integrate_chunk(plan, key_of(plan), workers=1)
    target = target_of(plan)
    assert len(chunk_files.pieces_of(target)) == 4
    target.unlink()
    after(0, mistake, monkeypatch)
    integrate_chunk(plan, key_of(plan), workers=1)
    assert target.exists()


def test_pieces_of_other_chunks_are_left_alone(monkeypatch):
    """Two chunks of one group stand in one folder; a piece belongs to the chunk that it is named for."""
    sweep = small_sweep(chunks={"cells": 2, "workers": 1, "batch": 3})
    plan = make_plan(validate(Document("small.yaml", sweep, {})))
    first, second = (chunk.key for chunk in plan.groups[0][1])
    with monkeypatch.context() as patch:
        after(1, mistake, patch)
        with pytest.raises(ZeroDivisionError):
            integrate_chunk(plan, first, workers=1)
    integrate_chunk(plan, second, workers=1)
    (piece,) = chunk_files.pieces_of(Path(plan.chunk(first)[2]))
    assert piece.stem.startswith(first)
