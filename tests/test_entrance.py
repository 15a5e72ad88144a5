"""Numbers, words and files from outside: of the right type, kind and size, or refused in a line."""

from __future__ import annotations

import fractions
import os
import socket

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from odd import fuzzed, judged, odd_values

from crnsim.entrance import arguments, files
from crnsim.errors import InputError

#: What a number is mistaken for.
ODD = (
    None, True, "1", b"1", [], {}, (1,), 1j, float("nan"), float("inf"), -1, 10**400, -(10**400), 1e300,
    np.nan, np.array([1.0]), np.array(1.0), object(), int, fractions.Fraction(1, 3),
)  # fmt: skip


@pytest.mark.parametrize("value", ODD, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize(
    "check",
    [
        lambda value: arguments.check_number("x", value, above=0.0, most=1e12),
        lambda value: arguments.check_whole("x", value),
        arguments.check_seed,
    ],
)
def test_a_number_is_in_bounds_or_refused_in_one_line(check, value):
    if value == fractions.Fraction(1, 3) and check(1) == 1.0 and isinstance(check(1), float):
        assert check(value) == 1 / 3
        return
    with pytest.raises(InputError, match="it must be") as error:
        check(value)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 160


@pytest.mark.parametrize("value", [1, 1.0, np.float32(1), np.int64(1), fractions.Fraction(1)])
def test_numbers_of_every_library_are_numbers(value):
    assert arguments.check_number("x", value) == arguments.check_whole("x", value) == 1


def test_bounds_are_said():
    with pytest.raises(InputError, match=r"x is 3; it must be a number >= 0 and <= 2"):
        arguments.check_number("x", 3, least=0, most=2)
    with pytest.raises(
        InputError, match=r"x is a whole number of 401 digits; it must be a whole number >= 1"
    ):
        arguments.check_whole("x", 10**400)


@given(st.text(alphabet=st.characters(exclude_categories=()), max_size=80))
def test_text_is_kept_or_refused(value):
    try:
        assert arguments.check_text("x", value) == value
        value.encode()
        assert "\0" not in value
    except InputError as error:
        str(error).encode()
        assert "\0" in value or any("\ud800" <= c <= "\udfff" for c in value)


@given(st.text(max_size=70))
def test_a_word_is_an_identifier(value):
    try:
        assert arguments.check_word("x", value).isidentifier()
        assert len(value) <= 60
    except InputError:
        assert not (value.isidentifier() and value.isascii() and value[0].isalpha() and len(value) <= 60)


def test_memory_is_refused_before_it_is_taken(monkeypatch):
    with pytest.raises(
        InputError, match="a table would take 1e\\+03 GB of memory, and 16 GB are allowed; ask for"
    ):
        arguments.check_memory("a table", 1e12, "ask for less")
    monkeypatch.setenv("CRNSIM_MAX_GB", "2000")
    arguments.check_memory("a table", 1e12, "ask for less")
    monkeypatch.setenv("CRNSIM_MAX_GB", "much")
    with pytest.raises(InputError, match="CRNSIM_MAX_GB is 'much'"):
        arguments.check_memory("a table", 1.0, "ask for less")


def test_only_files_are_read(tmp_path):
    (tmp_path / "good").write_text("text")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
    assert files.read_text(tmp_path / "good", 4) == "text"
    for name, what in {
        "good": "at most 3e-06 MB are read",
        "binary": "not a text file in UTF-8",
        "pipe": "this is a pipe",
        "socket": "this is a socket",
        "loop": "too many links in a circle",
        ".": "this is a folder",
        "none": "there is no such file",
        "good/x": "there is no such file",
        "x" * 256: "more than 255 bytes",
        "a\0b": "has a NUL character in it",
        "\udcff\ud800": "is not Unicode",
    }.items():
        with pytest.raises(InputError, match=what) as error:
            files.read_text(f"{tmp_path}/{name}", 3)
        str(error.value).encode()
    for device in ("/dev/zero", "/dev/urandom", "/dev/null"):
        with pytest.raises(InputError, match="this is a device"):
            files.read_bytes(device, 10)
        with pytest.raises(InputError, match="this is a device"):
            files.check_regular(device, 10)


@pytest.mark.parametrize("given", ["", "  ", None, 3, b"x", ["a"]])
def test_a_path_is_text(given):
    with pytest.raises(InputError, match="give the path of a file"):
        files.check_path(given)


@pytest.mark.fuzz
@fuzzed(200)
@given(odd_values())
def test_arguments_fuzzed(value):
    for check in (arguments.check_number, arguments.check_whole, arguments.check_text, arguments.check_word):
        judged("arguments", (check.__name__, value), lambda check=check: check("x", value))
    judged("arguments", ("seed", value), lambda: arguments.check_seed(value))
    judged("arguments", ("path", value), lambda: files.check_path(value))
    assert arguments.shown(value).isprintable()
