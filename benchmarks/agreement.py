"""How far whole trainings differ by one method and by another, and at a tighter tolerance.

    python benchmarks/agreement.py

For three data sets, each design and kind of noise eight replicates are trained for a quarter of the default epochs with
``auto`` at the default tolerance, with ``bs23`` at the same, and with ``auto`` a thousand times tighter. Prints core
seconds per run, the largest difference of a final weight in units of the weights' standard deviation, the largest
difference of a score, and by how many of the other two some run ended otherwise.
"""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial

import numpy as np

import crnsim.solvers
from crnsim.datasets import DATASETS
from crnsim.experiment.point import Point
from crnsim.experiment.run import run_points
from crnsim.noise.noise import Noise

DESIGNS = [("squareplus", (("h", 0.1),)), ("squareplus", (("h", 1e-4),)), ("relu", (("kz", 150.0),))]
NOISES = [Noise(), Noise(rates=0.05), Noise(concentrations=0.3, interval=5.0)]


def main() -> None:
    """Train and print a table."""
    print(
        "| data set | design | noise | auto (s) | bs23 (s) | auto - bs23 | auto - tight | score | ended otherwise |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for name in ("xor", "iris", "regression"):
        info = DATASETS[name]
        for unit, parameters in DESIGNS:
            for noise in NOISES:
                point = Point(
                    dataset=name,
                    layers=info.layers,
                    circuit="onepot",
                    circuit_parameters=(),
                    activation=unit,
                    activation_parameters=parameters,
                    running_time=40.0,
                    epochs=max(1, info.epochs // 4),
                    learning_rate=info.learning_rate,
                    noise=noise,
                    replicate=0,
                    seed=0,
                )
                _compare(f"{name} | {unit} {parameters[0][0]}={parameters[0][1]:g} | {noise.kind}", point)


def _compare(label: str, point: Point) -> None:
    points = [replace(point, replicate=r) for r in range(8)]
    runs, seconds = [], []
    for method, tolerance in (("auto", 1.0), ("bs23", 1.0), ("auto", 1e-3)):
        fine = [replace(p, rtol=p.rtol * tolerance, atol=p.atol * tolerance) for p in points]
        with _method(method):
            start = time.process_time()
            runs.append(run_points(fine))
            seconds.append((time.process_time() - start) / len(points))
    auto, _, tight = runs
    good = np.all([run.status.values == 0 for run in runs], axis=0)
    others = int(sum(np.any(run.status.values != auto.status.values) for run in runs))
    weights = [run.weights.values[good, -1] for run in runs]
    spread = weights[2].std() if good.any() else np.nan
    apart = [np.abs(weights[0] - other).max(initial=0.0) / spread for other in weights[1:]]
    score = np.abs(auto.score.values - tight.score.values)[good].max(initial=0.0)
    print(
        f"| {label} | {seconds[0]:.3f} | {seconds[1]:.3f} | {apart[0]:.1e} | {apart[1]:.1e} | {score:.1e} | {others} |",
        flush=True,
    )


class _method:  # noqa: N801
    """While it lasts, points are integrated with a named method."""

    def __init__(self, method: str) -> None:
        self.method = method

    def __enter__(self) -> None:
        self.solve = crnsim.solvers.solve
        crnsim.solvers.solve = partial(self.solve, method=self.method)

    def __exit__(self, *_: object) -> None:
        crnsim.solvers.solve = self.solve


if __name__ == "__main__":
    main()
