"""Every reaction of one run of single molecules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from crnsim.entrance.arguments import check_memory, check_number, check_whole
from crnsim.entrance.limits import LARGEST_RATE, MOST_STEPS
from crnsim.errors import InputError
from crnsim.network.network import Network
from crnsim.noise.noise import NoiseLike
from crnsim.outcomes import OK
from crnsim.simulation import arguments
from crnsim.simulation.prepare import prepare

if TYPE_CHECKING:
    import xarray as xr

#: Largest number of a replicate.
_MOST_REPLICATES = 2**53


def event_list(
    network: Network,
    time: float,
    *,
    replicate: int = 0,
    rates: arguments.Rates | None = None,
    initial: Mapping[str, npt.ArrayLike] | npt.ArrayLike | None = None,
    noise: NoiseLike | None = None,
    volume: float | None = None,
    seed: int | None = None,
    most: int = 10_000_000,
) -> xr.Dataset:
    """Return every reaction that takes place in one replicate, from time 0 on.

    It is the replicate that `crnsim.simulate` with method ``ssa``, the same arguments and times that begin at 0 and end
    at `time` has under that number, reaction by reaction.

    Parameters
    ----------
    network : Network
    time : float
        Until when.
    replicate : int
    rates : mapping or array_like, optional
        This, and what has no words below, as for `crnsim.simulate`.
    initial : mapping or array_like, optional
    noise : Noise or mapping, optional
        Noise on concentrations is refused, whose kicks are no reactions.
    volume : float, optional
    seed : int, optional
    most : int
        Events, at most: each takes 16 bytes.

    Returns
    -------
    xarray.Dataset
        ``time`` (event), and ``reaction`` (event), which counts the elementary reactions of `network` from 0, whose
        equations are ``equation`` (reaction_number); ``start`` and ``end`` (species), the numbers of molecules.

    Raises
    ------
    InputError
        As `crnsim.simulate`, and if there are more events than `most`.
    """
    from crnsim.solvers.stochastic.listing import list_events

    replicate = check_whole("replicate", replicate, least=0, most=_MOST_REPLICATES)
    most = check_whole("most", most, most=MOST_STEPS)
    check_memory("the list of events", 16.0 * most, "ask for a smaller `most`")
    end = check_number("time", time, above=1.0 / LARGEST_RATE, most=LARGEST_RATE)
    runs = prepare(
        network, [0.0, end], method="ssa", rates=rates, initial=initial, replicates=1, noise=noise, volume=volume,
        seed=seed, species=None, rtol=1e-6, atol=None, max_steps=MOST_STEPS, estimate=False,
    )  # fmt: skip
    if runs.about["volume"] is None:
        raise InputError(
            "a list of events counts molecules; give the volume that they are in, such as volume=1000"
        )
    if runs.noise.concentrations > 0:
        raise InputError(
            "noise on concentrations kicks numbers of molecules, which a list of reactions does not hold"
        )
    if runs.replicates > 1:
        raise InputError("rates and initial must be those of one replicate")
    protocol, _ = replace(runs, numbers=np.array([replicate])).protocol(0, 1)
    member = protocol.member.copy()
    member["volume"] = runs.about["volume"]
    record, times, reactions = list_events(network, protocol._replace(member=member), most)
    if record.run["status"][0] != OK:
        if len(times) < most:
            raise InputError(
                "there are more molecules of one species than can be counted, 2^53; take a smaller volume"
            )
        raise InputError(
            f"more than {most:,} reactions take place by time {times[-1]:.6g}; ask for less, or a larger most"
        )
    counted = np.rint(record.final[0] * runs.about["volume"]).astype(np.int64)
    return _dataset(network, times, reactions, counted, runs.attributes | {"replicate": replicate})


def _dataset(
    network: Network, times: np.ndarray, reactions: np.ndarray, last: np.ndarray, attributes: dict[str, Any]
) -> xr.Dataset:
    import xarray as xr

    from crnsim import __version__

    often = np.bincount(reactions, minlength=network.n_reactions)
    return xr.Dataset(
        {
            "time": ("event", times, {"long_name": "time, in the unit of the rate constants"}),
            "reaction": ("event", reactions.astype(np.int32)),
            "start": ("species", last - np.rint(network.stoichiometry() @ often).astype(np.int64)),
            "end": ("species", last),
        },
        coords={
            "species": network.labels,
            "equation": ("reaction_number", [str(reaction) for reaction in network.reactions()]),
        },
        attrs={"version": __version__, **attributes},
    )
