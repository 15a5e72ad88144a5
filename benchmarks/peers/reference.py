"""Reference solutions and the error that counts: in units of the tolerance 1e-6 + 1e-3 |y|."""

from __future__ import annotations

import numpy as np
from competitors.with_scipy import march
from problems import Problem
from right_hand_sides import Folded, fastest

#: Tolerances that every comparison at nominal tolerance is made at, and the yardstick of errors.
RTOL, ATOL = 1e-3, 1e-6
#: A timed run is in agreement if its error is at most this many tolerances.
AGREEMENT = 10.0
REFERENCE_RTOL, REFERENCE_ATOL = 1e-12, 1e-15
#: Above this many species the second method, which is implicit, is left out.
_IMPLICIT_LIMIT = 5000


def errors(final: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Largest error of each member, in tolerances."""
    scale = ATOL + RTOL * np.abs(reference[: len(final)])
    return np.max(np.abs(final - reference[: len(final)]) / scale, axis=1)


def solve_reference(problem: Problem) -> tuple[np.ndarray, dict[str, float | str]]:
    """Final states by DOP853, the first member checked against Radau with a sparse Jacobian.

    Returns
    -------
    final : numpy.ndarray, shape (members, n_species)
    report : dict
        Difference of the two methods in tolerances (``difference``), or why there is none (``unchecked``).
    """
    n = problem.circuit.network.n_dynamic
    final = problem.start.copy()
    form = fastest(problem)[0]
    for member in range(problem.members):
        folded = Folded(problem, range(member, member + 1))
        side = folded if form == "folded" else fastest(problem, member)[1]
        final[member, :n] = march(
            "DOP853", side, final[member, :n], problem.span, REFERENCE_RTOL, REFERENCE_ATOL
        )
    if n > _IMPLICIT_LIMIT:
        # The explicit method at another tolerance is a check of its own error, if not of its kind.
        second = march("DOP853", side, problem.start[-1, :n], problem.span, 1e-8, 1e-11)
        name = "DOP853 at 1e-8"
    else:
        folded = Folded(problem, range(problem.members - 1, problem.members))
        second = march("Radau", folded, problem.start[-1, :n], problem.span, 1e-9, 1e-12, jac=folded.jacobian)
        name = "Radau at 1e-9"
    difference = float(errors(second[None], final[-1:, :n])[0])
    if not difference < 0.01:
        raise AssertionError(f"{problem.name}: two reference methods differ by {difference:.2g} tolerances")
    return final, {"method": f"DOP853 at {REFERENCE_RTOL:g}", "second": name, "difference": difference}
