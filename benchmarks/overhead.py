"""What the pipeline adds to the computation: core time of a sweep under Snakemake and Dask against its points alone.

    python benchmarks/overhead.py [config/config.yaml] [--cores 2]

Runs the sweep in an empty folder and takes the processor time of the whole machine meanwhile, so nothing else may run;
then runs the same points in as many plain processes, in the same batches, without Snakemake, Dask or files. Both use a
warm compile cache.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent


def sweep_cost(config: Path, cores: int) -> tuple[float, float, Path]:
    """Run the whole sweep; return (core seconds, wall seconds, its folder)."""
    folder = Path(tempfile.mkdtemp(prefix="crnsim-overhead-"))
    for name in ("Snakefile", "workflow", "profiles", "config"):
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / name)
    before = machine_seconds()
    start = time.perf_counter()
    command = [sys.executable, "-m", "snakemake", "--cores", str(cores), "--configfile", str(config)]
    subprocess.run(command, cwd=folder, check=True)
    wall = time.perf_counter() - start
    return machine_seconds() - before, wall, folder


def machine_seconds() -> float:
    """Processor time that everything on this machine has used so far."""
    times = psutil.cpu_times()
    return times.user + times.nice + times.system


def chunk_cost(plan_path: Path, number: int) -> tuple[float, int]:
    """Run the points of one chunk alone, batch by batch; return (core seconds, points)."""
    from crnsim.experiment import run_points
    from crnsim.sweep.integrate import cut
    from crnsim.sweep.plan import read_plan

    plan = read_plan(plan_path)
    group, chunk = [(group, chunk) for group, chunks in plan.groups for chunk in chunks][number]
    points = group.points(chunk)
    run_points(points[:1])
    start = time.process_time()
    for batch in cut(points, plan.sweep.chunks.batch, plan.sweep.chunks.workers):
        run_points(batch)
    return time.process_time() - start, len(points)


def points_cost(folder: Path, cores: int) -> tuple[float, int]:
    """Run the same points alone; return (core seconds, points)."""
    from crnsim.sweep.plan import read_plan

    path = next(folder.glob("results/*/plan.json"))
    n_chunks = sum(len(chunks) for _, chunks in read_plan(path).groups)
    with ProcessPoolExecutor(cores, mp_context=multiprocessing.get_context("spawn")) as pool:
        costs = list(pool.map(chunk_cost, [path] * n_chunks, range(n_chunks)))
    return sum(cost for cost, _ in costs), sum(count for _, count in costs)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("config", nargs="?", default="config/config.yaml", type=Path)
    parser.add_argument("--cores", type=int, default=2)
    options = parser.parse_args()
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ[name] = "1"
    core, wall, folder = sweep_cost(options.config.resolve(), options.cores)
    alone, count = points_cost(folder, options.cores)
    share = 100 * (core - alone) / core
    print(
        json.dumps(
            {"sweep_core_s": round(core, 1), "wall_s": round(wall, 1), "alone_core_s": round(alone, 1)}
        )
    )
    print(
        f"{count} points: {core:.0f} s of core time in the sweep, {alone:.0f} s alone: overhead {share:.1f} %"
    )
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
