"""Data sets from CSV files: what is read, the one line for each mistake, and what makes a result another one."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_sweeps import small_sweep, write_sweep

from crnsim.activations import activation
from crnsim.algebraic import forward, initial_weights, sample_order, sgd
from crnsim.cli.parser import main
from crnsim.datasets import check_layers, csv_source, csvfile, dataset_info, load_dataset
from crnsim.errors import ConfigError, InputError
from crnsim.experiment.build import build_circuit
from crnsim.experiment.point import Point
from crnsim.experiment.run import run_points
from crnsim.store.points import read_points
from crnsim.sweep.config.read import read_sweep, validate
from crnsim.sweep.config.reader import Document
from crnsim.sweep.plan.plan import make_plan, read_plan


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """Run in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(text: str, name: str = "data.csv") -> str:
    Path(name).write_text(text, encoding="utf-8", newline="")
    return name


def two_classes(rows: int = 20, separator: str = ",", ends: str = "\n") -> str:
    """Two classes that the sign of a - b tells apart."""
    lines = [separator.join(("a", "b", "kind"))]
    for i in range(rows):
        a, b = (i * 7 % 10) / 10, (i * 3 % 10) / 10 + 0.05
        lines.append(separator.join((f"{a}", f"{b}", "up" if a > b else "down")))
    return ends.join(lines) + ends


def measured(rows: int = 30) -> str:
    return "x,y\n" + "".join(f"{i / 10},{20 + 3 * i / 10}\n" for i in range(rows))


