"""What a clocked circuit does in which phase of its clock."""

from __future__ import annotations

from collections.abc import Mapping

from crnsim.activations import Layer
from crnsim.activations.layer import gated
from crnsim.circuits.oscillator import gate
from crnsim.network.network import Network


def plan_phases(depth: int, *, output_unit: bool) -> dict[str, int]:
    """Number of the phase of each module.

    Parameters
    ----------
    depth : int
        Layers of weights.
    output_unit : bool
        Whether the output is more than the pre-activation of the last layer.

    Returns
    -------
    dict of str to int
        In the order of an iteration. Modules that do not need each other share a phase.
    """
    phases = {"assign": 0}

    def then(name: str, *after: str) -> None:
        phases[name] = 1 + max(phases[one] for one in after)

    last = "assign"
    for layer in range(1, depth + 1):
        then(f"sum{layer}", last)
        last = f"sum{layer}"
        if layer < depth or output_unit:
            then(f"act{layer}", last)
            last = f"act{layer}"
    then("error", last)
    last = "error"
    if output_unit:
        then(f"grad{depth}", last)
        last = f"grad{depth}"
    for layer in range(depth - 1, 0, -1):
        then(f"back{layer}", last)
        then(f"grad{layer}", f"back{layer}")
        last = f"grad{layer}"
    then("square", "error")
    then("account", "square")
    then("judge", "account")
    then("decide", "judge")
    then("increment", last, "decide")
    then("apply", "increment")
    return phases


class Phases:
    """A network under construction whose reactions take place in phases.

    Parameters
    ----------
    network : Network
    number : mapping of str to int
        As from `plan_phases`.
    """

    def __init__(self, network: Network, number: Mapping[str, int]) -> None:
        self.network, self.number = network, dict(number)

    @property
    def count(self) -> int:
        """Number of phases of one iteration."""
        return 1 + max(self.number.values())

    def gate(self, phase: str) -> str:
        """Name of the species of the clock whose pulse a phase is."""
        return gate(self.number[phase])

    def add(self, phase: str, label: str, equation: str, rate: str) -> None:
        """Add a family whose reactions take place in a phase."""
        self.network.add_family(label, gated(equation, self.gate(phase)), rate)

    def set(self, phase: str, label: str, made: list[tuple[str, str]], species: str) -> None:
        """Let a species relax, at the rate k, to the sum of what makes it.

        Parameters
        ----------
        phase, label : str
        made : list of (str, str)
            Catalysts, such as ``W1p[i,j] + X0p[j]``, and the rate constant with which they make it.
        species : str
            With its indices.
        """
        for catalysts, rate in made:
            self.add(phase, label, f"{catalysts} -> {catalysts} + {species}", rate)
        self.add(phase, label, f"{species} -> 0", "k")

    def layer(self, number: int, phase: str, *, suffix: str, reserved: frozenset[str]) -> Layer:
        """Units that the rails of their pre-activation drive, in a phase."""
        rails = (f"Z{number}p", f"Z{number}m")
        up, down = (((f"{rail}[i]", "k"),) for rail in rails)
        return Layer(
            self.network,
            number,
            f"n{number}",
            up,
            down,
            rails,
            suffix=suffix,
            gate=self.gate(phase),
            reserved=reserved,
        )
