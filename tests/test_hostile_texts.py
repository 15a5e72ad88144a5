"""Words and attributes of results from elsewhere: tables that are not the sweep's, JSON that is none, endless texts."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from test_hostile_results import PLAN, altered, chunk_of, complaint

from crnsim.cli import main
from crnsim.errors import InputError
from crnsim.metrics import read_design
from crnsim.report.trajectories import LONGEST_TITLE, MOST_GROUPS, MOST_SIGNALS, signals_of
from crnsim.store.files import digest, read_dataset, write_dataset
from crnsim.store.points import join, read_points

TABLES = "results/small/robustness.nc"
GROUP = "xor-onepot-smooth"


def tables_with(change, *, with_account: bool) -> Path:
    """Change the tables of the sweep, and the account beside them along with them if asked for."""
    path = Path(TABLES)
    changed = change(read_dataset(path))
    write_dataset(changed, path)
    if with_account:
        account = path.with_suffix(".json")
        account.write_text(json.dumps(json.loads(account.read_text()) | {"sha256": digest(path)}))
    return path


def with_value(name, value):
    def change(data):
        values = data[name].values.astype(object if isinstance(value, str) else data[name].dtype)
        values[0] = value
        return data.assign({name: (data[name].dims, values)})

    return change


def checked(capsys) -> str:
    capsys.readouterr()
    assert main(["check", "results/small"]) == 1
    return capsys.readouterr().out


# Tables


def test_the_tables_have_an_account_of_their_own(finished, capsys):
    account = json.loads((finished / "robustness.json").read_text())
    assert (account["key"], account["points"]) == ("robustness", 24)
    assert account["sha256"] == digest(Path(TABLES))
    assert main(["robustness", PLAN, "-o", "other.nc", "--csv", "third.csv"]) == 0
    assert json.loads(Path("other.json").read_text())["sha256"] == digest(Path("other.nc"))
    assert json.loads(Path("other.json").read_text())["key"] == "other"
    # As for a summary, a lost account is no harm.
    (finished / "robustness.json").unlink()
    assert main(["report", PLAN]) == 0
    assert main(["check", "results/small"]) == 0


@pytest.mark.parametrize("words", [["robustness"], ["merge", GROUP]])
def test_an_account_takes_the_place_of_no_other_file(finished, capsys, words):
    command, *group = words
    before = Path(PLAN).read_text()
    said = complaint(capsys, command, PLAN, *group, "-o", "results/small/plan.nc")
    assert "results/small/plan.json" in said
    assert Path(PLAN).read_text() == before
    if command == "robustness":
        said = complaint(capsys, command, PLAN, "-o", "x.nc", "--csv", "x.json")
        assert "x.json" in said


def test_tables_that_were_changed_are_not_believed(finished, capsys):
    path = tables_with(with_value("cell_score", 0.99), with_account=False)
    assert complaint(capsys, "report", PLAN).startswith(f"{path} is damaged: its bytes are not those")
    assert f"damaged     {path}: its bytes are not those that were written" in checked(capsys)


def test_a_summary_that_was_changed_is_found(finished, capsys):
    path = finished / f"summary/{GROUP}.nc"
    altered(path, lambda data: data["score"].values.__setitem__(0, 0.123), with_account=False)
    assert f"damaged     {path}: its bytes are not those that were written" in checked(capsys)


@pytest.mark.parametrize(
    ("change", "said", "kind"),
    [
        (lambda data: data.assign_attrs(sweep="other"), "it holds sweep other where the plan has small", "foreign"),
        (lambda data: data.assign_attrs(sweep=[1, 2]), "its attribute sweep is neither a text nor", "damaged"),
        (lambda data: data.assign_attrs(code_hash="0" * 16), "computed by another version of crnsim", "foreign"),
        (with_value("cell_noise_kind", "evil"), "its cell_noise_kind has evil, and there are no", "damaged"),
        (with_value("paired_noise_kind", "rates+evil"), "its paired_noise_kind has rates+evil", "damaged"),
        (with_value("sensitivity_noise_kind", ""), "its sensitivity_noise_kind has ,", "damaged"),
        (with_value("verdict_verdict", "evil"), "its verdict_verdict has evil, which means nothing", "damaged"),
        (with_value("verdict_loss_verdict", "evil"), "its verdict_loss_verdict has evil", "damaged"),
        (lambda data: data.drop_vars("verdict_reason"), "the variable verdict_reason is missing", "damaged"),
        (lambda data: data.rename(cell="other"), "cell_dataset has the wrong type or shape", "damaged"),
        (with_value("cell_score", 7.0), "a value of cell_score is not between 0 and 1", "damaged"),
        (with_value("cell_running_time", np.nan), "a value of cell_running_time is not above 0", "damaged"),
        (with_value("cell_noise_rates", np.inf), "cell_noise_rates is below 0 or not finite", "damaged"),
        (with_value("cell_replicates", -1), "cell_replicates is below 0 or not finite", "damaged"),
        (with_value("cell_activation", "evil"), "its table cell has the design xor/onepot/evil", "damaged"),
        (with_value("paired_compared_with", "evil"), "its table paired has the design", "damaged"),
        (lambda data: data[[]].assign_attrs(data.attrs), "is missing", "damaged"),
    ],
)  # fmt: skip
def test_tables_that_cannot_be_the_sweeps_are_one_line(finished, capsys, change, said, kind):
    path = tables_with(change, with_account=True)
    line = complaint(capsys, "report", PLAN)
    assert line.startswith(str(path))
    assert line.endswith("; delete it and run the same command again")
    assert said in line
    assert f"{kind:<11} {path}: " in checked(capsys)


# Attributes

ODD = ["x", "[]", "1", "[" * 100_000, "9" * 5000, '{"h": [1]}', '{"h": 1' + "0" * 400 + "}", r'{"\ud800": 1}']


@pytest.mark.parametrize("text", [*ODD, 7])
def test_parameters_that_are_none_are_one_line(finished, capsys, text):
    path = finished / f"summary/{GROUP}.nc"
    altered(path, lambda data: data.attrs.update(parameters=text), with_account=True)
    for words in (["robustness", PLAN], ["report", PLAN]):
        line = complaint(capsys, *words)
        assert line.startswith(f"{path} is damaged: its attribute parameters is no JSON object")
        assert line.endswith("; delete it and run the same command again")
    assert f"damaged     {path}: its attribute parameters" in checked(capsys)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("libraries", 7, "its attribute libraries is no text"),
        ("activation", [1.0, 2.0], "its attribute activation is neither a text nor a number"),
        ("layers", "[" * 100_000, "its attribute layers is no JSON list of whole numbers"),
        ("layers", '["x"]', "its attribute layers is no JSON list of whole numbers"),
        ("config", "[" * 100_000, "another configuration"),
        ("epochs", "many", "its attribute epochs is no number"),
    ],
)
def test_attributes_of_a_chunk_that_are_none_are_one_line(finished, capsys, name, value, said):
    path = chunk_of(finished)
    altered(path, lambda data: data.attrs.update({name: value}), with_account=True)
    line = complaint(capsys, "merge", PLAN, GROUP)
    assert line.startswith(f"{path} is damaged: ")
    assert said in line
    assert main(["report", PLAN, "--partial"]) == 0
    assert said in Path("reports/small.partial.html").read_text()


def test_outcomes_keep_their_names(finished, capsys):
    path = finished / f"summary/{GROUP}.nc"
    whole = path.read_bytes()
    for attrs in ({"flag_meanings": "diverged ok"}, {"flag_values": [4, 3, 2, 1, 0]}, {"flag_values": "x"}):
        altered(path, lambda data, attrs=attrs: data["status"].attrs.update(attrs), with_account=True)
        assert "its outcomes have other names" in complaint(capsys, "report", PLAN)
        path.write_bytes(whole)


def test_parameters_given_from_python_are_read_the_same(finished):
    summary = read_points(finished / f"summary/{GROUP}.nc")
    with pytest.raises(InputError, match="its attribute parameters is no JSON object"):
        read_design(summary.assign_attrs(parameters="[" * 100_000))
    assert np.isfinite(read_design(summary.assign_attrs(parameters='{"h": "wide"}')).h)


# What is drawn


def plain(summary: xr.Dataset) -> bool:
    return [one.title for one in signals_of(summary)] == ["Species"]


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, "7", r'[{"title": "\ud800", "note": "", "species": []}]', "9" * 5000, "{}", '["title"]'],
)
def test_signals_that_are_none_show_plain_species(finished, text):
    path = finished / f"summary/{GROUP}.nc"
    altered(path, lambda data: data.attrs.update(signals=text), with_account=True)
    assert plain(read_points(path))
    assert main(["report", PLAN]) == 0


def test_endless_signals_are_cut(finished):
    path = finished / f"summary/{GROUP}.nc"
    group = {"title": "T" * 200_000, "note": "a\u0007b" * 100_000, "species": [["X0p[0]", None]] * 1000}
    altered(path, lambda data: data.attrs.update(signals=json.dumps([group] * 200)), with_account=True)
    found = signals_of(read_points(path))
    assert len(found) == MOST_GROUPS
    assert {len(one.title) for one in found} == {LONGEST_TITLE}
    assert {len(one.rails) for one in found} == {MOST_SIGNALS}
    assert all(one.note.isprintable() and len(one.note) <= 400 for one in found)
    begin = time.process_time()
    assert main(["report", PLAN]) == 0
    assert time.process_time() - begin < 60


def test_points_of_which_some_say_nothing_of_libraries_are_joined(finished):
    part = read_points(chunk_of(finished))
    assert join([part]).attrs["libraries"] == part.attrs["libraries"]
    assert "libraries" not in join([part.drop_attrs()]).attrs
