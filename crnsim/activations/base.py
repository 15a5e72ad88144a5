"""What an activation is: reactions that turn pre-activation rails into value rails, with closed forms."""

from __future__ import annotations

import abc
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np

from crnsim.errors import check_positive
from crnsim.network import Network


@dataclass(frozen=True)
class Rails:
    """Names of the species arrays of one layer of units.

    Parameters
    ----------
    plus : str
        Plus rail of the value.
    minus : str or None
        Minus rail; None where the value cannot be negative.
    slope : str
        Species that holds the derivative.
    conserved : tuple of str
        Arrays whose sum no reaction changes, unit by unit.
    initial : tuple of (str, float)
        Concentrations to start from; what is not named starts at zero.
    """

    plus: str
    minus: str | None
    slope: str
    conserved: tuple[str, ...] = ()
    initial: tuple[tuple[str, float], ...] = ()


class Activation(abc.ABC):
    """One activation function and its chemistry; subclasses are frozen dataclasses of their parameters."""

    #: Name users write.
    name: ClassVar[str]
    #: Is the derivative continuous?
    smooth: ClassVar[bool]
    #: Does the activation itself annihilate the pre-activation rails?
    annihilates: ClassVar[bool] = False

    @abc.abstractmethod
    def add(self, network: Network, layer: int, dim: str) -> Rails:
        """Add the species and reactions of layer `layer` over dimension `dim`; Z{layer}p and Z{layer}m are there."""

    @abc.abstractmethod
    def value(self, z: np.ndarray) -> np.ndarray:
        """Closed form of the value the chemistry relaxes to."""

    @abc.abstractmethod
    def slope(self, z: np.ndarray) -> np.ndarray:
        """Derivative of `value`."""

    @abc.abstractmethod
    def effective_smoothing(self, production: np.ndarray, k: float = 1.0) -> np.ndarray:
        """Smoothing h of the squareplus that the unit equals, from the production rate of its plus rail Z+."""

    def parameters(self) -> dict[str, Any]:
        """Parameters by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]

    def _require_positive(self, *names: str) -> None:
        for name in names:
            value = getattr(self, name)
            check_positive(f"activation {self.name}: {name}", value)
            object.__setattr__(self, name, float(value))
