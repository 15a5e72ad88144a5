"""From points of a sweep to the tables a solver reads: samples, rate constants and the keys of all noise."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from crnsim.algebraic import initial_weights, sample_order
from crnsim.circuits import Circuit
from crnsim.datasets import Dataset
from crnsim.kinetics.normals import normals
from crnsim.solvers.protocol import Protocol, new_members
from crnsim.streams import stream_key

if TYPE_CHECKING:
    from crnsim.experiment import Point

#: A concentration above this many times the highest of the initial ones, the samples and 1 is a blow-up.
CEILING = 100.0
#: A single test sample may take this many times the average budget of a presentation.
READOUT_BUDGET = 10
#: Presentations whose trajectories are kept for a recorded run: the first and the last ones.
RECORDED_FIRST, RECORDED_LAST = 2, 4
#: Times kept of each recorded presentation.
RECORDED_TIMES = 51


def training_protocol(
    circuit: Circuit,
    points: Sequence[Point],
    datasets: Sequence[Dataset],
    checkpoints: np.ndarray,
    record: Collection[str],
) -> Protocol:
    """Tables for training: every epoch shows all training samples once, in an order of its own.

    Parameters
    ----------
    circuit : Circuit
    points : sequence of Point
        Runs that share everything but running time, noise and replicate.
    datasets : sequence of Dataset
        The data set (with its split) of each point.
    checkpoints : numpy.ndarray
        Numbers of epochs after which weights are kept.
    record : collection of str
        Keys of the points whose trajectories are kept.
    """
    tables = [np.hstack([data.x_train, data.y_train]) for data in datasets]
    n_train = len(tables[0])
    starts, orders = [], []
    for number, (point, data) in enumerate(zip(points, datasets, strict=True)):
        about: dict[str, Any] = {"seed": point.seed, "dataset": data.name, "replicate": point.replicate}
        starts.append(circuit.start(initial_weights(point.layers, **about)))
        order = sample_order(n_train, point.epochs, **about)
        orders.append(order.ravel() + number * n_train)
    presentations = n_train * points[0].epochs
    noise = _noise(circuit, points, "training")
    member = noise.pop("member")
    _bound(member, np.array(starts), tables)
    member["n_presentations"] = presentations
    member["max_steps"] = [point.max_steps * presentations for point in points]
    chosen = [i for i, point in enumerate(points) if point.key in record]
    member["record_slot"][chosen] = np.arange(len(chosen))
    last = range(max(presentations - RECORDED_LAST, 0), presentations)
    recorded = sorted({*range(min(RECORDED_FIRST, presentations)), *last})
    return Protocol(
        start=np.array(starts),
        rates=np.array([rate_constants(circuit, point, learning=True) for point in points]),
        member=member,
        order=np.array(orders, dtype=np.int32),
        patterns=np.vstack(tables),
        checkpoint_after=np.asarray(checkpoints, dtype=np.int64) * n_train,
        record_presentations=np.array(recorded, dtype=np.int64),
        grid=np.linspace(0.0, 1.0, RECORDED_TIMES),
        per_loss=n_train,
        **_rails(circuit),
        **noise,
    )


def readout_protocol(
    circuit: Circuit, points: Sequence[Point], datasets: Sequence[Dataset], trained: np.ndarray
) -> Protocol:
    """Tables for the read-out: each test sample is shown to its own copy of the trained pot, learning off.

    Members are ordered point by point, test sample by test sample. In the streams of noise a member's presentation has
    the number of its sample, so that every sample has noise of its own.
    """
    tables = [np.hstack([data.x_test, data.y_test]) for data in datasets]
    n_test = len(tables[0])
    members = len(points) * n_test
    owner = np.repeat(np.arange(len(points)), n_test)
    sample = np.tile(np.arange(n_test), len(points))
    noise = _noise(circuit, points, "read-out")
    member = noise.pop("member")[owner]
    _bound(member, trained[owner], [tables[i] for i in owner])
    member["first_number"] = sample
    member["max_steps"] *= READOUT_BUDGET
    return Protocol(
        start=np.ascontiguousarray(trained[owner]),
        rates=np.array([rate_constants(circuit, point, learning=False) for point in points]),
        member=member,
        order=np.arange(members, dtype=np.int32)[:, None],
        patterns=np.vstack(tables),
        checkpoint_after=np.zeros(0, dtype=np.int64),
        record_presentations=np.zeros(0, dtype=np.int64),
        grid=np.linspace(0.0, 1.0, 2),
        **_rails(circuit),
        **noise | {name: np.ascontiguousarray(noise[name][owner]) for name in ("rate_keys", "kick_keys")},
    )


def rate_constants(circuit: Circuit, point: Point, *, learning: bool) -> np.ndarray:
    """Rate constant of every elementary reaction of a point, with its static noise, shape (n_reactions,)."""
    eps = point.learning_rate / point.running_time
    constants = circuit.network.rate_constants({"eps": eps} if learning else circuit.learning_off)
    sigma = point.noise.rates
    if sigma > 0 and point.noise.rates_mode == "static":
        draws = np.empty(len(constants))
        for family, first in zip(circuit.network.families, circuit.network.first_reactions, strict=True):
            key = _key(point, "rate noise", family.equation)
            normals(key[0], key[1], 0, 0, draws[first : first + family.size])
        constants *= np.exp(sigma * draws - 0.5 * sigma * sigma)
    return constants


def _bound(member: np.ndarray, states: np.ndarray, tables: Sequence[np.ndarray]) -> None:
    """Set what counts as moderate and as a blow-up, from each member's initial concentrations and samples."""
    shown = np.array([np.abs(table).max() for table in tables])
    member["moderate"] = np.maximum(np.maximum(states.max(axis=1), shown), 1.0)
    member["ceiling"] = CEILING * member["moderate"]


