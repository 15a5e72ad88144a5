"""Chunks: the same numbers however they are computed, nothing computed twice, no point lost."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import time
from pathlib import Path

import numpy as np
import pytest
from small_sweeps import small_sweep

from crnsim.errors import DamagedFileError, InputError
from crnsim.experiment.point import Point
from crnsim.provenance import libraries
from crnsim.store.files import write_dataset
from crnsim.store.points import read_points
from crnsim.sweep.config.read import validate
from crnsim.sweep.config.reader import Document
from crnsim.sweep.plan.plan import make_plan
from crnsim.sweep.run import dask_cluster, workers
from crnsim.sweep.run.chunk import cut, integrate_chunk
from crnsim.sweep.run.chunk_files import failure_file, progress_file, remove_pieces
from crnsim.sweep.run.merge import merge_group
from crnsim.sweep.run.progress import Progress
from crnsim.wording import duration

ONE_CHUNK = {"cells": 100, "workers": 1}
CHUNKS = "results/small/chunks/xor/onepot-smooth/" + "?" * 32 + ".nc"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """Compute in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(dask_cluster.SCHEDULER, raising=False)
    return tmp_path


def planned(**changes):
    return make_plan(validate(Document("small.yaml", small_sweep(**changes), {})))


def computed(plan, n_workers=1, **options):
    """Compute every chunk that is not there; return the accounts and the merged group."""
    (group, chunks), *_ = plan.groups
    missing = [chunk for chunk in chunks if not Path(plan.chunk(chunk.key)[2]).exists()]
    accounts = [integrate_chunk(plan, chunk.key, workers=n_workers, **options) for chunk in missing]
    return accounts, merge_group(plan, group.name)


def forget(chunk: Path) -> None:
    """Delete a chunk with what is kept of it until it is merged."""
    remove_pieces([chunk])
    chunk.unlink()


def content(merged) -> bytes:
    write_dataset(merged, "merged.nc")
    return Path("merged.nc").read_bytes()


def kill_the_second_replicate(points, record):
    """Compute a batch unless it holds replicate 1, which takes its worker along."""
    if any(point["replicate"] == 1 for point in points):
        os.kill(os.getpid(), signal.SIGKILL)
    return workers.compute_batch(points, record)


def kill_always(points, record):
    os.kill(os.getpid(), signal.SIGKILL)


def test_results_are_the_same_bytes_however_the_work_is_cut():
    cuts = [
        ONE_CHUNK,
        {"cells": 1, "workers": 1, "batch": 1},
        {"cells": 3, "replicates": 2, "workers": 1, "batch": 5},
    ]
    contents = {content(computed(planned(chunks=chunks))[1]) for chunks in cuts}
    assert len(contents) == 1


def test_results_are_the_same_bytes_on_dask_workers(here):
    plan = planned(chunks=ONE_CHUNK)
    (account,), alone = computed(plan)
    assert (account.points, account.computed, account.reused, account.workers) == (12, 12, 0, 1)
    chunk = next(here.glob(CHUNKS))
    before = chunk.read_bytes()
    forget(chunk)
    (account,), together = computed(plan, n_workers=2)
    assert account.workers == 2
    assert chunk.read_bytes() == before
    assert content(together) == content(alone)


def test_points_stand_in_the_order_of_the_plan_with_their_settings():
    plan = planned()
    _, merged = computed(plan)
    points = plan.groups[0][0].points()
    assert merged["point_key"].values.tolist() == [point.key for point in points]
    assert merged["running_time"].values.tolist() == [point.running_time for point in points]
    assert merged["noise_rates"].values.tolist() == [point.noise.rates for point in points]
    assert merged.attrs["activation_label"] == "smooth"
    assert merged.attrs["role"] == "smooth"
    assert json.loads(merged.attrs["config"])["running_times"] == [5.0, 10.0]
    assert merged["recorded"].values.tolist() == plan.groups[0][0].recorded_keys()


