"""What happens to one lane between steps: a sample is shown, noise acts, a presentation ends.

Compiled, and to be called from Python too, by methods that bring their own loop (docs/methods.md).
"""

from __future__ import annotations

import math

import numpy as np

from crnsim.compiled import compiled, entry
from crnsim.kinetics.by_reference import by_reference
from crnsim.kinetics.lanes import LANES
from crnsim.noise.philox import normals
from crnsim.solvers.protocol import Protocol, Record

by_reference(Protocol)
by_reference(Record)


@compiled
def copy(source: np.ndarray, target: np.ndarray) -> None:
    """Copy one vector to another; a plain loop compiles far faster than a slice."""
    for i in range(len(source)):
        target[i] = source[i]


@compiled
def put_run(source: np.ndarray, table: np.ndarray, lane: int) -> None:
    """Copy a vector to one lane of a table, or to the table of one run (lane -1)."""
    if lane >= 0:
        for i in range(len(source)):
            table[i, lane] = source[i]
    else:
        for i in range(len(source)):
            table[i // LANES, i % LANES] = source[i]


@compiled
def get_run(table: np.ndarray, lane: int, target: np.ndarray) -> None:
    """Copy one lane of a table, or the table of one run (lane -1), to a vector."""
    if lane >= 0:
        for i in range(len(target)):
            target[i] = table[i, lane]
    else:
        for i in range(len(target)):
            target[i] = table[i // LANES, i % LANES]


@entry
def show_sample(p: Protocol, member: int, presentation: int, values: np.ndarray, draws: np.ndarray) -> None:
    """Write the signed features and targets of a presentation into `values`, with its input noise.

    `draws` is scratch space, here and below, for as many numbers as the longest vector of draws.
    """
    pattern = p.order[member, presentation]
    copy(p.patterns[pattern], values)
    sigma = p.member[member].noise_inputs
    if sigma > 0.0:
        keys = p.member[member]
        number = keys.first_number + presentation
        normals(keys.input_key_0, keys.input_key_1, number, np.int64(0), draws[: p.n_features])
        for f in range(p.n_features):
            values[f] += sigma * draws[f]


@entry
def clamp(p: Protocol, values: np.ndarray, state: np.ndarray) -> None:
    """Set the input and target rails of `state` from signed `values`."""
    for c in range(len(values)):
        if p.clamp[c, 0] >= 0:
            state[p.clamp[c, 0]] = max(values[c], 0.0)
        if p.clamp[c, 1] >= 0:
            state[p.clamp[c, 1]] = max(-values[c], 0.0)


@entry
def draw_rates(
    p: Protocol, first: np.ndarray, member: int, presentation: int, constants: np.ndarray, draws: np.ndarray
) -> None:
    """Write the member's rate constants for a presentation into `constants`; they hold those before, if there are."""
    if p.member[member].rate_interval > 0.0 and presentation > 0:
        change_rates(p, first, member, presentation, 0, constants, draws)
        return
    copy(p.rates[p.member[member].rate_set], constants)
    sigma = p.member[member].noise_rates
    if sigma > 0.0:
        number = p.member[member].first_number + presentation
        for f in range(len(first)):
            stop = first[f + 1] if f + 1 < len(first) else len(constants)
            normals(
                p.rate_keys[member, f, 0],
                p.rate_keys[member, f, 1],
                number,
                np.int64(0),
                draws[: stop - first[f]],
            )
            for r in range(first[f], stop):
                constants[r] *= math.exp(sigma * draws[r - first[f]] - 0.5 * sigma * sigma)


@entry
def change_rates(
    p: Protocol,
    first: np.ndarray,
    member: int,
    presentation: int,
    change: int,
    constants: np.ndarray,
    draws: np.ndarray,
) -> None:
    """Let the member's rate constants drift, from what they are, to those after a change number `change`.

    The logarithm of each factor is an Ornstein-Uhlenbeck process at the times of the changes (doi
    10.1103/PhysRevE.54.2084); change 0 is the beginning of a presentation, before which the last piece may have been a
    shorter one. What its state is follows from the constant itself.
    """
    about = p.member[member]
    sigma, passed = about.noise_rates, about.rate_interval
    if change == 0:
        passed = about.running_time - math.floor(about.running_time / passed * (1.0 - 1e-12)) * passed
    kept = math.exp(-passed / about.rate_memory)
    number = about.first_number + presentation
    for f in range(len(first)):
        stop = first[f + 1] if f + 1 < len(first) else len(constants)
        normals(
            p.rate_keys[member, f, 0], p.rate_keys[member, f, 1], number, change, draws[: stop - first[f]]
        )
        for r in range(first[f], stop):
            nominal = p.rates[about.rate_set, r]
            if nominal > 0.0:
                state = (math.log(constants[r] / nominal) + 0.5 * sigma * sigma) / sigma
                state = kept * state + math.sqrt(1.0 - kept * kept) * draws[r - first[f]]
                constants[r] = nominal * math.exp(sigma * state - 0.5 * sigma * sigma)


@entry
def kick(
    p: Protocol,
    member: int,
    presentation: int,
    event: int,
    state: np.ndarray,
    before: np.ndarray,
    draws: np.ndarray,
) -> None:
    """Perturb the concentrations in scope; conserved sums keep their totals. `before` is scratch space."""
    sigma = p.member[member].noise_concentrations
    number = p.member[member].first_number + presentation
    copy(state, before)
    for g in range(len(p.kicked)):
        first, length = p.kicked[g, 0], p.kicked[g, 1]
        normals(p.kick_keys[member, g, 0], p.kick_keys[member, g, 1], number, event, draws[:length])
        for i in range(length):
            if p.member[member].kick_additive == 1:
                state[first + i] = max(state[first + i] + sigma * draws[i], 0.0)
            else:
                state[first + i] *= math.exp(sigma * draws[i] - 0.5 * sigma * sigma)
    for law in range(len(p.laws)):
        conserved = total = 0.0
        for row in p.laws[law]:
            if row >= 0:
                conserved += before[row]
                total += state[row]
        for row in p.laws[law]:
            if row < 0:
                continue
            state[row] = state[row] * (conserved / total) if total > 0.0 else before[row]


@entry
def half_squared_error(p: Protocol, member: int, presentation: int, state: np.ndarray) -> float:
    """Half the squared distance of the output rails' value from the presented target."""
    pattern = p.order[member, presentation]
    total = 0.0
    for o in range(len(p.output)):
        value = state[p.output[o, 0]]
        if p.output[o, 1] >= 0:
            value -= state[p.output[o, 1]]
        error = value - p.patterns[pattern, p.n_features + o]
        total += 0.5 * error * error
    return total


@entry
def next_kick(p: Protocol, member: int, kicks_done: int) -> float:
    """Time of the next kick of a presentation; infinity after the last."""
    if p.member[member].noise_concentrations > 0.0:
        # Half an interval before the first and after the last, so that any running time has its share of kicks.
        time = (kicks_done + 0.5) * p.member[member].kick_interval
        if time < p.member[member].running_time * (1.0 - 1e-12):
            return time
    return math.inf


@entry
def next_change(p: Protocol, member: int, changes_done: int) -> float:
    """Time at which rate constants change next in a presentation; infinity after the last."""
    if p.member[member].rate_interval > 0.0:
        time = (changes_done + 1) * p.member[member].rate_interval
        if time < p.member[member].running_time * (1.0 - 1e-12):
            return time
    return math.inf


@entry
def next_stop(p: Protocol, member: int, kicks_done: int, changes_done: int) -> float:
    """Time of the next event of a presentation: a kick, a change of rate constants, or its end."""
    events = min(next_kick(p, member, kicks_done), next_change(p, member, changes_done))
    return min(events, p.member[member].running_time)


@entry
def keep_checkpoints(p: Protocol, r: Record, member: int, presentations_done: int, state: np.ndarray) -> None:
    """Store `state` where a checkpoint is asked for after this many presentations."""
    for c in range(len(p.checkpoint_after)):
        if p.checkpoint_after[c] == presentations_done:
            copy(state, r.checkpoints[member, c])


@entry
def keep_trace(p: Protocol, r: Record, member: int, presentation: int, state: np.ndarray) -> None:
    """Store the traced species at the end of a presentation."""
    for t in range(len(p.traced)):
        r.trace[member, presentation, t] = state[p.traced[t]]


@entry
def recorded(p: Protocol, member: int, presentation: int) -> int:
    """Number of a presentation among the recorded ones of a member, -1 if it is not recorded."""
    if p.member[member].record_slot >= 0:
        for number in range(len(p.record_presentations)):
            if p.record_presentations[number] == presentation:
                return number
    return -1
