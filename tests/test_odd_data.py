"""Odd data files: tables, images and weights that are damaged, hostile or huge; a fuzzer of tables."""

from __future__ import annotations

import gzip
import io
import os
import struct
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from odd import REFUSED, fuzzed, judged, odd_values, odd_words
from test_mnist import FILES, cache, served

from crnsim.cli import runs
from crnsim.cli.parser import main
from crnsim.datasets import csv_source, fetch, find_dataset, load_dataset
from crnsim.datasets.idx import IMAGES, read_idx
from crnsim.errors import CrnsimError, InputError
from crnsim.experiment.given_weights import check_fit, weights_source
from crnsim.store.files import write_dataset

__all__ = ["cache"]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def table(*rows: str, header: str = "a,b,kind") -> bytes:
    return ("\n".join([header, *(rows or ROWS)]) + "\n").encode("utf-8", "surrogatepass")


ROWS = [f"{n / 7},{n % 3},{'xy'[n % 2]}" for n in range(20)]


def loaded(content: bytes, target: str = "kind", task: str | None = None):
    Path("data.csv").write_bytes(content)
    began = time.monotonic()
    try:
        return load_dataset("data.csv", target=target, task=task)
    finally:
        assert time.monotonic() - began < 5


def complaint(content: bytes, **options: str) -> str:
    with pytest.raises(InputError) as caught:
        loaded(content, **options)
    assert str(caught.value).isprintable()
    return str(caught.value).removeprefix("data.csv: ")


MANY = ",".join(f"c{n}" for n in range(20_000))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (table(header="a,a,kind"), "line 1: two columns are called 'a'"),
        (table(header=f"{'n' * 300},b,kind"), "line 1: the name of column 1 has 300 characters; at most 200"),
        (table(header="a\x1b[31m,b,kind"), "line 1: the name of column 1 has the control character U+001B"),
        (table(header="a\u202e,b,kind"), "line 1: the name of column 1 has a mark in it that turns the direction"),
        (table(header="a,,kind"), "line 1: column 2 has no name"),
        (table("1,2\0,x", *ROWS), "line 2: a NUL character; save it as CSV in UTF-8"),
        (table('"1,2,x', *ROWS), "line 22: not CSV: unexpected end of data"),
        (table(f"{'1' * 200_000},2,x", *ROWS), "line 2: not CSV: field larger than field limit (131072)"),
        (table(f"{'1' * 100_000},2,x", *ROWS), "line 2, column 'a': '11111"),
        (table("1e400,2,x", *ROWS), "line 2, column 'a': '1e400' is not a finite number; "),
        (table("1e300,2,x", *ROWS), "line 2, column 'a': '1e300' is beyond 1e+100; measure it in another unit"),
        (table("0x10,2,x", *ROWS), "line 2, column 'a': '0x10' is not a number"),
        (table("1_000,2,x", *ROWS), "line 2, column 'a': '1_000' is not a number"),
        (table("١٢,2,x", *ROWS), "line 2, column 'a': '١٢' is not a number"),
        (table("nan,2,x", *ROWS), "line 2, column 'a': 'nan' is not a finite number"),
        (table("1,2,x\u202ey", *ROWS), "line 2, column 'kind': the label has a mark in it that turns the direction"),
        (table("1,2,x\x7fy", *ROWS), "line 2, column 'kind': the label has the control character U+007F"),
        (table(f"1,2,{'x' * 300}", *ROWS), "line 2, column 'kind': the label has 300 characters; at most 200"),
        (table(*(row.replace("x", "y") for row in ROWS)), "column 'kind' has one class only, 'y'"),
        (table(*("1,2,x" for _ in ROWS)), "no column but 'kind' holds different numbers"),
        (table("1,2,x"), "1 rows; 10 or more are needed"),
        (table(*(f"{n},{n},{n}" for n in range(20)), header="a,b,c"), "there is no column 'kind'"),
        (table(*(f"{n},1,l{n // 2}" for n in range(2400))), "column 'kind' has 1200 classes; at most 1000, each"),
        (f"{MANY}\n".encode() * 3, "there is no column 'kind'; known: c0, c1"),
        (f"{MANY},c5\n".encode() * 3, "line 1: two columns are called 'c5'"),
        (b"\xff\xfea\x00,\x00", "not a text file in UTF-8"),
        (b"", "empty; a header line and rows are needed"),
        (b"\n\n\n", "empty; a header line and rows are needed"),
        (b"PK\x03\x04" + bytes(100), "line 1: a NUL character"),
    ],
    ids=lambda value: str(value)[:30],
)  # fmt: skip
def test_an_odd_table_is_one_line_with_line_and_column(content, said):
    assert complaint(content).startswith(said)


