"""How crnsim's cost grows: with the number of reactions, with the ensemble, with the annihilation constant.

    python benchmarks/peers/scaling.py [--quick] [--json OUT] [--plot OUT.png]

Prints Markdown tables; `--from OUT` prints those of an earlier run again.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import one_thread  # before anything that starts threads

# isort: split
import numpy as np
from competitors import Failed, with_crnsim, with_scipy
from machine import describe
from numba import njit
from problems import Problem, make_pot, make_problem
from reference import ATOL, RTOL, errors, solve_reference
from right_hand_sides import Dense, Folded, microseconds, plain
from tables import print_machine
from timing import repeats, seconds_per_call

from crnsim.kinetics.kernels import rates_of_change

#: From about 10^2 to 10^6 reactions.
SIZES = (
    (2, 2, 1),
    (2, 6, 1),
    (4, 8, 3),
    (8, 16, 4),
    (16, 32, 10),
    (64, 20, 10),
    (64, 64, 10),
    (196, 64, 10),
    (784, 32, 10),
    (784, 100, 10),
    (784, 250, 10),
)
ENSEMBLES = (1, 2, 4, 8, 16, 32, 64)
ANNIHILATION = (5.0, 20.0, 100.0, 1000.0)
#: Above this many species SciPy's odeint, whose Jacobian is dense, is left out.
_DENSE_LIMIT = 1000
#: Samples of an epoch of MNIST.
MNIST_SAMPLES = 60_000


def crnsim_right_hand_side(problem: Problem) -> tuple[Callable[[], object], int]:
    """Return (action, evaluations): the right-hand side as the integrators call it, many times over.

    `evaluations` counts one for each member and call. This is the one place that knows how kernels are called.
    """
    from crnsim.kinetics.kernels import compile_network
    from crnsim.kinetics.lanes import LANES, lanes_array

    net = problem.circuit.network
    kernel = compile_network(net)
    kinetics = kernel.kinetics
    wide = kernel.wide
    batches = []
    for first in range(0, problem.members, 1 if wide else LANES):
        if wide:
            y, rate, dy = (kernel.table(v[first]) for v in (problem.start, problem.constants, problem.start))
        else:
            y, rate, dy = (lanes_array(n) for n in (net.n_species, net.n_reactions, net.n_species))
            chosen = np.arange(first, first + LANES) % problem.members
            y[:], rate[:] = problem.start[chosen].T, problem.constants[chosen].T
        batches.append((y, rate, dy))
    # Often enough that entering compiled code does not count.
    times = max(3, 4_000_000 // net.n_reactions)

    def action() -> None:
        for y, rate, dy in batches:
            _repeat(kinetics, y, rate, dy, times)

    action()
    return action, times * problem.members


@njit(error_model="numpy", _nrt=False)
def _repeat(kinetics, y, rate, dy, times):
    for _ in range(times):
        rates_of_change(kinetics, y, rate, dy)


def best_seconds(action: Callable[[], object], budget: float) -> float:
    """Shortest measurement of a warm action within a budget, at least one."""
    times = repeats(seconds_per_call(action, 1))
    end, result = time.perf_counter() + budget, np.inf
    for _ in range(7):
        result = min(result, seconds_per_call(action, times))
        if time.perf_counter() > end:
            break
    return result


def against_size(budget: float, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """One right-hand side of pots of many sizes, one member."""
    rows = []
    for layers in SIZES:
        name = "-".join(map(str, layers))
        say(name)
        problem = make_pot(layers)
        net = problem.circuit.network
        action, evaluations = crnsim_right_hand_side(problem)
        y = problem.start[0][: net.n_dynamic].copy()
        rows.append(
            {
                "pot": name,
                "reactions": net.n_reactions,
                "crnsim_us": best_seconds(action, budget) / evaluations * 1e6,
                "sparse_us": microseconds(plain(problem), problem.start[0]),
                "folded_us": microseconds(Folded(problem, range(1)), y),
                "dense_us": microseconds(Dense(problem), y),
            }
        )
    return rows


def against_ensemble(names: list[str], budget: float, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """One presentation of ensembles of many sizes."""
    rows = []
    for name in names:
        whole = make_problem(name, max(ENSEMBLES))
        for members in ENSEMBLES:
            say(f"{name}, {members} member(s)")
            problem = whole.first(members)
            for method in with_crnsim.methods(problem):
                solve = with_crnsim.prepare(problem, method)
                solve(RTOL, ATOL, members)
                spent = best_seconds(lambda s=solve, m=members: s(RTOL, ATOL, m), budget)
                each = spent / members * 1e3
                rows.append({"problem": name, "members": members, "method": method, "ms_per_member": each})
    return rows


def against_annihilation(names: list[str], budget: float, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """One presentation at other annihilation constants: time and error, beside SciPy's stiff methods."""
    rows = []
    for name in names:
        for ka in ANNIHILATION:
            say(f"{name}, ka = {ka:g}")
            problem = make_problem(name, 1, ka=ka)
            reference, _ = solve_reference(problem)
            stiff = ["BDF"] if problem.circuit.network.n_dynamic > _DENSE_LIMIT else ["BDF", "odeint"]
            methods = [(with_crnsim, method) for method in with_crnsim.methods(problem)]
            for peer, method in [*methods, *((with_scipy, method) for method in stiff)]:
                row: dict[str, Any] = {"problem": name, "ka": ka, "method": f"{peer.NAME} {method}"}
                try:
                    solve = peer.prepare(problem, method)
                    row["error"] = float(errors(solve(RTOL, ATOL, 1), reference)[0])
                    row["ms"] = best_seconds(lambda s=solve: s(RTOL, ATOL, 1), budget) * 1e3
                except Failed as failure:
                    row |= {"error": float("nan"), "ms": float("nan"), "failed": str(failure)}
                rows.append(row)
    return rows