def complaint(text: str, **options) -> str:
    with pytest.raises(InputError) as caught:
        load_dataset(write(text), **{"target": "kind"} | options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_two_classes_become_one_column_of_0_and_1():
    data = load_dataset(write(two_classes()), target="kind")
    assert (data.name, data.task, data.feature_names, data.target_names) == (
        "data",
        "classification",
        ("a", "b"),
        ("up",),
    )
    assert data.y_train.shape[1] == 1
    assert set(data.y_train.ravel()) == {0, 1}
    # Up is where a exceeds b; scaling is by column, so compare with the file itself.
    rows = [line.split(",") for line in Path("data.csv").read_text().splitlines()[1:]]
    assert data.y_train.sum() + data.y_test.sum() == sum(row[2] == "up" for row in rows)


def test_three_classes_become_one_hot_in_the_order_of_their_numbers():
    text = "a,grade\n" + "".join(f"{i},{(10, 2, 3)[i % 3]}\n" for i in range(30))
    data = load_dataset(write(text), target="grade")
    assert data.target_names == ("2", "3", "10")
    np.testing.assert_array_equal(data.y_train.sum(axis=1), 1)
    np.testing.assert_array_equal(data.y_test.sum(axis=0), [3, 3, 3])
    assert dataset_info("data", csv_source("data.csv", "grade")).layers == (1, 8, 3)


def test_a_number_is_one_class_however_it_is_written():
    text = "a,grade\n" + "".join(
        f"{i},{'1' if i % 4 == 0 else '1.0' if i % 2 == 0 else '2'}\n" for i in range(20)
    )
    assert load_dataset(write(text), target="grade").target_names == ("2",)


def test_equal_numbers_are_one_class_and_others_are_not():
    def classes(*cells: str) -> tuple[str, ...]:
        rows = "".join(f"{n},{cells[n % len(cells)]}\n" for n in range(6 * len(cells)))
        return csvfile.read_table(write(f"a,kind\n{rows}")).labels("kind")[: len(cells)]

    assert classes("-0", "0", "-0.0", "+0e5", "1") == ("0", "0", "0", "0", "1")
    assert classes("1e22", "1" + "0" * 22, "-1e2", "-100.0") == ("1" + "0" * 22,) * 2 + ("-100",) * 2
    assert classes("1e300", "1" + "0" * 300, "0.10", "1e-1") == ("1E+300", "1E+300", "0.1", "0.1")
    # Two whole numbers that are one float.
    assert classes("9007199254740993", "9007199254740993.0", "9007199254740992") == (
        *("9007199254740993",) * 2, "9007199254740992",
    )  # fmt: skip
    said = "line 2, column 'kind': '1111111111.* is too large a number for a class; write words"
    with pytest.raises(InputError, match=said):
        classes("1" * 400, "2")


@pytest.mark.parametrize("odd", [["kind"], {}, 3, b"kind", np.zeros(2)])
def test_a_target_and_a_task_that_are_no_text_are_refused(odd):
    file = write(two_classes())
    with pytest.raises(InputError, match=r"target is .*; give the name of one column"):
        load_dataset(file, target=odd)
    with pytest.raises(InputError, match="task is "):
        load_dataset(file, target="kind", task=odd)
    with pytest.raises(InputError, match="data set is "):
        dataset_info(odd)


def test_features_and_values_are_scaled_by_the_training_rows():
    beyond = 0
    for replicate in range(20):
        data = load_dataset(write(measured()), target="y", replicate=replicate)
        assert (data.task, data.target_names) == ("regression", ("y",))
        assert (data.x_train.min(), data.x_train.max(), data.dual_rail) == (-1, 1, True)
        assert (data.y_train.min(), data.y_train.max()) == (0, 1)
        # y is a straight line in x, so both are scaled alike, but x to -1 to 1.
        np.testing.assert_allclose((data.x_test + 1) / 2, data.y_test, atol=1e-12)
        beyond += int((data.y_test < 0).any())
    assert beyond > 0


@pytest.mark.parametrize(
    ("column", "task"),
    [
        (["yes", "no"], "classification"),
        (["0", "1"], "classification"),
        ([str(i) for i in range(20)], "classification"),
        ([str(i) for i in range(21)], "regression"),
        (["0.5", "1"], "regression"),
    ],
)
def test_the_task_is_guessed_from_the_target(column, task):
    text = "a,t\n" + "".join(f"{i},{column[i % len(column)]}\n" for i in range(3 * len(column) + 10))
    assert load_dataset(write(text), target="t").task == task


def test_the_task_that_is_given_wins():
    text = "a,t\n" + "".join(f"{i},{i % 5}\n" for i in range(20))
    assert load_dataset(write(text), target="t").task == "classification"
    assert load_dataset(write(text), target="t", task="regression").task == "regression"


def test_the_split_depends_on_seed_label_and_replicate_alone():
    source = csv_source(write(two_classes()), "kind")
    first = load_dataset("mine", source=source, replicate=1)
    np.testing.assert_array_equal(first.x_train, load_dataset("mine", source=source, replicate=1).x_train)
    for other in ({"replicate": 2}, {"replicate": 1, "seed": 1}):
        assert not np.array_equal(first.x_train, load_dataset("mine", source=source, **other).x_train)
    assert not np.array_equal(first.x_train, load_dataset("yours", source=source, replicate=1).x_train)
    write(two_classes(), "moved.csv")
    moved = load_dataset("mine", source=csv_source("moved.csv", "kind"), replicate=1)
    np.testing.assert_array_equal(first.x_train, moved.x_train)


def test_a_stratified_split_takes_three_of_ten_rows_of_each_class():
    text = "a,t\n" + "".join(f"{i},{'rare' if i % 5 == 0 else 'common'}\n" for i in range(50))
    data = load_dataset(write(text), target="t")
    assert (len(data.y_test), data.y_test.sum()) == (15, 3)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_separators_and_line_ends_do_not_matter(separator, ends):
    plain = load_dataset(write(two_classes()), target="kind")
    other = load_dataset(write(two_classes(separator=separator, ends=ends)), target="kind")
    np.testing.assert_array_equal(plain.x_train, other.x_train)
    np.testing.assert_array_equal(plain.y_train, other.y_train)


def test_a_byte_order_mark_quotes_blanks_and_blank_lines_do_not_matter():
    plain = load_dataset(write(two_classes()), target="kind")
    text = two_classes().replace("a,b", '"a", b ').replace(",up", ', "up"').replace("\n", "\n\n", 3)
    other = load_dataset(write("\ufeff" + text), target="kind")
    np.testing.assert_array_equal(plain.x_train, other.x_train)
    np.testing.assert_array_equal(plain.y_train, other.y_train)


def test_a_quoted_cell_may_hold_the_separator_and_lines_are_counted_as_in_an_editor():
    cells = ['"line\nend"', '"x, y"']
    text = 'a,"kind, of it"\n' + "".join(f"{i},{cells[i % 2]}\n" for i in range(12))
    assert load_dataset(write(text), target="kind, of it").target_names == ("x, y",)
    # The rows 0, 2, ... take two lines each: row 3 stands on line 2 + 3 + 2.
    message = complaint(text.replace("\n3,", "\n,"), target="kind, of it")
    assert message == "data.csv: line 7, column 'a': the cell is empty; fill it in, or leave the row out"


def test_a_column_that_is_the_same_in_every_row_is_left_out_with_a_warning(caplog):
    text = "\n".join(
        line if line.count(",") == 3 else line.replace(",", ",7,", 1) for line in two_classes().split("\n")
    )
    text = text.replace("a,7,b", "a,same,b")
    data = load_dataset(write(text), target="kind")
    assert data.feature_names == ("a", "b")
    assert "data.csv: the same in every row, so left out: column same" in caplog.text


GOOD = two_classes()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "0.7,0.35,",
            "nan,0.35,",
            "line 3, column 'a': 'nan' is not a finite number; put one there, or leave",
        ),
        ("0.7,0.35,", "inf,0.35,", "line 3, column 'a': 'inf' is not a finite number"),
        ("0.7,0.35,", ",0.35,", "line 3, column 'a': the cell is empty; fill it in, or leave the row out"),
        ("0.7,0.35,", "0.7,o.35,", "line 3, column 'b': 'o.35' is not a number"),
        ("0.7,0.35,up", "0.7,0.35,", "line 3, column 'kind': the cell is empty"),
        ("0.7,0.35,up", "0.7,0.35,NaN", "line 3, column 'kind': 'NaN' is not a finite number"),
        ("0.7,0.35,up", "0.7,up", "line 3 has 2 cells; the header has 3 names"),
        ("0.7,0.35,up", "0.7,0.35,up,1", "line 3 has 4 cells; the header has 3 names"),
        ("0.7,0.35,up", '0.7,0.35,"up', "not CSV: unexpected end of data"),
        ("a,b,kind", "a,b,knd", "there is no column 'kind'; did you mean 'knd'? known: a, b, knd"),
        ("a,b,kind", "a,b,b", "line 1: two columns are called 'b'"),
        ("a,b,kind", "a,,kind", "line 1: column 2 has no name"),
        (
            "a,b,kind\n",
            "",
            "line 1: two columns are called '0.0'; the first line must name the columns|there is no column 'kind'",
        ),
        ("a,b,kind", "1,2,3", "line 1 holds numbers; a header line with the names of the columns is needed"),
        ("down", "up", "column 'kind' has one class only, 'up'; two or more are needed"),
        ("0.7,0.35,up", "0.7,0.35,left", "column 'kind': one row only of class 'left'; each class needs one"),
    ],
)
def test_a_mistake_in_the_file_is_one_line_with_its_place(old, new, said):
    assert old in GOOD
    message = complaint(GOOD.replace(old, new) if old == "down" else GOOD.replace(old, new, 1))
    assert message.startswith("data.csv: ")
    assert any(part in message for part in said.split("|")), message


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("", {}, "data.csv: empty; a header line and rows are needed"),
        ("\n \n", {}, "data.csv: empty; a header line and rows are needed"),
        ("a,kind\n", {}, "data.csv: 0 rows; 10 or more are needed"),
        (two_classes(9), {}, "data.csv: 9 rows; 10 or more are needed"),
        (GOOD, {"target": None}, "data.csv: which column is the target? its columns: a, b, kind"),
        (GOOD, {"task": "clasification"}, "task is 'clasification'; did you mean 'classification'?"),
        (GOOD, {"task": "regression"}, "line 2, column 'kind': 'down' is not a number"),
        (GOOD, {"target": "a"}, "column 'kind' holds words, such as 'down'; write them as numbers"),
        ("kind\n" + "u\nd\n" * 6, {}, "no column but 'kind' holds different numbers"),
        ("a,kind\n" + "1,u\n1,d\n" * 6, {}, "no column but 'kind' holds different numbers"),
        (
            "a;kind\n" + "1,5;u\n2,5;d\n" * 6,
            {},
            "line 2, column 'a': '1,5' is not a number; write 1.5, with a point",
        ),
        (
            "a,kind\n" + "".join(f"{i},2.5\n" for i in range(12)),
            {"task": "regression"},
            "column 'kind' is 2.5 in every row; there is nothing to learn",
        ),
        (
            "a,kind\n" + "".join(f"{i},{i}\n" for i in range(12)),
            {},
            "one row only of class '0'; each class needs one to train and one to test, or say task: regression",
        ),
    ],
)
def test_a_file_that_is_no_data_set_is_answered_in_one_line(text, options, said):
    assert said in complaint(text, **options)


