"""The one-pot circuit: feed-forward, backpropagation and weight update react at once, learning only slower.

After Kang & Kim, APL Machine Learning 2025, doi 10.1063/5.0271766 (arXiv 2410.11919); the reaction list is ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from crnsim.activations import Activation, Layer, Rails, Slope
from crnsim.activations.rectifier import rectified
from crnsim.circuits.arguments import LINEAR, check_layers, output_unit, split_parameters, times
from crnsim.circuits.circuit import Circuit, CircuitKind, Signal
from crnsim.entrance.objects import check_flag
from crnsim.errors import InputError
from crnsim.network.network import Network

#: k: fast rate constant; eps: learning; ka: annihilation of E, G and R; kz: of Z; kw: of W and B; decay: of W and B.
#: Nothing is learned from an error below dead_zone; kd: rate constant of the reactions that see to it, hd: smoothing.
_RATES: dict[str, float] = {"k": 1.0, "eps": 0.002, "ka": 100.0, "kz": 10.0, "kw": 1.0, "decay": 0.0} | {
    "dead_zone": 0.05,
    "kd": 5.0,
    "hd": 1e-4,
}
#: The target passes `delay` stages for each layer of units, so that it meets the error when the output does. Output and
#: target are compared by `comparators` reactions each, and weights are moved by `updates` reactions where one would do:
#: the mean of n rate constants that are off is off by 1/sqrt(n) as much.
_STRUCTURE: dict[str, float] = {"delay": 3, "comparators": 1, "updates": 1}
MOST_STAGES = 100
_COPIES = ("comparators", "updates")
MOST_COPIES = 100
#: Rate constants, delay, the output, and the smoothing of an output that is not linear.
PARAMETERS: dict[str, Any] = _RATES | _STRUCTURE | {"output": LINEAR, "h_output": 1.0}
#: What the output can be.
OUTPUTS = (LINEAR, "algebraic_sigmoid")

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

    On the slow manifold ``dw/dt = -eps dL/dw``; one presentation of duration T is a step of gradient descent of size
    eps T. Without a dead zone ``L = |o - t|^2 / 2``; with it, each ``|o - t|`` counts from ``dead_zone`` on.

    Parameters
    ----------
    layers : sequence of int
        Units of each layer, inputs first, such as ``(2, 6, 1)``.
    activation : str or Activation
        Of the hidden layers.
    dual_rail : bool
        Give the inputs two rails, for features that can be negative.
    **parameters
        Rate constants of the circuit (`PARAMETERS`) and parameters of the activation, such as ``h``. In a circuit with
        ``relu``, ``kz`` is the activation's, and the output annihilates at the circuit's default. ``output`` is
        ``"linear"`` or ``"algebraic_sigmoid"``, whose smoothing is ``h_output``. ``dead_zone=0`` and ``delay=0`` leave
        the reactions of the dead zone and of the delay out. ``comparators=4`` and ``updates=4`` compare, and learn, by
        four reactions each in the place of one, so that rate constants that are off do half as much harm there.

    Returns
    -------
    Circuit

    Raises
    ------
    InputError
        For fewer than two layers, an unknown parameter or a negative one, or an unknown output.
    """
    sizes = check_layers(layers)
    dual_rail = check_flag("dual_rail", dual_rail)
    unit, values = split_parameters("onepot", activation, parameters, PARAMETERS, text=("output",))
    last = output_unit("onepot", values["output"], values["h_output"], OUTPUTS)
    _check_structure(values)
    rates = {name: values[name] for name in _RATES}
    net = Network(dims={f"n{layer}": size for layer, size in enumerate(sizes)}, parameters=rates)
    depth = len(sizes) - 1
    signals = [Rails("X0p", "X0m" if dual_rail else None)]
    for _, name, _ in signals[0].signed():
        net.add_species(name, "n0")
    net.add_species("One")
    for number in range(1, depth + 1):
        _add_layer_species(net, number, last=number == depth, slope=number < depth or last is not None)
    built, slopes = [], list[Slope]()
    for number in range(1, depth + 1):
        kind = unit if number < depth else last
        annihilate = kind is None or not kind.needs_rails
        _preactivation(net, number, signals[-1], annihilate=annihilate)
        if kind is None:
            signals.append(Rails(f"Z{number}p", f"Z{number}m"))
            continue
        built.append(_unit_layer(net, number, suffix="" if number < depth else "_output"))
        signals.append(kind.add_value(built[-1]))
        slopes.append(kind.add_slope(built[-1]))
    _error(net, depth, signals[-1], len(built), values)
    error = _dead_zone(net, depth) if values["dead_zone"] > 0 else "E"
    gradients = [f"G{number}" for number in range(1, depth)] + [error if last is None else f"G{depth}"]
    if last is not None:
        _output_gradient(net, depth, error, slopes[-1])
    for number in range(depth - 1, 0, -1):
        _backward(net, number, gradients[number], slopes[number - 1])
    for number in range(1, depth + 1):
        _update(net, number, gradients[number - 1], signals[number - 1], int(values["updates"]))
    return Circuit(
        kind=ONEPOT,
        layers=sizes,
        activation=unit,
        output_unit=last,
        parameters=values if last is not None else {name: values[name] for name in _RATES | _STRUCTURE},
        network=net,
        inputs=(signals[0].plus, signals[0].minus),
        targets=("Tp", "Tm"),
        outputs=(signals[-1].plus, signals[-1].minus),
        weights=tuple((f"{w}{i}p", f"{w}{i}m") for i in range(1, depth + 1) for w in "WB"),
        hidden=tuple(f"Z{layer}p" for layer in range(1, depth)),
        conserved=tuple(law for layer in built for law in layer.conserved),
        initial={"One": 1.0}
        | _quiet(values)
        | {n: value for layer in built for n, value in layer.initial.items()},
        learning_off={"eps": 0.0, "decay": 0.0},
        signals=_signals(depth, signals[0], signals[-1]),
    )


