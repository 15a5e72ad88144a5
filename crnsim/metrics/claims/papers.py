"""Papers by name, and the claim table of a sweep that names one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crnsim.errors import InputError, suggest
from crnsim.metrics.claims.anderson2021 import ANDERSON
from crnsim.metrics.claims.fan2023 import FAN
from crnsim.metrics.claims.kang2025 import KANG
from crnsim.metrics.claims.paper import Paper
from crnsim.metrics.claims.rows import CONTRADICTED, OPEN, SUPPORTED
from crnsim.metrics.tables import COLUMNS
from crnsim.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from crnsim.metrics.designs import Design

#: Group of entry points under which an installed package offers papers.
ENTRY_POINTS = "crnsim.papers"


def _checked(name: str, found: Any) -> Paper:
    if not isinstance(found, Paper):
        raise InputError(f"paper {name}: it is no crnsim.metrics.claims.Paper but a {type(found).__name__}")
    return found


_REGISTRY: Registry[Paper] = Registry("paper", ENTRY_POINTS, (KANG, ANDERSON, FAN), _checked)
#: Every built-in paper by the name that a sweep file gives under `claims`.
PAPERS = _REGISTRY.built_in


def paper(name: str) -> Paper:
    """Return a paper.

    Parameters
    ----------
    name : str
        A key of `PAPERS`; the name of an entry point in the group ``crnsim.papers`` of an installed package; or
        ``module:NAME``, where the module is imported with the current working directory on ``sys.path``.

    Raises
    ------
    InputError
        There is none, its module cannot be imported, or it is no `Paper`.
    """
    return _REGISTRY.find(name)


def source_hash(name: str) -> str:
    """Return a hash of the file that defines a paper; empty for those built in."""
    return _REGISTRY.source_hash(name)


def claim_rows(
    judging: Paper, designs: Sequence[Design], verdicts: Sequence[dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    """Yield the rows of the claim table: for each data set, those of the paper's claims.

    Parameters
    ----------
    judging : Paper
    designs : sequence of Design
        All designs of the sweep.
    verdicts : sequence of dict
        Rows of the verdict table, marked by `crnsim.metrics.verdicts.mark_best`.

    Yields
    ------
    dict
        ``verdict`` is supported, contradicted or open, ``reason`` says why it is open or what limits it,
        ``difference`` with its 95 % interval is what was compared with ``limit``.

    Raises
    ------
    InputError
        The paper gave a row that is none of this table.
    """
    designs = [design for design in designs if design.scores]
    for key in dict.fromkeys((design.dataset, design.circuit) for design in designs):
        here = [design for design in designs if (design.dataset, design.circuit) == key]
        about = [row for row in verdicts if (row["dataset"], row["circuit"]) == key]
        with _REGISTRY.code_of(judging.name):
            judged = list(judging.judge(here, about))
        for row in judged:
            yield _whole(judging, row | {"paper": judging.name})


def _whole(judging: Paper, row: dict[str, Any]) -> dict[str, Any]:
    """Return a row that has what the claim table holds; a paper from a user's file may have forgotten something."""
    what = f"paper {judging.name}: a row of the claim {row.get('claim')!r}"
    known = [claim.name for claim in judging.claims]
    if row.get("claim") not in known:
        raise InputError(f"{what}, which it does not list; {suggest(str(row.get('claim')), known)}")
    wrong = sorted(set(COLUMNS["claim"]) ^ row.keys())
    if wrong:
        raise InputError(f"{what} lacks or adds {', '.join(wrong)}; judged_row and open_row make whole ones")
    if row["verdict"] not in (SUPPORTED, CONTRADICTED, OPEN):
        raise InputError(
            f"{what} has the verdict {row['verdict']!r}; write {SUPPORTED}, {CONTRADICTED} or {OPEN}"
        )
    return row
