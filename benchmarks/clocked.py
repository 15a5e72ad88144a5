"""The tables and figures of docs/clocked.md: gradient descent by a clocked network, how it stops, and what it costs.

    python benchmarks/clocked.py descent gates --figures docs     # some four minutes on one core
    python benchmarks/clocked.py iris                             # ten minutes of a core
    python benchmarks/clocked.py cost                             # with the optional group `bench`
    python benchmarks/clocked.py noise --results results/fan2023  # after make run SWEEP=config/sweeps/fan2023.yaml

Prints Markdown. Times of ``cost`` are of one core; trust their ratios.
"""

from __future__ import annotations

import argparse
import importlib.util
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.integrate import solve_ivp

import crnsim
from crnsim.algebraic import forward, initial_weights, sample_order, sgd
from crnsim.kinetics.kernels import compile_network
from crnsim.store.files import read_dataset

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from crnsim.circuits import ClockedCircuit

LAYERS = (2, 3, 1)
PHASE = 10.0
EPOCHS = {"or": 60, "and": 65, "xor": 250}
#: Phase lengths of the comparison with gradient descent, its epochs, and the clock's delta there.
LENGTHS, DESCENT_EPOCHS, SHARP = (3, 4, 6, 8, 10, 12, 14, 16, 18), 5, 1e-12
#: The iteration and the turns of the clock that are drawn.
SHOWN, TURNS = 5, 130
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")


def main() -> None:
    """Print what is asked for."""
    parts = {"descent": descent, "gates": gates, "iris": iris, "cost": cost, "noise": noise}
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("parts", nargs="*", help=f"of {', '.join(parts)}; descent and gates by default")
    options.add_argument("--figures", type=Path, help="folder for the figures; none are drawn without it")
    options.add_argument("--results", type=Path, default=Path("results/fan2023"), help="of the sweep")
    options.add_argument("--epochs", type=int, default=25, help="of iris")
    chosen = options.parse_args()
    for name in chosen.parts or ("descent", "gates"):
        if name not in parts:
            options.error(f"{name}: give some of {', '.join(parts)}")
        parts[name](chosen)


# -- gradient descent -----------------------------------------------------------------------------------


def weights_of_descent(
    circuit: ClockedCircuit, dataset: str, epochs: int, rate: float, replicate: int = 0
) -> Any:
    """Weights of ordinary gradient descent: same start, samples, order and step."""
    about = {"seed": 0, "dataset": dataset, "replicate": replicate}
    data = crnsim.load_dataset(dataset, replicate=replicate)
    return sgd(
        initial_weights(circuit.layers, **about),
        circuit.activation,
        data,
        order=circuit.order_of(sample_order(len(data.x_train), epochs, **about)),
        learning_rate=rate,
        output=circuit.output_unit,
    )


def flat(weights: Any) -> np.ndarray:
    """Weights in a row."""
    return np.concatenate([part.ravel() for pair in weights for part in pair])


def descent(chosen: argparse.Namespace) -> None:
    """Distance from gradient descent against the length of a phase."""
    rows = []
    for delta in (1e-8, SHARP):
        circuit = crnsim.clocked(LAYERS, delta=delta)
        exact = flat(weights_of_descent(circuit, "xor", DESCENT_EPOCHS, 4.0))
        for length in LENGTHS:
            found = crnsim.train(
                circuit, "xor", running_time=length, epochs=DESCENT_EPOCHS, rtol=1e-9, atol=1e-13
            )
            rows.append((delta, length, float(np.abs(found.weights.values[0, -1] - exact).max())))
    print(
        f"\n**largest difference of a weight from gradient descent, XOR, {4 * DESCENT_EPOCHS} iterations**\n"
    )
    print("| phase | delta 1e-8 | delta 1e-12 | exp(-phase) |\n| --- | --- | --- | --- |")
    table = {(delta, length): error for delta, length, error in rows}
    for length in LENGTHS:
        print(
            f"| {length} | {table[1e-8, length]:.2g} | {table[SHARP, length]:.2g} | {np.exp(-length):.2g} |"
        )
    sharp = np.array([table[SHARP, length] for length in LENGTHS])
    fit = -np.polyfit(LENGTHS[2:], np.log(sharp[2:]), 1)[0]
    print(
        f"\nslope of the logarithm from {LENGTHS[2]} on: {fit:.3f}; {np.log10(sharp[0] / sharp[-1]):.1f} decades"
    )
    if chosen.figures:
        figure, axes = _axes(1)
        for delta, colour in zip((1e-8, SHARP), COLOURS, strict=False):
            errors = [table[delta, length] for length in LENGTHS]
            axes[0].semilogy(LENGTHS, errors, "o-", color=colour, label=f"delta = {delta:g}")
        axes[0].semilogy(LENGTHS, 14 * np.exp(-np.array(LENGTHS)), "k:", label="14 exp(-phase)")
        axes[0].set(xlabel="length of a phase (1/k)", ylabel="largest difference of a weight")
        axes[0].legend(frameon=False)
        _save(figure, chosen.figures / "clocked-descent.png")


