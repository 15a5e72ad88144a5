"""A sweep with nothing left open: the files it names are read, and defaults filled in, once for each command."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from crnsim.sweep.config.model import DatasetSettings, Sweep
from crnsim.sweep.config.noise_axes import NoiseAxes
from crnsim.sweep.config.replicates import looks_of
from crnsim.sweep.config.tuned import Tuned, read_tuned

if TYPE_CHECKING:
    from crnsim.experiment.point import Parameters


@dataclass(frozen=True)
class ResolvedSettings:
    """Settings of one data set after its differences and its defaults; see `crnsim.sweep.config.model`.

    `replicates` are those that a cell may have at most, `looks` those that it has at each look.
    """

    layers: tuple[int, ...]
    epochs: int
    learning_rate: float
    activations: tuple[str, ...]
    running_times: tuple[float, ...]
    noise: NoiseAxes
    replicates: int
    looks: tuple[int, ...]
    circuit_parameters: dict[str, float | str]


@dataclass(frozen=True)
class ResolvedSweep:
    """A sweep and what its files hold, as they were when they were read.

    Attributes
    ----------
    sweep : Sweep
    sources : mapping of str to tuple
        What identifies a data set from a CSV file, by data set; empty for the others.
    settings : mapping of str to ResolvedSettings
        By data set.
    given_weights : tuple
        What identifies the weights of an inference sweep; empty for training.
    tuned : Tuned, optional
        Learning rates that were chosen for its designs.
    """

    sweep: Sweep
    sources: Mapping[str, Parameters]
    settings: Mapping[str, ResolvedSettings]
    given_weights: Parameters
    tuned: Tuned | None = None

    @property
    def fingerprint(self) -> str:
        """Hash of everything but the way the work is cut; knows the content of files that the sweep names."""
        from crnsim.activations import source_hash
        from crnsim.circuits import circuit_source_hash
        from crnsim.noise.kinds import kind_source_hash

        content = {key: value for key, value in self.sweep.to_dict().items() if key != "chunks"}
        content["sources"] = {name: dict(source) for name, source in self.sources.items()}
        content["given"] = dict(self.given_weights)
        if self.tuned is not None:
            content["tuned_hash"] = self.tuned.sha256
        content["paper"] = ""
        if self.sweep.claims:
            # Loads xarray, which takes most of a second: Snakemake asks for the fingerprint in every job.
            from crnsim.metrics.claims import source_hash as paper_hash

            content["paper"] = paper_hash(self.sweep.claims)
        designs = {} if self.sweep.network is not None else self.sweep.activations
        content["units"] = {label: source_hash(spec.name) for label, spec in designs.items()}
        content["circuit_source"] = [circuit_source_hash(name) for name in circuits_of(self.sweep)]
        kinds = {name for settings in self.settings.values() for name in settings.noise.own}
        content["noise_sources"] = {name: kind_source_hash(name) for name in sorted(kinds)}
        if ":" in self.sweep.solver.method:
            from crnsim.solvers.methods import method_source_hash

            content["method_source"] = method_source_hash(self.sweep.solver.method)
        return hashlib.blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=16).hexdigest()


def resolve(sweep: Sweep) -> ResolvedSweep:
    """Read the files that a sweep names and fill in its defaults, without judging it.

    Raises
    ------
    InputError
        A file cannot be used, or a data set is unknown.
    """
    if sweep.network is not None:
        name = next(iter(sweep.datasets))
        return ResolvedSweep(sweep, {name: network_source(sweep)}, {name: network_settings(sweep)}, ())
    sources = {name: resolve_source(given) for name, given in sweep.datasets.items()}
    settings = {name: resolve_settings(sweep, name, source) for name, source in sources.items()}
    tuned = read_tuned(sweep.tuned) if sweep.tuned is not None else None
    return ResolvedSweep(sweep, sources, settings, resolve_weights(sweep), tuned)


def network_source(sweep: Sweep) -> Parameters:
    """Return what identifies the task of a network of the user's own, as its file is now."""
    from crnsim.experiment.task import task_source

    return task_source(str(sweep.network), sweep.observables, sweep.initial, sweep.inputs)


