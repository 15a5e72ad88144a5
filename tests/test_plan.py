"""Plans: the same sweep gives the same points, chunks, paths and bytes."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from dataclasses import MISSING, asdict, fields, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_sweeps import SHARP, SMOOTH, small_sweep, write_sweep

from crnsim.errors import DamagedFileError, InputError
from crnsim.noise.noise import Noise
from crnsim.provenance import processor
from crnsim.sweep.config.read import validate
from crnsim.sweep.config.reader import Document
from crnsim.sweep.plan.groups import groups
from crnsim.sweep.plan.layout import packed
from crnsim.sweep.plan.plan import make_plan, read_plan
from crnsim.sweep.plan.plan_file import ChunkEntry, GroupEntry, PlanFile
from crnsim.sweep.plan.products import chunk_files, job_resources, network_files, summary_files
from crnsim.sweep.run import calibration


def planned(**changes):
    return make_plan(validate(Document("small.yaml", small_sweep(**changes), {})))


def points(plan):
    return [point for group, chunks in plan.groups for chunk in chunks for point in group.points(chunk)]


def test_plan_is_a_pure_function_of_the_sweep():
    assert planned().file.to_json() == planned().file.to_json()


def test_axes_start_at_one_common_noise_free_cell():
    noise = {
        "rates": {"magnitudes": [0.1, 0.2]},
        "concentrations": {"magnitudes": [0.3]},
        "inputs": {"magnitudes": [0.4]},
    }
    ((group, _),) = planned(noise=noise).groups
    assert [cell.running_time for cell in group.cells] == [5.0] * 5 + [10.0] * 5
    assert [cell.noise for cell in group.cells[:5]] == [
        Noise(),
        Noise(rates=0.1),
        Noise(rates=0.2),
        Noise(concentrations=0.3),
        Noise(inputs=0.4),
    ]


def test_crossed_axes_give_every_combination_once():
    noise = {"rates": {"magnitudes": [0.1, 0.2]}, "concentrations": {"magnitudes": [0.3]}, "cross": True}
    ((group, _),) = planned(noise=noise, running_times=[5]).groups
    levels = [(cell.noise.rates, cell.noise.concentrations) for cell in group.cells]
    assert levels == [(0, 0), (0, 0.3), (0.1, 0), (0.1, 0.3), (0.2, 0), (0.2, 0.3)]


def test_magnitude_zero_is_the_noise_free_cell():
    (group,) = (
        group for group, _ in planned(noise={"rates": {"magnitudes": [0, 0.1]}}, running_times=[5]).groups
    )
    assert [cell.noise.kind for cell in group.cells] == ["none", "rates"]


def test_options_of_one_kind_of_noise_do_not_change_points_of_another():
    def keys(scope):
        noise = {"rates": {"magnitudes": [0.1]}, "concentrations": {"magnitudes": [0.1], "scope": scope}}
        return [point.key for point in points(planned(noise=noise, running_times=[5], replicates=1))]

    signals, weights = keys("signals"), keys("weights")
    assert signals[:2] == weights[:2]
    assert signals[2] != weights[2]


@settings(max_examples=40)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 5))
def test_every_point_is_in_exactly_one_chunk_however_the_work_is_cut(cells, block, replicates):
    whole = planned(replicates=replicates, chunks={"cells": 100, "replicates": 100})
    pieces = planned(replicates=replicates, chunks={"cells": cells, "replicates": block})
    assert sorted(p.key for p in points(pieces)) == sorted(p.key for p in points(whole))
    assert len({p.key for p in points(pieces)}) == pieces.file.n_points == whole.file.n_points
    assert pieces.file.estimated_core_seconds == pytest.approx(whole.file.estimated_core_seconds, rel=0.01)


def test_adding_a_data_set_or_an_activation_moves_no_chunk():
    before = {chunk.path for chunk in planned().file.chunks()}
    bigger = planned(
        activations={"smooth": SMOOTH, "sharp": SHARP},
        datasets={"xor": {"epochs": 2}, "iris": {"epochs": 1}},
    )
    after = {chunk.path for chunk in bigger.file.chunks()}
    assert before < after


def test_chunk_key_knows_which_trajectories_are_kept():
    def keys(cells):
        return [c.key for c in planned(trajectories={"cells": cells}).file.groups[0].chunks]

    assert keys("noise-free") != keys("all")


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [("noise-free", {(3, 0)}), ("extremes", {(3, 0), (5, 0)}), ("all", {(cell, 0) for cell in range(6)})],
)
def test_chosen_cells_keep_trajectories(chosen, expected):
    ((group, _),) = planned(
        noise={"rates": {"magnitudes": [0.1, 0.2]}}, trajectories={"cells": chosen}
    ).groups
    assert group.recorded == expected
    assert len(group.recorded_keys()) == len(expected)


def test_plan_read_back_is_the_plan_that_was_written(tmp_path):
    plan = planned(activations={"smooth": SMOOTH, "sharp": SHARP})
    (tmp_path / "plan.json").write_text(plan.file.to_json())
    again = read_plan(tmp_path / "plan.json")
    assert again.groups == plan.groups
    assert again.file == plan.file


def test_a_plan_file_that_is_read_and_written_again_has_the_same_bytes():
    text = planned(activations={"smooth": SMOOTH, "sharp": SHARP}).file.to_json()
    assert PlanFile.from_json(text).to_json() == text


@pytest.mark.parametrize("entry", [PlanFile, GroupEntry, ChunkEntry])
def test_a_plan_file_without_a_field_or_with_another_type_in_it_is_refused(entry):
    added = {"activations": {"smooth": SMOOTH, "sharp": SHARP}, "replicates": {"to": 20}}
    for field in fields(entry):
        # Fields of looks are there where replicates are added alone.
        of_looks = field.default is not MISSING
        spoils = (lambda data, name: data.pop(name), lambda data, name: data.update({name: -1}))
        for spoil in spoils[of_looks:]:
            data = json.loads(planned(**(added if of_looks else {})).file.to_json())
            where = {PlanFile: data, GroupEntry: data["groups"][0]}.get(entry, data["groups"][0]["chunks"][0])
            spoil(where, field.name)
            with pytest.raises(ValueError, match=field.name):
                PlanFile.from_json(json.dumps(data))


@pytest.mark.parametrize(
    "config", [{}, {"chunks": 2}, {"chunks": {"workers": 0}}, {"activations": {"smooth": 1}}]
)
def test_a_plan_file_whose_configuration_lacks_what_is_used_is_refused(config):
    data = json.loads(planned().file.to_json())
    data["config"] = data["config"] | config if config else {}
    with pytest.raises(ValueError, match="config"):
        PlanFile.from_json(json.dumps(data))


def test_workflow_is_told_the_files_of_a_plan(tmp_path):
    plan = planned(activations={"smooth": SMOOTH, "sharp": SHARP})
    path = tmp_path / "plan.json"
    path.write_text(plan.file.to_json())
    assert summary_files(path) == [
        "results/small/summary/xor-onepot-smooth.nc",
        "results/small/summary/xor-onepot-sharp.nc",
    ]
    assert network_files(path)[0] == "results/small/networks/xor-onepot-smooth.nc"
    files = chunk_files(path, "xor", "onepot-sharp")
    assert files == [chunk.path for chunk in plan.file.groups[1].chunks]
    assert all(file.startswith("results/small/chunks/xor/onepot-sharp/") for file in files)
    with pytest.raises(InputError):
        chunk_files(path, "xor", "onepot-relu")


def test_chunks_and_points_are_found_by_the_beginning_of_their_key():
    plan = planned()
    group, chunks = plan.groups[0]
    assert plan.chunk(chunks[0].key[:8])[1] == chunks[0]
    point = group.points(chunks[0])[0]
    assert plan.point(point.key[:8]) == (group, point)
    for find in (plan.chunk, plan.point):
        with pytest.raises(InputError):
            find("")
        with pytest.raises(InputError):
            find("zzz")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"sweep": 1', "null", '"text"'])
def test_damaged_plan_is_named(tmp_path, text):
    path = tmp_path / "plan.json"
    path.write_text(text)
    with pytest.raises(DamagedFileError, match=r"plan\.json"):
        read_plan(path)


def test_plan_of_another_version_is_refused_with_what_to_do(tmp_path):
    other = replace(planned().file, code_hash="0")
    path = tmp_path / "plan.json"
    path.write_text(other.to_json())
    with pytest.raises(InputError, match=r"another version.*crnsim plan"):
        read_plan(path)


def test_plan_with_a_wrong_configuration_is_named(tmp_path):
    plan = planned()
    for change in ({"config": {}}, {"groups": [{}]}, {"groups": []}):
        path = tmp_path / "plan.json"
        path.write_text(json.dumps(asdict(plan.file) | change))
        with pytest.raises(DamagedFileError, match=r"plan\.json"):
            read_plan(path)


def test_sweep_file_itself_is_not_needed_once_there_is_a_plan(tmp_path):
    config = write_sweep(tmp_path / "a.yaml")
    text = planned().file.to_json()
    config.unlink()
    (tmp_path / "plan.json").write_text(text)
    assert read_plan(tmp_path / "plan.json").sweep.name == "small"


def test_a_design_has_circuit_parameters_of_its_own():
    data = {
        "name": "designs",
        "circuit_parameters": {"ka": 50, "kz": 5},
        "activations": {
            "plain": {"name": "squareplus"},
            "bare": {"name": "squareplus", "circuit_parameters": {"dead_zone": 0, "ka": 20}},
        },
        "running_times": [30],
        "datasets": {"xor": {"circuit_parameters": {"kz": 7}}},
    }
    plain, bare = groups(validate(Document("sweep.yaml", data, {})))
    assert dict(plain.point(0, 0).circuit_parameters) == {"ka": 50, "kz": 7}
    data["activations"]["bare"]["circuit_parameters"] |= {"kd": 0}  # fine where there is no dead zone
    validate(Document("sweep.yaml", data, {}))
    assert dict(bare.point(0, 0).circuit_parameters) == {"dead_zone": 0, "ka": 20, "kz": 7}


LAID_OUT = {
    "training": {"activations": {"smooth": SMOOTH, "relu": {"name": "relu", "kz": 50}}},
    "noise": {
        "noise": {
            "rates": {"magnitudes": [0.1], "mode": "per_presentation"},
            "concentrations": {"magnitudes": [0.3], "additive": True, "interval": 2.5},
            "inputs": {"magnitudes": [1e-5]},
            "cross": True,
        }
    },
    "own parameters": {
        "seed": 2**62,
        "circuit_parameters": {"ka": 50},
        "solver": {"rtol": 1e-5, "max_steps": 300},
        "datasets": {"iris": {"epochs": 1, "learning_rate": 0.0125}},
    },
    "inference": {
        "mode": "inference",
        "circuit": "feedforward",
        "datasets": {"iris": {"circuit_parameters": {"output": "algebraic_sigmoid"}}},
    },
}


@pytest.mark.parametrize("changes", LAID_OUT.values(), ids=LAID_OUT)
def test_keys_made_together_are_those_made_one_by_one(changes):
    for group in (group for group, _ in planned(replicates=12, **changes).groups):
        alone = [replace(point).key for point in group.points()]
        assert list(group.keys()) == alone
        assert [point.key for point in group.points()] == alone


def test_key_is_the_hash_of_every_value_sorted_by_name():
    # Written out here once more: results that are stored already are found by it.
    ((group, _),) = planned().groups
    point = group.point(1, 2)
    values = point.to_dict() | {"noise": point.noise.settings(), "units": [""]}
    assert values.pop("method") == "auto"
    text = json.dumps(values, sort_keys=True, separators=(",", ":"))
    assert point.key == hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def test_chunk_key_is_the_hash_of_its_points_and_of_those_recorded():
    plan = planned(replicates=9, chunks={"cells": 3, "replicates": 4}, trajectories={"cells": "all"})
    for group, chunks in plan.groups:
        for chunk in chunks:
            content = [[point.key for point in group.points(chunk)], group.recorded_keys(chunk)]
            assert len(content[1]) == (chunk.n_cells if chunk.replicates[0] == 0 else 0)
            text = json.dumps(content)
            assert chunk.key == hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def test_dear_points_make_small_chunks_and_cheap_ones_large_chunks():
    def sizes(epochs):
        plan = planned(replicates=1000, datasets={"xor": {"epochs": epochs}}, chunks={"minutes": 1}).file
        (entry,) = plan.groups
        return [chunk.n_points for chunk in entry.chunks], entry.chunks

    few, _ = sizes(2)
    many, chunks = sizes(2000)
    assert len(few) == 1
    assert len(many) > 10
    cost = [chunk.estimated_core_seconds for chunk in chunks]
    assert max(cost) < 90  # a minute, and half of one more by rounding
    # The last block of replicates is what is left.
    assert sorted(cost)[len(cost) // 4] > 30


def test_dearest_points_make_chunks_with_one_for_each_worker():
    plan = planned(datasets={"xor": {"epochs": 10**7}}, replicates=6, chunks={"minutes": 1, "workers": 3})
    assert {chunk.n_points for chunk in plan.groups[0][1]} == {3}


def test_cells_and_replicates_of_a_chunk_can_be_fixed():
    plan = planned(replicates=10, chunks={"cells": 3, "replicates": 4})
    sizes = [(chunk.cells, chunk.replicates) for chunk in plan.groups[0][1]]
    assert sizes == [
        (cells, replicates) for replicates in [(0, 4), (4, 8), (8, 10)] for cells in [(0, 3), (3, 4)]
    ]


def test_plan_knows_nothing_of_the_measured_speed_of_a_machine(tmp_path, monkeypatch):
    before = planned().file.to_json()
    kept = tmp_path / "speed.json"
    kept.write_text(json.dumps({processor(): 50.0}))
    monkeypatch.setattr(calibration, "speed_file", lambda: kept)
    assert calibration.find(planned().file).factor == 50.0
    assert planned().file.to_json() == before


@given(st.lists(st.floats(1e-6, 5.0), min_size=1, max_size=60))
def test_packing_keeps_every_cell_once_and_in_order(shares):
    ranges = packed(shares)
    assert [cell for cells in ranges for cell in cells] == list(range(len(shares)))
    assert all(ranges)
    full = [sum(shares[cell] for cell in cells) for cells in ranges]
    # A chunk is full, rounded (up to 1.5), and may take in half of a cell at either end.
    assert all(size <= 1.5 + max(shares) for size in full)


def test_million_points_are_planned_in_bounded_memory(tmp_path):
    if not Path("/proc/self/status").exists():
        pytest.skip("only Linux tells the peak of a process apart from that of its parent")
    noise = {"rates": {"magnitudes": [n / 500 for n in range(1, 100)]}}
    times = list(range(1, 11))
    write_sweep(tmp_path / "few.yaml")
    write_sweep(tmp_path / "many.yaml", running_times=times, noise=noise, replicates=1000, chunks={})

    def peak(name):
        code = (
            "from crnsim.cli.parser import main; "
            f"assert main(['plan', '{name}.yaml', '-o', '{name}.json']) == 0; "
            "print(*[line for line in open('/proc/self/status') if line.startswith('VmHWM')])"
        )
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        return int(done.stdout.split()[-2]) * 1024 / 1e6

    few, many = peak("few"), peak("many")
    assert json.loads((tmp_path / "many.json").read_text())["n_points"] == 1_000_000
    # In megabytes; the keys alone would be 80, the points some hundreds.
    assert many - few < 40


def test_resources_of_a_job_follow_its_chunk_and_grow_with_each_attempt(tmp_path):
    plan = planned(datasets={"xor": {"epochs": 20000}}, chunks={"minutes": 10, "workers": 2}, replicates=500)
    path = tmp_path / "plan.json"
    path.write_text(plan.file.to_json())
    chunk = max(plan.file.groups[0].chunks, key=lambda chunk: chunk.estimated_core_seconds)
    first, second = (job_resources(path, chunk.key, attempt) for attempt in (1, 2))
    assert first["runtime"] * 60 > 2 * chunk.estimated_core_seconds / 2
    assert first["runtime"] < 60
    assert 1000 < first["mem_mb"] < 4000  # three processes with their libraries, and Snakemake's own two
    assert second == {"mem_mb": 2 * first["mem_mb"], "runtime": 2 * first["runtime"]}
    with pytest.raises(InputError, match="no chunk"):
        job_resources(path, "0" * 32, 1)
