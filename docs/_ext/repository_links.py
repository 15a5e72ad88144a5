"""Pages as they stand in the repository, made ready for the site.

Markdown here is written to be read on its own: `index.md` is lists of links, links to files elsewhere in the repository
are relative, and the change log lies where such files are looked for. On the site the lists of `index.md` are the
navigation, a page of `INCLUDED` is the file that it names, and a link to any other file is its address on the web.
"""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parents[2]
#: Where the repository stands on the web.
ADDRESS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]["Homepage"]
#: Pages that are files from elsewhere in the repository.
INCLUDED = {
    "changelog": "CHANGELOG.md",
    "contributing": "CONTRIBUTING.md",
    "benchmarks": "benchmarks/README.md",
    "reference/keys": "config/README.md",
}
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\(([^()\s]+)\)")


def address(target: Path) -> str:
    """Return where a file or a folder of the repository stands on the web."""
    return f"{ADDRESS}/{'tree' if target.is_dir() else 'blob'}/main/{target.relative_to(ROOT).as_posix()}"


def for_the_site(text: str, source: Path, page: Path) -> str:
    """Rewrite the relative links of a Markdown file that becomes a page, which may be another file."""
    pages = {ROOT / name: ROOT / "docs" / f"{docname}.md" for docname, name in INCLUDED.items()}

    def rewritten(found: re.Match[str]) -> str:
        mark, words, link = found.groups()
        path, hash_, anchor = link.partition("#")
        if not path or re.match(r"[a-z]+:", path):
            return found[0]
        target = Path(os.path.normpath(source.parent / path))
        inside = pages.get(target, target)
        if mark or inside.is_relative_to(ROOT / "docs"):
            return f"{mark}[{words}]({os.path.relpath(inside, page.parent)}{hash_}{anchor})"
        return f"[{words}]({address(target)}{hash_}{anchor})" if target.exists() else found[0]

    # Blocks of code stay as they are.
    parts = re.split(r"(^```.*?^```)", text, flags=re.MULTILINE | re.DOTALL)
    return "".join(part if part.startswith("```") else LINK.sub(rewritten, part) for part in parts)


def navigation(text: str) -> str:
    """Return hidden tables of contents, one for each section of `index.md`, in the order of its links."""
    made = []
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        pages = re.findall(r"^\* \[[^\]]*\]\(([\w/-]+)\.(?:md|ipynb)\)", section, re.MULTILINE)
        made.append(
            "\n".join(["```{toctree}", ":hidden:", f":caption: {section.splitlines()[0]}", "", *pages, "```"])
        )
    return "\n\n".join(made)


def _read(app: Sphinx, docname: str, content: list[str]) -> None:
    page = source = ROOT / "docs" / f"{docname}.md"
    if docname in INCLUDED:
        source = ROOT / INCLUDED[docname]
        app.env.note_dependency(str(source))
        content[0] = source.read_text(encoding="utf-8")
    if not docname.startswith("gallery/") or docname == "gallery/index":
        content[0] = for_the_site(content[0], source, page)
    if docname == "index":
        content[0] += f"\n\n{navigation(content[0])}\n"


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.connect("source-read", _read)
    return {"version": "1", "parallel_read_safe": True}
