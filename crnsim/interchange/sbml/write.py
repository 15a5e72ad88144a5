"""Networks to SBML, Level 3 Version 2: every elementary reaction with its rate law, in one compartment of size 1.

Written as XML here, since libSBML writes numbers with 15 digits, which is not enough to read the same number back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from xml.etree import ElementTree as ET

import numpy as np
import numpy.typing as npt

from crnsim.entrance.arguments import SMALLEST_NORMAL
from crnsim.entrance.objects import check_instance, check_line
from crnsim.interchange.sbml.identifiers import (
    COMPARTMENT,
    MODEL,
    parameter_labels,
    reaction_id,
    sbml_identifiers,
)
from crnsim.interchange.sbml.note import NAMESPACE, NOTE, note_text
from crnsim.network.core import Core
from crnsim.network.families import Family, Reaction
from crnsim.network.text import check_listing, start_of
from crnsim.wording import exact

_SBML = "http://www.sbml.org/sbml/level3/version2/core"
_MATHML = "http://www.w3.org/1998/Math/MathML"
_UNIT = "dimensionless"


def to_sbml(
    network: Core,
    *,
    initial: Mapping[str, npt.ArrayLike] | npt.ArrayLike | None = None,
    title: str = "",
) -> str:
    """Return a network as SBML, Level 3 Version 2.

    Time, amounts and rate constants are dimensionless, and the compartment has the size 1. Identifiers that other tools
    could not take are replaced (see `sbml_identifiers`); names of species and parameters are kept as ``name``. A law is
    its rate constant times the product of the reactants' concentrations, each to the power of its count.

    Parameters
    ----------
    network : Network
    initial : mapping or array_like, optional
        Concentrations at the start by name, or of all species in the order of ``network.labels``; those of the network
        where left out.
    title : str
        Name of the model, for people.

    Returns
    -------
    str

    Raises
    ------
    InputError
        `initial` does not fit, or all reactions as text would not fit the memory that is allowed.
    """
    check_instance("network", network, Core, "a crnsim.Network, such as that of a circuit: circuit.network")
    title = check_line("title", title, empty=True)
    check_listing(network)
    start = dict(zip(network.labels, start_of(network, initial).tolist(), strict=True))
    species, parameters = sbml_identifiers(network)
    root = ET.Element("sbml", {"xmlns": _SBML, "level": "3", "version": "2"})
    units = dict.fromkeys(("substanceUnits", "timeUnits", "volumeUnits", "extentUnits"), _UNIT)
    name = {"name": title} if title else {}
    model = ET.SubElement(root, "model", {"id": MODEL, **name, **units})
    note = ET.SubElement(ET.SubElement(model, "annotation"), f"crnsim:{NOTE}", {"xmlns:crnsim": NAMESPACE})
    note.text = note_text(network)
    pot = {"id": COMPARTMENT, "spatialDimensions": "3", "size": "1", "units": _UNIT, "constant": "true"}
    ET.SubElement(ET.SubElement(model, "listOfCompartments"), "compartment", pot)
    _list(model, "listOfSpecies", (_species(label, one, start[label]) for label, one in species.items()))
    values = parameter_labels(network)
    _list(model, "listOfParameters", (_parameter(n, one, values[n]) for n, one in parameters.items()))
    _list(model, "listOfReactions", _reactions(network, species, parameters))
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _list(model: ET.Element, name: str, elements: Iterable[ET.Element]) -> None:
    """Add a list of elements, where there are any."""
    found = list(elements)
    if found:
        ET.SubElement(model, name).extend(found)


def _species(label: str, identifier: str, start: float) -> ET.Element:
    about = {
        "id": identifier,
        "name": label,
        "compartment": COMPARTMENT,
        # Readers refuse numbers that are closer to zero.
        "initialConcentration": exact(start if start >= SMALLEST_NORMAL else 0.0),
    }
    flags = dict.fromkeys(("hasOnlySubstanceUnits", "boundaryCondition", "constant"), "false")
    return ET.Element("species", about | {"substanceUnits": _UNIT} | flags)


def _parameter(label: str, identifier: str, value: float) -> ET.Element:
    about = {"id": identifier, "name": label, "value": exact(value), "units": _UNIT, "constant": "true"}
    return ET.Element("parameter", about)


def _reactions(network: Core, species: dict[str, str], parameters: dict[str, str]) -> Iterable[ET.Element]:
    reactions, number = network.reactions(), 0
    for family in network.families:
        label = {"name": family.label} if family.label else {}
        for place in np.ndindex(*family.shape):
            reaction, number = next(reactions), number + 1
            about = {"id": reaction_id(number), **label, "reversible": "false"}
            one = ET.Element("reaction", about)
            _list(one, "listOfReactants", _references(reaction.reactants, species))
            _list(one, "listOfProducts", _references(reaction.products, species))
            indices = dict(zip(family.indices, place, strict=True))
            law = ET.SubElement(one, "kineticLaw")
            law.append(_law(family, indices, reaction, species, parameters))
            yield one


def _references(side: tuple[tuple[int, str], ...], species: dict[str, str]) -> Iterable[ET.Element]:
    for count, label in side:
        about = {"species": species[label], "stoichiometry": str(count), "constant": "true"}
        yield ET.Element("speciesReference", about)


def _law(
    family: Family,
    indices: Mapping[str, int],
    reaction: Reaction,
    species: dict[str, str],
    parameters: dict[str, str],
) -> ET.Element:
    """The rate law: compartment, rate constant and reactants, multiplied."""
    math = ET.Element("math", {"xmlns": _MATHML, "xmlns:sbml": _SBML})
    factors = [_symbol(COMPARTMENT), *(_factor(factor, indices, parameters) for factor in family.rate)]
    for count, label in reaction.reactants:
        one = _symbol(species[label])
        factors.append(_apply("power", one, _number(str(count), "integer")) if count > 1 else one)
    math.append(_apply("times", *factors))
    return math


def _factor(factor: str, indices: Mapping[str, int], parameters: dict[str, str]) -> ET.Element:
    name, bracket, inside = factor.partition("[")
    label = f"{name}[{','.join(str(indices.get(i, i)) for i in inside[:-1].split(','))}]" if bracket else name
    if label in parameters:
        return _symbol(parameters[label])
    # Written out, however small: of numbers with an exponent of their own, libraries lose the last bit.
    return _number(format(Decimal(repr(float(factor))), "f"))


def _symbol(identifier: str) -> ET.Element:
    node = ET.Element("ci")
    node.text = identifier
    return node


def _number(text: str, kind: str = "") -> ET.Element:
    node = ET.Element("cn", ({"type": kind} if kind else {}) | {"sbml:units": _UNIT})
    node.text = text
    return node


def _apply(operator: str, *arguments: ET.Element) -> ET.Element:
    node = ET.Element("apply")
    node.append(ET.Element(operator))
    node.extend(arguments)
    return node
