"""The scores that the report draws: one data set's scores by design and condition, and rows of drawings."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from crnsim.metrics.designs import Condition, Level, in_order

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from markupsafe import Markup


MOST_TOGETHER = 6


@dataclass(frozen=True)
class FigureRow:
    """Drawings side by side under one heading, with the caption they share."""

    heading: str
    drawings: list[Markup]
    caption: str = ""
    more: list[Markup] = field(default_factory=list)
    dense: bool = False
    legend: list[tuple[str, int, bool]] = field(default_factory=list)
    labels: Sequence[str] = ()


@dataclass(frozen=True)
class Scores:
    """The cell table of one data set, by design and condition; curves are drawn of `every` design or of the first."""

    labels: Sequence[str]
    series: dict[str, int]
    conditions: dict[str, dict[Condition, dict[str, Any]]]
    pairs: list[dict[str, Any]]
    every: bool = True

    @classmethod
    def of(
        cls,
        dataset: str,
        rows: Iterable[dict[str, Any]],
        pairs: Iterable[dict[str, Any]],
        labels: Sequence[str],
    ) -> Scores:
        """Pick one data set out of the tables of a robustness dataset."""
        conditions: dict[str, dict[Condition, dict[str, Any]]] = {}
        for row in rows:
            if row["dataset"] == dataset:
                conditions.setdefault(row["activation"], {})[condition_of(row)] = row
        present = [label for label in labels if label in conditions]
        mine = [row for row in pairs if row["dataset"] == dataset]
        return cls(present, {label: i for i, label in enumerate(labels)}, conditions, mine)

    def parts(self) -> list[tuple[str, Scores]]:
        """Return the designs in parts that one panel can hold, each with what it is called.

        Few designs stay together, without a name. Of many, those with a role come first.
        """
        if len(self.labels) <= MOST_TOGETHER:
            return [("", self)]
        roles = {label: next(iter(self.conditions[label].values()))["role"] for label in self.labels}
        found = []
        for name, labels in (
            ("designs of the verdict", [label for label in self.labels if roles[label]]),
            ("other designs", [label for label in self.labels if not roles[label]]),
        ):
            pieces = [labels[i : i + MOST_TOGETHER] for i in range(0, len(labels), MOST_TOGETHER)]
            for i, piece in enumerate(pieces):
                count = f" ({i + 1} of {len(pieces)})" if len(pieces) > 1 else ""
                found.append((name + count, replace(self, labels=piece)))
        return found

    def drawn(self) -> list[tuple[str, Scores]]:
        """Return the parts of which curves are drawn."""
        return self.parts() if self.every else self.parts()[:1]

    @property
    def swept(self) -> set[Condition]:
        """All conditions that some design was run under."""
        return {condition for of_design in self.conditions.values() for condition in of_design}

    @property
    def times(self) -> list[float]:
        """All running times, ascending."""
        return sorted({condition.running_time for condition in self.swept})

    @property
    def kinds(self) -> list[str]:
        """Kinds of noise that were run, crossed ones left out."""
        found = {condition.level.kind for condition in self.swept}
        return in_order(kind for kind in found - {"none"} if "+" not in kind)

    def levels(self, kind: str) -> list[Level]:
        """Return the noise levels of one axis, none first."""
        found = {condition.level for condition in self.swept if condition.level.kind in ("none", kind)}
        return sorted(found, key=lambda level: level.magnitude)


def condition_of(row: dict[str, Any]) -> Condition:
    """Return the condition that a row of a robustness table is about."""
    kind = row["noise_kind"]
    magnitudes = () if kind == "none" else tuple(row[f"noise_{name}"] for name in kind.split("+"))
    return Condition(row["running_time"], Level(kind, magnitudes))
