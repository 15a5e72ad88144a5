"""The sweep of a network of the user's own, brought into the form of all sweeps: one data set, and designs."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from crnsim.circuits.circuit import OBSERVATION
from crnsim.entrance.limits import LONGEST_LABEL

#: Name of the circuit, and what stands for an activation.
CIRCUIT, NO_ACTIVATION = "network", "none"
#: Designs of a sweep, at most.
MOST_DESIGNS = 2_000
#: Accuracy and budget for a network of which nothing is known, those of `crnsim.simulate`.
_TRAJECTORIES = {"replicates": 5}
_SOLVER = {"rtol": 1e-6, "atol": "scaled", "max_steps": 1_000_000}


def with_network(data: dict[str, Any]) -> dict[str, Any]:
    """Return the content of a sweep file with `network`, and what follows from it filled in."""
    solver = data.get("solver")
    return {
        "circuit": CIRCUIT,
        "mode": OBSERVATION,
        "datasets": {dataset_of(data.get("network")): {}},
        "activations": designs_of(data.get("parameters")),
        "trajectories": dict(_TRAJECTORIES),
        **data,
        "solver": dict(_SOLVER) | solver
        if isinstance(solver, dict)
        else dict(_SOLVER)
        if solver is None
        else solver,
    }


def dataset_of(network: object) -> str:
    """Label of a network, which stands where others have a data set: the name of its file, as a word."""
    from crnsim.datasets import DATASETS

    text = str(network)
    stem = text.rpartition(":")[2] if re.fullmatch(r"[\w.]+:\w+", text, re.ASCII) else PurePath(text).stem
    word = re.sub(r"\W", "_", stem, flags=re.ASCII).lstrip("_0123456789")[:LONGEST_LABEL] or "network"
    return f"{word[: LONGEST_LABEL - 8]}_network" if word in DATASETS else word


def designs_of(parameters: object) -> dict[str, dict[str, Any]]:
    """Designs by label: one for each combination of swept parameters."""
    given = parameters if isinstance(parameters, Mapping) else {}
    listed = {
        name: list(v) if isinstance(v, Sequence) and not isinstance(v, str) else [v]
        for name, v in given.items()
    }
    count = 1
    for values in listed.values():
        count *= len(values)
    if not listed or not 1 <= count <= MOST_DESIGNS:
        return {CIRCUIT: {"name": NO_ACTIVATION}}
    chosen = [dict(zip(listed, values, strict=True)) for values in itertools.product(*listed.values())]
    varied = [name for name, values in listed.items() if len(values) > 1]
    labels = ["_".join(_pair(name, one[name]) for name in varied) or CIRCUIT for one in chosen]
    plain = len({label.lower() for label in labels}) == len(labels)
    if not plain or any(len(label) > LONGEST_LABEL or not re.match(r"[A-Za-z]", label) for label in labels):
        labels = [f"design_{number}" for number in range(1, len(chosen) + 1)]
    return {
        label: {"name": NO_ACTIVATION, "circuit_parameters": one}
        for label, one in zip(labels, chosen, strict=True)
    }


def _pair(name: str, value: object) -> str:
    """A parameter and its value in a label; k1_0p5, since k10p5 reads like another one."""
    word = _word(name)
    return f"{word}{'_' if word[-1:].isdigit() else ''}{_word(value)}"


def _word(value: object) -> str:
    """Part of a label: k, 0p5 for 0.5, 1em3 for 1e-3."""
    text = f"{value:g}" if isinstance(value, (int, float)) and not isinstance(value, bool) else str(value)
    text = text.replace(".", "p").replace("-", "m").replace("+", "")
    return re.sub(r"\W", "_", text, flags=re.ASCII).strip("_")
