"""Odd command lines: words that no option takes are one line and exit status 2; a fuzzer of every subcommand."""

from __future__ import annotations

import argparse
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from odd import check_line, fuzzed, judged, odd_words
from small_sweeps import write_sweep

from crnsim.cli import parser as command_line
from crnsim.cli.parser import main
from crnsim.cli.runs import layers
from crnsim.errors import CrnsimError, InputError
from crnsim.sweep.run import chunk  # imported before its parts are replaced

CSV = "a,b,kind\n" + "".join(f"{n / 7},{n % 3},{'xy'[n % 2]}\n" for n in range(20))


@pytest.fixture
def complaint(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_sweep(Path("small.yaml"))
    Path("data.csv").write_text(CSV)

    def run(*words: str) -> str:
        began = time.monotonic()
        assert main(words) == 2
        assert time.monotonic() - began < 4
        said = capsys.readouterr()
        assert said.err.count("\n") == 1
        assert not said.out
        check_line(said.err.rstrip("\n"))
        return said.err.removeprefix("crnsim: ")

    return run


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["show", "small.yaml", "--cores", "9" * 20], "--cores is 99999999999999999999; it must be a whole"),
        (["show", "small.yaml", "--cores", "9" * 5000], "--cores is '9999"),
        (["show", "small.yaml", "--cores", "²"], "--cores is '²'; it must be a whole number"),
        (["show", "small.yaml", "--cores", "1_0"], "--cores is '1_0'; it must be a whole number"),
        (["show", "small.yaml", "--cores", "0x2"], "--cores is '0x2'; it must be a whole number"),
        (["show", "small.yaml", "--cores", "١"], "--cores is '١'; it must be a whole number"),
        (["show", "small.yaml", "--cores="], "--cores is ''; it must be a whole number"),
        (["show", "small.yaml", "--core", "2"], "unrecognized arguments: --core 2"),
        (["integrate", "p.json", "k", "--cores", "²"], "--cores is '²'; it must be a whole number"),
        (["integrate", "p.json", "k", "--cores", "9" * 20], "--cores is 99999999999999999999; it must be "),
        (["integrate", "p.json", "k", "--workers", "2000"], "--workers is 2000; it must be a whole number >= 1"),
        (["train", "xor", "--seed", str(2**63)], "--seed is 9223372036854775808; it must be a whole number >= 0"),
        (["train", "xor", "--seed", "-1"], "--seed is -1; it must be a whole number >= 0"),
        (["train", "xor", "--seed", "1.5"], "--seed is '1.5'; it must be a whole number"),
        (["train", "xor", "--epochs", "1" * 400], "--epochs is a whole number of 400 digits; it must be "),
        (["train", "xor", "--replicates", "10000000000"], "--replicates is 10000000000; it must be "),
        (["train", "xor", "--max-steps", "1" + "0" * 13], "--max-steps is 10000000000000; it must be "),
        (["train", "xor", "--running-time", "1e300"], "--running-time is 1e+300; it must be a number >= "),
        (["train", "xor", "--running-time", "nan"], "--running-time is 'nan'; it must be a number"),
        (["train", "xor", "--running-time", "1_0"], "--running-time is '1_0'; it must be a number"),
        (["train", "xor", "--rtol", "1e-300"], "--rtol is 1e-300; it must be a number >= 1e-14 and <= 0.1"),
        (["train", "xor", "--atol", "5e-324"], "--atol is 5e-324; it must be a number >= 1e-100 and <= 0.1"),
        (["train", "xor", "--noise-rates", "10"], "--noise-rates is 10.0; it must be a number >= 0 and <= 2"),
        (["train", "xor", "--noise-concentrations", "0.1", "--interval", "1e-300"], "--interval is 1e-300; it must"),
        (["train", "xor", "--noise-concentrations", "0.1", "--interval", "1e-6"], "noise on concentrations acts 1e+08"),
        (["train", "xor", "--noise-concentrations", "0.5", "--running-time", "2"],
         "noise on concentrations acts first after interval/2 = 2.5, which is not within the running time 2; take a "),
        (["infer", "xor", "--noise-concentrations", "0.5", "--running-time", "2", "--interval", "4"],
         "noise on concentrations acts first after interval/2 = 2, which is not within the running time 2; take a "),
        (["train", "xor", "--set", "ka=1e300"], "--set ka is 1e+300; it must be a number >= 1e-100 and <= 1e+100"),
        (["train", "xor", "--set", "ka=nan"], "onepot: ka is 'nan'; it must be a number >= 0"),
        (["train", "xor", "--set", "ka=1", "--set", "ka=2"], "--set ka=2: ka is given twice; give each parameter once"),
        (["train", "xor", "--set", "a b=1"], "--set a b=1: the name is 'a b'; it must be a word"),
        (["train", "xor", "--layers", ""], "argument --layers: '' is empty"),
        (["train", "xor", "--layers", "2,²,1"], "--layers is '2,²,1'; give whole numbers such as 2,6,1"),
        (["train", "xor", "--layers", f"2,{'1' * 400},1"], "a layer of --layers is a whole number of 400 digits; "),
        (["train", "digits", "--layers", "64,10000,10000,10"], "species 'W2p': 1.014e+08 species would take 25.3 GB"),
        (["describe", "onepot", "--layers", "9000,9000,10", "--all"], "species 'W1p': 8.101e+07 species would"),
        (["train", "data.csv", "--target", "kind", "--label", "../x"], "label is '../x'; it must be a word of at"),
        (["train", "data.csv", "--target", "kind", "--label", "xor"], "label is 'xor', the name of a data set that th"),
        (["describe", "onepot", "--layers", "1000,1000,1000", "--all"],
         "--all: 14058000 reactions, and at most 500000 are printed; take smaller layers, write them to a file with"),
        (["train", "xor", "--h", "1e-50"], "--h is 1e-50; it must be a number >= 1e-30 and <= 1e+100"),
        (["train", "xor", "--set", "nope=3"], "--set nope: onepot has no such parameter; known: k, ka, "),
        (["describe", "onepot", "--format", "text"], "--format text is of the file that -o names; give -o FILE too"),
        (["train", "data.csv", "--target", "kind", "--label", ""], "argument --label: '' is empty"),
        (["train", "data.csv", "--target", "kind", "--label", "x" * 300], "label is 'xxx"),
        (["train", "data.csv", "--target", ""], "argument --target: '' is empty"),
        (["infer", "xor", "--weights", ""], "argument --weights: '' is empty"),
        (["train", "a\0b.csv"], "argument dataset: 'a\\x00b.csv' has a NUL character in it"),
        (["train", "\udcff.csv"], "argument dataset: '\\udcff.csv' is not Unicode"),
        (["train", ""], "argument dataset: '' is empty"),
        (["train", "x" * 5000], "argument dataset: 'xxx"),
        (["status", "r", "--watch", "0"], "--watch is 0.0; it must be a number >= 0.01"),
        (["verify", "r", "--points", "1e3"], "--points is '1e3'; it must be a whole number"),
        ([""], "unknown command ''"),
        (["plann"], "unknown command 'plann'; did you mean 'plan'"),
        (["train", "xor", "--noise-rate", "0.1"], "unrecognized arguments: --noise-rate 0.1; did you mean"),
        ([], "the following arguments are required: COMMAND"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "",
)  # fmt: skip
def test_an_odd_word_is_one_line(complaint, words, said):
    assert complaint(*words).startswith(said)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("pipe", "this is a pipe"),
        ("/dev/zero", "this is a device"),
        (".", "this is a folder"),
        ("huge", "at most"),
    ],
)
def test_what_is_no_file_is_said_at_once_wherever_one_is_named(complaint, path, said):
    os.mkfifo("pipe")
    with Path("huge").open("wb") as file:
        file.truncate(9 << 30)
    for words in (
        ["plan", path],
        ["show", path],
        ["train", path, "--target", "kind"],
        ["infer", "xor", "--weights", path],
    ):
        assert said in complaint(*words)


