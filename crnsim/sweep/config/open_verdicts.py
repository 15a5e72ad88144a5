"""Whether a sweep that adds replicates until its verdicts are decided gives any."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crnsim.sweep.config.extent import n_noise_levels
from crnsim.sweep.config.mistakes import Mistake

if TYPE_CHECKING:
    from crnsim.sweep.config.model import Sweep
    from crnsim.sweep.config.resolve import ResolvedSettings


def rivals(sweep: Sweep, settings: ResolvedSettings) -> dict[str, list[str]]:
    """Return which designs of a data set are compared with which, by label: each smooth one with others and back.

    Parameters
    ----------
    sweep : Sweep
    settings : ResolvedSettings
        Of the data set.
    """
    designs = {label: sweep.activations[label] for label in settings.activations}
    found: dict[str, list[str]] = {}
    for smooth, other in ((a, b) for a in designs for b in designs):
        one, two = designs[smooth], designs[other]
        compared = one.role == "smooth" and two.role in ("sharp", "baseline")
        if compared and (one.circuit or sweep.circuit) == (two.circuit or sweep.circuit):
            found.setdefault(smooth, []).append(other)
            found.setdefault(other, []).append(smooth)
    return found


def check_open_verdicts(sweep: Sweep, name: str, settings: ResolvedSettings) -> None:
    """Refuse to add replicates until verdicts are decided where a data set has none.

    Raises
    ------
    Mistake
        With what is missing.
    """
    if len(settings.looks) == 1:
        return
    own = sweep.datasets[name].replicates is not None
    path = ("datasets", name, "replicates") if own else ("replicates",)
    what = f"nothing is ever decided on {name}"
    if sweep.network is not None:
        raise Mistake(
            ("replicates",), "no verdict is given on a network of your own; write a number, such as 10"
        )
    if not rivals(sweep, settings):
        raise Mistake(
            path,
            f"{what}: verdicts compare an activation of role smooth with one of role sharp or baseline, of the same "
            "circuit; give these roles, or write a number, such as 10",
        )
    if n_noise_levels(settings.noise) == 1 and len(settings.running_times) == 1:
        raise Mistake(
            path,
            f"{what}: there is no noise and one running time; give more of either, or write a number, such as 10",
        )
