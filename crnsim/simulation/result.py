"""The result of `crnsim.simulate`."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np

from crnsim.network.network import Network
from crnsim.outcomes import COUNTS, OFTEN_AT_ZERO, OK, OUTCOMES
from crnsim.solvers.protocol import Record

if TYPE_CHECKING:
    import xarray as xr

#: From this many tolerances on an estimated error is worth a warning: errors were up to twice as large as estimated.
MUCH = 8.0
#: What a large error is put down to: with methods that resolve what grows and what is stiff, the network.
_RESOLVING = ("auto", "rosw", "rodas")
_NETWORK = ": the network enlarges errors; ask for a smaller rtol where that matters"
_METHOD = "; ask for a smaller rtol, or for method='auto', which resolves what grows and what is stiff"
#: With a smaller relative tolerance rounding is a large part of an error.
FINEST_RTOL = 1e-12
#: Most species that a warning names.
_NAMED = 5


def make_dataset(
    network: Network,
    record: Record,
    reasons: list[str],
    times: np.ndarray,
    kept: np.ndarray,
    options: dict[str, Any],
    more: dict[str, Any],
) -> xr.Dataset:
    """Concentrations, how each run went, and `more` variables: all at once, because each later one costs a copy."""
    import xarray as xr

    from crnsim import __version__

    flags = {"flag_values": np.arange(len(OUTCOMES), dtype=np.int8), "flag_meanings": " ".join(OUTCOMES)}
    return xr.Dataset(
        {
            "concentration": (
                ("replicate", "time", "species"),
                record.trajectory[:, 0][:, :, kept],
                {"units": "1", "long_name": "concentration"},
            ),
            "status": ("replicate", record.run["status"].astype(np.int8), flags),
            "reason": ("replicate", np.array(reasons, dtype=object)),
            **{name: ("replicate", record.run[name]) for name in COUNTS},
            **more,
        },
        coords={
            "replicate": np.arange(len(record.run["status"])),
            "time": ("time", times, {"long_name": "time, in the unit of the rate constants"}),
            "species": [network.labels[row] for row in kept],
        },
        attrs={"version": __version__, **options},
    )


def say_what_failed(record: Record, reasons: list[str]) -> None:
    """Log how many runs have not ended well, and why the first one has not: their concentrations are nan."""
    log_failed(record.run["status"], reasons)


def log_failed(status: np.ndarray, reasons: list[str]) -> None:
    """Log how many runs have not ended well, and why the first one has not."""
    failed = np.flatnonzero(status != OK).tolist()
    if failed:
        kinds = ", ".join(dict.fromkeys(OUTCOMES[status[number]] for number in failed))
        which = "the run" if len(status) == 1 else f"{len(failed)} of {len(status)} runs"
        first = "" if len(status) == 1 else f"replicate {failed[0]}: "
        logging.getLogger("crnsim").warning(
            "simulate: %s ended early (%s); %s%s", which, kinds, first, reasons[failed[0]]
        )


def error_variables(
    network: Network, record: Record, errors: np.ndarray, method: str, rtol: float
) -> dict[str, Any]:
    """Estimated errors, and warnings in words, which are logged too: one line for all replicates."""
    texts = warnings_of(network, record, errors, method, rtol)
    log_warnings(errors, texts)
    return {
        "error": ("replicate", errors, {"long_name": "estimated error", "units": "tolerances"}),
        "warning": ("replicate", np.array(texts, dtype=object)),
    }


def warnings_of(network: Network, record: Record, errors: np.ndarray, method: str, rtol: float) -> list[str]:
    """What to know of each run that is ``ok``, in words; empty for nothing."""
    blamed = _NETWORK if method in _RESOLVING else _METHOD
    if rtol < FINEST_RTOL:
        blamed = "; at so small an rtol rounding rules, and a larger one may be better"
    texts = []
    for error, grown, run in zip(errors, record.grown, record.run, strict=True):
        said = []
        if run["contacts"] > OFTEN_AT_ZERO * run["steps"]:
            said.append(
                f"in {run['contacts']} of {run['steps']} steps a species would have fallen below zero, where the "
                "chemical Langevin equation is biased; compare with method='hybrid'"
            )
        if error > MUCH:
            said.append(
                f"the error is about {error:.2g} tolerances, some {error * rtol:.1g} of a concentration{blamed}"
                if np.isfinite(error)
                else "at other tolerances the run does not end well: its outcome hangs on them"
            )
        if grown.any():
            names = [network.labels[row] for row in np.flatnonzero(grown)]
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            said.append(
                f"{', '.join(names[:_NAMED])}{more} grew from below the absolute tolerance; integrated by relative ones"
                " alone"
            )
        texts.append("; ".join(said))
    return texts


def log_warnings(errors: np.ndarray, texts: list[str]) -> None:
    """Log the worst of the warnings of all replicates."""
    if warned := [number for number, text in enumerate(texts) if text]:
        worst = max(warned, key=lambda number: (np.nan_to_num(errors[number]), -number))
        also = (
            f"{len(warned)} of {len(texts)} replicates are warned of; the worst, {worst}: "
            if len(texts) > 1
            else ""
        )
        logging.getLogger("crnsim").warning("simulate: %s%s", also, texts[worst])


def rate_variables(network: Network, rates: np.ndarray) -> dict[str, Any]:
    """Rate constants of each replicate, by the equation of each reaction."""
    equations = [str(reaction) for reaction in network.reactions()]
    return {"rate_constant": (("replicate", "reaction"), rates), "reaction": equations}
