"""A network of your own, as text and as a picture.

An enzyme turns a substrate into a product. The text is the network: it is read, drawn, asked for what it conserves, and
integrated.
"""

import matplotlib.pyplot as plt
import numpy as np

import crnsim

network = crnsim.read_crn("""
kf = 10; kr = 1; kcat = 2
E + S <->{kf}{kr} ES
ES ->{kcat} E + P
init E 0.2
init S 1
""")
course = crnsim.simulate(network, np.linspace(0, 10, 101))

fig, axes = plt.subplots(1, 2)
network.draw(axes[0])
for name in network.labels:
    axes[1].plot(course.time, course.concentration.sel(replicate=0, species=name), label=name)
axes[1].set(xlabel="time", ylabel="concentration")
axes[1].legend()
for law in network.conservation_laws():
    print("conserved:", " ".join(f"{factor:+d} {name}" for name, factor in law.items()))
