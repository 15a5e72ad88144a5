"""What a search leaves: tables of candidates and of the confirmation, and the best designs as sweep files."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from crnsim.search.candidates import DROPPED, INFEASIBLE, RACED, Candidate, confirmation_seed, search_seed
from crnsim.search.model import SearchFile
from crnsim.search.space import applied
from crnsim.store.files import write_dataset, write_text

if TYPE_CHECKING:
    import xarray as xr

    from crnsim.search.confirm import Confirmed
    from crnsim.search.read import Search
    from crnsim.search.run import Found

#: Files in the folder of a search.
CSV, NETCDF, CONFIRMED = "candidates.csv", "candidates.nc", "confirmation.csv"
_BEST = re.compile(r"best-[0-9]+\.yaml", re.ASCII)
_STATES = (RACED, DROPPED, INFEASIBLE)


def write_outputs(found: Found, confirmed: Confirmed, folder: Path) -> list[Path]:
    """Write tables and sweep files to the folder of a search, each whole or not at all.

    Returns
    -------
    list of Path
        The sweep files, the best design first.
    """
    write_text(folder / CSV, _table(_candidate_rows(found)))
    write_dataset(candidates_dataset(found), folder / NETCDF)
    write_text(folder / CONFIRMED, _table(_confirmed_rows(found.search, confirmed)))
    files = [folder / f"best-{place}.yaml" for place in range(1, len(confirmed.best) + 1)]
    for place, (file, one) in enumerate(zip(files, confirmed.best, strict=True), 1):
        write_text(file, sweep_text(found.search, one, place, confirmed))
    for old in folder.iterdir():
        if _BEST.fullmatch(old.name) and old not in files and old.is_file():
            old.unlink()  # of an earlier end of this search
    return files


def level_name(search: Search, level: int) -> str:
    """Return a level of noise in words."""
    return search.levels[level].described or "no noise"


def _table(rows: Iterable[Sequence[Any]]) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows([_cell(value) for value in row] for row in rows)
    return stream.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return format(value, ".10g")
    return "-".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _candidate_rows(found: Found) -> Iterable[Sequence[Any]]:
    search = found.search
    front = {one.number for one in found.front()}
    names = [goal.name for goal in search.goals]
    yield [
        *("candidate", "state", "front", "replicates", "beaten_by", "failed_runs"),
        *search.parameters,
        *names,
        *("network_species", "network_reactions", "reason"),
    ]
    for one in found.candidates:
        told = [None] * len(names) if one.known is None else one.values_told()
        counts = (None, None) if one.known is None else (one.known.species, one.known.reactions)
        beaten = one.beaten_by if one.state == DROPPED else None
        yield [
            *(one.number, one.state, int(one.number in front), one.replicates, beaten, one.failed),
            *(one.values.get(name) for name in search.parameters),
            *told,
            *counts,
            one.reason,
        ]


def _confirmed_rows(search: Search, confirmed: Confirmed) -> Iterable[Sequence[Any]]:
    yield [
        *("design", "candidate", "noise", "replicates", "failed_runs", "score", "score_low", "score_high"),
        *("difference", "difference_low", "difference_high", "confidence"),
    ]
    names = {one.number: f"best-{place}" for place, one in enumerate(confirmed.best, 1)}
    for row in confirmed.rows:
        yield [
            names.get(row.design, "start"),
            *(row.design, level_name(search, row.level), confirmed.replicates, row.failed),
            *(row.score, row.low, row.high, row.difference, row.difference_low, row.difference_high),
            confirmed.confidence,
        ]


def candidates_dataset(found: Found) -> xr.Dataset:
    """Return candidates as a dataset: values of parameters and objectives, and the score of every replicate.

    Returns
    -------
    xarray.Dataset
        Dimensions ``candidate``, ``objective``, ``level`` (of noise) and ``replicate``; nan for what was not run. A
        parameter is a variable under its own name, nan or empty where it has no meaning.
    """
    import xarray as xr

    search, rungs = found.search, found.search.file.rungs()
    n, every = len(found.candidates), range(len(found.candidates))
    values = np.full((n, len(search.goals)), np.nan)
    scores = np.full((n, len(search.levels), rungs[-1]), np.nan)
    for place, one in enumerate(found.candidates):
        if one.known is not None:
            values[place] = one.values_told()
            for level, of_level in one.known.scores.items():
                scores[place, level, : len(of_level)] = of_level
    counts = {
        name: ("candidate", [getattr(one.known, name, 0) for one in found.candidates], {"long_name": what})
        for name, what in (("species", "species of the network"), ("reactions", "its reactions"))
    }
    flags = {"flag_values": np.arange(len(_STATES), dtype=np.int8), "flag_meanings": " ".join(_STATES)}
    data = {
        "value": (("candidate", "objective"), values),
        "score": (("candidate", "level", "replicate"), scores.astype(np.float32)),
        "state": (
            "candidate",
            np.array([_STATES.index(one.state) for one in found.candidates], dtype=np.int8),
            flags,
        ),
        "replicates": ("candidate", np.array([one.replicates for one in found.candidates], dtype=np.int32)),
        "failed_runs": ("candidate", np.array([one.failed for one in found.candidates], dtype=np.int32)),
        **counts,
        **{name: ("candidate", _column(found.candidates, name)) for name in search.parameters},
    }
    levels = [level_name(search, level) for level in range(len(search.levels))]
    return xr.Dataset(
        data,
        coords={
            "candidate": np.array(every, dtype=np.int32),
            "objective": [goal.name for goal in search.goals],
            "noise": ("level", levels),
        },
        attrs={
            "search": search.file.name,
            "config": json.dumps(search.file.model_dump(mode="json", by_alias=True)),
            "search_seed": str(search_seed(search.file.seed)),
            "confirmation_seed": str(confirmation_seed(search.file.seed)),
        },
    )


def _column(candidates: Sequence[Candidate], name: str) -> np.ndarray:
    values = [one.values.get(name) for one in candidates]
    if all(value is None or (type(value) in (int, float)) for value in values):
        return np.array([np.nan if value is None else float(value) for value in values])
    return np.array([_cell(value) for value in values])


def sweep_text(search: Search, one: Candidate, place: int, confirmed: Confirmed) -> str:
    """Return the sweep file of one design: that of the search with its values, and what is known of it above."""
    file: SearchFile = search.file
    data = applied(search.data, one.values)
    title = f"{file.title or file.name}: design {place}"
    data = {"name": f"{file.name}-best-{place}", "title": title} | {
        key: value for key, value in data.items() if key != "name"
    }
    said = [
        f"# Design {place} of {len(confirmed.best)} by `crnsim search` (docs/search.md): candidate {one.number}.",
        f"# On {confirmed.replicates} replicates that the search never saw, intervals at {confirmed.confidence:g}:",
        *(
            f"# {level_name(search, row.level)}: score {row.score:.3f} ({row.low:.3f} to {row.high:.3f}), "
            f"{row.difference:+.3f} from the design that the search began with"
            for row in confirmed.of(one.number)
        ),
    ]
    text = yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=110, default_flow_style=None)
    return "\n".join(said) + "\n" + text
