"""Data from memory, and calls that leave out what the command line leaves out: the same numbers."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import crnsim
from crnsim.cli.parser import main
from crnsim.errors import InputError


def samples(kind: str) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(40, 3)), columns=["a", "b", "c"])
    total = frame.sum(axis=1)
    frame["out"] = {
        "words": np.where(total > 0, "big", "small"),
        "three": np.digitize(total, [-1, 1]),
        "numbers": total,
    }[kind]
    return frame


@pytest.mark.parametrize("kind", ["words", "three", "numbers"])
def test_a_frame_and_arrays_are_read_as_their_csv_file(kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    frame = samples(kind)
    frame.to_csv("mine.csv", index=False)
    asked = [
        crnsim.load_dataset("mine.csv", target="out", label="mine", replicate=2, seed=1),
        crnsim.load_dataset(frame, target="out", label="mine", replicate=2, seed=1),
        crnsim.load_dataset((frame[["a", "b", "c"]], frame["out"]), label="mine", replicate=2, seed=1),
        crnsim.load_dataset((frame[["a", "b", "c"]].to_numpy(), frame["out"].to_numpy()), label="mine", replicate=2,
                            seed=1),
    ]  # fmt: skip
    for other in asked[1:]:
        for name in ("x_train", "y_train", "x_test", "y_test"):
            assert np.array_equal(getattr(other, name), getattr(asked[0], name))
        assert other.task == asked[0].task
    assert asked[1].feature_names == asked[2].feature_names == ("a", "b", "c")
    assert asked[3].feature_names == ("x1", "x2", "x3")
    assert asked[1].target_names == asked[2].target_names == asked[0].target_names


def test_training_on_a_frame_is_training_on_its_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    frame = samples("words")
    frame.to_csv("mine.csv", index=False)
    options = {
        "target": "out",
        "label": "mine",
        "running_time": 5,
        "epochs": 1,
        "replicates": 2,
        "layers": (3, 3, 1),
    }
    one, two = crnsim.train(frame, **options), crnsim.train("mine.csv", **options)
    xr.testing.assert_identical(one.drop_vars("point_key"), two.drop_vars("point_key"))
    # A key knows the content of the data, not where they come from.
    assert one.point_key.values.tolist() == two.point_key.values.tolist()
    swept = crnsim.sweep(
        activations={"s": {"name": "squareplus"}},
        running_times=[5],
        replicates=2,
        datasets={"mine": {"data": frame, "target": "out", "epochs": 1, "layers": [3, 3, 1]}},
        trajectories={"replicates": 0},
        progress=False,
    )
    assert swept.data.score.values.ravel().tolist() == one.score.values.tolist()
    assert str(swept.place) not in swept.data.attrs["config"]


@pytest.mark.parametrize("command", ["train", "infer"])
def test_what_is_left_out_is_as_on_the_command_line(command, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    if command == "train":
        found = crnsim.train("or", replicates=2, epochs=2, record=True)
        assert main(["train", "or", "--replicates", "2", "--epochs", "2", "-o", "runs.nc"]) == 0
        # Epochs and running time are those of the data set.
        assert crnsim.train("or", running_time=5, max_steps=1).attrs["epochs"] == 200
    else:
        found = crnsim.infer("or", replicates=2)
        assert main(["infer", "or", "--replicates", "2", "-o", "runs.nc"]) == 0
    xr.testing.assert_identical(found, xr.load_dataset("runs.nc"))
    assert found.attrs["learning_rate"] == 0.2
    assert set(found.running_time.values.tolist()) == {100.0}


def test_a_circuit_of_ones_own_takes_the_schedule_of_the_data(monkeypatch):
    pot = crnsim.onepot((2, 3, 1), eps=0.01)
    found = crnsim.train(pot, "or", epochs=1, max_steps=1)
    assert set(found.running_time.values.tolist()) == {100.0}
    assert found.attrs["learning_rate"] == pytest.approx(1.0)
    same = crnsim.train(dataset="or", circuit=pot, running_time=100, epochs=1, max_steps=1)
    xr.testing.assert_identical(found, same)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (
            lambda: crnsim.train(np.zeros((12, 2))),
            "dataset is array.*give the name of a data set, the path of a CSV",
        ),
        (lambda: crnsim.train(crnsim.onepot((2, 3, 1)), np.zeros((12, 2))), "dataset is array"),
        (lambda: crnsim.train("xor", noise=0.05), "noise is 0.05; give a crnsim.Noise, or its keywords"),
        (lambda: crnsim.Noise(rates=5), "noise rates is 5; it must be at least 0 and at most 2; 5 % is 0.05"),
        (crnsim.train, "dataset is None; give the name"),
        (lambda: crnsim.train("xor", "xor"), "circuit is 'xor'; give a circuit"),
        (lambda: crnsim.train("xor", layers=(3, 1)), "layers \\(3, 1\\) do not fit xor: it has 2 features"),
        (
            lambda: crnsim.train(crnsim.onepot((2, 1)), "xor", layers=(2, 1)),
            "layers are those of the circuit",
        ),
        (lambda: crnsim.load_dataset(samples("words")), "which column is the target"),
        (lambda: crnsim.load_dataset(samples("words"), target="ot"), "no column 'ot'; did you mean 'out'"),
        (lambda: crnsim.load_dataset(samples("words"), target="out", label="xor"), "label is 'xor'"),
        (
            lambda: crnsim.load_dataset((np.zeros((12, 2)), np.zeros(11))),
            "have shapes \\(12, 2\\) and \\(11,\\)",
        ),
        (lambda: crnsim.load_dataset((np.zeros(12), np.zeros(12))), "x of \\(x, y\\) has shape \\(12,\\)"),
        (lambda: crnsim.load_dataset((np.eye(12)[:, :2], np.eye(12)[:, :3])), "classes as labels"),
        (lambda: crnsim.load_dataset((np.eye(12), np.zeros(12)), target="y"), "target is 'y'; leave it out"),
        (
            lambda: crnsim.load_dataset(samples("numbers").assign(b=np.nan), target="out"),
            "the DataFrame: row 0, column 'b': the cell is empty",
        ),
        (
            lambda: crnsim.load_dataset(samples("numbers").assign(b=pd.Timestamp(0)), target="out"),
            "row 0, column 'b': .* is neither a number nor a word",
        ),
        (
            lambda: crnsim.load_dataset(samples("numbers").set_axis(list("aacd"), axis=1), target="d"),
            "two columns are called 'a'",
        ),
    ],
)
def test_data_that_cannot_be_used_are_one_line(call, says):
    with pytest.raises(InputError, match=says):
        call()


def test_the_library_does_not_import_pandas_of_its_own_accord():
    code = "import crnsim.datasets.given, sys; sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, env=dict(os.environ)).returncode == 0
