"""The command line: each step by itself, and one clear line for each mistake."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import xarray as xr
from small_sweeps import write_sweep

from crnsim.cli.parser import _parser, main
from crnsim.store.points import read_points
from crnsim.sweep.config.reference import markdown

FAST = ["--epochs", "2", "--running-time", "5"]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """Run in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def complaint(capsys):
    """Return the one line that a command ends with."""

    def run(*words: str) -> str:
        try:
            status = main(words)
        except SystemExit as stop:
            status = stop.code
        captured = capsys.readouterr()
        assert status == 2
        assert captured.err.count("\n") == 1, captured.err
        assert captured.err.startswith("crnsim: ")
        return captured.err.removeprefix("crnsim: ").rstrip()

    return run


def test_show_tells_points_chunks_and_time_before_anything_runs(capsys, here):
    write_sweep(here / "small.yaml")
    assert main(["show", "small.yaml"]) == 0
    text = capsys.readouterr().out
    assert "12 points in 2 chunks" in text
    assert "0 of the chunks are there already" in text
    assert [path.name for path in here.iterdir()] == ["small.yaml"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"datasets": ["xorr"]}, "bad.yaml: line 14: datasets.xorr: unknown data set; did you mean 'xor'?"),
        ({"replicats": 3}, "bad.yaml: line 20: unknown key 'replicats'; did you mean 'replicates'?"),
        (
            {"noise": {"rates": {"magnitudes": [-0.1]}}},
            "bad.yaml: line 13: noise.rates.magnitudes[0] is -0.1; ",
        ),
        ({"running_times": [0]}, "bad.yaml: line 8: running_times[0] is 0; it must be 1e-09 or more"),
        ({"running_times": []}, "bad.yaml: line 7: running_times is empty; give at least one"),
        ({"datasets": {"xor": {"layers": [3, 4, 1]}}}, "bad.yaml: line 16: datasets.xor.layers: "),
    ],
)
@pytest.mark.parametrize("command", ["show", "plan"])
def test_wrong_sweep_is_one_line(complaint, here, command, changes, said):
    write_sweep(here / "bad.yaml", **changes)
    assert complaint(command, "bad.yaml").startswith(said.partition(": line ")[0])
    assert said.partition(": line ")[2].partition(": ")[2] in complaint(command, "bad.yaml")


def test_file_that_is_not_yaml_is_one_line(complaint, here):
    (here / "bad.yaml").write_text("a: [1\n")
    assert complaint("show", "bad.yaml").startswith("bad.yaml: line 2: not YAML: ")


def test_steps_by_hand_make_the_report(here, capsys):
    activations = {
        "smooth": {"name": "squareplus", "h": 0.1, "role": "smooth"},
        "sharp": {"name": "squareplus", "h": 0.0001, "role": "sharp"},
    }
    write_sweep(here / "small.yaml", activations=activations)
    assert main(["plan", "small.yaml"]) == 0
    plan = "results/small/plan.json"
    data = json.loads(Path(plan).read_text())
    for group in data["groups"]:
        name = f"{group['dataset']}-{group['circuit']}-{group['label']}"
        assert main(["build", plan, name]) == 0
        for chunk in group["chunks"]:
            assert main(["integrate", plan, chunk["key"]]) == 0
        if group["label"] == "smooth":
            assert main(["report", plan, "--partial"]) == 0
        assert main(["merge", plan, name]) == 0
    assert main(["robustness", plan]) == 0
    assert main(["report", plan]) == 0
    assert Path("reports/small.html").stat().st_size > 10_000
    assert Path("reports/small.partial.html").stat().st_size > 10_000
    assert Path("results/small/robustness.csv").read_text().count("\n") > 5
    assert read_points("results/small/summary/xor-onepot-sharp.nc").sizes["point"] == 12


