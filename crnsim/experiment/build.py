"""Circuits from their settings: the circuit of a point, and any other."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from crnsim.experiment.point import Parameters, Point

if TYPE_CHECKING:
    from crnsim.circuits import Circuit


@lru_cache(maxsize=64)
def built_circuit(
    circuit: str,
    layers: tuple[int, ...],
    activation: str,
    *,
    dual_rail: bool,
    parameters: Parameters,
    unit_parameters: Parameters,
    samples: int = 0,
) -> Circuit:
    """Build a circuit; the same settings give the same object.

    Parameters
    ----------
    circuit, activation : str
        Names.
    layers : tuple of int
        Units per layer, from features to targets.
    dual_rail : bool
        Whether features may be negative.
    parameters, unit_parameters : tuple of (str, float or str)
        Parameters of the circuit and of its activation; what is left out has a default.
    samples : int
        That it is trained on, for a circuit that stores them; 0 for as many as it is built for by default.

    Raises
    ------
    InputError
        A name or a parameter is unknown or does not fit.
    """
    from crnsim.activations import activation as make_activation
    from crnsim.circuits import build_named, circuit_kind

    unit, given = make_activation(activation, **dict(unit_parameters)), dict(parameters)
    if samples and (name := circuit_kind(circuit).samples_parameter):
        given = {name: samples} | given
    return build_named(circuit, layers, unit, dual_rail=dual_rail, **given)


def build_circuit(point: Point) -> Circuit:
    """Build the circuit of a point.

    Raises
    ------
    InputError
        If the layers do not fit the data set, or a name or parameter is unknown.
    """
    from crnsim.datasets import check_layers, dataset_info

    check_layers(point.dataset, point.layers, point.source)
    info = dataset_info(point.dataset, point.source)
    return built_circuit(
        point.circuit,
        point.layers,
        point.activation,
        dual_rail=info.dual_rail,
        parameters=point.circuit_parameters,
        unit_parameters=point.activation_parameters,
        samples=info.n_train,
    )
