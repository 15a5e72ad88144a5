"""Single molecules around the rate equations.

Predator and prey: every reaction of every molecule, by an exact method, where a concentration of 1 is 100 molecules or
1,000. The rate equations run in a circle; few molecules wander away from it.
"""

import matplotlib.pyplot as plt
import numpy as np

import crnsim

network = crnsim.read_crn("prey ->{1} 2 prey; prey + cat ->{1} 2 cat; cat ->{1} 0; init prey 1.5; init cat 1")
t = np.linspace(0, 20, 401)
exact = crnsim.simulate(network, t)

fig, axes = plt.subplots(1, 2, sharey=True)
for ax, volume in zip(axes, (100, 1000), strict=True):
    runs = crnsim.simulate(network, t, volume=volume, method="ssa", replicates=4, seed=1)
    for run in runs.concentration:
        ax.plot(run.sel(species="prey"), run.sel(species="cat"), linewidth=0.6)
    circle = exact.concentration.isel(replicate=0)
    ax.plot(circle.sel(species="prey"), circle.sel(species="cat"), color="black")
    ax.set(xlabel="prey", title=f"1 is {volume} molecules")
axes[0].set_ylabel("cat")
