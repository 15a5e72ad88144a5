"""Figures for a paper: what they show, how they are made, and what their captions say."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import synthetic
from synthetic import Made

from crnsim.cli import main
from crnsim.errors import InputError
from crnsim.metrics import table_rows
from crnsim.report import coverage, publication, write_figures
from crnsim.report.publication import (
    COLOURS,
    ONE_COLUMN,
    ROW,
    TWO_COLUMNS,
    caption,
    courses,
    main_figure,
    shown_scores,
)
from crnsim.sweep.run.metrics import summarise_sweep


def pot(time: float, kind: str, magnitude: float, replicate: int) -> float | tuple[float, str]:
    if kind == "rates" and magnitude == 0.1 and replicate < 3:
        return 0.0, "diverged"
    return min(time / 100, 1.0) - magnitude - 0.01 * replicate


MADE = [
    Made(pot),
    Made(lambda t, k, m, r: 0.5, label="other", role="", h=0.3),
    Made(lambda t, k, m, r: 0.9 - 2 * m, label="relu", role="baseline", activation="relu", h=None),
]


def parts(made: list[Made], present: list[int] | None = None):
    plan = synthetic.plan(made)
    summaries = [synthetic.summary(m) for i, m in enumerate(made) if present is None or i in present]
    return plan, summaries, summarise_sweep(plan, summaries)


def drawn(made: list[Made]):
    plan, _, robustness = parts(made)
    scores = shown_scores(plan, robustness, made[0].dataset)
    return main_figure(scores, courses(scores)), scores, robustness


def text_of(made: list[Made], **options) -> str:
    plan, summaries, robustness = parts(made, **options)
    scores = shown_scores(plan, robustness, made[0].dataset)
    groups = coverage.gather(plan, summaries)
    return " ".join(caption(plan, robustness, groups, scores, courses(scores)).split())


def test_lines_are_means_and_bands_intervals_of_the_table():
    figure, scores, robustness = drawn(MADE)
    noise, times = figure.axes
    cells = [r for r in table_rows(robustness, "cell") if r["activation"] == "smooth"]
    expected = {
        noise: [r for r in cells if r["running_time"] == 100],
        times: [r for r in cells if r["noise_kind"] == "none"],
    }
    for axes, name in ((noise, "magnitude"), (times, "running_time")):
        rows = sorted(expected[axes], key=lambda row: row[name])
        low, high, mean = (line.get_xydata() for line in axes.lines[:3])
        for found, column in ((low, "score_low"), (high, "score_high"), (mean, "score")):
            np.testing.assert_array_equal(found, [(row[name], row[column]) for row in rows])
    assert noise.get_xlabel() == "magnitude of rate noise"
    assert noise.get_title() == "running time 100"
    assert [tick.get_text() for tick in noise.get_xticklabels()] == ["0", "0.05", "0.1"]
    assert [tick.get_text() for tick in times.get_xticklabels()] == ["30", "100"]
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.texts] == scores.labels == ["smooth", "other", "relu"]


def test_a_figure_is_as_wide_as_two_columns_and_its_words_are_text_of_seven_points(tmp_path):
    plan, summaries, robustness = parts(MADE)
    written = write_figures(plan, summaries, robustness, tmp_path / "new" / "figures")
    assert written == publication.figure_files(plan, tmp_path / "new" / "figures")
    assert [file.name for file in written] == ["made-up-xor.pdf", "made-up-xor.svg", "made-up-xor.txt"]
    pdf, svg = written[0].read_bytes(), written[1].read_text()
    points = TWO_COLUMNS * 72 / 25.4
    assert f'width="{points:.6f}pt"' in svg
    assert float(re.search(rb"/MediaBox \[ 0 0 ([\d.]+) ", pdf)[1]) == pytest.approx(points, abs=0.01)
    # A font of type 42 is embedded as TrueType, which stands in a PDF as FontFile2; type 3 would be drawings.
    assert b"/FontFile2" in pdf
    assert b"/Subtype /Type3" not in pdf
    words = re.findall(r"<text[^>]*>([^<]*)</text>", svg)
    assert {"smooth", "other", "relu", "mean score", "running time", "no noise", "a", "b"} <= set(words)
    assert set(re.findall(r"font(?:-size)?: (?:700 )?([\d.]+px)", svg)) == {"7px"}
    for text in (svg, pdf.decode("latin-1"), written[2].read_text()):
        assert not re.search(r"20[2-9]\d-|D:20|/tmp|CreationDate", text)


def test_one_panel_is_as_wide_as_one_column_and_many_are_in_rows():
    one, *_ = drawn([Made(lambda t, k, m, r: 1.0, running_times=(100,))])
    assert len(one.axes) == 1
    assert one.get_figwidth() * 25.4 == pytest.approx(ONE_COLUMN)
    noise = {"rates": (0.1,), "concentrations": (0.1,), "inputs": (0.1,), "intrinsic": (0.1,)}
    many, *_ = drawn([Made(lambda t, k, m, r: 1.0, noise=noise)])
    assert len(many.axes) == 5
    assert [axes.get_subplotspec().rowspan.start for axes in many.axes] == [0, 0, 0, 0, 1]
    assert many.get_figheight() * 25.4 > 2 * ROW


def test_of_many_designs_those_with_a_role_are_shown():
    labels = [f"d{i}" for i in range(9)]
    made = [Made(lambda t, k, m, r: 0.5, label=label, role="") for label in labels]
    made[7].role, made[8].role = "smooth", "baseline"
    _, scores, _ = drawn(made)
    assert scores.labels == ["d0", "d1", "d2", "d3", "d7", "d8"]
    assert "3 more, without a role or later in the sweep file, are not shown." in text_of(made)


def test_equal_inputs_give_equal_bytes_in_another_process(tmp_path):
    script = (
        "import sys, synthetic, test_publication as t; from crnsim.report import write_figures; "
        "write_figures(*t.parts(t.MADE), sys.argv[1])"
    )
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])}
    for seed in ("1", "2"):
        command = [sys.executable, "-c", script, str(tmp_path / seed)]
        subprocess.run(command, check=True, env=env | {"PYTHONHASHSEED": seed})
    for file in (tmp_path / "1").iterdir():
        assert file.read_bytes() == (tmp_path / "2" / file.name).read_bytes()


def test_a_caption_says_what_is_shown_of_how_many_runs_and_where_it_comes_from():
    text = text_of(MADE)
    for said in (
        "XOR. Score against (a) the magnitude of rate noise, at running time 100",
        " and (b) the running time, without noise.",
        "Designs: smooth (smooth, squareplus, h = 0.1); other (squareplus, h = 0.3); relu (baseline, relu, kz = 1500).",
        "Bands: 95 % intervals of the mean by Gaffke's method, over n = 10 replicates a point.",
        # Of smooth alone, at the longest running time alone; runs at time 30 under noise are not shown.
        "3 of the 120 runs shown did not end ok (3 diverged); each counts as score 0.",
        "Sweep made-up; crnsim 0.1.0, code c0dec0dec0dec0de.",
    ):
        assert said in text
    assert "Preliminary" not in text
    assert "All 30 runs shown ended ok." in text_of([Made(lambda t, k, m, r: 1.0, running_times=(100,))])
    assert "Preliminary: 60 of 180 planned runs of this data set are present." in text_of(MADE, present=[0])


# Red, green and blue (linear) as those see them who lack a kind of cone: Machado, Oliveira and Fernandes 2009,
# doi 10.1109/TVCG.2009.113, severity 1.
BLIND = {
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}  # fmt: skip


def lab(linear: np.ndarray) -> np.ndarray:
    """Return linear sRGB as CIE L*a*b* under D65."""
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x, y, z = np.cbrt(to_xyz @ linear / (to_xyz @ np.ones(3)))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("vision", ["full", *BLIND])
def test_designs_can_be_told_apart_with_any_colour_vision(vision):
    seen = []
    for colour in COLOURS:
        values = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
        linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
        seen.append(lab(np.clip(np.array(BLIND.get(vision, np.eye(3))) @ linear, 0, 1)))
    distances = [float(np.linalg.norm(a - b)) for a, b in itertools.combinations(seen, 2)]
    # A difference of 2.3 is just noticeable (Mahy et al. 1994); small marks need several times as much.
    assert min(distances) > 11.5


def test_what_cannot_be_drawn_is_said(tmp_path):
    plan, summaries, robustness = parts([Made(lambda t, k, m, r: 1.0, noise={}, running_times=(100,))])
    with pytest.raises(InputError, match="the sweep made-up has nothing to draw"):
        write_figures(plan, summaries, robustness, tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert courses(shown_scores(plan, summarise_sweep(plan, []), "xor")) == []


def test_crossed_noise_and_designs_of_different_cells_make_a_figure():
    noise = {"rates": (0.1,), "inputs": (0.1, 0.2)}
    made = [
        Made(lambda t, k, m, r: 0.5, noise=noise, cross=True),
        Made(
            lambda t, k, m, r: 0.5,
            label="b",
            role="sharp",
            noise={"rates": (0.3,)},
            running_times=(30,),
            replicates=4,
        ),
    ]
    figure, *_ = drawn(made)
    assert [axes.get_xlabel() for axes in figure.axes] == [
        "magnitude of rate noise",
        "magnitude of input noise",
        "running time",
    ]
    assert "over n = 4 to 10 replicates a point" in text_of(made)


# From the command line


def test_figures_are_written_without_the_page_or_beside_it(finished):
    plan = str(finished / "plan.json")
    page = Path("reports/small.html")
    before = page.read_bytes()
    page.unlink()
    assert main(["report", plan, "--figures", "paper"]) == 0
    names = ["small-xor.pdf", "small-xor.svg", "small-xor.txt"]
    assert sorted(file.name for file in Path("paper").iterdir()) == names
    assert not page.exists()
    first = {name: Path("paper", name).read_bytes() for name in names}
    Path("paper/small-xor.pdf").write_text("an older one")
    Path("paper/notes.txt").write_text("mine")
    assert main(["report", plan, "--figures", "paper", "-o", str(page)]) == 0
    assert page.read_bytes() == before
    assert {name: Path("paper", name).read_bytes() for name in names} == first
    assert Path("paper/notes.txt").read_text() == "mine"


def test_figures_of_part_of_a_sweep_say_so(finished):
    plan = finished / "plan.json"
    next(finished.glob("chunks/*/onepot-sharp/*.nc")).unlink()
    assert main(["report", str(plan), "--partial", "--figures", "paper"]) == 0
    assert "Preliminary: " in Path("paper/small-xor.txt").read_text()
    assert not Path("reports/small.partial.html").exists()
