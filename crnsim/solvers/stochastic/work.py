"""What a thread works with while it follows runs, one after the other."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from crnsim.kinetics.by_reference import by_reference
from crnsim.kinetics.kernels import Kernel
from crnsim.kinetics.lanes import LANES, lanes_array
from crnsim.kinetics.signatures import IMPLICIT_ROWS, PIVOT
from crnsim.network.network import Network
from crnsim.solvers.protocol import Protocol
from crnsim.solvers.stochastic.tables import WIDTH, Tables

#: Entries of ``w.tally``: reactions that were followed, leaps over many, leaps that were taken anew in shorter ones,
#: leaps that a species at zero stood against, how much of the budget of a run is spent, and the last reaction.
EVENTS, LEAPS, REPEATED, CONTACTS, SPENT, LAST = range(6)

#: Entries of ``w.sorted``: reactions to leap over, rows that they change, leaps since they were chosen, below zero if
#: they are to be chosen anew, and the event at which they are anyway.
CHOSEN, CHANGED, AGE, ENOUGH = range(4)

#: Entries of ``w.longest``: the longest leap that what is followed and drives others allows, and the last leap.
DRIVEN, BEFORE = range(2)

#: Methods that leap: tau-leaping, the chemical Langevin equation, and the partition of both with the exact method.
TAU, LANGEVIN, PARTITION = range(3)


@by_reference
class Work(NamedTuple):
    """Room for one run; numbers of molecules are whole, and kept as floats, which are exact up to 2^53."""

    molecules: np.ndarray  # (rows + 1,) molecules; the last is 1, the owner of what needs no reactant
    constant: np.ndarray  # (R,) of rates in molecules
    active: np.ndarray  # (R,) the same, 0 for reactions that are leapt over
    tally: np.ndarray  # entries EVENTS to LAST
    partial: np.ndarray  # (leaves,) partial propensities
    block: np.ndarray  # (blocks,) their sums
    tree: np.ndarray  # sums of groups, level by level
    random: np.ndarray  # (4,) uint64
    key: np.ndarray  # (2,) uint64, of the run
    aside: np.ndarray  # (4,) uint64, of a part of a leap
    rates: np.ndarray  # (reactions of the network,) rate constants of a presentation
    first: np.ndarray  # (families,) first reaction of each
    state: np.ndarray  # (species,) concentrations
    before: np.ndarray  # (species,)
    values: np.ndarray  # (features + targets,)
    draws: np.ndarray
    listed_time: np.ndarray  # (events,) where they are listed
    listed_reaction: np.ndarray  # (events,) int64
    # Of methods that leap.
    policy: int  # TAU, LANGEVIN or PARTITION
    lane: int  # of tables for linear systems that a run is in; -1 for all
    leaps: np.ndarray  # (R,) uint8
    chosen: np.ndarray  # (R,) those that do
    changed: np.ndarray  # (rows,) that they change
    sorted: np.ndarray  # entries CHOSEN to ENOUGH
    least: np.ndarray  # (rows + 1,) molecules that there must be of what they change
    longest: np.ndarray  # entries DRIVEN and BEFORE
    propensity: np.ndarray  # (R,)
    extent: np.ndarray  # (R,) how often each reaction takes place
    rest: np.ndarray  # (R,) what was rounded off
    total: np.ndarray  # (R,) the same, of all parts of a leap
    done: np.ndarray  # (R,) of these by a recorded time
    within: np.ndarray  # (R,) in the part of the leap that it falls into
    relaxes: np.ndarray  # (R,) how fast what they change relaxes, per unit of time
    at_leap: np.ndarray  # (rows + 1,) molecules when the leap takes place
    mean: np.ndarray  # (rows + 1,) of the change of a species per unit of time
    variance: np.ndarray  # (rows + 1,)
    turnover: np.ndarray  # (rows + 1,) by what is followed, per unit of time
    used_up: (
        np.ndarray
    )  # (rows + 1,) how fast what is leapt over brings a species back to its mean, per unit of time
    gain: np.ndarray  # (rows + 1,)
    bent: np.ndarray  # (rows + 1,) the third derivative
    loss: np.ndarray  # (rows + 1,)
    moved: np.ndarray  # (species,) molecules
    right: np.ndarray  # (species,) of a linear system
    masked: np.ndarray  # (reactions of the network,) rate constants, 0 for what is followed
    table_y: np.ndarray  # for linear systems, see `crnsim.kinetics.kernels`
    table_x: np.ndarray
    table_rate: np.ndarray
    p: np.ndarray
    q: np.ndarray
    implicit: np.ndarray


_PER_REACTION = ("propensity", "extent", "total", "done", "within", "relaxes")
_PER_ROW = ("at_leap", "least", "mean", "variance", "turnover", "used_up", "gain", "loss", "bent")


def new_work(
    network: Network,
    tables: Tables,
    protocol: Protocol,
    kernel: Kernel | None = None,
    policy: int | None = None,
    listed: int = 0,
) -> Work:
    """Return room for runs of a protocol; a policy leaps, and its linear systems need a kernel, and have room by it."""
    n = network.n_species
    reactions = len(tables.number)
    longest = max((family.size for family in network.families), default=1)
    nothing = np.zeros((0, LANES))
    implicit = lanes_array(IMPLICIT_ROWS)
    implicit[PIVOT] = 1.0  # where nothing writes it
    per_reaction = {name: np.zeros(reactions) for name in _PER_REACTION}
    per_row = {name: np.zeros(n + 1) for name in _PER_ROW}
    return Work(
        molecules=np.zeros(n + 1),
        constant=np.zeros(reactions),
        active=np.zeros(reactions),
        tally=np.zeros(LAST + 1, dtype=np.int64),
        partial=np.zeros(len(tables.reaction)),
        block=np.zeros(len(tables.reaction) // WIDTH),
        tree=np.zeros(int(tables.level_at[-1])),
        random=np.zeros(4, dtype=np.uint64),
        key=np.zeros(2, dtype=np.uint64),
        aside=np.zeros(4, dtype=np.uint64),
        rates=np.zeros(network.n_reactions),
        first=np.ascontiguousarray(network.first_reactions),
        state=np.zeros(n),
        before=np.zeros(n),
        values=np.zeros(len(protocol.clamp)),
        draws=np.zeros(max(longest, n, protocol.n_features, 1)),
        listed_time=np.empty(listed),
        listed_reaction=np.empty(listed, dtype=np.int64),
        policy=policy or 0,
        lane=-1 if kernel is not None and kernel.wide else 0,
        leaps=np.zeros(reactions, dtype=np.uint8),
        rest=np.zeros(reactions if policy is not None else 0),
        **per_reaction,
        **per_row,
        chosen=np.zeros(reactions, dtype=np.int64),
        changed=np.zeros(n + 1, dtype=np.int64),
        sorted=np.zeros(ENOUGH + 1, dtype=np.int64),
        longest=np.zeros(BEFORE + 1),
        moved=np.zeros(n),
        right=np.zeros(n),
        masked=np.zeros(network.n_reactions),
        table_y=nothing if kernel is None else kernel.table(np.zeros(n)),
        table_x=nothing if kernel is None else kernel.table(np.zeros(n)),
        table_rate=nothing if kernel is None else kernel.table(np.zeros(network.n_reactions)),
        p=nothing if kernel is None else lanes_array(kernel.factor_rows[0]),
        q=nothing if kernel is None else lanes_array(kernel.factor_rows[1]),
        implicit=implicit,
    )
