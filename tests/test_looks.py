"""Looks at a sweep before its replicates end: what each decides, what stays as it was, and what it may claim."""

from __future__ import annotations

import csv
import math

import numpy as np
import pytest
import synthetic
from scipy import stats
from synthetic import Made

from crnsim.metrics import look_at, mean_interval, summarise, table_rows, to_csv
from crnsim.metrics.decisions import LEVEL, holm, may_fail
from crnsim.metrics.looks import confidence, looked
from crnsim.metrics.sequential import replay
from crnsim.metrics.stored import tables_fault

SCHEDULE = {"xor": (10, 20, 40)}
NOISE = {"rates": (0.05, 0.1), "inputs": (0.1,)}


def designs(smooth, sharp, replicates=40, **options):
    common = {"noise": NOISE, "replicates": replicates} | options
    return [
        synthetic.summary(Made(smooth, **common)),
        synthetic.summary(Made(sharp, label="sharp", role="sharp", h=1e-4, **common)),
    ]


def level(rates=1.0, inputs=1.0, short=1.0, quiet=1.0):
    """Scores by what stresses; a list has one for each replicate, over and over."""

    def score(time, kind, magnitude, replicate):
        found = {"rates": rates, "inputs": inputs}.get(kind, quiet if time >= 100 else short)
        return found[replicate % len(found)] if isinstance(found, list) else found

    return score


def verdicts(summaries, schedule=SCHEDULE):
    return {row["stress"]: row for row in table_rows(summarise(summaries, schedule=schedule), "verdict")}


def stresses(rows):
    return sorted(row["stress"] for row in rows)


#: Lost by half of the pots, those of even replicates: ten show it to no test, forty do.
HALF = [0.5, 1.0]


def test_intervals_of_each_look_hold_together_by_bonferroni():
    # Where all of n scores are 1 the lower end is the (1 - confidence)/2-th power 1/n (Clopper and Pearson).
    with looked(4):
        assert confidence() == pytest.approx(1 - 0.05 / 4)
        assert mean_interval(np.ones(12), 0.0, 1.0)[0] == pytest.approx((0.05 / 8) ** (1 / 12))
        assert may_fail(12) == pytest.approx(1 - (0.05 / 8) ** (1 / 12))
        # A caller that asks for a confidence gets it.
        assert mean_interval(np.ones(12), 0.0, 1.0, confidence=0.95)[0] == pytest.approx(0.025 ** (1 / 12))
        assert holm([0.001, 0.02]) == pytest.approx([4 * 0.002, 4 * 0.02])
    assert confidence() == 0.95
    assert holm([0.001, 0.02]) == pytest.approx([0.002, 0.02])


def test_a_sweep_of_one_look_is_what_it_was():
    summaries = designs(level(), level(rates=[0.2, 0.6]))
    plain = summarise(summaries)
    assert summarise(summaries, schedule={"xor": (40,)}).identical(plain)
    assert "looks" not in plain.attrs
    assert "verdict_difference_look" not in plain


def test_a_row_keeps_the_numbers_of_the_look_that_decided_it():
    # Under rates sharp loses all in the first twenty replicates, and nothing later; ten cannot show it at 98.3 %...
    def sharp(time, kind, magnitude, replicate):
        return 0.0 if kind == "rates" and replicate < 20 else 1.0

    found = verdicts(designs(level(), sharp))
    rates = found["rates"]
    assert (rates["verdict"], rates["difference"], rates["replicates"]) == ("smooth", 1.0, 10)
    assert (rates["difference_look"], rates["most_replicates"]) == (10, 40)
    assert not rates["given_up"]
    # ... and what is alike is looked at until twenty pairs tell so.
    assert (found["inputs"]["verdict"], found["inputs"]["difference_look"]) == ("no_difference", 20)
    assert found["inputs"]["given_up"]
    # All differences are 1: the lower end is that of 2 x - 1 for x all 1, at a third of the error.
    assert rates["difference_low"] == pytest.approx(2 * (0.05 / 6) ** (1 / 10) - 1)


