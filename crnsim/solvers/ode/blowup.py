"""The second opinion before a blow-up counts as one."""

from __future__ import annotations

import numpy as np

from crnsim.kinetics.kernels import compile_network
from crnsim.network.network import Network
from crnsim.outcomes import STEP_LIMIT
from crnsim.solvers.ode.batch import integrate_batch
from crnsim.solvers.ode.steps import ROSW
from crnsim.solvers.protocol import BLOWN_UP, Protocol, Record, members_of, new_record

#: Tolerances of the confirmation: a hundred times tighter than the run's, at most these.
CONFIRM_RTOL = 1e-5
CONFIRM_ATOL = 1e-8
#: Steps that a confirmation may use: for each presentation that it repeats, and at least.
CONFIRM_STEPS, CONFIRM_LEAST = 10_000, 200_000


def confirm(network: Network, protocol: Protocol, record: Record, member: int) -> tuple[bool, str]:
    """Repeat the end of a run with a method for stiff networks at a tighter tolerance.

    That is ``rosw``.

    It starts at the last presentation whose concentrations were all below 10 times the initial ones and follows the
    same samples, rate constants and kicks.

    Returns
    -------
    confirmed : bool
        Whether the stiff method blows up as well.
    reason : str
    """
    moderate = float(protocol.member["moderate"][member])
    height = float(np.max(record.final[member]))
    if height <= 10.0 * moderate:
        return False, "the step size vanished although no concentration had grown"
    again = _ending(protocol, record, member, height)
    repeated = new_record(again)
    kernel = compile_network(network, listed=bool(protocol.guarded))
    integrate_batch(kernel, again, repeated, ROSW)
    status, reached = int(repeated.run["status"][0]), float(np.nanmax(repeated.final[0]))
    if status == STEP_LIMIT:
        return False, "a blow-up that a stiff method could not confirm within its budget"
    if status != BLOWN_UP:
        return (
            False,
            "a blow-up of the first solution that a stiff method at a tighter tolerance does not show",
        )
    if reached > float(again.member["ceiling"][0]):
        return True, "a concentration grew without bound, confirmed by a stiff method"
    reason = f"a stiff method at a tighter tolerance broke down as well, at {reached:.3g}"
    return reached > 10.0 * moderate, reason


def _ending(protocol: Protocol, record: Record, member: int, height: float) -> Protocol:
    """The last presentations of one run as a batch of its own, up to one after that in which it ended."""
    start = int(record.run["safe_presentation"][member])
    one = protocol.member[[member]]
    stop = min(int(record.run["presentation"][member]) + 2, int(one["n_presentations"][0]))
    one["n_presentations"] = stop - start
    one["first_number"] += start
    one["max_steps"] = max(CONFIRM_STEPS * (stop - start), CONFIRM_LEAST)
    one["record_slot"] = -1
    one["looser"] = 1.0
    # A run that ended on a vanishing step has blown up if it goes on growing.
    one["ceiling"] = min(float(one["ceiling"][0]), 1e3 * height, 1e100)
    rtol = min(CONFIRM_RTOL, protocol.rtol / 100)
    alone = members_of(protocol, np.array([member]))
    return alone._replace(
        start=record.safe[[member]],
        member=one,
        order=np.ascontiguousarray(alone.order[:, start:stop]),
        checkpoint_after=np.empty(0, dtype=protocol.checkpoint_after.dtype),
        record_presentations=np.empty(0, dtype=protocol.record_presentations.dtype),
        grid=np.empty(0),
        per_loss=1,
        rtol=rtol,
        atol=np.minimum(CONFIRM_ATOL * rtol / CONFIRM_RTOL, alone.atol / 100),
        scaled=protocol.scaled / 100,
    )
