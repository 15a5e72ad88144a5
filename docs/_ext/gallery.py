"""The gallery: each script in `docs/gallery` is run, and becomes a page with its picture.

A script starts with a docstring, its title in the first line and a sentence or two below, and leaves one Matplotlib
figure. What it drew and printed is kept in `_build/gallery` under a hash of the script and of the package, so that a
second build runs nothing.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import io
import os
import re
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

HERE = Path(__file__).resolve().parents[1] / "gallery"
#: Processor time that a script may take, in seconds.
LONGEST = 60.0
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Example:
    """A script, and where what it made is kept."""

    name: str
    title: str
    about: str
    code: str
    picture: Path
    thumbnail: Path
    printed: Path

    @property
    def done(self) -> bool:
        """Whether it was run already."""
        return self.picture.exists() and self.thumbnail.exists() and self.printed.exists()


def example(path: Path, cache: Path) -> Example:
    """Read a script.

    Parameters
    ----------
    path : Path
        The script.
    cache : Path
        Folder in which pictures are kept.

    Raises
    ------
    ValueError
        If it does not start with a docstring of a title, an empty line and text.
    """
    source = path.read_text(encoding="utf-8")
    title, _, about = (ast.get_docstring(ast.parse(source)) or "").partition("\n\n")
    if not about or "\n" in title:
        raise ValueError(
            f"{path.name} must start with a docstring: a title, an empty line and a sentence or two"
        )
    key = f"{path.stem}-{hashlib.sha256((source + package_hash()).encode()).hexdigest()[:16]}"
    code = source.split('"""', 2)[2].strip() + "\n"
    made = (cache / f"{key}.png", cache / f"{key}-small.png", cache / f"{key}.txt")
    return Example(path.stem, title.rstrip("."), about, code, *made)


def package_hash() -> str:
    """Return a hash of the package, whose change may change what a script draws."""
    import crnsim

    digest = hashlib.sha256()
    for path in sorted(Path(crnsim.__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def run(script: Example) -> float:
    """Run a script in an empty folder, keep its picture and what it printed, and return its seconds on a processor.

    Raises
    ------
    ValueError
        If it leaves no figure, or several.
    """
    import matplotlib.pyplot as plt

    printed, start = io.StringIO(), time.process_time()
    plt.close("all")
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder), plt.rc_context():
        plt.rcParams.update({"figure.figsize": (6.4, 3.9), "figure.constrained_layout.use": True})
        with contextlib.redirect_stdout(printed), _named(script):
            exec(compile(script.code, f"{script.name}.py", "exec"), {"__name__": "__main__"})
        if len(plt.get_fignums()) != 1:
            raise ValueError(f"{script.name}.py leaves {len(plt.get_fignums())} figures; it must draw one")
        script.picture.parent.mkdir(parents=True, exist_ok=True)
        plt.savefig(script.picture, dpi=120)
        plt.savefig(script.thumbnail, dpi=50)
    plt.close("all")
    script.printed.write_text(printed.getvalue(), encoding="utf-8")
    return time.process_time() - start


@contextlib.contextmanager
def _named(script: Example) -> Iterator[None]:
    """Say which script an error comes from."""
    try:
        yield
    except Exception as error:
        raise RuntimeError(f"docs/gallery/{script.name}.py: {type(error).__name__}: {error}") from error


def finished(path: Path, cache: Path) -> Example:
    """Return a script whose picture there is; it is run if need be."""
    script = example(path, cache)
    if not script.done:
        logger.info("gallery: %s", script.name)
        seconds = run(script)
        if seconds > LONGEST:
            logger.warning(
                "gallery: %s.py takes %.0f s; an example may take %.0f s", script.name, seconds, LONGEST
            )
    return script


def page(script: Example, folder: Path) -> str:
    """Return the page of a script, in Markdown; pictures are named as from `folder`."""
    picture = os.path.relpath(script.picture, folder)
    printed = script.printed.read_text(encoding="utf-8").rstrip()
    return "\n".join(
        [f"# {script.title}", "", script.about, "", f"![{script.title}]({picture})", ""]
        + ["```python", script.code.rstrip(), "```", ""]
        + (["It prints", "", "```text", printed, "```", ""] if printed else [])
        + [f"This is `docs/gallery/{script.name}.py`. [All examples](index.md)", ""]
    )


def _cache(app: Sphinx) -> Path:
    return Path(app.outdir).parent / "gallery"


def _read(app: Sphinx, docname: str, content: list[str]) -> None:
    """Make a page of a script, and pictures of the list of them."""
    path = HERE.parent / f"{docname}.py"
    if path.exists():
        content[0] = page(finished(path, _cache(app)), HERE)
    elif docname == "gallery/index":
        content[0] = with_pictures(content[0], _cache(app))


def with_pictures(text: str, cache: Path) -> str:
    """Return the list of all scripts with their pictures, and the table of contents that it is."""

    def pictured(found: re.Match[str]) -> str:
        script = finished(HERE / f"{found[2]}.py", cache)
        return (
            f"* [![]({os.path.relpath(script.thumbnail, HERE)})]({found[2]}.py) [{found[1]}]({found[2]}.py)"
        )

    heading, _, listed = text.partition("\n* ")
    listed = "* " + listed.rstrip()
    names = re.findall(r"\((\w+)\.py\)", listed)
    listed = re.sub(r"^\* \[([^\]]*)\]\((\w+)\.py\)", pictured, listed, flags=re.MULTILINE)
    pictures = ["````{container} gallery", listed, "````"]
    return "\n".join([heading, "", *pictures, "", "```{toctree}", ":hidden:", "", *names, "```", ""])


def _outdated(app: Sphinx, env: BuildEnvironment, *changed: set[str]) -> list[str]:
    """Pages whose pictures are of another script or package."""
    cache = _cache(app)
    old = [path.stem for path in sorted(HERE.glob("*.py")) if not example(path, cache).done]
    return [f"gallery/{name}" for name in old] + (["gallery/index"] if old else [])


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.connect("source-read", _read)
    app.connect("env-get-outdated", _outdated)
    return {"version": "1", "parallel_read_safe": False}
