"""What points and chunks cost before anything runs: core seconds, bytes on disk, memory of a job.

The constants were measured (see `benchmarks/README.md`); they feed the layout, estimates and advice, and no number of a
result. How fast one machine is against them is found by `crnsim.sweep.run.calibration`.
"""

from __future__ import annotations

import contextlib
import logging
import math
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from crnsim.circuits.circuit import OBSERVATION
from crnsim.entrance.arguments import check_memory
from crnsim.experiment.kept import (
    CHECKPOINTS,
    KEPT_INPUTS,
    KEPT_SPECIES,
    KEPT_TIMES,
    RECORDED_FIRST,
    RECORDED_LAST,
    RECORDED_TIMES,
)
from crnsim.noise.kinds import volume_of
from crnsim.outcomes import OK
from crnsim.solvers.methods import method_for

if TYPE_CHECKING:
    from crnsim.experiment.point import Parameters, Point
    from crnsim.sweep.plan.groups import Group

#: Core seconds of one step of one run in a full batch, and what each reaction adds.
SECONDS_PER_STEP, SECONDS_PER_REACTION = 1.5e-7, 1.55e-9
#: Steps that a presentation takes, and those that a unit of time adds.
STEPS_PER_PRESENTATION, STEPS_PER_TIME = 65.0, 0.6
#: What the fast switches of rail-annihilating units cost.
SWITCHING = 1.5
#: Steps that the transient after a kick takes: at a magnitude of 0.1, and its growth with the magnitude (a power).
STEPS_PER_KICK, KICK_POWER = 21.0, 0.33
#: What circuits that do not learn take of that, undisturbed and after a kick: they have less to settle.
REST, REST_KICKED = 0.5, 0.8
#: Steps of a circuit with a clock while the pulse is at one of its species, those that a unit of time and a kick add,
#: and what a step costs there in units of others: of higher order, through lists of reactions.
CLOCK_STEPS, CLOCK_STEPS_PER_TIME, CLOCK_STEPS_PER_KICK, CLOCK_STEP = 23.0, 0.25, 2.0, 5.0
#: Core seconds of one reaction of one molecule; and how many there are in a unit of time in a volume of 1, in units of
#: the square root of the number of reactions of a circuit.
SECONDS_PER_EVENT, EVENTS = 1.2e-7, 2.4
#: Leaps of the partition over many molecules in a unit of time, in units of the square root of the number of reactions,
#: core seconds of one for each reaction, and how many times as many other methods need.
LEAPS_PER_TIME, SECONDS_PER_LEAP = 1.5, 4e-8
LEAPING = {"hybrid": 1.0, "cle": 3.0, "tau": 30.0}
#: Core seconds of a run of a network of the user's own that are no steps.
RUN_SECONDS = 3e-4
#: Core seconds of a run that are no steps: tables, measures, coordinates.
SECONDS_PER_POINT = 2.5e-3
#: Steps of a trial of a network of the user's own that tell its cost, and at most.
ENOUGH_TRIAL_STEPS, MOST_TRIAL_STEPS = 500, 5000
#: Core seconds of one sample of gradient descent on the algebraic network, for each layer of weights.
SECONDS_PER_DESCENT = 8e-6

#: Bytes on disk of a file without points, of the small numbers and words of a point, and what compression leaves.
EMPTY_FILE_BYTES, POINT_BYTES, COMPRESSION = 35_000, 350, 0.8
#: Bytes on disk of a network, for each reaction.
NETWORK_BYTES = 220

#: Resident megabytes of the process of a job, and of each Dask worker beside it. Libraries, mostly, which processes
#: share, but which many a cluster counts for each.
JOB_MB, WORKER_MB = 330.0, 300.0
#: Megabytes that blocks of the read-out may take (`crnsim.experiment.readout.BLOCK`), and tables of runs side by side.
READOUT_MB, RUNS = 64.0, 8


class Size(NamedTuple):
    """What the cost of a run depends on, apart from running time and noise."""

    reactions: int
    species: int
    weights: int
    features: int
    targets: int
    n_train: int
    n_test: int
    switches: bool
    clock: int


