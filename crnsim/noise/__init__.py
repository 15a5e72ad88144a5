"""Noise: the kinds there are, how much of each, and the keyed random streams that they draw from."""

from __future__ import annotations

from crnsim.noise.kinds import KINDS, NOISE_KINDS, SCOPES, NoiseKind, Option, noise_kind
from crnsim.noise.noise import Noise

__all__ = ["KINDS", "NOISE_KINDS", "SCOPES", "Noise", "NoiseKind", "Option", "noise_kind"]
