"""Unlock this folder for Snakemake if the run that locked it was killed; arguments go to ``--unlock``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil  # comes with Snakemake


def is_snakemake(command: list[str]) -> bool:
    """Tell whether a command line starts Snakemake: as a script, through its interpreter, or with ``-m``."""
    return any(Path(word).name == "snakemake" for word in command[:4])


def live_holder(folder: Path) -> int | None:
    """Return the process number of a Snakemake that may be at work in `folder`, or None."""
    for process in psutil.process_iter(["cmdline", "cwd"]):
        if is_snakemake(process.info["cmdline"] or []):
            cwd = process.info["cwd"]
            # Whose folder we may not see could be this one: then the lock stays.
            if cwd is None or Path(cwd) == folder:
                return int(process.pid)
    return None


def main() -> int:
    """Unlock when there is a lock and nobody alive to hold it."""
    if not any(Path(".snakemake/locks").glob("*.lock")):
        return 0
    holder = live_holder(Path.cwd().resolve())
    if holder is not None:
        print(f"Another Snakemake (process {holder}) may be at work in this folder; its lock stays.")
        return 0
    print("An earlier run was killed and left this folder locked; unlocking it.")
    stays = f"the lock in {Path('.snakemake/locks')} stays."
    try:
        done = subprocess.run(
            ["snakemake", "--unlock", *sys.argv[1:]],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except OSError as error:
        print(f"snakemake does not start ({error.strerror}); {stays}")
        return 1
    if done.returncode:
        lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
        print(f"snakemake --unlock failed: {lines[-1] if lines else 'it does not say why'}; {stays}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
