"""The report in a real browser: nothing fails or is fetched; it reads on a phone, in the dark, printed, by keyboard."""

from __future__ import annotations

import csv
import os
import re
import shutil
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest
import synthetic
import xarray as xr
import yaml
from synthetic import Made

from crnsim.metrics import table_rows
from crnsim.report import write_report
from crnsim.sweep.run.metrics import summarise_sweep

#: Sheets of A4 that the large sample takes at most.
MOST_SHEETS = 12


def written(made: list[Made], folder: Path) -> Path:
    """Write the page of a synthetic sweep to a folder."""
    plan, summaries = synthetic.plan(made), [synthetic.summary(m) for m in made]
    file = folder / "page.html"
    metrics = summarise_sweep(plan, summaries)
    metrics.to_netcdf(folder / "robustness.nc")
    write_report(plan, summaries, metrics, synthetic.accounts(plan), file)
    return file


@pytest.fixture(scope="module")
def sample(chromium, tmp_path_factory) -> Path:
    """Return the file of a large page; it is made only where there is a browser."""
    return written(synthetic.large(), tmp_path_factory.mktemp("large"))


def test_a_page_opens_without_errors_requests_or_breaches_of_its_policy(visit, sample):
    page = visit(sample)
    page.mouse.wheel(0, 5000)
    assert page.locator("h1").inner_text() == "A made-up sweep"


def test_a_page_tells_when_its_file_was_written(visit, sample, tmp_path):
    # Its bytes know no date: equal results give equal bytes.
    old = tmp_path / "old.html"
    shutil.copyfile(sample, old)
    noon = datetime(2026, 1, 5, 12).timestamp()
    os.utime(old, (noon, noon))
    assert "last written on 2026-01-05." in visit(old).locator("footer").inner_text()


def test_faults_of_a_page_are_noticed(visit, tmp_path):
    file = tmp_path / "bad.html"
    file.write_text(
        "<meta http-equiv=\"Content-Security-Policy\" content=\"script-src 'unsafe-inline'; style-src 'none'\">"
        '<p style="color:red">x</p><img src="other.png"><script>missing()</script>'
    )
    page = visit(file)
    page.locator("p").wait_for()
    visit.close()
    faults = " ".join(visit.faults)
    visit.faults.clear()
    for expected in ("error: missing is not defined", "request: file:", "other.png", "policy: style-src"):
        assert expected in faults


def test_nothing_reaches_over_the_edge_of_a_narrow_window(visit, sample):
    page = visit(sample, width=390)
    for width in (390, 320):
        page.set_viewport_size({"width": width, "height": 700})
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width


# Relative luminance and contrast after WCAG 2; colours are read from a canvas, whatever way they are written.
CONTRASTS = """() => {
  const pen = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const rgba = (colour) => {
    pen.clearRect(0, 0, 1, 1); pen.fillStyle = colour; pen.fillRect(0, 0, 1, 1);
    return Array.from(pen.getImageData(0, 0, 1, 1).data);
  };
  const over = (front, back) => [0, 1, 2].map((i) => (front[i] * front[3] + back[i] * (255 - front[3])) / 255);
  const luminance = (colour) => colour.slice(0, 3)
    .map((c) => c / 255).map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const background = (element) => {
    if (!element) return [255, 255, 255];
    const colour = rgba(getComputedStyle(element).backgroundColor);
    return colour[3] === 255 ? colour : over(colour, background(element.parentElement));
  };
  const found = {};
  for (const element of document.querySelectorAll("body *")) {
    const inDrawing = element.closest("svg");
    const written = Array.from(element.childNodes).some((n) => n.nodeType === 3 && n.data.trim());
    // Numbers in a heat map stand on its cells; of drawings count those words that have a colour of the page.
    if (!written || inDrawing && !/fill: var/.test(element.getAttribute("style") || "")) continue;
    if (!element.getClientRects().length || element.matches("script, style, td.zero, .skip")) continue;
    const style = getComputedStyle(element), back = background(element);
    const front = over(rgba(inDrawing ? style.fill : style.color), back);
    const [dark, light] = [luminance(front), luminance(back)].sort((a, b) => a - b);
    const name = element.tagName.toLowerCase() + (inDrawing ? "" : "." + element.className);
    const ratio = (light + 0.05) / (dark + 0.05);
    found[name] = Math.min(found[name] || 21, ratio);
  }
  return found;
}"""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_text_stands_out_from_its_background(visit, sample, dark):
    page = visit(sample, dark=dark)
    background = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", background))) < 150) is dark
    found = page.evaluate(CONTRASTS)
    assert {"p.lead", "h2.", "td.num", "li.", "text"} <= set(found)
    # 4.5 is what WCAG 2.2 asks for (success criterion 1.4.3).
    assert {name: round(ratio, 2) for name, ratio in found.items() if ratio < 4.5} == {}


