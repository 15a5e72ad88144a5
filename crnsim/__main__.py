"""Run the command line with ``python -m crnsim``."""

from __future__ import annotations

import sys

from crnsim.cli.parser import main

if __name__ == "__main__":
    sys.exit(main())
