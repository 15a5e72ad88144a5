"""Chemical reaction networks: mass-action kinetics over arrays of species and families of reactions."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy import sparse

from crnsim.entrance.arguments import shown
from crnsim.entrance.objects import check_flag, check_line
from crnsim.errors import InputError, suggest
from crnsim.network import checks
from crnsim.network.conservation import integer_laws
from crnsim.network.core import Core
from crnsim.network.families import Family
from crnsim.network.latex import latex_text
from crnsim.network.parameters import check_place
from crnsim.network.picture import draw
from crnsim.network.text import crn_text
from crnsim.wording import html_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Families of reactions that a notebook shows.
_MOST_SHOWN = 50


class Network(Core):
    """A chemical reaction network with mass-action kinetics.

    Parameters
    ----------
    dims : mapping of str to int, optional
        Dimension names and their lengths, such as ``{"hidden": 6}``.
    parameters : mapping of str to float or array_like, optional
        Rate parameters by name, numbers or arrays. Time is in units of 1/k when the fast constant ``k`` is 1;
        concentrations are dimensionless.

    Examples
    --------
    >>> net = Network(dims={"n": 2}, parameters={"k": 1.0})
    >>> net.add_species("A", "n")
    >>> net.add_species("B")
    >>> net.add_family("decay", "A[i] -> B", "k")
    >>> print(*net.reactions(), sep="; ")
    A[0] ->{1} B; A[1] ->{1} B
    """

    def check_parameter(self, name: str, *, species: bool = False) -> None:
        """Raise InputError unless a rate parameter that is one number, and is used, is called so.

        Parameters
        ----------
        name : str
        species : bool
            A single species may be called so too.
        """
        name, species = check_line("a name", name), check_flag("species", species)
        if self.has_parameter(name):
            if not self.uses(name):
                raise InputError(
                    f"rate parameter {name} is in no rate of a reaction, so that nothing depends on it"
                )
            return
        if species and name in self.labels:
            return
        check_place(name, self.arrays)
        what = "rate parameter or species" if species else "rate parameter"
        known = [*self.parameters, *self.arrays, *(self.labels if species else ())]
        raise InputError(f"no {what} {shown(name)}; {suggest(shown(name)[1:-1], known)}")

    # -- algebra ----------------------------------------------------------------------------------------

    def stoichiometry(self) -> sparse.csr_array:
        """Net change of each species by each elementary reaction, shape (n_species, n_reactions)."""
        return self._stoichiometry.copy()

    @cached_property
    def _stoichiometry(self) -> sparse.csr_array:
        rows, columns, values = [], [], []
        for start, family, changes in zip(
            self.first_reactions, self._families, self.elementary[1], strict=True
        ):
            for species_rows, count in changes:
                rows.append(species_rows)
                columns.append(np.arange(start, start + family.size))
                values.append(np.full(family.size, count, dtype=np.int64))
        if not rows:
            return sparse.csr_array((self.n_species, self.n_reactions), dtype=np.int64)
        triplets = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
        return sparse.csr_array(triplets, shape=(self.n_species, self.n_reactions))

    def fluxes(self, state: np.ndarray, constants: np.ndarray) -> np.ndarray:
        """Rate of every elementary reaction (concentration per time), shape (n_reactions,).

        The plain NumPy form of mass action: slower than `crnsim.kinetics`, used to check it.
        """
        state = checks.check_vector("state", state, self.n_species)
        flux = checks.check_vector("constants", constants, self.n_reactions).copy()
        for start, family, terms in zip(
            self.first_reactions, self._families, self.elementary[0], strict=True
        ):
            for rows, count in terms:
                flux[start : start + family.size] *= state[rows] ** count
        return flux

    def slopes(self, state: np.ndarray) -> sparse.csr_array:
        """Derivative of every reaction's rate by the concentrations, for rate constants of 1.

        Returns
        -------
        scipy.sparse.csr_array, shape (n_reactions, n_species)
        """
        state = checks.check_vector("state", state, self.n_species)
        reactions, columns, values = [], [], []
        for start, family, terms in zip(
            self.first_reactions, self._families, self.elementary[0], strict=True
        ):
            for chosen, (rows, count) in enumerate(terms):
                slope = count * state[rows] ** (count - 1)
                for other, (other_rows, other_count) in enumerate(terms):
                    if other != chosen:
                        slope = slope * state[other_rows] ** other_count
                reactions.append(np.arange(start, start + family.size))
                columns.append(rows)
                values.append(slope)
        if not reactions:
            return sparse.csr_array((self.n_reactions, self.n_species))
        triplets = (np.concatenate(values), (np.concatenate(reactions), np.concatenate(columns)))
        return sparse.csr_array(triplets, shape=(self.n_reactions, self.n_species))

    def jacobian(self, state: np.ndarray, constants: np.ndarray) -> sparse.csr_array:
        """Derivative of the rates of change by the concentrations, shape (n_species, n_species)."""
        constants = checks.check_vector("constants", constants, self.n_reactions)
        slopes = self.slopes(state)
        slopes.data *= np.repeat(constants, np.diff(slopes.indptr))
        return self._stoichiometry @ slopes

    def conservation_laws(self) -> list[dict[str, int]]:
        """Linear combinations of concentrations that no reaction changes.

        Returns
        -------
        list of dict
            A basis, each law as coefficients by species name, in lowest integer terms.
        """
        return [
            {self.labels[i]: count for i, count in law.items()} for law in integer_laws(self.stoichiometry())
        ]

    # -- text -------------------------------------------------------------------------------------------

    def summary(self) -> str:
        """Counts of species and reactions, and the families under their labels."""
        lines = [repr(self)[1:-1]]
        by_label: dict[str, list[Family]] = {}
        for family in self._families:
            by_label.setdefault(family.label, []).append(family)
        for label, families in by_label.items():
            lines.append(f"\n{label} ({sum(f.size for f in families)})")
            lines.extend(f"  {family}" for family in families)
        return "\n".join(lines)

    def __repr__(self) -> str:
        order = max((family.order for family in self._families), default=0)
        return (
            f"<crnsim.Network: {self.n_species} species in {len(self._species)} arrays, "
            f"{self.n_reactions} reactions in {len(self._families)} families, order at most {order}>"
        )

    def _repr_html_(self) -> str:
        """Show the families of reactions as a table, in a notebook."""
        rows = [(family.label, str(family), f"{family.size}") for family in self._families[:_MOST_SHOWN]]
        if left := len(self._families) - len(rows):
            rows.append(("", f"and {left} more families", ""))
        return html_table(repr(self)[1:-1], rows, ("for", "reaction", "number"))

    def to_crn(
        self,
        *,
        initial: Mapping[str, npt.ArrayLike] | npt.ArrayLike | None = None,
        elementary: bool = False,
    ) -> str:
        """Return the network as text that `crnsim.read_crn` reads back as the same network.

        Parameters
        ----------
        initial : mapping or array_like, optional
            Concentrations at the start by name, or of all species in the order of `labels`; `initial` of the network
            where left out.
        elementary : bool
            Write every reaction in a line of its own, with its rate constant as a number; else every family, with the
            names of its parameters.
        """
        return crn_text(self, initial=initial, elementary=elementary)

    def to_latex(self) -> str:
        r"""Return the families of reactions as LaTeX, with ``\ce`` of the package mhchem."""
        return latex_text(self)

    def draw(self, ax: Axes | None = None) -> Axes:
        """Draw species and reactions: arrows to what is made, dashed lines from catalysts.

        A small network is drawn species by species; of a larger one, arrays of species and families of reactions are,
        with the number of reactions in each; of one with many families, what they are for.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure where left out.

        Returns
        -------
        matplotlib.axes.Axes
        """
        return draw(self, ax)
