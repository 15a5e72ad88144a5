"""How the learning rate of a design came about, and what that means for a comparison of two."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    import xarray as xr


class Rate(NamedTuple):
    """The learning rate of a design.

    Attributes
    ----------
    value : float
    tried : int
        From how many values it was chosen, on replicates that no verdict uses; 0 where it was not.
    end : str
        ``least`` or ``largest`` where it is at that end of those values, else nothing.
    elsewhere : bool
        Whether it was chosen under other running times or noise.
    """

    value: float
    tried: int = 0
    end: str = ""
    elsewhere: bool = False


class Tunable(Protocol):
    """A design, as far as its learning rate goes."""

    @property
    def label(self) -> str:
        """Its label in the sweep file."""

    @property
    def rate(self) -> Rate | None:
        """None where nothing is trained."""


def rate_of(summary: xr.Dataset) -> Rate | None:
    """Return the learning rate of a summary, None where nothing is trained."""
    attrs = summary.attrs
    if attrs.get("mode", "training") != "training" or "learning_rate" not in attrs:
        return None
    try:
        about = json.loads(str(attrs.get("tuned", "{}")))
        tried, elsewhere = int(about.get("rates", 0)), bool(about.get("elsewhere", 0))
        return Rate(float(attrs["learning_rate"]), tried, str(about.get("end", "")), elsewhere)
    except (ValueError, TypeError, AttributeError):
        return Rate(math.nan)


def rates_in_words(*designs: Tunable) -> str:
    """Say how the learning rates of one design, or of two that are compared, came about; nothing without training."""
    rates = [design.rate for design in designs]
    known = [rate for rate in rates if rate is not None]
    if not known or len(known) < len(rates):
        return ""
    tried = [rate.tried for rate in known]
    if not any(tried):
        return _not_chosen(known)
    named = list(zip((design.label for design in designs), known, strict=True))
    if not all(tried):
        ((label, rate),) = [one for one in named if one[1].tried]
        ((other, _),) = [one for one in named if not one[1].tried]
        values = f"{rate.tried} values on other replicates"
        said = f"learning rate of {label} chosen from {values}, that of {other} not chosen"
    elif len(known) == 1:
        said = f"learning rate chosen from {tried[0]} values on other replicates"
    else:
        values = f"{tried[0]}" if tried[0] == tried[1] else f"{tried[0]} and {tried[1]}"
        said = f"learning rates chosen for each design from {values} values on other replicates"
    parts = [said]
    if any(rate.elsewhere for rate in known):
        parts.append("chosen under other running times or noise than here")
    parts += [
        f"that of {label} is the {rate.end} of its values: a wider range may hold a better one"
        for label, rate in named
        if rate.end
    ]
    return "; ".join(parts)


def _not_chosen(rates: list[Rate]) -> str:
    if len(rates) == 1:
        return "learning rate as given, which was not chosen for this design"
    if math.isclose(rates[0].value, rates[1].value):
        return "both designs at the data set's learning rate, which was not chosen for either"
    return f"learning rates {rates[0].value:g} and {rates[1].value:g} as given, not chosen for either"
