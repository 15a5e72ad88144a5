"""Random mass-action networks, and solutions of them by others' integrators at tight tolerances."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.integrate import solve_ivp

from crnsim import Network


@dataclass(frozen=True)
class Drawn:
    """A network with a start and a span."""

    network: Network
    initial: dict[str, float]
    end: float

    def __str__(self) -> str:
        lines = [str(reaction) for reaction in self.network.reactions()]
        return f"{'; '.join(lines)} | {self.initial} | [0, {self.end:g}]"


def draw(seed: int) -> Drawn:
    """A network of 2 to 8 species and 2 to 12 reactions of order 0 to 3, rate constants over nine decades."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 9))
    names = [f"S{i}" for i in range(n)]
    network = Network()
    for name in names:
        network.add_species(name)
    for number in range(int(rng.integers(2, 13))):
        order = int(rng.choice(4, p=[0.1, 0.4, 0.4, 0.1]))
        left = list(rng.choice(names, size=order))
        right = list(rng.choice(names, size=int(rng.integers(0, 4))))
        if rng.random() < 0.3 and left:
            right = [*left, *rng.choice(names, size=1)]  # something grows by itself
        if sorted(left) == sorted(right):
            continue
        equation = f"{' + '.join(left) or '0'} -> {' + '.join(right) or '0'}"
        network.add_family(f"r{number}", equation, float(10 ** rng.uniform(-4.5, 4.5)))
    scale = 10.0 ** rng.uniform(-9, 3)
    initial = {name: float(scale * 10 ** rng.uniform(-4, 0)) for name in names if rng.random() < 0.6} or {
        names[0]: scale
    }
    return Drawn(network, initial, float(10 ** rng.uniform(-2, 3)))


def solved(drawn: Drawn, times: np.ndarray, method: str = "LSODA", rtol: float = 1e-11) -> np.ndarray | None:
    """Concentrations at the times, shape (times, species), by SciPy; None where it gives up."""
    network = drawn.network
    constants, changes = network.rate_constants(), network.stoichiometry().toarray()
    start = network.state(drawn.initial)
    scale = max(start.max(), 1e-300)
    calls = 0

    def slope(_t: float, y: np.ndarray) -> np.ndarray:
        nonlocal calls
        calls += 1
        if calls > 300_000:
            raise RuntimeError
        return changes @ network.fluxes(y, constants)

    options = {} if method == "LSODA" else {"jac": lambda _t, y: network.jacobian(y, constants).toarray()}
    try:
        with np.errstate(all="ignore"):
            found = solve_ivp(
                slope, (0.0, drawn.end), start, method, times, rtol=rtol, atol=1e-24 * scale * rtol, **options
            )
    except (RuntimeError, ValueError):
        return None
    if not found.success or found.y.shape[1] != len(times) or not np.isfinite(found.y).all():
        return None
    return found.y.T
