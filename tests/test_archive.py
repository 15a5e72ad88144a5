"""A results folder can be packed, moved and read on another machine by xarray alone; and reported on at any moment."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np

from crnsim.cli.parser import main
from crnsim.store.files import read_dataset, write_dataset
from crnsim.store.points import read_points

#: Reads every NetCDF file of a folder where crnsim cannot be imported, and says what it found in each.
READER = """
import json, sys
from pathlib import Path
import numpy as np, xarray as xr

sys.modules["crnsim"] = None  # importing it is now an error
found = {}
for path in sorted(Path(sys.argv[1]).rglob("*.nc")):
    with xr.open_dataset(path) as opened:
        data = opened.load()
    sums = {n: float(np.nansum(v.values)) for n, v in data.variables.items() if v.dtype.kind in "fiu"}
    words = {n: v.values.astype(str).tolist() for n, v in data.variables.items() if v.dtype.kind in "OUT"}
    found[str(path.relative_to(sys.argv[1]))] = {"sums": sums, "words": words, "sizes": dict(data.sizes)}
try:
    import crnsim
except ImportError:
    print(json.dumps(found))
"""


def test_a_packed_and_moved_folder_is_read_by_xarray_alone(finished, tmp_path):
    with tarfile.open("small.tar.gz", "w:gz") as packed:
        packed.add("results/small", "small")
    there = tmp_path / "elsewhere"
    with tarfile.open("small.tar.gz") as packed:
        # Python 3.11 has filters from 3.11.4 on.
        packed.extractall(there, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    done = subprocess.run(
        [sys.executable, "-I", "-c", READER, "small"], cwd=there, capture_output=True, text=True, check=True
    )
    read = json.loads(done.stdout)
    assert len(read) == 4 + 2 + 2 + 1  # chunks, networks, summaries, tables
    for name, content in read.items():
        data = read_dataset(finished / name)
        assert content["sizes"] == dict(data.sizes)
        for variable, value in data.variables.items():
            if variable in content["sums"]:
                assert content["sums"][variable] == float(np.nansum(value.values))
            else:
                assert content["words"][variable] == value.values.tolist()
        assert set(content["sums"]) | set(content["words"]) == set(data.variables)


def test_a_moved_folder_is_looked_after_where_it_is(finished, capsys):
    Path("results/small").rename("archive")
    Path("results").rmdir()
    assert main(["check", "archive"]) == 0
    assert main(["verify", "archive", "--points", "2"]) == 0
    assert "2 same bits" in capsys.readouterr().out


def test_a_partial_report_takes_what_there_is_and_names_what_cannot_be_used(finished, caplog):
    # Names are hashes: the larger one is the second.
    chunks = finished.glob("chunks/xor/onepot-smooth/*.nc")
    first, second = sorted(chunks, key=lambda path: read_points(path).sizes["point"])
    first.write_bytes(b"")
    # Of the second only a piece is there: three of its points.
    piece = read_points(second).isel(point=slice(0, 3)).drop_dims(["recorded"], errors="ignore")
    second.unlink()
    write_dataset(piece, second.with_name(f"{second.stem}.saved-000.nc"))
    with caplog.at_level(logging.WARNING, "crnsim"):
        assert main(["report", "results/small/plan.json", "--partial"]) == 0
    page = Path("reports/small.partial.html").read_text()
    assert "15 of 24 planned runs are present" in page  # 12 of the other design
    assert "Files that could not be used" in page
    assert f"{first.name} is damaged: it is empty" in page
    assert f"{first.name} is damaged: it is empty" in caplog.text


def test_a_partial_report_of_nothing_is_one_line(finished, capsys):
    for chunk in finished.glob("chunks/*/*/*.nc"):
        chunk.unlink()
    assert main(["report", "results/small/plan.json", "--partial"]) == 2
    assert capsys.readouterr().err == "crnsim: no chunk of the sweep small is there yet; compute one first\n"
