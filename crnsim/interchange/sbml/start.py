"""What the symbols of an SBML model are worth at the start: sizes, parameters, species and stoichiometries."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from crnsim.errors import InputError
from crnsim.interchange.sbml.laws import constant, value_of
from crnsim.interchange.sbml.rational import Rational

#: Makes the error of an element from what is wrong with it.
Fault = Callable[[Any, str], InputError]


class Start:
    """Values at the start, worked out when they are asked for: one may follow from others.

    Parameters
    ----------
    model : libsbml.Model
    fault : callable
    """

    def __init__(self, model: Any, fault: Fault) -> None:
        self._model, self._fault = model, fault
        self._assigned = {one.getSymbol(): one for one in model.getListOfInitialAssignments()}
        self._check(model, fault)
        self._known: dict[str, float] = {}
        self._asked: list[str] = []
        #: Parameters on which something else at the start depends.
        self.used: set[str] = set()
        #: Names of what the model gives no value, and what is taken for it.
        self.missing: dict[str, str] = {}

    def _check(self, model: Any, fault: Fault) -> None:
        """Refuse assignments to what has no value at the start, and what says its start twice."""
        seen: set[str] = set()
        for element in model.getListOfInitialAssignments():
            symbol = element.getSymbol()
            known = (model.getCompartment, model.getSpecies, model.getParameter, model.getSpeciesReference)
            if all(find(symbol) is None for find in known):
                raise fault(
                    element, f"initial assignment of {symbol}: there is nothing of this name that has a value"
                )
            if symbol in seen:
                raise fault(element, f"initial assignment of {symbol}: there are two of them")
            seen.add(symbol)
        for species in model.getListOfSpecies():
            if species.isSetInitialAmount() and species.isSetInitialConcentration():
                raise fault(
                    species, f"species {species.getId()} has an initial amount and a concentration; give one"
                )
            if model.getCompartment(species.getCompartment()) is None:
                said = species.getCompartment() or "none"
                raise fault(species, f"species {species.getId()}: its compartment {said} is not there")

    def value(self, name: str) -> float:
        """Value of a symbol as formulas mean it: a species that is no amount is a concentration."""
        if name in self._known:
            return self._known[name]
        if name in self._asked or len(self._asked) > 100:
            first = next((one for one in self._asked if one in self._assigned), name)
            said = "goes round" if name in self._asked else "follows from more than 100 others"
            element = self._assigned.get(first, self._model)
            raise self._fault(element, f"initial assignment of {first}: {said}")
        self._asked.append(name)
        self._known[name] = value = self._worked_out(name)
        self._asked.pop()
        return value

    def _worked_out(self, name: str) -> float:
        if name in self._assigned:
            element = self._assigned[name]
            if element.getMath() is None:
                raise self._fault(element, f"initial assignment of {name}: has no formula")
            value = self.formula(element, element.getMath(), f"initial assignment of {name}")
            if self._model.getCompartment(name) is not None and not value > 0:
                raise self._fault(
                    element, f"initial assignment of {name}: the size is {value:g}; it must be above 0"
                )
            return value
        model = self._model
        if (compartment := model.getCompartment(name)) is not None:
            return self._size(compartment)
        if (species := model.getSpecies(name)) is not None:
            return self._species(species)
        if (parameter := model.getParameter(name)) is not None:
            if not (parameter.isSetValue() and math.isfinite(parameter.getValue())):
                raise self._fault(parameter, f"parameter {name} has no value")
            return float(parameter.getValue())
        if (reference := model.getSpeciesReference(name)) is not None and reference.isSetStoichiometry():
            return float(reference.getStoichiometry())
        raise InputError(f"has {name} in it, which has no value of its own")

    def formula(self, element: Any, node: Any, what: str, *, always: bool = False) -> float:
        """Value of a formula at the start; of one that is to hold `always`, without a species that changes."""

        def lookup(name: str) -> Rational:
            species = self._model.getSpecies(name)
            if (
                always
                and species is not None
                and not (species.getConstant() or species.getBoundaryCondition())
            ):
                raise InputError(f"depends on the species {name}, which changes")
            if self._model.getParameter(name) is not None:
                self.used.add(name)
            return Rational.number(self.value(name))

        try:
            return constant(value_of(node, lookup))
        except InputError as error:
            said = str(error)
            raise (
                error
                if said.startswith((f"{what}:", "line ")) or ": line " in said
                else self._fault(element, f"{what}: {said}")
            ) from None

    def _size(self, compartment: Any) -> float:
        dimensions = compartment.getSpatialDimensionsAsDouble()
        if compartment.isSetSpatialDimensions() and dimensions not in (0, 1, 2, 3):
            raise self._fault(
                compartment,
                f"compartment {compartment.getId()} has {dimensions:g} dimensions; 0 to 3 are read",
            )
        if compartment.isSetSpatialDimensions() and dimensions == 0:
            return 1.0
        size = float(compartment.getSize()) if compartment.isSetSize() else math.nan
        if math.isinf(size):
            raise self._fault(compartment, f"compartment {compartment.getId()} has no finite size")
        if math.isnan(size):
            self.missing[f"size of {compartment.getId()}"] = "1"
            return 1.0
        if size <= 0:
            raise self._fault(
                compartment, f"compartment {compartment.getId()} has the size {size:g}; it must be above 0"
            )
        return size

    def _species(self, species: Any) -> float:
        size = self.value(species.getCompartment())
        amount = species.getHasOnlySubstanceUnits()
        if species.isSetInitialAmount():
            return float(species.getInitialAmount()) / (1.0 if amount else size)
        if species.isSetInitialConcentration():
            return float(species.getInitialConcentration()) * (size if amount else 1.0)
        self.missing[f"start of {species.getId()}"] = "0"
        return 0.0
