"""A layer of units under construction: where an activation puts its species and reactions."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from crnsim.errors import InputError
from crnsim.network.network import Network

#: A catalyst with its indices, such as ``Z1p[i]`` or ``X0p[j]`` (empty for none), and a rate constant.
Push = tuple[str, str]
#: Species whose sum, each times the named rate parameter (empty for 1), is the derivative.
Slope = tuple[tuple[str, str], ...]

_WORD = re.compile(r"(?P<count>\d*)(?P<name>[A-Za-z_]\w*)(?P<indices>\[[^\]]*\])?", re.ASCII)


def gated(equation: str, catalyst: str) -> str:
    """Return an equation with a catalyst on both sides, where there is one."""
    if not catalyst:
        return equation
    sides = (side.strip() for side in equation.split("->"))
    return " -> ".join(catalyst if side in ("0", "") else f"{catalyst} + {side}" for side in sides)


@dataclass(frozen=True)
class Rails:
    """Names of the species arrays that carry a signal.

    Attributes
    ----------
    plus : str
        Plus rail.
    minus : str or None
        Minus rail; None where the value cannot be negative.
    gain : str
        Rate parameter that multiplies the minus rail: the value is plus - gain x minus. Empty for 1.
    """

    plus: str
    minus: str | None = None
    gain: str = ""

    def signed(self) -> list[tuple[str, str, str]]:
        """(``"p"`` or ``"m"``, species, gain) of each rail."""
        rails = [("p", self.plus, "")]
        return rails if self.minus is None else [*rails, ("m", self.minus, self.gain)]


@dataclass
class Layer:
    """One layer of units.

    An activation writes its reactions in its own symbols, ``layer.react("activation", "2X -> X", "k")``; the layer adds
    its number and the index of the unit. The fast rate constant is ``k``. The drive that pushes the units comes from
    anywhere: the rails of a pre-activation, or signals with weights as rate constants.

    Attributes
    ----------
    network : Network
    number : int
        Of the layer; inputs are layer 0.
    dim : str
        Dimension of the units; their index is i.
    up, down : tuple of (str, str)
        What pushes the units up and down: catalyst and rate constant.
    rails : tuple of (str, str), optional
        Arrays of the rails of the pre-activation, where they exist; their symbols are ``Zp`` and ``Zm``.
    suffix : str
        Added to the names of rate parameters, for units that are not those of the hidden layers.
    gate : str
        Catalyst that every reaction needs, such as ``O[3]`` of a clock; empty for none. It may be changed in between.
    reserved : frozenset of str
        Rate parameters of the circuit: one of the activation with such a name gets the activation's behind it.
    initial : dict
        Concentrations to start from, by array name: those at z = 0.
    conserved : list of tuple of str
        Arrays whose sum no reaction changes, unit by unit.
    """

    network: Network
    number: int
    dim: str
    up: tuple[Push, ...]
    down: tuple[Push, ...]
    rails: tuple[str, str] | None = None
    suffix: str = ""
    gate: str = ""
    reserved: frozenset[str] = frozenset()
    initial: dict[str, float] = field(default_factory=dict)
    conserved: list[tuple[str, ...]] = field(default_factory=list)
    arrays: dict[str, str] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.rails:
            self.arrays |= dict(zip(("Zp", "Zm"), self.rails, strict=True))

    def parameters(self, of: str, **values: float) -> None:
        """Declare rate parameters of the activation named `of`; reactions use them by these names."""
        for name, value in values.items():
            taken = name in self.reserved and not self.suffix
            self.constants[name] = f"{name}_{of}" if taken else f"{name}{self.suffix}"
            self.network.set_parameter(self.constants[name], value)

    def species(self, **initial: float) -> None:
        """Declare species by symbol, with the concentrations to start from: those at z = 0."""
        for symbol, value in initial.items():
            self.arrays[symbol] = f"{symbol}{self.number}"
            self.network.add_species(self.arrays[symbol], self.dim)
            self.initial[self.arrays[symbol]] = value

    def conserve(self, *symbols: str) -> None:
        """State that the sum of these species never changes."""
        self.conserved.append(tuple(self.arrays[symbol] for symbol in symbols))

    def react(self, label: str, equation: str, rate: str) -> None:
        """Add one reaction of every unit; symbols declared here get the layer's number and the unit's index."""

        def place(word: re.Match[str]) -> str:
            known = self.arrays.get(word["name"])
            return word[0] if known is None or word["indices"] else f"{word['count']}{known}[i]"

        factors = (self.constants.get(factor.strip(), factor.strip()) for factor in rate.split("*"))
        self.network.add_family(label, gated(_WORD.sub(place, equation), self.gate), "*".join(factors))

    def push(self, symbol: str, *, mirrored: bool = False) -> None:
        """Let the drive multiply a species (``Z+ + X -> Z+ + 2X``) and remove it (``Z- + X -> Z-``).

        The mirror unit is the same with up and down exchanged.
        """
        up, down = (self.down, self.up) if mirrored else (self.up, self.down)
        for catalyst, rate in up:
            beside = f"{catalyst} + " if catalyst else ""
            self.react("activation", f"{beside}{symbol} -> {beside}2{symbol}", rate)
        for catalyst, rate in down:
            beside = f"{catalyst} + " if catalyst else ""
            self.react("activation", f"{beside}{symbol} -> {catalyst or 0}", rate)

    def value(self, plus: str, minus: str | None = None, *, gain: str = "") -> Rails:
        """Rails by symbol; `gain` is a parameter that multiplies the minus rail."""
        return Rails(
            self.arrays[plus], None if minus is None else self.arrays[minus], self.constants.get(gain, "")
        )

    def slope(self, *symbols: str, **gains: str) -> Slope:
        """Species that hold the derivative: those of gain 1, and those with the parameter that multiplies them."""
        unknown = [s for s in (*symbols, *gains) if s not in self.arrays]
        if unknown:
            raise InputError(f"slope: no species '{unknown[0]}' is declared in the layer")
        plain = tuple((self.arrays[symbol], "") for symbol in symbols)
        return plain + tuple((self.arrays[symbol], self.constants[gain]) for symbol, gain in gains.items())
