"""Noise of a batch of runs: rate constants as they are perturbed, and the tables that the compiled loop reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from crnsim.errors import InputError
from crnsim.network.network import Network
from crnsim.noise.kinds import NOISE_KINDS, code_of_kind
from crnsim.noise.noise import Noise
from crnsim.noise.philox import normals

#: Key of a stream by what it is for and a name, such as that of a family (`crnsim.noise.streams.stream_key`).
Key = Callable[[str, str], np.ndarray]
#: How the columns of members begin that kinds of noise may set.
_NOISE_COLUMNS = ("noise_", "kick_", "input_key_")


def perturb_rate_constants(network: Network, noise: Noise, constants: np.ndarray, key: Key) -> None:
    """Give the rate constants of one run, shape (n_reactions,), their static noise, in place.

    Raises
    ------
    InputError
        A kind has made one negative, or no number.
    """
    families = {
        name: slice(first, first + family.size)
        for name, family, first in zip(
            network.family_names, network.families, network.first_reactions.tolist(), strict=True
        )
    }

    def draws(purpose: str, name: str, count: int) -> np.ndarray:
        drawn, words = np.empty(count), key(purpose, name)
        normals(words[0], words[1], 0, 0, drawn)
        return drawn

    for kind in noise.acting:
        magnitude, options = noise.magnitudes[kind.name], noise.options(kind)
        with code_of_kind(noise.asked_as(kind)):
            kind.perturb_rate_constants(magnitude, options, constants, dict(families), draws)
        if not np.all(np.isfinite(constants)) or np.any(constants < 0):
            raise InputError(f"noise {kind.name}: it has made rate constants negative or not finite")


def perturb_for_presentation(
    network: Network, noise: Noise, constants: np.ndarray, key: Key, phase: str, number: int
) -> None:
    """Give the rate constants of one run the noise that is drawn for each presentation, in place, as it begins.

    Compiled loops do the same by themselves.
    """
    sigma = noise.rates if noise.rates_mode != "static" else 0.0
    if not sigma > 0:
        return
    for name, family, first in zip(
        network.family_names, network.families, network.first_reactions.tolist(), strict=True
    ):
        words, drawn = key(f"rate noise, {phase}", name), np.empty(family.size)
        normals(words[0], words[1], number, 0, drawn)
        constants[first : first + family.size] *= np.exp(sigma * drawn - 0.5 * sigma * sigma)


@dataclass
class NoisyRuns:
    """Runs of a batch, as kinds of noise meet them; see `crnsim.noise.kinds.Runs`.

    Attributes
    ----------
    member : numpy.ndarray
        Rows that the compiled loop reads, one for each run.
    families : list of str
    noises : sequence of Noise
        That of each run.
    key_of : sequence of callable
        Keys of each run's streams.
    phase : str
        Keeps draws of different parts of an experiment apart.
    scope : callable
        Names of the arrays of species in a scope, and the first row and the length of each, shape (names, 2).
    """

    member: np.ndarray
    families: list[str]
    noises: Sequence[Noise]
    key_of: Sequence[Key]
    phase: str
    scope: Callable[[str], tuple[list[str], np.ndarray]]

    def values(self, keyword: str) -> list[Any]:
        """Magnitude or option of each run."""
        return [getattr(noise, keyword, 0.0) for noise in self.noises]

    def keys(self, active: Sequence[bool], purpose: str, over: Sequence[str]) -> np.ndarray:
        """Keys of streams, shape (runs, names, 2)."""
        none = np.zeros(2, dtype=np.uint64)
        table = [
            [key(f"{purpose}, {self.phase}", name) if on else none for name in over]
            for key, on in zip(self.key_of, active, strict=True)
        ]
        return np.array(table, dtype=np.uint64).reshape(len(self.noises), len(over), 2)

    def in_scope(self, scope: str | None) -> tuple[list[str], np.ndarray]:
        """Names of arrays of species, and first row and length of each, shape (names, 2); none for None."""
        return ([], np.zeros((0, 2), dtype=np.int64)) if scope is None else self.scope(scope)


def noise_tables(runs: NoisyRuns) -> dict[str, Any]:
    """Set what the compiled loop reads of noise in ``runs.member``; return the further tables of a protocol."""
    member = runs.member
    tables: dict[str, Any] = {}
    kinds = {kind.name: (kind, noise.asked_as(kind)) for noise in runs.noises for kind in noise.kinds}
    for kind, reference in kinds.values():
        before = member.copy()
        with code_of_kind(reference):
            added = kind.prepare(runs)
            if kind.name in NOISE_KINDS:
                tables |= added
            else:
                acts = np.array([magnitude > 0 for magnitude in runs.values(kind.name)])
                tables = _joined(kind.name, acts, before, member, tables, added)
    return tables


def _joined(
    kind: str,
    acts: np.ndarray,
    before: np.ndarray,
    member: np.ndarray,
    tables: dict[str, Any],
    added: dict[str, np.ndarray],
) -> dict[str, Any]:
    """Let a kind of a user's own set what it acts by in its own runs alone, so that no run depends on its neighbours.

    Raises
    ------
    InputError
        It set something else; or another kind acts in one of its runs in the same way.
    """
    for name in member.dtype.names or ():
        changed = member[name] != before[name]
        if not name.startswith(_NOISE_COLUMNS):
            if np.any(changed):
                raise InputError(f"noise {kind}: prepare may set columns of noise alone, not {name}")
            continue
        _check_alone(kind, name, changed & acts, before)
        member[name] = np.where(acts, member[name], before[name])
    if unknown := [name for name in added if name not in ("rate_keys", "kick_keys", "kicked")]:
        raise InputError(
            f"noise {kind}: prepare may return rate_keys, kick_keys and kicked, not {unknown[0]}"
        )
    if not acts.any():
        return tables
    whole = dict(tables)
    if "kicked" in added and not np.array_equal(added["kicked"], tables["kicked"]):
        if len(tables["kicked"]):
            raise InputError(
                f"noise {kind}: runs of one batch kick different species; let in_common tell them apart"
            )
        return whole | added
    for name, table in added.items():
        if name != "kicked":
            _check_alone(kind, name, acts, before)
            whole[name] = np.where(acts[:, None, None], table, tables[name])
    return whole


def _check_alone(kind: str, name: str, runs: np.ndarray, before: np.ndarray) -> None:
    """Raise InputError if a built-in kind acts, by its column, in runs in which `kind` sets `name` of that column."""
    by = {"input_key": "noise_inputs", "rate_keys": "noise_rates", "kick": "noise_concentrations"}
    column = next((column for start, column in by.items() if name.startswith(start)), name)
    if np.any(before[column][runs] != 0):
        raise InputError(f"noise {kind}: another kind of noise of the same run has set {column}")
