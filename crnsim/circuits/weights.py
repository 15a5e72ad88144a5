"""Weights for a feedforward circuit: from arrays, layer sizes, a scikit-learn network, or a trained pot."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from crnsim.activations import Activation
from crnsim.activations import activation as make_activation
from crnsim.circuits.arguments import check_layers
from crnsim.entrance.arguments import check_whole, shown
from crnsim.entrance.limits import LARGEST_RATE, MOST_LAYERS
from crnsim.entrance.objects import check_array, check_sequence, real_array
from crnsim.errors import InputError, suggest

if TYPE_CHECKING:
    import xarray as xr

Weights = list[tuple[np.ndarray, np.ndarray]]

#: Weights of a circuit that computes with given ones are rate constants.
_BOUNDS = {"least": -LARGEST_RATE, "most": LARGEST_RATE}


@dataclass(frozen=True)
class Given:
    """Weights, and what their source says about the network they belong to.

    Attributes
    ----------
    weights : list of (W, b)
    activation : Activation, optional
        That they were trained with, if a circuit has it.
    dual_rail : bool
    parameters : dict
        Of the circuit: the output.
    """

    weights: Weights
    activation: Activation | None = None
    dual_rail: bool = False
    parameters: dict[str, Any] = field(default_factory=dict)


def read_weights(source: Any, *, replicate: int = 0) -> Given:
    """Return weights from whatever `crnsim.feedforward` takes."""
    replicate = check_whole("replicate", replicate, least=0)
    if isinstance(source, type):
        raise InputError(
            f"weights are the class {source.__name__}; give a fitted network, or [(W1, b1), ...]"
        )
    if hasattr(source, "coefs_") or hasattr(source, "hidden_layer_sizes"):
        return _from_scikit_learn(source)
    if hasattr(source, "data_vars"):
        return _from_training(source, replicate)
    array = isinstance(source, np.ndarray) and source.ndim > 0
    if isinstance(source, (str, bytes, bytearray)) or not (array or isinstance(source, Sequence)):
        raise InputError(
            f"weights are {type(source).__name__}; give [(W1, b1), (W2, b2), ...], layer sizes, a fitted MLPClassifier "
            "or MLPRegressor, or the result of crnsim.train"
        )
    if len(source) and all(np.isscalar(item) for item in source[: MOST_LAYERS + 1]):
        sizes = check_layers(source)
        return Given([(np.ones((above, below)), np.ones(above)) for below, above in pairwise(sizes)])
    return Given(check_weights(source))


def check_weights(weights: Any) -> Weights:
    """Return weights as arrays whose shapes follow each other.

    Raises
    ------
    InputError
        That names the layer.
    """
    checked: Weights = []
    wanted = "[(W1, b1), (W2, b2), ...], one pair of arrays for each layer above the inputs"
    given = weights if isinstance(weights, list) else check_sequence("weights", weights, wanted)
    if len(given) > MOST_LAYERS:
        raise InputError(f"weights of {len(given)} layers are given; at most {MOST_LAYERS}")
    for number, pair in enumerate(given, start=1):
        where = f"weights of layer {number}"
        if not isinstance(pair, (tuple, list)) and not (isinstance(pair, np.ndarray) and pair.ndim):
            raise InputError(f"{where}: give a pair (W, b) of arrays of numbers")
        if len(pair) != 2:
            raise InputError(f"{where}: {len(pair)} arrays are given; give a pair (W, b)")
        w, b = (
            np.array(check_array(where, part, wanted="a pair (W, b) of arrays of numbers", **_BOUNDS))
            for part in pair
        )
        if w.ndim != 2 or b.shape != (w.shape[0],) or not w.size:
            raise InputError(
                f"{where}: W has shape {w.shape} and b {b.shape}; they must be (units, units below) and (units,)"
            )
        if checked and w.shape[1] != checked[-1][0].shape[0]:
            below = checked[-1][0].shape[0]
            raise InputError(f"{where}: W takes {w.shape[1]} signals, the layer below has {below}")
        checked.append((w, b))
    if not checked:
        raise InputError("weights are empty; give one (W, b) for each layer above the inputs")
    return checked


def _from_scikit_learn(model: Any) -> Given:
    name = type(model).__name__
    if not hasattr(model, "coefs_"):
        raise InputError(f"this {name} is not fitted; call its fit first")
    try:
        pairs = list(zip(model.coefs_, model.intercepts_, strict=True))
        weights = [(np.asarray(w).T, np.asarray(b)) for w, b in pairs]
    except (TypeError, ValueError, AttributeError):
        raise InputError(f"this {name} has no weights of a network (coefs_, intercepts_)") from None
    kind = getattr(model, "activation", "relu")
    if len(weights) > 1 and kind != "relu":
        kind = kind if isinstance(kind, str) else type(kind).__name__
        advice = {
            "identity": "fit it with activation='relu', or without hidden layers",
            "logistic": "fit it with activation='relu', or train a pot with algebraic_sigmoid",
            "tanh": "fit it with activation='relu', or train a pot with algebraic_tanh",
        }.get(kind, "fit it with activation='relu'")
        raise InputError(
            f"this {name} has the activation {shown(kind)}, which no circuit here computes; {advice}"
        )
    if getattr(model, "out_activation_", "") == "logistic":
        # Of two classes the one that a logistic output above 1/2 means: here the output is compared with 1/2.
        weights[-1] = (weights[-1][0], weights[-1][1] + 0.5)
    return Given(check_weights(weights))


def _from_training(result: xr.Dataset, replicate: int) -> Given:
    """Weights at the last checkpoint of one replicate of `crnsim.train`."""
    weights = last_weights(result, replicate)
    if weights is None:
        raise InputError(f"replicate {replicate} did not reach its last checkpoint; it has no weights there")
    name, of_unit, of_circuit = trained_unit(result)
    return Given(
        weights,
        activation=make_activation(name, **of_unit),
        dual_rail=bool(result.attrs.get("dual_rail", 0) == 1),
        parameters=of_circuit,
    )


def trained_unit(result: xr.Dataset) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Return the activation of a result of `crnsim.train`, its parameters, and those of the circuit for its output.

    Raises
    ------
    InputError
        The activation is one of a user's own that nobody has imported, or an attribute is damaged.
    """
    of_circuit, of_unit = (_parameters(result, f"{of}_parameters") for of in ("circuit", "activation"))
    name = result.attrs.get("activation")
    if not isinstance(name, str) or (":" in name and name.partition(":")[0] not in sys.modules):
        # What a file names is not imported: that is for whoever reads it to say.
        raise InputError(
            f"the pot was trained with the activation {shown(name)}; name it too, as activation=..., and its parameters"
        )
    return name, of_unit, {n: of_circuit[n] for n in ("output", "h_output") if n in of_circuit}


