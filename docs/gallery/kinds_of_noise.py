"""Rate constants that are off, and rate constants that drift.

The same network, the same standard deviation: constants drawn once for a run, or drifting as an Ornstein-Uhlenbeck
process with a correlation time of 2. What drifts fast averages out, what is off stays off.
"""

import matplotlib.pyplot as plt
import numpy as np

import crnsim

network = crnsim.read_crn("0 ->{1} A; A ->{0.2} 0; A ->{0.5} A + B; B ->{0.5} 0; init A 5; init B 5")
t = np.linspace(0, 60, 301)
noises = {
    "off in this run": crnsim.Noise(rates=0.2),
    "drifting, correlation time 2": crnsim.Noise(rates=0.2, rates_mode="ou", correlation_time=2.0),
    "kicked every 5": crnsim.Noise(concentrations=0.2),
}
fig, axes = plt.subplots(1, 3, sharey=True, figsize=(9, 3.5))
for ax, (title, noise) in zip(axes, noises.items(), strict=True):
    runs = crnsim.simulate(network, t, noise=noise, replicates=6, species=["B"])
    ax.plot(t, runs.concentration.sel(species="B").T, linewidth=0.8)
    ax.set(title=title, xlabel="time")
axes[0].set_ylabel("B")
