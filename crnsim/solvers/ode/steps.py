"""The step methods of the compiled loop: one table of what each is, and one place that calls them.

A step method is a file with a compiled function of the arguments ``(k, w)``. It takes one step of length
``w.attempt[STEP]`` from the tables Y and SLOPE in every lane, leaves the new state and its slope in Y_NEW and
NEW_SLOPE, and reports what is needed to judge the step (`crnsim.solvers.ode.error.report`). A line in `STEPS` and one
in `attempt` make it known to the loop.
"""

from __future__ import annotations

import numpy as np

from crnsim.compiled import inlined
from crnsim.kinetics.kernels import Kinetics
from crnsim.solvers.ode.bs23 import attempt_bs23
from crnsim.solvers.ode.dp45 import attempt_dp45
from crnsim.solvers.ode.rkc import attempt_rkc
from crnsim.solvers.ode.rosw import attempt_rosw
from crnsim.solvers.ode.work import Work

#: Codes of the step methods: their lines in `STEPS`.
BS23, RKC, ROSW, DP45 = range(4)
#: Names of the step methods, as in `crnsim.solvers.METHODS`, by code.
NAMES = ("bs23", "rkc", "rosw", "dp45")
#: What the loop must know of each.
STEPS = np.array(
    [
        (3, 1.0, 3, 2.5, 1, 0, 0),  # bs23
        (0, 1.0, 3, 0.0, 0, 1, 0),  # rkc
        (4, 2.3, 3, 0.0, 0, 0, 1),  # rosw
        (6, 2.2, 5, 3.3, 0, 0, 0),  # dp45
    ],
    dtype=[
        ("evaluations", "i8"),  # of the right-hand side in one step; 0: as many as the step has stages
        (
            "cost",
            "f8",
        ),  # of a step, in steps of bs23, by measurement; only `choice.CANDIDATES` are ever compared
        ("falls", "i8"),  # the power of its length with which the error of a step falls
        ("stable", "f8"),  # length of a step that is stable, times the spectral radius, of an explicit method
        ("interpolated", "i8"),  # 1: recorded times by interpolation inside a step; 0: by side steps
        ("stabilised", "i8"),  # 1: a step has as many stages as the spectral radius asks for
        ("implicit", "i8"),  # 1: a step solves linear systems, whose pivots say what grows within it
    ],
)


@inlined
def attempt(method: int, k: Kinetics, w: Work) -> None:
    """Attempt one step of every lane whose ``w.attempt[STEP]`` is not zero, with the method of a code."""
    if method == RKC:
        attempt_rkc(k, w)
    elif method == ROSW:
        attempt_rosw(k, w)
    elif method == DP45:
        attempt_dp45(k, w)
    else:
        attempt_bs23(k, w)
