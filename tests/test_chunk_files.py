"""The small files beside a chunk: one room knows their names, and odd content is as good as none."""

from __future__ import annotations

import json
import re

import pytest
from structure import PACKAGE

from crnsim.sweep.run import chunk_files
from crnsim.sweep.run.chunk_files import (
    Account,
    Failure,
    Heartbeat,
    account_file,
    failure_file,
    free_piece,
    list_chunks,
    piece_file,
    pieces_of,
    progress_file,
    read_account,
    read_failure,
    read_heartbeat,
    second_name,
)

RECORDS = [
    (Account("k" * 32, 8, 5, 2, 1, 12.5, 20.25, "node1", 2, {"Linux x86_64 znver3": 5}, "ab"), read_account),
    (Heartbeat(8, 2.5, 30, "node1", 7, 2, 1_700_000_000, 1_700_000_010), read_heartbeat),
    (Heartbeat(8, 0, None, "node1", 7, 2, 1_700_000_000, 1_700_000_010), read_heartbeat),
    (Failure("no space left", "node1", 1_700_000_000), read_failure),
]
FILES = {read_account: account_file, read_heartbeat: progress_file, read_failure: failure_file}


def test_one_room_knows_the_names_of_the_files_beside_a_chunk():
    """Whoever wrote the same suffix again would go on looking for files that have another name by then."""
    known = re.compile(r"\.saved-|\.progress\.json|\.failed\.json|with_suffix\(\"\.json\"\)")
    found = {
        path.relative_to(PACKAGE).as_posix()
        for room in ("sweep", "store", "cli", "report")
        for path in (PACKAGE / room).rglob("*.py")
        if known.search(path.read_text(encoding="utf-8"))
    }
    assert found == {"sweep/run/chunk_files.py"}


def test_one_module_knows_the_names_of_half_written_files():
    found = [path.name for path in PACKAGE.rglob("*.py") if '.part"' in path.read_text(encoding="utf-8")]
    assert found == ["files.py"]


@pytest.mark.parametrize(("record", "read"), RECORDS)
def test_what_was_written_is_read(tmp_path, record, read):
    chunk = tmp_path / "1.nc"
    assert read(chunk) is None
    record.write(chunk)
    assert read(chunk) == record


@pytest.mark.parametrize("read", FILES)
@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "7", '"text"', "\x00"])
def test_a_file_that_is_no_record_is_as_good_as_none(tmp_path, read, text):
    chunk = tmp_path / "1.nc"
    FILES[read](chunk).write_text(text)
    assert read(chunk) is None


@pytest.mark.parametrize(("record", "read"), RECORDS)
@pytest.mark.parametrize("odd", [None, "many", [], {}, True, -1])
def test_an_odd_value_is_as_good_as_none_and_the_others_count(tmp_path, record, read, odd):
    chunk = tmp_path / "1.nc"
    record.write(chunk)
    content = json.loads(FILES[read](chunk).read_text())
    for name in content:
        FILES[read](chunk).write_text(json.dumps(content | {name: odd}))
        found = read(chunk)
        for other in content.keys() - {name}:
            assert getattr(found, other) == getattr(record, other)
        fallback = getattr(type(record)(), name)
        assert getattr(found, name) == fallback or getattr(found, name) == odd


def test_pieces_are_numbered_and_the_second_name_is_one_of_them(tmp_path):
    chunk = tmp_path / "1.nc"
    assert free_piece(chunk) == piece_file(chunk, 0) == tmp_path / "1.saved-000.nc"
    for file in (
        piece_file(chunk, 0),
        piece_file(chunk, 2),
        second_name(chunk),
        piece_file(tmp_path / "2.nc", 0),
    ):
        file.touch()
        account_file(file).touch()
    (tmp_path / f".{piece_file(chunk, 3).name}.host-1.part").touch()
    assert free_piece(chunk) == piece_file(chunk, 1)
    assert pieces_of(chunk) == [piece_file(chunk, 0), piece_file(chunk, 2), second_name(chunk)]
    assert len(list_chunks(tmp_path).saved(chunk)) == 6
    chunk_files.remove_pieces([chunk])
    assert [file.name for file in sorted(tmp_path.iterdir())] == [
        ".1.saved-003.nc.host-1.part",
        "2.saved-000.json",
        "2.saved-000.nc",
    ]


def test_a_piece_writes_what_it_knows_and_holds_what_it_computed(tmp_path):
    piece = piece_file(tmp_path / "1.nc", 0)
    Account(computed=3, seconds_core=1.5, processors={"a": 3}).write_of_piece(piece)
    assert json.loads(account_file(piece).read_text()) == {
        "computed": 3,
        "seconds_core": 1.5,
        "processors": {"a": 3},
    }
    assert read_account(piece).held == 3
    assert Account(points=8, computed=5).held == 8


@pytest.mark.parametrize("odd", ["NaN", "Infinity", "1e400", "9" * 400, "true", "[1]"])
def test_numbers_that_are_none_are_as_good_as_lost(tmp_path, odd):
    chunk = tmp_path / "a.nc"
    account_file(chunk).write_text(f'{{"points": {odd}, "seconds_core": {odd}, "host": "a"}}')
    assert read_account(chunk) == Account(host="a")


def test_what_is_shown_on_a_terminal_holds_no_control_characters(tmp_path):
    Failure("red \x1b[31m and \x07 bell", "node").write(tmp_path / "a.nc")
    assert read_failure(tmp_path / "a.nc").message == "red  [31m and   bell"


def test_json_as_deep_as_a_well_is_as_good_as_lost(tmp_path):
    account_file(tmp_path / "a.nc").write_text("[" * 100_000)
    assert read_account(tmp_path / "a.nc") is None
