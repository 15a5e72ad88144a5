"""Mean and covariance of few molecules without simulation: the linear noise approximation.

N. G. van Kampen, Stochastic Processes in Physics and Chemistry, chapter X; J. Elf, M. Ehrenberg, Genome Res. 13 (2003),
2475, doi 10.1101/gr.1196503. To leading order in 1/Omega concentrations are normal around the solution of the rate
equations y, with a covariance C that follows dC/dt = J C + C J^T + S diag(v) S^T / Omega: J is the Jacobian, S the
stoichiometry, v the rates of the reactions, all along y.
"""

from __future__ import annotations

import itertools
import json
import math
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy import linalg, sparse
from scipy.integrate import solve_ivp
from scipy.interpolate import CubicHermiteSpline

from crnsim.entrance.arguments import check_memory, check_number, shown
from crnsim.entrance.limits import LARGEST_CONCENTRATION, SMALLEST_VOLUME
from crnsim.entrance.objects import check_instance
from crnsim.errors import InputError
from crnsim.network.network import Network
from crnsim.outcomes import OK
from crnsim.simulation import arguments
from crnsim.simulation.adjoint import Adjoint
from crnsim.simulation.lyapunov import at_rest, lyapunov, per_root
from crnsim.simulation.run import simulate

if TYPE_CHECKING:
    import xarray as xr

#: Species that reactions change, at most: an entry of the covariance for each two of them, and a factorisation a step.
MOST_SPECIES = 500
#: Of a larger network covariances are taken of so many species at most (`crnsim.simulation.adjoint`).
MOST_CHOSEN = 100
#: Times at which the course of a large network is integrated, twice; and rates of change at its fixed point, as part of
#: what comes and goes.
_NODES, _AT_REST = 200, 1e-6
#: Diagonally implicit method of order 2 (R. Alexander, SIAM J. Numer. Anal. 14 (1977), 1006, doi 10.1137/0714068).
_GAMMA = 1.0 - 1.0 / math.sqrt(2.0)
#: Tolerance of the embedded method of order 1, which is far less accurate than the result, and steps.
_TOLERANCE, _MOST_STEPS = 5e-3, 20_000
#: Evaluations of the rate equations for the mean, at most.
_MOST_EVALUATIONS = 50_000
#: Error of a step that has led nowhere; and the part of the variance of independent molecules that is resolved.
_WRONG, _BELOW = 1e4, 1e-3
#: Rates of change at a fixed point, as part of what comes and goes; and by how much times are stretched to reach it.
_STILL, _LONGEST = 1e-9, 1e9
#: How little what dies out may still move, and for how many of its slowest relaxations it must have run.
_MOVED, _RELAXATIONS = 1e-6, 40.0
#: And how far what is integrated in large networks, to 1e-6, may move in ten times the time.
_CREPT = 1e-5


def linear_noise(
    network: Network,
    t: Sequence[float] | np.ndarray | None,
    *,
    volume: float,
    rates: arguments.Rates | None = None,
    initial: Mapping[str, npt.ArrayLike] | npt.ArrayLike | None = None,
    species: Sequence[str] | None = None,
) -> xr.Dataset:
    """Return mean and covariance of concentrations in a volume, by the linear noise approximation.

    It is exact for networks of first order, and good where fluctuations are small beside what makes a network
    nonlinear: `crnsim.ensemble` with the same `volume` tells.

    Parameters
    ----------
    network : Network
        Of any size; with more than 500 species that reactions change, `species` names up to 100 of them.
    t : array_like, shape (n_times,), or None
        Times, as for `crnsim.simulate`, the first of which is that of the start, where nothing fluctuates; None for the
        fixed point that the rate equations reach.
    volume : float
        Omega, the molecules for a concentration of 1.
    rates : mapping or array_like, optional
        This and the next two as for `crnsim.simulate`, for one run.
    initial : mapping or array_like, optional
    species : sequence of str, optional

    Returns
    -------
    xarray.Dataset
        ``mean``, ``standard_deviation`` and ``variance`` (time, species), ``covariance`` (time, species, other), in
        units of concentrations; without ``time`` for a fixed point.

    Raises
    ------
    InputError
        As `crnsim.simulate`; the network is too large for all species; the rate equations reach no fixed point, or one
        from which fluctuations grow.
    """
    check_instance("network", network, Network, "a crnsim.Network, such as that of crnsim.read_crn")
    volume = check_number("volume", volume, least=SMALLEST_VOLUME, most=LARGEST_CONCENTRATION)
    kept = arguments.kept_rows(network, species)
    state, runs = arguments.check_state(network, initial, 1)
    constants, parameters, more = arguments.check_rates(network, rates, 1)
    if max(runs, more) > 1:
        raise InputError("linear noise is that of one run; give one start and one set of rate constants")
    times = None if t is None else arguments.check_times(t)
    arguments.check_speed(network, constants, state, 1.0 if times is None else float(times[-1] - times[0]))
    system = _System(network, constants[0], state, volume)
    attributes = {"volume": volume, "parameters": json.dumps(parameters)}
    if network.n_dynamic > MOST_SPECIES:
        if species is None or len(kept) > MOST_CHOSEN:
            raise InputError(
                f"linear noise of {network.n_dynamic} species that change: choose up to {MOST_CHOSEN} of them, such as "
                f"species=[{shown(network.labels[0])}]; of all at once it is taken for {MOST_SPECIES} at most"
            )
        mean, covariance = _of_chosen(system, kept, times)
        return _dataset(network, kept, times, mean, covariance, attributes)
    if times is None:
        point = system.fixed_point()
        mean, covariance = point[None], system.stationary(point)[None]
    else:
        check_memory("covariances", 8.0 * len(times) * system.n**2, "ask for fewer times")
        mean, covariance = system.along(times)
    whole = np.concatenate([mean, np.tile(system.rest, (len(mean), 1))], axis=1)
    among = np.zeros((len(mean), len(kept), len(kept)))
    changed = np.flatnonzero(kept < system.n)
    among[:, changed[:, None], changed] = covariance[:, kept[changed][:, None], kept[changed]]
    return _dataset(network, kept, times, whole[:, kept], among, attributes)