def test_files_that_cannot_be_read_are_answered_in_one_line(here):
    with pytest.raises(InputError, match=r"^none\.csv: there is no such file in "):
        load_dataset("none.csv", target="kind")
    Path("odd.csv").write_bytes(b"a,kind\n\xff\xfe,1\n")
    with pytest.raises(InputError, match=r"^odd\.csv: not a text file in UTF-8"):
        load_dataset("odd.csv", target="kind")
    Path("folder.csv").mkdir()
    with pytest.raises(InputError, match=r"^folder\.csv: this is a folder"):
        load_dataset("folder.csv", target="kind")
    with pytest.raises(InputError, match="xor has a target, a task and a name of its own"):
        load_dataset("xor", target="a")
    with pytest.raises(InputError, match=r"unknown data set 'data'.* or a CSV file with its target column"):
        load_dataset("data")


CELL = st.one_of(
    st.sampled_from(
        ["", "1", "2.5", "-3", "nan", "inf", "1e400", "1,5", "up", '"', '"a\nb"', "1_0", "\x00", "é"]
    ),
    st.text(max_size=4),
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    slips=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 2), CELL), max_size=3),
    n_rows=st.integers(0, 13),
    separator=st.sampled_from([",", ";", "\t"]),
    task=st.sampled_from([None, "classification", "regression"]),
)
def test_whatever_stands_in_a_file_it_is_a_data_set_or_one_line(slips, n_rows, separator, task):
    rows = [["a", "b", "kind"], *([str(i), str(i % 3), str(i % 2)] for i in range(12))]
    for row, column, cell in slips:
        rows[row][column] = cell
    text = "\n".join(separator.join(row) for row in rows[:n_rows])
    Path("any.csv").write_bytes(text.encode("utf-8", "surrogatepass"))
    said = ""
    try:
        data = load_dataset("any.csv", target="kind", task=task)
        assert np.isfinite(data.x_train).all()
        assert np.isfinite(data.y_test).all()
    except InputError as error:
        said = str(error)
    assert "\n" not in said
    assert said.startswith("any.csv: ") or not said


