"""Stored results: whole or absent, equal bytes for equal content, damage noticed and named."""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import sys

import numpy as np
import pytest
import xarray as xr

from crnsim.errors import DamagedFileError, InputError, StorageError
from crnsim.outcomes import OUTCOMES
from crnsim.store.files import read_dataset, remove_abandoned, replacing, write_dataset, write_text
from crnsim.store.points import join, pick, read_points


def keys(first: int, count: int) -> list[str]:
    return [hashlib.md5(str(number).encode()).hexdigest() for number in range(first, first + count)]


def results(first: int, count: int, recorded: int = 0, **attrs) -> xr.Dataset:
    """Return made-up results of points first, first + 1, ... with trajectories of some."""
    numbers = np.arange(first, first + count, dtype=float)
    text = np.array([""] * count, dtype=object)
    data = xr.Dataset(
        {
            "status": (
                "point",
                np.zeros(count, "i1"),
                {"flag_values": np.arange(5, dtype="i1"), "flag_meanings": " ".join(OUTCOMES)},
            ),
            "reason": ("point", text),
            "score": ("point", numbers / 7),
            "train_loss": (("point", "epoch"), np.outer(numbers, [1, 2, 3]).astype("f4")),
            "weights": (("point", "checkpoint", "weight"), np.ones((count, 2, 2)) * numbers[:, None, None]),
        },
        coords={
            "point_key": ("point", np.array(keys(first, count), dtype=object)),
            "running_time": ("point", np.full(count, 30.0)),
            "noise_kind": ("point", np.array(["none"] * count, dtype=object)),
            "noise_rates": ("point", np.zeros(count)),
            "noise_static_rates": ("point", np.zeros(count)),
            "noise_concentrations": ("point", np.zeros(count)),
            "noise_inputs": ("point", np.zeros(count)),
            "noise_intrinsic": ("point", np.zeros(count)),
            "replicate": ("point", np.arange(first, first + count, dtype="i4")),
            "seed": ("point", np.zeros(count, "i8")),
            "epoch": np.arange(1, 4, dtype="i4"),
            "checkpoint": np.array([0, 3], dtype="i4"),
            "weight": ["W1[0,0]", "B1[0]"],
        },
        attrs={
            "schema": "1",
            "dataset": "xor",
            "circuit": "onepot",
            "activation": "squareplus",
            "code_hash": "a",
        }
        | attrs,
    )
    if recorded:
        values = np.arange(recorded * 8, dtype="f4").reshape(recorded, 2, 2, 2) + first
        data = data.assign_coords(
            recorded=keys(first, recorded), presentation=[0, 5], fraction=[0.0, 1.0], species=["A", "Zp[0]"]
        ).assign(trajectory=(("recorded", "presentation", "fraction", "species"), values))
    return data


def test_written_results_are_read_back_exactly(tmp_path):
    data = results(0, 5, recorded=2)
    data["score"][3], data["status"][3] = np.nan, 1
    write_dataset(data, tmp_path / "a.nc")
    assert read_points(tmp_path / "a.nc").identical(data)


def test_equal_results_give_equal_bytes_whatever_they_went_through(tmp_path):
    write_dataset(results(0, 5, recorded=2), tmp_path / "a.nc")
    write_dataset(read_points(tmp_path / "a.nc"), tmp_path / "b.nc")
    write_dataset(join([results(0, 2, recorded=2), results(2, 3)]), tmp_path / "c.nc")
    backwards = join([results(2, 3), results(0, 2, recorded=2)])
    write_dataset(pick(backwards, keys(0, 5), keys(0, 2)), tmp_path / "d.nc")
    contents = {(tmp_path / f"{name}.nc").read_bytes() for name in "abcd"}
    assert len(contents) == 1


def test_picked_points_come_in_the_order_asked_with_the_trajectories_asked():
    data = results(0, 4, recorded=3)
    wanted = [keys(0, 4)[2], keys(0, 4)[0]]
    picked = pick(data, wanted, [keys(0, 4)[2]])
    assert picked["point_key"].values.tolist() == wanted
    assert picked["recorded"].values.tolist() == [keys(0, 4)[2]]
    assert float(picked["trajectory"][0, 0, 0, 0]) == 16.0
    assert "trajectory" not in pick(data, wanted, [])
    assert "species" not in pick(data, wanted, []).variables


def test_points_of_different_versions_or_epochs_do_not_mix():
    with pytest.raises(InputError, match="code_hash"):
        join([results(0, 2), results(2, 2, code_hash="b")])
    with pytest.raises(InputError, match="do not fit together"):
        join([results(0, 2), results(2, 2).isel(epoch=[0, 1])])


@pytest.mark.parametrize("size", [0, 1, 8, 100, 0.3, 0.7, -1])
def test_file_cut_short_is_named_with_what_to_do(tmp_path, size):
    path = tmp_path / "chunk.nc"
    write_dataset(results(0, 50), path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * size) if isinstance(size, float) else size])
    with pytest.raises(
        DamagedFileError, match=r"chunk\.nc is damaged: .*; delete it and run the same command again"
    ):
        read_points(path)


