"""Integrate a batch with the compiled loop, and tell how far it is."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from functools import lru_cache
from typing import Any

import numpy as np
from numba import typeof

from crnsim.compiled import kept, once
from crnsim.kinetics.kernels import Kernel, compile_network
from crnsim.network.network import Network
from crnsim.solvers.ode.choice import AUTO, with_choice
from crnsim.solvers.ode.loop import integrate
from crnsim.solvers.ode.steps import NAMES
from crnsim.solvers.ode.work import new_work
from crnsim.solvers.protocol import DONE, STOP, Protocol, Record, Request


def run(network: Network, protocol: Protocol, record: Record, request: Request) -> None:
    """Integrate a batch by a method of the compiled loop: ``auto``, or the name of a step method.

    Parameters
    ----------
    network : Network
    protocol : Protocol
    record : Record
        Filled in; a run may be left as ``BLOWN_UP``, to be confirmed.
    request : Request
        Its `progress` is called about five times a second.
    """
    with kept():
        _run(network, protocol, record, request)


def _run(network: Network, protocol: Protocol, record: Record, request: Request) -> None:
    kernel = compile_network(network, listed=bool(protocol.guarded))
    policy = AUTO if request.method == "auto" else NAMES.index(request.method)
    integrate_batch(kernel, protocol, record, policy, request.progress)


def integrate_batch(
    kernel: Kernel,
    protocol: Protocol,
    record: Record,
    policy: int,
    progress: Callable[[float], None] | None = None,
) -> None:
    """Integrate a batch with a compiled network (see `crnsim.solvers.ode.loop.integrate`)."""
    work = with_choice(new_work(kernel, protocol), protocol, policy)
    arguments = kernel.kinetics, policy, protocol, record, work
    loop: Any = integrate
    if not loop.signatures:
        with once("loop", "compiling the integrators, once after an installation or an upgrade (about 20 s)"):
            loop.compile(tuple(map(typeof, arguments)))
    if progress is None and threading.current_thread() is not threading.main_thread():
        integrate(*arguments)
        return
    total = int(np.sum(protocol.member["n_presentations"]))
    # The compiled loop releases the interpreter, so that this thread can watch its counter and hear Ctrl-C.
    running = _threads().submit(integrate, *arguments)
    try:
        while not wait([running], timeout=0.2).done:
            if progress is not None:
                progress(int(record.control[DONE]) / max(total, 1))
    finally:
        record.control[STOP] = 1
        wait([running])
    running.result()


@lru_cache(maxsize=1)
def _threads() -> ThreadPoolExecutor:
    """Threads that wait for the next batch: to start one takes as long as a hundred steps of a small network."""
    return ThreadPoolExecutor(thread_name_prefix="crnsim")


# A process that is forked has none of them.
os.register_at_fork(after_in_child=_threads.cache_clear)
