"""Every event of one run, one after the other."""

from __future__ import annotations

import math

import numpy as np

from crnsim.compiled import compiled, entry, kept, once
from crnsim.kinetics.kernels import Kinetics, no_kinetics
from crnsim.network.network import Network
from crnsim.solvers.protocol import Protocol, Record, new_record
from crnsim.solvers.stochastic import loop, propensities
from crnsim.solvers.stochastic.batch import check_countable, in_threads
from crnsim.solvers.stochastic.tables import Tables, tables_of
from crnsim.solvers.stochastic.work import EVENTS, LAST, SPENT, Work, new_work


@compiled
def _until(k, t, p, r, w, member, slot, place, time, stop):
    """Follow every reaction up to a time, or until the list is full; see `loop.follow_all`."""
    propensities.set_all(t, w)
    while True:
        number = w.tally[EVENTS]
        if loop.interrupted(p, r, w, member) or number == len(w.listed_time):
            return time, place
        time, _, done = propensities.advance(t, w, time, -1.0, math.inf, stop, 1)
        if done == 0:
            return stop, place
        w.listed_time[number] = time
        w.listed_reaction[number] = t.number[w.tally[LAST]]
        w.tally[EVENTS] += 1
        w.tally[SPENT] += 1


@entry
def _follow(k: Kinetics, t: Tables, p: Protocol, r: Record, w: Work, keys: np.ndarray) -> None:
    """Follow one run."""
    loop.follow_all(k, t, p, r, w, keys, 0, 1, _until)


def list_events(network: Network, protocol: Protocol, most: int) -> tuple[Record, np.ndarray, np.ndarray]:
    """Follow the one run of a protocol of one presentation by the exact method.

    Parameters
    ----------
    network : Network
    protocol : Protocol
        With its volume and its event keys.
    most : int
        Events, at most.

    Returns
    -------
    record : Record
    times : numpy.ndarray, shape (events,)
    reactions : numpy.ndarray, shape (events,)
        Number of the elementary reaction that took place.
    """
    check_countable(protocol, "ssa")
    tables, record = tables_of(network), new_record(protocol)
    work = new_work(network, tables, protocol, listed=most)
    with kept(), once("listing", "compiling the exact method that lists events, once (about 10 s)"):
        arguments = no_kinetics(network), tables, protocol, record, work, protocol.event_keys
        in_threads(lambda _: _follow(*arguments), 1, protocol, record, None)
    count = int(work.tally[EVENTS])
    return record, work.listed_time[:count].copy(), work.listed_reaction[:count].copy()
