"""Machines that are not as one would like: no room or no right to write where caches and temporary files go."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

#: Compiles a small function of the library.
COMPILE = """
import numpy
from crnsim.compiled import kept
from crnsim.noise.philox import philox
with kept():
    print(philox(*map(numpy.uint64, range(6)))[0])
"""
#: Writes the source of a network where its code is kept.
WRITE = "from crnsim.kinetics.kernels import _write; _write('network', 'x = 1' * 100)"
LIMIT = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({0}, {0}))\n"


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CRNSIM_", "XDG_"))}
    return subprocess.run(
        [sys.executable, "-c", code], env=kept | environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("code", [COMPILE, WRITE], ids=["compiled", "source"])
def test_full_cache_is_one_line_that_names_it(tmp_path, code):
    done = run(LIMIT.format(100) + code, CRNSIM_CACHE_DIR=str(tmp_path))
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith(
        f"crnsim.errors.StorageError: {tmp_path}: compiled code cannot be kept (File too large); "
    )
    assert not [file for file in tmp_path.rglob("*") if "tmp" in file.name]


@pytest.mark.parametrize("place", ["file", "file/below", "no/such"])
def test_cache_that_cannot_be_made_costs_a_compilation_and_no_result(tmp_path, place):
    (tmp_path / "file").touch()
    done = run(COMPILE, CRNSIM_CACHE_DIR=str(tmp_path / place), TMPDIR=str(tmp_path))
    assert done.stdout.strip().isdecimal(), done.stderr


def test_home_that_is_missing_costs_no_result(tmp_path):
    done = run(COMPILE, HOME="/proc/no-such-home", TMPDIR=str(tmp_path / "none"))
    assert done.stdout.strip().isdecimal(), done.stderr


def test_command_without_room_names_a_place(tmp_path):
    code = (
        LIMIT.format(100)
        + "from crnsim.cli import main; raise SystemExit(main(['train', 'xor', '--epochs', '1']))"
    )
    done = run(code, CRNSIM_CACHE_DIR=str(tmp_path))
    assert done.returncode == 2
    # Which of them meets the limit first hangs on what is compiled already.
    assert f"{tmp_path}: compiled code cannot be kept (File too large); make room" in done.stderr or (
        "a folder of temporary files" in done.stderr and "CRNSIM_CACHE_DIR" in done.stderr
    )
    assert done.stderr.count("\n") == 1
