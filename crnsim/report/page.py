"""The page itself: what its sections show, and the template they go into."""

from __future__ import annotations

import base64
import hashlib
import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
import yaml
from markupsafe import Markup

from crnsim import metrics, wording
from crnsim.metrics.designs import in_order
from crnsim.metrics.looks import looked
from crnsim.metrics.tables import SHARE_OK
from crnsim.outcomes import OK, OUTCOMES
from crnsim.report import answers, coverage, curves, headline, method, titles
from crnsim.report.atlas import atlas, difference_atlas
from crnsim.report.claims import claims_section
from crnsim.report.courses import courses
from crnsim.report.data import data_rows
from crnsim.report.embedded import embedded
from crnsim.report.maps import crossed_maps
from crnsim.report.network import network_section
from crnsim.report.overview import overview
from crnsim.report.scores import MOST_TOGETHER, Scores, condition_of
from crnsim.report.sharpness import by_sharpness, smoothing_series
from crnsim.report.trajectories import trajectories

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import xarray as xr

    from crnsim.sweep.plan.plan_file import PlanFile
    from crnsim.sweep.run.chunk_files import Account

HERE = Path(__file__).parent
#: Designs of all data sets together of which curves are drawn; of more, those of the verdict or the first, or the page
#: would be larger than can be sent.
MOST_DRAWN = 30
#: Cells that are listed one by one; of more, those in which something is missing or did not end ok.
MOST_LISTED = 500
#: Without it the page is whole; with it values can be pointed at, cells opened, tables sorted and saved.
SCRIPT = (HERE / "report.js").read_text(encoding="utf-8")


def render(
    plan: PlanFile,
    summaries: Sequence[xr.Dataset],
    robustness: xr.Dataset,
    accounts: Sequence[Account],
    *,
    partial: bool = False,
    left_out: Sequence[str] = (),
) -> str:
    """Return the page of a sweep; see `crnsim.report.render_report`."""
    tables = _tables(plan, robustness)
    groups = coverage.gather(plan, summaries)
    labels = list(dict.fromkeys(group.entry.label for group in groups))
    counts, examples = coverage.failures(groups)
    totals = coverage.coverage_totals(groups)
    present = sum(row["present"] for row in totals)
    with looked(plan.n_looks):
        said = {} if plan.config.get("network") else headline.conclusions(tables)
    names = dict.fromkeys(group.entry.dataset for group in groups)
    shown = {label: series for series, label in enumerate(labels)}
    config = yaml.safe_dump(plan.config, sort_keys=False, allow_unicode=True, width=88)
    context = {
        "title": plan.title or plan.sweep,
        "sweep": plan.sweep,
        "partial": present < plan.n_points or answers.waiting(tables["verdict"], plan.claims is not None),
        "stored": not partial,
        "left_out": left_out,
        "present": present,
        "expected": plan.n_points,
        "failed": counts,
        "legend": [(label, series, method.design_text(groups, label)) for label, series in shown.items()],
        "designs": method.design_rows(groups),
        "data_rows": [] if plan.config.get("network") else data_rows(groups),
        "datasets": [
            _dataset(name, tables, summaries, labels, groups) | {"said": said.get(name, [])} for name in names
        ],
        "cards": [answers.verdict_card(name, tables["verdict"], groups) for name in names],
        "learning_rates": answers.agreed_rates(tables["verdict"]),
        "claims": claims_section(tables["claim"], plan.claims),
        "at_zero": coverage.often_at_zero(summaries),
        "question": _question(tables),
        "kicks": _kicks(plan),
        "network": network_section(plan, summaries, tables, groups),
        "reach": answers.reach_of(tables["verdict"]),
        "compared": bool(tables["verdict"]),
        "trained": any(group.entry.mode == "training" for group in groups),
        "trajectories": courses(summaries) if plan.config.get("network") else trajectories(summaries),
        "failures": examples,
        "totals": totals,
        "cost": coverage.cost_rows(groups, accounts),
        "estimated": plan.estimated_core_seconds,
        "provenance": method.provenance(plan, summaries, robustness),
        "config": config,
        "data": embedded(tables, groups, config),
        "limits": method.LIMITS,
        "looks": method.looks_text(plan),
    } | _listed(groups)
    return environment().get_template("report.html.j2").render(context)


def _tables(plan: PlanFile, robustness: xr.Dataset) -> dict[str, list[dict[str, Any]]]:
    """Return the tables that the page shows; each row has its number and says when rate constants are drawn."""
    return {
        name: [
            row | {"id": number, "rates_drawn": titles.rates_drawn(plan.config, row["dataset"])}
            for number, row in enumerate(metrics.table_rows(robustness, name))
        ]
        for name in ("cell", "curve", "sensitivity", "paired", "verdict", "claim")
    }


def _listed(groups: Sequence[coverage.GroupData]) -> dict[str, Any]:
    """Return the cells whose runs are listed, and how many are not because nothing is to be said of them."""
    cells = coverage.coverage_rows(groups)
    if len(cells) <= MOST_LISTED:
        return {"coverage": cells, "whole": 0}
    told = [row for row in cells if row[OUTCOMES[OK]] < row["expected"]]
    return {"coverage": told, "whole": len(cells) - len(told)}


