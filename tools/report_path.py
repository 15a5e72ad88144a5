"""Print where the report of a sweep file lies; without an argument, that of the default sweep."""

from __future__ import annotations

import sys
from pathlib import Path

from crnsim.errors import CrnsimError
from crnsim.sweep.config.reader import read_yaml


def report_path(sweep: Path) -> Path:
    """Return the page of a sweep: named by its key ``name``, else like the file."""
    config = read_yaml(sweep).data
    name = config.get("name") if isinstance(config, dict) else None
    return Path("reports", f"{name or sweep.stem}.html").resolve()


if __name__ == "__main__":
    try:
        print("Report:", report_path(Path(sys.argv[1] if len(sys.argv) > 1 else "config/config.yaml")))
    except CrnsimError as error:
        sys.exit(f"crnsim: {error}")
