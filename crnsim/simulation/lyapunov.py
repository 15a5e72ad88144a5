"""Lyapunov equations for covariances, in units of the roots of concentrations, in which those of rare species count."""

from __future__ import annotations

import warnings

import numpy as np
from scipy import linalg

#: Of less than this part of the most frequent species there are as many as of that.
_FEWEST = 1e-15


def per_root(y: np.ndarray) -> np.ndarray:
    """One by the root of each concentration, which its fluctuations go with."""
    y = np.maximum(y, 0.0)
    highest = float(np.max(y, initial=0.0)) or 1.0
    found: np.ndarray = 1.0 / np.sqrt(np.maximum(y, _FEWEST * highest))
    return found


def lyapunov(matrix: np.ndarray, right: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Solve A X + X A^T = Q.

    Parameters
    ----------
    matrix, right : numpy.ndarray, shape (n, n)
    y : numpy.ndarray, shape (n,)
        Concentrations.

    Raises
    ------
    scipy.linalg.LinAlgError
        The solution is lost in rounding.
    """
    unit = per_root(y)
    return _solved(matrix * np.outer(unit, 1.0 / unit), right * np.outer(unit, unit)) / np.outer(unit, unit)


def at_rest(jacobian: np.ndarray, diffusion: np.ndarray, changes: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Covariance C at a fixed point, J C + C J^T + D = 0, of what reactions can change.

    Parameters
    ----------
    jacobian, diffusion : numpy.ndarray, shape (n, n)
    changes : numpy.ndarray, shape (n, reactions)
        Stoichiometry.
    y : numpy.ndarray, shape (n,)

    Raises
    ------
    scipy.linalg.LinAlgError
        As for `lyapunov`.
    """
    unit = per_root(y)
    basis = linalg.orth(unit[:, None] * changes)
    inner = _solved(
        basis.T @ (jacobian * np.outer(unit, 1.0 / unit)) @ basis,
        -(basis.T @ (diffusion * np.outer(unit, unit)) @ basis),
    )
    return (basis @ inner @ basis.T) / np.outer(unit, unit)


def _solved(matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        try:
            found: np.ndarray = linalg.solve_continuous_lyapunov(matrix, right)
        except RuntimeWarning as error:
            raise linalg.LinAlgError(str(error)) from None
    return found
