"""The page itself: the answer, the verdict cards, the tables, and the template they go into."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import platform
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
import yaml
from markupsafe import Markup

from crnsim import robustness as metrics
from crnsim import wording
from crnsim.noise.kinds import KINDS
from crnsim.report import coverage, curves, titles
from crnsim.report.claims import claims_section
from crnsim.report.figures import DIFFERENCE_RAMP, SCORE_RAMP
from crnsim.report.maps import crossed_maps, heat_maps
from crnsim.report.scores import MOST_TOGETHER, Scores, cell_of
from crnsim.report.sharpness import by_sharpness, families
from crnsim.report.trajectories import trajectories
from crnsim.robustness.verdicts import (
    BETTER,
    ENOUGH_REPLICATES,
    ENOUGH_SCORE,
    NO_DIFFERENCE,
    SHARPNESS,
    UNDECIDED,
    WORSE,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import xarray as xr

    from crnsim.sweep.plan.plan_file import PlanFile
    from crnsim.sweep.run.chunk_files import Account

HERE = Path(__file__).parent
LIBRARIES = ("numpy", "scipy", "numba", "xarray", "netCDF4", "dask", "snakemake", "matplotlib")
# Copying is a convenience: without the script the buttons stay hidden and nothing else changes.
SCRIPT = """
document.querySelectorAll("button.copy").forEach(function (button) {
  button.hidden = false;
  button.addEventListener("click", function () {
    var code = button.parentNode.querySelector("code");
    var done = function () {
      button.textContent = "Copied";
      setTimeout(function () { button.textContent = "Copy"; }, 1500);
    };
    var select = function () {
      window.getSelection().selectAllChildren(code);
      document.execCommand("copy");
      done();
    };
    if (navigator.clipboard) {
      navigator.clipboard.writeText(code.textContent).then(done, select);
    } else {
      select();
    }
  });
});
"""
MOST_COMPARISONS = 3
_CHIPS = {
    BETTER: ("better", "▲", "Yes, it scores higher"),
    WORSE: ("worse", "▼", "No, it scores lower"),
    NO_DIFFERENCE: ("same", "=", "No difference shown"),
    UNDECIDED: ("undecided", "?", "Undecided"),
}


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
    tables = {
        name: metrics.table_rows(robustness, name)
        for name in ("cell", "curve", "sensitivity", "paired", "verdict", "claim")
    }
    groups = coverage.gather(plan, summaries)
    labels = list(dict.fromkeys(group.entry.label for group in groups))
    counts, examples = coverage.failures(groups)
    totals = coverage.coverage_totals(groups)
    present = sum(row["present"] for row in totals)
    names = dict.fromkeys(group.entry.dataset for group in groups)
    shown = {label: series for series, label in enumerate(labels)}
    context = {
        "title": plan.title or plan.sweep,
        "sweep": plan.sweep,
        "partial": partial or present < plan.n_points,
        "left_out": left_out,
        "answer": answer(tables["verdict"]),
        "present": present,
        "expected": plan.n_points,
        "failed": counts,
        "legend": [(label, series, _design_text(groups, label)) for label, series in shown.items()],
        "designs": _design_rows(groups, tables["cell"]),
        "datasets": [_dataset(name, tables, summaries, labels, groups) for name in names],
        "cards": [_card(name, tables["verdict"], groups) for name in names],
        "claims": claims_section(tables["claim"]),
        "reach": _reach(tables["verdict"]),
        "trajectories": trajectories(summaries),
        "failures": examples,
        "coverage": coverage.coverage_rows(groups),
        "totals": totals,
        "cost": coverage.cost_rows(groups, accounts),
        "estimated": plan.estimated_core_seconds,
        "provenance": provenance(plan, summaries, robustness),
        "config": yaml.safe_dump(plan.config, sort_keys=False, allow_unicode=True, width=88),
        "limits": {"score": ENOUGH_SCORE, "replicates": ENOUGH_REPLICATES, "sharpness": SHARPNESS},
        "draws": robustness.attrs.get("bootstrap_draws", metrics.DRAWS),
    }
    return _environment().get_template("report.html.j2").render(context)


def _environment() -> jinja2.Environment:
    """Return templates with escaping on, the formats of `wording` as filters, style and script inline."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    for name in ("number", "signed", "short", "span", "critical", "precise_duration", "plural", "listing"):
        environment.filters[name] = getattr(wording, name)
    for name in ("outcome_name", "stress_name"):
        environment.filters[name] = getattr(titles, name)
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    environment.globals |= {
        "css": Markup((HERE / "report.css").read_text(encoding="utf-8")),  # noqa: S704 - ours, no user text
        "script": Markup(SCRIPT),  # noqa: S704 - ours, no user text
        "script_hash": f"sha256-{digest}",
        "score_ramp": ", ".join(SCORE_RAMP),
        "difference_ramp": ", ".join(DIFFERENCE_RAMP),
        "isnan": math.isnan,
    }
    return environment


