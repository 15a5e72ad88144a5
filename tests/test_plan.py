"""Plans: the same sweep gives the same points, chunks, paths and bytes."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_sweeps import SHARP, SMOOTH, small_sweep, write_sweep

from crnsim.errors import DamagedFileError, InputError
from crnsim.noise import Noise
from crnsim.sweep.config import validate
from crnsim.sweep.plan import chunk_files, make_plan, network_files, plan_text, read_plan, summary_files
from crnsim.sweep.points import groups
from crnsim.sweep.reader import Document


def planned(**changes):
    return make_plan(validate(Document("small.yaml", small_sweep(**changes), {})))


def points(plan):
    return [point for group, chunks in plan.groups for chunk in chunks for point in group.points(chunk)]


def test_plan_is_a_pure_function_of_the_sweep():
    assert plan_text(planned()) == plan_text(planned())


def test_axes_start_at_one_common_noise_free_cell():
    noise = {
        "rates": {"magnitudes": [0.1, 0.2]},
        "concentrations": {"magnitudes": [0.3]},
        "inputs": {"magnitudes": [0.4]},
    }
    (group,) = groups(planned(noise=noise).sweep)
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
    (group,) = groups(planned(noise=noise, running_times=[5]).sweep)
    levels = [(cell.noise.rates, cell.noise.concentrations) for cell in group.cells]
    assert levels == [(0, 0), (0, 0.3), (0.1, 0), (0.1, 0.3), (0.2, 0), (0.2, 0.3)]


def test_magnitude_zero_is_the_noise_free_cell():
    (group,) = groups(planned(noise={"rates": {"magnitudes": [0, 0.1]}}, running_times=[5]).sweep)
    assert [cell.noise.kind for cell in group.cells] == ["none", "rates"]


def test_options_of_one_kind_of_noise_do_not_change_points_of_another():
    def keys(scope):
        noise = {"rates": {"magnitudes": [0.1]}, "concentrations": {"magnitudes": [0.1], "scope": scope}}
        return [point.key for point in points(planned(noise=noise, running_times=[5], replicates=1))]

    signals, weights = keys("signals"), keys("weights")
    assert signals[:2] == weights[:2]
    assert signals[2] != weights[2]


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 5))
def test_every_point_is_in_exactly_one_chunk_however_the_work_is_cut(cells, block, replicates):
    whole = planned(replicates=replicates, chunks={"cells": 100, "replicates": 100})
    pieces = planned(replicates=replicates, chunks={"cells": cells, "replicates": block})
    assert sorted(p.key for p in points(pieces)) == sorted(p.key for p in points(whole))
    assert len({p.key for p in points(pieces)}) == pieces.data["n_points"] == whole.data["n_points"]
    assert pieces.data["estimated_core_seconds"] == pytest.approx(
        whole.data["estimated_core_seconds"], rel=0.01
    )


def test_adding_a_data_set_or_an_activation_moves_no_chunk():
    before = {chunk["path"] for group in planned().data["groups"] for chunk in group["chunks"]}
    bigger = planned(
        activations={"smooth": SMOOTH, "sharp": SHARP},
        datasets={"xor": {"epochs": 2}, "iris": {"epochs": 1}},
    )
    after = {chunk["path"] for group in bigger.data["groups"] for chunk in group["chunks"]}
    assert before < after


def test_chunk_key_knows_which_trajectories_are_kept():
    def keys(cells):
        return [c["key"] for c in planned(trajectories={"cells": cells}).data["groups"][0]["chunks"]]

    assert keys("noise-free") != keys("all")


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [("noise-free", {(3, 0)}), ("extremes", {(3, 0), (5, 0)}), ("all", {(cell, 0) for cell in range(6)})],
)
def test_chosen_cells_keep_trajectories(chosen, expected):
    (group,) = groups(
        planned(noise={"rates": {"magnitudes": [0.1, 0.2]}}, trajectories={"cells": chosen}).sweep
    )
    assert group.recorded == expected
    assert len(group.recorded_keys()) == len(expected)


def test_plan_read_back_is_the_plan_that_was_written(tmp_path):
    plan = planned(activations={"smooth": SMOOTH, "sharp": SHARP})
    (tmp_path / "plan.json").write_text(plan_text(plan))
    again = read_plan(tmp_path / "plan.json")
    assert again.groups == plan.groups
    assert again.data == plan.data


def test_workflow_is_told_the_files_of_a_plan(tmp_path):
    plan = planned(activations={"smooth": SMOOTH, "sharp": SHARP})
    path = tmp_path / "plan.json"
    path.write_text(plan_text(plan))
    assert summary_files(path) == [
        "results/small/summary/xor-onepot-smooth.nc",
        "results/small/summary/xor-onepot-sharp.nc",
    ]
    assert network_files(path)[0] == "results/small/networks/xor-onepot-smooth.nc"
    files = chunk_files(path, "xor", "onepot-sharp")
    assert files == [chunk["path"] for chunk in plan.data["groups"][1]["chunks"]]
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
    data = planned().data | {"code_hash": "0"}
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(data))
    with pytest.raises(InputError, match=r"another version.*crnsim plan"):
        read_plan(path)


def test_plan_with_a_wrong_configuration_is_named(tmp_path):
    plan = planned()
    for change in ({"config": {}}, {"groups": [{}]}, {"groups": []}):
        path = tmp_path / "plan.json"
        path.write_text(json.dumps(plan.data | change))
        with pytest.raises(DamagedFileError, match=r"plan\.json"):
            read_plan(path)


def test_sweep_file_itself_is_not_needed_once_there_is_a_plan(tmp_path):
    config = write_sweep(tmp_path / "a.yaml")
    text = plan_text(planned())
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
