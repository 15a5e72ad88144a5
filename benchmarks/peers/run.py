"""One presentation by crnsim and by its peers: SciPy, libroadrunner, SUNDIALS, diffrax, a loop in Numba.

    python benchmarks/peers/run.py [--quick] [--only xor iris] [--peers SciPy diffrax] [--json OUT] [--plot OUT.png]

Everything runs in this process, on one core. Every run is compared with a reference; times are taken in rounds that
alternate between a peer and crnsim. Prints Markdown tables; `--from OUT` prints those of an earlier run again.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import one_thread  # before anything that starts threads

# isort: split
import numpy as np
from competitors import (
    Deadline,
    Failed,
    NotPossible,
    with_crnsim,
    with_diffrax,
    with_numba,
    with_roadrunner,
    with_scipy,
    with_sundae,
)
from machine import describe
from problems import POTS, Problem, make_problem
from reference import ATOL, RTOL, errors, solve_reference
from right_hand_sides import Dense, Folded, plain
from tables import print_tables
from timing import compare

PEERS = {
    peer.NAME: peer
    for peer in (with_crnsim, with_scipy, with_roadrunner, with_sundae, with_diffrax, with_numba)
}
#: Relative tolerances of the work-precision diagrams; the absolute one is a thousandth of it.
TOLERANCES = (1e-3, 1e-2, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9)
#: Fewer for ensembles and for large networks.
ENSEMBLE_TOLERANCES = (1e-3, 1e-2, 1e-4, 1e-5, 1e-6)
QUICK_TOLERANCES = (1e-3, 1e-2, 1e-4)
#: Where a peer gives up at 1e-3 the loosest of these at which it does not is its comparison.
FALLBACKS = (5e-4, 2e-4, 1e-4, 5e-5, 2e-5, 1e-5, 1e-6)


class Clock:
    """Seconds that one measurement may take, and the whole."""

    def __init__(self, *, quick: bool) -> None:
        self.quick = quick
        self.nominal = 1.0 if quick else 3.0
        self.other = 0.25 if quick else 0.5
        self.start = time.perf_counter()

    def say(self, text: str) -> None:
        """Tell on stderr what is going on."""
        print(f"{time.perf_counter() - self.start:7.0f} s  {text}", file=sys.stderr, flush=True)


class Yardstick(NamedTuple):
    """What every method is held against: the reference states, crnsim's ``auto``, and roughly its seconds."""

    reference: np.ndarray
    baseline: Any
    seconds: float


def measure(
    solve: Any, yardstick: Yardstick, tolerance: tuple[float, float], *, budget: float
) -> dict[str, Any]:
    """Time one method at one tolerance against crnsim at the nominal one, and take its error."""
    members = len(yardstick.reference)
    count = 1 if solve.one_by_one else members
    final, spent = _timed(solve, tolerance, count)
    if solve.one_by_one:
        # Members in turn cost the same each: as many as the budget allows stand for all.
        count = int(np.clip(0.2 * budget / spent, 1, members))
    if count > 1 or spent < budget:
        # The first call may have warmed up something.
        final, spent = _timed(solve, tolerance, count)
    error = errors(final, yardstick.reference)
    ratio = compare(
        lambda: solve(*tolerance, count),
        lambda: yardstick.baseline(RTOL, ATOL, members),
        budget=budget,
        scale=members / count,
        known=(spent, yardstick.seconds),
    )
    return {
        "rtol": tolerance[0],
        "atol": tolerance[1],
        "status": "ok",
        "error": float(error.max()),
        "members_run": count,
        "members": members,
        **ratio.as_dict(),
    }


def _timed(solve: Any, tolerance: tuple[float, float], count: int) -> tuple[np.ndarray, float]:
    start = time.perf_counter()
    final = solve(*tolerance, count)
    return final, time.perf_counter() - start


def measure_method(
    problem: Problem, peer: Any, method: str, yardstick: Yardstick, clock: Clock
) -> dict[str, Any]:
    """All tolerances of one method; what fails is recorded as failed."""
    result: dict[str, Any] = {"peer": peer.NAME, "method": method, "points": []}
    start = time.perf_counter()
    try:
        solve = peer.prepare(problem, method)
    except NotPossible as reason:
        return result | {"not_possible": str(reason)}
    result["prepare_seconds"] = time.perf_counter() - start
    # Which of several right-hand sides it chose.
    result["form"] = getattr(solve, "form", "")
    small = problem.members == 1 and problem.circuit.network.n_reactions < 100_000
    tolerances: Sequence[float] = TOLERANCES if small else ENSEMBLE_TOLERANCES
    if clock.quick:
        tolerances = QUICK_TOLERANCES
    points = result["points"]
    slow = ""
    for rtol in tolerances:
        if slow and rtol < RTOL:
            points.append({"rtol": rtol, "atol": 1e-3 * rtol, "status": "left out", "reason": slow})
            continue
        points.append(_point(solve, yardstick, rtol, clock.nominal if rtol == RTOL else clock.other))
        slow = slow or _too_slow(points[-1], clock)
    if points[0]["status"] != "ok" and not slow:
        for rtol in FALLBACKS:
            known = next((p for p in points if p["rtol"] == rtol), None)
            point = known or _point(solve, yardstick, rtol, clock.nominal)
            if known is None:
                points.append(point)
            if point["status"] == "ok":
                break
    return result


