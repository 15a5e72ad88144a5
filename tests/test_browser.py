"""The report in a real browser: nothing fails or is fetched; it reads on a phone, in the dark, printed, by keyboard."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import synthetic
from synthetic import Made

from crnsim.report import write_report
from crnsim.sweep.run.metrics import summarise_sweep

#: Sheets of A4 that the large sample takes at most. Twelve are wanted; this is what holds today.
MOST_SHEETS = 34


def written(made: list[Made], folder: Path) -> Path:
    """Write the page of a synthetic sweep to a folder."""
    plan, summaries = synthetic.plan(made), [synthetic.summary(m) for m in made]
    file = folder / "page.html"
    write_report(plan, summaries, summarise_sweep(plan, summaries), synthetic.accounts(plan), file)
    return file


@pytest.fixture(scope="module")
def sample(chromium, tmp_path_factory) -> Path:
    """Return the file of a large page; it is made only where there is a browser."""
    return written(synthetic.large(), tmp_path_factory.mktemp("large"))


def test_a_page_opens_without_errors_requests_or_breaches_of_its_policy(visit, sample):
    page = visit(sample)
    page.mouse.wheel(0, 5000)
    assert page.locator("h1").inner_text() == "A made-up sweep"


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
