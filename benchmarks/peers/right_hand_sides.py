"""The right-hand side in NumPy, written as well as one can, three ways; and its sparse Jacobian."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from problems import Problem
from scipy import sparse
from scipy.sparse import _sparsetools  # `matrix @ vector` spends as long in Python as in this product

RightHandSide = Callable[[float, np.ndarray], np.ndarray]


def reactant_rows(problem: Problem) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the first and second reactant of every reaction; n_species stands for none."""
    net = problem.circuit.network
    both: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    for family, terms in zip(net.families, net.elementary[0], strict=True):
        rows = [rows for rows, count in terms for _ in range(count)]
        rows += [np.array(net.n_species)] * (2 - len(rows))
        for place in range(2):
            both[place].append(np.broadcast_to(rows[place], (family.size,)))
    return np.concatenate(both[0]), np.concatenate(both[1])


def plain(problem: Problem, member: int = 0) -> RightHandSide:
    """Sparse stoichiometry times fluxes, one gather per reactant: any network, all species."""
    first, second = reactant_rows(problem)
    stoichiometry = problem.circuit.network.stoichiometry().astype(float)
    constants = problem.constants[member]
    padded = np.ones(problem.circuit.network.n_species + 1)

    def rates_of_change(_: float, y: np.ndarray) -> np.ndarray:
        padded[:-1] = y
        return stoichiometry @ (constants * padded[first] * padded[second])

    return rates_of_change


class Folded:
    """One sparse product for the dynamic species: dy = M (y, products of pairs, 1).

    Rate constants and clamped concentrations are folded into M, and reactions of the same reactants into one column.
    Several members stand one after another in one long state.

    Parameters
    ----------
    problem : Problem
    members : sequence of int
    """

    def __init__(self, problem: Problem, members: range) -> None:
        net = problem.circuit.network
        self.n = n = net.n_dynamic
        stoichiometry = net.stoichiometry().tocoo()
        rows, columns, values, pairs, offsets = [], [], [], [], []
        for place, member in enumerate(members):
            padded = np.append(problem.start[member], 1.0)
            reactants = np.sort(np.array(reactant_rows(problem)), axis=0)
            clamped = reactants >= n
            weight = problem.constants[member] * np.where(clamped, padded[reactants], 1.0).prod(axis=0)
            both = ~clamped.any(axis=0)
            unique, inverse = np.unique(reactants[:, both], axis=1, return_inverse=True)
            column = np.where(clamped[0], -1, reactants[0] + place * n)
            column[both] = -2 - inverse.ravel() - sum(p.shape[1] for p in pairs)
            pairs.append(unique + place * n)
            rows.append(stoichiometry.row + place * n)
            columns.append(column[stoichiometry.col])
            values.append(stoichiometry.data * weight[stoichiometry.col])
            offsets.append(place * n)
        self.size = n * len(members)
        self.first, self.second = np.ascontiguousarray(np.hstack(pairs))
        n_pairs = len(self.first)
        column = np.concatenate(columns)
        column = np.where(
            column == -1, self.size + n_pairs, np.where(column < -1, self.size - 2 - column, column)
        )
        shape = (self.size, self.size + n_pairs + 1)
        triplets = (np.concatenate(values), (np.concatenate(rows), column))
        self.matrix = sparse.csr_array(triplets, shape=shape)
        self.matrix.sum_duplicates()
        self.buffer = np.ones(shape[1])
        self._slopes: tuple[sparse.csr_array, sparse.csc_array] | None = None

    def __call__(self, _: float, y: np.ndarray) -> np.ndarray:
        """Rates of change, a fresh array."""
        buffer, size = self.buffer, self.size
        buffer[:size] = y
        np.multiply(y[self.first], y[self.second], out=buffer[size:-1])
        out = np.zeros(size)
        matrix = self.matrix
        _sparsetools.csr_matvec(*matrix.shape, matrix.indptr, matrix.indices, matrix.data, buffer, out)
        return out

    def jacobian(self, _: float, y: np.ndarray) -> sparse.csc_matrix:
        """Analytic Jacobian: its pattern is known, its entries are a sparse product of y."""
        if self._slopes is None:
            self._slopes = self._prepare_jacobian()
        slopes, pattern = self._slopes
        pattern.data = slopes @ np.append(y, 1.0)
        return pattern.copy()

    def dense_jacobian(self, _: float, y: np.ndarray) -> np.ndarray:
        """The same as a dense array, for LSODA."""
        if self._slopes is None:
            self._slopes = self._prepare_jacobian()
        slopes, _pattern = self._slopes
        # Column by column, as the pattern is stored and as LSODA wants it.
        out = np.zeros(self.size * self.size)
        out[self._flat] = slopes @ np.append(y, 1.0)
        return out.reshape(self.size, self.size).T

    def _prepare_jacobian(self) -> tuple[sparse.csr_array, sparse.csc_matrix]:
        size = self.size
        entries = self.matrix.tocoo()
        linear = entries.col < size
        paired = ~linear & (entries.col < size + len(self.first))
        pair = entries.col[paired] - size
        row, value = entries.row[paired], entries.data[paired]
        rows = np.concatenate([entries.row[linear], row, row])
        columns = np.concatenate([entries.col[linear], self.first[pair], self.second[pair]])
        others = np.concatenate([np.full(linear.sum(), size), self.second[pair], self.first[pair]])
        values = np.concatenate([entries.data[linear], value, value])
        flat, place = np.unique(columns.astype(np.int64) * size + rows, return_inverse=True)
        slopes = sparse.csr_array((values, (place, others)), shape=(len(flat), size + 1))
        self._flat = flat
        indptr = np.searchsorted(flat, np.arange(size + 1, dtype=np.int64) * size)
        pattern = sparse.csc_matrix((np.zeros(len(flat)), flat % size, indptr), shape=(size, size))
        return slopes, pattern


