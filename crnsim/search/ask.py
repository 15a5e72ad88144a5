"""Who asks for candidates: Optuna's samplers, seeded, so that a search that goes on repeats itself.

T. Akiba et al., KDD (2019), doi 10.1145/3292500.3330701. TPE: J. Bergstra et al., NIPS 24 (2011); of several objectives
Y. Ozaki et al., J. Artif. Intell. Res. 73 (2022), 1209, doi 10.1613/jair.1.13188. NSGA-II: K. Deb et al., IEEE Trans.
Evol. Comput. 6 (2002), 182, doi 10.1109/4235.996017.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from crnsim.search.candidates import Candidate, sampler_seed
from crnsim.search.model import CRITICAL, SCORE

if TYPE_CHECKING:
    import optuna

    from crnsim.search.goals import Goal
    from crnsim.search.read import Search
    from crnsim.search.space import Parameter

#: Candidates of the first model, or of a generation, at least; and of a generation.
_FIRST, _GENERATION = 16, 24
#: What is told of a design that there is not, for an objective that is to be small.
_WORST = 1e12


class Asking:
    """A study that asks for candidates and is told how they fared.

    Parameters
    ----------
    search : Search
    """

    def __init__(self, search: Search) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.search = search
        seed = sampler_seed(search.file.seed)
        sampler: optuna.samplers.BaseSampler
        if search.file.sampler == "tpe":
            sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=_FIRST)
        else:
            sampler = optuna.samplers.NSGAIISampler(seed=seed, population_size=_GENERATION)
        self.study = optuna.create_study(directions=directions(search.goals), sampler=sampler)
        self.starts = start_drawn(search)
        if self.starts is not None:
            self.study.enqueue_trial(self.starts)

    def ask(self) -> tuple[Any, dict[str, Any]]:
        """Return a handle for `tell`, and the values of the parameters that have a meaning together."""
        trial, values = self.study.ask(), dict[str, Any]()
        for name, parameter in self.search.parameters.items():
            if parameter.holds(values):
                values[name] = parameter.value(_suggested(trial, parameter))
        return trial, values

    def tell(self, candidate: Candidate) -> None:
        """Tell the value of each objective; a design that there is not breaks a constraint."""
        if candidate.asked is None:
            return
        feasible = candidate.known is not None
        told = candidate.values_told() if feasible else _worst(self.search.goals)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            candidate.asked.set_constraint("design", 0.0 if feasible else 1.0)
            self.study.tell(candidate.asked, told)
        candidate.asked = None


def _suggested(trial: optuna.Trial, parameter: Parameter) -> Any:
    if parameter.axis.choices is not None:
        return trial.suggest_categorical(parameter.name, list(parameter.words))
    low, high = parameter.ends
    if parameter.axis.whole:
        return trial.suggest_int(parameter.name, low, high, log=parameter.axis.log)
    return trial.suggest_float(parameter.name, low, high, log=parameter.axis.log)


def directions(goals: Sequence[Goal]) -> list[Literal["maximize", "minimize"]]:
    """Return which way each objective is better, in Optuna's words."""
    return ["maximize" if goal.sign > 0 else "minimize" for goal in goals]


def start_drawn(search: Search) -> dict[str, Any] | None:
    """Return the design that the search begins with as if it had been drawn; None where it lies outside a range."""
    found: dict[str, Any] = {}
    for name, parameter in search.parameters.items():
        if not parameter.holds(search.start):
            continue
        drawn = parameter.drawn(search.start.get(name))
        if drawn is None:
            return None
        found[name] = drawn
    return found


def drawn_of(search: Search, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was drawn for the values of a candidate, to the digits that they have."""
    return {name: search.parameters[name].drawn(value) for name, value in values.items()}


def _worst(goals: Sequence[Goal]) -> list[float]:
    return [0.0 if goal.what in (SCORE, CRITICAL) else _WORST for goal in goals]
