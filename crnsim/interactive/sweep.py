"""Run a sweep from Python: the same plan, points and code as the workflow."""

from __future__ import annotations

import contextlib
import logging
import shutil
import sys
import weakref
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from crnsim.entrance.arguments import check_whole
from crnsim.entrance.files import check_path
from crnsim.entrance.limits import MOST_WORKERS
from crnsim.entrance.private import temporary_folder
from crnsim.errors import ConfigError
from crnsim.interactive.config import Given, given_by
from crnsim.interactive.progress import Progress, check_progress
from crnsim.interactive.result import SweepResult
from crnsim.metrics import to_csv
from crnsim.store.files import replacing, write_text
from crnsim.sweep.config.read import validate
from crnsim.sweep.config.reader import Document
from crnsim.sweep.config.resolve import ResolvedSweep
from crnsim.sweep.plan.groups import Group
from crnsim.sweep.plan.looks import is_last, look_file, read_looks
from crnsim.sweep.plan.plan import PLAN, Plan, make_plan, results_folder
from crnsim.sweep.run.build import compile_circuit, write_network
from crnsim.sweep.run.chunk import integrate_chunk
from crnsim.sweep.run.chunk_files import read_account, remove_pieces, write_with_account
from crnsim.sweep.run.look import look
from crnsim.sweep.run.merge import merge_group
from crnsim.sweep.run.metrics import summarise_sweep
from crnsim.sweep.run.workers import workers_for_all
from crnsim.wording import plural

#: How a sweep file begins that a call has written.
OURS = "# Written by crnsim.sweep, and written anew by its next call.\n"

log = logging.getLogger("crnsim")


def run_sweep(
    config: Any = None,
    /,
    *,
    workers: int = 1,
    progress: Any = None,
    folder: Any = None,
    **keys: Any,
) -> SweepResult:
    """Run a sweep: data sets x designs x running times x noise x replicates.

    It is called as ``crnsim.sweep``. Plan, points and code are those of the workflow, and so are the numbers.

    Parameters
    ----------
    config : str, Path or mapping, optional
        Path of a sweep file (``config/README.md``), or its keys.
    workers : int
        Dask worker processes; 1 computes in this process. The numbers are the same.
    progress : bool or callable, optional
        Draw a bar, as is done by itself on a terminal and in a notebook; or a function of the share that is done.
    folder : str or Path, optional
        Folder of a workflow: results go to ``results/<name>`` in it, and the next call, or Snakemake there, goes on
        from what is there. Left out, results are kept in memory, and files only until the result is forgotten.
    **keys
        Further keys of the sweep file, which win. Beside what a file can say, `noise` takes magnitudes by kind
        (``{"rates": [0.05, 0.1]}``); `datasets` takes arrays or DataFrames by label (``{"mine": (x, y)}``,
        ``{"wine": {"data": frame, "target": "quality"}}``); `network` takes a `crnsim.Network`.

    Returns
    -------
    SweepResult
        ``.data`` is a labelled cube; ``.robustness()``, ``.verdicts``, ``.plot``, ``.report(path)``.

    Raises
    ------
    ConfigError
        Keys or values do not fit: a line for each mistake, which names the key and what would be right.
    InputError
        An argument is of another type or out of range.
    StorageError
        `folder` cannot be written.
    """
    count = check_whole("workers", workers, most=MOST_WORKERS)
    wanted = check_progress(progress)
    kept = folder is not None
    place = check_path(folder, "folder").absolute() if kept else temporary_folder("crnsim-sweep-")
    with contextlib.ExitStack() as stack:
        if not kept:
            stack.callback(shutil.rmtree, place, ignore_errors=True)
        given = given_by(config, keys, place)
        from_file = isinstance(config, (str, Path))
        with given.written():
            made = make_plan(_validated(given), str(config) if from_file else "")
        if kept and (keys or not from_file):
            _write_config(place / f"{made.sweep.name}.yaml", given.document)
        _write_new(_plan_file(made, place), made.file.to_json())
        with Progress(plural(made.file.n_points, "run"), wanted) as bar:
            seen = _computed(made.below(place), place, count, bar)
        result = _result(seen, None if kept else place)
        if not kept:
            stack.pop_all()
            weakref.finalize(result, shutil.rmtree, place, ignore_errors=True)
    return result


def _validated(given: Given) -> ResolvedSweep:
    """Check what is given, and tell all that is wrong with it."""
    document = given.document
    if given.mistakes and isinstance(document.data, dict) and not document.data.get("datasets"):
        # One that is right, in the place of those that are not.
        document = replace(document, data=document.data | {"datasets": {"xor": {}}})
    try:
        found = validate(document)
    except ConfigError as error:
        raise ConfigError(*given.mistakes, *(given.told(one) for one in error.mistakes)) from None
    if given.mistakes:
        raise ConfigError(*given.mistakes)
    return found