def folded_constants(problem: Problem, member: int = 0) -> dict[str, np.ndarray]:
    """Rate constants of the one-pot with one hidden layer by what they make, clamped concentrations multiplied in.

    Keys are a reaction's left side without indices, an arrow and what it changes, such as ``"W1p X0p > Z1p"``.
    """
    net = problem.circuit.network
    result = {}
    for family, first in zip(net.families, net.first_reactions, strict=True):
        value = problem.constants[member][first : first + family.size].reshape(family.shape)
        for term in family.reactants:
            rows = net.rows(term.name)
            if rows.flat[0] >= net.n_dynamic:
                shape = [
                    n if i in term.indices else 1 for i, n in zip(family.indices, family.shape, strict=True)
                ]
                value = value * problem.start[member][rows].reshape(shape)
        left = " ".join(t.name for t in family.reactants for _ in range(t.count))
        result[f"{left} > {' '.join(name for name, _ in family.net)}".strip()] = value
    return result


class Dense:
    """The one-pot with one hidden layer by hand, a matrix or a vector for each family; dynamic species only."""

    def __init__(self, problem: Problem, member: int = 0) -> None:
        net = problem.circuit.network
        self.k = folded_constants(problem, member)
        self.n = net.n_dynamic
        self.place = {}
        for species in net.species:
            rows = net.rows(species.name)
            if rows.flat[0] < self.n:
                self.place[species.name] = (slice(int(rows.flat[0]), int(rows.flat[-1]) + 1), rows.shape)
        # Fixed parts of a sum: what only clamped species make.
        self.weights = [
            tuple(self.k[key] for key in keys)
            for keys in (
                ("W1p X0p > Z1p", "W1m X0p > Z1m", "G1m X0p > W1p", "G1p X0p > W1m", "W1p W1m > W1p W1m"),
                ("W2p X1 > Z2p", "W2m X1 > Z2m", "Em X1 > W2p", "Ep X1 > W2m", "W2p W2m > W2p W2m"),
            )
        ]

    def __call__(self, _: float, state: np.ndarray) -> np.ndarray:
        """Rates of change, a fresh array."""
        out = np.empty(self.n)
        y = {name: state[rows].reshape(shape) for name, (rows, shape) in self.place.items()}
        d = {name: out[rows].reshape(shape) for name, (rows, shape) in self.place.items()}
        k = self.k
        product = np.einsum
        w1p, w1m, w2p, w2m = y["W1p"], y["W1m"], y["W2p"], y["W2m"]
        zp, zm, x, s, m = y["Z1p"], y["Z1m"], y["X1"], y["D1"], y["Y1"]
        rp, rm, gp, gm = y["R1p"], y["R1m"], y["G1p"], y["G1m"]
        ep, em, op, om = y["Ep"], y["Em"], y["Z2p"], y["Z2m"]
        k1p, k1m, u1p, u1m, a1 = self.weights[0]
        k2p, k2m, u2p, u2m, a2 = self.weights[1]

        lost = k["Z1p Z1m > Z1p Z1m"] * zp * zm
        d["Z1p"][:] = (
            product("ij,ij->i", k1p, w1p) + k["B1p One > Z1p"] * y["B1p"] - k["Z1p > Z1p"] * zp - lost
        )
        d["Z1m"][:] = (
            product("ij,ij->i", k1m, w1m) + k["B1m One > Z1m"] * y["B1m"] - k["Z1m > Z1m"] * zm - lost
        )
        d["X1"][:] = k["> X1"] + x * (k["Z1p X1 > X1"] * zp - k["Z1m X1 > X1"] * zm - k["X1 X1 > X1"] * x)
        d["Y1"][:] = k["> Y1"] + m * (k["Z1m Y1 > Y1"] * zm - k["Z1p Y1 > Y1"] * zp - k["Y1 Y1 > Y1"] * m)
        d["D1"][:] = k["X1 > D1"] * x - s * (k["X1 D1 > D1"] * x + k["Y1 D1 > D1"] * m)

        lost = k["Z2p Z2m > Z2p Z2m"] * op * om
        d["Z2p"][:] = (k2p * w2p) @ x + k["B2p One > Z2p"] * y["B2p"] - k["Z2p > Z2p"] * op - lost
        d["Z2m"][:] = (k2m * w2m) @ x + k["B2m One > Z2m"] * y["B2m"] - k["Z2m > Z2m"] * om - lost
        lost = k["Ep Em > Ep Em"] * ep * em
        d["Ep"][:] = k["Z2p > Ep"] * op + k["Tm > Ep"] - k["Ep > Ep"] * ep - lost
        d["Em"][:] = k["Z2m > Em"] * om + k["Tp > Em"] - k["Em > Em"] * em - lost

        lost = k["R1p R1m > R1p R1m"] * rp * rm
        back = ep @ (k["W2p Ep > R1p"] * w2p) + em @ (k["W2m Em > R1p"] * w2m)
        d["R1p"][:] = back - k["R1p > R1p"] * rp - lost
        back = em @ (k["W2p Em > R1m"] * w2p) + ep @ (k["W2m Ep > R1m"] * w2m)
        d["R1m"][:] = back - k["R1m > R1m"] * rm - lost
        lost = k["G1p G1m > G1p G1m"] * gp * gm
        d["G1p"][:] = k["D1 R1p > G1p"] * s * rp - k["G1p > G1p"] * gp - lost
        d["G1m"][:] = k["D1 R1m > G1m"] * s * rm - k["G1m > G1m"] * gm - lost

        lost = a1 * w1p
        lost *= w1m
        for name, update, g in (("W1p", u1p, gm), ("W1m", u1m, gp)):
            np.multiply(update, g[:, None], out=d[name])
            d[name] -= lost
        lost = a2 * w2p * w2m
        d["W2p"][:] = u2p * np.multiply.outer(em, x) - lost
        d["W2m"][:] = u2m * np.multiply.outer(ep, x) - lost
        lost = k["B1p B1m > B1p B1m"] * y["B1p"] * y["B1m"]
        d["B1p"][:] = k["G1m One > B1p"] * gm - lost
        d["B1m"][:] = k["G1p One > B1m"] * gp - lost
        lost = k["B2p B2m > B2p B2m"] * y["B2p"] * y["B2m"]
        d["B2p"][:] = k["Em One > B2p"] * em - lost
        d["B2m"][:] = k["Ep One > B2m"] * ep - lost
        return out


