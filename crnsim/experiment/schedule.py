"""From points of a sweep to the tables a solver reads: samples, rate constants and the keys of all noise."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from crnsim.algebraic import initial_weights, sample_order
from crnsim.circuits import Circuit
from crnsim.datasets import Dataset
from crnsim.errors import InputError
from crnsim.experiment.kept import RECORDED_FIRST, RECORDED_LAST, RECORDED_TIMES
from crnsim.noise.applied import NoisyRuns, noise_tables, perturb_rate_constants
from crnsim.noise.network import spans
from crnsim.noise.streams import stream_key
from crnsim.solvers.events import show_sample
from crnsim.solvers.methods import method_for
from crnsim.solvers.protocol import Protocol, new_members

if TYPE_CHECKING:
    from crnsim.algebraic import Weights
    from crnsim.experiment.point import Point

#: A concentration above this many times the highest of the initial ones, the samples and 1 is a blow-up.
CEILING = 100.0
#: A single test sample may take this many times the average budget of a presentation.
READOUT_BUDGET = 10
#: Steps that nobody lives to see; a counter holds many times as many.
ENDLESS = 2**53


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
    # Replicates may share one split, which is then kept once.
    shared = {id(data.x_train): data for data in datasets}
    tables = {key: np.hstack([data.x_train, data.y_train]) for key, data in shared.items()}
    first = dict(zip(tables, np.cumsum([0, *map(len, tables.values())]).tolist(), strict=False))
    n_train = len(datasets[0].x_train)
    starts, orders = [], []
    for point, data in zip(points, datasets, strict=True):
        about: dict[str, Any] = {"seed": point.seed, "dataset": data.name, "replicate": point.replicate}
        starts.append(circuit.start(initial_weights(point.layers, **about)))
        order = sample_order(n_train, point.epochs, **about)
        orders.append(order.ravel() + first[id(data.x_train)])
    presentations = n_train * points[0].epochs
    noise = _noise(circuit, points, "training", [circuit.presentation_time(p.running_time) for p in points])
    member = noise.pop("member")
    highest = [float(np.abs(tables[id(data.x_train)]).max()) for data in datasets]
    bound(member, np.array(starts), [circuit.moderate(one, presentations) for one in highest])
    member["n_presentations"] = presentations
    member["max_steps"] = [min(point.max_steps * presentations, ENDLESS) for point in points]
    chosen = [i for i, point in enumerate(points) if point.key in record]
    member["record_slot"][chosen] = np.arange(len(chosen))
    last = range(max(presentations - RECORDED_LAST, 0), presentations)
    recorded = sorted({*range(min(RECORDED_FIRST, presentations)), *last})
    protocol = Protocol(
        start=np.array(starts),
        rates=np.array([rate_constants(circuit, point, learning=True) for point in points]),
        member=member,
        order=np.array(orders, dtype=np.int32),
        patterns=np.vstack(list(tables.values())),
        checkpoint_after=np.asarray(checkpoints, dtype=np.int64) * n_train,
        record_presentations=np.array(recorded, dtype=np.int64),
        grid=np.linspace(0.0, 1.0, RECORDED_TIMES),
        per_loss=n_train,
        traced=circuit.traced,
        **_rails(circuit, shown=not circuit.autonomous),
        **noise,
    )
    if circuit.autonomous:
        _store(circuit, protocol, n_train)
    return protocol


class ReadoutTables:
    """Tables for the read-out: each test sample is shown to its own copy of the circuit, learning off.

    Members are ordered point by point, test sample by test sample. In the streams of noise a member's presentation has
    the number of its sample, so that every sample has noise of its own.

    Parameters
    ----------
    circuit : Circuit
    points : sequence of Point
    datasets : sequence of Dataset
        The data set (with its split) of each point.
    starts : numpy.ndarray, shape (points, n_species)
        State that each sample starts from.
    weights : sequence of weights, optional
        Where no species but rate constants hold them.
    """

    def __init__(
        self,
        circuit: Circuit,
        points: Sequence[Point],
        datasets: Sequence[Dataset],
        starts: np.ndarray,
        weights: Sequence[Weights | None],
    ) -> None:
        self.circuit, self.datasets = circuit, datasets
        self.starts = np.array([circuit.readout_start(state) for state in starts])
        self.method = method_of(points[0])
        self.n_test = len(datasets[0].x_test)
        self.rates = np.array(
            [
                rate_constants(circuit, p, learning=False, weights=w)
                for p, w in zip(points, weights, strict=True)
            ]
        )
        times = [circuit.readout_time(p.running_time) for p in points]
        self.noise = _noise(circuit, points, "read-out", times)
        bound(
            self.noise["member"],
            self.starts,
            [circuit.moderate(self._moderate(*pair), 1) for pair in zip(datasets, weights, strict=True)],
        )

    def _moderate(self, data: Dataset, weights: Weights | None) -> float:
        """Highest concentration that is in order: of samples, and of a fixed point where weights are rate constants."""
        highest = max(np.abs(data.x_test).max(), np.abs(data.y_test).max())
        relaxed = self.circuit.relaxed(data.x_test, weights)
        return float(highest if relaxed is None else max(highest, relaxed.max()))

    @property
    def n_members(self) -> int:
        """Number of (point, test sample) pairs."""
        return len(self.datasets) * self.n_test

    def protocol(self, first: int, last: int) -> Protocol:
        """Tables of the members from `first` up to but not including `last`."""
        owner, sample = np.divmod(np.arange(first, last), self.n_test)
        patterns = np.array(
            [
                np.concatenate([self.datasets[o].x_test[s], self.datasets[o].y_test[s]])
                for o, s in zip(owner.tolist(), sample.tolist(), strict=True)
            ]
        )
        member = self.noise["member"][owner]
        member["first_number"] = sample
        member["rate_set"] = owner - owner[0]
        member["max_steps"] *= READOUT_BUDGET
        tables = [name for name in ("rate_keys", "kick_keys", "event_keys") if name in self.noise]
        keys: dict[str, Any] = {name: np.ascontiguousarray(self.noise[name][owner]) for name in tables}
        return Protocol(
            start=np.ascontiguousarray(self.starts[owner]),
            rates=self.rates[owner[0] : owner[-1] + 1],
            order=np.arange(last - first, dtype=np.int32)[:, None],
            patterns=patterns,
            checkpoint_after=np.zeros(0, dtype=np.int64),
            record_presentations=np.zeros(0, dtype=np.int64),
            grid=np.linspace(0.0, 1.0, 2),
            **_rails(self.circuit),
            **self.noise | keys | {"member": member},
        )


def rate_constants(
    circuit: Circuit, point: Point, *, learning: bool, weights: Weights | None = None
) -> np.ndarray:
    """Rate constant of every elementary reaction of a point, with its static noise, shape (n_reactions,).

    `weights` are those of a circuit that has them as rate constants.
    """
    overrides: dict[str, Any] = dict(circuit.rates_of(point.running_time, point.learning_rate))
    if not learning:
        overrides |= circuit.learning_off
    constants = circuit.network.rate_constants(
        overrides | (circuit.rate_overrides(weights) if weights else {})
    )
    perturb_rate_constants(circuit.network, point.noise, constants, partial(stream_of, point))
    return constants


def bound(member: np.ndarray, states: np.ndarray, shown: Sequence[float]) -> None:
    """Set what counts as moderate and as a blow-up, from each member's initial concentrations and samples."""
    member["moderate"] = np.maximum(np.maximum(states.max(axis=1), shown), 1.0)
    member["ceiling"] = CEILING * member["moderate"]


