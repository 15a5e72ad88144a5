"""Robustness: expected values by hand, verdicts in every direction, intervals written out."""

from __future__ import annotations

import csv
import math
from dataclasses import replace

import numpy as np
import pytest
import synthetic
import xarray as xr
from scipy import stats
from synthetic import Made

from crnsim import metrics
from crnsim.errors import InputError
from crnsim.metrics import (
    area_under_curve,
    critical_interval,
    critical_magnitude,
    free_interval,
    intervals,
    mean_interval,
    summarise,
    table_rows,
)
from crnsim.metrics.decisions import decides, holm, paired_t, replicates_needed, sign_test
from crnsim.sweep.run.metrics import summarise_sweep


def pot(quiet=1.0, noisy=1.0, short=None, spread=0.0):
    """Scores that depend on stress alone, and by `spread` on the replicate (even above, odd below)."""

    def score(time, kind, magnitude, replicate):
        level = noisy if kind != "none" else quiet if time >= 100 or short is None else short
        return level + (spread if replicate % 2 == 0 else -spread)

    return score


def designs(smooth, sharp, **options):
    common = {"noise": {"rates": (0.05, 0.1)}} | options
    return [
        synthetic.summary(Made(smooth, **common)),
        synthetic.summary(Made(sharp, label="sharp", role="sharp", h=1e-4, **common)),
    ]


def verdict(summaries, stress="rates", other="sharp"):
    rows = table_rows(summarise(summaries), "verdict")
    (row,) = [row for row in rows if row["stress"] == stress and row["compared_with"] == other]
    return row


# Numbers that sum up a curve


@pytest.mark.parametrize(
    ("magnitudes", "scores", "expected"),
    [
        # half of 1 is crossed between 0.8 at 0.1 and 0.2 at 0.2: half way
        ([0, 0.1, 0.2], [1.0, 0.8, 0.2], 0.15),
        # half of 0.8 is 0.4, reached exactly at a magnitude
        ([0, 0.1, 0.2], [0.8, 0.4, 0.1], 0.1),
        # the first crossing counts, whatever comes after it
        ([0, 0.1, 0.2, 0.3], [1.0, 0.0, 1.0, 0.0], 0.05),
        ([0, 0.1, 0.2], [1.0, 0.9, 0.51], math.inf),
        ([0, 0.1], [0.0, 0.0], math.nan),
        ([0, 0.1], [1.0, math.nan], math.nan),
    ],
)
def test_critical_magnitude_is_linear_between_magnitudes(magnitudes, scores, expected):
    found = float(critical_magnitude(np.array(magnitudes), np.array(scores)))
    assert found == pytest.approx(expected, nan_ok=True)


def test_area_is_the_mean_score_over_the_range():
    # trapezoids: 0.1 x 0.9 + 0.2 x 0.5 = 0.19, over a range of 0.3
    assert float(area_under_curve(np.array([0, 0.1, 0.3]), np.array([1, 0.8, 0.2]))) == pytest.approx(
        0.19 / 0.3
    )
    assert float(area_under_curve(np.array([0, 0.1, 0.3]), np.ones(3))) == pytest.approx(1.0)


# Intervals


@pytest.mark.parametrize("n", [1, 3, 10, 50, 300])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 1.0])
def test_interval_of_successes_is_that_of_clopper_and_pearson(n, share):
    k = round(n * share)
    found = mean_interval(np.r_[np.zeros(n - k), np.ones(k)], 0.0, 1.0)
    exact = stats.binomtest(k, n).proportion_ci(0.95, method="exact") if n else ()
    assert found == pytest.approx((exact.low, exact.high), abs=1e-8)


def test_ends_of_an_interval_are_quantiles_of_a_mean_with_random_weights():
    rng = np.random.default_rng(1)
    values = rng.random(9) ** 2
    weights = rng.dirichlet(np.ones(10), size=400_000)
    low, high = mean_interval(values, 0.0, 1.0)
    # 5 standard errors of a share of 0.025 among 400,000
    for end, more in ((low, 0.0), (high, 1.0)):
        below = np.mean(weights @ np.append(values, more) <= end)
        assert min(below, 1 - below) == pytest.approx(0.025, abs=5 * math.sqrt(0.025 / 400_000))


