"""Identifiers for other tools: species and parameters under names that SBML, Antimony and COPASI take."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from crnsim.entrance.limits import LONGEST_NAME
from crnsim.network.checks import VALUES
from crnsim.network.core import Core

#: Words with a meaning of their own in formulas or files of tools that read SBML; compared without regard to case.
RESERVED = frozenset(
    """
    time t avogadro pi e exponentiale inf infinity nan notanumber true false lambda gamma delay rate rateof abs acos
    arccos acosh arccosh acot arccot acsc arccsc asec arcsec asin arcsin asinh arcsinh atan arctan atanh arctanh ceil
    ceiling cos cosh cot coth csc csch exp factorial floor ln log log10 log2 max min piecewise pow power quotient rem
    root sec sech sgn sign sin sinh sqr sqrt tan tanh uniform normal exponential poisson and or not xor implies if
    then else eq neq gt lt geq leq model module end species compartment const var at after is in has reaction gene
    unit import function operator formula event trigger priority persistent fromtrigger t0 substanceonly deleted
    default identity contains part
    """.split()  # noqa: SIM905
)


def identifiers(labels: Iterable[str], taken: Iterable[str] = ()) -> dict[str, str]:
    """Return an identifier for each label: letters, digits and ``_``, no reserved word, unlike others in any case.

    Parameters
    ----------
    labels : iterable of str
        Names such as ``"X[0,1]"``.
    taken : iterable of str
        Identifiers that are in use.

    Returns
    -------
    dict of str to str
    """
    used = {one.lower() for one in taken} | RESERVED
    found = {}
    for label in labels:
        plain = re.sub(r"\W+", "_", label, flags=re.ASCII).strip("_") or "x"
        plain = plain if re.match(r"[A-Za-z_]", plain) else f"_{plain}"
        found[label] = next(one for one in _variants(plain) if one.lower() not in used)
        used.add(found[label].lower())
    return found


def _variants(plain: str) -> Iterator[str]:
    yield plain
    yield f"{plain}_"
    number = 2
    while True:
        yield f"{plain}_{number}"
        number += 1


def names_here(given: Iterable[str], *, values: bool = False) -> dict[str, str]:
    """Return a name for each identifier of a file that a network takes, in most cases the same.

    Parameters
    ----------
    given : iterable of str
    values : bool
        Whether they are rate parameters, for which names of values, such as ``inf``, do not do.
    """
    found: dict[str, str] = {}
    used: set[str] = set()
    for one in given:
        plain = re.sub(r"\W", "_", one, flags=re.ASCII)[: LONGEST_NAME - 8]
        found[one] = next(
            name
            for name in _variants(one if len(one) <= LONGEST_NAME and one.isidentifier() else plain)
            if name not in used and not keyword.iskeyword(name) and not (values and name.lower() in VALUES)
        )
        used.add(found[one])
    return found


def parameter_labels(network: Core) -> dict[str, float]:
    """Return all rate parameters as single numbers by name, those of arrays under ``W1p[0,1]``."""
    singles = dict(network.parameters)
    for name, values in network.arrays.items():
        singles |= {
            f"{name}[{','.join(map(str, place))}]": float(values[place])
            for place in np.ndindex(*values.shape)
        }
    return singles


def sbml_identifiers(network: Core) -> tuple[dict[str, str], dict[str, str]]:
    """Return the identifiers of species, and those of rate parameters, in the SBML of a network, by their names here.

    A name that the file had from which the network was read is used again.
    """
    declared = sorted(network.species, key=lambda species: species.place)
    labels = [label for one in declared for label in one.labels()]
    taken = (COMPARTMENT, MODEL, *(reaction_id(number) for number in range(1, network.n_reactions + 1)))
    species = _again(labels, network.aliases, taken)
    return species, _again(parameter_labels(network), network.aliases, (*taken, *species.values()))


def reaction_id(number: int) -> str:
    """Identifier of a reaction, counted from 1."""
    return f"reaction_{number}"


def _again(labels: Iterable[str], aliases: Mapping[str, str], taken: Iterable[str]) -> dict[str, str]:
    known = {label: aliases.get(label, label) for label in labels}
    found = identifiers(known.values(), taken)
    return {label: found[name] for label, name in known.items()}


#: Identifiers of the one compartment that is written, and of the model.
COMPARTMENT, MODEL = "pot", "network"
