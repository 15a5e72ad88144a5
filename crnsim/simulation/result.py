"""The result of `crnsim.simulate`."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np

from crnsim.network.network import Network
from crnsim.outcomes import OUTCOMES
from crnsim.solvers.protocol import Record

if TYPE_CHECKING:
    import xarray as xr

#: From this many tolerances on an estimated error is worth a warning: errors were up to twice as large as estimated.
MUCH = 8.0
#: What a large error is put down to: with methods that resolve what grows and what is stiff, the network.
_RESOLVING = ("auto", "rosw", "rodas")
_NETWORK = ": the network enlarges errors; ask for a smaller rtol"
_METHOD = "; ask for a smaller rtol, or for method='auto', which resolves what grows and what is stiff"
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
            "steps": ("replicate", record.run["steps"]),
            "rejected": ("replicate", record.run["rejected"]),
            "evaluations": ("replicate", record.run["evaluations"]),
            **more,
        },
        coords={
            "replicate": np.arange(len(record.run["status"])),
            "time": ("time", times, {"units": "1/k"}),
            "species": [network.labels[row] for row in kept],
        },
        attrs={"version": __version__, **options},
    )


def error_variables(network: Network, record: Record, errors: np.ndarray, method: str) -> dict[str, Any]:
    """Estimated errors, and warnings in words, which are logged too."""
    texts = []
    blamed = _NETWORK if method in _RESOLVING else _METHOD
    for error, grown in zip(errors, record.grown, strict=True):
        said = []
        if error > MUCH:
            said.append(
                f"the error is about {error:.2g} tolerances{blamed}"
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
    for text in sorted(set(texts) - {""}):
        of = [number for number, other in enumerate(texts) if other == text]
        which = (
            f" (replicate {of[0]}{f' and {len(of) - 1} more' if len(of) > 1 else ''})"
            if len(texts) > 1
            else ""
        )
        logging.getLogger("crnsim").warning("simulate: %s%s", text, which)
    return {
        "error": ("replicate", errors, {"long_name": "estimated error", "units": "tolerances"}),
        "warning": ("replicate", np.array(texts, dtype=object)),
    }


def rate_variables(network: Network, rates: np.ndarray) -> dict[str, Any]:
    """Rate constants of each replicate, by the equation of each reaction."""
    equations = [str(reaction) for reaction in network.reactions()]
    return {"rate_constant": (("replicate", "reaction"), rates), "reaction": equations}
