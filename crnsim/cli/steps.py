"""The steps of a sweep as commands: files are read and written here, and values computed elsewhere."""

from __future__ import annotations

import logging
import os
import signal
import sys
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING

from crnsim import wording
from crnsim.entrance.arguments import check_whole
from crnsim.errors import InputError, StoppedError
from crnsim.registry import import_only
from crnsim.store.outputs import is_stdout
from crnsim.sweep.plan.looks import check_looks, look_file, read_looks
from crnsim.sweep.plan.permission import permitted
from crnsim.sweep.plan.plan import PLAN, REPORTS, RESULTS, Plan, make_plan, read_plan, read_whole_plan
from crnsim.sweep.plan.plan_file import read_plan_file
from crnsim.sweep.plan.products import chunk_files

if TYPE_CHECKING:
    import argparse

    import xarray as xr

    from crnsim.sweep.run.chunk_files import Account

log = logging.getLogger("crnsim")


def plan(options: argparse.Namespace) -> None:
    """Write plan.json."""
    from crnsim.store.files import write_text
    from crnsim.sweep.config.read import read_sweep

    if options.config is None and not options.given:
        raise InputError("name a sweep file, such as 'crnsim plan sweep.yaml'")
    made = make_plan(read_sweep(options.config, options.given), options.config or "")
    path = options.output or str(Path(RESULTS, made.sweep.name) / PLAN)
    write_text(path, made.file.to_json())
    log.info("%d points in %d chunks", made.file.n_points, sum(len(chunks) for _, chunks in made.groups))


def opened(options: argparse.Namespace, *, whole: bool = False) -> Plan:
    """Read a plan, or the part of it that is wanted; from here on nothing is imported that the plan alone names."""
    import_only(permitted(options.plan, options.sweep, options.given))
    return read_whole_plan(options.plan) if whole else read_plan(options.plan)


def build(options: argparse.Namespace) -> None:
    """Write the network of a group as NetCDF and as text, and compile it."""
    from crnsim.sweep.run.build import compile_circuit, write_network

    made = opened(options, whole=True)
    group, _ = made.group(options.group)
    compile_circuit(group)
    write_network(
        group, Path(options.output or Path(RESULTS, made.sweep.name) / "networks" / f"{group.name}.nc")
    )