def _kicks(plan: PlanFile) -> str:
    """Return how often concentrations are kicked, where they are."""
    datasets = plan.config.get("datasets")
    own = datasets.values() if isinstance(datasets, dict) else ()
    noises = [plan.config.get("noise"), *(one.get("noise") for one in own if isinstance(one, dict))]
    sections = [noise.get("concentrations") for noise in noises if isinstance(noise, dict)]
    kicking = [section for section in sections if isinstance(section, dict) and section.get("magnitudes")]
    every = sorted({f"{section.get('interval')}" for section in kicking})
    return f"every {wording.listing(every)} units of time" if every else ""


def _question(tables: dict[str, list[dict[str, Any]]]) -> str:
    """Return what a reader of a sweep of circuits comes with."""
    if tables["verdict"]:
        return "Does the smooth network hold up better than the others?"
    designs = {row["activation"] for row in tables["cell"]}
    return f"How well {'does this circuit' if len(designs) == 1 else 'do these circuits'} hold up?"


def environment() -> jinja2.Environment:
    """Return templates with escaping on, the formats of `wording` as filters, style and script inline."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    for name in ("number", "signed", "short", "span", "precise_duration", "plural", "listing"):
        environment.filters[name] = getattr(wording, name)
    for name in ("capital", "critical_name", "outcome_name", "stress_name", "row_stress"):
        environment.filters[name] = getattr(titles, name)
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    environment.tests["finite"] = math.isfinite
    environment.globals |= {
        "css": Markup((HERE / "report.css").read_text(encoding="utf-8")),  # noqa: S704 - ours, no user text
        "script": Markup(SCRIPT),  # noqa: S704 - ours, no user text
        "script_hash": f"sha256-{digest}",
        "isnan": math.isnan,
        "ok": OUTCOMES[OK],
        "share_ok": SHARE_OK,
        "ends": (*OUTCOMES, coverage.MISSING),
    }
    return environment


def _dataset(
    name: str,
    tables: dict[str, list[dict[str, Any]]],
    summaries: Sequence[xr.Dataset],
    labels: Sequence[str],
    groups: Sequence[coverage.GroupData],
) -> dict[str, Any]:
    """Return everything that the page shows about one data set."""
    every = len(groups) <= MOST_DRAWN
    scores = replace(Scores.of(name, tables["cell"], tables["paired"], labels), every=every)
    if len(scores.labels) > MOST_TOGETHER:
        scores = _leading(scores, [row for row in tables["verdict"] if row["dataset"] == name])
    first = scores.parts()[0][1]
    mine = [s for s in summaries if str(s.attrs.get("dataset")) == name]
    return {
        "name": name,
        "title": titles.dataset_title(name),
        "labels": scores.labels,
        "not_drawn": len(scores.labels) - sum(len(part.labels) for _, part in scores.drawn()),
        "atlas": atlas(first) if scores.labels else "",
        "overview": overview(scores, [row for row in tables["curve"] if row["dataset"] == name]),
        "more": [(part, atlas(of_part)) for part, of_part in scores.parts()[1:]],
        "differences": difference_atlas(scores),
        "crossed": crossed_maps(scores),
        "curves": curves.degradation(scores),
        "times": curves.running_time(scores),
        "sharpness": [(varied, by_sharpness(scores, varied)) for varied in smoothing_series(groups, name)],
        "learning": curves.learning(mine, scores),
        "critical": _by_design(
            [r for r in tables["curve"] if r["dataset"] == name], "noise_kind", "running_time"
        ),
        "sensitivity": _by_design([r for r in tables["sensitivity"] if r["dataset"] == name], "level", ""),
        "cells": [r | {"level": _level(r)} for r in tables["cell"] if r["dataset"] == name],
    }


def _leading(scores: Scores, verdicts: Sequence[dict[str, Any]]) -> Scores:
    """Keep the comparisons with the best design of a role under some stress; the others would fill pages."""
    kept = {(row["activation"], row["compared_with"]) for row in verdicts if row["best"]}
    pairs = [row for row in scores.pairs if (row["activation"], row["compared_with"]) in kept]
    return replace(scores, pairs=pairs)


def _level(row: dict[str, Any]) -> str:
    return titles.level_name(condition_of(row).level)


def _by_design(rows: Iterable[dict[str, Any]], first: str, second: str) -> list[dict[str, Any]]:
    """Return rows of a table side by side: a line for equal values of two columns, with the row of each design."""
    lines: dict[tuple[Any, Any], dict[str, Any]] = {}
    for plain in rows:
        row = plain | {"level": _level(plain) if "magnitude" in plain else ""}
        line = lines.setdefault(
            (row[first], row.get(second)), {"first": row[first], "second": row.get(second), "by": {}}
        )
        line["by"][row["activation"]] = row
    order = in_order(line["first"] for line in lines.values())
    return sorted(lines.values(), key=lambda line: order.index(line["first"]) if first == "noise_kind" else 0)
