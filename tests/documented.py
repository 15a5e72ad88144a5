"""Files that a page of the documentation shows, written out as a reader would."""

from __future__ import annotations

import contextlib
import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"


@contextlib.contextmanager
def files_of(page: str, folder: Path) -> Iterator[Path]:
    """Work in a folder with the files of a page; nothing imported from there is left over."""
    text = (DOCS / page).read_text(encoding="utf-8")
    for name, content in re.findall(r"```\w+\n# ([\w-]+\.\w+)\n(.*?)```", text, re.DOTALL):
        (folder / name).write_text(content, encoding="utf-8")
    known, path = set(sys.modules), list(sys.path)
    importlib.invalidate_caches()
    try:
        with contextlib.chdir(folder):
            yield folder
    finally:
        sys.path[:] = path
        for name in set(sys.modules) - known:
            if str(getattr(sys.modules[name], "__file__", "") or "").startswith(str(folder)):
                del sys.modules[name]
