"""The notebook of the tutorial runs in Jupyter."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import crnsim

HOME = Path(crnsim.__file__).parent.parent
NOTEBOOK = HOME / "docs" / "tutorial" / "notebook.ipynb"


def test_the_notebook_is_kept_without_what_it_printed():
    cells = [cell for cell in json.loads(NOTEBOOK.read_text())["cells"] if cell["cell_type"] == "code"]
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in cells)


def test_the_notebook_of_the_tutorial_runs_in_jupyter(tmp_path):
    pytest.importorskip("nbconvert")
    pytest.importorskip("ipykernel")
    command = f"{sys.executable} -m nbconvert --execute --to notebook --output-dir {tmp_path} {NOTEBOOK}"
    places = {"JUPYTER_DATA_DIR": f"{tmp_path}/data", "JUPYTER_CONFIG_DIR": f"{tmp_path}/config"}
    done = subprocess.run(
        command.split(),
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
        env=os.environ | places | {"PYTHONPATH": str(HOME), "IPYTHONDIR": f"{tmp_path}/ipython"},
    )
    assert done.returncode == 0, done.stderr
    cells = json.loads((tmp_path / NOTEBOOK.name).read_text())["cells"]
    shown = [output for cell in cells for output in cell.get("outputs", [])]
    assert not [output for output in shown if output["output_type"] in ("error", "stream")]
    assert "image/png" in cells[-1]["outputs"][-1]["data"]
    # The bar, once it is done.
    assert any(
        "".join(output.get("data", {}).get("text/plain", "")).startswith("48 runs in") for output in shown
    )
