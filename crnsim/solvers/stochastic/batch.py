"""Follow the runs of a batch by a stochastic method, on as many threads as there are processors."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait

import numpy as np

from crnsim.compiled import kept, once
from crnsim.errors import InputError
from crnsim.kinetics.kernels import Kernel, compile_network, no_kinetics
from crnsim.network.network import Network
from crnsim.noise.streams import stream_key
from crnsim.provenance import processors
from crnsim.solvers.protocol import DONE, STOP, Protocol, Record, Request
from crnsim.solvers.stochastic import exact, leaping
from crnsim.solvers.stochastic.counts import MOST_MOLECULES
from crnsim.solvers.stochastic.tables import tables_of
from crnsim.solvers.stochastic.work import LANGEVIN, PARTITION, TAU, new_work

#: Of networks of more reactions linear systems have the code that is generated from their families.
MOST_WHOLE = 5000
#: Methods that leap.
_LEAPING = {"tau": TAU, "cle": LANGEVIN, "hybrid": PARTITION}


#: Powers of ten of a rate constant for molecules: products with numbers of them stay numbers.
_MOST_DECADES = 250


def run(network: Network, protocol: Protocol, record: Record, request: Request) -> None:
    """Follow every molecule of each run.

    Parameters
    ----------
    network : Network
    protocol : Protocol
    record : Record
        Filled in.
    request : Request
        Its `progress` is called about five times a second.
    """
    protocol = _with_volumes(network, protocol, request)
    tables = tables_of(network)
    keys = protocol.event_keys
    if not len(keys):
        replicates = protocol.member["replicate"].tolist()
        keys = np.array([stream_key(int(request.seed or 0), "molecules", number) for number in replicates])
    runs = len(protocol.member)
    policy = _LEAPING.get(request.method)
    follow = exact.follow if policy is None else leaping.follow
    kernel = None if policy in (None, TAU) else _kernel(network, protocol)
    kinetics = no_kinetics(network) if kernel is None else kernel.kinetics
    what = "exact" if policy is None else "leaping"
    with kept(), once(what, f"compiling the stochastic methods ({what}), once (about 10 s)"):
        workers = min(_threads(), runs)
        shares = np.linspace(0, runs, workers + 1).astype(int)
        rooms = [new_work(network, tables, protocol, kernel, policy) for _ in range(workers)]

        def share(number: int) -> None:
            follow(
                kinetics, tables, protocol, record, rooms[number], keys, shares[number], shares[number + 1]
            )

        in_threads(share, workers, protocol, record, request.progress)


def _kernel(network: Network, protocol: Protocol) -> Kernel:
    """Linear systems for leaps: with the whole Jacobian, which tells what grows; not of circuits and large networks."""
    whole = not len(protocol.clamp) and network.n_reactions <= MOST_WHOLE
    return compile_network(network, listed=whole)


def _threads() -> int:
    """As many as there are processors, or as the process may have: a worker of a sweep has one."""
    told = os.environ.get("NUMBA_NUM_THREADS", "")
    return max(min(processors(), int(told)), 1) if told.isdigit() else processors()


def _with_volumes(network: Network, protocol: Protocol, request: Request) -> Protocol:
    """Give each run its volume, and refuse what cannot be counted in it."""
    member = protocol.member.copy()
    if request.volume is not None:
        member["volume"][member["volume"] == 0] = request.volume
    protocol = protocol._replace(member=member)
    check_countable(protocol, request.method)
    _check_constants(network, protocol, request.method)
    return protocol


def _check_constants(network: Network, protocol: Protocol, method: str) -> None:
    """Refuse rate constants that are no numbers once they count molecules, k Omega^(1 - order)."""
    sets = protocol.member["rate_set"]
    for family, first in zip(network.families, network.first_reactions, strict=True):
        fastest = protocol.rates[:, first : first + family.size].max(axis=1, initial=0.0)
        with np.errstate(divide="ignore"):
            decades = np.log10(fastest)[sets] + (1 - family.order) * np.log10(protocol.member["volume"])
        if np.any(decades > _MOST_DECADES):
            raise InputError(
                f"method '{method}' counts molecules, and '{family.equation}' would have a rate constant of "
                f"1e{np.max(decades):.0f} for them; take a larger volume, or smaller rate constants"
            )


def check_countable(protocol: Protocol, method: str) -> None:
    """Raise InputError if there are more molecules at the start than a method can count."""
    most = float(np.max(protocol.start * protocol.member["volume"][:, None], initial=0.0))
    if not most < MOST_MOLECULES:
        raise InputError(
            f"method '{method}' counts molecules, and {most:.3g} of one species are more than it can "
            f"({MOST_MOLECULES:.3g}); take a smaller volume, which is a larger magnitude of intrinsic noise"
        )


def in_threads(
    share: Callable[[int], None],
    workers: int,
    protocol: Protocol,
    record: Record,
    progress: Callable[[float], None] | None,
) -> None:
    """Let each thread do its share, which releases the interpreter, and watch from this one."""
    if workers == 1 and progress is None and threading.current_thread() is not threading.main_thread():
        share(0)
        return
    total = max(int(np.sum(protocol.member["n_presentations"])), 1)
    with ThreadPoolExecutor(workers, thread_name_prefix="crnsim") as pool:
        running = [pool.submit(share, number) for number in range(workers)]
        try:
            while wait(running, timeout=0.2).not_done:
                if progress is not None:
                    progress(min(int(record.control[DONE]) / total, 1.0))
        finally:
            record.control[STOP] = 1 if any(not one.done() for one in running) else record.control[STOP]
            wait(running)
        for one in running:
            one.result()
