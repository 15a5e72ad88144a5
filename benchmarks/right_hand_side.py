"""Time of one right-hand side: compiled over eight lanes, against NumPy with a sparse stoichiometry matrix.

python benchmarks/right_hand_side.py
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numba import njit

from crnsim import onepot
from crnsim.kinetics.kernels import compile_network
from crnsim.kinetics.lanes import LANES, lanes_array


@njit
def repeat(function, y, rate, dy, size, offset, first, times):  # noqa: D103
    for _ in range(times):
        function(y, rate, dy, size, offset, first)


def best(action: Callable[[], object], times: int) -> float:
    """Return the shortest of seven tries, in microseconds per evaluation."""
    tries = []
    for _ in range(7):
        start = time.perf_counter()
        action()
        tries.append((time.perf_counter() - start) / times * 1e6)
    return min(tries)


def main() -> None:
    """Measure and print a table."""
    print(
        "| pot | reactions | compiled, 8 runs (us) | per run (us) | NumPy and sparse, 1 run (us) | ratio per run |"
    )
    print("| --- | --- | --- | --- | --- | --- |")
    for layers in ((2, 6, 1), (4, 8, 3), (64, 20, 10)):
        net = onepot(layers).network
        rng = np.random.default_rng(0)
        state, constants = rng.uniform(size=net.n_species), rng.uniform(size=net.n_reactions)
        kernel = compile_network(net)
        arrays = [lanes_array(rows) for rows in (net.n_species, net.n_reactions, net.n_species)]
        arrays[0][:], arrays[1][:] = state[:, None], constants[:, None]
        tables = (kernel.size, kernel.offset, kernel.first)
        repeat(kernel.function, *arrays, *tables, 1)
        times = max(50, 4_000_000 // net.n_reactions)
        compiled = best(lambda: repeat(kernel.function, *arrays, *tables, times), times)  # noqa: B023
        stoichiometry = net.stoichiometry().astype(float)
        flat = [
            np.concatenate([np.broadcast_to(np.asarray(r), (f.size,)) for f, r in rows])
            for rows in _reactant_rows(net)
        ]

        def plain() -> None:
            padded = np.append(state, 1.0)  # noqa: B023
            for _ in range(200):
                stoichiometry @ (constants * padded[flat[0]] * padded[flat[1]])  # noqa: B023

        reference = best(plain, 200)
        ratio = reference / (compiled / LANES)
        name = "-".join(map(str, layers))
        print(
            f"| {name} | {net.n_reactions} | {compiled:.2f} | {compiled / LANES:.3f} | {reference:.1f} | {ratio:.0f} |"
        )


def _reactant_rows(net):
    """Rows of the first and the second reactant of every reaction; one past the end stands for none."""
    both = [[], []]
    for family, terms in zip(net.families, net.elementary[0], strict=True):
        rows = [rows for rows, count in terms for _ in range(count)]
        rows += [np.array(net.n_species)] * (2 - len(rows))
        for place in range(2):
            both[place].append((family, rows[place]))
    return both


if __name__ == "__main__":
    main()
