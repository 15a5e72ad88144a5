"""Sweeps from Python: the same numbers and bytes as the workflow's, labelled, drawn, and what is wrong with a call."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr
import yaml
from matplotlib.axes import Axes
from small_sweeps import SHARP, SMOOTH, small_sweep

import crnsim
from crnsim.errors import ConfigError, InputError
from crnsim.interactive.progress import Progress
from crnsim.store.files import write_dataset
from crnsim.sweep.config.read import read_sweep

mpl.use("agg")

TWO = {"smooth": SMOOTH, "sharp": SHARP}


@pytest.fixture(scope="module")
def result() -> crnsim.SweepResult:
    return crnsim.sweep(small_sweep(activations=TWO), progress=False)


def test_a_sweep_from_python_is_that_of_the_workflow_byte_for_byte(result, computed_once, tmp_path):
    done = computed_once / "results" / "small"
    assert set(result.summaries) == {file.stem for file in (done / "summary").glob("*.nc")}
    for name, summary in result.summaries.items():
        write_dataset(summary, tmp_path / "one.nc")
        assert (tmp_path / "one.nc").read_bytes() == (done / "summary" / f"{name}.nc").read_bytes()
    write_dataset(result.metrics, tmp_path / "tables.nc")
    assert (tmp_path / "tables.nc").read_bytes() == (done / "robustness.nc").read_bytes()


def test_the_cube_holds_each_number_under_its_labels(result):
    data = result.data
    assert dict(data.sizes) | {
        "dataset": 1,
        "design": 2,
        "running_time": 2,
        "level": 2,
        "replicate": 3,
    } == dict(data.sizes)
    assert data.level.values.tolist() == ["no noise", "rates 0.1"]
    assert data.noise_rates.values.tolist() == [0.0, 0.1]
    assert data.role.values.tolist() == ["smooth", "sharp"]
    for name, summary in result.summaries.items():
        label = name.rpartition("-")[2]
        for index in range(summary.sizes["point"]):
            one = summary.isel(point=index)
            cell = data.sel(
                dataset="xor",
                design=label,
                running_time=float(one.running_time),
                level="no noise" if str(one.noise_kind.values) == "none" else "rates 0.1",
                replicate=int(one.replicate),
            )
            assert float(cell.score) == float(one.score)
            assert int(cell.steps) == int(one.steps)
            assert np.array_equal(cell.train_loss.values, one.train_loss.values.astype(float))
            assert int(cell.status) == int(one.status)


def test_a_cube_of_unlike_designs_says_where_there_is_no_run(monkeypatch):
    found = crnsim.sweep(
        small_sweep(
            activations=TWO,
            datasets={
                "xor": {"epochs": 1},
                "or": {"epochs": 2, "activations": ["sharp"], "running_times": [5]},
            },
            replicates=2,
            noise={},
        ),
        progress=False,
    ).data
    missing = found.status == -1
    assert int(missing.sum()) == 6
    assert bool(missing.sel(dataset="or", design="smooth").all())
    assert bool(np.isnan(found.score.where(missing, drop=True)).all())
    assert found.epoch.values.tolist() == [1, 2]
    assert bool(np.isnan(found.train_loss.sel(dataset="xor", epoch=2)).all())


def test_a_result_is_written_and_drawn(result, tmp_path):
    result.to_netcdf(tmp_path / "a.nc")
    result.to_netcdf(tmp_path / "b.nc")
    assert (tmp_path / "a.nc").read_bytes() == (tmp_path / "b.nc").read_bytes()
    xr.testing.assert_equal(xr.load_dataset(tmp_path / "a.nc"), result.data)
    page = result.report(tmp_path / "page.html").read_text()
    assert page.lower().startswith("<!doctype html>")
    assert str(result.place) not in page
    for ax in (
        result.plot.map(),
        result.plot.map("xor", "sharp", noise="rates"),
        result.plot.curves(),
        result.plot.curves(noise="running_time"),
        result.plot.learning(level="rates 0.1", running_time=5),
        result.plot.trajectories(),
        result.plot.trajectories("xor", "sharp", signals="Inputs"),
    ):
        assert isinstance(ax, Axes)
        assert ax.get_title()
    own = mpl.figure.Figure().add_subplot()
    assert result.plot.curves(ax=own) is own
    # The score in the middle of the map is that of the table.
    texts = [text.get_text() for text in result.plot.map("xor", "smooth").texts]
    means = result.data.score.sel(dataset="xor", design="smooth").mean("replicate")
    assert texts == [f"{value:.2f}" for value in means.values.ravel()]


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda plot: plot.map("iris"), "dataset is 'iris'; known: xor"),
        (lambda plot: plot.map(design="smoth"), "did you mean 'smooth'"),
        (lambda plot: plot.curves(noise=0.1), "noise is 0.1; give one of rates, running_time"),
        (lambda plot: plot.curves(running_time=7), "running_time is 7; the sweep has 5, 10"),
        (lambda plot: plot.learning(level="rates 0.2"), "level is 'rates 0.2'"),
        (lambda plot: plot.trajectories(replicate=2), "no trajectory of replicate 2 at running time 10"),
        (lambda plot: plot.trajectories(signals="Hidden"), "signals is 'Hidden'"),
        (lambda plot: plot.map(ax=3), "ax is 3; give Matplotlib axes"),
    ],
)
def test_a_drawing_of_what_is_not_there_is_one_line(result, call, says):
    with pytest.raises(InputError, match=says):
        call(result.plot)


def test_a_result_shows_what_it_is_and_escapes_it(result):
    assert "2 designs (smooth, sharp); 24 runs, 24 ok" in repr(result)
    assert "smooth against sharp" in repr(result)
    odd = crnsim.sweep(small_sweep(title="<b>&", noise={}, replicates=1, running_times=[5]), progress=False)
    assert "&lt;b&gt;&amp;" in odd._repr_html_()
    assert "<b>&" not in odd._repr_html_().replace("<div><b>&lt;", "")


def test_the_tables_of_a_result_are_a_tree(result, computed_once):
    tree = result.robustness()
    assert set(tree.children) == {"cell", "curve", "sensitivity", "paired", "verdict", "claim"}
    assert np.array_equal(tree["cell"]["score"].values, result.metrics["cell_score"].values)
    same = crnsim.robustness_tree(computed_once / "results" / "small" / "robustness.nc")
    assert same.identical(tree)
    assert result.verdicts["verdict"].tolist() == result.metrics["verdict_verdict"].values.tolist()
    with pytest.raises(InputError, match="not the tables of a sweep"):
        crnsim.robustness_tree(result.data)


def test_a_file_a_mapping_and_keywords_mean_the_same(tmp_path):
    keys = small_sweep(noise={}, replicates=1, running_times=[5])
    file = tmp_path / "small.yaml"
    file.write_text(yaml.safe_dump(keys))
    asked = [
        crnsim.sweep(file, progress=False),
        crnsim.sweep(progress=False, **keys),
        crnsim.sweep(keys | {"seed": 3}, seed=np.int64(0), running_times=np.array([5.0]), progress=False),
    ]
    for other in asked[1:]:
        xr.testing.assert_identical(
            other.summaries["xor-onepot-smooth"], asked[0].summaries["xor-onepot-smooth"]
        )


def test_a_folder_is_gone_on_with_by_python_and_by_snakemake(finished, tmp_path, monkeypatch):
    # The workflow's own results are there: nothing is computed again.
    monkeypatch.setattr(
        "crnsim.interactive.sweep.integrate_chunk", lambda *given, **options: pytest.fail("ran")
    )
    before = {file: file.read_bytes() for file in Path("results").rglob("*.nc") if "chunks" not in file.parts}
    found = crnsim.sweep("small.yaml", folder=".", progress=False)
    assert found.data.sizes["replicate"] == 3
    assert {file: file.read_bytes() for file in before} == before
    # What Snakemake would do is the page alone.
    home = Path(crnsim.__file__).parent.parent
    words = f"-n --cores 1 --configfile small.yaml --snakefile {home}/Snakefile"
    dry = subprocess.run(
        [sys.executable, "-m", "snakemake", *words.split()],
        capture_output=True,
        text=True,
        check=False,
        env={
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(Path(crnsim.__file__).parent.parent),
            "HOME": str(tmp_path),
        },
    )
    assert dry.returncode == 0, dry.stderr
    said = " ".join((dry.stdout + dry.stderr).split())
    for rule in ("plan", "build", "integrate", "merge", "robustness"):
        assert f"rule {rule}:" not in said
        assert f"checkpoint {rule}:" not in said


def test_replicates_are_added_look_by_look():
    keys = small_sweep(
        activations=TWO, running_times=[5], replicates={"from": 10, "to": 20}, noise={"rates": [0.1]}
    )
    found = crnsim.sweep(keys, progress=False)
    assert found.data.sizes["replicate"] in (10, 20)
    assert (found.place / "results" / "small" / "looks" / "1.json").exists()
    assert json.loads(found.metrics.attrs["looks"]) == {"xor": [10, 20]}


def test_workers_give_the_same_numbers_to_a_script_that_guards_nothing(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\n"
        f"sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from small_sweeps import small_sweep\n"
        "import crnsim\n"
        "print('once')\n"
        "runs = crnsim.sweep(small_sweep(), workers=2, progress=False)\n"
        "runs.to_netcdf('two.nc')\n"
        "crnsim.sweep(small_sweep(), progress=False).to_netcdf('one.nc')\n"
    )
    done = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=900
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "once\n"
    assert (tmp_path / "one.nc").read_bytes() == (tmp_path / "two.nc").read_bytes()


def test_all_mistakes_of_a_call_are_named_with_their_place(tmp_path):
    file = tmp_path / "bad.yaml"
    file.write_text(
        "replicats: 3\nrunning_times: [10, -1]\nactivations:\n  a: {name: squarplus}\ndatasets: [xorr]\n"
    )
    with pytest.raises(ConfigError) as error:
        crnsim.sweep(file, noise={"rates": [5]})
    lines = str(error.value).split("\n")
    assert len(lines) == 5
    assert lines[0].startswith(f"{file}: line 1: unknown key 'replicats'; did you mean 'replicates'?")
    for place, what in (
        (f"{file}: line 2: ", "running_times[1] is -1"),
        ("crnsim.sweep: ", "noise.rates.magnitudes[0] is 5; it must be 2 or less; 5 % is 0.05"),
        (f"{file}: line 4: ", "activations.a.name: unknown activation 'squarplus'"),
        (f"{file}: line 5: ", "datasets.xorr: unknown data set; did you mean 'xor'?"),
    ):
        assert any(line.startswith(f"{place}{what}") for line in lines), lines
    assert error.value.mistakes == tuple(lines)


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"noise": crnsim.Noise(rates=0.1)}, "noise is Noise\\(rates=0.1\\); give magnitudes by kind"),
        ({"datasets": np.zeros((3, 2))}, "datasets must be a list of names|datasets"),
        ({"datasets": {"mine": (np.zeros((12, 2)), np.zeros(11))}}, "datasets.mine: x and y of"),
        ({"datasets": {"xor": (np.zeros((12, 2)), np.zeros(12))}}, "datasets.xor: the name of a data set"),
        ({"replicates": object()}, "replicates is <object object"),
        ({"workers": 0}, "workers is 0"),
        ({"progress": 3}, "progress is 3; give True, False, or a function"),
        ({"folder": 3}, "folder is 3"),
        ({"nothing": 1}, "crnsim.sweep: unknown key 'nothing'"),
    ],
)
def test_a_wrong_argument_is_named(keys, says):
    with pytest.raises(InputError, match=says):
        crnsim.sweep(small_sweep(), **({"progress": False} | keys))
    with pytest.raises(InputError, match="config is 3; give the path of a sweep file"):
        crnsim.sweep(3)


def test_progress_is_told_to_a_function_and_drawn_on_a_terminal(monkeypatch):
    shares: list[float] = []
    crnsim.sweep(small_sweep(noise={}, replicates=1, running_times=[5]), progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stderr", screen := Terminal())
    with Progress("3 runs", None) as bar:
        bar.update(0.5)
        bar.update(1.0)
    assert "3 runs [" in screen.getvalue()
    assert "100%" in screen.getvalue()
    monkeypatch.setattr(sys, "stderr", silent := io.StringIO())
    with Progress("3 runs", None) as bar:
        bar.update(1.0)
    assert silent.getvalue() == ""


TINY = {
    "datasets": {"xor": {"epochs": 1, "layers": [2, 2, 1]}},
    "activations": {"a": {"name": "squareplus", "h": 0.1}},
    "running_times": [2],
    "replicates": 1,
    "progress": False,
}
DECAY = {
    "observables": {"w": {"value": "B", "target": 1.0, "tolerance": 0.3}},
    "running_times": [2],
    "noise": {"rates": [0.1]},
    "replicates": 1,
    "progress": False,
}


def test_no_file_of_the_users_is_written_over(tmp_path, caplog):
    own = tmp_path / "sweep.yaml"
    own.write_text("# mine\n")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "network.crn").write_text("mine")
    crnsim.sweep(**TINY, folder=tmp_path)
    assert own.read_text() == "# mine\n"
    assert "stays as it is" in caplog.text
    crnsim.sweep(**TINY, folder=tmp_path, name="other")
    assert "h: 0.1" in (tmp_path / "other.yaml").read_text()
    crnsim.sweep(
        **TINY | {"activations": {"a": {"name": "squareplus", "h": 7.0}}}, folder=tmp_path, name="other"
    )
    assert "h: 7.0" in (tmp_path / "other.yaml").read_text()
    # The network beside the results is that of the results.
    assert "7" in (tmp_path / "results" / "other" / "networks" / "xor-onepot-a.crn").read_text()
    for name, rate, score in (("fast", 1.0, 1.0), ("slow", 0.01, 0.0)):
        network = crnsim.read_crn(f"A ->{{{rate}}} B; init A 1")
        found = crnsim.sweep(**DECAY, network=network, folder=tmp_path, name=name)
        assert (found.data.score == score).all()
    again = crnsim.sweep(tmp_path / "fast.yaml", folder=tmp_path, progress=False)
    assert (again.data.score == 1.0).all()
    assert (tmp_path / "data" / "network.crn").read_text() == "mine"
    with pytest.raises(ConfigError):
        crnsim.sweep(
            **TINY | {"datasets": {"m": (np.eye(20), np.arange(20) % 2)}, "replicates": 0}, folder=tmp_path
        )
    assert not list((tmp_path / "data").glob("m-*"))


def test_snakemake_finds_data_from_memory(tmp_path, monkeypatch):
    x = np.random.default_rng(0).normal(size=(20, 2))
    settings = {"data": (x, x.sum(axis=1) > 0), "epochs": 1}
    crnsim.sweep(**TINY | {"datasets": {"sums": settings}}, folder=tmp_path / "a", name="mine")
    monkeypatch.chdir(tmp_path / "a")
    assert read_sweep("mine.yaml").sources["sums"]


def test_a_result_knows_no_temporary_folder_and_is_not_changed_through_its_config():
    x = np.random.default_rng(0).normal(size=(20, 2))
    both = [crnsim.sweep(**TINY | {"datasets": {"sums": (x, x[:, 0] > 0)}}) for _ in range(2)]
    assert both[0].config == both[1].config
    for one, other in zip(both[0].summaries.values(), both[1].summaries.values(), strict=True):
        assert one.identical(other)
        assert "crnsim-sweep-" not in str(one.attrs)
    both[0].config["datasets"].clear()
    assert both[0].config == both[1].config


def test_many_designs_are_drawn_one_by_one_and_levels_have_names_of_their_own():
    network = crnsim.read_crn("k = 1; A ->{k} B; init A 1")
    values = [round(0.5 + 0.25 * n, 2) for n in range(8)]
    found = crnsim.sweep(
        **DECAY | {"noise": {"rates": [0.1234561, 0.1234562]}}, network=network, parameters={"k": values}
    )
    for design in found.data.design.values:
        found.plot.map(design=str(design))
    assert len(set(found.data.level.values.tolist())) == 3
    plt.close("all")


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"datasets": {"m": {"data": np.eye(3)}}}, ["datasets.m: data is"]),
        (
            {"datasets": {"m": {"data": (np.eye(20), np.arange(20) % 2), "file": "a.csv"}}},
            ["both data and file"],
        ),
        ({"activations": {True: {"name": "relu"}, "True": {"name": "relu"}}}, ["two keys are the same text"]),
        ({"datasets": {"m": {"data": (np.eye(20), np.arange(20) % 2), "task": "x"}}}, ["datasets.m"]),
        (
            {"datasets": {"m": (np.eye(20), np.arange(19))}, "circuit": "onepott", "foo": 1, "replicates": 0},
            ["datasets.m: x and y", "unknown key 'foo'", "replicates is 0", "unknown circuit 'onepott'"],
        ),
        (
            {"name": "../x", "datasets": ["xorr"], "circuit": "onepott"},
            ["name: '../x'", "datasets.xorr", "'onepott'"],
        ),
    ],
)
def test_mistakes_beside_data_from_memory(keys, says):
    with pytest.raises(ConfigError) as error:
        crnsim.sweep(**TINY | keys)
    assert len(error.value.mistakes) == len(says), error.value
    for one in says:
        assert sum(one in line for line in error.value.mistakes) == 1, (one, error.value)
    assert "/tmp" not in str(error.value)


def test_a_file_that_is_open_here_is_not_damaged(tmp_path):
    crnsim.sweep(**TINY, folder=tmp_path)
    with xr.open_dataset(tmp_path / "results" / "sweep" / "robustness.nc") as there:
        assert (
            len(there.cell)
            == crnsim.robustness_tree(tmp_path / "results/sweep/robustness.nc")["cell"].sizes["row"]
        )


def test_the_bits_of_a_run_do_not_hang_on_its_recording():
    """A side step to a recorded time that does not pass once took back the whole step."""
    sweep = TINY | {
        "datasets": {"xor": {"epochs": 5, "layers": [2, 3, 1]}},
        "activations": {"a": {"name": "squareplus", "h": 0.0001}},
        "running_times": [10],
        "replicates": 6,
        "noise": {"rates": [0.2, 0.3]},
    }
    plain = crnsim.sweep(**sweep, trajectories={"replicates": 0}).summaries["xor-onepot-a"]
    recorded = crnsim.sweep(**sweep, trajectories={"replicates": 6, "cells": "all"}).summaries["xor-onepot-a"]
    assert recorded.sizes["recorded"] == plain.sizes["point"]
    for name in ("steps", "rejected", "weights", "train_loss", "output", "score"):
        np.testing.assert_array_equal(plain[name], recorded[name])