def size(point: Point) -> Size:
    """Return the size of a point's network and data set."""
    if point.mode == OBSERVATION:
        return network_size(point.source)
    return _size(
        *(point.dataset, point.source, point.layers, point.circuit, point.circuit_parameters),
        *(point.activation, point.activation_parameters),
    )


@lru_cache(maxsize=1024)
def _size(
    dataset: str,
    source: Parameters,
    layers: tuple[int, ...],
    circuit: str,
    circuit_parameters: Parameters,
    activation: str,
    activation_parameters: Parameters,
) -> Size:
    from crnsim.datasets import dataset_info
    from crnsim.experiment.build import build_circuit
    from crnsim.experiment.point import Point
    from crnsim.noise.noise import Noise

    point = Point(
        *(dataset, layers, circuit, circuit_parameters, activation, activation_parameters),
        *(1.0, 1, 1.0, Noise(), 0, 0),
        source=source,
    )
    built, info = build_circuit(point), dataset_info(dataset, source)
    return Size(
        reactions=built.network.n_reactions,
        species=built.network.n_species,
        weights=sum((below + 1) * units for below, units in pairwise(layers)),
        features=layers[0],
        targets=layers[-1],
        n_train=info.n_train,
        n_test=info.n_test,
        switches=bool(built.activation.needs_rails),
        clock=round(built.presentation_time(1.0)) if built.autonomous else 0,
    )


def estimate_seconds(point: Point) -> float:
    """Estimate the core seconds of one run, on the machine of the authors.

    Presentations times steps of each times the cost of a step: see the constants of this module.
    """
    of = size(point)
    step = SECONDS_PER_STEP + SECONDS_PER_REACTION * of.reactions
    counted = point.noise.intrinsic > 0
    if point.mode == OBSERVATION:
        each = (
            _counted_seconds(point, network_events(point), point.running_time)
            if counted
            else network_steps(point) * step
        )
        return SECONDS_PER_POINT + of.n_test * (RUN_SECONDS + each)
    presentations = of.n_test + (of.n_train * point.epochs if point.learns else 0)
    if counted:
        rate = EVENTS * math.sqrt(of.reactions) * volume_of(point.noise.intrinsic)
        time = (of.clock or 1) * point.running_time
        return SECONDS_PER_POINT + presentations * _counted_seconds(point, rate * time, time)
    return SECONDS_PER_POINT + presentations * estimate_steps(point) * step


def _counted_seconds(point: Point, events: float, time: float) -> float:
    """Estimate the core seconds in which so many reactions of single molecules take place, or are leapt over."""
    followed = events * SECONDS_PER_EVENT
    if point.method not in LEAPING:
        return followed
    reactions = size(point).reactions
    leaps = LEAPING[point.method] * LEAPS_PER_TIME * math.sqrt(reactions) * time
    leapt = leaps * reactions * SECONDS_PER_LEAP
    return leapt if point.method == "cle" else min(followed, leapt)


def estimate_steps(point: Point) -> float:
    """Estimate the steps of one presentation, in those of a circuit without a clock."""
    of = size(point)
    if of.clock:
        disturbed = sum(point.noise.disturbances(of.clock * point.running_time).values())
        steps = of.clock * (CLOCK_STEPS + CLOCK_STEPS_PER_TIME * point.running_time)
        return CLOCK_STEP * (steps + CLOCK_STEPS_PER_KICK * disturbed)
    rest, disturbed = (1.0, 1.0) if point.learns else (REST, REST_KICKED)
    steps = rest * STEPS_PER_PRESENTATION * (SWITCHING if of.switches else 1.0)
    if kicks := point.noise.disturbances(point.running_time):
        disturbed *= SWITCHING if of.switches and not point.learns else 1.0
        growth = (
            number * (point.noise.magnitudes[name] / 0.1) ** KICK_POWER for name, number in kicks.items()
        )
        return steps + disturbed * STEPS_PER_KICK * sum(growth)
    return steps + rest * STEPS_PER_TIME * point.running_time


