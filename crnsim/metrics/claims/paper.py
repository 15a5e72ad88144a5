"""What a paper's claims are: the contract that each file of claims fulfils, built in or a user's own."""

from __future__ import annotations

import re
import string
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from crnsim.circuits.circuit import MODES
from crnsim.errors import InputError, suggest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from crnsim.metrics.designs import Design

#: Columns of a row that may stand in the words for where it was judged.
PLACE_COLUMNS = ("running_time", "magnitude", "stress", "dataset", "activation")
_DOI = re.compile(r"10\.\d{4,9}/\S+")


@dataclass(frozen=True)
class Claim:
    """One claim: what the paper says in our words, what decides about it here, and how a row of it is shown.

    Parameters
    ----------
    name : str
        Value of the column ``claim``.
    statement : str
        What the paper says, in one sentence.
    definition : str
        What is measured, and what supports or contradicts the claim; fixed before any data.
    measure : str
        What the two means are that each row compares, such as ``score``.
    digits : int
        Decimals with which the report writes them.
    place : str
        Where on the grid a row was judged, with names of columns in braces: ``time {running_time:g}``. Left empty,
        magnitude and running time are named.
    reference : str
        What the measure is compared with where that is no other design, such as ``itself without noise``.
    """

    name: str
    statement: str
    definition: str = ""
    measure: str = "score"
    digits: int = 2
    place: str = ""
    reference: str = ""

    def __post_init__(self) -> None:
        try:
            used = {name for _, name, _, _ in string.Formatter().parse(self.place) if name is not None}
            if used <= set(PLACE_COLUMNS):
                self.place.format(running_time=1.0, magnitude=1.0, stress="", dataset="", activation="")
        except ValueError as error:
            raise InputError(f"claim {self.name}: place is {self.place!r}: {error}") from None
        for name in sorted(used - set(PLACE_COLUMNS)):
            raise InputError(f"claim {self.name}: place names '{name}'; {suggest(name, PLACE_COLUMNS)}")


class Judge(Protocol):
    """How a paper's claims are judged."""

    def __call__(
        self, designs: Sequence[Design], verdicts: Sequence[dict[str, Any]]
    ) -> Iterable[dict[str, Any]]:
        """Yield the rows of all claims on one data set.

        Parameters
        ----------
        designs : sequence of Design
            All designs of one data set and circuit, at least one, each with scores.
        verdicts : sequence of dict
            Rows of the verdict table about them.

        Yields
        ------
        dict
            What `crnsim.metrics.claims.rows.judged_row` and `open_row` return.
        """


@dataclass(frozen=True)
class Paper:
    """A paper whose claims a sweep can be judged by.

    Parameters
    ----------
    name : str
        How tables name it: letters, digits and ``_``.
    citation : str
    doi : str
        Without address; empty where there is none.
    remark : str
        What a reader must know to read the verdicts rightly.
    mode : {"training", "inference"}
        The mode of the sweeps that it is about.
    claims : tuple of Claim
        In the order in which the report shows them.
    judge : Judge

    Raises
    ------
    InputError
        A value does not fit.
    """

    name: str
    citation: str
    doi: str
    remark: str
    mode: Literal["training", "inference"]
    claims: tuple[Claim, ...]
    judge: Judge

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise InputError(f"paper {self.name}: mode is {self.mode!r}; {suggest(self.mode, MODES)}")
        if self.doi and not _DOI.fullmatch(self.doi):
            raise InputError(
                f"paper {self.name}: doi is {self.doi!r}; it must be as 10.1098/rsif.2021.0031, or ''"
            )
        names = [claim.name for claim in self.claims]
        if not names or len(set(names)) < len(names):
            raise InputError(
                f"paper {self.name}: claims {names}; give at least one, and each a name of its own"
            )
