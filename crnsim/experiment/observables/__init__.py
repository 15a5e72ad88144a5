"""Observables: what is looked at in a run of a network, and what counts as right."""

from __future__ import annotations

from crnsim.experiment.observables.base import Course, Observable
from crnsim.experiment.observables.table import OBSERVABLES, kind_of, observable

__all__ = ["OBSERVABLES", "Course", "Observable", "kind_of", "observable"]
