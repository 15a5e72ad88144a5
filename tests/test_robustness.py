"""Robustness: expected values by hand, verdicts in every direction, intervals written out."""

from __future__ import annotations

import csv
import math
from dataclasses import replace

import numpy as np
import pytest
import synthetic
import xarray as xr
from synthetic import Made

from crnsim import metrics
from crnsim.errors import InputError
from crnsim.metrics import (
    area_under_curve,
    bootstrap_means,
    critical_magnitude,
    interval,
    summarise,
    table_rows,
)
from crnsim.noise.streams import generator
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


def test_critical_magnitude_of_many_curves_is_that_of_each():
    rng = np.random.default_rng(1)
    magnitudes = np.array([0.0, 0.02, 0.05, 0.1])
    curves = rng.random((4, 200))
    together = critical_magnitude(magnitudes, curves)
    one_by_one = [float(critical_magnitude(magnitudes, curve)) for curve in curves.T]
    np.testing.assert_array_equal(together, one_by_one)
    assert np.isinf(together).any()
    assert np.isfinite(together).any()


def test_area_is_the_mean_score_over_the_range():
    # trapezoids: 0.1 x 0.9 + 0.2 x 0.5 = 0.19, over a range of 0.3
    assert float(area_under_curve(np.array([0, 0.1, 0.3]), np.array([1, 0.8, 0.2]))) == pytest.approx(
        0.19 / 0.3
    )
    assert float(area_under_curve(np.array([0, 0.1, 0.3]), np.ones(3))) == pytest.approx(1.0)


# Intervals


def test_interval_holds_the_central_95_percent():
    # 2.5 % of 2000 draws, 50 of them, lie below and above
    assert interval(np.arange(2000.0)[::-1]) == (50.0, 1949.0)
    low, high = interval(np.append(np.arange(1999.0), math.inf))
    assert (low, high) == (50.0, 1949.0)
    assert all(map(math.isnan, interval(np.full(2000, math.nan))))


def test_bootstrap_means_match_a_resampling_written_out():
    values = np.array([0.0, 0.5, 1.0, 1.0, 0.25])
    draws = generator(7, "robustness", "bootstrap", "iris", 5).integers(0, 5, size=(metrics.DRAWS, 5))
    expected = [np.mean([values[i] for i in draw]) for draw in draws]
    np.testing.assert_allclose(bootstrap_means(values[None], seed=7, dataset="iris")[0], expected, rtol=1e-14)


def test_rows_are_resampled_jointly():
    rows = np.random.default_rng(0).random((2, 12))
    samples = bootstrap_means(rows, seed=0, dataset="xor")
    difference = bootstrap_means(rows[:1] - rows[1:], seed=0, dataset="xor")
    np.testing.assert_allclose(samples[0] - samples[1], difference[0], atol=1e-14)


def test_missing_points_are_left_out_of_a_resampled_mean():
    samples = bootstrap_means(np.array([[1.0, math.nan, 1.0], [math.nan] * 3]), seed=0, dataset="xor")
    assert set(samples[0][np.isfinite(samples[0])]) == {1.0}
    assert np.isnan(samples[1]).all()


def test_one_replicate_has_no_interval():
    row = table_rows(summarise([synthetic.summary(Made(pot(), replicates=1))]), "cell")[0]
    assert row["score"] == 1.0
    assert math.isnan(row["score_low"])
    assert math.isnan(row["score_high"])


def test_interval_of_many_normal_scores_agrees_with_theory():
    values = np.random.default_rng(3).standard_normal(400)
    low, high = interval(bootstrap_means(values[None], seed=0, dataset="xor")[0])
    # 1.96 standard errors each side; the quantiles of 2000 draws add about 4 % of noise
    half = 1.96 * values.std() / 20
    assert high - values.mean() == pytest.approx(half, rel=0.12)
    assert values.mean() - low == pytest.approx(half, rel=0.12)


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
    row = verdict(designs(pot(1.0, 0.9, spread=0.02), pot(1.0, 0.5, spread=-0.02)))
    assert row["verdict"] == row["loss_verdict"] == "smooth"
    assert row["difference"] == pytest.approx(0.4)
    assert row["difference_low"] < 0.4 < row["difference_high"]
    assert row["loss_smooth"] == pytest.approx(0.1)
    assert row["loss_baseline"] == pytest.approx(0.5)
    assert row["loss_difference"] == pytest.approx(-0.4)


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
    row = verdict(designs(pot(1.0, 0.8), pot(0.85, 0.75)))
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
    relu = Made(pot(1.0, 0.5), label="relu", role="baseline", activation="relu", h=None, h_eff=h_eff)
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
    # every pair differs by 0.04, so a joint resample cannot spread
    assert (row["difference_low"], row["difference_high"]) == pytest.approx((0.04, 0.04))
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
    assert notes["rates"] == "undecided; only 9 paired replicates, 10 are needed"
    assert all(None not in row for row in rows)