# -- gates ----------------------------------------------------------------------------------------------


def gates(chosen: argparse.Namespace) -> None:
    """OR, AND and XOR with default settings, 20 seeds each."""
    print(f"\n**2-3-1, phase {PHASE:g}, all other settings as they are, 20 replicates**\n")
    print("| | stopped by itself | all patterns right | iterations: least, median, most | seconds |")
    print("| --- | --- | --- | --- | --- |")
    for name, epochs in EPOCHS.items():
        start = time.perf_counter()
        found = crnsim.train(crnsim.clocked(LAYERS), name, running_time=PHASE, epochs=epochs, replicates=20)
        seconds = time.perf_counter() - start
        stopped, right = found.stopped.values == 1, found.accuracy.values == 1
        turns = found.iterations.values[stopped] + 1  # it stops before its update
        print(
            f"| {name.upper()} | {stopped.sum()} of 20 | {(stopped & right).sum()} of 20 | "
            f"{turns.min():.0f}, {np.median(turns):.0f}, {turns.max():.0f} | {seconds:.0f} |"
        )
    if chosen.figures:
        _draw_clock(chosen.figures / "clocked-clock.png")
        _draw_iteration(chosen.figures / "clocked-iteration.png")
        _draw_stop(chosen.figures / "clocked-stop.png")


def _started(circuit: ClockedCircuit, dataset: str, replicate: int = 0) -> dict[str, float]:
    """Concentrations at the start of a training, by species."""
    about = {"seed": 0, "dataset": dataset, "replicate": replicate}
    data = crnsim.load_dataset(dataset, replicate=replicate)
    order = sample_order(len(data.x_train), 1, **about)[0]
    state = circuit.start(initial_weights(circuit.layers, **about))
    state = circuit.stored(state, data.x_train[order], data.y_train[order])
    return {
        label: value for label, value in zip(circuit.network.labels, state.tolist(), strict=True) if value
    }


def _followed(circuit: ClockedCircuit, dataset: str, times: np.ndarray) -> Callable[[str], np.ndarray]:
    """A function of a species' name: its concentration at `times`."""
    rates = circuit.network.rate_constants(circuit.rates_of(PHASE, 4.0))
    found = crnsim.simulate(
        circuit.network,
        times,
        initial=_started(circuit, dataset),
        rates=rates,
        method="dp45",
        rtol=1e-5,
        atol=1e-11,
        max_steps=10**8,
    ).concentration.values[0]
    return lambda name: found[:, circuit.network.row(name)]


def _draw_clock(path: Path) -> None:
    clock = crnsim.oscillator(4, phase_length=PHASE)
    times = np.linspace(0, 1.6 * clock.period, 1500)
    found = crnsim.simulate(clock.network, times, initial=clock.initial, method="dp45", rtol=1e-6, atol=1e-12)
    figure, axes = _axes(2, height=1.9)
    for phase in range(4):
        row = clock.network.row(clock.gate(phase))
        for axis in axes:
            axis.plot(
                times, found.concentration.values[0][:, row], color=COLOURS[phase], label=f"phase {phase}"
            )
    for place in range(0, 8, 2):
        axes[0].plot(times, found.concentration.values[0][:, place], color="#bbbbbb", lw=0.8, zorder=0)
        axes[1].plot(times, found.concentration.values[0][:, place], color="#bbbbbb", lw=0.8, zorder=0)
    axes[1].set(yscale="log", ylim=(1e-17, 3), xlabel="time (1/k)")
    axes[0].legend(frameon=False, ncol=4, loc="lower right", bbox_to_anchor=(1, 1))
    for axis in axes:
        axis.set_ylabel("concentration")
    _save(figure, path)


