"""The clock of a network that trains itself.

A ring of eight species passes a pulse on. Every second one opens a phase of a clocked network; in a phase that is
closed its species is at some 1e-8, so that nothing happens there.
"""

import matplotlib.pyplot as plt
import numpy as np

import crnsim

clock = crnsim.oscillator(4, phase_length=10.0)
t = np.linspace(0, 2 * clock.period, 1601)
run = crnsim.simulate(clock.network, t, initial=clock.initial)

fig, axes = plt.subplots(2, 1, sharex=True)
for ax, scale in zip(axes, ("linear", "log"), strict=True):
    for phase in range(clock.phases):
        pulse = run.concentration.sel(replicate=0, species=clock.gate(phase))
        ax.plot(t, pulse, label=f"phase {phase}")
    ax.set(yscale=scale, ylabel="concentration")
axes[0].legend(ncols=4, loc="lower center", bbox_to_anchor=(0.5, 1))
axes[1].set(xlabel="time in 1/k", ylim=(1e-9, 2))
