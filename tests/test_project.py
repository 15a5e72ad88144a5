"""`crnsim init` and `crnsim run`, what the package carries, and the workflow in a stranger's Snakefile."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import yaml
from small_sweeps import compute, write_sweep
from workflow_folder import ROOT

from crnsim.cli import init, lock
from crnsim.cli import run as running
from crnsim.cli.parser import main
from crnsim.errors import ConfigError, InputError, StorageError
from crnsim.sweep import workflow
from crnsim.sweep.config.given import given_values, read_document, value_words
from crnsim.sweep.config.read import read_sweep

#: What makes each example small enough for a test.
TINY = {
    "xor": ("replicates=2", "running_times=[5]", "datasets.xor.epochs=1", "noise.rates.magnitudes=[0.1]"),
    "csv": ("replicates=2", "running_times=[5]", "datasets.clouds.epochs=1", "noise.rates.magnitudes=[0.1]"),
    "network": ("replicates=2", "running_times=[10]"),
    "inference": ("replicates=2", "running_times=[5]", "noise.rates.magnitudes=[0.1]"),
}


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def complaint(here, capsys):
    """Return the one line with which a command ends."""

    def said(*words: str) -> str:
        assert main(words) == 2
        captured = capsys.readouterr()
        assert captured.err.count("\n") == 1
        return captured.err

    return said


# crnsim init


@pytest.mark.parametrize("example", init.NAMES)
def test_example_is_laid_out_shown_and_computed_to_its_report(here, capsys, monkeypatch, example):
    assert main(["init", "demo", "--example", example]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "next: cd demo && crnsim run"
    files = {str(file.relative_to("demo")) for file in Path("demo").rglob("*") if file.is_file()}
    assert {"sweep.yaml", "README.md", ".gitignore", "profiles/default/profile.yaml"} <= files
    monkeypatch.chdir("demo")
    assert main(["show", "sweep.yaml"]) == 0
    compute("sweep.yaml", "sweep", *TINY[example])
    assert Path("reports/sweep.html").stat().st_size > 10_000


def test_init_writes_over_nothing_and_writes_nothing_then(complaint, here):
    Path("demo/profiles").mkdir(parents=True)
    Path("demo/sweep.yaml").write_text("mine")
    assert "demo: sweep.yaml is there already, and nothing is written over" in complaint("init", "demo")
    Path("demo/README.md").symlink_to("nowhere")
    assert "README.md, sweep.yaml are there already" in complaint("init", "demo")
    assert sorted(p.name for p in Path("demo").iterdir()) == ["README.md", "profiles", "sweep.yaml"]
    assert Path("demo/sweep.yaml").read_text() == "mine"
    Path("file").touch()
    assert "file: a folder must be here, and a file is" in complaint("init", "file/demo")
    Path("other").mkdir()
    Path("other/profiles").touch()
    assert "other/profiles: a folder must be here, and a file is" in complaint("init", "other")
    assert "unknown; did you mean 'network'?" in complaint("init", "new", "--example", "netwrk")
    assert not Path("new").exists()


# crnsim run


def test_run_without_a_sweep_or_with_a_wrong_one_is_one_line(complaint, here):
    assert "config/config.yaml: there is no such file here, and no sweep.yaml" in complaint("run")
    assert "none.yaml: there is no such file" in complaint("run", "none.yaml")
    write_sweep(Path("sweep.yaml"))
    assert "--config: unknown key 'replicats'; did you mean 'replicates'?" in complaint(
        "run", "--config", "replicats=2"
    )
    assert "'--configfile' after --: crnsim says that itself" in complaint(
        "run", "--", "--configfile", "x.yaml"
    )
    assert not Path(".snakemake").exists()


@pytest.mark.slow
def test_run_ends_with_the_report_and_again_with_nothing_to_do(here):
    write_sweep(Path("sweep.yaml"), chunks={"cells": 100, "workers": 1})
    words = [sys.executable, "-m", "crnsim", "run", "--cores", "1"]
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))

    def run(*more: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [*words, *more],
            env=os.environ | {"PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=False,
        )

    dry = run("-n")
    assert dry.returncode == 0, dry.stderr
    assert "12 points" in dry.stdout
    assert re.search(r"^plan +1$", dry.stderr + dry.stdout, re.MULTILINE)
    assert "Report:" not in dry.stdout
    assert not Path("results").exists()
    first = run("--config", "replicates=2", "--", "--config", "seed=1")
    assert first.returncode == 0, first.stderr
    assert first.stdout.splitlines()[-1] == f"Report: {here / 'reports/small.html'}"
    plan = Path("results/small/plan.json").read_text()
    assert '"n_points": 8' in plan
    assert '"seed": 1' in plan
    again = run("--config", "replicates=2", "seed=1")
    assert "Nothing to be done" in again.stderr
    assert again.stdout.splitlines()[-1].startswith("Report: ")
    # Another way to start the same Python is no reason to compute anything again.
    link = here / "bin" / "python"
    link.parent.mkdir()
    link.symlink_to(sys.executable)
    done = subprocess.run(
        [str(link), *words[1:], "--config", "replicates=2", "seed=1"],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([path, *sys.path])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Nothing to be done" in done.stderr
    failed = run("--", "--no-such-option")
    assert failed.returncode != 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_tells_run_to_stop_tells_snakemake_and_its_jobs(here, number):
    nested = "import subprocess, sys; open('up', 'w'); sys.exit(subprocess.call(['sleep', '60']))"
    code = (
        "import sys; from crnsim.cli.run import family;"
        f" sys.exit(family([], [sys.executable, '-c', {nested!r}]))"
    )
    path = os.pathsep.join([str(ROOT), *sys.path])
    process = subprocess.Popen(
        [sys.executable, "-c", code], start_new_session=True, env=os.environ | {"PYTHONPATH": path}
    )
    while not Path("up").exists():
        time.sleep(0.05)
    time.sleep(0.5)
    process.send_signal(number)
    assert process.wait(20) != 0
    for _ in range(100):
        if not any(os.getpgid(one.pid) == process.pid for one in psutil.process_iter() if _lives(one)):
            break
        time.sleep(0.1)
    else:
        pytest.fail("something is left running")


def _lives(one: psutil.Process) -> bool:
    try:
        return one.status() != psutil.STATUS_ZOMBIE and os.getpgid(one.pid) > 0
    except (psutil.Error, OSError):
        return False


def test_words_after_dashes_are_snakemakes_but_for_values_of_the_sweep():
    assert running.part(["--until", "merge", "--config", "a=1", "b=2", "-p"]) == (
        ["a=1", "b=2"],
        ["--until", "merge", "-p"],
    )
    assert running.part(["--config=a=1", "b=2", "-nq"]) == (["a=1", "b=2"], ["-nq"])
    for word in ("--cores=2", "--direct", "-d/tmp", "-c4", "-s", "--configfile", "--snakef"):
        with pytest.raises(InputError, match=f"'{word}' after --"):
            running.part([word])
    assert [
        one for one in ("-n", "-nq", "--dry-run", "--list-rules", "-p", "--until") if running._is_dry(one)
    ] == [
        *("-n", "-nq", "--dry-run", "--list-rules"),
    ]


@pytest.mark.parametrize("variable", ["XDG_CACHE_HOME", "HOME"])
def test_a_cache_that_snakemake_cannot_write_is_one_line(monkeypatch, variable):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv(variable, "/dev/null/none")
    with pytest.raises(StorageError, match=r"^/dev/null/none.*; set XDG_CACHE_HOME to a folder"):
        running.check_cache()


def test_a_cache_that_takes_no_byte_is_found(tmp_path):
    limited = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({running.ROOM - 1},) * 2)"
    code = (
        f"import signal; from crnsim.cli.run import check_cache; {limited};"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); check_cache()"
    )
    path = os.pathsep.join([str(ROOT), *sys.path])
    environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path), "PYTHONPATH": path}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert f"{tmp_path} cannot be written (File too large)" in done.stderr


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (
            "echo one; echo 'crnsim: no such sweep' >&2; echo; exit 3",
            "failed: crnsim: no such sweep; the lock in ",
        ),
        ("exit 1", "failed: it does not say why; the lock in "),
        ("echo Unlocked.", ""),
    ],
)
def test_a_lock_that_stays_is_told_with_the_reason(monkeypatch, capsys, here, script, said):
    monkeypatch.setattr(lock, "live_holder", lambda folder: None)
    assert lock.clear_stale_lock(["false"])
    Path(".snakemake/locks").mkdir(parents=True)
    Path(".snakemake/locks/0.input.lock").touch()
    assert lock.clear_stale_lock(["sh", "-c", script]) == (not said)
    line = capsys.readouterr().err.splitlines()[1:]
    assert [said in one for one in line] == [True] * bool(said)
    monkeypatch.setattr(lock, "live_holder", lambda folder: 7)
    assert lock.clear_stale_lock(["false"])
    assert "process 7" in capsys.readouterr().err


def test_carried_workflow_is_found_beside_the_package_or_in_it(monkeypatch, tmp_path, capsys):
    assert workflow.workflow_folder() == ROOT
    assert main(["run", "--snakefile"]) == 0
    assert capsys.readouterr().out == f"{ROOT / 'workflow/Snakefile'}\n"
    installed = tmp_path / "crnsim" / "_share" / "workflow"
    installed.mkdir(parents=True)
    (installed / "Snakefile").touch()
    monkeypatch.setattr(workflow, "__file__", str(tmp_path / "crnsim" / "sweep" / "workflow.py"))
    assert workflow.workflow_folder() == installed.parent
    (installed / "Snakefile").unlink()
    with pytest.raises(StorageError, match="the workflow is not there; install crnsim anew"):
        workflow.workflow_folder()


# Values beside a sweep file


def test_values_take_the_place_of_the_files_key_by_key(here):
    write_sweep(Path("small.yaml"), datasets={"xor": {"epochs": 2}, "iris": {"epochs": 3}})
    given = ["replicates=7", "datasets={xor: {epochs: 9}}", "noise.rates.magnitudes=[0.2, 1e-1]", "title=T"]
    sweep = read_sweep("small.yaml", given).sweep
    assert (sweep.replicates, sweep.title) == (7, "T")
    assert {name: settings.epochs for name, settings in sweep.datasets.items()} == {"xor": 9, "iris": 3}
    assert sweep.noise.rates.magnitudes == (0.2, 0.1)
    assert sweep.running_times == (5, 10)
    assert read_sweep("small.yaml", given).fingerprint != read_sweep("small.yaml").fingerprint
    # What the workflow passes on says the same.
    assert given_values(value_words(given_values(given))) == given_values(given)
    assert set(read_sweep("small.yaml", ["datasets=[or]"]).sweep.datasets) == {"or"}
    whole = value_words(yaml.safe_load(Path("small.yaml").read_text()))
    assert read_sweep(None, whole).sweep == read_sweep("small.yaml").sweep


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("replicats=2", "--config: unknown key 'replicats'; did you mean 'replicates'?"),
        ("replicates=two", "--config: replicates is 'two'; it must be "),
        ("noise.rates.magnitudes=[3]", r"--config: noise.rates.magnitudes\[0\] is 3; it must be 2 or less"),
        ("datasets={xorr: {}}", "--config: datasets.xorr: unknown data set; did you mean 'xor'?"),
        ("replicates", "--config 'replicates': not a value for a key"),
        ("a b=1", "--config 'a b=1': not a value for a key"),
        ("noise..rates=1", "--config 'noise..rates=1': not a value for a key"),
        ("replicates=[2", "--config replicates: line 1: not YAML"),
        ("title=!x y", "--config title: line 1: not YAML: tags"),
    ],
)
def test_a_wrong_value_is_said_as_clearly_as_that_of_a_file(here, word, said):
    write_sweep(Path("small.yaml"))
    with pytest.raises(ConfigError, match=f"^{said}"):
        read_sweep("small.yaml", [word])


def test_what_a_value_names_may_be_imported_as_what_the_file_names(here):
    from crnsim.sweep.plan.permission import permitted

    write_sweep(Path("small.yaml"))
    Path("mine.py").write_text("from crnsim.activations.squareplus import Squareplus as Mine\n")
    word = "activations.smooth.name=mine:Mine"
    assert main(["plan", "small.yaml", "--config", word, "-o", "plan.json"]) == 0
    assert permitted("plan.json", "small.yaml", [word]) == ["mine:Mine"]
    assert permitted("plan.json", None, [word]) == ["mine:Mine"]
    with pytest.raises(InputError, match=r"small\.yaml does not name it"):
        permitted("plan.json", "small.yaml")
    assert read_document("small.yaml", [word]).place(("replicates",)).startswith("small.yaml: line ")


def test_configuration_of_a_module_is_a_file_or_a_whole_sweep(here):
    write_sweep(Path("sweep.yaml"))
    assert workflow.sweep_source([], {}) == ("sweep.yaml", [])
    assert workflow.sweep_source([], {"sweep": "a.yaml", "replicates": 2}) == ("a.yaml", ["replicates=2"])
    # YAML 1.1 takes a number without a point for text.
    assert workflow.sweep_source([], {"name": "n", "h": ["1e-4"]}) == (None, ['name="n"', "h=[0.0001]"])
    assert workflow.sweep_source([], ["sweep=b.yaml", "seed=1"]) == ("b.yaml", ["seed=1"])
    assert workflow.sweep_source([here / "c.yaml"], ["seed=1"]) == ("c.yaml", ["seed=1"])
    found = workflow.open_workflow([], {"sweep": "sweep.yaml", "title": "it's"})
    assert shlex.split(found.source) == ["sweep.yaml", '--config=title="it\'s"']
    assert shlex.split(found.permission) == ["--sweep=sweep.yaml", '--config=title="it\'s"']
    assert found.command.endswith(" -m crnsim")
    assert workflow.open_workflow([], {}, deployed=True).command == "crnsim"


STRANGER = """
rule all:
    input:
        "copy.html",


