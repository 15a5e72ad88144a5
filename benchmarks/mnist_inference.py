"""MNIST 784-100-10 as reactions: the circuit classifies test images as the algebraic network does.

    CRNSIM_DATA_DIR=where/the/idx/files/are python benchmarks/mnist_inference.py

Trains a network with scikit-learn on the training part of `mnist_t10k` (8,000 images of MNIST's test file), turns it
into a `feedforward` circuit and integrates that for 1,000 images of the test part, from the state at z = 0, over 20 of
the slowest time constants. Prints for every design how many images get the class of the algebraic network with the
same weights (of ReLUs, for a `relu`), the largest difference of an output from the closed-form fixed point, the
accuracy, and core seconds per image. A network of this size (160,000 reactions) takes the wide path: one run at a time
fills the vector unit.
"""

from __future__ import annotations

import argparse
import time
import warnings

import numpy as np

import crnsim
from crnsim.algebraic import forward

DESIGNS = [("squareplus", {"h": 0.1}), ("squareplus", {"h": 0.001}), ("relu", {"kz": 1000.0})]
TIME_CONSTANTS = 20.0


def main() -> None:
    """Train once, then compute every image with every design."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--images", type=int, default=1000)
    options.add_argument("--epochs", type=int, default=15)
    chosen = options.parse_args()
    data = crnsim.load_dataset("mnist_t10k")
    x, label = data.x_test[: chosen.images], data.y_test[: chosen.images].argmax(axis=1)
    model = MLPClassifier((100,), max_iter=chosen.epochs, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(data.x_train, data.y_train.argmax(axis=1))
    right = np.mean(model.predict(x) == label)
    print(
        f"scikit-learn, {chosen.epochs} epochs on {len(data.x_train)} images: {right:.1%} of {len(x)} right"
    )
    print("| design | same class | largest difference | right | simulated time | core s per image |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, parameters in DESIGNS:
        print(_row(name, parameters, model, x, label))


def _row(name: str, parameters: dict[str, float], model: object, x: np.ndarray, label: np.ndarray) -> str:
    circuit = crnsim.feedforward(model, name, **parameters)
    expected = circuit.predict(x)
    algebraic = forward(circuit.given, x, circuit.activation)
    end = TIME_CONSTANTS / float(circuit.convergence_rate(x).min())
    crnsim.simulate(circuit.network, [0, 1], initial=circuit.state(x[0]))  # compiles
    start = time.process_time()
    run = crnsim.simulate(circuit.network, [0, end], initial=circuit.state(x), rtol=1e-6, atol=1e-9)
    seconds = (time.process_time() - start) / len(x)
    assert np.all(run.status == 0)
    outputs = circuit.read_out(run.concentration.values[:, -1])
    same = int(np.sum(outputs.argmax(axis=1) == algebraic.argmax(axis=1)))
    settings = ", ".join(f"{key} = {value:g}" for key, value in parameters.items())
    return (
        f"| {name}, {settings} | {same} of {len(x)} | {np.abs(outputs - expected).max():.1e} | "
        f"{np.mean(outputs.argmax(axis=1) == label):.1%} | {end:.0f}/k | {seconds:.3f} |"
    )


if __name__ == "__main__":
    main()
