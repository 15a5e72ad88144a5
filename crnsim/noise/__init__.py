"""Noise: the kinds there are, how much of each, and the keyed random streams that they draw from."""

from __future__ import annotations

from crnsim.noise.kinds import KINDS, NOISE_KINDS, SCOPES, NoiseKind, noise_kind
from crnsim.noise.noise import Noise
from crnsim.noise.options import Option

__all__ = ["KINDS", "NOISE_KINDS", "SCOPES", "Noise", "NoiseKind", "Option", "noise_kind"]


def __dir__() -> list[str]:
    return sorted(__all__)