def test_layers_must_fit_the_columns_of_the_file():
    source = csv_source(write(GOOD), "kind")
    check_layers("mine", (2, 5, 5, 1), source)
    with pytest.raises(InputError, match="layers 3-1 do not fit mine: it has 2 features and 1 targets"):
        check_layers("mine", (3, 1), source)


@pytest.mark.parametrize("label", ["1data", "my data", "é"])
def test_a_name_that_fits_no_path_becomes_a_word(label):
    name = load_dataset(write(GOOD, f"{label}.csv"), target="kind").name
    assert name.isascii()
    assert name.isidentifier()


def test_a_file_called_as_a_data_set_is_not_taken_for_it():
    assert load_dataset(write(GOOD, "xor.csv"), target="kind").name == "file_xor"


def point(file: str, target: str = "kind", **changes) -> Point:
    source = csv_source(file, target)
    info = dataset_info("mine", source)
    settings = {
        "dataset": "mine", "source": source, "layers": info.layers, "circuit": "onepot", "circuit_parameters": (),
        "activation": "squareplus", "activation_parameters": (("h", 0.1),), "running_time": 5.0, "epochs": 1,
        "learning_rate": 0.05, "replicate": 0, "seed": 0,
    }  # fmt: skip
    from crnsim.noise.noise import Noise

    return Point(**settings | {"noise": Noise()} | changes)


def test_a_point_knows_content_target_and_task_of_a_file_but_not_where_it_is():
    Path("there").mkdir()
    here, there = point(write(GOOD)), point(write(GOOD, "there/other.csv"))
    assert here.source != there.source
    assert here.key == there.key
    assert Point.from_dict(json.loads(json.dumps(here.to_dict()))) == here
    assert point(write(GOOD.replace("0.35", "0.36"), "changed.csv")).key != here.key
    number = "a,b,kind\n" + "".join(f"{i},{i % 3},{i % 2}\n" for i in range(20))
    write(number, "n.csv")
    assert point("n.csv").key != point("n.csv", "b").key
    assert dict(csv_source("n.csv", "kind", "regression")) != dict(csv_source("n.csv", "kind"))
    # A task that is guessed is the same as one that is given.
    assert csv_source("n.csv", "kind", "classification") == csv_source("n.csv", "kind")


