"""Linear combinations of concentrations that no reaction changes, by exact elimination."""

from __future__ import annotations

import math
from fractions import Fraction

from scipy import sparse


def integer_laws(stoichiometry: sparse.csr_array) -> list[dict[int, int]]:
    """Return a basis of the left null space of a stoichiometry matrix, in lowest integer terms.

    Parameters
    ----------
    stoichiometry : scipy.sparse.csr_array, shape (n_species, n_reactions)

    Returns
    -------
    list of dict
        Each law as coefficients by row, ascending.
    """
    n_species, n_reactions = stoichiometry.shape
    pivots: dict[int, dict[int, Fraction]] = {}
    columns = sparse.csc_array(stoichiometry)
    for r in range(n_reactions):
        block = slice(columns.indptr[r], columns.indptr[r + 1])
        pairs = zip(columns.indices[block], columns.data[block], strict=True)
        row = {int(i): Fraction(int(v)) for i, v in pairs if v}
        _eliminate(row, pivots)
    laws = []
    for i in (i for i in range(n_species) if i not in pivots):
        law = {i: Fraction(1)} | {p: -row[i] for p, row in pivots.items() if i in row}
        scale = math.lcm(*(v.denominator for v in law.values()))
        laws.append({j: int(v * scale) for j, v in sorted(law.items())})
    return laws


def _eliminate(row: dict[int, Fraction], pivots: dict[int, dict[int, Fraction]]) -> None:
    """Add `row` to a reduced row-echelon form kept as {pivot column: row with 1 there}."""
    for column in [c for c in row if c in pivots]:
        factor = row.pop(column, Fraction(0))
        if factor:
            _subtract(row, pivots[column], factor, skip=column)
    if not row:
        return
    pivot = min(row)
    scale = row[pivot]
    new = {c: v / scale for c, v in row.items()}
    for other in pivots.values():
        if pivot in other:
            factor = other.pop(pivot)
            _subtract(other, new, factor, skip=pivot)
    pivots[pivot] = new


def _subtract(row: dict[int, Fraction], other: dict[int, Fraction], factor: Fraction, *, skip: int) -> None:
    for column, value in other.items():
        if column == skip:
            continue
        difference = row.get(column, Fraction(0)) - factor * value
        if difference:
            row[column] = difference
        else:
            row.pop(column, None)
