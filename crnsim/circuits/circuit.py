"""A circuit: a network together with what its species mean."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from crnsim.activations import Activation
from crnsim.network.network import Network

Pair = tuple[str, str | None]


@dataclass(frozen=True)
class Circuit:
    """A network that computes, with the names of the species that carry its signals.

    Attributes
    ----------
    name : str
        Kind of circuit, such as ``"onepot"``.
    layers : tuple of int
        Units of each layer, inputs first.
    activation : Activation
        Activation of the hidden layers.
    parameters : dict
        All circuit parameters by name, ``eps`` and the annihilation constants among them.
    network : Network
    inputs, outputs : tuple of (str, str or None)
        Plus and minus rails.
    targets : tuple of (str, str or None), optional
        None for a circuit that does not learn.
    weights : tuple of (plus, minus) names
        W1, B1, W2, B2, ... in turn.
    hidden : tuple of str
        Plus rails of the hidden pre-activations.
    conserved : tuple of tuple of str
        Arrays whose sum no reaction changes.
    initial : dict
        Concentrations at the start, apart from the weights.
    learning_off : dict
        Parameter values that stop learning, for the read-out.
    output_unit : Activation, optional
        Activation of the output; None for a linear one.
    output_gain : str
        Rate parameter that multiplies the minus rail of the outputs; empty for 1.
    """

    name: str
    layers: tuple[int, ...]
    activation: Activation
    parameters: dict[str, Any]
    network: Network
    inputs: Pair
    targets: Pair | None
    outputs: Pair
    weights: tuple[tuple[str, str], ...]
    hidden: tuple[str, ...]
    conserved: tuple[tuple[str, ...], ...]
    initial: dict[str, float]
    learning_off: dict[str, float]
    output_unit: Activation | None = None
    output_gain: str = ""

    def rail_rows(self, pair: Pair | None) -> tuple[np.ndarray, np.ndarray]:
        """Rows of the plus and minus rails of a signal; -1 where there is no minus rail, none for no signal."""
        if pair is None:
            return np.zeros(0, dtype=int), np.zeros(0, dtype=int)
        plus = self.network.rows(pair[0]).ravel()
        minus = np.full_like(plus, -1) if pair[1] is None else self.network.rows(pair[1]).ravel()
        return plus, minus

    def start(self, weights: Sequence[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
        """State vector with signed weights ``[(W1, b1), ...]`` on their rails, shape (n_species,)."""
        values: dict[str, npt.ArrayLike] = dict(self.initial)
        flat = [array for layer in weights for array in layer]
        for (plus, minus), value in zip(self.weights, flat, strict=True):
            values[plus] = np.maximum(value, 0.0)
            values[minus] = np.maximum(-np.asarray(value), 0.0)
        return self.network.state(values)

    def rate_overrides(self, weights: Sequence[tuple[np.ndarray, np.ndarray]]) -> dict[str, np.ndarray]:
        """Rate parameters that hold signed weights, for `Network.rate_constants`; empty where species hold them."""
        return {}

    def relaxed(self, x: np.ndarray, weights: Any) -> np.ndarray | None:
        """Concentrations of all species at the fixed points for samples `x`; None where there is no closed form."""
        return None

    def read_out(self, states: np.ndarray) -> np.ndarray:
        """Outputs of states, shape (..., n_outputs): plus rail minus minus rail."""
        plus, minus = self.rail_rows(self.outputs)
        if self.outputs[1] is None:
            return states[..., plus]
        gain = self.network.parameters[self.output_gain] if self.output_gain else 1.0
        return states[..., plus] - gain * states[..., minus]

    def weight_values(self, states: np.ndarray) -> np.ndarray:
        """Signed weights of states, shape (..., n_weights), ordered as `weight_labels`."""
        plus = np.concatenate([self.network.rows(p).ravel() for p, _ in self.weights])
        minus = np.concatenate([self.network.rows(m).ravel() for _, m in self.weights])
        return states[..., plus] - states[..., minus]

    @property
    def weight_labels(self) -> list[str]:
        """Names of the signed weights, ``W1[0,1]`` or ``B1[0]``."""
        return [
            f"{plus.removesuffix('p')}[{','.join(map(str, index))}]"
            for plus, _ in self.weights
            for index in np.ndindex(self._weight_shape(plus))
        ]

    def unflatten(self, weights: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """``[(W1, b1), ...]`` from a vector of signed weights."""
        arrays, start = [], 0
        for plus, _ in self.weights:
            shape = self._weight_shape(plus)
            size = math.prod(shape)
            arrays.append(np.reshape(weights[start : start + size], shape))
            start += size
        return list(zip(arrays[::2], arrays[1::2], strict=True))

    def _weight_shape(self, name: str) -> tuple[int, ...]:
        return self.network.rows(name).shape

    def effective_smoothing(self, states: np.ndarray, constants: np.ndarray | None = None) -> np.ndarray:
        """Effective smoothing h of every hidden unit in states, shape (n_states, n_hidden).

        From the production of the plus rail of the pre-activation, in units of k, at rate constants without noise:
        those of the network where `constants` are left out.
        """
        network = self.network
        constants = network.rate_constants() if constants is None else constants
        rows = np.concatenate([network.rows(name).ravel() for name in self.hidden] or [np.zeros(0, int)])
        gains = network.stoichiometry()[rows]
        gains.data = np.maximum(gains.data, 0)
        # One state at a time: fluxes of all would fill the memory where there are many samples and reactions.
        rates = [gains @ network.fluxes(state, constants) for state in states]
        # With k other than 1 the unit is the squareplus of z - k/kz with h = (k/kz) (p+/k): rates in units of k.
        production = np.reshape(rates, (len(states), len(rows))) / self.parameters["k"]
        return self.activation.effective_smoothing(production, k=self.parameters["k"])

    def scope(self, scope: str) -> list[str]:
        """Names of the dynamic arrays in a noise scope: ``signals``, ``weights`` or ``all``."""
        weights = {name for pair in self.weights for name in pair}
        dynamic = [s.name for s in self.network.species if self._is_dynamic(s.name)]
        if scope == "all":
            return dynamic
        return [name for name in dynamic if (name in weights) == (scope == "weights")]

    def _is_dynamic(self, name: str) -> bool:
        return int(self.network.rows(name).flat[0]) < self.network.n_dynamic

    def __repr__(self) -> str:
        shape = "-".join(map(str, self.layers))
        parameters = ", ".join(f"{key}={value!r}" for key, value in self.activation.parameters().items())
        return f"<crnsim.{self.name} {shape}, {self.activation.name}({parameters}), {self.network!r}>"