def test_a_printed_page_has_few_sheets(visit, sample):
    sheets = len(re.findall(rb"/Type\s*/Page\b", visit(sample).pdf(format="A4")))
    assert 2 <= sheets <= MOST_SHEETS


def test_a_fourth_data_set_and_claims_make_no_more_sheets(visit, tmp_path):
    made = synthetic.large()
    made += [
        replace(one, dataset="digits", layers=(64, 20, 10), targets=10)
        for one in made
        if one.dataset == "regression"
    ]
    plan, summaries = synthetic.plan(made), [synthetic.summary(one) for one in made]
    plan.config["claims"] = "kang2025"
    file = tmp_path / "four.html"
    write_report(plan, summaries, summarise_sweep(plan, summaries), synthetic.accounts(plan), file)
    page = visit(file)
    assert page.locator("#claims").count() == 1
    assert len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4"))) <= MOST_SHEETS


def test_without_scripts_all_sections_are_there(visit, sample):
    plain, scripted = visit(sample, script=False), visit(sample)
    places = plain.locator("nav.contents a").evaluate_all("links => links.map((a) => a.getAttribute('href'))")
    assert len(places) >= 10
    for place in places:
        assert plain.locator(place).bounding_box()["height"] > 40
    for page in (plain, scripted):
        assert page.locator("main > section").count() == len(places)


def test_the_first_stop_of_the_keyboard_skips_to_the_answer(visit, sample):
    page = visit(sample)
    skip = page.locator(".skip")
    assert skip.bounding_box()["x"] < 0
    page.keyboard.press("Tab")
    assert skip.evaluate("link => link === document.activeElement")
    assert skip.bounding_box()["x"] >= 0
    page.keyboard.press("Enter")
    assert page.url.endswith("#answer")


def cell(page, text: str):
    """Return a cell of the first figure in view by what it says of itself to those who cannot see it."""
    return page.locator(f'.first:not(.off) svg.atlas [data-c][aria-label^="{text}"]')


def test_pointing_at_a_cell_tells_its_numbers(visit, sample):
    page = visit(sample)
    cell(page, "smooth, rates 0.1, time 80").hover()
    tip = page.get_by_role("tooltip")
    assert tip.is_visible()
    assert re.fullmatch(
        r"smooth, rates 0\.1, time 80\nmean score \d\.\d\d \(\d\.\d\d to \d\.\d\d\)\n10 runs: \d ok, \d diverged\n"
        r"click for its runs",
        tip.inner_text(),
    )
    page.mouse.move(2, 2)
    assert tip.is_hidden()
    page.locator("#curves .hits [data-c]").last.hover()
    assert tip.is_visible()
    assert "inputs 0.1" in tip.inner_text()
    page.locator("#maps svg.atlas [data-p]").first.hover()
    assert re.search(r"smooth \u2212 sharp, .*\ndifference .?\d\.\d\d \(", tip.inner_text())


def test_a_cell_opens_with_its_replicates_its_curves_and_the_command(visit, sample):
    page = visit(sample)
    cell(page, "smooth, rates 0.1, time 80").click()
    dialog = page.get_by_role("dialog")
    assert dialog.is_visible()
    assert dialog.locator("h2").inner_text() == "XOR, smooth"
    dots = dialog.locator(".dots .dot")
    assert dots.count() == 10
    bad = dialog.locator(".dots .dot.bad").count()
    assert bad > 0
    assert f"{10 - bad} ok" in dialog.inner_text()
    assert dialog.locator("svg.plot").first.get_attribute("aria-label") == "Training loss by epoch"
    code = dialog.locator(".command code")
    assert code.inner_text().startswith("crnsim train xor ")
    assert "--replicate 0 " in code.inner_text()
    dialog.locator('.dot[aria-label^="replicate 7:"]').click()
    assert "--replicate 7 " in code.inner_text()
    page.keyboard.press("Escape")
    assert dialog.count() == 0 or dialog.is_hidden()