def test_intervals_turn_with_their_numbers_and_scale_with_the_range():
    values = np.random.default_rng(2).random(12)
    low, high = mean_interval(values, 0.0, 1.0)
    assert mean_interval(1 - values, 0.0, 1.0) == pytest.approx((1 - high, 1 - low))
    assert mean_interval(4 * values - 2, -2.0, 2.0) == pytest.approx((4 * low - 2, 4 * high - 2))
    assert mean_interval(np.append(values, math.nan), 0.0, 1.0) == (low, high)
    assert all(map(math.isnan, mean_interval(np.array([]), 0.0, 1.0)))


@pytest.mark.parametrize("law", ["uniform", "tied", "rare"])
def test_intervals_of_many_by_the_saddle_point_are_those_of_the_sum(law, monkeypatch):
    rng = np.random.default_rng(3)
    values = {
        "uniform": rng.random(350),
        "tied": rng.integers(0, 3, 350) / 2,
        "rare": np.where(np.arange(350) < 3, 0.0, 0.97),
    }[law]
    exact = mean_interval(values, 0.0, 1.0)
    monkeypatch.setattr(intervals, "_EXACT", 10)
    intervals._lower_end.cache_clear()
    near = mean_interval(values, 0.0, 1.0)
    intervals._lower_end.cache_clear()
    assert near == pytest.approx(exact, abs=2e-3 * (exact[1] - exact[0]))


@pytest.mark.parametrize("n", [10, 20])
@pytest.mark.parametrize("failures", [0.05, 0.1, 0.5])
def test_intervals_hold_their_mean_where_runs_fail(n, failures):
    # Scores of 0 for failed runs, about 0.95 else: intervals by resampling miss their mean in a third of cases.
    rng = np.random.default_rng(4)
    scores = np.where(rng.random((1000, n)) < failures, 0.0, np.clip(rng.normal(0.95, 0.03, (1000, n)), 0, 1))
    truth = (1 - failures) * 0.95
    held = np.mean([low <= truth <= high for low, high in (mean_interval(row, 0.0, 1.0) for row in scores)])
    assert held > 0.95 - 3 * math.sqrt(0.05 * 0.95 / 1000)


def test_an_interval_has_a_width_where_all_agree():
    row = table_rows(summarise([synthetic.summary(Made(pot(), replicates=10))]), "cell")[0]
    assert (row["score"], row["score_high"]) == (1.0, 1.0)
    assert row["score_low"] == pytest.approx(0.025 ** (1 / 10))


def test_numbers_of_no_known_range_have_the_interval_of_student():
    values = np.random.default_rng(5).standard_normal(12)
    found = stats.ttest_1samp(values, 0.0).confidence_interval(0.95)
    assert free_interval(values) == pytest.approx((found.low, found.high))
    assert free_interval(np.ones(12)) == (-math.inf, math.inf)
    assert free_interval(np.ones(1)) == (-math.inf, math.inf)


def test_a_critical_magnitude_lies_within_its_interval():
    rng = np.random.default_rng(6)
    magnitudes = np.array([0.0, 0.05, 0.1, 0.2])
    for _ in range(30):
        scores = rng.random((4, 12)) * np.array([1, 0.9, 0.6, 0.2])[:, None]
        low, high = critical_interval(magnitudes, scores)
        assert low <= critical_magnitude(magnitudes, scores.mean(axis=1)) <= high
    assert critical_interval(magnitudes, np.ones((4, 12))) == (math.inf, math.inf)
    assert all(map(math.isnan, critical_interval(magnitudes, np.zeros((4, 12)))))
    # One success in ten replicates without noise: it may be nothing.
    rare = np.zeros((4, 10))
    rare[0, 0] = 1.0
    assert critical_interval(magnitudes, rare)[0] == 0.0
    # A replicate that lacks a score is as good as not there.
    scores = np.outer([1.0, 0.9, 0.6, 0.2], np.linspace(0.8, 1.0, 12))
    torn = np.column_stack([scores, scores[:, 0]])
    torn[0, -1] = math.nan
    assert critical_interval(magnitudes, torn) == critical_interval(magnitudes, scores)
    assert all(map(math.isnan, critical_interval(magnitudes, torn[:, -1:])))
    # What scores 0 everywhere says nothing of where half is lost; what scores 0 without noise alone does.
    failed = np.column_stack([scores, np.zeros(4)])
    assert critical_interval(magnitudes, failed) == critical_interval(magnitudes, scores)
    failed[1:, -1] = scores[1:, 0]
    assert critical_interval(magnitudes, failed)[0] > critical_interval(magnitudes, scores)[0]


