"""`crnsim verify`: what is stored is what is computed, and one bit that is not is found."""

from __future__ import annotations

import json
import shlex
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from small_sweeps import SMOOTH, compute_sweep

from crnsim import provenance
from crnsim.cli.parser import main
from crnsim.errors import DamagedFileError, InputError
from crnsim.store.files import write_dataset
from crnsim.store.points import read_points
from crnsim.sweep.inspect import verify as verifying
from crnsim.sweep.inspect.folder import open_folder
from crnsim.sweep.inspect.verify import choose, open_plan

PLAN = "results/small/plan.json"


def chosen(folder: Path, count: int, seed: int = 0, group: str = ""):
    opened = open_folder(folder)
    return choose(opened, open_plan(opened), count, seed, group)


def change(folder: Path, name: str, by) -> tuple[Path, str]:
    """Change a variable of one stored point that keeps trajectories; return its file and key."""
    path = next(
        c for c in sorted(folder.glob("chunks/xor/onepot-smooth/*.nc")) if "recorded" in read_points(c).dims
    )
    data = read_points(path)
    key = data["recorded"].values.tolist()[0]
    dim = "recorded" if name == "trajectory" else "point"
    index = data["recorded" if dim == "recorded" else "point_key"].values.tolist().index(key)
    values = data[name].values.astype(object if name == "reason" else data[name].dtype)
    values[index] = by(values[index])
    write_dataset(data.assign({name: (data[name].dims, values, data[name].attrs)}), path)
    return path, key