def test_a_recorded_cell_shows_its_course(visit, sample):
    page = visit(sample)
    cell(page, "smooth, no noise, time 80").click()
    dialog = page.get_by_role("dialog")
    assert dialog.locator('svg.plot[aria-label^="Concentrations over time"]').is_visible()
    assert dialog.locator(".species code").count() >= 2


def test_maps_are_walked_by_keyboard(visit, sample):
    page = visit(sample)
    cells = page.locator(".first:not(.off) svg.atlas [data-c]")
    cells.first.focus()
    assert "smooth, no noise, time 80" in page.get_by_role("tooltip").inner_text()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    name = page.evaluate("() => document.activeElement.getAttribute('aria-label')")
    assert name.startswith("smooth, rates 0.05, time 40;")
    assert page.locator(".first:not(.off) svg.atlas [tabindex='0']").count() == 1
    page.keyboard.press("Enter")
    assert page.get_by_role("dialog").is_visible()
    page.keyboard.press("Escape")
    # where one was is where one is again
    assert page.evaluate("() => document.activeElement.getAttribute('aria-label')") == name


def test_data_sets_are_tabs(visit, sample):
    page = visit(sample)
    tabs = page.get_by_role("tab")
    assert tabs.all_inner_texts() == ["XOR", "Iris", "Regression"]
    assert [page.locator(f"#first-{i}").is_visible() for i in (1, 2, 3)] == [True, False, False]
    tabs.nth(0).focus()
    page.keyboard.press("ArrowRight")
    assert [page.locator(f"#first-{i}").is_visible() for i in (1, 2, 3)] == [False, True, False]
    assert tabs.nth(1).get_attribute("aria-selected") == "true"
    page.emulate_media(media="print")
    assert all(page.locator(f"#first-{i}").is_visible() for i in (1, 2, 3))


def test_designs_are_compared_at_the_running_time_of_a_slider(visit, sample):
    page = visit(sample)
    panel = page.locator('.explorer[data-dataset="xor"]')
    slider = panel.get_by_role("slider")

    def told():
        panel.locator(".mark[data-c]").last.hover()
        return page.get_by_role("tooltip").inner_text()

    assert panel.locator("output").inner_text() == "80"
    assert "time 80" in told()
    before = panel.locator(".stroke").first.get_attribute("d")
    slider.focus()
    page.keyboard.press("Home")
    assert panel.locator("output").inner_text() == "20"
    assert "time 20" in told()
    assert panel.locator(".stroke").first.get_attribute("d") != before
    assert panel.locator(".stroke").count() == 5
    panel.get_by_role("checkbox").first.uncheck()
    assert panel.locator(".stroke").count() == 4
    panel.get_by_label("Noise").select_option(label="input noise")
    assert "inputs 0.1" in told()
    panel.get_by_label("What is drawn").select_option(label="part of the noise-free score")
    assert panel.locator(".whisker").count() == 0
    panel.get_by_label("Noise").select_option(label="running time, no noise")
    assert slider.is_disabled()
    assert "no noise" in told()


def test_where_nothing_can_be_drawn_there_is_nothing_to_save(visit, tmp_path):
    page = visit(
        written([Made(lambda *_: 0.0, noise={"rates": (1e-6, 2e-6)}, running_times=(20, 80))], tmp_path)
    )
    panel = page.locator(".explorer")
    save = panel.get_by_role("button", name="Save this figure as SVG")
    assert save.is_enabled()
    # Magnitudes of any size have places of their own.
    assert len({mark["x"] for mark in panel.locator(".mark[data-c]").evaluate_all(
        "found => found.map((one) => ({x: Math.round(one.getBoundingClientRect().x)}))")}) == 3  # fmt: skip
    panel.get_by_label("What is drawn").select_option(label="part of the noise-free score")
    assert "Of a noise-free score of 0 no part can be kept." in panel.inner_text()
    assert save.is_disabled()
    panel.get_by_role("checkbox").first.uncheck()
    assert "No design is chosen." in panel.inner_text()


