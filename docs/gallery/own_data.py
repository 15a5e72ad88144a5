"""Data of your own.

A CSV file with a column to predict becomes training and test samples, scaled and split; a pot of chemistry learns it.
Here two moons, which no straight line parts.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import crnsim

angle = np.random.default_rng(0).uniform(0, np.pi, 120)
kind = np.arange(120) % 2
x = np.where(kind, 1 - np.cos(angle), np.cos(angle))
y = np.where(kind, 0.5 - np.sin(angle), np.sin(angle))
rows = [f"{a:.3f},{b:.3f},{'lower' if c else 'upper'}" for a, b, c in zip(x, y, kind, strict=True)]
Path("moons.csv").write_text("\n".join(["x,y,moon", *rows]))

moons = crnsim.load_dataset("moons.csv", target="moon")
circuit = crnsim.onepot((2, 6, 1), dual_rail=moons.dual_rail)  # two classes are one output, 0 or 1
runs = crnsim.train(circuit, moons, running_time=50, epochs=40)
answer = runs.output.values[0, :, 0] > 0.5

fig, ax = plt.subplots()
ax.scatter(*moons.x_test.T, c=moons.y_test[:, 0], cmap="coolwarm", s=80, label="truth (disc)")
ax.scatter(*moons.x_test.T, c=answer, cmap="coolwarm", s=20, edgecolors="black", label="answer (dot)")
ax.set(xlabel="x, scaled", ylabel="y, scaled", title=f"{runs.accuracy.item():.0%} of the test samples right")
ax.legend()