def test_flipped_bits_in_numbers_are_noticed(tmp_path):
    path = tmp_path / "chunk.nc"
    data = results(0, 3).assign(noise=("other", np.random.default_rng(0).random(20_000)))
    write_dataset(data, path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x10
    path.write_bytes(content)
    with pytest.raises(DamagedFileError, match=r"chunk\.nc"):
        read_points(path)


def test_foreign_files_are_named(tmp_path):
    (tmp_path / "page.nc").write_text("<html>not found</html>")
    with pytest.raises(DamagedFileError, match=r"page\.nc is damaged: it is not a NetCDF-4 file"):
        read_points(tmp_path / "page.nc")
    write_dataset(xr.Dataset({"temperature": ("time", [1.0, 2.0])}), tmp_path / "weather.nc")
    with pytest.raises(DamagedFileError, match=r"weather\.nc is damaged: crnsim did not write it"):
        read_points(tmp_path / "weather.nc")
    with pytest.raises(InputError, match="no such file"):
        read_dataset(tmp_path / "none.nc")


@pytest.mark.parametrize("name", ["status", "point_key", "noise_rates", "seed"])
def test_file_without_a_variable_or_with_another_type_is_named(tmp_path, name):
    data = results(0, 3)
    write_dataset(data.drop_vars(name), tmp_path / "a.nc")
    with pytest.raises(DamagedFileError, match=f"the variable {name} is missing"):
        read_points(tmp_path / "a.nc")
    wrong = data.drop_vars(name).assign({name: ("point", np.zeros(3, complex).real > 1)})
    write_dataset(wrong, tmp_path / "b.nc")
    with pytest.raises(DamagedFileError, match=f"the variable {name} has the wrong type"):
        read_points(tmp_path / "b.nc")


def test_file_with_a_point_twice_is_named(tmp_path):
    write_dataset(results(0, 3).isel(point=[0, 1, 1]), tmp_path / "a.nc")
    with pytest.raises(DamagedFileError, match="a point occurs twice"):
        read_points(tmp_path / "a.nc")


def test_a_writer_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    write_text(tmp_path / "a.txt", "old")

    def fail_halfway() -> None:
        with replacing(tmp_path / "a.txt") as temporary:
            temporary.write_text("ne")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_halfway()
    assert (tmp_path / "a.txt").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def small() -> xr.Dataset:
    return xr.Dataset({"a": ("x", np.random.default_rng(0).random(40_000))})


def test_write_beyond_what_files_may_have_is_one_line_and_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.nc"
    write_text(path, "old")
    code = (
        "import resource, sys, numpy, xarray\n"
        "from crnsim.errors import StorageError\n"
        "from crnsim.store.files import write_dataset\n"
        "data = xarray.Dataset({'a': ('x', numpy.random.default_rng(0).random(40_000))})\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, 65_536))\n"
        "try:\n    write_dataset(data, sys.argv[1])\n"
        "except StorageError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"{path}: not written")
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["a.nc"]


@pytest.fixture
def tiny_disk(tmp_path):
    """A file system of 256 kB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("a small file system can be mounted by root only")
    yield place
    # Lazily: netCDF keeps a file open that it could not finish.
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_full_disk_is_one_line_and_leaves_the_old_file(tiny_disk):
    path = tiny_disk / "a.nc"
    write_text(path, "old")
    with pytest.raises(StorageError, match=r"a\.nc: not written, the disk or your quota is full; make room"):
        write_dataset(small(), path)
    with pytest.raises(StorageError, match="full; make room"):
        write_text(path, "x" * 300_000)
    assert path.read_text() == "old"
    assert [file.name for file in tiny_disk.iterdir()] == ["a.nc"]


def test_place_that_cannot_be_written_is_one_line(tiny_disk):
    path = tiny_disk / "folder/a.nc"
    write_text(path, "old")
    subprocess.run(["mount", "-o", "remount,ro", str(tiny_disk)], check=True)
    for write in (lambda: write_dataset(small(), path), lambda: write_text(path, "new")):
        with pytest.raises(
            StorageError,
            match=r"a\.nc: not written \((Read-only file system|Permission denied)\); make .*folder writable",
        ):
            write()
    with pytest.raises(StorageError, match="Read-only file system"):
        write_text(tiny_disk / "other/b.json", "new")
    assert path.read_text() == "old"


def test_folder_that_is_a_file_is_one_line(tmp_path):
    write_text(tmp_path / "a", "")
    with pytest.raises(StorageError, match="a file is where a folder must be"):
        write_text(tmp_path / "a/b.json", "")


def test_error_that_has_nothing_to_do_with_the_place_stays_as_it_is(tmp_path):
    with pytest.raises(RuntimeError, match="ours"), replacing(tmp_path / "a"):
        raise RuntimeError("ours")


def test_half_written_files_of_dead_writers_are_removed_and_those_of_others_stay(tmp_path):
    host = socket.gethostname()
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    for name in (f"{host}-{dead.pid}", f"{host}-{os.getpid()}", "elsewhere-1", "elsewhere-2"):
        (tmp_path / f".a.nc.{name}.part").write_text("half")
    (tmp_path / f".b.nc.{host}-{dead.pid}.part").write_text("of another file")
    os.utime(tmp_path / ".a.nc.elsewhere-2.part", (0, 0))
    remove_abandoned(tmp_path, "a.nc.")
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted(
        [f".a.nc.{host}-{os.getpid()}.part", ".a.nc.elsewhere-1.part", f".b.nc.{host}-{dead.pid}.part"]
    )


def test_versions_of_the_libraries_add_up():
    parts = [
        results(0, 1, libraries="numpy 2"),
        results(1, 1, libraries="numpy 1"),
        results(2, 1, libraries="numpy 2"),
    ]
    assert join(parts).attrs["libraries"] == "numpy 1 | numpy 2"
    assert join([join(parts), results(3, 1)]).attrs["libraries"] == "numpy 1 | numpy 2"
    assert "libraries" not in join([results(0, 1), results(1, 1)]).attrs