def test_long_words_break_and_do_not_widen_the_page(visit, tmp_path):
    made = [Made(lambda *_: 0.9, label="L" * 200, noise={"rates": (0.1,)})]
    plan = synthetic.plan(made)
    summaries = [synthetic.summary(m) for m in made]
    file = tmp_path / "long.html"
    metrics = summarise_sweep(plan, summaries)
    write_report(replace(plan, title="T" * 300), summaries, metrics, synthetic.accounts(plan), file)
    page = visit(file, width=390)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390


def test_tables_are_sorted_and_filtered(visit, sample):
    page = visit(sample)
    table = page.locator("#first-1 table")
    header = table.get_by_role("columnheader").nth(2)
    header.get_by_role("button").click()
    assert header.get_attribute("aria-sort") == "ascending"
    keys = table.locator("tbody td:nth-child(3)").evaluate_all(
        "cells => cells.map((c) => Number(c.dataset.key))"
    )
    assert keys == sorted(keys)
    assert len(set(keys)) > 1
    header.get_by_role("button").click()
    turned = table.locator("tbody td:nth-child(3)").evaluate_all(
        "cells => cells.map((c) => Number(c.dataset.key))"
    )
    assert turned == keys[::-1]

    page.locator("#coverage summary").first.click()
    field = page.get_by_label("Filter rows of Coverage by cell")
    rows = page.locator("#coverage table").first.locator("tbody tr:visible")
    every = rows.count()
    field.fill("iris sharp rates")
    assert 0 < rows.count() < every
    assert all("Iris, sharp" in text and "rates" in text for text in rows.all_inner_texts())
    field.fill("")
    assert rows.count() == every


def saved(page, press) -> tuple[str, bytes]:
    """Return name and content of the file that a press of a button saves."""
    with page.expect_download() as waiting:
        press.click()
    return waiting.value.suggested_filename, Path(waiting.value.path()).read_bytes()


def test_tables_figures_and_the_sweep_are_saved(visit, sample, tmp_path):
    page = visit(sample)
    name, content = saved(page, page.get_by_role("button", name="All cells as CSV"))
    rows = list(csv.DictReader(content.decode().splitlines()))
    with xr.open_dataset(sample.with_name("robustness.nc")) as stored:
        table = table_rows(stored.load(), "cell")
    assert name == "made-up-cells.csv"
    assert len(rows) == len(table)
    for row, expected in zip(rows, table, strict=True):
        assert (row["dataset"], row["design"]) == (expected["dataset"], expected["activation"])
        assert float(row["score"]) == pytest.approx(expected["score"], abs=1e-4)

    name, content = saved(page, page.locator("#first-1").get_by_role("button", name="Save this table as CSV"))
    lines = list(csv.reader(content.decode().splitlines()))
    assert name.endswith(".csv")
    assert lines[0][0] == "Design"
    assert [len(line) for line in lines] == [len(lines[0])] * 6

    name, content = saved(page, page.get_by_role("button", name="Sweep file as YAML"))
    assert name == "made-up.yaml"
    assert yaml.safe_load(content)["name"] == "made-up"

    name, content = saved(
        page, page.locator("#first-1").get_by_role("button", name="Save this figure as SVG")
    )
    drawing = ElementTree.fromstring(content)
    assert name.endswith(".svg")
    assert drawing.tag == "{http://www.w3.org/2000/svg}svg"
    words = [text for text in drawing.itertext() if text.strip()]
    assert {"smooth", "rate noise", "1.00"} <= set(words)
    assert b"var(--" not in content
    assert b"data-c" not in content

    name, content = saved(
        page, page.locator("#curves").get_by_role("button", name="Save this figure as PNG").first
    )
    assert name.endswith(".png")
    assert content.startswith(b"\x89PNG")


def test_a_hostile_label_stays_text(visit, tmp_path):
    attack = "<img src=x onerror=alert(1)>"
    made = [
        Made(lambda t, k, m, r: 0.5 + 0.1 * (r % 5), label=attack),
        Made(lambda t, k, m, r: 1.0, label="b", role="sharp", h=1e-4),
    ]
    page = visit(written(made, tmp_path))
    cells = page.locator("svg.atlas [data-c]")
    cells.first.hover()
    assert attack in page.get_by_role("tooltip").inner_text()
    cells.first.click()
    assert attack in page.get_by_role("dialog").inner_text()
    assert page.locator("img").count() == 0


def test_a_page_stays_small(sample):
    assert sample.stat().st_size < 3e6
