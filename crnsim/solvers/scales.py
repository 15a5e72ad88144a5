"""Absolute tolerances and first steps that suit a network and where it starts, in whatever units they are."""

from __future__ import annotations

import numpy as np

from crnsim.network.network import Network
from crnsim.solvers.protocol import Protocol
from crnsim.solvers.single import ceiling

#: An absolute tolerance that is not given is this part of the relative one times the highest concentration that the
#: species has had so far.
SCALED_ATOL = 1e-9
#: The smallest absolute tolerance, as errors of what is there are to be relative ones: near the smallest number.
SMALLEST = 1e-300
#: That of a species that is not there at the start, or as good as not, in the scale of concentrations. A method of
#: order 3 has no relative accuracy where a species begins to grow with the third power of time or slower.
_SMALLEST_NEW = 1e-30
#: Less than this part of the highest concentration is a trace.
_TRACE = 1e-40
#: The first step is this part of the shortest time in which something changes, and at least this part of the whole.
_FIRST, _SHORTEST_FIRST = 0.01, 1e-18


def fit_scales(network: Network, protocol: Protocol, atol: np.ndarray | None) -> Protocol:
    """Set tolerances and first steps of a batch, and switch reactions off whose reactants can never be there.

    The latter change no number, but would seem to grow: nothing is there to grow from.

    Parameters
    ----------
    network : Network
    protocol : Protocol
        Of single presentations; its members are changed in place.
    atol : numpy.ndarray, shape (n_species,), optional
        Absolute tolerances; those that are negative, or without it all, are made from the concentrations.
    """
    members, n = protocol.start.shape
    tolerances, least = np.empty((members, n)), np.empty((members, n))
    protocol = _switched_off(network, protocol)
    known: dict[tuple[bytes, int, float], int] = {}
    starts: dict[bytes, _Start] = {}
    for number, member in enumerate(protocol.member):
        start, rates = protocol.start[number], protocol.rates[member["rate_set"]]
        key = (start.tobytes(), int(member["rate_set"]), float(member["running_time"]))
        if (same := known.setdefault(key, number)) != number:
            for name in ("first_step", "moderate", "ceiling"):
                member[name] = protocol.member[name][same]
            tolerances[number], least[number] = tolerances[same], least[same]
            continue
        if key[0] not in starts:
            starts[key[0]] = _Start(network, start)
        at_start = starts[key[0]]
        fastest = at_start.fastest(rates)
        span = float(member["running_time"])
        first = _FIRST / fastest if fastest > 0 else 1e-3 * span
        member["first_step"] = max(min(first, 1e-3 * span), _SHORTEST_FIRST * span)
        scale = at_start.scale(rates, fastest, span)
        if scale > member["moderate"]:
            member["moderate"], member["ceiling"] = scale, ceiling(scale)
        absent = _as_good_as_absent(network, start, rates, _TRACE * scale)
        tolerances[number] = np.where(absent, SCALED_ATOL * protocol.rtol * scale, SMALLEST)
        least[number] = np.where(absent, _SMALLEST_NEW * protocol.rtol * scale, SMALLEST)
    given = np.full(n, -1.0) if atol is None else atol
    if not protocol.guarded:
        tolerances = (
            SCALED_ATOL
            * protocol.rtol
            * np.maximum(protocol.start, np.max(protocol.start, axis=1, keepdims=True))
        )
    return protocol._replace(
        atol=np.where(given >= 0, given, np.maximum(tolerances, SMALLEST)),
        least_atol=np.maximum(least, SMALLEST),
        scaled=np.where(given >= 0, 0.0, SCALED_ATOL * protocol.rtol) if protocol.guarded else np.zeros(0),
    )


