"""Settings of the documentation site: `make docs` builds it from the Markdown files here, offline."""

from __future__ import annotations

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE.parent)]
# What the gallery draws goes to files, whatever screen there is.
os.environ["MPLBACKEND"] = "Agg"

from crnsim import __version__  # noqa: E402

project = "crnsim"
author = "the crnsim authors"
project_copyright = author
version = release = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",  # for the role `autolink`
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "api_defaults",
    "cli_reference",
    "gallery",
    "notebooks",
    "repository_links",
]
exclude_patterns = ["_build", "_ext", "_static", "conf.py"]
source_suffix = {
    ".md": "markdown",
    ".py": "markdown",
    ".ipynb": "markdown",
}  # scripts and notebooks become pages

myst_enable_extensions = ["deflist"]
myst_heading_anchors = 4
# A block without a language, or of one that Pygments does not know, is shown as it is.
highlight_language = "none"
suppress_warnings = ["misc.highlighting_failure"]

autodoc_typehints = "none"  # docstrings say them in words
autodoc_member_order = "bysource"
napoleon_google_docstring = False
napoleon_use_rtype = False
default_role = "autolink"
nitpicky = True
# No address is fetched, so that types of other libraries, and types in words, have no page to point to.
# Tables and modules that docstrings name; files have them, and no page.
NAMED = ("circuits.CIRCUITS", "kinetics", "network.reader", "noise.NOISE_KINDS", "solvers.METHODS")
nitpick_ignore = [("py:obj", f"crnsim.{name}") for name in NAMED]
nitpick_ignore_regex = [("py:.*", r"(?!crnsim\.).*")]

html_theme = "furo"
html_title = f"crnsim {version}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
