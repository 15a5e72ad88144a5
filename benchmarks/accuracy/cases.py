"""Networks of other kinds than ours, with references: autocatalysis, clocks, oscillators, stiff chemistry, odd units.

Stiff problems are those of the Test Set for Initial Value Problem Solvers (Mazzia and Magherini, release 2.4,
University of Bari, 2008) and of Hairer and Wanner, Solving Ordinary Differential Equations II (doi
10.1007/978-3-642-05221-7),
written as mass action.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from digits import reference_in_digits
from scipy.integrate import solve_ivp

from crnsim import Network

Exact = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class Case:
    """A network, where it starts, how long it runs, and how its reference is found.

    Attributes
    ----------
    name : str
    reactions : tuple of (str, float)
        Equation and rate constant of each.
    initial : dict of str to float
        By species; what is not named is zero.
    end : float
    logarithmic : bool
        The reference is integrated in logarithms: every species is there from the start.
    spaced : {"even", "log"}
        Recorded times, evenly or by their logarithm.
    exact : callable, optional
        Concentrations at times, shape (times, species), where there is a closed form.
    cancels : bool
        Double precision does not hold a reference: it is integrated with forty digits.
    drifts : bool
        A periodic orbit: what an error does to the phase adds up, and errors are judged by the phase.
    """

    name: str
    reactions: tuple[tuple[str, float], ...]
    initial: Mapping[str, float]
    end: float
    logarithmic: bool = False
    spaced: str = "even"
    exact: Exact | None = None
    cancels: bool = False
    drifts: bool = False

    def network(self) -> Network:
        """Build it; each reaction is a family."""
        network = Network()
        for name in self.species:
            network.add_species(name)
        for number, (equation, rate) in enumerate(self.reactions):
            network.add_family(f"r{number}", equation, rate)
        return network

    @property
    def species(self) -> list[str]:
        """Names in the order in which the reactions name them."""
        words: dict[str, None] = {}
        for equation, _ in self.reactions:
            for term in equation.replace("->", "+").split("+"):
                if name := term.strip().lstrip("0123456789").strip():
                    words[name] = None
        return list(words)

    def times(self, count: int) -> np.ndarray:
        """Recorded times from 0 to the end."""
        if self.spaced == "even":
            return np.linspace(0.0, self.end, count)
        return np.concatenate([[0.0], np.geomspace(1e-12 * self.end, self.end, count - 1)])


def scaled(case: Case, unit: float) -> Case:
    """The same network with concentrations in another unit."""
    reactions = []
    for equation, rate in case.reactions:
        left = [term.strip() for term in equation.split("->")[0].split("+") if term.strip() not in ("", "0")]
        order = sum(int(term[: len(term) - len(term.lstrip("0123456789"))] or 1) for term in left)
        reactions.append((equation, rate * unit ** (1 - order)))
    exact = case.exact
    return Case(
        f"{case.name} x {unit:g}",
        tuple(reactions),
        {name: value * unit for name, value in case.initial.items()},
        case.end,
        case.logarithmic,
        case.spaced,
        None if exact is None else (lambda t: unit * exact(t)),
        case.drifts,
    )


def autocatalysis(seed: float) -> Case:
    """A + X -> 2X from X = `seed`: the logistic function, X passes 1/2 at ln(1/seed)."""

    def exact(t: np.ndarray) -> np.ndarray:
        total = 1.0 + seed
        rise = np.exp(total * t - np.log(1.0 / seed))
        return np.stack([total / (1.0 + rise), total * rise / (1.0 + rise)], axis=1)

    return Case(f"seed {seed:g}", (("A + X -> 2X", 1.0),), {"A": 1.0, "X": seed}, 60.0, exact=exact)


def ring(n: int, delta: float) -> Case:
    """Clock of `n` species, O_i + O_(i+1) -> 2 O_(i+1), one at 1, the others at `delta`; two turns."""
    reactions = tuple((f"O{i} + O{(i + 1) % n} -> 2O{(i + 1) % n}", 1.0) for i in range(n))
    start = {f"O{i}": 1.0 if i == 0 else delta for i in range(n)}
    return Case(
        f"ring {n} {delta:g}", reactions, start, 2.2 * n * np.log(1 / delta), logarithmic=True, drifts=True
    )


def three_rivals() -> Case:
    """May and Leonard's cycle (SIAM J. Appl. Math. 29, 243 (1975), doi 10.1137/0129022): the third wins at t = 3000."""
    reactions = []
    for i in range(3):
        reactions += [(f"N{i} -> 2N{i}", 1.0), (f"2N{i} -> N{i}", 1.0)]
        reactions.append((f"N{i} + N{(i + 1) % 3} -> N{(i + 1) % 3}", 0.8))
        reactions.append((f"N{i} + N{(i + 2) % 3} -> N{(i + 2) % 3}", 1.3))
    return Case("three rivals", tuple(reactions), {"N0": 0.6, "N1": 0.6, "N2": 0.1}, 3000.0, logarithmic=True)


