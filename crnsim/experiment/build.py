"""The circuit of a point."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from crnsim.experiment.point import Parameters, Point

if TYPE_CHECKING:
    from crnsim.circuits import Circuit


@lru_cache(maxsize=64)
def _build(
    circuit: str,
    layers: tuple[int, ...],
    activation: str,
    dual_rail: bool,
    parameters: Parameters,
    unit_parameters: Parameters,
) -> Circuit:
    from crnsim.activations import activation as make_activation
    from crnsim.circuits import circuit_kind

    unit = make_activation(activation, **dict(unit_parameters))
    return circuit_kind(circuit).build(layers, unit, dual_rail=dual_rail, **dict(parameters))


def build_circuit(point: Point) -> Circuit:
    """Build the circuit of a point.

    Raises
    ------
    InputError
        If the layers do not fit the data set, or a name or parameter is unknown.
    """
    from crnsim.datasets import check_layers, dataset_info

    check_layers(point.dataset, point.layers, point.source)
    return _build(
        point.circuit,
        point.layers,
        point.activation,
        dataset_info(point.dataset, point.source).dual_rail,
        point.circuit_parameters,
        point.activation_parameters,
    )
