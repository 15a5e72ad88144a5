"""Statistics of many runs of a network, taken while they finish: memory does not grow with their number."""

from __future__ import annotations

import numbers
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from crnsim.entrance.arguments import check_memory, check_whole
from crnsim.entrance.objects import check_array, check_function
from crnsim.errors import InputError
from crnsim.network.network import Network
from crnsim.noise.noise import NoiseLike
from crnsim.outcomes import OK, OUTCOMES
from crnsim.simulation import arguments, result
from crnsim.simulation.prepare import Runs, prepare
from crnsim.simulation.statistics import Histogram, Statistics, edges_of

if TYPE_CHECKING:
    import xarray as xr

#: Quantiles of an ensemble where no others are asked for.
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
#: Bins of a histogram, at most.
MOST_BINS = 10_000
#: Runs that are kept as they are, to be looked at.
SHOWN = 10
#: Bytes of the runs that are integrated at a time.
_BLOCK_BYTES = 64e6
#: Runs at a time, at most: progress is said after each block.
_MOST_AT_A_TIME = 256
#: Bytes that concentrations of all runs may take, kept for exact quantiles.
_QUANTILE_BYTES = 5e8


def ensemble(
    network: Network,
    t: Sequence[float] | np.ndarray,
    *,
    replicates: int = 100,
    quantiles: Sequence[float] = QUANTILES,
    bins: int | Sequence[float] | None = None,
    method: str = "auto",
    rates: arguments.Rates | None = None,
    initial: Mapping[str, npt.ArrayLike] | npt.ArrayLike | None = None,
    noise: NoiseLike | None = None,
    volume: float | None = None,
    seed: int | None = None,
    species: Sequence[str] | None = None,
    rtol: float = 1e-6,
    atol: arguments.Tolerances | None = None,
    max_steps: int = 1_000_000,
    estimate: bool = True,
    progress: Callable[[float], Any] | None = None,
) -> xr.Dataset:
    """Integrate many replicates of a network, and return their statistics at each time.

    Replicates are those of `crnsim.simulate` with the same arguments, number by number. They are integrated block by
    block, and only what the statistics need is kept.

    Parameters
    ----------
    network : Network
    t : array_like, shape (n_times,)
        This, and what has no words below, as for `crnsim.simulate`.
    replicates : int
    quantiles : sequence of float
        Between 0 and 1; of all replicates, interpolated linearly. They need all concentrations at once: where these are
        more than 500 MB, quantiles are left out, and the attribute ``remark`` says so.
    bins : int or sequence of float, optional
        Edges of a histogram, or a number of bins of equal width, whose range is that of the first replicates and half
        as much again on both sides. What lies beyond counts in the first or the last bin.
    method : str
    rates : mapping or array_like, optional
    initial : mapping or array_like, optional
    noise : Noise or mapping, optional
    volume : float, optional
    seed : int, optional
    species : sequence of str, optional
    rtol : float
    atol : float or mapping, optional
    max_steps : int
    estimate : bool
    progress : callable, optional
        Called with the share of the replicates that are done.

    Returns
    -------
    xarray.Dataset
        ``mean``, ``standard_deviation`` (with n - 1), ``minimum`` and ``maximum`` (time, species) and ``quantiles``
        (quantile, time, species), of the replicates that ended ``ok``; nan where there is none. With `bins`
        ``histogram`` (bin, time, species), numbers of replicates, and ``bin_edge`` (edge, species). ``status``,
        ``reason``, ``steps``, ``contacts``, ``error`` and ``warning`` of each replicate, as `crnsim.simulate` has them.
        ``shown`` (shown_replicate, time, species) are the concentrations of the first ten replicates. The attribute
        ``n_ok`` says how many replicates the statistics are of.

    Raises
    ------
    InputError
        As `crnsim.simulate`, and for quantiles outside of 0 to 1.
    """
    levels = check_array(
        "quantiles", list(quantiles) if isinstance(quantiles, (list, tuple)) else quantiles,
        wanted="numbers from 0 to 1, such as [0.05, 0.5, 0.95]", least=0, most=1,
    )  # fmt: skip
    if levels.ndim != 1:
        raise InputError("quantiles must be a list of numbers from 0 to 1")
    edges = _checked_bins(bins)
    said = check_function("progress", progress, "a function of the share that is done")
    runs = prepare(
        network,
        t,
        method=method,
        rates=rates,
        initial=initial,
        replicates=replicates,
        noise=noise,
        volume=volume,
        seed=seed,
        species=species,
        rtol=rtol,
        atol=atol,
        max_steps=max_steps,
        estimate=estimate,
    )
    return _reduced(runs, levels, edges, said)


def _checked_bins(bins: object) -> int | np.ndarray:
    """A number of bins, or their edges; 0 for none."""
    if bins is None:
        return 0
    if isinstance(bins, numbers.Real):
        return check_whole("bins", bins, most=MOST_BINS)
    wanted = "a number of bins, such as 50, or their edges, such as [0, 0.5, 1]"
    edges = check_array("bins", list(bins) if isinstance(bins, (list, tuple)) else bins, wanted=wanted)
    if edges.ndim != 1 or not 2 <= len(edges) <= MOST_BINS + 1 or not np.all(edges[1:] > edges[:-1]):
        raise InputError(f"bins must be {wanted}, which ascend, {MOST_BINS} bins at most")
    return edges