def test_intervals_of_a_critical_magnitude_hold_it():
    # Successes with probability 1 - 5 m: half is lost at 0.1, where no magnitude was run.
    rng = np.random.default_rng(7)
    magnitudes = np.array([0.0, 0.04, 0.12, 0.2])
    draws = rng.random((400, 4, 10)) < (1 - 5 * magnitudes)[:, None]
    held = np.mean(
        [
            low <= 0.1 <= high
            for low, high in (critical_interval(magnitudes, one.astype(float)) for one in draws)
        ]
    )
    assert held > 0.95 - 3 * math.sqrt(0.05 * 0.95 / 400)


# Tests


def test_paired_t_is_that_of_scipy():
    values = np.random.default_rng(8).normal(0.3, 1, 11)
    assert paired_t(values) == pytest.approx(stats.ttest_1samp(values, 0.0).pvalue)
    assert (paired_t(np.zeros(5)), paired_t(np.ones(5))) == (1.0, 0.0)
    assert math.isnan(paired_t(np.ones(1)))


def test_signs_are_tested_exactly():
    # 3 of 10 won and 7 tied: one in four by chance.
    assert sign_test(np.r_[np.ones(3), np.zeros(7)]) == (3, 0, 0.25)
    assert sign_test(np.zeros(4)) == (0, 0, 1.0)


def test_holm_by_hand():
    found = holm([0.01, math.nan, 0.04, 0.03, 0.005])
    assert found == pytest.approx([0.03, math.nan, 0.06, 0.06, 0.02], nan_ok=True)
    assert holm([0.5, 0.9]) == [1.0, 1.0]


