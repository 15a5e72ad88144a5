"""How far whole trainings are apart in the end that differ at first by one rounding, as on two kinds of processor.

    python benchmarks/rounding.py

For three data sets, each design and kind of noise four replicates are trained (XOR for its default epochs, the others
for half of them), once as they are and once with a running time that is larger by its last bit; random numbers and
sample order are the same. Prints the largest difference of a weight in units of the weights' standard deviation, of an
output, of the mean loss of an epoch (relative to the largest), of a score, of the number of steps (relative), and how
many runs ended otherwise. `crnsim verify` takes its tolerances from here.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from crnsim.datasets import DATASETS
from crnsim.experiment.point import Point
from crnsim.experiment.run import run_points
from crnsim.noise.noise import Noise

RUNNING_TIME = 40.0
DESIGNS = (("squareplus", (("h", 0.1),)), ("squareplus", (("h", 0.0001),)), ("relu", (("kz", 1000.0),)))
NOISES = (Noise(), Noise(rates=0.1), Noise(concentrations=0.1))


def main() -> None:
    """Print a table."""
    print("| data set | design | noise | weights | outputs | loss | score | steps | ended otherwise |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for name in ("xor", "iris", "regression"):
        info = DATASETS[name]
        for unit, parameters in DESIGNS[: 3 if name == "xor" else 2]:
            for noise in NOISES:
                point = Point(
                    dataset=name,
                    layers=info.layers,
                    circuit="onepot",
                    circuit_parameters=(),
                    activation=unit,
                    activation_parameters=parameters,
                    running_time=RUNNING_TIME,
                    epochs=info.epochs if name == "xor" else max(1, info.epochs // 2),
                    learning_rate=info.learning_rate,
                    noise=noise,
                    replicate=0,
                    seed=0,
                )
                label = f"{name} | {unit} {parameters[0][0]}={parameters[0][1]:g} | {noise.kind}"
                print(f"| {label} | {' | '.join(_apart(point))} |", flush=True)


def _apart(point: Point) -> list[str]:
    points = [replace(point, replicate=replicate) for replicate in range(4)]
    later = math.nextafter(RUNNING_TIME, math.inf)
    one, other = (
        run_points([replace(p, running_time=time) for p in points]) for time in (RUNNING_TIME, later)
    )
    good = (one.status.values == 0) & (other.status.values == 0)

    def largest(name: str) -> float:
        return float(np.abs(one[name].values - other[name].values)[good].max(initial=0.0))

    spread = one.weights.values[good, -1].std() if good.any() else np.nan
    found = [
        largest("weights") / spread,
        largest("output"),
        largest("train_loss") / float(one.train_loss.values[good].max(initial=1e-300)),
        largest("score"),
        largest("steps") / float(one.steps.values.max()),
    ]
    return [*(f"{value:.1e}" for value in found), str(int((one.status.values != other.status.values).sum()))]


if __name__ == "__main__":
    main()
