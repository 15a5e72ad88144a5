"""libroadrunner: the pot as SBML, with CVODE (BDF, dense Jacobian by differences) or its Adams methods.

A model is loaded once per network, which can take minutes; members set its concentrations and rates. The absolute
tolerance is given for every species: a single number would be multiplied with each initial concentration, and a weight
that has died out (1e-200) would then be wanted to 1e-206, at which CVODE gives up.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from problems import Problem
from right_hand_sides import check, reactant_rows

from competitors import Failed, NotPossible
from crnsim.network.network import Network

NAME = "libroadrunner"
#: Above this many reactions a model would take hours to load: the time grows faster than linearly.
_REACTION_LIMIT = 20_000
_MATHML = 'xmlns="http://www.w3.org/1998/Math/MathML"'
_models: dict[tuple[int, ...], Any] = {}


def methods(problem: Problem) -> list[str]:
    """Names of the methods."""
    return ["CVODE BDF", "CVODE Adams"]


def sbml(problem: Problem) -> str:
    """The pot as SBML Level 3: species ``s<row>``, a parameter ``k<reaction>`` for every reaction."""
    net = problem.circuit.network
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<sbml xmlns="http://www.sbml.org/sbml/level3/version1/core" level="3" version="1"><model id="pot">',
        '<listOfCompartments><compartment id="tube" spatialDimensions="3" size="1" constant="true"/>',
        "</listOfCompartments><listOfSpecies>",
    ]
    for row, value in enumerate(problem.start[0].tolist()):
        clamped = "true" if row >= net.n_dynamic else "false"
        lines.append(
            f'<species id="s{row}" compartment="tube" initialConcentration="{value!r}" '
            f'hasOnlySubstanceUnits="false" boundaryCondition="{clamped}" constant="{clamped}"/>'
        )
    lines.append("</listOfSpecies><listOfParameters>")
    for number, value in enumerate(problem.constants[0].tolist()):
        lines.append(f'<parameter id="k{number}" value="{value!r}" constant="true"/>')
    lines.append("</listOfParameters><listOfReactions>")
    lines += _reactions(net, problem)
    lines.append("</listOfReactions></model></sbml>")
    return "\n".join(lines)


def _reactions(net: Network, problem: Problem) -> list[str]:
    first, second = (rows.tolist() for rows in reactant_rows(problem))
    changes: list[list[tuple[int, int]]] = [[] for _ in range(net.n_reactions)]
    table = net.stoichiometry().tocoo()
    for row, reaction, count in zip(table.row.tolist(), table.col.tolist(), table.data.tolist(), strict=True):
        changes[reaction].append((row, count))
    lines = []
    for number, (a, b) in enumerate(zip(first, second, strict=True)):
        present = [row for row in (a, b) if row < net.n_species]
        # A species whose net change is known needs no stoichiometry beside it: catalysts are modifiers.
        sides: dict[str, list[str]] = {"listOfReactants": [], "listOfProducts": []}
        for row, count in changes[number]:
            side = sides["listOfReactants" if count < 0 else "listOfProducts"]
            side.append(f'<speciesReference species="s{row}" stoichiometry="{abs(count)}" constant="true"/>')
        changed = {row for row, _ in changes[number]}
        modifiers = [f'<modifierSpeciesReference species="s{row}"/>' for row in sorted({*present} - changed)]
        lines.append(f'<reaction id="r{number}" reversible="false" fast="false">')
        for name, items in (*sides.items(), ("listOfModifiers", modifiers)):
            if items:
                lines.append(f"<{name}>{''.join(items)}</{name}>")
        factors = "".join(f"<ci>s{row}</ci>" for row in present)
        lines.append(
            f"<kineticLaw><math {_MATHML}><apply><times/><ci>k{number}</ci><ci>tube</ci>{factors}</apply></math>"
            "</kineticLaw></reaction>"
        )
    return lines


@cache
def _roadrunner() -> Any:
    try:
        import roadrunner
    except ImportError:
        raise NotPossible("not installed") from None
    roadrunner.Logger.setLevel(roadrunner.Logger.LOG_FATAL)
    roadrunner.Logger.disableLogging()
    return roadrunner


class _Solve:
    one_by_one = True

    def __init__(self, problem: Problem, method: str) -> None:
        roadrunner = _roadrunner()
        self.problem = problem
        net = problem.circuit.network
        if problem.circuit.layers not in _models:
            _models[problem.circuit.layers] = roadrunner.RoadRunner(sbml(problem))
        self.runner = _models[problem.circuit.layers]
        self.runner.setIntegrator("cvode")
        self.stiff = method == "CVODE BDF"
        self.tolerance = (0.0, 0.0)
        model = self.runner.model
        numbers = {kind: _numbers(ids) for kind, ids in _names(model).items()}
        self.floating, self.boundary, self.parameters = (
            numbers[kind] for kind in ("floating", "boundary", "global")
        )
        if len(self.floating) != net.n_dynamic:
            raise NotPossible("roadrunner sees other species than crnsim")
        self._check()

    def _set(self, member: int) -> None:
        model, start = self.runner.model, self.problem.start[member]
        model.setGlobalParameterValues(np.ascontiguousarray(self.problem.constants[member][self.parameters]))
        if len(self.boundary):
            model.setBoundarySpeciesConcentrations(np.ascontiguousarray(start[self.boundary]))
        model.setFloatingSpeciesConcentrations(np.ascontiguousarray(start[self.floating]))

    def _check(self) -> None:
        """Raise unless the model's rates are those of crnsim."""
        self._set(0)

        def rates_of_change(_: float, y: np.ndarray) -> np.ndarray:
            self.runner.model.setFloatingSpeciesConcentrations(np.ascontiguousarray(y[self.floating]))
            out = np.empty(len(y))
            out[self.floating] = self.runner.model.getFloatingSpeciesConcentrationRates()
            return out

        check(self.problem, rates_of_change)

    def __call__(self, rtol: float, atol: float, count: int) -> np.ndarray:
        if self.tolerance != (rtol, atol):
            integrator = self.runner.getIntegrator()
            integrator.setValue("stiff", self.stiff)
            integrator.setValue("relative_tolerance", rtol)
            integrator.setValue("absolute_tolerance", [atol] * len(self.floating))
            integrator.setValue("maximum_num_steps", 1_000_000)
            self.tolerance = (rtol, atol)
        final = self.problem.start[:count].copy()
        for member in range(count):
            self._set(member)
            try:
                self.runner.simulate(0.0, self.problem.span, 2)
            except RuntimeError as error:
                raise Failed(" ".join(str(error).split())[:200]) from None
            final[member, self.floating] = self.runner.model.getFloatingSpeciesConcentrations()
        return final


def _names(model: Any) -> dict[str, list[str]]:
    return {
        "floating": list(model.getFloatingSpeciesIds()),
        "boundary": list(model.getBoundarySpeciesIds()),
        "global": list(model.getGlobalParameterIds()),
    }


def _numbers(names: list[str]) -> np.ndarray:
    return np.array([int(name[1:]) for name in names], dtype=int)


def prepare(problem: Problem, method: str) -> _Solve:
    """Write, load and check the model."""
    reactions = problem.circuit.network.n_reactions
    if reactions > _REACTION_LIMIT:
        raise NotPossible(f"a model of {reactions} reactions would take hours to load")
    return _Solve(problem, method)
