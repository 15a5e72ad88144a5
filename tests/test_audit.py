"""What `crnsim check` finds in a results folder, what it removes, and that the next run mends it."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import xarray as xr
from small_sweeps import SHARP, SMOOTH, write_sweep

from crnsim.cli.parser import main
from crnsim.errors import DamagedFileError, InputError
from crnsim.store.files import write_dataset
from crnsim.store.points import read_points
from crnsim.sweep.inspect import findings
from crnsim.sweep.inspect.audit import check_folder
from crnsim.sweep.inspect.findings import Finding, parse_kinds, remove
from crnsim.sweep.inspect.folder import open_folder
from crnsim.sweep.plan.plan_file import read_plan_file

ROOT = Path(__file__).resolve().parent.parent
PLAN = "results/small/plan.json"
#: More than any process number of Linux.
NOBODY = 2**22 + 1


def found(folder: Path = Path("results/small")) -> list[tuple[str, str]]:
    """Return kind and name of what is found."""
    return [(finding.kind, finding.path.name) for finding in check_folder(open_folder(folder))]


def chunks(folder: Path, label: str = "*") -> list[Path]:
    return sorted(folder.glob(f"chunks/xor/onepot-{label}/*.nc"))


def flip(path: Path, place: float) -> None:
    content = bytearray(path.read_bytes())
    content[int(len(content) * place)] ^= 0x10
    path.write_bytes(content)


def run(*words: str, capsys) -> tuple[int, str, str]:
    status = main(["check", "results/small", *words])
    said = capsys.readouterr()
    return status, said.out, said.err


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_whole_folder_is_well_and_nothing_is_touched(finished, capsys):
    before = contents(finished)
    assert run("--remove", capsys=capsys) == (0, "results/small: all is well\n", "")
    assert contents(finished) == before


def test_a_folder_that_was_moved_is_checked_the_same(finished):
    shutil.move("results/small", "elsewhere")
    victim = chunks(Path("elsewhere"))[0]
    victim.write_bytes(victim.read_bytes()[:-2000])
    assert found(Path("elsewhere")) == [("damaged", victim.name)]


@pytest.mark.parametrize("damage", ["empty", "cut short", "a page", "other data"])
def test_every_kind_of_file_and_damage_is_found(finished, damage):
    names = ("summary/xor-onepot-smooth.nc", "networks/xor-onepot-smooth.nc", "robustness.nc")
    victims = [chunks(finished)[0], *(finished / name for name in names)]
    for victim in victims:
        if damage == "empty":
            victim.write_bytes(b"")
        elif damage == "cut short":
            victim.write_bytes(victim.read_bytes()[: victim.stat().st_size * 2 // 3])
        elif damage == "a page":
            victim.write_text("<html>not found</html>")
        else:
            write_dataset(xr.Dataset({"temperature": ("time", [1.0, 2.0])}), victim)
    # Other data in order are foreign to tables and networks; of points they lack what makes them points.
    last = "foreign" if damage == "other data" else "damaged"
    kinds = ["damaged", "damaged", last, last]
    assert sorted(found()) == sorted(zip(kinds, [victim.name for victim in victims], strict=True))


def test_a_bit_flipped_in_packed_numbers_is_found(finished):
    # Trajectories are most of the larger one, so that its middle lies in them.
    victim = max(chunks(finished), key=lambda chunk: chunk.stat().st_size)
    flip(victim, 0.5)
    assert found() == [("damaged", victim.name)]


def test_a_bit_flipped_anywhere_is_found_where_the_account_has_a_digest(finished):
    victim = chunks(finished)[0]
    account = json.loads(victim.with_suffix(".json").read_text())
    digest = hashlib.sha256(victim.read_bytes()).hexdigest()
    victim.with_suffix(".json").write_text(json.dumps(account | {"sha256": digest}))
    assert found() == []
    # A byte of the file's own bookkeeping, which carries no checksum: nothing that is read changes.
    content = bytearray(victim.read_bytes())
    place = content.rindex(b"\0" * 64)
    content[place + 32] = 1
    victim.write_bytes(content)
    assert found() == [("damaged", victim.name)]


@pytest.mark.parametrize("name", ["networks/xor-onepot-smooth.crn", "robustness.csv"])
def test_damaged_text_is_found_and_goes_with_the_file_that_is_made_with_it(finished, name, capsys):
    text = finished / name
    text.write_bytes(text.read_bytes()[:-1] if name.endswith("csv") else b"")
    assert found() == [("damaged", text.name)]
    status, said, _ = run("--remove", capsys=capsys)
    assert status == 1
    assert "removed 2 files; the same snakemake command computes what is missing again" in said
    assert not text.exists()
    assert not text.with_suffix(".nc").exists()


def test_chunks_in_each_others_place_are_foreign(finished):
    one, other = chunks(finished, "smooth")
    aside = one.read_bytes()
    shutil.copy(other, one)
    other.write_bytes(aside)
    assert set(found()) == {("foreign", one.name), ("foreign", other.name)}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda data: data.assign_attrs(code_hash="0"), "computed by another version of crnsim"),
        (lambda data: data.assign_attrs(dataset="iris"), "it holds dataset iris where the plan has xor"),
        (lambda data: data.assign_coords(seed=data["seed"] + 1), "its seed differs from the plan"),
        (lambda data: data.isel(point=slice(1, None)), "points that are not the"),
        (lambda data: data.drop_dims("recorded"), "it lacks 2 of its trajectories"),
    ],
)
def test_a_chunk_of_something_else_is_foreign(finished, change, said):
    victim = next(chunk for chunk in chunks(finished, "smooth") if "recorded" in read_points(chunk).dims)
    write_dataset(change(read_points(victim)), victim)
    (finding,) = check_folder(open_folder(finished))
    assert (finding.kind, finding.path) == ("foreign", victim)
    assert said in finding.what


def test_files_of_another_sweep_or_design_are_foreign(finished):
    for folder in ("summary", "networks"):
        shutil.copy(finished / folder / "xor-onepot-sharp.nc", finished / folder / "xor-onepot-smooth.nc")
    account, other = (chunk.with_suffix(".json") for chunk in chunks(finished, "smooth"))
    shutil.copy(other, account)
    with xr.open_dataset(finished / "robustness.nc") as opened:
        tables = opened.load()
    write_dataset(tables.assign_attrs(sweep="another"), finished / "robustness.nc")
    assert sorted(found()) == sorted(
        [
            ("foreign", name)
            for name in ("xor-onepot-smooth.nc", "xor-onepot-smooth.nc", account.name, "robustness.nc")
        ]
    )


def test_a_summary_of_an_earlier_plan_is_no_problem_and_one_of_other_points_is(finished):
    path = finished / "summary/xor-onepot-smooth.nc"
    write_dataset(read_points(path).isel(point=slice(0, 3)), path)
    assert found() == [("foreign", path.name)]
    os.utime(path, (1, 1))
    assert found() == [("note", path.name)]


def test_accounts_that_cannot_be_read_are_found(finished):
    account = chunks(finished)[0].with_suffix(".json")
    account.write_text('{"key": ')
    assert found() == [("damaged", account.name)]


def test_what_killed_runs_left_behind_is_found_and_goes_only_when_named(finished, capsys):
    chunk = chunks(finished)[0]
    left = [
        chunk.with_name(f".{chunk.name}.{socket.gethostname()}-{NOBODY}.part"),
        finished / "summary" / f".xor-onepot-smooth.nc.{socket.gethostname()}-{NOBODY}.part",
        chunk.with_suffix(".failed.json"),
        chunk.with_suffix(".progress.json"),
        chunk.with_name(f"{chunk.stem}.saved-000.nc"),
    ]
    for path in left:
        path.write_text("{}")
    in_use = [
        chunk.with_name(f".{chunk.name}.{socket.gethostname()}-{os.getpid()}.part"),
        chunk.with_name(f".{chunk.name}.another-host-{NOBODY}.part"),
    ]
    for path in in_use:
        path.write_text("half")
    kinds = found()
    assert sorted(name for kind, name in kinds if kind == "leftover") == sorted(path.name for path in left)
    assert sorted(name for kind, name in kinds if kind == "note") == sorted(path.name for path in in_use)
    os.utime(in_use[1], (1, 1))  # nobody writes at a file for an hour
    assert ("leftover", in_use[1].name) in found()
    status, said, _ = run("--remove", capsys=capsys)
    assert status == 1
    assert "6 problems; 'crnsim check results/small --remove leftover' removes these files" in said
    assert all(path.exists() for path in left)
    assert run("--remove", "leftover", capsys=capsys)[0] == 1
    assert not any(path.exists() for path in left)
    assert [kind for kind, _ in found()] == ["note"]


def test_a_chunk_that_is_being_computed_is_left_alone(finished):
    chunk = chunks(finished)[0]
    progress = chunk.with_suffix(".progress.json")
    chunk.rename(chunk.with_name(f"{chunk.stem}.saved-000.nc"))
    progress.write_text(json.dumps({"updated": time.time()}))
    assert found() == []
    progress.write_text(json.dumps({"updated": time.time() - 61}))
    assert found() == [("leftover", progress.name)]


def test_saved_pieces_are_read(finished):
    chunk = chunks(finished)[0]
    chunk.unlink()
    piece = chunk.with_name(f"{chunk.stem}.saved-000.nc")
    piece.write_bytes(b"")
    assert found() == [("damaged", piece.name)]


def test_chunks_of_earlier_plans_stay_while_they_are_of_use(finished, capsys):
    designs = {"smooth": SMOOTH, "sharp": SHARP}
    write_sweep(Path("small.yaml"), activations=designs, chunks={"cells": 4})
    assert main(["plan", "small.yaml"]) == 0
    # Each of the two new chunks wants the points of two old ones.
    assert [kind for kind, _ in found()] == ["note"] * 4
    new = json.loads(Path(PLAN).read_text())["groups"][0]["chunks"][0]
    assert main(["integrate", PLAN, new["key"]]) == 0
    assert sorted(kind for kind, _ in found()) == ["note", "note", "orphan", "orphan"]
    # Orphans are no problem; they go only when they are named, and those of use stay.
    assert run("--remove", capsys=capsys)[0] == 0
    assert run("--remove", "orphan", capsys=capsys)[0] == 0
    assert [kind for kind, _ in found()] == ["note"] * 2
    assert {path.name.partition(".")[0] for path in finished.glob("chunks/xor/onepot-smooth/*")} == {
        new["key"]
    }


def test_removing_lets_the_next_run_make_the_same_bytes(finished, capsys):
    before = contents(finished)
    bad = max(chunks(finished), key=lambda chunk: chunk.stat().st_size)
    plan = json.loads(Path(PLAN).read_text())
    flip(bad, 0.5)
    (finished / "summary/xor-onepot-sharp.nc").write_bytes(b"")
    status, said, _ = run("--remove", "damaged", capsys=capsys)
    assert status == 1
    assert said.count("damaged     results/small/") == 2
    assert said.endswith("removed 2 files; the same snakemake command computes what is missing again\n")
    assert not bad.exists()
    assert main(["integrate", PLAN, bad.stem]) == 0
    assert main(["merge", PLAN, "xor-onepot-sharp"]) == 0
    assert plan == json.loads(Path(PLAN).read_text())
    after = contents(finished)
    same = [name for name in before if name.endswith((".nc", ".crn", ".csv"))]
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    assert run(capsys=capsys)[0] == 0


def test_the_workflow_makes_removed_tables_again(finished, capsys):
    (finished / "robustness.csv").write_text("cut sh")
    assert run("--remove", capsys=capsys)[0] == 1
    planned = subprocess.run(
        [
            *(sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--directory", "."),
            *("--workflow-profile", str(ROOT / "profiles/default"), "--cores", "1", "--dry-run"),
            *("--configfile", "small.yaml"),
        ],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    lines = iter((planned.stdout + planned.stderr).splitlines())
    assert any("output files have to be generated:" in line for line in lines)
    assert next(lines).split() == ["robustness"]


def test_killed_points_are_computed_again_and_the_others_are_kept(finished, capsys, caplog):
    victim = chunks(finished, "smooth")[0]
    whole = victim.read_bytes()
    data = read_points(victim)
    data["status"][2], data["score"][2] = 3, 0.0
    write_dataset(data, victim)
    account = victim.with_suffix(".json")
    digest = hashlib.sha256(victim.read_bytes()).hexdigest()
    account.write_text(json.dumps(json.loads(account.read_text()) | {"sha256": digest}))
    status, said, _ = run("--remove", "killed", capsys=capsys)
    assert status == 1
    assert f"killed      {victim}: 1 of its {data.sizes['point']} points lost their worker" in said
    assert "set 1 chunk aside" in said
    with caplog.at_level(logging.INFO, "crnsim"):
        assert main(["integrate", PLAN, victim.stem]) == 0
    assert f"{data.sizes['point']} points: 1 to compute" in caplog.text
    assert victim.read_bytes() == whole


def test_nothing_outside_the_folder_is_removed(finished, tmp_path, capsys):
    scratch = tmp_path / "scratch"
    shutil.move("results/small/chunks", scratch)
    Path("results/small/chunks").symlink_to(scratch)
    victim = chunks(finished)[0]
    victim.write_bytes(b"")
    assert found() == [("damaged", victim.name)]
    status, _, error = run("--remove", capsys=capsys)
    assert status == 2
    assert "leads out of results/small; nothing was removed" in error
    assert victim.exists()


def test_a_link_is_removed_and_not_what_it_points_to(finished, tmp_path):
    outside = tmp_path / "outside.nc"
    outside.write_bytes(b"")
    victim = chunks(finished)[0]
    victim.unlink()
    victim.symlink_to(outside)
    folder = open_folder(finished)
    remove(folder.path, check_folder(folder))
    assert not os.path.lexists(victim)
    assert outside.exists()


def test_a_folder_that_cannot_be_written_loses_nothing(finished, capsys, monkeypatch):
    bad = [chunks(finished)[0], finished / "robustness.nc"]
    for path in bad:
        path.write_bytes(b"")
    # Root may write anything but a read-only disk, which says so here.
    monkeypatch.setattr(findings.os, "access", lambda place, mode: place.name != "small")
    status, said, error = run("--remove", capsys=capsys)
    assert status == 2
    assert said.count("damaged") == 2
    assert error == "crnsim: results/small cannot be written; nothing was removed\n"
    assert all(path.exists() for path in bad)


def test_a_file_that_cannot_be_removed_is_named(finished, monkeypatch):
    def refuse(self, missing_ok=False):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(
        InputError, match=r"robustness\.nc: cannot be removed \(Operation not permitted\); 0 of 1"
    ):
        remove(open_folder(finished).path, [Finding("damaged", finished / "robustness.nc", "")])


def test_a_damaged_plan_is_found_and_removed(finished, capsys):
    whole = Path(PLAN).read_text()
    for text in ("", whole[:1000], "[1, 2]", whole.replace("results/small/chunks", "/etc/small/chunks", 1)):
        Path(PLAN).write_text(text)
        status, said, _ = run(capsys=capsys)
        assert status == 1
        assert said.startswith(f"damaged     {PLAN}: ")
    assert run("--remove", capsys=capsys)[0] == 1
    assert not Path(PLAN).exists()
    assert main(["plan", "small.yaml"]) == 0
    assert Path(PLAN).read_text() == whole


@pytest.mark.parametrize(("was", "now"), [('"replicates": 3', '"replicates": 4'), ('"seed": 0', '"seed": 1')])
def test_a_plan_whose_chunks_are_not_those_of_its_sweep_is_damaged(finished, capsys, was, now):
    assert was in Path(PLAN).read_text()
    Path(PLAN).write_text(Path(PLAN).read_text().replace(was, now))
    status, said, _ = run(capsys=capsys)
    assert status == 1
    assert said.startswith(f"damaged     {PLAN}: ")


def test_results_of_another_version_are_counted_and_not_compared(finished):
    plan = json.loads(Path(PLAN).read_text())
    Path(PLAN).write_text(json.dumps(plan | {"code_hash": "0"}))
    findings = check_folder(open_folder(finished))
    assert findings[0].kind == "note"
    assert "made by another version of crnsim" in findings[0].what
    # Their own attributes speak of another version than the plan; its summaries and tables are older than it.
    assert sorted(f.kind for f in findings[1:]) == ["foreign"] * 4 + ["note"] * 3


def test_a_wrong_word_is_one_line(finished, capsys):
    assert run("--remove", "everything", capsys=capsys)[2] == (
        "crnsim: --remove everything: 'everything' is unknown; known: damaged, foreign, killed, leftover, orphan\n"
    )
    with pytest.raises(InputError, match="name kinds"):
        parse_kinds(",")


def test_code_that_a_plan_names_is_not_imported(finished, capsys):
    Path("stranger.py").write_text("from pathlib import Path\nPath('ran').touch()\n")
    plan = json.loads(Path(PLAN).read_text())
    plan["config"]["activations"]["smooth"]["name"] = "stranger:Unit"
    Path(PLAN).write_text(json.dumps(plan))
    findings = check_folder(open_folder(finished))
    assert findings[0].kind == "note"
    assert "it needs code of its own (stranger:Unit)" in findings[0].what
    assert not Path("ran").exists()


@pytest.mark.parametrize("cells", [[0, 10**6], [1, 1], [10**30, 10**31]])
def test_a_plan_whose_chunks_hold_no_points_of_it_is_damaged(finished, cells):
    plan = json.loads(Path(PLAN).read_text())
    plan["groups"][0]["chunks"][0]["cells"] = cells
    Path(PLAN).write_text(json.dumps(plan))
    with pytest.raises(DamagedFileError, match="not a plan of crnsim"):
        read_plan_file(PLAN)
