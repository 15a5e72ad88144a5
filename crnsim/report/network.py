"""What the page says of a network of the user's own: what it is, what counts as right, and how it held up."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from crnsim import wording
from crnsim.errors import InputError
from crnsim.experiment.observables import kind_of
from crnsim.metrics.designs import point_conditions
from crnsim.network.picture import picture_size
from crnsim.network.text import MOST_KEPT, crn_text
from crnsim.outcomes import OK, OUTCOMES
from crnsim.report import coverage, titles
from crnsim.report.coverage import Failure
from crnsim.report.figures import drawing_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import xarray as xr
    from markupsafe import Markup

    from crnsim.network import Network
    from crnsim.report.coverage import GroupData
    from crnsim.sweep.plan.plan_file import PlanFile

#: Inputs and observables that are listed, at most.
_MOST_ROWS = 50
#: Runs that were not right that are listed, and what is said of each, at most.
_MOST_WRONG, _MOST_SAID = 10, 4
#: Characters of a network that are shown.
_MOST_TEXT = 20_000


def network_section(
    plan: PlanFile,
    summaries: Sequence[xr.Dataset],
    tables: dict[str, list[dict[str, Any]]],
    groups: Sequence[GroupData],
) -> dict[str, Any] | None:
    """Return what the page shows of a network of the user's own; None for a sweep of circuits."""
    if plan.config.get("network") is None:
        return None
    network = next((found for summary in summaries if (found := _network(summary)) is not None), None)
    given = plan.config.get("observables", {})
    return {
        "reference": str(plan.config["network"]),
        "answers": [_answer(group, tables) for group in groups],
        "observables": [(name, _in_words(one)) for name, one in list(given.items())[:_MOST_ROWS]],
        "inputs": _inputs(plan.config.get("inputs")),
        "initial": _concentrations(plan.config.get("initial") or {}),
        "counts": f"{network.n_species} species, {network.n_reactions} reactions"
        if network is not None
        else "",
        "picture": _picture(network),
        "latex": network.to_latex()[:_MOST_TEXT] if network is not None else "",
        "text": _text(network, plan.config.get("parameters")),
        "shares": _shares(summaries),
        "warned": _warned(summaries),
        "wrong": _wrong_runs(groups, given),
    }


def _network(summary: xr.Dataset) -> Network | None:
    from crnsim.network.reader import read_crn

    text = summary.attrs.get("network_text", "")
    try:
        short = isinstance(text, str) and "\n" in text and len(text) <= MOST_KEPT
        network = read_crn(text) if short else None
        if network is not None:
            network.rate_constants()
        return network
    except InputError:
        return None


def _text(network: Network | None, swept: Any) -> str:
    """The reactions as text, with what is swept, which stands in it with the value of the file."""
    if network is None:
        return ""
    listed = swept.items() if isinstance(swept, dict) else ()
    remarks = [f"swept: {name} {json.dumps(values)}"[:500] for name, values in listed]
    return crn_text(network, remarks=remarks)[:_MOST_TEXT]


def _picture(network: Network | None) -> Markup | None:
    if network is None:
        return None
    try:
        described = f"Species and reactions: {repr(network)[1:-1]}"
        return drawing_of(network.draw, picture_size(network), "The network", described)
    except InputError:  # too large to be drawn
        return None


def _answer(group: GroupData, tables: dict[str, list[dict[str, Any]]]) -> tuple[str, str]:
    """Name of a design, and a sentence about it."""
    entry = group.entry

    def mine(table: str) -> list[dict[str, Any]]:
        return [r for r in tables[table] if (r["dataset"], r["activation"]) == (entry.dataset, entry.label)]

    longest = max(entry.running_times)
    quiet = [r for r in mine("cell") if r["noise_kind"] == "none" and r["running_time"] == longest]
    if not quiet:
        return entry.label, "has no run without noise yet."
    score = quiet[0]["score"]
    said = f"without noise it is right in {_percent(score)} of what is asked, at running time {longest:g}"
    parts = _in_haste(mine("cell"), longest)
    for row in (r for r in mine("curve") if r["running_time"] == longest):
        noise = titles.stress_name(row["noise_kind"])
        worst = min(
            (
                r
                for r in mine("cell")
                if r["running_time"] == longest and r["noise_kind"] == row["noise_kind"]
            ),
            key=lambda r: -float(r["magnitude"]),
        )
        at = f"{_percent(worst['score'])} ({_percent(worst['score_low'])} to {_percent(worst['score_high'])})"
        said_of = f"under {noise} of {titles.magnitude_name(row['noise_kind'], worst['magnitude'])} in {at}"
        if score > 0 and math.isfinite(row["critical_magnitude"]):
            critical = titles.critical_name(row["critical_magnitude"], worst["magnitude"], row["noise_kind"])
            said_of += f", and half is lost at {critical}"
        parts.append(said_of)
    return entry.label, f"{said}{'; ' if parts else ''}{'; '.join(parts)}."


def _in_haste(cells: list[dict[str, Any]], longest: float) -> list[str]:
    """Say how often it is right at the shortest running time, and from which one on as often as at the longest."""
    scores = {r["running_time"]: r["score"] for r in cells if r["noise_kind"] == "none"}
    earlier = sorted((time for time in scores if time < longest), reverse=True)
    if not earlier:
        return []
    same = [time for time in earlier if all(scores[t] >= scores[longest] for t in earlier if t >= time)]
    shortest = earlier[-1]
    if same and same[-1] == shortest:
        return [f"no less at {shortest:g}, the shortest"]
    said = f"in {_percent(scores[shortest])} at {shortest:g}, the shortest"
    return [f"{said}, and no less than at {longest:g} from {same[-1]:g} on" if same else said]


def _percent(share: float) -> str:
    return "–" if math.isnan(share) else f"{100 * share:.3g} %"