def answer(verdicts: Sequence[dict[str, Any]]) -> list[tuple[str, str]]:
    """Return the answer of the sweep: for each data set its name and a sentence about smooth against sharp.

    Parameters
    ----------
    verdicts : sequence of dict
        Rows of the verdict table.

    Returns
    -------
    list of (str, str)
        Where a data set has no sharp design, the sentence is about its baseline.
    """
    said = []
    for dataset in dict.fromkeys(row["dataset"] for row in verdicts):
        rows = [row for row in verdicts if row["dataset"] == dataset]
        first = next((row for row in rows if row["compared_role"] == "sharp"), rows[0])
        pair = (first["activation"], first["compared_with"])
        rows = [row for row in rows if (row["activation"], row["compared_with"]) == pair]
        said.append((titles.dataset_title(dataset), _sentence(rows, *pair)))
    return said


def _sentence(rows: Sequence[dict[str, Any]], smooth: str, other: str) -> str:
    """Say under which stress the smooth design loses less, more, as much, or is undecided."""
    parts = []
    for verdict, phrase in (
        (BETTER, f"scores higher than {other} under"),
        (WORSE, f"scores lower than {other} under"),
    ):
        found = [
            f"{titles.stress_name(r['stress'])} ({wording.signed(r['difference'])})"
            for r in rows
            if r["verdict"] == verdict
        ]
        if found:
            parts.append(f"{phrase} {wording.listing(found)}")
    sentence = f"{smooth} {wording.listing(parts)}" if parts else ""
    same = [titles.stress_name(r["stress"]) for r in rows if r["verdict"] == NO_DIFFERENCE]
    if same:
        opening = (
            "no difference is shown" if sentence else f"between {smooth} and {other} no difference is shown"
        )
        sentence += f"{'; ' if sentence else ''}{opening} under {wording.listing(same)}"
    open_questions: dict[str, list[str]] = {}
    for row in rows:
        if row["verdict"] == UNDECIDED:
            open_questions.setdefault(row["reason"], []).append(titles.stress_name(row["stress"]))
    for reason, stresses in open_questions.items():
        about = "" if len(stresses) == len(rows) else f" under {wording.listing(stresses)}"
        sentence += f"{'; ' if sentence else ''}undecided{about}: {reason}"
    return f"{sentence}."


