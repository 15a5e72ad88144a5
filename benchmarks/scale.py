"""What planning costs at 10^5 and 10^6 points: `crnsim show`, `crnsim plan` and a dry run of Snakemake.

    python benchmarks/scale.py [--points 100000 1000000] [--cores 2]

Runs each in a process of its own, in an empty folder, and prints its wall time, processor time and peak memory. The
sweep is XOR, two designs, 100 cells; chunks are cut by cost, and again as 12 cells of 50 replicates, which makes far
more jobs.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
LAYOUTS = {"by cost": {}, "12 cells x 50": {"cells": 12, "replicates": 50}}


def sweep(name: str, points: int, chunks: dict[str, int]) -> dict[str, object]:
    """Return a sweep of XOR with about that many points."""
    return {
        "name": name,
        "activations": {
            "smooth": {"name": "squareplus", "h": 0.1, "role": "smooth"},
            "sharp": {"name": "squareplus", "h": 0.0001, "role": "sharp"},
        },
        "running_times": [5, 10, 20, 30, 40, 50, 60, 80, 100, 150],
        "noise": {
            "rates": {"magnitudes": [0.01, 0.02, 0.03, 0.05, 0.1]},
            "concentrations": {"magnitudes": [0.01, 0.02, 0.05, 0.1]},
        },
        "replicates": max(1, points // 200),
        "datasets": ["xor"],
        "chunks": chunks,
    }


def measured(command: list[str], folder: Path) -> tuple[float, float, float]:
    """Run a command; return (wall seconds, processor seconds, peak megabytes of one of its processes)."""
    start = time.perf_counter()
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    with (folder / "output.txt").open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": path},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit((folder / "output.txt").read_text()[-2000:])
    unit = 1e6 if sys.platform == "darwin" else 1e3
    return time.perf_counter() - start, used.ru_utime + used.ru_stime, used.ru_maxrss / unit


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--points", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--cores", type=int, default=2)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="crnsim-scale-"))
    for name in ("Snakefile", "workflow", "profiles"):
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / name)
    print("| points | chunks | layout | command | wall (s) | processor (s) | peak (MB) |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for points in options.points:
        for number, (layout, chunks) in enumerate(LAYOUTS.items()):
            name = f"scale{points}{'ab'[number]}"
            file = folder / f"{name}.yaml"
            file.write_text(yaml.safe_dump(sweep(name, points, chunks), sort_keys=False))
            dry = ["snakemake", "--cores", str(options.cores), "-n", "--configfile", str(file)]
            commands = {
                "show": ["crnsim", "show", str(file)],
                "plan": ["crnsim", "plan", str(file)],
                "snakemake -n": dry,
            }
            rows = {command: measured(words, folder) for command, words in commands.items()}
            plan = (folder / "results" / name / "plan.json").read_text()
            for command, (wall, core, peak) in rows.items():
                count = plan.count('"key": ')
                print(f"| {points} | {count} | {layout} | {command} | {wall:.1f} | {core:.1f} | {peak:.0f} |")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
