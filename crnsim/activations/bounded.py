"""Bounded smooth units from shares of a rectifier and its mirror: the algebraic sigmoid and tanh (ISRU)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from crnsim.activations.layer import Layer, Rails, Slope
from crnsim.activations.rectifier import (
    Rectified,
    add_curvature,
    add_pair,
    add_share,
    pair_concentrations,
    settling_rate,
)


@dataclass(frozen=True)
class AlgebraicSigmoid(Rectified):
    """Algebraic sigmoid P = (1 + z/s)/2 with s = sqrt(z^2 + 4h), between 0 and 1.

    Parameters
    ----------
    h : float
        Smoothing; the slope at z = 0 is 1/(4 sqrt(h)).
    """

    h: float = 0.1

    name: ClassVar[str] = "algebraic_sigmoid"
    # They are read off the rails of a squareplus, so they come second.
    relaxing_stages: ClassVar[int | None] = 2
    smooth: ClassVar[bool] = True
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)

    def __post_init__(self) -> None:
        self._require_positive("h")

    def add_value(self, layer: Layer) -> Rails:
        """Add X, Y and the share P = X/(X + Y)."""
        layer.parameters(self.name, h=self.h)
        add_pair(layer, self.h)
        layer.species(P=0.5)
        add_share(layer, "activation", "P", of="X", rest="Y")
        return layer.value("P")

    def add_slope(self, layer: Layer) -> Slope:
        """Add the other share N and Q = 2h/s^3."""
        layer.species(N=0.5, Q=1 / (4 * math.sqrt(self.h)))
        add_share(layer, "derivative", "N", of="Y", rest="X")
        add_curvature(layer, 2)
        return layer.slope("Q")

    def value(self, z: np.ndarray) -> np.ndarray:
        """(1 + z/s)/2, free of cancellation."""
        return pair_concentrations(z, self.h)["P"]

    def slope(self, z: np.ndarray) -> np.ndarray:
        """2h/s^3."""
        return 2 * self.h / settling_rate(z, self.h) ** 3

    def concentrations(self, plus: np.ndarray, minus: np.ndarray, k: float = 1.0) -> dict[str, np.ndarray]:
        """X, Y, their shares P and N, and the slope Q."""
        return super().concentrations(plus, minus, k) | {"Q": self.slope(np.subtract(plus, minus))}


@dataclass(frozen=True)
class AlgebraicTanh(Rectified):
    """Algebraic tanh P - N = z/s with s = sqrt(z^2 + 4h), between -1 and 1, on two rails.

    Parameters
    ----------
    h : float
        Smoothing; the slope at z = 0 is 1/(2 sqrt(h)).
    """

    h: float = 0.1

    name: ClassVar[str] = "algebraic_tanh"
    # They are read off the rails of a squareplus, so they come second.
    relaxing_stages: ClassVar[int | None] = 2
    smooth: ClassVar[bool] = True
    bounds: ClassVar[tuple[float, float]] = (-1.0, 1.0)

    def __post_init__(self) -> None:
        self._require_positive("h")

    def add_value(self, layer: Layer) -> Rails:
        """Add X, Y and their shares P and N; the value is P - N."""
        layer.parameters(self.name, h=self.h)
        add_pair(layer, self.h)
        layer.species(P=0.5, N=0.5)
        add_share(layer, "activation", "P", of="X", rest="Y")
        add_share(layer, "activation", "N", of="Y", rest="X")
        return layer.value("P", "N")

    def add_slope(self, layer: Layer) -> Slope:
        """Add Q = 4h/s^3."""
        layer.species(Q=1 / (2 * math.sqrt(self.h)))
        add_curvature(layer, 4)
        return layer.slope("Q")

    def value(self, z: np.ndarray) -> np.ndarray:
        """z/s."""
        return np.asarray(z, dtype=float) / settling_rate(z, self.h)

    def slope(self, z: np.ndarray) -> np.ndarray:
        """4h/s^3."""
        return 4 * self.h / settling_rate(z, self.h) ** 3

    def concentrations(self, plus: np.ndarray, minus: np.ndarray, k: float = 1.0) -> dict[str, np.ndarray]:
        """X, Y, their shares P and N, and the slope Q."""
        return super().concentrations(plus, minus, k) | {"Q": self.slope(np.subtract(plus, minus))}
