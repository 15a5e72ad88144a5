"""Noise as an object of its own, apart from circuit and solver."""

from __future__ import annotations

import math
import numbers
from dataclasses import asdict, dataclass
from typing import Any

from crnsim.errors import InputError, check_positive

#: Kinds of noise, in the order in which tables and pages show them.
KINDS = ("rates", "concentrations", "inputs")
RATES_MODES = ("static", "per_presentation")
SCOPES = ("signals", "weights", "all")


@dataclass(frozen=True)
class Noise:
    """Extrinsic noise; every magnitude is a standard deviation, zero for none.

    Parameters
    ----------
    rates : float
        Every elementary rate constant is multiplied by exp(sigma xi - sigma^2/2) with xi a standard normal of its own,
        so that its mean stays.
    rates_mode : {"static", "per_presentation"}
        One draw per replicate, or one for each presentation.
    concentrations : float
        Every `interval`, in training and read-out, each dynamic species in `scope` is multiplied by the same kind of
        factor; species that stand in a conservation law are then rescaled to its total.
    scope : {"signals", "weights", "all"}
        Which species: all dynamic species but the weights, the weights alone, or both.
    interval : float
        Time between kicks, in units of 1/k.
    additive : bool
        Add sigma xi instead (and stop at zero).
    inputs : float
        sigma xi is added to each presented (scaled) feature; targets stay clean.

    Raises
    ------
    InputError
        For a negative magnitude, an interval that is not positive, or an unknown mode or scope.
    """

    rates: float = 0.0
    rates_mode: str = "static"
    concentrations: float = 0.0
    scope: str = "signals"
    interval: float = 5.0
    additive: bool = False
    inputs: float = 0.0

    def __post_init__(self) -> None:
        for name in ("rates", "concentrations", "inputs"):
            value = getattr(self, name)
            number = isinstance(value, numbers.Real) and not isinstance(value, bool)
            if not number or not (math.isfinite(value) and value >= 0):
                raise InputError(f"noise {name} is {value!r}; it must be a finite number >= 0")
            object.__setattr__(self, name, float(value))
        check_positive("noise interval", self.interval)
        object.__setattr__(self, "interval", float(self.interval))
        if not isinstance(self.additive, bool):
            raise InputError(f"noise additive is {self.additive!r}; it must be true or false")
        if self.rates_mode not in RATES_MODES:
            raise InputError(f"noise rates_mode is '{self.rates_mode}'; use one of {', '.join(RATES_MODES)}")
        if self.scope not in SCOPES:
            raise InputError(f"noise scope is '{self.scope}'; use one of {', '.join(SCOPES)}")

    @property
    def kind(self) -> str:
        """``"none"`` or the kinds of noise that act, joined by ``+``."""
        kinds = [name for name in ("rates", "concentrations", "inputs") if getattr(self, name) > 0]
        return "+".join(kinds) or "none"

    def settings(self) -> dict[str, Any]:
        """Everything that influences numbers: options of a kind that does not act are left out."""
        values = asdict(self)
        if not self.rates:
            del values["rates_mode"]
        if not self.concentrations:
            for name in ("scope", "interval", "additive"):
                del values[name]
        return values
