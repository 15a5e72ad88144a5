"""The tables and figures of docs/robust-design.md: what makes the one-pot circuit stand noise.

    make run SWEEP=config/sweeps/robust-design.yaml
    python benchmarks/robust_design.py --results results/robust-design --figures docs

Reads the summaries of that sweep. Two small studies are computed here (about two minutes on one core), as no sweep can
ask for them: rate noise in one part of the pot alone, and the gain of the comparator. Prints Markdown.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from crnsim.datasets import dataset_info, load_dataset
from crnsim.experiment.build import build_circuit
from crnsim.experiment.point import Point
from crnsim.experiment.schedule import ReadoutTables, rate_constants, training_protocol
from crnsim.metrics.intervals import mean_interval
from crnsim.noise.noise import Noise
from crnsim.outcomes import OK
from crnsim.solvers import solve
from crnsim.store.files import read_dataset

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

#: Mean squared error below which a pot has learned XOR: outputs within about 0.22 of their targets.
LEARNED = 0.05
#: Parts of the pot, by the labels of their families.
PARTS = {
    "none": (),
    "forward": ("pre-activation", "activation", "derivative"),
    "error": ("delay", "error", "dead zone"),
    "backward": ("backward",),
    "update": ("update",),
    "all": (
        "pre-activation",
        "activation",
        "derivative",
        "delay",
        "error",
        "dead zone",
        "backward",
        "update",
    ),
}
COLOURS = {
    "default": "#0072b2",
    "before": "#d55e00",
    "decay": "#e69f00",
    "strong": "#cc79a7",
    "delay": "#56b4e9",
    "zone": "#009e73",
    "sharp": "#000000",
    "sharp_zone": "#888888",
}
NAMES = {
    "default": "default: dead zone and delay",
    "before": "before: ka 20, kz 2",
    "decay": "before, with weight decay",
    "strong": "before, with ka 1000, kz 50",
    "delay": "default without dead zone",
    "zone": "default without delay",
    "sharp": "default, h = 0.0001",
    "sharp_zone": "h = 0.0001, without delay",
}


def main() -> None:
    """Print the tables, write the figures."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--results", type=Path, default=Path("results/robust-design"))
    options.add_argument("--figures", type=Path, help="folder for the figures; none are drawn without it")
    options.add_argument("--replicates", type=int, default=20, help="of the noise in parts")
    chosen = options.parse_args()
    summaries = read_summaries(chosen.results)
    for dataset in ("xor", "iris", "iris_unit", "regression"):
        print(f"\n**{dataset}**\n")
        print(table(dataset, {label: s for (name, label), s in summaries.items() if name == dataset}))
    for dataset in ("xor", "iris", "regression"):
        print(f"\n**{dataset}, score of the default minus that of another design, mean over rate noise**\n")
        print("\n".join(paired(dataset, summaries)))
    parts = {name: noise_in_parts(name, chosen.replicates) for name in ("iris_unit", "iris")}
    print("\n**rate noise of 10 % in one part alone, running time 60: mean score (interval)**\n")
    print("| noise in | " + " | ".join(parts) + " |\n| --- |" + " --- |" * len(parts))
    for part in PARTS:
        print(f"| {part} | " + " | ".join(_mean(scores[part], name) for name, scores in parts.items()) + " |")
    ratio, output = comparator_gain(summaries["xor", "default"])
    print(f"\ncorrelation of output and ratio: {np.corrcoef(ratio, output)[0, 1]:.3f}, {len(ratio)} pots")
    print(
        f"std of the ratio {np.std(ratio, ddof=1):.3f}, of output / ratio {np.std(output / ratio, ddof=1):.3f}"
    )
    if chosen.figures:
        draw_noise(summaries, chosen.figures / "robust-design-noise.png")
        draw_reasons(summaries, parts, (ratio, output), chosen.figures / "robust-design-why.png")
        draw_time(summaries, chosen.figures / "robust-design-time.png")


def read_summaries(results: Path) -> dict[tuple[str, str], xr.Dataset]:
    """Summaries of the sweep by data set and label of the design."""
    files = sorted((results / "summary").glob("*.nc"))
    if not files:
        raise SystemExit(
            f"{results}/summary: no results; run make run SWEEP=config/sweeps/robust-design.yaml first"
        )
    return {(path.stem.split("-")[0], path.stem.split("-")[2]): read_dataset(path) for path in files}


def select(
    summary: xr.Dataset, *, running_time: float, rates: float = 0.0, concentrations: float = 0.0
) -> xr.Dataset:
    """Runs of one cell, in the order of their replicates."""
    chosen = (
        np.isclose(summary.running_time, running_time)
        & np.isclose(summary.noise_rates, rates)
        & np.isclose(summary.noise_concentrations, concentrations)
    )
    return summary.isel(point=np.flatnonzero(chosen)).sortby("replicate")