def check(problem: Problem, rates_of_change: RightHandSide, member: int = 0) -> None:
    """Raise unless a right-hand side agrees with crnsim's compiled one to 1e-10, at the start and off it."""
    from crnsim.kinetics.kernels import compile_network

    net = problem.circuit.network
    kernel = compile_network(net)
    rng = np.random.default_rng(1)
    for state in (problem.start[member], problem.start[member] + 0.1 * rng.uniform(size=net.n_species)):
        state[net.n_dynamic :] = problem.start[member][net.n_dynamic :]
        expected = kernel(state, problem.constants[member])[: net.n_dynamic]
        found = np.asarray(rates_of_change(0.0, state[: net.n_dynamic]))[: net.n_dynamic]
        # Terms cancel in a sum: what counts is the error relative to the largest flux of a network of order one.
        worst = np.max(np.abs(found - expected)) / np.max(np.abs(expected))
        if not worst < 1e-10:
            raise AssertionError(f"{problem.name}: a right-hand side differs by {worst:.1e}")


def microseconds(rates_of_change: RightHandSide, y: np.ndarray, least: float = 0.02) -> float:
    """Shortest of five measurements of one evaluation."""
    rates_of_change(0.0, y)
    times, best = 1, np.inf
    for _ in range(5):
        while True:
            start = time.perf_counter()
            for _ in range(times):
                rates_of_change(0.0, y)
            spent = time.perf_counter() - start
            if spent >= least:
                break
            times = max(times * 2, int(times * least / max(spent, 1e-9) * 1.2))
        best = min(best, spent / times)
    return best * 1e6


def fastest(problem: Problem, member: int = 0) -> tuple[str, RightHandSide]:
    """The quicker of `Folded` and `Dense` on this machine, checked."""
    y = problem.start[member][: problem.circuit.network.n_dynamic]
    forms: dict[str, RightHandSide] = {
        "folded": Folded(problem, range(member, member + 1)),
        "dense": Dense(problem, member),
    }
    for form in forms.values():
        check(problem, form, member)
    name = min(forms, key=lambda name: microseconds(forms[name], y, 0.005))
    return name, forms[name]