def test_more_replicates_are_wanted_where_a_verdict_is_open():
    found = look_at(designs(level(), level(rates=0.0, inputs=[1.0, 0.4])), SCHEDULE)
    # Running times are alike, as twenty pairs tell.
    assert [stresses(rows) for rows in found.open_rows] == [["inputs", "running_time"], ["inputs"], []]
    row = found.open_rows[0][0]
    assert row["replicates"] == 10
    assert row["difference_low"] < row["difference"] < row["difference_high"]


def test_what_was_not_wanted_changes_no_verdict():
    rng = np.random.default_rng(3)
    draws = rng.random((3, 2, 40))
    place = {"rates": 0, "inputs": 1}

    def drawn(side, chance):
        def score(time, kind, magnitude, replicate):
            if kind == "none" and time >= 100:
                return 1.0
            return float(draws[place.get(kind, 2), side, replicate] < chance.get(kind, 0.9))

        return score

    whole = designs(drawn(0, {"rates": 0.95}), drawn(1, {"rates": 0.1, "inputs": 0.4}))
    found = look_at(whole, SCHEDULE)
    assert stresses(found.open_rows[0]) == ["inputs", "running_time"]
    kept = []
    for summary in whole:
        wanted = summary["replicate"].values < 10
        for look, most in enumerate((20, 40)):
            for row in found.open_rows[look]:
                late = summary["running_time"].values == 100.0
                of_row = {
                    "running_time": (summary["noise_kind"].values == "none"),
                }.get(row["stress"], late & (summary["noise_kind"].values == row["stress"]))
                of_row = of_row | (late & (summary["noise_kind"].values == "none"))
                wanted |= of_row & (summary["replicate"].values < most)
        assert 0 < wanted.sum() < wanted.size
        kept.append(summary.isel(point=np.flatnonzero(wanted)))
    assert str(look_at(kept, SCHEDULE)) == str(found)
    shuffled = [one.isel(point=rng.permutation(one.sizes["point"])) for one in reversed(kept)]
    assert str(table_rows(summarise(shuffled, schedule=SCHEDULE), "verdict")) == str(
        table_rows(summarise(kept, schedule=SCHEDULE), "verdict")
    )


@pytest.mark.parametrize(
    ("smooth", "sharp", "options", "reason"),
    [
        (level(), level(quiet=0.7), {}, "sharp scores only 0.70"),
        (level(), level(), {"h_eff": 0.05}, "sharp is not sharp enough"),
    ],
)
def test_what_replicates_cannot_mend_is_closed(smooth, sharp, options, reason):
    summaries = designs(smooth, sharp)
    for name, value in options.items():
        summaries[1][name][:] = value
    found = look_at(summaries, SCHEDULE)
    assert found.open_rows == [[], [], []]
    assert {row["verdict"] for row in found.rows} == {"undecided"}
    assert all(reason in row["reason"] for row in found.rows)
    assert {row["difference_look"] for row in found.rows} == {10}


def test_differences_between_cells_are_those_of_the_replicates_that_all_have():
    # Replicates beyond the tenth were run at the longest time alone, and went badly.
    def score(time, kind, magnitude, replicate):
        lost = {"none": 0.0, "rates": 0.1, "inputs": 0.2}[kind] + (0.3 if time < 100 else 0.0)
        return 0.0 if replicate >= 10 else 1.0 - lost

    summaries = []
    for whole in designs(score, score):
        few = whole["replicate"].values < 10
        summaries.append(whole.isel(point=np.flatnonzero(few | (whole["noise_kind"].values == "none"))))
    at = {"xor": (10, 40)}
    curves = [
        row for row in table_rows(summarise(summaries, schedule=at), "curve") if row["noise_kind"] == "inputs"
    ]
    assert {(row["replicates"], round(row["noise_free_score"], 9)) for row in curves} == {
        (10, 1.0),
        (10, 0.7),
    }
    sensitivity = table_rows(summarise(summaries, schedule=at), "sensitivity")
    quiet, noisy = (next(r for r in sensitivity if r["noise_kind"] == kind) for kind in ("none", "inputs"))
    assert (noisy["replicates"], noisy["loss"]) == (10, pytest.approx(0.3))
    # Of runs without noise all have both times; three quarters of them lose nothing.
    assert (quiet["replicates"], quiet["loss"]) == (40, pytest.approx(0.3 / 4))


