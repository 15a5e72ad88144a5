"""The table of methods: what each one is, and what it supports."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Method:
    """What a method is and what it supports."""

    title: str
    events: bool
    stochastic: bool = False


#: Methods by the name that `simulate` takes; only those with ``events`` can show samples and kick.
METHODS: dict[str, Method] = {
    "auto": Method("rosw, or bs23 where noise on concentrations makes that cheaper", events=True),
    "bs23": Method("explicit Bogacki-Shampine pair of order 3(2), compiled", events=True),
    "rkc": Method(
        "stabilised explicit Runge-Kutta-Chebyshev method of order 2, compiled; for coarse tolerances",
        events=True,
    ),
    "rosw": Method(
        "linearly implicit W-method of order 3(2) with part of the Jacobian, compiled", events=True
    ),
    "LSODA": Method("SciPy's LSODA, switching between Adams and BDF", events=False),
    "BDF": Method("SciPy's BDF with a sparse Jacobian", events=False),
    "Radau": Method("SciPy's implicit Runge-Kutta of order 5 with a sparse Jacobian", events=False),
}
