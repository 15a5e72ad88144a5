"""A task for a network of the user's own: what it starts from, and what is to come of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np

from crnsim.entrance.arguments import check_number, shown
from crnsim.entrance.files import read_bytes
from crnsim.entrance.limits import LARGEST_CONCENTRATION, LARGEST_NETWORK_FILE
from crnsim.entrance.objects import check_mapping, check_sequence
from crnsim.errors import InputError
from crnsim.experiment.observables.base import Observable
from crnsim.experiment.observables.table import function_hashes, names_of, observable
from crnsim.experiment.point import TASK, Parameters
from crnsim.interchange.registry import code_hash_of, find_network, is_code
from crnsim.network.network import Network

T = TypeVar("T")
#: Key of a row of inputs under which it says what is right.
EXPECT = "expect"
#: Rows of inputs, at most: each is a run of every replicate.
MOST_INPUTS = 10_000


@dataclass(frozen=True)
class Task:
    """A network with its inputs and observables, checked.

    Attributes
    ----------
    network : Network
    starts : numpy.ndarray, shape (inputs, n_species)
    given : dict of str to dict
        Specifications of the observables by name.
    expect : tuple of dict
        What each row of inputs says is right, by observable.
    said : tuple of (str, tuple of str)
        Where concentrations at the start were given beside the network, and of which species.
    """

    network: Network
    starts: np.ndarray
    given: dict[str, dict[str, Any]]
    expect: tuple[dict[str, Any], ...]
    said: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def observables(self, running_time: float) -> dict[str, Observable]:
        """Return the observables of runs of some length, by name.

        Raises
        ------
        InputError
            One does not fit; the message begins with its name.
        """
        found = {}
        for name, given in self.given.items():
            try:
                found[name] = observable(self.network, given, running_time)
            except InputError as error:
                raise InputError(f"{name}: {error}") from None
        return found

    def expected(self, observables: Mapping[str, Observable]) -> np.ndarray:
        """Return what is right as numbers, shape (inputs, observables).

        Raises
        ------
        InputError
            A row says nothing, or something that does not fit.
        """
        rows = []
        for number, expect in enumerate(self.expect, 1):
            row = []
            for name, one in observables.items():
                try:
                    row.append(one.expected(expect.get(name)))
                except InputError as error:
                    raise InputError(f"{name}: input {number}: {error}") from None
            rows.append(row)
        return np.array(rows)


def make_task(
    network: Network,
    observables: Mapping[str, Any],
    *,
    initial: Mapping[str, Any] | None = None,
    inputs: Sequence[Mapping[str, Any]] | None = None,
) -> Task:
    """Check a task.

    Parameters
    ----------
    network : Network
    observables : mapping of str to mapping
        Specifications by name; see `crnsim.experiment.observables`.
    initial : mapping, optional
        Concentrations at the start that all inputs have, over those of the network.
    inputs : sequence of mapping, optional
        Rows of concentrations over these; under ``expect`` a row says what is right, by observable.

    Raises
    ------
    InputError
        Something does not fit.
    """
    given = check_mapping("observables", observables, "names with settings, such as {out: {value: B, ...}}")
    if not given:
        raise InputError("observables is empty; say what is looked at, and what counts as right")
    names_of(list(given))
    for name, one in given.items():
        check_mapping(
            f"{name}: an observable", one, "settings such as {value: B, target: 1.0, tolerance: 0.1}"
        )
    common: dict[str, Any] = {
        **network.initial,
        **_about("initial", _numbers, {} if initial is None else initial),
    }
    _about("initial", network.state, initial or {})
    listed = [{}] if inputs is None else check_sequence("inputs", inputs, "a list of rows")
    rows = list(listed) if len(listed) <= MOST_INPUTS else listed
    if not 1 <= len(rows) <= MOST_INPUTS:
        raise InputError(f"inputs has {len(rows)} rows; give 1 to {MOST_INPUTS}, or leave it out")
    starts, expect = [], []
    said = [("initial", tuple(map(str, initial or {})))]
    for number, given_row in enumerate(rows, 1):
        where = f"input {number}"
        if not isinstance(given_row, Mapping):
            raise InputError(f"{where} is {shown(given_row)}; it must be concentrations by species")
        row = dict(check_mapping(where, given_row, "concentrations by species, such as {X: 0.6, Y: 0.4}"))
        if "expected" in row:
            raise InputError(f"{where}: expected; write {EXPECT}, with what is right by observable")
        wanted = dict(
            check_mapping(f"{where}: {EXPECT}", row.pop(EXPECT, {}), "what is right, by observable")
        )
        if unknown := [name for name in wanted if name not in given]:
            raise InputError(
                f"{where}: {EXPECT}: no observable {shown(unknown[0])}; known: {', '.join(given)}"
            )
        try:
            starts.append(network.state(common | _numbers(row)))
        except InputError as error:
            raise InputError(f"{where}: {error}" if row else str(error)) from None
        expect.append(wanted)
        said.append((where, tuple(map(str, row))))
    if not np.any(starts) and not network.has_inflow:
        raise InputError("nothing is there at the start; give initial, inputs, or init lines in the network")
    names = {name: dict(one) for name, one in given.items()}
    return Task(network, np.array(starts), names, tuple(expect), tuple(said))


def _numbers(given: Mapping[str, Any]) -> dict[str, float]:
    given = check_mapping("it", given, "concentrations by species, such as {X: 0.6}")
    most = LARGEST_CONCENTRATION
    return {name: check_number(str(name), one, least=0.0, most=most) for name, one in given.items()}


def _about(what: str, call: Callable[..., T], *given: Any) -> T:
    """Say what a message is about."""
    try:
        return call(*given)
    except InputError as error:
        raise InputError(f"{what}: {error}") from None


def task_source(
    reference: str,
    observables: Mapping[str, Any],
    initial: Mapping[str, Any] | None,
    inputs: Sequence[Mapping[str, Any]] | None,
) -> Parameters:
    """Return what identifies a task, sorted by name: its network by the content of its file, and all else as JSON."""
    content = {"observables": observables, "initial": initial or {}, "inputs": inputs}
    if own := function_hashes(observables):
        content["functions"] = own
    place = "network" if is_code(reference) else "file"
    found = {
        place: reference,
        "sha256": code_hash_of(reference) if is_code(reference) else file_hash(reference),
        TASK: json.dumps(content, sort_keys=True, separators=(",", ":")),
    }
    return tuple(sorted(found.items()))


def file_hash(path: str) -> str:
    """Hash of the file of a network.

    Raises
    ------
    InputError
        It is not there, or cannot be read.
    """
    return hashlib.sha256(read_bytes(path, LARGEST_NETWORK_FILE)).hexdigest()


@lru_cache(maxsize=8)
def task_of(source: Parameters) -> Task:
    """Return the task that a source identifies.

    Raises
    ------
    InputError
        Its network cannot be read any more.
    """
    about = dict(source)
    if "file" in about and file_hash(str(about["file"])) != about["sha256"]:
        raise InputError(f"{about['file']}: changed since the sweep was planned; run the same command again")
    content = json.loads(str(about[TASK]))
    network = find_network(str(about.get("file") or about["network"]))
    return make_task(network, content["observables"], initial=content["initial"], inputs=content["inputs"])
