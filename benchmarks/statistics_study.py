"""Do the intervals and verdicts of a report hold? Coverage, false verdicts and power, as before and as now.

    python benchmarks/statistics_study.py [--reports 1000] [--only best_of]

"Bootstrap" are percentile intervals with 2000 resamples, as they were, and a verdict where such an interval leaves 0
out; "t with Holm" is that test alone. Scores are drawn from populations like those of pots: 0 for failed runs, a level
with little spread else. Prints Markdown; some ten minutes on one core with the defaults.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np

from crnsim.metrics.decisions import decides, holm, paired_t
from crnsim.metrics.intervals import critical_interval, mean_interval

#: Draws of scores: ``law(rng, shape)``.
Law = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]
_RESAMPLES = 2000


def successes(p: float) -> Law:
    """Scores of 0 or 1."""
    return lambda rng, shape: (rng.random(shape) < p).astype(float)


def failing(p: float, level: float = 0.95, spread: float = 0.03) -> Law:
    """Scores of 0 for failed runs, about a level else."""

    def law(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        good = np.clip(rng.normal(level, spread, shape), 0.0, 1.0)
        return np.where(rng.random(shape) < p, 0.0, good)

    return law


def tied(weights: tuple[float, ...]) -> Law:
    """Scores of 0, 0.5 or 1, as on XOR."""
    return lambda rng, shape: rng.choice(len(weights), shape, p=weights) / (len(weights) - 1.0)


POPULATIONS: dict[str, Law] = {
    "0 or 1, 95 % right": successes(0.95),
    "0 or 1, 50 % right": successes(0.5),
    "5 % fail, else 0.95 +- 0.03": failing(0.05),
    "10 % fail, else 0.95 +- 0.03": failing(0.1),
    "30 % fail, else 0.95 +- 0.03": failing(0.3),
    "none fails, 0.9 +- 0.03": failing(0.0, 0.9),
    "0, 0.5 or 1 (10, 30, 60 %)": tied((0.1, 0.3, 0.6)),
}


def mean_of(law: Law) -> float:
    """Mean of a population, from ten million draws."""
    return float(law(np.random.default_rng(1), (10_000_000,)).mean())


def bootstrap(values: np.ndarray, rng: np.random.Generator) -> tuple[float, float]:
    """Percentile interval of a mean, as it was."""
    n = len(values)
    means = np.sort(values[rng.integers(0, n, (_RESAMPLES, n))].mean(axis=1))
    return float(means[int(0.025 * _RESAMPLES)]), float(means[int(np.ceil(0.975 * _RESAMPLES)) - 1])


def coverage(reports: int) -> list[str]:
    """Share of intervals that hold what they are about."""
    rng = np.random.default_rng(2)
    lines = ["| 95 % interval of | n | bootstrap | now |", "| --- | --- | --- | --- |"]
    for name, law in POPULATIONS.items():
        truth = mean_of(law)
        for what, expected in (("mean", truth), ("paired difference of equals", 0.0)):
            for n in (10, 20, 50):
                held = np.zeros(2)
                for _ in range(reports):
                    values = law(rng, (n,)) if what == "mean" else np.diff(law(rng, (2, n)), axis=0)[0]
                    now = mean_interval(values, 0.0 if what == "mean" else -1.0, 1.0)
                    for i, (low, high) in enumerate((bootstrap(values, rng), now)):
                        held[i] += low <= expected <= high
                shares = " | ".join(f"{100 * share / reports:.1f} %" for share in held)
                lines.append(f"| {what}: {name} | {n} | {shares} |")
    return [*lines, *_critical(reports, rng)]


def _critical(reports: int, rng: np.random.Generator) -> list[str]:
    """The same of critical magnitudes: scores fall linearly, or by failures, to half of the noise-free one at 0.1."""
    magnitudes, lines = np.array([0.0, 0.04, 0.08, 0.12, 0.2]), []
    for name, quiet in (("successes", successes), ("failures", lambda p: failing(1.0 - p, 0.9, 0.03))):
        for n in (10, 20, 50):
            held = 0
            for _ in range(reports):
                scores = np.stack([quiet(0.9 * (1.0 - 5.0 * m))(rng, (n,)) for m in magnitudes])
                low, high = critical_interval(magnitudes, scores)
                held += not low > 0.1 and not high < 0.1
            lines.append(f"| critical magnitude: {name} | {n} | – | {100 * held / reports:.1f} % |")
    return lines


def false_verdicts(reports: int, verdicts: int = 30, n: int = 10) -> list[str]:
    """Share of reports on equal designs in which a verdict is given."""
    rng = np.random.default_rng(3)
    lines = [
        f"| {verdicts} verdicts on equal designs, n = {n} | bootstrap | t with Holm | now |",
        "| --- | --- | --- | --- |",
    ]
    for name, law in POPULATIONS.items():
        wrong = np.zeros(3)
        for _ in range(reports):
            differences = np.diff(law(rng, (2, verdicts, n)), axis=0)[0]
            before = any(low > 0 or high < 0 for low, high in (bootstrap(d, rng) for d in differences))
            adjusted = holm([paired_t(d) for d in differences])
            now = [
                decides(*mean_interval(d, -1.0, 1.0), p) for d, p in zip(differences, adjusted, strict=True)
            ]
            wrong += (before, min(adjusted) < 0.05, any(now))
        lines.append(f"| {name} | " + " | ".join(f"{100 * w / reports:.1f} %" for w in wrong) + " |")
    return lines


#: Shares of runs that fail, or go wrong, of several designs; those of the one that they are compared with: 0.1.
RIVALS: dict[str, tuple[float, ...]] = {
    "3 equal ones": (0.1,) * 3,
    "3, two are worse": (0.1, 0.3, 0.3),
    "3, all differ": (0.05, 0.1, 0.2),
    "10 equal ones": (0.1,) * 10,
}


def best_of(reports: int) -> list[str]:
    """Share of intervals that hold the difference from the best of several designs, chosen by the same scores."""
    rng = np.random.default_rng(6)
    laws: dict[str, Callable[[float], Law]] = {
        "fail, else 0.95 +- 0.03": failing,
        "wrong, else right": lambda p: successes(1.0 - p),
        "0, 0.5 or 1": lambda p: tied((p, 2.0 * p, 1.0 - 3.0 * p)),
    }
    lines = [
        "| difference from the best of | n | bootstrap | of one comparison | now, for all at once |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, law in laws.items():
        for which, shares in RIVALS.items():
            ours = law(0.1)
            truths = [mean_of(ours) - mean_of(law(share)) for share in shares]
            for n in (10, 20, 50):
                held = np.zeros(3)
                for _ in range(reports):
                    scores = ours(rng, (n,))
                    rivals = np.stack([law(share)(rng, (n,)) for share in shares])
                    best = int(np.argmax(rivals.mean(axis=1)))
                    difference = scores - rivals[best]
                    ends = (
                        bootstrap(difference, rng),
                        mean_interval(difference, -1.0, 1.0),
                        mean_interval(difference, -1.0, 1.0, confidence=1.0 - 0.05 / len(shares)),
                    )
                    held += [low <= truths[best] <= high for low, high in ends]
                cells = " | ".join(f"{100 * share / reports:.1f} %" for share in held)
                lines.append(f"| {which}: {name} | {n} | {cells} |")
    return lines


PAIRS: dict[str, tuple[Law, Law]] = {
    "10 % fail against 80 %": (failing(0.1), failing(0.8)),
    "10 % fail against 50 %": (failing(0.1), failing(0.5)),
    "10 % fail against 30 %": (failing(0.1), failing(0.3)),
    "0.9 against 0.5, none fails": (failing(0.0, 0.9), failing(0.0, 0.5)),
    "0.9 against 0.8, none fails": (failing(0.0, 0.9), failing(0.0, 0.8)),
}


def power(reports: int, verdicts: int = 30) -> list[str]:
    """How often a difference is found, as one of many verdicts of which the others are on equals."""
    rng = np.random.default_rng(4)
    equal = failing(0.1)
    lines = [
        f"| found, as one of {verdicts} verdicts | n | bootstrap | t with Holm | now |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, (better, worse) in PAIRS.items():
        for n in (10, 20, 40, 80):
            found = np.zeros(3)
            for _ in range(reports):
                ours = better(rng, (n,)) - worse(rng, (n,))
                others = np.diff(equal(rng, (2, verdicts - 1, n)), axis=0)[0]
                p = holm([paired_t(d) for d in (ours, *others)])[0]
                found += (bootstrap(ours, rng)[0] > 0, p < 0.05, decides(*mean_interval(ours, -1.0, 1.0), p))
            lines.append(
                f"| {name} | {n} | " + " | ".join(f"{100 * f / reports:.0f} %" for f in found) + " |"
            )
    return lines


def kept(reports: int) -> list[str]:
    """How often a loss of at most 0.05 is called shown although it is larger: 0.078, from failures."""
    rng = np.random.default_rng(5)
    lines = [
        "| a loss of 0.078 is called one below 0.05 | n | bootstrap | now |",
        "| --- | --- | --- | --- |",
    ]
    for n in (10, 20, 50, 80):
        wrong = np.zeros(2)
        for _ in range(reports):
            loss = -(rng.random(n) < 0.078).astype(float)
            for i, (low, _) in enumerate((bootstrap(loss, rng), mean_interval(loss, -1.0, 1.0))):
                wrong[i] += low > -0.05
        lines.append(
            f"| 7.8 % of runs fail | {n} | " + " | ".join(f"{100 * w / reports:.1f} %" for w in wrong) + " |"
        )
    return lines


def main() -> None:
    """Print the tables of docs/robustness.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reports", type=int, default=500)
    studies = {study.__name__: study for study in (coverage, false_verdicts, best_of, power, kept)}
    parser.add_argument("--only", choices=studies, help="one of the tables")
    options = parser.parse_args()
    for study in [studies[options.only]] if options.only else studies.values():
        print("\n".join(study(options.reports)), end="\n\n", flush=True)


if __name__ == "__main__":
    main()
