"""Random numbers of single runs: xoshiro256++, seeded from the key of what a run is.

D. Blackman, S. Vigna, ACM Trans. Math. Softw. 47 (2021), 36, doi 10.1145/3460772. A run has a generator of its own, so
that its numbers depend on nothing but its key and what has happened in it.
"""

from __future__ import annotations

import math

import numpy as np

from crnsim.compiled import compiled, entry
from crnsim.noise.philox import philox

_SEVENTEEN, _TWENTY_THREE, _FORTY_FIVE, _SIXTY_FOUR = map(np.uint64, (17, 23, 45, 64))
_MANTISSA = np.uint64(11)
_TO_UNIT = 2.0**-53
_ZERO = np.uint64(0)


@compiled
def _turned(word, by):
    """A word with its bits turned to the left."""
    return (word << by) | (word >> (_SIXTY_FOUR - by))


@entry
def seed(key_0, key_1, number, state):
    """Set the state of four words from a key of two and a number."""
    words = philox(key_0, key_1, np.uint64(number), _ZERO, _ZERO, _ZERO)
    for i in range(4):
        state[i] = words[i]


@compiled
def word(state):
    """The next 64 random bits."""
    result = _turned(state[0] + state[3], _TWENTY_THREE) + state[0]
    shifted = state[1] << _SEVENTEEN
    state[2] ^= state[0]
    state[3] ^= state[1]
    state[1] ^= state[2]
    state[0] ^= state[3]
    state[2] ^= shifted
    state[3] = _turned(state[3], _FORTY_FIVE)
    return result


@compiled
def uniform(state):
    """A number between 0 and 1, both left out."""
    return (np.float64(word(state) >> _MANTISSA) + 0.5) * _TO_UNIT


@compiled
def exponential(state):
    """A waiting time of mean 1."""
    return -math.log(uniform(state))
