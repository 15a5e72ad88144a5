"""Networks from text: the language of `Network.to_crn`, of ``.crn`` files and of what ``crnsim describe`` prints.

A statement ends with its line or with ``;``, and ``#`` or ``//`` begins a comment::

    dim n = 2
    species X[n], Y          // left out: as the reactions name them
    k = 1.5                  // or: parameter k = 1.5
    label "decay"            // what the reactions below are for
    X[i] ->{k} 0             // for every i
    X[0] + X[1] <->{2*k}{0.1} 2Y
    init X 1.0

A reaction's rate is its constant times the product of its reactants' concentrations, each to the power of its count.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crnsim.entrance.arguments import read_number, shown
from crnsim.entrance.files import read_text
from crnsim.entrance.limits import LARGEST_NETWORK_FILE
from crnsim.errors import InputError
from crnsim.network import checks
from crnsim.network.families import NOTHING, is_fixed, rate_constants
from crnsim.network.network import Network

#: What text, and no path, has in it.
_IS_TEXT = re.compile(r"[\n;=]|->|<-|^\s*(?:dim|species|slow|parameter|label|init)\s")
_COMMENT = re.compile(r'"(?:[^"\\]|\\.)*"|//|#|;|[\[\]]')
_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_ASSIGNMENT = re.compile(rf"(?:parameter\s+)?({_NAME})\s*=\s*(.*)", re.ASCII | re.DOTALL)
_DECLARED = re.compile(rf"({_NAME})\s*(?:\[([^\]]*)\])?", re.ASCII)
_INIT = re.compile(rf"init\s+({_NAME}(?:\s*\[[^\]]*\])?)\s*(?:=\s*|\s)(.*)", re.ASCII | re.DOTALL)
_SPECIES_AT = re.compile(rf"({_NAME})\s*(?:\[([^\]]*)\])?", re.ASCII)
_ARROW = re.compile(r"<-->|-->|<->|->|<-|<=>|=>|→|⇌|⇄")
_HOW = "write A + B ->{k} C, or A <->{kf}{kr} B"


def read_crn(source: str | Path) -> Network:
    """Read a network from text or from a file.

    Parameters
    ----------
    source : str or Path
        Text, or the path of a file: what has a line end, an arrow, a ``=`` or a keyword in it is text. See
        `crnsim.network.reader` for the language.

    Returns
    -------
    Network
        Its `initial` holds the concentrations at the start.

    Raises
    ------
    InputError
        The text is no network, with the number of the line; or the file is not there, no text, or too large.
    """
    if isinstance(source, str) and _IS_TEXT.search(source):
        name, text = "text", source
    elif isinstance(source, (str, os.PathLike)):
        name, text = str(source), read_text(source, LARGEST_NETWORK_FILE, encoding="utf-8-sig")
    else:
        raise InputError(f"source is {shown(source)}; give text, such as 'A + B ->{{1}} C', or a path")
    draft = _Draft()
    for line, statement in _statements(text, name):
        _about(name, line, draft.take, line, statement)
    return _built(draft, name)


def _about(source: str, line: int, call: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function; what it refuses is said with file and line."""
    try:
        return call(*arguments)
    except InputError as error:
        raise InputError(f"{source}: line {line}: {error}") from None


def _statements(text: str, source: str) -> Iterator[tuple[int, str]]:
    """Yield statements with the lines on which they begin; one with an open [ of a list goes on in the next line."""
    open_from, waiting, depth = 0, "", 0
    for number, line in enumerate(text.splitlines(), 1):
        start, end, begin = 0, len(line), open_from or number
        for match in _COMMENT.finditer(line):
            mark = match.group()
            if mark in "[]":
                depth += 1 if mark == "[" else -1
            elif mark in ("//", "#"):
                end = match.start()
                break
            elif mark == ";":
                yield begin, (waiting + line[start : match.start()]).strip()
                start, waiting, begin, depth, open_from = match.end(), "", number, 0, 0
        waiting += line[start:end] + " "
        if depth > 0 and "=" in waiting and "->" not in waiting:
            open_from = begin
            continue
        yield begin, waiting.strip()
        waiting, depth, open_from = "", 0, 0
    if waiting.strip():
        raise InputError(f"{source}: line {open_from}: a list is not closed; write ]")