def cells(summary: xr.Dataset) -> list[dict[str, float]]:
    """Running times and magnitudes that there are, in order."""
    columns = (summary.noise_concentrations, summary.noise_rates, summary.running_time)
    found = sorted({tuple(float(v) for v in row) for row in zip(*(c.values for c in columns), strict=True)})
    return [{"concentrations": c, "rates": r, "running_time": t} for c, r, t in found]


def _mean(scores: np.ndarray, dataset: str) -> str:
    low, high = mean_interval(scores, 0.0, 1.0)
    return f"{scores.mean():.3f} ({low:.3f} to {high:.3f})"


def _figures(dataset: str, runs: xr.Dataset) -> str:
    """What counts for the data set: learned runs, medians, and how many did not end ok."""
    ended = int(np.sum(runs.status != OK))
    lost = f"; {ended} not ok" if ended else ""
    if dataset == "xor":
        learned = int(np.sum(runs.mse < LEARNED))
        return f"{int(np.sum(runs.score >= 1))}, {learned}{lost}"
    if dataset == "regression":
        return f"{float(np.nanmedian(runs.nrmse)) if ended < runs.sizes['point'] else np.nan:.3f}{lost}"
    # A run that ended early has no accuracy; it takes the lowest rank.
    return f"{float(np.median(np.nan_to_num(runs.accuracy))):.4f}, {float(runs.score.mean()):.3f}{lost}"


MEANINGS = {
    "xor": f"score 1, MSE < {LEARNED}",
    "regression": "median NRMSE",
    "iris": "median accuracy, mean score",
    "iris_unit": "median accuracy, mean score",
}


def table(dataset: str, summaries: dict[str, xr.Dataset]) -> str:
    """One row a design, one column a cell."""
    wanted = cells(next(iter(summaries.values())))
    n = int(next(iter(summaries.values())).replicate.max()) + 1
    head = [f"{MEANINGS[dataset]} of {n}"]
    for cell in wanted:
        kind = next((f"{k} {cell[k]:.0%}" for k in ("rates", "concentrations") if cell[k]), "no noise")
        head.append(f"T {cell['running_time']:.0f}, {kind}")
    lines = ["| " + " | ".join(head) + " |", "| --- |" + " --- |" * len(wanted)]
    for label, summary in summaries.items():
        row = [label, *(_figures(dataset, select(summary, **cell)) for cell in wanted)]
        lines.append("| " + " | ".join(row) + " |")
    return "\n".join(lines)


def paired(dataset: str, summaries: dict[tuple[str, str], xr.Dataset]) -> list[str]:
    """Difference of mean scores over the magnitudes of rate noise, replicates resampled jointly, each running time."""
    ours = summaries[dataset, "default"]
    lines = []
    for (name, label), other in summaries.items():
        if name != dataset or label == "default":
            continue
        found = cells(other)
        texts = []
        for running_time in sorted({cell["running_time"] for cell in found}):
            noisy = [c for c in found if c["rates"] and c["running_time"] == running_time]
            difference = np.mean(
                [select(ours, **c).score.values - select(other, **c).score.values for c in noisy], axis=0
            )
            low, high = mean_interval(difference, -1.0, 1.0)
            texts.append(f"T {running_time:.0f}: {difference.mean():+.3f} ({low:+.3f} to {high:+.3f})")
        smoothing = float(other.h_eff.median())
        lines.append(f"* {label}, effective smoothing {smoothing:.2g}: {'; '.join(texts)}")
    return lines


def noise_in_parts(dataset: str, replicates: int, *, magnitude: float = 0.1) -> dict[str, np.ndarray]:
    """Scores of the default design where only the rate constants of one part are off, for each of `PARTS`.

    The part keeps the draws that it has when all are off.
    """
    info = dataset_info(dataset)
    point = Point(
        dataset=dataset,
        layers=tuple(info.layers),
        circuit="onepot",
        circuit_parameters=(),
        activation="squareplus",
        activation_parameters=(("h", 0.1),),
        running_time=60.0,
        epochs=info.epochs,
        learning_rate=info.learning_rate,
        noise=Noise(),
        replicate=0,
        seed=0,
    )
    points = [replace(point, replicate=replicate) for replicate in range(replicates)]
    return {part: _scores(points, labels, magnitude) for part, labels in PARTS.items()}