def _of_chosen(system: _System, kept: np.ndarray, times: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of a few species of a large network, shapes (times, kept) and (times, kept, kept)."""
    changed = np.flatnonzero(kept < system.n)
    adjoint = Adjoint(system.changes, kept[changed], system.volume)
    ends = [None] if times is None else times.tolist()
    mean, covariance = np.zeros((len(ends), len(kept))), np.zeros((len(ends), len(kept), len(kept)))
    if times is None:
        point, shortest = system.resting()
        found = adjoint.stationary(lambda _: system.here(point), shortest)
        mean[0], covariance[0, changed[:, None], changed] = point[kept], found
        return mean, covariance
    along = system.course(times)
    for place, end in enumerate(times.tolist()):
        mean[place] = along(end)[kept]
        if end > times[0]:
            found = adjoint.at_time(lambda time: system.here(along(time)), end, end - float(times[0]))
            covariance[place, changed[:, None], changed] = found
    return mean, covariance


class _System:
    """The rate equations of the species that reactions change, and what makes them fluctuate."""

    def __init__(self, network: Network, constants: np.ndarray, state: np.ndarray, volume: float) -> None:
        self.network, self.constants, self.volume = network, constants, volume
        self.n, self.rest = network.n_dynamic, state[network.n_dynamic :]
        self.start = state[: self.n]
        self.changes = network.stoichiometry()[: self.n].astype(float)

    def _whole(self, y: np.ndarray) -> np.ndarray:
        return np.concatenate([y, self.rest])

    def slope(self, y: np.ndarray) -> np.ndarray:
        """Rates of change."""
        found: np.ndarray = self.changes @ self.network.fluxes(self._whole(y), self.constants)
        return found

    def jacobian(self, y: np.ndarray) -> np.ndarray:
        """Their derivatives."""
        whole: np.ndarray = self.network.jacobian(self._whole(y), self.constants).toarray()
        return whole[: self.n, : self.n]

    def diffusion(self, y: np.ndarray) -> np.ndarray:
        """What every reaction adds to the covariance, per time."""
        flux = np.maximum(self.network.fluxes(self._whole(y), self.constants), 0.0) / self.volume
        found: np.ndarray = (self.changes.multiply(flux) @ self.changes.T).toarray()
        return found

    def _mean(self, times: np.ndarray) -> Any:
        scale = float(np.max(self.start, initial=0.0)) or 1.0
        asked = itertools.count()

        def slope(time: float, y: np.ndarray) -> np.ndarray:
            if next(asked) == _MOST_EVALUATIONS:
                raise InputError(
                    f"the rate equations took more than {_MOST_EVALUATIONS:,} evaluations by time {time:.6g}: a "
                    "concentration grows without bound, or the time is too long"
                )
            return self.slope(y)

        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = solve_ivp(
                slope, (times[0], times[-1]), self.start, method="LSODA", dense_output=True,
                rtol=1e-8, atol=1e-12 * scale, jac=lambda _, y: self.jacobian(y),
            )  # fmt: skip
        if found.success and not np.all(np.isfinite(found.y)):
            raise InputError("the rate equations could not be integrated: concentrations grow without bound")
        if not found.success:  # too stiff for it
            course = self.course(times)
            return lambda time: course(time)[..., : self.n].T
        return found.sol

    def here(self, whole: np.ndarray) -> tuple[Any, np.ndarray]:
        """Jacobian, sparse, and rates of all reactions at a whole state."""
        whole = np.maximum(whole, 0.0)
        jacobian = sparse.csr_array(self.network.jacobian(whole, self.constants))[: self.n, : self.n]
        return jacobian, self.network.fluxes(whole, self.constants)

    def _integrated(self, times: np.ndarray) -> np.ndarray:
        """Whole states of a large network at each time."""
        network = self.network
        initial = dict(zip(network.labels, self._whole(self.start).tolist(), strict=True))
        found = simulate(network, times, rates=self.constants, initial=initial, rtol=1e-6, estimate=False)
        if found["status"].values[0] != OK:
            raise InputError(f"the rate equations could not be integrated: {found['reason'].values[0]}")
        states: np.ndarray = found["concentration"].sel(species=network.labels).values[0]
        return states

    def course(self, times: np.ndarray) -> Any:
        """Whole states of a large network at any time, between many at which they are integrated."""
        first, span = float(times[0]), float(times[-1] - times[0])
        parts = np.unique(
            np.concatenate([[0.0], np.geomspace(1e-6, 1.0, _NODES), np.linspace(0.0, 1.0, _NODES)])
        )
        nodes = np.unique(np.concatenate([first + span * parts, times]))
        # Those that rounding hardly tells apart are one.
        nodes = nodes[np.concatenate([[True], np.diff(nodes) > 1e-9 * span])]
        states = self._integrated(nodes)
        slopes = np.zeros_like(states)
        for slope, state in zip(slopes, states, strict=True):
            slope[: self.n] = self.slope(np.maximum(state[: self.n], 0.0))
        return CubicHermiteSpline(nodes, states, slopes)

    def resting(self) -> tuple[np.ndarray, float]:
        """Where a large network comes to rest, and a time that is short beside its slowest ones."""
        time = 100.0
        while time <= _LONGEST:
            whole = np.maximum(self._integrated(np.array([0.0, time]))[-1], 0.0)
            flux = self.network.fluxes(whole, self.constants)
            through, net = abs(self.changes) @ flux, np.abs(self.changes @ flux)
            through = np.maximum(through, 1e-12 * np.max(through, initial=0.0))
            highest = np.max(whole, initial=0.0)
            if np.all((net <= _AT_REST * through) | (net * time <= _MOVED * highest)):
                # What creeps seems to rest.
                later = np.maximum(self._integrated(np.array([0.0, 10.0 * time]))[-1], 0.0)
                if np.max(np.abs(later - whole), initial=0.0) > _CREPT * highest:
                    time *= 100.0
                    continue
                rates = through[through > 0] / np.maximum(whole[: self.n][through > 0], 1e-300)
                return whole, 1.0 / float(np.max(rates, initial=1e-3))
            time *= 100.0
        raise InputError(
            f"the rate equations reach no fixed point within {_LONGEST:g}; give times instead of None"
        )

    def along(self, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and covariance at each time, shapes (times, n) and (times, n, n)."""
        mean = self._mean(times)
        covariance = np.zeros((len(times), self.n, self.n))
        now, held, step = float(times[0]), covariance[0], (times[-1] - times[0]) * 1e-6
        steps = 0
        for place, end in enumerate(times[1:].tolist(), 1):
            while now < end:
                step = min(step, end - now)
                steps += 1
                if steps > _MOST_STEPS:
                    raise InputError(
                        f"linear noise took more than {_MOST_STEPS} steps by time {now:.6g}; ask for less"
                    )
                found, error = self._step(mean, now, step, held)
                if error <= 1.0:
                    now = end if end - now - step <= 1e-12 * abs(end) else now + step
                    held = found
                step *= min(max(0.9 / math.sqrt(max(error, 1e-8)), 0.2), 4.0)
            covariance[place] = held
        return np.maximum([mean(time) for time in times], 0.0), covariance

    def _step(self, mean: Any, now: float, step: float, held: np.ndarray) -> tuple[np.ndarray, float]:
        """Covariance after a step, and its estimated error in tolerances."""
        _, k1 = self._stage(mean(now + _GAMMA * step), _GAMMA * step, held)
        _, k2 = self._stage(mean(now + step), _GAMMA * step, held + (1 - _GAMMA) * step * k1)
        found = held + step * ((1 - _GAMMA) * k1 + _GAMMA * k2)
        wrong = step * (1 - _GAMMA) * (k1 - k2) * 0.5
        scale = np.sqrt(np.maximum(np.maximum(np.diag(found), np.diag(held)), 0.0))
        # Far below what independent molecules fluctuate by nothing needs to be resolved.
        scale = np.maximum(scale, math.sqrt(_BELOW / self.volume) / per_root(mean(now + step)))
        error = float(np.max(np.abs(wrong) / np.outer(scale, scale), initial=0.0)) / _TOLERANCE
        return found, error if math.isfinite(error) else _WRONG

    def _stage(self, y: np.ndarray, step: float, held: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Solve C = held + step (J C + C J^T + D); return C and the slope there."""
        y = np.maximum(y, 0.0)
        jacobian, diffusion = self.jacobian(y), self.diffusion(y)
        matrix = 0.5 * np.eye(self.n) - step * jacobian
        right = held + step * diffusion
        if not (np.all(np.isfinite(right)) and np.all(np.isfinite(matrix))):
            return right, right
        try:
            found = lyapunov(matrix, right, y)
        except linalg.LinAlgError:
            found = np.full_like(right, math.nan)
        return found, jacobian @ found + found @ jacobian.T + diffusion

    # -- at a fixed point ---------------------------------------------------------------------------------

    def fixed_point(self) -> np.ndarray:
        """Where the rate equations come to rest.

        Raises
        ------
        InputError
            They do not, within 10^9 units of time.
        """
        time = 100.0
        while time <= _LONGEST:
            y = np.maximum(self._mean(np.array([0.0, time]))(time), 0.0)
            flux = self.network.fluxes(self._whole(y), self.constants)
            through, net = abs(self.changes) @ flux, np.abs(self.changes @ flux)
            through = np.maximum(through, 1e-12 * np.max(through, initial=0.0))
            highest = max(np.max(y, initial=0.0), np.max(self.start, initial=0.0))
            # What dies out never comes to rest by its own measure; and what creeps seems to rest, so that all must
            # have had the time for it.
            if np.all((net <= _STILL * through) | (net * time <= _MOVED * highest)):
                slowest = self._slowest(y)
                if slowest <= 0.0 or slowest * time >= _RELAXATIONS:
                    return y
            time *= 100.0
        raise InputError(
            f"the rate equations reach no fixed point within {_LONGEST:g}; give times instead of None"
        )

    def _reduced(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """A basis of what the reactions can change, and the Jacobian in it."""
        basis = linalg.orth(self.changes.toarray())
        return basis, basis.T @ self.jacobian(y) @ basis

    def _slowest(self, y: np.ndarray) -> float:
        """Rate of the slowest relaxation."""
        jacobian = self._reduced(y)[1]
        return float(np.min(-linalg.eigvals(jacobian).real)) if len(jacobian) else math.inf

    def stationary(self, y: np.ndarray) -> np.ndarray:
        """Covariance at a fixed point, of what the reactions can change: conserved sums do not fluctuate."""
        basis, jacobian = self._reduced(y)
        if basis.shape[1] and np.max(linalg.eigvals(jacobian).real) >= -1e-12 * np.linalg.norm(jacobian):
            raise InputError("fluctuations grow at the fixed point that is reached, or never end; give times")
        try:
            return at_rest(self.jacobian(y), self.diffusion(y), self.changes.toarray(), y)
        except linalg.LinAlgError:
            raise InputError(
                "fluctuations at the fixed point end too slowly to be told; give times"
            ) from None


def _dataset(
    network: Network,
    kept: np.ndarray,
    times: np.ndarray | None,
    mean: np.ndarray,
    covariance: np.ndarray,
    attributes: dict[str, Any],
) -> xr.Dataset:
    import xarray as xr

    from crnsim import __version__

    variance = np.maximum(np.diagonal(covariance, axis1=1, axis2=2), 0.0)
    names = [network.labels[row] for row in kept]
    about = {"units": "1"}
    data = xr.Dataset(
        {
            "mean": (
                ("time", "species"),
                mean,
                about | {"long_name": "mean concentration"},
            ),
            "variance": (
                ("time", "species"),
                variance,
                about | {"long_name": "variance of the concentration"},
            ),
            "standard_deviation": (
                ("time", "species"),
                np.sqrt(variance),
                about | {"long_name": "standard deviation"},
            ),
            "covariance": (("time", "species", "other"), covariance, about | {"long_name": "covariance"}),
        },
        coords={"species": names, "other": names},
        attrs=attributes | {"version": __version__},
    )
    if times is None:
        return data.isel(time=0)
    return data.assign_coords(time=("time", times, {"long_name": "time, in the unit of the rate constants"}))
