"""ReLU by annihilation of the pre-activation's rails, with a switch for its derivative: not smooth, and stiff."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from crnsim.activations.base import Activation, Rails
from crnsim.network import Network


@dataclass(frozen=True)
class Relu(Activation):
    """Rail-annihilating ReLU.

    At finite `kz` the plus rail is exactly the squareplus of z - 1/kz with smoothing p+/kz, where p+ is the production
    of the plus rail in units of k: that effective smoothing is recorded with every run.

    Parameters
    ----------
    kz : float
        Rate constant of the annihilation and of the switch.
    """

    kz: float = 50.0

    name: ClassVar[str] = "relu"
    smooth: ClassVar[bool] = False
    annihilates: ClassVar[bool] = True

    def __post_init__(self) -> None:
        self._require_positive("kz")

    def add(self, network: Network, layer: int, dim: str) -> Rails:
        """Annihilate Z+ with Z-; P and N switch with their signs."""
        zp, zm = f"Z{layer}p[i]", f"Z{layer}m[i]"
        network.set_parameter("kz_relu", self.kz)
        network.add_species(f"P{layer}", dim)
        network.add_species(f"N{layer}", dim)
        p, n = f"P{layer}[i]", f"N{layer}[i]"
        network.add_family("activation", f"{zp} + {zm} -> 0", "kz_relu")
        network.add_family("derivative", f"{n} + {zp} -> {p} + {zp}", "kz_relu")
        network.add_family("derivative", f"{p} + {zm} -> {n} + {zm}", "kz_relu")
        names = (f"P{layer}", f"N{layer}")
        return Rails(
            f"Z{layer}p", None, names[0], conserved=names, initial=tuple((name, 0.5) for name in names)
        )

    def value(self, z: np.ndarray) -> np.ndarray:
        """max(z, 0), the limit of large kz."""
        return np.maximum(np.asarray(z, dtype=float), 0.0)

    def slope(self, z: np.ndarray) -> np.ndarray:
        """1 for z > 0, else 0."""
        return (np.asarray(z, dtype=float) > 0).astype(float)

    def effective_smoothing(self, production: np.ndarray, k: float = 1.0) -> np.ndarray:
        """h_eff = k p+/kz, with the production p+ in units of k."""
        return k * np.asarray(production, dtype=float) / self.kz