POLLU = Case(
    "POLLU",
    (
        ("Y1 -> Y2 + Y3", 0.35),
        ("Y2 + Y4 -> Y1", 26.6),
        ("Y5 + Y2 -> Y6 + Y1", 12300.0),
        ("Y7 -> 2Y5 + Y8", 8.6e-4),
        ("Y7 -> Y8", 8.2e-4),
        ("Y7 + Y6 -> Y8 + Y5", 15000.0),
        ("Y9 -> Y10 + Y8 + Y5", 1.3e-4),
        ("Y9 + Y6 -> Y11", 24000.0),
        ("Y11 + Y2 -> Y1 + Y10 + Y12", 16500.0),
        ("Y11 + Y1 -> Y13", 9000.0),
        ("Y13 -> Y11 + Y1", 0.022),
        ("Y10 + Y2 -> Y14 + Y1", 12000.0),
        ("Y14 -> Y7 + Y5", 1.88),
        ("Y1 + Y6 -> Y15", 16300.0),
        ("Y3 -> Y4", 4.8e6),
        ("Y4 -> Y16", 3.5e-4),
        ("Y4 -> Y3", 0.0175),
        ("Y16 -> 2Y6", 1e8),
        ("Y16 -> Y3", 4.44e11),
        ("Y17 + Y6 -> Y18 + Y5", 1240.0),
        ("Y19 -> Y2", 2.1),
        ("Y19 -> Y1 + Y3", 5.78),
        ("Y1 + Y4 -> Y19", 0.0474),
        ("Y19 + Y1 -> Y20", 1780.0),
        ("Y20 -> Y19 + Y1", 3.12),
    ),
    {"Y2": 0.2, "Y4": 0.04, "Y7": 0.1, "Y8": 0.3, "Y9": 0.01, "Y17": 0.007},
    60.0,
)
ROBERTSON = Case(
    "Robertson",
    (("A -> B", 0.04), ("2B -> B + C", 3e7), ("B + C -> A + C", 1e4)),
    {"A": 1.0},
    1e11,
    spaced="log",
)
HIRES = Case(
    "HIRES",
    (
        ("0 -> Y1", 0.0007),
        ("Y1 -> Y2", 1.71),
        ("Y2 -> Y1", 0.43),
        ("Y3 -> Y1", 8.32),
        ("Y2 -> Y4", 8.32),
        ("Y3 -> Y4", 1.71),
        ("Y4 -> Y3", 0.43),
        ("Y4 -> Y6", 0.69),
        ("Y5 -> Y3", 0.035),
        ("Y5 -> Y6", 1.71),
        ("Y6 -> Y5", 0.43),
        ("Y6 + Y8 -> Y7", 280.0),
        ("Y7 -> Y5 + Y8", 0.43),
        ("Y7 -> Y6 + Y8", 0.69),
        ("Y7 -> Y8", 0.69),
    ),
    {"Y1": 1.0, "Y8": 0.0057},
    321.8122,
)
OREGO = Case(
    "OREGO",
    (
        ("Y2 -> Y2 + Y1", 77.27),
        ("Y1 -> 2Y1", 77.27),
        ("2Y1 -> Y1", 77.27 * 8.375e-6),
        ("Y1 + Y2 -> Y2", 77.27),
        ("Y3 -> Y3 + Y2", 1 / 77.27),
        ("Y2 -> 0", 1 / 77.27),
        ("Y1 + Y2 -> Y1", 1 / 77.27),
        ("Y1 -> Y1 + Y3", 0.161),
        ("Y3 -> 0", 0.161),
    ),
    {"Y1": 1.0, "Y2": 2.0, "Y3": 3.0},
    360.0,
    drifts=True,
)
E5 = Case(
    "E5",
    (("Y1 -> Y2 + Y3", 7.89e-10), ("Y1 + Y3 -> Y4", 1.1e7), ("Y2 + Y3 -> 0", 1.13e9), ("Y4 -> Y3", 1.13e3)),
    {"Y1": 1.76e-3},
    1e11,
    spaced="log",
    cancels=True,
)
BRUSSELATOR = Case(
    "Brusselator",
    (("0 -> X", 1.0), ("2X + Y -> 3X", 1.0), ("X -> Y", 3.0), ("X -> 0", 1.0)),
    {"X": 1.0, "Y": 1.0},
    20.0,
    drifts=True,
)
LOTKA = Case(
    "Lotka-Volterra",
    (("R -> 2R", 1.0), ("R + F -> 2F", 0.1), ("F -> 0", 1.0)),
    {"R": 20.0, "F": 5.0},
    700.0,
    logarithmic=True,
    drifts=True,
)


