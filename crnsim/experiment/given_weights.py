"""Weights that are given to a circuit which does not learn: from gradient descent, or from a file."""

from __future__ import annotations

import hashlib
import math
import re
import struct
import zipfile
import zlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from crnsim.algebraic import Weights, initial_weights, sample_order, sgd
from crnsim.entrance.arguments import shown
from crnsim.entrance.files import NotThereError, read_bytes
from crnsim.entrance.limits import LARGEST_RATE, LARGEST_TABLE, MOST_LAYERS
from crnsim.errors import MOST_KNOWN, DamagedFileError, InputError

if TYPE_CHECKING:
    import xarray as xr

    from crnsim.circuits import Circuit
    from crnsim.datasets import Dataset
    from crnsim.experiment.point import Parameters, Point

#: Weights from ordinary gradient descent on the algebraic network, as every replicate has its own.
SGD = "sgd"
#: A weight beyond it says that gradient descent has diverged.
LARGEST = 1e6


def weights_source(text: str) -> Parameters:
    """Return what identifies weights: the method, or the file and its content.

    Parameters
    ----------
    text : str
        ``"sgd"``, or a file: NetCDF as from ``crnsim train -o``, or NumPy's ``.npz`` with arrays W1, b1, W2, b2, ...

    Raises
    ------
    InputError
        For a file that is not there or holds no weights.
    """
    if text == SGD:
        return (("by", SGD),)
    digest = file_hash(text)
    if is_npz(text):
        _read(text, digest, 0)
    else:
        _result(text, digest)
    return (("file", text), ("sha256", digest))


def trained_unit(source: Parameters) -> tuple[str, dict[str, Any], dict[str, Any]] | None:
    """Return activation, its parameters and those of the output that weights were trained with; None where nobody says.

    Raises
    ------
    InputError
        The file says something that no circuit can be built with.
    """
    from crnsim.activations import activation
    from crnsim.circuits.weights import check_trained
    from crnsim.circuits.weights import trained_unit as unit_of

    about = dict(source)
    file = about.get("file", "")
    if not file or is_npz(file):
        return None
    result = _result(file, about["sha256"])
    try:
        check_trained(result)
    except InputError as error:
        raise InputError(f"{file}: {error}") from None
    try:
        name, of_unit, of_output = unit_of(result)
        activation(name, **of_unit)
    except InputError as error:
        advice = "; give --activation, and its parameters, to run another"
        raise InputError(f"{file}: {str(error).partition('; name it too')[0]}{advice}") from None
    return name, of_unit, of_output


def file_hash(file: str) -> str:
    """Return the SHA-256 of a file of weights."""
    try:
        return hashlib.sha256(read_bytes(file, LARGEST_TABLE)).hexdigest()
    except NotThereError as error:
        raise InputError(f"{error}; give '{SGD}', or a file from 'crnsim train -o'") from None


def is_npz(file: str) -> bool:
    """Tell whether a file of weights is NumPy's ``.npz``."""
    return bool(file) and file != SGD and zipfile.is_zipfile(file)


def point_weights(point: Point, circuit: Circuit, data: Dataset) -> tuple[Weights | None, str]:
    """Return the weights that a point computes with.

    Parameters
    ----------
    point : Point
        With `weights`; gradient descent takes its epochs, learning rate, replicate and seed.
    circuit : Circuit
        Whose activations the algebraic network has.
    data : Dataset
        Split of the point's replicate.

    Returns
    -------
    weights : list of (W, b) or None
        None where training diverged.
    reason : str
        Why there are none.

    Raises
    ------
    InputError
        If the file has changed, or its weights do not fit.
    """
    about = dict(point.weights)
    if about.get("by") == SGD:
        return _descent(
            _Job(point, circuit, data)
        ), "gradient descent diverged: its learning rate is too large"
    if file_hash(about["file"]) != about["sha256"]:
        raise InputError(f"{about['file']}: changed since the sweep was planned; plan it again")
    check_fit(about["file"], about["sha256"], point.dataset, point.layers, point.replicate, point.seed)
    return _read(about["file"], about["sha256"], point.replicate), f"{about['file']}: not trained to the end"


def check_fit(
    file: str, digest: str, dataset: str, layers: tuple[int, ...], replicate: int, seed: int
) -> None:
    """Refuse a file whose weights are of other layers, or were trained on other samples than the replicate's.

    A result of `crnsim.train` says what it was trained on. An ``.npz`` does not: its weights go to every replicate, and
    whoever made them must know that they were trained on none of the test samples.

    Raises
    ------
    InputError
    """
    weights, attrs = _read(file, digest, replicate), _attributes(file, digest)
    for name, wanted in (("dataset", dataset), ("seed", seed)):
        if attrs.get(name, wanted) != wanted:
            raise InputError(f"{file}: trained with {name} {attrs[name]}; {name} {wanted} is asked for")
    found = (weights[0][0].shape[1], *(len(b) for _, b in weights)) if weights else layers
    if found != tuple(layers):
        shapes = ["-".join(map(str, sizes)) for sizes in (found, layers)]
        raise InputError(f"{file}: its weights are of layers {shapes[0]}; layers {shapes[1]} are asked for")


class _Job:
    """A descent, known by what determines its outcome."""

    def __init__(self, point: Point, circuit: Circuit, data: Dataset) -> None:
        self.point, self.circuit, self.data = point, circuit, data
        self.key = (
            *(point.dataset, point.source, point.layers, circuit.activation, circuit.output_unit),
            *(point.epochs, point.learning_rate, point.replicate, point.seed),
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Job) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


