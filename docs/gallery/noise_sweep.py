"""One design under more and more noise.

A network that was trained by scikit-learn on the digits becomes chemistry. Its rate constants are drawn anew for each
of eight replicates: the share of test images that it gets right, over the standard deviation of the noise.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.neural_network import MLPClassifier

import crnsim

digits = crnsim.load_dataset("digits")
network = MLPClassifier((16,), activation="relu", max_iter=1000, tol=1e-3, random_state=0)
network.fit(digits.x_train, digits.y_train.argmax(axis=1))
circuit = crnsim.feedforward(network, h=0.001)

magnitudes = [0.0, 0.05, 0.1, 0.2, 0.3, 0.5]
scores = []
for magnitude in magnitudes:
    runs = crnsim.infer(circuit, digits, running_time=20, noise={"rates": magnitude}, replicates=8)
    scores.append(runs.accuracy.values)

fig, ax = plt.subplots()
ax.plot(magnitudes, np.mean(scores, axis=1), "o-", label="mean")
ax.plot(magnitudes, scores, ".", color="grey", markersize=4)
ax.axhline(0.1, color="black", linestyle=":", label="by chance")
ax.set(xlabel="standard deviation of each rate constant", ylabel="test images right")
ax.legend()
print(np.round(np.mean(scores, axis=1), 3))
