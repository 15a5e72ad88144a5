"""1,000 replicates with rate noise: `crnsim.ensemble` beside a loop over libroadrunner and one over SciPy, in one run.

    python benchmarks/ensembles.py [--replicates 1000] [--peer-replicates 100]

A network of 3 species and 3 reactions (approximate majority) and one of 307 reactions (a pot of 2-6-1 units while a
sample is shown), every reaction with a rate constant of its own and 10 % log-normal noise on it; 101 times.
libroadrunner loads the SBML once, and for each replicate is reset, given its rate constants and asked to simulate
(CVODE); SciPy integrates the rates of change by a sparse matrix with LSODA. All on one core, at rtol 1e-6. What
crnsim takes with and without the second run that tells its error stands beside. Peers run fewer replicates, by
--peer-replicates; times are per replicate, medians of rounds. Their results are compared with ours at the end, at the
same rate constants.
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import time
from collections.abc import Callable

import numpy as np
from scipy.integrate import odeint

import crnsim
from crnsim.interchange.sbml import sbml_identifiers
from crnsim.wording import exact

RTOL, ROUNDS = 1e-6, 3
TIMES = {"3 species": np.linspace(0, 20, 101), "307 reactions": np.linspace(0, 50, 101)}


def with_own_constants(network: crnsim.Network, start: dict[str, float]) -> crnsim.Network:
    """Return a network with a parameter for each reaction, ``p0``, ``p1``, ..."""
    lines = []
    for number, reaction in enumerate(network.reactions()):
        left, right = str(reaction).split(f"->{{{exact(reaction.rate)}}}")
        lines.append(f"{left}->{{p{number}}}{right}; p{number} = {reaction.rate!r}")
    declared = sorted(network.species, key=lambda one: one.place)
    names = [f"{one.name}[{','.join(map(str, one.shape))}]" if one.shape else one.name for one in declared]
    made = crnsim.read_crn("\n".join([f"species {', '.join(names)}", *lines]))
    made.set_initial(start)
    return made


def networks() -> dict[str, crnsim.Network]:
    """The two networks."""
    majority = crnsim.read_crn("X + Y ->{1} 2B; B + X ->{1} 2X; B + Y ->{1} 2Y")
    pot = crnsim.onepot((2, 6, 1))
    rng = np.random.default_rng(0)
    start = pot.start(
        [(rng.normal(size=(6, 2)), rng.normal(size=6)), (rng.normal(size=(1, 6)), rng.normal(size=1))]
    )
    start[pot.shown_rails()[0][:, 0]] = 1.0
    return {
        "3 species": with_own_constants(majority, {"X": 0.6, "Y": 0.4}),
        "307 reactions": with_own_constants(
            pot.network, dict(zip(pot.network.labels, start.tolist(), strict=True))
        ),
    }


def by_roadrunner(
    network: crnsim.Network, times: np.ndarray, constants: np.ndarray
) -> Callable[[int], np.ndarray]:
    """Return what integrates one replicate."""
    import roadrunner

    model = roadrunner.RoadRunner(crnsim.to_sbml(network))
    model.integrator.relative_tolerance, model.integrator.absolute_tolerance = RTOL, 1e-12
    species, parameters = sbml_identifiers(network)
    model.timeCourseSelections = [f"[{species[label]}]" for label in network.labels]
    names = [parameters[f"p{number}"] for number in range(network.n_reactions)]

    def run(replicate: int) -> np.ndarray:
        model.reset()
        model.setValues(names, constants[replicate].tolist()) if hasattr(model, "setValues") else [
            model.setValue(name, value)
            for name, value in zip(names, constants[replicate].tolist(), strict=True)
        ]
        return np.asarray(model.simulate(times[0], times[-1], len(times)))

    return run


def by_scipy(
    network: crnsim.Network, times: np.ndarray, constants: np.ndarray
) -> Callable[[int], np.ndarray]:
    """Return what integrates one replicate."""
    changes, start = network.stoichiometry(), network.state(network.initial)
    rows = [[(r, c) for r, c in terms] for terms in network.elementary[0]]
    width = max(sum(c for _, c in terms) for terms in rows)
    # A constant 1 behind the species stands where a reaction has fewer reactants.
    table = np.full((network.n_reactions, width), network.n_species)
    for number, terms in enumerate(rows):
        flat = [int(r[0]) for r, count in terms for _ in range(count)]
        table[number, : len(flat)] = flat

    def run(replicate: int) -> np.ndarray:
        rates, whole = constants[replicate], np.ones(network.n_species + 1)

        def slope(y: np.ndarray, _: float) -> np.ndarray:
            whole[:-1] = y
            return changes @ (rates * whole[table].prod(axis=1))

        return odeint(slope, start, times, rtol=RTOL, atol=1e-12, mxstep=100_000)

    return run


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--replicates", type=int, default=1000)
    parser.add_argument("--peer-replicates", type=int, default=100)
    options = parser.parse_args()
    noise = crnsim.Noise(rates=0.1)
    print(
        "| network | simulator | ms a replicate | times as long as crnsim | largest difference at the end |"
    )
    print("| --- | --- | --- | --- | --- |")
    for name, network in networks().items():
        times, few = TIMES[name], options.peer_replicates
        known = crnsim.simulate(network, times, noise=noise, replicates=few, keep_rates=True, rtol=RTOL)
        constants, end = known["rate_constant"].values, known["concentration"].values[:, -1]
        ours: dict[bool, float] = {}
        for estimate in (False, True):
            spent = []
            for _ in range(ROUNDS):
                begin = time.perf_counter()
                crnsim.ensemble(
                    network, times, noise=noise, replicates=options.replicates, rtol=RTOL, estimate=estimate
                )
                spent.append(1e3 * (time.perf_counter() - begin) / options.replicates)
            ours[estimate] = statistics.median(spent)
        base = ours[False]
        print(f"| {name} | crnsim | {base:.3g} | 1 | |")
        print(f"| {name} | crnsim, with its error | {ours[True]:.3g} | {ours[True] / base:.2g} | |")
        for peer, module, make in (
            ("libroadrunner", "roadrunner", by_roadrunner),
            ("SciPy odeint", "scipy", by_scipy),
        ):
            if importlib.util.find_spec(module) is None:
                print(f"| {name} | {peer} | not installed | | |")
                continue
            run, spent, off = make(network, times, constants), [], 0.0
            run(0)
            for _ in range(ROUNDS):
                begin = time.perf_counter()
                ends = [run(replicate)[-1] for replicate in range(few)]
                spent.append(1e3 * (time.perf_counter() - begin) / few)
                off = float(np.max(np.abs(np.array(ends) - end)))
            taken = statistics.median(spent)
            print(f"| {name} | {peer} | {taken:.3g} | {taken / base:.3g} | {off:.1e} |")


if __name__ == "__main__":
    main()
