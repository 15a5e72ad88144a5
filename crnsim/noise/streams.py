"""Keyed random streams: what a number is for decides its bits, never when or where it is drawn."""

from __future__ import annotations

import hashlib
from operator import index

import numpy as np


def stream_key(*words: str | int) -> np.ndarray:
    """Hash `words` to a Philox key.

    Parameters
    ----------
    *words : str or int
        What the stream is for, from general to particular: seed, data set, layers, replicate, purpose, family.

    Returns
    -------
    numpy.ndarray
        Two ``uint64`` words, equal on every machine for equal words.
    """
    text = "\x1f".join(f"str:{word}" if isinstance(word, str) else f"int:{index(word)}" for word in words)
    digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
    return np.frombuffer(digest, dtype="<u8").astype(np.uint64)


def generator(*words: str | int) -> np.random.Generator:
    """Return NumPy's Philox generator on the stream of `words` (see `stream_key`)."""
    return np.random.Generator(np.random.Philox(key=stream_key(*words)))