def test_a_table_of_twenty_thousand_columns_is_read():
    rows = (",".join(str((n * m) % 7) for n in range(20_000)) for m in range(1, 13))
    content = "\n".join([f"{MANY},kind", *(f"{row},{'xy'[n % 2]}" for n, row in enumerate(rows))])
    assert loaded(content.encode()).x_train.shape[1] > 16_000


def test_what_is_accepted_means_what_is_written():
    plain = loaded(table())
    for content in (
        b"\xef\xbb\xbf" + table(),
        table().replace(b"\n", b"\r\n"),
        table().replace(b"\n", b"\r"),
        table().replace(b"\n", b"\r\n", 7),
        table().replace(b",", b";"),
        table() + b"\n\n  \n",
        table(*(f'"{row.replace(",", chr(34) + "," + chr(34))}"' for row in ROWS)),
    ):
        np.testing.assert_array_equal(loaded(content).x_train, plain.x_train)
    odd = loaded(table(header='Größe <b>&,"b ""quoted"", too",kind'))
    assert odd.feature_names == ("Größe <b>&", 'b "quoted", too')


def test_long_numbers_stay_different_classes():
    ids = (1234567890123, 1234567890124, 2**60, 2**60 + 1)
    data = loaded(table(*(f"{n},{n % 5},{ids[n % 4]}" for n in range(24))), task="classification")
    assert data.target_names == tuple(map(str, ids))
    data = loaded(
        table(*(f"{n},{n % 5},{('3', '3.0', '+3', '0.25')[n % 4]}" for n in range(24))), task="classification"
    )
    assert data.target_names == ("3",)  # the second of two classes


@pytest.mark.parametrize("label", ["../x", "", "a b", "x" * 51, "nan\n", "1a", "é", None.__class__])
def test_a_label_is_a_word(label):
    Path("data.csv").write_bytes(table())
    with pytest.raises(
        InputError, match=r"label is .*; it must be a word of at most 50 letters, digits and _"
    ):
        find_dataset("data.csv", target="kind", label=label)


def test_names_of_files_make_labels_that_fit_a_path():
    for name in ("x" * 200 + ".csv", "ü ö.csv", "1.csv", "a;b$(id).csv"):
        Path(name).write_bytes(table())
        label, _ = find_dataset(name, target="kind")
        assert label.isidentifier()
        assert label.isascii()
        assert len(label) <= 50


@pytest.mark.parametrize(
    ("name", "said"),
    [("pipe", "this is a pipe"), ("/dev/zero", "this is a device"), ("folder", "this is a folder"),
     ("huge", "at most 1074 MB are read"), ("loop", "too many links"), ("", "give the path"), ("a\0b", "NUL")],
)  # fmt: skip
def test_only_files_are_tables_and_weights(here, name, said):
    os.mkfifo("pipe")
    Path("folder").mkdir()
    Path("loop").symlink_to("loop")
    with Path("huge").open("wb") as file:
        file.truncate(2 << 30)
    began = time.monotonic()
    for read in (lambda: csv_source(name, "kind"), lambda: weights_source(name)):
        with pytest.raises(InputError, match=said):
            read()
    assert time.monotonic() - began < 1


