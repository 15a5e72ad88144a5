"""The error of a step in units of the tolerance, and how far it may go below zero."""

from __future__ import annotations

from crnsim.compiled import inlined
from crnsim.kinetics.lanes import larger, magnitude, smaller, splat, store

#: A concentration may be this many absolute tolerances below zero.
_FLOOR = 100.0


@inlined
def scaled(difference, old, new, absolute, relative):
    """Error of a step in units of the tolerance."""
    return magnitude(difference) / (absolute + relative * larger(magnitude(old), magnitude(new)))


@inlined
def room(old, new, absolute):
    """How far a concentration is above the lowest value allowed.

    One step may take a concentration one absolute tolerance below zero, or lower one that is there already by as much:
    species that are negative within the tolerance drive each other. Below the floor it may only rise, as after a kick.
    """
    base = smaller(old, splat(0.0))
    return new - smaller(larger(base - absolute, splat(-_FLOOR) * absolute), base)


@inlined
def report(values, error, lowest, highest, total):
    """Write down what is needed to judge a step."""
    store(values, 1, error)
    store(values, 2, lowest)
    store(values, 3, highest)
    store(values, 4, total)