def network_settings(sweep: Sweep) -> ResolvedSettings:
    """Return the settings of a network of the user's own."""
    noise = sweep.noise.model_dump(exclude_unset=True)
    own = {kind: section for kind, section in (noise.get("own") or {}).items() if section is not None}
    return ResolvedSettings(
        layers=(),
        epochs=0,
        learning_rate=0.0,
        activations=tuple(sweep.activations),
        running_times=sweep.running_times,
        noise=NoiseAxes.model_validate(noise | {"own": own}),
        replicates=looks_of(sweep.replicates)[-1],
        looks=looks_of(sweep.replicates),
        circuit_parameters={},
    )


def resolve_source(given: DatasetSettings) -> Parameters:
    """Return what identifies a data set from a CSV file, as its content is now; empty for the others."""
    from crnsim.datasets import csv_source

    return csv_source(given.file, given.target, given.task) if given.file is not None else ()


def resolve_weights(sweep: Sweep) -> Parameters:
    """Return what identifies the weights of an inference sweep, as their file is now; empty for training."""
    from crnsim.experiment.given_weights import SGD, weights_source

    return weights_source(sweep.weights or SGD) if sweep.mode == "inference" else ()


def circuits_of(sweep: Sweep) -> list[str]:
    """Names of the families of circuits of a sweep, its own first."""
    first = sweep.circuit
    return list(dict.fromkeys([first, *(spec.circuit or first for spec in sweep.activations.values())]))


def design_settings(
    settings: ResolvedSettings, sweep: Sweep, label: str, dataset: str, source: Parameters
) -> ResolvedSettings:
    """Return the settings of one design on a data set: its own epochs, learning rate and circuit parameters.

    The learning rate and the circuit parameters of sweep and data set are those of the sweep's circuit.
    """
    from crnsim.circuits import circuit_kind
    from crnsim.datasets import dataset_info

    spec = sweep.activations[label]
    if sweep.network is not None:
        return settings
    if (spec.circuit or sweep.circuit) != sweep.circuit:
        schedule = circuit_kind(spec.circuit or "").schedule
        settings = replace(
            settings,
            circuit_parameters={},
            learning_rate=schedule.get("learning_rate", dataset_info(dataset, source).learning_rate),
            epochs=int(schedule.get("epochs", settings.epochs)),
        )
    return replace(
        settings,
        learning_rate=spec.learning_rate or settings.learning_rate,
        epochs=spec.epochs or settings.epochs,
    )


def resolve_settings(sweep: Sweep, name: str, source: Parameters) -> ResolvedSettings:
    """Return the settings of one data set after its differences and its defaults."""
    from crnsim.circuits import circuit_kind
    from crnsim.datasets import dataset_info

    given, info = sweep.datasets[name], dataset_info(name, source)
    schedule = circuit_kind(sweep.circuit).schedule
    noise = sweep.noise.model_dump(exclude_unset=True)
    for key, value in (given.noise.model_dump(exclude_unset=True) if given.noise else {}).items():
        inherited = noise.get(key)
        noise[key] = inherited | value if isinstance(inherited, dict) and isinstance(value, dict) else value
    # None leaves a kind out, where a data set says so of one that the sweep has.
    looks = looks_of(given.replicates or sweep.replicates)
    noise["own"] = {
        kind: section for kind, section in (noise.get("own") or {}).items() if section is not None
    }
    return ResolvedSettings(
        layers=given.layers or tuple(info.layers),
        epochs=given.epochs or int(schedule.get("epochs", info.epochs)),
        learning_rate=given.learning_rate or schedule.get("learning_rate", info.learning_rate),
        activations=given.activations or tuple(sweep.activations),
        running_times=given.running_times or sweep.running_times,
        noise=NoiseAxes.model_validate(noise),
        replicates=looks[-1],
        looks=looks,
        circuit_parameters=sweep.circuit_parameters | (given.circuit_parameters or {}),
    )