def npy(shape: str, dtype: str = "'<f8'", data: bytes = b"") -> bytes:
    """An array whose header says what it likes."""
    header = f"{{'descr': {dtype}, 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + data


def npz(arrays: dict[str, bytes], file: str = "w.npz") -> str:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in arrays.items():
            archive.writestr(f"{name}.npy", content)
    return file


ZEROS, ONE = npy("(1,)", data=bytes(8)), npy("(1, 1)", data=struct.pack("<d", 1.0))


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"W1": npy("(1000000, 1000000)"), "b1": ZEROS}, "W1.npy is cut short: its shape is (1000000, 1000000)"),
        ({"W1": npy("(10**9,)"), "b1": ZEROS}, "arrays W1, b1, W2, b2, ... are needed ("),
        ({"W1": npy("(1, 1)", "'|O'", bytes(8)), "b1": ZEROS}, "W1.npy holds object, and no real numbers"),
        ({"W1": npy("(1, 1)", "'<U2'", bytes(8)), "b1": ZEROS}, "W1.npy holds <U2, and no real numbers"),
        ({"W1": npy("(1, 1)", "'<c16'", bytes(16)), "b1": ZEROS}, "W1.npy holds complex128, and no real numbers"),
        ({"W1": npy("(1, 1)", "[('a', '<f8')]", bytes(8)), "b1": ZEROS}, "W1.npy holds [('a', '<f8')], and no real"),
        ({"W1": b"not numpy", "b1": ZEROS}, "arrays W1, b1, W2, b2, ... are needed ("),
        ({"W1": b"", "b1": ZEROS}, "arrays W1, b1, W2, b2, ... are needed ("),
        ({"W1": npy("(1, 1)", data=struct.pack("<d", 1e300)), "b1": ZEROS}, "must be finite numbers"),
        ({"W1": npy("(1, 1)", data=struct.pack("<d", float("nan"))), "b1": ZEROS}, "must be finite numbers"),
        ({"W1": npy("(-6, -2)"), "b1": ZEROS}, "arrays W1, b1, W2, b2, ... are needed (W1.npy has the shape (-6, -2))"),
        ({"W1": ONE}, "arrays W1, b1, W2, b2, ... are needed, and b1 is missing; it has 'W1'"),
        ({"W1": ONE, "b1": ZEROS, "b2": ZEROS}, "it has 'b2' too; take it out"),
        ({"W1": ONE, "b1": ZEROS, "W4": ONE, "b4": ZEROS}, "W2 is missing; it has 'W1', 'b1', 'W4', 'b4'"),
        ({"W0": ONE, "W1": ONE, "b1": ZEROS}, "it has 'W0' too; take it out"),
        ({"W1": ONE, "b1": ZEROS, "W01": ONE}, "it has 'W01' too; take it out"),
        ({"W1": ONE, "b1": ZEROS, "scale": ONE}, "it has 'scale' too; take it out"),
    ],
)  # fmt: skip
def test_odd_arrays_of_weights_are_one_line(arrays, said):
    with pytest.raises(InputError) as caught:
        weights_source(npz(arrays))
    assert said in str(caught.value)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_arrays_of_one_name_are_refused():
    with zipfile.ZipFile("w.npz", "w") as archive:
        for name, content in (("W1.npy", ONE), ("b1.npy", ZEROS), ("W1.npy", ONE)):
            archive.writestr(name, content)
    with pytest.raises(InputError, match=r"w\.npz: it has two arrays called 'W1'; keep one"):
        weights_source("w.npz")


