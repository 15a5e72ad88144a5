"""Check the sweep of a network of the user's own against what there is: the network, its inputs and observables."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from crnsim.errors import InputError
from crnsim.noise.network import scope_of
from crnsim.sweep.config.mistakes import Mistake
from crnsim.sweep.config.of_network import MOST_DESIGNS, with_network
from crnsim.sweep.config.resolve import ResolvedSettings, network_settings, network_source

if TYPE_CHECKING:
    from crnsim.experiment.point import Parameters
    from crnsim.experiment.task import Task
    from crnsim.sweep.config.model import Sweep


def check_without_network(sweep: Sweep) -> None:
    """Refuse what only a network of the user's own has."""
    for key in ("initial", "inputs", "observables", "parameters"):
        if getattr(sweep, key):
            raise Mistake((key,), "belongs to a network of your own; give network: FILE too, or leave it out")
    if sweep.mode == "observation":
        raise Mistake(("mode",), "observation is that of a network; give network: FILE, or leave mode out")
    if sweep.solver.atol == "scaled":
        raise Mistake(("solver", "atol"), "scaled is for a network of your own; give a number")


def check_network(sweep: Sweep) -> tuple[str, Parameters, ResolvedSettings]:
    """Return the label of the network, what identifies its task, and its settings.

    Raises
    ------
    Mistake
        With the path of the key.
    """
    count = math.prod(map(len, sweep.parameters.values()))
    if count > MOST_DESIGNS:
        raise Mistake(("parameters",), f"make {count} combinations; at most {MOST_DESIGNS} are run")
    _check_left_out(sweep)
    try:
        source = network_source(sweep)
        task = _task(sweep)
    except InputError as error:
        raise _placed(sweep, str(error)) from None
    settings = network_settings(sweep)
    _check_method(sweep)
    _check_parameters(sweep, task)
    for time in settings.running_times:
        try:
            task.expected(task.observables(time))
        except InputError as error:
            raise _placed(sweep, str(error)) from None
    kicks = settings.noise.concentrations
    if kicks is not None:
        try:
            scope_of(task.network, str(kicks.scope))
        except InputError as error:
            raise Mistake(("noise", "concentrations", "scope"), str(error)) from None
    if getattr(settings.noise, "inputs", None) is not None:
        raise Mistake(
            ("noise", "inputs"), "acts on samples that are shown, and a network has none; leave it out"
        )
    return next(iter(sweep.datasets)), source, settings


def _check_left_out(sweep: Sweep) -> None:
    """Refuse keys of circuits: what stands there follows from the network."""
    whole = sweep.to_dict()
    plain = {name: value for name, value in whole.items() if name in ("network", "parameters", "solver")}
    made = with_network(plain)
    for key in ("circuit", "mode", "weights", "circuit_parameters", "claims", "tuned"):
        if whole.get(key) and whole[key] != made.get(key):
            raise Mistake((key,), "belongs to circuits; a sweep with network: has none, leave it out")
    if set(sweep.datasets) != set(made["datasets"]) or any(
        settings.model_fields_set for settings in sweep.datasets.values()
    ):
        raise Mistake(("datasets",), "a sweep with network: has inputs instead; leave it out")
    designs = {
        label: {"name": spec.name, "circuit_parameters": dict(spec.circuit_parameters)}
        for label, spec in sweep.activations.items()
    }
    if designs != {label: {"circuit_parameters": {}} | one for label, one in made["activations"].items()}:
        raise Mistake(("activations",), "a sweep with network: has parameters instead; leave it out")
    if not sweep.observables:
        raise Mistake(("observables",), "is missing: what is looked at, and what counts as right")


def _task(sweep: Sweep) -> Task:
    from crnsim.experiment.task import make_task
    from crnsim.interchange.registry import find_network

    try:
        network = find_network(str(sweep.network))
    except InputError as error:
        raise Mistake(("network",), str(error)) from None
    return make_task(network, sweep.observables, initial=sweep.initial, inputs=sweep.inputs)


def _placed(sweep: Sweep, message: str) -> Mistake:
    """Find the key that a message is about, by how it begins."""
    name, _, rest = message.partition(": ")
    if name in sweep.observables:
        if match := re.match(r"input (\d+): ", rest):
            row = int(match[1]) - 1
            own = sweep.inputs is not None and name in (sweep.inputs[row].get("expect") or {})
            if not own:
                return Mistake(("observables", name), rest[match.end() :])
            return Mistake(("inputs", row), f"{name}: {rest[match.end() :]}")
        return Mistake(("observables", name), rest)
    if match := re.match(r"input (\d+)", name):
        return Mistake(("inputs", int(match[1]) - 1), rest)
    if name.startswith(("name of an observable", "observables", "a key of observables")):
        return Mistake(("observables",), message)
    if name == "initial":
        return Mistake(("initial",), rest)
    return Mistake(("network",), message)


def _check_method(sweep: Sweep) -> None:
    from crnsim.solvers.methods import check_counting

    noise = sweep.noise.intrinsic
    try:
        check_counting(sweep.solver.method, counted=noise is not None and any(noise.magnitudes))
    except InputError as error:
        raise Mistake(("solver", "method"), str(error)) from None


def _check_parameters(sweep: Sweep, task: Task) -> None:
    from crnsim.experiment.observe import check_parameters

    for name, values in sweep.parameters.items():
        if len(set(values)) < len(values):
            raise Mistake(("parameters", name), "lists a value twice; give each once")
        try:
            check_parameters(task, {name: values[0]})
        except InputError as error:
            raise Mistake(("parameters", name), str(error)) from None
