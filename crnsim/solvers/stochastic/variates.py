"""Random numbers of other laws than the uniform one, from the generator of a run."""

from __future__ import annotations

import math

import numpy as np

from crnsim.compiled import compiled, inlined
from crnsim.solvers.stochastic.random import uniform, word

#: Layers of the normal density, the beginning of its tail, and the area of each layer.
_LAYERS, _TAIL, _AREA = 128, 3.442619855899, 9.91256303526217e-3
_LAYER_BITS = np.uint64(_LAYERS - 1)
_MANTISSA = np.uint64(11)
_TO_SIGNED = 2.0**-52
#: A Poisson variable of a larger mean is drawn by rejection, of a smaller one by counting.
_COUNTED = 10.0
#: Of so many halves are drawn bit by bit, of more by a normal variable that is rounded.
_THROWN = 1024.0
_BITS = 64
_ONE, _TWO, _FOUR, _FIFTY_SIX = map(np.uint64, (1, 2, 4, 56))
_PAIRS, _FOURS, _EIGHTS, _BYTES = map(
    np.uint64, (0x5555555555555555, 0x3333333333333333, 0x0F0F0F0F0F0F0F0F, 0x0101010101010101)
)


def _layers() -> np.ndarray:
    """Right ends of the layers, widest first."""
    ends = np.zeros(_LAYERS + 1)
    ends[0], ends[1] = _AREA / math.exp(-0.5 * _TAIL**2), _TAIL
    for i in range(2, _LAYERS):
        ends[i] = math.sqrt(-2.0 * math.log(_AREA / ends[i - 1] + math.exp(-0.5 * ends[i - 1] ** 2)))
    return ends


_ENDS = _layers()


@compiled
def normal(random: np.ndarray) -> float:
    """A standard normal number, by the ziggurat.

    J. A. Doornik, An improved ziggurat method to generate normal random samples (2005), after G. Marsaglia,
    W. W. Tsang, J. Stat. Softw. 5 (2000), 8, doi 10.18637/jss.v005.i08.
    """
    while True:
        bits = word(random)
        # The layer is drawn from bits that the place in it does not have.
        layer = np.int64(bits & _LAYER_BITS)
        place = np.float64(bits >> _MANTISSA) * _TO_SIGNED - 1.0
        x = place * _ENDS[layer]
        if abs(x) < _ENDS[layer + 1]:
            return x
        if layer == 0:
            while True:
                beyond = -math.log(uniform(random)) / _TAIL
                if -2.0 * math.log(uniform(random)) > beyond * beyond:
                    return _TAIL + beyond if place > 0.0 else -_TAIL - beyond
        low, high = (
            math.exp(-0.5 * (_ENDS[layer] ** 2 - x * x)),
            math.exp(-0.5 * (_ENDS[layer + 1] ** 2 - x * x)),
        )
        if high + uniform(random) * (low - high) < 1.0:
            return x


@compiled
def poisson(mean: float, random: np.ndarray) -> float:
    """A Poisson variable, by transformed rejection where its mean is large.

    W. Hoermann, Insurance: Mathematics and Economics 12 (1993), 39, doi 10.1016/0167-6687(93)90997-4.
    """
    if mean < _COUNTED:
        product, least, number = uniform(random), math.exp(-mean), 0.0
        while product > least:
            product *= uniform(random)
            number += 1.0
        return number
    root = math.sqrt(mean)
    b = 0.931 + 2.53 * root
    a = -0.059 + 0.02483 * b
    inverse = 1.1239 + 1.1328 / (b - 3.4)
    inside = 0.9277 - 3.6224 / (b - 2.0)
    while True:
        u, v = uniform(random) - 0.5, uniform(random)
        room = 0.5 - abs(u)
        number = np.floor((2.0 * a / room + b) * u + mean + 0.43)
        if room >= 0.07 and v <= inside:
            return number
        if number < 0.0 or (room < 0.013 and v > room):
            continue
        density = number * math.log(mean) - mean - math.lgamma(number + 1.0)
        if math.log(v * inverse / (a / (room * room) + b)) <= density:
            return number


@inlined
def _ones(bits: np.uint64) -> np.int64:
    """How many bits of a word are set."""
    bits -= (bits >> _ONE) & _PAIRS
    bits = (bits & _FOURS) + ((bits >> _TWO) & _FOURS)
    return np.int64((((bits + (bits >> _FOUR)) & _EIGHTS) * _BYTES) >> _FIFTY_SIX)


@compiled
def half(count: float, random: np.ndarray) -> float:
    """How many of `count` are chosen, each with probability 1/2."""
    if count > _THROWN:
        drawn = np.floor(0.5 * (count + math.sqrt(count) * normal(random)) + 0.5)
        return min(max(drawn, 0.0), count)
    left, chosen = int(count), 0
    while left >= _BITS:
        chosen += int(_ones(word(random)))
        left -= _BITS
    if left > 0:
        chosen += int(_ones(word(random) >> np.uint64(_BITS - left)))
    return float(chosen)
