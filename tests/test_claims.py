"""Claims of papers: each verdict in each direction, from made-up scores whose answer is known by hand."""

from __future__ import annotations

import csv
import math

import numpy as np
import pytest
import synthetic
import xarray as xr
from small_sweeps import write_sweep
from synthetic import Made

from crnsim.errors import ConfigError, InputError
from crnsim.metrics import mean_interval, read_design, summarise, table_rows, to_csv
from crnsim.metrics.claims import PAPERS
from crnsim.metrics.claims.anderson2021 import settling_time
from crnsim.metrics.claims.paper import Claim
from crnsim.metrics.claims.rows import judged_row, paired_difference
from crnsim.metrics.verdicts import mark_best
from crnsim.sweep.config.model import Sweep
from crnsim.sweep.config.read import read_sweep
from crnsim.sweep.run.metrics import summarise_sweep

NOISE = {"rates": (0.05, 0.1, 0.2), "concentrations": (0.1, 0.3)}


def pot(quiet=1.0, noisy=1.0, short=None, spread=0.0):
    """Scores that depend on stress alone, and by `spread` on the replicate (even above, odd below)."""

    def score(time, kind, magnitude, replicate):
        level = noisy if kind != "none" else quiet if time >= 100 or short is None else short
        return level + (spread if replicate % 2 == 0 else -spread)

    return score


def smooth(score, **options):
    return Made(score, **({"noise": NOISE} | options))


def sharp(score, **options):
    return Made(score, **({"noise": NOISE, "label": "sharp", "role": "sharp", "h": 1e-4} | options))


def relu(score, label="relu", h_eff=0.001, **options):
    settings = {"noise": NOISE, "role": "baseline", "activation": "relu", "h": None} | options
    return Made(score, label=label, h_eff=h_eff, **settings)


def kang(*made):
    return table_rows(summarise([synthetic.summary(m) for m in made], claims="kang2025"), "claim")


def row_of(rows, claim, stress="rates", role=""):
    (row,) = [r for r in rows if (r["claim"], r["stress"], r["compared_role"]) == (claim, stress, role)]
    return row


# Accuracy is kept under noise


@pytest.mark.parametrize(
    ("level", "reference", "limit"), [(0.99, 1.0, -0.01), (0.9, 1.0, -0.1), (0.3, 0.2, 0.1)]
)
@pytest.mark.parametrize("replicates", [10, 12, 20])
def test_a_difference_that_is_the_limit_decides_nothing(level, reference, limit, replicates):
    design = read_design(synthetic.summary(smooth(pot())))
    # Of no width, as of numbers without a range: it is the limit, but for rounding.
    measured = paired_difference(np.full(replicates, level), np.full(replicates, reference), limit=limit)
    measured |= {"difference_low": measured["difference"], "difference_high": measured["difference"]}
    claim = Claim("x", "measure", "statement")
    assert judged_row(claim, design, measured, [], running_time=100.0)["verdict"] == "open"


@pytest.mark.parametrize(
    ("noisy", "spread", "verdict"),
    [
        (1.0, 0.0, "supported"),  # nothing is lost, in every replicate
        (0.8, 0.0, "contradicted"),  # 0.2 is lost, in every replicate
        (0.97, 0.2, "open"),  # within the limit on average, but 0.2 up or down in each replicate
    ],
)
def test_accuracy_is_kept_where_the_whole_interval_of_the_loss_is_small(noisy, spread, verdict):
    def score(time, kind, magnitude, replicate):
        return 1.0 if kind == "none" else noisy + (spread if replicate % 2 else -spread)

    # Seventy-two runs without a failure are the fewest that support it.
    row = row_of(kang(smooth(score, replicates=74)), "noise_kept")
    assert row["verdict"] == verdict
    assert row["difference"] == pytest.approx(noisy - 1.0)
    assert (row["score"], row["reference"], row["limit"]) == pytest.approx((noisy, 1.0, -0.05))