module crnsim:
    snakefile:
        "{snakefile}"
    config:
        config["robustness"]


use rule * from crnsim as crnsim_*


rule copy:
    input:
        "reports/small.html",
    output:
        "copy.html",
    shell:
        "cp {{input}} {{output}}"
"""


@pytest.mark.slow
def test_workflow_is_a_module_of_a_strangers(here):
    from small_sweeps import small_sweep

    sweep = small_sweep(chunks={"cells": 100, "workers": 1})
    Path("stranger.yaml").write_text(yaml.safe_dump({"robustness": sweep}))
    Path("Snakefile").write_text(STRANGER.format(snakefile=ROOT / "workflow/Snakefile"))
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    words = [sys.executable, "-m", "snakemake", "--cores", "2", "--configfile", "stranger.yaml"]
    done = subprocess.run(
        words, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert Path("copy.html").stat().st_size > 10_000
    assert "localrules" not in done.stderr


# What others read


def test_workflow_passes_snakemakes_own_lint(here):
    write_sweep(Path("small.yaml"))
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    words = ["--snakefile", str(ROOT / "Snakefile"), "--configfile", "small.yaml", "--lint"]
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", *words],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Lints for" not in done.stderr


def test_environments_and_catalog_say_what_is_so():
    import crnsim

    conda = yaml.safe_load((ROOT / "workflow/envs/crnsim.yaml").read_text())
    assert {"pip": [f"crnsim=={crnsim.__version__}"]} in conda["dependencies"]
    catalog = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert (ROOT / catalog["mandatory-flags"]["flags"].split()[-1]).is_file()
    assert catalog["software-stack-deployment"]["conda"] is True
    text = re.sub(r"\\\n", " ", (ROOT / "Containerfile").read_text())
    lines = [line.split(maxsplit=1) for line in text.splitlines() if line and not line.startswith("#")]
    known = {"FROM", "ENV", "COPY", "RUN", "WORKDIR", "ENTRYPOINT", "CMD"}
    assert lines[0][0] == "FROM"
    assert {word for word, _ in lines} <= known
    for word, rest in lines:
        if word == "COPY":
            assert all((ROOT / source).exists() for source in rest.split()[:-1])


def test_a_project_is_not_laid_out_in_part(here):
    (here / "h").mkdir()
    (here / "h" / "profiles").symlink_to("/nowhere")
    assert main(["init", "h"]) == 2
    assert [one.name for one in (here / "h").iterdir()] == ["profiles"]


@pytest.mark.parametrize(
    "word", ["circuit={a: 1}", "chunks.workers={name: rellu}", "a.b.c=1", "replicates.x=1"]
)
def test_a_mistake_in_a_value_is_told_of_the_value(here, word):
    write_sweep(Path("sweep.yaml"))
    with pytest.raises(ConfigError) as error:
        read_sweep("sweep.yaml", [word])
    assert all(one.startswith("--config: ") for one in error.value.mistakes), error.value


def test_all_values_that_are_none_are_told():
    with pytest.raises(ConfigError) as error:
        given_values(["a=[", "b", "replicates=2", "c=]"])
    assert len(error.value.mistakes) == 3
