"""Keyed random streams: what a number is for decides its bits, never when or where it is drawn."""

from __future__ import annotations

import hashlib
from operator import index
from typing import Any

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
    digest = hashlib.blake2b(_text(words), digest_size=16).digest()
    return np.frombuffer(digest, dtype="<u8").astype(np.uint64)


def _text(words: tuple[str | int, ...]) -> bytes:
    text = "\x1f".join(f"str:{word}" if isinstance(word, str) else f"int:{index(word)}" for word in words)
    return text.encode()


class StreamKeys:
    """Keys of streams that have their first words in common: what these are hashed to is kept.

    Parameters
    ----------
    *words : str or int
        As for `stream_key`, the first of them.
    """

    def __init__(self, *words: str | int) -> None:
        self._words = words
        self._begun: dict[str, Any] = {}

    def __call__(self, purpose: str, name: str) -> np.ndarray:
        """Return ``stream_key(*words, purpose, name)``."""
        if purpose not in self._begun:
            self._begun[purpose] = hashlib.blake2b(_text((*self._words, purpose)), digest_size=16)
        digest = self._begun[purpose].copy()
        digest.update(b"\x1f" + _text((name,)))
        return np.frombuffer(digest.digest(), dtype="<u8").astype(np.uint64)


def generator(*words: str | int) -> np.random.Generator:
    """Return NumPy's Philox generator on the stream of `words` (see `stream_key`)."""
    return np.random.Generator(np.random.Philox(key=stream_key(*words)))
