"""The robustness of a network as a labelled cube: how often it is right, over noise, time and parameters."""

from __future__ import annotations

import itertools
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from crnsim.entrance.arguments import check_number, check_seed, check_whole
from crnsim.entrance.limits import (
    LARGEST_RATE,
    LARGEST_TOLERANCE,
    LONGEST_TIME,
    MOST_STEPS,
    SHORTEST_TIME,
    SMALLEST_RTOL,
)
from crnsim.entrance.objects import check_array, check_function, check_instance, check_mapping
from crnsim.errors import InputError
from crnsim.network.network import Network
from crnsim.network.text import kept_text
from crnsim.noise.noise import Noise, NoiseLike
from crnsim.outcomes import OUTCOMES
from crnsim.simulation.arguments import check_noise

if TYPE_CHECKING:
    import xarray as xr

    from crnsim.experiment.task import Task

#: Names in the cube.
_TAKEN = {
    *("running_time", "level", "replicate", "input", "observable", "noise_kind", "magnitude"),
    *("score", "right", "measured", "status", "error"),
}
#: Inputs whose start is kept with a cube, at most.
MOST_STARTS = 100
#: From this many tolerances on an error is worth a warning, as in `crnsim.simulate`.
_MUCH = 8.0


def robustness(
    network: Network,
    *,
    readout: Mapping[str, Mapping[str, Any]],
    running_times: Sequence[float] | float,
    noise: NoiseLike | None = None,
    parameters: Mapping[str, Sequence[float]] | None = None,
    initial: Mapping[str, float] | None = None,
    inputs: Sequence[Mapping[str, Any]] | None = None,
    replicates: int = 100,
    seed: int = 0,
    rtol: float = 1e-6,
    max_steps: int = 1_000_000,
    progress: Callable[[float], Any] | None = None,
) -> xr.Dataset:
    """Return how often a network does what it is to do, over noise, running time and parameters.

    Parameters
    ----------
    network : Network
    readout : mapping of str to mapping
        Observables by name: what is looked at, and what counts as right, such as
        ``{"out": {"value": "B", "target": 1.0, "tolerance": 0.1}}`` or
        ``{"winner": {"highest": ["X", "Y"], "expected": "X"}}``; see ``docs/networks.md``.
    running_times : float or sequence of float
        Times at which runs end and are read out.
    noise : mapping or Noise, optional
        Magnitudes by kind, ``{"rates": [0.05, 0.1], "concentrations": [0.1]}``, each kind an axis of its own beside the
        run without noise; and options of kinds by their keyword, such as ``"interval": 2.0``. Or as in a sweep file:
        ``{"rates": {"magnitudes": [0.05, 0.1], "mode": "static"}}``.
        A `crnsim.Noise` is a level with all of its kinds.
    parameters : mapping of str to sequence, optional
        Values of rate parameters, or concentrations of single species at the start; every combination is run.
    initial : mapping, optional
        Concentrations at the start, over those of the network.
    inputs : sequence of mapping, optional
        Rows of concentrations over these, each a run of its own; under ``"expect"`` what is right, by observable.
    replicates : int
        Of each condition; a replicate has rate constants and kicks of its own, and without noise all are the same.
    seed : int
    rtol : float
        Relative tolerance; absolute ones follow from the scale of each species, as in `crnsim.simulate`.
    max_steps : int
        Budget of a run.
    progress : callable, optional
        Called with the share that is done.

    Returns
    -------
    xarray.Dataset
        ``score`` (the parameters, running_time, level, replicate): the share of inputs and observables that are right,
        0 for a replicate that did not end well; ``right`` and ``measured`` with dimensions ``input`` and
        ``observable`` too; ``status``; ``error``, the largest estimated error of a replicate's runs, in tolerances.
        ``level`` has the coordinates ``noise_kind`` and ``magnitude``.

    Raises
    ------
    InputError
        Something does not fit: one line that says what.
    """
    from crnsim.experiment.observe import check_parameter, observe
    from crnsim.experiment.task import make_task

    check_instance("network", network, Network, "a crnsim.Network, such as that of crnsim.read_crn")
    task = make_task(network, readout, initial=initial, inputs=inputs)
    listed = [running_times] if isinstance(running_times, (int, float)) else running_times
    wanted = "durations, such as [10, 100]"
    times = check_array("running_times", listed, wanted=wanted, least=SHORTEST_TIME, most=LONGEST_TIME)
    levels = _levels(noise)
    swept = _swept(parameters)
    for name in swept:
        check_parameter(task.network, task.said, name)
    common: dict[str, Any] = {
        "seed": check_seed(seed),
        "rtol": check_number("rtol", rtol, least=SMALLEST_RTOL, most=LARGEST_TOLERANCE),
        "atol": "scaled",
        "max_steps": check_whole("max_steps", max_steps, most=MOST_STEPS),
        "method": "auto",
    }
    numbers = range(check_whole("replicates", replicates, most=1_000_000))
    said = check_function("progress", progress, "a function of the share that is done")
    if times.ndim != 1 or not len(times) or len(set(times.tolist())) < len(times):
        raise InputError("running_times must be a list of different durations, such as [10, 100]")
    for time in times.tolist():
        task.expected(task.observables(time))
        for level in levels:
            level.check_events(time)
    cells = list(itertools.product(*swept.values(), times.tolist(), levels))
    found = []
    for done, (*values, time, level) in enumerate(cells):
        given = dict(zip(swept, values, strict=True))
        found.append(observe(task, numbers, running_time=time, noise=level, parameters=given, **common))
        if said is not None:
            said((done + 1) / len(cells))
    return _cube(found, task, swept, times, levels, common, len(numbers))


