"""Buffers of a batch: tables of vectors, the place of each run, and scratch space."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from crnsim.compiled import inlined
from crnsim.kinetics.by_reference import by_reference
from crnsim.kinetics.kernels import Kernel
from crnsim.kinetics.lanes import LANES, lanes_array
from crnsim.kinetics.listed import COST, SERVES
from crnsim.kinetics.signatures import IMPLICIT_ROWS, PIVOT
from crnsim.solvers.ode.chebyshev import chebyshev
from crnsim.solvers.protocol import Protocol

#: Tables of a batch, found as ``w.tables[w.at[name]]``: the first four change places.
Y, Y_NEW, SLOPE, NEW_SLOPE, STAGE, U1, U2, U3, U4, U5, ASIDE, ASIDE_SLOPE = range(12)
#: Number of tables.
TABLES = 12
#: Rows of ``w.attempt``, for the step that every lane attempts: its length (0: the lane takes no part), the largest
#: error in units of the tolerance, how far the lowest concentration is above what is allowed, the highest
#: concentration, a sum that is finite if all of them are; whether (1 or 0) the step was accepted, is as good as it must
#: be, and has reached the next event; whether the run has used up its steps, or its next step is lost in the rounding
#: of its time; and, above zero, that a species has come out of the tolerances.
STEP, ERROR, ROOM, HIGHEST, TOTAL, ACCEPTED, PASSES, REACHED, SPENT_ALL, VANISHED, RISEN = range(11)
#: Rows of ``w.relative``: the relative tolerance of each lane, by how much it is looser than that of the batch, and how
#: much of 1 a pivot may lack (see `crnsim.solvers.ode.control`).
RELATIVE, LOOSER, LACK = range(3)
#: Rows of ``w.place``, of each lane; of one run in all lanes they hold the same. Times are within a presentation.
#: The number of its step method (`crnsim.solvers.ode.steps`), -1 if the lane is idle; the time reached, that of the
#: next event, and the next step;
METHOD, TIME, STOP_TIME, NEXT_STEP = range(4)
#: the step that suited the last event, whether the step is the first one after an event, whether the last step was
#: rejected, and the logarithm of the last accepted error, to base 2;
FIRST_STEP, OPENING, REJECTED, LOGARITHM = range(4, 8)
#: steps of the run that were accepted and rejected, evaluations of the right-hand side, and steps that it may take;
STEPS_DONE, REJECTIONS, EVALUATIONS, MOST_STEPS = range(8, 12)
#: steps in this presentation, and the number at which a trial of a method has failed; the concentration above which it
#: is looked at closely; the shortest step; whether values are still to be recorded in this presentation; and whether it
#: is time to look whether an implicit step is worth its cost.
SPENT, TRIAL_ENDS, CEILING, SHORTEST, RECORDING, DUE = range(12, 18)
#: Rows of ``w.coefficient``, of one stage of the stabilised method (see `crnsim.solvers.ode.rkc`).
MU, NU, MU_STEP, GAMMA_STEP, REST = range(5)

#: What else is known of the run in a lane; what every step needs is in ``w.place``.
LANE = np.dtype(
    [
        ("member", "i8"),  # -1: idle
        ("presentation", "i8"),
        ("kicks", "i8"),  # done in this presentation
        ("changes", "i8"),  # of rate constants, done in this presentation
        ("grid", "i8"),  # next recorded time
        ("recorded_as", "i8"),  # number of this presentation among the recorded ones, -1 for none
        ("favoured", "i8"),  # the method that has cost less
        ("trial", "i8"),  # is this presentation for trying the other one (1), or has that failed (2)?
        ("turns", "i8"),  # 1: explicit and implicit steps take turns, by their lengths
        ("easy", "i8"),  # steps since the turn was last that of implicit or of explicit ones
        ("patience", "i8"),  # explicit steps to take before an implicit one is looked at
        ("reach", "f8"),  # longest explicit steps, times the bound of the spectral radius
        ("cost", "f8"),  # of the last presentation with the favoured method
        ("tried", "f8"),  # its cost at the last trial
        ("loss", "f8"),  # sum over the presentations of one entry
    ]
)


@by_reference
class Work(NamedTuple):
    """Buffers of one batch: tables of vectors, and the place of each run."""

    tables: np.ndarray  # (TABLES, rows, LANES), by name as above
    at: np.ndarray  # (TABLES,) place of each table
    rate: np.ndarray  # table of rate constants
    absolute: np.ndarray  # table of absolute tolerances
    relative: np.ndarray  # rows RELATIVE to LACK
    place: np.ndarray  # rows METHOD to DUE
    p: np.ndarray  # table of the factors of a linear system
    q: np.ndarray  # and another
    attempt: np.ndarray  # rows STEP to RISEN
    aside: np.ndarray  # the first of these rows, put aside while side steps are taken
    p_aside: np.ndarray  # a copy of the first, where factors serve for several steps
    implicit_aside: np.ndarray  # and of the following
    implicit: np.ndarray  # see `crnsim.kinetics.signatures`
    coefficient: np.ndarray  # rows MU to REST
    stages: np.ndarray  # (LANES,) of the stabilised method
    aimed: np.ndarray  # (LANES,) 1: the run takes a side step to a recorded time
    chebyshev: np.ndarray  # see `crnsim.solvers.ode.chebyshev`
    methods: np.ndarray  # addresses of the step methods that runs may use, by code
    lane: np.ndarray  # (slots,) of LANE
    slow: np.ndarray  # (runs, 2) where rows begin and end that are in no linear system
    fast: np.ndarray  # and the others
    queue: np.ndarray  # (M,) members in the order in which lanes take them
    dynamic: int  # species that change
    wide: int  # 1: one run fills all lanes
    serves: int  # steps that the factors of a linear system serve for
    implicit_cost: float  # of a step with a linear system, in steps of bs23
    candidates: np.ndarray  # (2,) the methods between which a run chooses: an implicit, an explicit one
    explicit: int  # the method that takes turns with implicit steps, -1 for none
    opens: int  # the method that a run begins with which chooses by its costs
    each: int  # 1: rows of `absolute` differ; 0: the first one is all of them, and stays in the nearest cache
    state: np.ndarray  # (n_species,) scratch, as are the following
    before: np.ndarray  # (n_species,)
    constants: np.ndarray  # (n_reactions,)
    draws: np.ndarray  # (max(n_species, n_reactions, features),)
    sample: np.ndarray  # (features + targets,)


@inlined
def put(w: Work, row: int, lane: int, value: float) -> None:
    """Set a row of ``w.place`` for a run, in every lane that it is in."""
    if w.wide == 1:
        for every in range(LANES):
            w.place[row, every] = value
    else:
        w.place[row, lane] = value


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
    serves = int(kernel.kinetics.offset[SERVES]) if kernel.listed else 1
    tables = _cut(
        tables=TABLES * rows,
        rate=rates,
        absolute=rows,
        p=kernel.factor_rows[0],
        q=kernel.factor_rows[1],
        attempt=RISEN + 1,
        aside=ACCEPTED + 1,
        implicit=IMPLICIT_ROWS,
        implicit_aside=IMPLICIT_ROWS,
        p_aside=kernel.factor_rows[0] if serves > 1 else 0,
        coefficient=REST + 1,
        relative=LACK + 1,
        place=DUE + 1,
    )
    tables["tables"] = tables["tables"].reshape(TABLES, rows, LANES)
    tables["absolute"][:] = 1.0  # what lies in no run's part of it must not divide by zero
    tables["implicit"][PIVOT] = 1.0
    tables["place"][METHOD] = -1.0
    return Work(
        **tables,
        at=np.arange(TABLES),
        stages=np.full(LANES, 2),
        aimed=np.zeros(LANES, dtype=np.int64),
        chebyshev=chebyshev(),
        methods=np.zeros(0, dtype=np.int64),
        lane=np.zeros(1 if wide else LANES, dtype=LANE),
        slow=kernel.slow,
        fast=kernel.fast,
        queue=queue,
        dynamic=kernel.n_dynamic,
        wide=int(wide),
        serves=serves,
        implicit_cost=float(kernel.kinetics.offset[COST]) if kernel.listed else 0.0,
        candidates=np.zeros(2, dtype=np.int64),
        explicit=-1,
        opens=-1,
        each=int(protocol.guarded == 1 or bool(np.any(protocol.atol != protocol.atol[0, 0]))),
        state=np.zeros(n_species),
        before=np.zeros(n_species),
        constants=np.zeros(n_reactions),
        draws=np.zeros(max(n_species, n_reactions, n_values)),
        sample=np.zeros(n_values),
    )


def _cut(**rows: int) -> dict[str, np.ndarray]:
    """Tables of zeros by name, cut from one, because each one that is made takes 4 us."""
    whole, found, end = lanes_array(sum(rows.values())), {}, 0
    for name, count in rows.items():
        found[name] = whole[end : end + count]
        end += count
    return found
