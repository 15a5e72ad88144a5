"""Claims of papers, judged for the circuits of a sweep by definitions that were fixed before any data."""

from __future__ import annotations

from crnsim.metrics.claims.paper import PLACE_COLUMNS, Claim, Paper
from crnsim.metrics.claims.papers import PAPERS, claim_rows, paper, source_hash
from crnsim.metrics.claims.rows import (
    CONTRADICTED,
    NO_STRESS,
    OPEN,
    SUPPORTED,
    judged_row,
    open_row,
    paired_difference,
)

__all__ = [
    "CONTRADICTED",
    "NO_STRESS",
    "OPEN",
    "PAPERS",
    "PLACE_COLUMNS",
    "SUPPORTED",
    "Claim",
    "Paper",
    "claim_rows",
    "judged_row",
    "open_row",
    "paired_difference",
    "paper",
    "source_hash",
]
