"""Kill a running sweep again and again, at random moments, and see that nothing is lost, damaged or changed.

    python tests/kill_and_resume.py --kills 100

A kill is SIGKILL for the whole process group (as when a machine loses power), for Snakemake alone (its jobs live on
beside the next run), or for one process of a job. The next run is the resume, and may be killed too. Whenever a run
comes to its end its results are compared with those of an undisturbed one, and the next kill meets a new folder.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import psutil
from small_sweeps import write_sweep

from crnsim.errors import CrnsimError
from crnsim.store.files import read_dataset

ROOT = Path(__file__).resolve().parent.parent
#: Longest that one run may take before something must hang.
PATIENCE = 600.0
#: What was started here, so that nothing of it outlives this program.
STARTED: list[subprocess.Popen] = []
#: Processes of those that were left alive when the one above them was killed.
LEFT_ALIVE: list[psutil.Process] = []


class Folder:
    """A folder in which a small sweep is started, killed and started again."""

    def __init__(self, path: Path, workers: int) -> None:
        path.mkdir()
        self.path = path
        write_sweep(
            path / "small.yaml",
            datasets={"xor": {"epochs": 20}},
            noise={"rates": {"magnitudes": [0.05, 0.1, 0.2]}},
            chunks={"cells": 2, "replicates": 3, "workers": workers, "batch": 1},
        )

    def command(self, *words: str) -> list[str]:
        return [
            *(sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--cores", "2"),
            *("--workflow-profile", str(ROOT / "profiles/default"), "--directory", str(self.path)),
            *("--configfile", "small.yaml", *words),
        ]

    def start(self, *words: str) -> subprocess.Popen:
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
        with (self.path / "output.txt").open("w") as output:
            process = subprocess.Popen(
                self.command(*words),
                cwd=self.path,
                env=os.environ | {"PYTHONPATH": path, "CRNSIM_SAVE_SECONDS": "0.1"},
                start_new_session=True,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        STARTED.append(process)
        return process

    def finish(self) -> None:
        """Run to the end."""
        process = self.start()
        if process.wait(PATIENCE) != 0:
            raise SystemExit(f"a resumed run failed: {(self.path / 'output.txt').read_text()}")

    def unlock(self) -> None:
        if any((self.path / ".snakemake/locks").glob("*.lock")):
            assert self.start("--unlock").wait(PATIENCE) == 0

    def files(self) -> list[Path]:
        return sorted(self.path.glob("results/small/**/*.nc"))

    def points(self) -> set[str]:
        """Keys of the points that are on disk; a damaged file is the end."""
        found: set[str] = set()
        for file in self.files():
            try:
                keys = read_dataset(file).coords.get("point_key", ())
            except CrnsimError as error:
                # An orphan of an earlier run may have removed it meanwhile.
                if file.exists():
                    raise SystemExit(f"damaged: {error}") from None
                continue
            found.update(str(key) for key in getattr(keys, "values", ()))
        return found

    def count_chunks(self) -> int:
        found = self.path.glob("results/small/chunks/**/*.nc")
        return sum(".saved-" not in file.name for file in found)

    def results(self) -> dict[str, bytes]:
        """Every result by name: chunks, networks, summaries, tables."""
        return {
            str(file.relative_to(self.path)): file.read_bytes()
            for file in [*self.files(), *self.path.glob("results/small/*.csv")]
        }

    def leftovers(self) -> list[str]:
        return [
            file.name
            for file in self.path.glob("results/small/**/*")
            if ".saved-" in file.name or file.name.endswith((".part", ".progress.json", ".failed.json"))
        ]


def descendants(process: subprocess.Popen) -> list[psutil.Process]:
    try:
        return psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def kill(process: subprocess.Popen, how: str, chance: random.Random) -> list[psutil.Process]:
    """Kill in one of three ways; return processes that live on."""
    family = descendants(process)
    if how == "one" and family:
        with contextlib.suppress(psutil.NoSuchProcess):
            chance.choice(family).kill()
        return []
    if how == "group":
        # Workers of Dask have sessions of their own; a machine without power spares nobody.
        for each in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()
    process.kill()
    process.wait()
    if how == "group":
        return []
    LEFT_ALIVE.extend(family)
    return family


def end_started() -> None:
    """End what still runs of the runs that were started here, with its jobs and their workers."""
    family = list(LEFT_ALIVE)
    for process in STARTED:
        if process.poll() is None:
            family += descendants(process)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    # Workers of Dask have sessions of their own. psutil takes no other process for one that is gone.
    for each in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            each.kill()
    STARTED.clear()
    LEFT_ALIVE.clear()


def torment(place: Path, kills: int, seed: int, say=print) -> Counter:
    """Kill and resume `kills` times; return what was counted. Whatever ends it ends the runs too."""
    try:
        return _torment(place, kills, seed, say)
    finally:
        end_started()


def _torment(place: Path, kills: int, seed: int, say) -> Counter:
    """Kill and resume `kills` times; return what was counted. Ends with SystemExit on the first loss."""
    chance = random.Random(seed)
    counts: Counter = Counter()
    calm = Folder(place / "calm", workers=1)
    begin = time.monotonic()
    calm.finish()
    length = time.monotonic() - begin
    expected = calm.results()
    number = 0
    while counts["kills"] < kills:
        folder = Folder(place / f"run{number}", workers=chance.choice([1, 2]))
        number += 1
        done = False
        orphans: list[psutil.Process] = []
        while not done and counts["kills"] < kills:
            before = folder.points()
            process = folder.start()
            # The resume of a run that is nearly done is short: half of the moments lie early.
            moment = chance.uniform(0, length if chance.random() < 0.5 else length / 3)
            with contextlib.suppress(subprocess.TimeoutExpired):
                done = process.wait(moment) == 0
            if done:
                break
            how = chance.choice(["group", "main", "one"])
            alive = kill(process, how, chance)
            counts["kills"] += 1
            counts[f"killed {how}"] += 1
            if how == "one":
                # Snakemake goes on: the batch or the job is repeated, or the run ends with an error.
                done = process.wait(PATIENCE) == 0
            elif chance.random() < 0.5:
                psutil.wait_procs(alive, timeout=PATIENCE)
            orphans += alive
            counts["files read"] += len(folder.files())
            after = folder.points()
            if lost := before - after:
                raise SystemExit(f"{len(lost)} points lost in {folder.path}")
            counts["points kept"] += len(before)
            if not done:
                folder.unlock()
            chunks, text = folder.count_chunks(), f"kill {counts['kills']} ({how} after {moment:.1f} s)"
            say(f"{text}: {len(before)} points before, {len(after)} after, {chunks} chunks")
        folder.finish()
        psutil.wait_procs(orphans, timeout=PATIENCE)
        found = folder.results()
        if found != expected:
            odd = {name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name)}
            raise SystemExit(f"not the same bytes: {sorted(odd)} in {folder.path}")
        if left := folder.leftovers():
            raise SystemExit(f"left over: {left} in {folder.path}")
        counts["runs compared"] += 1
        shutil.rmtree(folder.path)
    return counts


def main() -> int:
    parser = argparse.ArgumentParser(description="Kill a running sweep at random moments and resume it.")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory() as place:
        counts = torment(Path(place), options.kills, options.seed, lambda text: print(text, flush=True))
    print(", ".join(f"{name}: {count}" for name, count in sorted(counts.items())))
    print("0 points lost, 0 files damaged, all results the same bytes as those of an undisturbed run")
    return 0


if __name__ == "__main__":
    sys.exit(main())
