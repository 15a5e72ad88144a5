"""The one-pot circuit: feed-forward, backpropagation and weight update react at once, learning only slower.

After Kang & Kim, APL Machine Learning 2025, doi 10.1063/5.0271766 (arXiv 2410.11919); the reaction list is ours.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from typing import Any

from crnsim.activations import Activation
from crnsim.activations import activation as make_activation
from crnsim.circuits.circuit import Circuit
from crnsim.errors import InputError, suggest
from crnsim.network import Network

#: k: fast rate constant; eps: learning; ka: annihilation of E, G and R; kz: of Z; kw: of W and B; decay: of W and B.
PARAMETERS: dict[str, float] = {"k": 1.0, "eps": 0.002, "ka": 20.0, "kz": 2.0, "kw": 1.0, "decay": 0.0}

_SIGN = {("p", "p"): "p", ("p", "m"): "m", ("m", "p"): "m", ("m", "m"): "p"}
_OPPOSITE = {"p": "m", "m": "p"}


def onepot(
    layers: Sequence[int],
    activation: str | Activation = "squareplus",
    *,
    dual_rail: bool = False,
    **parameters: Any,
) -> Circuit:
    """Build a one-pot network that learns by chemical backpropagation.

    On the slow manifold ``dw/dt = -eps dL/dw`` with L = |o - t|^2 / 2; one presentation of duration T is a step of
    gradient descent of size eps T.

    Parameters
    ----------
    layers : sequence of int
        Units of each layer, inputs first, such as ``(2, 6, 1)``.
    activation : str or Activation
        Of the hidden layers; the output is linear.
    dual_rail : bool
        Give the inputs two rails, for features that can be negative.
    **parameters
        Rate constants of the circuit (`PARAMETERS`) and parameters of the activation, such as ``h``. In a circuit with
        ``relu``, ``kz`` is the activation's, and the output annihilates at the circuit's default.

    Returns
    -------
    Circuit

    Raises
    ------
    InputError
        For fewer than two layers, an unknown parameter or a negative one.
    """
    sizes = _check_layers(layers)
    unit, values = _split_parameters(activation, parameters)
    dims = {f"n{layer}": size for layer, size in enumerate(sizes)}
    net = Network(dims=dims, parameters=values)
    depth = len(sizes) - 1
    rails: list[tuple[str, str | None]] = [("X0p", "X0m" if dual_rail else None)]
    for name in ("X0p", "X0m") if dual_rail else ("X0p",):
        net.add_species(name, "n0")
    net.add_species("One")
    for layer in range(1, depth + 1):
        _add_layer_species(net, layer, depth)
    units = []
    for layer in range(1, depth + 1):
        _preactivation(net, layer, rails[layer - 1], annihilate=layer == depth or not unit.annihilates)
        if layer < depth:
            units.append(unit.add(net, layer, f"n{layer}"))
            rails.append((units[-1].plus, units[-1].minus))
    _error(net, depth)
    for layer in range(depth - 1, 0, -1):
        _backward(net, layer, depth, units[layer - 1].slope)
    for layer in range(1, depth + 1):
        _update(net, layer, depth, rails[layer - 1])
    initial = {"One": 1.0} | {name: value for rail in units for name, value in rail.initial}
    return Circuit(
        name="onepot",
        layers=sizes,
        activation=unit,
        parameters=values,
        network=net,
        inputs=rails[0],
        targets=("Tp", "Tm"),
        outputs=(f"Z{depth}p", f"Z{depth}m"),
        weights=tuple((f"{w}{i}p", f"{w}{i}m") for i in range(1, depth + 1) for w in "WB"),
        hidden=tuple(f"Z{layer}p" for layer in range(1, depth)),
        conserved=tuple(rail.conserved for rail in units if rail.conserved),
        initial=initial,
        learning_off={"eps": 0.0, "decay": 0.0},
    )


def _check_layers(layers: Sequence[int]) -> tuple[int, ...]:
    try:
        sizes = tuple(int(size) for size in layers)
        whole = all(int(size) == size for size in layers)
    except (TypeError, ValueError):
        sizes, whole = (), False
    if len(sizes) < 2 or not whole or min(sizes) < 1:
        raise InputError(f"layers are {layers!r}; give at least two whole numbers >= 1, such as 2,6,1")
    return sizes


def _split_parameters(
    activation: str | Activation, parameters: dict[str, Any]
) -> tuple[Activation, dict[str, float]]:
    """Sort parameters into those of the activation and those of the circuit."""
    if isinstance(activation, Activation):
        unit, of_unit = activation, set[str]()
    else:
        of_unit = set(make_activation(activation).parameters())
        unit = make_activation(activation, **{k: v for k, v in parameters.items() if k in of_unit})
    values = dict(PARAMETERS)
    for name, value in parameters.items():
        if name in of_unit:
            continue
        if name not in PARAMETERS:
            raise InputError(f"onepot has no parameter '{name}'; {suggest(name, [*PARAMETERS, *of_unit])}")
        number = isinstance(value, numbers.Real) and not isinstance(value, bool)
        if not number or not (value >= 0 and math.isfinite(value)):
            raise InputError(f"onepot: {name} is {value!r}; it must be a finite number >= 0")
        values[name] = float(value)
    if values["k"] == 0:
        raise InputError("onepot: k is 0; the fast rate constant must be > 0")
    return unit, values


def _add_layer_species(net: Network, layer: int, depth: int) -> None:
    for rail in "pm":
        net.add_species(f"W{layer}{rail}", f"n{layer}", f"n{layer - 1}", slow=True)
        net.add_species(f"B{layer}{rail}", f"n{layer}", slow=True)
        net.add_species(f"Z{layer}{rail}", f"n{layer}")
        for name in ("E", "T") if layer == depth else (f"R{layer}", f"G{layer}"):
            net.add_species(f"{name}{rail}", f"n{layer}")


def _rails(pair: tuple[str, str | None]) -> list[tuple[str, str]]:
    """(rail, species) of a signal with one rail or two."""
    return [(rail, name) for rail, name in zip("pm", pair, strict=True) if name is not None]


def _preactivation(net: Network, layer: int, source: tuple[str, str | None], *, annihilate: bool) -> None:
    """Z relaxes to W X + B."""
    for a in "pm":
        w, b = f"W{layer}{a}[i,j]", f"B{layer}{a}[i]"
        for rail, name in _rails(source):
            z = f"Z{layer}{_SIGN[a, rail]}[i]"
            net.add_family("pre-activation", f"{w} + {name}[j] -> {w} + {name}[j] + {z}", "k")
        net.add_family("pre-activation", f"{b} + One -> {b} + One + Z{layer}{a}[i]", "k")
        net.add_family("pre-activation", f"Z{layer}{a}[i] -> 0", "k")
    if annihilate:
        net.add_family("pre-activation", f"Z{layer}p[i] + Z{layer}m[i] -> 0", "kz")


def _error(net: Network, depth: int) -> None:
    """E relaxes to output minus target."""
    for a in "pm":
        z, t = f"Z{depth}{a}[i]", f"T{a}[i]"
        net.add_family("error", f"{z} -> {z} + E{a}[i]", "k")
        net.add_family("error", f"{t} -> {t} + E{_OPPOSITE[a]}[i]", "k")
        net.add_family("error", f"E{a}[i] -> 0", "k")
    net.add_family("error", "Ep[i] + Em[i] -> 0", "ka")


def _backward(net: Network, layer: int, depth: int, slope: str) -> None:
    """R relaxes to the transposed weights times the error above, G to its product with the slope."""
    above = "E" if layer + 1 == depth else f"G{layer + 1}"
    for a in "pm":
        for b in "pm":
            w, e = f"W{layer + 1}{a}[k,i]", f"{above}{b}[k]"
            net.add_family("backward", f"{w} + {e} -> {w} + {e} + R{layer}{_SIGN[a, b]}[i]", "k")
        r, d, g = f"R{layer}{a}[i]", f"{slope}[i]", f"G{layer}{a}[i]"
        net.add_family("backward", f"{r} -> 0", "k")
        net.add_family("backward", f"{d} + {r} -> {d} + {r} + {g}", "k")
        net.add_family("backward", f"{g} -> 0", "k")
    net.add_family("backward", f"R{layer}p[i] + R{layer}m[i] -> 0", "ka")
    net.add_family("backward", f"G{layer}p[i] + G{layer}m[i] -> 0", "ka")


def _update(net: Network, layer: int, depth: int, source: tuple[str, str | None]) -> None:
    """Weights move against the gradient, slowly."""
    gradient = "E" if layer == depth else f"G{layer}"
    for a in "pm":
        g = f"{gradient}{a}[i]"
        for rail, name in _rails(source):
            w = f"W{layer}{_OPPOSITE[_SIGN[a, rail]]}[i,j]"
            net.add_family("update", f"{g} + {name}[j] -> {g} + {name}[j] + {w}", "eps")
        net.add_family("update", f"{g} + One -> {g} + One + B{layer}{_OPPOSITE[a]}[i]", "eps")
    for species in (f"W{layer}", f"B{layer}"):
        index = "[i,j]" if species[0] == "W" else "[i]"
        net.add_family("update", f"{species}p{index} + {species}m{index} -> 0", "kw")
        for a in "pm":
            if net.parameters["decay"] > 0:
                net.add_family("update", f"{species}{a}{index} -> 0", "decay")
