"""Reactions of single molecules per second, beside rebop, GillesPy2 (its C++ solver) and libroadrunner, in one run.

    python benchmarks/stochastic.py [--seconds 2] [--only xor,digits]
    python benchmarks/stochastic.py --leaping [--seconds 2] [--only xor,digits]

Four networks: the XOR pot (307 reactions) and the digits pot (9,050) while a sample is shown for 100/k, a birth and
death process, and a random walk on a line of 256 places (510 reactions). All by an exact method, one run after the
other, on one core; what is compiled or loaded once is not counted. How many reactions take place is counted by crnsim;
the others do not tell, and have the same law, which the end of the runs is compared for (libroadrunner has n^2 for
n (n - 1), so that its law is another by order 1 / Omega). A peer that is not installed is left out. Omega differs from
network to network, so that a run of ours takes about a tenth of a second.

With --leaping the two pots at Omega 10,000, where the methods that leap are compared with the exact one and with the
tau-leaping of GillesPy2's C++ solver: milliseconds, leaps, reactions times leaps per second, and how many reactions of
the exact method that stands for.
"""

from __future__ import annotations

import argparse
import importlib.util
import logging
import math
import os
import statistics
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

# One core for all.
os.environ["NUMBA_NUM_THREADS"] = "1"

import crnsim
from crnsim.algebraic import initial_weights
from crnsim.interchange.sbml import sbml_identifiers


class Case(NamedTuple):
    """A network, where it starts, the molecules for a concentration of 1, and how long it runs."""

    network: crnsim.Network
    start: np.ndarray
    volume: float
    time: float


def pot(layers: tuple[int, ...], dataset: str, volume: float) -> Case:
    """A pot with weights as training begins with, while it is shown the first sample."""
    circuit, data = crnsim.onepot(layers), crnsim.load_dataset(dataset)
    state = circuit.start(initial_weights(layers, seed=0, dataset=dataset, replicate=0))
    rails = np.concatenate(circuit.shown_rails())
    for (plus, minus), value in zip(rails, [*data.x_train[0], *data.y_train[0]], strict=True):
        state[plus] = max(value, 0.0)
        if minus >= 0:
            state[minus] = max(-value, 0.0)
    return Case(circuit.network, np.rint(state * volume) / volume, volume, 100.0)


def cases() -> dict[str, Case]:
    """The four networks."""
    birth = crnsim.read_crn("0 ->{1} X; X ->{1} 0; init X 1")
    walk = crnsim.read_crn(
        "species X[256]\n"
        + "\n".join(f"X[{i}] ->{{1}} X[{i + 1}]; X[{i + 1}] ->{{1}} X[{i}]" for i in range(255))
    )
    middle = walk.state({"X[128]": 1.0})
    return {
        "xor": pot((2, 6, 1), "xor", 1000.0),
        "digits": pot((64, 20, 10), "digits", 20.0),
        "birth and death": Case(birth, birth.state(birth.initial), 1000.0, 1000.0),
        "walk": Case(walk, middle, 100.0, 5000.0),
    }


#: Seconds of a run that is not repeated.
LONGEST = 5.0
#: Follows a run with a seed; returns concentrations at the end by label.
Run = Callable[[int], dict[str, float]]


def ours(case: Case, method: str = "ssa") -> Run:
    """Runs by crnsim, which also tell how many reactions took place, or were leapt over in how many leaps."""

    def run(seed: int) -> dict[str, float]:
        found = crnsim.simulate(
            case.network, [0.0, case.time], initial=dict(zip(case.network.labels, case.start.tolist(), strict=True)),
            volume=case.volume, seed=seed, max_steps=10**9, method=method,
        )  # fmt: skip
        assert int(found["status"][0]) == 0
        end = dict(zip(case.network.labels, found["concentration"].values[0, -1].tolist(), strict=True))
        return end | {"": float(found["steps"][0]), "leaps": float(found["evaluations"][0])}

    return run


def elementary(case: Case) -> list[tuple[float, list[str], list[str]]]:
    """Reactions with rate constants in molecules, and what they use and make."""
    names = sbml_identifiers(case.network)[0]
    found = []
    for reaction in case.network.reactions():
        sides = [
            [names[label] for count, label in side for _ in range(count)]
            for side in (reaction.reactants, reaction.products)
        ]
        found.append((reaction.rate * case.volume ** (1 - len(sides[0])), *sides))
    return found


def sparse_of(case: Case) -> bool:
    """Whether rebop is told to keep its reactions as sparse ones, with which large networks are far faster there."""
    return case.network.n_reactions > 20


