"""A circuit: a network together with what its species mean, and the kind of circuit that it is."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from crnsim.activations import Activation
from crnsim.circuits.weights import check_weights
from crnsim.entrance.arguments import shown
from crnsim.entrance.objects import real_array
from crnsim.errors import InputError
from crnsim.network.network import Network
from crnsim.noise.kinds import SCOPES
from crnsim.wording import html_table

Pair = tuple[str, str | None]

#: What can be done with a network of the user's own: run it and look at what it does.
OBSERVATION = "observation"
#: What can be done with a circuit: train it and read it out, or give it weights and read it out.
MODES = ("training", "inference")


@dataclass(frozen=True)
class CircuitKind:
    """A family of circuits: an entry of the table `crnsim.circuits.CIRCUITS`.

    Attributes
    ----------
    name : str
        What users write; part of paths.
    title : str
        What it is, in a few words.
    build : callable
        ``build(layers, activation, *, dual_rail=False, **parameters)`` returns a `Circuit`. It judges its arguments:
        InputError for those that do not fit.
    parameters : dict
        Default of every parameter.
    modes : tuple of str
        Those of `MODES` that it can be run in; one that is trained holds its weights in species.
    learning_parameter : str
        The rate parameter that sets how fast it learns; a run sets it to learning rate / running time. Empty for a
        circuit that does not learn.
    samples_parameter : str
        The parameter that says how many training samples it stores; empty for a circuit that is shown them. A run sets
        it to what its data set has.
    activation : str
        The activation of one that is asked for without.
    schedule : dict of str to float
        ``running_time``, ``learning_rate`` and ``epochs`` of one that is trained, where they are other ones than those
        that a data set has for the one-pot circuit.
    scopes : tuple of str
        Scopes of noise on concentrations that hold some of its species.
    """

    name: str
    title: str
    build: Callable[..., Circuit]
    parameters: Mapping[str, Any]
    modes: tuple[str, ...] = MODES
    learning_parameter: str = ""
    samples_parameter: str = ""
    activation: str = "squareplus"
    schedule: Mapping[str, float] = field(default_factory=dict)
    scopes: tuple[str, ...] = SCOPES

    @property
    def settings(self) -> list[str]:
        """Names of the parameters that a user sets: all but those that follow from learning rate and data set."""
        return [n for n in self.parameters if n not in (self.learning_parameter, self.samples_parameter)]

    @property
    def learns(self) -> bool:
        """Whether it can be trained."""
        return "training" in self.modes


@dataclass(frozen=True)
class Signal:
    """Species worth looking at in a recorded run.

    Attributes
    ----------
    title, note : str
        Heading of a drawing, and what there is to see in it.
    rails : tuple of (str, str or None)
        Arrays of plus and minus rails.
    most : int
        Elements shown of each.
    """

    title: str
    note: str
    rails: tuple[Pair, ...]
    most: int


@dataclass(frozen=True)
class Circuit:
    """A network that computes, with the names of the species that carry its signals.

    Attributes
    ----------
    kind : CircuitKind
        Its entry in the table of circuits.
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
        Arrays whose sum no reaction changes, element by element; or single species, ``"O[0]"``.
    initial : dict
        Concentrations at the start by array, apart from the weights.
    learning_off : dict
        Parameter values that stop learning, for the read-out.
    output_unit : Activation, optional
        Activation of the output; None for a linear one.
    output_gain : str
        Rate parameter that multiplies the minus rail of the outputs; empty for 1.
    signals : tuple of Signal
        What to draw of a recorded run; inputs and outputs where left empty.
    """

    kind: CircuitKind
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
    initial: dict[str, Any]
    learning_off: dict[str, float]
    output_unit: Activation | None = None
    output_gain: str = ""
    signals: tuple[Signal, ...] = ()

    #: Is it started once, with its training set in it, and nothing set or shown later?
    autonomous: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Let the network know how it starts, for `crnsim.simulate` and for files."""
        self.network.set_initial(self.initial)

    def _repr_html_(self) -> str:
        """Show its parameters and signals as a table, in a notebook."""
        given = ", ".join(f"{name}={value}" for name, value in sorted(self.parameters.items()))
        rails = {"inputs": self.inputs, "outputs": self.outputs, "targets": self.targets}
        said = {name: ", ".join(filter(None, pair)) for name, pair in rails.items() if pair is not None}
        rows = [("parameters", given), *said.items(), ("network", repr(self.network)[1:-1])]
        title = f"{self.name} {'-'.join(map(str, self.layers))} with {self.activation.name}"
        return html_table(title, rows)

    @property
    def name(self) -> str:
        """Name of its kind, such as ``"onepot"``."""
        return self.kind.name

    def signal_species(self) -> list[dict[str, Any]]:
        """Names of the species to draw of a recorded run, as plain values that are stored with results.

        Returns
        -------
        list of dict
            ``title`` and ``note`` of a drawing, and its ``species``: a pair of plus and minus rail (None for no minus
            rail) for each signal.
        """
        plain = (Signal("Inputs", "", (self.inputs,), 4), Signal("Outputs", "", (self.outputs,), 2))
        labels = self.network.labels
        drawings = []
        for signal in self.signals or plain:
            pairs = [
                [labels[p], labels[m] if m >= 0 else None]
                for rails in signal.rails
                for p, m in list(zip(*(rows.tolist() for rows in self.rail_rows(rails)), strict=True))[
                    : signal.most
                ]
            ]
            drawings.append({"title": signal.title, "note": signal.note, "species": pairs})
        return drawings

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
        checked = check_weights(weights)
        flat = [array for layer in checked for array in layer]
        wanted = [self._weight_shape(plus) for plus, _ in self.weights]
        if (found := [array.shape for array in flat]) != wanted:
            raise InputError(
                f"weights have the shapes {shown(found, 200)}; the circuit's have {shown(wanted, 200)}"
            )
        for (plus, minus), value in zip(self.weights, flat, strict=True):
            values[plus] = np.maximum(value, 0.0)
            values[minus] = np.maximum(-value, 0.0)
        return self.network.state(values)

    def rate_overrides(self, weights: Sequence[tuple[np.ndarray, np.ndarray]]) -> dict[str, np.ndarray]:
        """Rate parameters that hold signed weights, for `Network.rate_constants`; empty where species hold them."""
        return {}

    # -- what follows from the running time: a circuit with a clock has its own (crnsim.circuits.clocked) -----------

    def presentation_time(self, running_time: float) -> float:
        """Duration of one presentation in training."""
        return running_time

    def readout_time(self, running_time: float) -> float:
        """Duration for which a sample is shown in the read-out."""
        return running_time

    def rates_of(self, running_time: float, learning_rate: float) -> dict[str, float]:
        """Rate parameters that follow from the running time and the size of a step of gradient descent."""
        name = self.kind.learning_parameter
        return {name: learning_rate / running_time} if name in self.network.parameters else {}

    def learning_rate(self, running_time: float) -> float:
        """Size of a step of gradient descent, as the circuit was built."""
        return float(self.parameters.get(self.kind.learning_parameter, 0.0)) * running_time

    def advice(self, running_time: float) -> str:
        """Return what is wrong with a running time, and what would do; empty where nothing is known to be."""
        return ""

    def tolerances(self, atol: float) -> np.ndarray:
        """Absolute tolerances, shape (n_species,), or (1,) for all."""
        return np.full(1, atol)

    def moderate(self, highest: float, presentations: int) -> float:
        """Highest concentration that is in order where no sample or start is above `highest`."""
        return highest

    def stored(self, start: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return a state with the training set in it, for a circuit that is `autonomous`; the same for others."""
        return start

    def order_of(self, order: np.ndarray) -> np.ndarray:
        """Order in which samples are shown, shape (epochs, samples), from one that is drawn anew for each epoch."""
        return np.tile(order[0], (len(order), 1)) if self.autonomous else order

    def shown_rails(self) -> tuple[np.ndarray, np.ndarray]:
        """Rows, plus and minus, where a sample and its targets are shown, shapes (features, 2) and (targets, 2)."""
        inputs, targets = (np.stack(self.rail_rows(pair), axis=1) for pair in (self.inputs, self.targets))
        if self.targets is None:
            # A pattern has targets all the same, for the loss.
            targets = np.full((len(self.rail_rows(self.outputs)[0]), 2), -1)
        return inputs, targets

    def readout_start(self, state: np.ndarray) -> np.ndarray:
        """Return the state that a read-out starts from, after training has ended with `state`."""
        return state

    @property
    def traced(self) -> np.ndarray:
        """Rows of the species to keep at the end of every presentation."""
        return np.zeros(0, dtype=np.int64)

    def progress_of(self, trace: np.ndarray) -> dict[str, np.ndarray]:
        """Read from what was kept of them ``loss``, ``iterations`` and ``stopped``; empty where nothing is."""
        return {}

    def relaxed(self, x: np.ndarray, weights: Any) -> np.ndarray | None:
        """Concentrations of all species at the fixed points for samples `x`; None where there is no closed form."""
        return None

    def read_out(self, states: np.ndarray) -> np.ndarray:
        """Outputs of states, shape (..., n_outputs): plus rail minus minus rail."""
        states = self._states(states)
        plus, minus = self.rail_rows(self.outputs)
        if self.outputs[1] is None:
            return states[..., plus]
        gain = self.network.parameters[self.output_gain] if self.output_gain else 1.0
        return states[..., plus] - gain * states[..., minus]

    def weight_values(self, states: np.ndarray) -> np.ndarray:
        """Signed weights of states, shape (..., n_weights), ordered as `weight_labels`."""
        states = self._states(states)
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
        shapes = [self._weight_shape(plus) for plus, _ in self.weights]
        weights = real_array("weights", weights)
        if weights.shape != (wanted := (sum(math.prod(shape) for shape in shapes),)):
            raise InputError(f"weights have shape {weights.shape}; it must be {wanted}")
        arrays, start = [], 0
        for shape in shapes:
            size = math.prod(shape)
            arrays.append(np.reshape(weights[start : start + size], shape))
            start += size
        return list(zip(arrays[::2], arrays[1::2], strict=True))

    def _weight_shape(self, name: str) -> tuple[int, ...]:
        return self.network.rows(name).shape

    def effective_smoothing(self, states: np.ndarray, constants: np.ndarray | None = None) -> np.ndarray:
        """Effective smoothing h of every hidden unit in states, shape (n_states, n_hidden).

        From the production of the plus rail of the pre-activation, in units of k, at rate constants without noise:
        those of the network where `constants` are left out. A circuit without a parameter ``k`` has k = 1.
        """
        network = self.network
        constants = network.rate_constants() if constants is None else constants
        states = self._states(states)
        if states.ndim != 2:
            raise InputError(f"states have shape {states.shape}; it must be (n, {network.n_species})")
        rows = np.concatenate([network.rows(name).ravel() for name in self.hidden] or [np.zeros(0, int)])
        gains = network.stoichiometry()[rows]
        gains.data = np.maximum(gains.data, 0)
        # One state at a time: fluxes of all would fill the memory where there are many samples and reactions.
        rates = [gains @ network.fluxes(state, constants) for state in states]
        # With k other than 1 the unit is the squareplus of z - k/kz with h = (k/kz) (p+/k): rates in units of k.
        k = float(self.parameters.get("k", 1.0))
        return self.activation.effective_smoothing(np.reshape(rates, (len(states), len(rows))) / k, k=k)

    def scope(self, scope: str) -> list[str]:
        """Names of the dynamic arrays in a noise scope: ``signals``, ``weights`` or ``all``."""
        if not isinstance(scope, str) or scope not in SCOPES:
            raise InputError(f"scope is {shown(scope)}; use one of {', '.join(SCOPES)}")
        weights = {name for pair in self.weights for name in pair}
        dynamic = [s.name for s in self.network.species if self._is_dynamic(s.name)]
        if scope == "all":
            return dynamic
        return [name for name in dynamic if (name in weights) == (scope == "weights")]

    def _states(self, states: object) -> np.ndarray:
        """States as an array, shape (..., n_species); what has not come to an end is nan."""
        found = real_array("states", states)
        if not found.ndim or found.shape[-1] != self.network.n_species:
            raise InputError(
                f"states have shape {found.shape}; the last length must be {self.network.n_species}"
            )
        return found

    def _is_dynamic(self, name: str) -> bool:
        return int(self.network.rows(name).flat[0]) < self.network.n_dynamic

    def __repr__(self) -> str:
        shape = "-".join(map(str, self.layers))
        parameters = ", ".join(f"{key}={value!r}" for key, value in self.activation.parameters().items())
        return f"<crnsim.{self.name} {shape}, {self.activation.name}({parameters}), {self.network!r}>"
