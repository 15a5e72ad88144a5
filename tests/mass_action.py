"""Mass action without compiled code: an independent check of it, and quick where each network is used once."""

from __future__ import annotations

import numpy as np
from scipy.integrate import solve_ivp

from crnsim import Network


def stoichiometric_rates(net: Network, state: np.ndarray, constants: np.ndarray) -> np.ndarray:
    """Return the stoichiometric matrix times the fluxes, shape (n_species,)."""
    return net.stoichiometry() @ net.fluxes(state, constants)


def integrated(
    net: Network, state: np.ndarray, constants: np.ndarray, end: float, rtol: float = 1e-9
) -> np.ndarray:
    """Return the state after a time, by SciPy; its absolute tolerance is a thousandth of the relative one."""
    matrix = net.stoichiometry()
    run = solve_ivp(
        lambda _, y: matrix @ net.fluxes(y, constants),
        (0, end),
        state,
        method="LSODA",
        jac=lambda _, y: net.jacobian(y, constants).toarray(),
        rtol=rtol,
        atol=1e-3 * rtol,
    )
    assert run.success
    return run.y[:, -1]
