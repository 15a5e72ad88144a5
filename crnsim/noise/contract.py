"""What a kind of noise is: the contract that each one fulfils, built in or a user's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from crnsim.entrance.limits import LARGEST_NOISE, SMALLEST_NOISE
from crnsim.noise.options import Option

if TYPE_CHECKING:
    import numpy as np


class Runs(Protocol):
    """Runs of one batch, as a kind of noise meets them when their tables are made."""

    #: Rows that the compiled loop reads, one for each run (`crnsim.solvers.protocol.MEMBER`).
    member: np.ndarray
    #: Equations of the families of reactions.
    families: list[str]

    def values(self, keyword: str) -> list[Any]:
        """Magnitude or option of each run, by the keyword of `crnsim.Noise`; 0 for a kind that it does not know."""
        ...

    def keys(self, active: Sequence[bool], purpose: str, over: Sequence[str]) -> np.ndarray:
        """Keys of the streams of `purpose` for each name in `over`, shape (runs, names, 2); 0 where not active."""
        ...

    def in_scope(self, scope: str | None) -> tuple[list[str], np.ndarray]:
        """Arrays of species in a scope: their names, and (first row, length) of each; none for None."""
        ...


class NoiseKind:
    """One kind of noise.

    Subclass it, set the attributes, and overwrite what it acts on; the others leave a run alone. Magnitudes are
    standard deviations, zero for none.
    """

    #: Word for the kind: keyword of `Noise`, section of a sweep file, and ``noise_<name>``, its coordinate in results.
    name: ClassVar[str]
    #: What it is called in a sentence, such as "rate noise".
    label: ClassVar[str]
    #: What it acts on, for the descriptions of a sweep file: "Noise on <target>".
    target: ClassVar[str]
    #: What a magnitude is, in a sentence.
    description: ClassVar[str]
    #: Choices beside the magnitude.
    options: ClassVar[tuple[Option, ...]] = ()
    #: Magnitudes above zero that are smaller are refused.
    smallest: ClassVar[float] = SMALLEST_NOISE
    #: Whether it needs a stochastic method; runs in which it acts are in no batch with others.
    stochastic: ClassVar[bool] = False

    @property
    def coordinate(self) -> str:
        """Name of the coordinate of results that holds its magnitude."""
        return f"noise_{self.name}"

    def shown(self, magnitude: float) -> str:
        """Return a magnitude as it stands in pages and tables."""
        return f"{magnitude:g}"

    def meant(self, number: float) -> str:
        """Say which magnitude a number that is too large for one may have been meant as; nothing if none."""
        return f"{number:g} % is {number / 100:g}" if number <= 100 * LARGEST_NOISE else ""

    def perturb_rate_constants(
        self,
        magnitude: float,
        options: Mapping[str, Any],
        constants: np.ndarray,
        families: Mapping[str, slice],
        draws: Draws,
    ) -> None:
        """Change the rate constants of one replicate, in place, before anything runs; called where the kind acts.

        Parameters
        ----------
        magnitude : float
        options : mapping of str to value
            By keyword.
        constants : numpy.ndarray, shape (n_reactions,)
            One for each elementary reaction.
        families : mapping of str to slice
            Reactions of each family, by its equation.
        draws : callable
            ``draws(purpose, name, count)`` gives standard normals from the stream of the replicate for `purpose` (what
            they are for) and `name` (such as a family).
        """

    def prepare(self, runs: Runs) -> dict[str, np.ndarray]:
        """Set what the compiled loop reads of this kind in ``runs.member``; return further tables of the protocol."""
        return {}

    def in_common(self, options: Mapping[str, Any]) -> Any:
        """What runs of one batch in which the kind acts must have in common; None for nothing."""
        return None

    def disturbances(self, options: Mapping[str, Any], running_time: float) -> float:
        """How often transients start anew in one presentation, for the estimate of its cost."""
        return 0.0

    def slower(self) -> str:
        """What to do about a kind that acts too often."""
        return "take a longer interval"

    def first_action(self, options: Mapping[str, Any]) -> tuple[float, str]:
        """When it first acts in a presentation, as a time and in words; a run that ends by then has no such noise."""
        return 0.0, ""


class Draws(Protocol):
    """Standard normals of one replicate by purpose and name."""

    def __call__(self, purpose: str, name: str, count: int) -> np.ndarray:
        """Return `count` of them; equal for equal purpose and name."""
        ...
