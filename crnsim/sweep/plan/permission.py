"""What a plan may have imported and opened: only what the sweep file of whoever runs it names too.

A folder of results may come from somebody else. Its plan is data; names of code and of files in it are words until the
user's own sweep file says the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePath

from crnsim.entrance.arguments import shown
from crnsim.errors import InputError
from crnsim.sweep.config.given import read_document
from crnsim.sweep.config.reader import GIVEN
from crnsim.sweep.plan.plan_file import read_plan_file, words_in


def permitted(path: str | Path, sweep_file: str | Path | None = None, given: Sequence[str] = ()) -> list[str]:
    """Return which ``module:Name`` of a plan may be imported: all of them, or there is an error.

    Parameters
    ----------
    path : str or Path
        Of ``plan.json``.
    sweep_file : str or Path, optional
        Of the user; code and files that it names too may be imported and opened. Without it code may not, and files
        only where they lie below the folder in which the command runs.
    given : sequence of str
        What the user gives beside the file, or in its place, as ``KEY=VALUE``; it counts as the file does.

    Raises
    ------
    InputError
        The plan names something else; the message says what, and how to allow it.
    """
    plan = read_plan_file(path)
    named = set(words_in(read_document(sweep_file, given).data))
    code = [name for name in plan.own_code if name not in named]
    files = [file for file in plan.data_files if file not in named and _leads_out(file)]
    for what, found in (("imports", code), ("opens", files)):
        if found:
            names = ", ".join(map(shown, found[:5])) + (", ..." if len(found) > 5 else "")
            also = (
                f"{sweep_file or GIVEN} does not name it"
                if sweep_file is not None or given
                else "no sweep file of yours is given"
            )
            raise InputError(
                f"{path}: it {what} {names}, and {also}; if you trust it, give your own sweep file, that names it too: "
                "--sweep FILE"
            )
    return plan.own_code


def _leads_out(file: str) -> bool:
    """Tell whether a path may lead out of the folder in which the command runs."""
    path = PurePath(file)
    return path.is_absolute() or ".." in path.parts or file.startswith("~")
