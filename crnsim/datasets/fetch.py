"""Where the files of MNIST are: in the folder that CRNSIM_DATA_DIR names, or downloaded once and kept."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path

from crnsim.entrance.files import check_path
from crnsim.entrance.limits import LARGEST_DOWNLOAD
from crnsim.errors import CrnsimError, InputError

#: Environment variable with a folder of data files; nothing is downloaded where it is set.
DATA_DIR = "CRNSIM_DATA_DIR"
#: Folders on the web that hold the files under their own names, in the order tried.
MIRRORS = (
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
)
#: SHA-256 of the compressed files, as published beside many copies of them.
CHECKSUMS = {
    "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
}
#: Seconds without an answer after which a server counts as unreachable.
PATIENCE = 30.0
#: Seconds after which a download is given up, however much has come.
LONGEST_DOWNLOAD = 1800.0

log = logging.getLogger("crnsim.datasets")


def mnist_file(name: str) -> Path:
    """Return the path of one file of MNIST, after a download if need be.

    Parameters
    ----------
    name : str
        Such as ``"t10k-images-idx3-ubyte.gz"``.

    Raises
    ------
    InputError
        It is not in the folder that ``CRNSIM_DATA_DIR`` names.
    CrnsimError
        It cannot be downloaded, or what came is not the file.
    """
    folder = os.environ.get(DATA_DIR)
    if not folder:
        return _download(name)
    if not check_path(folder, DATA_DIR).is_dir():
        raise InputError(f"{DATA_DIR} is {folder}; there is no such folder")
    for candidate in (name, name.removesuffix(".gz")):
        path = Path(folder) / candidate
        if path.is_file():
            return path
    raise InputError(
        f"{folder} has neither {name} nor {name.removesuffix('.gz')}; put one there, "
        f"or unset {DATA_DIR} to have it downloaded"
    )


def _download(name: str) -> Path:
    """Return the file in the cache folder, downloaded from the first mirror that answers."""
    import pooch
    from requests import RequestException

    # Its one message per file comes from us, where the other messages go.
    pooch.get_logger().setLevel("WARNING")
    folder = Path(pooch.os_cache("crnsim"))
    problem = ""
    for mirror in MIRRORS:
        if not (folder / name).exists():
            log.warning("downloading %s%s to %s", mirror, name, folder)
        try:
            return Path(
                pooch.retrieve(
                    mirror + name,
                    known_hash=f"sha256:{CHECKSUMS[name]}",
                    fname=name,
                    path=folder,
                    downloader=_save,
                )
            )
        except RequestException as error:
            problem = problem or _short(error)
        except ValueError:
            raise CrnsimError(
                f"{mirror}{name}: what came has another checksum than SHA-256 {CHECKSUMS[name]}, so it is not "
                f"that file and was deleted; get {name} elsewhere and set {DATA_DIR} to its folder"
            ) from None
        except _Endless as error:
            raise CrnsimError(
                f"{mirror}{name}: {error}; get {name} elsewhere and set {DATA_DIR} to its folder"
            ) from None
        except OSError as error:
            raise CrnsimError(f"{folder}: cannot keep {name} there ({error.strerror or error})") from None
    raise CrnsimError(
        f"cannot download {name} ({problem}); without a network fetch {MIRRORS[0]}{name} elsewhere "
        f"and set {DATA_DIR} to the folder you put it in"
    )


class _Endless(Exception):  # noqa: N818
    """What comes is more than the file, or takes longer than anybody waits."""


def _save(url: str, output: str, _: object) -> None:
    """Save what is at an address; stop where a server sends more than the file, or without end."""
    import requests

    began, size = time.monotonic(), 0
    with requests.get(url, stream=True, timeout=PATIENCE) as response:
        response.raise_for_status()
        with Path(output).open("wb") as file:
            for part in response.iter_content(1 << 16):
                size += len(part)
                if size > LARGEST_DOWNLOAD:
                    raise _Endless(f"more than {LARGEST_DOWNLOAD / 1e6:.3g} MB came, so it is not that file")
                if time.monotonic() - began > LONGEST_DOWNLOAD:
                    raise _Endless(f"not there after {LONGEST_DOWNLOAD:g} s")
                file.write(part)


def _short(error: Exception) -> str:
    """Return what kind of failure it was: the messages of the libraries below run over many lines."""
    response = getattr(error, "response", None)
    if response is not None:
        return f"the server answered {response.status_code}"
    return {"ConnectTimeout": "no answer", "ReadTimeout": "no answer"}.get(
        type(error).__name__, "no connection"
    )
