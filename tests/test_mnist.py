"""MNIST: IDX files as they should and should not be, pooling, the folder of one's own, and the download."""

from __future__ import annotations

import functools
import gzip
import hashlib
import http.server
import logging
import os
import socket
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crnsim.cli.parser import main
from crnsim.datasets import DATASETS, fetch, load_dataset
from crnsim.datasets.idx import IMAGES, read_idx
from crnsim.errors import CrnsimError, InputError

RNG = np.random.default_rng(7)
N_TRAIN, N_TEST = 40, 30
TRAIN = RNG.integers(0, 256, size=(N_TRAIN, 28, 28), dtype=np.uint8)
TEST = RNG.integers(0, 256, size=(N_TEST, 28, 28), dtype=np.uint8)
TRAIN_DIGITS = np.arange(N_TRAIN, dtype=np.uint8) % 10
TEST_DIGITS = np.arange(N_TEST, dtype=np.uint8)[::-1] % 10
NAMES = sorted(name for name in DATASETS if name.startswith("mnist"))


def idx(values: np.ndarray) -> bytes:
    """Return the bytes of an IDX file."""
    sizes = b"".join(size.to_bytes(4, "big") for size in values.shape)
    return bytes([0, 0, 8, values.ndim]) + sizes + values.tobytes()


