"""The logistic function, exactly, by what is left when the rails of a pre-activation are used up.

It has no fixed point under a drive that goes on, so it needs a clock: one phase sets the rails, another uses them up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from crnsim.activations.base import Activation
from crnsim.activations.layer import Layer, Rails, Slope


@dataclass(frozen=True)
class Logistic(Activation):
    """Logistic sigmoid P = 1/(1 + exp(-z)), between 0 and 1.

    With P + Q = 1, ``Z+ + P + Q -> Z+ + 2P`` and ``Z- + P + Q -> Z- + 2Q`` change ln(P/Q) at the rate k (Z+ - Z-). As
    each rail decays at k, its integral is what it started from; from P = Q = 1/2, ln(P/Q) ends at z. The slope is P Q.
    """

    name: ClassVar[str] = "logistic"
    smooth: ClassVar[bool] = True
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    needs_rails: ClassVar[bool] = True
    needs_clock: ClassVar[bool] = True

    def add_value(self, layer: Layer) -> Rails:
        """Use up the rails; P is the value."""
        layer.species(P=0.5, Q=0.5)
        layer.conserve("P", "Q")
        layer.react("activation", "Zp + P + Q -> Zp + 2P", "k")
        layer.react("activation", "Zm + P + Q -> Zm + 2Q", "k")
        for rail in ("Zp", "Zm"):
            layer.react("activation", f"{rail} -> 0", "k")
        return layer.value("P")

    def add_slope(self, layer: Layer) -> Slope:
        """Let D relax to P Q."""
        layer.species(D=0.25)
        layer.react("derivative", "P + Q -> P + Q + D", "k")
        layer.react("derivative", "D -> 0", "k")
        return layer.slope("D")

    def add_reset(self, layer: Layer) -> None:
        """Let P and Q come back to 1/2."""
        layer.react("clear-out", "P -> Q", "k")
        layer.react("clear-out", "Q -> P", "k")

    def value(self, z: np.ndarray) -> np.ndarray:
        """1/(1 + exp(-z))."""
        value: np.ndarray = np.exp(-np.logaddexp(0.0, -np.asarray(z, dtype=float)))
        return value

    def slope(self, z: np.ndarray) -> np.ndarray:
        """P Q."""
        return self.value(z) * self.value(-np.asarray(z, dtype=float))

    def concentrations(self, plus: np.ndarray, minus: np.ndarray, k: float = 1.0) -> dict[str, np.ndarray]:
        """What is left when the rails, which started from `plus` and `minus`, are used up."""
        z = np.subtract(plus, minus, dtype=float)
        empty = np.zeros_like(z)
        return {"Zp": empty, "Zm": empty, "P": self.value(z), "Q": self.value(-z), "D": self.slope(z)}

    def relaxation_rate(self, plus: np.ndarray, minus: np.ndarray, k: float = 1.0) -> np.ndarray:
        """1: the rails are used up at k."""
        return np.ones_like(np.subtract(plus, minus, dtype=float))