def _parameters(result: xr.Dataset, name: str) -> dict[str, Any]:
    """Parameters that a result of `crnsim.train` holds as JSON."""
    try:
        found = json.loads(result.attrs.get(name, "{}"))
    except (TypeError, ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise InputError(f"the attribute {name} of the result is damaged")
    return found


def check_trained(result: xr.Dataset) -> None:
    """Raise InputError unless a dataset holds what a training leaves."""
    missing = [name for name in ("layers", "activation") if name not in result.attrs]
    if missing or not {"weights", "replicate"} <= set(result.variables):
        raise InputError("this data set holds no trained weights; give the result of crnsim.train")


def last_weights(result: xr.Dataset, replicate: int) -> Weights | None:
    """Return the weights of one replicate of `crnsim.train` at the last checkpoint; None where it did not reach it.

    Raises
    ------
    InputError
        For a dataset that holds no trained weights, or not those of the replicate.
    """
    check_trained(result)
    numbers = np.atleast_1d(check_array("the variable replicate", result["replicate"].values))
    if numbers.ndim != 1 or ("point" in result.dims) != ("point" in result["replicate"].dims):
        raise InputError("the variable replicate must have the dimension point")
    found = np.flatnonzero(numbers == replicate)
    if not len(found):
        raise InputError(
            f"no replicate {replicate} in the result; {suggest('', np.unique(numbers.astype(int)))}"
        )
    if len(found) > 1:
        raise InputError(
            f"{len(found)} points are replicate {replicate}; choose one with .isel(point=[number])"
        )
    one = result.isel(point=found[0]) if "point" in result.dims else result
    if one["weights"].dims != ("checkpoint", "weight"):
        raise InputError("the variable weights must have the dimensions checkpoint and weight")
    if not one.sizes["checkpoint"]:
        raise InputError("the variable weights has no checkpoint")
    flat = real_array("the variable weights", one["weights"].isel(checkpoint=-1).values)
    try:
        layers = check_layers(json.loads(result.attrs["layers"]))
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"the attribute layers is damaged: {shown(str(error), 200)}") from None
    shapes = [shape for below, above in pairwise(layers) for shape in ((above, below), (above,))]
    sizes = [math.prod(shape) for shape in shapes]
    if len(flat) != sum(sizes):
        raise InputError(f"{len(flat)} weights are stored; layers {layers} have {sum(sizes)}")
    if not np.all(np.isfinite(flat)):
        return None
    parts = np.split(flat, np.cumsum(sizes)[:-1])
    arrays = [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]
    return list(zip(arrays[::2], arrays[1::2], strict=True))
