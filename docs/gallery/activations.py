"""Smooth and sharp units.

A squareplus unit is a chemical ReLU whose corner is rounded by h. The concentrations of a layer of units, each with
another input, after they have relaxed, beside the exact ReLU: the smaller h, the sharper and the slower.
"""

import matplotlib.pyplot as plt
import numpy as np

import crnsim
from crnsim.activations import activation, single_unit

z = np.linspace(-2, 2, 41)
fig, ax = plt.subplots()
for h in (1.0, 0.1, 0.01):
    unit = activation("squareplus", h=h)
    layer = single_unit(unit, size=len(z))
    value = unit.add_value(layer)
    inputs = {"Inp": np.maximum(z, 0), "Inm": np.maximum(-z, 0)}
    course = crnsim.simulate(layer.network, [0, 5, 200], initial=layer.network.initial | inputs)
    answer = course.concentration.sel(replicate=0, species=[f"{value.plus}[{i}]" for i in range(len(z))])
    (line,) = ax.plot(z, answer.isel(time=-1), label=f"h = {h:g}")
    ax.plot(z, answer.isel(time=1), ":", color=line.get_color())
ax.plot(z, np.maximum(z, 0), color="black", linewidth=0.8, label="ReLU")
ax.set(xlabel="pre-activation z", ylabel="concentration", title="at rest, and (dotted) after a time of 5/k")
ax.legend()