def test_the_forecast_of_replicates_decides_when_they_are_there():
    values = np.r_[np.ones(3), np.zeros(7)]
    needed = replicates_needed(values, 1.0, 30)
    assert needed in (30, 40)
    more = np.tile(values, needed // 10)
    assert paired_t(more) * 30 < 0.03
    assert mean_interval(more, -1.0, 1.0)[0] > 0
    assert replicates_needed(np.r_[1.0, -1.0], 1.0, 30) == 0


def test_equal_designs_are_hardly_ever_told_apart():
    # 200 reports of thirty verdicts on scores that are 0 or 1, each half of the time, the worst case for t.
    rng = np.random.default_rng(9)
    false = 0
    for _ in range(200):
        differences = [np.diff((rng.random((2, 10)) >= 0.5).astype(float), axis=0)[0] for _ in range(30)]
        adjusted = holm([paired_t(d) for d in differences])
        false += any(
            decides(*mean_interval(d, -1.0, 1.0), p) for d, p in zip(differences, adjusted, strict=True)
        )
    assert false <= 200 * 0.05


# Cells, curves, sensitivity


def test_a_failed_run_scores_zero_whatever_the_file_says():
    summary = synthetic.summary(Made(lambda t, k, m, r: (1.0, "diverged") if r < 3 else 0.8, replicates=10))
    summary["score"][:] = 0.8
    row = table_rows(summarise([summary]), "cell")[0]
    assert row["score"] == pytest.approx(0.7 * 0.8)
    assert (row["share_diverged"], row["share_ok"]) == pytest.approx((0.3, 0.7))


def test_shares_of_outcomes_add_up_to_one():
    names = ("ok", "diverged", "step_limit", "worker_killed", "failed")
    summary = synthetic.summary(Made(lambda t, k, m, r: (0.5, names[r % 5]), replicates=10))
    for row in table_rows(summarise([summary]), "cell"):
        assert [row[f"share_{name}"] for name in names] == pytest.approx([0.2] * 5)


def test_curves_start_at_the_common_noise_free_cell():
    scores = {0.0: 1.0, 0.05: 0.8, 0.1: 0.2}
    made = Made(lambda t, k, m, r: scores[m], noise={"rates": (0.1, 0.05), "inputs": (0.05,)})
    rows = {
        (r["running_time"], r["noise_kind"]): r
        for r in table_rows(summarise([synthetic.summary(made)]), "curve")
    }
    assert set(rows) == {(30.0, "rates"), (30.0, "inputs"), (100.0, "rates"), (100.0, "inputs")}
    rates = rows[30.0, "rates"]
    # half is crossed half way between 0.05 and 0.1; trapezoids 0.05 x 0.9 + 0.05 x 0.5 over 0.1
    assert rates["critical_magnitude"] == pytest.approx(0.075)
    assert rates["area"] == pytest.approx(0.7)
    assert rates["critical_beyond_max"] == 0
    inputs = rows[30.0, "inputs"]
    assert (inputs["critical_magnitude"], inputs["critical_beyond_max"]) == (math.inf, 1)
    assert inputs["max_magnitude"] == 0.05


def test_sensitivity_is_the_loss_from_the_longest_to_the_shortest_time():
    scores = {50: 0.2, 100: 0.6, 200: 1.0}
    made = Made(lambda t, k, m, r: scores[int(t)], running_times=(200, 50, 100), noise={})
    (row,) = table_rows(summarise([synthetic.summary(made)]), "sensitivity")
    assert row["loss"] == pytest.approx(0.8)
    assert row["slope_per_doubling"] == pytest.approx(0.4)
    assert (row["running_time"], row["longest_running_time"]) == (50, 200)


# Verdicts


def test_smooth_that_keeps_more_under_noise_loses_less():
    row = verdict(designs(pot(1.0, 0.9, spread=0.02), pot(1.0, 0.5, spread=-0.02), replicates=30))
    assert row["verdict"] == row["loss_verdict"] == "smooth"
    assert row["difference"] == pytest.approx(0.4)
    assert row["difference_low"] < 0.4 < row["difference_high"]
    assert row["loss_smooth"] == pytest.approx(0.1)
    assert row["loss_baseline"] == pytest.approx(0.5)
    assert row["loss_difference"] == pytest.approx(-0.4)


def test_what_a_failure_in_four_could_turn_is_not_decided():
    # 0.4 in each of ten: a failure of smooth, -1, that one run in four has may not have been met.
    row = verdict(designs(pot(1.0, 0.9, spread=0.02), pot(1.0, 0.5, spread=-0.02)))
    assert row["difference_p_adjusted"] < 1e-6
    assert row["difference_low"] < 0
    assert (row["verdict"], row["difference_needed"]) == ("no_difference", 20)


def test_smooth_that_keeps_less_under_noise_loses_more():
    row = verdict(designs(pot(1.0, 0.3), pot(1.0, 0.8)))
    assert (row["verdict"], row["reason"]) == ("baseline", "")
    assert row["difference"] == pytest.approx(-0.5)


def test_an_interval_that_holds_zero_shows_no_difference():
    row = verdict(designs(pot(1.0, 0.5, spread=0.2), pot(1.0, 0.5, spread=-0.2)))
    assert row["difference_low"] < 0 < row["difference_high"]
    assert row["verdict"] == "no_difference"
    assert verdict(designs(pot(), pot()))["verdict"] == "no_difference"


def test_short_running_time_is_judged_without_noise():
    row = verdict(designs(pot(1.0, 0.0, short=0.9), pot(1.0, 1.0, short=0.2)), "running_time")
    assert (row["verdict"], row["cells"]) == ("smooth", 1)
    assert row["difference"] == pytest.approx(0.7)


def test_noise_is_judged_at_the_longest_running_time_alone():
    def sharp(time, kind, magnitude, replicate):
        return 1.0 if time == 100 else 0.0

    row = verdict(designs(pot(), sharp))
    assert (row["verdict"], row["cells"], row["longest_running_time"]) == ("no_difference", 2, 100.0)


def test_score_and_loss_may_disagree_and_both_are_kept():
    # smooth falls from 1 to 0.8, sharp from 0.85 to 0.75: ahead in score, behind in loss
    row = verdict(designs(pot(1.0, 0.8), pot(0.85, 0.75), replicates=100))
    assert (row["verdict"], row["loss_verdict"]) == ("smooth", "baseline")
    assert row["loss_difference"] == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("smooth", "sharp", "options", "reason"),
    [
        (pot(), pot(), {"replicates": 9}, "only 9 paired replicates, 10 are needed"),
        (pot(0.79), pot(), {}, "smooth scores only 0.79 without noise at the longest running time (100)"),
        (pot(), pot(0.5), {}, "sharp scores only 0.50 without noise"),
    ],
)
def test_a_verdict_is_withheld_with_the_reason(smooth, sharp, options, reason):
    row = verdict(designs(smooth, sharp, **options))
    assert row["verdict"] == row["loss_verdict"] == "undecided"
    assert reason in row["reason"]


