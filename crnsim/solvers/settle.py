"""Integrate a batch by a method of the table, and settle how each run ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from crnsim.entrance.arguments import check_number
from crnsim.network.network import Network
from crnsim.outcomes import COUNTS, DIVERGED, FAILED, OK, STEP_LIMIT
from crnsim.solvers.methods import Method, Run, check_request, code_of_method, find_method, for_molecules
from crnsim.solvers.protocol import (
    BLOWN_UP,
    LOST,
    LOWEST,
    NEGATIVE,
    NOT_FINITE,
    OVERFLOW,
    RUNNING,
    STOP,
    Protocol,
    Record,
    Request,
    members_of,
    new_record,
)
from crnsim.solvers.scales import tolerances_so_far


def solve(
    network: Network,
    protocol: Protocol,
    *,
    method: str = "auto",
    volume: float | None = None,
    seed: int | None = None,
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
        As for `crnsim.solvers.find_method`.
    volume, seed : float, int, optional
        For stochastic methods (see `Request`); without a seed theirs is 0.
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

    Raises
    ------
    InputError
        For an unknown method, or one that cannot do what is asked for: the message names it.
    """
    if volume is not None:
        check_number("volume", volume, above=0.0)
    elif np.any(protocol.member["volume"] > 0):
        volume = float(np.max(protocol.member["volume"]))
    method = for_molecules(method) if volume is not None else method
    chosen = find_method(method)
    request = Request(method, volume, seed, progress)
    check_request(chosen, protocol, request)
    if chosen.stochastic and seed is None:
        request = replace(request, seed=0)
    record = new_record(protocol)
    with code_of_method(method):
        chosen.function()(network, protocol, record, request)
        _distrust(protocol, record)
        if protocol.guarded:
            _again(network, protocol, record, request, chosen.function())
    reasons = [""] * len(record.run)
    for member in np.flatnonzero(record.run["status"] != OK):
        reasons[member] = _settle(network, protocol, record, int(member), time_zero, chosen)
    return record, reasons


def _again(network: Network, protocol: Protocol, record: Record, request: Request, run: Run) -> None:
    """Repeat runs by relative tolerances alone in which a species grew out of the absolute ones, or that failed.

    Their `grown` stays noted; what grew from below the smallest numbers even so leaves the run failed.
    """
    doubtful = record.grown.any(axis=1) | np.isin(record.run["status"], (BLOWN_UP, NEGATIVE))
    members = np.flatnonzero(doubtful)
    if not len(members):
        return
    some = members_of(protocol, members)
    some = some._replace(atol=some.least_atol, scaled=np.zeros(0))
    repeated = new_record(some)
    run(network, some, repeated, replace(request, progress=None))
    # Judged by the tolerances that were asked for, not by those that were needed.
    repeated.atol[:] = np.maximum(repeated.atol, record.atol[members])
    _distrust(some, repeated)
    for name in ("final", "loss", "checkpoints", "safe", "atol"):
        getattr(record, name)[members] = getattr(repeated, name)
    slots = protocol.member["record_slot"][members]
    recorded = slots >= 0
    record.trajectory[slots[recorded]] = repeated.trajectory
    for name in COUNTS:
        repeated.run[name] += record.run[name][members]
    record.run[members] = repeated.run
    record.run["status"][members[repeated.grown.any(axis=1)]] = LOST
    record.grown[members] |= repeated.grown


def _distrust(protocol: Protocol, record: Record) -> None:
    """Take a run for failed that a method calls whole although it holds what is no concentration.

    That is a number that is not finite, or, where single presentations are integrated, one that is more than 100
    absolute tolerances below zero.
    """
    status = record.run["status"]
    doubted = status == OK
    status[doubted & ~np.isfinite(record.final).all(axis=1)] = NOT_FINITE
    if protocol.guarded:
        status[doubted & (record.final < -LOWEST * record.atol).any(axis=1)] = NEGATIVE
    for member in np.flatnonzero(doubted & (protocol.member["record_slot"] >= 0)):
        y = record.trajectory[protocol.member["record_slot"][member]]
        if not np.all(np.isfinite(y)):
            status[member] = NOT_FINITE
        elif protocol.guarded and np.any(
            y[0] < -LOWEST * tolerances_so_far(protocol, int(member), y[0], record.atol[member])
        ):
            status[member] = NEGATIVE


def _settle(
    network: Network, protocol: Protocol, record: Record, member: int, time_zero: float, method: Method
) -> str:
    """Turn the mark of a run that is not ok into an outcome; return the reason."""
    from crnsim.solvers.ode import blowup

    run = record.run[member]
    status = int(run["status"])
    where = f"time {time_zero + run['time']:.6g}"
    if protocol.member[member]["n_presentations"] > 1:
        where = f"presentation {run['presentation']}, {where}"
    if status == STEP_LIMIT:
        counted = ", one for a leap or for 1000 reactions," if method.stochastic else ""
        return f"budget of {protocol.member[member]['max_steps']} steps{counted} (max_steps) spent at {where}"
    if status == BLOWN_UP:
        confirmed, reason = blowup.confirm(network, protocol, record, member)
        record.run["status"][member] = DIVERGED if confirmed else FAILED
        return f"{reason} ({where})"
    record.run["status"][member] = FAILED
    if status == LOST:
        names = [network.labels[row] for row in np.flatnonzero(record.grown[member])]
        return f"grew again from less than floating-point numbers hold: {', '.join(names)}"
    if status == NEGATIVE:
        return f"a concentration fell more than {LOWEST:g} absolute tolerances below zero ({where})"
    if status == NOT_FINITE:
        return f"a concentration became infinite or no number ({where})"
    if status == OVERFLOW:
        return f"more molecules of one species than can be counted, 2^53 ({where})"
    if status == RUNNING and not record.control[STOP]:
        return f"the method has not said how the run ended ({where})"
    return f"stopped at {where}"