def one_thread() -> None:
    """Give each of the libraries' pools one thread, before the libraries are loaded: a worker is a process."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ[name] = "1"


def integrate(options: argparse.Namespace) -> None:
    """Compute one chunk, saying how far it is."""
    one_thread()
    check_whole("--workers", options.workers)
    stop_when_told()
    from crnsim.sweep.run.chunk import integrate_chunk
    from crnsim.sweep.run.progress import Progress

    made = opened(options, whole=True)
    _, chunk, _ = made.chunk(options.chunk)
    wanted = made.seen(read_looks(options.plan, made.file, strict=False)).file
    progress = Progress(
        wanted if chunk.key in wanted.chunk_by_key else made.file,
        options.chunk,
        sys.stderr,
        parallel=int(options.cores) if options.cores.isdigit() else 1,
        workers=options.workers,
        live=sys.stderr.isatty() and not options.log,
    )
    with progress:
        account = integrate_chunk(
            made, options.chunk, workers=options.workers, path=options.output, progress=progress.update
        )
    log.info("%s", account)
    progress.finish(account.reused, account.killed, account.seconds_wall)


def stop_when_told() -> None:
    """Stop workers and remove temporary files when SIGTERM comes, as from a cluster whose scheduler ends the job."""
    signal.signal(signal.SIGTERM, _told_to_stop)


def _told_to_stop(*_: object) -> None:
    raise StoppedError("told to stop; the same command goes on from what is there")


def look(options: argparse.Namespace) -> None:
    """Write which verdicts a sweep leaves open, and which chunks they ask for."""
    from crnsim.store.files import write_text
    from crnsim.sweep.run.look import look as look_at

    made = opened(options, whole=True)
    found = look_at(made, options.number, read_looks(options.plan, made.file, before=options.number))
    write_text(
        options.output or look_file(Path(RESULTS, made.sweep.name, PLAN), options.number), found.to_json()
    )
    log.info("look %d of %d: %d open, %d chunks", found.look, found.of, len(found.open), len(found.wanted))


def merge(options: argparse.Namespace) -> None:
    """Write the summary of a group."""
    from crnsim.sweep.run.chunk_files import remove_pieces, write_with_account
    from crnsim.sweep.run.merge import merge_group

    made = opened(options)
    check_looks(options.plan)
    path = Path(options.output or Path(RESULTS, made.sweep.name) / "summary" / f"{options.group}.nc")
    merged = merge_group(made, options.group)
    assert merged is not None
    write_with_account(merged, path, options.group, merged.sizes["point"])
    remove_pieces(map(Path, chunk_files(options.plan, *options.group.split("-", 1))))


def robustness(options: argparse.Namespace) -> None:
    """Write the metrics of a sweep as NetCDF and as tables."""
    from crnsim.metrics import to_csv
    from crnsim.store.files import replacing
    from crnsim.sweep.run.chunk_files import write_with_account
    from crnsim.sweep.run.metrics import summarise_sweep

    made = opened(options)
    check_looks(options.plan)
    path = Path(options.output or Path(RESULTS, made.sweep.name) / "robustness.nc")
    table = options.csv or path.with_suffix(".csv")
    summaries = _summaries(made)
    metrics = summarise_sweep(made.file, summaries)
    with replacing(table) as temporary:
        to_csv(metrics, temporary)
    write_with_account(metrics, path, path.stem, sum(summary.sizes["point"] for summary in summaries))


def report(options: argparse.Namespace) -> None:
    """Write the page of a sweep, or of the part of it that is there, or its figures, or both."""
    from crnsim.report import write_figures, write_report
    from crnsim.sweep.run.merge import merge_group
    from crnsim.sweep.run.metrics import read_metrics, summarise_sweep

    if options.open and (is_stdout(options.output or "") or (options.figures and options.output is None)):
        raise InputError(
            "--open shows the page; let it be written to a file: leave --figures out, or give -o FILE"
        )
    by_file = _take_sweep_file(options)
    made = opened(options)
    left_out: list[str] = []
    if options.partial:
        found = [merge_group(made, group.name, partial=True, left_out=left_out) for group, _ in made.groups]
        summaries = [summary for summary in found if summary is not None]
        if not summaries:
            raise InputError(f"no chunk of the sweep {made.sweep.name} is there yet; compute one first")
        metrics = summarise_sweep(made.file, summaries)
    else:
        check_looks(options.plan)
        summaries = _summaries(made)
        metrics = read_metrics(made.file, Path(RESULTS, made.sweep.name) / "robustness.nc")
    if options.figures is not None:
        for file in write_figures(made.file, summaries, metrics, options.figures):
            log.info("%s", file)
            print(file)
        if options.output is None:
            return
    path = options.output or report_path(made.sweep.name, partial=options.partial)
    write_report(
        made.file, summaries, metrics, _accounts(made), path, partial=options.partial, left_out=left_out
    )
    if by_file and not is_stdout(path):
        print(f"Report: {Path(path).resolve()}")
    if options.open and not webbrowser.open(Path(path).resolve().as_uri()):
        raise InputError(f"no browser can be started; the report is {path}")


def _take_sweep_file(options: argparse.Namespace) -> bool:
    """Take the plan of a sweep file, where that is given in its place; tell whether it is."""
    from crnsim.sweep.config.read import read_sweep

    if Path(options.plan).suffix not in (".yaml", ".yml"):
        return False
    options.sweep = options.sweep or options.plan
    wanted = read_sweep(options.plan, options.given).sweep
    file, options.plan = options.plan, str(Path(RESULTS, wanted.name) / PLAN)
    if not Path(options.plan).is_file():
        raise InputError(f"{options.plan}: there is no such file; 'crnsim run {file}' makes it")
    there, asked = read_plan_file(options.plan).config, wanted.to_dict()
    if other := [key for key in {**asked, **there} if asked.get(key) != there.get(key)]:
        raise InputError(
            f"{file}: {wording.listing(other)} changed since {options.plan} was made; 'crnsim run {file}' computes "
            f"what is new, 'crnsim report {options.plan}' makes the page of what is there"
        )
    return True


def report_path(sweep: str, partial: bool = False) -> str:
    """Return where the report of a sweep goes."""
    return f"{REPORTS}/{sweep}.partial.html" if partial else f"{REPORTS}/{sweep}.html"


def _summaries(made: Plan) -> list[xr.Dataset]:
    from crnsim.sweep.run.merge import read_summary

    return [read_summary(made, entry.name) for entry in made.file.groups]


def _accounts(made: Plan) -> list[Account]:
    """Return what the chunks took; the account of a chunk may be lost without harm."""
    from crnsim.sweep.run.chunk_files import read_account

    accounts = []
    for path in (Path(chunk.path) for chunk in made.file.chunks()):
        if not path.exists():
            continue
        if (account := read_account(path)) is None:
            log.warning("no account of %s", path)
        else:
            accounts.append(account)
    return accounts


def config_docs(options: argparse.Namespace) -> None:
    """Print the description of every key."""
    from crnsim.sweep.config.reference import markdown

    print(markdown(), end="")


def config_schema(options: argparse.Namespace) -> None:
    """Print the JSON schema."""
    from crnsim.sweep.config.reference import schema_text

    print(schema_text(), end="")
