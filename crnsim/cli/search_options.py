"""Options of `crnsim search`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from crnsim.cli import words
from crnsim.cli.project_options import add_given

if TYPE_CHECKING:
    import argparse


def add_search(add: Callable[[str, str], argparse.ArgumentParser]) -> None:
    """Add the command and its options."""
    command = add("search", "search for better designs, and confirm the best on seeds that it never saw")
    command.add_argument("config", metavar="FILE", help="search file, such as config/searches/xor.yaml")
    add_given(command)
    command.add_argument(
        "-o",
        "--output",
        metavar="PAGE",
        help="where the page goes; reports/<name>-search.html by default",
    )
    command.add_argument(
        "--workers", type=words.workers, default=1, help="Dask worker processes; 1 computes without Dask"
    )
    command.add_argument("--log", metavar="FILE", help="also write messages to a file")
