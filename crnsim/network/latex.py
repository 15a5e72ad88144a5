"""Networks as LaTeX, with the package mhchem."""

from __future__ import annotations

import re
from collections.abc import Iterator

from crnsim.network.core import Core
from crnsim.network.families import Family, Term
from crnsim.wording import exact

#: What makes the text a document's own: to stand in its preamble.
PREAMBLE = r"% \usepackage{amsmath}  \usepackage[version=4]{mhchem}"


def latex_text(network: Core) -> str:
    """Return the families of a network as aligned equations; two that are each other's reverse stand in one line."""
    lines = []
    families = list(network.families)
    while families:
        family = families.pop(0)
        back = families[0] if families else None
        if back is not None and _reverse(family, back):
            families.pop(0)
            arrow = f"<=>[${_rate(family)}$][${_rate(back)}$]"
        else:
            arrow = f"->[${_rate(family)}$]"
        ranges = "; ".join(_range(i, n) for i, n in zip(family.indices, family.shape, strict=True))
        ending = rf" & & {ranges}" if ranges else ""
        lines.append(rf"  & \ce{{{_side(family.reactants)} {arrow} {_side(family.products)}}}{ending}")
    body = " \\\\\n".join(lines)
    return f"{PREAMBLE}\n\\begin{{align*}}\n{body}\n\\end{{align*}}\n"


def _reverse(family: Family, other: Family) -> bool:
    """Whether two families take place in each other's opposite direction."""
    return (
        set(family.reactants) == set(other.products)
        and set(family.products) == set(other.reactants)
        and dict(zip(family.indices, family.shape, strict=True))
        == dict(zip(other.indices, other.shape, strict=True))
    )


def _range(index: str, length: int) -> str:
    values = map(str, range(length)) if length < 4 else ("0", r"\dots", str(length - 1))
    return f"{index} = {', '.join(values)}"


def _side(terms: tuple[Term, ...]) -> str:
    """One side; formulas stand between dollar signs, so that mhchem leaves digits where they are."""
    return " + ".join(_term(term) for term in terms) or r"$\emptyset$"


def _term(term: Term) -> str:
    count = str(term.count) if term.count > 1 else ""
    return f"{count}${_symbol(term.name, term.indices)}$"


def _symbol(name: str, indices: tuple[str, ...], font: str = "mathrm") -> str:
    escaped = name.replace("_", r"\_")
    return rf"\{font}{{{escaped}}}" + (f"_{{{','.join(indices)}}}" if indices else "")


def _rate(family: Family) -> str:
    return r"\,".join(_factors(family))


def _factors(family: Family) -> Iterator[str]:
    for factor in family.rate:
        name, bracket, inside = factor.partition("[")
        if bracket:
            yield _symbol(name, tuple(inside[:-1].split(",")), "mathit")
        elif re.match(r"[A-Za-z_]", factor):
            yield _symbol(factor, (), "mathit")
        else:
            mantissa, _, exponent = exact(float(factor)).partition("e")
            yield rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if exponent else mantissa
