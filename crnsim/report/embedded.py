"""What the page carries for its script: every cell with its replicates, courses and the command that repeats it."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from markupsafe import Markup

from crnsim.metrics.designs import Condition
from crnsim.outcomes import OK, OUTCOMES
from crnsim.report import titles
from crnsim.report.coverage import GroupData, repeat_command
from crnsim.report.scores import condition_of
from crnsim.report.trajectories import signals_of
from crnsim.sweep.config.of_network import CIRCUIT

#: Numbers of learning curves, of time courses and of single scores that a page holds, at most.
_LEARNING, _COURSES, _SCORES = 30_000, 40_000, 60_000
#: Epochs of a learning curve: as many as fit, none where fewer than the least would.
_EPOCHS, _FEWEST = 24, 8
#: Presentations of a recorded run, times in each, and signals that are shown with a cell.
_PRESENTATIONS, _TIMES, _SIGNALS = 4, 24, 4


def embedded(tables: dict[str, list[dict[str, Any]]], groups: Sequence[GroupData], config: str) -> Markup:
    """Return the data of a page as JSON that can stand in a script element.

    Parameters
    ----------
    tables : dict of str to list of dict
        Rows of the tables ``cell`` and ``paired``, each with its number ``id``.
    groups : sequence of GroupData
    config : str
        The sweep's configuration as YAML.
    """
    of_group = {(group.entry.dataset, group.entry.label): group for group in groups}
    places = {name: _places(group) for name, group in of_group.items()}
    n_cells = sum(len(found) for found in places.values())
    every = sum(len(group.conditions) for group in groups)
    cells = []
    for row in tables["cell"]:
        name = (row["dataset"], row["activation"])
        where = places.get(name, {}).get(condition_of(row), np.zeros(0, dtype=int))
        cells.append(_cell(row, of_group.get(name), where, single=every <= _SCORES))
    shared = _shared(cells)
    numbers = {(row["dataset"], row["activation"], condition_of(row)): row["id"] for row in tables["cell"]}
    kept = _epochs(groups, n_cells, every)
    learning = [
        _learning(
            group, kept, {numbers[*name, c]: at for c, at in places[name].items() if (*name, c) in numbers}
        )
        for name, group in of_group.items()
    ]
    data = {
        "outcomes": [titles.outcome_name(name) for name in OUTCOMES],
        "datasets": {
            name: titles.dataset_title(name) for name in dict.fromkeys(r["dataset"] for r in tables["cell"])
        },
        "labels": list(dict.fromkeys(group.entry.label for group in groups)),
        "kinds": {
            f"{row['dataset']}/{row['noise_kind']}": titles.row_stress(row)
            for row in tables["cell"]
            if row["noise_kind"] != "none"
        },
        "cells": cells,
        "pairs": [_pair(row) for row in tables["paired"]],
        "learning": {"/".join(name): one for name, one in zip(of_group, learning, strict=True) if one},
        "courses": _courses(groups, numbers),
        "commands": shared,
        "config": config,
    }
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    # In a script element only these could end it or open another.
    return Markup(text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029"))  # noqa: S704


def _places(group: GroupData) -> dict[Condition, np.ndarray]:
    """Return where the runs of each condition stand in a summary."""
    found: dict[Condition, list[int]] = {}
    for index, condition in enumerate(group.conditions):
        found.setdefault(condition, []).append(index)
    return {condition: np.array(indices) for condition, indices in found.items()}


def _cell(row: dict[str, Any], group: GroupData | None, where: np.ndarray, *, single: bool) -> dict[str, Any]:
    """Return a row of the table ``cell``, with the replicates behind it."""
    cell: dict[str, Any] = {
        "dataset": row["dataset"],
        "label": row["activation"],
        "time": row["running_time"],
        "kind": row["noise_kind"],
        "level": titles.level_name(condition_of(row).level),
        "magnitude": _precise(condition_of(row).level.magnitude),
        "n": row["replicates"],
        "score": _plain(row["score"]),
        "low": _plain(row["score_low"]),
        "high": _plain(row["score_high"]),
        "ended": {
            titles.outcome_name(name): round(row[f"share_{name}"] * row["replicates"])
            for name in OUTCOMES
            if row[f"share_{name}"] > 0
        },
    }
    if group is None or group.summary is None or not where.size:
        return cell
    cell["command"] = repeat_command(group, int(where[0]))
    if single:
        bad = {
            str(place): OUTCOMES.index(outcome)
            for place, outcome in enumerate(group.outcomes[where].tolist())
            if outcome in OUTCOMES[1:]
        }
        numbers = group.summary["replicate"].values[where].tolist()
        cell |= {"replicates": numbers} if numbers != list(range(len(numbers))) else {}
        cell["scores"] = [_plain(value, 3) for value in _scores(group, where)]
        cell |= {"bad": bad} if bad else {}
    return cell


def _shared(cells: Sequence[dict[str, Any]]) -> dict[str, tuple[str, str]]:
    """Cut from the commands of each group the words they begin and end with, and return those by group."""
    by_group: dict[str, list[dict[str, Any]]] = {}
    for cell in cells:
        if "command" in cell:
            by_group.setdefault(f"{cell['dataset']}/{cell['label']}", []).append(cell)
    shared = {}
    for name, mine in by_group.items():
        words = [cell["command"].split(" ") for cell in mine]
        begin = _alike(words)
        end = _alike([one[begin:][::-1] for one in words])
        first = words[0]
        shared[name] = (" ".join(first[:begin]), " ".join(first[len(first) - end :]))
        for cell, one in zip(mine, words, strict=True):
            cell["command"] = " ".join(one[begin : len(one) - end])
    return shared


def _alike(words: Sequence[Sequence[str]]) -> int:
    """Return how many words all begin with."""
    return next(
        (place for place, those in enumerate(zip(*words, strict=False)) if len(set(those)) > 1),
        min(map(len, words)),
    )


def _scores(group: GroupData, where: np.ndarray) -> list[float]:
    """Return the scores of runs, 0 for those that did not end ok."""
    assert group.summary is not None
    values = group.summary["score"].values[where].astype(float)
    return np.where(group.outcomes[where] == OUTCOMES[OK], np.nan_to_num(values), 0.0).tolist()


def _pair(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of the table ``paired``."""
    return {
        "dataset": row["dataset"],
        "label": row["activation"],
        "other": row["compared_with"],
        "time": row["running_time"],
        "level": titles.level_name(condition_of(row).level),
        "n": row["replicates"],
        "difference": _plain(row["difference"]),
        "low": _plain(row["difference_low"]),
        "high": _plain(row["difference_high"]),
        "scores": [_plain(row["score_smooth"]), _plain(row["score_baseline"])],
    }


