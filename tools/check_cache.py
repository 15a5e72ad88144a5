"""Look whether Snakemake can write its cache, for which it makes a folder before it reads our rules."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

#: Bytes that a disk must take which is not full.
ROOM = 1 << 16


def cache_folder() -> Path:
    """Return the user's folder of caches, as Snakemake finds it."""
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()


def fault(folder: Path) -> str:
    """Say why a folder takes no file; nothing where it does."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder) as file:
            file.write(bytes(ROOM))
            file.flush()
    except OSError as error:
        return error.strerror or str(error)
    return ""


def main() -> int:
    """Print one line where the cache cannot be written."""
    folder = cache_folder()
    if not (why := fault(folder / "snakemake")):
        return 0
    print(
        f"{folder} cannot be written ({why}), where Snakemake keeps a cache; "
        "set XDG_CACHE_HOME to a folder that you can write",
        file=sys.stderr,
    )
    return 2


if __name__ == "__main__":
    sys.exit(main())