def test_cost_stands_beside_the_chunk_and_not_in_it(here):
    plan = planned(chunks=ONE_CHUNK)
    computed(plan)
    account = json.loads(next(here.glob("results/small/chunks/**/*.json")).read_text())
    assert set(account) >= {
        "key",
        "points",
        "computed",
        "reused",
        "seconds_wall",
        "seconds_core",
        "host",
        "workers",
        "processors",
        "killed",
    }
    assert account["seconds_core"] > 0


def test_a_new_magnitude_computes_only_the_new_points():
    computed(planned())
    wider = planned(noise={"rates": {"magnitudes": [0.05, 0.1]}})
    accounts, merged = computed(wider)
    assert sum(account.computed for account in accounts) == 2 * 3
    assert sum(account.reused for account in accounts) == 4 * 3
    for file in Path("results").rglob("*.nc"):
        file.unlink()
    assert content(computed(wider)[1]) == content(merged)


def test_more_replicates_compute_only_the_new_points():
    computed(planned(chunks={"cells": 2, "replicates": 2, "workers": 1}))
    accounts, _ = computed(planned(replicates=5, chunks={"cells": 2, "replicates": 2, "workers": 1}))
    assert sum(account.computed for account in accounts) == 4 * 2


def test_trajectories_that_are_wanted_now_are_computed():
    computed(planned(chunks=ONE_CHUNK, trajectories={"replicates": 0}))
    accounts, merged = computed(planned(chunks=ONE_CHUNK, trajectories={"cells": "all"}))
    assert (accounts[0].computed, accounts[0].reused) == (4, 8)
    assert merged.sizes["recorded"] == 4
    accounts, merged = computed(planned(chunks=ONE_CHUNK, trajectories={"replicates": 0}))
    assert "trajectory" not in merged


def test_points_of_another_version_and_of_killed_workers_are_computed_again(here):
    plan = planned(chunks=ONE_CHUNK)
    _, merged = computed(plan)
    chunk = next(here.glob(CHUNKS))
    whole = read_points(chunk)
    forget(chunk)
    write_dataset(whole.assign_attrs(code_hash="0"), chunk.with_name("0" * 32 + ".nc"))
    assert computed(plan)[0][0].computed == 12
    forget(chunk)
    whole["status"][2], whole["score"][2] = 3, 0.0
    write_dataset(whole, chunk.with_name("0" * 32 + ".nc"))
    accounts, again = computed(plan)
    assert accounts[0].computed == 1
    assert content(again) == content(merged)


def test_damaged_files_of_an_earlier_plan_are_left_aside(here, caplog):
    computed(planned())
    for orphan in here.glob(CHUNKS):
        orphan.write_bytes(b"\x89HDF\r\n\x1a\n cut short")
    accounts, _ = computed(planned(noise={"rates": {"magnitudes": [0.05, 0.1]}}))
    assert sum(account.computed for account in accounts) == 18
    assert "not reused" in caplog.text


def test_a_batch_that_kills_its_worker_is_an_outcome_and_no_other_point_is_lost():
    plan = planned(running_times=[5], replicates=4, noise={}, chunks=ONE_CHUNK | {"batch": 2})
    (account,), whole = computed(plan)
    assert account.killed == 0
    forget(Path(plan.chunk(account.key)[2]))
    (account,), one = computed(plan, n_workers=2, compute=kill_the_second_replicate)
    killed = one["status"].values == 3
    assert killed.tolist() == [replicate == 1 for replicate in range(4)]
    assert account.killed == 1
    assert np.all(one["score"].values[killed] == 0)
    assert np.all(np.isnan(one["mse"].values[killed]))
    assert all("killed" in reason for reason in one["reason"].values[killed])
    for name in ("mse", "train_loss", "weights", "output"):
        np.testing.assert_array_equal(one[name].values[~killed], whole[name].values[~killed])


def test_a_chunk_whose_workers_all_die_ends_with_its_points_marked():
    plan = planned(running_times=[5], replicates=1, noise={}, chunks=ONE_CHUNK)
    (account,), merged = computed(plan, n_workers=2, compute=kill_always)
    assert (account.points, account.killed) == (1, 1)
    assert merged["status"].values.tolist() == [3]


