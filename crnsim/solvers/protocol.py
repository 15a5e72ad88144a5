"""What a batch of runs is shown and what is kept of it: the tables that the compiled solvers read and fill."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

#: Marks of the compiled solver that are not outcomes yet: a run going on, and a blow-up to be confirmed.
#: A species that grew again from less than what floating-point numbers hold, one far below zero, and one that is no
#: number any more, and molecules beyond counting.
RUNNING, BLOWN_UP, LOST, NEGATIVE, NOT_FINITE, OVERFLOW = range(-1, -7, -1)
#: Entries of ``Record.control``: presentations done by the batch so far, and a request to stop if it is not zero.
DONE, STOP = range(2)
#: One run ("member") of a batch. Times are within a presentation.
MEMBER = np.dtype(
    [
        ("replicate", "i8"),  # its number, for the streams of stochastic methods
        ("rate_set", "i8"),  # its set of rate constants
        ("n_presentations", "i8"),
        ("first_number", "i8"),  # of its first presentation in the streams of noise
        ("max_steps", "i8"),
        ("record_slot", "i8"),  # place among the recorded members, -1 for none
        ("kick_additive", "i8"),  # 0 or 1
        ("running_time", "f8"),
        ("looser", "f8"),  # its tolerances, in those of the batch
        ("first_step", "f8"),  # to begin with; 0: a part of the running time
        ("moderate", "f8"),  # concentration that the run starts from, at least 1
        ("ceiling", "f8"),  # a concentration above it is a blow-up
        ("noise_inputs", "f8"),  # noise on presented features
        ("noise_rates", "f8"),  # rate noise drawn anew for each presentation, or that changes within it
        ("rate_interval", "f8"),  # time between its changes, 0 for none
        ("rate_memory", "f8"),  # time in which the logarithm of a factor is forgotten (by 1/e)
        ("noise_concentrations", "f8"),  # noise on concentrations
        ("kick_interval", "f8"),
        ("input_key_0", "u8"),
        ("input_key_1", "u8"),
        (
            "volume",
            "f8",
        ),  # molecules for a concentration of 1, for stochastic methods; 0: that of the request
    ]
)
#: What becomes of a run.
RUN = np.dtype(
    [
        ("status", "i8"),  # an outcome, or RUNNING or BLOWN_UP
        ("presentation", "i8"),  # in which the run ended
        ("time", "f8"),  # within it
        ("safe_presentation", "i8"),
        ("steps", "i8"),  # accepted
        ("rejected", "i8"),
        ("evaluations", "i8"),  # of the right-hand side, or leaps over many reactions at once
        ("contacts", "i8"),  # leaps that a species at zero stood against
    ]
)


#: A concentration may be this many absolute tolerances below zero.
LOWEST = 100.0
#: No numbers.
_NONE = np.zeros(0)


class Protocol(NamedTuple):
    """Tables of M runs ("members") over n species, each a sequence of presentations.

    Rails are pairs of state rows, plus and minus; -1 stands for "no such rail".
    """

    start: np.ndarray  # (M, n) concentrations
    rates: np.ndarray  # (S, reactions) sets of rate constants
    member: np.ndarray  # (M,) of MEMBER
    order: np.ndarray  # (M, P) int32, pattern of each presentation
    patterns: np.ndarray  # (Q, features + targets) signed values
    clamp: np.ndarray  # (features + targets, 2) rails
    n_features: int
    output: np.ndarray  # (targets, 2) rails
    rate_keys: np.ndarray  # (M, families, 2) uint64, for rate noise
    kick_keys: np.ndarray  # (M, arrays of species kicked, 2) uint64
    kicked: np.ndarray  # (arrays of species kicked, 2) first row, length
    laws: np.ndarray  # (laws, species) rows whose sum a kick must not change; -1 for none
    checkpoint_after: np.ndarray  # (C,) numbers of presentations after which the state is kept
    record_presentations: np.ndarray  # (K,) recorded presentations, ascending
    grid: np.ndarray  # (G,) recorded times as fractions of the running time, ascending
    rtol: float
    atol: np.ndarray  # (M or 1, n) absolute tolerances
    per_loss: int = 1  # presentations whose losses are averaged into one entry
    scaled: np.ndarray = (
        _NONE  # (n or 0,) parts of a species' highest concentration that its tolerance is at least
    )
    least_atol: np.ndarray = np.zeros((1, 0))  # (M or 1, n) absolute tolerances where others were too large
    traced: np.ndarray = np.zeros(
        0, dtype=np.int64
    )  # (T,) rows that are kept at the end of every presentation
    event_keys: np.ndarray = np.zeros(
        (0, 2), dtype=np.uint64
    )  # (M or 0, 2) for the random numbers of stochastic methods
    guarded: int = 0  # 1: a species that grows from below the tolerances by itself is noted

    def events(self) -> list[str]:
        """Name what there is beyond one presentation that is integrated from its start."""
        member = self.member
        found = {
            "several presentations": np.any(member["n_presentations"] > 1),
            "samples to show": len(self.clamp) > 0,
            "noise on concentrations": np.any(member["noise_concentrations"] > 0),
            "rate constants drawn for each presentation": np.any(
                (member["noise_rates"] > 0) & (member["rate_interval"] == 0)
            ),
            "rate constants that change": np.any(member["rate_interval"] > 0),
        }
        return [name for name, there in found.items() if there]


@dataclass(frozen=True)
class Request:
    """How a batch is to be integrated.

    Attributes
    ----------
    method : str
        Name of the method, as it was asked for.
    volume : float, optional
        Molecules for a concentration of 1, for stochastic methods: concentration c stands for ``c * volume`` molecules.
    seed : int, optional
        First word of the keys of a stochastic method's streams; the number of a run, ``member["replicate"]``, is
        another (`crnsim.noise.streams.generator`).
    progress : callable, optional
        Called about five times a second with the share of presentations done.
    """

    method: str = "auto"
    volume: float | None = None
    seed: int | None = None
    progress: Callable[[float], None] | None = None


class Record(NamedTuple):
    """What a solver fills in for a `Protocol`."""

    final: np.ndarray  # (M, n) last state
    loss: (
        np.ndarray
    )  # (M, P / per_loss) half the squared error when a presentation ends, mean, nan if not reached
    checkpoints: np.ndarray  # (M, C, n)
    trajectory: np.ndarray  # (slots, K, G, n)
    trace: np.ndarray  # (M, P, T) nan if not reached
    run: np.ndarray  # (M,) of RUN
    safe: (
        np.ndarray
    )  # (M, n) last start of a presentation with no concentration above 10 times the initial ones
    control: np.ndarray  # (2,) entries DONE and STOP
    atol: np.ndarray  # (M, n) absolute tolerances that a run ended with
    grown: np.ndarray  # (M, n) 1: the species was lost in the tolerance, and grew out of it by itself


def new_members(count: int) -> np.ndarray:
    """Return `count` members of one presentation without noise, bounds or recording, numbered as replicates."""
    member = np.zeros(count, dtype=MEMBER)
    member["replicate"] = np.arange(count)
    member["n_presentations"] = 1
    member["record_slot"] = -1
    member["kick_interval"] = 1.0
    member["moderate"] = 1.0
    member["looser"] = 1.0
    member["ceiling"] = np.inf
    return member


def members_of(protocol: Protocol, members: np.ndarray) -> Protocol:
    """Some members of a batch as a batch of their own; the recorded ones are numbered anew."""
    some = protocol.member[members]
    recorded = some["record_slot"] >= 0
    some["record_slot"][recorded] = np.arange(np.count_nonzero(recorded))
    return protocol._replace(
        start=protocol.start[members],
        member=some,
        order=protocol.order[members],
        rate_keys=protocol.rate_keys[members],
        kick_keys=protocol.kick_keys[members],
        event_keys=protocol.event_keys[members] if len(protocol.event_keys) else protocol.event_keys,
        atol=protocol.atol[members] if len(protocol.atol) > 1 else protocol.atol,
        least_atol=protocol.least_atol[members] if len(protocol.least_atol) > 1 else protocol.least_atol,
    )


def new_record(protocol: Protocol) -> Record:
    """Return an empty `Record` for `protocol`."""
    members, n = protocol.start.shape
    slots = int(protocol.member["record_slot"].max(initial=-1)) + 1
    run = np.zeros(members, dtype=RUN)
    run["status"] = RUNNING
    return Record(
        final=protocol.start.copy(),
        loss=np.full((members, protocol.order.shape[1] // protocol.per_loss), np.nan),
        checkpoints=np.full((members, len(protocol.checkpoint_after), n), np.nan),
        trace=np.full((members, protocol.order.shape[1], len(protocol.traced)), np.nan),
        trajectory=np.full((slots, len(protocol.record_presentations), len(protocol.grid), n), np.nan),
        run=run,
        safe=protocol.start.copy(),
        control=np.zeros(2, dtype=np.int64),
        atol=protocol.member["looser"][:, None] * np.broadcast_to(protocol.atol, (members, n)),
        grown=np.zeros((members, n), dtype=np.int8),
    )
