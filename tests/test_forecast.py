"""Estimates against what was counted, and what `crnsim show` says of them; nothing here is timed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from small_sweeps import SHARP, SMOOTH, small_sweep, write_sweep

from crnsim.cli.parser import main
from crnsim.errors import ConfigError, InputError
from crnsim.experiment.run import run_points
from crnsim.noise.noise import Noise
from crnsim.provenance import processor
from crnsim.sweep.config.read import validate
from crnsim.sweep.config.reader import Document
from crnsim.sweep.plan import forecast as forecast_module
from crnsim.sweep.plan.cost import descent_seconds, estimate_seconds, estimate_steps, job_megabytes, size
from crnsim.sweep.plan.forecast import advice, disk_bytes, forecast, wall_seconds
from crnsim.sweep.plan.layout import task_points
from crnsim.sweep.plan.plan import make_plan
from crnsim.sweep.run import calibration
from crnsim.sweep.run.chunk import integrate_chunk
from crnsim.wording import duration

KICKED = {"concentrations": {"magnitudes": [0.3]}}


def planned(**changes):
    return make_plan(validate(Document("small.yaml", small_sweep(**changes), {})))


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Work in an empty folder, on a machine that is not calibrated."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(calibration, "speed_file", lambda: tmp_path / "speed.json")
    return tmp_path


@pytest.mark.parametrize(
    "unit", [SMOOTH, SHARP, {"name": "relu", "kz": 150}], ids=["smooth", "sharp", "relu"]
)
@pytest.mark.parametrize("mode", ["training", "inference"])
def test_steps_of_a_presentation_are_as_estimated(unit, mode):
    # Noise-free, and kicked; a factor of 2 is what one formula for all networks and designs can do.
    changes = {"mode": "inference", "circuit": "feedforward"} if mode == "inference" else {}
    ((group, _),) = planned(
        activations={"unit": unit},
        running_times=[40],
        noise=KICKED,
        datasets={"xor": {"epochs": 30}} if mode == "training" else {"iris": {"epochs": 30}},
        **changes,
    ).groups
    points = [group.point(cell, replicate) for cell in (0, 1) for replicate in range(3)]
    results = run_points(points)
    of = size(points[0])
    shown = of.n_test + (of.n_train * 30 if mode == "training" else 0)
    for index, point in enumerate(points):
        counted = float(results["steps"][index] + results["rejected"][index]) / shown
        assert counted / 2 < estimate_steps(point) < counted * 2, point.noise


def test_cost_grows_with_what_makes_a_run_long():
    ((group, _),) = planned(running_times=[40], datasets={"xor": {"epochs": 500}}).groups
    point = group.point(0, 0)
    longer = [
        replace(point, epochs=2 * point.epochs),
        replace(point, running_time=80.0),
        replace(point, layers=(2, 12, 1)),
        replace(point, noise=Noise(concentrations=0.1)),
    ]
    assert all(estimate_seconds(other) > 1.1 * estimate_seconds(point) for other in longer)
    kicks = [replace(point, noise=Noise(concentrations=sigma)) for sigma in (0.1, 0.3, 1.0)]
    cost = [estimate_seconds(other) for other in kicks]
    assert cost == sorted(set(cost))
    assert estimate_seconds(replace(point, replicate=7)) == estimate_seconds(point)


def test_descent_counts_where_it_gives_the_weights():
    inference = {"mode": "inference", "circuit": "feedforward", "datasets": {"iris": {"epochs": 30}}}
    ((trained, _),) = planned().groups
    ((given, _),) = planned(**inference).groups
    assert descent_seconds(trained.point(0, 0)) == 0
    once = descent_seconds(given.point(0, 0))
    assert once > 0
    one, two = (
        planned(**inference, chunks={"workers": workers}).file.estimated_core_seconds for workers in (1, 2)
    )
    # Each of the two workers descends for each of the three replicates; four digits are kept.
    assert two - one == pytest.approx(3 * once, rel=0.05)


def test_files_are_about_as_large_as_estimated(here):
    """Within a factor of 2: how far numbers are compressed depends on what they are."""
    plans = [
        planned(datasets={"xor": {"epochs": 60}}, replicates=25, chunks={"workers": 1}),
        planned(
            datasets={"iris": {"epochs": 5}},
            replicates=25,
            mode="inference",
            circuit="feedforward",
            name="given",
        ),
    ]
    for plan in plans:
        for chunk in plan.file.chunks():
            integrate_chunk(plan, chunk.key, workers=1)
        found = sum(
            file.stat().st_size for file in Path("results").rglob("*.nc") if ".saved-" not in file.name
        )
        # The summary, as large as the chunks, and the network are not made here.
        estimated = disk_bytes(plan) / 2
        assert found / 2 < estimated < 2 * found
        for file in Path("results").rglob("*.nc"):
            file.unlink()


def test_job_takes_about_as_much_memory_as_estimated(here):
    """Within a factor of 2 of the peak that the system counted, of this process alone."""
    if not Path("/proc/self/status").exists():
        pytest.skip("only Linux tells the peak of a process apart from that of its parent")
    write_sweep(here / "small.yaml", replicates=16)
    assert main(["plan", "small.yaml"]) == 0
    plan = planned(replicates=16)
    (group, (chunk, *_)) = plan.groups[0]
    code = (
        "from crnsim.cli.parser import main; "
        f"assert main(['integrate', 'results/small/plan.json', '{chunk.key}']) == 0; "
        "print(*[line for line in open('/proc/self/status') if line.startswith('VmHWM')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    found = int(done.stdout.split()[-2]) * 1024 / 1e6
    estimated = job_megabytes(group, chunk.n_points, 1, 8)
    assert found / 2 < estimated < 2 * found
    assert job_megabytes(group, chunk.n_points, 2, 8) > estimated + 200


def test_wall_time_is_at_least_the_work_and_shrinks_with_cores():
    plan = planned(datasets={"xor": {"epochs": 20000}}, replicates=100, chunks={"minutes": 1, "workers": 2})
    work = plan.file.estimated_core_seconds
    times = {cores: wall_seconds(plan, cores) for cores in (1, 2, 8, 64)}
    assert all(seconds > work / cores for cores, seconds in times.items())
    assert times[1] > times[2] > times[8] > times[64]
    # On few cores starting jobs and the last one add little to an hour of work.
    assert times[2] < 1.3 * work / 2
    assert wall_seconds(plan, 2, factor=3.0) > 2 * times[2]


def test_fresh_machine_compiles_the_library_once(monkeypatch):
    plan = planned(
        activations={
            label: {"name": "squareplus", "h": h} for label, h in [("a", 0.1), ("b", 0.2), ("c", 0.3)]
        }
    )
    monkeypatch.setattr(forecast_module, "_compiled", lambda: True)
    warm = wall_seconds(plan, 1)
    monkeypatch.setattr(forecast_module, "_compiled", lambda: False)
    once = forecast_module.COMPILE_LIBRARY + forecast_module.COMPILE_NETWORK
    assert wall_seconds(plan, 1) == pytest.approx(warm + once)


def test_nothing_is_left_of_a_sweep_that_is_done(here):
    plan = planned()
    before = forecast(plan, 2)
    assert before.done == 0
    assert before.core_seconds == pytest.approx(plan.file.estimated_core_seconds, rel=1e-3)
    for entry in plan.file.groups:
        for path in [entry.summary, entry.network, *(chunk.path for chunk in entry.chunks)]:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            Path(path).touch()
    after = forecast(plan, 2)
    assert (after.core_seconds, after.wall_seconds, after.done) == (0, 0, before.chunks)


def test_advice_is_given_where_chunks_do_not_suit():
    long = {"xor": {"epochs": 20000}}

    def advised(cores, **changes):
        plan = planned(**changes)
        return " ".join(advice(plan, forecast(plan, cores)))

    short = advised(2, replicates=40, chunks={"cells": 1, "replicates": 1})
    assert re.search(r"'chunks: \{minutes: 10\}' would make 1 instead of 160", short)
    few = advised(64, datasets=long, replicates=100, chunks={"cells": 100, "replicates": 100})
    assert "1 chunk of 2 workers leaves most of 64 cores idle" in few
    huge = advised(2, datasets=long, replicates=10000, chunks={"cells": 4, "replicates": 10000})
    assert "longer than many queues allow" in huge
    assert advised(2, datasets=long, replicates=40, chunks={}) == ""
    assert advised(2) == ""


def test_dear_points_go_to_dask_by_eights_and_cheap_ones_in_larger_tasks():
    chunks = planned(chunks={}).sweep.chunks
    assert task_points(chunks, 1.0) == 8
    assert task_points(chunks, 0.001) == 256
    assert task_points(chunks, 0.02) == 32
    assert task_points(chunks.model_copy(update={"batch": 3}), 0.001) == 3


def test_minutes_beside_cells_and_replicates_is_one_line():
    with pytest.raises(ConfigError, match=r"chunks\.minutes: cells and replicates leave nothing to it"):
        planned(chunks={"minutes": 5, "cells": 2, "replicates": 2})


def test_speed_is_that_of_chunks_that_are_done(here):
    plan = planned()
    entry = plan.file.groups[0].chunks[0]
    Path(entry.path).parent.mkdir(parents=True)
    Path(entry.path).touch()
    account = {
        "points": entry.n_points,
        "computed": entry.n_points,
        "seconds_core": 30.0,
        "seconds_wall": 9.0,
    }
    beside = Path(entry.path).with_suffix(".json")
    beside.write_text(json.dumps(account))
    found = calibration.find(plan.file)
    assert found.factor == pytest.approx(30.0 / entry.estimated_core_seconds)
    assert found.source == "as the chunk that is done took"
    # Points that were copied took nothing; a few seconds say little.
    for change in ({"computed": 0}, {"seconds_core": 0.5}):
        beside.write_text(json.dumps(account | change))
        assert calibration.find(plan.file).factor == 1.0
    beside.write_text("{")
    assert calibration.find(plan.file).factor == 1.0


def test_calibration_is_kept_for_the_kind_of_processor(here, monkeypatch, capsys):
    write_sweep(here / "small.yaml", datasets={"xor": {"epochs": 20000}})
    assert main(["show", "small.yaml"]) == 0
    assert "times as on the authors' machine; 'crnsim calibrate' measures this one" in capsys.readouterr().out
    monkeypatch.setattr(calibration, "measure", lambda: 2.0)
    assert main(["calibrate"]) == 0
    assert f"{processor()}: 2 times the core time" in capsys.readouterr().out
    assert json.loads((here / "speed.json").read_text()) == {processor(): 2.0}
    assert main(["show", "small.yaml"]) == 0
    text = capsys.readouterr().out
    assert "times as measured on this machine" in text
    seconds = 2 * planned(datasets={"xor": {"epochs": 20000}}).file.estimated_core_seconds
    assert f"about {duration(seconds)} of core time" in text


def test_damaged_calibration_is_named(here):
    (here / "speed.json").write_text("[1]")
    with pytest.raises(InputError, match=r"speed\.json: damaged"):
        calibration.find(planned().file)


def test_measured_speed_is_a_multiple_of_the_reference():
    # A clock that moves by the reference at each look: one round then takes just that.
    ticks = count(0, calibration.REFERENCE_SECONDS)
    assert calibration.measure(clock=lambda: next(ticks), rounds=1) == 1.0


def test_show_tells_time_disk_and_memory_before_anything_runs(here, capsys):
    write_sweep(
        here / "small.yaml", datasets={"xor": {"epochs": 20000}}, replicates=100, chunks={"minutes": 5}
    )
    assert main(["show", "small.yaml", "--cores", "16"]) == 0
    text = capsys.readouterr().out
    plan = planned(datasets={"xor": {"epochs": 20000}}, replicates=100, chunks={"minutes": 5})
    assert f"({plan.file.estimated_core_seconds / 3600:.2g} core-hours)" in text
    assert re.search(r"on 16 cores: about \d+ min to the report", text)
    assert re.search(r"a chunk: .* points, .* with 2 workers, up to \d+ MB of memory", text)
    assert re.search(r"disk: about [\d.]+ MB", text)
    assert list(here.iterdir()) == [here / "small.yaml"]


def test_cores_of_nothing_are_one_line(here, capsys):
    write_sweep(here / "small.yaml")
    assert main(["show", "small.yaml", "--cores", "0"]) == 2
    assert capsys.readouterr().err.startswith("crnsim: --cores is 0; it must be a whole number >= 1 and <= ")