@pytest.mark.parametrize(
    ("batch", "n_workers", "sizes"), [(8, 1, [8, 4]), (8, 2, [6, 6]), (5, 1, [5, 5, 2]), (1, 3, [1] * 12)]
)
def test_batches_hold_every_point_once_and_leave_no_worker_idle(batch, n_workers, sizes):
    points = planned().groups[0][0].points()
    batches = cut(points, batch, n_workers)
    assert sorted(map(len, batches), reverse=True) == sizes
    assert sorted(p.key for some in batches for p in some) == sorted(p.key for p in points)


def test_points_with_noise_of_different_scope_stand_in_different_batches():
    """A batch has one table of species to kick; points without noise go with any."""
    points = [
        point
        for scope in ("weights", "signals")
        for point in planned(noise={"concentrations": {"magnitudes": [0.1], "scope": scope}})
        .groups[0][0]
        .points()
    ]
    batches = cut(list({point.key: point for point in points}.values()), 100, 1)
    kicked = [{point.noise.scope for point in some if point.noise.concentrations} for some in batches]
    assert sorted(kicked, key=str) == [{"signals"}, {"weights"}]


def test_merge_names_a_missing_chunk_and_how_to_compute_it():
    plan = planned()
    (group, chunks), *_ = plan.groups
    integrate_chunk(plan, chunks[0].key, workers=1)
    with pytest.raises(
        InputError, match=f"{chunks[1].key}.nc is missing; 'crnsim integrate PLAN {chunks[1].key}'"
    ):
        merge_group(plan, group.name)
    partial = merge_group(plan, group.name, partial=True)
    assert partial.sizes["point"] == chunks[0].n_points


def test_partial_merge_leaves_a_damaged_chunk_out_and_names_it(here, caplog):
    plan = planned()
    _, whole = computed(plan)
    victim = Path(plan.chunk(plan.groups[0][1][0].key)[2])
    victim.write_bytes(victim.read_bytes()[:-2000])
    partial = merge_group(plan, plan.groups[0][0].name, partial=True)
    assert partial["point_key"].values.tolist() == whole["point_key"].values[6:].tolist()
    assert f"left out: {victim} is damaged" in caplog.text


def test_chunk_says_of_itself_everything_that_determines_its_numbers(here):
    """From the attribute `config` alone the points can be made again: their keys are hashes of all of it."""
    noise = {"concentrations": {"magnitudes": [0.1], "scope": "weights", "additive": True}, "cross": True}
    plan = planned(noise=noise, chunks=ONE_CHUNK, replicates=2)
    integrate_chunk(plan, plan.groups[0][1][0].key, workers=1)
    chunk = read_points(next(here.glob(CHUNKS)))
    config = json.loads(chunk.attrs["config"])
    common = {name: value for name, value in config.items() if name not in ("cells", "replicates")}
    points = [
        Point.from_dict(common | cell | {"replicate": replicate})
        for cell in config["cells"]
        for replicate in config["replicates"]
    ]
    assert [point.key for point in points] == chunk["point_key"].values.tolist()
    assert chunk.attrs["libraries"] == libraries()
    assert f"numpy {np.__version__}" in libraries()


def test_merge_of_nothing_is_nothing():
    plan = planned()
    assert merge_group(plan, plan.groups[0][0].name, partial=True) is None


def test_merge_names_a_damaged_chunk(here):
    plan = planned()
    computed(plan)
    victim = min(here.glob(CHUNKS))
    victim.write_bytes(victim.read_bytes()[:-2000])
    with pytest.raises(DamagedFileError, match=f"{victim.name} is damaged"):
        merge_group(plan, plan.groups[0][0].name)


def test_merge_refuses_chunks_of_another_version_of_other_points_and_of_another_seed(here):
    plan = planned(chunks=ONE_CHUNK)
    computed(plan)
    chunk = next(here.glob(CHUNKS))
    good = read_points(chunk)
    name = plan.groups[0][0].name
    write_dataset(good.assign_attrs(code_hash="0"), chunk)
    with pytest.raises(
        InputError, match=r"another version of crnsim.*delete it and run the same command again"
    ):
        merge_group(plan, name)
    write_dataset(good.isel(point=slice(1, None)), chunk)
    with pytest.raises(DamagedFileError, match="11 points that are not the 12 planned"):
        merge_group(plan, name)
    write_dataset(good.assign_coords(seed=good["seed"] + 1), chunk)
    with pytest.raises(DamagedFileError, match="its seed differs"):
        merge_group(plan, name)
    write_dataset(good.assign_attrs(dataset="iris"), chunk)
    with pytest.raises(DamagedFileError, match="it holds dataset iris where the plan has xor"):
        merge_group(plan, name)


