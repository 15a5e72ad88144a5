"""The chemical read-out: every test sample is shown to its own copy of a circuit; blocks of them bound the memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from crnsim.kinetics.lanes import LANES

if TYPE_CHECKING:
    from crnsim.circuits import Circuit
    from crnsim.experiment.schedule import ReadoutTables
    from crnsim.solvers.protocol import Record

#: Bytes that the states of one block may take.
BLOCK = 64_000_000
#: Tables of that size that a solver keeps for its members.
_COPIES = 3


@dataclass(frozen=True)
class Readout:
    """What the read-out of points gave.

    Attributes
    ----------
    outputs : numpy.ndarray, shape (points, n_test, targets)
        nan for a sample that did not end ok.
    h_eff : numpy.ndarray, shape (points,)
        Effective smoothing, median over hidden units and test samples.
    counts : dict of numpy.ndarray, shape (points,)
        Steps, rejected steps and evaluations, over all samples.
    status : numpy.ndarray, shape (points,)
        Outcome: that of the first sample that did not end ok, if there is one.
    reasons : list of str
    """

    outputs: np.ndarray
    h_eff: np.ndarray
    counts: dict[str, np.ndarray]
    status: np.ndarray
    reasons: list[str]


def read_out(
    circuit: Circuit,
    tables: ReadoutTables,
    *,
    smoothing: Sequence[np.ndarray],
    progress: Callable[[float], None] | None = None,
    block: int = BLOCK,
) -> Readout:
    """Show every test sample and read the outputs.

    Parameters
    ----------
    circuit : Circuit
    tables : ReadoutTables
    smoothing : sequence of numpy.ndarray
        Nominal rate constants of each point, from which its effective smoothing follows.
    progress : callable, optional
        Called with the share of the samples done.
    block : int
        Bytes for the states of the samples that are shown at a time; no number depends on it.
    """
    from crnsim.outcomes import COUNTS, OK
    from crnsim.solvers import solve

    n_points, n_test = len(tables.datasets), tables.n_test
    outputs = np.full((n_points * n_test, len(circuit.rail_rows(circuit.outputs)[0])), np.nan)
    sharpness: list[list[np.ndarray]] = [[] for _ in range(n_points)]
    counts = {name: np.zeros(n_points, dtype=np.int64) for name in COUNTS}
    status, reasons = np.full(n_points, OK), [""] * n_points
    size = _block_size(circuit, block)
    for first in range(0, tables.n_members, size):
        last = min(first + size, tables.n_members)
        shown, why = solve(circuit.network, tables.protocol(first, last), method=tables.method)
        owner = np.arange(first, last) // n_test
        good = shown.run["status"] == OK
        outputs[first:last][good] = circuit.read_out(shown.final[good])
        for name, column in counts.items():
            np.add.at(column, owner, shown.run[name])
        for member in np.flatnonzero(~good).tolist():
            if status[owner[member]] == OK:
                status[owner[member]] = shown.run["status"][member]
                reasons[owner[member]] = f"read-out: {why[member]}"
        for point in np.unique(owner).tolist():
            here = (owner == point) & good
            sharpness[point].append(_smoothing(circuit, shown, here, smoothing[point]))
        if progress is not None:
            progress(last / tables.n_members)
    h_eff = np.array([_median(parts) for parts in sharpness])
    return Readout(outputs.reshape(n_points, n_test, -1), h_eff, counts, status, reasons)


def _block_size(circuit: Circuit, block: int) -> int:
    """Members of one block: full lanes, so that none runs empty."""
    members = block // (8 * circuit.network.n_species * _COPIES)
    return max(members // LANES, 1) * LANES


def _smoothing(circuit: Circuit, shown: Record, members: np.ndarray, constants: np.ndarray) -> np.ndarray:
    if not circuit.hidden:
        return np.zeros(0)
    if not circuit.activation.needs_rails:
        return circuit.activation.effective_smoothing(np.zeros(1))
    return circuit.effective_smoothing(shown.final[members], constants).ravel()


def _median(parts: Sequence[np.ndarray]) -> float:
    values = np.concatenate(parts)
    values = values[np.isfinite(values)]
    return float(np.median(values)) if values.size else float("nan")
