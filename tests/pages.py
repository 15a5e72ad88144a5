"""Pages of the documentation as tests meet them: the files that they write, and what they say to do with them."""

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
    """Work in a folder with the files that a page shows; what is imported from there is forgotten at the end."""
    text = (DOCS / page).read_text(encoding="utf-8")
    for name, content in re.findall(r"```\w+\n# ([\w-]+\.\w+)\n(.*?)```", text, re.DOTALL):
        (folder / name).write_text(content, encoding="utf-8")
    path, known = list(sys.path), set(sys.modules)
    importlib.invalidate_caches()
    try:
        with contextlib.chdir(folder):
            yield folder
    finally:
        sys.path[:] = path
        for name in set(sys.modules) - known:
            if str(getattr(sys.modules[name], "__file__", "") or "").startswith(str(folder)):
                del sys.modules[name]


def sweeps_of(page: str) -> list[str]:
    """Return the sweep files that a page shows."""
    return re.findall(r"```yaml\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)