def files() -> dict[str, bytes]:
    return {
        "train-images-idx3-ubyte.gz": gzip.compress(idx(TRAIN)),
        "train-labels-idx1-ubyte.gz": gzip.compress(idx(TRAIN_DIGITS)),
        "t10k-images-idx3-ubyte.gz": gzip.compress(idx(TEST)),
        "t10k-labels-idx1-ubyte.gz": gzip.compress(idx(TEST_DIGITS)),
    }


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A folder of one's own with small files."""
    for name, content in files().items():
        (tmp_path / name).write_bytes(content)
    monkeypatch.setenv("CRNSIM_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(fetch, "MIRRORS", ("http://127.0.0.1:9/",))
    return tmp_path


def complaint(name: str = "mnist7") -> str:
    with pytest.raises(CrnsimError) as caught:
        load_dataset(name)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", NAMES)
def test_arrays_fit_the_default_layers(folder, name):
    data, info = load_dataset(name), DATASETS[name]
    small, centred = "_t10k" in name, name.endswith("_centred")
    # Three of each digit in the test file: 20 %, rounded, is one.
    assert (len(data.x_train), len(data.x_test)) == ((20, 10) if small else (N_TRAIN, N_TEST))
    assert (data.x_train.shape[1], data.y_train.shape[1]) == (info.layers[0], info.layers[-1])
    assert len(data.feature_names) == info.layers[0]
    for x, y in ((data.x_train, data.y_train), (data.x_test, data.y_test)):
        assert x.dtype == y.dtype == np.float64
        assert -1 * centred <= x.min() <= x.max() <= 1
        np.testing.assert_array_equal(y.sum(axis=1), 1)
    assert data.dual_rail == centred
    if centred:
        plain = load_dataset(name.removesuffix("_centred"))
        np.testing.assert_allclose(data.x_test, plain.x_test - plain.x_train.mean(axis=0), atol=1e-15)


def test_pixels_are_bytes_over_255_in_the_order_of_the_file(folder):
    data = load_dataset("mnist")
    np.testing.assert_array_equal(data.x_train, TRAIN.reshape(N_TRAIN, 784) / 255)
    np.testing.assert_array_equal(np.argmax(data.y_test, axis=1), TEST_DIGITS)


@pytest.mark.parametrize(("name", "block"), [("mnist14", 2), ("mnist7", 4)])
def test_smaller_images_are_means_of_blocks(folder, name, block):
    side = 28 // block
    data = load_dataset(name)
    means = [
        TRAIN[3, r * block : (r + 1) * block, c * block : (c + 1) * block].mean() / 255
        for r in range(side)
        for c in range(side)
    ]
    np.testing.assert_allclose(data.x_train[3], means, rtol=1e-14)


def test_the_files_own_split_is_shared_by_all_replicates_and_cannot_be_changed(folder):
    one, other = (load_dataset("mnist14", replicate=r) for r in (0, 1))
    assert one.x_train is other.x_train
    with pytest.raises(ValueError, match="read-only"):
        one.x_train[0, 0] = 1


def test_files_that_were_replaced_are_read_again(folder):
    before = load_dataset("mnist7").x_train
    path = folder / "train-images-idx3-ubyte.gz"
    path.write_bytes(gzip.compress(idx(255 - TRAIN)))
    # Some clocks of file systems tick slower than this test runs.
    os.utime(path, ns=(1, 1))
    np.testing.assert_allclose(load_dataset("mnist7").x_train, 1 - before, atol=1e-14)


def test_the_test_file_alone_is_split_by_class_and_replicate(folder):
    for name in ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"):
        (folder / name).unlink()
    one, again, other = (load_dataset("mnist7_t10k", replicate=r) for r in (0, 0, 1))
    assert one.y_test.sum(axis=0).tolist() == [1] * 10
    np.testing.assert_array_equal(one.x_train, again.x_train)
    assert not np.array_equal(one.x_train, other.x_train)


def test_files_may_be_uncompressed(folder):
    before = load_dataset("mnist7").x_train
    for name, content in files().items():
        (folder / name).unlink()
        (folder / name.removesuffix(".gz")).write_bytes(gzip.decompress(content))
    np.testing.assert_array_equal(load_dataset("mnist7").x_train, before)


def test_a_file_is_decoded_once_per_process(folder):
    path = folder / "t10k-images-idx3-ubyte.gz"
    assert read_idx(path, IMAGES) is read_idx(path, IMAGES)


IMAGES_FILE, LABELS_FILE = "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (
            IMAGES_FILE,
            idx(TEST_DIGITS),
            "not an IDX file of images: its magic number is 0x00000801; 0x00000803 is",
        ),
        (
            LABELS_FILE,
            idx(TEST),
            "not an IDX file of labels: its magic number is 0x00000803; 0x00000801 is needed",
        ),
        (IMAGES_FILE, b"<html>not found</html>", "not an IDX file of images: its magic number is 0x3C68746D"),
        (IMAGES_FILE, b"", "not an IDX file of images: it is too short; 0x00000803 is needed"),
        (IMAGES_FILE, idx(TEST)[:10], "cut short: 10 bytes; the header alone has 16"),
        (
            IMAGES_FILE,
            idx(TEST)[:-1],
            "cut short: 23519 bytes after the header, which promises 23520 (30 x 28 x 28)",
        ),
        (IMAGES_FILE, idx(TEST) + b"x", "too long: 23521 bytes after the header, which promises 23520"),
        (IMAGES_FILE, gzip.compress(idx(TEST))[:-400], "damaged or cut short ("),
        (IMAGES_FILE, gzip.compress(idx(TEST))[:50] + b"\0" * 50, "damaged or cut short ("),
        (IMAGES_FILE, idx(TEST[:, :14]), "images of 14 x 28 pixels; MNIST has 28 x 28"),
        (LABELS_FILE, idx(TEST_DIGITS[:-2]), "28 labels for the 30 images of "),
        (LABELS_FILE, idx(TEST_DIGITS + np.uint8(5)), "label 14; a digit is 0 to 9"),
        # A header that promises far more than there is must not reserve the memory for it.
        (
            IMAGES_FILE,
            b"\0\0\x08\x03" + b"\xff" * 12,
            "cut short: 0 bytes after the header, which promises 79228",
        ),
    ],
    ids=lambda value: "content" if isinstance(value, bytes) else None,
)
@pytest.mark.parametrize("compressed", [True, False])
def test_a_damaged_file_is_one_line_with_its_name(folder, name, content, said, compressed):
    packed = gzip.compress(content) if compressed and not content.startswith(b"\x1f\x8b") else content
    (folder / name).write_bytes(packed)
    message = complaint("mnist7_t10k")
    assert message.startswith(f"{folder / name}: ")
    assert said in message


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.binary(max_size=40),
    start=st.sampled_from([b"", b"\0\0\x08\x03", b"\x1f\x8b", b"\x1f\x8b\x08"]),
)
def test_whatever_stands_in_a_file_it_is_images_or_one_line(tmp_path, content, start):
    path = tmp_path / "any"
    path.write_bytes(start + content)
    said = ""
    try:
        assert read_idx(path, IMAGES).ndim == 3
    except InputError as error:
        said = str(error)
    assert "\n" not in said
    assert said.startswith(f"{path}: ") or not said


def test_no_images_at_all_is_one_line(folder):
    (folder / IMAGES_FILE).write_bytes(idx(TEST[:0]))
    (folder / LABELS_FILE).write_bytes(idx(TEST_DIGITS[:0]))
    assert complaint("mnist7_t10k").endswith("it holds no labels")


def test_a_folder_of_ones_own_that_is_not_there_is_one_line(folder, monkeypatch):
    monkeypatch.setenv("CRNSIM_DATA_DIR", str(folder / "none"))
    assert complaint() == f"CRNSIM_DATA_DIR is {folder / 'none'}; there is no such folder"


def test_a_file_missing_in_a_folder_of_ones_own_is_not_downloaded(folder, monkeypatch):
    (folder / LABELS_FILE).unlink()
    with served(files()) as address:
        monkeypatch.setattr(fetch, "MIRRORS", (address,))
        message = complaint()
        assert asked == []
    assert message == (
        f"{folder} has neither {LABELS_FILE} nor t10k-labels-idx1-ubyte; put one there, or unset CRNSIM_DATA_DIR "
        "to have it downloaded"
    )


# --- the download, from a server on this machine ---

asked: list[str] = []


