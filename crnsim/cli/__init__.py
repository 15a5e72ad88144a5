"""The command line `crnsim`: each step of a sweep, and single circuits and runs."""

from __future__ import annotations

from crnsim.cli.parser import main

__all__ = ["main"]