def _reduced(
    runs: Runs, levels: np.ndarray, edges: int | np.ndarray, said: Callable[[float], Any] | None
) -> xr.Dataset:
    size, total = _block_size(runs), runs.replicates
    shape = (len(runs.times), len(runs.kept))
    fits = 8.0 * total * shape[0] * shape[1] <= _QUANTILE_BYTES and len(levels) > 0
    bins = edges if isinstance(edges, int) else len(edges) - 1
    check_memory("the histograms", 8.0 * bins * shape[0] * shape[1], "ask for fewer times, species or bins")
    check_memory(
        "the runs of one block", 8.0 * size * runs.network.n_species * shape[0], "ask for fewer times"
    )
    check_memory("how the runs ended", float(arguments.RUN_BYTES * total), "ask for fewer replicates")
    statistics, histogram = Statistics(shape), None
    if not isinstance(edges, int):
        histogram = Histogram(edges[:, None, None], shape)
    kept: list[np.ndarray] = []
    shown: list[np.ndarray] = []
    names = ("status", "reason", "steps", "contacts", "error", "warning")
    columns: dict[str, list[Any]] = {name: [] for name in names}
    for first in range(0, total, size):
        part = runs.part(first, min(first + size, total))
        status = part.record.run["status"]
        found = part.record.trajectory[:, 0][:, :, runs.kept]
        good = found[status == OK]
        statistics.add(good)
        if isinstance(edges, int) and edges > 0 and histogram is None and len(good):
            histogram = Histogram(edges_of(good, edges, _apart(runs)), shape)
        if histogram is not None:
            histogram.add(good)
        if fits:
            kept.append(good)
        if first < SHOWN:
            shown.append(found[: SHOWN - first].copy())
        columns["status"].append(status.astype(np.int8))
        columns["reason"].append(np.array(part.reasons, dtype=object))
        for name in ("steps", "contacts"):
            columns[name].append(part.record.run[name])
        columns["error"].append(part.errors)
        texts = result.warnings_of(runs.network, part.record, part.errors, runs.about["method"], runs.rtol)
        columns["warning"].append(np.array(texts, dtype=object))
        if said is not None:
            said(min(first + size, total) / total)
    joined = {name: np.concatenate(parts) for name, parts in columns.items()}
    result.log_failed(joined["status"], list(joined["reason"]))
    result.log_warnings(joined["error"], list(joined["warning"]))
    quantiles = np.quantile(np.concatenate(kept), levels, axis=0) if fits and statistics.count else None
    return _dataset(runs, statistics, histogram, levels, quantiles, np.concatenate(shown), joined)


def _apart(runs: Runs) -> float:
    """Concentration of one molecule, where there are whole ones."""
    volume = runs.about["volume"]
    return 1.0 / float(volume) if volume is not None and runs.chosen.whole else 0.0


def _block_size(runs: Runs) -> int:
    """Runs of one block: full lanes."""
    from crnsim.kinetics.lanes import LANES

    one = 8 * len(runs.times) * runs.network.n_species * (3 if runs.twice else 1)
    return max(min(int(_BLOCK_BYTES / one), _MOST_AT_A_TIME) // LANES, 1) * LANES


def _dataset(
    runs: Runs,
    statistics: Statistics,
    histogram: Histogram | None,
    levels: np.ndarray,
    quantiles: np.ndarray | None,
    shown: np.ndarray,
    columns: dict[str, np.ndarray],
) -> xr.Dataset:
    import xarray as xr

    from crnsim import __version__

    n, shape = statistics.count, statistics.mean.shape
    nothing = np.full(shape, np.nan)
    deviation = np.sqrt(statistics.squares / (n - 1)) if n > 1 else nothing
    about = {"units": "1"}
    flags = {"flag_values": np.arange(len(OUTCOMES), dtype=np.int8), "flag_meanings": " ".join(OUTCOMES)}
    variables: dict[str, Any] = {
        name: (("time", "species"), values if n else nothing, about | {"long_name": title})
        for name, values, title in (
            ("mean", statistics.mean, "mean concentration"),
            ("standard_deviation", deviation, "standard deviation of the concentration"),
            ("minimum", statistics.lowest, "lowest concentration"),
            ("maximum", statistics.highest, "highest concentration"),
        )
    }
    attributes = runs.attributes | {"n_ok": n, "version": __version__}
    coordinates: dict[str, Any] = {
        "time": ("time", runs.times, {"long_name": "time, in the unit of the rate constants"}),
        "species": [runs.network.labels[row] for row in runs.kept],
        "replicate": np.arange(runs.replicates),
        "shown_replicate": np.arange(len(shown)),
    }
    if quantiles is not None:
        named = about | {"long_name": "quantile of the concentration"}
        variables["quantiles"] = (("quantile", "time", "species"), quantiles, named)
        coordinates["quantile"] = levels
    elif n and len(levels):
        attributes["remark"] = "quantiles left out: all concentrations together are more than 500 MB"
    if histogram is not None:
        named = {"long_name": "edge of a bin of the histogram", "units": "1"}
        wide = np.broadcast_to(histogram.edges[:, 0], (len(histogram.edges), shape[1]))
        variables["bin_edge"] = (("edge", "species"), wide, named)
        variables["histogram"] = (
            ("bin", "time", "species"),
            histogram.counts,
            {"long_name": "number of replicates"},
        )
    variables["shown"] = (
        ("shown_replicate", "time", "species"),
        shown,
        about | {"long_name": "concentration of the first replicates"},
    )
    variables |= {name: ("replicate", values) for name, values in columns.items()}
    variables["status"] = (*variables["status"], flags)
    variables["error"] = (*variables["error"], {"long_name": "estimated error", "units": "tolerances"})
    return xr.Dataset(variables, coords=coordinates, attrs=attributes)