def _card(
    dataset: str, verdicts: Sequence[dict[str, Any]], groups: Sequence[coverage.GroupData]
) -> dict[str, Any]:
    """Return a verdict card: for each baseline the rows of its stresses."""
    rows = [row for row in verdicts if row["dataset"] == dataset]
    comparisons = []
    for smooth, other in dict.fromkeys((row["activation"], row["compared_with"]) for row in rows):
        mine = [row for row in rows if (row["activation"], row["compared_with"]) == (smooth, other)]
        comparisons.append(
            {
                "smooth": smooth,
                "other": other,
                "role": mine[0]["compared_role"],
                "h": mine[0]["smooth_h"],
                "h_eff": mine[0]["baseline_h_eff"],
                "rows": [
                    row
                    | {"chip": _CHIPS[row["verdict"]], "note": _loss_note(row, other)}
                    | {"leads": row["best"], "best": _is_best(row, rows)}
                    for row in mine
                ],
                "reasons": list(dict.fromkeys(row["reason"] for row in mine if row["reason"])),
            }
        )
    entry = next(group.entry for group in groups if group.entry.dataset == dataset)
    facts = [
        f"layers {'-'.join(map(str, entry.layers))}",
        wording.plural(entry.epochs, "epoch"),
        wording.plural(entry.replicates, "replicate"),
    ]
    # Of many comparisons, those with the best of a role under some stress come first, the others on request.
    leading = [pair for pair in comparisons if any(row["leads"] for row in pair["rows"])]
    shown = comparisons if len(comparisons) <= MOST_COMPARISONS else leading
    return {
        "title": titles.dataset_title(dataset),
        "facts": facts,
        "comparisons": shown,
        "others": [pair for pair in comparisons if pair not in shown],
    }


def _is_best(row: dict[str, Any], rows: Sequence[dict[str, Any]]) -> str:
    """Say that a compared design is the best of several of its role under this stress."""
    rivals = {r["compared_with"] for r in rows if r["compared_role"] == row["compared_role"]}
    return f"the best {row['compared_role']} under this stress" if row["best"] and len(rivals) > 1 else ""


def _loss_note(row: dict[str, Any], other: str) -> str:
    """Say what each design loses from its own noise-free score, and whether that agrees with the verdict."""
    if math.isnan(row["loss_smooth"]):
        return ""
    smooth, baseline = (wording.number(row[f"loss_{side}"]) for side in ("smooth", "baseline"))
    losses = f"lost: {row['activation']} {smooth}, {other} {baseline}"
    if row["loss_verdict"] in (row["verdict"], UNDECIDED):
        return losses
    says = {
        BETTER: "is in favour of smooth",
        WORSE: "is against smooth",
        NO_DIFFERENCE: "shows no difference",
    }
    says_what = says[row["loss_verdict"]]
    return f"{losses}; counted from each design's own noise-free score, the difference {says_what}"


def _reach(verdicts: Iterable[dict[str, Any]]) -> float:
    """Return how far the interval plots reach, the same for all of them."""
    names = ("difference", "difference_low", "difference_high")
    return wording.reach(abs(row[name]) for row in verdicts for name in names)


def _dataset(
    name: str,
    tables: dict[str, list[dict[str, Any]]],
    summaries: Sequence[xr.Dataset],
    labels: Sequence[str],
    groups: Sequence[coverage.GroupData],
) -> dict[str, Any]:
    """Return everything that the page shows about one data set."""
    scores = Scores.of(name, tables["cell"], tables["paired"], labels)
    if len(scores.labels) > MOST_TOGETHER:
        scores = _leading(scores, [row for row in tables["verdict"] if row["dataset"] == name])
    mine = [s for s in summaries if str(s.attrs.get("dataset")) == name]
    return {
        "name": name,
        "title": titles.dataset_title(name),
        "labels": scores.labels,
        "maps": heat_maps(scores) + crossed_maps(scores),
        "curves": curves.degradation(scores),
        "times": curves.running_time(scores),
        "sharpness": [(family, by_sharpness(scores, family)) for family in families(groups, name)],
        "learning": curves.learning(mine, scores),
        "critical": _by_design(
            [r for r in tables["curve"] if r["dataset"] == name], "noise_kind", "running_time"
        ),
        "haste": _by_design([r for r in tables["sensitivity"] if r["dataset"] == name], "level", ""),
        "cells": [r | {"level": _level(r)} for r in tables["cell"] if r["dataset"] == name],
    }


def _leading(scores: Scores, verdicts: Sequence[dict[str, Any]]) -> Scores:
    """Keep the comparisons with the best design of a role under some stress; the others would fill pages."""
    kept = {(row["activation"], row["compared_with"]) for row in verdicts if row["best"]}
    pairs = [row for row in scores.pairs if (row["activation"], row["compared_with"]) in kept]
    return replace(scores, pairs=pairs)