def descent_seconds(point: Point) -> float:
    """Estimate the core seconds of the gradient descent that gives a point its weights; 0 where none does.

    A process descends once for each replicate, whatever the number of cells.
    """
    if dict(point.weights).get("by") != "sgd":
        return 0.0
    return size(point).n_train * point.epochs * SECONDS_PER_DESCENT * (len(point.layers) - 1)


def check_runs(point: Point, runs: int = 1) -> None:
    """Refuse runs whose tables would not fit into memory: weights at checkpoints, samples and the order they come in.

    Parameters
    ----------
    point : Point
    runs : int
        That are computed side by side.

    Raises
    ------
    InputError
        With the estimate, and what it is for.
    """
    of = size(point)
    checkpoints = CHECKPOINTS + 1 if point.learns else 0
    presented = of.n_train * point.epochs if point.learns else 0
    # What is kept of each iteration of a circuit with a clock: its species and a few more.
    kept = 2 + (of.clock + 4 if of.clock else 0)
    numbers = of.species * (4 + checkpoints) + 4 * of.reactions + kept * presented
    samples = (of.n_train + of.n_test) * (of.features + of.targets)
    layers, many = "-".join(map(str, point.layers)), f"{runs} runs" if runs > 1 else "a run"
    check_memory(
        f"{many} of {point.dataset} in a network {layers} of {of.species} species and {of.reactions} reactions, "
        f"with {presented or of.n_test} presentations,",
        8.0 * runs * (numbers + samples),
        "take smaller layers, fewer epochs or fewer replicates at a time",
    )


@lru_cache(maxsize=64)
def network_size(source: Parameters) -> Size:
    """Return the size of a network of the user's own: inputs are samples, and observables targets."""
    from crnsim.experiment.task import task_of

    task = task_of(source)
    network = task.network
    return Size(
        reactions=network.n_reactions,
        species=network.n_species,
        weights=0,
        features=0,
        targets=len(task.given),
        n_train=0,
        n_test=len(task.starts),
        switches=False,
        clock=0,
    )


def network_steps(point: Point) -> float:
    """Estimate the steps of one run of a network of the user's own, and of the one that tells its error.

    From a trial without noise, whose steps are rounded to a power of two: an estimate must not differ where rounding
    does.
    """
    # Designs that differ by less than a factor of two have one trial: there may be hundreds.
    alike = tuple((name, _coarse(value)) for name, value in point.circuit_parameters)
    trial = _trial_steps(point.source, alike, point.rtol, method_for(point.method, volume=False))
    disturbed = sum(point.noise.disturbances(point.running_time).values())
    return 2.0 * (trial * point.running_time + STEPS_PER_KICK * disturbed)


def network_events(point: Point) -> float:
    """Estimate the reactions of single molecules in one run of a network of the user's own, from its rate equations."""
    alike = tuple((name, _coarse(value)) for name, value in point.circuit_parameters)
    rate = _trial_firings(point.source, alike, float(_coarse(point.running_time)))
    return volume_of(point.noise.intrinsic) * rate * point.running_time


@lru_cache(maxsize=256)
def _trial_firings(source: Parameters, parameters: Parameters, time: float) -> float:
    """Reactions per time and volume of the first input of a network, without noise; rounded to a power of two."""
    from crnsim.experiment.task import task_of
    from crnsim.simulation import simulate

    task, given = task_of(source), dict(parameters)
    network = task.network
    rates = {name: value for name, value in given.items() if network.has_parameter(name)}
    start = dict(zip(network.labels, task.starts[0].tolist(), strict=True))
    times = [0.0, 0.1 * time, 0.3 * time, 0.6 * time, time]
    with quiet():
        run = simulate(
            network, times, rates=rates, initial=start, rtol=1e-3, estimate=False, max_steps=MOST_TRIAL_STEPS
        )
    constants = network.rate_constants(rates)
    seen = [
        float(network.fluxes(y, constants).sum())
        for y in run["concentration"].values[0]
        if np.isfinite(y).all()
    ]
    return 2.0 ** round(math.log2(max(sum(seen) / len(seen), 1e-9)))


