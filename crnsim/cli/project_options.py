"""Options of the commands that lay out a project and run its sweep, and of values given beside a sweep file."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

from crnsim.cli import words

_GIVEN = "values in place of the sweep file's, such as replicates=2 or noise.rates.magnitudes=[0.1]"


def add_project(add: Callable[[str, str], argparse.ArgumentParser]) -> None:
    """Add the commands ``init`` and ``run``, and their options."""
    init = add("init", "lay out a small project: a sweep file with remarks, and what it needs")
    init.add_argument("folder", help="where; files that are there already are never written over")
    init.add_argument(
        "--example",
        default="xor",
        metavar="NAME",
        help="xor (default), csv (a table of your own), network (of your own), or inference (given weights)",
    )
    run = add("run", "compute a sweep and write its report, with Snakemake")
    run.add_argument("sweep", nargs="?", metavar="FILE", help="sweep file; sweep.yaml by default")
    run.add_argument("--cores", type=words.n_cores, help="cores to use; all by default")
    run.add_argument("-n", "--dry-run", action="store_true", help="only show what would run")
    add_given(run)
    run.add_argument(
        "--snakefile", action="store_true", help="print where the workflow is, for a Snakefile of your own"
    )
    run.add_argument("--profiles", action="store_true", help="print where its profiles are, for clusters")
    run.epilog = "What follows -- goes to Snakemake as it is, such as 'crnsim run -- --until summaries'."


def split(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Part the words of ``crnsim run`` from those after ``--``, which are Snakemake's; other commands have none."""
    words_given = list(arguments)
    if words_given[:1] != ["run"] or "--" not in words_given:
        return words_given, []
    place = words_given.index("--")
    return words_given[:place], words_given[place + 1 :]


def add_given(command: argparse.ArgumentParser) -> None:
    """Add the option that gives values beside a sweep file."""
    command.add_argument(
        "--config", dest="given", nargs="+", action="extend", default=[], metavar="KEY=VALUE", help=_GIVEN
    )
