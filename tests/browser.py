"""Pages in a real browser: headless Chromium, driven by Playwright, from files and without a network.

A test takes the fixture `visit` and opens a page with it; each visit has a profile of its own, and the test fails at
its end if any page made an error, asked for another file, or broke its Content-Security-Policy::

    def test_a_tip_appears(visit, sample):
        page = visit(sample, width=390, dark=True)       # a playwright.sync_api.Page, loaded
        page.hover("svg .cell >> nth=0")
        assert page.locator(".tip").is_visible()

`sample` in `test_browser.py` is the file of a large page of synthetic results; `written(made, folder)` there makes
another. What a page is expected to do wrong is forgotten by ``visit.faults.clear()``; files that it saves are met with
``page.expect_download()``. Policies hold here as for a reader, and none allows `eval`: give ``page.evaluate`` a
function, and wait with locators (``page.locator(...).wait_for()``, `playwright.sync_api.expect`), not with
``page.wait_for_function``.

The browser is started once for a file of tests and ended with it: while it lives, an event loop runs in this thread,
which tests with a loop of their own (Dask's) must not find. It is what the environment variable CRNSIM_TEST_BROWSER
names, or the first of `NAMES` on the path; without one these tests are skipped.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page, Request

#: Commands that start a Chromium, and where macOS has it.
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC = ("Google Chrome", "Chromium")
#: As root, on a machine without a screen; nothing of its own goes to the network.
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
# What breaks the policy is noted before any script of the page runs.
_WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", function (event) {
  window.violations.push(event.violatedDirective + " " + (event.blockedURI || ""));
});
"""


def find_browser() -> str | None:
    """Return the browser to test with; None where there is none."""
    given = os.environ.get("CRNSIM_TEST_BROWSER")
    if given:
        found = shutil.which(given)
        assert found, f"CRNSIM_TEST_BROWSER={given}: there is no such program; name a Chromium or Chrome"
        return found
    apps = [f"/Applications/{name}.app/Contents/MacOS/{name}" for name in MAC]
    return next(filter(None, map(shutil.which, (*NAMES, *apps))), None)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Start a browser for the tests of a file."""
    path = find_browser()
    if path is None:
        pytest.skip(
            f"no browser: none of {', '.join(NAMES)} is installed, and CRNSIM_TEST_BROWSER names none"
        )
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


class Visits:
    """Opens pages, each in a profile of its own, and notes in `faults` what goes wrong in them."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self.faults: list[str] = []
        self._pages: list[Page] = []

    def __call__(
        self,
        file: Path,
        *,
        width: int = 1280,
        height: int = 900,
        dark: bool = False,
        script: bool = True,
        **more: Any,
    ) -> Page:
        """Open a file in a window of so many pixels; `more` goes to ``Browser.new_context``."""
        context = self.browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            java_script_enabled=script,
            offline=True,
            **more,
        )
        context.set_default_timeout(30_000)
        context.add_init_script(_WATCH)
        page = context.new_page()
        address = file.resolve().as_uri()
        page.on("console", self._note_message)
        page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        page.on("request", lambda request: self._note_request(request, address))
        page.goto(address)
        self._pages.append(page)
        return page

    def _note_message(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.faults.append(f"console: {message.text}")

    def _note_request(self, request: Request, address: str) -> None:
        if request.url.split("#")[0] != address and not request.url.startswith(("data:", "blob:")):
            self.faults.append(f"request: {request.url}")

    def close(self) -> None:
        """Close what was opened; what broke a policy counts among the faults."""
        while self._pages:
            page = self._pages.pop()
            violations = page.evaluate("() => window.violations || []")
            self.faults += [f"policy: {violation}" for violation in violations]
            page.context.close()


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Visits]:
    """Open pages; none may end with a fault."""
    visits = Visits(chromium)
    yield visits
    visits.close()
    assert visits.faults == []
