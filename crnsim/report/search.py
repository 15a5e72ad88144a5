"""The page of a search over designs: the front, how it was reached, what decides, and what fresh seeds say."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import optuna
import yaml

from crnsim import __version__
from crnsim.provenance import code_hash, libraries
from crnsim.report.page import environment
from crnsim.report.search_figures import front_figures, parameter_figures, progress_figures
from crnsim.search.candidates import INFEASIBLE, Candidate, confirmation_seed, search_seed
from crnsim.search.importance import FEWEST
from crnsim.search.model import CRITICAL, SCORE
from crnsim.search.outputs import level_name
from crnsim.search.space import plain_name
from crnsim.wording import number, short, signed, span

if TYPE_CHECKING:
    from crnsim.search.confirm import Confirmed, Row
    from crnsim.search.goals import Goal
    from crnsim.search.read import Search
    from crnsim.search.run import Found

#: Candidates that are listed; of more, those on the front and the best by the first objective.
MOST_LISTED = 300


def render_search(found: Found, confirmed: Confirmed, importances: Mapping[str, Mapping[str, float]]) -> str:
    """Return the page of a search as HTML that loads nothing from elsewhere and needs no JavaScript.

    Parameters
    ----------
    found : Found
    confirmed : Confirmed
    importances : mapping
        Of each parameter, by objective; see `crnsim.search.importance.importances`.
    """
    search = found.search
    levels = [level_name(search, level) for level in range(len(search.levels))]
    spent = found.core_seconds[-1][1] if found.core_seconds else 0.0
    context = {
        "title": search.file.title or f"Search {search.file.name}",
        "name": search.file.name,
        "n": len(found.candidates),
        "states": _counts(found),
        "core_seconds": spent,
        "ended": found.ended,
        "goals": [goal.name for goal in search.goals],
        "directions": ["largest" if goal.sign > 0 else "smallest" for goal in search.goals],
        "said": _said(confirmed, search),
        "front": front_figures(found, confirmed),
        "n_front": len(found.front()),
        "progress": progress_figures(found),
        "by_parameter": parameter_figures(found),
        "importances": [
            (goal, [(plain_name(name), share) for name, share in shares.items()])
            for goal, shares in importances.items()
        ],
        "fewest": FEWEST,
        "levels": levels,
        "replicates": confirmed.replicates,
        "confidence": f"{100 * confirmed.confidence:g} %",
        "confirmed": _confirmed_rows(found, confirmed),
        "parameters": [plain_name(name) for name in search.parameters],
        "designs": _design_rows(search, confirmed),
        "rows": _listed(found),
        "left_out": max(0, len(found.candidates) - MOST_LISTED),
        "infeasible": _reasons(found),
        "rungs": search.file.rungs(),
        "race": search.file.replicates,
        "sampler": "TPE" if search.file.sampler == "tpe" else "NSGA-II",
        "batch": search.file.batch,
        "provenance": [
            ("crnsim", f"{__version__}, code {code_hash()}"),
            ("Optuna", optuna.__version__),
            ("libraries", libraries()),
            ("seed of the search", str(search_seed(search.file.seed))),
            ("seed of the confirmation", str(confirmation_seed(search.file.seed))),
        ],
        "config": _config(search),
    }
    return environment().get_template("search.html.j2").render(context)


def _counts(found: Found) -> dict[str, int]:
    counts: dict[str, int] = {}
    for one in found.candidates:
        counts[one.state] = counts.get(one.state, 0) + 1
    return counts


def _config(search: Search) -> str:
    data = search.file.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=88)


def _said(confirmed: Confirmed, search: Search) -> list[str]:
    """Return what fresh seeds say of the best design, sentence by sentence."""
    if not confirmed.best:
        return ["No design was found."]
    best = confirmed.best[0]
    if best is confirmed.start:
        return ["No better design was found than the one that the search began with."]
    rows, first = confirmed.of(best.number), confirmed.of(confirmed.start.number)
    asked = {level for goal in search.goals for level in goal.levels} or {row.level for row in rows}
    return [
        f"{level_name(search, row.level)}: design 1 scores {number(row.score, 3)}, the design that the search began "
        f"with {number(before.score, 3)}; the difference is {signed(row.difference, 3)} "
        f"({span(row.difference_low, row.difference_high, sign=True, digits=3)}): {_verdict(row)}."
        for row, before in zip(rows, first, strict=True)
        if row.level in asked
    ]


def _verdict(row: Row) -> str:
    if row.difference_low > 0:
        return "better"
    return "worse" if row.difference_high < 0 else "no difference shown"


def _confirmed_rows(found: Found, confirmed: Confirmed) -> list[dict[str, Any]]:
    """Return a row for each design: its score, interval and difference under each level of noise."""
    named = [("begun with", confirmed.start)]
    named += [(f"design {place}", one) for place, one in enumerate(confirmed.best, 1)]
    return [
        {
            "name": name,
            "candidate": one.number,
            "cells": [
                {
                    "score": number(row.score, 3),
                    "range": span(row.low, row.high, digits=3),
                    "difference": signed(row.difference, 3) if one is not confirmed.start else "",
                    "difference_range": span(row.difference_low, row.difference_high, sign=True, digits=3),
                    "verdict": _verdict(row) if one is not confirmed.start else "",
                    "failed": row.failed,
                }
                for row in confirmed.of(one.number)
            ],
            "seen": [_value(goal, value) for goal, value in _told(found.search, one)],
        }
        for name, one in named
    ]


def _told(search: Search, one: Candidate) -> list[tuple[Goal, float]]:
    return list(zip(search.goals, one.values_told(), strict=True))


def _value(goal: Goal, value: float) -> str:
    return number(value, 3) if goal.what in (SCORE, CRITICAL) else f"{value:,.6g}"


def _design_rows(search: Search, confirmed: Confirmed) -> list[tuple[str, list[str]]]:
    """Return a row for each parameter: its value in the first design and in the best ones."""
    designs = [confirmed.start, *confirmed.best]
    return [
        (plain_name(name), [_text(one.values.get(name)) for one in designs]) for name in search.parameters
    ]


def _text(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, tuple):
        return "-".join(map(str, value))
    return short(value) if type(value) in (int, float) else str(value)


def _listed(found: Found) -> list[dict[str, Any]]:
    """Return the candidates that are listed: those on the front first, then by the first objective."""
    front = {one.number for one in found.front()}
    there = [one for one in found.candidates if one.state != INFEASIBLE]
    ordered = sorted(there, key=lambda one: (one.number not in front, -one.standings()[0], one.number))
    return [
        {
            "number": one.number,
            "front": one.number in front,
            "state": one.state if one.beaten_by < 0 else f"{one.state}, beaten by {one.beaten_by}",
            "replicates": one.replicates,
            "values": [_text(one.values.get(name)) for name in found.search.parameters],
            "told": [_value(goal, value) for goal, value in _told(found.search, one)],
            "failed": one.failed,
        }
        for one in itertools.islice(ordered, MOST_LISTED)
    ]


def _reasons(found: Found) -> Sequence[tuple[str, int]]:
    """Return why candidates could not be built, and how many of each."""
    counts: dict[str, int] = {}
    for one in found.candidates:
        if one.state == INFEASIBLE:
            counts[one.reason] = counts.get(one.reason, 0) + 1
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