def _level(row: dict[str, Any]) -> str:
    return titles.level_name(cell_of(row).level)


def _by_design(rows: Iterable[dict[str, Any]], first: str, second: str) -> list[dict[str, Any]]:
    """Return rows of a table side by side: an entry per place, with the row of each design in it."""
    places: dict[tuple[Any, Any], dict[str, Any]] = {}
    for plain in rows:
        row = plain | {"level": _level(plain) if "magnitude" in plain else ""}
        place = places.setdefault(
            (row[first], row.get(second)), {"first": row[first], "second": row.get(second), "by": {}}
        )
        place["by"][row["activation"]] = row
    return sorted(places.values(), key=lambda place: first == "noise_kind" and KINDS.index(place["first"]))


def _design_text(groups: Sequence[coverage.GroupData], label: str) -> str:
    """Return activation and parameters of a design in words."""
    entry = next(group.entry for group in groups if group.entry.label == label)
    given = entry.activation_parameters | entry.circuit_parameters
    return ", ".join(
        [
            entry.activation,
            *(
                f"{name} = {value:g}" if isinstance(value, (int, float)) else f"{name} = {value}"
                for name, value in given.items()
            ),
        ]
    )


def _design_rows(
    groups: Sequence[coverage.GroupData], cells: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Return a row per design: what it is, and how sharp it turned out to be."""
    rows = []
    for group in groups:
        entry = group.entry
        summary = group.summary
        parameters = json.loads(summary.attrs.get("parameters", "{}")) if summary is not None else {}
        quiet = [
            c["h_eff"]
            for c in cells
            if (c["dataset"], c["activation"], c["noise_kind"]) == (entry.dataset, entry.label, "none")
        ]
        quiet = sorted(value for value in quiet if not math.isnan(value))
        rows.append(
            {
                "dataset": titles.dataset_title(entry.dataset),
                "label": entry.label,
                "text": _design_text([group], entry.label),
                "role": entry.role or "–",
                "h_eff": quiet[len(quiet) // 2] if quiet else math.nan,
                "layers": "-".join(map(str, entry.layers)),
                "parameters": ", ".join(
                    f"{k} {v:g}" for k, v in parameters.items() if isinstance(v, (int, float))
                ),
                "learning_rate": entry.learning_rate,
                "epochs": entry.epochs,
                "times": ", ".join(f"{time:g}" for time in entry.running_times),
                "replicates": entry.replicates,
            }
        )
    return rows


def provenance(
    plan: PlanFile, summaries: Sequence[xr.Dataset], robustness: xr.Dataset
) -> list[tuple[str, str]]:
    """Return what made the numbers and what made the page: versions and hashes, no time and no place."""
    seeds = sorted({int(seed) for summary in summaries for seed in set(summary["seed"].values.tolist())})
    versions = sorted({str(s.attrs["code_version"]) for s in summaries if "code_version" in s.attrs})
    hashes = sorted({str(s.attrs["code_hash"]) for s in summaries if "code_hash" in s.attrs})
    libraries = sorted({str(s.attrs["libraries"]) for s in summaries if "libraries" in s.attrs})
    rows = [
        ("Sweep file", Path(plan.config_path).name),
        ("crnsim", ", ".join(versions)),
        ("Code hash of the numbers", ", ".join(hashes)),
        ("Code hash of the plan", plan.code_hash),
        ("Libraries of the numbers", " | ".join(libraries)),
        ("Seed", ", ".join(map(str, seeds))),
        (
            "Bootstrap",
            f"{robustness.attrs.get('bootstrap_draws', '–')} resamples of replicates, percentile intervals",
        ),
        ("Python", platform.python_version()),
    ]
    for name in LIBRARIES:
        try:
            rows.append((name, metadata.version(name)))
        except metadata.PackageNotFoundError:
            continue
    return [(name, text) for name, text in rows if text]
