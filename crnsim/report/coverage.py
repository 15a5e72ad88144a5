"""What was planned and what is there: coverage by condition, failed runs with their commands, cost by group."""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from crnsim import wording
from crnsim.errors import InputError
from crnsim.experiment.command import command
from crnsim.metrics.designs import Condition, Level, condition_order, outcome_names, point_conditions
from crnsim.noise.kinds import KINDS
from crnsim.outcomes import OFTEN_AT_ZERO, OUTCOMES
from crnsim.report import titles
from crnsim.store.attributes import layers_of
from crnsim.sweep.config.of_network import CIRCUIT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import xarray as xr

    from crnsim.sweep.plan.groups import Group
    from crnsim.sweep.plan.plan_file import GroupEntry, PlanFile
    from crnsim.sweep.run.chunk_files import Account

MOST_FAILURES = 20
#: What the page calls runs that are planned and not there; the outcomes are those of runs that are.
MISSING = "missing"


@dataclass(frozen=True)
class GroupData:
    """One planned (data set, circuit, activation) with its summary, if there is one yet."""

    entry: GroupEntry
    laid_out: Group | None
    summary: xr.Dataset | None
    conditions: list[Condition]
    outcomes: np.ndarray

    @property
    def name(self) -> str:
        """Data set and design as they are written in tables."""
        return f"{titles.dataset_title(self.entry.dataset)}, {self.entry.label}"

    def count(self, outcome: str, condition: Condition | None = None) -> int:
        """Return how many runs, under one condition or under all, ended so."""
        here = np.array([condition in (None, c) for c in self.conditions], dtype=bool)
        return int(((self.outcomes == outcome) & here).sum())


def gather(plan: PlanFile, summaries: Sequence[xr.Dataset]) -> list[GroupData]:
    """Match the groups of a plan with their summaries, in the order of the plan."""
    found = {
        tuple(str(s.attrs.get(name, "")) for name in ("dataset", "circuit", "activation_label")): s
        for s in summaries
    }
    laid_out = lay_out(plan)
    result = []
    for entry in plan.groups:
        group = laid_out.get((entry.dataset, entry.label))
        summary = found.get((entry.dataset, entry.circuit, entry.label))
        conditions = point_conditions(summary) if summary is not None else []
        outcomes = outcome_names(summary) if summary is not None else np.array([], dtype=object)
        result.append(GroupData(entry, group, summary, conditions, outcomes))
    return result


def lay_out(plan: PlanFile) -> dict[tuple[str, str], Group]:
    """Return the groups of a plan by data set and activation label, with their conditions and points.

    Empty where the configuration is not one that this version reads; the page then counts what is there.
    """
    from crnsim.sweep.config.model import Sweep
    from crnsim.sweep.config.resolve import resolve
    from crnsim.sweep.plan.groups import groups

    try:
        return {
            (group.dataset, group.label): group
            for group in groups(resolve(Sweep.model_validate(plan.config)))
        }
    except (InputError, ValueError, KeyError):
        return {}


def planned_conditions(group: Group) -> list[Condition]:
    """Return the conditions of the cells of a laid out group."""
    return [
        Condition(
            float(cell.running_time),
            Level(cell.noise.kind, tuple(cell.noise.magnitudes[kind.name] for kind in cell.noise.acting)),
        )
        for cell in group.cells
    ]


def coverage_rows(groups: Sequence[GroupData]) -> list[dict[str, Any]]:
    """Return a row per condition: runs expected and present, and how each ended."""
    rows = []
    for group in groups:
        there = sorted(set(group.conditions), key=condition_order)
        conditions = planned_conditions(group.laid_out) if group.laid_out else there
        expected = _expected(group, conditions)
        for condition in dict.fromkeys([*conditions, *there]):
            counts = {outcome: group.count(outcome, condition) for outcome in OUTCOMES}
            present = sum(counts.values())
            due = expected.get(condition, 0)
            rows.append(
                {
                    "group": group.name,
                    "condition": condition,
                    "level": titles.level_name(condition.level),
                    "expected": due,
                }
                | {"present": present, MISSING: max(due - present, 0), **counts}
            )
    return rows


