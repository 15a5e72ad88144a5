"""What the smooth units share: the rectifier X with its mirror Y, shares of the two, and their closed forms.

Forward reactions after Anderson, Joshi, Deshpande, J. R. Soc. Interface 2021, doi 10.1098/rsif.2021.0031. With
s = sqrt(z^2 + 4h): X = (z + s)/2, Y = (s - z)/2, so X Y = h and X + Y = s.
"""

from __future__ import annotations

import math

import numpy as np

from crnsim.activations.base import Activation
from crnsim.activations.layer import Layer


class Rectified(Activation):
    """A smooth unit made of the rectifier, its mirror and their shares, with smoothing `h`."""

    h: float

    def concentrations(self, plus: np.ndarray, minus: np.ndarray, k: float = 1.0) -> dict[str, np.ndarray]:
        """X, Y and their shares P = X/s and N = Y/s."""
        return pair_concentrations(np.subtract(plus, minus), self.h)

    def relaxation_rate(self, plus: np.ndarray, minus: np.ndarray, k: float = 1.0) -> np.ndarray:
        """Rate s = sqrt(z^2 + 4h), common to rectifier, mirror and shares."""
        return settling_rate(np.subtract(plus, minus), self.h)

    def effective_smoothing(self, production: np.ndarray, k: float = 1.0) -> np.ndarray:
        """The smoothing h, whatever the production."""
        return np.full_like(np.asarray(production, dtype=float), self.h)


def add_rectifier(layer: Layer, x: str, *, mirrored: bool = False) -> None:
    """``0 -> X`` (h), the drive pushes X up and down, ``2X -> X``: X relaxes to (z + s)/2 at rate s."""
    layer.react("activation", f"0 -> {x}", "k*h")
    layer.push(x, mirrored=mirrored)
    layer.react("activation", f"2{x} -> {x}", "k")


def add_pair(layer: Layer, h: float) -> None:
    """X and its mirror Y, which is the same unit with up and down exchanged."""
    layer.species(X=math.sqrt(h), Y=math.sqrt(h))
    add_rectifier(layer, "X")
    add_rectifier(layer, "Y", mirrored=True)


def add_share(layer: Layer, label: str, share: str, of: str, rest: str) -> None:
    """``X -> X + P``, ``X + P -> X``, ``Y + P -> Y``: P relaxes to X/(X + Y) at rate X + Y."""
    layer.react(label, f"{of} -> {of} + {share}", "k")
    layer.react(label, f"{of} + {share} -> {of}", "k")
    layer.react(label, f"{rest} + {share} -> {rest}", "k")


def add_curvature(layer: Layer, count: int) -> None:
    """Add Q, which relaxes at rate s to `count` P N / (X + Y) = `count` h/s^3: the derivative of z/s is 4h/s^3."""
    layer.react("derivative", "P + N -> P + N + Q", f"{count}*k")
    layer.react("derivative", "X + Q -> X", "k")
    layer.react("derivative", "Y + Q -> Y", "k")


def settling_rate(z: np.ndarray, h: float) -> np.ndarray:
    """Return s = sqrt(z^2 + 4h), the rate at which the rectifier relaxes."""
    z = np.asarray(z, dtype=float)
    return np.sqrt(z * z + 4 * h)


def rectified(z: np.ndarray, h: float | np.ndarray) -> np.ndarray:
    """(z + s)/2, free of cancellation for negative z."""
    z, h = np.asarray(z, dtype=float), np.asarray(h, dtype=float)
    s = np.sqrt(z * z + 4 * h)
    return np.where(z >= 0, (z + s) / 2, 2 * h / np.where(z >= 0, 1.0, s + np.abs(z)))


def pair_concentrations(z: np.ndarray, h: float) -> dict[str, np.ndarray]:
    """X, Y and their shares P = X/s and N = Y/s."""
    z, s = np.asarray(z, dtype=float), settling_rate(z, h)
    x, y = rectified(z, h), rectified(-z, h)
    return {"X": x, "Y": y, "P": x / s, "N": y / s}
