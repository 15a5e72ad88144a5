"""Solvers: a compiled loop over batches of runs with three methods, and SciPy's for reference."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass

import numpy as np

from crnsim.network import Network
from crnsim.solvers.protocol import (
    BLOWN_UP,
    DIVERGED,
    FAILED,
    OK,
    OUTCOMES,
    RUNNING,
    STEP_LIMIT,
    Protocol,
    Record,
    new_record,
)


@dataclass(frozen=True)
class Method:
    """What a method is and what it supports."""

    title: str
    events: bool
    stochastic: bool = False


#: Methods by the name that `simulate` takes; only those with ``events`` can show samples and kick.
METHODS: dict[str, Method] = {
    "auto": Method("rosw, or bs23 where noise on concentrations makes that cheaper", events=True),
    "bs23": Method("explicit Bogacki-Shampine pair of order 3(2), compiled", events=True),
    "rkc": Method(
        "stabilised explicit Runge-Kutta-Chebyshev method of order 2, compiled; for coarse tolerances",
        events=True,
    ),
    "rosw": Method(
        "linearly implicit W-method of order 3(2) with part of the Jacobian, compiled", events=True
    ),
    "LSODA": Method("SciPy's LSODA, switching between Adams and BDF", events=False),
    "BDF": Method("SciPy's BDF with a sparse Jacobian", events=False),
    "Radau": Method("SciPy's implicit Runge-Kutta of order 5 with a sparse Jacobian", events=False),
}


def solve(
    network: Network,
    protocol: Protocol,
    *,
    method: str = "auto",
    progress: Callable[[float], None] | None = None,
    time_zero: float = 0.0,
) -> tuple[Record, list[str]]:
    """Integrate a batch and settle how each run ended.

    A blow-up counts as ``diverged`` only after `crnsim.solvers.blowup.confirm` has seen it too.

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
        from crnsim.solvers import stiff

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
    from crnsim.solvers import batch

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
    from crnsim.solvers import blowup

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


def single_threaded() -> None:
    """Keep numerical libraries to one thread, for processes that work side by side."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ[name] = "1"


__all__ = ["METHODS", "OUTCOMES", "RUNNING", "Method", "Protocol", "Record", "single_threaded", "solve"]
