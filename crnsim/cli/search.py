"""The command that searches for better designs."""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from crnsim.errors import InputError, StoppedError, StorageError
from crnsim.store.outputs import is_stdout
from crnsim.wording import columns, duration, number, plural, span

if TYPE_CHECKING:
    from crnsim.search.confirm import Confirmed
    from crnsim.search.read import Search
    from crnsim.search.run import Found, Progress, Running

#: Exit status after Ctrl-C.
_INTERRUPTED = 130


def search(options: argparse.Namespace) -> None:
    """Search, confirm what was found, and write tables, sweep files and a page."""
    from crnsim.cli.steps import one_thread, stop_when_told

    one_thread()
    stop_when_told()
    from crnsim.report.search import render_search
    from crnsim.search.confirm import confirm
    from crnsim.search.importance import importances
    from crnsim.search.outputs import write_outputs
    from crnsim.search.read import read_search
    from crnsim.search.run import Running
    from crnsim.store.files import write_text
    from crnsim.sweep.plan.plan import REPORTS, RESULTS
    from crnsim.sweep.run.workers import workers_for_all

    asked = read_search(options.config, options.given)
    name = asked.file.name
    output = options.output or str(Path(REPORTS, f"{name}-search.html"))
    said = sys.stderr if is_stdout(output) else sys.stdout
    folder = Path(RESULTS, "search", name)
    print("\n".join(_begins(asked)), file=said, flush=True)
    line = Line(said, asked.file.budget.core_hours)
    with _locked(folder):
        running = Running(asked, folder, workers=options.workers, say=line.say)
        with _resumable(folder, running), line, workers_for_all(options.workers):
            found = running.run()
            line.confirms(plural(len(found.best()), "design"))
            confirmed = confirm(found, running.scores, workers=options.workers, progress=line.confirmed)
        files = write_outputs(found, confirmed, folder)
        write_text(output, render_search(found, confirmed, importances(found)))
    print("\n".join(_ends(found, confirmed, files)), file=said)
    if not is_stdout(output):
        print(f"Report: {Path(output).resolve()}", file=said)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder of a search: two at a time would write to one file.

    Raises
    ------
    InputError
        Another one holds it.
    StorageError
        The folder cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        stream = (folder / ".lock").open("w", encoding="utf-8")
    except OSError as error:
        raise StorageError(f"{folder}: not written ({error.strerror or error})") from None
    with stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(f"{folder}: another 'crnsim search' is at work there; let it end") from None
        except OSError:
            pass  # a file system without locks
        yield


@contextlib.contextmanager
def _resumable(folder: Path, running: Running) -> Iterator[None]:
    """Say where the search goes on, when it is told to stop."""
    try:
        yield
    except (KeyboardInterrupt, StoppedError) as error:
        stopped = StoppedError(
            f"stopped after {plural(len(running.found.candidates), 'candidate')} and "
            f"{plural(len(running.scores.found), 'run')}; what is done is kept in {folder}, and the same command goes "
            "on from there"
        )
        if isinstance(error, KeyboardInterrupt):
            stopped.exit_status = _INTERRUPTED
        raise stopped from None


def _begins(asked: Search) -> list[str]:
    """Return what is about to be searched."""
    from crnsim.search.candidates import made
    from crnsim.sweep.plan.cost import estimate_seconds

    file, rungs = asked.file, asked.file.rungs()
    points = [
        point
        for level in asked.needed
        for of_set in made(asked, 0, asked.start).points(level, range(rungs[0]), file.seed)
        for point in of_set
    ]
    each = sum(map(estimate_seconds, points))
    budget = [f"{file.budget.core_hours:g} core-hours"] if file.budget.core_hours else []
    budget += [plural(file.budget.trials, "candidate")] if file.budget.trials else []
    takes = f"{duration(each)} of core time on the authors' machine"
    return [
        f"{plural(len(asked.parameters), 'parameter')}: {', '.join(asked.parameters)}",
        f"{plural(len(asked.goals), 'objective')}: {'; '.join(goal.name for goal in asked.goals)}",
        f"budget: {' or '.join(budget)}",
        f"a candidate takes {takes}, up to {duration(each * rungs[-1] / rungs[0])} if it is good",
    ]


def _ends(found: Found, confirmed: Confirmed, files: list[Path]) -> list[str]:
    """Return what was found, a row for each design."""
    from crnsim.search.outputs import level_name

    search = found.search
    levels = [level_name(search, level) for level in range(len(search.levels))]
    rows: list[tuple[str, ...]] = [("design", "candidate", *levels)]
    named = [("begun with", confirmed.start), *zip(map(str, files), confirmed.best, strict=True)]
    for what, one in named:
        scores = [f"{number(row.score)} ({span(row.low, row.high)})" for row in confirmed.of(one.number)]
        rows.append((what, str(one.number), *scores))
    counts = {
        state: sum(one.state == state for one in found.candidates)
        for state in ("raced", "dropped", "infeasible")
    }
    became = ", ".join(f"{n} {state}" for state, n in counts.items())
    return [
        f"{plural(len(found.candidates), 'candidate')} ({became}); ended: {found.ended}",
        f"scores on {confirmed.replicates} replicates that the search never saw:",
        *columns(rows),
    ]


class Line:
    """How far a search is, on one line of a terminal; elsewhere a line for each batch."""

    def __init__(self, stream: object, core_hours: float | None = None) -> None:
        self.stream, self.live = stream, sys.stderr.isatty()
        self.budget = f" of {core_hours:g}" if core_hours else ""
        self.start, self.shown, self.asked = time.monotonic(), 0.0, 0
        self.first: float | None = None

    def __enter__(self) -> Line:
        return self

    def say(self, progress: Progress) -> None:
        """Draw the line, ten times a second at most."""
        now = time.monotonic()
        if self.first is None:
            self.first = progress.share
        best = f", best {number(progress.best[0], 3)}" if progress.best else ""
        spent = f"{progress.core_seconds / 3600:.2f}{self.budget} core-hours"
        text = f"{plural(progress.asked, 'candidate')}{best}, {spent}"
        if self.live:
            if now - self.shown >= 0.1:
                self.shown = now
                done = progress.share - self.first
                left = (now - self.start) * (1 - progress.share) / done if done > 0 else None
                told = f", about {duration(left)} left" if left is not None else ""
                bar = f"[{'#' * round(20 * progress.share):<20}]"
                self._draw(f"{bar} {text}{told}")
        elif progress.asked > self.asked:
            print(text, file=self.stream, flush=True)  # type: ignore[call-overload]
        self.asked = progress.asked

    def confirms(self, what: str) -> None:
        """Say that what was found is confirmed now."""
        self.start = time.monotonic()
        if not self.live:
            print(f"confirming {what}", file=self.stream, flush=True)  # type: ignore[call-overload]

    def confirmed(self, share: float) -> None:
        """Draw how far the confirmation is."""
        now = time.monotonic()
        if self.live and now - self.shown >= 0.1:
            self.shown = now
            self._draw(f"confirming [{'#' * round(20 * share):<20}] {share:4.0%}")

    def _draw(self, text: str) -> None:
        width = shutil.get_terminal_size().columns - 1
        sys.stderr.write(f"\r{text[:width]}\x1b[K")
        sys.stderr.flush()

    def __exit__(self, *_: object) -> None:
        if self.live:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