def test_a_score_of_exactly_0_8_and_ten_replicates_are_enough():
    assert verdict(designs(pot(0.8, 0.7), pot(0.8, 0.1)))["verdict"] == "smooth"


@pytest.mark.parametrize(
    ("h_eff", "expected"),
    [(0.1 / 30, "undecided"), (0.0033, "smooth"), (math.nan, "undecided"), (0.1, "undecided")],
)
def test_a_relu_must_be_thirty_times_sharper_than_the_smooth_design(h_eff, expected):
    relu = Made(pot(1.0, 0.2), label="relu", role="baseline", activation="relu", h=None, h_eff=h_eff)
    row = verdict([synthetic.summary(Made(pot(1.0, 0.9))), synthetic.summary(relu)], other="relu")
    assert row["verdict"] == expected
    assert row["baseline_h_eff"] == pytest.approx(h_eff, nan_ok=True)
    if expected == "undecided":
        assert "sharp" in row["reason"]


def test_all_reasons_are_given_at_once():
    row = verdict(designs(pot(0.5), pot(0.4), replicates=3))
    assert [part.split()[0] for part in row["reason"].split("; ")] == ["smooth", "sharp", "only"]


def test_pairs_are_matched_by_replicate_whatever_their_order():
    first, second = designs(
        lambda t, k, m, r: 1.0 if k == "none" else 0.05 * r,
        lambda t, k, m, r: 1.0 if k == "none" else 0.05 * r - 0.04,
    )
    mixed = second.isel(point=np.random.default_rng(0).permutation(second.sizes["point"]))
    row = verdict([first, mixed])
    # every pair differs by 0.04, and a mean with more weight on 1, or -1, is that of a power
    weight = 1 - 0.025 ** (1 / 10)
    expected = (0.04 - 1.04 * weight, 0.04 + 0.96 * weight)
    assert (row["difference_low"], row["difference_high"]) == pytest.approx(expected)
    xr.testing.assert_identical(summarise([first, second]), summarise([first, mixed]))


def test_replicates_that_one_design_lacks_are_not_paired():
    first, second = designs(pot(1.0, 0.9), pot(1.0, 0.2), replicates=12)
    lacking = second.isel(point=np.flatnonzero(second["replicate"].values != 5))
    assert verdict([first, lacking])["replicates"] == 11
    gone = second.isel(point=np.flatnonzero(second["replicate"].values < 4))
    assert "only 4 paired replicates" in verdict([first, gone])["reason"]


def test_a_missing_noise_free_cell_leaves_the_verdict_open():
    first, second = designs(pot(), pot())
    quiet = (second["noise_kind"] == "none") & (second["running_time"] == 100)
    row = verdict([first, second.isel(point=np.flatnonzero(~quiet.values))])
    assert "sharp has no run without noise at the longest running time (100)" in row["reason"]


def test_scores_are_paired_also_where_there_is_nothing_yet_to_lose_from():
    first, second = designs(pot(1.0, 0.9, short=0.8), pot(1.0, 0.2, short=0.5))
    early = [part.isel(point=np.flatnonzero(part["running_time"].values < 100)) for part in (first, second)]
    late = first.isel(point=np.flatnonzero(first["running_time"].values == 100))
    whole = xr.concat(
        [early[0], late], "point", data_vars="minimal", coords="minimal", combine_attrs="override"
    )
    rows = table_rows(summarise([whole, early[1]]), "paired")
    (quiet,) = [row for row in rows if row["noise_kind"] == "none"]
    assert quiet["difference"] == pytest.approx(0.3)
    assert math.isnan(quiet["loss_difference"])
    assert quiet["loss_smooth"] == pytest.approx(0.2)


def test_crossed_kinds_stay_out_of_the_verdict_on_one_kind():
    noise = {"rates": (0.1,), "inputs": (0.2,)}

    def sharp(time, kind, magnitude, replicate):
        return 0.0 if kind == "rates+inputs" else 1.0

    rows = {
        r["stress"]: r
        for r in table_rows(summarise(designs(pot(), sharp, noise=noise, cross=True)), "verdict")
    }
    assert set(rows) == {"rates", "inputs", "running_time"}
    assert {row["cells"] for row in rows.values()} == {1}
    assert rows["rates"]["difference"] == 0.0


def test_paired_differences_are_given_for_every_cell():
    rows = table_rows(summarise(designs(pot(1.0, 0.9), pot(1.0, 0.5))), "paired")
    assert len(rows) == 6
    noisy = [row for row in rows if row["noise_kind"] == "rates"]
    assert {round(row["difference"], 12) for row in noisy} == {0.4}


