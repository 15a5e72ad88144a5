"""How large a sweep is, from the lengths of its lists alone, before anything of that size is made."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from crnsim.entrance.limits import MOST_POINTS_EVER
from crnsim.noise.kinds import NOISE_KINDS
from crnsim.sweep.config.mistakes import Mistake

if TYPE_CHECKING:
    from crnsim.sweep.config.model import Sweep
    from crnsim.sweep.config.noise_axes import NoiseAxes
    from crnsim.sweep.config.resolve import ResolvedSettings


def n_noise_levels(axes: NoiseAxes) -> int:
    """Number of noise levels of one running time: what `crnsim.sweep.plan.groups.noise_levels` would list."""
    sections = [getattr(axes, name) for name in NOISE_KINDS] + list(axes.own.values())
    counts = [sum(1 for magnitude in section.magnitudes if magnitude) for section in sections if section]
    return math.prod(1 + count for count in counts) if axes.cross else 1 + sum(counts)


#: Points that are planned in the time that one cell takes.
POINTS_OF_A_CELL = 50


def check_extent(sweep: Sweep, settings: Mapping[str, ResolvedSettings]) -> None:
    """Refuse a sweep of more points, or of more cells, than its file allows.

    Raises
    ------
    Mistake
        With the number of points, where most of them come from, and what would allow them.
    """
    parts = {
        name: (len(of.activations), len(of.running_times), n_noise_levels(of.noise), of.replicates)
        for name, of in settings.items()
    }
    most = sweep.chunks.max_points
    points = {name: math.prod(counts) for name, counts in parts.items()}
    cells = {name: math.prod(counts[:3]) for name, counts in parts.items()}
    for what, found, factor in (("points", points, 1), ("cells", cells, POINTS_OF_A_CELL)):
        total, allowed = sum(found.values()), max(most // factor, len(found))
        if total <= allowed:
            continue
        name = max(found, key=lambda name: found[name])
        words = ("activations", "running times", "noise levels", "replicates")
        product = " x ".join(
            f"{count} {word}" for count, word in zip(parts[name], words, strict=True) if count > 1
        )
        wanted = total * factor
        remedy = f", or set chunks.max_points to {wanted}" if wanted <= MOST_POINTS_EVER else ""
        of_points = f" with max_points {most}" if factor > 1 else ""
        raise Mistake(
            ("chunks", "max_points"),
            f"the sweep has {total} {what}, and {allowed} are allowed{of_points}; most are those of {name}: "
            f"{product}; take fewer{remedy}",
        )
