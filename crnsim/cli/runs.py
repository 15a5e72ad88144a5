"""Single circuits and single runs as commands."""

from __future__ import annotations

import math
import re
import statistics
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crnsim.cli import words
from crnsim.cli.bar import Bar
from crnsim.cli.noise import read_noise
from crnsim.entrance.arguments import check_whole, check_word, shown
from crnsim.entrance.limits import (
    MOST_LAYERS,
    MOST_PRINTED,
    MOST_UNITS,
)
from crnsim.errors import Checks, InputError, suggest
from crnsim.outcomes import OK
from crnsim.store.outputs import is_stdout

if TYPE_CHECKING:
    import argparse

    import xarray as xr

    from crnsim.circuits import Circuit
    from crnsim.experiment.point import Parameters, Point
    from crnsim.network import Network


def describe(options: argparse.Namespace) -> None:
    """Print counts and reactions of a circuit."""
    from crnsim.experiment.build import built_circuit
    from crnsim.interchange.text import network_text
    from crnsim.network.text import check_listing

    if options.format and not options.output:
        raise InputError(f"--format {options.format} is of the file that -o names; give -o FILE too")
    if ":" not in options.circuit and Path(options.circuit).suffix:
        _describe_file(options)
        return
    unit, of_circuit = parameters(options)
    circuit = built_circuit(
        options.circuit,
        layers(options.layers or "2,6,1"),
        options.activation,
        dual_rail=options.dual_rail,
        parameters=tuple(sorted(of_circuit.items())),
        unit_parameters=tuple(sorted(unit.items())),
    )
    title = f"{options.circuit} {'-'.join(map(str, circuit.layers))} with {options.activation}"
    if options.output:
        check_listing(circuit.network)
        _write(circuit, options.output, title, options.format or "")
        return
    if options.all and circuit.network.n_reactions > MOST_PRINTED:
        raise InputError(
            f"--all: {circuit.network.n_reactions} reactions, and at most {MOST_PRINTED} are printed; take smaller "
            "layers, write them to a file with -o FILE, or leave --all out to see the families of reactions"
        )
    print(network_text(circuit.network, title, circuit, elementary=options.all), end="")


def _describe_file(options: argparse.Namespace) -> None:
    """Print the network in a file, or write it in another format."""
    from crnsim.cli.simulate import set_values
    from crnsim.interchange import read_network
    from crnsim.interchange.text import network_text
    from crnsim.network.text import check_listing

    for option in ("layers", "h", "kz", "derivative", "dual_rail"):
        if getattr(options, option, None):
            raise InputError(f"--{option.replace('_', '-')} belongs to a circuit; leave it out for a file")
    network = read_network(options.circuit)
    network.set_initial(set_values(network, options.set))
    if options.output:
        there = Path(options.output)
        if not is_stdout(options.output) and there.exists() and there.samefile(options.circuit):
            raise InputError(f"-o {options.output}: this is the file that is read; name another one")
        check_listing(network)
        _write(network, options.output, options.circuit, options.format or "")
        return
    print(network_text(network, options.circuit, elementary=options.all), end="")


def _write(circuit: Circuit | Network, path: str, title: str, name: str) -> None:
    """Write a network, or that of a circuit; say so, unless it went to standard output itself."""
    from crnsim.interchange import write_network
    from crnsim.interchange.registry import file_format

    if is_stdout(path):
        if file_format(path, name or "text").suffix == ".nc":
            raise InputError(f"-o {path}: NetCDF does not go to standard output; name a file")
        write_network(circuit, path, title, name or "text")
        return
    write_network(circuit, path, title, name)
    print(f"{title}: written to {path}")


def layers(text: str) -> tuple[int, ...]:
    """Read ``2,6,1``, or the same with dashes."""
    parts = text.replace("-", ",").split(",")
    if not all(re.fullmatch(r"\s*\d{1,400}\s*", part, re.ASCII) for part in parts):
        raise InputError(f"--layers is {shown(text)}; give whole numbers such as 2,6,1")
    if not 2 <= len(parts) <= MOST_LAYERS:
        raise InputError(f"--layers has {len(parts)} of them; give 2 to {MOST_LAYERS}, such as 2,6,1")
    return tuple(check_whole("a layer of --layers", int(part), most=MOST_UNITS) for part in parts)


