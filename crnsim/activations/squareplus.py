"""Squareplus, the smoothed ReLU (z + sqrt(z^2 + 4h)) / 2: smooth at h = 0.1, sharp at h = 0.0001, never stiff.

Forward reactions after Anderson, Joshi, Deshpande, J. R. Soc. Interface 2021, doi 10.1098/rsif.2021.0031.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from crnsim.activations.base import Activation, Rails
from crnsim.errors import InputError
from crnsim.network import Network

_DERIVATIVES = ("ratio", "reported")


@dataclass(frozen=True)
class Squareplus(Activation):
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
    smooth: ClassVar[bool] = True

    def __post_init__(self) -> None:
        self._require_positive("h")
        if self.derivative not in _DERIVATIVES:
            known = " or ".join(_DERIVATIVES)
            raise InputError(f"activation squareplus: derivative is '{self.derivative}'; use {known}")

    def add(self, network: Network, layer: int, dim: str) -> Rails:
        """Add X, its derivative D and what D needs."""
        zp, zm = f"Z{layer}p[i]", f"Z{layer}m[i]"
        network.set_parameter("h", self.h)

        def react(label: str, equation: str, rate: str) -> None:
            network.add_family(label, equation, rate)

        names = {s: f"{s}{layer}" for s in ("X", "D", "Y" if self.derivative == "ratio" else "A")}
        for species in names.values():
            network.add_species(species, dim)
        x, d = f"{names['X']}[i]", f"{names['D']}[i]"
        react("activation", f"0 -> {x}", "k*h")
        react("activation", f"{zp} + {x} -> {zp} + 2{x}", "k")
        react("activation", f"{zm} + {x} -> {zm}", "k")
        react("activation", f"2{x} -> {x}", "k")
        root = math.sqrt(self.h)
        if self.derivative == "ratio":
            y = f"{names['Y']}[i]"
            react("activation", f"0 -> {y}", "k*h")
            react("activation", f"{zm} + {y} -> {zm} + 2{y}", "k")
            react("activation", f"{zp} + {y} -> {zp}", "k")
            react("activation", f"2{y} -> {y}", "k")
            react("derivative", f"{x} -> {x} + {d}", "k")
            react("derivative", f"{x} + {d} -> {x}", "k")
            react("derivative", f"{y} + {d} -> {y}", "k")
            initial = ((names["X"], root), (names["Y"], root), (names["D"], 0.5))
        else:
            a = f"{names['A']}[i]"
            react("derivative", f"2{x} -> 2{x} + {d}", "k")
            react("derivative", f"2{x} -> 2{x} + {a}", "k")
            react("derivative", f"0 -> {a}", "k*h")
            react("derivative", f"{a} -> 0", "k")
            react("derivative", f"{a} + {d} -> {a}", "k")
            initial = ((names["X"], root), (names["A"], 2 * self.h), (names["D"], 0.5))
        return Rails(names["X"], None, names["D"], initial=initial)

    def value(self, z: np.ndarray) -> np.ndarray:
        """Closed form (z + s)/2 with s = sqrt(z^2 + 4h), free of cancellation for negative z."""
        z = np.asarray(z, dtype=float)
        s = np.sqrt(z * z + 4 * self.h)
        return np.where(z >= 0, (z + s) / 2, 2 * self.h / (s + np.abs(z)))

    def slope(self, z: np.ndarray) -> np.ndarray:
        """Derivative (1 + z/s)/2."""
        z = np.asarray(z, dtype=float)
        return self.value(z) / np.sqrt(z * z + 4 * self.h)

    def effective_smoothing(self, production: np.ndarray, k: float = 1.0) -> np.ndarray:
        """The smoothing h, whatever the production."""
        return np.full_like(np.asarray(production, dtype=float), self.h)
