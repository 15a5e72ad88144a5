"""Sparse elimination without pivoting: an order that keeps factors sparse, and where they have entries.

Kinetics is kind to it: matrices ``1 - step J`` of mass action can be factored along the diagonal as long as a step
resolves what grows (Sandu et al., Atmos. Environ. 31, 3459 (1997), doi 10.1016/S1352-2310(97)83212-8).
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heapify, heappop, heappush

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu


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
    permuted = entries[order][:, order].tocsr()
    whole: list[list[int]] = []
    upper: list[list[int]] = []
    for i in range(n):
        # Each row above that has an entry here adds its own right of the diagonal; they may name rows above in turn.
        found = set(permuted.indices[permuted.indptr[i] : permuted.indptr[i + 1]].tolist())
        above = [j for j in found if j < i]
        heapify(above)
        while above:
            for j in upper[heappop(above)]:
                if j not in found:
                    found.add(j)
                    if j < i:
                        heappush(above, j)
        whole.append(sorted(found))
        upper.append([j for j in whole[-1] if j > i])
    start = np.concatenate([[0], np.cumsum([len(row) for row in whole])]).astype(np.int64)
    column = np.array([j for row in whole for j in row], dtype=np.int64)
    on_diagonal = np.array([start[i] + row.index(i) for i, row in enumerate(whole)], dtype=np.int64)
    return Pattern(order.astype(np.int64), start, column, on_diagonal)


def _order(entries: sparse.csr_array) -> np.ndarray:
    """Rows in an order of little fill: multiple minimum degree on the pattern and its mirror image (SuperLU's)."""
    n = entries.shape[0]
    if n < 3:
        return np.arange(n)
    dominant = (entries + entries.T).astype(bool).astype(float) + 2.0 * n * sparse.eye_array(n)
    factors = splu(
        dominant.tocsc(),
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0.0,
        options={"SymmetricMode": True},
    )
    order: np.ndarray = np.argsort(factors.perm_c)
    return order