def _signals(depth: int, inputs: Rails, output: Rails) -> tuple[Signal, ...]:
    """What there is to see in a recorded run."""
    return (
        Signal(
            "Inputs",
            "Set at the start of each presentation; p and m are the plus and the minus rail.",
            ((inputs.plus, inputs.minus),),
            most=4,
        ),
        Signal(
            "Output and target",
            "The output is plus rail minus minus rail; once learned, it settles at the target.",
            ((output.plus, output.minus), ("Tp", "Tm")),
            most=1,
        ),
        Signal(
            "Error",
            "Plus rail minus minus rail; the closer the two, the smaller the error.",
            (("Ep", "Em"),),
            most=2,
        ),
        Signal(
            "Weights of the last layer",
            "They change slowly; both rails growing is the common mode.",
            ((f"W{depth}p", f"W{depth}m"),),
            most=3,
        ),
    )


def _check_structure(values: dict[str, Any]) -> None:
    if values["delay"] != int(values["delay"]) or values["delay"] > MOST_STAGES:
        raise InputError(
            f"onepot: delay is {values['delay']:g}; it must be a whole number of stages, from 0 to {MOST_STAGES}"
        )
    for name in _COPIES:
        if values[name] != int(values[name]) or not 1 <= values[name] <= MOST_COPIES:
            raise InputError(
                f"onepot: {name} is {values[name]:g}; it must be a whole number of reactions, from 1 to {MOST_COPIES}"
            )
    if values["dead_zone"] > 0 and not (values["kd"] > 0 and values["hd"] > 0):
        raise InputError("onepot: kd and hd must be > 0 where there is a dead zone")


def _unit_layer(net: Network, number: int, *, suffix: str) -> Layer:
    """Units that their pre-activation drives."""
    rails = (f"Z{number}p", f"Z{number}m")
    up, down = (((f"{rail}[i]", "k"),) for rail in rails)
    return Layer(net, number, f"n{number}", up, down, rails, suffix, reserved=frozenset(PARAMETERS))


def _add_layer_species(net: Network, layer: int, *, last: bool, slope: bool) -> None:
    signals = ["E", "T"] if last else [f"R{layer}"]
    signals += [f"G{layer}"] if slope else []
    for rail in "pm":
        net.add_species(f"W{layer}{rail}", f"n{layer}", f"n{layer - 1}", slow=True)
        net.add_species(f"B{layer}{rail}", f"n{layer}", slow=True)
        for name in (f"Z{layer}", *signals):
            net.add_species(f"{name}{rail}", f"n{layer}")


def _copied(net: Network, part: str, equation: str, rate: str, copies: int) -> None:
    """Add a family of reactions, or several that do the same, each at a share of the rate."""
    for _ in range(copies):
        net.add_family(part, equation, rate if copies == 1 else f"{1 / copies!r}*{rate}")


def _preactivation(net: Network, layer: int, source: Rails, *, annihilate: bool) -> None:
    """Z relaxes to W X + B."""
    for a in "pm":
        w, b = f"W{layer}{a}[i,j]", f"B{layer}{a}[i]"
        for rail, name, gain in source.signed():
            x, z = f"{name}[j]", f"Z{layer}{_SIGN[a, rail]}[i]"
            net.add_family("pre-activation", f"{w} + {x} -> {w} + {x} + {z}", times("k", gain))
        net.add_family("pre-activation", f"{b} + One -> {b} + One + Z{layer}{a}[i]", "k")
        net.add_family("pre-activation", f"Z{layer}{a}[i] -> 0", "k")
    if annihilate:
        net.add_family("pre-activation", f"Z{layer}p[i] + Z{layer}m[i] -> 0", "kz")


def _target(net: Network, depth: int, *, stages: int, copies: int) -> str:
    """Delay the target by stages that pass it on; return what the error reads.

    The target makes its first copy at k, and each copy turns into the next at k: whatever the constants of the later
    stages, as much arrives as was made.
    """
    for a in "pm":
        for stage in range(1, stages + 1):
            net.add_species(f"T{stage}{a}", f"n{depth}")
            source = f"T{a}[i] -> T{a}[i] + " if stage == 1 else f"T{stage - 1}{a}[i] -> "
            _copied(net, "delay", f"{source}T{stage}{a}[i]", "k", copies if stage == 1 else 1)
    return f"T{stages}" if stages else "T"


