"""The file plan.json: what it holds, and how it is read."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from crnsim.errors import DamagedFileError, InputError


def read_plan_data(path: str | Path) -> dict[str, Any]:
    """Read ``plan.json`` as plain data.

    Raises
    ------
    DamagedFileError
        The file is not a plan.
    """
    try:
        stamp = Path(path).stat().st_mtime_ns
    except OSError:
        raise InputError(f"{path}: there is no such plan; 'crnsim plan CONFIG -o {path}' makes it") from None
    return _read_plan_data(str(path), stamp)


@lru_cache(maxsize=4)
def _read_plan_data(path: str, stamp: int) -> dict[str, Any]:
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
        whole = _is_plan(data)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        whole = False
    if not whole:
        raise DamagedFileError(
            f"{path}: not a plan of crnsim, or damaged; delete it and run the same command again"
        )
    return data


def _is_plan(data: dict[str, Any]) -> bool:
    """Tell whether data has what a plan has, so that whoever reads it need not ask."""
    texts = [data["sweep"], data["code_hash"]]
    numbers = [data["n_points"]]
    for entry in data["groups"]:
        texts += [entry[name] for name in ("dataset", "circuit", "label", "activation", "summary", "network")]
        numbers += [entry["n_points"]]
        for chunk in entry["chunks"]:
            texts += [chunk["key"], chunk["path"]]
            numbers += [chunk["n_points"], chunk["estimated_core_seconds"]]
    return (
        isinstance(data["config"], dict)
        and all(isinstance(text, str) and "\0" not in text for text in texts)
        and all(isinstance(number, (int, float)) and number >= 0 for number in numbers)
    )