def _scores(points: list[Point], labels: Iterable[str], magnitude: float) -> np.ndarray:
    """Train and read out; 0 for a run that is not ok."""
    circuit = build_circuit(points[0])
    network = circuit.network
    off = np.repeat([f.label in set(labels) for f in network.families], [f.size for f in network.families])

    def constants(learning: bool) -> np.ndarray:
        return np.array(
            [
                np.where(
                    off,
                    rate_constants(circuit, replace(p, noise=Noise(rates=magnitude)), learning=learning),
                    rate_constants(circuit, p, learning=learning),
                )
                for p in points
            ]
        )

    data = [load_dataset(p.dataset, replicate=p.replicate, seed=p.seed) for p in points]
    training = training_protocol(circuit, points, data, np.array([points[0].epochs]), ())
    trained, _ = solve(network, training._replace(rates=constants(True)))
    good = np.flatnonzero(trained.run["status"] == OK).tolist()
    scores = np.zeros(len(points))
    if good:
        tables = ReadoutTables(
            circuit,
            [points[i] for i in good],
            [data[i] for i in good],
            trained.final[good],
            [None] * len(good),
        )
        tables.rates = constants(False)[good]
        shown, _ = solve(network, tables.protocol(0, tables.n_members))
        outputs = circuit.read_out(shown.final.reshape(len(good), -1, network.n_species))
        fine = np.all(shown.run["status"].reshape(len(good), -1) == OK, axis=1)
        for place, member in enumerate(good):
            scores[member] = data[member].score(outputs[place], data[member].y_test) if fine[place] else 0.0
    return scores


def comparator_gain(
    summary: xr.Dataset, *, magnitude: float = 0.1, running_time: float = 80.0
) -> tuple[np.ndarray, np.ndarray]:
    """Ratio of the two constants of the comparator, and mean output of a pot where the target is 1.

    The comparator settles where the production of E+ by the output equals that of E- by the target.
    """
    runs = select(summary, running_time=running_time, rates=magnitude)
    ratios, outputs = [], []
    parameters = json.loads(summary.attrs["activation_parameters"])
    for run in range(runs.sizes["point"]):
        one = runs.isel(point=run)
        point = Point(
            dataset="xor",
            layers=tuple(json.loads(summary.attrs["layers"])),
            circuit="onepot",
            circuit_parameters=(),
            activation=summary.attrs["activation"],
            activation_parameters=tuple(sorted(parameters.items())),
            running_time=running_time,
            epochs=int(summary.attrs["epochs"]),
            learning_rate=float(summary.attrs["learning_rate"]),
            noise=Noise(rates=magnitude),
            replicate=int(one.replicate),
            seed=int(one.seed),
        )
        network = build_circuit(point).network
        constants = rate_constants(build_circuit(point), point, learning=True)
        first = {f.equation: int(i) for f, i in zip(network.families, network.first_reactions, strict=True)}
        shown, target = first["Z2p[i] -> Z2p[i] + Ep[i]"], first["Tp[i] -> Tp[i] + T1p[i]"]
        ratios.append(constants[target] / constants[shown])
        outputs.append(float(one.output.values[one.expected.values > 0.5].mean()))
    kept = np.isfinite(outputs)
    return np.array(ratios)[kept], np.array(outputs)[kept]


def _curve(
    axes: Axes,
    summary: xr.Dataset,
    label: str,
    levels: list[dict[str, float]],
    at: list[float],
    value: Callable[[xr.Dataset], np.ndarray],
    **style: object,
) -> None:
    """Mean over replicates with its interval."""
    rows = np.array([value(select(summary, **level)) for level in levels], dtype=float)
    means = rows.mean(axis=1)
    bounds = [mean_interval(row, 0.0, 1.0) for row in rows]
    low, high = np.array(bounds).T
    axes.fill_between(at, low, high, color=COLOURS[label], alpha=0.12, linewidth=0)
    axes.plot(at, means, "o-", color=COLOURS[label], label=NAMES[label], markersize=4, **style)


def _finish(figure: object, axes: Iterable[Axes], path: Path) -> None:
    for one in axes:
        one.spines[["top", "right"]].set_visible(False)
        one.grid(alpha=0.25)
    figure.savefig(path, dpi=110, metadata={"Software": None})  # type: ignore[attr-defined]


