"""Squareplus, the smoothed ReLU (z + sqrt(z^2 + 4h)) / 2: smooth at h = 0.1, sharp at h = 0.0001, never stiff.

Forward reactions after Anderson, Joshi, Deshpande, J. R. Soc. Interface 2021, doi 10.1098/rsif.2021.0031.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from crnsim.activations.layer import Layer, Rails, Slope
from crnsim.activations.rectifier import (
    Rectified,
    add_pair,
    add_rectifier,
    add_share,
    pair_concentrations,
    rectified,
    settling_rate,
)
from crnsim.entrance.arguments import shown
from crnsim.errors import InputError

_DERIVATIVES = ("ratio", "reported")


@dataclass(frozen=True)
class Squareplus(Rectified):
    """Squareplus with smoothing `h`.

    Parameters
    ----------
    h : float
        Smoothing; the value at z = 0 is sqrt(h).
    derivative : {"ratio", "reported"}
        ``ratio`` relaxes D = X/s at rate s with the help of a mirror unit; ``reported`` is the module reported for
        Kang & Kim (doi 10.1063/5.0271766), which has the same fixed point and relaxes at X^2 + h.
    """

    h: float = 0.1
    derivative: str = "ratio"

    name: ClassVar[str] = "squareplus"
    relaxing_stages: ClassVar[int | None] = 1
    smooth: ClassVar[bool] = True
    bounds: ClassVar[tuple[float, float]] = (0.0, np.inf)

    def __post_init__(self) -> None:
        self._require_positive("h")
        if not isinstance(self.derivative, str) or self.derivative not in _DERIVATIVES:
            known = " or ".join(_DERIVATIVES)
            raise InputError(f"activation squareplus: derivative is {shown(self.derivative)}; use {known}")

    def add_value(self, layer: Layer) -> Rails:
        """Add X."""
        layer.parameters(self.name, h=self.h)
        layer.species(X=math.sqrt(self.h))
        add_rectifier(layer, "X")
        return layer.value("X")

    def add_slope(self, layer: Layer) -> Slope:
        """Add D = X/s and what it needs: the mirror unit Y, or A = X^2 + h."""
        if self.derivative == "ratio":
            layer.species(D=0.5, Y=math.sqrt(self.h))
            add_rectifier(layer, "Y", mirrored=True)
            add_share(layer, "derivative", "D", of="X", rest="Y")
        else:
            layer.species(D=0.5, A=2 * self.h)
            layer.react("derivative", "2X -> 2X + D", "k")
            layer.react("derivative", "2X -> 2X + A", "k")
            layer.react("derivative", "0 -> A", "k*h")
            layer.react("derivative", "A -> 0", "k")
            layer.react("derivative", "A + D -> A", "k")
        return layer.slope("D")

    def value(self, z: np.ndarray) -> np.ndarray:
        """Closed form (z + s)/2 with s = sqrt(z^2 + 4h), free of cancellation for negative z."""
        return rectified(z, self.h)

    def slope(self, z: np.ndarray) -> np.ndarray:
        """Derivative (1 + z/s)/2 = X/s."""
        return rectified(z, self.h) / settling_rate(z, self.h)

    def concentrations(self, plus: np.ndarray, minus: np.ndarray, k: float = 1.0) -> dict[str, np.ndarray]:
        """X, the mirror Y, the slope D = X/s, and A = X^2 + h of the reported derivative."""
        unit = super().concentrations(plus, minus, k)
        return {"X": unit["X"], "Y": unit["Y"], "D": unit["P"], "A": unit["X"] ** 2 + self.h}


@dataclass(frozen=True)
class LeakySquareplus(Rectified):
    """Leaky squareplus X - alpha Y: slope alpha for negative, 1 for positive arguments, smooth between.

    Parameters
    ----------
    h : float
        Smoothing; the value at z = 0 is (1 - alpha) sqrt(h).
    alpha : float
        Slope for negative arguments, between 0 and 1.
    """

    h: float = 0.1
    alpha: float = 0.1

    name: ClassVar[str] = "leaky_squareplus"
    relaxing_stages: ClassVar[int | None] = 1
    smooth: ClassVar[bool] = True

    def __post_init__(self) -> None:
        self._require_positive("h")
        self._require_fraction("alpha")

    def add_value(self, layer: Layer) -> Rails:
        """Add X and Y; the value is X - alpha Y."""
        layer.parameters(self.name, h=self.h, alpha=self.alpha)
        add_pair(layer, self.h)
        return layer.value("X", "Y", gain="alpha")

    def add_slope(self, layer: Layer) -> Slope:
        """Add the shares P = X/s and N = Y/s; the slope is P + alpha N."""
        layer.species(P=0.5, N=0.5)
        add_share(layer, "derivative", "P", of="X", rest="Y")
        add_share(layer, "derivative", "N", of="Y", rest="X")
        return layer.slope("P", N="alpha")

    def value(self, z: np.ndarray) -> np.ndarray:
        """X - alpha Y with X = (z + s)/2 and Y = (s - z)/2."""
        unit = pair_concentrations(z, self.h)
        return unit["X"] - self.alpha * unit["Y"]

    def slope(self, z: np.ndarray) -> np.ndarray:
        """(X + alpha Y)/s."""
        unit = pair_concentrations(z, self.h)
        return unit["P"] + self.alpha * unit["N"]