def test_build_keeps_counts_stoichiometry_and_readable_reactions(here):
    write_sweep(here / "small.yaml")
    main(["plan", "small.yaml"])
    assert main(["build", "results/small/plan.json", "xor-onepot-smooth"]) == 0
    with xr.open_dataset("results/small/networks/xor-onepot-smooth.nc") as network:
        assert network.sizes["species"] == network.attrs["n_species"]
        assert network.sizes["reaction"] == network.attrs["n_reactions"]
        assert int(network["family_size"].sum()) == network.attrs["n_reactions"]
        assert set(network["stoichiometry_value"].values.tolist()) <= {-2, -1, 1, 2}
        assert int(network["stoichiometry_row"].max()) < network.sizes["species"]
        count = network.attrs["n_reactions"]
    text = Path("results/small/networks/xor-onepot-smooth.crn").read_text()
    lines = text.splitlines()
    assert sum("->" in line and not line.startswith("//") for line in lines) == count
    assert "init One 1" in lines


def test_steps_name_what_is_missing(complaint, here):
    assert complaint("merge", "plan.json", "x").startswith(
        "plan.json: there is no such plan; 'crnsim plan CONFIG"
    )
    write_sweep(here / "small.yaml")
    main(["plan", "small.yaml"])
    plan = "results/small/plan.json"
    assert complaint("merge", plan, "xor-onepot-smoth").startswith(
        "the plan has no group 'xor-onepot-smoth'; did you mean 'xor-onepot-smooth'?"
    )
    assert "is missing; 'crnsim integrate PLAN" in complaint("merge", plan, "xor-onepot-smooth")
    assert complaint("integrate", plan, "zz") == "the plan has no chunk with the key 'zz'"
    assert complaint("integrate", plan, "zz", "--workers", "0").startswith(
        "--workers is 0; it must be a whole number >= 1 and <= 1024"
    )
    assert "no chunk of the sweep small is there yet" in complaint("report", plan, "--partial")
    assert "there is no such file" in complaint("robustness", plan)


def test_damaged_chunk_is_one_line_and_in_the_log(complaint, here):
    write_sweep(here / "small.yaml", chunks={"cells": 100})
    main(["plan", "small.yaml"])
    plan = "results/small/plan.json"
    chunk = json.loads(Path(plan).read_text())["groups"][0]["chunks"][0]
    Path(chunk["path"]).parent.mkdir(parents=True)
    Path(chunk["path"]).write_bytes(b"")
    line = complaint("merge", plan, "xor-onepot-smooth", "--log", "merge.log")
    assert line == f"{chunk['path']} is damaged: it is empty; delete it and run the same command again"
    assert line in Path("merge.log").read_text()


def test_unexpected_error_of_a_step_is_one_line_and_a_traceback_in_its_log(here, capsys, monkeypatch):
    from crnsim.sweep.config import read as config

    write_sweep(here / "small.yaml")
    monkeypatch.setattr(config, "read_sweep", lambda *_: 1 / 0)
    assert main(["plan", "small.yaml", "--log", "plan.log"]) == 1
    error = capsys.readouterr().err
    assert error == "crnsim: unexpected ZeroDivisionError: division by zero; the details are in plan.log\n"
    assert "Traceback" in Path("plan.log").read_text()