def test_too_few_replicates_close_nothing():
    found = look_at(designs(level(), level(rates=0.0), replicates=7), SCHEDULE)
    assert stresses(found.open_rows[0]) == ["inputs", "rates", "running_time"]


def test_a_decided_row_outlives_what_comes_to_stand_against_it():
    # After the first ten replicates without noise, smooth seems not to have learned.
    def smooth(time, kind, magnitude, replicate):
        return 0.5 if kind == "none" and replicate >= 10 else 1.0

    found = verdicts(designs(smooth, level(rates=0.0)))
    assert (found["rates"]["verdict"], found["rates"]["difference_look"]) == ("smooth", 10)
    assert found["inputs"]["verdict"] == "undecided"
    assert "smooth scores only 0.75" in found["inputs"]["reason"]
    # Its tests are those of the first look: none becomes easier for it.
    assert {row["tests"] for row in found.values()} == {6}


def test_a_decided_row_outlives_a_median_that_is_no_longer_sharp():
    summaries = designs(level(0.9), level(0.2))
    # The first ten replicates were sharp at work, the others are a little less so than is asked for.
    late = summaries[1]["replicate"].values >= 10
    summaries[1]["h_eff"][:] = np.where(late, 0.0034, 0.0033)
    for losses in (False, True):
        found = {r["stress"]: r for r in look_at(summaries, {"xor": (10, 20)}, losses=losses).rows}
        assert (found["rates"]["verdict"], found["rates"]["reason"]) == ("smooth", "")


def test_losses_keep_a_row_open_where_claims_go_by_them():
    # Smooth is ahead by some 0.2 throughout, and loses 0.07 less; 27 replicates show the first at 98.3 %.
    stressed = [0.66, 0.84]
    summaries = designs(level(), level(stressed, stressed, stressed, 0.82), replicates=80)
    schedule = {"xor": (10, 40, 80)}
    assert [len(rows) for rows in look_at(summaries, schedule).open_rows] == [3, 0, 0]
    found = look_at(summaries, schedule, losses=True)
    assert [len(rows) for rows in found.open_rows] == [3, 3, 0]
    assert {(row["difference_look"], row["loss_difference_look"]) for row in found.rows} == {(40, 80)}


def test_a_blunt_baseline_is_closed_unless_claims_go_by_its_losses():
    summaries = designs(level(), level(rates=0.0, inputs=[1.0, 0.4]))
    summaries[1]["h_eff"][:] = 0.05
    summaries[1].attrs["role"] = "baseline"
    schedule = {"xor": (20, 40)}
    assert look_at(summaries, schedule).open_rows[0] == []
    # Losses under rates are decided at the first look, those of running times are alike, and inputs are between.
    assert stresses(look_at(summaries, schedule, losses=True).open_rows[0]) == ["inputs"]


def test_a_look_waits_for_all_of_its_replicates():
    # A page of what is there so far: at the second look fifteen of twenty are, and are no look.
    found = look_at(designs(level(), level(rates=[0.2, 1.0]), replicates=15), {"xor": (10, 20)})
    assert {row["replicates"] for row in found.rows} == {10}


def test_data_sets_with_looks_of_their_own_share_one_correction():
    made = {"noise": {"rates": (0.1,)}, "replicates": 12}
    others = [
        Made(level(), dataset="iris", layers=(4, 8, 3), **made),
        Made(level(rates=0.0), dataset="iris", label="sharp", role="sharp", h=1e-4, **made),
    ]
    summaries = [*designs(level(), level(rates=0.0)), *map(synthetic.summary, others)]
    rows = table_rows(summarise(summaries, schedule=SCHEDULE | {"iris": (12,)}), "verdict")
    found = {(row["dataset"], row["stress"]): row for row in rows}
    assert found["iris", "rates"]["difference_look"] == found["iris", "rates"]["most_replicates"] == 12
    assert found["iris", "rates"]["difference_low"] == pytest.approx(2 * (0.05 / 6) ** (1 / 12) - 1)