def test_infer_runs_weights_with_the_activation_that_they_were_trained_with(trained_weights, monkeypatch):
    taken = []
    monkeypatch.setattr(runs, "_run", lambda points, options: taken.extend(points))

    def run(*words: str, **attributes: str) -> tuple[str, dict, dict]:
        changed = trained_weights[1].assign_attrs(attributes)
        write_dataset(changed, "r.nc")
        if main(["infer", "xor", "--layers", "2,3,1", "--weights", "r.nc", *words]):
            raise InputError("refused")
        point = taken.pop()
        return point.activation, dict(point.activation_parameters), dict(point.circuit_parameters)

    relu = {"activation": "relu", "activation_parameters": '{"kz": 50.0}'}
    assert run(**relu)[:2] == ("relu", {"kz": 50.0})
    assert run("--kz", "70", **relu)[:2] == ("relu", {"kz": 70.0})
    assert run("--activation", "squareplus", **relu)[:2] == ("squareplus", {})
    output = {"circuit_parameters": '{"output": "algebraic_sigmoid", "h_output": 0.2}'}
    assert run(**output)[2] == {"output": "algebraic_sigmoid", "h_output": 0.2}
    assert run("--set", "output=linear", **output)[2] == {"output": "linear"}


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"activation": "nope"}, "r.nc: unknown activation 'nope'; "),
        (
            {"activation": "nobody:Knows"},
            "r.nc: the pot was trained with the activation 'nobody:Knows'; give --activ",
        ),
        (
            {"activation_parameters": "{"},
            "r.nc: the attribute activation_parameters of the result is damaged; give",
        ),
        ({"activation_parameters": '{"h": -1.0}'}, "r.nc: activation squareplus: h is -1.0; "),
    ],
)
def test_attributes_of_weights_that_make_no_activation_are_one_line(
    trained_weights, capsys, attributes, said
):
    write_dataset(trained_weights[1].assign_attrs(attributes), "r.nc")
    assert main(["infer", "xor", "--layers", "2,3,1", "--weights", "r.nc"]) == 2
    assert capsys.readouterr().err.removeprefix("crnsim: ").startswith(said)


def test_weights_that_unpack_to_gigabytes_are_refused_before_they_do():
    with zipfile.ZipFile("bomb.npz", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("W1.npy", npy("(1, 1)", data=bytes(8)))
    content = bytearray(Path("bomb.npz").read_bytes())
    entry = content.rindex(b"PK\x01\x02")
    content[entry + 24 : entry + 28] = struct.pack("<I", 3_000_000_000)
    Path("bomb.npz").write_bytes(content)
    with pytest.raises(InputError, match="they unpack to 3000 MB; at most 1074 MB are read"):
        weights_source("bomb.npz")


def test_weights_of_an_archive_are_checked_once_for_all_replicates(here):
    from small_sweeps import small_sweep

    from crnsim.sweep.config.read import validate
    from crnsim.sweep.config.reader import Document

    np.savez("w.npz", W1=np.ones((3, 2)), b1=np.ones(3), W2=np.ones((1, 3)), b2=np.ones(1))
    data = small_sweep(
        mode="inference", circuit="feedforward", weights="w.npz", replicates=1_000_000,
        datasets={"xor": {"layers": [2, 3, 1]}},
    )  # fmt: skip
    began = time.monotonic()
    assert validate(Document("x", data, {})).settings["xor"].replicates == 1_000_000
    assert time.monotonic() - began < 3
    check_fit("w.npz", dict(weights_source("w.npz"))["sha256"], "xor", (2, 3, 1), 0, 0)


def test_results_whose_header_promises_terabytes_are_refused_before_room_is_made():
    import netCDF4

    with netCDF4.Dataset("big.nc", "w") as file:
        file.createDimension("point", 10**12)
        file.createVariable("weights", "f8", ("point",), chunksizes=(1000,))
    began = time.monotonic()
    with pytest.raises(InputError, match=r"big\.nc: its arrays would take 1\.2e\+04 GB of memory"):
        weights_source("big.nc")
    assert time.monotonic() - began < 5


def test_images_that_unpack_to_gigabytes_are_refused(here):
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=1) as file:
        file.write(IMAGES.to_bytes(4, "big"))
        for _ in range(300):
            file.write(bytes(1 << 20))
    Path("bomb.gz").write_bytes(packed.getvalue())
    began = time.monotonic()
    with pytest.raises(InputError, match=r"bomb\.gz: unpacks to more than 268\.4 MB"):
        read_idx(Path("bomb.gz"), IMAGES)
    assert time.monotonic() - began < 5
    os.mkfifo("pipe")
    for name in ("pipe", "/dev/zero"):
        with pytest.raises(InputError, match="this is a"):
            read_idx(Path(name), IMAGES)