class _Handler(http.server.BaseHTTPRequestHandler):
    def __init__(self, content: dict[str, bytes], *rest):
        self.content = content
        super().__init__(*rest)

    def do_GET(self):
        asked.append(self.path.lstrip("/"))
        body = self.content.get(self.path.lstrip("/"))
        self.send_response(404 if body is None else 200)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *_):
        """Say nothing."""


class served:  # noqa: N801
    """Serve files on a free port of this machine: `with served(content) as address`."""

    def __init__(self, content: dict[str, bytes]):
        asked.clear()
        handler = functools.partial(_Handler, content)
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self) -> str:
        self.thread.start()
        return f"http://127.0.0.1:{self.server.server_address[1]}/"

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """An empty cache folder, and no folder of one's own."""
    monkeypatch.delenv("CRNSIM_DATA_DIR", raising=False)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pooch.os_cache", lambda name: tmp_path / "cache" / name)
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()}
    monkeypatch.setattr(fetch, "CHECKSUMS", sums)
    return tmp_path / "cache" / "crnsim"


#: gzip writes the time into its header: one set of bytes for all tests.
FILES = files()


def nobody() -> str:
    """Address on this machine at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/"


def test_files_are_downloaded_once_checked_and_kept(cache, monkeypatch, caplog):
    with served(FILES) as address, caplog.at_level(logging.WARNING, "crnsim"):
        monkeypatch.setattr(fetch, "MIRRORS", (address,))
        data = load_dataset("mnist7")
        load_dataset("mnist14")
        assert sorted(asked) == sorted(FILES)
    assert caplog.text.count("downloading") == 4
    assert f"downloading {address}train-images-idx3-ubyte.gz to {cache}" in caplog.text
    assert sorted(path.name for path in cache.iterdir()) == sorted(FILES)
    # The server is gone: what was kept is enough.
    np.testing.assert_array_equal(load_dataset("mnist7").x_test, data.x_test)
    np.testing.assert_array_equal(np.argmax(data.y_train, axis=1), TRAIN_DIGITS)


def test_the_second_mirror_is_asked_where_the_first_does_not_answer_or_has_no_such_file(cache, monkeypatch):
    with served({}) as empty, served(FILES) as full:
        monkeypatch.setattr(fetch, "MIRRORS", (nobody(), empty, full))
        assert len(load_dataset("mnist7_t10k").x_train) == 20


def test_no_network_is_one_line_that_says_what_to_put_where(cache, monkeypatch, capsys):
    address = nobody()
    monkeypatch.setattr(fetch, "MIRRORS", (address,))
    assert complaint() == (
        f"cannot download train-images-idx3-ubyte.gz (no connection); without a network fetch "
        f"{address}train-images-idx3-ubyte.gz elsewhere and set CRNSIM_DATA_DIR to the folder you put it in"
    )
    assert main(["train", "mnist7_t10k"]) == 2
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("crnsim: ")]
    assert len(said) == 1
    assert said[0].startswith("crnsim: cannot download t10k-images-idx3-ubyte.gz")


def test_a_server_without_the_file_is_named_with_its_answer(cache, monkeypatch):
    with served({}) as address:
        monkeypatch.setattr(fetch, "MIRRORS", (address,))
        assert "(the server answered 404)" in complaint()


def test_other_content_than_promised_is_refused_and_not_kept(cache, monkeypatch):
    name = "train-images-idx3-ubyte.gz"
    with served(FILES | {name: FILES["t10k-images-idx3-ubyte.gz"]}) as address:
        monkeypatch.setattr(fetch, "MIRRORS", (address,))
        message = complaint()
    assert message.startswith(f"{address}{name}: what came has another checksum than SHA-256 ")
    assert fetch.CHECKSUMS[name] in message
    assert not list(cache.glob("*"))


def test_a_kept_file_that_was_damaged_is_downloaded_again(cache, monkeypatch):
    with served(FILES) as address:
        monkeypatch.setattr(fetch, "MIRRORS", (address,))
        load_dataset("mnist7_t10k")
        (cache / IMAGES_FILE).write_bytes(b"damaged")
        asked.clear()
        assert len(load_dataset("mnist7_t10k").x_train) == 20
        assert asked == [IMAGES_FILE]


def test_a_cache_folder_that_cannot_be_written_is_one_line(cache, monkeypatch):
    cache.parent.mkdir(parents=True)
    cache.write_text("a file where the folder should be")
    with served(FILES) as address:
        monkeypatch.setattr(fetch, "MIRRORS", (address,))
        assert complaint().startswith(f"{cache}: cannot keep train-images-idx3-ubyte.gz there (")


def test_the_published_checksums_are_those_of_four_files_on_https():
    assert sorted(fetch.CHECKSUMS) == sorted(FILES)
    assert {len(bytes.fromhex(checksum)) for checksum in fetch.CHECKSUMS.values()} == {32}
    assert all(mirror.startswith("https://") and mirror.endswith("/") for mirror in fetch.MIRRORS)
