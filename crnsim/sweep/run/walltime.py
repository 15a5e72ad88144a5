"""How long the queue lets a job live."""

from __future__ import annotations

import logging
import os
import subprocess
import time

from crnsim.entrance.arguments import setting

#: Minutes that the job has, from the start of the command; for queues that do not tell their jobs.
WALL_MINUTES = "CRNSIM_WALL_MINUTES"
_STARTED = time.time()

log = logging.getLogger("crnsim.integrate")


def seconds_left(environment: dict[str, str] | None = None) -> float | None:
    """Return the seconds until the queue ends this job; None where nobody says.

    Parameters
    ----------
    environment : dict of str to str, optional
        ``os.environ`` where left out. ``CRNSIM_WALL_MINUTES`` counts from the start of this process; without it Slurm
        is asked, by ``SLURM_JOB_END_TIME`` or ``squeue``.
    """
    given = os.environ if environment is None else environment
    if minutes := given.get(WALL_MINUTES, "").strip():
        return 60.0 * setting(WALL_MINUTES, minutes, "minutes") - (time.time() - _STARTED)
    end = given.get("SLURM_JOB_END_TIME", "")
    if not end.isdecimal() and (job := given.get("SLURM_JOB_ID")):
        array, task = given.get("SLURM_ARRAY_JOB_ID"), given.get("SLURM_ARRAY_TASK_ID")
        end = _asked_slurm(f"{array}_{task}" if array and task else job)
    return float(end) - time.time() if end.isdecimal() else None


def _asked_slurm(job: str) -> str:
    """Return when a job of Slurm is ended, in Unix seconds; nothing where Slurm does not say."""
    try:
        said = subprocess.run(
            ["squeue", "--noheader", "--jobs", job, "--format", "%e"],
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        ).stdout.strip()
        return str(int(time.mktime(time.strptime(said, "%Y-%m-%dT%H:%M:%S"))))
    except (OSError, ValueError, OverflowError, subprocess.SubprocessError) as error:
        log.warning("Slurm does not say when job %s ends: %s", job, error)
        return ""
