"""A user's paper: one file outside the package, as docs/papers.md shows, from sweep file to tables and page."""

from __future__ import annotations

import csv
import re
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import synthetic
from pages import files_of
from synthetic import Made

from crnsim import CrnsimError
from crnsim.cli.parser import main
from crnsim.metrics import summarise, table_rows
from crnsim.metrics.claims import PAPERS, Claim, paper, source_hash
from crnsim.metrics.claims.papers import ENTRY_POINTS
from crnsim.report import render_report
from crnsim.store.files import read_dataset
from crnsim.sweep.config.read import read_sweep
from crnsim.sweep.plan.plan_file import read_plan_file
from crnsim.sweep.run.metrics import summarise_sweep

NAME = "my_paper:PAPER"


@pytest.fixture
def here(tmp_path):
    with files_of("papers.md", tmp_path) as folder:
        yield folder


def scores(early, late, spread=0.0, replicates=10):
    """Scores at half of the running time and at all of it; `spread` goes up in even replicates, down in odd ones."""

    def score(time, kind, magnitude, replicate):
        return late if time == 100 else early + (spread if replicate % 2 else -spread)

    return Made(score, running_times=(50, 100), replicates=replicates)


def judged(made):
    (row,) = table_rows(summarise([synthetic.summary(made)], claims=NAME), "claim")
    return row


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("early", "spread", "verdict"),
    [(0.9, 0.0, "supported"), (0.7, 0.0, "contradicted"), (0.9, 0.1, "open")],
)
def test_the_claim_of_the_page_is_judged_whichever_way_the_scores_go(early, spread, verdict):
    row = judged(scores(early, 0.9, spread, replicates=200))
    assert (row["paper"], row["claim"], row["verdict"]) == ("half_time_2026", "half_time", verdict)
    assert (row["score"], row["reference"]) == pytest.approx((early, 0.9))
    assert (row["limit"], row["running_time"], row["measure"]) == (-0.02, 50.0, "score")


@pytest.mark.usefixtures("here")
def test_what_was_not_swept_is_open_with_the_reason():
    row = judged(Made(lambda t, k, m, r: 1.0, running_times=(30, 100)))
    assert (row["verdict"], row["reason"]) == ("open", "no running time of 50 was swept")


def test_the_sweep_of_the_page_carries_its_paper_into_tables_and_page(here):
    plan = "results/half-time/plan.json"
    assert main(["plan", "half-time.yaml"]) == 0
    for group in read_plan_file(plan).groups:
        for chunk in group.chunks:
            assert main(["integrate", plan, chunk.key, "--sweep", "half-time.yaml"]) == 0
        assert main(["merge", plan, group.name, "--sweep", "half-time.yaml"]) == 0
    assert main(["robustness", plan, "--sweep", "half-time.yaml"]) == 0
    assert main(["report", plan, "--sweep", "half-time.yaml"]) == 0
    (row,) = table_rows(read_dataset(Path("results/half-time/robustness.nc")), "claim")
    assert (row["paper"], row["verdict"]) == ("half_time_2026", "open")
    assert row["reason"] == "only 3 paired replicates, 10 are needed"
    with Path("results/half-time/robustness.csv").open(newline="", encoding="utf-8") as stream:
        (line,) = [
            r for r in csv.DictReader(stream) if r["claim"] == "half_time" and r["metric"] == "difference"
        ]
    assert float(line["value"]) == pytest.approx(row["difference"])
    page = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", Path("reports/half-time.html").read_text("utf-8")))
    for words in (
        "A note on short presentations (2026). Judged for every design",
        "Half of the running time is enough.",
        "Supported where the 95 % interval lies above −0.02",
        "time 5",
        "itself at the longest time",
    ):
        assert words in page
    look = subprocess.run([sys.executable, "look.py"], capture_output=True, text=True, check=True, cwd=here)
    assert look.stdout.startswith("half_time_2026 | half_time | smooth | open | only 3 paired")


def test_a_change_of_the_file_makes_tables_anew(here):
    first, print_of = source_hash(NAME), read_sweep(here / "half-time.yaml").fingerprint
    (here / "my_paper.py").write_text(
        (here / "my_paper.py").read_text("utf-8").replace("0.02", "0.03"), "utf-8"
    )
    assert source_hash(NAME) != first
    assert read_sweep(here / "half-time.yaml").fingerprint != print_of
    assert {source_hash(name) for name in PAPERS} == {""}