@pytest.mark.parametrize("folder", ["x" * 300, "a\x1b\u202e", " "])
def test_a_data_folder_with_an_odd_name_is_one_line(monkeypatch, folder):
    monkeypatch.setenv("CRNSIM_DATA_DIR", folder)
    with pytest.raises(InputError, match="CRNSIM_DATA_DIR") as caught:
        load_dataset("mnist7")
    assert str(caught.value).isprintable()


def test_a_server_that_sends_without_end_is_left(cache, monkeypatch):
    monkeypatch.setattr(fetch, "LARGEST_DOWNLOAD", 1000)
    with served({name: bytes(100_000) for name in FILES}) as address:
        monkeypatch.setattr(fetch, "MIRRORS", (address,))
        with pytest.raises(CrnsimError, match=r"more than 0\.001 MB came, so it is not that file"):
            load_dataset("mnist7")
    assert not any(cache.glob("train*"))
    monkeypatch.setattr(fetch, "LARGEST_DOWNLOAD", 100_000)
    monkeypatch.setattr(fetch, "LONGEST_DOWNLOAD", -1.0)
    with served(FILES) as address:
        monkeypatch.setattr(fetch, "MIRRORS", (address,))
        with pytest.raises(CrnsimError, match="not there after -1 s"):
            load_dataset("mnist7")
    assert requests  # what a download needs is installed


# A fuzzer: a good table with odd cells, names and bytes.
CELLS = st.one_of(
    odd_words(),
    st.sampled_from(["", "1", "2.5", "-3", "1e5", "1e400", "inf", "1,5", "x", "y", '"', '""', "1;2", "\t", "\r", "0"]),
    st.floats().map(repr),
    st.integers().map(str),
)  # fmt: skip


@st.composite
def tables(draw: st.DrawFn) -> bytes:
    rows = [row.split(",") for row in ROWS]
    header = ["a", "b", "kind"]
    for _ in range(draw(st.integers(0, 3))):
        rows[draw(st.integers(0, len(rows) - 1))][draw(st.integers(0, 2))] = draw(CELLS)
    if draw(st.integers(0, 3)) == 0:
        header[draw(st.integers(0, 1))] = draw(CELLS)
    if draw(st.integers(0, 4)) == 0:
        column, cells = draw(st.integers(0, 2)), draw(st.lists(CELLS, min_size=1, max_size=3))
        for number, row in enumerate(rows):
            row[column] = cells[number % len(cells)]
    end, separator = draw(st.sampled_from(["\n", "\r\n", "\r"])), draw(st.sampled_from([",", ";", "\t"]))
    text = end.join(separator.join(row) for row in [header, *rows])
    content = text.encode("utf-8", "surrogatepass")
    for _ in range(draw(st.integers(0, 1))):
        place = draw(st.integers(0, len(content)))
        content = content[:place] + draw(st.binary(max_size=3)) + content[place + draw(st.integers(0, 3)) :]
    return content


@pytest.mark.fuzz
@fuzzed(300)
@given(tables(), st.sampled_from(["kind", "a", "b"]), st.sampled_from([None, "classification", "regression"]))
def test_tables_fuzzed(content, target, task):
    Path("data.csv").write_bytes(content)
    case = (content, target, task)
    data = judged("CSV files", case, lambda: load_dataset("data.csv", target=target, task=task))
    if data is REFUSED:
        return
    for array in (data.x_train, data.x_test, data.y_train, data.y_test):
        assert np.isfinite(array).all()
    assert np.abs(data.x_train).max() <= 1
    assert len(data.x_train)
    assert len(data.x_test)
    assert all(name.isprintable() for name in (*data.feature_names, *data.target_names))
    if data.task == "classification":
        assert set(np.unique(data.y_train)) <= {0.0, 1.0}


