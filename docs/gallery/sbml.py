"""Out as SBML, and in again.

A pot that learns is written as SBML, which COPASI, Tellurium and others read, and read back. Both are integrated: the
same network gives the same concentrations.
"""

import matplotlib.pyplot as plt
import numpy as np

import crnsim

circuit = crnsim.onepot((2, 3, 1))
network = circuit.network
rng = np.random.default_rng(0)
for species in network.species:
    network.set_initial({species.name: rng.uniform(0.2, 1.0, species.shape)})
text = crnsim.to_sbml(network)
back = crnsim.read_sbml(text)

t = np.linspace(0, 20, 101)
here, there = (crnsim.simulate(one, t).concentration.isel(replicate=0) for one in (network, back))
fig, ax = plt.subplots()
for name, colour in (("Z2p[0]", "tab:red"), ("Z2m[0]", "tab:blue"), ("Ep[0]", "tab:green")):
    ax.plot(t, here.sel(species=name), color=colour, label=name)
    ax.plot(t[::5], there.sel(species=name)[::5], "o", color=colour, markerfacecolor="none")
ax.set(xlabel="time in 1/k", ylabel="concentration", title="a pot (lines), and what was read back (circles)")
ax.legend()
print(f"{len(text):,} characters of SBML, {network.n_reactions} reactions, {len(network.labels)} species")
print("largest difference:", float(abs(here - there.sel(species=here.species)).max()))
