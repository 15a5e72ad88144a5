"""The lock of Snakemake on a working folder, where the run that made it was killed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

LOCKS = Path(".snakemake", "locks")


def clear_stale_lock(unlock: Sequence[str]) -> bool:
    """Unlock the working folder if there is a lock and nobody alive to hold it; say what was done, on stderr.

    Parameters
    ----------
    unlock : sequence of str
        The command that unlocks it.

    Returns
    -------
    bool
        False where it failed, and the lock stays for no known reason.
    """
    if not any(LOCKS.glob("*.lock")):
        return True
    holder = live_holder(Path.cwd().resolve())
    if holder is not None:
        _say(f"Another Snakemake (process {holder}) may be at work in this folder; its lock stays.")
        return True
    _say("An earlier run was killed and left this folder locked; unlocking it.")
    try:
        done = subprocess.run(
            unlock,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except OSError as error:
        _say(f"snakemake does not start ({error.strerror}); the lock in {LOCKS} stays.")
        return False
    if done.returncode:
        lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
        why = lines[-1] if lines else "it does not say why"
        _say(f"snakemake --unlock failed: {why}; the lock in {LOCKS} stays.")
    return not done.returncode


def live_holder(folder: Path) -> int | None:
    """Return the process number of a Snakemake that may be at work in `folder`, or None."""
    import psutil  # comes with Snakemake

    for process in psutil.process_iter(["cmdline", "cwd"]):
        if is_snakemake(process.info["cmdline"] or []):
            cwd = process.info["cwd"]
            # Whose folder we may not see could be this one: then the lock stays.
            if cwd is None or Path(cwd) == folder:
                return int(process.pid)
    return None


def is_snakemake(command: list[str]) -> bool:
    """Tell whether a command line starts Snakemake: as a script, through its interpreter, or with ``-m``."""
    return any(Path(word).name == "snakemake" for word in command[:4])


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)
