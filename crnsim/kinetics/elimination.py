"""Sparse elimination without pivoting: an order that keeps factors sparse, and where they have entries.

Kinetics is kind to it: matrices ``1 - step J`` of mass action can be factored along the diagonal as long as a step
resolves what grows (Sandu et al., Atmos. Environ. 31, 3459 (1997), doi 10.1016/S1352-2310(97)83212-8).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import SuperLU, splu


@dataclass(frozen=True)
class Pattern:
    """Where L and U of a matrix have entries, row after row, in an order of elimination.

    Attributes
    ----------
    order : numpy.ndarray, shape (n,)
        Row of the matrix that is eliminated at each place.
    start : numpy.ndarray, shape (n + 1,)
        First entry of each row.
    column : numpy.ndarray, shape (entries,)
        Place of each entry's column; within a row they ascend.
    diagonal : numpy.ndarray, shape (n,)
        Entry of each row that is on the diagonal.
    """

    order: np.ndarray
    start: np.ndarray
    column: np.ndarray
    diagonal: np.ndarray

    def entry(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Entries at rows and columns of the matrix, which must be in the pattern."""
        n = len(self.order)
        place = np.empty(n, dtype=np.int64)
        place[self.order] = np.arange(n)
        keys = np.repeat(np.arange(n), np.diff(self.start)) * n + self.column
        return np.searchsorted(keys, place[rows] * n + place[columns])


def factor_pattern(n: int, rows: np.ndarray, columns: np.ndarray) -> Pattern:
    """Return where the factors of a matrix have entries.

    Parameters
    ----------
    n : int
        Length of a row.
    rows, columns : numpy.ndarray
        Entries of the matrix; those of the diagonal belong to it anyway.
    """
    diagonal = np.arange(n)
    at = (np.append(rows, diagonal), np.append(columns, diagonal))
    entries = sparse.coo_array((np.ones(len(rows) + n), at), shape=(n, n)).tocsr()
    order = _order(entries)
    # Where numbers drawn at random leave no zero, nothing leaves one.
    drawn = entries[order][:, order].tocsc()
    drawn.data = np.random.default_rng(0).uniform(0.5, 1.0, drawn.nnz)
    factors = _factored(drawn + 2.0 * n * sparse.eye_array(n), "NATURAL")
    whole = (factors.L + factors.U).tocsr()
    whole.eliminate_zeros()
    whole.sort_indices()
    column = whole.indices.astype(np.int64)
    row = np.repeat(np.arange(n), np.diff(whole.indptr))
    return Pattern(
        order.astype(np.int64), whole.indptr.astype(np.int64), column, np.flatnonzero(column == row)
    )


def _order(entries: sparse.csr_array) -> np.ndarray:
    """Rows in an order of little fill: multiple minimum degree on the pattern and its mirror image (SuperLU's)."""
    n = entries.shape[0]
    if n < 3:
        return np.arange(n)
    dominant = (entries + entries.T).astype(bool).astype(float) + 2.0 * n * sparse.eye_array(n)
    factors = _factored(dominant, "MMD_AT_PLUS_A")
    order: np.ndarray = np.argsort(factors.perm_c)
    return order


def _factored(dominant: sparse.sparray, order: str) -> SuperLU:
    """Factor a matrix whose diagonal dominates, along it; no column is treated as part of a wider one."""
    return splu(
        dominant.tocsc(),
        permc_spec=order,
        diag_pivot_thresh=0.0,
        relax=1,
        options={"SymmetricMode": True},
    )