@pytest.mark.usefixtures("here")
def test_an_installed_package_offers_a_name(monkeypatch):
    entry = EntryPoint("half_time", NAME, ENTRY_POINTS)
    monkeypatch.setattr("crnsim.registry._installed", lambda group: [entry] if group == ENTRY_POINTS else [])
    own = paper(NAME)  # makes the directory one that modules are imported from
    assert paper("half_time") is own
    with pytest.raises(CrnsimError, match="unknown paper 'halftime'; did you mean 'half_time'"):
        paper("halftime")


# What results say makes nothing be imported


def test_rows_that_name_an_unknown_paper_are_shown_and_nothing_is_imported(here):
    made = [scores(0.99, 1.0)]
    plan, summaries = synthetic.plan(made), [synthetic.summary(m) for m in made]
    plan.config["claims"] = NAME
    tables = summarise_sweep(plan, summaries)
    (here / "trap.py").write_text("raise SystemExit('imported')\n")
    tables["claim_paper"][:] = "trap:PAPER"
    for claims in (None, NAME):
        plan.config["claims"] = claims
        html = render_report(plan, summaries, tables, [])
        assert "trap:PAPER. The file that defines its claims is not at hand." in re.sub(r"\s+", " ", html)
        assert "Half of the running time is enough." in html
        assert 'href="https://doi.org/' not in html
    assert "trap" not in sys.modules


def test_a_paper_that_is_gone_leaves_its_rows_on_the_page(here):
    made = [scores(0.99, 1.0)]
    plan, summaries = synthetic.plan(made), [synthetic.summary(m) for m in made]
    plan.config["claims"] = NAME
    tables = summarise_sweep(plan, summaries)
    plan.config["claims"] = "gone:PAPER"
    assert "half_time_2026. The file that defines its claims is not at hand." in render_report(
        plan, summaries, tables, []
    )


# Mistakes


FILE = """
from crnsim.metrics.claims import Claim, Paper, open_row
ONE = Claim("one", "One.")
"""


def written(here, text):
    (here / "mine.py").write_text(FILE + text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("PAPER = 3", "it is no crnsim.metrics.claims.Paper but a int"),
        ("PAPER = Paper('mine', 'c', '', '', 'learning', (ONE,), None)", "mode is 'learning'; .*training"),
        ("PAPER = Paper('mine', 'c', 'doi:10.1', '', 'training', (ONE,), None)", "doi is 'doi:10.1'"),
        ("PAPER = Paper('mine', 'c', '', '', 'training', (ONE, ONE), None)", "each a name of its own"),
        ("PAPER = Paper('mine', 'c', '', '', 'training', (), None)", "give at least one"),
        ("PAPER = Paper('kang2025', 'c', '', '', 'training', (ONE,), None)", "that of a built-in one"),
        ("Claim('two', 'Two.', place='{times:g}')", "place names 'times'; .*running_time"),
        ("Claim('two', 'Two.', place='{running_time')", "claim two: place is"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_clear_line(here, text, words):
    written(here, text)
    (here / "sweep.yaml").write_text((here / "half-time.yaml").read_text().replace("my_paper", "mine"))
    with pytest.raises(CrnsimError, match=rf"^\S+: line \d+: claims: .*{words}") as caught:
        read_sweep(here / "sweep.yaml")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("open_row(Claim('two', 'Two.'), d[0], 'none', '')", "'two', which it does not list; .*known: one"),
        ("open_row(ONE, d[0], 'none', '') | {'extra': 1}", "lacks or adds extra"),
        ("open_row(ONE, d[0], 'none', '') | {'verdict': 'maybe'}", "has the verdict 'maybe'"),
    ],
)
def test_a_row_that_is_none_of_the_table_is_one_clear_line(here, row, words):
    written(here, f"PAPER = Paper('mine', 'c', '', '', 'training', (ONE,), lambda d, v: [{row}])")
    with pytest.raises(CrnsimError, match=f"paper mine: a row of the claim .*{words}"):
        summarise([synthetic.summary(Made(lambda t, k, m, r: 1.0))], claims="mine:PAPER")


@pytest.mark.parametrize("place", ["", "time {running_time:g}", "{stress} on {dataset}"])
def test_words_for_a_place_may_name_columns(place):
    assert Claim("one", "One.", place=place).place == place
