"""What README and docs show works as they say, and every link in them leads somewhere."""

from __future__ import annotations

import ast
import contextlib
import importlib
import inspect
import re
import runpy
import shlex
import shutil
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

import crnsim
import crnsim.interactive
from crnsim.cli.parser import _parser
from crnsim.cli.project_options import split
from crnsim.search.read import read_search
from crnsim.sweep.config.read import read_sweep

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
ADDRESS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]["Homepage"] + "/"
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *(
        path
        for folder in ("docs", "config", "profiles", "benchmarks")
        for path in (ROOT / folder).rglob("*.md")
    ),
]
PAGES = sorted(path for path in PAGES if "_build" not in path.parts)
TUTORIALS = sorted((DOCS / "tutorial").glob("*.md"))
#: Pages whose code is run by a test of their own.
ELSEWHERE = {
    "activations.md": "test_own_activation.py",
    "circuits.md": "test_own_circuit.py",
    "formats.md": "test_interchange.py",
    "methods.md": "test_methods.py",
    "networks.md": "test_networks_page.py",
    "noise-kinds.md": "test_own_noise.py",
    "papers.md": "test_own_paper.py",
    "python.md": "test_public_names.py",
}
#: What stands before the first block of a page: words of its text, as code.
BEFORE = {
    "chemistry.md": """
import numpy as np
W1, b1, W2, b2 = np.ones((3, 2)), np.zeros(3), np.ones((1, 3)), np.zeros(1)
x = np.ones(2)
""",
    "clocked.md": """
import numpy as np
weights = [(np.ones((3, 2)), np.zeros(3)), (np.ones((1, 3)), np.zeros(1))]
x_train, y_train = np.eye(4, 2), np.ones((4, 1))
""",
    "datasets.md": """
from pathlib import Path
Path("data").mkdir()
rows = [f"{n % 7},{n % 5},{n % 3}" for n in range(60)]
Path("data/wine.csv").write_text("acid,sugar,quality\\n" + "\\n".join(rows))
""",
    "stochastic.md": "import numpy as np",
    "sweeps.md": "from crnsim.cli.parser import main\nmain(['train', 'xor', '--epochs', '2', '-o', 'xor.nc'])",
}


def blocks(path: Path, *languages: str) -> list[str]:
    """Return the blocks of a page in some languages; what needs commands that there are not yet is left out."""
    known = commands()
    found = re.findall(
        r"(?:<!-- needs: (.*?) -->\n)?^```(\w*)\n(.*?)^```", path.read_text(), re.MULTILINE | re.DOTALL
    )
    return [
        text
        for needs, language, text in found
        if language in languages
        and all(word.removeprefix("crnsim ") in known for word in needs.split(", ") if word)
    ]


def commands() -> set[str]:
    """Return the commands that `crnsim` has."""
    return {name for action in _parser()._actions if action.choices for name in action.choices}


def lines_of_commands(path: Path) -> Iterator[list[str]]:
    """Yield the words of every command line that a page shows, in blocks and indented."""
    text = path.read_text()
    for needs, block in re.findall(
        r"<!-- needs: (.*?) -->\n```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL
    ):
        if not all(word.removeprefix("crnsim ") in commands() for word in needs.split(", ")):
            text = text.replace(block, "")
    shown = re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    shown += re.findall(r"^    \S.*", text, re.MULTILINE)
    for line in re.findall(r"^ *((?:crnsim|make|snakemake) .*)$", "\n".join(shown), re.MULTILINE):
        for part in line.split(" && "):
            yield shlex.split(part, comments=True)