# A fuzzer of weights: good archives and results of a training, with odd arrays, attributes and bytes.
SHAPES = st.sampled_from([(3, 2), (3,), (1, 3), (1,), (), (0,), (2, 2, 2), (3, 0)])
TYPES = st.sampled_from(["<f8", "<f4", ">f8", "<i4", "<c16", "<U3", "?", "<M8[s]", "|S4"])
ARRAYS = st.builds(
    lambda shape, kind, bits: np.resize(np.frombuffer(bits, kind), shape),
    SHAPES, TYPES, st.one_of(st.just(np.ones(6).tobytes()), st.binary(min_size=48, max_size=48)),
)  # fmt: skip


@pytest.fixture(scope="module")
def trained_weights(tmp_path_factory):
    """Both kinds of file with weights, of a 2-3-1 network."""
    import crnsim
    from crnsim.store.files import write_dataset

    folder = tmp_path_factory.mktemp("weights")
    np.savez(folder / "w.npz", W1=np.ones((3, 2)), b1=np.ones(3), W2=np.ones((1, 3)), b2=np.ones(1))
    result = crnsim.train(crnsim.onepot((2, 3, 1)), "xor", running_time=1.0, epochs=1)
    write_dataset(result, folder / "w.nc")
    return folder, result


@st.composite
def spoilt(draw: st.DrawFn, content: bytes) -> bytes:
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(content)))
        content = content[:place] + draw(st.binary(max_size=8)) + content[place + draw(st.integers(0, 8)) :]
    return content[: draw(st.sampled_from([len(content)] * 3 + [len(content) // 2, 100]))]


def weights_of(file: str):
    """What a sweep does with a file of weights."""
    digest = dict(weights_source(file))["sha256"]
    check_fit(file, digest, "xor", (2, 3, 1), 0, 0)
    from crnsim.experiment.given_weights import _read

    return _read(file, digest, 0)


@pytest.mark.fuzz
@fuzzed(150)
@given(st.dictionaries(st.sampled_from(["W1", "b1", "W2", "b2", "W3", "x"]), ARRAYS, max_size=3), st.data())
def test_archives_of_weights_fuzzed(trained_weights, arrays, data):
    whole = dict(np.load(trained_weights[0] / "w.npz"))
    np.savez("w.npz", **whole | arrays)
    content = data.draw(spoilt(Path("w.npz").read_bytes()))
    Path("w.npz").write_bytes(content)
    found = judged("archives of weights", (arrays, content), lambda: weights_of("w.npz"))
    if found is not REFUSED:
        assert [W.shape for W, _ in found] == [(3, 2), (1, 3)]
        assert all(np.isfinite(part).all() for pair in found for part in pair)


@pytest.mark.fuzz
@fuzzed(100)
@given(
    st.dictionaries(odd_words(), odd_values(), max_size=2),
    odd_values(),
    st.sampled_from(range(12)),
    st.data(),
)
def test_results_with_weights_fuzzed(trained_weights, more, value, which, data):
    from crnsim.store.files import write_dataset

    folder, result = trained_weights
    Path("w.nc").write_bytes((folder / "w.nc").read_bytes())
    if data.draw(st.booleans()):
        name = sorted(result.attrs)[which % len(result.attrs)]
        changed = result.assign_attrs({**more, name: value})
        try:
            write_dataset(changed, Path("w.nc"))
        except Exception:
            return  # NetCDF has no such attribute
    content = data.draw(spoilt(Path("w.nc").read_bytes()))
    Path("w.nc").write_bytes(content)
    found = judged("results with weights", (more, value, which, content), lambda: weights_of("w.nc"))
    if found is not REFUSED and found is not None:
        assert [W.shape for W, _ in found] == [(3, 2), (1, 3)]
        assert all(np.isfinite(part).all() for pair in found for part in pair)
