"""The command line `crnsim`: each step of a sweep, and single circuits and runs."""

from __future__ import annotations

import argparse
import contextvars
import io
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence

from crnsim import __version__
from crnsim.cli import words
from crnsim.cli.files import check_outputs
from crnsim.cli.messages import messages_to
from crnsim.cli.noise import add_noise
from crnsim.cli.project_options import add_given, add_project, split
from crnsim.cli.search_options import add_search
from crnsim.cli.tune_options import add_tune
from crnsim.cli.usage import Parser
from crnsim.errors import CrnsimError, StorageError

#: Exit status after a mistake that the user can mend, and after anything else.
MISTAKE, UNEXPECTED = 2, 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    arguments : sequence of str, optional
        Words after ``crnsim``; those of the process by default.

    Returns
    -------
    int
        0, or 2 after a mistake that the message explains, or 1 where a log tells more.
    """
    try:
        return _main(arguments)
    except KeyboardInterrupt:
        return _complain("interrupted", 128 + signal.SIGINT)


def _main(arguments: Sequence[str] | None) -> int:
    from crnsim.sweep.run import rare_collection  # noqa: F401

    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        # A title in any script, on a terminal that knows few.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        own, passed_on = split(sys.argv[1:] if arguments is None else arguments)
        options = _parser().parse_args(own)
        options.passed_on = passed_on
        check_outputs(options)
    except CrnsimError as error:
        return _complain(str(error), error.exit_status)
    log = getattr(options, "log", None)
    try:
        with messages_to(log):
            return _run(options, log)
    except StorageError as error:
        return _complain(str(error), error.exit_status)


def _run(options: argparse.Namespace, log: str | None) -> int:
    """Run a command; turn what goes wrong into one line and an exit status."""
    try:
        # In a context of its own: what a command allows to be imported ends with it.
        status: int | None = contextvars.copy_context().run(options.run, options)
        return status or 0
    except CrnsimError as error:
        return _complain(str(error), error.exit_status)
    except BrokenPipeError:
        # The reader, such as `head`, has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        return _complain("interrupted", 128 + signal.SIGINT)
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            return _complain(f"{words.place_of(error)}: {error.strerror}", MISTAKE)
        if not log:
            raise
        logging.getLogger("crnsim").exception("unexpected")
        what = " ".join(str(error).split())
        return _complain(f"unexpected {type(error).__name__}: {what}; the details are in {log}", UNEXPECTED)
    return 0


def _complain(message: str, status: int) -> int:
    """Say what is wrong, and return the exit status; control characters in what a user wrote do no harm."""
    message = "\n".join(str(CrnsimError(line)) for line in message.split("\n"))
    logger = logging.getLogger("crnsim")
    if logger.handlers:
        logger.error(message)
    print(f"crnsim: {message}", file=sys.stderr)
    return status


#: Modules of the commands; those not named here are steps of a sweep.
_HOME = {
    **dict.fromkeys(("describe", "train", "infer"), "runs"),
    **{name: name for name in ("simulate", "tune", "search", "init", "run")},
    **dict.fromkeys(("show", "calibrate"), "planning"),
    **dict.fromkeys(("status", "check", "verify"), "inspect"),
}


#: Commands whose output is text.
_TEXT = ("plan", "look", "report", "describe", "tune", "search")


def _command(name: str) -> Callable[[argparse.Namespace], int | None]:
    """Return a command by name, imported when it runs: `crnsim --help` needs none of the libraries."""

    def run(options: argparse.Namespace) -> int | None:
        from importlib import import_module

        module = import_module(f"crnsim.cli.{_HOME.get(name, 'steps')}")
        status: int | None = getattr(module, name)(options)
        return status

    return run


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="crnsim",
        description="Build chemical reaction networks that learn, and find out how robust they are.",
    )
    parser.add_argument("--version", action="version", version=f"crnsim {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=Parser)
    commands.type = str  # all words of a command pass here, and its own options know better what they take

    def add(name: str, text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        command.set_defaults(run=_command(name.replace("-", "_")), command=name, text=name in _TEXT)
        return command

    add_project(add)
    _add_reading(add)
    add_tune(add)
    add_search(add)
    _add_steps(add)
    _add_results(add)
    _add_describe(add("describe", "show a circuit: counts and reactions"))
    _add_train(add("train", "train one circuit and print how it did"))
    _add_infer(add("infer", "give a circuit weights, read it out and print how it did"))
    _add_simulate(add("simulate", "integrate a network of your own, with noise if wanted"))
    return parser


#: Help of an option of all commands that read a plan.
_SWEEP = "your sweep file: code and files that the plan names are imported and opened if this names them too"
_Add = Callable[[str, str], argparse.ArgumentParser]


def _add_reading(add: _Add) -> None:
    """Commands that only read."""
    show = add("show", "show what a sweep would take, before anything runs: points, time, disk, memory")
    show.add_argument("config", help="sweep file")
    add_given(show)
    show.add_argument(
        "--cores",
        type=words.n_cores,
        help="cores for the estimated time; those of this machine by default",
    )
    add("calibrate", "measure how fast this machine is, for the times that 'crnsim show' estimates")
    for name, text in (
        ("config-docs", "print the description of every key of a sweep file, in Markdown"),
        ("config-schema", "print the JSON schema of a sweep file"),
    ):
        add(name, text)


def _add_steps(add: _Add) -> None:
    """Steps of the workflow, in order."""
    plan = add("plan", "lay out a sweep: chunks, paths and estimated cost")
    plan.add_argument("config", nargs="?", help="sweep file")
    add_given(plan)
    plan.add_argument("-o", "--output", help="where to write; results/<sweep>/plan.json by default")

    build = add("build", "build the network of a group and compile it")
    integrate = add("integrate", "compute one chunk")
    look = add("look", "see which verdicts are open, and which chunks they ask for")
    merge = add("merge", "join the chunks of a group")
    robustness = add("robustness", "compute the metrics of a sweep, with intervals")
    report = add("report", "write the report of a sweep")
    for command in (build, integrate, look, merge, robustness, report):
        what = "plan.json of the sweep, or its sweep file" if command is report else "plan.json of the sweep"
        command.add_argument("plan", help=what)
        command.add_argument("--sweep", metavar="FILE", help=_SWEEP)
        add_given(command)
        command.add_argument("-o", "--output", help="where to write; the place in the plan by default")
    for command in (build, merge):
        command.add_argument(
            "group", help="data set, circuit and activation label, such as xor-onepot-smooth"
        )
    integrate.add_argument("chunk", help="key of the chunk, or its beginning")
    integrate.add_argument(
        "--workers",
        type=words.workers,
        default=1,
        help="Dask worker processes; 1 computes without Dask",
    )
    integrate.add_argument(
        "--cores", type=words.cores, default="", help="cores of the whole sweep, for the time that is left"
    )
    look.add_argument("number", type=words.count, help="of the look, from 1 on")
    robustness.add_argument("--csv", help="where to write the tables; beside the output by default")
    report.add_argument("--partial", action="store_true", help="use what chunks there are")
    report.add_argument("--open", action="store_true", help="show the page in the browser")
    report.add_argument("--figures", metavar="DIR", help="figures for a paper; the page only with -o")
    for command in (plan, build, integrate, look, merge, robustness, report):
        command.add_argument("--log", metavar="FILE", help="also write messages to a file")


def _add_results(add: _Add) -> None:
    """Commands that look after results."""
    status = add("status", "show how far a sweep is: done, running, failed, time left")
    check = add("check", "read every file of a sweep and name those that are damaged, foreign or left over")
    verify = add("verify", "compute some stored points again and compare every bit")
    for command in (status, check, verify):
        command.add_argument(
            "results",
            metavar="RESULTS",
            help="folder of the sweep's results, such as results/quick, or its sweep file",
        )
    how = status.add_mutually_exclusive_group()
    how.add_argument(
        "--watch",
        nargs="?",
        type=words.seconds,
        const=5.0,
        metavar="SECONDS",
        help="draw it again every so often, 5 s by default, until the sweep is finished or Ctrl-C",
    )
    how.add_argument("--json", action="store_true", help="print it as JSON")
    check.add_argument(
        "--remove",
        nargs="?",
        const="damaged,foreign,killed",
        metavar="KINDS",
        help="remove what was found, so that the next run makes it again; damaged,foreign,killed by default, "
        "also leftover and orphan",
    )
    verify.add_argument("--sweep", metavar="FILE", help=_SWEEP)
    add_given(verify)
    verify.add_argument("--points", type=words.count, default=8, help="how many; 8 by default")
    verify.add_argument("--seed", type=words.seed, default=0, help="chooses other points")
    verify.add_argument(
        "--group", metavar="NAME", help="points of this group alone, such as xor-onepot-smooth"
    )


def _add_circuit(command: argparse.ArgumentParser, *, trained: bool = False) -> None:
    """Options that choose a circuit; `trained` where weights may come with an activation."""
    command.add_argument("--layers", metavar="N,N,...", help="units per layer, such as 2,6,1")
    command.add_argument(
        "--activation",
        help=f"squareplus (default{', or that of --weights' if trained else ''}; logistic for clocked), relu, ..., "
        "or module:Class",
    )
    command.add_argument("--h", type=words.parameter, help="smoothing of a smooth activation")
    command.add_argument("--kz", type=words.rate, help="rate constant of relu's annihilation")
    command.add_argument("--derivative", help="derivative of squareplus: ratio (default) or reported")
    command.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="another parameter, such as ka=20"
    )


def _add_describe(command: argparse.ArgumentParser) -> None:
    command.add_argument("circuit", help="onepot, clocked, feedforward (weights 1), module:NAME, or a file")
    _add_circuit(command)
    command.add_argument("--dual-rail", action="store_true", help="two rails for each input")
    command.add_argument(
        "--all", action="store_true", help="every elementary reaction, not only the families"
    )
    command.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="write it to a file: .crn (text), .xml (SBML), .ant, .nc (arrays)",
    )
    command.add_argument("--format", help="of that file, where its suffix does not say; or module:NAME")


def _add_train(command: argparse.ArgumentParser) -> None:
    _add_run(command, "onepot")
    command.add_argument(
        "--sgd", action="store_true", help="compare with gradient descent on the algebraic network"
    )


def _add_infer(command: argparse.ArgumentParser) -> None:
    _add_run(command, "feedforward", trained=True)
    command.add_argument(
        "--weights",
        default="sgd",
        metavar="SOURCE",
        help="sgd (default): from gradient descent on the algebraic network; or a file from 'crnsim train -o', or .npz",
    )


def _add_run(command: argparse.ArgumentParser, circuit: str, *, trained: bool = False) -> None:
    """Options of a run: data set, circuit, schedule, noise and accuracy."""
    command.add_argument("dataset", help="xor, or, and, iris, digits, regression, ...; or a CSV file")
    command.add_argument("--target", metavar="COLUMN", help="column of the CSV file to predict")
    command.add_argument(
        "--task", help="classification or regression, for a CSV file; found from the column where left out"
    )
    command.add_argument(
        "--label",
        help="name of the CSV data set in a sweep, to repeat a run of it; the file's own by default",
    )
    others = "" if trained else ", clocked"
    command.add_argument("--circuit", default=circuit, help=f"{circuit} (default){others}, or module:NAME")
    _add_circuit(command, trained=trained)
    command.add_argument(
        "--running-time",
        type=words.duration,
        help="duration of a presentation, in units of 1/k",
    )
    command.add_argument("--epochs", type=words.epochs, help="passes over the training set")
    command.add_argument(
        "--learning-rate",
        type=words.learning_rate,
        help="eps times running time",
    )
    add_noise(command)
    which = command.add_mutually_exclusive_group()
    which.add_argument("--replicates", type=words.replicates, default=1, help="number of replicates, from 0")
    which.add_argument("--replicate", type=words.replicate, help="this replicate alone, as in a sweep")
    command.add_argument("--seed", type=words.seed, default=0)
    command.add_argument("--rtol", type=words.rtol, default=1e-3)
    command.add_argument("--atol", type=words.atol, default=1e-6)
    command.add_argument(
        "--method", default="auto", help="auto (default), rosw, ...; of molecules ssa, hybrid, cle, tau"
    )
    command.add_argument(
        "--max-steps",
        type=words.steps,
        help="budget of a run: steps per presentation, on average",
    )
    kept = "" if trained else ", with full trajectories,"
    command.add_argument("-o", "--output", help=f"keep the result{kept} as NetCDF")


def _add_simulate(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "network", help=".crn (text), .xml (SBML), .ant (Antimony), or module:function of your own"
    )
    command.add_argument("--t", type=words.duration, required=True, metavar="TIME", help="how long it runs")
    command.add_argument(
        "--times", type=words.n_times, default=201, metavar="N", help="times that are kept; 201 by default"
    )
    command.add_argument(
        "--species",
        action="append",
        default=[],
        metavar="A,B",
        help="those to keep and to draw; all by default",
    )
    command.add_argument(
        "--initial",
        action="append",
        default=[],
        metavar="A=1",
        help="concentrations at the start, over the file's",
    )
    command.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="K=0.5",
        help="rate parameters or starts, over the file's",
    )
    add_noise(command, left_out=("inputs",))
    counted = "count molecules: so many for a concentration of 1"
    command.add_argument("--volume", type=words.number(1e-9, 1e15), metavar="OMEGA", help=counted)
    which = command.add_mutually_exclusive_group()
    which.add_argument(
        "--replicates", type=words.replicates, default=1, help="runs, each with noise of its own"
    )
    which.add_argument("--replicate", type=words.replicate, help="this replicate alone, as in a sweep")
    command.add_argument("--seed", type=words.seed, help="of the noise; 0 by default")
    command.add_argument("--rtol", type=words.rtol, default=1e-6)
    command.add_argument("--atol", type=words.atol, help="by the scale of each species where left out")
    command.add_argument(
        "--method", default="auto", help="auto (default), rodas, ...; of molecules ssa, hybrid, cle, tau"
    )
    command.add_argument("--max-steps", type=words.steps, default=1_000_000, help="budget of a run")
    command.add_argument("-o", "--output", metavar="FILE", help="keep the result as NetCDF")
    command.add_argument("--plot", metavar="FILE", help="draw it: .png, .svg or .pdf")
