"""Errors, in tolerances, of every method on networks of other kinds than ours.

    python benchmarks/accuracy/run.py [--only seed ring POLLU] [--methods auto LSODA] [--rtol 1e-6] [--json OUT]

An error is the largest over species and recorded times of |y - reference| / (atol + rtol |reference|), with the
absolute tolerance that `crnsim.simulate` has by default: 1e-9 rtol times the species' highest concentration; at 41 and
at 4,001 recorded times. "estimated" is what the result says of its own error. A periodic orbit is judged by its phase
too: the lag in time at which it fits best. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from cases import CASES, Case, reference

from crnsim import simulate
from crnsim.outcomes import OUTCOMES
from crnsim.solvers import METHODS
from crnsim.solvers.scales import SCALED_ATOL

COUNTS = (41, 4001)
HEAD = "| case | method | rtol | status | error, 41 times | 4,001 times | estimated | lag | lowest | steps | ms |"


def measure(case: Case, method: str, rtol: float) -> dict[str, Any]:
    """Integrate a case and compare."""
    network, largest = case.network(), max(case.initial.values())
    found: dict[str, Any] = {"case": case.name, "method": method, "rtol": rtol}
    for count in COUNTS:
        times = case.times(count)
        start = time.perf_counter()
        run = simulate(network, times, method=method, initial=dict(case.initial), rtol=rtol)
        found["ms"] = 1e3 * (time.perf_counter() - start)
        y = run.concentration.sel(species=case.species).values[0]
        exact = reference(case, count)
        atol = (
            SCALED_ATOL
            * rtol
            * np.maximum(np.max(np.abs(exact), axis=0), np.where(exact[0] > 0, 0.0, largest))
        )
        errors = np.abs(y - exact) / (atol + rtol * np.abs(exact) + 1e-300)
        found[f"error_{count}"] = float(np.nanmax(errors)) if np.isfinite(y).any() else float("nan")
        found |= {"lowest": float(np.nanmin(y)) / largest, "steps": int(run.steps[0])}
        found["status"] = OUTCOMES[int(run.status[0])]
        found["estimated"] = float(run.error[0])
    found["lag"] = lag(case, times, y, exact) if case.drifts else float("nan")
    return found


def lag(case: Case, times: np.ndarray, y: np.ndarray, exact: np.ndarray) -> float:
    """Shift in time, as a share of the whole, at which the second half of a run fits its reference best."""
    half = len(times) // 2
    if not np.isfinite(y).all():
        return float("nan")
    shifts = np.linspace(-0.05, 0.05, 401) * case.end

    def misfit(shift: float) -> float:
        moved = [np.interp(times[half : -half // 4] + shift, times, one) for one in y.T]
        return float(np.abs(np.array(moved).T - exact[half : -half // 4]).sum())

    return float(min(shifts, key=misfit)) / case.end


def main() -> None:
    """Run what is asked for and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", default=[""], help="parts of the names of cases")
    parser.add_argument("--methods", nargs="+", default=[*METHODS])
    parser.add_argument("--rtol", nargs="+", type=float, default=[1e-3, 1e-6, 1e-8])
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows = []
    print(HEAD + "\n|" + " --- |" * HEAD.count(" |"))
    for case in CASES:
        if not any(part in case.name for part in options.only):
            continue
        case.network()
        for method in options.methods:
            for rtol in options.rtol:
                row = measure(case, method, rtol)
                rows.append(row)
                print(
                    f"| {case.name} | {method} | {rtol:g} | {row['status']} | {row['error_41']:.3g} "
                    f"| {row['error_4001']:.3g} | {row['estimated']:.3g} | {row['lag']:.2g} | {row['lowest']:.2g} "
                    f"| {row['steps']} | {row['ms']:.3g} |",
                    flush=True,
                )
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
