"""SciPy's solvers on the faster NumPy right-hand side, with a sparse analytic Jacobian where one is used.

The solver objects are stepped directly: `solve_ivp` would spend time on storing every step. In an ensemble the members
are integrated in turn; the methods called "stacked" take all of them as one long state, with one step size for all.
``odeint`` is the older interface to LSODA, whose loop over steps is compiled.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from problems import Problem
from right_hand_sides import Folded, check, fastest
from scipy.integrate import BDF, DOP853, LSODA, RK23, RK45, Radau, odeint

from competitors import Deadline, Failed, NotPossible

NAME = "SciPy"
_METHODS: dict[str, Any] = {c.__name__: c for c in (RK23, RK45, DOP853, LSODA, BDF, Radau)}
#: LSODA keeps its Jacobian dense; above this many species that is no longer sensible.
_DENSE_LIMIT = 5000


def methods(problem: Problem) -> list[str]:
    """Names of the methods."""
    names = ["RK23", "RK45", "DOP853", "LSODA", "odeint", "BDF"]
    return names if problem.members == 1 else [*names, "RK23 stacked", "RK45 stacked", "DOP853 stacked"]


class _OneByOne:
    one_by_one = True

    def __init__(self, problem: Problem, method: str) -> None:
        self.problem, self.method = problem, method
        self.n = problem.circuit.network.n_dynamic
        self.form = fastest(problem)[0]
        self.sides: dict[int, tuple[Any, Folded]] = {}
        self.deadline = Deadline()
        self._side(0)

    def _side(self, member: int) -> tuple[Any, Folded]:
        if member not in self.sides:
            folded = Folded(self.problem, range(member, member + 1))
            function = folded if self.form == "folded" else fastest(self.problem, member)[1]
            check(self.problem, function, member)
            folded.jacobian(0.0, self.problem.start[member][: self.n])
            self.sides[member] = function, folded
        return self.sides[member]

    def __call__(self, rtol: float, atol: float, count: int) -> np.ndarray:
        final = self.problem.start[:count].copy()
        for member in range(count):
            self.deadline.restart()
            function, folded = self._side(member)
            options: dict[str, Any] = {}
            if self.method in ("BDF", "Radau"):
                options["jac"] = folded.jacobian
            elif self.method in ("LSODA", "odeint"):
                options["jac"] = folded.dense_jacobian
            final[member, : self.n] = march(
                self.method,
                function,
                final[member, : self.n],
                self.problem.span,
                rtol,
                atol,
                self.deadline,
                **options,
            )
        return final


class _Stacked:
    one_by_one = False

    def __init__(self, problem: Problem, method: str) -> None:
        self.problem, self.method = problem, method.removesuffix(" stacked")
        self.n = problem.circuit.network.n_dynamic
        self.function = Folded(problem, range(problem.members))
        self.deadline = Deadline()

    def __call__(self, rtol: float, atol: float, count: int) -> np.ndarray:
        final = self.problem.start.copy()
        self.deadline.restart()
        start = final[:, : self.n].ravel()
        end = march(self.method, self.function, start, self.problem.span, rtol, atol, self.deadline)
        final[:, : self.n] = end.reshape(len(final), self.n)
        return final


def march(
    method: str,
    function: Any,
    start: np.ndarray,
    span: float,
    rtol: float,
    atol: float,
    deadline: Deadline | None = None,
    **options: Any,
) -> np.ndarray:
    """Final state of one integration; raises `Failed`."""
    if method == "odeint":
        return _odeint(function, start, span, rtol, atol, deadline, **options)
    with np.errstate(all="ignore"):
        solver = _METHODS[method](function, 0.0, start, span, rtol=rtol, atol=atol, **options)
        while solver.status == "running":
            message = solver.step()
            if deadline is not None:
                deadline.check()
    if solver.status == "failed" or not np.all(np.isfinite(solver.y)):
        raise Failed(str(message or "not finite"))
    return np.asarray(solver.y)


def _odeint(
    function: Any,
    start: np.ndarray,
    span: float,
    rtol: float,
    atol: float,
    deadline: Deadline | None,
    jac: Any,
) -> np.ndarray:
    def checked(t: float, y: np.ndarray) -> Any:
        # Its only way out of the compiled loop.
        if deadline is not None:
            deadline.check()
        return function(t, y)

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        times = np.array([0.0, span])
        options = {"Dfun": jac, "tfirst": True, "mxstep": 1_000_000, "full_output": True}
        states, report = odeint(checked, start, times, rtol=rtol, atol=atol, **options)
    if report["message"] != "Integration successful." or not np.all(np.isfinite(states[-1])):
        raise Failed(report["message"])
    return np.asarray(states[-1])


def prepare(problem: Problem, method: str) -> _OneByOne | _Stacked:
    """Build right-hand sides and Jacobians."""
    n = problem.circuit.network.n_dynamic
    if method in ("LSODA", "odeint") and n > _DENSE_LIMIT:
        raise NotPossible(f"its Jacobian is dense: {n}^2 entries, {8e-9 * n * n:.0f} GB")
    return _Stacked(problem, method) if method.endswith("stacked") else _OneByOne(problem, method)
