"""Commands that tell what a sweep would take before anything runs, and measure how fast this machine is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crnsim.entrance.arguments import check_whole
from crnsim.provenance import processors
from crnsim.wording import byte_count, plural

if TYPE_CHECKING:
    import argparse

    from crnsim.sweep.plan.forecast import Forecast
    from crnsim.sweep.plan.plan_file import GroupEntry, PlanFile
    from crnsim.sweep.run.calibration import Speed

_HEAD = ("running times", "cells", "replicates", "points", "chunks", "core time")


def show(options: argparse.Namespace) -> None:
    """Print what a sweep would do and take."""
    from crnsim.cli.steps import report_path
    from crnsim.sweep.config.read import read_sweep
    from crnsim.sweep.plan.forecast import advice, forecast
    from crnsim.sweep.plan.plan import make_plan
    from crnsim.sweep.run import calibration
    from crnsim.wording import columns

    cores = processors() if options.cores is None else options.cores
    check_whole("--cores", cores)
    made = make_plan(read_sweep(options.config, options.given), options.config)
    known = calibration.find(made.file)
    expected = forecast(made, cores, known.factor)
    print(f"{made.file.title or made.file.sweep} ({options.config})")
    given = next((entry.given_weights for entry in made.file.groups if entry.given_weights), None)
    if given:
        print(f"nothing is trained: weights from {given.get('file', given.get('by'))}")
    if made.sweep.tuned is not None:
        tuned = sum(bool(entry.tuned) for entry in made.file.groups)
        print(f"learning rates of {tuned} of {len(made.file.groups)} designs from {made.sweep.tuned}")
    print()
    what = ("network", "design") if made.sweep.network else ("data set", "activation", "layers", "epochs")
    rows = (_row(entry, known.factor, len(what)) for entry in made.file.groups)
    print("\n".join(columns([(*what, *_HEAD), *rows])))
    print()
    print("\n".join([*_totals(made.file, expected, known), *_least(made.file, known)]))
    for line in advice(made, expected):
        print(f"advice: {line}")
    print(f"results/{made.sweep.name}/ -> {report_path(made.sweep.name)}")


def _row(entry: GroupEntry, factor: float, n_words: int) -> tuple[str, ...]:
    from crnsim.wording import duration

    seconds = factor * sum(chunk.estimated_core_seconds for chunk in entry.chunks)
    what = (entry.dataset, entry.label, "-".join(map(str, entry.layers)) or "–", str(entry.epochs or "–"))
    return (
        *what[:n_words],
        " ".join(f"{time:g}" for time in entry.running_times),
        *(str(entry.n_cells), _replicates(entry), str(entry.n_points)),
        *(str(len(entry.chunks)), duration(seconds)),
    )


def _replicates(entry: GroupEntry) -> str:
    return f"{entry.looks[0]} to {entry.looks[-1]}" if entry.looks else str(entry.replicates)


def _least(plan: PlanFile, known: Speed) -> list[str]:
    """Say what a sweep takes at least, and what is wanted so far, where replicates are added."""
    from crnsim.sweep.plan.looks import read_looks, wanted
    from crnsim.sweep.plan.plan import PLAN, results_folder
    from crnsim.wording import duration

    if plan.n_looks == 1:
        return []
    looks = read_looks(str(results_folder(plan.sweep) / PLAN), plan, strict=False)
    least, now = wanted(plan, ()), wanted(plan, looks)
    seconds = duration(known.factor * least.estimated_core_seconds)
    lines = [
        f"all this at most, in {plan.n_looks} looks; at least {least.n_points} points, about {seconds} of core time"
    ]
    if looks:
        lines.append(f"wanted after {plural(len(looks), 'look')}: {now.n_points} points")
    return lines


def _totals(plan: PlanFile, expected: Forecast, known: Speed) -> list[str]:
    """Return what the whole takes, line by line."""
    from crnsim.sweep.plan.forecast import between
    from crnsim.wording import duration

    total = known.factor * plan.estimated_core_seconds
    least, most = expected.chunk_points
    points = f"{least}" if least == most else f"{least} to {most}"
    workers = plural(plan.workers, "worker")
    core_time = f"about {duration(total)} of core time ({total / 3600:.2g} core-hours)"
    left = f"; the others take {duration(expected.core_seconds)} of core time" if expected.done else ""
    wall = duration(expected.wall_seconds)
    length, memory = between(*expected.chunk_seconds), byte_count(1e6 * expected.job_mb)
    return [
        f"{plan.n_points} points in {plural(expected.chunks, 'chunk')}, {core_time}",
        f"{expected.done} of the chunks are there already{left}",
        f"on {plural(expected.cores, 'core')}: about {wall} to the report",
        f"a chunk: {points} points, {length} with {workers}, up to {memory} of memory",
        f"disk: about {byte_count(expected.disk_bytes)}",
        f"times {known.source}",
    ]


def calibrate(options: argparse.Namespace) -> None:
    """Measure how fast this machine is, and keep it for `crnsim show`."""
    from crnsim.cli.steps import one_thread
    from crnsim.provenance import processor
    from crnsim.sweep.run import calibration

    one_thread()
    factor = calibration.measure()
    calibration.keep(factor)
    print(f"{processor()}: {factor:.2g} times the core time on the authors' machine")
    print(f"kept in {calibration.speed_file()}; 'crnsim show' uses it")