def test_p_values_are_those_of_the_t_test_adjusted_for_rows_and_looks():
    rng = np.random.default_rng(5)
    values = rng.random((2, 40)) * [[1.0], [0.6]]
    summaries = designs(
        lambda t, k, m, r: 1.0 if k == "none" else values[0, r],
        lambda t, k, m, r: 1.0 if k == "none" else values[1, r],
    )
    row = verdicts(summaries)["rates"]
    p = stats.ttest_1samp(values[0] - values[1], 0.0).pvalue
    # Rates and inputs have the same numbers, scores and losses too: four equal p-values, and two of 1.
    assert row["difference_p"] == pytest.approx(p)
    assert row["difference_p_adjusted"] == pytest.approx(min(1.0, 3 * 6 * p))


@pytest.mark.parametrize(
    ("inputs", "given_up"),
    [
        ([0.9, 1.0], False),  # 0.05 on average, which some hundred replicates would show
        ([0.99, 0.99, 1.0], True),  # 0.007, which takes thousands
        ([0.2, 1.8], True),  # no difference on average
    ],
)
def test_what_takes_many_more_replicates_than_there_may_be_is_given_up(inputs, given_up):
    found = look_at(designs(level(), level(inputs=inputs)), SCHEDULE)
    row = next(row for row in found.rows if row["stress"] == "inputs")
    assert row["verdict"] == "no_difference"
    assert row["given_up"] == given_up
    assert ("inputs" in stresses(found.open_rows[1])) != given_up
    # Ten pairs alone give nothing up.
    assert "inputs" in stresses(found.open_rows[0])


def test_equal_designs_are_hardly_ever_told_apart_at_any_look():
    # 150 reports of four verdicts on scores that are 0 or 1; five percent and three standard errors of 150.
    rng = np.random.default_rng(11)
    false = 0
    for _ in range(150):
        scores = (rng.random((4, 2, 40)) < 0.9).astype(float)

        def rows_at(look, scores=scores):
            n = SCHEDULE["xor"][look]
            return [_row(str(i), one[0, :n] - one[1, :n]) for i, one in enumerate(scores)]

        false += any(row["difference_decided"] for row in replay(rows_at, SCHEDULE).rows)
    assert false <= 150 * (0.05 + 3 * math.sqrt(0.05 * 0.95 / 150))
    assert LEVEL <= 0.05


def _row(stress, values):
    """A verdict row whose losses are its scores turned round."""
    from crnsim.metrics.verdicts import _difference

    row = {"dataset": "xor", "circuit": "onepot", "activation": "smooth", "compared_with": "sharp"}
    row |= {"compared_role": "sharp", "stress": stress, "longest_running_time": 100.0, "cells": 1}
    row |= {"noise_free_smooth": 1.0, "noise_free_baseline": 1.0, "smooth_h": 0.1, "baseline_h_eff": 1e-4}
    row |= _difference("difference", values) | _difference("loss_difference", -values)
    both = {"difference": values, "loss_difference": -values}
    return row | {"replicates": values.size, "reason": "", "values": both}


def test_tables_say_at_which_look_a_row_was_decided(tmp_path):
    tables = summarise(designs(level(), level(rates=0.0)), schedule=SCHEDULE)
    assert tables.attrs["looks"] == '{"xor": [10, 20, 40]}'
    assert tables.attrs["confidence_of_each"] == pytest.approx(1 - 0.05 / 3)
    known = {("xor", "onepot", "smooth"), ("xor", "onepot", "sharp")}
    assert tables_fault(tables, known) == ""
    to_csv(tables, tmp_path / "tables.csv")
    with (tmp_path / "tables.csv").open(newline="") as stream:
        lines = [line for line in csv.DictReader(stream) if line["metric"] == "difference_look"]
    assert {line["stress"]: line["value"] for line in lines} == {
        "rates": "10",
        "inputs": "20",
        "running_time": "20",
    }
    wrong = tables.assign(verdict_difference_look=tables["verdict_difference_look"] - 50)
    assert "verdict_difference_look is below 0" in tables_fault(wrong, known)
