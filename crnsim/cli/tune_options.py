"""Options of `crnsim tune`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from crnsim.cli import words

if TYPE_CHECKING:
    import argparse

#: Replicates of each learning rate.
REPLICATES = 5


def add_tune(add: Callable[[str, str], argparse.ArgumentParser]) -> None:
    """Add the command and its options."""
    command = add("tune", "choose the learning rate of each design, on replicates that no verdict uses")
    command.add_argument("config", help="sweep file; its own 'tuned' is not read")
    command.add_argument(
        "-o", "--output", metavar="FILE", help="where to write; the sweep's 'tuned' by default"
    )
    command.add_argument(
        "--rates",
        metavar="N,N,...",
        help="learning rates to try with every design; by default 1/4, 1/2, 1, 2 and 4 times its own, and further "
        "where the best lies at their end",
    )
    command.add_argument(
        "--replicates",
        type=words.count,
        default=REPLICATES,
        help=f"replicates of each, none of which a verdict uses; {REPLICATES} by default",
    )
    command.add_argument("--datasets", metavar="NAME,...", help="these alone; all of the sweep by default")
    command.add_argument(
        "--workers", type=words.workers, default=1, help="Dask worker processes; 1 computes without Dask"
    )
    command.add_argument("--log", metavar="FILE", help="also write messages to a file")