def _write_config(path: Path, document: Document) -> None:
    """Write the sweep as a file for Snakemake; one that somebody else has written stays as it is."""
    text = OURS + yaml.safe_dump(document.data, sort_keys=False, allow_unicode=True)
    if path.is_file() and path.read_bytes()[: len(OURS)] != OURS.encode():
        log.warning(
            "sweep: %s was there before and stays as it is, so Snakemake would compute that one", path
        )
        return
    _write_new(path, text)


def _plan_file(plan: Plan, place: Path) -> Path:
    return Path(place, results_folder(plan.sweep.name), PLAN)


def _write_new(path: Path, text: str) -> None:
    """Write a text file unless it is there already: a newer one would make Snakemake do things again."""
    if not path.is_file() or path.read_bytes() != text.encode():
        write_text(path, text)


def _computed(plan: Plan, place: Path, workers: int, bar: Progress) -> Plan:
    """Compute what is not there, look by look where replicates are added; return the plan as far as it was wanted."""
    where = _plan_file(plan, place)
    with _main_is_not_run_again(), workers_for_all(workers):
        if workers > 1:
            # Once here, not in every worker at once.
            bar.note("compiling, which takes half a minute the first time")
            for group, _ in plan.groups:
                compile_circuit(group)
        while True:
            looks = read_looks(where, plan.file, strict=False)
            seen = plan.seen(looks)
            _compute_chunks(seen, workers, bar)
            if plan.file.n_looks == 1 or is_last(plan.file, looks):
                return seen
            found = look(plan, len(looks) + 1, looks)
            write_text(look_file(where, found.look), found.to_json())


def _compute_chunks(plan: Plan, workers: int, bar: Progress) -> None:
    chunks = list(plan.file.chunks())
    total = sum(chunk.estimated_core_seconds for chunk in chunks) or 1.0
    before = 0.0
    for chunk in chunks:
        cost, points = chunk.estimated_core_seconds, chunk.n_points

        def update(done: float, before: float = before, each: float = cost / points) -> None:
            bar.update((before + each * done) / total)

        if not Path(chunk.path).exists():
            integrate_chunk(plan, chunk.key, workers=workers, path=chunk.path, progress=update)
        update(points)
        before += cost


def _result(plan: Plan, temporary: Path | None) -> SweepResult:
    """Put together what there is, and write it, unless it lies in a temporary folder."""
    summaries = []
    for entry in plan.file.groups:
        merged = merge_group(plan, entry.name)
        assert merged is not None
        summaries.append(merged)
    metrics = summarise_sweep(plan.file, summaries)
    found = [read_account(Path(chunk.path)) for chunk in plan.file.chunks()]
    if temporary is None:
        _write(plan, summaries, metrics)
    accounts = [account for account in found if account is not None]
    return SweepResult(plan, summaries, metrics, accounts, temporary)


def _write(plan: Plan, summaries: list[Any], metrics: Any) -> None:
    """Write networks, summaries and tables as the rules of the workflow do."""
    for (group, _), entry, summary in zip(plan.groups, plan.file.groups, summaries, strict=True):
        _write_network(group, Path(entry.network))
        write_with_account(summary, Path(entry.summary), entry.name, summary.sizes["point"])
        remove_pieces(Path(chunk.path) for chunk in entry.chunks)
    tables = Path(plan.file.groups[0].summary).parents[1] / "robustness.nc"
    with replacing(tables.with_suffix(".csv")) as temporary:
        to_csv(metrics, temporary)
    write_with_account(metrics, tables, tables.stem, sum(summary.sizes["point"] for summary in summaries))


def _write_network(group: Group, path: Path) -> None:
    """Write a network unless it is there: a newer file would make Snakemake do things again."""
    aside = temporary_folder("crnsim-network-")
    try:
        write_network(group, aside / path.name)
        for made in aside.iterdir():
            there = path.with_name(made.name)
            if not there.is_file() or there.read_bytes() != made.read_bytes():
                with replacing(there) as temporary:
                    shutil.copyfile(made, temporary)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


@contextlib.contextmanager
def _main_is_not_run_again() -> Iterator[None]:
    """Keep worker processes from running the user's script once more, as Python's would to find functions in it."""
    main = sys.modules.get("__main__")
    hidden = {name: vars(main)[name] for name in ("__file__", "__spec__") if main and name in vars(main)}
    for name in hidden:
        setattr(main, name, None)
    try:
        yield
    finally:
        for name, value in hidden.items():
            setattr(main, name, value)
