"""What SBML has no words for: arrays of species and their dimensions, kept as a note that other tools leave alone."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from crnsim.errors import InputError
from crnsim.interchange.sbml.identifiers import parameter_labels
from crnsim.network.core import Core
from crnsim.network.network import Network

NAMESPACE, NOTE = "urn:crnsim:network:1", "network"


def note_text(network: Core) -> str:
    """Say which species and rate parameters are arrays, and of what dimensions, as JSON."""
    declared = sorted(network.species, key=lambda species: species.place)
    note = {
        "dims": dict(network.dims),
        "species": [[one.name, list(one.dims), one.slow] for one in declared],
        "parameters": {name: [] for name in network.parameters}
        | {name: list(array.shape) for name, array in network.arrays.items()},
    }
    return json.dumps(note)


def noted_network(model: Any) -> Network | None:
    """Return an empty network with the species and rate parameters of a note; None where there is none that fits.

    It fits if the model still has these species and parameters, by their names and in their order.
    """
    try:
        note = json.loads(_note(model))
        # Of no more than the model has, before anything of that size is made.
        sizes = [math.prod(note["dims"][dim] for dim in dims) for _, dims, _ in note["species"]]
        numbers = [math.prod(shape) for shape in note["parameters"].values()]
        if sum(sizes) != model.getNumSpecies() or sum(numbers) != model.getNumParameters():
            return None
        network = Network(dims=note["dims"])
        for name, dims, slow in note["species"]:
            network.add_species(name, *dims, slow=slow)
        for name, shape in note["parameters"].items():
            network.set_parameter(name, np.ones(shape) if shape else 1.0)
    except (ValueError, TypeError, KeyError, RecursionError, AttributeError, OverflowError, InputError):
        return None
    declared = sorted(network.species, key=lambda species: species.place)
    labels = [label for one in declared for label in one.labels()]
    same = labels == [one.getName() for one in model.getListOfSpecies()]
    parameters = [one.getName() for one in model.getListOfParameters()]
    return network if same and parameters == list(parameter_labels(network)) else None


def _note(model: Any) -> str:
    annotation = model.getAnnotation()
    for number in range(annotation.getNumChildren() if annotation is not None else 0):
        child = annotation.getChild(number)
        if child.getName() == NOTE and child.getURI() == NAMESPACE and child.getNumChildren():
            return str(child.getChild(0).getCharacters())
    return ""


def set_numbers(network: Network, values: Mapping[str, float]) -> None:
    """Set rate parameters by the names of single numbers, ``k`` or ``W1p[0,1]``."""
    arrays = {name: np.zeros(array.shape) for name, array in network.arrays.items()}
    for label, value in values.items():
        name, bracket, inside = label.partition("[")
        if not bracket:
            network.set_parameter(name, value)
        else:
            arrays[name][tuple(map(int, re.findall(r"[0-9]+", inside)))] = value
    for name, array in arrays.items():
        network.set_parameter(name, array)