def _draw_iteration(path: Path) -> None:
    circuit = crnsim.clocked(LAYERS)
    period = circuit.presentation_time(PHASE)
    first = SHOWN * period
    times = np.linspace(first, first + 1.02 * period, 2500)
    read = _followed(circuit, "xor", np.concatenate([[0.0], times]))
    shown = {
        "inputs": ("X0p[0]", "X0p[1]", "Tp[0]"),
        "hidden units": ("P1[0]", "P1[1]", "P1[2]"),
        "output": ("Z2p[0]", "Z2m[0]", "P2[0]"),
        "error": ("Ep[0]", "Em[0]"),
        "gradients": ("G2p[0]", "G2m[0]", "R1p[0]", "G1p[0]"),
        "increments": ("dW2p[0,0]", "dW2m[0,0]", "dW2p[0,1]", "dW2m[0,1]"),
        "weights": ("W2p[0,0]", "W2m[0,0]", "W2p[0,1]", "W2m[0,1]"),
    }
    figure, axes = _axes(len(shown), height=1.05)
    for axis, (title, names) in zip(axes, shown.items(), strict=True):
        for name, colour in zip(names, COLOURS, strict=False):
            axis.plot(times, read(name)[1:], color=colour, label=name)
        axis.set_ylabel(title, rotation=0, ha="right", va="center")
        axis.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5), fontsize=6)
        for phase in range(circuit.n_clock // 2):
            begin = first + (2 * phase + 1) * PHASE
            axis.axvspan(begin, begin + PHASE, color="#f0f0f0", zorder=0)
    for name, phase in circuit.phases.items():
        if name not in ("square", "account", "judge"):
            axes[0].text(first + (2 * phase + 1.5) * PHASE, 1.12, name, rotation=60, fontsize=6, ha="left")
    axes[-1].set_xlabel("time (1/k)")
    _save(figure, path)


def _draw_stop(path: Path) -> None:
    circuit = crnsim.clocked(LAYERS)
    period = circuit.presentation_time(PHASE)
    times = np.linspace(0, TURNS * period, 200 * TURNS + 1)
    read = _followed(circuit, "or", times)
    figure, axes = _axes(4, height=1.2)
    axes[0].plot(times / period, read("Jp") - read("Jm"), color=COLOURS[0], lw=0.7)
    axes[0].axhline(0.1, color="k", ls=":", lw=0.8)
    axes[0].set_ylabel("error of\nthe epoch")
    axes[1].plot(times / period, read("Halt"), color=COLOURS[1])
    axes[1].set_ylabel("Halt")
    axes[2].plot(times / period, read("O[1]"), color=COLOURS[2], lw=0.4)
    axes[2].set_ylabel("clock O[1]")
    for name, colour in zip(("W2p[0,0]", "W2p[0,1]", "W2p[0,2]", "B2m[0]"), COLOURS, strict=False):
        axes[3].plot(times / period, read(name), color=colour, label=name)
    axes[3].set(ylabel="weights", xlabel="time (periods of the clock)")
    axes[3].legend(frameon=False, fontsize=6)
    _save(figure, path)


def _axes(rows: int, height: float = 3.0) -> tuple[Any, list[Axes]]:
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(rows, 1, figsize=(7.2, height * rows + 0.5), sharex=True, squeeze=False)
    return figure, list(axes[:, 0])


def _save(figure: Any, path: Path) -> None:
    for axis in figure.axes:
        axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110, bbox_inches="tight")
    print(f"\n{path}")


# -- iris -----------------------------------------------------------------------------------------------


def iris(chosen: argparse.Namespace) -> None:
    """Iris 4-8-3, beside gradient descent; one hot vectors on sigmoid outputs."""
    data = crnsim.load_dataset("iris")
    rate = 1.0
    circuit = crnsim.clocked(
        (4, 8, 3), dual_rail=data.dual_rail, samples=len(data.x_train), eta=rate, threshold=0
    )
    start = time.perf_counter()
    found = crnsim.train(circuit, "iris", running_time=PHASE, epochs=chosen.epochs, replicates=8)
    seconds = time.perf_counter() - start
    iterations = len(data.x_train) * chosen.epochs
    print(
        f"\n**Iris 4-8-3, {iterations} iterations, phase {PHASE:g}, 8 replicates, {seconds / 60:.0f} min of a core**\n"
    )
    print(
        "| replicate | accuracy | of gradient descent | largest difference of a weight |\n| --- | --- | --- | --- |"
    )
    for replicate in range(8):
        weights = weights_of_descent(circuit, "iris", chosen.epochs, rate, replicate)
        split = crnsim.load_dataset("iris", replicate=replicate)
        outputs = forward(weights, split.x_test, circuit.activation, circuit.output_unit)
        ours = found.weights.values[replicate, -1]
        print(
            f"| {replicate} | {float(found.accuracy[replicate]):.3f} | {split.accuracy(outputs, split.y_test):.3f} | "
            f"{np.abs(ours - flat(weights)).max():.2g} |"
        )


