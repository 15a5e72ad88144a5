"""Notebooks: each one below `docs` is run in Jupyter, and becomes a page with what its cells showed.

They are kept without outputs. What a run showed is kept in `_build/notebooks` under a hash of the notebook and of the
package, so that a second build runs nothing.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from gallery import package_hash
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

DOCS = Path(__file__).resolve().parents[1]
#: For which one may run, in seconds.
LONGEST = 300
logger = logging.getLogger(__name__)


def executed(path: Path) -> dict[str, Any]:
    """Run a notebook in an empty folder, and return it with its outputs.

    Raises
    ------
    RuntimeError
        If a cell raises.
    """
    with tempfile.TemporaryDirectory() as folder:
        places = {
            name: f"{folder}/{name}" for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR")
        }
        inline = "module://matplotlib_inline.backend_inline"
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "nbconvert",
                "--execute",
                "--to",
                "notebook",
                "--output-dir",
                folder,
                str(path),
            ],
            env=os.environ | places | {"PYTHONPATH": str(DOCS.parent), "MPLBACKEND": inline},
            capture_output=True,
            text=True,
            timeout=LONGEST,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{path.relative_to(DOCS.parent)}: {done.stderr.strip()}")
        notebook: dict[str, Any] = json.loads((Path(folder) / path.name).read_text(encoding="utf-8"))
    return notebook


def page(notebook: dict[str, Any], pictures: Path, folder: Path) -> str:
    """Return a notebook that was run as Markdown; its pictures are written, and named as from `folder`."""
    parts: list[str] = []
    for cell in notebook["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(text)
        elif cell["cell_type"] == "code":
            parts.append(f"```python\n{text}\n```")
            parts += [_output(one, pictures, folder) for one in cell["outputs"]]
    return "\n\n".join(part for part in parts if part) + "\n"


def _output(output: Any, pictures: Path, folder: Path) -> str:
    """Return the richest form of an output that a page can show."""
    shown = {
        kind: "".join(text) for kind, text in output.get("data", {}).items() if not isinstance(text, dict)
    }
    if "image/png" in shown:
        content = base64.b64decode(shown["image/png"])
        pictures.mkdir(parents=True, exist_ok=True)
        picture = pictures / f"{hashlib.sha256(content).hexdigest()[:16]}.png"
        picture.write_bytes(content)
        return f"![What the cell draws]({os.path.relpath(picture, folder)})"
    if "text/html" in shown:
        return f'````{{raw}} html\n<div class="output">{shown["text/html"]}</div>\n````'
    text = "".join(output["text"]) if output["output_type"] == "stream" else shown.get("text/plain", "")
    return f"````text\n{text.rstrip()}\n````" if text.strip() else ""


def _kept(path: Path, cache: Path) -> Path:
    """Return the file that a run of a notebook is kept in."""
    key = hashlib.sha256(path.read_bytes() + package_hash().encode()).hexdigest()[:16]
    return cache / f"{path.stem}-{key}.json"


def _cache(app: Sphinx) -> Path:
    return Path(app.outdir).parent / "notebooks"


def _read(app: Sphinx, docname: str, content: list[str]) -> None:
    path = DOCS / f"{docname}.ipynb"
    if not path.exists():
        return
    kept = _kept(path, _cache(app))
    if not kept.exists():
        logger.info("notebook: %s", docname)
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(executed(path)), encoding="utf-8")
    content[0] = page(json.loads(kept.read_text(encoding="utf-8")), kept.parent, path.parent)


def _outdated(app: Sphinx, env: BuildEnvironment, *changed: set[str]) -> list[str]:
    """Pages whose notebook, or package, is another than when they were run."""
    paths = [path for path in DOCS.rglob("*.ipynb") if "_build" not in path.parts]
    return [
        str(path.relative_to(DOCS).with_suffix("")) for path in paths if not _kept(path, _cache(app)).exists()
    ]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.connect("source-read", _read)
    app.connect("env-get-outdated", _outdated)
    return {"version": "1", "parallel_read_safe": False}
