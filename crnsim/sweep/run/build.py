"""Build the network of a group, and compile it before workers ask for it."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crnsim.circuits.circuit import OBSERVATION

if TYPE_CHECKING:
    from crnsim.circuits import Circuit
    from crnsim.network import Network
    from crnsim.sweep.plan.groups import Group


def group_network(group: Group) -> tuple[Network, Circuit | None]:
    """Return the network of a group, and the circuit that it is of; none for a network of the user's own."""
    if group.mode != OBSERVATION:
        circuit = group_circuit(group)
        return circuit.network, circuit
    from crnsim.experiment.task import task_of

    network = copy.deepcopy(task_of(group.source).network)
    for name, value in group.own_parameters:
        if network.has_parameter(name):
            network.set_parameter(name, float(value))
        else:
            network.set_initial({name: float(value)})
    return network, None


def write_network(group: Group, path: Path) -> None:
    """Write the network of a group as NetCDF, and as text beside it."""
    from crnsim.interchange.arrays import network_dataset
    from crnsim.interchange.text import network_text
    from crnsim.store.files import write_dataset, write_text

    network, circuit = group_network(group)
    of_circuit = (
        f"{group.circuit} {'-'.join(map(str, circuit.layers))}, {group.activation}" if circuit else ""
    )
    title = f"{group.name}: {of_circuit or dict(group.source).get('file') or group.circuit}"
    write_text(path.with_suffix(".crn"), network_text(network, title, circuit, elementary=True))
    write_dataset(
        network_dataset(network, circuit).assign_attrs(
            dataset=group.dataset, circuit=group.circuit, activation_label=group.label
        ),
        path,
    )


def group_circuit(group: Group, samples: int = 0) -> Circuit:
    """Return the circuit of a group, learning as fast as at the longest running time.

    One that stores its training set is built for as many samples as the data set has, or for `samples`.
    """
    from crnsim.datasets import dataset_info
    from crnsim.experiment.build import built_circuit

    settings, info = group.settings, dataset_info(group.dataset, group.source)

    def built(parameters: dict[str, Any]) -> Circuit:
        return built_circuit(
            group.circuit,
            settings.layers,
            group.activation,
            dual_rail=info.dual_rail,
            parameters=tuple(sorted(parameters.items())),
            unit_parameters=group.activation_parameters,
            samples=samples or info.n_train,
        )

    circuit = built(group.circuit_parameters)
    if group.weights:
        return circuit
    rates = circuit.rates_of(max(settings.running_times), settings.learning_rate)
    of_circuit = {name: value for name, value in rates.items() if name in circuit.parameters}
    circuit = built(group.circuit_parameters | of_circuit)
    if others := rates.keys() - of_circuit.keys():
        # Circuits with the same settings are one object.
        circuit = replace(circuit, network=copy.deepcopy(circuit.network))
        for name in others:
            circuit.network.set_parameter(name, rates[name])
    return circuit


def compile_circuit(group: Group) -> None:
    """Show the circuit two samples, so that compiled code, and the data, are there before workers want them."""
    if group.mode == OBSERVATION:
        from crnsim.experiment.run import run_points

        run_points([group.point(0, 0)])
        return
    from crnsim.algebraic import initial_weights
    from crnsim.datasets import load_dataset
    from crnsim.experiment.notebook import infer, train

    data = load_dataset(group.dataset, seed=group.seed, source=group.source)
    few = replace(
        data,
        x_train=data.x_train[:2],
        y_train=data.y_train[:2],
        x_test=data.x_test[:2],
        y_test=data.y_test[:2],
    )
    circuit, time = group_circuit(group, samples=len(few.x_train)), min(group.settings.running_times)
    if group.weights:
        some = initial_weights(circuit.layers, seed=group.seed, dataset=group.dataset, replicate=0)
        infer(circuit, few, weights=some, running_time=time, seed=group.seed)
    else:
        train(circuit, few, running_time=time, epochs=1, seed=group.seed)
