"""Standard normals by key and counter inside compiled loops: Philox 4x64-10 with the Box-Muller transform.

Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011, doi 10.1145/2063384.2063405. A number depends on
its key (what it is for) and its counter (block, presentation, event) alone, so no state travels with a run.
"""

from __future__ import annotations

import math

import numpy as np

from crnsim.compiled import compiled, entry

_MULTIPLIER_0 = np.uint64(0xD2E7470EE14C6C93)
_MULTIPLIER_1 = np.uint64(0xCA5A826395121157)
_WEYL_0 = np.uint64(0x9E3779B97F4A7C15)
_WEYL_1 = np.uint64(0xBB67AE8584CAA73B)
_LOW = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)
_MANTISSA = np.uint64(11)
_ZERO = np.uint64(0)
_TO_UNIT = 2.0**-53


@compiled
def _high_word(a, b):
    """Upper 64 bits of the product of two 64-bit words."""
    a_low, a_high = a & _LOW, a >> _SHIFT
    b_low, b_high = b & _LOW, b >> _SHIFT
    middle = a_high * b_low + ((a_low * b_low) >> _SHIFT)
    carried = (middle & _LOW) + a_low * b_high
    return a_high * b_high + (middle >> _SHIFT) + (carried >> _SHIFT)


@entry
def philox(key_0, key_1, c_0, c_1, c_2, c_3):
    """Four random 64-bit words for a key of two words and a counter of four."""
    for _ in range(10):
        high_0, low_0 = _high_word(_MULTIPLIER_0, c_0), _MULTIPLIER_0 * c_0
        high_1, low_1 = _high_word(_MULTIPLIER_1, c_2), _MULTIPLIER_1 * c_2
        c_0, c_1, c_2, c_3 = high_1 ^ c_1 ^ key_0, low_1, high_0 ^ c_3 ^ key_1, low_0
        key_0 = key_0 + _WEYL_0
        key_1 = key_1 + _WEYL_1
    return c_0, c_1, c_2, c_3


@entry
def normals(key_0, key_1, presentation, event, out):
    """Fill `out` with the standard normals of a stream at one event of one presentation."""
    for start in range(0, len(out), 4):
        words = philox(key_0, key_1, np.uint64(start // 4), np.uint64(presentation), np.uint64(event), _ZERO)
        for pair in range(2):
            if start + 2 * pair < len(out):
                u = (np.float64(words[2 * pair] >> _MANTISSA) + 0.5) * _TO_UNIT
                v = np.float64(words[2 * pair + 1] >> _MANTISSA) * _TO_UNIT
                radius = math.sqrt(-2.0 * math.log(u))
                out[start + 2 * pair] = radius * math.cos(2.0 * math.pi * v)
                if start + 2 * pair + 1 < len(out):
                    out[start + 2 * pair + 1] = radius * math.sin(2.0 * math.pi * v)
