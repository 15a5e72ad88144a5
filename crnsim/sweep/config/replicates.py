"""How many replicates a cell has: a number, or more of them where a verdict is open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, create_model, field_validator

from crnsim.sweep.config.section import Section
from crnsim.sweep.config.values import Count

#: Where Pydantic says which of the two forms was written; no key of a file.
NUMBER, SETTINGS = "[number]", "[settings]"


class _Added(Section):
    """Replicates are added to cells whose verdict is open, and to no others."""

    @field_validator("from", mode="after", check_fields=False)
    @classmethod
    def _enough(cls, value: int) -> int:
        # Only here: the import takes most of a second.
        from crnsim.metrics.verdicts import ENOUGH_REPLICATES

        if value < ENOUGH_REPLICATES:
            raise ValueError(f"must be {ENOUGH_REPLICATES} or more: fewer paired replicates have no verdict")
        return value

    @field_validator("to", mode="after", check_fields=False)
    @classmethod
    def _more(cls, value: int, info: Any) -> int:
        first = info.data.get("from")
        if first is not None and value <= first:
            raise ValueError(f"must be more than from, {first}; or write replicates: {value}")
        return value


if TYPE_CHECKING:

    class AddedReplicates(_Added):
        """Replicates that are added where a verdict is open."""

        to: int
        until: str

else:
    AddedReplicates = create_model(
        "AddedReplicates",
        __base__=_Added,
        __doc__="Replicates of each cell at first, and at most of one whose verdict stays open: their number doubles "
        "from look to look (docs/robustness.md).",
        **{
            "from": (
                Count,
                Field(default=10, description="Replicates of every cell, and of the first look at them."),
            ),
            "to": (
                Count,
                Field(description="Replicates at the last look, of cells whose verdict is still open."),
            ),
            "until": (
                Literal["decided"],
                Field(
                    default="decided",
                    description="What ends it: the verdict is decided, or cannot be by more replicates. With `claims` "
                    "that is asked of losses, too.",
                ),
            ),
        },
    )


def _form(value: Any) -> str:
    return SETTINGS if isinstance(value, (dict, AddedReplicates)) else NUMBER


#: A number, or settings.
Replicates = Annotated[
    Annotated[Count, Tag(NUMBER)] | Annotated[AddedReplicates, Tag(SETTINGS)], Discriminator(_form)
]


def looks_of(replicates: int | AddedReplicates) -> tuple[int, ...]:
    """Return the replicates of a cell at each look: from the first number, doubled, to the last; of one there is one.

    The looks before the last do not depend on it, so that raising it leaves them as they are.
    """
    if isinstance(replicates, int):
        return (replicates,)
    counts = [int(getattr(replicates, "from"))]
    while counts[-1] < replicates.to:
        counts.append(min(2 * counts[-1], replicates.to))
    return tuple(counts)
