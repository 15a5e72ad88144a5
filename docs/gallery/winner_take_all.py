"""Reading a pattern by annihilation.

Nine pixels are an L or a T, two of them missing. Weighted sums annihilate each other until one is left, and that turns
its gate into the answer. Weights are used up, so that rate constants only say how fast: it stands them being off.
"""

import matplotlib.pyplot as plt

import crnsim

letters = {"L": (0, 3, 6, 7, 8), "T": (0, 1, 2, 4, 7)}
weights = "; ".join(f"init W[{i},{j}] 1" for j, pixels in enumerate(letters.values()) for i in pixels)
network = crnsim.read_crn(f"""
species X[9], W[9,2], S[2], G[2], Y[2]
X[i] + W[i,j] ->{{0.2}} X[i] + S[j]
S[0] + S[1] ->{{20}} 0
S[j] + G[j] ->{{0.1}} S[j] + Y[j]
init G 1; {weights}
""")

inputs = [  # three of the five pixels of each letter
    {f"X[{i}]": float(i in pixels[:3]) for i in range(9)} | {"expect": {"letter": f"Y[{j}]"}}
    for j, pixels in enumerate(letters.values())
]
fig, ax = plt.subplots()
for kind, label in (("rates", "rate constants are off"), ("concentrations", "concentrations fluctuate")):
    found = crnsim.robustness(
        network,
        readout={"letter": {"highest": ["Y[0]", "Y[1]"], "margin": 0.3}},
        inputs=inputs,
        running_times=60,
        noise={kind: [0.1, 0.2, 0.4, 0.6, 0.8]},
        replicates=100,
    )
    ax.plot(found.magnitude, found.score.mean("replicate").squeeze(), "o-", label=label)
ax.set(xlabel="standard deviation", ylabel="share of letters read right", ylim=(0, 1.05))
ax.legend()