def _expected(group: GroupData, conditions: Sequence[Condition]) -> dict[Condition, int]:
    """Return how many runs the chunks of a plan give each condition."""
    entry = group.entry
    if group.laid_out is None or not entry.looks:
        return dict.fromkeys(conditions, entry.n_points // max(len(conditions), 1))
    counts = dict.fromkeys(conditions, 0)
    for chunk in entry.chunks:
        for condition in conditions[slice(*chunk.cells)]:
            counts[condition] += chunk.replicates[1] - chunk.replicates[0]
    return counts


def coverage_totals(groups: Sequence[GroupData]) -> list[dict[str, Any]]:
    """Return a row per group: runs expected and present, and how each ended."""
    rows = []
    for group in groups:
        counts = {outcome: group.count(outcome) for outcome in OUTCOMES}
        present, expected = sum(counts.values()), group.entry.n_points
        rows.append(
            {"group": group.name, "expected": expected, "present": present}
            | {MISSING: max(expected - present, 0), **counts}
        )
    return rows


def often_at_zero(summaries: Sequence[xr.Dataset]) -> str:
    """Say how many runs often met zero by a method that is biased there; nothing if there are none."""
    often, total = 0, 0
    for summary in summaries:
        if "contacts" in summary:
            often += int(np.sum(summary["contacts"].values > OFTEN_AT_ZERO * summary["steps"].values))
            total += summary.sizes["point"]
    if not often:
        return ""
    return (
        f"In {wording.plural(often, 'run')} of {total:,} a species would have fallen below zero in more than "
        f"{100 * OFTEN_AT_ZERO:g} % of the steps, where the chemical Langevin equation (cle) is biased; method hybrid "
        "is right there."
    )


@dataclass(frozen=True)
class Failure:
    """One run that did not end ok, and the command that repeats it."""

    outcome: str
    where: str
    reason: str
    command: str

    @property
    def lines(self) -> list[str]:
        """The command in pieces that should not be broken, an option each."""
        return re.split(r" (?=--)", self.command)


def failures(groups: Sequence[GroupData]) -> tuple[dict[str, int], list[Failure]]:
    """Count the runs that did not end ok, and pick examples of every outcome and group.

    Returns
    -------
    counts : dict of str to int
        Number of runs by outcome, those that occur only.
    examples : list of Failure
        At most `MOST_FAILURES`, taken in turn from every (outcome, group).
    """
    found = [
        (group, index)
        for outcome in OUTCOMES[1:]
        for group in groups
        for index in np.flatnonzero(group.outcomes == outcome).tolist()
    ]
    counts = Counter(str(group.outcomes[index]) for group, index in found)
    chosen = in_turn(found, lambda one: str(one[0].outcomes[one[1]]))[:MOST_FAILURES]
    examples = [_failure(group, index) for group, index in chosen]
    examples.sort(key=lambda failure: OUTCOMES.index(failure.outcome))
    return dict(counts), examples


#: A run: its group, and its place among those of the group.
OneRun = tuple[GroupData, int]


def apart(runs: Sequence[OneRun]) -> list[OneRun]:
    """Return runs that differ: replicates of a network without noise are one run, and the first stands for all."""
    found: dict[Any, OneRun] = {}
    for group, index in runs:
        condition = group.conditions[index]
        alike = group.entry.circuit == CIRCUIT and condition.level.kind == "none"
        found.setdefault((group.name, condition, "" if alike else index), (group, index))
    return list(found.values())


def in_turn(runs: Sequence[OneRun], kind: Callable[[OneRun], str]) -> list[OneRun]:
    """Return runs of every kind and design in turn, and of a design those of every condition in turn."""
    trees: dict[Any, dict[Condition, list[OneRun]]] = {}
    for one in apart(runs):
        group, index = one
        by_condition = trees.setdefault((kind(one), group.name), {})
        by_condition.setdefault(group.conditions[index], []).append(one)
    return _taken([_taken(list(by_condition.values())) for by_condition in trees.values()])


def _taken(queues: list[list[OneRun]]) -> list[OneRun]:
    """The first of each list, then the second of each."""
    return [one for turn in itertools.zip_longest(*queues) for one in turn if one is not None]


def _failure(group: GroupData, index: int) -> Failure:
    assert group.summary is not None
    return Failure(
        outcome=str(group.outcomes[index]),
        where=place_of(group, index),
        reason=str(group.summary["reason"].values[index]),
        command=repeat_command(group, index),
    )


def place_of(group: GroupData, index: int) -> str:
    """Return which run one of a group is, in words."""
    assert group.summary is not None
    condition, replicate = group.conditions[index], int(group.summary["replicate"].values[index])
    level = titles.level_name(condition.level)
    return f"{group.name}, running time {condition.running_time:g}, {level}, replicate {replicate}"


def repeat_command(group: GroupData, index: int, row: int = 0) -> str:
    """Return the command that computes one run of a group again; of a network, that of its input number `row`."""
    values, summary = _values(group, index), group.summary
    assert summary is not None
    match = re.match(r"input (\d+): ", str(summary["reason"].values[index]))
    if row or match:
        values["input"] = row or int(match[1] if match else 1)
    return command(values)


def _values(group: GroupData, index: int) -> dict[str, Any]:
    """Return what determines a run: from the plan where it lays out, else from its summary."""
    summary, condition = group.summary, group.conditions[index]
    assert summary is not None
    replicate = int(summary["replicate"].values[index])
    if group.laid_out and condition in (planned := planned_conditions(group.laid_out)):
        return group.laid_out.point(planned.index(condition), replicate).to_dict()
    entry, attrs = group.entry, summary.attrs
    return {
        "dataset": entry.dataset,
        "circuit": entry.circuit,
        "activation": entry.activation,
        "activation_parameters": entry.activation_parameters,
        "layers": layers_of(summary),
        "running_time": condition.running_time,
        "epochs": int(attrs.get("epochs", summary.sizes.get("epoch", 0))),
        "learning_rate": attrs.get("learning_rate", entry.learning_rate),
        "circuit_parameters": {},
        "noise": {kind: condition.level.of(kind) for kind in KINDS},
        "replicate": replicate,
        "seed": int(summary["seed"].values[index]),
    }


def cost_rows(groups: Sequence[GroupData], accounts: Sequence[Account]) -> list[dict[str, Any]]:
    """Return a row per group and one for the whole: chunks, runs computed and reused, core seconds."""
    by_key = {account.key: account for account in accounts}
    rows, known = [], set()
    for group in groups:
        keys = [chunk.key for chunk in group.entry.chunks if chunk.key in by_key]
        known |= set(keys)
        rows.append(_cost(group.name, [by_key[key] for key in keys]))
    others = [account for account in accounts if account.key not in known]
    if others:
        rows.append(_cost("chunks that name no group", others))
    return [*rows, _cost("all", accounts)] if accounts else []


def _cost(name: str, accounts: Sequence[Account]) -> dict[str, Any]:
    computed = sum(account.computed for account in accounts)
    core = sum(account.seconds_core for account in accounts)
    return {
        "group": name,
        "chunks": len(accounts),
        "computed": computed,
        "reused": sum(account.reused for account in accounts),
        "core": core,
        "wall": sum(account.seconds_wall for account in accounts),
        "each": core / computed if computed else math.nan,
    }