def tolerances_so_far(protocol: Protocol, member: int, y: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Absolute tolerances at each recorded time of a run, as `y` has them, with those at its end.

    They follow the highest concentrations so far: what is much later says nothing of an early value.

    Parameters
    ----------
    protocol : Protocol
    member : int
    y : numpy.ndarray, shape (times, n_species)
    last : numpy.ndarray, shape (n_species,)

    Returns
    -------
    numpy.ndarray, shape (times, n_species)
    """
    if not len(protocol.scaled):
        return np.broadcast_to(last, y.shape)
    looser = float(protocol.member["looser"][member])
    base = looser * protocol.atol[min(member, len(protocol.atol) - 1)]
    highest = np.maximum.accumulate(np.maximum(np.nan_to_num(y), 0.0), axis=0)
    found = np.minimum(np.maximum(base, looser * protocol.scaled * highest), last)
    found[-1] = last
    return found


def _as_good_as_absent(
    network: Network, start: np.ndarray, rates: np.ndarray, negligible: float
) -> np.ndarray:
    """Which species start at zero, or negligibly above it while others make them.

    Of the latter, such as what is left after a long decay, all but a trace soon comes from elsewhere; with a tolerance
    in proportion to that trace no step could begin. A trace that comes from nothing but itself is not among them.
    """
    if not np.any((start > 0) & (start < negligible)):
        found: np.ndarray = start == 0
        return found
    followed = start >= negligible
    can = reachable(network, followed, rates > 0)
    made = ((network.stoichiometry() > 0).astype(np.int8) @ can.astype(np.int64)) > 0
    return (start == 0) | (~followed & made)


def _switched_off(network: Network, protocol: Protocol) -> Protocol:
    """Set rate constants to zero of reactions that can never take place, in each run by what is there in it alone.

    Runs that share rate constants, and of which one can do more than another, share them no longer.
    """
    known: dict[tuple[bytes, bytes], np.ndarray] = {}
    sets: dict[tuple[int, bytes], int] = {}
    rates: list[np.ndarray] = []
    for start, member in zip(protocol.start, protocol.member, strict=True):
        shared, present = int(member["rate_set"]), start > 0
        going = protocol.rates[shared] > 0
        # Runs differ in their rate constants, and seldom in which are zero.
        if (key := (present.tobytes(), going.tobytes())) not in known:
            known[key] = reachable(network, present, going)
        needed = known[key]
        place = sets.setdefault((shared, needed.tobytes()), len(rates))
        if place == len(rates):
            rates.append(np.where(needed, protocol.rates[shared], 0.0))
        member["rate_set"] = place
    return protocol._replace(rates=np.array(rates).reshape(len(rates), protocol.rates.shape[1]))


class _Start:
    """What runs that start from one state have in common, whatever their rate constants: worked out once.

    A run that is beyond all numbers ends by itself.
    """

    def __init__(self, network: Network, start: np.ndarray) -> None:
        with np.errstate(over="ignore", invalid="ignore"):
            self._slopes = network.slopes(start)
            self._products = network.fluxes(start, np.ones(network.n_reactions))
        self._reaction = np.repeat(np.arange(network.n_reactions), np.diff(self._slopes.indptr))
        self._unit, self._stoichiometry = self._slopes.data.copy(), network.stoichiometry()
        self._highest = float(np.max(start[: network.n_dynamic], initial=0.0))

    def fastest(self, rates: np.ndarray) -> float:
        """Bound of the rates at which something changes."""
        with np.errstate(over="ignore", invalid="ignore"):
            self._slopes.data = self._unit * rates[self._reaction]
            return float(np.max(abs(self._stoichiometry @ self._slopes).sum(axis=1), initial=0.0))

    def scale(self, rates: np.ndarray, fastest: float, span: float) -> float:
        """The highest concentration at the start; of a pot that is empty but for traces, what flows in at first."""
        with np.errstate(over="ignore", invalid="ignore"):
            inflow = float(np.max(self._products * rates, initial=0.0))
        filled = inflow * min(span, 1.0 / fastest if fastest > 0 else span)
        return filled if self._highest < _TRACE * filled else self._highest


def reachable(network: Network, present: np.ndarray, going: np.ndarray) -> np.ndarray:
    """Which reactions can ever take place.

    Parameters
    ----------
    network : Network
    present : numpy.ndarray of bool, shape (n_species,)
        Species that are there at the start.
    going : numpy.ndarray of bool, shape (n_reactions,)
        Reactions with a rate constant above zero.
    """
    makes = (network.stoichiometry() > 0).astype(np.int8)
    present = present.copy()
    while True:
        can = going & may_fire(network, present)
        made = (makes @ can.astype(np.int64)) > 0
        if not np.any(made & ~present):
            return can
        present |= made


def may_fire(network: Network, present: np.ndarray) -> np.ndarray:
    """Which reactions have all their reactants among some species, given as booleans by row."""
    can = np.ones(network.n_reactions, dtype=bool)
    for first, family, terms in zip(
        network.first_reactions, network.families, network.elementary[0], strict=True
    ):
        for rows, _ in terms:
            can[first : first + family.size] &= present[rows]
    return can
