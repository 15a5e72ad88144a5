"""The section "Data" of a page: rows, features and targets of each data set, with and without its CSV file."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import synthetic
import yaml
from synthetic import Made

from crnsim.datasets import csv_source, load_dataset
from crnsim.report import coverage, method, render_report
from crnsim.report.data import DataRow, data_rows
from crnsim.sweep.run.metrics import summarise_sweep


def summary_with(made: Made, targets: np.ndarray, names: list[str]):
    """Return a synthetic summary whose test rows have these targets in every replicate."""
    summary = synthetic.summary(made).drop_dims(("sample", "target"))
    expected = np.broadcast_to(targets.astype("f4"), (summary.sizes["point"], *targets.shape))
    return summary.assign(expected=(("point", "sample", "target"), expected)).assign_coords(target=names)


def row_of(made: Made, summary=None, source: dict[str, str] | None = None) -> DataRow:
    plan = synthetic.plan([made])
    plan = replace(plan, groups=(replace(plan.groups[0], source=source or {}),))
    (row,) = data_rows(coverage.gather(plan, [] if summary is None else [summary]))
    return row


@pytest.mark.parametrize(
    ("name", "layers", "target"),
    [
        ("xor", (2, 6, 1), "2 classes: a xor b 2, not 2, in the test rows"),
        ("iris", (4, 8, 3), "3 classes: setosa 15, versicolor 15, virginica 15, in the test rows"),
        # Of the 64 test rows those next to the extremes lie 1/128 from them: 0.4 cos(2 pi/128) is 0.3995.
        ("regression", (1, 8, 1), "0.5 + 0.4 sin(2 pi x) from 0.1005 to 0.8995, in the test rows"),
    ],
)
def test_built_in_data_are_told_from_what_the_results_hold(name, layers, target):
    data = load_dataset(name)
    made = Made(lambda t, k, m, r: 1.0, dataset=name, layers=layers)
    row = row_of(made, summary_with(made, data.y_test, list(data.target_names)))
    assert row.target == target
    assert (row.train, row.test, row.features) == tuple(
        map(str, (*map(len, (data.y_train, data.y_test)), layers[0]))
    )
    assert (row.task, row.file) == (data.task, "")
    without = row_of(made)
    assert (without.train, without.test, without.target) == (row.train, row.test, "")


@pytest.fixture
def table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(1)
    kinds = ["10"] * 14 + ["9"] * 20 + ["2"] * 6
    lines = [f"{a:.3f},{b:.3f},{kind}" for (a, b), kind in zip(rng.random((40, 2)), kinds, strict=True)]
    Path("mine.csv").write_text("\n".join(["a,b,kind", *lines]) + "\n")
    return Path("mine.csv")


def test_a_csv_file_is_named_with_its_hash_and_counted_while_it_is_what_it_was(table):
    source = dict(csv_source("mine.csv", "kind", "classification"))
    made = Made(lambda t, k, m, r: 1.0, dataset="mine", layers=(2, 8, 3))
    data = load_dataset("mine", source=tuple(sorted(source.items())))
    summary = summary_with(made, data.y_test, list(data.target_names))
    row = row_of(made, summary, source)
    digest = hashlib.sha256(table.read_bytes()).hexdigest()
    assert row.file == f"mine.csv, SHA-256 {digest}"
    assert row.target == "3 classes: 2 6, 9 20, 10 14, in all rows"
    assert (row.train, row.test, row.features) == ("28", "12", "2")
    table.write_text(table.read_text() + "0.5,0.5,9\n")
    for _ in range(2):
        changed = row_of(made, summary, source)
        assert changed.file == row.file
        # 30 % of each class, which is rounded.
        assert changed.target == "3 classes: 2 2, 9 6, 10 4, in the test rows"
        assert (changed.train, changed.test) == ("–", "12")
        table.unlink(missing_ok=True)


def test_a_target_to_fit_is_told_by_its_range_in_units_of_the_file(table):
    source = dict(csv_source("mine.csv", "kind", "regression"))
    made = Made(lambda t, k, m, r: 1.0, dataset="mine", layers=(2, 8, 1))
    assert row_of(made, None, source).target == "kind from 2 to 10, in all rows"


def test_odd_sources_and_results_make_a_row():
    made = Made(lambda t, k, m, r: 1.0, dataset="mine", layers=(2, 8, 1))
    assert row_of(made, None, {"file": "/dev/null"}).file == "null, SHA-256 "
    summary = synthetic.summary(made)
    for odd in (summary.drop_vars("expected"), summary.drop_vars("target")):
        assert row_of(made, odd, {"task": "classification"}).target == ""
    summary["expected"][:] = np.nan
    assert row_of(made, summary).test == "–"
    many = summary_with(made, np.eye(30), [f"class {i}" for i in range(30)])
    assert row_of(made, many, {"task": "classification"}).target.endswith(
        "class 11 1, and 18 more, in the test rows"
    )


def test_the_page_has_the_section_and_what_a_user_wrote_in_it_stays_text(tmp_path):
    made = Made(lambda t, k, m, r: 1.0)
    summary = summary_with(made, np.array([[0.0], [1.0]]), ["<b>x</b>"])
    plan = synthetic.plan([made])
    page = render_report(plan, [summary], summarise_sweep(plan, [summary]), [])
    assert '<section id="data">' in page
    assert '<a href="#data">' in page
    assert "&lt;b&gt;x&lt;/b&gt; 1" in page
    assert "<b>x</b>" not in page


def test_a_page_is_cited_as_the_repository_is():
    cited = yaml.safe_load((Path(__file__).parents[1] / "CITATION.cff").read_text())
    (author,) = cited["authors"]
    assert f"{author['name']}, {cited['title']}" == method.CITED
    made = Made(lambda t, k, m, r: 1.0)
    plan, summary = synthetic.plan([made]), synthetic.summary(made)
    rows = dict(method.provenance(plan, [summary], summarise_sweep(plan, [summary])))
    assert rows["To cite"].startswith(
        f"{method.CITED}, version {cited['version']}, code c0dec0dec0dec0de; and the paper"
    )
    assert (
        f"version {cited['version']};"
        in dict(method.provenance(plan, [], summarise_sweep(plan, [])))["To cite"]
    )
