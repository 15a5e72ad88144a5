"""CVODE of SUNDIALS through scikit-sundae, on crnsim's own compiled right-hand side.

Linear systems are dense or sparse (SuperLU_MT) with our analytic Jacobian, or solved by GMRES without one; Adams has no
systems but iterates. The solver is compiled code that calls the right-hand side through Python, at 2 us a call.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from problems import Problem
from right_hand_sides import Folded

from competitors import Deadline, Failed, NotPossible
from crnsim.kinetics.kernels import compile_network

NAME = "SUNDIALS"
_OPTIONS: dict[str, dict[str, Any]] = {
    "CVODE Adams": {"method": "Adams"},
    "CVODE BDF dense": {"method": "BDF", "linsolver": "dense"},
    "CVODE BDF sparse": {"method": "BDF", "linsolver": "sparse"},
    "CVODE BDF GMRES": {"method": "BDF", "linsolver": "gmres"},
}
#: Above this many species a dense Jacobian is no longer sensible.
_DENSE_LIMIT = 1000


def methods(problem: Problem) -> list[str]:
    """Names of the methods."""
    return list(_OPTIONS)


class _Solve:
    one_by_one = True

    def __init__(self, problem: Problem, method: str) -> None:
        from sksundae.cvode import CVODE  # type: ignore[import-not-found]

        self.problem, self.solver = problem, CVODE
        self.options = dict(_OPTIONS[method])
        self.n = problem.circuit.network.n_dynamic
        self.kernel = compile_network(problem.circuit.network)
        self.deadline = Deadline()
        self.functions: dict[int, dict[str, Any]] = {}
        self._of(0)

    def _of(self, member: int) -> dict[str, Any]:
        """The functions of a member, made once: that is not what is timed."""
        if member not in self.functions:
            self.functions[member] = self._functions(member)
        return self.functions[member]

    def __call__(self, rtol: float, atol: float, count: int) -> np.ndarray:
        final = self.problem.start[:count].copy()
        for member in range(count):
            self.deadline.restart()
            options = self.options | self._of(member)
            start = final[member, : self.n].copy()
            solver = self.solver(**options, rtol=rtol, atol=atol, max_num_steps=1_000_000)
            found = solver.solve(np.array([0.0, self.problem.span]), start)
            if not found.success or not np.all(np.isfinite(found.y[-1])):
                raise Failed(str(found.message))
            final[member, : self.n] = found.y[-1]
        return final

    def _functions(self, member: int) -> dict[str, Any]:
        """Right-hand side of a member, and its Jacobian where one is used."""
        problem, n = self.problem, self.n
        slope = self.kernel.bind(problem.constants[member], problem.start.shape[1])
        state = problem.start[member].copy()

        def right_hand_side(_: float, y: np.ndarray, yp: np.ndarray) -> None:
            self.deadline.check()
            state[:n] = y
            yp[:] = slope(state)[:n]

        functions: dict[str, Any] = {"rhsfn": right_hand_side}
        if self.options.get("linsolver") in ("dense", "sparse"):
            folded = Folded(problem, range(member, member + 1))
            pattern = folded.jacobian(0.0, np.ones(n))  # the same each time, column by column
            assert pattern.has_sorted_indices

            def jacobian(t: float, y: np.ndarray, _: np.ndarray, into: np.ndarray) -> None:
                if self.options["linsolver"] == "dense":
                    into[:, :] = folded.dense_jacobian(t, y)
                    return
                into[:] = folded.jacobian(t, y).data

            functions["jacfn"] = jacobian
            if self.options["linsolver"] == "sparse":
                functions["sparsity"] = pattern
        return functions


def prepare(problem: Problem, method: str) -> _Solve:
    """Compile the right-hand side."""
    try:
        import sksundae  # noqa: F401
    except ImportError as error:
        raise NotPossible("scikit-sundae is not installed") from error
    n = problem.circuit.network.n_dynamic
    if method.endswith("dense") and n > _DENSE_LIMIT:
        raise NotPossible(f"its Jacobian is dense: {n}^2 entries")
    return _Solve(problem, method)