def _plain(value: float, digits: int = 4) -> float | None:
    """Return a number as JSON can hold it."""
    return round(float(value), digits) if math.isfinite(value) else None


def _precise(value: float) -> float | None:
    """Return a number of any size with six digits as JSON can hold it."""
    return float(f"{value:.6g}") if math.isfinite(value) else None


def _figures(values: np.ndarray) -> list[float | None]:
    """Return numbers with three digits."""
    return [float(f"{v:.3g}") if math.isfinite(v) else None for v in values.ravel().tolist()]


def _epochs(groups: Sequence[GroupData], n_cells: int, every: int) -> tuple[int, bool]:
    """Return how many epochs of a learning curve are kept, and whether of each replicate or their quartiles."""
    if every and _LEARNING // every >= _FEWEST:
        return min(_EPOCHS, _LEARNING // every), True
    fitting = _LEARNING // (3 * n_cells) if n_cells else 0
    return (min(_EPOCHS, fitting), False) if fitting >= _FEWEST else (0, False)


def _learning(
    group: GroupData, kept: tuple[int, bool], places: dict[int, np.ndarray]
) -> dict[str, Any] | None:
    """Return the training loss by epoch of each cell of a group, by the number of the cell."""
    most, each = kept
    summary = group.summary
    if summary is None or "train_loss" not in summary or not most:
        return None
    epochs = summary["epoch"].values
    chosen = np.unique(np.linspace(0, len(epochs) - 1, most).round().astype(int))
    curves = {}
    for cell, where in places.items():
        loss = summary["train_loss"].values[where][:, chosen].astype(float)
        if not each:
            if not np.isfinite(loss).any():
                continue
            loss = _quartiles(loss)
        curves[cell] = [_figures(one) for one in loss]
    return {"epochs": epochs[chosen].tolist(), "each": each, "loss": curves}


def _quartiles(loss: np.ndarray) -> np.ndarray:
    """Return the quartiles over replicates of the runs that are still going."""
    result = np.full((3, loss.shape[1]), np.nan)
    alive = np.isfinite(loss).any(axis=0)
    result[:, alive] = np.nanquantile(loss[:, alive], (0.25, 0.5, 0.75), axis=0)
    return result


def _courses(
    groups: Sequence[GroupData], numbers: dict[tuple[str, str, Condition], int]
) -> list[dict[str, Any]]:
    """Return concentrations over time of the first recorded run of each cell, as many as fit."""
    found, room = [], _COURSES
    for group in groups:
        if group.summary is None or "trajectory" not in group.summary:
            continue
        keys = group.summary["point_key"].values.tolist()
        seen: set[Condition] = set()
        for slot, key in enumerate(group.summary["recorded"].values.tolist()):
            if key not in keys:
                continue
            index = keys.index(key)
            condition = group.conditions[index]
            cell = numbers.get((group.entry.dataset, group.entry.label, condition))
            if condition in seen or cell is None:
                continue
            seen.add(condition)
            course = _course(group, slot, index, condition)
            room -= sum(len(line["y"]) for line in course["lines"]) if course else 0
            if course and room >= 0:
                found.append({"cell": cell} | course)
    return found


def _course(group: GroupData, slot: int, index: int, condition: Condition) -> dict[str, Any] | None:
    """Return one recorded run: the last presentations, and what the circuit answers in them."""
    summary = group.summary
    assert summary is not None
    cube = summary["trajectory"].values[slot].astype(float)
    alive = [k for k in range(len(cube)) if np.isfinite(cube[k]).any()]
    of_network = group.entry.circuit == CIRCUIT
    shown = alive[:_PRESENTATIONS] if of_network else alive[-_PRESENTATIONS:]
    if not shown:
        return None
    fraction = summary["fraction"].values
    thin = np.unique(np.linspace(0, len(fraction) - 1, _TIMES).round().astype(int))
    time = np.concatenate([(place + fraction[thin]) * condition.running_time for place in range(len(shown))])
    species = [str(name) for name in summary["species"].values.tolist()]
    lines = []
    # A circuit tells its inputs first; what it makes of them comes next.
    signals = signals_of(summary)[:2][-1]
    for rails in signals.rails[:_SIGNALS]:
        for minus, name in enumerate(rails):
            if name is not None:
                values = np.concatenate([cube[k][thin, species.index(name)] for k in shown])
                lines.append({"name": name, "minus": bool(minus), "y": _figures(values)})
    numbers = summary["presentation"].values.tolist()
    return {
        "what": "input" if of_network else "presentation",
        "title": signals.title,
        "shown": [numbers[k] for k in shown],
        "replicate": int(summary["replicate"].values[index]),
        "x": _figures(time),
        "lines": lines,
    }
