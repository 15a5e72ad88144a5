"""What happens while a sample is shown.

Output and target of a pot during the first and the last presentations of its training on XOR. Output and learning
react at the same time: the chemistry answers within some units of time, and weights follow slowly.
"""

import matplotlib.pyplot as plt

import crnsim

circuit = crnsim.onepot((2, 3, 1), activation="squareplus", h=0.1)
runs = crnsim.train(circuit, "xor", running_time=100, epochs=200, record=True)
course = runs.trajectory.isel(
    recorded=0
)  # of the first replicate: presentation, fraction of its time, species
plus, minus = circuit.outputs
output = course.sel(species=f"{plus}[0]") - course.sel(species=f"{minus}[0]")
target = course.sel(species=f"{circuit.targets[0]}[0]") - course.sel(species=f"{circuit.targets[1]}[0]")

fig, axes = plt.subplots(1, 2, sharey=True)
for ax, part, title in ((axes[0], slice(0, 2), "the first two"), (axes[1], slice(-4, None), "the last four")):
    for number, (answer, wanted) in enumerate(zip(output[part], target[part], strict=True)):
        time = (number + runs.fraction) * 100
        ax.plot(time, answer, color="tab:blue", label="output" if number == 0 else None)
        ax.plot(time, wanted, color="tab:orange", linestyle="--", label="target" if number == 0 else None)
    ax.set(title=title, xlabel="time in 1/k")
axes[0].set_ylabel("concentration")
axes[0].legend()
