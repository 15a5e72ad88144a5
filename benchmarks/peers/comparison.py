"""From measured points to the figures quoted: ratios at equal nominal tolerance and at equal achieved error."""

from __future__ import annotations

from typing import Any

import numpy as np

#: What the project aims at for the best method of each peer: (problem, members) -> peer -> ratio per member.
AIMS = {
    ("digits", 1): {"SciPy": 40, "libroadrunner": 1500, "diffrax": 20},
    ("digits", 16): {"SciPy": 40, "libroadrunner": 1500, "diffrax": 20},
    ("xor", 32): {"SciPy": 100, "libroadrunner": 10, "diffrax": 25},
}
#: The same for one right-hand side, against NumPy with a sparse stoichiometry matrix: (problem, members) -> ratio.
RIGHT_HAND_SIDE_AIMS = {("digits", 1): 25, ("xor", 32): 60}


def point_at(method: dict[str, Any], rtol: float) -> dict[str, Any] | None:
    """The measured point of a method at a relative tolerance."""
    return next((point for point in method["points"] if point["rtol"] == rtol), None)


def nominal(method: dict[str, Any], rtol: float) -> dict[str, Any] | None:
    """The point to compare at nominal tolerance: at `rtol`, or the loosest at which the method does not give up."""
    point = point_at(method, rtol)
    if point is None or point["status"] == "ok":
        return point
    fine = [p for p in method["points"] if p["status"] == "ok" and p["rtol"] < rtol]
    return max(fine, key=lambda p: p["rtol"]) if fine else point


def at_error(method: dict[str, Any], error: float) -> float | None:
    """Ratio to crnsim's time at the tolerance at which the method achieves `error`; None if it never does.

    Interpolated in logarithms along the method's best points. A method that is more accurate than that at every
    tolerance counts with its quickest one.
    """
    frontier: list[tuple[float, float]] = []
    for point in sorted((p for p in method["points"] if p["status"] == "ok"), key=lambda p: p["ratio"]):
        if not frontier or point["error"] < frontier[-1][0]:
            frontier.append((max(point["error"], 1e-300), point["ratio"]))
    if not frontier or frontier[-1][0] > error:
        return None
    if frontier[0][0] <= error:
        return frontier[0][1]
    errors, ratios = np.log(np.array(frontier[::-1])).T
    return float(np.exp(np.interp(np.log(error), errors, ratios)))


def best(problem: dict[str, Any], peer: str, rtol: float, agreement: float) -> tuple[Any, Any]:
    """(method, ratio) of a peer's best method at nominal tolerance, and at equal error; None where there is none.

    At nominal tolerance a method counts at the loosest one, up to `rtol`, at which it agrees with the reference.
    """
    aim = own_error(problem, rtol)
    by_tolerance, by_error = [], []
    for method in problem["methods"]:
        if method["peer"] != peer:
            continue
        fine = [
            p
            for p in method["points"]
            if p["status"] == "ok" and p["error"] <= agreement and p["rtol"] <= rtol
        ]
        if fine:
            point = max(fine, key=lambda p: p["rtol"])
            by_tolerance.append((point["ratio"], method["method"], point))
        if aim is not None and (ratio := at_error(method, aim)) is not None:
            by_error.append((ratio, method["method"]))
    return (
        min(by_tolerance, key=lambda row: row[0]) if by_tolerance else None,
        min(by_error, key=lambda row: row[0]) if by_error else None,
    )


def own_error(problem: dict[str, Any], rtol: float) -> float | None:
    """Error that crnsim's ``auto`` achieves at `rtol`."""
    for method in problem["methods"]:
        if (method["peer"], method["method"]) == ("crnsim", "auto"):
            point = point_at(method, rtol)
            return point["error"] if point and point["status"] == "ok" else None
    return None