def test_train_prints_final_numbers_and_keeps_the_result(capsys, here):
    assert main(["train", "xor", *FAST, "--replicates", "3", "--noise-rates", "0.1", "-o", "out.nc"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("xor 2-6-1, onepot with squareplus: 2 epochs, running time 5, noise rates 0.1\n")
    assert "median     3 of 3 ok" in text
    kept = read_points("out.nc")
    assert kept.sizes["point"] == 3
    assert kept.sizes["recorded"] == 1


def test_train_compares_with_gradient_descent(capsys):
    assert main(["train", "xor", "--epochs", "200", "--replicates", "3", "--sgd"]) == 0
    pot, _, sgd = capsys.readouterr().out.partition("gradient descent on the algebraic network")
    medians = [text.partition("median")[2] for text in (pot, sgd)]
    assert "3 of 3 ok      1" in medians[0]
    assert float(medians[1].split()[0]) == 1


def test_train_repeats_a_point_of_a_sweep(here, capsys):
    write_sweep(here / "small.yaml", chunks={"cells": 100})
    main(["plan", "small.yaml"])
    chunk = json.loads(Path("results/small/plan.json").read_text())["groups"][0]["chunks"][0]
    main(["integrate", "results/small/plan.json", chunk["key"]])
    noise = ["--noise-rates", "0.1", "--replicate", "2", "--h", "0.1"]
    main(["train", "xor", "--epochs", "2", "--running-time", "10", *noise, "-o", "one.nc"])
    one, swept = read_points("one.nc"), read_points(chunk["path"])
    (index,) = [i for i, key in enumerate(swept["point_key"].values) if key == one["point_key"].values[0]]
    for name in ("mse", "weights", "train_loss", "output"):
        assert (one[name].values[0] == swept[name].values[index]).all()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["xorr"], "unknown data set 'xorr'; did you mean 'xor'?"),
        (["xor", "--activation", "squarplus"], "unknown activation 'squarplus'; did you mean 'squareplus'?"),
        (["xor", "--h", "0"], "--h is 0.0; it must be a number >= 1e-30"),
        (["xor", "--activation", "relu", "--h", "0.1"], "activation relu has no parameter 'h'"),
        (["xor", "--layers", "2,a,1"], "--layers is '2,a,1'; give whole numbers such as 2,6,1"),
        (["xor", "--layers", "2"], "--layers has 1 of them; give 2 to 100, such as 2,6,1"),
        (["xor", "--layers", "3,6,1"], ""),
        (
            ["xor", "--noise-rates", "-0.1"],
            "--noise-rates is -0.1; it must be a number >= 0 and <= 2",
        ),
        (
            ["xor", "--noise-rates", "much"],
            "--noise-rates is 'much'; it must be a number >= 0 and <= 2",
        ),
        (["xor", "--running-time", "0"], "--running-time is 0.0; it must be a number >= 1e-09"),
        (["xor", "--epochs", "0"], "--epochs is 0; it must be a whole number >= 1"),
        (["xor", "--replicates", "0"], "--replicates is 0; it must be a whole number >= 1"),
        (["xor", "--set", "ka"], "--set ka: give a name and a value, such as ka=20"),
        (["xor", "--set", "kaa=1"], ""),
        (["xor", "--set", "ka=fast"], "onepot: ka is 'fast'; it must be a number >= 0"),
        (
            ["xor", "--set", "output=softmax"],
            "onepot: output is 'softmax'; use one of linear, algebraic_sigmoid",
        ),
        (["xor", "--set", "eps=1"], "--set eps: eps follows from --learning-rate and --running-time"),
        (["xor", "--circuit", "clockd"], "unknown circuit 'clockd'; "),
        (["xor", *FAST, "-o", "no/such/folder.txt/x.nc"], ""),
    ],
)
def test_each_mistake_of_train_is_one_line(complaint, here, words, said):
    (here / "no/such").mkdir(parents=True)
    (here / "no/such/folder.txt").write_text("")
    assert complaint("train", *words).startswith(said)


def test_describe_counts_and_shows_reactions(capsys):
    assert main(["describe", "onepot", "--layers", "2,6,1"]) == 0
    families = capsys.readouterr().out
    assert families.startswith("// onepot 2-6-1 with squareplus\n// 121 species, 307 reactions (")
    assert "->" in families
    assert main(["describe", "onepot", "--layers", "2,6,1", "--all"]) == 0
    reactions = capsys.readouterr().out
    count = int(families.partition(" species, ")[2].partition(" reactions")[0])
    assert sum("->{" in line for line in reactions.splitlines()) == count


def test_describe_shows_another_activation(capsys):
    assert main(["describe", "onepot", "--activation", "relu", "--kz", "100", "--layers", "2-3-1"]) == 0
    assert "kz_relu" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words", [["describe", "onepott"], ["describe", "onepot", "--layers", "2"], ["swep"], []]
)
def test_wrong_words_are_one_line(complaint, words):
    complaint(*words)


