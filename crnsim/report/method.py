"""How the numbers of a page came about: designs and their settings, limits of the verdicts, versions and hashes."""

from __future__ import annotations

import math
import platform
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crnsim import __version__, wording
from crnsim.circuits.circuit import OBSERVATION
from crnsim.metrics.designs import smoothing_at_work
from crnsim.metrics.looks import CONFIDENCE
from crnsim.metrics.verdicts import ENOUGH_REPLICATES, ENOUGH_SCORE, SHARPNESS
from crnsim.report import titles
from crnsim.report.answers import replicates_text
from crnsim.store.attributes import parameters_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import xarray as xr

    from crnsim.report.coverage import GroupData
    from crnsim.sweep.plan.plan_file import GroupEntry, PlanFile

#: Libraries that were at work when the page was made; those of the numbers are stored with the numbers.
PAGE_LIBRARIES = ("numpy", "scipy", "numba", "xarray", "netCDF4", "dask", "snakemake", "matplotlib")
#: Authors and title, as in CITATION.cff, which no installed package has beside it.
CITED = (
    "the crnsim authors, crnsim: chemical reaction networks that compute and learn, and how robust they are"
)
#: What a verdict needs.
LIMITS = {"score": ENOUGH_SCORE, "replicates": ENOUGH_REPLICATES, "sharpness": SHARPNESS}


def design_text(groups: Sequence[GroupData], label: str) -> str:
    """Return activation and parameters of a design in words."""
    entry = next(group.entry for group in groups if group.entry.label == label)
    given = entry.activation_parameters | entry.circuit_parameters
    return ", ".join(
        [
            *([entry.activation] if entry.mode != OBSERVATION else []),
            *(
                f"{name} = {value:g}" if isinstance(value, (int, float)) else f"{name} = {value}"
                for name, value in given.items()
            ),
        ]
    )


def design_rows(groups: Sequence[GroupData]) -> list[dict[str, Any]]:
    """Return a row per design: what it is, and how sharp it turned out to be."""
    rows = []
    for group in groups:
        entry = group.entry
        summary = group.summary
        parameters = parameters_of(summary) if summary is not None else {}
        rows.append(
            {
                "dataset": titles.dataset_title(entry.dataset),
                "label": entry.label,
                "text": design_text([group], entry.label),
                "role": entry.role if entry.role != entry.label else "",
                "h_eff": smoothing_at_work(summary) if summary is not None else math.nan,
                "layers": "-".join(map(str, entry.layers)),
                "parameters": ", ".join(
                    f"{k} {v:g}" for k, v in parameters.items() if isinstance(v, (int, float))
                ),
                "learning_rate": entry.learning_rate,
                "chosen": _chosen(entry),
                "epochs": entry.epochs,
                "weights": _weights(entry),
                "times": ", ".join(f"{time:g}" for time in entry.running_times),
                "replicates": replicates_text([group]),
            }
        )
    return rows


def _weights(entry: GroupEntry) -> str:
    """Say where the weights of a circuit that is only read out are from."""
    given = ", ".join(f"{name} {value}" for name, value in entry.given_weights.items())
    return f"given ({given})" if given else "given"


def _citation(versions: Sequence[str], hashes: Sequence[str]) -> str:
    """Return how to cite what made the numbers; its own version where there are none yet."""
    version = f"version {', '.join(versions) or __version__}"
    code = f", code {', '.join(hashes)}" if hashes else ""
    return f"{CITED}, {version}{code}; and the paper whose circuit was used"


def _chosen(entry: GroupEntry) -> str:
    """Say how a learning rate was chosen, where it was."""
    tried, end = entry.tuned.get("rates", 0), entry.tuned.get("end", "")
    if not tried:
        return ""
    return f"chosen from {tried:.0f}{f', the {end}: a wider range may hold a better one' if end else ''}"


def looks_text(plan: PlanFile) -> str:
    """Say how replicates were added, and what each look at the results may claim; nothing where none were added."""
    if plan.n_looks == 1:
        return ""
    seen = [
        f"{titles.dataset_title(name)} after {wording.listing(str(count) for count in counts)} replicates"
        for name, counts in plan.schedule.items()
        if len(counts) > 1
    ]
    times, each = plan.n_looks, 100.0 * (1.0 - (1.0 - CONFIDENCE) / plan.n_looks)
    return (
        "Replicates were added to cells whose verdict was open, and to no others: results were looked at up to "
        f"{times} times ({'; '.join(seen)}). A verdict keeps the numbers of the look that decided it. Each interval is "
        f"made at {each:.4g} %, so that those of all looks hold together with 95 %, and p-values count {times} times: "
        "by Bonferroni's inequality a page of equal designs is wrong no more often than one that was looked at once, "
        "whatever made the sweep stop. Cells differ in their number of replicates for that reason."
    )


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
        ("To cite", _citation(versions, hashes)),
        ("Seed", ", ".join(map(str, seeds))),
        ("Python", platform.python_version()),
    ]
    for name in PAGE_LIBRARIES:
        try:
            rows.append((name, metadata.version(name)))
        except metadata.PackageNotFoundError:
            continue
    return [(name, text) for name, text in rows if text]
