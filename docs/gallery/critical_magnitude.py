"""How much noise breaks it.

Two species compete until one is left: an approximate majority. How often the larger one wins, over noise on the rate
constants, and the magnitude at which that falls below 90 %, for two leads of it.
"""

import matplotlib.pyplot as plt
import numpy as np

import crnsim

network = crnsim.read_crn("X + Y ->{1} 2B; B + X ->{1} 2X; B + Y ->{1} 2Y; init X 0.55; init Y 0.45")
magnitudes = [0.02, 0.05, 0.1, 0.15, 0.2, 0.3]

fig, ax = plt.subplots()
for lead in (0.04, 0.1):
    found = crnsim.robustness(
        network,
        readout={"winner": {"highest": ["X", "Y"], "expected": "X", "margin": 0.5}},
        running_times=60,
        noise={"rates": magnitudes},
        initial={"X": 0.5 + lead / 2, "Y": 0.5 - lead / 2},
        replicates=200,
    )
    share = found.score.mean("replicate").squeeze().values
    level = found.magnitude.values
    critical = np.interp(-0.9, -share, level)  # falls with the magnitude
    ax.plot(level, share, "o-", label=f"lead of {lead:g}: below 90 % from {critical:.3f} on")
    ax.axvline(critical, color="grey", linestyle=":")
ax.axhline(0.9, color="black", linewidth=0.8)
ax.set(xlabel="standard deviation of each rate constant", ylabel="share in which X wins")
ax.legend()
