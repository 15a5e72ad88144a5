"""Folders with code in them: only their owner can change what is there, or another one is asked for."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from odd import fuzzed, judged, odd_words

from crnsim import compiled
from crnsim.entrance.private import check_private, make_private, temporary_folder
from crnsim.errors import InputError

NOBODY = 65534
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to another user")


def check(folder: Path) -> None:
    check_private(folder, "the folder", "take another")


@pytest.fixture
def umask():
    """Let everybody write what is made, unless it is said otherwise."""
    before = os.umask(0)
    yield
    os.umask(before)


def test_a_new_folder_is_the_users_own_whatever_the_umask(tmp_path, umask):
    folder = tmp_path / "a" / "b"
    make_private(folder, "the folder", "take another")
    assert [stat.S_IMODE(place.stat().st_mode) for place in (folder, folder.parent)] == [0o700, 0o700]
    make_private(folder, "the folder", "take another")


@pytest.mark.parametrize("mode", [0o777, 0o707, 0o1777])
@pytest.mark.parametrize("inside", ["", "cache", "cache/more"])
def test_a_folder_that_all_can_write_is_refused(tmp_path, mode, inside):
    folder = tmp_path / "open"
    folder.mkdir()
    (folder / inside).mkdir(parents=True, exist_ok=True)
    folder.chmod(mode)
    if mode == 0o1777 and inside:
        # Nobody else can rename or remove what is ours there, as in /tmp.
        check(folder / inside)
        return
    told = repr(str(folder)) if inside else "it"
    with pytest.raises(InputError, match="can be written by every user; take another") as error:
        check(folder / inside)
    assert str(error.value).startswith(f"the folder '{folder / inside}' is not safe: {told} can")


def test_a_folder_of_a_group_is_refused_unless_it_is_the_users_own(tmp_path, monkeypatch):
    import grp
    import pwd

    tmp_path.chmod(0o775)
    me = pwd.getpwuid(os.geteuid())

    def group(name, members):
        monkeypatch.setattr(grp, "getgrgid", lambda gid: grp.struct_group((name, "x", gid, members)))

    for name, members in ((me.pw_name, []), (me.pw_name, [me.pw_name])):
        group(name, members)
        check(tmp_path)
    for name, members in ((me.pw_name, ["somebody"]), ("staff", []), ("staff", [me.pw_name])):
        group(name, members)
        with pytest.raises(InputError, match="can be written by a group of users"):
            check(tmp_path)


@as_root
@pytest.mark.parametrize("what", ["the folder", "its parent", "a link to it", "a link on the way"])
def test_a_folder_of_another_user_is_refused(tmp_path, what):
    parent, folder, link = tmp_path / "parent", tmp_path / "parent" / "cache", tmp_path / "link"
    folder.mkdir(parents=True)
    given = folder
    if what == "the folder":
        culprit = folder
    elif what == "its parent":
        culprit = parent
    else:
        link.symlink_to(folder if what == "a link to it" else Path("x") / ".." / "parent")
        (tmp_path / "x").mkdir()
        culprit, given = link, link if what == "a link to it" else link / "cache"
    check(given)
    os.chown(culprit, NOBODY, NOBODY, follow_symlinks=False)
    with pytest.raises(InputError, match="belongs to the user ") as error:
        check(given)
    assert str(culprit) in str(error.value)


@as_root
def test_what_another_user_has_prepared_in_a_shared_folder_is_not_used(tmp_path):
    shared = tmp_path / "tmp"
    shared.mkdir()
    shared.chmod(0o1777)
    check(shared / "cache")
    (shared / "cache").mkdir()
    os.chown(shared / "cache", NOBODY, NOBODY)
    with pytest.raises(InputError, match="it belongs to the user"):
        make_private(shared / "cache", "the folder", "take another")


def test_the_folder_itself_counts_however_it_is_written(tmp_path, monkeypatch):
    shared = tmp_path / "tmp"
    (shared / "mine").mkdir(parents=True)
    shared.chmod(0o1777)
    monkeypatch.chdir(shared)
    for name in (".", "mine/..", "mine/../../tmp", str(shared)):
        with pytest.raises(InputError, match="can be written by every user"):
            check(Path(name))
    for name in ("mine", "mine/../mine", "../tmp/mine"):
        check(Path(name))


def test_links_in_a_circle_end(tmp_path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OSError, match="symbolic links"):
        check(tmp_path / "a")


@pytest.mark.parametrize("fault", ["open to all", "gone", "full of nothing"])
def test_temporary_files_have_a_place_or_it_is_one_line(tmp_path, monkeypatch, fault):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    if fault != "gone":
        (tmp_path / "tmp").mkdir()
    if fault == "open to all":
        (tmp_path / "tmp").chmod(0o777)
    if fault == "full of nothing":
        folder = temporary_folder("x-")
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert folder.parent == tmp_path / "tmp"
        return
    with pytest.raises(InputError, match="; set TMPDIR to a folder that only you can write"):
        temporary_folder("x-")


# --- the cache of compiled code ---


def test_a_cache_that_others_can_write_is_one_line_before_anything_in_it_is_run(tmp_path, monkeypatch):
    cache = tmp_path / "cache"
    cache.mkdir()
    cache.chmod(0o777)
    monkeypatch.setenv("CRNSIM_CACHE_DIR", str(cache))
    compiled.compiled_folder.cache_clear()
    try:
        with pytest.raises(
            InputError, match="can be written by every user; set CRNSIM_CACHE_DIR to a folder"
        ):
            compiled.compiled_folder()
        cache.chmod(0o755)
        folder = compiled.compiled_folder()
        assert folder.parent == cache
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    finally:
        monkeypatch.undo()
        compiled.compiled_folder.cache_clear()


def test_commands_say_so_in_one_line(tmp_path):
    cache = tmp_path / "cache"
    cache.mkdir()
    cache.chmod(0o777)
    done = subprocess.run(
        [sys.executable, "-m", "crnsim", "train", "xor"],
        env=os.environ | {"CRNSIM_CACHE_DIR": str(cache)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert re.fullmatch(
        r"crnsim: the cache folder '.*' is not safe: '.*' can be written by every user; .*\n", done.stderr
    )
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize(
    ("then", "there"),
    [("", 0), ("os._exit(0) if os.fork() else sys.exit()", 1), ("os.fork() or sys.exit(); os.wait()", 0)],
)
def test_a_cache_that_cannot_be_written_is_told_and_its_stand_in_goes_with_the_process(tmp_path, then, there):
    """The last two: a child that ends does not take it away; who made it does."""
    (tmp_path / "file").touch()
    begin = "import os, sys; from crnsim.compiled import compiled_folder; folder = compiled_folder()"
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            f"{begin}\nassert folder == compiled_folder()\n{then}\nassert folder.is_dir()",
        ],
        env=os.environ | {"CRNSIM_CACHE_DIR": str(tmp_path / "file/none"), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == (
        f"{tmp_path}/file/none cannot be written: compiled code is made anew in each process; "
        "set CRNSIM_CACHE_DIR to another folder\n"
    )
    assert len(list(tmp_path.glob("crnsim-*"))) == there


def test_code_that_is_generated_is_kept_there_too(monkeypatch, tmp_path):
    import numba

    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    with compiled.kept_in_our_folder():
        assert str(compiled.compiled_folder()) == numba.config.CACHE_DIR
    assert str(tmp_path) == numba.config.CACHE_DIR


@pytest.mark.fuzz
@fuzzed(200)
@given(st.lists(odd_words(), max_size=3))
def test_odd_folders_are_refused_or_checked(words):
    def enter():
        try:
            return check(Path(tempfile.gettempdir(), *words))
        except OSError as error:  # which the cache takes as a folder that cannot be written
            raise InputError(" ".join(str(error.strerror).split())) from None

    judged("private folder", words, enter)