def test_a_file_that_changed_since_its_point_was_made_is_refused():
    made = point(write(GOOD))
    write(GOOD.replace("0.35", "0.36"))
    from crnsim.datasets import tables

    tables._kept.clear()  # as in a worker that starts now
    with pytest.raises(InputError, match=r"^data\.csv: changed since this run was planned"):
        run_points([made])


def sweep_of(file: str, **settings) -> dict:
    return small_sweep(
        datasets={"mine": {"file": file, "target": "kind", "epochs": 1} | settings},
        replicates=2,
        running_times=[5],
    )


def planned(file: str, **settings):
    return make_plan(validate(Document("small.yaml", sweep_of(file, **settings), {})))


def chunk_keys(plan) -> list[str]:
    return [chunk.key for chunk in plan.file.chunks()]


def test_a_plan_recomputes_for_another_content_or_target_but_not_for_another_place():
    before = planned(write(GOOD))
    assert chunk_keys(planned(write(GOOD, "moved.csv"))) == chunk_keys(before)
    assert chunk_keys(planned("data.csv", task="classification")) == chunk_keys(before)
    after = planned(write(GOOD.replace("0.35", "0.36")))
    assert not set(chunk_keys(after)) & set(chunk_keys(before))


def test_the_fingerprint_that_the_workflow_compares_changes_with_the_content_of_a_file():
    def fingerprint() -> str:
        return validate(Document("small.yaml", sweep_of("data.csv"), {})).fingerprint

    write(GOOD)
    first = fingerprint()
    assert fingerprint() == first
    write(GOOD.replace("0.35", "0.3567"))
    assert fingerprint() != first


@pytest.fixture
def openings(monkeypatch):
    """Names of the data files that are read, in order."""
    opened, names = os.open, []

    def counted(path: str, *words: object, **options: object) -> int:
        names.append(Path(path).name)
        return opened(path, *words, **options)

    monkeypatch.setattr(os, "open", counted)
    return lambda: [name for name in names if name.endswith((".csv", ".npz"))]


@pytest.mark.parametrize("command", ["plan", "show"])
def test_a_command_reads_a_data_file_once(openings, command, capsys):
    # A file of its own, which no earlier test has left in a cache.
    write(GOOD.replace("0.35", f"0.3{len(command)}1"), f"{command}.csv")
    write_sweep(Path("small.yaml"), **sweep_of(f"{command}.csv"))
    assert main([command, "small.yaml"]) == 0
    assert openings() == [f"{command}.csv"]


def test_a_plan_that_is_read_back_reads_its_data_file_once(openings):
    plan = planned(write(GOOD))
    Path("plan.json").write_text(plan.file.to_json())
    before = len(openings())
    read_plan("plan.json")
    assert openings()[before:] == ["data.csv"]


def test_a_plan_whose_file_changed_is_refused_in_one_line(here):
    plan = planned(write(GOOD))
    Path("plan.json").write_text(plan.file.to_json())
    assert read_plan("plan.json").groups == plan.groups
    write(GOOD.replace("0.35", "0.36"))
    with pytest.raises(InputError, match=r"^data\.csv: changed since plan\.json was made; 'crnsim plan "):
        read_plan("plan.json")
    Path("data.csv").unlink()
    with pytest.raises(InputError, match=r"^data\.csv: there is no such file in "):
        read_plan("plan.json")


def test_settings_left_open_come_from_the_file():
    settings = validate(Document("small.yaml", sweep_of(write(GOOD)), {})).settings["mine"]
    assert (settings.layers, settings.epochs, settings.learning_rate) == ((2, 8, 1), 1, 0.05)
    plan = planned("data.csv", layers=[2, 4, 3, 1])
    (group, _), *_ = plan.groups
    assert build_circuit(group.point(0, 0)).layers == (2, 4, 3, 1)


