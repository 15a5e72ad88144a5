"""diffrax: the one-pot with one hidden layer, hand-vectorised in JAX, double precision, compiled.

Two forms of the right-hand side, the faster one is taken: families as small matrices, or for small pots one dense
matrix on the state and its products of pairs. Ensembles run under `vmap`, each member with its own steps; the methods
called "stacked" advance all members with one step size.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from problems import Problem
from right_hand_sides import Folded, check, folded_constants

from competitors import Failed, NotPossible

NAME = "diffrax"
_EXPLICIT = ("Bosh3", "Tsit5", "Dopri5")
_IMPLICIT = ("Kvaerno3", "Kvaerno5")
#: Newton's method factorises a dense Jacobian for every member.
_IMPLICIT_LIMIT = 1000
#: An unstable run stops here. Ensembles and large pots, which see no tight tolerances, have fewer steps.
_MAX_STEPS, _MAX_STEPS_DEAR, _DEAR = 30_000, 6_000, 100_000
#: Entries of the dense matrix form, all members together.
_MATRIX_LIMIT = 4_000_000


def methods(problem: Problem) -> list[str]:
    """Names of the methods."""
    names = [*_EXPLICIT, *_IMPLICIT]
    return names if problem.members == 1 else [*names, *(f"{name} stacked" for name in _EXPLICIT)]


@cache
def _libraries() -> tuple[Any, Any]:
    try:
        import diffrax
        import jax
    except ImportError:
        raise NotPossible("not installed") from None
    return jax, diffrax


def by_families(problem: Problem) -> tuple[Callable[[Any, Any], Any], Any]:
    """Right-hand side f(y, constants): a matrix or a vector for each family; constants have a row per member."""
    jnp = _libraries()[0].numpy
    net = problem.circuit.network
    tables = [folded_constants(problem, member) for member in range(problem.members)]
    constants = {key: np.stack([table[key] for table in tables]) for key in tables[0]}
    dynamic = [s for s in net.species if net.rows(s.name).flat[0] < net.n_dynamic]
    place = {s.name: (int(net.rows(s.name).flat[0]), s.shape) for s in dynamic}

    def rates_of_change(state: Any, k: Any) -> Any:
        y = {name: state[at : at + int(np.prod(shape))].reshape(shape) for name, (at, shape) in place.items()}
        zp, zm, x, s, m = y["Z1p"], y["Z1m"], y["X1"], y["D1"], y["Y1"]
        rp, rm, gp, gm = y["R1p"], y["R1m"], y["G1p"], y["G1m"]
        ep, em, op, om = y["Ep"], y["Em"], y["Z2p"], y["Z2m"]
        lost = {
            n: k[f"{n}p {n}m > {n}p {n}m"] * y[f"{n}p"] * y[f"{n}m"] for n in ("W1", "B1", "Z1", "R1", "G1")
        }
        lost |= {n: k[f"{n}p {n}m > {n}p {n}m"] * y[f"{n}p"] * y[f"{n}m"] for n in ("W2", "B2", "Z2")}
        lost["E"] = k["Ep Em > Ep Em"] * ep * em
        d = {
            "Z1p": (k["W1p X0p > Z1p"] * y["W1p"]).sum(1)
            + k["B1p One > Z1p"] * y["B1p"]
            - k["Z1p > Z1p"] * zp,
            "Z1m": (k["W1m X0p > Z1m"] * y["W1m"]).sum(1)
            + k["B1m One > Z1m"] * y["B1m"]
            - k["Z1m > Z1m"] * zm,
            "X1": k["> X1"] + x * (k["Z1p X1 > X1"] * zp - k["Z1m X1 > X1"] * zm - k["X1 X1 > X1"] * x),
            "Y1": k["> Y1"] + m * (k["Z1m Y1 > Y1"] * zm - k["Z1p Y1 > Y1"] * zp - k["Y1 Y1 > Y1"] * m),
            "D1": k["X1 > D1"] * x - s * (k["X1 D1 > D1"] * x + k["Y1 D1 > D1"] * m),
            "Z2p": (k["W2p X1 > Z2p"] * y["W2p"]) @ x + k["B2p One > Z2p"] * y["B2p"] - k["Z2p > Z2p"] * op,
            "Z2m": (k["W2m X1 > Z2m"] * y["W2m"]) @ x + k["B2m One > Z2m"] * y["B2m"] - k["Z2m > Z2m"] * om,
            "Ep": k["Z2p > Ep"] * op + k["Tm > Ep"] - k["Ep > Ep"] * ep,
            "Em": k["Z2m > Em"] * om + k["Tp > Em"] - k["Em > Em"] * em,
            "R1p": ep @ (k["W2p Ep > R1p"] * y["W2p"])
            + em @ (k["W2m Em > R1p"] * y["W2m"])
            - k["R1p > R1p"] * rp,
            "R1m": em @ (k["W2p Em > R1m"] * y["W2p"])
            + ep @ (k["W2m Ep > R1m"] * y["W2m"])
            - k["R1m > R1m"] * rm,
            "G1p": k["D1 R1p > G1p"] * s * rp - k["G1p > G1p"] * gp,
            "G1m": k["D1 R1m > G1m"] * s * rm - k["G1m > G1m"] * gm,
            "W1p": k["G1m X0p > W1p"] * gm[:, None],
            "W1m": k["G1p X0p > W1m"] * gp[:, None],
            "B1p": k["G1m One > B1p"] * gm,
            "B1m": k["G1p One > B1m"] * gp,
            "W2p": k["Em X1 > W2p"] * em[:, None] * x,
            "W2m": k["Ep X1 > W2m"] * ep[:, None] * x,
            "B2p": k["Em One > B2p"] * em,
            "B2m": k["Ep One > B2m"] * ep,
        }
        return jnp.concatenate([(d[n] - lost[n[:-1]] if n[:-1] in lost else d[n]).ravel() for n in place])

    return rates_of_change, constants


def by_matrix(problem: Problem) -> tuple[Callable[[Any, Any], Any], Any]:
    """Right-hand side f(y, matrix): one dense product, with a matrix for each member."""
    jnp = _libraries()[0].numpy
    forms = [Folded(problem, range(member, member + 1)) for member in range(problem.members)]
    first, second = forms[0].first, forms[0].second
    if any((f.first != first).any() or (f.second != second).any() for f in forms):
        raise NotPossible("members differ in their pairs")

    def rates_of_change(state: Any, matrix: Any) -> Any:
        return matrix @ jnp.concatenate([state, state[first] * state[second], jnp.ones(1)])

    return rates_of_change, np.stack([form.matrix.toarray() for form in forms])


@cache
def _solver(method: str) -> Any:
    return getattr(_libraries()[1], method)()


class _Solve:
    one_by_one = False

    def __init__(self, problem: Problem, method: str, form: Any) -> None:
        jax, diffrax = _libraries()
        self.form = "by matrix" if form[0].__qualname__.startswith("by_matrix") else "by families"
        self.problem = problem
        self.n = problem.circuit.network.n_dynamic
        self.max_steps = _MAX_STEPS_DEAR if problem.members > 1 or self.n > _DEAR else _MAX_STEPS
        function, constants = form
        self.constants = jax.tree.map(jax.numpy.asarray, constants)
        self.start = jax.numpy.asarray(problem.start[:, : self.n])
        stacked = method.endswith("stacked")
        name = method.removesuffix(" stacked")
        solver = _solver(name)
        # A proportional part saves the explicit methods a fifth: stability limits their steps, and they reject fewer.
        feedback = {} if name in _IMPLICIT else {"pcoeff": 0.3, "icoeff": 0.3}
        span = problem.span

        def integrate(field: Any, start: Any, constants: Any, rtol: Any, atol: Any) -> Any:
            solution = diffrax.diffeqsolve(
                diffrax.ODETerm(field),
                solver,
                t0=0.0,
                t1=span,
                dt0=None,
                y0=start,
                args=constants,
                saveat=diffrax.SaveAt(t1=True),
                stepsize_controller=diffrax.PIDController(rtol=rtol, atol=atol, **feedback),
                max_steps=self.max_steps,
                throw=False,
            )
            return solution.ys[-1], solution.result == diffrax.RESULTS.successful

        def member(start: Any, constants: Any, rtol: Any, atol: Any) -> Any:
            return integrate(lambda t, y, k: function(y, k), start, constants, rtol, atol)

        def together(start: Any, constants: Any, rtol: Any, atol: Any) -> Any:
            return integrate(lambda t, y, k: jax.vmap(function)(y, k), start, constants, rtol, atol)

        if stacked:
            whole = together
        elif problem.members == 1:

            def whole(start: Any, constants: Any, rtol: Any, atol: Any) -> Any:
                first = jax.tree.map(lambda table: table[0], constants)
                end, fine = member(start[0], first, rtol, atol)
                return end[None], fine

        else:
            whole = jax.vmap(member, in_axes=(0, 0, None, None))
        self.run = jax.jit(whole)

    def __call__(self, rtol: float, atol: float, count: int) -> np.ndarray:
        end, fine = self.run(self.start, self.constants, rtol, atol)
        final = self.problem.start.copy()
        final[:, : self.n] = np.asarray(end)
        if not np.all(np.asarray(fine)):
            raise Failed(f"diffrax reports no success: {self.max_steps} steps, or Newton's method")
        if not np.all(np.isfinite(final)):
            raise Failed("not finite")
        return final


_chosen: dict[tuple[str, int], Any] = {}


def _fastest(problem: Problem) -> Any:
    """The form with the quicker integration by Bosh3, checked; measured once for each problem."""
    key = (problem.name, problem.members)
    if key not in _chosen:
        jax = _libraries()[0]
        n = problem.circuit.network.n_dynamic
        forms = [by_families(problem)]
        if problem.members * n * 3 * n < _MATRIX_LIMIT:
            forms.append(by_matrix(problem))
        spent = []
        for function, constants in forms:
            first = jax.tree.map(lambda table: table[0], constants)
            compiled = jax.jit(function)
            check(problem, lambda _, y, f=compiled, c=first: np.asarray(f(y, c)))
            if len(forms) > 1:
                solve = _Solve(problem, "Bosh3", (function, constants))
                solve(1e-3, 1e-6, problem.members)
                start = time.perf_counter()
                for _ in range(3):
                    solve(1e-3, 1e-6, problem.members)
                spent.append(time.perf_counter() - start)
        _chosen[key] = forms[int(np.argmin(spent))] if spent else forms[0]
    return _chosen[key]


def prepare(problem: Problem, method: str) -> _Solve:
    """Trace and compile."""
    _libraries()
    n = problem.circuit.network.n_dynamic
    if method in _IMPLICIT and n > _IMPLICIT_LIMIT:
        raise NotPossible(f"its Newton iteration factorises dense matrices of {n}^2 entries")
    solve = _Solve(problem, method, _fastest(problem))
    solve(1e-3, 1e-6, problem.members)
    return solve
