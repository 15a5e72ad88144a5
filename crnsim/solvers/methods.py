"""The table of methods: what each one is and can, under one contract; methods from elsewhere by name.

The built-in ones are declared here and not beside their code, because that imports Numba or SciPy: whoever only reads
the table, such as a check of a sweep file, does not wait for them.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal

from crnsim.errors import InputError
from crnsim.network.network import Network
from crnsim.registry import Registry
from crnsim.solvers.protocol import Protocol, Record, Request

#: Group of entry points under which an installed package offers methods.
ENTRY_POINTS = "crnsim.methods"

#: The function of a method: ``run(network, protocol, record, request)`` integrates a batch and fills `record`.
Run = Callable[[Network, Protocol, Record, Request], None]


@dataclass(frozen=True)
class Method:
    """What a method is and what it can; a request that it cannot meet never reaches it.

    Attributes
    ----------
    name : str
        A word of letters, digits and underscores.
    title : str
        What it is, in a line.
    source : str
        Where it is from: a DOI, or the library that holds it.
    run : callable, or str
        `Run`, or where to find it, as ``"module:function"``: imported when a batch is integrated.
    stochastic : bool
        Whether it follows single molecules in a volume, from a seed. Otherwise it takes neither.
    whole : bool
        Whether its numbers of molecules are whole.
    jacobian : bool
        Whether it uses derivatives of the rates of change.
    events : bool
        Whether it follows several presentations, shows their samples and acts with their noise. Otherwise it
        integrates one presentation from its start.
    output : str
        How values at recorded times arise: ``"interpolated"`` between steps by a cubic, by ``"side steps"`` from the
        same state, or ``"its own"``.
    orders : tuple of int
        Orders of convergence: that of the solution, and of the embedded one that gives the error; of a method that
        varies its order the highest and the lowest. Empty for an exact method.
    """

    name: str
    title: str
    source: str
    run: Run | str
    stochastic: bool = False
    whole: bool = False
    jacobian: bool = False
    events: bool = False
    output: Literal["interpolated", "side steps", "its own"] = "its own"
    orders: tuple[int, ...] = ()

    def function(self) -> Run:
        """Return the function that integrates a batch, imported now if it is not yet."""
        if not isinstance(self.run, str):
            return self.run
        module, _, name = self.run.partition(":")
        found: Run = getattr(importlib.import_module(module), name)
        return found


_ODE, _SCIPY = "crnsim.solvers.ode.batch:run", "crnsim.solvers.scipy:run"
_STOCHASTIC = "crnsim.solvers.stochastic.batch:run"
_BUILT_IN = (
    Method(
        "auto",
        "rosw or rodas, or bs23 or dp45 where they are cheaper, by what the steps cost",
        "docs/integration.md",
        _ODE,
        jacobian=True,
        events=True,
        output="side steps",
        orders=(3, 2),
    ),
    Method(
        "bs23",
        "explicit Bogacki-Shampine pair of order 3(2), compiled",
        "doi 10.1016/0893-9659(89)90079-7",
        _ODE,
        events=True,
        output="interpolated",
        orders=(3, 2),
    ),
    Method(
        "dp45",
        "explicit Dormand-Prince pair of order 5(4), compiled; for tight tolerances where nothing is stiff",
        "doi 10.1016/0771-050X(80)90013-3",
        _ODE,
        events=True,
        output="side steps",
        orders=(5, 4),
    ),
    Method(
        "rkc",
        "stabilised explicit Runge-Kutta-Chebyshev method of order 2, compiled; for coarse tolerances",
        "doi 10.1016/S0377-0427(97)00219-7",
        _ODE,
        jacobian=True,  # a bound of its spectral radius
        events=True,
        output="side steps",
        orders=(2,),
    ),
    Method(
        "rosw",
        "linearly implicit W-method of order 3(2) with part of the Jacobian, compiled",
        "doi 10.1007/s10543-005-0035-y",
        _ODE,
        jacobian=True,
        events=True,
        output="side steps",
        orders=(3, 2),
    ),
    Method(
        "rodas",
        "linearly implicit method of order 4(3) with the whole Jacobian, compiled; for tight tolerances",
        "doi 10.1007/978-3-642-05221-7",
        _ODE,
        jacobian=True,
        events=True,
        output="side steps",
        orders=(4, 3),
    ),
    Method(
        "ssa",
        "exact stochastic simulation: the direct method over partial propensities in a tree of sums, compiled",
        "doi 10.1063/1.3154624",
        _STOCHASTIC,
        stochastic=True,
        whole=True,
        events=True,
    ),
    Method(
        "tau",
        "explicit trapezoidal tau-leaping, with reactions that are critical followed one by one, compiled",
        "doi 10.1063/1.2159468",
        _STOCHASTIC,
        stochastic=True,
        whole=True,
        events=True,
    ),
    Method(
        "cle",
        "chemical Langevin equation with a linearly implicit trapezoidal drift, compiled",
        "doi 10.1063/1.481811",
        _STOCHASTIC,
        stochastic=True,
        jacobian=True,
        events=True,
    ),
    Method(
        "hybrid",
        "partition by state: few molecules are followed, many are leapt over with an implicit drift, compiled",
        "docs/stochastic.md",
        _STOCHASTIC,
        stochastic=True,
        whole=True,
        jacobian=True,
        events=True,
    ),
    Method(
        "LSODA",
        "SciPy's LSODA, switching between Adams and BDF",
        "doi 10.1137/0904010",
        _SCIPY,
        jacobian=True,
        orders=(12, 1),
    ),
    Method(
        "BDF",
        "SciPy's BDF with a sparse Jacobian",
        "doi 10.1137/S1064827594276424",
        _SCIPY,
        jacobian=True,
        orders=(5, 1),
    ),
    Method(
        "Radau",
        "SciPy's implicit Runge-Kutta of order 5 with a sparse Jacobian",
        "doi 10.1007/978-3-642-05221-7",
        _SCIPY,
        jacobian=True,
        orders=(5, 3),
    ),
)


def _checked(name: str, found: Any) -> Method:
    if not isinstance(found, Method):
        raise InputError(f"method {name}: it is no crnsim.solvers.Method, but of type {type(found).__name__}")
    module, _, function = found.run.partition(":") if isinstance(found.run, str) else ("", "", "")
    if not callable(found.run) and not (module and function):
        raise InputError(f"method {name}: its run is {found.run!r}; give a function, or 'module:function'")
    return found


_REGISTRY: Registry[Method] = Registry("method", ENTRY_POINTS, _BUILT_IN, _checked)
#: Every built-in method by the name that `crnsim.simulate` takes.
METHODS = _REGISTRY.built_in


def find_method(name: str) -> Method:
    """Return a method by name.

    Parameters
    ----------
    name : str
        A key of `METHODS`; the name of an entry point in the group ``crnsim.methods`` of an installed package; or
        ``module:NAME`` of a `Method` in a file of your own, looked for in the working directory too.

    Raises
    ------
    InputError
        There is none, its module cannot be imported, or it is no `Method`.
    """
    return _REGISTRY.find(name)


def for_molecules(name: str) -> str:
    """Return the method that is meant where molecules are counted: a stochastic one for ``auto``."""
    return "ssa" if name == "auto" else name


def method_for(name: str, volume: bool) -> str:
    """Return the method of points of a sweep: those without molecules to count are integrated, however others are."""
    return name if volume or not find_method(name).stochastic else "auto"


def code_of_method(name: str) -> AbstractContextManager[None]:
    """Run code of a method; what goes wrong in a user's own is one error that names it."""
    return _REGISTRY.code_of(name)


