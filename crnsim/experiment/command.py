"""A point in words: the command line that computes it alone."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any

from crnsim.circuits.circuit import OBSERVATION
from crnsim.experiment.point import TASK, mode_of
from crnsim.noise.kinds import NOISE_KINDS
from crnsim.noise.noise import Noise


def command(values: Mapping[str, Any]) -> str:
    """Return the command line that repeats one run, with everything that determines its numbers.

    Parameters
    ----------
    values : mapping
        As from `Point.to_dict`; noise, tolerances and budget may be left out.
    """
    noise = values["noise"]
    if mode_of(tuple(dict(values.get("source", ())).items()), ()) == OBSERVATION:
        return shlex.join(_simulate(values))
    words = ["crnsim", *_what(values), "--circuit", str(values["circuit"])]
    words += ["--activation", str(values["activation"])]
    own = dict(values["activation_parameters"])
    words += _options({name: own.pop(name) for name in ("h", "kz", "derivative") if name in own})
    words += ["--layers", ",".join(map(str, values["layers"]))]
    words += _options({name: values[name] for name in ("running_time", "epochs", "learning_rate")})
    for name, value in (own | dict(values["circuit_parameters"])).items():
        words += ["--set", f"{name}={_plain(value)}"]
    words += _noise(Noise(**noise))
    words += _options(
        {name: values[name] for name in ("replicate", "seed", "rtol", "atol", "max_steps") if name in values}
    )
    if values.get("method", "auto") != "auto":
        words += ["--method", values["method"]]
    return shlex.join(words)


def _simulate(values: Mapping[str, Any]) -> list[str]:
    """Return the words that run an input of a network of the user's own; the first where none is said."""
    source = dict(values["source"])
    task = json.loads(str(source[TASK]))
    given = dict(values["circuit_parameters"])
    row = {k: v for k, v in (task["inputs"] or [{}])[values.get("input", 1) - 1].items() if k != "expect"}
    # As in a sweep, a swept concentration replaces that of an input.
    start = {name: value for name, value in (task["initial"] | row).items() if name not in given}
    place = str(source.get("file") or source["network"])
    words = ["crnsim", "simulate", f"./{place}" if place.startswith("-") else place]
    words += _options({"t": values["running_time"]})
    for option, numbers in (("--set", given), ("--initial", start)):
        for name, value in numbers.items():
            words += [option, f"{name}={_plain(value)}"]
    acting = _noise(Noise(**values["noise"]))
    words += acting
    words += _options({name: values[name] for name in ("replicate", "seed") if acting})
    words += _options({name: values[name] for name in ("rtol", "max_steps") if name in values})
    words += _options({"atol": values["atol"]}) if values.get("atol", "scaled") != "scaled" else []
    return words + (["--method", values["method"]] if values.get("method", "auto") != "auto" else [])


def _noise(noise: Noise) -> list[str]:
    """Return the options of the kinds of noise that act."""
    words: list[str] = []
    for kind in noise.acting:
        options, magnitude = noise.options(kind), noise.magnitudes[kind.name]
        if kind.name not in NOISE_KINDS:
            chosen = "".join(f",{name}={_plain(value).lower()}" for name, value in options.items())
            words += ["--noise", f"{noise.asked_as(kind)}={_plain(magnitude)}{chosen}"]
            continue
        words += _options({kind.coordinate: magnitude})
        words += _options({name: value for name, value in options.items() if not isinstance(value, bool)})
        words += [f"--{name.replace('_', '-')}" for name, value in options.items() if value is True]
    return words


def _what(values: Mapping[str, Any]) -> list[str]:
    """Return the words that say which data set is trained on, or which weights are given to a circuit."""
    source, weights = dict(values.get("source", ())), dict(values.get("weights", ()))
    words = ["infer" if weights else "train", str(source.get("file", values["dataset"]))]
    if source:
        words += ["--target", source["target"], "--task", source["task"], "--label", str(values["dataset"])]
    if weights:
        words += ["--weights", str(weights.get("file", weights.get("by", "")))]
    return words


def _options(values: dict[str, Any]) -> list[str]:
    return [word for name, value in values.items() for word in (f"--{name.replace('_', '-')}", _plain(value))]


def _plain(value: Any) -> str:
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)