def test_without_a_sharp_design_there_is_no_verdict():
    assert table_rows(summarise([synthetic.summary(Made(pot()))]), "verdict") == []


def test_designs_of_different_data_sets_are_not_compared():
    summaries = designs(pot(), pot())
    summaries[1].attrs["dataset"] = "iris"
    assert table_rows(summarise(summaries), "verdict") == []


# The whole


def test_a_further_magnitude_moves_no_older_number():
    def score(time, kind, magnitude, replicate):
        return float(np.random.default_rng([replicate, int(time), int(1000 * magnitude)]).random())

    few = synthetic.summary(Made(score, noise={"rates": (0.05,)}))
    more = synthetic.summary(Made(score, noise={"rates": (0.02, 0.05, 0.1)}))
    older = table_rows(summarise([few]), "cell")
    newer = table_rows(summarise([more]), "cell")
    np.testing.assert_equal([row for row in newer if row["magnitude"] in (0.0, 0.05)], older)


def test_smoothing_of_the_plan_decides_how_sharp_a_relu_must_be():
    made = [
        Made(pot(1.0, 0.9), h=0.1),
        Made(pot(1.0, 0.2), label="relu", role="baseline", activation="relu", h=None, h_eff=0.005),
    ]
    summaries = [synthetic.summary(m) for m in made]
    rows = table_rows(summarise_sweep(synthetic.plan(made), summaries), "verdict")
    assert {row["verdict"] for row in rows if row["stress"] == "rates"} == {"undecided"}
    wider = synthetic.plan([replace(made[0], h=0.3), made[1]])
    rows = table_rows(summarise_sweep(wider, summaries), "verdict")
    assert {row["verdict"] for row in rows if row["stress"] == "rates"} == {"smooth"}


def test_a_design_given_twice_is_refused_by_name():
    summary = synthetic.summary(Made(pot()))
    with pytest.raises(InputError, match="xor / onepot / smooth"):
        summarise([summary, summary])


def test_metrics_survive_netcdf_and_equal_metrics_give_equal_bytes(tmp_path):
    made = synthetic.realistic()
    dataset = summarise_sweep(synthetic.plan(made), [synthetic.summary(m) for m in made])
    again = summarise_sweep(synthetic.plan(made), [synthetic.summary(m) for m in made])
    for name, content in (("a.nc", dataset), ("b.nc", again)):
        content.to_netcdf(tmp_path / name)
    assert (tmp_path / "a.nc").read_bytes() == (tmp_path / "b.nc").read_bytes()
    with xr.open_dataset(tmp_path / "a.nc") as stored:
        for table in ("cell", "curve", "sensitivity", "paired", "verdict"):
            np.testing.assert_equal(table_rows(stored, table), table_rows(dataset, table))


def test_empty_tables_survive_netcdf(tmp_path):
    dataset = summarise([synthetic.summary(Made(pot(), running_times=(50,), noise={}))])
    assert dataset.sizes["verdict"] == dataset.sizes["curve"] == dataset.sizes["sensitivity"] == 0
    dataset.to_netcdf(tmp_path / "few.nc")
    with xr.open_dataset(tmp_path / "few.nc") as stored:
        assert table_rows(stored, "verdict") == []


def test_csv_has_one_number_with_its_interval_a_line(tmp_path):
    dataset = summarise(designs(pot(1.0, 0.9), pot(1.0, 0.5), replicates=9))
    metrics.to_csv(dataset, tmp_path / "robustness.csv")
    with (tmp_path / "robustness.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    score = [
        r for r in rows if r["metric"] == "score" and r["activation"] == "sharp" and r["magnitude"] == "0.1"
    ]
    assert [(r["running_time"], float(r["value"])) for r in score] == [("30", 0.5), ("100", 0.5)]
    critical = [
        r["value"] for r in rows if r["metric"] == "critical_magnitude" and r["activation"] == "smooth"
    ]
    assert critical == ["inf", "inf"]
    notes = {r["stress"]: r["note"] for r in rows if r["table"] == "verdict" and r["metric"] == "difference"}
    assert notes["rates"] == (
        "undecided; only 9 paired replicates, 10 are needed; both designs at the data set's learning rate, which was "
        "not chosen for either"
    )
    assert all(None not in row for row in rows)
