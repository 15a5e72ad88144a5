"""What other jobs of a sweep have done, from the files beside their chunks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from crnsim.sweep.plan.plan_file import ChunkEntry
from crnsim.sweep.run.other_chunks import Done, OtherChunks
from crnsim.sweep.run.pace import Pace


@pytest.fixture
def chunks(tmp_path):
    return [
        ChunkEntry(key, str(tmp_path / folder / f"{key}.nc"), 8, 1, (0, 1), (0, 8), seconds, 300)
        for folder, key, seconds in [("a", "1", 10.0), ("a", "2", 20.0), ("b", "3", 40.0)]
    ]


def summed(estimated, work, worker_seconds, finished):
    return Done(estimated, Pace(work, worker_seconds), finished)


def finish(chunk, **account):
    path = Path(chunk.path)
    path.parent.mkdir(exist_ok=True)
    path.touch()
    path.with_suffix(".json").write_text(json.dumps(account))


def test_chunks_add_up_as_they_end(chunks):
    others = OtherChunks(chunks)
    assert others.look() == Done()
    finish(chunks[0], points=4, computed=4, seconds_wall=3.0, workers=2)
    assert others.look() == summed(10, 10, 6, 1)
    running = Path(chunks[2].path).with_suffix(".progress.json")
    running.parent.mkdir()
    running.write_text(json.dumps({"points": 8, "done": 2}))
    assert others.look() == summed(20, 10, 6, 1)
    # Copied points took nothing.
    finish(chunks[1], points=4, computed=1, seconds_wall=1.0, workers=2)
    assert others.look() == summed(40, 15, 8, 2)
    running.unlink()
    finish(chunks[2], points=8, computed=0, seconds_wall=1.0, workers=2)
    assert others.look() == summed(70, 15, 8, 3)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"points": 0, "done": 1, "computed": 1}'])
def test_damaged_files_beside_a_chunk_do_no_harm(chunks, text):
    finish(chunks[0])
    Path(chunks[0].path).with_suffix(".json").write_text(text)
    Path(chunks[1].path).with_suffix(".progress.json").write_text(text)
    assert OtherChunks(chunks).look() == summed(10, 0, 0, 1)


def test_finished_chunk_is_read_once(chunks, monkeypatch):
    for chunk in chunks:
        finish(chunk, points=4, computed=4, seconds_wall=3.0, workers=2)
    others = OtherChunks(chunks)
    first = others.look()
    monkeypatch.setattr(
        "crnsim.sweep.run.other_chunks.read_account", lambda path: pytest.fail(f"{path} read again")
    )
    assert others.look() == first
