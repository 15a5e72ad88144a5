"""The clocked circuit put together.

After Fan, Zhang, Gao, Dochain, IEEE Trans. Automatic Control 2025, doi 10.1109/TAC.2025.3554428 (arXiv 2311.18313), and
arXiv 2401.07077, of which we know the abstracts; the reactions are ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from crnsim.activations import Activation, Layer, Rails, Slope
from crnsim.circuits.arguments import LINEAR, check_layers, output_unit, split_parameters
from crnsim.circuits.circuit import CircuitKind, Signal
from crnsim.circuits.clocked import modules
from crnsim.circuits.clocked.circuit import ClockedCircuit
from crnsim.circuits.clocked.phases import Phases, plan_phases
from crnsim.circuits.oscillator import (
    CLOCK,
    CLOCK_DIM,
    CLOCK_RATE,
    LEAK,
    SMALLEST_DELTA,
    add_ring,
    clock_rate,
    ring_start,
)
from crnsim.entrance.arguments import check_number, check_whole
from crnsim.entrance.objects import check_flag
from crnsim.errors import InputError
from crnsim.network.network import Network

#: k: rate constant of everything in a phase; eta: step of gradient descent; ka: annihilation of E, R and G; kz: of Z;
#: kw: of W and B; kj, kd: of the judgment at its threshold, and of the decision.
_RATES: dict[str, float] = {"k": 1.0, "eta": 4.0, "ka": 10.0, "kz": 10.0, "kw": 1.0, "kj": 2.0, "kd": 10.0}
#: Samples that are stored; mean squared error of an epoch below which it stops; concentration of a species of the clock
#: between its pulses.
_STRUCTURE: dict[str, float] = {"samples": 4, "threshold": 0.025, "delta": 1e-8}
PARAMETERS: dict[str, Any] = _RATES | _STRUCTURE | {"output": "logistic", "h_output": 1.0}
#: What the output can be.
OUTPUTS = (LINEAR, "logistic", "algebraic_sigmoid")
#: The least threshold, times samples, at which the judgment competes at kj.
SHARPEST = 1e-3
#: The largest delta: with more the modules are not kept apart.
MOST_DELTA = 1e-3
#: The most samples that are stored: each is marked by a species of its own.
MOST_SAMPLES = 2000
#: Phase length of the network before a run sets its own.
PHASE_LENGTH = 10.0


def clocked(
    layers: Sequence[int],
    activation: str | Activation = "logistic",
    *,
    dual_rail: bool = False,
    **parameters: Any,
) -> ClockedCircuit:
    """Build a network that trains itself in phases of a chemical clock, with nobody touching the pot.

    In each iteration it loads the next of its stored samples, computes the output layer by layer, judges the error,
    propagates it back, and changes its weights by one step of gradient descent on ``|o - t|^2 / 2``. When the mean of
    ``|o - t|^2`` over an epoch falls below ``threshold``, clock and learning stop for good.

    Parameters
    ----------
    layers : sequence of int
        Units of each layer, inputs first, such as ``(2, 3, 1)``.
    activation : str or Activation
        Of the hidden layers: ``"logistic"``, or any other.
    dual_rail : bool
        Give the inputs two rails, for features that can be negative.
    **parameters
        Those of `PARAMETERS`, and of the activation. ``samples``: how many training samples it stores. ``eta``: the
        step of gradient descent. ``output``: ``"logistic"``, ``"linear"`` or ``"algebraic_sigmoid"``, whose smoothing
        is ``h_output``. ``threshold=0`` leaves the judgment out: it never stops.

    Returns
    -------
    ClockedCircuit

    Raises
    ------
    InputError
        For fewer than two layers, an unknown parameter or one out of range, or an unknown output.
    """
    sizes = check_layers(layers)
    dual_rail = check_flag("dual_rail", dual_rail)
    unit, values = split_parameters(
        "clocked", activation, parameters, PARAMETERS, text=("output",), clocked=True
    )
    _check_structure(values)
    last = output_unit("clocked", values["output"], values["h_output"], OUTPUTS)
    depth = len(sizes) - 1
    phases = plan_phases(depth, output_unit=last is not None)
    net = _empty(sizes, values, phases)
    at = Phases(net, phases)
    judges = values["threshold"] > 0
    add_ring(net, {2 * phases["increment"] + 1: modules.GO_ON} if judges else None)
    signals = [Rails("X0p", "X0m" if dual_rail else None)]
    modules.samples(at, int(values["samples"]))
    modules.assignment(at, signals[0], depth)
    built: list[Layer] = []
    slopes: list[Slope] = []
    for layer in range(1, depth + 1):
        modules.weights(at, layer)
        kind = unit if layer < depth else last
        modules.weighted_sum(
            at, layer, signals[-1], annihilate=kind is None or kind.needs_clock or not kind.needs_rails
        )
        if kind is None:
            signals.append(Rails(f"Z{layer}p", f"Z{layer}m"))
            continue
        suffix = "" if layer < depth else "_output"
        built.append(at.layer(layer, f"act{layer}", suffix=suffix, reserved=frozenset(PARAMETERS)))
        following = f"sum{layer + 1}" if layer < depth else "error"
        value, slope = modules.units(at, kind, built[-1], following)
        signals.append(value)
        slopes.append(slope)
    modules.error(at, signals[-1], depth)
    modules.accounts(at)
    if judges:
        modules.verdict(at)
    above = "E"
    if last is not None:
        modules.gradient(at, depth, "E", slopes[-1])
        above = f"G{depth}"
    gradients = {depth: above}
    for layer in range(depth - 1, 0, -1):
        modules.backward(at, layer, gradients[layer + 1])
        modules.gradient(at, layer, f"R{layer}", slopes[layer - 1])
        gradients[layer] = f"G{layer}"
    for layer in range(1, depth + 1):
        modules.learning(at, layer, gradients[layer], signals[layer - 1])
    return _assembled(sizes, unit, last, values, at, signals, built)


def _empty(sizes: Sequence[int], values: dict[str, Any], phases: dict[str, int]) -> Network:
    """A network of the dimensions and rate parameters of a circuit."""
    dims = {f"n{layer}": size for layer, size in enumerate(sizes)}
    count = int(values["samples"])
    net = Network(
        dims | {"samples": count, CLOCK_DIM: 2 * (1 + max(phases.values()))},
        {name: values[name] for name in _RATES if name != "kj"},
    )
    net.set_parameter(CLOCK_RATE, clock_rate(PHASE_LENGTH, values["delta"]))
    net.set_parameter(LEAK, values["delta"])
    total = count * values["threshold"]
    if total > 0:
        # At the threshold, whatever its size, the two sides of the judgment compete at kj; but for one so small that
        # the reactions would be too fast.
        net.set_parameter("kj", values["kj"] / max(total, SHARPEST))
        net.set_parameter("kj_threshold", values["kj"] * total / max(total, SHARPEST))
        for name in (modules.GO_ON, modules.HALT):
            net.add_species(name)
    return net


def _assembled(
    sizes: tuple[int, ...],
    unit: Activation,
    last: Activation | None,
    values: dict[str, Any],
    at: Phases,
    signals: list[Rails],
    built: list[Layer],
) -> ClockedCircuit:
    net, depth = at.network, len(sizes) - 1
    weights = tuple((f"{w}{i}p", f"{w}{i}m") for i in range(1, depth + 1) for w in "WB")
    made = {s.name for s in net.species}
    passing = [f"d{name}" for pair in weights for name in pair]
    passing += [f"{letter}{a}" for letter in (f"{modules.SAMPLE}", "E") for a in "pm"]
    passing += [f"{letter}{i}{a}" for letter in "RG" for i in range(1, depth + 1) for a in "pm"]
    modules.clear_out(at, [name for name in passing if name in made])
    marks: np.ndarray = np.zeros(net.dims["samples"])
    marks[0] = 1.0
    initial: dict[str, Any] = {CLOCK: ring_start(net.dims[CLOCK_DIM], values["delta"]), modules.HERE: marks}
    initial |= {modules.GO_ON: 1.0} if values["threshold"] > 0 else {}
    initial |= {name: value for layer in built for name, value in layer.initial.items()}
    conserved = [law for layer in built for law in layer.conserved]
    ring = [f"{CLOCK}[{i}]" for i in range(net.dims[CLOCK_DIM])]
    mark = [f"{name}[{s}]" for name in (modules.HERE, modules.NEXT) for s in range(net.dims["samples"])]
    conserved += [tuple(ring), tuple(mark)]
    conserved += [(modules.GO_ON, modules.HALT)] if values["threshold"] > 0 else []
    kept = values if last is not None and "h" in last.parameters() else _without(values, "h_output")
    slowest = min([1.0, *(_slowest(kind) for kind in {unit, last} if kind is not None)])
    return ClockedCircuit(
        kind=CLOCKED,
        layers=sizes,
        activation=unit,
        output_unit=last,
        parameters=kept,
        network=net,
        inputs=(signals[0].plus, signals[0].minus),
        targets=("Tp", "Tm"),
        outputs=(signals[-1].plus, signals[-1].minus),
        output_gain=signals[-1].gain,
        weights=weights,
        hidden=tuple(f"Z{layer}p" for layer in range(1, depth)),
        conserved=tuple(conserved),
        initial=initial,
        learning_off={"eta": 0.0},
        signals=_signals(signals[0], signals[-1], depth),
        phases=at.number,
        slowest=slowest,
    )


def _slowest(unit: Activation) -> float:
    """Slowest rate at which a unit can relax."""
    z = np.linspace(-4.0, 4.0, 161)
    rates = unit.relaxation_rate(np.maximum(z, 0), np.maximum(-z, 0))
    return float(np.min(rates))


def _without(values: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key != name}


def _check_structure(values: dict[str, Any]) -> None:
    given = values["samples"]
    whole = int(given) if isinstance(given, float) and given.is_integer() else given
    if isinstance(whole, int) and whole > MOST_SAMPLES:
        raise InputError(
            f"clocked: samples is {whole}; the circuit stores its training set, and at most {MOST_SAMPLES} of samples"
        )
    values["samples"] = check_whole("clocked: samples", whole, most=MOST_SAMPLES)
    values["delta"] = check_number("clocked: delta", values["delta"], least=SMALLEST_DELTA, most=MOST_DELTA)
    for name in ("kj", "kd"):
        if values["threshold"] > 0 and values[name] == 0:
            raise InputError(f"clocked: {name} is 0; it must be > 0 where there is a threshold")


def _signals(inputs: Rails, output: Rails, depth: int) -> tuple[Signal, ...]:
    """What there is to see in a recorded run."""
    return (
        Signal(
            "Clock",
            "The pulses of the first phases; those between them belong to no phase.",
            ((CLOCK, None),),
            most=6,
        ),
        Signal(
            "Inputs", "Loaded in the first phase of each iteration.", ((inputs.plus, inputs.minus),), most=4
        ),
        Signal(
            "Output and target",
            "The output is there from its phase on until the next sample is loaded.",
            ((output.plus, output.minus), ("Tp", "Tm")),
            most=1,
        ),
        Signal(
            "Error",
            "Plus rail minus minus rail, from its phase on.",
            (("Ep", "Em"),),
            most=2,
        ),
        Signal(
            "Weights of the last layer",
            "They change in the last phase of an iteration alone.",
            ((f"W{depth}p", f"W{depth}m"),),
            most=3,
        ),
    )


#: The entry of the table of circuits.
CLOCKED = CircuitKind(
    name="clocked",
    title="trains itself in phases of a chemical clock, and stops by itself",
    build=clocked,
    parameters=PARAMETERS,
    learning_parameter="eta",
    samples_parameter="samples",
    activation="logistic",
    schedule={"running_time": PHASE_LENGTH, "learning_rate": 4.0},
)