@dataclass
class _Draft:
    """Statements by kind, with their lines."""

    dims: dict[str, int] = field(default_factory=dict)
    species: list[tuple[int, str, list[str], bool]] = field(default_factory=list)
    parameters: dict[str, Any] = field(default_factory=dict)
    reactions: list[tuple[int, str, str, Any]] = field(default_factory=list)
    initial: list[tuple[int, str, Any]] = field(default_factory=list)
    #: Lines of parameters that are not called so, and may be meant for something else.
    lines: dict[str, int] = field(default_factory=dict)
    label: str = ""

    def take(self, line: int, statement: str) -> None:
        if not statement:
            return
        word = statement.split(None, 1)[0]
        if _ARROW.search(statement) and not re.match(r'label\s*"', statement):
            self.reactions.append((line, self.label, *_reaction(statement)))
        elif match := _ASSIGNMENT.fullmatch(statement):
            self._parameter(line if word != "parameter" else 0, *match.groups())
        elif word == "dim":
            self._dim(statement)
        elif word == "species" or re.match(r"slow\s+species\s", statement):
            self._species(line, statement.split("species", 1)[1], slow=word == "slow")
        elif word == "label":
            self.label = _label(statement[len("label") :])
        elif match := _INIT.fullmatch(statement):
            name = re.sub(r"\s", "", match[1])
            if any(name == other for _, other, _ in self.initial):
                raise InputError(f"init {name} is given twice")
            self.initial.append((line, name, _value(f"init {name}", match[2])))
        else:
            raise InputError(f"cannot read {shown(statement)}; {_HOW}, or init A 1.0, or k = 1.0")

    def _parameter(self, line: int, name: str, text: str) -> None:
        if name in self.parameters:
            raise InputError(f"rate parameter '{name}' is set twice")
        self.parameters[name] = _value(f"rate parameter '{name}'", text)
        Network(parameters={name: self.parameters[name]})
        self.lines[name] = line

    def _dim(self, statement: str) -> None:
        match = re.fullmatch(rf"dim\s+({_NAME})\s*=\s*([0-9]+)", statement, re.ASCII)
        if match is None:
            raise InputError(f"cannot read {shown(statement)}; write dim n = 3")
        if match[1] in self.dims:
            raise InputError(f"dimension '{match[1]}' is declared twice")
        length = int(match[2]) if len(match[2]) < 12 else 10**12
        self.dims[match[1]] = checks.check_dim(match[1], length)[1]

    def _species(self, line: int, text: str, *, slow: bool) -> None:
        for part in re.split(r",(?![^\[]*\])", text):
            match = _DECLARED.fullmatch(part.strip())
            if match is None:
                raise InputError(f"cannot read species {shown(part.strip())}; write species A, X[n], W[2,3]")
            dims = [dim.strip() for dim in match[2].split(",")] if match[2] is not None else []
            checks.check_name("a species", match[1])
            self.species.append((line, match[1], dims, slow))


def _label(text: str) -> str:
    try:
        label = json.loads(text.strip())
    except (ValueError, RecursionError):
        label = None
    if not isinstance(label, str):
        raise InputError(f'cannot read label {shown(text.strip())}; write label "decay"')
    return checks.check_label(label)


def _value(what: str, text: str) -> Any:
    """A number, or a list of them."""
    if text.startswith("["):
        try:
            return json.loads(text, parse_float=lambda word: read_number(f"a value of {what}", word))
        except InputError:
            raise
        except (ValueError, RecursionError):
            raise InputError(f"{what}: cannot read {shown(text)}; write [0.5, 1.0]") from None
    return read_number(what, text)


def _reaction(statement: str) -> tuple[str, Any]:
    """Equation and rate, or rates, of a statement with an arrow."""
    arrow = _ARROW.search(statement)
    assert arrow is not None
    if arrow.group() not in ("->", "<->"):
        raise InputError(f"'{arrow.group()}' is no arrow here; {_HOW}")
    left, rest = statement[: arrow.start()].strip(), statement[arrow.end() :].strip()
    rates: list[str] = []
    while rest.startswith("{"):
        inside, closed, rest = rest[1:].partition("}")
        if not closed or "{" in inside:
            raise InputError(f"a {{ of {shown(statement)} is not closed; {_HOW}")
        if not inside.strip():
            raise InputError(f"a rate of {shown(statement)} is empty; {_HOW}")
        rates.append(inside.strip())
        rest = rest.strip()
    if _ARROW.search(rest) or "{" in rest or "}" in rest + left:
        raise InputError(f"{shown(statement)} has more than an arrow and its rates; {_HOW}")
    if not left or not rest:
        raise InputError(f"a side of {shown(statement)} is empty; write 0 for nothing")
    both = arrow.group() == "<->"
    if len(rates) != 1 + both:
        wanted = "a reversible reaction needs two rates" if both else "a reaction needs one rate"
        raise InputError(f"{wanted}, and {shown(statement)} has {len(rates) or 'none'}; {_HOW}")
    return f"{left} {arrow.group()} {rest}", (rates[0], rates[1]) if both else rates[0]


