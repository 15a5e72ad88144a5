"""Seconds to the first answer for reactions in no families: crnsim and libroadrunner, each in a process of its own.

    python benchmarks/reaction_lists.py [--sizes 60 300 1500 10000] [--peer]

Random conversions, bindings, splittings, dimerisations, three-body reactions, inflows and decays, a third as many
species, rate constants over four decades, integrated to t = 10 at 11 times, rtol 1e-6. The time of crnsim is that of
the whole process with what is compiled once for all networks in its cache: imports, the network, `simulate` with its
estimate of the error; and that of a second `simulate`. With ``--peer`` libroadrunner (CVODE, an absolute tolerance of
1e-12) loads the model and simulates it, timed apart, and its result is compared.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from typing import Any

import numpy as np

TIMES = np.linspace(0.0, 10.0, 11)
RTOL, ATOL = 1e-6, 1e-12


def random_network(reactions: int, seed: int = 0) -> tuple[Any, dict[str, float]]:
    """Return a network of single reactions, and its initial concentrations."""
    from crnsim import Network

    rng = np.random.default_rng(seed)
    net = Network()
    names = [f"S{i}" for i in range(max(4, reactions // 3))]
    for name in names:
        net.add_species(name)
    for number in range(reactions):
        a, b, c = (names[i] for i in rng.choice(len(names), size=3, replace=False))
        k = float(10 ** rng.uniform(-2, 2))
        forms = (
            (f"{a} -> {b}", k),
            (f"{a} + {b} -> {c}", k),
            (f"{a} -> {b} + {c}", k),
            (f"2{a} -> {b}", k),
            (f"{a} + {b} + {c} -> {a}", k),
            (f"0 -> {a}", 0.01 * k),
            (f"{a} -> 0", k),
        )
        equation, rate = forms[rng.choice(7, p=[0.2, 0.2, 0.2, 0.16, 0.04, 0.06, 0.14])]
        net.add_family(f"r{number}", equation, rate)
    return net, dict(zip(names, rng.uniform(0, 1, len(names)).tolist(), strict=True))


def ours(reactions: int) -> dict[str, Any]:
    """Time crnsim in this process."""
    start = time.perf_counter()
    from crnsim import simulate

    net, initial = random_network(reactions)
    found: dict[str, Any] = {}
    for name in ("first", "again"):
        result = simulate(net, TIMES, initial=initial, rtol=RTOL)
        found[name] = time.perf_counter() - start
        start = time.perf_counter()
    found |= {"steps": int(result.steps[0]), "status": int(result.status[0]), "error": float(result.error[0])}
    return found


def peer(reactions: int) -> dict[str, Any]:
    """Time libroadrunner in this process, and compare."""
    import roadrunner  # type: ignore[import-not-found]

    from crnsim import simulate

    net, initial = random_network(reactions)
    text = sbml(net, initial)
    roadrunner.Logger.setLevel(roadrunner.Logger.LOG_ERROR)
    start = time.perf_counter()
    model = roadrunner.RoadRunner(text)
    found = {"load": time.perf_counter() - start}
    for name, value in (
        ("relative_tolerance", RTOL),
        ("absolute_tolerance", ATOL),
        ("maximum_num_steps", 10**6),
    ):
        model.getIntegrator().setValue(name, value)
    start = time.perf_counter()
    values = np.asarray(model.simulate(TIMES[0], TIMES[-1], len(TIMES)))[:, 1:]
    found["simulate"] = time.perf_counter() - start
    columns = [net.labels.index(name.strip("[]")) for name in model.timeCourseSelections[1:]]
    own = simulate(net, TIMES, initial=initial, rtol=RTOL).concentration.values[0][:, columns]
    found["difference"] = float(np.max(np.abs(own - values) / (RTOL * np.abs(own) + ATOL)))
    return found


def sbml(net: Any, initial: dict[str, float]) -> str:
    """The model in SBML, Level 3."""
    lines = [
        '<?xml version="1.0"?><sbml xmlns="http://www.sbml.org/sbml/level3/version1/core" level="3" version="1">',
        '<model id="m"><listOfCompartments><compartment id="c" size="1" spatialDimensions="3" constant="true"/>',
        "</listOfCompartments><listOfSpecies>",
    ]
    lines += [
        f'<species id="{name}" compartment="c" initialConcentration="{value!r}" hasOnlySubstanceUnits="false" '
        f'boundaryCondition="false" constant="false"/>'
        for name, value in initial.items()
    ]
    rates = [float(k) for k in net.rate_constants()]
    lines.append("</listOfSpecies><listOfParameters>")
    lines += [f'<parameter id="k{i}" value="{k!r}" constant="true"/>' for i, k in enumerate(rates)]
    lines.append("</listOfParameters><listOfReactions>")
    for number, family in enumerate(net.families):
        lines.append(f'<reaction id="r{number}" reversible="false" fast="false">')
        for tag, terms in (("Reactants", family.reactants), ("Products", family.products)):
            if terms:
                references = "".join(
                    f'<speciesReference species="{t.name}" stoichiometry="{t.count}" constant="true"/>'
                    for t in terms
                )
                lines.append(f"<listOf{tag}>{references}</listOf{tag}>")
        factors = [f"k{number}", *(t.name for t in family.reactants for _ in range(t.count))]
        law = "".join(f"<ci>{factor}</ci>" for factor in factors)
        law = f"<apply><times/>{law}</apply>" if len(factors) > 1 else law
        lines.append(
            f'<kineticLaw><math xmlns="http://www.w3.org/1998/Math/MathML">{law}</math></kineticLaw></reaction>'
        )
    return "\n".join([*lines, "</listOfReactions></model></sbml>"])


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[60, 300, 1500, 10000])
    parser.add_argument("--peer", action="store_true", help="libroadrunner too, which must be installed")
    parser.add_argument("--one", choices=["ours", "peer"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps({"ours": ours, "peer": peer}[options.one](options.sizes[0])))
        return
    print(
        "| reactions | first answer, s | again, s | steps | error | CVODE: load, s | simulate, s | difference |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for size in (4, 300):
        _run("ours", size)  # what is compiled once: a second method where linear systems are dear
    for size in options.sizes:
        start = time.perf_counter()
        mine = _run("ours", size)
        whole = time.perf_counter() - start - mine["again"]
        row = [f"{whole:.2f}", f"{mine['again']:.3f}", str(mine["steps"]), f"{mine['error']:.2g}"]
        other = _run("peer", size) if options.peer else {}
        row += [f"{other[name]:.3g}" if other else "" for name in ("load", "simulate", "difference")]
        print(f"| {size:,} | {' | '.join(row)} |", flush=True)


def _run(which: str, size: int) -> dict[str, Any]:
    command = [sys.executable, __file__, "--one", which, "--sizes", str(size)]
    found: dict[str, Any] = json.loads(
        subprocess.run(command, capture_output=True, text=True, check=True).stdout
    )
    return found


if __name__ == "__main__":
    main()