def _coarse(value: float | str) -> float | str:
    """The power of four that is nearest to a number."""
    known = isinstance(value, str) or not value
    return value if known else 4.0 ** round(math.log(float(value), 4.0))


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep what a trial has to say to itself."""
    logger = logging.getLogger("crnsim")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


@lru_cache(maxsize=256)
def _trial_steps(source: Parameters, parameters: Parameters, rtol: float, method: str) -> float:
    """Steps per time of the first input of a network, without noise; over a time that a few thousand steps reach."""
    from crnsim.experiment.task import task_of
    from crnsim.simulation import simulate

    task, given = task_of(source), dict(parameters)
    network = task.network
    rates = {name: value for name, value in given.items() if network.has_parameter(name)}
    time, steps = 1.0, 0.0
    with quiet():
        while time < 1e9:
            start = dict(zip(network.labels, task.starts[0].tolist(), strict=True))
            run = simulate(
                network, [0.0, time], rates=rates, initial=start, rtol=rtol, method=method, estimate=False,
                max_steps=MOST_TRIAL_STEPS,
            )  # fmt: skip
            steps = float(run["steps"][0])
            if steps >= ENOUGH_TRIAL_STEPS or int(run["status"][0]) != OK:
                break
            time *= 32.0
    return 2.0 ** round(math.log2(max(steps, 1.0) / time))


def cell_seconds(group: Group) -> list[float]:
    """Return the core seconds of one point of each cell of a group."""
    return [estimate_seconds(group.point(cell, 0)) for cell in range(len(group.cells))]


def point_bytes(group: Group) -> float:
    """Estimate the bytes on disk of one point of a group, without trajectories."""
    of = size(group.point(0, 0))
    numbers = 8.0 * of.n_test * of.targets
    if group.mode == "training":
        checkpoints = min(group.settings.epochs, CHECKPOINTS) + 1
        numbers += checkpoints * (8.0 * of.weights + 4.0) + 4.0 * group.settings.epochs
    return POINT_BYTES + COMPRESSION * numbers


def recorded_bytes(group: Group) -> float:
    """Estimate the bytes on disk of the trajectories of one recorded point."""
    of = size(group.point(0, 0))
    if group.mode == OBSERVATION:
        kept = min(of.n_test, KEPT_INPUTS) * KEPT_TIMES * min(of.species, KEPT_SPECIES)
        return COMPRESSION * 4.0 * kept
    shown = min(RECORDED_FIRST + RECORDED_LAST, of.n_train * group.settings.epochs)
    return COMPRESSION * 4.0 * shown * RECORDED_TIMES * of.species


def network_bytes(group: Group) -> float:
    """Estimate the bytes on disk of a group's network, as NetCDF and as text."""
    return EMPTY_FILE_BYTES + NETWORK_BYTES * size(group.point(0, 0)).reactions


def job_megabytes(group: Group, points: int, workers: int, batch: int) -> float:
    """Estimate the resident memory of the job of a chunk, all its processes together, in megabytes.

    Parameters
    ----------
    group : Group
    points : int
        Points of the chunk.
    workers, batch : int
        Processes, and points that each computes at a time.
    """
    of, together = size(group.point(0, 0)), min(batch, points)
    learns = group.mode == "training"
    states = of.species * (4 + (CHECKPOINTS + 1 if learns else 0)) + 4 * of.reactions
    shown = of.n_train * group.settings.epochs if learns else 0
    samples = (of.n_train + of.n_test) * (of.features + of.targets)
    read_out = min(READOUT_MB, 24e-6 * together * of.n_test * of.species)
    # The samples as they are in the file, and a split of its own, twice, for each replicate.
    of_batch = 8e-6 * (together * (states + shown) + samples * (1 + 2 * together)) + read_out
    # Arrays that came from workers, joined, put in order and written.
    held = 4e-6 / COMPRESSION * points * point_bytes(group)
    return JOB_MB + held + of_batch * workers + (WORKER_MB * workers if workers > 1 else 0.0)