def _built(draft: _Draft, source: str) -> Network:
    for line, name, dims, _ in draft.species:
        for dim in filter(is_fixed, dims):
            if draft.dims.setdefault(_dim_of(dim), int(dim)) != int(dim):
                raise InputError(
                    f"{source}: line {line}: dim {_dim_of(dim)} is not {dim}; call it something else, for {name}"
                )
            _about(source, line, checks.check_dim, _dim_of(dim), int(dim))
    network = Network(dims=draft.dims)
    for name, value in draft.parameters.items():
        network.set_parameter(name, value)
    for line, name, dims, slow in draft.species:
        named = [_dim_of(dim) if is_fixed(dim) else dim for dim in dims]
        _about(source, line, lambda n=name, d=named, s=slow: network.add_species(n, *d, slow=s))
    if not draft.species:
        network = _with_species_as_named(network, draft, source)
    lines: list[int] = []
    for line, label, equation, rate in draft.reactions:
        _about(source, line, network.add_family, label, equation, rate)
        lines += [line] * (2 if "<->" in equation else 1)
    values = {**network.parameters, **network.arrays}
    for line, family in zip(lines, network.families, strict=True):
        _about(source, line, rate_constants, family, values)
    species = {one.name for one in network.species}
    for name, line in draft.lines.items():
        if line and name in species and not network.uses(name):
            raise InputError(
                f"{source}: line {line}: {name} is a species; write init {name} {draft.parameters[name]}"
            )
    for line, name, value in draft.initial:
        _about(source, line, network.set_initial, {name: value})
    if not network.n_species:
        raise InputError(f"{source}: there is no species in it; {_HOW}")
    return network


def _dim_of(length: str) -> str:
    """Name of a dimension that is only known by its length."""
    return f"n{int(length)}"


def _with_species_as_named(draft_network: Network, draft: _Draft, source: str) -> Network:
    """Declare the species that the reactions name, in the order in which they do; an array by its highest indices."""
    shapes: dict[str, list[int] | None] = {}
    lines: dict[str, int] = {}
    for line, _, equation, _ in draft.reactions:
        for side in re.split(r"<?->", equation):
            for part in side.split("+") if side.strip() not in NOTHING else ():
                match = _SPECIES_AT.search(re.sub(r"^\s*[0-9]+\s*\*?", "", part))
                if match is not None:  # what cannot be read is refused below, with its reason
                    _about(source, line, _see, shapes, match[1], match[2])
                    lines.setdefault(match[1], line)
    for line, name, _ in draft.initial:
        found = _SPECIES_AT.fullmatch(name)
        if found is not None and found[1] in shapes and found[2]:
            _about(source, line, _see, shapes, found[1], found[2])
    lengths = {f"n{n}": n for shape in shapes.values() for n in shape or ()}
    for name, length in lengths.items():
        if draft.dims.get(name, length) != length:
            raise InputError(
                f"{source}: dim {name} is not {length}; declare the species, or call it something else"
            )
    network = Network(dims=draft.dims | lengths)
    for name, value in draft.parameters.items():
        network.set_parameter(name, value)
    for name, shape in shapes.items():
        _about(source, lines[name], network.add_species, name, *(f"n{n}" for n in shape or ()))
    return network


def _see(shapes: dict[str, list[int] | None], name: str, indices: str | None) -> None:
    """Note that a species is named, with these indices."""
    places = [place.strip() for place in indices.split(",")] if indices else []
    if any(not is_fixed(place) for place in places):
        raise InputError(f"{name}[{indices}] stands for several species; say how many: species {name}[3]")
    checks.check_name("a species", name)
    wanted = [int(place) + 1 for place in places]
    shape = shapes.setdefault(name, wanted or None)
    if len(shape or ()) != len(wanted):
        raise InputError(
            f"{name} stands with {len(wanted)} indices here and with {len(shape or ())} elsewhere"
        )
    shapes[name] = [max(pair) for pair in zip(shape or (), wanted, strict=True)] or None