def _annihilation(t: np.ndarray) -> np.ndarray:
    # a' = -k a b with a - b = d: b = d b0 / (a0 exp(k d t) - b0).
    a0, b0, k = 1.0, 0.75, 1e9
    d = a0 - b0
    b = d * b0 * np.exp(-k * d * t) / (a0 - b0 * np.exp(-k * d * t))
    return np.stack([b + d, b], axis=1)


ANNIHILATION = Case(
    "annihilation", (("A + B -> 0", 1e9),), {"A": 1.0, "B": 0.75}, 1.0, spaced="log", exact=_annihilation
)


def _decay(t: np.ndarray) -> np.ndarray:
    return np.stack([np.exp(-t), -np.expm1(-t)], axis=1)


DECAY = Case("decay, log", (("A -> B", 1.0),), {"A": 1.0}, 1e12, spaced="log", exact=_decay)
GROWTH = Case("growth", (("A + X -> 2X", 1.0), ("X -> 0", 0.2)), {"A": 1.0, "X": 0.01}, 20.0)
CASES = (
    *(autocatalysis(seed) for seed in (1e-6, 1e-8, 1e-9, 1e-12)),
    *(ring(n, delta) for n in (6, 12, 18, 30) for delta in (1e-4, 1e-6, 1e-9)),
    *(three_rivals(), POLLU, ROBERTSON, HIRES, OREGO, E5, BRUSSELATOR, LOTKA, ANNIHILATION, DECAY, GROWTH),
    *(scaled(GROWTH, unit) for unit in (1e3, 1e-3, 1e-6, 1e-9)),
)


@lru_cache(maxsize=128)
def reference(case: Case, count: int) -> np.ndarray:
    """Concentrations at the recorded times, shape (times, species): a formula, forty digits, or SciPy at 1e-11."""
    times = case.times(count)
    if case.exact is not None:
        return case.exact(times)
    network = case.network()
    constants, changes = network.rate_constants(), network.stoichiometry()
    order = [network.labels.index(name) for name in case.species]
    start = network.state(dict(case.initial))
    if case.cancels:
        return reference_in_digits(network, start, times)[:, order]
    scale = max(start.max(), 1e-300)

    def slope(_t: float, y: np.ndarray) -> np.ndarray:
        return changes @ network.fluxes(y, constants)

    def jacobian(_t: float, y: np.ndarray) -> np.ndarray:
        return network.jacobian(y, constants).toarray()

    if case.logarithmic:

        def log_slope(_t: float, u: np.ndarray) -> np.ndarray:
            y = np.exp(u)
            return slope(0.0, y) / y

        def log_jacobian(_t: float, u: np.ndarray) -> np.ndarray:
            y = np.exp(u)
            return jacobian(0.0, y) * y[None] / y[:, None] - np.diag(slope(0.0, y) / y)

        method: dict[str, object] = {"method": "Radau", "jac": log_jacobian}
        if case.drifts:
            method = {"method": "DOP853"}
        found = solve_ivp(
            log_slope, (0.0, case.end), np.log(start), t_eval=times, rtol=1e-11, atol=1e-11, **method
        )
        values = np.exp(found.y)
    else:
        found = solve_ivp(
            slope, (0.0, case.end), start, "Radau", times, rtol=1e-11, atol=1e-30 * scale, jac=jacobian
        )
        values = found.y
    if not found.success or values.shape[1] != count:
        raise RuntimeError(f"{case.name}: no reference: {found.message}")
    return values[order].T