def test_words_that_are_no_utf8_are_one_line_in_a_process_too(tmp_path):
    for words in ([b"plan", b"\xff.yaml"], [b"train", b"xor", b"--set", b"\xe9=1"], [b"show", b"a\x1b[31m"]):
        run = subprocess.run(
            [sys.executable, "-m", "crnsim", *words], capture_output=True, cwd=tmp_path, check=False
        )
        assert run.returncode == 2
        assert run.stderr.startswith(b"crnsim: ")
        assert run.stderr.count(b"\n") == 1


def test_a_title_in_any_script_is_shown_on_a_terminal_that_knows_few(tmp_path):
    write_sweep(tmp_path / "small.yaml", title="Größe 名 🔬")
    run = subprocess.run(
        [sys.executable, "-m", "crnsim", "show", "small.yaml"],
        capture_output=True,
        cwd=tmp_path,
        check=False,
        env=os.environ | {"PYTHONIOENCODING": "ascii", "LC_ALL": "C"},
    )
    assert (run.returncode, run.stderr) == (0, b"")
    assert run.stdout.startswith(rb"Gr\xf6\xdfe \u540d")


@pytest.mark.parametrize("given", ["1_0", "١", "nan", "inf", "-1", "0", "1e400", "16 GB", "0x10"])
def test_a_setting_of_the_environment_is_a_plain_number(complaint, monkeypatch, given):
    monkeypatch.setenv("CRNSIM_MAX_GB", given)
    assert complaint("train", "xor").startswith("CRNSIM_MAX_GB is ")