def by_rebop(case: Case) -> Run:
    """Runs by rebop: direct method, compiled Rust."""
    import rebop

    names = sbml_identifiers(case.network)[0]
    system = rebop.Gillespie()
    for rate, left, right in elementary(case):
        system.add_reaction(rate, left, right)
    counts = {
        names[label]: round(x * case.volume)
        for label, x in zip(case.network.labels, case.start.tolist(), strict=True)
    }

    def run(seed: int) -> dict[str, float]:
        found = system.run(counts, tmax=case.time, nb_steps=1, rng=seed, sparse=sparse_of(case))
        there = set(found.data_vars)
        return {
            label: float(found[name][-1]) / case.volume if name in there else counts[name] / case.volume
            for label, name in names.items()
        }

    return run


def gillespy_model(case: Case) -> Any:
    """A network as GillesPy2 has it, in molecules."""
    import gillespy2

    names = sbml_identifiers(case.network)[0]
    model = gillespy2.Model("case")
    for label, x in zip(case.network.labels, case.start.tolist(), strict=True):
        model.add_species(
            gillespy2.Species(name=names[label], initial_value=round(x * case.volume), mode="discrete")
        )
    for number, (rate, left, right) in enumerate(elementary(case)):
        model.add_parameter(gillespy2.Parameter(name=f"rate_{number}", expression=rate))
        sides = [{name: side.count(name) for name in dict.fromkeys(side)} for side in (left, right)]
        model.add_reaction(
            gillespy2.Reaction(
                name=f"r{number}", reactants=sides[0], products=sides[1], rate=f"rate_{number}"
            )
        )
    model.timespan(gillespy2.TimeSpan(np.array([0.0, case.time])))
    return model


def by_gillespy(case: Case) -> Run:
    """Runs by the C++ solver of GillesPy2, compiled for the network."""
    import gillespy2

    model = gillespy_model(case)
    names = sbml_identifiers(case.network)[0]
    solver = gillespy2.SSACSolver(model=model)

    def run(seed: int) -> dict[str, float]:
        found = model.run(solver=solver, seed=seed + 1)
        return {label: float(found[name][-1]) / case.volume for label, name in names.items()}

    return run


def by_roadrunner(case: Case) -> Run:
    """Runs by libroadrunner's Gillespie integrator; amounts are concentrations times Omega."""
    import roadrunner

    network = crnsim.read_crn(case.network.to_crn(elementary=True))
    names = sbml_identifiers(network)[0]
    scaled = crnsim.Network()
    declared = sorted(network.species, key=lambda one: one.place)
    labels = [label for one in declared for label in one.labels()]
    for label in labels:
        scaled.add_species(names[label])
    for rate, left, right in elementary(case):
        scaled.add_family("", f"{' + '.join(left) or '0'} -> {' + '.join(right) or '0'}", rate)
    start = dict(zip(case.network.labels, case.start.tolist(), strict=True))
    scaled.set_initial({names[label]: float(round(start[label] * case.volume)) for label in labels})
    runner = roadrunner.RoadRunner(crnsim.to_sbml(scaled))
    runner.setIntegrator("gillespie")
    runner.timeCourseSelections = list(names.values())

    def run(seed: int) -> dict[str, float]:
        runner.reset()
        runner.integrator.seed = seed + 1
        end = runner.simulate(0, case.time, 2)[-1]
        return dict(zip(names, (np.asarray(end) / case.volume).tolist(), strict=True))

    return run


PEERS: dict[str, tuple[str, Callable[[Case], Run]]] = {
    "rebop": ("rebop", by_rebop),
    "GillesPy2": ("gillespy2", by_gillespy),
    "libroadrunner": ("roadrunner", by_roadrunner),
}


def by_gillespy_tau(case: Case) -> Run:
    """Runs by the C++ tau-leaping of GillesPy2 with its default tolerance of 0.03."""
    import gillespy2

    model = gillespy_model(case)
    solver = gillespy2.TauLeapingCSolver(model=model)
    names = sbml_identifiers(case.network)[0]

    def run(seed: int) -> dict[str, float]:
        found = model.run(solver=solver, seed=seed + 1)
        return {label: float(found[name][-1]) / case.volume for label, name in names.items()}

    return run


def timed(run: Run, seconds: float) -> tuple[list[float], list[dict[str, float]]]:
    """Times of runs one after the other, after a first one that is not counted: two at least."""
    begun = time.perf_counter()
    first = run(0)
    if (took := time.perf_counter() - begun) > LONGEST:
        return [took], [first]
    times: list[float] = []
    ends: list[dict[str, float]] = []
    while len(times) < 2 or sum(times) < seconds:
        begun = time.perf_counter()
        ends.append(run(len(times) + 1))
        times.append(time.perf_counter() - begun)
    return times, ends


