"""How far a run is from the exact solution: its distance from one at other tolerances.

Control of the error of single steps says nothing of what becomes of these errors. Where a network forgets them the
result is as good as the tolerance; where it enlarges them (unstable states, rivals, clocks that drift) it may be off by
thousands of tolerances or be another one altogether. The error of the methods here falls in proportion to the
tolerance, so that two runs tell it (Hairer, Norsett, Wanner, Solving Ordinary Differential Equations I, section II.4,
doi 10.1007/978-3-540-78862-1). Where tolerances are coarse it does so on the average alone: a looser run may by chance
be as far off as the run itself, on the same side. There the other run is one at finer tolerances, whose own error is
small.
"""

from __future__ import annotations

import numpy as np

from crnsim.outcomes import OK
from crnsim.solvers.protocol import Protocol, Record, members_of
from crnsim.solvers.scales import tolerances_so_far

#: Tolerances of the second run, in those of the first; at a fine relative tolerance nearer to them, so that what
#: rounding leaves, which does not fall with the tolerance, is not taken for a tenth of itself.
LOOSENED, LOOSENED_LITTLE, FINE_RTOL = 10.0, 3.0, 1e-7
#: Tolerances of the second run from this relative tolerance on.
TIGHTENED, COARSE_RTOL = 0.1, 0.99e-5
#: With a larger relative tolerance a looser run would say nothing.
LARGEST_RTOL = 0.01


def _loosened(rtol: float) -> float:
    if rtol >= COARSE_RTOL:
        return TIGHTENED
    return LOOSENED if rtol > FINE_RTOL else LOOSENED_LITTLE


def doubled(protocol: Protocol) -> Protocol:
    """Put beside each run of a batch one at other tolerances."""
    twice = members_of(protocol, np.repeat(np.arange(len(protocol.member)), 2))
    twice.member["looser"][1::2] = _loosened(protocol.rtol)
    return twice


def first_of_two(record: Record) -> Record:
    """Return the record of the runs at the tolerances asked for."""
    return record._replace(
        **{
            name: np.ascontiguousarray(getattr(record, name)[::2])
            for name in ("final", "loss", "checkpoints", "trajectory", "run", "safe", "atol", "grown")
        }
    )


def errors(protocol: Protocol, record: Record, orders: tuple[int, ...]) -> np.ndarray:
    """Estimate the error of each run, in tolerances; nan where it has not ended well, inf where the other one has not.

    Parameters
    ----------
    protocol : Protocol
        Of runs by twos, all of them recorded (see `doubled`).
    record : Record
        Theirs.
    orders : tuple of int
        Of the method (`crnsim.solvers.Method`). With an embedded solution one order lower the error falls in
        proportion to the tolerance; of others it is taken to fall with its power 2/3, as of order 2 without one.
    """
    proportional = len(orders) == 2 and orders[0] == orders[1] + 1
    times = _loosened(protocol.rtol) ** (1.0 if proportional else 2 / 3)
    found = np.full(len(protocol.member) // 2, np.nan)
    for number in range(len(found)):
        first, second = 2 * number, 2 * number + 1
        if record.run["status"][first] != OK:
            continue
        if record.run["status"][second] != OK:
            found[number] = np.inf
            continue
        y, other = (np.vstack([record.trajectory[n, 0], record.final[n]]) for n in (first, second))
        atol = tolerances_so_far(protocol, first, y, record.atol[first])
        off = np.abs(other - y) / (atol + protocol.rtol * np.abs(y))
        found[number] = float(np.max(off, initial=0.0)) / abs(times - 1.0)
    return found
