"""One point of a sweep to one result: train a circuit or give it weights, read it out, measure it. A pure function."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from crnsim.errors import InputError, check_count, check_positive
from crnsim.noise import Noise
from crnsim.point import MAX_STEPS, Point, build_circuit

if TYPE_CHECKING:
    import xarray as xr

    from crnsim.algebraic import Weights
    from crnsim.circuits import Circuit
    from crnsim.datasets import Dataset
    from crnsim.readout import Readout

#: Weights are kept at the start, at the end and about this many times between.
CHECKPOINTS = 20
#: Why a point has no numbers when its worker was killed.
KILLED = "its worker process was killed, most likely for lack of memory"


def run_points(
    points: Sequence[Point],
    *,
    record: Collection[str] = (),
    progress: Callable[[float], None] | None = None,
) -> xr.Dataset:
    """Train (or give weights), read out and measure points that share data set, layers, circuit and activation.

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
    if not points:
        raise InputError("no points to run")
    if len({(point.group, point.noise.scope) for point in points}) > 1:
        return _by_scope(points, record=record, progress=progress)
    circuit = build_circuit(points[0])
    datasets = _load(points)
    if points[0].learns:
        return _train_and_read(circuit, points, datasets, record, progress)
    from crnsim.trained import point_weights

    found = [point_weights(p, circuit, data) for p, data in zip(points, datasets, strict=True)]
    weights, reasons = zip(*found, strict=True)
    return _read_given(circuit, points, datasets, weights, reasons, progress)


_RECORDING = ("recorded", "presentation", "fraction", "species")


