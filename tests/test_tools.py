"""The small programs of `make run`, and that what kills runs leaves none behind."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import kill_and_resume
import psutil
import pytest

ROOT = Path(__file__).resolve().parent.parent


def tool(name: str):
    """Import a program of tools/."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# The cache of Snakemake


@pytest.mark.parametrize("variable", ["XDG_CACHE_HOME", "HOME"])
def test_a_cache_that_snakemake_cannot_write_is_one_line(monkeypatch, capsys, variable):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv(variable, "/dev/null/none")
    assert tool("check_cache").main() == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.startswith("/dev/null/none")
    assert said.endswith("; set XDG_CACHE_HOME to a folder that you can write\n")


def test_a_cache_that_takes_no_byte_is_found(monkeypatch, tmp_path):
    check = tool("check_cache")
    limited = (
        f"import resource, signal, sys; resource.setrlimit(resource.RLIMIT_FSIZE, ({check.ROOM - 1},) * 2)"
    )
    run = f"{limited}; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); import check_cache; sys.exit(check_cache.main())"
    done = subprocess.run(
        [sys.executable, "-c", run],
        env=os.environ | {"XDG_CACHE_HOME": str(tmp_path), "PYTHONPATH": str(ROOT / "tools")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith(f"{tmp_path} cannot be written (File too large)")


def test_a_cache_that_can_be_written_is_no_word_and_make_looks_first(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert tool("check_cache").main() == 0
    assert capsys.readouterr() == ("", "")
    assert list((tmp_path / "cache/snakemake").iterdir()) == []
    make = (ROOT / "Makefile").read_text()
    places = [make.index(name) for name in ("check_cache.py", "clear_stale_lock.py", "snakemake --cores")]
    assert places == sorted(places)


# The lock of a run that was killed


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
def test_a_lock_that_stays_is_told_with_the_reason(monkeypatch, capsys, tmp_path, script, said):
    unlock = tool("clear_stale_lock")
    monkeypatch.setattr(unlock, "live_holder", lambda folder: None)
    monkeypatch.setattr(sys, "argv", ["clear_stale_lock.py"])
    monkeypatch.chdir(tmp_path)
    Path(".snakemake/locks").mkdir(parents=True)
    Path(".snakemake/locks/0.input.lock").touch()
    Path("snakemake").write_text(f"#!/bin/sh\n{script}\n")
    Path("snakemake").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert unlock.main() == bool(said)
    line = capsys.readouterr().out.splitlines()[1:]
    assert [said in one for one in line] == [True] * bool(said)


# Runs that are killed


def test_whatever_ends_the_killing_ends_the_runs(monkeypatch, tmp_path):
    nested = "import subprocess, sys; subprocess.run(['sleep', '600'], start_new_session=True)"
    found = []

    def told_to_stop(*_):
        for _ in range(2):
            process = subprocess.Popen([sys.executable, "-c", nested], start_new_session=True)
            kill_and_resume.STARTED.append(process)
            while not (family := kill_and_resume.descendants(process)):
                pass
            found.extend([psutil.Process(process.pid), *family])
        kill_and_resume.kill(process, "main", None)
        raise SystemExit(1)

    monkeypatch.setattr(kill_and_resume, "_torment", told_to_stop)
    with pytest.raises(SystemExit):
        kill_and_resume.torment(tmp_path, kills=1, seed=0)
    _, alive = psutil.wait_procs(found, timeout=20)
    assert [one for one in alive if one.status() != psutil.STATUS_ZOMBIE] == []
    assert not kill_and_resume.STARTED
