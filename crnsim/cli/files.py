"""The files that a command reads and writes, all known before it begins: none is lost, and none is written twice."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crnsim.entrance.arguments import shown
from crnsim.entrance.files import check_path
from crnsim.errors import CrnsimError, InputError
from crnsim.store.outputs import check_output, is_stdout, is_stream

if TYPE_CHECKING:
    import argparse

    from crnsim.sweep.plan.plan_file import PlanFile

#: Options that name a file which is read.
_READ = ("config", "plan", "dataset", "weights", "sweep", "network")
#: Keys of a sweep file that name one.
_KEYS = ("file", "weights", "tuned")
#: A module of the user's own, in ``module:Name``.
_CODE = re.compile(r"([\w.]+):\w+")


@dataclass(frozen=True)
class _Place:
    """Where something is written.

    Attributes
    ----------
    what : str
        The option, or what is written, for messages.
    path : str
    text, beside : bool
        See `crnsim.store.outputs.check_output`.
    own : str
        Where the plan has this; nothing else of the sweep is replaced. Empty for none.
    is_beside : bool
        It is itself written beside another file.
    """

    what: str
    path: str
    text: bool = False
    beside: bool = False
    own: str = ""
    is_beside: bool = False


#: Commands that keep runs as NetCDF, and ends of names of files that are something else.
_RUNS = ("train", "infer", "simulate")
_OTHERS = frozenset(
    (".csv", ".tsv", ".txt", ".json", ".xlsx", ".npz", ".npy", ".html", ".yaml", ".yml", ".pkl")
)


def check_outputs(options: argparse.Namespace) -> None:
    """Refuse to write over what a command reads, to write two things to one file, or where nothing can be written.

    Raises
    ------
    InputError, StorageError
        One line that names the option and the file; nothing has been written yet.
    """
    plan, sweep = _plan(options), _sweep_file(options)
    tuning = options.command == "tune"
    inputs = [*_inputs(options, plan), *_named(sweep, _KEYS[:-1] if tuning else _KEYS)]
    default = _default(options, plan, sweep)
    taken: list[_Place] = []
    for place in chain(_figures(options, plan), _places(options, default)):
        if place.is_beside and is_stream(place.path):
            raise InputError(
                f"{place.what}, {shown(place.path)}, is a device or a pipe; remove it, or name another output"
            )
        check_output(place.path, place.what, inputs=inputs, text=place.text, beside=place.beside)
        if options.command in _RUNS and place.what == "-o" and Path(place.path).suffix.lower() in _OTHERS:
            raise InputError(f"-o {place.path}: the result is NetCDF; give a name that ends in .nc")
        if is_stdout(place.path):
            continue
        if plan is not None and not (place.own and _name(place.path) == _name(place.own)):
            _check_products(plan, place)
        for other in taken:
            if _one_file(place.path, other.path):
                raise InputError(
                    f"{place.path}: both {other.what} and {place.what} would be written there; name two files"
                )
        taken.append(place)


def _plan(options: argparse.Namespace) -> PlanFile | None:
    """Return the plan that a command reads; None where it cannot be read, which the command itself says."""
    if getattr(options, "plan", None) is None:
        return None
    from crnsim.sweep.plan.plan_file import read_plan_file

    with suppress(CrnsimError):
        return read_plan_file(options.plan)
    return None


def _sweep_file(options: argparse.Namespace) -> Any:
    """Return the content of the sweep file that a command reads; None where it cannot be read."""
    path = getattr(options, "config", None) or getattr(options, "sweep", None)
    given = getattr(options, "given", ())
    if (path is None and not given) or not hasattr(options, "output"):
        return None
    from crnsim.sweep.config.given import read_document

    with suppress(CrnsimError):
        return read_document(path, given).data
    return None


def _inputs(options: argparse.Namespace, plan: PlanFile | None) -> Iterator[str]:
    """Yield the files that options and the plan name, modules of the user's own among them."""
    for name, given in vars(options).items():
        for word in given if isinstance(given, list) else [given]:
            if isinstance(word, str):
                if name in _READ:
                    yield word
                yield from _modules(word)
    if plan is not None:
        yield from plan.data_files
        for name in plan.own_code:
            yield from _modules(name)


def _named(data: Any, keys: tuple[str, ...]) -> Iterator[str]:
    """Yield the files that a sweep file names."""
    rest = [data]
    while rest:
        one = rest.pop()
        if isinstance(one, dict):
            yield from (one[key] for key in keys if isinstance(one.get(key), str))
            rest += [*one, *one.values()]
        elif isinstance(one, list):
            rest += one
        elif isinstance(one, str):
            yield from _modules(one)


def _modules(word: str) -> Iterator[str]:
    for name in _CODE.findall(word):
        yield name.replace(".", "/") + ".py"


def _default(options: argparse.Namespace, plan: PlanFile | None, sweep: Any) -> str:
    """Return where a command writes if no option says so; empty where that is nowhere, or not known."""
    from crnsim.sweep.plan.looks import look_file
    from crnsim.sweep.plan.plan import PLAN, REPORTS, RESULTS

    command = options.command
    if command == "plan" and isinstance(sweep, dict):
        name = sweep.get("name", Path(options.config or "").stem)
        return str(Path(RESULTS, name, PLAN)) if isinstance(name, str) else ""
    if command == "tune" and isinstance(sweep, dict):
        return sweep["tuned"] if isinstance(sweep.get("tuned"), str) else ""
    if command == "search" and isinstance(sweep, dict):
        name = sweep.get("name", Path(options.config).stem)
        return str(Path(REPORTS, f"{name}-search.html")) if isinstance(name, str) else ""
    if plan is None:
        return ""
    if command == "integrate":
        found = [chunk.path for chunk in plan.chunks() if chunk.key.startswith(options.chunk)]
        return found[0] if len(found) == 1 else ""
    if command in ("build", "merge"):
        of = [group for group in plan.groups if group.name == options.group]
        return (of[0].network if command == "build" else of[0].summary) if of else ""
    if command == "robustness":
        return str(Path(RESULTS, plan.sweep, "robustness.nc"))
    if command == "look":
        return str(look_file(Path(RESULTS, plan.sweep, PLAN), options.number))
    return str(Path(REPORTS, f"{plan.sweep}.partial.html" if options.partial else f"{plan.sweep}.html"))


