"""What the pipeline adds to the computation: time of `integrate` under Snakemake and Dask against that of its points.

    python benchmarks/overhead.py [config/config.yaml] [--cores 2]
    python benchmarks/overhead.py benchmarks/inference-10k.yaml         # 10,000 cheap points
    python benchmarks/overhead.py benchmarks/inference-10k.yaml --points 200   # the same in short

Plans and builds the sweep in an empty folder, then has Snakemake make all its chunks. Beside the core seconds of the
points' own computation, as the workers account for them, stand the processor time of the whole machine meanwhile, so
nothing else may run, and the wall time times the cores, which counts idle cores too. With `--alone` the same points are
then computed in as many plain processes, in the same batches, without Snakemake, Dask or files. All with a warm
compile cache.
"""

from __future__ import annotations

import argparse
import json
import math
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
import yaml

from crnsim.sweep.plan.plan_file import read_plan_file

ROOT = Path(__file__).resolve().parent.parent


def prepare(config: Path, points: int | None) -> tuple[Path, Path]:
    """Plan and build a sweep in an empty folder; return the folder and the sweep file."""
    from crnsim.sweep.config.read import read_sweep
    from crnsim.sweep.plan.plan import make_plan

    folder = Path(tempfile.mkdtemp(prefix="crnsim-overhead-"))
    for name in ("Snakefile", "workflow", "profiles", "config"):
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / name)
    content = yaml.safe_load(config.read_text())
    if points is not None:
        cells = sum(len(group.cells) for group, _ in make_plan(read_sweep(config)).groups)
        content["replicates"] = math.ceil(points / cells)
    file = folder / config.name
    file.write_text(yaml.safe_dump(content, sort_keys=False))
    run(folder, "crnsim", "plan", str(file))
    plan = next(folder.glob("results/*/plan.json"))
    for entry in read_plan_file(plan).groups:
        run(folder, "crnsim", "build", str(plan), entry.name)
    return folder, file


def run(folder: Path, *words: str) -> None:
    """Run a Python module as a command in a folder."""
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [sys.executable, "-m", *words]
    subprocess.run(command, cwd=folder, check=True, env=os.environ | {"PYTHONPATH": path})


def machine_seconds() -> float:
    """Processor time that everything on this machine has used so far."""
    times = psutil.cpu_times()
    return times.user + times.nice + times.system


def chunk_cost(plan_path: Path, number: int) -> float:
    """Compute the points of one chunk alone, batch by batch; return core seconds."""
    from crnsim.experiment.run import run_points
    from crnsim.sweep.plan.cost import estimate_seconds
    from crnsim.sweep.plan.layout import task_points
    from crnsim.sweep.plan.plan import read_plan
    from crnsim.sweep.run.chunk import cut

    plan = read_plan(plan_path)
    group, chunk = [(group, chunk) for group, chunks in plan.groups for chunk in chunks][number]
    points = group.points(chunk)
    run_points(points[:1])
    batch = task_points(plan.sweep.chunks, sum(map(estimate_seconds, points)) / len(points))
    start = time.process_time()
    for some in cut(points, batch, plan.sweep.chunks.workers):
        run_points(some)
    return time.process_time() - start


def alone_cost(plan_path: Path, cores: int) -> float:
    """Compute all points alone; return core seconds."""
    from crnsim.sweep.plan.plan import read_plan

    n_chunks = sum(len(chunks) for _, chunks in read_plan(plan_path).groups)
    with ProcessPoolExecutor(cores, mp_context=multiprocessing.get_context("spawn")) as pool:
        return sum(pool.map(chunk_cost, [plan_path] * n_chunks, range(n_chunks)))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("config", nargs="?", default="config/config.yaml", type=Path)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--points", type=int, help="change the replicates so that there are about so many")
    parser.add_argument("--alone", action="store_true", help="also compute the points without the pipeline")
    options = parser.parse_args()
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ[name] = "1"
    folder, file = prepare(options.config.resolve(), options.points)
    plan_path = next(folder.glob("results/*/plan.json"))
    plan = read_plan_file(plan_path)
    files = [chunk.path for chunk in plan.chunks()]
    words = ("--cores", str(options.cores), "--configfile", str(file), "--", *files)
    before, start = machine_seconds(), time.perf_counter()
    run(folder, "snakemake", *words)
    wall, machine = time.perf_counter() - start, machine_seconds() - before
    accounts = [json.loads(Path(folder, name).with_suffix(".json").read_text()) for name in files]
    pure = sum(account["seconds_core"] for account in accounts)
    if sum(account["computed"] for account in accounts) != plan.n_points:
        sys.exit("not every point was computed")
    print(f"{plan.n_points} points in {len(accounts)} chunks: {pure:.0f} core seconds of computation")
    print(f"  (estimated {plan.estimated_core_seconds:.0f}), {1e3 * pure / plan.n_points:.0f} ms a point")
    for what, seconds in (
        ("processor time of the machine", machine),
        ("wall time x cores", wall * options.cores),
    ):
        print(f"{what}: {seconds:.0f} s, overhead {100 * (seconds - pure) / seconds:.1f} %")
    if options.alone:
        alone = alone_cost(plan_path, options.cores)
        print(f"the points alone: {alone:.0f} core seconds")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
