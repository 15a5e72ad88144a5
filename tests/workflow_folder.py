"""A folder in which the workflow runs, for the tests of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from small_sweeps import write_sweep

ROOT = Path(__file__).resolve().parent.parent
SUMMARY = "results/small/summary/xor-onepot-smooth.nc"


class Folder:
    """A folder in which the workflow runs."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def command(self, *words: str, cores: int = 1) -> list[str]:
        return [
            *(
                sys.executable,
                "-m",
                "snakemake",
                "--snakefile",
                str(ROOT / "Snakefile"),
                "--cores",
                str(cores),
            ),
            *("--workflow-profile", str(ROOT / "profiles/default"), "--directory", str(self.path), *words),
        ]

    @property
    def environment(self) -> dict[str, str]:
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
        return os.environ | {"PYTHONPATH": path}

    def run(self, *words: str, cores: int = 1) -> subprocess.CompletedProcess:
        return subprocess.run(
            self.command(*words, cores=cores),
            check=False,
            capture_output=True,
            text=True,
            env=self.environment,
            cwd=self.path,
        )

    def make(self, *words: str, cores: int = 1) -> dict[str, int]:
        """Run successfully; return how many jobs of each rule ran."""
        before = time.time_ns()
        done = self.run(*words, "--configfile", "small.yaml", cores=cores)
        assert done.returncode == 0, done.stderr + done.stdout
        logs = self.path.glob("results/*/logs/**/*.log")
        fresh = [
            log.relative_to(self.path).parts[3].removesuffix(".log")
            for log in logs
            if log.stat().st_mtime_ns > before
        ]
        return {rule: fresh.count(rule) for rule in sorted(set(fresh))}

    def sweep(self, **changes) -> None:
        write_sweep(self.path / "small.yaml", **changes)

    @property
    def chunks(self) -> list[Path]:
        return sorted(self.path.glob("results/small/chunks/**/*.nc"))

    def accounts(self) -> list[dict]:
        return [json.loads(path.with_suffix(".json").read_text()) for path in self.chunks]