def named(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


WITH_PYTHON = [page for page in PAGES if re.search("^```python", page.read_text(), re.MULTILINE)]


@pytest.mark.parametrize("page", WITH_PYTHON, ids=named)
def test_the_python_of_a_page_runs(page, finished, tmp_path, capsys):
    if page.name in ELSEWHERE and page.parent == DOCS:
        assert f'"{page.name}"' in (ROOT / "tests" / ELSEWHERE[page.name]).read_text()
        return
    import matplotlib.pyplot as plt

    # Results that pages speak of; here those of a smaller sweep.
    shutil.copytree("results/small", "results/quick")
    shutil.copytree("results/small", "quick")
    (tmp_path / "xor.nc").unlink(missing_ok=True)
    for name, text in files_shown(page).items():
        Path(name).write_text(text)
    scope = {"crnsim": crnsim, "__name__": "page"}
    exec(BEFORE.get(page.name, ""), scope)
    for code in blocks_in_order(page):
        exec(compile(code.replace("replicates=1000", "replicates=20"), named(page), "exec"), scope)
    plt.close("all")


def files_shown(page: Path) -> dict[str, str]:
    """Return the files that the blocks of a page are, by their names in a first line of comment."""
    found = re.findall(
        r"^```\w+\n((?:#|//) ([\w-]+\.\w+)\n.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL
    )
    return {name: text for text, name in found}


def blocks_in_order(page: Path) -> Iterator[str]:
    """Yield the Python of a page; commands of a tutorial become Python that runs them."""
    for block in blocks(page, "python", *(["bash"] if page in TUTORIALS else [])):
        try:
            ast.parse(block)
            yield block
        except SyntaxError:
            lines = [shlex.split(line, comments=True) for line in block.splitlines()]
            ours = [words[1:] for words in lines if words[:1] == ["crnsim"]]
            calls = [f"assert main({words!r}) == 0" for words in ours if words[0] not in ("init", "run")]
            yield "\n".join(["from crnsim.cli.parser import main", *calls])


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_commands_on_a_page_are_ones(page):
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    shown = set(files_shown(page)) | {"FILE"}
    files = []
    for words in lines_of_commands(page):
        if words[0] == "crnsim":
            with contextlib.suppress(SystemExit):  # of --help
                _parser().parse_args(split(words[1:])[0])
        elif words[0] == "make":
            assert words[1] in targets, words
            files += [word.removeprefix("SWEEP=") for word in words if word.startswith("SWEEP=")]
        else:
            for option in ("--configfile", "--workflow-profile"):
                files += words[words.index(option) + 1 :][:1] if option in words else []
    missing = [name for name in files if name not in shown and not (ROOT / name).exists()]
    assert all(Path(name).name == name for name in missing), missing  # one's own, in the folder where it runs


#: What a part of a sweep file is a part of.
COMMON = {"datasets": ["xor"], "activations": {"a": {"name": "squareplus", "h": 0.1}}, "running_times": [10]}
WITH_YAML = [page for page in PAGES if blocks(page, "yaml") and page.name != "dask.md"]


@pytest.mark.parametrize("page", WITH_YAML, ids=named)
def test_the_sweep_files_of_a_page_are_read(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    if (
        page.name in ELSEWHERE
        and f'sweeps_of("{page.name}")' in (ROOT / "tests" / ELSEWHERE[page.name]).read_text()
    ):
        return
    for name, text in files_shown(page).items():
        Path(name).write_text(text)
    exec(BEFORE["datasets.md"], {})
    (tmp_path / "config").symlink_to(ROOT / "config")
    for text in blocks(page, "yaml"):
        given = yaml.safe_load(text)
        if "search" in given:
            Path("shown.yaml").write_text(text)
            read_search("shown.yaml")
            continue
        if "tuned" in given:  # learning rates of one sweep
            given = (
                yaml.safe_load((ROOT / "config" / "sweeps" / Path(given["tuned"]).name).read_text()) | given
            )
        elif "network" not in given:
            given = COMMON | given
        if ":" in str(given.get("activations")) + str(given.get("claims")) and "my_" in text:
            continue  # code of one's own, which a test of that page imports
        Path("shown.yaml").write_text(yaml.safe_dump(given))
        read_sweep("shown.yaml")


# --- links ---


def anchors(path: Path) -> set[str]:
    """Return the anchors of the headings of a Markdown file, as GitHub makes them."""
    text = re.sub(r"^```.*?^```", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    plain = [
        re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").strip().lower()
        for heading in headings
    ]
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_leads_somewhere(page):
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    lost = []
    for link in re.findall(r"\]\(([^()\s]+)\)", re.sub(r"`[^`\n]*`", "", text)):
        path, _, anchor = link.partition("#")
        if path.startswith(ADDRESS):
            target = ROOT / re.sub(r"^(?:blob|tree|raw)/main/", "", path.removeprefix(ADDRESS))
        elif re.match(r"[a-z]+:", path):
            continue
        else:
            target = (page.parent / path).resolve() if path else page
        found = target.exists() and target.is_relative_to(ROOT)
        if not found or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            lost.append(link)
    assert not lost


def test_every_page_is_in_the_contents():
    links = set(re.findall(r"^\* \[[^\]]*\]\(([\w/-]+\.md)\)", (DOCS / "index.md").read_text(), re.MULTILINE))
    pages = {path.relative_to(DOCS).as_posix() for path in PAGES if path.is_relative_to(DOCS)}
    assert pages - links == {"index.md"}


def test_readme_is_short_and_its_links_work_where_a_package_index_shows_it():
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) <= 120
    links = re.findall(r"\]\(([^()\s]+)\)", text)
    shown = runpy.run_path(str(ROOT / "setup.py"))["description"]()
    whole = re.findall(r"\]\(([^()\s]+)\)", shown)
    assert len(whole) == len(links) > 10
    for link, address in zip(links, whole, strict=True):
        if re.match(r"[a-z]+:", link):
            assert address == link
        else:
            kind, _, path = address.removeprefix(ADDRESS).partition("/main/")
            assert path == link
            assert kind == ("raw" if link.endswith(".png") else "tree" if (ROOT / link).is_dir() else "blob")
    assert re.sub(r"\(\S+\)", "", shown) == re.sub(r"\(\S+\)", "", text)


# --- the site ---


@pytest.fixture
def site(monkeypatch):
    """Return the extension modules of the site, by name."""
    pytest.importorskip("sphinx")
    monkeypatch.syspath_prepend(DOCS / "_ext")
    return importlib.import_module


def test_links_out_of_the_pages_become_addresses(site):
    links = site("repository_links")
    page = DOCS / "cluster.md"
    told = "[a](../profiles/slurm/README.md#logs) [b](dask.md#tls) ![c](x.png) [d](../config/README.md)"
    told += "\n```\n[e](../x)\n```\n"
    assert links.for_the_site(told, page, page) == (
        f"[a]({ADDRESS}blob/main/profiles/slurm/README.md#logs) [b](dask.md#tls) ![c](x.png) [d](reference/keys.md)"
        "\n```\n[e](../x)\n```\n"
    )
    said = links.for_the_site(
        "![w](work.png) [c](../docs/dask.md)", ROOT / "benchmarks/README.md", DOCS / "benchmarks.md"
    )
    assert said == "![w](../benchmarks/work.png) [c](dask.md)"


def test_defaults_are_said_where_parameters_are(site):
    words = site("api_defaults")

    def f(a, rtol=1e-3, atol=None, *, name="auto"):
        """Nothing.

        Parameters
        ----------
        a : float
        rtol : float
            Relative.
        atol : float, optional
        name : str

        Returns
        -------
        name : str
        """

    made = words.with_defaults(inspect.getdoc(f).splitlines(), words.defaults(f))
    assert [line for line in made if " : " in line] == [
        "a : float",
        "rtol : float, default ``0.001``",
        "atol : float, optional",
        "name : str, default ``'auto'``",
        "name : str",
    ]


def test_the_reference_of_commands_names_every_option(site):
    reference = site("cli_reference")
    text = reference.as_markdown()
    for name, parser in reference.commands().items():
        part = text.partition(f"## crnsim {name}\n")[2].partition("\n## ")[0]
        for option in (
            word for action in parser._actions for word in action.option_strings if action.dest != "help"
        ):
            assert option in part, (name, option)


PUBLIC = [name for name in crnsim.__all__ if not name.startswith("_")]


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_is_documented_with_its_parameters(name):
    page = (DOCS / "reference" / "api.md").read_text()
    assert re.search(rf"^\.\. (?:auto|py:)\w+:: crnsim\.{name}(\(.*)?$", page, re.MULTILINE), (
        f"{name} is not in reference/api.md"
    )
    thing = crnsim.interactive.run_sweep if name == "sweep" else getattr(crnsim, name)
    if not inspect.isfunction(thing):
        assert inspect.getdoc(thing)
        return
    sections = re.split(r"^(\w+)\n-+\n", inspect.getdoc(thing), flags=re.MULTILINE)
    told = dict(zip(sections[1::2], sections[2::2], strict=True)).get("Parameters", "")
    entries = [line.partition(" : ")[0].lstrip("*") for line in told.splitlines() if line and line[0] != " "]
    assert entries == list(inspect.signature(thing).parameters)  # one entry each, in their order


# --- the gallery ---

SCRIPTS = sorted((DOCS / "gallery").glob("*.py"))


def test_the_gallery_lists_its_scripts_by_their_titles(site, tmp_path):
    gallery = site("gallery")
    listed = dict(
        re.findall(r"^\* \[(.*)\]\((.*)\)$", (DOCS / "gallery" / "index.md").read_text(), re.MULTILINE)
    )
    assert len(SCRIPTS) >= 10
    assert listed == {gallery.example(path, tmp_path).title: path.name for path in SCRIPTS}


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_of_the_gallery_is_short_and_uses_what_is_public(path):
    text = path.read_text()
    assert len(text.split('"""', 2)[2].strip().splitlines()) < 40
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and node.module.startswith("crnsim"):
            module = importlib.import_module(node.module)
            assert {alias.name for alias in node.names} <= set(module.__all__)


def test_a_script_is_run_once_and_its_picture_kept(site, tmp_path, monkeypatch):
    gallery = site("gallery")
    script = tmp_path / "dots.py"
    script.write_text(
        '"""Dots.\n\nThree of them.\n"""\n\nimport matplotlib.pyplot as plt\n\nplt.plot([1, 2])\nprint(3)\n'
    )
    made = gallery.finished(script, tmp_path / "kept")
    assert made.picture.read_bytes()[1:4] == b"PNG"
    text = gallery.page(made, tmp_path)
    assert text.startswith("# Dots\n\nThree of them.\n\n![Dots](kept/dots-")
    assert "```python\nimport matplotlib" in text
    assert "```text\n3\n```" in text
    monkeypatch.setattr(gallery, "run", lambda script: pytest.fail("it was run again"))
    assert gallery.finished(script, tmp_path / "kept") == made
    script.write_text('"""Dots."""\n')
    with pytest.raises(ValueError, match="must start with a docstring"):
        gallery.finished(script, tmp_path / "kept")


# --- how to cite ---


def test_the_citation_file_is_valid():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    # Required by the format (https://doi.org/10.5281/zenodo.5171937), version 1.2.0.
    assert {"cff-version", "message", "title", "authors"} <= set(cited)
    allowed = {
        "abstract",
        "contact",
        "date-released",
        "doi",
        "identifiers",
        "keywords",
        "license",
        "license-url",
    }
    allowed |= {
        "preferred-citation",
        "references",
        "repository",
        "repository-artifact",
        "repository-code",
        "type",
        "url",
    }
    assert set(cited) <= allowed | {"cff-version", "message", "title", "authors", "version", "commit"}
    assert cited["cff-version"] == "1.2.0"
    assert cited["type"] == "software"
    assert cited["version"] == crnsim.__version__
    assert cited["repository-code"].rstrip("/") == ADDRESS.rstrip("/")
    person = {"family-names", "given-names", "name-particle", "name-suffix", "affiliation", "orcid"}
    for one in [cited, *cited["references"]]:
        assert one["authors"]
        for author in one["authors"]:
            assert author.get("name") or set(author) <= person, author
        assert one["title"]
        assert one["type"]
    for reference in cited["references"]:
        assert re.fullmatch(r"10\.\d{4,}/\S+", reference["doi"])
        assert isinstance(reference["year"], int)
