"""Looking after results, from another terminal or another machine: status, check, verify."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crnsim.entrance.arguments import check_number, check_whole
from crnsim.registry import import_only
from crnsim.sweep.inspect.folder import ResultsFolder, open_folder
from crnsim.sweep.plan.permission import permitted
from crnsim.sweep.plan.plan import PLAN, RESULTS
from crnsim.wording import columns, plural

if TYPE_CHECKING:
    import argparse

    from crnsim.sweep.inspect.findings import Finding
    from crnsim.sweep.inspect.verify import Comparison
    from crnsim.sweep.run.chunk_files import Account

#: Exit status where something was found that is not as it should be.
FOUND = 1


def _opened(path: str) -> ResultsFolder:
    """Open a folder of results, given by itself or by its sweep file."""
    from crnsim.sweep.config.read import read_sweep

    if Path(path).suffix in (".yaml", ".yml") and Path(path).is_file():
        return open_folder(Path(RESULTS, read_sweep(path).sweep.name))
    return open_folder(path)


def status(options: argparse.Namespace) -> None:
    """Print how far a sweep is, once or again and again."""
    from crnsim.sweep.inspect.status import read_status, to_json
    from crnsim.sweep.inspect.status_text import status_lines

    if options.watch is not None:
        check_number("--watch", options.watch, above=0.0)
    accounts: dict[Path, Account] = {}
    live = sys.stdout.isatty()
    while True:
        # Read anew: the plan may change while one watches.
        now = read_status(_opened(options.results), time.time(), accounts)
        if options.json:
            print(json.dumps(to_json(now), indent=1))
        elif options.watch is not None and live:
            # Home, each line cleared to its end, and what was below.
            text = "".join(f"{line}\x1b[K\n" for line in status_lines(now))
            print(f"\x1b[H{text}\x1b[J", end="", flush=True)
        else:
            print("\n".join(status_lines(now)), flush=True)
        if options.watch is None or now.finished:
            return
        try:
            time.sleep(options.watch)
        except KeyboardInterrupt:
            return
        if not live:
            print()


def check(options: argparse.Namespace) -> int:
    """Name the files that are not as they should be, and remove them if that is asked for."""
    from crnsim.sweep.inspect import findings
    from crnsim.sweep.inspect.audit import check_folder

    kinds = findings.parse_kinds(options.remove) if options.remove is not None else ()
    folder = _folder_or_damaged_plan(options.results)
    found = (
        folder if isinstance(folder, list) else check_folder(folder, _counter("looked at", "groups of files"))
    )
    for finding in found:
        print(f"{finding.kind:<10}  {finding.path}: {finding.what}")
    problems = [finding for finding in found if finding.kind in findings.PROBLEMS]
    doomed = [finding for finding in found if finding.kind in kinds]
    if doomed:
        base = folder.path if isinstance(folder, ResultsFolder) else doomed[0].path.parent
        gone = findings.remove(base, doomed)
        aside = sum(finding.kind == "killed" for finding in doomed)
        parts = [f"removed {plural(len(gone) - aside, 'file')}"] if len(gone) > aside else []
        parts += [f"set {plural(aside, 'chunk')} aside, whose other points are kept"] if aside else []
        text = ", ".join(parts)
        print(f"{text}; the same snakemake command computes what is missing again")
    elif not problems:
        print(f"{options.results}: all is well")
    else:
        print(_advice(options.results, problems))
    return FOUND if problems else 0


def _folder_or_damaged_plan(path: str) -> ResultsFolder | list[Finding]:
    """Open a folder; a plan that cannot be read is a finding, after which there is nothing else to compare with."""
    from crnsim.errors import DamagedFileError
    from crnsim.sweep.inspect.findings import Finding

    try:
        folder = open_folder(path)
        for _ in folder.entries():
            pass
        return folder
    except DamagedFileError:
        given = Path(path)
        plan = given if given.is_file() else given / PLAN
        return [
            Finding(
                "damaged", plan, "not a plan of crnsim, or altered; without it no other file can be checked"
            )
        ]


def _advice(results: str, problems: list[Finding]) -> str:
    from crnsim.sweep.inspect.findings import REMOVABLE, USUAL

    kinds = [kind for kind in REMOVABLE if any(finding.kind == kind for finding in problems)]
    count = plural(len(problems), "problem")
    if not kinds:
        return count
    named = "" if set(kinds) <= set(USUAL) else f" {','.join(kinds)}"
    return f"{count}; 'crnsim check {results} --remove{named}' removes these files, and the next run makes them again"


def verify(options: argparse.Namespace) -> int:
    """Compute a sample of points again and say whether they are as stored."""
    from crnsim.sweep.inspect import verify as verifying

    check_whole("--points", options.points)
    folder = _opened(options.results)
    import_only(permitted(folder.plan_file, options.sweep, options.given))
    plan = verifying.open_plan(folder)
    samples = verifying.choose(folder, plan, options.points, options.seed, options.group or "")
    counted = _counter("computed", "points")
    counted(0, len(samples))
    compared = []
    for comparison in verifying.verify(plan, samples):
        compared.append(comparison)
        counted(len(compared), len(samples))
    print("\n".join(_verdicts(compared)))
    wrong = [comparison for comparison in compared if comparison.verdict == verifying.DIFFERENT]
    for comparison in wrong:
        print(f"\n{comparison.sample.point.key} in {comparison.sample.path}")
        print("\n".join(f"  {line}" for line in comparison.differences))
        print(f"  to compute it alone: {comparison.command}")
    return FOUND if wrong else 0


def _verdicts(compared: list[Comparison]) -> list[str]:
    """Return a table of comparisons, and a sentence."""
    from crnsim.sweep.inspect.verify import CLOSE, DIFFERENT, SAME, UNKNOWN

    rows: list[tuple[str, ...]] = [
        ("point", "group", "running time", "noise", "replicate", "stored score", "score now", "verdict")
    ]
    for comparison in compared:
        point = comparison.sample.point
        rows.append(
            (
                point.key[:8],
                comparison.sample.group.name,
                f"{point.running_time:g}",
                point.noise.kind,
                str(point.replicate),
                f"{comparison.stored:.4g}".replace("nan", "-"),
                f"{comparison.computed:.4g}".replace("nan", "-"),
                comparison.verdict,
            )
        )
    counts = {v: sum(c.verdict == v for c in compared) for v in (SAME, CLOSE, DIFFERENT, UNKNOWN)}
    said = ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)
    lines = [*columns(rows), "", f"{len(compared)} points computed again: {said}"]
    reasons = dict.fromkeys(
        comparison.inexact_because for comparison in compared if comparison.inexact_because
    )
    return [*lines, *(f"equal bits are no must here: {reason}" for reason in reasons)]


def _counter(what: str, of: str) -> Any:
    """Return a function that says on a terminal how far something is."""

    def show(done: int, total: int) -> None:
        if sys.stderr.isatty():
            end = "\r\x1b[K" if done >= total else ""
            print(f"\r{what} {done} of {total} {of}\x1b[K{end}", end="", file=sys.stderr, flush=True)

    return show