def test_where_no_run_has_lost_anything_it_is_said_how_many_may():
    row = row_of(kang(smooth(pot(), replicates=10)), "noise_kept")
    assert row["verdict"] == "open"
    # 1 - 0.025^(1/10) = 0.308
    assert (
        row["reason"] == "no loss in 10 runs; up to 0.308 of all may fail; about 80 replicates would decide"
    )
    row = row_of(kang(smooth(pot(), replicates=71)), "noise_kept")
    assert row["verdict"] == "open"
    assert row_of(kang(smooth(pot(), replicates=72)), "noise_kept")["verdict"] == "supported"


def test_accuracy_is_judged_at_ten_percent_and_not_beyond():
    def score(time, kind, magnitude, replicate):
        return {0.0: 1.0, 0.05: 1.0, 0.1: 0.99}.get(magnitude, 0.0)

    row = row_of(kang(smooth(score, replicates=100)), "noise_kept")
    assert (row["verdict"], row["magnitude"], row["running_time"]) == ("supported", 0.1, 100.0)


@pytest.mark.parametrize(
    ("noise", "options", "reason"),
    [
        ({"rates": (0.2,)}, {}, "no magnitude up to 0.1 was swept"),
        ({"inputs": (0.1,)}, {}, "not swept"),
        ({"rates": (0.1,)}, {"replicates": 9}, "only 9 paired replicates, 10 are needed"),
    ],
)
def test_accuracy_under_noise_is_open_with_the_reason(noise, options, reason):
    row = row_of(kang(smooth(pot(), noise=noise, **options)), "noise_kept")
    assert (row["verdict"], row["reason"]) == ("open", reason)


def test_a_design_that_has_not_learned_keeps_nothing():
    row = row_of(kang(smooth(pot(0.7, 0.7))), "noise_kept")
    assert row["verdict"] == "open"
    assert "smooth scores only 0.70 without noise at the longest running time (100)" in row["reason"]


def test_runs_that_diverge_count_as_lost_accuracy():
    def score(time, kind, magnitude, replicate):
        return (1.0, "diverged") if kind == "rates" and magnitude == 0.1 else 1.0

    row = row_of(kang(smooth(score)), "noise_kept")
    assert (row["verdict"], row["difference"]) == ("contradicted", -1.0)


# In comparison


@pytest.mark.parametrize(
    ("ours", "theirs", "verdict"),
    [
        (pot(1.0, 0.9), pot(1.0, 0.2), "supported"),
        (pot(1.0, 0.2), pot(1.0, 0.9), "contradicted"),
        (pot(1.0, 0.7), pot(1.0, 0.7), "open"),
    ],
)
def test_noise_magnitude_in_comparison_goes_whichever_way_the_losses_go(ours, theirs, verdict):
    rows = kang(
        *(made(score, replicates=16) for made, score in ((smooth, ours), (sharp, theirs), (relu, theirs)))
    )
    for role, label in (("sharp", "sharp"), ("baseline", "relu")):
        for stress in ("rates", "concentrations"):
            row = row_of(rows, "noise_magnitude", stress, role)
            assert (row["verdict"], row["compared_with"]) == (verdict, label)
            assert row["reason"] == ("" if verdict != "open" else "no difference of losses is shown")
    assert row_of(rows, "noise_magnitude", "rates", "sharp")["magnitude"] == 0.2


def test_running_time_in_comparison_is_judged_without_noise():
    rows = kang(
        smooth(pot(1.0, 0.0, short=0.9), replicates=16), sharp(pot(1.0, 1.0, short=0.2), replicates=16)
    )
    row = row_of(rows, "running_time", "running_time", "sharp")
    assert (row["verdict"], row["running_time"]) == ("supported", 100.0)
    assert (row["score"], row["reference"], row["difference"]) == pytest.approx((0.9, 0.2, 0.7))


def test_what_is_insensitive_loses_little_however_high_it_starts():
    # smooth falls from 1 to 0.8, sharp from 0.85 to 0.75: ahead in score, yet it loses more
    rows = kang(smooth(pot(1.0, 0.8), replicates=100), sharp(pot(0.85, 0.75), replicates=100))
    row = row_of(rows, "noise_magnitude", "rates", "sharp")
    assert (row["verdict"], row["reason"]) == ("contradicted", "")
    assert row["difference"] == pytest.approx(-0.1) == -row["loss_difference"]
    assert (row["score"], row["reference"]) == pytest.approx((0.8, 0.9))


