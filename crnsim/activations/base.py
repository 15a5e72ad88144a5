"""What an activation is: reactions that turn a drive into the rails of a value and its slope, with closed forms."""

from __future__ import annotations

import abc
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np

from crnsim.activations.layer import Layer, Rails, Slope
from crnsim.entrance.arguments import check_number
from crnsim.entrance.limits import LARGEST_RATE, SMALLEST_PARAMETER
from crnsim.errors import InputError
from crnsim.network.network import Network


@dataclass(frozen=True)
class Cost:
    """What one unit takes, beyond the reactions that drive it; each push up or down is one reaction a source.

    Attributes
    ----------
    species, reactions : int
        Of the value, with one source that pushes up and one that pushes down.
    slope_species, slope_reactions : int
        What the slope takes on top.
    """

    species: int
    reactions: int
    slope_species: int
    slope_reactions: int


class Activation(abc.ABC):
    """One activation function and its chemistry; subclasses are frozen dataclasses of their parameters.

    Below, z is the difference of the drive's two productions, those that push up less those that push down, in units
    of k: the pre-activation.
    """

    #: Name users write.
    name: ClassVar[str]
    #: Is the derivative continuous?
    smooth: ClassVar[bool]
    #: Smallest and largest value, in the limit of large arguments.
    bounds: ClassVar[tuple[float, float]] = (-np.inf, np.inf)
    #: Does the unit work on the rails Z+ and Z- of its pre-activation, and annihilate them itself?
    needs_rails: ClassVar[bool] = False
    #: Does it work only where one phase sets the rails and another uses them up?
    needs_clock: ClassVar[bool] = False
    #: Stages of the value that relax one after the other, each at s = sqrt(z^2 + 4h) or faster; None where that is
    #: not known.
    relaxing_stages: ClassVar[int | None] = None

    @abc.abstractmethod
    def add_value(self, layer: Layer) -> Rails:
        """Add the species and reactions of the value to `layer`; return its rails."""

    @abc.abstractmethod
    def add_slope(self, layer: Layer) -> Slope:
        """Add the species and reactions of the derivative, after `add_value`; return the species that hold it."""

    def add_reset(self, layer: Layer) -> None:  # noqa: B027
        """Add the reactions that make the unit ready for the next value, where a clock asks for it; none by default."""

    @abc.abstractmethod
    def value(self, z: np.ndarray) -> np.ndarray:
        """Closed form of the value the chemistry relaxes to (for a unit with rails: in the limit of large kz)."""

    @abc.abstractmethod
    def slope(self, z: np.ndarray) -> np.ndarray:
        """Derivative of `value`."""

    @abc.abstractmethod
    def concentrations(self, plus: np.ndarray, minus: np.ndarray, k: float = 1.0) -> dict[str, np.ndarray]:
        """Concentration of every species of the unit at its fixed point, by symbol.

        Parameters
        ----------
        plus : numpy.ndarray
            Productions that push up, in units of k.
        minus : numpy.ndarray
            Those that push down; the difference is z.
        k : float
            Fast rate constant; it matters where the unit has another rate constant beside it.
        """

    @abc.abstractmethod
    def relaxation_rate(self, plus: np.ndarray, minus: np.ndarray, k: float = 1.0) -> np.ndarray:
        """Slowest rate, in units of k, at which the value relaxes to its fixed point under a drive that is held."""

    def fixed_point(
        self, plus: np.ndarray, minus: np.ndarray, k: float = 1.0
    ) -> tuple[np.ndarray, np.ndarray]:
        """Value and slope that the chemistry relaxes to, also at finite rate constants; see `concentrations`."""
        z = np.asarray(plus, dtype=float) - np.asarray(minus, dtype=float)
        return self.value(z), self.slope(z)

    def effective_smoothing(self, production: np.ndarray, k: float = 1.0) -> np.ndarray:
        """Smoothing h of the squareplus that the unit equals, from the production that pushes up; nan for others."""
        return np.full_like(np.asarray(production, dtype=float), np.nan)

    def parameters(self) -> dict[str, Any]:
        """Parameters by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]

    def cost(self) -> Cost:
        """Species and reactions that a unit takes, counted in a network of one unit."""
        layer = single_unit(self)
        counts = [(layer.network.n_species, layer.network.n_reactions)]
        for add in (self.add_value, self.add_slope):
            add(layer)
            counts.append((layer.network.n_species, layer.network.n_reactions))
        (s0, r0), (s1, r1), (s2, r2) = counts
        return Cost(s1 - s0, r1 - r0, s2 - s1, r2 - r1)

    @property
    def reference(self) -> str:
        """Name by which `crnsim.activations.activation` finds the class: its own, or ``module:Class``."""
        cls = type(self)
        if cls.__module__.startswith("crnsim.activations."):
            return self.name
        return f"{cls.__module__}:{cls.__qualname__}"

    def _require_positive(self, *names: str) -> None:
        for name in names:
            what = f"activation {self.name}: {name}"
            value = check_number(what, getattr(self, name), least=SMALLEST_PARAMETER, most=LARGEST_RATE)
            object.__setattr__(self, name, value)

    def _require_fraction(self, name: str) -> None:
        self._require_positive(name)
        if not getattr(self, name) < 1:
            raise InputError(
                f"activation {self.name}: {name} is {getattr(self, name):g}; it must lie between 0 and 1"
            )


def single_unit(unit: Activation, size: int = 1) -> Layer:
    """Return an empty layer of `size` units of its own network: Z rails from productions ``Inp`` and ``Inm``."""
    network = Network(dims={"n1": size}, parameters={"k": 1.0})
    for rail in "pm":
        network.add_species(f"In{rail}", "n1")
        network.add_species(f"Z1{rail}", "n1")
        network.add_family("pre-activation", f"In{rail}[i] -> In{rail}[i] + Z1{rail}[i]", "k")
        network.add_family("pre-activation", f"Z1{rail}[i] -> 0", "k")
    return Layer(network, 1, "n1", up=(("Z1p[i]", "k"),), down=(("Z1m[i]", "k"),), rails=("Z1p", "Z1m"))