def draw_noise(summaries: dict[tuple[str, str], xr.Dataset], path: Path) -> None:
    """Mean score against static rate noise, one panel a data set."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.6), layout="constrained")
    panels = figure.subplots(1, 4, sharey=True)
    times = {"xor": 80.0, "iris": 60.0, "iris_unit": 60.0, "regression": 80.0}
    titles = {"iris": "Iris, two rails", "iris_unit": "Iris, one rail", "regression": "Regression"}
    for axes, (dataset, running_time) in zip(panels, times.items(), strict=True):
        for label in ("before", "decay", "strong", "delay", "zone", "default"):
            summary = summaries.get((dataset, label))
            if summary is not None:
                rates = sorted({c["rates"] for c in cells(summary)})
                levels = [{"running_time": running_time, "rates": r} for r in rates]
                at = [100 * r for r in rates]
                _curve(axes, summary, label, levels, at, lambda runs: runs.score.values)
        axes.set(
            title=f"{titles.get(dataset, 'XOR')}, T = {running_time:.0f}/k",
            xlabel="static rate noise (%)",
            ylim=(-0.03, 1.03),
        )
    panels[0].set_ylabel("mean score")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
    _finish(figure, panels, path)


def draw_reasons(
    summaries: dict[tuple[str, str], xr.Dataset],
    parts: dict[str, dict[str, np.ndarray]],
    gain: tuple[np.ndarray, np.ndarray],
    path: Path,
) -> None:
    """Growth of the weights, noise in parts, and the gain of the comparator."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 3.9), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    for dataset, colour, name in (("iris_unit", "#d55e00", "one rail"), ("iris", "#0072b2", "two rails")):
        summary = summaries[dataset, "default"]
        done = summary.checkpoint.values * float(summary.attrs["learning_rate"])
        for rates, style in ((0.0, "--"), (0.1, "-")):
            weights = select(summary, running_time=60.0, rates=rates).weights.values
            # Weights of a run that ended early are nan from there on; they rank above all others.
            size = np.sqrt(np.mean(weights**2, axis=2))
            size = np.median(np.where(np.isfinite(size), size, np.inf), axis=0)
            left.plot(done, size, style, color=colour, label=f"{name}, {rates:.0%} rate noise")
    left.set(
        yscale="log", xlabel="descent time (epochs x learning rate)", ylabel="root mean square weight, median"
    )
    left.set_yticks([0.5, 1, 2], ["0.5", "1", "2"])
    left.minorticks_off()
    left.set_title("Iris: weights of the default design", fontsize=10)
    left.legend(fontsize=8, frameon=False)
    for offset, (dataset, colour, name) in enumerate(
        (("iris_unit", "#d55e00", "one rail"), ("iris", "#0072b2", "two rails"))
    ):
        scores = np.array([parts[dataset][part] for part in PARTS])
        bounds = np.array([mean_interval(row, 0.0, 1.0) for row in scores])
        means = scores.mean(axis=1)
        error = np.abs(bounds.T - means)
        middle.errorbar(
            np.arange(len(PARTS)) + 0.15 * (2 * offset - 1),
            means,
            error,
            fmt="o",
            color=colour,
            label=name,
            capsize=3,
        )
    middle.set_xticks(range(len(PARTS)), list(PARTS), rotation=30)
    middle.set(xlabel="part of the pot with 10 % rate noise", ylabel="mean score, 95 % interval")
    middle.set_title("Iris: which part spoils it", fontsize=10)
    middle.legend(fontsize=8, frameon=False)
    ratio, output = gain
    right.plot(ratio, output, "o", color="#0072b2", label="pots, 10 % rate noise")
    ends = np.array([min(ratio.min(), output.min()) - 0.05, max(ratio.max(), output.max()) + 0.05])
    right.plot(ends, ends, "-", color="#888888", linewidth=1, label="output = ratio")
    right.axhline(
        1 + np.sqrt(2 * LEARNED), linestyle=":", color="#d55e00", label="MSE 0.05 from two patterns alone"
    )
    right.axhline(1 - np.sqrt(2 * LEARNED), linestyle=":", color="#d55e00")
    right.set(xlabel="constant of the target / of the output", ylabel="output where the target is 1")
    right.set_title("XOR: gain of the comparator, T = 80/k", fontsize=10)
    right.legend(fontsize=8, frameon=False)
    _finish(figure, (left, middle, right), path)


def draw_time(summaries: dict[tuple[str, str], xr.Dataset], path: Path) -> None:
    """What the delay of the target does where time is short, without noise."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.9), layout="constrained")
    panels = figure.subplots(1, 2)
    for axes, dataset in zip(panels, ("xor", "regression"), strict=True):
        for label in ("zone", "default", "sharp_zone", "sharp"):
            summary = summaries.get((dataset, label))
            if summary is not None:
                times = sorted({c["running_time"] for c in cells(summary)})
                levels = [{"running_time": t} for t in times]
                name = "mse" if dataset == "xor" else "nrmse"
                _curve(
                    axes,
                    summary,
                    label,
                    levels,
                    times,
                    (lambda runs: runs.mse.values < LEARNED)
                    if name == "mse"
                    else (lambda runs: runs.nrmse.values),
                )
        axes.set(xlabel="running time (1/k)", xscale="log")
        axes.set_xticks(times, [f"{t:.0f}" for t in times])
        axes.minorticks_off()
        axes.legend(fontsize=8, frameon=False)
    panels[0].set(ylabel=f"share of pots with MSE < {LEARNED}", ylim=(-0.03, 1.03))
    panels[0].set_title("XOR, no noise", fontsize=10)
    panels[1].set(ylabel="NRMSE, mean of replicates", ylim=(0, None))
    panels[1].set_title("Regression, no noise", fontsize=10)
    _finish(figure, panels, path)


if __name__ == "__main__":
    main()