def test_a_design_that_is_better_everywhere_by_as_much_is_not_less_sensitive():
    rows = kang(smooth(pot(1.0, 0.8), replicates=100), sharp(pot(0.9, 0.7), replicates=100))
    row = row_of(rows, "noise_magnitude", "rates", "sharp")
    assert (row["verdict"], row["difference"]) == ("open", pytest.approx(0.0))


def test_a_missing_part_is_named():
    rows = kang(smooth(pot()), sharp(pot()))
    assert row_of(rows, "noise_magnitude", "rates", "baseline")["reason"] == "no design has the role baseline"
    rows = kang(sharp(pot()))
    assert {(row["verdict"], row["reason"]) for row in rows} == {("open", "no design has the role smooth")}
    assert [row["claim"] for row in rows] == ["noise_kept", "running_time", "noise_magnitude"]
    rows = kang(smooth(pot(), running_times=(100,)), sharp(pot(), running_times=(100,)))
    row = row_of(rows, "running_time", "running_time", "sharp")
    assert (row["verdict"], row["reason"]) == ("open", "only one running time was swept")


def test_a_twin_that_is_not_sharp_decides_nothing():
    row = row_of(kang(smooth(pot()), sharp(pot(1.0, 0.5), h=0.01)), "noise_magnitude", "rates", "sharp")
    assert row["verdict"] == "open"
    assert "sharp is not sharp enough: median h_eff 0.01" in row["reason"]


# The best baseline


def test_smooth_is_compared_with_the_best_baseline_under_each_stress():
    def first(time, kind, magnitude, replicate):  # good under rate noise
        return {"none": 1.0, "rates": 0.9, "concentrations": 0.2}[kind]

    def second(time, kind, magnitude, replicate):  # good under concentration noise
        return {"none": 1.0, "rates": 0.1, "concentrations": 0.6}[kind]

    many = {"replicates": 100}
    rows = kang(smooth(pot(1.0, 0.8), **many), relu(first, "first", **many), relu(second, "second", **many))
    by_rates = row_of(rows, "noise_magnitude", "rates", "baseline")
    by_concentrations = row_of(rows, "noise_magnitude", "concentrations", "baseline")
    assert (by_rates["compared_with"], by_rates["verdict"]) == ("first", "contradicted")
    assert (by_concentrations["compared_with"], by_concentrations["verdict"]) == ("second", "supported")


def test_the_noise_free_score_counts_in_the_choice_of_the_best():
    # over two noisy cells and the quiet one: 0.6, 0.6, 1.0 beats 0.7, 0.7, 0.5
    made = [
        smooth(pot(), noise={"rates": (0.05, 0.1)}),
        relu(pot(0.5, 0.7), "low", noise={"rates": (0.05, 0.1)}),
        relu(pot(1.0, 0.6), "high", noise={"rates": (0.05, 0.1)}),
    ]
    verdicts = table_rows(summarise([synthetic.summary(m) for m in made]), "verdict")
    best = {row["compared_with"]: row["best"] for row in verdicts if row["stress"] == "rates"}
    assert best == {"low": 0, "high": 1}


def test_of_equal_baselines_the_first_is_the_best_and_each_contest_has_one():
    made = [smooth(pot()), relu(pot(), "one"), relu(pot(), "two"), sharp(pot())]
    verdicts = table_rows(summarise([synthetic.summary(m) for m in made]), "verdict")
    best = [(row["stress"], row["compared_with"]) for row in verdicts if row["best"]]
    assert sorted(best) == sorted(
        (stress, label)
        for stress in ("rates", "concentrations", "running_time")
        for label in ("one", "sharp")
    )


def test_a_baseline_that_was_not_run_is_the_best_only_where_it_is_alone():
    common = {"dataset": "xor", "circuit": "onepot", "activation": "smooth", "compared_role": "baseline"}
    common |= {"stress": "rates", "noise_free_baseline": math.nan, "score_baseline": math.nan, "cells": 0}
    run = {"noise_free_baseline": 0.1, "score_baseline": 0.1, "cells": 2}
    rows = [common | {"compared_with": "lost"}, common | run | {"compared_with": "there"}]
    assert [row["best"] for row in mark_best(rows)] == [0, 1]
    assert [row["best"] for row in mark_best(rows[:1])] == [1]


