"""Results from elsewhere: what a plan, an account or a NetCDF file says is held against the rest, and never obeyed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from odd import check_line, fuzzed, judged, odd_values

from crnsim.cli import main
from crnsim.errors import CrnsimError, DamagedFileError
from crnsim.store.files import digest, read_dataset, write_dataset
from crnsim.store.hdf5 import declared_bytes
from crnsim.store.points import read_points
from crnsim.sweep.plan.permission import permitted
from crnsim.sweep.plan.plan_file import PlanFile, read_plan_file

PLAN = "results/small/plan.json"


def chunk_of(finished) -> Path:
    return min((finished / "chunks/xor/onepot-smooth").glob("*.nc"))


def complaint(capsys, *words) -> str:
    """Return the one line with which a command ends."""
    capsys.readouterr()
    assert main(list(words)) == 2
    said = capsys.readouterr().err
    assert said.startswith("crnsim: ")
    assert said.count("\n") == 1
    return said.removeprefix("crnsim: ").strip()


def altered(path: Path, change, *, with_account: bool) -> None:
    """Change a chunk or a summary, and the account beside it along with it if asked for."""
    data = read_points(path)
    change(data)
    write_dataset(data, path)
    if with_account:
        account = path.with_suffix(".json")
        account.write_text(json.dumps(json.loads(account.read_text()) | {"sha256": digest(path)}))


def set_value(name, value, index=0):
    def change(data):
        data[name].values[index] = value

    return change


def reversed_kinds(data):
    data["noise_kind"].values[:] = data["noise_kind"].values[::-1].copy()


#: What is changed, and what is said of it where the account was changed along.
CHANGES = [
    (set_value("score", 0.123), None),
    (set_value("score", np.inf), "a score is not between 0 and 1"),
    (set_value("mse", -0.5), "a value of mse is below 0 or not finite"),
    (set_value("algebraic_mse", np.inf), "a value of algebraic_mse is below 0 or not finite"),
    (set_value("h_eff", -1.0), "a value of h_eff is below 0 or not finite"),
    (lambda data: data.coords.update({"epoch": data["epoch"].values[::-1].copy()}), "the values of epoch do not grow"),
    (set_value("score", 1.1), "a score is not between 0 and 1"),
    (set_value("score", -0.1), "a score is not between 0 and 1"),
    (set_value("score", np.nan), "a score is not between 0 and 1"),
    (set_value("status", -1), "a status is none of the outcomes there are"),
    (set_value("status", 5), "a status is none of the outcomes there are"),
    (lambda data: data["status"].values.__setitem__(data["score"].values.argmax(), 1), "that is not ok has a score"),
    (set_value("replicate", 7), "its replicate differs from the plan"),
    (set_value("seed", 3), "its seed differs from the plan"),
    (set_value("running_time", 6.0), "its running_time differs from the plan"),
    (set_value("running_time", np.nan), "a running time is not above 0"),
    (set_value("noise_rates", 0.7), "its noise_rates differs from the plan"),
    (set_value("noise_inputs", 0.7), "its noise_inputs differs from the plan"),
    (set_value("noise_rates", -0.1), "a value of noise_rates is below 0"),
    (set_value("steps", -1), "a value of steps is below 0"),
    (set_value("accuracy", 2.0), "a value of accuracy is not between 0 and 1"),
    (set_value("point_key", "0" * 32), "points that are not the"),
    (lambda data: data["point_key"].values.__setitem__(0, data["point_key"].values[1]), "a point occurs twice"),
    (reversed_kinds, "its noise_kind differs"),
    (lambda data: data.attrs.update(layers="[2, 5, 1]"), "it holds layers"),
    (lambda data: data.attrs.update(epochs=99), "it holds epochs 99 where the plan has"),
    (lambda data: data.attrs.update(dataset="iris"), "it holds dataset iris where the plan has xor"),
    (lambda data: data.attrs.update(rtol=0.5), "it holds rtol"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "said"), CHANGES)
def test_a_chunk_that_was_changed_is_not_merged(finished, capsys, change, said):
    path = chunk_of(finished)
    altered(path, change, with_account=False)
    for words in (["merge", PLAN, "xor-onepot-smooth"], ["verify", "results/small", "--points", "9"]):
        if words[0] == "merge" or said:
            assert f"{path} is damaged: " in complaint(capsys, *words)


@pytest.mark.parametrize(("change", "said"), [pair for pair in CHANGES if pair[1]])
def test_a_chunk_that_was_changed_with_its_account_contradicts_the_plan(finished, capsys, change, said):
    path = chunk_of(finished)
    altered(path, change, with_account=True)
    line = complaint(capsys, "merge", PLAN, "xor-onepot-smooth")
    assert line.startswith(f"{path} is damaged: ")
    assert said in line


@pytest.mark.parametrize(("change", "said"), [CHANGES[0], CHANGES[-1]])
def test_a_page_of_what_there_is_leaves_a_changed_chunk_out_and_says_so(finished, change, said):
    altered(chunk_of(finished), change, with_account=bool(said))
    assert main(["report", PLAN, "--partial"]) == 0
    assert "left out" in Path("reports/small.partial.html").read_text()


def test_a_chunk_of_another_configuration_is_refused(finished, capsys):
    path = chunk_of(finished)

    def change(data):
        config = json.loads(data.attrs["config"])
        config["circuit_parameters"] = [["ka", 99.0]]
        data.attrs["config"] = json.dumps(config)

    altered(path, change, with_account=True)
    assert "computed from another configuration" in complaint(capsys, "merge", PLAN, "xor-onepot-smooth")


@pytest.mark.parametrize(("change", "said"), CHANGES)
def test_a_summary_that_was_changed_is_neither_counted_nor_shown(finished, capsys, change, said):
    path = finished / "summary/xor-onepot-smooth.nc"
    altered(path, change, with_account=False)
    for words in (["robustness", PLAN], ["report", PLAN]):
        assert f"{path} is damaged: " in complaint(capsys, *words)
    altered_account = path.with_suffix(".json")
    altered_account.write_text(json.dumps(json.loads(altered_account.read_text()) | {"sha256": digest(path)}))
    if said:
        assert said in complaint(capsys, "robustness", PLAN)


# Plans


def plan_with(change) -> None:
    plan = json.loads(Path(PLAN).read_text())
    change(plan)
    Path(PLAN).write_text(json.dumps(plan))


def in_chunk(name, value):
    return lambda plan: plan["groups"][0]["chunks"][0].__setitem__(name, value)


def in_group(name, value):
    return lambda plan: plan["groups"][0].__setitem__(name, value)


@pytest.mark.parametrize(
    "change",
    [
        *(
            in_chunk("path", path)
            for path in ("/etc/passwd", "../../x.nc", "results/other/x.nc", "", "a\0b", 3)
        ),
        *(in_chunk("cells", cells) for cells in ([0, 10**12], [], "ab", [1, 0], [-1, 1], [0.5, 1], None)),
        *(in_chunk("replicates", value) for value in ([0, 10**12], [], "ab", [0], None)),
        *(in_chunk("n_points", value) for value in (10**12, -1, "6", None, 1e300)),
        *(in_chunk("key", key) for key in ("", "../x", "x" * 32, None, 3)),
        *(
            in_group("summary", path)
            for path in ("/etc/passwd", "../x.nc", "results/small/summary/../../x.nc")
        ),
        *(in_group("network", path) for path in ("/etc/passwd", "../x.nc")),
        *(in_group("label", label) for label in ("a/b", "..", "", "x" * 300, None, "a\nb")),
        *(in_group("replicates", value) for value in (10**12, -1, 0, "3")),
        in_group("dataset", "../x"),
        in_group("layers", [2, 10**9, 1]),
        in_group("running_times", [float("1e999")]),
        lambda plan: plan.update(sweep="../x"),
        lambda plan: plan.update(n_points=10**30),
        lambda plan: plan.update(groups=[]),
        lambda plan: plan["groups"].append(plan["groups"][0]),
        lambda plan: plan["config"].update(replicates=10**12),
        lambda plan: plan["config"]["chunks"].update(workers=10**9),
        lambda plan: plan["config"].update(datasets={"xor": {"layers": [2, 10**9, 1]}}),
    ],
)
def test_a_plan_that_could_not_have_been_written_is_refused_at_once(finished, capsys, change):
    plan_with(change)
    for words in (
        ["merge", PLAN, "xor-onepot-smooth"],
        ["robustness", PLAN],
        ["report", PLAN],
        ["report", PLAN, "--partial"],
    ):
        check_line(complaint(capsys, *words))
    capsys.readouterr()
    assert main(["check", "results/small"]) in (1, 2)
    assert main(["status", "results/small"]) in (0, 2)


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a":' * 100_000, '{"sweep": ' + "9" * 5000 + "}", "\ud800", "null", "[]", "\0"]
)
def test_a_plan_that_is_no_plan_is_one_line(finished, capsys, text):
    Path(PLAN).write_text(text, errors="surrogatepass")
    check_line(complaint(capsys, "report", PLAN))


@pytest.mark.parametrize("change", [lambda plan: plan.replace(b"small", b"sm\xe1ll", 1), None])
def test_a_plan_with_a_flipped_bit_or_without_groups_is_damaged(finished, capsys, change):
    if change is None:
        plan_with(lambda plan: plan.update(groups=[], n_points=0))
    else:
        Path(PLAN).write_bytes(change(Path(PLAN).read_bytes()))
    for words in (
        ["build", PLAN, "xor-onepot-smooth"],
        ["integrate", PLAN, "0"],
        ["status", "results/small"],
    ):
        said = f"{PLAN}: not a plan of crnsim, or damaged; delete it and run the same command again"
        assert complaint(capsys, *words) == said
    assert main(["check", "results/small", "--remove"]) == 1
    assert f"damaged     {PLAN}: " in capsys.readouterr().out
    assert main(["plan", "small.yaml"]) == 0
    assert main(["check", "results/small"]) == 0


@pytest.mark.parametrize("name", ["plan.json", "summary/xor-onepot-smooth.nc", "robustness.nc"])
def test_a_pipe_a_device_or_a_folder_in_place_of_a_file_is_refused_and_not_waited_for(finished, capsys, name):
    path = finished / name
    path.unlink()
    for make in (os.mkfifo, lambda place: Path(place).symlink_to("/dev/zero"), os.mkdir):
        make(path)
        check_line(complaint(capsys, "report", PLAN))
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()


@pytest.mark.parametrize("value", ["1e999", "NaN", "-1", '"many"', "[1]", "9" * 5000, "null", "{}"])
def test_an_account_with_odd_numbers_costs_nothing_but_what_it_said(finished, value):
    account = chunk_of(finished).with_suffix(".json")
    text = json.dumps(json.loads(account.read_text()) | {"killed": "HERE", "seconds_core": "HERE"})
    account.write_text(text.replace('"HERE"', value))
    assert main(["report", PLAN]) == 0
    assert main(["status", "results/small"]) == 0


#: An account that is there and none.
BAD = [
    "null", "[]", "{}", "", " ", "[" * 100_000, "\x00", '{"points": 6}',
    *({"sha256": value} for value in (-1, [1], None, "ab", "G" * 64)),
    *({"killed": value} for value in (10**30, -1, 1.5, True, "1", None)),
    *({"processors": value} for value in ({"a": 1e-300}, {"a": -1}, {"a": None}, [])),
    *({"seconds_core": value} for value in (-1, float("nan"), 1e300)), {"key": 3}, {"host": []}, {"points": "6"},
]  # fmt: skip


def spoil(account: Path, bad, good: str = "") -> None:
    text = bad if isinstance(bad, str) else json.dumps(json.loads(good or account.read_text()) | bad)
    account.write_text(text)


def test_an_account_that_is_none_is_named_by_whoever_reads_what_it_vouches_for(finished, capsys):
    summary = finished / "summary/xor-onepot-smooth.json"
    for account, *words in (
        (chunk_of(finished).with_suffix(".json"), "merge", PLAN, "xor-onepot-smooth"),
        (summary, "robustness", PLAN),
    ):
        good = account.read_text()
        for bad in BAD:
            spoil(account, bad, good)
            assert complaint(capsys, *words).startswith(f"{account} is damaged: "), bad
    for words in (["verify", "results/small", "--group", "xor-onepot-smooth"], ["report", PLAN]):
        assert ".json is damaged: its points is none" in complaint(capsys, *words)
    assert main(["check", "results/small", "--remove"]) == 1
    said = capsys.readouterr().out
    assert f"damaged     {chunk_of(finished).with_suffix('.json')}: " in said
    assert f"damaged     {summary}: " in said
    # Without an account a result is read as ever.
    assert main(["merge", PLAN, "xor-onepot-smooth"]) == 0
    assert main(["check", "results/small"]) == 0


@pytest.mark.parametrize("name", ["chunk", "summary"])
def test_a_pipe_or_a_device_in_place_of_an_account_is_named(finished, capsys, name):
    chunk, summary = chunk_of(finished), finished / "summary/xor-onepot-smooth.nc"
    account = (chunk if name == "chunk" else summary).with_suffix(".json")
    account.unlink()
    for make in (os.mkfifo, lambda place: Path(place).symlink_to("/dev/zero"), os.mkdir):
        make(account)
        words = ["merge", PLAN, "xor-onepot-smooth"] if name == "chunk" else ["robustness", PLAN]
        assert complaint(capsys, *words).startswith(f"{account} is damaged: ")
        assert main(["check", "results/small"]) == 1
        assert f"damaged     {account}: " in capsys.readouterr().out
        account.rmdir() if account.is_dir() else account.unlink()


def test_the_account_of_another_file_vouches_for_none(finished, capsys):
    account = chunk_of(finished).with_suffix(".json")
    other = max((finished / "chunks/xor/onepot-smooth").glob("*.nc")).with_suffix(".json")
    account.write_bytes(other.read_bytes())
    assert f"{account} is damaged: it is the account of another file" in complaint(
        capsys, "merge", PLAN, "xor-onepot-smooth"
    )
    assert main(["report", PLAN, "--partial"]) == 0
    assert "is the account of another file" in Path("reports/small.partial.html").read_text()


def test_a_summary_whose_bytes_changed_is_found(finished, capsys):
    summary = finished / "summary/xor-onepot-smooth.nc"
    altered(summary, set_value("score", 0.123), with_account=False)
    assert main(["check", "results/small"]) == 1
    assert f"damaged     {summary}: its bytes are not those that were written" in capsys.readouterr().out
    account = summary.with_suffix(".json")
    altered(summary, lambda data: None, with_account=True)
    account.write_text(account.read_text().replace("onepot-smooth", "onepot-sharp"))
    assert main(["check", "results/small"]) == 1
    assert f"foreign     {account}: the account of another file" in capsys.readouterr().out


def test_points_that_a_bad_account_vouches_for_are_not_taken(finished, caplog):
    chunk = chunk_of(finished)
    piece = chunk.with_name(f"{chunk.stem}.saved-all.nc")
    chunk.with_suffix(".json").rename(piece.with_suffix(".json"))
    whole = chunk.read_bytes()
    chunk.rename(piece)
    spoil(piece.with_suffix(".json"), {"sha256": -1})
    assert main(["check", "results/small"]) == 1
    with caplog.at_level("INFO", "crnsim"):
        assert main(["integrate", PLAN, chunk.stem]) == 0
    assert f"not reused: {piece.with_suffix('.json')} is damaged: its sha256 is none" in caplog.text
    assert chunk.read_bytes() == whole


# Files of the user's own, which are good and of another kind


def test_nobody_is_told_to_delete_a_file_of_another_kind(finished, capsys):
    np.savez("whole.npz", W1=np.ones((2, 2)))
    Path("cut.npz").write_bytes(Path("whole.npz").read_bytes()[:-30])
    Path("empty.nc").touch()
    for name, what in (("cut.npz", "it is not a NetCDF-4 file"), ("empty.nc", "it is empty")):
        line = complaint(capsys, "infer", "xor", "--weights", name)
        assert line == (
            f"{name}: {what}; give a result of 'crnsim train -o', or an .npz with arrays W1, b1, W2, b2, ..."
        )
    for name in ("empty.nc", "small.yaml", "cut.npz"):
        line = complaint(capsys, "build", name, "xor-onepot-smooth")
        assert line == f"{name}: not a plan of crnsim; give the plan.json that 'crnsim plan' wrote"


def test_files_beside_an_output_that_are_no_chunks_are_passed_over(finished, caplog):
    chunk = chunk_of(finished)
    key, whole = chunk.stem, chunk.read_bytes()
    Path("own").mkdir()
    for name in ("networks/xor-onepot-smooth.nc", "robustness.nc"):
        (finished / name).rename(Path("own", Path(name).name))
    Path("own/page.nc").write_text("<html>")
    os.mkfifo("own/pipe.nc")
    Path("own/earlier.nc").write_bytes(whole)
    Path("own/earlier.json").write_text(json.dumps({"key": key, "points": 6, "sha256": "0" * 64}))
    chunk.unlink()
    with caplog.at_level("INFO", "crnsim"):
        assert main(["integrate", PLAN, key, "-o", "own/chunk.nc"]) == 0
    assert Path("own/chunk.nc").read_bytes() == whole
    said = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert said == ["not reused: own/earlier.json: it is the account of another file"]


# Names of code and of files


def test_code_that_only_a_plan_names_is_not_imported(finished, capsys):
    Path("evil_activation.py").write_text("open('ran', 'w').close()\n")
    for key, value in (
        (
            "activations",
            {"smooth": {"name": "evil_activation:Unit"}, "sharp": {"name": "squareplus", "h": 1e-4}},
        ),
        ("circuit", "evil_activation:CIRCUIT"),
        ("claims", "evil_activation:PAPER"),
        ("solver", {"method": "evil_activation:METHOD"}),
        ("noise", {"own": {"evil_activation:Kind": {"magnitudes": [0.1]}}}),
        ("circuit_parameters", {"output": "evil_activation:Unit"}),
    ):
        whole = Path(PLAN).read_text()
        plan_with(lambda plan, key=key, value=value: plan["config"].__setitem__(key, value))
        key_of_chunk = chunk_of(finished).stem
        for words in (
            *(
                ["build", PLAN, "xor-onepot-smooth"],
                ["merge", PLAN, "xor-onepot-smooth"],
                ["robustness", PLAN],
            ),
            *(["report", PLAN], ["integrate", PLAN, key_of_chunk], ["verify", "results/small"]),
        ):
            line = complaint(capsys, *words)
            assert "it imports 'evil_activation:" in line
            assert "give your own sweep file, that names it too: --sweep FILE" in line
            # A sweep file that does not name it does not help.
            assert "small.yaml does not name it" in complaint(capsys, *words, "--sweep", "small.yaml")
        assert main(["check", "results/small"]) in (0, 1)
        assert main(["status", "results/small"]) == 0
        Path(PLAN).write_text(whole)
    assert not Path("ran").exists()


@pytest.mark.parametrize("file", ["/etc/passwd", "../../secret.csv", "~/secret.csv"])
def test_a_file_that_only_a_plan_names_is_not_opened(finished, capsys, file):
    plan_with(in_group("source", {"file": file, "sha256": "0", "target": "y", "task": "classification"}))
    assert f"it opens '{file}'" in complaint(capsys, "report", PLAN)
    Path("mine.yaml").write_text(f"datasets: {{xor: {{file: '{file}'}}}}")
    assert permitted(PLAN, "mine.yaml") == []


# NetCDF


def test_an_array_of_terabytes_that_a_few_bytes_declare_is_refused_from_its_header(tmp_path):
    import netCDF4

    path = tmp_path / "bomb.nc"
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("x", 10**12)
        file.createVariable("v", "f8", ("x",), chunksizes=(1 << 20,), zlib=True)
    assert path.stat().st_size < 1 << 20
    assert declared_bytes(path) >= 8 * 10**12
    with pytest.raises(CrnsimError, match=r"would take 1.2e\+04 GB of memory, and 16 GB are allowed"):
        read_dataset(path)


def test_a_file_that_leads_into_another_is_refused(tmp_path):
    import netCDF4

    with netCDF4.Dataset(tmp_path / "groups.nc", "w") as file:
        file.createGroup("inner")
    with pytest.raises(DamagedFileError, match="it has a group in it"):
        read_dataset(tmp_path / "groups.nc")
    with netCDF4.Dataset(tmp_path / "packed.nc", "w") as file:
        file.createDimension("x", 100)
        try:
            file.createVariable("v", "f8", ("x",), compression="zstd")
        except (RuntimeError, ValueError):
            pytest.skip("this netCDF has no other filter to pack with")
    with pytest.raises(DamagedFileError, match="it is packed with the filter"):
        read_dataset(tmp_path / "packed.nc")


def test_what_crnsim_writes_is_what_it_reads(finished):
    for path in finished.rglob("*.nc"):
        found = declared_bytes(path)
        assert found is None or found > 0
        read_dataset(path)


# Anything at all


def paths_in(value, at=()):
    """Yield the place of every value in nested lists and mappings."""
    yield at
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield from paths_in(one, (*at, key))


@pytest.fixture(scope="module")
def whole(computed_once):
    return (computed_once / PLAN).read_text()


@pytest.mark.fuzz
@fuzzed(150)
@given(st.data())
def test_plans_fuzzed(whole, data):
    plan = json.loads(whole)
    places = list(paths_in(plan))
    for _ in range(data.draw(st.integers(1, 2))):
        place = data.draw(st.sampled_from(places))
        value = data.draw(odd_values())
        target = plan
        try:
            for key in place[:-1]:
                target = target[key]
            if place:
                target[place[-1]] = value
        except (KeyError, IndexError, TypeError):
            continue
    text = json.dumps(plan, default=str)

    # Read as a plan, or one ValueError that `read_plan_file` turns into a line.
    def enter():
        try:
            return PlanFile.from_json(text)
        except ValueError as error:
            raise DamagedFileError("not a plan") from error

    read = judged("plans", text[:300], enter)
    if isinstance(read, PlanFile):
        for group in read.groups:
            assert group.summary.startswith(f"results/{read.sweep}/summary/")
            assert ".." not in group.summary
        assert read.n_points == sum(chunk.n_points for chunk in read.chunks())


@pytest.mark.fuzz
@fuzzed(60)
@given(st.data())
def test_chunks_fuzzed(computed_once, tmp_path_factory, data):
    """A chunk with one number changed, its account along with it, is refused or means the same."""
    here = Path.cwd()
    os.chdir(computed_once)
    try:
        from crnsim.sweep.plan.plan import read_plan
        from crnsim.sweep.run.merge import check_chunk

        plan = read_plan(PLAN)
        group, chunks = plan.group("xor-onepot-smooth")
        path = Path(next(iter(plan.file.groups)).chunks[0].path)
        part = read_points(path)
        name = data.draw(st.sampled_from(sorted({*part.data_vars, *part.coords} - {"trajectory"}, key=str)))
        values = part[name].values.copy()
        if values.size and values.dtype.kind in "fiu":
            index = data.draw(st.integers(0, values.size - 1))
            values.flat[index] = (
                data.draw(st.sampled_from([-1, 0, 7, 120]))
                if values.dtype.kind != "f"
                else data.draw(st.floats())
            )
        elif values.size:
            values = values.astype(object)
            values.flat[0] = data.draw(st.text(max_size=5))
        changed = (
            part.assign_coords({name: (part[name].dims, values)})
            if name in part.coords
            else part.assign({name: (part[name].dims, values)})
        )
        copy = tmp_path_factory.mktemp("fuzz") / path.name
        try:
            write_dataset(changed, copy)
        except ValueError:
            return  # NetCDF takes no NUL
        judged(
            "chunks",
            (name, str(values.flat[:3])),
            lambda: check_chunk(read_points(copy), copy, plan, group, chunks[0]),
        )
    finally:
        os.chdir(here)


def test_reading_a_plan_again_and_again_is_one_reading(finished):
    assert read_plan_file(PLAN) is read_plan_file(PLAN)
    assert xr.load_dataset(finished / "robustness.nc").sizes["cell"]
