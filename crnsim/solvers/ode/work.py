"""Buffers of a batch: tables of vectors, the place of each run, and scratch space."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from crnsim.kinetics.kernels import Kernel
from crnsim.kinetics.lanes import LANES, lanes_array
from crnsim.kinetics.signatures import PIVOT
from crnsim.solvers.ode.chebyshev import chebyshev
from crnsim.solvers.protocol import Protocol

#: Tables of a batch, found as ``w.tables[w.at[name]]``: the first four change places.
Y, Y_NEW, SLOPE, NEW_SLOPE, STAGE, U1, U2, U3, ASIDE, ASIDE_SLOPE = range(10)
#: Number of tables.
TABLES = 10
#: Rows of ``w.attempt``, for the step that every lane attempts: its length (0: the lane takes no part), the largest
#: error in units of the tolerance, how far the lowest concentration is above what is allowed, the highest
#: concentration, a sum that is finite if all of them are, whether the step was accepted (1 or 0), and, above zero, that
#: a species has come out of the tolerances.
STEP, ERROR, ROOM, HIGHEST, TOTAL, ACCEPTED, RISEN = range(7)
#: Rows of ``w.relative``: the relative tolerance of each lane, and by how much it is looser than that of the batch.
RELATIVE, LOOSER = range(2)
#: Rows of ``w.coefficient``, of one stage of the stabilised method (see `crnsim.solvers.ode.rkc`).
MU, NU, MU_STEP, GAMMA_STEP, REST = range(5)

#: The place of one run.
LANE = np.dtype(
    [
        ("member", "i8"),  # -1: idle
        ("presentation", "i8"),
        ("kicks", "i8"),  # done in this presentation
        ("grid", "i8"),  # next recorded time
        ("recorded_as", "i8"),  # number of this presentation among the recorded ones, -1 for none
        ("rejected", "i8"),  # was the last step rejected?
        ("method", "i8"),  # a step method of `crnsim.solvers.ode.steps`
        ("opening", "i8"),  # is this the first step after an event?
        ("favoured", "i8"),  # the method that has cost less
        ("trial", "i8"),  # is this presentation for trying the other one (1), or has that failed (2)?
        ("spent", "i8"),  # steps in this presentation
        ("easy", "i8"),  # steps since an implicit one has been found to be of no use
        ("time", "f8"),
        ("step", "f8"),
        ("stop", "f8"),  # time of the next event
        ("error", "f8"),  # logarithm of the last accepted error
        ("first_step", "f8"),  # that suited the last event
        ("cost", "f8"),  # of the last presentation with the favoured method
        ("tried", "f8"),  # its cost at the last trial
        ("loss", "f8"),  # sum over the presentations of one entry
    ]
)


class Work(NamedTuple):
    """Buffers of one batch: tables of vectors, and the place of each run."""

    tables: np.ndarray  # (TABLES, rows, LANES), by name as above
    at: np.ndarray  # (TABLES,) place of each table
    rate: np.ndarray  # table of rate constants
    absolute: np.ndarray  # table of absolute tolerances
    relative: np.ndarray  # rows RELATIVE and LOOSER
    p: np.ndarray  # table of the factors of a linear system
    q: np.ndarray  # and another
    attempt: np.ndarray  # rows STEP to RISEN
    aside: np.ndarray  # the first of these rows, put aside while side steps are taken
    implicit: np.ndarray  # see `crnsim.kinetics.signatures`
    coefficient: np.ndarray  # rows MU to REST
    stages: np.ndarray  # (LANES,) of the stabilised method
    aimed: np.ndarray  # (LANES,) 1: the run takes a side step to a recorded time
    chebyshev: np.ndarray  # see `crnsim.solvers.ode.chebyshev`
    lane: np.ndarray  # (slots,) of LANE: the place of each run
    slow: np.ndarray  # rows of the tables that hold slow arrays only
    fast: np.ndarray  # the other rows
    queue: np.ndarray  # (M,) members in the order in which lanes take them
    dynamic: int  # species that change
    wide: int  # 1: one run fills all lanes
    each: int  # 1: rows of `absolute` differ; 0: the first one is all of them, and stays in the nearest cache
    state: np.ndarray  # (n_species,) scratch, as are the following
    before: np.ndarray  # (n_species,)
    constants: np.ndarray  # (n_reactions,)
    draws: np.ndarray  # (max(n_species, n_reactions, features),)
    sample: np.ndarray  # (features + targets,)


def new_work(kernel: Kernel, protocol: Protocol) -> Work:
    """Return buffers for a batch."""
    wide = kernel.wide
    n_species, n_reactions = protocol.start.shape[1], protocol.rates.shape[1]
    n_values = protocol.patterns.shape[1]
    # Runs of one kind stand side by side, so that they agree on a method, and long ones begin first.
    member = protocol.member
    length = member["running_time"] * member["n_presentations"]
    queue = np.lexsort((-length, member["noise_concentrations"] > 0))
    rows, rates = (-(-n // LANES) if wide else n for n in (n_species, n_reactions))
    small = lanes_array(23)  # in one piece, because a piece takes 4 us
    small[13 + PIVOT] = 1.0
    return Work(
        tables=lanes_array(TABLES * rows).reshape(TABLES, rows, LANES),
        at=np.arange(TABLES),
        rate=lanes_array(rates),
        absolute=_ones(rows),
        p=lanes_array(kernel.factor_rows[0]),
        q=lanes_array(kernel.factor_rows[1]),
        attempt=small[:7],
        aside=small[7:13],
        implicit=small[13:16],
        coefficient=small[16:21],
        relative=small[21:],
        stages=np.full(LANES, 2),
        aimed=np.zeros(LANES, dtype=np.int64),
        chebyshev=chebyshev(),
        lane=np.zeros(1 if wide else LANES, dtype=LANE),
        slow=kernel.slow,
        fast=kernel.fast,
        queue=queue,
        dynamic=kernel.n_dynamic,
        wide=int(wide),
        each=int(protocol.guarded == 1 or bool(np.any(protocol.atol != protocol.atol[0, 0]))),
        state=np.zeros(n_species),
        before=np.zeros(n_species),
        constants=np.zeros(n_reactions),
        draws=np.zeros(max(n_species, n_reactions, n_values)),
        sample=np.zeros(n_values),
    )


def _ones(rows: int) -> np.ndarray:
    """A table of ones: what lies in no run's part of it must not divide by zero."""
    table = lanes_array(rows)
    table[:] = 1.0
    return table