def check_presentations(name: str) -> None:
    """Raise InputError unless a method can run circuits: show samples, one presentation after the other.

    Parameters
    ----------
    name : str
        As for `find_method`.
    """
    method = find_method(name)
    if not method.events:
        able = ", ".join(known for known, other in METHODS.items() if other.events)
        raise InputError(f"method '{name}' cannot show samples; use one that can: {able}")


def check_counting(name: str, *, counted: bool) -> None:
    """Raise InputError unless a method suits runs some of which count molecules, or none of which do.

    Parameters
    ----------
    name : str
        As for `find_method`.
    counted : bool
        Whether there is intrinsic noise.
    """
    method = find_method(name)
    if method.stochastic and not counted:
        raise InputError(
            f"method '{name}' counts molecules, and there is no intrinsic noise that says how many; give it, or auto"
        )
    if counted and name != "auto" and not method.stochastic:
        could = _could(lambda other: other.stochastic, "stochastic")
        raise InputError(
            f"method '{name}' is deterministic, and intrinsic noise counts molecules; give auto ({could})"
        )


def method_source_hash(name: str) -> str:
    """Hash of the file that defines a method; empty for those built in, which the hash of the library covers."""
    return _REGISTRY.source_hash(name)


def check_request(method: Method, protocol: Protocol, request: Request) -> None:
    """Raise one InputError that names the method if it cannot do what a batch asks for, and says which could.

    Parameters
    ----------
    method : Method
    protocol : Protocol
    request : Request
    """
    name = request.method
    given = [option for option in ("volume", "seed") if getattr(request, option) is not None]
    if given and not method.stochastic:
        raise InputError(
            f"method '{name}' is deterministic and takes no volume, no seed and no intrinsic noise (given: "
            f"{', '.join(given)}); "
            f"{_could(lambda other: other.stochastic, 'stochastic')}"
        )
    if method.stochastic and request.volume is None:
        raise InputError(
            f"method '{name}' is stochastic and counts molecules; give the volume that they are in, such as "
            f"volume=1000, or intrinsic noise, or take a deterministic method, such as 'auto'"
        )
    if not method.events and (events := protocol.events()):
        raise InputError(
            f"method '{name}' integrates one presentation without events, and cannot do: {', '.join(events)}; "
            f"{_could(lambda other: other.events and other.stochastic == method.stochastic, 'for that')}"
        )


def _could(fits: Callable[[Method], bool], what: str) -> str:
    names = [name for name, method in METHODS.items() if fits(method)]
    if names:
        return f"built in {what}: {', '.join(names)}"
    return f"none built in is {what}, one of your own goes by module:NAME"