def _by_scope(points: Sequence[Point], **options: Any) -> xr.Dataset:
    """Run points of different noise scopes batch by batch: a batch has one table of species to kick."""
    import xarray as xr

    if len({point.group for point in points}) > 1:
        raise InputError(
            "points of one call must share data set, layers, circuit, activation, epochs, learning rate, weights, "
            "tolerances and budget"
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


def killed_points(points: Sequence[Point]) -> xr.Dataset:
    """Return results of points whose worker process was killed: score 0, nothing else known.

    They have the variables, dimensions and types that `run_points` gives, without trajectories, and join with its
    results.

    Parameters
    ----------
    points : sequence of Point
        That share data set, layers, circuit and activation.

    Returns
    -------
    xarray.Dataset
        Status ``worker_killed``; as `run_points`.
    """
    from crnsim.results import assemble, with_training
    from crnsim.schedule import training_protocol
    from crnsim.solvers.protocol import RUN, WORKER_KILLED, new_record

    circuit = build_circuit(points[0])
    datasets = _load(points)
    run = np.zeros(len(points), dtype=RUN)
    run["status"] = WORKER_KILLED
    read = _spread(None, [], run, [KILLED] * len(points), datasets)
    data = assemble(circuit, points, datasets, read, [None] * len(points))
    if not points[0].learns:
        return data
    epochs = checkpoint_epochs(points[0].epochs)
    training = training_protocol(circuit, points[:1], datasets[:1], epochs, [])
    record = new_record(training)
    for_all = {
        name: np.broadcast_to(getattr(record, name), (len(points), *getattr(record, name).shape[1:]))
        for name in ("loss", "checkpoints")
    }
    return with_training(data, circuit, points, datasets, training, record._replace(**for_all), epochs)


def _load(points: Sequence[Point]) -> list[Dataset]:
    """Return the data set of each point; those of one replicate share a split."""
    from crnsim.datasets import load_dataset

    name, source = points[0].dataset, points[0].source
    splits = {(p.replicate, p.seed): None for p in points}
    loaded = {(r, s): load_dataset(name, replicate=r, seed=s, source=source) for r, s in splits}
    return [loaded[p.replicate, p.seed] for p in points]


def checkpoint_epochs(epochs: int) -> np.ndarray:
    """Numbers of epochs after which weights are kept: 0, epochs, and about `CHECKPOINTS` between."""
    return np.unique(np.linspace(0, epochs, min(epochs, CHECKPOINTS) + 1).round().astype(int))


def _train_and_read(
    circuit: Circuit,
    points: Sequence[Point],
    datasets: Sequence[Dataset],
    record: Collection[str],
    progress: Callable[[float], None] | None,
) -> xr.Dataset:
    from crnsim.results import assemble, with_training
    from crnsim.schedule import training_protocol
    from crnsim.solvers import solve
    from crnsim.solvers.protocol import OK

    epochs = checkpoint_epochs(points[0].epochs)
    training = training_protocol(circuit, points, datasets, epochs, record)
    shown = len(datasets[0].x_train) * points[0].epochs
    first, rest = _parts(progress, shown / (shown + len(datasets[0].x_test)))
    trained, reasons = solve(circuit.network, training, progress=first)
    good = np.flatnonzero(trained.run["status"] == OK).tolist()
    held = [circuit.unflatten(circuit.weight_values(state)) for state in trained.final[good]]
    read = _read(
        circuit, [points[i] for i in good], [datasets[i] for i in good], trained.final[good], held, rest
    )
    weights: list[Weights | None] = [None] * len(points)
    for place, member in enumerate(good):
        weights[member] = held[place]
    whole = _spread(read, good, trained.run, reasons, datasets)
    if progress is not None:
        progress(1.0)
    data = assemble(circuit, points, datasets, whole, weights)
    return with_training(data, circuit, points, datasets, training, trained, epochs)


def _read_given(
    circuit: Circuit,
    points: Sequence[Point],
    datasets: Sequence[Dataset],
    weights: Sequence[Weights | None],
    reasons: Sequence[str],
    progress: Callable[[float], None] | None,
) -> xr.Dataset:
    """Read out a circuit that has its weights from elsewhere; a point without weights has failed, for its reason."""
    from crnsim.results import assemble
    from crnsim.solvers.protocol import FAILED, OK, RUN

    held = {i: given for i, given in enumerate(weights) if given is not None}
    good = list(held)
    starts = np.array([circuit.start(given) for given in held.values()])
    read = _read(
        circuit, [points[i] for i in good], [datasets[i] for i in good], starts, list(held.values()), progress
    )
    run = np.zeros(len(points), dtype=RUN)
    run["status"] = [OK if i in held else FAILED for i in range(len(points))]
    why = ["" if i in held else reasons[i] for i in range(len(points))]
    if progress is not None:
        progress(1.0)
    return assemble(circuit, points, datasets, _spread(read, good, run, why, datasets), weights)


def _parts(
    progress: Callable[[float], None] | None, share: float
) -> tuple[Callable[[float], None] | None, Callable[[float], None] | None]:
    """Progress of two parts of a job, the first of which takes `share` of it."""
    if progress is None:
        return None, None
    return lambda done: progress(share * done), lambda done: progress(share + (1 - share) * done)


def _read(
    circuit: Circuit,
    points: Sequence[Point],
    datasets: Sequence[Dataset],
    starts: np.ndarray,
    weights: Sequence[Weights],
    progress: Callable[[float], None] | None,
) -> Readout | None:
    from crnsim.readout import read_out
    from crnsim.schedule import ReadoutTables

    if not points:
        return None
    tables = ReadoutTables(circuit, points, datasets, starts, weights)
    nominal = [circuit.network.rate_constants(circuit.rate_overrides(held)) for held in weights]
    return read_out(circuit, tables, smoothing=nominal, progress=progress)


def _spread(
    read: Readout | None,
    good: Sequence[int],
    run: np.ndarray,
    reasons: list[str],
    datasets: Sequence[Dataset],
) -> Readout:
    """Bring the read-out of the points that came so far (`good`) together with how the others ended (`run`)."""
    from crnsim.readout import Readout

    outputs = np.full((len(datasets), *datasets[0].y_test.shape), np.nan)
    h_eff = np.full(len(datasets), np.nan)
    counts = {name: run[name].copy() for name in ("steps", "rejected", "evaluations")}
    status, why = run["status"].copy(), list(reasons)
    if read is not None:
        outputs[good], h_eff[good], status[good] = read.outputs, read.h_eff, read.status
        for name, column in counts.items():
            column[good] += read.counts[name]
        for place, member in enumerate(good):
            why[member] = read.reasons[place]
    outputs[status != 0] = np.nan
    return Readout(outputs, h_eff, counts, status, why)


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
    _check_training(running_time, epochs, replicates, rtol=rtol, atol=atol, max_steps=max_steps)
    if circuit.targets is None:
        raise InputError(f"{circuit.name} does not learn; train a onepot circuit")
    first = _first_point(circuit, dataset, running_time, epochs, noise, seed, rtol, atol, max_steps)
    points, datasets = _replicates(circuit, dataset, first, replicates)
    return _train_and_read(circuit, points, datasets, [first.key] if record else [], progress)


def infer(
    circuit: Circuit,
    dataset: str | Dataset,
    *,
    running_time: float,
    weights: Any = None,
    noise: Noise | None = None,
    replicates: int = 1,
    seed: int = 0,
    rtol: float = 1e-3,
    atol: float = 1e-6,
    max_steps: int = MAX_STEPS,
    progress: Callable[[float], None] | None = None,
) -> xr.Dataset:
    """Show the test samples to a circuit with given weights; nothing is trained.

    Parameters
    ----------
    circuit : Circuit
        Such as ``crnsim.feedforward(weights)``, or a pot, whose learning stays off.
    dataset : str or Dataset
    running_time : float
        For which each sample is shown, in units of 1/k.
    weights : list of (W, b), optional
        Those of a feedforward circuit where left out.
    noise : Noise, optional
        None by default.
    replicates, seed : int
        Replicates have their own noise.
    rtol, atol, max_steps, progress
        As for `train`.

    Returns
    -------
    xarray.Dataset
        As `run_points`, without what training leaves. ``agreement`` compares with the algebraic network.

    Raises
    ------
    InputError
        If layers, weights and data set do not fit, or an argument is out of range.
    """
    from crnsim.circuits.weights import check_weights

    _check_training(running_time, 1, replicates, rtol=rtol, atol=atol, max_steps=max_steps)
    given = getattr(circuit, "given", None) if weights is None else weights
    if given is None:
        raise InputError(f"{circuit.name} needs weights: give [(W1, b1), (W2, b2), ...]")
    held = check_weights(given)
    found = (held[0][0].shape[1], *(len(b) for _, b in held))
    if found != circuit.layers:
        raise InputError(f"weights are of layers {found}; the circuit has {circuit.layers}")
    digest = hashlib.sha256(b"".join(np.ascontiguousarray(part).tobytes() for pair in held for part in pair))
    first = _first_point(circuit, dataset, running_time, 1, noise, seed, rtol, atol, max_steps)
    first = replace(first, weights=(("sha256", digest.hexdigest()),))
    points, datasets = _replicates(circuit, dataset, first, replicates)
    return _read_given(circuit, points, datasets, [held] * replicates, [""] * replicates, progress)


def _replicates(
    circuit: Circuit, dataset: str | Dataset, first: Point, replicates: int
) -> tuple[list[Point], list[Dataset]]:
    """Points of all replicates, each with its data: a split of its own where the data set is named."""
    from crnsim.datasets import load_dataset

    points = [replace(first, replicate=replicate) for replicate in range(replicates)]
    if isinstance(dataset, str):
        datasets = [load_dataset(dataset, replicate=p.replicate, seed=p.seed) for p in points]
    else:
        datasets = [dataset] * replicates
    _check_fit(circuit, datasets[0])
    return points, datasets


def _first_point(
    circuit: Circuit,
    dataset: str | Dataset,
    running_time: float,
    epochs: int,
    noise: Noise | None,
    seed: int,
    rtol: float,
    atol: float,
    max_steps: int,
) -> Point:
    return Point(
        dataset=dataset if isinstance(dataset, str) else dataset.name,
        layers=circuit.layers,
        circuit=circuit.name,
        circuit_parameters=tuple(sorted(circuit.parameters.items())),
        activation=circuit.activation.reference,
        activation_parameters=tuple(sorted(circuit.activation.parameters().items())),
        running_time=float(running_time),
        epochs=int(epochs),
        learning_rate=circuit.parameters.get("eps", 0.0) * float(running_time),
        noise=noise or Noise(),
        replicate=0,
        seed=int(seed),
        rtol=float(rtol),
        atol=float(atol),
        max_steps=int(max_steps),
    )


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