def _attributes(task: Task, common: dict[str, Any]) -> dict[str, Any]:
    return {
        "observables": json.dumps(task.given, sort_keys=True, default=repr),
        "network_text": kept_text(task.network),
        "starts": json.dumps([_there(task.network, start) for start in task.starts[:MOST_STARTS]]),
        **{name: common[name] for name in ("seed", "rtol", "atol", "max_steps", "method")},
    }


def _there(network: Network, start: np.ndarray) -> dict[str, float]:
    """What is there at the start of an input, by species."""
    return {network.labels[row]: float(start[row]) for row in np.flatnonzero(start)}


def _levels(noise: NoiseLike | None) -> list[Noise]:
    """Levels of noise: none, and each magnitude of each kind by itself."""
    from crnsim.noise.kinds import NOISE_KINDS
    from crnsim.noise.noise import own_section

    if isinstance(noise, Noise):
        return [Noise(), check_noise(noise)] if noise.acting else [Noise()]
    given = dict(
        check_mapping(
            "noise", {} if noise is None else noise, "magnitudes by kind, such as {'rates': [0.05, 0.1]}"
        )
    )
    sections = {name: given.pop(name) for name in list(given) if name in NOISE_KINDS or ":" in str(name)}
    if "inputs" in sections:
        raise InputError("noise: inputs acts on samples that are shown, and here are none; leave it out")
    levels = [Noise()]
    for name, section in sections.items():
        # As in a sweep file, where the options of a kind stand beside its magnitudes.
        options = dict(section) if isinstance(section, Mapping) else {"magnitudes": section}
        listed = options.pop("magnitudes", None)
        wanted = "magnitudes, such as [0.05, 0.1]"
        if listed is None:
            raise InputError(f"noise {name} has no magnitudes; give {wanted}")
        values = check_array(
            f"noise {name}",
            [listed] if isinstance(listed, (int, float)) else listed,
            wanted=wanted,
            least=0.0,
            most=LARGEST_RATE,
        )
        if values.ndim != 1 or not len(values) or len(set(values.tolist())) < len(values):
            raise InputError(f"noise {name} must be a list of different {wanted}")
        levels += [
            Noise(**{**given, **own_section(name, value, options)}) for value in values.tolist() if value
        ]
    if given and not sections:
        Noise(**given)
        raise InputError(f"noise: {next(iter(given))} belongs to a kind; give its magnitudes too")
    return levels


def _swept(parameters: Mapping[str, Sequence[float]] | None) -> dict[str, list[float]]:
    given = check_mapping(
        "parameters", {} if parameters is None else parameters, "values by name, such as {'k': [0.5, 1.0]}"
    )
    found = {}
    for name, listed in given.items():
        wanted = "a list of numbers, such as [0.5, 1.0]"
        values = check_array(f"parameters: {name}", listed, wanted=wanted, least=0.0, most=LARGEST_RATE)
        if name in _TAKEN:
            raise InputError(f"parameters: the cube has a {name} of its own; give the parameter another name")
        if values.ndim != 1 or not len(values) or len(set(values.tolist())) < len(values):
            raise InputError(f"parameters: {name} must be a list of different numbers, such as [0.5, 1.0]")
        found[name] = values.tolist()
    return found


def _cube(
    found: list[Any],
    task: Any,
    swept: dict[str, list[float]],
    times: np.ndarray,
    levels: list[Noise],
    common: dict[str, Any],
    n_replicates: int,
) -> xr.Dataset:
    import xarray as xr

    from crnsim import __version__

    shape = (*map(len, swept.values()), len(times), len(levels), n_replicates)
    names = (*swept, "running_time", "level", "replicate")
    pairs = (*names, "input", "observable")

    def stacked(field: str) -> np.ndarray:
        values = np.stack([np.asarray(getattr(one, field)) for one in found])
        return values.reshape(*shape, *values.shape[2:])

    status, right, error = stacked("status"), stacked("right"), stacked("error")
    score = np.where(status == 0, right.mean(axis=(-2, -1)), 0.0)
    if warned := int(np.sum(error > _MUCH)):
        logging.getLogger("crnsim").warning(
            "robustness: the errors of %d of %d replicates are more than %g tolerances, the largest %.2g, some %.1g "
            "of a concentration; ask for a smaller rtol where that matters",
            *(warned, error.size, _MUCH, float(np.nanmax(error)), float(np.nanmax(error) * common["rtol"])),
        )
    flags = {"flag_values": np.arange(len(OUTCOMES), dtype=np.int8), "flag_meanings": " ".join(OUTCOMES)}
    return xr.Dataset(
        {
            "score": (names, score, {"long_name": "share of inputs and observables that are right"}),
            "right": (pairs, right),
            "measured": (pairs, stacked("output")),
            "status": (names, status.astype(np.int8), flags),
            "error": (names, error, {"units": "tolerances", "long_name": "largest estimated error"}),
        },
        coords={
            **swept,
            "running_time": (
                "running_time",
                times,
                {"long_name": "end of a run, in the unit of the rate constants"},
            ),
            "noise_kind": ("level", [level.kind for level in levels]),
            "magnitude": (
                "level",
                [next((m for m in level.magnitudes.values() if m), 0.0) for level in levels],
            ),
            "replicate": np.arange(n_replicates),
            "observable": list(task.given),
        },
        attrs={"version": __version__, **_attributes(task, common)},
    )
