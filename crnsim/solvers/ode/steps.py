"""The step methods of the compiled loop: one table of what each is, and one place that calls them.

A step method is a file with a function of the arguments ``(k, w)``, which is compiled when a run may use it. It takes
one step of length ``w.attempt[STEP]`` from the tables Y and SLOPE in every lane, leaves the new state and its slope in
Y_NEW and NEW_SLOPE, and reports what is needed to judge the step (`crnsim.solvers.ode.error.report`). A line in `STEPS`
and its place in `_ATTEMPTS` make it known to the loop.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numba import typeof

from crnsim.compiled import by_address, inlined, once
from crnsim.kinetics.kernels import Kinetics
from crnsim.kinetics.signatures import call_step
from crnsim.solvers.ode import rodas, rosw
from crnsim.solvers.ode.bs23 import attempt_bs23
from crnsim.solvers.ode.dp45 import attempt_dp45
from crnsim.solvers.ode.rkc import attempt_rkc
from crnsim.solvers.ode.rodas import attempt_rodas
from crnsim.solvers.ode.rosw import attempt_rosw
from crnsim.solvers.ode.work import Work

#: Codes of the step methods: their lines in `STEPS`.
BS23, RKC, ROSW, DP45, RODAS = range(5)
#: Names of the step methods, as in `crnsim.solvers.METHODS`, by code.
NAMES = ("bs23", "rkc", "rosw", "dp45", "rodas")
#: What the loop must know of each.
STEPS = np.array(
    [
        (3, 1.0, 3, 2.5, 1, 0, 0.0, 0),  # bs23
        (0, 1.0, 3, 0.0, 0, 1, 0.0, 0),  # rkc
        (4, 2.3, 3, 0.0, 0, 0, rosw.GAMMA, 0),  # rosw
        (6, 2.2, 5, 3.3, 0, 0, 0.0, 0),  # dp45
        (6, 3.5, 4, 0.0, 0, 0, rodas.GAMMA, 1),  # rodas
    ],
    dtype=[
        ("evaluations", "i8"),  # of the right-hand side in one step; 0: as many as the step has stages
        ("cost", "f8"),  # of a step, in steps of bs23, by measurement; only `choice.candidates` are compared
        ("falls", "i8"),  # the power of its length with which the error of a step falls
        ("stable", "f8"),  # length of a step that is stable, times the spectral radius, of an explicit method
        ("interpolated", "i8"),  # 1: recorded times by interpolation inside a step; 0: by side steps
        ("stabilised", "i8"),  # 1: a step has as many stages as the spectral radius asks for
        ("gamma", "f8"),  # where a step solves systems 1 - gamma h J, whose pivots tell of growth; else 0
        ("whole", "i8"),  # 1: with less than the whole Jacobian its order is lost
    ],
)
#: Their functions, by code.
_ATTEMPTS = (attempt_bs23, attempt_rkc, attempt_rosw, attempt_dp45, attempt_rodas)
#: Their addresses, by code, of those that have been wanted.
_ADDRESSES: dict[int, int] = {}


def with_methods(k: Kinetics, w: Work, codes: Iterable[int]) -> Work:
    """Put the compiled step methods with some codes where the loop finds them; they are compiled when first wanted."""
    address = np.zeros(len(STEPS), dtype=np.int64)
    for code in sorted(codes):
        if code not in _ADDRESSES:
            _ADDRESSES[code] = _compiled(code, k, w)
        address[code] = _ADDRESSES[code]
    return w._replace(methods=address)


def _compiled(code: int, k: Kinetics, w: Work) -> int:
    name = NAMES[code]
    with once(name, f"compiling the step method {name}, once after an installation or an upgrade (seconds)"):
        return int(by_address(_ATTEMPTS[code], typeof(k), typeof(w)).address)


@inlined
def attempt(method: int, k: Kinetics, w: Work) -> None:
    """Attempt one step of every lane whose ``w.attempt[STEP]`` is not zero, with the method of a code."""
    call_step(w.methods[method], k, w)