def one_in(n, level=0.6):
    """Scores under noise that are 0 in one run of n."""

    def score(time, kind, magnitude, replicate):
        return 1.0 if kind == "none" else 0.0 if replicate % n == 0 else level

    return score


def test_the_interval_of_the_best_of_several_holds_for_all_of_them():
    three = [relu(one_in(n), f"one_in_{n}", replicates=20) for n in (10, 5, 4)]
    alone = table_rows(
        summarise([synthetic.summary(m) for m in (smooth(pot(), replicates=20), three[0])]), "verdict"
    )
    found = summarise(
        [synthetic.summary(m) for m in (smooth(pot(), replicates=20), *three)], claims="kang2025"
    )
    rows = [row for row in table_rows(found, "verdict") if row["stress"] == "rates"]
    assert [(row["best"], row["candidates"]) for row in rows] == [(1, 3), (0, 3), (0, 3)]
    # Differences of single replicates: 1 - 0.6, and 1 where a run scores 0.
    for row, n, confidence in zip(rows, (10, 5, 4), (1 - 0.05 / 3, 0.95, 0.95), strict=True):
        values = np.where(np.arange(20) % n == 0, 1.0, 0.4)
        expected = mean_interval(values, -1.0, 1.0, confidence=confidence)
        assert (row["difference_low"], row["difference_high"]) == pytest.approx(expected, abs=1e-9)
        # Losses are the negative of that here: all start at 1.
        expected = mean_interval(-values, -2.0, 2.0, confidence=confidence)
        assert (row["loss_difference_low"], row["loss_difference_high"]) == pytest.approx(expected, abs=1e-9)
    (single,) = [row for row in alone if row["stress"] == "rates"]
    assert single["candidates"] == 1
    assert rows[0]["difference_low"] < single["difference_low"] - 1e-3
    claim = row_of(table_rows(found, "claim"), "noise_magnitude", "rates", "baseline")
    assert claim["difference_high"] == -rows[0]["loss_difference_low"]


def test_a_choice_in_hindsight_can_cost_a_verdict():
    # Noise costs smooth nothing and each other design 0.35 in 16 of 20 runs.
    def score(time, kind, magnitude, replicate):
        return 1.0 if kind == "none" or replicate % 5 == 0 else 0.65

    def verdict(count):
        others = [relu(score, f"relu{number}", replicates=20) for number in range(count)]
        rows = table_rows(
            summarise([synthetic.summary(m) for m in (smooth(pot(), replicates=20), *others)]), "verdict"
        )
        (best,) = [row for row in rows if row["stress"] == "rates" and row["best"]]
        assert best["difference_p_adjusted"] < 0.03
        return best

    alone, chosen = verdict(1), verdict(4)
    assert alone["verdict"] == "smooth"
    assert chosen["verdict"] == "no_difference"
    assert chosen["difference_low"] < 0 < alone["difference_low"]
    assert chosen["difference_needed"] >= 40


@pytest.mark.parametrize(("noisy", "verdict"), [(0.2, "supported"), (1.0, "contradicted")])
def test_the_best_baseline_is_compared_also_where_it_is_not_sharp_at_work_and_that_is_said(noisy, verdict):
    many = {"replicates": 100}
    rows = kang(smooth(pot(1.0, 0.8), **many), relu(pot(1.0, noisy), h_eff=0.1, **many))
    row = row_of(rows, "noise_magnitude", "rates", "baseline")
    expected = "non-smooth activation, but not sharp at work: median h_eff 0.1, h/30 = 0.0033"
    assert (row["verdict"], row["reason"]) == (verdict, expected)
    unknown = kang(smooth(pot(1.0, 0.8), **many), relu(pot(1.0, noisy), h_eff=math.nan, **many))
    row = row_of(unknown, "noise_magnitude", "rates", "baseline")
    assert (row["verdict"], row["reason"]) == (
        verdict,
        "non-smooth activation, but how sharp it was at work is not recorded",
    )


# Anderson, Joshi and Deshpande