@lru_cache(maxsize=256)
def _descent(job: _Job) -> Weights | None:
    point, circuit = job.point, job.circuit
    about: dict[str, Any] = {"seed": point.seed, "dataset": point.dataset, "replicate": point.replicate}
    with np.errstate(all="ignore"):
        weights = sgd(
            initial_weights(point.layers, **about),
            circuit.activation,
            job.data,
            order=sample_order(len(job.data.x_train), point.epochs, **about),
            learning_rate=point.learning_rate,
            output=circuit.output_unit,
        )
    return weights if all(np.all(np.abs(part) < LARGEST) for pair in weights for part in pair) else None


@lru_cache(maxsize=256)
def _read(file: str, digest: str, replicate: int) -> Weights | None:
    """Read the weights of a replicate; those of an ``.npz`` are the same for all."""
    from crnsim.circuits.weights import check_weights, last_weights

    try:
        weights = (
            check_weights(_npz(file)) if is_npz(file) else last_weights(_result(file, digest), replicate)
        )
    except InputError as error:
        raise InputError(f"{file}: {str(error).removeprefix(f'{file}: ')}") from None
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise InputError(f"{file}: not a result of crnsim.train: its {error} cannot be understood") from None
    if any(np.abs(part).max() > LARGEST_RATE for pair in weights or [] for part in pair):
        raise InputError(f"{file}: a weight is beyond {LARGEST_RATE:g}; it is to be a concentration")
    return weights


@lru_cache(maxsize=4)
def _result(file: str, digest: str) -> xr.Dataset:
    from crnsim.store.files import read_dataset

    try:
        return read_dataset(file)
    except DamagedFileError as error:
        # It may be a good file of another kind: nobody is told to delete it.
        raise InputError(
            f"{file}: {error.what}; give a result of 'crnsim train -o', or an .npz with arrays W1, b1, W2, b2, ..."
        ) from None


def _attributes(file: str, digest: str) -> dict[str, Any]:
    """What a file says of the training: data set and seed."""
    if is_npz(file):
        return {}
    result = _result(file, digest)
    try:
        seeds = {int(s) for s in np.ravel(result["seed"].values)} if "seed" in result.variables else set()
    except (ValueError, TypeError, OverflowError):
        raise InputError(f"{file}: not a result of crnsim.train: its seed is no whole number") from None
    known = {"seed": seeds.pop()} if len(seeds) == 1 else {}
    return known | ({"dataset": str(result.attrs["dataset"])} if "dataset" in result.attrs else {})


def _npz(file: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """Read W1, b1, W2, b2, ... in turn."""
    try:
        with zipfile.ZipFile(file) as archive:
            if (size := sum(entry.file_size for entry in archive.infolist())) > LARGEST_TABLE:
                raise ValueError(
                    f"they unpack to {size / 1e6:.4g} MB; at most {LARGEST_TABLE / 1e6:.4g} MB are read"
                )
            there = _entries(archive.namelist())
            arrays = [_array(archive, entry) for entry in there.values()]
    except InputError:
        raise
    except (
        *(KeyError, ValueError, TypeError, OSError, EOFError, RuntimeError, NotImplementedError),
        *(SyntaxError, MemoryError, RecursionError, zipfile.BadZipFile, zlib.error, struct.error),
    ) as error:
        raise InputError(f"arrays W1, b1, W2, b2, ... are needed ({error})") from None
    return list(zip(arrays[::2], arrays[1::2], strict=True))


def _entries(names: list[str]) -> dict[str, str]:
    """Return the names in an archive by those of the arrays: W1, b1, W2, b2, ... in this order.

    Raises
    ------
    InputError
        One is missing, there twice, or another.
    """
    there: dict[str, str] = {}
    for name in names:
        if (array := name.removesuffix(".npy")) in there:
            raise InputError(f"it has two arrays called {shown(array)}; keep one of them")
        there[array] = name
    count = max(1, min(MOST_LAYERS, sum(re.fullmatch(r"W[1-9]\d*", name) is not None for name in there)))
    wanted = [f"{letter}{number}" for number in range(1, count + 1) for letter in "Wb"]
    listed = "" if len(there) > MOST_KNOWN else f"; it has {', '.join(map(shown, there)) or 'none'}"
    for name in wanted:
        if name not in there:
            raise InputError(f"arrays W1, b1, W2, b2, ... are needed, and {name} is missing{listed}")
    if other := [name for name in there if name not in wanted]:
        raise InputError(
            f"arrays W1, b1, W2, b2, ... are read, {MOST_LAYERS} layers at most, and it has {shown(other[0])} too; "
            "take it out"
        )
    return {name: there[name] for name in wanted}


def _array(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    """Read one array of real numbers; what its header promises must be there, before room is made for it."""
    entry = archive.getinfo(name)
    with archive.open(entry) as file:
        version = np.lib.format.read_magic(file)
        header = (
            np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        )
        shape, _, dtype = header(file)
        if any(length < 0 for length in shape):
            raise ValueError(f"{name} has the shape {shape}")
        if dtype.kind not in "fiu":
            raise ValueError(f"{name} holds {dtype}, and no real numbers")
        if math.prod(shape) * dtype.itemsize > entry.file_size:
            raise ValueError(f"{name} is cut short: its shape is {shape}, in {entry.file_size} bytes")
    with archive.open(entry) as file:
        found = np.lib.format.read_array(file, allow_pickle=False)
    return np.asarray(found)
