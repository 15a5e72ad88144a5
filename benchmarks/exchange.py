"""Our SBML in other simulators: how far their trajectories are from ours.

    python benchmarks/exchange.py

needs libroadrunner, and copasi-basico for COPASI (the optional group `bench`); what is not installed is left out. An
XOR pot during a presentation, the same network of given weights, and a clocked XOR network for a turn of its clock
are written as SBML, read by each simulator and integrated at rtol 1e-10; ours at the same tolerance. Differences are
absolute; concentrations are of order 1. The network that crnsim reads back from its own SBML must give the same bits.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator

import numpy as np

import crnsim
from crnsim.interchange.sbml import sbml_identifiers

RTOL, ATOL = 1e-10, 1e-14
WEIGHTS = [
    (np.array([[1.2, -0.7], [0.4, 0.9], [-1.1, 0.3]]), np.array([0.1, -0.4, 0.6])),
    (np.array([[0.8, -1.3, 0.5]]), np.array([0.2])),
]
#: What the simulators are held to.
AIM = 1e-5


def cases() -> Iterator[tuple[str, crnsim.Network, np.ndarray, np.ndarray]]:
    """Yield name, network, start and times."""
    pot = crnsim.onepot((2, 3, 1))
    start = pot.start(WEIGHTS)
    inputs, targets = pot.shown_rails()
    start[inputs[:, 0]] = (1.0, 0.5)
    start[targets[:, 0]] = 1.0
    yield "XOR pot", pot.network, start, np.linspace(0, 100, 101)
    given = crnsim.feedforward(WEIGHTS)
    start = given.network.state(given.initial)
    start[given.shown_rails()[0][:, 0]] = (1.0, 0.5)
    yield "feedforward", given.network, start, np.linspace(0, 50, 101)
    clocked = crnsim.clocked((2, 3, 1))
    x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    y = np.array([[0.0], [1.0], [1.0], [0.0]])
    yield (
        "clocked XOR",
        clocked.network,
        clocked.stored(clocked.start(WEIGHTS), x, y),
        np.linspace(0, 400, 101),
    )


def by_roadrunner(sbml: str, times: np.ndarray, names: list[str]) -> np.ndarray:
    """Concentrations by libroadrunner's CVODE."""
    import roadrunner

    model = roadrunner.RoadRunner(sbml)
    model.integrator.relative_tolerance, model.integrator.absolute_tolerance = RTOL, ATOL
    model.integrator.maximum_num_steps = 10**7
    model.timeCourseSelections = ["time", *(f"[{name}]" for name in names)]
    return np.asarray(model.simulate(times[0], times[-1], len(times)))[:, 1:]


def by_copasi(sbml: str, times: np.ndarray, names: list[str]) -> np.ndarray:
    """Concentrations by COPASI's LSODA; nan for species that nothing changes, which it does not list."""
    import basico

    model = basico.load_model_from_string(sbml)
    options = {"start_time": times[0], "duration": times[-1] - times[0], "intervals": len(times) - 1}
    frame = basico.run_time_course(
        **options, r_tol=RTOL, a_tol=ATOL, max_steps=10**7, use_sbml_id=True, model=model
    )
    basico.remove_datamodel(model)
    return np.stack(
        [frame[name].to_numpy() if name in frame else np.full(len(times), np.nan) for name in names], axis=1
    )


SIMULATORS: dict[str, tuple[str, Callable[[str, np.ndarray, list[str]], np.ndarray]]] = {
    "libroadrunner": ("roadrunner", by_roadrunner),
    "COPASI": ("basico", by_copasi),
}


def main() -> None:
    """Print a line for each network and simulator."""
    print("| network | species | reactions | simulator | largest difference | species compared |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, network, start, times in cases():
        by_name = dict(zip(network.labels, start.tolist(), strict=True))
        ours = crnsim.simulate(network, times, initial=by_name, rtol=RTOL)["concentration"].values[0]
        sbml = crnsim.to_sbml(network, initial=start)
        again = crnsim.read_sbml(sbml)
        back = crnsim.simulate(again, times, rtol=RTOL)["concentration"].values[0]
        assert np.array_equal(back, ours), f"{name}: not the same bits after SBML and back"
        identifiers = sbml_identifiers(network)[0]
        for simulator, (module, run) in SIMULATORS.items():
            if importlib.util.find_spec(module) is None:
                print(f"| {name} | | | {simulator} | not installed | |")
                continue
            theirs = run(sbml, times, [identifiers[label] for label in network.labels])
            off, compared = np.nanmax(np.abs(theirs - ours)), int(np.isfinite(theirs[0]).sum())
            size = f"{network.n_species} | {network.n_reactions}"
            verdict = "" if off <= AIM else f", aim {AIM:g}"
            print(f"| {name} | {size} | {simulator} | {off:.1e}{verdict} | {compared} |")


if __name__ == "__main__":
    main()