@pytest.mark.parametrize(
    ("datasets", "said"),
    [
        (
            {"mine": {"file": "data.csv"}},
            "line 16: datasets.mine.target: data.csv: which column is the target? its c",
        ),
        (
            {"mine": {"file": "data.csv", "target": "knd"}},
            "datasets.mine.file: data.csv: there is no column 'knd'; did you mean 'kind'?",
        ),
        (
            {"mine": {"file": "dta.csv", "target": "kind"}},
            "line 17: datasets.mine.file: dta.csv: there is no such file in ",
        ),
        (
            {"mine": {"file": "data.csv", "target": "kind", "task": "fit"}},
            "datasets.mine.task is 'fit'; known: classification, regression",
        ),
        (
            {"mine": {"file": "data.csv", "target": "kind", "layers": [3, 1]}},
            "datasets.mine.layers: layers 3-1 do not fit mine: it has 2 features",
        ),
        ({"xor": {"target": "kind"}}, "datasets.xor.target: xor has its own; only a data set with a 'file'"),
        (
            {"xor": {"file": "data.csv", "target": "kind"}},
            "datasets.xor: the name of a data set that there is",
        ),
        (
            {"my-own": {"file": "data.csv", "target": "kind"}},
            "datasets.my-own: does not fit a path; use at most 50 letters",
        ),
        ({"mine": {}}, "datasets.mine: unknown data set; known: xor, "),
    ],
)
def test_a_mistake_in_the_sweep_file_is_one_line(here, datasets, said):
    write(GOOD)
    with pytest.raises(ConfigError) as caught:
        read_sweep(write_sweep(here / "bad.yaml", datasets=datasets))
    message = str(caught.value)
    assert "\n" not in message
    assert said in message, message


def test_gradient_descent_learns_a_file_with_its_default_settings():
    rng = np.random.default_rng(0)
    x = rng.uniform(size=(200, 4)) * [1, 10, 100, 1]
    label = np.where(x[:, 0] + x[:, 1] / 10 > 1, "high", "low")
    rows = "".join(",".join([*map(str, row), kind]) + "\n" for row, kind in zip(x, label, strict=True))
    source = csv_source(write("a,b,c,d,kind\n" + rows), "kind")
    info, unit, found = dataset_info("mine", source), activation("squareplus", h=0.1), []
    for replicate in range(5):
        data = load_dataset("mine", source=source, replicate=replicate)
        key = {"seed": 0, "dataset": "mine", "replicate": replicate}
        order = sample_order(info.n_train, info.epochs, **key)
        weights = sgd(
            initial_weights(info.layers, **key), unit, data, order=order, learning_rate=info.learning_rate
        )
        found.append(data.accuracy(forward(weights, data.x_test, unit), data.y_test))
    # A line parts the classes without noise; a constant guess is right on half of the rows.
    assert np.median(found) >= 0.9


def test_a_pot_learns_a_file_on_the_command_line(capsys):
    lines = "".join(f"{i % 2 + i / 100},{'odd' if i % 2 else 'even'}\n" for i in range(20))
    write("a,kind\n" + lines)
    words = ["train", "data.csv", "--target", "kind", "--layers", "1,3,1", "--epochs", "60", "-o", "out.nc"]
    assert main(words) == 0
    assert "data 1-3-1, onepot with squareplus" in capsys.readouterr().out
    results = read_points("out.nc")
    assert results.attrs["dataset"] == "data"
    # The classes lie apart, at 0 to 0.18 and 1 to 1.19: any line between them will do.
    assert results["accuracy"].values.tolist() == [1]


def test_a_sweep_of_a_file_takes_every_step(here):
    write(GOOD)
    Path("small.yaml").write_text(json.dumps(sweep_of("data.csv", layers=[2, 3, 1])))
    assert main(["plan", "small.yaml"]) == 0
    plan = "results/small/plan.json"
    (entry,) = json.loads(Path(plan).read_text())["groups"]
    assert entry["source"]["target"] == "kind"
    assert main(["build", plan, "mine-onepot-smooth"]) == 0
    for chunk in entry["chunks"]:
        assert main(["integrate", plan, chunk["key"]]) == 0
    assert main(["merge", plan, "mine-onepot-smooth"]) == 0
    assert main(["robustness", plan]) == 0
    assert main(["report", plan]) == 0
    assert "Mine" in Path("reports/small.html").read_text(encoding="utf-8")
    summary = read_points("results/small/summary/mine-onepot-smooth.nc")
    assert summary["target"].values.tolist() == ["up"]
    assert json.loads(summary.attrs["source"]) == entry["source"]