def _key(point: Point, purpose: str, family: str) -> np.ndarray:
    layers = "-".join(map(str, point.layers))
    return stream_key(point.seed, point.dataset, layers, point.replicate, purpose, family)


def _rails(circuit: Circuit) -> dict[str, Any]:
    inputs, targets, outputs = (
        np.stack(circuit.rail_rows(pair), axis=1)
        for pair in (circuit.inputs, circuit.targets, circuit.outputs)
    )
    return {"clamp": np.concatenate([inputs, targets]), "n_features": len(inputs), "output": outputs}


def _noise(circuit: Circuit, points: Sequence[Point], stage: str) -> dict[str, Any]:
    """Members and noise tables of points; `stage` keeps the draws of training and read-out apart."""
    network = circuit.network
    # All points of a batch share the scope's table; a scope that differs is masked by splitting batches.
    names = circuit.scope(points[0].noise.scope)
    rows = [network.rows(name).ravel() for name in names]
    redraw = [p.noise.rates > 0 and p.noise.rates_mode == "per_presentation" for p in points]
    families = [f.equation for f in network.families]
    kicked = [p.noise.concentrations > 0 for p in points]
    none = np.zeros(2, dtype=np.uint64)

    def keys(active: Sequence[bool], purpose: str, over: Sequence[str]) -> np.ndarray:
        table = [
            [_key(point, f"{purpose}, {stage}", name) if on else none for name in over]
            for point, on in zip(points, active, strict=True)
        ]
        return np.array(table, dtype=np.uint64).reshape(len(points), len(over), 2)

    member = new_members(len(points))
    member["rate_set"] = np.arange(len(points))
    member["running_time"] = [p.running_time for p in points]
    member["max_steps"] = [p.max_steps for p in points]
    member["input_sigma"] = [p.noise.inputs for p in points]
    member["rate_sigma"] = [p.noise.rates if on else 0.0 for p, on in zip(points, redraw, strict=True)]
    member["kick_sigma"] = [p.noise.concentrations for p in points]
    member["kick_interval"] = [p.noise.interval for p in points]
    member["kick_additive"] = [p.noise.additive for p in points]
    for point, row in zip(points, member, strict=True):
        row["input_key_0"], row["input_key_1"] = _key(point, f"input noise, {stage}", "features")
    laws = [np.stack([network.rows(name).ravel() for name in law], axis=1) for law in circuit.conserved]
    return {
        "member": member,
        "rate_keys": keys(redraw, "rate noise", families),
        "kick_keys": keys(kicked, "concentration noise", names),
        "kicked": np.array([(r[0], len(r)) for r in rows], dtype=np.int64).reshape(-1, 2),
        "laws": np.concatenate(laws) if laws else np.zeros((0, 2), dtype=np.int64),
        "rtol": float(points[0].rtol),
        "atol": float(points[0].atol),
    }
