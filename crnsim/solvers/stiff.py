"""SciPy's stiff solvers: reference solutions, and the second opinion before a blow-up counts as one."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from scipy.integrate import solve_ivp

from crnsim.kinetics.kernels import compile_network
from crnsim.network import Network
from crnsim.solvers import events
from crnsim.solvers.protocol import FAILED, OK, STEP_LIMIT, Protocol, Record

#: Tolerances of the confirmation: a hundred times tighter than the run's, at most these.
CONFIRM_RTOL = 1e-5
CONFIRM_ATOL = 1e-8
#: Calls of the right-hand side that a confirmation may use.
CONFIRM_BUDGET = 200_000


class _Budget(Exception):  # noqa: N818
    """The budget of evaluations is spent."""

    def __init__(self, time: float) -> None:
        super().__init__()
        self.time = time


class _Broken(Exception):  # noqa: N818
    """The stiff method itself gave up."""

    def __init__(self, height: float) -> None:
        super().__init__()
        self.height = height


class _Crossed(Exception):  # noqa: N818
    """A concentration has passed the ceiling."""


def solve_plain(network: Network, protocol: Protocol, record: Record, method: str) -> None:
    """Integrate one presentation without events with a method of SciPy.

    The budget of steps counts evaluations of the right-hand side here.
    """
    kernel = compile_network(network)
    for member in range(len(protocol.start)):
        constants = protocol.rates[protocol.member["rate_set"][member]]
        span = float(protocol.member["running_time"][member])
        options: dict[str, Any] = {}
        if method in ("BDF", "Radau"):
            options["jac"] = lambda _, y, c=constants: network.jacobian(y, c)
        function = _Counted(
            kernel.bind(constants, network.n_species), int(protocol.member["max_steps"][member])
        )
        run = record.run[member]
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                solution = solve_ivp(
                    function,
                    (0.0, span),
                    protocol.start[member],
                    method=method,
                    t_eval=np.minimum(protocol.grid * span, span),
                    rtol=protocol.rtol,
                    atol=protocol.atol,
                    **options,
                )
        except _Budget as spent:
            run["status"], run["time"], run["evaluations"] = STEP_LIMIT, spent.time, function.calls
            continue
        n_times = solution.y.shape[1]
        record.trajectory[protocol.member["record_slot"][member], 0, :n_times] = solution.y.T
        if n_times:
            record.final[member] = solution.y[:, -1]
        run["status"] = OK if solution.success else FAILED
        run["time"], run["evaluations"] = function.time, function.calls


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


def confirm(network: Network, protocol: Protocol, record: Record, member: int) -> tuple[bool, str]:
    """Repeat the end of a run with a stiff method at a tighter tolerance.

    It starts at the last presentation whose concentrations were all below 10 times the initial ones and follows the
    same samples, rate constants and kicks.

    Returns
    -------
    confirmed : bool
        Whether the stiff method blows up as well.
    reason : str
    """
    kernel = compile_network(network)
    state = record.safe[member].copy()
    values = np.empty(protocol.patterns.shape[1])
    constants = np.empty(protocol.rates.shape[1])
    before = np.empty_like(state)
    draws = np.empty(max(len(state), len(constants), len(values)))
    # A run that ended on a vanishing step has blown up if it goes on growing.
    height = float(np.max(record.final[member]))
    ceiling = min(float(protocol.member["ceiling"][member]), 1e3 * height, 1e100)
    if height <= 10.0 * float(protocol.member["moderate"][member]):
        return False, "the step size vanished although no concentration had grown"
    left = CONFIRM_BUDGET
    rtol = min(CONFIRM_RTOL, protocol.rtol / 100)
    last = min(
        int(record.run["presentation"][member]) + 1, int(protocol.member["n_presentations"][member]) - 1
    )
    try:
        for presentation in range(int(record.run["safe_presentation"][member]), last + 1):
            events.show_sample(protocol, member, presentation, values, draws)
            events.clamp(protocol, values, state)
            events.draw_rates(protocol, kernel.first, member, presentation, constants, draws)
            time, kicks = 0.0, 0
            while time < protocol.member["running_time"][member]:
                stop = events.next_stop(protocol, member, kicks)
                state, used = _advance(network, kernel, state, constants, stop - time, ceiling, left, rtol)
                left -= used
                time = stop
                if stop < protocol.member["running_time"][member]:
                    events.kick(protocol, member, presentation, kicks, state, before, draws)
                    kicks += 1
    except _Crossed:
        return True, "a concentration grew without bound, confirmed by a stiff method"
    except _Budget:
        return False, "a blow-up that a stiff method could not confirm within its budget"
    except _Broken as broken:
        grown = broken.height > 10.0 * float(protocol.member["moderate"][member])
        return grown, f"a stiff method at a tighter tolerance broke down as well, at {broken.height:.3g}"
    return False, "a blow-up of the explicit method that a stiff method does not show"


def _advance(
    network: Network,
    kernel: Any,
    state: np.ndarray,
    constants: np.ndarray,
    span: float,
    ceiling: float,
    budget: int,
    rtol: float,
) -> tuple[np.ndarray, int]:
    """Integrate over `span`; return (state, evaluations)."""
    function = _Counted(kernel.bind(constants, network.n_species), budget)

    def crossing(_: float, y: np.ndarray) -> float:
        return ceiling - float(np.max(y))

    crossing.terminal = True  # type: ignore[attr-defined]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        solution = solve_ivp(
            function,
            (0.0, span),
            state,
            method="BDF",
            jac=lambda _, y: network.jacobian(y, constants),
            rtol=rtol,
            atol=CONFIRM_ATOL * rtol / CONFIRM_RTOL,
            events=crossing,
        )
    if solution.status == 1 or float(np.max(solution.y[:, -1])) >= ceiling:
        raise _Crossed
    if not solution.success or not np.all(np.isfinite(solution.y[:, -1])):
        raise _Broken(float(np.nanmax(solution.y)))
    return solution.y[:, -1].copy(), function.calls