def parameters(options: argparse.Namespace) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the parameters of the activation and those of the circuit."""
    from crnsim.activations import activation
    from crnsim.circuits import circuit_kind

    if options.activation is None:
        options.activation = circuit_kind(options.circuit).activation
    known = activation(options.activation).parameters()
    own = {
        name: getattr(options, name)
        for name in ("h", "kz", "derivative")
        if getattr(options, name) is not None
    }
    of_circuit: dict[str, Any] = {}
    for word in options.set:
        name, equals, text = word.partition("=")
        if not equals or not text.strip():
            raise InputError(f"--set {word}: give a name and a value, such as ka=20")
        name = check_word(f"--set {word}: the name", name.strip())
        if name in of_circuit or name in own:
            raise InputError(f"--set {word}: {name} is given twice; give each parameter once")
        of_circuit[name] = words.parameter_value(f"--set {name}", text)
    if "kz" in own and "kz" not in known:
        of_circuit["kz"] = own.pop("kz")
    # A name that both have is the circuit's here; the activation's has an option of its own.
    own |= {name: of_circuit.pop(name) for name in list(of_circuit) if name in known and name != "kz"}
    # What the weights were trained with, where nothing else is asked for.
    of_unit, of_output = getattr(options, "trained", ({}, {}))
    own = dict(of_unit) | own
    if of_output and "output" not in of_circuit:
        taken = circuit_kind(options.circuit).parameters
        of_circuit = {name: value for name, value in of_output.items() if name in taken} | of_circuit
    activation(options.activation, **own)
    return own, of_circuit


def train(options: argparse.Namespace) -> int:
    """Train replicates of one circuit and print how they did."""
    points = _points(options)
    status = _run(points, options)
    if options.sgd:
        print("\n".join(_sgd(points)))
    return status


def infer(options: argparse.Namespace) -> int:
    """Give weights to replicates of one circuit, read them out and print how they did."""
    from crnsim.experiment.given_weights import trained_unit, weights_source

    source = weights_source(options.weights)
    if options.activation is None:
        # As crnsim.feedforward(result): weights mean what they were trained for only with their own activation.
        trained = trained_unit(source)
        options.activation, *options.trained = trained or (None, {}, {})
    return _run(_points(options, source), options)


def _run(points: list[Point], options: argparse.Namespace) -> int:
    """Compute points, print a line for each, and keep the result where asked to."""
    from crnsim.experiment.build import build_circuit
    from crnsim.experiment.run import run_points
    from crnsim.store.files import write_dataset
    from crnsim.sweep.plan.cost import check_runs

    check_runs(points[0], len(points))
    circuit = build_circuit(points[0])
    points[0].noise.check_events(circuit.presentation_time(points[0].running_time))

    kept = [points[0].key] if options.output and points[0].learns else []
    with Bar(len(points)) as bar:
        results = run_points(points, record=kept, progress=bar.update)
    print(f"{_title(points[0])}\n")
    print("\n".join(_table(results)))
    for note in _failures(results):
        print(note)
    for note in (circuit.advice(points[0].running_time), *_stops(results)):
        if note:
            print(f"advice: {note}")
    if options.output:
        write_dataset(results, options.output)
        print(f"kept in {options.output}")
    # A script should not take runs that ended early for a result.
    return 0 if bool((results["status"] == OK).any()) else 1


def _stops(results: xr.Dataset) -> list[str]:
    """What to know of circuits that stop by themselves: which did not, and which had no reason to."""
    import json

    if "stopped" not in results:
        return []
    numbers, stopped = results["replicate"].values, results["stopped"].values
    said = []
    if count := int(((stopped == 0) & (results["status"].values == OK)).sum()):
        said.append(
            f"{count} of {len(numbers)} had not stopped by themselves when the epochs ended; try more --epochs"
        )
    threshold = json.loads(results.attrs["parameters"]).get("threshold", math.inf)
    wrong = (stopped == 1) & (results["final_error"].values > 2 * threshold)
    if wrong.any():
        first = int(wrong.argmax())
        said.append(
            f"{int(wrong.sum())} of {len(numbers)} stopped without reason, replicate {int(numbers[first])} at an error "
            f"of {float(results['final_error'][first]):.2g}, above the threshold {threshold:g}: the phases are too "
            "short, or noise has misled its judgment"
        )
    return said


def _points(options: argparse.Namespace, weights: Parameters = ()) -> list[Point]:
    """Return a point for each replicate, as a sweep would."""
    from crnsim.circuits import circuit_kind
    from crnsim.datasets import check_layers, dataset_info, find_dataset
    from crnsim.experiment.point import MAX_STEPS, Point

    checks = Checks()
    found = checks.value(
        find_dataset, options.dataset, target=options.target, task=options.task, label=options.label
    )
    given_sizes = checks.value(layers, options.layers) if options.layers else None
    of_units = checks.value(parameters, options)
    noise = checks.value(read_noise, options)
    checks.judge()
    (name, source), (unit, of_circuit) = found, of_units
    info = dataset_info(name, source)
    sizes = given_sizes or tuple(info.layers)
    checks.value(check_layers, name, sizes, source)
    checks.value(_check_circuit, options, of_circuit, mode="inference" if weights else "training")
    checks.judge()
    defaults = {name: getattr(info, name) for name in ("running_time", "learning_rate", "epochs")}
    defaults |= circuit_kind(options.circuit).schedule
    number: dict[str, Any] = {
        **{name: getattr(options, name) or value for name, value in defaults.items()},
        "rtol": options.rtol,
        "atol": options.atol,
        "max_steps": options.max_steps or MAX_STEPS,
        "seed": options.seed,
    }
    first, count = (0, options.replicates) if options.replicate is None else (options.replicate, 1)
    return [
        Point(
            dataset=name,
            source=source,
            layers=sizes,
            circuit=options.circuit,
            circuit_parameters=tuple(sorted(of_circuit.items())),
            activation=options.activation,
            activation_parameters=tuple(sorted(unit.items())),
            noise=noise,
            replicate=replicate,
            weights=weights,
            method=options.method,
            **number,
        )
        for replicate in range(first, first + count)
    ]


def _check_circuit(options: argparse.Namespace, parameters: dict[str, Any], *, mode: str) -> None:
    from crnsim.circuits import check_parameters, circuit_kind
    from crnsim.solvers.methods import check_counting, check_presentations

    kind = circuit_kind(options.circuit)
    if mode not in kind.modes:
        what = "does not learn; use onepot, or 'crnsim infer'" if mode == "training" else "is only trained"
        raise InputError(f"{options.circuit} {what}")
    if (name := kind.learning_parameter) and name in parameters:
        also = "" if kind.samples_parameter else " and --running-time"
        raise InputError(f"--set {name}: {name} follows from --learning-rate{also}")
    if (name := kind.samples_parameter) and name in parameters:
        raise InputError(f"--set {name}: {name} follows from the data set")
    for name in parameters:
        if name not in kind.settings:
            raise InputError(
                f"--set {name}: {options.circuit} has no such parameter; {suggest(name, kind.settings)}"
            )
    check_parameters(options.circuit, parameters)
    check_presentations(options.method)
    check_counting(options.method, counted=bool(options.noise_intrinsic))


def _title(point: Point) -> str:
    unit = ", ".join(f"{name}={value}" for name, value in point.activation_parameters)
    given = dict(point.weights)
    how = f"{point.epochs} epochs" if point.learns else f"weights from {given.get('file', given.get('by'))}"
    noise = "no noise"
    if point.noise.kind != "none":
        noise = f"noise {point.noise.described}"
    return (
        f"{point.dataset} {'-'.join(map(str, point.layers))}, {point.circuit} with {point.activation}"
        f"{f' ({unit})' if unit else ''}: {how}, running time {point.running_time:g}, {noise}"
    )


def _table(results: xr.Dataset) -> list[str]:
    """Return a line for each replicate and one for their median."""
    from crnsim.wording import columns

    names = [
        "score",
        "accuracy",
        "mse",
        "nrmse",
        "algebraic_score",
        "agreement",
        "h_eff",
        "stopped",
        "iterations",
    ]
    names = [n for n in names if n == "score" or (n in results and bool(results[n].notnull().any()))]
    outcomes = str(results["status"].attrs["flag_meanings"]).split()
    rows = [("replicate", "outcome", *(name.replace("_", " ") for name in names), "steps")]
    for index in range(results.sizes["point"]):
        one = results.isel(point=index)
        values = (_number(float(one[name])) for name in names)
        rows.append(
            (str(int(one["replicate"])), outcomes[int(one["status"])], *values, str(int(one["steps"])))
        )
    if results.sizes["point"] > 1:
        medians = (_number(float(results[name].median())) for name in names)
        ok = int((results["status"] == OK).sum())
        rows.append(
            ("median", f"{ok} of {results.sizes['point']} ok", *medians, str(int(results["steps"].median())))
        )
    return columns(rows)


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.4g}"


def _failures(results: xr.Dataset) -> list[str]:
    replicates, reasons = results["replicate"].values.tolist(), results["reason"].values.tolist()
    return [
        f"replicate {replicate}: {reason}"
        for replicate, reason in zip(replicates, reasons, strict=True)
        if reason
    ]


def _sgd(points: list[Point]) -> list[str]:
    """Return the scores of gradient descent on the algebraic network: same start, order, step and splits."""
    from crnsim.algebraic import forward, initial_weights, sample_order, sgd
    from crnsim.datasets import load_dataset
    from crnsim.experiment.build import build_circuit
    from crnsim.wording import columns

    circuit = build_circuit(points[0])
    unit, output = circuit.activation, circuit.output_unit
    rows: list[tuple[str, ...]] = [("replicate", "score", "mse")]
    scores: list[tuple[float, float]] = []
    for point in points:
        data = load_dataset(point.dataset, replicate=point.replicate, seed=point.seed, source=point.source)
        about: dict[str, Any] = {"seed": point.seed, "dataset": point.dataset, "replicate": point.replicate}
        trained = sgd(
            initial_weights(point.layers, **about),
            unit,
            data,
            order=circuit.order_of(sample_order(len(data.x_train), point.epochs, **about)),
            learning_rate=point.learning_rate,
            output=output,
        )
        outputs = forward(trained, data.x_test, unit, output)
        scores.append((data.score(outputs, data.y_test), float(((outputs - data.y_test) ** 2).mean())))
        rows.append((str(point.replicate), *map(_number, scores[-1])))
    if len(points) > 1:
        rows.append(("median", *(_number(statistics.median(column)) for column in zip(*scores, strict=True))))
    until = ", to the last epoch, where the circuit may have stopped before" if circuit.autonomous else ""
    return [
        "",
        f"gradient descent on the algebraic network: same start, order and step{until}",
        *columns(rows),
    ]
