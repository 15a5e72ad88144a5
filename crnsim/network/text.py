"""A network as text that reads back as the same network; see `crnsim.network.reader` for the language."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import numpy.typing as npt

from crnsim.entrance.arguments import check_memory
from crnsim.entrance.limits import LARGEST_CONCENTRATION
from crnsim.entrance.objects import check_flag
from crnsim.errors import InputError
from crnsim.network.checks import check_array
from crnsim.network.core import Core
from crnsim.network.families import Reaction, Species
from crnsim.wording import exact

#: Bytes of a reaction while all of them are listed.
_LISTED_BYTES = 600
#: Characters of a network that is kept with results.
MOST_KEPT = 200_000
#: Labels that are counted in one line; those of a network from elsewhere may be as many as its reactions.
_MOST_LABELS = 15
#: Characters of a line with several declarations, about.
_WIDTH = 100


def check_listing(network: Core) -> None:
    """Raise InputError if a list of every reaction would not fit the memory that is allowed."""
    check_memory(
        f"every one of {network.n_reactions} reactions",
        _LISTED_BYTES * network.n_reactions,
        "take smaller layers or dimensions",
    )


def count_text(network: Core) -> str:
    """Return how many species and reactions there are, by what the reactions are for."""
    sizes: Counter[str] = Counter()
    for family in network.families:
        sizes[family.label] += family.size
    parts = ", ".join(f"{label} {size}" for label, size in sizes.items() if label)
    parts = parts if len(sizes) <= _MOST_LABELS else ""
    active = network.n_active_reactions() if network.arrays else network.n_reactions
    absent = f", {network.n_reactions - active} of them at no rate" if active < network.n_reactions else ""
    return f"{network.n_species} species, {network.n_reactions} reactions{f' ({parts})' if parts else ''}{absent}"


def crn_text(
    network: Core,
    *,
    remarks: Iterable[str] = (),
    initial: Mapping[str, npt.ArrayLike] | npt.ArrayLike | None = None,
    elementary: bool = False,
) -> str:
    """Return a network as text.

    Parameters
    ----------
    network : Network
    remarks : iterable of str
        Lines of comment that stand first.
    initial : mapping or array_like, optional
        Concentrations at the start by name, or of all species in the order of ``network.labels``; those of the network
        where left out.
    elementary : bool
        Write every reaction in a line of its own, with its rate constant as a number; else every family, with the names
        of its parameters.
    """
    lines = [f"// {line}" for line in remarks]
    elementary = check_flag("elementary", elementary)
    lines += _declarations(network, elementary=elementary)
    lines += _elementary(network) if elementary else _families(network)
    start = start_of(network, initial).tolist()
    there = [(label, value) for label, value in zip(network.labels, start, strict=True) if value]
    if there:
        lines += ["", "// concentrations at the start; all others are zero"]
        lines += [f"init {label} {exact(value)}" for label, value in there]
    return "\n".join(lines).lstrip("\n") + "\n"


def kept_text(network: Core) -> str:
    """Return a network as the text that is kept with results; empty where it is long."""
    return text if len(text := crn_text(network)) <= MOST_KEPT else ""


def start_of(network: Core, initial: Mapping[str, npt.ArrayLike] | npt.ArrayLike | None) -> np.ndarray:
    """Concentrations of all species at the start: those given, or the network's own, shape (n_species,)."""
    if initial is None:
        return network.state(network.initial)
    if isinstance(initial, Mapping):
        return network.state(initial)
    state = check_array("initial", initial, most=LARGEST_CONCENTRATION)
    if state.shape != (network.n_species,):
        raise InputError(f"initial has shape {state.shape}; it must be ({network.n_species},)")
    return state


def _declarations(network: Core, *, elementary: bool) -> Iterator[str]:
    if network.dims:
        yield ""
        yield from (f"dim {name} = {length}" for name, length in network.dims.items())
    declared = sorted(network.species, key=lambda species: species.place)
    for slow, alike in itertools.groupby(declared, key=lambda species: species.slow):
        yield ""
        yield from _wrapped("slow species " if slow else "species ", [_declared(s) for s in alike])
    if elementary:
        return
    if network.parameters or network.arrays:
        yield ""
    for name, value in network.parameters.items():
        yield f"parameter {name} = {exact(value)}"
    for name, values in network.arrays.items():
        yield f"parameter {name} = {json.dumps(values.tolist())}"


def _declared(species: Species) -> str:
    return f"{species.name}[{','.join(species.dims)}]" if species.dims else species.name


def _wrapped(start: str, words: list[str]) -> Iterator[str]:
    """Yield lines that begin with `start` and list words, not too long."""
    line = ""
    for word in words:
        if line and len(line) + len(word) > _WIDTH:
            yield start + line
            line = ""
        line += f", {word}" if line else word
    if line:
        yield start + line


def _families(network: Core) -> Iterator[str]:
    label = ""
    for family in network.families:
        if family is network.families[0] or family.label != label:
            yield ""
        if family.label != label:
            label = family.label
            yield f"label {json.dumps(label, ensure_ascii=False)}"
        left, right = family.equation.split(" -> ")
        yield f"{left} ->{{{'*'.join(family.rate)}}} {right}"


def _elementary(network: Core) -> Iterator[str]:
    reactions: Iterator[Reaction] = network.reactions()
    label = ""
    for family in network.families:
        if family is network.families[0] or family.label != label or family.indices:
            yield ""
        if family.label != label:
            label = family.label
            yield f"label {json.dumps(label, ensure_ascii=False)}"
        if family.indices:
            yield f"// {family}"
        yield from (str(next(reactions)) for _ in range(family.size))