def answers(agreement, **options):
    settings = {"noise": {"rates": (0.1,)}, "running_times": (2.0, 20.0, 50.0), "layers": (64, 20, 10)}
    made = Made(lambda t, k, m, r: 0.95, dataset="digits", agreement=agreement, **(settings | options))
    rows = table_rows(summarise([synthetic.summary(made)], claims="anderson2021"), "claim")
    return {row["claim"]: row for row in rows}


def test_settling_time_adds_up_the_stages():
    def time(**options):
        return settling_time(read_design(synthetic.summary(Made(pot(), **options))))

    # two sums at rate 1 and one unit at 2 sqrt(0.25) = 1, each ln(100) = 4.605
    assert time(h=0.25, layers=(2, 6, 1)) == pytest.approx(3 * 4.605170186)
    # two hidden layers at 2 sqrt(0.01) = 0.2: 3 + 2 / 0.2 = 13
    assert time(h=0.01, layers=(2, 6, 6, 1)) == pytest.approx(13 * 4.605170186)
    assert time(h=0.25, layers=(2, 6, 1), activation="algebraic_tanh") == pytest.approx(4 * 4.605170186)
    assert math.isnan(time(activation="mine"))
    assert math.isnan(time(h=None))


@pytest.mark.parametrize(
    ("agreement", "verdict"), [(1.0, "supported"), (0.995, "supported"), (0.95, "contradicted")]
)
def test_convergence_is_agreement_with_the_algebraic_network(agreement, verdict):
    # 1 - 0.025^(1/n) < 0.01 from n = 368 on
    score = answers(lambda t, k, m, r: agreement if t == 50 and k == "none" else 0.0, replicates=800)
    row = score["convergence"]
    assert (row["verdict"], row["difference"]) == (verdict, pytest.approx(agreement - 1.0))
    assert (row["score"], row["running_time"]) == (pytest.approx(agreement), 50.0)
    assert row["measure"] == "agreement"


def test_what_has_had_too_little_time_is_open():
    # h = 0.001: ln(100) (2 + 1 / (2 sqrt(0.001))) = 82.0
    row = answers(lambda t, k, m, r: 0.9, h=0.001)["convergence"]
    assert row["verdict"] == "open"
    assert row["reason"] == "the longest running time (50) is shorter than 82, enough by the theory"
    enough = answers(lambda t, k, m, r: 1.0, h=0.001, replicates=370)["convergence"]
    assert enough["verdict"] == "supported"


@pytest.mark.parametrize(("early", "verdict"), [(1.0, "supported"), (0.8, "contradicted")])
def test_speed_is_judged_at_the_first_time_that_is_enough(early, verdict):
    # h = 0.1: ln(100) (2 + 1 / (2 sqrt(0.1))) = 16.5, so 20 is enough and 2 is not
    row = answers(lambda t, k, m, r: {2.0: 0.1, 20.0: early, 50.0: 1.0}[t], replicates=370)["speed"]
    assert (row["verdict"], row["running_time"]) == (verdict, 20.0)
    assert row["difference"] == pytest.approx(early - 1.0)


@pytest.mark.parametrize(
    ("agreement", "options", "reason"),
    [
        (
            1.0,
            {"h": 0.01},
            "no running time was swept between 32.2, enough by the theory, and the longest (50)",
        ),
        (0.5, {}, "smooth has not converged at the longest running time (50) either"),
        (1.0, {"activation": "mine"}, "no rate of convergence is known for mine"),
        (1.0, {"replicates": 4}, "only 4 paired replicates, 10 are needed"),
    ],
)
def test_speed_is_open_with_the_reason(agreement, options, reason):
    row = answers(lambda t, k, m, r: agreement, **options)["speed"]
    assert (row["verdict"], row["reason"]) == ("open", reason)


def test_a_network_that_has_learned_nothing_agrees_in_vain():
    made = Made(lambda t, k, m, r: 0.5, dataset="digits", running_times=(20.0, 50.0))
    rows = table_rows(summarise([synthetic.summary(made)], claims="anderson2021"), "claim")
    assert "the algebraic network of smooth scores only 0.50" in rows[0]["reason"]
    assert rows[0]["verdict"] == "open"


