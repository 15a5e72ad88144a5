"""Print where the report of a sweep file lies; without an argument, that of the default sweep."""

from __future__ import annotations

import sys
from pathlib import Path

import yaml


def report_path(sweep: Path) -> Path:
    """Return the page of a sweep: named by its key ``name``, else like the file."""
    config = yaml.safe_load(sweep.read_text(encoding="utf-8"))
    return Path("reports", f"{config.get('name') or sweep.stem}.html").resolve()


if __name__ == "__main__":
    print("Report:", report_path(Path(sys.argv[1] if len(sys.argv) > 1 else "config/config.yaml")))
