"""A point in words: the command line that computes it alone."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from crnsim.noise.noise import KINDS


def command(values: Mapping[str, Any]) -> str:
    """Return the command line that repeats one run, with everything that determines its numbers.

    Parameters
    ----------
    values : mapping
        As from `Point.to_dict`; noise, tolerances and budget may be left out.
    """
    noise = values["noise"]
    words = ["crnsim", *_what(values), "--circuit", str(values["circuit"])]
    words += ["--activation", str(values["activation"])]
    own = dict(values["activation_parameters"])
    words += _options({name: own.pop(name) for name in ("h", "kz", "derivative") if name in own})
    words += ["--layers", ",".join(map(str, values["layers"]))]
    words += _options({name: values[name] for name in ("running_time", "epochs", "learning_rate")})
    for name, value in (own | dict(values["circuit_parameters"])).items():
        words += ["--set", f"{name}={_plain(value)}"]
    words += _options({f"noise_{name}": noise[name] for name in KINDS if noise.get(name)})
    if noise.get("rates"):
        words += _options({"rates_mode": noise.get("rates_mode", "static")})
    if noise.get("concentrations"):
        words += _options({name: noise[name] for name in ("scope", "interval") if name in noise})
        words += ["--additive"] if noise.get("additive") else []
    words += _options(
        {name: values[name] for name in ("replicate", "seed", "rtol", "atol", "max_steps") if name in values}
    )
    return shlex.join(words)


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