def far_off(network: crnsim.Network, ours_end: list[dict[str, float]], end: list[dict[str, float]]) -> float:
    """The largest distance of means of species at the end, in standard errors."""
    found = 0.0
    for label in network.labels:
        a, b = (np.array([one[label] for one in ends]) for ends in (ours_end, end))
        error = np.sqrt(a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b))
        if error > 0:
            found = max(found, abs(a.mean() - b.mean()) / error)
    return found


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--only", default="")
    parser.add_argument("--leaping", action="store_true")
    options = parser.parse_args()
    logging.getLogger("crnsim").setLevel(logging.ERROR)
    if options.leaping:
        leaping(options.seconds, options.only.split(",") if options.only else ["xor", "digits"])
        return
    print(
        f"{'network':16} {'reactions':>9} {'events':>10}  {'by':14} {'ms':>9} {'million/s':>9} {'ours is':>8}  off"
    )
    for name, case in cases().items():
        if options.only and name not in options.only.split(","):
            continue
        times, ends = timed(ours(case), options.seconds)
        print_row(name, case, "crnsim ssa", ends, statistics.median(times), None, 0.0)
        mine = statistics.mean(end[""] for end in ends) / statistics.median(times)
        for peer, (module, prepared) in PEERS.items():
            if importlib.util.find_spec(module) is None:
                continue
            # A slow one runs for a twentieth of the time, whose events are counted too.
            for part in (20.0, 1.0):
                shorter = case._replace(time=case.time / part)
                try:
                    peer_times, peer_ends = timed(prepared(shorter), options.seconds)
                except Exception as error:  # whatever it stumbles over is said
                    print(f"{name:16} {peer}: {type(error).__name__}: {' '.join(str(error).split())[:100]}")
                    break
                if part == 1.0 or statistics.median(peer_times) > 0.5:
                    run = ours(shorter)
                    counted = [run(seed) for seed in range(1, max(len(peer_ends), 4) + 1)]
                    off = far_off(case.network, counted, peer_ends) if len(peer_ends) > 1 else math.nan
                    print_row(name, shorter, peer, counted, statistics.median(peer_times), mine, off)
                    break


def leaping(seconds: float, only: list[str]) -> None:
    """Print a table of the methods that leap, at Omega 10,000."""
    print(
        f"{'network':8} {'by':14} {'ms':>9} {'leaps':>9} {'reactions x leaps':>17} {'stands for':>11} {'of exact':>9}"
    )
    print(f"{'':8} {'':14} {'':9} {'':9} {'million/s':>17} {'million/s':>11} {'time':>9}")
    for name, layers in (("xor", (2, 6, 1)), ("digits", (64, 20, 10))):
        if name not in only:
            continue
        case = pot(layers, name, 10_000.0)
        times, ends = timed(ours(case), 0.0)
        exact, events = statistics.median(times), statistics.mean(end[""] for end in ends)
        rows = [("crnsim ssa", exact, 0.0)]
        for method in ("hybrid", "cle", "tau"):
            times, ends = timed(ours(case, method), seconds)
            rows.append(
                (f"crnsim {method}", statistics.median(times), statistics.mean(end["leaps"] for end in ends))
            )
        if importlib.util.find_spec("gillespy2") is not None:
            shorter = case._replace(time=case.time / 20)
            took = statistics.median(timed(by_gillespy_tau(shorter), seconds)[0]) * 20
            rows.append(("GillesPy2 tau", took, math.nan))
        for by, took, leaps in rows:
            over = leaps * case.network.n_reactions / took / 1e6
            print(
                f"{name:8} {by:14} {1e3 * took:9.1f} {leaps:9.0f} {over:17.1f} {events / took / 1e6:11.1f} "
                f"{took / exact:9.3f}",
                flush=True,
            )


def print_row(
    name: str,
    case: Case,
    by: str,
    counted: list[dict[str, float]],
    took: float,
    mine: float | None,
    off: float,
) -> None:
    """Print events per second of one simulator."""
    events = statistics.mean(end[""] for end in counted)
    ratio = 1.0 if mine is None else mine * took / events
    print(
        f"{name:16} {case.network.n_reactions:9d} {events:10.3g}  {by:14} {1e3 * took:9.1f} "
        f"{events / took / 1e6:9.3f} {ratio:7.1f}x  {off:.1f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
