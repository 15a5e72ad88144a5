"""Points of a network of the user's own: every input is run for itself, and its observables are judged."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from crnsim import __version__
from crnsim.errors import InputError
from crnsim.experiment.kept import KEPT_INPUTS, KEPT_SPECIES, KEPT_TIMES
from crnsim.experiment.observables.base import Course, Observable
from crnsim.experiment.point import TASK, Point
from crnsim.experiment.results import point_coordinates
from crnsim.experiment.task import Task, task_of
from crnsim.network.checks import fixed_array
from crnsim.network.network import Network
from crnsim.network.text import kept_text
from crnsim.noise.noise import Noise
from crnsim.outcomes import COUNTS, OK, OUTCOMES, WORKER_KILLED
from crnsim.provenance import code_hash, libraries
from crnsim.simulation.prepare import Runs, prepare
from crnsim.solvers.methods import method_for
from crnsim.store.points import SCHEMA

if TYPE_CHECKING:
    import xarray as xr

#: Species that a report draws, at most.
MOST_SHOWN = 8
#: Bytes that the courses of the runs of one call of the integrator may take.
_BLOCK_BYTES = 64e6


@dataclasses.dataclass
class Observed:
    """What points gave.

    Attributes
    ----------
    output, expected : numpy.ndarray, shape (points, inputs, observables)
        What was measured, nan for a run that did not end ok, and what is right.
    right : numpy.ndarray, shape (points, inputs, observables)
    error : numpy.ndarray, shape (points,)
        The largest estimated error of the runs of a point, in tolerances.
    counts : dict of numpy.ndarray, shape (points,)
    status : numpy.ndarray, shape (points,)
        That of the first input that did not end ok, if there is one.
    reasons : list of str
    courses : dict of numpy.ndarray, shape (inputs, times, species)
        Concentrations over time of recorded points, by number: of the inputs and species that `course_rows` says.
    """

    output: np.ndarray
    expected: np.ndarray
    right: np.ndarray
    error: np.ndarray
    counts: dict[str, np.ndarray]
    status: np.ndarray
    reasons: list[str]
    courses: dict[int, np.ndarray] = dataclasses.field(default_factory=dict)


def observe_points(
    points: Sequence[Point],
    *,
    record: Collection[str] = (),
    progress: Callable[[float], None] | None = None,
) -> xr.Dataset:
    """Run points of one network and judge them; a point's numbers do not depend on the points beside it.

    See `crnsim.experiment.run.run_points`.
    """
    task = task_of(points[0].source)
    cells: dict[Any, list[int]] = {}
    for number, point in enumerate(points):
        key = (point.running_time, json.dumps(point.noise.to_dict(), sort_keys=True), point.seed)
        cells.setdefault(key, []).append(number)
    found = nothing_observed(task, points)
    for done, members in enumerate(cells.values()):
        one = points[members[0]]
        part = observe(
            task,
            [points[i].replicate for i in members],
            running_time=one.running_time,
            noise=one.noise,
            parameters=dict(one.circuit_parameters),
            seed=one.seed,
            rtol=one.rtol,
            atol=one.atol,
            max_steps=one.max_steps,
            method=one.method,
            recorded=[place for place, i in enumerate(members) if points[i].key in record],
        )
        found.courses |= {members[place]: course for place, course in part.courses.items()}
        for field in ("output", "right", "error", "status"):
            getattr(found, field)[members] = getattr(part, field)
        for name, column in found.counts.items():
            column[members] = part.counts[name]
        for place, member in enumerate(members):
            found.reasons[member] = part.reasons[place]
        if progress is not None:
            progress((done + 1) / len(cells))
    return as_dataset(task, points, found)


def nothing_observed(task: Task, points: Sequence[Point]) -> Observed:
    """What points have before they are run."""
    one = points[0]
    expected = task.expected(task.observables(one.running_time))
    shape = (len(points), *expected.shape)
    return Observed(
        output=np.full(shape, np.nan),
        expected=np.broadcast_to(expected, shape),
        right=np.zeros(shape),
        error=np.full(len(points), np.nan),
        counts={name: np.zeros(len(points), dtype=np.int64) for name in COUNTS},
        status=np.full(len(points), OK),
        reasons=[""] * len(points),
    )


def killed(points: Sequence[Point], why: str) -> xr.Dataset:
    """Return results of points whose worker process was killed; see `crnsim.experiment.run.killed_points`."""
    task = task_of(points[0].source)
    found = nothing_observed(task, points)
    found.status[:] = WORKER_KILLED
    found.reasons[:] = [why] * len(points)
    return as_dataset(task, points, found)


def observe(
    task: Task,
    replicates: Sequence[int],
    *,
    running_time: float,
    noise: Noise,
    parameters: dict[str, float],
    seed: int,
    rtol: float,
    atol: float | str,
    max_steps: int,
    method: str,
    recorded: Sequence[int] = (),
) -> Observed:
    """Run replicates of a task under one condition, every input for itself, and judge them.

    Of the replicates at the places `recorded` the course is kept, which changes no other number.

    A replicate has the rate constants and the kicks of the replicate of `crnsim.simulate` with that number, whatever
    the input; a replicate without noise is the first one.
    """
    observables = task.observables(running_time)
    expected = task.expected(observables)
    numbers = list(replicates) if noise.acting else [0]
    rates, starts = _set_parameters(task, parameters)
    looked_at = _times(observables, running_time)
    runs = prepare(
        task.network,
        _with_course(looked_at) if recorded else looked_at,
        method=method_for(method, volume=noise.intrinsic > 0),
        rates=rates,
        initial={},
        replicates=1,
        noise=noise if noise.acting else None,
        volume=None,
        seed=seed if noise.acting else None,
        species=None,
        rtol=rtol,
        atol=None if atol == "scaled" else float(atol),
        max_steps=max_steps,
        estimate=True,
    )
    n_inputs = len(starts)
    runs = dataclasses.replace(
        runs,
        state=np.tile(starts, (len(numbers), 1)),
        replicates=len(numbers) * n_inputs,
        numbers=np.repeat(numbers, n_inputs),
    )
    wanted = set(recorded if noise.acting else ([0] if recorded else ()))
    found = _judged(runs, looked_at, observables, expected, n_inputs, wanted)
    if len(numbers) < len(replicates):
        found = _repeated(found, len(replicates), recorded)
    return found


def _set_parameters(task: Task, parameters: dict[str, float]) -> tuple[dict[str, float], np.ndarray]:
    """Rate parameters, and starts with what is set in them."""
    rates = {name: value for name, value in parameters.items() if task.network.has_parameter(name)}
    starts = task.starts.copy()
    for name, value in parameters.items():
        if name not in rates:
            starts[:, task.network.row(name)] = value
    return rates, starts


def _times(observables: dict[str, Observable], running_time: float) -> np.ndarray:
    """All times that observables need, beginning and end among them; those that are as good as equal once."""
    times = np.unique(np.concatenate([[0.0, running_time], *(one.times() for one in observables.values())]))
    apart = np.append(True, np.diff(times) > 1e-9 * running_time)
    times = times[apart]
    times[-1] = running_time
    return times


def _with_course(times: np.ndarray) -> np.ndarray:
    """Times with those of a course among them, but for those that are as good as there."""
    end = float(times[-1])
    more = np.linspace(0.0, end, KEPT_TIMES)
    apart = np.min(np.abs(more[:, None] - times), axis=1) > 1e-9 * end
    return np.sort(np.concatenate([times, more[apart]]))


def course_rows(network: Network, observables: dict[str, Observable]) -> np.ndarray:
    """Rows of the species of which courses are kept: all, or of many those that are looked at, and the first."""
    named = np.concatenate([np.zeros(0, dtype=int), *(one.rows() for one in observables.values())])
    chosen = list(dict.fromkeys([*named.tolist(), *range(network.n_species)]))[:KEPT_SPECIES]
    return np.array(sorted(chosen))


def _judged(
    runs: Runs,
    looked_at: np.ndarray,
    observables: dict[str, Observable],
    expected: np.ndarray,
    n_inputs: int,
    recorded: Collection[int],
) -> Observed:
    own = np.isin(runs.times, looked_at) if recorded else slice(None)
    grid = np.linspace(0.0, runs.times[-1], KEPT_TIMES)
    nearest = np.argmin(np.abs(runs.times[:, None] - grid), axis=0) if recorded else []
    rows, n_kept = course_rows(runs.network, observables), min(n_inputs, KEPT_INPUTS)
    courses = {number: np.full((n_kept, KEPT_TIMES, len(rows)), np.nan, np.float32) for number in recorded}
    n_points, total = runs.replicates // n_inputs, runs.replicates
    shape = (n_points, n_inputs, len(observables))
    output, right = np.full(shape, np.nan), np.zeros(shape)
    status, reasons = np.full(n_points, OK), [""] * n_points
    error = np.full(n_points, np.nan)
    counts = {name: np.zeros(n_points, dtype=np.int64) for name in COUNTS}
    size = max(int(_BLOCK_BYTES / (24 * len(runs.times) * max(runs.network.n_species, 1))) // 8, 1) * 8
    for first in range(0, total, size):
        part = runs.part(first, min(first + size, total))
        for place, number in enumerate(range(first, min(first + size, total))):
            point, row = divmod(number, n_inputs)
            for name, column in counts.items():
                column[point] += int(part.record.run[name][place])
            error[point] = np.fmax(error[point], part.errors[place])
            whole = part.record.trajectory[place, 0]
            if point in courses and row < n_kept:
                courses[point][row] = whole[nearest][:, rows]
            outcome = int(part.record.run["status"][place])
            if outcome != OK:
                if status[point] == OK:
                    status[point] = outcome
                    where = f"input {row + 1}: " if n_inputs > 1 else ""
                    reasons[point] = f"{where}{part.reasons[place]}"
                continue
            course = Course(fixed_array(looked_at), fixed_array(whole[own]), runs.network)
            for index, one in enumerate(observables.values()):
                output[point, row, index] = measured = one.measure(course, float(expected[row, index]))
                right[point, row, index] = one.right(measured, float(expected[row, index]))
    failed = status != OK
    output[failed], right[failed] = np.nan, 0.0
    return Observed(output, np.broadcast_to(expected, shape), right, error, counts, status, reasons, courses)


def _repeated(found: Observed, count: int, recorded: Sequence[int]) -> Observed:
    """Replicates without noise are all the same."""

    def again(values: np.ndarray) -> np.ndarray:
        return np.repeat(values[:1], count, axis=0)

    return Observed(
        **{name: again(getattr(found, name)) for name in ("output", "expected", "right", "error", "status")},
        counts={name: again(column) for name, column in found.counts.items()},
        reasons=found.reasons[:1] * count,
        courses=dict.fromkeys(recorded, found.courses[0]) if recorded else {},
    )


def as_dataset(task: Task, points: Sequence[Point], found: Observed) -> xr.Dataset:
    """Return what points gave in the form of every sweep (``docs/file-format.md``)."""
    import xarray as xr

    flags = {"flag_values": np.arange(len(OUTCOMES), dtype=np.int8), "flag_meanings": " ".join(OUTCOMES)}
    ok = found.status == OK
    score = np.where(ok, found.right.mean(axis=(1, 2)), 0.0)
    dims = ("point", "sample", "target")
    title = "share of (input, observable) pairs that are right, 0 for a run that is not ok"
    data = xr.Dataset(
        {
            "status": ("point", found.status.astype(np.int8), flags),
            "reason": ("point", np.array(found.reasons, dtype=object)),
            "score": ("point", score, {"units": "1", "long_name": title}),
            "error": ("point", found.error, {"units": "tolerances", "long_name": "estimated error"}),
            **{name: ("point", column) for name, column in found.counts.items()},
            "output": (dims, found.output, {"units": "1", "long_name": "what was measured"}),
            "expected": (dims, np.array(found.expected), {"units": "1", "long_name": "what is right"}),
            "right": (dims, found.right, {"units": "1", "long_name": "1 where it is right, or how right"}),
        },
        coords=point_coordinates(points)
        | {"sample": np.arange(len(task.starts), dtype=np.int32), "target": list(task.given)},
        attrs=_attributes(points[0], task),
    )
    if not found.courses:
        return data
    kept = _courses(task, points, found)
    return data.merge(kept, combine_attrs="drop_conflicts")


def _courses(task: Task, points: Sequence[Point], found: Observed) -> xr.Dataset:
    """The courses of recorded points, with inputs in the place of presentations."""
    import xarray as xr

    rows = course_rows(task.network, task.observables(points[0].running_time))
    kept = np.stack(list(found.courses.values()))
    fraction = np.linspace(0.0, 1.0, KEPT_TIMES)
    return xr.Dataset(
        {
            "trajectory": (
                ("recorded", "presentation", "fraction", "species"),
                kept,
                {"units": "1", "long_name": "concentration"},
            )
        },
        coords={
            "recorded": [points[number].key for number in found.courses],
            "presentation": np.arange(1, kept.shape[1] + 1, dtype=np.int32),
            "fraction": ("fraction", fraction, {"long_name": "time as a fraction of the running time"}),
            "species": [task.network.labels[row] for row in rows],
        },
    )


def _looked_at(task: Task, point: Point) -> dict[str, Any]:
    """What is worth showing: the species that observables name; of the kept ones."""
    observables = task.observables(point.running_time)
    named = dict.fromkeys(row for one in observables.values() for row in one.rows().tolist())
    kept = course_rows(task.network, observables).tolist()
    shown = [row for row in named if row in kept] or kept
    return {
        "title": "Species",
        "note": "",
        "species": [[task.network.labels[row], None] for row in shown[:MOST_SHOWN]],
    }


def _attributes(point: Point, task: Task) -> dict[str, Any]:
    parameters = {**task.network.parameters, **dict(point.circuit_parameters)}
    return {
        "schema": SCHEMA,
        "dataset": point.dataset,
        "layers": json.dumps(list(point.layers)),
        "circuit": point.circuit,
        "activation": point.activation,
        "parameters": json.dumps(parameters, sort_keys=True),
        "circuit_parameters": json.dumps(dict(point.circuit_parameters), sort_keys=True),
        "activation_parameters": "{}",
        "mode": point.mode,
        "method": point.method,
        "network_text": kept_text(task.network),
        TASK: str(dict(point.source)[TASK]),
        "signals": json.dumps([_looked_at(task, point)]),
        "learning_rate": point.learning_rate,
        "epochs": point.epochs,
        "rtol": point.rtol,
        "atol": point.atol,
        "max_steps": point.max_steps,
        "code_version": __version__,
        "code_hash": code_hash(),
        "libraries": libraries(),
    }


def check_parameter(network: Network, said: Sequence[tuple[str, Sequence[str]]], name: str) -> None:
    """Refuse a swept parameter that is no rate parameter and no single species of the network, or is said elsewhere.

    Parameters
    ----------
    network : Network
    said : sequence of (str, sequence of str)
        Where concentrations at the start are given, and of which species.
    name : str

    Raises
    ------
    InputError
        It names what was said.
    """
    network.check_parameter(name, species=True)
    if network.has_parameter(name):
        return
    for where, row in said:
        if name in row or name.partition("[")[0] in row:
            raise InputError(f"{name} is swept, and {where} says it too; leave it out of one of them")
