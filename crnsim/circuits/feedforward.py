"""The feedforward circuit: a given network whose weights are rate constants; it computes and does not learn.

After Anderson, Joshi, Deshpande, J. R. Soc. Interface 2021, doi 10.1098/rsif.2021.0031, for every activation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from crnsim.activations import ACTIVATIONS, Activation, Layer, Rails
from crnsim.activations.layer import Push
from crnsim.activations.relu import annihilated
from crnsim.circuits.arguments import LINEAR, output_unit, split_parameters, times
from crnsim.circuits.circuit import Circuit, CircuitKind
from crnsim.circuits.weights import Weights, check_weights, read_weights
from crnsim.entrance.limits import LARGEST_CONCENTRATION
from crnsim.entrance.objects import check_array, check_flag
from crnsim.errors import InputError
from crnsim.network.network import Network

#: Rate constants, the output, and the smoothing of an output that is not linear.
PARAMETERS: dict[str, Any] = {"k": 1.0, "kz": 10.0, "output": LINEAR, "h_output": 1.0}


@dataclass(frozen=True)
class UnitLayer:
    """One layer of units: what computes it, and the names of its species.

    Attributes
    ----------
    unit : Activation or None
        None for linear units.
    source, value : Rails
        Signals that it takes, and those that it gives.
    arrays : dict
        Arrays of species by the symbols of the activation.
    """

    unit: Activation | None
    source: Rails
    value: Rails
    arrays: dict[str, str]


@dataclass(frozen=True, repr=False, eq=False)
class Feedforward(Circuit):
    """A circuit whose weights are rate constants; see `feedforward`.

    Attributes
    ----------
    given : list of (W, b)
        The weights it was built with.
    unit_layers : tuple of UnitLayer
        Layers above the inputs.
    """

    given: Weights = ()  # type: ignore[assignment]
    unit_layers: tuple[UnitLayer, ...] = ()

    def state(self, x: npt.ArrayLike) -> np.ndarray:
        """State to start from: the inputs clamped to `x`, all units as for z = 0.

        Parameters
        ----------
        x : array_like, shape (n_features,) or (n, n_features)

        Returns
        -------
        numpy.ndarray, shape (n_species,) or (n, n_species)
        """
        samples = self._samples(x)
        states = np.tile(self.start(), (len(np.atleast_2d(samples)), 1))
        self._clamp(states, np.atleast_2d(samples))
        return states if samples.ndim == 2 else states[0]

    def fixed_point(self, x: npt.ArrayLike, weights: Any = None) -> np.ndarray:
        """Concentrations of all species to which the circuit relaxes from any state, in closed form.

        Parameters
        ----------
        x : array_like, shape (n_features,) or (n, n_features)
        weights : list of (W, b), optional
            In place of those given, in the same shapes.

        Returns
        -------
        numpy.ndarray, shape (n_species,) or (n, n_species)
        """
        samples = self._samples(x)
        return self._relaxed(np.atleast_2d(samples), self._weights(weights))[0].reshape(
            *samples.shape[:-1], -1
        )

    def relaxed(self, x: np.ndarray, weights: Any) -> np.ndarray:
        """As `fixed_point`."""
        return self.fixed_point(x, weights)

    def predict(self, x: npt.ArrayLike, weights: Any = None) -> np.ndarray:
        """Outputs at the fixed point, shape (n_outputs,) or (n, n_outputs); see `fixed_point`."""
        return self.read_out(self.fixed_point(x, weights))

    def convergence_rate(self, x: npt.ArrayLike, weights: Any = None) -> np.ndarray:
        """Slowest rate at which the circuit relaxes near its fixed point, in units of k, shape () or (n,).

        The circuit is a cascade: the eigenvalues of its Jacobian are those of its units. A squareplus relaxes at
        s = sqrt(z^2 + 4h) >= 2 sqrt(h), rails of a pre-activation at 1.
        """
        samples = self._samples(x)
        return self._relaxed(np.atleast_2d(samples), self._weights(weights))[1].reshape(samples.shape[:-1])

    def start(self, weights: Any = None) -> np.ndarray:
        """State vector before any input; weights are no species, so it is the same for all."""
        return self.network.state(self.initial)

    def rate_overrides(self, weights: Sequence[tuple[np.ndarray, np.ndarray]]) -> dict[str, np.ndarray]:
        """Rate parameters that hold signed weights, for `Network.rate_constants`."""
        return _rate_parameters(self._weights(weights))

    def rates(self, weights: Sequence[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
        """Rate constants of all reactions with other weights of the same shapes, shape (n_reactions,)."""
        return self.network.rate_constants(self.rate_overrides(weights))

    def weight_values(self, states: np.ndarray) -> np.ndarray:
        """The given weights beside each state, shape (..., n_weights): no species holds them."""
        states = self._states(states)
        flat = np.concatenate([np.ravel(array) for layer in self.given for array in layer])
        return np.broadcast_to(flat, (*np.shape(states)[:-1], len(flat)))

    def _weight_shape(self, name: str) -> tuple[int, ...]:
        return self.network.arrays[name].shape

    def _weights(self, weights: Any) -> Weights:
        if weights is None:
            return self.given
        checked = check_weights(weights)
        for number, ((w, _), (known, _)) in enumerate(zip(checked, self.given, strict=False), start=1):
            if w.shape != known.shape:
                raise InputError(
                    f"weights of layer {number} have shape {w.shape}; the circuit's have {known.shape}"
                )
        if len(checked) != len(self.given):
            raise InputError(f"{len(checked)} layers of weights are given; the circuit has {len(self.given)}")
        return checked

    def _samples(self, x: npt.ArrayLike) -> np.ndarray:
        most = LARGEST_CONCENTRATION
        samples = check_array("x", x, wanted="features of samples", least=-most, most=most)
        if samples.ndim not in (1, 2) or samples.shape[-1] != self.layers[0]:
            raise InputError(
                f"x has shape {samples.shape}; it must be ({self.layers[0]},) or (n, {self.layers[0]})"
            )
        if self.inputs[1] is None and np.any(samples < 0):
            raise InputError("x has negative features: build the circuit with dual_rail=True")
        return samples

    def _clamp(self, states: np.ndarray, samples: np.ndarray) -> None:
        plus, minus = self.inputs
        states[:, self.network.rows(plus)] = np.maximum(samples, 0.0)
        if minus is not None:
            states[:, self.network.rows(minus)] = np.maximum(-samples, 0.0)

    def _relaxed(self, samples: np.ndarray, weights: Weights) -> tuple[np.ndarray, np.ndarray]:
        """Fixed points of samples, shape (n, n_species), and their slowest rates, shape (n,)."""
        network, k = self.network, self.parameters["k"]
        states = np.zeros((len(samples), network.n_species))
        self._clamp(states, samples)
        slowest = np.full(len(samples), np.inf)
        for layer, (w, b) in zip(self.unit_layers, weights, strict=True):
            signal = {
                rail: states[:, network.rows(name)] * (network.parameters[gain] if gain else 1.0)
                for rail, name, gain in layer.source.signed()
            }
            above, below = signal["p"], signal.get("m", np.zeros_like(signal["p"]))
            positive, negative = np.maximum(w, 0).T, np.maximum(-w, 0).T
            up = above @ positive + below @ negative + np.maximum(b, 0)
            down = above @ negative + below @ positive + np.maximum(-b, 0)
            if layer.unit is None:
                zp, zm = annihilated(up, down, self.parameters["kz"] / k)
                found, rate = {"Zp": zp, "Zm": zm}, np.ones_like(up)
            else:
                found, rate = layer.unit.concentrations(up, down, k), layer.unit.relaxation_rate(up, down, k)
            for symbol, array in layer.arrays.items():
                states[:, network.rows(array)] = found[symbol]
            slowest = np.minimum(slowest, rate.min(axis=1))
        return states, slowest


def feedforward(
    weights: Any,
    activation: str | Activation | None = None,
    *,
    dual_rail: bool | None = None,
    replicate: int = 0,
    **parameters: Any,
) -> Feedforward:
    """Build a network that computes with given weights, as rate constants, and does not learn.

    Each weight is one reaction: ``X_j + Y_i -> X_j + 2 Y_i`` where it is above zero, ``X_j + Y_i -> X_j`` where it is
    below. There is one fixed point, positive and reached from any state (see `Feedforward.fixed_point`).

    Parameters
    ----------
    weights
        One of

        * ``[(W1, b1), (W2, b2), ...]``, arrays of shapes (units, units below) and (units,);
        * layer sizes such as ``(64, 20, 10)``: all weights are 1, to be replaced with `Feedforward.rates`;
        * a fitted scikit-learn ``MLPClassifier`` or ``MLPRegressor`` with ``activation="relu"``. Its output is taken
          before softmax or logistic function: the largest output is the same class. The single output of two classes
          is raised by 1/2, since outputs are compared with 1/2 here;
        * the result of `crnsim.train`: the weights of `replicate` at the last checkpoint.
    activation : str or Activation, optional
        Of the hidden layers; that of the trained pot, else ``"squareplus"``.
    dual_rail : bool, optional
        Give the inputs two rails, for features that can be negative; as the data set of a trained pot needs it.
    replicate : int
        Of the result of `crnsim.train`.
    **parameters
        ``k`` and ``kz`` (annihilation of the rails of a linear output), parameters of the activation, such as ``h``,
        and ``output``: ``"linear"`` or the name of an activation, with its smoothing ``h_output``.

    Returns
    -------
    Feedforward

    Raises
    ------
    InputError
        For weights whose shapes do not follow each other or that are not finite, a scikit-learn network with another
        activation, and as `crnsim.onepot`.
    """
    given = read_weights(weights, replicate=replicate)
    dual_rail = given.dual_rail if dual_rail is None else check_flag("dual_rail", dual_rail)
    kind = activation if activation is not None else given.activation or "squareplus"
    if (
        activation is None
        and given.activation is not None
        and set(parameters) & set(given.activation.parameters())
    ):
        # Parameters of the trained activation can be changed one by one.
        known = given.activation.parameters()
        kind = type(given.activation)(
            **known | {n: parameters.pop(n) for n in list(parameters) if n in known}
        )
    unit, values = split_parameters(
        "feedforward", kind, {**given.parameters, **parameters}, PARAMETERS, text=("output",)
    )
    last = output_unit("feedforward", values["output"], values["h_output"], (LINEAR, *ACTIVATIONS))
    sizes = (given.weights[0][0].shape[1], *(len(b) for _, b in given.weights))
    rates = {name: values[name] for name in ("k", "kz")}
    net = Network(
        dims={f"n{number}": size for number, size in enumerate(sizes)},
        parameters=rates | _rate_parameters(given.weights),
    )
    inputs = Rails("X0p", "X0m" if dual_rail else None)
    for _, name, _ in inputs.signed():
        net.add_species(name, "n0")
    depth = len(sizes) - 1
    unit_layers, layers = list[UnitLayer](), list[Layer]()
    for number in range(1, depth + 1):
        source = unit_layers[-1].value if unit_layers else inputs
        layers.append(_layer(net, number, source, unit if number < depth else last, last=number == depth))
        unit_layers.append(_unit_layer(layers[-1], source, unit if number < depth else last))
    value = unit_layers[-1].value
    return Feedforward(
        kind=FEEDFORWARD,
        layers=sizes,
        activation=unit,
        output_unit=last,
        parameters=values if last is not None else rates,
        network=net,
        inputs=(inputs.plus, inputs.minus),
        targets=None,
        outputs=(value.plus, value.minus),
        output_gain=value.gain,
        weights=_weight_names(depth),
        hidden=tuple(layer.arrays.get("Zp", layer.value.plus) for layer in unit_layers[:-1]),
        conserved=(),
        initial={name: start for layer in layers for name, start in layer.initial.items()},
        learning_off={},
        given=given.weights,
        unit_layers=tuple(unit_layers),
    )


def _weight_names(depth: int) -> tuple[tuple[str, str], ...]:
    return tuple((f"{w}{i}p", f"{w}{i}m") for i in range(1, depth + 1) for w in "WB")


def _rate_parameters(weights: Weights) -> dict[str, np.ndarray]:
    """Signed weights as rate constants >= 0, one array for each sign."""
    flat = [array for layer in weights for array in layer]
    names = _weight_names(len(weights))
    return {
        name: np.maximum(sign * array, 0.0)
        for pair, array in zip(names, flat, strict=True)
        for name, sign in zip(pair, (1, -1), strict=True)
    }


def _layer(net: Network, number: int, source: Rails, unit: Activation | None, *, last: bool) -> Layer:
    """Return an empty layer that the signals drive: itself, or the rails of its pre-activation if it needs them."""
    up, down = list[Push](), list[Push]()
    for a, same, opposite in (("p", up, down), ("m", down, up)):
        for rail, name, gain in source.signed():
            push = (f"{name}[j]", times(f"k*W{number}{a}[i,j]", gain))
            (same if rail == "p" else opposite).append(push)
        same.append(("", f"k*B{number}{a}[i]"))
    suffix = "_output" if last else ""
    dim, reserved = f"n{number}", frozenset(PARAMETERS)
    if unit is not None and not unit.needs_rails:
        return Layer(net, number, dim, tuple(up), tuple(down), suffix=suffix, reserved=reserved)
    rails = (f"Z{number}p", f"Z{number}m")
    for name, pushes in zip(rails, (up, down), strict=True):
        net.add_species(name, dim)
        for catalyst, rate in pushes:
            beside = f"{catalyst} + " if catalyst else ""
            net.add_family("pre-activation", f"{catalyst or 0} -> {beside}{name}[i]", rate)
        net.add_family("pre-activation", f"{name}[i] -> 0", "k")
    if unit is None:
        net.add_family("pre-activation", f"{rails[0]}[i] + {rails[1]}[i] -> 0", "kz")
    z_up, z_down = (((f"{rail}[i]", "k"),) for rail in rails)
    return Layer(net, number, dim, z_up, z_down, rails, suffix=suffix, reserved=reserved)


def _unit_layer(layer: Layer, source: Rails, unit: Activation | None) -> UnitLayer:
    value = layer.value("Zp", "Zm") if unit is None else unit.add_value(layer)
    return UnitLayer(unit, source, value, dict(layer.arrays))


#: The entry of the table of circuits.
FEEDFORWARD = CircuitKind(
    name="feedforward",
    title="computes with given weights, which are rate constants",
    build=feedforward,
    parameters=PARAMETERS,
    modes=("inference",),
    scopes=("signals", "all"),
)
