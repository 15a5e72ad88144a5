"""A network of the user's own among the circuits: it has inputs and observables instead of layers and weights."""

from __future__ import annotations

from typing import Any, NoReturn

from crnsim.circuits.circuit import OBSERVATION, CircuitKind
from crnsim.errors import InputError


def _build(*_: Any, **__: Any) -> NoReturn:
    raise InputError(
        "network: it stands in a file of your own and has no layers; use 'crnsim simulate FILE', "
        "'crnsim describe FILE', or 'network: FILE' in a sweep file"
    )


#: The entry of the table of circuits.
NETWORK = CircuitKind(
    name="network",
    title="a network of your own, from a file or a function",
    build=_build,
    parameters={},
    modes=(OBSERVATION,),
)