def _in_words(given: dict[str, Any]) -> str:
    """An observable as its keys and values."""
    try:
        kind = kind_of(given).title
    except InputError:
        kind = ""
    listed = ", ".join(f"{key} {json.dumps(value, ensure_ascii=False)}" for key, value in given.items())
    return f"{kind}: {listed}"[:500]


def _concentrations(given: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in given.items() if isinstance(value, (int, float)))


def _inputs(given: list[dict[str, Any]] | None) -> list[tuple[str, str]]:
    """Rows of inputs: concentrations, and what is right."""
    rows = []
    for row in (given or [])[:_MOST_ROWS]:
        expect = row.get("expect") or {}
        right = (
            ", ".join(f"{name} {value}" for name, value in expect.items()) if isinstance(expect, dict) else ""
        )
        rows.append((_concentrations({k: v for k, v in row.items() if k != "expect"}), right))
    return rows


def _shares(summaries: Sequence[xr.Dataset]) -> list[dict[str, Any]]:
    """Share that is right, by design and observable, without noise and at the largest magnitude of each kind."""
    rows = []
    for summary in summaries:
        if "right" not in summary or not summary.sizes["point"]:
            continue
        conditions = point_conditions(summary)
        longest = max(condition.running_time for condition in conditions)
        here = [c for c in dict.fromkeys(conditions) if c.running_time == longest]
        for number, name in enumerate(summary["target"].values.tolist()):
            right = summary["right"].values[:, :, number].mean(axis=1)
            cells = []
            for kind in dict.fromkeys(c.level.kind for c in here):
                strongest = max((c for c in here if c.level.kind == kind), key=lambda c: c.level.magnitudes)
                mask = np.array([c == strongest for c in conditions])
                cells.append((titles.level_name(strongest.level), float(right[mask].mean())))
            rows.append(
                {
                    "label": str(summary.attrs.get("activation_label", "")),
                    "observable": str(name),
                    "cells": [(level, _percent(share)) for level, share in cells],
                }
            )
    return rows[:_MOST_ROWS]


@dataclass(frozen=True)
class _Wrong:
    """Runs that ended ok and were not right: how many, and examples, of every design and condition in turn."""

    count: int
    examples: list[Failure]


def _wrong_runs(groups: Sequence[GroupData], given: dict[str, Any]) -> _Wrong:
    found = [
        (group, index)
        for group in groups
        if group.summary is not None and "right" in group.summary
        for index in np.flatnonzero(
            (group.outcomes == OUTCOMES[OK]) & _not_right(group.summary, given).any(axis=(1, 2))
        ).tolist()
    ]
    examples = [
        _wrong(group, index, given) for group, index in coverage.in_turn(found, lambda _: "")[:_MOST_WRONG]
    ]
    return _Wrong(len(coverage.apart(found)), examples)


def _not_right(summary: xr.Dataset, given: dict[str, Any]) -> np.ndarray:
    """What is not right, shape (points, inputs, observables); a function's share is where it is below a half."""
    shares = summary["right"].values
    names = summary["target"].values.tolist()
    least = [0.5 if "function" in (given.get(str(name)) or {}) else 1.0 for name in names]
    found: np.ndarray = shares < np.array(least)
    return found


def _wrong(group: GroupData, index: int, observables: dict[str, Any]) -> Failure:
    """What is not right in a run, and the command that shows the run."""
    summary = group.summary
    assert summary is not None
    rows, columns = np.nonzero(_not_right(summary, observables)[index])
    several, said = summary.sizes["sample"] > 1, []
    for row, column in list(zip(rows.tolist(), columns.tolist(), strict=True))[:_MOST_SAID]:
        name = str(summary["target"].values[column])
        found, wanted = (float(summary[which].values[index, row, column]) for which in ("output", "expected"))
        said.append(
            f"{f'input {row + 1}: ' if several else ''}{name} {_fault(observables.get(name), found, wanted)}"
        )
    more = f"; and {wording.plural(len(rows) - _MOST_SAID, 'other')}" if len(rows) > _MOST_SAID else ""
    first = observables.get(str(summary["target"].values[int(columns[0])]))
    return Failure(
        outcome="wrong",
        where=coverage.place_of(group, index),
        reason=f"{'; '.join(said)}{more}",
        command=coverage.repeat_command(group, index, int(rows[0]) + 1 if several else 0) + _look(first),
    )


def _fault(given: Any, measured: float, expected: float) -> str:
    try:
        return kind_of(given).fault(given, measured, expected)
    except InputError:
        return f"is {measured:.4g}, not {expected:.4g}"


def _look(given: Any) -> str:
    """What a command needs so that one sees more than the end of a run, where that is not what was looked at."""
    return (
        ""
        if isinstance(given, dict)
        and ("highest" in given or "value" in given)
        and not (given.keys() & {"at", "band", "period"})
        else " --plot run.png"
    )


def _warned(summaries: Sequence[xr.Dataset]) -> str:
    """Say how many runs have a large estimated error."""
    errors = [summary["error"].values for summary in summaries if "error" in summary]
    values = np.concatenate(errors) if errors else np.zeros(0)
    large = values[values > 8.0]
    if not len(large):
        return ""
    finite = bool(np.isfinite(large.max()))
    most = f"{large.max():.2g}" if finite else "more than all"
    rtol = max(float(summary.attrs["rtol"]) for summary in summaries)
    amount = f", some {large.max() * rtol:.1g} of a concentration" if finite else ""
    return (
        f"In {wording.plural(len(large), 'run')} of {len(values):,} the estimated error of concentrations is more than "
        f"8 tolerances, at most {most}{amount}: such a network enlarges errors, and a smaller rtol tells whether an "
        "answer hangs on it."
    )