def method_of(point: Point) -> str:
    """Method by which a point is run."""
    return method_for(point.method, volume=any(kind.stochastic for kind in point.noise.acting))


def stream_of(point: Point, purpose: str, family: str) -> np.ndarray:
    """Key of a stream of a point by what it is for and the equation of a family or the name of an array."""
    layers = "-".join(map(str, point.layers))
    return stream_key(point.seed, point.dataset, layers, point.replicate, purpose, family)


def _rails(circuit: Circuit, *, shown: bool = True) -> dict[str, Any]:
    """Where samples are shown, and outputs compared with targets; nowhere if none are `shown`."""
    inputs, targets = circuit.shown_rails()
    clamp, outputs = np.concatenate([inputs, targets]), np.stack(circuit.rail_rows(circuit.outputs), axis=1)
    if not shown:
        clamp, outputs = np.full_like(clamp, -1), outputs[:0]
    return {"clamp": clamp, "n_features": len(inputs), "output": outputs}


def _store(circuit: Circuit, protocol: Protocol, n_train: int) -> None:
    """Put the training set into the pot as the first epoch shows it to other circuits: in its order, with its noise."""
    values, draws = np.zeros((n_train, protocol.patterns.shape[1])), np.zeros(protocol.n_features)
    for member, start in enumerate(protocol.start):
        for number in range(n_train):
            show_sample(protocol, member, number, values[number], draws)
        features, targets = np.split(values, [protocol.n_features], axis=1)
        start[:] = circuit.stored(start, features, targets)


def _noise(circuit: Circuit, points: Sequence[Point], phase: str, times: Sequence[float]) -> dict[str, Any]:
    """Members and noise tables of points; `phase` keeps the draws of training and read-out apart.

    `times` are the durations of a presentation.
    """
    member = new_members(len(points))
    member["rate_set"] = np.arange(len(points))
    member["running_time"] = times
    member["max_steps"] = [p.max_steps for p in points]
    runs = NoisyRuns(
        member,
        circuit.network.family_names,
        [point.noise for point in points],
        [partial(stream_of, point) for point in points],
        phase,
        partial(_scope, circuit),
    )
    return noise_tables(runs) | {
        "member": member,
        "laws": _laws(circuit),
        "rtol": float(points[0].rtol),
        "atol": np.broadcast_to(
            circuit.tolerances(float(points[0].atol)), (1, circuit.network.n_species)
        ).copy(),
    }


def _scope(circuit: Circuit, scope: str) -> tuple[list[str], np.ndarray]:
    """Names of the arrays of species in a scope, and first row and length of each."""
    names = circuit.scope(scope)
    if not names:
        raise InputError(
            f"noise scope '{scope}': no species of {circuit.name} is in it; its weights are constants"
        )
    return names, spans(circuit.network, names)


def _laws(circuit: Circuit) -> np.ndarray:
    """Rows of the species whose sum no reaction changes, a law each; -1 fills up the shorter ones."""
    network = circuit.network

    def rows(name: str) -> np.ndarray:
        return np.array([network.row(name)]) if "[" in name else network.rows(name).ravel()

    laws = [np.stack([rows(name) for name in law], axis=1) for law in circuit.conserved]
    longest = max((law.shape[1] for law in laws), default=2)
    filled = [np.pad(law, ((0, 0), (0, longest - law.shape[1])), constant_values=-1) for law in laws]
    return np.concatenate(filled) if filled else np.zeros((0, 2), dtype=np.int64)