def test_without_stored_agreement_the_scores_are_compared():
    summary = synthetic.summary(Made(lambda t, k, m, r: 0.95, running_times=(20.0, 50.0)))
    summary["algebraic_score"][:] = 0.97
    rows = table_rows(summarise([summary], claims="anderson2021"), "claim")
    assert rows[0]["score"] == pytest.approx(0.98)
    assert rows[0]["verdict"] == "contradicted"


def test_a_failed_run_agrees_with_nothing():
    made = Made(lambda t, k, m, r: (0.95, "failed") if r == 0 else 0.95, agreement=lambda t, k, m, r: 1.0)
    row = table_rows(summarise([synthetic.summary(made)], claims="anderson2021"), "claim")[0]
    assert row["score"] == pytest.approx(0.9)


def test_baselines_are_none_of_the_theory():
    made = [smooth(pot()), relu(pot())]
    rows = table_rows(summarise([synthetic.summary(m) for m in made], claims="anderson2021"), "claim")
    assert {row["activation"] for row in rows} == {"smooth"}


# The whole


@pytest.mark.parametrize("name", PAPERS)
def test_a_sweep_file_names_each_built_in_paper_in_the_mode_that_it_is_about(tmp_path, name):
    about = PAPERS[name].mode
    other = next(mode for mode in ("training", "inference") if mode != about)
    assert read_sweep(write_sweep(tmp_path / "a.yaml", claims=name, mode=about)).sweep.claims == name
    with pytest.raises(ConfigError, match=f"claims: {name} is about {about}; write mode: {about}"):
        read_sweep(write_sweep(tmp_path / "b.yaml", claims=name, mode=other))


def test_the_reference_of_sweep_files_names_every_built_in_paper():
    described = Sweep.model_fields["claims"].description
    assert all(f"`{name}`" in described for name in PAPERS)


def test_an_unknown_paper_is_refused_with_the_one_that_was_meant():
    with pytest.raises(InputError, match="did you mean 'kang2025'"):
        summarise([synthetic.summary(Made(pot()))], claims="kang2024")


def test_a_sweep_file_with_an_unknown_paper_is_one_line(tmp_path):
    write_sweep(tmp_path / "a.yaml", claims="kang2024")
    with pytest.raises(
        ConfigError, match=r"line \d+: claims: unknown paper 'kang2024'; did you mean 'kang2025'\?"
    ):
        read_sweep(tmp_path / "a.yaml")
    assert read_sweep(write_sweep(tmp_path / "b.yaml", claims="kang2025")).sweep.claims == "kang2025"


def test_claims_come_from_the_plan_and_survive_netcdf(tmp_path):
    made = [smooth(pot(1.0, 0.9)), sharp(pot(1.0, 0.5))]
    plan, summaries = synthetic.plan(made), [synthetic.summary(m) for m in made]
    assert table_rows(summarise_sweep(plan, summaries), "claim") == []
    plan.config["claims"] = "kang2025"
    dataset = summarise_sweep(plan, summaries)
    dataset.to_netcdf(tmp_path / "robustness.nc")
    with xr.open_dataset(tmp_path / "robustness.nc") as stored:
        np.testing.assert_equal(table_rows(stored, "claim"), table_rows(dataset, "claim"))


def test_claims_stand_in_the_csv_with_verdict_and_interval(tmp_path):
    made = [smooth(pot(1.0, 0.8), replicates=40), sharp(pot(1.0, 0.1), replicates=40)]
    to_csv(summarise([synthetic.summary(m) for m in made], claims="kang2025"), tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(newline="", encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row["table"] == "claim"]
    (row,) = [
        row
        for row in rows
        if (row["claim"], row["stress"], row["compared_role"], row["metric"])
        == ("noise_magnitude", "rates", "sharp", "difference")
    ]
    rates = "both designs at the data set's learning rate, which was not chosen for either"
    assert row["note"] == f"supported; {rates}"
    assert float(row["value"]) == pytest.approx(0.7)
    assert 0.0 < float(row["low"]) < 0.7 < float(row["high"])
    kept = [row for row in rows if row["claim"] == "noise_kept" and row["metric"] == "difference"]
    rate = "learning rate as given, which was not chosen for this design"
    assert {row["note"] for row in kept} == {f"contradicted; {rate}"}
