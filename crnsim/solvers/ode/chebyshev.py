"""Coefficients of the stabilised Runge-Kutta-Chebyshev method of order 2.

Sommeijer, Shampine, Verwer, J. Comput. Appl. Math. 88, 315 (1998), doi 10.1016/S0377-0427(97)00219-7.
"""

from __future__ import annotations

from functools import cache

import numpy as np

#: Most stages of the stabilised method: a step is cut to what they keep stable.
MAX_STAGES = 40


@cache
def chebyshev() -> np.ndarray:
    """Coefficients of the stabilised method for 2 to `MAX_STAGES` stages, shape (MAX_STAGES + 1, MAX_STAGES + 1, 4).

    Entry (s, j) has mu, nu, mu~ and gamma~ of stage j; entry (s, 0) begins with the length of the stability interval.
    """
    table = np.zeros((MAX_STAGES + 1, MAX_STAGES + 1, 4))
    table[:, 2:, 0] = 1.0  # beyond its last stage a lane stands still
    for s in range(2, MAX_STAGES + 1):
        w0 = 1 + 2 / (13 * s * s)
        t, dt, ddt = [1.0, w0], [0.0, 1.0], [0.0, 0.0]
        for j in range(2, s + 1):
            t.append(2 * w0 * t[j - 1] - t[j - 2])
            dt.append(2 * t[j - 1] + 2 * w0 * dt[j - 1] - dt[j - 2])
            ddt.append(4 * dt[j - 1] + 2 * w0 * ddt[j - 1] - ddt[j - 2])
        w1 = dt[s] / ddt[s]
        b = [0.0, 0.0] + [ddt[j] / dt[j] ** 2 for j in range(2, s + 1)]
        b[0] = b[1] = b[2]
        table[s, 0, 0] = (1 + w0) / w1
        table[s, 1, 2] = b[1] * w1
        for j in range(2, s + 1):
            tilde = 2 * b[j] * w1 / b[j - 1]
            table[s, j] = (
                2 * b[j] * w0 / b[j - 1],
                -b[j] / b[j - 2],
                tilde,
                -(1 - b[j - 1] * t[j - 1]) * tilde,
            )
    return table
