"""SciPy's stiff solvers, for reference solutions of one presentation."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.integrate import BDF, LSODA, OdeSolver, Radau

from crnsim.kinetics.kernels import compile_network
from crnsim.network.network import Network
from crnsim.outcomes import FAILED, OK, STEP_LIMIT
from crnsim.solvers.protocol import BLOWN_UP, LOWEST, NEGATIVE, NOT_FINITE, STOP, Protocol, Record, Request
from crnsim.solvers.scales import may_fire

_METHODS: dict[str, type[OdeSolver]] = {"BDF": BDF, "LSODA": LSODA, "Radau": Radau}
#: Evaluations of the right-hand side that a step may take, on average.
_EVALUATIONS = 100


class _Spent(Exception):  # noqa: N818
    """Too many evaluations."""


def run(network: Network, protocol: Protocol, record: Record, request: Request) -> None:
    """Integrate one presentation without events with the method of SciPy that has the name asked for.

    Parameters
    ----------
    network : Network
    protocol : Protocol
    record : Record
        Filled in.
    request : Request
    """
    for member in range(len(protocol.start)):
        if record.control[STOP]:
            return
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            _Run(network, protocol, record, member).integrate(_METHODS[request.method])


class _Run:
    """One run: its tolerances, and what is kept of it."""

    def __init__(self, network: Network, protocol: Protocol, record: Record, member: int) -> None:
        self.network, self.protocol, self.record, self.member = network, protocol, record, member
        about = protocol.member[member]
        self.constants = protocol.rates[about["rate_set"]]
        self.start, self.span = protocol.start[member], float(about["running_time"])
        self.rtol = float(about["looser"] * protocol.rtol)
        atol = protocol.atol[min(member, len(protocol.atol) - 1)]
        if len(protocol.scaled):
            atol = np.maximum(atol, protocol.scaled * self.start)
        self.atol = record.atol[member] = about["looser"] * atol
        self.times = np.minimum(protocol.grid * self.span, self.span)
        self.budget = int(about["max_steps"])
        self.outcome = record.run[member]
        self.kept = 0

    def integrate(self, method: type[OdeSolver]) -> None:
        """Step to the end; write down how it went."""
        outcome, y = self.outcome, self.start
        self._keep(0.0, lambda t: y)
        options: dict[str, Any] = {}
        if method is not LSODA:
            options["jac"] = lambda _, y: self.network.jacobian(y, self.constants)
        try:
            solver = method(self._function(), 0.0, y, self.span, rtol=self.rtol, atol=self.atol, **options)
            while solver.status == "running":
                if outcome["steps"] == self.budget:
                    raise _Spent
                solver.step()
                if solver.status == "failed":
                    break
                outcome["steps"] += 1
                outcome["time"] = solver.t
                if (mark := self._mark(y, solver.y)) != OK:
                    outcome["status"] = mark
                    return
                y = self.record.final[self.member] = solver.y
                self._keep(solver.t, solver.dense_output())
            outcome["status"] = FAILED if solver.status == "failed" else OK
        except _Spent:
            outcome["status"] = STEP_LIMIT
        except (ValueError, RuntimeError, ArithmeticError):
            outcome["status"] = NOT_FINITE  # what SciPy makes of numbers that are none

    def _function(self) -> Callable[[float, np.ndarray], np.ndarray]:
        slope = compile_network(self.network, listed=True).bind(self.constants, self.network.n_species)
        most = _EVALUATIONS * self.budget

        def counted(_time: float, y: np.ndarray) -> np.ndarray:
            self.outcome["evaluations"] += 1
            if self.outcome["evaluations"] > most:
                raise _Spent
            return slope(y)

        return counted

    def _keep(self, time: float, value: Callable[[Any], np.ndarray]) -> None:
        """Keep the recorded times up to one that was reached."""
        slot = int(self.protocol.member["record_slot"][self.member])
        while self.kept < len(self.times) and self.times[self.kept] <= time * (1 + 1e-12):
            if slot >= 0:
                self.record.trajectory[slot, 0, self.kept] = value(min(self.times[self.kept], time))
            self.kept += 1

    def _mark(self, old: np.ndarray, new: np.ndarray) -> int:
        """Tell a step that leads where no concentration is; note what has grown out of the tolerances."""
        if not np.all(np.isfinite(new)):
            return NOT_FINITE
        if np.any(new > self.protocol.member["ceiling"][self.member]):
            self.record.final[self.member] = new
            return BLOWN_UP
        if np.any(new < -LOWEST * self.atol):
            return NEGATIVE
        least = self.atol / self.rtol
        risen = (old > 0) & (old < least) & (new >= least)
        if self.protocol.guarded and np.any(risen):
            grown = risen & ~self._grounded(old >= least, np.maximum(new, 0.0))
            self.record.grown[self.member] |= grown
        return OK

    def _grounded(self, followed: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Species that were followed, or are mostly made from such (see `crnsim.solvers.ode.guard`)."""
        gains = (
            self.network.stoichiometry().maximum(0).multiply(self.network.fluxes(y, self.constants)).tocsc()
        )
        grounded = followed.copy()
        grounded[self.network.n_dynamic :] = True
        while True:
            from_grounded = may_fire(self.network, grounded)
            more = ~grounded & (gains[:, from_grounded].sum(axis=1) > 0.5 * gains.sum(axis=1))
            if not np.any(more):
                return grounded
            grounded |= more
