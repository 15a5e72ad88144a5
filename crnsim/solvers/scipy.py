"""SciPy's stiff solvers, for reference solutions of one presentation."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from scipy.integrate import solve_ivp

from crnsim.kinetics.kernels import compile_network
from crnsim.network.network import Network
from crnsim.outcomes import FAILED, OK, STEP_LIMIT
from crnsim.solvers.protocol import Protocol, Record, Request


class _Budget(Exception):  # noqa: N818
    """The budget of evaluations is spent."""

    def __init__(self, time: float) -> None:
        super().__init__()
        self.time = time


def run(network: Network, protocol: Protocol, record: Record, request: Request) -> None:
    """Integrate one presentation without events with the method of SciPy that has the name asked for.

    The budget of steps counts evaluations of the right-hand side here.

    Parameters
    ----------
    network : Network
    protocol : Protocol
    record : Record
        Filled in.
    request : Request
    """
    kernel = compile_network(network)
    for member in range(len(protocol.start)):
        constants = protocol.rates[protocol.member["rate_set"][member]]
        span = float(protocol.member["running_time"][member])
        options: dict[str, Any] = {}
        if request.method in ("BDF", "Radau"):
            options["jac"] = lambda _, y, c=constants: network.jacobian(y, c)
        function = _Counted(
            kernel.bind(constants, network.n_species), int(protocol.member["max_steps"][member])
        )
        outcome = record.run[member]
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                solution = solve_ivp(
                    function,
                    (0.0, span),
                    protocol.start[member],
                    method=request.method,
                    t_eval=np.minimum(protocol.grid * span, span),
                    rtol=protocol.rtol,
                    atol=protocol.atol,
                    **options,
                )
        except _Budget as spent:
            outcome["status"], outcome["time"], outcome["evaluations"] = (
                STEP_LIMIT,
                spent.time,
                function.calls,
            )
            continue
        n_times = solution.y.shape[1]
        slot = int(protocol.member["record_slot"][member])
        if slot >= 0:
            record.trajectory[slot, 0, :n_times] = solution.y.T
        if n_times:
            record.final[member] = solution.y[:, -1]
        outcome["status"] = OK if solution.success else FAILED
        outcome["time"], outcome["evaluations"] = function.time, function.calls


class _Counted:
    """A right-hand side f(t, y) that counts its calls and stops at a budget."""

    def __init__(self, rates_of_change: Any, budget: int) -> None:
        self.rates_of_change, self.budget = rates_of_change, budget
        self.calls, self.time = 0, 0.0

    def __call__(self, time: float, y: np.ndarray) -> np.ndarray:
        self.calls += 1
        self.time = float(time)
        if self.calls > self.budget:
            raise _Budget(self.time)
        return self.rates_of_change(y)
