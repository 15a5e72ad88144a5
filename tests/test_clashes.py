"""What a command reads, and what its plan leads to, is not written over; what is written beside an output counts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from crnsim.cli import main

PLAN = "results/small/plan.json"
GROUP = "xor-onepot-smooth"
OTHER = "xor-onepot-sharp"


def contents() -> dict[str, bytes | str]:
    """Return all files, links as what they point to."""
    found = (path for path in Path().rglob("*") if not path.is_dir())
    return {
        str(p): str(p.readlink()) if p.is_symlink() else p.read_bytes() if p.is_file() else "" for p in found
    }


@pytest.fixture
def refused(finished, capsys, monkeypatch):
    """Return the one line with which a command ends before it works, every file as it was."""

    def run(*words: str) -> str:
        before = contents()
        with monkeypatch.context() as patch:
            patch.setattr("crnsim.cli.parser._run", lambda *_: pytest.fail("worked"))
            assert main(words) == 2
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert contents() == before
        return said

    return run


@pytest.fixture
def chunk(finished) -> str:
    return str(min((finished / "chunks/xor/onepot-smooth").glob("*.nc")))


@pytest.mark.parametrize(
    "words",
    [("merge", PLAN, GROUP), ("build", PLAN, GROUP), ("robustness", PLAN), ("integrate", PLAN, "KEY")],
    ids=lambda words: words[0],
)
def test_what_has_files_beside_it_goes_to_a_file(refused, chunk, words):
    words = [Path(chunk).stem if word == "KEY" else word for word in words]
    os.mkfifo("pipe")
    with open("pipe", "rb", buffering=0, opener=lambda path, flags: os.open(path, flags | os.O_NONBLOCK)):
        for place in ("/dev/zero", "/dev/null", "pipe"):
            assert "a device or a pipe; name a file, others are written beside it" in refused(
                *words, "-o", place
            )
    suffix = {"build": ".crn", "robustness": ".csv"}.get(words[0], ".json")
    Path(f"a{suffix}").symlink_to("/dev/zero")
    assert "is a device or a pipe; remove it, or name another output" in refused(*words, "-o", "a.nc")
    assert not Path("/dev/null.json").exists()


@pytest.mark.parametrize("make", [os.mkfifo, lambda place: Path(place).symlink_to("/dev/zero")])
@pytest.mark.parametrize("suffix", [".nc", ".json"])
def test_the_place_in_the_plan_is_looked_at_too(finished, refused, make, suffix):
    place = finished / f"summary/{GROUP}{suffix}"
    place.unlink()
    make(place)
    assert f"{place}" in (said := refused("merge", PLAN, GROUP))
    assert "is a device or a pipe" in said


def test_a_file_that_is_read_is_not_written_over(finished, refused, chunk):
    Path("own.py").write_text("")
    Path("w.npz").write_text("")
    Path("a.yaml").write_text("mode: inference\nweights: w.npz\n")
    Path("again.yaml").hardlink_to("small.yaml")
    for words in (
        ["merge", PLAN, GROUP, "-o", "results/small/plan.nc"],
        ["integrate", PLAN, Path(chunk).stem, "-o", "results/small/plan.nc"],
        ["merge", PLAN, GROUP, "--sweep", "small.yaml", "-o", "small.yaml"],
        ["robustness", PLAN, "--sweep", "small.yaml", "--csv", "again.yaml"],
        ["report", PLAN, "--sweep", "small.yaml", "--log", "small.yaml"],
        ["plan", "a.yaml", "-o", "w.npz"],
        ["merge", PLAN, GROUP, "--sweep", "a.yaml", "-o", "w.npz"],
        ["train", "xor", "--activation", "own:Unit", "-o", "own.py"],
        ["describe", "own:CIRCUIT", "-o", "own.py"],
    ):
        assert "this file is read by the command; name another one" in refused(*words)


def test_files_of_the_sweep_are_not_written_over(finished, refused, chunk):
    unmade = Path(chunk).with_name("0" * 32 + ".nc")
    Path(PLAN).write_text(Path(PLAN).read_text().replace(Path(chunk).stem, unmade.stem))
    other = str(max((finished / "chunks/xor/onepot-smooth").glob("*.nc")))
    Path("link.nc").symlink_to(other)
    Path("hard.nc").hardlink_to(other)
    Path("through").symlink_to(finished)
    for place in (
        *(other, "link.nc", "hard.nc", f"{unmade}", f"{unmade.with_suffix('')}.saved-000.nc", chunk),
        *(
            f"results/small/summary/{OTHER}.nc",
            f"through/summary/{OTHER}.nc",
            f"results/small/summary/{OTHER}.json",
        ),
        *(
            f"results/small/networks/{GROUP}.nc",
            f"results/small/networks/{GROUP}.crn",
            "results/small/robustness.csv",
        ),
    ):
        for words in (
            ["merge", PLAN, GROUP, "-o", place],
            ["report", PLAN, "-o", place],
            ["robustness", PLAN, "-o", "r.nc", "--log", place],
        ):
            assert "this is a file of the sweep small" in refused(*words)
        if not place.endswith("robustness.csv"):
            assert "this is a file of the sweep small" in refused("robustness", PLAN, "--csv", place)
    assert "this is a file of the sweep small" in refused(
        "integrate", PLAN, Path(other).stem, "-o", str(unmade)
    )
    assert "this is a file of the sweep small" in refused("integrate", PLAN, Path(other).stem, "--log", other)
    assert "this is a file of the sweep small" in refused("report", PLAN, "-o", "results/small/robustness.nc")


def test_what_is_beside_an_output_is_written_once(refused, chunk):
    for words in (
        ["merge", PLAN, GROUP, "-o", "a.nc", "--log", "a.json"],
        ["merge", PLAN, GROUP, "-o", "a.json"],
        ["build", PLAN, GROUP, "-o", "a.nc", "--log", "./a.crn"],
        ["integrate", PLAN, Path(chunk).stem, "-o", "a.nc", "--log", "a.saved-all.nc"],
        ["robustness", PLAN, "-o", "a.nc", "--log", "a.csv"],
    ):
        assert "would be written there; name two files" in refused(*words)


def test_places_of_its_own_are_written(finished):
    before = {path: path.read_bytes() for path in finished.rglob("*.nc")}
    assert main(["merge", PLAN, GROUP, "-o", f"./results/small/summary/{GROUP}.nc", "--log", "log.txt"]) == 0
    assert main(["build", PLAN, GROUP, "-o", f"results/small/networks/{GROUP}.nc"]) == 0
    tables = ["-o", "results/small/robustness.nc", "--csv", "results/small/robustness.csv"]
    assert main(["robustness", PLAN, "--sweep", "small.yaml", *tables]) == 0
    assert main(["report", PLAN, "-o", "reports/small.html"]) == 0
    assert {path: path.read_bytes() for path in finished.rglob("*.nc")} == before
