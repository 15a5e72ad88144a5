"""Activations: forward chemistry, derivative chemistry and closed form of each."""

from __future__ import annotations

from crnsim.activations.base import Activation, Cost, single_unit
from crnsim.activations.bounded import AlgebraicSigmoid, AlgebraicTanh
from crnsim.activations.layer import Layer, Rails, Slope
from crnsim.activations.logistic import Logistic
from crnsim.activations.registry import ACTIVATIONS, activation, activation_class, known_names, source_hash
from crnsim.activations.relu import LeakyRelu, Relu
from crnsim.activations.squareplus import LeakySquareplus, Squareplus

__all__ = [
    "ACTIVATIONS",
    "Activation",
    "AlgebraicSigmoid",
    "AlgebraicTanh",
    "Cost",
    "Layer",
    "LeakyRelu",
    "LeakySquareplus",
    "Logistic",
    "Rails",
    "Relu",
    "Slope",
    "Squareplus",
    "activation",
    "activation_class",
    "known_names",
    "single_unit",
    "source_hash",
]


def __dir__() -> list[str]:
    return sorted(__all__)
