"""SBML as a file: well-formed, of a size and depth that libraries take, and without entities, before it is read."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.parsers import expat

import libsbml

from crnsim.entrance.arguments import NUMBER, read_number, shown
from crnsim.entrance.files import read_bytes
from crnsim.entrance.limits import LARGEST_NETWORK_FILE
from crnsim.errors import InputError
from crnsim.wording import byte_count

#: Elements in each other: a formula that a person reads has a few dozen, and libraries recurse.
DEEPEST_ELEMENT = 200
#: Levels of SBML that are read.
LEVELS = (2, 3)

#: Attributes that are numbers, and how these are written.
_NUMERIC = {"value", "size", "initialAmount", "initialConcentration", "stoichiometry", "multiplier"}
_ATTRIBUTE = re.compile(rf"{NUMBER.pattern}|-?INF|NaN", re.ASCII)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
#: What is not asked of a model: what matters of it is looked at while it is read, and many good ones have slips there.
_UNCHECKED = (
    libsbml.LIBSBML_CAT_GENERAL_CONSISTENCY,
    libsbml.LIBSBML_CAT_UNITS_CONSISTENCY,
    libsbml.LIBSBML_CAT_MATHML_CONSISTENCY,
    libsbml.LIBSBML_CAT_SBO_CONSISTENCY,
    libsbml.LIBSBML_CAT_OVERDETERMINED_MODEL,
    libsbml.LIBSBML_CAT_MODELING_PRACTICE,
)


def sbml_model(source: str | Path) -> tuple[Any, str]:
    """Return the model of a document, with what keeps it alive, and what to call it in messages.

    Parameters
    ----------
    source : str or Path
        XML as text, or the path of a file: what begins with ``<`` is text.

    Raises
    ------
    InputError
        It is no SBML of a level that is read, or has packages that change what it means.
    """
    if isinstance(source, str) and source.lstrip("\ufeff \t\r\n").startswith("<"):
        name, content = "text", source.encode("utf-8", "surrogatepass")
        if len(content) > LARGEST_NETWORK_FILE:
            raise InputError(
                f"text: {byte_count(len(content))} of it; at most {byte_count(LARGEST_NETWORK_FILE)} are read"
            )
    elif isinstance(source, (str, os.PathLike)):
        name, content = str(source), read_bytes(source, LARGEST_NETWORK_FILE)
    else:
        raise InputError(f"source is {shown(source)}; give SBML as text, or a path")
    _check_xml(content, name)
    # With a declaration that says no encoding, which XML allows, the library finds fault: it gets one that does.
    text = content.decode("utf-8-sig")
    # And long comments cost it minutes.
    text = _COMMENT.sub(lambda match: "\n" * match[0].count("\n"), text)
    body = re.sub(r"^\s*<\?xml[^>]*\?>", "", text, count=1)
    lines = "\n" * (text.count("\n") - body.count("\n"))
    document = libsbml.readSBMLFromString(f'<?xml version="1.0" encoding="UTF-8"?>{lines}{body}')
    _check_errors(document, name)
    for category in _UNCHECKED:
        document.setConsistencyChecks(category, False)
    document.checkConsistency()
    _check_errors(document, name)
    if document.getLevel() not in LEVELS:
        raise InputError(f"{name}: SBML Level {document.getLevel()}; Levels 2 and 3 are read")
    model = document.getModel()
    if model is None:
        raise InputError(f"{name}: there is no model in it")
    for number in range(document.getNumPlugins()):
        package = document.getPlugin(number).getPackageName()
        known = document.getLevel() < 3 or package == "l3v2extendedmath"
        if not known and document.getPackageRequired(package):
            raise InputError(f"{name}: the package {package} changes what the model means, and is not read")
    return document, name


class _Numbers:
    """Numbers in formulas, whose text the library takes for something else where it is none."""

    def __init__(self) -> None:
        self._kind, self._parts = "", [""]
        self._inside = self._other_base = False

    def begin(self, tag: str, about: dict[str, str]) -> None:
        name = tag.rpartition(":")[2]
        if name == "cn":
            self._kind, self._parts, self._inside = about.get("type", "real"), [""], True
            self._other_base = about.get("base", "10").strip() != "10"
        elif name == "sep" and self._inside:
            self._parts.append("")

    def text(self, text: str) -> None:
        if self._inside:
            self._parts[-1] += text

    def end(self, tag: str) -> str:
        """Return what is wrong with the number that ends, if one does."""
        if tag.rpartition(":")[2] != "cn":
            return ""
        self._inside = False
        parts = [part.strip() for part in self._parts]
        written = f"{shown(' '.join(parts))} in a formula"
        if self._other_base:
            return f"{written} is no decimal number"
        wanted = {"integer": "i", "rational": "ii", "e-notation": "ri", "real": "r"}.get(self._kind)
        if wanted is None:
            return ""  # the library says so
        if self._kind == "e-notation" and re.search("[eE]", parts[0]):
            return f"{written} is no number of the type {self._kind}"
        patterns = {"i": re.compile(r"[+-]?[0-9]+", re.ASCII), "r": NUMBER}
        if len(parts) != len(wanted) or not all(
            patterns[letter].fullmatch(part) for letter, part in zip(wanted, parts, strict=True)
        ):
            return f"{written} is no number of the type {self._kind}"
        try:
            read_number("it", "e".join(parts) if self._kind == "e-notation" else parts[0])
        except InputError:
            return f"{written} is so close to 0 that it would be taken for 0"
        return ""


def _check_xml(content: bytes, name: str) -> None:
    """Refuse what is no XML, what declares entities, numbers that are none, and what is nested too deeply."""
    depth, numbers = 0, _Numbers()

    def refused(what: str) -> Callable[..., None]:
        def refuse(*_: Any) -> None:
            raise InputError(f"{name}: line {parser.CurrentLineNumber}: {what}")

        return refuse

    def start(tag: str, about: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        numbers.begin(tag, about)
        for key in _NUMERIC & about.keys():
            if not _ATTRIBUTE.fullmatch(about[key].strip()):
                refused(f"{key} is {shown(about[key])}; it must be a number")()
        if depth > DEEPEST_ELEMENT:
            refused(f"elements are nested more than {DEEPEST_ELEMENT} deep")()

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        if said := numbers.end(tag):
            refused(said)()

    def declared(_: str, encoding: str | None, __: int) -> None:
        if encoding and encoding.lower().replace("-", "") not in ("utf8", "ascii", "usascii"):
            refused(f"the encoding is {encoding}; SBML is written in UTF-8")()

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = numbers.text
    parser.XmlDeclHandler = declared
    parser.StartDoctypeDeclHandler = refused("a DOCTYPE, which SBML does not have, is not read")
    try:
        content.decode()
        parser.Parse(content, True)
    except UnicodeDecodeError:
        raise InputError(f"{name}: not a text file in UTF-8") from None
    except expat.ExpatError as error:
        what = expat.errors.messages.get(error.code, "?")
        raise InputError(f"{name}: line {error.lineno}: not XML: {what}") from None


def _check_errors(document: Any, name: str) -> None:
    """Refuse a document in which the library finds an error; the first one is said."""
    for number in range(document.getNumErrors()):
        error = document.getError(number)
        if error.getSeverity() >= libsbml.LIBSBML_SEV_ERROR:
            said = " ".join(error.getMessage().split())
            raise InputError(f"{name}: line {error.getLine()}: not valid SBML: {said[:400]}")
