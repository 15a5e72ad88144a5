"""The workflow again: after a change, a loss, a kill, and before it has ended."""

from __future__ import annotations

import json

import pytest
from kill_and_resume import torment
from workflow_folder import SUMMARY, Folder


@pytest.fixture
def folder(tmp_path) -> Folder:
    return Folder(tmp_path)


@pytest.mark.slow
def test_change_computes_what_is_new_and_loss_what_is_lost(folder):
    folder.sweep()
    assert folder.make("summaries")["integrate"] == 2
    whole = (folder.path / SUMMARY).read_bytes()

    # One chunk file lost: that chunk and what follows.
    folder.chunks[0].unlink()
    assert folder.make("summaries") == {"integrate": 1, "merge": 1}
    assert (folder.path / SUMMARY).read_bytes() == whole

    # One damaged: a line that names it; deleting it mends it.
    chunk = folder.chunks[1]
    content = chunk.read_bytes()
    chunk.write_bytes(content[: len(content) // 2])
    broken = folder.run("summaries", "--configfile", "small.yaml")
    assert broken.returncode != 0
    (line,) = {line for line in broken.stderr.splitlines() if line.startswith("crnsim: ")}
    assert f"{chunk.relative_to(folder.path)} is damaged" in line
    assert "delete it and run the same command again" in line
    chunk.unlink()
    assert folder.make("summaries") == {"integrate": 1, "merge": 1}
    assert (folder.path / SUMMARY).read_bytes() == whole

    # One magnitude more: only its points are computed.
    folder.sweep(noise={"rates": {"magnitudes": [0.05, 0.1]}})
    before = set(folder.chunks)
    folder.make("summaries")
    new = [json.loads(path.with_suffix(".json").read_text()) for path in folder.chunks if path not in before]
    assert sum(account["computed"] for account in new) == 2 * 3
    assert sum(account["points"] for account in new) == sum(
        account["computed"] + account["reused"] for account in new
    )


@pytest.mark.slow
def test_run_that_is_killed_again_and_again_goes_on_and_loses_nothing(tmp_path):
    """The short form; ``python tests/kill_and_resume.py --kills 100`` is the long one."""
    counts = torment(tmp_path, kills=2, seed=1)
    assert counts["kills"] == 2
    assert counts["runs compared"] >= 1


@pytest.mark.slow
def test_partial_report_is_made_from_what_there_is(folder):
    folder.sweep()
    folder.make("results/small/plan.json")
    (plan,) = folder.path.glob("results/small/plan.json")
    chunk = json.loads(plan.read_text())["groups"][0]["chunks"][1]["path"]
    folder.make(chunk)
    page = folder.path / "reports/small.partial.html"
    for _ in range(2):
        assert folder.make("report_partial") == {"report_partial": 1}
        assert page.stat().st_size > 10_000
        page.unlink()
