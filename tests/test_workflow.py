"""The workflow: what runs, what does not run twice, and what is said of a mistake."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from small_sweeps import SHARP, SMOOTH
from workflow_folder import ROOT, SUMMARY, Folder

from crnsim.sweep import open_workflow


@pytest.fixture
def folder(tmp_path) -> Folder:
    return Folder(tmp_path)


@pytest.mark.slow
def test_sweep_is_made_from_its_file_to_its_report_and_nothing_runs_twice(folder):
    folder.sweep(activations={"smooth": SMOOTH, "sharp": SHARP}, chunks={"cells": 100, "workers": 1})
    ran = folder.make(cores=2)
    assert ran == {"plan": 1, "build": 2, "integrate": 2, "merge": 2, "robustness": 1, "report": 1}
    assert (folder.path / "reports/small.html").stat().st_size > 10_000
    assert len(list(folder.path.glob("results/small/benchmarks/**/*.tsv"))) == 2 + 2 + 2 + 1 + 1
    assert folder.make(cores=2) == {}
    assert "chunk" not in folder.run("--configfile", "small.yaml").stderr

    # A new plan file alone reruns nothing.
    (folder.path / "small.yaml").write_text("# a remark\n" + (folder.path / "small.yaml").read_text())
    assert folder.make() == {"plan": 1}

    # What is only shown changes what shows it.
    folder.sweep(
        activations={"smooth": SMOOTH, "sharp": SHARP}, chunks={"cells": 100, "workers": 1}, title="New"
    )
    ran = folder.make()
    assert ran["report"] == 1
    assert "integrate" not in ran
    assert "New" in (folder.path / "reports/small.html").read_text()

    # Snakemake's own report takes the page along.
    page = folder.path / "snakemake.html"
    done = folder.run("--configfile", "small.yaml", "--report", str(page))
    assert done.returncode == 0, done.stderr
    assert "small.html" in page.read_text()


@pytest.mark.slow
def test_summary_is_the_same_bytes_on_one_and_two_cores_and_in_chunks_of_any_size(tmp_path):
    contents = set()
    cuts = [
        (1, {"cells": 100, "workers": 1}),
        (2, {"cells": 100, "workers": 2, "batch": 2}),
        (2, {"cells": 3, "replicates": 2, "workers": 1, "batch": 3}),
    ]
    for number, (cores, chunks) in enumerate(cuts):
        path = tmp_path / str(number)
        path.mkdir()
        folder = Folder(path)
        folder.sweep(chunks=chunks)
        folder.make("summaries", cores=cores)
        assert all(account["workers"] == chunks["workers"] for account in folder.accounts())
        contents.add((path / SUMMARY).read_bytes())
    assert len(contents) == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"replicats": 3}, "small.yaml: line 20: unknown key 'replicats'; did you mean 'replicates'?"),
        ({"datasets": ["xorr"]}, "small.yaml: line 14: datasets.xorr: unknown data set; did you mean 'xor'?"),
    ],
)
def test_wrong_sweep_is_one_line_and_no_job_starts(folder, changes, said):
    folder.sweep(**changes)
    stopped = folder.run("--configfile", "small.yaml")
    assert stopped.returncode != 0
    assert said.partition(": line ")[2].partition(": ")[2] in stopped.stderr
    assert [
        line[:8] for line in stopped.stderr.splitlines() if "Using workflow specific profile" not in line
    ] == ["crnsim: "]
    assert not (folder.path / "results").exists()


def test_what_is_not_yaml_or_not_there_is_said(folder):
    (folder.path / "bad.yaml").write_text("a: [1\n")
    stopped = folder.run("--config", "sweep=bad.yaml")
    assert stopped.returncode != 0
    assert "crnsim: bad.yaml: line 2: not YAML: " in stopped.stderr
    stopped = folder.run("--configfile", "bad.yaml")
    assert stopped.returncode != 0
    assert "not valid JSON or YAML" in stopped.stderr
    stopped = folder.run()
    assert stopped.returncode != 0
    assert "crnsim: config/config.yaml: there is no such file here" in stopped.stderr
    stopped = folder.run("--config", "replicates=3")
    assert "crnsim: config/config.yaml: there is no such file here" in stopped.stderr
    (folder.path / "good.yaml").write_text("a: 1\n")
    stopped = folder.run("--config", "sweep=good.yaml", "replicats=3")
    assert "crnsim: --config: unknown key 'replicats'; " in stopped.stderr


def test_chunk_needs_one_core_where_a_dask_cluster_does_the_work(folder, monkeypatch):
    folder.sweep(chunks={"workers": 4})
    assert open_workflow([folder.path / "small.yaml"], {}).workers == 4
    monkeypatch.setenv("CRNSIM_DASK_SCHEDULER", "tcp://127.0.0.1:8786")
    assert open_workflow([folder.path / "small.yaml"], {}).workers == 1


def test_place_that_cannot_be_written_is_one_line(folder, monkeypatch):
    folder.sweep()
    (folder.path / "results").mkdir()
    monkeypatch.chdir(folder.path)
    real = os.access
    monkeypatch.setattr(os, "access", lambda place, mode: "results" not in str(place) and real(place, mode))
    with pytest.raises(
        SystemExit, match="crnsim: results: cannot be written; make it writable, or work in a copy"
    ):
        open_workflow(["small.yaml"], {})


@pytest.mark.parametrize(
    "place",
    ["results/small", "results/small/logs/integrate/xor/onepot-smooth", ".snakemake", ".snakemake/metadata"],
)
def test_folder_below_that_cannot_be_written_is_one_line(folder, monkeypatch, place):
    folder.sweep()
    monkeypatch.chdir(folder.path)
    Path(place).mkdir(parents=True)
    real = os.access
    # For root everything can be written.
    monkeypatch.setattr(os, "access", lambda path, mode: str(path) != place and real(path, mode))
    with pytest.raises(SystemExit, match=f"^crnsim: {place}: cannot be written; make it writable"):
        open_workflow(["small.yaml"], {})


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        *(
            (place, "file")
            for place in ("results", "reports", ".snakemake", "results/small", "results/small/logs")
        ),
        *((f"results/small/{place}", "file") for place in ("logs/merge", "benchmarks/integrate", "chunks")),
        *((f"results/small/{place}", "folder") for place in ("plan.json", "robustness.nc", "robustness.csv")),
        ("reports/small.html", "folder"),
    ],
)
def test_file_where_a_folder_must_be_is_one_line_and_the_reverse(folder, monkeypatch, place, kind):
    folder.sweep()
    monkeypatch.chdir(folder.path)
    Path(place).parent.mkdir(parents=True, exist_ok=True)
    Path(place).mkdir() if kind == "folder" else Path(place).touch()
    with pytest.raises(SystemExit, match=f"^crnsim: {place}: a .* must be here, and .* rename or remove it"):
        open_workflow(["small.yaml"], {})


def test_rules_only_call_the_command_line_and_keep_a_log():
    rules = "\n".join(path.read_text() for path in sorted((ROOT / "workflow/rules").glob("*.smk")))
    assert "SWEEP." not in "".join(re.findall(r'(?m)^ +"\{.*$', rules))
    assert "run:" not in rules
    assert "script:" not in rules
    count = rules.count("\nrule ") + rules.startswith("rule ") + rules.count("\ncheckpoint ")
    assert rules.count("    log:") == rules.count("    shell:") == count
    # The plan computes nothing, and a partial report must not count as made.
    assert rules.count("    benchmark:") == count - 2
    assert rules.count("{params.crnsim} ") == count