def _places(options: argparse.Namespace, default: str) -> Iterator[_Place]:
    """Yield where a command writes; the names beside an output only once that has been found to be a file's."""
    log, csv = getattr(options, "log", None), getattr(options, "csv", None)
    if getattr(options, "plot", None) is not None:
        yield _Place("--plot", options.plot)
    given = getattr(options, "output", None)
    if log is not None:
        yield _Place("--log", log)
    own = _beside(options.command, default) if default else []
    if csv is not None:
        yield _Place("--csv", csv, text=True, own=own[0] if own else "")
    output = default if given is None else given
    if given is None and (not default or getattr(options, "figures", None) is not None):
        return
    beside = csv is None and options.command in ("build", "integrate", "merge", "robustness")
    what = "the output" if given is None else "-o"
    yield _Place(what, output, text=options.text, beside=beside, own=default)
    if is_stream(output):
        return  # nothing can be beside it
    for number, path in enumerate(_beside(options.command, output)):
        if not (csv is not None and path.endswith(".csv")):
            what = f"the {Path(path).suffix} beside it"
            yield _Place(what, path, own=own[number] if own else "", is_beside=True)


def _figures(options: argparse.Namespace, plan: PlanFile | None) -> Iterator[_Place]:
    """Yield the figures that a command writes to a folder."""
    folder = getattr(options, "figures", None)
    if folder is None:
        return
    from crnsim.report.publication import figure_files

    check_path(folder, "--figures")
    if is_stdout(folder):
        raise InputError(f"--figures {folder}: figures are several files; name a folder")
    for path in figure_files(plan, folder) if plan is not None else [Path(folder, "figure.pdf")]:
        yield _Place("--figures", str(path), beside=True)


def saved_file(output: str) -> str:
    """Return where `crnsim tune` keeps what is done, until its output is written."""
    return f"{output}.saved"


def _beside(command: str, output: str) -> list[str]:
    """Return what a command writes beside its output."""
    from crnsim.sweep.run.chunk_files import account_file, second_name

    path = Path(output)
    if command == "tune":
        return [saved_file(output)]
    if command == "build":
        return [str(path.with_suffix(".crn"))]
    if command == "robustness":
        return [str(path.with_suffix(".csv")), str(account_file(path))]
    if command == "merge":
        return [str(account_file(path))]
    if command == "integrate":
        second = second_name(path)
        return [str(account_file(path)), str(second), str(account_file(second))]
    return []


def _check_products(plan: PlanFile, place: _Place) -> None:
    """Refuse to write over a file of the plan's sweep, or to what will be one."""
    from crnsim.sweep.run.chunk_files import chunk_key

    folders: dict[str, str] = {}

    def named(path: str) -> Path:
        # Thousands of chunks lie in few folders, each of which is asked for once.
        folder, name = os.path.split(path)
        if folder not in folders:
            folders[folder] = os.path.realpath(folder)
        return Path(folders[folder], name)

    products = list(_products(plan))
    keys = {chunk.key for chunk in plan.chunks()}
    names = set(map(named, products))
    of_chunks = {named(chunk.path).parent for group in plan.groups for chunk in group.chunks[:1]}
    for name in (_name(place.path), Path(os.path.realpath(place.path))):
        beside = name.parent in of_chunks and (chunk_key(name) in keys or name.exists())
        if beside or name in names or _is_one_of(name, products):
            raise InputError(
                f"{place.what} {place.path}: this is a file of the sweep {plan.sweep}, which other steps read; "
                "name another one"
            )


def _products(plan: PlanFile) -> Iterator[str]:
    """Yield the files of a sweep."""
    from crnsim.sweep.plan.looks import look_file
    from crnsim.sweep.plan.plan import PLAN, RESULTS
    from crnsim.sweep.run.chunk_files import account_file

    for number in range(1, plan.n_looks):
        yield str(look_file(Path(RESULTS, plan.sweep, PLAN), number))
    for name in (PLAN, "robustness.nc", "robustness.csv", "robustness.json"):
        yield str(Path(RESULTS, plan.sweep, name))
    for group in plan.groups:
        yield from (group.network, str(Path(group.network).with_suffix(".crn")))
        for path in (group.summary, *(chunk.path for chunk in group.chunks)):
            yield from (path, str(account_file(Path(path))))


def _is_one_of(place: Path, files: list[str]) -> bool:
    """Tell whether a file that is there is one of others under another name."""
    try:
        found = place.stat()
    except OSError:
        return False
    for file in files:
        with suppress(OSError):
            if os.path.samestat(found, Path(file).stat()):
                return True
    return False


def _name(path: str) -> Path:
    """Return the name of a file in full; what it points to, where it is a link, stays out of it."""
    folder, name = os.path.split(path)
    return Path(os.path.realpath(folder), name)


def _one_file(one: str, other: str) -> bool:
    """Tell whether two places are one file; a device may be written to twice."""
    if is_stream(one) and not Path(one).is_fifo():
        return False
    names = {_name(one), Path(os.path.realpath(one))}
    return bool(names & {_name(other), Path(os.path.realpath(other))}) or _is_one_of(Path(one), [other])