def test_cores_that_snakemake_does_not_know_are_none():
    parse = command_line._parser().parse_args
    for word, cores in (("None", ""), ("all", ""), ("4", "4"), ("", "")):
        assert parse(["integrate", "p", "k", "--cores", word]).cores == cores


def test_layers_are_whole_numbers():
    assert layers("2, 06,1") == layers("2-6-1") == (2, 6, 1)
    for text in ("2", "2,,1", "2,6.0,1", "-2,6,1", "0,1", ",".join("2" * 101), "10001,1", "2;6", "٢,6"):
        with pytest.raises(InputError):
            layers(text)


#: Every option of every command, with whether it takes a word.
COMMANDS = {
    name: [(option, action.nargs != 0) for action in command._actions for option in action.option_strings
           if not isinstance(action, argparse._HelpAction)]
    for action in command_line._parser()._actions if isinstance(action, argparse._SubParsersAction)
    for name, command in action.choices.items()
}  # fmt: skip
WORDS = st.one_of(
    odd_words(),
    st.sampled_from(
        ["xor", "iris", "small.yaml", "data.csv", "kind", "onepot", "feedforward", "sgd", "2,6,1", "0.1", "1", "5",
         "1e-3", "relu", "ka=20", "output=linear", "text", "arrays", "out/x.nc", "/dev/null", "-", ".",
         "results", "plan.json"]
    ),
)  # fmt: skip


#: Command lines that mean something, each to be made odd.
GOOD = [line.split() for line in (
    "show small.yaml --cores 4",
    "plan small.yaml -o out/plan.json --log out/log.txt",
    "build out/plan.json xor-onepot-smooth -o out/net.nc",
    "integrate out/plan.json 0 --workers 2 --cores 4 -o out/x.nc",
    "merge out/plan.json xor-onepot-smooth",
    "robustness out/plan.json --csv out/t.csv",
    "report out/plan.json --partial -o out/page.html",
    "status results --watch 5",
    "check results --remove damaged",
    "verify results --points 2 --seed 1 --group xor-onepot-smooth",
    "describe onepot --layers 2,3,1 --set ka=20 --all",
    "describe feedforward --layers 2-2-1 --dual-rail -o out/net.crn --format text",
    "describe onepot --activation relu --kz 50 --layers 2,2",
    "train xor --epochs 2 --running-time 5 --learning-rate 0.1 --noise-rates 0.1 --seed 3 -o out/x.nc",
    "train xor --noise-concentrations 0.1 --scope all --interval 2 --replicates 3 --rtol 1e-3 --atol 1e-6",
    "train data.csv --target kind --label mine --task classification --layers 2,3,1 --max-steps 100",
    "train regression --activation squareplus --h 0.1 --derivative ratio --set output=linear --method rosw",
    "infer iris --weights sgd --circuit feedforward --replicate 4",
)]  # fmt: skip


@st.composite
def lines(draw: st.DrawFn) -> list[str]:
    words = list(draw(st.sampled_from(GOOD)))
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.integers(0, len(words) - 1))
        words[place] = draw(WORDS)
    known = COMMANDS.get(words[0])
    for option, takes in draw(st.lists(st.sampled_from(known), max_size=2)) if known else []:
        if not takes:
            words.append(option)
        elif draw(st.booleans()):
            words.append(f"{option}={draw(WORDS)}")
        else:
            words += [option, draw(WORDS)]
    return words


@pytest.mark.fuzz
@fuzzed(150)
@given(lines())
def test_command_lines_fuzzed(tmp_path_factory, words):
    folder = tmp_path_factory.getbasetemp() / "commands"
    with pytest.MonkeyPatch.context() as patch:
        # A log or a network may take the place of any file that the command does not read.
        folder.mkdir(exist_ok=True)
        write_sweep(folder / "small.yaml")
        (folder / "data.csv").write_text(CSV)
        patch.chdir(folder)
        # What is computed is no matter of the command line: nothing learns here, and nobody waits.
        patch.setattr("crnsim.experiment.run.run_points", _computed)
        patch.setattr("time.sleep", _computed)
        patch.setattr("crnsim.sweep.run.build.compile_circuit", _computed)
        patch.setattr(chunk, "integrate_chunk", _computed)
        patch.setattr(command_line, "_complain", _raised)
        judged("command lines", words, lambda: _status(words))
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


class _ComputedError(CrnsimError):
    pass


def _computed(*_: object, **__: object) -> None:
    raise _ComputedError("it would be computed now")


def _raised(message: str, status: int) -> int:
    if message == "it would be computed now":
        return 0
    assert status == 2
    raise InputError(message)


def _status(words: list[str]) -> int:
    try:
        return main(words)
    except SystemExit as stop:
        return int(stop.code or 0)  # --help and --version
