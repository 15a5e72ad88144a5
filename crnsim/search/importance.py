"""How much each parameter decides: PED-ANOVA on what the candidates of a search were worth.

S. Watanabe, A. Bansal, F. Hutter, IJCAI (2023), doi 10.48550/arXiv.2304.10255, as Optuna has it: how differently a
parameter is spread among the best tenth of candidates and among all, as shares that sum to 1.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from crnsim.search.ask import directions, drawn_of
from crnsim.search.model import CRITICAL, SCORE

if TYPE_CHECKING:
    from crnsim.search.run import Found

#: Candidates below which nothing is said of what decides: a tenth of them would be two.
FEWEST = 20


def importances(found: Found) -> dict[str, dict[str, float]]:
    """Return the share of each parameter, by objective; only scores and critical magnitudes are asked about.

    Parameters
    ----------
    found : Found

    Returns
    -------
    dict of str to dict
        By the name of the objective, then of the parameter, the largest share first; empty below `FEWEST` candidates.
    """
    import optuna

    search = found.search
    told = [one for one in found.candidates if one.known is not None]
    drawn = [drawn_of(search, one.values) for one in told]
    inside = [(one, values) for one, values in zip(told, drawn, strict=True) if None not in values.values()]
    if len(inside) < FEWEST:
        return {}
    by_goal: dict[str, dict[str, float]] = {}
    for number, goal in enumerate(search.goals):
        if goal.what not in (SCORE, CRITICAL):
            continue
        study = optuna.create_study(direction=directions(search.goals)[number])
        for one, values in inside:
            study.add_trial(
                optuna.create_trial(
                    params=values,
                    distributions={name: search.parameters[name].distribution for name in values},
                    value=one.values_told()[number],
                )
            )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            shares = optuna.importance.get_param_importances(
                study, evaluator=optuna.importance.PedAnovaImportanceEvaluator()
            )
        by_goal[goal.name] = dict(sorted(shares.items(), key=lambda pair: (-pair[1], pair[0])))
    return by_goal