def test_progress_says_how_far_chunk_and_sweep_are():
    plan = planned()
    integrate_chunk(plan, plan.groups[0][1][0].key, workers=1)
    stream = io.StringIO()
    progress = Progress(plan.file, plan.groups[0][1][1].key, stream, parallel=2, workers=1, live=False)
    with progress:
        progress.update(0)
        progress.shown -= 100
        progress.saved -= 100
        progress.start -= 10
        progress.update(3)
        line = stream.getvalue()
        assert line.startswith("xor/smooth chunk 2 of 2: 3 of 6 points, about 10 s left; sweep ")
        assert "% done, about " in line
        saved = json.loads(progress_file(progress.chunk).read_text())
        assert (saved["points"], saved["done"], saved["seconds_left"]) == (6, 3, 10)
        assert (saved["pid"], saved["host"], saved["workers"]) == (os.getpid(), socket.gethostname(), 1)
    progress.finish(2, 1, 20.0)
    said = "6 points (2 of them from an earlier run), 1 of them lost their worker in 20 s; sweep 100% done"
    assert f"xor/smooth chunk 2 of 2: {said}" in stream.getvalue()
    assert not progress_file(progress.chunk).exists()
    assert not failure_file(progress.chunk).exists()


def test_a_chunk_that_was_stopped_by_hand_has_not_failed():
    plan = planned()
    progress = Progress(plan.file, plan.groups[0][1][0].key, io.StringIO(), parallel=1, workers=1, live=False)
    with pytest.raises(KeyboardInterrupt), progress:
        raise KeyboardInterrupt
    assert not failure_file(progress.chunk).exists()


def test_heart_beats_while_nothing_ends_and_a_failure_is_noted(monkeypatch):
    monkeypatch.setattr("crnsim.sweep.run.progress.PAUSE", 0.05)
    plan = planned()
    progress = Progress(plan.file, plan.groups[0][1][0].key, io.StringIO(), parallel=1, workers=1, live=False)

    def work() -> None:
        with progress:
            first = progress_file(progress.chunk).stat().st_mtime_ns
            deadline = time.monotonic() + 20
            while progress_file(progress.chunk).stat().st_mtime_ns == first:
                assert time.monotonic() < deadline, "no heartbeat"
                time.sleep(0.01)
            raise ZeroDivisionError("a mistake of ours")

    with pytest.raises(ZeroDivisionError):
        work()
    assert not progress_file(progress.chunk).exists()
    failed = json.loads(failure_file(progress.chunk).read_text())
    assert failed["message"] == "a mistake of ours"
    assert failed["host"] == socket.gethostname()
    with progress:
        assert not failure_file(progress.chunk).exists()


def test_progress_counts_chunks_that_others_compute():
    plan = planned(chunks={"cells": 1, "workers": 1})
    first, second, _, fourth = (chunk.key for chunk in plan.groups[0][1])
    progress = Progress(plan.file, fourth, io.StringIO(), parallel=1, workers=1, live=False)
    assert progress.line(0).endswith("sweep 0% done")
    integrate_chunk(plan, first, workers=1)
    others = Progress(plan.file, second, io.StringIO(), parallel=1, workers=1, live=False)
    with others:
        others.saved -= 100
        others.update(1)  # a third of it
        progress.looked -= 100
        estimated = [chunk.estimated_core_seconds for chunk in plan.file.groups[0].chunks]
        share = (estimated[0] + estimated[1] / 3) / sum(estimated)
        assert f"sweep {share:.0%} done, about " in progress.line(0)


@pytest.mark.parametrize(("seconds", "text"), [(0.2, "0 s"), (89, "89 s"), (240, "4 min"), (9000, "2.5 h")])
def test_durations_read_as_people_say_them(seconds, text):
    assert duration(seconds) == text
