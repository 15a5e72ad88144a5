"""The directive `crnsim-commands`: every command and option of the command line, from its own parser."""

from __future__ import annotations

import argparse
import textwrap
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from crnsim.cli.parser import _parser

WIDTH = 100


def commands() -> dict[str, argparse.ArgumentParser]:
    """Return the parser of every command by its name, in the order of `crnsim --help`."""
    action = next(one for one in _parser()._actions if isinstance(one, argparse._SubParsersAction))
    return dict(action.choices)


def option_text(action: argparse.Action) -> str:
    """Return an argument as it is typed, such as ``-o, --output FILE``."""
    value = action.metavar or (action.dest.upper() if action.option_strings else action.dest)
    if not action.option_strings:
        return str(value)
    if action.nargs == 0:
        return ", ".join(action.option_strings)
    shown = f"[{value}]" if action.nargs == "?" else str(value)
    return f"{', '.join(action.option_strings)} {shown}"


def as_markdown() -> str:
    """Return the whole reference as Markdown."""
    made = []
    for name, parser in commands().items():
        parser.formatter_class = lambda prog: argparse.HelpFormatter(prog, width=WIDTH)
        usage = parser.format_usage().removeprefix("usage: ").rstrip()
        about = (parser.description or "").strip()
        made += [f"## crnsim {name}", "", about, "", "```text", textwrap.dedent(usage), "```", ""]
        rows = [action for action in parser._actions if action.dest != "help"]
        if rows:
            made += ["| argument | meaning |", "| --- | --- |"]
            for action in rows:
                said = " ".join((action.help or "").split()).replace("%%", "%")
                if action.default not in (None, False, "", [], argparse.SUPPRESS) and "default" not in said:
                    said = "; ".join(filter(None, (said, f"{action.default} by default")))
                option = option_text(action).replace("|", r"\|")
                made.append(f"| `{option}` | {said.replace('|', chr(92) + '|')} |")
            made.append("")
    return "\n".join(made)


class Commands(SphinxDirective):
    """Sections of all commands."""

    def run(self) -> list[nodes.Node]:
        """Return the sections."""
        import crnsim.cli

        for place in crnsim.cli.__path__:
            for source in sorted(Path(place).glob("*.py")):
                self.env.note_dependency(str(source))
        return self.parse_text_to_nodes(as_markdown(), allow_section_headings=True)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.add_directive("crnsim-commands", Commands)
    return {"version": "1", "parallel_read_safe": True}
