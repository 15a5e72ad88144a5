"""Networks from SBML: the mass-action part of Levels 2 and 3; what else there is, is refused by name and place."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from crnsim.errors import InputError
from crnsim.interchange.sbml import document
from crnsim.interchange.sbml.identifiers import names_here
from crnsim.interchange.sbml.laws import Known, Term, factors_in_order, formula, terms_of, value_of
from crnsim.interchange.sbml.note import noted_network, set_numbers
from crnsim.interchange.sbml.rational import Rational
from crnsim.interchange.sbml.start import Start
from crnsim.network.network import Network
from crnsim.wording import exact

log = logging.getLogger("crnsim")


def read_sbml(source: str | Path) -> Network:
    """Read a network from SBML, Levels 2 and 3.

    A rate law is recognised as mass action in whatever form it is written. Species are concentrations as the model has
    them, or amounts where it says so (``hasOnlySubstanceUnits``); where a reaction joins compartments of different
    sizes, all species are amounts, and a message says so. Constant and boundary species are catalysts.

    Parameters
    ----------
    source : str or Path
        XML as text, or the path of a file: what begins with ``<`` is text.

    Returns
    -------
    Network
        Reactions have the identifiers of the model as labels; `initial` holds the concentrations at the start.

    Raises
    ------
    InputError
        It is no SBML; a rate law is no mass action; or the model has events, rules, functions, delays, constraints,
        conversion factors, fast reactions, or stoichiometries that are no whole numbers. With file and line.
    """
    held, name = document.sbml_model(source)
    try:
        return _Reader(held.getModel(), name).network()
    except InputError as error:
        # Every message says in which file.
        if str(error).startswith(f"{name}:"):
            raise
        raise InputError(f"{name}: {error}") from None
    except (ZeroDivisionError, OverflowError):
        raise InputError(f"{name}: it divides by zero, or has numbers in it that are out of range") from None


@dataclass(frozen=True)
class _Step:
    """A reaction of the model: what it changes, and the products that its rate law is the sum of."""

    element: Any
    change: dict[str, int]
    terms: list[Term]
    #: Numbers and names of a law that is a plain product, in their order.
    factors: list[str | Fraction | float] | None


class _Reader:
    """One model on its way to a network."""

    def __init__(self, model: Any, source: str) -> None:
        self.model, self.source = model, source
        self._refuse_the_rest()
        self.start = Start(model, self._fault)
        self.species = {one.getId(): one for one in model.getListOfSpecies()}
        self.values: dict[str, float] = {}
        #: Parameters that become numbers, and those of them that rates have in them.
        self.frozen: set[str] = set()
        self.told: set[str] = set()
        self.negative: dict[str, float] = {}
        #: Species that nothing changes, as far as laws have them in them, by symbol.
        self.fixed: dict[str, float] = {}

    def _fault(self, element: Any, said: str) -> InputError:
        """Return what is wrong with an element, with its place."""
        line = element.getLine()
        return InputError(f"{self.source}: {f'line {line}: ' if line else ''}{said}")

    def _refuse_the_rest(self) -> None:
        model = self.model
        for one in model.getListOfRules():
            kind = (
                "rate rule" if one.isRate() else "assignment rule" if one.isAssignment() else "algebraic rule"
            )
            raise self._fault(one, f"{kind} {one.getVariable()}: rules are not read, only reactions are")
        for elements, what in (
            (model.getListOfEvents(), "event"),
            (model.getListOfConstraints(), "constraint"),
            (model.getListOfFunctionDefinitions(), "function definition"),
        ):
            for one in elements:
                raise self._fault(one, f"{what} {one.getId()}: {what}s are not read, only reactions are")
        for one in (model, *model.getListOfSpecies()):
            if one.isSetConversionFactor():
                raise self._fault(one, f"{one.getId()}: conversion factors are not read")

    def network(self) -> Network:
        """Return the network, reaction by reaction."""
        elements = list(self.model.getListOfReactions())
        changes = [self._change(one) for one in elements]
        self.scale = self._scales(elements, changes)
        network = self._built(self._steps(elements, changes))
        if not network.n_species:
            raise InputError(f"{self.source}: there is no species in it")
        network.rate_constants()  # what is out of range is said here, with the name of the file
        if self.start.missing:
            said = ", ".join(f"{what} is {value}" for what, value in self.start.missing.items())
            log.warning("%s: not given in the model: %s", self.source, said[:500])
        return network

    def _steps(self, elements: list[Any], changes: list[dict[str, int]]) -> list[_Step]:
        """Take all laws apart; a parameter that becomes a number in one of them is one in all.

        If it were swept, only a part of what depends on it would follow.
        """
        for one in self.species:
            self.start.value(one)
        while True:
            self.values, self.fixed = {}, {}
            known = Known(self.values, self.fixed)
            steps = [
                _Step(one, change, *self._terms(one, change, known))
                for one, change in zip(elements, changes, strict=True)
            ]
            new = known.frozen | self.start.used
            if new <= self.frozen:
                break
            self.frozen |= new
        if told := sorted(self.told):
            log.warning(
                "%s: taken as numbers, which nothing can set: %s (they are divided or subtracted, or what is there at "
                "the start follows from them)",
                *(self.source, ", ".join(told)[:300]),
            )
        return steps

    # -- reactions --------------------------------------------------------------------------------------

    def _change(self, reaction: Any) -> dict[str, int]:
        """Molecules that a reaction adds, by species that reactions may change."""
        name = reaction.getId()
        if reaction.isSetFast() and reaction.getFast():
            raise self._fault(reaction, f"reaction {name} is fast, which is not read; give it a rate")
        change: dict[str, int] = {}
        for sign, side in ((-1, reaction.getListOfReactants()), (1, reaction.getListOfProducts())):
            for reference in side:
                species = self.species.get(reference.getSpecies())
                if species is None:
                    raise self._fault(reference, f"reaction {name}: unknown species {reference.getSpecies()}")
                if not (species.getBoundaryCondition() or species.getConstant()):
                    key, count = species.getId(), self._count(reference, name)
                    change[key] = change.get(key, 0) + sign * count
        return {species: count for species, count in change.items() if count}

    def _count(self, reference: Any, reaction: str) -> int:
        what = f"reaction {reaction}: stoichiometry of {reference.getSpecies()}"
        if reference.isSetStoichiometryMath():
            math = reference.getStoichiometryMath().getMath()
            count = self.start.formula(reference, math, what, always=True)
        elif reference.isSetId() and self.model.getInitialAssignment(reference.getId()) is not None:
            count = self.start.value(reference.getId())
        elif reference.isSetStoichiometry() or self.model.getLevel() == 2:
            count = reference.getStoichiometry() / reference.getDenominator()
        else:
            raise self._fault(reference, f"{what} is not given")
        if not (0 <= count <= 1000 and float(count).is_integer()):
            raise self._fault(reference, f"{what} is {count:g}; it must be a whole number")
        return int(count)

    def _scales(self, elements: list[Any], changes: list[dict[str, int]]) -> dict[str, float]:
        """Amount in one unit of each species here: the size of its compartment, or 1 where it is an amount."""
        scales = {
            name: 1.0 if one.getHasOnlySubstanceUnits() else self.start.value(one.getCompartment())
            for name, one in self.species.items()
        }
        for element, change in zip(elements, changes, strict=True):
            if len({scales[name] for name in change}) > 1:
                log.warning(
                    "%s: reaction %s joins compartments of different sizes, so that all species are amounts",
                    *(self.source, element.getId()),
                )
                return dict.fromkeys(scales, 1.0)
        return scales

    def _terms(
        self, reaction: Any, change: dict[str, int], known: Known
    ) -> tuple[list[Term], list[str | Fraction | float] | None]:
        """Products that the rate law is the sum of, in the species as they are here; and what a plain one is of."""
        name, law = reaction.getId(), reaction.getKineticLaw()
        if law is None or law.getMath() is None:
            raise self._fault(reaction, f"reaction {name} has no rate law")
        own = {one.getId(): one for one in (*law.getListOfParameters(), *law.getListOfLocalParameters())}

        def lookup(symbol: str) -> Rational:
            if symbol in own:
                if not own[symbol].isSetValue():
                    raise InputError(f"has {symbol} in it, which has no value")
                # The point keeps it apart from a parameter of the whole model.
                return self._parameter(f"{name}.{symbol}", float(own[symbol].getValue()))
            if symbol in self.species:
                one = self.species[symbol]
                size = 1.0 if one.getHasOnlySubstanceUnits() else self.start.value(one.getCompartment())
                if one.getBoundaryCondition() or one.getConstant():
                    if f"species {symbol}" in self.frozen:
                        self.told.add(symbol)
                        return Rational.number(self.start.value(symbol))
                    self.fixed[f"species {symbol}"] = self.start.value(symbol) * size / self.scale[symbol]
                return Rational.symbol(f"species {symbol}", Fraction(self.scale[symbol]) / Fraction(size))
            value = self.start.value(symbol)
            changeable = self.model.getParameter(symbol) is not None
            return self._parameter(symbol, value) if changeable else Rational.number(value)

        try:
            rate = value_of(law.getMath(), lookup, known)
            scales = {self.scale[species] for species in change}
            rate = rate / Rational.number(next(iter(scales))) if scales else rate
            plain = scales <= {1.0} and set(self.scale.values()) <= {1.0}
            factors = factors_in_order(law.getMath()) if plain and not own else None
            return terms_of(rate, self.values, self.fixed, known), factors
        except InputError as error:
            if str(error).startswith(f"{self.source}:"):
                raise
            raise self._fault(
                reaction, f"reaction {name}: its rate {formula(law.getMath())[:200]} {error}"
            ) from None

    def _parameter(self, name: str, value: float) -> Rational:
        """A parameter under its name; one below zero as a number, since a rate constant has no sign."""
        if value < 0:
            self.negative[name] = value
            return Rational.number(value)
        if name in self.frozen:
            self.told.add(name)
            return Rational.number(value)
        self.values[name] = value
        return Rational.symbol(name)

    # -- the network ------------------------------------------------------------------------------------

    def _built(self, steps: list[_Step]) -> Network:
        network = noted_network(self.model)
        used = {name for step in steps for term in step.terms for name in term.parameters}
        if network is not None and not used <= {one.getId() for one in self.model.getListOfParameters()}:
            network = None  # somebody has changed the laws: the note is not about them
        ours = network is not None
        if network is None:
            species = names_here(self.species)
            parameters = names_here([name for name in self.values if name in used], values=True)
            network = Network(parameters={here: self.values[name] for name, here in parameters.items()})
            for here in species.values():
                network.add_species(here)
            network.set_aliases({here: name for name, here in (species | parameters).items() if here != name})
        else:
            species = {name: one.getName() for name, one in self.species.items()}
            parameters = {one.getId(): one.getName() for one in self.model.getListOfParameters()}
            set_numbers(network, {here: self.start.value(name) for name, here in parameters.items()})
        for step in steps:
            label = step.element.getName() if ours else step.element.getId()
            self._add(network, step, label, species, parameters)
        self._set_initial(network, species)
        return network

    def _add(
        self, network: Network, step: _Step, label: str, species: dict[str, str], parameters: dict[str, str]
    ) -> None:
        """Add a reaction for every product of a rate law."""
        name = step.element.getId()
        for term in step.terms:
            left = {one.removeprefix("species "): count for one, count in term.species.items()}
            sides = step.element.getListOfReactants(), step.element.getListOfProducts()
            way = 1 if term.coefficient > 0 else -1
            right = dict(left)
            for one, count in step.change.items():
                right[one] = right.get(one, 0) + way * count
            if lost := [one for one, count in right.items() if count < 0]:
                law = formula(step.element.getKineticLaw().getMath())[:200]
                below = ", ".join(f"{one} is {value:g}" for one, value in list(self.negative.items())[:3])
                raise self._fault(
                    step.element,
                    f"reaction {name}: its rate {law} is no mass action: it would use up {lost[0]} at a rate that does "
                    f"not depend on it, or on too low a power of it{f' ({below})' if below else ''}",
                )
            if not left and not any(right.values()):
                continue  # nothing changes that can
            equation = " -> ".join(
                _side(_in_order(counts, listed), species)
                for counts, listed in zip((left, right), sides[::way], strict=True)
            )
            self._add_family(network, step.element, label, equation, self._rate(step, term, parameters))
        if not step.terms:
            moved = (
                {one: count for one, count in ((n, way * c) for n, c in step.change.items()) if count > 0}
                for way in (-1, 1)
            )
            equation = " -> ".join(_side(side, species) for side in moved)
            if step.change:
                self._add_family(network, step.element, label, equation, "0")

    def _add_family(self, network: Network, element: Any, label: str, equation: str, rate: str) -> None:
        try:
            network.add_family(label, equation, rate)
        except InputError as error:
            raise self._fault(element, f"reaction {element.getId()}: {error}") from None

    def _rate(self, step: _Step, term: Term, names: dict[str, str]) -> str:
        one_unit = {
            one.getId() for one in self.model.getListOfCompartments() if self.start.value(one.getId()) == 1
        }
        kept = [one for one in step.factors or [] if one not in self.species and one not in one_unit]
        named = [one for one in kept if isinstance(one, str)]
        if kept and len(step.terms) == 1 and term.coefficient > 0 and Counter(named) == term.parameters:
            # As it stands there: a product of three numbers depends on their order in its last digit.
            return "*".join(names[one] if isinstance(one, str) else exact(float(one)) for one in kept)
        try:
            return _rate(term, names)
        except InputError as error:
            name = step.element.getId()
            raise self._fault(step.element, f"reaction {name}: its rate {error}") from None

    def _set_initial(self, network: Network, species: dict[str, str]) -> None:
        start = {}
        for name, one in self.species.items():
            size = 1.0 if one.getHasOnlySubstanceUnits() else self.start.value(one.getCompartment())
            value = self.start.value(name) * size / self.scale[name]
            if not value >= 0:
                raise self._fault(one, f"species {name} starts at {value:g}; it must be 0 or more")
            start[species[name]] = value
        network.set_initial({here: value for here, value in start.items() if value})


def _in_order(counts: dict[str, int], listed: Any) -> dict[str, int]:
    """Molecules in the order of a list of the model; those that are not in it come last."""
    order = [reference.getSpecies() for reference in listed]
    return {name: counts[name] for name in dict.fromkeys([*(n for n in order if n in counts), *counts])}


def _side(counts: dict[str, int], names: dict[str, str]) -> str:
    """One side of an equation."""
    terms = (f"{count if count > 1 else ''}{names[name]}" for name, count in counts.items() if count)
    return " + ".join(terms) or "0"


def _rate(term: Term, names: dict[str, str]) -> str:
    """Rate of a term: its parameters by name, and a number."""
    size = abs(term.coefficient)
    factors = [names[name] for name, power in term.parameters.items() for _ in range(power)]
    return "*".join(factors if size == 1 and factors else [_digits(size), *factors])


def _digits(size: Fraction) -> str:
    number = float(size)
    if size and not number:
        raise InputError("has a number out of range in it")
    return exact(number)