def test_reference_is_printed(capsys):
    assert main(["config-docs"]) == 0
    assert capsys.readouterr().out == markdown()
    assert main(["config-schema"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "Sweep"


def test_help_and_a_reader_that_leaves_are_no_trouble():
    def shell(line: str) -> subprocess.CompletedProcess:
        command = f"{sys.executable} -m crnsim {line}"
        return subprocess.run(
            ["bash", "-c", command],
            check=False,
            capture_output=True,
            text=True,
            cwd=Path(__file__).parent.parent,
        )

    assert "integrate" in shell("--help").stdout
    left = shell("describe onepot --all | head -1")
    assert left.stdout.count("\n") == 1
    assert left.stderr == ""


def test_a_message_is_short_and_harmless_whatever_it_names(capsys):
    for word in ("x" * 100_000, "\x1b[31mred"):
        assert main(["describe", word]) == 2
    assert main(["describe", "x" * 4000]) == 2
    said = capsys.readouterr().err
    assert "\x1b" not in said
    assert len(said) < 3500


COMMANDS = [
    name for action in _parser()._actions for name in action.choices or () if action.metavar == "COMMAND"
]


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_every_command_says_what_it_takes(name, capsys):
    with pytest.raises(SystemExit) as ended:
        main([*([name] if name else []), "--help"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: crnsim{' ' + name if name else ''} ")


@pytest.mark.parametrize("replicates", [1, 2])
def test_a_command_of_which_no_run_ended_well_is_no_success(replicates, capsys):
    words = ["xor", "--layers", "2,2,1", "--replicates", str(replicates), *FAST]
    assert main(["train", *words, "--max-steps", "1", "-o", "lost.nc"]) == 1
    assert main(["train", *words, "-o", "good.nc"]) == 0
    inference = ["infer", "xor", "--layers", "2,2,1", "--running-time", "5", "--weights"]
    assert main([*inference, "lost.nc"]) == 1
    assert main([*inference, "good.nc"]) == 0
    assert "step_limit" in capsys.readouterr().out


def test_what_was_not_trained_has_no_weights(complaint):
    Path("m.crn").write_text("A ->{1} 0; init A 1\n")
    assert main(["simulate", "m.crn", "--t", "1", "-o", "run.nc"]) == 0
    said = complaint("infer", "xor", "--layers", "2,2,1", "--running-time", "5", "--weights", "run.nc")
    assert said == "run.nc: this data set holds no trained weights; give the result of crnsim.train"
    assert (
        complaint("simulate", "m.crn", "--t", "1", "--species", ",") == "--species ,: give names, such as A"
    )


def test_ctrl_c_while_options_are_read_is_one_line(capsys, monkeypatch):
    def pressed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("crnsim.cli.parser._parser", pressed)
    assert main(["show", "sweep.yaml"]) == 130
    assert capsys.readouterr().err == "crnsim: interrupted\n"


def test_a_report_is_shown_in_the_browser(finished, capsys, monkeypatch):
    shown = []
    monkeypatch.setattr("webbrowser.open", lambda address: shown.append(address) or True)
    page = Path("reports/small.html")
    page.unlink()
    assert main(["report", "small.yaml", "--open"]) == 0
    assert shown == [page.resolve().as_uri()]
    assert page.exists()
    monkeypatch.setattr("webbrowser.open", lambda _: False)
    assert main(["report", "small.yaml", "--open"]) == 2
    assert capsys.readouterr().err == "crnsim: no browser can be started; the report is reports/small.html\n"


def test_a_report_of_a_file_that_has_changed_is_refused(finished, capsys):
    text = Path("small.yaml").read_text()
    Path("small.yaml").write_text(text.replace("replicates: 3", "replicates: 4"))
    assert main(["report", "small.yaml"]) == 2
    assert "small.yaml: replicates changed since results/small/plan.json was made" in capsys.readouterr().err
    Path("small.yaml").write_text(text)
    assert main(["report", "small.yaml"]) == 0
    assert capsys.readouterr().out == f"Report: {Path('reports/small.html').resolve()}\n"
    assert main(["status", "small.yaml"]) == 0


def test_results_are_not_called_something_else(here, capsys):
    assert main(["train", "xor", "-o", "a.csv"]) == 2
    assert capsys.readouterr().err == "crnsim: -o a.csv: the result is NetCDF; give a name that ends in .nc\n"
