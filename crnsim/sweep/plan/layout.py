"""How a group is cut into chunks: by what its points cost and how large they are, or as the sweep file says."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from crnsim.sweep.plan.cost import RUNS, cell_seconds, check_runs, point_bytes, recorded_bytes

if TYPE_CHECKING:
    from crnsim.sweep.config.model import Chunks
    from crnsim.sweep.plan.groups import Group

#: Core minutes of a chunk: a job of five minutes with two workers, long against the seconds that starting one takes.
MINUTES = 10.0
#: Bytes of a chunk file and points in it, at most: a file that is quick to read, copy and check.
MOST_BYTES, MOST_POINTS = 100e6, 10_000
#: Seconds of work in a Dask task, at least, and points, at most, where the sweep file does not say.
TASK_SECONDS, TASK_POINTS = 0.5, 256


def blocks(group: Group, chunks: Chunks) -> Iterator[tuple[range, range]]:
    """Yield cells and replicates of each chunk of a group.

    A pure function of the sweep file and of the constants of `crnsim.sweep.plan.cost`: what a machine or an earlier run
    has measured must not move chunks. Blocks of replicates come first, as large as fit; then cells are packed into
    chunks of like cost.

    Where replicates are added, no chunk crosses a look. Those of later looks hold cells of one verdict each, so that
    none is run for the sake of another; and none of them depends on how many replicates there may be in the end.

    Parameters
    ----------
    group : Group
    chunks : Chunks
        `cells` and `replicates`, where given, are taken as they are.
    """
    check_runs(group.point(0, 0))
    cost = cell_seconds(group)
    looks = group.settings.looks
    yield from _blocks(group, chunks, cost, range(len(cost)), range(looks[0]))
    for before, last in pairwise(looks):
        for stress, found in itertools.groupby(range(len(group.stresses)), group.stresses.__getitem__):
            cells = list(found)
            if stress:
                together = range(cells[0], cells[-1] + 1)
                yield from _blocks(group, chunks, cost, together, range(before, last))


def _blocks(
    group: Group, chunks: Chunks, costs: Sequence[float], cells: range, replicates: range
) -> Iterator[tuple[range, range]]:
    """Yield the chunks of some cells and replicates."""
    cost = costs[cells.start : cells.stop]
    seconds = 60.0 * (chunks.minutes or MINUTES)
    recorded = sum(cell in cells and replicate in replicates for cell, replicate in group.recorded)
    stored = point_bytes(group) + recorded_bytes(group) * recorded / (len(cells) * len(replicates))
    points = max(1, min(MOST_POINTS, int(MOST_BYTES / stored)))
    together = min(chunks.cells or 1, len(cost))
    # A point for each worker, however dear, or workers would wait for others.
    least = math.ceil(min(chunks.workers, len(replicates)) / together)
    block = chunks.replicates or max(least, _block(min(seconds / max(cost), points) / together))
    for first in range(replicates.start, replicates.stop, block):
        some = range(first, min(first + block, replicates.stop))
        if chunks.cells:
            ranges = [range(n, min(n + chunks.cells, len(cost))) for n in range(0, len(cost), chunks.cells)]
        else:
            ranges = packed([len(some) * max(c / seconds, 1 / points) for c in cost])
        for part in ranges:
            yield range(cells.start + part.start, cells.start + part.stop), some


def _block(fitting: float) -> int:
    """Round a number of replicates down, to full vectors where there are any."""
    return max(1, int(fitting) // RUNS * RUNS or int(fitting))


def packed(shares: Sequence[float]) -> list[range]:
    """Cut consecutive cells into chunks of like size.

    Parameters
    ----------
    shares : sequence of float
        Share of a full chunk that each cell takes; one that takes more has a chunk of its own.

    Returns
    -------
    list of range
        Cells of each chunk; each has one at least.
    """
    total = sum(shares)
    number = max(1, round(total))
    chunks, before = [], 0.0
    for share in shares:
        # A cell goes where its middle lies.
        chunks.append(min(number - 1, int((before + share / 2) * number / total)))
        before += share
    starts = [cell for cell, chunk in enumerate(chunks) if cell == 0 or chunk != chunks[cell - 1]]
    return [range(a, b) for a, b in zip(starts, [*starts[1:], len(shares)], strict=True)]


def task_points(chunks: Chunks, seconds: float) -> int:
    """Return how many points one Dask task computes.

    Parameters
    ----------
    chunks : Chunks
        `batch`, where given, is taken as it is.
    seconds : float
        Core seconds of a point.
    """
    if chunks.batch:
        return chunks.batch
    wanted = math.ceil(TASK_SECONDS / seconds / RUNS) * RUNS
    return max(RUNS, min(wanted, TASK_POINTS))
