"""The result of points as a dataset: metrics of the read-out, curves of the training, coordinates, provenance."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from crnsim import __version__
from crnsim.experiment.point import Point
from crnsim.outcomes import OK, OUTCOMES
from crnsim.provenance import code_hash, libraries
from crnsim.store.points import SCHEMA

if TYPE_CHECKING:
    import xarray as xr

    from crnsim.algebraic import Weights
    from crnsim.circuits import Circuit
    from crnsim.datasets import Dataset
    from crnsim.experiment.readout import Readout
    from crnsim.solvers.protocol import Protocol, Record

_METRICS = ("score", "accuracy", "mse", "nrmse")


def assemble(
    circuit: Circuit,
    points: Sequence[Point],
    datasets: Sequence[Dataset],
    readout: Readout,
    weights: Sequence[Weights | None],
) -> xr.Dataset:
    """Return the result of a read-out: chemical outputs and metrics, beside the algebraic ones on the same weights.

    Parameters
    ----------
    circuit : Circuit
    points : sequence of Point
    datasets : sequence of Dataset
        With the split of each point.
    readout : Readout
    weights : sequence of weights
        That the circuit was read out with; None for a point whose training did not end ok.
    """
    import xarray as xr

    per_point: dict[str, Any] = {
        name: ("point", v) for name, v in _measure(circuit, datasets, readout, weights).items()
    }
    per_point |= {name: ("point", value) for name, value in readout.counts.items()}
    flags = {"flag_values": np.arange(len(OUTCOMES), dtype=np.int8), "flag_meanings": " ".join(OUTCOMES)}
    expected = np.array([data.y_test for data in datasets], dtype=np.float32)
    data = xr.Dataset(
        {
            "status": ("point", readout.status.astype(np.int8), flags),
            "reason": ("point", np.array(readout.reasons, dtype=object)),
            **per_point,
            "output": (("point", "sample", "target"), readout.outputs.astype(np.float32)),
            "expected": (("point", "sample", "target"), expected),
        },
        coords=point_coordinates(points)
        | {
            "sample": np.arange(expected.shape[1], dtype=np.int32),
            "target": list(datasets[0].target_names),
        },
        attrs=_attributes(circuit, points[0]),
    )
    return _described(data)


def with_training(
    data: xr.Dataset,
    circuit: Circuit,
    points: Sequence[Point],
    datasets: Sequence[Dataset],
    training: Protocol,
    trained: Record,
    epochs: np.ndarray,
) -> xr.Dataset:
    """Add what training leaves: loss by epoch, weights and algebraic test score at checkpoints, trajectories."""
    from crnsim.algebraic import forward

    weights = circuit.weight_values(trained.checkpoints)
    curve = np.full(weights.shape[:2], np.nan, dtype=np.float32)
    for i, c in np.ndindex(*curve.shape):
        if np.all(np.isfinite(weights[i, c])):
            held = circuit.unflatten(weights[i, c])
            outputs = forward(held, datasets[i].x_test, circuit.activation, circuit.output_unit)
            curve[i, c] = datasets[i].score(outputs, datasets[i].y_test)
    loss, of_clock = _by_the_clock(circuit, points, datasets, training, trained)
    data = data.assign(
        of_clock
        | {
            "train_loss": (("point", "epoch"), loss.astype(np.float32)),
            "weights": (("point", "checkpoint", "weight"), weights),
            "test_score": (("point", "checkpoint"), curve),
        }
    ).assign_coords(
        {
            "epoch": np.arange(1, points[0].epochs + 1, dtype=np.int32),
            "checkpoint": epochs.astype(np.int32),
            "weight": circuit.weight_labels,
        }
    )
    if len(trained.trajectory):
        data = data.merge(_trajectories(circuit, points, training, trained), combine_attrs="override")
    return _described(data)


def _by_the_clock(
    circuit: Circuit,
    points: Sequence[Point],
    datasets: Sequence[Dataset],
    training: Protocol,
    trained: Record,
) -> tuple[np.ndarray, dict[str, Any]]:
    """Loss by epoch, and what the clock of an autonomous circuit did: turns, whether it stopped by itself, and when."""
    if not circuit.autonomous:
        return trained.loss, {}
    loss, per_epoch = np.full_like(trained.loss, np.nan), training.per_loss
    turns, stopped, stop, error = (np.full(len(points), np.nan) for _ in range(4))
    for i, point in enumerate(points):
        reached = np.isfinite(trained.trace[i]).all(axis=1)
        found = circuit.progress_of(trained.trace[i][reached])
        here = found["loss"][per_epoch - 1 :: per_epoch]
        loss[i, : len(here)] = here
        if not len(found["iterations"]):
            continue
        turns[i] = found["iterations"][-1]
        # A run that has not ended well has not stopped by itself.
        stopped[i] = found["stopped"][-1] and trained.run["status"][i] == OK
        if trained.run["status"][i] == OK:
            error[i] = _training_error(circuit, datasets[i], trained.final[i])
        if stopped[i]:
            period = circuit.presentation_time(point.running_time)
            stop[i] = period * (1 + int(np.argmax(found["stopped"])))
    return loss, {
        "iterations": ("point", turns),
        "stopped": ("point", stopped.astype(np.float32)),
        "stop_time": ("point", stop),
        "final_error": ("point", error),
    }


def _training_error(circuit: Circuit, data: Dataset, state: np.ndarray) -> float:
    """Squared error of the ordinary network with the weights of a state: summed, and its mean over the training set."""
    from crnsim.algebraic import forward

    held = circuit.unflatten(circuit.weight_values(state))
    outputs = forward(held, data.x_train, circuit.activation, circuit.output_unit)
    return float(np.mean(np.sum((outputs - data.y_train) ** 2, axis=1)))


def _described(data: xr.Dataset) -> xr.Dataset:
    for name, (units, title) in _UNITS.items():
        if name in data.variables:
            data[name].attrs |= {"units": units, "long_name": title}
    return data


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


def agreement(dataset: Dataset, outputs: np.ndarray, algebraic: np.ndarray) -> float:
    """Share of samples classified alike; of a regression, 1 - mean square of the difference / variance, at least 0."""
    if dataset.task == "classification":
        return dataset.accuracy(outputs, algebraic)
    difference, variance = float(np.mean((outputs - algebraic) ** 2)), float(np.var(algebraic))
    return max(0.0, 1.0 - difference / variance) if variance > 0 else float(difference == 0)


def _measure(
    circuit: Circuit, datasets: Sequence[Dataset], readout: Readout, weights: Sequence[Weights | None]
) -> dict[str, np.ndarray]:
    """Metrics of every point, chemical and algebraic; nan but for a score of 0 where a point did not end ok."""
    from crnsim.algebraic import forward

    names = (*_METRICS, *(f"algebraic_{name}" for name in _METRICS), "agreement", "output_error", "h_eff")
    columns = {name: np.full(len(datasets), np.nan) for name in names}
    columns["score"][:] = 0.0
    for i, data in enumerate(datasets):
        held = weights[i]
        if readout.status[i] != OK or held is None:
            continue
        algebraic = forward(held, data.x_test, circuit.activation, circuit.output_unit)
        for prefix, outputs in (("", readout.outputs[i]), ("algebraic_", algebraic)):
            for name, value in _metrics(data, outputs, data.y_test).items():
                columns[f"{prefix}{name}"][i] = value
        columns["output_error"][i] = math.sqrt(float(np.mean((readout.outputs[i] - algebraic) ** 2)))
        columns["agreement"][i] = agreement(data, readout.outputs[i], algebraic)
        columns["h_eff"][i] = readout.h_eff[i]
    return columns


_UNITS = {
    "running_time": ("1/k", "duration of one presentation"),
    "score": ("1", "score of the chemical read-out on the test set, 0 for a run that is not ok"),
    "agreement": (
        "1",
        "share of test samples that chemistry and algebra with the same weights classify alike",
    ),
    "output_error": ("1", "root mean square distance of the chemical read-out from the algebraic one"),
    "h_eff": ("1", "effective smoothing of the activation, median over units and test samples"),
    "output": ("1", "chemical read-out of the test samples"),
    "train_loss": ("1", "half the squared error at the end of each presentation, mean over an epoch"),
    "iterations": ("1", "updates of the weights in training, counted by the circuit itself"),
    "stopped": ("1", "1 where training stopped by itself, 0 where it ran to the given end"),
    "final_error": (
        "1",
        "squared error of the ordinary network with the final weights, mean over the training set",
    ),
    "stop_time": ("1/k", "end of the nominal period of the clock in which training stopped by itself"),
    "weights": ("1", "signed weights, plus rail minus minus rail"),
    "test_score": ("1", "score of the algebraic network with the weights of a checkpoint"),
}


def point_coordinates(points: Sequence[Point]) -> dict[str, Any]:
    """Coordinates along ``point``."""
    columns: dict[str, Any] = {
        "point_key": np.array([p.key for p in points], dtype=object),
        "running_time": np.array([p.running_time for p in points], dtype=float),
        "noise_kind": np.array([p.noise.kind for p in points], dtype=object),
        **{
            kind.coordinate: np.array([p.noise.magnitudes.get(kind.name, 0.0) for p in points])
            for kind in {kind.name: kind for p in points for kind in p.noise.kinds}.values()
        },
        "replicate": np.array([p.replicate for p in points], dtype=np.int32),
        "seed": np.array([p.seed for p in points], dtype=np.int64),
    }
    return {name: ("point", values) for name, values in columns.items()}


def _attributes(circuit: Circuit, point: Point) -> dict[str, Any]:
    # It learns at learning rate / running time, whatever the circuit was built with.
    learning = circuit.kind.learning_parameter
    of_circuit = {name: value for name, value in circuit.parameters.items() if name != learning}
    of_unit = circuit.activation.parameters()
    return {
        "schema": SCHEMA,
        "dataset": point.dataset,
        "layers": json.dumps(list(point.layers)),
        "circuit": point.circuit,
        "activation": point.activation,
        "dual_rail": int(circuit.inputs[1] is not None),
        "parameters": json.dumps(of_circuit | of_unit, sort_keys=True),
        "circuit_parameters": json.dumps(of_circuit, sort_keys=True),
        "activation_parameters": json.dumps(of_unit, sort_keys=True),
        "mode": point.mode,
        "method": point.method,
        "learning_parameter": learning,
        "signals": json.dumps(circuit.signal_species()),
        "given_weights": json.dumps(dict(point.weights)),
        "learning_rate": point.learning_rate,
        "epochs": point.epochs,
        "rtol": point.rtol,
        "atol": point.atol,
        "max_steps": point.max_steps,
        "code_version": __version__,
        "code_hash": code_hash(),
        "libraries": libraries(),
    }


def _trajectories(
    circuit: Circuit, points: Sequence[Point], training: Protocol, trained: Record
) -> xr.Dataset:
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