# -- cost -----------------------------------------------------------------------------------------------


def cost(chosen: argparse.Namespace) -> None:
    """One iteration of XOR by crnsim, SciPy and libroadrunner, at an error of about 1e-3 of the weights' change."""
    circuit = crnsim.clocked(LAYERS)
    period = circuit.presentation_time(PHASE)
    names, initial = circuit.network.labels, _started(circuit, "xor")
    state = np.array([initial.get(label, 0.0) for label in names])
    constants = circuit.network.rate_constants(circuit.rates_of(PHASE, 4.0))
    weights = [row for pair in circuit.weights for name in pair for row in circuit.network.rows(name).ravel()]
    kernel = compile_network(circuit.network)
    right_hand_side = kernel.bind(constants, len(state))
    exact = _scipy(right_hand_side, state, 4 * period, "DOP853", 1e-11, 1e-16)[0][weights]

    def error(end: np.ndarray) -> float:
        return float(np.abs(end[weights] - exact).max())

    print("\n**four iterations of XOR 2-3-1 (one epoch), one core**\n")
    print("| | right-hand sides an iteration | ms an iteration | error of the weights | ratio |")
    print("| --- | --- | --- | --- | --- |")
    rows: list[tuple[str, float, float, float]] = []
    for members in (1, 8):
        for rtol in (1e-3, 1e-4):
            options: dict[str, Any] = {"running_time": PHASE, "rtol": rtol, "atol": 1e-3 * rtol}
            crnsim.train(circuit, "xor", epochs=1, replicates=members, **options)
            start = time.perf_counter()
            once = crnsim.train(circuit, "xor", epochs=1, replicates=members, **options)
            middle = time.perf_counter()
            more = crnsim.train(circuit, "xor", epochs=6, replicates=members, **options)
            # Five epochs more, so that the read-out falls out.
            seconds = (time.perf_counter() - middle - (middle - start)) / (20 * members)
            evaluations = float((more.evaluations - once.evaluations).values.mean()) / 20
            signed = circuit.weight_values(_scipy_state(exact, weights, len(state)))
            apart = float(np.abs(once.weights.values[0, -1] - signed).max())
            rows.append((f"crnsim, {members} side by side, rtol {rtol:g}", evaluations, seconds, apart))
    for method in ("RK45", "DOP853", "LSODA", "BDF"):
        for rtol in (1e-4, 1e-6):
            end, evaluations, seconds = _scipy(right_hand_side, state, 4 * period, method, rtol, 1e-10)
            rows.append(
                (
                    f"SciPy {method}, rtol {rtol:g}, our right-hand side",
                    evaluations / 4,
                    seconds / 4,
                    error(end),
                )
            )
    rows += _roadrunner(circuit, state, constants, 4 * period, error)
    best = min(seconds for label, _, seconds, _ in rows if label.startswith("crnsim, 1"))
    for label, evaluations, seconds, apart in rows:
        print(f"| {label} | {evaluations:.0f} | {1e3 * seconds:.2f} | {apart:.1g} | {seconds / best:.1f} |")


def _scipy_state(weights: np.ndarray, rows: list[int], length: int) -> np.ndarray:
    state = np.zeros(length)
    state[rows] = weights
    return state


def _scipy(
    f: Callable[[np.ndarray], np.ndarray],
    state: np.ndarray,
    end: float,
    method: str,
    rtol: float,
    atol: float,
) -> tuple[np.ndarray, int, float]:
    start = time.perf_counter()
    found = solve_ivp(lambda t, y: f(y), (0.0, end), state, method=method, rtol=rtol, atol=atol, t_eval=[end])
    return found.y[:, -1], found.nfev, time.perf_counter() - start


