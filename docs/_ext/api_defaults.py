"""Defaults of parameters, from signatures into docstrings: said once, and shown where they are looked for."""

from __future__ import annotations

import inspect
import re
from typing import Any

from sphinx.application import Sphinx


def defaults(thing: object) -> dict[str, str]:
    """Return the defaults of a function or a class as a reader would write them; None is said in words already."""
    try:
        parameters = inspect.signature(thing).parameters  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return {}
    given = {
        name: one.default
        for name, one in parameters.items()
        if one.default not in (inspect.Parameter.empty, None)
    }
    return {name: repr(value) for name, value in given.items()}


def with_defaults(lines: list[str], known: dict[str, str]) -> list[str]:
    """Return a NumPy docstring whose section of parameters says defaults."""
    made, inside = [], False
    for number, line in enumerate(lines):
        underlined = lines[number + 1 : number + 2] and re.fullmatch(r"-+", lines[number + 1])
        inside = line == "Parameters" if underlined else inside
        found = re.fullmatch(r"(\w+)( : .*)?", line)
        if inside and found and found[1] in known:
            made.append(f"{found[1]}{found[2] or ' :'}, default ``{known[found[1]]}``".replace(" :,", " :"))
        else:
            made.append(line)
    return made


def _process(app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    if what in ("function", "class", "method"):
        lines[:] = with_defaults(lines, defaults(thing))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    # Before napoleon, which reads the sections.
    app.connect("autodoc-process-docstring", _process, priority=100)
    return {"version": "1", "parallel_read_safe": True}
