"""One point of a sweep to one result: train a circuit, read it out chemically, measure it. A pure function."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from crnsim import __version__
from crnsim.errors import InputError, check_count, check_positive
from crnsim.noise import Noise

if TYPE_CHECKING:
    import xarray as xr

    from crnsim.circuits import Circuit
    from crnsim.datasets import Dataset
    from crnsim.solvers.protocol import Record

SCHEMA = "1"
#: Average number of steps that a run may spend on a presentation.
MAX_STEPS = 50_000
#: Weights are kept at the start, at the end and about this many times between.
CHECKPOINTS = 20

Parameters = tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class Point:
    """Everything that determines the numbers of one run.

    Parameters
    ----------
    dataset : str
        Name of a data set, or label of one from a CSV file.
    layers : tuple of int
    circuit : str
        Such as ``"onepot"``.
    circuit_parameters, activation_parameters : tuple of (str, value)
        Sorted by name.
    activation : str
    running_time : float
        Duration of a presentation, in units of 1/k.
    epochs : int
    learning_rate : float
        eps times running time: the size of one step of gradient descent.
    noise : Noise
    replicate, seed : int
    rtol, atol : float
    max_steps : int
        Budget: average steps per presentation.
    source : tuple of (str, value)
        File, content hash, target and task of a CSV data set, sorted by name; empty for the others.
    """

    dataset: str
    layers: tuple[int, ...]
    circuit: str
    circuit_parameters: Parameters
    activation: str
    activation_parameters: Parameters
    running_time: float
    epochs: int
    learning_rate: float
    noise: Noise
    replicate: int
    seed: int
    rtol: float = 1e-3
    atol: float = 1e-6
    max_steps: int = MAX_STEPS
    source: Parameters = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON and for workers."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Point:
        """Inverse of `to_dict`, also after a round trip through JSON."""
        fields = dict(values)
        for name in ("circuit_parameters", "activation_parameters", "source"):
            fields[name] = tuple((key, value) for key, value in fields.get(name, ()))
        return cls(**fields | {"layers": tuple(fields["layers"]), "noise": Noise(**fields["noise"])})

    @cached_property
    def key(self) -> str:
        """Content hash of everything that determines the numbers, 32 hexadecimal characters."""
        # A file is known by its content: moving it changes no number.
        source = [pair for pair in self.source if pair[0] != "file"]
        values = self.to_dict() | {"noise": self.noise.settings(), "source": source}
        text = json.dumps(values, sort_keys=True, separators=(",", ":"))
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    @property
    def group(self) -> tuple[Any, ...]:
        """Points of one group share a compiled network, a training set size and tolerances."""
        return (
            *(self.dataset, self.source, self.layers, self.circuit, self.circuit_parameters),
            *(self.activation, self.activation_parameters, self.epochs, self.learning_rate),
            *(self.rtol, self.atol, self.max_steps),
        )


@lru_cache(maxsize=1)
def code_hash() -> str:
    """Hash of the library files that influence numbers, 16 hexadecimal characters."""
    root = Path(__file__).parent
    names = [
        "families.py",
        "network.py",
        "noise.py",
        "streams.py",
        "algebraic.py",
        "schedule.py",
        "experiment.py",
    ]
    for folder in ("activations", "circuits", "datasets", "kinetics", "solvers"):
        names += sorted(str(path.relative_to(root)) for path in (root / folder).glob("*.py"))
    digest = hashlib.sha256()
    for name in names:
        digest.update(name.encode() + b"\0" + (root / name).read_bytes() + b"\0")
    return digest.hexdigest()[:16]


@lru_cache(maxsize=64)
def _build(
    circuit: str,
    layers: tuple[int, ...],
    activation: str,
    dual_rail: bool,
    parameters: Parameters,
    unit_parameters: Parameters,
) -> Circuit:
    from crnsim.activations import activation as make_activation
    from crnsim.circuits import CIRCUITS

    unit = make_activation(activation, **dict(unit_parameters))
    return CIRCUITS[circuit](layers, unit, dual_rail=dual_rail, **dict(parameters))


def build_circuit(point: Point) -> Circuit:
    """Build the circuit of a point.

    Raises
    ------
    InputError
        If the layers do not fit the data set, or a name or parameter is unknown.
    """
    from crnsim.datasets import check_layers, dataset_info

    check_layers(point.dataset, point.layers, point.source)
    return _build(
        point.circuit,
        point.layers,
        point.activation,
        dataset_info(point.dataset, point.source).dual_rail,
        point.circuit_parameters,
        point.activation_parameters,
    )


def estimate_seconds(point: Point) -> float:
    """Estimate the core seconds of one run from the size of its network and its running time.

    The constants were measured with ``benchmarks/cost.py``; they feed estimates and nothing else.
    """
    from crnsim.datasets import dataset_info

    circuit = build_circuit(point)
    network = circuit.network
    step = SECONDS_PER_STEP + SECONDS_PER_REACTION * network.n_reactions
    cost = (STEPS_PER_PRESENTATION + STEPS_PER_TIME * point.running_time) * step
    if point.noise.concentrations > 0:
        kicks = 1 + point.running_time / point.noise.interval
        cost = STEPS_PER_KICK * kicks * step
    if circuit.activation.needs_rails:
        cost *= SWITCHING
    return dataset_info(point.dataset, point.source).n_train * point.epochs * cost


#: Core seconds of one step of one run in a full batch, and what each reaction adds.
SECONDS_PER_STEP, SECONDS_PER_REACTION = 1.5e-7, 1.4e-9
#: Steps that the transient after a new sample takes, and those that a unit of time adds.
STEPS_PER_PRESENTATION, STEPS_PER_TIME = 75.0, 0.7
#: The same for the transient after a kick, counted in steps of an undisturbed run.
STEPS_PER_KICK = 24.0
#: What the fast switches of rail-annihilating units cost.
SWITCHING = 1.6


def run_points(
    points: Sequence[Point],
    *,
    record: Collection[str] = (),
    progress: Callable[[float], None] | None = None,
) -> xr.Dataset:
    """Train, read out and measure points that share data set, layers, circuit and activation.

    A point's numbers do not depend on the points beside it.

    Parameters
    ----------
    points : sequence of Point
    record : collection of str
        Keys of the points whose full trajectories are kept.
    progress : callable, optional
        Called with the share of the work done.

    Returns
    -------
    xarray.Dataset
        Dimension ``point`` in the order asked; described in ``docs/file-format.md``.
    """
    from crnsim.datasets import load_dataset

    if not points:
        raise InputError("no points to run")
    if len({(point.group, point.noise.scope) for point in points}) > 1:
        return _by_scope(points, record=record, progress=progress)
    circuit = build_circuit(points[0])
    splits = {(p.replicate, p.seed): None for p in points}
    name, source = points[0].dataset, points[0].source
    loaded = {(r, s): load_dataset(name, replicate=r, seed=s, source=source) for r, s in splits}
    datasets = [loaded[p.replicate, p.seed] for p in points]
    return _run(circuit, points, datasets, record, progress)


_RECORDING = ("recorded", "presentation", "fraction", "species")


def _by_scope(points: Sequence[Point], **options: Any) -> xr.Dataset:
    """Run points of different noise scopes batch by batch: a batch has one table of species to kick."""
    import xarray as xr

    if len({point.group for point in points}) > 1:
        raise InputError(
            "points of one call must share data set, layers, circuit, activation, epochs, learning rate, tolerances "
            "and budget"
        )
    scopes = dict.fromkeys(point.noise.scope for point in points)
    parts = [run_points([p for p in points if p.noise.scope == scope], **options) for scope in scopes]
    kept = [part[["trajectory"]] for part in parts if "trajectory" in part]
    plain = [part.drop_dims(_RECORDING, errors="ignore") for part in parts]
    whole = xr.concat(plain, dim="point", data_vars="minimal", coords="minimal")
    if kept:
        whole = whole.merge(xr.concat(kept, dim="recorded"), combine_attrs="override")
    place = {key: i for i, key in enumerate(whole["point_key"].values.tolist())}
    return whole.isel(point=[place[point.key] for point in points])


def checkpoint_epochs(epochs: int) -> np.ndarray:
    """Numbers of epochs after which weights are kept: 0, epochs, and about `CHECKPOINTS` between."""
    return np.unique(np.linspace(0, epochs, min(epochs, CHECKPOINTS) + 1).round().astype(int))


def _run(
    circuit: Circuit,
    points: Sequence[Point],
    datasets: Sequence[Dataset],
    record: Collection[str],
    progress: Callable[[float], None] | None,
) -> xr.Dataset:
    from crnsim.schedule import readout_protocol, training_protocol
    from crnsim.solvers import solve
    from crnsim.solvers.protocol import OK

    epochs = checkpoint_epochs(points[0].epochs)
    training = training_protocol(circuit, points, datasets, epochs, record)
    trained, reasons = solve(circuit.network, training, progress=progress)
    good = np.flatnonzero(trained.run["status"] == OK).tolist()
    n_test = len(datasets[0].x_test)
    states = np.full((len(points), n_test, circuit.network.n_species), np.nan)
    if len(good):
        readout = readout_protocol(
            circuit, [points[i] for i in good], [datasets[i] for i in good], trained.final[good]
        )
        shown, readout_reasons = solve(circuit.network, readout)
        states[good] = shown.final.reshape(len(good), n_test, -1)
        for place, member in enumerate(good):
            block = slice(place * n_test, (place + 1) * n_test)
            for name in ("steps", "rejected", "evaluations"):
                trained.run[name][member] += shown.run[name][block].sum()
            failed = np.flatnonzero(shown.run["status"][block] != OK)
            if len(failed):
                trained.run["status"][member] = shown.run["status"][block][failed[0]]
                reasons[member] = f"read-out: {readout_reasons[block.start + failed[0]]}"
                states[member] = np.nan
    if progress is not None:
        progress(1.0)
    return _assemble(circuit, points, datasets, training, trained, reasons, states, epochs)


def _metrics(dataset: Dataset, outputs: np.ndarray, targets: np.ndarray) -> dict[str, float]:
    mse = float(np.mean((outputs - targets) ** 2))
    classify = dataset.task == "classification"
    spread = float(np.std(targets))
    return {
        "score": dataset.score(outputs, targets),
        "accuracy": dataset.accuracy(outputs, targets) if classify else math.nan,
        "mse": mse,
        "nrmse": math.nan if classify or not spread else math.sqrt(mse) / spread,
    }


def _measure(
    circuit: Circuit,
    datasets: Sequence[Dataset],
    trained: Record,
    states: np.ndarray,
    weights: np.ndarray,
) -> dict[str, np.ndarray]:
    """Metrics of every point, chemical and algebraic, and the algebraic test score at every checkpoint."""
    from crnsim.algebraic import forward
    from crnsim.solvers.protocol import OK

    names = ("score", "accuracy", "mse", "nrmse")
    columns = {name: np.full(len(states), np.nan) for name in names}
    columns |= {f"algebraic_{name}": np.full(len(states), np.nan) for name in names} | {
        "h_eff": np.full(len(states), np.nan)
    }
    curve = np.full(weights.shape[:2], np.nan)
    plus, minus = circuit.rail_rows(circuit.outputs)
    for i, data in enumerate(datasets):
        for c in range(weights.shape[1]):
            if np.all(np.isfinite(weights[i, c])):
                predicted = forward(
                    circuit.unflatten(weights[i, c]), data.x_test, circuit.activation, circuit.output_unit
                )
                curve[i, c] = data.score(predicted, data.y_test)
        columns["score"][i] = 0.0
        if trained.run["status"][i] != OK:
            continue
        outputs = states[i][:, plus] - np.where(minus >= 0, states[i][:, minus], 0.0)
        for name, value in _metrics(data, outputs, data.y_test).items():
            columns[name][i] = value
        final = circuit.unflatten(circuit.weight_values(trained.final[i]))
        algebraic = forward(final, data.x_test, circuit.activation, circuit.output_unit)
        for name, value in _metrics(data, algebraic, data.y_test).items():
            columns[f"algebraic_{name}"][i] = value
        if circuit.hidden:
            columns["h_eff"][i] = float(np.median(circuit.effective_smoothing(states[i])))
    return columns | {"test_score": curve}


_FLAGS = "ok diverged step_limit worker_killed failed"


def _assemble(
    circuit: Circuit,
    points: Sequence[Point],
    datasets: Sequence[Dataset],
    training: Any,
    trained: Record,
    reasons: list[str],
    states: np.ndarray,
    epochs: np.ndarray,
) -> xr.Dataset:
    import xarray as xr

    plus, minus = circuit.rail_rows(circuit.outputs)
    weights = circuit.weight_values(trained.checkpoints)
    columns = _measure(circuit, datasets, trained, states, weights)
    curve = columns.pop("test_score")
    with np.errstate(invalid="ignore"):
        outputs = states[:, :, plus] - np.where(minus >= 0, states[:, :, minus], 0.0)
    flags = {"flag_values": np.arange(5, dtype=np.int8), "flag_meanings": _FLAGS}
    per_point: dict[str, Any] = {name: ("point", value) for name, value in columns.items()}
    per_point |= {n: ("point", trained.run[n]) for n in ("steps", "rejected", "evaluations")}
    data = xr.Dataset(
        {
            "status": ("point", trained.run["status"].astype(np.int8), flags),
            "reason": ("point", np.array(reasons, dtype=object)),
            **per_point,
            "train_loss": (("point", "epoch"), trained.loss.astype(np.float32)),
            "weights": (("point", "checkpoint", "weight"), weights),
            "test_score": (("point", "checkpoint"), curve.astype(np.float32)),
            "output": (("point", "sample", "target"), outputs.astype(np.float32)),
            "expected": (
                ("point", "sample", "target"),
                np.array([d.y_test for d in datasets]).astype(np.float32),
            ),
        },
        coords=point_coordinates(points)
        | {
            "epoch": np.arange(1, points[0].epochs + 1, dtype=np.int32),
            "checkpoint": epochs.astype(np.int32),
            "weight": circuit.weight_labels,
            "sample": np.arange(states.shape[1], dtype=np.int32),
            "target": list(datasets[0].target_names),
        },
        attrs=_attributes(circuit, points[0]),
    )
    for name, (units, title) in _UNITS.items():
        data[name].attrs |= {"units": units, "long_name": title}
    if len(trained.trajectory):
        data = data.merge(_trajectories(circuit, points, training, trained), combine_attrs="override")
    return data


_UNITS = {
    "running_time": ("1/k", "duration of one presentation"),
    "score": ("1", "score of the chemical read-out on the test set, 0 for a run that is not ok"),
    "train_loss": ("1", "half the squared error at the end of each presentation, mean over an epoch"),
    "h_eff": ("1", "effective smoothing of the activation, median over units and test samples"),
    "weights": ("1", "signed weights, plus rail minus minus rail"),
    "test_score": ("1", "score of the algebraic network with the weights of a checkpoint"),
    "output": ("1", "chemical read-out of the test samples"),
}


def point_coordinates(points: Sequence[Point]) -> dict[str, Any]:
    """Coordinates along ``point``."""
    columns: dict[str, Any] = {
        "point_key": np.array([p.key for p in points], dtype=object),
        "running_time": np.array([p.running_time for p in points], dtype=float),
        "noise_kind": np.array([p.noise.kind for p in points], dtype=object),
        "noise_rates": np.array([p.noise.rates for p in points]),
        "noise_concentrations": np.array([p.noise.concentrations for p in points]),
        "noise_inputs": np.array([p.noise.inputs for p in points]),
        "replicate": np.array([p.replicate for p in points], dtype=np.int32),
        "seed": np.array([p.seed for p in points], dtype=np.int64),
    }
    return {name: ("point", values) for name, values in columns.items()}


def _attributes(circuit: Circuit, point: Point) -> dict[str, Any]:
    # A pot learns with eps = learning_rate / running_time, whatever the circuit was built with.
    of_circuit = {name: value for name, value in circuit.parameters.items() if name != "eps"}
    of_unit = circuit.activation.parameters()
    return {
        "schema": SCHEMA,
        "dataset": point.dataset,
        "layers": json.dumps(list(point.layers)),
        "circuit": point.circuit,
        "activation": point.activation,
        "parameters": json.dumps(of_circuit | of_unit, sort_keys=True),
        "circuit_parameters": json.dumps(of_circuit, sort_keys=True),
        "activation_parameters": json.dumps(of_unit, sort_keys=True),
        "learning_rate": point.learning_rate,
        "epochs": point.epochs,
        "rtol": point.rtol,
        "atol": point.atol,
        "max_steps": point.max_steps,
        "code_version": __version__,
        "code_hash": code_hash(),
    }


def _trajectories(circuit: Circuit, points: Sequence[Point], training: Any, trained: Record) -> xr.Dataset:
    import xarray as xr

    keys = [
        point.key for point, slot in zip(points, training.member["record_slot"], strict=True) if slot >= 0
    ]
    return xr.Dataset(
        {
            "trajectory": (
                ("recorded", "presentation", "fraction", "species"),
                trained.trajectory.astype(np.float32),
                {"units": "1", "long_name": "concentration"},
            )
        },
        coords={
            "recorded": keys,
            "presentation": training.record_presentations.astype(np.int32),
            "fraction": ("fraction", training.grid, {"long_name": "time as a fraction of the running time"}),
            "species": circuit.network.labels,
        },
    )


def train(
    circuit: Circuit,
    dataset: str | Dataset,
    *,
    running_time: float,
    epochs: int,
    noise: Noise | None = None,
    replicates: int = 1,
    seed: int = 0,
    rtol: float = 1e-3,
    atol: float = 1e-6,
    max_steps: int = MAX_STEPS,
    record: bool = False,
    progress: Callable[[float], None] | None = None,
) -> xr.Dataset:
    """Train replicates of a circuit on a data set and read them out.

    Parameters
    ----------
    circuit : Circuit
        Such as ``crnsim.onepot((2, 6, 1))``; it learns with its own ``eps``.
    dataset : str or Dataset
        A name gives each replicate its own train/test split.
    running_time : float
        Duration of one presentation, in units of 1/k.
    epochs : int
        Times that the training set is shown.
    noise : Noise, optional
        None by default.
    replicates, seed : int
        Replicates have their own initial weights, sample orders and noise.
    rtol, atol : float
        Tolerances of the integration.
    max_steps : int
        Budget: average steps per presentation.
    record : bool
        Keep trajectories of the first replicate.
    progress : callable, optional
        Called with the share of the work done.

    Returns
    -------
    xarray.Dataset
        As `run_points`.

    Raises
    ------
    InputError
        If layers and data set do not fit, or an argument is out of range.
    """
    from crnsim.datasets import load_dataset

    _check_training(running_time, epochs, replicates, rtol=rtol, atol=atol, max_steps=max_steps)
    if circuit.targets is None:
        raise InputError(f"{circuit.name} does not learn; train a onepot circuit")
    name = dataset if isinstance(dataset, str) else dataset.name
    first = Point(
        dataset=name,
        layers=circuit.layers,
        circuit=circuit.name,
        circuit_parameters=tuple(sorted(circuit.parameters.items())),
        activation=circuit.activation.reference,
        activation_parameters=tuple(sorted(circuit.activation.parameters().items())),
        running_time=float(running_time),
        epochs=int(epochs),
        learning_rate=circuit.parameters["eps"] * float(running_time),
        noise=noise or Noise(),
        replicate=0,
        seed=int(seed),
        rtol=float(rtol),
        atol=float(atol),
        max_steps=int(max_steps),
    )
    points = [replace(first, replicate=replicate) for replicate in range(replicates)]
    if isinstance(dataset, str):
        datasets = [load_dataset(dataset, replicate=p.replicate, seed=p.seed) for p in points]
    else:
        datasets = [dataset] * replicates
    _check_fit(circuit, datasets[0])
    return _run(circuit, points, datasets, [first.key] if record else [], progress)


def _check_training(
    running_time: float, epochs: int, replicates: int, *, rtol: float, atol: float, max_steps: int
) -> None:
    for name, value in (("running_time", running_time), ("rtol", rtol), ("atol", atol)):
        check_positive(name, value)
    for name, value in (("epochs", epochs), ("replicates", replicates), ("max_steps", max_steps)):
        check_count(name, value)


def _check_fit(circuit: Circuit, dataset: Dataset) -> None:
    wanted = (dataset.x_train.shape[1], dataset.y_train.shape[1])
    if (circuit.layers[0], circuit.layers[-1]) != wanted:
        raise InputError(
            f"layers {circuit.layers} do not fit {dataset.name}: "
            f"it has {wanted[0]} features and {wanted[1]} targets"
        )
    if dataset.dual_rail and circuit.inputs[1] is None:
        raise InputError(f"{dataset.name} has negative features: build the circuit with dual_rail=True")
