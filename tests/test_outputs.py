"""Where results are written: files are replaced whole, devices and pipes written to, all else refused at once."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import xarray as xr
from small_sweeps import write_sweep

from crnsim.cli import main
from crnsim.errors import CrnsimError, DamagedFileError, StorageError
from crnsim.store.files import read_dataset, replacing, write_dataset, write_text
from crnsim.store.outputs import check_output
from crnsim.store.points import read_keys

FAST = ["--epochs", "1", "--running-time", "1"]


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_sweep(Path("small.yaml"))
    return tmp_path


@pytest.fixture
def complaint(capsys, monkeypatch):
    """Return the one line with which a command ends before it has done any work."""

    def run(*words: str) -> str:
        monkeypatch.setattr("crnsim.cli.parser._command", lambda name: lambda options: pytest.fail("worked"))
        assert main(words) == 2
        captured = capsys.readouterr()
        assert captured.err.count("\n") == 1
        return captured.err.removeprefix("crnsim: ").rstrip()

    return run


COMMANDS = [
    ["plan", "small.yaml"], ["build", "plan.json", "g"], ["integrate", "plan.json", "k"], ["look", "plan.json", "1"],
    ["merge", "plan.json", "g"],
    ["robustness", "plan.json"], ["report", "plan.json"], ["describe", "onepot"], ["train", "xor"], ["infer", "xor"],
    ["simulate", "net.crn", "--t", "1"], ["tune", "small.yaml"], ["search", "small.yaml"],
]  # fmt: skip


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
def test_a_place_that_cannot_be_written_is_refused_before_the_work(here, complaint, words):
    Path("file").write_text("")
    Path("link").symlink_to(".")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")
    for path, said in {
        "": "'' is empty",
        "  ": "is empty",
        ".": "-o '.' is a folder; name a file in it",
        "..": "-o '..' is a folder; name a file in it",
        "/": "-o '/' is a folder; name a file in it",
        "new/": "-o 'new/' is a folder; name a file in it",
        "link": "-o 'link' is a folder; name a file in it",
        "file/x.nc": "a file is where a folder must be",
        "socket": "is a disk or a socket; name a file",
        "x" * 256: "more than 255 bytes",
        "a\0b": "has a NUL character in it",
        "\udcff": "is not Unicode",
        "\x1b[31m": "has the control character U+001B in it",
    }.items():
        assert said in complaint(*words, "-o", path)
    assert sorted(file.name for file in here.iterdir()) == ["file", "link", "small.yaml", "socket"]


def test_every_command_with_an_output_is_among_those_tested():
    import argparse

    from crnsim.cli.parser import _parser

    commands = next(a for a in _parser()._actions if isinstance(a, argparse._SubParsersAction)).choices
    writing = {name for name, command in commands.items() if "-o" in command._option_string_actions}
    assert writing == {words[0] for words in COMMANDS}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_is_not_ones_own_is_refused_before_the_work(here, complaint):
    Path("closed").mkdir(mode=0o500)
    assert "make " in complaint("train", "xor", "-o", "closed/x.nc")


def test_a_file_that_is_read_is_not_replaced(here, complaint):
    Path("data.csv").write_text("a,b\n")
    Path("again.csv").hardlink_to("data.csv")
    for words in (
        ["plan", "small.yaml", "-o", "small.yaml"],
        ["plan", "small.yaml", "-o", "./small.yaml"],
        ["plan", "small.yaml", "--log", "small.yaml"],
        ["report", "small.yaml", "-o", "small.yaml"],
        ["robustness", "small.yaml", "--csv", "small.yaml"],
        ["train", "data.csv", "--target", "b", "-o", "again.csv"],
        ["infer", "xor", "--weights", "data.csv", "-o", "data.csv"],
    ):
        assert "this file is read by the command; name another one" in complaint(*words)
    assert Path("data.csv").read_text() == "a,b\n"


def test_figures_are_refused_where_they_cannot_be_written(here, complaint):
    main(["plan", "small.yaml", "-o", "plan.json"])
    Path("file").write_text("")
    Path("full/small-xor.svg").mkdir(parents=True)
    Path("linked").mkdir()
    Path("linked/small-xor.txt").hardlink_to("plan.json")
    for folder, said in {
        "": "--figures: '' is empty",
        "-": "--figures -: figures are several files; name a folder",
        "/dev/stdout": "figures are several files; name a folder",
        "a\0b": "has a NUL character in it",
        "file": "a file is where a folder must be: ",
        "full": "--figures 'full/small-xor.svg' is a folder",
        "linked": "--figures linked/small-xor.txt: this file is read by the command; name another one",
    }.items():
        assert said in complaint("report", "plan.json", "--figures", folder)
    same = complaint("report", "plan.json", "--figures", "new", "-o", "new/small-xor.pdf")
    assert "both --figures and -o would be written there; name two files" in same
    assert "a file is where a folder must be" in complaint("report", "no.json", "--figures", "file")
    assert not Path("new").exists()


@pytest.mark.parametrize(
    "words",
    [
        ["build", "plan.json", "g", "-o", "net.crn"],
        ["robustness", "plan.json", "-o", "r.csv"],
        ["robustness", "plan.json", "-o", "r.nc", "--csv", "./r.nc"],
        ["report", "plan.json", "-o", "r.html", "--log", "r.html"],
    ],
)
def test_two_things_are_not_written_to_one_file(here, complaint, words):
    assert "would be written there; name two files" in complaint(*words)


def test_a_device_stays_one(here, capsys):
    for words in (["plan", "small.yaml"], ["describe", "onepot", "--format", "text"]):
        assert main([*words, "-o", "/dev/null"]) == 0
        assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    if os.geteuid() == 0:
        os.mknod("null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
        Path("to-null").symlink_to("null")
        for path in ("null", "to-null"):
            write_text(path, "text")
            assert main(["plan", "small.yaml", "-o", path, "--log", path]) == 0
        assert stat.S_ISCHR(os.lstat("null").st_mode)
        assert Path("to-null").is_symlink()
    assert "others are written beside it" in _refused("/dev/null", beside=True)
    assert not list(here.glob(".*"))


def _refused(path: str, **options: bool) -> str:
    with pytest.raises(CrnsimError) as caught:
        check_output(path, "-o", **options)
    return str(caught.value)


def test_a_report_to_a_device_is_written_to_it(here, monkeypatch):
    main(["plan", "small.yaml"])
    monkeypatch.setattr("crnsim.sweep.run.merge.merge_group", lambda *_, **__: object())
    monkeypatch.setattr("crnsim.sweep.run.metrics.summarise_sweep", lambda *_: None)
    monkeypatch.setattr("crnsim.report.render_report", lambda *_, **__: "<html>")
    for path in ("/dev/null", "page.html"):
        assert main(["report", "results/small/plan.json", "--partial", "-o", path]) == 0
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    assert Path("page.html").read_text() == "<html>"


def test_a_pipe_with_a_reader_gets_all_and_one_without_is_refused(here, capsys):
    os.mkfifo("pipe")
    assert "a pipe that nobody reads" in _refused("pipe")
    with pytest.raises(StorageError, match="a pipe that nobody reads"):
        write_text("pipe", "text")
    assert main(["plan", "small.yaml", "-o", "pipe"]) == 2
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(Path("pipe").read_text()), daemon=True)
    reader.start()
    while main(["plan", "small.yaml", "-o", "pipe"]) == 2:
        pass  # the reader has not come yet
    reader.join(20)
    main(["plan", "small.yaml", "-o", "plan.json"])
    assert read == [Path("plan.json").read_text()]
    assert stat.S_ISFIFO(Path("pipe").stat().st_mode)


@pytest.mark.parametrize("path", ["-", "/dev/stdout"])
def test_text_goes_to_standard_output_and_nothing_else(here, path):
    def run(*words: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run([sys.executable, "-m", "crnsim", *words], capture_output=True, check=False)

    main(["plan", "small.yaml", "-o", "plan.json"])
    assert run("plan", "small.yaml", "-o", path).stdout == Path("plan.json").read_bytes()
    main(["describe", "onepot", "-o", "net.crn"])
    assert run("describe", "onepot", "-o", path).stdout == Path("net.crn").read_bytes()
    refused = run("train", "xor", *FAST, "-o", path)
    assert (refused.returncode, refused.stdout) == (2, b"")
    assert b"this does not go to standard output; name a file" in refused.stderr
    assert b"NetCDF does not go" in run("describe", "onepot", "-o", path, "--format", "arrays").stderr
    assert sorted(file.name for file in here.iterdir()) == ["net.crn", "plan.json", "small.yaml"]


def test_a_link_is_replaced_and_what_it_points_to_stays(here):
    Path("elsewhere").write_text("mine")
    Path("link").symlink_to("elsewhere")
    Path("dangling").symlink_to("nowhere")
    for path in ("link", "dangling"):
        check_output(path, "-o")
        write_text(path, "new")
        assert not Path(path).is_symlink()
        assert Path(path).read_text() == "new"
    assert Path("elsewhere").read_text() == "mine"
    assert not Path("nowhere").exists()


def test_a_home_that_the_shell_leaves_is_a_name_like_any_other(here, tmp_path, monkeypatch):
    home = tmp_path / "home"
    home.mkdir()
    # Compiled code lies where it lies, whoever was first to ask.
    monkeypatch.setenv(
        "CRNSIM_CACHE_DIR", os.environ.get("CRNSIM_CACHE_DIR", str(Path.home() / ".cache" / "crnsim"))
    )
    monkeypatch.setenv("HOME", str(home))
    for folder in ("~", "~root", "http:"):
        data = xr.Dataset({"x": ("n", [1.0, 2.0])})
        write_dataset(data, f"{folder}/x.nc")
        assert read_dataset(f"{folder}/x.nc").identical(data)
        with pytest.raises(DamagedFileError, match="cannot be read: 'point_key'"):
            read_keys(f"{folder}/x.nc")
        assert [file.name for file in Path(folder).iterdir()] == ["x.nc"]
    assert main(["train", "xor", *FAST, "--output=~/run.nc"]) == 0
    assert main(["infer", "xor", "--running-time", "1", "--weights=~/run.nc", "--output=~/infer.nc"]) == 0
    assert main(["describe", "onepot", "--output=~/net.nc"]) == 0
    assert main(["plan", "small.yaml", "--output=~/plan.json", "--log=~/log.txt"]) == 0
    names = ["infer.nc", "log.txt", "net.nc", "plan.json", "run.nc", "x.nc"]
    assert sorted(file.name for file in Path("~").iterdir()) == names
    assert not list(home.iterdir())


def test_names_up_to_what_a_file_system_takes_are_written(here):
    for name in ("x" * 255, "é" * 127, "a b", "-x", ".hidden"):
        check_output(name, "-o")
        write_text(name, name)
        write_text(name, "again")
        assert Path(name).read_text() == "again"
    with pytest.raises(CrnsimError, match="more than 255 bytes"), replacing("x" * 256):
        pass
    assert not [file for file in here.iterdir() if file.name.endswith(".part")]