def mnist(budget: float) -> dict[str, Any]:
    """Presentations of MNIST 784-100-10 per second."""
    problem = make_problem("mnist", 1)
    solve = with_crnsim.prepare(problem, "auto")
    solve(RTOL, ATOL, 1)
    spent = best_seconds(lambda: solve(RTOL, ATOL, 1), budget)
    return {"seconds": spent, "per_second": 1 / spent, "epoch_hours": MNIST_SAMPLES * spent / 3600}


def print_scaling(data: dict[str, Any]) -> None:
    """Print everything as Markdown."""
    print_machine(data)
    print(
        "\n| pot | reactions | crnsim (us) | per reaction (ns) | NumPy sparse (us) | folded (us) | by hand (us) |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for row in data["sizes"]:
        each = row["crnsim_us"] / row["reactions"] * 1e3
        others = " | ".join(f"{row[f'{form}_us']:.3g}" for form in ("sparse", "folded", "dense"))
        print(f"| {row['pot']} | {row['reactions']} | {row['crnsim_us']:.3g} | {each:.3g} | {others} |")
    print("\nMilliseconds per member of one presentation, by the number of members:\n")
    print("| pot | method | " + " | ".join(f"{m}" for m in ENSEMBLES) + " |")
    print("| --- | --- |" + " --- |" * len(ENSEMBLES))
    for name, method in dict.fromkeys((row["problem"], row["method"]) for row in data["ensembles"]):
        cells = [
            f"{row['ms_per_member']:.3g}"
            for row in data["ensembles"]
            if (row["problem"], row["method"]) == (name, method)
        ]
        print(f"| {name} | {method} | {' | '.join(cells)} |")
    print("\nMilliseconds of one presentation (error in tolerances) at other annihilation constants:\n")
    print("| pot | method | " + " | ".join(f"ka = {ka:g}" for ka in ANNIHILATION) + " |")
    print("| --- | --- |" + " --- |" * len(ANNIHILATION))
    for name, method in dict.fromkeys((row["problem"], row["method"]) for row in data["annihilation"]):
        cells = [
            "failed" if "failed" in row else f"{row['ms']:.3g} ({row['error']:.2g})"
            for row in data["annihilation"]
            if (row["problem"], row["method"]) == (name, method)
        ]
        print(f"| {name} | {method} | {' | '.join(cells)} |")
    if "mnist" in data:
        m = data["mnist"]
        print(
            f"\nMNIST 784-100-10: {m['per_second']:.3g} presentations a second; an epoch of {MNIST_SAMPLES} would take "
            f"{m['epoch_hours']:.3g} h on one core."
        )


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="without digits and MNIST in presentations")
    parser.add_argument("--json", type=Path, help="write all numbers here")
    parser.add_argument("--plot", type=Path, help="write the figure here")
    parser.add_argument("--from", dest="source", type=Path, help="print the tables of such a JSON file again")
    options = parser.parse_args()
    if options.source:
        data = json.loads(options.source.read_text())
    else:
        one_thread.pin()
        start = time.perf_counter()

        def say(text: str) -> None:
            print(f"{time.perf_counter() - start:7.0f} s  {text}", file=sys.stderr, flush=True)

        budget = 0.3 if options.quick else 1.5
        names = ["xor", "iris"] if options.quick else ["xor", "iris", "digits"]
        data = {"machine": describe(), "quick": options.quick, "sizes": against_size(budget, say)}
        data["ensembles"] = against_ensemble(names, budget, say)
        data["annihilation"] = against_annihilation(names, budget, say)
        if not options.quick:
            say("mnist")
            data["mnist"] = mnist(5.0)
        data["wall_seconds"] = time.perf_counter() - start
    if options.json:
        options.json.write_text(json.dumps(data, indent=1) + "\n")
    if options.plot:
        from plots import scaling

        scaling(data, options.plot)
    print_scaling(data)


if __name__ == "__main__":
    main()
