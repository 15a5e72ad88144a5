"""Integrate a batch with the compiled loop, and tell how far it is."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from functools import lru_cache
from typing import Any

import numpy as np
from numba import typeof

from crnsim.compiled import kept, meanwhile, once
from crnsim.kinetics.kernels import Kernel, compile_network, without_code
from crnsim.network.network import Network
from crnsim.solvers.ode.choice import AUTO, with_choice
from crnsim.solvers.ode.loop import integrate
from crnsim.solvers.ode.steps import NAMES, STEPS
from crnsim.solvers.ode.work import Work, new_work
from crnsim.solvers.protocol import DONE, STOP, Protocol, Record, Request, new_record
from crnsim.solvers.single import plain_protocol

#: Without its type: a dispatcher's own attributes are not known.
_LOOP: Any = integrate


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
    policy = AUTO if request.method == "auto" else NAMES.index(request.method)
    whole = policy != AUTO and STEPS[policy]["whole"] == 1
    with _loop_compiled_meanwhile():
        kernel = compile_network(network, listed=bool(protocol.guarded) or whole)
        work = _work_of(kernel, protocol, policy)
    _integrate(kernel, protocol, record, policy, work, request.progress)


def integrate_batch(kernel: Kernel, protocol: Protocol, record: Record, policy: int) -> None:
    """Integrate a batch with a compiled network (see `crnsim.solvers.ode.loop.integrate`)."""
    _integrate(kernel, protocol, record, policy, _work_of(kernel, protocol, policy), None)


def _work_of(kernel: Kernel, protocol: Protocol, policy: int) -> Work:
    return with_choice(kernel.kinetics, new_work(kernel, protocol), protocol, policy, whole=kernel.listed)


@contextlib.contextmanager
def _loop_compiled_meanwhile() -> Iterator[None]:
    """Let a second process compile the loop, where it is not yet, while this one compiles a network's reactions."""
    if _LOOP.signatures:
        yield
        return
    with once(
        "loop", "compiling the integrators, once after an installation or an upgrade (about 20 s)"
    ) as new:
        with meanwhile("from crnsim.solvers.ode.batch import compile_loop; compile_loop()" if new else ""):
            yield
        compile_loop()


def compile_loop() -> None:
    """Compile the loop, or take it from the cache: the types of its arguments are those of any batch."""
    network = Network()
    network.add_species("A")
    network.add_family("decay", "A -> 0", 1.0)
    one = np.ones((1, 1))
    protocol = plain_protocol(one, one, span=1.0, grid=one[0], rtol=1e-3, atol=1e-6, max_steps=1)
    kernel = without_code(network)
    arguments = kernel.kinetics, AUTO, protocol, new_record(protocol), new_work(kernel, protocol)
    _LOOP.compile(tuple(map(typeof, arguments)))


def _integrate(
    kernel: Kernel,
    protocol: Protocol,
    record: Record,
    policy: int,
    work: Work,
    progress: Callable[[float], None] | None,
) -> None:
    arguments = kernel.kinetics, policy, protocol, record, work
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
