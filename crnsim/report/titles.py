"""How the report names data sets, kinds of stress, outcomes and noise levels."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from crnsim import wording
from crnsim.metrics.designs import Level
from crnsim.noise.kinds import NOISE_KINDS

_STRESS = {name: kind.label for name, kind in NOISE_KINDS.items()} | {"running_time": "short running time"}

#: When rate constants are drawn, by the mode of that kind of noise.
_DRAWN = {
    "static": "drawn once per run",
    "per_presentation": "drawn anew for each presentation",
    "ou": "that drifts in time",
}


def dataset_title(name: str) -> str:
    """Return the name of a data set as a heading; the label of a CSV data set begins with a capital."""
    from crnsim.datasets import DATASETS

    return DATASETS[name].title if name in DATASETS else capital(name.replace("_", " "))


def stress_name(stress: str, drawn: str = "") -> str:
    """Return a kind of stress in words; a crossed kind is joined by "and".

    Parameters
    ----------
    stress : str
    drawn : str
        When rate constants are drawn, from `rates_drawn`: without it a reader may take one scope for another.
    """
    names = {"rates": f"{_STRESS['rates']} {drawn}"} if drawn else {}
    return " and ".join((_STRESS | names).get(part, f"{part} noise") for part in stress.split("+"))


def row_stress(row: Mapping[str, Any]) -> str:
    """Return the kind of stress that a row of a table is about in words, by its column ``stress`` or ``noise_kind``."""
    return stress_name(row["stress"] if "stress" in row else row["noise_kind"], row.get("rates_drawn", ""))


def rates_drawn(config: Mapping[str, Any], dataset: str) -> str:
    """Say when rate constants are drawn on a data set of a sweep, by its configuration; nothing without such noise."""
    mode = ""
    for place in (config, _mapping(_mapping(config.get("datasets")).get(dataset))):
        section = _mapping(place.get("noise")).get("rates")
        if isinstance(section, Mapping):
            mode = str(section.get("mode", mode or "static"))
    return _DRAWN.get(mode, "")


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def capital(name: str) -> str:
    """Return a name as it begins a line; unlike `str.capitalize`, what follows stays as it is."""
    return name[:1].upper() + name[1:]


def outcome_name(outcome: str) -> str:
    """Return an outcome in words."""
    return outcome.replace("_", " ")


def level_name(level: Level) -> str:
    """Return a noise level in words, such as ``rates 0.1``."""
    if not level.magnitudes:
        return "no noise"
    named = zip(level.kind.split("+"), level.magnitudes, strict=True)
    return " + ".join(f"{kind} {magnitude_name(kind, magnitude)}" for kind, magnitude in named)


def counts_molecules(kind: str) -> bool:
    """Whether magnitudes of a kind of noise are shown as numbers of molecules, of which fewer are more noise."""
    return kind in NOISE_KINDS and NOISE_KINDS[kind].stochastic


def critical_name(value: float, largest: float, kind: str) -> str:
    """Return a critical magnitude of a kind of noise; one beyond the largest where half of the score was never lost."""
    if counts_molecules(kind) and not math.isnan(value):
        # Fewer molecules are more noise.
        if not value:
            return "no noise"
        return f"< {magnitude_name(kind, largest)}" if math.isinf(value) else magnitude_name(kind, value)
    return wording.critical(value, largest)


def magnitude_name(kind: str, magnitude: float) -> str:
    """Return a magnitude of a kind of noise in words."""
    if not magnitude:
        return "none"
    return NOISE_KINDS[kind].shown(magnitude) if kind in NOISE_KINDS else f"{magnitude:g}"
