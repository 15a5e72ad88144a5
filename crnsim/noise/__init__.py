"""Noise: what there is of it, and the keyed random streams that it is drawn from."""

from __future__ import annotations

from crnsim.noise.noise import RATES_MODES, SCOPES, Noise

__all__ = ["RATES_MODES", "SCOPES", "Noise"]
