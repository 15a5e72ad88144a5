"""A pot learns XOR.

Five replicates of the one-pot network, with 5 % noise on every rate constant, and the same training without noise. A
replicate has its own initial weights, order of samples and rate constants.
"""

import matplotlib.pyplot as plt

import crnsim

circuit = crnsim.onepot((2, 3, 1), activation="squareplus", h=0.1)
still = crnsim.train(circuit, "xor", running_time=100, epochs=200, replicates=5)
noisy = crnsim.train(circuit, "xor", running_time=100, epochs=200, replicates=5, noise={"rates": 0.05})

fig, ax = plt.subplots()
for runs, colour, label in ((still, "tab:blue", "no noise"), (noisy, "tab:red", "5 % on all rates")):
    for number, loss in enumerate(runs.train_loss):
        ax.semilogy(runs.epoch, loss, color=colour, alpha=0.7, label=label if number == 0 else None)
ax.set(xlabel="epoch", ylabel="training loss")
ax.legend()
print("share of XOR right, no noise:", still.score.values)
print("share of XOR right, noise:   ", noisy.score.values)
