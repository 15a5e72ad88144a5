"""What a call of `crnsim.train` or `crnsim.infer` asks for: circuit, data and settings, with their defaults."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from crnsim.circuits import Circuit, circuit_kind, circuit_reference
from crnsim.circuits.arguments import check_layers
from crnsim.entrance.arguments import check_number, check_seed, check_whole, shown
from crnsim.entrance.limits import (
    LARGEST_CONCENTRATION,
    LARGEST_TOLERANCE,
    LONGEST_TIME,
    MOST_EPOCHS,
    MOST_STEPS,
    SHORTEST_TIME,
    SMALLEST_ATOL,
    SMALLEST_RTOL,
)
from crnsim.entrance.objects import check_array, check_flag, check_instance, check_line, check_sequence
from crnsim.errors import Checks, InputError
from crnsim.experiment.build import built_circuit
from crnsim.experiment.point import MAX_STEPS, Parameters, Point
from crnsim.noise.noise import Noise, NoiseLike, as_noise

if TYPE_CHECKING:
    from crnsim.datasets import Dataset, DatasetInfo

#: A data set as it may be given: a name or a path, a table with named columns, arrays (x, y), or samples with a split.
Data = Any


@dataclass(frozen=True)
class Settings:
    """Numbers and words of a call, each looked at; None where the data set has its default."""

    running_time: float | None
    epochs: int | None
    noise: Noise
    seed: int
    rtol: float
    atol: float
    max_steps: int
    method: str


def settings_of(
    checks: Checks,
    *,
    running_time: float | None,
    epochs: int | None,
    noise: NoiseLike | None,
    seed: int,
    rtol: float = 1e-3,
    atol: float = 1e-6,
    max_steps: int = MAX_STEPS,
    method: str = "auto",
) -> Settings:
    """Return the settings of a call, as for `crnsim.train`; `checks` notes those that do not fit."""
    from crnsim.solvers.methods import check_counting, check_presentations

    look = checks.value
    time, times = running_time, epochs
    if time is not None:
        time = look(check_number, "running_time", time, least=SHORTEST_TIME, most=LONGEST_TIME)
    if times is not None:
        times = look(check_whole, "epochs", times, most=MOST_EPOCHS)
    found = as_noise(None)
    with checks.noted():
        found = as_noise(noise)
    with checks.noted():
        check_presentations(method)
        check_counting(method, counted=found.intrinsic > 0)
    return Settings(
        running_time=time,
        epochs=times,
        noise=found,
        seed=look(check_seed, seed),
        rtol=look(check_number, "rtol", rtol, least=SMALLEST_RTOL, most=LARGEST_TOLERANCE),
        atol=look(check_number, "atol", atol, least=SMALLEST_ATOL, most=LARGEST_TOLERANCE),
        max_steps=look(check_whole, "max_steps", max_steps, most=MOST_STEPS),
        method=method,
    )


@dataclass(frozen=True)
class Asked:
    """Circuit and data of a call.

    Attributes
    ----------
    circuit : Circuit
    info : DatasetInfo
        Of the data, with the function that loads a split.
    source : tuple
        What identifies data from a file or from memory; empty for the others.
    built : bool
        The circuit was left out, and built as the command line builds it.
    """

    circuit: Circuit
    info: DatasetInfo
    source: Parameters
    built: bool

    def point(self, settings: Settings) -> Point:
        """Return the first replicate."""
        circuit, schedule = self.circuit, self.circuit.kind.schedule
        time, epochs = settings.running_time, settings.epochs
        if time is None:
            time = float(schedule.get("running_time", self.info.running_time))
        if epochs is None:
            epochs = int(schedule.get("epochs", self.info.epochs))
        settings.noise.check_events(circuit.presentation_time(time))
        if self.built:
            of_circuit: Parameters = ()
            of_unit: Parameters = ()
            rate = float(schedule.get("learning_rate", self.info.learning_rate))
        else:
            of_circuit = tuple(sorted(circuit.parameters.items()))
            of_unit = tuple(sorted(circuit.activation.parameters().items()))
            rate = circuit.learning_rate(time)
        return Point(
            dataset=self.info.name,
            source=self.source,
            layers=circuit.layers,
            circuit=circuit_reference(circuit.kind),
            circuit_parameters=of_circuit,
            activation=circuit.activation.reference,
            activation_parameters=of_unit,
            running_time=time,
            epochs=epochs,
            learning_rate=rate,
            noise=settings.noise,
            replicate=0,
            seed=settings.seed,
            rtol=settings.rtol,
            atol=settings.atol,
            max_steps=settings.max_steps,
            method=settings.method,
        )


def asked_for(
    circuit: Circuit | Data | None,
    dataset: Data | None,
    kind: str,
    *,
    layers: Sequence[int] | None = None,
    target: str | None = None,
    task: str | None = None,
    label: str | None = None,
) -> Asked:
    """Return circuit and data of a call; a data set may stand in the place of the circuit.

    Parameters
    ----------
    circuit, dataset, layers, target, task, label
        As for `crnsim.train`.
    kind : str
        Name of the circuit that is built where none is given.
    """
    if dataset is None and not isinstance(circuit, Circuit):
        circuit, dataset = None, circuit
    checks = Checks()
    if circuit is not None:
        wanted = "a circuit, such as crnsim.onepot((2, 6, 1)), or leave it out"
        checks.value(check_instance, "circuit", circuit, Circuit, wanted)
    sizes = None
    with checks.noted():
        if circuit is not None and layers is not None:
            raise InputError("layers are those of the circuit; leave them out")
        sizes = None if layers is None else check_layers(layers)
    found = checks.value(data_of, dataset, target=target, task=task, label=label)
    checks.judge()
    info, source = found
    if circuit is not None:
        return Asked(circuit, info, source, built=False)
    sizes = sizes or tuple(info.layers)
    if (sizes[0], sizes[-1]) != (info.layers[0], info.layers[-1]):
        raise InputError(_unfit(sizes, info.name, info.layers[0], info.layers[-1]))
    made = built_circuit(
        kind,
        sizes,
        circuit_kind(kind).activation,
        dual_rail=info.dual_rail,
        parameters=(),
        unit_parameters=(),
        samples=info.n_train,
    )
    return Asked(made, info, source, built=True)


def data_of(
    dataset: Data, *, target: str | None = None, task: str | None = None, label: str | None = None
) -> tuple[DatasetInfo, Parameters]:
    """Return what is known of a data set that is named or given, and what identifies it; samples are looked at."""
    from crnsim.datasets import DATASETS, Dataset, given_dataset

    if isinstance(dataset, str):
        check_line("dataset", dataset, most=4000)
    if not isinstance(dataset, Dataset):
        return given_dataset(dataset, target=target, task=task, label=label)
    samples = _checked(dataset)
    info, _ = given_dataset(samples, target=target, task=task, label=label)
    known = DATASETS.get(samples.name)
    if known is not None and (known.layers[0], known.layers[-1]) == (info.layers[0], info.layers[-1]):
        # One of ours, loaded before: its own defaults.
        info = replace(known, load=info.load, n_train=info.n_train, n_test=info.n_test)
    parts = (samples.x_train, samples.y_train, samples.x_test, samples.y_test)
    digest = hashlib.sha256(b"".join(np.ascontiguousarray(part).tobytes() for part in parts))
    return info, (("samples", digest.hexdigest()),)


def _checked(found: Dataset) -> Dataset:
    """Return samples of the user's own: they are looked at, and made arrays of floats."""
    from crnsim.datasets.tables import TASKS

    name = check_line("dataset: its name", found.name)
    if not isinstance(found.task, str) or found.task not in TASKS:
        raise InputError(f"{name}: task is {shown(found.task)}; it must be {' or '.join(TASKS)}")
    two_rails = check_flag(f"{name}: dual_rail", found.dual_rail)
    arrays = {
        f"{axis}_{part}": check_array(
            f"{name}: {axis}_{part}",
            getattr(found, f"{axis}_{part}"),
            wanted="an array of numbers",
            least=-LARGEST_CONCENTRATION,
            most=LARGEST_CONCENTRATION,
        )
        for part in ("train", "test")
        for axis in "xy"
    }
    for part in ("train", "test"):
        x, y = arrays[f"x_{part}"], arrays[f"y_{part}"]
        if x.ndim != 2 or y.ndim != 2 or not x.size or not y.size or len(x) != len(y):
            raise InputError(
                f"{name}: x_{part} and y_{part} have shapes {x.shape} and {y.shape}; they must be (n, features) "
                "and (n, targets), with at least one sample"
            )
        if not two_rails and np.any(x < 0):
            raise InputError(f"{name}: x_{part} has negative features; say so with dual_rail=True")
    fields: dict[str, Any] = {**arrays, "dual_rail": two_rails}
    for axis, field in (("x", "feature_names"), ("y", "target_names")):
        shapes = [arrays[f"{axis}_{part}"].shape for part in ("train", "test")]
        if shapes[0][1] != shapes[1][1]:
            raise InputError(
                f"{name}: {axis}_train and {axis}_test have shapes {shapes[0]} and {shapes[1]}; they must have as many "
                "columns"
            )
        fields[field] = _names(f"{name}: {field}", getattr(found, field), shapes[0][1])
    return replace(found, **fields)


def _names(what: str, given: object, count: int) -> tuple[str, ...]:
    """Return the names of the columns of samples, each once."""
    wanted = f"{count} different name{'' if count == 1 else 's'}, one for each column"
    names = tuple(check_line(f"{what}: a name", one) for one in check_sequence(what, given, wanted))
    if len(names) != count or len(set(names)) != count:
        raise InputError(f"{what} is {shown(given)}; give {wanted}")
    return names


def check_fit(circuit: Circuit, dataset: Dataset) -> None:
    """Raise InputError unless a circuit can be shown the samples of a data set."""
    wanted = (dataset.x_train.shape[1], dataset.y_train.shape[1])
    if (circuit.layers[0], circuit.layers[-1]) != wanted:
        raise InputError(_unfit(circuit.layers, dataset.name, *wanted))
    if dataset.dual_rail and circuit.inputs[1] is None:
        raise InputError(f"{dataset.name} has negative features: build the circuit with dual_rail=True")


def _unfit(layers: tuple[int, ...], name: str, features: int, targets: int) -> str:
    return f"layers {shown(layers)} do not fit {name}: it has {features} features and {targets} targets"
