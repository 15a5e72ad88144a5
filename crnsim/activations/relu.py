"""ReLU by annihilation of the pre-activation's rails, with a switch for its derivative: not smooth, and stiff.

At finite `kz` the plus rail is exactly the squareplus of z - 1/kz with smoothing p+/kz, where p+ is the production of
the plus rail in units of k: that effective smoothing is recorded with every run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from crnsim.activations.base import Activation
from crnsim.activations.layer import Layer, Rails, Slope
from crnsim.activations.rectifier import rectified


def annihilated(plus: np.ndarray, minus: np.ndarray, ratio: float) -> tuple[np.ndarray, np.ndarray]:
    """Rails that are produced, decay at k, and annihilate at `ratio` k: their concentrations at the fixed point.

    From z+ - z- = p+ - p- and p+ = z+ + ratio z+ z-; without annihilation each rail is its production.
    """
    plus, minus = np.asarray(plus, dtype=float), np.asarray(minus, dtype=float)
    if ratio == 0:
        return plus, minus
    z = plus - minus
    return rectified(z - 1 / ratio, plus / ratio), rectified(-z - 1 / ratio, minus / ratio)


class Annihilating(Activation):
    """A unit that annihilates its own rails at `kz` and holds its slope in a switch."""

    kz: float
    smooth: ClassVar[bool] = False
    needs_rails: ClassVar[bool] = True

    def concentrations(self, plus: np.ndarray, minus: np.ndarray, k: float = 1.0) -> dict[str, np.ndarray]:
        """Both rails and the switch at this kz; where both rails are empty, the switch as it starts, at 1/2."""
        zp, zm = annihilated(plus, minus, self.kz / k)
        total = zp + zm
        on = np.where(total > 0, zp / np.where(total > 0, total, 1.0), 0.5)
        return {"Zp": zp, "Zm": zm, "P": on, "N": 1.0 - on}

    def relaxation_rate(self, plus: np.ndarray, minus: np.ndarray, k: float = 1.0) -> np.ndarray:
        """1: the difference of the rails decays at k, annihilation is faster."""
        return np.ones_like(np.subtract(plus, minus, dtype=float))

    def effective_smoothing(self, production: np.ndarray, k: float = 1.0) -> np.ndarray:
        """h_eff = k p+/kz, with the production p+ in units of k."""
        return k * np.asarray(production, dtype=float) / self.kz


@dataclass(frozen=True)
class Relu(Annihilating):
    """Rail-annihilating ReLU.

    Parameters
    ----------
    kz : float
        Rate constant of the annihilation and of the switch.
    """

    kz: float = 50.0

    name: ClassVar[str] = "relu"
    bounds: ClassVar[tuple[float, float]] = (0.0, np.inf)

    def __post_init__(self) -> None:
        self._require_positive("kz")

    def add_value(self, layer: Layer) -> Rails:
        """Annihilate Z+ with Z-; the value is Z+."""
        layer.parameters(self.name, kz=self.kz)
        layer.react("activation", "Zp + Zm -> 0", "kz")
        return layer.value("Zp")

    def add_slope(self, layer: Layer) -> Slope:
        """P and N switch with the signs of the rails."""
        _add_switch(layer)
        return layer.slope("P")

    def value(self, z: np.ndarray) -> np.ndarray:
        """max(z, 0), the limit of large kz."""
        return np.maximum(np.asarray(z, dtype=float), 0.0)

    def slope(self, z: np.ndarray) -> np.ndarray:
        """1 for z > 0, else 0."""
        return (np.asarray(z, dtype=float) > 0).astype(float)

    def fixed_point(
        self, plus: np.ndarray, minus: np.ndarray, k: float = 1.0
    ) -> tuple[np.ndarray, np.ndarray]:
        """Z+ and P at this kz."""
        unit = self.concentrations(plus, minus, k)
        return unit["Zp"], unit["P"]


@dataclass(frozen=True)
class LeakyRelu(Annihilating):
    """Leaky ReLU of annihilating rails, Z+ - alpha Z-.

    Parameters
    ----------
    kz : float
        Rate constant of the annihilation and of the switch.
    alpha : float
        Slope for negative arguments, between 0 and 1.
    """

    kz: float = 50.0
    alpha: float = 0.1

    name: ClassVar[str] = "leaky_relu"

    def __post_init__(self) -> None:
        self._require_positive("kz")
        self._require_fraction("alpha")

    def add_value(self, layer: Layer) -> Rails:
        """Annihilate Z+ with Z-; the value is Z+ - alpha Z-."""
        layer.parameters(self.name, kz=self.kz, alpha=self.alpha)
        layer.react("activation", "Zp + Zm -> 0", "kz")
        return layer.value("Zp", "Zm", gain="alpha")

    def add_slope(self, layer: Layer) -> Slope:
        """P and N switch with the signs of the rails; the slope is P + alpha N."""
        _add_switch(layer)
        return layer.slope("P", N="alpha")

    def value(self, z: np.ndarray) -> np.ndarray:
        """max(z, alpha z), the limit of large kz."""
        z = np.asarray(z, dtype=float)
        return np.maximum(z, self.alpha * z)

    def slope(self, z: np.ndarray) -> np.ndarray:
        """1 for z > 0, else alpha."""
        return np.where(np.asarray(z, dtype=float) > 0, 1.0, self.alpha)

    def fixed_point(
        self, plus: np.ndarray, minus: np.ndarray, k: float = 1.0
    ) -> tuple[np.ndarray, np.ndarray]:
        """Z+ - alpha Z- and P + alpha N at this kz."""
        unit = self.concentrations(plus, minus, k)
        return unit["Zp"] - self.alpha * unit["Zm"], unit["P"] + self.alpha * unit["N"]


def _add_switch(layer: Layer) -> None:
    """N turns into P where Z+ is, P into N where Z- is; P + N stays 1."""
    layer.species(P=0.5, N=0.5)
    layer.conserve("P", "N")
    layer.react("derivative", "N + Zp -> P + Zp", "kz")
    layer.react("derivative", "P + Zm -> N + Zm", "kz")
