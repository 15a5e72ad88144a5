"""Fluctuations without simulation.

Molecules appear and dimerise. The linear noise approximation gives mean and variance at rest at once; an ensemble of
exact runs shows how good that is at 50 molecules for a concentration of 1.
"""

import matplotlib.pyplot as plt
import numpy as np

import crnsim

network = crnsim.read_crn("0 ->{1} A; A ->{0.1} 0; 2A ->{0.3} B; B ->{0.5} 0; init A 1")
volume = 50
normal = crnsim.linear_noise(network, None, volume=volume)
edges = (np.arange(10, 110, 3) + 0.5) / volume
runs = crnsim.ensemble(network, [0, 30], volume=volume, method="ssa", replicates=4000, bins=edges, seed=1)

fig, ax = plt.subplots()
count = runs.histogram.sel(species="A").isel(time=-1)
width = np.diff(edges)
ax.bar(
    edges[:-1], count / count.sum() / width, width, align="edge", label="4,000 exact runs", color="lightgrey"
)
mean, deviation = (float(normal[name].sel(species="A")) for name in ("mean", "standard_deviation"))
x = np.linspace(edges[0], edges[-1], 200)
bell = np.exp(-(((x - mean) / deviation) ** 2) / 2) / (deviation * np.sqrt(2 * np.pi))
ax.plot(x, bell, label=f"linear noise: {mean:.3f} ± {deviation:.3f}")
ax.set(xlabel="concentration of A at rest", ylabel="density")
ax.legend()
found = runs.isel(time=-1).sel(species="A")
print(f"exact runs: {float(found['mean']):.3f} ± {float(found.standard_deviation):.3f}")
