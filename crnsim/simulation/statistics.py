"""Statistics of runs, brought together block by block: memory does not grow with their number."""

from __future__ import annotations

import numpy as np


class Statistics:
    """Mean, sum of squared deviations, minimum and maximum.

    T. F. Chan, G. H. Golub, R. J. LeVeque, The American Statistician 37 (1983), 242,
    doi 10.1080/00031305.1983.10483115.

    Parameters
    ----------
    shape : tuple of int
        Of one run.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.count = 0
        self.mean, self.squares = np.zeros(shape), np.zeros(shape)
        self.lowest, self.highest = np.full(shape, np.inf), np.full(shape, -np.inf)

    def add(self, block: np.ndarray) -> None:
        """Take runs in, shape (runs, ...)."""
        if not len(block):
            return
        mean = block.mean(axis=0)
        squares = ((block - mean) ** 2).sum(axis=0)
        total, difference = self.count + len(block), mean - self.mean
        self.squares += squares + difference**2 * (self.count * len(block) / total)
        self.mean += difference * (len(block) / total)
        self.lowest = np.minimum(self.lowest, block.min(axis=0))
        self.highest = np.maximum(self.highest, block.max(axis=0))
        self.count = total


class Histogram:
    """How many runs have a value in each bin; the first and the last bin hold what lies beyond them too.

    Parameters
    ----------
    edges : numpy.ndarray, shape (bins + 1, 1, species or 1)
        Ascending.
    shape : tuple of int
        Times and species of one run.
    """

    def __init__(self, edges: np.ndarray, shape: tuple[int, ...]) -> None:
        self.edges = edges
        self.counts = np.zeros((len(edges) - 1, *shape), dtype=np.int64)

    def add(self, block: np.ndarray) -> None:
        """Take runs in, shape (runs, times, species)."""
        if not len(block):
            return
        place = np.zeros(block.shape, dtype=np.int64)
        for species in range(block.shape[-1]):
            inner = self.edges[1:-1, 0, min(species, self.edges.shape[2] - 1)]
            place[..., species] = np.searchsorted(inner, block[..., species], side="right")
        flat = self.counts.reshape(len(self.counts), -1)
        columns = np.broadcast_to(np.arange(flat.shape[1]), (len(block), flat.shape[1]))
        at = place.reshape(len(block), -1) * flat.shape[1] + columns
        flat += np.bincount(at.ravel(), minlength=flat.size).reshape(flat.shape)


def edges_of(values: np.ndarray, bins: int, apart: float = 0.0) -> np.ndarray:
    """Edges of equal bins for each species that hold some runs, and half as much again on both sides.

    Parameters
    ----------
    values : numpy.ndarray, shape (runs, times, species)
    bins : int
    apart : float
        Of concentrations of whole molecules, that of one: as many numbers of molecules are in each bin then, and edges
        lie between them. 0 for others.

    Returns
    -------
    numpy.ndarray, shape (bins + 1, 1, species)
        Not below 0 where no value is, but for half a molecule.
    """
    low, high = values.min(axis=(0, 1)), values.max(axis=(0, 1))
    room = 0.5 * (high - low)
    room = np.where(room > 0, room, np.where(high != 0, 0.5 * np.abs(high), 0.5))
    first = np.where(low >= 0, np.maximum(low - room, 0.0), low - room)
    last = high + room
    if apart > 0.0:
        first = np.floor(first / apart + 0.5)
        each = np.maximum(np.ceil((last / apart - first) / bins), 1.0)
        return ((first - 0.5 + np.arange(bins + 1)[:, None] * each) * apart)[:, None, :]
    return np.linspace(first, last, bins + 1)[:, None, :]
