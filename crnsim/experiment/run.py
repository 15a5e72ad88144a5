"""Points of a sweep to one result: train a circuit or give it weights, read it out, measure it. A pure function."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from crnsim.circuits.circuit import OBSERVATION
from crnsim.errors import InputError
from crnsim.experiment.build import build_circuit
from crnsim.experiment.kept import CHECKPOINTS
from crnsim.experiment.point import Point
from crnsim.noise.noise import batches
from crnsim.outcomes import COUNTS, OK

if TYPE_CHECKING:
    import xarray as xr

    from crnsim.algebraic import Weights
    from crnsim.circuits import Circuit
    from crnsim.datasets import Dataset
    from crnsim.experiment.readout import Readout


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
    if len({point.group for point in points}) > 1:
        raise InputError(
            "points of one call must share data set, layers, circuit, activation, epochs, learning rate, weights, "
            "tolerances, method and budget"
        )
    if points[0].mode == OBSERVATION:
        from crnsim.experiment.observe import observe_points

        return observe_points(points, record=record, progress=progress)
    if any(numbers := batches([point.noise for point in points])):
        return _in_batches(points, numbers, record=record, progress=progress)
    circuit = build_circuit(points[0])
    datasets = _load(points)
    if points[0].learns:
        return _train_and_read(circuit, points, datasets, record, progress)
    from crnsim.experiment.given_weights import point_weights

    found = [point_weights(p, circuit, data) for p, data in zip(points, datasets, strict=True)]
    weights, reasons = zip(*found, strict=True)
    return _read_given(circuit, points, datasets, weights, reasons, progress)


def _in_batches(points: Sequence[Point], numbers: Sequence[int], **options: Any) -> xr.Dataset:
    """Run points whose noise asks for different tables batch by batch, and put them back in order."""
    from crnsim.store.points import join, pick

    parts = [
        run_points([p for p, n in zip(points, numbers, strict=True) if n == number], **options)
        for number in sorted(set(numbers))
    ]
    keys = [point.key for point in points]
    return pick(join(parts), keys, [key for key in keys if key in options["record"]])


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
    from crnsim.experiment.results import assemble, with_training
    from crnsim.experiment.schedule import training_protocol
    from crnsim.outcomes import WORKER_KILLED
    from crnsim.solvers.protocol import RUN, new_record

    if points[0].mode == OBSERVATION:
        from crnsim.experiment.observe import killed

        return killed(points, KILLED)
    circuit = build_circuit(points[0])
    datasets = _load(points)
    run = np.zeros(len(points), dtype=RUN)
    run["status"] = WORKER_KILLED
    read = _over_all_points(None, [], run, [KILLED] * len(points), datasets)
    data = assemble(circuit, points, datasets, read, [None] * len(points))
    if not points[0].learns:
        return data
    epochs = checkpoint_epochs(points[0].epochs)
    training = training_protocol(circuit, points[:1], datasets[:1], epochs, [])
    record = new_record(training)
    for_all = {
        name: np.broadcast_to(getattr(record, name), (len(points), *getattr(record, name).shape[1:]))
        for name in ("loss", "checkpoints", "trace")
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
    from crnsim.experiment.results import assemble, with_training
    from crnsim.experiment.schedule import method_of, training_protocol
    from crnsim.outcomes import OK
    from crnsim.solvers import solve

    epochs = checkpoint_epochs(points[0].epochs)
    training = training_protocol(circuit, points, datasets, epochs, record)
    shown = len(datasets[0].x_train) * points[0].epochs
    first, rest = _parts(progress, shown / (shown + len(datasets[0].x_test)))
    trained, reasons = solve(circuit.network, training, method=method_of(points[0]), progress=first)
    good = np.flatnonzero(trained.run["status"] == OK).tolist()
    held = [circuit.unflatten(circuit.weight_values(state)) for state in trained.final[good]]
    read = _read(
        circuit, [points[i] for i in good], [datasets[i] for i in good], trained.final[good], held, rest
    )
    weights: list[Weights | None] = [None] * len(points)
    for place, member in enumerate(good):
        weights[member] = held[place]
    whole = _over_all_points(read, good, trained.run, reasons, datasets)
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
    from crnsim.experiment.results import assemble
    from crnsim.outcomes import FAILED, OK
    from crnsim.solvers.protocol import RUN

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
    return assemble(circuit, points, datasets, _over_all_points(read, good, run, why, datasets), weights)


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
    from crnsim.experiment.readout import read_out
    from crnsim.experiment.schedule import ReadoutTables

    if not points:
        return None
    tables = ReadoutTables(circuit, points, datasets, starts, weights)
    nominal = [circuit.network.rate_constants(circuit.rate_overrides(held)) for held in weights]
    return read_out(circuit, tables, smoothing=nominal, progress=progress)


def _over_all_points(
    read: Readout | None,
    good: Sequence[int],
    run: np.ndarray,
    reasons: list[str],
    datasets: Sequence[Dataset],
) -> Readout:
    """Bring the read-out of the points that came so far (`good`) together with how the others ended (`run`)."""
    from crnsim.experiment.readout import Readout

    outputs = np.full((len(datasets), *datasets[0].y_test.shape), np.nan)
    h_eff = np.full(len(datasets), np.nan)
    counts = {name: run[name].copy() for name in COUNTS}
    status, why = run["status"].copy(), list(reasons)
    if read is not None:
        outputs[good], h_eff[good], status[good] = read.outputs, read.h_eff, read.status
        for name, column in counts.items():
            column[good] += read.counts[name]
        for place, member in enumerate(good):
            why[member] = read.reasons[place]
    outputs[status != OK] = np.nan
    return Readout(outputs, h_eff, counts, status, why)
