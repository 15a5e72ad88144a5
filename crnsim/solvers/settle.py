"""Integrate a batch by a method of the table, and settle how each run ended."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait

import numpy as np

from crnsim.network import Network
from crnsim.outcomes import DIVERGED, FAILED, OK, STEP_LIMIT
from crnsim.solvers.methods import METHODS
from crnsim.solvers.protocol import BLOWN_UP, Protocol, Record, new_record


def solve(
    network: Network,
    protocol: Protocol,
    *,
    method: str = "auto",
    progress: Callable[[float], None] | None = None,
    time_zero: float = 0.0,
) -> tuple[Record, list[str]]:
    """Integrate a batch and settle how each run ended.

    A blow-up counts as ``diverged`` only after `crnsim.solvers.ode.blowup.confirm` has seen it too.

    Parameters
    ----------
    network : Network
    protocol : Protocol
    method : str
        A key of `METHODS`.
    progress : callable, optional
        Called about five times a second with the share of presentations done.
    time_zero : float
        Time at which a single presentation starts, for the reasons.

    Returns
    -------
    record : Record
        Every status is an outcome (`OUTCOMES`).
    reasons : list of str
        Why a run ended early; empty for ``ok``.
    """
    record = new_record(protocol)
    if METHODS[method].events:
        _integrate(network, protocol, record, method, progress)
    else:
        from crnsim.solvers import scipy as stiff

        stiff.solve_plain(network, protocol, record, method)
    return record, [
        _settle(network, protocol, record, member, time_zero) for member in range(len(record.run))
    ]


def _integrate(
    network: Network,
    protocol: Protocol,
    record: Record,
    method: str,
    progress: Callable[[float], None] | None,
) -> None:
    from crnsim.kinetics.kernels import compile_network
    from crnsim.solvers.ode import loop as batch

    kernel = compile_network(network)
    if method == "auto" and not kernel.exact:
        method = "bs23"  # a linear system with loops cut out of it would not keep conserved sums
    policy = {"auto": batch.AUTO, "bs23": batch.BS23, "rkc": batch.RKC, "rosw": batch.ROSW}[method]
    if progress is None:
        batch.run(kernel, protocol, record, policy)
        return
    total = int(np.sum(protocol.member["n_presentations"]))
    # The compiled loop releases the interpreter, so that this thread can watch its counter and hear Ctrl-C.
    with ThreadPoolExecutor(1) as pool:
        work = pool.submit(batch.run, kernel, protocol, record, policy)
        try:
            while not wait([work], timeout=0.2).done:
                progress(int(record.control[0]) / max(total, 1))
        finally:
            record.control[1] = 1
        work.result()


def _settle(network: Network, protocol: Protocol, record: Record, member: int, time_zero: float) -> str:
    """Turn marks of the compiled solver into an outcome; return the reason."""
    from crnsim.solvers.ode import blowup

    run = record.run[member]
    status = int(run["status"])
    where = f"time {time_zero + run['time']:.6g}"
    if protocol.member[member]["n_presentations"] > 1:
        where = f"presentation {run['presentation']}, {where}"
    if status == OK:
        return ""
    if status == STEP_LIMIT:
        return f"budget of {protocol.member[member]['max_steps']} steps spent at {where}"
    if status == BLOWN_UP:
        confirmed, reason = blowup.confirm(network, protocol, record, member)
        record.run["status"][member] = DIVERGED if confirmed else FAILED
        return f"{reason} ({where})"
    record.run["status"][member] = FAILED
    return f"stopped at {where}"