def _point(solve: Any, yardstick: Yardstick, rtol: float, budget: float) -> dict[str, Any]:
    tolerance = (rtol, 1e-3 * rtol)
    try:
        return measure(solve, yardstick, tolerance, budget=budget)
    except Failed as failure:
        return {"rtol": rtol, "atol": tolerance[1], "status": "failed", "reason": str(failure)}


def _too_slow(point: dict[str, Any], clock: Clock) -> str:
    """Why tighter tolerances are left out, or nothing."""
    if point["status"] == "failed" and "took more than" in point["reason"]:
        return f"at rtol {point['rtol']:g} it {point['reason']}"
    if point["status"] == "ok":
        seconds = point["seconds"] * point["members_run"] / point["members"]
        if seconds > (2.0 if clock.quick else 5.0):
            return f"at rtol {point['rtol']:g} one run took {seconds:.1f} s"
    return ""


def measure_problem(name: str, members: int, peers: Sequence[str], clock: Clock) -> dict[str, Any]:
    """All methods on one problem."""
    clock.say(f"{name}, {members} member(s): start and reference")
    problem = make_problem(name, members)
    reference, report = solve_reference(problem)
    net = problem.circuit.network
    result: dict[str, Any] = {
        "problem": name,
        "layers": list(problem.circuit.layers),
        "members": members,
        "species": net.n_species,
        "reactions": net.n_reactions,
        "reference": report,
        "methods": [],
    }
    baseline = with_crnsim.prepare(problem, "auto")
    baseline(RTOL, ATOL, members)
    yardstick = Yardstick(reference, baseline, _timed(baseline, (RTOL, ATOL), members)[1])
    for peer in (PEERS[peer] for peer in dict.fromkeys(["crnsim", *peers])):
        for method in peer.methods(problem):
            if skip := _skipped(name, members, peer.NAME, method, clock):
                result["methods"].append(
                    {"peer": peer.NAME, "method": method, "points": [], "not_possible": skip}
                )
                continue
            clock.say(f"{name}, {members} member(s): {peer.NAME} {method}")
            result["methods"].append(measure_method(problem, peer, method, yardstick, clock))
    return result


def _skipped(name: str, members: int, peer: str, method: str, clock: Clock) -> str:
    """What a quick run leaves out."""
    if not clock.quick:
        return ""
    if name in ("digits", "mnist") and (peer == "libroadrunner" or method in ("LSODA", "odeint")):
        return "left out of a quick run"
    if peer == "diffrax" and method.startswith(("Kvaerno", "Dopri5")):
        return "left out of a quick run"
    return ""


def right_hand_sides(names: Sequence[str], clock: Clock) -> list[dict[str, Any]]:
    """One evaluation by crnsim, for one member and for a batch, against three forms in NumPy."""
    from scaling import crnsim_right_hand_side

    rows = []
    for name in names:
        clock.say(f"{name}: right-hand sides")
        problem = make_problem(name, POTS[name].ensemble)
        net = problem.circuit.network
        y = problem.start[0][: net.n_dynamic].copy()
        state = problem.start[0].copy()
        sides = {"sparse": plain(problem), "folded": Folded(problem, range(1)), "dense": Dense(problem)}
        row: dict[str, Any] = {"problem": name, "reactions": net.n_reactions, "ensemble": problem.members}
        for members in sorted({1, problem.members}):
            action, per_call = crnsim_right_hand_side(problem.first(members))
            for form, side in sides.items():
                argument = state if form == "sparse" else y
                ratio = compare(
                    lambda side=side, argument=argument: side(0.0, argument),
                    action,
                    budget=clock.other,
                    scale=float(per_call),
                )
                row[f"{form}_{members}"] = ratio.as_dict() | {"evaluations": per_call, "members": members}
        rows.append(row)
    return rows


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="three minutes: fewer networks, methods, rounds")
    parser.add_argument("--only", nargs="+", choices=POTS, help="these networks only")
    parser.add_argument(
        "--peers", nargs="+", choices=PEERS, default=list(PEERS), help="these peers only, and crnsim"
    )
    parser.add_argument("--json", type=Path, help="write all numbers here")
    parser.add_argument("--plot", type=Path, help="write the work-precision diagrams here")
    parser.add_argument("--from", dest="source", type=Path, help="print the tables of such a JSON file again")
    options = parser.parse_args()
    if options.source:
        data = json.loads(options.source.read_text())
    else:
        data = _measure_all(options)
    if options.json:
        options.json.write_text(json.dumps(data, indent=1) + "\n")
    if options.plot:
        from plots import work_precision

        work_precision(data, options.plot)
    print_tables(data)


def _measure_all(options: argparse.Namespace) -> dict[str, Any]:
    one_thread.pin()
    clock = Clock(quick=options.quick)
    Deadline.limit = 3.0 if options.quick else 15.0
    names = options.only or [name for name in POTS if not (options.quick and name == "mnist")]
    data: dict[str, Any] = {"machine": describe(), "quick": options.quick, "rtol": RTOL, "atol": ATOL}
    data["right_hand_sides"] = right_hand_sides([n for n in names if n != "mnist"], clock)
    data["problems"] = []
    for name in names:
        sizes = (
            [1] if POTS[name].ensemble == 1 or (options.quick and name != "xor") else [1, POTS[name].ensemble]
        )
        for members in sizes:
            data["problems"].append(measure_problem(name, members, options.peers, clock))
            if options.json:
                options.json.write_text(json.dumps(data, indent=1) + "\n")
    data["wall_seconds"] = time.perf_counter() - clock.start
    return data


if __name__ == "__main__":
    main()
