"""Core time of single runs, to fit the constants of `crnsim.sweep.plan.cost`.

    python benchmarks/cost.py

Prints, for three data sets and each design, measured and estimated seconds per run, one full batch of eight each.
"""

from __future__ import annotations

import time
from dataclasses import replace

from crnsim.datasets import DATASETS
from crnsim.experiment.point import Point
from crnsim.experiment.run import run_points
from crnsim.kinetics.lanes import LANES
from crnsim.noise.noise import Noise
from crnsim.sweep.plan.cost import estimate_seconds

DESIGNS = [("squareplus", (("h", 0.1),)), ("squareplus", (("h", 1e-4),)), ("relu", (("kz", 150.0),))]


def main() -> None:
    """Measure and print a table."""
    print("data set    design               running time  noise           measured  estimated  ratio")
    for name in ("xor", "iris", "regression"):
        info = DATASETS[name]
        for unit, parameters in DESIGNS:
            for time_factor in (0.3, 1.0):
                for noise in (Noise(), Noise(concentrations=0.3)):
                    point = Point(
                        dataset=name,
                        layers=info.layers,
                        circuit="onepot",
                        circuit_parameters=(),
                        activation=unit,
                        activation_parameters=parameters,
                        running_time=time_factor * info.running_time,
                        epochs=max(1, info.epochs // 20),
                        learning_rate=info.learning_rate,
                        noise=noise,
                        replicate=0,
                        seed=0,
                    )
                    batch = [replace(point, replicate=r) for r in range(LANES)]
                    run_points(batch)
                    start = time.process_time()
                    run_points(batch)
                    measured = (time.process_time() - start) / LANES
                    estimated = estimate_seconds(point)
                    label = f"{unit} {parameters[0][0]}={parameters[0][1]:g}"
                    print(
                        f"{name:<12}{label:<21}{point.running_time:<14g}{noise.kind:<15}"
                        f"{measured:9.3f}{estimated:10.3f}{measured / estimated:8.2f}"
                    )


if __name__ == "__main__":
    main()
