"""Check the sweep of a network of the user's own against what there is: the network, its inputs and observables."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from crnsim.errors import InputError
from crnsim.noise.network import scope_of
from crnsim.sweep.config.mistakes import Mistake, Mistakes
from crnsim.sweep.config.of_network import MOST_DESIGNS, with_network
from crnsim.sweep.config.resolve import ResolvedSettings, network_settings, network_source

if TYPE_CHECKING:
    from crnsim.experiment.point import Parameters
    from crnsim.network.network import Network
    from crnsim.sweep.config.model import Sweep

#: Where concentrations at the start are given, and of which species; see `crnsim.experiment.task.Task`.
Said = tuple[tuple[str, tuple[str, ...]], ...]


def check_without_network(sweep: Sweep) -> None:
    """Refuse what only a network of the user's own has."""
    for key in ("initial", "inputs", "observables", "parameters"):
        if getattr(sweep, key):
            raise Mistake((key,), "belongs to a network of your own; give network: FILE too, or leave it out")
    if sweep.mode == "observation":
        raise Mistake(("mode",), "observation is that of a network; give network: FILE, or leave mode out")
    if sweep.solver.atol == "scaled":
        raise Mistake(("solver", "atol"), "scaled is for a network of your own; give a number")


def check_network(sweep: Sweep, mistakes: Mistakes) -> tuple[str, Parameters, ResolvedSettings]:
    """Return the label of the network, what identifies its task, and its settings.

    Raises
    ------
    SeveralMistakes
        With the paths of the keys, and what `mistakes` had noted already.
    """
    count = math.prod(map(len, sweep.parameters.values()))
    if count > MOST_DESIGNS:
        mistakes.note(Mistake(("parameters",), f"make {count} combinations; at most {MOST_DESIGNS} are run"))
    for one in _left_over(sweep):
        mistakes.note(one)
    with mistakes.noted():
        _check_method(sweep)
    network = None
    with mistakes.noted():
        network = _network(sweep)
    if network is None:
        mistakes.judge()
    assert network is not None
    source: Parameters = ()
    settings = network_settings(sweep)
    said = _check_task(sweep, network, settings, mistakes) if sweep.observables else ()
    for name, values in sweep.parameters.items():
        with mistakes.noted():
            _check_parameter(network, said, name, values)
    if not mistakes.found:
        with mistakes.noted():
            source = _source(sweep)
    _check_noise_on(network, settings, mistakes)
    mistakes.judge()
    return next(iter(sweep.datasets)), source, settings


def _check_noise_on(network: Network, settings: ResolvedSettings, mistakes: Mistakes) -> None:
    kicks = settings.noise.concentrations
    if kicks is not None:
        try:
            scope_of(network, str(kicks.scope))
        except InputError as error:
            mistakes.note(Mistake(("noise", "concentrations", "scope"), str(error)))
    if getattr(settings.noise, "inputs", None) is not None:
        what = "acts on samples that are shown, and a network has none; leave it out"
        mistakes.note(Mistake(("noise", "inputs"), what))


def _left_over(sweep: Sweep) -> list[Mistake]:
    """Return keys of circuits, for what stands there follows from the network; and whether something is missing."""
    whole = sweep.to_dict()
    plain = {name: value for name, value in whole.items() if name in ("network", "parameters", "solver")}
    made = with_network(plain)
    found = [
        Mistake((key,), "belongs to circuits; a sweep with network: has none, leave it out")
        for key in ("circuit", "mode", "weights", "circuit_parameters", "claims", "tuned")
        if whole.get(key) and whole[key] != made.get(key)
    ]
    if set(sweep.datasets) != set(made["datasets"]) or any(
        settings.model_fields_set for settings in sweep.datasets.values()
    ):
        found.append(Mistake(("datasets",), "a sweep with network: has inputs instead; leave it out"))
    designs = {
        label: {"name": spec.name, "circuit_parameters": dict(spec.circuit_parameters)}
        for label, spec in sweep.activations.items()
    }
    if designs != {label: {"circuit_parameters": {}} | one for label, one in made["activations"].items()}:
        found.append(Mistake(("activations",), "a sweep with network: has parameters instead; leave it out"))
    if not sweep.observables:
        found.append(Mistake(("observables",), "is missing: what is looked at, and what counts as right"))
    return found


def _network(sweep: Sweep) -> Network:
    from crnsim.interchange.registry import find_network

    try:
        return find_network(str(sweep.network))
    except InputError as error:
        raise Mistake(("network",), str(error)) from None


def _source(sweep: Sweep) -> Parameters:
    try:
        return network_source(sweep)
    except InputError as error:
        raise _placed(sweep, str(error)) from None


def _check_task(sweep: Sweep, network: Network, settings: ResolvedSettings, mistakes: Mistakes) -> Said:
    """Note what is wrong with observables, starts and inputs; return of which species starts are given, and where."""
    from crnsim.experiment.task import EXPECT, make_task

    said: Said = ()
    try:
        task = make_task(network, sweep.observables, initial=sweep.initial, inputs=sweep.inputs)
        said = task.said
        for time in settings.running_times:
            task.expected(task.observables(time))
    except InputError as error:
        mistakes.note(_placed(sweep, str(error)))
        # One does not hide the next; what inputs expect of others is not asked.
        _check_starts(sweep, network, mistakes)
        rows = [{n: v for n, v in row.items() if n != EXPECT} for row in sweep.inputs or ()] or None
        for name, one in sweep.observables.items():
            try:
                for time in settings.running_times:
                    make_task(network, {name: one}, initial=sweep.initial, inputs=rows).observables(time)
            except InputError as alone:
                mistakes.note(_placed(sweep, str(alone)))
    return said


def _check_starts(sweep: Sweep, network: Network, mistakes: Mistakes) -> None:
    """Note which concentrations at the start fit nothing, row by row."""
    for path, row in [
        (("initial",), sweep.initial),
        *((("inputs", n), one) for n, one in enumerate(sweep.inputs or ())),
    ]:
        if path in [one.path for one in mistakes.found]:
            continue
        try:
            network.state({name: value for name, value in (row or {}).items() if name != "expect"})
        except InputError as error:
            mistakes.note(Mistake(path, str(error)))


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


def _check_parameter(network: Network, said: Said, name: str, values: Sequence[float]) -> None:
    from crnsim.experiment.observe import check_parameter

    if len(set(values)) < len(values):
        raise Mistake(("parameters", name), "lists a value twice; give each once")
    try:
        check_parameter(network, said, name)
    except InputError as error:
        raise Mistake(("parameters", name), str(error)) from None
