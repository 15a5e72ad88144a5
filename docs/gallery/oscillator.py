"""An oscillator whose rate constants are off.

Three species chase each other around a ring. Median and 5 to 95 % band of 300 replicates, each with rate constants 5 %
off: all of them oscillate, but soon no longer in step.
"""

import matplotlib.pyplot as plt
import numpy as np

import crnsim

network = crnsim.read_crn("""
k = 1
A + B ->{k} 2B
B + C ->{k} 2C
C + A ->{k} 2A
init A 1.0; init B 0.5; init C 0.5
""")
t = np.linspace(0, 40, 401)
runs = crnsim.ensemble(network, t, noise={"rates": 0.05}, replicates=300, species=["A"], rtol=1e-8)
still = crnsim.simulate(network, t, species=["A"], rtol=1e-8)

fig, ax = plt.subplots()
low, median, high = (runs.quantiles.sel(quantile=level, species="A") for level in (0.05, 0.5, 0.95))
ax.fill_between(t, low, high, alpha=0.3, label="5 to 95 %")
ax.plot(t, median, label="median")
ax.plot(t, still.concentration.sel(replicate=0, species="A"), color="black", linewidth=0.8, label="no noise")
ax.set(xlabel="time in 1/k", ylabel="A")
ax.legend()