def _sbml(circuit: ClockedCircuit, state: np.ndarray, constants: np.ndarray) -> str:
    """The network as SBML Level 3: species ``s<row>``, a number in every law."""
    row = {label: f"s{number}" for number, label in enumerate(circuit.network.labels)}
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<sbml xmlns="http://www.sbml.org/sbml/level3/version1/core" level="3" version="1"><model id="clocked">',
        '<listOfCompartments><compartment id="tube" spatialDimensions="3" size="1" constant="true"/>',
        "</listOfCompartments><listOfSpecies>",
    ]
    lines += [
        f'<species id="s{number}" compartment="tube" initialConcentration="{value!r}" hasOnlySubstanceUnits="false" '
        'boundaryCondition="false" constant="false"/>'
        for number, value in enumerate(state.tolist())
    ]
    lines.append("</listOfSpecies><listOfReactions>")
    for number, (reaction, constant) in enumerate(
        zip(circuit.network.reactions(), constants.tolist(), strict=True)
    ):
        lines.append(f'<reaction id="r{number}" reversible="false" fast="false">')
        for name, side in (("Reactants", reaction.reactants), ("Products", reaction.products)):
            terms = "".join(
                f'<speciesReference species="{row[label]}" stoichiometry="{count}" constant="true"/>'
                for count, label in side
            )
            lines.append(f"<listOf{name}>{terms}</listOf{name}>" if terms else "")
        factors = "".join(f"<ci>{row[label]}</ci>" * count for count, label in reaction.reactants)
        lines.append(
            '<kineticLaw><math xmlns="http://www.w3.org/1998/Math/MathML"><apply><times/>'
            f"<cn>{constant!r}</cn><ci>tube</ci>{factors}</apply></math></kineticLaw></reaction>"
        )
    lines.append("</listOfReactions></model></sbml>")
    return "\n".join(lines)


def _roadrunner(
    circuit: ClockedCircuit,
    state: np.ndarray,
    constants: np.ndarray,
    end: float,
    error: Callable[[np.ndarray], float],
) -> list[tuple[str, float, float, float]]:
    if importlib.util.find_spec("roadrunner") is None:
        print("| libroadrunner | not installed | | | |")
        return []
    import roadrunner

    roadrunner.Logger.disableLogging()
    start = time.perf_counter()
    model = roadrunner.RoadRunner(_sbml(circuit, state, constants))
    print(f"| libroadrunner, loading the model | | {1e3 * (time.perf_counter() - start):.0f} once | | |")
    model.timeCourseSelections = [f"[s{number}]" for number in range(len(state))]
    rows = []
    for stiff in (False, True):
        for rtol in (1e-4, 1e-6):
            model.reset()
            model.integrator.stiff = stiff
            model.integrator.maximum_num_steps = 10_000_000
            model.integrator.relative_tolerance, model.integrator.absolute_tolerance = rtol, 1e-10
            start = time.perf_counter()
            found = np.asarray(model.simulate(0, end, 2))[-1]
            seconds = (time.perf_counter() - start) / 4
            label = f"libroadrunner, CVODE {'BDF' if stiff else 'Adams'}, rtol {rtol:g}"
            rows.append((label, float("nan"), seconds, error(found)))
    return rows


# -- noise ----------------------------------------------------------------------------------------------


def noise(chosen: argparse.Namespace) -> None:
    """Mean score by phase length and noise, of both circuits."""
    for path in sorted((chosen.results / "summary").glob("*.nc")):
        summary = read_dataset(path)
        print(f"\n**{path.stem}**\n")
        keys = [name for name in ("noise_rates", "noise_concentrations") if name in summary]
        levels = sorted(
            {tuple(float(summary[key][i]) for key in keys) for i in range(summary.sizes["point"])}
        )
        times = sorted(set(summary.running_time.values.tolist()))
        print(
            "| running time | "
            + " | ".join(
                ", ".join(f"{k[6:]} {v:g}" for k, v in zip(keys, level, strict=True)) for level in levels
            )
            + " |"
        )
        print("| --- |" + " --- |" * len(levels))
        for length in times:
            cells = []
            for level in levels:
                here = np.isclose(summary.running_time, length)
                for key, value in zip(keys, level, strict=True):
                    here &= np.isclose(summary[key], value)
                score = summary.score.values[here]
                stopped = f" ({np.nansum(summary.stopped.values[here]):.0f})" if "stopped" in summary else ""
                cells.append(f"{score.mean():.2f}{stopped}")
            print(f"| {length:g} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
