"""Do the intervals and verdicts of a report hold? Coverage, false verdicts and power, as before and as now.

    python benchmarks/statistics_study.py [--reports 1000] [--only best_of]
    python benchmarks/statistics_study.py --replay results/xor80 [--reports 100] [--losses]

"Bootstrap" are percentile intervals with 2000 resamples, as they were, and a verdict where such an interval leaves 0
out; "t with Holm" is that test alone. Scores are drawn from populations like those of pots: 0 for failed runs, a level
with little spread else. Prints Markdown; some ten minutes on one core with the defaults, and as many for `looks`.

"Looks" is the rule of a sweep that adds replicates where verdicts are open: 10, 20, 40 and 80 of them, beside 80 in
every cell. `--replay` takes a folder of results that has as many replicates in every cell, and reads them as such a
sweep would have, in their own order and in random ones.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from scipy import stats

from crnsim.metrics import look_at
from crnsim.metrics.decisions import LEVEL, decides, holm, paired_t, replicates_needed
from crnsim.metrics.designs import point_conditions
from crnsim.metrics.intervals import critical_interval, mean_interval
from crnsim.metrics.looks import looked
from crnsim.metrics.sequential import FEWEST_TO_GIVE_UP, FUTILE
from crnsim.store.points import read_points
from crnsim.sweep.plan.plan_file import read_plan_file

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


LOOKS = (10, 20, 40, 80)


def _at_looks(differences: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return when each verdict is decided, and with how many replicates its scores end, by the rule of a sweep.

    The same as `crnsim.metrics.sequential.replay` for scores alone, but intervals are made only where the test decides.
    """
    decided, ends = np.zeros(len(differences), dtype=int), np.zeros(len(differences), dtype=int)
    p, given_up = np.ones(len(differences)), np.zeros(len(differences), dtype=bool)
    with looked(len(LOOKS)):
        for n in LOOKS:
            for i in np.flatnonzero((decided == 0) & ~given_up):
                p[i], ends[i] = paired_t(differences[i, :n]), n
            adjusted = holm(p.tolist())
            for i in np.flatnonzero((decided == 0) & (ends == n)):
                if adjusted[i] < LEVEL and decides(
                    *mean_interval(differences[i, :n], -1.0, 1.0), adjusted[i]
                ):
                    decided[i] = n
            if FEWEST_TO_GIVE_UP <= n < LOOKS[-1]:
                tests = len(differences)
                for i in np.flatnonzero((decided == 0) & (ends == n)):
                    needed = replicates_needed(differences[i, :n], 1.0, tests)
                    given_up[i] = not 0 < needed <= FUTILE * LOOKS[-1]
    return decided, ends


