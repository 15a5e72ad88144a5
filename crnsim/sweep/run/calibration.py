"""How fast this machine is against the estimates: by a small piece of work, or by chunks that are done."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from crnsim.errors import InputError
from crnsim.provenance import processor
from crnsim.sweep.plan.plan_file import PlanFile
from crnsim.sweep.run.chunk_files import read_account
from crnsim.sweep.run.pace import Pace, pace_of

#: Core seconds of the piece of work on the machine on which the constants of `crnsim.sweep.plan.cost` were measured.
REFERENCE_SECONDS = 1.2
#: Epochs of the piece of work: eight XOR pots, once without and once with noise on concentrations.
EPOCHS = 150
#: Seconds of work that chunks must have taken to say how fast a machine is.
ENOUGH = 10.0


class Speed(NamedTuple):
    """Core time on this machine as a multiple of the estimate.

    Attributes
    ----------
    factor : float
        Above 1 on a slower machine.
    source : str
        Where it comes from, in words.
    """

    factor: float
    source: str


def measure(clock: Callable[[], float] | None = None, rounds: int = 3) -> float:
    """Run a small piece of work and return its core seconds as a multiple of `REFERENCE_SECONDS`.

    Parameters
    ----------
    clock : callable, optional
        Processor time of this process by default.
    rounds : int
        The fastest counts: other programs only slow it down.
    """
    import time

    from crnsim.experiment.point import Point
    from crnsim.experiment.run import run_points
    from crnsim.noise.noise import Noise

    def points(epochs: int, noise: Noise) -> list[Point]:
        about = ("xor", (2, 6, 1), "onepot", (), "squareplus", (("h", 0.1),), 40.0, epochs, 0.2, noise)
        return [Point(*about, replicate, 0) for replicate in range(8)]

    now = clock or time.process_time
    run_points(points(1, Noise()))
    took = []
    for _ in range(rounds):
        start = now()
        for noise in (Noise(), Noise(concentrations=0.3)):
            run_points(points(EPOCHS, noise))
        took.append(now() - start)
    return min(took) / REFERENCE_SECONDS


def speed_file() -> Path:
    """Return the file that keeps what was measured, for each kind of processor."""
    from crnsim.compiled import cache_folder

    return cache_folder() / "speed.json"


def keep(factor: float) -> None:
    """Keep what was measured for this kind of processor."""
    from crnsim.store.files import write_json

    write_json(speed_file(), _kept() | {processor(): round(factor, 3)})


def _kept() -> dict[str, float]:
    try:
        found = json.loads(speed_file().read_text(encoding="utf-8"))
        return {str(name): float(factor) for name, factor in found.items() if float(factor) > 0}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError):
        raise InputError(
            f"{speed_file()}: damaged; 'crnsim calibrate' makes it anew once it is deleted"
        ) from None


def find(plan: PlanFile) -> Speed:
    """Return the best that is known of this machine's speed.

    Parameters
    ----------
    plan : PlanFile
        Chunks of it that are done say most.
    """
    pace, number = Pace(), 0
    for chunk in plan.chunks():
        path = Path(chunk.path)
        account = read_account(path) if path.exists() else None
        # What chunks took that were copied for the most part is nothing but reading and writing.
        if account and account.computed > account.points / 2 and account.seconds_core > 0:
            pace, number = pace.plus(pace_of(chunk.estimated_core_seconds, account)), number + 1
    if pace.core_seconds >= ENOUGH:
        done = "chunk that is done" if number == 1 else f"{number} chunks that are done"
        return Speed(pace.core_seconds / pace.work, f"as the {done} took")
    factor = _kept().get(processor())
    if factor is not None:
        return Speed(factor, "as measured on this machine by 'crnsim calibrate'")
    return Speed(1.0, "as on the authors' machine; 'crnsim calibrate' measures this one")