def one_bit(value):
    """Return the value, or the array in one place, changed in its last bit."""
    changed = np.array(value)
    changed.flat[changed.size // 2] = np.nextafter(changed.flat[changed.size // 2], changed.dtype.type(9))
    return changed


def pretend_elsewhere(monkeypatch) -> None:
    monkeypatch.setattr(provenance, "processor", lambda: "Linux aarch64 another-kind")


def run(*words: str, capsys) -> tuple[int, str]:
    status = main(["verify", "results/small", "--group", "xor-onepot-smooth", *words])
    said = capsys.readouterr()
    return status, said.out + said.err


def test_what_was_computed_here_has_the_same_bits(finished, capsys):
    before = {path: path.read_bytes() for path in Path().rglob("*.nc")}
    assert main(["verify", "results/small"]) == 0
    text = capsys.readouterr().out
    assert text.count("same bits\n") == 9
    assert text.endswith("\n8 points computed again: 8 same bits\n")  # and no excuse why they need not be
    assert {path: path.read_bytes() for path in before} == before


def test_points_are_chosen_at_random_from_all_groups_and_the_same_for_the_same_seed(finished):
    few = chosen(finished, 8)
    assert Counter(sample.group.name for sample in few) == {"xor-onepot-smooth": 4, "xor-onepot-sharp": 4}
    assert [sample.point.key for sample in few] == [sample.point.key for sample in chosen(finished, 8)]
    assert {sample.point.key for sample in few} != {
        sample.point.key for sample in chosen(finished, 8, seed=1)
    }
    # More of them are the same and others, and never one twice.
    assert [s.point.key for s in chosen(finished, 12)][:8] == [sample.point.key for sample in few]
    every = chosen(finished, 1000)
    assert len({sample.point.key for sample in every}) == len(every) == 24
    for sample in every:
        assert sample.point.key in read_points(sample.path)["point_key"].values
    assert {sample.group.name for sample in chosen(finished, 5, group="xor-onepot-sharp")} == {
        "xor-onepot-sharp"
    }


def test_points_of_missing_chunks_are_not_chosen(finished):
    first, *_ = sorted(finished.glob("chunks/xor/onepot-smooth/*.nc"))
    first.unlink()
    assert Counter(sample.group.name for sample in chosen(finished, 1000)) == {
        "xor-onepot-smooth": 6,
        "xor-onepot-sharp": 12,
    }
    shutil.rmtree(finished / "chunks")
    with pytest.raises(InputError, match="no chunk of the sweep small is there yet in results/small"):
        chosen(finished, 1)


@pytest.mark.parametrize("name", ["weights", "trajectory", "train_loss", "mse", "output"])
def test_one_bit_that_differs_is_found_and_the_point_is_named(finished, capsys, name):
    path, key = change(finished, name, one_bit)
    status, text = run("--points", "12", capsys=capsys)
    assert status == 1
    assert "12 points computed again: 11 same bits, 1 different" in text
    assert f"{key} in {path}\n  {name}: " in text


def test_the_command_that_is_named_computes_the_point(finished, capsys):
    path, key = change(finished, "mse", one_bit)
    _, text = run("--points", "12", capsys=capsys)
    (line,) = [line for line in text.splitlines() if line.startswith("  to compute it alone: crnsim train ")]
    assert main([*shlex.split(line.partition("crnsim ")[2]), "-o", "one.nc"]) == 0
    one = read_points("one.nc")
    assert one["point_key"].values.tolist() == [key]
    stored = read_points(path)
    index = stored["point_key"].values.tolist().index(key)
    assert one["weights"].values[0].tobytes() == stored["weights"].values[index].tobytes()


def test_words_counts_and_attributes_are_compared_too(finished, capsys):
    change(finished, "reason", lambda reason: "none")
    change(finished, "steps", lambda steps: steps + 1)
    path, _ = change(finished, "expected", lambda expected: expected + 1)
    write_dataset(read_points(path).assign_attrs(max_steps=7), path)
    status, text = run("--points", "12", capsys=capsys)
    assert status == 1
    assert "reason: stored 'none', computed ''" in text
    assert "steps: stored" in text
    assert "expected: 4 of 4 values differ" in text
    assert text.count("attribute max_steps: stored 7, computed") == 6


def test_on_another_kind_of_processor_values_may_differ_a_little(finished, capsys, monkeypatch):
    change(finished, "weights", one_bit)
    # A tenth of rtol = 1e-3 of the largest weight is allowed; half of that is changed.
    change(finished, "weights", lambda weights: weights + 5e-5 * np.abs(weights).max())
    pretend_elsewhere(monkeypatch)
    status, text = run("--points", "12", capsys=capsys)
    assert status == 0
    assert "12 points computed again: 11 same bits, 1 within tolerance" in text
    assert "equal bits are no must here: computed on another kind of processor: " in text


@pytest.mark.parametrize(
    ("name", "by", "said"),
    [
        ("weights", lambda weights: weights + 2e-4 * np.abs(weights).max(), "weights: "),
        ("output", lambda output: output + np.float32(1e-3) * np.abs(output).max(), "output: "),
        ("trajectory", lambda values: values + np.float32(1e-3) * values.max(), "trajectory: "),
        ("mse", lambda mse: mse * 1.001, "mse: stored"),
        ("mse", lambda mse: np.nan, "mse: stored nan"),
        (
            "status",
            lambda status: 1,
            "status: stored diverged, computed ok; near the margin a run may end either way",
        ),
        ("steps", lambda steps: steps * 2, "steps: stored"),
    ],
)
def test_more_than_a_little_is_different_on_any_processor(finished, capsys, monkeypatch, name, by, said):
    change(finished, name, by)
    pretend_elsewhere(monkeypatch)
    status, text = run("--points", "12", capsys=capsys)
    assert status == 1
    assert "11 same bits, 1 different" in text
    assert f"\n  {said}" in text


@pytest.mark.parametrize(("by", "status"), [(0.5, 0), (0.75, 1)])
def test_a_score_may_differ_by_a_sample_at_the_margin(finished, capsys, monkeypatch, by, status):
    # XOR has two samples of each of two classes: one of them is half of the score above chance.
    change(finished, "score", lambda score: score + by if score < 0.5 else score - by)
    pretend_elsewhere(monkeypatch)
    assert run("--points", "12", capsys=capsys)[0] == status


def test_without_a_note_of_libraries_or_processor_bits_are_no_must(finished, capsys):
    path, _ = change(finished, "weights", one_bit)
    account = path.with_suffix(".json")
    account.write_text(json.dumps(json.loads(account.read_text()) | {"processors": {}}))
    status, text = run("--points", "12", capsys=capsys)
    assert status == 0
    assert "nobody noted on which kind of processor" in text
    write_dataset(read_points(path).assign_attrs(libraries="python 2.7"), path)
    assert "computed with other libraries: python 2.7" in run("--points", "12", capsys=capsys)[1]


def test_points_that_lost_their_worker_are_no_difference(finished, capsys):
    change(finished, "status", lambda status: 3)
    status, text = run("--points", "12", capsys=capsys)
    assert status == 0
    assert "11 same bits, 1 nothing to compare" in text


def test_results_of_another_version_are_refused_in_one_line(finished, capsys):
    plan = Path(PLAN)
    plan.write_text(json.dumps(json.loads(plan.read_text()) | {"code_hash": "0123"}))
    status, text = run(capsys=capsys)
    assert status == 2
    assert text.startswith(
        "crnsim: results/small: computed by crnsim 0.1.0 (code 0123); numbers of one version cannot"
    )
    assert text.count("\n") == 1


def test_damage_is_named(finished):
    for chunk in finished.glob("chunks/xor/onepot-smooth/*.nc"):
        chunk.write_bytes(b"")
    opened = open_folder(finished)
    with pytest.raises(DamagedFileError, match="is damaged: it is empty"):
        list(verifying.verify(open_plan(opened), chosen(finished, 1, group="xor-onepot-smooth")))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--points", "0"], "--points is 0; it must be a whole number >= 1"),
        (
            ["--group", "xor-onepot-smoth"],
            "there is no group 'xor-onepot-smoth'; did you mean 'xor-onepot-smooth'?",
        ),
    ],
)
def test_mistakes_are_one_line(finished, capsys, words, said):
    assert main(["verify", "results/small", *words]) == 2
    assert capsys.readouterr().err.startswith(f"crnsim: {said}")


def test_a_sweep_of_given_weights_and_a_file_of_ones_own_is_verified(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rows = "".join(f"{x / 7:.3f},{(x * x) % 11 / 11:.3f},{'ab'[x % 2]}\n" for x in range(20))
    Path("own.csv").write_text(f"one,two,kind\n{rows}")
    compute_sweep(
        tmp_path,
        mode="inference",
        circuit="feedforward",
        weights="sgd",
        activations={"smooth": SMOOTH},
        datasets={"own": {"file": "own.csv", "target": "kind", "layers": [2, 3, 1]}},
        running_times=[5],
        noise={"concentrations": {"magnitudes": [0.1]}},
    )
    assert main(["verify", "results/small"]) == 0
    assert "6 points computed again: 6 same bits" in capsys.readouterr().out
    Path("own.csv").rename("away.csv")
    assert main(["verify", "results/small"]) == 2
    assert "own.csv: there is no such file" in capsys.readouterr().err
    # A check does without it, and says what it could not do.
    assert main(["check", "results/small"]) == 0
    assert "points are not compared with the plan, only counted: own.csv" in capsys.readouterr().out