def looks_equal(reports: int, verdicts: int = 30) -> list[str]:
    """Share of reports on equal designs with a verdict, of ten times as many, and of intervals that hold throughout."""
    rng = np.random.default_rng(6)
    columns = (
        "reports with a verdict: 80 in each",
        "looks",
        "mean of a cell held at all looks",
        "difference held",
    )
    lines = [
        f"| {verdicts} verdicts on equal designs | {' | '.join(columns)} |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, law in POPULATIONS.items():
        truth, wrong, held = mean_of(law), np.zeros(2), np.zeros(2)
        for _ in range(10):
            scores = law(rng, (reports, verdicts, 2, LOOKS[-1]))
            differences = scores[:, :, 0] - scores[:, :, 1]
            wrong += [np.mean(_any_verdict(differences, looks)) / 10 for looks in (LOOKS[-1:], LOOKS)]
        with looked(len(LOOKS)):
            for cell, difference in zip(scores[:, 0, 0], differences[:, 0], strict=True):
                held[0] += all(_holds(cell[:n], 0.0, truth) for n in LOOKS)
                held[1] += all(_holds(difference[:n], -1.0, 0.0) for n in LOOKS)
        shares = [f"{100 * w:.1f} %" for w in wrong] + [f"{100 * h / reports:.1f} %" for h in held]
        lines.append(f"| {name} | " + " | ".join(shares) + " |")
    return lines


def _any_verdict(differences: np.ndarray, looks: Sequence[int]) -> np.ndarray:
    """Tell of each report, (report, verdict, replicate), whether any look decides anything.

    By Holm's procedure nothing is decided unless the smallest p-value is, and that counts as often as there are tests.
    """
    found = np.zeros(len(differences), dtype=bool)
    tests = differences.shape[1] * len(looks)
    with looked(len(looks)):
        for n in looks:
            seen = differences[:, :, :n]
            mean, spread = seen.mean(axis=-1), np.maximum(seen.std(axis=-1, ddof=1), 1e-12)
            p = 2.0 * stats.t.sf(np.abs(mean) * np.sqrt(n) / spread, n - 1)
            for report, verdict in np.argwhere(tests * p < LEVEL):
                low, high = mean_interval(seen[report, verdict], -1.0, 1.0)
                found[report] |= decides(low, high, tests * p[report, verdict])
    return found


def _holds(values: np.ndarray, least: float, expected: float) -> bool:
    low, high = mean_interval(values, least, 1.0)
    return bool(low <= expected <= high)


def looks_power(reports: int, verdicts: int = 30) -> list[str]:
    """How often a difference is found, as one of many verdicts on equals, and by how many replicates."""
    rng = np.random.default_rng(7)
    equal = failing(0.1)
    lines = [
        f"| as one of {verdicts} verdicts, the others on equals | found: 80 in each | looks | replicates, mean |",
        "| --- | --- | --- | --- |",
    ]
    for name, (better, worse) in (PAIRS | {"10 % fail of both": (equal, equal)}).items():
        found, needed = np.zeros(2), 0.0
        for _ in range(reports):
            ours = better(rng, (LOOKS[-1],)) - worse(rng, (LOOKS[-1],))
            others = np.diff(equal(rng, (2, verdicts - 1, LOOKS[-1])), axis=0)[0]
            differences = np.array([ours, *others])
            p = holm([paired_t(d) for d in differences])[0]
            decided, ends = _at_looks(differences)
            found += (p < LEVEL and decides(*mean_interval(ours, -1.0, 1.0), p), decided[0] > 0)
            needed += ends[0] / reports
        lines.append(
            f"| {name} | " + " | ".join(f"{100 * f / reports:.0f} %" for f in found) + f" | {needed:.0f} |"
        )
    return lines


def replayed(folder: Path, orders: int, losses: bool) -> list[str]:
    """Read stored runs as a sweep that adds replicates would have: what it decides, and how many runs it takes."""
    plan = read_plan_file(folder / "plan.json")
    summaries = [read_points(folder / "summary" / Path(entry.summary).name) for entry in plan.groups]
    most = min(entry.replicates for entry in plan.groups)
    looks = (*(n for n in LOOKS if n < most), most)
    schedule = {entry.dataset: looks for entry in plan.groups}
    runs = sum(one.sizes["point"] for one in summaries)
    fixed = look_at(summaries, {}, smoothing=plan.smoothing, losses=losses).rows
    rng, told = np.random.default_rng(8), []
    for number in range(orders + 1):
        # One order for all designs: twins stay pairs.
        order = rng.permutation(most) if number else np.arange(most)
        shuffled = [_reordered(one, order) for one in summaries]
        found = look_at(shuffled, schedule, smoothing=plan.smoothing, losses=losses)
        told.append((found.rows, _runs(shuffled, found.open_rows, looks)))
    lines = [
        f"{runs} runs of the fixed design, {most} replicates in each cell; looks at {', '.join(map(str, looks))}",
        "",
        "| row | all in each: scores, losses | stored order | in random orders as the fixed design: scores | losses |",
        "| --- | --- | --- | --- | --- |",
    ]
    for i, row in enumerate(fixed):
        own = told[0][0][i]
        same = [
            np.mean([rows[i][name] == row[name] for rows, _ in told[1:]])
            for name in ("verdict", "loss_verdict")
        ]
        lines.append(
            f"| {row['compared_with']}, {row['stress']} | {row['verdict']}, {row['loss_verdict']} | {own['verdict']} "
            f"after {own['difference_look']} | {100 * same[0]:.0f} % | {100 * same[1]:.0f} % |"
        )
    shares = np.array([count / runs for _, count in told])
    least, middle, largest = (
        100 * found for found in (shares[1:].min(), shares[1:].mean(), shares[1:].max())
    )
    own = f"runs: {told[0][1]} ({100 * shares[0]:.0f} %) in the stored order"
    others = f"in {orders} random ones {middle:.0f} % on average, {least:.0f} to {largest:.0f} %"
    return [*lines, "", f"{own}; {others}"]


def _reordered(summary: xr.Dataset, order: np.ndarray) -> xr.Dataset:
    """Return runs with other numbers of replicates."""
    return summary.assign_coords(replicate=("point", order[summary["replicate"].values]))


def _runs(
    summaries: Sequence[xr.Dataset], open_rows: Sequence[Sequence[dict[str, Any]]], looks: Sequence[int]
) -> int:
    """Count the runs that a sweep takes: the first look of every cell, then those that open verdicts ask for."""
    total = 0
    for summary in summaries:
        label, conditions = str(summary.attrs["activation_label"]), set(point_conditions(summary))
        longest = max(condition.running_time for condition in conditions)
        total += len(conditions) * looks[0]
        for rows, before, last in zip(open_rows, looks, looks[1:], strict=False):
            stresses = {row["stress"] for row in rows if label in (row["activation"], row["compared_with"])}
            for time, level in conditions:
                asked = level.kind in (*stresses, "none") and bool(stresses)
                if time < longest:
                    asked = level.kind == "none" and "running_time" in stresses
                total += (last - before) * asked
    return total


def main() -> None:
    """Print the tables of docs/robustness.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    studies = {
        study.__name__: study
        for study in (coverage, false_verdicts, best_of, power, kept, looks_equal, looks_power)
    }
    parser.add_argument("--reports", type=int, default=500, help="reports of each study, or random orders")
    parser.add_argument("--only", choices=[*studies, "looks"], help="one of the tables, or both of looks")
    parser.add_argument(
        "--replay", metavar="RESULTS", type=Path, help="a folder of results to be read by looks"
    )
    parser.add_argument("--losses", action="store_true", help="losses must be decided too, as with claims")
    options = parser.parse_args()
    if options.replay:
        print("\n".join(replayed(options.replay, options.reports, options.losses)))
        return
    chosen = {"looks": [looks_equal, looks_power], None: list(studies.values())}
    for study in chosen.get(options.only) or [studies[options.only]]:
        print("\n".join(study(options.reports)), end="\n\n", flush=True)


if __name__ == "__main__":
    main()