def _error(net: Network, depth: int, output: Rails, layers: int, values: dict[str, Any]) -> None:
    """E relaxes to output minus target, which is delayed for `layers` of units."""
    copies = int(values["comparators"])
    target = _target(net, depth, stages=int(values["delay"]) * layers, copies=copies)
    outputs = {rail: (name, gain) for rail, name, gain in output.signed()}
    for a in "pm":
        if a in outputs:
            name, gain = outputs[a]
            _copied(net, "error", f"{name}[i] -> {name}[i] + E{a}[i]", times("k", gain), copies)
        t, e = f"{target}{a}[i]", f"E{_OPPOSITE[a]}[i]"
        # The last copy of a delayed target is used up; the target itself is held and stays.
        if target == "T":
            _copied(net, "error", f"{t} -> {t} + {e}", "k", copies)
        else:
            net.add_family("error", f"{t} -> {e}", "k")
        net.add_family("error", f"E{a}[i] -> 0", "k")
    net.add_family("error", "Ep[i] + Em[i] -> 0", "ka")


def _dead_zone(net: Network, depth: int) -> str:
    """F+ relaxes to the squareplus of E+ - E- - dead_zone, F- to that of E- - E+ - dead_zone; return the name F.

    Without an error both rails are nearly empty (hd / dead_zone): updates whose rate constants differ have nothing to
    drift on.
    """
    for a in "pm":
        net.add_species(f"F{a}", f"n{depth}")
        f, e, against = f"F{a}[i]", f"E{a}[i]", f"E{_OPPOSITE[a]}[i]"
        net.add_family("dead zone", f"0 -> {f}", "kd*hd")
        net.add_family("dead zone", f"{e} + {f} -> {e} + 2{f}", "kd")
        net.add_family("dead zone", f"{against} + {f} -> {against}", "kd")
        net.add_family("dead zone", f"{f} -> 0", "kd*dead_zone")
        net.add_family("dead zone", f"2{f} -> {f}", "kd")
    return "F"


def _quiet(values: dict[str, Any]) -> dict[str, float]:
    """Concentrations of F where there is no error."""
    if not values["dead_zone"]:
        return {}
    return dict.fromkeys(("Fp", "Fm"), float(rectified(-values["dead_zone"], values["hd"])))


def _output_gradient(net: Network, depth: int, error: str, slope: Slope) -> None:
    """G of the last layer relaxes to the error times the slope of the output."""
    for a in "pm":
        _gradient(net, f"{error}{a}[i]", f"G{depth}{a}[i]", slope)
    net.add_family("backward", f"G{depth}p[i] + G{depth}m[i] -> 0", "ka")


def _gradient(net: Network, error: str, g: str, slope: Slope) -> None:
    for name, gain in slope:
        d = f"{name}[i]"
        net.add_family("backward", f"{d} + {error} -> {d} + {error} + {g}", times("k", gain))
    net.add_family("backward", f"{g} -> 0", "k")


def _backward(net: Network, layer: int, above: str, slope: Slope) -> None:
    """R relaxes to the transposed weights times the gradient above, G to its product with the slope."""
    for a in "pm":
        for b in "pm":
            w, e = f"W{layer + 1}{a}[k,i]", f"{above}{b}[k]"
            net.add_family("backward", f"{w} + {e} -> {w} + {e} + R{layer}{_SIGN[a, b]}[i]", "k")
        net.add_family("backward", f"R{layer}{a}[i] -> 0", "k")
        _gradient(net, f"R{layer}{a}[i]", f"G{layer}{a}[i]", slope)
    net.add_family("backward", f"R{layer}p[i] + R{layer}m[i] -> 0", "ka")
    net.add_family("backward", f"G{layer}p[i] + G{layer}m[i] -> 0", "ka")


def _update(net: Network, layer: int, gradient: str, source: Rails, copies: int) -> None:
    """Weights move against the gradient, slowly."""
    for a in "pm":
        g = f"{gradient}{a}[i]"
        for rail, name, gain in source.signed():
            x, w = f"{name}[j]", f"W{layer}{_OPPOSITE[_SIGN[a, rail]]}[i,j]"
            _copied(net, "update", f"{g} + {x} -> {g} + {x} + {w}", times("eps", gain), copies)
        _copied(net, "update", f"{g} + One -> {g} + One + B{layer}{_OPPOSITE[a]}[i]", "eps", copies)
    for species in (f"W{layer}", f"B{layer}"):
        index = "[i,j]" if species[0] == "W" else "[i]"
        net.add_family("update", f"{species}p{index} + {species}m{index} -> 0", "kw")
        for a in "pm":
            if net.parameters["decay"] > 0:
                net.add_family("update", f"{species}{a}{index} -> 0", "decay")


#: The entry of the table of circuits.
ONEPOT = CircuitKind(
    name="onepot",
    title="learns by chemical backpropagation, without a clock",
    build=onepot,
    parameters=PARAMETERS,
    learning_parameter="eps",
)
