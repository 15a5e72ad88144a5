"""References in forty digits, for networks whose numbers cancel in double precision.

Radau IIA of order 5 (Hairer and Wanner, Solving Ordinary Differential Equations II, section IV.8, doi
10.1007/978-3-642-05221-7) on steps that are given, not chosen: as many between two times, equal in their logarithm.
"""

from __future__ import annotations

from decimal import Decimal, localcontext

import numpy as np

from crnsim import Network

_DIGITS = 40
#: A step is accepted once what Newton's method adds is this part of the concentrations.
_ENOUGH = 1e-28
#: Steps from one time to the next, all together, and decades of time before the first.
_STEPS, _DECADES = 2500, 14


def reference_in_digits(network: Network, start: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Concentrations at times that begin with 0, shape (times, species), integrated with forty digits.

    Parameters
    ----------
    network : Network
        Of a few species: each is a Python number.
    start : numpy.ndarray
    times : numpy.ndarray
        Evenly spaced by their logarithm, after 0.
    """
    with localcontext() as context:
        context.prec = _DIGITS
        steps = max(1, _STEPS // len(times))
        pot = _Pot(network)
        y, t, found = [Decimal(float(x)) for x in start], Decimal(0), [start]
        for end in (Decimal(float(x)) for x in times[1:]):
            if t == 0:
                ends = [end * Decimal(10) ** (Decimal(i) / steps) for i in range(-_DECADES * steps, 0)]
            else:
                ends = [t * (end / t) ** (Decimal(i) / steps) for i in range(1, steps)]
            for one in [*ends, end]:
                y, t = pot.step(y, one - t), one
            found.append(np.array(y, dtype=float))
    return np.array(found)


class _Pot:
    """Rates of change of a network in decimals, its Jacobian in doubles, and the method's table.

    Parameters
    ----------
    network : Network
    """

    def __init__(self, network: Network) -> None:
        self._network, self._doubles = network, network.rate_constants()
        self._constants = [Decimal(float(k)) for k in self._doubles]
        self._changes = np.asarray(network.stoichiometry().todense()).astype(int)
        n = len(network.labels)
        # A rate of one at ones; that of a species at 2 tells its order.
        ones, powers = np.ones(n), []
        for i in range(n):
            at_two = network.fluxes(np.where(np.arange(n) == i, 2.0, ones), self._doubles)
            powers.append(np.rint(np.log2(at_two / network.fluxes(ones, self._doubles))).astype(int))
        self._orders = np.array(powers).T
        s = Decimal(6).sqrt()
        self._table = [
            [(88 - 7 * s) / 360, (296 - 169 * s) / 1800, (-2 + 3 * s) / 225],
            [(296 + 169 * s) / 1800, (88 + 7 * s) / 360, (-2 - 3 * s) / 225],
            [(16 - s) / 36, (16 + s) / 36, Decimal(1) / 9],
        ]

    def slope(self, y: list[Decimal]) -> list[Decimal]:
        fluxes = list(self._constants)
        for r, orders in enumerate(self._orders):
            for i in np.flatnonzero(orders):
                fluxes[r] *= y[i] ** int(orders[i])
        return [
            sum((int(row[r]) * fluxes[r] for r in np.flatnonzero(row)), Decimal(0)) for row in self._changes
        ]

    def step(self, y: list[Decimal], h: Decimal) -> list[Decimal]:
        """Return the state a step later; Newton's corrections are doubles, and what they correct has forty digits."""
        n = len(y)
        now = np.array(y, dtype=float)
        table = np.array(self._table, dtype=float)
        jacobian = self._network.jacobian(now, self._doubles).toarray()
        scale = np.tile(np.maximum(np.abs(now), 1e-25), 3)
        matrix = np.eye(3 * n) - np.kron(table, jacobian * float(h))
        inverse = np.linalg.inv(matrix * scale[None] / scale[:, None])
        stages = [[Decimal(0)] * n for _ in range(3)]
        for _ in range(100):
            slopes = [self.slope([a + z for a, z in zip(y, stage, strict=True)]) for stage in stages]
            residual = [
                stages[i][j] - h * sum(a * slope[j] for a, slope in zip(self._table[i], slopes, strict=True))
                for i in range(3)
                for j in range(n)
            ]
            change = inverse @ (np.array(residual, dtype=float) / scale)
            for i in range(3):
                for j in range(n):
                    stages[i][j] -= Decimal(float(change[i * n + j] * scale[i * n + j]))
            if np.abs(change).max() < _ENOUGH:
                return [a + z for a, z in zip(y, stages[2], strict=True)]
        raise RuntimeError(f"no reference: Newton's method ended at {np.abs(change).max():.1e}")
